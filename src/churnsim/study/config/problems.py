"""What is wrong with a configuration, and on which line of its TOML text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from churnsim.data.tabular.files import regular_file
from churnsim.errors import ConfigError
from churnsim.toml_text import KeyLines, value_at
from churnsim.toml_text import KeyPath as ConfigPath

__all__ = ["MOST_PROBLEMS", "ConfigPath", "Problem", "closest", "config_error", "file_problems", "unshown"]

MOST_PROBLEMS = 25
"""How many problems one message lists."""
LONGEST_VALUE_TO_SHOW = 60


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong: where (key path; an integer counts the tables of an array from 0) and what to do."""

    path: ConfigPath
    message: str
    show_value: bool = True


def unshown(path: ConfigPath, message: str) -> Problem:
    """What is wrong with something whose value tells nothing: a table, or what is missing."""
    return Problem(path=path, message=message, show_value=False)


def config_error(name: str, text: str, content: dict[str, Any], problems: Sequence[Problem]) -> ConfigError:
    """One ConfigError that lists the problems (the first 25 of them) with line, key, value and remedy, in the order of
    the file."""
    lines = KeyLines(text)
    located = [(lines.of(problem.path), problem) for problem in problems[:MOST_PROBLEMS]]
    located.sort(key=lambda pair: pair[0] if pair[0] is not None else 0)
    entries = [_entry(line, problem, content) for line, problem in located]
    if len(entries) == 1:
        return ConfigError(f"{name}: {entries[0]}")
    how_many = f"{len(entries)} problems" if len(problems) == len(entries) else f"more than {len(entries)} problems"
    return ConfigError("\n".join([f"{name} has {how_many}:", *(f"  {entry}" for entry in entries)]))


def file_problems(folder: Path, name: str, path: ConfigPath) -> Iterator[Problem]:
    """That the file which the key at `path` names cannot be read, and why."""
    place = folder / name
    try:
        regular_file(place, error=ConfigError)
    except ConfigError as error:
        message = str(error)
        if "does not exist" in message:
            message = f"there is no file {str(place)!r}. A relative path starts at the folder of the configuration."
        yield Problem(path=path, message=message)


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
        if isinstance(key, int):
            text += f"[{key + 1}]"
        else:
            shown = f"{key[:LONGEST_VALUE_TO_SHOW]}..." if len(key) > LONGEST_VALUE_TO_SHOW else key
            text += f".{shown}" if text else shown
    return text


def _entry(line: int | None, problem: Problem, content: dict[str, Any]) -> str:
    where = f"line {line}, " if line is not None else ""
    shown = ""
    if problem.show_value:
        try:
            held = value_at(content, problem.path)
            value = str(held) if isinstance(held, date) else repr(held)
        except KeyError:
            value = ""
        if 0 < len(value) <= LONGEST_VALUE_TO_SHOW:
            shown = f" = {value}"
    return f"{where}{path_text(problem.path)}{shown}: {problem.message}"
