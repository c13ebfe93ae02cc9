"""Gamma-Gamma fitted to single purchases, where the mean form sees each customer's mean only.
 Fader & Hardie (2013), "The Gamma-Gamma model of monetary value" (note 025) gives the density of a mean; here the
purchases z of a customer enter one by one: z ~ Gamma(p, rate nu), nu ~ Gamma(q, rate gamma). How much a customer's
own purchases vary then also tells p, which the means alone tell only through how they draw together as x grows.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.days import past_day
from churnsim.data.purchase_days import purchase_days
from churnsim.errors import DataError
from churnsim.kernels.gamma_gamma import objective_each
from churnsim.models.chunks import Chunks
from churnsim.models.likelihood import Likelihood

if TYPE_CHECKING:
    from churnsim.models.gamma_gamma import GammaGamma

__all__ = ["likelihood_of_purchases"]

Floats = NDArray[np.float64]


def likelihood_of_purchases(
    family: type[GammaGamma], transactions: pd.DataFrame, *, until: str | date | None, remedies: str
) -> Likelihood[GammaGamma]:
    """The likelihood of the repeat purchases (days) with a positive amount, up to `until`; money in units of its
    mean."""
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
    total, logs = (np.bincount(customer, weights=values)[kept] for values in (each, np.log(each)))
    x = count[kept].astype(np.int64)
    chunks = Chunks(x, total, logs, np.ones(x.size))

    def objective(parameters: Floats) -> tuple[float, Floats]:
        result = chunks.sum(objective_each, tuple(parameters))
        return float(result[0]), result[1:]

    return Likelihood(
        names=("p", "q", "gamma"),
        scales=np.array([1.0, 1.0, scale]),
        starts=[np.array([p, q, (q - 1) / p]) for p, q in ((5.0, 4.0), (1.0, 2.0), (20.0, 10.0), (2.0, 1.2))],
        customers=float(x.size),
        log_scale=-float(x.sum()) * float(np.log(scale)),
        objective=objective,
        build=family.from_dict,
        remedies=remedies,
    )
