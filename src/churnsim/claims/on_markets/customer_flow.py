"""`customer-flow`: market share is what evaporates, switches and arrives."""

from __future__ import annotations

import math

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence, market_evidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.strategy_comparison import LOSSES, budget_of, market_with
from churnsim.claims.machinery.verdicts import Answer, Spread, combine, spread
from churnsim.economics.switching import FlowShare
from churnsim.simulation.core.lifetimes import ContractualLifetime, FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.competitors import Competitors
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Acquisition, Strategy
from churnsim.statistics import student_quantile
from churnsim.typing import Floats

NAME = "as it is"
ACCOUNTS = ("active_start", "active_end", "competitor_customers", "births", "returns", "losses_switched")
PER_CUSTOMER = 0.10
"""Money a period on prospects for each known customer: an assumption."""
WITHIN = 0.02
"""How far a share that follows may be off, of itself: less than anybody reads off a share."""


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    exchanged: bool = False,
    per_customer: float = PER_CUSTOMER,
    within: float = WITHIN,
) -> Finding:
    """The flows period by period, and the rates of the first half carried on; the control exchanges in and out."""
    evidence = market_with(evidence, competitors=Competitors())
    budget = budget_of(evidence, per_customer=per_customer)
    found = evidence.compare([Strategy(name=NAME, acquisition=Acquisition(budget_per_period=budget))])
    books = {
        name: found.outcomes.pivot_table(index="replication", columns="period", values=name).to_numpy(dtype=np.float64)
        for name in (*ACCOUNTS, *LOSSES)
    }
    lost = sum((books[name] for name in LOSSES), np.zeros_like(books["births"]))
    came = books["births"] + books["returns"]
    if exchanged:
        lost, came = came, lost
    errors = books["active_start"] + came - lost - books["active_end"]
    flows = Part(
        name="(a) the flows of each period",
        estimand="Customers at the end of a period less those at its start, plus those who left, less those who came.",
        answer=Answer.HOLDS if not errors.any() else Answer.FAILS,
        estimate=float(np.abs(errors).max()),
        unit="customers, largest deviation",
        reason=f"Over {errors.size:,} periods the flows leave {np.abs(errors).max():.0f} customers unexplained.",
    )
    if exchanged:
        return Finding(answer=flows.answer, reason=flows.reason, parts=(flows,))
    real = books["active_end"][:, -1] / (books["active_end"][:, -1] + books["competitor_customers"][:, -1])
    carried = np.array([_carried_on(books, lost, run) for run in range(len(real))])
    gap = _mean(100.0 * (carried - real))
    rates = _rates_part(spread(100.0 * real), spread(100.0 * carried), gap, within)
    parts = (flows, rates)
    return Finding(
        answer=combine(parts),
        reason=(
            f"On {evidence.label} among competitors: {flows.reason} {rates.reason} That share follows from "
            f"the flows is an identity. That it follows from constant chances, as in a switching matrix, is not"
            + ": customers differ, those likeliest to leave go first, and who is left leaves more slowly"
            * (rates.answer is Answer.FAILS)
            + "."
        ),
        **gap.figures("points of share, rates of the first half carried on less what happens"),
        region="The flows are those of each period; rates of the past carried on do not give the share."
        if combine(parts) is Answer.UNDECIDED
        else None,
        parts=parts,
    )


@on_market
def planted(evidence: MarketEvidence, quick: bool, **settings: float) -> Finding:
    """Customers who all leave at one rate, so that nobody is likelier to leave than who stays."""
    market = Market(
        customers=Cohort(size=2000),
        purchases=ContractualLifetime(hazards=(0.005,), unit="W"),
        spend=FixedSpend(amount=10.0),
        prospects=Prospects(size=20_000.0, ceiling=0.02, spend_scale=0.5),
    )
    return judge(market_evidence(market, replications=evidence.replications, seed=evidence.seed), quick, **settings)


def _mean(values: Floats) -> Spread:
    """Mean over runs with its interval, each run having its own draw of the fitted parameters."""
    half = float(student_quantile(0.975, values.size - 1)) * float(values.std(ddof=1)) / math.sqrt(values.size)
    mean = float(values.mean())
    return Spread(mean, mean - half, mean + half)


def _rates_part(real: Spread, carried: Spread, gap: Spread, within: float) -> Part:
    most = within * real.mean
    return Part(
        name="(b) the rates of the first half carried on",
        estimand="Market share at the horizon by a switching matrix of the first half's rates, less the "
        f"simulated one, points on average; within {100 * within:g}% of the share it is the same.",
        answer=gap.within(-most, most),
        **gap.figures("points of share"),
        reason=f"The first half's rates carried on give a share of {carried} percent, the simulation {real}: "
        f"{gap} points off.",
    )


def _carried_on(books: dict[str, Floats], lost: Floats, run: int) -> float:
    """Share at the horizon when the mean rates of the first half of the periods hold from then on."""
    half = books["births"].shape[1] // 2
    first = slice(0, half)
    own, rivals = books["active_start"][run, first].sum(), books["competitor_customers"][run, first].sum()
    switched = books["losses_switched"][run, first].sum() / own
    before = books["competitor_customers"][run]
    came = books["births"][run, first].sum() + books["returns"][run, first].sum()
    # What competitors lose to this firm or to nobody is their change less those who switched to them.
    drift = (before[half - 1] - before[0] - books["losses_switched"][run, 1:half].sum()) / rivals
    flow = FlowShare(
        evaporate=float(lost[run, first].sum() / own - switched),
        switch_out=float(switched),
        rivals_evaporate=float(max(-drift, 0.0)),
        switch_in=0.0,
        new=float(came / (own + rivals)),
        new_share=1.0,
    )
    steps = books["births"].shape[1] - half
    return flow.share(float(books["active_end"][run, half - 1]), float(before[half - 1]), periods=steps)[-1]
