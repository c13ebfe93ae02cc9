"""The summary of a customer database, computed inside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.logs.days import past_day
from churnsim.data.logs.log_rules import exchange_factors
from churnsim.data.summaries.summary_query import in_currency, summary_of
from churnsim.errors import DataError
from churnsim.units import check_unit

__all__ = ["summarise_database"]


def summarise_database(
    connection: Any,
    *,
    unit: str,
    until: str | date | None,
    first_from: str | date | None,
    exchange_rates: Mapping[str, float] | None,
    today: str | date | None = None,
) -> pd.DataFrame:
    """See `CustomerDatabase.summarise`."""
    check_unit(unit)
    last, rows, with_amount, largest = connection.execute(
        "SELECT max(date)::DATE - DATE '1970-01-01', count(*), count(amount), max(amount) FROM transactions"
    ).fetchall()[0]
    if not rows:
        raise DataError("the database holds no transactions. Add some first.")
    end = int(last) if until is None else past_day(until, name="until", today=today)
    amounts = with_amount == rows  # where some purchases have no amount, no mean of them would be right
    factors = None
    if amounts:
        found = connection.execute("SELECT DISTINCT currency FROM transactions").fetchall()
        factors = exchange_factors([name for (name,) in found], exchange_rates)
        largest *= max(factors.values()) if factors else 1.0
    amount, parameters = in_currency("amount", "currency", factors)
    conditions = []
    if until is not None:
        conditions.append("date < ?")
        parameters.append(_timestamp(end + 1))
    if first_from is not None:
        conditions.append("customer_id NOT IN (SELECT customer_id FROM transactions WHERE date < ?)")
        parameters.append(_timestamp(past_day(first_from, name="first_from", today=today)))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    value = f", {amount} AS amount" if amounts else ""
    relation = f"SELECT customer_id, date::DATE AS day{value} FROM transactions{where}"
    return summary_of(
        connection, relation, parameters, end=end, unit=unit, largest=largest if amounts else None, rows_at_most=rows
    )


def _timestamp(day: int) -> Any:
    return np.datetime64(day, "D").astype("datetime64[us]").item()
