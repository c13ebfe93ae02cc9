"""Data frames as the plain rows that findings keep."""

from __future__ import annotations

import pandas as pd

from churnsim.claims.machinery.claim import Table

__all__ = ["records"]


def records(frame: pd.DataFrame) -> Table:
    """One dictionary a row, with names as text and dates as year-month-day."""
    dates = frame.select_dtypes("datetime").columns
    plain = frame.assign(**{str(name): frame[name].dt.strftime("%Y-%m-%d") for name in dates})
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
