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
from typing import Any, TypeAlias, TypeVar, get_args

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
# A frame of a row a customer, such as a summary: of pandas, Polars, PyArrow, DuckDB, narwhals or what else speaks
# Arrow. Any, since it is pandas' inside a call that is `in_kind`.
CustomerFrame: TypeAlias = Any
# What the arguments are called that take frames: of a row a purchase, and of a row a customer.
LOGS = frozenset({"transactions", "log"})
BY_CUSTOMER = frozenset({"summary", "subscriptions", "customers", "covariates", "campaign"})


def kind_of(frame: object) -> str | None:
    """ "polars" or "pyarrow" for a frame of these, None for any other."""
    package = type(frame).__module__.partition(".")[0]
    return package if package in ("polars", "pyarrow") and type(frame).__name__ in ("DataFrame", "Table") else None


def summary_of_kind(frame: Any) -> Any:
    """A frame by customer, such as a summary, of Polars or Arrow as pandas', by ``customer_id`` and with its unit in
    `attrs`; another as it is."""
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
    attrs = found.attrs
    found = found.astype({name: object for name, kind in found.dtypes.items() if kind == ARROW_TEXT})
    if ID in found.columns:
        found = found.drop(columns=ID).set_axis(pd.Index(found[ID], name=ID), axis=0)
    found.attrs = attrs
    return found


def in_kind(call: C) -> C:
    """Let a call take its frames (`LOGS`, `BY_CUSTOMER`) in any kind that speaks Arrow, and answer in the kind of the
    first of them.

    A frame of results comes in Polars or Arrow, a Series as one of Polars, or an Arrow array, in the order of the rows.
    Frames of other kinds are answered in pandas. A log is passed on as it is, since who counts it takes any kind.
    """
    if getattr(call, "takes_frames", False):
        return call
    names = list(inspect.signature(call).parameters)
    is_log = not LOGS.isdisjoint(names)
    call = explained(call)

    @functools.wraps(call)
    def answered(*args: Any, **options: Any) -> Any:
        foreign = [each for each in (*args, *options.values()) if is_foreign_frame(each)]
        if not foreign:
            return call(*args, **options)
        kind = kind_of(foreign[0])
        # A call of a method of a class that adds arguments of its own has some beyond those that are named here.
        given = [each if name in LOGS else summary_of_kind(each) for name, each in zip(names, args, strict=False)]
        more = {name: each if name in LOGS else summary_of_kind(each) for name, each in options.items()}
        result = call(*given, *args[len(given) :], **more)
        if is_dataclass(result) and not is_log:  # what it says of each customer comes in kind
            index = next(one.index for one in (*given, *more.values()) if isinstance(one, pd.DataFrame))
            told = {one.name: getattr(result, one.name) for one in fields(result)}
            by_customer = {
                name: _as_kind(each, kind)
                for name, each in told.items()
                if isinstance(each, pd.DataFrame | pd.Series) and each.index.equals(index)
            }
            return replace(result, **by_customer) if by_customer else result  # type: ignore[type-var]
        return _as_kind(result, kind)

    answered.takes_frames = True  # type: ignore[attr-defined]
    return answered  # type: ignore[return-value]


def verbs_in_kind(cls: T) -> T:
    """Let the public methods of a class that take a frame by customer answer in its kind (see `in_kind`)."""
    for name, own in list(vars(cls).items()):
        inner = own.__func__ if isinstance(own, classmethod) else own
        public = inspect.isfunction(inner) and name[0] != "_"
        if public and not BY_CUSTOMER.isdisjoint(inspect.signature(inner).parameters):
            setattr(cls, name, classmethod(in_kind(inner)) if inner is not own else in_kind(inner))
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
    plain = result.index.name is None and isinstance(result.index, pd.RangeIndex)
    columns = {str(name): _values(column) for name, column in (result if plain else result.reset_index()).items()}
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
