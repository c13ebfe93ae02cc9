"""`precision`: one-to-one marketing."""

from __future__ import annotations

from churnsim.claims.machinery.budgets import budget_of
from churnsim.claims.machinery.claim import Evidence, Finding, Part, Table, Verdict
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import NEEDS_MARKET
from churnsim.claims.machinery.methods import method_claim
from churnsim.claims.machinery.strategy_comparison import gain_of, gain_part, gain_table, market_with
from churnsim.claims.machinery.verdicts import combine, not_run
from churnsim.simulation.scenario.strategy import CrossSelling, RetentionContacts, Strategy

__all__ = ["PRECISION", "judge"]

ONE_TO_ONE, MASS, NOTHING = "one to one", "the same for all", "nothing"
SHARE, PER_CUSTOMER = 0.20, 0.05
SPREADS = {"customers who respond alike": 0.0, "customers who differ from nothing to twice the mean": 1.0}


def judge(evidence: Evidence, quick: bool = False, *, effect: float = 1.0) -> Finding:
    """Contacts and offers to those on whom they work against the same money on everybody and against none."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    evidence = evidence.at(quick=quick)
    own = evidence.market
    half = 0.5 * budget_of(evidence, per_customer=PER_CUSTOMER)
    parts: list[Part] = []
    rows: Table = []
    for setting, spread in SPREADS.items():
        market = market_with(
            evidence,
            retention={"response_spread": spread, "max_effect": effect * own.retention.max_effect},
            cross_selling={"max_uplift": effect * own.cross_selling.max_uplift},
        )
        found = market.compare(
            [
                Strategy(
                    name=ONE_TO_ONE,
                    retention=RetentionContacts(budget_per_period=half, rule="responsive", share=SHARE),
                    cross_selling=CrossSelling(budget_per_period=half, rule="responsive", share=SHARE),
                ),
                Strategy(
                    name=MASS,
                    retention=RetentionContacts(budget_per_period=half, rule="all"),
                    cross_selling=CrossSelling(budget_per_period=half, rule="all"),
                ),
                Strategy(name=NOTHING),
            ]
        )
        gains = [gain_of(found, ONE_TO_ONE, against, jointly=4) for against in (MASS, NOTHING)]
        rows += gain_table(gains, setting=setting)
        parts += [gain_part(gain, name=f"{setting}, against {gain.against}") for gain in gains]
    verdict = combine(parts)
    holds = [part.name for part in parts if part.verdict is Verdict.HOLDS]
    return Finding(
        verdict=verdict,
        reason=(
            f"On {evidence.label}, {2 * half:,.0f} a period, half on contacts and half on offers: "
            + " ".join(f"With {part.name}: {part.reason}" for part in parts)
            + " That each customer's response is known is put in; a trial would have to show it, and costs something."
        ),
        estimate=parts[-2].estimate,
        lower=parts[-2].lower,
        upper=parts[-2].upper,
        unit=f"money over the horizon, less {MASS}, customers who differ",
        region="; ".join(holds) + "." if verdict is Verdict.HOLDS_IF else None,
        parts=tuple(parts),
        tables={"gains": rows},
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """The same money on the same customers, moving nobody and selling nothing."""
    return judge(evidence, quick, effect=0.0)


PRECISION = method_claim(
    id="precision",
    says="One-to-one marketing raises satisfaction and margin by serving each customer's own need.",
    quote="精准营销即为定制化的一对一营销,以高附加价值的产品满足不同消费群体的个性化需求",
    text="nine-steps",
    judge=judge,
    control=control,
)
