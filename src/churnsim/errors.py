"""The errors churnsim raises. Each message says what is wrong, the value it got, and what to do."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class ChurnSimError(Exception):
    """Base of every error that churnsim raises on purpose.

    Examples
    --------
    >>> import churnsim as cs
    >>> try:
    ...     cs.BGNBD(r=-1.0, alpha=4.4, a=0.8, b=2.4)
    ... except cs.errors.ChurnSimError as error:
    ...     print(type(error).__name__)
    ConfigError
    """


class DataError(ChurnSimError, ValueError):
    """Outside data cannot be used as it is: names file, row, value and remedy."""


class ConfigError(ChurnSimError, ValueError):
    """A configuration, market, strategy or scenario is impossible: names the key and the remedy."""


class EpochWarning(UserWarning):
    """The epochs of a scenario are long beside a rate in its market: says by how much results are off."""


class UnitWarning(UserWarning):
    """A summary does not say what its durations are in, and they may be days: says what they are taken as."""


class FitError(ChurnSimError, RuntimeError):
    """A model cannot be estimated or used: names the cause and what to try."""


class ClusterError(ChurnSimError, RuntimeError):
    """A cluster has no workers, other code, or ended while it worked: names it and what to do."""


class MissingExtraError(ChurnSimError, ImportError):
    """An optional part is not installed: names the extra to install."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C during a compiled call or a query arrive as KeyboardInterrupt, as elsewhere; also a decorator.

    Python sets the exception while the call converts its arguments or results, where numba does not look for one, and
    then says "SystemError: CPUDispatcher(...) returned a result with an exception set". While a kernel is compiled,
    it raises it in the callback with which LLVM hands over the code, prints and drops it; numba then has "no compiled
    object yet". DuckDB raises an error without a type of its own.

    Examples
    --------
    >>> with interruptible():
    ...     total = sum(range(10))
    """
    dropped: list[BaseException] = []
    before = sys.unraisablehook

    def keep(unraisable: Any) -> None:
        if unraisable.exc_value and "_object_cache_" in f"{unraisable.err_msg} {unraisable.object!r}":
            dropped.append(unraisable.exc_value)
        else:
            before(unraisable)

    # Signals are handled in the main thread alone; a hook of several threads would not be put back in order.
    if threading.current_thread() is threading.main_thread():
        sys.unraisablehook = keep
    try:
        yield
    except Exception as error:
        lost = isinstance(error, SystemError) and isinstance(error.__cause__, KeyboardInterrupt)
        if lost or (type(error) is RuntimeError and "interrupted" in str(error).lower()):
            raise KeyboardInterrupt from None
        if not dropped:
            raise
    finally:
        if sys.unraisablehook is keep:
            sys.unraisablehook = before
    if dropped:
        raise dropped[0]
