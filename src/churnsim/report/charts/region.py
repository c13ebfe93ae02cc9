"""Where a statement holds, as a picture: one small square a cell, a panel for each value of a third assumption."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from churnsim.plots.data.decisions import cells_of
from churnsim.plots.theme import INK, MARGIN, MUTED, NUMBERS, STATES, WIDE, Size, wrap
from churnsim.report.page.extras import require_report_extra

if TYPE_CHECKING:
    from churnsim.decisions.assumptions.region import Axis, Region
    from churnsim.records.what_if import AssumptionAxis

COLUMNS = 3
FRAME = "Frame: nine tenths of what is believed of each, or what is chosen."
Likely = Mapping[str, Sequence[float]]
"""Low and high of what is believed, by axis."""
Ruled: TypeAlias = "Axis | AssumptionAxis"
"""An axis cut into cells of one width, as computed or as stored."""


def draw_region(region: Region) -> str:
    """Draw where a statement holds.

    The first axis lies across, the second upright; with a third there is one panel for each of its values. The dot is
    where the assumptions are.

    Parameters
    ----------
    region : Region
        A judged grid of two or three assumptions, as `churnsim.decisions.assumption_region` returns.

    Returns
    -------
    str
        SVG text, to be written to a file or shown in a notebook by `IPython.display.SVG`.

    Raises
    ------
    MissingExtraError
        Where the extra [report] is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from churnsim.decisions import Axis, Region, Statement
    >>> from churnsim.report import draw_region
    >>> axes = Axis(name="retention", low=0.5, high=0.9, cells=2), Axis(name="margin", low=0.1, high=0.5, cells=2)
    >>> frame = pd.DataFrame({"state": ["fails", "fails", "undecided", "holds"]})
    >>> region = Region(statement=Statement(quantity="profit", above=0.0), axes=axes, frame=frame, judged="By hand.")
    >>> draw_region(region)[:4]
    '<svg'
    """
    return region_svg(region)


def region_svg(region: Region, likely: Likely | None = None) -> str:
    """The same with a frame around where the assumptions are believed to be."""
    require_report_extra()
    import altair as alt

    from churnsim.report.charts.svg import svg_alone

    keys = ["Dot: the assumptions as they are."] if _inside(region.axes, region.here) else []
    keys += [FRAME] if likely else []
    title = alt.TitleParams(
        textwrap.wrap(str(region.statement), width=64),
        subtitle=textwrap.wrap(" ".join(keys), width=64),
        fontSize=14,
        fontWeight="normal",
        color=INK,
        subtitleColor=MUTED,
        anchor="start",
        offset=12,
    )
    states = region.frame["state"].tolist()
    return svg_alone(region_chart(region.axes, states, region.here, size=WIDE, likely=likely).properties(title=title))


def region_chart(
    axes: Sequence[Ruled],
    states: Sequence[str],
    here: Mapping[str, Any] | None,
    *,
    size: Size,
    labels: Mapping[str, str] | None = None,
    likely: Likely | None = None,
) -> Any:
    """The cells with their `states`, the last axis running fastest; `labels` are the states' names in the legend. A
    frame encloses where the axes are `likely` to be, in the panels whose value is."""
    import altair as alt

    across, upright, *deep = axes
    columns = min(2 if size.narrow else COLUMNS, deep[0].cells) if deep else 1
    side = min((size.width - 75 * columns) // columns, 420)
    named = labels or {state: state for state in STATES}
    shown = [state for state in STATES if state in set(states)]
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=[named[state] for state in shown], range=[STATES[state] for state in shown]),
        legend=alt.Legend(symbolStrokeColor="#8c9bab", symbolType="square", columns=2 if size.narrow else 0),
    )
    rows: list[Any] = cells_of(axes).assign(state=[named[state] for state in states]).to_dict("records")

    def axis(of: Ruled, length: float) -> dict[str, Any]:
        title = wrap(f"{of.name} ({of.unit})" if of.unit else of.name, replace(size, width=round(length) + MARGIN))
        return {
            "title": title.split("\n"),
            "scale": alt.Scale(domain=[of.low, of.high], nice=False, zero=False),
            "axis": alt.Axis(format=NUMBERS, grid=False, tickCount=4 if columns > 1 else size.ticks),
        }

    def panel(number: int) -> Any:
        cells = [row for row in rows if row["panel"] == number]
        drawn = alt.Chart(alt.InlineData(values=tuple(cells))).mark_rect(stroke="#ffffff", strokeWidth=0.7)
        layers = [
            drawn.encode(
                x=alt.X("left:Q", **axis(across, side)), x2=alt.X2("right:Q"), y2=alt.Y2("top:Q"), color=colour,
                y=alt.Y("bottom:Q", **axis(upright, 0.75 * side)),
            )
        ]  # fmt: skip
        if here is not None and _inside(axes, here) and (not deep or number == _cell_of(deep[0], here[deep[0].name])):
            spot = [{"x": here[across.name], "y": here[upright.name]}]
            dot = alt.Chart(alt.InlineData(values=spot)).encode(x=alt.X("x:Q"), y=alt.Y("y:Q"))
            layers.append(dot.mark_point(filled=True, size=90, color="#c8500a", stroke="#ffffff", opacity=1))
        if likely and _likely_panel(deep, likely, number):
            (left, right), (bottom, top) = (_within(axis, likely) for axis in (across, upright))
            frame = alt.Chart(alt.InlineData(values=[{"left": left, "right": right, "bottom": bottom, "top": top}]))
            frame = frame.encode(x=alt.X("left:Q"), x2=alt.X2("right:Q"), y=alt.Y("bottom:Q"), y2=alt.Y2("top:Q"))
            # The dashes stand out on light cells, and on dark ones by the white below them.
            layers += [
                frame.mark_rect(filled=False, stroke="#ffffff", strokeWidth=4),
                frame.mark_rect(filled=False, stroke="#c8500a", strokeWidth=2, strokeDash=[5, 3]),
            ]
        whole = alt.layer(*layers).properties(width=side, height=round(side * 0.75))
        if not deep:
            return whole
        third = deep[0]
        centre = third.low + (number + 0.5) * (third.high - third.low) / third.cells
        told = wrap(f"{third.name} = {centre:,.4g}", replace(size, width=side + MARGIN)).split("\n")
        title = alt.TitleParams(told, fontSize=12, fontWeight="normal", color=INK)
        return whole.properties(title=title)

    return alt.concat(*[panel(n) for n in range(deep[0].cells if deep else 1)], columns=columns, spacing=18)


def _within(axis: Ruled, likely: Likely) -> tuple[float, float]:
    """The part of an axis that is likely: all of it where nobody says."""
    low, high = likely.get(axis.name, (axis.low, axis.high))
    return max(low, axis.low), min(high, axis.high)


def _likely_panel(deep: Sequence[Ruled], likely: Likely, number: int) -> bool:
    """Whether the third axis's value in a panel is likely."""
    if not deep:
        return True
    (low, high), width = _within(deep[0], likely), (deep[0].high - deep[0].low) / deep[0].cells
    return deep[0].low + number * width < high and deep[0].low + (number + 1) * width > low


def _inside(axes: Sequence[Ruled], here: Mapping[str, Any] | None) -> bool:
    return here is not None and all(a.low <= here[a.name] <= a.high for a in axes)


def _cell_of(axis: Ruled, value: float) -> int:
    return min(int((value - axis.low) / (axis.high - axis.low) * axis.cells), axis.cells - 1)
