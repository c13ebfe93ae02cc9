"""BG/BB whose chance to buy at an opportunity follows a calendar: appeals of December, a price of the year, a trend.

The logit of the chance of each customer moves by u_t = e . (z_t - mean z) at opportunity t, z_t the mean of a
calendar's columns over the days of the period (`churnsim.kernels.likelihoods.bg_bb_calendar` has the likelihood). With
w the law of ln o = logit p given x purchases at n opportunities, and S_k the chance to meet the next k,

    P(alive at n + 1 + j)   S_{j+1}
    expected_purchases      sum_k S_k E_w[p_{n+k}], each times e^(-force k) in residual_transactions
    conditional_pmf         sum_j (S_j - S_{j+1}) P_j(x') + S_h P_h(x') of a horizon h, P_j that of the number of
                            purchases at the next j opportunities met, by recursion at each node of ln o
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, betaln, digamma, expit, gammaln, log_expit, logit

from churnsim.checks import check_kind, check_number, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.summaries.calendar import SUMS, Calendar, Future, calendar_mark, calendar_sums, day_numbers
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.data.summaries.opportunities import FIRST_PERIOD, period_ends, period_values, periods_that_end
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.likelihoods import bg_bb_calendar as kernel
from churnsim.kernels.likelihoods.pareto_nbd_calendar import uniforms
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.arguments import check_draws, counts, discounting, durations
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.purchase.bg_bb import BGBB
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.discounting import NOTHING
from churnsim.models.purchase.calendar.effects import PurchasesWithEffects, check_common, day_number
from churnsim.models.purchase.calendar.likelihood import likelihood_with, standardised
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.typing import Floats, Ints

REACH = 40.0  # e^-40 of the odds, or of a density, is nothing
MOST_PERIODS = 20_000  # that a calendar is followed over
FINE = 16  # nodes of a draw to one of a sum


@dataclass(frozen=True, kw_only=True, eq=False)
class BGBBCalendar(PurchasesWithEffects):
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

    base: BGBB
    family: ClassVar[str] = "bg_bb_calendar"
    title: ClassVar[str] = "BG/BB with a calendar"

    def __post_init__(self) -> None:
        check_kind(self.base, "base", BGBB, "a BGBB model")
        super().__post_init__()

    @classmethod
    def _average_of(cls, family: Any) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        return (lambda rest: {"base": BGBB.from_dict(rest)}) if family == cls.family else None

    # ---- the fit ----

    @classmethod
    def likelihood(
        cls, summary: CustomerFrame, *, calendar: Calendar, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers. Raises as `fit`."""
        h = BGBB._read(summary, unit)
        unit = unit or summary.attrs.get("unit", "Y")
        plain = BGBB.likelihood(summary, unit=unit, weights=weights)
        weight = checked_weights(weights, h.x.size)
        period, anchor = first_periods(summary, unit)
        n = h.T.astype(np.int64)
        low, high = int(period.min()), int((period + n).max())
        columns = period_values(calendar, np.arange(low + 1, high + 1), unit, anchor)
        begin, until = period_ends(np.array([low, high]), unit, anchor).tolist()
        z, means, spread = standardised(calendar, columns, begin, until)
        sums = ((calendar_sums(summary, calendar) - h.x[:, None] * means) / spread * weight[:, None]).sum(axis=0)
        rows = np.column_stack([period - low, h.x, h.t_x.astype(np.int64), n])
        kinds, kind = np.unique(rows, axis=0, return_inverse=True)
        number: Floats = np.asarray(np.bincount(kind.ravel(), weights=weight), dtype=np.float64)
        start, x, t_x, n = (np.ascontiguousarray(column) for column in kinds.T)

        def objective(parameters: Floats) -> tuple[float, Floats]:
            alpha, beta, gamma, delta = parameters[:4].tolist()
            u = (z * parameters[4:]).sum(axis=1)
            # Beyond, an opportunity is bought at by all or none, whatever their own chances.
            if not np.abs(u).max(initial=0.0) < REACH:
                return -math.inf, np.zeros(parameters.size)
            y, log_weight = nodes(alpha, beta, int(n.max()), u)
            found = kernel.terms(
                alpha, beta, gamma, delta, y, log_weight, *kernel.courses(y, u, z), start, x, t_x, n, number
            )[0]
            both = number.sum() * digamma(alpha + beta)
            found[1] += both - number.sum() * digamma(alpha)
            found[2] += both - number.sum() * digamma(beta)
            if not u.any():  # the plain family to the last bit
                found[0], found[1:5] = plain.objective(parameters[:4])
            found[5:] += sums
            return float(found[0] + (sums * parameters[4:]).sum()), found[1:]

        return likelihood_with(
            plain, cls, calendar, means=means, spread=spread, start=begin, until=until, objective=objective,
            known={"family": cls.family, "unit": unit},
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
        periods of the data, and ConfigError for series of customers' own.
        """
        calendar = check_common(calendar, "BG/BB")
        plain = fit_likelihood(BGBB.likelihood(summary, unit=unit, weights=weights))
        wanted = cls.likelihood(summary, calendar=calendar, unit=unit, weights=weights)
        begin = np.concatenate([[plain.parameters[name] for name in plain.names], np.zeros(len(calendar.names))])
        found = fit_likelihood(replace(wanted, starts=[begin, *wanted.starts]))
        return CalendarFit(**vars(found), plain=plain)

    # ---- the verbs ----

    def _state(self, summary: pd.DataFrame, ahead: int, future: Future | None, fine: int = 1) -> _Courses:
        """Customers with what they do at the next opportunities."""
        h = BGBB._read(summary, self.unit)
        period, anchor = first_periods(summary, self.unit)
        return self._of(h, period, anchor, ahead, future, fine)

    def _moved(self, span: Ints, anchor: int, future: Future | None) -> tuple[Floats, Floats]:
        """The columns of these periods, and by how much the logit moves in each."""
        values = period_values(self.calendar, span, self.unit, anchor, seen_until=self._seen, future=self._told(future))
        u = ((values - self._means) * self._gamma).sum(axis=1)
        if not np.abs(u).max(initial=0.0) < REACH:
            raise ConfigError("the calendar's values make a chance to buy 0 or 1. Check the effects and the future.")
        return values, u

    def _of(
        self, h: Histories, period: Ints, anchor: int, ahead: int, future: Future | None, fine: int = 1
    ) -> _Courses:
        n = h.T.astype(np.int64)
        low, high = (int(period.min()), int((period + n).max()) + ahead) if n.size else (0, 0)
        _, u = self._moved(low + 1 + np.arange(_followed(high - low)), anchor, future)
        alpha, beta, gamma, delta = self.base._parameters
        y, log_weight = nodes(alpha, beta, int(n.max(initial=0)), u, fine)
        courses = kernel.courses(y, u, np.zeros((u.size, 0)))
        kinds, kind = np.unique(
            np.column_stack([period - low, h.x, h.t_x.astype(np.int64), n]), axis=0, return_inverse=True
        )
        start, x, t_x, n = (np.ascontiguousarray(column) for column in kinds.T)
        rows = kernel.terms(
            alpha, beta, gamma, delta, y, log_weight, *courses, start, x, t_x, n, np.ones(x.size)
        )[1]  # fmt: skip
        return _Courses(h, kind.ravel(), self.base, y, log_weight, courses[0], courses[1], start, x, t_x, n, rows)

    @property
    def _even(self) -> bool:
        return not self._gamma.any()

    def log_likelihood(self, summary: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer."""
        state = self._state(summary, 0, None)
        at_purchases = self._at_purchases(summary, state.h)
        value = self.base._log_likelihood(state.h) if self._even else state.rows[state.kind, 0] + at_purchases
        return state.h.series(value, "log_likelihood")

    def p_alive(
        self, summary: CustomerFrame, *, at: float | ArrayLike = 0.0, future: Future | None = None
    ) -> pd.Series[float]:
        """P(alive at the opportunity after the next `at`, whole numbers | history) of each customer."""
        if self._even:
            return self.base.p_alive(summary, at=at)
        state = self._state(summary, 0, future)
        later = np.floor(durations(at, "at", shape=state.h.x.shape))
        return state.h.series(state.met(later + 1.0, rows=True), "p_alive")

    def expected_purchases(
        self, summary: CustomerFrame, horizon: float | ArrayLike, *, after: float | ArrayLike = 0.0,
        future: Future | None = None,
    ) -> pd.Series[float]:  # fmt: skip
        """E[purchases at the opportunities in (n + after, n + after + horizon] | history] of each customer."""
        if self._even and not np.floor(durations(after, "after")).any():
            return self.base.expected_purchases(summary, horizon)
        start, span = _each(summary, after, "after"), _each(summary, horizon, "horizon")
        state = self._state(summary, int((start + span).max(initial=0)), future)
        return state.h.series(state.between(start, span), "expected_purchases")

    def residual_transactions(
        self, summary: CustomerFrame, annual_discount_rate: float, *, horizon: float = math.inf,
        future: Future | None = None,
    ) -> pd.Series[float]:  # fmt: skip
        """Discounted expected residual transactions (DERT) of each customer: purchases at coming opportunities, each
        discounted to the last one seen. As `BGBB.residual_transactions`."""
        if self._even:
            return self.base.residual_transactions(summary, annual_discount_rate, horizon=horizon)
        force, span = discounting(annual_discount_rate, self.unit, horizon)
        ahead = _whole(NOTHING / force if math.isinf(span) else span, "horizon")
        state = self._state(summary, ahead, future)
        paid = np.exp(-force * np.arange(1.0, ahead + 1.0))
        return state.h.series((state.flow(ahead) * paid).sum(axis=1)[state.kind], "residual_transactions")

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
        state = self._state(summary, int((start + span).max(initial=0)), future)
        columns = dict.fromkeys(wanted, np.zeros(start.size))
        for begin, length in np.unique(np.column_stack([start, span]), axis=0).tolist():
            rows = (start == begin) & (span == length)
            law = state.counts(begin, begin + length, min(max(wanted, default=0), length))
            for k in wanted:
                if k < law.shape[1]:
                    columns[k] = np.where(rows, law[state.kind, k], columns[k])
        return pd.DataFrame(columns, index=state.h.index).rename_axis(columns="n")

    @typed
    def time_to_next_purchase(
        self, summary: CustomerFrame, *, quantile: float = 0.5, if_alive: bool = False, future: Future | None = None
    ) -> pd.Series[float]:
        """Opportunities after the last one seen by which the next purchase has come with probability `quantile`;
        infinite where it never does, or not within the periods that a calendar is followed over."""
        if self._even:
            return self.base.time_to_next_purchase(summary, quantile=quantile, if_alive=if_alive)
        check_number(quantile, "quantile", above=0, below=1)
        ahead, state = 64, self._state(summary, 0, None)
        most = MOST_PERIODS - int((state.start + state.n).max(initial=0))
        while True:
            waits, over = self._state(summary, min(ahead, most), future).waits(min(ahead, most), quantile, if_alive)
            if over.all() or ahead >= most:
                return state.h.series(waits[state.kind], "time_to_next_purchase")
            ahead *= 4

    def draw_posterior(self, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One draw of each customer's two chances, that to buy in an average period, and of whether it is `alive` at
        the next opportunity, given its own history. The distribution function of the chance to buy is interpolated, to
        about .0005."""
        if self._even:
            return self.base.draw_posterior(summary, seed=seed, replication=replication)
        check_draws(0, seed, replication)
        state = self._state(summary, 0, None, fine=FINE)
        u = uniforms(customer_uids(state.h.index), replication, seed, MODEL_DRAWS, TRAITS)
        columns = dict(zip((*self.base.traits, "alive"), state.draw(u), strict=True))
        return pd.DataFrame(columns, index=state.h.index)

    # ---- new customers, acquired in the period that ends on, or holds, a day ----

    def expected_purchases_new(
        self, t: float | ArrayLike, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """E[purchases at the t opportunities after the period that ends on, or holds, the day `first`] of a customer
        who was acquired in it. Shape of `t`."""
        ages = np.floor(durations(t, "t")).astype(np.int64)
        state = self._new(first, int(ages.max(initial=0)), future)
        return state.between(np.zeros(ages.size, np.int64), ages.ravel(), 0).reshape(ages.shape)

    def purchase_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], t: float, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """P(n purchases at the t opportunities after the period of the day `first`) of a customer who was acquired in
        it. Shape of `n`."""
        wanted, age = counts(n), _whole(t, "t")
        law = self._new(first, age, future).counts(0, age, min(int(wanted.max(initial=0)), age))[0]
        return np.asarray(np.append(law, 0.0)[np.minimum(wanted, law.size)], dtype=np.float64)

    def _new(self, first: str | date, ahead: int, future: Future | None) -> _Courses:
        period, anchor = periods_that_end(np.array([day_number(first, "first")]), self.unit)
        nothing = Histories(np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros(1), pd.RangeIndex(1))
        return self._of(nothing, period, anchor, ahead, future)

    def draw_summary(
        self, T: ArrayLike, *, first: str | date, seed: int, replication: int = 0, future: Future | None = None
    ) -> pd.DataFrame:
        """A summary, as of `summarise_opportunities(log, calendar=...)`, of simulated customers who were acquired in
        the period of the day `first`, each observed at its own `T` opportunities. Customer i has the traits of row i
        of `draw_customers`."""
        n = np.floor(durations(T, "T").ravel()).astype(np.int64)
        traits = self.draw_customers(n.size, seed=seed, replication=replication)
        period, anchor = periods_that_end(np.array([day_number(first, "first")]), self.unit)
        most = _followed(int(n.max(initial=0)))
        values, u = self._moved(period[0] + 1 + np.arange(most), anchor, future)
        random = np.random.Generator(np.random.Philox([seed, replication]))
        x, last, sums = np.zeros(n.size, np.int64), np.zeros(n.size), np.zeros((n.size, len(self._names)))
        here = np.ones(n.size, dtype=np.bool_)
        for k in range(u.size):
            here &= (k < n) & (random.random(n.size) >= traits["dropout"])
            buys = here & (random.random(n.size) < expit(logit(traits["purchase_probability"]) + u[k]))
            x[buys], last[buys] = x[buys] + 1, k + 1.0
            sums[buys] += values[k]
        frame = pd.DataFrame({"frequency": x, "recency": last, "T": n.astype(np.float64)})
        ends = period_ends(period, self.unit, anchor).astype("datetime64[D]").astype("datetime64[ns]")
        frame[FIRST_PERIOD] = np.repeat(ends, n.size)
        frame[[SUMS + name for name in self._names]] = sums
        frame.attrs |= {"unit": self.unit, "calendar": calendar_mark(self.calendar)}
        return frame.rename_axis("customer_id")


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
    """Kinds of customers (from `start`, x purchases at n opportunities), which one each customer is of, and the courses
    of the chances."""

    h: Histories
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
    rows: Floats

    def met(self, k: Floats, *, rows: bool = False) -> Floats:
        """P(the next k opportunities are met | history) by kind and k, or of customers with a k each."""
        _, _, gamma, delta = self.base._parameters
        of = self.kind if rows else slice(None)
        n = self.n[of].astype(np.float64)
        if not rows:
            n, k = n[:, None], k[None, :]
        alive = np.exp(self.rows[of, 1])
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
        return self.not_bought[:, first : first + ahead]

    def flow(self, ahead: int) -> Floats:
        """Expected purchases at each of the next opportunities, by kind."""
        law, met = self.law(), self.met(np.arange(1.0, ahead + 1.0))
        return np.array([law[k] @ (1.0 - self.chances(k, ahead)) for k in range(len(law))]).reshape(met.shape) * met

    def between(self, start: Ints, span: Ints, kind: Ints | int | None = None) -> Floats:
        """Expected purchases at `span` opportunities after the next `start`, of customers or of a kind."""
        flow = self.flow(int((start + span).max(initial=0)))
        upto = np.concatenate([np.zeros((len(flow), 1)), np.cumsum(flow, axis=1)], axis=1)
        of = self.kind if kind is None else kind
        return np.asarray(upto[of, start + span] - upto[of, start])

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

    def waits(self, ahead: int, quantile: float, if_alive: bool) -> tuple[Floats, NDArray[np.bool_]]:
        """By kind the opportunity by which it has bought with a chance, infinite where that is not within these; and
        whether that is all that can be."""
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
        return waits, over

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

    def tail(shape: float) -> float:
        return REACH / shape + math.sqrt(2.0 * REACH / shape) + moved

    low = max(-REACH - moved, math.log(alpha / (beta + n)) - tail(alpha))
    high = min(REACH + moved, math.log((alpha + n) / beta) + tail(beta))
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
