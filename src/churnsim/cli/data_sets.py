"""``churnsim data``: the public data sets that can be loaded by name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnsim.cli.errors import guarded
from churnsim.cli.export import print_table, write_table
from churnsim.data.registry.declaration import KINDS

data_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List, describe and save public data sets of customers."
)
# Typer takes the kinds as an enumeration.
if TYPE_CHECKING:
    KindName = str
else:
    KindName = StrEnum("KindName", {kind.upper(): kind for kind in KINDS})
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `churnsim data list` prints it.")]


def list_data_sets(
    kind: Annotated[KindName | None, typer.Option(help="Only those of one kind.")] = None,
) -> None:
    """List the public data sets: what each is, and how one comes by it.

    \b
    Examples:
      churnsim data list
      churnsim data list --kind panel
    """
    from churnsim.data import datasets

    table = datasets.list(None if kind is None else str(kind))
    rows = [
        (name, row.kind, "artificial" if row.artificial else "real", row.title, row.how, "yes" if row.at_hand else "no")
        for name, row in zip(table.index, table.itertuples(), strict=True)
    ]
    print_table(("name", "kind", "customers", "what it is", "comes", "there now"), rows)


def show(name: Name) -> None:
    """Describe one data set: where it is from, its terms, what to cite, what to know before using it.

    \b
    Example:
      churnsim data show online-retail
    """
    from churnsim.data import datasets

    typer.echo(str(datasets.describe(name)))


def save(
    name: Name,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .parquet file to write it to.")],
) -> None:
    """Write a data set to a file, downloading it first where it has to be.

    \b
    Example:
      churnsim data save cdnow purchases.csv
    """
    from churnsim.data import datasets

    frame = datasets.load(name)
    frame.attrs = {}  # what reading left there is not written
    write_table(frame if frame.index.name else frame.set_index(frame.columns[0]), out)
    typer.echo(f"{len(frame):,} rows written to {out}", err=True)


data_app.command("list")(guarded(list_data_sets))
data_app.command()(guarded(show))
data_app.command()(guarded(save))
