"""A score for each customer whom somebody has scored: what a model outside the simulation hands to a targeting rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.errors import ConfigError, DataError


class CustomerScores:
    """Finite scores by uid, which do not change: it compares, hashes and is copied by its content.

    Raises ConfigError where there is none, DataError for one that is not a finite number or a customer scored twice.

    Examples
    --------
    >>> scores = CustomerScores(np.array([7, 3]), [0.9, 0.1])
    >>> scores == CustomerScores(np.array([3, 7]), [0.1, 0.9])  # whatever their order
    True
    """

    __slots__ = ("_hash", "_uids", "_values")

    @typed
    def __init__(self, uids: NDArray[np.int64], values: ArrayLike) -> None:
        uids = np.asarray(uids)
        try:
            found = np.array(values, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise DataError("scores must be numbers, one a customer.") from None
        if uids.ndim != 1 or uids.dtype.kind not in "iu":
            raise ConfigError("uids must be whole numbers, as churnsim.data.customer_uids makes them of ids.")
        if found.shape != uids.shape:
            raise DataError(f"{uids.size} customers and {found.size} scores: there must be one each.")
        if not uids.size:
            raise ConfigError("scores is empty: the rule 'score' would know nobody. Give a score by customer id.")
        order = np.argsort(uids, kind="stable")
        self._uids, self._values = uids[order], found[order]
        if (self._uids[1:] == self._uids[:-1]).any():
            raise DataError("a customer is scored twice. Give one score each.")
        if not np.isfinite(self._values).all():
            raise DataError("scores must be finite. Leave out the customers that have none.")
        for array in (self._uids, self._values):
            array.flags.writeable = False
        self._hash = hash((self._uids.tobytes(), self._values.tobytes()))

    @classmethod
    def of(cls, scores: Scores) -> CustomerScores:
        """Scores by customer id, as the models of churn and uplift return them (7 and "7" are different ids).

        Raises DataError that names the first customer whose score is not a finite number.
        """
        if isinstance(scores, CustomerScores):
            return scores
        if not isinstance(scores, (pd.Series, Mapping)):
            raise ConfigError(f"scores must be a Series or a mapping by customer id; got {type(scores).__name__}.")
        ids = scores.index if isinstance(scores, pd.Series) else pd.Index(list(scores), dtype=object)
        given = scores.tolist() if isinstance(scores, pd.Series) else list(scores.values())
        try:
            values = np.array(given, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.array([_number(value) for value in given])
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            row = int(wrong[0])
            raise DataError(
                f"the score of customer {str(ids[row])[:80]!r} is {str(given[row])[:40]!r}, not a finite number. "
                "Correct it, or leave the customer out."
            )
        return cls(customer_uids(ids), values)

    def __len__(self) -> int:
        return self._uids.size

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, CustomerScores)
            and np.array_equal(self._uids, other._uids)
            and np.array_equal(self._values, other._values)
        )

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return CustomerScores, (self._uids, self._values)

    def __repr__(self) -> str:
        return f"CustomerScores(of {len(self):,} customers)"

    @property
    def uids(self) -> NDArray[np.int64]:
        """Who has a score, in ascending order."""
        return self._uids

    @property
    def values(self) -> NDArray[np.float64]:
        """The scores in the order of `uids`."""
        return self._values

    def know(self, uids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Who of these has a score."""
        return np.asarray(self._uids[self._places(uids)] == uids)

    def at(self, uids: NDArray[np.int64], *, otherwise: float) -> NDArray[np.float64]:
        """The scores of these customers, `otherwise` for those without one."""
        places = self._places(uids)
        return np.where(self._uids[places] == uids, self._values[places], otherwise)

    def _places(self, uids: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum(np.searchsorted(self._uids, uids), len(self) - 1)


Scores = CustomerScores | Mapping[Any, float] | pd.Series


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
