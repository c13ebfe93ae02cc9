"""Contacts by customer, and where in a customer's purchases a day lies: one pass each over whole columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Flags, Ints


@njit
def by_customer(customer: NDArray[np.int32], day: NDArray[np.int32], starts: Ints, order: NDArray[np.int32]) -> None:
    """Into `order` the rows by customer, then day, then as they come; into `starts`, one more than customers, where
    those of each begin."""
    starts[:] = 0
    for row in range(customer.size):
        starts[customer[row] + 1] += 1
    for k in range(1, starts.size):
        starts[k] += starts[k - 1]
    for row in range(customer.size):
        # The place moves on as rows are laid, to where the next customer's begin.
        at = starts[customer[row]]
        starts[customer[row]] = at + 1
        order[at] = row
    # By now each holds where the next customer's begin: one place back.
    for k in range(starts.size - 1, 0, -1):
        starts[k] = starts[k - 1]
    starts[0] = 0
    for k in range(starts.size - 1):
        # Insertion keeps rows of one day as they came, and a customer has few.
        for at in range(starts[k] + 1, starts[k + 1]):
            row = order[at]
            to = at
            while to > starts[k] and day[order[to - 1]] > day[row]:
                order[to] = order[to - 1]
                to -= 1
            order[to] = row


@njit
def contradicts(
    starts: Ints, order: NDArray[np.int32], campaign: NDArray[np.int16], day: NDArray[np.int32], arm: NDArray[np.int16]
) -> bool:
    """Whether a customer has two rows of a campaign on one day, or two arms of one campaign."""
    for k in range(starts.size - 1):
        for at in range(starts[k], starts[k + 1]):
            for before in range(starts[k], at):
                a, b = order[before], order[at]
                if campaign[a] == campaign[b] and (arm[a] != arm[b] or day[a] == day[b]):
                    return True
    return False


@njit
def first_rows(starts: Ints, order: NDArray[np.int32], campaign: NDArray[np.int16], which: int, first: Ints) -> None:
    """The first row of a campaign of each customer, -1 where there is none."""
    for k in range(starts.size - 1):
        first[k] = -1
        for at in range(starts[k], starts[k + 1]):
            if campaign[order[at]] == which:
                first[k] = order[at]
                break


@njit
def met(
    starts: Ints, order: NDArray[np.int32], campaign: NDArray[np.int16], day: NDArray[np.int32], sent: Flags,
    which: int, span: int, first: Ints, found: Ints,
) -> None:  # fmt: skip
    """How many contacts that were `sent` of other campaigns lie less than `span` days after each customer's `first` row
    of the campaign `which`, or up to `span` days before it."""
    for k in range(starts.size - 1):
        found[k] = 0
        if first[k] < 0:
            continue
        drawn = day[first[k]]
        for at in range(starts[k], starts[k + 1]):
            row = order[at]
            if sent[row] and campaign[row] != which and drawn - span <= day[row] < drawn + span:
                found[k] += 1


@njit
def places(starts: Ints, days: Ints, customer: Ints, asked: Ints, after: bool, found: Ints) -> None:
    """Where among the sorted `days` of its customer each day `asked` would go: before those of the same day, or after
    them. `starts` has one entry more than customers; -1 is nobody, whose place is 0."""
    for i in range(customer.size):
        low, high = 0, 0
        if customer[i] >= 0:
            low, high = starts[customer[i]], starts[customer[i] + 1]
        while low < high:
            middle = (low + high) // 2
            if days[middle] < asked[i] or (after and days[middle] == asked[i]):
                low = middle + 1
            else:
                high = middle
        found[i] = low
