"""The relationship ladder, as far as purchases show it.

The textbooks' ladder runs suspect, prospect, first-time buyer, repeat buyer, client, advocate, partner, and dissolution
from any rung (Christopher, Payne & Ballantyne 1991, "Relationship Marketing", and its descendants). A purchase log
shows four of these states; who has never bought stands in no log, an advocate is known by referrals and a partner by
contract.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, typed
from churnsim.data.customers.estimate import LEVEL
from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import PurchaseDays, purchase_days
from churnsim.errors import DataError
from churnsim.statistics import wilson

STAGES = ("first-time buyer", "repeat buyer", "client", "advocate", "dissolved")

# Assumed: no source fixes them. A client is someone for whom buying here is a habit; half a year without a purchase is
# called the end. P(alive) of a fitted model is the better judge of an end.
CLIENT_ORDERS = 4
DISSOLVED_AFTER_DAYS = 183


@typed
def ladder_stages(
    transactions: Any,
    *,
    at: str | date | None = None,
    client_orders: int = CLIENT_ORDERS,
    dissolved_after_days: int = DISSOLVED_AFTER_DAYS,
    advocates: Collection[Any] = (),
) -> pd.Series[str]:
    """The rung of each customer who had bought by the end of the day `at` (the last in the log unless given).

    "dissolved" after more than `dissolved_after_days` days without a purchase (a purchase brings the customer back to
    its rung); otherwise by purchase days: 1 "first-time buyer", fewer than `client_orders` "repeat buyer", from there
    on "client". Ids in `advocates`, known from elsewhere to have referred others, are "advocate" while not dissolved.
    Indexed by `customer_id`, sorted. Raises DataError for a bad log, ConfigError for impossible counts.
    """
    _check(client_orders, dissolved_after_days)
    log, day = purchase_days(transactions).seen_until(at)
    codes = _codes(log, day, client_orders, dissolved_after_days, _known(log, advocates))
    return pd.Series(np.array(STAGES, dtype=object)[codes[codes >= 0]], index=log.ids[codes >= 0], name="stage")


@typed
def ladder_occupancy(
    transactions: Any,
    *,
    every_days: int = 91,
    until: str | date | None = None,
    client_orders: int = CLIENT_ORDERS,
    dissolved_after_days: int = DISSOLVED_AFTER_DAYS,
    advocates: Collection[Any] = (),
    level: float = LEVEL,
) -> pd.DataFrame:
    """How many customers stand on each rung, at the end of every stretch of `every_days` days of the log.

    Columns: `date`, `stage`, `customers`, `share` of those who had ever bought by then, `lower`, `upper` (Wilson).
    Rungs as in `ladder_stages`, which see for the rest.

    Parameters
    ----------
    transactions : DataFrame
        One row a purchase: customer_id, date.
    every_days : int
        Length of a stretch.
    until : str or date, optional
        Last day that counts; the last of the log unless given.
    client_orders : int
        Orders that make a client.
    dissolved_after_days : int
        Silence after which a relation counts as dissolved.
    advocates : collection of customer ids
        Those known to recommend the firm.
    level : float
        Of the intervals.
    """
    _check(client_orders, dissolved_after_days)
    check_count(every_days, "every_days")
    log, last = purchase_days(transactions).seen_until(until)
    start = int(log.day.min())
    days = range(start + every_days - 1, last + 1, every_days)
    if not days:
        raise DataError(f"the log covers {last + 1 - start} days, less than every_days ({every_days}). Shorten it.")
    known = _known(log, advocates)
    frames = []
    for day in days:
        codes = _codes(log, day, client_orders, dissolved_after_days, known)
        counts = np.bincount(codes[codes >= 0], minlength=len(STAGES))
        lower, upper = wilson(counts, np.full(len(STAGES), counts.sum()), level=level)
        frames.append(
            pd.DataFrame(
                {
                    "date": pd.Timestamp(iso_day(day)),
                    "stage": STAGES,
                    "customers": counts,
                    "share": counts / counts.sum(),
                    "lower": lower,
                    "upper": upper,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _check(client_orders: int, dissolved_after_days: int) -> None:
    check_count(client_orders, "client_orders", least=3, remedy="One order is a first-time buyer, two a repeat buyer.")
    check_count(dissolved_after_days, "dissolved_after_days")


def _known(log: PurchaseDays, advocates: Collection[Any]) -> NDArray[np.bool_]:
    return np.asarray(log.ids.isin(list(advocates)), dtype=bool)


def _codes(
    log: PurchaseDays, day: int, client_orders: int, dissolved_after_days: int, advocate: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Each customer's place in STAGES at the end of `day`; -1 for who had not bought yet."""
    seen = log.day <= day
    orders = np.bincount(log.customer[seen], minlength=len(log.ids))
    latest = np.full(len(log.ids), day, dtype=np.int64)
    latest[log.customer[seen]] = log.day[seen]  # entries are in the order of days, so the last one stays
    codes = np.where(orders == 0, -1, np.where(orders == 1, 0, np.where(orders < client_orders, 1, 2)))
    codes[advocate & (orders > 0)] = 3
    codes[(orders > 0) & (day - latest > dissolved_after_days)] = 4
    return codes
