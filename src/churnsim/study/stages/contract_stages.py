"""The stages of a study of subscribers under contract: renewals, their models, their market and their worth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data import datasets
from churnsim.data.subscriptions.subscriptions import count_renewals, read_subscriptions
from churnsim.errors import ConfigError, FitError
from churnsim.models.churn.classifier import ChurnModel
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.survival.curve import CurveFit, SurvivalCurve
from churnsim.models.survival.regression import RegressionFit, SurvivalRegression
from churnsim.models.survival.selection import RENEWAL_MODELS, compare_survival, fit_of_kind
from churnsim.models.value.subscriber_value import subscriber_values
from churnsim.records.base import Record, rows
from churnsim.records.notices import StudyWarning
from churnsim.records.run import AssumptionRecord, DataFacts, FitRecord, ReplayRecord, ValidationRecord, ValueRecord
from churnsim.records.survival import ChurnRecord, CurvePoint, ModelValue, ScoreRow, SurvivalRecord
from churnsim.simulation.core.assumption import Origin
from churnsim.simulation.core.lifetimes import ContractualLifetime, ProfitByTenure, Spend
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.customers.subscribers import ObservedSubscribers, SubscriberBase, charges_model, contract_of
from churnsim.simulation.engine.engines import simulate
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.advice import told_in_keys
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.contract import ContractStudyConfig, SubscribersSection
from churnsim.study.config.market_overrides import overridden_mechanisms, overridden_origins
from churnsim.study.config.strategy_sections import CHURN_MODEL
from churnsim.study.stages.customers_stage import by_decile
from churnsim.study.stages.fit_stage import UNUSABLE, fit_record
from churnsim.study.stages.market_stage import with_beliefs
from churnsim.study.stages.stages import Stages, terms_of_value
from churnsim.study.storage.executor import Executor

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
        currency=section.currency.strip(),
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
    chosen = fit_of_kind(kind, frame)
    if chosen.status.code in UNUSABLE:
        raise FitError(f"{kind}: {chosen.status}")
    regression = SurvivalRegression.fit(frame, covariates=data.covariates)
    horizon = section.churn_horizon.to(data.unit) if section.churn_horizon else 1.0
    return ContractFits(
        kaplan_meier=SurvivalCurve.fit(frame),
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


CHARGES = Origin("spread of the charges; steadiness assumed", "measured here (observational)")
STEADINESS = Origin("one snapshot does not show how steady a charge is", "assumed")


def contract_market(config: ContractStudyConfig, data: ContractData, fits: ContractFits) -> Market:
    """The subscribers who are there, each from its posterior given tenure and covariates, and new ones like those
    observed. With parameter uncertainty each replication has its own parameters."""
    horizon = round(config.simulation.horizon.to(data.unit))
    renewals = int(data.subscribers["tenure"].max()) + horizon
    spend = spend_of(config, data)
    seen = ObservedSubscribers(data.subscribers, charges=data.charges)

    def contract(model: RetentionModel) -> ContractualLifetime:
        return contract_of(model, renewals=renewals, subscribers=seen, ahead=horizon)

    draws: tuple[Any, ...] = ()
    if config.simulation.parameter_uncertainty:
        models = fits.simulated.draw_parameters(config.parameter_draws, seed=config.seed)
        draws = tuple((contract(model), spend) for model in models)
    market = Market(
        customers=SubscriberBase(data.subscribers, charges=data.charges),
        purchases=contract(fits.simulated.model), spend=spend, draws=draws,
        origins={**_spend_origins(config, spend), **overridden_origins(config.market)},
        **overridden_mechanisms(config.market),
    )  # fmt: skip
    return with_beliefs(config, market)


def spend_of(config: ContractStudyConfig, data: ContractData) -> Spend:
    """What subscribers bring: their own charges, or the configuration's profit by tenure."""
    section = config.profit_by_tenure
    return charges_model(data.charges) if section is None else ProfitByTenure(profits=section.profits)


def _spend_origins(config: ContractStudyConfig, spend: Spend) -> dict[str, Origin]:
    """Where the numbers of what subscribers bring come from."""
    section = config.profit_by_tenure
    if section is None:
        return {f"spend.{name}": STEADINESS if name == "p" else CHARGES for name in ("p", "q", "gamma")}
    return {f"spend.{name}": Origin(section.source, section.status) for name in spend.to_dict()}


LEVEL = 0.95


def value_subscribers(
    data: ContractData,
    fits: ContractFits,
    *,
    horizon: float,
    annual_discount_rate: float,
    margin: float,
    draws: int,
    seed: int,
    profits: Sequence[float] | None = None,
) -> ValueRecord:
    """Expected discounted margin of the subscribers still there over `horizon` renewals.

    `total` is by the regression, which tells them apart; `by_model` sets it beside the sBG, the chosen curve, what the
    simulation stays by, and one average churn rate for all. `profits` by tenure stand in place of charges and margin.
    Intervals are those of the parameters' estimation error.
    """
    models = {"regression": fits.regression, fits.chosen_kind: fits.chosen, "sbg": fits.sbg}
    if fits.simulated not in models.values():
        models[fits.simulated.model.family] = fits.simulated
    found = subscriber_values(
        models, data.subscribers, annual_discount_rate=annual_discount_rate, horizon=horizon, by_tenure=profits,
        margin=data.charges * margin if profits is None else 1.0, level=LEVEL, draws=draws, seed=seed,
    )  # fmt: skip
    by_model = ModelValue.of_frame(found.table.reset_index())
    average = ModelValue(
        model="one average churn rate", total=found.average_total, lower=None, upper=None, average_rate_error=0.0
    )
    own = found.values["regression"]["value"]
    first = by_model[0]
    return ValueRecord(
        annual_discount_rate=annual_discount_rate, horizon=horizon, unit=data.unit,
        margin=margin if profits is None else None, total=first.total, lower=first.lower, upper=first.upper,
        level=LEVEL, customers=len(own), mean_p_alive=None, by_decile=by_decile(own),
        by_model=[*by_model, average], average_churn=found.average_churn,
    )  # fmt: skip


NEWCOMERS = 20_000  # simulated against the Kaplan-Meier band: their own error is then a third of its width at most


class ContractStages(Stages):
    """Subscribers known by their tenure: survival models, a churn model, and a replay from the actual base."""

    def load(self, config: StudyConfig) -> ContractData:
        """The subscribers, in whole renewals."""
        return load_subscribers(_own(config).data, config.folder)

    def notes(self, config: StudyConfig, data: ContractData) -> Iterator[StudyWarning]:
        """What a reader must know of the data."""
        if data.facts.source.startswith("IBM Telco"):
            message = (
                "the source lists only those who left in the last month. Read as a cohort that was followed from the "
                "start, as here, it makes subscribers look more loyal than they were."
            )
            yield StudyWarning(stage="data", code="source", message=message)

    def customers(self, data: ContractData) -> pd.Index:
        """The ids of those still there."""
        return data.there.index

    def fit(self, config: StudyConfig, data: ContractData) -> ContractFits:
        """Every model; FitError when the one chosen cannot be used."""
        return fit_contract(_own(config), data)

    def scores(self, data: ContractData, fits: ContractFits) -> dict[str, CustomerScores]:
        """The probability to leave of those still there."""
        return {CHURN_MODEL: CustomerScores.of(fits.churn.probability(data.there))}

    def market(self, config: StudyConfig, data: ContractData, fits: ContractFits) -> Market:
        """The actual subscribers, told apart as the configuration wants."""
        return contract_market(_own(config), data, fits)

    def assumption_rows(self, market: Market, strategies: Sequence[Strategy]) -> list[AssumptionRecord]:
        """Hazards by tenure are told by the survival chapter; here stand the first and the last."""
        found = super().assumption_rows(market, strategies)
        hazards = [row for row in found if row.parameter.startswith("purchases.hazard_")]
        kept = {id(row) for row in (hazards[:1] + hazards[-1:])}
        return [row for row in found if row not in hazards or id(row) in kept]

    def value(
        self, config: StudyConfig, data: ContractData, fits: ContractFits, market: Market, holdout: ReplayRecord | None
    ) -> ValueRecord:
        """What those still there are worth, by each model."""
        terms = terms_of_value(config, data, market)
        profits = market.spend.profits if isinstance(market.spend, ProfitByTenure) else None
        return value_subscribers(
            data, fits, **terms | {"horizon": float(round(terms["horizon"]))}, draws=config.value.draws,
            seed=config.seed, profits=profits,
        )  # fmt: skip

    def customers_story(self, config: StudyConfig, data: ContractData, fits: ContractFits, market: Market) -> None:
        """Subscribers have no log of purchases."""

    def purchases(self, data: ContractData) -> None:
        """Subscribers have no log of purchases."""

    def validation_title(self, config: StudyConfig) -> str:
        """What the validation is called while it runs."""
        return "survival: simulated against observed"

    def validation_files(self) -> tuple[str, ...]:
        """The files that the validation writes."""
        return ("validation.json", "survival.json")

    def validation(
        self, config: StudyConfig, data: ContractData, fits: ContractFits, market: Market, executor: Executor
    ) -> dict[str, Record]:
        """Simulated against observed survival, and what the models say."""
        return {**self.no_validation(data), "survival.json": _survival(config, data, fits, market)}

    def no_validation(self, data: ContractData) -> dict[str, Record]:
        """No purchases are held out; what is checked is survival."""
        return {"validation.json": ValidationRecord.nothing(data.unit)}


def _own(config: StudyConfig) -> ContractStudyConfig:
    assert isinstance(config, ContractStudyConfig)  # `stages_of` chose these stages by it
    return config


def _survival(config: StudyConfig, data: ContractData, fits: ContractFits, market: Market) -> SurvivalRecord:
    """Observed and simulated survival, and the models behind it."""
    band = fits.kaplan_meier.band()
    tenures = band.index.to_numpy(dtype=np.float64)
    last, spend = int(tenures[-1]), charges_model(data.charges)
    ages = tenures.astype(np.int64)
    # The engine against what it was given, and the new subscribers of the strategies' market.
    shares = _newcomers(contract_of(fits.kaplan_meier.model, renewals=last), spend, last, config.seed)[ages]
    arrivals = _newcomers(market.purchases, market.spend, last, config.seed)[ages]
    inside = (shares >= band["lower"].to_numpy()) & (shares <= band["upper"].to_numpy())
    curve = pd.DataFrame(
        {
            "tenure": tenures, "survival": band["survival"], "lower": band["lower"], "upper": band["upper"],
            "chosen": fits.chosen.model.survival(tenures), "sbg": fits.sbg.model.survival(tenures),
            "simulated": shares, "arrivals": arrivals,
        }
    )  # fmt: skip
    regression = fits.regression
    checks = [] if regression.checks is None else rows(regression.checks.reset_index()[["parameter", "statistic", "p"]])
    return SurvivalRecord(
        unit=data.unit,
        customers=len(data.subscribers),
        leavers=int(data.subscribers["churned"].sum()),
        band_level=0.95,
        band="Hall-Wellner, simultaneous over all tenures",
        inside=int(inside.sum()),
        tenures=int(inside.size),
        choice=fits.chosen_kind,
        why=fits.comparison.attrs["why"],
        stays_by=_own(config).survival.simulated,
        families=rows(fits.comparison.reset_index()),
        curve=CurvePoint.of_frame(curve),
        hazard_ratios=rows(regression.summary().reset_index()),
        proportional=checks,
        regression_status=str(regression.status),
        churn=_churn(fits.churn),
    )


def _churn(churn: ChurnModel) -> ChurnRecord:
    scores = churn.scores
    return ChurnRecord.of(
        churn,
        customers=scores.customers,
        leavers=scores.leavers,
        scores=ScoreRow.of_frame(scores.table.reset_index()),
        calibration=rows(scores.calibration.reset_index()),
        lift=rows(scores.lift.reset_index()),
        importance=rows(churn.importance(repeats=5).reset_index()),
    )


def _newcomers(purchases: ContractualLifetime, spend: Spend, renewals: int, seed: int) -> Any:
    """Shares of new subscribers still there after 0, 1, 2 ... renewals, simulated without any strategy; the renewal at
    t is in the period from t."""
    market = Market(customers=Cohort(size=NEWCOMERS), purchases=purchases, spend=spend)
    scenario = Scenario(market=market, strategy=Strategy(name="none"), horizon=renewals + 1.0, period=1.0, epoch=1.0)
    return simulate(scenario, seed=seed, engine="compiled").count("active_end") / NEWCOMERS
