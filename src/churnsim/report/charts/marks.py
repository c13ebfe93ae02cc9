"""What several charts share: rows under their labels, with a legend.

A label stands above its row or in a legend of one column, broken into lines: it has the whole width of the drawing, so
that no label is cut off at any width or in a wider font than the one the drawing was measured with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from churnsim.plots.altair_chart import LEGEND_SIDE, LINE, LINES
from churnsim.plots.theme import ACTUAL, EXPECTED, GRID, INK, Size, wrap
from churnsim.report.charts.svg import AnyChart, ChartMaker

Rows = Sequence[Mapping[str, Any]]
MARK = 26  # of the row below it
AXIS = 52  # of the axis below all rows, with its title


def inline(rows: Rows) -> alt.InlineData:
    """The rows as a chart's own data: nothing is fetched. A tuple, whose rows Altair does not copy."""
    return alt.InlineData(values=tuple(dict(row) for row in rows))


def spanned(rows: Rows) -> list[Mapping[str, Any]]:
    """The rows that have an interval."""
    return [row for row in rows if row.get("lower") is not None and row.get("upper") is not None]


def legend(labels: Sequence[str], size: Size, **options: Any) -> tuple[alt.Legend, list[str], int]:
    """A legend of one column, the labels broken to its width, and its height in pixels."""
    wrapped = [wrap(label, size, beside=LEGEND_SIDE) for label in labels]
    made = alt.Legend(title=None, symbolOpacity=1, columns=1, labelLimit=0, labelExpr=LINES, **options)
    return made, wrapped, sum(LINE * (1 + text.count("\n")) for text in wrapped)


def interval_rows(
    rows: Rows,
    *,
    x: str,
    labels: str,
    reference: float | None = None,
    weight: int = 3,
    colour: str = EXPECTED,
    bars: bool = False,
) -> ChartMaker:
    """Means with their intervals, one below the other, against a line at `reference`; with `bars` from there to each.

    Rows: label (with the number in it, so that nothing is written beside a dot), mean, lower, upper, and colour where
    it is another than `colour`. `labels` writes the ticks.
    """

    def make(size: Size) -> tuple[AnyChart, int]:
        placed, height = _placed(rows, size)
        shown = [{"colour": colour, **row} for row in placed]
        axis = alt.Axis(tickCount=_ticks(size), labelExpr=labels, grid=False)
        scale = alt.Scale(zero=reference == 0, nice=True, padding=10)
        ink = alt.Color("colour:N", scale=None, legend=None)
        dots = alt.Chart(inline(shown)).encode(x=alt.X("mean:Q", title=x, axis=axis, scale=scale), color=ink)
        spans = alt.Chart(inline(spanned(shown))).mark_rule(strokeWidth=weight, strokeCap="round")
        layers = [_tracks(shown, height), *_labels(shown, height, size)]
        if reference is not None:
            at = [{**row, "at": reference} for row in shown]
            line = alt.Chart(inline(at)).mark_rule(color=INK, strokeDash=[4, 3])
            layers.append(line.encode(x=alt.X("at:Q", title=x), y=_y("top", height), y2=alt.Y2("bottom:Q")))
            if bars:
                blocks = alt.Chart(inline(at)).mark_rect(fillOpacity=0.35)
                ends = {
                    "x": alt.X("at:Q", title=x, axis=axis, scale=scale),
                    "x2": alt.X2("mean:Q"),
                    "y2": alt.Y2("bottom:Q"),
                }
                layers.append(blocks.encode(y=_y("top", height), color=ink, **ends))
        layers += [
            spans.encode(x=alt.X("lower:Q", title=x), x2=alt.X2("upper:Q"), y=_y("middle", height), color=ink),
            dots.mark_point(filled=True, size=80, opacity=1).encode(y=_y("middle", height)),
        ]
        return alt.layer(*layers), height + AXIS

    return make


def ratio_rows(rows: Rows, *, x: str, names: tuple[str, str]) -> ChartMaker:
    """Two intervals to a row, one below the other, as multiples of the first one's value, on a logarithmic axis.

    Rows: label, then mean, lower and upper of the second and before_mean, before_lower and before_upper of the first,
    all above 0. `names` are the two's, in a legend.
    """

    def make(size: Size) -> tuple[AnyChart, int]:
        placed, height = _placed(rows, size)
        key, wrapped, above = legend(names, size)
        drawn = [
            {
                "middle": row["middle"] + shift, "of": name,
                **{part: row[f"{prefix}{part}"] / row["before_mean"] for part in ("mean", "lower", "upper")},
            }
            for row in placed
            for name, prefix, shift in zip(wrapped, ("before_", ""), (-4, 4), strict=True)
        ]  # fmt: skip
        axis = alt.Axis(tickCount=_ticks(size), labelExpr="'×' + format(datum.value, '~g')", grid=False)
        place = alt.X("lower:Q", title=x, axis=axis, scale=alt.Scale(type="log", padding=10))
        colour = alt.Color("of:N", scale=alt.Scale(domain=wrapped, range=[ACTUAL, EXPECTED]), legend=key)
        base = alt.Chart(inline(drawn)).encode(color=colour, y=_y("middle", height))
        one = alt.Chart(inline([{**row, "at": 1.0} for row in placed])).mark_rule(color=INK, strokeDash=[4, 3])
        layers = [
            *_labels(placed, height, size),
            one.encode(x=alt.X("at:Q", title=x), y=_y("top", height), y2=alt.Y2("bottom:Q")),
            base.mark_rule(strokeWidth=3, strokeCap="round").encode(x=place, x2=alt.X2("upper:Q")),
            base.mark_point(filled=True, size=60, opacity=1).encode(x=alt.X("mean:Q", title=x)),
        ]
        return alt.layer(*layers), height + AXIS + above

    return make


def bar_rows(
    rows: Rows, parts: Rows, *, names: Sequence[str], colours: Sequence[str], x: str, labels: str
) -> ChartMaker:
    """Stacked bars, one below the other; rows: label; parts: row (its number), part (one of `names`), start, end."""

    def make(size: Size) -> tuple[AnyChart, int]:
        placed, height = _placed(rows, size)
        key, wrapped, above = legend(names, size)
        drawn = [
            {**placed[part["row"]], **part, "part": wrapped[names.index(part["part"])], "order": place}
            for place, part in enumerate(parts)
        ]
        colour = alt.Color("part:N", scale=alt.Scale(domain=wrapped, range=list(colours)), legend=key)
        axis = alt.Axis(tickCount=size.ticks - 1, labelExpr=labels, grid=False)
        bars = alt.Chart(inline(drawn)).mark_rect()
        chart = alt.layer(
            *_labels(placed, height, size),
            bars.encode(
                x=alt.X("start:Q", title=x, axis=axis, scale=alt.Scale(zero=True)), x2=alt.X2("end:Q"),
                y=_y("top", height), y2=alt.Y2("bottom:Q"), color=colour,
            ),
        )  # fmt: skip
        return chart, height + AXIS + above

    return make


def placed_rows(rows: Rows, size: Size) -> tuple[list[alt.Chart], list[dict[str, Any]], alt.Y, int]:
    """Rows under their labels, for marks of any kind: what is drawn below these, the rows with their places, their
    upright places as a channel, and the height with an axis."""
    placed, height = _placed(rows, size)
    return [_tracks(placed, height), *_labels(placed, height, size)], placed, _y("middle", height), height + AXIS


def _placed(rows: Rows, size: Size) -> tuple[list[dict[str, Any]], int]:
    """The rows with their wrapped labels and their places from the top, in pixels; and the height of all."""
    placed, at = [], 0
    for row in rows:
        text = wrap(str(row["label"]), size)
        start, at = at, at + LINE * (1 + text.count("\n"))
        place = {"start_y": start, "top": at + 3, "middle": at + MARK / 2, "bottom": at + MARK - 3}
        placed.append({**row, "label": text, **place})
        at += MARK + 6
    return placed, at


def _ticks(size: Size) -> int:
    """About so many: asked for two, an axis may get one, which is no scale."""
    return max(3, size.ticks - 2)


def _y(field: str, height: int) -> alt.Y:
    return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=True, nice=False, zero=False))


def _labels(placed: Rows, height: int, size: Size) -> list[alt.Chart]:
    """The labels above their rows, line by line."""
    lines = [
        {"line": line, "at": row["start_y"] + LINE * (number + 0.5)}
        for row in placed
        for number, line in enumerate(row["label"].split("\n"))
    ]
    text = alt.Chart(inline(lines)).mark_text(align="left", baseline="middle", fontSize=size.font - 1, color=INK)
    return [text.encode(x=alt.XValue(0), y=_y("at", height), text=alt.Text("line:N"))]


def _tracks(placed: Rows, height: int) -> alt.Chart:
    """A thin line across each row, which leads from its label to its dot."""
    track = alt.Chart(inline(placed)).mark_rule(color=GRID)
    drawn: alt.Chart = track.encode(x=alt.XValue(0), x2=alt.X2Value("width"), y=_y("middle", height))
    return drawn
