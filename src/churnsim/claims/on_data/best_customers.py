"""Who the best customers are, and what they bring: `gold-customers` and `eighty-twenty`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.firms import SPENDING, across_firms, asks_of_all, bought_by_customer, load, measured_on
from churnsim.claims.machinery.made_up import made_up_log
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.verdicts import Answer, Spread, combine, conjunction
from churnsim.data import datasets
from churnsim.data.customers import customer_spend, rfm_scores, top_share
from churnsim.data.customers.estimate import Estimate, bootstrap
from churnsim.economics.whale import whale
from churnsim.models.segmentation.gold_customers import gold_customers

UNTIL, HOLDOUT_UNTIL = "1997-09-30", "1998-06-30"
SHARE = 0.20
OTHER = "online-retail"
NAMED = {"rfm": "RFM", "regression": "regression", "factors": "factor analysis", "clusters": "cluster analysis"}
"""The methods that the text names."""


def judge_gold(evidence: Evidence = None, quick: bool = False, *, least: bool = False) -> Finding:
    """What each method's fifth spends afterwards, against a pick at random; the control picks who spent least."""
    log, label = log_of(evidence, sample=True)
    until, end = _split(log)
    chance = 100.0 * SHARE
    if least:
        share = _later_spend(log, -spent_by(log, until), until, end, quick)
        return Finding(answer=share.above(chance), reason=f"The fifth that spent least until then brings {share}%.")
    table = gold_customers(log, until=until, holdout_until=end, share=SHARE, replications=100 if quick else 400)
    ranked = records(table)
    rows = {str(row["method"]): row for row in ranked}
    parts = tuple(
        _judged(letter, name, _spent_later(rows[method]), chance)
        for letter, (method, name) in zip("abcd", NAMED.items(), strict=True)
    )
    plain, most = rows["past spend"], rows["hindsight"]
    others = _elsewhere(quick, chance) if asks_of_all(evidence) else ()
    return Finding(
        answer=combine((*parts, *others)),
        reason=(
            f"On {label}, picked by {until} and watched until {end}: "
            + " ".join(part.reason for part in parts)
            + f" Past spend alone gives {plain['spend_share']:.1%}, the best method ({ranked[0]['method']}) "
            f"{ranked[0]['spend_share']:.1%}, hindsight {most['spend_share']:.1%}. {_compared(parts, plain)}"
            + "".join(f" {part.reason}" for part in others)
        ),
        **parts[0].figures_in("percent of the later spend, the fifth picked by RFM"),
        parts=(*parts, *others),
        tables={"methods": ranked},
    )


def _elsewhere(quick: bool, chance: float) -> tuple[Part, ...]:
    """The same by RFM in the second firm whose log has amounts, if it is at hand."""
    if not datasets.describe(OTHER).at_hand:
        return ()
    log = load(OTHER)
    until, end = _split(log)
    # Equal scores are told apart by past spend, as on the first firm.
    score = rfm_scores(log, until=until)["score"] + 1e-9 * spent_by(log, until).rank(pct=True)
    found = _later_spend(log, score, until, end, quick)
    return (_judged("e", f"{NAMED['rfm']}, {OTHER}", found, chance),)


def _compared(parts: tuple[Part, ...], plain: dict[str, Any]) -> str:
    """The methods against chance and against looking at past spend alone."""
    finding = "All of the methods find good customers; " if combine(parts) is Answer.HOLDS else ""
    better = [part.name[4:] for part in parts if (part.lower or 0.0) > 100.0 * plain["spend_share"]]
    against = (
        f"better than past spend alone: {', '.join(better)}."
        if better
        else ("none does much better than simply looking at what customers have spent.")
    )
    told = finding + against
    return told[0].upper() + told[1:]


def spent_by(log: pd.DataFrame, until: str) -> pd.Series[float]:
    """What each customer had spent by then."""
    return log[log["date"] <= pd.Timestamp(until)].groupby("customer_id")["amount"].sum()


def _later_spend(log: pd.DataFrame, score: pd.Series[float], until: str, end: str, quick: bool) -> Spread:
    """Share of later spend of the fifth that scores highest, percent, with its bootstrap interval over customers."""
    after = log[(log["date"] > pd.Timestamp(until)) & (log["date"] <= pd.Timestamp(end))]
    later = after.groupby("customer_id")["amount"].sum().reindex(score.index).fillna(0.0).to_numpy()
    picked = (-score).rank(method="first").to_numpy() <= round(SHARE * len(score))

    def share(weights: NDArray[np.int64]) -> float:
        return float((weights * later)[picked].sum() / (weights * later).sum())

    return Spread.percent(bootstrap(share, len(score), replications=100 if quick else 400, seed=1, level=0.95))


def _split(log: pd.DataFrame) -> tuple[str, str]:
    """CDNOW's own split, or the middle of another log."""
    first, last = log["date"].min(), log["date"].max()
    if first <= pd.Timestamp(UNTIL) < pd.Timestamp(HOLDOUT_UNTIL) <= last:
        return UNTIL, HOLDOUT_UNTIL
    return str((first + (last - first) / 2).date()), str(last.date())


def _judged(letter: str, name: str, found: Spread, chance: float) -> Part:
    return Part(
        name=f"({letter}) {name}",
        estimand=f"Share of later spend of the fifth picked by {name}, percent; at random it is {chance:.0f}.",
        answer=found.above(chance),
        **found.figures("percent of the later spend"),
        reason=f"{name}: {found.mean:.1f}% [{found.lower:.1f}, {found.upper:.1f}].",
    )


def _spent_later(row: dict[str, Any]) -> Spread:
    return Spread(*(100.0 * float(row[key]) for key in ("spend_share", "lower", "upper")))


def planted_gold(evidence: Evidence, quick: bool) -> Finding:
    """Customers of whom a fifth buy every ten days for about 15, and the others every other month for 10."""
    often = made_up_log(60, 40, every=10.0, amount=lambda order: 15.0, noise=0.5)
    seldom = made_up_log(240, 7, every=60.0, amount=lambda order: 10.0, seed=2, noise=0.5)
    log = pd.concat([often, seldom.assign(customer_id=seldom["customer_id"] + 60)], ignore_index=True)
    return judge_gold(log.sort_values("date", ignore_index=True), quick)


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


def judge_twenty(
    evidence: Evidence = None, quick: bool = False, *, spent: NDArray[np.float64] | None = None
) -> Finding:
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


def control_twenty(evidence: Evidence, quick: bool) -> Finding:
    """Customers with one purchase rate and one basket: whatever concentration there is then is chance."""
    log, _ = log_of(evidence)
    customers = int(log["customer_id"].nunique())
    generator = np.random.default_rng(1)
    orders = 1 + generator.poisson(len(log) / customers - 1.0, customers)
    return judge_twenty(evidence, quick, spent=orders.astype(np.float64))


def planted_twenty(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """A fifth of the customers who spend sixteen times what the others do: four fifths of the sales, up to chance."""
    spent = np.random.default_rng(seed).uniform(0.9, 1.1, 2000) * np.where(np.arange(2000) % 5 == 0, 16.0, 1.0)
    sales = _sales(spent, "made-up customers", quick)
    return Finding(answer=sales.answer, reason=sales.reason, parts=(sales,))
