"""Pictures of models: how well they fit and foresee, whom they take for alive, how customers differ.

Examples
--------
>>> import churnsim as cs
>>> from churnsim import plots
>>> log = cs.datasets.cdnow()
>>> split = cs.split_holdout(log, until="1997-09-30", holdout_until="1998-06-30")
>>> fit, spend = cs.BGNBD.fit(split), cs.GammaGamma.fit(split)
>>> import matplotlib.figure
>>> axes = matplotlib.figure.Figure(layout="constrained").subplots(3, 3).ravel()
>>> frequencies(fit, split, ax=axes[0]).get_xlabel()
'Repeat purchases'
>>> drawn = [
...     predictive(fit, split, draws=20, ax=axes[1]), alive_matrix(fit, T=39.0, ax=axes[2]),
...     purchases_matrix(fit, T=39.0, horizon=39.0, ax=axes[3]), alive_history(fit, log, 1, ax=axes[4]),
...     expected_repeats(fit, until=78.0, ax=axes[5]), heterogeneity(fit, "dropout", ax=axes[6]),
...     spend_density(spend, split, ax=axes[7]),
... ]
>>> done = cs.validate(log, [cs.BGNBD], calibration_end="1997-09-30", baselines=[])
>>> charts = [draw(done, backend="altair") for draw in (holdout, tracking, calibration)]
>>> plots.data.tracking(done).tail(1)[["series", "purchases"]].round(0).to_numpy().tolist()
[['BG/NBD', 4166.0]]
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.models.estimation.fit import fitted_model
from churnsim.models.evaluation.holdout import Validation
from churnsim.plots import data
from churnsim.plots.data.fits import HAPPENED, Trait, law_of_trait
from churnsim.plots.drawing import Backend, draw, draws
from churnsim.plots.picture import LINES, MODELS, SOLID, AxisSpec, Mark, PictureSpec, Shade, styles
from churnsim.plots.theme import ACTUAL, ALARM, EXPECTED, INK, MUTED
from churnsim.units import UNIT_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES = (0.0, 1.0)


@draws(data.frequencies)
def frequencies(
    fit: Any, summary: CustomerFrame, *, cap: int = 7, ax: Axes | None = None, backend: Backend = "matplotlib"
) -> Any:
    """Customers by number of repeat purchases: bars as counted, dots as expected with the span of chance about them."""
    table = data.frequencies(fit, summary, cap=cap)
    words = {"x": "Repeat purchases", "y": "Customers", "actual": "Actual", "expected": "Expected, with 95% of chance"}
    return draw(
        counted_and_expected(table, labels=open_ended(table["frequency"], cap), **words), ax=ax, backend=backend
    )


@draws(data.predictive)
def predictive(
    fit: Any, summary: CustomerFrame, *, cap: int = 10, draws: int = 100, level: float = 0.95, seed: int = 1,
    ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """Customers by number of repeat purchases: bars as counted, dots as simulated with their interval."""
    table = data.predictive(fit, summary, cap=cap, draws=draws, level=level, seed=seed)
    spec = counted_and_expected(
        table.rename(columns={"median": "expected"}), labels=open_ended(table["frequency"], cap), x="Repeat purchases",
        y="Customers", actual="Actual", expected=f"Simulated: median and {level:.0%} of {draws} firms",
    )  # fmt: skip
    return draw(spec, ax=ax, backend=backend)


def open_ended(frequencies: Sequence[int] | pd.Series[int], cap: int) -> list[str]:
    """Frequency classes as labels, the last one open above."""
    return [str(n) if n < cap else f"{n}+" for n in frequencies]


def counted_and_expected(
    table: pd.DataFrame, *, labels: Sequence[str], x: str, y: str, actual: str, expected: str
) -> PictureSpec:
    """Bars for `actual`, dots with intervals for `expected`; rows: frequency, actual, expected, lower, upper."""
    shown = table.assign(frequency=list(labels), counted=actual, model=expected)
    return PictureSpec(
        marks=[
            Mark(kind="bars", table=shown, x="frequency", y="actual", series="counted"),
            Mark(kind="spans", table=shown, x="frequency", y="lower", y2="upper", series="model"),
            Mark(kind="points", table=shown, x="frequency", y="expected", series="model", width=2.4),
        ],
        x=AxisSpec(title=x, kind="class", classes=tuple(labels)),
        y=AxisSpec(title=y, zero=True),
        series={actual: (ACTUAL, SOLID), expected: (EXPECTED, SOLID)},
        height=300,
    )


@draws(data.holdout)
def holdout(
    validation: Validation, models: Sequence[str] | None = None, *, ax: Axes | None = None,
    backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """Mean held-out purchases by calibration frequency: what happened, with its 95% interval, and each model's."""
    table = data.holdout(validation, models)
    classes = sorted(table["frequency"].unique())
    labels = open_ended(classes, int(classes[-1]))
    spec = by_frequency(
        table.assign(frequency=table["frequency"].map(dict(zip(classes, labels, strict=True)))), labels=labels,
        x=f"{_counted(validation, 'Repeat')} in the calibration", y=f"{_counted(validation, 'Mean')} held out",
        actual="actual, with its 95% interval",
    )  # fmt: skip
    return draw(spec, ax=ax, backend=backend)


def by_frequency(table: pd.DataFrame, *, labels: Sequence[str], x: str, y: str, actual: str) -> PictureSpec:
    """Lines of means over classes, of what happened with intervals; rows: frequency (of `labels`), series, mean, lower,
    upper."""
    shown = table.assign(series=table["series"].replace({HAPPENED: actual}))
    models = [name for name in shown["series"].unique() if name != actual]
    return PictureSpec(
        marks=[
            Mark(kind="spans", table=shown[shown["series"] == actual], x="frequency", y="lower", y2="upper", width=1.5,
                 colour=INK, opacity=0.6),
            Mark(kind="line", table=shown, x="frequency", y="mean", series="series"),
            Mark(kind="points", table=shown, x="frequency", y="mean", series="series"),
        ],
        x=AxisSpec(title=x, kind="class", classes=tuple(labels)),
        y=AxisSpec(title=y, zero=True),
        series={actual: (INK, SOLID), **_models(models)},
        height=280,
    )  # fmt: skip


def actual_and_expected(
    table: pd.DataFrame, *, labels: Sequence[str], x: str, y: str, actual: str, expected: str
) -> PictureSpec:
    """`by_frequency` of one model; rows: actual, expected, lower, upper, by class."""
    own = table[["lower", "upper"]].astype(float).assign(frequency=list(labels))
    happened = own.assign(series=actual, mean=table["actual"])
    foreseen = own.assign(series=expected, mean=table["expected"], lower=np.nan, upper=np.nan)
    return by_frequency(pd.concat([happened, foreseen]), labels=labels, x=x, y=y, actual=actual)


@draws(data.tracking)
def tracking(
    validation: Validation, models: Sequence[str] | None = None, *, cumulative: bool = True, level: float | None = None,
    draws: int = 50, seed: int = 1, ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """Repeat purchases of all customers by date, actual and by each model, with the end of the calibration marked; with
    a `level`, a band for what each model foresaw from there."""
    unit = UNIT_NAMES[validation.unit]
    if validation.count == "periods":
        one, so_far = f"Customers who bought again, by {unit[:-1]}", f"Customer-{unit} with a repeat purchase so far"
    else:
        one, so_far = f"Repeat purchases a {unit[:-1]}", "Repeat purchases so far"
    spec = over_time(
        data.tracking(validation, models, cumulative=cumulative, level=level, draws=draws, seed=seed),
        y=so_far if cumulative else one, actual=HAPPENED, mark="calibration ends", end=validation.calibration_end,
    )  # fmt: skip
    return draw(spec, ax=ax, backend=backend)


def over_time(table: pd.DataFrame, *, y: str, actual: str, mark: str, end: pd.Timestamp) -> PictureSpec:
    """Purchases by date with a day marked; rows: date, series (`actual` first), purchases."""
    marked = pd.DataFrame({"date": [end], "words": [mark]})
    models = [name for name in table["series"].unique() if name != actual]
    band = [
        Mark(kind="band", table=table.dropna(), x="date", y="lower", y2="upper", series="series", opacity=0.18)
    ] if "lower" in table else []  # fmt: skip
    return PictureSpec(
        marks=[
            *band,
            Mark(kind="rule", table=marked, x="date", colour=ALARM, dash=(4, 3), width=1.5),
            Mark(kind="line", table=table, x="date", y="purchases", series="series"),
            Mark(kind="text", table=marked, x="date", text="words", colour=ALARM, align="right"),
        ],
        x=AxisSpec(title="", kind="date"),
        y=AxisSpec(title=y, zero=True),
        series={actual: (INK, SOLID), **_models(models)},
    )


@draws(data.calibration)
def calibration(
    validation: Validation, models: Sequence[str] | None = None, *, ax: Axes | None = None,
    backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """The share that bought beside the chance that a model gave, by bins of customers; on the line it is calibrated."""
    table = data.calibration(validation, models)
    names = list(table["series"].unique())
    title = f"Chance to buy in the holdout by {names[0]}" if len(names) == 1 else "Chance to buy in the holdout"
    line = pd.DataFrame({"expected": [0.0, 1.0], "actual": [0.0, 1.0]})
    spec = PictureSpec(
        marks=[
            Mark(kind="line", table=line, x="expected", y="actual", colour=MUTED, dash=(4, 3), width=1.2),
            Mark(kind="spans", table=table, x="expected", y="lower", y2="upper", series="series", width=1.5,
                 opacity=0.6),
            Mark(kind="points", table=table, x="expected", y="actual", series="series", width=2.4),
        ],
        x=AxisSpec(title=title, kind="share", limits=SHARES),
        y=AxisSpec(title="Share that bought, with its 95% interval", kind="share", limits=SHARES),
        series=styles(names),
        height=420,
    )  # fmt: skip
    return draw(spec, ax=ax, backend=backend)


@draws(data.alive_matrix)
def alive_matrix(
    fit: Any, summary: CustomerFrame | None = None, *, T: float | None = None, most_purchases: int = 30,
    ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """P(alive) by frequency and recency, dark where alive."""
    table = data.alive_matrix(fit, summary, T=T, most_purchases=most_purchases)
    shade = Shade(title="P(alive)", kind="share", limits=SHARES)
    return draw(_matrix(fit, table, "p_alive", shade), ax=ax, backend=backend)


@draws(data.purchases_matrix)
def purchases_matrix(
    fit: Any, summary: CustomerFrame | None = None, *, T: float | None = None, horizon: float,
    most_purchases: int = 30, ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """Expected purchases in the next `horizon` by frequency and recency, dark where many."""
    table = data.purchases_matrix(fit, summary, T=T, horizon=horizon, most_purchases=most_purchases)
    unit = UNIT_NAMES[fitted_model(fit).unit]
    most = float(table["expected"].max())
    shade = Shade(title=f"Expected purchases in {horizon:g} {unit}", limits=(0.0, most))
    return draw(_matrix(fit, table, "expected", shade), ax=ax, backend=backend)


def _matrix(fit: Any, table: pd.DataFrame, value: str, shade: Shade) -> PictureSpec:
    cells = table.assign(below=table["frequency"] - 0.5, above=table["frequency"] + 0.5)
    unit, T = UNIT_NAMES[fitted_model(fit).unit], float(table["latest"].max())
    return PictureSpec(
        marks=[
            Mark(kind="cells", table=cells, x="earliest", x2="latest", y="below", y2="above", value=value, width=0.0)
        ],
        x=AxisSpec(title=f"Recency: {unit} from the first to the last purchase, of {T:.4g} observed", limits=(0.0, T)),
        y=AxisSpec(title="Frequency: repeat purchases", limits=(-0.5, float(cells["above"].max()))),
        shade=shade,
        height=440,
    )


@draws(data.alive_history)
def alive_history(
    fit: Any, transactions: Any, customer: Any, *, until: str | date | None = None, level: float = 0.95,
    draws: int = 50, seed: int = 1, ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """P(alive) of one customer by date, with the days of its purchases."""
    table = data.alive_history(fit, transactions, customer, until=until, level=level, draws=draws, seed=seed)
    bought = table[table["purchase"]]
    spec = PictureSpec(
        marks=[
            Mark(kind="rule", table=bought, x="date", colour=MUTED, dash=(4, 4), width=1.0),
            Mark(kind="band", table=table.dropna(), x="date", y="lower", y2="upper", opacity=0.18),
            Mark(kind="line", table=table, x="date", y="p_alive"),
            Mark(kind="points", table=bought, x="date", y="p_alive", colour=INK),
        ],
        x=AxisSpec(title="Dots and dotted lines: purchases", kind="date"),
        y=AxisSpec(title=f"P(alive) of customer {str(customer)[:40]}", kind="share", limits=(0.0, 1.02)),
        height=260,
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.expected_repeats)
def expected_repeats(
    fits: Any, *, until: float = 52.0, points: int = 100, level: float = 0.95, draws: int = 50, seed: int = 1,
    ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """Expected repeat purchases of a new customer by age, with a band for each fit."""
    table = data.expected_repeats(fits, until=until, points=points, level=level, draws=draws, seed=seed)
    first = fitted_model(next(iter(fits.values())) if isinstance(fits, dict) else fits)
    spec = PictureSpec(
        marks=[
            Mark(kind="band", table=table.dropna(), x="age", y="lower", y2="upper", series="series", opacity=0.18),
            Mark(kind="line", table=table, x="age", y="expected", series="series"),
        ],
        x=AxisSpec(title=f"{UNIT_NAMES[first.unit].capitalize()} since the first purchase"),
        y=AxisSpec(title="Expected repeat purchases", zero=True),
        series=styles(list(table["series"].unique())),
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.heterogeneity)
def heterogeneity(
    fit: Any, of: Trait = "rate", *, points: int = 200, level: float = 0.95, draws: int = 50, seed: int = 1,
    ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """The density of the buying rate, or of dropout, over customers, with its mean marked."""
    table = data.heterogeneity(fit, of, points=points, level=level, draws=draws, seed=seed)
    model = fitted_model(fit)
    unit, mean = UNIT_NAMES[model.unit][:-1], float(law_of_trait(model, of).mean())
    titles = {"rate": f"Purchases a {unit} while alive", "dropout": "Chance to leave after a purchase"}
    if hasattr(model, "s"):
        titles["dropout"] = f"Rate of leaving a {unit}"
    elif hasattr(model, "delta"):
        titles = {"rate": "Chance to buy at an opportunity", "dropout": "Chance to leave at an opportunity"}
    marked = pd.DataFrame({"value": [mean], "words": [f"mean {mean:.3g}"]})
    spec = PictureSpec(
        marks=[
            Mark(kind="rule", table=marked, x="value", colour=INK, dash=(4, 3), width=1.2),
            Mark(kind="band", table=table.dropna(), x="value", y="lower", y2="upper", opacity=0.18),
            Mark(kind="line", table=table, x="value", y="density"),
            Mark(kind="text", table=marked, x="value", text="words", colour=INK),
        ],
        x=AxisSpec(title=titles[of]),
        y=AxisSpec(title="Density over customers", zero=True),
        height=280,
    )
    return draw(spec, ax=ax, backend=backend)


@draws(data.spend_density)
def spend_density(
    fit: Any, summary: CustomerFrame, *, bins: int = 30, points: int = 200, level: float = 0.95, draws: int = 50,
    seed: int = 1, ax: Axes | None = None, backend: Backend = "matplotlib",
) -> Any:  # fmt: skip
    """The density of customers' mean spend a purchase: bars as counted, the model's curve with its band."""
    table = data.spend_density(fit, summary, bins=bins, points=points, level=level, draws=draws, seed=seed)
    names = {HAPPENED: "Actual, with intervals", "expected": "Gamma-Gamma"}
    shown = table.assign(series=table["series"].map(names), middle=(table["spend"] + table["spend_to"]) / 2)
    actual, expected = (shown[shown["series"] == name] for name in names.values())
    spec = PictureSpec(
        marks=[
            Mark(kind="bars", table=actual, x="spend", x2="spend_to", y="density", series="series", opacity=0.6),
            Mark(kind="spans", table=actual, x="middle", y="lower", y2="upper", width=1.0, colour=INK, opacity=0.6),
            Mark(kind="band", table=expected.dropna(subset=["lower"]), x="spend", y="lower", y2="upper",
                 series="series", opacity=0.18),
            Mark(kind="line", table=expected, x="spend", y="density", series="series"),
        ],
        x=AxisSpec(title="Mean spend a purchase (money of the log)", zero=True),
        y=AxisSpec(title="Density over customers", zero=True),
        series={names[HAPPENED]: (ACTUAL, SOLID), names["expected"]: (EXPECTED, SOLID)},
        height=300,
    )  # fmt: skip
    return draw(spec, ax=ax, backend=backend)


def _models(names: Sequence[str]) -> dict[str, Any]:
    """Looks of models beside what happened: dashed, and in other colours than its and the mark's."""
    colours = [colour for colour in MODELS if colour != ALARM]
    return {name: (colours[n % len(colours)], LINES[1 + n % (len(LINES) - 1)]) for n, name in enumerate(names)}


def _counted(validation: Validation, kind: str) -> str:
    """What is counted, as a label: purchases, or periods that hold one."""
    if validation.count == "purchases":
        return f"{kind} purchases"
    return f"{kind} {UNIT_NAMES[validation.unit]} with a purchase"
