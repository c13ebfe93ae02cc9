"""P(alive) by frequency and recency, as a grid of some thousand cells whatever the number of customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_number
from churnsim.models.purchase.protocol import PurchaseModel

STEPS = 40


def alive_grid(
    model: PurchaseModel, *, T: float, most_purchases: int = 30, steps: int = STEPS, horizon: float = 1.0
) -> pd.DataFrame:
    """P(alive) and expected purchases in the next `horizon` of customers observed for `T`, by what they did.

    Times are in the model's unit. A row a cell: `frequency` from 0 to `most_purchases`; `recency` at the middle of
    `steps` equal parts of T, whose ends are `earliest, latest` (a frequency of 0 has one cell, over all of T);
    `p_alive`; `expected`. Of a model of opportunities a part is one of them, and frequency is at most recency. Raises
    ConfigError for a T that is not above 0, or a grid without cells.
    """
    T = check_number(T, "T", above=0)
    check_count(most_purchases, "most_purchases")
    check_count(steps, "steps")
    whole = model.reads == "opportunities"
    steps = int(T) if whole else steps
    edges = np.linspace(0.0, T, steps + 1)
    middle = edges[1:] if whole else (edges[1:] + edges[:-1]) / 2
    cells = pd.DataFrame(
        {
            "frequency": np.r_[0, np.repeat(np.arange(1, most_purchases + 1), steps)],
            "recency": np.r_[0.0, np.tile(middle, most_purchases)],
            "earliest": np.r_[0.0, np.tile(edges[:-1], most_purchases)],
            "latest": np.r_[T, np.tile(edges[1:], most_purchases)],
        }
    )
    if whole:
        cells = cells[cells["frequency"] <= cells["recency"]].reset_index(drop=True)
    return cells.assign(
        p_alive=model.p_alive(cells.assign(T=T)),
        expected=model.expected_purchases(cells.assign(T=T), horizon),
    )
