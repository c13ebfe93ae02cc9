"""`service-level`: twenty percent better service gives forty percent more revenue."""

from __future__ import annotations

import math

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import base_draws, on_market
from churnsim.claims.machinery.maps import map_tables, where
from churnsim.claims.machinery.verdicts import Answer, combine, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement

RISE, LOW, HIGH = 0.20, 1.75, 2.25
SHARE = Axis(name="share of dropout that failures cause", low=0.0, high=1.0, cells=10)
SPEND = Axis(name="elasticity of a customer's spend to service", low=0.0, high=2.5, cells=10)


@on_market
def judge(evidence: MarketEvidence, quick: bool = False, *, noticed: bool = True, spends: float = 0.0) -> Finding:
    """A fifth fewer failures on the fitted customers, and what else it would take; in the control nobody notices."""
    share = float(evidence.market.complaints.failure_share)
    draws = [(d, d.alive) for d in base_draws(evidence)]

    def elasticity(cause: float, spend: float) -> list[float]:
        """By draw: rise of revenue over the horizon for a rise of service by a fifth, per unit of service."""
        grow = math.exp(spend * math.log1p(RISE))
        factor = 1.0 - RISE * cause
        rises = []
        for d, alive in draws:
            before = float(d.revenue(evidence.horizon)[alive].sum())
            after = float(d.revenue(evidence.horizon, factor=factor)[alive].sum())
            rises.append((grow * after / before - 1.0) / RISE)
        return rises

    here = spread(elasticity(share if noticed else 0.0, spends))
    answer = here.within(LOW, HIGH)
    retention = Part(
        name="(a) by keeping customers",
        estimand="Elasticity of revenue over the horizon to service where a fifth of the failures is gone.",
        answer=answer,
        **here.figures("percent revenue per percent service"),
        reason=(
            f"On {evidence.label}, with failures causing {share:.0%} of dropout, a fifth fewer failures raise "
            f"revenue by {RISE * here.mean:.1%}: an elasticity of {here}" + ", not 2" * (answer is Answer.FAILS) + "."
        ),
    )
    if spends:
        return Finding(answer=retention.answer, reason=retention.reason, parts=(retention,))
    if not noticed:
        return Finding(
            answer=retention.answer,
            reason="Nobody notices the better service, so that revenue stays as it is.",
            parts=(retention,),
        )
    # That better service raises what a customer spends is the claim itself: put in, it can be no finding.
    region = map_region(
        lambda cause, spend: spread(elasticity(cause, spend)).mean,
        Statement(quantity="elasticity of revenue to service", above=LOW, below=HIGH),
        (SHARE, SPEND),
    )
    most = spread(elasticity(1.0, 0.0))
    believe = Part(
        name="(b) what it would take",
        estimand="Where the elasticity lies between 1.75 and 2.25, by share of dropout due to failures and by what "
        "service does to a customer's spend.",
        answer=Answer.UNDECIDED,
        unit="percent revenue per percent service",
        reason=f"Were failures the cause of all dropout it would be {most}; the rest must come from higher spend, "
        f"which is put in: {where(region)}",
    )
    parts = (retention, believe)
    return Finding(
        answer=combine(parts),
        reason=" ".join(part.reason for part in parts),
        **here.figures(retention.unit),
        parts=parts,
        tables=map_tables("service", region),
    )
