"""The data behind every picture: one function a picture, of the same name and arguments, which returns a tidy frame.

Intervals are in `lower` and `upper`; they are missing where there is none. Of a fit they tell how well its parameters
are known (quantiles over draws from their asymptotic law); a model without its fit has none.
"""

from __future__ import annotations

from churnsim.plots.data.customers import cohorts, concentration, exposure, gaps, timing
from churnsim.plots.data.decisions import belief_map, strategies
from churnsim.plots.data.fits import (
    alive_history,
    alive_matrix,
    expected_repeats,
    frequencies,
    heterogeneity,
    predictive,
    purchases_matrix,
    spend_density,
)
from churnsim.plots.data.fits import law_of_trait as law_of_trait
from churnsim.plots.data.staying import at_risk, qini, survival
from churnsim.plots.data.validation import calibration, holdout, tracking

__all__ = [
    "alive_history", "alive_matrix", "at_risk", "belief_map", "calibration", "cohorts", "concentration",
    "expected_repeats", "exposure", "frequencies", "gaps", "heterogeneity", "holdout", "predictive",
    "purchases_matrix", "qini", "spend_density", "strategies", "survival", "timing", "tracking",
]  # fmt: skip
