"""`eighty-twenty`: the top fifth bring four fifths."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.firms import SPENDING, across_firms, asks_of_all, bought_by_customer, measured_on
from churnsim.claims.machinery.verdicts import Answer, Spread, conjunction
from churnsim.data.customers import customer_spend, top_share
from churnsim.data.customers.estimate import Estimate
from churnsim.economics.whale import whale

LOW, HIGH = 75.0, 85.0
WINDOWS = (4, 13, 26, 39, 52, 65)
"""Weeks after the log's first day in which spend is counted."""
COSTS = tuple(round(0.05 * i, 2) for i in range(11))
"""Cost to serve a customer, as a share of the mean margin of a customer: 0 to .50."""


def _spent(log: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(customer_spend(log).to_numpy(), dtype=np.float64)


def _sales(spent: NDArray[np.float64], label: str, quick: bool) -> Part:
    found = top_share(spent, share=0.20, replications=200 if quick else 1000)
    percent = Spread.percent(found)
    return Part(
        name="(a) sales",
        estimand="Share of sales of the 20% of customers who spend most, percent.",
        answer=percent.within(LOW, HIGH),
        **percent.figures("percent of sales"),
        reason=f"On {label} the top fifth make {found.value:.1%} of sales [{found.lower:.1%}, {found.upper:.1%}].",
    )


def _profit(spent: NDArray[np.float64]) -> tuple[Part, Rows]:
    """Profit is margin less a cost to serve, the same for everybody: the share of the top fifth rises with the cost."""
    rows: Rows = []
    for cost in COSTS:
        share = 100.0 * whale(spent - cost * spent.mean()).top(0.20)
        rows.append({"cost_to_serve_share_of_margin": cost, "top_fifth_percent": share, "inside": LOW <= share <= HIGH})
    inside = [row["cost_to_serve_share_of_margin"] for row in rows if row["inside"]]
    part = Part(
        name="(b) profit",
        estimand=(
            "Share of profit of the 20% of customers who spend most, percent, profit being margin less a cost to serve "
            "that is the same for each customer."
        ),
        answer=Answer.UNDECIDED if inside else Answer.FAILS,
        estimate=rows[0]["top_fifth_percent"],
        unit="percent of profit, no cost to serve",
        reason=(
            f"With no cost to serve it is {rows[0]['top_fifth_percent']:.1f}%, with half of the mean margin "
            f"{rows[-1]['top_fifth_percent']:.1f}%."
        ),
        region=(
            f"Serving a customer costs between {inside[0]:.0%} and {inside[-1]:.0%} of the mean customer's margin "
            f"(looked at up to {COSTS[-1]:.0%} in steps of {COSTS[1]:.0%})."
            if inside
            else None
        ),
    )
    return part, rows


def _sales_of_firms(quick: bool) -> tuple[Part, dict[str, Rows]]:
    """The same of every firm and category whose customers' purchases are public."""

    def share(name: str) -> Estimate:
        return top_share(bought_by_customer(name), share=0.20, replications=50 if quick else 200)

    found = across_firms(measured_on(SPENDING, share), scale="share", times=100.0)
    part = found.part(
        found.within(LOW, HIGH),
        name="(c) sales, firm by firm",
        estimand="Share of what is bought (money; gifts of donors) of the fifth that buys most, percent, by firm.",
        unit="percent of sales",
    )
    return part, found.table("share of the top fifth", "percent of sales")


def judge(evidence: Evidence = None, quick: bool = False, *, spent: NDArray[np.float64] | None = None) -> Finding:
    """Sales, and profit by cost to serve; the control hands over customers who are all alike."""
    log, label = log_of(evidence)
    windows: Rows = []
    firms: list[Part] = []
    tables: dict[str, Rows] = {}
    if spent is None:
        if asks_of_all(evidence):
            part, tables = _sales_of_firms(quick)
            firms.append(part)
        spent = _spent(log)
        start = log["date"].min()
        for weeks in WINDOWS:
            early = log[log["date"] < start + np.timedelta64(7 * weeks, "D")]
            windows.append({"weeks": weeks, "top_fifth_percent": 100.0 * whale(_spent(early)).top(0.2)})
    first, last = (windows[0], windows[-1]) if windows else ({}, {})
    sales = _sales(spent, label, quick)
    profit, costs = _profit(spent)
    answer = conjunction((sales, profit, *firms))
    return Finding(
        answer=answer,
        reason=(
            f"{sales.reason} "
            + _rule(sales, profit)
            + (
                f"The share {'grows' if last['top_fifth_percent'] > first['top_fifth_percent'] else 'does not grow'} "
                f"with the time looked at: {first['top_fifth_percent']:.0f}% of the first {first['weeks']} weeks' "
                f"sales, {last['top_fifth_percent']:.0f}% of {last['weeks']}."
                if windows
                else ""
            )
            + "".join(f" {part.reason}" for part in firms)
        ),
        **sales.figures,
        region=profit.region,
        parts=(sales, profit, *firms),
        tables={"cost_to_serve": costs, "windows": windows, **tables},
    )


def _rule(sales: Part, profit: Part) -> str:
    """Where the rule's 80% is, if not in sales."""
    if sales.answer is not Answer.FAILS:
        return ""
    in_profit = "; it appears in profit once serving a customer costs something. "
    return "The rule's 80% is not there" + (in_profit if profit.region else ", nor in profit. ")


def control(evidence: Evidence, quick: bool) -> Finding:
    """Customers with one purchase rate and one basket: whatever concentration there is then is chance."""
    log, _ = log_of(evidence)
    customers = int(log["customer_id"].nunique())
    generator = np.random.default_rng(1)
    orders = 1 + generator.poisson(len(log) / customers - 1.0, customers)
    return judge(evidence, quick, spent=orders.astype(np.float64))


def planted(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """A fifth of the customers who spend sixteen times what the others do: four fifths of the sales, up to chance."""
    spent = np.random.default_rng(seed).uniform(0.9, 1.1, 2000) * np.where(np.arange(2000) % 5 == 0, 16.0, 1.0)
    sales = _sales(spent, "made-up customers", quick)
    return Finding(answer=sales.answer, reason=sales.reason, parts=(sales,))
