"""Truth: mechanics of starting bases made of the user's own traits, and of contracts that start in the middle."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation import threads as chunks
from churnsim.simulation.core.scores import CustomerScores

SPEND = cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)
MODEL = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
UIDS = np.array([7])
ONE = CustomerScores(UIDS, [1.0])


def traits(**columns):
    return pd.DataFrame(columns, index=pd.Index([f"c{i}" for i in range(len(next(iter(columns.values()))))]))


def ledger(customers, purchases=MODEL, spend=SPEND, engine="compiled", horizon=12.0, **market):
    place = cs.Market(customers=customers, purchases=purchases, spend=spend, **market)
    scenario = cs.Scenario(market=place, strategy=cs.Strategy(name="s"), horizon=horizon, period=4.0, epoch=1.0)
    return cs.simulate(scenario, seed=1, engine=engine, log=True)


def test_traits_are_taken_as_they_are():
    """One who never buys, one who buys once and is gone, one who is gone already, one who stays for ever."""
    base = cs.simulation.TraitsBase(
        traits(
            rate=[0.0, 2.0, 2.0, 2.0],
            dropout=[0.5, 1.0, 0.0, 0.0],
            mean_spend=[10.0] * 4,
            alive=[True, True, False, True],
        )
    )
    events = ledger(base).events
    by_kind = {kind: [e.uid for e in events if e.kind == kind] for kind in ("purchase", "lost_organic", "lost_failure")}
    bought = pd.Series(by_kind["purchase"]).value_counts()
    assert sorted(bought)[0] == 1
    assert len(bought) == 2
    assert len(by_kind["lost_organic"] + by_kind["lost_failure"]) <= 1
    assert ledger(base, engine="simpy").events == events


@pytest.mark.parametrize("engine", ["compiled", "simpy"])
def test_a_contract_starts_where_it_is(engine):
    """One time unit since the last of one or two renewals: the next is at 3 - 1 = 2, with the hazard of its tenure."""
    contract = cs.simulation.ContractualLifetime(term=3.0, hazards=(0.0, 0.0, 1.0), unit="W")
    base = cs.simulation.TraitsBase(traits(tenure=[1, 2], last_purchase=[-1.0, -1.0], dropout=[1.0, 1.0]))
    found = ledger(base, purchases=contract, spend=cs.simulation.FixedSpend(amount=10.0), engine=engine)
    assert [e.time for e in found.events if e.kind == "purchase"] == [2.0]
    assert sorted(e.time for e in found.events if e.kind.startswith("lost")) == [2.0, 5.0]
    assert found.cents("revenue").sum() == 1000


FAMILIES = [
    MODEL,
    cs.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614),
    cs.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669),
    cs.models.MBGCNBD(r=0.525, alpha=2.0, a=0.891, b=1.614, k=3),
]
ARRAYS = ("uids", "traits", "members", "alive", "first_purchase", "last_purchase", "repeat_revenue", "seen")


@pytest.mark.parametrize("model", FAMILIES, ids=lambda model: model.family)
def test_a_base_drawn_in_pieces_by_threads_is_the_same(model, monkeypatch):
    """Also drawn by two threads at a time, in another process's copy, and of half of the customers."""
    histories = model.draw_summary(np.full(300, 39.0), seed=2)
    summary = histories.assign(monetary_value=np.where(histories["frequency"] > 0, 30.0, 0.0))

    def drawn(replication, base):
        return base.draw(purchases=model, spend=SPEND, seed=1, replication=replication)

    whole = [drawn(replication, cs.PosteriorBase(summary)) for replication in range(6)]
    half = drawn(0, cs.PosteriorBase(summary.iloc[::2]))
    monkeypatch.setattr(chunks, "FEWEST", 10)
    base = pickle.loads(pickle.dumps(cs.PosteriorBase(summary)))  # noqa: S301
    with ThreadPoolExecutor(2) as pool:
        pieced = list(pool.map(partial(drawn, base=base), [*range(6), *range(6)]))
    for name in ARRAYS:
        for replication in range(6):
            np.testing.assert_array_equal(getattr(pieced[replication], name), getattr(whole[replication], name))
            np.testing.assert_array_equal(getattr(pieced[6 + replication], name), getattr(whole[replication], name))
        np.testing.assert_array_equal(getattr(half, name), getattr(whole[0], name)[::2])
    assert (whole[0].traits != whole[1].traits).any()


def test_profit_by_tenure_counts_from_the_tenure():
    contract = cs.simulation.ContractualLifetime(term=1.0, hazards=(0.0,), unit="W")
    base = cs.simulation.TraitsBase(traits(tenure=[0, 3]))
    found = ledger(
        base, purchases=contract, spend=cs.simulation.ProfitByTenure(profits=(-51.0, 30.0, 42.0)), horizon=4.0
    )
    assert found.cents("margin").sum() == 3000 + 4200 * 2 + 4200 * 3
    assert found.cents("revenue").sum() == found.cents("margin").sum()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"rate": [1.0, -1.0]}, "rate of customer 'c1' is -1"),
        ({"rate": [1.0, np.nan]}, "c1"),
        ({"dropout": ["x", "y"]}, "must hold numbers"),
        ({"last_purchase": [0.0, 2.0]}, "0 or before"),
        ({"tenure": [0.5, 1.0]}, "whole number"),
        ({"charm": [1.0, 1.0]}, "unknown trait columns"),
    ],
)
def test_impossible_traits_name_the_row(columns, words):
    with pytest.raises(DataError, match=words):
        cs.simulation.TraitsBase(traits(**columns))


def test_what_a_model_needs_is_named():
    with pytest.raises(ConfigError, match="BGNBD needs the column 'rate'"):
        ledger(cs.simulation.TraitsBase(traits(dropout=[0.1])))
    with pytest.raises(ConfigError, match="GammaGamma needs the column 'mean_spend'"):
        ledger(cs.simulation.TraitsBase(traits(rate=[0.1], dropout=[0.1])))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cs.simulation.ContractualLifetime(term=1.0), "a and b, or hazards by tenure, or all three"),
        (lambda: cs.simulation.ContractualLifetime(term=1.0, a=1.0, hazards=(0.1,)), "or all three"),
        (lambda: cs.simulation.ContractualLifetime(hazards=(0.1,), charges=ONE), "give own"),
        (
            lambda: cs.simulation.ContractualLifetime(hazards=(0.1,), own=CustomerScores(UIDS, [-0.5])),
            "multipliers of 0 or more",
        ),
        (lambda: cs.simulation.ContractualLifetime(a=1.0, b=1.0, own=CustomerScores(UIDS, [0.0])), "a above 0"),
        (
            lambda: cs.simulation.ContractualLifetime(hazards=(0.1,), own=ONE, charges=CustomerScores(UIDS + 1, [1.0])),
            "same",
        ),
        (
            lambda: cs.simulation.ContractualLifetime(hazards=(0.1,), own=ONE, charges=CustomerScores(UIDS, [0.0])),
            "above 0",
        ),
        (lambda: cs.simulation.ContractualLifetime(term=1.0, hazards=(0.1, 1.5)), "renewal 2"),
        (lambda: cs.simulation.ProfitByTenure(profits=()), "one finite amount"),
        (lambda: cs.simulation.FixedSpend(amount=-1.0), "at least 0"),
    ],
)
def test_impossible_contracts_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()
