"""Truth: agreement and identity. Both engines on clocks that a calendar rescales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.parity import mechanisms

import churnsim as cs

END = "2022-12-31"
# A price that falls for a while, beside the season: the days of the one are not those of the other.
PRICE = pd.DataFrame({"price": [1.0, 0.7, 1.1]}, index=pd.to_datetime(["2021-01-01", "2023-02-10", "2023-03-20"]))
CALENDAR = cs.data.Calendar(season=1, series=PRICE)
LEAVING = cs.data.Calendar(months=True)
EFFECTS = {"cos 1": 0.6, "sin 1": -0.4, "price": -1.5}
MEANS = {"cos 1": 0.1, "sin 1": 0.0, "price": 1.0}
PARTS = [name for name in mechanisms.STRATEGY_PARTS if name not in ("less churn", "contacts scored")]
PLACES = ["referral", "word of mouth", "competitors", "cost to serve", "lift", "satisfaction"]


def on_calendar(model, size=1.0, **more):
    """The model on a calendar whose effects are `size` times those above."""
    effects = {name: size * value for name, value in EFFECTS.items()}
    given = {"base": model, "calendar": CALENDAR, "effects": effects, "means": MEANS, "seen_until": END, **more}
    given["future"] = {"price": 1.1}
    if not isinstance(model, cs.ParetoNBD):
        return cs.models.CalendarModel(**given)
    months = {name: 0.8 * size * (-1) ** place for place, name in enumerate(LEAVING.names)}
    return cs.models.TwoClockModel(
        leaving=LEAVING, leaving_effects=months, leaving_means=dict.fromkeys(LEAVING.names, 1 / 12), **given
    )


def scenario(family, size=1.0):
    """Every mechanism on, with a calendar; without one where `size` is None."""
    found = mechanisms.scenario(PARTS, PLACES, purchases=family)
    if size is None:
        return found
    model = on_calendar(found.market.purchases, size)
    return replace(found, market=replace(found.market, purchases=model))


ENGINES = ["simpy", "compiled"]
FAMILIES = ["BG/NBD", "MBG/CNBD-k", "Pareto/NBD"]


@pytest.mark.parametrize("family", FAMILIES)
def test_engines_agree_on_calendars(family):
    """Every event at the same time, and the same books."""
    slow, fast = (cs.simulate(scenario(family), seed=5, replication=1, engine=engine, log=True) for engine in ENGINES)
    assert slow.events == fast.events
    np.testing.assert_array_equal(slow.table, fast.table)
    assert not np.array_equal(fast.table, cs.simulate(scenario(family, None), seed=5, replication=1).table)


def independent(model):
    """Customers to whom nothing but their own purchases happens, some of which fail, over five quarters of a year."""
    market = cs.Market(
        customers=cs.Cohort(size=60),
        purchases=model,
        spend=cs.simulation.FixedSpend(amount=10.0),
        complaints=cs.simulation.Complaints(failure_share=0.4),
    )
    return cs.Scenario(market=market, strategy=cs.Strategy(name="plain"), horizon=65.0, period=5.0, epoch=1.0)


@pytest.mark.parametrize(
    "family", [cs.BGNBD(r=2.0, alpha=1.0, a=0.5, b=9.5), cs.models.MBGCNBD(r=2.0, alpha=1.0, a=0.5, b=9.5, k=2)]
)
def test_engines_agree_on_independent_customers(family):
    """The compiled engine follows them on the clock, by the rows of the books; SimPy goes from time to time."""
    slow, fast = (cs.simulate(independent(on_calendar(family)), seed=5, engine=engine) for engine in ENGINES)
    np.testing.assert_array_equal(slow.table, fast.table)
    even, plain = (cs.simulate(independent(model), seed=5).table for model in (on_calendar(family, 0.0), family))
    np.testing.assert_array_equal(even, plain)
    assert not np.array_equal(fast.table, plain)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_calendar_without_effect_changes_no_bit(family, engine):
    """z = 0: the tables are read, and every clock shows what it is given."""
    even, plain = (
        cs.simulate(scenario(family, size), seed=5, replication=1, engine=engine, log=True) for size in (0.0, None)
    )
    assert even.events == plain.events
    np.testing.assert_array_equal(even.table, plain.table)
