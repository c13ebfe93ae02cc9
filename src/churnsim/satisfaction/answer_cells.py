"""Answers one by one, as they stand in a table: told apart by kind and item, checked, and put together as a survey."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_choice
from churnsim.data.tabular.row_errors import SHOWN_ROWS, Flaws, rows_error, show
from churnsim.errors import DataError
from churnsim.satisfaction.survey import KINDS, ROLES, Scale, Survey, answer_dates

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
        double = sorted(name for name, count in Counter(columns).items() if count > 1)
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
    long = names.item in table.columns
    asked = [(column, (column, "") if long else kind_and_item(column)) for column in table.columns]
    known = [(column, *found) for column, found in asked if found is not None and found[0] in KINDS]
    width, rows = len(known), len(table)
    answers = pd.DataFrame(
        {
            "line": np.tile(np.asarray(lines), width),
            "column": np.repeat(np.array([column for column, _, _ in known], dtype=object), rows),
            "respondent": np.tile(who.to_numpy(), width),
            "item": np.tile(_text(table[names.item]).to_numpy(), width)
            if long
            else np.repeat(np.array([item for _, _, item in known], dtype=object), rows),
            "kind": np.repeat(np.array([kind for _, kind, _ in known], dtype=object), rows),
            "value": pd.concat([table[column] for column, _, _ in known], ignore_index=True),
        }
    )
    about = pd.DataFrame({"line": lines, "respondent": who})
    for field, name in (("customer_id", names.customer_id), ("date", names.date), ("role", names.role)):
        if name in table.columns:
            about[field] = table[name] if field == "date" else _text(table[name])
    return Cells(answers=answers, about=about)


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
    check_choice(on_bad, "on_bad", ("raise", "set_aside"))
    answers = cells.answers
    flaws = Flaws(len(answers))
    numbers = _checked(answers, flaws, scales)
    respondents = _respondents(cells.about, source, row_word, date_format)
    line, column = answers["line"].to_numpy(), answers["column"].to_numpy()
    bad = flaws.records(int, most=SHOWN_ROWS if on_bad == "raise" else None)
    for record in bad:
        record.update(row=int(line[record["row"]]), column=str(column[record["row"]]))
    if bad and on_bad == "raise":
        raise rows_error(
            source, bad, flaws.count, len(answers), flaws.remedies(), row_word=row_word, things="answers",
            last_resort="Or pass on_bad='set_aside' to count such answers as not given and have them listed.",
        )  # fmt: skip
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
        answers=frames, respondents=respondents, scales={kind: scales[kind] for kind in frames}, set_aside=bad
    )


def _checked(answers: pd.DataFrame, flaws: Flaws, scales: Mapping[str, Scale]) -> pd.Series[float]:
    text = _text(answers["value"])
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    given = text.notna().to_numpy()
    whole = "Write the number of the box that was ticked."
    twice = answers.duplicated(["respondent", "item", "kind"]) & answers["respondent"].notna()
    code, kinds = pd.factorize(answers["kind"])
    low, high = (np.array([scales[kind][place] for kind in kinds])[code] for place in (0, 1))
    # The column is told of each answer by `assemble`: a survey may have thousands of them.
    checks: list[tuple[Any, pd.Series[Any], str, str]] = [
        (answers["respondent"].isna(), answers["respondent"], "is not a respondent's id (missing)",
         "Give every row the id of who answered."),
        (answers["item"].isna(), answers["item"], "is not an item (missing)", "Name the item answered."),
        (given & ~np.isfinite(numbers.to_numpy()), answers["value"], "is not a number", whole),
        *(
            ((code == number) & ((numbers < low) | (numbers > high)), answers["value"],
             f"is outside the scale {scales[kind][0]:g} to {scales[kind][1]:g}",
             "Correct it, or pass the scale that was used.")
            for number, kind in enumerate(kinds)
        ),
        (given & (numbers % 1 != 0) & (high - low <= WHOLE_STEPS), answers["value"],
         "lies between the steps of the scale", whole),
        (twice, answers["respondent"], "answers the same item again",
         "Keep one row for each respondent (wide) or each respondent and item (long)."),
    ]  # fmt: skip
    for bad, values, reason, remedy in checks:
        flaws.mark(bad, values, None, reason, remedy)
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
        table["date"] = answer_dates(table["date"], source=source, date_format=date_format)
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
