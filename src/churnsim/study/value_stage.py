"""What the customer base is worth as fitted, before any strategy."""

from __future__ import annotations

from typing import Any

import numpy as np

from churnsim.models.clv import customer_value
from churnsim.study.config import ValueSection
from churnsim.study.data_stage import StudyData
from churnsim.study.fit_stage import StudyFits
from churnsim.study.store import rows

__all__ = ["value_base"]

LEVEL = 0.95
DECILES = 10


def value_base(
    data: StudyData,
    fits: StudyFits,
    section: ValueSection,
    *,
    horizon: float,
    annual_discount_rate: float,
    margin: float,
    seed: int,
) -> dict[str, Any]:
    """The content of value.json: expected discounted margin of the customers in the data over `horizon` model units.

    The interval is that of the parameters' estimation error (`section.draws` draws of both models); what single
    customers will do beside their expectation is not in it.
    """

    def value(purchases: Any, spend: Any) -> Any:
        return customer_value(
            data.summary, purchases=purchases, spend=spend, annual_discount_rate=annual_discount_rate,
            horizon=horizon, margin=margin,
        )  # fmt: skip

    values = value(fits.purchases.model, fits.spend.model)
    draws = zip(
        fits.purchases.draw_parameters(section.draws, seed=seed),
        fits.spend.draw_parameters(section.draws, seed=seed + 1),
        strict=True,
    )
    totals = [float(value(purchases, spend).sum()) for purchases, spend in draws]
    lower, upper = np.quantile(totals, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {
        "annual_discount_rate": annual_discount_rate,
        "horizon": horizon,
        "unit": data.unit,
        "margin": margin,
        "total": float(values.sum()),
        "lower": lower,
        "upper": upper,
        "level": LEVEL,
        "customers": len(values),
        "mean_p_alive": float(fits.purchases.model.p_alive(data.summary).mean()),
        "by_decile": rows(_by_decile(values)),
    }


def _by_decile(values: Any) -> Any:
    ranked = values.sort_values(ascending=False, kind="stable")
    decile = np.arange(len(ranked)) * DECILES // len(ranked) + 1
    grouped = ranked.groupby(decile)
    table = grouped.agg(["size", "sum"]).rename_axis("decile").reset_index()
    return table.rename(columns={"size": "customers", "sum": "value"})
