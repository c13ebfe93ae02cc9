"""Verdicts, figures with their intervals, and the rules from figures to verdicts that several claims share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from churnsim.data.customers.estimate import Estimate
    from churnsim.typing import Floats


class Verdict(StrEnum):
    """What a check may conclude. Only REPRODUCED and HOLDS are unconditional agreement.

    Examples
    --------
    >>> import churnsim
    >>> churnsim.claims["card-npv"].test().verdict is Verdict.REPRODUCED
    True
    """

    REPRODUCED = "REPRODUCED"
    """The arithmetic closes: the stated figure follows from the stated inputs."""
    HOLDS = "HOLDS"
    """True wherever it was looked at, within the tolerance."""
    HOLDS_IF = "HOLDS_IF"
    """True in a region of the assumptions and false outside it; the region is given."""
    FAILS = "FAILS"
    """Not true anywhere it was looked at."""
    UNTESTABLE = "UNTESTABLE"
    """Cannot be judged with what is at hand, or the answer would be what was put in."""
    UNTESTED = "UNTESTED"
    """Was not run, or was run and its check proved worthless."""


class Figures(TypedDict):
    """The figures of a part or a finding: estimate, interval and unit."""

    estimate: float | None
    lower: float | None
    upper: float | None
    unit: str


@dataclass(frozen=True)
class Spread:
    """A figure with its interval."""

    mean: float
    lower: float
    upper: float

    def __str__(self) -> str:
        digits = ",.0f" if max(abs(self.lower), abs(self.upper)) >= 1000 else ",.4g"
        return f"{self.mean:{digits}} [{self.lower:{digits}}, {self.upper:{digits}}]"

    @classmethod
    def percent(cls, found: Estimate) -> Spread:
        """An estimated share, in percent."""
        return cls(100.0 * found.value, 100.0 * found.lower, 100.0 * found.upper)

    def figures(self, unit: str) -> Figures:
        """The fields of a part or finding that hold it."""
        return {"estimate": self.mean, "lower": self.lower, "upper": self.upper, "unit": unit}

    def above(self, level: float = 0.0) -> Verdict:
        """HOLDS above the level, FAILS not above it, UNTESTABLE across it."""
        return above(self.lower, self.upper, level)

    def within(self, low: float, high: float) -> Verdict:
        """HOLDS inside [low, high], FAILS outside, UNTESTABLE across an end."""
        return by_interval(self.lower, self.upper, low=low, high=high)


def spread(values: Floats | list[float]) -> Spread:
    """Mean and middle 95% over draws."""
    import numpy as np  # here, so that the catalogue is listed without it

    array = np.asarray(values, dtype=np.float64)
    low, high = np.quantile(array, [0.025, 0.975])
    return Spread(float(array.mean()), float(low), float(high))


def closes(computed: float, stated: float, *, within: float) -> Verdict:
    """REPRODUCED when the computed figure is within the tolerance of the stated one, FAILS otherwise (and for NaN)."""
    return Verdict.REPRODUCED if abs(computed - stated) <= within else Verdict.FAILS


def by_interval(lower: float, upper: float, *, low: float, high: float) -> Verdict:
    """HOLDS when the interval lies within [low, high], FAILS when it lies wholly outside; across an end it is open, and
    more of the same runs or data would be needed: UNTESTABLE (as for NaN)."""
    if lower >= low and upper <= high:
        return Verdict.HOLDS
    return Verdict.FAILS if upper < low or lower > high else Verdict.UNTESTABLE


def above(lower: float, upper: float, level: float = 0.0) -> Verdict:
    """HOLDS when the interval lies above `level`, FAILS when its upper end is not above it, else UNTESTABLE."""
    if lower > level:
        return Verdict.HOLDS
    return Verdict.FAILS if upper <= level else Verdict.UNTESTABLE


class Judged(Protocol):
    """Anything with a verdict."""

    @property
    def verdict(self) -> Verdict:
        """What was found."""


def combine(parts: Iterable[Judged]) -> Verdict:
    """One verdict for a claim from the verdicts on its parts.

    A part that was not run leaves the whole UNTESTED: a run that was skipped is no agreement. Parts that cannot be
    tested are set aside unless nothing else is left. Agreement everywhere is HOLDS, nowhere FAILS, and anything between
    HOLDS_IF. For parts that are settings of one statement; what is stated together is for `conjunction`.
    """
    verdicts = {part.verdict for part in parts}
    if not verdicts or Verdict.UNTESTED in verdicts:
        return Verdict.UNTESTED
    judged = verdicts - {Verdict.UNTESTABLE}
    if not judged:
        return Verdict.UNTESTABLE
    if judged == {Verdict.REPRODUCED}:
        return Verdict.REPRODUCED
    if judged <= {Verdict.HOLDS, Verdict.REPRODUCED}:
        return Verdict.HOLDS
    return Verdict.FAILS if judged == {Verdict.FAILS} else Verdict.HOLDS_IF


def conjunction(parts: Iterable[Judged], *, meet: bool = True) -> Verdict:
    """The verdict on "this and that": FAILS as soon as one part does, HOLDS only where all do. Parts of which each
    holds in a region hold together only where the regions `meet`: elsewhere the whole is true nowhere, and FAILS."""
    verdicts = {part.verdict for part in parts}
    if not meet and Verdict.UNTESTED not in verdicts:
        return Verdict.FAILS
    for verdict in (Verdict.FAILS, Verdict.UNTESTED, Verdict.UNTESTABLE, Verdict.HOLDS_IF):
        if verdict in verdicts:
            return verdict
    return Verdict.HOLDS


def share_of_map(inside: Iterable[bool]) -> tuple[Verdict, float]:
    """Verdict on a map of the assumptions, and the share of its cells in which the claim is true."""
    cells = list(inside)
    share = math.fsum(cells) / len(cells)
    if share in (0.0, 1.0):
        return (Verdict.HOLDS if share else Verdict.FAILS), share
    return Verdict.HOLDS_IF, share
