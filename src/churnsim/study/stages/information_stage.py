"""What it is worth to know a number before choosing among the strategies, from the replications that were run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from churnsim.decisions.assumptions.influence import drawn_numbers
from churnsim.decisions.comparison.compare import Comparison, joined
from churnsim.decisions.information.value import (
    LEAST,
    NOTHING,
    ValueOfInformation,
    Worth,
    default_groups,
    group_members,
    near,
    value_of_information,
)
from churnsim.errors import ConfigError, DataError
from churnsim.records.information import INPUTS, OPTION, InformationRecord, TrialRow, TrialSize, WorthRow
from churnsim.records.load import load_run
from churnsim.records.run import AssumptionRecord, Run
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.what_if_sections import DecideSection
from churnsim.study.stages.comparison_stage import idle_strategies
from churnsim.study.stages.market_stage import scenario_for
from churnsim.study.stages.simulation_stage import simulate_all
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import OUTCOMES, RunStore, read_parquet, write_parquet

FILE = "value_of_information.json"
STAGE = "value of information"


def why_not(*, amounts: bool, drawn: bool, replications: int) -> str:
    """Why a study does not say what its numbers are worth, with the remedy; "" where it does."""
    if not amounts:
        return "A log without amounts says nothing in money: name the column with the amount."
    if not drawn:
        return (
            "No number is drawn in it, so that there is nothing to learn: give numbers of [market] an interval, "
            "{ value = ..., low = ..., high = ... }, or set beliefs = 'all' in [simulation]."
        )
    if replications < LEAST:
        return (
            f"It has {replications} replications, and {LEAST} are needed: take --replications {LEAST} or more. Those "
            "that are stored are taken over."
        )
    return ""


def may_draw(config: StudyConfig) -> bool:
    """Whether a study may draw numbers, as far as its configuration shows: fitted parameters, or numbers of the market
    that have an interval or that records measure."""

    def stated(table: object) -> bool:
        return isinstance(table, Mapping) and ("low" in table or any(map(stated, table.values())))

    beliefs = {"all": True, "none": False, "stated": stated(config.market) or config.evidence is not None}
    return beliefs[config.simulation.beliefs] or (config.simulation.parameter_uncertainty and config.models is not None)


def drawn_rows(rows: Sequence[AssumptionRecord]) -> dict[str, AssumptionRecord]:
    """The numbers that replications draw and that have an effect under the strategies, by address."""
    return {row.parameter: row for row in rows if row.drawn}


def check_information(config: StudyConfig, drawn: Sequence[str]) -> None:
    """Raise ConfigError, naming the key, for a trial or a group without a number that is drawn: before any work."""
    for name, trial in config.decide.trials.items():
        for number in (trial.about,) if isinstance(trial.about, str) else trial.about:
            if number not in drawn:
                raise ConfigError(
                    f"[decide.trials.{name}]: about = {number!r} is no number that replications draw. "
                    f"{near(number, drawn)}"
                )
    for name, parts in config.decide.groups.items():
        try:
            group_members(name, parts, drawn)
        except ConfigError as error:
            raise ConfigError(f"[decide.groups]: {error}") from None


def information(
    config: StudyConfig,
    market: Market,
    rows: Sequence[AssumptionRecord],
    running: Sequence[str],
    *,
    store: RunStore,
    executor: Executor,
) -> InformationRecord:
    """What each number is worth for a choice among the strategies in the `running` and spending nothing, which is
    simulated too where no strategy of the study does so; what it is worked out from is stored beside it."""
    outcomes = read_parquet(store.directory / OUTCOMES)
    names = list(dict.fromkeys(outcomes["strategy"]))
    count = int(outcomes["replication"].nunique())
    idle = scenario_for(config, market, Strategy(name=NOTHING if NOTHING not in names else f"{NOTHING} at all"))
    found = [name for name in idle_strategies(config) if name in names]
    nothing = found[0] if found else idle.strategy.name
    if not found:
        more = simulate_all(
            store, [idle], replications=range(count), seed=config.seed, executor=executor,
            engine=config.simulation.engine, mechanisms={}, done=lambda _: None,
        )  # fmt: skip
        outcomes = joined([*names, nothing], outcomes, more)
    comparison = Comparison.from_outcomes(outcomes, market=market, period=idle.period, seed=config.seed)
    about = drawn_rows(rows)
    numbers = drawn_numbers(market, count, seed=config.seed)
    numbers = numbers[[name for name in numbers if name in about]]
    values = comparison.values(config.decide.metric)
    values = values[[name for name in values if name in running or name == nothing]]
    stored = pd.concat([numbers.reset_index(drop=True), values.reset_index(drop=True).add_prefix(OPTION)], axis=1)
    write_parquet(store.directory / INPUTS, stored)
    return worked_out(values, numbers, config.decide, nothing=nothing, level=config.comparison.level, about=about)


def worked_out(
    values: pd.DataFrame,
    numbers: pd.DataFrame,
    section: DecideSection,
    *,
    nothing: str,
    level: float,
    about: Mapping[str, AssumptionRecord],
    groups: Mapping[str, Sequence[str]] | None = None,
) -> InformationRecord:
    """The record of a decision, with the usual groups, those of the section and further `groups`."""
    asked = default_groups([str(name) for name in numbers]) | dict(section.groups) | dict(groups or {})
    found = value_of_information(values, numbers, groups=asked, nothing=nothing, level=level)
    trials = []
    for name, trial in section.trials.items():
        told = found.of_trial(trial, fixed_cost=trial.fixed_cost)
        row = TrialRow.of(
            told,
            name=name,
            standard_error=_plain(told.standard_error),
            worth=told.value,
            worth_error=told.value_error,
            sizes=[
                TrialSize(**size | {"standard_error": _plain(size["standard_error"])}) for size in told.sizes
            ],
        )  # fmt: skip
        trials.append(row)
    return InformationRecord(
        metric=section.metric, level=level, replications=found.replications, options=list(found.options),
        best=found.best, nothing=found.nothing, gain=found.gain, foresight=found.foresight, first=found.first.name,
        rows=_rows(found, about), trials=trials,
    )  # fmt: skip


def _plain(error: float | tuple[float, ...]) -> float | list[float]:
    return list(error) if isinstance(error, tuple) else error


def _rows(found: ValueOfInformation, about: Mapping[str, AssumptionRecord]) -> list[WorthRow]:
    whole = found.everything.value

    def row(kind: Literal["everything", "rest", "group", "number"], worth: Worth) -> WorthRow:
        known = about.get(worth.name) if kind == "number" else None
        told = known.model_dump(include={"meaning", "value", "low", "high", "unit", "status"}) if known else {}
        return WorthRow(
            kind=kind, name=worth.name, numbers=list(worth.numbers), worth=worth.value,
            standard_error=worth.standard_error, lower=worth.lower, upper=worth.upper, null=worth.null,
            share=worth.value / whole if whole > 0 else 0.0, changes=worth.changes, **told,
        )  # fmt: skip

    rest = [row("rest", found.rest)] if found.rest else []
    groups = [row("group", worth) for worth in found.groups]
    return [row("everything", found.everything), *rest, *groups, *(row("number", worth) for worth in found.numbers)]


def stored_information(directory: Path, groups: Mapping[str, Sequence[str]] | None = None) -> Run:
    """The run in a directory with what its numbers are worth, of further `groups` too.

    Raises DataError where the run does not say it.
    """
    run = load_run(directory)
    found = run.value_of_information
    if found is None:
        failed = [row.reason for row in run.notices.failures if row.stage == STAGE]
        raise DataError(
            f"{directory} does not say what its numbers are worth"
            + (f": {failed[0]}" if failed else f". {_why_not(run)}")
        )
    if not groups:
        return run
    stored = read_parquet(directory / INPUTS)
    options = [name for name in stored if str(name).startswith(OPTION)]
    section = DecideSection.model_validate_json(json.dumps(run.manifest.config.get("decide", {})))
    again = worked_out(
        stored[options].rename(columns=lambda name: name.removeprefix(OPTION)), stored.drop(columns=options), section,
        nothing=found.nothing, level=float(found.level), about=drawn_rows(run.assumptions), groups=groups,
    )  # fmt: skip
    return run.model_copy(update={"value_of_information": again})


def _why_not(run: Run) -> str:
    """The same of a stored run."""
    amounts, drawn = bool(run.comparison.metrics["npv"].levels), bool(drawn_rows(run.assumptions))
    told = why_not(amounts=amounts, drawn=drawn, replications=run.comparison.replications)
    return told or "An earlier version stored it: run its configuration again with churnsim decide CONFIG."
