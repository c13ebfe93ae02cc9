"""BG/NBD, and MBG/NBD with `first` and MBG/CNBD-k with stages too, where each customer has its own alpha and a: what
covariates need, and draws. See `bg_nbd.py` and `mbg_cnbd.py`; b is the model's own, but raised by one for MBG/NBD's
draws."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd import posterior_draw
from churnsim.kernels.likelihoods.mbg_cnbd import stages
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs
from churnsim.kernels.numerics.quantiles import beta_quantile, gamma_quantile
from churnsim.kernels.numerics.special import digamma
from churnsim.typing import Flags, Floats, Ints


@njit
def terms(alpha: Floats, a: Floats, x: Ints, t_x: Floats, T: Floats, r: float, b: float, first: bool, k: int) -> Floats:
    """Rows: log-likelihood (of k stages without the gaps' factor), and its slopes in r, ln alpha_i, ln a_i and b."""
    top = highest_count(x)
    rate, d_rate = rising_logs(r, k * top)
    at_first = b
    b = b + 1.0 if first else b
    stay, d_stay = rising_logs(b, top)
    out = np.empty((x.size, 5))
    for i in range(x.size):
        n, A = x[i], alpha[i]
        both = a[i] + b
        log_both = d_both = 0.0
        # No table serves (a_i + b)_n, whose start differs by row: its factors one by one where they are few.
        if n < 30:
            for j in range(n):
                log_both += math.log(both + j)
                d_both += 1.0 / (both + j)
        else:
            log_both = math.lgamma(both + n) - math.lgamma(both)
            d_both = digamma(both + n) - digamma(both)
        grown, late = math.log1p(T[i] / A), 1.0 / (A + T[i])
        R = r + k * n
        value = rate[k * n] + stay[n] - log_both - r * grown - k * n * math.log(A + T[i])
        slopes_r = d_rate[k * n] - grown
        # In ln alpha_i, so times alpha_i; nothing divides by alpha.
        slopes_alpha = r - R * A * late
        slopes_a = -a[i] * d_both
        slopes_b = d_stay[n] - d_both
        if first:  # not gone right after the first purchase
            value -= math.log1p(a[i] / at_first)
            slopes_a -= a[i] / (a[i] + at_first)
            slopes_b += a[i] / (at_first * (a[i] + at_first))
        if n > 0 or first:
            early = 1.0 / (A + t_x[i])
            silence = math.log1p((T[i] - t_x[i]) * early)
            odds = math.log(a[i] / (b + n - 1.0)) + R * silence
            # With one stage P is 1, and these stay 0.
            log_P = in_R = in_w = 0.0
            if k > 1:
                log_P, in_R, in_w = stages(R, (T[i] - t_x[i]) * late, k)
                odds -= log_P
                value += log_P
            small = math.exp(-abs(odds))
            gone = (1.0 if odds > 0.0 else small) / (1.0 + small)
            value += max(odds, 0.0) + math.log1p(small)
            if k > 1:  # dw/dalpha = -w/(alpha + T)
                slopes_r += in_R
                slopes_alpha -= (1.0 - gone) * in_w * A * late
            slopes_r += gone * (silence - in_R)
            slopes_alpha += gone * R * A * (late - early)
            slopes_a += gone
            slopes_b -= gone / (b + n - 1.0)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3], out[i, 4] = value, slopes_r, slopes_alpha, slopes_a, slopes_b
    return out


@njit
def p_alive(
    alpha: Floats, a: Floats, x: Ints, t_x: Floats, T: Floats, r: float, b: float, first: bool, k: int
) -> Floats:
    """P(alive at T | history) of each customer."""
    b = b + 1.0 if first else b
    out = np.ones(x.size)
    for i in range(x.size):
        if x[i] > 0 or first:
            R = r + k * x[i]
            odds = math.log(a[i] / (b + x[i] - 1.0)) + R * math.log1p((T[i] - t_x[i]) / (alpha[i] + t_x[i]))
            if k > 1:
                odds -= stages(R, (T[i] - t_x[i]) / (alpha[i] + T[i]), k)[0]
            out[i] = 1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0
    return out


@njit
def draw_histories(
    alpha: Floats, a: Floats, x: Ints, t_x: Floats, T: Floats, r: float, b: float,
    uids: Ints, replication: int, seed: int, domain: int, stream: int, first: bool,
) -> tuple[Floats, Flags]:  # fmt: skip
    """Posterior rows (rate, dropout), and who is alive; MBG/NBD with `first` and its b raised by one."""
    traits = np.empty((x.size, 2))
    alive = np.empty(x.size, np.bool_)
    for i in range(x.size):
        traits[i, 0], traits[i, 1], alive[i] = posterior_draw(
            r, alpha[i], a[i], b, x[i], t_x[i], T[i], first, uids[i], replication, seed, domain, stream
        )
    return traits, alive


@njit
def draw_population(
    alpha: Floats, a: Floats, r: float, b: float, replication: int, seed: int, domain: int, stream: int
) -> Floats:
    """Rows (rate, dropout) of new customers, one for each alpha_i; customer i's uid is i."""
    traits = np.empty((alpha.size, 2))
    for i in range(alpha.size):
        _, u_rate, u_dropout, _ = block(0, stream, i, replication, seed, domain)
        traits[i, 0] = gamma_quantile(u_rate, r) / alpha[i]
        traits[i, 1] = beta_quantile(u_dropout, a[i], b)
    return traits
