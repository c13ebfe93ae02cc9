"""Tables on standard output, ruled on a terminal and whole in a pipe, and files that a command writes for others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from churnsim.cli.errors import fail
from churnsim.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

PIPE_WIDTH = 240


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: Iterable[str] = ()
) -> None:
    """Print rows under a header; the columns named in `right` are set flush right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    flush = set(right)
    for name in columns:
        table.add_column(name, justify="right" if name in flush else "left")
    for row in rows:
        # Text, not str: square brackets in data are data, not markup.
        table.add_row(*(Text(show(cell)) for cell in row))
    console.print(table)


def print_comparison(table: Any, columns: tuple[str, ...]) -> None:
    """Print one row a model; what a model does not have stays empty."""
    shown = [name for name in columns if name in table]
    rows = [
        [name, *(None if isinstance(row[key], float) and row[key] != row[key] else row[key] for key in shown)]
        for name, row in table.to_dict("index").items()
    ]
    print_table(("model", *shown), rows, right=[name for name in shown if name != "status"])


def show(cell: Any) -> str:
    """A cell as text: numbers to six significant digits, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6g}" if abs(cell) < 1e6 else number(cell)
    return str(cell)


def number(value: float, digits: int = 4, *, sign: Literal["", "+"] = "") -> str:
    """A number to so many significant digits; one with more before its point as a whole, never by a power of ten.

    Examples
    --------
    >>> number(12794.3, sign="+"), number(186_041.0, 3), number(0.01234567)
    ('+12,794', '186,041', '0.01235')
    """
    return f"{value:{sign},.0f}" if 10**digits <= abs(value) < 1e15 else f"{value:{sign},.{digits}g}"


def interval(low: float | None, high: float | None) -> str:
    """A range that is known and has a width, else nothing."""
    return f"[{number(low, 3)}, {number(high, 3)}]" if low is not None and high is not None and low < high else ""


def in_a_folder(path: Path | None) -> Path | None:
    """The path, if its folder is there: said before the work whose result would be lost."""
    if path is not None and not path.parent.is_dir():
        raise fail(f"{path}: there is no folder {path.parent}. Make it first, or check the path.")
    return path


JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write all of it as JSON.", callback=in_a_folder)
]
Workers = Annotated[str | None, typer.Option(metavar="N", help="How many work at a time: a number or 'all'.")]
RunsDir = Annotated[Path, typer.Option(metavar="DIR", help="Where run directories are kept.")]
RUNS = Path("runs")
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget what an earlier run of the same study stored.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, such as runs/cdnow-1a2b3c4d.")]
StudyFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file that says what to study.")]
TableFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write a .csv or .parquet file instead of standard output.", callback=in_a_folder
    ),
]


def csv_text(frame: pd.DataFrame) -> str:
    """The frame, index included, as CSV with formula-like text neutralised."""
    from churnsim.data.database.export import neutral

    flat = frame.reset_index()
    flat.columns = [neutral(name) for name in flat.columns]
    for name in flat.select_dtypes(exclude="number").columns:
        flat[name] = flat[name].map(neutral)
    return str(flat.to_csv(index=False, lineterminator="\n"))


def not_the_input(source: Path, target: Path | None, option: str) -> None:
    """ConfigError when a command would write over the file that it reads."""
    if target is not None and target.exists() and target.samefile(source):
        raise ConfigError(
            f"{option} {target} is the file that is read. Write to another one, or its purchases are lost."
        )


def write_table(frame: pd.DataFrame, path: Path, *, metadata: dict[bytes, bytes] | None = None) -> None:
    """Write the frame, index included, as CSV or Parquet (with `metadata`) by the file's suffix; ConfigError for
    another suffix."""
    from churnsim.study.storage.store import write_parquet, write_text

    suffix = path.suffix.lower()
    if suffix == ".csv":
        write_text(path, csv_text(frame))
    elif suffix in (".parquet", ".pq"):
        write_parquet(path, frame.reset_index(), metadata=metadata)
    else:
        raise ConfigError(f"--out {path} ends in {suffix!r}. Use .csv or .parquet.")


def give_customers(frame: pd.DataFrame, path: Path | None) -> None:
    """Write one row a customer to a file, or to standard output."""
    if path is None:
        typer.echo(csv_text(frame), nl=False)
        return
    from churnsim.data.summaries.parquet_summary import UNIT

    write_table(frame, path, metadata={UNIT: str(frame.attrs["unit"]).encode()})
    typer.echo(f"{len(frame):,} customers written to {path}", err=True)


def write_json_file(path: Path | None, content: Any) -> None:
    """Write plain JSON values, if there is a file to write to."""
    if path is None:
        return
    from churnsim.records.base import plain
    from churnsim.study.storage.store import write_text

    write_text(path, json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
