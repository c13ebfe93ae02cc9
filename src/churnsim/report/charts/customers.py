"""Who the customers are: the cohort matrix as a heat map, and the whale curve with its band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.charts.theme import EXPECTED, INK, MUTED, Size

__all__ = ["cohort_heat_map", "whale"]

Rows = Sequence[dict[str, Any]]
# One hue, light to dark, so that it reads in grey print and for every eye; the numbers stand in the cells.
HEAT = ("#eef4f9", "#0b5c92")
DARK = 0.7  # of the way to the darkest; from there on white figures are easier to read than black ones
CELLS_WITH_NUMBERS = 20  # wider matrices have no room for figures


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def cohort_heat_map(rows: Rows, *, x: str, y: str) -> ChartMaker:
    """Cells by cohort and age, coloured by share; rows: cohort (a label), age, share, customers (in the cohort)."""
    cohorts = list(dict.fromkeys(row["cohort"] for row in rows))
    ages = sorted({row["age"] for row in rows})
    shares = [row["share"] for row in rows]
    low, high = min(shares), max(shares)
    turn = low + DARK * (high - low)

    def make(size: Size) -> tuple[AnyChart, int]:
        written = len(ages) <= (8 if size.narrow else CELLS_WITH_NUMBERS)
        shown = [{**row, "text": f"{100 * row['share']:.0f}"} for row in rows]
        base = alt.Chart(_data(shown)).encode(
            x=alt.X("age:O", title=x, axis=alt.Axis(labelAngle=0, ticks=False, domain=False)),
            y=alt.Y("cohort:N", title=y, sort=cohorts, axis=alt.Axis(ticks=False, domain=False)),
        )
        colour = alt.Color(
            "share:Q",
            scale=alt.Scale(range=list(HEAT), domain=[low, high]),
            legend=alt.Legend(format=".0%", gradientLength=120, tickCount=3, orient="top"),
        )
        layers: list[alt.Chart] = [base.mark_rect(stroke="white", strokeWidth=1).encode(color=colour)]
        if written:
            ink = alt.condition(f"datum.share > {turn}", alt.value("white"), alt.value(INK))
            layers.append(base.mark_text(fontSize=size.font - 2).encode(text="text:N", color=ink))
        return alt.layer(*layers), 90 + max(22 * len(cohorts), 44)

    return make


def whale(rows: Rows, *, x: str, y: str, mark: float | None = 0.2) -> ChartMaker:
    """Cumulative share of value over customers, best first; rows: customers, value, lower, upper (shares).

    `mark` is a share of customers whose height is written beside the curve.
    """

    def make(size: Size) -> tuple[AnyChart, int]:
        axis = alt.Axis(format=".0%", tickCount=size.ticks - 1)
        base = alt.Chart(_data(rows)).encode(x=alt.X("customers:Q", title=x, axis=axis))
        band = base.mark_area(color=EXPECTED, fillOpacity=0.18).encode(
            y=alt.Y("lower:Q", title=y, axis=alt.Axis(format=".0%", tickCount=5)), y2="upper:Q"
        )
        line = base.mark_line(color=EXPECTED, strokeWidth=2.2).encode(y=alt.Y("value:Q", title=y))
        equal = alt.Chart(_data([{"customers": 0, "value": 0}, {"customers": 1, "value": 1}]))
        diagonal = equal.mark_line(color=MUTED, strokeDash=[4, 3], strokeWidth=1).encode(
            x=alt.X("customers:Q", title=x), y=alt.Y("value:Q", title=y)
        )
        layers: list[alt.Chart] = [diagonal, band, line]
        at = next((row for row in rows if mark is not None and abs(row["customers"] - mark) < 1e-9), None)
        if at is not None:
            text = f"{at['customers']:.0%} of customers: {at['value']:.1%} [{at['lower']:.1%}, {at['upper']:.1%}]"
            point = alt.Chart(_data([{**at, "text": text}])).encode(
                x=alt.X("customers:Q", title=x), y=alt.Y("value:Q", title=y)
            )
            layers += [
                point.mark_point(filled=True, size=70, color=INK, opacity=1),
                point.mark_text(align="left", dx=9, dy=11, color=INK).encode(text="text:N"),
            ]
        return alt.layer(*layers), 280 if size.narrow else 340

    return make
