"""How bad it can get: the mean of the worst outcomes, and the value that they lie below.

Acerbi & Tasche (2002), "On the coherence of expected shortfall", Journal of Banking & Finance 26, 1487-1503: with n
outcomes in order, the mean of the worst share q counts whole outcomes and the part of one that q n leaves over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churnsim.checks import check_level, check_share, typed
from churnsim.decisions.comparison.paired import BOOTSTRAP_SAMPLES, BOOTSTRAP_SEED
from churnsim.errors import ConfigError
from churnsim.statistics import resample_indices
from churnsim.typing import Floats

LEAST_IN_TAIL = 5


@dataclass(frozen=True)
class TailRisk:
    """Of the worst `share` of outcomes: `mean` (conditional value at risk, in the outcome's own unit, so that a loss is
    negative) with its bootstrap interval, and `threshold`, the outcome below which they lie (value at risk)."""

    share: float
    mean: float
    lower: float
    upper: float
    threshold: float


@typed
def tail_risk(values: Floats, *, share: float = 0.05, level: float = 0.95) -> TailRisk:
    """The tail of one outcome a replication. Raises ConfigError where fewer than 5 replications lie in it.

    Examples
    --------
    >>> import numpy as np
    >>> risk = tail_risk(np.arange(100.0), share=0.1)
    >>> risk.mean, risk.threshold
    (4.5, 9.9)
    """
    check_share(share, "share")
    check_level(level)
    if values.size * share < LEAST_IN_TAIL:
        raise ConfigError(
            f"the worst {share:.3g} of {values.size} replications are fewer than {LEAST_IN_TAIL}. Run at least "
            f"{int(np.ceil(LEAST_IN_TAIL / share))}, or take a larger share."
        )
    generator = np.random.Generator(np.random.Philox(BOOTSTRAP_SEED))
    picks = resample_indices(values.size, resamples=BOOTSTRAP_SAMPLES, generator=generator)
    low, high = np.quantile(_tail_means(values[picks], share), [(1 - level) / 2, (1 + level) / 2])
    mean = float(_tail_means(values[None, :], share)[0])
    return TailRisk(share, mean, float(low), float(high), float(np.quantile(values, share)))


def _tail_means(values: Floats, share: float) -> Floats:
    """Means of the worst share of each row."""
    count = values.shape[1]
    weights = np.clip(share * count - np.arange(count), 0.0, 1.0)
    found: Floats = np.sort(values, axis=1) @ weights / (share * count)
    return found
