"""What comes of a longer relation: `longer-is-worth-more` and `relationship-ladder`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.arithmetic.value import FLOWS
from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.made_up import made_up_log
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.verdicts import Answer, Spread, combine, conjunction
from churnsim.data.customers import STAGES, ladder_occupancy, ladder_stages, repeat_within
from churnsim.data.customers.estimate import Estimate, bootstrap
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import DataError
from churnsim.typing import Floats

QUARTER = 91  # days
CARD_SLOPE = 100.0 * ((FLOWS[5] / FLOWS[1]) ** (1 / 16) - 1)
"""Percent a quarter by which the card's profit grows: from 30 in year one to 55 in year five."""


def spend_by_quarter(log: pd.DataFrame) -> Floats:
    """Repeat spend by customer (rows) and quarter of its relation (columns), of the customers watched for all of them.

    There are as many quarters as at least half of the customers were watched for; those who came later are left out.
    Raises DataError where these are fewer than two quarters, or nobody bought again in them.
    """
    days = purchase_days(log)
    first = days.first_day()
    watched = (days.day.max() + 1 - first) // QUARTER
    quarters = int(np.sort(watched)[len(watched) // 2])
    if quarters < 2:
        raise DataError(
            f"half of the {len(watched):,} customers were watched for fewer than two quarters after their first "
            "purchase. It takes a longer log."
        )
    tenure = days.day - first[days.customer]
    column = (tenure - 1) // QUARTER  # the first purchase, at tenure 0, starts the relation and is not counted
    kept = (tenure > 0) & (column < quarters)
    table = np.zeros((len(days.ids), quarters))
    np.add.at(table, (days.customer[kept], column[kept]), days.spend()[kept])
    table = table[watched >= quarters]
    if not table.any():
        raise DataError(f"nobody spent anything after the first purchase within {quarters} quarters.")
    return np.asarray(table)


def slope(spent: Floats, present: Floats, *, quick: bool) -> Estimate:
    """Least-squares slope on tenure of mean spend per customer present, percent of its mean a quarter; bootstrap."""
    quarter = np.arange(spent.shape[1]) - (spent.shape[1] - 1) / 2

    def statistic(weights: NDArray[np.int64]) -> float:
        mean = (weights @ spent) / np.maximum(weights @ present, 1e-300)
        return float(100.0 * (quarter @ mean) / (quarter @ quarter) / mean.mean())

    return bootstrap(statistic, len(spent), replications=200 if quick else 1000, seed=1, level=0.95)


def _part(letter: str, name: str, estimand: str, found: Estimate) -> Part:
    flat = Answer.FAILS if found.upper < CARD_SLOPE else Answer.UNDECIDED
    answer = Answer.HOLDS if found.lower > 0.0 else flat
    return Part(
        name=f"({letter}) {name}",
        estimand=estimand,
        answer=answer,
        **Spread(found.value, found.lower, found.upper).figures("percent a quarter"),
        reason=f"{found.value:+.1f}% a quarter [{found.lower:+.1f}, {found.upper:+.1f}]; the card's profit grows by "
        f"{CARD_SLOPE:+.1f}%.",
    )


def judge_longer(evidence: Evidence = None, quick: bool = False, *, reshuffle: bool = False) -> Finding:
    """Spend by tenure, per customer ever won and per customer still buying; the control shuffles the quarters."""
    log, label = log_of(evidence)
    spent = spend_by_quarter(log)
    if reshuffle:
        spent = np.random.default_rng(1).permuted(spent, axis=1)
    everybody, buying = np.ones_like(spent), (spent > 0).astype(np.float64)
    parts = (
        _part(
            "a", "per customer ever won",
            "Slope of mean repeat spend per customer ever won on the quarter of the relation, percent of the mean.",
            slope(spent, everybody, quick=quick),
        ),
        _part(
            "b", "per customer who buys in the quarter",
            "Slope of mean spend of the customers who buy in a quarter on the quarter of the relation, "
            "percent of the mean.",
            slope(spent, buying, quick=quick),
        ),
    )  # fmt: skip
    rows: Rows = [
        {
            "quarter": q + 1,
            "buying_percent": 100.0 * float(buying[:, q].mean()),
            "spend_per_customer": float(spent[:, q].mean()),
            "spend_per_buyer": float(spent[:, q].sum() / max(buying[:, q].sum(), 1.0)),
        }
        for q in range(spent.shape[1])
    ]
    return Finding(
        answer=combine(parts),
        reason=(
            f"On {label}, of whom {len(spent):,} were watched for {len(rows)} quarters: per customer ever won "
            f"{parts[0].reason} Per customer who still buys {parts[1].reason} {rows[0]['buying_percent']:.0f}% buy in "
            f"the first quarter after their first purchase and {rows[-1]['buying_percent']:.0f}% in the last. "
            f"{_those_left(parts[1])}"
        ),
        **parts[0].figures,
        region="Only customers who still buy are counted." if combine(parts) is Answer.UNDECIDED else None,
        parts=parts,
        tables={"by_quarter": rows},
    )


def _those_left(buying: Part) -> str:
    if buying.answer is Answer.HOLDS:
        return "What rises is the mean of those who are left: the light buyers leave."
    if buying.answer is Answer.UNDECIDED:
        return "Whether spend grows among those who still buy these data do not decide."
    return "Not even among those who still buy does spend grow with the length of the relation."


def planted_longer(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Customers who keep ordering and spend a tenth more each time."""
    return judge_longer(made_up_log(150, 12, every=45.0, amount=lambda order: 10.0 * 1.1**order, seed=seed), quick)


EVERY = 91  # days
UP = {stage: i for i, stage in enumerate(STAGES)}


def forbidden_moves(before: pd.Series[str], after: pd.Series[str]) -> int:
    """Customers who went down a rung without the relation's end, or came back from it as first-time buyers."""
    both = before.index.intersection(after.index)
    a, b = before.loc[both].map(UP).to_numpy(), after.loc[both].map(UP).to_numpy()
    ended = UP["dissolved"]
    down = (b < a) & (a != ended) & (b != ended)
    reborn = (a == ended) & (b == UP["first-time buyer"])
    return int((down | reborn).sum()) + int((~before.index.isin(after.index)).sum())


def judge_ladder(evidence: Evidence = None, quick: bool = False, *, reshuffle: bool = False) -> Finding:
    """Rungs, moves between quarters, and how many climb; the control permutes them."""
    log, label = log_of(evidence, amounts=False)
    occupancy = ladder_occupancy(log, every_days=EVERY)
    dates = list(occupancy["date"].unique())
    generator = np.random.default_rng(1)
    stages = [ladder_stages(log, at=pd.Timestamp(date).date()) for date in dates]
    if reshuffle:
        stages = [pd.Series(generator.permutation(s.to_numpy()), index=s.index) for s in stages]
    wrong = sum(forbidden_moves(a, b) for a, b in pairwise(stages))
    sums = occupancy.groupby("date")["share"].sum()
    exact = wrong == 0 and bool(np.allclose(sums, 1.0))
    ladder = Part(
        name="(a) the stages",
        estimand="Moves between quarters that the definition of the stages forbids, customers.",
        answer=Answer.HOLDS if exact else Answer.FAILS,
        estimate=float(wrong),
        unit="customers",
        reason=f"{len(dates)} quarters; every customer stands on one rung; {wrong:,} forbidden moves.",
    )
    if not exact:
        return Finding(answer=Answer.FAILS, reason=f"On {label}: {ladder.reason}", parts=(ladder,))
    second = repeat_within(log, within_days=365)
    climbers = Part(
        name="(b) who climbs",
        estimand="Share of first-time buyers who reach the second rung within a year, percent.",
        answer=Answer.HOLDS if second.lower > 0.5 else Answer.FAILS if second.upper < 0.5 else Answer.UNDECIDED,
        **Spread.percent(second).figures("percent of first-time buyers"),
        reason=f"{second.value:.1%} [{second.lower:.1%}, {second.upper:.1%}] climb at all within a year.",
    )
    unseen = Part(
        name="(c) advocates, members, partners",
        estimand="Share of customers on the rungs above client, percent.",
        answer=Answer.UNDECIDED,
        reason="Purchases do not show who recommends or takes part: it takes referrals by customer.",
    )
    last = occupancy[occupancy["date"] == dates[-1]].set_index("stage")["share"]
    return Finding(
        answer=conjunction((ladder, climbers)),
        reason=(
            f"On {label}: {ladder.reason} {climbers.reason} At the end "
            + ", ".join(f"{last[stage]:.0%} {stage}" for stage in STAGES if last[stage] > 0)
            + ". The ladder is a description that any log fits; that customers climb it is not"
            + (": most stop at the first rung." if climbers.answer is Answer.FAILS else ".")
        ),
        **climbers.figures,
        parts=(ladder, climbers, unseen),
        tables={"occupancy": records(occupancy)},
    )


def planted_ladder(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Nine in ten order again within two months, and again; the rest never."""
    many = made_up_log(135, 10, every=50.0, amount=lambda order: 10.0, seed=seed)
    once = made_up_log(15, 1, every=50.0, amount=lambda order: 10.0, seed=seed)
    return judge_ladder(pd.concat([many, once.assign(customer_id=once["customer_id"] + 135)], ignore_index=True), quick)
