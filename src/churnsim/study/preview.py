"""What a study would do, before it is run: its data, its work, about how long that takes, and what it assumes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from churnsim.data.logs.days import day_number
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.decisions.runs.parallel_map import worker_count
from churnsim.evidence.assumptions import assumptions
from churnsim.models.purchase.registry import DEFAULT_FAMILY, PURCHASE_FAMILIES, with_leaving_clock
from churnsim.records.notices import StudyWarning
from churnsim.records.run import AssumptionRecord, DataFacts
from churnsim.simulation.core.lifetimes import FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.config import DataSection, StudyConfig
from churnsim.study.config.market_overrides import overridden_mechanisms, overridden_origins
from churnsim.study.stages.break_even_stage import break_even_replications, mechanisms_alone
from churnsim.study.stages.claim_stage import chosen_claims
from churnsim.study.stages.evidence_stage import check_records
from churnsim.study.stages.kind import stages_of
from churnsim.study.stages.market_stage import build_strategies, with_beliefs
from churnsim.study.stages.requirements import check_requirements
from churnsim.study.storage.store import RunStore
from churnsim.units import DAYS_PER_UNIT

# CPU seconds, by which a study is timed: of a replication of one strategy for each customer, epoch, and customer and
# epoch; of the rest by itself. Measured on two cores of 2020; the whole is right within a factor of 2 or so.
PER_CUSTOMER, PER_EPOCH, PER_CUSTOMER_EPOCH = 3e-6, 5e-5, 8e-9
PER_BREAK_EVEN_LEVER, PER_CLAIM, PER_FIT = 30, 6.0, 2e-6
START = 12.0
# Of a row of customers' own series, or of a customer's week on a calendar: the fits, tests and values together, and a
# replication's draw of the customers, which strategies share. Where both clocks run by themselves each customer's
# forecasts are integrals of its own. Of a customer, a draw of the value and a day on which anyone's series change after
# the data: that draw's value.
OF_ONE_CLOCK, OF_TWO_CLOCKS = (1.3e-5, 4e-8), (7e-4, 4e-7)
PER_CUSTOMER_DRAW_CHANGE, CHANGES = 4.5e-7, 10


@dataclass(frozen=True, kw_only=True)
class Work:
    """One part of a study: what it is, how much of it, and about how many CPU seconds that takes."""

    stage: str
    amount: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a study would do. `last_run` is the latest complete run of a study of the same name, whose settings may have
    been others, with its seconds."""

    name: str
    facts: DataFacts
    warnings: tuple[StudyWarning, ...]
    work: tuple[Work, ...]
    workers: int
    assumed: tuple[AssumptionRecord, ...]
    last_run: tuple[str, float] | None

    @property
    def seconds(self) -> float:
        """About how long the whole takes with its workers."""
        return sum(part.seconds for part in self.work) / self.workers

    def content(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "name": self.name, "data": self.facts, "warnings": [warning.message for warning in self.warnings],
            "work": [vars(part) for part in self.work], "workers": self.workers, "seconds": round(self.seconds),
            "assumed": list(self.assumed),
            "last_run": self.last_run and {"run": self.last_run[0], "seconds": self.last_run[1]},
        }  # fmt: skip


def preview(config: StudyConfig, *, runs_dir: str | Path = "runs") -> Preview:
    """Read the data and say what the study would do; nothing is fitted or simulated.

    Raises what `run_study` raises before its work: DataError, ConfigError and MissingExtraError.
    """
    check_requirements(config)
    check_records(config)
    stages = stages_of(config)
    data = stages.load(config)
    strategies = build_strategies(config, stages.customers(data))
    summary = getattr(data, "summary", None)
    worth = 1.0 if summary is None or "monetary_value" not in summary else float(summary["monetary_value"].mean())
    # Stands for the fitted models, of which no number is shown: only what a market assumes beside them.
    family: Any = PURCHASE_FAMILIES[DEFAULT_FAMILY]
    parts = overridden_mechanisms(config.market)
    if getattr(getattr(data, "clocks", None), "own", False):
        parts = {"own_series": parts_of(Market)["own_series"](), **parts}
    market = with_beliefs(
        config,
        Market(
            customers=Cohort(size=data.facts.customers),
            purchases=family(**dict.fromkeys(family.parameter_names, 1.0), unit=config.data.unit),
            spend=FixedSpend(amount=worth or 1.0),
            origins=overridden_origins(config.market), **parts,
        ),
    )  # fmt: skip
    if isinstance(config.data, DataSection):  # subscribers stay by contracts, for which this market does not stand
        for strategy in strategies:
            strategy.check(market, config.simulation.period.to(market.unit))
    told = AssumptionRecord.of_frame(assumptions(market, strategies))
    return Preview(
        name=config.name, facts=data.facts, warnings=tuple(stages.notes(config, data)),
        work=tuple(_work(config, data)), workers=worker_count(config.simulation.workers),
        assumed=tuple(row for row in told if not row.parameter.startswith(("purchases.", "spend."))),
        last_run=_last_run(config, Path(runs_dir)),
    )  # fmt: skip


def _work(config: StudyConfig, data: Any) -> Iterator[Work]:
    facts, clock, unit = data.facts, config.simulation, config.data.unit
    size, epochs = facts.customers, clock.horizon.to(unit) / clock.epoch.to(unit)
    once = PER_CUSTOMER * size + PER_EPOCH * epochs + PER_CUSTOMER_EPOCH * size * epochs
    amount, fits = f"{size:,} customers", START + PER_FIT * facts.rows
    if (series := getattr(getattr(data, "clocks", None), "calendar", None)) is not None:
        changes = CHANGES
        if isinstance(series, CustomerSeries):
            rows = len(series.day)
            changes += len(np.unique(series.day[series.day > day_number(data.holdout_end, "holdout_end")]))
            amount += f" with {rows:,} rows of series"
        else:  # costs about as much as series by the week
            rows = int(data.summary["T"].sum() * DAYS_PER_UNIT[unit] / 7)
            amount += " on a calendar"
        by_row, by_replication = OF_TWO_CLOCKS if config.models.purchases in with_leaving_clock() else OF_ONE_CLOCK
        fits += rows * (by_row + by_replication * clock.replications)
        fits += PER_CUSTOMER_DRAW_CHANGE * size * changes * config.value.draws
    yield Work(stage="models", amount=amount, seconds=fits)
    count, each = len(config.strategy), clock.replications
    yield Work(
        stage="strategies", amount=f"{count} x {each:,} replications of {clock.horizon} in steps of {clock.epoch}",
        seconds=count * each * once,
    )  # fmt: skip
    if config.most_replications > each:
        more = config.most_replications - each
        yield Work(stage="strategies, at most", amount=f"{more:,} replications more", seconds=count * more * once)
    if size_of_each := break_even_replications(config):
        parts = {mechanism for mechanism, *_ in mechanisms_alone(config, build_strategies(config), {})}
        yield Work(
            stage="what it would take to pay", amount=f"{len(parts)} mechanisms by themselves",
            seconds=len(parts) * PER_BREAK_EVEN_LEVER * size_of_each * once,
        )  # fmt: skip
    for section in config.belief:
        cells = section.cells ** len(section.over)
        yield Work(
            stage=f"map {section.name!r}", amount=f"{cells:,} cells", seconds=2 * cells * section.replications * once
        )
    if claims := chosen_claims(config):
        yield Work(stage="claims", amount=f"{len(claims)}", seconds=PER_CLAIM * len(claims))


def _last_run(config: StudyConfig, runs_dir: Path) -> tuple[str, float] | None:
    found = []
    for directory in runs_dir.glob(f"{config.name}-????????") if runs_dir.is_dir() else ():
        manifest = RunStore(directory).manifest()
        if manifest is not None and manifest.status == "complete" and manifest.seconds is not None:
            found.append((manifest.finished or "", str(directory), float(manifest.seconds)))
    return max(found)[1:] if found else None
