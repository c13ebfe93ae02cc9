"""Answers and what they rest on, figures with their intervals, and the rules from figures to answers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

if TYPE_CHECKING:
    from churnsim.data.customers.estimate import Estimate
    from churnsim.typing import Floats


class Answer(StrEnum):
    """What a check found of a statement. What the answer rests on is its `Basis`.

    Examples
    --------
    >>> import churnsim
    >>> found = churnsim.claims["card-npv"].test().finding
    >>> found.answer is Answer.HOLDS, found.basis.value
    (True, 'arithmetic')
    """

    HOLDS = "HOLDS"
    """True, within the tolerance; of a map, in nearly all that is plausible."""
    HOLDS_IF = "HOLDS_IF"
    """True in a part of what is plausible, which is given with its probability."""
    FAILS = "FAILS"
    """Not true; of a map, in nearly all that is plausible."""
    UNDECIDED = "UNDECIDED"
    """Cannot be judged with what is at hand, or depends on what is put in; a map says on what."""


class Basis(StrEnum):
    """What an answer rests on.

    Examples
    --------
    >>> weakest([Basis.ARITHMETIC, Basis.ASSUMED, Basis.MEASURED]).value
    'assumed'
    """

    ARITHMETIC = "arithmetic"
    """It follows from what is stated."""
    MEASURED = "measured here"
    """On customers' own records."""
    PUBLISHED = "published"
    """On figures of others."""
    ASSUMED = "assumed"
    """On numbers that nobody has measured."""


def weakest(bases: Iterable[Basis]) -> Basis:
    """What an answer rests on that needs all of these."""
    order = list(Basis)
    return max(bases, key=order.index)


class Verdict(StrEnum):
    """The names of answers until 0.2, in which answer and basis were one word; they go in 0.3.

    Examples
    --------
    >>> Verdict.REPRODUCED.value
    'REPRODUCED'
    """

    REPRODUCED = "REPRODUCED"
    HOLDS = "HOLDS"
    HOLDS_IF = "HOLDS_IF"
    FAILS = "FAILS"
    UNTESTABLE = "UNTESTABLE"
    UNTESTED = "UNTESTED"

    @classmethod
    def of(cls, answer: Answer, basis: Basis | None, ran: bool) -> Verdict:
        """The old name of a finding."""
        if not ran:
            return cls.UNTESTED
        if answer is Answer.HOLDS and basis is Basis.ARITHMETIC:
            return cls.REPRODUCED
        return cls.UNTESTABLE if answer is Answer.UNDECIDED else cls(answer.value)

    def fields(self) -> dict[str, Any]:
        """A finding's fields that an old name stands for. HOLDS_IF did not say how much of what is plausible."""
        if self in (Verdict.HOLDS, Verdict.FAILS):
            return {"answer": Answer(self.value)}
        if self is Verdict.REPRODUCED:
            return {"answer": Answer.HOLDS, "basis": Basis.ARITHMETIC}
        return {"answer": Answer.UNDECIDED, "ran": self is not Verdict.UNTESTED}


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

    def row(self, name: str) -> dict[str, float]:
        """The same as fields of a table's row, the mean under this name."""
        return {name: self.mean, "lower": self.lower, "upper": self.upper}

    def above(self, level: float = 0.0) -> Answer:
        """HOLDS above the level, FAILS not above it, UNDECIDED across it."""
        return above(self.lower, self.upper, level)

    def within(self, low: float, high: float) -> Answer:
        """HOLDS inside [low, high], FAILS outside, UNDECIDED across an end."""
        return by_interval(self.lower, self.upper, low=low, high=high)


def spread(values: Floats | list[float]) -> Spread:
    """Mean over draws, and where one more draw falls with 95%: the middle 95% of 60 draws holds 92%. One value alone is
    taken as known."""
    import numpy as np  # here, so that the catalogue is listed without it

    from churnsim.decisions.comparison.paired import one_more

    array = np.asarray(values, dtype=np.float64)
    known = float(array[0]), float(array[0])
    return Spread(float(array.mean()), *(one_more(array) if array.size > 1 else known))


def closes(computed: float, stated: float, *, within: float) -> Answer:
    """HOLDS when the computed figure is within the tolerance of the stated one, FAILS otherwise (and for NaN)."""
    return Answer.HOLDS if abs(computed - stated) <= within else Answer.FAILS


def by_interval(lower: float, upper: float, *, low: float = -math.inf, high: float = math.inf) -> Answer:
    """HOLDS when the interval lies within [low, high], FAILS when it lies wholly outside; across an end it is open, and
    more of the same runs or data would be needed: UNDECIDED (as for NaN).

    Examples
    --------
    >>> import churnsim
    >>> [churnsim.claims.by_interval(lower, 3.0, low=1.0).value for lower in (2.0, 0.5)]
    ['HOLDS', 'UNDECIDED']
    """
    if lower >= low and upper <= high:
        return Answer.HOLDS
    return Answer.FAILS if upper < low or lower > high else Answer.UNDECIDED


def above(lower: float, upper: float, level: float = 0.0) -> Answer:
    """HOLDS when the interval lies above `level`, FAILS when its upper end is not above it, else UNDECIDED."""
    if lower > level:
        return Answer.HOLDS
    return Answer.FAILS if upper <= level else Answer.UNDECIDED


class Judged(Protocol):
    """Anything with an answer."""

    @property
    def answer(self) -> Answer:
        """What was found."""

    @property
    def ran(self) -> bool:
        """Whether it was looked at."""


def combine(parts: Iterable[Judged]) -> Answer:
    """One answer for a claim whose parts are settings or readings of one statement.

    Over the parts that were run and decided: HOLDS or FAILS where all agree, and UNDECIDED where they do not, since the
    answer is then that of the setting. What is stated together is for `conjunction`, a map for `plausible`.
    """
    answers = {part.answer for part in parts if part.ran} - {Answer.UNDECIDED}
    return answers.pop() if len(answers) == 1 else Answer.UNDECIDED


def conjunction(parts: Iterable[Judged], *, meet: bool = True) -> Answer:
    """The answer to "this and that": FAILS as soon as one part does, HOLDS only where all do. Parts of which each
    holds somewhere hold together only where the regions `meet`: elsewhere the whole is true nowhere, and FAILS."""
    parts = list(parts)
    answers = {part.answer if part.ran else Answer.UNDECIDED for part in parts}
    if not meet and all(part.ran for part in parts):
        return Answer.FAILS
    for answer in (Answer.FAILS, Answer.UNDECIDED, Answer.HOLDS_IF):
        if answer in answers:
            return answer
    return Answer.HOLDS


def share_of_map(inside: Iterable[bool]) -> tuple[Answer, float]:
    """Answer by a map of which nobody says how plausible its cells are, and the share of the cells in which the claim
    is true: HOLDS in all, FAILS in none, UNDECIDED between."""
    cells = list(inside)
    share = math.fsum(cells) / len(cells)
    if share in (0.0, 1.0):
        return (Answer.HOLDS if share else Answer.FAILS), share
    return Answer.UNDECIDED, share
