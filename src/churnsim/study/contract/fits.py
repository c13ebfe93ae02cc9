"""The models of a study of subscribers: the renewal models, the chosen curve, the regression, the churn model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnsim.errors import FitError
from churnsim.models.churn import ChurnModel
from churnsim.models.fit import ModelFit
from churnsim.models.sbg import ShiftedBetaGeometric
from churnsim.models.survival.fitting import CurveFit, fit_curve
from churnsim.models.survival.regression_fit import RegressionFit, fit_regression
from churnsim.models.survival.selection import RENEWAL_MODELS, compare_survival
from churnsim.study.contract.config import ContractStudyConfig
from churnsim.study.contract.data import ContractData

__all__ = ["ContractFits", "fit_contract"]

UNUSABLE = ("not converged", "too little data")


@dataclass(frozen=True, kw_only=True)
class ContractFits:
    """What a study of subscribers stands on. `chosen` is the family that the comparison picks for the simulation."""

    kaplan_meier: CurveFit
    sbg: ModelFit[ShiftedBetaGeometric]
    chosen_kind: str
    chosen: ModelFit[Any]
    regression: RegressionFit
    churn: ChurnModel
    comparison: pd.DataFrame

    def to_json(self) -> dict[str, Any]:
        """The content of fits.json."""
        found = {
            "chosen_curve": _stored(self.chosen, self.chosen_kind, "chosen for the simulation"),
            "sbg": _stored(self.sbg, "sbg", "differences between subscribers"),
            "regression": _stored(self.regression, "cox", "subscribers told apart"),
        }
        if self.chosen_kind == "sbg":
            del found["sbg"]
        return found

    def warnings(self) -> Iterator[str]:
        """What a reader must know of a fit that is usable but not clean."""
        for name, fit in (("chosen curve", self.chosen), ("sBG", self.sbg), ("regression", self.regression)):
            if not fit.status.ok or "not proportional" in fit.status.message:
                yield f"{name}: {fit.status}"


def fit_contract(config: ContractStudyConfig, data: ContractData) -> ContractFits:
    """Fit everything; raises FitError when what the simulation stands on cannot be used."""
    frame, section = data.subscribers, config.survival
    comparison = compare_survival(frame, kinds=section.models, folds=section.folds, seed=config.seed)
    kind = str(comparison.attrs["choice"])
    chosen: ModelFit[Any] = RENEWAL_MODELS[kind].fit(frame) if kind in RENEWAL_MODELS else fit_curve(frame, kind)
    if chosen.status.code in UNUSABLE:
        raise FitError(f"{kind}: {chosen.status}")
    horizon = section.churn_horizon.to(data.unit) if section.churn_horizon else 1.0
    return ContractFits(
        kaplan_meier=fit_curve(frame),
        sbg=ShiftedBetaGeometric.fit(frame),
        chosen_kind=kind,
        chosen=chosen,
        regression=fit_regression(frame, covariates=data.covariates),
        churn=ChurnModel.fit(
            frame, covariates=data.covariates, horizon=horizon, kind=section.churn_model, seed=config.seed
        ),
        comparison=comparison,
    )


def _stored(fit: ModelFit[Any], family: str, role: str) -> dict[str, Any]:
    table = fit.summary()
    names = ("estimate", "standard_error", "lower", "upper")
    parameters = [{"name": str(name), **{key: row[key] for key in names}} for name, row in table.iterrows()]
    status = {"code": fit.status.code, "message": fit.status.message, "advice": fit.status.advice}
    return {
        "family": family, "unit": fit.model.unit, "role": role, "model": fit.model.to_dict(), "parameters": parameters,
        "loglik": fit.loglik, "aic": fit.aic, "bic": fit.bic, "n": fit.n, "status": status,
    }  # fmt: skip
