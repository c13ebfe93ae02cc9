"""What the scikit-learn estimators of this package share: features checked by its rules and by scikit-learn's.

scikit-learn's common checks (`check_estimator`) want arrays refused in its own words; frames may hold words beside
numbers, and what is wrong with them is said by column and customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from churnsim.checks import is_foreign_frame
from churnsim.errors import DataError
from churnsim.models.estimation.design_matrix import checked_features


class NamedOutput(TransformerMixin, BaseEstimator):
    """An estimator whose `transform` returns columns with names of its own, so that `set_output` works.

    A fitted one keeps the names in `outputs_`.
    """

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray[Any, Any]:
        """Names of the columns of `transform`; `input_features` is not used."""
        check_is_fitted(self)
        return np.asarray(self.outputs_, dtype=object)


def feature_frame(
    estimator: Any, X: Any, *, reset: bool, wanted: Sequence[str] | None = None, least: int = 1
) -> pd.DataFrame:
    """`X` as a frame, checked; with `reset` (a fit) the estimator's `n_features_in_` and `feature_names_in_` are set,
    else the columns are compared with them.

    A frame of pandas, Polars or Arrow may hold words; an array holds numbers, and its columns are x0, x1 ... Of a frame
    the columns `wanted` are used, all unless given; those that it lacks are left to the caller. Raises DataError for a
    missing value in a frame or fewer rows than `least`, ValueError (scikit-learn's) for an array that holds other than
    finite numbers or too few.
    """
    if is_foreign_frame(X):
        X = pa.table(X).to_pandas()
    if isinstance(X, pd.DataFrame):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if len(X) < least:
            raise DataError(f"{type(estimator).__name__} needs {least} rows or more; got n_samples = {len(X)}.")
        frame = X
    else:
        numbers = validate_data(estimator, X, reset=reset, dtype=np.float64, ensure_min_samples=least)
        frame = pd.DataFrame(numbers)
    known = getattr(estimator, "feature_names_in_", None)
    names = [f"x{place}" for place in range(frame.shape[1])] if known is None else list(known)
    frame = frame.set_axis(names, axis=1)
    return checked_features(frame, names if wanted is None else [name for name in names if name in wanted])
