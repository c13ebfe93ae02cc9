"""Summaries under the names of lifetimes and pymc-marketing, with their arguments, for those who come from there."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import pandas as pd

from churnsim.checks import typed
from churnsim.data.logs.grouped_log import tabular
from churnsim.data.logs.log_rules import Refunds, currency_column
from churnsim.data.summaries.frame_kinds import in_kind
from churnsim.data.summaries.summary import split_holdout, summarise, with_plain_ids
from churnsim.errors import DataError

CALIBRATION = {
    "frequency": "frequency_cal",
    "recency": "recency_cal",
    "T": "T_cal",
    "monetary_value": "monetary_value_cal",
}


@in_kind
@typed
def rfm_summary(
    transactions: Any,
    customer_id_col: str = "customer_id",
    datetime_col: str = "date",
    monetary_value_col: str | None = None,
    *,
    observation_period_end: str | date | None = None,
    time_unit: str = "D",
    on_refund: Refunds = "refuse",
    collapse: Literal["day", "hour"] = "day",
) -> pd.DataFrame:
    """`summarise` with the arguments of pymc-marketing's `rfm_summary`.

    It is lifetimes' `summary_data_from_transaction_data`. The numbers are theirs in days. In another unit they count
    periods with a purchase; here purchases are told apart by day (or hour) whatever the unit, which only rescales
    durations.

    Parameters
    ----------
    transactions : log
        One row a purchase, as `summarise` takes it, in memory.
    customer_id_col, datetime_col, monetary_value_col : str
        The columns; without the last there is no ``monetary_value``.
    observation_period_end : str or date, optional
        Last day observed; the last in the log unless given.
    time_unit : {"H", "D", "W", "M", "Y"}
        Of durations.
    on_refund, collapse
        As in `summarise`.

    Returns
    -------
    DataFrame
        ``frequency, recency, T`` and perhaps ``monetary_value``, indexed by ``customer_id``.

    Examples
    --------
    >>> import churnsim
    >>> rfm_summary(churnsim.datasets.cdnow(), monetary_value_col="amount").iloc[0].round(2).to_dict()
    {'frequency': 3.0, 'recency': 345.0, 'T': 545.0, 'monetary_value': 23.72}
    """
    log = _named(transactions, customer_id_col, datetime_col, monetary_value_col)
    return summarise(log, unit=time_unit, until=observation_period_end, on_refund=on_refund, collapse=collapse)


@in_kind
@typed
def calibration_and_holdout_data(
    transactions: Any,
    customer_id_col: str = "customer_id",
    datetime_col: str = "date",
    calibration_period_end: str | date | None = None,
    observation_period_end: str | date | None = None,
    *,
    freq: str = "D",
    monetary_value_col: str | None = None,
    on_refund: Refunds = "refuse",
    collapse: Literal["day", "hour"] = "day",
) -> pd.DataFrame:
    """`split_holdout` with the arguments and column names of lifetimes' `calibration_and_holdout_data`.

    Every model here reads these names too.

    Parameters
    ----------
    transactions : log
        One row a purchase, as `summarise` takes it, in memory.
    customer_id_col, datetime_col, monetary_value_col : str
        The columns; without the last there are no amounts.
    calibration_period_end, observation_period_end : str or date
        Last days of the calibration and of the holdout; the second is the last of the log unless given.
    freq : {"H", "D", "W", "M", "Y"}
        Unit of durations.
    on_refund, collapse
        As in `summarise`.

    Returns
    -------
    DataFrame
        ``frequency_cal, recency_cal, T_cal, frequency_holdout, duration_holdout`` and, with amounts,
        ``monetary_value_cal`` and ``monetary_value_holdout``, indexed by ``customer_id``. Raises DataError without an
        end of the calibration.

    Examples
    --------
    >>> import churnsim
    >>> data = calibration_and_holdout_data(churnsim.datasets.cdnow(), calibration_period_end="1997-09-30")
    >>> churnsim.BGNBD.fit(data).status.code, int(data["frequency_holdout"].sum())
    ('converged', 1882)
    """
    if calibration_period_end is None:
        raise DataError("calibration_period_end is missing: the last day from which models learn.")
    log = _named(transactions, customer_id_col, datetime_col, monetary_value_col)
    split = split_holdout(
        log, until=calibration_period_end, holdout_until=observation_period_end, unit=freq, on_refund=on_refund,
        collapse=collapse,
    )  # fmt: skip
    return split.rename(columns={**CALIBRATION, "T_holdout": "duration_holdout"})


def _named(transactions: Any, customer: str, when: str, amount: str | None) -> pd.DataFrame:
    """The columns asked for under our names."""
    frame = tabular(transactions)
    wanted = {customer: "customer_id", when: "date", **({} if amount is None else {amount: "amount"})}
    missing = [name for name in wanted if [*frame.columns].count(name) != 1]
    if missing or len(wanted) < 2 + (amount is not None):
        raise DataError(
            f"the log must have each of the columns {', '.join(map(repr, wanted))} once; it has "
            f"{', '.join(map(repr, frame.columns))}."
        )
    currency = None if amount is None else currency_column(frame.columns)
    kept = list(wanted) if currency in (None, *wanted) else [*wanted, currency]  # amounts are in it
    log = frame[kept].rename(columns=wanted)
    log.attrs = dict(frame.attrs)
    return with_plain_ids(log)
