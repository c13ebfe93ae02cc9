"""Truth: mechanics of regions: states, boxes, words, pictures, and what is refused."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import churnsim as cs
from churnsim.decisions.assumptions.region import Axis, Statement, largest_box
from churnsim.errors import ConfigError
from churnsim.report.charts.region import FRAME, draw_region, region_svg

RETENTION = Axis(name="base retention", low=0.5, high=1.0, cells=10)
DISCOUNT = Axis(name="discount rate", low=0.0, high=0.2, cells=4, unit="a year")
COST = Axis(name="acquisition cost", low=0.0, high=60.0, cells=3)
GAIN = Statement(quantity="the gain", above=0.25, below=0.85)


@pytest.mark.parametrize(
    ("lower", "upper", "state"),
    [
        (0.3, 0.8, "holds"), (0.2, 0.3, "undecided"), (0.8, 0.9, "undecided"), (0.1, 0.25, "fails"),
        (0.85, 2.0, "fails"), (0.0, 1.0, "undecided"), (np.nan, np.nan, "undecided"),
    ],
)  # fmt: skip
def test_an_interval_decides_or_leaves_open(lower, upper, state):
    assert GAIN.state(lower, upper) == state


def test_a_region_in_words_and_numbers():
    """Holds where retention exceeds .7 at a discount rate below .1, whatever the cost."""
    region = cs.decisions.map_region(
        lambda r, d, c: 0.5 if r > 0.7 and d < 0.1 else 0.1,
        GAIN,
        [RETENTION, DISCOUNT, COST],
        here={"base retention": 0.86, "discount rate": 0.15, "acquisition cost": 10.0},
    )
    assert region.counts == {"holds": 6 * 2 * 3, "fails": 120 - 36, "undecided": 0, "impossible": 0}
    told = str(region)
    assert "“the gain is between 0.25 and 0.85”: holds in 36 of 120 cells" in told
    assert (
        "holds throughout for base retention above 0.7, discount rate below 0.1 a year and any acquisition cost "
        "between 0 and 60." in told
    )
    assert "acquisition cost makes no difference between 0 and 60" in told
    assert "(base retention = 0.86, discount rate = 0.15, acquisition cost = 10) it is 0.1 [0.1, 0.1]: fails" in told
    assert "Resolution: 0.05 in base retention, 0.05 in discount rate, 20 in acquisition cost." in told


def test_a_border_is_told_line_by_line():
    region = cs.decisions.map_region(lambda r, d: r - d, Statement(quantity="r - d", above=0.61), [RETENTION, DISCOUNT])
    told = str(region)
    assert "By discount rate, it holds for base retention at 0.025 above 0.65, at 0.075 above 0.7" in told


@pytest.mark.parametrize(("value", "words"), [(1.0, "holds everywhere"), (0.0, "fails everywhere")])
def test_a_region_without_a_border(value, words):
    region = cs.decisions.map_region(lambda r, d: value, Statement(quantity="it", above=0.5), [RETENTION, DISCOUNT])
    assert f"{words} in the range (40 cells)" in str(region)
    assert "throughout" not in str(region)


def test_contradictions_are_a_state_of_their_own():
    def gain(r: float, d: float) -> float:
        if r > 0.9:
            raise ConfigError("cannot be")
        return float("nan") if d > 0.1 else r

    region = cs.decisions.map_region(gain, Statement(quantity="it", above=0.6), [RETENTION, DISCOUNT])
    assert region.counts == {"holds": 12, "fails": 4, "undecided": 16, "impossible": 8}
    assert "8 more contradict themselves" in str(region)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=24, max_size=24), st.lists(st.booleans(), min_size=24, max_size=24))
def test_the_largest_box_is_the_largest(bits, wanted):
    """Against trying every box, in three dimensions."""
    cells, counting = np.array(bits).reshape(2, 3, 4), np.array(wanted).reshape(2, 3, 4)
    stretches = [[slice(a, b) for a in range(n) for b in range(a + 1, n + 1)] for n in cells.shape]
    full = [box for box in product(*stretches) if cells[box].all()]
    found, gaining = largest_box(cells), largest_box(cells, counting)
    if not full:
        assert found is None
        return
    assert cells[found].all()
    assert cells[found].size == max(cells[box].size for box in full)
    assert counting[gaining].sum() == max(counting[box].sum() for box in full)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Axis(name="a", low=1.0, high=1.0, cells=3), "from a lower to a higher"),
        (lambda: Axis(name="a", low=0.0, high=1.0, cells=1), "at least 2 cells"),
        (lambda: Statement(quantity="q"), "needs above, below or both"),
        (lambda: Statement(quantity="q", above=2.0, below=1.0), "nothing lies above"),
        (lambda: cs.decisions.map_region(lambda r: r, GAIN, [RETENTION]), "two or three assumptions"),
        (lambda: cs.decisions.Quantity(of="a", relative=True), "needs against"),
        (lambda: cs.decisions.Quantity(of="a", against="a"), "with itself"),
        (lambda: cs.decisions.Quantity(of="a", metric="joy"), "no metric"),
    ],
)
def test_the_impossible_is_refused_in_words(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_a_region_can_be_drawn():
    pytest.importorskip("vl_convert", reason="needs the extra [report]")
    flat = cs.decisions.map_region(
        lambda r, d: r - d, Statement(quantity="r <i>less</i> d", above=0.6), [RETENTION, DISCOUNT]
    )
    svg = draw_region(flat)
    assert "&lt;i&gt;less" in svg
    assert "<i>" not in svg
    # No line of words is wider than the drawing: the longest that is written by itself is of 64 letters.
    framed = region_svg(flat, {"retention": (0.6, 0.8)})
    assert max(map(len, re.findall(r">([^<]+)<", framed))) <= 64
    assert FRAME.split()[-1] in framed
    deep = draw_region(cs.decisions.map_region(lambda r, d, c: r - d, flat.statement, [RETENTION, DISCOUNT, COST]))
    for title in ("acquisition cost = 10", "acquisition cost = 30", "acquisition cost = 50"):
        assert title in deep
