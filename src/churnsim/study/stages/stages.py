"""What a kind of study does at each stage; the runner knows only these names.

Two kinds: customers known by their purchases (`TransactionStages`), and subscribers under contract
(`contract_stages.ContractStages`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.records.base import Record
from churnsim.records.notices import StudyWarning
from churnsim.records.run import AssumptionRecord, ReplayRecord, ValidationRecord, ValueRecord
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.scenario.market import Market, assumptions
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.claim_stage import evidence_of
from churnsim.study.stages.data_stage import StudyData, load_data
from churnsim.study.stages.fit_stage import candidates, fit_models
from churnsim.study.stages.log_warnings import log_warnings
from churnsim.study.stages.market_stage import build_market
from churnsim.study.stages.validation_stage import validate
from churnsim.study.stages.value_stage import value_base
from churnsim.study.storage.executor import Executor

if TYPE_CHECKING:
    from churnsim.claims.machinery.evidence import MarketEvidence

__all__ = ["Stages", "TransactionStages", "label_of", "stages_of", "study_evidence"]


class Stages(Protocol):
    """One kind of study. `data` and `fits` are whatever `load` and `fit` return; data has `facts`, fits `records` and
    `warnings`."""

    def load(self, config: StudyConfig) -> Any:
        """The data that [data] names."""

    def notes(self, config: StudyConfig, data: Any) -> Iterator[StudyWarning]:
        """What a reader must know of the data."""

    def customers(self, data: Any) -> pd.Index:
        """The ids of the customers whom the strategies meet at the start."""

    def fit(self, config: StudyConfig, data: Any) -> Any:
        """The fitted models."""

    def scores(self, data: Any, fits: Any) -> dict[str, CustomerScores]:
        """What the study's own models say of the customers, by the name that a strategy's `scores` has for it."""

    def market(self, config: StudyConfig, data: Any, fits: Any) -> Market:
        """The market that the strategies meet."""

    def assumption_rows(self, market: Market, strategies: Sequence[Strategy]) -> list[AssumptionRecord]:
        """The content of assumptions.json."""

    def value(
        self, config: StudyConfig, data: Any, fits: Any, market: Market, holdout: ReplayRecord | None
    ) -> ValueRecord | None:
        """The content of value.json, None where nothing is known of amounts; `holdout` is the replay of the purchases
        that were held out."""

    def purchases(self, data: Any) -> StudyData | None:
        """The study's own purchases, for claims that are measured on data; None: they take the CDNOW log."""

    def validation_title(self, config: StudyConfig) -> str:
        """What the validation stage is called while it runs."""

    def validation_files(self) -> tuple[str, ...]:
        """The files that it writes."""

    def validation(
        self, config: StudyConfig, data: Any, fits: Any, market: Market, executor: Executor
    ) -> dict[str, Record]:
        """Their content, by name."""

    def no_validation(self, data: Any) -> dict[str, Record]:
        """What is stored where the validation could not be done."""


class TransactionStages:
    """Customers known by their purchases: a purchase model and Gamma-Gamma, validated on a holdout."""

    def load(self, config: StudyConfig) -> Any:
        regularity = any(PURCHASE_FAMILIES[name].reads == "intervals" for name in candidates(config))
        return load_data(config.data, config.folder, regularity=regularity)

    def notes(self, config: StudyConfig, data: Any) -> Iterator[StudyWarning]:
        return log_warnings(config, data)

    def customers(self, data: Any) -> pd.Index:
        return data.summary.index  # type: ignore[no-any-return]

    def fit(self, config: StudyConfig, data: Any) -> Any:
        return fit_models(data, candidates(config))

    def scores(self, data: Any, fits: Any) -> dict[str, CustomerScores]:
        return {}

    def market(self, config: StudyConfig, data: Any, fits: Any) -> Market:
        return build_market(config, data, fits)

    def assumption_rows(self, market: Market, strategies: Sequence[Strategy]) -> list[AssumptionRecord]:
        return AssumptionRecord.of_frame(assumptions(market, strategies))

    def value(
        self, config: StudyConfig, data: Any, fits: Any, market: Market, holdout: ReplayRecord | None
    ) -> ValueRecord | None:
        if not data.has_amounts:
            return None
        section, asked = config.value, config.value.annual_discount_rate
        return value_base(
            data, fits, section,
            horizon=(section.horizon or config.simulation.horizon).to(data.unit),
            annual_discount_rate=market.terms.annual_discount_rate if asked is None else asked,
            margin=market.terms.margin, seed=config.seed, holdout=holdout,
        )  # fmt: skip

    def purchases(self, data: Any) -> StudyData | None:
        return data  # type: ignore[no-any-return]

    def validation_title(self, config: StudyConfig) -> str:
        return f"replay of the holdout ({2 * config.validation.replications} replications)"

    def validation_files(self) -> tuple[str, ...]:
        return ("validation.json",)

    def validation(
        self, config: StudyConfig, data: Any, fits: Any, market: Market, executor: Executor
    ) -> dict[str, Record]:
        return {"validation.json": validate(data, fits, config.validation, seed=config.seed, executor=executor)}

    def no_validation(self, data: Any) -> dict[str, Record]:
        ends = {"calibration_end": data.calibration_end, "holdout_end": data.holdout_end}
        return {"validation.json": ValidationRecord.nothing(data.unit, **ends)}


def stages_of(config: StudyConfig) -> Stages:
    """The stages of this kind of study."""
    from churnsim.study.config.contract import ContractStudyConfig

    if isinstance(config, ContractStudyConfig):
        # scikit-learn takes a second to import; a study of purchases does without.
        from churnsim.study.stages.contract_stages import ContractStages

        return ContractStages()
    return TransactionStages()


def study_evidence(config: StudyConfig, *, workers: int) -> MarketEvidence:
    """The customers and the market of a study, for judging claims without running the rest of it."""
    stages = stages_of(config)
    data = stages.load(config)
    market = stages.market(config, data, stages.fit(config, data))
    return evidence_of(
        config, market, data=stages.purchases(data), label=label_of(config, data), executor=Executor(workers=workers)
    )


def label_of(config: StudyConfig, data: Any) -> str:
    """The study's customers in words."""
    return f"the {data.facts.customers:,} customers of {config.name}"
