"""A file of purchases on the command line: the options that describe it, and reading it as they say."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Amount", "CustomerId", "Date", "DateFormat", "Delimiter", "Encoding", "File", "OnBad", "OnBadOption", "UnitName",
    "UnitOption", "Until", "read_purchases",
]  # fmt: skip


class OnBad(StrEnum):
    """What to do with a row that cannot be used."""

    RAISE = "raise"
    SET_ASIDE = "set_aside"


class UnitName(StrEnum):
    """What durations are counted in."""

    DAYS = "D"
    WEEKS = "W"
    MONTHS = "M"
    YEARS = "Y"


File = Annotated[Path, typer.Argument(metavar="FILE", help="Purchases, one row each: CSV or Parquet.")]
CustomerId = Annotated[str, typer.Option(metavar="COLUMN", help="The column with the customer's id.")]
Date = Annotated[str, typer.Option(metavar="COLUMN", help="The column with the date.")]
Amount = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column with the amount; 'none' for a log without amounts.")
]
DateFormat = Annotated[
    str | None, typer.Option(metavar="FORMAT", help="Such as '%d/%m/%Y'. Year-month-day needs none.")
]
Delimiter = Annotated[str | None, typer.Option(metavar="TEXT", help="What separates the columns; a comma if absent.")]
Encoding = Annotated[str, typer.Option(metavar="NAME", help="Of the file, such as 'cp1252'.")]
UnitOption = Annotated[UnitName, typer.Option(help="Count time in days, weeks, months or years.")]
Until = Annotated[
    str | None,
    typer.Option(metavar="DAY", help="Last day to look at, such as 1997-09-30; the last in the file if absent."),
]
OnBadOption = Annotated[OnBad, typer.Option(help="Stop at a bad row, or leave bad rows out and count them.")]


def read_purchases(
    file: Path,
    customer_id: str,
    date: str,
    amount: str | None,
    date_format: str | None,
    on_bad: OnBad,
    delimiter: str | None,
    encoding: str,
) -> pd.DataFrame:
    """The log in a file, as the options describe it."""
    from churnsim.data.logs.transactions import read_transactions

    transactions = read_transactions(
        file, customer_id=customer_id, date=date, amount=None if amount == "none" else amount,
        date_format=date_format, on_bad=on_bad.value, delimiter=delimiter, encoding=encoding,
    )  # fmt: skip
    _tell_set_aside(transactions.attrs["set_aside"], used=len(transactions))
    if transactions.attrs["trimmed_ids"]:
        typer.echo(f"took white space off {transactions.attrs['trimmed_ids']:,} customer ids", err=True)
    return transactions


def _tell_set_aside(rows: list[dict[str, Any]], *, used: int) -> None:
    if not rows:
        return
    first, total = rows[0], used + len(rows)
    typer.echo(
        f"set aside {len(rows):,} of {total:,} rows ({len(rows) / total:.1%}); the first is line {first['row']}, "
        f"column {first['column']!r}, {first['value']}: {first['reason']}",
        err=True,
    )
