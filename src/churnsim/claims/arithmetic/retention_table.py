"""`retention-table`: 75 against 80 percent retention in one firm's books."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, closes
from churnsim.economics.retention_table import RetentionTable

ROWS = ("retained", "lost", "sales", "gross_profit", "marketing", "net_contribution", "profit", "return_on_sales")
PRINTED = {
    0.75: dict(zip(ROWS, (15.0, 5.0, 150.0, 67.5, 29.0, 38.5, 8.5, 5.67), strict=True)),
    0.80: dict(zip(ROWS, (16.0, 4.0, 152.0, 70.0, 26.0, 44.0, 14.0, 9.2), strict=True)),
}
"""The chart of 'Keeping existing customers' (undated), its garbled labels put back in order (return on sales in
percent, money in millions)."""

HALF_DIGIT = {"return_on_sales": {0.75: 0.005, 0.80: 0.05}}
"""Half of the last printed digit; 0.05 for a figure with one decimal, the rest of the chart."""
CUSTOMERS = 20.0
OTHER_FIXED_COST = 30.0
"""Inferred: net contribution less profit before tax in both columns. The text does not print it."""


def table(printed: dict[float, dict[str, float]] = PRINTED) -> RetentionTable:
    """The coefficients that the two printed columns imply."""
    a, b = printed[0.75], printed[0.80]

    def pair(row: str) -> tuple[float, float]:
        return a[row], b[row]

    return RetentionTable.through(
        customers=CUSTOMERS,
        retained=pair("retained"),
        sales=pair("sales"),
        gross_profit=pair("gross_profit"),
        marketing=pair("marketing"),
        other_fixed_cost=OTHER_FIXED_COST,
    )


def _cells(printed: dict[float, dict[str, float]]) -> list[dict[str, float | str]]:
    """Every printed cell beside the value that the table's own logic gives it."""
    rows: list[dict[str, float | str]] = []
    implied = table(printed)
    for retention, column in printed.items():
        computed = implied.column(retention)
        for row, stated in column.items():
            value = float(getattr(computed, row)) * (100.0 if row == "return_on_sales" else 1.0)
            half = HALF_DIGIT.get(row, {}).get(retention, 0.05)
            off = abs(value - stated) / half
            rows.append(
                {"retention": retention, "row": row, "printed": stated, "computed": value, "half_digits_off": off}
            )
    return rows


def judge(
    evidence: Evidence = None, quick: bool = False, *, printed: dict[float, dict[str, float]] = PRINTED
) -> Finding:
    """Every cell of the table against its identity; the control calls this with one cell altered."""
    cells, implied = _cells(printed), table(printed)
    worst = max(cells, key=lambda cell: float(cell["half_digits_off"]))
    off = float(worst["half_digits_off"])
    answer = closes(off, 0.0, within=1.0)
    low, high = implied.column(0.75), implied.column(0.80)
    gain = implied.profit_gain(0.75, 0.80)
    net_gain = high.net_contribution / low.net_contribution - 1.0
    further = [implied.column(r) for r in (0.75, 0.80, 0.85, 0.90)]
    return Finding(
        answer=answer,
        reason=(
            (
                f"All {len(cells)} cells agree with the table's identities to the printed digits"
                if answer is Answer.HOLDS
                else f"{str(worst['row']).replace('_', ' ')} at {worst['retention']:.0%} is printed as "
                f"{worst['printed']:g} and comes to {worst['computed']:.4g}"
            )
            + f". Sales rise by {high.sales / low.sales - 1:.2%} and profit by {gain:.1%}, because the same "
            f"{OTHER_FIXED_COST:g} of other cost (inferred, not printed) stands against both; before it the gain is "
            f"{net_gain:.1%}. A lost-and-replaced customer takes {implied.cost_ratio():.1f} times the marketing of a "
            "retained one. Sales, gross profit and marketing have two coefficients for two columns and close by "
            "construction; the sums, differences and quotients do not, and are the test."
        ),
        estimate=off,
        unit="half printed digits, largest deviation",
        parts=(
            Part(
                name="profit gain",
                estimand="Relative rise of profit before tax from 75% to 80% retention, percent.",
                answer=answer,
                estimate=100.0 * gain,
                unit="percent",
                reason=f"From {low.profit:.1f} to {high.profit:.1f}.",
            ),
        ),
        tables={
            "cells": cells,
            "extrapolation": [
                {
                    "retention": c.retention,
                    "sales": c.sales,
                    "marketing": c.marketing,
                    "profit": c.profit,
                    "return_on_sales_percent": 100.0 * c.return_on_sales,
                }
                for c in further
            ],
        },
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """With marketing at 80% printed as 27 instead of 26 the columns no longer close."""
    altered = {0.75: PRINTED[0.75], 0.80: {**PRINTED[0.80], "marketing": 27.0}}
    return judge(evidence, quick, printed=altered)
