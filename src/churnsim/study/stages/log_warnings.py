"""What a log of purchases does not show, found before anything is fitted to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from churnsim.records.notices import StudyWarning
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.data_stage import StudyData
from churnsim.units import DAYS_PER_UNIT, UNIT_NAMES

__all__ = ["log_warnings", "starts_mid_life"]

WINDOW_DAYS = 30
# A log begins mid-life when its first month holds more newcomers than twice the mean of the later months that have any:
# older customers, whose first purchase was before the log, are counted as new in it. Twice, since growth or a season
# moves months by less (assumed); at least a twentieth of all, so that a few early customers say nothing.
TIMES = 2.0
LEAST_SHARE = 0.05
LEAST_WINDOWS = 3
DAYS_PER_YEAR = DAYS_PER_UNIT["Y"]


def log_warnings(config: StudyConfig, data: StudyData) -> Iterator[StudyWarning]:
    """What a reader must know of the log, with its numbers."""
    if not data.has_amounts:
        message = "the log has no amounts: nothing is said in money, neither of the customers' value nor of strategies."
        yield StudyWarning(stage="data", code="no amounts", message=message)
    silent = data.facts.silent_days
    if silent:
        message = (
            f"no purchase in the last {silent} days before {data.holdout_end}; they count as days on which nobody "
            "bought. If the log simply ends earlier, set holdout_end to its last day."
        )
        yield StudyWarning(stage="data", code="silent end", message=message, figures={"days": silent})
    first = data.transactions.groupby("customer_id")["date"].min()
    share, usual = starts_mid_life(first)
    if share > 0:
        message = (
            f"the first {WINDOW_DAYS} days hold the first purchase of {share:.0%} of the customers, later months "
            f"{usual:.0%} each: the log seems to begin in the middle of older relations, whose customers count as new "
            "here. Rates of buying and leaving are then off; set the log to begin with customers known to be new."
        )
        yield StudyWarning(
            stage="data", code="starts mid-life", message=message, figures={"share": share, "usual_share": usual}
        )
    history = (pd.Timestamp(data.holdout_end) - first.min()).days / DAYS_PER_UNIT[data.unit]
    horizon = max(length.to(data.unit) for length in (config.simulation.horizon, config.value.horizon) if length)
    if horizon > history:
        message = (
            f"the study looks {horizon:,.0f} {UNIT_NAMES[data.unit]} ahead and the log reaches {history:,.0f} back: "
            "nothing in it shows what happens after so long. Take a shorter horizon, or read later years as a guess."
        )
        figures = {"horizon": horizon, "history": history}
        yield StudyWarning(stage="data", code="horizon beyond history", message=message, figures=figures)
    held_out = data.holdout_length * DAYS_PER_UNIT[data.unit]
    if held_out < DAYS_PER_YEAR - 1:
        message = (
            f"the holdout covers {held_out:,.0f} days, no whole year: what a season does to purchases is neither in "
            "the forecast nor in its test."
        )
        yield StudyWarning(
            stage="validation", code="holdout without a season", message=message, figures={"days": held_out}
        )


def starts_mid_life(first: pd.Series[pd.Timestamp]) -> tuple[float, float]:
    """The share of customers whose first purchase falls in the first 30 days, and the mean share of the later periods
    of 30 days that have any; (0, 0) where the first is not out of line.

    A cohort, whose newcomers stop at one time, has no later periods after that, and is compared with those before.
    """
    window = ((first - first.min()).dt.days // WINDOW_DAYS).to_numpy()
    counts = np.bincount(window)[:-1]  # the last period may be cut short by the end of the log or of the cohort
    later = counts[1:][counts[1:] > 0]
    if len(later) < LEAST_WINDOWS - 1:
        return 0.0, 0.0
    share, usual = counts[0] / len(first), float(later.mean()) / len(first)
    out_of_line = share >= LEAST_SHARE and share > TIMES * usual
    return (float(share), usual) if out_of_line else (0.0, 0.0)
