"""What the customer base is worth as fitted, before any strategy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from churnsim.models.value.clv import SpendCorrelationWarning, customer_value, total_value
from churnsim.records.run import Decile, ReplayRecord, ValueRecord
from churnsim.study.config.config import ValueSection
from churnsim.study.stages.data_stage import StudyData
from churnsim.study.stages.fit_stage import StudyFits

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
    holdout: ReplayRecord | None = None,
) -> ValueRecord:
    """Expected discounted margin of the customers in the data over `horizon` model units.

    The interval is that of the parameters' estimation error (`section.draws` draws of both models), widened by what
    the `holdout` shows of the model: where half of the purchases forecast came, it reaches down to half. What single
    customers will do beside their expectation is not in it.
    """

    spend = fits.spend
    assert spend is not None  # a log without amounts has no value
    settings: Any = {"annual_discount_rate": annual_discount_rate, "horizon": horizon, "margin": margin}
    with warnings.catch_warnings():
        # The study says it itself, once, among the warnings about its fits.
        warnings.simplefilter("ignore", SpendCorrelationWarning)
        values = customer_value(data.summary, purchases=fits.purchases, spend=spend, **settings)
        total = total_value(
            data.summary, purchases=fits.purchases, spend=spend, seed=seed, level=LEVEL, draws=section.draws,
            **settings,
        )  # fmt: skip
    ratio = holdout.actual / holdout.mean if holdout and holdout.mean > 0 else 1.0
    return ValueRecord(
        **settings, unit=data.unit, total=total.value, lower=total.lower * min(1.0, ratio),
        upper=total.upper * max(1.0, ratio), level=LEVEL, customers=len(values),
        mean_p_alive=float(fits.purchases.model.p_alive(data.summary).mean()), estimation_lower=total.lower,
        estimation_upper=total.upper, holdout_ratio=ratio if holdout else None, by_decile=by_decile(values),
    )  # fmt: skip


def by_decile(values: Any) -> list[Decile]:
    """Customers and value by tenth, from the most valuable."""
    ranked = values.sort_values(ascending=False, kind="stable")
    decile = np.arange(len(ranked)) * DECILES // len(ranked) + 1
    grouped = ranked.groupby(decile)
    table = grouped.agg(["size", "sum"]).rename_axis("decile").reset_index()
    return Decile.of_frame(table.rename(columns={"size": "customers", "sum": "value"}))
