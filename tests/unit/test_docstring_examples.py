"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import linecache
from pathlib import Path

import pytest

import churnsim as cs

SOURCE = Path(cs.__file__).parent
MODULES = sorted(
    ".".join(("churnsim", *path.relative_to(SOURCE).with_suffix("").parts))
    for path in SOURCE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name):
    linecache.clearcache()  # each docstring looks whether the files in it, of which there are thousands, have changed
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


def test_a_wrong_example_is_caught():
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert doctest.DocTestRunner(verbose=False).run(wrong, out=lambda _: None).failed == 1
