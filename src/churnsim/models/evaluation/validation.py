"""Does the model predict? Fitted counts, held-out counts and the cumulative track, each beside what happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.logs.days import check_begun, iso_day, past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.calendar import FIRST
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.period_holdout import period_track
from churnsim.errors import DataError
from churnsim.models.evaluation.holdout_scores import held_out
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import CountForecasts, PurchaseModel
from churnsim.units import DAYS_PER_UNIT


def frequency_calibration(model: PurchaseModel, summary: pd.DataFrame, *, cap: int = 7) -> pd.DataFrame:
    """Numbers of customers by repeat count, in the fitted data and as the model expects them.

    Each customer is expected over its own T, and by its own covariates where the model has some. Columns `frequency`
    (0 ... cap, the last meaning "cap or more"), `actual`, `expected`, and `lower, upper`: where 95% of the counts
    would fall if the model were true (normal approximation to the sum of independent customers; parameter uncertainty
    not included).
    """
    h = Histories.of(summary)
    own: Any = getattr(model, "model", model)
    members: NDArray[Any] = np.ones(h.T.size)
    if has_calendar(model):
        chances = np.column_stack(own._pmf_like(range(cap), summary, h.T))
    elif has_covariates(model):
        chances = np.column_stack([own.purchase_pmf_like(n, summary, h.T) for n in range(cap)])
    else:
        ages, members = np.unique(h.T, return_counts=True)
        chances = np.array([model.purchase_pmf(range(cap), age) for age in ages])
    chances = np.column_stack([chances, np.maximum(1 - chances.sum(axis=1), 0.0)])
    expected = members @ chances
    spread = 1.96 * np.sqrt(members @ (chances * (1 - chances)))
    actual = np.bincount(np.minimum(h.x, cap), minlength=cap + 1)
    return pd.DataFrame(
        {"frequency": range(cap + 1), "actual": actual, "expected": expected,
         "lower": np.maximum(expected - spread, 0), "upper": expected + spread}
    )  # fmt: skip


def holdout_by_frequency(model: CountForecasts, split: pd.DataFrame, *, cap: int = 7) -> pd.DataFrame:
    """Mean held-out purchases by calibration frequency (Fader, Hardie & Lee 2005, fig. 4).

    `split` is made by `churnsim.split_holdout`, or by `split_periods`: then periods with a purchase stand for
    purchases on both sides, and `model` is seen through `InPeriods`. Columns `frequency` (the last meaning "cap or
    more"), `customers`, `actual`, `expected`, and `lower, upper`, the 95% interval of the actual mean (its standard
    error from the spread between customers). DataError for a frame that is no split.
    """
    split = as_summary(split)
    came, horizon = held_out(split)
    table = pd.DataFrame(
        {
            "frequency": np.minimum(split.get("periods_frequency", split["frequency"]), cap),
            "actual": came.astype(np.float64),
            "expected": model.expected_purchases(split, horizon),
        }
    )
    grouped = table.groupby("frequency")
    result = grouped[["actual", "expected"]].mean()
    error: pd.Series[float] = 1.96 * grouped["actual"].std(ddof=1) / grouped.size() ** 0.5
    result.insert(0, "customers", grouped.size())
    result["lower"] = (result["actual"] - error).clip(lower=0)
    result["upper"] = result["actual"] + error
    return result.reset_index()


def tracking(
    model: PurchaseModel,
    transactions: Any,
    *,
    until: str | pd.Timestamp,
    holdout_until: str | pd.Timestamp | None = None,
    customers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Cumulative repeat purchases by period, actual and expected, through the holdout.

    A customer counts from its own first purchase, and only those acquired by `until` count. One row per model unit
    since the first date of the log: `period`, `date` (its last day), `actual`, `expected`, `holdout` (whether the
    period ends after `until`). A model with covariates needs `customers`, a frame by customer id that holds them; one
    with a calendar that ends before the holdout does needs its future (`with_future`).

    As in the published tables (and BTYD's ExpectedCumulativeTransactions), week k ends 7k days after the beginning of
    the log's first day, and a customer's own time begins with the day of its first purchase: at the end of the log it
    has one day more than `T` and `T_holdout` together, which are differences of days.
    """
    log = purchase_days(transactions)
    calibration_end = past_day(until, name="until")
    end = log.last if holdout_until is None else past_day(holdout_until, name="holdout_until")
    first = log.first_day()
    start = int(first.min())
    check_begun(calibration_end, start)
    known = first <= calibration_end
    repeats = np.sort(log.day[known[log.customer] & (log.day > first[log.customer])] - start)
    since_start, kind = np.unique(first[known] - start, return_inverse=True)
    per = DAYS_PER_UNIT[model.unit]
    ends = np.arange(1, int(np.floor((end - start + 1) / per)) + 1) * per
    # The last day of period k is day k * per - 1 after the start; the period ends when that day does.
    ages = np.maximum(ends[:, None] - since_start[None, :], 0) / per
    dates = pd.Timestamp(iso_day(start)) + pd.to_timedelta(ends - 1, unit="D")
    if has_calendar(model):
        own: Any = getattr(model, "model", model)
        if hasattr(own, "with_series"):
            firsts = _rows_of(customers, log.ids[known], "series of customers' own")[[FIRST]]
            ages, number = np.asarray(ages[:, kind]), np.ones(kind.size, dtype=np.int64)
        else:
            firsts = pd.DataFrame({FIRST: (start + since_start).astype("datetime64[D]").astype("datetime64[ns]")})
            number = np.bincount(kind, minlength=since_start.size)
        expected = own._expected_by_ages(firsts, ages) @ number
    else:
        expected = _expected_of_new(model, ages, kind, log.ids[known], customers)
    return pd.DataFrame(
        {
            "period": np.arange(1, ends.size + 1),
            "date": dates,
            "actual": np.searchsorted(repeats, ends - 1, side="right"),
            "expected": expected,
            "holdout": dates > pd.Timestamp(iso_day(calibration_end)),
        }
    )


def tracking_in_periods(
    model: CountForecasts,
    transactions: Any,
    *,
    until: str | pd.Timestamp,
    holdout_until: str | pd.Timestamp | None = None,
    customers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """`tracking` with each customer's period that holds a purchase counted once, of a model seen through `InPeriods`.

    Periods are those of `churnsim.data.split_periods`: they end with `until`, and a customer's count starts after the
    one of its first purchase.
    """
    frame, ages, kind = period_track(
        transactions, until=pd.Timestamp(until).date(), unit=model.unit,
        holdout_until=None if holdout_until is None else pd.Timestamp(holdout_until).date(),
    )  # fmt: skip
    log = purchase_days(transactions)
    ids = log.ids[log.first_day() <= past_day(until, name="until")]
    frame.insert(3, "expected", _expected_of_new(model, ages, kind, ids, customers))
    return frame


def _expected_of_new(
    model: Any, ages: NDArray[np.float64], kind: NDArray[np.int64], ids: pd.Index, customers: pd.DataFrame | None
) -> NDArray[np.float64]:
    """Expected count of all customers by the ages (periods, kinds) that they had; customer i is of `kind[i]`."""
    if not has_covariates(model) and not has_calendar(model):
        return np.asarray(model.expected_purchases_new(ages) @ np.bincount(kind, minlength=ages.shape[1]))
    own = _rows_of(customers, ids, "covariates or a calendar")
    return np.array([float(model.expected_purchases_like(own, age[kind]).sum()) for age in ages])


def _rows_of(customers: pd.DataFrame | None, ids: pd.Index, what: str) -> pd.DataFrame:
    """The rows of these customers. DataError where there is no frame."""
    if customers is None:
        raise DataError(f"customers of a model with {what} differ: pass customers=, the frame that holds them.")
    return customers.loc[ids]


def has_calendar(model: Any) -> bool:
    """Whether new customers of the model differ by the day of their first purchase."""
    return hasattr(getattr(model, "model", model), "calendar")


def has_covariates(model: Any) -> bool:
    """Whether new customers of the model differ by their covariates."""
    return hasattr(getattr(model, "model", model), "covariate_means")
