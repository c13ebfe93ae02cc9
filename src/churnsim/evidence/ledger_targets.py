"""Targets: quantities of the ledger that are known in sums, each within an interval."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from churnsim.checks import check_choice, check_kind, check_level, check_number, shown
from churnsim.decisions.comparison.metrics import STOCKS
from churnsim.errors import ConfigError
from churnsim.simulation.engine.ledger import ACCOUNTS, MONEY, Ledger
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats
from churnsim.units import Duration

TargetLaw = Literal["normal", "log-normal"]
REPEAT = ("repeat_purchases", "repeat_revenue")
QUANTITIES = (*REPEAT, "profit", *ACCOUNTS)
IN_MONEY = frozenset({"profit", "repeat_revenue", *MONEY})


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is known of a quantity of the ledger.

    Parameters
    ----------
    quantity : str
        An account of the ledger ("complaints", "births", "revenue", ...; money in money), "profit" (margin less every
        cost), "repeat_purchases" or "repeat_revenue": what is bought by customers who had bought before. The latter
        needs the event log, which makes simulations slower.
    low, high : float
        Interval of the quantity.
    level : float
        Probability with which it holds what is true.
    per : str or Duration, optional
        A second quantity of which it is a share ("revenue"), or a time it is counted by: `Duration(1, "M")` for a
        quantity a month. By default it is the sum over the time from `since` to `until`; of stocks (`active_end`, ...)
        the value at its end.
    since, until : float or Duration, optional
        From the start of the simulation, whole periods, plain numbers in the market's unit; by default all of it.
    law : {"normal", "log-normal"}
        Of the error: that of the quantity, with the middle of the interval as centre, or of its logarithm.
    name : str
        What tables call it; by default what it is, in words.

    Raises
    ------
    ConfigError
        For an unknown quantity, an interval that is empty or a point, and times that are none.

    Examples
    --------
    >>> str(Target(quantity="complaints", low=40, high=60, per=Duration(1, "M")))
    'complaints per 1 M'
    >>> str(Target(quantity="repeat_purchases", per="purchases", low=0.56, high=0.62))
    'repeat_purchases / purchases'
    >>> str(Target(quantity="births", low=40, high=60, since=26 / 3, until=Duration(1, "Y")))
    'births since 8.66667 until 1 Y'
    """

    quantity: str
    low: float
    high: float
    level: float = 0.9
    per: str | Duration | None = None
    since: float | Duration = 0.0
    until: float | Duration | None = None
    law: TargetLaw = "normal"
    name: str = ""

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, check_number(getattr(self, name), name))
        check_level(self.level)
        check_choice(self.law, "law", get_args(TargetLaw))
        check_kind(self.name, "name", str, "text")
        _check_quantity(self.quantity)
        if not self.low < self.high:
            raise ConfigError(
                f"a target needs low < high; got {self.low:g} to {self.high:g}. Say how far the figure may be off; a "
                "count n that is exact is n - 0.5 to n + 0.5."
            )
        if self.law == "log-normal" and not self.low > 0:
            raise ConfigError(f"a log-normal target lies above 0; got low = {self.low:g}. Use law='normal'.")
        if isinstance(self.per, Duration):
            check_number(self.per.value, "per", above=0)
            if self.quantity in STOCKS:
                raise ConfigError(f"{self.quantity} is counted at a moment, not by time: leave out per={self.per}.")
        elif self.per is not None:
            _check_quantity(self.per)
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None:
                check_number(value.value if isinstance(value, Duration) else value, name, least=0)

    def __str__(self) -> str:
        if self.name:
            return self.name
        of = f" per {self.per}" if isinstance(self.per, Duration) else f" / {self.per}" if self.per else ""
        times = (("since", self.since if self.since != 0 else None), ("until", self.until))
        when = (f" {word} {time if isinstance(time, Duration) else format(time, 'g')}" for word, time in times if time)
        return self.quantity + of + "".join(when)

    @property
    def needs_log(self) -> bool:
        """Whether ledgers must hold events."""
        return "repeat_revenue" in (self.quantity, self.per)

    @property
    def centre(self) -> float:
        """The middle of the interval, on the scale of the law."""
        return math.sqrt(self.low * self.high) if self.law == "log-normal" else (self.low + self.high) / 2

    def score(self, values: Floats) -> Floats:
        """How far each value lies above the centre, in standard deviations of the error; NaN where it has no place."""
        scale: Any = np.log if self.law == "log-normal" else np.asarray
        spread = (scale(self.high) - scale(self.low)) / 2 / normal_quantile(self.level)
        placed = np.where(values > 0, values, np.nan) if self.law == "log-normal" else values
        return np.asarray((scale(placed) - scale(self.centre)) / spread, dtype=np.float64)

    def window(self, periods: int, period: float, unit: str) -> tuple[int, int]:
        """Its periods. Raises ConfigError unless they are whole ones of the simulation."""
        ends = []
        for name, value, otherwise in (("since", self.since, 0.0), ("until", self.until, periods * period)):
            time = value.to(unit) if isinstance(value, Duration) else otherwise if value is None else float(value)
            ends.append(round(time / period))
            if abs(time / period - ends[-1]) > 1e-6:
                raise ConfigError(f"{self}: {name} must be whole periods of {period:g} {unit}; got {time:g}.")
        if not 0 <= ends[0] < ends[1] <= periods:
            raise ConfigError(
                f"{self}: the time from period {ends[0]} to {ends[1]} is none of the {periods} periods simulated."
            )
        return ends[0], ends[1]

    def of(self, ledger: Ledger, unit: str) -> float:
        """The quantity of a ledger; NaN for a share of nothing."""
        start, end = window = self.window(len(ledger.table), ledger.period, unit)
        value = _over(ledger, self.quantity, window)
        if isinstance(self.per, Duration):
            return value * self.per.to(unit) / ((end - start) * ledger.period)
        if self.per is None:
            return value
        whole = _over(ledger, self.per, window)
        return value / whole if whole else math.nan


def _check_quantity(name: object) -> None:
    if not isinstance(name, str) or name not in QUANTITIES:
        near = difflib.get_close_matches(str(name), QUANTITIES, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(QUANTITIES)}."
        raise ConfigError(f"no quantity {shown(name)} of the ledger. {hint}")


def _over(ledger: Ledger, name: str, window: tuple[int, int]) -> float:
    """A quantity over some periods, from the first up to the last but one."""
    inside = slice(*window)
    if name in STOCKS:
        return float(ledger.count(name)[inside][STOCKS[name]])
    if name == "profit":
        return float(ledger.profit_cents[inside].sum()) / 100
    if name not in REPEAT:
        return float((ledger.money(name) if name in MONEY else ledger.count(name))[inside].sum())
    if name == "repeat_purchases":
        return float((ledger.count("purchases") - ledger.count("births"))[inside].sum())
    # A new customer's first purchase is logged at the moment of its birth.
    born = {(event.time, event.uid) for event in ledger.events if event.kind == "birth"}
    start, end = (bound * ledger.period for bound in window)
    first = sum(
        event.cents
        for event in ledger.events
        if event.kind == "purchase" and start <= event.time < end and (event.time, event.uid) in born
    )
    return float(ledger.cents("revenue")[inside].sum() - first) / 100
