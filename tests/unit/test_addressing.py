"""Truth: mechanics of naming a number of a market or strategy and putting another in its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

import churnsim as cs
from churnsim.decisions.assumptions.ranges import plausible_range
from churnsim.errors import ConfigError
from churnsim.evidence.assumptions import assumptions
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.scenario.parameter_paths import changed, number_at
from churnsim.units import Duration


@pytest.fixture
def setting(cohort_market):
    desk = cs.simulation.ComplaintDesk(staff=2, mean_service_time=0.1, wage_per_period=5.0)
    rewards = cs.Strategy(name="rewards", retention=cs.simulation.RetentionContacts(budget_per_period=60.0), desk=desk)
    return cohort_market(10), (cs.Strategy(name="none"), rewards)


def test_every_assumption_of_the_report_has_an_address(setting):
    market, strategies = setting
    known = cs.simulation.addresses(market, strategies)
    for row in assumptions(market).itertuples():
        assert known[row.parameter] == pytest.approx(row.value)
    assert known["strategy.rewards.desk.staff"] == 2
    assert known["complaints.quick_within"] == 1.0  # a week, in a market of weeks


def test_several_numbers_change_at_once_and_keep_their_kind(setting):
    market, strategies = setting
    # Neither of the first two could be set alone: a failure share of .6 needs that more of the silent leave.
    values = {
        "complaints.failure_share": 0.6, "market.complaints.silent_stay": 0.3, "complaints.quick_within": 2.0,
        "purchases.r": 0.5, "strategy.rewards.desk.staff": 3.0, "strategy.rewards.retention.budget_per_period": 7.0,
    }  # fmt: skip
    after, (none, rewards) = changed(market, strategies, values)
    assert (after.complaints.failure_share, after.complaints.silent_stay) == (0.6, 0.3)
    assert after.complaints.quick_within == Duration(2.0, "W")
    assert after.purchases.r == 0.5
    assert rewards.desk == replace(strategies[1].desk, staff=3)
    assert isinstance(rewards.desk.staff, int)
    assert rewards.retention.budget_per_period == 7.0
    assert none == strategies[0]
    assert market.complaints.failure_share == 0.44
    for address, value in values.items():
        assert number_at(after, (none, rewards), address) == value


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"complaints.failure_shear": 0.1}, "Did you mean 'complaints.failure_share'"),
        ({"strategy.none.retention.budget_per_period": 1.0}, "turn it on first"),
        ({"strategy.rewards.desk.staff": 1.5}, "whole number"),
        ({"complaints.silent_stay": 1.5}, "from 0 to 1"),
        ({"terms.margin": float("nan")}, "finite"),
    ],
)
def test_the_impossible_is_refused_in_words(setting, values, words):
    with pytest.raises(ConfigError, match=words):
        changed(*setting, values)


def test_a_drawn_parameter_cannot_be_set(setting, published_models):
    market, strategies = setting
    with pytest.raises(ConfigError, match=r"replace\(market, draws=\(\)\)"):
        changed(replace(market, draws=(published_models,)), strategies, {"purchases.r": 0.5})


def test_ranges_on_record_are_those_of_beliefs(setting):
    market, _ = setting
    known = plausible_range(market, "market.complaints.stay_slow")
    assert (known.low, known.high, known.status) == (0.5, 0.85, "published (intention)")
    own = cs.evidence.Belief(value=0.3, low=0.2, high=0.4, status="meta-analysis", source="three studies")
    mine = plausible_range(replace(market, beliefs={"terms.margin": own}), "terms.margin")
    assert (mine.low, mine.high, mine.source) == (0.2, 0.4, "three studies")
    size = plausible_range(replace(market, prospects=Prospects(size=20_000.0)), "prospects.size")
    assert (size.low, size.high) == (5e3, 1e5)  # from a quarter to five times, as the default is
    fitted = plausible_range(market, "purchases.r")
    assert fitted.high / fitted.low == pytest.approx(4.0)
    with pytest.raises(ConfigError, match="has no range on record"):
        plausible_range(market, "terms.fixed_cost_per_period")
