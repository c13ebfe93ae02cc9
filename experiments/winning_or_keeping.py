"""Where does the marginal money go, to new customers or to those there are?

One budget, split in five ways, and the best split as the cost of new customers varies; goes with
``configs/winning-or-keeping.toml``:

    from churnsim.claims import cdnow_evidence

    market = cdnow_evidence(replications=4).market
    splits = ask(market, budget=200.0, replications=4, seed=1, horizon=52.0)
    print(splits.differences("equity", against="50% on prospects"))

Money per period of four weeks, durations in weeks.
"""

from __future__ import annotations

from churnsim.decisions import Comparison, compare
from churnsim.simulation import Acquisition, Market, RetentionContacts, Strategy

__all__ = ["ask", "strategies"]

SPLITS = (0.0, 0.25, 0.5, 0.75, 1.0)
HALF_A_YEAR = 26.0


def strategies(budget: float) -> tuple[Strategy, ...]:
    """Five splits of `budget` per period between prospects and those who bought in the last half year."""
    return tuple(
        Strategy(
            name=f"{share:.0%} on prospects",
            acquisition=Acquisition(budget_per_period=share * budget) if share else None,
            retention=RetentionContacts(
                budget_per_period=(1 - share) * budget, rule="recent_buyers", within=HALF_A_YEAR
            )
            if share < 1
            else None,
        )
        for share in SPLITS
    )


def ask(market: Market, *, budget: float, replications: int, seed: int, horizon: float = 104.0) -> Comparison:
    """The splits side by side on `market`, a market in weeks."""
    return compare(market, strategies(budget), replications=replications, seed=seed, horizon=horizon)
