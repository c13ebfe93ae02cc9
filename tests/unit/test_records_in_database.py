"""Mechanics: own records in the customer database: whole or not at all, once, and out again as they went in."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from tests.unit.test_read_records import MESSY, messy, named
from typer.testing import CliRunner

from churnsim.cli.app import app
from churnsim.data import CustomerDatabase, PseudonymKey, read_records
from churnsim.data.database import erasure
from churnsim.data.records.kinds import RECORD_KINDS
from churnsim.errors import ConfigError, DataError
from churnsim.evidence import complaint_evidence, referral_evidence

# The tables that version 0.1 made.
EARLIER = """
CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE loads (load_id INTEGER PRIMARY KEY, table_name VARCHAR NOT NULL, name VARCHAR NOT NULL,
    checksum VARCHAR NOT NULL, rows BIGINT NOT NULL, added BIGINT NOT NULL, set_aside BIGINT NOT NULL,
    refunds BIGINT NOT NULL, notes VARCHAR NOT NULL, UNIQUE (table_name, checksum));
CREATE TABLE set_aside (load_id INTEGER NOT NULL, row_number BIGINT NOT NULL, column_name VARCHAR, value VARCHAR,
    reason VARCHAR NOT NULL);
CREATE TABLE transactions (customer_id VARCHAR, date TIMESTAMP, amount DOUBLE, currency VARCHAR, load_id INTEGER);
CREATE TABLE refunds (customer_id VARCHAR, date TIMESTAMP, amount DOUBLE, currency VARCHAR, load_id INTEGER);
CREATE TABLE contacts (customer_id VARCHAR, date TIMESTAMP, channel VARCHAR, cost DOUBLE, load_id INTEGER NOT NULL);
CREATE TABLE complaints (customer_id VARCHAR, date TIMESTAMP, reason VARCHAR, answered TIMESTAMP, load_id INTEGER);
CREATE TABLE survey_answers (customer_id VARCHAR, date TIMESTAMP, question VARCHAR, answer VARCHAR, load_id INTEGER);
CREATE TABLE subscriptions (customer_id VARCHAR, start TIMESTAMP, "end" TIMESTAMP, price DOUBLE, load_id INTEGER);
INSERT INTO meta VALUES ('churnsim customer database', '1'), ('pseudonym key', '');
INSERT INTO complaints VALUES ('7', '2024-01-05 10:30:00', 'late', '2024-01-08', 1);
INSERT INTO contacts VALUES ('7', '2024-01-05', 'mail', 0.5, 2);
INSERT INTO loads VALUES
    (1, 'complaints', 'a.csv', 'x', 1, 1, 0, 0, '{"columns": {"customer_id": "customer_id", "date": "date",
     "reason": "reason", "answered": "answered"}}'),
    (2, 'contacts', 'b.csv', 'y', 1, 1, 0, 0, '{"columns": {"customer_id": "customer_id", "date": "date",
     "channel": "channel", "cost": "cost"}}');
"""


@pytest.mark.parametrize("kind", list(RECORD_KINDS))
def test_what_goes_in_comes_out_as_from_the_file(tmp_path, kind):
    path = messy(tmp_path, kind)
    with CustomerDatabase(tmp_path / "c.db") as db:
        assert db.add(path, table=kind, columns=named(kind)).added == 12
        frame = read_records(kind, db)
    pd.testing.assert_frame_equal(frame, read_records(kind, path, columns=named(kind)), check_dtype=False)


@pytest.mark.parametrize("kind", ["contacts", "complaints"])
def test_rows_that_are_there_already(tmp_path, kind):
    path, more = messy(tmp_path, kind), {"table": kind, "columns": named(kind)}
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(path, **more)
        assert db.add(path, **more).already
        again = messy(tmp_path, kind, rows=14)
        if RECORD_KINDS[kind].key:
            with pytest.raises(DataError, match=r"12 of 14 rows cannot be used.*before.*duplicates='set_aside'"):
                db.add(again, **more)
        added = db.add(again, **more, duplicates="set_aside")
        assert (added.added, added.set_aside) == (2, 12)
        frame = read_records(kind, db)
        assert len(frame) == db.check().tables[kind] == 14
        assert frame.attrs["reading"]["left_out"] == {"repeats an earlier row in every column": 12}
        assert frame.attrs["reading"]["rows"] == 26


def test_too_many_bad_rows_add_nothing_and_a_few_are_kept_with_their_reason(tmp_path):
    bad = ["009;;mail;0,55"]
    lines = ["customer_id;date;arm;cost", *(f"{c:03};25.03.2024;mail;0,55" for c in range(10, 29))]
    (tmp_path / "a.csv").write_text("\n".join(lines + bad))
    (tmp_path / "b.csv").write_text("\n".join(lines[:9] + bad))
    with CustomerDatabase(tmp_path / "c.db") as db:
        with pytest.raises(
            DataError, match=r"line 10, column 'date': .* is not a date \(missing\)\. Give every contact its date\. "
        ):
            db.add(tmp_path / "b.csv", table="contacts")
        assert db.check().tables["contacts"] == 0
        added = db.add(tmp_path / "a.csv", table="contacts")
        assert (added.added, added.set_aside, added.reasons) == (19, 1, {"is not a date (missing)": 1})
        assert db.table("set_aside")["row_number"].tolist() == [21]


def test_files_must_agree_with_those_before(tmp_path):
    """A customer keeps its arm; what a file without a column says is not mixed with empty cells."""
    drawn = pd.DataFrame({"customer_id": range(40), "at": "2024-03-01", "arm": ["mail", "none"] * 20})
    plain = drawn[["customer_id", "at"]]
    with CustomerDatabase(tmp_path / "c.db") as db:
        assert "there is no column arm: nothing can be measured" in str(db.add(plain, table="contacts"))
        db.add(drawn, table="contacts")
        with pytest.raises(DataError, match="'none' is another arm than this customer's first one in the campaign"):
            db.add(drawn.assign(at="2024-04-01", arm=drawn["arm"][::-1].to_numpy()), table="contacts")
        assert db.add(drawn.assign(at="2024-04-01"), table="contacts").added == 40
        frame = read_records("contacts", db, on_bad="set_aside")
        assert (len(frame), frame.attrs["reading"]["left_out"]) == (80, {"is missing": 40})
        db.add(drawn.assign(returned_at=None), table="win_backs")
        with pytest.raises(DataError, match="has no column 'returned_at', which the win_backs added before have"):
            db.add(drawn, table="win_backs")
        db.add(drawn[["customer_id", "at"]], table="complaints")
        with pytest.raises(DataError, match="has a column 'answered_at', which the complaints added before lack"):
            db.add(drawn.assign(answered_at=None), table="complaints")


def test_a_database_of_an_earlier_version_opens_and_takes_what_is_new(tmp_path):
    path = tmp_path / "old.db"
    with duckdb.connect(str(path)) as old:
        old.execute(EARLIER)
    for read_only in (True, False):
        with CustomerDatabase(path, read_only=read_only) as db:
            found = read_records("complaints", db)
            assert found[["customer_id", "at"]].values.tolist() == [["7", pd.Timestamp("2024-01-05")]]
            assert list(found) == ["customer_id", "at", "answered_at"]
            assert db.contacts()["channel"].tolist() == ["mail"]
            assert db.check().count("contacts without arm") == 1
            with pytest.raises(DataError, match=r"old\.db, row 1, column 'arm': None is missing"):
                read_records("contacts", db)
            if not read_only:
                db.add(
                    pd.DataFrame({"referrer_id": ["7"], "referred_id": ["8"], "at": "2024-01-06"}), table="referrals"
                )
                assert len(read_records("referrals", db)) == 1
            else:
                assert db.table("referrals").empty
                with pytest.raises(DataError, match="holds no referrals"):
                    read_records("referrals", db)


def test_pseudonyms_in_every_column_of_ids(tmp_path):
    key = PseudonymKey(b"0123456789abcdef-for-tests")
    rows = pd.DataFrame({"referrer_id": ["Ann-1"] * 30, "referred_id": [f"Bert-{i}" for i in range(30)]})
    with CustomerDatabase(tmp_path / "c.db", key=key) as db:
        db.add(rows.assign(at="2024-03-01"), table="referrals")
        found = read_records("referrals", db)
        assert set(found["referrer_id"]) == {key.pseudonym("Ann-1")}
        assert set(found["referred_id"]) == {key.pseudonym(name) for name in rows["referred_id"]}
        with pytest.raises(DataError, match="was referred before") as told:
            db.add(rows.assign(at="2024-03-02"), table="referrals")
        assert "Bert" not in str(told.value)
    assert b"Bert-" not in (tmp_path / "c.db").read_bytes()


def test_the_estimators_take_the_database(tmp_path):
    days = pd.date_range("2023-05-01", periods=40, freq="5D")
    bought = pd.DataFrame({"customer_id": [f"{c:03}" for c in range(11, 51)], "date": days})
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(bought)
        for kind, estimate in (("referrals", referral_evidence), ("complaints", complaint_evidence)):
            db.add(messy(tmp_path, kind), table=kind, columns=named(kind))
            rows = read_records(kind, messy(tmp_path, kind), columns=named(kind))
            assert str(estimate(db, db, until="2024-12-31")) == str(estimate(rows, bought, until="2024-12-31"))
        assert db.check().count("complaints: customers without a purchase") == 0
        db.add(pd.DataFrame({"customer_id": ["nobody"], "at": "2024-01-01", "arm": "call"}), table="win_backs")
        assert db.check().count("win_backs: customers without a purchase") == 1


def test_at_the_terminal(tmp_path):
    kind = "win_backs"
    words = [str(tmp_path / "c.db"), str(messy(tmp_path, kind)), "--as", kind.replace("_", "-")]
    for ours, theirs in named(kind).items():
        words += ["--column", f"{ours}={theirs}"]
    done = CliRunner().invoke(app, ["db", "add", *words])
    assert done.exit_code == 0, done.output
    assert f"12 of 12 rows added to {kind}" in done.output
    done = CliRunner().invoke(app, ["db", "export", words[0], kind.replace("_", "-"), str(tmp_path / "out.csv")])
    assert done.exit_code == 0, done.output
    assert len(pd.read_csv(tmp_path / "out.csv")) == 12
    header, (row,) = MESSY[kind]
    (tmp_path / "bad.csv").write_text(header.replace("Date", "Wann") + "\n" + row)
    done = CliRunner().invoke(app, ["db", "add", words[0], str(tmp_path / "bad.csv"), *words[2:]])
    assert done.exit_code == 2
    assert "Pass --column at=NAME, the name of the column" in done.output


def test_times_of_day_are_nothing_to_tell_contacts_apart(tmp_path):
    rows = pd.DataFrame({"customer_id": ["a", "a"], "at": ["2024-01-01 10:00", "2024-01-01 11:00"], "arm": "mail"})
    with pytest.raises(DataError, match="row 2, column 'customer_id': 'a' has a row of this campaign and day"):
        read_records("contacts", rows)
    assert np.array_equal(read_records("contacts", rows.iloc[:1])["at"], [np.datetime64("2024-01-01")])


def test_a_customer_is_erased_from_every_table_and_does_not_come_back(tmp_path):
    log = pd.DataFrame({"customer_id": ["a", "a", "b", "c"], "date": "2024-03-01", "amount": [5.0, -2.0, 7.0, 9.0]})
    referrals = pd.DataFrame({"referrer_id": ["a", "b"], "referred_id": ["b", "c"], "referred_at": "2024-03-02"})
    complaints = pd.DataFrame({"customer_id": ["a", "c"], "at": "2024-03-02"})
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(log, name="log")
        db.add(referrals, table="referrals", name="referrals")
        db.add(complaints, table="complaints", name="complaints")
        read = db.transactions().attrs["reading"]
        counted = db.erase("a", dry_run=True)
        assert counted.rows == {"transactions": 1, "complaints": 1, "referrals": 1, "refunds": 1}
        assert len(db.table("transactions")) == 3  # a dry run changes nothing
        assert db.erase(" a ").rows == counted.rows
        for name in ("transactions", "refunds", "complaints", "referrals"):
            assert not (db.table(name).astype(str) == "a").any(axis=None)
        after = db.transactions().attrs["reading"]
        assert after["checksum"] != read["checksum"]  # another log makes another study
        assert after["rows"] == read["rows"]
        assert after["left_out"]["erased on request"] == 2
        loads = db.table("loads").set_index("table_name")
        assert loads.loc["transactions", ["added", "set_aside", "refunds"]].tolist() == [2, 2, 0]
        assert db.add(log, name="again").already
        assert str(db.erase("a")) == "customer 'a': there is no row to erase."


def test_erasing_by_pseudonym_needs_the_key(tmp_path):
    key = PseudonymKey(b"0123456789abcdef-for-tests")
    with CustomerDatabase(tmp_path / "c.db", key=key) as db:
        db.add(pd.DataFrame({"customer_id": [7, 8], "date": "2024-03-01"}), name="log")
    with CustomerDatabase(tmp_path / "c.db") as db, pytest.raises(ConfigError, match="Open it with key="):
        db.erase(7)
    with CustomerDatabase(tmp_path / "c.db", key=key) as db:
        assert db.erase(7).rows == {"transactions": 1}
        assert len(db.table("transactions")) == 1


def test_one_import_is_undone_and_can_be_added_again(tmp_path):
    first = pd.DataFrame({"customer_id": ["a", "b"], "date": "2024-03-01", "amount": [5.0, -1.0]})
    second = pd.DataFrame({"customer_id": ["a", ""], "date": "2024-04-01", "amount": [2.0, 3.0]})
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(first, name="first")
        db.add(second, name="second", most_bad=0.6)
        checksum = db.table("loads").set_index("name").loc["first", "checksum"]
        before = db.table("transactions")
        assert db.undo(checksum[:8], dry_run=True).rows == {"transactions": 1, "refunds": 1}
        assert db.table("transactions").equals(before)
        assert "import first: 1 of transactions, 1 of refunds were erased." in str(db.undo(checksum))
        assert db.table("loads")["name"].tolist() == ["second"]
        assert db.transactions()["amount"].tolist() == [2.0]
        assert not db.add(first, name="first").already
        for text, words in ((checksum[:5], "8 characters of it or more"), ("0" * 64, "no import has")):
            with pytest.raises(DataError, match=words):
                db.undo(text)


def test_an_erasure_that_fails_leaves_everything_as_it_was(tmp_path, monkeypatch):
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(pd.DataFrame({"customer_id": ["a", "b"], "date": "2024-03-01"}), name="log")
        monkeypatch.setattr(erasure, "_note", lambda *args, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            db.erase("a")
        assert len(db.table("transactions")) == 2
