"""What is "five percent less churn" worth, and where is it 25 to 85 percent more profit?

Points against percent on fitted customers, free of charge; goes with ``configs/winning-or-keeping.toml``:

    from churnsim.claims import cdnow_evidence

    evidence = cdnow_evidence(replications=4)
    print(ask(evidence.market, replications=4, horizon=52.0).round(3))
    print(where_true().words()[0])

Durations in the market's unit.
"""

from __future__ import annotations

import pandas as pd

from churnsim.claims import Change, gains_table, market_evidence, thought_experiment
from churnsim.decisions import Region
from churnsim.simulation import Market

__all__ = ["ask", "where_true"]


def ask(market: Market, *, replications: int, horizon: float, seed: int = 1) -> pd.DataFrame:
    """Relative gain in discounted margin of five points and of five percent, one row a group of customers and reading;
    the intervals carry the uncertainty of the fit."""
    return gains_table(market_evidence(market, replications=replications, seed=seed), horizon=horizon)


def where_true(change: Change = Change.POINTS) -> Region:
    """The region of base retention, discount rate and acquisition cost in which the thought experiment gives 25-85%."""
    return thought_experiment(change)
