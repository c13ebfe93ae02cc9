"""Truth: the rule "p_alive" picks by the closed form of BG/NBD, anew at each review, by what the firm knows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.simulation import ContractualLifetime, FixedSpend, RetentionContacts, Strategy
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.mechanisms.review import Review, Visible
from churnsim.study.config.config_file import read_config

MODEL = cs.BGNBD(r=0.25, alpha=4.4, a=0.8, b=2.5)


def contacts(low, high, budget=10.0):
    return RetentionContacts(budget_per_period=budget, rule="p_alive", p_alive_above=low, p_alive_below=high)


def review_of(first, last, purchases, there, now):
    whole = np.array(purchases, dtype=np.int64)
    seen = Visible(
        uid=np.arange(whole.size), known=np.ones(whole.size, dtype=bool), there=np.array(there),
        first_purchase=np.array(first), last_purchase=np.array(last), purchases=whole, repeat_revenue=whole,
        response=np.zeros(whole.size), attempts=whole,
    )  # fmt: skip
    others = dict.fromkeys(("market", "firm", "books", "period", "span", "numbers", "rules", "address"))
    return Review(fitted=MODEL, customers=SimpleNamespace(visible=lambda: seen), now=now, **others)


def test_it_picks_by_the_closed_form_and_only_whom_it_knows():
    """Fader, Hardie & Lee (2005), Marketing Science 24, p. 279: 1 / (1 + a / (b + x - 1) ((alpha + T) / (alpha +
    t_x))^(r + x)) where x > 0; without a repeat purchase nobody can have left."""
    first, last, x = [-30.0, -30.0, -20.0, 4.0, 10.0], [8.0, -20.0, -20.0, 9.0, 10.0], [5, 3, 0, 1, 0]
    review = review_of(first, last, x, [True, True, True, True, False], now=10.0)
    by_hand = []
    for f, t, n in zip(first, last, x, strict=True):
        odds = 0.8 / (2.5 + n - 1) * ((4.4 + 10.0 - f) / (4.4 + t - f)) ** (0.25 + n) if n else 0.0
        by_hand.append(1 / (1 + odds))
    found = review.p_alive()
    np.testing.assert_allclose(found[:4], by_hand[:4], rtol=1e-12)
    assert np.isnan(found[4])
    low, high = 0.2, 0.9
    wanted = [low <= chance <= high for chance in by_hand[:4]] + [False]
    assert wanted == [True, False, False, True, False]  # one of each kind
    assert contacts(low, high).picks(review.seen, 10.0, review.p_alive).tolist() == wanted
    assert not review_of([], [], [], np.zeros(0, dtype=bool), 10.0).p_alive().size


def test_customers_are_judged_anew_at_each_review(cdnow_split, cdnow_market):
    """At the start by the summary; a year later many of those are past the band, and others have come into it."""
    chance = cdnow_market.purchases.p_alive(cdnow_split)
    strategy = Strategy(name="a", retention=contacts(0.3, 0.7, budget=1e-6))
    scenario = cs.Scenario(market=cdnow_market, strategy=strategy, horizon=52.0, period=26.0, epoch=26.0)
    told = cs.simulate(scenario, seed=1).frame()["contacts"].tolist()
    assert told[0] == ((chance >= 0.3) & (chance <= 0.7)).sum()
    assert told[0] > told[1] > 0


def test_the_firm_knows_its_estimates_and_not_the_draw_that_a_replication_lives_by():
    drawn = cs.BGNBD(r=0.5, alpha=4.4, a=0.8, b=2.5)
    spend = FixedSpend(amount=10.0)
    market = cs.Market(customers=cs.Cohort(size=5), purchases=MODEL, spend=spend, draws=((drawn, spend),))
    scenario = cs.Scenario(
        market=market, strategy=Strategy(name="a", retention=contacts(0.1, 0.9)), horizon=4, period=4, epoch=4
    )
    inputs = ReplicationInputs.of(scenario, seed=1, replication=0)
    assert (inputs.fitted, inputs.market.purchases) == (MODEL, drawn)


def test_a_study_without_the_rule_is_the_study_that_it_was():
    study = read_config(Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml")
    assert "p_alive" not in str(study.canonical())
    rules = study.canonical()["strategy"][0]["retention"]
    assert {"rule", "gaps", "within"} <= set(rules)


def test_what_cannot_pick_anybody_is_refused():
    with pytest.raises(ConfigError, match="nobody is between"):
        contacts(0.5, 0.5)
    with pytest.raises(ConfigError, match="needs p_alive_below"):
        RetentionContacts(budget_per_period=1.0, rule="p_alive", p_alive_above=0.1)
    with pytest.raises(ConfigError, match="p_alive_above must be"):
        contacts(-0.1, 0.5)
    contract = ContractualLifetime(term=1.0, hazards=(0.2,), unit="Y")
    market = cs.Market(customers=cs.Cohort(size=5), purchases=contract, spend=FixedSpend(amount=1.0))
    with pytest.raises(ConfigError, match="who leaves a contract is seen to leave"):
        cs.Scenario(
            market=market, strategy=Strategy(name="a", retention=contacts(0.1, 0.9)), horizon=4, period=4, epoch=4
        )
