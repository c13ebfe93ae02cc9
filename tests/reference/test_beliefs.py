"""Truth: the laws of beliefs are scipy's, through the three points that a belief states, and exact in closed form."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from churnsim.errors import ConfigError
from churnsim.evidence import Belief

ENDS = [0.05, 0.5, 0.95]


def belief(value, low, high, **own):
    return Belief(value=value, low=low, high=high, **{"status": "assumed", "source": "test", **own})


@pytest.mark.parametrize(
    ("law", "value", "low", "high"),
    [
        (stats.beta(2.0, 5.0), *stats.beta(2.0, 5.0).ppf([0.5, 0.05, 0.95])),
        (stats.beta(0.4, 9.0), *stats.beta(0.4, 9.0).ppf([0.5, 0.05, 0.95])),
        (stats.lognorm(0.8, scale=25.0), *stats.lognorm(0.8, scale=25.0).ppf([0.5, 0.05, 0.95])),
        (stats.norm(-1.0, 3.0), *stats.norm(-1.0, 3.0).ppf([0.5, 0.05, 0.95])),
    ],
    ids=["beta", "beta near 0", "log-normal", "normal"],
)
def test_a_law_is_found_again_from_its_three_points(law, value, low, high):
    u = np.array([1e-6, 0.01, 0.2, 0.49, 0.5, 0.7, 0.99, 1 - 1e-6])
    np.testing.assert_allclose(belief(value, low, high).quantile(u), law.ppf(u), rtol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 999), min_size=3, max_size=3, unique=True), st.sampled_from([0.5, 0.9, 0.99]))
def test_the_median_is_the_value_and_the_interval_central(points, level):
    low, value, high = (point / 1000 for point in sorted(points))
    tail = (1 - level) / 2
    for law in ("beta", "log-normal", "normal"):
        found = belief(value, low, high, level=level, law=law)
        got = found.quantile([tail, 0.5, 1 - tail])
        np.testing.assert_allclose(got, [low, value, high], rtol=1e-7)
        assert np.all(np.diff(found.quantile(np.linspace(0.001, 0.999, 200))) >= 0)


def test_each_side_of_a_lopsided_law_is_half_of_one_of_scipys():
    below, above = belief(0.3, 0.1, 0.35)._betas
    for (a, b), at in ((below, 0.1), (above, 0.35)):
        assert stats.beta(a, b).median() == pytest.approx(0.3, rel=1e-9)
        assert stats.beta(a, b).cdf(at) == pytest.approx(0.05 if at < 0.3 else 0.95, rel=1e-7)
    assert belief(1.0, 0.0, 4.0, law="normal").quantile(stats.norm.cdf([-1.0, 1.0])) == pytest.approx(
        [1 - 1 / stats.norm.ppf(0.95), 1 + 3 / stats.norm.ppf(0.95)]
    )


def test_the_law_is_that_of_the_narrowest_domain():
    assert [belief(*b).drawn_by for b in ((0.2, 0.1, 0.3), (1.5, 1.0, 2.0), (0.2, -1.0, 2.0))] == [
        "beta", "log-normal", "normal",
    ]  # fmt: skip


def test_draws_have_the_law():
    drawn = belief(0.25, 0.05, 0.6).sample(4000, np.random.default_rng(3))
    assert np.quantile(drawn, ENDS) == pytest.approx([0.05, 0.25, 0.6], abs=0.02)
    exact = belief(2.0, 2.0, 2.0)
    assert exact.certain
    assert exact.sample(3, np.random.default_rng(1)).tolist() == [2.0] * 3
    posterior = Belief.of_draws([5.0, 1.0, 3.0, 2.0, 4.0], level=0.5, status="meta-analysis", source="test")
    assert (posterior.low, posterior.value, posterior.high, posterior.quantile(0.5)) == (2.0, 3.0, 4.0, 3.0)
    assert set(posterior.sample(50, np.random.default_rng(1))) == {1.0, 2.0, 3.0, 4.0, 5.0}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: belief(0.5, 0.6, 0.9), "low <= value <= high"),
        (lambda: belief(0.5, 0.0, 0.9, law="beta"), "strictly between 0 and 1"),
        (lambda: belief(0.5, -0.1, 0.9, law="log-normal"), "strictly above 0"),
        (lambda: belief(0.5, 0.5, 0.9), "strictly inside"),
        (lambda: belief("half", 0.5, 0.9), "value must be"),
        (lambda: belief(0.5, 0.1, 0.9, level=1.0), "level"),
        (lambda: belief(0.5, 0.1, 0.9, status="believed"), "claimed"),
        (lambda: belief(0.5, 0.1, 0.9, source=" "), "source"),
        (lambda: belief(0.5, 0.1, 0.9, law="gamma"), "law must be"),
        (lambda: belief(0.5, 0.1, 0.9, draws=[0.5]), "at least 2"),
        (lambda: belief(0.5, 0.1, 0.9, draws="many"), "must be numbers"),
        (lambda: belief(0.5, 0.1, 0.9).quantile(0.0), "strictly between 0 and 1"),
        (lambda: belief(0.5, 0.1, 0.9).sample(0, np.random.default_rng(1)), "n must be"),
        (lambda: belief(0.5, 0.1, 0.9).sample(5, 1), "default_rng"),
    ],
)
def test_an_impossible_belief_is_refused_in_words(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_the_old_names_of_statuses_are_understood_for_a_version():
    for old, new in (("measured here", "measured here (observational)"), ("published", "published (behaviour)")):
        with pytest.warns(DeprecationWarning, match=f"{old}.*goes in 0.3") as caught:
            assert belief(0.5, 0.1, 0.9, status=old).status == new
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        belief(0.5, 0.1, 0.9, status="measured here (randomised)")
