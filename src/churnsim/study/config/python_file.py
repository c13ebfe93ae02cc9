"""A Python file of a user's own that a configuration names: run, as any program one starts, and asked for one tuple."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TypeVar

from churnsim.data.tabular.files import regular_file
from churnsim.errors import ConfigError

__all__ = ["defined_in"]

T = TypeVar("T")


def defined_in(file: Path, name: str, kind: type[T], *, called: str) -> tuple[T, ...]:
    """The tuple `name` of objects of `kind` that a Python file defines; ConfigError where it is missing or the file
    does not run. `called` is what messages call the kind."""
    regular_file(file, what="Python file", error=ConfigError)
    spec = importlib.util.spec_from_file_location(f"own_{name.lower()}_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} is no Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(
            f"{file} does not run: {type(error).__name__}: {error}. Run it by itself to see where."
        ) from error
    found = getattr(module, name, ())
    if not isinstance(found, (tuple, list)) or not found or not all(isinstance(item, kind) for item in found):
        raise ConfigError(f"{file} must define {name}, a tuple of {called}; got {str(found)[:80]}.")
    return tuple(found)
