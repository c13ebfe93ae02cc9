"""The ledger: integer counts and integer cents, one row a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import ConfigError
from churnsim.kernels.engine.ledger_accounts import ACCOUNTS, COSTS, KINDS, MONEY

__all__ = ["ACCOUNTS", "COSTS", "KINDS", "MONEY", "Event", "Ledger"]


class Event(NamedTuple):
    """One line of the event log. `kind` is one of `ledger.KINDS`; `cents` the revenue it brought."""

    time: float
    uid: int
    kind: str
    cents: int


@dataclass(frozen=True)
class Ledger:
    """Books of one replication: `table[period, account]`, int64, money in cents; `events`
    and the table of `customers` at the end when the log was asked for.

    `period` and `discount_force` are in the market's unit; `open_complaints` had no reply yet at the end.
    """

    table: NDArray[np.int64]
    period: float
    discount_force: float
    open_complaints: int = 0
    events: tuple[Event, ...] = ()
    customers: pd.DataFrame | None = None

    def account(self, name: str) -> NDArray[np.int64]:
        """One account by period."""
        if name not in ACCOUNTS:
            raise ConfigError(f"no account {name!r}; there are {', '.join(ACCOUNTS)}.")
        return self.table[:, ACCOUNTS.index(name)]

    @property
    def profit(self) -> NDArray[np.int64]:
        """Margin less every cost, in cents by period."""
        return self.account("margin") - sum((self.account(name) for name in COSTS), np.int64(0))

    @property
    def npv(self) -> float:
        """Profit discounted from the middle of each period to time 0, in money."""
        return float(self.profit @ discount_factors(len(self.table), self.period, self.discount_force)) / 100

    @property
    def equity(self) -> float:
        """NPV plus the residual value of those active at the end, discounted from the horizon, in money."""
        factor = float(np.exp(-self.discount_force * self.period * len(self.table)))
        return self.npv + factor * float(self.account("residual").sum()) / 100

    def frame(self) -> pd.DataFrame:
        """One row a period: `period` (0, 1, ...) and every account."""
        frame = pd.DataFrame(self.table, columns=list(ACCOUNTS))
        frame.insert(0, "period", np.arange(len(frame), dtype=np.int64))
        return frame


def discount_factors(periods: int, period: float, force: float) -> NDArray[np.float64]:
    """Discount factor of the middle of each period."""
    middles = (np.arange(periods) + 0.5) * period
    return np.array([float(np.exp(-force * t)) for t in middles])
