"""The summary as SQL for DuckDB: two groupings inside the engine, a few numbers a customer out of it.

Used over the tables of a customer database and over Parquet files, so that 100 million rows need not fit in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from churnsim.data.logs.days import iso_day
from churnsim.data.logs.log_rules import Refunds, net_refunds, refunds_told
from churnsim.data.tabular.columns import text_as_objects
from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError, interruptible
from churnsim.units import DAYS_PER_UNIT, check_unit

REFUNDED, NETTED = "churnsim_refunded", "churnsim_netted"  # relations: whose refunds are netted, and what is left
BITS = 126  # of a whole number of 128 bits, without its sign and one to spare


@contextmanager
def asked_of(path: Path, done: str) -> Iterator[Any]:
    """DuckDB to ask of files; what is wrong with those at `path`, which cannot be `done` then, becomes a DataError."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SET enable_progress_bar = false")
            with interruptible():
                yield connection
        except duckdb.Error as error:
            reason = (str(error).splitlines() or [""])[0][:300]
            raise DataError(f"{path} cannot be {done} ({reason}). Write it again.") from None


def identifier(name: str) -> str:
    """A name as SQL quotes it: nothing inside the quotation marks is code."""
    return '"' + name.replace('"', '""') + '"'


def in_currency(amount: str, currency: str, factors: Mapping[str | None, float] | None) -> tuple[str, list[Any]]:
    """The column `amount` as SQL, each value times the factor of its `currency`, with the parameters of the SQL."""
    if factors is None:
        return amount, []
    cases = " ".join(f"WHEN {currency} IS NOT DISTINCT FROM ? THEN ?" for _ in factors)
    return f"{amount} * CASE {cases} END", [part for pair in factors.items() for part in pair]


@dataclass(frozen=True, kw_only=True)
class PurchaseRows:
    """Checked purchases as SQL for DuckDB.

    Attributes
    ----------
    sql : str
        A relation ``customer_id, day, amount`` with nothing after `end`, and question marks for `parameters`.
    end : int
        Last day observed, since 1970-01-01.
    largest : float or None
        An upper bound of the amounts; None where there are none.
    at_most : int
        An upper bound of the number of rows.
    refunds : dict, optional
        What became of refunds, where they were asked about and there are some.
    """

    sql: str
    parameters: list[Any]
    end: int
    largest: float | None
    at_most: int
    refunds: dict[str, Any] | None = None

    def without_amounts(self) -> PurchaseRows:
        """The same where only histories are wanted."""
        return replace(self, largest=None)

    def part(self, number: int, parts: int) -> PurchaseRows:
        """The purchases of one of `parts` groups of customers, which are as good as random."""
        sql = f"SELECT * FROM ({self.sql}) WHERE hash(customer_id) % {parts} = {number}"
        return self if parts == 1 else replace(self, sql=sql)

    @property
    def exponent(self) -> int:
        """The power of two by which amounts become whole numbers whose sum still has room."""
        if self.largest is None:
            return 0
        _, of_amount = math.frexp(self.largest)
        return max(-1000, min(1000, BITS - of_amount - max(self.at_most, 1).bit_length()))

    @property
    def customers(self) -> str:
        """One row a customer: ``customer_id, frequency, first, last``, the two days since 1970-01-01, and
        ``repeat_spend``, what the repeat purchases add up to times 2 to the `exponent`, where there are amounts.

        Amounts are added up as whole numbers of 128 bits, in units of a power of two so small that nothing of an
        amount is lost. A sum of floats would depend on the order in which the threads of DuckDB come to the rows.
        """
        total = spent = ""
        if self.largest is not None:
            total = f", sum((amount * {2.0**self.exponent!r}::DOUBLE)::HUGEINT) AS amount"
            spent = ", (sum(amount) - arg_min(amount, day))::DOUBLE AS repeat_spend"
        days = f"SELECT customer_id, day{total} FROM ({self.sql}) GROUP BY customer_id, day"
        return f"""SELECT customer_id, count(*) - 1 AS frequency, min(day) - DATE '1970-01-01' AS first,
                          max(day) - DATE '1970-01-01' AS last{spent} FROM ({days}) GROUP BY customer_id"""

    def summary(self, unit: str) -> str:
        """One row a customer with the columns that `churnsim.summarise` returns, to the bit."""
        per = repr(float(DAYS_PER_UNIT[check_unit(unit)]))
        mean = ""
        if self.largest is not None:
            # By the factor in one step as in `summary_frame`, so that both round once and alike.
            mean = f""", CASE WHEN frequency > 0 THEN repeat_spend * {2.0**-self.exponent!r}::DOUBLE / frequency
                              ELSE 0.0 END AS monetary_value"""
        return f"""SELECT customer_id, frequency, (last - first)::DOUBLE / {per}::DOUBLE AS recency,
                          ({self.end} - first)::DOUBLE / {per}::DOUBLE AS T{mean} FROM ({self.customers})"""


def summary_of(connection: Any, rows: PurchaseRows, unit: str) -> pd.DataFrame:
    """The summary of the purchases as seen at the end of their last day. Raises DataError when no customer is left or
    an amount is not finite."""
    import duckdb

    try:
        frame: pd.DataFrame = connection.execute(f"{rows.customers} ORDER BY customer_id", rows.parameters).df()
    except duckdb.ConversionException:
        refuse_endless(connection, rows)
        raise
    if frame.empty:
        raise nobody_by(rows.end)
    spend = None if rows.largest is None else frame["repeat_spend"].to_numpy(dtype=np.float64) * 2.0**-rows.exponent
    summary = summary_frame(
        pd.Index(text_as_objects(frame["customer_id"]), name="customer_id"),
        frequency=frame["frequency"].to_numpy(dtype=np.int64),
        first=frame["first"].to_numpy(dtype=np.int64),
        last=frame["last"].to_numpy(dtype=np.int64),
        repeat_spend=spend,
        end=rows.end,
        unit=unit,
    )
    if rows.refunds:
        summary.attrs["refunds"] = rows.refunds
    return summary


@contextmanager
def refunds_dealt_with(
    connection: Any, sql: str, parameters: list[Any], on_refund: Refunds
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """The purchases ``customer_id, day, amount`` of a relation that has their ``time`` too and refunds as negative
    amounts, as SQL with the same parameters, and what became of the refunds (as `without_refunds`).

    To net them, the rows of customers with refunds come into memory; all others stay where they lie.
    """
    refund = "amount < 0 AND amount > '-inf'::DOUBLE"
    refunds = connection.execute(f"SELECT customer_id, amount FROM ({sql}) WHERE {refund}", parameters).df()
    purchases = f"SELECT customer_id, day, amount FROM ({sql}) WHERE NOT coalesce({refund}, false)"
    if refunds.empty:
        yield purchases, None
        return
    told = refunds_told(on_refund, refunds["amount"].to_numpy(dtype=np.float64))
    if on_refund == "apart":
        yield purchases, told
        return
    connection.register(REFUNDED, pa.table({"customer_id": refunds["customer_id"].unique()}))
    try:
        concerned = f"SELECT customer_id FROM {REFUNDED}"
        log = connection.execute(
            f"SELECT customer_id, time AS date, day - DATE '1970-01-01' AS day, amount FROM ({sql}) "
            f"WHERE customer_id IN ({concerned})",
            parameters,
        ).df()
        netted, counts = net_refunds(log)
        connection.register(NETTED, pa.table({name: netted[name] for name in ("customer_id", "day", "amount")}))
        rest = f"SELECT customer_id, day, amount FROM ({sql}) WHERE customer_id NOT IN ({concerned})"
        left = f"SELECT customer_id, DATE '1970-01-01' + day::INTEGER AS day, amount FROM {NETTED}"
        yield f"{rest} UNION ALL {left}", {**told, **counts}
    finally:
        for name in (REFUNDED, NETTED):
            connection.unregister(name)


def refuse_endless(connection: Any, rows: PurchaseRows) -> None:
    """DataError where an amount is not finite, which shows in the sums."""
    endless = f"SELECT customer_id FROM ({rows.sql}) WHERE amount::VARCHAR IN ('nan', 'inf', '-inf') LIMIT 1"
    for (customer,) in connection.execute(endless, rows.parameters).fetchall():
        raise DataError(
            f"an amount of customer {show(customer)} is not a finite number. Correct it, or add the log to a "
            "CustomerDatabase, which sets such rows aside."
        ) from None


def nobody_by(end: int) -> DataError:
    """What to say where nobody had bought by the day `end`."""
    return DataError(f"nobody had bought by the end of {iso_day(end)}. Choose a later day.")


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
