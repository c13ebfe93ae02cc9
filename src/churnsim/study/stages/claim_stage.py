"""The claims a study tests, with the study's own market as evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from churnsim.records.claim import ClaimRecord
from churnsim.study.storage.store import RunStore, stored_record, write_json

if TYPE_CHECKING:
    from churnsim.simulation.scenario.market import Market
    from churnsim.study.config.config import StudyConfig
    from churnsim.study.stages.data_stage import StudyData
    from churnsim.study.storage.executor import Executor

__all__ = ["chosen_claims", "judge_claims"]


def chosen_claims(config: StudyConfig) -> tuple[str, ...]:
    """The ids of the claims this study tests: all of the catalogue where it names none."""
    from churnsim.claims.catalogue import CATALOGUE

    return tuple(CATALOGUE) if config.claims.test is None else config.claims.test


def judge_claims(
    config: StudyConfig,
    market: Market,
    *,
    data: StudyData | None = None,
    store: RunStore,
    label: str,
    executor: Executor,
    done: Callable[[int], None],
) -> list[ClaimRecord]:
    """The claims with their verdicts. A claim that an interrupted run has tested is not tested again.

    Claims on data are measured on the study's own transactions; without `data` on the full CDNOW log.
    """
    from churnsim.claims.catalogue import CATALOGUE
    from churnsim.claims.machinery.check import check, to_record
    from churnsim.claims.machinery.evidence import MarketEvidence

    clock, unit = config.simulation, market.unit
    evidence = MarketEvidence(
        market=market, label=label, horizon=clock.horizon.to(unit), period=clock.period.to(unit),
        epoch=clock.epoch.to(unit), replications=config.claims.replications or clock.replications,
        seed=config.seed, workers=executor.workers, backend=executor.backend,
        log=data.transactions if data else None, summary=data.summary if data else None,
    )  # fmt: skip
    findings = []
    for claim_id in chosen_claims(config):
        path = store.part("claims", f"{claim_id}.json")
        row = stored_record(path, ClaimRecord)
        if row is None:
            row = to_record(check(CATALOGUE[claim_id], evidence, config.claims.quick))
            write_json(path, row)
        findings.append(row)
        done(1)
    return findings
