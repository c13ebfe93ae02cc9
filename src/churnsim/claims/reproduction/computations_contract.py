"""The computations of published figures on customers under contract: fitted cohorts, and survival on textbook data."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from churnsim.claims.machinery.reference_data import Workbench
from churnsim.data.datasets import retention_cohorts
from churnsim.errors import DataError
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.survival.curve import fit_curve
from churnsim.models.survival.regression import RegressionFit, fit_regression

__all__ = ["CONTRACTS"]


def sbg_fitted(_: Workbench, *, cohort: str, parameter: str, renewals: int = 7) -> float:
    """A parameter of the sBG fitted to that many renewals of a cohort, or `loglik`."""
    fit = ShiftedBetaGeometric.fit_cohort(retention_cohorts()[cohort].iloc[: renewals + 1])
    return fit.loglik if parameter == "loglik" else fit.parameters[parameter]


def sbg_derl(_: Workbench, *, alpha: float, beta: float, rate: float, tenure: int = 0) -> float:
    """Discounted expected residual lifetime of a customer with `tenure` renewals behind it."""
    return float(ShiftedBetaGeometric(alpha=alpha, beta=beta, unit="Y").derl(rate, tenure))


def cox_rossi(_: Workbench, *, parameter: str, last_week: int = 52) -> float:
    """A coefficient of Cox's regression on the Rossi recidivism data, or `loglik`, with the arrests of those weeks."""
    fit = _rossi(last_week)
    return fit.loglik if parameter == "loglik" else fit.parameters[parameter]


def lung_median(_: Workbench, *, share: float = 0.5) -> float:
    """First day by which the Kaplan-Meier estimate on the lung data has fallen to `share`."""
    raw = _textbook("lung.csv")
    frame = pd.DataFrame(
        {"tenure": raw["time"].astype(float), "churned": raw["status"].astype(int) == raw["status"].max()}
    )
    table = fit_curve(frame, unit="D").table
    assert table is not None  # a Kaplan-Meier fit has one
    return float(table.index[table["survival"] <= share][0])


@cache
def _rossi(last_week: int) -> RegressionFit:
    frame = _textbook("rossi.csv").rename(columns={"week": "tenure", "arrest": "churned"})
    frame["churned"] = (frame["churned"] == 1) & (frame["tenure"] <= last_week)
    frame["tenure"] = frame["tenure"].clip(upper=last_week).astype(float)
    return fit_regression(frame, covariates=["fin", "age", "race", "wexp", "mar", "paro", "prio"], unit="W")


def _textbook(name: str) -> pd.DataFrame:
    """A data file inside the installed package lifelines."""
    spec = importlib.util.find_spec("lifelines")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    for folder in folders:
        file = Path(folder) / "datasets" / name
        if file.is_file():
            return pd.read_csv(file)
    raise DataError(f"{name} is not among the data of lifelines. Run: pip install lifelines")


CONTRACTS: Mapping[str, Callable[..., float]] = {
    function.__name__: function for function in (sbg_fitted, sbg_derl, cox_rossi, lung_median)
}
