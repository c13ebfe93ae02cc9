"""The base of every stored piece, and the types that pieces share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, FiniteFloat

__all__ = ["Number", "Piece", "Row", "Texts"]

Number = FiniteFloat
Row = dict[str, Any]


def _as_list(value: object) -> object:
    """One text is a list of one; nothing is an empty list."""
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_as_list)]


class Piece(BaseModel):
    """A stored piece: read-only, tolerant of keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)
