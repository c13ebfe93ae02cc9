"""What customer tables say of a strategy: retention by tenure, realised lifetime value, and who earns the margin.

Each function takes one table a replication (`customer_table.customer_tables`) and gives means over replications with
their t intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from churnsim.checks import check_frame, check_kind, check_number, typed
from churnsim.decisions.comparison.paired import Interval, interval
from churnsim.decisions.runs.customer_table import ORIGINS
from churnsim.errors import ConfigError
from churnsim.product_limit import RiskTable
from churnsim.typing import Floats

Tables = Sequence[pd.DataFrame]
START, NEW = "start", "new"


@typed
def retention_by_tenure(
    tables: Tables, tenures: Sequence[float], *, horizon: float, origin: str = "new", level: float = 0.95
) -> pd.DataFrame:
    """Share of customers not yet lost at each tenure (time units): tenure, retention, lower, upper, replications.

    Tenure runs from the first purchase of those who came during the simulation ("new", or one of their origins, such as
    "referred"), from time 0 for those who were with the firm then ("start"). Kaplan & Meier's product limit, since who
    came late has not been seen for long; the first loss counts, whether or not the customer was won back.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"origin": "start", "cause": ["organic", ""], "born": 0.0, "first_lost": [10.0, None]})
    >>> retention_by_tenure([table, table], [0.0, 26.0], horizon=52.0, origin="start")["retention"].tolist()
    [1.0, 0.5]
    """
    if len(tenures) == 0 or min(tenures) < 0 or max(tenures) > horizon:
        raise ConfigError(f"tenures must lie between 0 and the horizon, {horizon:g}; got {list(tenures)}.")

    def curve(table: pd.DataFrame) -> Floats:
        begun = np.maximum(table["born"].to_numpy(dtype=np.float64), 0.0)
        first = table["first_lost"].to_numpy(dtype=np.float64)
        seen = np.where(np.isnan(first), horizon, first) - begun
        counted = RiskTable.of(seen, ~np.isnan(first))
        return counted.step(counted.survival, np.asarray(tenures, dtype=np.float64), 1.0)

    there = [table[table["cause"] != "before the start"] for table in _of(tables, origin)]
    there = [table[(table["origin"] != START) | ~(table["first_lost"] <= 0)] for table in there]
    return _summarised(there, curve, "tenure", tenures, "retention", level)


@typed
def realised_value(tables: Tables, *, origin: str = "new", level: float = 0.95) -> Interval:
    """Realised lifetime value: mean discounted margin per customer by the horizon, before what was spent to win or keep
    it.

    Parameters
    ----------
    tables : sequence of DataFrame
        One table per replication, from `customer_tables`.
    origin : str
        "start" for the base, valued at time 0; "new", or one origin such as "referred", for those who came later,
        valued at their first purchase.
    level : float
        Confidence level of the t interval over replications.

    Returns
    -------
    Interval
        In money.

    Examples
    --------
    >>> import pandas as pd
    >>> tables = [pd.DataFrame({"origin": "start", "value": values}) for values in ([10.0, 20.0], [30.0, 40.0])]
    >>> realised_value(tables, origin="start").mean
    25.0
    """
    return interval(np.array([float(table["value"].mean()) for table in _of(tables, origin)]), level=level)


@typed
def simulated_whale_curve(
    tables: Tables,
    shares: Sequence[float] = tuple(np.arange(1, 21) / 20),
    *,
    horizon: float,
    cost_to_serve: float = 0.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """The share of all profit that the most profitable share of customers brings: customers, profit, lower, upper,
    replications.

    A customer's profit is its margin less `cost_to_serve` (money per time unit with the firm, from the user, since no
    ledger says whom a cost was for). With a cost some customers lose money, the curve rises above 1 and comes down: the
    whale's back (Kaplan & Narayanan 2001, Journal of Cost Management 15(5)). Raises ConfigError where the total is not
    above 0, since shares of it mean nothing then.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"born": 0.0, "lost": [None, 26.0, None, None], "margin": [60.0, 30.0, 10.0, 0.0]})
    >>> simulated_whale_curve([table, table], (0.25, 1.0), horizon=52.0)["profit"].tolist()
    [0.6, 1.0]
    """
    check_number(cost_to_serve, "cost_to_serve", least=0)
    _check_tables(tables)
    if len(shares) == 0 or min(shares) <= 0 or max(shares) > 1:
        raise ConfigError(f"shares of customers must lie above 0 and at most at 1; got {list(shares)}.")

    def curve(table: pd.DataFrame) -> Floats:
        begun = np.maximum(table["born"].to_numpy(dtype=np.float64), 0.0)
        end = table["lost"].fillna(horizon).to_numpy(dtype=np.float64)
        profit = np.sort(table["margin"].to_numpy() - cost_to_serve * np.maximum(end - begun, 0.0))[::-1]
        if profit.sum() <= 0:
            raise ConfigError("the customers' total profit is not above 0, so no share of it can be told.")
        cumulated = np.concatenate([[0.0], np.cumsum(profit)]) / profit.sum()
        found: Floats = np.interp(np.asarray(shares) * len(profit), np.arange(len(profit) + 1), cumulated)
        return found

    return _summarised(tables, curve, "customers", shares, "profit", level)


def _check_tables(tables: Tables) -> None:
    check_kind(tables, "tables", (list, tuple), "the list of customer_tables")
    for table in tables:
        check_frame(table, "each of tables")
    if not tables:
        raise ConfigError("tables are none; run customer_tables with one replication or more.")


def _of(tables: Tables, origin: str) -> list[pd.DataFrame]:
    _check_tables(tables)
    if not isinstance(origin, str) or origin not in (NEW, *ORIGINS.values()):
        raise ConfigError(f"unknown origin {origin!r}. Use 'new' or one of {', '.join(map(repr, ORIGINS.values()))}.")
    chosen = [table[(table["origin"] != START) if origin == NEW else (table["origin"] == origin)] for table in tables]
    if any(table.empty for table in chosen):
        raise ConfigError(f"some replications have no customer of origin {origin!r}, so nothing can be said of them.")
    return chosen


def _summarised(
    tables: Tables, curve: Callable[[pd.DataFrame], Floats], x: str, at: Sequence[float], y: str, level: float
) -> pd.DataFrame:
    """The curve's mean over tables with its t interval, point by point."""
    curves = np.array([curve(table) for table in tables])
    points = [interval(column, level=level) for column in curves.T]
    return pd.DataFrame(
        {
            x: list(at),
            y: [point.mean for point in points],
            "lower": [point.lower for point in points],
            "upper": [point.upper for point in points],
            "replications": len(curves),
        }
    )
