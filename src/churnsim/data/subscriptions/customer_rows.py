"""Files with one row a customer: its id, and what is known of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_frame, check_kind, shown
from churnsim.data.tabular.columns import file_ids, numbers, numpy_ids
from churnsim.data.tabular.open_source import raw_rows
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import FileFormat, Spelling
from churnsim.data.tabular.text_columns import NumberFormat
from churnsim.errors import ConfigError, DataError

SUMMARY = ("frequency", "recency", "T", "monetary_value", "log_intervals")


def read_covariates(
    path: str | os.PathLike[str], covariates: Sequence[str], *, customer_id: str = "customer_id",
    decimal: str | None = None, thousands: str | None = None, delimiter: str | None = None, encoding: str | None = None,
    sheet: str | None = None, detect: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """Read what is known of each customer, one row each, from a CSV (``.csv .txt .tsv``, also ``.gz``), Parquet or
    Excel file.

    Parameters
    ----------
    path : str or path
        The file.
    covariates : sequence of str
        The columns wanted.
    customer_id : str
        The column with the customer's id.
    decimal, thousands, delimiter, encoding, sheet, detect
        How the file is written, as in `read_transactions`.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, with the covariates: numbers where every value is one, else text. Raises DataError,
        naming file, row, value and remedy, for a missing or repeated id and for a missing value; ConfigError for
        covariates named twice, or named as a column of the summary.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("customer_id;age;channel\\n7;31,5;web\\n8;40;shop\\n")
    >>> people = read_covariates(path, ["age", "channel"])
    >>> people["age"].tolist(), people["channel"].tolist()
    ([31.5, 40.0], ['web', 'shop'])
    """
    _check_names(covariates, "covariates")
    _check_names([customer_id], "customer_id")
    names = list(covariates)
    taken = [name for name in names if name in SUMMARY]
    if taken:
        raise ConfigError(f"{taken[0]!r} is a column of the summary itself. Rename the covariate.")
    if len({customer_id, *names}) < len(names) + 1:
        raise ConfigError(f"the columns named must all be different; got {[customer_id, *names]}.")

    form = FileFormat(
        decimal=decimal, thousands=thousands, delimiter=delimiter, encoding=encoding, sheet=sheet, detect=detect
    )

    def nothing_else(raw: pd.DataFrame, flaws: Flaws, spelling: Spelling) -> pd.DataFrame:
        return pd.DataFrame(index=raw.index)

    return read_customer_rows(
        path, [customer_id, *names], customer_id, names, nothing_else, what="customer", form=form,
        on_bad=None,
    )  # fmt: skip


def _check_names(names: object, what: str) -> None:
    if isinstance(names, str) or not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{what} must be names of columns; got {shown(names)}.")


def join_covariates(summary: pd.DataFrame, covariates: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """The summary with the covariates of each customer. DataError where a customer has none; `source` names the
    file. Customers without purchases are left out.

    Examples
    --------
    >>> summary = pd.DataFrame({"frequency": [2, 0]}, index=["a", "b"])
    >>> ages = pd.DataFrame({"age": [31, 54, 40]}, index=["a", "b", "c"])
    >>> join_covariates(summary, ages, source="people.csv")["age"].to_dict()
    {'a': 31, 'b': 54}
    """
    check_frame(summary, "the summary")
    check_frame(covariates, "covariates")
    missing = ~summary.index.isin(covariates.index)
    if missing.any():
        first = summary.index[missing][0]
        raise DataError(
            f"customer {str(first)[:80]!r} has purchases but no row in {source} ({int(missing.sum()):,} such customers "
            f"of {len(summary):,}). Add a row for each, or leave out their purchases. Ids must be written alike in "
            "both files."
        )
    joined = summary.join(covariates, how="left")
    joined.attrs = dict(summary.attrs)
    return joined


def read_customer_rows(
    path: str | os.PathLike[str], columns: list[str], customer_id: str, covariates: Sequence[str],
    typing: Callable[[pd.DataFrame, Flaws, Spelling], pd.DataFrame],
    *, what: str, form: FileFormat, on_bad: str | None, dates_in: Sequence[str] = (), numbers_in: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """The rows of a CSV, Parquet or Excel file, one a customer, as a frame indexed by ``customer_id``: what `typing`
    makes of the raw `columns`, and the `covariates`.

    Parameters
    ----------
    path : str or path
        The file.
    columns : list of str
        All columns to be read, among them `customer_id` and the `covariates`.
    typing : callable
        Takes the raw columns, where to mark bad rows, and how dates and numbers are written; returns a frame.
    what : str
        What a row is called in messages.
    form : FileFormat
        How the file is written.
    on_bad : {"raise", "set_aside"} or None
        Whether any bad row is an error; None where the caller takes no such argument.
    dates_in, numbers_in : sequence of str
        The columns besides the covariates whose way of writing is to be found out.
    """
    for name, given in {"columns": columns, "customer_id": [customer_id], "covariates": covariates}.items():
        _check_names(given, name)
        if absent := [column for column in given if column not in columns]:
            raise ConfigError(f"columns must hold every column to be read; {name} has {absent[0]!r} besides.")
    check_kind(form, "form", FileFormat, "a FileFormat")
    kinds = dict.fromkeys([*covariates, *numbers_in], "measure") | dict.fromkeys(dates_in, "date")
    rows = raw_rows(path, columns, form, kinds=kinds)
    raw, flaws, lines = rows.frame, rows.flaws, rows.labels
    if raw.empty:
        raise DataError(f"{path} holds no {what}s. Give it at least one row.")
    index, _, _ = file_ids(raw[customer_id], customer_id, flaws, what=what)
    twice = index.duplicated().to_numpy() & flaws.good
    flaws.mark(twice, raw[customer_id], customer_id, "has a row before this one", "Give one row to each customer.")
    frame = typing(raw, flaws, rows.spelling)
    for name in covariates:
        frame[name] = _covariate(raw[name], name, flaws, rows.spelling.number(name))
    if flaws.count and (on_bad != "set_aside" or flaws.count == len(raw)):
        remedy = "Or pass on_bad='set_aside' to leave such rows out and have them listed."
        raise flaws.error(
            str(path), row=lambda position: int(lines[position]), row_word=rows.row_word,
            last_resort={"raise": remedy, None: ""}.get(on_bad, "No row is left to use."),
        )  # fmt: skip
    good = flaws.good
    result = frame[good].set_axis(pd.Index(numpy_ids(index[good]), name="customer_id"))
    result.attrs.update(set_aside=flaws.records(lambda position: int(lines[position])))
    return result


def _covariate(values: pd.Series[Any], name: str, flaws: Flaws, written: NumberFormat) -> pd.Series[Any]:
    """Numbers where every value is one, else text; missing values are marked."""
    read, missing = numbers(values, written)
    remedy = "Fill it in, give the missing a word of their own, or drop the column."
    flaws.mark(missing | (values.astype(str).str.strip() == ""), values, name, "is missing", remedy)
    if np.isfinite(read[~missing]).all():
        return pd.Series(read, index=values.index)
    return values.astype(str).str.strip().astype(object)
