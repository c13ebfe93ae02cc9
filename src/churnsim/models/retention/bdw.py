"""Beta-discrete-Weibull (BdW): the sBG with a chance to leave that may rise or fall with the customer's own tenure.

Fader, Hardie, Liu, Davin & Steenburgh (2018), "'How to project customer retention' revisited: the role of duration
dependence", Journal of Interactive Marketing 43, 1-16. S(t) = B(gamma, delta + t^c) / B(gamma, delta); c = 1 is the
sBG.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.likelihoods import bdw as kernel
from churnsim.models.estimation.fit import ModelFit, build_fit, status_of
from churnsim.models.estimation.optimise import maximise
from churnsim.models.retention.beta_renewal import BetaRenewal, judge
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.retention.tenures import Cohorts

__all__ = ["BetaDiscreteWeibull"]

Floats = NDArray[np.float64]

REMEDIES = (
    "Differences between customers and a changing chance to leave explain one curve: compare with the sBG, observe "
    "more renewals, or read the survival curve rather than the parameters."
)


@dataclass(frozen=True, kw_only=True)
class BetaDiscreteWeibull(BetaRenewal):
    """A BdW: `gamma` and `delta` of the churn probability at the first renewal, `c` of its course, the renewals'
    `unit`.

    Raises ConfigError unless all are finite and above 0.
    """

    gamma: float
    delta: float
    c: float
    unit: str = "Y"

    family: ClassVar[str] = "bdw"

    @property
    def shape(self) -> tuple[float, float, float]:
        """gamma, delta and c."""
        return float(self.gamma), float(self.delta), float(self.c)

    @classmethod
    def with_covariates(cls) -> Any:
        """`BetaDiscreteWeibullCovariates`."""
        from churnsim.models.retention.renewal_covariates import BetaDiscreteWeibullCovariates

        return BetaDiscreteWeibullCovariates

    @classmethod
    def _fit(cls, cohorts: Cohorts, unit: str) -> ModelFit[BetaDiscreteWeibull]:
        def objective(parameters: Floats) -> tuple[float, Floats]:
            gamma, delta, c = parameters
            out = kernel.objective(
                np.array([gamma]), np.array([delta]), float(c), cohorts.first, cohorts.t, cohorts.lost, cohorts.kept
            )
            return float(out[0]), out[[2, 3, 1]]

        # The sBG is the BdW with c = 1 and has an easy likelihood, so the search starts from it.
        nested = ShiftedBetaGeometric._fit(cohorts, unit).model
        base = np.array([nested.alpha, nested.beta])
        starts = [np.array([*(base * scale), c]) for scale, c in ((1.0, 1.0), (0.3, 1.5), (3.0, 0.7), (0.1, 2.0))]
        optimum = maximise(objective, starts=starts, customers=cohorts.customers)
        names = ("gamma", "delta", "c")
        weight = float(optimum.parameters[:2].sum())
        status = judge(cohorts, status_of(optimum, names, REMEDIES), weight=weight)
        model = cls(**dict(zip(names, map(float, optimum.parameters), strict=True)), unit=unit)
        return build_fit(model, names=names, optimum=optimum, loglik=optimum.value, n=cohorts.customers, status=status)

    def log_survival(self, t: Floats) -> Floats:
        """ln S(t), 1-d."""
        at = np.ascontiguousarray(t, dtype=np.float64)
        return kernel.log_survival(float(self.gamma), float(self.delta), float(self.c), at)
