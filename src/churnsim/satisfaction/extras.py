"""The optional parts of this room: present, or one line that says how to install them."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

from churnsim.errors import MissingExtraError

__all__ = ["survey_library"]


def survey_library(module: str) -> ModuleType:
    """Import a library of the extra `survey`. Raises MissingExtraError, naming the extra, where it is absent."""
    try:
        with warnings.catch_warnings():
            # semopy brings sympy, whose parts warn of their own ageing while they are imported.
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module(module)
    except ImportError as error:
        name = module.split(".")[0]
        raise MissingExtraError(
            f"this part of the satisfaction room needs {name}, which is not installed ({error}). "
            "Run: pip install 'churnsim[survey]'"
        ) from None
