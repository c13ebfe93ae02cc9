"""A table out of a pickled DataFrame, read as data: no object of it is made and no code of it can run.

Some packages ship their tables as pickles. Loading a pickle runs whatever it names; this reader does not load. It
takes the operations apart (`pickletools.genops` only lists them), keeps what would be calls as inert records, and then
picks the numbers and texts out of the few records that a plain DataFrame consists of. Anything else is an error.
"""

from __future__ import annotations

import lzma
import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import DataError

__all__ = ["read_inert_frame"]

LARGEST_FILE = 64 * 1024 * 1024  # bytes unpacked: ten times what any table read here holds, too little to fill a memory
TYPES = {"f8": np.dtype("<f8"), "i8": np.dtype("<i8")}
_MARK = object()


class NotPlainError(Exception):
    """What was read is not a plain DataFrame; the text says what was in the way."""


@dataclass(frozen=True)
class _Name:
    """The name of something that a pickle would import."""

    path: str


@dataclass
class _Record:
    """What a pickle would call, with what, and the state it would set."""

    name: _Name
    arguments: tuple[Any, ...]
    state: Any = None


def read_inert_frame(path: Path) -> pd.DataFrame:
    """The DataFrame in an xz-compressed pickle of numbers and texts, without unpickling.

    Raises DataError for a file that is not one, is too large, or holds anything but a plain table.
    """
    try:
        with lzma.open(path) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise NotPlainError(f"it unpacks to more than {LARGEST_FILE:,} bytes")
        return _frame(_interpret(content))
    except (NotPlainError, OSError, EOFError, lzma.LZMAError, ValueError, IndexError, KeyError, TypeError) as error:
        raise DataError(f"{path} does not hold a plain table ({error}). Install its package again.") from None


def _interpret(content: bytes) -> Any:
    """The tree of records that the operations describe."""
    stack: list[Any] = []
    memo: list[Any] = []
    for operation, argument, _ in pickletools.genops(content):
        match operation.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MEMOIZE":
                memo.append(stack[-1])
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[_a(int, argument)])
            case "MARK":
                stack.append(_MARK)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[operation.name])
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                stack.append({"EMPTY_TUPLE": (), "EMPTY_LIST": [], "EMPTY_DICT": {}}[operation.name])
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(operation.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "TUPLE":
                stack.append(tuple(_since_mark(stack)))
            case "APPENDS":
                items = _since_mark(stack)
                stack[-1].extend(items)
            case "APPEND":
                item = stack.pop()
                _a(list, stack[-1]).append(item)
            case "SETITEMS":
                items = _since_mark(stack)
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                stack[-1][key] = value
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_Name(f"{module}.{name}"))
            case "REDUCE" | "NEWOBJ":
                arguments, called = stack.pop(), stack.pop()
                stack.append(_Record(_a(_Name, called), _a(tuple, arguments)))
            case "BUILD":
                state = stack.pop()
                _a(_Record, stack[-1]).state = state
            case "SHORT_BINUNICODE" | "BINUNICODE" | "SHORT_BINBYTES" | "BINBYTES" | "BYTEARRAY8":
                stack.append(argument)
            case "BININT" | "BININT1" | "BININT2" | "BINFLOAT":
                stack.append(argument)
            case other:
                raise NotPlainError(f"operation {other}")
    raise NotPlainError("it breaks off")


def _since_mark(stack: list[Any]) -> list[Any]:
    place = max(i for i, item in enumerate(stack) if item is _MARK)
    items = stack[place + 1 :]
    del stack[place:]
    return items


def _a(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise NotPlainError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


def _called(value: Any, *names: str) -> _Record:
    """`value` if it is a record of a call of one of `names` (last parts of the path)."""
    record: _Record = _a(_Record, value)
    if record.name.path.rsplit(".", 1)[-1] not in names:
        raise NotPlainError(f"a call of {record.name.path}")
    return record


def _frame(root: Any) -> pd.DataFrame:
    manager = _called(_called(root, "DataFrame").state["_mgr"], "BlockManager")
    blocks, axes = manager.arguments
    columns, rows = (_axis(axis) for axis in axes)
    found: dict[int, NDArray[Any]] = {}
    for block in blocks:
        values, place, _ = _called(block, "_unpickle_block").arguments
        for position, column in zip(_places(place), _array(values), strict=True):
            found[int(position)] = column
    return pd.DataFrame({name: found[i] for i, name in enumerate(columns)}, index=pd.Index(rows))


def _axis(axis: Any) -> Any:
    """Labels of an axis: the texts of an Index, or the numbers of a RangeIndex."""
    kind, content = _called(axis, "_new_Index").arguments
    if _a(_Name, kind).path.endswith(".RangeIndex"):
        return range(content["start"], content["stop"], content["step"])
    return _array(content["data"]).tolist()


def _places(place: Any) -> Any:
    if _a(_Record, place).name.path == "builtins.slice":
        return range(*place.arguments)
    return _array(place)


def _array(value: Any) -> NDArray[Any]:
    record = _called(value, "_frombuffer", "_reconstruct")
    if record.name.path.endswith("._frombuffer"):
        data, kind, shape, order = record.arguments
        return np.frombuffer(bytes(data), dtype=_type(kind)).reshape(shape, order=order)
    _, shape, kind, fortran, values = record.state
    if isinstance(values, bytes):
        return np.frombuffer(values, dtype=_type(kind)).reshape(shape, order="F" if fortran else "C")
    if not all(isinstance(item, str | float | int | None) for item in values):
        raise NotPlainError("cells that are neither text nor number")
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells.reshape(shape, order="F" if fortran else "C")


def _type(kind: Any) -> np.dtype[Any]:
    record = _called(kind, "dtype")
    if record.state is None or record.state[1] != "<":
        raise NotPlainError("numbers in another byte order")
    return TYPES[record.arguments[0]]
