"""Does the calibrated model foresee the holdout? Counts, the cumulative track, and a replay of the customers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from churnsim.data.logs.days import iso_day
from churnsim.data.summaries.calendar import first_days
from churnsim.decisions.comparison.replay import Replay, replay
from churnsim.models.evaluation.validation import frequency_calibration, holdout_by_frequency, tracking
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.series_model import SeriesModel
from churnsim.records.notices import StudyWarning
from churnsim.records.run import (
    FrequencyRow,
    Holdout,
    ReplayRecord,
    SimulatedMean,
    SpeedRow,
    TrackingRow,
    ValidationRecord,
)
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.config import ValidationSection
from churnsim.study.stages.data_stage import StudyData
from churnsim.study.stages.fit_stage import StudyFits
from churnsim.study.stages.market_stage import spend_of, with_amounts
from churnsim.study.storage.executor import Executor

# Draws behind the replay with parameter uncertainty come from a seed of their own, apart from the studied market's.
DRAW_SEED_OFFSET = 2


def validate(
    data: StudyData, fits: StudyFits, section: ValidationSection, *, seed: int, executor: Executor, ahead: float = 0.0
) -> ValidationRecord:
    """Predictions against the holdout. The replay runs twice: at the estimates, and with their estimation error. How
    fast customers buy by a calendar or series is told as far as the study looks `ahead`, in days.

    Only purchases of the calibration period, and the model fitted to them, enter what is compared with the holdout.
    """
    model = fits.purchases_calibration.model
    until, end = data.calibration_end.isoformat(), data.holdout_end.isoformat()
    span: dict[str, Any] = {"until": until, "holdout_until": end, "customers": data.split}
    tracked = tracking(model, data.transactions, **span)
    season: dict[str, Any] = {}
    if isinstance(fits.purchases_calibration, CalendarFit):
        plain = tracking(fits.purchases_calibration.plain.model, data.transactions, **span)
        tracked["plain"] = plain["expected"].to_numpy()
        season = {"season": _season(fits.purchases.model, data, ahead)}
    return ValidationRecord(
        calibration_end=until,
        holdout_end=end,
        unit=data.unit,
        frequency=FrequencyRow.of_frame(frequency_calibration(model, data.split)),
        holdout_by_frequency=Holdout.of_frame(holdout_by_frequency(model, data.split)),
        tracking=TrackingRow.of_frame(tracked),
        replay=_replays(data, fits, section, seed=seed, executor=executor),
        **season,
    )


def _season(model: Any, data: StudyData, ahead: float) -> list[SpeedRow]:
    """The buying clock's mean speed in each week of the data and so many days `ahead`; of customers with series of
    their own the mean over those there are."""
    first = iso_day(int(first_days(data.summary).min()) + 1)
    last = (data.holdout_end + timedelta(days=math.ceil(ahead))).isoformat()
    speed: Any = model.mean_speed(data.summary, last) if isinstance(model, SeriesModel) else model.speed(first, last)
    weeks = speed.resample("W").mean()
    return [SpeedRow(date=day.date().isoformat(), speed=speed) for day, speed in weeks.items()]


def validation_warnings(validation: ValidationRecord | None) -> Iterator[StudyWarning]:
    """That the holdout was missed, and by how much of it."""
    replay = validation.replay if validation else None
    if replay is None or replay.covered or replay.mean <= 0:
        return
    ratio = replay.actual / replay.mean
    message = (
        f"the customers made {replay.actual:,.0f} purchases in the holdout, {abs(ratio - 1):.0%} "
        f"{'more' if ratio > 1 else 'fewer'} than the forecast of {replay.mean:,.0f} (interval {replay.lower:,.0f} to "
        f"{replay.upper:,.0f}): values and strategies may be off by as much, and their intervals do not all say so."
    )
    figures = {"actual": replay.actual, "forecast": replay.mean, "ratio": ratio}
    yield StudyWarning(stage="validation", code="holdout missed", message=message, figures=figures)


def _replays(
    data: StudyData, fits: StudyFits, section: ValidationSection, *, seed: int, executor: Executor
) -> ReplayRecord:
    """Spend plays no part in how often customers buy, so the spend model of the whole log does no harm here."""
    purchases, spend = fits.purchases_calibration, spend_of(fits)
    split = with_amounts(data.split)
    fixed = Market(customers=PosteriorBase(split), purchases=purchases.model, spend=spend)
    drawn = purchases.draw_parameters(section.replications, seed=seed + DRAW_SEED_OFFSET)
    uncertain = replace(fixed, draws=tuple((model, spend) for model in drawn))
    settings: dict[str, Any] = {
        "replications": section.replications,
        "level": section.level,
        "seed": seed,
        "workers": executor.workers,
        "backend": executor.backend,
    }
    at_estimates, with_error = (replay(market, split, **settings) for market in (fixed, uncertain))
    return ReplayRecord.of(
        at_estimates,
        miss=abs(at_estimates.miss),
        note=_note(at_estimates),
        with_parameter_uncertainty=SimulatedMean.of(with_error, miss=abs(with_error.miss)),
    )


def _note(outcome: Replay) -> str:
    if outcome.covered:
        return "The actual number lies within the interval."
    side = "more" if outcome.actual > outcome.upper else "fewer"
    return f"The customers made {abs(outcome.miss):,.0f} {side} purchases than the interval allows."
