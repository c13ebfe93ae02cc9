"""Truth: brute force. What contacts, a price off, a club and coming back do to buying, from the rates of the clocks
alone, integrated by quadrature here."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
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


def births(scenario):
    """When each newcomer came."""
    return {event.uid: event.time for event in cs.simulate(scenario, seed=5, log=True).events if event.kind == "birth"}


class Clock:
    """B(t), integrated, where at each of the times `at` something can lift buying `by` so much."""

    def __init__(self, at, by, pulled_forward):
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


def reached(purchase_lift):
    """By how much a contact of this spend can lift."""
    return (purchase_lift - 1) * (1 - math.exp(-SPEND / SCALE))


@pytest.mark.parametrize("purchases", PURCHASES)
@pytest.mark.parametrize(("lift", "forward"), [(2.5, 0.0), (2.5, 0.7), (12.0, 1.0), (0.3, 0.5)])
def test_each_purchase_of_the_contacted_is_one_of_the_others_on_its_clock(purchases, lift, forward):
    """Purchase j comes where the clock reads what the time is at purchase j of the same customer left alone."""
    response = {"purchase_lift": lift, "pulled_forward": forward}
    with_contacts = bought(tried(purchases, size=40, **response))
    alone = bought(tried(purchases, size=40, horizon=80.0, contacts=False))
    clock = Clock(range(0, 24, 4), reached(lift), forward)
    assert len(with_contacts) > 30
    for uid, times in with_contacts.items():
        np.testing.assert_allclose([clock.reads(time) for time in times], alone[uid][: len(times)], rtol=1e-10)
    most = clock.reads(24.0)
    assert {uid: len(times) for uid, times in with_contacts.items()} == {
        uid: number for uid, times in alone.items() if (number := sum(time < most for time in times))
    }


LASTING = Duration(HALF_LIFE, "W")
BONDS = {
    "economic_lift": 8.0, "economic_half_life": LASTING, "economic_pulled_forward": 0.7, "social_lift": 3.0,
    "social_half_life": LASTING, "social_pulled_forward": 0.4,
}  # fmt: skip


def among(parts, *, bonds=(), win_back=None, purchases="BG/NBD", size=60, horizon=24.0, period=4.0, **response):
    """A scenario of a strategy with these `parts`, in a market where bonds answer by those named of `BONDS`."""
    base = tried(purchases, size, horizon, period, contacts=False, **response)
    market = replace(
        base.market,
        prospects=cs.simulation.Prospects(ceiling=0.05),
        bonds=cs.simulation.BondResponse(
            economic_effect=0.0, social_effect=0.0, **{key: value for key, value in BONDS.items() if key in bonds}
        ),
        win_back=cs.simulation.WinBackResponse(success=1.0, **(win_back or {})),
    )
    return replace(base, market=market, strategy=cs.Strategy(name="tried", **parts))


CUT = {"economic_bond": cs.simulation.EconomicBond(price_off=0.1)}
JOINED = {"social_bond": cs.simulation.SocialBond(joins=1.0, cost_per_member=0.0)}
WON = {"acquisition": cs.simulation.Acquisition(budget_per_period=200.0)}


@pytest.mark.parametrize("purchases", PURCHASES)
def test_a_price_off_lifts_those_who_were_there(purchases):
    """Purchase by purchase; newcomers know no other price."""
    lifted = bought(among({**CUT, **WON}, bonds=BONDS, purchases=purchases))
    alone, born = bought(among(WON, purchases=purchases, horizon=80.0)), births(among(WON, purchases=purchases))
    clock = Clock([0], 0.8, 0.7)
    assert 10 < len(lifted.keys() & born.keys()) < len(lifted) - 10
    for uid, times in lifted.items():
        shown = times if uid in born else [clock.reads(time) for time in times]
        np.testing.assert_allclose(shown, alone[uid][: len(times)], rtol=1e-10)


def test_a_club_lifts_each_member_from_when_it_joins():
    """The base as the club opens, newcomers at their first purchase."""
    lifted, alone = bought(among({**JOINED, **WON}, bonds=BONDS)), bought(among(WON, horizon=80.0))
    born = births(among(WON))
    clock = Clock([0], 2.0, 0.4)
    assert len(lifted.keys() & born.keys()) > 10
    for uid, times in lifted.items():
        joined = born.get(uid, 0.0)
        shown = [joined + clock.reads(time - joined) for time in times]
        np.testing.assert_allclose(shown, alone[uid][: len(times)], rtol=1e-10)


def test_who_comes_back_buys_more_at_first():
    """Purchases of the second life, between the return and the next loss."""
    parts = {"win_back": cs.simulation.WinBack(silent_for=1.0, cost_per_contact=0.0, choose="all")}
    lifted = among(parts, size=200, win_back={"purchase_lift": 3.0, "lift_half_life": LASTING, "pulled_forward": 0.5})
    lives = []
    for scenario in (lifted, among(parts, size=200, horizon=80.0)):
        second, back, over = defaultdict(list), {}, set()
        for event in cs.simulate(scenario, seed=5, log=True).events:
            if event.kind == "returned" and event.uid not in over:
                back[event.uid] = event.time
            elif event.kind.startswith("lost") and event.uid in back:
                over.add(event.uid)
            elif event.kind == "purchase" and event.uid in back and event.uid not in over:
                second[event.uid].append(event.time - back[event.uid])
        lives.append(second)
    clock = Clock([0], 2.0, 0.5)
    assert len(lives[0]) > 20
    for uid, times in lives[0].items():
        np.testing.assert_allclose([clock.reads(time) for time in times], lives[1][uid][: len(times)], rtol=1e-8)


def test_lifts_multiply():
    """A price off, a club and contacts: each clock reads the one below it."""
    parts = {**CUT, **JOINED, "retention": cs.simulation.RetentionContacts(budget_per_period=SPEND * 60)}
    both = bought(among(parts, bonds=BONDS, purchase_lift=2.5, pulled_forward=0.6))
    alone = bought(among({}, horizon=80.0))
    price, club = Clock([0], 0.8, 0.7), Clock([0], 2.0, 0.4)

    def below(time):
        return club.reads(price.reads(time))

    contacts = Clock([below(time) for time in range(0, 24, 4)], reached(2.5), 0.6)
    assert len(both) > 30
    for uid, times in both.items():
        shown = [contacts.reads(below(time)) for time in times]
        np.testing.assert_allclose(shown, alone[uid][: len(times)], rtol=1e-10)


def test_purchases_after_a_price_off_are_as_many_as_expected():
    """(mean rate) B(t) in closed form; a price off that is twice as strong is told from it."""
    size, t = 4000, np.arange(4.0, 28.0, 4.0)
    seen = np.cumsum(
        cs.simulate(among(CUT, bonds=BONDS, purchases="nobody leaves", size=size), seed=5).count("purchases")
    )
    model = PURCHASES["nobody leaves"]

    def z(lift):
        owed = 0.7 * lift / KAPPA
        on_clock = t + lift / KAPPA * (1 - np.exp(-KAPPA * t)) - owed * (1 - np.exp(-RHO * t))
        variance = model.r / model.alpha * on_clock + model.r / model.alpha**2 * on_clock**2
        return np.abs((seen / size - model.r / model.alpha * on_clock) / np.sqrt(variance / size)).max()

    assert z(0.8) < 4 < z(1.6)


def test_without_a_lift_bonds_and_returns_leave_buying_alone():
    parts = {**CUT, **JOINED, "win_back": cs.simulation.WinBack(silent_for=1.0, cost_per_contact=0.0, choose="all")}
    off = [key for key in BONDS if not key.endswith("_lift")]
    plain = cs.simulate(among(parts), seed=5, log=True)
    assert (
        cs.simulate(among(parts, bonds=off, win_back={"pulled_forward": 0.9}), seed=5, log=True).events == plain.events
    )
    assert cs.simulate(among(parts, bonds=BONDS), seed=5, log=True).events != plain.events


def z_of_periods(**response):
    """Standard errors by which purchases in each period differ from (mean rate) x (time on the clock)."""
    size, clock = 4000, Clock(range(0, 24, 4), reached(2.5), 0.8)
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
        property(lambda self: right(self)._replace(contact_decay=2 * right(self).contact_decay)),
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
    lifts, clock = np.array([[KAPPA / 9, 0.5], [KAPPA, 0.5]]), np.array([7.0, 0.0, 0.0, lift, owed])

    def left(t):
        return hazard * (t if lifetime == CLOCK else exposure(t, lift, owed, KAPPA)) + force * t

    brought = quad(lambda t: Clock.rate(t, lift, owed) * math.exp(-left(t)), 0, 900, limit=500, epsabs=1e-12)[0]
    found = worth_of_clock(rules, lifts, clock, 7.0, hazard, force)
    assert found == pytest.approx(brought * (hazard + force), abs=within)
    assert abs(found - 1) > 5 * within
