"""Statistical: differences of means in randomised trials hold their truth; arms that were not drawn are found out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from churnsim.errors import ConfigError, DataError
from churnsim.evidence import effects_of_sums, trial_effects

HALVES = {"mail": 0.5, "none": 0.5}


def a_base(random: np.random.Generator, n: int, effect: float = 0.2) -> pd.DataFrame:
    """Customers with a past and what they would buy without and with a mail; the effect grows with their rate."""
    rate = random.gamma(0.8, 1.0, n)
    shop = random.random(n) < 0.3
    without = random.poisson(rate * (1 + shop))
    extra = random.poisson(effect * rate)
    return pd.DataFrame(
        {
            "past": random.poisson(rate * (1 + shop)), "shop": np.where(shop, "town", "web"), "without": without,
            "with_mail": without + extra, "rate": rate,
        }
    )  # fmt: skip


def drawn(base: pd.DataFrame, random: np.random.Generator, chance: np.ndarray | float) -> pd.DataFrame:
    mailed = random.random(len(base)) < chance
    return base.assign(
        arm=np.where(mailed, "mail", "none"),
        chance=np.where(mailed, chance, 1 - chance),
        bought=np.where(mailed, base["with_mail"], base["without"]),
    )


@pytest.mark.parametrize(
    ("runs", "unequal"),
    [(40, True), pytest.param(200, True, marks=pytest.mark.slow), pytest.param(200, False, marks=pytest.mark.slow)],
)
def test_intervals_hold_the_truth_and_the_adjusted_ones_are_narrower(runs, unequal):
    random = np.random.default_rng(5 + unequal)
    held, narrower, alarms = {"unadjusted": 0, "adjusted": 0}, [], 0
    for _ in range(runs):
        base = a_base(random, 400)
        chance = np.where(base["past"] > 0, 0.7, 0.3) if unequal else 0.5
        found = trial_effects(
            drawn(base, random, chance), outcomes=["bought"], control="none", before=["past"], covariates=["shop"],
            chance="chance",
        )  # fmt: skip
        truth = 0.2 * 0.8  # the mean of effect x rate
        for kind in held:
            row = found.table.loc["bought", "mail", kind]
            held[kind] += row["lower"] < truth < row["upper"]
        narrower.append(found.narrower.iloc[0])
        alarms += found.status != "measured here (randomised)"
    # 95% held; three binomial standard deviations.
    assert all(abs(count / runs - 0.95) < 3 * np.sqrt(0.95 * 0.05 / runs) for count in held.values()), held
    assert np.mean(narrower) > 0.1
    assert alarms <= 3


def test_words_are_strata():
    """The adjusted answer with a word is the stratified one: each stratum's difference by its share."""
    random = np.random.default_rng(1)
    frame = drawn(a_base(random, 600), random, 0.5)
    found = trial_effects(frame, outcomes=["bought"], control="none", chance=HALVES, covariates=["shop"])
    means = frame.groupby(["shop", "arm"])["bought"].mean().unstack()
    share = frame["shop"].value_counts(normalize=True)
    assert found.best["difference"].iloc[0] == pytest.approx(((means["mail"] - means["none"]) * share).sum(), rel=1e-12)


def test_hajek_weights_by_brute_force():
    random = np.random.default_rng(2)
    base = a_base(random, 500)
    frame = drawn(base, random, np.where(base["past"] > 0, 0.8, 0.2))
    row = trial_effects(frame, outcomes=["bought"], control="none", chance="chance").table.iloc[0]
    parts = {}
    for arm, each in frame.groupby("arm"):
        w, y = 1 / each["chance"].to_numpy(), each["bought"].to_numpy()
        mean = (w * y).sum() / w.sum()
        h = w / w.sum()
        parts[arm] = mean, (h**2 * (y - mean) ** 2 / (1 - h)).sum()
    assert row["difference"] == pytest.approx(parts["mail"][0] - parts["none"][0], rel=1e-12)
    assert row["standard_error"] == pytest.approx(np.sqrt(parts["mail"][1] + parts["none"][1]), rel=1e-12)


def test_a_campaign_that_went_to_the_better_customers_is_never_called_randomised():
    """Whatever chances are claimed: by the past, by the middle of it alone, and by the number of customers."""
    random = np.random.default_rng(3)
    for kind in range(6):
        base = a_base(random, 2000)
        chance = [
            np.where(base["past"] > 1, 0.65, 0.45), np.where(base["past"] == 1, 0.75, 0.4), np.full(2000, 0.58)
        ][kind % 3]  # fmt: skip
        found = trial_effects(
            drawn(base, random, chance), outcomes=["bought"], control="none", chance=HALVES, before=["past"]
        )
        assert found.status == "measured here (observational)", kind
        failed = [check.name for check in found.checks if not check.passed]
        assert ("balance", "balance", "sample ratio")[kind % 3] in failed


def test_without_chances_or_a_past_nothing_is_called_randomised():
    random = np.random.default_rng(4)
    frame = drawn(a_base(random, 500), random, 0.5)
    for options in ({"before": ["past"]}, {"chance": HALVES}):
        found = trial_effects(frame, outcomes=["bought"], control="none", **options)
        assert found.status == "measured here (observational)"
        assert "FAILED" in str(found)


def test_what_cannot_be_compared_is_refused():
    random = np.random.default_rng(6)
    frame = drawn(a_base(random, 200), random, 0.5)
    good = {"outcomes": ["bought"], "control": "none"}
    for options, words in (
        ({"control": "nobody"}, "no customer is in the control arm"),
        ({"outcomes": ["sales"]}, "no column 'sales'"),
        ({"chance": {"mail": 0.5}}, "must name the arms"),
    ):
        with pytest.raises(ConfigError, match=words):
            trial_effects(frame, **{**good, **options})
    for change, options, words in (
        ({"arm": "none"}, {}, "needs another one"),
        ({"bought": np.nan}, {}, "must be a number"),
        ({}, {"chance": {"mail": 0.5, "none": 0.3}}, "add up to 0.8"),
        ({"arm": np.where(np.arange(200) < 5, "mail", "none")}, {}, "has 5 customers"),
        ({"mailed": frame["arm"]}, {"covariates": ["mailed"]}, "does not vary within arm"),
    ):
        with pytest.raises(DataError, match=words):
            trial_effects(frame.assign(**change), **{**good, **options})


def test_as_many_covariates_as_customers_are_refused():
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(50, 26)), columns=[f"x{k}" for k in range(26)])
    frame["arm"] = ["mail", "none"] * 25
    with pytest.raises(DataError, match="arm 'none' has 25 customers, too few to adjust for as many columns"):
        trial_effects(frame, outcomes=["x0"], control="none", covariates=[f"x{k}" for k in range(1, 26)])


def test_arms_in_which_all_did_the_same():
    """Nobody of 30 buys, and 3 of 40 do: the error of the former is that of all 70, written out; where nobody buys at
    all there are no limits."""
    frame = pd.DataFrame({"arm": ["none"] * 30 + ["mail"] * 40, "bought": [0] * 67 + [1] * 3, "never": 0})
    found = trial_effects(frame, outcomes=["bought", "never"], control="none", chance={"none": 3 / 7, "mail": 4 / 7})
    row = found.best.loc["bought", "mail"]
    of_all, own = 3 * 67 / 70 / 69, 3 * 37 / 40 / 39
    assert_allclose([row["difference"], row["standard_error"]], [3 / 40, math.sqrt(of_all / 30 + own / 40)])
    never = found.best.loc["never", "mail"]
    assert never["difference"] == 0
    assert never[["standard_error", "lower", "upper", "p_value"]].isna().all()
    sums = pd.DataFrame({"arm": ["none", "mail"], "customers": [30, 40], "bought": [0, 3]})
    summed = effects_of_sums(sums, outcomes=["bought"], control="none").best.loc["bought", "mail"]
    assert_allclose(summed[["difference", "standard_error"]], row[["difference", "standard_error"]])
    with pytest.raises(DataError, match="tells no ratio of the two"):
        found.beliefs("bought", arm="mail", window=2.0, half_life=2.0)


def test_the_lift_of_few_buyers():
    """Twice as many of 50 buy as one in ten: intervals of level 95% of 120 trials hold it, within three standard errors
    of the share. Symmetric ones hold 86%, and lie at 0 in every other trial."""
    arm, held, told = np.repeat(["none", "mail"], 50), 0, 0
    for seed in range(120):
        bought = np.random.default_rng(seed).random(100) < np.repeat([0.1, 0.2], 50)
        sums = pd.DataFrame({"arm": arm, "customers": 1, "bought": bought * 1.0}).groupby("arm", as_index=False).sum()
        if not (sums["bought"] > 0).all():
            continue
        found = effects_of_sums(sums, outcomes=["bought"], control="none")
        belief = found.beliefs("bought", arm="mail", window=1.0, half_life=1e9)["retention.purchase_lift"]
        told += 1
        held += belief.low <= 2.0 <= belief.high
    assert held / told >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / told)
