"""What a study of an export should look like: units, dates, budget, each with the reason that stands in its comment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import DataError
from churnsim.study.setup.export import Export
from churnsim.study.stages.stages import starts_mid_life
from churnsim.units import DAYS_PER_UNIT, Unit

LEAST_DAYS = 56
"""Assumed: of fewer days than eight weeks a holdout leaves nothing to fit."""
LEAST_REPEATERS = 20
"""Assumed: of fewer customers who came back no rate of buying can be told."""
KNOWN_AFTER = 90
"""Assumed: whoever is first seen so many days after the beginning is a new customer."""
YEAR = 364
"""Whole weeks of a year."""
LONGEST = 104
"""Weeks ahead at most."""
LONGEST_MONTHS = 36
"""Months ahead at most, of subscribers."""
SHARE_OF_MARGIN = 0.1
"""Assumed: a tenth of the margin that customers bring, or subscribers leave, is spent on winning and keeping them."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What was chosen, and in `why` the reason of each in words."""

    unit: Unit
    first: date
    last: date
    calibration_end: date
    horizon: str
    period: str
    epoch: str
    budget: float | None
    typical_purchase: float | None
    silent_for: str
    recent: str
    why: dict[str, str]
    customers: int
    repeaters: int
    purchases: int
    median_gap: float
    mid_life: float
    known_from: date
    known_before: int


def choices_for(export: Export, *, margin: float) -> Choices:
    """Choose for the purchases of an export. Raises DataError for one that is too short or has too few customers who
    came back."""
    # A customer's rows of one day are one purchase.
    log = export.log.assign(day=export.log["date"].dt.normalize(), worth=export.log.get("amount", 0.0))
    buying = log.groupby(["customer_id", "day"], sort=True, as_index=False)["worth"].sum()
    first, last = buying["day"].min().date(), buying["day"].max().date()
    history = (last - first).days + 1
    gaps = purchase_gaps(log)
    counts = buying.groupby("customer_id").size()
    repeaters = int((counts > 1).sum())
    if history < LEAST_DAYS:
        raise DataError(
            f"the purchases reach from {first} to {last}, {history} days: too short to fit a model and to check it on "
            f"later purchases. Export at least {LEAST_DAYS} days; a year or two is better."
        )
    if repeaters < LEAST_REPEATERS:
        raise DataError(
            f"{repeaters} of {len(counts):,} customers bought on more than one day: too few to tell how often "
            "customers buy. Export a longer time, or check that the column of customers holds one id for each person."
        )
    median = float(np.median(gaps))
    unit, unit_why = _unit(history, median)
    held_out, why_held = _held_out(history)
    typical = float(buying["worth"].mean()) if export.has_amounts else None
    weeks = min(LONGEST, history // 7) // 4 * 4
    seen = buying.groupby("customer_id")["day"].min()
    mid_life, _ = starts_mid_life(seen)
    later = first + timedelta(days=KNOWN_AFTER)
    silent = silent_weeks(gaps)
    return Choices(
        unit=unit, first=first, last=last, calibration_end=last - timedelta(days=held_out),
        horizon=f"{weeks} W", period="4 W", epoch="1 W", budget=_budget(export.log, last, margin),
        typical_purchase=typical, silent_for=f"{silent} W", recent=f"{_weeks(np.quantile(gaps, 0.75))} W",
        why={
            "unit": unit_why, "calibration_end": why_held,
            "horizon": f"the purchases reach {history / 7:,.0f} weeks back; nothing in them shows what happens later",
            "silent_for": f"nine in ten of the gaps between a customer's purchases are shorter than {silent} weeks",
        },
        customers=len(counts), repeaters=repeaters, purchases=len(buying), median_gap=median, mid_life=mid_life,
        known_from=later, known_before=int((seen < pd.Timestamp(later)).sum()),
    )  # fmt: skip


def _unit(history: int, median_gap: float) -> tuple[Unit, str]:
    if history < 26 * 7:
        return "D", f"the purchases cover {history} days only"
    gap = f"half of the gaps between a customer's purchases are shorter than {median_gap:,.0f} days"
    if median_gap > 3 * DAYS_PER_UNIT["M"] and history > 3 * DAYS_PER_UNIT["Y"]:
        return "M", gap
    return "W", gap


def _held_out(history: int) -> tuple[int, str]:
    """Days of the holdout, whole weeks, and why."""
    if history >= 2 * YEAR:
        return YEAR, "the last 52 weeks are held out, so that every season is in the check once"
    weeks = max(4, history // 3 // 7)
    return weeks * 7, f"the last third, {weeks} weeks, is held out; with two years of data it would be a whole year"


def _budget(log: pd.DataFrame, last: date, margin: float) -> float | None:
    """A tenth of the margin of four weeks of the last year, to two digits."""
    if "amount" not in log.columns:
        return None
    since = pd.Timestamp(last) - pd.Timedelta(days=YEAR - 1)
    recent = log[log["date"] >= since]
    days = min(YEAR, (pd.Timestamp(last) - log["date"].min()).days + 1)
    sales = float(recent["amount"].sum()) * 28 / days
    return _two_digits(SHARE_OF_MARGIN * margin * sales)


def _two_digits(value: float) -> float:
    if value <= 0:
        return 1.0
    scale = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round(value / scale) * scale


def purchase_gaps(log: pd.DataFrame) -> NDArray[np.float64]:
    """Days between a customer's purchases; those of one day are one."""
    days = log[["customer_id"]].assign(day=log["date"].dt.normalize()).drop_duplicates()
    gaps = days.sort_values(["customer_id", "day"]).groupby("customer_id")["day"].diff()
    found: NDArray[np.float64] = gaps.dt.days.dropna().to_numpy(dtype=np.float64)
    return found


def silent_weeks(gaps: NDArray[np.float64]) -> int:
    """Weeks, longer than nine in ten of the gaps of days between a customer's purchases."""
    return _weeks(float(np.quantile(gaps, 0.9)))


def _weeks(days: float) -> int:
    return max(1, math.ceil(days / 7))
