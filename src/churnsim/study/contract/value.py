"""What the subscribers are worth, model by model, and what one average churn rate costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.models.retention import RetentionModel, amounts_at
from churnsim.study.contract.data import ContractData
from churnsim.study.contract.fits import ContractFits
from churnsim.study.store import rows
from churnsim.study.value_stage import by_decile
from churnsim.units import units_per_year

__all__ = ["average_churn", "value_subscribers"]

LEVEL = 0.95


def average_churn(data: ContractData) -> float:
    """Losses over renewals that came due: the one rate that a spreadsheet would use."""
    frame = data.subscribers
    return float(frame["churned"].sum() / (frame["tenure"] - frame["entry"]).sum())


def value_subscribers(
    data: ContractData,
    fits: ContractFits,
    *,
    horizon: float,
    annual_discount_rate: float,
    margin: float,
    draws: int,
    seed: int,
    profits: Sequence[float] | None = None,
) -> dict[str, Any]:
    """The content of value.json: expected discounted margin of the subscribers still there over `horizon` renewals.

    `total` is by the regression, which tells them apart; `by_model` sets it beside the sBG, the chosen curve, what the
    simulation stays by, and one average churn rate for all. `profits` by tenure stand in place of charges and margin.
    Intervals are those of the parameters' estimation error.
    """
    there, charges = data.there, data.charges.loc[data.there.index]
    money = charges * margin if profits is None else charges * 0 + 1.0

    def values(model: RetentionModel) -> pd.Series[float]:
        found = model.residual_value(annual_discount_rate, money, customers=there, horizon=horizon, by_tenure=profits)
        assert isinstance(found, pd.Series)  # customers were given
        return found

    churn = average_churn(data)
    v = (1.0 + annual_discount_rate) ** (-1.0 / units_per_year(data.unit))
    steps = np.arange(1.0, horizon + 1.0)
    spread = (1.0 - churn) ** steps * v ** (steps - 1.0)
    if profits is None:
        average = float(money.sum() * spread.sum())
    else:
        average = float((amounts_at(profits, there["tenure"].to_numpy(np.float64)[:, None] + steps) @ spread).sum())
    models = {"regression": fits.regression, fits.chosen_kind: fits.chosen, "sbg": fits.sbg}
    if fits.simulated not in models.values():
        models[fits.simulated.model.family] = fits.simulated
    table = []
    for name, fit in models.items():
        drawn = [float(values(model).sum()) for model in fit.draw_parameters(draws, seed=seed)]
        total = float(values(fit.model).sum())
        lower, upper = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        table.append(
            {
                "model": name, "total": total, "lower": lower, "upper": upper,
                "average_rate_error": average / total - 1.0,
            }
        )  # fmt: skip
    table.append({"model": "one average churn rate", "total": average, "lower": None, "upper": None,
                  "average_rate_error": 0.0})  # fmt: skip
    own = values(fits.regression.model)
    return {
        "annual_discount_rate": annual_discount_rate, "horizon": horizon, "unit": data.unit,
        "margin": margin if profits is None else None,
        "total": table[0]["total"], "lower": table[0]["lower"], "upper": table[0]["upper"], "level": LEVEL,
        "customers": len(own), "mean_p_alive": None, "by_decile": rows(by_decile(own)), "by_model": table,
        "average_churn": churn,
    }  # fmt: skip
