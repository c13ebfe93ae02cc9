"""Statistical: a rule learned from a trial, judged where it was not chosen, on simulated trials and on Hillstrom's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.evidence import effects_of_sums, targeting_rule
from churnsim.units import Duration

HALVES = {"mail": 0.5, "none": 0.5}
ASKED = {
    "bought": "bought", "spend": "spend", "covariates": ["open"], "control": "none", "margin": 0.5, "chance": HALVES,
    "costs": {"mail": 0.4},
}  # fmt: skip


def a_trial(seed, n=6000, effect=0.08):
    """Half of the customers answer mails, and the half says so; a buyer spends 20."""
    random = np.random.default_rng(seed)
    kind = (random.random(n) < 0.5).astype(float)
    arm = np.where(random.random(n) < 0.5, "mail", "none")
    bought = random.random(n) < 0.1 + effect * kind * (arm == "mail")
    return pd.DataFrame({"open": kind, "arm": arm, "bought": bought * 1, "spend": bought * 20.0})


@pytest.mark.parametrize("runs", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_intervals_hold_the_profit_of_the_rule_that_was_chosen(runs):
    """What mailing a customer of either kind earns is known: 0.5 x 20 x its effect, less 0.4."""
    held = dict.fromkeys(("profit", "more"), 0)
    for seed in range(runs):
        rule = targeting_rule(a_trial(seed), **ASKED)
        gains = rule.gains(pd.DataFrame({"open": [0.0, 1.0]}))["mail"].to_numpy()
        mailed = gains > 0
        truth = (0.5 * 20 * np.array([0.0, 0.08]) - 0.4) * 0.5
        profit, everybody = float((mailed * truth).sum()), float(truth.sum())
        ours, all_ = rule.table.loc["the rule"], rule.table.loc["mail for everybody"]
        held["profit"] += ours["lower"] <= profit <= ours["upper"]
        held["more"] += all_["more_lower"] - 1e-12 <= profit - everybody <= all_["more_upper"] + 1e-12
    assert all(count / runs > 0.95 - 3.5 * np.sqrt(0.05 * 0.95 / runs) for count in held.values()), held


def test_a_rule_says_whom_it_would_contact():
    rule = targeting_rule(a_trial(1, n=20_000), **ASKED)
    assert rule.gains(pd.DataFrame({"open": [0.0, 1.0]}))["mail"].gt(0).tolist() == [False, True]
    assert rule.table.loc["mail for everybody", "more_lower"] > 0
    assert "mail for everybody" in str(rule)
    assert rule.trial.status == "measured here (randomised)"


def test_what_gives_no_rule_is_refused():
    with pytest.raises(DataError, match="bought; it needs 20"):
        targeting_rule(a_trial(1, n=300), **ASKED)
    with pytest.raises(ConfigError, match="costs must name"):
        targeting_rule(a_trial(1), **{**ASKED, "costs": {}})
    with pytest.raises(DataError, match="must be 0 or 1"):
        targeting_rule(a_trial(1), **{**ASKED, "bought": "spend"})


def test_hillstroms_rule_is_judged_on_the_other_half(hillstrom):
    """Every customer's best mail earns money; that it earns more than the men's mail for all, no half shows."""
    rule = targeting_rule(
        hillstrom, bought="conversion", spend="spend", control="none", margin=0.4,
        covariates=["recency", "history", "mens", "womens", "newbie", "channel"],
        chance=dict.fromkeys(("none", "men", "women"), 1 / 3), costs={"men": 0.15, "women": 0.15},
    )  # fmt: skip
    assert rule.table.loc["men for everybody", "lower"] > 0
    assert rule.table.loc["men for everybody", "more_lower"] < 0
    assert rule.table.loc["the rule", "profit"] > rule.table.loc["women for everybody", "profit"]


def test_a_trials_lift_becomes_a_response():
    """Its mean over the window is the trial's: m(x) = 1 + L 2^(-x / half-life) averaged over two weeks."""
    found = effects_of_sums(
        cs.datasets.hillstrom_sums(), outcomes=["conversion"], control="none", strata=["newbie"],
        chance=dict.fromkeys(("none", "men", "women"), 1 / 3),
    )  # fmt: skip
    belief = found.beliefs("conversion", arm="men", window=2.0, half_life=3.0)["retention.purchase_lift"]
    assert belief.status == "measured here (randomised)"
    response = cs.simulation.RetentionResponse(
        purchase_lift=belief.value, half_life=Duration(3.0, "W"), spend_scale=1e-9
    )
    x = (np.arange(10_000) + 0.5) / 10_000 * 2.0
    mean = (response.lift(1.0) * 2 ** (-x / 3.0)).mean()
    row = found.best.loc[("conversion", "men")]
    assert mean == pytest.approx(row["lift"], rel=1e-6)
    assert row["treated"] / row["control"] == pytest.approx(1 + mean, rel=1e-6)
