"""A customer as the SimPy engine keeps it; in the compiled one it is a record (`kernels.engine.records.CUSTOMER`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from churnsim.kernels.engine.arguments import Tables
from churnsim.kernels.engine.records import ACTIVE, AWAITING, KNOWN, LOST, UNITS_PER_CENT
from churnsim.typing import Floats


@dataclass(slots=True, eq=False)
class Customer:
    """Traits, clocks and books of one customer; money in cents. `state` is hidden from the firm."""

    uid: int
    rate: float
    dropout: float
    spend_rate: float
    response: float
    member: int
    state: int
    tables: Tables = field(repr=False)  # the replication's, with a clock of its own alone where it has one
    clocks: Floats = field(repr=False)  # its row of `buying_clock`, if there are layers
    due: float = math.inf
    death_at: float = math.inf
    referral_at: float = math.inf
    first_purchase: float = 0.0
    last_purchase: float = 0.0
    expected: float = 0.0
    satisfied: float = 0.0
    lost_at: float = math.inf
    repeat_revenue: int = 0
    revenue: int = 0
    account: int = 0  # in units of its own: UNITS_PER_CENT
    judged_account: int = 0
    k: int = 0
    seen: int = 0
    referrals: int = 0
    attempts: int = 0
    lives: int = 0
    returns: int = 0
    cause: int = 0
    destination: int = 0
    origin: int = KNOWN
    channel: int = 0
    unhappy: int = 0
    contacted: int = 0
    crossed: int = 0
    offered: int = 0
    dismissed: int = 0
    process: Any = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        """Whether it is with the firm, waiting for a reply or not."""
        return self.state in (ACTIVE, AWAITING)

    @property
    def margin(self) -> float:
        """Its contribution less what the firm spent on it, cents."""
        return self.account / UNITS_PER_CENT

    @property
    def tenure(self) -> int:
        """Repeat purchases or renewals so far."""
        return self.seen + self.k

    @property
    def next_event(self) -> float:
        """When something happens to it next, for all it knows."""
        if self.state == ACTIVE:
            return min(self.due, self.death_at, self.referral_at)
        return self.due if self.state != LOST else math.inf
