"""`defection-reasons`: write a report on every customer lost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.verdicts import Answer, conjunction
from churnsim.models.retention.competing_risks import CumulativeIncidence, cumulative_incidence
from churnsim.models.survival.curve import SurvivalCurve

# Monthly hazards of the simulated customers' three reasons (assumed; they only have to be known).
HAZARDS = {"price": 0.030, "service failure": 0.025, "moved away": 0.010}
CUSTOMERS, LONGEST = 4000, 36
TIMES = (6.0, 12.0, 24.0)
# Nine intervals are asked to hold together at 95%: Bonferroni.
LEVEL = 1 - 0.05 / (len(HAZARDS) * len(TIMES))
ROUNDING = 1e-9


def judge(evidence: Evidence = None, quick: bool = False, *, one_at_a_time: bool = False) -> Finding:
    """Aalen-Johansen on customers whose reasons are known; the control takes each reason by itself."""
    customers = _customers(seed=1)
    found = cumulative_incidence(customers, level=LEVEL)
    rows = _alone(customers) if one_at_a_time else _together(found)
    total = {t: sum(row["estimate"] for row in rows if row["time"] == t) for t in TIMES}
    lost = {t: 1.0 - float(found.overall[found.overall.index <= t].iloc[-1]) for t in TIMES}
    gap = max(abs(total[t] - lost[t]) for t in TIMES)
    adds_up = Part(
        name="(a) the reasons share out the losses",
        estimand="Largest difference between the sum over reasons and one less survival, over three times.",
        answer=Answer.HOLDS if gap < ROUNDING else Answer.FAILS, estimate=gap, unit="share",
        reason=f"At {TIMES[-1]:g} months the reasons add to {total[TIMES[-1]]:.1%} and {lost[TIMES[-1]]:.1%} are lost.",
    )  # fmt: skip
    missed = [row for row in rows if not row["lower"] <= row["truth"] <= row["upper"]]
    true = Part(
        name="(b) the true shares are found",
        estimand="How many of nine true incidences lie outside their interval (95% together).",
        answer=Answer.FAILS if missed else Answer.HOLDS, estimate=float(len(missed)), unit="of 9",
        reason=f"{len(missed)} of {len(rows)} true incidences lie outside their interval.",
    )  # fmt: skip
    parts = (adds_up, true)
    return Finding(
        answer=conjunction(parts),
        reason=(
            f"On {CUSTOMERS:,} simulated customers, {int(customers['churned'].sum()):,} of whom left, reasons known. "
            f"{adds_up.reason} {true.reason} Reports turn into shares of reasons only when those who left for another "
            "reason are counted out of the risk."
        ),
        estimate=gap, unit="share", parts=parts, tables={"incidence": rows},
    )  # fmt: skip


def _customers(*, seed: int) -> pd.DataFrame:
    """Months until the first of the reasons, censored at random within three years."""
    random = np.random.Generator(np.random.Philox(seed))
    times = np.column_stack([random.geometric(hazard, CUSTOMERS) for hazard in _monthly()])
    first, reason = times.min(axis=1), np.array(list(HAZARDS))[times.argmin(axis=1)]
    watched = random.integers(6, LONGEST + 1, CUSTOMERS)
    left = first <= watched
    return pd.DataFrame({"tenure": np.minimum(first, watched).astype(float), "churned": left, "cause": reason})


def _monthly() -> list[float]:
    """Chance per month that each reason strikes; in a month with two, the first named counts."""
    return list(HAZARDS.values())


def _truth(reason: str, t: float) -> float:
    """Cumulative incidence by t: in a month with two reasons the first named counts."""
    chances, stay, before = _monthly(), 1.0, 1.0
    own = 0.0
    for name, chance in zip(HAZARDS, chances, strict=True):
        if name == reason:
            own = before * chance
        before *= 1.0 - chance
        stay *= 1.0 - chance
    return float(own * (1.0 - stay**t) / (1.0 - stay))


def _together(found: CumulativeIncidence) -> Rows:
    return [
        {
            "reason": reason, "time": t, "truth": _truth(str(reason), t), "estimate": float(row["incidence"]),
            "lower": float(row["lower"]), "upper": float(row["upper"]),
        }
        for t in TIMES
        for reason, row in found.at(t).iterrows()
    ]  # fmt: skip


def _alone(customers: pd.DataFrame) -> Rows:
    """One less Kaplan-Meier of each reason, the lost of other reasons counted as still at risk elsewhere."""
    rows: Rows = []
    for reason in HAZARDS:
        only = customers.assign(churned=customers["churned"] & (customers["cause"] == reason))
        table = SurvivalCurve.fit(only, unit="M").interval(np.array(TIMES), LEVEL)
        for t, row in table.iterrows():
            rows.append(
                {
                    "reason": reason, "time": float(str(t)), "truth": _truth(reason, float(str(t))),
                    "estimate": 1.0 - float(row["survival"]), "lower": 1.0 - float(row["upper"]),
                    "upper": 1.0 - float(row["lower"]),
                }
            )  # fmt: skip
    return rows
