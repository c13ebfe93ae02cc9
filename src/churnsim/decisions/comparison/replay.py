"""Replaying the holdout: does the simulated base buy as often as the real one then did?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_level, typed
from churnsim.decisions.comparison.compare import compare
from churnsim.decisions.runs.experiment import RunArguments
from churnsim.models.evaluation.holdout_scores import held_out
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.statistics import student_quantile


@dataclass(frozen=True)
class Replay:
    """Held-out purchases of the whole base, actual and simulated.

    `lower, upper` is the prediction interval for one outcome: where the actual count falls with probability `level`
    if the model is true, and, unless `parameter_uncertainty`, its estimates too (normal over replications). `miss`
    is how far the actual count lies outside it, 0 when covered.

    Attributes
    ----------
    actual : int
        Held-out purchases of the whole base.
    mean, sd : float
        Of the simulated purchases over replications.
    lower, upper : float
        Prediction interval of one outcome.
    level : float
        Of the interval.
    replications : int
        Runs.
    parameter_uncertainty : bool
        Whether each replication had its own draw of the parameters.
    """

    actual: int
    mean: float
    sd: float
    lower: float
    upper: float
    level: float
    replications: int
    parameter_uncertainty: bool

    @property
    def covered(self) -> bool:
        """Whether the interval holds the actual count."""
        return self.lower <= self.actual <= self.upper

    @property
    def miss(self) -> float:
        """Purchases between the actual count and the nearer end of the interval; negative when the model predicts
        too many."""
        return self.actual - float(np.clip(self.actual, self.lower, self.upper))


@typed
def replay(
    market: Market,
    split: pd.DataFrame,
    *,
    level: float = 0.95,
    **run: Unpack[RunArguments],
) -> Replay:
    """Run the base of `split` (from `churnsim.split_holdout`) through its holdout with no strategy and count the
    purchases.

    The models are the market's, which must have been fitted to the calibration alone; its customers are replaced by
    those of `split`. Raises DataError for a frame without a holdout and ConfigError for fewer than 2 replications.

    Examples
    --------
    >>> import churnsim as cs
    >>> split = cs.split_holdout(cs.datasets.cdnow(), until="1997-09-30", holdout_until="1998-06-30")
    >>> market = cs.Market(
    ...     customers=cs.PosteriorBase(split), purchases=cs.BGNBD.fit(split).model, spend=cs.GammaGamma.fit(split).model
    ... )
    >>> result = replay(market, split, replications=5, seed=1)
    >>> result.actual, bool(result.lower < result.mean < result.upper)
    (1882, True)
    """
    came, ahead = held_out(split)
    arguments: RunArguments = {"replications": 100, "seed": 1, **run}
    replications = check_count(arguments["replications"], "replications", least=2)
    check_level(level)
    span = float(ahead.max())
    calibrated = replace(market, customers=PosteriorBase(split))
    whole: RunArguments = {**arguments, "horizon": span, "period": span, "epoch": span}
    outcome = compare(calibrated, [Strategy(name="as it was")], **whole)
    counts = outcome.values("purchases").to_numpy(dtype=np.float64).ravel()
    sd = float(counts.std(ddof=1))
    half = float(student_quantile((1 + level) / 2, counts.size - 1)) * sd * math.sqrt(1 + 1 / counts.size)
    mean = float(counts.mean())
    return Replay(
        actual=int(came.sum()),
        mean=mean,
        sd=sd,
        lower=max(mean - half, 0.0),
        upper=mean + half,
        level=level,
        replications=replications,
        parameter_uncertainty=bool(market.draws),
    )
