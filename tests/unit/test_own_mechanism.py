"""Truth: mechanics. A researcher's own mechanism sees every event, and one that does nothing changes nothing."""

from __future__ import annotations

import pytest
from tests.parity.mechanisms import MARKET_PARTS, STRATEGY_PARTS, scenario

import churnsim as cs
from churnsim.errors import ConfigError


class Watching(cs.simulation.Mechanism):
    def __init__(self):
        self.seen, self.periods = [], []

    def after(self, kind, customer, time, world):
        assert world.customers[customer.uid] is customer
        self.seen.append((time, customer.uid, kind))

    def at_period(self, period, time, world):
        self.periods.append((period, time))


def test_one_that_only_watches_changes_nothing():
    tried = scenario(STRATEGY_PARTS, MARKET_PARTS, size=60)
    watching = Watching()
    with_it = cs.simulate(tried, seed=3, mechanisms=[watching], log=True)
    assert with_it.events == cs.simulate(tried, seed=3, log=True).events
    assert sorted(watching.seen) == sorted((e.time, e.uid, e.kind) for e in with_it.events)
    assert watching.periods == [(k, 4.0 * k) for k in range(8)]


def test_its_draws_are_addressed():
    """The same customer and ordinal, the same draw, whoever else is there."""
    drawn = []

    class Drawing(cs.simulation.Mechanism):
        def at_period(self, period, time, world):
            if period == 0:
                drawn.append({uid: world.uniform(uid, 7) for uid in world.customers})

    for size in (5, 9):
        cs.simulate(scenario([], size=size), seed=1, mechanisms=[Drawing()])
    few, many = drawn
    assert all(many[uid] == u for uid, u in few.items())
    assert len(set(many.values())) == 9


def test_only_the_readable_engine_runs_it():
    with pytest.raises(ConfigError, match="engine='simpy'"):
        cs.simulate(scenario([]), seed=1, engine="compiled", mechanisms=[Watching()])


def test_the_tree_loses_ninety_two_in_a_hundred():
    """'Keeping existing customers' (undated): of 100 dissatisfied customers 92.2 leave."""
    from churnsim.simulation.mechanisms.complaints import Complaints

    assert Complaints.tree().leave_after_failure == pytest.approx(0.922)
