"""Checked subscriptions as arrays: what every retention model reads of a customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_frame, shown
from churnsim.data.subscriptions.subscriptions import churned_flags
from churnsim.errors import DataError
from churnsim.models.estimation.arguments import refuse
from churnsim.typing import Floats

MAKE = "Make it with churnsim.data.read_subscriptions, or name its columns so."


@dataclass(frozen=True)
class Tenures:
    """n customers: how long each has been there, whether it left then, the tenure at which its observation began."""

    tenure: Floats
    churned: NDArray[np.bool_]
    entry: Floats
    index: pd.Index
    past: NDArray[np.bool_]  # rows that a later one of the same customer takes on, its covariates having changed

    @classmethod
    def of(cls, subscriptions: pd.DataFrame, *, need_churned: bool = True) -> Tenures:
        """Check `tenure`, `churned` and `entry` (0 where there is none) and take them as arrays.

        `need_churned=False` is for customers of whom only the tenure so far is asked; without the column they all
        count as active. Raises DataError that names the customer, the value and the remedy.
        """
        check_frame(subscriptions, "subscriptions", MAKE)
        wanted = ["tenure", "churned"] if need_churned else ["tenure"]
        missing = [name for name in wanted if name not in subscriptions.columns]
        if missing:
            new = "" if need_churned else " For a new customer tenure is 0."
            raise DataError(
                f"the subscriptions lack {', '.join(map(repr, missing))}; they have "
                f"{', '.join(map(repr, subscriptions.columns))}. {MAKE}{new}"
            )
        if subscriptions.empty:
            raise DataError("the subscriptions have no rows. Check the filter that made them.")
        n, index = len(subscriptions), subscriptions.index
        tenure = _lengths(subscriptions, "tenure")
        entry = _lengths(subscriptions, "entry") if "entry" in subscriptions.columns else np.zeros(n)
        churned = churned_flags(subscriptions) if "churned" in subscriptions.columns else np.zeros(n, dtype=bool)
        late = (entry > 0) & (tenure <= entry)
        refuse(
            index, tenure, late, "tenure must be above entry", "Leave out who had gone before the observation began."
        )
        nothing = churned & (tenure == 0)
        refuse(
            index, tenure, nothing, "tenure must be above 0 for a customer who left", "The first period counts as 1."
        )
        past = np.zeros(n, dtype=bool)
        ids = subscriptions["customer_id"] if "customer_id" in subscriptions.columns else index
        if (entry > 0).any() and ids.name == "customer_id":
            try:
                begun = pd.MultiIndex.from_arrays([ids[entry > 0], entry[entry > 0]])
                past = np.asarray(pd.MultiIndex.from_arrays([ids, tenure]).isin(begun))
            except TypeError as error:
                raise DataError(f"customer_id must hold texts or numbers ({error}). Correct it.") from None
        if not need_churned and past.any():
            first = int(np.argmax(past))
            raise DataError(
                f"row {shown(index[first])} is a customer's past: another row of {shown(list(ids)[first])} begins at "
                f"its tenure of {tenure[first]:g} ({int(past.sum())} such rows). Keep the last row of each customer, "
                "whose covariates hold from now on."
            )
        return cls(tenure, churned, entry, index, past)

    @property
    def customers(self) -> int:
        """How many there are: rows, those of a customer's past not counted."""
        return int((~self.past).sum())

    def __len__(self) -> int:
        return len(self.tenure)

    def in_whole_units(self) -> Tenures:
        """The same, checked to be whole numbers of renewals; DataError otherwise."""
        for name in ("tenure", "entry"):
            values = getattr(self, name)
            remedy = "Count renewals with churnsim.data.count_renewals(subscriptions, term=...)."
            refuse(self.index, values, values != np.floor(values), f"{name} must be a whole number of renewals", remedy)
        return self

    def series(self, values: Floats, name: str) -> pd.Series[float]:
        """Values in the order of the rows, as a Series on the subscriptions' own index."""
        return pd.Series(values, index=self.index, name=name)


def _lengths(frame: pd.DataFrame, name: str) -> Floats:
    try:
        values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name!r} of the subscriptions must hold numbers ({error}).") from None
    bad = ~np.isfinite(values) | (values < 0)
    refuse(frame.index, values, bad, f"{name} must be a finite number, 0 or more", "Check the row.")
    return values


@dataclass(frozen=True)
class Cohorts:
    """What the renewal likelihoods need: by pattern of covariates and tenure, how many left and how many stayed.

    Rows `first[g] ... first[g + 1]` belong to pattern g, in ascending `t`. `kept` counts factors S(t): customers
    still there at t less those who entered the observation at t.
    """

    first: NDArray[np.int64]
    t: NDArray[np.int64]
    lost: Floats
    kept: Floats
    customers: float

    @classmethod
    def of(cls, tenures: Tenures, pattern: NDArray[np.int64] | None = None) -> Cohorts:
        """Count `tenures`, whole numbers, by `pattern` (0, 1, ... of each customer; all alike if None)."""
        checked = tenures.in_whole_units()
        t, entry = checked.tenure.astype(np.int64), checked.entry.astype(np.int64)
        code = np.zeros(len(t), dtype=np.int64) if pattern is None else pattern
        width = int(max(t.max(), 1)) + 1
        return cls._counted(code, t, entry, checked.churned, width, int(code.max()) + 1)

    @classmethod
    def _counted(
        cls, code: NDArray[np.int64], t: NDArray[np.int64], entry: NDArray[np.int64], churned: Any, width: int,
        groups: int,
    ) -> Cohorts:  # fmt: skip
        place = code * width + t
        places = [place, (code * width + entry)[entry > 0]]
        cells = np.unique(np.concatenate(places)) if groups > 1 else np.arange(groups * width)
        lost = np.bincount(np.searchsorted(cells, place[churned]), minlength=cells.size).astype(np.float64)
        kept = np.bincount(np.searchsorted(cells, place[~churned]), minlength=cells.size).astype(np.float64)
        kept -= np.bincount(np.searchsorted(cells, places[1]), minlength=cells.size)
        use = cells % width > 0  # S(0) = 1 says nothing
        cells, lost, kept = cells[use], lost[use], kept[use]
        first = np.searchsorted(cells, np.arange(groups + 1) * width)
        return cls(first.astype(np.int64), cells % width, lost, kept, float(len(t)))

    @classmethod
    def of_survivors(cls, survivors: Any) -> Cohorts:
        """Customers left after 0, 1, 2 ... renewals: a sequence, or a frame with a column a cohort (missing before its
        first number, as where each row is a calendar year, or after its last; the youngest may have no renewal behind
        it yet, and then counts for nothing). Raises DataError unless the numbers are finite, 0 or more, and never rise.
        """
        if not isinstance(survivors, pd.DataFrame | Sequence | np.ndarray | pd.Series) or isinstance(survivors, str):
            raise DataError(f"survivors must be a sequence of numbers, or a frame; got {shown(survivors)}.")
        table = survivors if isinstance(survivors, pd.DataFrame) else pd.DataFrame({"cohort": list(survivors)})
        lost, kept = np.zeros(max(len(table), 2)), np.zeros(max(len(table), 2))
        customers = 0.0
        for name, values in _cohorts(table):
            bad = not np.isfinite(values).all() or (values < 0).any() or (np.diff(values) > 0).any()
            if bad or values.size < (1 if table.shape[1] > 1 else 2):
                raise DataError(
                    f"survivors of {name!r} must be at least two numbers, 0 or more, that never rise; got "
                    f"{shown(values.tolist())}. Give the customers left after 0, 1, 2 ... renewals."
                )
            if values.size < 2:
                continue  # its first renewal is still to come: it says nothing yet
            lost[1 : values.size] += -np.diff(values)
            kept[values.size - 1] += values[-1]
            customers += values[0]
        if customers <= 0:
            raise DataError(
                "no customer of these cohorts came to a renewal. Give the customers left after 0, 1, 2 ... renewals."
            )
        t = np.arange(1, lost.size)
        return cls(np.array([0, t.size]), t, lost[1:], kept[1:], customers)


def _cohorts(table: pd.DataFrame) -> Iterator[tuple[Any, Floats]]:
    """Each cohort's numbers from the first to the last one that is there. DataError for what is no number."""
    for name, column in table.items():
        try:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise DataError(f"survivors of {name!r} must be numbers ({error}).") from None
        there = np.flatnonzero(~np.isnan(values))
        yield name, values[there[0] : there[-1] + 1] if there.size else values[:0]
