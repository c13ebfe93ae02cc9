"""The data behind the pictures of a holdout: what happened, and what the models had said."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count, typed
from churnsim.errors import ConfigError
from churnsim.models.evaluation.forecast import forecast
from churnsim.models.evaluation.holdout import Validation
from churnsim.models.purchase.in_periods import seen_in
from churnsim.plots.data.fits import HAPPENED
from churnsim.units import DAYS_PER_UNIT

TRACKED = 8  # dates of the holdout at which intervals are computed


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
def tracking(
    validation: Validation, models: Sequence[str] | None = None, *, cumulative: bool = True, level: float | None = None,
    draws: int = 50, seed: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """Repeat purchases of all customers by date.

    Parameters
    ----------
    validation : Validation
        As `churnsim.validate` returns.
    models : sequence of str, optional
        Names in `Validation.fits`; all unless given.
    cumulative : bool
        All so far, or those of each unit of time alone.
    level : float, optional
        With it the purchases so far have intervals in the holdout: how many there will be, given each customer's
        history until then, with the estimates' error and chance (see `churnsim.models.forecast`). The line of a model
        is what it expected of new customers from the start, and may leave them.
    draws, seed : int
        Of the estimates' law, for the intervals.

    Returns
    -------
    DataFrame
        `date` (last day of the unit), `holdout` (whether it was held out), `series, purchases`, and with a `level`
        `lower, upper`.
    """
    table = validation.tracking
    if level is not None and not cumulative:
        raise ConfigError("intervals are of the purchases so far. Leave out level=, or pass cumulative=True.")
    if cumulative:
        table = table.assign(actual=table["cumulative_actual"], expected=table["cumulative_expected"])
    found = _beside(validation, table[["model", "date", "holdout", "actual", "expected"]], models, ["date", "holdout"],
                    "purchases")  # fmt: skip
    if level is None:
        return found.drop(columns=["lower", "upper"])
    start, end = float(validation.split["frequency"].sum()), validation.calibration_end
    for name, title in _named_models(validation, models).items():
        rows = found["holdout"] & (found["series"] == title)
        ahead = (found.loc[rows, "date"] - end).dt.days.to_numpy() / DAYS_PER_UNIT[validation.unit]
        if validation.count == "periods":
            ahead = ahead.round()
        if not ahead.size:
            continue
        # The limits are smooth in time, so that a few of them stand for all.
        known = np.unique(ahead[np.linspace(0, ahead.size - 1, TRACKED).round().astype(int)])
        seen = seen_in(validation.fits[name], validation.count)
        outlook = [
            forecast(seen, validation.split, horizon=float(each), seed=seed, level=level, draws=draws) for each in known
        ]
        for side in ("lower", "upper"):
            limits = [0.0, *(getattr(each, side) for each in outlook)]
            found.loc[rows, side] = start + np.interp(ahead, [0.0, *known], limits)
    return found


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
