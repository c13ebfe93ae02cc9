"""BG/BB whose chance to buy at an opportunity follows a calendar (appeals of December, a price of the year, a trend) or
series of each customer's own (what it was mailed, whether it was a member).

The logit of the chance of each customer moves by u_t = e . (z_t - mean z) at opportunity t, z_t the mean of the columns
over the days of the period (`churnsim.kernels.likelihoods.bg_bb_calendar` has the likelihood). With
w the law of ln o = logit p given x purchases at n opportunities, and S_k the chance to meet the next k,

    P(alive at n + 1 + j)   S_{j+1}
    expected_purchases      sum_k S_k E_w[p_{n+k}], each times e^(-force k) in residual_transactions
    conditional_pmf         sum_j (S_j - S_{j+1}) P_j(x') + S_h P_h(x') of a horizon h, P_j that of the number of
                            purchases at the next j opportunities met, by recursion at each node of ln o
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, betaln, digamma, expit, gammaln, log_expit, logit

from churnsim.checks import check_kind, check_number, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.logs.days import day_number, iso_day
from churnsim.data.summaries.calendar import SUMS, Calendar, Future, calendar_mark, calendar_sums, day_numbers
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.customer_series import CustomerSeries, check_calendar
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.data.summaries.opportunities import FIRST_PERIOD, period_ends, period_values, periods_that_end
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.likelihoods import bg_bb_calendar as kernel
from churnsim.kernels.likelihoods.bg_bb_calendar import REACH
from churnsim.kernels.likelihoods.pareto_nbd_calendar import uniforms
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.arguments import check_draws, counts, discounting, durations, one_count
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.purchase.bg_bb import BGBB
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.discounting import NOTHING
from churnsim.models.purchase.calendar.effects import PurchasesWithEffects, SeriesEffects
from churnsim.models.purchase.calendar.likelihood import likelihood_with, standardised
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.models.purchase.protocol import Reads
from churnsim.typing import Floats, Ints

MOST_PERIODS = 20_000  # that a calendar is followed over
PART = 500  # opportunities whose courses, of customers' own series, are kept at a time
FINE = 16  # nodes of a draw to one of a sum


@dataclass(frozen=True, kw_only=True, eq=False)
class BGBBEffects(PurchasesWithEffects):
    """What `BGBBCalendar` and `BGBBSeries` have in common."""

    base: BGBB
    family: ClassVar[str]
    title: ClassVar[str]
    reads: ClassVar[Reads] = BGBB.reads
    within: ClassVar[str] = BGBB.family
    instead: ClassVar[Mapping[str, str]] = {
        "draw_known": "Use draw_posterior.",
        **dict.fromkeys(("fit", "likelihood"), "BGBBCalendar.fit(summary, calendar=series) makes it."),
    }

    def __post_init__(self) -> None:
        check_kind(self.base, "base", BGBB, "a BGBB model")
        super().__post_init__()

    @classmethod
    def _average_of(cls, family: Any) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        return (lambda rest: {"base": BGBB.from_dict(rest)}) if family == cls.family else None

    # ---- the verbs ----

    def _columns(self, until: int, future: Any) -> tuple[Any, dict[str, Any]]:
        """What holds the columns until a day, and how it is asked."""
        return self.calendar, {"seen_until": self._seen, "future": self._told(future)}

    def _moved(
        self, index: pd.Index[Any], period: Ints, count: Ints, anchor: int, future: Any, most: int | None = None
    ) -> Iterator[tuple[slice, Floats, Floats, Ints]]:
        """`stretches`, with by how much the logit moves at each opportunity."""
        last = period_ends(np.sort(period + count)[-1:], self.unit, anchor)
        columns, known = self._columns(int(last.sum()), future)
        for rows, values, start in stretches(columns, index, period, count, self.unit, anchor, most, **known):
            u = ((values - self._means) * self._gamma).sum(axis=1)
            if not np.abs(u).max(initial=0.0) < REACH:
                raise ConfigError(
                    f"the {self.rescaled_by}'s values make a chance to buy 0 or 1. Check the effects and the future."
                )
            yield rows, values, u, start

    def _parts(
        self, h: Histories, period: Ints, anchor: int, ahead: int | Ints, future: Any, fine: int = 1
    ) -> Iterator[_Courses]:
        """Customers with what they do at the next opportunities."""
        alpha, beta, gamma, delta = self.base._parameters
        for rows, _, u, start in self._moved(h.index, period, h.T.astype(np.int64) + ahead, anchor, future):
            kinds, kind = kinds_of(start, h, rows)
            y, log_weight = nodes(alpha, beta, int(kinds[-1].max(initial=0)), u, fine)
            courses = kernel.courses(y, u, np.zeros((u.size, 0)))
            terms = kernel.terms(
                alpha, beta, gamma, delta, y, log_weight, *courses, *kinds, np.ones(kinds[0].size)
            )[1]  # fmt: skip
            yield _Courses(rows, kind, self.base, y, log_weight, courses[0], courses[1], *kinds, terms)

    def _said(
        self, summary: pd.DataFrame, ahead: int | Ints, future: Any, verb: Callable[[_Courses], Floats], fine: int = 1
    ) -> tuple[Histories, Floats]:
        """The histories, and what a verb says of each customer."""
        h, (period, anchor) = BGBB._read(summary, self.unit), first_periods(summary, self.unit)
        return h, np.concatenate([verb(part) for part in self._parts(h, period, anchor, ahead, future, fine)])

    def log_likelihood(self, summary: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer."""
        h, value = self._said(summary, 0, None, lambda part: part.terms[part.kind, 0])
        at_purchases = self._at_purchases(summary, h)
        return h.series(self.base._log_likelihood(h) if self._even else value + at_purchases, "log_likelihood")

    def p_alive(
        self, summary: CustomerFrame, *, at: float | ArrayLike = 0.0, future: Future | None = None
    ) -> pd.Series[float]:
        """P(alive at the opportunity after the next `at`, whole numbers | history) of each customer."""
        if self._even:
            return self.base.p_alive(summary, at=at)
        later = np.asarray(_each(summary, at, "at") + 1.0, dtype=np.float64)
        h, value = self._said(summary, 0, future, lambda part: part.met(later[part.rows], rows=True))
        return h.series(value, "p_alive")

    def expected_purchases(
        self, summary: CustomerFrame, horizon: float | ArrayLike, *, after: float | ArrayLike = 0.0,
        future: Any = None,
    ) -> pd.Series[float]:  # fmt: skip
        """E[purchases at the opportunities in (n + after, n + after + horizon] | history] of each customer."""
        if self._even and not np.floor(durations(after, "after")).any():
            return self.base.expected_purchases(summary, horizon)
        start, span = _each(summary, after, "after"), _each(summary, horizon, "horizon")
        ahead = int((start + span).max(initial=0))
        h, value = self._said(summary, ahead, future, lambda part: part.between(start[part.rows], span[part.rows]))
        return h.series(value, "expected_purchases")

    def residual_transactions(
        self, summary: CustomerFrame, annual_discount_rate: float, *, horizon: float = math.inf,
        future: Any = None,
    ) -> pd.Series[float]:  # fmt: skip
        """Discounted expected residual transactions (DERT) of each customer: purchases at coming opportunities, each
        discounted to the last one seen. As `BGBB.residual_transactions`."""
        if self._even:
            return self.base.residual_transactions(summary, annual_discount_rate, horizon=horizon)
        force, span = discounting(annual_discount_rate, self.unit, horizon)
        ahead = _whole(NOTHING / force if math.isinf(span) else span, "horizon")
        paid = np.exp(-force * np.arange(1.0, ahead + 1.0))
        h, value = self._said(summary, ahead, future, lambda part: (part.flow(ahead) * paid).sum(axis=1)[part.kind])
        return h.series(value, "residual_transactions")

    def conditional_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: CustomerFrame, horizon: float | ArrayLike, *,
        after: float | ArrayLike = 0.0, future: Future | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """P(n purchases at the opportunities in (n + after, n + after + horizon] | history): one row a customer, one
        column for each n."""
        wanted = counts(n).ravel().tolist()
        if self._even and not np.floor(durations(after, "after")).any():
            return self.base.conditional_pmf(n, summary, horizon)
        start, span = _each(summary, after, "after"), _each(summary, horizon, "horizon")
        ahead = int((start + span).max(initial=0))
        h, law = self._said(summary, ahead, future, lambda part: part.law_of(wanted, start[part.rows], span[part.rows]))
        return pd.DataFrame(dict(zip(wanted, law.T, strict=True)), index=h.index).rename_axis(columns="n")

    @typed
    def time_to_next_purchase(
        self, summary: CustomerFrame, *, quantile: float = 0.5, if_alive: bool = False, future: Future | None = None
    ) -> pd.Series[float]:
        """Opportunities after the last one seen by which the next purchase has come with probability `quantile`;
        infinite where it never does, or not within the periods that a calendar is followed over."""
        if self._even:
            return self.base.time_to_next_purchase(summary, quantile=quantile, if_alive=if_alive)
        check_number(quantile, "quantile", above=0, below=1)
        h, (period, _) = BGBB._read(summary, self.unit), first_periods(summary, self.unit)
        last = period + h.T.astype(np.int64)
        most = MOST_PERIODS - int(last.max(initial=0) - period.min(initial=last.max(initial=0)))
        waits, rows, ahead = np.full(h.x.size, np.inf), np.arange(h.x.size), 64
        while rows.size:
            ahead = min(ahead, most)
            waiting = partial(_Courses.waits, ahead=ahead, quantile=quantile, if_alive=if_alive)
            _, found = self._said(as_summary(summary).iloc[rows], ahead, future, waiting)
            waits[rows] = found[:, 0]
            rows = rows[found[:, 1] == 0] if ahead < most else rows[:0]
            ahead *= 4
        return h.series(waits, "time_to_next_purchase")

    def draw_posterior(self, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One draw of each customer's two chances, that to buy in an average period, and of whether it is `alive` at
        the next opportunity, given its own history. The distribution function of the chance to buy is interpolated, to
        about .0005."""
        if self._even:
            return self.base.draw_posterior(summary, seed=seed, replication=replication)
        check_draws(0, seed, replication)
        u = uniforms(customer_uids(as_summary(summary).index), replication, seed, MODEL_DRAWS, TRAITS)
        h, drawn = self._said(summary, 0, None, lambda part: np.column_stack(part.draw(u[part.rows])), fine=FINE)
        frame = pd.DataFrame(drawn, columns=[*self.base.traits, "alive"], index=h.index)
        return frame.assign(alive=frame["alive"] > 0)

    # ---- new customers, acquired in the first periods of known ones ----

    def expected_purchases_like(self, summary: CustomerFrame, t: ArrayLike, *, future: Any = None) -> Floats:
        """E[purchases at the t opportunities after the first period] of new customers with the first periods of these
        rows, each by its own age `t` (or all by one)."""
        ages = _each(summary, t, "t")
        return self._said(
            _as_new(summary), ages, future, lambda part: part.between(0 * ages[part.rows], ages[part.rows])
        )[1]

    def purchase_pmf_like(self, n: int, summary: CustomerFrame, t: ArrayLike, *, future: Any = None) -> Floats:
        """P(n purchases at the t opportunities after the first period) of new customers with the first periods of these
        rows, each by its own age `t`."""
        return self._pmf_new([one_count(n)], summary, t, future)[:, 0]

    def _pmf_new(self, wanted: Sequence[int], summary: pd.DataFrame, t: ArrayLike, future: Any) -> Floats:
        ages = _each(summary, t, "t")
        return self._said(
            _as_new(summary), ages, future, lambda part: part.law_of(wanted, 0 * ages[part.rows], ages[part.rows])
        )[1]

    def draw_summary_like(
        self, summary: CustomerFrame, *, seed: int, replication: int = 0, future: Any = None
    ) -> pd.DataFrame:
        """A summary, as of `summarise_opportunities(log, calendar=...)`, of simulated customers with the first periods
        and T of these. Customer i has the traits of row i of `draw_customers`."""
        new = _as_new(summary)
        if "T" not in as_summary(summary):
            raise DataError("the summary lacks 'T', at how many opportunities each customer is observed.")
        n = np.floor(durations(as_summary(summary)["T"], "T")).astype(np.int64)
        traits = self.draw_customers(n.size, seed=seed, replication=replication)
        period, anchor = first_periods(new, self.unit)
        ((_, values, u, start),) = self._moved(new.index, period, n, anchor, future, int(n.sum()) + 1)
        random = np.random.Generator(np.random.Philox([seed, replication]))
        x, last, sums = np.zeros(n.size, np.int64), np.zeros(n.size), np.zeros((n.size, len(self._names)))
        here, own = np.ones(n.size, dtype=np.bool_), logit(traits["purchase_probability"])
        for k in range(int(n.max(initial=0))):
            here &= (k < n) & (random.random(n.size) >= traits["dropout"])
            at = np.minimum(start + k, u.size - 1)
            buys = here & (random.random(n.size) < expit(own + u[at]))
            x[buys], last[buys] = x[buys] + 1, k + 1.0
            sums[buys] += values[at[buys]]
        ends = period_ends(period, self.unit, anchor).astype("datetime64[D]").astype("datetime64[ns]")
        frame = new.assign(frequency=x, recency=last, T=n.astype(np.float64), **{FIRST_PERIOD: ends})
        frame[[SUMS + name for name in self._names]] = sums
        frame.attrs |= {"unit": self.unit, "calendar": calendar_mark(self.calendar)}
        return frame


@dataclass(frozen=True, kw_only=True, eq=False)
class BGBBCalendar(BGBBEffects):
    """A BG/BB model whose chance to buy follows a calendar. Made by ``BGBBCalendar.fit(summary, calendar=...)``.

    Its verbs are those of `BGBB`, of summaries made by ``summarise_opportunities(log, calendar=...)``. Where a forecast
    reaches beyond what the calendar knows, `future` must say what comes, as in `CalendarModel`.

    Parameters
    ----------
    base : BGBB
        Its chances are those of an average period of the fit.
    calendar : Calendar
    effects, means : mapping of column to number
        The odds to buy at an opportunity are multiplied by e^(effect . (value - mean)) for each column.
    seen_until : str or date
        The last day of the fit, up to which a trend is known.
    future : mapping, optional

    Examples
    --------
    >>> import churnsim as cs
    >>> calendar = cs.data.Calendar(trend="1997-01-01")
    >>> summary = cs.data.summarise_opportunities(cs.datasets.cdnow(), unit="M", calendar=calendar)
    >>> fit = BGBBCalendar.fit(summary, calendar=calendar)
    >>> fit.names, bool(fit.parameters["trend"] < 0)
    (('alpha', 'beta', 'gamma', 'delta', 'trend'), True)
    """

    family: ClassVar[str] = "bg_bb_calendar"
    title: ClassVar[str] = "BG/BB with a calendar"

    # ---- the fit ----

    @classmethod
    def likelihood(
        cls, summary: CustomerFrame, *, calendar: Calendar | CustomerSeries, unit: str | None = None,
        weights: ArrayLike | None = None,
    ) -> Likelihood[Any]:  # fmt: skip
        """The likelihood of a summary, for searches and samplers. Raises as `fit`."""
        h = BGBB._read(summary, unit)
        unit = unit or summary.attrs.get("unit", "Y")
        plain = BGBB.likelihood(summary, unit=unit, weights=weights)
        weight = checked_weights(weights, h.x.size)
        period, anchor = first_periods(summary, unit)
        n = h.T.astype(np.int64)
        low = int(period.min())
        begin, until = period_ends(np.array([low, (period + n).max()]), unit, anchor).tolist()
        ((rows, columns, start),) = stretches(calendar, h.index, period, n, unit, anchor, int(n.sum()) + 1)
        own, share = isinstance(calendar, CustomerSeries), None
        if own:  # every period counts alike, as by a calendar
            at = np.arange(len(columns)) + np.repeat(period - low - start, n)
            each = np.repeat(weight, n)
            share = each / np.maximum(np.bincount(at, each), 1e-300)[at]
        z, means, spread = standardised(calendar, columns, begin, until, share)
        sums = ((calendar_sums(summary, calendar) - h.x[:, None] * means) / spread * weight[:, None]).sum(axis=0)
        kinds, kind = kinds_of(start, h, rows)
        number = np.asarray(np.bincount(kind, weights=weight), dtype=np.float64)
        customers = number.sum()

        def objective(parameters: Floats) -> tuple[float, Floats]:
            alpha, beta, gamma, delta = parameters[:4].tolist()
            u = (z * parameters[4:]).sum(axis=1)
            # Beyond, an opportunity is bought at by all or none, whatever their own chances.
            if not np.abs(u).max(initial=0.0) < REACH:
                return -math.inf, np.zeros(parameters.size)
            y, log_weight = nodes(alpha, beta, int(n.max()), u)
            if own:
                found = kernel.own_terms(alpha, beta, gamma, delta, y, log_weight, u, z, *kinds, number)
            else:
                courses = kernel.courses(y, u, z)
                found = kernel.terms(alpha, beta, gamma, delta, y, log_weight, *courses, *kinds, number)[0]
            both = customers * digamma(alpha + beta)
            found[1] += both - customers * digamma(alpha)
            found[2] += both - customers * digamma(beta)
            if not u.any():  # the plain family to the last bit
                found[0], found[1:5] = plain.objective(parameters[:4])
            found[5:] += sums
            return float(found[0] + (sums * parameters[4:]).sum()), found[1:]

        return likelihood_with(
            plain, model_of(calendar), calendar, means=means, spread=spread, start=begin, until=until,
            objective=objective, known={"family": model_of(calendar).family, "unit": unit},
        )  # fmt: skip

    @classmethod
    @typed
    def fit(
        cls,
        summary: CustomerFrame,
        *,
        calendar: Calendar | CustomerSeries,
        unit: str | None = None,
        weights: ArrayLike | None = None,
    ) -> CalendarFit:
        """Maximum likelihood, beside the fit without the calendar (`plain`, and the test of both, `likelihood_ratio`).

        Raises DataError for a summary that was not made with the calendar, and for a column that does not vary over the
        periods of the data.
        """
        check_calendar(calendar)
        plain = fit_likelihood(BGBB.likelihood(summary, unit=unit, weights=weights))
        wanted = cls.likelihood(summary, calendar=calendar, unit=unit, weights=weights)
        begin = np.concatenate([[plain.parameters[name] for name in plain.names], np.zeros(len(calendar.names))])
        found = fit_likelihood(replace(wanted, starts=[begin, *wanted.starts]))
        return CalendarFit(**vars(found), plain=plain)

    # ---- new customers, acquired in the period that ends on, or holds, a day ----

    def expected_purchases_new(
        self, t: float | ArrayLike, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """E[purchases at the t opportunities after the period that ends on, or holds, the day `first`] of a customer
        who was acquired in it. Shape of `t`."""
        ages = durations(t, "t")
        firsts = _firsts(first, ages.size)
        found = self.expected_purchases_like(firsts, ages.ravel(), future=future) if ages.size else ages
        return found.reshape(ages.shape)

    def purchase_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], t: float, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """P(n purchases at the t opportunities after the period of the day `first`) of a customer who was acquired in
        it. Shape of `n`."""
        wanted = counts(n)
        return self._pmf_new(wanted.ravel().tolist(), _firsts(first, 1), _whole(t, "t"), future).reshape(wanted.shape)

    def draw_summary(
        self, T: ArrayLike, *, first: str | date, seed: int, replication: int = 0, future: Future | None = None
    ) -> pd.DataFrame:
        """A summary, as of `summarise_opportunities(log, calendar=...)`, of simulated customers who were acquired in
        the period of the day `first`, each observed at its own `T` opportunities. Customer i has the traits of row i
        of `draw_customers`."""
        n = durations(T, "T").ravel()
        new = _firsts(first, n.size).assign(T=n)
        return self.draw_summary_like(new, seed=seed, replication=replication, future=future)


@dataclass(frozen=True, kw_only=True, eq=False)
class BGBBSeries(SeriesEffects, BGBBEffects):
    """A BG/BB model whose chance to buy follows series of each customer's own. Made by
    ``BGBBCalendar.fit(summary, calendar=series)``.

    Its verbs are those of `BGBB`, of summaries made by ``summarise_opportunities(log, calendar=series)`` of customers
    whom the series know. Beyond the last day of the fit or of the series, whichever is later, `future` must say what
    comes, as in `SeriesModel`.

    Parameters
    ----------
    base : BGBB
        Its chances are those of an average period of the fit.
    effects, means : mapping of column to number
        The odds to buy at an opportunity are multiplied by e^(effect . (value - mean)) for each column.
    seen_until : str or date
        The last day of the fit.
    calendar : CustomerSeries, optional
        The series; a model that was saved has none, and is given them by `with_series`.
    future : "hold" or DataFrame, optional

    Examples
    --------
    >>> import churnsim as cs
    >>> log = cs.datasets.cdnow().query("customer_id < 200")
    >>> days = [pd.Timestamp("1997-01-01"), pd.Timestamp("1997-06-01")]
    >>> ids = log["customer_id"].unique()
    >>> frame = pd.DataFrame({"customer_id": ids.repeat(2), "date": days * len(ids), "member": [0.0, 1.0] * len(ids)})
    >>> series = cs.data.CustomerSeries.of(frame)
    >>> summary = cs.data.summarise_opportunities(log, unit="M", calendar=series)
    >>> fit = BGBBCalendar.fit(summary, calendar=series)
    >>> fit.names, fit.expected_purchases(summary, 3.0, future="hold").shape == (len(summary),)
    (('alpha', 'beta', 'gamma', 'delta', 'member'), True)
    """

    family: ClassVar[str] = "bg_bb_series"
    title: ClassVar[str] = "BG/BB with a series"

    def _columns(self, until: int, future: Any) -> tuple[CustomerSeries, dict[str, Any]]:
        return self._known_series(self.calendar, until, future), {}


def model_of(calendar: Any) -> type[BGBBEffects]:
    """The class of a model with this calendar, or with these series."""
    return BGBBCalendar if isinstance(calendar, Calendar) else BGBBSeries


def stretches(
    calendar: Calendar | CustomerSeries, index: pd.Index[Any], period: Ints, count: Ints, unit: str, anchor: int,
    most: int | None = None, **known: Any,
) -> Iterator[tuple[slice, Floats, Ints]]:  # fmt: skip
    """The columns at the `count` opportunities after each customer's first `period`: of these customers the values, and
    where each one's begin. By a calendar they are one row of periods for all; by customers' own series each has its
    own, and they come in parts of `most` opportunities."""
    if isinstance(calendar, Calendar):
        low, high = (int(period.min()), int((period + count).max())) if period.size else (0, 0)
        span = low + 1 + np.arange(_followed(high - low))
        yield slice(None), period_values(calendar, span, unit, anchor, **known), period - low
        return
    _followed(int(count.max(initial=0)))
    place = calendar.rows_of(index, period_ends(period, unit, anchor))
    start = np.cumsum(count) - count
    cuts = np.flatnonzero(np.diff(start // (most or PART))) + 1
    for a, b in pairwise([0, *cuts.tolist(), count.size]):
        number, begins = count[a:b], start[a:b] - start[a : a + 1]
        at = np.arange(number.sum()) + np.repeat(period[a:b] + 1 - begins, number)
        ends = (period_ends(each, unit, anchor) for each in (at - 1, at))
        yield slice(a, b), calendar.means(np.repeat(place[a:b], number), *ends), begins


def kinds_of(start: Ints, h: Histories, rows: slice) -> tuple[tuple[Ints, Ints, Ints, Ints], Ints]:
    """`start`, purchases, last purchase and opportunities of customers who differ, and which of these each one is."""
    every = np.column_stack([start, h.x[rows], h.t_x[rows].astype(np.int64), h.T[rows].astype(np.int64)])
    kinds, kind = np.unique(every, axis=0, return_inverse=True)
    start, x, t_x, n = (np.ascontiguousarray(column) for column in kinds.T)
    return (start, x, t_x, n), kind.ravel()


def _firsts(first: str | date, size: int) -> pd.DataFrame:
    """New customers who were acquired in the period of a day."""
    day = pd.Timestamp(iso_day(day_number(first, "first")))
    frame = pd.DataFrame({FIRST_PERIOD: [day] * size}, index=pd.RangeIndex(size, name="customer_id"))
    return _as_new(frame)


def _as_new(summary: pd.DataFrame) -> pd.DataFrame:
    """These customers at the end of their first periods."""
    first_of = as_summary(summary)
    new = pd.DataFrame({"frequency": 0, "recency": 0.0, "T": 0.0}, index=first_of.index)
    return new.assign(**{FIRST_PERIOD: first_of[FIRST_PERIOD]}) if FIRST_PERIOD in first_of else new


def _followed(periods: int) -> int:
    """`periods`; ConfigError where they are more than a calendar is followed over."""
    if periods > MOST_PERIODS:
        raise ConfigError(
            f"{periods:,} periods are more than the {MOST_PERIODS:,} that a calendar is followed over. "
            "Take a shorter horizon, or a shorter T."
        )
    return periods


@dataclass(frozen=True, eq=False)
class _Courses:
    """Kinds of customers (from `start`, x purchases at n opportunities), which one each of the customers `rows` is of,
    and the courses of the chances."""

    rows: slice
    kind: Ints
    base: BGBB
    y: Floats
    log_weight: Floats
    not_bought: Floats
    logs: Floats
    start: Ints
    x: Ints
    t_x: Ints
    n: Ints
    terms: Floats

    def met(self, k: Floats, *, rows: bool = False) -> Floats:
        """P(the next k opportunities are met | history) by kind and k, or of customers with a k each."""
        _, _, gamma, delta = self.base._parameters
        of = self.kind if rows else slice(None)
        n = self.n[of].astype(np.float64)
        if not rows:
            n, k = n[:, None], k[None, :]
        alive = np.exp(self.terms[of, 1])
        ratio = gammaln(delta + n + k) - gammaln(gamma + delta + n + k)
        ratio = ratio - (gammaln(delta + n + 1.0) - gammaln(gamma + delta + n + 1.0))
        return np.asarray(np.exp(ratio) * (alive if rows else alive[:, None]))

    def law(self) -> Floats:
        """Weights of the nodes by kind, given the history and that the customer is alive."""
        alpha, beta, _, _ = self.base._parameters
        step = self.y[1] - self.y[0]
        logs = self.log_weight + self.x[:, None] * self.y
        logs = logs + (self.logs[:, self.start + self.n] - self.logs[:, self.start]).T
        logs[:, 0] -= np.log(-np.expm1(-step * (alpha + self.x)))
        logs[:, -1] -= np.log(-np.expm1(-step * (beta + self.n - self.x)))
        weight = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))

    def chances(self, kind: int, ahead: int) -> Floats:
        """By node and coming opportunity, not to buy."""
        first = int(self.start[kind] + self.n[kind])
        found = self.not_bought[:, first : first + ahead]
        lacking = ahead - found.shape[1]  # of customers who are asked for less than others
        return np.pad(found, ((0, 0), (0, lacking)), constant_values=1.0) if lacking else found

    def flow(self, ahead: int) -> Floats:
        """Expected purchases at each of the next opportunities, by kind."""
        law, met = self.law(), self.met(np.arange(1.0, ahead + 1.0))
        return np.array([law[k] @ (1.0 - self.chances(k, ahead)) for k in range(len(law))]).reshape(met.shape) * met

    def between(self, start: Ints, span: Ints) -> Floats:
        """Expected purchases of customers at `span` opportunities after the next `start`."""
        flow = self.flow(int((start + span).max(initial=0)))
        upto = np.concatenate([np.zeros((len(flow), 1)), np.cumsum(flow, axis=1)], axis=1)
        return np.asarray(upto[self.kind, start + span] - upto[self.kind, start])

    def counts(self, start: int, ahead: int, most: int) -> Floats:
        """P(0 ... most purchases at the next opportunities, but for the first `start`), by kind."""
        law, met = self.law(), self.met(np.arange(1.0, ahead + 1.0))
        out = np.zeros((len(law), most + 1))
        for k in range(len(law)):
            stay, number = np.append(1.0, met[k]), np.zeros((self.y.size, most + 1))
            number[:, 0] = 1.0
            for j, no in enumerate(self.chances(k, ahead).T, 1):
                out[k] += (stay[j - 1] - stay[j]) * (law[k] @ number)
                if j > start:
                    bought = number[:, :-1] * (1.0 - no)[:, None]
                    number *= no[:, None]
                    number[:, 1:] += bought
            out[k] += stay[ahead] * (law[k] @ number)
        return out

    def law_of(self, wanted: Sequence[int], start: Ints, span: Ints) -> Floats:
        """P(n purchases at `span` opportunities after the next `start`) of customers, a column for each n wanted."""
        found: Floats = np.zeros((start.size, len(wanted)))
        for begin, length in np.unique(np.column_stack([start, span]), axis=0).tolist():
            rows = (start == begin) & (span == length)
            law = self.counts(begin, begin + length, min(max(wanted, default=0), length))
            for column, k in enumerate(wanted):
                if k < law.shape[1]:
                    found[rows, column] = law[self.kind[rows], k]
        return found

    def waits(self, ahead: int, quantile: float, if_alive: bool) -> Floats:
        """Of customers the opportunity by which each has bought with a chance, infinite where that is not within these;
        and whether that is all that can be."""
        law, met = self.law(), self.met(np.arange(1.0, ahead + 1.0))
        waits, over = np.full(len(law), np.inf), np.ones(len(law), dtype=np.bool_)
        for k in range(len(law)):
            there = met[k] / (met[k, 0] if if_alive else 1.0)
            silent = np.append(1.0, law[k] @ np.cumprod(self.chances(k, ahead), axis=1))
            reached = np.cumsum(there * -np.diff(silent)) >= quantile
            if reached.any():
                waits[k] = 1.0 + np.argmax(reached)
            else:
                over[k] = (there * -np.diff(silent)).sum() + silent[-1] * there[-1] < quantile
        return np.column_stack([waits, over])[self.kind]

    def draw(self, u: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Chances to buy and to leave, and who is alive at the next opportunity, from three uniforms each: the last
        opportunity that a customer met is drawn first."""
        _, _, gamma, delta = self.base._parameters
        last, at = np.empty(self.kind.size, dtype=np.int64), np.empty(self.kind.size)
        alive = np.empty(self.kind.size, dtype=np.bool_)
        order = np.argsort(self.kind, kind="stable")
        cuts = np.searchsorted(self.kind[order], np.arange(self.n.size + 1))
        for k, (begin, first, n) in enumerate(zip(self.start, self.t_x, self.n, strict=True)):
            rows, lasts = order[cuts[k] : cuts[k + 1]], np.arange(first, n + 1)
            logs = (self.log_weight + self.x[k] * self.y)[:, None] + self.logs[:, begin + lasts] - self.logs[:, [begin]]
            weight = np.exp(logs - logs.max())
            chance = weight.sum(axis=0) * np.exp(betaln(gamma + 1.0, delta + lasts))
            share = np.cumsum(np.append(chance, weight[:, -1].sum() * np.exp(betaln(gamma, delta + n + 1.0))))
            place = np.searchsorted(share, u[rows, 0] * share[-1], side="right")
            alive[rows], place = place > n - first, np.minimum(place, n - first)
            last[rows] = lasts[place]
            for each in np.unique(place):
                mine, mass = rows[place == each], weight[:, each]
                below = np.cumsum(mass) - mass / 2
                at[mine] = np.interp(u[mine, 1] * mass.sum(), below, self.y)
        leaves = betaincinv(gamma + ~alive, delta + last + alive, u[:, 2])
        return expit(at), np.asarray(leaves, dtype=np.float64), np.asarray(alive, dtype=np.bool_)


def nodes(alpha: float, beta: float, n: int, u: Floats, fine: int = 1) -> tuple[Floats, Floats]:
    """Nodes of ln o and their logarithmic weights, of which a trapezoid rule has all that counts at up to n
    opportunities; `fine` times as many where more than sums is asked."""
    moved = float(np.abs(u).max(initial=0.0))
    step = min(0.25, 1.2 / math.sqrt(alpha + beta + n)) / fine
    low = max(-REACH - moved, math.log(alpha / (beta + n)) - (kernel.tail(beta + n, alpha) + moved))
    high = min(REACH + moved, math.log((alpha + n) / beta) + (kernel.tail(alpha + n, beta) + moved))
    y: Floats = np.asarray(low + step * np.arange(math.ceil((high - low) / step) + 1))
    return y, np.asarray(math.log(step) + alpha * log_expit(y) + beta * log_expit(-y) - betaln(alpha, beta))


def first_periods(summary: pd.DataFrame, unit: str) -> tuple[Ints, int]:
    """The first period of each customer, and the last day of week 0."""
    if FIRST_PERIOD not in summary.columns:
        raise DataError(
            f"the summary lacks {FIRST_PERIOD!r}, the last day of each customer's first period. Make it with "
            "churnsim.data.summarise_opportunities(transactions, calendar=...)."
        )
    return periods_that_end(day_numbers(summary[FIRST_PERIOD]), unit)


def _each(summary: CustomerFrame, value: float | ArrayLike, name: str) -> Ints:
    """How many opportunities each customer's number of periods holds."""
    return np.floor(durations(value, name, shape=(len(as_summary(summary)),))).astype(np.int64)


def _whole(value: Any, name: str) -> int:
    """How many opportunities a number of periods holds."""
    return int(durations(value, name, shape=(1,))[0])
