"""What a calendar costs the compiled engine: the same busy customers on a season and on even clocks, in turns.

200,000 customers over five years with weekly epochs, plain (their own purchases alone) and with contacts that lift
buying every four weeks; of five runs each the fastest counts. Bar: 80% of the events a second. Exits 1 below it. Fewer:
`python benchmarks/simulate_calendar.py 20000`.
"""

from __future__ import annotations

import sys
import time

import churnsim as cs
from churnsim.kernels.engine.ledger_accounts import COUNTED_IN
from churnsim.simulation.engine.bookkeeping import INDEX
from churnsim.units import Duration

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
BAR, RUNS = 0.8, 5
BUSY = cs.BGNBD(r=2.0, alpha=4.0, a=0.1, b=9.9)
SEASON = cs.models.CalendarModel(
    base=BUSY, calendar=cs.data.Calendar(season=1), effects={"cos 1": 0.5, "sin 1": -0.3},
    means={"cos 1": 0.0, "sin 1": 0.0}, seen_until="2022-12-31",
)  # fmt: skip
LIFT = cs.simulation.RetentionResponse(purchase_lift=1.5, half_life=Duration(2, "W"))
STRATEGIES = {
    "plain": cs.Strategy(name="plain"),
    "contacts": cs.Strategy(name="contacts", retention=cs.simulation.RetentionContacts(budget_per_period=0.5 * SIZE)),
}


def scenario(model, strategy, size):
    market = cs.Market(
        customers=cs.Cohort(size=size), purchases=model, spend=cs.simulation.FixedSpend(amount=10.0), retention=LIFT
    )
    return cs.Scenario(market=market, strategy=strategy, horizon=260.0, period=4.0, epoch=1.0)


def speed(tried):
    """Events a second."""
    began = time.process_time()
    table = cs.simulate(tried, seed=1, engine="compiled").table
    took = time.process_time() - began
    return sum(table[:, INDEX[account]].sum() for account in COUNTED_IN.values()) / took


def main() -> int:
    worst = 1.0
    for name, strategy in STRATEGIES.items():
        speeds = {}
        for _ in range(RUNS):
            for kind, model in (("even", BUSY), ("season", SEASON)):
                speeds.setdefault(kind, []).append(speed(scenario(model, strategy, SIZE)))
        even, season = max(speeds["even"]), max(speeds["season"])
        worst = min(worst, season / even)
        print(f"{name}: {even / 1e6:.1f} million events a second, {season / 1e6:.1f} on a season: {season / even:.0%}")
    print(f"bar {BAR:.0%}")
    return int(worst < BAR)


if __name__ == "__main__":
    sys.exit(main())
