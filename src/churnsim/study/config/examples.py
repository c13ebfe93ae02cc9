"""The example configurations: `configs/` of a clone, which an installed package carries with it."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from churnsim.errors import ConfigError

DEMO = "demo/shop"


def examples() -> dict[str, Path]:
    """The files by name: their path below `configs/` without the ending, such as ``"claims/payback"``."""
    package = Path(__file__).parents[2]
    folder = package / "configs" if (package / "configs").is_dir() else package.parents[1] / "configs"
    return {file.relative_to(folder).with_suffix("").as_posix(): file for file in sorted(folder.rglob("*.toml"))}


def example(name: str) -> Path:
    """The file of one. Raises ConfigError, with those there are, for an unknown name."""
    known = examples()
    if name not in known:
        raise ConfigError(f"there is no example {name!r}. Use one of: {', '.join(known)}.")
    return known[name]


def first_sentence(file: Path) -> str:
    """What an example is: the first sentence of the comment at its top."""
    comment = takewhile(re.compile("# .").match, file.read_text(encoding="utf-8").splitlines())
    return re.split(r"\. |: churnsim ", " ".join(line.lstrip("# ") for line in comment))[0].rstrip(".")
