"""A file of purchases on the command line: the options that describe it, the same for every command, and reading it."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, TypeVar

import typer

from churnsim.errors import ConfigError
from churnsim.units import Unit

if TYPE_CHECKING:
    import pandas as pd

    from churnsim.data.summaries.parquet_log import ParquetLog

P = ParamSpec("P")
R = TypeVar("R")
DATABASES = (".db", ".duckdb")
SECONDS_OF_SILENCE = 5.0
SAMPLED = 200_000  # customers of a folder, for commands that need every purchase in memory


def _text(metavar: str, help_: str, *names: str) -> Any:
    return Annotated[str | None, typer.Option(*names, metavar=metavar, help=help_)]


def _choice(values: Any, help_: str) -> Any:
    return Annotated[values, typer.Option(help=help_)]


File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="Purchases, one row each: CSV, Parquet, Excel, a customer database, or a folder of Parquet files.",
    ),
]
UnitOption = Annotated[Unit, typer.Option(help="Count time in hours, days, weeks, months or years.")]
Until = _text("DAY", "Last day to look at, such as 1997-09-30; the last in the file if absent.")
Rates = Annotated[
    list[str] | None, typer.Option(metavar="CURRENCY=NUMBER", help="What one unit of a currency is worth.")
]
FirstFrom = _text("DAY", "Leave out customers who were seen before this day.")
RefundsOption = _choice(
    Literal["refuse", "apart", "net"],
    "Stop at a negative amount, leave refunds out, or take them off the purchases before.",
)
# Name, how it is shown, and default. What a file calls its columns:
COLUMNS: dict[str, tuple[Any, Any]] = {
    "customer_id": (_text("COLUMN", "The column with the customer's id; customer_id if absent."), None),
    "date": (_text("COLUMN", "The column with the date; date if absent."), None),
    "amount": (
        _text("COLUMN", "The column with the amount; amount if absent, 'none' for a log without amounts."), None,
    ),
    "price": (_text("COLUMN", "With --quantity in place of an amount: the price of one."), None),
    "quantity": (_text("COLUMN", "With --price: how many; below 0 for a refund."), None),
    "refunded": (_text("COLUMN", "The column with what was given back of each amount."), None),
    "currency": (_text("COLUMN", "The column with the currency; currency if there is one."), None),
    "column": (
        Annotated[
            list[str] | None,
            typer.Option(metavar="OURS=THEIRS", help="What the file calls any column: customer_id='Client no'."),
        ],
        None,
    ),
}  # fmt: skip
# How it is written, and what becomes of its rows:
FORMAT: dict[str, tuple[Any, Any]] = {
    "date_format": (_text("FORMAT", "Such as '%d/%m/%Y'; found out if absent."), None),
    "decimal": (_text("MARK", "The mark before decimals, . or ,; found out if absent."), None),
    "thousands": (_text("MARK", "The mark between thousands."), None),
    "delimiter": (_text("TEXT", "What separates the columns; found out if absent."), None),
    "encoding": (_text("NAME", "Of the file, such as 'cp1252'; found out if absent."), None),
    "sheet": (_text("NAME", "Of a workbook with several; 'FY*' for all called so, '*' for all."), None),
    "detect": (
        Annotated[bool, typer.Option(help="Find out how the file is written, or take it as plain CSV with commas.")],
        True,
    ),
    "on_bad": (
        _choice(Literal["raise", "set_aside"], "Stop at a bad row, or leave bad rows out and count them."), "raise",
    ),
    "most_bad": (
        Annotated[
            float | None, typer.Option(metavar="SHARE", help="More bad rows than this share are an error all the same.")
        ],
        None,
    ),
    "guests": (
        _choice(Literal["refuse", "apart"], "A row without a customer id is bad, or left out and counted."), "refuse",
    ),
    "duplicates": (
        _choice(Literal["keep", "set_aside"], "Keep rows that repeat an earlier one, or leave them out."), "keep",
    ),
    "leave_out": (
        Annotated[
            list[str] | None,
            typer.Option(metavar="COLUMN=VALUE", help="Leave out rows with this value, such as Status=void."),
        ],
        None,
    ),
    "today": (_text("DAY", "The last day a record may have; this computer's present day if absent."), None),
}  # fmt: skip
RULES: dict[str, tuple[Any, Any]] = {
    "refunds": (RefundsOption, "refuse"),
    "rate": (Rates, None),
    "first_from": (FirstFrom, None),
}


def with_options(
    options: dict[str, tuple[Any, Any]], gather: Callable[[dict[str, Any]], Any]
) -> Callable[[Callable[P, R]], Callable[..., R]]:
    """Put the `options` of a table between the arguments and the own options of a command; it gets what `gather` makes
    of them in place of its parameter ``given``."""

    def decorate(command: Callable[P, R]) -> Callable[..., R]:
        own = inspect.signature(command, eval_str=True).parameters
        keyword = inspect.Parameter.KEYWORD_ONLY
        added = [
            inspect.Parameter(name, keyword, default=default, annotation=shown)
            for name, (shown, default) in options.items()
        ]
        parameters: list[inspect.Parameter] = []
        for name, parameter in own.items():
            parameters += added if name == "given" else [parameter.replace(kind=keyword)]

        @functools.wraps(command)
        def wrapper(**words: Any) -> R:
            described = {name: words.pop(name) for name in options}
            return command(given=gather(described), **words)  # type: ignore[call-arg]

        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapper

    return decorate


@dataclass(frozen=True)
class PurchaseFile:
    """A file of purchases as the options describe it."""

    words: dict[str, Any]

    @property
    def path(self) -> Path:
        """The file."""
        path: Path = self.words["file"]
        return path

    @property
    def columns(self) -> dict[str, str | None]:
        """Our columns to theirs, where an option says so; None for amounts that are not there."""
        return named_columns(self.words)

    @property
    def form(self) -> dict[str, Any]:
        """How a file beside this one, of the same customers, is written."""
        return {name: self.words[name] for name in ("decimal", "thousands", "delimiter", "encoding", "detect")}

    def parquet_log(self, *, amounts: bool = True) -> ParquetLog:
        """A folder of Parquet files, which are not read into memory; with amounts where they are wanted or there.
        ConfigError for options that are for other files."""
        from churnsim.data.summaries.parquet_log import ParquetLog
        from churnsim.data.tabular.arrow_source import open_parquet

        options = {**FORMAT, **RULES, **{name: COLUMNS[name] for name in ("price", "quantity", "refunded")}}
        given = [name for name, (_, default) in options.items() if name != "rate" and self.words[name] != default]
        if given:
            raise ConfigError(
                f"--{given[0].replace('_', '-')} is for files that are read row by row, and {self.path} is a folder of "
                "Parquet files. Leave it out, or add the files to a database by churnsim db add."
            )
        columns: dict[str, Any] = dict(self.columns)
        first = min(self.path.glob("*.parquet"), default=None)
        if not amounts and "amount" not in columns and first is not None:
            with open_parquet(first) as opened:
                columns |= {} if "amount" in opened.schema_arrow.names else {"amount": None}
        return ParquetLog(self.path, **columns, exchange_rates=exchange_rates(self.words["rate"]))

    def read(self, *, amounts: bool = True) -> pd.DataFrame:
        """The log. Amounts that are not needed are read where they are there, since they tell a refund from a
        purchase. What was left out is said on standard error."""
        if self.path.is_dir():
            log = self.parquet_log(amounts=amounts).sample(SAMPLED, seed=1)
            typer.echo(f"{log['customer_id'].nunique():,} of the customers in {self.path}, chosen by chance", err=True)
            return log
        rates = exchange_rates(self.words["rate"])
        first_from, refunds = self.words["first_from"], self.words["refunds"]
        if self.path.suffix.lower() in DATABASES:
            from churnsim.data.database import CustomerDatabase

            self._refuse_options_of_files()
            with CustomerDatabase(self.path, read_only=True) as db:
                log = db.transactions(
                    refunds="net" if refunds == "net" else "apart", exchange_rates=rates, first_from=first_from,
                    amounts=self.columns.get("amount", "amount") is not None,
                )  # fmt: skip
        else:
            from churnsim.data.logs.transactions import read_transactions

            columns: dict[str, Any] = self.columns
            if not amounts and not {"amount", "price", "quantity"} & columns.keys() and not self._has_amounts():
                columns["amount"] = None
            log = read_transactions(
                self.path, **columns, **format_words(self.words), refunds=refunds, exchange_rates=rates,
                first_from=first_from, progress=reading_progress(lambda text: typer.echo(text, err=True)),
            )  # fmt: skip
        _tell(log)
        return log

    def read_as(self, study: Path) -> pd.DataFrame:
        """The log, read as a study reads its own. ConfigError for an option that says how it is to be read, too."""
        from churnsim.study.config.config_file import read_config
        from churnsim.study.watch import log_as_studied

        given = [name for name, (_, default) in {**COLUMNS, **FORMAT, **RULES}.items() if self.words[name] != default]
        if given:
            raise ConfigError(f"--{given[0].replace('_', '-')} and --study both say how the file is read. Give one.")
        log = log_as_studied(read_config(study).data, self.path)
        _tell(log)
        return log

    def _refuse_options_of_files(self) -> None:
        """ConfigError for an option that says how a file is written or what becomes of its rows, beside a database,
        whose records are typed and counted already; that it is to be read without amounts can be said."""
        options = {**COLUMNS, **FORMAT}
        given = [name for name, (_, default) in options.items() if self.words[name] != default]
        if self.columns == {"amount": None}:
            given = [name for name in given if name not in ("amount", "column")]
        if given:
            raise ConfigError(
                f"--{given[0].replace('_', '-')} is for files, and {self.path} is a customer database. Give it to "
                "churnsim db add, or leave it out."
            )

    def _has_amounts(self) -> bool:
        from churnsim.data.tabular.open_source import open_source
        from churnsim.data.tabular.source import FileFormat

        form = FileFormat(**self.form, sheet=self.words["sheet"])
        wanted = [self.columns.get(name) or name for name in ("customer_id", "date")]
        return "amount" in open_source(self.path, form, wanted=wanted).columns()


with_purchases = with_options({"file": (File, inspect.Parameter.empty), **COLUMNS, **FORMAT, **RULES}, PurchaseFile)


def named_columns(words: dict[str, Any]) -> dict[str, str | None]:
    """Our columns to theirs, where an option of COLUMNS names them; None for an amount of "none"."""
    named: dict[str, str | None] = dict(pairs(words["column"] or [], "--column", "OURS=THEIRS"))
    for name in COLUMNS:
        if name != "column" and words[name] is not None:
            named[name] = words[name]
    return {name: None if name == "amount" and theirs == "none" else theirs for name, theirs in named.items()}


def format_words(words: dict[str, Any]) -> dict[str, Any]:
    """The options of FORMAT as Python's readers take them."""
    found = {name: words[name] for name in FORMAT if words[name] is not None}
    return {**found, "leave_out": values_left_out(words["leave_out"])}


def values_left_out(texts: list[str] | None) -> dict[str, list[str]] | None:
    """The values of ``--leave-out COLUMN=VALUE`` by column, None without any."""
    found: dict[str, list[str]] = {}
    for text in texts or ():
        for column, value in pairs([text], "--leave-out", "COLUMN=VALUE").items():
            found.setdefault(column, []).append(value)
    return found or None


def exchange_rates(texts: list[str] | None) -> dict[str, float] | None:
    """The rates of ``--rate CURRENCY=NUMBER``, None without any."""
    rates = {}
    for currency, text in pairs(texts or [], "--rate", "CURRENCY=NUMBER").items():
        try:
            rates[currency] = float(text)
        except ValueError:
            raise ConfigError(f"--rate {currency}={text}: {text!r} is not a number.") from None
    return rates or None


def pairs(texts: list[str], option: str, form: str) -> dict[str, str]:
    """Options of the form NAME=VALUE as a mapping."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ConfigError(f"{option} {text!r} is not of the form {form}.")
        found[name.strip()] = value.strip()
    return found


def reading_progress(say: Callable[[str], None]) -> Callable[[int], None]:
    """What tells every few seconds how many rows have been read."""
    said = [time.monotonic()]

    def progress(rows: int) -> None:
        if time.monotonic() - said[0] > SECONDS_OF_SILENCE:
            said[0] = time.monotonic()
            say(f"{rows:,} rows read")

    return progress


def _tell(log: pd.DataFrame) -> None:
    """How the file was understood, where it is not plain, and which rows are not in the log."""
    from churnsim.data.tabular.order_states import told_of_undone
    from churnsim.study.config.advice import in_options

    record, aside = log.attrs["reading"], log.attrs["set_aside"]
    found = [f"{what}: {how}" for what, how in record["detected"].items() if not _plain(how)]
    if found:
        typer.echo(f"read as {', '.join(found)}", err=True)
    if record["left_out"]:
        total = record["rows"]
        reasons = "; ".join(f"{number:,} {reason}" for reason, number in record["left_out"].items())
        typer.echo(
            f"set aside {total - record['used']:,} of {total:,} rows ({1 - record['used'] / total:.1%}): {reasons}",
            err=True,
        )
    if aside:
        first = aside[0]
        typer.echo(
            f"the first bad one is row {first['row']}, column {first['column']!r}, {first['value']}: {first['reason']}",
            err=True,
        )
    if told := told_of_undone(record.get("undone", {})):
        typer.echo(in_options(told, COLUMNS | FORMAT), err=True)
    if record["trimmed_ids"]:
        typer.echo(f"took white space off {record['trimmed_ids']:,} customer ids", err=True)


def _plain(how: str) -> bool:
    return how in ("ascii", "utf-8", "','", "year-month-day", "whole numbers") or how.startswith("'.' before the")
