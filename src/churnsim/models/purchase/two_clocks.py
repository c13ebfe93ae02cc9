"""Pareto/NBD on two clocks: a calendar rescales how fast customers buy, another one how fast they leave.

Purchases come at a constant rate in the time of the buying clock B, lifetimes are exponential in that of the leaving
clock D (Bachmann, Meierer & Naef 2021; `churnsim.kernels.likelihoods.pareto_nbd_calendar` has the likelihood). A live
customer's traits at T are Gamma(R, A) and Gamma(s, L) with R = r + x, A = alpha + B(T), L = beta + D(T). With b and d
what the clocks run from T on, its forecasts are integrals over time:

    P(alive at T + t)      (1 + d(t)/L)^-s
    expected_purchases     R/A int (1 + d/L)^-s db; discounted with e^(-force t) in the integrand
    conditional_pmf        p_n(b) (1 + d/L)^-s at the end, alive, and int p_n(b) s/L (1 + d/L)^-(s+1) dd, gone with n,
                           p_n(b) = (R)_n/n! (A/(A + b))^R (b/(A + b))^n
    time_to_next_purchase  P(a purchase by w | alive) = R/A int (1 + b/A)^-(R+1) (1 + d/L)^-s db

by Gauss's rule of four nodes in each day, or a part of it over which the integrand has no more than .35 e-foldings (it
leaves less than 1e-12). Of customers observed to one day the expectation depends on L alone; where they have many, it
is interpolated between 41 Chebyshev points in ln L (less than 1e-11 for L within a factor of 10,000: the nearest
singularity is pi away).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, gammaln

from churnsim.checks import check_kind, check_number, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.summaries.calendar import Calendar, Future, check_future, first_days
from churnsim.data.summaries.frame_kinds import verbs_in_kind
from churnsim.kernels.likelihoods import pareto_nbd_calendar as kernel
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.arguments import check_draws, counts, durations
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.calendar_fit import HistoryDays, check_columns, likelihood_of_days
from churnsim.models.purchase.calendar_model import (
    CYCLE,
    CalendarFit,
    CalendarModel,
    ClockModel,
    Level,
    by_day,
    check_effects,
    day_number,
    positions,
    speeds,
)  # fmt: skip
from churnsim.models.purchase.fit_data import Objective
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

LEAVING = "leaving:"  # before the name of a column whose effect is on leaving
NODES, WEIGHTS = ((part + low) / 2 for part, low in zip(np.polynomial.legendre.leggauss(4), (1.0, 0.0), strict=True))
FOLDINGS = 0.35
POINTS, MANY = 41, 64
BLOCK = 2_000_000  # numbers in an array at once


@verbs_in_kind
@dataclass(frozen=True, kw_only=True, eq=False)
class TwoClocks(ClockModel):
    """Base of the Pareto/NBD models on two clocks. A subclass says how both run (`_clocks`)."""

    like: ClassVar[str] = "TwoClockModel"

    leaving: Any = None
    leaving_effects: Mapping[str, float] = field(default_factory=dict)
    leaving_means: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ("leaving_effects", "leaving_means"):
            check_effects(getattr(self, kind), kind, self._leaving_names)
        super().__post_init__()

    @property
    @abstractmethod
    def _leaving_names(self) -> tuple[str, ...]:
        """The columns of the leaving clock."""

    @abstractmethod
    def _clocks(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any] | None = None) -> Any:
        """Both clocks of customers, from one position to another."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The base's, the columns of the buying clock and those of the leaving clock."""
        return (*super().parameter_names, *(LEAVING + name for name in self._leaving_names))

    @property
    @abstractmethod
    def _leaving_dict(self) -> Any:
        """What a dict holds of the leaving clock beside its effects."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: as without a leaving clock, with effects on leaving as `leaving:COLUMN`."""
        values = super().to_dict()
        values |= {LEAVING + name: float(self.leaving_effects[name]) for name in self._leaving_names}
        values |= {f"mean:{LEAVING}{name}": float(self.leaving_means[name]) for name in self._leaving_names}
        return {**values, "leaving": self._leaving_dict}

    # ---- the clocks ----

    @property
    def _even(self) -> bool:
        """Whether both clocks run evenly, so that all verbs are the plain family's."""
        return not any([*self.effects.values(), *self.leaving_effects.values()])

    def _state(self, summary: pd.DataFrame, ahead: Floats | float, future: Any) -> _State:
        h = Histories.of(summary, unit=self.unit)
        first, per = first_days(summary).astype(np.float64), DAYS_PER_UNIT[self.unit]
        end = positions(first, h.T, per)
        last_day = positions(end, np.broadcast_to(np.asarray(ahead, dtype=np.float64), end.shape), per)
        clocks = self._clocks(first, last_day, future, h.index)
        r, alpha, s, beta = self.base._parameters
        rows = clocks.terms((r, alpha, s, beta), h.x, first, positions(first, h.t_x, per), end)
        with np.errstate(over="ignore"):
            alive = 1.0 / (1.0 + np.exp(rows[:, 1]))
        B, D = clocks.run(first, end)
        return _State(h, first, end, clocks, rows[:, 0], alive, r + h.x, alpha + B, s, beta + D)

    def _new(self, first: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None) -> _State:
        """New customers, each alive at the end of its own first day."""
        r, alpha, s, beta = self.base._parameters
        clocks = self._clocks(first, positions(first, ages, DAYS_PER_UNIT[self.unit]), future, index)
        one, nothing = np.ones(first.size), np.zeros(first.size, dtype=np.int64)
        h = Histories(nothing, 0.0 * one, 0.0 * one, pd.RangeIndex(first.size))
        return _State(h, first, first, clocks, 0.0 * one, one, r * one, alpha * one, s, beta * one)

    # ---- the verbs ----

    def log_likelihood(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, in the data's own time unit."""
        if self._even:
            return super().log_likelihood(summary)
        state = self._state(summary, 0.0, None)
        return state.h.series(state.value + self._at_purchases(summary, state.h), "log_likelihood")

    def p_alive(self, summary: pd.DataFrame, *, at: float | ArrayLike = 0.0, future: Any = None) -> pd.Series[float]:
        """P(alive at T + at | history to T) of each customer."""
        if self._even:
            return super().p_alive(summary, at=at, future=future)
        later = self._spans(summary, at, "at")
        state = self._state(summary, later, future)
        return state.h.series(state.alive * state.staying(later), "p_alive")

    def expected_purchases(
        self, summary: pd.DataFrame, horizon: float | ArrayLike, *, after: float | ArrayLike = 0.0,
        future: Any = None,
    ) -> pd.Series[float]:  # fmt: skip
        """E[purchases in (T + after, T + after + horizon] | history] of each customer."""
        if self._even:
            return super().expected_purchases(summary, horizon, after=after, future=future)
        state, start, spans = self._to_come(summary, horizon, after, future)
        return state.h.series(state.alive * state.expected(start, spans), "expected_purchases")

    def conditional_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: pd.DataFrame, horizon: float | ArrayLike, *,
        after: float | ArrayLike = 0.0, future: Any = None,
    ) -> pd.DataFrame:  # fmt: skip
        """P(n purchases in (T + after, T + after + horizon] | history): one row a customer, one column for each n."""
        if self._even and not np.any(after):
            return super().conditional_pmf(n, summary, horizon, future=future)
        state, start, spans = self._to_come(summary, horizon, after, future)
        columns = {
            k: state.alive * state.pmf(k, start, spans) + (1.0 - state.alive if k == 0 else 0.0)
            for k in counts(n).ravel().tolist()
        }
        return pd.DataFrame(columns, index=state.h.index).rename_axis(columns="n")

    def _discounted(
        self, summary: pd.DataFrame, annual_rate: float, horizon: float, future: Any, level: Level | None = None
    ) -> pd.Series[float]:
        if self._even:
            return super()._discounted(summary, annual_rate, horizon, future, level)
        force, span = self._discounted_span(annual_rate, horizon, future)
        state = self._state(summary, span, future)
        nothing = np.zeros(state.h.x.size)
        values = state.alive * state.expected(nothing, nothing + span, force, level)
        return state.h.series(values, "residual_transactions")

    @typed
    def time_to_next_purchase(
        self, summary: pd.DataFrame, *, quantile: float = 0.5, if_alive: bool = False, future: Any = None
    ) -> pd.Series[float]:
        """Time after T by which the next purchase has come with probability `quantile`; infinite where it never does
        or not within 400 years."""
        if self._even:
            return super().time_to_next_purchase(summary, quantile=quantile, if_alive=if_alive, future=future)
        check_number(quantile, "quantile", above=0, below=1)
        state = self._state(summary, 0.0, None)
        with np.errstate(divide="ignore"):
            share = np.minimum(quantile / (1.0 if if_alive else state.alive), 1.0) * np.ones(state.h.x.size)
        waits = np.full(share.size, np.inf)
        for together in state.clocks.groups(state.end):
            rows, end, days = together[share[together] < 1.0], state.end[together[0]], 366
            while rows.size and days <= CYCLE:
                until = np.array([end + days])
                clocks = self._clocks(until - days, until, future, state.h.index[rows])
                waits[rows], over = state.waits(rows, clocks, days, share[rows])
                rows, days = rows[~over], CYCLE if days < CYCLE < 4 * days else 4 * days
        return state.h.series(waits, "time_to_next_purchase")

    def _expected_new(self, begin: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None) -> Floats:
        return self._new(begin, ages, future, index).expected(np.zeros(ages.size), ages) if ages.size else ages

    def expected_purchases_like(
        self, summary: pd.DataFrame, t: ArrayLike, *, from_morning: bool = False, future: Any = None
    ) -> Floats:
        """E[X(t)] of new customers with the first purchases of these rows, each by its own age `t` (or all by one).

        Their time begins at the end of the day of the first purchase, as T does, or `from_morning` (`tracking`).
        """
        if self._even:
            return super().expected_purchases_like(summary, t, from_morning=from_morning, future=future)
        begin = np.asarray(first_days(summary) - float(from_morning), dtype=np.float64)
        return self._expected_new(begin, durations(t, "t", shape=begin.shape), future, summary.index)

    def purchase_pmf_like(self, n: int, summary: pd.DataFrame, t: ArrayLike, *, future: Any = None) -> Floats:
        """P(X(t) = n) of new customers with the first purchases of these rows, each by its own age `t`."""
        if self._even:
            return super().purchase_pmf_like(n, summary, t, future=future)
        begin = first_days(summary).astype(np.float64)
        ages = durations(t, "t", shape=begin.shape)
        return self._new(begin, ages, future, summary.index).pmf(int(counts(n)), np.zeros(ages.size), ages)

    def draw_posterior(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's traits and of whether it is `alive`, given its own history."""
        if self._even:
            return super().draw_posterior(summary, seed=seed, replication=replication)
        check_draws(0, seed, replication)
        state, per = self._state(summary, 0.0, None), DAYS_PER_UNIT[self.unit]
        u = kernel.uniforms(customer_uids(state.h.index), replication, seed, MODEL_DRAWS, TRAITS)
        alive = u[:, 0] < state.alive
        # The time of leaving: of the integral from the last purchase on, the share u comes before it.
        low = positions(state.first, state.h.t_x, per)
        high = np.where(alive, low, state.end)
        if not alive.all():

            def left(place: Floats) -> Floats:
                rows = state.clocks.terms(self.base._parameters, state.h.x, state.first, place, state.end)
                return np.asarray(rows[:, 1])

            with np.errstate(divide="ignore", invalid="ignore"):
                target = left(low) + np.log1p(-u[:, 3])
                for _ in range(48):
                    middle = (low + high) / 2
                    later = left(middle) > target
                    low, high = np.where(later, middle, low), np.where(later, high, middle)
        until = np.where(alive, state.end, high)
        B, D = state.clocks.run(state.first, until)
        _, alpha, s, beta = self.base._parameters
        rates = gammaincinv(state.R, u[:, 1]) / (alpha + B)
        deaths = gammaincinv(s + ~alive, u[:, 2]) / (beta + D)
        return pd.DataFrame({"rate": rates, "death_rate": deaths, "alive": alive}, index=state.h.index)

    def _to_come(
        self, summary: pd.DataFrame, horizon: float | ArrayLike, after: float | ArrayLike, future: Any
    ) -> tuple[_State, Floats, Floats]:
        spans, start = self._spans(summary, horizon, "horizon"), self._spans(summary, after, "after")
        return self._state(summary, start + spans, future), start, spans


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoClockModel(TwoClocks, CalendarModel):
    """A Pareto/NBD model on clocks that calendars rescale, by ``ParetoNBD.fit(summary, calendar=..., leaving=...)``.

    As `CalendarModel`, whose calendar rescales the buying clock here. `future` serves both calendars, by the names of
    their columns. A wait of more than 400 years counts as infinite.

    Parameters
    ----------
    leaving : Calendar, optional
        Of the leaving clock, which runs evenly without.
    leaving_effects, leaving_means : mapping of column to number
        As `effects` and `means`, of the rate of leaving.

    Examples
    --------
    >>> import churnsim as cs
    >>> trend = cs.data.Calendar(trend="1997-01-01")
    >>> summary = cs.summarise(cs.datasets.cdnow(), until="1997-09-30", calendar=trend)
    >>> fit = cs.ParetoNBD.fit(summary, calendar=trend)
    >>> fit.names, bool(fit.parameters["trend"] < 0)
    (('r', 'alpha', 's', 'beta', 'trend'), True)
    """

    leaving: Calendar | None = None

    def __post_init__(self) -> None:
        if self.leaving is not None:
            check_kind(self.leaving, "leaving", Calendar, "a churnsim.data.Calendar")
        super().__post_init__()

    @property
    def _leaving_names(self) -> tuple[str, ...]:
        return () if self.leaving is None else self.leaving.names

    @property
    def _leaving_dict(self) -> dict[str, Any] | None:
        return None if self.leaving is None else self.leaving.to_dict()

    @classmethod
    def _rest_of_dict(cls, rest: dict[str, Any]) -> dict[str, Any]:
        leaving = rest.pop("leaving", None)
        if isinstance(leaving, Mapping):
            leaving = Calendar.from_dict(dict(leaving))
        return {"leaving": leaving, **leaving_of(rest, () if leaving is None else leaving.names)}

    def _check_future(self, future: Future | None) -> dict[str, Any]:
        if future is None or self.leaving is None or not isinstance(future, Mapping | pd.DataFrame):
            return check_future(self.calendar, future)
        own = [name for name in future if name in self.calendar.names or name not in self.leaving.names]
        found = check_future(self.calendar, {name: future[name] for name in own})
        return found | check_future(self.leaving, {name: future[name] for name in future if name in self.leaving.names})

    def _leaving_speed(self, first: int, last: int, told: dict[str, Any]) -> Floats:
        if self.leaving is None:
            return np.ones(last - first + 1)
        effects, means = self.leaving_effects, self.leaving_means
        own = {name: told[name] for name in told if name in self.leaving.names}
        return speeds(self.leaving, effects, means, first, last, seen=self._seen, told=own)

    def leaving_speed(self, first: str | date, last: str | date, *, future: Future | None = None) -> pd.Series[float]:
        """How fast the leaving clock runs on each day, 1 on an average one."""
        told = self._told(future)
        return by_day(first, last, lambda begin, end: self._leaving_speed(begin, end, told)).rename("leaving_speed")

    def _clocks(
        self, begin: Floats, end: Floats, future: Future | None, index: pd.Index[Any] | None = None
    ) -> ClocksByDay:
        low, high = math.floor(begin.min()), math.ceil(end.max())
        told, per = self._told(future), DAYS_PER_UNIT[self.unit]
        if high == low:
            return ClocksByDay(low, per, np.ones(0), np.ones(0))
        return ClocksByDay(low, per, self._speed(low + 1, high, told), self._leaving_speed(low + 1, high, told))

    def expected_purchases_new(
        self, t: float | ArrayLike, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """E[X(t)]: repeat purchases by age `t` of a customer who first buys on the day `first`. Shape of `t`."""
        if self._even:
            return super().expected_purchases_new(t, first=first, future=future)
        ages = durations(t, "t")
        begin = np.full(ages.size, float(day_number(first, "first")))
        return self._expected_new(begin, ages.ravel(), future).reshape(ages.shape)

    def purchase_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], t: float, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """P(X(t) = n) of a customer who first buys on the day `first`. Shape of `n`."""
        if self._even:
            return super().purchase_pmf(n, t, first=first, future=future)
        wanted, ages = counts(n), durations(t, "t", shape=(1,))
        state = self._new(np.array([float(day_number(first, "first"))]), ages, future)
        values = [state.pmf(k, np.zeros(1), ages)[0] for k in wanted.ravel().tolist()]
        return np.array(values, dtype=np.float64).reshape(wanted.shape)

    def draw_summary(
        self, T: ArrayLike, *, first: str | date, seed: int, replication: int = 0, future: Future | None = None
    ) -> pd.DataFrame:
        """A summary of simulated customers who first buy on the day `first`, each observed for its own `T`."""
        return self._draw_summary(T, first, seed, replication, future, self._drawn)

    def _drawn(self, ages: Floats, begin: float, future: Future | None, seed: int, replication: int) -> pd.DataFrame:
        """Frequency and recency, on the buying clock, of customers whose lifetimes are those of the leaving clock."""
        traits = self.base.draw_customers(ages.size, seed=seed, replication=replication)
        per = DAYS_PER_UNIT[self.unit]
        days = np.arange(math.ceil(ages.max(initial=0.0) * per) + 1.0)
        clocks = self._clocks(np.array([begin]), np.array([begin + days[-1]]), future)
        B, D = (np.concatenate([[0.0], np.cumsum(speed)]) / per for speed in (clocks.buying, clocks.leaving))
        life = np.interp(traits["lifetime"], D, B, right=np.inf)
        observed = np.interp(ages * per, days, B)
        found: pd.DataFrame = self.base._seen(traits.assign(lifetime=life), observed, seed, replication)
        return found.rename_axis("customer_id")


def leaving_of(rest: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Effects and means of the leaving clock, taken out of a dict made by `to_dict`."""
    effects, means = ({name: rest.pop(f"{of}{LEAVING}{name}") for name in names} for of in ("", "mean:"))
    return {"leaving_effects": effects, "leaving_means": means}


@dataclass(frozen=True, eq=False)
class ClocksByDay:
    """How fast both clocks run on the days after `start`."""

    start: int
    per: float
    buying: Floats
    leaving: Floats

    def groups(self, end: Floats) -> Iterator[Ints]:
        """The rows that end together."""
        for each in np.unique(end):
            yield np.flatnonzero(end == each)

    def alike(
        self, end: Floats, start: Floats, spans: Floats
    ) -> Iterator[tuple[Ints, ClocksByDay, float, float, float]]:
        """Rows that end together and are asked for one span."""
        kinds, kind = np.unique(np.column_stack([end, start, spans]), axis=0, return_inverse=True)
        order = np.argsort(kind.ravel(), kind="stable")
        cuts = np.searchsorted(kind.ravel()[order], np.arange(len(kinds) + 1))
        for (at, begin, span), low, high in zip(kinds, cuts, cuts[1:], strict=False):
            yield order[low:high], self, float(at), float(begin), float(span)

    def run(self, begin: Floats, end: Floats) -> tuple[Floats, Floats]:
        """B and D between two positions."""
        found = []
        for speed in (self.buying, self.leaving):
            table = np.concatenate([[0.0], np.cumsum(speed)]) / self.per
            at = np.arange(table.size) + self.start
            found.append(np.interp(end, at, table) - np.interp(begin, at, table))
        return found[0], found[1]

    def terms(self, parameters: Sequence[float], x: Ints, begin: Floats, last: Floats, end: Floats) -> Floats:
        """The kernel's rows: log-likelihood but for the speeds at the purchases, and log-odds of being gone."""
        order = np.lexsort((-last, end, begin, x))
        places = (np.ascontiguousarray(each[order]) - self.start for each in (begin, last, end))
        no = np.zeros((self.buying.size, 0))
        arrays = (np.ascontiguousarray(x[order]), *places, np.ones(x.size))
        found = Chunks(*arrays).each(
            kernel.terms, tuple(parameters), (self.buying / self.per, self.leaving / self.per, no, no)
        )
        rows = np.empty((x.size, 2))
        rows[order] = np.concatenate([part for _, part in found])
        return rows

    def panels(self, begin: float, stops: Floats, A: float, L: float, R: float, s: float, force: float) -> Panels:
        """Panels from the position `begin` to the last of the times `stops`, over each of which (A + b)^-R (L + d)^-s
        e^(-force t) has few e-foldings."""
        end = float(positions(np.array([begin]), stops[-1:], self.per)[0])
        inner = (np.arange(math.floor(begin) + 1.0, math.ceil(end)) - begin) / self.per
        edges = np.unique(np.concatenate([[0.0], inner[inner < stops[-1]], stops]))
        length = np.diff(edges)
        day = np.floor(begin + (edges[:-1] + length / 2) * self.per).astype(np.int64) - self.start
        buying, leaving = self.buying[day], self.leaving[day]
        b, d = (np.concatenate([[0.0], np.cumsum(speed * length)[:-1]]) for speed in (buying, leaving))
        steep = (R * buying / (A + b) + s * leaving / (L + d) + force) * length
        cuts = np.maximum(np.ceil(steep / FOLDINGS), 1.0).astype(np.int64)
        of = np.repeat(np.arange(cuts.size), cuts)
        upto = np.concatenate([[0], np.cumsum(cuts)])
        part = length[of] / cuts[of]
        since = ((np.arange(of.size) - upto[of]) * part)[:, None]
        into = since + part[:, None] * NODES
        return Panels(
            edges[of] + since[:, 0], part, buying[of], leaving[of], b[of] + buying[of] * since[:, 0],
            d[of] + leaving[of] * since[:, 0], edges[of][:, None] + into, part[:, None] * WEIGHTS,
            b[of][:, None] + buying[of][:, None] * into, d[of][:, None] + leaving[of][:, None] * into,
            upto[np.searchsorted(edges, stops)],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Panels:
    """Panels: their beginning, length, speeds and clocks there; the time, mass and clocks of their nodes; and how many
    panels come before each stop."""

    begin: Floats
    length: Floats
    buying: Floats
    leaving: Floats
    b_begin: Floats
    d_begin: Floats
    t: Floats
    mass: Floats
    b: Floats
    d: Floats
    upto: Ints


@dataclass(frozen=True, eq=False)
class _State:
    """Customers at a position, and the law of the traits of those alive."""

    h: Histories
    first: Floats
    end: Floats
    clocks: Any
    value: Floats
    alive: Floats
    R: Floats
    A: Floats
    s: float
    L: Floats

    def staying(self, span: Floats) -> Floats:
        """P(still alive after a span) of those alive."""
        d = self.clocks.run(self.end, positions(self.end, span, self.clocks.per))[1]
        return np.asarray(np.exp(-self.s * np.log1p(d / self.L)))

    def expected(self, start: Floats, spans: Floats, force: float = 0.0, level: Level | None = None) -> Floats:
        """E of the purchases in a span that begins after `start`, of those alive, each times e^(-force . time), and
        times the `level` of its day."""
        out = np.zeros(self.end.size)
        for rows, clocks, end, begin, span in self.clocks.alike(self.end, start, spans):
            stops = np.array([begin, begin + span])
            panels = clocks.panels(end, stops, 1.0, float(self.L[rows].min()), 0.0, self.s + 3.5, force)
            chosen = slice(*panels.upto)
            mass = panels.mass
            if level is not None and mass.size:
                day = np.floor(end + (panels.begin + panels.length / 2) * clocks.per).astype(np.int64) + 1
                mass = mass * level(int(day[0]), int(day[-1]))[day - day[0]][:, None]
            flow = (mass * panels.buying[:, None] * np.exp(-force * panels.t))[chosen].ravel()
            d = panels.d[chosen].ravel()

            def of(L: Floats, d: Floats = d, flow: Floats = flow) -> Floats:
                return _by_rows(lambda part: np.exp(-self.s * np.log1p(d / part[:, None])) @ flow, d.size, L)

            out[rows] = self.R[rows] / self.A[rows] * _smooth_in_log(of, self.L[rows])
        return out

    def pmf(self, n: int, start: Floats, spans: Floats) -> Floats:
        """P(n purchases in a span that begins after `start`) of those alive."""
        out = np.empty(self.end.size)
        for rows, clocks, end, begin, span in self.clocks.alike(self.end, start, spans):
            law = np.column_stack([self.R[rows], self.A[rows], self.L[rows]])
            kinds, kind = np.unique(law, axis=0, return_inverse=True)
            R, A, L = kinds.T
            stops = np.array([begin, begin + span])
            steep = float(R.max()) + n + 3.5
            panels = clocks.panels(end, stops, float(A.min()), float(L.min()), steep, self.s + 4.5, 0.0)
            chosen = slice(*panels.upto)
            b, d = panels.b[chosen].ravel(), panels.d[chosen].ravel()
            flow = (panels.mass * panels.leaving[:, None])[chosen].ravel()
            (b_from, b_to), (d_from, d_to) = clocks.run(np.full(2, end), positions(np.full(2, end), stops, clocks.per))
            left = _by_rows(
                lambda R, A, L, b=b - b_from, d=d, flow=flow: (
                    np.exp(_log_counts(n, R, A, b) - (self.s + 1.0) * np.log1p(d / L[:, None])) @ flow * self.s / L
                ),
                b.size, R, A, L,
            )  # fmt: skip
            there = np.exp(_log_counts(n, R, A, np.array([b_to - b_from]))[:, 0] - self.s * np.log1p(d_to / L))
            before = -np.expm1(-self.s * np.log1p(d_from / L)) if n == 0 else 0.0
            out[rows] = (there + left + before)[kind.ravel()]
        return out

    def waits(self, rows: Ints, clocks: ClocksByDay, days: int, share: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """When those alive have bought with a chance `share`, infinite where not within `days`; and whether that is
        known."""
        R, A, L, s = self.R[rows], self.A[rows], self.L[rows], self.s
        stops = np.array([days / clocks.per])
        panels = clocks.panels(float(self.end[rows[0]]), stops, A.min(), L.min(), R.max() + 4.5, s + 3.5, 0.0)

        waits, over = np.full(rows.size, np.inf), np.zeros(rows.size, dtype=np.bool_)
        flow, size = panels.mass * panels.buying[:, None], max(BLOCK // panels.t.size, 1)
        for k in range(0, rows.size, size):
            of = slice(k, k + size)
            waits[of], over[of] = _waits(panels, flow, R[of, None], A[of, None], L[of, None], s, share[of])
        return waits, over


def _waits(
    panels: Panels, flow: Floats, R: Floats, A: Floats, L: Floats, s: float, share: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    def bought(b: Floats, d: Floats) -> Floats:
        return np.asarray(R / A * np.exp(-(R + 1.0) * np.log1p(b / A) - s * np.log1p(d / L)))

    rows = np.arange(share.size)
    in_panels = (bought(panels.b.ravel(), panels.d.ravel()) * flow.ravel()).reshape(share.size, -1, NODES.size).sum(2)
    reached = np.concatenate([np.zeros((share.size, 1)), np.cumsum(in_panels, axis=1)], axis=1)
    place = (reached[:, 1:] < share[:, None]).sum(axis=1)
    there = place < panels.length.size
    at = np.minimum(place, panels.length.size - 1)
    low, high, left = np.zeros(at.size), panels.length[at], share - reached[rows, at]
    for _ in range(50):
        middle = (low + high) / 2
        into = middle[:, None] * NODES
        b = panels.b_begin[at][:, None] + panels.buying[at][:, None] * into
        d = panels.d_begin[at][:, None] + panels.leaving[at][:, None] * into
        early = (bought(b, d) * WEIGHTS).sum(axis=1) * middle * panels.buying[at] < left
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    # What may still come is at most the chance to be alive without a purchase.
    b, d = panels.b[-1:, -1], panels.d[-1:, -1]
    rest = np.exp(-R * np.log1p(b / A) - s * np.log1p(d / L))[:, 0]
    return np.where(there, panels.begin[at] + high, np.inf), there | (reached[:, -1] + rest < share)


def _log_counts(n: int, R: Floats, A: Floats, b: Floats) -> Floats:
    """ln P(n purchases while the buying clock runs for b), rows by R and A."""
    R, A = R[:, None], A[:, None]
    front = gammaln(R + n) - gammaln(R) - gammaln(n + 1.0) - R * np.log1p(b / A)
    with np.errstate(divide="ignore"):
        return np.asarray(front + n * (np.log(b) - np.log(A + b)) if n else front)


def _by_rows(function: Callable[..., Floats], width: int, *columns: Floats) -> Floats:
    """`function` of some rows at a time, each of which takes arrays of a width."""
    size = max(BLOCK // max(width, 1), 1)
    parts = [function(*(each[k : k + size] for each in columns)) for k in range(0, columns[0].size, size)]
    return np.concatenate(parts)


def _smooth_in_log(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    """`function(values)`, interpolated in the logarithm where there are many different ones."""
    kinds, kind = np.unique(values, return_inverse=True)
    if kinds.size <= MANY:
        return function(kinds)[kind]
    low, high = np.log(kinds[[0, -1]])
    angles = np.cos(np.pi * np.arange(POINTS) / (POINTS - 1))
    points = (low + high) / 2 + (high - low) / 2 * angles
    signs = np.where(np.arange(POINTS) % 2, -1.0, 1.0)
    signs[[0, -1]] /= 2
    gaps = np.log(kinds)[:, None] - points
    hit = gaps == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        basis = signs / gaps
        basis /= basis.sum(axis=1, keepdims=True)
    basis[hit.any(axis=1)] = hit[hit.any(axis=1)]
    return np.asarray((basis * function(np.exp(points))).sum(axis=1))[kind]


# ---- the fit ----


def fit_two_clocks(
    family: Any, summary: pd.DataFrame, calendar: Any, leaving: Any, *, unit: str | None, weights: ArrayLike | None,
    likelihood: Callable[..., Likelihood[Any]] | None = None, kind: Any = HistoryDays,
) -> CalendarFit:  # fmt: skip
    """Maximum likelihood of Pareto/NBD on clocks that calendars rescale (or customers' own series, with their
    `likelihood` and `kind` of days), begun at the plain family's. Raises as `fit_calendar`."""
    of_plain = family.likelihood(summary, unit=unit, weights=weights)
    plain = fit_likelihood(of_plain)
    days = kind.of(summary, calendar, unit=plain.model.unit, weights=weights)
    found = fit_likelihood((likelihood or two_clock_likelihood)(days, leaving, of_plain, plain))
    return CalendarFit(**vars(found), plain=plain)


def two_clock_likelihood(
    days: HistoryDays, leaving: Calendar | None, of_plain: Likelihood[Any], plain: ModelFit[PurchaseModel]
) -> Likelihood[Any]:
    """The likelihood over the family's parameters and the effects of both calendars' columns."""
    columns = np.zeros((len(days.z), 0))
    if leaving is not None:
        columns = leaving.columns(days.start + 1, days.start + len(days.z))
    means, spread = columns.mean(axis=0), columns.std(axis=0)
    if leaving is not None:
        check_columns(leaving, columns - means, spread, days.start, days.start + len(days.z))
    z_leaving = np.ascontiguousarray((columns - means) / spread)
    begin, last, end = (place.astype(np.float64) for place in days.places)
    order = np.lexsort((-last, end, begin, days.h.x))
    chunks = Chunks(*(np.ascontiguousarray(each[order]) for each in (days.h.x, begin, last, end, days.weight)))
    z = np.ascontiguousarray(days.z)
    objective = clocks_objective(chunks, z, z_leaving, 1.0 / (days.per * days.scale), days.sums, len(of_plain.names))
    names = [] if leaving is None else [LEAVING + name for name in leaving.names]
    known = {f"mean:{name}": float(mean) for name, mean in zip(names, means, strict=True)}
    return likelihood_of_days(
        days, of_plain, plain, objective, model=TwoClockModel,
        sketch=lambda few: two_clock_likelihood(few, leaving, of_plain, plain),
        more=dict(zip(names, spread.tolist(), strict=True)), known={**known, "leaving": leaving},
        yearly=() if leaving is None else [LEAVING + name for name in leaving.yearly],
    )  # fmt: skip


def clocks_objective(
    chunks: Chunks, z: Floats, z_leaving: Floats, length: Floats | float, sums: Floats, base: int
) -> Objective:
    """Of pieces of time of a length, whose columns are `z` and `z_leaving`; `sums` are those of z at the purchases."""
    both = base + z.shape[1]

    def objective(parameters: Floats) -> tuple[float, Floats]:
        gamma, delta = parameters[base:both], parameters[both:]
        with np.errstate(over="ignore"):
            buying, on_leaving = (
                np.exp(np.einsum("nk,k->n", each, effects)) * length
                for each, effects in ((z, gamma), (z_leaving, delta))
            )
        if not np.isfinite(buying.sum() + on_leaving.sum()) or min(buying.min(), on_leaving.min()) <= 0:
            return -math.inf, np.zeros(parameters.size)
        found = chunks.each(kernel.terms, tuple(parameters[:base]), (buying, on_leaving, z, z_leaving))
        total = np.sum([part for part, _ in found], axis=0)
        total[1 + base : 1 + both] += sums
        return float(total[0] + (sums * gamma).sum()), total[1:]

    return objective
