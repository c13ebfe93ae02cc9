"""A table out of a pickled DataFrame, without running any code that the pickle names.

Some packages ship their tables as pickles, and loading a pickle calls whatever it names. Here every name that a plain
DataFrame's pickle needs is answered by a class or function of this module that only keeps what it is given; every other
name is an error, as the documentation of `pickle` recommends ("Restricting Globals").
"""

from __future__ import annotations

import io
import lzma
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import DataError

LARGEST_FILE = 64 * 1024 * 1024  # bytes unpacked: ten times what any table read here holds, too little to fill a memory
TYPES = {"f8": np.dtype("<f8"), "i8": np.dtype("<i8")}
TEXTS = {"string": np.dtype("<i4"), "large_string": np.dtype("<i8")}  # Arrow's types of text, with their offsets


class NotPlainError(Exception):
    """What was read is not a plain DataFrame; the text says what was in the way."""


def read_inert_frame(path: Path) -> pd.DataFrame:
    """The DataFrame in an xz-compressed pickle of numbers and texts.

    Raises DataError for a file that is not one, is too large, or holds anything but a plain table.
    """
    try:
        with lzma.open(path) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise NotPlainError(f"it unpacks to more than {LARGEST_FILE:,} bytes")
        return _frame(_RestrictedUnpickler(io.BytesIO(content)).load())
    except (
        NotPlainError, pickle.UnpicklingError, OSError, EOFError, lzma.LZMAError, ValueError, IndexError, KeyError,
        TypeError, AttributeError,
    ) as error:  # fmt: skip
        raise DataError(f"{path} does not hold a plain table ({error}). Install its package again.") from None


class _Kept:
    """Stands for an object of the pickle: keeps the arguments it would be made with and the state it would get."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Frame(_Kept):
    """A DataFrame."""


class _Array(_Kept):
    """A NumPy array whose elements are in its state."""


class _Type(_Kept):
    """A NumPy data type."""

    @property
    def little_endian(self) -> np.dtype[Any]:
        if self.state is None or self.state[1] != "<":
            raise NotPlainError("numbers in another byte order")
        return TYPES[self.arguments[0]]


def _array_of_bytes(data: Any, kind: _Type, shape: tuple[int, ...], order: Any) -> NDArray[Any]:
    return np.frombuffer(bytes(data), dtype=kind.little_endian).reshape(shape, order=order)


def _axis(kind: str, content: dict[str, Any]) -> Any:
    """Labels of an axis: the texts of an Index, or the numbers of a RangeIndex."""
    if kind == "RangeIndex":
        return range(content["start"], content["stop"], content["step"])
    return _elements(content["data"]).tolist()


def _together(*arguments: Any) -> tuple[Any, ...]:
    return arguments


class _ArrowTexts(_Kept):
    """A column or axis of texts that pandas 3 keeps with Arrow: its state holds them as `_arrow_texts` read them."""


class _Texts(_Kept):
    """A column or axis of texts that pandas 3 keeps without Arrow: an array of objects in its state."""


def _arrow_texts(content: tuple[Any, ...]) -> NDArray[Any]:
    """The texts of an Arrow array, from its buffers: bits of the cells that are there, where each begins, letters."""
    kind, length, _, offset, (there, starts, letters), *_ = content
    if kind not in TEXTS:
        raise NotPlainError("an Arrow array of no texts")
    if length == 0:  # its buffers may be left out
        return np.empty(0, dtype=object)
    if not 0 <= offset < offset + length < len(starts):  # one byte a text at least: no length can fill a memory
        raise NotPlainError("a length beyond its cells")
    form: Any = TEXTS[kind]
    places = np.frombuffer(starts, form, offset + length + 1)[offset:].tolist()
    held = np.ones(length, bool)
    if there is not None:
        held = np.unpackbits(np.frombuffer(there, np.uint8), bitorder="little")[offset : offset + length].astype(bool)
    cells = np.empty(length, dtype=object)
    cells[:] = [
        str(letters[i:j], "utf-8") if known else None
        for i, j, known in zip(places[:-1], places[1:], held.tolist(), strict=True)
    ]
    return cells


def _alias(name: Any) -> Any:
    return name


def _buffer(content: Any = b"") -> bytes:
    if not isinstance(content, bytes | bytearray):  # bytes(10**12) would fill a memory
        raise NotPlainError(f"{type(content).__name__} where bytes belong")
    return bytes(content)


def _arrow_chunks(chunks: list[Any], *_: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=object), *chunks])


# The last part of each name, since the modules of pandas and NumPy move between versions.
_STAND_INS: dict[str, Callable[..., Any] | str | None] = {
    "DataFrame": _Frame,
    "BlockManager": _together,
    "_unpickle_block": _together,
    "_new_Index": _axis,
    "Index": "Index",
    "RangeIndex": "RangeIndex",
    "slice": slice,
    "_frombuffer": _array_of_bytes,
    "_reconstruct": _Array,
    "ndarray": "ndarray",
    "dtype": _Type,
    "NA": None,  # no call, but the cell that is not there
    "StringDtype": _together,
    "StringArray": "StringArray",
    "__pyx_unpickle_NDArrayBacked": _Texts,
    "ArrowStringArray": _ArrowTexts,
    "type_for_alias": _alias,
    "py_buffer": _buffer,
    "bytearray": _buffer,
    "_restore_array": _arrow_texts,
    "chunked_array": _arrow_chunks,
}


class _RestrictedUnpickler(pickle.Unpickler):
    """Answers the names of a plain DataFrame's pickle with the stand-ins above, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] not in ("builtins", "numpy", "pandas", "pyarrow") or name not in _STAND_INS:
            raise NotPlainError(f"a call of {module}.{name}")
        return _STAND_INS[name]


def _frame(root: Any) -> pd.DataFrame:
    if not isinstance(root, _Frame):
        raise NotPlainError(f"{type(root).__name__} where a DataFrame belongs")
    blocks, (columns, rows) = root.state["_mgr"]
    found: dict[int, NDArray[Any]] = {}
    for values, place, _ in blocks:
        positions = range(place.start, place.stop, place.step) if isinstance(place, slice) else _elements(place)
        for position, column in zip(positions, np.atleast_2d(_elements(values)), strict=True):
            found[int(position)] = column
    return pd.DataFrame({name: found[i] for i, name in enumerate(columns)}, index=pd.Index(rows))


def _elements(values: Any) -> NDArray[Any]:
    """An array of the pickle as one of numbers or texts."""
    if isinstance(values, np.ndarray):
        return values
    if isinstance(values, _ArrowTexts):
        return np.asarray(values.state["_pa_array"])
    if isinstance(values, _Texts):
        return _elements(next(part for part in values.state if isinstance(part, _Array)))
    if not isinstance(values, _Array):
        raise NotPlainError(f"{type(values).__name__} where an array belongs")
    _, shape, kind, fortran, content = values.state
    if isinstance(content, bytes):
        return np.frombuffer(content, dtype=kind.little_endian).reshape(shape, order="F" if fortran else "C")
    if not all(isinstance(item, str | float | int | None) for item in content):
        raise NotPlainError("cells that are neither text nor number")
    cells = np.empty(len(content), dtype=object)
    cells[:] = content
    return cells.reshape(shape, order="F" if fortran else "C")
