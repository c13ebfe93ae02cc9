"""Check that results are what they were: run the smoke studies and other commands, compare with `unchanged.json`.

    python tests/architecture/unchanged.py                       run everything and compare
    python tests/architecture/unchanged.py --only telco survey   only these jobs
    python tests/architecture/unchanged.py --only 'telco/*.json' only these products
    python tests/architecture/unchanged.py --accept-words        store changed texts, if nothing else changed
    python tests/architecture/unchanged.py --record              store what comes out now

This proves "unchanged", never "right". Everything goes through the command line. A changed number, key or table is an
error (exit code 1); changed texts in JSON results are only reported. The record holds every number, and of each text
two checksums: of the whole and of the numbers in it.
"""

from __future__ import annotations

import argparse
import base64
import csv
import fnmatch
import hashlib
import json
import lzma
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_suffix(".json")
CODES = {
    "id",
    "answer",
    "basis",
    "verdict",
    "status",
    "code",
    "kind",
    "family",
    "unit",
    "metric",
    "strategy",
    "against",
    "parameter",
}
"""Keys whose texts are results, not wording."""
VOLATILE = {
    "hash", "churnsim", "versions", "recipe", "platform", "started", "finished", "seconds", "workers", "backend",
    "outcome_keys", "stage_keys", "products", "folder",
}  # fmt: skip
"""Of a manifest: what depends on the day, the machine or the code's version, or is a checksum of other products."""
PACKAGES = ("numpy", "pandas", "scipy", "numba", "pyarrow", "scikit-learn")

LOGIC = (
    "card-npv", "retention-table", "regular-customers", "customer-asset-equation", "complaint-tree",
    "complaint-visibility", "dissatisfied-leave", "very-satisfied", "defection-reasons", "servqual", "acsi",
    "disconfirmation", "kano", "importance-performance", "customer-value-ratio", "path-model", "relationship-ladder",
)  # fmt: skip
ON_DATA = (
    "longer-is-worth-more", "repeat-premium", "cheaper-to-serve", "second-sale", "existing-revenue", "eighty-twenty",
    "worst-twenty", "best-customer", "gold-customers", "annual-churn", "satisfaction-share",
)  # fmt: skip


# Products: what is kept of a file


@dataclass(frozen=True)
class Product:
    """A file's checksum and its content: lists, mappings, numbers and texts.

    A `strict` product is a table, where texts are data; in the others they are wording.
    """

    sha256: str
    content: Any
    strict: bool


def masked(value: Any, key: str = "") -> Any:
    """`value` with each text replaced by its checksums, but for those that are codes (`CODES`)."""
    if isinstance(value, Mapping):
        return {k: masked(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v, key) for v in value]
    if isinstance(value, str):
        if key in CODES:
            return "=" + value.partition(":")[0]  # "converged: the gradient vanishes" is a code and its explanation
        numbers = " ".join(re.findall(r"\d+(?:[.,]\d+)*", value))
        return f"~{zlib.crc32(value.encode()):08x} {zlib.crc32(numbers.encode()):08x}"
    return value


def read_json(path: Path) -> Product:
    """A JSON result; of a manifest without the volatile fields."""
    data = path.read_bytes()
    content = json.loads(data)
    if path.name == "manifest.json":
        content = {k: v for k, v in content.items() if k not in VOLATILE}
        data = json.dumps(content).encode()
    return Product(hashlib.sha256(data).hexdigest(), masked(content), strict=False)


def read_table(path: Path) -> Product:
    """A CSV or Parquet file by its columns."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        columns: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    else:
        from pyarrow import parquet

        table = parquet.read_table(path)
        columns = {
            f"{field.name} ({field.type})": [
                v if isinstance(v, int | float | str | None) else str(v) for v in table.column(i).to_pylist()
            ]
            for i, field in enumerate(table.schema)
        }
    return Product(hashlib.sha256(path.read_bytes()).hexdigest(), columns, strict=True)


def read_printed(path: Path) -> Product:
    """A table of figures as it was printed: the numbers and the verdict of each row, the figure's name as wording."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        numbers = [cell for cell in cells if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", cell)]
        if len(numbers) >= 4:
            rows.append({"figure": cells[0], "code": numbers, "verdict": cells[-1]})  # as printed, digit by digit
    return Product(hashlib.sha256(json.dumps(rows).encode()).hexdigest(), masked(rows), strict=False)


def read_product(path: Path) -> Product:
    """The product that a file is."""
    return {".json": read_json, ".txt": read_printed}.get(path.suffix, read_table)(path)


def packed(product: Product) -> dict[str, Any]:
    """A product as the record stores it."""
    data = lzma.compress(json.dumps(product.content, separators=(",", ":")).encode(), preset=9)
    return {"sha256": product.sha256, "strict": product.strict, "content": base64.b85encode(data).decode()}


def unpacked(stored: Mapping[str, Any]) -> Product:
    """A product from the record."""
    content = json.loads(lzma.decompress(base64.b85decode(stored["content"])))
    return Product(stored["sha256"], content, stored["strict"])


# Comparison


@dataclass(frozen=True)
class Difference:
    """What differs in a product, in a line, and whether it is wording only."""

    product: str
    says: str
    words_only: bool

    def __str__(self) -> str:
        return f"{self.product}: {self.says}"


Place = tuple[str | int, ...]


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every number, text, flag, null and empty collection with its place."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list) and value:
        for i, inner in enumerate(value):
            yield from leaves(inner, (*place, i))
    else:
        yield place, value


def is_wording(value: Any) -> bool:
    """Whether a masked value is a text that is no code."""
    return isinstance(value, str) and value.startswith("~")


def shown(place: Place) -> str:
    """A place as Python would index it."""
    return "".join(f"[{part!r}]" for part in place) or "the whole"


def number_of(n: int, noun: str) -> str:
    """`1 text`, `2 texts`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


ABSENT = object()


def compare_content(old: Any, new: Any) -> tuple[list[tuple[Place, Any, Any]], list[tuple[Place, Any, Any]]]:
    """What differs, as (place, before, now): first numbers, codes and structure, then texts.

    A text more or fewer in a list of texts is wording too; a key with a text more or fewer is not. Numbers are
    compared by the way they are written, so that 1 and 1.0 differ, and NaN equals NaN.
    """
    before, now = dict(leaves(old)), dict(leaves(new))
    hard, words = [], []
    for place in [*before, *(p for p in now if p not in before)]:
        a, b = before.get(place, ABSENT), now.get(place, ABSENT)
        if repr(a) == repr(b):
            continue
        in_list = bool(place) and isinstance(place[-1], int)
        both = is_wording(a) and is_wording(b)
        one = in_list and ((a is ABSENT and is_wording(b)) or (b is ABSENT and is_wording(a)))
        (words if both or one else hard).append((place, a, b))
    return hard, words


def _first(changes: Sequence[tuple[Place, Any, Any]]) -> str:
    place, a, b = changes[0]

    def say(value: Any) -> str:
        if value is ABSENT:
            return "nothing"
        return "a text" if is_wording(value) else repr(value)

    return f"first at {shown(place)}: {say(a)} -> {say(b)}"


def compare_product(name: str, old: Product, new: Product) -> Difference | None:
    """How a product differs from what it was, or None."""
    if old.sha256 == new.sha256:
        return None
    hard, words = compare_content(old.content, new.content)
    if old.strict or new.strict:
        changed = [*hard, *words]
        columns = {place[0] for place, _, _ in changed if place}
        what = f"{len(columns)} of {len(old.content)} columns, {_first(changed)}" if changed else "every value the same"
        return Difference(name, f"bytes differ; {what}", words_only=False)
    in_numbers = sum(is_wording(a) and is_wording(b) and a.split()[1] != b.split()[1] for _, a, b in words)
    texts = f"{number_of(len(words), 'text')} changed" if words else ""
    if in_numbers:
        texts += f" ({in_numbers} of them in a number, first at {shown(_in_number(words))})"
    if hard:
        parts = {
            "changed": [change for change in hard if ABSENT not in change],
            "gone": [change for change in hard if change[2] is ABSENT],
            "new": [change for change in hard if change[1] is ABSENT],
        }
        says = "; ".join(
            f"{number_of(len(some), 'value')} {what}, {_first(some)}" for what, some in parts.items() if some
        )
        return Difference(name, f"{says}; {texts}" if texts else says, words_only=False)
    return Difference(name, f"{texts or 'layout or order of keys changed'}, no number", words_only=True)


def _in_number(words: Sequence[tuple[Place, Any, Any]]) -> Place:
    return next(p for p, a, b in words if is_wording(a) and is_wording(b) and a.split()[1] != b.split()[1])


def compare(old: Mapping[str, Product], new: Mapping[str, Product]) -> list[Difference]:
    """Every difference between two sets of products, by name."""
    found = []
    for name in sorted({*old, *new}):
        if name not in new:
            found.append(Difference(name, "missing: it is in the record and was not made", words_only=False))
        elif name not in old:
            found.append(Difference(name, "extra: it is not in the record", words_only=False))
        elif (difference := compare_product(name, old[name], new[name])) is not None:
            found.append(difference)
    return found


# Jobs: what is run


class JobError(Exception):
    """A command failed."""


def churnsim(*words: object, cwd: Path, columns: int = 400) -> str:
    """Run a command of this checkout and return what it printed."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "COLUMNS": str(columns),
    }
    command = [sys.executable, "-c", "from churnsim.cli import main; main()", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(map(str, words))
        raise JobError(f"churnsim {said}: exit code {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}")
    return done.stdout


def study(config: Path, home: Path) -> Iterator[Path]:
    """The results of a smoke study."""
    churnsim("run", config, "--runs-dir", home / "runs", "--workers", "1", "--no-report", cwd=home)
    (directory,) = (home / "runs").glob("*/manifest.json")
    yield from (path for path in directory.parent.iterdir() if path.suffix in {".json", ".parquet"})


def claims(ids: Sequence[str], home: Path) -> Iterator[Path]:
    """What the tests of some claims found."""
    churnsim("claims", "test", *ids, "--quick", "--json", home / "claims.json", cwd=home)
    yield home / "claims.json"


def reproduce(home: Path) -> Iterator[Path]:
    """The published figures, recomputed."""
    path = home / "figures.txt"
    path.write_text(churnsim("reproduce", cwd=home), encoding="utf-8")
    yield path


def database(home: Path) -> Iterator[Path]:
    """A small log of purchases, with refunds and bad rows, through the database and out again."""
    draw, start = random.Random(13), date(2024, 1, 1)
    rows = [
        # In quarters, so that a sum of amounts is the same in any order: the database adds on several threads.
        (f"c{draw.randrange(60):03d}", start + timedelta(days=draw.randrange(300)), f"{draw.randrange(4, 400) / 4}")
        for _ in range(400)
    ]
    rows += [(rows[i][0], rows[i][1], f"-{rows[i][2]}") for i in (3, 70, 200)]
    rows += [("c001", start, "much"), ("", start, "3.0")]
    lines = ["Client,Day,Total", *(f"{customer},{day:%d/%m/%Y},{amount}" for customer, day, amount in rows)]
    (home / "purchases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    columns = [w for pair in ("customer_id=Client", "date=Day", "amount=Total") for w in ("--column", pair)]
    churnsim("db", "add", "firm.db", "purchases.csv", *columns, "--date-format", "%d/%m/%Y", cwd=home)
    for table in ("transactions", "summary", "refunds"):
        for suffix in ("csv", "parquet"):
            churnsim("db", "export", "firm.db", table, f"{table}.{suffix}", cwd=home)
            yield home / f"{table}.{suffix}"
    churnsim("db", "summarise", "firm.db", "--unit", "D", "--until", "2024-08-31", "--out", "by_day.csv", cwd=home)
    yield home / "by_day.csv"
    named = ("--customer-id", "Client", "--date", "Day", "--amount", "Total", "--date-format", "%d/%m/%Y")
    good = [line for line in lines if not line.startswith(",") and "much" not in line and ",-" not in line]
    (home / "good.csv").write_text("\n".join(good) + "\n", encoding="utf-8")
    churnsim("summarise", "good.csv", *named, "--unit", "W", "--out", "summarised.csv", cwd=home)
    yield home / "summarised.csv"


def survey(home: Path) -> Iterator[Path]:
    """Two instruments on answers with something in common to measure."""
    blocks = {"expectations": 3, "performance": 3, "value": 2, "satisfaction": 3, "complaints": 2, "loyalty": 2}
    asked = {
        "servqual": ((1, 7), [f"{kind}.q{i}" for kind in ("expectation", "perception") for i in range(1, 23)]),
        "acsi": ((1, 10), [f"perception.{name}_{i + 1}" for name, n in blocks.items() for i in range(n)]),
    }
    for instrument, ((low, high), items) in asked.items():
        draw, lines = random.Random(f"answers to {instrument}"), ["respondent," + ",".join(items)]
        for person in range(120):
            mood = draw.gauss(0.6, 0.15)
            answers = [low + (high - low) * (mood + draw.gauss(0, 0.12)) for _ in items]
            lines.append(f"r{person:03d}," + ",".join(str(min(max(round(a), low), high)) for a in answers))
        (home / f"{instrument}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        churnsim(
            "survey", f"{instrument}.csv", "--instrument", instrument, "--scale", f"{low}-{high}", "--resamples", 100,
            "--seed", 5, "--no-plots", "--json", f"{instrument}.json", cwd=home,
        )  # fmt: skip
        yield home / f"{instrument}.json"


def jobs() -> dict[str, Callable[[Path], Iterator[Path]]]:
    """Every job by name: takes an empty directory, makes its products there."""
    return {
        **{path.stem: partial(study, path) for path in sorted((ROOT / "configs" / "smoke").glob("*.toml"))},
        "claims-logic": partial(claims, LOGIC),
        "claims-data": partial(claims, ON_DATA),
        "reproduce": reproduce,
        "database": database,
        "survey": survey,
    }


def wanted(name: str, only: Sequence[str]) -> bool:
    """Whether a product, or a job, is among those asked for (all if none)."""
    if "/" in name:
        return not only or any(fnmatch.fnmatch(name, p) or fnmatch.fnmatch(name.split("/")[0], p) for p in only)
    return not only or any(fnmatch.fnmatch(name, pattern.split("/")[0]) for pattern in only)


def make(name: str, job: Callable[[Path], Iterator[Path]]) -> dict[str, Product]:
    """Run a job in a directory that is gone afterwards."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"unchanged-{name}-") as home:
        products = {f"{name}/{path.name}": read_product(path) for path in job(Path(home))}
    sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    return products


def make_all(
    chosen: Mapping[str, Callable[[Path], Iterator[Path]]], at_once: int
) -> tuple[dict[str, Product], list[str]]:
    """The products of some jobs, and what the jobs that failed said."""
    products: dict[str, Product] = {}
    failures = []
    with ThreadPoolExecutor(at_once) as pool:
        running = {name: pool.submit(make, name, job) for name, job in chosen.items()}
    for name, future in running.items():
        try:
            products |= future.result()
        except JobError as error:
            failures.append(f"{name}: failed: {error}")
    return products, failures


def made_with() -> dict[str, str]:
    """What a last digit may depend on."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: version(name) for name in PACKAGES},
    }


def read_record() -> tuple[dict[str, str], dict[str, Any]]:
    """What the record was made with, and its products as they are stored."""
    if not RECORD.exists():
        return {}, {}
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    return record["made_with"], record["products"]


def write_record(stored: Mapping[str, Any]) -> None:
    """Write the record, one line a product."""
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(stored[name])}" for name in sorted(stored))
    text = f'{{\n "made_with": {json.dumps(made_with())},\n "products": {{\n{lines}\n }}\n}}\n'
    RECORD.write_text(text, encoding="utf-8")


def main(words: Sequence[str] | None = None) -> int:
    """Run, compare or record; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="jobs or products, such as telco/*.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at a time")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--record", action="store_true", help="store what comes out")
    action.add_argument("--accept-words", action="store_true", help="store changed texts if nothing else changed")
    given = parser.parse_args(words)
    every = jobs()
    chosen = {name: job for name, job in every.items() if wanted(name, given.only)}
    if not chosen:
        parser.error(f"no job is called {' or '.join(given.only)}. There are: {', '.join(every)}")

    environment, stored = read_record()
    products, failures = make_all(chosen, given.jobs)
    products = {name: product for name, product in products.items() if wanted(name, given.only)}
    expected = {name: unpacked(text) for name, text in stored.items() if wanted(name, given.only)}
    differences = compare(expected, products)
    for line in failures if given.record else [*failures, *differences]:
        sys.stdout.write(f"{line}\n")
    hard = [d for d in differences if not d.words_only]
    if hard and not given.record and environment != made_with():
        sys.stdout.write(f"the record was made with {environment}; this is {made_with()}\n")

    if given.record or (given.accept_words and differences):
        if failures or (hard and not given.record):
            sys.stdout.write("nothing recorded: more than texts changed\n" if not failures else "nothing recorded\n")
            return 1
        kept = {name: text for name, text in stored.items() if not wanted(name, given.only)}
        write_record({**kept, **{name: packed(product) for name, product in products.items()}})
        sys.stdout.write(f"recorded: {number_of(len(products), 'product')}\n")
        return 0
    words_changed = len(differences) - len(hard)
    sys.stdout.write(
        f"{number_of(len(products), 'product')}: {len(hard)} changed, {words_changed} in their texts alone\n"
    )
    return 1 if hard or failures else 0


if __name__ == "__main__":
    sys.exit(main())
