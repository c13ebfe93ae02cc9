"""``churnsim report``: the HTML report of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report", "write_report"]


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, such as runs/cdnow-1a2b3c4d.")],
) -> None:
    """Write report.html of a finished run again, from its stored results.

    \b
    Example:
      churnsim report runs/cdnow-1a2b3c4d
    """
    from churnsim.study.storage.store import RunStore

    typer.echo(write_report(RunStore.existing(run).directory))


def write_report(directory: Path) -> Path:
    """Render and write ``report.html`` in a run directory; its path."""
    from churnsim.report.html import render
    from churnsim.study.storage.store import write_text

    path = directory / "report.html"
    write_text(path, render(directory))
    return path
