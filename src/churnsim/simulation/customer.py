"""A customer as an engine keeps it, and what the firm sees of it."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.simulation.strategy import RetentionContacts

__all__ = ["Customer", "targets"]


@dataclass(slots=True)
class Customer:
    """Traits and state. `alive` is hidden from the firm; `last_purchase` and `repeat_revenue` (cents, without the first
    purchase, whose amount a summary does not hold) are what it sees."""

    uid: int
    rate: float
    dropout: float
    spend_rate: float
    harmed: bool
    alive: bool
    last_purchase: float
    repeat_revenue: int
    factor: float = 1.0  # what contacts do to organic dropout until the next review


def targets(customers: list[Customer], contacts: RetentionContacts, now: float) -> list[Customer]:
    """Whom the rule picks at time `now`; ties in value by uid."""
    if contacts.rule == "recent_buyers":
        assert contacts.within is not None  # the rule needs it
        return [c for c in customers if c.last_purchase >= now - contacts.within]
    if contacts.rule == "top_value":
        assert contacts.share is not None  # likewise
        ranked = sorted(customers, key=lambda c: (-c.repeat_revenue, c.uid))
        return ranked[: round(contacts.share * len(ranked))]
    return customers
