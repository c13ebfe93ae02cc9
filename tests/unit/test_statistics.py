"""Truth: mechanics of what several rooms need of statistics, against brute force over every order."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from churnsim.models.churn.scores import churn_scores
from churnsim.models.churn.uplift import qini_curve
from churnsim.statistics import (
    chi2_quantile,
    chi2_tail,
    f_quantile,
    f_tail,
    mean_over_ties,
    poisson_logpmf,
    student_quantile,
    student_tail,
)  # fmt: skip


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


@pytest.mark.parametrize("df", [1, 2, 7, 29, 399])
def test_tails_and_quantiles_are_those_of_scipy_stats_to_the_bit(df):
    x, p = np.array([-1.0, 0.0, 0.3, 1.96, 40.0]), np.array([0.001, 0.025, 0.5, 0.975])
    pairs = [
        (student_quantile(p, df), stats.t.ppf(p, df)),
        (student_tail(x, df), stats.t.sf(x, df)),
        (chi2_tail(x, df), stats.chi2.sf(x, df)),
        (chi2_quantile(p, df), stats.chi2.ppf(p, df)),
        (f_tail(x, 2, df), stats.f.sf(x, 2, df)),
        (f_quantile(p, 2, df), stats.f.ppf(p, 2, df)),
        (poisson_logpmf(np.arange(df), 2.5), stats.poisson.logpmf(np.arange(df), 2.5)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)
