"""Keeping the books while a run goes on, and checking that they close."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ChurnSimError
from churnsim.kernels.engine.ledger_accounts import ACCOUNTS, COUNTED_IN, KINDS
from churnsim.simulation.core.assumption import cents
from churnsim.simulation.engine.ledger import Event

INDEX = {name: i for i, name in enumerate(ACCOUNTS)}
ACCOUNT_OF = {kind: INDEX[COUNTED_IN[kind]] for kind in KINDS}
LOSSES = ("losses_organic", "losses_failure", "losses_complaint", "losses_dismissed")


class InvariantError(ChurnSimError, AssertionError):
    """The books do not close: an error in the engine, not in its input."""


class Books:
    """One row an accounting period, the event log if it is kept, and the count of active customers."""

    def __init__(self, *, periods: int, active: int, log: bool) -> None:
        self.table = np.zeros((periods, len(ACCOUNTS)), dtype=np.int64)
        self.events: list[Event] | None = [] if log else None
        self.active = active
        self.listeners: list[Callable[[float, int, str], None]] = []
        self._row = self.table[0]

    def open(self, period: int) -> None:
        """Begin a period with those who are active now."""
        self._row = self.table[period]
        self._row[INDEX["active_start"]] = self.active

    def pay(self, account: str, money: float) -> None:
        """Enter money (not cents) in an account, rounded half up to the cent."""
        self._row[INDEX[account]] += cents(money)

    def count(self, account: str, number: int) -> None:
        """Add to a count, or cents to an account of money."""
        self._row[INDEX[account]] += number

    def state(self, period: int, account: str, number: int) -> None:
        """Write down a stock at the end of a period."""
        self.table[period, INDEX[account]] = number

    def note(self, time: float, uid: int, kind: str, cents: int = 0) -> None:
        """Count an event, keep who is active, and log it if there is a log."""
        self._row[ACCOUNT_OF[kind]] += 1
        # Kept beside the count made afresh at each close: the two must agree.
        if kind in ("birth", "returned"):
            self.active += 1
        elif kind.startswith("lost"):
            self.active -= 1
        if self.events is not None:
            self.events.append(Event(time, uid, kind, cents))
        for listener in self.listeners:
            listener(time, uid, kind)

    def close(self, *, counted: int) -> None:
        """End the period. `counted` is the number of active customers counted afresh; raises InvariantError unless
        it equals those at the start plus births and returns less losses."""
        self._row[INDEX["active_end"]] = counted
        value = dict(zip(ACCOUNTS, self._row.tolist(), strict=True))
        if not counted == self.active == value["active_start"] + int(flow_of(self._row)):
            lost = sum(value[name] for name in LOSSES)
            raise InvariantError(
                f"{counted} active customers, but {value['active_start']} + {value['births']} births + "
                f"{value['returns']} returns - {lost} losses, and a running count of {self.active}."
            )

    def check_totals(self, *, waiting: int) -> None:
        """`checked_totals`, and the log's cents are the revenue; else InvariantError."""
        total = checked_totals(self.table, waiting=waiting)
        if self.events is not None and sum(event.cents for event in self.events) != total["revenue"]:
            raise InvariantError("the event log's cents do not sum to the ledger's revenue.")


def checked_totals(table: NDArray[np.int64], *, waiting: int | NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Each account over all periods, of books or of each of several. Raises InvariantError unless every complaint is
    answered or still `waiting`."""
    total = dict(zip(ACCOUNTS, np.moveaxis(table.sum(axis=-2), -1, 0), strict=True))
    answered = total["replies_quick"] + total["replies_slow"] + total["replies_unresolved"]
    # A complaint that is lost on the way would be a customer who waits for ever.
    if (total["complaints"] != answered + waiting).any():
        raise InvariantError(f"{total['complaints']} complaints, {answered} answered, {waiting} open.")
    return total


def flow_of(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Births and returns less losses of a row, or of each row, of the books."""
    lost = sum(row[..., INDEX[name]] for name in LOSSES)
    flow: NDArray[np.int64] = row[..., INDEX["births"]] + row[..., INDEX["returns"]] - lost
    return flow


def close_stocks(
    table: NDArray[np.int64], *, active: int | NDArray[np.int64], counted: int | NDArray[np.int64]
) -> None:
    """Fill in who is active when each period starts and ends, from `active` at first, in books or each of several.
    Raises InvariantError unless it comes to the number `counted` at the end."""
    flows = flow_of(table)
    ends = np.expand_dims(active, -1) + np.cumsum(flows, axis=-1)
    table[..., INDEX["active_start"]] = ends - flows
    table[..., INDEX["active_end"]] = ends
    if (ends[..., -1] != counted).any():
        raise InvariantError(f"{counted} active customers at the end, but the flows say {ends[..., -1]}.")
