"""A kernel is compiled by one process of a run at a time: those that wait for it load what was stored meanwhile.

Workers, and the interpreters that they start, begin with the same kernels, and all of them take minutes to compile.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import IO, Any

from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

import churnsim

KERNELS = str(Path(churnsim.__file__).parent / "kernels")
compile_here, being_compiled = Dispatcher.compile, set()


def locked(file: IO[bytes]) -> bool:
    """Whether the file's lock was free and is ours now, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def compile_in_one_process(dispatcher: Dispatcher, signature: Any) -> Any:
    """Compile a kernel while no other process compiles one of its file.

    Locking the files follows their calls, in which there is no circle; should one come, a process waits five minutes
    and then compiles for itself.
    """
    path = dispatcher.py_func.__code__.co_filename
    with global_compiler_lock:
        if path in being_compiled or not path.startswith(KERNELS):
            return compile_here(dispatcher, signature)
        with Path(path).open("rb") as source:
            until = time.monotonic() + 300
            while not locked(source) and time.monotonic() < until:
                time.sleep(0.05)
            being_compiled.add(path)
            try:
                return compile_here(dispatcher, signature)
            finally:
                being_compiled.discard(path)


if sys.platform != "win32":
    import fcntl

    Dispatcher.compile = compile_in_one_process
