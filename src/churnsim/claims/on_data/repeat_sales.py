"""First and later sales: `second-sale` and `repeat-premium`."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.firms import across_firms, asks_of_all, load, measured_on, new_customers
from churnsim.claims.machinery.made_up import made_up_log
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.verdicts import Answer, Spread, combine
from churnsim.data import datasets
from churnsim.data.customers import profit_by_order_number, repeat_premium, repeat_within
from churnsim.data.customers.estimate import Estimate, ratio_of_sums
from churnsim.statistics import wilson

LOW, HIGH = 45.0, 55.0
ORDERS = (1, 2, 3, 5)
DAYS = (30, 91, 183, 365)
OFFERS = ("charity", "hillstrom-sums", "donations")
"""Data sets in which customers were offered something, and it is known who took it."""


def judge_second(evidence: Evidence = None, quick: bool = False, *, days: int = 365) -> Finding:
    """Repeat within a year of a first purchase; the control takes a month for a year."""
    log, label = log_of(evidence, amounts=False)
    found = repeat_within(log, within_days=days)
    percent = Spread.percent(found)
    answer = percent.within(LOW, HIGH)
    shortest = _shortest(log) if answer is Answer.HOLDS else None
    if shortest is not None and shortest > 1:
        answer = Answer.UNDECIDED  # some number of days makes it true of any customers who mostly come again
    existing = Part(
        name="(a) an existing customer",
        estimand=f"Share of first-time buyers who buy again within {days} days, percent.",
        answer=answer,
        **percent.figures("percent of first-time buyers"),
        reason=f"{percent.mean:.1f}% [{percent.lower:.1f}, {percent.upper:.1f}] of {found.n:,} first-time buyers buy "
        f"again within {days} days.",
        region=f"The chance is one within {shortest} days of the first purchase or longer, not one per offer."
        if shortest is not None and answer is Answer.UNDECIDED
        else None,
    )
    new = Part(
        name="(b) a new customer",
        estimand="Share of offers to prospects that end in a purchase, percent.",
        answer=Answer.UNDECIDED,
        reason="A log of purchases holds no offers: it takes who was offered what, and the same for existing "
        "customers.",
    )
    table = _table(log)
    offers: list[Part] = []
    tables: dict[str, Rows] = {"repeat": table}
    if asks_of_all(evidence):
        part, firms = _per_offer()
        offers, tables = [part], {**tables, **firms}
    return Finding(
        answer=combine((existing, new, *offers)),
        reason=(
            f"On {label} {existing.reason} It is a chance per year, not per offer, and which of the two the text means "
            f"decides: within {table[0]['days']} days {table[0]['percent']:.0f}% buy again. After the third "
            f"purchase the chance within a year is {_after(table, 3):.0f}%. {new.reason}"
            + "".join(f" Per offer: {part.reason}" for part in offers)
        ),
        **existing.figures,
        region=existing.region,
        parts=(existing, new, *offers),
        tables=tables,
    )


def planted_second(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Customers half of whom buy again on the next day, each time, so that it is one half by every reading."""
    again = np.repeat(np.arange(4000), np.random.default_rng(seed).geometric(0.5, 4000))
    order = pd.Series(again).groupby(again).cumcount()
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(again % 60 + order, unit="D")
    ends = pd.DataFrame({"customer_id": [-1], "date": [pd.Timestamp("2021-12-31")]})  # so that all are watched a year
    log = pd.concat([pd.DataFrame({"customer_id": again, "date": dates}), ends], ignore_index=True)
    return judge_second(log, quick)


def _per_offer() -> tuple[Part, dict[str, Rows]]:
    """The chance per offer, which is what is said: mailings to customers, and the years in which donors are asked."""
    found = across_firms(measured_on(OFFERS, _answered), scale="share", times=100.0)
    part = found.part(
        found.within(LOW, HIGH),
        name="(c) per offer, firm by firm",
        estimand="Share of offers to existing customers that sell, percent, by firm: mailings, and years in which past "
        "donors are asked.",
        unit="percent of offers",
    )
    return part, found.table("offers that sell", "percent of offers")


def _answered(name: str) -> Estimate:
    frame = load(name)
    if name == "donations":  # one chance a year, each donor's years together
        times = np.repeat(np.arange(len(frame)), frame["customers"])
        gifts, years = (frame[column].to_numpy(dtype=float)[times] for column in ("frequency", "T"))
        return ratio_of_sums(gifts, years)
    if name == "charity":
        sold, offered = int(frame["respond"].sum()), len(frame)
    else:  # either mail of Hillstrom's trial
        mailed = frame[frame["arm"] != "none"]
        sold, offered = int(mailed["conversion"].sum()), int(mailed["customers"].sum())
    share = sold / offered
    low, high = wilson(sold, offered)
    return Estimate(
        value=share, standard_error=math.sqrt(share * (1 - share) / offered), lower=float(low), upper=float(high),
        level=0.95, n=offered,
    )  # fmt: skip


def _shortest(log: pd.DataFrame) -> int:
    """Fewest days within which the stated share has bought again; the share rises with the days."""
    low, high = 0, 365
    while high - low > 1:
        middle = (low + high) // 2
        if 100.0 * repeat_within(log, within_days=middle).value >= LOW:
            high = middle
        else:
            low = middle
    return high


def _table(log: pd.DataFrame) -> Rows:
    rows = []
    for order, days in product(ORDERS, DAYS):
        found = Spread.percent(repeat_within(log, within_days=days, after_order=order))
        rows.append(
            {"after_order": order, "days": days, "percent": found.mean, "lower": found.lower, "upper": found.upper}
        )
    return rows


def _after(table: Rows, order: int) -> float:
    return next(float(row["percent"]) for row in table if row["after_order"] == order and row["days"] == DAYS[-1])


RANGES = {"20-35%": (20.0, 35.0), "20-85%": (20.0, 85.0)}
MOST = 10
"""The last order number told apart."""
OTHER = "online-retail"
"""The second firm whose log has amounts."""
UNITS = {"order": "per order", "period": "per week of the relation"}
ESTIMANDS = {
    "order": "Mean amount of a repeat order over that of a first order, less one, percent.",
    "period": (
        "What customers with two or more orders bring per week, from their next orders, over what those with "
        "one bring, less one, percent."
    ),
}


def _part(log: pd.DataFrame, letter: str, per: str, quick: bool) -> Part:
    found = Spread.percent(repeat_premium(log, per=per, replications=200 if quick else 1000))  # type: ignore[arg-type]
    verdicts = {name: found.within(*stated) for name, stated in RANGES.items()}
    # The wider range contains the narrower: the claim as a whole fails only where the wider one does.
    return Part(
        name=f"({letter}) {UNITS[per]}",
        estimand=ESTIMANDS[per],
        answer=verdicts["20-85%"],
        **found.figures("percent more"),
        reason=(
            f"{found.mean:+.1f}% [{found.lower:+.1f}, {found.upper:+.1f}] {UNITS[per]}; "
            + ", ".join(f"stated {name}: {verdict.value}" for name, verdict in verdicts.items())
            + "."
        ),
    )


def judge_premium(evidence: Evidence = None, quick: bool = False, *, log: pd.DataFrame | None = None) -> Finding:
    """Per order and per week; the control shuffles the amounts and compares per order alone."""
    own, label = log_of(evidence)
    parts = [_part(own if log is None else log, "a", "order", quick)]
    if log is None:
        parts.append(_part(own, "b", "period", quick))
        if asks_of_all(evidence) and datasets.describe(OTHER).at_hand:
            other = _part(new_customers(load(OTHER)), "c", "order", quick)
            parts.append(
                replace(other, name=f"{other.name}, {OTHER}", reason=f"On newcomers to {OTHER}: {other.reason}")
            )
    by_number = profit_by_order_number(own if log is None else log, most=MOST)
    last = by_number[by_number["customers"] > 0].iloc[-1]
    number = int(last["order_number"])
    ordinal = "the tenth and later ones" if number == MOST else f"order number {number}"
    return Finding(
        answer=combine(parts),
        reason=(
            f"On {label}: "
            + " ".join(part.reason for part in parts)
            + f" The mean order goes from {by_number['profit_per_order'].iloc[0]:.2f} for the first to "
            f"{last['profit_per_order']:.2f} for {ordinal}. Neither "
            "range says per what: an order, or a week of the relation, in which whoever buys twice buys often."
        ),
        **parts[0].figures_in("percent more per order"),
        region="; ".join(part.name[4:] for part in parts if part.answer is Answer.HOLDS) or None,
        parts=tuple(parts),
        tables={"by_order_number": records(by_number)},
    )


def control_premium(evidence: Evidence, quick: bool) -> Finding:
    """The amounts permuted among all orders: first and later orders are then alike."""
    log, _ = log_of(evidence)
    amounts = np.random.default_rng(1).permutation(log["amount"].to_numpy())
    return judge_premium(evidence, quick, log=log.assign(amount=amounts))


def planted_premium(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Orders after the first that are half as large again."""
    return judge_premium(
        evidence, quick, log=made_up_log(200, 6, every=30.0, amount=lambda o: 15.0 if o else 10.0, seed=seed)
    )
