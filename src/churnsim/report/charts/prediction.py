"""Does the model predict: counts by frequency, the holdout by frequency, the course of time, and who is alive."""

from __future__ import annotations

from typing import Any

import altair as alt

from churnsim.plots.theme import ACTUAL, ALARM, EXPECTED, INK, MUTED, NUMBERS, Size
from churnsim.report.charts.marks import Rows, date_axis, inline, series, spanned
from churnsim.report.charts.svg import AnyChart, ChartMaker

TWO_LINES = ([1, 0], [5, 3])


def _long(rows: Rows, by: str, actual: str, expected: str) -> list[dict[str, Any]]:
    """One row a value, the actual ones first."""
    return [
        {by: row[by], "value": row[key], "series": name}
        for key, name in (("actual", actual), ("expected", expected))
        for row in rows
    ]


def _numbers(title: str) -> alt.Y:
    return alt.Y("value:Q", title=title, axis=alt.Axis(tickCount=5, format=NUMBERS))


def _whiskers(rows: Rows, x: alt.X, y: str, **mark: Any) -> list[alt.Chart]:
    spans = spanned(rows)
    drawn = alt.Chart(inline(spans)).mark_rule(**mark).encode(x=x, y=alt.Y("lower:Q", title=y), y2="upper:Q")
    return [drawn] if spans else []


def calibration(rows: Rows, *, x: str, y: str, actual: str, expected: str) -> ChartMaker:
    """Bars for `actual`, dots with intervals for `expected`; rows: frequency, actual, expected, lower, upper."""
    horizontal = alt.X("frequency:N", sort=[row["frequency"] for row in rows], title=x)
    coded, long = series([actual, expected], [ACTUAL, EXPECTED]), _long(rows, "frequency", actual, expected)

    def make(size: Size) -> tuple[AnyChart, int]:
        base = {"x": horizontal, "y": _numbers(y), **coded}
        layers: list[alt.Chart] = [
            alt.Chart(inline(long[: len(rows)])).mark_bar().encode(**base),
            *_whiskers(rows, horizontal, y, color=EXPECTED, strokeWidth=2),
            alt.Chart(inline(long[len(rows) :])).mark_point(filled=True, size=60, opacity=1).encode(**base),
        ]
        return alt.layer(*layers), 250 if size.narrow else 300

    return make


def holdout(rows: Rows, *, x: str, y: str, actual: str, expected: str) -> ChartMaker:
    """Mean holdout purchases by calibration frequency; rows: frequency, actual, expected, lower, upper (of actual)."""
    horizontal = alt.X("frequency:N", sort=[row["frequency"] for row in rows], title=x)
    coded = series([actual, expected], [INK, EXPECTED], TWO_LINES)

    def make(size: Size) -> tuple[AnyChart, int]:
        base = alt.Chart(inline(_long(rows, "frequency", actual, expected))).encode(
            x=horizontal, y=_numbers(y), color=coded["color"]
        )
        layers: list[alt.Chart] = [
            *_whiskers(rows, horizontal, y, color=INK, strokeWidth=1.5, opacity=0.6),
            base.mark_line(strokeWidth=2).encode(strokeDash=coded["strokeDash"]),
            base.mark_point(filled=True, size=55, opacity=1),
        ]
        return alt.layer(*layers), 240 if size.narrow else 280

    return make


def tracking(rows: Rows, *, x: str, y: str, actual: str, expected: str, mark: str, end: str) -> ChartMaker:
    """Cumulative purchases over dates with the calibration end marked; rows: date (ISO), actual, expected."""
    coded, long = series([actual, expected], [INK, EXPECTED], TWO_LINES), _long(rows, "date", actual, expected)

    def make(size: Size) -> tuple[AnyChart, int]:
        dates = alt.X("date:T", title=None, **date_axis(rows, size))
        lines = alt.Chart(inline(long)).mark_line(strokeWidth=2).encode(x=dates, y=_numbers(y), **coded)
        marked = alt.Chart(inline([{"date": end, "label": mark}])).encode(x=dates)
        rule = marked.mark_rule(color=ALARM, strokeDash=[4, 3], strokeWidth=1.5)
        text = marked.mark_text(align="right", dx=-6, dy=8, baseline="top", color=ALARM).encode(
            y=alt.value(0), text="label:N"
        )
        return alt.layer(lines, rule, text), 260 if size.narrow else 320

    return make


def chances(rows: Rows, *, model: str) -> ChartMaker:
    """Dots with intervals over the line of equality; rows: expected, actual, lower, upper."""
    shares = alt.Scale(domain=[0, 1], nice=False)
    percent = alt.Axis(format=".0%", tickCount=6)

    def make(size: Size) -> tuple[AnyChart, int]:
        x = alt.X("expected:Q", title=f"Chance to buy in the holdout by {model}", scale=shares, axis=percent)
        line = alt.Chart(inline([{"expected": 0, "actual": 0}, {"expected": 1, "actual": 1}]))
        base = alt.Chart(inline(rows)).encode(x=x)
        y = alt.Y("actual:Q", title="Share that bought, with its 95% interval", scale=shares, axis=percent)
        drawn = alt.layer(
            line.mark_line(color=MUTED, strokeDash=[4, 3], strokeWidth=1.2).encode(x=x, y=y),
            base.mark_rule(color=INK, strokeWidth=1.5, opacity=0.6).encode(
                y=alt.Y("lower:Q", title="Share that bought, with its 95% interval"), y2="upper:Q"
            ),
            base.mark_point(filled=True, size=70, color=EXPECTED, opacity=1).encode(y=y),
        )
        return drawn, 300 if size.narrow else 420

    return make


def alive(rows: Rows, *, unit: str, T: float) -> ChartMaker:
    """A cell for each frequency and span of recency, dark where alive; rows: frequency, earliest, latest, p_alive."""
    cells = [{**row, "below": row["frequency"] - 0.5, "above": row["frequency"] + 0.5} for row in rows]
    most = max(row["frequency"] for row in rows)

    def make(size: Size) -> tuple[AnyChart, int]:
        colour = alt.Color(
            "p_alive:Q",
            scale=alt.Scale(domain=[0, 1], range=["#f0e7d8", "#9cc3de", "#0b5c92"], interpolate="lab"),
            legend=alt.Legend(title="P(alive)", format=".0%", gradientLength=200, orient="top", titleOrient="left"),
        )
        drawn = alt.Chart(inline(cells)).mark_rect(stroke=None)
        return drawn.encode(
            x=alt.X(
                "earliest:Q",
                title=f"Recency: {unit} from the first to the last purchase, of {T:g} observed",
                scale=alt.Scale(domain=[0, T], nice=False),
                axis=alt.Axis(grid=False, tickCount=size.ticks),
            ),
            x2="latest:Q",
            y=alt.Y(
                "below:Q",
                title="Frequency: repeat purchases",
                scale=alt.Scale(domain=[-0.5, most + 0.5], nice=False),
                axis=alt.Axis(grid=False, tickMinStep=1),
            ),
            y2="above:Q",
            color=colour,
        ), 320 if size.narrow else 440

    return make
