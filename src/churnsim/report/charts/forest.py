"""A forest plot: the figure of each firm with its interval, then the mean over firms and where a new firm's lies."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from churnsim.report.page.extras import require_report_extra

ROW, WIDTH = 24, 520
FIRMS = "firms "
"""What the name of a table of firms begins with (`AcrossFirms.table`)."""


def draw_forest(rows: Sequence[Mapping[str, Any]], *, title: str) -> str:
    """Draw the rows of a claim's table of firms, as `AcrossFirms.table` makes them, as SVG.

    Raises MissingExtraError where the extra [report] is not installed.
    """
    require_report_extra()
    import altair as alt
    import vl_convert

    from churnsim.plots.theme import EXPECTED, INK, MUTED, NUMBERS, WIDE, config

    together = ("mean of firms", "a new firm")
    shown = [
        {**row, "group": row["firm"] if row["firm"] in together else "a firm", "label": _label(row)} for row in rows
    ]
    colour = alt.Color(
        "group:N", legend=None,
        scale=alt.Scale(domain=["a firm", *together], range=[MUTED, EXPECTED, EXPECTED]),
    )  # fmt: skip
    base = alt.Chart(alt.InlineData(values=shown)).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=0, ticks=False, domain=False)),
        color=colour,
    )
    axis = alt.Axis(tickCount=WIDE.ticks - 1, format=NUMBERS, labelOverlap=True)
    x: dict[str, Any] = {"title": str(rows[0]["unit"]), "scale": alt.Scale(zero=False, padding=10), "axis": axis}
    bars = base.mark_rule(strokeWidth=2, strokeCap="round").encode(x=alt.X("lower:Q", **x), x2=alt.X2("upper:Q"))
    # A new firm has an interval and no figure of its own.
    points = base.transform_filter("datum.firm !== 'a new firm'").mark_point(filled=True, size=70, opacity=1)
    points = points.encode(
        x=alt.X("estimate:Q", **x),
        shape=alt.Shape(
            "group:N", legend=None, scale=alt.Scale(domain=["a firm", *together], range=["square", "diamond", "square"])
        ),
    )
    heading = alt.TitleParams(
        textwrap.wrap(title, width=80), fontSize=14, fontWeight="normal", color=INK, anchor="start"
    )
    spec = (bars + points).properties(width=WIDTH, height=ROW * len(rows), title=heading).to_dict()
    spec["config"] = {**config(WIDE), "background": "#ffffff"}
    spec["padding"] = 12
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _label(row: Mapping[str, Any]) -> str:
    """A firm's name with the number of its customers."""
    return f"{row['firm']} ({row['customers']:,})" if row["firm"] != "a new firm" else "a new firm"
