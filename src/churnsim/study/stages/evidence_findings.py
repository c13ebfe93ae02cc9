"""What a study's records measure and which verdicts they change, without running the rest of the study."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd

from churnsim.decisions.comparison.compare import Comparison, compare
from churnsim.errors import ConfigError, EpochWarning
from churnsim.records.evidence_findings import ChangedVerdict, EvidenceFindings, StrategyVerdict, VerdictsRecord
from churnsim.records.notices import StageFailure
from churnsim.records.run import reading
from churnsim.simulation.core.belief import STATUSES
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.comparison_stage import idle_strategy
from churnsim.study.stages.evidence_stage import measured_market
from churnsim.study.stages.kind import stages_of
from churnsim.study.stages.market_stage import build_strategies, experiment_for, own_mechanisms
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.progress import Progress, Silent


def evidence_findings(config: StudyConfig, *, workers: int = 1, progress: Progress | None = None) -> EvidenceFindings:
    """Measure the market of a study, and compare its strategies in the market as assumed and as measured.

    Both meet the same customers, parameters and chances in each replication. Raises ConfigError for a study without
    records, DataError and FitError for purchases that cannot be used; a table that cannot be measured is told among the
    failures.
    """
    if config.evidence is None:
        raise ConfigError(
            f"the study {config.name!r} names no records. Add a table such as [evidence.contacts]; "
            "docs/own-records.md says what each measures."
        )
    watch, executor = progress or Silent(), Executor(workers=workers)
    stages = stages_of(config)
    watch.stage("data")
    data = stages.load(config)
    watch.stage("models")
    fits = stages.fit(config, data)
    assumed = stages.market(config, data, fits)
    strategies = build_strategies(config, stages.customers(data), stages.scores(data, fits))
    failures: list[StageFailure] = []

    @contextmanager
    def edge(kind: str) -> Iterator[None]:
        try:
            yield
        except (OSError, MemoryError):
            raise
        except Exception as error:
            failures.append(StageFailure.of_error(error, "evidence", kind))

    market, found = measured_market(
        config, data, fits, assumed, strategies=strategies, executor=executor, edge=edge, watch=watch
    )
    rows = [row for row in stages.assumption_rows(market, strategies) if row.status in STATUSES]
    known = sorted(rows, key=lambda row: STATUSES.index(row.status))
    count = config.simulation.replications
    watch.stage("strategies, with and without the records", 2 * len(strategies) * count)
    run = _ComparedMarkets(config, strategies, executor, watch)
    return EvidenceFindings(
        evidence=found, known=known, verdicts=run.verdicts(run.compared(assumed), run.compared(market)),
        failures=failures,
    )  # fmt: skip


class _ComparedMarkets:
    """The comparison of a study's strategies in one market and another."""

    def __init__(
        self, config: StudyConfig, strategies: Sequence[Strategy], executor: Executor, watch: Progress
    ) -> None:
        self.config, self.strategies, self._executor, self._watch = config, strategies, executor, watch

    def compared(self, market: Market) -> Comparison:
        """The strategies on a market."""
        experiment = experiment_for(
            self.config, market, self._executor, replications=self.config.simulation.replications,
            mechanisms=own_mechanisms(self.config), progress=self._watch.advance,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EpochWarning)  # the study itself says it
            return compare(experiment, self.strategies)

    def verdicts(self, before: Comparison, after: Comparison) -> VerdictsRecord:
        """What is said of each strategy in both."""
        config = self.config
        against = idle_strategy(config, before) or config.comparison.against
        metric, level = "npv" if config.data.has_amounts else "purchases", config.comparison.level
        tables = [_ranked(found.differences(metric, against=against, level=level)) for found in (before, after)]
        changed = []
        for name in tables[0].index:
            was, now = (_verdict(table.loc[name]) for table in tables)
            changed.append(ChangedVerdict(strategy=name, before=was, after=now, change=_change(was, now, against)))
        return VerdictsRecord(
            against=against, metric=metric, replications=config.simulation.replications, level=level,
            strategies=sorted(changed, key=lambda row: row.after.rank),
        )  # fmt: skip


def _ranked(differences: pd.DataFrame) -> pd.DataFrame:
    """The differences by strategy, with each one's place from the best."""
    rank = differences["mean"].rank(ascending=False, method="first").astype(int)
    return differences.assign(rank=rank).set_index("strategy")


def _verdict(row: Any) -> StrategyVerdict:
    says = reading(row["lower"], row["upper"])
    return StrategyVerdict(mean=row["mean"], lower=row["lower"], upper=row["upper"], says=says, rank=int(row["rank"]))


SAID = {
    "better": "earns more than {against}", "worse": "earns less than {against}",
    "undecided": "is not told from {against}",
}  # fmt: skip


def _change(before: StrategyVerdict, after: StrategyVerdict, against: str) -> str:
    """What is said of a strategy now and was not before; "" where nothing changes."""
    told = []
    if before.says != after.says:
        was, now = (SAID[verdict.says].format(against=against) for verdict in (before, after))
        told.append(f"{was} as assumed, {now} as measured")
    elif (before.mean > 0) != (after.mean > 0):
        told.append("the mean difference has another sign")
    if before.rank != after.rank:
        told.append(f"number {after.rank} in place of {before.rank}")
    return "; ".join(told)
