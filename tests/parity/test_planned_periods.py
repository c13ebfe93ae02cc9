"""Boundaries settled in compiled code against the same settled in Python, which a run with a log takes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import churnsim as cs
from churnsim.errors import ChurnSimError
from churnsim.simulation.engine.replication_block import ReplicationBlock

pytestmark = pytest.mark.filterwarnings("ignore::churnsim.errors.EpochWarning")

MODELS = {
    "BG/NBD": cs.BGNBD(r=1.0, alpha=3.0, a=0.8, b=4.0),
    "Pareto/NBD": cs.ParetoNBD(r=1.0, alpha=3.0, s=0.8, beta=10.0),
}
RULES = {"all": {"rule": "all"}, "recent": {"rule": "recent_buyers", "within": 6.0}}
DESK = cs.simulation.ComplaintDesk(staff=1, mean_service_time=1.2, wage_per_period=20.0)


@pytest.fixture
def planned(monkeypatch) -> list[bool]:
    """Of each replication that was run by a plan, whether there was room for it."""
    seen: list[bool] = []
    run = ReplicationBlock._run

    def told(self, *arguments):
        worlds = run(self, *arguments)
        seen.extend((worlds.ends[:, 1] >= 0).tolist())
        return worlds

    monkeypatch.setattr(ReplicationBlock, "_run", told)
    return seen


def both(market: cs.Market, **parts) -> tuple[cs.simulation.Ledger, cs.simulation.Ledger]:
    """The ledger of a run without and with a log."""
    strategy = cs.Strategy(name="s", **parts)
    scenario = cs.Scenario(market=market, strategy=strategy, horizon=24.0, period=4.0, epoch=1.0)
    return cs.simulate(scenario, seed=3), cs.simulate(scenario, seed=3, log=True)


def market_of(model, *, lift: float = 1.0, prospects: float = 300.0, **parts) -> cs.Market:
    return cs.Market(
        customers=cs.Cohort(size=200),
        purchases=model,
        spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44),
        prospects=cs.simulation.Prospects(size=prospects, spend_scale=0.5, ceiling=0.05),
        retention=cs.simulation.RetentionResponse(spend_scale=0.5, purchase_lift=lift),
        **parts,
    )


@pytest.mark.parametrize(("model", "rule", "desk", "lift"), list(product(MODELS, RULES, (None, DESK), (1.0, 1.5))))
def test_same_ledger(planned, model, rule, desk, lift):
    fast, logged = both(
        market_of(MODELS[model], lift=lift),
        acquisition=cs.simulation.Acquisition(budget_per_period=100.0),
        retention=cs.simulation.RetentionContacts(budget_per_period=20.0, **RULES[rule]),
        desk=desk,
    )
    assert planned == [True]
    np.testing.assert_array_equal(fast.table, logged.table)
    assert fast.count("births").sum() > 0
    assert fast.count("contacts").sum() > 0
    assert fast.open_complaints == logged.open_complaints


def test_same_ledger_where_more_come_than_there_is_room_for(planned):
    fast, logged = both(
        market_of(MODELS["BG/NBD"], prospects=40_000.0),
        acquisition=cs.simulation.Acquisition(budget_per_period=1e6),
    )
    assert planned == [False]
    assert fast.count("births").sum() > 1_000
    np.testing.assert_array_equal(fast.table, logged.table)


@pytest.mark.parametrize(
    "parts",
    [
        {"retention": cs.simulation.RetentionContacts(budget_per_period=20.0, rule="top_value", share=0.2)},
        {"win_back": cs.simulation.WinBack(silent_for=6.0, cost_per_contact=1.0, most_per_period=5)},
    ],
)
def test_what_takes_python_is_not_planned(planned, parts):
    both(market_of(MODELS["BG/NBD"]), acquisition=cs.simulation.Acquisition(budget_per_period=100.0), **parts)
    both(market_of(MODELS["BG/NBD"], word_of_mouth=cs.simulation.WordOfMouth()), desk=DESK)
    assert planned == []


def test_replications_that_share_their_memory(planned):
    """Each strategy and replication after others, planned and not, with and without cards, clocks and win-back."""
    s = cs.simulation
    tried = [
        cs.Strategy(name="all", acquisition=s.Acquisition(budget_per_period=100.0), desk=DESK),
        cs.Strategy(name="none"),
        cs.Strategy(name="contacts", retention=s.RetentionContacts(budget_per_period=20.0, rule="all")),
        cs.Strategy(name="back", win_back=s.WinBack(silent_for=6.0, cost_per_contact=1.0, most_per_period=20)),
        cs.Strategy(name="price", economic_bond=s.EconomicBond(price_off=0.1)),
        cs.Strategy(name="fewer leave", churn=s.ChurnChange(factor=0.5)),
    ]
    summary = cs.summarise(cs.datasets.cdnow()).iloc[:200]
    market = replace(market_of(cs.BGNBD(r=0.5, alpha=5.0, a=0.8, b=2.5), lift=1.5), customers=cs.PosteriorBase(summary))
    experiment = cs.Experiment(market=market, seed=3, horizon=24)
    for strategies in (tried, tried[:3]):
        found = experiment.ledgers(strategies, [4, 0, 2])
        for strategy, ledgers in zip(strategies, found, strict=True):
            for replication, ledger in zip([4, 0, 2], ledgers, strict=True):
                same(ledger, experiment.ledger(strategy, replication, log=True))
    assert planned == [True] * 24


def test_nobody_at_first(planned):
    """A replication that begins without customers, and one to which none come, end none but themselves."""
    market = replace(market_of(MODELS["BG/NBD"], prospects=30.0), customers=cs.Cohort(size=0))
    strategies = [
        cs.Strategy(name="some", acquisition=cs.simulation.Acquisition(budget_per_period=1.0)),
        cs.Strategy(name="none"),
    ]
    experiment = cs.Experiment(market=market, seed=3, horizon=24)
    came = []
    for strategy, ledgers in zip(strategies, experiment.ledgers(strategies, range(12)), strict=True):
        for replication, ledger in enumerate(ledgers):
            same(ledger, experiment.ledger(strategy, replication, log=True))
            came.append(ledger.frame()["births"].sum())
    assert 0 in came[:12], "some replications are without anybody"
    assert np.count_nonzero(came[:12]) > 0
    assert came[12:] == [0] * 12
    assert planned == [True] * 24


def same(ledger: cs.simulation.Ledger, other: cs.simulation.Ledger) -> None:
    np.testing.assert_array_equal(ledger.table, other.table)
    assert (ledger.open_complaints, ledger.discount_force) == (other.open_complaints, other.discount_force)


def test_others_go_on_after_a_replication_without_room(planned):
    """There is room for 612 more than the cohort of 200, and about as many come."""
    market = market_of(MODELS["BG/NBD"], prospects=2_300.0)
    strategy = cs.Strategy(name="s", acquisition=cs.simulation.Acquisition(budget_per_period=1e6), desk=DESK)
    experiment = cs.Experiment(market=market, seed=3, horizon=24)
    for replication, ledger in enumerate(experiment.ledgers([strategy], range(8))[0]):
        same(ledger, experiment.ledger(strategy, replication, log=True))
    assert True in planned[planned.index(False) :]
    assert len(planned) == 8


class Changing(cs.Cohort):
    """Other customers in odd replications than in even ones, and twins in the seventh."""

    def draw(self, *, replication: int, **how):
        base = super().draw(replication=replication, **how)
        return replace(base, uids=base.uids + replication % 2 if replication != 7 else np.ones_like(base.uids))


def test_customers_of_their_own_in_each_replication(planned):
    market = replace(market_of(MODELS["BG/NBD"]), customers=Changing(size=50))
    strategy = cs.Strategy(name="s", acquisition=cs.simulation.Acquisition(budget_per_period=100.0), desk=DESK)
    experiment = cs.Experiment(market=market, seed=3, horizon=24)
    for replication, ledger in zip((0, 2, 1, 3), experiment.ledgers([strategy], (0, 2, 1, 3))[0], strict=True):
        same(ledger, experiment.ledger(strategy, replication, log=True))
    assert planned == [True] * 4
    with pytest.raises(ChurnSimError, match="share the uid 1, "):
        experiment.ledgers([strategy], (6, 7))
