"""The report's sentences, one TOML file a language, filled from stored results."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from string import Formatter
from typing import Any

from churnsim.errors import ConfigError

__all__ = ["ANSWERS", "Words"]

ANSWERS = ("HOLDS", "HOLDS_IF", "FAILS", "UNDECIDED", "NOT_RUN")
"""The answers to a claim, in the order in which they are told."""


class Words:
    """The sentences of one language, by dotted key.

    Raises ConfigError for a language that has no file.
    """

    def __init__(self, language: str = "en") -> None:
        source = files(__name__).joinpath(f"{language}.toml")
        # A name such as "../x" is no language, whatever file it happens to reach.
        if not language.isalpha() or not source.is_file():
            raise ConfigError(f"no report in the language {language!r}. Use 'en'.")
        self._entries: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))

    def __call__(self, key: str, **values: str) -> str:
        """The sentence `key` with its placeholders filled; values are text, already formatted.

        Raises KeyError for an unknown key or an unfilled placeholder: both are mistakes in this package.
        """
        return Formatter().vformat(self._find(key), (), values)

    def known(self, key: str, fallback: str, **values: str) -> str:
        """The entry `key` if there is one that these values fill, else `fallback`: for names that come from data."""
        try:
            return self(key, **values)
        except KeyError:
            return fallback

    def _find(self, key: str) -> str:
        entry: Any = self._entries
        for part in key.split("."):
            if not isinstance(entry, dict) or part not in entry:
                raise KeyError(key)
            entry = entry[part]
        if not isinstance(entry, str):
            raise KeyError(key)
        return entry
