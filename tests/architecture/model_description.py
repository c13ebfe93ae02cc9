"""What the code says of itself, for the model's description in `docs/odd.md` and `docs/stress.md`.

    python tests/architecture/model_description.py docs/odd.md docs/stress.md

writes the stretches between `<!-- code: NAME -->` and `<!-- end -->` of these files afresh; a test compares them, so
that a description cannot fall behind what it describes.
"""

from __future__ import annotations

import inspect
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from churnsim.errors import ConfigError
from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine import records
from churnsim.kernels.numerics import philox, rng_streams
from churnsim.simulation.core.assumption import Origin
from churnsim.simulation.core.belief import Belief
from churnsim.simulation.engine import compiled_engine, epoch_boundary, simpy_engine
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import Strategy

STRETCH = re.compile(r"(<!-- code: ([a-z_]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """The document with every stretch written afresh. Raises ConfigError for one that no part of the code fills."""

    def fresh(found: re.Match[str]) -> str:
        name = found.group(2)
        if name not in PARTS:
            raise ConfigError(f"no part of the code describes {name!r}; there are {', '.join(PARTS)}.")
        return f"{found.group(1)}{PARTS[name]()}\n{found.group(4)}"

    return STRETCH.sub(fresh, text)


def customer_fields() -> str:
    """What an engine keeps of a customer, and what states it can be in."""
    notes = _comments(records)
    names = records.CUSTOMER.names or ()
    kept = [(f"`{name}`", str(records.CUSTOMER[name]), notes.get(name, name.replace("_", " "))) for name in names]
    states = ", ".join(f"{name} ({getattr(records, name)})" for name in ("UNBORN", "ACTIVE", "AWAITING", "LOST"))
    origins = ", ".join(
        f"{name} ({getattr(records, name)})" for name in ("KNOWN", "PAID", "REFERRED", "TOLD", "SWITCHED")
    )
    table = _table(("field", "type", "meaning"), kept)
    return f"{table}\n\nStates: {states}. Origins: {origins}. A record takes {records.CUSTOMER.itemsize} bytes."


def books() -> str:
    """The accounts of the ledger and the kinds of events in the log."""
    told = [
        ("costs, cents", _listed(accounts.COSTS)),
        ("other money, cents", _listed(name for name in accounts.MONEY if name not in accounts.COSTS)),
        ("counts", _listed(accounts.COUNTS)),
        ("events of the log", _listed(accounts.KINDS)),
    ]
    return _table(("what", "names"), told)


def clock() -> str:
    """The steps of time."""
    return _first_paragraphs(Scenario, 2)


def scheduling() -> str:
    """How each engine keeps time, in its own words."""
    return "\n\n".join(
        f"*{name}.* {_flowing(inspect.getdoc(module) or '')}"
        for name, module in (("SimPy", simpy_engine), ("Compiled", compiled_engine), ("Epoch boundary", epoch_boundary))
    )


def random_numbers() -> str:
    """The generator, and what each stream decides."""
    notes = _comments(rng_streams)
    rows = [
        (f"`{name}`", str(getattr(rng_streams, name)), notes.get(name, ""))
        for name in sorted(rng_streams.__all__, key=lambda name: (name in DOMAINS, getattr(rng_streams, name)))
        if name not in DOMAINS
    ]
    domains = ", ".join(f"`{name}` = {getattr(rng_streams, name)}" for name in DOMAINS)
    told = f"{_flowing(inspect.getdoc(philox) or '')}\n\n{_flowing(inspect.getdoc(rng_streams) or '')}"
    return f"{told} Domains: {domains}.\n\n{_table(('stream', 'number', 'what it decides'), rows)}"


def market_mechanisms() -> str:
    """Every part of a market with its numbers, those that belong to no part first."""
    return f"**The market itself.**\n\n{_numbers(Market)}\n\n{_mechanisms(Market)}"


def strategy_mechanisms() -> str:
    """Every mechanism of a strategy with its settings."""
    return _mechanisms(Strategy)


DOMAINS = ("SIMULATION", "MODEL_DRAWS", "BELIEFS")
PARTS: dict[str, Callable[[], str]] = {
    "customer_fields": customer_fields,
    "books": books,
    "clock": clock,
    "scheduling": scheduling,
    "random_numbers": random_numbers,
    "market_mechanisms": market_mechanisms,
    "strategy_mechanisms": strategy_mechanisms,
}


def _mechanisms(whole: type) -> str:
    """A heading, the first paragraph and a table for each dataclass among the fields' types."""
    told = []
    for field, kind in _dataclasses_of(whole):
        off = field.default is None
        state = "off unless given" if off else "always there"
        about = f"**`{field.name}`: {kind.__name__}** ({state}). {_first_paragraphs(kind, 1)}"
        told.append(f"{about}\n\n{_numbers(kind)}")
    return "\n\n".join(told)


def _dataclasses_of(whole: type) -> Iterator[tuple[Field[Any], type]]:
    hints = get_type_hints(whole)
    for field in fields(whole):
        for kind in (hints[field.name], *get_args(hints[field.name])):
            if isinstance(kind, type) and is_dataclass(kind) and kind not in (Origin, Belief):
                yield field, kind


def _numbers(kind: type) -> str:
    documented = any("origin" in field.metadata for field in fields(kind))
    rows: list[tuple[str, ...]] = []
    for field in fields(kind):
        default = "needed" if field.default is MISSING else str(field.default)
        if documented and "origin" in field.metadata:
            about, origin = field.metadata, field.metadata["origin"]
            low, high = about["interval"]
            interval = f"{low:g} to {high:g}" if low < high else "exact"
            told = (about["unit"], about["meaning"], origin.status, origin.source)
            rows.append((f"`{field.name}`", default, interval, *told))
        elif not documented:
            rows.append((f"`{field.name}`", default))
    if documented:
        return _table(("number", "default", "90% interval", "unit", "meaning", "status", "source"), rows)
    return _table(("setting", "default"), rows)


def _comments(module: ModuleType) -> dict[str, str]:
    """The comment at the end of the line, or in the lines before it, that defines or declares each name."""
    found: dict[str, str] = {}
    source = inspect.getsource(module)
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        text, line = token.string.lstrip("# "), lines[token.start[0] - 1]
        if line.strip().startswith("#"):
            line = lines[token.start[0]] if token.start[0] < len(lines) else ""
            if "#" in line:
                continue
        name = re.match(r"""\s*\(?["']?(\w+)["']?\s*[:=,]""", line)
        if name:
            found.setdefault(name.group(1), text)
    return found


def _first_paragraphs(thing: Any, count: int) -> str:
    paragraphs = (inspect.getdoc(thing) or "").split("\n\n")[:count]
    return "\n\n".join(_flowing(paragraph) for paragraph in paragraphs)


def _flowing(text: str) -> str:
    """Paragraphs without their line breaks; what is indented stays as it is."""
    return "\n\n".join(
        paragraph if paragraph.startswith("    ") else " ".join(paragraph.split()) for paragraph in text.split("\n\n")
    )


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(heads: tuple[str, ...], rows: list[Any]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def main(paths: list[str]) -> None:
    """Write the stretches of these files afresh."""
    for path in map(Path, paths):
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
