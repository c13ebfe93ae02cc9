"""Checks of the arguments that models' verbs take: times, counts, discounting, and how many to draw.

The limits keep a typing error (a frequency of 1e9, a rate of -.5 over 60,000 weeks) from a computation without end; no
customer base comes near them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import check_count, check_number, check_seed, shown
from churnsim.errors import ConfigError, DataError
from churnsim.typing import Floats, Ints
from churnsim.units import discount_force

MOST_PURCHASES = 100_000  # by one customer: one a day for 270 years
LONGEST = 1e9  # time units: days of 2.7 million years
MOST_CUSTOMERS = 100_000_000
MOST_PERIODS = 10_000  # days of 27 years
NOTHING_LEFT = 700.0  # e^-700 is the least that a float can tell from 0


def numbers(value: ArrayLike, name: str) -> Floats:
    """`value` as a float array; ConfigError for what is no number (text, booleans, None)."""
    try:
        raw = np.asarray(value)
        if raw.dtype.kind in "bSUOMmc" and not all(
            isinstance(each, (int, float, np.number)) and not isinstance(each, bool) for each in raw.ravel().tolist()
        ):
            raise ValueError
        return np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"{name} must be numbers; got {shown(value)}.") from None


def durations(value: ArrayLike, name: str, *, shape: tuple[int, ...] | None = None) -> Floats:
    """Times in a model's unit as a float array, of `shape` where one is given (a single number stands for all).

    ConfigError for what is no number, negative, not finite, beyond `LONGEST`, or of another shape.

    Examples
    --------
    >>> durations([1, 2.5], "t").tolist()
    [1.0, 2.5]
    """
    if type(value) is float and 0.0 <= value <= LONGEST:  # the checks of arrays take as long as a small forecast
        values = np.asarray(value)
    else:
        values = numbers(value, name)
        if not np.isfinite(values).all() or (values < 0).any():
            raise ConfigError(f"{name} must be finite and 0 or more, in the model's unit; got {shown(value)}.")
        if (values > LONGEST).any():
            raise ConfigError(f"{name} must be at most {LONGEST:,.0f} of the model's unit; got {values.max():g}.")
    if shape is None:
        return values
    if values.ndim and values.shape != shape:
        raise ConfigError(f"{name} must be one number or one a customer ({shape[0]}); got {values.size} of them.")
    return np.full(shape, values)  # never a view that is read-only, for which every kernel would be compiled again


def counts(n: ArrayLike, name: str = "n") -> Ints:
    """Numbers of purchases as an array of whole numbers; ConfigError for a fraction, a negative or missing one.

    Examples
    --------
    >>> counts([0, 2.0]).tolist()
    [0, 2]
    >>> counts(1.5)
    Traceback (most recent call last):
    churnsim.errors.ConfigError: n must be whole numbers; got 1.5.
    """
    values = numbers(n, name)
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        bad = values[~np.isfinite(values) | (values != np.floor(values))]
        raise ConfigError(f"{name} must be whole numbers; got {bad[0]:g}.")
    if (values < 0).any():
        raise ConfigError(f"{name} must be 0 or more; got {values.min():g}.")
    if (values > MOST_PURCHASES).any():
        raise ConfigError(f"{name} must be at most {MOST_PURCHASES:,}; got {values.max():.12g}.")
    return values.astype(np.int64)


def one_count(n: ArrayLike) -> int:
    """One of `counts`. ConfigError for several."""
    if (found := counts(n)).size != 1:
        raise ConfigError(f"n must be one number of purchases; got {found.size} of them.")
    return int(found.ravel()[0])


def whole_periods(periods: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """`durations` that are whole numbers of periods, at most 10,000. ConfigError otherwise."""
    values = durations(periods, "periods", shape=shape)
    if (values != np.floor(values)).any():
        raise ConfigError(f"periods must be whole numbers; got {shown(periods)}.")
    if (values > MOST_PERIODS).any():
        raise ConfigError(f"periods must be at most {MOST_PERIODS:,}; got {values.max():,.0f}. Take longer ones.")
    return values


def lead_and_periods(ages: Floats) -> tuple[Floats, Floats]:
    """The whole periods that end with an age, and what is left before them."""
    # An age made by division, such as 21 days / 7, is whole but for rounding.
    whole = np.floor(ages + 1e-9)
    return np.maximum(ages - whole, 0.0), whole


def discounting(annual_discount_rate: float, unit: str, horizon: float) -> tuple[float, float]:
    """The force of discounting per unit, and the horizon, infinite where discounting leaves nothing before its end.

    ConfigError for an impossible rate or horizon, for an infinite horizon without a rate above 0, and for a negative
    rate under which money grows by more than a factor of 1e12 by the horizon.
    """
    if isinstance(horizon, float) and horizon == math.inf:
        force = discount_force(annual_discount_rate, unit)
        if force <= 0:
            raise ConfigError(
                "annual_discount_rate must be above 0 for an infinite horizon; got "
                f"{shown(annual_discount_rate)}. Give a finite horizon, or a rate."
            )
        return force, math.inf
    span = check_number(
        horizon, "horizon", least=0, most=LONGEST, remedy=f"It is counted in the model's unit ({unit})."
    )
    force = discount_force(annual_discount_rate, unit, horizon=span)
    return force, math.inf if force * span > NOTHING_LEFT else span


def refuse(
    index: pd.Index, values: NDArray[Any], bad: NDArray[np.bool_], rule: str, remedy: str = "Check the row."
) -> None:
    """DataError for the first of the `bad` rows, if any."""
    if bad.any():
        first = int(np.argmax(bad))
        raise DataError(
            f"{rule}; customer {str(index[first])[:80]!r} has {values[first]:g} ({int(bad.sum())} such rows). {remedy}"
        )


def check_draws(n: int, seed: int, replication: int) -> tuple[int, int, int]:
    """How many to draw, the seed and the number of the replication, checked."""
    return (
        check_count(n, "n", least=0, most=MOST_CUSTOMERS),
        check_seed(seed),
        check_count(replication, "replication", least=0, most=2**31 - 1),
    )


def check_no_posterior(value: object, name: str) -> None:
    """ConfigError for draws of parameters (ArviZ's InferenceData, a DataTree) where models are asked for."""
    if type(value).__module__.partition(".")[0] in ("arviz", "xarray"):
        raise ConfigError(
            f"{name} cannot be a posterior. churnsim.models.posterior_models(family, posterior, 100, seed=1) makes a "
            "list of models of it, for plots.predictive, forecast(draws=...) and drawn_interval."
        )
