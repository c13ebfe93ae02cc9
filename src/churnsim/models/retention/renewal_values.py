"""Endless values of customers who differ in their chance to leave: expected, and how far retention moves them.

Of theta ~ Beta(a, b): a customer with theta is there after t renewals with (1 - theta)^(t^c). With c = 1 both sums are
Gauss's 2F1 (Fader & Hardie 2010); otherwise the value is summed, and elasticities are integrated over theta on the
scale of y = logit theta, where the integrand is analytic in a strip of width pi: the trapezoid rule of step .25 is
exact to rounding there, as it is on the scale of the logarithm of a hazard.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.special import betaln, digamma, gammaln, log_expit, polygamma

from churnsim.errors import ConfigError
from churnsim.kernels.likelihoods import bdw, sbg
from churnsim.typing import Floats

STEP, REACH = 0.25, 40.0  # beyond this theta is 0 or 1 to rounding
LOGITS = np.arange(-REACH, REACH + STEP, STEP)
ALIKE = 8.0  # a and b from which logit theta lies within 20 of its standard deviations of .37 or less
DEVIATIONS = np.arange(-20.0, 20.0 + 0.5, 0.5)
ROWS = 1024  # customers worked out together
LEAVE, STAY = log_expit(LOGITS), log_expit(-LOGITS)  # ln theta and ln(1 - theta)


def derl_of(a: Floats, b: float, c: float, tenure: Floats, v: float) -> Floats:
    """Sum of v^(k-1) P(there after k more renewals) over k = 1, 2, ... for each a and tenure."""
    if c == 1.0:
        return np.asarray((b + tenure) / (a + b + tenure) * _endless(a, b + tenure + 1.0, v))
    _discounting(v)
    pairs = zip(a.ravel().tolist(), tenure.ravel().tolist(), strict=True)
    return np.array([bdw.discounted(x, b, c, t, v) for x, t in pairs], dtype=np.float64).reshape(tenure.shape)


def _discounting(v: float) -> None:
    if v == 1.0:
        raise ConfigError("this value without end needs a rate above 0: without one no sum is at hand.")


def derl_of_hazards(r: float, rate: Floats, v: float) -> Floats:
    """Sum of v^(k-1) e^(-hazard k) over k = 1, 2, ..., in the mean over hazards Gamma(r, each rate).

    1/(e^hazard - v), which is written as 1/(1 - v) less a part that vanishes with the hazard, however small r is.
    """
    _discounting(v)
    # In y = ln hazard: up to where the density has fallen by e^-80, down to where it has, or the part is nothing.
    step = min(STEP, 0.5 / np.sqrt(r))
    middle = np.log(r / rate)
    low = np.maximum(middle - 41.0 / r - np.sqrt(80.0 / r), np.minimum(middle, np.log1p(-v)) - REACH)
    count = np.ceil((middle + np.log1p(80.0 / r + 13.0 / np.sqrt(r)) - low) / step)
    found = np.empty(rate.size)
    for k in range(rate.size):
        y = low[k] + step * np.arange(count[k] + 1.0)
        hazard = np.exp(y)
        weight = step * np.exp(r * (y + np.log(rate[k])) - rate[k] * hazard - gammaln(r))
        with np.errstate(over="ignore"):
            part = 1.0 / (1.0 + (1.0 - v) / np.expm1(hazard))
        found[k] = (1.0 - float(weight @ part)) / (1.0 - v)
    return found


def _endless(a: Floats, b: Floats, v: float) -> Floats:
    """Sum of v^i B(a, b + i)/B(a, b) over i = 0, 1, ..."""
    if v == 1.0:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(a > 1.0, (a + b - 1.0) / (a - 1.0), np.inf)
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    return np.array([sbg.discounted_renewals(x, y, v) for x, y in pairs], dtype=np.float64).reshape(b.shape)


def elasticity_of(a: Floats, b: float, c: float, tenure: Floats, v: float) -> Floats:
    """Mean over theta given the tenure of a customer's own elasticity, for each a and tenure."""
    if c == 1.0:
        return _endless(a, b + tenure, v)
    _discounting(v)
    flat, place = np.unique(tenure.ravel(), return_inverse=True)
    out, own = np.empty(tenure.size), a.ravel()
    for number, t in enumerate(flat.tolist()):
        rows, later = np.flatnonzero(place.ravel() == number), b + t**c
        elasticities = bdw.own_elasticities(STAY, c, t, v)
        alike = (own[rows] >= ALIKE) & (later >= ALIKE)
        out[rows[alike]] = _mean_of_alike(own[rows[alike]], later, elasticities)
        out[rows[~alike]] = _mean(own[rows[~alike]], later, elasticities, most=1.0 / (1.0 - v))
    return out.reshape(tenure.shape)


def _mean(a: Floats, b: float, elasticities: Floats, *, most: float) -> Floats:
    """Mean over Beta(a, b), for each a, of elasticities known on the grid: `most` where theta is 0, 1 where it is 1."""
    # Less a straight line between the two ends, so that nothing is left where the grid ends.
    curved = elasticities - (most + (1.0 - most) * np.exp(LEAVE))
    line = most + (1.0 - most) * a / (a + b)
    parts = [
        np.exp(part[:, None] * LEAVE + b * STAY - betaln(part[:, None], b)) @ curved
        for part in np.array_split(a, a.size // ROWS + 1)
    ]
    return np.asarray(line + STEP * np.concatenate(parts))


def _mean_of_alike(a: Floats, b: float, elasticities: Floats) -> Floats:
    """The same where customers are nearly alike and theta has its own, narrower grid; between the grid's points the
    elasticities are a spline's, which the width of their strip makes good to 1e-9."""
    between = make_interp_spline(LOGITS, elasticities, k=7)
    means = []
    for part in np.array_split(a, a.size // ROWS + 1):
        middle, spread = digamma(part) - digamma(b), np.sqrt(polygamma(1, part) + polygamma(1, b))
        y = np.clip(middle[:, None] + spread[:, None] * DEVIATIONS, -REACH, REACH)
        log_weight = part[:, None] * log_expit(y) + b * log_expit(-y)
        weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
        means.append((weight * between(y)).sum(axis=1) / weight.sum(axis=1))
    return np.concatenate(means)
