"""Truth: mechanics of beliefs in a market. Every default has its interval, and a replication has one world."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import churnsim as cs
from churnsim.claims.machinery.claim import ClaimSource, Control, Finding
from churnsim.claims.machinery.verdicts import Answer
from churnsim.decisions import drawn_numbers, shares_of_variance
from churnsim.errors import ConfigError, DataError
from churnsim.evidence import Belief, assumptions, market_beliefs
from churnsim.evidence.assumptions import claimed_numbers
from churnsim.simulation.core.belief import STATUSES
from churnsim.simulation.engine.ledger import COSTS
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.scenario.beliefs import numbers_by_name
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import changed, number_at
from churnsim.units import units_per_year

# Scales, switches that are off, and what falls out of differences: not uncertain, and said so in the source.
CONVENTIONS = {
    "terms.annual_discount_rate", "terms.fixed_cost_per_period", "terms.cost_to_serve", "retention.response_spread",
    "retention.purchase_lift", "bonds.economic_lift", "bonds.social_lift", "win_back.purchase_lift",
    "satisfaction.quality_mean", "satisfaction.quality_spread", "satisfaction.first_expectation",
    "satisfaction.equity", "satisfaction.reference_ratio", "satisfaction.complaint_effect",
    "satisfaction.word_of_mouth_effect", "satisfaction.referral_effect", "satisfaction.dropout_effect",
    "satisfaction.spend_effect", "regularity",
}  # fmt: skip


def belief(value, low, high, **own):
    return Belief(value=value, low=low, high=high, **{"status": "assumed", "source": "test", **own})


@pytest.fixture
def market(cohort_market):
    return cohort_market(200)


@pytest.fixture
def whole(market):
    """A market with every part on."""
    off = {name: kind() for name, kind in parts_of(Market).items() if getattr(market, name) is None}
    return replace(market, **off)


def test_every_default_has_a_status_a_source_and_an_interval(whole):
    fresh = replace(whole, complaints=Complaints())
    known = market_beliefs(fresh)
    assert set(known) == set(numbers_by_name(fresh))
    assert len(known) > 70
    assert {name for name, b in known.items() if b.certain} == CONVENTIONS
    for name, b in known.items():
        assert b.status in STATUSES, name
        assert len(b.source) > 2, name
        assert b.value == pytest.approx(number_at(fresh, (), name)), name
        assert b.certain or b.low < b.value < b.high, name
        for end in (b.low, b.high):
            changed(fresh, (), {name: round(end) if "tell" in name else end})
    claimed = {name for name, b in known.items() if b.status == "claimed"}
    assert claimed == {
        "complaints.complaint_probability", "win_back.success", "referral.rate_per_year",
        "word_of_mouth.dissatisfied_tell",
    }  # fmt: skip
    assert all("'" in known[name].source for name in claimed)  # the text's title


def test_an_interval_goes_with_its_number(market):
    """Positive numbers keep the ratio, shares the difference of log-odds; what is measured without one is exact."""
    default = market_beliefs(market)["retention.spend_scale"]
    own = replace(market, retention=RetentionResponse(spend_scale=3.0, max_effect=0.5))
    moved = market_beliefs(own)
    assert moved["retention.spend_scale"].low / 3.0 == pytest.approx(default.low / default.value)
    odds = [p / (1 - p) for p in (0.05, 0.3, 0.5, moved["retention.max_effect"].low)]
    assert odds[3] / odds[2] == pytest.approx(odds[0] / odds[1])
    origin = cs.simulation.Origin("a trial of 2025", "measured here (randomised)")
    sure = market_beliefs(replace(own, origins={"retention.max_effect": origin}))["retention.max_effect"]
    assert (sure.certain, sure.status, sure.source) == (True, origin.status, origin.source)


def test_a_belief_is_the_number_and_gets_the_law_of_its_domain(market):
    sure = replace(market, beliefs={
        "market.retention.max_effect": belief(0.2, 0.05, 0.6), "prospects.spend_scale": belief(0.5, 0.1, 0.9),
        "win_back.half_life": belief(20.0, 10.0, 60.0),
    })  # fmt: skip
    assert (sure.retention.max_effect, sure.win_back.half_life.to("W")) == (0.2, 20.0)
    assert {name: b.law for name, b in sure.beliefs.items()} == {
        "retention.max_effect": "beta", "prospects.spend_scale": "log-normal", "win_back.half_life": "log-normal",
    }  # fmt: skip
    there = sure.in_replication(0, seed=1)
    assert not there.beliefs
    assert there.retention.max_effect == sure.believed_numbers(0, seed=1)["retention.max_effect"] != 0.2
    assert pickle.loads(pickle.dumps(sure)).in_replication(0, seed=1) == there  # noqa: S301


def test_draws_have_the_law_and_none_is_used_twice(market):
    names = ("retention.max_effect", "cross_selling.max_uplift")
    known = {name: market_beliefs(market)[name] for name in names}
    sure = replace(market, beliefs=known)
    drawn = np.array([list(sure.believed_numbers(k, seed=3).values()) for k in range(1500)])
    assert len(np.unique(drawn)) == drawn.size
    u = np.linspace(0.001, 0.999, 999)
    for column, name in enumerate(names):
        grid = known[name].quantile(u)
        assert stats.kstest(np.interp(drawn[:, column], grid, u), stats.uniform(0, 1).cdf).pvalue > 0.01
    assert abs(stats.spearmanr(drawn).statistic) < 0.08
    assert sure.believed_numbers(0, seed=4) != sure.believed_numbers(0, seed=3)
    # A belief about another number leaves this one's draws as they are.
    alone = replace(market, beliefs={names[1]: known[names[1]]})
    assert alone.believed_numbers(7, seed=3)[names[1]] == drawn[7, 1]


def test_both_engines_meet_the_same_world_and_every_strategy_too(whole):
    sure = replace(whole, customers=cs.Cohort(size=60), beliefs=market_beliefs(whole))
    strategy = cs.Strategy(
        name="s", acquisition=cs.simulation.Acquisition(budget_per_period=40.0),
        retention=cs.simulation.RetentionContacts(budget_per_period=20.0),
        asking=cs.simulation.AskForComplaints(cost_per_purchase=0.05),
        win_back=cs.simulation.WinBack(silent_for=8.0, cost_per_contact=1.0),
    )  # fmt: skip
    scenario = cs.Scenario(market=sure, strategy=strategy, horizon=16.0, period=4.0, epoch=1.0)
    tables = [
        [cs.simulate(scenario, seed=2, replication=k, engine=engine).table for engine in ("compiled", "simpy")]
        for k in (0, 1)
    ]
    for compiled, simpy in tables:
        np.testing.assert_array_equal(compiled, simpy)
    plain = replace(sure, beliefs={})
    at_value = cs.simulate(replace(scenario, market=plain), seed=2)
    fixed = replace(scenario, market=sure.in_replication(0, seed=2))
    assert not np.array_equal(tables[0][0], at_value.table)
    np.testing.assert_array_equal(tables[0][0], cs.simulate(fixed, seed=2).table)


def test_a_market_without_beliefs_is_its_own_replication(market):
    assert market.in_replication(3) is market
    certain = replace(market, beliefs={"terms.margin": belief(0.3, 0.3, 0.3)})
    assert certain.in_replication(3, seed=1) == replace(market, terms=replace(market.terms, margin=0.3))


def test_numbers_that_cannot_be_together_are_drawn_again(market):
    """The failure share of a drawn market never exceeds what leaving after failures allows."""
    own = {name: b for name, b in market_beliefs(market).items() if name.startswith("complaints.")}
    sure = replace(market, beliefs={**own, "complaints.failure_share": belief(0.44, 0.3, 0.75)})
    parts = [sure.in_replication(k, seed=1).complaints for k in range(40)]
    assert all(part.failure_share <= part.leave_after_failure for part in parts)
    assert max(part.quick_share + part.slow_share for part in parts) <= 1
    never = Belief.of_draws([0.1, 0.9], status="assumed", source="test")
    with pytest.raises(ConfigError, match=r"in 1000 draws of replication 1.*Narrow the intervals"):
        replace(market, beliefs={"complaints.quick_share": never}).in_replication(1, seed=1)


def test_draws_of_a_posterior_are_taken_together(market):
    rows = np.array([[0.1, 5.0], [0.2, 4.0], [0.3, 3.0]])
    made = {"status": "measured here (randomised)", "source": "a trial"}
    joint = {
        name: Belief.of_draws(rows[:, i], **made)
        for i, name in enumerate(("retention.max_effect", "retention.spend_scale"))
    }
    sure = replace(market, beliefs=joint)
    assert [list(sure.believed_numbers(k, seed=9).values()) for k in range(3)] == rows.tolist()
    with pytest.raises(ConfigError, match=r"replication 3 has no draw of retention.max_effect: there are 3"):
        sure.in_replication(3, seed=9)


def test_a_number_that_is_set_is_not_drawn(market):
    sure = replace(market, beliefs={n: market_beliefs(market)[n] for n in ("terms.margin", "retention.max_effect")})
    after, _ = changed(sure, (), {"terms.margin": 0.2})
    assert after.terms.margin == 0.2
    assert set(after.beliefs) == {"retention.max_effect"}
    assert after.in_replication(0, seed=1).terms.margin == 0.2


def test_what_is_drawn_is_taken_over_where_another_number_is_set(market):
    names = ("terms.margin", "retention.max_effect", "retention.spend_scale")
    sure = replace(market, beliefs={name: market_beliefs(market)[name] for name in names})
    before = [sure.in_replication(k, seed=1).retention for k in range(3)]
    for name, value, same in (("terms.margin", 0.2, True), ("retention.max_effect", 0.4, False)):
        after, _ = changed(sure, (), {name: value})
        fresh = pickle.loads(pickle.dumps(after))  # noqa: S301
        for k in range(3):
            there = after.in_replication(k, seed=1)
            assert there == fresh.in_replication(k, seed=1)
            assert there.retention.spend_scale == before[k].spend_scale
            assert (there.retention is before[k]) is same
    # Another belief about the same number is drawn anew.
    other = replace(sure, beliefs={**sure.beliefs, names[1]: belief(sure.retention.max_effect, 0.01, 0.9)})
    other.take_draws(sure)
    assert other.in_replication(0, seed=1).retention.max_effect != before[0].max_effect


@pytest.mark.parametrize(
    ("beliefs", "words"),
    [
        ({"retention.max_efect": belief(0.2, 0.1, 0.3)}, "Did you mean 'retention.max_effect'"),
        ({"referral.rate_per_year": belief(0.2, 0.1, 0.3)}, "no number of this market"),
        ({"retention.max_effect": 0.2}, "must be a churnsim.evidence.Belief"),
        ({"retention.max_effect": belief(0.5, -1.0, 2.0, law="normal")}, "from 0 to 1"),
        ({"retention.max_effect": belief(0.5, 0.5, 1.5, law="normal")}, "from 0 to 1"),
        ({"retention.max_effect": belief(0.9, 0.5, 1.5)}, "beta law lies strictly between"),
        ({"retention.harmed_share": belief(0.2, 0.1, 0.3)}, "is 0.05, and the belief about it has the value 0.2"),
    ],
)
def test_beliefs_that_no_market_can_have_are_refused(market, beliefs, words):
    with pytest.raises(ConfigError, match=words):
        replace(market, retention=RetentionResponse(harmed_share=0.05), beliefs=beliefs)


def test_a_draw_needs_the_seed_of_a_run(market):
    with pytest.raises(ConfigError, match="say seed="):
        replace(market, beliefs={"terms.margin": belief(0.3, 0.2, 0.4)}).in_replication(0)


def test_the_table_of_assumptions_has_90_percent_intervals(market):
    half = belief(0.25, 0.1, 0.4, level=0.5, law="normal")
    draws = Belief.of_draws(np.linspace(1.0, 3.0, 201), status="meta-analysis", source="three studies")
    sure = replace(market, beliefs={"retention.max_effect": half, "retention.spend_scale": draws})
    table = assumptions(sure).set_index("parameter")
    z = stats.norm.ppf(0.95) / stats.norm.ppf(0.75)
    own = table.loc["retention.max_effect"]
    assert [own["low"], own["high"]] == pytest.approx([0.25 - 0.15 * z, 0.25 + 0.15 * z])
    assert own[["law", "drawn"]].tolist() == ["normal", True]
    assert table.loc["retention.spend_scale", ["low", "high", "law", "status"]].tolist() == [
        pytest.approx(1.1), pytest.approx(2.9), "draws", "meta-analysis",
    ]  # fmt: skip
    assert table.loc["win_back.success", ["low", "high", "law", "drawn"]].tolist() == [0.1, 0.6, "beta", False]
    exact = table.loc["terms.cost_to_serve"]
    assert (exact["low"], exact["high"], exact["law"], exact["drawn"]) == (0.0, 0.0, "", False)
    assert table.loc["purchases.r", "law"] == ""


def test_the_parameters_of_the_fits_have_the_interval_of_their_draws(market):
    pairs = tuple((replace(market.purchases, r=0.1 + 0.01 * k), market.spend) for k in range(11))
    table = assumptions(replace(market, draws=pairs)).set_index("parameter")
    row = table.loc["purchases.r"]
    assert [row["low"], row["high"]] == pytest.approx([0.105, 0.195])
    assert row[["law", "drawn"]].tolist() == ["estimate", True]
    assert not table.loc["purchases.alpha", "drawn"]
    drawn = drawn_numbers(replace(market, draws=pairs), 11, seed=1)
    assert list(drawn) == ["purchases.r"]


def test_shares_of_variance_are_those_of_the_linear_model():
    """y = 3 a + 2 b + e with independent ranks: 9/14, 4/14, and none for a number without influence."""
    rng = np.random.default_rng(5)
    numbers = pd.DataFrame(rng.normal(size=(4000, 3)), columns=["none", "b", "a"])
    answer = 3 * numbers["a"] + 2 * numbers["b"] + rng.normal(size=4000)
    shares = shares_of_variance(answer, numbers)
    assert list(shares.index) == ["a", "b", "none"]
    np.testing.assert_allclose(shares, [9 / 14, 4 / 14, 0.0], atol=0.03)
    # A monotone influence of any shape.
    assert shares_of_variance(np.exp(5 * numbers["a"]), numbers)["a"] == pytest.approx(1.0)
    assert not shares_of_variance(pd.Series(np.ones(4000)), numbers).any()
    chance = [shares_of_variance(pd.Series(rng.normal(size=40)), numbers[k : k + 40])["a"] for k in range(0, 4000, 40)]
    assert np.mean(chance) < 0.025  # 1/39 without the correction
    with pytest.raises(DataError, match="20 replications"):
        shares_of_variance(answer[:19], numbers[:19])


def test_a_claim_is_told_that_it_rests_on_its_own_figure(market):
    """One chance in ten to complain is a figure of 'Nine steps to loyalty': told to its claims, not to another text's,
    and only where a strategy acts on failures."""
    asks = cs.Strategy(name="asks", asking=cs.simulation.AskForComplaints(cost_per_purchase=0.05))
    none = cs.Strategy(name="none")
    evidence = replace(cs.claims.market_evidence(market), replications=2, horizon=4.0, period=4.0, epoch=1.0)

    def told(title, strategies):
        def judge(evidence, quick, answer=Answer.HOLDS):
            evidence.compare(strategies)
            return Finding(answer=answer, reason="So it is.")

        source = ClaimSource(text=f"'{title}' (2017)", title="")
        control = Control(what="the opposite", inputs={"answer": Answer.FAILS})
        claim = replace(cs.claims["club"], sources=(source,), judge=judge, control=control, planted=None)
        return claim.test(evidence).finding.reason

    rests = told("Nine steps to loyalty", [none, asks])
    assert "measured: complaints.complaint_probability." in rests
    assert rests.endswith("not HOLDS.")  # a figure that is put in does not bear its own text out
    assert told("Nine steps to loyalty", [none]) == "So it is."
    assert told("After-marketing management", [none, asks]) == "So it is."
    known = replace(market, complaints=replace(market.complaints, complaint_probability=0.2))
    assert not claimed_numbers(known, [asks])


@pytest.mark.parametrize("beliefs", [float("nan"), None, [1], "all"])
def test_what_is_no_mapping_of_beliefs_is_refused(market, beliefs):
    with pytest.raises(ConfigError, match="beliefs must be a mapping of addresses to beliefs"):
        replace(market, beliefs=beliefs)


def test_each_future_is_discounted_at_the_rate_that_it_drew(cohort_market):
    """By hand from the outcomes: a comparison, of the run or of what it stored, has the present value of each future at
    its own rate. With one rate all futures have that."""
    rate = {"terms.annual_discount_rate": belief(0.1, 0.01, 0.5)}
    market, strategies = replace(cohort_market(30), beliefs=rate), [cs.Strategy(name="s")]
    run = {"seed": 3, "horizon": 52, "period": 4, "replications": 6}
    found = cs.compare(market, strategies, **run)
    drawn = [market.in_replication(number, seed=3).terms.annual_discount_rate for number in range(6)]
    assert len(set(drawn)) == 6
    table = found.outcomes.set_index(["replication", "period"])
    earned = (table["margin"] - table[list(COSTS)].sum(axis=1)).unstack() / 100
    years = (np.arange(13) + 0.5) * 4 / units_per_year("W")
    by_hand = [float((row * (1 + one) ** -years).sum()) for one, row in zip(drawn, earned.to_numpy(), strict=True)]
    np.testing.assert_allclose(found.values("npv")["s"], by_hand, rtol=1e-12)  # sums of thirteen numbers
    again = cs.decisions.Comparison.from_outcomes(found.outcomes, market=market, period=4.0, seed=3)
    np.testing.assert_array_equal(again.values("equity"), found.values("equity"))
    plain = cs.compare(replace(market, beliefs={}), strategies, **run)
    assert plain.discount_force == market.discount_force
