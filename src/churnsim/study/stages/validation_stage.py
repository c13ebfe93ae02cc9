"""Does the calibrated model foresee the holdout? Counts, the cumulative track, and a replay of the customers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from churnsim.decisions.comparison.replay import Replay, replay
from churnsim.models.evaluation.validation import frequency_calibration, holdout_by_frequency, tracking
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.config import ValidationSection
from churnsim.study.stages.data_stage import StudyData
from churnsim.study.stages.fit_stage import StudyFits
from churnsim.study.storage.executor import Crew
from churnsim.study.storage.store import rows

__all__ = ["validate"]

# Draws behind the replay with parameter uncertainty come from a seed of their own, apart from the studied market's.
DRAW_SEED_OFFSET = 2


def validate(data: StudyData, fits: StudyFits, section: ValidationSection, *, seed: int, crew: Crew) -> dict[str, Any]:
    """The content of validation.json. The replay runs twice: at the estimates, and with their estimation error.

    Only purchases of the calibration period, and the model fitted to them, enter what is compared with the holdout.
    """
    model = fits.purchases_calibration.model
    until, end = data.calibration_end.isoformat(), data.holdout_end.isoformat()
    return {
        "calibration_end": until,
        "holdout_end": end,
        "unit": data.unit,
        "frequency": rows(frequency_calibration(model, data.split)),
        "holdout_by_frequency": rows(holdout_by_frequency(model, data.split)),
        "tracking": rows(tracking(model, data.transactions, until=until, holdout_until=end, customers=data.split)),
        "replay": _replays(data, fits, section, seed=seed, crew=crew),
    }


def _replays(data: StudyData, fits: StudyFits, section: ValidationSection, *, seed: int, crew: Crew) -> dict[str, Any]:
    """Spend plays no part in how often customers buy, so the spend model of the whole log does no harm here."""
    purchases, spend = fits.purchases_calibration, fits.spend.model
    fixed = Market(customers=PosteriorBase(data.split), purchases=purchases.model, spend=spend)
    drawn = purchases.draw_parameters(section.replications, seed=seed + DRAW_SEED_OFFSET)
    uncertain = replace(fixed, draws=tuple((model, spend) for model in drawn))
    settings: dict[str, Any] = {
        "replications": section.replications,
        "level": section.level,
        "seed": seed,
        "workers": crew.workers,
        "backend": crew.backend,
    }
    at_estimates, with_error = (replay(market, data.split, **settings) for market in (fixed, uncertain))
    return {
        "actual": at_estimates.actual,
        **_interval(at_estimates),
        "level": section.level,
        "replications": section.replications,
        "note": _note(at_estimates),
        "with_parameter_uncertainty": _interval(with_error),
    }


def _interval(outcome: Replay) -> dict[str, Any]:
    """`miss` as a distance: the note says to which side."""
    return {
        "mean": outcome.mean,
        "lower": outcome.lower,
        "upper": outcome.upper,
        "covered": outcome.covered,
        "miss": abs(outcome.miss),
    }


def _note(outcome: Replay) -> str:
    if outcome.covered:
        return "The actual number lies within the interval."
    side = "more" if outcome.actual > outcome.upper else "fewer"
    return f"The customers made {abs(outcome.miss):,.0f} {side} purchases than the interval allows."
