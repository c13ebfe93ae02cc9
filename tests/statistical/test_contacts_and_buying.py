"""Truth: brute force. What contacts do to buying, from the rate of the clock alone, integrated by quadrature here."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

import churnsim as cs
from churnsim.kernels.engine.buying_clock import exposure, wait, worth_of_clock
from churnsim.kernels.engine.records import CLOCK, DROPOUT, packed
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.scenario import scenario as scenario_module
from churnsim.units import Duration

PURCHASES = {
    "BG/NBD": cs.BGNBD(r=2.0, alpha=4.0, a=0.5, b=5.0),
    "MBG/CNBD-k": cs.models.MBGCNBD(r=2.0, alpha=2.0, a=0.5, b=5.0, k=2),
    "nobody leaves": cs.BGNBD(r=2.0, alpha=4.0, a=1e-9, b=5.0),
}
HALF_LIFE, SPEND, SCALE = 3.0, 2.0, 1.0
KAPPA = math.log(2.0) / HALF_LIFE
RHO = KAPPA / 4


def tried(purchases="BG/NBD", size=150, horizon=24.0, period=4.0, contacts=True, **response):
    market = cs.Market(
        customers=cs.Cohort(size=size), purchases=PURCHASES[purchases], spend=cs.simulation.FixedSpend(amount=10.0),
        retention=RetentionResponse(
            max_effect=0.0, spend_scale=SCALE, harmed_share=0.0, **{"half_life": Duration(HALF_LIFE, "W"), **response}
        ),
    )  # fmt: skip
    spent = cs.simulation.RetentionContacts(budget_per_period=SPEND * size) if contacts else None
    strategy = cs.Strategy(name="tried", retention=spent)
    return cs.Scenario(market=market, strategy=strategy, horizon=horizon, period=period, epoch=period)


def bought(scenario):
    """Times of each customer's purchases."""
    times = defaultdict(list)
    for event in cs.simulate(scenario, seed=5, log=True).events:
        if event.kind == "purchase":
            times[event.uid].append(event.time)
    return times


class Clock:
    """B(t) under contacts at `at`, integrated."""

    def __init__(self, at, purchase_lift, pulled_forward):
        by = (purchase_lift - 1) * (1 - math.exp(-SPEND / SCALE))
        self.pieces, lift, owed, read = [], 0.0, 0.0, 0.0
        for now, after in pairwise([*at, math.inf]):
            # What would be given back at more than .9 of the rate is not brought forward.
            room = (0.9 / RHO - owed) * KAPPA / pulled_forward if pulled_forward and by > 0 else math.inf
            new = max(lift, min(by, lift + room)) if by > 0 else min(lift, by)
            owed += pulled_forward * (new - lift) / KAPPA
            self.pieces.append((now, read, new, owed))
            read = self.reads(after) if after < math.inf else read
            lift, owed = new * math.exp(-KAPPA * (after - now)), owed * math.exp(-RHO * (after - now))

    @staticmethod
    def rate(x, lift, owed):
        return 1 + lift * math.exp(-KAPPA * x) - RHO * owed * math.exp(-RHO * x)

    def reads(self, time):
        now, read, lift, owed = max(piece for piece in self.pieces if piece[0] <= time)
        return read + quad(self.rate, 0, time - now, args=(lift, owed), epsabs=1e-12, epsrel=1e-12)[0]


@pytest.mark.parametrize("purchases", PURCHASES)
@pytest.mark.parametrize(("lift", "forward"), [(2.5, 0.0), (2.5, 0.7), (12.0, 1.0), (0.3, 0.5)])
def test_each_purchase_of_the_contacted_is_one_of_the_others_on_its_clock(purchases, lift, forward):
    """Purchase j comes where the clock reads what the time is at purchase j of the same customer left alone."""
    response = {"purchase_lift": lift, "pulled_forward": forward}
    with_contacts = bought(tried(purchases, size=40, **response))
    alone = bought(tried(purchases, size=40, horizon=80.0, contacts=False))
    clock = Clock(range(0, 24, 4), lift, forward)
    assert len(with_contacts) > 30
    for uid, times in with_contacts.items():
        np.testing.assert_allclose([clock.reads(time) for time in times], alone[uid][: len(times)], rtol=1e-10)
    most = clock.reads(24.0)
    assert {uid: len(times) for uid, times in with_contacts.items()} == {
        uid: number for uid, times in alone.items() if (number := sum(time < most for time in times))
    }


def z_of_periods(**response):
    """Standard errors by which purchases in each period differ from (mean rate) x (time on the clock)."""
    size, clock = 4000, Clock(range(0, 24, 4), 2.5, 0.8)
    seen = cs.simulate(tried("nobody leaves", size, **response), seed=5).count("purchases")
    model = PURCHASES["nobody leaves"]
    spans = np.diff([clock.reads(edge) for edge in range(0, 28, 4)])
    mean = model.r / model.alpha * spans
    variance = mean + model.r / model.alpha**2 * spans**2  # of a negative binomial count
    return (seen / size - mean) / np.sqrt(variance / size)


def test_counts_follow_the_clock():
    assert np.abs(z_of_periods(purchase_lift=2.5, pulled_forward=0.8)).max() < 4


def test_control_a_lift_that_lasts_half_as_long_is_caught(monkeypatch):
    right = scenario_module.Scenario.rules.func
    monkeypatch.setattr(
        scenario_module.Scenario, "rules",
        property(lambda self: right(self)._replace(lift_decay=2 * right(self).lift_decay)),
    )  # fmt: skip
    assert np.abs(z_of_periods(purchase_lift=2.5, pulled_forward=0.8)).max() > 4


def test_what_is_pulled_forward_is_missing_later():
    """One contact, and enough time: all of it is given back, or none."""

    def number(**response):
        return cs.simulate(tried("nobody leaves", 400, 300.0, 300.0, **response), seed=5).count("purchases").sum()

    alone = number(contacts=False)
    assert number(purchase_lift=2.5, pulled_forward=1.0) == alone
    added = 400 * 0.5 * 1.5 * (1 - math.exp(-SPEND / SCALE)) / KAPPA
    assert abs(number(purchase_lift=2.5, pulled_forward=0.0) - alone - added) < 4 * math.sqrt(added * 2)


def test_without_a_lift_nothing_changes():
    plain = cs.simulate(tried(), seed=5, log=True)
    assert cs.simulate(tried(pulled_forward=0.9, half_life=Duration(9, "W")), seed=5, log=True).events == plain.events
    assert cs.simulate(tried(purchase_lift=1.2), seed=5, log=True).events != plain.events


@pytest.mark.parametrize("y", [1e-9, 0.3, 7.0, 1e4])
@pytest.mark.parametrize(("lift", "owed"), [(0.0, 0.0), (3.0, 0.0), (40.0, 5.0), (0.0, 14.0), (-0.9, -3.0)])
def test_the_wait_undoes_the_exposure(y, lift, owed):
    x = wait(y, lift, owed, KAPPA)
    rounding = 1e-15 * (abs(lift) / KAPPA + abs(owed))  # of differences of what is added and owed
    assert exposure(x, lift, owed, KAPPA) == pytest.approx(y, rel=1e-13, abs=rounding)
    integral = quad(Clock.rate, 0, min(x, 50.0), args=(lift, owed), epsabs=1e-13, epsrel=1e-13)[0]
    assert exposure(min(x, 50.0), lift, owed, KAPPA) == pytest.approx(integral, rel=1e-11)


@pytest.mark.parametrize(("lifetime", "within"), [(CLOCK, 1e-9), (DROPOUT, 2e-4)])
def test_what_is_owed_at_the_end_counts(lifetime, within):
    """Discounted purchases of a customer who buys with rate 1 on its clock, over those of one left alone."""
    rules = packed(tried(purchase_lift=2.5).rules._replace(lifetime=lifetime))
    hazard, force, lift, owed = 0.05, 0.002, 0.8, 4.0

    def left(t):
        return hazard * (t if lifetime == CLOCK else exposure(t, lift, owed, KAPPA)) + force * t

    brought = quad(lambda t: Clock.rate(t, lift, owed) * math.exp(-left(t)), 0, 900, limit=500, epsabs=1e-12)[0]
    found = worth_of_clock(rules, hazard, force, lift, owed)
    assert found == pytest.approx(brought * (hazard + force), abs=within)
    assert abs(found - 1) > 5 * within
