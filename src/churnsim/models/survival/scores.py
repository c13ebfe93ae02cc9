"""How well a survival curve foretells: the log score by unit intervals and the Brier score under censoring.

All families, discrete or continuous, are scored on one scale: who left within unit t (of its tenure) scores
ln(S(t - 1) - S(t)), who was still there at t scores ln S(t), both given survival to entry.
"""

from __future__ import annotations

import numpy as np

from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.tenures import Tenures
from churnsim.typing import Floats

__all__ = ["brier_score", "log_scores"]


# What a curve calls impossible (a loss between the steps of a step function, a customer beyond its fall to 0) scores as
# if it had this probability.
FLOOR = 1e-6


def log_scores(model: RetentionModel, tenures: Tenures) -> Floats:
    """Log score of each customer, the higher the better; `FLOOR` stands for what the curve calls impossible."""
    # The interval in which the loss fell begins at the whole unit before it, or at entry if that was later.
    begin = np.maximum(np.ceil(tenures.tenure) - 1.0, tenures.entry)
    end = np.ceil(tenures.tenure)
    left = np.exp(model.log_survival(begin)) - np.exp(model.log_survival(end))
    stayed = model.log_survival(tenures.tenure)
    given = model.log_survival(tenures.entry)
    stayed = np.where(np.isneginf(stayed), np.log(FLOOR), stayed)
    given = np.where(np.isneginf(given), 0.0, given)
    return np.where(tenures.churned, np.log(np.maximum(left, FLOOR)), stayed) - given


def brier_score(survival: Floats, tenures: Tenures, horizon: float, *, censoring: RetentionModel) -> float:
    """Mean squared difference between P(still there at `horizon`) and what happened, weighted for censoring.

    `survival` holds each customer's predicted S(horizon); `censoring` is the survival curve of being observed (the
    Kaplan-Meier curve with leaving and censoring exchanged). Graf, Schmoor, Sauerbrei & Schumacher (1999), Statistics
    in Medicine 18(17-18), 2529-2545.
    """
    gone = tenures.churned & (tenures.tenure <= horizon)
    there = tenures.tenure > horizon
    # Just before the loss: who left at t was observed until t.
    seen = np.exp(censoring.log_survival(np.where(gone, np.maximum(tenures.tenure - 1e-9, 0.0), horizon)))
    weight = np.where(gone | there, 1.0 / np.maximum(seen, 1e-12), 0.0)
    return float(np.mean(weight * (there - survival) ** 2))
