"""Cohorts as a heat map that fits the page's two widths."""

from __future__ import annotations

import altair as alt

from churnsim.plots.theme import INK, Size
from churnsim.report.charts.marks import Rows, inline
from churnsim.report.charts.svg import AnyChart, ChartMaker

# One hue, light to dark, so that it reads in grey print and for every eye; the numbers stand in the cells.
HEAT = ("#eef4f9", "#0b5c92")
DARK = 0.7  # of the way to the darkest; from there on white figures are easier to read than black ones
LETTER = 0.62  # of a font's size: the width of a letter in a wide one
CELLS_WITH_NUMBERS = 20  # wider matrices have no room for figures
FORMATS = {"M": "%b %Y", "Q": "%b %Y", "Y": "%Y"}


def heat_map(rows: Rows, *, x: str, y: str) -> ChartMaker:
    """Cells by cohort and age, coloured by share; rows: cohort (a label), age, share, customers (in the cohort)."""
    cohorts = list(dict.fromkeys(row["cohort"] for row in rows))
    ages = sorted({row["age"] for row in rows})
    shares = [row["share"] for row in rows]
    low, high = min(shares), max(shares)
    turn = low + DARK * (high - low)

    def make(size: Size) -> tuple[AnyChart, int]:
        written = len(ages) <= (8 if size.narrow else CELLS_WITH_NUMBERS)
        shown = [{**row, "text": f"{100 * row['share']:.0f}"} for row in rows]
        # Room beside the cells for a font that is wider than the one the labels are measured with.
        beside = alt.Axis(ticks=False, domain=False, minExtent=round(LETTER * size.font * max(map(len, cohorts))))
        base = alt.Chart(inline(shown)).encode(
            x=alt.X("age:O", title=x, axis=alt.Axis(labelAngle=0, ticks=False, domain=False)),
            y=alt.Y("cohort:N", title=y, sort=cohorts, axis=beside),
        )
        ticks = 2 if size.narrow else 4
        colour = alt.Color(
            "share:Q",
            scale=alt.Scale(range=list(HEAT), domain=[low, high]),
            legend=alt.Legend(type="symbol", symbolType="square", format=".0%", tickCount=ticks, orient="top"),
        )
        layers: list[alt.Chart] = [base.mark_rect(stroke="white", strokeWidth=1).encode(color=colour)]
        if written:
            ink = alt.condition(f"datum.share > {turn}", alt.value("white"), alt.value(INK))
            layers.append(base.mark_text(fontSize=size.font - 2).encode(text=alt.Text("text:N"), color=ink))
        return alt.layer(*layers), 90 + max(22 * len(cohorts), 44)

    return make
