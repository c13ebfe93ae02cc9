"""Satisfaction beside what the same customers did: scores of a survey joined to a table of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.satisfaction.survey import Survey


@typed
def satisfaction_scores(survey: Survey, items: Sequence[str] | None = None) -> pd.Series[Any]:
    """Each respondent's mean perception of `items` on 0 to 100; whoever left one out has none.

    Without `items` those whose names begin with ``satisfaction``, or else ``overall``. DataError where there are none.

    Examples
    --------
    >>> from churnsim.satisfaction import Survey
    >>> answers = pd.DataFrame({"overall": [7, 4]}, index=["r1", "r2"])
    >>> satisfaction_scores(Survey.from_frames({"perception": answers}, scale=(1, 7))).tolist()
    [100.0, 50.0]
    """
    answers = survey.of("perception")
    names = list(map(str, answers.columns))
    chosen = list(items) if items is not None else [name for name in names if name.startswith("satisfaction")]
    if not chosen and "overall" in names:
        chosen = ["overall"]
    if not chosen:
        raise DataError(f"no item measures satisfaction; the survey asks {', '.join(names[:8])}. Pass items=.")
    low, high = survey.scales["perception"]
    mean = survey.of("perception", chosen).mean(axis=1, skipna=False)
    return (100 * (mean - low) / (high - low)).dropna().rename("satisfaction")


@typed
def join_customers(survey: Survey, customers: pd.DataFrame, *, items: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of `customers` (indexed by customer id) who answered, with their `satisfaction`.

    Ids are compared as text, as they stand in files. ``.attrs["not_found"]`` counts respondents without a customer row,
    ``.attrs["answered"]`` the share of customers who answered. Where a customer answered several times the last answer
    counts (by date, or by row). Raises DataError without customer ids, or where nobody is found.

    Examples
    --------
    >>> from churnsim.satisfaction import Survey
    >>> answers = pd.DataFrame({"overall": [7, 4]}, index=["r1", "r2"])
    >>> who = pd.DataFrame({"role": "customer", "customer_id": ["a", "b"]}, index=answers.index)
    >>> survey = Survey.from_frames({"perception": answers}, scale=(1, 7), respondents=who)
    >>> join_customers(survey, pd.DataFrame({"revenue": [90.0, 20.0]}, index=["a", "c"])).to_dict("index")
    {'a': {'revenue': 90.0, 'satisfaction': 100.0}}
    """
    if "customer_id" not in survey.respondents:
        raise DataError("the survey has no customer ids to join by. Add a column customer_id.")
    scores = satisfaction_scores(survey, items)
    who = survey.respondents.loc[scores.index].assign(satisfaction=scores)
    who = who[who["customer_id"].notna()]
    if "date" in who:
        who = who.sort_values("date", kind="stable")
    last = who.drop_duplicates("customer_id", keep="last").set_index("customer_id")["satisfaction"]
    last.index = last.index.map(str)
    table = customers.copy()
    table["satisfaction"] = [last.get(str(name)) for name in table.index]
    found = table[table["satisfaction"].notna()]
    if found.empty:
        example = ", ".join(map(repr, last.index[:3]))
        raise DataError(f"none of the respondents' customer ids ({example}, ...) is among the customers. Check both.")
    found.attrs["not_found"] = int((~last.index.isin(table.index.map(str))).sum())
    found.attrs["answered"] = len(found) / len(table)
    return found
