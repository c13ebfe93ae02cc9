"""Libraries of the optional extras: imported when needed, or one error that says how to install them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterable
from types import ModuleType

from churnsim.errors import MissingExtraError

__all__ = ["missing_extra", "optional_modules"]


def optional_modules(*names: str, extra: str, purpose: str) -> tuple[ModuleType, ...]:
    """Import the libraries that an optional part needs.

    Warnings raised while a library is imported speak of that library's own age and are not shown.

    Parameters
    ----------
    *names
        Modules, dotted where a part of a library is wanted.
    extra
        The extra of churnsim that installs them, such as ``"report"``.
    purpose
        What they are needed for, as the subject of a sentence: ``"a report"``.

    Returns
    -------
    tuple of ModuleType
        The modules in the order of `names`.

    Raises
    ------
    MissingExtraError
        Naming every library that is absent and the command that installs it.

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


def missing_extra(missing: Iterable[str], *, extra: str, purpose: str) -> MissingExtraError:
    """The error that says which libraries `purpose` needs and how to install them."""
    libraries = list(dict.fromkeys(name.split(".")[0] for name in missing))
    return MissingExtraError(
        f"{purpose} needs {', '.join(libraries)}, which {'is' if len(libraries) == 1 else 'are'} not installed. "
        f"Run: pip install 'churnsim[{extra}]'"
    )
