"""BG/BB: log-likelihood with gradient, P(alive) and exact posterior draws, one customer at a time.

Fader, Hardie & Shang (2010), "Customer-base analysis in a discrete-time noncontractual setting", Marketing Science
29(6), 1086-1108. At each opportunity a customer first leaves for good with probability theta ~ Beta(gamma, delta),
and if it has not, buys with probability p ~ Beta(alpha, beta). With x purchases, the last at opportunity t_x, out of
n:

    L = B(alpha+x, beta+n-x)/B(alpha, beta) . B(gamma, delta+n)/B(gamma, delta)
        + sum_{i=0}^{n-t_x-1} B(alpha+x, beta+t_x-x+i)/B(alpha, beta) . B(gamma+1, delta+t_x+i)/B(gamma, delta)

Every ratio of beta functions is one of rising factorials at whole numbers, so sums of logarithms, tabulated once. Alive
means, as in the paper: at the next opportunity, n + 1.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs
from churnsim.kernels.numerics.quantiles import beta_quantile
from churnsim.typing import Flags, Floats, Ints


@njit
def log_terms(alpha: float, beta: float, gamma: float, delta: float, x: int, t_x: int, n: int) -> Floats:
    """ln of the terms of L over a common factor: "alive at n + 1", then "left before opportunity t_x + i + 1".

    The common factor is that of the opportunities up to t_x, (alpha)_x (beta)_{t_x - x}/(alpha + beta)_{t_x} .
    (delta)_{t_x}/(gamma + delta)_{t_x}.
    """
    out = np.empty(n - t_x + 2)
    so_far = 0.0
    for i in range(n - t_x + 1):
        last = t_x + i
        out[1 + i] = so_far + math.log(gamma / (gamma + delta + last))
        # No purchase at opportunity `last` + 1, if there is one; whether it stays is asked up to n + 1.
        if i < n - t_x:
            so_far += math.log((beta + last - x) / (alpha + beta + last))
        so_far += math.log((delta + last) / (gamma + delta + last))
    out[0] = so_far
    return out


@njit
def _log_sum(terms: Floats) -> float:
    # The largest is taken out, so that the sum neither overflows nor vanishes.
    top = terms[0]
    for term in terms:  # numpy's own maximum, which looks for NaN, takes half a second to compile
        top = max(top, term)
    total = 0.0
    for term in terms:
        total += math.exp(term - top)
    return float(top + math.log(total))


@njit
def log_likelihood(
    alpha: float, beta: float, gamma: float, delta: float, x: Ints, t_x: Ints, n: Ints
) -> tuple[Floats, Floats]:
    """Log-likelihood of each customer, and ln of P(alive at the next opportunity | history)."""
    top = highest_count(n)
    buy, _ = rising_logs(alpha, top)
    skip, _ = rising_logs(beta, top)
    either, _ = rising_logs(alpha + beta, top)
    stay, _ = rising_logs(delta, top)
    toss, _ = rising_logs(gamma + delta, top)
    value = np.empty(x.size)
    alive = np.empty(x.size)
    for i in range(x.size):
        terms = log_terms(alpha, beta, gamma, delta, x[i], t_x[i], n[i])
        total = _log_sum(terms)
        common = buy[x[i]] + skip[t_x[i] - x[i]] - either[t_x[i]] + stay[t_x[i]] - toss[t_x[i]]
        value[i] = common + total
        alive[i] = terms[0] - total
    return value, alive


@njit
def objective(
    alpha: float, beta: float, gamma: float, delta: float, x: Ints, t_x: Ints, n: Ints, weight: Floats
) -> Floats:
    """Weighted log-likelihood and its gradient in (alpha, beta, gamma, delta), as an array of five."""
    top = highest_count(n) + 1 if n.size else 0  # the term "alive" asks about opportunity n + 1
    buy, d_buy = rising_logs(alpha, top)
    skip, d_skip = rising_logs(beta, top)
    either, d_either = rising_logs(alpha + beta, top)
    stay, d_stay = rising_logs(delta, top)
    toss, d_toss = rising_logs(gamma + delta, top)
    total = np.zeros(5)
    for i in range(x.size):
        a, b, w = x[i], t_x[i], weight[i]
        terms = log_terms(alpha, beta, gamma, delta, a, b, n[i])
        value = _log_sum(terms)
        total[0] += w * (buy[a] + skip[b - a] - either[b] + stay[b] - toss[b] + value)
        total[1] += w * d_buy[a]
        for j in range(terms.size):
            # A slope of ln L is the mean of the terms' slopes, weighted by the posterior of when it left.
            share = w * math.exp(terms[j] - value)
            # The last opportunity met in the term, and how often the customer stayed.
            last = n[i] if j == 0 else b + j - 1
            stays = last + 1 if j == 0 else last
            total[1] -= share * d_either[last]
            total[2] += share * (d_skip[last - a] - d_either[last])
            total[3] -= share * (d_toss[last + 1] - (0.0 if j == 0 else 1.0 / gamma))
            total[4] += share * (d_stay[stays] - d_toss[last + 1])
    return total


@njit
def terms(alpha: Floats, gamma: Floats, x: Ints, t_x: Floats, n: Floats, beta: float, delta: float) -> Floats:
    """Where each customer has its own alpha and gamma, rows: log-likelihood, and its slopes in beta, ln alpha_i, ln
    gamma_i and delta."""
    top = 0
    for i in range(n.size):
        top = max(top, int(n[i]) + 1)
    skip, d_skip = rising_logs(beta, top)
    stay, d_stay = rising_logs(delta, top)
    out = np.zeros((x.size, 5))
    for i in range(x.size):
        a, b, end = x[i], int(t_x[i]), int(n[i])
        buy, d_buy = rising_logs(alpha[i], a)
        either, d_either = rising_logs(alpha[i] + beta, end)
        toss, d_toss = rising_logs(gamma[i] + delta, end + 1)
        parts = log_terms(alpha[i], beta, gamma[i], delta, a, b, end)
        value = _log_sum(parts)
        out[i, 0] = buy[a] + skip[b - a] - either[b] + stay[b] - toss[b] + value
        out[i, 2] = alpha[i] * d_buy[a]
        for j in range(parts.size):
            share = math.exp(parts[j] - value)
            # As in `objective`.
            last = end if j == 0 else b + j - 1
            stays = last + 1 if j == 0 else last
            out[i, 1] += share * (d_skip[last - a] - d_either[last])
            out[i, 2] -= share * alpha[i] * d_either[last]
            out[i, 3] += share * ((0.0 if j == 0 else 1.0) - gamma[i] * d_toss[last + 1])
            out[i, 4] += share * (d_stay[stays] - d_toss[last + 1])
    return out


@njit
def p_alive(alpha: Floats, gamma: Floats, x: Ints, t_x: Floats, n: Floats, beta: float, delta: float) -> Floats:
    """P(alive at the next opportunity | history), where each customer has its own alpha and gamma."""
    out = np.empty(x.size)
    for i in range(x.size):
        parts = log_terms(alpha[i], beta, gamma[i], delta, x[i], int(t_x[i]), int(n[i]))
        out[i] = math.exp(parts[0] - _log_sum(parts))
    return out


@njit
def draw_histories(
    alpha: Floats, gamma: Floats, x: Ints, t_x: Floats, n: Floats, beta: float, delta: float,
    uids: Ints, replication: int, seed: int, domain: int, stream: int,
) -> tuple[Floats, Flags]:  # fmt: skip
    """One exact draw of (p, theta) and of who is alive at the next opportunity, given each history.

    Each term of L belongs to one last opportunity k that the customer met; given it, p ~ Beta(alpha + x, beta + k - x)
    and theta ~ Beta(gamma, delta + n + 1) where alive, Beta(gamma + 1, delta + k) where gone.
    """
    traits = np.empty((x.size, 2))
    alive = np.empty(x.size, np.bool_)
    for i in range(x.size):
        u_alive, u_buy, u_drop, _ = block(0, stream, uids[i], replication, seed, domain)
        terms = log_terms(alpha[i], beta, gamma[i], delta, x[i], int(t_x[i]), int(n[i]))
        total = _log_sum(terms)
        alive[i] = u_alive < math.exp(terms[0] - total)
        last = int(n[i])
        if not alive[i]:
            u_when, _, _, _ = block(2, stream, uids[i], replication, seed, domain)
            # A place within P(gone), among the terms of when it left: inversion.
            target = u_when * -math.expm1(terms[0] - total)
            below = 0.0
            for j in range(1, terms.size):
                last = int(t_x[i]) + j - 1
                below += math.exp(terms[j] - total)
                if below >= target:
                    break
        traits[i, 0] = beta_quantile(u_buy, alpha[i] + x[i], beta + last - x[i])
        traits[i, 1] = beta_quantile(
            u_drop, gamma[i] + (0.0 if alive[i] else 1.0), delta + last + (1.0 if alive[i] else 0.0)
        )
    return traits, alive


@njit
def draw_traits(
    alpha: Floats, gamma: Floats, beta: float, delta: float, replication: int, seed: int, domain: int, stream: int
) -> Floats:
    """Rows (p, theta) of new customers, one for each alpha_i and gamma_i; customer i's uid is i."""
    traits = np.empty((alpha.size, 2))
    for i in range(alpha.size):
        _, u_buy, u_drop, _ = block(0, stream, i, replication, seed, domain)
        traits[i, 0] = beta_quantile(u_buy, alpha[i], beta)
        traits[i, 1] = beta_quantile(u_drop, gamma[i], delta)
    return traits


@njit
def observe(traits: Floats, n: Ints, replication: int, seed: int, domain: int, stream: int) -> Ints:
    """Rows (purchases, opportunity of the last one) of customers with these traits over n opportunities each."""
    out = np.zeros((n.size, 2), np.int64)
    for i in range(n.size):
        for k in range(1, n[i] + 1):
            u_drop, u_buy, _, _ = block(k, stream, i, replication, seed, domain)
            if u_drop < traits[i, 1]:
                break
            if u_buy < traits[i, 0]:
                out[i, 0] += 1
                out[i, 1] = k
    return out
