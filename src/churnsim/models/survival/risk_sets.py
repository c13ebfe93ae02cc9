"""Breslow's baseline of a Cox model at any coefficients, and drawn from what the data leave open about it.

At each time of loss t of a stratum, with d(t) losses and R(t) those at risk, the baseline's hazard is d(t) over the sum
of e^(z b) over R(t) (Breslow 1972). Given the coefficients its steps are independent, with variance d/(sum)^2: a step
times Gamma(d, rate d) has that mean and variance and stays above 0. Drawn with b, the two add up to the variance of
Tsiatis (1981, Annals of Statistics 9, 93-108).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churnsim.models.survival.regression import Baseline

__all__ = ["TAIL_SHARE", "RiskSets"]

Floats = NDArray[np.float64]

# Share of the observed time at whose mean hazard the baseline goes on beyond the last time (assumed).
TAIL_SHARE = 1 / 6


@dataclass(frozen=True, eq=False)
class RiskSets:
    """The customers a Cox model was fitted to: covariates less their means (customers, columns), tenure, whether it
    ended, the tenure at which they came under observation, and their stratum."""

    centred: Floats
    tenure: Floats
    churned: NDArray[np.bool_]
    entry: Floats
    stratum: NDArray[np.str_]

    def baselines(self, coefficients: Floats, random: np.random.Generator | None = None) -> dict[str, Baseline]:
        """The baseline of each stratum at these coefficients; with `random` one drawn about it."""
        weight, last = np.exp(self.centred @ coefficients), float(self.tenure.max())
        words = np.unique(self.stratum)
        return {str(word): self._baseline(self.stratum == word, weight, last, random) for word in words}

    def _baseline(
        self, rows: NDArray[np.bool_], weight: Floats, last: float, random: np.random.Generator | None
    ) -> Baseline:
        tenure, entry, of = self.tenure[rows], self.entry[rows], weight[rows]
        times, losses = np.unique(tenure[self.churned[rows]], return_counts=True)
        # Those at risk at t: there at t or longer, less those who came under observation at t or later.
        at_risk = _sum_from(tenure, of, times) - np.where(entry.any(), _sum_from(entry, of, times), 0.0)
        steps = losses / at_risk
        if random is not None:
            steps = steps * random.gamma(losses) / losses
        tail = float(steps[times > last * (1 - TAIL_SHARE)].sum() / (last * TAIL_SHARE))
        return Baseline(tuple(times.tolist()), tuple(np.cumsum(steps).tolist()), tail)


def _sum_from(ages: Floats, weight: Floats, times: Floats) -> Floats:
    """Sum of the weights of those with an age of t or more, for each t."""
    order = np.argsort(ages)
    from_here = np.concatenate([np.cumsum(weight[order][::-1])[::-1], [0.0]])
    return np.asarray(from_here[np.searchsorted(ages[order], times, side="left")])
