"""Kernels over many customers on several cores, and other libraries on one.

Kernels release the GIL, so plain threads do. Rows are cut into the same pieces whatever the number of cores, and
results are put together in the order of the pieces, so that a result has the same bits everywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import interruptible
from churnsim.typing import Floats

P = TypeVar("P")
R = TypeVar("R")

# Below this many rows a thread costs more than it saves (measured here: some 10 us a piece, 20 ns a row and up).
FEWEST = 16_384
PIECES = 8


class Chunks:
    """Arrays of one length, cut into pieces once, for kernels that are called on them many times."""

    def __init__(self, *arrays: NDArray[Any]) -> None:
        size = len(arrays[0])
        pieces = PIECES if size >= FEWEST else 1
        cuts = [size * k // pieces for k in range(pieces + 1)]
        self.pieces = [tuple(array[a:b] for array in arrays) for a, b in pairwise(cuts)]

    def sum(self, kernel: Callable[..., Floats], first: Sequence[float], last: Sequence[Any] = ()) -> Floats:
        """Sum over the pieces of kernel(*first, *arrays, *last); for searches, which are `interruptible` as a whole."""
        begun, *others = self._each(kernel, first, last)
        return sum(others, begun)

    def join(self, kernel: Callable[..., Floats], first: Sequence[float] = (), last: Sequence[Any] = ()) -> Floats:
        """kernel(*first, *arrays, *last), one value a row, put together."""
        results = self.each(kernel, first, last)
        return results[0] if len(results) == 1 else np.concatenate(results)

    @interruptible()
    def each(self, kernel: Callable[..., R], first: Sequence[float] = (), last: Sequence[Any] = ()) -> list[R]:
        """kernel(*first, *arrays, *last) of each piece, in their order."""
        return self._each(kernel, first, last)

    def _each(self, kernel: Callable[..., R], first: Sequence[float], last: Sequence[Any]) -> list[R]:
        return on_threads(lambda piece: kernel(*first, *piece, *last), self.pieces)


def on_threads(function: Callable[[P], R], pieces: Sequence[P]) -> list[R]:
    """The function of each piece, in their order, on several cores."""
    if len(pieces) == 1:
        return [function(pieces[0])]
    return list(_threads(os.getpid()).map(function, pieces))


def one_thread() -> AbstractContextManager[Any]:
    """Keep the threads of OpenMP and BLAS to one: on a busy machine they wait for each other in a spin (measured here:
    a fit of two seconds took a minute)."""
    limited: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """The libraries that have threads, looked for anew where a module was imported since: that takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def by_chunks(kernel: Callable[..., Floats], arrays: Sequence[NDArray[Any]], *last: Any) -> Floats:
    """kernel(*arrays, *last), one value a row, on several cores where there are many rows."""
    return Chunks(*arrays).join(kernel, last=last)


@lru_cache(maxsize=1)
def _threads(process: int) -> ThreadPoolExecutor:
    """The threads of this process (a forked child makes its own)."""
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="churnsim")
