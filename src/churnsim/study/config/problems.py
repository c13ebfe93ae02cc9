"""What is wrong with a configuration, and on which line of its TOML text."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from churnsim.errors import ConfigError

__all__ = ["ConfigPath", "Problem", "closest", "config_error", "line_of", "value_at"]

ConfigPath = tuple[str | int, ...]

# Locating a key parses the text once per line; beyond this length a message goes without its line number.
LONGEST_TEXT_TO_SEARCH = 2_000
LONGEST_VALUE_TO_SHOW = 60


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong: where (key path; an integer counts the tables of an array from 0) and what to do."""

    path: ConfigPath
    message: str
    show_value: bool = True


def config_error(name: str, text: str, content: dict[str, Any], problems: Sequence[Problem]) -> ConfigError:
    """One ConfigError that lists every problem with its line, key, value and remedy, in the order of the file."""
    located = [(line_of(text, problem.path), problem) for problem in problems]
    located.sort(key=lambda pair: pair[0] if pair[0] is not None else 0)
    entries = [_entry(line, problem, content) for line, problem in located]
    if len(entries) == 1:
        return ConfigError(f"{name}: {entries[0]}")
    return ConfigError("\n".join([f"{name} has {len(entries)} problems:", *(f"  {entry}" for entry in entries)]))


def line_of(text: str, path: ConfigPath) -> int | None:
    """The line (from 1) on which the key of `path`, or its nearest enclosing table, begins; None if nowhere.

    TOML's own parser gives no positions. A document cut after a complete line is itself a document, so the statement
    that introduces a key is the one whose addition makes the key appear.
    """
    lines = text.splitlines()
    if len(lines) > LONGEST_TEXT_TO_SEARCH:
        return None
    for length in range(len(path), 0, -1):
        found = _first_line_with(lines, path[:length])
        if found is not None:
            return found
    return None


def value_at(content: Any, path: ConfigPath) -> Any:
    """The value at `path`; KeyError when there is none."""
    for key in path:
        try:
            content = content[key]
        except (IndexError, TypeError) as error:
            raise KeyError(path) from error
    return content


def closest(word: str, known: Iterable[str]) -> str:
    """``"Did you mean 'x'? "`` when a known word is near, otherwise the list of the known words."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known here: {', '.join(known)}."


def path_text(path: ConfigPath) -> str:
    """``strategy[2].desk.staff``: tables of an array are counted from 1, as a reader counts them."""
    text = ""
    for key in path:
        text += f"[{key + 1}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def _entry(line: int | None, problem: Problem, content: dict[str, Any]) -> str:
    where = f"line {line}, " if line is not None else ""
    shown = ""
    if problem.show_value:
        try:
            value = repr(value_at(content, problem.path))
        except KeyError:
            value = ""
        if 0 < len(value) <= LONGEST_VALUE_TO_SHOW:
            shown = f" = {value}"
    return f"{where}{path_text(problem.path)}{shown}: {problem.message}"


def _first_line_with(lines: list[str], path: ConfigPath) -> int | None:
    previous_end = 0
    for end in range(1, len(lines) + 1):
        try:
            content = tomllib.loads("\n".join(lines[:end]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
        try:
            value_at(content, path)
        except KeyError:
            previous_end = end
            continue
        return _key_line(lines, previous_end, end, path)
    return None


def _key_line(lines: list[str], after: int, end: int, path: ConfigPath) -> int:
    """Within the statement on lines after+1..end, the line that names the key; the last line otherwise."""
    name = next((key for key in reversed(path) if isinstance(key, str)), "")
    for number in range(after + 1, end + 1):
        if name in lines[number - 1].split("#")[0]:
            return number
    return end
