"""What estimators from records share: the purchases around a day, and numbers with intervals."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from churnsim.checks import check_kind
from churnsim.data.logs.purchase_days import PurchaseDays, purchase_days
from churnsim.data.records.record_table import RecordTable
from churnsim.errors import DataError
from churnsim.evidence.trial import OBSERVATIONAL, RANDOMISED, TrialEffects
from churnsim.kernels.numerics.contact_rows import places
from churnsim.simulation.core.belief import Belief, Status
from churnsim.statistics import normal_quantile, student_quantile, tails, wilson
from churnsim.typing import Floats, Ints

NEVER = np.iinfo(np.int64).max // 4  # a day that does not come


def day_numbers(dates: pd.Series[Any]) -> Ints:
    """Days since 1970; NEVER where there is no date."""
    days = dates.to_numpy(dtype="datetime64[ns]").astype("datetime64[D]")
    return np.where(np.isnat(days), NEVER, days.astype(np.int64))


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordEvidence(ABC):
    """What every estimator from records gives back besides its own figures.

    Attributes
    ----------
    checks : tuple of str
        What was left out and what the figures rest on.
    status : str
        "measured here (randomised)" only where the chances are known and the checks of the trial passed.
    level : float
        Of the intervals.
    """

    checks: tuple[str, ...]
    level: float
    status: Status = OBSERVATIONAL

    @abstractmethod
    def _lines(self) -> list[str]:
        """The figures in words."""

    def __str__(self) -> str:
        trial: TrialEffects | None = getattr(self, "effects", None)
        return "\n".join([*self._lines(), *map(str, () if trial is None else trial.checks), *self.checks])

    def _drawn(
        self, part: str, numbers: Mapping[str, Floats], source: str, status: Status | None = None
    ) -> dict[str, Belief]:
        """Joint beliefs in numbers of a part of a market, by their draws; of the evidence's status unless given."""
        return {
            f"{part}.{name}": Belief.of_draws(
                draws, status=status or self.status, source=f"{source}, own records", level=self.level
            )
            for name, draws in numbers.items()
        }

    def _believed(self, beliefs: Mapping[str, Belief]) -> list[str]:
        """Beliefs in words."""
        return [f"{name}: {each.value:.3g} [{each.low:.3g}, {each.high:.3g}]" for name, each in beliefs.items()]

    def _share(self, row: Any, name: str = "share") -> str:
        """A share with its limits in words."""
        return f"{row[name]:.1%} [{row['lower']:.1%}, {row['upper']:.1%}]"


def status_of_trial(effects: TrialEffects | None) -> Status:
    """The status of a trial, which there may not have been."""
    return RANDOMISED if effects is not None and effects.status == RANDOMISED else OBSERVATIONAL


def left_out(*parts: tuple[int, str]) -> list[str]:
    """What was left out, of each part how many and what in words, as checks."""
    return [f"left out: {number:,} {words}" for number, words in parts if number]


def untold(effects: TrialEffects | None, number: str) -> list[str]:
    """Of each arm whose interval does not leave out that it does nothing, or harm: that a `number` whose law begins at
    0 is above it all the same."""
    checks = []
    for row in [] if effects is None else effects.best.reset_index().to_dict("records"):
        if math.isnan(row["lower"]):
            checks.append(f"all did the same in {row['arm']!r} and the control: {number} is positive by its law alone")
        elif row["lower"] <= 0 <= row["upper"] or (row["difference"] > 0) == (row["outcome"] == "left"):
            checks.append(
                f"{row['arm']!r} is not told apart from the control by a difference of {row['difference']:+.3f} "
                f"[{row['lower']:.3f}, {row['upper']:.3f}], or harms: {number} is positive by its law alone"
            )
    return checks


def shares(hits: Any, count: Any, level: float, name: str = "share") -> dict[str, Any]:
    """Shares with their limits (Wilson), as columns."""
    lower, upper = wilson(hits, count, level=level)
    return {name: hits / count, "lower": lower, "upper": upper}


def chances(alive: Any, ids: Any) -> Floats:
    """The chances that these customers are still there. Raises DataError where one has none."""
    check_kind(alive, "alive", pd.Series, "a Series of chances by customer id")
    chance = alive.reindex(ids).to_numpy(dtype=np.float64)
    bad = ~((chance >= 0) & (chance <= 1))
    if bad.any():
        who = str(np.asarray(ids)[bad][0])[:80]
        raise DataError(f"alive has no chance between 0 and 1 for customer {who!r}. Give one for each.")
    return np.asarray(chance)


@dataclass(frozen=True, eq=False)
class History:
    """Purchases by customer and day until a last day, and what one customer did before and after any day."""

    days: PurchaseDays
    until: int

    @classmethod
    def of(cls, purchases: Any, until: object | None = None) -> History:
        """The history of a log; DataError for its bad rows."""
        return cls(*purchase_days(purchases).seen_until(until))

    def seen(self, rows: RecordTable, name: str) -> Ints:
        """The days of a column of records, of which those after the last day are refused."""
        day = day_numbers(rows.frame[name])
        late = (day > self.until) & (day < NEVER)
        remedy = "Give records up to that day, or until= a later day."
        rows.refuse(late, name, "lies after the last day observed", remedy)
        return day

    def customers(self, ids: pd.Series[Any]) -> Ints:
        """The places of these customers, -1 for those without a purchase."""
        return np.asarray(self.days.ids.get_indexer(pd.Index(ids)), dtype=np.int64)

    @cached_property
    def _starts(self) -> Ints:
        return np.append(self.days.starts(), len(self.days.day))

    @cached_property
    def _total(self) -> Floats:
        amount = np.ones(len(self.days.day)) if self.days.amount is None else self.days.amount
        return np.append(0.0, np.cumsum(amount))

    def _place(self, customer: Ints, day: Ints, *, after: bool) -> Ints:
        """Where in the entries this customer's purchases of the day begin, or those after it."""
        found = np.empty(len(customer), dtype=np.int64)
        whose, when = (np.ascontiguousarray(each, dtype=np.int64) for each in (customer, day))
        places(self._starts, self.days.day, whose, when, after, found)
        return found

    def first(self, customer: Ints) -> Ints:
        """Day of each customer's first purchase; NEVER for those without one."""
        return np.where(customer >= 0, self.days.day[self._starts[:-1][customer]], NEVER)

    def bought_before(self, customer: Ints, day: Ints) -> Ints:
        """Days with a purchase before this one."""
        return np.where(customer >= 0, self._place(customer, day, after=False) - self._starts[customer], 0)

    def last_before(self, customer: Ints, day: Ints) -> Ints:
        """The last day with a purchase before this one; -NEVER where there is none."""
        place = self._place(customer, day, after=False) - 1
        found = self.bought_before(customer, day) > 0
        return np.where(found, self.days.day[np.maximum(place, 0)], -NEVER)

    def next_after(self, customer: Ints, day: Ints) -> Ints:
        """The first day with a purchase after this one; NEVER where there is none until the end."""
        place = self._place(customer, day, after=True)
        found = (customer >= 0) & (place < self._starts[customer + 1])
        return np.where(found, self.days.day[np.minimum(place, len(self.days.day) - 1)], NEVER)

    def spend_between(self, customer: Ints, after: Ints, until: Ints) -> Floats:
        """What each bought after one day and until another, both included at the end alone; purchases where the log
        has no amounts."""
        total = self._total
        found = total[self._place(customer, until, after=True)] - total[self._place(customer, after, after=True)]
        return np.where(customer >= 0, found, 0.0)


def ratio_of_means(y: Floats, x: Floats) -> tuple[float, float, float]:
    """sum y / sum x over independent units, its standard error by the delta method, and `degrees` of freedom."""
    ratio = float(y.sum() / x.sum())
    off = (y - ratio * x) / x.sum()
    n = len(y)
    return ratio, math.sqrt(n / max(n - 1, 1) * float(off @ off)), degrees(off)


def degrees(moves: Floats) -> float:
    """Degrees of freedom of the sum of squares of what each unit adds to an estimate: 2n over the kurtosis less 1, by
    their mean and variance (Satterthwaite 1946, Biometrics Bulletin 2, 110-114). They are few where few units add most,
    but no fewer than 4: where one or two do all, counts vary less than this says."""
    squares, n = moves**2, len(moves)
    spread = float(squares.var())
    return min(max(2 * n * float(squares.mean()) ** 2 / spread, 4.0), n - 1) if spread > 0 and n > 1 else math.inf


class Measured(NamedTuple):
    """A number, its standard error (of its logarithm or log odds where that is the scale of its interval) and the
    interval."""

    value: float
    standard_error: float
    low: float
    high: float

    @classmethod
    def unknown(cls, value: float = math.nan) -> Measured:
        """A number of which nothing is known but perhaps the value."""
        return cls(value, math.nan, math.nan, math.nan)

    @classmethod
    def positive(cls, value: float, log_error: float, level: float, df: float = math.inf) -> Measured:
        """A positive number whose logarithm has this standard error, with so many degrees of freedom; the ends are NaN
        where the value is 0, and where the error is, as of one customer, which says nothing of others."""
        if not (value > 0 and log_error > 0):
            return cls(value, log_error, math.nan, math.nan)
        quantile = student_quantile(tails(level)[1], df) if df < math.inf else normal_quantile(level)
        reach = math.exp(float(quantile) * log_error)
        return cls(value, log_error, value / reach, value * reach)

    @classmethod
    def share(cls, value: float, error: float, level: float) -> Measured:
        """A share inside (0, 1) whose log odds have this standard error."""
        reach = normal_quantile(level) * error
        return cls(value, error, float(expit(logit(value) - reach)), float(expit(logit(value) + reach)))

    @classmethod
    def mean(cls, values: Floats, level: float) -> Measured:
        """The mean of two positive values or more, which are skewed as money is: the interval is Student's for its
        logarithm. The ends are NaN where all values are the same, which does not show how they differ."""
        value, error = float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
        if not (value > 0 and error > 0):
            return cls.unknown(value)
        reach = math.exp(float(student_quantile(tails(level)[1], len(values) - 1)) * error / value)
        return cls(value, error / value, value / reach, value * reach)

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def belief(self, status: Status, source: str, level: float) -> Belief:
        """The belief with this interval; DataError where there is none."""
        if not self.low <= self.high:
            raise DataError(
                f"a value of {self.value:.3g} from {source} has no interval: too little happened to tell how far it "
                "may be off. Give a longer record, or more customers."
            )
        return Belief(value=self.value, low=self.low, high=self.high, level=level, status=status, source=source)
