"""Files with one row a customer: its id, and what is known of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.logs.transactions import checked_path, plain_ids
from churnsim.data.tabular.columns import ids, numbers
from churnsim.data.tabular.csv_file import read_delimited
from churnsim.data.tabular.parquet_file import read_parquet_columns
from churnsim.data.tabular.row_errors import Flaw, Flaws
from churnsim.errors import ConfigError, DataError

__all__ = ["join_covariates", "read_covariates", "read_customer_rows"]

SUMMARY = ("frequency", "recency", "T", "monetary_value", "log_intervals")


def read_covariates(
    path: str | os.PathLike[str], covariates: Sequence[str], *, customer_id: str = "customer_id",
    delimiter: str | None = None, encoding: str = "utf-8",
) -> pd.DataFrame:  # fmt: skip
    """Read what is known of each customer, one row each, from a CSV (``.csv .txt .tsv``, also ``.gz``) or Parquet file.

    Returns a frame indexed by ``customer_id`` with the `covariates`: numbers where every value is one, else text.
    Raises DataError, naming file, row, value and remedy, for a missing or repeated id and for a missing value;
    ConfigError for covariates named twice, or named as a column of the summary.
    """
    names = list(covariates)
    taken = [name for name in names if name in SUMMARY]
    if taken:
        raise ConfigError(f"{taken[0]!r} is a column of the summary itself. Rename the covariate.")
    if len({customer_id, *names}) < len(names) + 1:
        raise ConfigError(f"the columns named must all be different; got {[customer_id, *names]}.")

    def nothing_else(raw: pd.DataFrame, flaws: Flaws) -> pd.DataFrame:
        return pd.DataFrame(index=raw.index)

    return read_customer_rows(
        path, [customer_id, *names], customer_id, names, nothing_else, what="customer", delimiter=delimiter,
        encoding=encoding, on_bad=None,
    )  # fmt: skip


def join_covariates(summary: pd.DataFrame, covariates: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """The summary with the covariates of each customer. DataError where a customer has none; `source` names the
    file. Customers without purchases are left out."""
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
    typing: Callable[[pd.DataFrame, Flaws], pd.DataFrame],
    *, what: str, delimiter: str | None, encoding: str, on_bad: str | None,
) -> pd.DataFrame:  # fmt: skip
    """The rows of a CSV or Parquet file, one a customer, as a frame indexed by ``customer_id``: what `typing` makes
    of the raw `columns`, and the `covariates`. A row is called a `what`. Raises DataError for every bad row at once,
    unless `on_bad` is "set_aside"; None where the caller takes no such argument."""
    file, kind = checked_path(path)
    try:
        if kind == "parquet":
            raw = read_parquet_columns(file, columns, arguments=["customer_id"])
            flaws, word, lines = Flaws(len(raw)), "row", np.arange(len(raw)) + 1
        else:
            tab = file.name.lower().removesuffix(".gz").endswith(".tsv")
            text = read_delimited(file, delimiter=delimiter or ("\t" if tab else ","), encoding=encoding)
            records = replace(text, arguments=["customer_id"]).carefully(columns)
            raw, flaws, word, lines = records.frame, records.flaws, "line", records.lines
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}).") from None
    if raw.empty:
        raise DataError(f"{file} holds no {what}s. Give it at least one row.")
    index = ids(raw[customer_id], customer_id, flaws, trim=kind == "text", what=what)
    twice = Flaw(column=customer_id, reason="has a row before this one", remedy="Give one row to each customer.")
    flaws.mark(index.duplicated().to_numpy(), raw[customer_id], twice)
    frame = typing(raw, flaws)
    for name in covariates:
        frame[name] = _covariate(raw[name], name, flaws)
    if flaws.count and (on_bad != "set_aside" or flaws.count == len(raw)):
        remedy = "Or pass on_bad='set_aside' to leave such rows out and have them listed."
        raise flaws.error(
            str(file), row=lambda position: int(lines[position]), row_word=word,
            last_resort={"raise": remedy, None: ""}.get(on_bad, "No row is left to use."),
        )  # fmt: skip
    frame.index = pd.Index(plain_ids(index) if isinstance(index.dtype, pd.ArrowDtype) else index, name="customer_id")
    result = frame[flaws.good]
    result.attrs.update(set_aside=flaws.records(lambda position: int(lines[position])))
    return result


def _covariate(values: pd.Series[Any], name: str, flaws: Flaws) -> pd.Series[Any]:
    """Numbers where every value is one, else text; missing values are marked."""
    read, missing = numbers(values)
    lost = Flaw(
        column=name, reason="is missing", remedy="Fill it in, give the missing a word of their own, or drop the column."
    )
    flaws.mark(missing | (values.astype(str).str.strip() == "").to_numpy(dtype=bool), values, lost)
    if np.isfinite(read[~missing]).all():
        return pd.Series(read, index=values.index)
    return values.astype(str).str.strip().astype(object)
