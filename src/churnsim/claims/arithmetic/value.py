"""What a customer is worth: `card-npv` (a credit-card customer's five years) and `customer-asset-equation`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.verdicts import Answer, closes, combine, share_of_map
from churnsim.economics.customer_equity import asset_equation_bias
from churnsim.economics.multiples import MarginTiming
from churnsim.economics.streams import ProfitStream, npv, present_values, stream_value
from churnsim.economics.survival_curves import BetaGeometric, CustomerLife, Geometric, MeanLife

FLOWS = (-51.0, 30.0, 42.0, 44.0, 49.0, 55.0)
"""Cash flows of 'Keeping existing customers' (undated) at years 0 to 5: account opening, then profit by year of
the relation (dollars)."""
ACQUISITION_COST = -FLOWS[0]
PROFITS = FLOWS[1:]
"""Profit by year 1 to 5, all that the text has: the 60 of its chart is a tick of the axis."""
STATED_CARD, WITHIN_CARD, DISCOUNT = 111.7, 0.05, 0.10
RETENTION = 0.80
"""Retention whose mean life 1/(1 - r) is the table's five years."""
PRINTED_FACTORS = (1.000, 0.909, 0.826, 0.751, 0.683, 0.621)


def judge_card(evidence: Evidence = None, quick: bool = False, *, discount_rate: float = DISCOUNT) -> Finding:
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
    answer = closes(exact, STATED_CARD, within=WITHIN_CARD)
    return Finding(
        answer=answer,
        reason=(
            f"The flows discounted at {discount_rate:.0%} sum to {exact:.2f}; the text states {STATED_CARD}. The table "
            "lets every customer stay five years to the day. If a fifth leaves each year the same five flows are worth "
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


BASES = tuple(round(0.50 + 0.05 * i, 2) for i in range(10))
RATES = (0.05, 0.10, 0.15)
MIXES = (0.0, 0.05, 0.18, 0.35)
"""Polarization of churn: none, and those of Fader & Hardie's (2007, 2010) examples."""
NEARLY = 0.01
READINGS = {
    "just renewed": MarginTiming.IMMEDIATE,
    "first margin after a renewal": MarginTiming.BEFORE_RENEWAL,
}
TRUTH = MarginTiming.BEFORE_RENEWAL


def _curve(retention: float, polarization: float) -> CustomerLife:
    if polarization == 0.0:
        return Geometric(retention=retention)
    return BetaGeometric(retention=retention, polarization=polarization)


def bias_map(reading: MarginTiming, mixes: Sequence[float] = MIXES) -> Rows:
    """Relative error of the equation for customers about to renew, by retention, discount and polarization."""
    return [
        {
            "retention": retention,
            "discount_rate": rate,
            "polarization": mix,
            "bias": asset_equation_bias(_curve(retention, mix), discount_rate=rate, read_as=reading, truth=TRUTH),
        }
        for mix, rate, retention in product(mixes, RATES, BASES)
    ]


def _part(name: str, reading: MarginTiming, mixes: Sequence[float]) -> tuple[Part, Rows]:
    rows = bias_map(reading, mixes)
    answer, share = share_of_map(abs(row["bias"]) <= NEARLY for row in rows)
    worst = min(rows, key=lambda row: float(row["bias"]))
    alike = [float(row["bias"]) for row in rows if row["polarization"] == 0.0]
    part = Part(
        name=f"NPV read as that of a customer {name}"
        if reading is MarginTiming.IMMEDIATE
        else f"NPV read with the {name}",
        estimand=f"Relative error of the equation's value of existing customers about to renew, percent ({name}).",
        answer=answer,
        estimate=100.0 * float(worst["bias"]),
        unit="percent, worst cell of the map",
        reason=(
            f"Where all churn alike the error is {min(alike):.1%} to {max(alike):.1%}; over the map it is as bad as "
            f"{float(worst['bias']):.1%} (retention {worst['retention']:.2f}, discount {worst['discount_rate']:.0%}, "
            f"polarization {worst['polarization']:.2f}); it is within {NEARLY:.0%} in {share:.0%} of the cells."
        ),
        region="All customers churn alike." if answer is Answer.UNDECIDED else None,
    )
    return part, rows


def judge_equation(
    evidence: Evidence = None, quick: bool = False, *, readings: Sequence[str] = tuple(READINGS),
    mixes: Sequence[float] = MIXES,
) -> Finding:  # fmt: skip
    """The equation in two readings; the control keeps the one that counts churn twice."""
    judged = [_part(name, READINGS[name], mixes) for name in readings]
    parts = tuple(part for part, _ in judged)
    return Finding(
        answer=combine(parts),
        reason=(
            "The value of a customer who has just renewed, times the chance to renew, is the value just before a "
            "renewal: read so, the equation is exact for customers who churn alike, and too low where they "
            "differ, since those who stay are the better ones. Read with a value that already starts behind "
            "a renewal it counts churn twice. " + " ".join(f"{part.name}: {part.reason}" for part in parts) + " The "
            "second term must be net of what winning the potential customers costs, which the text does not say."
        ),
        **parts[-1].figures,
        region="NPV is that of customers who have just renewed, and all churn alike."
        if combine(parts) is Answer.UNDECIDED
        else None,
        parts=parts,
        tables={"bias": [{"reading": name, **row} for name, (_, rows) in zip(readings, judged, strict=True)
                         for row in rows]},
    )  # fmt: skip
