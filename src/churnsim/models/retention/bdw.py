"""Beta-discrete-Weibull (BdW): the sBG with a chance to leave that may rise or fall with the customer's own tenure.

Fader, Hardie, Liu, Davin & Steenburgh (2018), "'How to project customer retention' revisited: the role of duration
dependence", Journal of Interactive Marketing 43, 1-16. A customer with theta ~ Beta(gamma, delta) is there after t
renewals with (1 - theta)^(t^c): c < 1 means that its own chance to leave falls with tenure, c > 1 that it rises, and
c = 1 is the sBG.

    survival        S(t) = B(gamma, delta + t^c)/B(gamma, delta)
    log_likelihood  ln [S(t - 1) - S(t)] of who left, ln S(t) of who is still there; less ln S(entry)
    retention       r(t) = S(t)/S(t - 1)
    derl            sum over k = 1, 2, ... of v^(k-1) S(tenure + k)/S(tenure)
    elasticity      E over theta ~ Beta(gamma, delta + tenure^c) of sum k v^(k-1) P_k / sum v^(k-1) P_k,
                    P_k = (1 - theta)^((tenure + k)^c - tenure^c)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from churnsim.checks import typed
from churnsim.kernels.likelihoods import bdw as kernel
from churnsim.models.estimation.design_matrix import Design
from churnsim.models.retention.beta_renewal import BetaRenewal
from churnsim.models.retention.renewal_covariates import RenewalCovariates
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.retention.tenures import Cohorts
from churnsim.typing import Floats

REMEDIES = (
    "Differences between customers and a changing chance to leave explain one curve: compare with the sBG, observe "
    "more renewals, or read the survival curve rather than the parameters."
)


@dataclass(frozen=True, kw_only=True)
class BetaDiscreteWeibull(BetaRenewal):
    """A BdW: `gamma` and `delta` of the churn probability at the first renewal, `c` of its course, the renewals'
    `unit`.

    Raises ConfigError unless all are finite and above 0.

    Examples
    --------
    >>> model = BetaDiscreteWeibull(gamma=0.668, delta=3.806, c=1.0, unit="Y")
    >>> model.survival([1, 2, 7]).round(3).tolist()
    [0.851, 0.747, 0.489]
    """

    gamma: float
    delta: float
    c: float
    unit: str = "Y"

    family: ClassVar[str] = "bdw"
    parameter_names: ClassVar[tuple[str, ...]] = ("gamma", "delta", "c")
    remedies: ClassVar[str] = REMEDIES

    @property
    def shape(self) -> tuple[float, float, float]:
        """gamma, delta and c."""
        return float(self.gamma), float(self.delta), float(self.c)

    @classmethod
    def patterns(cls, parameters: Floats, factor: Floats, cohorts: Cohorts) -> tuple[float, Floats, Floats]:
        """Log-likelihood of patterns of customers, and its slopes (see `BetaRenewal`)."""
        gamma, groups = parameters[0] * factor, factor.size
        delta, c = parameters[1:2].repeat(groups), float(parameters[2])
        out = kernel.objective(gamma, delta, c, cohorts.first, cohorts.t, cohorts.lost, cohorts.kept)
        in_gamma, in_delta = out[2 : 2 + groups], out[2 + groups :]
        return float(out[0]), np.array([in_gamma @ factor, in_delta.sum(), out[1]]), in_gamma * gamma

    @classmethod
    def _starts(cls, cohorts: Cohorts) -> list[Floats]:
        # The sBG is the BdW with c = 1 and has an easy likelihood, so the search starts from it, and goes on from the
        # same mean chance to leave with customers less and less alike: alike ones give a ridge without end.
        nested = ShiftedBetaGeometric._fit(cohorts, "Y").model
        base, churn = np.array([nested.alpha, nested.beta]), nested.mean_churn
        starts = [np.array([*(base * scale), c]) for scale, c in ((1.0, 1.0), (0.3, 1.5), (3.0, 0.7), (0.1, 2.0))]
        starts += [np.array([churn * weight, (1 - churn) * weight, c]) for weight, c in ((100.0, 1.2), (2.0, 1.5))]
        return starts

    @typed
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t), shape of `t`."""
        at = np.ascontiguousarray(t, dtype=np.float64)
        found = kernel.log_survival(float(self.gamma), float(self.delta), float(self.c), at.ravel())
        return found.reshape(at.shape)


@dataclass(frozen=True, kw_only=True)
class BetaDiscreteWeibullCovariates(RenewalCovariates):
    """A BdW whose `gamma` is that of the average customer and moves with the covariates; `c` is everybody's.

    Parameters
    ----------
    gamma, delta : float
        Of the average customer's churn probability at the first renewal.
    c : float
        Of its course; below 1 it falls.
    lifetime_effects : mapping of column to effect
        On the logarithm of gamma, by the design's columns.
    design : Design
        How the covariates are coded.
    unit : str
        The term of the renewals.

    Examples
    --------
    >>> from churnsim import datasets
    >>> fit = BetaDiscreteWeibullCovariates.fit(datasets.telco().head(500), covariates=["contract"])
    >>> {name: round(value, 1) for name, value in fit.model.lifetime_effects.items()}
    {'contract=Two year': -3.7, 'contract=One year': -2.8}
    """

    gamma: float
    delta: float
    c: float
    lifetime_effects: Mapping[str, float]
    design: Design
    unit: str = "Y"

    family: ClassVar[str] = "bdw_covariates"
    average: ClassVar[type[BetaRenewal]] = BetaDiscreteWeibull
