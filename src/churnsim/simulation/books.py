"""Keeping the books while a run goes on, and checking that they close."""

from __future__ import annotations

import math

import numpy as np

from churnsim.errors import ChurnSimError
from churnsim.simulation.ledger import ACCOUNTS, KINDS, Event

__all__ = ["Books", "InvariantError"]

INDEX = {name: i for i, name in enumerate(ACCOUNTS)}
# The account that counts each kind of event.
COUNTED_IN = {
    "birth": "births",
    "purchase": "purchases",
    "failure": "failures",
    "complaint": "complaints",
    "reply_quick": "replies_quick",
    "reply_slow": "replies_slow",
    "reply_unresolved": "replies_unresolved",
    "lost_organic": "losses_organic",
    "lost_failure": "losses_failure",
    "lost_complaint": "losses_complaint",
}
ACCOUNT_OF = {kind: INDEX[COUNTED_IN[kind]] for kind in KINDS}


class InvariantError(ChurnSimError, AssertionError):
    """The books do not close: an error in the engine, not in its input."""


class Books:
    """One row an accounting period, the event log if it is kept, and the count of active customers."""

    def __init__(self, *, periods: int, active: int, log: bool) -> None:
        self.table = np.zeros((periods, len(ACCOUNTS)), dtype=np.int64)
        self.events: list[Event] | None = [] if log else None
        self.active = active
        self._row = self.table[0]

    def open(self, period: int) -> None:
        """Begin a period with those who are active now."""
        self._row = self.table[period]
        self._row[INDEX["active_start"]] = self.active

    def pay(self, account: str, money: float) -> None:
        """Enter money (not cents) in an account, rounded half up to the cent."""
        self._row[INDEX[account]] += math.floor(money * 100 + 0.5)

    def count(self, account: str, number: int) -> None:
        """Add to a count, or cents to an account of money."""
        self._row[INDEX[account]] += number

    def note(self, time: float, uid: int, kind: str, cents: int = 0) -> None:
        """Count an event, keep who is active, and log it if there is a log."""
        self._row[ACCOUNT_OF[kind]] += 1
        if kind == "birth":
            self.active += 1
        elif kind.startswith("lost"):
            self.active -= 1
        if self.events is not None:
            self.events.append(Event(time, uid, kind, cents))

    def close(self, *, counted: int) -> None:
        """End the period. `counted` is the number of active customers counted afresh; raises InvariantError unless
        it equals those at the start plus births less losses."""
        self._row[INDEX["active_end"]] = counted
        value = dict(zip(ACCOUNTS, self._row.tolist(), strict=True))
        lost = value["losses_organic"] + value["losses_failure"] + value["losses_complaint"]
        if not counted == self.active == value["active_start"] + value["births"] - lost:
            raise InvariantError(
                f"{counted} active customers, but {value['active_start']} + {value['births']} births - {lost} losses, "
                f"and a running count of {self.active}."
            )

    def check_totals(self, *, waiting: int) -> None:
        """Every complaint is answered or still `waiting`, and the log's cents are the revenue; else InvariantError."""
        total = dict(zip(ACCOUNTS, self.table.sum(axis=0).tolist(), strict=True))
        answered = total["replies_quick"] + total["replies_slow"] + total["replies_unresolved"]
        if total["complaints"] != answered + waiting:
            raise InvariantError(f"{total['complaints']} complaints, {answered} answered, {waiting} open.")
        if self.events is not None and sum(event.cents for event in self.events) != total["revenue"]:
            raise InvariantError("the event log's cents do not sum to the ledger's revenue.")
