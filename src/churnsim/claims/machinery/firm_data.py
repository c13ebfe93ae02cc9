"""What several claims take from the public data of a firm."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from churnsim.data import datasets
from churnsim.data.customers.concentration import customer_spend
from churnsim.typing import Floats, Ints

PANELS = ("catsup", "ketchup", "tuna", "yogurt", "cracker")
LOGS = ("cdnow-full", "online-retail")
"""Firms whose log of purchases is public. The CDNOW sample is a part of the full log, and no firm of its own."""
SPENDING = (*LOGS, "donations", "hillstrom", *PANELS)
"""Firms and categories of which it is known how much each customer bought."""


@cache
def load(name: str) -> pd.DataFrame:
    """A data set, read once."""
    return datasets.load(name)


def bought_by_customer(name: str) -> Floats:
    """What each customer bought: money, and gifts where no money is known (donors)."""
    frame = load(name)
    kind = datasets.describe(name).kind
    if kind == "panel":
        found: object = frame.groupby("household")["price"].sum()
    elif kind == "histories":  # the first purchase is not counted in the frequency
        found = np.repeat(1 + frame["frequency"].to_numpy(), frame["customers"].to_numpy())
    elif kind == "trial":
        found = frame["history"]
    else:
        found = customer_spend(frame)
    return np.asarray(found, dtype=np.float64)


def purchases_by_brand(panel: pd.DataFrame) -> Ints:
    """How often each household bought each brand: shape (households, brands)."""
    return pd.crosstab(panel["household"], panel["brand"]).to_numpy(dtype=np.int64)


def new_customers(log: pd.DataFrame, after: int = 91) -> pd.DataFrame:
    """The log of customers who were first seen so many days after it begins: where a firm is older than its log, the
    first purchase of the others need not be their first."""
    first = log.groupby("customer_id")["date"].transform("min")
    late: pd.DataFrame = log[first >= log["date"].min() + pd.Timedelta(after, "D")]
    return late
