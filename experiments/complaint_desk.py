"""Where does the last clerk stop paying?

Desks of more and more clerks, as people complain and where every buyer is asked; goes with ``configs/complaints.toml``:

    from churnsim.claims import cdnow_evidence

    market = cdnow_evidence(replications=4).market
    desks = ask(market, wage=50.0, most=2, replications=4, seed=1, horizon=52.0)
    print(desks.differences("npv", against="nobody asked, no desk"))

Money per period of four weeks, durations in weeks.
"""

from __future__ import annotations

from churnsim.decisions import Comparison, compare
from churnsim.simulation import AskForComplaints, ComplaintDesk, Market, Strategy

__all__ = ["ask", "strategies"]

HALF_A_DAY = 0.5 / 7
COST_PER_REPLY, COST_OF_ASKING = 1.0, 0.05


def strategies(wage: float, most: int) -> list[Strategy]:
    """No desk and desks of 1 to `most` clerks at `wage` per period, each without and with asking."""
    found = []
    for asked in (False, True):
        asking = AskForComplaints(cost_per_purchase=COST_OF_ASKING) if asked else None
        words = "buyers asked" if asked else "nobody asked"
        found.append(Strategy(name=f"{words}, no desk", asking=asking))
        for staff in range(1, most + 1):
            desk = ComplaintDesk(
                staff=staff, mean_service_time=HALF_A_DAY, wage_per_period=wage, cost_per_reply=COST_PER_REPLY
            )
            found.append(Strategy(name=f"{words}, {staff} at the desk", asking=asking, desk=desk))
    return found


def ask(market: Market, *, wage: float, most: int, replications: int, seed: int, horizon: float = 104.0) -> Comparison:
    """The desks side by side on `market`, a market in weeks."""
    return compare(market, strategies(wage, most), replications=replications, seed=seed, horizon=horizon)
