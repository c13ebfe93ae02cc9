"""The data behind the pictures of a holdout: what happened, and what the models had said."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count, typed
from churnsim.errors import ConfigError
from churnsim.models.evaluation.holdout import Validation
from churnsim.plots.data.fits import HAPPENED


@typed
def holdout(validation: Validation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """Mean held-out purchases by calibration frequency: calibration against holdout.

    Parameters
    ----------
    validation : Validation
        As `churnsim.validate` returns.
    models : sequence of str, optional
        Names in `Validation.fits`; all unless given.

    Returns
    -------
    DataFrame
        `frequency, customers, series, mean`, and of what happened `lower, upper`, the 95% interval of its mean.
    """
    return _beside(validation, validation.by_frequency, models, ["frequency", "customers"], "mean")


@typed
def tracking(validation: Validation, models: Sequence[str] | None = None, *, cumulative: bool = True) -> pd.DataFrame:
    """Repeat purchases of all customers by date.

    Parameters
    ----------
    validation : Validation
        As `churnsim.validate` returns.
    models : sequence of str, optional
        Names in `Validation.fits`; all unless given.
    cumulative : bool
        All so far, or those of each unit of time alone.

    Returns
    -------
    DataFrame
        `date` (last day of the unit), `holdout` (whether it was held out), `series, purchases`.
    """
    table = validation.tracking
    if cumulative:
        table = table.assign(actual=table["cumulative_actual"], expected=table["cumulative_expected"])
    found = _beside(validation, table[["model", "date", "holdout", "actual", "expected"]], models, ["date", "holdout"],
                    "purchases")  # fmt: skip
    return found.drop(columns=["lower", "upper"])


@typed
def calibration(validation: Validation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """The share that bought beside the chance that a model gave, by bins of customers.

    Parameters
    ----------
    validation : Validation
        As `churnsim.validate` returns.
    models : sequence of str, optional
        Names in `Validation.fits`; all unless given.

    Returns
    -------
    DataFrame
        `series, customers, expected, actual`, and `lower, upper`, Wilson's 95% interval of the share.
    """
    named = _named_models(validation, models)
    table = validation.active[validation.active["model"].isin(list(named))]
    found = table.assign(series=table["model"].map(named))
    return found[["series", "customers", "expected", "actual", "lower", "upper"]].reset_index(drop=True)


def _named_models(validation: Validation, models: Sequence[str] | None) -> dict[str, str]:
    """Titles of the models asked for, by name; the names where two have one title."""
    known = validation.fits
    wanted: list[Any] = list(known) if models is None else list(models)
    check_count(len(wanted), "the number of models")
    for name in wanted:
        if not isinstance(name, Hashable) or name not in known:
            raise ConfigError(f"there is no model {name!r}. Validated are {', '.join(known)}.")
    titles = [str(known[name].model.title) for name in wanted]
    return dict(zip(wanted, titles if len(set(titles)) == len(titles) else wanted, strict=True))


def _beside(
    validation: Validation, table: pd.DataFrame, models: Sequence[str] | None, keys: list[str], value: str
) -> pd.DataFrame:
    """Columns `actual` once, and `expected` of each model, one under the other as `series` and `value`."""
    named = _named_models(validation, models)
    own = table[table["model"] == next(iter(named))]
    happened = own.assign(series=HAPPENED).rename(columns={"actual": value})
    parts = [happened]
    for name, title in named.items():
        rows = table[table["model"] == name].assign(series=title).rename(columns={"expected": value})
        parts.append(rows.assign(lower=np.nan, upper=np.nan))
    columns = [*keys, "series", value, "lower", "upper"]
    kept = [part.reindex(columns=columns).astype({value: np.float64}) for part in parts]
    return pd.concat([part.astype({"lower": float, "upper": float}) for part in kept], ignore_index=True)
