"""`database-loop`: the database cycle."""

from __future__ import annotations

from dataclasses import replace

from churnsim.claims.budgets import budget_of, half_a_year
from churnsim.claims.claim import Claim, Control, Evidence, Finding, Kind, Part, Table, Verdict
from churnsim.claims.evidence import MarketEvidence
from churnsim.claims.fitted import NEEDS_MARKET
from churnsim.claims.judging import above, combine, not_run
from churnsim.claims.sources import source
from churnsim.simulation.strategy import RetentionContacts, Strategy

__all__ = ["DATABASE_LOOP", "judge"]

WITHOUT, NOTHING, LOOP = "everybody known", "no contacts", "database each period"
BUDGETS = (0.05, 0.20)
"""Money a period for each known customer."""


def judge(evidence: Evidence, quick: bool = False, *, effect: float = 1.0) -> Finding:
    """Contacts by a database renewed each period against the same money on everybody and against none."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    evidence = evidence.at(quick=quick)
    market = evidence.market
    evidence = replace(
        evidence,
        market=replace(market, retention=replace(market.retention, max_effect=effect * market.retention.max_effect)),
    )
    parts: list[Part] = []
    rows: Table = []
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
        for against in (WITHOUT, NOTHING):
            (row,) = [
                r for r in found.differences("equity", against=against, level=0.975).to_dict("records")
                if r["strategy"] == LOOP
            ]  # fmt: skip
            mean, lower, upper = (float(row[key]) for key in ("mean", "lower", "upper"))
            rows.append({"budget": budget, "against": against, "gain": mean, "lower": lower, "upper": upper})
            parts.append(
                Part(
                    name=f"{budget:,.0f} a period, against {against}",
                    estimand=f"Equity with the database less that of {against}, money over the horizon, paired.",
                    verdict=above(lower, upper),
                    estimate=mean,
                    lower=lower,
                    upper=upper,
                    unit="money over the horizon",
                    reason=f"{mean:+,.0f} [{lower:+,.0f}, {upper:+,.0f}]",
                )
            )
    verdict = combine(parts)
    holds = [part.name for part in parts if part.verdict is Verdict.HOLDS]
    return Finding(
        verdict=verdict,
        reason=(
            f"On {evidence.label}: contacts to those who bought in the last half year, looked up anew each "
            f"period, less the same money otherwise: "
            + "; ".join(f"{part.name} {part.reason}" for part in parts)
            + ". Using the data beats "
            "not using them; whether contacts pay at all is another question, and hangs on what they do, "
            "which is assumed."
        ),
        estimate=parts[0].estimate,
        lower=parts[0].lower,
        upper=parts[0].upper,
        unit="money over the horizon, against the same money on everybody",
        region="; ".join(holds) + "." if verdict is Verdict.HOLDS_IF else None,
        parts=tuple(parts),
        tables={"comparisons": rows},
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """The same contacts at the same cost, moving nobody."""
    return judge(evidence, quick, effect=0.0)


DATABASE_LOOP = Claim(
    id="database-loop",
    says=("Collect data, find the ideal customers, use the data, renew it: the cycle keeps customers at lower cost."),
    quote="数据采集—数据存储—数据处理—寻找理想消费者—使用数据—更新和完善数据库",
    sources=(source("003", measured="No study is named."),),
    kind=Kind.SIMULATION,
    quantity=("Net present value with the method less without, at equal budget, money over the horizon, paired."),
    expect="above zero",
    within=None,
    because="A sign, judged by a paired interval.",
    control=Control(what="the method at the same cost and without effect", judge=control),
    critique=(
        ("A method is as good as the response it meets, which the text does not state; the map says what it takes."),
    ),
    judge=judge,
)
