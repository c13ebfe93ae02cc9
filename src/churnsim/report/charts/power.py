"""The power of a trial by the value of the number that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from churnsim.report.charts.model_plots import Picture, picture_of
from churnsim.report.page.extras import require_report_extra

if TYPE_CHECKING:
    from churnsim.plots.theme import Size
    from churnsim.report.charts.marks import Rows
    from churnsim.report.charts.svg import AnyChart, ChartMaker
    from churnsim.trials.design import TrialDesign


def plot_power(design: TrialDesign) -> Picture:
    """The chance that a trial tells the number from the value that stands for no effect, by what the number is: in its
    final reading, and by its confidence sequence looked at every day. Marked are the power asked for, and the value to
    be told. Needs the extra [report]."""
    require_report_extra()
    curve = design.power_curve
    names = {"power": "in the final reading", "sequence_power": "looked at every day"}
    rows = [
        {"value": value, "power": power, "series": said}
        for column, said in names.items()
        for value, power in zip(curve.index.tolist(), curve[column].tolist(), strict=True)
    ]
    asked = f"asked for: {design.wanted_power:.0%} at {design.effect:.3g}"
    title = f"{design.about}; {design.held_out:,} of {design.customers:,} customers held out for {design.weeks:g} weeks"
    return picture_of(_power(rows, title=title, asked=asked, at=(design.effect, design.wanted_power)))


def _power(rows: Rows, *, title: str, asked: str, at: tuple[float, float]) -> ChartMaker:
    """Lines by series over `value`, with the point asked for marked; rows: value, power, series."""
    import altair as alt

    from churnsim.plots.theme import ALARM, EXPECTED, INK
    from churnsim.report.charts.marks import inline, series

    names = list(dict.fromkeys(row["series"] for row in rows))
    coded = series(names, [EXPECTED, INK], ([1, 0], [5, 3]))

    def make(size: Size) -> tuple[AnyChart, int]:
        x = alt.X("value:Q", title=title, scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(tickCount=size.ticks))
        y = alt.Y("power:Q", title="Power", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=6))
        lines = alt.Chart(inline(rows)).mark_line(strokeWidth=2.2).encode(x=x, y=y, **coded)
        mark = alt.Chart(inline([{"value": at[0], "power": at[1], "label": asked}])).encode(x=x)
        layers = [
            lines,
            mark.mark_rule(color=ALARM, strokeDash=[4, 3], strokeWidth=1.2),
            mark.mark_point(filled=True, size=70, color=ALARM, opacity=1).encode(y=y),
            mark.mark_text(align="left", dx=9, color=ALARM).encode(y=alt.datum(0.04), text="label:N"),
        ]
        return alt.layer(*layers), 260 if size.narrow else 320

    return make
