"""TOML from outside: a document within stated bounds or one ConfigError, and the line on which a key stands; and TOML
as this package writes it.

Python's own parser gives no positions, takes time quadratic in the parts of a dotted key, recurses by the depth of
brackets and takes whole numbers of any length. What it is given is therefore looked through first.
"""

from __future__ import annotations

import json
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from churnsim.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys, and the numbers (from 0) of the entries of a list."""

MOST_CHARACTERS = 1_000_000
DEEPEST = 50
"""Most brackets within each other, and most dots in one key."""
LARGEST_INTEGER = 2**63

# Strings and comments as wholes, so that what looks like a bracket in them is none.
TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""{1,3}|' r"'''.*?'''{1,3}|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|#[^\n]*|[\[\]{}.,=\n]",
    re.DOTALL,
)


def read_toml(path: Path, *, what: str) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and its content; `what` is what messages call such a file, as "configuration".

    Raises ConfigError, naming the file, for one that is missing, is no regular file (a pipe or a device could be read
    for ever), is not UTF-8, or is refused by `parse_toml`.
    """
    text = read_text(path, what=what)
    return text, parse_toml(text, name=str(path))


def read_text(path: Path, *, what: str) -> str:
    """The text of a regular UTF-8 file; see `read_toml`."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ConfigError(f"{str(path)!r} is a directory. Name a TOML file in it.")
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{str(path)!r} is no regular file. Name a TOML file.")
        if path.stat().st_size > 4 * MOST_CHARACTERS:
            raise ConfigError(_too_long(str(path)))
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"there is no {what} file {str(path)!r}. Check the path.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x}). Save it as UTF-8."
        ) from None
    except ConfigError:
        raise
    except (OSError, ValueError) as error:  # a name may hold a null byte
        shown = str(path) if len(str(path)) <= 200 else f"{str(path)[:200]}..."
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"{shown} cannot be read: {why}. Check the path and its permissions.") from None


def parse_toml(text: str, *, name: str, remedy: str = "Text needs quotes; a table is [name].") -> dict[str, Any]:
    """The content of a TOML document; `name` is what messages call it.

    Raises ConfigError for text that is not TOML (with `remedy`), longer than 1,000,000 characters, nested deeper than
    50 brackets or dots, or that holds a whole number of more than 64 bits.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(_too_long(name))
    _check_depth(text, name)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if (ending := Path(name).suffix) not in ("", ".toml"):
            raise ConfigError(f"{name} ends in {ending!r} and is not TOML. Name a TOML file.") from None
        raise ConfigError(f"{name} is not valid TOML: {error}. {remedy}") from None
    except ValueError:  # Python's own limit on the digits of a number
        raise ConfigError(f"{name} holds a number of thousands of digits. {_INTEGERS}") from None
    for path, value in _leaves(content):
        if isinstance(value, int) and not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
            line = KeyLines(text).of(path)
            raise ConfigError(f"{name}, line {line}: {len(str(abs(value)))} digits in one number. {_INTEGERS}")
    return content


_INTEGERS = "Whole numbers lie between -2**63 and 2**63 - 1; write a larger one with a decimal point."


def value_at(content: Any, path: KeyPath) -> Any:
    """The value at `path`; KeyError when there is none."""
    for key in path:
        try:
            content = content[key]
        except (IndexError, TypeError) as error:
            raise KeyError(path) from error
    return content


class KeyLines:
    """On which line (from 1) each key of a valid TOML document begins; found in time linear in its length."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._found: dict[KeyPath, tuple[int, int]] = {}
        table: KeyPath = ()
        entries: dict[KeyPath, int] = {}
        for first, statement in _statements(text):
            lines = first, first + statement.count("\n")
            parsed = tomllib.loads(statement)
            keys, is_entry = _keys(parsed)
            if not statement.startswith("["):
                self._note(table, keys, lines)
                continue
            table = ()
            for place, key in enumerate(keys, 1):
                table = (*table, key)
                self._found.setdefault(table, lines)
                if place == len(keys) and is_entry:
                    entries[table] = entries.get(table, 0) + 1
                if table in entries:
                    table = (*table, entries[table] - 1)
                    self._found.setdefault(table, lines)

    def of(self, path: KeyPath) -> int | None:
        """The line of the key at `path` or of its nearest enclosing table; None where nothing of it is there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._found:
                first, last = self._found[path[:length]]
                return self._named_line(first, last, path[length - 1 :])
        return None

    def _note(self, table: KeyPath, keys: list[str], lines: tuple[int, int]) -> None:
        for length in range(1, len(keys) + 1):
            self._found.setdefault((*table, *keys[:length]), lines)

    def _named_line(self, first: int, last: int, keys: KeyPath) -> int:
        """In a statement of several lines, the one that names the innermost of the keys that is named at all."""
        for key in reversed(keys):
            for number in range(first, last + 1):
                if isinstance(key, str) and key in self._lines[number - 1].split("#")[0]:
                    return number
        return first


def _too_long(name: str) -> str:
    return f"{name} has more than {MOST_CHARACTERS:,} characters. A TOML file for churnsim has a few hundred lines."


def _check_depth(text: str, name: str) -> None:
    depth = dots = 0
    for token in TOKEN.finditer(text):
        mark = token.group()
        if mark == ".":
            dots += 1
        elif mark in "[{":
            depth, dots = depth + 1, 0
        elif mark in "]}":
            depth, dots = depth - 1, 0
        elif mark in ",=\n":
            dots = 0
        if max(depth, dots) > DEEPEST:
            line, what = text.count("\n", 0, token.start()) + 1, "brackets" if depth > DEEPEST else "dots in a key"
            raise ConfigError(f"{name}, line {line}: more than {DEEPEST} {what} within each other. Write it flatter.")


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement of a valid document (a header, or a key with its value) with its first line."""
    depth = start = 0
    line = 1
    for token in TOKEN.finditer(text + "\n"):
        mark = token.group()
        if mark in ("[", "{"):
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
        elif mark == "\n" and depth == 0:
            statement = text[start : token.start()]
            kept = statement.lstrip()
            if kept and not kept.startswith("#"):
                yield line, kept
            line += statement.count("\n") + 1
            start = token.end()


def _keys(parsed: Any) -> tuple[list[str], bool]:
    """The keys that a statement names from the outside in, and whether it begins an entry of a list of tables."""
    keys: list[str] = []
    while isinstance(parsed, dict) and len(parsed) == 1:
        ((key, parsed),) = parsed.items()
        keys.append(key)
    return keys, isinstance(parsed, list)


def _leaves(content: Any) -> Iterator[tuple[KeyPath, Any]]:
    left: list[tuple[KeyPath, Any]] = [((), content)]
    while left:
        path, value = left.pop()
        if isinstance(value, (dict, list)):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            left += [((*path, key), item) for key, item in pairs]
        else:
            yield path, value


def toml_of(content: Mapping[str, Any]) -> str:
    """A document of tables, lists of tables and plain values (None is left out), tables of plain values on one line.

    Examples
    --------
    >>> print(toml_of({"name": "a", "market": {"terms": {"margin": {"value": 0.3}}}, "strategy": [{"name": "b"}]}))
    name = "a"
    <BLANKLINE>
    [market.terms]
    margin = { value = 0.3 }
    <BLANKLINE>
    [[strategy]]
    name = "b"
    <BLANKLINE>
    """
    return "\n".join(_table_lines(content, "")).lstrip("\n") + "\n"


def toml_text_of(value: str) -> str:
    """A basic string: JSON's, but for the one character that TOML does not take as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_text_of(name)


def _table_lines(content: Mapping[str, Any], path: str) -> Iterator[str]:
    """What stands on one line first, then the tables in it."""
    known = {key: value for key, value in content.items() if value is not None}
    yield from (f"{toml_key(key)} = {_inline(value)}" for key, value in known.items() if not _has_tables(value))
    for key, value in known.items():
        name = f"{path}{toml_key(key)}"
        for part in (value if isinstance(value, list) else [value]) if _has_tables(value) else ():
            plain = any(not _has_tables(inner) for inner in part.values())
            head = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
            yield from ("", head) if isinstance(value, list) or plain else ()
            yield from _table_lines(part, f"{name}.")


def _has_tables(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(part, Mapping) for part in value)
    return isinstance(value, Mapping) and any(isinstance(part, Mapping) for part in value.values())


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        parts = [f"{toml_key(key)} = {_inline(part)}" for key, part in value.items() if part is not None]
        return f"{{ {', '.join(parts)} }}" if parts else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return toml_text_of(value) if isinstance(value, str) else repr(value)
