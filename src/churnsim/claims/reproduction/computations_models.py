"""The computations behind published figures of the model families: each takes the workbench and gives one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from churnsim.claims.machinery.reference_data import CALIBRATION_END, Workbench
from churnsim.errors import ConfigError
from churnsim.models.evaluation.validation import holdout_by_frequency
from churnsim.models.purchase.registry import PURCHASE_FAMILIES

__all__ = ["MODELS"]


def family_fitted(bench: Workbench, *, family: str, parameter: str, calibration_end: str = CALIBRATION_END) -> float:
    """A parameter of a family fitted to the CDNOW sample, or `loglik`."""
    fit = bench.family(_known(family), calibration_end)
    return fit.loglik if parameter == "loglik" else fit.parameters[parameter]


def family_holdout_mean(
    bench: Workbench, *, family: str, frequency: int, calibration_end: str = CALIBRATION_END
) -> float:
    """Mean purchases that a family expects in the holdout of customers with that calibration frequency (7: or more)."""
    model = bench.family(_known(family), calibration_end).model
    table = holdout_by_frequency(model, bench.split_until(calibration_end), cap=7).set_index("frequency")
    return float(pd.to_numeric(table["expected"]).loc[frequency])


def donors_fitted(bench: Workbench, *, parameter: str, weighted: bool = True) -> float:
    """A parameter of the BG/BB fitted to the donors, or `loglik`; each history once unless `weighted`."""
    fit = bench.donors(weighted)
    return fit.loglik if parameter == "loglik" else fit.parameters[parameter]


def donors_p_alive(bench: Workbench, *, frequency: int, recency: float) -> float:
    """P(alive) of a donor observed for six years."""
    donor = pd.DataFrame({"frequency": [frequency], "recency": [float(recency)], "T": [6.0]}, index=["donor"])
    return float(bench.donors(True).model.p_alive(donor).iloc[0])


def _known(family: str) -> str:
    if family not in PURCHASE_FAMILIES:
        raise ConfigError(f"unknown family {family!r}. Use one of: {', '.join(PURCHASE_FAMILIES)}.")
    return family


MODELS: Mapping[str, Callable[..., float]] = {
    function.__name__: function for function in (family_fitted, family_holdout_mean, donors_fitted, donors_p_alive)
}
