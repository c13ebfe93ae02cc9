"""The power of a trial by the value of the number that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from churnsim.plots.altair_chart import draw_chart
from churnsim.plots.picture import AxisSpec, Mark, PictureSpec
from churnsim.plots.theme import ALARM, EXPECTED, INK

if TYPE_CHECKING:
    from churnsim.trials.design import TrialDesign


def plot_power(design: TrialDesign) -> Any:
    """The chance that a trial tells the number from the value that stands for no effect, by what the number is: in its
    final reading, and by its confidence sequence looked at every day. Marked are the power asked for, and the value to
    be told. An Altair chart; needs the extra [report]."""
    names = {"power": "in the final reading", "sequence_power": "looked at every day"}
    curve = design.power_curve.reset_index(names="value")
    lines = pd.concat(
        [curve[["value", column]].set_axis(["value", "power"], axis=1).assign(series=said)
         for column, said in names.items()]
    )  # fmt: skip
    asked = pd.DataFrame(
        {"value": [design.effect], "power": [design.wanted_power], "low": [0.04],
         "words": [f"asked for: {design.wanted_power:.0%} at {design.effect:.3g}"]}
    )  # fmt: skip
    title = f"{design.about}; {design.held_out:,} of {design.customers:,} customers held out for {design.weeks:g} weeks"
    return draw_chart(
        PictureSpec(
            marks=[
                Mark(kind="line", table=lines, x="value", y="power", series="series"),
                Mark(kind="rule", table=asked, x="value", colour=ALARM, dash=(4, 3), width=1.2),
                Mark(kind="points", table=asked, x="value", y="power", colour=ALARM, width=2.4),
                Mark(kind="text", table=asked, x="value", y="low", text="words", colour=ALARM),
            ],
            x=AxisSpec(title=title),
            y=AxisSpec(title="Power", kind="share", limits=(0.0, 1.0)),
            series=dict(zip(names.values(), ((EXPECTED, (1, 0)), (INK, (5, 3))), strict=True)),
        )
    )
