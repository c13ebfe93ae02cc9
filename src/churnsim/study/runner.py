"""A study from configuration to run directory, stage by stage.

data -> fits -> market -> evidence -> validation -> value -> strategies x replications -> comparison ->
value of information -> break-even -> claims -> manifest
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import churnsim
from churnsim.decisions.comparison.compare import Comparison, joined
from churnsim.decisions.runs.parallel_map import Backend
from churnsim.errors import ClusterError, ConfigError, EpochWarning, FitError
from churnsim.kernels.numerics.numba_cache import telling_of_compilation
from churnsim.records.customers import CONTACTS
from churnsim.records.notices import Notices, StageFailure, StudyWarning, Unjudged
from churnsim.records.optimise import OptimisationRecord
from churnsim.records.run import ComparisonRecord, Manifest, ValidationRecord
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.config import ReportSection, StudyConfig
from churnsim.study.stages.break_even_stage import (
    break_even_keys,
    break_even_replications,
    break_evens,
    mechanisms_alone,
    most_promising,
    put_break_even,
)
from churnsim.study.stages.claim_stage import chosen_claims, claims_checksum, judge_claims, put_claims
from churnsim.study.stages.comparison_stage import compare_strategies, no_comparison, wanted_replications, with_shares
from churnsim.study.stages.earlier_runs import borrow, borrow_outcomes, claim_keys, outcome_keys, validation_key
from churnsim.study.stages.evidence_stage import evidence_checksum, measured_market
from churnsim.study.stages.information_stage import FILE as INFORMATION
from churnsim.study.stages.information_stage import STAGE, check_information, drawn_rows, information, why_not
from churnsim.study.stages.kind import label_of, stages_of
from churnsim.study.stages.market_stage import (
    build_strategies,
    own_mechanisms,
    scenario_for,
    strategy_records,
    unjudged_strategies,
)
from churnsim.study.stages.optimise_stage import check_optimise, optimum
from churnsim.study.stages.requirements import check_requirements, parts_not_judged
from churnsim.study.stages.score_files import scores_checksum
from churnsim.study.stages.simulation_stage import simulate_all
from churnsim.study.stages.stages import Stages
from churnsim.study.stages.survey_stage import survey_checksum, survey_results
from churnsim.study.stages.validation_stage import validation_warnings
from churnsim.study.stages.what_if_stage import check_what_ifs, what_if_steps, what_ifs
from churnsim.study.storage.executor import Executor, ExecutorPlan, connected, plan_executor
from churnsim.study.storage.progress import Progress, Silent
from churnsim.study.storage.provenance import platform_facts, recipe, run_hash
from churnsim.study.storage.store import MANIFEST, NOTICES, OUTCOMES, RunStore, stored_record, write_parquet


class StudyInterrupted(KeyboardInterrupt):
    """The study was stopped; what is finished is stored, and the message says how to go on."""


def run_study(
    config: StudyConfig,
    *,
    runs_dir: str | Path = "runs",
    workers: int | str | None = None,
    backend: Backend | None = None,
    scheduler: str | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Run the study, or what is left of it, and return its run directory ``<runs_dir>/<name>-<hash8>``.

    A complete run is not done again unless `fresh`. An interrupted one continues, unless code or package versions have
    changed since: then it starts over. After the models are fitted, a stage that fails costs its own result alone:
    notices.json says why, the others go on, and the same command tries the failed ones again. `workers`, `backend`
    ("threads", "processes" or "dask") and `scheduler`, the address of a Dask cluster's, override the configuration and
    never change the results. Raises DataError, FitError and ConfigError for input that cannot be used, ClusterError for
    a cluster that cannot be used or is lost, MissingExtraError, before any work, for an extra that the configuration
    needs and that is not installed, StudyInterrupted on Ctrl-C.
    """
    return _studied(
        config, RunSession.run, runs_dir=runs_dir, workers=workers, backend=backend, scheduler=scheduler, fresh=fresh,
        progress=progress,
    )  # fmt: skip


def optimise_study(
    config: StudyConfig, *, runs_dir: str | Path = "runs", workers: int | str | None = None, fresh: bool = False,
    progress: Progress | None = None,
) -> tuple[Path, OptimisationRecord]:  # fmt: skip
    """Find the best levers of the study's [optimise] and nothing else; its run directory, and what was found.

    What a run of the same study has found is taken from its directory, and `run_study` goes on from what is found here.
    Raises what `run_study` does, and ConfigError for a study without the table.
    """
    if config.optimise is None:
        raise ConfigError("the configuration has no [optimise]: say which levers, such as levers = { ... }.")
    directory = _studied(
        config, RunSession.best_levers, runs_dir=runs_dir, workers=workers, backend=None, scheduler=None, fresh=fresh,
        progress=progress,
    )  # fmt: skip
    found = stored_record(directory / "optimise.json", OptimisationRecord)
    if found is None:
        raise ConfigError(f"no levers could be optimised in {directory}: its {NOTICES} says why.")
    return directory, found


def replay_study(
    config: StudyConfig, stages: Stages, *, runs_dir: str | Path, told: Callable[[Path], bool],
    workers: int | str | None = None, progress: Progress | None = None,
) -> Path:  # fmt: skip
    """The strategies of a study and what it would take to pay, by its `stages` and without the rest; its run directory.

    `told` is called with that directory once the strategies are compared, and says whether to go on. A failure is
    raised. Ledgers of complete runs beside it are taken over, as `run_study` does.
    """
    plan = plan_executor(config.simulation, workers=workers, backend=None, scheduler=None)
    work = partial(RunSession.replay, told=told)
    return _opened(config, work, plan, stages, runs_dir=runs_dir, fresh=False, watch=progress or Silent())


def _studied(
    config: StudyConfig, work: Callable[[RunSession, Executor], None], *, runs_dir: str | Path,
    workers: int | str | None, backend: Backend | None, scheduler: str | None, fresh: bool, progress: Progress | None,
) -> Path:  # fmt: skip
    """Open the study's run directory and do some work in it, unless the run is complete."""
    check_requirements(config)
    plan = plan_executor(config.simulation, workers=workers, backend=backend, scheduler=scheduler)
    watch = progress or Silent()
    watch.stage("data")
    for line in parts_not_judged(config):
        watch.note(line)
    stages = stages_of(config)
    compiling = partial(watch.note, "compiling code for this machine, once: the next study starts without waiting.")
    with telling_of_compilation(compiling):
        return _opened(config, work, plan, stages, runs_dir=runs_dir, fresh=fresh, watch=watch)


def _opened(
    config: StudyConfig, work: Callable[[RunSession, Executor], None], plan: ExecutorPlan, stages: Stages, *,
    runs_dir: str | Path, fresh: bool, watch: Progress,
) -> Path:  # fmt: skip
    data = stages.load(config)
    store = RunStore.open(runs_dir, config.name, run_hash(config.canonical(), study_checksum(config, data)))
    with store.lock():
        session = RunSession(config, stages, data, store, watch)
        if session.may_skip(fresh=fresh):
            watch.note(f"{store.directory} is complete already; --fresh runs it again.")
            return store.directory
        with connected(plan) as executor:
            kept = f"What is finished is kept in {store.directory}; the same command continues from there."
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", EpochWarning)  # the study says it itself, once
                    work(session, executor)
            except KeyboardInterrupt:
                session.write_manifest("partial", executor)
                raise StudyInterrupted(kept) from None
            except ClusterError as error:
                session.write_manifest("partial", executor)
                raise ClusterError(f"{error} {kept}") from None
    return store.directory


class RunSession:
    """One attempt at a run: from the start, or from where the last one stopped."""

    def __init__(self, config: StudyConfig, stages: Stages, data: Any, store: RunStore, watch: Progress) -> None:
        self.config, self.stages, self.data = config, stages, data
        self.store, self.watch = store, watch
        self.strategies = build_strategies(config, stages.customers(data))
        self._recipe = recipe()
        self._clock = time.monotonic()
        self._earlier_seconds = 0.0
        self._started = _now()
        self._warnings: list[StudyWarning] = []
        self._failures: list[StageFailure] = []
        self._unjudged: list[Unjudged] = []
        self._failed_before: set[str] = set()
        self._instead: dict[str, Any] = {}
        # Of the customers and of the records that measure the market.
        self._measured = data.facts.checksum_sha256 + evidence_checksum(config)
        self._stage_keys: dict[str, str] = {}

    def may_skip(self, *, fresh: bool) -> bool:
        """Whether the run is complete. Empties the directory where nothing in it may be used; what was complete, and
        may have been shown to somebody, is kept beside it unless the run is to be `fresh`."""
        if not self.store.has_manifest():
            return False
        manifest = self.store.manifest()
        same_code = manifest is not None and manifest.recipe == self._recipe
        if fresh:
            self.store.clear()
            return False
        if manifest is None or not same_code:
            return self._start_over("churnsim or a package has changed since this run was stored", manifest)
        # Also what would fail again: this session's notices.json has to say so.
        failures = self.store.notices().failures
        self._failed_before = {failure.stage for failure in failures}
        if manifest.status == "complete":
            damaged = self.store.damaged(manifest.products)
            if not damaged:
                again = {failure.stage for failure in failures if not failure.lasting}
                if again:
                    self.watch.note(f"trying again what failed: {', '.join(sorted(again))}.")
                return not again
            return self._start_over(f"{', '.join(damaged)} of this run is missing or has been altered", manifest)
        self._earlier_seconds = manifest.seconds or 0.0
        self._started = manifest.started
        self.watch.note(f"continuing {self.store.directory}.")
        return False

    def _start_over(self, why: str, manifest: Manifest | None) -> bool:
        kept = ""
        if manifest is not None and manifest.status == "complete":
            kept = f" What it stored is kept in {self.store.set_aside(str(manifest.finished)[:10])}."
        self.watch.note(f"{why}: starting over.{kept}")
        self.store.clear()
        return False

    def run(self, executor: Executor) -> None:
        """Every stage. The quick ones are done again in every session; what was simulated, and the claims, are kept."""
        store = self.store
        self.write_manifest("partial", executor)
        self._warn(self.stages.notes(self.config, self.data))
        fits, market = self._market(executor)
        with self._edge("validation", self.stages.no_validation(self.data)):
            self._validation(fits, market, executor)
        with self._edge("value of the customers", {"value.json": None}):
            self._value(fits, market)
        with self._edge("the customers and their purchases"):
            self._customers(fits, market)
        with self._edge("strategies", {"comparison.json": no_comparison(self.config)}):
            self._strategies(market, executor)
        with self._edge(STAGE):
            self._information(market, executor)
        with self._edge("what it would take to pay"):
            self._break_evens(market, executor)
        if self.config.optimise is not None:
            with self._edge("the best levers"):
                self._optimise(market, executor)
        with self._edge("survey"):
            self._survey(market)
        with self._edge("what one must believe"):
            self._what_ifs(market, executor)
        with self._edge("claims", {"claims.json": []}):
            self._claims(market, executor)
        for name, content in self._instead.items():
            store.write(name, content)
        self._finish(fits, executor)

    def _write_notices(self, fits: Any) -> None:
        notices = Notices(warnings=self._warnings, failures=self._failures, unjudged=self._unjudged, choice=fits.choice)
        self.store.write(NOTICES, notices)

    def _finish(self, fits: Any, executor: Executor) -> None:
        self._write_notices(fits)
        self.write_manifest("complete", executor)
        if all(failure.lasting for failure in self._failures):
            self.store.drop_parts()

    def replay(self, executor: Executor, *, told: Callable[[Path], bool]) -> None:
        """The strategies, and where `told` says so what it would take to pay; see `replay_study`."""
        self.write_manifest("partial", executor)
        fits, market = self._market(executor)
        self._strategies(market, executor)
        self._write_notices(fits)
        if told(self.store.directory):
            self._break_evens(market, executor)
        self._finish(fits, executor)

    def best_levers(self, executor: Executor) -> None:
        """The levers that [optimise] asks for, without the other stages."""
        self.write_manifest("partial", executor)
        _, market = self._market(executor)
        self._optimise(market, executor)

    def _market(self, executor: Executor) -> tuple[Any, Market]:
        """The fits and the market, and what is said of both; everything asked of them is checked before any work."""
        config, data, store, watch = self.config, self.data, self.store, self.watch
        watch.stage("models")
        fits = self.stages.fit(config, data)
        self._warn(fits.warnings())
        store.write("fits.json", fits.records())
        self.strategies = build_strategies(config, self.stages.customers(data), self.stages.scores(data, fits))
        market = self._evidence(fits, self.stages.market(config, data, fits), executor)
        store.write("assumptions.json", self.stages.assumption_rows(market, self.strategies))
        store.write("strategies.json", strategy_records(config, self.strategies))
        self._unjudged = unjudged_strategies(
            self.strategies, market, against=config.comparison.against, nobody_leaves=fits.nobody_leaves
        )
        for row in self._unjudged:
            watch.note(f"not ranked: {row.strategy}: {row.reason}")
        for strategy in self.strategies:
            scenario_for(config, market, strategy)  # refuses a strategy that can do nothing on this market
        check_what_ifs(config, market, self.strategies)
        check_information(config, list(drawn_rows(self.stages.assumption_rows(market, self.strategies))))
        check_optimise(config, market, self.strategies)
        return fits, market

    @contextmanager
    def _edge(self, stage: str, instead: dict[str, Any] | None = None, *, subject: str = "") -> Iterator[None]:
        """Where a failure of `stage`, or of one `subject` in it, ends: it is recorded, and what is stored `instead` of
        its results lets the report be made. That is written last: an interrupted run would take it for the results.
        What ends the whole run (no room, a lost cluster, Ctrl-C) passes."""
        try:
            yield
        except (ClusterError, OSError, MemoryError):
            raise
        except Exception as error:
            failure = StageFailure.of_error(error, stage, subject)
            self._failures.append(failure)
            told = f" {NOTICES} will say where." if failure.traceback else ""
            about = f"{stage}, {subject}" if subject else stage
            self.watch.note(f"failed: {about}: {failure.reason}{told} The rest goes on.")
            self._instead |= instead or {}

    def _warn(self, warnings: Iterable[StudyWarning]) -> None:
        for warning in warnings:
            self._warnings.append(warning)
            self.watch.note(f"warning: {warning.message}")

    def write_manifest(self, status: str, executor: Executor) -> None:
        """The record of what is run, on what, with what, and how far it has come."""
        now = time.monotonic()
        config, canonical = self.config, self.config.canonical()
        manifest = Manifest(
            name=config.name,
            title=config.title,
            question=config.question,
            hash=run_hash(canonical, study_checksum(config, self.data)),
            config=canonical,
            seed=config.seed,
            engine=config.simulation.engine,
            churnsim=churnsim.__version__,
            versions=self._recipe["versions"],
            recipe=self._recipe,
            platform=platform_facts(),
            data=self.data.facts,
            folder=self._folder(),
            started=self._started,
            finished=_now() if status == "complete" else None,
            seconds=round(self._earlier_seconds + now - self._clock, 3),
            workers=executor.workers,
            backend=executor.backend,
            outcome_keys=outcome_keys(config, self._measured),
            stage_keys=self._stage_keys,
            status=status,
            products=self.store.products() if status == "complete" else {},
            **({"report": config.report.model_dump()} if config.report != ReportSection() else {}),
        )
        self.store.write(MANIFEST, manifest)

    def _folder(self) -> str:
        """Where the configuration lies, from the run directory on: relative paths of it start there."""
        try:
            return Path(os.path.relpath(self.config.folder, self.store.directory)).as_posix()
        except ValueError:  # another drive
            return self.config.folder.as_posix()

    def _evidence(self, fits: Any, market: Market, executor: Executor) -> Market:
        """The market as the firm's own records measure it; what is assumed where there are none."""
        if self.config.evidence is None:
            return market
        market, found = measured_market(
            self.config, self.data, fits, market, strategies=self.strategies, executor=executor,
            edge=lambda kind: self._edge("evidence", subject=kind), watch=self.watch, store=self.store,
        )  # fmt: skip
        self.store.write("evidence.json", found)
        return market

    def _value(self, fits: Any, market: Market) -> None:
        self.watch.stage("value of the customers")
        validation = stored_record(self.store.directory / "validation.json", ValidationRecord)
        holdout = validation.replay if validation else None
        self.store.write("value.json", self.stages.value(self.config, self.data, fits, market, holdout))

    def _customers(self, fits: Any, market: Market) -> None:
        told = self.stages.customers_story(self.config, self.data, fits, market)
        if told is not None:
            record, contacts = told
            self.store.write("customers.json", record)
            write_parquet(self.store.directory / CONTACTS, contacts)

    def _validation(self, fits: Any, market: Market, executor: Executor) -> None:
        config, stages = self.config, self.stages
        self.watch.stage(stages.validation_title(config))
        kept = "validation" not in self._failed_before
        key = validation_key(config, self._measured)
        self._stage_keys |= key
        if not self.store.readable("validation.json"):
            self._borrow("validation.json", key, self._put_validation)
        if not (kept and all(self.store.readable(name) for name in stages.validation_files())):
            for name, content in stages.validation(config, self.data, fits, market, executor).items():
                self.store.write(name, content)
        self._warn(validation_warnings(stored_record(self.store.directory / "validation.json", ValidationRecord)))

    def _strategies(self, market: Market, executor: Executor) -> None:
        config, store, watch = self.config, self.store, self.watch
        aside = {row.strategy for row in self._unjudged}
        strategies = [strategy for strategy in self.strategies if strategy.name not in aside]
        if not strategies:
            raise FitError("the purchase model can judge none of the strategies: nobody leaves by it.")
        scenarios = [scenario_for(config, market, strategy) for strategy in strategies]
        effects = dict.fromkeys(effect for scenario in scenarios for effect in scenario.epoch_effects)
        self._warn(
            StudyWarning(
                stage="strategies", code="long epochs", message=f"the simulation moves in long steps (epoch): {effect}."
            )
            for effect in effects
        )
        names, period = [strategy.name for strategy in strategies], scenarios[0].period
        borrowed = borrow_outcomes(
            store, outcome_keys(config, self._measured), most=config.most_replications, periods=scenarios[0].periods
        )
        if borrowed:
            watch.note(
                f"{borrowed.total()} replications are taken from an earlier run, since nothing that they depend on has "
                f"changed: {', '.join(borrowed)}."
            )
        outcomes, size, larger = None, 0, config.simulation.replications
        while larger > size:
            watch.stage("strategies" if not size else f"strategies, on to {larger}", len(scenarios) * (larger - size))
            more = simulate_all(
                store, scenarios, replications=range(size, larger), seed=config.seed, executor=executor,
                engine=config.simulation.engine, mechanisms=own_mechanisms(config), done=watch.advance,
            )  # fmt: skip
            outcomes = more if outcomes is None else joined(names, outcomes, more)
            comparison = Comparison.from_outcomes(outcomes, market=market, period=period, seed=config.seed)
            size, larger = larger, wanted_replications(config, comparison, larger)
        assert outcomes is not None  # there is one stage at least
        write_parquet(store.directory / OUTCOMES, outcomes)
        store.write("comparison.json", compare_strategies(comparison, config))
        assumed = self.stages.assumption_rows(market, self.strategies)
        store.write("assumptions.json", with_shares(assumed, comparison, config, market))

    def _information(self, market: Market, executor: Executor) -> None:
        comparison = stored_record(self.store.directory / "comparison.json", ComparisonRecord)
        if comparison is None or not comparison.best:
            return
        rows = self.stages.assumption_rows(market, self.strategies)
        running, drawn = [row.strategy for row in comparison.best], bool(drawn_rows(rows))
        if why_not(amounts=self.config.data.has_amounts, drawn=drawn, replications=comparison.replications):
            return
        self.watch.stage(STAGE)
        found = information(self.config, market, rows, running, store=self.store, executor=executor)
        self.store.write(INFORMATION, found)

    def _break_evens(self, market: Market, executor: Executor) -> None:
        unjudged = {row.strategy: row.reason for row in self._unjudged}
        mechanisms = mechanisms_alone(self.config, self.strategies, unjudged)
        comparison = stored_record(self.store.directory / "comparison.json", ComparisonRecord)
        own = own_mechanisms(self.config)
        judged = [strategy for strategy in self.strategies if strategy.name not in own]
        pair = most_promising(comparison, judged) if comparison else None
        if not (break_even_replications(self.config) and (mechanisms or pair)):
            return
        self.watch.stage("what it would take to pay", len(mechanisms) + (pair is not None))
        keys = break_even_keys(self.config, self._measured, mechanisms, pair)
        self._stage_keys |= keys
        self._borrow("break_even.json", keys, put_break_even(self.store))
        content = break_evens(
            self.config, market, mechanisms, pair=pair, store=self.store, executor=executor, done=self.watch.advance,
            edge=lambda subject: self._edge("what it would take to pay", subject=subject),
        )  # fmt: skip
        self.store.write("break_even.json", content)

    def _optimise(self, market: Market, executor: Executor) -> None:
        self.watch.stage("the best levers")
        optimum(self.config, market, self.strategies, store=self.store, executor=executor, done=self.watch.advance)

    def _survey(self, market: Market) -> None:
        section = self.config.survey
        if section is None:
            return
        self.watch.stage("survey")
        baseline = next(s for s in self.strategies if s.name == self.config.comparison.against)
        content = survey_results(
            section, self.config.folder, data=self.data, market=market,
            scenario=scenario_for(self.config, market, baseline), seed=self.config.seed,
        )  # fmt: skip
        self._warn(
            StudyWarning(stage="survey", code="survey", message=warning)
            for measured in content.instruments
            for warning in measured.warnings
        )
        self.store.write("survey.json", content)

    def _what_ifs(self, market: Market, executor: Executor) -> None:
        config, steps = self.config, what_if_steps(self.config)
        if steps:
            self.watch.stage("what one must believe", steps)
            content = what_ifs(
                config, market, self.strategies, unjudged={row.strategy: row.reason for row in self._unjudged},
                store=self.store, executor=executor, done=self.watch.advance,
                edge=lambda subject: self._edge("what one must believe", subject=subject),
            )  # fmt: skip
            self.store.write("what_if.json", content)

    def _put_validation(self, content: Any, name: str) -> bool:
        self.store.write(f"{name}.json", content)
        return True

    def _borrow(self, file: str, names: Iterable[str], put: Callable[[Any, str], bool]) -> None:
        """Take what earlier runs have of a stage, and say so."""
        keys = {name: self._stage_keys[name] for name in names if name in self._stage_keys}
        if taken := borrow(self.store, file, keys, put):
            told = ", ".join(name.removeprefix("claim ").replace("_", " ") for name in taken)
            self.watch.note(f"taken from an earlier run, since nothing that they depend on has changed: {told}.")

    def _claims(self, market: Market, executor: Executor) -> None:
        chosen = chosen_claims(self.config)
        self.watch.stage("claims", len(chosen))
        places = {f"claim {claim.id}": number for number, claim in enumerate(chosen)}
        self._stage_keys |= claim_keys(self.config, chosen, self._measured + claims_checksum(self.config))
        self._borrow("claims.json", places, put_claims(self.store, places))
        label = label_of(self.config, self.data)
        findings = judge_claims(
            self.config, market, data=self.stages.purchases(self.data), store=self.store, label=label,
            executor=executor, done=self.watch.advance,
        )  # fmt: skip
        self.store.write("claims.json", findings)


def study_checksum(config: StudyConfig, data: Any) -> str:
    """Of everything that was read: the customers, and surveys, scores and records where there are any."""
    read = [scores_checksum(section, config.folder) for section in config.strategy]
    read += [claims_checksum(config), evidence_checksum(config)]
    return str(data.facts.checksum_sha256) + survey_checksum(config.survey, config.folder) + "".join(read)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
