"""Pictures of customers: when they buy, how long they stay, whom a contact keeps, what the best of them bring.

Examples
--------
>>> import churnsim as cs
>>> log = cs.datasets.cdnow()
>>> telco = cs.datasets.telco().iloc[::10]
>>> campaign = cs.models.simulated_campaign(500, seed=1)
>>> answer = campaign["treated"].to_numpy(), campaign["stayed"].to_numpy(float)
>>> import matplotlib.figure
>>> axes = matplotlib.figure.Figure(layout="constrained").subplots(3, 3).ravel()
>>> drawn = [
...     exposure(cs.summarise(log), ax=axes[0]), timing(log, ax=axes[1]), gaps(log, ax=axes[2]),
...     survival(telco, by="contract", ax=axes[3]), cohorts(log, ax=axes[4]),
...     qini(cs.models.qini_curve(campaign["uplift"].to_numpy(), *answer, resamples=20), ax=axes[5]),
...     concentration(cs.customers.customer_spend(log), ax=axes[6]),
... ]
>>> drawn[2].get_xlabel()
'Weeks between two purchases of a customer'
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from churnsim.data.customers.cohorts import Period
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.plots import data
from churnsim.plots.data.staying import ALL
from churnsim.plots.drawing import Backend, draw, draws
from churnsim.plots.picture import LINES, MODELS, SOLID, AxisKind, AxisSpec, Mark, PictureSpec, Shade, styles
from churnsim.plots.theme import EXPECTED, GRID, INK, MUTED, STRATEGIES
from churnsim.units import UNIT_NAMES, term_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAT = ("#eef4f9", "#0b5c92")
DARK = 0.71  # of the way to the darkest: there white figures stand out as much as black ones
CELLS_WITH_NUMBERS = 20  # wider matrices have no room for figures
FORMATS = {"M": "%b %Y", "Q": "%b %Y", "Y": "%Y"}
_PERIODS = {"M": "Months", "Q": "Quarters", "Y": "Years"}


@draws(data.exposure)
def exposure(
    summary: CustomerFrame, *, customers: int = 40, seed: int = 1, ax: Axes | None = None,
    backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """A line for each customer: as long as it was observed, dark until its last purchase."""
    table = data.exposure(summary, customers=customers, seed=seed).assign(start=0.0)
    names = ("Until the last purchase", "Observed since")
    until, since = table.assign(series=names[0]), table.assign(series=names[1])
    spec = PictureSpec(
        marks=[
            Mark(kind="spans", table=since, x="recency", x2="T", y="place", series="series"),
            Mark(kind="spans", table=until, x="start", x2="recency", y="place", series="series"),
            Mark(kind="points", table=until, x="recency", y="place", series="series", width=1.8),
        ],
        x=AxisSpec(title=f"{_units(summary)} since the first purchase"),
        y=AxisSpec(title=f"{len(table)} customers, drawn", bare=True, limits=(-1.0, float(len(table)))),
        series={names[0]: (EXPECTED, SOLID), names[1]: ("#b8c2cc", SOLID)},
        height=400,
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.timing)
def timing(
    transactions: Any, *, customers: int = 40, until: str | date | None = None, seed: int = 1, ax: Axes | None = None,
    backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """A line for each customer from its first purchase to its last, with a dot on each day that it bought."""
    table = data.timing(transactions, customers=customers, until=until, seed=seed)
    table = table.assign(series=np.where(table["order"] == 1, "First purchase", "Repeat purchase"))
    ends = table.groupby("place")["date"].agg(["min", "max"]).reset_index()
    count = len(ends)
    spec = PictureSpec(
        marks=[
            Mark(kind="spans", table=ends, x="min", x2="max", y="place", colour=GRID),
            Mark(kind="points", table=table, x="date", y="place", series="series", width=1.8),
        ],
        x=AxisSpec(title="", kind="date"),
        y=AxisSpec(title=f"{count} customers, drawn", bare=True, limits=(-1.0, float(count))),
        series={"First purchase": (MODELS[1], SOLID), "Repeat purchase": (EXPECTED, SOLID)},
        height=400,
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.gaps)
def gaps(
    transactions: Any, *, unit: str = "W", until: str | date | None = None, bins: int = 30, level: float = 0.95,
    ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """A histogram of the time between two purchases of a customer, with intervals."""
    table = data.gaps(transactions, unit=unit, until=until, bins=bins, level=level)
    table = table.assign(middle=(table["gap"] + table["gap_to"]) / 2)
    spec = PictureSpec(
        marks=[
            Mark(kind="bars", table=table, x="gap", x2="gap_to", y="share", opacity=0.7),
            Mark(kind="spans", table=table, x="middle", y="lower", y2="upper", colour=INK, width=1.2, opacity=0.7),
        ],
        x=AxisSpec(title=f"{UNIT_NAMES[unit].capitalize()} between two purchases of a customer", zero=True),
        y=AxisSpec(title="Share of the gaps", kind="share", zero=True),
        height=280,
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.survival)
def survival(
    subscriptions: CustomerFrame,
    *,
    by: str | None = None,
    curves: Mapping[str, Any] | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
    backend: Backend = "matplotlib",
) -> Any:
    """Steps with bands, fitted curves dashed, and the numbers at risk (`data.at_risk`) below the axis."""
    table = data.survival(subscriptions, by=by, curves=curves, level=level)
    counted = table[table["at_risk"].notna()]
    groups = list(counted["series"].unique())
    others = [name for name in table["series"].unique() if name not in groups]
    looks = {name: (look, SOLID) for name, (look, _) in styles(groups).items()}
    if by is None:
        looks = {ALL: (INK, SOLID)}
    looks |= {name: (STRATEGIES[1 + (len(looks) + n) % 6], LINES[1 + n % 5]) for n, name in enumerate(others)}
    ticks = _round_ticks(float(table["time"].max()))
    below = data.at_risk(subscriptions, ticks, by=by)
    spec = PictureSpec(
        marks=[
            Mark(kind="band", table=counted, x="time", y="lower", y2="upper", series="series", opacity=0.15,
                 stepped=True),
            Mark(kind="step", table=table, x="time", y="survival", series="series"),
        ],
        x=AxisSpec(title=f"Tenure in {_units(subscriptions, 'M').lower()}"),
        y=AxisSpec(title=f"Share still there, with {level:.0%} intervals", kind="share", limits=(0.0, 1.02)),
        series=looks,
        below=below.rename(columns={"time": "x", "at_risk": "number"}),
        below_title="Customers at risk",
    )  # fmt: skip
    return draw(spec, ax=ax, backend=backend)


@draws(data.qini)
def qini(curves: Any, *, ax: Axes | None = None, backend: Backend = "matplotlib") -> Any:
    """The gain by share contacted, with a band for each ranking, and that of contacting at random."""
    table = data.qini(curves)
    names = list(table["series"].unique())
    random = "at random"
    first = table[table["series"] == names[0]].assign(series=random)
    spec = PictureSpec(
        marks=[
            Mark(kind="band", table=table, x="share", y="lower", y2="upper", series="series", opacity=0.15),
            Mark(kind="line", table=first, x="share", y="random", series="series"),
            Mark(kind="line", table=table, x="share", y="gain", series="series"),
        ],
        x=AxisSpec(title="Share of the customers contacted", kind="share", limits=(0.0, 1.0)),
        y=AxisSpec(title="Gain per customer of the base", signed=True),
        series={**{name: (look, SOLID) for name, (look, _) in styles(names).items()}, random: (MUTED, (4, 3))},
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.cohorts)
def cohorts(
    transactions: Any,
    value: Literal["retention", "revenue"] = "retention",
    *,
    period: Period = "M",
    until: str | date | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
    backend: Backend = "matplotlib",
) -> Any:
    """A heat map by cohort and age, with the figures in the cells where they have room."""
    table = data.cohorts(transactions, value, period=period, until=until, level=level)
    share = value == "retention"
    shown = table.assign(
        row=[f"{day:{FORMATS[period]}} ({n:,})" for day, n in zip(table["cohort"], table["customers"], strict=True)],
        words=[f"{100 * v:.0f}" if share else f"{v:.3g}" for v in table["value"]],
    )
    title = "Percent of a cohort who bought" if share else "Spend per customer of the cohort (money of the log)"
    x, y = f"{_PERIODS[period]} since the first purchase", "Cohort (customers)"
    spec = cohort_picture(shown, x=x, y=y, shade=title, kind="share" if share else "number")
    return draw(spec, ax=ax, backend=backend)


def cohort_picture(table: pd.DataFrame, *, x: str, y: str, shade: str, kind: AxisKind) -> PictureSpec:
    """A heat map; rows: row (a cohort's label), age, value, and words, which are written where they have room."""
    shown = table.assign(column=table["age"].astype(str))
    low, high = float(table["value"].min()), float(table["value"].max())
    ages = tuple(dict.fromkeys(str(age) for age in sorted(table["age"].unique())))
    dark = shown["value"] > low + DARK * (high - low)
    written = [
        Mark(kind="text", table=rows, x="column", y="row", text="words", colour=ink, align="center")
        for rows, ink in ((shown[dark], "#ffffff"), (shown[~dark], INK))
        if len(ages) <= CELLS_WITH_NUMBERS
    ]
    rows = tuple(shown["row"].unique())
    return PictureSpec(
        marks=[Mark(kind="cells", table=shown, x="column", y="row", value="value", width=1.0), *written],
        x=AxisSpec(title=x, kind="class", classes=ages),
        y=AxisSpec(title=y, kind="class", classes=rows),
        shade=Shade(title=shade, kind=kind, limits=(low, max(high, low + 1e-9)), colours=HEAT),
        height=max(22 * len(rows), 60) + 90,
    )


@draws(data.concentration)
def concentration(
    values: Any, *, points: int = 50, level: float = 0.95, replications: int = 200, seed: int = 0, of: str = "spend",
    ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """The cumulative share of the value `of` which a number a customer is given, over customers, with its band."""
    table = data.concentration(values, points=points, level=level, replications=replications, seed=seed)
    spec = whale_picture(table, x="Customers, best first", y=f"Share of all {of}")
    return draw(spec, ax=ax, backend=backend)


def whale_picture(table: pd.DataFrame, *, x: str, y: str, told: bool = True) -> PictureSpec:
    """A curve with its band, the line of equality, and with `told` the height at a fifth of the customers in words."""
    equal = pd.DataFrame({"customers": [0.0, 1.0], "value": [0.0, 1.0]})
    fifth = table[np.isclose(table["customers"], 0.2) & told]
    words = [
        f"{at.customers:.0%} of customers: {at.value:.1%} [{at.lower:.1%}, {at.upper:.1%}]" for at in fifth.itertuples()
    ]
    said = fifth.assign(words=words, under=fifth["value"] - 0.06)
    return PictureSpec(
        marks=[
            Mark(kind="line", table=equal, x="customers", y="value", colour=MUTED, dash=(4, 3), width=1.0),
            Mark(kind="band", table=table, x="customers", y="lower", y2="upper", opacity=0.18),
            Mark(kind="line", table=table, x="customers", y="value"),
            Mark(kind="points", table=said, x="customers", y="value", colour=INK),
            Mark(kind="text", table=said, x="customers", y="under", text="words", colour=INK),
        ],
        x=AxisSpec(title=x, kind="share", limits=(0.0, 1.0)),
        y=AxisSpec(title=y, kind="share", zero=True),
        height=340,
    )


def _units(frame: pd.DataFrame, otherwise: str = "") -> str:
    """The unit of a frame's durations, as a word to begin a title."""
    unit = frame.attrs.get("unit", otherwise)
    return (
        UNIT_NAMES[unit].capitalize()
        if unit in UNIT_NAMES
        else f"Terms of {term_of(unit)}"
        if unit
        else "Units of time"
    )


def _round_ticks(longest: float) -> list[float]:
    """About six round numbers from 0 to the longest tenure."""
    rough = longest / 6
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return [float(at) for at in np.arange(0.0, longest + step * 1e-9, step)]
