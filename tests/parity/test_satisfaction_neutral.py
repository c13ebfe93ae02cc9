"""Truth: agreement. A market with satisfaction whose effects are all 0 lives as one without, event for event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.parity.mechanisms import scenario
from tests.parity.test_engine_events import generated

import churnsim as cs

NEUTRAL = cs.simulation.Satisfaction(equity=0.7, failure_drop=2.0, asymmetry=3.0, indifference=0.1)


def tried_of(drawn, satisfaction):
    """The scenario of a draw, with satisfaction in its market or none."""
    strategy_parts, market_parts, purchases, spend, size, (epoch, epochs), _, _ = drawn
    tried = scenario(
        sorted(strategy_parts),
        sorted(set(market_parts) - {"satisfaction"}),
        purchases=purchases,
        spend=spend,
        size=size,
    )
    period = epoch * epochs
    return cs.Scenario(
        market=replace(tried.market, satisfaction=satisfaction), strategy=tried.strategy,
        horizon=period * max(1, round(16 / period)), period=period, epoch=epoch,
    )  # fmt: skip


@given(generated())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_neutral_satisfaction_changes_nothing_in_generated_scenarios(drawn):
    seed, replication = drawn[-2:]
    for engine in ("compiled", "simpy") if drawn[4] < 15 else ("compiled",):
        without, neutral = (
            cs.simulate(tried_of(drawn, s), seed=seed, replication=replication, engine=engine, log=True)
            for s in (None, NEUTRAL)
        )
        assert neutral.events == without.events
        np.testing.assert_array_equal(neutral.table, without.table)


@pytest.mark.parametrize(
    "effect",
    ["complaint_effect", "word_of_mouth_effect", "referral_effect", "dropout_effect", "spend_effect"],
)
@pytest.mark.parametrize("purchases", ["BG/NBD", "Pareto/NBD", "contract"])
def test_control_each_effect_is_noticed(effect, purchases):
    """Were an effect forgotten, neutrality would prove nothing."""
    parts = ["referral", "word of mouth"]
    tried = scenario(["compensation"], parts, purchases=purchases, size=400, satisfaction=NEUTRAL)
    strong = replace(tried, market=replace(tried.market, satisfaction=replace(NEUTRAL, **{effect: 1.5})))
    before, after = (cs.simulate(t, seed=3, engine="compiled", log=True) for t in (tried, strong))
    assert not np.array_equal(before.table, after.table)
