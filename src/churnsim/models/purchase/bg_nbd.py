"""BG/NBD: repeat buying with dropout after a repeat purchase.

Fader, Hardie & Lee (2005), "'Counting your customers' the easy way: an alternative to the Pareto/NBD model",
Marketing Science 24(2), 275-284. While alive a customer buys as a Poisson process at rate lambda; after each repeat
purchase it drops out with probability p; lambda ~ Gamma(r, rate alpha) and p ~ Beta(a, b), independently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
from numpy.typing import ArrayLike

from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.beta_dropout import BetaDropout

__all__ = ["BGNBD"]


@dataclass(frozen=True, kw_only=True)
class BGNBD(BetaDropout):
    """A BG/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, `a` and `b` of the dropout
    probability, and the `unit` of time ("D", "W", "M", "Y"). Raises ConfigError unless all are finite and above 0.

    A customer without a repeat purchase is alive for certain, since dropout follows one.
    """

    r: float
    alpha: float
    a: float
    b: float
    unit: str = "W"

    family: ClassVar[str] = "bg_nbd"
    drops_at_first: ClassVar[bool] = False

    @classmethod
    def fit(
        cls,
        summary: pd.DataFrame,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        covariates_rate: Sequence[str] = (),
        covariates_lifetime: Sequence[str] = (),
        penalty: float = 0.0,
    ) -> ModelFit[Any]:
        """Maximum likelihood (see `BuyTillYouDie.fit`); with covariates the fit's model is a `BGNBDCovariates`, whose
        `fit` says what the last three arguments are."""
        if not covariates_rate and not covariates_lifetime:
            return super().fit(summary, unit=unit, weights=weights)
        from churnsim.models.purchase.bg_nbd_covariates import BGNBDCovariates

        return BGNBDCovariates.fit(
            summary, unit=unit, weights=weights, covariates_rate=covariates_rate,
            covariates_lifetime=covariates_lifetime, penalty=penalty,
        )  # fmt: skip
