"""Tables on standard output: ruled on a terminal, whole and uncoloured in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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
        return f"{cell:.6g}"
    return str(cell)
