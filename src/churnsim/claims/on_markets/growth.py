"""How a firm grows by who leaves and who comes: `loyal-bank` and `customer-flow`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence, market_evidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.plausible import Plausible
from churnsim.claims.machinery.strategy_comparison import LOSSES, budget_of, market_with
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread, by_interval, combine, spread
from churnsim.decisions.comparison.compare import compare
from churnsim.economics.switching import FlowShare
from churnsim.simulation.core.belief import Belief
from churnsim.simulation.core.lifetimes import ContractualLifetime, FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.competitors import Competitors
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Acquisition, Strategy
from churnsim.statistics import student_quantile
from churnsim.typing import Floats

LOW, HIGH = 1.5, 2.5
LOYAL, OTHER = 0.05, 0.10
# New customers a year as a share of the customers both firms begin with, and the years looked at (assumed, varied).
GAINS = tuple(round(0.11 + 0.01 * step, 2) for step in range(20))
YEARS = (1, 2, 3, 5, 7, 10)
BELIEF = Belief(value=0.15, low=0.06, high=0.35, status="assumed", source="what banks win a year, of their customers")
# One market is also simulated, agent by agent: 15% a year, at which the first year's ratio is two.
SIMULATED_GAIN, CUSTOMERS = 0.15, 4000
POOL = 10_000_000.0


def growth_ratio(gain: float, year: int, *, loyal: float = LOYAL, other: float = OTHER) -> float:
    """Customers added in that year by the loyal firm over those added by the other, with N' = N (1 - c) + gain N_0."""

    def added(churn: float) -> float:
        # N settles at gain / c: each year's step is the first one's, times (1 - c).
        return (gain - churn) * (1.0 - churn) ** (year - 1)

    return added(loyal) / added(other)


def judge_bank(
    evidence: Evidence = None, quick: bool = False, *, loyal: float = LOYAL, won: Belief = BELIEF
) -> Finding:
    """The map in closed form and one market simulated; the control gives both firms the same churn, and the planted
    world has banks that are known to win about as many."""
    rows: Rows = [
        {"gain": gain, "year": year, "ratio": growth_ratio(gain, year, loyal=loyal)} for gain in GAINS for year in YEARS
    ]
    share = float(np.mean([LOW <= row["ratio"] <= HIGH for row in rows]))
    gains = np.maximum(won.quantile((np.arange(1000) + 0.5) / 1000), 1e-9)
    # A bank that wins fewer than it loses does not grow, and has no multiple.
    inside = [gain > OTHER and LOW <= growth_ratio(gain, 1, loyal=loyal) <= HIGH for gain in gains.tolist()]
    mass = Plausible.of_draws(inside, {"customers won a year, of the base": won})
    first = [row["gain"] for row in rows if row["year"] == 1 and LOW <= row["ratio"] <= HIGH]
    region = (
        f"Acquisition of {min(first):.0%} to {max(first):.0%} of the base a year, in the first year." if first else None
    )
    mapped = Part(
        name="(a) the map",
        estimand="Ratio of customers added in a year, churn 5% against 10%, over acquisition and year.",
        answer=mass.answer, plausible=mass, basis=Basis.ASSUMED, estimate=share, unit="share of the map", region=region,
        reason=(
            f'"Twice" (1.5 to 2.5) is true in {share:.0%} of {len(rows)} cells; at 11% acquisition the ratio is '
            f"{growth_ratio(0.11, 1, loyal=loyal):.1f}, at 30% {growth_ratio(0.30, 1, loyal=loyal):.2f}."
        ),
    )  # fmt: skip
    simulated = _simulated(loyal, replications=10 if quick else 40)
    parts = (mapped, simulated)
    return Finding(
        answer=mapped.answer,
        plausible=mass,
        basis=Basis.ASSUMED,
        reason=(
            f"{mapped.reason} {mass} {simulated.reason} Growth is acquisition less churn, so half the churn is twice "
            "the growth at one rate of acquisition only, and the ratio rises as both firms near their ceilings."
        ),
        estimate=simulated.estimate, lower=simulated.lower, upper=simulated.upper, unit="ratio", region=region,
        parts=parts, tables={"ratio": rows},
    )  # fmt: skip


def planted_bank(evidence: Evidence, quick: bool) -> Finding:
    """Banks that win 14.5 to 16% a year of the customers they have."""
    return judge_bank(evidence, quick, won=replace(BELIEF, low=0.145, high=0.16))


def _simulated(loyal: float, *, replications: int) -> Part:
    """Both firms agent by agent with the same arrivals: the ratio of customers added in the first year."""
    added = [_added(churn, replications) for churn in (loyal, OTHER)]
    # Fieller's interval collapses to the delta method where the denominator is far from zero, as here.
    ratio = added[0].mean() / added[1].mean()
    residual = (added[0] - ratio * added[1]) / added[1].mean()
    reach = float(student_quantile(0.975, replications - 1)) * residual.std(ddof=1) / np.sqrt(replications)
    lower, upper = float(ratio - reach), float(ratio + reach)
    return Part(
        name="(b) simulated at 15% acquisition, first year",
        estimand="Ratio of customers added in the first year, agent by agent with common random numbers.",
        answer=by_interval(lower, upper, low=LOW, high=HIGH), estimate=float(ratio), lower=lower, upper=upper,
        unit="ratio", reason=f"Simulated at 15% acquisition the ratio is {ratio:.2f} [{lower:.2f}, {upper:.2f}].",
    )  # fmt: skip


def _added(churn: float, replications: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Customers added in the first year, by replication: arrivals less what the starting base loses at its renewal.

    That renewal falls on the year's end, which the books put at the beginning of the second year, where those who
    arrived meanwhile begin to renew too; so the losses are read from a run without arrivals, under the same chances.
    """
    wanted = SIMULATED_GAIN * CUSTOMERS
    # A pool so large that it does not empty; spend far beyond the scale, so that the ceiling comes.
    prospects = Prospects(size=POOL, ceiling=wanted / POOL, spend_scale=1e-12)
    market = Market(
        customers=Cohort(size=CUSTOMERS), purchases=ContractualLifetime(hazards=(churn,), unit="Y"),
        spend=FixedSpend(amount=1.0), prospects=prospects,
    )  # fmt: skip
    firms = [Strategy(name="growing", acquisition=Acquisition(budget_per_period=1.0)), Strategy(name="closed")]
    outcomes = compare(market, firms, replications=replications, seed=1, horizon=2.0, period=1.0, epoch=1.0).outcomes
    opened = outcomes[(outcomes["strategy"] == "growing") & (outcomes["period"] == 0)]
    closed = outcomes[(outcomes["strategy"] == "closed") & (outcomes["period"] == 1)]
    losses = closed[["losses_organic", "losses_failure", "losses_complaint"]].sum(axis=1)
    added = opened["births"].to_numpy(dtype=np.float64) - losses.to_numpy(dtype=np.float64)
    return np.asarray(added, dtype=np.float64)


NAME = "as it is"
ACCOUNTS = ("active_start", "active_end", "competitor_customers", "births", "returns", "losses_switched")
PER_CUSTOMER = 0.10
"""Money a period on prospects for each known customer: an assumption."""
WITHIN = 0.02
"""How far a share that follows may be off, of itself: less than anybody reads off a share."""


@on_market
def judge_flow(
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
def planted_flow(evidence: MarketEvidence, quick: bool, **settings: float) -> Finding:
    """Customers who all leave at one rate, so that nobody is likelier to leave than who stays."""
    market = Market(
        customers=Cohort(size=2000),
        purchases=ContractualLifetime(hazards=(0.005,), unit="W"),
        spend=FixedSpend(amount=10.0),
        prospects=Prospects(size=20_000.0, ceiling=0.02, spend_scale=0.5),
    )
    return judge_flow(
        market_evidence(market, replications=evidence.replications, seed=evidence.seed), quick, **settings
    )


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
