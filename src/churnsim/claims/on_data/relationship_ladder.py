"""`relationship-ladder`: from suspect to partner, and the end of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.made_up import made_up_log
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.verdicts import Answer, Spread, conjunction
from churnsim.data.customers import STAGES, ladder_occupancy, ladder_stages, repeat_within

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


def judge(evidence: Evidence = None, quick: bool = False, *, reshuffle: bool = False) -> Finding:
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


def planted(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Nine in ten order again within two months, and again; the rest never."""
    many = made_up_log(135, 10, every=50.0, amount=lambda order: 10.0, seed=seed)
    once = made_up_log(15, 1, every=50.0, amount=lambda order: 10.0, seed=seed)
    return judge(pd.concat([many, once.assign(customer_id=once["customer_id"] + 135)], ignore_index=True), quick)
