"""Survival drawn: the observed steps with their band, the models' curves, and simulated subscribers."""

from __future__ import annotations

from typing import Any

import altair as alt

from churnsim.plots.theme import EXPECTED, INK, STRATEGIES, Size
from churnsim.report.charts.marks import Rows, inline, legend
from churnsim.report.charts.svg import AnyChart, ChartMaker

SIMULATED = "simulated"
COLOURS = {
    "survival": INK, "chosen": EXPECTED, "sbg": STRATEGIES[2], "simulated": STRATEGIES[3], "arrivals": STRATEGIES[4],
}  # fmt: skip
DASHES = {"chosen": [5, 3], "sbg": [2, 2], "arrivals": [8, 2]}


def survival(rows: Rows, *, x: str, y: str, names: dict[str, str]) -> ChartMaker:
    """Curves over tenure; rows: tenure, lower, upper, and a value for each key of `names` (key: its label)."""
    keys = list(names)
    colours = [COLOURS[key] for key in keys]
    dashes = [DASHES.get(key, [1, 0]) for key in keys]

    def make(size: Size) -> tuple[AnyChart, int]:
        legend_key, wrapped, above = legend(list(names.values()), size)
        shown = dict(zip(names, wrapped, strict=True))
        long = [{"tenure": row["tenure"], "value": row[key], "series": shown[key]} for key in keys for row in rows]
        colour = alt.Color("series:N", scale=alt.Scale(domain=wrapped, range=colours), legend=legend_key)
        dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=wrapped, range=dashes), legend=None)
        horizontal = alt.X("tenure:Q", title=x, scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=size.ticks))
        vertical: Any = {"title": y, "scale": alt.Scale(zero=False), "axis": alt.Axis(format="%", tickCount=5)}
        band = (
            alt.Chart(inline(rows))
            .mark_area(color=INK, opacity=0.15, interpolate="step-after")
            .encode(x=horizontal, y=alt.Y("lower:Q", **vertical), y2=alt.Y2("upper:Q"))
        )
        curves = [row for row in long if row["series"] != shown.get(SIMULATED)]
        lines = (
            alt.Chart(inline(curves))
            .mark_line(strokeWidth=2)
            .encode(x=horizontal, y=alt.Y("value:Q", **vertical), color=colour, strokeDash=dash)
        )
        # Simulated shares as dots: a line would hide the observed one, which they are to be compared with.
        dots = (
            alt.Chart(inline([row for row in long if row["series"] == shown.get(SIMULATED)]))
            .mark_point(filled=True, size=14 if size.narrow else 22, opacity=1)
            .encode(x=horizontal, y=alt.Y("value:Q", **vertical), color=colour)
        )
        return alt.layer(band, lines, dots), (240 if size.narrow else 300) + above

    return make
