"""Intervals of anything that a fitted model says: a forecast, a P(alive), a value.

Two ways. The delta method needs two evaluations a parameter, and holds where the quantity is near linear over the
estimates' error. Percentiles over drawn models (asymptotic draws, a bootstrap, a posterior) need no such thing, and
cost one evaluation a draw. Both speak of the estimates' error alone; what chance adds to a future is `forecast`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_kind, typed
from churnsim.errors import ConfigError, FitError
from churnsim.models.estimation.arguments import check_no_posterior, numbers
from churnsim.models.estimation.fit import ModelFit, Parametric, model_like
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.statistics import normal_quantile, tails
from churnsim.typing import Floats

Quantity = Callable[[Any], Any]
Scale = Literal["identity", "log", "logit"]

# Step of the central differences in log-parameters: the cube root of the double's 1e-16, where truncation and rounding
# of a smooth quantity meet.
STEP = 6e-6


@typed
def delta_interval(
    fit: ModelFit[Parametric], quantity: Quantity, *, level: float = 0.95, scale: Scale = "identity"
) -> pd.DataFrame:
    """Interval of `quantity(model)`, a number, an array or a Series, by the delta method.

    Columns `estimate, standard_error, lower, upper`, a row for each element, on the Series' own index. With `scale`
    "log" (for what is positive) or "logit" (for a probability) the interval is symmetric on that scale and stays
    in range. Parameters that the data do not determine are held at their estimate, as `fit.draw_parameters` does;
    where none is determined there is no interval, and FitError says so.

    Examples
    --------
    >>> import churnsim as cs
    >>> fit = cs.NBD.fit(cs.summarise(cs.datasets.cdnow()))
    >>> delta_interval(fit, lambda model: model.expected_purchases_new(52.0)).round(2).values.tolist()
    [[1.34, 0.05, 1.24, 1.43]]
    """
    reach = normal_quantile(level)
    to_scale, from_scale, slope_of = _SCALES[scale]
    missing = [name for name in fit.names if name not in fit.model.to_dict()]
    if missing:
        raise ConfigError(
            f"the delta method moves a model's numbers one by one, and {missing[0]!r} is no number of a "
            f"{type(fit.model).__name__} by itself. Use drawn_interval(fit.draw_parameters(1000, seed=1), quantity, "
            "estimate=fit.model)."
        )
    value = quantity(fit.model)
    estimate = _flat(value)
    determined, root = fit._law()
    if not determined.any():
        raise FitError(f"no parameter of this fit is determined, so nothing has an interval. {fit.status}")
    names = [name for name, known in zip(fit.names, determined, strict=True) if known]
    base = fit.model.to_dict()
    gradients = np.empty((estimate.size, len(names)))
    real = dict(zip(fit.names, fit.real or (False,) * len(fit.names), strict=True))

    def moved(name: str, step: float) -> Floats:
        there = base[name] + step if real[name] else base[name] * np.exp(step)
        return _flat(quantity(model_like(fit.model, {**base, name: there})))

    for column, name in enumerate(names):
        high, low = moved(name, STEP), moved(name, -STEP)
        gradients[:, column] = (high - low) / (2 * STEP)
    error = np.sqrt(np.square(gradients @ root[determined]).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        # A probability of exactly 0 or 1 (and a value of 0) does not move, and has no width.
        half = np.where(error > 0, reach * error * slope_of(estimate), 0.0)
        lower = np.where(error > 0, from_scale(to_scale(estimate) - half), estimate)
        upper = np.where(error > 0, from_scale(to_scale(estimate) + half), estimate)
    index = value.index if isinstance(value, pd.Series) else pd.RangeIndex(estimate.size)
    return pd.DataFrame({"estimate": estimate, "standard_error": error, "lower": lower, "upper": upper}, index=index)


@typed
def drawn_interval(
    models: Iterable[Any], quantity: Quantity, *, level: float = 0.95, estimate: Any = None
) -> pd.DataFrame:
    """Percentile interval of `quantity(model)` over drawn models: `fit.draw_parameters`, a bootstrap, a posterior.

    Columns as `delta_interval`; `estimate` is the quantity at the model given so (such as `fit.model`), or the median
    of the draws. All draws are held at once: for very many customers ask for a total, or go by the delta method.
    Raises ConfigError for fewer than two models, or an impossible level.

    Examples
    --------
    >>> import churnsim as cs
    >>> fit = cs.NBD.fit(cs.summarise(cs.datasets.cdnow()))
    >>> models = fit.draw_parameters(200, seed=1)
    >>> drawn_interval(models, lambda model: model.expected_purchases_new(52.0), estimate=fit.model).shape
    (1, 4)
    """
    low, high = tails(level)
    check_kind(quantity, "quantity", Callable, "a function of a model")  # type: ignore[arg-type]
    check_no_posterior(models, "models")
    models = list(models)
    for model in models if estimate is None else (*models, estimate):
        check_kind(model, "each of models, and estimate,", ParametricModel, "a model of churnsim")
    values = [quantity(model) for model in models]
    if len(values) < 2:
        raise ConfigError(f"an interval needs at least 2 drawn models; got {len(values)}.")
    drawn = np.array([_flat(value) for value in values])
    lower, middle, upper = np.quantile(drawn, [low, 0.5, high], axis=0)
    first = values[0]
    return pd.DataFrame(
        {
            "estimate": middle if estimate is None else _flat(quantity(estimate)),
            "standard_error": drawn.std(axis=0, ddof=1),
            "lower": lower,
            "upper": upper,
        },
        index=first.index if isinstance(first, pd.Series) else pd.RangeIndex(drawn.shape[1]),
    )


def _flat(value: Any) -> Floats:
    return np.atleast_1d(numbers(value, "quantity(model)")).ravel()


# scale: (to it, back from it, its slope at the estimate)
_SCALES: dict[str, tuple[Callable[[Floats], Any], Callable[[Floats], Any], Callable[[Floats], Any]]] = {
    "identity": (lambda y: y, lambda y: y, np.ones_like),
    "log": (np.log, np.exp, lambda y: 1 / y),
    "logit": (
        lambda y: np.log(y) - np.log1p(-y),
        lambda y: np.exp(-np.logaddexp(0.0, -y)),
        lambda y: 1 / (y * (1 - y)),
    ),
}
