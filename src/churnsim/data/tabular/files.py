"""Files given by a caller: that a path leads to a regular file, of which kind it is, and how much it may unpack to."""

from __future__ import annotations

import errno
import gzip
import json
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from churnsim.data.tabular.row_errors import show
from churnsim.errors import ChurnSimError, DataError

Kind = Literal["text", "parquet", "excel"]
SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "text": (".csv", ".txt", ".tsv"),
    "parquet": (".parquet", ".pq"),
    "excel": (".xlsx", ".xlsm"),
}
# A file may unpack to this many bytes whatever its size, and beyond that to so many times its size. A log of one
# customer and one day, as repetitive as a log can be, packs about 150 to 1 by gzip.
UNPACKED_BYTES = 1 << 26
UNPACKED_RATIO = 200
PIECE = 1 << 24
LONGEST_SHOWN = 300  # characters of a path


def regular_file(
    path: str | os.PathLike[str],
    *,
    what: str = "file",
    within: Path | None = None,
    error: type[ChurnSimError] = DataError,
) -> Path:
    """The path, if it leads to a regular file that is there; in full, where it must lie `within` a directory (links and
    ``..`` followed).

    A pipe, a device or a socket is refused before it is opened, since reading it might never end. Messages call the
    file `what`; `error` is what is raised: DataError for data, ConfigError for files of settings.
    """
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise error(f"the path of a {what} must be text or a path; got {type(path).__name__} {show(path)}.") from None
    file = confined(Path(text), within) if within is not None else Path(text)
    try:
        mode = file.stat().st_mode
    except (OSError, ValueError) as problem:
        number = getattr(problem, "errno", None)
        if number in (errno.ENOENT, errno.ENOTDIR):
            shown = file if len(text) <= LONGEST_SHOWN else show(text)
            raise error(f"{shown} does not exist. Check the path (it is taken from {Path.cwd()}).") from None
        reason = getattr(problem, "strerror", None) or (
            "it holds a null byte" if "\0" in text else "it holds what is no character"
        )
        raise error(f"{show(text)} cannot be the path of a {what} ({reason}). Check it.") from None
    if stat.S_ISDIR(mode):
        raise error(f"{file} is a directory. Give the {what} itself, such as one in it.")
    if not stat.S_ISREG(mode):
        raise error(f"{file} is not a regular file but a pipe, device or socket. Save its content to a file first.")
    return file


def read_json_file(path: str | os.PathLike[str], *, what: str, remedy: str, error: type[ChurnSimError]) -> Any:
    """The content of a regular file of JSON, of any depth that Python can read. Raises `error`, with the `remedy`, for
    anything else; `what` is what messages call such a file."""
    file = regular_file(path, what=what, error=error)
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise error(f"{file} cannot be read ({problem.strerror or problem}). {remedy}") from None
    except (ValueError, RecursionError) as problem:  # bytes that are no text, text that is no JSON, nesting without end
        raise error(f"{file} is not JSON ({problem}). {remedy}") from None


def confined(path: Path, directory: Path) -> Path:
    """`path`, taken from `directory`, if it stays inside it once links and ``..`` are followed; DataError if not."""
    inside = directory.resolve()
    whole = (inside / path).resolve()
    if not whole.is_relative_to(inside):
        raise DataError(f"{show(str(path))} leads outside {directory}. Give a file inside it.")
    return whole


def kind_of_file(path: Path) -> Kind:
    """Which kind the name of a file says it is, ``.gz`` after the suffix of a text file overlooked. Raises DataError
    for another suffix."""
    suffix = path.suffix.lower()
    inner = Path(path.stem).suffix.lower() if suffix == ".gz" else suffix
    for kind, suffixes in SUFFIXES.items():
        if (inner if kind == "text" else suffix) in suffixes:
            return kind
    known = ", ".join(name for suffixes in SUFFIXES.values() for name in suffixes)
    raise DataError(f"{path} ends in {path.suffix!r}, which says neither CSV, Parquet nor Excel. Save it as {known}.")


def check_unpacked_size(size: int, path: Path) -> None:
    """DataError where a file of packed data states that it holds far more than its own size lets expect."""
    if size > _most_unpacked(path.stat().st_size):
        raise DataError(
            f"{path} unpacks to {size:,} bytes, more than {UNPACKED_RATIO} times its size: too much to be a list of "
            "records. Save the records that you need as CSV if it is what you expect."
        )


def _most_unpacked(size: int) -> int:
    return max(UNPACKED_BYTES, UNPACKED_RATIO * size)


def unpacked_content(path: Path) -> bytes:
    """The bytes of a file, unpacked if its name ends in ``.gz``.

    Unpacked in pieces of 16 MiB, and given up as soon as there are more than 200 times the size of the file (64 MiB
    are always allowed). Raises DataError for that and for a damaged file.
    """
    if path.suffix.lower() != ".gz":
        return path.read_bytes()
    most = _most_unpacked(path.stat().st_size)
    whole = bytearray()
    try:
        with gzip.open(path) as packed:
            while piece := packed.read(PIECE):
                whole += piece
                if len(whole) > most:
                    raise DataError(
                        f"{path} unpacks to more than {most:,} bytes, {UNPACKED_RATIO} times its size or more. Unpack "
                        "it by hand if it is what you expect."
                    )
    except EOFError:
        raise DataError(f"{path} is not a sound gzip file (it ends too early). Compress it again.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file ({error}). Compress it again.") from None
    return bytes(whole)


@contextmanager
def whole_file(path: Path, *, suffix: str = ".partial") -> Iterator[Path]:
    """A file beside `path` to write to, which takes its name when the block ends well and is removed when it does
    not."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=suffix)
    except OSError as error:  # of the file that was asked for, not of one that nobody knows
        raise OSError(error.errno, error.strerror, str(path)) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
