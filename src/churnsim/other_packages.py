"""What lifetimes, pymc-marketing, lifelines and CLVTools call otherwise: their names and arguments beside ours.

They stand in other_packages.toml, which is read when an error first needs it; docs/coming-from.md has the calls side by
side.
"""

from __future__ import annotations

import sys
from functools import cache

import lazy_loader

TYPE_CHECKING = False  # as of `typing`, whose import takes a third of what importing churnsim takes
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


@cache
def told() -> dict[str, dict[str, Any]]:
    """What stands here for `names`, `modules` and `arguments` of others, and `instead` of what has no counterpart."""
    import tomllib  # only for errors
    from pathlib import Path

    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a name is most like, whatever the case of its letters."""
    from difflib import get_close_matches  # only for errors

    lower = {each.lower(): each for each in known if not each.startswith("_")}
    if (like := f"{name.removesuffix('_new')}_like") in lower:  # the verb of customers who are not all alike
        return like
    found = get_close_matches(name.lower(), list(lower), 1, cutoff=0.75)
    return lower[found[0]] if found else None


def said_here(name: str, known: Iterable[str] = ()) -> str:
    """What to say in place of a name, as a sentence after an error; empty where nothing is like it."""
    if name in told()["names"]:
        return f" Here it is {told()['names'][name]}; the page 'Coming from' of the documentation has more."
    near = nearest(name, known)
    return f" Is {near!r} meant?" if near else ""


class NoSuchNameError(AttributeError):
    """A name that a model does not have; what is meant is looked up when the error is shown, as few are."""

    def __str__(self) -> str:
        kind: Any = self.obj if isinstance(self.obj, type) else type(self.obj)
        name = self.name or ""
        instead = getattr(kind, "instead", {}).get(name)
        return f"{self.args[0]} {instead}" if instead else f"{self.args[0]}{said_here(name, dir(kind))}"


def argument_here(name: str, known: Iterable[str]) -> str:
    """The argument of ours that is meant by another's, as a sentence; empty where nothing is like it."""
    ours, name = [*known], name.replace(".", "_")  # R's have dots
    found = next((each for each in told()["arguments"].get(name, ()) if each in ours), None)
    if found:
        return f" {name}= is {found}= here."
    if name in told()["instead"]:
        return f" {told()['instead'][name].replace('{}', name)}"
    near = nearest(name, ours)
    return f" Is {near!r} meant?" if near else ""


def no_such_name(module: str, name: str, public: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have, which says what is meant.

    It is an ImportError for a name of another package, since `from churnsim import ...` shows the words of no other.
    """
    kind: Any = ImportError if name in told()["names"] else AttributeError
    error: AttributeError = kind(f"{module} has no {name!r}.{said_here(name, public)}", name=name)
    return error


class _Modules:
    """The last finder of modules, which finds none: it says where what another package has in one is here."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        package, _, module = name.partition(".")
        if package == "churnsim" and (ours := told()["modules"].get(module)):
            raise ModuleNotFoundError(
                f"No module named {name!r}. Its names are in {ours} here; the page 'Coming from' of the "
                "documentation has each beside ours.",
                name=name,
            )


sys.meta_path.append(_Modules)


def attach_stub(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """lazy_loader's `attach_stub`, whose error for an unknown name says what is meant."""
    lazily, names, public = lazy_loader.attach_stub(package, file)

    def found(name: str) -> Any:
        try:
            return lazily(name)
        except AttributeError:
            if name in names():
                raise
            raise no_such_name(package, name, public) from None

    return found, names, public
