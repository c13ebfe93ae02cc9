"""Two machine instructions that numba lacks, and what takes their place where kernels are compiled plainly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from churnsim.kernels.numerics.jit import PLAIN, inlined

_LINE = 64  # bytes of a cache line
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@inlined
def plain_multiply_high(a: np.uint64, b: np.uint64) -> np.uint64:
    """`multiply_high` by halves of 32 bits: the schoolbook product, none of whose sums exceeds 64 bits."""
    a_low, a_high, b_low, b_high = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    middle = a_high * b_low + ((a_low * b_low) >> _HALF)
    other = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _HALF) + (other >> _HALF)


@inlined
def plain_fetch(records: Any, index: int) -> None:
    """`fetch` that leaves it to the processor."""


def _instructions() -> tuple[Any, Any]:
    """Both as LLVM instructions. `numba.extending.intrinsic` is public; what is built inside one is LLVM's and numba's
    own."""
    import numba
    from llvmlite import ir
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def multiply_high(typing_context: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            wide = ir.IntType(128)
            product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
            return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

        return numba.types.uint64(numba.types.uint64, numba.types.uint64), generate

    @intrinsic
    def fetch(typing_context: Any, records: Any, index: Any) -> Any:
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
            # And its last byte: a record that begins within a line ends in one more.
            for offset in (*range(0, size, _LINE), size - 1):
                # To be written, to be kept in every cache, data.
                builder.call(hint, [builder.gep(start, [ir.Constant(bit, offset)]), bit(1), bit(3), bit(1)])
            return context.get_dummy_value()

        return numba.types.void(records, numba.types.intp), generate

    return multiply_high, fetch


_multiply_high, _fetch = (plain_multiply_high, plain_fetch) if PLAIN else _instructions()

multiply_high = cast(Callable[[Any, Any], Any], _multiply_high)
"""Upper 64 bits of the 128-bit product of two unsigned words: one instruction where halves would take a dozen."""

fetch = cast(Callable[[Any, int], None], _fetch)
"""Ask for a record of an array that will be needed soon: the memory brings its cache lines meanwhile."""
