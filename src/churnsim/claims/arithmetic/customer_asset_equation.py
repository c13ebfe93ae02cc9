"""`customer-asset-equation`: what 'After-marketing management' (undated) says customers are worth to a firm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.verdicts import Answer, combine, share_of_map
from churnsim.economics.customer_equity import asset_equation_bias
from churnsim.economics.multiples import MarginTiming
from churnsim.economics.survival_curves import BetaGeometric, CustomerLife, Geometric

BASES = tuple(round(0.50 + 0.05 * i, 2) for i in range(10))
RATES = (0.05, 0.10, 0.15)
MIXES = (0.0, 0.05, 0.18, 0.35)
"""Polarization of churn: none, and those of Fader & Hardie's (2007, 2010) examples."""
WITHIN = 0.01
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
    answer, share = share_of_map(abs(row["bias"]) <= WITHIN for row in rows)
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
            f"polarization {worst['polarization']:.2f}); it is within {WITHIN:.0%} in {share:.0%} of the cells."
        ),
        region="All customers churn alike." if answer is Answer.UNDECIDED else None,
    )
    return part, rows


def judge(
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
