"""Truth: agreement and identity. Both engines on clocks that each customer's own series rescale."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from tests.parity import mechanisms

import churnsim as cs
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.simulation.engine.bookkeeping import INDEX
from churnsim.simulation.engine.replication_block import Memory, ReplicationBlock
from churnsim.simulation.engine.replication_inputs import DrawnMarket

FIRST, END = "2022-01-01", "2022-12-31"
PARTS = [name for name in mechanisms.STRATEGY_PARTS if name not in ("less churn", "contacts scored")]
PLACES = ["referral", "word of mouth", "competitors", "cost to serve", "lift", "satisfaction"]
FAMILIES = ["BG/NBD", "MBG/CNBD-k", "Pareto/NBD"]
ENGINES = ["simpy", "compiled"]
IDS = pd.Index([f"c{number:03}" for number in range(80)], name="customer_id")


def frame_of(first, days, seed):
    """Two columns that change on days of each customer's own."""
    random = np.random.default_rng(seed)
    rows = []
    for who in IDS:
        for day in sorted({0, *random.integers(1, days, random.integers(1, 12))}):
            when = pd.Timestamp(first) + pd.Timedelta(days=int(day))
            rows.append([who, when, float(random.integers(3)), random.normal(1.0, 0.3)])
    return pd.DataFrame(rows, columns=["customer_id", "date", "mail", "price"])


SERIES = cs.data.CustomerSeries.of(frame_of(FIRST, 360, 1))
FUTURE = frame_of("2023-01-01", 200, 2)


def on_series(model, size=1.0):
    """The model on series whose effects are `size` times these, of leaving too where that has a clock."""
    mail, price = SERIES.select(["mail"]), SERIES.select(["price"])
    more = {}
    kind = cs.models.SeriesModel
    if isinstance(model, cs.ParetoNBD):
        kind = cs.models.TwoClockSeriesModel
        more = {"leaving": price, "leaving_effects": {"price": 2.0 * size}, "leaving_means": {"price": 1.0}}
    return kind(
        base=model, calendar=mail, effects={"mail": 0.8 * size}, means={"mail": 1.0}, seen_until=END, future=FUTURE,
        **more,
    )  # fmt: skip


@cache
def summary_of(family):
    drawn = mechanisms.PURCHASES[family].draw_summary(np.full(len(IDS), 52.0), seed=4).set_index(IDS)
    return drawn.assign(monetary_value=20.0, first_purchase=pd.Timestamp(FIRST))


def scenario(family, size=1.0, parts=PARTS, places=PLACES):
    """Known customers with every mechanism on; without series where `size` is None."""
    found = mechanisms.scenario(parts, places, purchases=family)
    model = found.market.purchases if size is None else on_series(found.market.purchases, size)
    return replace(found, market=replace(found.market, customers=cs.PosteriorBase(summary_of(family)), purchases=model))


@pytest.mark.parametrize("family", FAMILIES)
def test_engines_agree_on_own_clocks(family):
    """Every event at the same time, and the same books."""
    slow, fast = (cs.simulate(scenario(family), seed=5, replication=1, engine=engine, log=True) for engine in ENGINES)
    assert slow.events == fast.events
    np.testing.assert_array_equal(slow.table, fast.table)
    even, plain = (cs.simulate(scenario(family, size), seed=5, replication=1, log=True) for size in (0.0, None))
    # Effects of 0: the tables are read, and every clock shows what it is given.
    assert even.events == plain.events
    assert not np.array_equal(fast.table, plain.table)
    assert fast.table[:, INDEX["births_paid"]].sum() > 0  # also those who share the last table


@pytest.mark.parametrize("engine", ENGINES)
def test_constant_series_are_another_scale(engine):
    """Where every day is twice as fast all is as with half the scale alpha, what customers are worth later too."""
    twice = pd.DataFrame({"customer_id": IDS, "date": pd.Timestamp(FIRST), "mail": 1.0})
    base = mechanisms.PURCHASES["BG/NBD"]
    model = cs.models.SeriesModel(
        base=base, calendar=cs.data.CustomerSeries.of(twice), effects={"mail": np.log(2.0)}, means={"mail": 0.0},
        seen_until=END, future="hold",
    )  # fmt: skip
    tables = []
    for purchases, newcomers in ((model, 2.0), (replace(base, alpha=base.alpha / 2.0), 1.0)):
        found = scenario("BG/NBD", None, ["acquisition"], [])
        own = cs.simulation.OwnSeries(newcomers=newcomers)
        market = replace(found.market, purchases=purchases, own_series=own)
        tables.append(cs.simulate(replace(found, market=market), seed=3, engine=engine).table)
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-9)
    assert tables[0][:, INDEX["births_paid"]].sum() > 0 < tables[0][:, INDEX["residual"]].sum()


def test_what_no_series_can_be_simulated_without():
    """Named: customers without a series, and a future that nobody told."""
    found = scenario("BG/NBD")
    with pytest.raises(cs.ChurnSimError, match="PosteriorBase"):
        replace(found.market, customers=cs.Cohort(size=3))
    untold = replace(found, market=replace(found.market, purchases=found.market.purchases.with_future(None)))
    with pytest.raises(cs.ChurnSimError, match='future="hold"'):
        cs.simulate(untold, seed=1)
    others = summary_of("BG/NBD").set_index(IDS + "x")
    stranger = replace(found, market=replace(found.market, customers=cs.PosteriorBase(others)))
    with pytest.raises(cs.ChurnSimError, match="'c000x' has no row in the series"):
        cs.simulate(stranger, seed=1)


@pytest.mark.parametrize("horizon", [20.0, np.inf])
def test_discounted_purchases_of_all_are_those_of_each(horizon):
    """By parts for all customers at once, and by the rule of each one's clock."""
    model, few = on_series(mechanisms.PURCHASES["BG/NBD"]).with_future("hold"), summary_of("BG/NBD").head(2)
    each = ClockModel._discounted(model, few, 0.15, horizon, None)
    np.testing.assert_allclose(model.residual_transactions(few, 0.15, horizon=horizon), each, rtol=1e-10)


def test_replications_in_one_call_find_each_customers_clock():
    """One after the other in the same memory, newcomers beside the known: as each by itself."""
    tried = scenario("BG/NBD", 1.0, ["acquisition"], [])
    worlds = [DrawnMarket.of(tried.market, seed=3, replication=number) for number in range(3)]
    block = ReplicationBlock(worlds, Memory(len(IDS)), 3)
    for number, ledger in enumerate(block.ledgers(tried)):
        np.testing.assert_array_equal(ledger.table, cs.simulate(tried, seed=3, replication=number).table)
