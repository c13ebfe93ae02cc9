"""The firm's record of contacts: who was drawn to which arm of which campaign, when, at what cost and chance."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.data.logs.days import calendar_day, iso_day, latest_day
from churnsim.data.tabular.columns import numpy_ids
from churnsim.data.tabular.open_source import raw_rows
from churnsim.data.tabular.row_coercion import Column, column_names, typed_rows
from churnsim.data.tabular.row_errors import Flaw
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import DataError

__all__ = ["contact_records"]

COLUMNS = (
    Column(name="customer_id", kind="id"),
    Column(name="at", kind="date"),
    Column(name="arm", kind="text"),
    Column(name="campaign", kind="text", optional=True),
    Column(name="cost", kind="number", optional=True),
    Column(name="chance", kind="number", optional=True),
)
ONLY_CAMPAIGN = "campaign"


@typed
def contact_records(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    customer_id: str = "customer_id",
    at: str = "at",
    arm: str = "arm",
    campaign: str | None = "campaign",
    cost: str | None = "cost",
    chance: str | None = "chance",
    date_format: str | None = None,
    decimal: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    today: Any = None,
) -> pd.DataFrame:
    """Read and check the contacts of campaigns, one row a customer and contact, from a CSV, Parquet or Excel file or a
    frame.

    A customer who was drawn to be left alone has rows too, with the name of the control arm and the days on which the
    others were contacted: without these customers there is nothing to compare with.

    Parameters
    ----------
    source : path or DataFrame
        The records.
    customer_id, at, arm, campaign, cost, chance : str
        What the source calls these columns. `at` is the day of the contact (for the control, of the draw); `cost` is in
        money; `chance` is the probability, above 0 and at most 1, with which the customer was drawn to its arm. The
        last three may be absent: without a campaign all is one, without a chance nothing is known to be drawn.
    date_format, decimal, delimiter, encoding : str, optional
        How the file is written, found out where not given (`churnsim.read_transactions`).
    today : str or date, optional
        The last day a contact may have; this computer's present day unless given.

    Returns
    -------
    DataFrame
        ``customer_id, at, campaign, arm, cost, chance``; cost and chance are NaN where the source has none. Raises
        DataError, naming row, value and remedy, for a missing id, date or arm, a contact still to come, a cost below 0,
        a chance that is none, a row that is there twice, and a customer in two arms of one campaign.

    Examples
    --------
    >>> rows = {"customer_id": [1, 2], "at": ["2024-03-01"] * 2, "arm": ["mail", "control"], "chance": [0.5, 0.5]}
    >>> contact_records(pd.DataFrame(rows))["arm"].tolist()
    ['mail', 'control']
    """
    theirs = {"customer_id": customer_id, "at": at, "arm": arm, "campaign": campaign, "cost": cost, "chance": chance}
    # An optional column under its default name may be absent; one that was named must be there.
    given = {ours: name for ours, name in theirs.items() if name != ours}
    form = FileFormat(date_format=date_format, decimal=decimal, delimiter=delimiter, encoding=encoding)
    names: dict[str, str] = {}

    def chosen(found: list[str]) -> list[str]:
        names.update(column_names("a table of contacts", COLUMNS, given, found))
        return list(names.values())

    kinds = {theirs[ours]: kind for ours, kind in (("at", "date"), ("cost", "number"), ("chance", "number"))}
    rows = raw_rows(
        source, chosen, form, kinds={name: kind for name, kind in kinds.items() if name},
        arguments=("customer_id", "at", "arm"),
    )  # fmt: skip
    if rows.frame.empty:
        raise DataError("the table of contacts has no rows. Give it a row for each customer who was drawn.")
    last = calendar_day(today, name="today") if today is not None else pd.Timestamp(iso_day(latest_day(None)))
    frame = typed_rows(
        rows.frame, columns=COLUMNS, names=names, flaws=rows.flaws, spelling=rows.spelling, latest=last, what="contact"
    )
    frame["at"] = frame["at"].dt.normalize()
    frame["arm"] = frame["arm"].astype(object).str.strip()
    named = frame["campaign"].astype(object).fillna("") if "campaign" in frame else pd.Series("", frame.index)
    frame["campaign"] = named.str.strip().replace("", ONLY_CAMPAIGN)
    _mark_impossible(frame, rows.frame, names, rows.flaws)
    if rows.flaws.count:
        where = str(source) if isinstance(source, str | os.PathLike) else "the table of contacts"
        labels = rows.labels
        raise rows.flaws.error(
            where, row=lambda position: int(labels[position]), row_word=rows.row_word, last_resort="Or drop such rows."
        )
    frame["customer_id"] = numpy_ids(frame["customer_id"])
    for name in ("cost", "chance"):
        frame[name] = frame.get(name, np.nan)
    return frame[["customer_id", "at", "campaign", "arm", "cost", "chance"]]


def _mark_impossible(frame: pd.DataFrame, raw: pd.DataFrame, names: dict[str, str], flaws: Any) -> None:
    """Costs and chances out of range, repeated rows, and customers in two arms of a campaign."""
    if "cost" in frame:
        negative = Flaw(column=names["cost"], reason="is below 0", remedy="Give what the contact cost, 0 or more.")
        flaws.mark((frame["cost"] < 0).to_numpy(), raw[names["cost"]], negative)
    if "chance" in frame:
        possible = (frame["chance"] > 0) & (frame["chance"] <= 1)
        flaws.mark(
            ~possible.to_numpy(), raw[names["chance"]],
            Flaw(
                column=names["chance"], reason="is not a chance above 0 and at most 1",
                remedy="Give the probability with which the customer was drawn to its arm, such as 0.5; where nobody "
                "drew, pass chance=None.",
            ),
        )  # fmt: skip
    customer = raw[names["customer_id"]]
    keys = frame[["customer_id", "campaign"]]
    again = frame[["customer_id", "campaign", "at"]].duplicated().to_numpy()
    flaws.mark(
        again & flaws.good, customer,
        Flaw(
            column=names["customer_id"], reason="has a row of this campaign and day before this one",
            remedy="Give one row to each contact.",
        ),
    )  # fmt: skip
    first = frame["arm"].groupby([keys["customer_id"], keys["campaign"]], sort=False, dropna=False).transform("first")
    flaws.mark(
        (frame["arm"] != first).to_numpy() & flaws.good, raw[names["arm"]],
        Flaw(
            column=names["arm"], reason="is another arm than this customer's first one in the campaign",
            remedy="Give the arm to which the customer was drawn, whatever was sent; draws made anew are campaigns of "
            "their own.",
        ),
    )  # fmt: skip
