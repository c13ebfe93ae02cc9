"""The summary as SQL for DuckDB: two groupings inside the engine, a few numbers a customer out of it.

Used over the tables of a customer database and over Parquet files, so that 100 million rows need not fit in memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.logs.days import iso_day
from churnsim.data.tabular.columns import text_as_objects
from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError
from churnsim.units import DAYS_PER_UNIT, check_unit

BITS = 126  # of a whole number of 128 bits, without its sign and one to spare


def identifier(name: str) -> str:
    """A name as SQL quotes it: nothing inside the quotation marks is code."""
    return '"' + name.replace('"', '""') + '"'


def in_currency(amount: str, currency: str, factors: Mapping[str | None, float] | None) -> tuple[str, list[Any]]:
    """The column `amount` as SQL, each value times the factor of its `currency`, with the parameters of the SQL."""
    if factors is None:
        return amount, []
    cases = " ".join(f"WHEN {currency} IS NOT DISTINCT FROM ? THEN ?" for _ in factors)
    return f"{amount} * CASE {cases} END", [part for pair in factors.items() for part in pair]


def summary_of(
    connection: Any,
    rows: str,
    parameters: list[Any],
    *,
    end: int,
    unit: str,
    largest: float | None,
    rows_at_most: int,
) -> pd.DataFrame:
    """The summary of the relation `rows` (columns ``customer_id``, ``day``, ``amount``) as seen at the end of day
    `end`.

    `rows` is SQL with `parameters` for its question marks and holds nothing after `end`. `largest` is an upper bound of
    the amounts, None where there are none; `rows_at_most` one of the number of rows. Raises DataError when no customer
    is left or an amount is not finite.

    Amounts are added up as whole numbers of 128 bits, in units of a power of two so small that nothing of an amount is
    lost. A sum of floats would depend on the order in which the threads of DuckDB come to the rows.
    """
    import duckdb

    exponent = 0
    total = spent = ""
    if largest is not None:
        exponent = _exponent(largest, rows_at_most)
        total = f", sum((amount * {2.0**exponent!r}::DOUBLE)::HUGEINT) AS amount"
        spent = ", (sum(amount) - arg_min(amount, day))::DOUBLE AS repeat_spend"
    days = f"SELECT customer_id, day{total} FROM ({rows}) GROUP BY customer_id, day"
    query = f"""SELECT customer_id, count(*) - 1 AS frequency, min(day) - DATE '1970-01-01' AS first,
                   max(day) - DATE '1970-01-01' AS last{spent}
            FROM ({days}) GROUP BY customer_id ORDER BY customer_id"""
    try:
        frame: pd.DataFrame = connection.execute(query, parameters).df()
    except duckdb.ConversionException:
        endless = f"SELECT customer_id FROM ({rows}) WHERE amount::VARCHAR IN ('nan', 'inf', '-inf') LIMIT 1"
        for (customer,) in connection.execute(endless, parameters).fetchall():
            raise DataError(
                f"an amount of customer {show(customer)} is not a finite number. Correct it, or add the log to a "
                "CustomerDatabase, which sets such rows aside."
            ) from None
        raise
    if frame.empty:
        raise DataError(f"nobody had bought by the end of {iso_day(end)}. Choose a later day.")
    return summary_frame(
        pd.Index(text_as_objects(frame["customer_id"]), name="customer_id"),
        frequency=frame["frequency"].to_numpy(dtype=np.int64),
        first=frame["first"].to_numpy(dtype=np.int64),
        last=frame["last"].to_numpy(dtype=np.int64),
        repeat_spend=None if largest is None else frame["repeat_spend"].to_numpy(dtype=np.float64) * 2.0**-exponent,
        end=end,
        unit=unit,
    )


def _exponent(largest: float, rows: int) -> int:
    """The power of two by which amounts become whole numbers whose sum still has room."""
    _, of_amount = math.frexp(largest)
    return max(-1000, min(1000, BITS - of_amount - max(rows, 1).bit_length()))


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
