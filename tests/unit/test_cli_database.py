"""Truth: mechanics of ``churnsim db`` and of the pictures it draws."""

from __future__ import annotations

from xml.etree import ElementTree

import pandas as pd
import pytest
from typer.testing import CliRunner

from churnsim.cli.app import app
from churnsim.data import CustomerDatabase

GERMAN = "Kunde;Tag;Betrag\n007;25.03.2024;1.234,50\n8;01.02.2024;3,00\n8;09.02.2024;0,99\n"
COLUMNS = ["--column", "customer_id=Kunde", "--column", "date=Tag", "--column", "amount=Betrag"]


def run(*words):
    return CliRunner().invoke(app, ["db", *map(str, words)])


@pytest.fixture
def database(tmp_path):
    (tmp_path / "a.csv").write_text(GERMAN)
    done = run("add", tmp_path / "c.db", tmp_path / "a.csv", *COLUMNS)
    assert done.exit_code == 0, done.output
    assert "3 of 3 rows added" in done.output
    assert "',' before the decimals" in done.output
    return tmp_path / "c.db"


def test_add_check_summarise_export(database, tmp_path):
    again = run("add", database, tmp_path / "a.csv", *COLUMNS)
    assert "nothing added" in again.output
    checked = run("check", database)
    assert checked.exit_code == 0
    assert "2 customers with purchases, 2024-02-01 to 2024-03-25" in checked.output
    summary = run("summarise", database, "--unit", "D")
    assert "8,1,8.0,53.0,0.99" in summary.output
    written = run("summarise", database, "--out", tmp_path / "s.parquet")
    assert written.exit_code == 0
    assert len(pd.read_parquet(tmp_path / "s.parquet")) == 2
    assert run("export", database, "transactions", tmp_path / "t.csv").exit_code == 0
    assert pd.read_csv(tmp_path / "t.csv", dtype=str)["customer_id"].tolist() == ["007", "8", "8"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "DB", "nothere.csv"), "does not exist"),
        (("add", "DB", "a.csv"), "no column 'customer_id'"),
        (("add", "DB", "a.csv", "--column", "nope"), "OURS=THEIRS"),
        (("add", "DB", "a.csv", *COLUMNS, "--key-env", "NO_SUCH_NAME"), "is not set"),
        (("check", "none.db"), "does not exist"),
        (("summarise", "DB", "--rate", "EUR=x"), "is not a number"),
        (("summarise", "DB", "--out", "DB"), "is the database itself"),
        (("export", "DB", "nothing", "t.csv"), "unknown table"),
        (("export", "DB", "loads", "t.pdf"), "Use .csv"),
        (("plot", "DB", "whale", "t.png"), ".svg"),
    ],
)
def test_what_cannot_be_done_is_one_line(database, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = run(*[database if word == "DB" else word for word in words])
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_an_empty_file_is_a_database_that_was_never_filled(tmp_path):
    """As a full disk leaves one."""
    (tmp_path / "c.db").touch()
    (tmp_path / "log.csv").write_text("customer_id,date,amount\na,2024-01-01,5\n")
    done = CliRunner().invoke(app, ["db", "add", str(tmp_path / "c.db"), str(tmp_path / "log.csv")])
    assert done.exit_code == 0, done.output
    with CustomerDatabase(tmp_path / "c.db") as held:
        assert len(held.transactions()) == 1


def test_pictures_are_svg_and_say_what_they_show(database, tmp_path):
    assert run("plot", database, "whale", tmp_path / "w.svg").exit_code == 0
    drawn = (tmp_path / "w.svg").read_text()
    ElementTree.fromstring(drawn)
    assert "Share of all spend" in drawn
    assert "<script" not in drawn


def test_erase_takes_a_customer_or_an_import_out(database, tmp_path):
    assert "2 of transactions would be erased" in run("erase", database, "--customer", "8", "--dry-run").output
    assert "2 of transactions were erased" in run("erase", database, "--customer", "8").output
    assert run("export", database, "loads", tmp_path / "loads.csv").exit_code == 0
    checksum = pd.read_csv(tmp_path / "loads.csv")["checksum"].iloc[0]
    assert "import a.csv: 1 of transactions" in run("erase", database, "--import", checksum[:10]).output
    for words in ([], ["--customer", "8", "--import", checksum]):
        assert "give --customer or --import" in run("erase", database, *words).output
    assert "does not exist" in run("erase", tmp_path / "none.db", "--customer", "8").output


def test_a_log_taken_as_one_without_amounts_is_said_to_be(tmp_path):
    (tmp_path / "a.csv").write_text("customer_id,date,quantity,unit_price\na,2024-01-02,2,3.5\nb,2024-01-03,1,2\n")
    said = "no column 'amount', so that it is taken as a log without amounts"
    added = run("add", tmp_path / "a.db", tmp_path / "a.csv").output
    assert said in added
    assert "by --price and --quantity" in added
    assert said not in run("add", tmp_path / "b.db", tmp_path / "a.csv", "--amount", "none").output
    priced = run("add", tmp_path / "c.db", tmp_path / "a.csv", "--price", "unit_price", "--quantity", "quantity").output
    assert "2 of 2 rows" in priced
    assert said not in priced
