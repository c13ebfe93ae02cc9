"""The five texts that the claims come from, with their references, and studies that several claims go back to."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class CitedText(NamedTuple):
    """One of the texts. None is signed in the copy at hand, so each is cited by its title."""

    title: str
    year: str
    reference: str

    @property
    def cited(self) -> str:
        """As it is cited in a sentence."""
        return f"'{self.title}' ({self.year})"

    @property
    def in_brackets(self) -> str:
        """As it is cited within brackets."""
        return f"'{self.title}', {self.year}"


TEXTS = {
    name: CitedText(**told)
    for name, told in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
}
"""The texts by the name that the claims use in code."""

TARP: dict[str, dict[str, float]] = {
    "major": {"silent": 0.09, "unresolved": 0.19, "resolved": 0.54, "resolved_quickly": 0.82},
    "minor": {"silent": 0.37, "unresolved": 0.46, "resolved": 0.70, "resolved_quickly": 0.95},
}
"""Share who would buy again, by size of loss and by what became of the complaint (TARP 1979, 1986): data, published."""
