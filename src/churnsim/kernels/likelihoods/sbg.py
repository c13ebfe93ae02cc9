"""Shifted beta-geometric (sBG): log-likelihood with its gradient, and discounted renewals.

Fader & Hardie (2007), "How to project customer retention", Journal of Interactive Marketing 21(1), 76-90. A customer
leaves at each renewal with its own probability theta ~ Beta(alpha, beta), so that (their eq. 5 and 6)

    S(t) = B(alpha, beta + t) / B(alpha, beta) = prod_{i<t} (beta + i)/(alpha + beta + i)
    P(T = t) = S(t - 1) alpha / (alpha + beta + t - 1)

Only ratios at whole numbers t enter, so there is no gamma function anywhere and nothing cancels. Customers come in
patterns (one set of covariates each): rows `first[g] ... first[g + 1]` belong to pattern g, in ascending t >= 1, with
`lost` customers who left at t and a net number `kept` of factors S(t): those still there at t, less those who
entered the observation at t (left truncation divides by S(entry)).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats, Ints


@njit
def objective(alpha: Floats, beta: Floats, first: Ints, t: Ints, lost: Floats, kept: Floats) -> Floats:
    """Log-likelihood and its derivatives, shape (1 + 2 G): the sum, then d/d alpha and d/d beta of each pattern."""
    groups = alpha.size
    out = np.zeros(1 + 2 * groups)
    for g in range(groups):
        a, b = alpha[g], beta[g]
        done = 0
        log_s = d_a = d_b = 0.0  # ln S(done) and its derivatives
        value = slope_a = slope_b = 0.0
        for row in range(first[g], first[g + 1]):
            # S at t - 1, which those who left at t have survived.
            while done < t[row] - 1:
                both, stay = a + b + done, b + done
                log_s += math.log(stay / both)
                d_a -= 1.0 / both
                d_b += 1.0 / stay - 1.0 / both
                done += 1
            if lost[row] != 0.0:
                both = a + b + t[row] - 1.0
                value += lost[row] * (log_s + math.log(a / both))
                slope_a += lost[row] * (d_a + 1.0 / a - 1.0 / both)
                slope_b += lost[row] * (d_b - 1.0 / both)
            both, stay = a + b + done, b + done
            log_s += math.log(stay / both)
            d_a -= 1.0 / both
            d_b += 1.0 / stay - 1.0 / both
            done += 1
            # Now S at t, for those still there; `kept` is negative where more entered than stayed.
            value += kept[row] * log_s
            slope_a += kept[row] * d_a
            slope_b += kept[row] * d_b
        out[0] += value
        out[1 + g] = slope_a
        out[1 + groups + g] = slope_b
    return out


@njit
def hessian(alpha: float, beta: float, t: Ints, lost: Floats, kept: Floats) -> Floats:
    """Second derivatives, shape (2, 2), of the log-likelihood of customers who make one pattern (see `objective`)."""
    done = 0
    both = stay = 0.0  # of ln S(done): 1/(alpha + beta + i)^2 and 1/(beta + i)^2 over i < done
    common = own = leaving = 0.0
    for row in range(t.size):
        while done < t[row]:
            if done == t[row] - 1:  # S at t - 1, which those who left at t have survived; then S at t
                common += lost[row] * (both + (alpha + beta + done) ** -2.0)
                own += lost[row] * stay
                leaving += lost[row]
            both += (alpha + beta + done) ** -2.0
            stay += (beta + done) ** -2.0
            done += 1
        common += kept[row] * both
        own += kept[row] * stay
    return np.array([[common - leaving / alpha**2, common], [common, common - own]])


@njit
def log_survival(alpha: float, beta: float, t: Floats) -> Floats:
    """ln S(t) for t >= 0: at whole t by the product, between them by the beta functions' own interpolation."""
    out = np.empty(t.size)
    for i in range(t.size):
        # By its factors where that is affordable: the four log-gammas cancel where customers are nearly alike.
        if t[i] == math.floor(t[i]) and t[i] < 5000.0:
            total = 0.0
            for j in range(int(t[i])):
                total += math.log((beta + j) / (alpha + beta + j))
            out[i] = total
        else:
            out[i] = (
                math.lgamma(beta + t[i])
                - math.lgamma(alpha + beta + t[i])
                - math.lgamma(beta)
                + math.lgamma(alpha + beta)
            )
    return out


@njit
def _partial_numerator(alpha: float, beta: float, step: int) -> float:
    """k_1, k_2, ... of the continued fraction in `discounted_renewals`."""
    c, n = alpha + beta - 1.0, step // 2
    if step == 1:
        return beta / (c + 1.0)
    if step % 2 == 1:
        return (beta + n) * (c + n) / ((c + 2 * n) * (c + 2 * n + 1.0))
    return n * (alpha - 1.0 + n) / ((c + 2 * n - 1.0) * (c + 2 * n))


@njit
def discounted_renewals(alpha: float, beta: float, weight: float) -> float:
    """Sum of w^i B(alpha, beta + i)/B(alpha, beta) over i >= 0, for 0 <= w < 1, which is 2F1(1, beta; alpha + beta; w).

    Gauss's continued fraction 1/(1 - k_1 w/(1 - k_2 w/(1 - ...))), DLMF 15.7, with all k positive. It stays exact where
    a library's 2F1 fails: customers nearly alike, alpha + beta in the millions. The modified Lentz method says how deep
    to begin, some 20/sqrt(1 - w) steps; worked out from there upwards no rounding adds up.
    """
    upper = 1.0
    lower = 0.0
    change = before = math.inf
    depth = 1
    while depth < 1_000_000:
        part = _partial_numerator(alpha, beta, depth) * weight
        lower = 1.0 / (1.0 - part * lower)
        upper = 1.0 - part / upper
        earlier, before, change = before, change, abs(upper * lower - 1.0)
        # Factors that no longer fall are rounding, some 1e-15 of it. Odd and even steps differ in size.
        if change < 1e-15 or (change < 1e-12 and change >= earlier):
            break
        depth += 1
    rest = 1.0
    for step in range(depth, 0, -1):
        rest = 1.0 - _partial_numerator(alpha, beta, step) * weight / rest
    return 1.0 / rest
