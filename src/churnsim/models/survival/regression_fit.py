"""Cox and accelerated failure time regressions estimated by lifelines, with the check of proportional hazards."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import lifelines
import numpy as np
import pandas as pd
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import proportional_hazard_test
from numpy.typing import NDArray
from scipy.stats import norm

from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.retention.design_matrix import Design
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.regression import REGRESSIONS, SurvivalRegression
from churnsim.models.survival.risk_sets import RiskSets

__all__ = ["RegressionFit", "fit_regression"]

Floats = NDArray[np.float64]

AFT = {
    "weibull_aft": (lifelines.WeibullAFTFitter, "lambda_", "rho_"),
    "log_normal_aft": (lifelines.LogNormalAFTFitter, "mu_", "sigma_"),
    "log_logistic_aft": (lifelines.LogLogisticAFTFitter, "alpha_", "beta_"),
}
PROPORTIONAL = 0.05  # chance of a false alarm in the check of proportional hazards, shared among the columns
SEPARATED = 10.0  # a coefficient of this size (a hazard ratio of 22,000) means that a level tells leavers from stayers


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressionFit(ModelFit[SurvivalRegression]):
    """A fitted regression. `checks` (Cox): a row a column of the test that its hazards are proportional over tenure
    (Grambsch & Therneau 1994, through lifelines): `statistic, p`; None where customers came under observation late,
    for which lifelines has no residuals. `risk_sets` (Cox) are what its baseline is counted from."""

    checks: pd.DataFrame | None = None
    risk_sets: RiskSets | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """Coefficients by name."""
        return {name: self.model.coefficients[name] for name in self.names}

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a coefficient: estimate, standard_error, lower, upper (normal), and `ratio`, e to the estimate."""
        estimate, error = pd.Series(self.parameters), pd.Series(self.standard_errors)
        reach = float(norm.ppf((1 + level) / 2)) * error
        columns = {"estimate": estimate, "standard_error": error, "lower": estimate - reach, "upper": estimate + reach}
        return pd.DataFrame({**columns, "ratio": np.exp(estimate)}).rename_axis("parameter")

    def draw_parameters(self, n: int, *, seed: int) -> list[SurvivalRegression]:
        """`n` models with coefficients from their asymptotic normal law, each (Cox) with a baseline drawn about the one
        that these coefficients give; intercept and shape of the others stay."""
        random = np.random.Generator(np.random.Philox(seed))
        values, vectors = np.linalg.eigh(self.matrix)
        steps = random.standard_normal((n, len(self.names))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        estimate = np.array(list(self.parameters.values()))
        drawn = []
        for row in estimate + steps:
            baselines = self.model.baselines if self.risk_sets is None else self.risk_sets.baselines(row, random)
            named = dict(zip(self.names, map(float, row), strict=True))
            drawn.append(replace(self.model, coefficients=named, baselines=baselines))
        return drawn


def fit_regression(
    subscriptions: pd.DataFrame,
    kind: str = "cox",
    *,
    covariates: Sequence[str],
    strata: str | None = None,
    unit: str | None = None,
) -> RegressionFit:
    """Estimate a regression of leaving on `covariates` from `tenure`, `churned` and perhaps `entry`.

    `kind` is one of `REGRESSIONS`. Words become a column a level, against the commonest; columns that others
    determine are left out (`fit.model.design.dropped`). `strata` (Cox) names a column whose values get a baseline
    each. Whole tenures are taken as censored to the unit by the accelerated failure times, as ties by Cox (Efron).
    Raises ConfigError or DataError for impossible arguments, FitError where lifelines finds no maximum.
    """
    if kind not in REGRESSIONS or (strata is not None and kind != "cox"):
        raise ConfigError(f"kind must be one of {', '.join(REGRESSIONS)}, with strata for cox only; got {kind!r}.")
    tenures = Tenures.of(subscriptions)
    if not tenures.churned.any():
        raise DataError("no customer left, so there is nothing to regress on. Observe longer.")
    use = tenures.tenure > 0
    design = Design.of(subscriptions[use], covariates)
    if not design.names:
        raise ConfigError("a regression needs at least one covariate.")
    data = pd.DataFrame(design.centred(subscriptions[use]), columns=list(design.names))
    data["_tenure"], data["_churned"], data["_entry"] = (
        tenures.tenure[use], tenures.churned[use].astype(float), tenures.entry[use],
    )  # fmt: skip
    unit = unit or subscriptions.attrs.get("unit", "M")
    try:
        with warnings.catch_warnings():
            # Separation, which lifelines warns of, is judged below.
            warnings.simplefilter("ignore")
            if kind == "cox":
                words = None if strata is None else subscriptions.loc[use, strata].astype(str).to_numpy()
                return _cox(data, design, strata, words, unit, float(len(tenures)))
            return _aft(data, design, kind, unit, float(len(tenures)))
    except (ConvergenceError, np.linalg.LinAlgError) as error:
        raise FitError(
            f"lifelines found no maximum for {kind} ({str(error).splitlines()[0]}). Leave out rare levels, and "
            "covariates whose levels tell leavers from stayers without exception."
        ) from None


def _cox(
    data: pd.DataFrame, design: Design, strata: str | None, words: Any, unit: str, customers: float
) -> RegressionFit:
    if words is not None:
        data["_stratum"] = words
    if not (data["_entry"] > 0).any():
        data = data.drop(columns="_entry")
    fitter = lifelines.CoxPHFitter()
    fitter.fit(
        data, "_tenure", "_churned",
        entry_col="_entry" if "_entry" in data.columns else None,
        strata=["_stratum"] if strata is not None else None,
    )  # fmt: skip
    names = design.names
    coefficients = {name: float(fitter.params_[name]) for name in names}
    risk_sets = RiskSets(
        centred=data[list(names)].to_numpy(dtype=np.float64), tenure=data["_tenure"].to_numpy(dtype=np.float64),
        churned=data["_churned"].to_numpy(dtype=bool), stratum=np.zeros(len(data), "U1") if words is None else words,
        entry=data["_entry"].to_numpy(dtype=np.float64) if "_entry" in data.columns else np.zeros(len(data)),
    )  # fmt: skip
    baselines = risk_sets.baselines(np.array(list(coefficients.values())))
    table = None if "_entry" in data.columns else _checks(fitter, data)
    model = SurvivalRegression(
        kind="cox", design=design, coefficients=coefficients, baselines=baselines, strata=strata, unit=unit
    )
    matrix = fitter.variance_matrix_.loc[list(names), list(names)].to_numpy(dtype=np.float64)
    return RegressionFit(
        model=model, names=names, matrix=matrix, loglik=float(fitter.log_likelihood_), n=customers,
        status=_status(coefficients, table), checks=table, risk_sets=risk_sets,
    )  # fmt: skip


def _checks(fitter: Any, data: pd.DataFrame) -> pd.DataFrame:
    """The test on scaled Schoenfeld residuals, which lifelines has for data without truncation."""
    found = proportional_hazard_test(fitter, data, time_transform="rank").summary
    columns = {"statistic": found["test_statistic"].to_numpy(), "p": found["p"].to_numpy()}
    return pd.DataFrame(columns, list(found.index)).rename_axis("parameter")


def _aft(data: pd.DataFrame, design: Design, kind: str, unit: str, customers: float) -> RegressionFit:
    family, main, other = AFT[kind]
    fitter = family()
    tenure, left, entry = (data.pop(name) for name in ("_tenure", "_churned", "_entry"))
    if (tenure == np.floor(tenure)).all():
        data["_lower"] = np.maximum(np.where(left == 1, tenure - 1.0, tenure), entry)
        data["_upper"] = np.where(left == 1, tenure, np.inf)
        columns: dict[str, Any] = {"lower_bound_col": "_lower", "upper_bound_col": "_upper"}
        search = fitter.fit_interval_censoring
    else:
        data["_tenure"], data["_churned"] = tenure, left
        columns = {"duration_col": "_tenure", "event_col": "_churned"}
        search = fitter.fit
    if (entry > 0).any():
        data["_entry"] = entry
        columns["entry_col"] = "_entry"
    search(data, **columns)
    coefficients = {name: float(fitter.params_[main, name]) for name in design.names}
    model = SurvivalRegression(
        kind=kind, design=design, coefficients=coefficients, intercept=float(fitter.params_[main, "Intercept"]),
        shape=float(np.exp(fitter.params_[other, "Intercept"])), unit=unit,
    )  # fmt: skip
    keys = [(main, name) for name in design.names]
    matrix = fitter.variance_matrix_.loc[keys, keys].to_numpy(dtype=np.float64)
    return RegressionFit(
        model=model, names=design.names, matrix=matrix, loglik=float(fitter.log_likelihood_), n=customers,
        status=_status(coefficients, None),
    )  # fmt: skip


def _status(coefficients: dict[str, float], checks: pd.DataFrame | None) -> FitStatus:
    """Separation first; then hazards that are not proportional, which bends predictions but not the search."""
    far = [name for name, value in coefficients.items() if abs(value) > SEPARATED]
    if far:
        return FitStatus(
            "boundary",
            f"{', '.join(far)} tells leavers from stayers almost without exception.",
            "Merge or drop the level.",
        )
    message, advice = "the search of lifelines ended at a maximum.", ""
    if checks is not None:
        bent = checks.index[checks["p"] < PROPORTIONAL / len(checks)].tolist()
        if bent:
            message += f" Hazards are not proportional over tenure for {', '.join(bent)}."
            advice = "Their coefficients are averages over tenure; for predictions stratify by the strongest of them."
        else:
            message += " Nothing speaks against proportional hazards."
    return FitStatus("converged", message, advice)
