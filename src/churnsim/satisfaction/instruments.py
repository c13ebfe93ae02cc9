"""Every instrument by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from churnsim.checks import typed
from churnsim.errors import ConfigError
from churnsim.satisfaction.acsi import acsi
from churnsim.satisfaction.gaps import benchmark_gaps, five_gaps
from churnsim.satisfaction.importance import importance_performance
from churnsim.satisfaction.kano import kano
from churnsim.satisfaction.measurement import Measurement
from churnsim.satisfaction.penalty_reward import penalty_reward
from churnsim.satisfaction.servqual import servperf, servqual
from churnsim.satisfaction.structural_fit import path_model
from churnsim.satisfaction.survey import Scale, Survey
from churnsim.satisfaction.value import customer_value_ratio

INSTRUMENTS: Mapping[str, Callable[..., Measurement]] = {
    "servqual": servqual,
    "servperf": servperf,
    "gaps": five_gaps,
    "benchmark": benchmark_gaps,
    "acsi": acsi,
    "paths": path_model,
    "kano": kano,
    "penalty-reward": penalty_reward,
    "importance": importance_performance,
    "value": customer_value_ratio,
}
SCALES: Mapping[str, tuple[Scale, Mapping[str, Scale]]] = {
    "acsi": ((1, 10), {}),
    "paths": ((1, 10), {}),
    "kano": ((1, 5), {}),
    "servqual": ((1, 7), {"importance": (0, 100)}),
    "servperf": ((1, 7), {"importance": (0, 100)}),
    "penalty-reward": ((1, 10), {}),
}
"""The scale an instrument is asked on by default, and where one kind of answer has its own; 1 to 7 for the others."""


@typed
def measure(
    survey: Survey, instrument: str, *, level: float = 0.95, resamples: int | None = None, seed: int = 0
) -> Measurement:
    """Apply an instrument by name. ConfigError for an unknown one.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_kano
    >>> round(measure(synthetic_kano(100, seed=1).survey, "kano", resamples=100).estimate("better: arrives intact"), 2)
    0.2
    """
    if instrument not in INSTRUMENTS:
        raise ConfigError(f"there is no instrument {instrument!r}. Use one of {', '.join(INSTRUMENTS)}.")
    chosen = {} if resamples is None else {"resamples": resamples}
    return INSTRUMENTS[instrument](survey, level=level, seed=seed, **chosen)
