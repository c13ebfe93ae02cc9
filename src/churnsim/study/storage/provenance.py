"""Where a result comes from: the configuration's hash, the data's checksum, the code and the machine."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import churnsim
from churnsim.records.run import Manifest

PACKAGES = ("numpy", "pandas", "scipy", "numba", "simpy", "pyarrow", "joblib", "pydantic")

# These only show numbers that a run has stored; any other room may change one, also a room that is added later.
ROOMS_THAT_ONLY_SHOW = ("report", "explore", "cli")


def run_hash(canonical: dict[str, Any], data_checksum: str) -> str:
    """SHA-256 (hex) of the canonical configuration, the data's checksum and churnsim's version."""
    content = {"config": canonical, "data": data_checksum, "churnsim": churnsim.__version__}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def versions() -> dict[str, str]:
    """The versions of the packages whose code can move a number."""
    return {package: _version(package) for package in PACKAGES}


@functools.cache
def _version(package: str) -> str:
    """That of the code which a process goes on with, read once: it takes milliseconds a package."""
    return metadata.version(package)


def platform_facts() -> dict[str, str | int]:
    """The machine in the words a reader of a report needs."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 1,
    }


def differing(before: Manifest, after: Manifest) -> dict[str, tuple[Any, Any]]:
    """What two runs were made of that differs: by its place in the configuration, or in data, versions and "code", the
    value in each, None where it has none. Strategies go by their names; what is left empty counts as absent, as keys do
    that came with a later version."""
    one, other = (
        dict(_leaves("", run.config))
        | {f"versions.{name}": version for name, version in {"churnsim": run.churnsim, **run.versions}.items()}
        | {"data.customers": run.data.customers, "data.purchases": run.data.purchases}
        | {"data.checksum": run.data.checksum_sha256[:8], "code": str(run.recipe.get("code_sha256", ""))[:8]}
        for run in (before, after)
    )
    return {key: (one.get(key), other.get(key)) for key in {**one, **other} if one.get(key) != other.get(key)}


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and all(isinstance(row, dict) and "name" in row for row in value):
        value = {row["name"]: row for row in value}
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{place}.{key}" if place else key, inner)
    elif value not in (None, []):
        yield place, value


def recipe() -> dict[str, Any]:
    """What must be the same for stored parts of an interrupted run to be continued: code and package versions."""
    return {"code_sha256": _own_code(), "versions": versions()}


@functools.cache
def _own_code() -> str:
    """The checksum of this package, taken once: a process goes on with the code that it has loaded."""
    return _code_checksum(Path(churnsim.__file__).parent)


def _code_checksum(root: Path) -> str:
    """SHA-256 (hex) of every source that can change a number of a run."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        if path.suffix in (".py", ".toml") and place.parts[0] not in ROOMS_THAT_ONLY_SHOW:
            digest.update(place.as_posix().encode() + b"\0")
            digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
