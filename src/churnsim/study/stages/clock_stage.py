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
    calendars = models.clocks
    until = int(np.datetime64(end, "D").astype(np.int64)) + int(np.ceil(ahead))
    if section.series is not None:
        return _own(section.series, section.calendar_series, folder, purchases, until)
    buying = calendars.get("calendar")
    found = StudyClocks(calendar=buying, leaving=calendars.get("leaving"), future=models.future)
    if section.calendar_series is None:
        return found
    file = section.calendar_series
    table = _common(file, folder)
    with told_in_keys(f"data.{COMMON}", type(file).model_fields):
        both = Calendar(series=table) if buying is None else replace(buying, series=table)
    future = {**models.future, **_common_future(file, table, until)}
    return replace(found, calendar=both, future=future, **_told(file, folder))


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
    file: CustomerSeriesSection, shared: CalendarSeriesSection | None, folder: Path, purchases: PurchaseDays, until: int
) -> StudyClocks:
    table = None if shared is None else _common(shared, folder)
    common = [] if table is None else [str(name) for name in table]
    wanted = [name for name in dict.fromkeys([*file.columns, *file.leaving]) if name not in common]
    with told_in_keys(f"data.{OWN}", type(file).model_fields):
        frame = read_series(
            folder / file.path, date=file.date, customer_id=file.customer_id,
            columns=tuple(wanted) if file.columns else (), form=FileFormat(**file.form),
        )  # fmt: skip
        frame["customer_id"] = _written_alike(frame["customer_id"], purchases.ids)
        given = frame
        if file.before is not None:
            frame = _begun(frame, purchases, file)
        series = CustomerSeries.of(frame)
        if lost := [name for name in file.leaving if name not in (*series.names, *common)]:
            raise DataError(f"{file.path} has no column {lost[0]!r}, which leaving names; it has {series}.")
    _check_begun(series, purchases, file)
    last = int(day_numbers(frame["date"]).max())
    if file.future is None and last < until:
        raise DataError(_unknown(file.path, last, until, OWN, "'hold'"))
    told = _told(file, folder)
    if shared is not None and table is not None:
        series = CustomerSeries.of(_joined(frame, table, shared, purchases, until))
        more = _told(shared, folder)
        told["source"] += f" and {more['source']}"
        told["checksum"] = hashlib.sha256(f"{told['checksum']} {more['checksum']}".encode()).hexdigest()
    leaving = series.select(list(file.leaving)) if file.leaving else None
    named = (*file.columns, *common) if file.columns else series.names
    buying = [name for name in named if name in file.columns or name not in file.leaving] or list(series.names)
    return StudyClocks(
        calendar=series.select(buying), leaving=leaving, future=file.future, **told,
        notes=tuple(_notes(series, given, frame, purchases, file.path, iso_day(last) if last < until else "")),
    )  # fmt: skip


def _joined(
    frame: pd.DataFrame, table: pd.DataFrame, shared: CalendarSeriesSection, purchases: PurchaseDays, until: int
) -> pd.DataFrame:
    """Customers' own series beside those common to all: a row a customer and day on which either may change."""
    if twice := [name for name in table if name in frame]:
        raise DataError(f"both files of series have a column {twice[0]!r}. Rename one, or name the columns meant.")
    later = _common_future(shared, table, until)
    table = table.sort_index()
    if later and table.index[-1] < pd.Timestamp(iso_day(until)):
        table.loc[table.index[-1] + pd.Timedelta(days=1)] = pd.Series(later)
    begins, first = int(day_numbers(table.index)[0]), int(purchases.first_day().min())
    if begins > first:
        raise DataError(
            f"the first row of {shared.path} is of {iso_day(begins)}, and purchases begin on {iso_day(first)}. Add "
            "what held before."
        )
    own = [str(name) for name in frame if name not in ("customer_id", "date")]
    frame = frame[frame["customer_id"].isin(purchases.ids)]
    code, ids = pd.factorize(frame["customer_id"])
    days = pd.DataFrame({"code": np.repeat(np.arange(len(ids)), len(table)), "date": np.tile(table.index, len(ids))})
    both = frame.assign(code=code).merge(days, how="outer", on=["code", "date"]).sort_values(["code", "date"])
    both[own] = both.groupby("code")[own].ffill()
    place = table.index.searchsorted(both["date"], side="right") - 1
    both = both.assign(customer_id=ids[both["code"]], **{str(name): table[name].to_numpy()[place] for name in table})
    known = both[own].notna().all(axis=1).to_numpy() & (place >= 0)  # from a customer's first row on, and the table's
    return both[known].drop(columns="code")


def _notes(
    series: CustomerSeries, given: pd.DataFrame, begun: pd.DataFrame, purchases: PurchaseDays, path: str, held: str
) -> Iterator[StudyWarning]:
    """What a reader must know of customers' own series: whose they are, what is taken of days without a row, and what
    an effect of them is not. `held` is the day after which last values hold on."""

    def note(message: str, **figures: float) -> StudyWarning:
        return StudyWarning(stage="data", code="own series", message=message, figures=figures)

    listed = pd.Index(given["customer_id"].unique())
    if unknown := int((~listed.isin(purchases.ids)).sum()):
        message = (
            f"{unknown:,} of {len(listed):,} customers in {path} have no purchases here and are passed over. Check "
            "that ids are written alike in both files."
        )
        yield note(message, unknown=unknown)
    if late := len(begun) - len(given):
        without = int((~purchases.ids.isin(listed)).sum())
        message = (
            f"{late:,} of {len(purchases.ids):,} customers have no row in {path} on the day of their first purchase or "
            f"before, {without:,} of them none at all: until a row comes their values are taken to be those of before "
            "in [data.series]."
        )
        yield note(message, late=late, without=without)
    if held:
        message = f"after {held}, the last day of {path}, each customer's last values are taken to hold on."
        yield note(message)
    message = (
        f"an effect of the customers' own series ({series}) is what went with buying. Where the firm chose by who was "
        "buying whom to contact or what to offer, it is no effect of that, and a plan with more of it promises too "
        "much; a trial, or contacts with some left alone by lot, would tell."
    )
    yield note(message)


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
