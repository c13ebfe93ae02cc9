"""Where a statement holds, as a picture: one small square a cell, a panel for each value of a third assumption."""

from __future__ import annotations

from typing import Any

from churnsim.report.extras import require_report_extra
from churnsim.simulation.region import Axis, Region

__all__ = ["draw_region"]

# Dark, middle and light, so that the states stay apart in grey print too.
COLOURS = {"holds": "#0b5c92", "undecided": "#9cc3de", "fails": "#f0e7d8", "impossible": "#ffffff"}
PANEL, SMALL_PANEL = 420, 190
COLUMNS = 3


def draw_region(region: Region) -> str:
    """The region as SVG text, to be written to a file or shown in a notebook by `IPython.display.SVG`.

    The first axis lies across, the second upright; with a third there is one panel for each of its values. The dot is
    where the assumptions are. Raises MissingExtraError where the extra [report] is not installed.
    """
    require_report_extra()
    import altair as alt
    import vl_convert

    from churnsim.report.charts.theme import INK, MUTED, NUMBERS, WIDE, config

    across, upright, *deep = region.axes
    panels = range(deep[0].cells) if deep else range(1)
    here = region.here

    def panel(number: int) -> Any:
        cells = [row for row in rows if row["panel"] == number]
        side = SMALL_PANEL if deep else PANEL
        shown = [state for state in ("holds", "undecided", "fails", "impossible") if region.counts[state]]
        colour = alt.Color(
            "state:N",
            scale=alt.Scale(domain=shown, range=[COLOURS[state] for state in shown]),
            legend=alt.Legend(symbolStrokeColor="#8c9bab", symbolType="square"),
        )
        plain = alt.Axis(format=NUMBERS, grid=False)
        drawn = alt.Chart(alt.InlineData(values=cells)).mark_rect(stroke="#ffffff", strokeWidth=0.7)
        squares = drawn.encode(
            x=alt.X("left:Q", title=_title(across), scale=_scale(across), axis=plain),
            x2="right:Q",
            y=alt.Y("bottom:Q", title=_title(upright), scale=_scale(upright), axis=plain),
            y2="top:Q",
            color=colour,
        )
        layers = [squares]
        if here is not None and _inside(region) and (not deep or number == _cell_of(deep[0], here[deep[0].name])):
            spot = [{"x": here[across.name], "y": here[upright.name]}]
            dot = alt.Chart(alt.InlineData(values=spot)).encode(x="x:Q", y="y:Q")
            layers.append(dot.mark_point(filled=True, size=90, color="#c8500a", stroke="#ffffff", opacity=1))
        whole = alt.layer(*layers).properties(width=side, height=side * 0.75)
        if not deep:
            return whole
        centre = f"{deep[0].name} = {deep[0].centres[number]:,.4g}"
        return whole.properties(title=alt.TitleParams(centre, fontSize=12, fontWeight="normal", color=INK))

    rows = _rows(region)
    title = alt.TitleParams(
        _lines(str(region.statement)),
        subtitle="Dot: the assumptions as they are." if _inside(region) else "",
        fontSize=14,
        fontWeight="normal",
        color=INK,
        subtitleColor=MUTED,
        anchor="start",
        offset=12,
    )
    chart: Any = alt.concat(*[panel(number) for number in panels], columns=COLUMNS, spacing=18)
    spec = chart.properties(title=title).to_dict()
    spec["config"] = {**config(WIDE), "background": "#ffffff"}
    spec["padding"] = 12
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _rows(region: Region) -> list[dict[str, Any]]:
    found = []
    for index, state in enumerate(region.frame["state"]):
        i, j, *k = _place(index, [axis.cells for axis in region.axes])
        across, upright = region.axes[0].edges, region.axes[1].edges
        found.append(
            {
                "left": float(across[i]), "right": float(across[i + 1]), "bottom": float(upright[j]),
                "top": float(upright[j + 1]), "state": state, "panel": k[0] if k else 0,
            }
        )  # fmt: skip
    return found


def _place(index: int, shape: list[int]) -> list[int]:
    """The position of a row of the frame, the last axis running fastest."""
    found = []
    for size in reversed(shape):
        index, rest = divmod(index, size)
        found.append(rest)
    return found[::-1]


def _inside(region: Region) -> bool:
    return region.here is not None and all(a.low <= region.here[a.name] <= a.high for a in region.axes)


def _cell_of(axis: Axis, value: float) -> int:
    return min(int((value - axis.low) / axis.width), axis.cells - 1)


def _scale(axis: Axis) -> Any:
    import altair as alt

    return alt.Scale(domain=[axis.low, axis.high], nice=False, zero=False)


def _title(axis: Axis) -> str:
    return f"{axis.name} ({axis.unit})" if axis.unit else axis.name


def _lines(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width=64)
