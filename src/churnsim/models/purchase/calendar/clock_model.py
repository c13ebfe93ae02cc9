"""Purchase models whose buying clock is rescaled by a season, holidays, a trend, prices or any other series.

In the time of the clock B(t) = int m, m = e^(gamma . (z - mean z)) (`churnsim.data.Calendar` holds the columns z, which
are piecewise constant), a customer buys at a constant rate. So the purchase times t_1 < ... < t_x have the density
(time-rescaling theorem)

    plain likelihood at (x, B(t_x), B(T)) . prod_j m(t_j)

for every family in which leaving follows a purchase or does not happen: these take a calendar. B of one customer is a
difference of one table for all at two days, so its slopes in gamma are differences of tables too: a fit adds up, day by
day, how the likelihood changes with the table, and takes the product with the tables of slopes once.

Every forecast is the plain one in the time of the clock.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import check_number, shown, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.summaries.calendar import FIRST, PURCHASES, SUMS, calendar_mark, first_days, gap_days
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import (
    check_draws,
    counts,
    discounting,
    durations,
    lead_and_periods,
    one_count,
    whole_periods,
)
from churnsim.models.purchase.active_periods import LivingTraits, active_chances
from churnsim.models.purchase.calendar.clock import CYCLE, DayLevels, OwnLevels, on_clock, positions
from churnsim.models.purchase.calendar.discounting import MOST_DAYS, NOTHING, discount_rule
from churnsim.models.purchase.calendar.effects import PurchasesWithEffects, of_base
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

Run = Callable[[Floats], Floats]
GAPS = 1  # of the stream of random numbers of simulated gaps


def at_time(run: Run, values: Floats, most: Floats) -> Floats:
    """The times, up to the `most`, at which clocks have run so far, one a customer: by halving."""
    low, high = np.zeros(most.size), most
    for _ in range(60):
        middle = (low + high) / 2
        short = run(middle) < values
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(values > 0.0, high, 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClockModel(PurchasesWithEffects):
    """Base of the purchase models whose buying clock is rescaled. A subclass says how its clocks run (`_clock`)."""

    suffix: ClassVar[str] = "_calendar"
    # The class of models with a calendar that the base names.
    like: ClassVar[str] = "CalendarModel"
    instead: ClassVar[Mapping[str, str]] = {
        "draw_known": "Use draw_posterior.",
        **dict.fromkeys(("fit", "likelihood"), "Families make it: BGNBD.fit(summary, calendar=...), for instance."),
        "calendar_likelihood": "Families have it: BGNBD.calendar_likelihood(summary, calendar=...), for instance.",
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = getattr(type(self.base), "calendar_model", None)
        if wanted != self.like:
            raise ConfigError(
                f"a {type(self.base).__name__} takes a {wanted}." if wanted else
                f"base must be a model whose fit takes a calendar; got {shown(self.base)}."
            )  # fmt: skip

    @abstractmethod
    def _clock(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any] | None = None) -> Any:
        """The clock of customers from one position to another."""

    @classmethod
    def _average_of(cls, family: Any) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        base = PURCHASE_FAMILIES.get(str(family).removesuffix(cls.suffix))
        if base is None:
            return None
        wanted = base.calendar_model
        if wanted != cls.like:
            raise ConfigError(f"this is a model with a {cls.rescaled_by} of another kind. Use {wanted}.from_dict.")
        return lambda rest: {"base": base.from_dict(rest)}

    @property
    def family(self) -> str:  # type: ignore[override]
        """The base's, marked."""
        return str(self.base.family) + self.suffix

    @property
    def title(self) -> str:
        """For readers."""
        return f"{self.base.title} with a {self.rescaled_by}"

    reads = of_base("reads", "What its summary must hold, as the base's.")
    within = of_base("family", "The family that it becomes without effects.")
    simulated_as = of_base("simulated_as", "How the base's customers leave.")
    simulated_parameters = of_base("simulated_parameters", "The base's.")
    k = of_base("k", "Stages of a gap, where the base has them: AttributeError elsewhere.")

    def clocked(self, summary: CustomerFrame) -> Histories:
        """The histories in the time of the buying clock."""
        return ClockModel._state(self, summary, 0.0, None).clocked

    # ---- the clock ----

    def _places(self, summary: pd.DataFrame, ahead: Floats | float) -> tuple[Histories, Floats, Floats, Floats]:
        """The histories, and in days when each begins, when it ends, and `ahead` of that."""
        h, per = Histories.of(summary, unit=self.unit), DAYS_PER_UNIT[self.unit]
        first = first_days(summary).astype(np.float64)
        end = positions(first, h.T, per)
        return h, first, end, positions(end, np.broadcast_to(np.asarray(ahead, dtype=np.float64), end.shape), per)

    def _state(self, summary: pd.DataFrame, ahead: Floats | float, future: Any) -> ClockState:
        """The histories in time and in the clock's, which is made for `ahead` of the end of each."""
        h, first, end, last = self._places(summary, ahead)
        clock = self._clock(first, last, future, h.index)
        return ClockState(self.base, h, on_clock(h, clock, first), clock, end)

    # ---- the verbs ----

    def log_likelihood(self, summary: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, in the data's own time unit."""
        state = self._state(summary, 0.0, None)
        values = state.value + self._at_purchases(summary, state.h)
        stages = getattr(self.base, "k", 1)
        if stages > 1:
            owner, begin, end = gap_days(summary, state.h.x)
            gained = state.clock.rows(owner).gained(begin.astype(float), end.astype(float))
            gap = (end - begin) / state.clock.per + gained
            in_gaps = np.bincount(owner, np.log(gap), minlength=state.h.x.size)
            values += (stages - 1) * in_gaps - state.h.x * math.lgamma(stages)
        return state.h.series(values, "log_likelihood")

    def p_alive(self, summary: CustomerFrame, *, at: float | ArrayLike = 0.0, future: Any = None) -> pd.Series[float]:
        """P(alive at T + at | history to T) of each customer."""
        later = self._spans(summary, at, "at")
        state = self._state(summary, later, future)
        return state.h.series(state.alive_at(later), "p_alive")

    def expected_purchases(
        self, summary: CustomerFrame, horizon: float | ArrayLike, *, after: float | ArrayLike = 0.0,
        future: Any = None,
    ) -> pd.Series[float]:  # fmt: skip
        """E[purchases in (T + after, T + after + horizon] | history] of each customer."""
        state, start, spans = self._ahead(summary, horizon, after, future)
        return state.h.series(state.expected(start, spans), "expected_purchases")

    def conditional_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: CustomerFrame, horizon: float | ArrayLike, *,
        after: float | ArrayLike = 0.0, future: Any = None,
    ) -> pd.DataFrame:  # fmt: skip
        """P(n purchases in (T + after, T + after + horizon] | history): one row a customer, one column for each n."""
        state, start, spans = self._ahead(summary, horizon, after, future)
        columns = state.counts(counts(n).ravel().tolist(), start, spans)
        return pd.DataFrame(columns, index=state.h.index).rename_axis(columns="n")

    def expected_active_periods(
        self, summary: CustomerFrame, periods: int | ArrayLike, *, future: Any = None
    ) -> pd.Series[float]:
        """E[how many of the next `periods`, each a unit of time from T on, hold a purchase | history].

        `periods` is a whole number, or one a row; ConfigError otherwise.
        """
        if self._even:
            found: pd.Series[float] = self.base.expected_active_periods(summary, periods)
            return found
        spans = whole_periods(periods, (len(summary),))
        state = self._state(summary, spans, future)
        return state.h.series(state.active(0.0 * spans, spans), "expected_active_periods")

    def active_periods_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: CustomerFrame, periods: int | ArrayLike, *,
        future: Any = None,
    ) -> pd.DataFrame:  # fmt: skip
        """P(n of the next `periods` hold a purchase | history): one row a customer, one column for each n."""
        spans, wanted = whole_periods(periods, (len(summary),)), counts(n).ravel()
        state = self._state(summary, spans, future)
        alive, traits = state.living_traits()
        chances = active_chances(alive, traits, wanted, spans, lambda span: state.runs(np.minimum(span, spans), span))
        return pd.DataFrame(chances, index=state.h.index, columns=wanted).rename_axis(columns="n")

    def residual_transactions(
        self, summary: CustomerFrame, annual_discount_rate: float, *, horizon: float = math.inf,
        future: Any = None,
    ) -> pd.Series[float]:  # fmt: skip
        """Discounted expected residual transactions (DERT) of each customer: purchases after T, each discounted to T.

        `annual_discount_rate` is annual and effective; it must be above 0 for an infinite `horizon`, for which a trend
        must be held.
        """
        return self._discounted(summary, annual_discount_rate, horizon, future)

    def _discounted(
        self, summary: pd.DataFrame, annual_rate: float, horizon: float, future: Any, level: DayLevels | None = None
    ) -> pd.Series[float]:
        """`residual_transactions`, each times what `level` says of its day."""
        force, span = self._discounted_span(annual_rate, horizon, future)
        state = self._state(summary, span, future)
        return state.h.series(state.discounted(span, force, level), "residual_transactions")

    def _discounted_span(self, annual: float, horizon: float, future: Any) -> tuple[float, float]:
        """The force of a discount, and for how long it leaves anything."""
        force, span = discounting(annual, self.unit, horizon)
        if math.isinf(span):
            self._check_endless(future)
            span = NOTHING / force
        if span * DAYS_PER_UNIT[self.unit] > MOST_DAYS:
            raise ConfigError(f"{span:,.0f} {self.unit} are too many days to add up. Give a horizon, or a higher rate.")
        return force, span

    @typed
    def time_to_next_purchase(
        self, summary: CustomerFrame, *, quantile: float = 0.5, if_alive: bool = False, future: Any = None
    ) -> pd.Series[float]:
        """Time after T by which the next purchase has come with probability `quantile`; infinite where it never does.

        A wait beyond 400 years goes on at the mean speed of the clock in them.
        """
        check_number(quantile, "quantile", above=0, below=1)
        state = self._state(summary, 0.0, None)
        base = self.base
        alive = np.ones(state.h.x.size) if if_alive else base._alive(state.clocked)
        with np.errstate(divide="ignore"):
            share = np.minimum(quantile / alive, 1.0)
        waits = np.asarray(base._wait_living(base._living(state.clocked), share))
        finite = np.isfinite(waits)
        out = np.full(waits.size, np.inf)
        for every, _ in state.clock.alike(state.end):
            rows = every[finite[every]]
            if rows.size:
                out[rows] = self._when(float(state.end[rows[0]]), waits[rows], future, state.h.index[rows[:1]])
        return state.h.series(out, "time_to_next_purchase")

    def _when(self, end: float, waits: Floats, future: Any, index: pd.Index[Any]) -> Floats:
        """The time after the position `end` at which the clock has run for these waits."""
        per, days = DAYS_PER_UNIT[self.unit], 366
        while True:
            edges: Floats = np.unique(
                np.concatenate([[end], np.arange(math.floor(end) + 1, math.floor(end) + days + 1.0)])
            )
            spans = (edges - end) / per
            run = self._clock(edges[:1], edges[-1:], future, index).time(np.full(edges.size, end), spans)
            if run[-1] >= waits.max() or days >= CYCLE:
                break
            days = min(4 * days, CYCLE)
        return np.where(waits <= run[-1], np.interp(waits, run, spans), waits * spans[-1] / run[-1])

    def expected_purchases_like(
        self, summary: CustomerFrame, t: ArrayLike, *, from_morning: bool = False, future: Any = None
    ) -> Floats:
        """E[X(t)] of new customers with the first purchases of these rows, each by its own age `t` (or all by one).

        Their time begins at the end of the day of the first purchase, as T does, or `from_morning` (`tracking`).
        """
        begin = np.asarray(first_days(summary) - float(from_morning), dtype=np.float64)
        return self._expected_new(begin, durations(t, "t", shape=begin.shape), future, summary.index)

    def _expected_by_ages(self, summary: pd.DataFrame, ages: Floats) -> Floats:
        """`expected_purchases_like`, from the morning on, by many ages: a column a customer, in which they ascend."""
        return np.array([self.expected_purchases_like(summary, age, from_morning=True) for age in ages])

    def expected_active_periods_like(self, summary: CustomerFrame, t: ArrayLike, *, future: Any = None) -> Floats:
        """E[periods with a repeat purchase by age t] of new customers with the first purchases of these rows, each by
        its own age `t` (or all by one). A part of a period that is left over comes first, and is not counted."""
        begin = first_days(summary).astype(np.float64)
        return self._active_new(begin, durations(t, "t", shape=begin.shape), future, summary.index)

    def purchase_pmf_like(self, n: int, summary: CustomerFrame, t: ArrayLike, *, future: Any = None) -> Floats:
        """P(X(t) = n) of new customers with the first purchases of these rows, each by its own age `t`."""
        return self._pmf_like([one_count(n)], summary, t, future)[0]

    def _pmf_like(
        self, wanted: Sequence[int], summary: pd.DataFrame, t: ArrayLike, future: Any = None
    ) -> Sequence[Floats]:
        """`purchase_pmf_like` of each n wanted."""
        begin = first_days(summary).astype(np.float64)
        return self._pmf_new(wanted, begin, durations(t, "t", shape=begin.shape), future, summary.index)

    def _expected_new(self, begin: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None) -> Floats:
        """E[purchases by their ages] of new customers who begin at these positions."""
        alive, living = self.base._new(ages.size)
        return np.asarray(alive * self.base._expected_living(living, self._run(begin, ages, future, index)))

    def _pmf_new(
        self, wanted: Sequence[int], begin: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None
    ) -> list[Floats]:
        """P(n purchases by their ages) of each n wanted."""
        spans = self._run(begin, ages, future, index)
        alive, living = self.base._new(ages.size)
        each = self.base._pmfs_living(living, wanted, spans)
        return [alive * each[:, k] + (1.0 - alive if n == 0 else 0.0) for k, n in enumerate(wanted)]

    def _active_new(self, begin: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None) -> Floats:
        """E[periods with a purchase by their ages] of new customers."""
        if self._even or not ages.size:
            return np.asarray(self.base.expected_active_periods_new(ages))
        lead, whole = lead_and_periods(ages)
        whole_periods(whole, whole.shape)  # not too many
        return self._new(begin, lead + whole, future, index).active(lead, whole)

    def _new(self, first: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None) -> ClockState:
        """New customers at the end of their own first days, and their clocks until these ages."""
        nothing = np.zeros(first.size)
        h = Histories(nothing.astype(np.int64), nothing, nothing, pd.RangeIndex(first.size))
        clock = self._clock(first, positions(first, ages, DAYS_PER_UNIT[self.unit]), future, index)
        return ClockState(self.base, h, h, clock, first)

    def _run(self, begin: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None) -> Floats:
        """How far the clock runs in these ages."""
        if not ages.size:
            return ages
        clock = self._clock(begin, positions(begin, ages, DAYS_PER_UNIT[self.unit]), future, index)
        return np.asarray(clock.time(begin, ages))

    def draw_summary_like(
        self, summary: CustomerFrame, *, seed: int, replication: int = 0, future: Any = None
    ) -> pd.DataFrame:
        """A summary, as made with the calendar, of simulated customers with the first purchases of these rows, each
        observed for its own `T`. Customer i has the traits of row i of `draw_customers` with the same seed and
        replication."""
        check_draws(0, seed, replication)
        h, begin, end, _ = self._places(summary, 0.0)
        clock = self._clocks_of(begin, end, future, summary.index)
        frame = self._drawn_on(clock, h.T, seed, replication)
        x, last = frame["frequency"].to_numpy(), frame["recency"].to_numpy()
        recency = at_time(clock[0], last, h.T)
        # Given the last purchase the gaps before it are shares of the clock's time until then, in proportion to
        # independent gamma variables with the shape of a gap's stages.
        stages, per = getattr(self.base, "k", 1), DAYS_PER_UNIT[self.unit]
        owner, after = np.repeat(np.arange(x.size), x), np.cumsum(x)
        gap = np.random.Generator(np.random.Philox([seed, replication, GAPS])).gamma(stages, size=owner.size)
        upto = np.append(0.0, np.cumsum(gap))
        before, whole = upto[after - x], upto[after] - upto[after - x]
        times = np.zeros(owner.size)
        if owner.size:
            run = self._clocks_of(begin[owner], end[owner], future, summary.index[owner])[0]
            times = at_time(run, last[owner] * (upto[1:] - before[owner]) / whole[owner], recency[owner])
        times[after[x > 0] - 1] = recency[x > 0]
        day = np.maximum(np.ceil(positions(begin[owner], times, per)), begin[owner] + 1.0).astype(np.int64)
        values = self._values_on(summary.index, owner, day, begin.astype(np.int64), future)
        kept = {"recency": recency, "T": h.T, FIRST: summary[FIRST].to_numpy()}
        for k, name in enumerate(self._names):
            kept[SUMS + name] = np.bincount(owner, values[:, k], x.size)
        if stages > 1:
            since = np.diff(times, prepend=0.0)
            since[(after - x)[x > 0]] = times[(after - x)[x > 0]]
            kept["log_intervals"] = np.bincount(owner, np.log(since), x.size)
            kept[PURCHASES] = np.empty(x.size, dtype=object)
            kept[PURCHASES][:] = [
                np.append(day, day + of * per) for day, of in zip(begin, np.split(times, after[:-1]), strict=True)
            ]
        frame = frame.drop(columns="log_intervals", errors="ignore").assign(**kept).set_index(summary.index)
        frame.attrs |= {"unit": self.unit, "calendar": calendar_mark(self.calendar)}
        return frame

    @abstractmethod
    def _values_on(self, ids: pd.Index[Any], customer: Ints, day: Ints, first: Ints, future: Any) -> Floats:
        """The columns' values of customers (numbered as `ids`), of first purchases on days, on some days."""

    def _clocks_of(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any]) -> tuple[Run, ...]:
        """How far each clock has run after a time, one a customer."""
        return (partial(self._clock(begin, end, future, index).time, begin),)

    def _drawn_on(self, clock: tuple[Run, ...], ages: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Frequency and recency, on the clock, of new customers."""
        found: pd.DataFrame = self.base.draw_summary(clock[0](ages), seed=seed, replication=replication)
        return found

    def draw_posterior(self, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's traits and of whether it is `alive`, given its own history."""
        check_draws(0, seed, replication)
        state = self._state(summary, 0.0, None)
        return state.draw(customer_uids(state.h.index), seed, replication)

    def _spans(self, summary: pd.DataFrame, value: float | ArrayLike, name: str) -> Floats:
        return durations(value, name, shape=(len(Histories.of(summary, unit=self.unit).x),))

    def _ahead(
        self, summary: pd.DataFrame, horizon: float | ArrayLike, after: float | ArrayLike, future: Any
    ) -> tuple[ClockState, Floats, Floats]:
        """The histories, when an interval to come begins, and its length."""
        spans, start = self._spans(summary, horizon, "horizon"), self._spans(summary, after, "after")
        return self._state(summary, start + spans, future), start, spans


@dataclass(frozen=True, eq=False)
class ClockState:
    """Customers at the `end` of their histories, which a family `base` reads in the time of the clock."""

    base: Any
    h: Histories
    clocked: Histories
    clock: Any
    end: Floats

    @property
    def value(self) -> Floats:
        """Log-likelihood but for the speeds at the purchases and in the gaps."""
        return np.asarray(self.base._log_likelihood(self.clocked))

    def alive_at(self, later: Floats) -> Floats:
        """P(alive after a time)."""
        return np.asarray(self.base._alive_at(self.clocked, self.clock.time(self.end, later)))

    @property
    def offset(self) -> float:
        """How far below 0 the clock is, at least, where an expectation of purchases is no more analytic in it."""
        return min(float(getattr(self.base, name)) for name in ("alpha", "beta") if hasattr(self.base, name))

    def _interval(self, start: Floats, spans: Floats) -> tuple[Floats, Floats]:
        """On the clock, what comes before an interval, and its length."""
        before = self.clock.time(self.end, start)
        return before, self.clock.time(self.end, start + spans) - before

    def expected(self, start: Floats, spans: Floats) -> Floats:
        """E[purchases in an interval]."""
        return np.asarray(self.base._expected_later(self.clocked, *self._interval(start, spans)))

    def counts(self, wanted: Sequence[int], start: Floats, spans: Floats) -> dict[int, Floats]:
        """P(n purchases in an interval) of each n wanted."""
        found: dict[int, Floats] = self.base._counts_later(self.clocked, wanted, *self._interval(start, spans))
        return found

    def active(self, lead: Floats, periods: Floats) -> Floats:
        """E[how many of so many periods after a lead hold a purchase]."""
        found = np.zeros(periods.size)
        for k in range(int(periods.max(initial=0.0))):
            more = k < periods
            none = self.counts([0], lead + np.minimum(k, periods), more.astype(np.float64))[0]
            found += np.where(more, 1.0 - none, 0.0)
        return found

    def living_traits(self) -> tuple[Floats, LivingTraits]:
        """Who is alive, and the traits then."""
        return self.base._alive(self.clocked), self.base._living_traits(self.base._living(self.clocked))

    def runs(self, most: Floats, periods: int) -> Floats:
        """How far the clock runs in each of so many periods, up to the `most` of each customer: as `Runs`."""
        run = np.column_stack([self.clock.time(self.end, np.minimum(k, most)) for k in range(periods + 1)])
        return np.repeat(np.diff(run)[:, :, None, None], 2, axis=3)

    def discounted(self, span: float, force: float, level: DayLevels | None) -> Floats:
        """E of the purchases in a span, each times e^(-force . time), and times the `level` of its day."""
        values, c = np.zeros(self.h.x.size), self.clocked
        common = None if level is None or level.own else level._levels_of
        for rows, clock in self.clock.alike(self.end):
            part, end = Histories(c.x[rows], c.t_x[rows], c.T[rows], c.index[rows]), self.end[rows]
            own = OwnLevels.of(level, part.index, end, span, clock.per) if level is not None and level.own else None
            for low, high in pairwise([0.0, span] if own is None else own.edges(span).tolist()):
                rule = discount_rule(clock, float(end[0]), high, force, self.offset, common, since=low)

                def bought(law: Any, rule: tuple[Floats, Floats] = rule) -> Floats:
                    each = (self.base._expected_living(law, np.full(law[0].size, point)) for point in rule[0])
                    return np.asarray(sum(weight * values for weight, values in zip(rule[1], each, strict=True)))

                found = self.base._living_by_age(part, bought)
                values[rows] += found if own is None else found * own.at((low + high) / 2)
            values[rows] *= self.base._alive(part)
        return values

    def draw(self, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        """Traits from the posterior."""
        found: pd.DataFrame = self.base.draw_known(self.clocked, uids, seed=seed, replication=replication)
        return found
