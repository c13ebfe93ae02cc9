"""Tables written for other programs; in CSV and Excel no text can be run as a formula."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.data.tabular.files import confined, whole_file
from churnsim.errors import ConfigError
from churnsim.optional import optional_modules

# A spreadsheet takes text that begins so for a formula and may run it; an apostrophe before it makes it text again.
# White space and invisible marks before the sign are skipped by some programs.
_FORMULA = re.compile("^[\\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x1f]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
_STARTS = ("\t", "\r", "\n")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
EXCEL_ROWS = 1_048_576
EXCEL_CHARACTERS = 32_767


def neutral(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula, with an apostrophe before it; anything else as it is."""
    if isinstance(value, str) and (value.startswith(_STARTS) or _FORMULA.match(value)):
        return f"'{value}"
    return value


def export_table(frame: pd.DataFrame, path: Path, *, within: Path | None, source: Path) -> Path:
    """Write `frame` to `path` by its suffix, whole or not at all; returns where it went.

    Raises ConfigError for another suffix, for the database's own file, or a table that does not fit a sheet; DataError
    for a path that leads outside `within`.
    """
    path = confined(path, within) if within is not None else path
    suffix = path.suffix.lower()
    writers = {".csv": _write_csv, ".xlsx": _write_excel, ".parquet": _write_parquet, ".pq": _write_parquet}
    if suffix not in writers:
        raise ConfigError(f"{path} ends in {path.suffix!r}. Use .csv, .xlsx or .parquet.")
    if path.exists() and source.exists() and path.samefile(source):
        raise ConfigError(f"{path} is the database itself. Write to another file.")
    if not path.parent.is_dir():
        raise ConfigError(f"the directory {path.parent} does not exist. Make it first.")
    with whole_file(path, suffix=suffix) as temporary:
        writers[suffix](frame, temporary)
    return path


def _plain_text(frame: pd.DataFrame) -> pd.DataFrame:
    safe = frame.copy()
    safe.columns = [neutral(str(name)) for name in safe.columns]
    for place, dtype in enumerate(safe.dtypes):
        if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
            column = safe.iloc[:, place].map(lambda value: neutral(value if isinstance(value, str) else _text(value)))
            safe.isetitem(place, column.to_numpy())
    return safe


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, float | int) else str(value)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    _plain_text(frame).to_csv(path, index=False, lineterminator="\n", encoding="utf-8", errors="replace")


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    flat = frame.copy()
    for name in flat.columns:
        if flat[name].dtype == object:
            flat[name] = flat[name].map(_text)
    flat.to_parquet(path, index=False)


def _write_excel(frame: pd.DataFrame, path: Path) -> None:
    (openpyxl,) = optional_modules("openpyxl", extra="database", purpose="writing a workbook")
    if len(frame) >= EXCEL_ROWS:
        raise ConfigError(f"{len(frame):,} rows do not fit a sheet of {EXCEL_ROWS:,}. Export to .csv or .parquet.")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("churnsim")
    safe = _plain_text(frame)
    sheet.append([sheet_cell(name) for name in safe.columns])
    for row in safe.itertuples(index=False, name=None):
        sheet.append([sheet_cell(value) for value in row])
    book.save(path)


def sheet_cell(value: Any) -> Any:
    """What a cell can hold: no control characters, no more than 32,767 characters, nothing for a missing value."""
    if isinstance(value, str):
        return _NOT_XML.sub("\ufffd", value)[:EXCEL_CHARACTERS]
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value
