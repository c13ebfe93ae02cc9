"""Answers one by one, as they stand in a table: told apart by kind and item, checked, and put together as a survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.data.tabular.row_errors import Flaw, Flaws, show
from churnsim.errors import ConfigError, DataError
from churnsim.satisfaction.survey import KINDS, ROLES, Scale, Survey

__all__ = ["Cells", "Names", "assemble", "cells_of"]

SHORT = {"E": "expectation", "P": "perception", "I": "importance"}
WHOLE_STEPS = 10
"""A scale of at most so many steps is ticked, not drawn: answers between its steps are typing errors."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a table calls its columns."""

    respondent: str = "respondent"
    item: str = "item"
    customer_id: str = "customer_id"
    date: str = "date"
    role: str = "role"

    def wanted(self, found: Sequence[Any], *, source: str, delimiter: str | None = None) -> list[str]:
        """The columns of `found` that a survey uses. DataError where an id or any answers are missing."""
        columns = [str(name).strip() for name in found]
        double = sorted({name for name in columns if columns.count(name) > 1})
        if double:
            raise DataError(f"{source} has several columns called {show(double[0])}. Rename all but one.")
        hint = ""
        if delimiter is not None and len(columns) == 1 and any(mark in columns[0] for mark in ";\t|,"):
            hint = " Another delimiter seems to be used: pass delimiter=';' or the like."
        if self.respondent not in columns:
            raise DataError(
                f"{source} has no column {show(self.respondent)}; it has {', '.join(map(show, columns[:12]))}. "
                f"Pass respondent= the name of the column with the respondent's id.{hint}"
            )
        long = self.item in columns
        answers = [name for name in columns if (name in KINDS if long else kind_and_item(name))]
        if not answers:
            raise DataError(
                f"{source} holds no answers; its columns are {', '.join(map(show, columns[:12]))}. "
                f"Long: a column {show(self.item)} and columns such as 'perception'. Wide: columns such as "
                f"'perception.q1' or 'P.q1'. Kinds are {', '.join(KINDS)}.{hint}"
            )
        about = [self.respondent, *([self.item] if long else [])]
        return [*about, *(n for n in (self.customer_id, self.date, self.role) if n in columns), *answers]


def kind_and_item(column: str) -> tuple[str, str] | None:
    """The kind and item of a wide column such as ``perception.q1`` or ``P.q1``; None for another column."""
    head, point, item = column.partition(".")
    kind = SHORT.get(head, head)
    return (kind, item) if point and item and kind in KINDS else None


@dataclass(frozen=True, kw_only=True)
class Cells:
    """One row an answer (`line, column, respondent, item, kind, value`) and one a record (`about`: line, respondent,
    customer_id, date, role)."""

    answers: pd.DataFrame
    about: pd.DataFrame


def cells_of(table: pd.DataFrame, lines: Any, *, names: Names, source: str) -> Cells:
    """Every answer of a long or wide table."""
    table = table.rename(columns=lambda name: str(name).strip())
    names.wanted(list(table.columns), source=source)
    who = _text(table[names.respondent])
    parts = []
    for column in table.columns:
        if names.item in table.columns:
            kind, item = column, _text(table[names.item])
            if kind not in KINDS:
                continue
        else:
            found = kind_and_item(column)
            if found is None:
                continue
            kind, item = found[0], pd.Series(found[1], index=table.index)
        parts.append(
            pd.DataFrame(
                {
                    "line": lines, "column": column, "respondent": who, "item": item, "kind": kind,
                    "value": table[column],
                }
            )
        )  # fmt: skip
    about = pd.DataFrame({"line": lines, "respondent": who})
    for field, name in (("customer_id", names.customer_id), ("date", names.date), ("role", names.role)):
        if name in table.columns:
            about[field] = table[name] if field == "date" else _text(table[name])
    return Cells(answers=pd.concat(parts, ignore_index=True), about=about)


def assemble(
    cells: Cells,
    *,
    source: str,
    row_word: str,
    scales: Mapping[str, Scale],
    date_format: str | None = None,
    on_bad: Literal["raise", "set_aside"] = "raise",
) -> Survey:
    """Check every answer and put the survey together; see `read_survey` for what is raised."""
    if on_bad not in ("raise", "set_aside"):
        raise ConfigError(f"on_bad must be 'raise' or 'set_aside'; got {on_bad!r}.")
    answers = cells.answers
    flaws = Flaws(len(answers))
    numbers = _checked(answers, flaws, scales)
    respondents = _respondents(cells.about, source, row_word, date_format)
    if flaws.count and on_bad == "raise":
        line = answers["line"].to_numpy()
        raise flaws.error(
            source,
            row=lambda position: int(line[position]),
            row_word=row_word,
            last_resort="Or pass on_bad='set_aside' to count such answers as not given and have them listed.",
            things="answers",
        )
    line = answers["line"].to_numpy()
    aside = flaws.records(lambda position: int(line[position]))
    good = answers.assign(value=numbers)[flaws.good & numbers.notna().to_numpy()]
    if good.empty:
        raise DataError(f"{source} holds no answer that can be used. Check the columns and the scale.")
    index = pd.Index(respondents.index, name="respondent")
    frames = {}
    for kind, part in good.groupby("kind", sort=False):
        items = list(dict.fromkeys(answers.loc[answers["kind"] == kind, "item"].dropna()))
        pivot = part.pivot(index="respondent", columns="item", values="value")
        frames[str(kind)] = pivot.reindex(index=index, columns=[i for i in items if i in pivot]).astype(float)
        frames[str(kind)].columns.name = None
    return Survey(
        answers=frames, respondents=respondents, scales={kind: scales[kind] for kind in frames}, set_aside=aside
    )


def _checked(answers: pd.DataFrame, flaws: Flaws, scales: Mapping[str, Scale]) -> pd.Series[float]:
    text = _text(answers["value"])
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    given = text.notna().to_numpy()
    whole = "Write the number of the box that was ticked."
    twice = answers.duplicated(["respondent", "item", "kind"]).to_numpy() & answers["respondent"].notna().to_numpy()
    for name, part in answers.groupby("column", sort=False):
        here = np.zeros(len(answers), dtype=bool)
        here[part.index] = True
        low, high = scales[str(part["kind"].iloc[0])]
        column = str(name)
        for bad, values, reason, remedy in (
            (answers["respondent"].isna().to_numpy(), answers["respondent"], "is not a respondent's id (missing)",
             "Give every row the id of who answered."),
            (answers["item"].isna().to_numpy(), answers["item"], "is not an item (missing)", "Name the item answered."),
            (given & ~np.isfinite(numbers.to_numpy()), answers["value"], "is not a number", whole),
            ((numbers < low) | (numbers > high), answers["value"],
             f"is outside the scale {low:g} to {high:g}", "Correct it, or pass the scale that was used."),
            (given & (numbers % 1 != 0) & (high - low <= WHOLE_STEPS), answers["value"],
             "lies between the steps of the scale", whole),
            (twice, answers["respondent"], "answers the same item again",
             "Keep one row for each respondent (wide) or each respondent and item (long)."),
        ):  # fmt: skip
            flaws.mark(here & np.asarray(bad, dtype=bool), values, Flaw(column=column, reason=reason, remedy=remedy))
    return numbers


def _respondents(about: pd.DataFrame, source: str, row_word: str, date_format: str | None) -> pd.DataFrame:
    """One row a respondent: role, customer_id, date. DataError where rows of one respondent disagree."""
    known = about[about["respondent"].notna()]
    table = known.set_index("respondent")[[]].groupby(level=0, sort=False).first()
    for field in ("customer_id", "date", "role"):
        if field not in known:
            continue
        filled = known[known[field].notna()]
        kinds = filled.groupby("respondent", sort=False)[field].nunique()
        if (kinds > 1).any():
            who = kinds.index[kinds > 1][0]
            at = filled.loc[filled["respondent"] == who, "line"].iloc[1]
            raise DataError(
                f"{source}, {row_word} {at}: respondent {show(who)} has more than one {field}. Give one for each."
            )
        table[field] = filled.groupby("respondent", sort=False)[field].first().reindex(table.index)
    if "date" in table:
        dates = pd.to_datetime(table["date"], format=date_format or "ISO8601", errors="coerce")
        wrong = dates.isna() & table["date"].notna()
        if wrong.any():
            who = str(table.index[wrong][0])
            raise DataError(
                f"{source}: respondent {show(who)} has the date {show(table['date'].loc[who])}, which is not "
                f"{'of the form ' + date_format if date_format else 'year-month-day'}. Correct it or pass date_format."
            )
        table["date"] = dates
    table["role"] = table["role"].fillna("customer") if "role" in table else "customer"
    strange = table.loc[~table["role"].isin(ROLES), "role"]
    if not strange.empty:
        raise DataError(
            f"{source}: respondent {show(strange.index[0])} has the role {show(strange.iloc[0])}. "
            f"Use {', '.join(ROLES)}, or leave it empty for a customer."
        )
    return table


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Values as trimmed text; empty text and missing values as NA. 7.0 stays equal to 7."""
    if pd.api.types.is_float_dtype(values.dtype):
        # An id column with a gap arrives as floats: 12.0 is the id 12.
        whole = values.dropna() % 1 == 0
        if len(whole) and whole.all():
            values = values.astype("Int64")
    text = values.astype("string").str.strip()
    return text.mask(text == "").astype(object).where(lambda t: t.notna(), None)
