"""Truth: theory within stated error. Campaigns like Hillstrom's, with two mails, few buyers and skewed amounts, whose
effects are known, so that the value of any policy is; and Hillstrom's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models import UpliftPolicy
from churnsim.models.churn.policy import policy_table

MARGIN, COSTS = 0.4, {"men": 0.15, "women": 0.15}
# Chance to buy by customer's kind and arm, and the mean amount: a mail helps its own kind, and a little the other.
CHANCE = {"m": {"none": 0.02, "men": 0.06, "women": 0.022}, "w": {"none": 0.02, "men": 0.018, "women": 0.05}}
AMOUNT, SPREAD = 60.0, 0.9


def campaign(customers: int, seed: int) -> pd.DataFrame:
    random = np.random.Generator(np.random.Philox(seed))
    kind, arm = random.choice(["m", "w"], customers), random.choice(["none", "men", "women"], customers)
    chance = np.array([CHANCE[a][b] for a, b in zip(kind, arm, strict=True)])
    amounts = AMOUNT * np.exp(SPREAD * random.standard_normal(customers) - SPREAD**2 / 2)
    spend = np.where(random.random(customers) < chance, amounts, 0.0)
    return pd.DataFrame({"kind": kind, "noise": random.standard_normal(customers), "arm": arm, "spend": spend})


def value(chosen: pd.Series, kind: pd.Series) -> float:
    """What a policy earns per customer, over treating nobody, by the known chances."""
    worth = {
        (k, arm): MARGIN * AMOUNT * (chances[arm] - chances["none"]) - COSTS.get(arm, 0.0)
        for k, chances in CHANCE.items()
        for arm in chances
    }
    return sum(
        share * worth[pair] for pair, share in pd.Series(zip(kind, chosen, strict=True)).value_counts(True).items()
    )


def judged(seed: int, customers: int = 9_000, resamples: int = 10) -> tuple[bool, bool]:
    """Whether the intervals hold the value of this policy, and how much more it earns than a mail for everybody."""
    policy = UpliftPolicy.fit(
        campaign(customers, seed), covariates=["kind", "noise"], outcome="spend", costs=COSTS, margin=MARGIN, seed=seed,
        resamples=resamples,
    )  # fmt: skip
    others = campaign(4_000, 10_000)
    chosen = policy.choose(others)
    own, everybody = value(chosen, others["kind"]), value(pd.Series(["men"] * len(others)), others["kind"])
    row, men = policy.table.loc["the policy"], policy.table.loc["men for everybody"]
    return row["lower"] < own < row["upper"], men["more_lower"] < own - everybody < men["more_upper"]


def test_value_and_gain_are_known():
    """One large campaign: the best policy is found, and its value lies within the interval."""
    policy = UpliftPolicy.fit(
        campaign(40_000, 3), covariates=["kind"], outcome="spend", costs=COSTS, margin=MARGIN, resamples=20
    )
    assert policy.choose(pd.DataFrame({"kind": ["m", "w"]})).tolist() == ["men", "women"]
    true = (MARGIN * AMOUNT * 0.04 - 0.15) / 2 + (MARGIN * AMOUNT * 0.03 - 0.15) / 2
    assert policy.table.loc["the policy", "lower"] < true < policy.table.loc["the policy", "upper"]
    assert policy.table.loc["men for everybody", "more_lower"] > 0
    assert policy.qini["men"].better_than_random
    effect = policy.effects.loc["men"]
    assert abs(effect["value"] - AMOUNT * 0.019) < 4 * effect["standard_error"]


def test_intervals_cover_in_a_few_campaigns():
    """12 campaigns: at least 9 held (chance .9995 at 95%; .88 at 80%)."""
    held = np.array([judged(seed) for seed in range(12)])
    assert (held.sum(axis=0) >= 9).all()


@pytest.mark.slow
def test_intervals_cover_in_two_hundred_campaigns():
    """Between 91 and 98.5% of 95% intervals (binomial, chance .99)."""
    held = np.array([judged(seed) for seed in range(200)]).mean(axis=0)
    assert ((held >= 0.91) & (held <= 0.985)).all(), held


def test_a_policy_that_treats_few_has_an_error():
    """Six of 300 customers are treated and none of them buys, as others do. Their variance is that of 3 with their own,
    0, and of 20 with their arm's; the value of the six differs from that of the rest, who are left alone, too."""
    group, earned = np.arange(300) % 2, np.zeros(300)
    earned[[20, 31, 42, 53, 64, 75, 86, 97]] = 50.0
    chosen = (np.arange(300) < 6) * 1
    table = policy_table(
        chosen, group=group, earned=earned, costs=np.array([0.0, 0.5]), arms=["none", "mail"], level=0.95
    )
    of_arm = 50.0**2 * 4 * 146 / 150 / 149
    within, between = 2 * of_arm * 20 / 23 / 3, (0.5**2 * 0.02 * 0.98) / 300
    row = table.loc["the policy"]
    assert row["profit"] == pytest.approx(-0.5 * 0.02)
    assert (row["upper"] - row["lower"]) / 2 / 1.959964 == pytest.approx(np.sqrt(0.02**2 * within + between), rel=1e-6)


def test_value_by_hand():
    """Six customers: of those for whom arm 1 is chosen the treated earn 5 more than the others, less a cost of 1."""
    table = policy_table(
        np.array([1, 1, 1, 1, 0, 0]), group=np.array([1, 1, 0, 0, 1, 0]), costs=np.array([0.0, 1.0]), level=0.95,
        earned=np.array([8.0, 10.0, 3.0, 5.0, 99.0, 1.0]), arms=["none", "call"],
    )  # fmt: skip
    assert table.loc["the policy", "profit"] == pytest.approx((5.0 - 1.0) * 4 / 6)
    # Against a call for everybody: of the two left alone one was called, so each stands for two.
    more = table.loc["call for everybody", "more"]
    assert more == pytest.approx(((1.0 - 99.0) * 2 / 2 + 1.0) * 2 / 6)


def test_effects_of_hillstrom_are_the_published_ones(hillstrom):
    """Spend +.77 [.49, 1.06] and +.42 [.17, .68]; the policy is worth what one half of the customers says of it."""
    policy = UpliftPolicy.fit(
        hillstrom, covariates=["mens", "womens", "newbie", "history", "channel"], outcome="spend", costs=COSTS,
        margin=MARGIN, resamples=20,
    )  # fmt: skip
    np.testing.assert_allclose(
        policy.effects[["value", "lower", "upper"]].to_numpy(), [[0.77, 0.49, 1.06], [0.42, 0.17, 0.68]], atol=0.006
    )
    assert policy.table.loc["the policy", "lower"] > 0
    assert policy.shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"costs": {"men": 0.1}}, "costs must name the arms men, women"),
        ({"control": "nobody"}, "must hold the control 'nobody'"),
        ({"outcome": "kind"}, "must be different columns"),
        ({"covariates": ["age"]}, "the campaign lacks 'age'"),
        ({"margin": 0.0}, "margin must be"),
    ],
)
def test_what_makes_no_policy_is_refused(change, error):
    known = {"covariates": ["kind"], "outcome": "spend", "costs": COSTS}
    with pytest.raises(cs.ChurnSimError, match=error):
        UpliftPolicy.fit(campaign(600, 1), **{**known, **change})


def test_a_campaign_that_was_not_randomised_makes_no_policy():
    chosen = campaign(2000, 1).assign(arm=lambda frame: np.where(frame["kind"] == "m", "men", frame["arm"]))
    with pytest.raises(cs.errors.DataError, match="was not randomised"):
        UpliftPolicy.fit(chosen, covariates=["kind"], outcome="spend", costs=COSTS)
    with pytest.raises(cs.errors.DataError, match="needs 100 in each arm"):
        UpliftPolicy.fit(campaign(200, 1), covariates=["kind"], outcome="spend", costs=COSTS)
