"""Progress on standard error: a bar on a terminal, a line per stage elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import typer


def terminal_progress() -> LineProgress:
    """What suits standard error: bars if it is a terminal, lines if not."""
    return TerminalProgress() if sys.stderr.isatty() else LineProgress()


class LineProgress:
    """One line per stage, with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __enter__(self) -> LineProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def stage(self, title: str, total: int | None = None) -> None:
        """Print the stage's title."""
        typer.echo(f"[{time.monotonic() - self._start:6.1f} s] {title}", err=True)

    def advance(self, steps: int = 1) -> None:
        """Too small for a line."""

    def note(self, text: str) -> None:
        """Print the note, indented under its stage."""
        typer.echo(f"           {text}", err=True)


class TerminalProgress(LineProgress):
    """A bar per stage."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bars = Progress(
            SpinnerColumn(finished_text="✓"), TextColumn("{task.description}", markup=False), BarColumn(bar_width=24),
            MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True),
        )  # fmt: skip
        self._task: int | None = None

    def __enter__(self) -> TerminalProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._bars.stop()

    def stage(self, title: str, total: int | None = None) -> None:
        """Finish the bar before and begin a new one."""
        self._finish()
        self._task = self._bars.add_task(title, total=total if total is not None else 1)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._bars.task_ids[-1], steps)

    def note(self, text: str) -> None:
        """Print the note above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)

    def _finish(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[-1]
            self._bars.update(task.id, completed=task.total)
