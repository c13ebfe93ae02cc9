"""The verbs of every continuous-time model of repeat buying, from the few things that a family must know.

All these models say: a customer is alive at T with some probability; a live one's traits then follow a law of the
family's own form; one that is gone buys nothing more. So every forecast is P(alive) times that of a live customer.

Forecasts of many customers who differ in their age alone are interpolated. Among customers with as many purchases a
forecast that depends on x and T only is an analytic function of ln(offset + T), where `offset` takes the law's nearest
singularity to T = 0. So it is found at some Chebyshev points (Trefethen 2013, Approximation Theory and Approximation
Practice, chapters 4 and 8): a series of hundreds of terms a customer becomes a sum of some ten. The error is measured,
halfway between the points, before it is used.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct

from churnsim.checks import check_number, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.summaries.counted import SummaryLike, with_counts
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.kernels.numerics.chebyshev import at_ages
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.arguments import check_draws, counts, discounting, durations
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.parameters import ParametricModel, forward_covariates
from churnsim.models.estimation.threads import by_chunks
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Reads, Simulated
from churnsim.models.purchase.unique_rows import at_distinct
from churnsim.typing import Floats, Ints

# Largest error halfway between the points, relative to the smallest value at any. The forecasts themselves are good
# to some 1e-13, and 1e-10 where x and a + b make them cancel (measured here).
TOLERANCE = 1e-11
# Degrees tried, the first for half a year between the youngest and the oldest, the last for a factor of 10,000.
DEGREES = (8, 16, 32, 64)
# Rows for each value that a degree costs, below which interpolation is not worth it.
ROWS_A_VALUE = 3


def by_age(function: Callable[[Ints, Floats], Floats], x: Ints, T: Floats, offset: float) -> Floats:
    """`function(x, T)`, row by row, to a relative `TOLERANCE`: interpolated in T where many rows have one x."""
    rows = np.bincount(x)
    many = np.flatnonzero(rows >= ROWS_A_VALUE * (2 * DEGREES[0] + 1))
    if many.size == 0:
        return function(x, T)
    low, high = (float(np.log(offset + end)) for end in (T.min(), T.max()))
    centre, half = (low + high) / 2, max((high - low) / 2, 1e-9)  # above 0 where all are of one age
    terms = np.zeros(many.size, dtype=np.int64)
    coefficients = np.zeros((many.size, DEGREES[-1] + 1))
    known: Floats | None = None
    for degree in DEGREES:
        tried = np.flatnonzero((terms == 0) & (rows[many] >= ROWS_A_VALUE * (2 * degree + 1)))
        if tried.size == 0:
            break
        # The doubled grid holds the degree's own points and those farthest from them.
        ages = np.exp(centre + half * np.cos(np.pi * np.arange(2 * degree + 1) / (2 * degree))) - offset
        ages = np.maximum(ages, 0.0)  # the youngest may come out below 0 by rounding
        # Every second point of the grid is one of the last degree's, whose values are known.
        new = slice(None) if known is None else slice(1, None, 2)
        values = np.empty((tried.size, ages.size))
        if known is not None:
            values[:, ::2] = known[tried]
        values[:, new] = function(np.repeat(many[tried], ages[new].size), np.tile(ages[new], tried.size)).reshape(
            tried.size, -1
        )
        known = np.empty((many.size, ages.size))
        known[tried] = values
        found = dct(values[:, ::2], type=1, axis=1) / degree
        found[:, [0, -1]] /= 2
        between = ages[1::2]
        guess = at_ages(
            np.repeat(np.arange(tried.size), between.size), np.tile(between, tried.size), offset, centre, half,
            np.full(tried.size, degree + 1), found,
        ).reshape(tried.size, -1)  # fmt: skip
        with np.errstate(invalid="ignore"):
            good = np.abs(guess - values[:, 1::2]).max(axis=1) <= TOLERANCE * np.abs(values).min(axis=1)
        terms[tried[good]] = degree + 1
        coefficients[tried[good], : degree + 1] = found[good]
    place = np.full(rows.size, -1)
    place[many[terms > 0]] = np.flatnonzero(terms)
    row = place[x]
    out = by_chunks(at_ages, (row, T), offset, centre, half, terms, coefficients)
    left = np.flatnonzero(row < 0)
    if left.size:
        out[left] = function(x[left], T[left])
    return out


# Parameters of live customers' laws, each an array with one entry a customer.
Living = tuple[Floats, ...]
Kernel = Callable[..., Floats]


@dataclass(frozen=True, kw_only=True)
class LiveKernels:
    """What a family's kernels compute of live customers: each takes the arrays of their law, then its own arguments,
    then what the family adds to all (the number of stages of a gap)."""

    expected: Kernel
    pmf: Kernel
    discounted: Kernel
    wait: Kernel | None = None


class BuyTillYouDie(ParametricModel, ABC):
    """Base of the purchase models. A family gives the abstract methods; the verbs follow (see `PurchaseModel`)."""

    parameter_names: ClassVar[tuple[str, ...]]
    # What others must know of a family: its name for readers, what its summary must hold, how customers leave in a
    # simulation by it (None: there is none), and the family that it becomes where what it adds is absent.
    title: ClassVar[str]
    reads: ClassVar[Reads] = "summary"
    simulated_as: ClassVar[Simulated | None] = None
    within: ClassVar[str | None] = None
    # Whether `fit` takes a calendar (see `TakesCalendar`), and the class of the model then.
    takes_calendar: ClassVar[bool] = False
    calendar_model: ClassVar[str | None] = None
    # Kernels of live customers' forecasts; a family without them gives the four methods below instead.
    live: ClassVar[LiveKernels]
    # Columns of a draw.
    traits: ClassVar[tuple[str, ...]]
    unit: str

    def __init_subclass__(cls) -> None:
        """Let a family's own `fit` take counted histories too."""
        super().__init_subclass__()
        own = vars(cls).get("fit")
        if own is not None:
            cls.fit = classmethod(with_counts(own.__func__))  # type: ignore[assignment, method-assign]

    # ---- what a family knows ----

    @classmethod
    @abstractmethod
    def likelihood(
        cls, summary: CustomerFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers."""

    @abstractmethod
    def _log_likelihood(self, h: Histories) -> Floats:
        """Log-likelihood of each customer."""

    @abstractmethod
    def _alive(self, h: Histories) -> Floats:
        """P(alive at T | history) of each customer."""

    @abstractmethod
    def _living(self, h: Histories) -> Living:
        """The law of each customer's traits at T if it is alive then."""

    @abstractmethod
    def _new(self, n: int) -> tuple[float, Living]:
        """P(alive right after the first purchase), and the law of n live new customers."""

    @property
    def _stages(self) -> tuple[int, ...]:
        """What the family's kernels take last."""
        return ()

    def _expected_living(self, living: Living, horizon: Floats) -> Floats:
        """E[purchases in a horizon] of live customers."""
        return by_chunks(self.live.expected, (*living, horizon), *self._stages)

    def _pmf_living(self, living: Living, n: int, horizon: Floats) -> Floats:
        """P(n purchases in a horizon) of live customers."""
        return by_chunks(self.live.pmf, (*living, horizon), n, *self._stages)

    def _pmfs_living(self, living: Living, wanted: Sequence[int], horizon: Floats) -> Floats:
        """The same of each n wanted, a column each."""
        return np.column_stack([self._pmf_living(living, n, horizon) for n in wanted])

    def _discounted_living(self, living: Living, force: float, horizon: float) -> Floats:
        """E of the purchases of live customers in a horizon (it may be infinite), each times e^(-force . time)."""
        return by_chunks(self.live.discounted, living, force, horizon, *self._stages)

    def _wait_living(self, living: Living, share: Floats) -> Floats:
        """Time by which a live customer has bought with chance `share`; infinite where it never does."""
        assert self.live.wait is not None
        return by_chunks(self.live.wait, (*living, share), *self._stages)

    @abstractmethod
    def _staying(self, living: Living, horizon: Floats) -> Floats:
        """P(still alive after a horizon) of live customers."""

    @abstractmethod
    def _pmf_later(self, living: Living, n: int, start: Floats, horizon: Floats) -> Floats:
        """P(n purchases in a horizon that begins after `start`) of customers alive now."""

    def _pmfs_later(self, living: Living, wanted: Sequence[int], start: Floats, horizon: Floats) -> Floats:
        """The same of each n wanted, a column each."""
        return np.column_stack([self._pmf_later(living, n, start, horizon) for n in wanted])

    def _draw_new(self, n: int, seed: int, replication: int) -> pd.DataFrame:
        """Traits of `n` customers from the population, a column each."""
        return self._population(np.ones(n), np.ones(n), seed, replication)

    @abstractmethod
    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Traits of new customers whose rates of purchase and of leaving are multiplied by these factors."""

    @abstractmethod
    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        """A draw of each customer's traits, and of `alive`, from the posterior."""

    def _drawn(
        self, kernel: Callable[..., Any], own: Sequence[float | Floats], shared: Sequence[float | Floats],
        h: Histories, uids: Ints, seed: int, replication: int, *last: Any,
    ) -> pd.DataFrame:  # fmt: skip
        """The draw by a kernel that takes two parameters `own` to each customer and two that are everybody's."""
        each = (value * np.ones(h.x.size) for value in own)
        address = (uids, replication, seed, MODEL_DRAWS, TRAITS)
        traits, alive = kernel(*each, h.x, h.t_x, h.T, *shared, *address, *last)
        return pd.DataFrame(traits, columns=list(self.traits)).assign(alive=alive)

    @abstractmethod
    def _seen(self, traits: pd.DataFrame, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Simulated frequency and recency of customers with these traits, observed for T."""

    @property
    def _age_offset(self) -> float | None:
        """Where a live customer's law depends on x and T alone: what to add to T so that forecasts are smooth in the
        logarithm of the sum, that is by how much its nearest singularity lies below 0. None where it depends on more.
        """
        return None

    # ---- the verbs ----

    @property
    def _parameters(self) -> tuple[float, ...]:
        return tuple(float(getattr(self, name)) for name in self.parameter_names)

    @property
    def simulated_parameters(self) -> tuple[float, ...]:
        """Shape and rate of the purchase rate, and the two of leaving, as the simulation's rules take them."""
        return self._parameters

    @classmethod
    def _read(cls, summary: pd.DataFrame, unit: str | None) -> Histories:
        return Histories.of(summary, unit=unit)

    def _histories(self, summary: pd.DataFrame) -> Histories:
        return self._read(summary, self.unit)

    @classmethod
    @with_counts
    @forward_covariates
    def fit(cls, summary: SummaryLike, *, unit: str | None = None, weights: ArrayLike | None = None) -> ModelFit[Self]:
        """Maximum likelihood.

        `summary` has `frequency, recency, T` in `unit`, which is the summary's own where `churnsim.summarise` made
        it, and weeks where nothing says; `weights` (one a row, finite, 0 or more) count customers of that row.
        A `ParquetLog`, `CustomerDatabase`, Ibis table or `ParquetSummary` in place of it is counted where it lies (see
        `churnsim.data.count_histories`), and what that returns is taken with its numbers as weights.
        Identical rows are collapsed, time is scaled by its mean, so that days and years give the same fit. Raises
        DataError for a summary that is not one; a likelihood without an inner maximum is no error but a FitStatus.
        """
        return fit_likelihood(cls.likelihood(cast("pd.DataFrame", summary), unit=unit, weights=weights))

    def log_likelihood(self, summary: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, in the data's own time unit."""
        h = self._histories(summary)
        return h.series(self._log_likelihood(h), "log_likelihood")

    def p_alive(self, summary: CustomerFrame, *, at: float | ArrayLike = 0.0) -> pd.Series[float]:
        """P(alive at T + at | history to T) of each customer; `at` in the model's unit, a number or one per row."""
        h = self._histories(summary)
        later = durations(at, "at", shape=h.x.shape)
        return h.series(self._alive_at(h, later), "p_alive")

    def _alive_at(self, h: Histories, later: Floats) -> Floats:
        alive = self._alive(h)
        if not later.any():
            return alive
        return alive * at_distinct(lambda *row: self._staying(row[:-1], row[-1]), *self._living(h), later)

    def expected_purchases(
        self, summary: CustomerFrame, horizon: float | ArrayLike, *, after: float | ArrayLike = 0.0
    ) -> pd.Series[float]:
        """E[purchases in (T + after, T + after + horizon] | history] of each customer.

        `horizon` and `after` in the model's unit, a number or one per row, finite and 0 or more. With numbers, values
        of customers alike in all but their age may be interpolated, to a relative 1e-11.
        """
        h = self._histories(summary)
        spans, start = (durations(v, name, shape=h.x.shape) for v, name in ((horizon, "horizon"), (after, "after")))
        return h.series(self._expected_later(h, start, spans), "expected_purchases")

    def _expected_later(self, h: Histories, start: Floats, spans: Floats) -> Floats:
        if not start.any():
            return self._expected(h, spans)
        return self._expected(h, start + spans) - self._expected(h, start)

    def _expected(self, h: Histories, spans: Floats) -> Floats:
        if (spans == spans[0]).all():
            each = self._living_by_age(h, lambda law: self._expected_living(law, np.full(law[0].size, spans[0])))
        else:
            each = at_distinct(lambda *row: self._expected_living(row[:-1], row[-1]), *self._living(h), spans)
        return self._alive(h) * each

    def _living_by_age(self, h: Histories, function: Callable[[Living], Floats]) -> Floats:
        """`function` of each customer's law, with the least work (see `by_age` and `at_distinct`)."""

        def each(x: Ints, T: Floats) -> Floats:
            alike = Histories(x=x, t_x=np.zeros(x.size), T=T, index=pd.RangeIndex(x.size))
            return at_distinct(lambda *law: function(law), *self._living(alike))

        if self._age_offset is None:
            return at_distinct(lambda *law: function(law), *self._living(h))
        return by_age(each, h.x, h.T, self._age_offset)

    def conditional_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: CustomerFrame, horizon: float | ArrayLike, *,
        after: float | ArrayLike = 0.0,
    ) -> pd.DataFrame:  # fmt: skip
        """P(n purchases in (T + after, T + after + horizon] | history): one row a customer, one column for each n."""
        h = self._histories(summary)
        spans, start = (durations(v, name, shape=h.x.shape) for v, name in ((horizon, "horizon"), (after, "after")))
        columns = self._counts_later(h, counts(n).ravel().tolist(), start, spans)
        return pd.DataFrame(columns, index=h.index).rename_axis(columns="n")

    def _counts_later(self, h: Histories, wanted: Sequence[int], start: Floats, spans: Floats) -> dict[int, Floats]:
        alive, living = self._alive(h), self._living(h)
        if start.any():
            each = at_distinct(lambda *r: self._pmfs_later(r[:-2], wanted, *r[-2:]), *living, start, spans)
        else:
            each = at_distinct(lambda *r: self._pmfs_living(r[:-1], wanted, r[-1]), *living, spans)
        return {n: alive * each[:, k] + (1.0 - alive if n == 0 else 0.0) for k, n in enumerate(wanted)}

    def residual_transactions(
        self, summary: CustomerFrame, annual_discount_rate: float, *, horizon: float = math.inf
    ) -> pd.Series[float]:
        """Discounted expected residual transactions (DERT) of each customer: purchases after T, each discounted to T.

        Fader, Hardie & Lee (2005), JMR 42, p. 419, in continuous time. `annual_discount_rate` is annual and effective;
        it must be above 0 for an infinite `horizon` (in the model's unit), else ConfigError. Of customers alike in
        all but their age the values may be interpolated, to a relative 1e-11.
        """
        h = self._histories(summary)
        force, span = discounting(annual_discount_rate, self.unit, horizon)
        each = self._living_by_age(h, lambda law: self._discounted_living(law, force, span))
        values = self._alive(h) * each
        return h.series(values, "residual_transactions")

    @typed
    def time_to_next_purchase(
        self, summary: CustomerFrame, *, quantile: float = 0.5, if_alive: bool = False
    ) -> pd.Series[float]:
        """Time after T by which the next purchase has come with probability `quantile`, in the model's unit.

        A customer may be gone, or go before it buys again, so the chance of another purchase ever is below 1: where
        it is below `quantile` the time is infinite. With `if_alive` the customer is taken to be alive at T. Raises
        ConfigError for a quantile outside (0, 1).
        """
        check_number(quantile, "quantile", above=0, below=1)
        h = self._histories(summary)
        alive = np.ones(h.x.size) if if_alive else self._alive(h)
        with np.errstate(divide="ignore"):
            share = np.minimum(quantile / alive, 1.0)
        return h.series(self._wait_living(self._living(h), share), "time_to_next_purchase")

    def expected_purchases_new(self, t: float | ArrayLike) -> Floats:
        """E[X(t)]: repeat purchases of a new customer by age `t` in the model's unit. Shape of `t`."""
        ages = durations(t, "t")

        def by(age: Floats) -> Floats:
            alive, living = self._new(age.size)
            return alive * self._expected_living(living, age)

        # By the end of each week customers who came on different days have the same few hundred ages.
        return at_distinct(by, np.ascontiguousarray(ages.ravel())).reshape(ages.shape)

    def purchase_pmf(self, n: int | Sequence[int] | NDArray[np.int64], t: float) -> Floats:
        """P(X(t) = n): a new customer makes n repeat purchases by age t. Shape of `n`."""
        wanted = counts(n)
        age = durations(t, "t", shape=(1,))
        alive, living = self._new(1)
        each = self._pmfs_living(living, wanted.ravel().tolist(), age).reshape(wanted.shape)
        return np.asarray(alive * each + np.where(wanted == 0, 1.0 - alive, 0.0))

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """The traits of `n` customers from the population, a row each, by columns that the family names."""
        return self._draw_new(*check_draws(n, seed, replication))

    def draw_posterior(self, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's traits and of whether it is `alive`, given its own history.

        A customer's draw depends on its id, `seed` and `replication` alone, not on who else is in the frame.
        """
        check_draws(0, seed, replication)
        h = self._histories(summary)
        return self.draw_known(h, customer_uids(h.index), seed=seed, replication=replication)

    def draw_known(self, histories: Histories, uids: Ints, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`draw_posterior` of histories that were checked, and uids that were hashed, before."""
        return self._draw(histories, uids, seed, replication).set_index(histories.index)

    def draw_summary(self, T: ArrayLike, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """A summary (`frequency, recency, T`) of simulated new customers, each observed for its own `T`.

        Customer i has the traits of row i of `draw_customers` with the same seed and replication.
        """
        check_draws(0, seed, replication)
        observed = np.ascontiguousarray(durations(T, "T").ravel())
        traits = self._draw_new(observed.size, seed, replication)
        frame = self._seen(traits, observed, seed, replication).assign(T=observed)
        frame.attrs["unit"] = self.unit
        return frame.rename_axis("customer_id")
