"""How many of the silent are lost, by model: what a log of purchases cannot tell.

On CDNOW the BG/NBD and the MBG/NBD fit equally well and disagree about who has left: in the one a customer who has
bought once cannot have dropped out, in the other it can at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.mbg_nbd import MBGNBD
from churnsim.models.purchase.pareto_nbd import ParetoNBD

__all__ = ["FAMILIES", "fits_by_family", "lost_shares", "told"]

FAMILIES: Mapping[str, Any] = {"BG/NBD": BGNBD, "MBG/NBD": MBGNBD, "Pareto/NBD": ParetoNBD}


def fits_by_family(summary: pd.DataFrame) -> Mapping[str, ModelFit[Any]]:
    """Each of the families fitted to the histories, by name."""
    return {name: family.fit(summary) for name, family in FAMILIES.items()}


def lost_shares(summary: pd.DataFrame, *, silent_for: float) -> Mapping[str, tuple[float, float]]:
    """By model: the share lost of the customers silent for longer than that (the summary's unit), and the
    log-likelihood of its fit."""
    silent = (summary["T"] - summary["recency"]).to_numpy() > silent_for
    found = {}
    for name, fit in fits_by_family(summary).items():
        alive = np.asarray(fit.model.p_alive(summary), dtype=np.float64)
        found[name] = (1.0 - float(alive[silent].mean()), float(fit.loglik))
    return found


def told(shares: Mapping[str, tuple[float, float]]) -> str:
    """The shares in words, with the log-likelihoods beside them."""
    return ", ".join(f"{share:.0%} by {name} (log-likelihood {fit:,.1f})" for name, (share, fit) in shares.items())
