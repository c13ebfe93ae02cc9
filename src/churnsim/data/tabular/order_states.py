"""The states of orders: which columns hold them, and which say that a purchase did not come about or was taken back."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_TOLD = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
MOST_STATES = 20
"""A column with more different values holds no states."""
STATES = "rows by the states of their orders"
States = Mapping[str, Mapping[str, int]]
"""Rows by column and value."""


def words_of(name: str) -> str:
    """The words of a name between spaces, in lower case and without accents: "KundenNr." as " kunden nr "."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", apart.casefold())
    kept = "".join(mark for mark in plain if not unicodedata.combining(mark))
    return " ".join(["", *re.findall(r"[^\W_]+", kept), ""])


def holds_states(name: object) -> bool:
    """Whether a column is called after the state of an order, and not of another thing."""
    said = set(words_of(str(name)).split())
    return bool(said & set(_TOLD["states"])) and not said & set(_TOLD["not_the_order"])


def undone(levels: Collection[str]) -> tuple[str, ...]:
    """Those of the values of a column that say that a purchase did not come about, or was taken back whole."""
    if len(levels) > MOST_STATES:
        return ()
    words = {level: level.casefold() for level in levels}
    return tuple(
        level for level, word in words.items()
        if any(part in word for part in _TOLD["undone"]) and not any(part in word for part in _TOLD["not_undone"])
    )  # fmt: skip


def count_states(raw: pd.DataFrame, columns: Iterable[str], purchases: NDArray[np.bool_]) -> dict[str, dict[str, int]]:
    """How many of the rows that are `purchases` are in which state, by column."""
    found = {}
    for name in columns:
        counts = raw[name][purchases].dropna().astype(str).str.strip().value_counts()
        found[name] = {str(value): int(count) for value, count in counts.head(MOST_STATES + 1).items()}
    return found


def add_states(one: States, other: States) -> dict[str, dict[str, int]]:
    """The rows of both."""
    return {
        name: {
            value: one.get(name, {}).get(value, 0) + other.get(name, {}).get(value, 0)
            for value in {**one.get(name, {}), **other.get(name, {})}
        }
        for name in {**one, **other}
    }


def said_undone(states: States) -> dict[str, dict[str, int]]:
    """Of the rows by state those whose purchase did not come about, or was taken back whole."""
    found = {name: {value: rows[value] for value in undone(rows)} for name, rows in states.items()}
    return {name: rows for name, rows in found.items() if rows}


def told_of_undone(found: States) -> str:
    """In words, that these rows are read as purchases; empty without any."""
    rows = [f"{count:,} {stated(name, value)}" for name, values in found.items() for value, count in values.items()]
    return f"read as purchases: {', '.join(rows)}; leave_out= leaves such rows out" if rows else ""


def stated(column: str, value: str) -> str:
    """Why a row is left out that says of itself that it is no purchase."""
    return f"rows with {value!r} in {column!r}"
