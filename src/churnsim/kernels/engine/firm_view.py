"""The firm's card index: what it keeps of each customer, a column each, beside the records of what they are.

A review looks at everybody. From columns it reads a few bytes a customer, from records it would take two cache lines
or three. So a customer's card is brought up to date where its record is at hand anyhow, after its events, and what the
firm sends it at a review lies with its card until the customer's record is next taken up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from churnsim.kernels.engine.records import LOST, UNBORN, Record, Records
from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.typing import Flags, Floats, Ints


class FirmView(NamedTuple):
    """Columns over customers in the order of their records; all but the last empty where the firm does not act."""

    uid: Ints
    known: Flags  # born and not dismissed
    there: Flags  # of those, who was not seen to leave: under contract the firm sees it, elsewhere it does not
    first_purchase: Floats
    last_purchase: Floats
    purchases: Ints  # repeat purchases or renewals
    repeat_revenue: Ints  # cents
    response: Floats
    attempts: Ints
    contacted: Flags  # since the last review
    crossed: Flags
    owed: Ints  # what the firm spent on it at reviews and is not yet in its record's account, in the latter's units
    clocks: Floats  # rows of `buying_clock`; none where nothing lifts buying


def empty_view(size: int, *, filed: bool, layers: int) -> FirmView:
    """FirmView for `size` customers, of whom the firm keeps a card where they are `filed`, and of their clocks so many
    `layers`; filled in when they enter."""
    kinds = ("i8", "?", "?", "f8", "f8", "i8", "i8", "f8", "i8", "?", "?", "i8")
    columns = [np.empty(size if filed else 0, dtype=kind) for kind in kinds]
    columns.append(empty_clocks(size, layers))
    return FirmView(*columns)


def empty_clocks(size: int, layers: int) -> Floats:
    """Rows of `buying_clock` for `size` customers; none without layers."""
    return np.zeros((size if layers else 0, clock_columns(layers)))


def clock_columns(layers: int) -> int:
    """How many numbers the clock of a customer has."""
    return 2 * layers + 1


@inlined
def update_view(view: FirmView, i: int, c: Record, contract: bool) -> None:
    """Bring the card of customer i up to date."""
    known = c.state != UNBORN and c.dismissed == 0
    view.known[i] = known
    # Under contract the firm sees who leaves; elsewhere a customer who left and one who is silent look alike.
    view.there[i] = known and not (contract and c.state == LOST)
    view.last_purchase[i] = c.last_purchase
    view.purchases[i] = c.seen + c.k
    view.repeat_revenue[i] = c.repeat_revenue


@inlined
def apply_pending(view: FirmView, i: int, c: Record) -> None:
    """Put what lies with the card of customer i into its record."""
    c.contacted = 1 if view.contacted[i] else 0
    c.crossed = 1 if view.crossed[i] else 0
    # Booked when it was spent; here it only reaches the customer's own account.
    c.account -= view.owed[i]
    view.owed[i] = 0


@rule
def apply_all_pending(view: FirmView, customers: Records, first: int, last: int) -> None:
    """`apply_pending` to customers `first`, ..., `last` - 1."""
    for i in range(first, last):
        apply_pending(view, i, customers[i])


@rule
def charge(owed: Ints, chosen: Flags, size: int, cost: int) -> int:
    """Charge the accounts of those `chosen` among the first `size` with `cost` each; their number."""
    number = 0
    for i in range(size):
        # Without a branch, so that several are done at once.
        owed[i] += cost if chosen[i] else 0
        number += chosen[i]
    return number
