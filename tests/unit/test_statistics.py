"""Truth: mechanics of what several rooms need of statistics, against brute force over every order."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from churnsim.models.churn.scores import churn_scores
from churnsim.models.churn.uplift import qini_curve
from churnsim.statistics import mean_over_ties


def test_sums_over_ties_are_the_mean_over_every_order():
    score, values = np.array([2.0, 5.0, 2.0, 2.0, 1.0]), np.array([3.0, 1.0, 0.0, 9.0, 4.0])
    rank = {row: np.argsort(-score[list(row)], kind="stable") for row in permutations(range(5))}
    sums = np.mean([np.cumsum(values[list(row)][rank[row]]) for row in rank], axis=0)
    order = np.argsort(-score, kind="stable")
    np.testing.assert_allclose(np.cumsum(mean_over_ties(values, score)[order]), sums, rtol=1e-12)
    weighted = mean_over_ties(values, score, weights=np.array([1.0, 1.0, 2.0, 0.0, 0.0]))
    np.testing.assert_allclose(weighted, [1.0, 1.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_the_order_of_rows_says_nothing(levels):
    """Scores with ties: the same curve, tenths and lift forwards, backwards and shuffled; 0 for a constant score."""
    random = np.random.default_rng(2)
    score = random.integers(1, levels + 1, 60) / (levels + 1)
    left = random.random(60) < score
    treated = random.random(60) < 0.5
    found = []
    for order in (np.arange(60), np.arange(60)[::-1], np.argsort(left), random.permutation(60)):
        qini = qini_curve(score[order], treated[order], left[order].astype(float), resamples=20)
        scores = churn_scores(score[order], left[order])
        found.append((qini, scores))
        np.testing.assert_allclose(qini.coefficient, found[0][0].coefficient, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(qini.table["gain"], found[0][0].table["gain"], atol=1e-14)
        np.testing.assert_allclose(scores.lift, found[0][1].lift, rtol=1e-12)
        np.testing.assert_allclose(scores.calibration, found[0][1].calibration, rtol=1e-12, atol=1e-15)
        if levels == 1:
            np.testing.assert_allclose([qini.coefficient, qini.lower, qini.upper], 0.0, atol=1e-15)
            np.testing.assert_allclose(scores.lift["lift"], 1.0)
    assert found[0][1].lift["leavers"].sum() == pytest.approx(left.sum())
