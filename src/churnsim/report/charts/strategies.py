"""The strategies side by side: spending and paths with bands; and value by decile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from churnsim.report.charts.marks import Rows, date_axis, inline, legend
from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.charts.theme import DASHES, EXPECTED, STRATEGIES, Size

__all__ = ["cycle", "paths", "value_by_decile"]


def cycle(items: Sequence[Any], n: int) -> list[Any]:
    """The first `n` of the items, over and over."""
    return [items[i % len(items)] for i in range(n)]


def value_by_decile(rows: Rows, *, x: str, y: str, labels: str) -> ChartMaker:
    """Bars by decile; rows: decile, value. `labels` writes the ticks."""

    def make(size: Size) -> tuple[AnyChart, int]:
        bars = alt.Chart(inline(rows)).mark_bar(color=EXPECTED)
        drawn = bars.encode(
            x=alt.X("decile:O", title=x), y=alt.Y("value:Q", title=y, axis=alt.Axis(tickCount=5, labelExpr=labels))
        )
        return drawn, 220 if size.narrow else 240

    return make


def paths(rows: Rows, *, strategies: Sequence[str], x: str, y: str, labels: str) -> ChartMaker:
    """Lines with bands over time; rows: strategy, date (ISO) or time (a number), mean, lower, upper.

    The first strategy is the baseline. `labels` writes the ticks of the upright axis.
    """
    names, dated = list(strategies), "date" in rows[0]

    def make(size: Size) -> tuple[AnyChart, int]:
        key, wrapped, above = legend(names, size, symbolType="stroke", symbolStrokeWidth=3, symbolSize=300)
        shown = [{**row, "strategy": wrapped[names.index(row["strategy"])]} for row in rows]
        plain = {"axis": alt.Axis(tickCount=size.ticks, grid=False)}
        time = date_axis(rows, size, grid=False) if dated else plain
        base = alt.Chart(inline(shown)).encode(
            x=alt.X("date:T" if dated else "time:Q", title=None if dated else x, **time),
            color=alt.Color(
                "strategy:N", scale=alt.Scale(domain=wrapped, range=cycle(STRATEGIES, len(names))), legend=key
            ),
        )
        upright = alt.Axis(tickCount=5, labelExpr=labels)
        bands = base.mark_area(fillOpacity=0.13).encode(
            y=alt.Y("lower:Q", title=y, axis=upright, scale=alt.Scale(zero=False)), y2="upper:Q"
        )
        dashes = alt.Scale(domain=wrapped, range=cycle(DASHES, len(names)))
        lines = base.mark_line(strokeWidth=2.2).encode(
            y=alt.Y("mean:Q", title=y), strokeDash=alt.StrokeDash("strategy:N", scale=dashes, legend=key)
        )
        return alt.layer(bands, lines), (230 if size.narrow else 300) + above

    return make
