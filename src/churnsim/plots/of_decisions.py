"""Pictures of decisions: what strategies bring, and under which assumptions a statement holds.

Examples
--------
>>> import churnsim as cs
>>> from churnsim.decisions import Axis, Statement, map_region
>>> axes = (Axis(name="retention", low=0.6, high=0.9, cells=3), Axis(name="rate", low=0.0, high=0.2, cells=2))
>>> region = map_region(lambda r, d: 0.05 / (1 + d - r), Statement(quantity="the gain", above=0.2), axes)
>>> belief_map(region, backend="altair").to_dict()["layer"][0]["mark"]["type"]
'rect'
>>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
>>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
>>> asking = cs.Strategy(name="asking", asking=cs.simulation.AskForComplaints(cost_per_purchase=0.5))
>>> found = cs.compare(market, [cs.Strategy(name="baseline"), asking], replications=3, seed=1, horizon=8)
>>> import matplotlib.figure
>>> strategies(found, "profit", ax=matplotlib.figure.Figure().subplots()).get_xlabel()
'Profit more than baseline: mean and 95% interval'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from churnsim.decisions.assumptions.region import Region
from churnsim.decisions.comparison.compare import Comparison
from churnsim.plots import data
from churnsim.plots.drawing import Backend, draw, draws
from churnsim.plots.picture import SOLID, AxisSpec, Mark, PictureSpec
from churnsim.plots.theme import ALARM, INK, STATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {"npv": "Net present value", "profit": "Profit"}


@draws(data.strategies)
def strategies(
    comparison: Comparison,
    metric: str = "npv",
    *,
    against: str = "baseline",
    level: float = 0.95,
    ax: Axes | None = None,
    backend: Backend = "matplotlib",
) -> Any:
    """What each strategy brings more than another: dots with the intervals of paired differences."""
    table = data.strategies(comparison, metric, against=against, level=level)
    zero = pd.DataFrame({"mean": [0.0]})
    spec = PictureSpec(
        marks=[
            Mark(kind="rule", table=zero, x="mean", colour=INK, dash=(4, 3), width=1.2),
            Mark(kind="spans", table=table, x="lower", x2="upper", y="strategy", width=3.0),
            Mark(kind="points", table=table, x="mean", y="strategy", width=2.6),
        ],
        x=AxisSpec(
            title=f"{TITLES.get(metric, metric)} more than {against}: mean and {level:.0%} interval", signed=True
        ),
        y=AxisSpec(title="", kind="class", classes=tuple(table["strategy"])),
        height=60 + 40 * len(table),
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.belief_map)
def belief_map(region: Region, *, third: int = 0, ax: Axes | None = None, backend: Backend = "matplotlib") -> Any:
    """Where a statement holds, fails or is undecided; the dot is where the assumptions are."""
    table = data.belief_map(region, third=third)
    across, upright, *deep = region.axes
    marks = [Mark(kind="cells", table=table, x="left", x2="right", y="bottom", y2="top", series="state", width=0.7)]
    here = region.here
    if (
        here is not None
        and all(axis.low <= here[axis.name] <= axis.high for axis in region.axes)
        and all(axis.edges[third] <= here[axis.name] <= axis.edges[third + 1] for axis in deep)
    ):
        spot = pd.DataFrame({"left": [here[across.name]], "bottom": [here[upright.name]]})
        marks.append(Mark(kind="points", table=spot, x="left", y="bottom", colour=ALARM, width=3.0))
    title = across.name + (f" ({across.unit})" if across.unit else "")
    if deep:
        title += f", at {deep[0].name} = {deep[0].centres[third]:,.4g}"
    spec = PictureSpec(
        marks=marks,
        x=AxisSpec(title=title, limits=(across.low, across.high)),
        y=AxisSpec(title=upright.name + (f" ({upright.unit})" if upright.unit else ""),
                   limits=(upright.low, upright.high)),
        series={state: (colour, SOLID) for state, colour in STATES.items() if (table["state"] == state).any()},
        height=400,
    )  # fmt: skip
    return draw(spec, ax=ax, backend=backend)
