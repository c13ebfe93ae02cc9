"""``churnsim db``: a firm's records in one file, added, checked, summarised and exported."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from churnsim.cli.errors import guarded
from churnsim.cli.export import TableFile, give_customers, print_table
from churnsim.cli.purchases import (
    COLUMNS,
    FORMAT,
    FirstFrom,
    Rates,
    RefundsOption,
    UnitOption,
    Until,
    exchange_rates,
    format_words,
    named_columns,
    reading_progress,
    with_options,
)
from churnsim.errors import ConfigError

if TYPE_CHECKING:
    from churnsim.data.database import PseudonymKey

db_app = typer.Typer(help="Keep a firm's records in one file: add, check, export, erase.", no_args_is_help=True)


TableName = Literal[
    "transactions", "contacts", "complaints", "spend", "referrals", "win-backs", "offers", "survey_answers",
    "subscriptions",
]  # fmt: skip
Database = Annotated[Path, typer.Argument(metavar="DATABASE", help="The database file, such as customers.db.")]
KeyFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Replace customer ids by pseudonyms, with the key in this file.")
]
KeyVariable = Annotated[
    str | None, typer.Option("--key-env", metavar="NAME", help="The same, with the key in this environment variable.")
]


@with_options(
    {**COLUMNS, **FORMAT, "on_bad": (FORMAT["on_bad"][0], "set_aside"), "refunds": (RefundsOption, "apart")},
    dict,
)
def add(
    database: Database,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, Parquet or Excel files.")],
    given: dict[str, Any],
    table: Annotated[
        TableName, typer.Option("--as", "--table", help="What the files hold; --table says the same.")
    ] = "transactions",
    key_file: KeyFile = None,
    key_variable: KeyVariable = None,
) -> None:
    """Add files to the database, which is made if it is not there.

    What a file leaves open (is 03/04/2025 in March or April?) is asked for, never guessed; what was found out is said.
    A file that was added before adds nothing; one that fails, or is interrupted, leaves the database as it was.

    \b
    Examples:
      churnsim db add customers.db sales-2024.csv sales-2025.csv --column customer_id="Client no" --column date=Day
      churnsim db add customers.db complaints.xlsx --as complaints
    """
    from churnsim.cli.progress import terminal_progress
    from churnsim.data.database import CustomerDatabase
    from churnsim.study.config.advice import in_options

    if given["refunds"] == "net":
        raise ConfigError("the database keeps refunds apart. Give --refunds net to db summarise, which takes them off.")
    with CustomerDatabase(database, key=_key(key_file, key_variable)) as db, terminal_progress() as shown:
        for file in files:
            shown.stage(f"reading {file.name}")
            added = db.add(
                file, table=table.replace("-", "_"), columns=named_columns(given), refunds=given["refunds"],
                progress=reading_progress(shown.note), **format_words(given),
            )  # fmt: skip
            typer.echo(in_options(str(added), inspect.signature(add).parameters))


def check(database: Database) -> None:
    """Say what the database holds and what is odd about it, rule by rule."""
    from churnsim.data.database import CustomerDatabase
    from churnsim.study.config.advice import in_options

    options = {*inspect.signature(add).parameters, *inspect.signature(summarise).parameters}
    with CustomerDatabase(database, read_only=True) as db:
        report = db.check()
    print_table(("table", "rows"), [[name, f"{rows:,}"] for name, rows in report.tables.items()], right=("rows",))
    typer.echo(f"{report.customers:,} customers with purchases, {report.first or '-'} to {report.last or '-'}")
    print_table(
        ("rule", "count", "of", "share", "what was done"),
        [
            [f.rule, f"{f.count:,}", f"{f.of:,}", f"{f.share:.2%}", in_options(f.treatment, options)]
            for f in report.findings
        ],
        right=("count", "of", "share"),
    )
    if report.reasons:
        print_table(
            ("why rows were set aside", "rows"), [[why, f"{rows:,}"] for why, rows in report.reasons.items()],
            right=("rows",),
        )  # fmt: skip


def summarise(
    database: Database,
    unit: UnitOption = "W",
    until: Until = None,
    first_from: FirstFrom = None,
    rate: Rates = None,
    refunds: RefundsOption = "apart",
    out: TableFile = None,
) -> None:
    """Summarise the purchases by customer, inside the database: frequency, recency, T and mean repeat spend."""
    from churnsim.data.database import CustomerDatabase

    if out is not None and out.exists() and database.exists() and out.samefile(database):
        raise ConfigError(f"--out {out} is the database itself. Write to another file.")
    with CustomerDatabase(database, read_only=True) as db:
        summary = db.summarise(
            unit=unit, until=until, first_from=first_from, exchange_rates=exchange_rates(rate),
            refunds="net" if refunds == "net" else "apart",
        )  # fmt: skip
    give_customers(summary, out)


def export(
    database: Database,
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="One of the tables, or summary, set_aside, refunds, loads.")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .xlsx or .parquet file.")],
) -> None:
    """Write a table to a file; text that a spreadsheet would run as a formula is made plain text."""
    from churnsim.data.database import CustomerDatabase

    with CustomerDatabase(database, read_only=True) as db:
        path = db.export(table.replace("-", "_"), file)
    typer.echo(f"{table} written to {path}", err=True)


def erase(
    database: Database,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="All rows of this customer, of every table.")
    ] = None,
    of_import: Annotated[
        str | None,
        typer.Option("--import", metavar="CHECKSUM", help="All rows of this import: its checksum, or the start of it."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be erased.")] = False,
    key_file: KeyFile = None,
    key_variable: KeyVariable = None,
) -> None:
    """Take records out again: all of one customer, or all that one import brought.

    A customer who was erased does not come back with a file that is added again. The checksums of imports stand in the
    table of loads: churnsim db export customers.db loads loads.csv

    \b
    Examples:
      churnsim db erase customers.db --customer 4711 --dry-run
      churnsim db erase customers.db --import 9f86d081
    """
    from churnsim.data.database import CustomerDatabase

    if (customer is None) == (of_import is None):
        raise ConfigError("give --customer or --import.")
    if not database.exists():
        raise ConfigError(f"{database} does not exist.")
    with CustomerDatabase(database, key=_key(key_file, key_variable)) as db:
        if customer is not None:
            typer.echo(str(db.erase(customer, dry_run=dry_run)))
        else:
            typer.echo(str(db.undo(str(of_import), dry_run=dry_run)))


def plot(
    database: Database,
    picture: Annotated[
        Literal["whale", "cohorts"], typer.Argument(help="The whale curve of spend, or the cohort matrix by months.")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .svg file.")],
) -> None:
    """Draw who the customers are: how much the best bring, or which share of each month's new customers come back."""
    if file.suffix.lower() != ".svg":
        raise ConfigError(f"{file} ends in {file.suffix!r}. Pictures are .svg files.")
    from churnsim import plots
    from churnsim.data.customers import customer_spend
    from churnsim.data.database import CustomerDatabase
    from churnsim.report.page.extras import require_report_extra
    from churnsim.study.storage.store import write_text

    require_report_extra()
    from churnsim.report.charts.svg import svg_of

    with CustomerDatabase(database, read_only=True) as db:
        log = db.transactions()
    if picture == "whale":
        chart = plots.concentration(customer_spend(log), backend="altair")
    else:
        chart = plots.cohorts(log, backend="altair")
    write_text(file, svg_of(chart))
    typer.echo(f"{picture} written to {file}", err=True)


def _key(file: Path | None, variable: str | None) -> PseudonymKey | None:
    from churnsim.data.database import PseudonymKey

    if file is not None and variable is not None:
        raise ConfigError("give --key-file or --key-env, not both.")
    if file is not None:
        return PseudonymKey.from_file(file)
    return None if variable is None else PseudonymKey.from_environment(variable)


db_app.command(short_help="Add files of records.")(guarded(add))
db_app.command(short_help="Say what the database holds and what is odd about it.")(guarded(check))
db_app.command(short_help="Summarise the purchases by customer.")(guarded(summarise))
db_app.command(short_help="Write a table to a file.")(guarded(export))
db_app.command(short_help="Take out a customer, or an import.")(guarded(erase))
db_app.command(short_help="Draw the whale curve or the cohort matrix.")(guarded(plot))
