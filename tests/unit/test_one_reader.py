"""Truth: mechanics of reading: one reader behind files, database, command line; its rules with their counts."""

from __future__ import annotations

import gzip
import os
import warnings
from contextlib import nullcontext
from fractions import Fraction

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli.app import app
from churnsim.data import CustomerDatabase, ParquetLog, in_one_currency, read_subscriptions, read_transactions
from churnsim.data.summaries.frame_kinds import summary_of_kind
from churnsim.data.tabular import csv_file, csv_source, excel_source, files
from churnsim.errors import ConfigError, DataError
from churnsim.study.config.advice import in_options

SALES = """Kunde;Tag;Preis;Menge;Whg
7;25.03.2024;1,50;4;EUR
7.0;26.03.2024;2,00;1;EUR
007;26.03.2024;1.000,25;1;EUR
7;27.03.2024;1,50;-4;EUR
;27.03.2024;9,00;1;EUR
8;28.03.2024;3,00;2;EUR
8;28.03.2024;3,00;2;EUR
9;kein Tag;3,00;2;EUR
"""
NAMES = {"customer_id": "Kunde", "date": "Tag", "price": "Preis", "quantity": "Menge", "currency": "Whg"}
CHOICES = {"on_bad": "set_aside", "guests": "apart", "duplicates": "set_aside", "most_bad": 0.5}


@pytest.fixture
def sales(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes(SALES.encode("utf-16"))
    return path


def test_a_firms_export_is_read_as_it_is(sales):
    """Encoding, delimiter, day first, decimal comma, price x quantity, guests, refunds, repeats; worked by hand."""
    log = read_transactions(sales, **NAMES, **CHOICES, refunds="net")
    assert log["customer_id"].tolist() == ["7", "007", "8"]
    assert log["amount"].tolist() == [2.0, 1000.25, 6.0]  # the refund of 6 takes off the purchase of 6, not the later 2
    reading = log.attrs["reading"]
    assert reading["left_out"] == {
        "does not follow date_format '%d.%m.%Y'": 1,
        "rows without a customer id (guests)": 1,
        "repeats an earlier row in every column": 1,
        "refunds taken off purchases": 1,
        "purchases that were refunded in full": 1,
    }
    assert (reading["rows"], reading["used"], reading["refunded"], reading["currency"]) == (8, 3, 6.0, "EUR")
    assert sum(reading["left_out"].values()) == reading["rows"] - reading["used"]
    assert [row["row"] for row in log.attrs["set_aside"]] == [9]


def test_file_database_and_command_line_agree(sales, tmp_path):
    log = read_transactions(sales, **NAMES, **CHOICES, refunds="net")
    with CustomerDatabase(tmp_path / "c.db") as db:
        added = db.add(sales, **NAMES, **CHOICES)
        assert (added.rows, added.added, added.refunds, added.set_aside) == (8, 4, 1, 3)
        held = db.transactions(refunds="net")
        pd.testing.assert_frame_equal(
            held.sort_values("customer_id", ignore_index=True), log.sort_values("customer_id", ignore_index=True)
        )
        assert held.attrs["reading"]["left_out"] == log.attrs["reading"]["left_out"]
        assert held.attrs["reading"]["used"] == 3
        pd.testing.assert_frame_equal(db.summarise(refunds="net", unit="D"), cs.summarise(log, unit="D"))
    words = [f"--{name.replace('_', '-')}={value}" for name, value in {**NAMES, **CHOICES, "refunds": "net"}.items()]
    done = CliRunner().invoke(app, ["summarise", str(sales), *words])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("007,0,")
    assert "set aside 5 of 8 rows" in done.stderr
    assert "day.month.year" in done.stderr
    told = CliRunner().invoke(app, ["summarise", str(tmp_path / "c.db"), "--refunds", "net"])
    assert told.stdout == done.stdout


def test_rows_that_say_that_they_are_no_purchase_are_left_out_whatever_else_is_in_them(tmp_path):
    """The void row has no date, the returned one no customer; a word counts whole, a number as it is written."""
    rows = [
        "a,2024-01-01,6,paid,1",
        "a,,6,void,1",
        ",2024-02-01,6,returned,1",
        "b,2024-02-02,7,avoid,1",
        "b,2024-02-03,8,paid,0",
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["customer_id,date,amount,State,Valid", *rows]))
    words = {"leave_out": {"State": ["void", "returned"], "Valid": ["0"]}}
    log = read_transactions(path, **words)
    assert log["amount"].tolist() == [6.0, 7.0]
    assert log.attrs["reading"]["left_out"] == {
        "rows with 'void' in 'State'": 1,
        "rows with 'returned' in 'State'": 1,
        "rows with '0' in 'Valid'": 1,
    }
    frame = pd.read_csv(path)
    frame.to_parquet(tmp_path / "a.parquet")
    again = read_transactions(tmp_path / "a.parquet", **words)
    pd.testing.assert_frame_equal(again, log)
    with CustomerDatabase(tmp_path / "c.db") as db:
        added = db.add(path, **words)
        assert (added.rows, added.added, added.set_aside) == (5, 2, 3)
        pd.testing.assert_frame_equal(db.transactions(), log)
        with pytest.raises(ConfigError, match="leave_out is for transactions"):
            db.add(frame, table="contacts", **words)
    options = ["--leave-out=State=void", "--leave-out", "State=returned", "--leave-out", "Valid=0"]
    done = CliRunner().invoke(app, ["summarise", str(path), *options])
    assert done.exit_code == 0, done.stderr
    assert "set aside 3 of 5 rows" in done.stderr
    with pytest.raises(DataError, match=r"has no column 'Stat'.*Did you mean 'State'"):
        read_transactions(path, leave_out={"Stat": ["void"]})
    for wrong in ({"State": "void"}, {"State": [0]}, ["State"], {1: ["void"]}):
        with pytest.raises(ConfigError, match="leave_out"):
            read_transactions(path, leave_out=wrong)


def test_a_mailbox_is_one_customer_however_its_capitals_are_written(tmp_path):
    """Shops write the address as it was typed; other ids with other capitals are others (codes in base 64)."""
    rows = ["Ann@Shop.example,2024-01-01,1", "ann@shop.example,2024-01-02,2", " ANN@SHOP.EXAMPLE,2024-01-03,4"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["customer_id,date,amount", *rows, "aQ,2024-01-04,8", "Aq,2024-01-05,16"]))
    log = read_transactions(path)
    assert log.groupby("customer_id")["amount"].sum().to_dict() == {"ann@shop.example": 7.0, "aQ": 8.0, "Aq": 16.0}
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(path)
        assert db.check().count("customer ids that are e-mail addresses, without their capitals") == 2
        pd.testing.assert_frame_equal(db.transactions(), log)


def test_what_was_given_back_is_taken_off_by_every_reader(tmp_path):
    """In either sign and with a decimal comma; more than was paid leaves nothing, and a refund of its own stays one."""
    rows = ["a;2024-01-01;10,00;", "a;2024-01-02;10,00;2,50", "b;2024-01-03;10,00;-4,00", "b;2024-01-04;10,00;10,50"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["customer_id;date;amount;back", *rows, "b;2024-01-05;-1,00;1,00"]))
    log = read_transactions(path, refunded="back", refunds="net")
    assert log["amount"].tolist() == [10.0, 7.5, 5.0]
    assert log.attrs["reading"]["left_out"]["purchases of which all was given back"] == 1
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(path, refunded="back")
        assert db.transactions(refunds="net")["amount"].tolist() == [10.0, 7.5, 5.0]
    done = CliRunner().invoke(app, ["summarise", str(path), "--refunded", "back", "--refunds", "net"])
    assert done.exit_code == 0, done.output
    assert "1 purchases of which all was given back" in done.stderr
    path.write_text("customer_id;date;amount;back\na;2024-01-01;10,00;much\n")
    with pytest.raises(DataError, match="'back': 'much' is not a finite number"):
        read_transactions(path, refunded="back")
    with pytest.raises(ConfigError, match="refunded is taken off an amount"):
        read_transactions(path, refunded="back", amount=None)


def test_what_a_merged_cell_says_it_says_of_all_its_rows_and_an_amount_once(tmp_path):
    """As a till prints an order of several lines: one cell of customer and day; the discount stands in one cell too."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Sales of the year"], ["Customer", "Day", "State", "Amount"],
        ["a", pd.Timestamp("2024-01-01"), "paid", 5], [None, None, None, 7], [None, None, None, 9],
        ["b", pd.Timestamp("2024-01-02"), "void", 11], [None, None, None, 13],
        ["c", pd.Timestamp("2024-01-03"), "paid", 17], [None, pd.Timestamp("2024-01-04"), "paid", 19],
        [None, pd.Timestamp("2024-01-05"), "paid", None],
    ):  # fmt: skip
        sheet.append(row)
    for cells in ("A1:D1", "A3:A5", "B3:B5", "C3:C5", "A6:A7", "B6:B7", "C6:C7", "A8:A8", "D9:D10"):
        sheet.merge_cells(cells)
    path = tmp_path / "a.xlsx"
    book.save(path)
    words = {"customer_id": "Customer", "date": "Day", "amount": "Amount"}
    log = read_transactions(path, **words, guests="apart", leave_out={"State": ["void"]})
    assert log["customer_id"].tolist() == ["a", "a", "a", "c"]
    assert log["amount"].tolist() == [5.0, 7.0, 9.0, 17.0]  # rows 9 and 10 are of nobody: their cells are not merged
    sheet.merge_cells("A8:A10")
    book.save(path)
    log = read_transactions(path, **words, on_bad="set_aside", leave_out={"State": ["void"]})
    assert log["amount"].tolist() == [5.0, 7.0, 9.0, 17.0, 19.0]
    assert [(row["row"], row["reason"]) for row in log.attrs["set_aside"]] == [(10, "is not an amount (missing)")]


def test_columns_that_spaces_align_are_told_apart(tmp_path):
    """As printed in columns: spaces before a line, several between values, some behind; lines keep their numbers."""
    path = tmp_path / "a.txt"
    lines = [
        " customer_id  date  cds   amount",
        " 00001 19970101  1   11.77",
        "    2 19970112 10  112.00  ",
        "",
        " 3 19970113 1 5",
    ]
    path.write_text("\n".join(lines))
    for words in ({}, {"delimiter": " "}):
        log = read_transactions(path, **words)
        assert log["customer_id"].tolist() == ["00001", "2", "3"]
        assert log["amount"].tolist() == [11.77, 112.0, 5.0]
        assert log["date"].dt.day.tolist() == [1, 12, 13]
    path.write_text("\r\n".join([*lines, " 4 19970114 1 x"]))
    with pytest.raises(DataError, match="line 6, column 'amount': 'x'"):
        read_transactions(path)
    path.write_text("\n".join([*lines, " 4 19970114 1"]))
    with pytest.raises(DataError, match="line 6"):
        read_transactions(path, delimiter=" ")
    path.write_text("Order date\n2024-01-01 10:00\n2024-01-02 11:00\n")  # two words are no two columns
    with pytest.raises(DataError, match="has no column 'customer_id'; it has 'Order date'"):
        read_transactions(path)


def test_repeated_refunds_are_set_aside_in_a_file_and_in_a_database(tmp_path):
    rows = ["a,2024-01-01,6", "a,2024-01-02,6", "a,2024-02-01,-6", "a,2024-02-01,-6", "a,2024-03-01,7"]
    (tmp_path / "a.csv").write_text("\n".join(["customer_id,date,amount", *rows]))
    log = read_transactions(tmp_path / "a.csv", duplicates="set_aside", refunds="net")
    assert log["amount"].tolist() == [6.0, 7.0]
    with CustomerDatabase(tmp_path / "c.db") as db:
        added = db.add(tmp_path / "a.csv", duplicates="set_aside")
        assert (added.rows, added.added, added.refunds, added.set_aside) == (5, 3, 1, 1)
        held = db.transactions(refunds="net")
        pd.testing.assert_frame_equal(held, log)
        assert held.attrs["reading"]["left_out"] == log.attrs["reading"]["left_out"]
        contacts = pd.DataFrame({"customer_id": ["a", "a"], "date": "2024-01-01", "channel": "post"})
        assert db.add(contacts, table="contacts", duplicates="set_aside").added == 1


def test_options_of_files_are_refused_beside_a_database(tmp_path):
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(pd.DataFrame({"customer_id": [1], "date": ["2024-01-01"], "amount": [2.0]}))
    for words in (
        ["--duplicates=set_aside"],
        ["--price=P", "--quantity=Q"],
        ["--no-detect"],
    ):
        done = CliRunner().invoke(app, ["summarise", str(tmp_path / "c.db"), *words])
        assert done.exit_code == 2
        assert f"{words[0].partition('=')[0].replace('no-', '')} is for files" in done.stderr
    done = CliRunner().invoke(app, ["summarise", str(tmp_path / "c.db"), "--column=amount=none"])
    assert (done.exit_code, done.stdout.split()[0]) == (0, "customer_id,frequency,recency,T")


def test_products_are_those_of_exact_fractions_rounded_once(tmp_path):
    rng = np.random.default_rng(1)
    price, quantity = rng.integers(1, 10_000, 50), rng.integers(1, 40, 50)
    path = tmp_path / "a.csv"
    rows = [f"c,2024-01-01,{p / 100:.2f},{q}" for p, q in zip(price, quantity, strict=True)]
    path.write_text("customer_id,date,p,q\n" + "\n".join(rows))
    exact = [float(Fraction(float(f"{p / 100:.2f}")) * int(q)) for p, q in zip(price, quantity, strict=True)]
    assert read_transactions(path, price="p", quantity="q")["amount"].tolist() == exact
    with pytest.raises(ConfigError, match="belong together"):
        read_transactions(path, price="p")
    with pytest.raises(ConfigError, match="or price times quantity"):
        CustomerDatabase(tmp_path / "c.db").add(path, price="p", quantity="q", amount="p")


@pytest.mark.parametrize(
    ("amounts", "left", "counts"),
    [
        ([10, 20, -10], [20], {"refunds taken off purchases": 1, "purchases that were refunded in full": 1}),
        ([10, 20, -25], [5], {"refunds taken off purchases": 1, "purchases that were refunded in full": 1}),
        ([10, 20, -5], [10, 15], {"refunds taken off purchases": 1}),
        ([-5, 10], [10], {"refunds without a purchase before them": 1}),
        ([0.3, -0.1, -0.2, 5], [5], {"refunds taken off purchases": 2, "purchases that were refunded in full": 1}),
        ([0, 10, -10], [0], {"refunds taken off purchases": 1, "purchases that were refunded in full": 1}),
    ],
)
def test_refunds_are_taken_off_as_stated(tmp_path, amounts, left, counts):
    log = pd.DataFrame(
        {"customer_id": "a", "date": pd.date_range("2024-01-01", periods=len(amounts)), "amount": amounts}
    )
    log = pd.concat([log, log.assign(customer_id="b")[log["amount"] > 0]])
    log.to_parquet(tmp_path / "a.parquet")
    netted = read_transactions(tmp_path / "a.parquet", refunds="net")
    assert netted.loc[netted["customer_id"] == "a", "amount"].tolist() == pytest.approx(left, rel=1e-12)
    assert (netted["customer_id"] == "b").sum() == sum(amount > 0 for amount in amounts)
    assert netted.attrs["reading"]["left_out"] == counts
    apart = read_transactions(tmp_path / "a.parquet", refunds="apart")
    assert apart.attrs["reading"]["left_out"] == {"refunds (negative amounts)": sum(a < 0 for a in amounts)}
    with pytest.raises(DataError, match="is negative"):
        read_transactions(tmp_path / "a.parquet")


def everywhere(frame, tmp_path):
    """The same log in each of the places from which a summary is made."""
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "log.parquet")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)  # Ibis's own
        ours = ibis.duckdb.connect().read_parquet(str(tmp_path / "log.parquet"))
    return {
        "frame": frame,
        "arrow": pa.Table.from_pandas(frame, preserve_index=False),
        "parquet": ParquetLog(tmp_path / "log.parquet"),
        "ibis": ours,
        "polars": ibis.polars.connect().create_table("log", frame),
    }


def test_the_last_nanoseconds_of_a_day_are_of_that_day(tmp_path):
    """A database that holds microseconds, and DuckDB's cast to a date, round them into the next day."""
    days = ["1969-12-30 12:00", "1969-12-31 23:59:59.9999999", "2024-02-29 23:59:59.999999999"]
    log = pd.DataFrame({"customer_id": 1, "date": pd.to_datetime(days, format="ISO8601"), "amount": [1.0, 2.0, 3.0]})
    right = (pd.Timestamp("2024-02-29") - pd.Timestamp("1969-12-30")).days
    for place, held in everywhere(log, tmp_path).items():
        summary = summary_of_kind(cs.summarise(held, unit="D"))
        assert (summary["recency"].tolist(), summary["frequency"].tolist()) == ([right], [2]), place
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(log)
        assert db.summarise(unit="D")["recency"].tolist() == [right]
        assert db.transactions()["date"].dt.strftime("%Y-%m-%d").tolist() == [day[:10] for day in days]
    log.assign(date=days).to_csv(tmp_path / "a.csv", index=False)
    assert cs.summarise(read_transactions(tmp_path / "a.csv"), unit="D")["recency"].tolist() == [right]


@pytest.mark.parametrize(("calendar", "day"), [("1900", "2024-02-29"), ("1904", "2028-03-01")])
def test_the_last_microseconds_of_a_day_in_a_workbook_are_of_that_day(tmp_path, calendar, day):
    """The whole part of a cell's number is its day, in the calendar of Windows (45351 is 29 February 2024) as in the
    Macintosh's, 1462 days later."""
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, WINDOWS_EPOCH

    book = openpyxl.Workbook()
    book.epoch = WINDOWS_EPOCH if calendar == "1900" else CALENDAR_MAC_1904
    book.active.append(["customer_id", "date", "amount"])
    times = (0.0, 0.5, 1 - 0.3 / 86_400_000, 1 - 1e-10, np.nextafter(45352.0, 0) - 45351)
    for number, time in enumerate(times):
        book.active.append([number, 45351 + time, 1.0])
        book.active.cell(number + 2, 2).number_format = "yyyy-mm-dd hh:mm:ss"
    book.save(tmp_path / "a.xlsx")
    log = read_transactions(tmp_path / "a.xlsx", today="2030-01-01")["date"]
    assert log.dt.strftime("%Y-%m-%d").tolist() == [day] * len(times)
    assert log[:2].dt.hour.tolist() == [0, 12]
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(tmp_path / "a.xlsx", today="2030-01-01")
        assert db.transactions()["date"].dt.strftime("%Y-%m-%d").unique().tolist() == [day]


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_each_parquet_file_keeps_the_clock_of_its_own_zone(tmp_path, unit):
    for customer, zone in enumerate(("Asia/Tokyo", "America/New_York", None), start=1):
        date = pd.to_datetime(["2024-01-01 01:00", "2024-01-02 23:00"]).tz_localize(zone).as_unit(unit)
        frame = pd.DataFrame({"customer_id": customer, "date": date, "amount": 1.0})
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / f"{customer}.parquet")
    assert cs.summarise(ParquetLog(tmp_path), unit="D")["recency"].tolist() == [1.0, 1.0, 1.0]


def test_a_day_to_come_is_refused_with_its_row_unless_asked_for(tmp_path):
    log = pd.DataFrame(
        {"customer_id": [1, 2], "date": pd.to_datetime(["2024-01-01", "2099-01-01"]), "amount": [1.0, 2.0]}
    )
    told = {"frame": "index 1", "arrow": "index 1", "parquet": "row 2", "ibis": "customer 2", "polars": "customer 2"}
    right = (pd.Timestamp("2099-01-01") - pd.Timestamp("2024-01-01")).days
    for place, held in everywhere(log, tmp_path).items():
        with pytest.raises(DataError, match=rf"{told[place]}\b.*in the future"):
            cs.summarise(held)
        assert summary_of_kind(cs.summarise(held, unit="D", today="2099-12-31"))["T"].tolist() == [right, 0.0], place
    read = read_transactions(tmp_path / "log.parquet", today="2099-12-31")
    assert cs.data.split_holdout(read, until="2024-01-02", unit="D")["T_holdout"].tolist() == [right - 1]
    later = cs.data.split_holdout(read, until="2024-01-02", holdout_until="2099-06-01", unit="D")["T_holdout"]
    assert later.tolist() == [(pd.Timestamp("2099-06-01") - pd.Timestamp("2024-01-02")).days]
    (tmp_path / "s.csv").write_text("customer_id,start,end\na,2024-01-01,\n")
    with pytest.raises(DataError, match="observed_until is 2099-12-31, which is still to come"):
        read_subscriptions(tmp_path / "s.csv", observed_until="2099-12-31")
    asked = read_subscriptions(tmp_path / "s.csv", observed_until="2099-12-31", today="2100-01-01", unit="D")
    assert asked["tenure"].tolist() == [(pd.Timestamp("2099-12-31") - pd.Timestamp("2024-01-01")).days]


def test_two_currencies_are_refused_or_converted(tmp_path):
    log = pd.DataFrame(
        {"customer_id": 1, "date": pd.date_range("2024-01-01", periods=3), "amount": [1.0, 10.0, 20.0]}
    ).assign(Currency=["EUR", "USD", "EUR"])
    for held in everywhere(log, tmp_path).values():
        with pytest.raises(DataError, match=r"2 currencies .'EUR', 'USD'.*never added up"):
            cs.summarise(held)
    rates = {"EUR": 1, "USD": 0.5}
    right = [(10 * 0.5 + 20) / 2]
    assert cs.summarise(in_one_currency(log, rates))["monetary_value"].tolist() == right
    assert cs.summarise(ParquetLog(tmp_path / "log.parquet", exchange_rates=rates))["monetary_value"].tolist() == right
    assert (
        cs.summarise(read_transactions(tmp_path / "log.parquet", exchange_rates=rates))["monetary_value"].tolist()
        == right
    )
    with pytest.raises(DataError, match="never added up"):
        read_transactions(tmp_path / "log.parquet")
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(tmp_path / "log.parquet")
        with pytest.raises(DataError, match="never added up"):
            db.transactions()
        assert db.transactions(exchange_rates=rates)["amount"].tolist() == [1.0, 5.0, 20.0]
        assert "amount" not in db.transactions(amounts=False)
    with pytest.raises(ConfigError, match="exchange rate of 'USD' must be a finite number above 0"):
        in_one_currency(log, {"EUR": 1, "USD": float("nan")})
    done = CliRunner().invoke(app, ["summarise", str(tmp_path / "log.parquet")])
    assert "Pass --rate for each, such as --rate USD=1 --rate EUR=1.08." in done.stderr
    assert len(read_transactions(tmp_path / "log.parquet", amount=None)) == 3


def test_files_of_one_currency_each_are_of_several_together(tmp_path):
    for customer, currency in ((1, "EUR"), (2, "USD")):
        log = pd.DataFrame({"customer_id": customer, "date": pd.to_datetime(["2024-01-01"]), "amount": 10.0})
        log.assign(currency=currency).to_parquet(tmp_path / f"{currency}.parquet")
    with pytest.raises(DataError, match="2 currencies"):
        ParquetLog(tmp_path).transactions()
    rates = {"EUR": 1, "USD": 0.5}
    assert ParquetLog(tmp_path, exchange_rates=rates).transactions()["amount"].tolist() == [10.0, 5.0]
    with pytest.raises(DataError, match=r"has no column 'Whg'.*Pass currency="):
        ParquetLog(tmp_path, currency="Whg")


def test_sums_do_not_hang_on_the_order_of_the_rows(tmp_path):
    rng = np.random.default_rng(3)
    amount = np.concatenate([rng.uniform(0, 100, 400), 10.0 ** rng.integers(-6, 9, 100)])
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 40, 500), "D")
    log = pd.DataFrame({"customer_id": rng.integers(0, 5, 500), "date": day, "amount": amount})
    exact = []
    for _, rows in log.groupby("customer_id"):
        later = rows[rows["date"] > rows["date"].min()]
        exact.append(float(sum(map(Fraction, later["amount"]))) / later["date"].nunique())
    for seed in range(3):
        log.sample(frac=1, random_state=seed).to_parquet(tmp_path / "log.parquet", row_group_size=50)
        assert cs.summarise(ParquetLog(tmp_path / "log.parquet"))["monetary_value"].tolist() == exact


def test_first_from_leaves_out_who_was_there_before(tmp_path):
    (tmp_path / "a.csv").write_text("customer_id,date,amount\na,2023-06-01,1\na,2024-02-01,1\nb,2024-03-01,1\n")
    log = read_transactions(tmp_path / "a.csv", first_from="2024-01-01")
    assert log["customer_id"].tolist() == ["b"]
    assert log.attrs["reading"]["left_out"] == {"rows of customers first seen before 2024-01-01": 2}
    with pytest.raises(DataError, match="no purchase is left to use"):
        read_transactions(tmp_path / "a.csv", first_from="2025-01-01")


def test_contacts_and_complaints_come_out_again(tmp_path):
    with CustomerDatabase(tmp_path / "c.db") as db:
        contacts = pd.DataFrame({"customer_id": ["b", "a"], "date": ["2024-02-01", "2024-01-01"], "cost": [2.0, 1.0]})
        db.add(contacts, table="contacts")
        db.add(pd.DataFrame({"customer_id": [7], "date": ["2024-01-01"], "answered": [None]}), table="complaints")
        db.add(pd.DataFrame({"customer_id": [7], "start": ["2024-01-01"]}), table="subscriptions")
        assert db.contacts()["cost"].tolist() == [1.0, 2.0]
        assert list(db.contacts()) == ["customer_id", "date", "channel", "cost"]
        assert db.complaints()["customer_id"].tolist() == ["7"]
        assert db.subscriptions()["end"].isna().all()
        assert db.survey_answers().empty


READERS = {
    "transactions": read_transactions,
    "subscriptions": lambda path: read_subscriptions(path, observed_until="2024-01-01"),
    "covariates": lambda path: cs.data.read_covariates(path, ["age"]),
    "survey": lambda path: cs.satisfaction.read_survey(path),
    "parquet": ParquetLog,
}


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_before_it_is_opened(tmp_path, reader):
    for name in ("a.csv", "a.parquet"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(DataError, match="not a regular file"):
            READERS[reader](tmp_path / name)
    with pytest.raises(DataError, match="cannot be the path"):
        READERS[reader]("x" * 300 + ".csv")
    with pytest.raises(DataError, match="cannot be the path"):
        READERS[reader]("a\0.csv")


def test_a_database_or_a_key_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not a regular file"):
        CustomerDatabase(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="not a regular file"):
        cs.data.PseudonymKey.from_file(tmp_path / "pipe")
    with pytest.raises(DataError, match="cannot be the path"):
        CustomerDatabase("x" * 300)


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path, monkeypatch, reader):
    monkeypatch.setattr(files, "UNPACKED_BYTES", 1 << 16)
    if reader == "parquet":
        reader = "transactions"
    with gzip.open(tmp_path / "a.csv.gz", "wb") as packed:
        packed.write(b"customer_id,date,amount\n" + b"\n" * (1 << 22))
    with pytest.raises(DataError, match="unpacks to more than"):
        READERS[reader](tmp_path / "a.csv.gz")
    frame = pd.DataFrame({"customer_id": np.ones(1 << 20, dtype=np.int64), "date": pd.Timestamp("2024-01-01")})
    pq.write_table(pa.Table.from_pandas(frame.assign(amount=1.0), preserve_index=False), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="more than 200 times its size"):
        READERS[reader](tmp_path / "a.parquet")


def test_a_workbook_that_states_endless_rows_is_refused(tmp_path, monkeypatch):
    import openpyxl

    monkeypatch.setattr(excel_source, "MOST_ROWS", 100)
    monkeypatch.setattr(excel_source, "MOST_CELLS", 5000)
    for cell in ("A101", "CZZ2"):
        book = openpyxl.Workbook()
        book.active.append(["customer_id", "date", "amount"])
        book.active[cell] = 1
        if cell == "CZZ2":
            book.active["CZZ3"] = 1
        book.save(tmp_path / "a.xlsx")
        with pytest.raises(DataError, match="more than 100 rows or 5,000 cells"):
            read_transactions(tmp_path / "a.xlsx")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_without_end_is_refused_by_its_number(tmp_path, monkeypatch, end):
    monkeypatch.setattr(csv_file, "LONGEST_LINE", 60)
    rows = ["customer_id,date,amount", *["7,2024-01-31,1.5"] * 8]
    (tmp_path / "a.csv").write_text(end.join(rows), newline="")
    assert len(read_transactions(tmp_path / "a.csv")) == 8
    (tmp_path / "a.csv").write_text(end.join([*rows, "7,2024-01-31," + "1" * 60]), newline="")
    place = "" if end == "\r" else ", line 10"
    with pytest.raises(DataError, match=f"a.csv{place}.*more than 60 bytes"):
        read_transactions(tmp_path / "a.csv")


def test_a_workbook_of_styles_is_refused_before_they_are_read(tmp_path, monkeypatch):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["customer_id", "date", "amount"])
    book.active.append([7, "2024-01-31", 1.5])
    book.save(tmp_path / "a.xlsx")
    assert len(read_transactions(tmp_path / "a.xlsx")) == 1
    monkeypatch.setattr(excel_source, "MOST_STYLES", 1000)
    with pytest.raises(DataError, match=r"bytes of styles or names of cells \(xl/styles.xml\)"):
        read_transactions(tmp_path / "a.xlsx")


def test_a_workbook_of_empty_cells_is_refused_before_they_are_all_read(tmp_path, monkeypatch):
    """Beyond the bound, and only where they are many to a filled one: a wide export with gaps is read."""
    import openpyxl

    monkeypatch.setattr(excel_source, "MOST_EMPTY", 300)
    for width, refused in ((40, False), (500, True)):
        book = openpyxl.Workbook()
        book.active.append(["customer_id", "date", "amount"])
        for day in range(1, 21):
            book.active.append([7, f"2024-01-{day:02d}", 1.5])
            book.active.cell(day + 1, width).number_format = "0.00"
        book.save(tmp_path / "a.xlsx")
        if refused:
            with pytest.raises(DataError, match=r"empty cells in its first .* rows.*Delete the empty columns"):
                read_transactions(tmp_path / "a.xlsx")
        else:
            assert len(read_transactions(tmp_path / "a.xlsx")) == 20


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "unicode_escape", "undefined", "rot13", "base64", "none", 7, "\0"]
)
def test_a_codec_that_is_no_encoding_of_files(tmp_path, name):
    with pytest.raises(ConfigError, match="unknown encoding"):
        read_transactions(tmp_path / "a.csv", encoding=name)


@pytest.mark.parametrize("encoding", ["cp1252", "shift_jis", "gb18030", "utf-7", "cp500", "iso2022_jp", "utf-16-be"])
def test_encodings_that_are_named(tmp_path, encoding):
    letter = "é" if encoding in ("cp1252", "cp500") else "日"
    text = f'customer_id,note,date,amount\n{letter},"a, b",2024-01-31,1.5\n'
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    log = read_transactions(tmp_path / "a.csv", encoding=encoding)
    assert log.to_numpy().tolist() == [[letter, pd.Timestamp("2024-01-31"), 1.5]]


def test_whole_numbers_of_any_type_are_ids(tmp_path):
    large = 2**63 + 5
    for ids, right in (
        (pa.array([large, None], type=pa.uint64()), [large]),
        (pa.array([7.0, None]), [7]),
        (pa.array([7, None], type=pa.int8()), [7]),
        (pa.array(["7.0", None]), ["7"]),
        (pa.array(["007", None]), ["007"]),
    ):
        table = pa.table({"customer_id": ids, "date": pa.array(["2024-01-01"] * 2), "amount": [1.0, 2.0]})
        pq.write_table(table, tmp_path / "a.parquet")
        assert read_transactions(tmp_path / "a.parquet", on_bad="set_aside")["customer_id"].tolist() == right
    with pytest.raises(DataError, match=r"row 2, column 'customer_id': .*missing"):
        read_transactions(tmp_path / "a.parquet")


def test_one_number_that_leaves_the_mark_open_is_found_wherever_it_stands(tmp_path, monkeypatch):
    """In a file that is looked at in five places only, and among measurements, which may be text."""
    monkeypatch.setattr(csv_source, "SAMPLE", 1 << 8)
    rows = [f"a;2024-01-{i % 28 + 1:02d};{i}" for i in range(1000)]
    (tmp_path / "a.csv").write_text("\n".join(["customer_id;date;amount", *rows]))
    assert read_transactions(tmp_path / "a.csv")["amount"].sum() == sum(range(1000))
    rows[130] = "a;2024-01-01;1.234"
    (tmp_path / "a.csv").write_text("\n".join(["customer_id;date;amount", *rows]))
    with pytest.raises(DataError, match=r"'1.234' may be 1234 or 1.234"):
        read_transactions(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text('customer_id,income,part\na,"1,234","1,5"\nb,31,1.5\n')
    with pytest.raises(DataError, match=r"'income': '1,234' may be 1234 or 1.234"):
        cs.data.read_covariates(tmp_path / "b.csv", ["income"])
    assert cs.data.read_covariates(tmp_path / "b.csv", ["part"])["part"].tolist() == ["1,5", "1.5"]
    read = cs.data.read_covariates(tmp_path / "b.csv", ["income"], decimal=".", thousands=",")
    assert read["income"].tolist() == [1234.0, 31.0]


def test_columns_called_by_numbers(tmp_path):
    with CustomerDatabase(tmp_path / "c.db") as db:
        assert db.add(pd.DataFrame({0: ["a"], 1: ["2024-01-01"]}), customer_id="0", date="1").added == 1


def test_columns_of_a_frame_that_must_not_be_written_to(tmp_path):
    """pandas 3 hands out read-only arrays; so does pandas 2 when asked to."""
    (tmp_path / "a.csv").write_text("customer_id,start,end,fee\na,2023-01-01,2023-03-01,1.5\nb,2023-02-01,, 2\n")
    with nullcontext() if pd.__version__ >= "3" else pd.option_context("mode.copy_on_write", True):
        table = read_subscriptions(tmp_path / "a.csv", covariates=["fee"], observed_until="2023-12-31", unit="D")
        log = pd.DataFrame({"customer_id": ["a", "b"], "date": ["2024-01-01", "2024-01-02"], "amount": ["1", " 2"]})
        assert cs.summarise(log)["monetary_value"].tolist() == [0.0, 0.0]
    assert table["fee"].tolist() == [1.5, 2.0]


def test_advice_on_the_command_line_names_its_options(tmp_path):
    assert in_options("pass delimiter=';' or sheet=.", ["delimiter", "sheet"]) == "pass --delimiter ';' or --sheet."
    assert (
        in_options("decimal=',', most_bad= a larger", ["decimal", "most_bad"]) == "--decimal ',', --most-bad a larger"
    )
    (tmp_path / "a.csv").write_text("customer_id,date,total\na,03/04/2024,1\n")
    for words, advice in (
        (["--amount", "total"], "Pass --date-format, such as"),
        (["--date-format", "%d/%m/%Y"], "or pass --amount none for a log without amounts"),
        (["--amount=total", "--delimiter=;"], "pass --delimiter ','"),
    ):
        done = CliRunner().invoke(app, ["summarise", str(tmp_path / "a.csv"), *words])
        assert done.exit_code == 2
        assert advice in done.stderr


def test_what_needs_every_purchase_takes_a_log_wherever_it_lies(tmp_path):
    days = ["2024-01-01", "2024-01-09", "2024-02-01"]
    log = pd.DataFrame({"customer_id": [1, 1, 2], "date": pd.to_datetime(days), "amount": [1.0, 2.0, 3.0]})
    right = cs.data.split_holdout(log, until="2024-01-05", unit="D")
    for place, held in everywhere(log, tmp_path).items():
        found = summary_of_kind(cs.data.split_holdout(held, until="2024-01-05", unit="D"))
        pd.testing.assert_frame_equal(found, right, obj=place)
    with CustomerDatabase(tmp_path / "c.db") as db:
        db.add(log)
        found = cs.data.split_holdout(db, until="2024-01-05", unit="D")
    assert found.reset_index(drop=True).equals(right.reset_index(drop=True))
