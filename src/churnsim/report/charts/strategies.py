"""The strategies side by side: spending, paired differences, and paths with bands; and value by decile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.charts.theme import ACCOUNTS, DASHES, EXPECTED, INK, NUMBERS, STRATEGIES, Size, wrap

__all__ = ["forest", "paths", "spending", "value_by_decile"]

Rows = Sequence[dict[str, Any]]
# Category labels arrive with their line breaks; Vega-Lite wants a list of lines.
_LINES = "split(datum.label, '\\n')"


IN_A_ROW = 5  # strategies of a legend that fit beside each other


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def _cycle(items: Sequence[Any], n: int) -> list[Any]:
    return [items[i % len(items)] for i in range(n)]


def value_by_decile(rows: Rows, *, x: str, y: str) -> ChartMaker:
    """Bars by decile; rows: decile, value."""

    def make(size: Size) -> tuple[AnyChart, int]:
        bars = alt.Chart(_data(rows)).mark_bar(color=EXPECTED)
        drawn = bars.encode(
            x=alt.X("decile:O", title=x),
            y=alt.Y("value:Q", title=y, axis=alt.Axis(tickCount=5, format=NUMBERS)),
        )
        return drawn, 220 if size.narrow else 240

    return make


def spending(rows: Rows, *, strategies: Sequence[str], accounts: Sequence[str], x: str) -> ChartMaker:
    """Stacked bars; rows: strategy, account, mean, order (of the account)."""

    def make(size: Size) -> tuple[AnyChart, int]:
        shown = [{**row, "strategy": wrap(row["strategy"], size)} for row in rows]
        colours = alt.Scale(domain=list(accounts), range=_cycle(ACCOUNTS, len(accounts)))
        bars = alt.Chart(_data(shown)).mark_bar(height={"band": 0.62})
        drawn = bars.encode(
            x=alt.X("mean:Q", title=x, axis=alt.Axis(tickCount=size.ticks - 1, format=NUMBERS)),
            y=alt.Y(
                "strategy:N",
                sort=[wrap(name, size) for name in strategies],
                title=None,
                axis=alt.Axis(labelExpr=_LINES, ticks=False, domain=False, labelPadding=8),
            ),
            color=alt.Color("account:N", scale=colours, legend=alt.Legend(columns=2 if size.narrow else 0)),
            order=alt.Order("order:Q"),
        )
        return drawn, 100 + 46 * len(strategies) + (22 * (len(accounts) // 2) if size.narrow else 0)

    return make


def forest(rows: Rows, *, x: str) -> ChartMaker:
    """Means with intervals around a zero line; rows: strategy, mean, lower, upper, text."""

    def make(size: Size) -> tuple[AnyChart, int]:
        shown = [{**row, "strategy": wrap(row["strategy"], size)} for row in rows]
        spans = [row for row in shown if row["lower"] is not None and row["upper"] is not None]
        labels = alt.Axis(labelExpr=_LINES, ticks=False, domain=False, grid=True, labelPadding=8)
        vertical = alt.Y("strategy:N", sort=[row["strategy"] for row in shown], title=None, axis=labels)
        # A zero has no sign.
        sign = f"datum.value === 0 ? '0' : format(datum.value, '+{NUMBERS}')"
        axis = alt.Axis(tickCount=size.ticks - 2, labelExpr=sign)
        scale = alt.Scale(zero=True, nice=True, padding=44)
        dots = alt.Chart(_data(shown)).encode(y=vertical, x=alt.X("mean:Q", title=x, axis=axis, scale=scale))
        bars = alt.Chart(_data(spans)).mark_rule(color=EXPECTED, strokeWidth=3, strokeCap="round")
        zero = alt.Chart(_data([{"zero": 0}])).mark_rule(color=INK, strokeDash=[4, 3])
        drawn = alt.layer(
            zero.encode(x=alt.X("zero:Q", title=x)),
            bars.encode(y=vertical, x=alt.X("lower:Q", title=x), x2="upper:Q"),
            dots.mark_point(filled=True, size=90, color=EXPECTED, opacity=1),
            dots.mark_text(dy=-13, fontWeight="bold").encode(text="text:N"),
        )
        return drawn, 70 + 58 * len(shown)

    return make


def paths(rows: Rows, *, strategies: Sequence[str], x: str, y: str) -> ChartMaker:
    """Lines with bands; rows: strategy, period, mean, lower, upper. The first strategy is the baseline."""
    names = list(strategies)
    colours = alt.Scale(domain=names, range=_cycle(STRATEGIES, len(names)))
    dashes = alt.Scale(domain=names, range=_cycle(DASHES, len(names)))

    def make(size: Size) -> tuple[AnyChart, int]:
        # One column on a phone: the legend's lines of text then never run out of the drawing.
        legend = alt.Legend(
            symbolType="stroke",
            symbolStrokeWidth=3,
            symbolSize=300,
            symbolOpacity=1,
            columns=1 if size.narrow else (0 if len(names) <= IN_A_ROW else IN_A_ROW - 1),
        )
        base = alt.Chart(_data(rows)).encode(
            x=alt.X("period:Q", title=x, axis=alt.Axis(tickCount=size.ticks, tickMinStep=1, grid=False)),
            color=alt.Color("strategy:N", scale=colours, legend=legend),
        )
        vertical = alt.Axis(tickCount=5, format=NUMBERS)
        bands = base.mark_area(fillOpacity=0.13).encode(
            y=alt.Y("lower:Q", title=y, axis=vertical, scale=alt.Scale(zero=False)), y2="upper:Q"
        )
        lines = base.mark_line(strokeWidth=2.2).encode(
            y=alt.Y("mean:Q", title=y), strokeDash=alt.StrokeDash("strategy:N", scale=dashes, legend=legend)
        )
        return alt.layer(bands, lines), (250 + 18 * len(names)) if size.narrow else 340

    return make
