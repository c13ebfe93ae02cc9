"""The one spelling of `njit` in this package, and the one machine instruction that numba lacks.

`fastmath` stays off, so that a rule gives the same bits in every engine; `cache` keeps the compiled code on disk,
so that only the first process after an installation compiles; `nogil` lets replications run on threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba.extending import intrinsic

__all__ = ["inlined", "multiply_high", "njit"]

F = TypeVar("F", bound=Callable[..., Any])


def njit(function: F) -> F:
    """Compile `function` at its first call; cached on disk, GIL released, no fastmath."""
    return cast(F, numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function))


def inlined(function: F) -> F:
    """As `njit`, for a small rule that every event passes: its code is put where it is called."""
    compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy", forceinline=True)
    return cast(F, compiled(function))


@intrinsic
def _multiply_high(typing_context: Any, a: Any, b: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return numba.types.uint64(numba.types.uint64, numba.types.uint64), generate


multiply_high = cast(Callable[[Any, Any], Any], _multiply_high)
"""Upper 64 bits of the 128-bit product of two unsigned words: one instruction where halves would take a dozen."""
