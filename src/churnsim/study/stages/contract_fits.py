"""The models of a study of subscribers: the renewal models, the chosen curve, the regression, the churn model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from churnsim.errors import FitError
from churnsim.models.churn.classifier import ChurnModel
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.survival.curve import CurveFit, fit_curve
from churnsim.models.survival.regression import RegressionFit, fit_regression
from churnsim.models.survival.selection import RENEWAL_MODELS, compare_survival
from churnsim.records.notices import StudyWarning
from churnsim.records.run import FitRecord
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.stages.contract_data import ContractData
from churnsim.study.stages.fit_stage import UNUSABLE, fit_record

__all__ = ["ContractFits", "fit_contract", "simulated_fit"]


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
    nobody_leaves = False
    choice = None

    def records(self) -> dict[str, FitRecord]:
        """The content of fits.json by the fit's name."""
        found = {
            "chosen_curve": fit_record(self.chosen, family=self.chosen_kind, role="chosen curve"),
            "sbg": fit_record(self.sbg, family="sbg", role="differences between subscribers"),
            "regression": fit_record(self.regression, family="cox", role="subscribers told apart"),
        }
        if self.chosen_kind == "sbg":
            del found["sbg"]
        if self.simulated not in (self.regression, self.chosen):
            found["simulated"] = fit_record(
                self.simulated, family=self.simulated.model.family, role="chosen for the simulation"
            )
        return found

    def warnings(self) -> Iterator[StudyWarning]:
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
                yield StudyWarning(stage="models", code="fit", message=f"{name}: {fit.status}")


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
