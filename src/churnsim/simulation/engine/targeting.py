"""Whom the firm picks, by what it can see of its customers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.numerics.top_k import highest_of
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.mechanisms.targeting import Targeting

__all__ = ["Visible", "highest", "targets"]


# Percent of repeat revenue up to which class A and class B reach.
CLASS_A, CLASS_B = 80, 95
# A customer silent for this many times the silence that puts it at risk is given up.
GIVEN_UP = 3.0


class Visible(NamedTuple):
    """What the firm sees, arrays over customers: it knows of those `known`, and takes those for still `there` whom it
    has not seen leave. Under contract it sees who leaves, elsewhere all it knows count.

    `repeat_revenue` is in cents; `response` to contacts is known only as far as a trial has shown it.
    """

    uid: NDArray[np.int64]
    known: NDArray[np.bool_]
    there: NDArray[np.bool_]
    first_purchase: NDArray[np.float64]
    last_purchase: NDArray[np.float64]
    purchases: NDArray[np.int64]
    repeat_revenue: NDArray[np.int64]
    response: NDArray[np.float64]
    attempts: NDArray[np.int64]

    @property
    def number(self) -> int:
        """How many customers are there, as far as it knows."""
        return int(np.count_nonzero(self.there))


def targets(seen: Visible, contacts: Targeting, now: float) -> NDArray[np.bool_]:
    """Whom the rule picks at time `now`; of equal values and scores those of the lowest uids."""
    if contacts.rule == "recent_buyers":
        assert contacts.within is not None  # the rule needs it
        return seen.there & (seen.last_purchase >= now - contacts.within)
    if contacts.rule == "top_value":
        assert contacts.share is not None  # likewise
        return highest(seen.repeat_revenue, seen.uid, seen.there, round(contacts.share * seen.number))
    if contacts.rule == "responsive":
        assert contacts.share is not None  # likewise
        return highest(seen.response, seen.uid, seen.there, round(contacts.share * seen.number))
    if contacts.rule == "score":
        assert contacts.share is not None  # likewise
        assert isinstance(contacts.scores, CustomerScores)
        scores = contacts.scores.at(seen.uid, otherwise=-np.inf if contacts.unscored is None else contacts.unscored)
        return highest(scores, seen.uid, seen.there, round(contacts.share * seen.number))
    if contacts.rule == "at_risk":
        assert contacts.gaps is not None  # likewise
        # Its own rhythm: what is late for a weekly buyer is early for a yearly one.
        own_gap = (seen.last_purchase - seen.first_purchase) / np.maximum(seen.purchases, 1)
        silence = now - seen.last_purchase
        late = (silence > contacts.gaps * own_gap) & (silence <= GIVEN_UP * contacts.gaps * own_gap)
        return seen.there & (seen.purchases > 0) & late
    if contacts.rule == "abc_class":
        return _abc(seen, str(contacts.abc))
    return seen.there.copy()


def _abc(seen: Visible, wanted: str) -> NDArray[np.bool_]:
    """Class A are those with the most repeat revenue who together bring 80% of it, B those of the next 15%, C the rest:
    a customer belongs where the revenue of those before it ends."""
    places = np.flatnonzero(seen.there)
    ranked = places[np.lexsort((seen.uid[places], -seen.repeat_revenue[places]))]
    revenue = seen.repeat_revenue[ranked]
    # Where the revenue of those before it ends: the first customer is in A whatever its share.
    before = np.cumsum(revenue) - revenue
    total = int(revenue.sum())
    # Whole numbers, without a rounding at the edge of a class.
    at = np.where(before * 100 < CLASS_A * total, "A", np.where(before * 100 < CLASS_B * total, "B", "C"))
    chosen = np.zeros(seen.uid.size, dtype=np.bool_)
    chosen[ranked[at == wanted]] = True
    return chosen


def highest(
    scores: NDArray[Any], uids: NDArray[np.int64], eligible: NDArray[np.bool_], number: int
) -> NDArray[np.bool_]:
    """The `number` eligible customers with the highest score; among equals those of the lowest uids."""
    return np.asarray(highest_of(scores, uids, eligible, number))
