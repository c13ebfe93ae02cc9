"""`card-npv`: the credit-card customer whose five years are worth 111.7."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.verdicts import closes
from churnsim.economics.streams import ProfitStream, npv, present_values, stream_value
from churnsim.economics.survival_curves import BetaGeometric, Geometric, MeanLife

FLOWS = (-51.0, 30.0, 42.0, 44.0, 49.0, 55.0)
"""Cash flows of 'Keeping existing customers' (undated) at years 0 to 5: account opening, then profit by year of
the relation (dollars)."""
ACQUISITION_COST = -FLOWS[0]
PROFITS = FLOWS[1:]
"""Profit by year 1 to 5, all that the text has: the 60 of its chart is a tick of the axis."""
STATED, WITHIN, DISCOUNT = 111.7, 0.05, 0.10
RETENTION = 0.80
"""Retention whose mean life 1/(1 - r) is the table's five years."""
PRINTED_FACTORS = (1.000, 0.909, 0.826, 0.751, 0.683, 0.621)


def judge(evidence: Evidence = None, quick: bool = False, *, discount_rate: float = DISCOUNT) -> Finding:
    """Recompute the table; the control calls this with another rate."""
    exact = npv(FLOWS, discount_rate=discount_rate)
    rows = [
        {"year": t, "flow": flow, "present_value": value}
        for t, (flow, value) in enumerate(zip(FLOWS, present_values(FLOWS, discount_rate=discount_rate), strict=True))
    ]
    if discount_rate == DISCOUNT:
        for row, factor in zip(rows, PRINTED_FACTORS, strict=True):
            row["printed_factor"] = factor
            row["with_printed_factor"] = row["flow"] * factor
    survival = _under_survival(discount_rate)
    cut, chance = survival[1]["value"], survival[2]["value"]
    answer = closes(exact, STATED, within=WITHIN)
    return Finding(
        answer=answer,
        reason=(
            f"The flows discounted at {discount_rate:.0%} sum to {exact:.2f}; the text states {STATED}. The table lets "
            f"every customer stay five years to the day. If a fifth leaves each year the same five flows are worth "
            f"{cut:.2f}, and {chance:.2f} when those who stay longer go on paying the fifth year's 55."
        ),
        estimate=exact,
        unit="dollars per customer",
        tables={"flows": rows, "survival": survival},
    )


def _under_survival(discount_rate: float) -> list[dict[str, float | str]]:
    """The same card when customers leave at 20% a year instead of all after five years."""
    five, on = ProfitStream(profits=(*PROFITS, 0.0)), ProfitStream(profits=PROFITS)
    cases = (
        ("all stay five years, then leave", on, MeanLife(retention=RETENTION)),
        ("one in five leaves each year; nothing after year five", five, Geometric(retention=RETENTION)),
        ("one in five leaves each year; 55 a year from year six on", on, Geometric(retention=RETENTION)),
        # Polarization 0.05 is Fader & Hardie's (2010) own example, alpha 3.8 and beta 15.2: mean churn 20%.
        ("churn differs (mean 20%, polarization 0.05)", on, BetaGeometric(retention=RETENTION, polarization=0.05)),
    )
    return [
        {
            "case": case,
            "value": stream_value(profit, life=life, discount_rate=discount_rate, acquisition_cost=ACQUISITION_COST),
        }
        for case, profit, life in cases
    ]
