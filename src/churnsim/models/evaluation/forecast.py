"""How many purchases a base of customers will make, with both kinds of doubt: the estimates', and chance.

The expectation moves with the parameters' estimation error (drawn models); what customers then do varies about it. The
first does not shrink with the number of customers, the second does, relative to the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from churnsim.checks import check_kind
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import check_no_posterior
from churnsim.models.estimation.fit import ModelFit, check_fit
from churnsim.models.evaluation.predictive import draw_counts, variance_of_counts
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.statistics import tails

# Below so many customers the total is simulated; from there on it is taken to be normal about its expectation (the
# central limit; measured here on 472 customers of CDNOW with 400 draws: the ends of the two intervals differ by under
# 8% of the width, the draws' own noise included).
SIMULATE_BELOW = 500
DRAWS = 400


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Purchases of all customers together over `horizon` (in `unit`).

    Attributes
    ----------
    expected, expected_lower, expected_upper : float
        Purchases that the model expects, and the interval of the estimates' error alone.
    lower, upper : float
        Interval of the purchases that will happen, with chance.
    level : float
        Of both intervals.
    horizon : float
        Time units looked ahead.
    unit : str
        The time unit.
    customers : int
        How many customers.
    """

    expected: float
    expected_lower: float
    expected_upper: float
    lower: float
    upper: float
    level: float
    horizon: float
    unit: str
    customers: int

    def covers(self, actual: float) -> bool:
        """Whether what happened lies within `lower, upper`."""
        return self.lower <= actual <= self.upper


@in_kind
def forecast(
    fit: ModelFit[PurchaseModel],
    summary: CustomerFrame,
    *,
    horizon: float,
    seed: int,
    level: float = 0.95,
    draws: int | Sequence[Any] = DRAWS,
) -> Forecast:
    """Forecast the total of a base.

    `draws` is the number of models drawn from the estimates' asymptotic law, or the drawn models themselves (of a
    bootstrap or a posterior). Raises ConfigError for an impossible level, horizon or number of draws.

    Parameters
    ----------
    fit : ModelFit
        Of a purchase model.
    summary : DataFrame
        The customers.
    horizon : float
        Time units looked ahead, in the model's unit.
    seed : int
        Of the draws.
    level : float
        Of the intervals.
    draws : int or sequence of models
        How many parameter sets are drawn, or the drawn models themselves.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow())
    >>> outlook = forecast(cs.BGNBD.fit(summary), summary, horizon=26.0, seed=1, draws=50)
    >>> outlook.lower < outlook.expected_lower < outlook.expected < outlook.expected_upper < outlook.upper
    True
    """
    check_fit(fit, "fit")
    check_no_posterior(draws, "draws")
    check_kind(draws, "draws", (int, Sequence), "a number of draws or a list of models")
    low, high = tails(level)
    models = list(fit.draw_parameters(draws, seed=seed) if isinstance(draws, int) else draws)
    if len(models) < 20:
        raise ConfigError(f"a forecast's interval needs at least 20 draws; got {len(models)}.")
    expected = float(fit.model.expected_purchases(summary, horizon).sum())
    means = np.array([float(model.expected_purchases(summary, horizon).sum()) for model in models])
    if len(summary) < SIMULATE_BELOW:
        totals = np.array(
            [float(draw_counts(model, summary, horizon, seed=seed, replication=k).sum())
             for k, model in enumerate(models)]
        )  # fmt: skip
    else:
        # Customers are independent given the parameters, so their variances add up.
        spread = float(variance_of_counts(fit.model, summary, horizon).sum()) ** 0.5
        normals = np.random.Generator(np.random.Philox([seed, len(models)])).standard_normal((50, len(models)))
        totals = (means + spread * normals).ravel()
    expected_lower, expected_upper = map(float, np.quantile(means, (low, high)))
    lower, upper = map(float, np.quantile(totals, (low, high)))
    return Forecast(
        expected=expected, expected_lower=expected_lower, expected_upper=expected_upper, lower=max(lower, 0.0),
        upper=upper, level=level, horizon=float(horizon), unit=fit.model.unit, customers=len(summary),
    )  # fmt: skip
