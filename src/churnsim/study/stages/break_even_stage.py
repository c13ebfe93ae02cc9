"""What each thing that the strategies do earns by itself, and what it would take to pay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np

from churnsim.decisions.assumptions.break_even import BreakEven, Curve, concerns
from churnsim.decisions.assumptions.levers import NOTHING, Lever, alone, label_of, levers_of
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.assumptions.variance_split import split_of
from churnsim.decisions.comparison.compare import Comparison
from churnsim.decisions.comparison.paired import skewed_interval
from churnsim.decisions.runs.experiment import Experiment
from churnsim.evidence.assumptions import assumptions
from churnsim.records.break_even import (
    Alone,
    BreakEvenRecord,
    BreakEvenRow,
    MechanismGain,
    VarianceRecord,
    VarianceShare,
)
from churnsim.records.run import ComparisonRecord
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import changed, number_at
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.earlier_runs import key_of, market_met, of_market
from churnsim.study.stages.market_stage import experiment_for
from churnsim.study.stages.score_files import scores_checksum
from churnsim.study.stages.what_if_stage import kept
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import OUTCOMES, RunStore, read_parquet, write_json
from churnsim.typing import Floats

METRICS = ("npv", "equity", "discounted_margin", "profit", "margin")
TURNED = {"above": "below", "below": "above"}
MOST_SPLIT = 100
"""Replications by which a variance is split, for want of a need for more digits."""
LEAST = 20
"""Replications that an interval needs; a study of fewer does not ask for it."""


def break_even_replications(config: StudyConfig) -> int:
    """How many replications each value gets: as asked, no more than the strategies have, 0 where there are too few."""
    asked = min(config.break_even.replications, config.simulation.replications)
    return asked if asked >= LEAST and config.data.has_amounts else 0


def mechanisms_alone(
    config: StudyConfig, strategies: Sequence[Strategy], unjudged: Mapping[str, str]
) -> list[tuple[str, Strategy, Strategy]]:
    """The mechanisms of the strategies in the running that can be judged, as `alone` gives them."""
    aside = {section.name for section in config.strategy if section.reference} | set(unjudged)
    return list(alone([strategy for strategy in strategies if strategy.name not in aside]))


def break_evens(
    config: StudyConfig,
    market: Market,
    mechanisms: Sequence[tuple[str, Strategy, Strategy]],
    *,
    pair: tuple[Strategy, Strategy] | None = None,
    store: RunStore,
    executor: Executor,
    edge: Callable[[str], AbstractContextManager[None]],
    done: Callable[[int], None],
) -> BreakEvenRecord:
    """Each mechanism alone against nothing, and where the spread of the difference of a `pair` of strategies comes
    from. What an interrupted run has finished is not done again; a failure of one ends inside `edge` of its name."""
    size, experiment = break_even_replications(config), experiment_for(config, market, executor)
    found, level = [], config.comparison.level
    bases: dict[str, Floats] = {}
    for mechanism, strategy, most in mechanisms:
        label = label_of(mechanism, strategy)
        with edge(label.replace("_", " ")):
            look = _Look(experiment, mechanism, strategy, most, size, level, bases)
            found.append(kept(store, part_of(label), Alone, look.record))
        done(1)
    variance = None
    if pair is not None:
        with edge("variance"):
            pairs = min(MOST_SPLIT, config.simulation.replications)
            own = _compared(store, experiment, pair, pairs)
            variance = kept(store, part_of("variance"), VarianceRecord, lambda: _split(experiment, pair, own, level))
        done(1)
    return BreakEvenRecord(level=level, replications=size, alone=found, variance=variance)


def part_of(label: str) -> str:
    """What a stored piece is called; a channel's name may be none for a file."""
    plain = label if label.isidentifier() else sha256(label.encode()).hexdigest()[:12]
    return "variance" if label == "variance" else f"break-even-{plain}"


def break_even_keys(
    config: StudyConfig, data_checksum: str, mechanisms: Sequence[tuple[str, Strategy, Strategy]],
    pair: tuple[Strategy, Strategy] | None,
) -> dict[str, str]:  # fmt: skip
    """For each mechanism, by its label, and for the "variance" of a `pair` a SHA-256 (hex) of all that it depends
    on."""
    scores = [scores_checksum(section, config.folder) for section in config.strategy]
    common = {**of_market(config), "checksum": data_checksum, "scores": scores, "level": config.comparison.level}

    def key(size: int, *strategies: Strategy, of: str = "") -> str:
        acting = {name for strategy in strategies for name in strategy.acting}
        met = {"market": market_met(config, acting), "strategies": list(map(repr, strategies)), "of": of}
        return key_of({**common, **met, "size": size})

    size = break_even_replications(config)
    found = {label_of(name, one): key(size, one, of=most.name) for name, one, most in mechanisms}
    if pair is not None:
        found["variance"] = key(min(MOST_SPLIT, config.simulation.replications), *pair)
    return found


def put_break_even(store: RunStore) -> Callable[[Any, str], bool]:
    """Takes a piece of another run's break_even.json among the parts of this one."""

    def put(content: Any, label: str) -> bool:
        rows = {row["mechanism"]: row for row in content["alone"]} | {"variance": content.get("variance")}
        path = store.part("what_if", f"{part_of(label)}.json")
        if rows.get(label) is None or path.exists():
            return False
        write_json(path, rows[label])
        return True

    return put


def most_promising(comparison: ComparisonRecord, strategies: Sequence[Strategy]) -> tuple[Strategy, Strategy] | None:
    """Of the strategies in the running the one that earns most, and the one that does nothing, else the one that all
    are compared with; None where there are no two."""
    named = {strategy.name: strategy for strategy in strategies}
    rows = comparison.against_nothing or comparison.metrics["npv"].differences
    running = {row.strategy for row in comparison.best} - {comparison.nothing}
    found = [row for row in rows if row.strategy in running and {row.strategy, row.against} <= set(named)]
    best = max(found, key=lambda row: row.mean, default=None)
    return (named[best.strategy], named[best.against]) if best else None


def _compared(store: RunStore, experiment: Experiment, pair: tuple[Strategy, Strategy], size: int) -> Floats:
    """The difference of a pair by replication, from the outcomes of the strategies."""
    outcomes, names = read_parquet(store.directory / OUTCOMES), [strategy.name for strategy in pair]
    own = outcomes[outcomes["strategy"].isin(names) & (outcomes["replication"] < size)]
    compared = Comparison.from_outcomes(
        own, market=experiment.market, period=experiment.durations.period, seed=experiment.seed
    )
    values = compared.values("npv")
    return np.asarray(values[names[0]] - values[names[1]])


def _split(experiment: Experiment, pair: tuple[Strategy, Strategy], own: Floats, level: float) -> VarianceRecord:
    one, other = pair
    found = split_of(experiment, pair, Quantity(of=one.name, against=other.name), level=level, own=own)
    shares = {
        name: VarianceShare(mean=share[0], lower=share[1], upper=share[2])
        for name, share in (
            ("chance", found.chance), ("estimation", found.estimation), ("beliefs", found.beliefs)
        )
    }  # fmt: skip
    return VarianceRecord(strategy=one.name, against=other.name, sd=found.sd, replications=own.size, **shares)


class _Look:
    """One mechanism by itself, on one market."""

    def __init__(
        self,
        experiment: Experiment,
        mechanism: str,
        strategy: Strategy,
        most: Strategy,
        replications: int,
        level: float,
        bases: dict[str, Floats],
    ) -> None:
        self.experiment, self.mechanism, self.strategy, self.most = experiment, mechanism, strategy, most
        self.replications, self.level, self.bases = replications, level, bases
        self.told = assumptions(experiment.market, [strategy]).set_index("parameter")

    def record(self) -> Alone:
        """What it earns, and where each of its numbers makes it break even over the horizon and for ever."""
        rows, at_best, price = [], None, 0.0
        for lever in levers_of(self.mechanism, self.strategy):
            curve = self._curve(lever)
            gain, price = self._gain(curve.at(curve.value))
            best = lever.at_best(self.experiment.market)
            if best:
                at_best, _ = self._gain(curve.elsewhere(best))
            rows += [self._row(lever, metric, curve.zero(metric)) for metric in ("npv", "equity")]
        return Alone(
            mechanism=label_of(self.mechanism, self.strategy), strategy=self.most.name,
            budget=price, gain=gain, at_best=at_best, rows=rows,
        )  # fmt: skip

    def _curve(self, lever: Lever) -> Curve:
        address = lever.address_in(self.strategy, self.mechanism)
        between = lever.between(number_at(self.experiment.market, [self.strategy], address))
        experiment = self.experiment
        if lever.beside:  # as they are, not as each replication draws them
            values = {name: number_at(experiment.market, (), name) for name in lever.beside}
            experiment = replace(experiment, market=changed(experiment.market, (), values)[0])
        apart = any(concerns(experiment.market, NOTHING, name) for name in lever.beside)
        return Curve.of(
            experiment, [self.strategy, NOTHING], of=self.strategy.name, against=NOTHING.name, address=address,
            metrics=METRICS, between=between, replications=self.replications, level=self.level,
            linear=lever.paid, bases=None if apart else self.bases,
        )  # fmt: skip

    def _gain(self, differences: Floats) -> tuple[MechanismGain, float]:
        """With its price a period: what is planned, or what it costs where that is less or nothing is planned. It is
        worth the price at which it would break even, all other costs as they are."""
        profit, _, brought, undiscounted, margin = differences
        found, cost = skewed_interval(profit, level=self.level), float((brought - profit).mean())
        clock = self.experiment.durations
        spent = float((margin - undiscounted).mean()) / round(clock.horizon / clock.period)
        price = min(self.strategy.budget_per_period or np.inf, max(spent, 0.0))
        # A present value a period: as the costs are to theirs.
        worth = price + found.mean * spent / cost if cost > 0 and spent > 0 else 0.0
        return MechanismGain(mean=found.mean, lower=found.lower, upper=found.upper, worth=worth), price

    def _row(self, lever: Lever, metric: str, found: BreakEven) -> BreakEvenRow:
        def told(value: float) -> float:
            return lever.told(self.experiment.market, self.strategy, value)

        def plain(value: float | None) -> float | None:
            return None if value is None else told(value)

        about = self.told.loc[
            found.address.replace(f"strategy.{self.strategy.name}.", f"{self.strategy.name}: ")
        ].to_dict()
        low, high = sorted(map(told, found.between))
        known = sorted(told(about[end]) for end in ("low", "high")) if about["low"] < about["high"] else [None, None]
        ends, pays = (found.lower, found.upper), str(found.pays)
        if lever.falls:
            ends, pays = ends[::-1], TURNED.get(pays, pays)
        return BreakEvenRow(
            lever=lever.name, address=lever.address, share=lever.share, metric=metric, status=str(about["status"]),
            source=str(about["source"]), pays=pays, value=told(found.value),
            at=plain(found.at), lower=plain(ends[0]), upper=plain(ends[1]), low=low, high=high, sure=found.sure,
            value_low=known[0], value_high=known[1],
        )  # fmt: skip
