"""Break-even values against the algebra of a line and of Fieller's interval; chances to be best by counting."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import skew
from scipy.stats import t as student

import churnsim as cs
from churnsim.decisions import Quantity, break_even, variance_split
from churnsim.decisions.assumptions.break_even import BreakEven, Curve
from churnsim.decisions.assumptions.levers import LEVERS, alone
from churnsim.decisions.comparison.compare import chance_to_be_best
from churnsim.decisions.comparison.paired import interval
from churnsim.errors import ConfigError
from churnsim.records.run import Chance, Difference
from churnsim.study.config.config_file import parse_config
from churnsim.study.stages.break_even_stage import (
    _Look,
    break_even_replications,
    break_evens,
    mechanisms_alone,
    most_promising,
)
from churnsim.study.stages.comparison_stage import no_comparison
from churnsim.study.stages.market_stage import build_strategies
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import OUTCOMES, RunStore, write_parquet

NOTHING = cs.Strategy(name="nothing")
CLUB = cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.5, cost_per_member=2.0))
COST = "strategy.club.social_bond.cost_per_member"


@pytest.fixture(scope="module")
def experiment():
    market = cs.Market(
        customers=cs.Cohort(size=40),
        purchases=cs.BGNBD(r=1.0, alpha=2.0, a=1.0, b=4.0),
        spend=cs.simulation.FixedSpend(amount=40.0),
        bonds=cs.simulation.BondResponse(social_effect=0.8),
    )
    return cs.Experiment(market=market, seed=3, horizon=24, replications=10)


def by_cost(experiment, cost):
    """The differences by replication where a member costs `cost`, from the ordinary comparison."""
    club = cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.5, cost_per_member=cost))
    values = cs.compare(experiment, [club, NOTHING]).values("npv")
    return (values["club"] - values["nothing"]).to_numpy()


def test_a_line_is_solved_as_algebra_does(experiment):
    """What a club brings does not depend on its price, so that profit is G - c M in each replication: the zero is the
    ratio of the means. At the ends of its interval 0 is just in the interval of the mean of G - c M: one of the two
    statistics, Student's T and Hall's T + g T^2/3 + (g T)^2 T/27 + g/6 with g the skewness over the root of n, is the
    t quantile, and the other is beyond it."""
    found = break_even(experiment, [CLUB, NOTHING], Quantity(of="club", against="nothing"), COST)
    free, dear = by_cost(experiment, 0.0), by_cost(experiment, 1.0)
    G, M = free, free - dear
    c = G.mean() / M.mean()
    assert found.pays == "below"
    assert found.at == pytest.approx(c, abs=0.01)
    for end in (found.lower, found.upper):
        D = G - end * M
        T, g = D.mean() / D.std(ddof=1) * np.sqrt(D.size), skew(D) / np.sqrt(D.size)
        hall = T + g * T**2 / 3 + (g * T) ** 2 * T / 27 + g / 6
        assert min(abs(T), abs(hall)) == pytest.approx(student.ppf(0.975, D.size - 1), rel=0.03)
    assert [a[0] < b[0] for a, b in pairwise(found.points)] == [True] * (len(found.points) - 1)
    assert f"above 0 for {COST} below" in str(found)
    assert str(found).endswith("the error of the estimates and beliefs about numbers of the market are left out.")


def test_the_same_with_several_workers_and_from_another_start(experiment):
    asked = ([CLUB, NOTHING], Quantity(of="club", against="nothing"), COST)
    counted = []
    alone = break_even(replace(experiment, progress=counted.append), *asked)
    assert break_even(replace(experiment, workers=3), *asked) == alone
    assert sum(counted) == 10 * (len(alone.points) + 1)  # doing nothing is run once
    elsewhere = cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.5, cost_per_member=0.05))
    far = break_even(experiment, [elsewhere, NOTHING], asked[1], COST, between=(0.01, 10.0))
    assert far.at == pytest.approx(alone.at, abs=0.02)


PAID = {
    "desk": cs.simulation.ComplaintDesk(staff=2, mean_service_time=0.1, wage_per_period=5.0),
    "social_bond": cs.simulation.SocialBond(joins=0.5, cost_per_member=2.0),
    "structural_bond": cs.simulation.StructuralBond(cost_per_customer=0.5),
}


@pytest.mark.parametrize("mechanism", [name for name, levers in LEVERS.items() if any(lever.paid for lever in levers)])
def test_what_is_paid_runs_along_a_line(experiment, mechanism):
    """Two values tell what a simulation of a third gives, up to the cents to which each of six periods is rounded."""
    strategy = cs.Strategy(name="own", **{mechanism: PAID[mechanism]})
    (lever,) = LEVERS[mechanism]
    rivals = cs.simulation.Competitors()
    experiment = replace(experiment, market=replace(experiment.market, competitors=rivals))  # a tie is against them
    line, simulated = (
        Curve.of(
            experiment, [strategy, NOTHING], of="own", against=NOTHING.name, metrics=("npv", "equity", "margin"),
            address=lever.address_in(strategy, mechanism), between=None, replications=3, level=0.95, linear=linear,
        )
        for linear in (True, False)
    )  # fmt: skip
    assert line.at(1.23) == pytest.approx(simulated.at(1.23), abs=0.01 * 6)
    assert np.abs(line.at(1.23) - line.at(line.value)).max() > 1  # which is not the same everywhere


def test_where_it_never_or_always_pays(experiment):
    asked = ([CLUB, NOTHING], Quantity(of="club", against="nothing"), COST)
    always = break_even(experiment, *asked, between=(1.9, 2.1))
    assert (always.pays, always.at, always.lower) == ("always", None, None)
    assert "always above 0" in str(always)
    assert always.sure == (min(point[2] for point in always.points) > 0)
    dear = cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.5, cost_per_member=90.0))
    assert break_even(experiment, [dear, NOTHING], asked[1], COST, between=(80.0, 90.0)).pays == "never"
    free = cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.5, cost_per_member=0.0))
    # What concerns both strategies is changed for both: at a margin of 0 neither brings anything and the club costs.
    margin = break_even(experiment, [free, NOTHING], asked[1], "terms.margin", between=(0.0, 1.0))
    assert margin.pays == "above"
    assert margin.at == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("pays", ["always", "never"])
def test_what_keeps_its_sign_on_average_may_break_even_all_the_same(experiment, pays):
    """The zero lies just beyond the range: the part of its interval that is within is told."""
    whole = break_even(experiment, [CLUB, NOTHING], Quantity(of="club", against="nothing"), COST)
    between, cost = ((2.0, whole.at - 0.05), 2.0) if pays == "always" else ((whole.at + 0.05, 9.0), 9.0)
    club = cs.Strategy(name="club", social_bond=replace(CLUB.social_bond, cost_per_member=cost))
    found = break_even(experiment, [club, NOTHING], Quantity(of="club", against="nothing"), COST, between=between)
    assert (found.pays, found.at, found.sure) == (pays, None, False)
    told, beyond = (found.lower, found.upper)[:: 1 if pays == "always" else -1]
    assert told == pytest.approx(whole.lower if pays == "always" else whole.upper, rel=0.1)
    assert beyond is None
    assert "on average, but its interval includes 0" in str(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": Quantity(of="club")}, "a difference of two strategies"),
        ({"between": (3.0, 4.0)}, "must hold its value, 2"),
        ({"address": "retention.harmed"}, "Did you mean"),
        ({"address": "referral_rate"}, "no number at"),
        ({"address": "win_back.success", "between": (0.1, 7.0)}, "from 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(experiment, change, message):
    asked = {"quantity": Quantity(of="club", against="nothing"), "address": COST} | change
    with pytest.raises(ConfigError, match=message):
        break_even(experiment, [CLUB, NOTHING], **asked, replications=2)


def test_chances_and_losses_are_what_counting_gives():
    rng = np.random.default_rng(4)
    values = pd.DataFrame(rng.integers(0, 6, (300, 3)).astype(float), columns=["a", "b", "c"])
    chance, loss = dict.fromkeys("abc", 0.0), dict.fromkeys("abc", 0.0)
    for row in values.to_dict("records"):
        top = max(row.values())
        winners = [name for name, value in row.items() if value == top]
        for name, value in row.items():
            chance[name] += (name in winners) / len(winners) / 300
            loss[name] += (top - value) / 300
    found = chance_to_be_best(values).set_index("strategy")
    assert found["chance"].to_dict() == pytest.approx(chance)
    assert found["loss"].to_dict() == pytest.approx(loss)
    assert ((found["chance_lower"] < found["chance"]) & (found["chance"] < found["chance_upper"])).all()
    assert found["chance"].sum() == pytest.approx(1.0)


def test_a_loss_that_was_never_seen_has_no_upper_limit():
    """With differences of mean and deviation 1 the best one's loss is phi(1) - Phi(-1) = .083; 20 replications see it
    in a few, or not at all. A t interval holds it in 80% of 300 such runs."""
    values, held, plain = np.random.default_rng(1).normal(1.0, 1.0, (300, 20)), 0, 0
    for ahead in values:
        found = chance_to_be_best(pd.DataFrame({"a": ahead, "b": 0.0})).set_index("strategy").loc["a"]
        seen = (ahead < 0).any()
        assert np.isnan(found["loss_upper"]) == (not seen)
        held += bool(found["loss_lower"] <= 0.0833 and (not seen or found["loss_upper"] >= 0.0833))
        told = interval(np.maximum(-ahead, 0.0))
        plain += told.lower <= 0.0833 <= told.upper
    assert held > 0.93 * 300 > 0.85 * 300 > plain
    assert Chance.of_frame(chance_to_be_best(pd.DataFrame({"a": [2.0, 3.0], "b": 0.0})))[0].loss_upper is None


def test_the_best_among_some(experiment):
    comparison = cs.compare(experiment, [CLUB, NOTHING, cs.Strategy(name="idle")], replications=4)
    assert comparison.best()["chance"].tolist() == [1.0, 0.0, 0.0]
    among = comparison.best("equity", among=["nothing", "club"])
    assert among["strategy"].tolist() == ["nothing", "club"]
    assert among["metric"].unique().tolist() == ["equity"]
    with pytest.raises(ConfigError, match="no strategy 'best'"):
        comparison.best(among=["best"])


STUDY = """
name = "firm"
title = "Firm"
question = "What would it take?"
seed = 3
[data]
dataset = "cdnow"
unit = "W"
calibration_end = 1997-09-30
[models]
[simulation]
horizon = "4 W"
period = "4 W"
epoch = "1 W"
replications = 20
[budget]
per_period = 60.0
[[strategy]]
name = "baseline"
acquisition = { budget_share = 0.5 }
retention = { budget_share = 0.5, rule = "all" }
[[strategy]]
name = "keep"
retention = { budget_share = 1.0, rule = "recent_buyers", within = "6 W" }
[[strategy]]
name = "talk"
desk = { budget_share = 0.5, staff = 1, mean_service_time = "0.5 W" }
asking = { cost_per_purchase = 0.05 }
[[strategy]]
name = "other"
win_back = { silent_for = "4 W", cost_per_contact = 1.0 }
reference = true
[comparison]
[claims]
test = []
"""


def test_a_study_looks_at_each_mechanism_alone(experiment, tmp_path):
    config, market = parse_config(STUDY, folder=tmp_path), replace(experiment.market, customers=cs.Cohort(size=10))
    strategies = build_strategies(config)
    mechanisms = mechanisms_alone(config, strategies, {})
    told = {name: (most.name, strategy.budget_per_period) for name, strategy, most in mechanisms}
    assert told == {"acquisition": ("baseline", 60.0), "retention": ("keep", 60.0), "desk": ("talk", 30.0)}
    assert mechanisms[2][1].asking is not None  # who answers complaints may have asked for them
    assert [name for name, _, _ in mechanisms_alone(config, strategies, {"baseline": "", "talk": ""})] == ["retention"]
    assert break_even_replications(config) == 20
    counted: list[int] = []
    own = cs.Experiment(market=market, seed=config.seed, horizon=4, period=4, epoch=1, replications=20)
    compared = cs.compare(own, [strategies[1], NOTHING])
    store = RunStore.open(tmp_path, "firm", "0" * 64)
    write_parquet(store.directory / OUTCOMES, compared.outcomes)
    found = break_evens(
        config, market, mechanisms, pair=(strategies[1], NOTHING), store=store,
        executor=Executor(workers=2, backend="threads"), edge=lambda _: nullcontext(), done=counted.append,
    )  # fmt: skip
    assert counted == [1, 1, 1, 1]
    assert found.variance is not None
    assert (found.variance.strategy, found.variance.chance.mean) == ("keep", 1.0)  # nothing else is drawn
    split = variance_split(own, [strategies[1], NOTHING], Quantity(of="keep", against=NOTHING.name))
    assert found.variance.sd == split.sd  # from the outcomes that are stored
    rows = {(row.lever, row.metric): row for part in found.alone for row in part.rows}
    prospects = market.prospects
    # A period's money over the customers that it wins of the whole pool.
    won = prospects.size * prospects.ceiling * (1 - np.exp(-60 / (prospects.size * prospects.spend_scale)))
    assert rows["customer_cost", "npv"].value == pytest.approx(60 / won)
    cost = rows["customer_cost", "npv"]
    assert (cost.low, cost.high) == pytest.approx((60 / won / 16, 60 / won * 16))
    # What pays above a share of the prospects pays below a cost, and the ends of the interval change places.
    (lever,) = LEVERS["acquisition"]
    ceiling = prospects.ceiling
    found_at = BreakEven(
        quantity="", address=lever.address, value=ceiling, pays="above", at=2 * ceiling, lower=ceiling, upper=None,
        between=(ceiling / 16, ceiling * 16), level=0.95, replications=20, points=(),
    )  # fmt: skip
    row = _Look(own, "acquisition", mechanisms[0][1], strategies[0], 20, 0.95, {})._row(lever, "npv", found_at)
    assert (row.pays, row.lower, row.at, row.upper) == ("below", None, pytest.approx(30 / won), pytest.approx(60 / won))
    assert (rows["contact_effect", "npv"].low, rows["contact_effect", "npv"].high) == (0.0, 1.0)
    assert (rows["wage", "npv"].value, rows["wage", "npv"].status) == (30.0, "chosen")
    keep = found.alone[1]
    (row,) = compared.differences(against="nothing").to_dict("records")
    assert (keep.gain.mean, keep.gain.lower) == pytest.approx((row["mean"], row["lower"]))
    # What it brings a period, present values throughout: its margin over its spending, which is 60 a period.
    (brought,) = compared.differences("discounted_margin", against="nothing")["mean"]
    assert keep.gain.worth == pytest.approx(60 * brought / (brought - row["mean"]))
    # Asking is paid beside the wage: the desk is worth what it earns without one, not a share of all that it costs.
    desk, alone_ = found.alone[2], mechanisms[2][1]
    unpaid = replace(alone_, desk=replace(alone_.desk, wage_per_period=0.0))
    (earned,) = cs.compare(own, [unpaid, NOTHING]).differences(against="nothing")["mean"]
    assert (desk.budget, rows["wage", "npv"].pays) == (30.0, "never")
    assert desk.gain.worth == pytest.approx(earned / np.exp(-market.discount_force * 2))
    assert keep.at_best is not None
    assert keep.at_best.mean > keep.gain.mean
    gains = (("baseline", -3.0), ("keep", -1.0), ("talk", -2.0), ("other", 5.0))
    rows = [Difference(strategy=s, against="idle", mean=m, lower=m, upper=m, replications=2) for s, m in gains]
    chances = {"chance_lower": 0.0, "chance_upper": 1.0, "loss": 0.0, "loss_lower": 0.0, "loss_upper": 1.0}
    running = [Chance(strategy=s, chance=0.0, **chances) for s in ("baseline", "keep", "talk", "idle")]
    record = no_comparison(config).model_copy(update={"nothing": "idle", "against_nothing": rows, "best": running})
    idle = cs.Strategy(name="idle")
    assert most_promising(record, [*strategies, idle]) == (strategies[1], idle)  # "other" is a reference
    assert most_promising(record, [strategies[0], idle]) == (strategies[0], idle)
    assert most_promising(no_comparison(config), strategies) is None


def test_a_named_channel_is_looked_at_alone_as_the_unnamed_one_is(experiment, tmp_path):
    """A channel that answers money as the market itself does breaks even where that does."""
    config = parse_config(STUDY, folder=tmp_path)
    own = experiment.market.prospects
    like = cs.simulation.AcquisitionChannel(ceiling=own.ceiling, spend_scale=float(own.spend_scale))
    prospects = replace(own, channels={"search ads": like, "fairs": like})
    market = replace(experiment.market, customers=cs.Cohort(size=10), prospects=prospects)
    some = cs.simulation.Acquisition(budget_per_period=90.0, channels={"search ads": 2 / 3, "fairs": 1 / 3})
    plain = cs.Strategy(name="plain", acquisition=cs.simulation.Acquisition(budget_per_period=60.0))
    by_channel = cs.Strategy(name="split", acquisition=some)
    mechanisms = list(alone([plain, by_channel]))
    assert [(strategy.name, strategy.budget_per_period, most.name) for _, strategy, most in mechanisms] == [
        ("acquisition-alone", 60.0, "plain"),
        ("acquisition-fairs-alone", pytest.approx(30.0), "split"),
        ("acquisition-search ads-alone", pytest.approx(60.0), "split"),
    ]
    found = break_evens(
        config, market, mechanisms, store=RunStore.open(tmp_path, "firm", "0" * 64), executor=Executor(workers=1),
        edge=lambda _: nullcontext(), done=lambda _: None,
    )  # fmt: skip
    whole, fairs, search = found.alone
    assert [part.mechanism for part in found.alone] == [
        "acquisition", "acquisition by fairs", "acquisition by search ads",
    ]  # fmt: skip
    for one, other in zip(whole.rows, search.rows, strict=True):
        assert other.address == "prospects.channels.search ads.ceiling"
        assert (other.pays, other.value, other.at) == (one.pays, pytest.approx(one.value), pytest.approx(one.at))
    size = market.prospects.size  # of the smaller base
    won = size * own.ceiling * (1 - np.exp(-30 / (size * own.spend_scale)))
    assert fairs.rows[0].value == pytest.approx(30 / won)
