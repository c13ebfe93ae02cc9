"""Results in the kind of frame that came in: a log or a summary of Polars or Arrow is answered in Polars or Arrow.

Inside everything is pandas', where the index says whose a row is and `attrs` what unit it is in and which calendar it
was made with. Outside, the id is a column ``customer_id``, and the unit and the calendar are columns ``unit`` and
``calendar`` of an enumeration (Polars' Enum, Arrow's dictionary), which joins, filters and files keep, as they do not
keep `attrs`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from churnsim.checks import explained, is_foreign_frame
from churnsim.data.logs.grouped_log import tabular
from churnsim.data.summaries.summary import split_holdout as split_holdout_pandas
from churnsim.data.summaries.summary import summarise as summarise_pandas
from churnsim.data.tabular.text_columns import ARROW_TEXT
from churnsim.errors import DataError
from churnsim.units import Unit

C = TypeVar("C", bound=Callable[..., Any])
T = TypeVar("T", bound=type[Any])
ID, UNIT, CALENDAR = "customer_id", "unit", "calendar"
MARKS = (UNIT, CALENDAR)  # of a whole summary


def kind_of(frame: object) -> str | None:
    """ "polars" or "pyarrow" for a frame of these, None for any other."""
    package = type(frame).__module__.partition(".")[0]
    return package if package in ("polars", "pyarrow") and type(frame).__name__ in ("DataFrame", "Table") else None


def summary_of_kind(frame: Any) -> Any:
    """A summary of Polars or Arrow as pandas', by ``customer_id`` and with its unit in `attrs`; another as it is."""
    if not is_foreign_frame(frame):
        return frame
    found = tabular(frame)
    if UNIT in found.columns:
        units = [str(each) for each in found[UNIT].unique()]
        if len(units) != 1 or units[0] not in get_args(Unit):
            held = ", ".join(units[:4]) or "none"
            raise DataError(f"the column 'unit' must hold one unit, H, D, W, M or Y; got {held}.")
        found.attrs[UNIT] = units[0]
    if CALENDAR in found.columns:
        made_with = [str(each) for each in found[CALENDAR].unique()]
        if len(made_with) != 1:
            raise DataError("the summary is of rows made with several calendars. Summarise all customers with one.")
        found.attrs[CALENDAR] = made_with[0]
    found = found.drop(columns=[name for name in MARKS if name in found.columns])
    if ID in found.columns:
        ids, attrs = found[ID], found.attrs
        index = pd.Index(ids.astype(object) if ids.dtype == ARROW_TEXT else ids, name=ID)
        found = found.drop(columns=ID).set_axis(index, axis=0)
        found.attrs = attrs
    return found


def in_kind(call: C) -> C:
    """Let a call whose first frame is a log or a summary take one of Polars or Arrow, and answer in the same kind.

    A Series is answered as one of Polars, or an Arrow array, in the order of the rows. Frames of other kinds that speak
    Arrow are taken too, and answered in pandas.
    """
    is_log = "transactions" in inspect.signature(call).parameters
    name = "transactions" if is_log else "summary"

    call = explained(call)

    @functools.wraps(call)
    def answered(*args: Any, **options: Any) -> Any:
        place = next((i for i, each in enumerate(args) if is_foreign_frame(each)), None)
        given = options.get(name) if place is None else args[place]
        if not is_foreign_frame(given):
            return call(*args, **options)
        if not is_log:
            inner = summary_of_kind(given)
            if place is None:
                options = {**options, name: inner}
            else:
                args = (*args[:place], inner, *args[place + 1 :])
        result = call(*args, **options)
        if is_dataclass(result) and not is_log:  # what it says of each customer comes in kind
            told = {one.name: getattr(result, one.name) for one in fields(result)}
            by_customer = {
                name: _as_kind(each, kind_of(given))
                for name, each in told.items()
                if isinstance(each, pd.DataFrame | pd.Series) and each.index.equals(inner.index)
            }
            return replace(result, **by_customer) if by_customer else result  # type: ignore[type-var]
        return _as_kind(result, kind_of(given))

    return answered  # type: ignore[return-value]


def verbs_in_kind(cls: T) -> T:
    """Let the public methods of a class that take a summary answer in its kind (see `in_kind`)."""
    for name, own in list(vars(cls).items()):
        if inspect.isfunction(own) and name[0] != "_" and "summary" in inspect.signature(own).parameters:
            setattr(cls, name, in_kind(own))
    return cls


summarise = in_kind(summarise_pandas)
split_holdout = in_kind(split_holdout_pandas)


def _as_kind(result: Any, kind: str | None) -> Any:
    """A frame or a Series of pandas in the kind asked for; anything else as it is."""
    if kind is None or not isinstance(result, pd.DataFrame | pd.Series):
        return result
    if isinstance(result, pd.Series):
        values = _values(result)
        return sys.modules["polars"].Series(str(result.name), values) if kind == "polars" else pa.array(values)
    columns = {str(name): _values(column) for name, column in result.reset_index().items()}
    for name in MARKS:
        mark = result.attrs.get(name)
        if mark is not None:
            columns[name] = _all_alike(mark, get_args(Unit) if name == UNIT else (mark,), len(result), kind)
    return sys.modules["polars"].DataFrame(columns) if kind == "polars" else pa.table(columns)


def _all_alike(value: str, values: tuple[str, ...], number: int, kind: str) -> Any:
    """A column of an enumeration of `values` that has the one `value` in all rows."""
    if kind == "polars":
        polars = sys.modules["polars"]
        return polars.Series([value], dtype=polars.Enum(values)).new_from_index(0, number)
    codes = pa.array(np.full(number, values.index(value), dtype=np.int8))
    return pa.DictionaryArray.from_arrays(codes, pa.array(values))


def _values(column: pd.Series[Any]) -> Any:
    """Numbers as they are, ids and words as a list."""
    values = column.to_numpy()
    return values.tolist() if values.dtype == object else values
