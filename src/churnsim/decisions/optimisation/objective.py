"""What is to be as large as can be: a mean over replications of one score each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from churnsim.typing import Floats

Kind = Literal["mean", "cvar", "chance"]


@dataclass(frozen=True)
class Objective:
    """Scores whose mean over replications is the objective.

    "mean": the outcomes themselves. "cvar": the mean of the worst `share` of them as Rockafellar & Uryasev (2000,
    Journal of Risk 2, 21-41) write it, t - (t - outcome)+ / share, where t is the outcome below which that share lies;
    with another t the mean is smaller. "chance": 1 where the outcome is above that of spending nothing, 1/2 where they
    are equal, so that spending nothing has 1/2 itself.
    """

    kind: Kind = "mean"
    share: float = 0.05

    def scores(self, values: Floats, nothing: Floats, thresholds: Floats | None = None) -> Floats:
        """Scores of outcomes by point and replication; `nothing` has the outcomes of spending nothing. The t of each
        point are its `thresholds`, by default of these outcomes."""
        if self.kind == "chance":
            return np.where(values == nothing, 0.5, (values > nothing).astype(np.float64))
        if self.kind == "mean":
            return values
        t = (self.thresholds(values) if thresholds is None else thresholds)[:, None]
        found: Floats = t - np.maximum(t - values, 0.0) / self.share
        return found

    def thresholds(self, values: Floats) -> Floats:
        """The t of each point (row) at which the mean score is the mean of its worst share of outcomes."""
        place = max(int(np.ceil(self.share * values.shape[1] - 1e-9)), 1) - 1
        found: Floats = np.partition(values, place, axis=1)[:, place]
        return found
