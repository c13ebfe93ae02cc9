"""The subscribers of a study, in whole renewals, and their models: renewal, the chosen curve, regression, churn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from churnsim.data import datasets
from churnsim.data.subscriptions.subscriptions import count_renewals, read_subscriptions
from churnsim.errors import ConfigError, FitError
from churnsim.models.churn.classifier import ChurnModel
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.survival.curve import CurveFit, fit_curve
from churnsim.models.survival.regression import RegressionFit, fit_regression
from churnsim.models.survival.selection import RENEWAL_MODELS, compare_survival
from churnsim.records.notices import StudyWarning
from churnsim.records.run import DataFacts, FitRecord
from churnsim.study.config.advice import told_in_keys
from churnsim.study.config.contract import ContractStudyConfig, SubscribersSection
from churnsim.study.stages.fit_stage import UNUSABLE, fit_record

SETS = {"telco": datasets.telco, "telco-calls": datasets.telco_calls}


@dataclass(frozen=True, kw_only=True)
class ContractData:
    """Subscribers with whole tenures in `unit`; `charges` is what each pays per unit."""

    subscribers: pd.DataFrame
    charges: pd.Series[float]
    covariates: tuple[str, ...]
    unit: str
    facts: DataFacts

    @property
    def there(self) -> pd.DataFrame:
        """Those who had not left."""
        there = self.subscribers[~self.subscribers["churned"]]
        there.attrs.update(self.subscribers.attrs)
        return there


def load_subscribers(section: SubscribersSection, folder: Path) -> ContractData:
    """Read what [data] names. Raises DataError for data that cannot be used, ConfigError for a column that is not there
    or charges that are not amounts."""
    wanted = list(dict.fromkeys([*section.covariates, section.charge]))
    if section.dataset is not None:
        origin = datasets.source(section.dataset)
        source, checksum = f"{origin.title}. {origin.citation}", origin.checksum_sha256
        frame = SETS[section.dataset]()
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            raise ConfigError(f"{section.dataset} has no column {missing[0]!r}; it has {', '.join(frame.columns)}.")
    else:
        assert section.path is not None  # the configuration has one of the two
        path = folder / section.path
        with told_in_keys("data", type(section).model_fields):
            frame = read_subscriptions(
                path, customer_id=section.customer_id, start=section.start, end=section.end, tenure=section.tenure,
                churned=section.churned, entry=section.entry, covariates=wanted,
                observed_until=section.observed_until, observed_from=section.observed_from, unit=section.unit,
                **section.form,
            )  # fmt: skip
        source, checksum = path.name, hashlib.sha256(path.read_bytes()).hexdigest()
    set_aside = list(frame.attrs.get("set_aside", []))
    counted = count_renewals(frame, term=f"1 {section.unit}")
    charges = pd.to_numeric(counted[section.charge], errors="coerce")
    if not np.isfinite(charges).all() or (charges <= 0).any():
        raise ConfigError(
            f"{section.charge!r} must hold amounts above 0 to be what subscribers pay. Name another column."
        )
    facts = DataFacts(
        source=source,
        checksum_sha256=checksum,
        rows=len(counted),
        customers=len(counted),
        first="tenure 0",
        last=f"tenure {counted['tenure'].max():g}",
        set_aside=set_aside,
        currency=section.currency,
        leavers=int(counted["churned"].sum()),
    )
    return ContractData(
        subscribers=counted, charges=charges, covariates=section.covariates, unit=section.unit, facts=facts
    )


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
