"""Pictures of who the customers are, each as the text of an SVG file."""

from __future__ import annotations

import pandas as pd

from churnsim.errors import DataError
from churnsim.report.charts.customers import cohort_heat_map, whale
from churnsim.report.charts.svg import ChartMaker, to_svg
from churnsim.report.charts.theme import WIDE
from churnsim.report.page.extras import require_report_extra

__all__ = ["cohort_picture", "whale_picture"]

_FORMATS = {"M": "%b %Y", "Q": "%b %Y", "Y": "%Y"}
_PERIODS = {"M": "months", "Q": "quarters", "Y": "years"}


def cohort_picture(matrix: pd.DataFrame, *, period: str = "M") -> str:
    """A heat map of the frame that `churnsim.data.customers.cohort_matrix` returns for this `period`."""
    require_report_extra()
    if matrix.empty or period not in _FORMATS:
        raise DataError("there is no cell to draw. Give a cohort matrix and its period: 'M', 'Q' or 'Y'.")
    rows = [
        {"cohort": f"{cohort.strftime(_FORMATS[period])} ({customers:,})", "age": int(age), "share": float(share)}
        for cohort, customers, age, share in zip(
            matrix["cohort"], matrix["customers"], matrix["age"], matrix["share"], strict=True
        )
    ]
    x = f"{_PERIODS[period]} since the first purchase"
    return _drawn(cohort_heat_map(rows, x=x, y="cohort (customers)"), "Percent of a cohort who bought in a period")


def whale_picture(curve: pd.DataFrame, *, of: str = "spend") -> str:
    """The frame that `churnsim.data.customers.whale_curve` returns, as a curve with its band; `of` names the value."""
    require_report_extra()
    rows = [
        {name: float(row[name]) for name in ("customers", "value", "lower", "upper")} for _, row in curve.iterrows()
    ]
    return _drawn(
        whale(rows, x="customers, best first", y=f"share of all {of}"), f"How much the best customers bring ({of})"
    )


def _drawn(make: ChartMaker, title: str) -> str:
    chart, height = make(WIDE)
    return to_svg(chart.properties(background="white", title=title), size=WIDE, height=height + 24)
