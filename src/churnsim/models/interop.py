"""Models fitted elsewhere, as churnsim's own.

Fitters of lifetimes are told by the name of their class and read by their `params_`, so that the package (archived, and
no working part here) is not imported. Frames need no conversion: those of lifetimes and pymc-marketing have the columns
`frequency, recency, T, monetary_value` that every model here reads, or others that it knows (see `column_aliases.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnsim.errors import ConfigError
from churnsim.models.purchase.bg_bb import BGBB
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.histories import unit_of
from churnsim.models.purchase.mbg_nbd import MBGNBD
from churnsim.models.purchase.pareto_nbd import ParetoNBD
from churnsim.models.spend.gamma_gamma import GammaGamma

_LIFETIMES: dict[str, Any] = {
    "BetaGeoFitter": BGNBD,
    "ModifiedBetaGeoFitter": MBGNBD,
    "ParetoNBDFitter": ParetoNBD,
    "BetaGeoBetaBinomFitter": BGBB,
    "GammaGammaFitter": GammaGamma,
}
# The rate of the Gamma-Gamma is v in lifetimes and pymc-marketing, gamma in its paper and here.
_RENAMED = {"v": "gamma"}


def from_lifetimes(fitter: Any, *, unit: str | None = None) -> Any:
    """The model of a fitted lifetimes fitter: BetaGeo, ModifiedBetaGeo, ParetoNBD, BetaGeoBetaBinom or GammaGamma.

    A fitter does not know its time unit, so `unit` says it (Gamma-Gamma has none); without it these are weeks, with a
    UnitWarning where the durations it was fitted to are whole numbers, as lifetimes has them. A penalised fit's
    parameters are taken as they are. Raises ConfigError for another fitter, and for one that was not fitted.

    Examples
    --------
    >>> import pandas as pd
    >>> from lifetimes import BetaGeoFitter
    >>> fitter = BetaGeoFitter()
    >>> fitter.params_ = pd.Series({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> from_lifetimes(fitter)
    BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426, unit='W')
    """
    name = type(fitter).__name__
    if name not in _LIFETIMES:
        raise ConfigError(f"cannot read a {name}. Fitters that can be read: {', '.join(_LIFETIMES)}.")
    given = getattr(fitter, "params_", None)
    if given is None or not len(given):
        raise ConfigError(f"this {name} has no params_. Call its fit first.")
    values = {str(key): float(value) for key, value in dict(given).items()}
    data = getattr(fitter, "data", None)
    if isinstance(data, pd.DataFrame) and {"recency", "T"} <= {*data.columns}:
        unit = unit_of(data, unit)
    return _made(_LIFETIMES[name], values, unit or "W")


def from_inference_data(family: type[Any], data: Any, n: int, *, seed: int, unit: str = "W") -> list[Any]:
    """`n` models of `family` drawn from a posterior made elsewhere (InferenceData, or DataTree), as by pymc-marketing.

    Its group `posterior` must hold the family's parameters (`v` is read as `gamma`). Where pymc-marketing's model had
    covariates (`alpha_scale`, `purchase_coefficient_alpha`, ...), the models are those with covariates of the family,
    whose effects are counted from covariates of 0. For a posterior drawn here, `churnsim.models.posterior_models`
    knows family and unit by itself. Raises ConfigError when a parameter is missing, and for dropout covariates that
    move `b` of a BG/NBD, which no family here has.

    Examples
    --------
    >>> import xarray
    >>> drawn = xarray.Dataset({name: (("chain", "draw"), np.full((1, 4), 2.0)) for name in ("r", "alpha")})
    >>> data = xarray.DataTree.from_dict({"posterior": drawn})
    >>> from churnsim.models import NBD
    >>> from_inference_data(NBD, data, 2, seed=1)[0]
    NBD(r=2.0, alpha=2.0, unit='W')
    """
    drawn = data["posterior"] if hasattr(data, "__getitem__") else data.posterior
    if any(name.endswith("_scale") for name in map(str, drawn.data_vars)):
        return _with_covariates(family, drawn, n, seed=seed, unit=unit)
    columns = {_RENAMED.get(str(name), str(name)): np.asarray(drawn[name]).ravel() for name in drawn.data_vars}
    names: tuple[str, ...] = getattr(family, "parameter_names", ("p", "q", "gamma"))
    missing = [name for name in names if name not in columns]
    if missing:
        raise ConfigError(f"the posterior lacks {', '.join(missing)}; it has {', '.join(columns)}.")
    size = columns[names[0]].size
    rows = np.random.Generator(np.random.Philox(seed)).integers(size, size=n)
    return [_made(family, {name: float(columns[name][i]) for name in names}, unit) for i in rows]


def _with_covariates(family: Any, drawn: Any, n: int, *, seed: int, unit: str) -> list[Any]:
    """Models with covariates from pymc-marketing's posterior: alpha e^(-x . c), beta e^(-x . g) or a e^(x . g)."""
    family = getattr(family, "covariate_family", None) or family
    if not hasattr(family, "own_names"):
        raise ConfigError(f"{family.__name__} has no form with covariates, and the posterior has some.")

    def values(name: str) -> Any:
        """The draws of a parameter, under its own name or as the scale of what covariates move."""
        found = drawn.get(f"{name}_scale", drawn.get(name))
        if found is None or "customer_id" in found.dims:
            raise ConfigError(
                f"the posterior lacks {name} or {name}_scale; it has {', '.join(map(str, drawn.data_vars))}."
            )
        return np.asarray(found).ravel()

    def effects(*names: str) -> dict[str, Any]:
        """The draws of each covariate's effect."""
        name = next((each for each in names if each in drawn), None)
        if name is None:
            return {}
        (over,) = set(drawn[name].dims) - {"chain", "draw"}
        table = drawn[name].transpose("chain", "draw", over)
        labels = table[over].to_numpy() if over in table.coords else np.arange(table.sizes[over])
        return {str(label): table.to_numpy()[..., place].ravel() for place, label in enumerate(labels)}

    base = {name: values(name) for name in family.parameter_names}
    _, leaving = family.own_names
    rate = effects("purchase_coefficient_alpha", "purchase_coefficient")
    life = effects(f"dropout_coefficient_{leaving}", "dropout_coefficient")
    if any(np.abs(each).max() > 0 for each in effects("dropout_coefficient_b").values()):
        raise ConfigError(
            "the posterior's dropout covariates move b beside a, and the models here have an effect on a alone. Read "
            "the posterior without dropout covariates, or fit churnsim's BGNBDCovariates."
        )
    rows = np.random.Generator(np.random.Philox(seed)).integers(base[family.parameter_names[0]].size, size=n)
    return [
        family(
            **{name: float(each[i]) for name, each in base.items()},
            rate_effects={name: float(each[i]) for name, each in rate.items()},
            lifetime_effects={name: float(each[i]) for name, each in life.items()},
            covariate_means=dict.fromkeys([*rate, *life], 0.0),
            unit=unit,
        )
        for i in rows
    ]


def _made(family: Any, values: dict[str, float], unit: str) -> Any:
    renamed: dict[str, Any] = {_RENAMED.get(name, name): value for name, value in values.items()}
    if family is not GammaGamma:
        renamed["unit"] = unit
    return family(**renamed)
