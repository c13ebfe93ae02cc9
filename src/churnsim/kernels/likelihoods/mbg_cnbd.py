"""MBG/CNBD-k: log-likelihood with gradient, P(alive) and exact posterior draws, one customer at a time.

Platzer & Reutterer (2016), "Ticking away the moments: timing regularity helps to better predict customer activity",
Marketing Science 35(5), 779-799, and their BTYDplus. Between two purchases lie k exponential stages of rate lambda ~
Gamma(r, alpha), so gaps are Erlang-k; after each purchase, the first one too, the customer leaves with probability p ~
Beta(a, b). With R = r + k x, w = (T - t_x)/(alpha + T) and P = sum_{j<k} (R)_j w^j/j! (the stages passed since t_x)

    L = (r)_{kx} . (b)_{x+1}/(a+b)_{x+1} . alpha^r [ (alpha + T)^-R P + a/(b + x) (alpha + t_x)^-R ]
        . prod gap^(k-1)/Gamma(k)

of which the last product, over the x gaps, does not depend on the parameters and is left to the caller.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs
from churnsim.kernels.numerics.quantiles import beta_quantile, gamma_quantile
from churnsim.typing import Flags, Floats, Ints


@njit
def stages(R: float, w: float, k: int) -> tuple[float, float, float]:
    """ln P and its slopes in R, and in ln w. No term is negative."""
    term = total = 1.0
    in_R = in_w = 0.0
    harmonic = 0.0
    for j in range(1, k):
        # (R)_j w^j/j! from the one before; its logarithm has the slope sum 1/(R + i) in R and j in ln w.
        term *= (R + j - 1.0) * w / j
        harmonic += 1.0 / (R + j - 1.0)
        total += term
        in_R += term * harmonic
        in_w += term * j
    return math.log(total), in_R / total, in_w / total


@njit
def _log_odds(R: float, alpha: float, a: float, b: float, x: int, t_x: float, T: float, k: int) -> float:
    """ln of the odds that a customer is gone."""
    log_P, _, _ = stages(R, (T - t_x) / (alpha + T), k)
    return math.log(a / (b + x)) + R * math.log1p((T - t_x) / (alpha + t_x)) - log_P


@njit
def log_likelihood(r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, k: int) -> Floats:
    """Log-likelihood of each customer but for the gaps' own factor, in the data's own time unit."""
    top = highest_count(x)
    rate, _ = rising_logs(r, k * top)
    stay, _ = rising_logs(b, top + 1)
    both, _ = rising_logs(a + b, top + 1)
    out = np.empty(x.size)
    for i in range(x.size):
        n = x[i]
        R = r + k * n
        log_P, _, _ = stages(R, (T[i] - t_x[i]) / (alpha + T[i]), k)
        odds = _log_odds(R, alpha, a, b, n, t_x[i], T[i], k)
        out[i] = (
            rate[k * n] + stay[n + 1] - both[n + 1] - r * math.log1p(T[i] / alpha) - k * n * math.log(alpha + T[i])
            # ln((alpha + T)^-R P) is the living's term; ln(1 + e^odds) adds those gone, as in `bg_nbd.py`.
            + log_P + max(odds, 0.0) + math.log1p(math.exp(-abs(odds)))
        )  # fmt: skip
    return out


@njit
def objective(
    r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, weight: Floats, k: int
) -> Floats:
    """Weighted log-likelihood (without the gaps' factor) and its gradient in (r, alpha, a, b), summed in blocks."""
    top = highest_count(x)
    rate, d_rate = rising_logs(r, k * top)
    stay, d_stay = rising_logs(b, top + 1)
    both, d_both = rising_logs(a + b, top + 1)
    total = np.zeros(5)
    part = np.zeros(5)
    for i in range(x.size):
        n, w = x[i], weight[i]
        R = r + k * n
        late, early = 1.0 / (alpha + T[i]), 1.0 / (alpha + t_x[i])
        log_P, in_R, in_w = stages(R, (T[i] - t_x[i]) * late, k)
        silence = math.log1p((T[i] - t_x[i]) * early)
        odds = math.log(a / (b + n)) + R * silence - log_P
        small = math.exp(-abs(odds))
        gone = (1.0 if odds > 0.0 else small) / (1.0 + small)
        grown = math.log1p(T[i] / alpha)
        part[0] += w * (
            rate[k * n] + stay[n + 1] - both[n + 1] - r * grown - k * n * math.log(alpha + T[i])
            + log_P + max(odds, 0.0) + math.log1p(small)
        )  # fmt: skip
        # dw/dalpha = -w/(alpha + T).
        part[1] += w * (d_rate[k * n] - grown + in_R + gone * (silence - in_R))
        part[2] += w * (r / alpha - R * late - in_w * late + gone * (R * (late - early) + in_w * late))
        part[3] += w * (gone / a - d_both[n + 1])
        part[4] += w * (d_stay[n + 1] - d_both[n + 1] - gone / (b + n))
        if i % 1024 == 1023:
            total += part
            part[:] = 0.0
    return total + part


@njit
def p_alive(r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, k: int) -> Floats:
    """P(alive at T | x, t_x, T)."""
    out = np.empty(x.size)
    for i in range(x.size):
        odds = _log_odds(r + k * x[i], alpha, a, b, x[i], t_x[i], T[i], k)
        out[i] = 1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0
    return out


@njit
def draw_histories(
    alpha: Floats, a: Floats, x: Ints, t_x: Floats, T: Floats, r: float, b: float,
    uids: Ints, replication: int, seed: int, domain: int, stream: int, k: int,
) -> tuple[Floats, Flags]:  # fmt: skip
    """One exact draw of (lambda, p, stages passed since the last purchase) and of who is alive, given each history.

    Gone: Gamma(R, alpha + t_x) x Beta(a + 1, b + x). Alive: j stages with the weights of P's terms, then Gamma(R + j,
    alpha + T) x Beta(a, b + x + 1).
    """
    traits = np.zeros((x.size, 3))
    alive = np.empty(x.size, np.bool_)
    for i in range(x.size):
        u_alive, u_rate, u_dropout, _ = block(0, stream, uids[i], replication, seed, domain)
        R = r + k * x[i]
        odds = _log_odds(R, alpha[i], a[i], b, x[i], t_x[i], T[i], k)
        alive[i] = u_alive < (1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0)
        if not alive[i]:
            traits[i, 0] = gamma_quantile(u_rate, R) / (alpha[i] + t_x[i])
            traits[i, 1] = beta_quantile(u_dropout, a[i] + 1.0, b + x[i])
            continue
        u_stage, _, _, _ = block(2, stream, uids[i], replication, seed, domain)
        w = (T[i] - t_x[i]) / (alpha[i] + T[i])
        log_P, _, _ = stages(R, w, k)
        # The stage by inversion: the terms of P are its weights.
        target = u_stage * math.exp(log_P)
        term = below = 1.0
        j = 0
        while j < k - 1 and below < target:
            term *= (R + j) * w / (j + 1.0)
            below += term
            j += 1
        traits[i, 0] = gamma_quantile(u_rate, R + j) / (alpha[i] + T[i])
        traits[i, 1] = beta_quantile(u_dropout, a[i], b + x[i] + 1.0)
        traits[i, 2] = j
    return traits, alive
