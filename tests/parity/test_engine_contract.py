"""Truth: agreement. What every engine owes its users; a further engine joins by being named in ENGINES."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.simulation.engine.ledger import COSTS
from churnsim.simulation.mechanisms.acquisition import Prospects

ENGINES = ["simpy", "compiled"]

DESK = cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.3, wage_per_period=100.0, cost_per_reply=2.0)
EVERYTHING = cs.Strategy(
    name="everything",
    acquisition=cs.simulation.Acquisition(budget_per_period=900.0),
    retention=cs.simulation.RetentionContacts(budget_per_period=300.0, rule="top_value", share=0.3),
    desk=DESK,
    asking=cs.simulation.AskForComplaints(cost_per_purchase=0.05),
)
STRATEGIES = [
    cs.Strategy(name="none"),
    cs.Strategy(name="acquisition", acquisition=cs.simulation.Acquisition(budget_per_period=900.0)),
    cs.Strategy(name="contacts", retention=cs.simulation.RetentionContacts(budget_per_period=300.0)),
    cs.Strategy(name="desk", desk=DESK),
    cs.Strategy(name="less churn", churn=cs.simulation.ChurnChange(factor=0.5, points=0.02)),
    EVERYTHING,
]


def scenario(market, strategy, horizon=52.0):
    return cs.Scenario(market=market, strategy=strategy, horizon=horizon, period=4.0, epoch=1.0)


@pytest.fixture
def market(cdnow_split, cdnow_models):
    """A few hundred real customers."""
    purchases, spend = cdnow_models
    return cs.Market(customers=cs.PosteriorBase(cdnow_split.iloc[:300]), purchases=purchases.model, spend=spend.model)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_same_seed_same_events(market, strategy, engine):
    first = cs.simulate(scenario(market, strategy), seed=7, replication=3, engine=engine, log=True)
    again = cs.simulate(scenario(market, strategy), seed=7, replication=3, engine=engine, log=True)
    assert first.events == again.events
    np.testing.assert_array_equal(first.table, again.table)


@pytest.mark.parametrize("engine", ENGINES)
def test_replications_and_seeds_differ(market, engine):
    tables = [
        cs.simulate(scenario(market, STRATEGIES[0]), seed=seed, replication=replication, engine=engine).table.tobytes()
        for seed, replication in ((1, 0), (1, 1), (2, 0))
    ]
    assert len(set(tables)) == 3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_the_books_close(market, strategy, engine):
    """Stocks and flows agree from period to period, cents with the log, complaints with replies."""
    ledger = cs.simulate(scenario(market, strategy), seed=1, engine=engine, log=True)
    frame = ledger.frame()
    lost = frame["losses_organic"] + frame["losses_failure"] + frame["losses_complaint"]
    assert (frame["active_end"] == frame["active_start"] + frame["births"] - lost).all()
    assert (frame["active_start"].iloc[1:].to_numpy() == frame["active_end"].iloc[:-1].to_numpy()).all()
    log = pd.DataFrame(ledger.events)
    assert log["cents"].sum() == frame["revenue"].sum()
    replies = frame[["replies_quick", "replies_slow", "replies_unresolved"]].to_numpy().sum()
    assert frame["complaints"].sum() == replies + ledger.open_complaints
    assert frame["margin"].sum() == pytest.approx(0.3 * frame["revenue"].sum(), abs=0.5 * frame["purchases"].sum())
    assert (ledger.profit_cents == frame["margin"] - frame[list(COSTS)].sum(axis=1)).all()


@pytest.mark.parametrize("budget", [0.05, 7.0, 37.5, 1234.56])
def test_customers_accounts_sum_to_the_ledger(market, budget):
    """To rounding, whatever a contact costs: by the fourth decimal of a cent in each account, each time it is charged;
    and to the bit the same in every engine."""
    market = replace(market, terms=cs.simulation.Terms(cost_to_serve=0.03))
    spending = cs.Strategy(
        name="spending",
        acquisition=cs.simulation.Acquisition(budget_per_period=900.0),
        retention=cs.simulation.RetentionContacts(budget_per_period=budget),
        cross_selling=cs.simulation.CrossSelling(budget_per_period=budget, rule="top_value", share=0.4),
        win_back=cs.simulation.WinBack(silent_for=8.0, cost_per_contact=0.07, most_per_period=20),
        desk=DESK,
        asking=cs.simulation.AskForComplaints(cost_per_purchase=0.05),
        compensation=cs.simulation.Compensation(cost_per_complaint=1.37),
    )
    of_customers = ("retention", "cross_selling", "win_back", "service", "recovery", "cost_to_serve")
    found = {}
    for engine in ENGINES:
        ledger = cs.simulate(scenario(market, spending, horizon=24.0), seed=1, engine=engine, log=True)
        net = ledger.cents("margin") - sum(ledger.cents(name) for name in of_customers)
        accounts = found[engine] = ledger.customers["margin"]
        charges = len(accounts) * len(net) * 2
        assert accounts.sum() == pytest.approx(net.sum(), abs=charges * 0.5e-4, rel=0)
        # Control: in whole cents they would be off by more.
        assert abs(accounts.round().sum() - net.sum()) > charges * 0.5e-4
    pd.testing.assert_series_equal(*found.values(), check_exact=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_happens_after_a_loss(market, engine):
    gone: set[int] = set()
    for event in cs.simulate(scenario(market, EVERYTHING), seed=1, engine=engine, log=True).events:
        assert event.uid not in gone
        if event.kind.startswith("lost"):
            gone.add(event.uid)
    assert gone


@pytest.mark.parametrize("engine", ENGINES)
def test_banning_a_customer_changes_no_other_life(cdnow_split, cdnow_models, engine):
    """Lives are independent where no desk is shared: the others' events stay the same to the bit."""
    purchases, spend = cdnow_models
    whole, strategy = (
        cdnow_split.iloc[:200],
        cs.Strategy(name="a", acquisition=cs.simulation.Acquisition(budget_per_period=500.0)),
    )
    logs = []
    for summary in (whole, whole.drop(index=whole.index[17])):
        market = cs.Market(
            customers=cs.PosteriorBase(summary), purchases=purchases.model, spend=spend.model,
            prospects=Prospects(size=20_000.0),  # by default their number goes with that of the customers
        )  # fmt: skip
        logs.append(cs.simulate(scenario(market, strategy), seed=1, engine=engine, log=True).events)
    banned = {event.uid for event in logs[0]} - {event.uid for event in logs[1]}
    assert len(banned) <= 1
    assert [event for event in logs[0] if event.uid not in banned] == list(logs[1])


@pytest.mark.parametrize("engine", ENGINES)
def test_row_order_is_of_no_account(cdnow_split, cdnow_models, engine):
    purchases, spend = cdnow_models
    few = cdnow_split.iloc[:150]
    tables = [
        cs.simulate(
            scenario(
                cs.Market(customers=cs.PosteriorBase(rows), purchases=purchases.model, spend=spend.model), EVERYTHING
            ),
            seed=1,
            engine=engine,
        ).table
        for rows in (few, few.iloc[::-1])
    ]
    np.testing.assert_array_equal(*tables)


@pytest.mark.parametrize("engine", ENGINES)
def test_budgets_are_spent_to_the_cent(market, engine):
    frame = cs.simulate(scenario(market, EVERYTHING), seed=1, engine=engine).frame()
    assert (frame["acquisition"] == 90_000).all()
    assert (frame["retention"] == 30_000).all()
    asked = 5 * frame["purchases"]
    assert (frame["wages"] == 10_000).all()
    assert (frame["service"] == asked).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_each_cost_is_booked_under_its_own_name(market, engine):
    """What the club, the clerk and the accounts cost, from the strategy's numbers and the ledger's counts alone."""
    strategy = cs.Strategy(
        name="club",
        social_bond=cs.simulation.SocialBond(joins=0.4, cost_per_member=0.25),
        structural_bond=cs.simulation.StructuralBond(cost_per_customer=0.5),
        desk=DESK,
    )
    served = replace(market, competitors=cs.simulation.Competitors(), terms=replace(market.terms, cost_to_serve=0.03))
    frame = cs.simulate(scenario(served, strategy, horizon=12.0), seed=1, engine=engine).frame()
    assert (frame["members"] > 0).all()
    assert (frame["bonds"] == 25 * frame["members"] + 50 * frame["active_start"]).all()
    assert (frame["wages"] == 10_000).all()
    assert (frame["cost_to_serve"] % 3 == 0).all()
    assert (frame["cost_to_serve"] >= 3 * frame["active_start"]).all()
    assert (frame[["retention", "service", "renewal_costs"]] == 0).all(axis=None)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_larger_budget_brings_the_same_people_sooner(market, engine):
    births = []
    market = replace(market, prospects=Prospects(ceiling=0.02, spend_scale=0.5))  # far from its ceiling
    for budget in (500.0, 1500.0):
        strategy = cs.Strategy(name="a", acquisition=cs.simulation.Acquisition(budget_per_period=budget))
        events = cs.simulate(scenario(market, strategy), seed=1, engine=engine, log=True).events
        births.append({event.uid: event.time for event in events if event.kind == "birth"})
    few, many = births
    assert set(few) < set(many)
    assert all(many[uid] < time for uid, time in few.items())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pool_runs_dry(market, engine):
    small = replace(market, prospects=replace(market.prospects, size=25.0, ceiling=0.9, spend_scale=0.01))
    frame = cs.simulate(scenario(small, STRATEGIES[1]), seed=1, engine=engine).frame()
    assert frame["births"].sum() == 25


@pytest.mark.parametrize("engine", ENGINES)
def test_replies_wait_for_the_epoch(market, engine):
    """No reply is told before the first boundary after its complaint, and nobody buys while waiting."""
    complained: dict[int, float] = {}
    replies = 0
    for event in cs.simulate(scenario(market, EVERYTHING), seed=1, engine=engine, log=True).events:
        if event.kind == "complaint":
            complained[event.uid] = event.time
        elif event.kind.startswith("reply"):
            replies += 1
            assert event.time >= np.floor(complained.pop(event.uid)) + 1
        elif event.kind == "purchase":
            assert event.uid not in complained
    assert replies
