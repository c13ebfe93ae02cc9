"""How surely each of several strategies is the best one, and what choosing it costs where it is not.

Each replication is one way the world may be: one draw of what is not known and one run of chance, the same for every
strategy. The share of them in which a strategy earns most is the chance that it does; what it then lacks of the best
one, on average, is the expected loss of choosing it (its expected opportunity loss, or regret). The smallest of these
losses is what perfect foresight would be worth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.decisions.comparison.paired import interval
from churnsim.statistics import wilson
from churnsim.typing import Floats


def chance_to_be_best(values: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """By strategy (a column of `values`, one row a replication): `chance` to be best with its Wilson interval, the
    strategies that tie sharing a replication, and the expected `loss` of choosing it with its t interval.

    The interval of a loss that is 0 in every replication has no width, and none reaches below 0.

    Examples
    --------
    >>> found = chance_to_be_best(pd.DataFrame({"a": [5.0, 1.0, 4.0, 6.0], "b": [3.0, 3.0, 4.0, 2.0]}))
    >>> found[["strategy", "chance", "loss"]].to_dict("list")
    {'strategy': ['a', 'b'], 'chance': [0.625, 0.375], 'loss': [0.5, 1.5]}
    """
    table = values.to_numpy(dtype=np.float64)
    best = table.max(axis=1, keepdims=True)
    ahead = table == best
    chance: Floats = (ahead / ahead.sum(axis=1, keepdims=True)).mean(axis=0)
    lower, upper = wilson(chance * len(table), len(table), level=level)
    losses = [interval(column, level=level) for column in (best - table).T]
    return pd.DataFrame(
        {
            "strategy": list(values.columns),
            "chance": chance,
            "chance_lower": lower,
            "chance_upper": upper,
            "loss": [loss.mean for loss in losses],
            "loss_lower": [max(0.0, loss.lower) for loss in losses],
            "loss_upper": [loss.upper for loss in losses],
        }
    )
