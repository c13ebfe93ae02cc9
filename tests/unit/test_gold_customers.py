"""Truth: mechanics of picking the best customers, and that the checks on clusters and factors can say no."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import FactorAnalysis

import churnsim as cs
from churnsim.errors import DataError
from churnsim.models.segmentation.customer_clusters import cluster_customers
from churnsim.models.segmentation.customer_factors import analyse_factors, behaviour
from churnsim.models.segmentation.gold_customers import _captured, _Order, _picked, gold_customers, gold_rankings

DATES = {"until": "1997-09-30", "holdout_until": "1998-06-30"}


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """A third of CDNOW's customers."""
    every = cs.datasets.cdnow()
    return every[every["customer_id"] % 3 == 0].reset_index(drop=True)


@pytest.fixture(scope="module")
def rankings(log):
    return gold_rankings(log, **DATES)


METHODS = ("past spend", "rfm", "regression", "factors", "clusters", "bg_nbd x gamma_gamma")


@pytest.fixture(scope="module")
def gold():
    return gold_customers(cs.datasets.cdnow(), **DATES, replications=100)


def test_every_method_stands_between_the_lot_and_hindsight(gold):
    table = gold.set_index("method")
    assert set(table.index) == {*METHODS, "random", "hindsight"}
    for method in METHODS:
        assert table.loc["random", "spend_share"] < table.loc[method, "lower"]
        assert table.loc[method, "upper"] < table.loc["hindsight", "spend_share"]
    assert table.loc["rfm", "gain_over_rfm"] == 0
    assert (table["gain_lower"].dropna() <= table["gain_upper"].dropna()).all()


def test_scores_know_nothing_of_the_holdout(log, rankings):
    changed = log.copy()
    late = changed["date"] > "1997-09-30"
    changed.loc[late, "amount"] = changed.loc[late, "amount"].to_numpy()[::-1] * 7
    one, spent = rankings
    other, changed_spent = gold_rankings(changed, **DATES)
    pd.testing.assert_frame_equal(one, other)
    assert not spent.equals(changed_spent)


def test_ties_at_the_cut_are_shared_out():
    """Against the mean over all orders of the rows, each cut at the first 30%: .3 x 5 are 2 customers."""
    score, held = np.array([2.0, 1.0, 1.0, 1.0, 0.0]), np.array([4.0, 0.0, 7.0, 1.0, 3.0])
    everybody = np.ones(5, dtype=np.int64)
    by_order = [held[sorted(order, key=lambda i: -score[i])[:2]].sum() for order in permutations(range(5))]
    assert _picked(_Order.of(score), everybody, 0.3) @ held == pytest.approx(np.mean(by_order))
    # A score that tells nobody apart captures the share itself, whatever the weights; .07 of 100 customers are 7.
    for weights in (np.ones(100, dtype=np.int64), np.arange(100) % 3):
        taken = _picked(_Order.of(np.zeros(100)), weights, 0.07)
        assert taken.sum() == pytest.approx(7)
        assert _captured(np.ones(100), _Order.of(np.zeros(100)), weights, 0.07) == pytest.approx(7 / weights.sum())


def test_separate_groups_are_found_and_their_number_with_them():
    generator = np.random.default_rng(1)
    centres = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0]])
    rows = np.repeat(centres, 100, axis=0) + generator.standard_normal((300, 3))
    found = cluster_customers(pd.DataFrame(rows, columns=list("abc")))
    assert len(found.centres) == 3
    assert "3 clusters" in found.reason
    assert "do not rely" not in found.reason
    assert [len(set(found.labels[k : k + 100])) for k in (0, 100, 200)] == [1, 1, 1]


def test_control_a_cloud_without_groups_is_said_to_have_none():
    rows = np.random.default_rng(2).standard_normal((400, 6))
    found = cluster_customers(pd.DataFrame(rows, columns=list("abcdef")), numbers=range(3, 6))
    assert "do not rely" in found.reason


def test_control_halves_of_one_cloud_are_no_clusters():
    """Measures that go together (correlations of .8): any two halves of the customers cut the cloud across alike."""
    random = np.random.default_rng(1)
    rows = random.multivariate_normal(np.zeros(3), 0.8 + 0.2 * np.eye(3), size=500)
    found = cluster_customers(pd.DataFrame(rows, columns=list("abc")), numbers=(2,))
    assert found.evidence.loc[0, "stability"] > 0.8
    assert "cuts through a continuum, do not rely on them" in found.reason


def test_two_factors_are_found_where_two_were_planted():
    generator = np.random.default_rng(3)
    latent = generator.standard_normal((1000, 2))
    rows = np.repeat(latent, 3, axis=1) + 0.4 * generator.standard_normal((1000, 6))
    found = analyse_factors(pd.DataFrame(rows, columns=list("abcdef")))
    loadings = found.loadings.to_numpy()
    assert loadings.shape == (6, 2)
    assert len({tuple(np.argsort(np.abs(row))) for row in loadings}) == 2
    assert (np.abs(loadings).max(axis=1) > 0.8).all()
    assert (np.abs(loadings).min(axis=1) < 0.2).all()
    # As scikit-learn finds from the rows themselves, up to the rotation.
    standard = FactorAnalysis(n_components=2, svd_method="lapack").fit((rows - rows.mean(axis=0)) / rows.std(axis=0))
    np.testing.assert_allclose(loadings @ loadings.T, standard.components_.T @ standard.components_, rtol=0, atol=1e-9)


def test_too_few_customers_are_refused():
    features = behaviour(cs.datasets.cdnow()).head(20)
    with pytest.raises(DataError, match="ten for each"):
        cluster_customers(features)
    with pytest.raises(DataError, match="ten customers"):
        analyse_factors(features)
