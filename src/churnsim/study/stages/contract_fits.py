"""The models of a study of subscribers: the renewal models, the chosen curve, the regression, the churn model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnsim.errors import FitError
from churnsim.models.churn.classifier import ChurnModel
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.survival.curve import CurveFit, fit_curve
from churnsim.models.survival.regression import RegressionFit, fit_regression
from churnsim.models.survival.selection import RENEWAL_MODELS, compare_survival
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.stages.contract_data import ContractData

__all__ = ["ContractFits", "fit_contract", "simulated_fit"]

UNUSABLE = ("not converged", "too little data")


@dataclass(frozen=True, kw_only=True)
class ContractFits:
    """What a study of subscribers stands on. `chosen` is the family that the comparison picks, `simulated` what the
    simulated subscribers stay by."""

    kaplan_meier: CurveFit
    sbg: ModelFit[ShiftedBetaGeometric]
    chosen_kind: str
    chosen: ModelFit[RetentionModel]
    simulated: ModelFit[RetentionModel]
    regression: RegressionFit
    churn: ChurnModel
    comparison: pd.DataFrame

    def to_json(self) -> dict[str, Any]:
        """The content of fits.json."""
        found = {
            "chosen_curve": _stored(self.chosen, self.chosen_kind, "chosen curve"),
            "sbg": _stored(self.sbg, "sbg", "differences between subscribers"),
            "regression": _stored(self.regression, "cox", "subscribers told apart"),
        }
        if self.chosen_kind == "sbg":
            del found["sbg"]
        if self.simulated not in (self.regression, self.chosen):
            found["simulated"] = _stored(self.simulated, self.simulated.model.family, "chosen for the simulation")
        return found

    def warnings(self) -> Iterator[str]:
        """What a reader must know of a fit that is usable but not clean."""
        named = {
            "chosen curve": self.chosen,
            "sBG": self.sbg,
            "regression": self.regression,
            "simulated": self.simulated,
        }
        for name, fit in named.items():
            if name == "simulated" and fit in (self.regression, self.chosen):
                continue
            if not fit.status.ok or "not proportional" in fit.status.message:
                yield f"{name}: {fit.status}"


def fit_contract(config: ContractStudyConfig, data: ContractData) -> ContractFits:
    """Fit everything; raises FitError when what the simulation stands on cannot be used."""
    frame, section = data.subscribers, config.survival
    comparison = compare_survival(frame, kinds=section.models, folds=section.folds, seed=config.seed)
    kind = str(comparison.attrs["choice"])
    chosen: ModelFit[RetentionModel] = (
        RENEWAL_MODELS[kind].fit(frame) if kind in RENEWAL_MODELS else fit_curve(frame, kind)
    )
    if chosen.status.code in UNUSABLE:
        raise FitError(f"{kind}: {chosen.status}")
    regression = fit_regression(frame, covariates=data.covariates)
    horizon = section.churn_horizon.to(data.unit) if section.churn_horizon else 1.0
    return ContractFits(
        kaplan_meier=fit_curve(frame),
        sbg=ShiftedBetaGeometric.fit(frame),
        chosen_kind=kind,
        chosen=chosen,
        simulated=simulated_fit(section.simulated, data, regression, chosen),
        regression=regression,
        churn=ChurnModel.fit(
            frame, covariates=data.covariates, horizon=horizon, kind=section.churn_model, seed=config.seed
        ),
        comparison=comparison,
    )


def simulated_fit(
    kind: str, data: ContractData, regression: RegressionFit, chosen: ModelFit[RetentionModel]
) -> ModelFit[RetentionModel]:
    """The fit that the configuration wants the simulated subscribers to stay by."""
    if kind in ("regression", "curve"):
        return regression if kind == "regression" else chosen
    fit: ModelFit[RetentionModel] = RENEWAL_MODELS[kind].covariate_family.fit(
        data.subscribers, covariates=data.covariates
    )
    if fit.status.code in UNUSABLE:
        raise FitError(f"{kind} with covariates: {fit.status}")
    return fit


def _stored(fit: ModelFit[RetentionModel], family: str, role: str) -> dict[str, Any]:
    table = fit.summary()
    names = ("estimate", "standard_error", "lower", "upper")
    parameters = [{"name": str(name), **{key: row[key] for key in names}} for name, row in table.iterrows()]
    status = {"code": fit.status.code, "message": fit.status.message, "advice": fit.status.advice}
    return {
        "family": family, "unit": fit.model.unit, "role": role, "model": fit.model.to_dict(), "parameters": parameters,
        "loglik": fit.loglik, "aic": fit.aic, "bic": fit.bic, "n": fit.n, "status": status,
    }  # fmt: skip
