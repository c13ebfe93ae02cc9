"""The same fits by lifelines (extra `survival`), for whoever wants a second opinion: `engine="lifelines"`.

lifelines searches for the maximum; what is counted from it (baseline, tests, predictions, draws) is counted here, so
that a fit has the same report whichever engine made it. Its warnings become the status. What it cannot do is refused:
Breslow's ties, robust errors (it tells no covariance of them), penalties of accelerated times, the generalised gamma
with covariates, and product limits with late entries, where it takes who enters at t as at risk at t.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.errors import ConfigError, FitError
from churnsim.models.survival.ascent import Peak
from churnsim.models.survival.cox import RiskSets
from churnsim.models.survival.location_scale import Lifetimes
from churnsim.optional import optional_modules
from churnsim.product_limit import RiskTable
from churnsim.typing import Flags, Floats

Engine = Literal["churnsim", "lifelines"]
ENGINES: tuple[Engine, ...] = ("churnsim", "lifelines")
# Fitter and names of the parameters that stand for (mu, ln sigma); the sign of the latter.
REGRESSIONS = {
    "weibull": ("WeibullAFTFitter", "lambda_", "rho_", -1.0),
    "log_normal": ("LogNormalAFTFitter", "mu_", "sigma_", 1.0),
    "log_logistic": ("LogLogisticAFTFitter", "alpha_", "beta_", -1.0),
}
CURVES = {
    "weibull": "WeibullFitter", "log_normal": "LogNormalFitter", "log_logistic": "LogLogisticFitter",
    "generalized_gamma": "GeneralizedGammaFitter",
}  # fmt: skip


def _lifelines() -> Any:
    return optional_modules("lifelines", extra="survival", purpose='engine="lifelines"')[0]


def _run(fit: Callable[[], Any]) -> tuple[Any, bool]:
    """The fitted object, and whether lifelines says nothing against it. FitError where it gives up."""
    with warnings.catch_warnings(record=True) as told, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            fitted = fit()
        except Exception as error:  # whatever its search raises: its own classes, scipy's, numpy's
            raise FitError(f"lifelines gave up: {' '.join(str(error).split())[:200]}") from None
    return fitted, not any("onverge" in str(warning.message) for warning in told)


def cox_peak(risk: RiskSets, penalty: float) -> Peak:
    """Where lifelines' CoxPHFitter ends, with Efron's ties."""
    if risk.ties != "efron":
        raise ConfigError('lifelines has Efron\'s ties only: pass ties="efron" or engine="churnsim".')
    count = risk.centred.shape[1]
    names = [f"x{j}" for j in range(count)]
    frame = pd.DataFrame(risk.centred, columns=names).assign(t=risk.tenure, lost=risk.churned, entry=risk.entry)
    more: dict[str, Any] = {"entry_col": "entry"} if (risk.entry > 0).any() else {}
    if len(np.unique(risk.stratum)) > 1:
        frame, more = frame.assign(stratum=risk.stratum), more | {"strata": ["stratum"]}
    if risk.weight is not None and (risk.weight != 1.0).any():
        frame, more = frame.assign(weight=risk.weight), more | {"weights_col": "weight"}
    # lifelines' penalty is per row, and of covariates of standard deviation 1.
    each = penalty / (len(frame) * frame[names].to_numpy().std(axis=0, ddof=1) ** 2)
    fitter = _lifelines().CoxPHFitter(penalizer=each if penalty else 0.0)
    columns = [c for c in frame if c != "entry" or "entry_col" in more]
    fitted, ended = _run(lambda: fitter.fit(frame[columns], "t", "lost", **more))
    at, covariance = fitted.params_[names].to_numpy(), fitted.variance_matrix_.to_numpy()
    value = float(fitted.log_likelihood_) + penalty / 2 * float(at @ at)
    return Peak(at, value, covariance, np.zeros(count, dtype=bool), ended)


def accelerated_peak(family: str, times: Lifetimes, z: Floats, penalty: float) -> Peak:
    """Where its fitters of accelerated failure times end: (intercept, coefficients, ln sigma)."""
    if family not in REGRESSIONS or penalty:
        raise ConfigError(
            f'lifelines fits {", ".join(REGRESSIONS)} with covariates, without a penalty: pass engine="churnsim".'
        )
    name, location, shape, sign = REGRESSIONS[family]
    names = [f"x{j}" for j in range(z.shape[1])]
    frame = pd.DataFrame(z, columns=names)
    more: dict[str, Any] = {}
    if (times.entry > 0).any():
        frame, more = frame.assign(entry=times.entry), more | {"entry_col": "entry"}
    if (times.weight != 1.0).any():
        frame, more = frame.assign(weight=times.weight), more | {"weights_col": "weight"}
    lost = np.isfinite(times.upper)
    fitter = getattr(_lifelines(), name)()
    if (times.lower < times.upper)[lost].any():
        frame = frame.assign(lower=times.lower, upper=times.upper)
        fitted, ended = _run(lambda: fitter.fit_interval_censoring(frame, "lower", "upper", **more))
    else:
        frame = frame.assign(t=times.lower, lost=lost)
        fitted, ended = _run(lambda: fitter.fit(frame, "t", "lost", **more))
    order = [(location, "Intercept"), *((location, column) for column in names), (shape, "Intercept")]
    signs = np.append(np.ones(len(order) - 1), sign)
    at = fitted.params_[order].to_numpy() * signs
    covariance = fitted.variance_matrix_.loc[order, order].to_numpy() * np.outer(signs, signs)
    return Peak(at, float(fitted.log_likelihood_), covariance, np.zeros(at.size, dtype=bool), ended)


def curve_of_lifelines(
    kind: str, times: Lifetimes, names: Sequence[str]
) -> tuple[dict[str, float], Floats, float, bool]:
    """Parameters as the family names them, their covariance, the log-likelihood, and whether the search ended."""
    fitter, lost = getattr(_lifelines(), CURVES[kind])(), np.isfinite(times.upper)
    more: dict[str, Any] = {"weights": times.weight}
    if (times.entry > 0).any():
        more["entry"] = times.entry
    if (times.lower < times.upper)[lost].any():
        fitted, ended = _run(lambda: fitter.fit_interval_censoring(times.lower, times.upper, **more))
    else:
        fitted, ended = _run(lambda: fitter.fit(times.lower, lost, **more))
    values = {name: float(getattr(fitted, name)) for name in names}
    covariance = fitted.variance_matrix_.loc[list(names), list(names)].to_numpy()
    return values, covariance, float(fitted.log_likelihood_), ended


def risk_table(tenure: Floats, churned: Flags, entry: Floats) -> RiskTable:
    """Who was at risk and lost by its KaplanMeierFitter."""
    if (entry > 0).any():
        raise ConfigError(
            'lifelines counts who enters at t as at risk at t, which is wrong: pass engine="churnsim" for late entries.'
        )
    fitted, _ = _run(lambda: _lifelines().KaplanMeierFitter().fit(tenure, churned))
    table = fitted.event_table.query("observed > 0")
    return RiskTable(
        table.index.to_numpy(np.float64), table["at_risk"].to_numpy(np.float64), table["observed"].to_numpy(np.float64)
    )
