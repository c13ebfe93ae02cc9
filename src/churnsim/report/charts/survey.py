"""What surveys say: estimates with their intervals, and things in four quadrants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.charts.theme import EXPECTED, INK, MUTED, STRATEGIES, Size, wrap

__all__ = ["intervals", "quadrants"]

Rows = Sequence[dict[str, Any]]
_LINES = "split(datum.label, '\\n')"


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def intervals(rows: Rows, *, x: str, reference: float | None = None, digits: int = 2) -> ChartMaker:
    """Estimates with intervals, one a line, against a reference line; rows: label, estimate, lower, upper."""

    def make(size: Size) -> tuple[AnyChart, int]:
        shown = [
            {**row, "label": wrap(str(row["label"]), size), "text": f"{row['estimate']:.{digits}f}".replace("-", "−")}
            for row in rows
        ]
        spans = [row for row in shown if row["lower"] is not None and row["upper"] is not None]
        labels = alt.Axis(labelExpr=_LINES, ticks=False, domain=False, grid=True, labelPadding=8)
        vertical = alt.Y("label:N", sort=[row["label"] for row in shown], title=None, axis=labels)
        scale = alt.Scale(zero=False, nice=True, padding=18)
        axis = alt.Axis(tickCount=size.ticks - 1)
        dots = alt.Chart(_data(shown)).encode(y=vertical, x=alt.X("estimate:Q", title=x, axis=axis, scale=scale))
        bars = alt.Chart(_data(spans)).mark_rule(color=EXPECTED, strokeWidth=3, strokeCap="round")
        layers: list[alt.Chart] = []
        if reference is not None:
            line = alt.Chart(_data([{"at": reference}])).mark_rule(color=INK, strokeDash=[4, 3])
            layers.append(line.encode(x=alt.X("at:Q", title=x)))
        layers += [
            bars.encode(y=vertical, x=alt.X("lower:Q", title=x), x2="upper:Q"),
            dots.mark_point(filled=True, size=70, color=EXPECTED, opacity=1),
            dots.mark_text(dy=-10).encode(text="text:N"),
        ]
        return alt.layer(*layers), 70 + 34 * len(shown)

    return make


def quadrants(
    rows: Rows, *, x: str, y: str, cross: tuple[float, float], corners: Sequence[str] | None = None
) -> ChartMaker:
    """Named points in four fields around a cross; rows: label, x, y and their intervals x_lower, x_upper, y_lower,
    y_upper. `corners` name the fields: lower left, lower right, upper left, upper right."""

    def make(size: Size) -> tuple[AnyChart, int]:
        shown = [dict(row) for row in rows]

        def limits(axis: str) -> list[float]:
            ends = [row[f"{axis}_{end}"] for row in shown for end in ("lower", "upper")]
            ends.append(cross[0] if axis == "x" else cross[1])
            pad = 0.12 * (max(ends) - min(ends)) or 1.0
            return [min(ends) - pad, max(ends) + pad]

        across, up = limits("x"), limits("y")

        def at_x(field: str) -> alt.X:
            scale = alt.Scale(domain=across, nice=False, zero=False)
            return alt.X(f"{field}:Q", title=x, scale=scale, axis=alt.Axis(tickCount=5))

        def at_y(field: str) -> alt.Y:
            scale = alt.Scale(domain=up, nice=False, zero=False)
            return alt.Y(f"{field}:Q", title=y, scale=scale, axis=alt.Axis(tickCount=5))

        middle = sum(across) / 2
        for row in shown:
            row["far"] = row["x"] > middle
        base = alt.Chart(_data(shown))
        spans = base.mark_rule(color=STRATEGIES[1], opacity=0.45, strokeWidth=2)
        first, second = (alt.Chart(_data([{"at": at}])).mark_rule(color=INK, strokeDash=[4, 3]) for at in cross)
        lines = [
            first.encode(x=at_x("at")),
            second.encode(y=at_y("at")),
        ]
        layers = [
            *lines,
            spans.encode(x=at_x("x_lower"), x2="x_upper:Q", y=at_y("y")),
            spans.encode(x=at_x("x"), y=at_y("y_lower"), y2="y_upper:Q"),
            base.mark_point(filled=True, size=80, color=EXPECTED, opacity=1).encode(x=at_x("x"), y=at_y("y")),
        ]
        # Names stand towards the middle, beside the interval and not on it.
        layers += [
            base.transform_filter(f"datum.far === {far}")
            .mark_text(
                dy=-10, dx=-8 if far == "true" else 8, align="right" if far == "true" else "left", fontWeight="bold"
            )
            .encode(x=at_x("x"), y=at_y("y"), text="label:N")
            for far in ("true", "false")
        ]
        for place, name in enumerate(corners or ()):
            right, top = place % 2 == 1, place >= 2
            corner = {"x": across[1] if right else across[0], "y": up[1] if top else up[0], "label": name}
            words = alt.Chart(_data([corner])).mark_text(
                align="right" if right else "left",
                baseline="top" if top else "bottom",
                dx=-6 if right else 6,
                dy=6 if top else -6,
                fontStyle="italic",
                color=MUTED,
            )
            layers.append(words.encode(x=at_x("x"), y=at_y("y"), text="label:N"))
        return alt.layer(*layers), 340 if size.narrow else 420

    return make
