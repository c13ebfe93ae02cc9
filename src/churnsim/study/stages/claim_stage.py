"""The claims a study tests, with the study's own market as evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churnsim.errors import ConfigError
from churnsim.records.claim import ClaimRecord
from churnsim.study.storage.store import RunStore, stored_record, write_json

if TYPE_CHECKING:
    from churnsim.claims.machinery.claim import Claim
    from churnsim.claims.machinery.evidence import MarketEvidence
    from churnsim.simulation.scenario.market import Market
    from churnsim.study.config.config import StudyConfig
    from churnsim.study.stages.data_stage import StudyData
    from churnsim.study.storage.executor import Executor


def chosen_claims(config: StudyConfig) -> tuple[Claim, ...]:
    """The claims this study tests: those of the catalogue and of files that it names; the whole catalogue where
    [claims] has no `test`. Raises ConfigError for a file that holds none, and for two claims of one id."""
    from churnsim.claims.catalogue import CATALOGUE
    from churnsim.study.custom_claims.file import is_claim_file, read_claims

    if config.claims.test is None:
        return _with_settings(config, tuple(CATALOGUE.values()))
    found: list[Claim] = []
    for name in config.claims.test:
        found += read_claims(config.folder / name) if is_claim_file(name) else [CATALOGUE[name]]
    ids = [claim.id for claim in found]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"[claims] test has two claims of the id {twice!r}. Name each once, and give each its own id."
        )
    return _with_settings(config, tuple(found))


def _with_settings(config: StudyConfig, chosen: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims, each checked to have the settings that the study gives it."""
    known = {claim.id: claim for claim in chosen}
    for claim_id, own in config.claims.settings.items():
        if claim_id not in known:
            raise ConfigError(
                f"[claims.settings] has {claim_id!r}, which this study does not test: {', '.join(known)}."
            )
        known[claim_id].check_settings(own)
    return chosen


def claims_checksum(config: StudyConfig) -> str:
    """SHA-256 (hex) of the files of claims, "" where there are none: other claims make another study."""
    from churnsim.study.custom_claims.file import is_claim_file

    files = [config.folder / name for name in config.claims.test or () if is_claim_file(name)]
    return "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


def evidence_of(
    config: StudyConfig, market: Market, *, data: StudyData | None, label: str, executor: Executor
) -> MarketEvidence:
    """The study's market and how it is run, for claims. Claims on data are measured on the study's own transactions;
    without `data` on the full CDNOW log."""
    from churnsim.claims.machinery.evidence import MarketEvidence

    clock, unit = config.simulation, market.unit
    return MarketEvidence(
        market=market, label=label, horizon=clock.horizon.to(unit), period=clock.period.to(unit),
        epoch=clock.epoch.to(unit), replications=config.claims.replications or clock.replications,
        seed=config.seed, workers=executor.workers, backend=executor.backend,
        log=data.transactions if data else None, summary=data.summary if data else None,
    )  # fmt: skip


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
    """The claims with their answers. A claim that an interrupted run has tested is not tested again."""
    from churnsim.claims.machinery.claim import Kind, Result, not_run
    from churnsim.claims.machinery.results import to_record

    evidence = evidence_of(config, market, data=data, label=label, executor=executor)
    findings = []
    for number, claim in enumerate(chosen_claims(config)):
        path = _part(store, number)
        row = stored_record(path, ClaimRecord)
        if row is None and claim.kind is Kind.SIMULATION and not config.data.has_amounts:
            why = not_run("The study's log has no amounts, so that its market says nothing in money.")
            row = to_record(Result(claim=claim, finding=why, control=why))
        if row is None:
            row = to_record(
                claim.test(evidence, quick=config.claims.quick, settings=config.claims.settings.get(claim.id))
            )
            write_json(path, row)
        findings.append(row)
        done(1)
    return findings


def put_claims(store: RunStore, places: Mapping[str, int]) -> Callable[[Any, str], bool]:
    """Takes a claim of another run's claims.json among the parts of this one; `places` are those of this run's claims,
    by "claim ID"."""

    def put(content: Any, name: str) -> bool:
        row = next((row for row in content if f"claim {row['id']}" == name), None)
        path = _part(store, places[name])
        if row is None or path.exists():
            return False
        write_json(path, row)
        return True

    return put


def _part(store: RunStore, number: int) -> Path:
    """By number, since the id of a claim in Python may be no name for a file."""
    return store.part("claims", f"{number:03d}.json")
