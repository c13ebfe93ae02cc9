"""The likelihood of Gamma-Gamma, of customers' means or of their single purchases, for searches and samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.kernels.likelihoods import gamma_gamma as kernel
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.threads import Chunks

if TYPE_CHECKING:
    from churnsim.models.spend.gamma_gamma import GammaGamma

__all__ = ["REMEDIES", "spend_likelihood"]

Floats = NDArray[np.float64]

REMEDIES = (
    "Use the mean spend itself: customers differ too little (or too few are seen twice) to tell p, q and gamma apart."
)
# Starts (p, q), with the gamma that gives the mean: the first is CDNOW's, the others have customers or purchases
# differ more, or less.
STARTS = ((5.0, 4.0), (1.0, 2.0), (20.0, 10.0), (2.0, 1.2))


def spend_likelihood(
    family: type[GammaGamma],
    *,
    x: NDArray[np.int64],
    s: Floats,
    logs: Floats,
    weight: Floats,
    each: bool,
    scale: float,
    log_scale: float,
) -> Likelihood[GammaGamma]:
    """From each customer's number x and sum s of purchases, and `logs` as `kernel.sums` wants them; money in units of
    `scale`. `each` says that single purchases are modelled. `log_scale` as in `Likelihood`."""
    chunks = Chunks(x, s, logs, weight)
    place, counts = pd.factorize(x)
    customers = np.bincount(place, weights=weight).astype(np.float64)

    def objective(parameters: Floats) -> tuple[float, Floats]:
        p, q, gamma = parameters.tolist()
        result = kernel.objective(p, q, gamma, counts, customers, each, chunks.sum(kernel.sums, (gamma,)))
        return float(result[0]), result[1:]

    def hessian(parameters: Floats) -> Floats:
        p, q, gamma = parameters.tolist()
        return kernel.hessian(p, q, gamma, counts, customers, each, chunks.sum(kernel.sums, (gamma,)))

    return Likelihood(
        names=("p", "q", "gamma"),
        scales=np.array([1.0, 1.0, scale]),
        starts=[np.array([p, q, (q - 1) / p]) for p, q in STARTS],
        customers=float(customers.sum()),
        log_scale=log_scale,
        objective=objective,
        hessian=hessian,
        build=family.from_dict,
        remedies=REMEDIES,
    )
