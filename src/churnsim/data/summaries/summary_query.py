"""The summary as SQL for DuckDB: two groupings inside the engine, a few numbers a customer out of it.

Used over the tables of a customer database and over Parquet files, so that 100 million rows need not fit in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.logs.days import iso_day
from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError
from churnsim.units import DAYS_PER_UNIT, check_unit

__all__ = ["identifier", "summary_frame", "summary_of"]

# Where the repeat purchases are worth less than this part of everything, the difference "all minus the first" has lost
# digits, and the repeat purchases are added up by themselves. Above it, the relative error of the difference is below
# 1e4 times that of the total, some 1e-12.
CANCELLATION = 1e-4


def identifier(name: str) -> str:
    """A name as SQL quotes it: nothing inside the quotation marks is code."""
    return '"' + name.replace('"', '""') + '"'


def summary_of(
    connection: Any, rows: str, parameters: list[Any], *, end: int, unit: str, amounts: bool
) -> pd.DataFrame:
    """The summary of the relation `rows` (columns ``customer_id``, ``day``, ``amount``) as seen at the end of day
    `end`.

    `rows` is SQL with `parameters` for its question marks and holds nothing after `end`. Raises DataError when no
    customer is left or the amounts overflow.
    """
    total = ", sum(amount) AS amount" if amounts else ""
    spent = ", sum(amount) AS total, arg_min(amount, day) AS first_amount" if amounts else ""
    days = f"SELECT customer_id, day{total} FROM ({rows}) GROUP BY customer_id, day"
    frame: pd.DataFrame = connection.execute(
        f"""SELECT customer_id, count(*) - 1 AS frequency, min(day) - DATE '1970-01-01' AS first,
                   max(day) - DATE '1970-01-01' AS last{spent}
            FROM ({days}) GROUP BY customer_id ORDER BY customer_id""",
        parameters,
    ).df()
    if frame.empty:
        raise DataError(f"nobody had bought by the end of {iso_day(end)}. Choose a later day.")
    repeat_spend = None
    if amounts:
        repeat_spend = _repeat_spend(connection, rows, parameters, frame)
    return summary_frame(
        pd.Index(frame["customer_id"], name="customer_id"),
        frequency=frame["frequency"].to_numpy(dtype=np.int64),
        first=frame["first"].to_numpy(dtype=np.int64),
        last=frame["last"].to_numpy(dtype=np.int64),
        repeat_spend=repeat_spend,
        end=end,
        unit=unit,
    )


def summary_frame(
    ids: pd.Index[Any],
    *,
    frequency: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    repeat_spend: NDArray[np.float64] | None,
    end: int,
    unit: str,
) -> pd.DataFrame:
    """The frame that `churnsim.summarise` returns, from day numbers and the total of the repeat purchases."""
    per = DAYS_PER_UNIT[check_unit(unit)]
    frame = pd.DataFrame({"frequency": frequency, "recency": (last - first) / per, "T": (end - first) / per}, index=ids)
    if repeat_spend is not None:
        if not np.isfinite(repeat_spend).all():
            raise DataError("the amounts add up to more than a number can hold. Check their unit.")
        frame["monetary_value"] = np.divide(repeat_spend, frequency, out=np.zeros(len(frame)), where=frequency > 0)
    frame.attrs["unit"] = unit
    return frame


def _repeat_spend(connection: Any, rows: str, parameters: list[Any], frame: pd.DataFrame) -> NDArray[np.float64]:
    total, first = frame["total"].to_numpy(dtype=np.float64), frame["first_amount"].to_numpy(dtype=np.float64)
    if np.isnan(total).any():
        worst = int(np.argmax(np.isnan(total)))
        raise DataError(
            f"an amount of customer {show(frame['customer_id'][worst])} is not a finite number. Correct it, or add "
            f"the log "
            "to a CustomerDatabase, which sets such rows aside."
        )
    with np.errstate(invalid="ignore"):
        repeat = np.where(frame["frequency"].to_numpy() > 0, total - first, 0.0)
    doubtful = (frame["frequency"].to_numpy() > 0) & (repeat < CANCELLATION * total)
    if not doubtful.any():
        return repeat
    asked = pd.DataFrame({"customer_id": frame["customer_id"][doubtful], "first": frame["first"][doubtful]})
    connection.register("doubtful_customers", asked)
    try:
        exact = connection.execute(
            f"""WITH asked AS (SELECT rows.*, first FROM ({rows}) AS rows JOIN doubtful_customers USING (customer_id))
                SELECT customer_id, coalesce(sum(amount) FILTER (day - DATE '1970-01-01' > first), 0) AS repeat_spend
                FROM asked GROUP BY customer_id ORDER BY customer_id""",
            parameters,
        ).df()
    finally:
        connection.unregister("doubtful_customers")
    repeat[doubtful] = exact["repeat_spend"].to_numpy()
    return repeat
