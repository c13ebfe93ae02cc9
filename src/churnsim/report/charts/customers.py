"""Who the customers are, each picture as the text of an SVG file: cohorts as a heat map, and the whale curve."""

from __future__ import annotations

import altair as alt
import pandas as pd

from churnsim.errors import DataError
from churnsim.plots.theme import EXPECTED, INK, MUTED, WIDE, Size
from churnsim.report.charts.marks import Rows, inline
from churnsim.report.charts.svg import AnyChart, ChartMaker, to_svg
from churnsim.report.page.extras import require_report_extra

# One hue, light to dark, so that it reads in grey print and for every eye; the numbers stand in the cells.
HEAT = ("#eef4f9", "#0b5c92")
DARK = 0.7  # of the way to the darkest; from there on white figures are easier to read than black ones
LETTER = 0.62  # of a font's size: the width of a letter in a wide one
CELLS_WITH_NUMBERS = 20  # wider matrices have no room for figures
FORMATS = {"M": "%b %Y", "Q": "%b %Y", "Y": "%Y"}
PERIODS = {"M": "months", "Q": "quarters", "Y": "years"}


def cohort_picture(matrix: pd.DataFrame, *, period: str = "M") -> str:
    """A heat map of the frame that `churnsim.data.customers.cohort_matrix` returns for this `period`."""
    require_report_extra()
    if matrix.empty or period not in FORMATS:
        raise DataError("there is no cell to draw. Give a cohort matrix and its period: 'M', 'Q' or 'Y'.")
    rows = [
        {"cohort": f"{cohort.strftime(FORMATS[period])} ({customers:,})", "age": int(age), "share": float(share)}
        for cohort, customers, age, share in zip(
            matrix["cohort"], matrix["customers"], matrix["age"], matrix["share"], strict=True
        )
    ]
    x = f"{PERIODS[period]} since the first purchase"
    return _drawn(heat_map(rows, x=x, y="cohort (customers)"), "Percent of a cohort who bought in a period")


def whale_picture(curve: pd.DataFrame, *, of: str = "spend") -> str:
    """The frame that `churnsim.data.customers.whale_curve` returns, as a curve with its band; `of` names the value."""
    require_report_extra()
    rows = [
        {name: float(row[name]) for name in ("customers", "value", "lower", "upper")} for _, row in curve.iterrows()
    ]
    return _drawn(
        whale(rows, x="customers, best first", y=f"share of all {of}"), f"How much the best customers bring ({of})"
    )


def _drawn(make: ChartMaker, title: str) -> str:
    chart, height = make(WIDE)
    return to_svg(chart.properties(background="white", title=title), size=WIDE, height=height + 24)


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
            layers.append(base.mark_text(fontSize=size.font - 2).encode(text="text:N", color=ink))
        return alt.layer(*layers), 90 + max(22 * len(cohorts), 44)

    return make


def whale(rows: Rows, *, x: str, y: str, mark: float | None = 0.2) -> ChartMaker:
    """Cumulative share of value over customers, best first; rows: customers, value, lower, upper (shares).

    `mark` is a share of customers whose height is written beside the curve.
    """

    def make(size: Size) -> tuple[AnyChart, int]:
        axis = alt.Axis(format=".0%", tickCount=size.ticks - 1)
        base = alt.Chart(inline(rows)).encode(x=alt.X("customers:Q", title=x, axis=axis))
        band = base.mark_area(color=EXPECTED, fillOpacity=0.18).encode(
            y=alt.Y("lower:Q", title=y, axis=alt.Axis(format=".0%", tickCount=5)), y2="upper:Q"
        )
        line = base.mark_line(color=EXPECTED, strokeWidth=2.2).encode(y=alt.Y("value:Q", title=y))
        equal = alt.Chart(inline([{"customers": 0, "value": 0}, {"customers": 1, "value": 1}]))
        diagonal = equal.mark_line(color=MUTED, strokeDash=[4, 3], strokeWidth=1).encode(
            x=alt.X("customers:Q", title=x), y=alt.Y("value:Q", title=y)
        )
        layers: list[alt.Chart] = [diagonal, band, line]
        at = next((row for row in rows if mark is not None and abs(row["customers"] - mark) < 1e-9), None)
        if at is not None:
            text = f"{at['customers']:.0%} of customers: {at['value']:.1%} [{at['lower']:.1%}, {at['upper']:.1%}]"
            point = alt.Chart(inline([{**at, "text": text}])).encode(
                x=alt.X("customers:Q", title=x), y=alt.Y("value:Q", title=y)
            )
            layers += [
                point.mark_point(filled=True, size=70, color=INK, opacity=1),
                point.mark_text(align="left", dx=9, dy=11, color=INK).encode(text="text:N"),
            ]
        return alt.layer(*layers), 280 if size.narrow else 340

    return make
