"""Chances against shares, and P(alive) over the plane of frequency and recency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.charts.theme import EXPECTED, INK, MUTED, Size

__all__ = ["alive", "chances"]

Rows = Sequence[dict[str, Any]]


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def chances(rows: Rows, *, model: str) -> ChartMaker:
    """Dots with intervals over the line of equality; rows: expected, actual, lower, upper."""
    shares = alt.Scale(domain=[0, 1], nice=False)
    percent = alt.Axis(format=".0%", tickCount=6)

    def make(size: Size) -> tuple[AnyChart, int]:
        x = alt.X("expected:Q", title=f"Chance to buy in the holdout by {model}", scale=shares, axis=percent)
        line = alt.Chart(_data([{"expected": 0, "actual": 0}, {"expected": 1, "actual": 1}]))
        base = alt.Chart(_data(rows)).encode(x=x)
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
        drawn = alt.Chart(_data(cells)).mark_rect(stroke=None)
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
