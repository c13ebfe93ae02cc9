"""BG/NBD and MBG/NBD: log-likelihood with its derivatives, P(alive), exact posterior draws, one customer at a time.

Fader, Hardie & Lee (2005), "Counting your customers the easy way", Marketing Science 24(2), 275-284. With purchase rate
lambda ~ Gamma(r, rate alpha) and, after each repeat purchase, dropout with p ~ Beta(a, b), a customer with x repeat
purchases, the last at t_x, observed to T has (their eq. 6)

    L = prod_{j<x} (r + j)(b + j)/(a + b + j) . alpha^r
        . [ (alpha + T)^-(r+x) + 1{x>0} a/(b + x - 1) (alpha + t_x)^-(r+x) ]

The paper prints gamma and beta functions, which enter only through ratios at the whole number x: Gamma(r+x)/Gamma(r)
and B(a, b+x)/B(a, b) are the products, and B(a+1, b+x-1)/B(a, b+x) = a/(b+x-1). So their logarithms are sums, tabulated
once per evaluation for x = 0 ... max x: no log-gamma a customer, and no cancellation at any size of x.

The bracket is (alpha + T)^-(r+x) (1 + e^o), with o the log-odds of being gone, so that its logarithm neither overflows
nor vanishes where a power would; a fit's time is in units of the mean T (`models/purchase/fit_data.py`).

In MBG/NBD dropout may also follow the first purchase (Batislam, Denizel & Filiztekin 2007). Its likelihood is b/(a+b)
times the above with b + 1 in place of b and without the condition x > 0; here the caller passes b + 1 and `first`.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs, rising_squares
from churnsim.kernels.numerics.quantiles import beta_quantile, gamma_quantile
from churnsim.typing import Floats, Ints


@njit
def _log_gone_over_alive(r: float, alpha: float, a: float, b: float, x: int, t_x: float, T: float) -> float:
    """ln of the odds that a customer who could have dropped out is gone: a/(b+x-1) ((alpha+T)/(alpha+t_x))^(r+x)."""
    # By log1p: for a recent purchase the ratio is so near 1 that its logarithm would lose digits.
    return math.log(a / (b + x - 1.0)) + (r + x) * math.log1p((T - t_x) / (alpha + t_x))


@njit
def _log_one_plus_exp(y: float) -> float:
    # The larger exponent is taken out, so that none overflows.
    return y + math.log1p(math.exp(-y)) if y > 0.0 else math.log1p(math.exp(y))


@njit
def _odds_by_count(a: float, b: float, top: int, first: bool) -> tuple[Floats, Floats]:
    """b + x - 1 and ln(a/(b + x - 1)) for x = 0 ... top; the first is a placeholder where no dropout can precede it."""
    last = np.empty(top + 1)
    log_odds = np.empty(top + 1)
    for n in range(top + 1):
        last[n] = b + n - 1.0 if n > 0 or first else b
        log_odds[n] = math.log(a) - math.log(last[n])
    return last, log_odds


@njit
def log_likelihood(r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, first: bool) -> Floats:
    """Log-likelihood of each customer, in the data's own time unit."""
    top = highest_count(x)
    rate, _ = rising_logs(r, top)
    stay, _ = rising_logs(b, top)
    both, _ = rising_logs(a + b, top)
    out = np.empty(x.size)
    for i in range(x.size):
        n = x[i]
        value = rate[n] + stay[n] - both[n] + r * math.log(alpha) - (r + n) * math.log(alpha + T[i])
        if n > 0 or first:
            value += _log_one_plus_exp(_log_gone_over_alive(r, alpha, a, b, n, t_x[i], T[i]))
        out[i] = value
    return out


@njit
def objective(
    r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, weight: Floats, first: bool
) -> Floats:
    """Weighted log-likelihood and its gradient in (r, alpha, a, b), as an array of five.

    Summed in blocks of 1,024 customers, so that the rounding error of a million rows stays far below what a line
    search sees.
    """
    top = highest_count(x)
    rate, d_rate = rising_logs(r, top)
    stay, d_stay = rising_logs(b, top)
    both, d_both = rising_logs(a + b, top)
    last, log_odds = _odds_by_count(a, b, top, first)
    log_alpha = math.log(alpha)
    total = np.zeros(5)
    for start in range(0, x.size, 1024):
        total_value = total_r = total_alpha = total_a = total_b = 0.0
        for i in range(start, min(start + 1024, x.size)):
            n, w = x[i], weight[i]
            late = 1.0 / (alpha + T[i])
            log_T = math.log(alpha + T[i])
            value = rate[n] + stay[n] - both[n] + r * log_alpha - (r + n) * log_T
            g_r = d_rate[n] + log_alpha - log_T
            g_alpha = r / alpha - (r + n) * late
            g_a = -d_both[n]
            g_b = d_stay[n] - d_both[n]
            if n > 0 or first:
                # As in _log_gone_over_alive, with every logarithm taken once: their difference is off by 1e-16, which
                # does not show in the sum.
                early = 1.0 / (alpha + t_x[i])
                silence = log_T - math.log(alpha + t_x[i])
                odds = log_odds[n] + (r + n) * silence
                # ln(1 + e^o) and its slope g = e^o/(1 + e^o), the chance of being gone, by e^-|o|: no overflow.
                smaller = math.exp(-abs(odds))
                value += max(odds, 0.0) + math.log(1.0 + smaller)
                gone = (1.0 if odds > 0.0 else smaller) / (1.0 + smaller)
                g_r += gone * silence
                g_alpha += gone * (r + n) * (late - early)
                g_a += gone / a
                g_b -= gone / last[n]
            total_value += w * value
            total_r += w * g_r
            total_alpha += w * g_alpha
            total_a += w * g_a
            total_b += w * g_b
        total[0] += total_value
        total[1] += total_r
        total[2] += total_alpha
        total[3] += total_a
        total[4] += total_b
    return total


@njit
def hessian(
    r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, weight: Floats, first: bool
) -> Floats:
    """Second derivatives of the weighted log-likelihood in (r, alpha, a, b), a symmetric 4 x 4 array.

    With g the chance of being gone and o the log-odds of it, the last term ln(1 + e^o) of the likelihood adds
    g o'' + g (1 - g) o' o'^T.
    """
    top = highest_count(x)
    of_rate, of_stay, of_both = rising_squares(r, top), rising_squares(b, top), rising_squares(a + b, top)
    last, log_odds = _odds_by_count(a, b, top, first)
    rr = ra = rd = rb = aa = ad = ab = dd = db = bb = 0.0  # pairs of r, alpha (a), the dropout's a (d) and b
    for i in range(x.size):
        n, w = x[i], weight[i]
        late = 1.0 / (alpha + T[i])
        # Rising factorials and powers of alpha + T: of everybody.
        rr -= w * of_rate[n]
        ra += w * (1.0 / alpha - late)
        aa += w * ((r + n) * late * late - r / (alpha * alpha))
        dd += w * of_both[n]
        db += w * of_both[n]
        bb += w * (of_both[n] - of_stay[n])
        if n > 0 or first:
            early = 1.0 / (alpha + t_x[i])
            # o' = (by_r, by_alpha, 1/a, by_b); `gone` is w g and `unsure` w g (1 - g).
            by_r = math.log((alpha + T[i]) * early)
            by_alpha = (r + n) * (late - early)
            by_b = -1.0 / last[n]
            odds = log_odds[n] + (r + n) * by_r
            smaller = math.exp(-abs(odds))
            gone = w * (1.0 if odds > 0.0 else smaller) / (1.0 + smaller)
            unsure = w * smaller / ((1.0 + smaller) * (1.0 + smaller))
            # g (1 - g) o' o'^T, and g o'' where the odds are curved.
            rr += unsure * by_r * by_r
            ra += unsure * by_r * by_alpha + gone * (late - early)
            rd += unsure * by_r / a
            rb += unsure * by_r * by_b
            aa += unsure * by_alpha * by_alpha + gone * (r + n) * (early * early - late * late)
            ad += unsure * by_alpha / a
            ab += unsure * by_alpha * by_b
            dd += (unsure - gone) / (a * a)
            db += unsure * by_b / a
            bb += (unsure + gone) * by_b * by_b
    return np.array([[rr, ra, rd, rb], [ra, aa, ad, ab], [rd, ad, dd, db], [rb, ab, db, bb]])


@njit
def p_alive(r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, first: bool) -> Floats:
    """P(alive at T | x, t_x, T); in BG/NBD 1 where there is no repeat purchase (Fader, Hardie & Lee 2008, note 021)."""
    out = np.ones(x.size)
    for i in range(x.size):
        if x[i] > 0 or first:
            odds = _log_gone_over_alive(r, alpha, a, b, x[i], t_x[i], T[i])
            # exp overflows above 709; there the 1 counts for nothing beside it.
            out[i] = 1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else math.exp(-odds)
    return out


@njit
def living_share(r: float, alpha: float, a: float, b: float, x: int, t_x: float, T: float, first: bool) -> float:
    """`p_alive` of one customer, as draws take it."""
    if x == 0 and not first:
        return 1.0
    return math.exp(-_log_one_plus_exp(_log_gone_over_alive(r, alpha, a, b, x, t_x, T)))


@njit
def posterior_draw(
    r: float, alpha: float, a: float, b: float, x: int, t_x: float, T: float,
    first: bool, uid: int, replication: int, seed: int, domain: int, stream: int,
) -> tuple[float, float, bool]:  # fmt: skip
    """One exact draw of (lambda, p, alive) given the customer's history.

    The likelihood given (lambda, p) is (1-p)^x lambda^x e^(-lambda T) + 1{x>0} p (1-p)^(x-1) lambda^x e^(-lambda
    t_x), so the posterior is a mixture: alive with P(alive), then Gamma(r+x, alpha+T) x Beta(a, b+x); gone, then
    Gamma(r+x, alpha+t_x) x Beta(a+1, b+x-1).
    """
    u_alive, u_rate, u_dropout, _ = block(0, stream, uid, replication, seed, domain)
    if u_alive < living_share(r, alpha, a, b, x, t_x, T, first):
        return gamma_quantile(u_rate, r + x) / (alpha + T), beta_quantile(u_dropout, a, b + x), True
    return gamma_quantile(u_rate, r + x) / (alpha + t_x), beta_quantile(u_dropout, a + 1.0, b + x - 1.0), False
