"""`database-loop`: the database cycle."""

from __future__ import annotations

from churnsim.claims.machinery.budgets import budget_of, half_a_year
from churnsim.claims.machinery.claim import Evidence, Finding, Part, Table, Verdict
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import NEEDS_MARKET
from churnsim.claims.machinery.methods import method_claim
from churnsim.claims.machinery.strategy_comparison import gain_of, gain_part, gain_table, market_with
from churnsim.claims.machinery.verdicts import combine, not_run
from churnsim.simulation.scenario.strategy import RetentionContacts, Strategy

__all__ = ["DATABASE_LOOP", "judge"]

WITHOUT, NOTHING, LOOP = "the same money on everybody", "no contacts", "contacts by the database"
BUDGETS = (0.05, 0.20)
"""Money a period for each known customer."""


def judge(evidence: Evidence, quick: bool = False, *, effect: float = 1.0) -> Finding:
    """Contacts by a database renewed each period against the same money on everybody and against none."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    evidence = evidence.at(quick=quick)
    evidence = market_with(evidence, retention={"max_effect": effect * evidence.market.retention.max_effect})
    parts: list[Part] = []
    rows: Table = []
    told: list[str] = []
    for per_customer in BUDGETS:
        budget = budget_of(evidence, per_customer=per_customer)
        found = evidence.compare(
            [
                Strategy(name=NOTHING),
                Strategy(name=WITHOUT, retention=RetentionContacts(budget_per_period=budget, rule="all")),
                Strategy(
                    name=LOOP,
                    retention=RetentionContacts(
                        budget_per_period=budget, rule="recent_buyers", within=half_a_year(evidence)
                    ),
                ),
            ]
        )
        gains = [gain_of(found, LOOP, against, jointly=2) for against in (WITHOUT, NOTHING)]
        rows += gain_table(gains, budget=budget)
        parts += [gain_part(gain, name=f"{budget:,.0f} a period, against {gain.against}") for gain in gains]
        told.append(f"With {budget:,.0f} a period: " + ", ".join(f"against {g.against} {g}" for g in gains) + ".")
    verdict = combine(parts)
    holds = [part.name for part in parts if part.verdict is Verdict.HOLDS]
    return Finding(
        verdict=verdict,
        reason=(
            f"On {evidence.label}, contacts to those who bought in the last half year, looked up anew each period. "
            + " ".join(told)
            + " Whether contacts pay at all hangs on what they do, which is assumed; the same money on everybody meets "
            "the same assumption."
        ),
        estimate=parts[0].estimate,
        lower=parts[0].lower,
        upper=parts[0].upper,
        unit="money over the horizon, against the same money on everybody",
        region="; ".join(holds) + "." if verdict is Verdict.HOLDS_IF else None,
        parts=tuple(parts),
        tables={"gains": rows},
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """The same contacts at the same cost, moving nobody."""
    return judge(evidence, quick, effect=0.0)


DATABASE_LOOP = method_claim(
    id="database-loop",
    says="Collect data, find the ideal customers, use the data, renew it: the cycle keeps customers at lower cost.",
    quote="数据采集—数据存储—数据处理—寻找理想消费者—使用数据—更新和完善数据库",
    text="nine-steps",
    judge=judge,
    control=control,
)
