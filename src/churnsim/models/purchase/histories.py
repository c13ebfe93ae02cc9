"""A checked summary as arrays: what every purchase model reads of a customer.

`x, t_x, T` are the papers' names for `frequency, recency, T`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.summaries.column_aliases import as_summary
from churnsim.errors import DataError, UnitWarning
from churnsim.kernels.likelihoods.histories import valid_histories
from churnsim.models.estimation.arguments import LONGEST, MOST_PURCHASES, numbers, refuse
from churnsim.models.estimation.threads import Chunks
from churnsim.units import check_unit

FEW = 30  # customers: an example typed in by hand, of which nobody asks the unit


@dataclass(frozen=True)
class Histories:
    """Purchase histories of n customers: arrays of length n in the order of the rows given."""

    x: NDArray[np.int64]
    t_x: NDArray[np.float64]
    T: NDArray[np.float64]
    index: pd.Index

    @classmethod
    def of(cls, summary: pd.DataFrame, *, unit: str | None = None) -> Histories:
        """Check `frequency, recency, T` (or what lifetimes and pymc-marketing call them) and take them as arrays.

        Raises DataError that names the customer, the values and the remedy for a missing column, a value that is not a
        finite number, a summary made in another `unit` than the one asked for, a fractional or negative frequency,
        `recency > T`, or a recency that contradicts the frequency.
        """
        summary = as_summary(summary)
        check_unit_of(summary, unit)
        missing = [name for name in ("frequency", "recency", "T") if name not in summary.columns]
        if missing:
            raise DataError(
                f"the summary lacks {', '.join(map(repr, missing))}; it has {', '.join(map(repr, summary.columns))}. "
                "Make it with churnsim.summarise(transactions), or rename its columns."
            )
        if summary.empty:
            raise DataError("the summary has no rows. Check the filter or the observation end that made it.")
        columns = [_numbers(summary, name) for name in ("frequency", "recency", "T")]
        frequency, t_x, T = columns
        if not valid_histories(frequency, t_x, T, float(MOST_PURCHASES), LONGEST):
            _name_the_flaw(summary.index, frequency, t_x, T)
        return cls(x=frequency.astype(np.int64), t_x=t_x, T=T, index=summary.index)

    def chunks(self) -> Chunks:
        """x, t_x and T in pieces for the kernels."""
        return Chunks(self.x, self.t_x, self.T)

    def series(self, values: NDArray[np.float64], name: str) -> pd.Series[float]:
        """Values in the order of the rows, as a Series on the summary's own index."""
        return pd.Series(values, index=self.index, name=name)


def _name_the_flaw(
    index: pd.Index, frequency: NDArray[np.float64], t_x: NDArray[np.float64], T: NDArray[np.float64]
) -> None:
    """DataError for the first rule that a row breaks."""
    for name, values in (("frequency", frequency), ("recency", t_x), ("T", T)):
        refuse(index, values, ~np.isfinite(values), f"{name} must be a finite number")
    uncounted = (frequency < 0) | (frequency != np.floor(frequency))
    refuse(index, frequency, uncounted, "frequency must be a whole number, 0 or more")
    many = f"frequency must be at most {MOST_PURCHASES:,}"
    refuse(index, frequency, frequency > MOST_PURCHASES, many, "Check the row: it may be a typing error or an id.")
    refuse(index, T, T > LONGEST, f"T must be at most {LONGEST:,.0f}", "Check the unit of time.")
    refuse(index, T, T < 0, "T must be 0 or more", "Check the observation end.")
    refuse(index, t_x, t_x < 0, "recency must be 0 or more")
    refuse(index, t_x, t_x > T * (1 + 1e-12), "recency must be <= T", "Check the observation end.")
    refuse(
        index, t_x, (frequency == 0) & (t_x > 0), "recency must be 0 where frequency is 0",
        "Recency runs from the first purchase to the last one, not from the last one to today.",
    )  # fmt: skip
    refuse(
        index, t_x, (frequency > 0) & (t_x == 0), "recency must be above 0 where frequency is above 0",
        "Check the row; the first purchase is not counted (in other packages: include_first_transaction=False).",
    )  # fmt: skip


def _numbers(summary: pd.DataFrame, name: str) -> NDArray[np.float64]:
    column = summary[name]
    if isinstance(column, pd.DataFrame):
        raise DataError(f"the summary has {column.shape[1]} columns {name!r}. Leave one.")
    try:
        if isinstance(column.dtype, np.dtype):
            values = np.array(column.to_numpy(), dtype=np.float64)
        else:  # pandas' own nullable numbers
            values = np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"column {name!r} of the summary must hold numbers ({error}).") from None
    return values


def checked_weights(weights: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    """How many customers each row stands for, 1 where nothing is said.

    Raises DataError unless there is one a row, all finite, 0 or more, and not all 0.
    """
    if weights is None:
        return np.ones(rows)
    values = numbers(weights, "weights")
    if values.shape != (rows,) or not np.isfinite(values).all() or (values < 0).any() or values.sum() <= 0:
        raise DataError(
            f"weights must be {rows} finite numbers, 0 or more and not all 0; got shape {values.shape}"
            + (f", smallest {values.min()}." if values.size else ".")
        )
    return values


def unit_of(summary: pd.DataFrame, unit: str | None) -> str:
    """The unit asked for, else the summary's own, else weeks: with a UnitWarning where durations are whole numbers, as
    of a summary in days that lost its unit, or of another package."""
    own = unit or summary.attrs.get("unit")
    if own is not None:
        return str(own)
    whole = len(summary) >= FEW and all((summary[name] % 1 == 0).all() for name in ("recency", "T"))
    if whole:
        warnings.warn(
            "the summary does not say what its durations are in; they are whole numbers and taken as weeks. Pass "
            "unit='D' if they are days, unit='W' if they are not. pandas loses it in join, merge, concat and files.",
            UnitWarning, stacklevel=2,
        )  # fmt: skip
    return "W"


def check_unit_of(summary: pd.DataFrame, unit: str | None) -> None:
    """DataError when the summary says that its durations are in another unit; frames made elsewhere say nothing."""
    own = summary.attrs.get("unit")
    if unit is not None:
        check_unit(unit)
    if unit is not None and own is not None and own != unit:
        raise DataError(
            f"the summary's durations are in {own!r}, the model's in {unit!r}. Summarise with unit={unit!r}, or "
            f"fit a model with unit={own!r}."
        )
