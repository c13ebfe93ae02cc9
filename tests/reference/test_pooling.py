"""Truth: a published meta-analysis, the restricted likelihood itself, and coverage on simulated studies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from churnsim.errors import ConfigError, DataError
from churnsim.evidence import pool

# Thirteen trials of the BCG vaccine: cases and others among the vaccinated and among the controls (Viechtbauer 2010,
# "Conducting meta-analyses in R with the metafor package", Journal of Statistical Software 36(3), table 1 and p. 12).
BCG = np.array(
    [
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
        (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
        (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
    ],
    dtype=float,
)  # fmt: skip


def log_risk_ratios() -> tuple[np.ndarray, np.ndarray]:
    a, b, c, d = BCG.T
    return np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_the_published_meta_analysis_of_a_vaccine():
    """metafor prints tau^2 .3132, I^2 92.22%, mean -.7145 with z standard error .1798, Q(12) = 152.2330."""
    y, s = log_risk_ratios()
    found = pool(y, s)
    assert found.tau**2 == pytest.approx(0.3132, abs=5e-5)
    assert found.estimate == pytest.approx(-0.7145, abs=5e-5)
    assert found.i_squared == pytest.approx(0.9222, abs=5e-5)
    w = 1 / (s**2 + found.tau**2)
    assert 1 / math.sqrt(w.sum()) == pytest.approx(0.1798, abs=5e-5)
    assert found.standard_error > 0.1798  # Hartung and Knapp's is the wider one here: q is above 1
    assert found.heterogeneity_p < 1e-4


def restricted(tau2: float, y: np.ndarray, s: np.ndarray) -> float:
    """Minus the restricted log-likelihood, from the marginal law, written down anew."""
    w = 1 / (s**2 + tau2)
    mean = (w * y).sum() / w.sum()
    return 0.5 * (-np.log(w).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum())


@pytest.mark.parametrize("seed", range(8))
def test_tau_is_at_the_maximum_of_the_restricted_likelihood(seed):
    """Over a grid, with errors of unequal size too, of which one study far out gives a second, lower maximum."""
    random = np.random.default_rng(seed)
    s = np.exp(random.normal(-1.5, 1.2, size=3 + seed)) if seed % 2 else random.uniform(0.05, 0.5, size=3 + seed)
    y = random.normal(0.2, np.hypot(s, 0.1 * seed))
    best = min(restricted(tau2, y, s) for tau2 in (0.0, *np.geomspace(1e-6, 100.0, 400)))
    assert restricted(pool(y, s).tau ** 2, y, s) <= best + 1e-9


def test_a_climb_from_one_start_would_stop_elsewhere():
    """Two exact studies that disagree among six vague ones: Fisher scoring goes back and forth and ends at 0, 8 below
    the maximum. One far out and vague among exact ones: it stops at tau = .73, 2 below the maximum."""
    s, y = np.array([0.04, 0.05] + [0.3] * 6), np.array([0.1, 0.4] + [0.2] * 6)
    assert restricted(pool(y, s).tau ** 2, y, s) < restricted(0.0, y, s) - 7
    s = np.array([0.67, 0.04, 0.39, 0.09, 0.13, 0.99, 0.16, 0.74, 0.12, 0.33, 0.08])
    y = np.array([3.96, 0.14, 0.0, 0.21, 0.22, 0.88, 0.09, 0.18, 0.14, 0.51, 0.23])
    assert pool(y, s).tau == 0
    assert restricted(0.0, y, s) < restricted(0.727**2, y, s) - 1.5


def test_the_answer_does_not_feel_the_unit():
    y, s = np.array([0.10, 0.18, 0.05, 0.16]), np.array([0.03, 0.04, 0.03, 0.06])
    whole, small = pool(y, s), pool(1e-8 * y, 1e-8 * s)
    for name in ("estimate", "tau", "upper", "prediction_lower"):
        assert 1e8 * getattr(small, name) == pytest.approx(getattr(whole, name), rel=1e-6)


@pytest.mark.parametrize(("tau", "times"), [(0.2, 600), (0.5, 250)])
def test_intervals_cover_on_simulated_studies(tau, times):
    """Of meta-analyses of 6 studies each, 95% hold the mean and 95% the number of a new setting, to three binomial
    errors. Control: at tau = .2 the customary interval of a new setting is found to hold fewer."""
    random = np.random.default_rng(7)
    inside, error = np.zeros(3), math.sqrt(0.95 * 0.05 / times)
    for _ in range(times):
        s = random.uniform(0.05, 0.25, size=6)
        found = pool(random.normal(random.normal(0.3, tau, size=6), s), s)
        new = random.normal(0.3, tau)
        customary = student.ppf(0.975, 4) * math.sqrt(found.tau**2 + 1 / (1 / (s**2 + found.tau**2)).sum())
        inside += (
            found.lower <= 0.3 <= found.upper,
            found.prediction_lower <= new <= found.prediction_upper,
            abs(new - found.estimate) <= customary,
        )
    off = (inside / times - 0.95) / error
    assert (np.abs(off[:2]) < 3).all(), inside / times
    assert tau == 0.5 or off[2] < -3, inside / times


def test_one_study_stands_for_itself_and_two_predict_nothing():
    one = pool([0.3], [0.1])
    assert (one.estimate, one.standard_error) == (0.3, 0.1)
    assert math.isnan(one.prediction_lower)
    assert "unknown" in str(one)
    two = pool([0.3, 0.4], [0.1, 0.1])
    assert math.isnan(two.prediction_upper)
    assert two.standard_error >= 0.1 / math.sqrt(2) - 1e-12  # never narrower than one common number would give
    assert "two studies" in str(two)


@pytest.mark.parametrize(("y", "s", "said"), [
    ([], [], "one standard error for each"),
    ([0.1, 0.2], [0.1], "one standard error for each"),
    ([0.1, math.nan], [0.1, 0.1], "study 2 has the estimate nan"),
    ([0.1, 0.2], [0.0, 0.1], "study 1 has the standard error 0.0; it must be finite and above 0"),
])  # fmt: skip
def test_what_cannot_be_pooled_is_refused(y, s, said):
    with pytest.raises(DataError, match=said):
        pool(y, s)


def test_an_impossible_level_is_refused():
    with pytest.raises(ConfigError, match="level must be between 0 and 1; got 95"):
        pool([0.1], [0.1], level=95)
