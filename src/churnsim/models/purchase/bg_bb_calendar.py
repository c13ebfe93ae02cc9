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
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, expit, logit

from churnsim.checks import check_kind, check_number, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.summaries.calendar import SUMS, Calendar, Future, calendar_mark, calendar_sums, day_numbers
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.customer_series import CustomerSeries, check_calendar
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.data.summaries.opportunities import FIRST_PERIOD, period_ends, periods_that_end
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.likelihoods import bg_bb_calendar as kernel
from churnsim.kernels.likelihoods.bg_bb_calendar import REACH
from churnsim.kernels.likelihoods.pareto_nbd_calendar import uniforms
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.arguments import check_draws, counts, discounting, durations, one_count
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.purchase.bg_bb import BGBB
from churnsim.models.purchase.bg_bb_courses import MOST_PERIODS, Courses, kinds_of, nodes, stretches
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.discounting import NOTHING
from churnsim.models.purchase.calendar.effects import NewOnADay, PurchasesWithEffects, SeriesEffects
from churnsim.models.purchase.calendar.likelihood import likelihood_with, standardised
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.models.purchase.protocol import Reads
from churnsim.typing import Floats, Ints

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
    ) -> Iterator[Courses]:
        """Customers with what they do at the next opportunities."""
        alpha, beta, gamma, delta = self.base._parameters
        for rows, _, u, start in self._moved(h.index, period, h.T.astype(np.int64) + ahead, anchor, future):
            kinds, kind = kinds_of(start, h, rows)
            y, log_weight = nodes(alpha, beta, int(kinds[-1].max(initial=0)), u, fine)
            courses = kernel.courses(y, u, np.zeros((u.size, 0)))
            terms = kernel.terms(
                alpha, beta, gamma, delta, y, log_weight, *courses, *kinds, np.ones(kinds[0].size)
            )[1]  # fmt: skip
            yield Courses(rows, kind, self.base, y, log_weight, courses[0], courses[1], *kinds, terms)

    def _said(
        self, summary: pd.DataFrame, ahead: int | Ints, future: Any, verb: Callable[[Courses], Floats], fine: int = 1
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
        ahead = math.floor(NOTHING / force if math.isinf(span) else span)
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
            waiting = partial(Courses.waits, ahead=ahead, quantile=quantile, if_alive=if_alive)
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
        return np.asarray(self._pmf_like([one_count(n)], summary, t, future)[0])

    def _pmf_like(self, wanted: Sequence[int], summary: pd.DataFrame, t: ArrayLike, future: Any = None) -> Floats:
        """`purchase_pmf_like` of each n wanted."""
        ages = _each(summary, t, "t")
        return self._said(
            _as_new(summary), ages, future, lambda part: part.law_of(wanted, 0 * ages[part.rows], ages[part.rows])
        )[1].T

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
class BGBBCalendar(NewOnADay, BGBBEffects):
    """A BG/BB model whose chance to buy follows a calendar. Made by ``BGBBCalendar.fit(summary, calendar=...)``.

    Its verbs are those of `BGBB`, of summaries made by ``summarise_opportunities(log, calendar=...)``.

    Parameters
    ----------
    base : BGBB
        Its chances are those of an average period of the fit.
    calendar, effects, means, seen_until, future
        As of `CalendarModel`; the odds to buy at an opportunity are multiplied.

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
    first_column: ClassVar[str] = FIRST_PERIOD

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
        model = BGBBSeries if own else BGBBCalendar
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
            plain, model, calendar, means=means, spread=spread, start=begin, until=until, objective=objective,
            known={"family": model.family, "unit": unit},
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


@dataclass(frozen=True, kw_only=True, eq=False)
class BGBBSeries(SeriesEffects, BGBBEffects):
    """A BG/BB model whose chance to buy follows series of each customer's own. Made by
    ``BGBBCalendar.fit(summary, calendar=series)``.

    Its verbs are those of `BGBB`, of summaries made by ``summarise_opportunities(log, calendar=series)`` of customers
    whom the series know.

    Parameters
    ----------
    base : BGBB
        Its chances are those of an average period of the fit.
    effects, means, seen_until, calendar, future
        As of `SeriesModel`; the odds to buy at an opportunity are multiplied.

    Examples
    --------
    >>> base = BGBB(alpha=1.2, beta=0.8, gamma=0.7, delta=2.8)
    >>> known = dict(effects={"member": 0.5}, means={"member": 0.2}, seen_until="1997-12-31")
    >>> BGBBSeries(base=base, **known).parameter_names
    ('alpha', 'beta', 'gamma', 'delta', 'member')
    """

    family: ClassVar[str] = "bg_bb_series"
    title: ClassVar[str] = "BG/BB with a series"

    def _columns(self, until: int, future: Any) -> tuple[CustomerSeries, dict[str, Any]]:
        return self._known_series(self.calendar, until, future), {}


def _as_new(summary: pd.DataFrame) -> pd.DataFrame:
    """These customers at the end of their first periods."""
    first_of = as_summary(summary)
    new = pd.DataFrame({"frequency": 0, "recency": 0.0, "T": 0.0}, index=first_of.index)
    return new.assign(**{FIRST_PERIOD: first_of[FIRST_PERIOD]}) if FIRST_PERIOD in first_of else new


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
