"""A study of subscribers, one row each: which column holds what, and the configuration with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.data.tabular.format_detection import detect_currency
from churnsim.data.tabular.source import FileFormat
from churnsim.data.tabular.text_columns import as_text
from churnsim.errors import DataError
from churnsim.study.config.contract import SubscribersSection
from churnsim.study.setup.choices import LONGEST_MONTHS
from churnsim.study.setup.columns import export_columns
from churnsim.study.setup.export import Answers, UndecidedError, as_question
from churnsim.study.stages.contract_stages import ContractData, load_subscribers
from churnsim.toml_text import toml_text_of

ASKED = {
    "customer_id": "the subscriber's id", "tenure": "how long the relation has lasted", "churned": "who has left",
    "start": "when the relation began", "end": "when it ended", "charge": "what is paid a month",
}  # fmt: skip
MOST_COVARIATES = 12
MOST_LEVELS = 12
"""Assumed: a column of more different words is no kind of subscriber but a name."""


@dataclass(frozen=True, kw_only=True)
class Subscribers:
    """The columns of a file of subscribers by role, those that tell them apart, and what the file holds."""

    path: Path
    columns: Mapping[str, str]
    covariates: tuple[str, ...]
    observed_until: date | None
    data: ContractData
    currency_sign: str

    @property
    def months(self) -> int:
        """The horizon: no longer than a subscriber has stayed, and not beyond `LONGEST_MONTHS`."""
        return max(1, min(LONGEST_MONTHS, int(self.data.subscribers["tenure"].max())))

    @property
    def monthly(self) -> float:
        """What those who are still there pay a month."""
        return float(self.data.charges[~self.data.subscribers["churned"]].sum())


def read_export_of_subscribers(path: Path, answers: Answers) -> Subscribers:
    """Find the columns that are not stated, and read the file as the study will.

    Raises UndecidedError for what nothing tells, and DataError for a file without a use.
    """
    stated, form, observed_until = answers.columns, answers.form, answers.observed_until
    try:
        looked = export_columns(path, FileFormat(**form))
    except DataError as error:
        raise as_question(error, answers, path) from None
    columns = dict(stated)
    by_dates = "tenure" not in stated and ("start" in stated or not looked.candidates["tenure"])
    needed = ("customer_id", *(("start", "end") if by_dates else ("tenure", "churned")), "charge")
    for role in needed:
        if role not in columns:
            found = [name for name in looked.candidates[role] if name not in columns.values()]
            if not found:
                question = f"which column says {ASKED[role]}?"
                raise UndecidedError(role, question, looked.possible[role] or looked.found, looked.samples)
            columns[role] = found[0]
    if by_dates and observed_until is None:
        raise UndecidedError("observed_until", "until which day is it known who was there?", (), {})
    others = [name for name in looked.found if name not in {columns[role] for role in needed if role != "charge"}]
    section = _section(columns, tuple(others), observed_until, path, form)
    try:
        data = load_subscribers(section, path.parent)
    except DataError as error:
        # What the reader itself said: its remedies are options here, and no keys of a study that is not written yet.
        raise as_question(error.__cause__ if isinstance(error.__cause__, DataError) else error, answers, path) from None
    left = data.subscribers["churned"]
    told = tuple(name for name in others if _tells(data.subscribers[name], left))[:MOST_COVARIATES]
    if not told:
        raise DataError(f"{path}: no column tells subscribers apart. Add their contract, product or place.")
    used = {role: columns[role] for role in needed}
    paid = as_text(looked.rows[columns["charge"]])
    sign = detect_currency(paid, column=columns["charge"], source=str(path)) or ""
    return Subscribers(
        path=path, columns=used, covariates=told, observed_until=observed_until, data=data, currency_sign=sign
    )


def _section(
    columns: Mapping[str, str], covariates: tuple[str, ...], until: date | None, path: Path, form: Mapping[str, Any]
) -> SubscribersSection:
    content = {**columns, **form, "path": path.name, "covariates": list(covariates), "unit": "M"}
    return SubscribersSection.model_validate(content if until is None else {**content, "observed_until": until})


def _tells(values: pd.Series[Any], left: pd.Series[bool]) -> bool:
    """Whether a column tells kinds of subscribers apart: numbers that differ, or a few words, and not who has left."""
    if values.isna().any() or values.nunique() < 2:
        return False
    if values.nunique() <= MOST_LEVELS and left.groupby(values.to_numpy()).nunique().max() == 1:
        return False
    return pd.api.types.is_numeric_dtype(values) or values.nunique() <= MOST_LEVELS


def data_lines(found: Subscribers, currency: str, form: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The keys of [data] with their values, as TOML writes them, and reasons."""
    for role, name in found.columns.items():
        yield role, toml_text_of(name), "by its name, or as stated"
    if found.observed_until is not None:
        yield "observed_until", found.observed_until.isoformat(), "as stated"
    for word, value in form.items():
        yield word, toml_text_of(value), "as stated"
    yield "unit", '"M"', "charges are paid, and contracts renewed, every month"
    yield (
        "covariates",
        f"[{', '.join(map(toml_text_of, found.covariates))}]",
        "numbers, and words of which there are few",
    )
    if currency := currency or found.currency_sign:
        yield "currency", toml_text_of(currency), "set before amounts in the report"
