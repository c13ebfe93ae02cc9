"""Compiled kernels on disk that are used only with the sources they were compiled from.

Numba keeps a compiled function as long as the function's own file is unchanged, also when a kernel that it calls has
changed: after an upgrade it would go on with old code. Here the version of a stored index also holds a digest of all
kernel sources, so that one made from other sources is neither read nor found and is overwritten. This holds wherever
numba stores its code: beside the sources, in the user's cache, or in `NUMBA_CACHE_DIR`.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

FunctionCache: Any
IndexDataCacheFile: Any
NullCache: Any
try:  # private names of numba
    from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
except ImportError:
    FunctionCache = None


@functools.cache
def digest_of(folder: Path) -> str:
    """SHA-256 of the names and contents of all Python files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


class _KernelCache:
    """Numba's cache of one function, opened at its first call: importing a kernel reads and writes no file."""

    def __init__(self, function: Any, folder: Path, variant: str) -> None:
        self._function, self._folder, self._variant = function, folder, variant

    @functools.cached_property
    def _opened(self) -> Any:
        try:
            cache = FunctionCache(self._function)
        except RuntimeError:  # no folder that numba could write to
            return NullCache()
        entry = cache._impl
        stamp = entry.locator.get_source_stamp()
        file = IndexDataCacheFile(cache.cache_path, entry.filename_base + self._variant, stamp)
        # Beside numba's version, which is compared before anything is unpickled: an index of other sources may hold
        # classes that are gone or renamed, and could not be read.
        file._version = f"{file._version} {digest_of(self._folder)}"
        cache._cache_file = file
        return cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)


def cached(dispatcher: Any, folder: Path, *, variant: str = "") -> Any:
    """Let a function of `numba.njit` keep its compiled code on disk while all sources below `folder` stay the same.

    Entries of different `variant` lie side by side. Where numba lacks the private names used here, the function is
    compiled anew in each process: slower, never stale. Returns the dispatcher.
    """
    if FunctionCache is not None and hasattr(dispatcher, "_cache"):
        dispatcher._cache = _KernelCache(dispatcher.py_func, folder, variant)
    return dispatcher
