"""The one spelling of `njit` in this package, and the two machine instructions that numba lacks.

`fastmath` stays off, so that a rule gives the same bits in every engine; `cache` keeps the compiled code on disk,
so that only the first process after an installation compiles; `nogil` lets replications run on threads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from churnsim.kernels.numerics.numba_cache import forget_stale

__all__ = ["fetch", "inlined", "multiply_high", "njit", "rule"]

_LINE = 64  # bytes of a cache line

forget_stale(Path(__file__).parents[1])

F = TypeVar("F", bound=Callable[..., Any])


_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": False, "error_model": "numpy"}
_UNCOUNTED = {**_OPTIONS, "_nrt": False}  # without numba's runtime, which counts references to arrays


def njit(function: F) -> F:
    """Compile `function` at its first call; cached on disk, GIL released, no fastmath."""
    return cast(F, numba.njit(**_OPTIONS)(function))


def rule(function: F) -> F:
    """As `njit`, for what makes no array, and calls only such: it keeps no count of who holds one.

    Numba counts references to an array wherever a function or a view takes it up, by an atomic instruction each, in a
    cache line that all threads share. In the lives of customers that took as long as a third of the arithmetic.
    """
    return cast(F, numba.njit(**_UNCOUNTED)(function))


def inlined(function: F) -> F:
    """As `rule`, for a small one that every event passes: its code is put where it is called."""
    return cast(F, numba.njit(**_UNCOUNTED, forceinline=True)(function))


@intrinsic
def _multiply_high(typing_context: Any, a: Any, b: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return numba.types.uint64(numba.types.uint64, numba.types.uint64), generate


multiply_high = cast(Callable[[Any, Any], Any], _multiply_high)
"""Upper 64 bits of the 128-bit product of two unsigned words: one instruction where halves would take a dozen."""


@intrinsic
def _fetch(typing_context: Any, records: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, arguments[0])
        byte = ir.IntType(8).as_pointer()
        tools: Any = cgutils
        start = builder.bitcast(tools.get_item_pointer(context, builder, kind, array, [arguments[1]]), byte)
        bit = ir.IntType(32)
        hint = tools.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, bit, bit, bit]), "llvm.prefetch.p0i8"
        )
        size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        for offset in (*range(0, size, _LINE), size - 1):
            # To be written, to be kept in every cache, data.
            builder.call(hint, [builder.gep(start, [ir.Constant(bit, offset)]), bit(1), bit(3), bit(1)])
        return context.get_dummy_value()

    return numba.types.void(records, numba.types.intp), generate


fetch = cast(Callable[[Any, int], None], _fetch)
"""Ask for a record of an array that will be needed soon: the memory brings its cache lines meanwhile."""
