"""Histories counted where the purchases lie: how many customers have each (x, t_x, T).

A purchase model's likelihood is a sum over customers in which equal histories are equal terms. A hundred million
customers, observed in whole days, have a few million different histories, so these with their numbers are all that a
fit needs in memory. Of Gamma-Gamma the same holds of (x, mean spend), with amounts in whole cents.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Protocol, TypeAlias, TypeVar

import pandas as pd

from churnsim.checks import check_count, explained, shown, typed
from churnsim.data.logs.grouped_log import is_ibis
from churnsim.data.logs.log_rules import Refunds
from churnsim.data.summaries.frame_kinds import in_kind, summarise, summary_of_kind
from churnsim.data.summaries.summary_query import nobody_by, refuse_endless
from churnsim.errors import ConfigError, DataError
from churnsim.units import check_unit

C = TypeVar("C", bound=Callable[..., Any])
R = TypeVar("R")
PARTS = 16  # of the work of an executor, unless given
HISTORY, SPEND = ("frequency", "recency", "T"), ("frequency", "monetary_value")
CUSTOMERS = "customers"


class ArrowFrame(Protocol):
    """A frame that speaks Arrow: of Polars, PyArrow, DuckDB, Ibis, narwhals."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The frame as a capsule of Arrow's stream."""


class PurchasesElsewhere(Protocol):
    """A `ParquetLog` or a `CustomerDatabase`."""

    def purchase_rows(self, until: Any, today: Any, on_refund: Refunds) -> Any:
        """Its purchases as SQL, with a connection."""


class SummaryElsewhere(Protocol):
    """A `ParquetSummary`."""

    def summary_rows(self, file: Any) -> Any:
        """The customers of one of its files."""


# What a model is fitted to: a summary in memory, or what is counted where it lies.
SummaryLike: TypeAlias = pd.DataFrame | ArrowFrame | PurchasesElsewhere | SummaryElsewhere


class TaskRunner(Protocol):
    """What runs tasks elsewhere: an executor of `concurrent.futures`, or a `distributed.Client`."""

    def submit(self, task: Callable[..., Any], /, *args: Any) -> Any:
        """Start a task; its future has `result()`."""


def is_elsewhere(data: Any) -> bool:
    """Whether these are purchases or summaries that lie outside this process's memory and can be counted there."""
    kind = type(data)  # an attribute that a frame lacks is looked for among its columns, which takes long
    return is_ibis(data) or hasattr(kind, "purchase_rows") or hasattr(kind, "summary_rows")


@typed
def count_histories(
    log: Any,
    *,
    unit: str | None = None,
    until: str | date | None = None,
    today: str | date | None = None,
    spend: bool = False,
    executor: TaskRunner | None = None,
    parts: int | None = None,
    on_refund: Refunds = "refuse",
) -> pd.DataFrame:
    """How many customers have each history, counted where the purchases lie.

    Parameters
    ----------
    log : ParquetLog, CustomerDatabase, Ibis table, ParquetSummary or DataFrame
        The purchases as `churnsim.summarise` takes them, or a summary in Parquet files.
    unit : {"H", "D", "W", "M", "Y"}, optional
        What durations are counted in; "W" unless given, of a summary its own.
    until, today : str or date, optional
        As in `churnsim.summarise`; not of a summary, which has its own last day.
    spend : bool
        Count mean spends of customers who bought again in place of histories, for `GammaGamma.fit`.
    executor : TaskRunner, optional
        Of `concurrent.futures`, or a `distributed.Client`: the customers of a `ParquetLog` are counted in `parts`, each
        a task that reads the files by itself, so that a worker that is lost costs its tasks alone. The counts are the
        same.
    parts : int, optional
        Groups of customers with an `executor`; 16 unless given.
    on_refund : {"refuse", "apart", "net"}
        As in `churnsim.summarise`; not of a summary.

    Returns
    -------
    DataFrame
        Columns ``frequency, recency, T`` (or ``frequency, monetary_value``) as in `churnsim.summarise`, and
        ``customers``, how many customers are alike in them; in the order of the rows. `fit` takes it as it is; after
        it went through a file give ``weights=counted["customers"]``.

    Raises DataError as `churnsim.summarise`; ConfigError for an executor beside something else than a `ParquetLog`.

    Examples
    --------
    >>> import churnsim as cs
    >>> counted = count_histories(cs.datasets.cdnow(), until="1997-09-30")
    >>> len(counted), int(counted["customers"].sum())
    (1016, 2357)
    >>> cs.BGNBD.fit(counted).n
    2357.0
    """
    columns = SPEND if spend else HISTORY
    if unit is not None:
        check_unit(unit)
    if executor is not None:
        found = _by_parts(log, unit, until, today, columns, executor, parts, on_refund)
    elif not is_elsewhere(log):
        summary = summary_of_kind(summarise(log, unit=unit or "W", until=until, today=today, on_refund=on_refund))
        check_amounts(summary.columns, columns)
        refunds = summary.attrs.get("refunds")
        found = summary[list(columns)].assign(customers=1)
        found = _added_up(found[found["frequency"] > 0] if spend else found, columns)
        found.attrs["refunds"] = refunds
    elif hasattr(log, "summary_rows"):
        if on_refund != "refuse":
            raise DataError("refunds are dealt with where a summary is made: pass on_refund= to write_summary.")
        found = log.counted(columns, unit=unit, until=until)
    elif hasattr(log, "purchase_rows"):
        found = _counted(log, unit or "W", until, today, columns, on_refund)
    else:
        from churnsim.data.summaries.ibis_log import count_ibis

        found = count_ibis(log, columns, unit=unit or "W", until=until, today=today, on_refund=on_refund)
    if spend and found.empty:
        raise DataError("no customer bought again, so there is no spend to count. Observe longer.")
    refunds = found.attrs.get("refunds")
    found.attrs = {"unit": unit or getattr(log, "unit", None) or "W", "weights": CUSTOMERS}
    if refunds:
        found.attrs["refunds"] = refunds
    return found


def counting_sql(source: str, columns: tuple[str, ...]) -> str:
    """The rows of `source`, summaries of customers, counted by their `columns`, in their order."""
    names = ", ".join(f'"{name}"' for name in columns)
    where = " WHERE frequency > 0" if columns == SPEND else ""
    return f"SELECT {names}, count(*) AS customers FROM ({source}){where} GROUP BY {names} ORDER BY {names}"


def check_amounts(found: Any, columns: tuple[str, ...]) -> None:
    """DataError where spends are to be counted and there are no amounts."""
    if columns == SPEND and "monetary_value" not in found:
        raise DataError("the purchases have no amounts, so there is no spend to count. Give a log with amounts.")


@contextmanager
def rows_of(
    log: Any, until: str | date | None, today: object | None, on_refund: Refunds, *, amounts: bool, part: int = 0,
    parts: int = 1,
) -> Iterator[tuple[Any, Any]]:  # fmt: skip
    """A connection, and the purchases of one part of the customers for it, looked over."""
    import duckdb

    with log.purchase_rows(until, today, on_refund) as (connection, rows):
        check_ids = getattr(log, "check_ids_where_they_lie", None)
        if check_ids is not None and part == 0:
            check_ids(connection, rows)
        whole = rows if amounts else rows.without_amounts()
        try:
            yield connection, whole.part(part, parts)
        except duckdb.ConversionException:
            if amounts:
                refuse_endless(connection, rows)
            raise


def _counted(
    log: Any, unit: str, until: Any, today: Any, columns: tuple[str, ...], on_refund: Refunds, part: int = 0,
    parts: int = 1,
) -> pd.DataFrame:  # fmt: skip
    with rows_of(log, until, today, on_refund, amounts=columns == SPEND, part=part, parts=parts) as (connection, rows):
        check_amounts(columns if rows.largest is not None else (), columns)
        found: pd.DataFrame = connection.execute(counting_sql(rows.summary(unit), columns), rows.parameters).df()
    if columns == HISTORY and parts == 1 and found.empty:
        raise nobody_by(rows.end)
    found.attrs["refunds"] = rows.refunds
    return found


def _by_parts(
    log: Any, unit: str | None, until: Any, today: Any, columns: tuple[str, ...], executor: TaskRunner,
    parts: int | None, on_refund: Refunds,
) -> pd.DataFrame:  # fmt: skip
    number = check_parts(log, executor, parts)
    of = (log, unit or "W", until, today, columns, on_refund)
    counted = results(executor, _counted, [(*of, part, number) for part in range(number)])
    found = _added_up(pd.concat(counted, ignore_index=True), columns)
    found.attrs["refunds"] = counted[0].attrs["refunds"]
    if columns == HISTORY and found.empty:
        raise DataError(f"nobody had bought by {until}. Choose a later day.")
    return found


def check_executor(executor: Any) -> None:
    """ConfigError for what is neither None nor runs tasks."""
    if executor is not None and (isinstance(executor, type) or not callable(getattr(executor, "submit", None))):
        raise ConfigError(f"executor must be one of concurrent.futures or a distributed.Client; got {shown(executor)}.")


def results(executor: TaskRunner | None, task: Callable[..., R], calls: Iterable[tuple[Any, ...]]) -> list[R]:
    """What the task returns for the arguments of each call: here, or by an executor."""
    if executor is None:
        return [task(*arguments) for arguments in calls]
    return [begun.result() for begun in [executor.submit(task, *arguments) for arguments in calls]]


def check_parts(log: Any, executor: Any, parts: int | None) -> int:
    """How many parts an executor is to do, checked as it and the log are."""
    check_executor(executor)
    if not hasattr(log, "check_ids_where_they_lie"):
        raise ConfigError("only a ParquetLog is counted by an executor, whose workers read its files themselves.")
    return check_count(PARTS if parts is None else parts, "parts", most=10_000)


def _added_up(found: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows that are alike as one, in order."""
    return found.groupby(list(columns), sort=True)[[CUSTOMERS]].sum().reset_index()


def with_counts(fit: C) -> C:
    """Let `fit` take counted histories, whose numbers are then its weights, and what they can be counted from."""
    spend = "unit" not in inspect.signature(fit).parameters
    fit = in_kind(fit)

    @functools.wraps(fit)
    def counted(cls: Any, summary: Any, **options: Any) -> Any:
        if is_elsewhere(summary):
            if getattr(cls, "reads", "summary") != "summary":
                raise DataError(
                    f"{cls.title} reads more of a customer than is counted where the data lie. Summarise the log in "
                    "memory for it, or fit another family."
                )
            if options.get("weights") is not None or options.get("calendar") is not None:
                raise DataError("weights and calendars are of a summary in memory. Leave them out, or summarise first.")
            summary = count_histories(summary, unit=options.get("unit"), spend=spend)
        counts = isinstance(summary, pd.DataFrame) and summary.attrs.get("weights") == CUSTOMERS
        if counts and CUSTOMERS in summary.columns and options.get("weights") is None:
            options = {**options, "weights": summary[CUSTOMERS]}
        return fit(cls, summary, **options)

    return explained(counted)  # type: ignore[return-value]
