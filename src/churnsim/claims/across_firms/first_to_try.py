"""`first-to-try`: when the firm brings out a new product, its old customers try it first.

A wholesaler's invoices say which products customers bought, and when each product was first sold. In the first weeks
of a product's life, do customers of long standing put more new products into their baskets than newcomers do?
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part, not_run
from churnsim.claims.machinery.firms import of_others
from churnsim.claims.machinery.verdicts import Spread
from churnsim.data import datasets
from churnsim.data.customers.estimate import Estimate, ratio_of_sums
from churnsim.data.registry.tables import invoice_lines
from churnsim.errors import DataError

INVOICES = "online-retail"
OLD, NEW = 91, 28
"""Days since a customer was first seen from which on it is an old one; days that a product is new, and a customer."""


def baskets() -> pd.DataFrame:
    """Online Retail's lines of goods sold: customer, date and product, each once a day."""
    lines = invoice_lines(datasets.describe(INVOICES))
    sold = lines[lines["CustomerID"].notna() & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
    return pd.DataFrame(
        {"customer_id": sold["CustomerID"].astype("int64"), "date": sold["InvoiceDate"].dt.normalize(),
         "product": sold["StockCode"].astype(str)}
    ).drop_duplicates()  # fmt: skip


def shares_of_new(lines: pd.DataFrame) -> dict[str, Estimate]:
    """New products in the baskets of old customers and of newcomers, each over what is usual in the same week.

    Only products are looked at that were first sold, and weeks that came, after `OLD` days of the log. Raises DataError
    where no such product was bought by both.
    """
    start = lines["date"].min()
    first_sold = lines.groupby("product")["date"].transform("min")
    first_seen = lines.groupby("customer_id")["date"].transform("min")
    is_new = (first_sold >= start + pd.Timedelta(OLD, "D")) & (lines["date"] < first_sold + pd.Timedelta(NEW, "D"))
    known_for = (lines["date"] - first_seen).dt.days
    group = np.where(known_for >= OLD, "old", np.where(known_for < NEW, "new", "between"))
    table = pd.DataFrame(
        {"customer": lines["customer_id"], "week": (lines["date"] - start).dt.days // 7, "new": is_new, "group": group}
    )[lines["date"] >= start + pd.Timedelta(OLD, "D")]
    usual = table.groupby("week")["new"].transform("mean")
    found = {}
    for name in ("old", "new"):
        mine = table["group"] == name
        sums = pd.DataFrame({"got": table["new"], "usual": usual, "customer": table["customer"]})[mine]
        by_customer = sums.groupby("customer")[["got", "usual"]].sum()
        if by_customer.empty or by_customer["got"].sum() == 0:
            raise DataError(f"no new product was bought by {name} customers.")
        found[name] = ratio_of_sums(
            by_customer["got"].to_numpy(dtype=float), by_customer["usual"].to_numpy(dtype=float)
        )
    return found


def judge(evidence: Evidence = None, quick: bool = False, *, old_try: float | None = None) -> Finding:
    """On the invoices of Online Retail; planted worlds have old customers who take `old_try` times as many new
    products as newcomers."""
    if old_try is None and not datasets.describe(INVOICES).at_hand:
        return not_run(f"{INVOICES} is not at hand. `churnsim data save {INVOICES} FILE.csv` fetches it.")
    found = shares_of_new(baskets() if old_try is None else _planted(old_try))
    old, new = found["old"], found["new"]
    ratio = old.value / new.value
    error = math.hypot(old.standard_error / old.value, new.standard_error / new.value)
    times = Spread(ratio, ratio * math.exp(-1.96 * error), ratio * math.exp(1.96 * error))
    part = Part(
        name="(a) new products in the basket",
        estimand=f"Share of products less than {NEW} days old in what customers of at least {OLD} days buy, over "
        f"that of customers of less than {NEW} days in the same weeks.",
        answer=times.above(1.0),
        **times.figures("times as much"),
        reason=f"Of old customers' baskets new products are {times} times the share that they are of newcomers' "
        f"({old.n:,} old customers, {new.n:,} new).",
    )
    where = "On the invoices of Online Retail, a wholesaler of gifts" if old_try is None else "On planted invoices"
    return Finding(
        answer=part.answer,
        reason=f"{where}: {part.reason} A newcomer's first basket is of what is usual there; whether an old customer's "
        f"new product costs less to sell is not in the data. One firm is one firm.{of_others(evidence)}",
        **part.figures,
        parts=(part,),
    )


def _planted(old_try: float) -> pd.DataFrame:
    """Invoices of 40 weeks: 300 customers, of whom half come late, and 5 new products a week after week 13."""
    generator = np.random.default_rng(1)
    rows = []
    for customer in range(300):
        arrives = 0 if customer % 2 else int(generator.integers(13, 38))
        for week in range(arrives, 40, 2):
            share = 0.10 * (old_try if week - arrives >= 13 else 1.0) if week >= 13 else 0.0
            for _ in range(8):
                if generator.random() < share:
                    product = (
                        1000 + 5 * (week - int(generator.integers(0, min(4, week - 12)))) + int(generator.integers(5))
                    )
                else:
                    product = int(generator.integers(100))
                rows.append((customer, week, product))
    frame = pd.DataFrame(rows, columns=["customer_id", "week", "product"])
    frame["date"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(7 * frame.pop("week"), "D")
    return frame.assign(product=frame["product"].astype(str)).drop_duplicates()
