"""The ledger: integer counts and integer cents, one row a period."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import ConfigError
from churnsim.kernels.engine.ledger_accounts import ACCOUNTS, COSTS, COUNTS, KINDS, MONEY

__all__ = ["ACCOUNTS", "COSTS", "KINDS", "MONEY", "Event", "Ledger"]


class Event(NamedTuple):
    """One line of the event log. `kind` is one of `ledger.KINDS`; `cents` the revenue it brought.

    Examples
    --------
    >>> Event(time=3.5, uid=7, kind="purchase", cents=1250)
    Event(time=3.5, uid=7, kind='purchase', cents=1250)
    """

    time: float
    uid: int
    kind: str
    cents: int


def _warn(old: str, new: str) -> None:
    warnings.warn(f"Ledger.{old} is now {new}; the old name goes in 0.3.", DeprecationWarning, stacklevel=3)


@dataclass(frozen=True)
class Ledger:
    """Books of one replication, by period and account.

    Attributes
    ----------
    table : array of shape (periods, accounts)
        int64; money in whole cents, everything else a number of events or customers. `frame()` names the accounts.
    period, discount_force : float
        Length of a period and continuous discount rate, in the market's unit of time.
    open_complaints : int
        Complaints without a reply at the end.
    events : tuple of Event
        The event log, where it was asked for.
    customers : DataFrame, optional
        The customers at the end, likewise.
    channels : DataFrame, optional
        Where the strategy names channels of acquisition: one row a period and channel ("" the one without a name), with
        what was spent (`cents`) and who came by it (`newcomers`). They add up to "acquisition" and "births_paid".

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> scenario = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=8.0, period=4.0, epoch=1.0)
    >>> ledger = cs.simulate(scenario, seed=1)
    >>> bool((ledger.cents("revenue") == 1000 * ledger.count("purchases")).all())
    True
    """

    table: NDArray[np.int64]
    period: float
    discount_force: float
    open_complaints: int = 0
    events: tuple[Event, ...] = ()
    customers: pd.DataFrame | None = None
    channels: pd.DataFrame | None = None

    def cents(self, name: str) -> NDArray[np.int64]:
        """One account of money by period, in whole cents: "revenue", "margin", a cost or the "residual"."""
        return self._column(name, MONEY)

    def money(self, name: str) -> NDArray[np.float64]:
        """One account of money by period, in money."""
        return self.cents(name) / 100

    def count(self, name: str) -> NDArray[np.int64]:
        """One account that counts something by period: "purchases", "births", "contacts", ..."""
        return self._column(name, COUNTS)

    def _column(self, name: str, among: tuple[str, ...]) -> NDArray[np.int64]:
        if name not in among:
            raise ConfigError(f"no such account {name!r}; there are {', '.join(among)}.")
        return self.table[:, ACCOUNTS.index(name)]

    def account(self, name: str) -> NDArray[np.int64]:
        """Deprecated, since it gives cents or counts: `cents`, `money` or `count` of the account."""
        _warn("account", "cents, money or count")
        return self._column(name, ACCOUNTS)

    @property
    def profit_cents(self) -> NDArray[np.int64]:
        """Margin less every cost by period, in whole cents."""
        return self.cents("margin") - sum((self.cents(name) for name in COSTS), np.int64(0))

    @property
    def profit(self) -> NDArray[np.int64]:
        """Deprecated: `profit_cents`, which says its unit."""
        _warn("profit", "profit_cents")
        return self.profit_cents

    @property
    def npv(self) -> float:
        """Profit discounted from the middle of each period to time 0, in money."""
        return float(present_value(self.profit_cents, self.period, self.discount_force)) / 100

    @property
    def equity(self) -> float:
        """NPV plus the residual value of those active at the end, discounted from the horizon, in money."""
        # The residual is as of the horizon, the profits as of the middles of their periods.
        factor = float(np.exp(-self.discount_force * self.period * len(self.table)))
        return self.npv + factor * float(self.money("residual").sum())

    def frame(self) -> pd.DataFrame:
        """One row a period: `period` (0, 1, ...) and every account."""
        frame = pd.DataFrame(self.table, columns=list(ACCOUNTS))
        frame.insert(0, "period", np.arange(len(frame), dtype=np.int64))
        return frame


def discount_factors(periods: int, period: float, force: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Discount factor of the middle of each period; a row of them for each of several rates."""
    if isinstance(force, np.ndarray):
        return np.array([discount_factors(periods, period, float(each)) for each in force])
    middles = (np.arange(periods) + 0.5) * period
    return np.array([float(np.exp(-force * t)) for t in middles])


def present_value(flows: NDArray[Any], period: float, force: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Flows by period (last axis), discounted from the middle of each period to time 0, perhaps at a rate for each
    place of the axis before."""
    value: NDArray[np.float64] = (flows * discount_factors(flows.shape[-1], period, force)).sum(axis=-1)
    return value
