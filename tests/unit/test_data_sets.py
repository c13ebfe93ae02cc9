"""Mechanics of the public data sets: what is declared is there, and what is not there says where it can be had."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile

import pandas as pd
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli.app import app
from churnsim.data.registry import files, tables
from churnsim.data.registry.declaration import DataSet, declarations
from churnsim.errors import ConfigError, DataError, MissingExtraError

SLOW = {"telco-calls", "made-up-shop", "cdnow-full"}  # read elsewhere in the tests
COLUMNS = {
    "log": ["customer_id", "date", "amount"],
    "histories": ["frequency", "recency", "T", "customers"],
    "panel": ["household", "order", "brand", "price"],
    "counts": ["date", "calls"],
}


@pytest.mark.parametrize("name", [name for name, one in declarations().items() if one.at_hand and name not in SLOW])
def test_what_is_at_hand_loads_in_the_form_of_its_kind(name):
    declared, frame = cs.datasets.describe(name), cs.datasets.load(name)
    assert set(COLUMNS.get(declared.kind, [])) <= set(frame.columns)
    if declared.kind != "log":
        assert len(frame) == declared.rows
    who = {"log": "customer_id", "panel": "household"}.get(declared.kind)
    if who is not None and name != "online-retail":  # there some customers have nothing left
        assert frame[who].nunique() == declared.customers
    if declared.kind == "panel":
        assert frame["price"].ge(0).all()  # a coupon may pay for all of it
    if declared.package and declared.sha256:
        assert cs.datasets.source(name).checksum_sha256 == declared.sha256


def test_every_artificial_table_is_called_so():
    made = cs.datasets.list(artificial=True)
    assert made.index.tolist() == ["telco", "telco-calls", "made-up-shop"]
    assert made["title"].str.contains("artificial|made up").all()
    assert all("ARTIFICIAL" in str(cs.datasets.describe(name)) for name in made.index)
    assert "ARTIFICIAL" not in str(cs.datasets.describe("cdnow"))


def test_the_list_is_what_is_declared_and_unknown_names_say_what_there_is():
    assert cs.datasets.list().index.tolist() == list(declarations())
    assert cs.datasets.list("survey").index.tolist() == ["mobile-survey", "reputation-survey"]
    for call in (cs.datasets.describe, cs.datasets.load, cs.datasets.source):
        with pytest.raises(ConfigError, match=r"no data set 'cdnow2'. Use one of: cdnow, cdnow-full"):
            call("cdnow2")
    with pytest.raises(ConfigError, match="has no file"):
        cs.datasets.source("cohorts")


def test_a_panel_has_the_price_of_what_was_bought():
    """The first household's first three rows, read off the table by hand: heinz28 at 5.2, 5.2 and 4.6."""
    raw = tables.packaged_table(cs.datasets.describe("catsup"))
    for row, bought in enumerate(cs.datasets.load("catsup")["price"].head(40)):
        assert bought == raw.loc[row, f"price.{raw.loc[row, 'choice']}"]


def test_no_answer_is_missing():
    answers = cs.datasets.load("reputation-survey")
    assert answers.min().min() >= 0
    assert answers.isna().sum().sum() == 11


def invoice(number, customer, day, quantity, price):
    return {
        "InvoiceNo": number, "StockCode": "A", "Quantity": quantity,
        "InvoiceDate": pd.Timestamp("2011-01-01") + pd.Timedelta(day, "D"),
        "UnitPrice": price, "CustomerID": customer,
    }  # fmt: skip


def test_invoices_are_summed_and_what_is_cancelled_is_taken_off(tmp_path, monkeypatch):
    lines = [
        invoice("1", 7, 0, 2, 1.5), invoice("1", 7, 0, 1, 4.0),  # 7 for both lines
        invoice("2", 7, 5, 10, 1.0), invoice("C3", 7, 6, -10, 1.0),  # cancelled as a whole
        invoice("4", 8, 1, 3, 2.0), invoice("C5", 8, 2, -1, 2.0),  # a part sent back
        invoice("6", None, 1, 1, 1.0),
    ]  # fmt: skip
    frame = pd.DataFrame(lines).astype({"CustomerID": "Int64"})
    frame.to_parquet(tmp_path / "online_retail.parquet")
    monkeypatch.setenv("CHURNSIM_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"not the published online-retail: it has 7 rows, not 541,909"):
        cs.datasets.load("online-retail")
    log = tables.invoices(cs.datasets.describe("online-retail").model_copy(update={"rows": 7}))
    assert log[["customer_id", "amount"]].to_numpy().tolist() == [[7, 7.0], [8, 4.0]]


def test_online_retail_is_the_published_one(online_retail):
    """Counts as its publisher and others state them: 4,372 customers, of whom some sent everything back."""
    assert online_retail["customer_id"].nunique() == 4321
    assert online_retail["date"].min() == pd.Timestamp("2010-12-01 08:26")
    assert online_retail.attrs["left_out"]["lines without a customer"] == 135_080


@pytest.fixture
def address(tmp_path, monkeypatch):
    """A server on this machine alone, which has one archive; the cache and the folder of files are empty."""
    (tmp_path / "served").mkdir()
    with zipfile.ZipFile(tmp_path / "served" / "a.zip", "w") as archive:
        archive.writestr("In it.csv", "a\n1\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CHURNSIM_DATA", raising=False)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "served"))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/a.zip"
        server.shutdown()
        thread.join()


def fetch(address, sha256):
    names = ("in_it.parquet", "In it.csv")
    return files.fetched_file("a set", names=names, address=address, sha256=sha256, member="In it.csv")


def test_a_download_is_checked_unpacked_and_kept(address, tmp_path):
    pytest.importorskip("pooch")
    sha256 = hashlib.sha256((tmp_path / "served" / "a.zip").read_bytes()).hexdigest()
    with pytest.raises(DataError, match=r"cannot be fetched.*does not match.*Or save it yourself from http.*In it.csv"):
        fetch(address, "0" * 64)
    found = fetch(address, sha256)
    assert found.read_text() == "a\n1\n"
    assert [path.name for path in files.cache_folder().iterdir()] == ["In it.csv"]
    (tmp_path / "served" / "a.zip").unlink()
    assert fetch(address, sha256) == found  # not fetched again
    found.unlink()
    with pytest.raises(DataError, match=r"cannot be fetched from http://127.*404.*environment variable CHURNSIM_DATA"):
        fetch(address, sha256)


def test_without_the_library_that_downloads_it_says_what_to_do(address, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"pooch, which is not installed.*Or save it yourself from http://127"):
        fetch(address, "0" * 64)


def test_the_folder_of_files_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURNSIM_DATA", str(tmp_path))
    (tmp_path / "In it.csv").write_text("mine")
    assert fetch("http://127.0.0.1:9/", "0" * 64) == tmp_path / "In it.csv"


def test_the_form_that_is_read_fastest_goes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURNSIM_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    files.cache_folder().mkdir(parents=True)
    fast = files.cache_folder() / "in_it.parquet"
    fast.touch()
    (tmp_path / "In it.csv").touch()
    assert files.file_at_hand(("in_it.parquet", "In it.csv")) == fast


def test_a_workbook_that_is_not_the_published_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURNSIM_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "Online Retail.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"Online Retail.xlsx is not the published file: its SHA-256 is"):
        cs.datasets.load("online-retail")


def test_a_package_that_is_not_there():
    with pytest.raises(MissingExtraError, match=r"the data set x needs nobody_has_this"):
        files.package_file("nobody_has_this", "a.csv", of="x")
    with pytest.raises(DataError, match=r"a.csv is missing: it should be in the package lifetimes"):
        files.package_file("lifetimes", "a.csv", of="x")


@pytest.mark.parametrize("change", [{"package": None}, {"written_out": True}, {"kind": "panel"}, {"sha256": "0"}])
def test_a_declaration_has_one_way_to_its_data(change):
    with pytest.raises(ValidationError):
        DataSet(**{**cs.datasets.describe("donations").model_dump(), **change})


def test_the_command_lists_shows_and_saves(tmp_path):
    def run(*arguments):
        return CliRunner().invoke(app, ["data", *arguments])

    listed = run("list", "--kind", "contract")
    assert listed.exit_code == 0
    assert "artificial" in listed.output
    assert "cdnow" not in listed.output
    assert "ARTIFICIAL" in run("show", "telco").output
    saved = run("save", "cohorts", str(tmp_path / "left.csv"))
    assert saved.exit_code == 0, saved.output
    assert (tmp_path / "left.csv").read_text().splitlines()[1] == "0,1000,1000"
    assert run("show", "nothing").exit_code == 2
    assert run("save", "cohorts", str(tmp_path / "left.txt")).exit_code == 2
