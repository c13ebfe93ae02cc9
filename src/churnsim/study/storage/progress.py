"""What a running study tells whoever watches. The command line draws it; a library user need not."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from the main process only."""

    def stage(self, title: str, total: int | None = None) -> None:
        """A new stage begins; `total` is its number of steps where that is known."""

    def advance(self, steps: int = 1) -> None:
        """Some steps of the current stage are done."""

    def note(self, text: str) -> None:
        """Something a person should read, now or in the log."""


class Silent:
    """Shows nothing."""

    def stage(self, title: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, steps: int = 1) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""
