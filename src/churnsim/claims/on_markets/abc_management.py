"""`abc-management`: put the effort on the top fifth."""

from __future__ import annotations

from collections.abc import Sequence

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.maps import believed_of, map_of, map_tables, where
from churnsim.claims.machinery.plausible import plausible
from churnsim.claims.machinery.strategy_comparison import budget_of, gain_part, gain_table, gains_of, market_with
from churnsim.claims.machinery.verdicts import Answer, combine, conjunction
from churnsim.simulation.scenario.strategy import RetentionContacts, Strategy

TOP, EVENLY, RESPONSIVE, NOTHING = "top fifth", "everybody alike", "most responsive fifth", "no contacts"
SHARE = 0.20
BUDGETS = (0.02, 0.10)
"""Money a period for each known customer."""
SPREAD = 1.0
"""How far customers differ in what contacts do to them: from nothing to twice the mean, besides those harmed."""
OVER = {"retention.max_effect": (0.0, 1.0), "retention.spend_scale": (0.05, 2.05)}


def strategies(budget: float, share: float = SHARE) -> list[Strategy]:
    """One budget, spent on the best by past revenue, on everybody, on the responsive, or not at all."""
    return [
        Strategy(name=TOP, retention=RetentionContacts(budget_per_period=budget, rule="top_value", share=share)),
        Strategy(name=EVENLY, retention=RetentionContacts(budget_per_period=budget, rule="all")),
        Strategy(
            name=RESPONSIVE, retention=RetentionContacts(budget_per_period=budget, rule="responsive", share=share)
        ),
        Strategy(name=NOTHING),
    ]


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    harmed: float | None = None,
    budgets: Sequence[float] = BUDGETS,
    share: float = SHARE,
    alike: bool = False,
) -> Finding:
    """The top fifth against everybody and against the responsive, at two budgets; in the control contacts harm all, and
    in the planted world all customers answer `alike`, and strongly."""
    evidence = market_with(evidence, retention={"response_spread": SPREAD})
    if alike:
        strong = {"response_spread": 0.0, "harmed_share": 0.0, "max_effect": 0.95, "spend_scale": 0.5}
        evidence = market_with(evidence, retention=strong)
    if harmed is not None:
        evidence = market_with(evidence, retention={"harmed_share": harmed})
    settings: list[Part] = []
    rows: Rows = []
    for per_customer in budgets:
        budget = budget_of(evidence, per_customer=per_customer)
        _, gains = gains_of(evidence, strategies(budget, share))
        rows += gain_table(gains, budget=budget)
        parts = tuple(gain_part(gain) for gain in gains[:2])
        settings.append(
            Part(
                name=f"{budget:,.0f} a period",
                estimand=f"Equity of {TOP} less that of {EVENLY} and of {RESPONSIVE}, money over the horizon, paired.",
                answer=conjunction(parts),
                **gains[0].figures(f"money, less {EVENLY}"),
                reason=f"With {budget:,.0f} a period " + " ".join(part.reason for part in parts)
                + f" Against no contacts: {gains[2]}.",
            )
        )  # fmt: skip
    answer = combine(settings)
    if alike or harmed is not None:
        return Finding(answer=answer, reason=" ".join(part.reason for part in settings), parts=tuple(settings))
    lean = budget_of(evidence, per_customer=budgets[0])
    region = map_of(evidence, strategies(lean, share), OVER, of=TOP, against=EVENLY, quick=quick)
    mass = plausible(region, believed_of(evidence, OVER))
    holds = "; ".join(part.name for part in settings if part.answer is Answer.HOLDS)
    return Finding(
        # What contacts do is assumed, so that agreement is only as good as what is believed of it.
        answer=mass.answer if answer is Answer.HOLDS else answer,
        plausible=mass,
        reason=(f"On {evidence.label}. " + " ".join(part.reason for part in settings) + " " + _moral(rows))
        + f" Against spreading evenly alone, at {lean:,.0f} a period: {where(region)} {mass}",
        **settings[0].figures,
        region=where(region) if answer is Answer.HOLDS else holds or None,
        parts=tuple(settings),
        tables={"gains": rows, **map_tables("top fifth against everybody", region, believed_of(evidence, OVER))},
    )


def _moral(rows: Rows) -> str:
    """What the larger budget says of value against response, and of contacts at all."""
    last = {row["against"]: row for row in rows[-3:]}
    if last[RESPONSIVE]["lower"] > 0:
        told = "Aiming at value beats aiming at response here, since what is saved of a good customer is worth more."
    elif last[RESPONSIVE]["upper"] < 0:
        told = "Aiming at those on whom contacts work beats aiming at value."
    else:
        told = "Whether value or response is the better aim these runs do not decide."
    return told + (" Not contacting anybody is better still." if last[NOTHING]["upper"] < 0 else "")
