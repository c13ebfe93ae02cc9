"""Truth: mechanics of the customer database: whole or not at all, once, every rule with its count, nothing leaks."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import churnsim as cs
from churnsim.data.database import CustomerDatabase, PseudonymKey
from churnsim.errors import ConfigError, DataError

SECRET = b"0123456789abcdef-for-tests"


@pytest.fixture
def db(tmp_path):
    with CustomerDatabase(tmp_path / "customers.db") as database:
        yield database


def records(n: int = 40) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"id-{i % 10}" for i in range(n)],
            "date": pd.date_range("2024-01-01", periods=n, freq="36h"),
            "amount": [i + 0.25 for i in range(n)],
        }
    )


def csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


GERMAN = "Kunde;Tag;Betrag\n 007;25.03.2024;1.234,50\n8;01.02.2024;3,00\n8;02.02.2024;0,99\n"


def test_a_german_export_is_understood_and_the_findings_are_said(db, tmp_path):
    added = db.add(csv(tmp_path / "a.csv", GERMAN), customer_id="Kunde", date="Tag", amount="Betrag")
    assert added.added == 3
    assert added.trimmed_ids == 1
    assert "';'" in added.detected["delimiter"]
    assert added.detected["Tag"].startswith("day.month.year")
    assert "',' before the decimals" in added.detected["Betrag"]
    assert "1 customer ids without the white space" in str(added)
    log = db.transactions()
    assert log["customer_id"].tolist() == ["8", "8", "007"]
    assert log["amount"].tolist() == [3.0, 0.99, 1234.5]
    assert log["date"].tolist() == list(pd.to_datetime(["2024-02-01", "2024-02-02", "2024-03-25"]))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("customer_id,date,amount\né,2024-01-31,1.5\n", "utf-8-sig"),
        ("customer_id\tdate\tamount\né\t2024-01-31\t1.5\n", "utf-16"),
        ("customer_id|date|amount\r\né|31/01/2024 10:30|1.5\r\n", "utf-16-le"),
        ('note;customer_id;date;amount\n"a;b\nc";é;01-31-2024;1\'000.5\nx;é;2-1-2024;2\n', "utf-8"),
        ("customer_id,date,amount\ré,20240131,1.5\r", "utf-8"),
    ],
)
def test_encodings_delimiters_and_line_ends(db, tmp_path, text, encoding):
    added = db.add(csv(tmp_path / "a.csv", text, encoding))
    assert added.set_aside == 0
    log = db.transactions()
    assert set(log["customer_id"]) == {"é"}
    assert log["date"].dt.normalize().iloc[0] == pd.Timestamp("2024-01-31")


def test_every_kind_of_source_gives_the_same_rows(tmp_path):
    frame = records()
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    sources = [
        frame, pa.Table.from_pandas(frame), pl.from_pandas(frame), tmp_path / "a.csv", tmp_path / "a.parquet",
        tmp_path / "a.xlsx",
    ]  # fmt: skip
    logs = []
    for number, source in enumerate(sources):
        with CustomerDatabase(tmp_path / f"{number}.db") as db:
            db.add(source)
            logs.append(db.transactions())
    for log in logs[1:]:
        pd.testing.assert_frame_equal(log, logs[0])


def test_the_same_records_twice_add_nothing(db, tmp_path):
    path = csv(tmp_path / "a.csv", GERMAN)
    options = {"customer_id": "Kunde", "date": "Tag", "amount": "Betrag"}
    db.add(path, **options)
    again = db.add(csv(tmp_path / "another-name.csv", GERMAN), **options)
    assert again.already
    assert "nothing added" in str(again)
    db.add(records())
    assert db.add(records()).already
    assert db.check().tables["transactions"] == 43


def test_it_summarises_as_churnsim_does(db):
    log = cs.datasets.cdnow()
    db.add(log)
    for until in (None, "1997-09-30"):
        expected = cs.summarise(log.assign(customer_id=log["customer_id"].astype(str)), until=until)
        # Sums of a customer's amounts in another order: 1e-12 of their size.
        pd.testing.assert_frame_equal(db.summarise(until=until), expected, rtol=1e-12, check_index_type=False)


def test_repeat_spend_survives_a_first_purchase_that_dwarfs_it(db):
    frame = pd.DataFrame({"customer_id": ["a"] * 3 + ["b"] * 2, "amount": [1e12, 0.01, 0.02, 5.0, 0.0]}).assign(
        date=pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-01", "2024-01-02"])
    )
    db.add(frame)
    assert db.summarise()["monetary_value"].tolist() == pytest.approx([0.015, 0.0], rel=1e-12)


def test_each_rule_has_its_count(db, tmp_path):
    rows = [
        "a,2024-01-01T10:00:00+01:00,10,EUR", "a,2024-01-01T18:00:00+01:00,5,EUR", "a,2024-02-01,0,EUR",
        "b,2024-01-05,7,USD", "b,2024-01-05,7,USD", "b,2024-01-09,-7,USD", " c,2024-01-05,1,EUR", "d,2024-13-05,1,EUR",
    ]  # fmt: skip
    path = csv(tmp_path / "a.csv", "customer_id,date,amount,currency\n" + "\n".join(rows) + "\n")
    added = db.add(path, most_bad=0.2)
    assert (added.rows, added.added, added.refunds, added.set_aside) == (8, 6, 1, 1)
    db.add(csv(tmp_path / "b.csv", "customer_id,date,amount,currency\nb,2024-01-05,7,USD\n"))
    report = db.check()
    counts = {finding.rule: finding.count for finding in report.findings}
    assert counts["rows set aside"] == 1
    assert counts["refunds (negative amounts)"] == 1
    assert counts["amounts of zero"] == 1
    assert counts["rows that repeat another in every column"] == 2
    assert counts["of these, repeats of a row of another file"] == 1
    assert counts["further purchases of a customer on one day"] == 3
    assert counts["currencies"] == 2
    assert counts["dates with a time zone"] == 2
    assert counts["customer ids without the white space around them"] == 1
    aside = db.table("set_aside").iloc[0]
    assert (aside["row_number"], aside["column_name"], aside["value"]) == (9, "date", "'2024-13-05'")
    assert report.customers == 3


def test_currencies_are_never_added_up_unasked(db, tmp_path):
    rows = "a,2024-01-01,10,EUR\na,2024-01-02,10,USD\na,2024-01-03,10,EUR\n"
    db.add(csv(tmp_path / "a.csv", "customer_id,date,amount,currency\n" + rows))
    with pytest.raises(DataError, match="2 currencies"):
        db.summarise()
    with pytest.raises(DataError, match="says nothing of 'EUR'"):
        db.summarise(exchange_rates={"USD": 1})
    summary = db.summarise(exchange_rates={"USD": 1, "EUR": 1.5})
    assert summary.loc["a", "monetary_value"] == pytest.approx((10 + 15) / 2)


def test_customers_seen_before_the_window_can_be_left_out(db):
    frame = pd.DataFrame({"customer_id": ["old", "old", "new"], "amount": 1.0}).assign(
        date=pd.to_datetime(["2023-06-01", "2024-02-01", "2024-03-01"])
    )
    db.add(frame)
    assert db.summarise(first_from="2024-01-01").index.tolist() == ["new"]


def test_an_id_for_everybody_is_noticed(db):
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(200)] + ["guest"] * 300, "amount": 1.0})
    db.add(frame.assign(date=pd.Timestamp("2024-01-01")))
    assert db.check().count("ids that may stand for several customers") == 1


def test_repeats_can_be_set_aside(db):
    frame = records(10)
    db.add(frame)
    added = db.add(pd.concat([frame, records(12)]), duplicates="set_aside", most_bad=0.9)
    assert added.added == 2
    assert added.set_aside == 20
    assert db.check().tables["transactions"] == 12


def test_an_overlap_and_orders_that_did_not_come_about_are_said(db, tmp_path):
    rows = [
        "7;25.03.2024;1,50;bezahlt",
        "8;26.03.2024;2,00;storniert",
        ";27.03.2024;2,00;storniert",
        "7;28.03.2024;-1,50;erstattet",
    ]
    head, later = "Kunde;Tag;Betrag;Status", ["9;02.04.2024;3,00;bezahlt"]
    first, second = (
        csv(tmp_path / f"{name}.csv", "\n".join([head, *part]))
        for name, part in (("March", rows), ("April", [*rows[1:], *later]))
    )
    words = {"customer_id": "Kunde", "date": "Tag", "amount": "Betrag", "guests": "apart"}
    added = db.add(first, **words)
    # The guest's row is no purchase here, and the refund is one by its minus.
    assert (added.undone, added.repeated) == ({"Status": {"storniert": 1}}, 0)
    again = db.add(second, **words)
    assert again.repeated == 2
    assert "2 of the rows kept repeat a row of an earlier import" in str(again)
    log = db.transactions()
    assert log.attrs["reading"]["undone"] == {"Status": {"storniert": 2}}
    assert not log.attrs["set_aside"], "guests are no bad rows"
    db.undo(db.table("loads")["checksum"].iloc[-1])
    third = db.add(second, **words, duplicates="set_aside", leave_out={"Status": ["storniert", "Storno"]})
    assert (third.undone, third.repeated, third.added) == ({}, 0, 1)
    assert "no rows with 'Storno' in 'Status'" in str(third), "a value that no row has may be misspelt"


@pytest.mark.parametrize("times", [("12:05 AM", "01:30 PM"), ("12:05:10AM", "1:30:00PM")])
def test_a_clock_of_twelve_hours_is_read(times, db, tmp_path):
    rows = [f"7,06/13/2024 {times[0]},1.50", f"7,06/14/2024 {times[1]},1.50"]
    db.add(csv(tmp_path / "us.csv", "\n".join(["customer_id,date,amount", *rows])))
    assert db.transactions()["date"].dt.strftime("%m-%d %H:%M").tolist() == ["06-13 00:05", "06-14 13:30"]


def test_the_other_tables(db):
    base = {"customer_id": ["a", "b"], "date": ["2024-01-01", "2024-01-02"]}
    db.add(pd.DataFrame({**base, "kind": ["mail", "call"], "cost": [1.5, None]}), table="contacts", channel="kind")
    db.add(pd.DataFrame({**base, "reason": ["late", None], "answered": ["2024-01-05", None]}), table="complaints")
    db.add(pd.DataFrame({**base, "q": ["nps", "nps"], "answer": ["9", "3"]}), table="survey_answers", question="q")
    ends = pd.DataFrame({"customer_id": ["a", "b"], "start": "2024-01-01", "end": ["2199-01-01", None], "price": 9.9})
    db.add(ends, table="subscriptions")
    assert db.check().tables == {
        "transactions": 0, "contacts": 2, "complaints": 2, "survey_answers": 2, "subscriptions": 2, "spend": 0,
        "referrals": 0, "win_backs": 0, "offers": 0,
    }  # fmt: skip
    assert db.table("contacts")["channel"].tolist() == ["mail", "call"]
    assert db.table("subscriptions")["end"].isna().tolist() == [False, True]
    with pytest.raises(ConfigError, match="cannot do without"):
        db.add(records(), table="survey_answers", question=None)
    with pytest.raises(ConfigError, match="has no column 'colour'"):
        db.add(records(), colour="x")
    with pytest.raises(ConfigError, match="columns must be a mapping"):
        db.add(records(), columns=["customer_id"])
    for name in ("meta; DROP TABLE loads", ["contacts"]):
        with pytest.raises(ConfigError, match="unknown table"):
            db.table(name)


def test_an_error_in_the_middle_leaves_no_trace(db, monkeypatch):
    from churnsim.data.database import loading

    db.add(records(10))
    frame = records(300)
    original = loading._Load._put_aside
    monkeypatch.setattr(loading._Load, "_put_aside", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        db.add(frame)
    monkeypatch.setattr(loading._Load, "_put_aside", original)
    assert db.check().tables["transactions"] == 10
    assert db.add(frame).added == 300


KILLED = """
import os, signal, sys
import pandas as pd
from churnsim.data.database import CustomerDatabase, loading
after = int(sys.argv[2])
put = loading._Load._put_aside
seen = [0]
def counted(self, piece):
    put(self, piece)
    seen[0] += 1
    if seen[0] == after:
        os.kill(os.getpid(), signal.SIGKILL)
loading._Load._put_aside = counted
from churnsim.data.tabular import arrow_source
arrow_source.ROWS = 1000
frame = pd.DataFrame({"customer_id": [f"k{i}" for i in range(20000)], "date": "2024-01-31", "amount": 1.0})
with CustomerDatabase(sys.argv[1]) as db:
    db.add(frame)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("after", [1, 15, 999])
def test_a_killed_process_leaves_all_or_nothing(tmp_path, after, interpreter):
    """Killed in the middle nothing is there; killed after the end (999 pieces never come) everything is."""
    path = tmp_path / "customers.db"
    with CustomerDatabase(path) as db:
        db.add(records(10))
    done = interpreter.run(KILLED, arguments=["", str(path), str(after)], where=tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with CustomerDatabase(path) as db:
        report = db.check()
        assert report.tables["transactions"] == (20_010 if after == 999 else 10)
        assert len(db.table("loads")) == (2 if after == 999 else 1)
        db.add(pd.DataFrame({"customer_id": ["x"], "date": ["2024-01-31"], "amount": [1.0]}))


def test_two_processes_do_not_share_a_file(tmp_path):
    code = (
        "import sys, time; from churnsim.data.database import CustomerDatabase; "
        "db = CustomerDatabase(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a.db")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(DataError, match="another process"):
            CustomerDatabase(tmp_path / "a.db")
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_files_that_are_no_database(tmp_path):
    (tmp_path / "text.db").write_text("hello" * 5000)
    with pytest.raises(DataError, match="cannot be used"):
        CustomerDatabase(tmp_path / "text.db")
    assert (tmp_path / "text.db").read_text() == "hello" * 5000
    import duckdb

    duckdb.connect(str(tmp_path / "other.db")).close()
    with pytest.raises(DataError, match="not a customer database"):
        CustomerDatabase(tmp_path / "other.db")
    CustomerDatabase(tmp_path / "views.db").close()
    with duckdb.connect(str(tmp_path / "views.db")) as other:  # a query may not stand where a table is expected
        other.execute("DROP TABLE transactions")
        other.execute("CREATE VIEW transactions AS SELECT 1 AS rowid, 'c' AS customer_id")
    with pytest.raises(DataError, match="not a customer database"):
        CustomerDatabase(tmp_path / "views.db")
    with pytest.raises(DataError, match="does not exist"):
        CustomerDatabase(tmp_path / "none.db", read_only=True)
    with pytest.raises(DataError, match="directory"):
        CustomerDatabase(tmp_path)


def test_the_database_reaches_nothing_outside_itself(db, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    import duckdb

    for attempt in (
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY transactions TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/other.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            db._connection.execute(attempt).fetchall()
    assert not (tmp_path / "out.csv").exists()


def test_paths_stay_in_the_directory_given(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    csv(tmp_path / "outside.csv", GERMAN)
    (inside / "link.csv").symlink_to(tmp_path / "outside.csv")
    records().to_csv(inside / "good.csv", index=False)
    with CustomerDatabase(tmp_path / "a.db", files_within=inside) as db:
        for path in ("../outside.csv", tmp_path / "outside.csv", "link.csv", "/etc/passwd"):
            with pytest.raises(DataError, match="leads outside"):
                db.add(path)
        with pytest.raises(DataError, match="leads outside"):
            db.export("transactions", "../out.csv")
        db.add("good.csv")
        assert db.export("transactions", "out.csv") == inside / "out.csv"


HOSTILE = [
    "Robert'); DROP TABLE transactions;--",
    '"; SELECT 1; --',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "\ufeff=1+1",
    " =1+1",
    "\u200b=1",
    "\uff1d1+1",
    "o'neil",
    'say "hi"',
    "a;b",
    "a,b",
    "new\nline",
    "tab\there",
    "%s%n",
    "{{7*7}}",
    "\\",
    "é" * 400,
]


def test_hostile_ids_change_nothing_and_come_out_as_text(db, tmp_path):
    frame = pd.DataFrame({"customer_id": HOSTILE, "date": "2024-01-31", "amount": 1.0})
    assert db.add(frame).added == len(HOSTILE)
    assert sorted(db.table("transactions")["customer_id"]) == sorted(text.strip() for text in HOSTILE)
    assert len(db.summarise()) == len({text.strip() for text in HOSTILE})
    for suffix in ("csv", "xlsx"):
        for table in ("transactions", "summary"):
            path = db.export(table, tmp_path / f"{table}.{suffix}")
            read = pd.read_csv(path, dtype=str) if suffix == "csv" else pd.read_excel(path, dtype=str)
            ids = read["customer_id"]
            assert len(ids) == len(HOSTILE)
            bare = ids.str.replace(r"^[\s\u200b-\u200f\u202a-\u202e\ufeff]+", "", regex=True)
            assert not bare.str.match(r"[=+\-@\uff1d]").any(), ids[bare.str.match(r"[=+\-@\uff1d]")].tolist()
            assert "'=cmd|' /C calc'!A0" in set(ids)
    exact = pd.read_parquet(db.export("transactions", tmp_path / "a.parquet"))
    assert sorted(exact["customer_id"]) == sorted(text.strip() for text in HOSTILE)


def test_hostile_column_and_file_names(db, tmp_path):
    column = 'day"; DROP TABLE loads; --'
    frame = pd.DataFrame({"<b>id</b>": ["a"], column: ["2024-01-31"], "=1+1": ["2"]})
    path = tmp_path / "x'; DROP TABLE loads;--.csv"
    frame.to_csv(path, index=False)
    db.add(path, customer_id="<b>id</b>", date=column, amount="=1+1")
    assert db.table("loads")["name"].tolist() == [path.name]
    exported = pd.read_csv(db.export("loads", tmp_path / "loads.csv"))
    assert exported["name"].tolist() == [path.name]


def test_exports_refuse_what_they_cannot_do(db, tmp_path):
    db.add(records())
    with pytest.raises(ConfigError, match=r"Use \.csv"):
        db.export("transactions", tmp_path / "a.html")
    with pytest.raises(ConfigError, match="does not exist"):
        db.export("transactions", tmp_path / "none" / "a.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_written_holds_a_raw_id(tmp_path):
    """Every file that the database and its exports leave behind is searched for the ids, also those of bad rows."""
    ids = [f"SECRET-{i:04d}-{i * 7919 % 10007}" for i in range(300)]
    lines = [f"{name},2024-01-{i % 28 + 1:02d},{i}.5" for i, name in enumerate(ids)]
    lines[7] += ",too,many"
    lines[8] = f"{ids[8]},not a date,1"
    lines[9] = f"a,b{ids[9]},{ids[9]}"
    path = csv(tmp_path / "in.csv", "customer_id,date,amount\n" + "\n".join(lines) + "\n")
    out = tmp_path / "out"
    out.mkdir()
    key = PseudonymKey(SECRET)
    with CustomerDatabase(out / "a.db", key=key) as db:
        added = db.add(path)
        assert added.set_aside == 3
        assert not any("SECRET-" in text for text in (str(added), repr(added), repr(key)))
        for table in ("transactions", "set_aside", "loads", "summary"):
            for suffix in ("csv", "xlsx", "parquet"):
                db.export(table, out / f"{table}.{suffix}")
        with pytest.raises(DataError) as caught:
            db.add(csv(tmp_path / "bad.csv", f"customer_id,date,amount\n{ids[0]},{ids[0]},1\n"), date_format="%d/%m/%Y")
        assert "SECRET-" not in str(caught.value)
        frame = db.transactions()
        assert len(frame) == 297
        assert frame["customer_id"].str.fullmatch("c[0-9a-f]{32}").all()
        assert key.pseudonym(ids[0]) in set(frame["customer_id"])
    for written in out.iterdir():
        content = written.read_bytes()
        if written.suffix == ".xlsx":
            import zipfile

            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = b"".join(archive.read(name) for name in archive.namelist())
        assert b"SECRET-" not in content, written.name
        assert SECRET not in content


def test_control_without_a_key_the_search_finds_the_ids(tmp_path):
    with CustomerDatabase(tmp_path / "a.db") as db:
        db.add(pd.DataFrame({"customer_id": ["SECRET-1"], "date": ["2024-01-31"], "amount": [1.0]}))
        db.export("transactions", tmp_path / "a.csv")
    assert b"SECRET-" in (tmp_path / "a.csv").read_bytes()


def test_pseudonyms_hold_together_and_need_their_key(tmp_path, monkeypatch):
    monkeypatch.setenv("CUSTOMER_KEY", SECRET.decode())
    (tmp_path / "key").write_bytes(SECRET + b"\n")
    key = PseudonymKey.from_environment("CUSTOMER_KEY")
    assert key.fingerprint() == PseudonymKey.from_file(tmp_path / "key").fingerprint()
    path = tmp_path / "a.db"
    with CustomerDatabase(path, key=key) as db:
        db.add(pd.DataFrame({"customer_id": [7, 8], "date": "2024-01-31", "amount": 1.0}))
        db.add(pd.DataFrame({"customer_id": ["7"], "date": "2024-02-01"}), table="contacts")
        assert set(db.table("contacts")["customer_id"]) < set(db.table("transactions")["customer_id"])
    with CustomerDatabase(path, read_only=True) as db:
        assert len(db.summarise()) == 2
    with CustomerDatabase(path) as db, pytest.raises(ConfigError, match="holds pseudonyms"):
        db.add(records())
    with pytest.raises(ConfigError, match="another key"):
        CustomerDatabase(path, key=PseudonymKey(b"another key of some length"))
    with pytest.raises(ConfigError, match="needs 16"):
        PseudonymKey(b"short")
    with pytest.raises(ConfigError, match="not set"):
        PseudonymKey.from_environment("NO_SUCH_VARIABLE_HERE")


def test_large_files_are_read_in_blocks_with_right_lines(db, tmp_path, monkeypatch):
    """Quoted line ends, blank lines and bad rows far into the file: the line numbers are those of the file."""
    from churnsim.data.tabular import csv_source

    monkeypatch.setattr(csv_source, "BLOCK", 2000)
    lines = ["customer_id,note,date,amount"]
    expected = []
    for i in range(2000):
        if i % 97 == 0:
            lines += ["", f'q{i},"two', f'lines",2024-01-31,{i}']
        elif i % 501 == 0:
            expected.append(len(lines) + 1)
            lines.append(f"b{i},,2024-01-31,wrong")
        else:
            lines.append(f"c{i},,2024-01-31,{i}")
    added = db.add(csv(tmp_path / "a.csv", "\n".join(lines)))
    assert added.rows == 2000
    assert sorted(db.table("set_aside")["row_number"]) == expected


def test_progress_is_told(db):
    told = []
    db.add(records(), progress=told.append)
    assert told == [40]


def test_the_clock_is_not_needed_to_be_right(db):
    frame = records(3)
    assert db.add(frame, today="2024-01-02", most_bad=0.5).set_aside == 1


def test_interrupting_the_command_line_adds_all_or_nothing(tmp_path):
    big = tmp_path / "big.csv"
    with big.open("w") as file:
        file.write("customer_id,date,amount\n")
        file.writelines(f"c{i},2024-01-31,1\n" for i in range(400_000))
    path = tmp_path / "a.db"
    with CustomerDatabase(path) as db:
        db.add(records(5))
    code = "from churnsim.cli import main; main()"
    command = [sys.executable, "-c", code, "db", "add", str(path), str(big)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ.copy())
    assert running.stderr.readline()
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert b"Traceback" not in err
    with CustomerDatabase(path) as db:
        # All or nothing: on a fast machine the signal may come when the load is in and only its report is left.
        assert db.check().tables["transactions"] in (5, 400_005)


def test_text_of_a_parquet_file_that_is_not_utf8_is_refused_by_its_column(tmp_path):
    """A byte flipped inside the file, which Parquet itself does not notice."""
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"customer_id": ["anna", "bert"], "date": pd.to_datetime(["2024-01-01"] * 2), "amount": 1.0})
    frame.to_parquet(path, compression=None)
    path.write_bytes(path.read_bytes().replace(b"anna", b"an\xffa"))
    with cs.data.CustomerDatabase(tmp_path / "a.db") as db:
        with pytest.raises(DataError, match="column 'customer_id' holds text that is not UTF-8"):
            db.add(path)
        assert len(db.table("transactions")) == len(db.table("loads")) == 0
    with pytest.raises(DataError, match="not UTF-8"):
        cs.read_transactions(path)


@pytest.mark.parametrize("kind", ["object", "string", "string[pyarrow]"])
def test_dates_with_a_zone_are_counted_whatever_kind_of_text_they_are(tmp_path, kind):
    frame = pd.DataFrame({"customer_id": [1, 2], "date": ["2024-01-05T10:00:00+02:00", "2024-01-06"]})
    with CustomerDatabase(tmp_path / "a.db") as database:
        added = database.add(frame.astype({"date": kind}), name="a")
    assert added.zoned_dates == 1
