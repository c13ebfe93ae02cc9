"""The errors churnsim raises. Each message says what is wrong, the value it got, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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
    then says "SystemError: CPUDispatcher(...) returned a result with an exception set". DuckDB raises an error without
    a type of its own.

    Examples
    --------
    >>> with interruptible():
    ...     total = sum(range(10))
    """
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    except RuntimeError as error:
        if type(error) is RuntimeError and "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise
