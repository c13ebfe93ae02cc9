"""Truth: controls. A model that is given the outcome in disguise, or that could look ahead, is caught."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.churn.uplift import simulated_campaign


@pytest.fixture(scope="module")
def snapshot():
    """600 customers, a fifth of whom left; an honest covariate and three in disguise."""
    random = np.random.default_rng(1)
    left = random.random(600) < 0.2
    return pd.DataFrame(
        {
            "tenure": random.integers(1, 40, 600).astype(float),
            "churned": left,
            "honest": random.standard_normal(600) + left,
            "code": np.where(left, "refund", "none"),
            "last_bill": np.where(left, 0.0, random.uniform(20, 90, 600)),
            "exit_call": np.where(left ^ (random.random(600) < 0.01), 7, 3),  # 1% written down wrongly
        }
    )


@pytest.mark.parametrize("disguise", ["code", "last_bill", "exit_call"])
def test_the_outcome_in_disguise_is_caught(snapshot, disguise):
    with pytest.raises(cs.errors.DataError, match=f"'{disguise}' alone tells leavers from stayers"):
        cs.models.ChurnModel.fit(snapshot, covariates=["honest", disguise], horizon=1)


def test_an_honest_covariate_is_not(snapshot):
    model = cs.models.ChurnModel.fit(snapshot, covariates=["honest"], horizon=1)
    assert 0.6 < model.scores.table.loc["auc", "value"] < 0.95


def test_the_outcome_itself_is_refused(snapshot):
    with pytest.raises(cs.errors.ConfigError, match="'churned' holds the outcome"):
        cs.models.ChurnModel.fit(snapshot, covariates=["churned"], horizon=1)


def test_looking_ahead_is_refused(snapshot):
    followed = snapshot.assign(began=-snapshot["tenure"])
    with pytest.raises(cs.errors.ConfigError, match=r"would look ahead. Take learn_at = -12"):
        cs.models.ChurnModel.fit(followed, covariates=["honest"], horizon=6, learn_at=-8)
    with pytest.raises(cs.errors.ConfigError, match="looks beyond the last day observed"):
        cs.models.ChurnModel.fit(followed, covariates=["honest"], horizon=6, test_at=-2)


def test_a_campaign_that_was_not_randomised_is_refused():
    campaign = simulated_campaign(2000, seed=1)
    chosen = campaign.assign(treated=campaign["risk"] > 0)
    with pytest.raises(cs.errors.DataError, match="was not randomised"):
        cs.models.UpliftModel.fit(chosen, covariates=["risk", "openness"])
