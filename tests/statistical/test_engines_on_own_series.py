"""Truth: theory. What the engine does on customers' own series against what the model expects of each."""

from __future__ import annotations

import numpy as np
import pytest
from tests.parity import mechanisms
from tests.parity.test_engines_on_own_series import FUTURE, IDS, on_series, summary_of

import churnsim as cs
from churnsim.data.logs.customer_uid import customer_uids

WEEKS, REPLICATIONS, BOUND = (4.0, 13.0, 36.0), 30, 5.0  # as t of 29 degrees: once in 20,000 by chance


def counted(market):
    """Purchases of each customer by the end of each of the weeks: shape (replications, weeks, customers)."""
    tried = cs.Scenario(market=market, strategy=cs.Strategy(name="plain"), horizon=36.0, period=36.0, epoch=36.0)
    place = {uid: k for k, uid in enumerate(customer_uids(IDS).tolist())}
    found = np.zeros((REPLICATIONS, len(WEEKS), len(IDS)))
    for number in range(REPLICATIONS):
        events = cs.simulate(tried, seed=7, replication=number, log=True).events
        for event in (event for event in events if event.kind == "purchase"):
            found[number, np.asarray(WEEKS) > event.time, place[event.uid]] += 1.0
    return found


@pytest.mark.parametrize("family", ["BG/NBD", "Pareto/NBD"])
def test_customers_buy_as_their_own_series_say(family):
    """Each on its own clocks; one whose clock were its neighbour's in the future would be told from it."""
    model, summary = on_series(mechanisms.PURCHASES[family]), summary_of(family)
    market = cs.Market(
        customers=cs.PosteriorBase(summary), purchases=model, spend=cs.simulation.FixedSpend(amount=1.0),
        complaints=cs.simulation.Complaints(failure_share=0.0),
    )  # fmt: skip
    neighbours = FUTURE.assign(customer_id=FUTURE["customer_id"].map(dict(zip(IDS, np.roll(IDS, 1), strict=True))))
    swapped = model.with_future(neighbours)
    found = counted(market)
    for k, week in enumerate(WEEKS):
        right, wrong = (each.expected_purchases(summary, week).to_numpy() for each in (model, swapped))
        # The sum of all, and the one in which the neighbours' futures would show most.
        for weight, shows in ((np.ones(len(IDS)), False), ((right - wrong) / (right + wrong), True)):
            sums = found[:, k] @ weight
            error = sums.std(ddof=1) / np.sqrt(REPLICATIONS)
            assert abs(sums.mean() - right @ weight) < BOUND * error
            if shows and week > 4.0:
                assert abs(sums.mean() - wrong @ weight) > BOUND * error
