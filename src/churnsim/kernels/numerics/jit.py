"""The one spelling of `njit` in this package.

`fastmath` stays off, so that a rule gives the same bits in every engine; compiled code is kept on disk
(`numba_cache.py`), so that only the first process after an installation compiles; `nogil` lets replications run on
threads.

`CHURNSIM_PLAIN_KERNELS=1` in the environment compiles without numba's private options and without LLVM instructions of
our own (`intrinsics.py`): slower, with the same bits, for a version of numba that no longer offers them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types

from churnsim.kernels.numerics.numba_cache import cached
from churnsim.kernels.numerics.shared_code import compile_quickly, optimise_with_callers

F = TypeVar("F", bound=Callable[..., Any])

PLAIN = os.environ.get("CHURNSIM_PLAIN_KERNELS", "0") not in ("", "0")

_KERNELS = Path(__file__).parents[1]
_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": False, "error_model": "numpy", "no_cfunc_wrapper": True}
# Said also where it is off: what is not said a function takes over from the one that is compiled as its first caller.
_OPTIONS["forceinline"] = False
# Without numba's runtime, which counts references to arrays; a private option.
_UNCOUNTED = _OPTIONS if PLAIN else {**_OPTIONS, "_nrt": False}


def _wide(kind: Any) -> Any:
    """The type as which a kernel passes on an argument: a constant or a narrower integer as one of 64 bits."""
    of_numba: Any = types  # whose own annotations say less than it does
    kind = of_numba.unliteral(kind)
    return of_numba.int64 if isinstance(kind, of_numba.Integer) and kind.signed else kind


def _wide_arguments(dispatcher: Any) -> None:
    """Let kernels that call this one share its code, whatever integers they pass.

    Numba types a constant by its value and a record's field by its width, and compiled the random numbers of 22 kinds
    of events 22 times.
    """
    template = dispatcher.get_call_template

    def of_wide(arguments: Any, keywords: dict[str, Any]) -> Any:
        return template([_wide(kind) for kind in arguments], {name: _wide(kind) for name, kind in keywords.items()})

    dispatcher.get_call_template = of_wide


def _compiled(function: F, options: dict[str, Any], *, apart: bool = False) -> F:
    dispatcher = numba.njit(**options)(function)
    if not PLAIN and hasattr(dispatcher, "get_call_template"):  # of numba's own methods; none with NUMBA_DISABLE_JIT
        _wide_arguments(optimise_with_callers(compile_quickly(dispatcher), options, apart=apart))
    return cast(F, cached(dispatcher, _KERNELS, variant="-plain" if PLAIN else ""))


def njit(function: F) -> F:
    """Compile `function` at its first call; cached on disk, GIL released, no fastmath."""
    return _compiled(function, _OPTIONS)


def rule(function: F) -> F:
    """As `njit`, without reference counts: for functions that make no array and call only such functions.

    Numba counts references to an array wherever a function or a view takes it up, by an atomic instruction each, in a
    cache line that all threads share. In the event loop that took as long as a third of the arithmetic.
    """
    return _compiled(function, _UNCOUNTED)


def rare(function: F) -> F:
    """As `rule`, for what seldom happens: its code stays out of the loop that calls it, which is shorter and faster."""
    return _compiled(function, _UNCOUNTED, apart=True)


def machine_code(kernel: F) -> F:
    """The code of a `kernel` that was just called, for more calls with arguments of the same types alone.

    Numba finds it anew at each call by the types of all arrays in all named tuples, which for the engine's kernels
    takes five times as long as to take them apart. The kernel itself where it was compiled for other types too.
    """
    # Not the ordered dictionary's own: numba's types take long to compute the hashes that it asks for.
    made = list(dict.values(getattr(kernel, "overloads", {})))
    return cast(F, made[0].entry_point) if len(made) == 1 else kernel


def inlined(function: F) -> F:
    """As `rule`, for a small function that every event passes: its code is put where it is called."""
    return _compiled(function, {**_UNCOUNTED, "forceinline": True})
