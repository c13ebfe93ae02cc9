"""Compiled code on disk is of the sources beside it, or is forgotten.

Numba keeps a compiled function as long as its own file is unchanged, also when a kernel that it calls has changed or
moved. After an upgrade it would go on with old rules, or stumble over what it stored. So what was compiled of other
sources is deleted before anything is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["forget_stale"]

_STAMP = "sources.txt"


def forget_stale(folder: Path) -> None:
    """Delete what numba stored below `folder` unless it is of the sources there now: their names,
    sizes and times of change.

    Processes may do so at once: who finds its compiled code gone compiles it again. Where the folder cannot be written
    to, numba stores nothing in it and nothing is done.
    """
    known = sorted((path.relative_to(folder).as_posix(), path.stat()) for path in folder.rglob("*.py"))
    sources = "".join(f"{name} {seen.st_size} {seen.st_mtime_ns}\n" for name, seen in known)
    cache = folder / "__pycache__"
    stamp = cache / _STAMP
    try:
        if stamp.read_text(encoding="utf-8") == sources:
            return
    except (OSError, UnicodeDecodeError):
        pass  # none yet, or a broken one
    try:
        for path in (*folder.rglob("*.nbi"), *folder.rglob("*.nbc")):
            path.unlink(missing_ok=True)
        cache.mkdir(exist_ok=True)
        new = cache / f"{_STAMP}.{os.getpid()}"
        new.write_text(sources, encoding="utf-8")
        new.replace(stamp)
    except OSError:
        return
