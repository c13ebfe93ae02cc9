"""What moves the clocks of a study's customers in calendar time: the calendars of its configuration and the series of
its files, and what is known of their future."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import shown
from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import PurchaseDays
from churnsim.data.summaries.calendar import Calendar, day_numbers
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.series_file import read_series
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import DataError
from churnsim.records.notices import StudyWarning
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
    notes: tuple[StudyWarning, ...] = ()

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
    end_day = int(np.datetime64(end, "D").astype(np.int64))
    until = end_day + int(np.ceil(ahead))
    buying = models.clocks.get("calendar")
    found = StudyClocks(calendar=buying, leaving=models.clocks.get("leaving"), future=models.future)
    if section.calendar_series is not None:
        file = section.calendar_series
        table = _common(file, folder)
        known = _common_future(file, table, until)
        notes = tuple(_planned(file.path, table.index, end_day, until, _held_at(known)))
        last = int(day_numbers(table.index).max())
        for day in {last + 1, end_day} if last < end_day else ():  # what holds after the file holds in the data too
            table.loc[pd.Timestamp(iso_day(day))] = pd.Series(known)
        with told_in_keys(f"data.{COMMON}", type(file).model_fields):
            both = Calendar(series=table) if buying is None else replace(buying, series=table)
        found = replace(found, calendar=both, future={**models.future, **known}, notes=notes, **_told(file, folder))
    return found if section.series is None else _own(section.series, found, folder, purchases, end_day, until)


def _note(message: str, **figures: float) -> StudyWarning:
    return StudyWarning(stage="data", code="own series", message=message, figures=figures)


def _held_at(values: Mapping[str, float]) -> str:
    return f"what is the same for all is taken to be {', '.join(f'{name} {x:g}' for name, x in values.items())}"


def _planned(path: str, days: Any, end: int, until: int, then: str) -> Iterator[StudyWarning]:
    """What a file is taken to say of the future: of days after the data, and after its own last."""
    last = int(day_numbers(days).max())
    if last > end:
        yield _note(f"the study takes what {path} says of the days after {iso_day(end)} as what will come.")
    if last < until:
        yield _note(f"after {iso_day(last)}, the last day of {path}, {then}.")


def _common(file: CalendarSeriesSection, folder: Path) -> pd.DataFrame:
    with told_in_keys(f"data.{COMMON}", type(file).model_fields):
        return read_series(folder / file.path, date=file.date, columns=file.columns, form=FileFormat(**file.form))


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
    _check_names(file.future, [str(name) for name in table], "future", COMMON, file.path)
    return dict(file.future)


def _check_names(given: Mapping[str, Any], names: list[str], key: str, table: str, path: str) -> None:
    if set(given) != set(names):
        raise DataError(
            f"{key} in [data.{table}] must say a value of each column of {path}, {', '.join(names)}; it names "
            f"{', '.join(given)}."
        )


def _unknown(path: str, last: int, until: int, table: str, what: str) -> str:
    return (
        f"the last row of {path} is of {iso_day(last)}, and the study looks as far as {iso_day(until)}. Add what is "
        f"planned as rows, or say in [data.{table}] what comes then: future = {what}."
    )


def _own(
    file: CustomerSeriesSection, shared: StudyClocks, folder: Path, purchases: PurchaseDays, end: int, until: int
) -> StudyClocks:
    """Customers' own series, beside what is `shared` by all: a row a customer and day on which either changes."""
    common = () if shared.calendar is None else shared.calendar.names
    wanted = [name for name in dict.fromkeys([*file.columns, *file.leaving]) if name not in common]
    with told_in_keys(f"data.{OWN}", type(file).model_fields):
        given = read_series(
            folder / file.path, date=file.date, customer_id=file.customer_id,
            columns=tuple(wanted) if file.columns else (), form=FileFormat(**file.form),
        )  # fmt: skip
        given["customer_id"] = _written_alike(given["customer_id"], purchases.ids)
        frame = given[given["customer_id"].isin(purchases.ids)]
        if frame.empty:
            raise DataError(
                f"{file.path} names none of the {len(purchases.ids):,} customers of the purchases, who have ids such "
                f"as {shown(purchases.ids[0])}; it has ids such as {shown(given['customer_id'].iloc[0])}. Ids must be "
                "written alike in both files."
            )
        late = len(frame)
        if file.before is not None:
            frame = _begun(frame, purchases, file)
        late = len(frame) - late
        series = CustomerSeries.of(frame)
        if lost := [name for name in file.leaving if name not in (*series.names, *common)]:
            raise DataError(f"{file.path} has no column {lost[0]!r}, which leaving names; it has {series}.")
    _check_begun(series, purchases, file)
    last = int(day_numbers(given["date"]).max())
    if file.future is None and last < until:
        raise DataError(_unknown(file.path, last, until, OWN, "'hold'"))
    series = replace(series, known=(last, last))  # the last row may be one of a customer who is passed over
    first = int(purchases.first_day().min())
    for calendar in (shared.calendar, shared.leaving):
        if isinstance(calendar, Calendar) and not set(calendar.names) <= set(series.common):
            of_it = {name: told for name, told in (shared.future or {}).items() if name in calendar.names}
            series = series.beside(calendar, first, until, seen_until=end, future=of_it)
    told = _told(file, folder)
    if shared.source:
        told["source"] += f" and {shared.source}"
        told["checksum"] = hashlib.sha256(f"{told['checksum']} {shared.checksum}".encode()).hexdigest()
    also = () if shared.leaving is None else shared.leaving.names
    on_leaving = list(dict.fromkeys([*file.leaving, *also]))
    named = (*(file.columns or (name for name in series.names if name not in series.common)), *common)
    buying = [name for name in named if name in file.columns or name not in file.leaving] or list(named)
    return StudyClocks(
        calendar=series.select(buying), leaving=series.select(on_leaving) if on_leaving else None, future=file.future,
        notes=(
            *_notes(series, given, late, purchases, file.path),
            *_planned(file.path, given["date"], end, until, "each customer's last values are taken to hold on"),
            *shared.notes,
        ),
        **told,
    )  # fmt: skip


def _notes(
    series: CustomerSeries, given: pd.DataFrame, late: int, purchases: PurchaseDays, path: str
) -> Iterator[StudyWarning]:
    """What a reader must know of customers' own series: whose they are, what is taken of days without a row, and what
    an effect of them is not."""
    listed = pd.Index(given["customer_id"].unique())
    unknown = listed[~listed.isin(purchases.ids)]
    if len(unknown):
        message = (
            f"{len(unknown):,} of {len(listed):,} customers in {path} have no purchases here and are passed over, with "
            f"what is planned for them (first {', '.join(map(shown, unknown[:3]))}). Check that ids are written alike "
            "in both files."
        )
        yield _note(message, unknown=len(unknown))
    if late:
        without = int((~purchases.ids.isin(listed)).sum())
        message = (
            f"{late:,} of {len(purchases.ids):,} customers have no row in {path} on the day of their first purchase or "
            f"before, {without:,} of them none at all: until a row comes their values are taken to be those of before "
            "in [data.series]."
        )
        yield _note(message, late=late, without=without)
    own = ", ".join(name for name in series.names if name not in series.common)
    message = (
        f"an effect of the customers' own series ({own}) is what went with buying. Where the firm chose by who was "
        "buying whom to contact or what to offer, it is no effect of that, and a plan with more of it promises too "
        "much; a trial, or contacts with some left alone by lot, would tell."
    )
    yield _note(message)


def _written_alike(ids: pd.Series[Any], known: pd.Index[Any]) -> pd.Series[Any]:
    """The ids of a file as those of the log: text where these are, numbers where these are and all can be."""
    if pd.api.types.is_numeric_dtype(known) == pd.api.types.is_numeric_dtype(ids):
        return ids
    try:
        return ids.astype(known.dtype)
    except (TypeError, ValueError):
        return ids


def _begun(frame: pd.DataFrame, purchases: PurchaseDays, file: CustomerSeriesSection) -> pd.DataFrame:
    """The rows, and one on the day of the first purchase of each customer that has none until then."""
    first = pd.Series(purchases.first_day(), index=purchases.ids)
    begins = pd.Series(day_numbers(frame["date"])).groupby(frame["customer_id"].to_numpy()).min()
    late = first[~(begins.reindex(first.index) <= first)]
    names = [str(name) for name in frame if name not in ("customer_id", "date")]
    value: Mapping[str, Any] = file.before if isinstance(file.before, Mapping) else dict.fromkeys(names, file.before)
    _check_names(value, names, "before", OWN, file.path)
    days = late.to_numpy().astype("datetime64[D]").astype("datetime64[ns]")
    more = pd.DataFrame({"customer_id": late.index, "date": days, **value})
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
            f"purchase's day or one before, or say what holds until its first row: before = 0.0 in [data.{OWN}], or "
            "{ COLUMN = VALUE }. Ids "
            "must be written alike in both files."
        )
