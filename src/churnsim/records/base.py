"""The base of every stored record, the types that records share, and plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

STORED = "stored"
"""Validation context of a record that is read from a file: keys of other versions of churnsim are ignored."""

Row = dict[str, Any]


def _finite(value: object) -> int | float:
    if isinstance(value, (int, float)) and math.isfinite(value):
        return value
    raise PydanticCustomError("number", "Input should be a finite number")


# Whole numbers stay whole numbers: 12 is stored as 12, not as 12.0.
Number = Annotated[int | float, PlainValidator(_finite)]


def _as_list(value: object) -> object:
    """One text is a list of one; nothing is an empty list."""
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_as_list)]


class Record(BaseModel):
    """A stored result: read-only, its keys in the order in which they are written.

    Values may be given as NumPy numbers, dates or data frames; NaN and infinity become None. A key that is not declared
    is refused, except with the validation context `STORED`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, content: Any, info: ValidationInfo) -> Any:
        if not isinstance(content, Mapping):
            return content
        if info.context == STORED:
            return {key: value for key, value in content.items() if key in cls.model_fields}
        return plain(content)

    @classmethod
    def of(cls, *sources: object, **more: Any) -> Self:
        """The record of what the first of the `sources` that has a key says of it, beside what `more` says."""
        pairs = [(name, source) for source in reversed(sources) for name in cls.model_fields if hasattr(source, name)]
        return cls(**{name: getattr(source, name) for name, source in pairs if name not in more}, **more)

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> list[Self]:
        """A record for each row of `frame`, whose columns are the record's keys."""
        return [cls(**row) for row in rows(frame)]

    def content(self) -> Row:
        """The record as JSON holds it: only the keys that were given, in the order of declaration."""
        return self.model_dump(mode="json", exclude_unset=True)


def rows(frame: pd.DataFrame) -> list[Row]:
    """A frame as the rows of a JSON table, with plain numbers and null for what is not one."""
    return [
        {str(name): plain(value) for name, value in zip(frame.columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: plain numbers, null for NaN and infinity, ISO dates, lists and dicts of these.

    Raises TypeError for a value of any other type.
    """
    if isinstance(value, Record):
        return value.content()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, pd.DataFrame):
        return rows(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is pd.NaT:
        return None
    if isinstance(value, (pd.Timestamp, date)):
        return value.isoformat()[:10]
    if value is None or isinstance(value, (bool, int, str)):
        return str(value) if isinstance(value, str) else value
    raise TypeError(f"a {type(value).__name__} cannot be stored in a result file: {value!r}")
