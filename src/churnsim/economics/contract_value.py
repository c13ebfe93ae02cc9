"""Residual value and retention elasticity of a contractual base whose customers differ.

Fader & Hardie (2010), "Customer-base valuation in a contractual setting: the perils of ignoring heterogeneity",
Marketing Science 29(1), 85-93. A customer in the n-th contract period (n - 1 renewals made) about to decide on the
next one is worth

    DERL = sum over t >= n of S(t) / S(n - 1) * v^(t - n)

margins. Churn probabilities are Beta(alpha, beta) at the start and Beta(alpha, beta + n - 1) among those still
there. For a customer with retention rho = 1 - theta DERL is rho (1+d)/(1+d-rho), its elasticity to rho (1+d)/(1+d-rho).
"""

from __future__ import annotations

import math

from churnsim.checks import check_count
from churnsim.economics.multiples import discount_factor
from churnsim.economics.survival_curves import BetaGeometric, CustomerLife


def renewed(mix: BetaGeometric, *, renewals: int) -> BetaGeometric:
    """The mix among those who have renewed that often: Beta(alpha, beta + renewals)."""
    check_count(renewals, "renewals", least=0)
    return BetaGeometric.from_parameters(alpha=mix.alpha, beta=mix.beta + renewals)


def derl(life: CustomerLife, *, discount_rate: float, renewals: int = 0) -> float:
    """Discounted expected residual lifetime, in margins, of a customer with `renewals` made who is about to decide."""
    before = life.survival(renewals)
    if before == 0.0:
        return math.nan
    return life.tail(renewals + 1, weight=discount_factor(discount_rate)) / before


def mean_elasticity(mix: BetaGeometric, *, discount_rate: float, renewals: int = 0) -> float:
    """Mean over those left of each customer's own elasticity of residual value to its retention, (1+d)/(1+d-rho).

    (1+d)/(1+d-rho) is the sum of (rho v)^k, so its mean is the immediate multiple of the mix of those left.
    """
    return renewed(mix, renewals=renewals).tail(0, weight=discount_factor(discount_rate))


def elasticity_of_mean(mix: BetaGeometric, *, discount_rate: float, renewals: int = 0) -> float:
    """Elasticity of the mean residual value when every customer's retention rises by the same percentage.

    The value-weighted mean of the individual elasticities, E[DERL * e] / E[DERL], with DERL * e =
    rho (1+d)^2/(1+d-rho)^2: sum over k >= 1 of k rho^k v^(k-1). Higher than the plain mean, because those who
    stay longest are worth most and most elastic.
    """
    left = renewed(mix, renewals=renewals)
    v = discount_factor(discount_rate)
    # sum_k k S(k) v^(k-1) = sum over j >= 1 of v^(j-1) * tail(j): each tail counts its terms once more.
    total, weight, j = 0.0, 1.0, 1
    while True:
        term = weight * left.tail(j, weight=v)
        total += term
        if term < 1e-13 * total or j > 20_000:
            break
        weight *= v
        j += 1
    return total / derl(left, discount_rate=discount_rate)
