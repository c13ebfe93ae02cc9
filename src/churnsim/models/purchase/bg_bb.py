"""BG/BB: repeat buying at set opportunities, such as yearly appeals, events or renewals of interest.

Fader, Hardie & Shang (2010), "Customer-base analysis in a discrete-time noncontractual setting", Marketing Science
29(6), 1086-1108. Before each opportunity a customer leaves for good with probability theta ~ Beta(gamma, delta); at
each that it meets it buys with probability p ~ Beta(alpha, beta), independently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaln

from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.kernels.likelihoods import bg_bb as kernel
from churnsim.kernels.likelihoods import bg_bb_forecast as forecast
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, PURCHASE, TRAITS
from churnsim.models.estimation.arguments import refuse
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.purchase.buy_till_you_die import BuyTillYouDie, LiveKernels, Living
from churnsim.models.purchase.covariates import CovariateModel
from churnsim.models.purchase.fit_data import ScaledHistories
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Reads
from churnsim.typing import Floats, Ints

# The likelihood looks at every opportunity of a customer's silence. Assumed: 270 years of days, some 0.1 s a
# thousand customers and evaluation.
MOST_OPPORTUNITIES = 100_000


REMEDIES = (
    "Read p_alive and forecasts, which often stay well determined, rather than the single parameters; use more "
    "opportunities or more customers."
)
# Starts (alpha + beta, gamma, delta): unlike and like buyers, light and heavy dropout.
SHAPES = ((1.5, 0.6, 3.0), (1.5, 0.6, 3.0), (5.0, 1.0, 20.0), (0.5, 0.3, 0.6), (1.0, 2.0, 2.0), (20.0, 0.1, 10.0))


class LivingBetas(BuyTillYouDie):
    """Models whose live customers buy with a chance Beta(A, B) at an opportunity and leave with one of Beta(g, d)."""

    live: ClassVar[LiveKernels] = LiveKernels(
        expected=forecast.expected, pmf=forecast.pmf, discounted=forecast.discounted, wait=forecast.wait
    )
    traits: ClassVar[tuple[str, ...]] = ("purchase_probability", "dropout")

    @classmethod
    def _read(cls, summary: pd.DataFrame, unit: str | None) -> Histories:
        return _check_whole(Histories.of(summary, unit=unit))

    def _of(self, h: Histories) -> Sequence[float | Floats]:
        """The parameters, each for all customers or one a customer."""
        return self._parameters

    def _living(self, h: Histories) -> Living:
        alpha, beta, gamma, delta = self._of(h)
        x = h.x.astype(np.float64)
        return alpha + x, beta + h.T - x, gamma * np.ones(x.size), delta + h.T + 1.0

    def _new(self, n: int) -> tuple[float, Living]:
        alpha, beta, gamma, delta = self._parameters
        law = tuple(np.full(n, value) for value in (alpha, beta, gamma, delta + 1.0))
        return delta / (gamma + delta), law

    def _staying(self, living: Living, horizon: Floats) -> Floats:
        _, _, gamma, delta = living
        return np.exp(betaln(gamma, delta + np.floor(horizon)) - betaln(gamma, delta))

    def _pmf_later(self, living: Living, n: int, start: Floats, horizon: Floats) -> Floats:
        # Whether a customer stays says nothing of its chance to buy.
        A, B, gamma, delta = living
        first, stays = np.floor(start), self._staying(living, start)
        later = self._pmf_living((A, B, gamma, delta + first), n, np.floor(start + horizon) - first)
        return stays * later + (1.0 - stays if n == 0 else 0.0)

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        # The posterior is a mixture of Beta x Beta over the last opportunity of the customer's life (see the kernel).
        alpha, beta, gamma, delta = self._of(h)
        return self._drawn(kernel.draw_histories, (alpha, gamma), (beta, delta), h, uids, seed, replication)

    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Columns `purchase_probability` and `dropout`, each per opportunity."""
        alpha, beta, gamma, delta = self._parameters
        own = alpha * rate, gamma * leaving
        rows = kernel.draw_traits(*own, beta, delta, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(rows, columns=list(self.traits))

    def _seen(self, traits: pd.DataFrame, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Simulated frequency and recency of customers with these traits, at T opportunities."""
        if (np.floor(T) != T).any():
            raise ConfigError("T must hold whole numbers of opportunities.")
        at = np.ascontiguousarray(traits[list(self.traits)])
        rows = kernel.observe(at, T.astype(np.int64), replication, seed, MODEL_DRAWS, PURCHASE)
        return pd.DataFrame({"frequency": rows[:, 0], "recency": rows[:, 1].astype(np.float64)})


@dataclass(frozen=True, kw_only=True)
class BGBB(LivingBetas):
    """A BG/BB model: `alpha` and `beta` of the chance to buy at an opportunity, `gamma` and `delta` of the chance to
    leave before one, and the `unit` of time, of which each opportunity is one ("Y": one a year). Raises ConfigError
    unless all are finite and above 0.

    `recency` and `T` of a summary are opportunities, whole numbers: of the last purchase, and how many there were. A
    horizon is counted in opportunities; a part of one holds no purchase. Alive means: at the next opportunity.

    Examples
    --------
    Donations, one opportunity a year (Fader, Hardie & Shang 2010).

    >>> import pandas as pd
    >>> model = BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783, unit="Y")
    >>> donor = pd.DataFrame({"frequency": [4], "recency": [6], "T": [6]})
    >>> float(model.expected_purchases(donor, 5).iloc[0].round(2))
    2.71
    """

    alpha: float
    beta: float
    gamma: float
    delta: float
    unit: str = "Y"

    family: ClassVar[str] = "bg_bb"
    title: ClassVar[str] = "BG/BB"
    reads: ClassVar[Reads] = "opportunities"
    parameter_names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")

    @classmethod
    def likelihood(
        cls, summary: CustomerFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers (see `Likelihood`). Nothing is scaled."""
        cls._read(summary, unit)
        unit = unit or summary.attrs.get("unit", "Y")
        data = ScaledHistories.of(summary, unit=unit, weights=weights, scale=1.0)
        x, t_x, n = _opportunities(data.histories)
        weight = data.weight

        def objective(parameters: Floats) -> tuple[float, Floats]:
            alpha, beta, gamma, delta = parameters
            result = kernel.objective(alpha, beta, gamma, delta, x, t_x, n, weight)
            return float(result[0]), result[1:]

        mean = min(max(data.repeats / float(weight @ n), 1e-3), 0.999)
        return Likelihood(
            names=cls.parameter_names,
            scales=np.ones(4),
            starts=[np.array([size * mean, size * (1 - mean), gamma, delta]) for size, gamma, delta in SHAPES],
            customers=data.customers,
            log_scale=0.0,
            objective=objective,
            build=lambda values: cls.from_dict({**values, "unit": unit}),
            remedies=REMEDIES,
            doubt=data.doubt,
        )

    def _log_likelihood(self, h: Histories) -> Floats:
        alpha, beta, gamma, delta = self._parameters
        return kernel.log_likelihood(alpha, beta, gamma, delta, *_opportunities(h))[0]

    def _alive(self, h: Histories) -> Floats:
        alpha, beta, gamma, delta = self._parameters
        return np.exp(kernel.log_likelihood(alpha, beta, gamma, delta, *_opportunities(h))[1])


@dataclass(frozen=True, kw_only=True)
class BGBBCovariates(CovariateModel, LivingBetas):
    """A BG/BB model whose `alpha` and `gamma` are those of an average customer.

    Known customers' summaries must hold the covariates; new customers are average ones.

    Parameters
    ----------
    alpha, beta : float
        Of an average customer's chance to buy at an opportunity.
    gamma, delta : float
        Of an average customer's chance to leave before one.
    rate_effects, lifetime_effects : mapping of covariate to effect
        The odds of the mean chance to buy, and to leave, are multiplied by e^(effect . (covariate - mean)).
    covariate_means : mapping of covariate to mean
        What an average customer has.
    unit : str
        Of time, of which each opportunity is one.

    Examples
    --------
    >>> people = pd.DataFrame({"T": np.full(500, 8.0), "member": np.tile([0.0, 1.0], 250)})
    >>> true = BGBBCovariates(
    ...     alpha=1.2, beta=0.8, gamma=0.7, delta=2.8, rate_effects={"member": 0.5}, covariate_means={"member": 0.5}
    ... )
    >>> fit = BGBBCovariates.fit(true.draw_summary_like(people, seed=1), covariates_rate=["member"])
    >>> fit.names[-1], fit.status.code
    ('rate:member', 'converged')
    """

    alpha: float
    beta: float
    gamma: float
    delta: float
    rate_effects: Mapping[str, float] = field(default_factory=dict)
    lifetime_effects: Mapping[str, float] = field(default_factory=dict)
    covariate_means: Mapping[str, float] = field(default_factory=dict)
    unit: str = "Y"

    family: ClassVar[str] = "bg_bb_covariates"
    plain: ClassVar[Any] = BGBB
    kernels: ClassVar[Any] = kernel
    own_names: ClassVar[tuple[str, str]] = ("alpha", "gamma")
    moved: ClassVar[tuple[int, int]] = (1, 1)


def _check_whole(h: Histories) -> Histories:
    """DataError that names the customer whose recency or T is not whole, or who bought more often than it could."""
    for values, bad, rule in (
        (h.T, np.floor(h.T) != h.T, "T must be a whole number of opportunities"),
        (h.T, h.T > MOST_OPPORTUNITIES, f"T must be at most {MOST_OPPORTUNITIES:,} opportunities"),
        (h.t_x, h.t_x != np.floor(h.t_x), "recency must be the whole number of the last purchase's opportunity"),
        (h.x, h.x > h.t_x, "frequency must be <= recency, one purchase an opportunity"),
    ):
        refuse(
            h.index, values, bad, rule,
            "Count time in opportunities (churnsim.data.summarise_opportunities, or churnsim.data.split_periods beside "
            "other models), or use a model in continuous time such as BGNBD.",
        )  # fmt: skip
    return h


def _opportunities(h: Histories) -> tuple[Ints, Ints, Ints]:
    return h.x, h.t_x.astype(np.int64), h.T.astype(np.int64)
