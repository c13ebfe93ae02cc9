"""Where a strategy stops paying: the value of a number at which a difference between two strategies is 0.

The mean difference over replications is a function of the number, and one fixed function since every value meets the
same chances (common random numbers). Its zero is found by Brent's method on a bounded interval. The interval of the
zero holds the values at which the interval of the difference (`paired.skewed_interval`) includes 0, so that no linear
approximation enters; the limits lie between values that were computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, Unpack

import numpy as np
from scipy.optimize import brentq

from churnsim.checks import check_level, check_number, shown, typed
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.comparison.compare import told_doubts
from churnsim.decisions.comparison.metrics import ledger_metric
from churnsim.decisions.comparison.paired import skewed_interval
from churnsim.decisions.runs.experiment import PIECES_PER_WORKER, Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.simulation.mechanisms.parts import MarketPart, parts_of, settings_of
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import changed, number_at
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.typing import Floats

Pays = Literal["below", "above", "always", "never"]

STEPS = 10  # of the search, so that no metric takes more than 16 values
CLOSE = 0.005  # of the interval searched, which what lies between is linear enough to finish


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """Where a difference is 0 as one number varies.

    Attributes
    ----------
    quantity : str
        The difference, in words.
    address : str
        The number.
    value : float
        What it is in the market or the strategies given.
    pays : "below", "above", "always" or "never"
        On which side of `at` the difference is above 0 on average, or whether it is so on all or none of the range.
    at : float or None
        Where it is 0; None where that is so nowhere on the range.
    lower, upper : float or None
        The values at which the interval of the difference includes 0 reach from here to here; None where they reach
        beyond the range, or where there are none.
    sure : bool
        Where `at` is None, whether the interval includes 0 at no value; if it does at some, it may be 0 on the range.
    between : (float, float)
        The range.
    level : float
        Of the interval.
    replications : int
        At each value.
    points : tuple of (float, float, float, float)
        The values computed, each with the mean difference and its interval.
    doubts : str
        What makes replications differ, and what the intervals leave out.
    """

    quantity: str
    address: str
    value: float
    pays: Pays
    at: float | None
    lower: float | None
    upper: float | None
    between: tuple[float, float]
    level: float
    replications: int
    points: tuple[tuple[float, float, float, float], ...]
    doubts: str = ""
    sure: bool = True

    def __str__(self) -> str:
        low, high = self.between
        least, most = (f"{limit:,.4g}" if limit is not None else "beyond" for limit in (self.lower, self.upper))
        if self.at is None:
            told = f"{self.pays} above 0 for {self.address} from {low:,.4g} to {high:,.4g}"
            told += f" on average, but its interval includes 0 in [{least}, {most}]" * (not self.sure)
        else:
            told = f"above 0 for {self.address} {self.pays} {self.at:,.4g} [{least}, {most}]"
        return f"{self.quantity} is {told}; it is {self.value:,.4g} now. {self.doubts}".rstrip()


@typed
def break_even(
    market: Market | Experiment,
    strategies: Sequence[Strategy],
    quantity: Quantity,
    address: str,
    *,
    between: tuple[float, float] | None = None,
    level: float = 0.95,
    **run: Unpack[RunArguments],
) -> BreakEven:
    """The value of a number at which one strategy earns as much as another.

    Parameters
    ----------
    market, strategies
        As `sensitivity` takes them.
    quantity : Quantity
        A difference of two strategies, such as ``Quantity(of="contacts", against="nothing")``.
    address : str
        The number, one that `addresses` lists, such as "retention.max_effect" or
        "strategy.contacts.retention.budget_per_period".
    between : (float, float), optional
        The range to look at, which holds the value of now; by default from a sixteenth to sixteen times that, or to 1
        for a share. The difference is taken to rise or to fall throughout.
    level : float
        Of the interval.
    **run
        Parameters of `Experiment`; `replications` is 40 by default, and `progress` counts replications.

    Returns
    -------
    BreakEven
        Where the difference is 0, with an interval, or that it is so nowhere on the range.

    Raises
    ------
    ConfigError
        For an unknown address, a range without the value of now or with values that no market can have, a number that
        is 0 without a range, and a quantity that is no plain difference.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> club = cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.5, cost_per_member=1.0))
    >>> cs.decisions.break_even(
    ...     market, [club, cs.Strategy(name="nothing")], cs.decisions.Quantity(of="club", against="nothing"),
    ...     "strategy.club.social_bond.cost_per_member", seed=1, horizon=8, replications=4,
    ... ).pays
    'never'
    """
    experiment = Experiment.of(market, run)
    if quantity.against is None or quantity.relative:
        raise ConfigError(f"a break-even is where a difference of two strategies is 0; got {str(quantity)!r}.")
    curve = Curve.of(
        experiment, strategies, of=quantity.of, against=quantity.against, address=address, metrics=(quantity.metric,),
        between=between, replications=experiment.size(40), level=check_level(level),
    )  # fmt: skip
    curve.experiment.warn_of_epochs(strategies)
    return curve.zero(quantity.metric)


@dataclass(kw_only=True)
class Curve:
    """The differences of two strategies in several metrics as one number varies, each value computed once.

    `known` maps a value to its differences, one row a metric and one column a replication. Values are searched on a
    logarithmic scale where the range is positive and spans a factor of more than 4; those of a price are whole `cents`.
    Of a `linear` number, which is paid and changes nothing else, two values are computed and tell those of all others.
    `bases` holds what strategies earn that no value of the number concerns, which several curves may share.
    """

    experiment: Experiment
    strategies: tuple[Strategy, Strategy]
    address: str
    metrics: tuple[str, ...]
    value: float
    between: tuple[float, float]
    replications: int
    level: float
    cents: bool = False
    linear: bool = False
    known: dict[float, Floats] = field(default_factory=dict)
    bases: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        strategies: Sequence[Strategy],
        *,
        of: str,
        against: str,
        address: str,
        metrics: tuple[str, ...],
        between: tuple[float, float] | None,
        replications: int,
        level: float,
        linear: bool = False,
        bases: dict[str, Floats] | None = None,
    ) -> Curve:
        """The curve of a number; ConfigError for what `break_even` refuses."""
        experiment.names(strategies)
        one, other = Quantity(of=of, against=against).strategies(strategies)
        value = number_at(experiment.market, strategies, address)
        return cls(
            experiment=experiment, strategies=(one, other), address=address, metrics=metrics, value=value,
            between=_range(experiment.market, strategies, address, value, between), replications=replications,
            level=level, cents=_in_cents(address), linear=linear, bases={} if bases is None else bases,
        )  # fmt: skip

    def at(self, value: float) -> Floats:
        """The differences where the number is `value`."""
        value = round(value, 2) if self.cents else value
        if value not in self.known:
            self.known[value] = self._along(value) if self.linear and value != self.value else self._simulated(value)
        return self.known[value]

    def _simulated(self, value: float) -> Floats:
        one, other = self.strategies
        found = self._outcomes(one, {self.address: value})
        if concerns(self.experiment.market, other, self.address):
            return found - self._outcomes(other, {self.address: value})
        return found - self._unconcerned

    def _along(self, value: float) -> Floats:
        """On the line through the value of now and the end of the range that is farther away, where what the ledgers
        round to cents matters least."""
        here, (low, high) = self.at(self.value), self.between
        end = max(low, high, key=lambda end: abs(end - self.value))
        if end not in self.known:
            self.known[end] = self._simulated(end)
        return here + (self.known[end] - here) * ((value - self.value) / (end - self.value))

    @property
    def _unconcerned(self) -> Floats:
        """What the second strategy earns, whatever the number is."""
        other = self.strategies[1]
        if other.name not in self.bases:
            self.bases[other.name] = self._outcomes(other, {})
        return self.bases[other.name]

    def elsewhere(self, values: Mapping[str, float]) -> Floats:
        """The differences where several numbers, which concern the first strategy alone, are changed."""
        return self._outcomes(self.strategies[0], values) - self._unconcerned

    def _outcomes(self, strategy: Strategy, values: Mapping[str, float]) -> Floats:
        """The metrics by replication, in pieces for the workers."""
        market, (changed_strategy,) = changed(self.experiment.market, (strategy,), values)
        here = replace(self.experiment, market=market)
        size = max(1, -(-self.replications // (PIECES_PER_WORKER * here.workers)))
        pieces = [range(i, min(i + size, self.replications)) for i in range(0, self.replications, size)]
        found: list[Floats] = [np.empty(0)] * len(pieces)
        task = _Metrics(here.task_part, changed_strategy, self.metrics)
        for index, columns in here.map(task, pieces, steps=lambda columns: columns.shape[1]):
            found[index] = columns
        return np.concatenate(found, axis=1)

    def zero(self, metric: str) -> BreakEven:
        """Where the difference in one of the metrics is 0. Takes what other metrics had computed as given."""
        place = self.metrics.index(metric)
        bracket = self._bracket(place)
        at: float | None = None
        pays: Pays = "always" if self._mean(place, self.value) > 0 else "never"
        if bracket is not None:
            at = self._search(place, bracket)
            pays = "below" if self._mean(place, bracket[0]) > 0 else "above"
            self._widen(place, at)
        lower, upper, sure = self._limits(place, at)
        return BreakEven(
            quantity=str(Quantity(of=self.strategies[0].name, against=self.strategies[1].name, metric=metric)),
            address=self.address, value=self.value, pays=pays, at=at, lower=lower, upper=upper, between=self.between,
            level=self.level, replications=self.replications, points=tuple(self._points(place)),
            doubts=told_doubts(self.experiment.market), sure=sure,
        )  # fmt: skip

    def _bracket(self, place: int) -> tuple[float, float] | None:
        """Two values between which the mean changes its sign, found from the own value outwards: to an end of the
        range, on a logarithmic scale by doubling, on the side to which the mean changes. None where it keeps its sign,
        for which the end is looked at after one step in vain.
        """
        low, high = self.between
        here = self._mean(place, self.value)
        first = high if self.value < high else low
        if self._logarithmic and first == high:
            first = min(2 * self.value, high)
        outwards = 1 if first > self.value else -1
        nearer = (self._mean(place, first) > here) == (here <= 0)
        step = outwards if nearer else -outwards
        end = high if step > 0 else low
        value = self.value
        while value != end:
            earlier, value = value, value * 2.0**step if self._logarithmic else end
            value = end if (value - end) * step > 0 else round(value, 2) if self.cents else value
            if (self._mean(place, value) > 0) != (here > 0):
                return min(earlier, value), max(earlier, value)
            if (self._mean(place, end) > 0) == (here > 0):
                return None
        return None

    def _mean(self, place: int, value: float) -> float:
        return float(self.at(value)[place].mean())

    def _points(self, place: int) -> list[tuple[float, float, float, float]]:
        """Value, mean and t interval, in the order of the values."""
        found = []
        for value in sorted(self.known):
            seen = skewed_interval(self.known[value][place], level=self.level)
            found.append((value, seen.mean, float(seen.lower), float(seen.upper)))
        return found

    @property
    def _logarithmic(self) -> bool:
        low, high = self.between
        return low > 0 and high > 4 * low

    def _to(self, value: float) -> float:
        return math.log(value) if self._logarithmic else value

    def _from(self, scaled: float) -> float:
        return math.exp(scaled) if self._logarithmic else scaled

    def _search(self, place: int, bracket: tuple[float, float]) -> float:
        """The zero within the bracket, in a bounded number of steps; a line does the rest."""
        reach = CLOSE * (self._to(self.between[1]) - self._to(self.between[0]))
        low, high = (self._to(value) for value in bracket)
        ends = {low: bracket[0], high: bracket[1]}  # as they are, not through their logarithm and back

        def mean(scaled: float) -> float:
            return self._mean(place, ends[scaled] if scaled in ends else self._from(scaled))

        brentq(mean, low, high, xtol=reach, maxiter=STEPS, full_output=True, disp=False)
        known = [point for point in self._points(place) if bracket[0] <= point[0] <= bracket[1]]
        left, right = next((a, b) for a, b in pairwise(known) if (a[1] > 0) != (b[1] > 0))
        return self._from(_crossing(self._to(left[0]), left[1], self._to(right[0]), right[1]))

    def _widen(self, place: int, at: float) -> None:
        """Compute on each side a value where the interval should end: first by the slope at the zero where no value is
        beyond, then by the line between the values about the end."""
        points = self._points(place)
        after = next(i for i, point in enumerate(points) if point[0] >= at)
        left, right = points[max(after - 1, 0)], points[after]
        run = self._to(right[0]) - self._to(left[0])
        slope = abs(right[1] - left[1]) / run if run > 0 else 0.0
        if slope == 0:
            return
        half = max(p[3] - p[2] for p in (left, right)) / 2
        low, high = (self._to(end) for end in self.between)
        for side in (0, 1):
            scaled = self._to(at) + (2 * side - 1) * 1.2 * half / slope
            if self._limits(place, at)[side] is None and low < scaled < high:
                self.at(self._from(scaled))
            if (end := self._limits(place, at)[side]) is not None:
                self.at(end)

    def _limits(self, place: int, at: float | None) -> tuple[float | None, float | None, bool]:
        """Where the values around the zero end at which the interval includes 0, or those at an end of the range where
        there is no zero; and whether there are no such values."""
        points = self._points(place)
        if at is None:
            if all(lower * upper > 0 for _, _, lower, upper in points):
                return None, None, True
            if abs(points[0][1]) < abs(points[-1][1]):
                return None, self._limit(points[0], points), False
            return self._limit(points[-1], points[::-1]), None, False
        below = [point for point in points if point[0] <= at][::-1]
        above = [point for point in points if point[0] > at]
        middle = (at, 0.0, 0.0, 0.0)
        return self._limit(middle, below), self._limit(middle, above), True

    def _limit(
        self, start: tuple[float, float, float, float], points: Sequence[tuple[float, float, float, float]]
    ) -> float | None:
        """The first place away from the zero at which the limit of the interval that is nearer to 0 crosses it."""
        earlier: tuple[float, float] | None = None
        for value, mean, lower, upper in points:
            near = lower if mean > 0 else -upper
            scaled = self._to(value)
            if near > 0:
                if earlier is None:  # the width at the zero is that at the nearest value
                    earlier = (self._to(start[0]), near - abs(mean))
                return self._from(_crossing(*earlier, scaled, near))
            earlier = (scaled, near)
        return None


@dataclass(frozen=True)
class _Metrics:
    """The task of one piece: some metrics (rows) of some replications (columns) of a strategy."""

    experiment: Experiment
    strategy: Strategy
    metrics: tuple[str, ...]

    def __call__(self, replications: range) -> Floats:
        ledgers = self.experiment.ledgers([self.strategy], replications)[0]
        return np.array([[ledger_metric(ledger, metric) for ledger in ledgers] for metric in self.metrics])


def _crossing(x0: float, y0: float, x1: float, y1: float) -> float:
    """Where the line through two points is 0."""
    return x0 if y0 == y1 else x0 - y0 * (x1 - x0) / (y1 - y0)


def concerns(market: Market, strategy: Strategy, address: str) -> bool:
    """Whether a strategy's outcomes may depend on the number."""
    head, *rest = address.removeprefix("market.").split(".")
    if head == "strategy":
        return rest[0] == strategy.name
    part = getattr(market, head)
    return not isinstance(part, MarketPart) or part.uses(".".join(rest), strategy.acting)


def _in_cents(address: str) -> bool:
    """Whether the number is paid for each of many events, in whole cents."""
    if not address.startswith("strategy."):
        return False
    _, _, part, name, *_ = address.split(".")
    return settings_of(parts_of(Strategy)[part])[name][1].each


def _range(
    market: Market, strategies: Sequence[Strategy], address: str, value: float, between: tuple[float, float] | None
) -> tuple[float, float]:
    if between is not None:
        low, high = (check_number(end, f"the range of {address!r}") for end in between)
        if not low <= value <= high or low == high:
            raise ConfigError(f"the range of {address!r} must hold its value, {value:g}; got {shown(between)}.")
        return low, high
    if value <= 0:
        raise ConfigError(f"{address!r} is {value:g}: say between which values to look, between=(low, high).")
    try:
        changed(market, strategies, {address: 16 * value})
    except ConfigError:  # a share
        return value / 16, 1.0
    return value / 16, 16 * value
