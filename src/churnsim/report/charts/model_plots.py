"""Pictures of a fitted model: how often customers buy, the course of time, calibration, who is alive.

Each function gives a `Picture`, which a notebook shows and `save` writes as SVG or PNG. All need the extra [report].
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from churnsim.errors import ConfigError
from churnsim.models.evaluation.holdout import Validation
from churnsim.models.evaluation.validation import frequency_calibration
from churnsim.models.purchase.alive_grid import alive_grid
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.report.page.extras import require_report_extra
from churnsim.units import UNIT_NAMES

if TYPE_CHECKING:
    from churnsim.report.charts.svg import ChartMaker


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG text."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path, *, scale: float = 2.0) -> Path:
        """Write a .svg, or a .png of `scale` pixels a unit; ConfigError for another suffix."""
        file = Path(path)
        if file.suffix.lower() == ".svg":
            file.write_text(self.svg, encoding="utf-8")
        elif file.suffix.lower() == ".png":
            import vl_convert

            file.write_bytes(vl_convert.svg_to_png(self.svg, scale=scale))
        else:
            raise ConfigError(f"{str(file)!r} ends in {file.suffix!r}. Use .svg or .png.")
        return file


def plot_frequency_fit(model: PurchaseModel, summary: pd.DataFrame, *, cap: int = 7) -> Picture:
    """Customers by number of repeat purchases, actual and expected, with the span of chance about the expectation.

    Parameters
    ----------
    model : PurchaseModel
        A fitted model.
    summary : DataFrame
        One row a customer, as `summarise` returns.
    cap : int
        Customers with this many repeat purchases or more are one class.

    Returns
    -------
    Picture
    """
    table = frequency_calibration(model, summary, cap=cap)
    labels = {"actual": "Actual", "expected": "Expected, with 95% of chance"}
    return _drawn("calibration", _classes(table, cap), x="Repeat purchases", y="Customers", **labels)


def plot_holdout(validation: Validation, model: str) -> Picture:
    """Mean held-out purchases by calibration frequency, with the 95% interval of what happened."""
    table = _of(validation.by_frequency, model)
    return _drawn(
        "holdout", _classes(table, int(table["frequency"].max())),
        x=f"{_counted(validation, 'Repeat')} in the calibration", y=f"{_counted(validation, 'Mean')} held out",
        actual="Actual, with its 95% interval", expected=f"Expected by {model}",
    )  # fmt: skip


def plot_tracking(validation: Validation, model: str, *, cumulative: bool = True) -> Picture:
    """Repeat purchases of all customers by date, actual and expected, with the end of the calibration marked."""
    table = _of(validation.tracking, model)
    if cumulative:
        table = table.assign(actual=table["cumulative_actual"], expected=table["cumulative_expected"])
    table = table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))[["date", "actual", "expected"]]
    unit = UNIT_NAMES[validation.unit]
    if validation.count == "periods":
        one, all_so_far = (
            f"Customers who bought again, by {unit[:-1]}",
            f"Customer-{unit} with a repeat purchase so far",
        )
    else:
        one, all_so_far = f"Repeat purchases a {unit[:-1]}", "Repeat purchases so far"
    return _drawn(
        "tracking", table, x="Date", y=all_so_far if cumulative else one, actual="Actual",
        expected=f"Expected by {model}", mark="calibration ends", end=f"{validation.calibration_end:%Y-%m-%d}",
    )  # fmt: skip


def plot_calibration(validation: Validation, model: str) -> Picture:
    """The share that bought beside the chance the model gave, by bins of customers; on the line it is calibrated."""
    return _drawn("chances", _of(validation.active, model), model=model)


def plot_alive(model: PurchaseModel, *, T: float, most_purchases: int = 30) -> Picture:
    """P(alive) of customers observed for `T` (in the model's unit), by how often and how lately they bought."""
    grid = alive_grid(model, T=T, most_purchases=most_purchases)
    return _drawn("alive", grid, unit=UNIT_NAMES[model.unit], T=T)


def _drawn(chart: str, table: pd.DataFrame, **said: Any) -> Picture:
    """The chart of that name in `charts.prediction`, of the rows of `table`."""
    require_report_extra()
    from churnsim.report.charts import prediction

    return picture_of(getattr(prediction, chart)(_rows(table), **said))


def picture_of(make: ChartMaker) -> Picture:
    """A wide drawing on its own ground, which the report's pages bring."""
    from churnsim.plots.theme import WIDE
    from churnsim.report.charts.svg import to_svg

    drawn, height = make(WIDE)
    svg = to_svg(drawn, size=WIDE, height=height)
    opened = svg.index(">", svg.index("<svg")) + 1
    return Picture(svg[:opened] + '<rect width="100%" height="100%" fill="#ffffff"/>' + svg[opened:])


def _classes(table: pd.DataFrame, cap: int) -> pd.DataFrame:
    """With frequencies as labels, the last one open above."""
    return table.assign(frequency=[str(n) if n < cap else f"{n}+" for n in table["frequency"]])


def _counted(validation: Validation, kind: str) -> str:
    """What is counted, as a label: purchases, or periods that hold one."""
    if validation.count == "purchases":
        return f"{kind} purchases"
    return f"{kind} {UNIT_NAMES[validation.unit]} with a purchase"


def _of(table: pd.DataFrame, model: str) -> pd.DataFrame:
    own = table[table["model"] == model]
    if own.empty:
        raise ConfigError(f"there is no model {model!r}. Validated are {', '.join(table['model'].unique())}.")
    return own


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    # NaN is no JSON; a missing interval is left out.
    return [
        {str(key): None if isinstance(value, float) and value != value else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]
