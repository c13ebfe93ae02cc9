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


class Giving(cs.simulation.Mechanism):
    """Spends a dollar of the account 'fixed' on each purchase, two on the first three of a run."""

    def __init__(self):
        self.purchases = 0

    def after(self, kind, customer, time, world):
        if kind == "purchase":
            self.purchases += 1
            world.pay("fixed", 2.0 if self.purchases <= 3 else 1.0)


ONE_MARKET = {"seed": 5, "horizon": 8, "replications": 3}
STRATEGIES = [cs.Strategy(name="as today"), cs.Strategy(name="giving")]


def test_ones_own_mechanism_is_compared_with_doing_without():
    """The difference in profit is minus a dollar a purchase and three more a run: each run starts with the mechanism
    as it was given."""
    market = scenario([], size=30).market
    found = cs.compare(market, STRATEGIES, mechanisms={"giving": [Giving()]}, **ONE_MARKET)
    gain = found.values("profit")["giving"] - found.values("profit")["as today"]
    assert gain.to_numpy() == pytest.approx(-(found.values("purchases")["as today"].to_numpy() + 3))
    everywhere = cs.compare(market, STRATEGIES, mechanisms=[Giving()], **ONE_MARKET)
    assert (everywhere.values("profit")["as today"] == found.values("profit")["giving"]).all()


def test_selection_regions_and_sensitivity_take_it_too():
    market, quantity = scenario([], size=30).market, cs.decisions.Quantity(of="giving", against="as today")
    own = {**ONE_MARKET, "mechanisms": {"giving": [Giving()]}}
    best = cs.decisions.select_best(
        market, STRATEGIES, indifference=5.0, max_replications=20, **{**own, "replications": 5}
    )
    assert best.chosen == "as today"
    over = {"terms.margin": (0.2, 0.4), "terms.annual_discount_rate": (0.0, 0.2)}
    region = cs.decisions.assumption_region(market, STRATEGIES, quantity, over, cells=2, max_replications=3, **own)
    assert (region.frame["mean"] < 0).all()
    found = cs.decisions.sensitivity(market, STRATEGIES, quantity, over, size=2, **own)
    assert (found.design["quantity"] < 0).all()
    with pytest.raises(ConfigError, match="name a strategy 'gving'"):
        cs.compare(market, STRATEGIES, mechanisms={"gving": [Giving()]}, **ONE_MARKET)
    with pytest.raises(ConfigError, match=r"instances of churnsim\.simulation\.Mechanism"):
        cs.compare(market, STRATEGIES, mechanisms=[Giving], **ONE_MARKET)


def test_only_the_readable_engine_runs_it():
    with pytest.raises(ConfigError, match="engine='simpy'"):
        cs.simulate(scenario([]), seed=1, engine="compiled", mechanisms=[Watching()])


def test_the_tree_loses_ninety_two_in_a_hundred():
    """'Keeping existing customers' (undated): of 100 dissatisfied customers 92.2 leave."""
    from churnsim.simulation.mechanisms.complaints import Complaints

    assert Complaints.tree().leave_after_failure == pytest.approx(0.922)
