"""How a command ends when something is wrong: one line, never a traceback, for what a user can mend."""

from __future__ import annotations

import errno
import functools
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import typer

from churnsim.errors import ChurnSimError, interruptible

EXIT_NO = 1
EXIT_UNUSABLE = 2
EXIT_ALARM = 3
EXIT_INTERRUPTED = 130

# What a full disk, a spent quota and a limit on files say.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

P = ParamSpec("P")
R = TypeVar("R")


def fail(message: str) -> typer.Exit:
    """Say what is wrong on standard error; raise what this returns."""
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(EXIT_UNUSABLE)


def _stop_when_terminated() -> Any:
    """Let SIGTERM, as a cancelled job sends it, end a command just as Ctrl-C does; returns the handler it replaces."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGTERM, stop)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """`command`, ending in one line and exit code 2 for an error a user can mend, and in 130 for Ctrl-C."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        earlier = _stop_when_terminated()
        try:
            with interruptible():
                return command(*args, **kwargs)
        except ChurnSimError as error:
            from churnsim.study.config.advice import in_options

            raise fail(in_options(str(error), inspect.signature(command).parameters)) from error
        except KeyboardInterrupt as interrupt:
            # A study says by itself how to continue; other commands have nothing to continue.
            typer.echo(f"stopped. {interrupt}".rstrip(), err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from interrupt
        except BrokenPipeError as error:
            # The reader of our output has gone (`| head`): nothing is wrong, but Python would complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error
        except OSError as error:
            if error.errno in NO_ROOM:
                place = f"{error.filename}: " if error.filename else "cannot write: "
                raise fail(f"{place}{error.strerror}. Make room, and give the same command again.") from error
            if error.filename is None:
                raise fail(f"cannot read or write: {error.strerror or error}.") from error
            raise fail(f"{error.filename}: {error.strerror}. Check the path and its permissions.") from error
        except MemoryError as error:
            raise fail(f"not enough memory ({error}). Use fewer customers, periods or replications.") from error
        finally:
            if earlier is not None:
                signal.signal(signal.SIGTERM, earlier)

    return wrapper
