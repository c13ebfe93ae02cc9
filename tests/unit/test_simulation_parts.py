"""Truth: mechanics of markets, strategies, scenarios, books, ledgers and comparisons."""

from __future__ import annotations

import dataclasses
import pickle
import warnings
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.decisions.comparison.paired import interval, paired_difference
from churnsim.decisions.comparison.replay import replay
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.assumptions import assumptions
from churnsim.simulation.core.assumption import Origin
from churnsim.simulation.engine.bookkeeping import Books, InvariantError
from churnsim.simulation.engine.ledger import ACCOUNTS, Ledger
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.bonds import EconomicBond, SocialBond
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.mechanisms.terms import Terms
from churnsim.simulation.scenario.parameter_paths import addresses, changed
from churnsim.units import Duration


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Terms(margin=30.0), "margin must be from 0 to 1"),
        (lambda: Complaints(quick_share=0.7, slow_share=0.7), "at most 1"),
        (lambda: Complaints(failure_share=0.9), "Lower failure_share"),
        (lambda: Complaints(quick_within=Duration(7, "W")), "slow_within"),
        (lambda: Complaints(quick_within=7.0), "needs its unit"),  # type: ignore[arg-type]
        (lambda: cs.simulation.RetentionContacts(budget_per_period=1.0, rule="recent_buyers"), "needs within"),
        (lambda: cs.simulation.AskForComplaints(cost_per_purchase=0.004), "whole number of cents"),
        (lambda: Prospects(ceiling=1.0), "below 1"),
        (lambda: RetentionResponse(harmed_share=-0.1), "from 0 to 1"),
        (lambda: cs.simulation.RetentionContacts(budget_per_period=1.0, rule="gut feeling"), "gut feeling"),
        (lambda: cs.simulation.ComplaintDesk(staff=0, mean_service_time=1.0, wage_per_period=1.0), "from 1 to"),
        (lambda: cs.simulation.Acquisition(budget_per_period=float("nan")), "at least 0"),
        (lambda: cs.simulation.ChurnChange(factor=2.0), "at most 1"),
        (lambda: cs.Strategy(name=""), "needs a name"),
        (lambda: cs.Cohort(size=-1), "0 or more"),
        (lambda: Origin("me", "believed"), "claimed"),  # type: ignore[arg-type]
    ],
)
def test_the_impossible_is_refused_in_words(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_a_period_must_fit_the_horizon(cohort_market):
    with pytest.raises(ConfigError, match=r"Take horizon = 104"):
        cs.Scenario(market=cohort_market(1), strategy=cs.Strategy(name="n"), horizon=105.0, period=4.0, epoch=1.0)


@pytest.mark.parametrize(
    ("part", "market", "words"),
    [
        (
            {"dismissal": cs.simulation.DismissUnprofitable(periods=1)},
            {},
            "where customers cost",
        ),
        (
            {"referral": cs.simulation.ReferralReward(reward=1.0)},
            {},
            "in a market without referral",
        ),
        ({"structural_bond": cs.simulation.StructuralBond(cost_per_customer=1.0)}, {}, "without competitors"),
        (
            {"acquisition": cs.simulation.Acquisition(budget_per_period=1.0)},
            {"customers": cs.Cohort(size=0)},
            "prospects",
        ),
        *(
            (
                {name: part},
                {"complaints": Complaints(failure_share=0.0)},
                f"{name} .* no purchase fails",
            )
            for name, part in {
                "quality": cs.simulation.ServiceQuality(budget_per_period=1.0),
                "staff": cs.simulation.StaffCare(budget_per_period=1.0),
                "asking": cs.simulation.AskForComplaints(cost_per_purchase=0.05),
                "compensation": cs.simulation.Compensation(cost_per_complaint=1.0),
                "empowered": cs.simulation.EmpoweredStaff(share_at_once=0.5, cost_per_period=1.0),
                "desk": cs.simulation.ComplaintDesk(staff=1, mean_service_time=1.0, wage_per_period=1.0),
            }.items()
        ),
    ],
)
def test_what_cannot_act_in_its_market_is_refused(part, market, words, cohort_market):
    place = replace(cohort_market(1), **market)
    with pytest.raises(ConfigError, match=f"strategy 's': .*{words}"):
        cs.Scenario(market=place, strategy=cs.Strategy(name="s", **part), horizon=4.0, period=4.0, epoch=1.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            {"win_back": {"success": 0.5}},
            "win_back must be of the kind WinBackResponse; got .*Write win_back=",
        ),
        ({"terms": None}, "terms must be of the kind Terms; got None"),
        ({"referral": cs.simulation.ReferralReward(reward=1.0)}, "referral must be of the kind Referral"),
        ({"purchases": {"r": 1.0}}, "no simulation of {'r': 1.0}"),
        ({"spend": 12.0}, "spend must be a spend model such as GammaGamma"),
        ({"customers": 100}, "customers must be a base such as PosteriorBase"),
        ({"draws": (1, 2)}, "draws must be a tuple of pairs"),
        ({"origins": {"terms.margin": "ours"}}, "must be an Origin"),
        ({"regularity": True}, "regularity must be a whole number"),
    ],
)
def test_a_market_of_other_things_is_refused(make, words, cohort_market):
    with pytest.raises(ConfigError, match=words):
        replace(cohort_market(1), **make)


def test_a_strategy_or_scenario_of_other_things_is_refused(cohort_market):
    with pytest.raises(ConfigError, match="retention must be of the kind RetentionContacts; got 100"):
        cs.Strategy(name="s", retention=100.0)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="strategy must be a Strategy; got 'none'"):
        cs.Scenario(market=cohort_market(1), strategy="none", horizon=4.0, period=4.0, epoch=1.0)  # type: ignore[arg-type]


def test_the_old_names_of_a_ledger_warn(cohort_market):
    scenario = cs.Scenario(market=cohort_market(2), strategy=cs.Strategy(name="n"), horizon=4.0, period=4.0, epoch=1.0)
    ledger = cs.simulate(scenario, seed=1)
    assert ledger.money("revenue")[0] == ledger.cents("revenue")[0] / 100
    with pytest.warns(DeprecationWarning, match="cents, money or count"):
        assert (ledger.account("revenue") == ledger.cents("revenue")).all()
    with pytest.warns(DeprecationWarning, match="profit_cents"):
        assert (ledger.profit == ledger.profit_cents).all()
    with pytest.raises(ConfigError, match="no such account 'births'; there are revenue"):
        ledger.cents("births")


def test_an_interrupt_in_a_compiled_call_is_one(cohort_market, monkeypatch):
    """Where numba does not look for an exception, Python wraps Ctrl-C in a SystemError."""
    from churnsim.simulation.engine import compiled_engine

    def stopped(*_, **__):
        raise SystemError("CPUDispatcher(draw_base) returned a result with an exception set") from KeyboardInterrupt()

    scenario = cs.Scenario(market=cohort_market(2), strategy=cs.Strategy(name="n"), horizon=4.0, period=4.0, epoch=1.0)
    monkeypatch.setattr(compiled_engine, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        cs.simulate(scenario, seed=1)
    with pytest.raises(SystemError), cs.errors.interruptible():
        raise SystemError("another one")


def test_an_interrupt_while_a_kernel_is_compiled_is_one(monkeypatch, capsys):
    """Python drops what a signal's handler raises in the callback that takes LLVM's code over."""
    import numba
    from numba.core.registry import cpu_target

    @numba.njit(cache=True)  # which is never written here
    def doubled(x):
        return 2 * x

    def handled(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cpu_target.target_context.codegen()._engine._ee, "_object_cache_notify", handled)
    with pytest.raises(KeyboardInterrupt), cs.errors.interruptible():
        doubled(1.0)
    assert not capsys.readouterr().err  # nothing "ignored"
    assert doubled(1.0) == 2.0
    with pytest.raises(RuntimeError, match="no compiled object"), cs.errors.interruptible():
        raise RuntimeError("no compiled object")


@pytest.mark.parametrize(
    ("market", "strategy", "epoch", "words"),
    [
        # 1 - ln(1.12)/.12 = .0556, 1 - ln(1.095)/.095 = .0447
        ({"referral": cs.simulation.Referral(rate_per_year=1.2)}, {}, 0.1, "5.6% too low, since each waits"),
        ({"word_of_mouth": cs.simulation.WordOfMouth(imitation=0.38)}, {}, 0.25, "4.5% too low at first"),
        # .125 - .2 + .2^2/.25 (1 - e^-1.25) = .0392, 20% of .2
        (
            {},
            {"desk": cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.2, wage_per_period=0.0)},
            0.25,
            "0.0392 years late on average, where answering takes 0.2",
        ),
    ],
)
def test_long_epochs_are_said_with_their_size(market, strategy, epoch, words):
    place = cs.Market(
        customers=cs.Cohort(size=2), purchases=cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=9.0, unit="Y"),
        spend=cs.simulation.FixedSpend(amount=1.0), **market,
    )  # fmt: skip
    tried = cs.Strategy(name="s", **strategy)
    scenario = cs.Scenario(market=place, strategy=tried, horizon=epoch, period=epoch, epoch=epoch)
    run = cs.Experiment(market=place, seed=1, replications=2, horizon=epoch, period=epoch, epoch=epoch)
    total, over = cs.decisions.Quantity(of="s", metric="profit"), ["terms.margin", "terms.annual_discount_rate"]
    ranges = dict.fromkeys(over, (0.1, 0.2))
    for call in (
        lambda: cs.simulate(scenario, seed=1),
        lambda: cs.compare(run, [tried]),
        lambda: cs.decisions.customer_table(run, tried, 0),
        lambda: cs.decisions.customer_tables(run, tried),
        lambda: cs.decisions.assumption_region(run, [tried], total, ranges, cells=2, max_replications=2),
        lambda: cs.decisions.sensitivity(run, [tried], total, ranges, size=2),
    ):
        with pytest.warns(cs.errors.EpochWarning, match=words):
            call()


def test_short_epochs_are_not_warned_of(cohort_market):
    referred = replace(cohort_market(2), referral=cs.simulation.Referral(rate_per_year=1.2))
    short = cs.Scenario(market=referred, strategy=cs.Strategy(name="s"), horizon=4.0, period=4.0, epoch=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", cs.errors.EpochWarning)
        cs.simulate(short, seed=1)


def test_a_negative_rate_over_a_long_time_is_refused():
    """At -50% a year money doubles every year: 10^12 is 2^39.86, and 39.86 years have 2,080 weeks."""
    model = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    summary = pd.DataFrame({"frequency": [2], "recency": [10.0], "T": [30.0]})
    with pytest.raises(ConfigError, match="at most 2080 W"):
        model.residual_transactions(summary, -0.5, horizon=60_000.0)
    assert model.residual_transactions(summary, -0.5, horizon=2000.0)[0] > 0


def test_dismissal_acts_where_customers_cost_something(cohort_market):
    """An account costs, a purchase is made at a loss, or another part spends on single customers."""
    sack = {"name": "s", "dismissal": cs.simulation.DismissUnprofitable(periods=1)}
    dear = replace(cohort_market(1), terms=Terms(cost_to_serve=0.01))
    losing = replace(cohort_market(1), spend=cs.simulation.ProfitByTenure(profits=(-1.0, 2.0)))
    contacts = cs.simulation.RetentionContacts(budget_per_period=1.0)
    for market, more in ((dear, {}), (losing, {}), (cohort_market(1), {"retention": contacts})):
        cs.Scenario(market=market, strategy=cs.Strategy(**sack, **more), horizon=4.0, period=4.0, epoch=1.0)


def test_every_assumption_has_a_source_and_a_status(cohort_market):
    table = assumptions(cohort_market(1))
    assert table["parameter"].is_unique
    assert (table["source"].str.len() > 5).all()
    assert set(table["status"]) == {"measured here (observational)", "published (intention)", "assumed", "claimed"}


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
    own = replace(market, origins={"complaints.silent_stay": Origin("our survey", "measured here (observational)")})
    row = assumptions(own).set_index("parameter").loc["complaints.silent_stay"]
    assert (row["source"], row["status"]) == ("our survey", "measured here (observational)")
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
    assert ledger.profit_cents.tolist() == [9_000, 5_000]
    assert ledger.npv == pytest.approx(90 * np.exp(-0.02) + 50 * np.exp(-0.06), rel=1e-15)
    with pytest.raises(ConfigError, match="no such account"):
        ledger.cents("profit")


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
    # Plain numbers, which a printed result shows as such.
    assert {type(value) for value in (*found.row().values(), *dataclasses.astuple(interval(a)))} == {float, int}


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
    # By the books: 4 periods of 300 on acquisition, and whatever else the accounts between margin and profit hold.
    assert result.values("costs").loc[2, "acquire"] == pytest.approx((one["margin"].sum() - cents.sum()) / 100)
    assert result.values("costs")["acquire"].min() >= 4 * 300 > result.values("costs")["baseline"].max()
    with pytest.raises(ConfigError, match="no metric"):
        result.values("happiness")


def test_a_printed_comparison_says_what_its_intervals_hold(comparison):
    market, strategies, result = comparison
    row = result.differences().iloc[0]
    printed = str(result)
    assert all(f"{row[name]:,.2f}" in printed for name in ("mean", "lower", "upper", "future_lower"))
    assert (
        "differ by chance; the error of the estimates and beliefs about numbers of the market are left out" in printed
    )
    believed = replace(market, beliefs=cs.evidence.market_beliefs(market))
    one = cs.compare(believed, strategies[:1], replications=2, seed=3, horizon=4.0)
    assert "by chance and beliefs about numbers of the market; the error of the estimates is left out" in str(one)


def test_a_market_takes_a_fit_as_the_model_at_its_estimates(cdnow_market, cdnow_models):
    purchases, spend = cdnow_models
    market = cs.Market(customers=cdnow_market.customers, purchases=purchases, spend=spend)
    assert "PosteriorBase: 2,357 customers" in repr(market)
    assert (market.purchases, market.spend) == (purchases.model, spend.model) == (cdnow_market.purchases, market.spend)


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
    with pytest.raises(ConfigError, match="2 or more"):
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


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), deepcopy, replace])  # noqa: S301
def test_what_is_measured_by_customers_outlives_a_copy(copied):
    """8 prospects a customer and contacts of a fiftieth of a purchase by default; a number that was given stays."""
    market = copied(
        cs.Market(
            customers=cs.Cohort(size=10),
            purchases=cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=9.0),
            spend=cs.simulation.FixedSpend(amount=50.0),
            cross_selling=cs.simulation.CrossSellingResponse(spend_scale=3.0),
        )
    )
    larger = replace(market, customers=cs.Cohort(size=20), spend=cs.simulation.FixedSpend(amount=100.0))
    for place, people, scale in ((market, 80.0, 1.0), (larger, 160.0, 2.0)):
        assert (place.prospects.size, place.retention.spend_scale) == (people, scale)
        assert place.cross_selling.spend_scale == 3.0
    # A parameter draw, and another value of one assumption, leave all others as they are.
    drawn = replace(market, draws=((market.purchases, larger.spend),)).in_replication(0)
    varied, _ = changed(market, (), {"spend.amount": 100.0})
    for other in (drawn, varied):
        assert (other.spend, other.retention.spend_scale) == (larger.spend, 1.0)
    before, after = addresses(market), addresses(varied)
    assert [name for name in after if after[name] != before[name]] == ["spend.amount"]


def test_simulate_refuses_what_it_cannot_run(cohort_market):
    scenario = cs.Scenario(market=cohort_market(1), strategy=cs.Strategy(name="n"), horizon=4.0, period=4.0, epoch=1.0)
    with pytest.raises(ConfigError, match="got 'steam'"):
        cs.simulate(scenario, seed=1, engine="steam")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="seed must be"):
        cs.simulate(scenario, seed=-1)


def test_two_parts_of_a_strategy_do_not_set_one_rule(cohort_market, monkeypatch):
    strategy = cs.Strategy(
        name="n", economic_bond=EconomicBond(price_off=0.1), social_bond=SocialBond(joins=0.5, cost_per_member=1.0)
    )
    scenario = cs.Scenario(market=cohort_market(1), strategy=strategy, horizon=4.0, period=4.0, epoch=1.0)
    assert scenario.rules.price == pytest.approx(0.9)
    monkeypatch.setattr(SocialBond, "rules", lambda self, market: {"price": 0.8})
    with pytest.raises(ConfigError, match="EconomicBond and SocialBond both set price"):
        _ = replace(scenario).rules


def test_replay_says_by_how_much_it_misses(cdnow_market, cdnow_split):
    found = replay(cdnow_market, cdnow_split, replications=20, seed=1)
    assert found.actual == 1882
    assert found.covered == (found.lower <= 1882 <= found.upper)
    # BG/NBD on weeks 1-39 expects about 1,650 purchases (the sum of published no. 18): the actual count lies above.
    assert found.miss == pytest.approx(max(0.0, 1882 - found.upper))
    with pytest.raises(DataError, match="split_holdout"):
        replay(cdnow_market, cdnow_split[["frequency", "recency", "T", "monetary_value"]])


def test_a_base_once_drawn_is_at_hand_for_its_models_alone(cdnow_market, monkeypatch):
    base = cdnow_market.customers
    models = {"purchases": cdnow_market.purchases, "spend": cdnow_market.spend}
    first, second = (base.draw(**models, seed=7, replication=number) for number in (0, 1))
    assert base.draw(**models, seed=7, replication=0) is first
    other = replace(cdnow_market.purchases, r=2.0 * cdnow_market.purchases.r)
    drawn = base.draw(purchases=other, spend=cdnow_market.spend, seed=7, replication=0)
    assert not np.array_equal(drawn.traits, first.traits)
    # Another process, and one that has no room, draw the same.
    sent = deepcopy(base)
    np.testing.assert_array_equal(sent.draw(**models, seed=7, replication=1).traits, second.traits)
    monkeypatch.setattr("churnsim.simulation.customers.base.KEPT", 0)
    full = deepcopy(base)
    again = [full.draw(**models, seed=7, replication=number) for number in (0, 1, 1, 0)]
    assert again[1] is again[2]
    assert again[0] is not again[3]
    np.testing.assert_array_equal(again[3].traits, first.traits)
