"""Identities: the likelihood with contacts on the clocks by brute force, and the plain ones without contacts."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import roots_legendre
from scipy.stats import beta as beta_law
from scipy.stats import gamma as gamma_law

from churnsim.kernels.engine.buying_clock import decayed_clock, exposure, lifted_clock
from churnsim.kernels.likelihoods import bg_nbd, contact_clock, nbd

KINDS = {"nbd": contact_clock.NEVER, "bg_nbd": contact_clock.BG, "mbg_nbd": contact_clock.MBG}
R, ALPHA, A, B = 0.7, 4.0, 0.9, 2.2
KAPPA, GIVEN_BACK, LASTING = 0.25, 0.4, 4.0
LIFTS, DELTAS = np.array([0.2, 0.6, -0.3]), np.array([0.1, -0.5, 0.3])  # the control's first


def customers(seed: int, n: int):
    """Contacts of two arms and a control, from before the first purchase on, and purchases, as kernels take them."""
    random = np.random.default_rng(seed)
    T = random.uniform(5, 30, n)
    sent, bought = random.integers(0, 5, n), random.integers(0, 6, n)
    contact_to, purchase_to = np.cumsum(sent), np.cumsum(bought)
    contact_time = np.concatenate([np.sort(random.uniform(-3, t, k)) for t, k in zip(T, sent, strict=True)])
    purchase_time = np.concatenate([np.sort(random.uniform(0, t, k)) for t, k in zip(T, bought, strict=True)])
    arm = random.integers(0, 3, contact_time.size).astype(np.int8)
    stretches = (contact_to - sent, contact_to, purchase_to - bought, purchase_to)
    return stretches, T, contact_time, arm, purchase_time


def value(data, kind, *, lifts=LIFTS, deltas=DELTAS, at=(R, ALPHA, A, B, KAPPA, GIVEN_BACK), information=False):
    stretches, T, contact_time, arm, purchase_time = data
    r, alpha, a, b, kappa, given = at
    return contact_clock.objective(
        r, alpha, a, b, lifts, kappa, given, deltas, *stretches, T, contact_time, arm, purchase_time, KINDS[kind],
        LASTING, information,
    )  # fmt: skip


def bends(contacts, arms, first):
    """m(t) from the recursion in words: each contact leaves the larger lift or the sum, and what was added is owed."""
    steps, lift, owed, last = [], 0.0, 0.0, first
    for when, arm in zip(contacts, arms, strict=True):
        lift, owed = lift * 2 ** (-(when - last) / H), owed * 2 ** (-(when - last) / (4 * H))
        add = arm == 0 or LIFTS[arm] * lift < 0
        new = lift + LIFTS[arm] if add else max(lift, LIFTS[arm], key=abs)
        owed += GIVEN_BACK * (new - lift) / KAPPA
        lift, last = new, when
        steps.append((when, lift, owed))

    def m(t):
        past = [step for step in steps if step[0] <= t]
        if not past:
            return 1.0
        when, lift, owed = past[-1]
        return 1 + lift * 2 ** (-(t - when) / H) - KAPPA / 4 * owed * 2 ** (-(t - when) / (4 * H))

    return m


H = math.log(2) / KAPPA
# Gauss-Legendre nodes of the rate, as a cube, and of the dropout, as a quantile of its law: both laws are tame there.
NODES, SHARES = (roots_legendre(400)[0] + 1) / 2, roots_legendre(400)[1] / 2
RATES = (2.5 * NODES) ** 3
RATE_WEIGHTS = SHARES * 3 * 2.5 * (2.5 * NODES) ** 2 * gamma_law(R, scale=1 / ALPHA).pdf(RATES)
DROPOUTS = beta_law(A, B).ppf(NODES)


@pytest.mark.parametrize("kind", KINDS)
def test_a_likelihood_by_quadrature(kind):
    """For each customer the integral over its rate and dropout of what the process says, with B by quadrature."""
    data = customers(4, 6)
    stretches, T, contact_time, arm, purchase_time = data
    total = 0.0
    for i in range(6):
        c0, c1, p0, p1 = (int(each[i]) for each in stretches)
        times, sent = purchase_time[p0:p1], contact_time[c0:c1]
        m = bends(sent, arm[c0:c1], sent[0] if sent.size else 0.0)

        def clock(until, m=m, sent=sent):
            cuts = [0.0, *(c for c in sent if 0 < c < until), until]
            return sum(quad(m, low + 1e-13, high - 1e-13)[0] for low, high in pairwise(cuts))

        late = clock(T[i])
        early = clock(times[-1]) if times.size else 0.0
        bent = math.prod(m(t) for t in times)
        exposed = [0.0, *times] if kind == "mbg_nbd" else list(times)
        weights = []
        for t in exposed:
            past = [(s, k) for s, k in zip(sent, arm[c0:c1], strict=True) if s <= t]
            weights.append(math.exp(DELTAS[past[-1][1]]) if past and t - past[-1][0] <= LASTING else 1.0)

        alive = RATES**times.size * np.exp(-RATES * late) @ RATE_WEIGHTS
        gone = RATES**times.size * np.exp(-RATES * early) @ RATE_WEIGHTS
        found = alive
        if kind != "nbd" and weights:
            kept = (1 - DROPOUTS) ** sum(weights)
            left = (1 - DROPOUTS) ** sum(weights[:-1]) - kept
            found = alive * (kept @ SHARES) + gone * (left @ SHARES)
        total += math.log(found * bent)
    assert value(data, kind)[0] == pytest.approx(total, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_without_an_effect_it_is_the_plain_likelihood(kind):
    data = customers(1, 200)
    (_, _, start, end), T, _, _, purchase_time = data
    x = end - start
    t_x = np.where(x > 0, purchase_time[np.maximum(end - 1, 0)], 0.0)
    nothing = value(data, kind, lifts=np.zeros(3), deltas=np.zeros(3))[0]
    if kind == "nbd":
        plain = nbd.log_likelihood(R, ALPHA, x, T).sum()
    elif kind == "bg_nbd":
        plain = bg_nbd.log_likelihood(R, ALPHA, A, B, x, t_x, T, False).sum()
    else:
        plain = (bg_nbd.log_likelihood(R, ALPHA, A, B + 1, x, t_x, T, True) + math.log(B / (A + B))).sum()
    assert nothing == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_those_of_differences(kind):
    data = customers(2, 100)
    point = np.array([R, ALPHA, A, B, *LIFTS, KAPPA, GIVEN_BACK, *DELTAS])

    def at(theta, information=False):
        numbers = (*theta[:4], theta[7], theta[8])
        return value(data, kind, lifts=theta[4:7].copy(), deltas=theta[9:].copy(), at=numbers, information=information)

    slopes = []
    for k in range(12):
        step = np.zeros(12)
        step[k] = 1e-5
        slopes.append((at(point + step)[0] - at(point - step)[0]) / 2e-5)
    found = at(point, True)
    np.testing.assert_allclose(found[1:13], slopes, atol=1e-6)
    # The products of slopes, customer by customer.
    stretches, T, *rest = data
    each = [value((tuple(part[i : i + 1] for part in stretches), T[i : i + 1], *rest), kind)[1:] for i in range(100)]
    np.testing.assert_allclose(found[13:].reshape(12, 12), np.array(each).T @ np.array(each), rtol=1e-9, atol=1e-9)


def test_a_clock_that_stands_still_is_impossible():
    assert value(customers(3, 50), "bg_nbd", lifts=np.array([0.0, 0.5, -2.0]))[0] == -math.inf


def test_clocks_are_the_integral():
    (contact_from, contact_to, _, _), T, contact_time, arm, _ = customers(5, 8)
    found = contact_clock.clocks(LIFTS, KAPPA, GIVEN_BACK, contact_from, contact_to, T, contact_time, arm)
    for i in range(8):
        sent = contact_time[contact_from[i] : contact_to[i]]
        m = bends(sent, arm[contact_from[i] : contact_to[i]], sent[0] if sent.size else 0.0)
        cuts = [0.0, *(c for c in sent if c > 0), T[i]]
        by_hand = sum(quad(m, low + 1e-13, high - 1e-13)[0] for low, high in pairwise(cuts))
        assert found[i] == pytest.approx(by_hand, rel=1e-9)


def test_the_clock_is_the_one_of_the_simulation():
    """Contacts of one arm as the engine takes them: lift and debt carried from one to the next, B by its formula."""
    sent, until = np.array([0.5, 3.0, 3.5, 9.0]), 20.0
    lift = owed = now = clock = 0.0
    for when in [*sent, until]:
        clock += exposure(when - now, lift, owed, KAPPA)
        lift, owed = lifted_clock(KAPPA, GIVEN_BACK, *decayed_clock(KAPPA, when - now, lift, owed), 0.8)
        now = when
    none, all_of_them = np.zeros(1, dtype=np.int64), np.full(1, 4)
    arms = np.ones(4, dtype=np.int8)
    found = contact_clock.clocks(
        np.array([0.0, 0.8]), KAPPA, GIVEN_BACK, none, all_of_them, np.array([until]), sent, arms
    )  # fmt: skip
    assert found[0] == pytest.approx(clock, rel=1e-12)
