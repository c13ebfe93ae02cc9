"""The examples in docstrings run and print what they say."""

import doctest
import importlib

import pytest

MODULES = (
    "decisions.assumptions.assumption_regions",
    "decisions.assumptions.sensitivity",
    "decisions.comparison.compare",
    "decisions.comparison.selection",
    "decisions.runs.experiment",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name):
    found = doctest.testmod(importlib.import_module(f"churnsim.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
