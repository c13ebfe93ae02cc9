"""Compiled kernels on disk that are used only with the sources they were compiled from.

Numba keeps a compiled function as long as the function's own file is unchanged, also when a kernel that it calls has
changed: after an upgrade it would go on with old code. Here the version of a stored index also holds a digest of the
function's source file and of all kernel sources that it imports, directly or not, so that code made from other sources
is neither read nor found and is overwritten, while a change elsewhere leaves it as it is. This holds wherever numba
stores its code: beside the sources, in the user's cache, or in `NUMBA_CACHE_DIR`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FunctionCache: Any
IndexDataCacheFile: Any
NullCache: Any
try:  # private names of numba
    from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
except ImportError:
    FunctionCache = None


_told: list[Callable[[], None]] = []  # who is told of the next compilation


@contextmanager
def telling_of_compilation(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` once if a kernel of this package has to be compiled inside the block: it takes up to seconds."""
    _told.append(tell)
    try:
        yield
    finally:
        if tell in _told:
            _told.remove(tell)


_IMPORTS = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)


@functools.cache
def _imported(path: Path, folder: Path) -> frozenset[Path]:
    """The files below `folder` that the one at `path` imports; all of them where it imports by relative names."""
    found = set()
    for package, names, modules in _IMPORTS.findall(path.read_text(encoding="utf-8")):
        if package.startswith("."):
            return frozenset(folder.rglob("*.py"))
        members = [f"{package}.{name}" for name in re.findall(r"\w+", names)]
        for module in (package, *members) if package else re.findall(r"[\w.]+", modules):
            parts = module.split(".")
            if folder.name in parts:
                place = folder.joinpath(*parts[parts.index(folder.name) + 1 :])
                found |= {place.with_suffix(".py"), place / "__init__.py"}
    return frozenset(file for file in found if file.is_file())


@functools.cache
def digest_of(path: Path, folder: Path) -> str:
    """SHA-256 of the names and contents of the file at `path` and of all below `folder` that it imports in turn."""
    reached, waiting = set(), {path}
    while waiting:
        reached |= waiting
        waiting = {file for now in waiting for file in _imported(now, folder)} - reached
    digest = hashlib.sha256()
    for file in sorted(reached):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode())
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
        file._version = f"{file._version} {digest_of(Path(self._function.__code__.co_filename), self._folder)}"
        cache._cache_file = file
        return cache

    def load_overload(self, signature: Any, target: Any) -> Any:
        stored = self._opened.load_overload(signature, target)
        if stored is None:
            while _told:
                _told.pop()()
        return stored

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)


def cached(dispatcher: Any, folder: Path, *, variant: str = "") -> Any:
    """Let a function of `numba.njit` keep its compiled code on disk while the sources below `folder` that it
    needs stay the same.

    Entries of different `variant` lie side by side. Where numba lacks the private names used here, the function is
    compiled anew in each process: slower, never stale. Returns the dispatcher.
    """
    if FunctionCache is not None and hasattr(dispatcher, "_cache"):
        dispatcher._cache = _KernelCache(dispatcher.py_func, folder, variant)
    return dispatcher
