"""Covariates as columns of a summary: finite numbers that vary, or an error that names the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import DataError

__all__ = ["check_spread", "covariate_columns"]

Floats = NDArray[np.float64]


def covariate_columns(summary: pd.DataFrame, names: Sequence[str]) -> dict[str, Floats]:
    """The named columns as finite numbers. DataError that names what is missing, or the customer whose value is
    none."""
    missing = [name for name in names if name not in summary.columns]
    if missing:
        raise DataError(
            f"the summary lacks the covariate {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, summary.columns))}. Join it to the summary by customer."
        )
    columns = {}
    for name in names:
        try:
            values = summary[name].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"the covariate {name!r} must hold numbers ({error}). Turn categories into columns of 0 and 1 "
                "(pandas.get_dummies)."
            ) from None
        bad = ~np.isfinite(values)
        if bad.any():
            first = int(np.argmax(bad))
            raise DataError(
                f"the covariate {name!r} must be a finite number; customer {str(summary.index[first])[:80]!r} has "
                f"{values[first]:g} ({int(bad.sum())} such rows). Fill it in, or leave the customer out."
            )
        columns[name] = values
    return columns


def check_spread(spread: Mapping[str, float], columns: Mapping[str, Floats]) -> None:
    """DataError for a covariate whose standard deviation is none."""
    for name, value in spread.items():
        if value <= 1e-12 * max(1.0, float(np.abs(columns[name]).max())):
            raise DataError(
                f"the covariate {name!r} is the same for every customer, so it tells nothing. Leave it out."
            )
