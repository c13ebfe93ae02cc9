"""A picture as an Altair chart, for notebooks and for the report's static drawings."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from churnsim.optional import optional_modules
from churnsim.plots.picture import AxisSpec, Line, Mark, PictureSpec, Shade
from churnsim.plots.theme import INK, MARGIN, NUMBERS, WIDE, Size, config, width_in_ems, wrap

if TYPE_CHECKING:
    import altair

LINE = 17  # pixels of a line of a label
LEGEND_SIDE = 80  # of a legend's symbols, and of the ticks to the left of the drawing
SHORT_SPAN = 365  # days; over fewer, two ticks may fall into one month
LINES = "split(datum.label, '\\n')"


def draw_chart(picture: PictureSpec) -> Any:
    """The picture as a chart with the look of the report, which a notebook shows and `save` writes."""
    chart, height = layered(picture, WIDE)
    look = {**config(WIDE), "background": "white"}  # the report's pages bring their own
    if picture.below is None:
        autosize = {"type": "fit", "contains": "padding"}
        return chart.properties(width=WIDE.width, height=height, autosize=autosize).configure(**look)
    upper = chart.properties(width=WIDE.width - 120, height=picture.height)
    lower = _numbers_below(picture).properties(width=WIDE.width - 120)
    alt = _altair()
    return alt.vconcat(upper, lower, spacing=4).resolve_scale(x="shared").configure(**look)


def layered(picture: PictureSpec, size: Size) -> tuple[altair.LayerChart, int]:
    """The layers of a picture without size and look, and the height for a drawing of that width, legend included."""
    alt = _altair()
    named = {label: wrap(label, size, beside=LEGEND_SIDE) for label in _shown(picture)}
    code = _Encoder(picture, size, named)
    chart = alt.layer(*[layer for mark in picture.marks if len(mark.table) for layer in code.layers(mark)])
    height = picture.height - (50 if size.narrow and picture.y.kind != "class" else 0)  # a class needs its room
    above = sum(LINE * (1 + text.count("\n")) for text in named.values()) if len(named) > 1 else 0
    return chart, height + above


def tick_labels(*, prefix: str = "", suffix: str = "", signed: bool = False) -> str:
    """How an axis writes its numbers: thousands apart, a true minus, a currency before or after the figure."""
    plus = "datum.value > 0 ? '+' : ''" if signed else "''"
    after = f" + {json.dumps(suffix)}" if suffix else ""
    return f"(datum.value < 0 ? '−' : {plus}) + {json.dumps(prefix)} + format(abs(datum.value), '{NUMBERS}'){after}"


def date_axis(days: Sequence[Any], size: Size, **options: Any) -> dict[str, Any]:
    """Scale and axis of days: with the day of the month where they span less than a year.

    Dates without a zone are read as UTC and shown as UTC, so that no day shifts with the machine.
    """
    alt = _altair()
    dates = pd.to_datetime(pd.Series(days))
    months = (dates.max() - dates.min()).days >= SHORT_SPAN
    axis = alt.Axis(format="%b %Y" if months else "%-d %b %Y", tickCount=size.ticks - (1 if months else 2), **options)
    return {"scale": alt.Scale(type="utc"), "axis": axis}


def _altair() -> Any:
    (alt,) = optional_modules("altair", extra="report", purpose="an Altair chart")
    return alt


def _shown(picture: PictureSpec) -> list[str]:
    """Labels of the series that some mark draws."""
    drawn: set[str] = set()
    for mark in picture.marks:
        if mark.series:
            drawn |= set(mark.table[mark.series])
    return [label for label in picture.series if label in drawn]


class _Encoder:
    """The encodings of one picture: columns of the tables to the channels of the chart."""

    def __init__(self, picture: PictureSpec, size: Size, named: dict[str, str]) -> None:
        self.picture, self.size, self.named, self.alt = picture, size, named, _altair()
        self.days = [day for mark in picture.marks if mark.x and picture.x.kind == "date" for day in mark.table[mark.x]]

    def layers(self, mark: Mark) -> list[Any]:
        """The chart of a mark."""
        alt, table = self.alt, mark.table
        if mark.kind == "text" and not self._readable(mark):
            return []
        if mark.kind == "spans":
            table = table[table[mark.y2 or mark.x2].notna()]
            if table.empty:
                return []
        base = alt.Chart(alt.InlineData(values=tuple(self._values(mark, table))))
        stroke = {"strokeWidth": mark.width} | ({} if mark.series else {"strokeDash": list(mark.dash)})
        width = {"filled": True, "size": 12 * mark.width**2, "opacity": 1}
        made = {
            "line": lambda: base.mark_line(**stroke),
            "step": lambda: base.mark_line(interpolate="step-after", **stroke),
            "band": lambda: base.mark_area(
                fillOpacity=mark.opacity, interpolate="step-after" if mark.stepped else "linear"
            ),
            "bars": lambda: base.mark_bar(opacity=mark.opacity),
            "points": lambda: base.mark_point(**width),
            "spans": lambda: base.mark_rule(strokeWidth=mark.width, strokeCap="round", opacity=mark.opacity),
            "cells": lambda: base.mark_rect(**({"stroke": "white", "strokeWidth": mark.width} if mark.width else {})),
            "rule": lambda: base.mark_rule(**stroke),
            "text": lambda: base.mark_text(
                align=mark.align, dx={"left": 6, "right": -6, "center": 0}[mark.align],
                baseline="middle" if mark.y else "top", color=mark.colour,
            ),
        }[mark.kind]()  # fmt: skip
        return [made.encode(**self._channels(mark))]

    def _readable(self, mark: Mark) -> bool:
        """Whether a text in each of the classes across has room beside the others."""
        columns, rows = self.picture.x.classes, self.picture.y.classes
        room = self.size.width - MARGIN - self._longest(rows)
        return len(columns) * self._longest([f"{words} " for words in mark.table[mark.text]]) <= room

    def _longest(self, labels: Sequence[str]) -> int:
        """Pixels across the longest line."""
        widths = (width_in_ems(line) for label in labels for line in label.split("\n"))
        return round(self.size.font * max(widths, default=0.0))

    def _values(self, mark: Mark, table: pd.DataFrame) -> list[dict[str, Any]]:
        """The rows as plain JSON; a missing number is null, a date its milliseconds since 1970."""
        columns = [mark.x, mark.y, mark.x2, mark.y2, mark.series, mark.value, mark.text]
        rows = table[[name for name in dict.fromkeys(columns) if name]].to_dict("records")
        plain = [{str(key): _plain(value) for key, value in row.items()} for row in rows]
        if mark.series:
            plain = [{**row, mark.series: self.named[row[mark.series]]} for row in plain]
        for column, spec in ((mark.x, self.picture.x), (mark.y, self.picture.y)):
            if column and spec.kind == "class":
                plain = [{**row, column: self._class(row[column], spec)} for row in plain]
        if mark.kind == "bars" and mark.x2:
            plain = [{**row, "_zero": 0} for row in plain]
        return plain

    def _channels(self, mark: Mark) -> dict[str, Any]:
        """Channels as objects: of a plain string Altair makes the same one, in fifty times the time."""
        alt, found = self.alt, {}
        if mark.x:
            found["x"] = self._position("x", mark.x, self.picture.x)
        if mark.y:
            found["y"] = self._position("y", mark.y, self.picture.y)
        elif mark.kind == "text":
            found["y"] = alt.YValue(2)
        found |= {
            end: make(f"{column}:Q")
            for end, make, column in (("x2", alt.X2, mark.x2), ("y2", alt.Y2, mark.y2))
            if column
        }
        if mark.kind == "bars" and mark.x2:
            found["y2"] = alt.Y2("_zero:Q")
        if mark.series:
            found |= self._series(mark)
        elif mark.value and self.picture.shade is not None:
            found["color"] = self._shade(mark.value, self.picture.shade)
            if not mark.width:  # cells that touch would show a seam
                found["stroke"] = alt.Stroke(f"{mark.value}:Q", scale=found["color"]["scale"], legend=None)
        elif mark.kind != "text":
            found["color"] = alt.ColorValue(mark.colour)
        if mark.text:
            found["text"] = alt.Text(f"{mark.text}:N")
        return found

    def _position(self, way: str, column: str, spec: AxisSpec) -> Any:
        alt = self.alt
        make = alt.X if way == "x" else alt.Y
        if spec.kind == "class":
            labels = [self._class(label, spec) for label in spec.classes]
            scale = alt.Scale(domain=labels)
            # Room beside the drawing for a font that is wider than the one the labels are measured with.
            room = {"minExtent": self._longest(labels)} if way == "y" else {}
            quiet = alt.Axis(labels=not spec.bare, ticks=False, labelLimit=0, labelExpr=LINES, **room)
            return make(f"{column}:N", title=spec.title, sort=None, axis=quiet, scale=scale)
        if spec.kind == "date":
            return make(f"{column}:T", title=spec.title or None, **date_axis(self.days, self.size, grid=False))
        limits = (
            {"domain": list(spec.limits), "nice": False}
            if spec.limits
            else {"zero": spec.zero, "nice": way == "y" or spec.zero or spec.signed}
        )
        scale = alt.Scale(type="log" if spec.kind == "log" else "linear", **limits)
        if spec.bare:
            return make(f"{column}:Q", title=spec.title, scale=scale, axis=alt.Axis(labels=False, ticks=False))
        count = 5 if way == "y" else self.size.ticks
        look = {"labelExpr": tick_labels(prefix=spec.prefix, suffix=spec.suffix, signed=spec.signed)}
        if spec.kind == "share":
            look = {"format": "~%"}
        grid = way == "y" or self.picture.y.kind == "class"
        axis = alt.Axis(tickCount=count, grid=grid, **look)
        return make(f"{column}:Q", title=spec.title, scale=scale, axis=axis)

    def _class(self, label: str, spec: AxisSpec) -> str:
        """A class in lines that leave room: for the drawing beside it, on a phone for its neighbours."""
        if spec is self.picture.y:
            return wrap(label, self.size, beside=self.size.width // 2)
        return "\n".join(label.split()) if self.size.narrow else label

    def _series(self, mark: Mark) -> dict[str, Any]:
        """Colour and, for lines, dashes, in one legend."""
        alt, labels = self.alt, list(self.named)
        lines = any(each.series and each.kind in ("line", "step") for each in self.picture.marks)
        symbol = {"symbolType": "stroke", "symbolStrokeWidth": 2, "symbolSize": 300} if lines else {}
        key = alt.Legend(title=None, symbolOpacity=1, columns=self._columns(), labelLimit=0, labelExpr=LINES, **symbol)
        shown = key if len(labels) > 1 else None
        domain = [self.named[label] for label in labels]
        looks = [self.picture.series[label] for label in labels]
        field = f"{mark.series}:N"
        found = {"color": alt.Color(field, scale=alt.Scale(domain=domain, range=[c for c, _ in looks]), legend=shown)}
        if lines:  # of every mark, so that there is one legend
            dashes: list[Line] = [dash for _, dash in looks]
            scale = alt.Scale(domain=domain, range=[list(dash) for dash in dashes])
            found["strokeDash"] = alt.StrokeDash(field, scale=scale, legend=shown)
        return found

    def _columns(self) -> int:
        beside = sum(map(len, self.named)) + 4 * len(self.named) <= (30 if self.size.narrow else 70)
        return len(self.named) if beside else 1

    def _shade(self, column: str, shade: Shade) -> Any:
        alt = self.alt
        labels = {"format": "~%"} if shade.kind == "share" else {"labelExpr": tick_labels(prefix=shade.prefix)}
        legend = alt.Legend(
            title=shade.title,
            type="gradient",
            gradientLength=200,
            orient="top",
            titleOrient="top",
            titleLimit=0,
            tickCount=self.size.ticks - 2,
            **labels,
        )
        scale = alt.Scale(domain=list(shade.limits), range=list(shade.colours), interpolate="lab")
        return alt.Color(f"{column}:Q", scale=scale, legend=legend)


def _numbers_below(picture: PictureSpec) -> Any:
    """Numbers in columns under the ticks, a row for each series."""
    alt = _altair()
    assert picture.below is not None
    rows = picture.below.assign(said=[f"{number:,}" for number in picture.below["number"]])
    labels = [label for label in picture.series if label in set(rows["series"])]
    base = alt.Chart(
        alt.InlineData(values=[{str(k): _plain(v) for k, v in row.items()} for row in rows.to_dict("records")])
    )
    colour = alt.Color(
        "series:N", scale=alt.Scale(domain=labels, range=[picture.series[label][0] for label in labels]), legend=None
    )
    axis = alt.Axis(ticks=False, domain=False, grid=False, labelLimit=0, labels=len(labels) > 1, labelPadding=30)
    title = alt.TitleParams(picture.below_title, anchor="start", fontSize=12, fontWeight="normal", color=INK)
    return (
        base.mark_text()
        .encode(x=alt.X("x:Q", axis=None), y=alt.Y("series:N", title=None, sort=labels, axis=axis),
                text=alt.Text("said:N"), color=colour)
        .properties(height=alt.Step(18), title=title)
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return int(value.value // 1_000_000)  # a number needs no reading, in which a time zone could come in
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
