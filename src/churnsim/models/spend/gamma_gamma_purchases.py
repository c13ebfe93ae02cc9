"""Gamma-Gamma fitted to single purchases, where the mean form sees each customer's mean only.
 Fader & Hardie (2013), "The Gamma-Gamma model of monetary value" (note 025) gives the density of a mean; here the
purchases z of a customer enter one by one: z ~ Gamma(p, rate nu), nu ~ Gamma(q, rate gamma). How much a customer's
own purchases vary then also tells p, which the means alone tell only through how they draw together as x grows.
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.logs.days import past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import DataError
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.spend.spend_likelihood import spend_likelihood

if TYPE_CHECKING:
    from churnsim.models.spend.gamma_gamma import GammaGamma

__all__ = ["likelihood_of_purchases"]

Floats = NDArray[np.float64]


def likelihood_of_purchases(
    family: type[GammaGamma], transactions: pd.DataFrame, *, until: str | date | None
) -> Likelihood[GammaGamma]:
    """The likelihood of the repeat purchases (days) with a positive amount, up to `until`; money in units of its
    mean. DataError where there is none."""
    log = purchase_days(transactions)
    end = log.last if until is None else past_day(until, name="until")
    used = (log.day <= end) & (log.order_number() > 1) & (log.spend() > 0)
    if not used.any():
        raise DataError(
            "no customer has a repeat purchase with a positive amount, so spend cannot be modelled. "
            "Check the amount column, or observe longer."
        )
    customer, amount = log.customer[used], log.spend()[used]
    scale = float(amount.mean())
    each = amount / scale
    count = np.bincount(customer)
    kept = count > 0
    total, logs = (np.bincount(customer, weights=values)[kept].astype(np.float64) for values in (each, np.log(each)))
    x = count[kept].astype(np.int64)
    return spend_likelihood(
        family, x=x, s=total, logs=logs, weight=np.ones(x.size), each=True, scale=scale,
        log_scale=-float(logs.sum()) - float(x.sum()) * math.log(scale),
    )  # fmt: skip
