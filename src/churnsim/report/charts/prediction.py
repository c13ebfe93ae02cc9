"""Does the model predict: counts by frequency, the holdout by frequency, the course of time, the replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.charts.theme import ACTUAL, EXPECTED, INK, NUMBERS, Size, wrap

__all__ = ["calibration", "holdout", "replay", "tracking"]

Rows = Sequence[dict[str, Any]]
ALARM = "#c8500a"


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def _series(names: Sequence[str], colours: Sequence[str]) -> alt.Color:
    return alt.Color(
        "series:N",
        scale=alt.Scale(domain=list(names), range=list(colours)),
        legend=alt.Legend(title=None, symbolOpacity=1),
    )


def calibration(rows: Rows, *, x: str, y: str, actual: str, expected: str) -> ChartMaker:
    """Bars for `actual`, dots with intervals for `expected`; rows: frequency, actual, expected, lower, upper."""
    order = [row["frequency"] for row in rows]
    horizontal = alt.X("frequency:N", sort=order, title=x)
    colour = _series([actual, expected], [ACTUAL, EXPECTED])
    bars = [{"frequency": r["frequency"], "value": r["actual"], "series": actual} for r in rows]
    dots = [{**r, "value": r["expected"], "series": expected} for r in rows]
    spans = [r for r in dots if r.get("lower") is not None and r.get("upper") is not None]

    def make(size: Size) -> tuple[AnyChart, int]:
        vertical = alt.Y("value:Q", title=y, axis=alt.Axis(tickCount=5, format=NUMBERS))
        layers: list[alt.Chart] = [
            alt.Chart(_data(bars)).mark_bar().encode(x=horizontal, y=vertical, color=colour),
            alt.Chart(_data(dots))
            .mark_point(filled=True, size=60, opacity=1)
            .encode(x=horizontal, y=vertical, color=colour),
        ]
        if spans:
            whisker = alt.Chart(_data(spans)).mark_rule(color=EXPECTED, strokeWidth=2)
            layers.insert(1, whisker.encode(x=horizontal, y=alt.Y("lower:Q", title=y), y2="upper:Q"))
        return alt.layer(*layers), 250 if size.narrow else 300

    return make


def holdout(rows: Rows, *, x: str, y: str, actual: str, expected: str) -> ChartMaker:
    """Mean holdout purchases by calibration frequency; rows: frequency, actual, expected, lower, upper (of actual)."""
    order = [row["frequency"] for row in rows]
    colours = _series([actual, expected], [INK, EXPECTED])
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=[actual, expected], range=[[1, 0], [5, 3]]), legend=None)
    long = [
        {"frequency": r["frequency"], "value": r[key], "series": name}
        for key, name in (("actual", actual), ("expected", expected))
        for r in rows
    ]
    spans = [r for r in rows if r.get("lower") is not None and r.get("upper") is not None]

    def make(size: Size) -> tuple[AnyChart, int]:
        horizontal = alt.X("frequency:N", sort=order, title=x)
        base = alt.Chart(_data(long)).encode(
            x=horizontal,
            y=alt.Y("value:Q", title=y, axis=alt.Axis(tickCount=5, format=NUMBERS)),
            color=colours,
        )
        layers: list[alt.Chart] = [
            base.mark_line(strokeWidth=2).encode(strokeDash=dash),
            base.mark_point(filled=True, size=55, opacity=1),
        ]
        if spans:
            whisker = alt.Chart(_data(spans)).mark_rule(color=INK, strokeWidth=1.5, opacity=0.6)
            layers.insert(0, whisker.encode(x=horizontal, y=alt.Y("lower:Q", title=y), y2="upper:Q"))
        return alt.layer(*layers), 240 if size.narrow else 280

    return make


def tracking(rows: Rows, *, x: str, y: str, actual: str, expected: str, mark: str, end: str) -> ChartMaker:
    """Cumulative purchases over dates with the calibration end marked; rows: date (ISO), actual, expected."""
    colours = _series([actual, expected], [INK, EXPECTED])
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=[actual, expected], range=[[1, 0], [5, 3]]), legend=None)
    long = [
        {"date": r["date"], "value": r[key], "series": name}
        for key, name in (("actual", actual), ("expected", expected))
        for r in rows
    ]

    def make(size: Size) -> tuple[AnyChart, int]:
        # Dates without a zone are read as UTC and shown as UTC, so that no day shifts with the machine.
        dates = alt.X(
            "date:T",
            title=None,
            scale=alt.Scale(type="utc"),
            axis=alt.Axis(format="%b %Y", tickCount=size.ticks - 1),
        )
        lines = (
            alt.Chart(_data(long))
            .mark_line(strokeWidth=2)
            .encode(
                x=dates,
                y=alt.Y("value:Q", title=y, axis=alt.Axis(tickCount=5, format=NUMBERS)),
                color=colours,
                strokeDash=dash,
            )
        )
        marked = alt.Chart(_data([{"date": end, "label": mark}])).encode(x=dates)
        rule = marked.mark_rule(color=ALARM, strokeDash=[4, 3], strokeWidth=1.5)
        text = marked.mark_text(align="right", dx=-6, dy=8, baseline="top", color=ALARM).encode(
            y=alt.value(0), text="label:N"
        )
        return alt.layer(lines, rule, text), 260 if size.narrow else 320

    return make


def replay(rows: Rows, *, x: str, actual: float, actual_label: str) -> ChartMaker:
    """Simulated mean and interval against what happened; rows: label, mean, lower, upper."""

    def make(size: Size) -> tuple[AnyChart, int]:
        shown = [{**row, "label": wrap(row["label"], size)} for row in rows]
        order = [row["label"] for row in shown]
        labels = alt.Axis(labelExpr="split(datum.label, '\\n')", ticks=False, domain=False, labelPadding=8)
        vertical = alt.Y("label:N", sort=order, title=None, axis=labels)
        scale = alt.Scale(zero=False, nice=True, padding=12)
        horizontal = alt.X("lower:Q", title=x, scale=scale, axis=alt.Axis(tickCount=size.ticks - 1, format=NUMBERS))
        base = alt.Chart(_data(shown)).encode(y=vertical)
        spans = base.mark_rule(color=EXPECTED, strokeWidth=5, opacity=0.45, strokeCap="round")
        dots = base.mark_point(filled=True, size=90, color=EXPECTED, opacity=1)
        happened = alt.Chart(_data([{"actual": actual, "text": actual_label}]))
        line = happened.mark_rule(color=ALARM, strokeWidth=2).encode(x=alt.X("actual:Q", title=x))
        text = happened.mark_text(color=ALARM, baseline="bottom", dy=-4).encode(
            x=alt.X("actual:Q", title=x), y=alt.value(0), text="text:N"
        )
        drawn = alt.layer(spans.encode(x=horizontal, x2="upper:Q"), dots.encode(x=alt.X("mean:Q", title=x)), line, text)
        return drawn, 90 + 44 * len(shown)

    return make
