"""What a trial is designed on: the customers, market and strategy of a study, without running the study."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta

from churnsim.decisions.runs.experiment import Experiment
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.evidence_stage import measured_market
from churnsim.study.stages.kind import stages_of
from churnsim.study.stages.market_stage import build_strategies, experiment_for, own_mechanisms
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.progress import Progress


@dataclass(frozen=True, kw_only=True)
class TrialGround:
    """The experiment and strategies of a study, whether its purchases have amounts, and the day after its last."""

    experiment: Experiment
    strategies: tuple[Strategy, ...]
    has_amounts: bool
    next_day: date

    def strategy(self, name: str | None) -> Strategy:
        """The strategy of that name, or the only one that does anything. Raises ConfigError where there is none, or a
        name is needed."""
        named = {each.name: each for each in self.strategies}
        acting = [each for each in self.strategies if each.parts]
        if name is None and len(acting) == 1:
            return acting[0]
        if name not in named:
            what = "say which strategy the treated are under" if name is None else f"there is no strategy {name!r}"
            raise ConfigError(f"{what}: strategy= one of {', '.join(each.name for each in acting)}.")
        return named[name]


def trial_ground(config: StudyConfig, *, workers: int, progress: Progress) -> TrialGround:
    """Load, fit and measure what a study has, as its run would but for [evidence.targets]. Raises ConfigError for a
    study of subscribers, and what fitting and measuring raise."""
    if not hasattr(config.data, "has_amounts") or not hasattr(config.data, "calibration_end"):
        raise ConfigError("a trial is read from purchases: the study must be one of purchases, with calibration_end.")
    stages, executor = stages_of(config), Executor(workers=workers)
    progress.stage("data")
    data = stages.load(config)
    progress.stage("models")
    fits = stages.fit(config, data)
    market = stages.market(config, data, fits)
    strategies = build_strategies(config, stages.customers(data), stages.scores(data, fits))
    if config.evidence is not None:
        # Calibration to what is known in sums takes minutes, and a trial hardly needs it.
        records = config.model_copy(update={"evidence": config.evidence.model_copy(update={"targets": None})})
        market, _ = measured_market(
            records, data, fits, market, strategies=strategies, executor=executor,
            edge=lambda _: nullcontext(), watch=progress,
        )  # fmt: skip
    experiment = experiment_for(config, market, executor, mechanisms=own_mechanisms(config), progress=progress.advance)
    return TrialGround(
        experiment=experiment, strategies=strategies, has_amounts=config.data.has_amounts,
        next_day=data.holdout_end + timedelta(days=1),
    )  # fmt: skip
