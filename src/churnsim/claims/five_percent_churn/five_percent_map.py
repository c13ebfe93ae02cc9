"""The map behind `five-percent-churn`: what five points, or five percent, are worth to the average customer's NPV.

The thought experiment of Reichheld & Sasser (1990): the present value of the average customer's profit stream, before
and after. A cell of the map is a base retention, a discount rate, a profile of profit by tenure, an acquisition cost, a
view of how long customers stay, and what "5% less churn" is taken to mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from itertools import groupby, product
from operator import attrgetter
from typing import Any

from churnsim.checks import unchecked
from churnsim.claims.arithmetic.value import ACQUISITION_COST, PROFITS
from churnsim.economics.streams import ProfitStream, stream_gain, stream_value
from churnsim.economics.survival_curves import BetaGeometric, CustomerLife, Geometric, MeanLife

LOW, HIGH = 0.25, 0.85
"""The claimed range of the relative gain in profit."""
REACH = 0.05
BASES = tuple(round(0.50 + 0.01 * i, 2) for i in range(46))
"""Base retention .50 to .95, a year."""
DISCOUNTS = (0.0, 0.05, 0.10, 0.15)
PROFILES = {
    # 44 is the mean of the card's five years (30, 42, 44, 49, 55), so both profiles bring the same in five years.
    "flat": ProfitStream(profits=(sum(PROFITS) / 5,)),
    # Stays at the fifth year's 55 for want of later years: an assumption.
    "growing": ProfitStream(profits=PROFITS),
}
COSTS = (ACQUISITION_COST, 0.0)
LIVES: dict[str, float | None] = {
    "mean life": None,
    "geometric": 0.0,
    # Fader & Hardie (2010): alpha 3.8, beta 15.2. Fader & Hardie (2007): High End .668, 3.806; Regular .704, 1.182.
    "sBG 0.05": 1 / (1 + 3.8 + 15.2),
    "sBG 0.18": 1 / (1 + 0.668 + 3.806),
    "sBG 0.35": 1 / (1 + 0.704 + 1.182),
}
"""Views of how long customers stay, by the polarization of their churn: 0 all alike, None one life for all."""


class Change(Enum):
    """What five percent less churn is taken to mean.

    Examples
    --------
    >>> [round(change.after(0.8), 2) for change in Change]
    [0.85, 0.81]
    """

    POINTS = "five points of retention"
    PERCENT = "five percent of defections"

    def after(self, retention: float) -> float:
        """Retention after the improvement."""
        if self is Change.POINTS:
            return min(retention + REACH, 1.0)
        return 1.0 - (1.0 - REACH) * (1.0 - retention)


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """A line of the map: everything but the base retention."""

    change: Change
    life: str
    profile: str
    acquisition_cost: float
    discount_rate: float

    def row(self) -> dict[str, Any]:
        """Plain, for a table."""
        return {**vars(self), "change": self.change.value}


@dataclass(frozen=True, kw_only=True)
class MapCell(Assumed):
    """One point of the map and the gain there.

    A fraction; infinite where nobody leaves any more and nothing is discounted; None where the base value is itself
    not positive and finite.
    """

    retention: float
    gain: float | None

    @property
    def inside(self) -> bool:
        """Whether the claim is true there."""
        return inside(self.gain)


@dataclass(frozen=True, kw_only=True)
class TrueStretch(Assumed):
    """A stretch of base retention, in steps of the grid, on which the claim is true."""

    lowest_retention: float
    highest_retention: float


def curve(life: str, retention: float) -> CustomerLife:
    """The survival curve of that view at that retention (all views agree when nobody leaves)."""
    polarization = LIVES[life]
    if polarization is None:
        return MeanLife(retention=retention)
    if polarization == 0.0 or retention >= 1.0:
        return Geometric(retention=min(retention, 1.0))
    return BetaGeometric(retention=retention, polarization=polarization)


def gain(
    *, life: str, profile: str, acquisition_cost: float, discount_rate: float, change: Change, retention: float
) -> float | None:
    """Relative gain of the average new customer's NPV; the mix keeps its polarization while its mean moves."""
    before, after = (
        _worth(profile, life, r, discount_rate) - acquisition_cost for r in (retention, change.after(retention))
    )
    return unchecked(stream_gain)(before, after)


@cache
def _worth(profile: str, life: str, retention: float, discount_rate: float) -> float:
    """Net present value of a customer who cost nothing: the same in many cells of the map."""
    return unchecked(stream_value)(PROFILES[profile], life=curve(life, retention), discount_rate=discount_rate)


def inside(gain: float | None) -> bool:
    """Whether the gain lies in the claimed 25-85%."""
    # The slack keeps a gain of exactly 25% (.05/.20 in the one-rate formula) inside in floating point.
    return gain is not None and LOW - 1e-9 <= gain <= HIGH + 1e-9


def cells(change: Change) -> Iterator[MapCell]:
    """Every cell of the map under one reading, base retention running fastest."""
    names = ("life", "profile", "acquisition_cost", "discount_rate", "retention")
    for values in product(LIVES, PROFILES, COSTS, DISCOUNTS, BASES):
        point: dict[str, Any] = {**dict(zip(names, values, strict=True)), "change": change}
        yield MapCell(**point, gain=gain(**point))


def intervals(found: list[MapCell]) -> list[TrueStretch]:
    """The stretches of base retention in which the claim is true, for each setting of the rest."""
    names = [field.name for field in fields(Assumed)]
    out = []
    for _, line in groupby(found, key=attrgetter(*names)):
        for true, stretch in groupby(line, key=attrgetter("inside")):
            if true:
                first, *rest = stretch
                last = rest[-1] if rest else first
                line_of = {name: getattr(first, name) for name in names}
                out.append(TrueStretch(**line_of, lowest_retention=first.retention, highest_retention=last.retention))
    return out
