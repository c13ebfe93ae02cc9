"""Damaged files without end: whatever the bytes, a reader takes them or refuses them in words.

    python tests/fuzz_readers.py [SECONDS] [--seed N]

Files of the corpus of broken files and sound ones are cut, spliced, flipped and doubled, and added to a database with
options by lot. Anything but a result or a `ChurnSimError`, a case that takes longer than 30 seconds, or a database
whose books do not add up afterwards, is a failure, and the file that caused it is kept.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

from churnsim.data.database import CustomerDatabase
from churnsim.data.logs.transactions import read_transactions
from churnsim.errors import ChurnSimError

LONGEST = 30
TOKENS = [
    b'"', b'""', b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"nan", b"-1",
    b"1e400", b"1,234", b"1.234,5", b"31/12/2024", b"2024-02-30", b"\xe2\x80\xae", b"=1+1", b"PK\x03\x04", b"PAR1",
    b"A" * 5000,
]  # fmt: skip
OPTIONS: dict[str, list[Any]] = {
    "delimiter": [None, None, ",", ";", "\t"],
    "encoding": [None, None, "utf-8", "cp1252", "utf-16", "gb18030"],
    "date_format": [None, None, "%d/%m/%Y", "%Y-%m-%d %H:%M", "%Y%m%d"],
    "decimal": [None, None, ",", "."],
    "thousands": [None, None, ".", " "],
    "on_bad": ["set_aside", "set_aside", "raise"],
    "most_bad": [0.05, 1.0],
    "duplicates": ["keep", "set_aside"],
}


class TooLongError(Exception):
    """A case did not end."""


def beside(name: str) -> ModuleType:
    """A module that lies next to this file."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def mutated(content: bytes, lot: random.Random, others: list[bytes]) -> bytes:
    """The content after one to six kinds of damage."""
    data = bytearray(content)
    for _ in range(lot.randint(1, 6)):
        at = lot.randrange(len(data) + 1)
        kind = lot.randrange(6)
        if kind == 0 and data:
            data[lot.randrange(len(data))] = lot.randrange(256)
        elif kind == 1:
            del data[at : at + lot.choice([1, 2, 10, 200, 5000])]
        elif kind == 2:
            data[at:at] = lot.choice(TOKENS)
        elif kind == 3:
            data[at:at] = data[lot.randrange(len(data) + 1) :][: lot.choice([5, 50, 500])]
        elif kind == 4:
            other = lot.choice(others)
            data[at:at] = other[lot.randrange(len(other) + 1) :][:300]
        else:
            data = data.replace(
                lot.choice([b",", b"\n", b"-", b"2024", b"."]), lot.choice(TOKENS), lot.choice([1, 3, -1])
            )
        del data[300_000:]
    return bytes(data)


def seeds(folder: Path) -> list[tuple[str, bytes]]:
    """Suffix and content of every file to begin with; the archives that are bombs stay out."""
    broken_files = beside("broken_files")
    files = []
    for broken in broken_files.corpus():
        if broken.name != "bomb.csv.gz":
            path = broken.write(folder)
            files.append((path.name[path.name.index(".") :], path.read_bytes()))
    sound = [(".csv", (broken_files.HEADER + broken_files.GOOD).encode()), (".parquet", broken_files.parquet_bytes())]
    return files + sound * 15 + [(".xlsx", broken_files.workbook_bytes())] * 5


def one_case(db: CustomerDatabase, path: Path, lot: random.Random) -> str:
    """Read the file in one of the ways there are; what came of it."""
    if lot.random() < 0.2:
        try:
            read_transactions(path, on_bad=lot.choice(["raise", "set_aside"]))
        except ChurnSimError as error:
            return type(error).__name__
        return "read"
    options = {name: lot.choice(values) for name, values in OPTIONS.items()}
    try:
        added = db.add(path, **options)
    except ChurnSimError as error:
        return type(error).__name__ if str(error) else "an error that says nothing"
    finally:
        loads = db.table("loads")
        rows = sum(len(db.table(name)) for name in ("transactions", "refunds", "set_aside"))
        assert rows == loads["rows"].sum(), (rows, loads["rows"].sum())
    return "already there" if added.already else "added"


def fuzz(seconds: float, seed: int, *, cases: float = math.inf) -> Counter[str]:
    """Run cases for that long, or that many; raises what a case ended in, if it ended badly."""

    def stop(_signal: int, _frame: object) -> None:
        raise TooLongError(f"longer than {LONGEST} s")

    signal.signal(signal.SIGALRM, stop)
    lot = random.Random(seed)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = seeds(folder)
        contents = [content for _, content in files]
        end = time.monotonic() + seconds
        number = 0
        db = CustomerDatabase(folder / "fuzz-0.db")
        try:
            while number < cases and time.monotonic() < end:
                number += 1
                if number % 300 == 0:  # a small database keeps the books quick to check
                    db.close()
                    db = CustomerDatabase(folder / f"fuzz-{number}.db")
                suffix, content = lot.choice(files)
                path = folder / f"case{suffix}"
                path.write_bytes(mutated(content, lot, contents))
                signal.alarm(LONGEST)
                try:
                    outcomes[one_case(db, path, lot)] += 1
                except BaseException:
                    kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{number}{suffix}"
                    shutil.copy(path, kept)
                    sys.stderr.write(f"case {number} of seed {seed}, kept as {kept}\n{traceback.format_exc()}")
                    raise
                finally:
                    signal.alarm(0)
        finally:
            db.close()
    return outcomes


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("seconds", type=float, nargs="?", default=10)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    result = fuzz(given.seconds, given.seed)
    sys.stdout.write(f"{sum(result.values()):,} cases in {given.seconds:g} s: {dict(result)}\n")
