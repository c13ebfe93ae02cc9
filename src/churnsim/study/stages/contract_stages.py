"""The stages of a study of subscribers under contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.models.churn.classifier import ChurnModel
from churnsim.records.base import Record, rows
from churnsim.records.notices import StudyWarning
from churnsim.records.run import AssumptionRecord, ReplayRecord, ValidationRecord, ValueRecord
from churnsim.records.survival import ChurnRecord, CurvePoint, ScoreRow, SurvivalRecord
from churnsim.simulation.core.lifetimes import ContractualLifetime, ProfitByTenure, Spend
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.customers.subscribers import charges_model, contract_of
from churnsim.simulation.engine.engines import simulate
from churnsim.simulation.scenario.market import Market, assumptions
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.config.strategy_sections import CHURN_MODEL
from churnsim.study.stages.contract_data import ContractData, load_subscribers
from churnsim.study.stages.contract_fits import ContractFits, fit_contract
from churnsim.study.stages.contract_market import contract_market
from churnsim.study.stages.contract_value import value_subscribers
from churnsim.study.storage.executor import Executor

__all__ = ["ContractStages"]

NEWCOMERS = 20_000  # simulated against the Kaplan-Meier band: their own error is then a third of its width at most


class ContractStages:
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
        found = AssumptionRecord.of_frame(assumptions(market, strategies))
        hazards = [row for row in found if row.parameter.startswith("purchases.hazard_")]
        kept = {id(row) for row in (hazards[:1] + hazards[-1:])}
        return [row for row in found if row not in hazards or id(row) in kept]

    def value(
        self, config: StudyConfig, data: ContractData, fits: ContractFits, market: Market, holdout: ReplayRecord | None
    ) -> ValueRecord:
        """What those still there are worth, by each model."""
        section, asked = config.value, config.value.annual_discount_rate
        return value_subscribers(
            data, fits, horizon=float(round((section.horizon or config.simulation.horizon).to(data.unit))),
            annual_discount_rate=market.terms.annual_discount_rate if asked is None else asked,
            margin=market.terms.margin, draws=section.draws, seed=config.seed,
            profits=market.spend.profits if isinstance(market.spend, ProfitByTenure) else None,
        )  # fmt: skip

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
    return ChurnRecord(
        kind=churn.kind,
        split=churn.split,
        horizon=churn.horizon,
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
