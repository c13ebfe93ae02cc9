"""The run directory: the one place where results are written, each file whole, by one process at a time."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from churnsim.data.tabular.files import read_json_file, whole_file
from churnsim.errors import ConfigError
from churnsim.records.base import STORED, Record, plain
from churnsim.records.notices import Notices
from churnsim.records.run import Manifest
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.config_file import schema_of

if sys.platform == "win32":
    import msvcrt

    def _try_to_lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_to_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


__all__ = ["RunLock"]


class RunLock:
    """A context manager around a lock file; ConfigError when another process holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def __enter__(self) -> RunLock:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _try_to_lock(handle)
        except OSError:
            os.close(handle)
            raise ConfigError(
                f"another process is working on {self._path.parent}. Wait for it, or stop it and run again."
            ) from None
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


R = TypeVar("R", bound=Record)

MANIFEST = "manifest.json"
RESULTS = frozenset({".json", ".parquet"})
NOTICES = "notices.json"
OUTCOMES = "outcomes.parquet"
PARTS = "parts"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path` so that a reader sees the old file or the new one, never half of one."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` likewise."""
    _write_atomically(path, lambda file: file.write(content))


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; NaN and infinities become null, NumPy numbers plain ones."""
    write_text(path, json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file; ConfigError when it is missing or broken."""
    return read_json_file(path, what="stored result", remedy="Run the study again with --fresh.", error=ConfigError)


def read_json_or_none(path: Path) -> Any:
    """The content of a JSON file; None where it is missing or broken, so that it has to be made again."""
    try:
        return read_json(path)
    except ConfigError:
        return None


def stored_record(path: Path, kind: type[R]) -> R | None:
    """The record in a file; None where it is missing or broken, so that it has to be made again."""
    try:
        return kind.model_validate(read_json(path))
    except (ConfigError, ValidationError):
        return None


def stored_config(manifest: Manifest, directory: Path) -> StudyConfig:
    """The configuration that the run in a directory was made by. Raises ConfigError for one of another version."""
    try:
        config = schema_of(manifest.config).model_validate_json(json.dumps(manifest.config))
    except ValidationError:
        raise ConfigError(
            f"the configuration stored in {directory} is of another version of churnsim. Give the TOML file instead."
        ) from None
    config._folder = Path(os.path.normpath(directory / manifest.folder)) if manifest.folder else Path()
    return config


def write_parquet(
    path: Path, frame: pd.DataFrame, *, durable: bool = True, metadata: dict[bytes, bytes] | None = None
) -> None:
    """Write `frame` without its index. The bytes depend on values, columns, `metadata` and pyarrow's version alone.

    Not `durable`: whole after a kill, but perhaps not after a loss of power, which a reader must expect. It takes a
    quarter of the time.
    """
    arrays = {name: pa.array(frame[name].to_numpy()) for name in frame.columns}
    table = pa.table(arrays, metadata=metadata)
    _write_atomically(path, lambda file: pq.write_table(table, file, compression="zstd", version="2.6"), durable)


def read_parquet(file: Path | bytes) -> pd.DataFrame:
    """The frame in a Parquet file, or in the content of one."""
    frame: pd.DataFrame = pq.read_table(io.BytesIO(file) if isinstance(file, bytes) else file).to_pandas()
    return frame


class RunStore:
    """One run's directory ``<runs_dir>/<name>-<hash8>/``.

    A directory that exists, is not empty and holds no manifest is somebody else's: ConfigError.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def open(cls, runs_dir: str | Path, name: str, run_hash: str) -> RunStore:
        """Make or reopen the directory of the run with this hash."""
        directory = Path(runs_dir) / f"{name}-{run_hash[:8]}"
        if directory.exists() and not directory.is_dir():
            raise ConfigError(f"{directory} is a file, not a run directory. Move it or use another --runs-dir.")
        if directory.is_dir() and not (directory / MANIFEST).is_file():
            foreign = sorted(p.name for p in directory.iterdir() if not _is_own_leftover(p))
            if foreign:
                raise ConfigError(
                    f"{directory} is not a run of churnsim: it holds {foreign[0]!r} and no {MANIFEST}. "
                    "Move it or use another --runs-dir."
                )
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the run directory {directory} cannot be made: {error.strerror}. Use another --runs-dir."
            ) from None
        return cls(directory)

    @classmethod
    def existing(cls, directory: str | Path) -> RunStore:
        """The run in `directory`; ConfigError when there is none."""
        directory = Path(directory)
        if not (directory / MANIFEST).is_file():
            what = "there is no directory" if not directory.is_dir() else f"there is no {MANIFEST} in"
            raise ConfigError(f"{what} {str(directory)!r}. Name a run directory, such as runs/NAME-HASH.")
        return cls(directory)

    def lock(self) -> RunLock:
        """Hold this while writing: a second run of the same study is refused, not interleaved."""
        return RunLock(self.directory / ".lock")

    def has_manifest(self) -> bool:
        """Whether a run was started here."""
        return (self.directory / MANIFEST).is_file()

    def manifest(self) -> Manifest | None:
        """The manifest; None before the first is written, and where it cannot be read."""
        try:
            return Manifest.model_validate(read_json(self.directory / MANIFEST), context=STORED)
        except (ConfigError, ValidationError):
            return None

    def notices(self) -> Notices:
        """What the run said beside its numbers; nothing where that cannot be read."""
        return stored_record(self.directory / NOTICES, Notices) or Notices()

    def products(self) -> dict[str, str]:
        """The sha256 of every stored result by its name; the manifest and the report are no results."""
        found = (p for p in sorted(self.directory.iterdir()) if p.suffix in RESULTS and p.name != MANIFEST)
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def damaged(self, products: dict[str, str]) -> list[str]:
        """Which of the products are missing or no longer what they were."""
        now = self.products()
        return [name for name, digest in products.items() if now.get(name) != digest]

    def readable(self, name: str) -> bool:
        """Whether a JSON result is there and whole."""
        path = self.directory / name
        if not path.is_file():
            return False
        try:
            read_json(path)
        except ConfigError:
            return False
        return True

    def clear(self) -> None:
        """Forget every result, keeping the directory and the lock."""
        for path in self.directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != ".lock":
                path.unlink()

    def set_aside(self, day: str) -> Path:
        """Move everything but the lock into a directory beside this one, called after the day too; which."""
        names = (f"{self.directory.name}-{day}{number}" for number in ("", *(f"-{count}" for count in range(2, 1000))))
        aside = next(path for path in map(self.directory.with_name, names) if not path.exists())
        aside.mkdir()
        for path in self.directory.iterdir():
            if path.name != ".lock":
                path.rename(aside / path.name)
        return aside

    def write(self, name: str, content: Any) -> None:
        """Write one of the run's JSON files."""
        write_json(self.directory / name, content)

    def part(self, *names: str) -> Path:
        """The file of one finished piece of an unfinished run; `names` are its folders and its stem with suffix."""
        path = self.directory.joinpath(PARTS, *names)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def drop_parts(self) -> None:
        """Remove the pieces once the whole is written."""
        shutil.rmtree(self.directory / PARTS, ignore_errors=True)


def _is_own_leftover(path: Path) -> bool:
    """A lock or a temporary file of a run that was killed before its first manifest."""
    return path.name == ".lock" or (path.name.startswith(".") and path.name.endswith(".partial"))


def _write_atomically(path: Path, fill: Callable[[IO[bytes]], object], durable: bool = True) -> None:
    try:
        with whole_file(path) as temporary, temporary.open("wb") as file:
            fill(file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)  # a write does not say which file it was
        raise
