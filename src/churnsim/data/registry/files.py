"""Where the file of a data set is: in an installed package, in the folder CHURNSIM_DATA, in the cache, or fetched.

What is downloaded is fetched once, by `pooch` (extra "datasets"), checked against its SHA-256 and kept in the user's
cache. The folder that the environment variable CHURNSIM_DATA names is looked at first, so that nothing need be fetched.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from churnsim.errors import DataError
from churnsim.optional import missing_extra, optional_modules

EXTRA = "datasets"
VARIABLE = "CHURNSIM_DATA"


def installed_file(package: str, inside: str) -> Path | None:
    """A file inside an installed package, which is not imported; None where either is not there."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / inside
        if file.is_file():
            return file
    return None


def package_file(package: str, inside: str, *, of: str, extra: str = EXTRA) -> Path:
    """The file behind the data set `of` inside an installed package.

    Raises MissingExtraError where the package of the extra is not installed, DataError where the file is not there.
    """
    file = installed_file(package, inside)
    if file is not None:
        return file
    if importlib.util.find_spec(package) is None:
        raise missing_extra([package], extra=extra, purpose=f"the data set {of}")
    raise DataError(
        f"the data file {Path(inside).name} is missing: it should be in the package {package}. "
        f"Run: pip install --force-reinstall {package}"
    )


def file_at_hand(names: Sequence[str]) -> Path | None:
    """The first of the names that is in the folder CHURNSIM_DATA or else in the cache; None where there is none. A name
    that stands first, the form that is read fastest, goes before another one in either."""
    folders = [Path(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else []
    files = (folder / name for name in names for folder in [*folders, cache_folder()])
    return next((file for file in files if file.is_file()), None)


def fetched_file(of: str, *, names: Sequence[str], address: str, sha256: str | None, member: str | None) -> Path:
    """The file behind the data set `of`: one that is at hand under one of the `names`, or else downloaded from
    `address`, checked, and kept under the first of them; `member`, the part of an archive that is wanted, under its own
    name.

    Raises MissingExtraError without pooch, and DataError where the file cannot be fetched or is not the published one;
    it says where to put a copy.
    """
    found = file_at_hand(names)
    if found is not None:
        return found
    by_hand = (
        f"Or save it yourself from {address}{f' (the file {member} in it)' if member else ''} to a folder, as "
        f"{' or '.join(names)}, and name that folder in the environment variable {VARIABLE}."
    )
    try:
        (pooch,) = optional_modules("pooch", extra=EXTRA, purpose=f"downloading the data set {of}")
    except ImportError as error:
        raise type(error)(f"{error} {by_hand}") from None
    pooch.get_logger().setLevel("WARNING")
    unpack = pooch.Unzip(members=[member], extract_dir=".") if member else None
    try:
        fetched = pooch.retrieve(
            url=address, known_hash=None if sha256 is None else f"sha256:{sha256}", path=cache_folder(),
            fname=f"{of}.zip" if member else names[0], processor=unpack,
        )  # fmt: skip
    # Whatever the network, the disk or an archive does; pooch says a wrong checksum as ValueError.
    except Exception as error:
        raise DataError(f"the data set {of} cannot be fetched from {address} ({_said(error)}). {by_hand}") from None
    if isinstance(fetched, list):
        (cache_folder() / f"{of}.zip").unlink(missing_ok=True)
        return Path(fetched[0])
    return Path(fetched)


def cache_folder() -> Path:
    """Where downloads are kept."""
    return Path.home() / ".cache" / "churnsim"


def _said(error: Exception) -> str:
    """The first line of an error's text, which may go on for pages."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
