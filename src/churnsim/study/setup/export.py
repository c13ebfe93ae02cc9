"""What an export holds: its purchases as a study will read them, and what is odd about them."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from churnsim.data.database.database import CustomerDatabase
from churnsim.data.database.loading import Added
from churnsim.data.database.quality import QualityReport
from churnsim.data.logs.transactions import read_transactions
from churnsim.data.tabular.files import unpacked_content
from churnsim.data.tabular.open_source import open_source
from churnsim.data.tabular.order_states import stated
from churnsim.data.tabular.source import FileFormat
from churnsim.data.tabular.text_columns import as_text, mask
from churnsim.errors import ConfigError, DataError
from churnsim.study.setup.columns import ExportColumns, export_columns

FORM = ("date_format", "decimal", "thousands", "delimiter", "encoding", "sheet")
ENCODINGS = ("cp1252", "gb18030", "cp1250", "cp1251", "shift_jis")
KINDS = {"date": "date", "customer_id": "id", "currency": "text"}
MOST_BAD = 0.5
NEGATIVE = r"^\s*(?:\(|[^\d(]*-\s*[^\d]*\d|.*\d\s*-\s*$)"
SIGNS = {"EUR": "€", "GBP": "£", "INR": "₹"}
"""Signs of one currency alone; others are told by their code, as dollars and yen or yuan are several."""
MOST_SIGN, CODE = 8, 3
SHOWN_BAD = 5


class UndecidedError(ConfigError):
    """A question that the file leaves open; `key` is the answer's name, `choices` what it may be, the likeliest first
    (none: any text), `samples` what stands in columns among them."""

    def __init__(
        self, key: str, question: str, choices: tuple[str, ...] = (), samples: Mapping[str, str] | None = None
    ) -> None:
        told = f" One of {', '.join(map(repr, choices))}." if choices else ""
        super().__init__(f"{question}{told} Pass {key}=.")
        self.key, self.question, self.choices, self.samples = key, question, choices, samples or {}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What is stated of an export; the rest is found out. `columns` by role, as "customer_id", `form` by the words of
    the reader, as "date_format"; an amount of "none" is a log without amounts, `observed_until` is of subscribers.
    `leave_out` has values by column that say of a row that it is no purchase."""

    columns: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    rates: Mapping[str, float] | None = None
    observed_until: date | None = None
    leave_out: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export as it was understood.

    Parameters
    ----------
    path
        The file.
    columns
        Our columns to theirs: customer_id, date, and amount, or price and quantity.
    why
        How each column was told, in words.
    log
        The purchases, refunds taken off.
    added, quality
        What came of each row, and what is odd.
    bad
        The first rows that cannot be used: row, column, value, reason.
    rates
        What one unit of each currency is worth, where that was stated.
    unread
        Columns that may say of some rows that they are no purchases, which nothing reads, with what they say.
    leave_out
        The values by column by which rows are left out, as stated or told by the states of orders.
    profit
        The column that says what the rows earned, and how much of their amounts that is in all.
    """

    path: Path
    columns: dict[str, str]
    why: dict[str, str]
    log: pd.DataFrame
    added: Added
    quality: QualityReport
    bad: list[dict[str, Any]]
    rates: Mapping[str, float] | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    leave_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    profit: tuple[str, float] | None = None

    @property
    def has_amounts(self) -> bool:
        """Whether it is known what purchases were worth."""
        return "amount" in self.log.columns

    @property
    def currency_sign(self) -> str:
        """What stands before amounts of the one currency that the rows are in, empty where they do not say."""
        code: str | None = self.log.attrs["reading"]["currency"]
        if code is None and self.rates:  # all are told in the one that is worth 1
            code = next((name for name, worth in self.rates.items() if worth == 1), None)
        if code is None:
            return ""
        code = code.upper() if len(code) == CODE else code
        return SIGNS.get(code, code)[:MOST_SIGN]

    @property
    def stated_away(self) -> int:
        """Rows left out since a column says that they are no purchases."""
        return sum(
            self.added.reasons.get(stated(column, value), 0)
            for column, values in self.leave_out.items()
            for value in values
        )


def read_export(path: str | Path, answers: Answers, *, progress: Callable[[int], None] | None = None) -> Export:
    """Read an export by what its names and values tell and `answers` state.

    Raises UndecidedError for what they leave open, DataError for a file that cannot be used.
    """
    path = Path(path)
    form = FileFormat(**answers.form)
    try:
        looked = export_columns(path, form)
    except DataError as error:
        raise as_question(error, answers, path) from None
    columns, why = _settled(looked, answers)
    leave_out = _undone(looked, columns)
    if answers.leave_out is not None:
        leave_out = {name: tuple(values) for name, values in answers.leave_out.items()}
    read = {*columns.values(), *leave_out}
    unread = {name: told for name, told in looked.doubtful.items() if name not in read}
    kinds = {theirs: KINDS.get(ours, "number") for ours, theirs in columns.items()}
    if answers.rates and "currency" not in columns:
        raise ConfigError("no column says which currency an amount is in. Pass currency= the column, or no rates.")
    try:
        records = open_source(path, form, wanted=list(columns.values()))
        records.columns()
        records.detected(kinds)
    except DataError as error:
        raise as_question(error, answers, path) from None
    named: dict[str, Any] = {**columns}
    if "amount" not in columns and "price" not in columns:
        named["amount"] = None
    with tempfile.TemporaryDirectory() as folder, CustomerDatabase(Path(folder) / "export.db") as database:
        added = database.add(
            path, columns=named, **answers.form, guests="apart", refunds="apart", leave_out=leave_out,
            most_bad=MOST_BAD, progress=progress,
        )  # fmt: skip
        quality = database.check()
    try:  # as the study will read it
        log = read_transactions(
            path, **named, **answers.form, guests="apart", refunds="net", on_bad="set_aside", most_bad=MOST_BAD,
            leave_out=leave_out, exchange_rates=answers.rates, progress=progress,
        )  # fmt: skip
    except DataError as error:
        raise as_question(error, answers, path) from None
    bad = [row for row in log.attrs["set_aside"] if row["column"] is not None][:SHOWN_BAD]
    return Export(
        path=path, columns=columns, why=why, log=log, added=added, quality=quality, bad=bad,
        rates=answers.rates, unread=unread, leave_out=leave_out,
        profit=_earned(path, named, looked, answers, leave_out, log),
    )  # fmt: skip


def _undone(looked: ExportColumns, columns: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The states by column by which rows are left out: those that say that a purchase was undone, unless most of their
    rows are refunds themselves, with a minus, which are taken off what was bought."""
    minus = np.zeros(len(looked.rows), dtype=bool)
    for role in ("amount", "quantity"):
        if role in columns:
            minus |= mask(pc.match_substring_regex(as_text(looked.rows[columns[role]]), NEGATIVE))
    found = {}
    for name, states in looked.undone.items():
        said = looked.rows[name].astype(str).str.strip()
        kept = tuple(state for state in states if 2 * minus[(said == state).to_numpy()].mean() <= 1)
        if kept and name not in columns.values():
            found[name] = kept
    return found


def _earned(
    path: Path, named: Mapping[str, Any], looked: ExportColumns, answers: Answers,
    leave_out: Mapping[str, Sequence[str]], log: pd.DataFrame,
) -> tuple[str, float] | None:  # fmt: skip
    """The column that says what each row earned, and the share of all amounts that this is in all; None where there is
    none, or what it says is no share of what was paid."""
    found = [name for name in looked.candidates["profit"] if name not in named.values()]
    if not found or "amount" not in log.columns:
        return None
    words = {**named, "amount": found[0], "price": None, "quantity": None, "refunded": None, "currency": None}
    with contextlib.suppress(DataError):
        rows = read_transactions(
            path, **words, **answers.form, guests="apart", refunds="apart", on_bad="set_aside", most_bad=MOST_BAD,
            leave_out=leave_out,
        )  # fmt: skip
        lost = rows.attrs["reading"]["refunded"]  # rows that earned less than nothing
        share = (float(rows["amount"].sum()) - lost) / float(log["amount"].sum() or 1.0)
        return (found[0], float(f"{share:.3g}")) if 0 < share < 1 else None
    return None


def _settled(looked: ExportColumns, answers: Answers) -> tuple[dict[str, str], dict[str, str]]:
    """The column of each role, stated or told by its name, and how it was told."""
    for role, name in answers.columns.items():
        if name not in looked.found and not (role == "amount" and name == "none"):
            raise ConfigError(f"the export has no column {name!r}; it has {', '.join(map(repr, looked.found))}.")
    columns = {role: name for role, name in answers.columns.items() if name != "none"}
    why = dict.fromkeys(columns, "as stated")
    for role, question in (
        ("customer_id", "which column says who bought?"), ("date", "which column says when?"),
    ):  # fmt: skip
        if role not in columns:
            columns[role] = _told(role, question, looked, columns)
            why[role] = "by its name"
    for role in ("price", "quantity", "currency"):
        # A price without a quantity is no amount; a currency is read wherever one is told.
        needed = role == "currency" or {"price", "quantity"} & columns.keys()
        found = [name for name in looked.candidates[role] if name not in columns.values()]
        if needed and role not in answers.columns and found and answers.columns.get("amount") != "none":
            columns[role], why[role] = found[0], "by its name"
    if ("price" in columns) != ("quantity" in columns):
        raise ConfigError("price and quantity belong together: the amount is their product. Name both columns.")
    if "amount" in answers.columns or "price" in columns:
        return columns, why
    taken = set(columns.values())
    amount, price, quantity = (
        [name for name in looked.candidates[role] if name not in taken] for role in ("amount", "price", "quantity")
    )
    if price and quantity and not _is_a_total(amount, price):
        return {**columns, "price": price[0], "quantity": quantity[0]}, {
            **why, "price": "by its name; the amount is price times quantity", "quantity": "by its name"
        }  # fmt: skip
    if amount:
        columns, why = {**columns, "amount": amount[0]}, {**why, "amount": "by its name"}
        # Of an amount that is told by its name too: beside the prices of lines it would be that of an order.
        back = [name for name in looked.candidates["refunded"] if name not in columns.values()]
        if back and "refunded" not in columns:
            columns["refunded"], why["refunded"] = back[0], "by its name; taken off the amount"
        return columns, why
    numbers = tuple(name for name in looked.possible["amount"] if name not in taken)
    if not numbers:  # nothing in it can be an amount
        return columns, why
    question = "which column says how much was paid? ('none': it is not known)"
    raise UndecidedError("amount", question, (*numbers, "none"), looked.samples)


def _is_a_total(amount: list[str], price: list[str]) -> bool:
    """Whether there is a column of amounts that is not the price itself ("total price" beside "unit price")."""
    return any(name not in price for name in amount)


def _told(role: str, question: str, looked: ExportColumns, taken: Mapping[str, str]) -> str:
    candidates = [name for name in looked.candidates[role] if name not in taken.values()]
    if candidates:
        return candidates[0]
    possible = tuple(name for name in looked.possible[role] if name not in taken.values())
    if role == "customer_id":  # a column of days is none of ids
        possible = tuple(name for name in possible if name not in looked.possible["date"]) or possible
    if role in ("date", "customer_id") and len(possible) == 1:
        return possible[0]
    raise UndecidedError(role, question, possible or looked.found, looked.samples)


def as_question(error: DataError, answers: Answers, path: Path) -> Exception:
    """What the reader wants to be told, as a question; an error of another kind stays itself."""
    told = str(error)
    if "Pass exchange_rates=" in told and answers.rates is None:
        question = told.split(" Pass ")[0] + " What is one unit of each worth, as in USD=1 EUR=1.08?"
        asked = UndecidedError("rate", question)
        asked.args = (told,)
        return asked
    for key in FORM:
        if f"{key}=" in told and key not in answers.form:
            question = told.split(" Pass ")[0].rstrip(".") + "."
            choices: tuple[str, ...] = ()
            if key == "date_format":
                choices = tuple(re.findall(r"'(%[^']*)'", told))
            elif key == "sheet":
                choices = tuple(re.findall(r"'([^']*)'", told.partition("something: ")[2]))
                if choices[-1] == "*":
                    question += " '*' is all of them, which have the same columns."
                elif "*" in choices[-1]:
                    question += f" {choices[-1]!r} is all those called so, which have the same columns."
            elif key == "encoding":
                readings = _readings(path)
                question += "".join(f" In {name} it reads {text!r}." for name, text in readings.items())
                choices = tuple(readings)
            return UndecidedError(key, question, choices)
    return error


def _readings(path: Path) -> dict[str, str]:
    """How the first word that is not ASCII reads in each encoding that it can be in."""
    with contextlib.suppress(DataError):
        found = re.search(rb"[\w .-]*[\x80-\xff]+[\w\x80-\xff]*", unpacked_content(path))
        readings = {}
        for name in ENCODINGS if found else ():
            with contextlib.suppress(UnicodeError):
                readings[name] = found[0].decode(name).strip()[:40] if found else ""
        return readings
    return {}
