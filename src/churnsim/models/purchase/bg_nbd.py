"""BG/NBD: repeat buying with dropout after a repeat purchase.

Fader, Hardie & Lee (2005), "'Counting your customers' the easy way: an alternative to the Pareto/NBD model",
Marketing Science 24(2), 275-284. While alive a customer buys as a Poisson process at rate lambda; after each repeat
purchase it drops out with probability p; lambda ~ Gamma(r, rate alpha) and p ~ Beta(a, b), independently.

A customer with x repeat purchases, the last at t_x, observed to T has the likelihood (eq. 6)

    L = prod_{j<x} (r + j)(b + j)/(a + b + j) . alpha^r
        . [ (alpha + T)^-(r+x) + 1{x>0} a/(b + x - 1) (alpha + t_x)^-(r+x) ]

of which the first term is that of being alive at T and the second that of having dropped out at t_x. Their ratio gives

    P(alive at T | x, t_x, T) = 1 / [1 + 1{x>0} a/(b + x - 1) ((alpha + T)/(alpha + t_x))^(r+x)]

A live customer's traits given its history have the prior's form again, Gamma(r + x, alpha + T) and Beta(a, b + x).
So every forecast is P(alive) times that of a new customer with the parameters R = r + x, A = alpha + T, a, B = b + x:

    expected_purchases     eq. 10, from eq. 9: E[X(h)] = (a+B-1)/(a-1) [1 - (A/(A+h))^R 2F1(R, B; a+B-1; h/(A+h))]
    conditional_pmf        eq. 8: P(X(h) = n), alive with n purchases or gone at the last of them
    residual_transactions  the integral of e^(-delta t) dE[X(t)]
    time_to_next_purchase  P(no purchase in h | alive) = (A/(A+h))^R

`expected_purchases_new` and `purchase_pmf` are eq. 9 and eq. 8 with R = r, A = alpha and B = b. The arithmetic is in
`churnsim.kernels.likelihoods` (`bg_nbd`, `bg_nbd_forecast`, `bg_nbd_discounted`), the checks and shapes of the verbs
in `buy_till_you_die.py`. MBG/NBD (`mbg_nbd.py`) shares all of it, with a first purchase that can be the last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc, gammaln

from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.kernels.likelihoods import bg_nbd as kernel
from churnsim.kernels.likelihoods import bg_nbd_forecast as forecast
from churnsim.kernels.likelihoods import bg_nbd_rows as by_row
from churnsim.kernels.likelihoods import calendar_clock as clock
from churnsim.kernels.likelihoods.bg_nbd_discounted import discounted
from churnsim.kernels.likelihoods.bg_nbd_forecast import expected_known
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.threads import Chunks, by_chunks
from churnsim.models.purchase.active_periods import LEAVING, LivingTraits, beta_rule
from churnsim.models.purchase.buy_till_you_die import LiveKernels, Living
from churnsim.models.purchase.calendar.clock import ClockTerms
from churnsim.models.purchase.continuous_time import ContinuousTime, TakesCalendar
from churnsim.models.purchase.covariates import CovariatesInTime
from churnsim.models.purchase.fit_data import ScaledHistories, likelihood_of
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Simulated
from churnsim.typing import Floats, Ints

REMEDIES = (
    "Read p_alive and forecasts, which often stay well determined, rather than the single parameters; use a longer "
    "observation or more customers; compare with a model without dropout."
)
# Starts (a, b): moderate dropout first, then light and heavy.
DROPOUTS = ((0.8, 2.5), (0.8, 2.5), (0.2, 4.0), (2.0, 2.0), (0.05, 1.0), (5.0, 200.0))


class LivingGammaBeta(ContinuousTime):
    """Models whose live customers buy at a rate Gamma(R, A) and drop out with a probability Beta(a, B)."""

    live: ClassVar[LiveKernels] = LiveKernels(expected=forecast.expected, pmf=forecast.pmf, discounted=discounted)
    traits: ClassVar[tuple[str, ...]] = ("rate", "dropout")

    def _living(self, h: Histories) -> Living:
        r, alpha, a, b = self._of(h)
        x = h.x.astype(np.float64)
        return r + x, alpha + h.T, np.full(x.size, a), b + x

    def _staying(self, living: Living, horizon: Floats) -> Floats:
        # Each purchase made is the last with the chance p: P(gone) = E[p X], and p times Beta(a, b) is Beta(a + 1, b).
        R, A, a, b = living
        return 1.0 - a / (a + b) * self._expected_living((R, A, a + 1.0, b), horizon)

    def _pmf_later(self, living: Living, n: int, start: Floats, horizon: Floats) -> Floats:
        # Given p, having stayed until `start` thins the rate: E[e^(-lambda p start) ...] has Gamma(R, A + p start).
        R, A, a, b = living
        p, weight = beta_rule(a, b, LEAVING)
        shape, thinned, start, horizon = R[:, None], A[:, None] + p * start[:, None], start[:, None], horizon[:, None]
        stayed = weight * np.exp(-shape * np.log1p(p * start / A[:, None]))
        none, some = thinned / (thinned + horizon), horizon / (thinned + horizon)
        law = np.exp(gammaln(shape + n) - gammaln(shape) - gammaln(n + 1.0) + shape * np.log(none)) * some**n
        if n == 0:
            return np.asarray(1.0 - stayed.sum(axis=1) + (stayed * law).sum(axis=1))
        # All n, and still there; or gone at the n-th of n or more.
        at_last = p * (1.0 - p) ** (n - 1) * betainc(float(n), shape, some)
        return np.asarray((stayed * ((1.0 - p) ** n * law + at_last)).sum(axis=1))

    def _living_traits(self, living: Living) -> LivingTraits:
        R, A, a, b = living
        return LivingTraits(R, A, "dropout", a, b)

    def _new(self, n: int) -> tuple[float, Living]:
        r, alpha, a, b = self._parameters
        law = r, alpha, a, b + self.drops_at_first
        return b / (a + b) if self.drops_at_first else 1.0, tuple(np.full(n, value) for value in law)

    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Columns `rate` (purchases per unit) and `dropout` (probability)."""
        r, alpha, a, b = self._parameters
        rows = by_row.draw_population(alpha / rate, a * leaving, r, b, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(rows, columns=list(self.traits))

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        # The posterior is a mixture of Gamma x Beta for the living and for the gone (see the kernel).
        r, alpha, a, b = self._of(h)
        kernel = by_row.draw_histories
        return self._drawn(kernel, (alpha, a), (r, b), h, uids, seed, replication, self.drops_at_first)


@dataclass(frozen=True, kw_only=True)
class BetaDropout(LivingGammaBeta, TakesCalendar):
    """Base of BG/NBD and MBG/NBD, which differ in whether the first purchase can be the last (`drops_at_first`)."""

    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")

    r: float
    alpha: float
    a: float
    b: float
    unit: str = "W"

    @property
    def _shifted(self) -> tuple[float, float, float, float]:
        """Parameters as the kernels take them: b + 1 where the first purchase is a toss already survived."""
        r, alpha, a, b = self._parameters
        return r, alpha, a, b + self.drops_at_first

    def _score_sql(self, *, x: str, t_x: str, T: str, **_: str) -> str:
        """P(alive) in SQL: see the head of this file. By logarithms, since databases refuse a power that overflows."""
        r, alpha, a, b = map(float, self._shifted)
        odds = f"{math.log(a)!r} - LN({b - 1!r} + {x}) + ({r!r} + {x}) * LN(({alpha!r} + {T}) / ({alpha!r} + {t_x}))"
        alive = f"1.0 / (1.0 + EXP(LEAST({odds}, 700.0)))"
        return alive if self.drops_at_first else f"CASE WHEN {x} > 0 THEN {alive} ELSE 1.0 END"

    @classmethod
    def likelihood(
        cls, summary: CustomerFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers (see `Likelihood`)."""
        return cls._likelihood(ScaledHistories.of(summary, unit=unit, weights=weights))

    @classmethod
    def _likelihood(cls, data: ScaledHistories) -> Likelihood[Self]:
        n, chunks = data.customers, data.chunks()
        few = data.sketch()
        return likelihood_of(
            cls, data, lambda at: cls._objective(at, chunks, n), leaving=DROPOUTS, remedies=REMEDIES,
            hessian=lambda at: cls._hessian(at, chunks, n),
            sketch=(lambda: cls._likelihood(few)) if few else None,
        )  # fmt: skip

    @classmethod
    def _objective(cls, parameters: Floats, chunks: Chunks, customers: float) -> tuple[float, Floats]:
        r, alpha, a, b = parameters
        first = cls.drops_at_first
        return cls._at_first(parameters, chunks.sum(kernel.objective, (r, alpha, a, b + first), (first,)), customers)

    @classmethod
    def _at_first(cls, parameters: Floats, total: Floats, customers: float) -> tuple[float, Floats]:
        """The log-likelihood and its slopes, from the kernels' sums of all but leaving after the first purchase."""
        _, _, a, b = parameters
        value, gradient = float(total[0]), total[1:].copy()
        if cls.drops_at_first:  # P(not gone right after the first purchase) = b/(a + b)
            value -= customers * float(np.log1p(a / b))
            gradient[2] -= customers / (a + b)
            gradient[3] += customers * a / (b * (a + b))
        return value, gradient

    @classmethod
    def _hessian(cls, parameters: Floats, chunks: Chunks, customers: float) -> Floats:
        first = cls.drops_at_first
        r, alpha, a, b = parameters
        second = chunks.sum(kernel.hessian, (r, alpha, a, b + first), (first,))
        if first:
            second[2:, 2:] += customers / (a + b) ** 2
            second[3, 3] -= customers / b**2
        return second

    @classmethod
    def _on_clock(cls, parameters: Floats, h: Histories, weight: Floats, **fixed: Any) -> ClockTerms:
        first, customers = cls.drops_at_first, float(weight.sum())
        r, alpha, a, b = parameters
        chunks = Chunks(h.x, h.t_x, h.T, weight)
        shifted = r, alpha, a, b + first
        found = chunks.each(clock.bg_nbd_slopes, shifted, (first,))
        value, slopes = cls._at_first(parameters, np.sum([total for total, _ in found], axis=0), customers)
        at_last, at_end = np.concatenate([rows for _, rows in found]).T

        def curvature(places: tuple[Floats, ...], table: Floats) -> tuple[Floats, Floats]:
            with_places = Chunks(h.x, h.t_x, h.T, weight, *places)
            effects = with_places.sum(clock.bg_nbd_effects, shifted, (first, table))
            return cls._hessian(parameters, chunks, customers), effects

        return ClockTerms(value, slopes, at_last, at_end, curvature)

    def _of(self, h: Histories) -> Sequence[float | Floats]:
        return self._shifted

    def _log_likelihood(self, h: Histories) -> Floats:
        values = h.chunks().join(kernel.log_likelihood, self._shifted, (self.drops_at_first,))
        return values - np.log1p(self.a / self.b) if self.drops_at_first else values

    def _alive(self, h: Histories) -> Floats:
        return h.chunks().join(kernel.p_alive, self._shifted, (self.drops_at_first,))

    @property
    def _age_offset(self) -> float:
        return float(self.alpha)

    def _expected(self, h: Histories, spans: Floats) -> Floats:
        if (spans == spans[0]).all():
            return super()._expected(h, spans)
        return by_chunks(expected_known, (h.x, h.t_x, h.T, spans), *self._shifted, self.drops_at_first)


class BGNBD(BetaDropout):
    """A BG/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, `a` and `b` of the dropout
    probability, and the `unit` of time ("H", "D", "W", "M", "Y"). Raises ConfigError unless all are finite and above 0.

    A customer without a repeat purchase is alive for certain, since dropout follows one.

    Examples
    --------
    >>> import churnsim as cs
    >>> fit = cs.BGNBD.fit(cs.split_holdout(cs.datasets.cdnow(), until="1997-09-30", holdout_until="1998-06-30"))
    >>> [round(float(value), 3) for value in (fit.model.r, fit.model.alpha, fit.model.a, fit.model.b)]
    [0.243, 4.414, 0.793, 2.426]
    >>> customer = pd.DataFrame({"frequency": [2], "recency": [30.43], "T": [38.86]})
    >>> float(fit.expected_purchases(customer, 39.0).iloc[0].round(3))
    1.226
    """

    family: ClassVar[str] = "bg_nbd"
    title: ClassVar[str] = "BG/NBD"
    simulated_as: ClassVar[Simulated | None] = "dropout"
    within: ClassVar[str | None] = "nbd"


@dataclass(frozen=True, kw_only=True)
class BGNBDCovariates(CovariatesInTime, LivingGammaBeta):
    """A BG/NBD model whose `alpha` and `a` are those of an average customer.

    Known customers' summaries must hold the covariates; new customers are average ones.

    Parameters
    ----------
    r, alpha : float
        Shape and rate (in time units) of an average customer's purchase rate.
    a, b : float
        Of an average customer's dropout probability.
    rate_effects, lifetime_effects : mapping of covariate to effect
        The purchase rate, or the mean dropout's odds, are multiplied by e^(effect . (covariate - mean)).
    covariate_means : mapping of covariate to mean
        What an average customer has.
    unit : str
        Of time.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.BGNBD(r=0.5, alpha=8.0, a=0.8, b=2.5).draw_summary(np.full(500, 40.0), seed=1)
    >>> fit = BGNBDCovariates.fit(summary.assign(big=np.tile([0.0, 1.0], 250)), covariates_rate=["big"])
    >>> sorted(fit.model.rate_effects)
    ['big']
    """

    r: float
    alpha: float
    a: float
    b: float
    rate_effects: Mapping[str, float] = field(default_factory=dict)
    lifetime_effects: Mapping[str, float] = field(default_factory=dict)
    covariate_means: Mapping[str, float] = field(default_factory=dict)
    unit: str = "W"

    family: ClassVar[str] = "bg_nbd_covariates"
    plain: ClassVar[Any] = BGNBD
    kernels: ClassVar[Any] = by_row
    own_names: ClassVar[tuple[str, str]] = ("alpha", "a")
    more: ClassVar[tuple[Any, ...]] = (False,)
    moved: ClassVar[tuple[int, int]] = (-1, 1)

    @classmethod
    def _kernel_last(cls, **fixed: Any) -> tuple[Any, ...]:
        return *cls.more, fixed.get("k", 1)
