"""Truth: mechanics of markets, strategies, scenarios, books, ledgers and comparisons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import churnsim as cs
from churnsim.decisions.comparison.paired import interval, paired_difference
from churnsim.decisions.comparison.replay import replay
from churnsim.errors import ConfigError, DataError
from churnsim.simulation.core.assumption import Origin
from churnsim.simulation.engine.bookkeeping import Books, InvariantError
from churnsim.simulation.engine.ledger import ACCOUNTS, Ledger
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.mechanisms.terms import Terms
from churnsim.simulation.scenario.market import assumptions
from churnsim.units import Duration


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Terms(margin=30.0), "Thirty percent is 0.30"),
        (lambda: Complaints(quick_share=0.7, slow_share=0.7), "at most 1"),
        (lambda: Complaints(failure_share=0.9), "Lower failure_share"),
        (lambda: Complaints(quick_within=Duration(7, "W")), "slow_within"),
        (lambda: Complaints(quick_within=7.0), "needs its unit"),  # type: ignore[arg-type]
        (lambda: cs.simulation.RetentionContacts(budget_per_period=1.0, rule="recent_buyers"), "needs within"),
        (lambda: cs.simulation.AskForComplaints(cost_per_purchase=0.004), "whole number of cents"),
        (lambda: Prospects(ceiling=1.0), "below 1"),
        (lambda: RetentionResponse(harmed_share=-0.1), "between 0 and 1"),
        (lambda: cs.simulation.RetentionContacts(budget_per_period=1.0, rule="gut feeling"), "gut feeling"),
        (lambda: cs.simulation.ComplaintDesk(staff=0, mean_service_time=1.0, wage_per_period=1.0), "1 or more"),
        (lambda: cs.simulation.Acquisition(budget_per_period=float("nan")), "0 or more"),
        (lambda: cs.simulation.ChurnChange(factor=2.0), "between 0 and 1"),
        (lambda: cs.Strategy(name=""), "needs a name"),
        (lambda: cs.Cohort(size=-1), "0 or more"),
        (lambda: Origin("me", "believed"), "measured here"),  # type: ignore[arg-type]
    ],
)
def test_the_impossible_is_refused_in_words(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_a_period_must_fit_the_horizon(cohort_market):
    with pytest.raises(ConfigError, match=r"Take horizon = 104"):
        cs.Scenario(market=cohort_market(1), strategy=cs.Strategy(name="n"), horizon=105.0, period=4.0, epoch=1.0)


def test_every_assumption_has_a_source_and_a_status(cohort_market):
    table = assumptions(cohort_market(1))
    assert table["parameter"].is_unique
    assert (table["source"].str.len() > 5).all()
    assert set(table["status"]) == {"measured here", "published", "assumed"}


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"social_bond": cs.simulation.SocialBond(joins=0.3, cost_per_member=0.1)},
        {"desk": cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.1, wage_per_period=5.0),
         "retention": cs.simulation.RetentionContacts(budget_per_period=20.0)},
        {"asking": cs.simulation.AskForComplaints(cost_per_purchase=0.05),
         "economic_bond": cs.simulation.EconomicBond(price_off=0.1)},
    ],
    ids=["nothing", "club", "desk", "asking"],
)  # fmt: skip
def test_a_number_that_is_left_out_of_a_strategys_assumptions_changes_nothing(cohort_market, own):
    """All the numbers that are left out are changed at once: not one cent of the ledger may move."""
    market, strategy = cohort_market(200), cs.Strategy(name="s", **own)
    shown = set(assumptions(market, [strategy])["parameter"])
    left_out = [name for name in assumptions(market)["parameter"] if name not in shown]
    parts = {}
    for name in left_out:
        part, _, number = name.partition(".")
        value = getattr(getattr(market, part), number)
        smaller = Duration(value.value * 0.7, value.unit) if isinstance(value, Duration) else 0.7 * value + 0.01
        parts.setdefault(part, {})[number] = smaller
    other = replace(market, **{part: replace(getattr(market, part), **new) for part, new in parts.items()})
    tables = [
        cs.simulate(cs.Scenario(market=m, strategy=strategy, horizon=12.0, period=4.0, epoch=1.0), seed=1).table
        for m in (market, other)
    ]
    assert len(left_out) > 15
    np.testing.assert_array_equal(*tables)


def test_what_a_strategy_assumes_of_customers_is_among_the_assumptions(cohort_market):
    club = cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.3, cost_per_member=0.1))
    table = assumptions(cohort_market(1), [club]).set_index("parameter")
    assert table.loc["club: social_bond.joins", ["value", "status"]].tolist() == [0.3, "assumed"]
    cost = table.loc["club: social_bond.cost_per_member"]
    assert cost[["unit", "status"]].tolist() == ["money per active member and period, on top of the budget", "chosen"]
    assert "bonds.social_effect" in table.index
    assert not {"bonds.economic_effect", "win_back.success", "retention.max_effect"} & set(table.index)


def test_a_changed_number_loses_its_default_source(cohort_market):
    market = cohort_market(1, silent_stay=0.5)
    row = assumptions(market).set_index("parameter").loc["complaints.silent_stay"]
    assert (row["value"], row["status"]) == (0.5, "assumed")
    own = replace(market, origins={"complaints.silent_stay": Origin("our survey of 2026", "measured here")})
    row = assumptions(own).set_index("parameter").loc["complaints.silent_stay"]
    assert (row["source"], row["status"]) == ("our survey of 2026", "measured here")
    with pytest.raises(ConfigError, match="silent_say"):
        assumptions(replace(market, origins={"complaints.silent_say": Origin("typo", "assumed")}))


def test_failures_and_organic_dropout_add_up_to_p():
    """phi p + (1 - phi p) o = p, the identity that keeps the fitted model the baseline."""
    from churnsim.kernels.engine.event_rules import organic_probability

    for p in (0.0, 0.1, 0.5, 0.99, 1.0):
        for share in (0.0, 0.3, 0.9):
            assert share * p + (1 - share * p) * organic_probability(p, share) == pytest.approx(p, abs=1e-15)


def test_npv_by_hand():
    table = np.zeros((2, len(ACCOUNTS)), dtype=np.int64)
    table[:, ACCOUNTS.index("margin")] = (10_000, 5_000)
    table[:, ACCOUNTS.index("retention")] = (1_000, 0)
    ledger = Ledger(table=table, period=4.0, discount_force=0.01)
    assert ledger.profit.tolist() == [9_000, 5_000]
    assert ledger.npv == pytest.approx(90 * np.exp(-0.02) + 50 * np.exp(-0.06), rel=1e-15)
    with pytest.raises(ConfigError, match="no account"):
        ledger.account("profit")


def test_control_books_that_do_not_close_are_caught():
    books = Books(periods=1, active=10, log=True)
    books.open(0)
    books.note(0.5, 1, "birth")
    books.close(counted=11)
    with pytest.raises(InvariantError, match="running count"):
        books.close(counted=12)
    books.note(0.6, 1, "complaint")
    with pytest.raises(InvariantError, match="1 complaints"):
        books.check_totals(waiting=0)
    books.note(0.7, 1, "purchase", 500)
    with pytest.raises(InvariantError, match="cents"):
        books.check_totals(waiting=1)


def test_paired_difference_against_its_formulas():
    generator = np.random.default_rng(1)
    common = generator.normal(size=40)
    a, b = common + 0.1 * generator.normal(size=40) + 1, common + 0.1 * generator.normal(size=40)
    found = paired_difference(a, b)
    d = a - b
    assert found.mean == pytest.approx(d.mean())
    # 2.0227 is the 97.5% point of Student's t with 39 degrees of freedom.
    assert found.upper - found.mean == pytest.approx(2.0227 * d.std(ddof=1) / np.sqrt(40), rel=1e-4)
    assert found.variance_reduction == pytest.approx((a.var(ddof=1) + b.var(ddof=1)) / d.var(ddof=1))
    assert found.variance_reduction > 20
    # Control: without common numbers nothing is won.
    assert paired_difference(a, generator.permutation(b)).variance_reduction < 3
    with pytest.raises(ConfigError, match="at least 2"):
        interval(np.array([1.0]))
    with pytest.raises(ConfigError, match="same replications"):
        paired_difference(a, b[:3])


@pytest.fixture(scope="module")
def comparison(published_models):
    purchases, spend = published_models
    market = cs.Market(customers=cs.Cohort(size=200), purchases=purchases, spend=spend)
    strategies = [
        cs.Strategy(name="baseline"),
        cs.Strategy(name="acquire", acquisition=cs.simulation.Acquisition(budget_per_period=300.0)),
        cs.Strategy(name="contact", retention=cs.simulation.RetentionContacts(budget_per_period=300.0)),
    ]
    return market, strategies, cs.compare(market, strategies, replications=4, seed=3, horizon=16.0)


def test_metrics_agree_with_the_outcomes(comparison):
    _, _, result = comparison
    frame = result.outcomes
    one = frame[(frame["strategy"] == "acquire") & (frame["replication"] == 2)]
    assert result.values("revenue").loc[2, "acquire"] == pytest.approx(one["revenue"].sum() / 100)
    assert result.values("active_end").loc[2, "acquire"] == one["active_end"].iloc[-1]
    assert result.values("active_start").loc[2, "acquire"] == one["active_start"].iloc[0]
    cents = one["margin"] - one["acquisition"] - one["retention"] - one["service"] - one["recovery"] - one["fixed"]
    assert result.values("profit").loc[2, "acquire"] == pytest.approx(cents.sum() / 100)
    with pytest.raises(ConfigError, match="no metric"):
        result.values("happiness")


def test_npv_of_the_comparison_is_the_ledgers(comparison):
    market, strategies, result = comparison
    scenario = cs.Scenario(market=market, strategy=strategies[1], horizon=16.0, period=4.0, epoch=1.0)
    assert result.values("npv").loc[3, "acquire"] == pytest.approx(cs.simulate(scenario, seed=3, replication=3).npv)


def test_all_pairs_hold_jointly(comparison):
    """Bonferroni: three pairs at a joint 95% are wider than one at 95%."""
    _, _, result = comparison
    single = result.differences().set_index("strategy").loc["acquire"]
    pairs = result.differences(against=None)
    assert len(pairs) == 3
    joint = pairs[(pairs["strategy"] == "acquire") & (pairs["against"] == "baseline")].iloc[0]
    assert joint["mean"] == pytest.approx(single["mean"])
    assert joint["upper"] - joint["lower"] > 1.3 * (single["upper"] - single["lower"])
    with pytest.raises(ConfigError, match="no strategy"):
        result.differences(against="nobody")


def test_workers_do_not_change_the_outcomes(comparison):
    market, strategies, result = comparison
    two = cs.compare(market, strategies, replications=4, seed=3, horizon=16.0, workers=2)
    assert two.outcomes.equals(result.outcomes)


def test_a_comparison_refuses_what_it_cannot_pair(comparison):
    market, strategies, result = comparison
    with pytest.raises(ConfigError, match="different names"):
        cs.compare(market, [strategies[0], strategies[0]], replications=2, seed=1, horizon=4.0)
    with pytest.raises(ConfigError, match="at least 2"):
        cs.compare(market, strategies, replications=1, seed=1, horizon=4.0)
    lame = result.outcomes[~((result.outcomes["strategy"] == "acquire") & (result.outcomes["replication"] == 1))]
    with pytest.raises(ConfigError, match="cannot be paired"):
        cs.decisions.Comparison.from_outcomes(lame, market=market, period=4.0).values("npv")


def test_parameter_draws_change_with_the_replication(cdnow_market, cdnow_models):
    fit, spend = cdnow_models
    draws = tuple(zip(fit.draw_parameters(3, seed=1), spend.draw_parameters(3, seed=2), strict=True))
    market = replace(cdnow_market, draws=draws)
    assert market.in_replication(1).purchases == draws[1][0]
    assert market.in_replication(2).spend == draws[2][1]
    with pytest.raises(ConfigError, match="the market has 3 draws"):  # none is used twice
        market.in_replication(3)
    assert cdnow_market.in_replication(4) is cdnow_market


def test_simulate_refuses_what_it_cannot_run(cohort_market):
    scenario = cs.Scenario(market=cohort_market(1), strategy=cs.Strategy(name="n"), horizon=4.0, period=4.0, epoch=1.0)
    with pytest.raises(ConfigError, match="unknown engine"):
        cs.simulate(scenario, seed=1, engine="steam")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="seed must be"):
        cs.simulate(scenario, seed=-1)


def test_replay_says_by_how_much_it_misses(cdnow_market, cdnow_split):
    found = replay(cdnow_market, cdnow_split, replications=20, seed=1)
    assert found.actual == 1882
    assert found.covered == (found.lower <= 1882 <= found.upper)
    # BG/NBD on weeks 1-39 expects about 1,650 purchases (the sum of published no. 18): the actual count lies above.
    assert found.miss == pytest.approx(max(0.0, 1882 - found.upper))
    with pytest.raises(DataError, match="split_holdout"):
        replay(cdnow_market, cdnow_split[["frequency", "recency", "T", "monetary_value"]])
