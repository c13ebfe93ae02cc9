"""NBD, BG/NBD and MBG/NBD with contacts on the buying clock and on the leaving clock: log-likelihood and slopes.

x time units after a contact the buying clock runs at m = 1 + L e^(-kappa x) - rho A e^(-rho x), rho = kappa / 4; a
contact of an arm with the lift l leaves max(L, l) as in the simulation (min where both are negative), L + l where their
signs differ, and A <- A + q (change of L) / kappa, so that the share q of what it adds to the clock B = int m is given
back later. The first arm is the control: a draw that sends nothing, with a lift of its own that shows a season and is
always added to L, so that it ends no earlier contact's and the likelihood is continuous in all lifts. By the
time-rescaling theorem the purchase times have the plain model's likelihood at (x, B(t_x), B(T)) times prod_j m(t_j).

Dropout follows a purchase at t with the chance 1 - (1 - p)^w(t): w is e^delta of the arm of the customer's last contact
where that is not longer ago than `lasting`, else 1, the proportional hazards of a time that is counted in purchases.
With p ~ Beta(a, b), W the sum of w over the purchases before the last and w' that of the last, E(1 - p)^y = B(a, b +
y)/B(a, b), so that

    L = Gamma(r + x)/Gamma(r) alpha^r prod_j m(t_j) / B(a, b) .
        [ B(a, b + W + w') (alpha + B(T))^-(r + x) + (B(a, b + W) - B(a, b + W + w')) (alpha + B(t_x))^-(r + x) ],

which is the plain likelihood where w = 1 and m = 1. In MBG/NBD the first purchase counts among those that dropout
follows; in BG/NBD it does not; in NBD nobody leaves.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.pochhammer import rising_logs
from churnsim.kernels.numerics.special import digamma

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEVER, BG, MBG = 0, 1, 2  # whom dropout follows

# Places of a customer's clock in its state; after them come the slopes in the lifts, of A, B, ln m and L.
_L, _L_KAPPA, _A, _A_KAPPA, _A_Q, _B, _B_KAPPA, _B_Q, _S, _S_KAPPA, _S_Q, _SLOPES = range(12)
_KINDS = 4


@njit
def _advance(state: Floats, arms: int, kappa: float, span: float, counts: bool) -> None:
    """Let `span` go by; time before the first purchase does not count on the clock."""
    if span <= 0.0:
        return
    slow = math.exp(-0.25 * kappa * span)
    # e^(-kappa x) is e^(-rho x), rho = kappa/4, squared twice: one exponential instead of two.
    fast = slow * slow
    fast = fast * fast
    of_a, of_b, of_l = _SLOPES, _SLOPES + arms, _SLOPES + 3 * arms
    if counts:
        # Times 1/kappa and 1/rho, the integrals of both exponentials over the span.
        lost, given = 1.0 - fast, 1.0 - slow
        lift, owed = state[_L], state[_A]
        state[_B] += span + lift / kappa * lost - owed * given
        state[_B_KAPPA] += (
            state[_L_KAPPA] / kappa * lost
            + lift * (span * fast - lost / kappa) / kappa
            - state[_A_KAPPA] * given
            - owed * 0.25 * span * slow
        )
        state[_B_Q] -= state[_A_Q] * given
        for k in range(arms):
            state[of_b + k] += state[of_l + k] / kappa * lost - state[of_a + k] * given
    state[_L_KAPPA] = fast * (state[_L_KAPPA] - span * state[_L])
    state[_L] *= fast
    state[_A_KAPPA] = slow * (state[_A_KAPPA] - 0.25 * span * state[_A])
    state[_A] *= slow
    state[_A_Q] *= slow
    for k in range(arms):
        state[of_a + k] *= slow
        state[of_l + k] *= fast


@njit
def _contact(state: Floats, arm: int, lifts: Floats, kappa: float, q: float) -> None:
    """Take in a contact."""
    lift, arms = lifts[arm], lifts.size
    # The control's lift, and one of the other sign, is added; else the larger stands.
    added = arm == 0 or lift * state[_L] < 0.0
    if not added and abs(state[_L]) > abs(lift):
        return
    of_a, of_l = _SLOPES, _SLOPES + 3 * arms
    kept = 1.0 if added else 0.0
    change = lift - (1.0 - kept) * state[_L]
    state[_A] += q * change / kappa
    state[_A_KAPPA] -= q * (change / kappa + (1.0 - kept) * state[_L_KAPPA]) / kappa
    state[_A_Q] += change / kappa
    for k in range(arms):
        slope = 1.0 if k == arm else 0.0
        state[of_a + k] += q * (slope - (1.0 - kept) * state[of_l + k]) / kappa
        state[of_l + k] = kept * state[of_l + k] + slope
    state[_L] = kept * state[_L] + lift
    state[_L_KAPPA] *= kept


@njit
def _runs(state: Floats, kappa: float) -> bool:
    """Whether m stays above 0 until the next contact."""
    lift, given = state[_L], 0.25 * kappa * state[_A]
    if lift > 0.0 and 0.0 < given < 4.0 * lift:
        # The least m is where its slope is 0; below 1 it need not be sought.
        return given < 1.0 or 0.75 * given * (given / (4.0 * lift)) ** (1.0 / 3.0) < 1.0
    return 1.0 + lift - given > 0.0


@njit
def _purchase(state: Floats, arms: int, kappa: float) -> None:
    """Add ln m and its slopes."""
    rho = 0.25 * kappa
    m = 1.0 + state[_L] - rho * state[_A]
    state[_S] += math.log(m)
    state[_S_KAPPA] += (state[_L_KAPPA] - 0.25 * state[_A] - rho * state[_A_KAPPA]) / m
    state[_S_Q] -= rho * state[_A_Q] / m
    of_s, of_l = _SLOPES + 2 * arms, _SLOPES + 3 * arms
    for k in range(arms):
        state[of_s + k] += (state[of_l + k] - rho * state[_SLOPES + k]) / m


@njit
def _log_stays(a: float, y: float, w: float) -> float:
    """ln of B(a, y + w)/B(a, y), also where next to nobody leaves."""
    if y > 1e5:
        # ln Gamma(y + w) - ln Gamma(y) = w ln(y + (w - 1)/2) + O(w^3 / y^2), without the digits that cancel.
        return -w * math.log1p(a / (y + 0.5 * (w - 1.0)))
    return math.lgamma(y + w) - math.lgamma(y) - math.lgamma(a + y + w) + math.lgamma(a + y)


@njit
def objective(
    r: float, alpha: float, a: float, b: float, lifts: Floats, kappa: float, q: float, deltas: Floats,
    contact_from: Ints, contact_to: Ints, purchase_from: Ints, purchase_to: Ints, T: Floats,
    contact_time: Floats, contact_arm: NDArray[np.int8], purchase_time: Floats, drops: int, lasting: float,
    information: bool,
) -> Floats:  # fmt: skip
    """Log-likelihood, and its slopes in r, alpha, a, b, the lifts, kappa, q and the deltas, as one array.

    Of each customer the contacts and the repeat purchases are a stretch of the long arrays, in order, with times since
    its first purchase. Summed in blocks of 1,024 customers. The first value is -inf where a clock stands still. With
    `information` the sums of the products of each customer's slopes follow, row by row, which estimate the
    information matrix.
    """
    arms = lifts.size
    factors = np.empty(arms)
    for k in range(arms):
        factors[k] = math.exp(deltas[k])
    size = 7 + 2 * arms
    total, block, own = np.zeros(size), np.zeros(size), np.zeros(size)
    products = np.zeros((size - 1, size - 1))
    state, at_last = np.zeros(_SLOPES + _KINDS * arms), np.zeros(_SLOPES + _KINDS * arms)
    weighed = np.zeros(arms)  # slopes of W in the deltas
    of_b, of_s = _SLOPES + arms, _SLOPES + 2 * arms
    most_purchases = 0
    for i in range(T.size):
        most_purchases = max(most_purchases, purchase_to[i] - purchase_from[i])
    rising, by_r = rising_logs(r, most_purchases)
    log_alpha, log_b, log_ab = math.log(alpha), math.lgamma(b), math.lgamma(a + b)
    at_b, at_ab = digamma(b), digamma(a + b)
    for i in range(T.size):
        state[:] = 0.0
        at_last[:] = 0.0
        weighed[:] = 0.0
        own[:] = 0.0
        last_arm, last_contact, runs = -1, -math.inf, True
        sums, last, last_weighed = 0.0, 0.0, -1
        c, end, now = contact_from[i], contact_to[i], 0.0
        if c < end and contact_time[c] < 0.0:
            now = contact_time[c]
        while c < end and contact_time[c] < 0.0:
            _advance(state, arms, kappa, contact_time[c] - now, False)
            now = contact_time[c]
            _contact(state, contact_arm[c], lifts, kappa, q)
            runs = runs and _runs(state, kappa)
            last_arm, last_contact = contact_arm[c], now
            c += 1
        _advance(state, arms, kappa, -now, False)
        now = 0.0
        first = purchase_from[i] - (1 if drops == MBG else 0)
        for j in range(first, purchase_to[i] + 1):
            # The first purchase, where dropout may follow it; the repeats; the end.
            until = 0.0
            if j == purchase_to[i]:
                until = T[i]
            elif j >= purchase_from[i]:
                until = purchase_time[j]
            while c < end and contact_time[c] <= until:
                _advance(state, arms, kappa, contact_time[c] - now, True)
                now = contact_time[c]
                _contact(state, contact_arm[c], lifts, kappa, q)
                runs = runs and _runs(state, kappa)
                last_arm, last_contact = contact_arm[c], now
                c += 1
            _advance(state, arms, kappa, until - now, True)
            now = until
            if j == purchase_to[i]:
                break
            if j >= purchase_from[i]:
                if last_arm >= 0:
                    _purchase(state, arms, kappa)
                if j == purchase_to[i] - 1:
                    for k in range(state.size):  # a copy as such takes two seconds to compile
                        at_last[k] = state[k]
            sums += last
            if last_weighed >= 0:
                weighed[last_weighed] += last
            last, last_weighed = 1.0, -1
            if last_arm >= 0 and now - last_contact <= lasting:
                last, last_weighed = factors[last_arm], last_arm
        # A clock that stands still or runs back has no likelihood.
        if not runs:
            total[0] = -math.inf
            break
        x = purchase_to[i] - purchase_from[i]
        late, early = alpha + state[_B], alpha + at_last[_B]
        log_late, log_early = math.log(late), math.log(early)
        value = rising[x] + r * log_alpha + at_last[_S]
        alive, gone, in_sum, in_last = 1.0, 0.0, 0.0, 0.0
        if drops == NEVER or last == 0.0:
            value -= (r + x) * log_late
        else:
            g_sum = math.lgamma(b + sums) - math.lgamma(a + b + sums)
            stays = _log_stays(a, b + sums, last)
            g_last = g_sum + stays
            # 1 - e^stays without cancellation where hardly anybody leaves.
            left = max(-math.expm1(stays), 1e-300)
            log_alive = g_last - (r + x) * log_late
            log_gone = g_sum + math.log(left) - (r + x) * log_early
            # The larger is taken out, so that neither overflows.
            most = max(log_alive, log_gone)
            value += most + math.log(math.exp(log_alive - most) + math.exp(log_gone - most)) - log_b + log_ab
            gone = 1.0 / (1.0 + math.exp(log_alive - log_gone)) if log_alive - log_gone < 700.0 else 0.0
            alive = 1.0 - gone
            by_last = alive - gone * (1.0 - left) / left
            by_sum = gone / left
            d_last, d_last_a = digamma(b + sums + last), digamma(a + b + sums + last)
            d_sum, d_sum_a = digamma(b + sums), digamma(a + b + sums)
            own[3] = -by_last * d_last_a - by_sum * d_sum_a + at_ab
            in_last = by_last * (d_last - d_last_a)
            in_sum = in_last + by_sum * (d_sum - d_sum_a)
            own[4] = in_sum - at_b + at_ab
        own[0] = value
        own[1] = by_r[x] + log_alpha - alive * log_late - gone * log_early
        in_late, in_early = -(r + x) * alive / late, -(r + x) * gone / early
        own[2] = r / alpha + in_late + in_early
        own[5 + arms] = in_late * state[_B_KAPPA] + in_early * at_last[_B_KAPPA] + at_last[_S_KAPPA]
        own[6 + arms] = in_late * state[_B_Q] + in_early * at_last[_B_Q] + at_last[_S_Q]
        for k in range(arms):
            own[5 + k] = in_late * state[of_b + k] + in_early * at_last[of_b + k] + at_last[of_s + k]
            own[7 + arms + k] = in_sum * weighed[k]
        if last_weighed >= 0:
            own[7 + arms + last_weighed] += in_last * last
        for k in range(size):
            block[k] += own[k]
        if information:
            for k in range(1, size):
                for m in range(1, k + 1):
                    products[k - 1, m - 1] += own[k] * own[m]
        if i % 1024 == 1023 or i == T.size - 1:
            for k in range(size):
                total[k] += block[k]
                block[k] = 0.0
    if not information:
        return total
    whole = np.empty(size + (size - 1) * (size - 1))
    for k in range(size):
        whole[k] = total[k]
    for k in range(size - 1):
        for m in range(size - 1):
            whole[size + k * (size - 1) + m] = products[max(k, m), min(k, m)]
    return whole


@njit
def clocks(
    lifts: Floats, kappa: float, q: float,
    contact_from: Ints, contact_to: Ints, until: Floats,
    contact_time: Floats, contact_arm: NDArray[np.int8],
) -> Floats:  # fmt: skip
    """B of each customer from 0 to `until` of its own, in the times of its contacts."""
    arms = lifts.size
    out = np.empty(until.size)
    state = np.zeros(_SLOPES + _KINDS * arms)
    for i in range(until.size):
        state[:] = 0.0
        now = 0.0
        if contact_from[i] < contact_to[i]:
            now = min(now, contact_time[contact_from[i]])
        for c in range(contact_from[i], contact_to[i]):
            when = min(contact_time[c], until[i])
            if now < 0.0:
                _advance(state, arms, kappa, min(when, 0.0) - now, False)
                now = min(when, 0.0)
            _advance(state, arms, kappa, when - now, True)
            now = max(now, when)
            if contact_time[c] <= until[i]:
                _contact(state, contact_arm[c], lifts, kappa, q)
        _advance(state, arms, kappa, -now, False)
        _advance(state, arms, kappa, until[i] - max(now, 0.0), True)
        out[i] = state[_B]
    return out
