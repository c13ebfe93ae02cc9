"""A picture on matplotlib's Axes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd

from churnsim.checks import shown
from churnsim.errors import ConfigError
from churnsim.optional import optional_modules
from churnsim.plots.picture import SOLID, AxisSpec, Line, Mark, PictureSpec
from churnsim.plots.theme import GRID, INK, MUTED, WIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS = 100  # an inch, of the sizes that both renderers share
LABEL = 34  # letters of a line of a label beside an axis
LEGEND = 58  # letters of labels that fit beside each other above a picture


def draw_axes(picture: PictureSpec, ax: Axes | None) -> Axes:
    """The picture on `ax`, or on the Axes of a new figure; nothing outside them is changed."""
    (matplotlib, *_) = optional_modules("matplotlib", "matplotlib.axes", extra="plots", purpose="a picture")
    own = ax is None
    if ax is None:
        (pyplot,) = optional_modules("matplotlib.pyplot", extra="plots", purpose="a picture")
        size = (WIDE.width / PIXELS, (picture.height + 90) / PIXELS)
        ax = pyplot.subplots(figsize=size, layout="constrained")[1]
    elif not isinstance(ax, matplotlib.axes.Axes):
        raise ConfigError(f"ax must be Axes of matplotlib, such as plt.subplots()[1]; got {shown(ax)}.")
    drawn: Axes = ax
    for mark in picture.marks:
        if len(mark.table):
            _DRAWN[mark.kind](drawn, mark, picture)
    _axis(drawn, "x", picture.x, grid=picture.y.kind == "class")
    _axis(drawn, "y", picture.y, grid=True)
    drawn.spines[["top", "right"]].set_visible(False)
    drawn.set_axisbelow(True)
    _legend(drawn, picture, own)
    if picture.below is not None:
        _numbers_below(drawn, picture)
    return drawn


def number_words(value: float, axis: Any) -> str:
    """A number as an axis writes it: thousands apart, a true minus, a currency before the figure, shares in percent."""
    if axis.kind == "share":
        text = f"{abs(value) * 100:.10g}%"
    else:
        text = axis.prefix + (f"{abs(value):,.10g}" if abs(value) < 1e9 else f"{abs(value):,.3g}")
    sign = "−" if value < 0 else "+" if getattr(axis, "signed", False) and value > 0 else ""
    return sign + text + getattr(axis, "suffix", "")


def _places(values: Any, axis: AxisSpec) -> Any:
    """Where values lie on an axis: classes by their number from 0."""
    if axis.kind != "class":
        return np.asarray(values)
    place = {label: number for number, label in enumerate(axis.classes)}
    return np.array([place[label] for label in values], dtype=np.float64)


def _parts(mark: Mark, picture: PictureSpec) -> Iterator[tuple[str, pd.DataFrame, str, Line]]:
    """(label, rows, colour, dash) of each series of a mark."""
    if not mark.series:
        yield "", mark.table, mark.colour, mark.dash
        return
    for label, (colour, dash) in picture.series.items():
        rows = mark.table[mark.table[mark.series] == label]
        if len(rows):
            yield label, rows, colour, dash


def _at(mark: Mark, rows: pd.DataFrame, picture: PictureSpec, *names: str) -> list[Any]:
    return [_places(rows[getattr(mark, name)], picture.x if name[0] == "x" else picture.y) for name in names]


def _stroke(dash: Line) -> Any:
    return "solid" if dash == SOLID else (0, tuple(part / 2 for part in dash))


def _line(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    style = "steps-post" if mark.kind == "step" else "default"
    for label, rows, colour, dash in _parts(mark, picture):
        x, y = _at(mark, rows, picture, "x", "y")
        ax.plot(
            x, y, color=colour, linewidth=mark.width, linestyle=_stroke(dash), drawstyle=style, alpha=mark.opacity,
            label=label or "_",
        )  # fmt: skip


def _band(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    for _, rows, colour, _ in _parts(mark, picture):
        x, lower, upper = _at(mark, rows, picture, "x", "y", "y2")
        step: Any = "post" if mark.stepped else None
        ax.fill_between(x, lower, upper, color=colour, alpha=mark.opacity, linewidth=0, step=step)


def _bars(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    for label, rows, colour, _ in _parts(mark, picture):
        x, y = _at(mark, rows, picture, "x", "y")
        width = _at(mark, rows, picture, "x2")[0] - x if mark.x2 else 0.8
        align: Any = "edge" if mark.x2 else "center"
        edge = "white" if mark.x2 else "none"
        look: Any = {"color": colour, "edgecolor": edge, "linewidth": 0.5, "alpha": mark.opacity, "label": label or "_"}
        ax.bar(x, y, width, align=align, **look)


def _points(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    for label, rows, colour, _ in _parts(mark, picture):
        x, y = _at(mark, rows, picture, "x", "y")
        ax.scatter(x, y, s=(3 * mark.width) ** 2, color=colour, zorder=3, linewidth=0, label=label or "_")


def _spans(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    ends = mark.y2 or mark.x2
    for label, rows, colour, _ in _parts(mark, picture):
        kept = rows[rows[ends].notna()]
        style: Any = {"colors": colour, "linewidth": mark.width, "alpha": mark.opacity, "label": label or "_"}
        if mark.y2:
            ax.vlines(*_at(mark, kept, picture, "x", "y", "y2"), **style)
        else:
            ax.hlines(*_at(mark, kept, picture, "y", "x", "x2"), **style)


def _cells(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    collections, colors = optional_modules(
        "matplotlib.collections", "matplotlib.colors", extra="plots", purpose="a picture"
    )
    rows = mark.table
    sides = [
        _at(mark, rows, picture, way, f"{way}2")
        if getattr(mark, f"{way}2")
        else [_at(mark, rows, picture, way)[0] + half for half in (-0.5, 0.5)]
        for way in "xy"
    ]
    (left, right), (bottom, top) = sides
    corners = np.stack([np.column_stack(c) for c in ((left, bottom), (right, bottom), (right, top), (left, top))], 1)
    drawn = collections.PolyCollection(corners, edgecolor="white" if mark.width else "face", linewidth=mark.width)
    if mark.series:
        drawn.set_facecolor([picture.series[label][0] for label in rows[mark.series]])
        for label, members, colour, _ in _parts(mark, picture):
            ax.scatter([], [], marker="s", color=colour, label=label if len(members) else "_")
    elif picture.shade is not None:
        shade = picture.shade
        drawn.set_array(rows[mark.value].to_numpy(dtype=np.float64))
        drawn.set_cmap(colors.LinearSegmentedColormap.from_list("shade", list(shade.colours)))
        drawn.set_clim(*shade.limits)
    ax.add_collection(drawn)
    ax.set_xlim(float(np.min(left)), float(np.max(right)))
    ax.set_ylim(float(np.min(bottom)), float(np.max(top)))
    if picture.shade is not None:
        figure: Any = ax.figure
        shade = picture.shade
        figure.colorbar(
            drawn, ax=ax, label=shade.title, format=lambda value, _: number_words(float(f"{value:.6g}"), shade),
            location="top", shrink=0.5, aspect=25, anchor=(0.0, 0.0),
        ).outline.set_visible(False)  # fmt: skip


def _rule(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    draw, way = (ax.axvline, "x") if mark.x else (ax.axhline, "y")
    for at in _at(mark, mark.table, picture, way)[0]:
        draw(at, color=mark.colour, linestyle=_stroke(mark.dash), linewidth=mark.width, zorder=1.5)


def _text(ax: Axes, mark: Mark, picture: PictureSpec) -> None:
    """Text beside its points, or at the top where a mark names no y."""
    x = _at(mark, mark.table, picture, "x")[0]
    top, convert = not mark.y, cast("Any", ax.convert_xunits)
    y = np.ones(x.size) if top else _at(mark, mark.table, picture, "y")[0]
    for left, height, words in zip(x, y, mark.table[mark.text], strict=True):
        shift = {"left": 6, "right": -6, "center": 0}[mark.align]
        ax.annotate(
            words, (convert(left), height), (shift, -3 if top else 0), textcoords="offset points",
            xycoords=ax.get_xaxis_transform() if top else "data", ha=mark.align, va="top" if top else "center",
            color=mark.colour, fontsize=9,
        )  # fmt: skip


_DRAWN: Mapping[str, Callable[[Axes, Mark, PictureSpec], None]] = {
    "line": _line, "step": _line, "band": _band, "bars": _bars, "points": _points, "spans": _spans, "cells": _cells,
    "rule": _rule, "text": _text,
}  # fmt: skip


def _axis(ax: Axes, way: Literal["x", "y"], axis: AxisSpec, *, grid: bool) -> None:
    drawn = getattr(ax, f"{way}axis")
    getattr(ax, f"set_{way}label")(axis.title, color=MUTED)
    drawn.set_tick_params(colors=MUTED)
    limits = getattr(ax, f"set_{way}lim")
    if axis.kind == "class":
        number = len(axis.classes)
        limits(*((-0.5, number - 0.5) if way == "x" else (number - 0.5, -0.5)))  # from the top
        drawn.set_ticks(range(number), labels=[textwrap.fill(label, LABEL) for label in axis.classes])
    else:
        if axis.kind == "log":
            getattr(ax, f"set_{way}scale")("log")
        elif axis.kind == "date":
            (dates,) = optional_modules("matplotlib.dates", extra="plots", purpose="a picture")
            ticks = dates.AutoDateLocator(maxticks=7)
            drawn.set_major_locator(ticks)
            drawn.set_major_formatter(dates.ConciseDateFormatter(ticks, show_offset=True))
        if axis.kind != "date":
            drawn.set_major_formatter(lambda value, _: number_words(float(f"{value:.10g}"), axis))
        if grid:
            ax.grid(axis=way, color=GRID, linewidth=0.8)
        if axis.limits is not None:
            limits(*axis.limits)
        elif axis.zero:
            low, high = getattr(ax, f"get_{way}lim")()
            limits(low if getattr(ax.dataLim, f"interval{way}")[0] < 0 else 0.0, high)
    if axis.bare:
        drawn.set_ticks([])


def _legend(ax: Axes, picture: PictureSpec, own: bool) -> None:
    """The series by label, once each: above a picture of its own, else where there is room among the user's axes."""
    found: dict[str, list[Any]] = {}
    for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
        found.setdefault(label, []).append(handle)
    labels = [label for label in picture.series if label in found]
    if len(labels) < 2:
        return
    place: Any = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0)} if own else {"loc": "best"}
    beside = sum(map(len, labels)) + 4 * len(labels) <= LEGEND
    ax.legend(
        [tuple(found[label]) if len(found[label]) > 1 else found[label][0] for label in labels],
        [textwrap.fill(label, 2 * LABEL) for label in labels],
        ncols=len(labels) if beside else 1, frameon=False, labelcolor=INK, **place,
    )  # fmt: skip


def _numbers_below(ax: Axes, picture: PictureSpec) -> None:
    """Numbers under the ticks of the horizontal axis, a line for each series, as medicine prints those at risk."""
    assert picture.below is not None
    table = picture.below
    ax.set_xticks(table["x"].unique())
    where: Any = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "fontsize": 9}
    ax.annotate(picture.below_title, (0, 0), (0, -42), xycoords=ax.transAxes, textcoords="offset points", fontsize=9,
                color=MUTED)  # fmt: skip
    for line, (label, rows) in enumerate(table.groupby("series", sort=False)):
        down = -56 - 13 * line
        colour = picture.series[str(label)][0]
        ax.annotate(
            str(label) if len(picture.series) > 1 else "", (0, 0), (-24, down), xycoords=ax.transAxes, ha="right",
            textcoords="offset points", fontsize=9, color=colour,
        )  # fmt: skip
        for at, number in zip(rows["x"], rows["number"], strict=True):
            ax.annotate(f"{number:,}", (at, 0), (0, down), ha="center", color=colour, **where)
