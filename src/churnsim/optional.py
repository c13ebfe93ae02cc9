"""Libraries of the optional extras: imported when needed, or one error that says how to install them."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import warnings
from collections.abc import Iterable
from importlib import metadata
from types import ModuleType

from churnsim.errors import MissingExtraError


def optional_modules(*names: str, extra: str, purpose: str) -> tuple[ModuleType, ...]:
    """Import the libraries (dotted where a part of one is wanted) that an optional part needs, in the order of `names`.

    Warnings raised while a library is imported speak of that library's own age and are not shown. `extra` is the extra
    of churnsim that installs them, such as ``"report"``, and `purpose` what they are needed for, as the subject of a
    sentence: ``"a report"``. Raises MissingExtraError, which names every library that is absent and the command that
    installs it.

    Examples
    --------
    >>> (module,) = optional_modules("json", extra="report", purpose="a report")
    >>> module.dumps([1])
    '[1]'
    """
    found, missing = [], []
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(importlib.import_module(name))
        except ImportError as error:
            missing.append(error.name or name)
    if missing:
        raise missing_extra(missing, extra=extra, purpose=purpose)
    return tuple(found)


def require_installed(*libraries: str, extra: str, purpose: str) -> None:
    """Raise the MissingExtraError of `optional_modules` for libraries that are not installed, without importing any."""
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise missing_extra(missing, extra=extra, purpose=purpose)


def missing_extra(missing: Iterable[str], *, extra: str, purpose: str) -> MissingExtraError:
    """The error that says which libraries `purpose` needs and how to install them."""
    libraries = list(dict.fromkeys(name.split(".")[0] for name in missing))
    return MissingExtraError(
        f"{purpose} needs {', '.join(libraries)}, which {'is' if len(libraries) == 1 else 'are'} not installed. "
        f"Run: python -m pip install {' '.join(shlex.quote(item) for item in _requirements(extra) or libraries)} "
        f"(the extra churnsim[{extra}])."
    )


def _requirements(extra: str) -> list[str]:
    """The libraries of an extra with their versions, as this installation of churnsim states them.

    They are named one by one, since `pip install 'churnsim[extra]'` would ask an index for churnsim itself, which a
    clone or a wheel from a file did not come from.
    """
    try:
        stated = metadata.requires("churnsim") or []
    except metadata.PackageNotFoundError:  # run from its sources
        return []
    return [line.split(";")[0].strip() for line in stated if re.search(rf"extra == ['\"]{extra}['\"]", line)]
