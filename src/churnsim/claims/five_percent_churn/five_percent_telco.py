"""Part (d) of `five-percent-churn` on artificial subscribers: Telco's 7,043 (extra "datasets").

Five points are of yearly retention; subscribers leave and pay by the month. A year's profit of the card comes in
twelve equal parts, each at the end of a month to those there at its start. As in `annual-churn` the table is read in
two ways, because its source says that the leavers are those of one month:

- followed from the start: an sBG fitted to the tenures; five points raise its mean and leave its polarization;
- leavers of one month: everybody leaves at the table's own monthly rate, and five points raise that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from churnsim.claims.five_percent_churn.five_percent_contracts import DRAWS, RATE, SETTINGS
from churnsim.claims.five_percent_churn.five_percent_map import HIGH, LOW, PROFILES, Change
from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.verdicts import Answer, Spread, spread
from churnsim.data import datasets
from churnsim.errors import MissingExtraError
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.typing import Floats

# A common chance to stay a month, or the mean of many, and how survival by month follows from it.
Base = tuple[float, Callable[[float], Floats]]

# After three hundred years a dollar is worth 4e-13 of one at 10%.
MONTHS = 12 * 300
FOLLOWED, ONE_MONTH = "Telco (artificial data) followed from the start", "Telco's (artificial) leavers of one month"


def sbg_by_month(model: ShiftedBetaGeometric) -> Base:
    """Mean monthly retention of the mix, and its S(0), S(1) ... at any other mean with the polarization it has."""
    total = model.alpha + model.beta
    done = np.arange(MONTHS - 1.0)

    def survival(retention: float) -> Floats:
        steps = np.log((total * retention + done) / (total + done))
        return np.asarray(np.exp(np.concatenate([[0.0], np.cumsum(steps)])))

    return model.beta / total, survival


def alike_by_month(retention: float) -> Base:
    """The same for subscribers who are all alike."""
    return retention, lambda stay: np.asarray(stay ** np.arange(float(MONTHS)))


def gain_by_month(base: Base, change: Change, *, profile: str, cost: float) -> float | None:
    """Relative gain in the NPV of a new subscriber when first-year retention changes; None from a base worth nothing.

    The monthly retention that gives the new first-year retention is found by bisection.
    """
    monthly, survival = base
    # No mix has a first-year retention of one.
    wanted = min(change.after(float(survival(monthly)[12])), 0.999)
    raised = float(brentq(lambda r: float(survival(r)[12]) - wanted, monthly, 1.0, xtol=1e-14))
    weights = _worth_by_month(profile)
    before, after = (float(survival(r) @ weights) - cost for r in (monthly, raised))
    return after / before - 1.0 if before > 0.0 else None


@cache
def _worth_by_month(profile: str) -> Floats:
    """A subscriber's profit of each month, discounted to now."""
    month = np.arange(MONTHS)
    profit = np.array([PROFILES[profile].in_period(year + 1) / 12.0 for year in range(MONTHS // 12)])[month // 12]
    return np.asarray(profit * (1.0 + RATE) ** (-(month + 1) / 12.0))


def parts_telco(*, change: Change = Change.POINTS, draws: int = DRAWS) -> tuple[tuple[Part, ...], Rows]:
    """One part a reading of the table and setting, and rows as those of the cohorts; UNTESTED without the data."""
    try:
        telco = datasets.telco()
    except MissingExtraError as error:
        return (replace(_part("Telco", Answer.UNDECIDED, None, str(error)), ran=False),), []
    parts, rows = [], []
    for (name, (point, drawn)), (setting, (profile, cost)) in product(
        _readings(telco, draws).items(), SETTINGS.items()
    ):
        retention = float(point[1](point[0])[12])
        for meaning in Change:
            gains = [gain_by_month(base, meaning, profile=profile, cost=cost) for base in (point, *drawn)]
            known = [100.0 * gain for gain in gains[1:] if gain is not None]
            found = spread(known) if len(known) == len(drawn) and gains[0] is not None else None
            rows.append(
                {
                    "cohort": name, "setting": setting, "change": meaning.value, "retention": retention,
                    "gain_percent": found.mean if found else None, "lower": found.lower if found else None,
                    "upper": found.upper if found else None,
                }
            )  # fmt: skip
            if meaning is change:
                parts.append(_judged(f"{name}, {setting}", retention, found))
    return tuple(parts), rows


def _readings(telco: pd.DataFrame, draws: int) -> dict[str, tuple[Base, list[Base]]]:
    """By reading of the table: the estimate, and draws from its uncertainty."""
    fit = ShiftedBetaGeometric.fit(telco)
    stay = 1.0 - float(telco["churned"].mean())
    error = float(np.sqrt(stay * (1.0 - stay) / len(telco)))
    normals = np.random.Generator(np.random.Philox(1)).standard_normal(draws)
    return {
        FOLLOWED: (sbg_by_month(fit.model), [sbg_by_month(model) for model in fit.draw_parameters(draws, seed=1)]),
        ONE_MONTH: (alike_by_month(stay), [alike_by_month(stay + error * float(z)) for z in normals]),
    }


def _judged(name: str, retention: float, found: Spread | None) -> Part:
    told = f"{retention:.1%} stay the first year"
    if found is None:
        reason = f"{told}: a new subscriber is worth no more than it costs, so there is no relative gain."
        return _part(name, Answer.UNDECIDED, None, reason)
    return _part(
        name,
        found.within(100.0 * LOW, 100.0 * HIGH),
        found,
        f"{told}: {found.mean:+.1f}% [{found.lower:+.1f}, {found.upper:+.1f}].",
    )


def _part(name: str, answer: Answer, found: Spread | None, reason: str) -> Part:
    return Part(
        name=f"(d) under contract, {name}",
        estimand=(
            "Relative gain in the NPV of a new subscriber at 10%, paying by the month, when first-year retention "
            "rises by five points, percent."
        ),
        answer=answer,
        estimate=found.mean if found else None,
        lower=found.lower if found else None,
        upper=found.upper if found else None,
        unit="percent",
        reason=reason,
    )
