"""How much an answer depends on each number that replications draw.

Replication k has its own numbers, the same under every strategy. The share of the variance of a paired difference that
goes with one of them is the squared rank correlation of the two over replications: of a monotone influence whatever its
shape, of independent numbers the part that each has by itself. Chance alone gives 1/(n - 1) on average, which is taken
off, as adjusted R^2 does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_kind, check_seed, typed
from churnsim.errors import DataError
from churnsim.models.estimation.design_matrix import number_columns
from churnsim.simulation.scenario.market import Market
from churnsim.statistics import normal_quantile

LEAST = 20
"""Replications below which no share is told: with n of them chance alone gives one of 2/(n - 1) in one case of six."""


def share_of_chance(replications: int, numbers: int) -> float:
    """The share that chance gives to the largest of so many numbers without any influence in one case of 20 (a
    correlation of z / sqrt(n - 1), two-sided, at a twentieth over all of them).

    Examples
    --------
    >>> round(share_of_chance(200, 1), 3), round(share_of_chance(200, 40), 3)
    (0.014, 0.048)
    """
    square = normal_quantile(1 - 0.05 / numbers) ** 2 / (replications - 1)
    return max(0.0, (square * (replications - 1) - 1) / (replications - 2))


@typed
def drawn_numbers(market: Market, replications: int, *, seed: int) -> pd.DataFrame:
    """The numbers that differ from replication to replication: a row a replication, a column an address.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=50.0)
    >>> margin = cs.evidence.Belief(value=0.3, low=0.2, high=0.4, status="assumed", source="our guess")
    >>> market = cs.Market(
    ...     customers=cs.Cohort(size=20), purchases=model, spend=spend, beliefs={"terms.margin": margin}
    ... )
    >>> drawn_numbers(market, 3, seed=1).shape
    (3, 1)
    """
    check_seed(seed)
    rows = []
    for k in range(check_count(replications, "replications")):
        row = market.believed_numbers(k, seed=seed)
        for kind, model in zip(("purchases", "spend"), market.draws[k] if market.draws else (), strict=False):
            row |= {f"{kind}.{name}": v for name, v in model.to_dict().items() if isinstance(v, (int, float))}
        rows.append(row)
    table = pd.DataFrame(rows, dtype=np.float64)
    return table.loc[:, table.nunique() > 1]


def shares_of_variance(answer: pd.Series[float], numbers: pd.DataFrame) -> pd.Series[float]:
    """Of each column of `numbers` the share of the variance of `answer` that goes with it, from 0 to 1, the largest
    first; both have one row a replication. Shares of numbers drawn independently add up to 1 at most, but for chance.

    Raises DataError for fewer than 20 replications, and for frames of unequal length.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> numbers = pd.DataFrame(rng.normal(size=(2000, 2)), columns=["a", "b"])
    >>> shares_of_variance(2 * numbers["a"] + numbers["b"], numbers).round(1).to_dict()
    {'a': 0.8, 'b': 0.2}
    """
    check_kind(answer, "answer", pd.Series, "a Series with a value a replication")
    check_kind(numbers, "numbers", pd.DataFrame, "a frame with a row a replication")
    numbers = pd.DataFrame(number_columns(numbers, list(numbers.columns)), numbers.index)
    answer = pd.Series(number_columns(answer.to_frame("answer"), ["answer"])["answer"])
    n = len(answer)
    if n < LEAST or len(numbers) != n:
        raise DataError(f"shares need the same {LEAST} replications or more of both; got {n} and {len(numbers)}.")
    ranks, own = numbers.rank().to_numpy(), answer.rank().to_numpy()
    if not np.ptp(own) > 0:  # an answer that never changes depends on nothing
        return pd.Series(0.0, index=numbers.columns)
    squares = [np.corrcoef(column, own)[0, 1] ** 2 if np.ptp(column) > 0 else 0.0 for column in ranks.T]
    adjusted = np.maximum(0.0, (np.array(squares, dtype=np.float64) * (n - 1) - 1) / (n - 2))
    return pd.Series(adjusted, index=numbers.columns).sort_values(ascending=False, kind="stable")
