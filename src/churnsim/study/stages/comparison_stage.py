"""The strategies side by side: levels, paired differences, what was spent, and the path through time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnsim.decisions.assumptions.influence import LEAST, drawn_numbers, shares_of_variance
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.comparison.compare import Comparison
from churnsim.decisions.comparison.precision import next_size
from churnsim.decisions.comparison.selection import Selection, select_from
from churnsim.records.base import rows
from churnsim.records.run import (
    Account,
    Activity,
    AssumptionRecord,
    Chance,
    ComparisonRecord,
    Difference,
    Level,
    Metric,
    PathRow,
)
from churnsim.records.what_if import PrecisionRecord, SelectionRecord
from churnsim.simulation.engine.ledger import COSTS
from churnsim.simulation.scenario.market import Market
from churnsim.statistics import student_quantile
from churnsim.study.config.config import StudyConfig
from churnsim.units import units_per_year

# While a selection is open this many more are run at a time: a half again.
GROWTH = 1.5


def wanted_replications(config: StudyConfig, comparison: Comparison, size: int) -> int:
    """How many replications there should be after `size`; `size` itself when precision and selection are content or
    their budgets spent."""
    wanted = size
    if config.precision and len(comparison.strategies) > 1:
        asked = config.precision
        half = _half_width(config, comparison)
        wanted = next_size(size, half_width=half, wanted=asked.half_width, most=max(size, asked.max_replications))
    if _selected_among(config, comparison) and _selection(config, comparison).chosen is None:
        assert config.selection is not None
        wanted = max(wanted, min(int(size * GROWTH) + 1, config.selection.max_replications))
    return wanted


def precision_reached(config: StudyConfig, comparison: Comparison) -> PrecisionRecord | None:
    """What comparison.json says of the precision asked for; None where none was."""
    if not config.precision or len(comparison.strategies) < 2:
        return None
    half, asked = _half_width(config, comparison), config.precision
    return PrecisionRecord(**asked.model_dump(), reached_half_width=half, reached=half <= asked.half_width)


def selection_reached(config: StudyConfig, comparison: Comparison) -> SelectionRecord | None:
    """What comparison.json says of the selection asked for; None where none was."""
    if not _selected_among(config, comparison):
        return None
    assert config.selection is not None
    found = _selection(config, comparison)
    return SelectionRecord.of(config.selection, found, table=rows(found.table.astype({"eliminated_at": "float64"})))


def _half_width(config: StudyConfig, comparison: Comparison) -> float:
    assert config.precision is not None
    section = config.comparison
    return comparison.half_width(config.precision.metric, against=section.against, level=section.level)


def _selected_among(config: StudyConfig, comparison: Comparison) -> list[str]:
    """The strategies in the running that could be judged; none where there is nothing to choose."""
    running = [s.name for s in config.strategy if not s.reference and s.name in comparison.strategies]
    return running if config.selection and len(running) > 1 else []


def _selection(config: StudyConfig, comparison: Comparison) -> Selection:
    """Among the strategies in the running: a reference is compared, but cannot be chosen."""
    asked = config.selection
    assert asked is not None
    return select_from(
        comparison.values(asked.metric)[_selected_among(config, comparison)],
        indifference=asked.indifference,
        metric=asked.metric,
        level=asked.level,
        first_stage=asked.first_stage,
        spent="the budget of replications is spent",
    )


METRICS = ("npv", "equity", "profit", "margin", "revenue", "purchases", "births", "active_end")
ACTIVITY = (
    "births_paid", "births_referred", "contacts", "renewal_offers", "cross_selling_contacts", "win_back_contacts",
    "returns", "failures", "complaints", "replies_quick", "replies_slow", "replies_unresolved", "losses_dismissed",
)  # fmt: skip
"""What happens under a strategy and is counted: the ledger's names."""
MEMBERS = "members"
CENTS = 100

COUNTS = ("purchases", "births", "active_end")
"""The metrics that need no amounts."""


def compare_strategies(comparison: Comparison, config: StudyConfig) -> ComparisonRecord:
    """The strategies side by side. Money is in currency units; a path's profit is cumulative, not discounted.

    Of a log without amounts the metrics in money are empty, and so are spending and path.
    """
    section, nothing, force = config.comparison, idle_strategy(config, comparison), comparison.discount_force
    rates = np.expm1(force * units_per_year(config.data.unit)) if isinstance(force, np.ndarray) else np.empty(0)
    found = ComparisonRecord(
        against=section.against,
        nothing=nothing,
        against_nothing=_differences(comparison, "npv", nothing, section.level),
        against_nothing_later=_differences(comparison, "equity", nothing, section.level),
        best=_best(config, comparison),
        level=section.level,
        replications=int(comparison.outcomes["replication"].nunique()),
        annual_discount_rates=[float(rate) for rate in rates],
        metrics={
            metric: Metric(
                levels=Level.of_frame(comparison.levels(metric, level=section.level)),
                differences=_differences(comparison, metric, section.against, section.level),
            )
            for metric in METRICS
        },
        spending=_spending(comparison),
        activity=_activity(comparison),
        path=PathRow.of_frame(_path(comparison, section.level)),
        precision=precision_reached(config, comparison),
        selection=selection_reached(config, comparison),
    )
    if config.data.has_amounts:
        return found
    counts = {metric: found.metrics[metric] for metric in COUNTS}
    empty = no_comparison(config)
    return empty.model_copy(update={"metrics": {**empty.metrics, **counts}, "replications": found.replications})


def _differences(comparison: Comparison, metric: str, against: str | None, level: float) -> list[Difference]:
    return Difference.of_frame(comparison.differences(metric, against=against, level=level)) if against else []


def with_shares(
    rows: list[AssumptionRecord], comparison: Comparison, config: StudyConfig, market: Market
) -> list[AssumptionRecord]:
    """The assumptions with how much the answer depends on each that replications draw: the difference in net present
    value (of a log without amounts in purchases) between the strategy that is ahead of the others and spending nothing,
    or else the one that all are compared with. Without enough replications no share is told."""
    against = idle_strategy(config, comparison) or config.comparison.against
    metric = "npv" if config.data.has_amounts else "purchases"
    values = comparison.values(metric)
    running = {section.name for section in config.strategy if not section.reference}
    others = [name for name in comparison.strategies if name in running and name != against]
    if len(values) < LEAST or against not in values or not others:
        return rows
    ahead = str(values[others].mean().idxmax())
    shares = shares_of_variance(
        values[ahead] - values[against], drawn_numbers(market, len(values), seed=config.seed)
    ).to_dict()
    quantity = str(Quantity(of=ahead, metric=metric, against=against))
    return [
        row.model_copy(update={"share": shares[row.parameter], "answer": quantity}) if row.parameter in shares else row
        for row in rows
    ]


def _best(config: StudyConfig, comparison: Comparison) -> list[Chance]:
    """How surely each strategy in the running is best; spending nothing is always a candidate."""
    running = {section.name for section in config.strategy if not section.reference} | set(idle_strategies(config))
    among = [name for name in comparison.strategies if name in running]
    return Chance.of_frame(comparison.best(among=among, level=config.comparison.level))


def idle_strategies(config: StudyConfig) -> list[str]:
    """The strategies that neither spend nor do anything."""
    return [
        section.name
        for section in config.strategy
        if section.mechanisms is None and all(map(_spends_nothing, section.tables.values()))
    ]


def idle_strategy(config: StudyConfig, comparison: Comparison) -> str | None:
    """The first of them, unless one is what all are compared with."""
    compared = [name for name in idle_strategies(config) if name in comparison.strategies]
    return None if not compared or config.comparison.against in compared else compared[0]


def _spends_nothing(table: Any) -> bool:
    """Whether a mechanism's table is a budget of 0."""
    budgets = [getattr(table, name, None) for name in ("budget_per_period", "budget_share")]
    return any(budget == 0 for budget in budgets) and not any(budgets)


def no_comparison(config: StudyConfig) -> ComparisonRecord:
    """What is stored where no strategy could be simulated."""
    nothing = {metric: Metric(levels=[], differences=[]) for metric in METRICS}
    section = config.comparison
    return ComparisonRecord(
        against=section.against, level=section.level, replications=0, metrics=nothing, spending=[], path=[]
    )


def _spending(comparison: Comparison) -> list[Account]:
    """Mean spending over the horizon by strategy and account; accounts that no strategy uses are left out."""
    means = {account: comparison.values(account).mean() for account in COSTS}
    used = [account for account in COSTS if (means[account] > 0).any()]
    return [
        Account(strategy=strategy, account=account, mean=float(means[account][strategy]))
        for strategy in comparison.strategies
        for account in used
    ]


def _activity(comparison: Comparison) -> list[Activity]:
    """Mean counts over the horizon by strategy, and paying members as a mean over the periods; what never happens is
    left out."""
    means = {what: comparison.values(what).mean() for what in ACTIVITY}
    means[MEMBERS] = comparison.outcomes.groupby("strategy")[MEMBERS].mean()
    return [
        Activity(strategy=strategy, what=what, mean=float(by_strategy[strategy]))
        for strategy in comparison.strategies
        for what, by_strategy in means.items()
        if (by_strategy > 0).any()
    ]


def _path(comparison: Comparison, level: float) -> pd.DataFrame:
    """Per strategy and period (from 1, at its end): active customers and cumulative profit, with t intervals of the
    mean over replications."""
    frame = comparison.outcomes
    profit = (frame["margin"] - frame[list(COSTS)].sum(axis=1)) / CENTS
    path = frame[["strategy", "replication", "period"]].assign(active=frame["active_end"].astype(float), profit=profit)
    path["profit"] = path.groupby(["strategy", "replication"], sort=False)["profit"].cumsum()
    count = int(frame["replication"].nunique())
    reach = float(student_quantile((1 + level) / 2, count - 1)) / np.sqrt(count)
    grouped = path.groupby(["strategy", "period"], sort=False)[["active", "profit"]]
    mean, half = grouped.mean(), grouped.std(ddof=1) * reach
    table = pd.DataFrame({"period": mean.index.get_level_values("period") + 1}, index=mean.index)
    table.insert(0, "strategy", mean.index.get_level_values("strategy"))
    for name in ("active", "profit"):
        table[f"{name}_mean"] = mean[name]
        table[f"{name}_lower"] = mean[name] - half[name]
        table[f"{name}_upper"] = mean[name] + half[name]
    return table.reset_index(drop=True)
