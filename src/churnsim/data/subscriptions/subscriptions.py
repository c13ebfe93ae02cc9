"""Subscriptions from a CSV or Parquet file: how long each customer has stayed, and whether it has left.

A row is one customer. Its tenure runs from the start to the end of the relation, or to the last day observed where the
customer is still there (right-censored). Where the observation began later than the relation, the customer is in the
data only because it lasted until then (left-truncated): `entry` is the tenure it had by that day, 0 for the others.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_choice, check_kind, explained
from churnsim.data.logs.days import calendar_day, past_day
from churnsim.data.subscriptions.customer_rows import read_customer_rows
from churnsim.data.tabular.columns import MISSING, dates, numbers, yes_or_no
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import FileFormat, Spelling
from churnsim.data.tabular.tally import OnBad
from churnsim.data.tabular.text_columns import NumberFormat
from churnsim.errors import ConfigError, DataError
from churnsim.units import DAYS_PER_UNIT, check_unit, parse_duration

WHAT = "subscription"
NEVER = r"^[-0./ :]+$|(?<!\d)(?:226[2-9]|22[7-9]\d|2[3-9]\d\d|[3-9]\d{3})(?:[-/. ]|$|\d{4}$)"
"""How programs write an end that has not come: zeros, dashes, or a year that no clock here reaches, as 9999-12-31."""


@explained
def read_subscriptions(
    path: str | os.PathLike[str],
    *,
    customer_id: str = "customer_id",
    start: str = "start",
    end: str = "end",
    tenure: str | None = None,
    churned: str = "churned",
    entry: str | None = None,
    covariates: Sequence[str] = (),
    observed_until: str | datetime.date | None = None,
    observed_from: str | datetime.date | None = None,
    unit: str = "M",
    date_format: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    detect: bool = True,
    on_bad: OnBad = "raise",
    today: str | datetime.date | None = None,
) -> pd.DataFrame:
    """Read subscriptions, one row a customer, from a CSV (``.csv .txt .tsv``, also ``.gz``), Parquet or Excel file.

    Parameters
    ----------
    path : str or path
        The file.
    customer_id : str
        The column with the customer's id.
    start, end : str
        Columns of dates: when the relation began, and when it ended (while the customer is there empty, zeros, or a day
        such as 9999-12-31). An end after `observed_until` has not happened yet: that customer is still there.
    tenure, churned, entry : str
        Instead of dates: a column of durations in `unit`, one that says whether the customer left (yes/no, true/false,
        1/0), and for left truncation the duration at which it came under observation.
    covariates : sequence of str
        Further columns: numbers where every value is one, otherwise text.
    observed_until, observed_from : str or date
        The days between which customers were observed; the first of the two is needed with dates, and must not lie
        after `today`.
    unit : {"H", "D", "W", "M", "Y"}
        What durations are counted in.
    date_format, decimal, thousands, delimiter, encoding, sheet, detect, on_bad
        How the file is written, and what becomes of bad rows: as in `read_transactions`.
    today : str or date, optional
        The present day of this computer unless given.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``tenure`` (float, in `unit`), ``churned`` (bool), ``entry`` (float, 0 without
        truncation), with dates also ``began`` (when it came, counted from the last day observed: 0 or before), and the
        covariates. ``.attrs`` holds `unit` and `set_aside`, the rows left out under ``on_bad="set_aside"``.

    Raises
    ------
    DataError
        Names file, row, value and remedy of every bad row: missing or repeated id, unreadable date, end before start,
        start after the last day observed, customers gone before the observation began, negative tenure, tenure not
        above entry, missing covariate.
    ConfigError
        An argument is impossible.

    Examples
    --------
    >>> import tempfile, pathlib, churnsim
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "contracts.csv"
    >>> _ = path.write_text("customer_id;start;end\\n7;01.03.2023;31.03.2023\\n8;15.03.2023;\\n")
    >>> churnsim.data.read_subscriptions(path, observed_until="2023-04-14", unit="D")["tenure"].tolist()
    [30.0, 30.0]
    """
    check_unit(unit)
    check_choice(on_bad, "on_bad", ("raise", "set_aside"))
    form = FileFormat(
        date_format=date_format, decimal=decimal, thousands=thousands, delimiter=delimiter, encoding=encoding,
        sheet=sheet, detect=detect,
    )  # fmt: skip
    check_kind(covariates, "covariates", (list, tuple), "a list of columns")
    durations = [name for name in (tenure, entry) if name is not None]
    for name in (customer_id, start, end, churned, *covariates, *durations):
        check_kind(name, "each column named", str, "text")
    lengths = [start, end] if tenure is None else [tenure, churned, *([] if entry is None else [entry])]
    columns = [customer_id, *lengths, *covariates]
    if len(set(columns)) < len(columns):
        raise ConfigError(f"the columns named must all be different; got {columns}.")
    typing: Callable[[pd.DataFrame, Flaws, Spelling], pd.DataFrame]
    if tenure is None:
        window = _Window.of(observed_from, observed_until, unit, today)

        def typing(raw: pd.DataFrame, flaws: Flaws, spelling: Spelling) -> pd.DataFrame:
            return _from_dates(raw, flaws, start=start, end=end, window=window, formats=spelling.dates)
    else:

        def typing(raw: pd.DataFrame, flaws: Flaws, spelling: Spelling) -> pd.DataFrame:
            return _from_durations(raw, flaws, tenure=tenure, churned=churned, entry=entry, spelling=spelling)

    result = read_customer_rows(
        path, columns, customer_id, covariates, typing,
        what=WHAT, form=form, on_bad=on_bad, dates_in=[start, end] if tenure is None else (),
        numbers_in=durations,
    )  # fmt: skip
    result.attrs["unit"] = unit
    return result


@dataclass(frozen=True)
class _Window:
    """The days between which customers could be seen, and the days in one unit."""

    first: pd.Timestamp | None
    last: pd.Timestamp
    days: float

    @classmethod
    def of(cls, first: Any, last: Any, unit: str, today: Any) -> _Window:
        if last is None:
            raise ConfigError(
                "observed_until is needed with start and end dates: the last day on which it was known who is there."
            )
        begin = None if first is None else calendar_day(first, name="observed_from")
        until = calendar_day(last, name="observed_until")
        past_day(last, name="observed_until", today=today)
        if begin is not None and begin >= until:
            raise ConfigError(f"observed_from must lie before observed_until; got {begin.date()} and {until.date()}.")
        return cls(begin, until, DAYS_PER_UNIT[unit])


def _from_dates(
    raw: pd.DataFrame, flaws: Flaws, *, start: str, end: str, window: _Window, formats: dict[str, str | None]
) -> pd.DataFrame:
    began = dates(
        raw[start], start, flaws, date_format=formats.get(start), latest=window.last, what=WHAT
    ).dt.normalize()
    given = raw[end]
    text = given.astype(str).str.strip()
    open_ended = (given.isna() | text.isin(MISSING) | text.str.contains(NEVER)).to_numpy(dtype=bool)
    ended = pd.Series(pd.NaT, index=raw.index, dtype="datetime64[ns]")
    if not open_ended.all():
        part = Flaws(int((~open_ended).sum()))
        days = dates(given[~open_ended], end, part, date_format=formats.get(end), latest=None, what=WHAT)
        ended[~open_ended] = days.dt.normalize().to_numpy()
        flaws.adopt(part, np.flatnonzero(~open_ended), given)
    remedy = "Correct the date, or leave out a relation that never began."
    flaws.mark(ended < began, given, end, "lies before the start", remedy)
    flaws.mark(ended == began, given, end, "is the day of the start", remedy)
    entry = np.zeros(len(raw))
    if window.first is not None:
        gone = f"lies before the observation begins ({window.first:%Y-%m-%d})"
        remedy = "Leave out customers who were gone by then: they are there only by accident."
        flaws.mark(ended <= window.first, given, end, gone, remedy)
        entry = np.maximum((window.first - began).dt.days.to_numpy(dtype=np.float64) / window.days, 0.0)
    churned = (ended <= window.last).to_numpy(dtype=bool)
    tenure = (ended.where(churned, window.last) - began).dt.days.to_numpy(dtype=np.float64) / window.days
    came = (began - window.last).dt.days.to_numpy(dtype=np.float64) / window.days
    return pd.DataFrame({"tenure": tenure, "churned": churned, "entry": entry, "began": came})


def _from_durations(
    raw: pd.DataFrame, flaws: Flaws, *, tenure: str, churned: str, entry: str | None, spelling: Spelling
) -> pd.DataFrame:
    long = _duration(raw[tenure], tenure, flaws, spelling.number(tenure))
    left = yes_or_no(raw[churned], churned, flaws)
    into = np.zeros(len(raw)) if entry is None else _duration(raw[entry], entry, flaws, spelling.number(entry))
    remedy = "A customer who had left by the time the observation began does not belong here."
    flaws.mark((into > 0) & (long <= into), raw[tenure], tenure, "is not above the tenure at entry", remedy)
    remedy = "Give the tenure it had when it left (the first month counts as 1), or leave out what never began."
    flaws.mark((long == 0) & left, raw[tenure], tenure, "is 0 for a customer who left", remedy)
    return pd.DataFrame({"tenure": long, "churned": left, "entry": into})


def _duration(values: pd.Series[Any], name: str, flaws: Flaws, written: NumberFormat) -> NDArray[np.float64]:
    lengths, _ = numbers(values, written)
    remedy = "Write durations as plain numbers such as 7 or 3.5."
    flaws.mark(~np.isfinite(lengths), values, name, "is not a number", remedy)
    flaws.mark(lengths < 0, values, name, "is negative", "Durations are 0 or more.")
    return lengths


# Calendar months and years differ from the mean ones by up to 2.4 days: a share of a month. A relation this much
# short of a whole number of terms has completed it.
SLACK = 0.1


def churned_flags(subscriptions: pd.DataFrame) -> NDArray[np.bool_]:
    """The column `churned` as flags. DataError for what is neither True nor False, 1 nor 0."""
    column = subscriptions["churned"]
    values = column.to_numpy()
    if values.dtype != bool and not pd.Series(values).isin([0, 1]).all():
        bad = column[~column.isin([0, 1])]
        raise DataError(
            f"churned must be True or False (or 1 or 0); customer {str(bad.index[0])[:80]!r} has "
            f"{str(bad.iloc[0])[:40]!r}. Compare it with the word for having left: frame['churned'] == 'Yes'."
        )
    return values.astype(bool)


def count_renewals(subscriptions: pd.DataFrame, *, term: str) -> pd.DataFrame:
    """The same subscriptions with `tenure` and `entry` in whole terms, such as ``"1 M"`` or ``"1 year"``, and `began`
    in terms, so that none ends after the last day observed.

    Who left, left at a renewal: the nearest one, the first at least. Who is still there has completed the terms that
    have gone by, not the one that runs. A tenure within a tenth of a term below a whole number counts as that number,
    since calendar months differ in length. `.attrs["unit"]` becomes the term: a unit, or several of one (``"3 M"``),
    as the models of renewals and their discounting read it. Raises ConfigError for a term of no length and DataError
    for a frame without a unit.

    Examples
    --------
    >>> import pandas as pd
    >>> subscriptions = pd.DataFrame({"tenure": [2.9, 7.0], "churned": [True, False]})
    >>> subscriptions.attrs["unit"] = "M"
    >>> quarters = count_renewals(subscriptions, term="3 M")
    >>> quarters["tenure"].tolist(), quarters.attrs["unit"]
    ([1.0, 2.0], '3 M')
    """
    if not isinstance(subscriptions, pd.DataFrame) or not {"tenure", "churned"} <= set(subscriptions.columns):
        raise DataError("subscriptions are a DataFrame with tenure and churned, as read_subscriptions makes it.")
    length = parse_duration(term)
    if length.value <= 0:
        raise ConfigError(f"a term must be longer than zero; got {term!r}.")
    unit = subscriptions.attrs.get("unit")
    if unit is None:
        raise DataError("the subscriptions do not say their time unit. Set subscriptions.attrs['unit'], such as 'M'.")
    per = length.value * DAYS_PER_UNIT[length.unit] / DAYS_PER_UNIT[unit]
    tenure = _numbers(subscriptions, "tenure") / per
    churned = churned_flags(subscriptions)
    completed = np.floor(tenure + SLACK)
    result = subscriptions.copy()
    result["tenure"] = np.where(churned, np.maximum(np.round(tenure), 1.0), completed)
    if "entry" in result.columns:
        entry = np.floor(_numbers(subscriptions, "entry") / per + SLACK)
        # Truncation by a term that the customer did not outlive would say that it was never seen.
        result["entry"] = np.minimum(entry, np.maximum(result["tenure"] - 1.0, 0.0))
    if "began" in result.columns:
        # Whole terms may be a little longer than the relation was.
        result["began"] = np.minimum(_numbers(subscriptions, "began") / per, -result["tenure"])
    result.attrs.update(unit=length.unit if length.value == 1 else str(length), term=str(length))
    return result


def _numbers(subscriptions: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """A column as floats. DataError where it is no column of numbers."""
    try:
        return subscriptions[name].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the column {name!r} must hold numbers ({error}).") from None
