"""Which column of an export holds what: told by its name, in the languages exports come in, and by its values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.data.tabular.format_detection import CODES
from churnsim.data.tabular.open_source import open_source
from churnsim.data.tabular.order_states import holds_states, undone, words_of
from churnsim.data.tabular.source import FileFormat, Spelling
from churnsim.data.tabular.text_columns import as_text
from churnsim.errors import DataError

LOOKED_AT = 5_000
"""Rows by which a column is judged."""
SHOWN, WIDEST = 3, 60
MOSTLY = 0.8
"""Assumed: the share of values that must be dates or numbers for a column of them."""

_TOLD = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
WORDS: dict[str, list[str]] = _TOLD["words"]
"""Of a column's name by role, whole ones; what comes first says more. Written without accents and in lower case."""
KINDS: dict[str, str] = _TOLD["kinds"]
"""What must stand in a column of a role, where that can be seen."""
NOT_PAID = _TOLD["not_what_was_paid"]
OTHER_THINGS = {"customer_id": _TOLD["not_the_customer"], "amount": NOT_PAID, "price": NOT_PAID}
"""Words beside those of a role that make it another thing."""


@dataclass(frozen=True, kw_only=True)
class ExportColumns:
    """The columns of an export: `candidates` by role, the likeliest first, those that could hold it by content, the
    first values of each, those that may say of rows that they are no purchases, with what they say, and the states that
    say so of an order, by column; and the first `rows` themselves."""

    found: tuple[str, ...]
    candidates: Mapping[str, tuple[str, ...]]
    possible: Mapping[str, tuple[str, ...]]
    samples: Mapping[str, str]
    doubtful: Mapping[str, str]
    undone: Mapping[str, tuple[str, ...]]
    rows: pd.DataFrame


def export_columns(source: Any, form: FileFormat) -> ExportColumns:
    """Look at the names and the first rows of a file or table. Raises DataError for one that cannot be read."""
    records = open_source(source, form)
    try:
        found = records.columns()
        piece = next(
            iter(records.pieces(found, lambda raw, flaws, spelling: raw, Spelling(dates={}, numbers={}))), None
        )
    except OSError as error:
        raise DataError(f"{source} cannot be read ({error.strerror or error}).") from None
    if piece is None or piece.frame.empty:
        raise DataError(f"{source}: there is no row below the names of the columns. Give at least one purchase.")
    rows = piece.frame.head(LOOKED_AT)
    holds = {name: _holds(rows[name]) for name in found}
    possible = {role: tuple(name for name in found if KINDS.get(role) in (None, holds[name])) for role in WORDS}
    ranked = {role: _ranked(role, possible[role]) for role in WORDS}
    samples = {name: ", ".join(map(str, rows[name].dropna().unique()[:SHOWN]))[:WIDEST] for name in found}
    levels = {
        name: [*piece.frame[name].dropna().astype(str).str.strip().unique()] for name in found if holds[name] == "text"
    }
    gone = {name: said for name in levels if (said := undone(levels[name]))}
    doubtful = {name: told for name in found if (told := _doubt(name, holds[name], gone.get(name)))}
    states = {name: gone[name] for name in gone if name not in doubtful}
    return ExportColumns(
        found=tuple(found), candidates=ranked, possible=possible, samples=samples, doubtful=doubtful, undone=states,
        rows=piece.frame,
    )  # fmt: skip


def _doubt(name: str, holds: str, states: Sequence[str] | None) -> str:
    """What a column says of rows that may be no purchases: words of a few, or amounts given back."""
    if holds == "number":
        said = set(words_of(name).split())
        return "what was given back is not taken off" if said & {"refund", "refunded"} else ""
    if not states or holds_states(name):
        return ""
    told = ", ".join(map(repr, states[:SHOWN]))
    return f"rows with {told} are read as the others are; leave_out in [data] can leave them out"


def _ranked(role: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names that speak of a role, the one that says it best first; of equals only the first rank."""
    ranks = {name: _rank(role, name) for name in names}
    return tuple(sorted((name for name in names if ranks[name] is not None), key=lambda name: ranks[name] or 0))


def _rank(role: str, name: str) -> int | None:
    """How well a name speaks of a role: the place of its word, None for none."""
    told = words_of(name)
    if any(f" {word} " in told for word in OTHER_THINGS.get(role, ())):
        return None
    for place, word in enumerate(WORDS[role]):
        # Chinese has no spaces between words.
        if f" {word} " in told or (not word.isascii() and word in told):
            return place
    if told.rstrip().endswith(tuple(_TOLD["endings"].get(role, ()))):
        return len(WORDS[role])
    return None


def _holds(values: pd.Series[Any]) -> str:
    """ "date", "number" or "text"."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_bool_dtype(values):
        return "text"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    text = as_text(values)
    present = pd.Series(text.to_pylist(), dtype=object).dropna()
    present = present[present.str.strip() != ""]
    if present.empty:
        return "text"
    if present.str.fullmatch(DATE_LIKE).mean() >= MOSTLY:
        return "date"
    return "number" if present.str.fullmatch(NUMBER_LIKE).mean() >= MOSTLY else "text"


DATE_LIKE = r"\s*(\d{8}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([ T].*)?\s*"
SIGN = rf"(?:[A-Za-z]{{0,3}}[$\xa2\xa3\xa5\u0e3f\u20a0-\u20bf]|{CODES})?"
NUMBER_LIKE = rf"\s*[(+-]?\s*{SIGN}\s*[+-]?(?:\d[\d.,' \u00a0\u202f]*|[.,]\d+)\s*{SIGN}\s*[-)]?\s*"
