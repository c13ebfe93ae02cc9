"""Every published figure, altered by more than its tolerance, must stop reproducing."""

from __future__ import annotations

import dataclasses

import pytest

from churnsim.claims.published import Figure, load_figures
from churnsim.claims.reproduce import compute, judge
from churnsim.claims.workbench import Workbench

FIGURES = load_figures()


@pytest.fixture(scope="module")
def computed() -> dict[str, float]:
    bench = Workbench()
    return {figure.id: compute(figure, bench) for figure in FIGURES}


def least_alteration(figure: Figure) -> float:
    """A figure that must be rounded to is broken by anything above its tolerance. Where a tolerance alone decides, the
    computed value may itself sit at its edge, and only twice as much is sure to be outside."""
    return figure.tolerance * (1.01 if figure.digits is not None else 2.01)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_an_altered_figure_does_not_reproduce(figure, computed):
    assert judge(figure, computed[figure.id]).reproduced
    for step in (1.0, 1.5, 3.0, 100.0):
        for sign in (-1.0, 1.0):
            altered = dataclasses.replace(figure, published=figure.published + sign * step * least_alteration(figure))
            assert not judge(altered, computed[figure.id]).reproduced


def test_every_group_is_covered():
    assert len(FIGURES) >= 60
    assert len({figure.group for figure in FIGURES}) >= 10
