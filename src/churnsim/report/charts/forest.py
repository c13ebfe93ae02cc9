"""A forest plot: the figure of each firm with its interval, then the mean over firms and where a new firm's lies."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from churnsim.plots.picture import AxisSpec, Mark, PictureSpec
from churnsim.plots.theme import EXPECTED, INK, MUTED, WIDE
from churnsim.report.page.extras import require_report_extra

ROW, WIDTH = 24, 520
MEAN, NEW = "mean of firms", "a new firm"
FIRMS = "firms "
"""What the name of a table of firms begins with (`AcrossFirms.table`)."""


def draw_forest(rows: Sequence[Mapping[str, Any]], *, title: str) -> str:
    """Draw the rows of a claim's table of firms, as `AcrossFirms.table` makes them, as SVG.

    Raises MissingExtraError where the extra [report] is not installed.
    """
    require_report_extra()
    import altair as alt

    from churnsim.plots.altair_chart import layered
    from churnsim.report.charts.svg import svg_alone

    table = pd.DataFrame(rows)
    table["label"] = [f"{row.firm} ({row.customers:,})" if row.firm != NEW else NEW for row in table.itertuples()]
    together = table["firm"].isin([MEAN, NEW])
    spans = [
        Mark(kind="spans", table=part, x="lower", x2="upper", y="label", colour=colour)
        for part, colour in ((table[~together], MUTED), (table[together], EXPECTED))
    ]
    points = [  # a new firm has an interval and no figure of its own
        Mark(kind="points", table=part, x="estimate", y="label", colour=colour, width=2.4)
        for part, colour in ((table[~together], MUTED), (table[table["firm"] == MEAN], EXPECTED))
    ]
    low, high = float(table["lower"].min()), float(table["upper"].max())
    room = 0.05 * (high - low)
    picture = PictureSpec(
        marks=[*spans, *points],
        x=AxisSpec(title=str(rows[0]["unit"]), limits=(low - room, high + room)),
        y=AxisSpec(title="", kind="class", classes=tuple(table["label"])),
    )
    heading = alt.TitleParams(
        textwrap.wrap(title, width=80), fontSize=14, fontWeight="normal", color=INK, anchor="start"
    )
    chart, _ = layered(picture, WIDE)
    return svg_alone(chart.properties(width=WIDTH, height=ROW * len(rows), title=heading))
