"""[data] of a study: the words of the one reader, a customer database, and a log without amounts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import churnsim as cs
from churnsim.data import datasets
from churnsim.errors import ConfigError
from churnsim.records.load import load_run
from churnsim.report.html import render
from churnsim.study.config.config_file import parse_config
from churnsim.study.runner import run_study
from churnsim.study.stages.data_stage import load_data

STUDY = """
name = "own"
title = "Own"
question = "?"
seed = 1
[data]
{data}
unit = "D"
calibration_end = 2024-01-20
[simulation]
horizon = "8 W"
period = "4 W"
epoch = "1 W"
replications = 2
[claims]
test = ["card-npv", "recovery-retains", "longer-is-worth-more"]
quick = true
"""
STRATEGIES = '[[strategy]]\nname = "baseline"\n[[strategy]]\nname = "other"\n'
# Day first, comma before decimals, two cents rounded up nowhere: amounts by hand are 3.00, 2.50, 10.00 and 4.00.
EXPORT = """Kunde;Tag;Preis;Menge;Währung
7;05.01.2024;1,50;2;EUR
7;25.01.2024;2,50;1;EUR
7;26.01.2024;2,50;-1;EUR
8;06.01.2024;10,00;1;EUR
8;24.01.2024;2,00;2;EUR
;07.01.2024;9,00;1;EUR
"""
WORDS = """path = "export.csv"
customer_id = "Kunde"
date = "Tag"
price = "Preis"
quantity = "Menge"
currency_column = "Währung"
delimiter = ";"
encoding = "cp1252"
date_format = "%d.%m.%Y"
decimal = ","
guests = "apart"
refunds = "net"
"""


def message(text: str, folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, folder=folder)
    return str(caught.value)


def test_an_export_is_read_as_the_keys_say(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_bytes(EXPORT.encode("cp1252"))
    config = parse_config(STUDY.format(data=WORDS) + STRATEGIES, folder=tmp_path)
    data = load_data(config.data, config.folder)
    log = data.transactions.assign(date=data.transactions["date"].dt.strftime("%m-%d"))
    rows = log[["customer_id", "date", "amount"]].to_numpy().tolist()
    assert rows == [["7", "01-05", 3.0], ["8", "01-06", 10.0], ["8", "01-24", 4.0]]
    assert data.facts.rows_read == 6
    assert sum(data.facts.left_out.values()) == 3
    assert not data.facts.set_aside
    # The same file with what is said about its form left to be found out.
    shorter = re.sub(r"(delimiter|date_format|decimal) = .*\n", "", WORDS)
    again = load_data(parse_config(STUDY.format(data=shorter) + STRATEGIES, folder=tmp_path).data, tmp_path)
    pd.testing.assert_frame_equal(again.transactions, data.transactions)
    assert again.facts.detected


def test_a_database_gives_what_its_file_gives(tmp_path: Path) -> None:
    log = datasets.cdnow()
    log[log["customer_id"] % 50 == 0][["customer_id", "date", "amount"]].to_csv(tmp_path / "log.csv", index=False)
    with cs.data.CustomerDatabase(tmp_path / "customers.db") as database:
        database.add(tmp_path / "log.csv")
    text = STUDY.replace("2024-01-20", "1997-09-30") + STRATEGIES
    found = [
        load_data(parse_config(text.format(data=f'{key} = "{name}"'), folder=tmp_path).data, tmp_path)
        for key, name in (("path", "log.csv"), ("database", "customers.db"))
    ]
    pd.testing.assert_frame_equal(found[0].summary.sort_index(), found[1].summary.sort_index())
    assert found[1].facts.source == "customers.db"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "none of dataset, path and database given"),
        ('path = "a.csv"\ndatabase = "b.db"', "path and database of dataset, path and database given"),
        ('path = "a.csv"', "data.path = 'a.csv': there is no file"),
        ('database = "b.db"', "data.database = 'b.db': there is no file"),
        ('dataset = "cdnow"\ndelimiter = ";"', "says how a file is written, and dataset is none"),
        ('dataset = "cdnow"\nfirst_from = 1997-02-01', "data.first_from: is for files and databases"),
        ('path = "export.csv"\nprice = "p"', "data.price: needs quantity"),
        ('path = "export.csv"\nprice = "p"\nquantity = "q"\namount = "a"', "given besides price and quantity"),
        ('path = "export.csv"\namount = true', "data.amount"),
        ('path = "export.csv"\ndelimiter = ";;"', "data.delimiter"),
        ('path = "export.csv"\nexchange_rates = { EUR = 0 }', "must be above 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(data: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(EXPORT, encoding="utf-8")
    assert said in message(STUDY.format(data=data) + STRATEGIES, tmp_path)


@pytest.fixture(scope="module")
def without_amounts(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("dates")
    log = datasets.cdnow()
    log[log["customer_id"] % 30 == 0][["customer_id", "date"]].to_csv(folder / "log.csv", index=False)
    text = STUDY.format(data='path = "log.csv"\namount = false').replace("2024-01-20", "1997-09-30")
    text = text.replace('unit = "D"', 'unit = "W"').replace(
        "[simulation]", '[models]\npurchases = "bg_nbd"\n[simulation]'
    )
    return folder, text + "[validation]\nreplications = 20\n"


def test_a_log_without_amounts_is_studied_in_purchases(without_amounts: Any) -> None:
    """The replay is that of the same study with amounts, which play no part in it."""
    folder, text = without_amounts
    directory = run_study(parse_config(text, folder=folder), runs_dir=folder / "runs", workers=1)
    run = load_run(directory)
    assert not run.notices.failures
    assert "no amounts" in [warning.code for warning in run.notices.warnings]
    assert (run.value, set(run.fits)) == (None, {"purchases", "purchases_calibration"})
    told = {name for name, metric in run.comparison.metrics.items() if metric.levels}
    assert told == {"purchases", "births", "active_end"}
    assert [claim.shown for claim in run.claims] == ["HOLDS", "NOT_RUN", "UNDECIDED"]
    assert "no amounts" in run.claims[1].reason
    assert run.validation.replay is not None
    log = datasets.cdnow()
    split = cs.split_holdout(
        log[log["customer_id"] % 30 == 0], until="1997-09-30", holdout_until=run.validation.holdout_end
    )
    assert run.validation.replay.actual == split["frequency_holdout"].sum()
    assert "Infinity" not in render(directory)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (STRATEGIES + "retention = { budget_per_period = 5.0 }\n", "strategy[2].retention: is judged in money"),
        (STRATEGIES + "economic_bond = { price_off = 0.1 }\n", "strategy[2].economic_bond: is judged in money"),
        ("[precision]\nhalf_width = 5.0\n", "precision: is in money"),
    ],
)
def test_what_is_judged_in_money_is_refused_with_the_reason(table: str, said: str, without_amounts: Any) -> None:
    folder, text = without_amounts
    told = message(text + table, folder)
    assert said in told
    assert "a log without amounts does not say what a purchase brings" in told
