"""Other beliefs from the same replications: against closed forms, and the page's script against Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from churnsim.decisions.comparison.paired import paired_difference
from churnsim.decisions.information.moved_beliefs import GRID, LEAST_EFFECTIVE, MovedBeliefs
from churnsim.errors import ConfigError
from churnsim.evidence import Belief

SLOPE, CONSTANT, LUCK = 100.0, 30.0, 20.0


@pytest.fixture(scope="module")
def moved() -> MovedBeliefs:
    """A gain of 30 + 100 z_0 with luck, one that no number moves, and a second number of no influence."""
    rng = np.random.default_rng(7)
    scores = rng.standard_normal((3000, 2))
    luck = LUCK * rng.standard_normal((3000, 2))
    gains = np.column_stack([CONSTANT + SLOPE * scores[:, 0], np.full(3000, -500.0)]) + luck
    return MovedBeliefs(np.round(scores, 3), np.round(gains, 2))


@pytest.mark.parametrize(("shift", "spread"), [(0.6, 1.0), (-0.4, 0.5), (1.6, 0.5), (0.9, 0.0)])
def test_a_linear_gain_has_its_normal_law_under_other_beliefs(moved: MovedBeliefs, shift: float, spread: float) -> None:
    found = moved.at({0: (shift, spread)})
    law = norm(CONSTANT + SLOPE * shift, np.hypot(SLOPE * spread, LUCK))
    error = 5 * law.std() / np.sqrt(max(found.effective, 500))
    (gain, loser) = found.options
    assert gain.mean == pytest.approx(law.mean(), abs=error)
    assert (gain.lower, gain.upper) == pytest.approx(law.interval(0.95), abs=2.5 * error)
    assert gain.chance == pytest.approx(law.sf(0), abs=0.08)
    assert found.nothing + gain.chance + loser.chance == pytest.approx(1)
    assert loser.chance == 0
    if spread:
        # n times the ratio of the squared mean of the weights to the mean of their squares, in closed form.
        square = spread**2
        ratio = np.sqrt(square * (2 - square)) * np.exp(-(shift**2) / (2 - square))
        assert found.effective == pytest.approx(3000 * ratio, rel=0.35)
    assert found.weighted == (found.effective >= LEAST_EFFECTIVE)


def test_the_stated_beliefs_weigh_nothing_anew(moved: MovedBeliefs) -> None:
    found = moved.at({})
    assert found.effective == pytest.approx(3000)
    assert found.options[0].mean == pytest.approx(moved.gains[:, 0].mean())
    assert found.options[0].chance == pytest.approx((moved.gains[:, 0] > 0).mean())
    # The report has the same interval of one future in its first table.
    of_one = paired_difference(moved.gains[:, 0], np.zeros(3000))
    assert (found.options[0].lower, found.options[0].upper) == pytest.approx((of_one.future_lower, of_one.future_upper))


def test_a_break_even_is_where_the_mean_gain_vanishes(moved: MovedBeliefs) -> None:
    assert moved.break_even(0, 0, {}) == pytest.approx(-CONSTANT / SLOPE, abs=0.03)
    assert moved.break_even(1, 0, {}) is None
    assert moved.break_even(0, 1, {}) is None


@pytest.mark.parametrize(
    "belief",
    [(0.3, 0.05, 0.6, "beta"), (0.5, 0.1, 2.0, "log-normal"), (-1.0, -4.0, 1.0, "normal")],
)
def test_scores_are_what_quantiles_are_made_of(belief: tuple[float, float, float, str]) -> None:
    value, low, high, law = belief
    believed = Belief(value=value, low=low, high=high, law=law, status="assumed", source="a guess")  # type: ignore[arg-type]
    assert believed.score([low, value, high]) == pytest.approx([-norm.ppf(0.95), 0.0, norm.ppf(0.95)], abs=1e-9)
    at = np.linspace(-3, 3, 13)
    assert believed.score(believed.quantile(norm.cdf(at))) == pytest.approx(at, abs=1e-8)


def test_no_law_no_score() -> None:
    exact = Belief(value=1.0, low=1.0, high=1.0, status="assumed", source="a guess")
    with pytest.raises(ConfigError, match="known exactly"):
        exact.score([1.0])


@pytest.mark.parametrize(
    ("scores", "gains", "said"),
    [([[1.0]], [[1.0], [2.0]], "same replications"), ([[np.nan]], [[1.0]], "finite"), ([1.0], [[1.0]], "shapes")],
)
def test_what_is_no_table_of_replications_is_refused(scores: object, gains: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MovedBeliefs(np.array(scores), np.array(gains))


MOVES: list[dict[int, tuple[float, float]]] = [
    {},
    {0: (0.5, 1.0), 1: (-0.3, 0.5)},
    {0: (1.6, 0.5), 1: (1.6, 0.5)},
    {1: (0.9, 0.0)},
]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed: the script cannot be run here")
def test_the_page_calculates_what_python_does(tmp_path: Path) -> None:
    """Reweighted, by the regression, and at what is known exactly: the script of the page, run by Node.js."""
    rng = np.random.default_rng(3)
    scores = rng.standard_normal((400, 2))
    curved = 20 * scores[:, 0] - 15 * scores[:, 1] + 12 * scores[:, 0] * scores[:, 1] + 8 * scores[:, 0] ** 2
    gains = np.column_stack([curved, 30 * scores[:, 1] - 10]) + 5 * rng.standard_normal((400, 2))
    moved = MovedBeliefs(np.round(scores, 3), np.round(gains, 2))
    assert any(len(polynomials) == 2 for terms in moved.terms for _, polynomials in terms)
    draws = {
        "scores": moved.scores.tolist(), "gains": moved.gains.T.tolist(), "terms": moved.terms, "grid": GRID.tolist(),
        "least": LEAST_EFFECTIVE,
    }  # fmt: skip
    script = tmp_path / "report.js"
    script.write_text(files("churnsim.report").joinpath("templates/report.js").read_text(encoding="utf-8"))
    (tmp_path / "ask.json").write_text(json.dumps({"draws": draws, "moves": MOVES}))
    ask = (
        "const {at, breakEven} = require('./report.js'); const {draws, moves} = require('./ask.json');"
        "console.log(JSON.stringify(moves.map((m) => [at(draws, m), breakEven(draws, 0, 0, m), "
        "breakEven(draws, 1, 1, m)])))"
    )
    told = subprocess.run(["node", "-e", ask], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    ways = set()
    for moves, (page, *evens) in zip(MOVES, json.loads(told.stdout), strict=True):
        found = moved.at(moves)
        ways.add(found.weighted)
        assert page["weighted"] == found.weighted
        assert page["effective"] == pytest.approx(found.effective, rel=1e-9)
        assert page["nothing"] == pytest.approx(found.nothing, abs=1e-9)
        for one, other in zip(page["options"], found.options, strict=True):
            assert one == pytest.approx(vars(other), rel=1e-9, abs=1e-9)
        assert evens == pytest.approx([moved.break_even(0, 0, moves), moved.break_even(1, 1, moves)], abs=1e-9)
    assert ways == {True, False}
