"""What a ledger says in one number: a metric of one replication, or of many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ConfigError
from churnsim.simulation.engine.ledger import ACCOUNTS, COSTS, MONEY, Ledger, present_value

VALUES = ("npv", "profit", "equity", "discounted_margin", "customer_equity", "costs")
SHARES = ("share_of_market", "referral_share")
DERIVED = VALUES + SHARES
"""Metrics that are no account: of money over the horizon, and of who is there at its end."""
STOCKS = {"active_start": 0, "active_end": -1, "competitor_customers": -1, "members": -1}
"""Counts of who is there, not of what happened, and the period they are read in."""


def check_metric(metric: str) -> None:
    """ConfigError unless `metric` is one that `metric_of` knows."""
    if not isinstance(metric, str) or (metric not in DERIVED and metric not in ACCOUNTS):
        raise ConfigError(f"no metric {metric!r}; there are {', '.join(DERIVED + ACCOUNTS)}.")


def metric_of(
    tables: NDArray[np.int64], metric: str, *, period: float, discount_force: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """The metric of each of many ledgers, `tables[..., period, account]` with money in cents, discounted at one rate or
    at one for each place of the axis before the periods.

    "npv" and "profit" are margin less every cost, discounted from the middle of each period or not; "equity" adds what
    those active at the end are still worth; "discounted_margin" and "customer_equity" are the same without the costs,
    what customers bring and are worth before anything is spent on them; "costs" are these costs, undiscounted (a price
    off is none, but less revenue and margin); all in money over the horizon.
    "share_of_market" is the active among these and the competitors' customers at the horizon, "referral_share" the
    referred among all new customers (0 where nobody is there, or came). An account of money is its sum in money, one of
    counts its sum, but "active_start" is taken at the start, "active_end" and "competitor_customers" at the horizon,
    and "members" at the start of the last period. Raises ConfigError for any other name.
    """
    check_metric(metric)
    periods = tables.shape[-2]
    if metric in ACCOUNTS:
        account = _account(tables, metric)
        if metric in STOCKS:
            edge: NDArray[np.float64] = account[..., STOCKS[metric]]
            return edge
        summed: NDArray[np.float64] = account.sum(axis=-1) / (100 if metric in MONEY else 1)
        return summed
    if metric in SHARES:
        return _share(tables, metric)
    cents = _account(tables, "margin")
    costs: NDArray[np.float64] = sum((_account(tables, cost) for cost in COSTS), np.zeros_like(cents))
    if metric == "costs":
        cents = costs
    elif metric not in ("discounted_margin", "customer_equity"):
        cents = cents - costs
    total = cents.sum(axis=-1) if metric in ("profit", "costs") else present_value(cents, period, discount_force)
    if metric in ("equity", "customer_equity"):
        left = _account(tables, "residual").sum(axis=-1)
        total = total + left * np.exp(-discount_force * period * periods)
    found: NDArray[np.float64] = total / 100
    return found


def _share(tables: NDArray[np.int64], metric: str) -> NDArray[np.float64]:
    if metric == "share_of_market":
        part = _account(tables, "active_end")[..., -1]
        whole = part + _account(tables, "competitor_customers")[..., -1]
    else:
        part, whole = (_account(tables, name).sum(axis=-1) for name in ("births_referred", "births"))
    found: NDArray[np.float64] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return found


def ledger_metric(ledger: Ledger, metric: str) -> float:
    """The metric of one ledger."""
    return float(metric_of(ledger.table, metric, period=ledger.period, discount_force=ledger.discount_force))


def _account(tables: NDArray[np.int64], name: str) -> NDArray[np.float64]:
    account: NDArray[np.float64] = tables[..., ACCOUNTS.index(name)].astype(np.float64)
    return account
