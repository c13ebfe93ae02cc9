"""The one spelling of `njit` in this package.

`fastmath` stays off, so that a rule gives the same bits in every engine; `cache` keeps the compiled code on disk,
so that only the first process after an installation compiles; `nogil` lets replications run on threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["njit"]

F = TypeVar("F", bound=Callable[..., Any])


def njit(function: F) -> F:
    """Compile `function` at its first call; cached on disk, GIL released, no fastmath."""
    return cast(F, numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function))
