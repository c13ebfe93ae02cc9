"""What moves the clocks of a study's customers in calendar time: the calendars of its configuration and the series of
its files, and what is known of their future."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import PurchaseDays
from churnsim.data.summaries.calendar import Calendar, day_numbers
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.series_file import read_series
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import DataError
from churnsim.study.config.advice import told_in_keys
from churnsim.study.config.config import DataSection, ModelsSection
from churnsim.study.config.file_section import CalendarSeriesSection, CustomerSeriesSection, SeriesFile

OWN = "series"
COMMON = "calendar_series"


@dataclass(frozen=True, kw_only=True)
class StudyClocks:
    """The calendar of buying and that of leaving, or customers' own series in place of both, and what comes after."""

    calendar: Calendar | CustomerSeries | None = None
    leaving: Calendar | CustomerSeries | None = None
    future: Any = None
    source: str = ""
    checksum: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """What a family's `fit` is to take."""
        both = {"calendar": self.calendar, "leaving": self.leaving}
        return {name: given for name, given in both.items() if given is not None}

    @property
    def own(self) -> bool:
        """Whether they are customers' own."""
        return isinstance(self.calendar, CustomerSeries)


def load_clocks(
    models: ModelsSection, section: DataSection, folder: Path, purchases: PurchaseDays, *, end: date, ahead: float
) -> StudyClocks:
    """The clocks of a study whose data end on the day `end` and which looks so many days `ahead`.

    Raises DataError for a file that holds no series, and where one is not known for as long as the study looks.
    """
    calendars = models.clocks
    until = int(np.datetime64(end, "D").astype(np.int64)) + int(np.ceil(ahead))
    if section.series is not None:
        return _own(section.series, folder, purchases, until)
    buying = calendars.get("calendar")
    found = StudyClocks(calendar=buying, leaving=calendars.get("leaving"), future=models.future)
    if section.calendar_series is None:
        return found
    file = section.calendar_series
    with told_in_keys(f"data.{COMMON}", type(file).model_fields):
        table = read_series(folder / file.path, date=file.date, columns=file.columns, form=FileFormat(**file.form))
        both = Calendar(series=table) if buying is None else replace(buying, series=table)
    future = {**models.future, **_common_future(file, table, until)}
    return replace(found, calendar=both, future=future, **_told(file, folder))


def _told(file: SeriesFile, folder: Path) -> dict[str, Any]:
    path = folder / file.path
    return {"source": path.name, "checksum": hashlib.sha256(path.read_bytes()).hexdigest()}


def _common_future(file: CalendarSeriesSection, table: pd.DataFrame, until: int) -> dict[str, float]:
    """What each column will be after the file."""
    last = int(day_numbers(table.index).max())
    if file.future is None:
        if last < until:
            raise DataError(_unknown(file.path, last, until, COMMON, "'hold', or { COLUMN = VALUE }"))
        return {}
    if file.future == "hold":
        return {str(name): float(value) for name, value in table.sort_index().iloc[-1].items()}
    assert isinstance(file.future, Mapping)
    missing = [name for name in table if name not in file.future]
    if missing or len(file.future) > table.shape[1]:
        raise DataError(
            f"future in [data.{COMMON}] must say what each column of {file.path} will be, "
            f"{', '.join(map(str, table))}; it names {', '.join(file.future)}."
        )
    return dict(file.future)


def _unknown(path: str, last: int, until: int, table: str, what: str) -> str:
    return (
        f"the last row of {path} is of {iso_day(last)}, and the study looks as far as {iso_day(until)}. Add what is "
        f"planned as rows, or say in [data.{table}] what comes then: future = {what}."
    )


def _own(file: CustomerSeriesSection, folder: Path, purchases: PurchaseDays, until: int) -> StudyClocks:
    wanted = dict.fromkeys([*file.columns, *file.leaving]) if file.columns else ()
    with told_in_keys(f"data.{OWN}", type(file).model_fields):
        frame = read_series(
            folder / file.path, date=file.date, customer_id=file.customer_id, columns=tuple(wanted),
            form=FileFormat(**file.form),
        )  # fmt: skip
        frame["customer_id"] = _written_alike(frame["customer_id"], purchases.ids)
        if file.before is not None:
            frame = _begun(frame, purchases, file.before)
        series = CustomerSeries.of(frame)
        if lost := [name for name in file.leaving if name not in series.names]:
            raise DataError(f"{file.path} has no column {lost[0]!r}, which leaving names; it has {series}.")
    _check_begun(series, purchases, file)
    last = int(day_numbers(frame["date"]).max())
    if file.future is None and last < until:
        raise DataError(_unknown(file.path, last, until, OWN, "'hold'"))
    leaving = series.select(list(file.leaving)) if file.leaving else None
    buying = [*file.columns] or [name for name in series.names if name not in file.leaving] or list(series.names)
    return StudyClocks(calendar=series.select(buying), leaving=leaving, future=file.future, **_told(file, folder))


def _written_alike(ids: pd.Series[Any], known: pd.Index[Any]) -> pd.Series[Any]:
    """The ids of a file as those of the log: text where these are, numbers where these are and all can be."""
    if pd.api.types.is_numeric_dtype(known) == pd.api.types.is_numeric_dtype(ids):
        return ids
    try:
        return ids.astype(known.dtype)
    except (TypeError, ValueError):
        return ids


def _begun(frame: pd.DataFrame, purchases: PurchaseDays, value: float) -> pd.DataFrame:
    """The rows, and one on the day of the first purchase of each customer that has none until then."""
    first = pd.Series(purchases.first_day(), index=purchases.ids)
    begins = pd.Series(day_numbers(frame["date"])).groupby(frame["customer_id"].to_numpy()).min()
    late = first[~(begins.reindex(first.index) <= first)]
    names = [name for name in frame if name not in ("customer_id", "date")]
    days = late.to_numpy().astype("datetime64[D]").astype("datetime64[ns]")
    more = pd.DataFrame({"customer_id": late.index, "date": days, **dict.fromkeys(names, value)})
    return pd.concat([frame, more], ignore_index=True)


def _check_begun(series: CustomerSeries, purchases: PurchaseDays, file: CustomerSeriesSection) -> None:
    """DataError for a customer whose values are not known from its first purchase on."""
    place = series.ids.get_indexer(purchases.ids)
    first = purchases.first_day()
    begins = series.day[series.starts[np.maximum(place, 0)]]
    bad = (place < 0) | (begins > first)
    if bad.any():
        row = int(np.argmax(bad))
        what = "no row" if place[row] < 0 else f"no row before {iso_day(int(begins[row]))}"
        raise DataError(
            f"customer {str(purchases.ids[row])[:80]!r} bought on {iso_day(int(first[row]))} and has {what} in "
            f"{file.path} ({int(bad.sum()):,} such customers of {len(first):,}). Give each a row of its first "
            f"purchase's day or one before, or say what holds until its first row: before = 0.0 in [data.{OWN}]. Ids "
            "must be written alike in both files."
        )
