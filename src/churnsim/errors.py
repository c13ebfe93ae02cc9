"""The errors churnsim raises. Each message says what is wrong, the value it got, and what to do."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

C = TypeVar("C", bound=Callable[..., Any])


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


class interruptible:  # noqa: N801
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

    # A class, since forecasts of a few customers call a kernel inside it: a generator takes five times as long.
    __slots__ = ("_before", "_dropped", "_hook")

    def __call__(self, call: C) -> C:
        """The call inside it."""

        @wraps(call)
        def inside(*args: Any, **options: Any) -> Any:
            with interruptible():
                return call(*args, **options)

        return inside  # type: ignore[return-value]

    def __enter__(self) -> None:
        self._dropped: list[BaseException] = []
        self._hook: Any = None
        # Signals are handled in the main thread alone; a hook of several threads would not be put back in order.
        if threading.get_ident() == threading.main_thread().ident:
            self._before, self._hook = sys.unraisablehook, self._keep
            sys.unraisablehook = self._hook

    def _keep(self, unraisable: Any) -> None:
        if unraisable.exc_value and "_object_cache_" in f"{unraisable.err_msg} {unraisable.object!r}":
            self._dropped.append(unraisable.exc_value)
        else:
            self._before(unraisable)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._hook is not None and sys.unraisablehook is self._hook:
            sys.unraisablehook = self._before
        self._hook = None  # which holds this
        if isinstance(error, Exception):
            lost = isinstance(error, SystemError) and isinstance(error.__cause__, KeyboardInterrupt)
            if lost or (type(error) is RuntimeError and "interrupted" in str(error).lower()):
                raise KeyboardInterrupt from None
        if self._dropped and (error is None or isinstance(error, Exception)):
            raise self._dropped[0]
