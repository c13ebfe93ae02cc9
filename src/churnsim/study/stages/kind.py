"""Which stages a study has: of purchases, or of subscribers under contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.claim_stage import evidence_of
from churnsim.study.stages.stages import Stages
from churnsim.study.storage.executor import Executor

if TYPE_CHECKING:
    from churnsim.claims.machinery.evidence import MarketEvidence


def stages_of(config: StudyConfig) -> Stages:
    """The stages of this kind of study."""
    from churnsim.study.config.contract import ContractStudyConfig

    if isinstance(config, ContractStudyConfig):
        # scikit-learn takes a second to import; a study of purchases does without.
        from churnsim.study.stages.contract_stages import ContractStages

        return ContractStages()
    return Stages()


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
