"""What each subscriber is worth by each model, with intervals, how the models differ, and what one average rate costs.

After Fader & Hardie (2010), "Customer-base valuation in a contractual setting: the perils of ignoring heterogeneity",
Marketing Science 29(1), 85-93: a spreadsheet takes the losses over the renewals that came due for everybody's chance to
leave. Those who are there are the loyal ones, so that it undervalues them as far as subscribers differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.checks import check_count, check_kind
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.retention.base import RetentionModel, amounts_at, endless_steps, parts_of
from churnsim.models.retention.tenures import Tenures
from churnsim.statistics import tails
from churnsim.typing import Floats
from churnsim.units import discount_force

ALIKE = 1e-9  # relative differences between values that are rounding


@dataclass(frozen=True, eq=False)
class SubscriberValues:
    """Values in money of the subscribers who are there.

    `values`: a row a subscriber, columns (model, "value" | "lower" | "upper"). `table`: a row a model with its `total,
    lower, upper`; `average_rate_error`, by which share one average rate misses that total; `rank_correlation` of its
    values with those of the first model, and `moved`, the share of the first model's total that it puts on other
    subscribers or nowhere (sum of absolute differences over that total). `average_total` is what the one rate
    `average_churn` gives. Intervals are of the parameters' estimation error: they speak of expectations.
    """

    values: pd.DataFrame
    table: pd.DataFrame
    average_churn: float
    average_total: float


def average_churn(subscriptions: pd.DataFrame) -> float:
    """Losses over renewals that came due: the one rate that a spreadsheet would use."""
    seen = Tenures.of(subscriptions)
    return float(seen.churned.sum() / (seen.tenure - seen.entry).sum())


@in_kind
def subscriber_values(
    fits: Mapping[str, ModelFit[RetentionModel]],
    subscriptions: CustomerFrame,
    *,
    annual_discount_rate: float,
    margin: ArrayLike | pd.Series[float] = 1.0,
    horizon: float | None = None,
    by_tenure: Sequence[float] | None = None,
    level: float = 0.95,
    draws: int = 100,
    seed: int = 0,
) -> SubscriberValues:
    """Value those of `subscriptions` (tenure, churned, the models' covariates) who are there by each of `fits`.

    Bounds are quantiles over draws of each fit's parameters. Raises DataError where nobody is there, ConfigError for no
    fit, a level outside (0, 1) or fewer than 2 draws.

    Parameters
    ----------
    fits : mapping of name to ModelFit
        Of models of staying; the first is what the others are compared with.
    subscriptions : DataFrame
        `tenure, churned` and the models' covariates, one row a subscriber.
    annual_discount_rate : float
        Effective; 0.10 is ten percent a year.
    margin : float, or array of shape (rows,)
        Money a time unit.
    horizon : float, optional
        Time units looked ahead; without an end unless given.
    by_tenure : sequence of float, optional
        Factors of the margin by unit of tenure.
    level : float
        Of the intervals.
    draws : int
        Parameter sets drawn from each fit, at least 2.
    seed : int
        Of the draws.

    Examples
    --------
    >>> from churnsim.models import ShiftedBetaGeometric
    >>> seen = pd.DataFrame({"tenure": [1, 2, 2, 3, 4, 4], "churned": [1, 1, 0, 1, 0, 0]})
    >>> fit = ShiftedBetaGeometric.fit(seen)
    >>> values = subscriber_values({"sbg": fit}, seen, annual_discount_rate=0.1, horizon=5, draws=20)
    >>> values.table["total"].round(1).to_dict()
    {'sbg': 8.9}
    """
    bounds = tails(level)
    check_count(draws, "draws", least=2)
    check_kind(fits, "fits", Mapping, "a mapping of names to fits, such as {'cox': fit}")
    if not fits:
        raise ConfigError("fits must name at least one fitted model; got none.")
    rows = ~Tenures.of(subscriptions).churned
    if not rows.any():
        raise DataError(
            "no customers left: every row has churned. `subscriber_values` needs at least one who is still there."
        )
    there = subscriptions[rows]
    # Every draw of the parameters looks the words up again: as categories that is one look-up a word.
    words = [name for name, column in there.items() if pd.api.types.infer_dtype(column, skipna=True) == "string"]
    there = there.astype(dict.fromkeys(words, "category"))
    money = np.broadcast_to(np.asarray(margin, dtype=np.float64), rows.shape)[rows]
    settings: dict[str, Any] = {"customers": there, "horizon": horizon, "by_tenure": by_tenure}

    def values(model: RetentionModel) -> Floats:
        found: Any = model.residual_value(annual_discount_rate, money, **settings)
        return np.asarray(found, dtype=np.float64)

    columns, rows_of = {}, []
    unit = next(iter(fits.values())).model.unit
    churn = average_churn(subscriptions)
    average = _by_one_rate(churn, annual_discount_rate, unit, there, money, horizon, by_tenure)
    first: Floats | None = None
    for name, fit in fits.items():
        own = values(fit.model)
        drawn = np.array([values(model) for model in fit.draw_parameters(draws, seed=seed)])
        lower, upper = np.quantile(drawn, bounds, axis=0)
        columns.update({(name, "value"): own, (name, "lower"): lower, (name, "upper"): upper})
        first = own if first is None else first
        totals, total = np.quantile(drawn.sum(axis=1), bounds), float(own.sum())
        ranks = _rank_correlation(own, first)
        rows_of.append(
            {
                "total": total, "lower": totals[0], "upper": totals[1], "average_rate_error": average / total - 1.0,
                "rank_correlation": ranks, "moved": float(np.abs(own - first).sum() / first.sum()),
            }
        )  # fmt: skip
    frame = pd.DataFrame(columns, there.index)
    frame.columns.names = ["model", "quantity"]
    return SubscriberValues(frame, pd.DataFrame(rows_of, pd.Index(list(fits), name="model")), churn, average)


def _rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's; missing where one of the two tells nobody apart beyond rounding."""
    if min(np.ptp(values) / np.abs(values).max(initial=1e-300) for values in (a, b)) < ALIKE:
        return float("nan")
    return float(np.corrcoef(pd.Series(a).rank(), pd.Series(b).rank())[0, 1])


def _by_one_rate(
    churn: float, annual_discount_rate: float, unit: str, there: pd.DataFrame, money: Floats, horizon: float | None,
    by_tenure: Sequence[float] | None,
) -> float:  # fmt: skip
    """The total that one churn rate for all gives."""
    v = float(np.exp(-discount_force(annual_discount_rate, unit)))
    steps = endless_steps(horizon, v)
    spread = (1.0 - churn) ** steps * v ** (steps - 1.0)
    if by_tenure is None:
        return float(money.sum() * spread.sum())
    tenure = there["tenure"].to_numpy(dtype=np.float64)[:, None]
    parts = [amounts_at(by_tenure, tenure[rows] + steps) @ spread for rows in parts_of(len(there), steps.size)]
    return float(money @ np.concatenate(parts))
