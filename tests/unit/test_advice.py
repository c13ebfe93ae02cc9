"""Truth: mechanics: what errors advise can be followed as written, by every command and in every table of a study."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from pydantic import BaseModel
from typer.testing import CliRunner

import churnsim
from churnsim.cli.app import app
from churnsim.errors import DataError
from churnsim.study.config.advice import _reader_arguments, in_keys, in_options, told_in_keys
from churnsim.study.config.config import DataSection
from churnsim.study.config.contract import SubscribersSection
from churnsim.study.config.evidence_sections import ContactsSection, OffersSection, SpendSection
from churnsim.study.config.file_section import CovariatesSection, SurveySection
from churnsim.study.stages.data_stage import read_log

SOURCE = Path(churnsim.__file__).parent
ROOMS = ("data", "satisfaction", "study/setup", "study/stages", "trials", "evidence")
SQL = ("read_parquet(", "file_row_number")
LEFT = re.compile(rf"(?<![\w.-])({'|'.join(_reader_arguments())})=")
TABLES: dict[str, type[BaseModel]] = {
    "data": DataSection, "evidence.contacts": ContactsSection, "evidence.spend": SpendSection, "survey": SurveySection,
    "evidence.offers": OffersSection, "data.covariates": CovariatesSection, "subscribers": SubscribersSection,
}  # fmt: skip


def commands(of: typer.Typer, before: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every command and its options, as parameters are called."""
    for command in of.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        yield f"{before}{name}", list(inspect.signature(command.callback).parameters)
    for group in of.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{before}{group.name} ")


COMMANDS = dict(commands(app))


def text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "'x'" for part in node.values)
    return None


@cache
def advising() -> tuple[str, ...]:
    """The texts of the rooms that read files in which an argument of a reader is named."""
    found = set()
    for room in ROOMS:
        for path in sorted((SOURCE / room).rglob("*.py")):
            tree, inner = ast.parse(path.read_text(encoding="utf-8")), set()
            for node in ast.walk(tree):
                if isinstance(node, ast.Expr):
                    inner.add(id(node.value))  # docstrings
                text = None if id(node) in inner else text_of(node)
                if text is not None:
                    inner |= {id(part) for part in ast.walk(node)}
                    if LEFT.search(text) and not any(word in text for word in SQL):
                        found.add(re.sub(r"^\W*\w", lambda first: first[0][-1].upper(), text))
    return tuple(sorted(found))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_advises_its_own_options_alone(command):
    names = COMMANDS[command]
    options = {f"--{name.replace('_', '-')}" for name in names}
    assert len(advising()) > 30
    for message in advising():
        told = in_options(f"x.csv is odd. {message}", names)
        assert told.startswith("x.csv is odd.")
        assert not LEFT.search(told), told
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", told)) <= options, told


@pytest.mark.parametrize("table", TABLES)
def test_a_study_advises_the_keys_of_the_table_alone(table):
    keys = TABLES[table].model_fields
    for message in advising():
        told = in_keys(f"x.csv is odd. {message}", table, keys)
        assert not LEFT.search(told), told
        assert set(re.findall(r"(?<!got )\b(\w+) = (?![A-Z])", told)) <= {*keys, "USD", "EUR"}, told


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    log = churnsim.datasets.cdnow().iloc[:400, :3]
    log.to_csv(tmp_path / "log.csv", index=False)
    log.assign(date="03/04/1997").to_csv(tmp_path / "days.csv", index=False)
    log.assign(amount=-1.0).to_csv(tmp_path / "minus.csv", index=False)
    sent = pd.DataFrame({"customer_id": log["customer_id"].unique(), "sent_on": "1997-07-01", "arm": "mail"})
    sent.to_csv(tmp_path / "sent.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_says_what_to_write_for_records_it_cannot_read(folder):
    done = CliRunner().invoke(app, ["init", "log.csv", "--no-ask", "--margin", "0.3", "--contacts", "sent.csv"])
    assert done.exit_code == 2
    assert "Pass columns = { at = NAME } in [evidence.contacts], the name of the column" in done.stderr
    assert "leave --contacts out here" in done.stderr


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"path": "days.csv"}, "Pass date_format (in [data]), such as"),
        ({"path": "minus.csv"}, "Pass refunds = 'apart' in [data] to leave refunds out, or refunds = 'net' to"),
        ({"path": "log.csv", "date": "when"}, "Pass date (in [data]) the name of the column that holds it."),
    ],
)
def test_a_study_says_which_key_helps(folder, changes: dict[str, Any], advice):
    section = DataSection(unit="W", calibration_end="1997-09-30", **changes)
    with pytest.raises(DataError) as refused:
        read_log(section, folder)
    assert advice in str(refused.value)


def test_errors_of_other_kinds_pass():
    with pytest.raises(ZeroDivisionError), told_in_keys("data", ["sheet"]):
        _ = 1 / 0
