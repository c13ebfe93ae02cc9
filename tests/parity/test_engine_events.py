"""Truth: agreement. The two engines give the same ledger and the same events, bit for bit, whatever the threads."""

from __future__ import annotations

import numpy as np
import pytest

import churnsim as cs

DESK = cs.ComplaintDesk(staff=1, mean_service_time=0.3, wage_per_period=100.0, cost_per_reply=2.0)
MECHANISMS = {
    "acquisition": cs.Acquisition(budget_per_period=900.0),
    "retention": cs.RetentionContacts(budget_per_period=300.0, rule="top_value", share=0.3),
    "desk": DESK,
    "asking": cs.AskForComplaints(cost_per_purchase=0.05),
    "churn": cs.ChurnChange(factor=0.5, points=0.02),
}
STRATEGIES = [
    cs.Strategy(name="none"),
    *(cs.Strategy(name=name, **{name: mechanism}) for name, mechanism in MECHANISMS.items()),
    cs.Strategy(name="everything", **MECHANISMS),
]


def run(market, strategy, engine, *, seed=1, replication=0, threads=1):
    scenario = cs.Scenario(market=market, strategy=strategy, horizon=52.0, period=4.0, epoch=1.0)
    return cs.simulate(scenario, seed=seed, replication=replication, engine=engine, log=True, threads=threads)


def assert_same(a, b):
    np.testing.assert_array_equal(a.table, b.table)
    assert a.events == b.events
    assert a.open_complaints == b.open_complaints


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_both_engines_tell_the_same_events(cohort_market, strategy):
    market = cohort_market(250)
    assert_same(run(market, strategy, "simpy"), run(market, strategy, "compiled"))


def test_real_customers_live_the_same_lives_in_both(cdnow_market):
    assert_same(
        run(cdnow_market, STRATEGIES[-1], "simpy", replication=3),
        run(cdnow_market, STRATEGIES[-1], "compiled", replication=3),
    )


@pytest.mark.parametrize("size", [0, 1, 2])
def test_hardly_anybody(cohort_market, size):
    market = cohort_market(size)
    assert_same(run(market, STRATEGIES[-1], "simpy"), run(market, STRATEGIES[-1], "compiled"))


def test_threads_and_full_outboxes_change_nothing(cohort_market, monkeypatch):
    """Chunks of a handful of customers, and outboxes that fill up at once."""
    from churnsim.simulation import roster

    market = cohort_market(400)
    one = run(market, STRATEGIES[-1], "compiled")
    monkeypatch.setattr(roster, "SMALLEST_CHUNK", 7)
    monkeypatch.setattr(roster, "BOX", 9)
    for threads in (1, 2, 5):
        assert_same(one, run(market, STRATEGIES[-1], "compiled", threads=threads))


def test_control_another_seed_is_noticed(cohort_market):
    """The comparison must be able to fail."""
    market = cohort_market(50)
    with pytest.raises(AssertionError):
        assert_same(run(market, STRATEGIES[0], "simpy", seed=1), run(market, STRATEGIES[0], "compiled", seed=2))
