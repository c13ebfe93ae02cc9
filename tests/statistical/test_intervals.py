"""Truth: theory. Intervals cover as often as they say, on populations whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import churnsim as cs
from churnsim.claims.five_percent_churn.five_percent_simulation import expected_gains
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.decisions.comparison.paired import interval, paired_difference, ratio_gain, skewed_interval
from churnsim.decisions.comparison.replay import replay
from churnsim.simulation.scenario.strategy import ChurnChange

TRIES = 600


def covers_as_stated(hits: int, tries: int = TRIES, level: float = 0.95) -> bool:
    """Whether the number of hits lies in the central 99.9% of Binomial(tries, level)."""
    return binom.ppf(0.0005, tries, level) <= hits <= binom.ppf(0.9995, tries, level)


@pytest.mark.parametrize("spread", [0.2, 1.0])
def test_paired_and_ratio_intervals_cover(spread):
    """Normal pairs with a common part: difference 0.3 and ratio 1.03 are known."""
    generator = np.random.default_rng(1)
    paired = ratio = future = 0
    for _ in range(TRIES):
        common = 10 + generator.normal(size=21)
        a = 1.03 * common + 0.0 * common + spread * generator.normal(size=21)
        b = common + spread * generator.normal(size=21)
        found = paired_difference(a[:20], b[:20])
        paired += found.lower <= 0.3 <= found.upper
        future += found.future_lower <= a[20] - b[20] <= found.future_upper
        gain = ratio_gain(a[:20], b[:20])
        assert gain is not None
        ratio += gain.lower <= 0.03 <= gain.upper
    assert covers_as_stated(paired)
    assert covers_as_stated(future)
    assert covers_as_stated(ratio)
    # Control: half as wide an interval (31 of 20 t-units) would be seen.
    assert not covers_as_stated(round(TRIES * 0.69))


def test_the_interval_of_a_break_even_holds_skewed_means_too():
    """Exponential values, of skewness 2, whose mean is 1: with 20 the t interval holds it in 92% (control)."""
    generator = np.random.default_rng(2)
    samples = generator.exponential(size=(1500, 20))
    held, plain = (
        sum((found := how(values)).lower <= 1.0 <= found.upper for values in samples)
        for how in (skewed_interval, interval)
    )
    assert covers_as_stated(held, len(samples))
    assert not covers_as_stated(plain, len(samples))


def test_one_more_replication_lies_between_order_statistics():
    """A further value is as likely in each of the 40 gaps that 39 leave: 38 of them lie between the ends. Of a lopsided
    law as many fall below as above, where mean +- t sd would have none below (control)."""
    generator = np.random.default_rng(4)
    found = paired_difference(generator.permutation(np.arange(1.0, 40.0)), np.zeros(39))
    assert (found.future_lower, found.future_upper) == pytest.approx((1.0, 39.0), rel=1e-12)
    below = above = 0
    for _ in range(150):
        values = np.exp(1.5 * generator.normal(size=80))
        found = paired_difference(values[:79], np.zeros(79), level=0.8)
        below += values[79] < found.future_lower
        above += values[79] > found.future_upper
        assert found.mean - 1.2 * values[:79].std() < 0 < found.future_lower
    assert all(covers_as_stated(count, tries=150, level=0.1) for count in (below, above))


def test_a_relative_gain_needs_a_positive_base():
    generator = np.random.default_rng(1)
    assert ratio_gain(generator.normal(size=30), generator.normal(size=30)) is None


def test_a_replay_of_the_true_model_covers(published_models):
    """Holdouts drawn from the model itself are covered as often as stated, within the binomial bounds of 40 tries."""
    purchases, spend = published_models
    market = cs.Market(customers=cs.Cohort(size=0), purchases=purchases, spend=spend)
    summary = purchases.draw_customers(150, seed=5).assign(frequency=0, recency=0.0, T=20.0, monetary_value=0.0)
    split = summary.assign(T_holdout=26.0, frequency_holdout=0)
    scenario = cs.Scenario(
        market=replace(market, customers=cs.PosteriorBase(split)), strategy=cs.Strategy(name="truth"),
        horizon=26.0, period=26.0, epoch=26.0,
    )  # fmt: skip
    predicted = replay(market, split, replications=60, seed=1)
    truths = [cs.simulate(scenario, seed=2, replication=k).count("purchases").sum() for k in range(40)]
    hits = sum(predicted.lower <= truth <= predicted.upper for truth in truths)
    assert covers_as_stated(hits, tries=40)


def test_residual_is_what_a_longer_run_would_have_earned(cohort_market):
    """Equity at one year equals the discounted margin of a run so long that nothing is left, within 4 standard
    errors."""
    market = cohort_market(400)
    none = cs.Strategy(name="none")
    short = cs.compare(market, [none], replications=20, seed=3, horizon=52.0).values("equity")["none"]
    long = cs.compare(market, [none], replications=20, seed=3, horizon=2080.0, period=52.0).values("npv")["none"]
    gap = (short - long).to_numpy()
    # Discounting from the middle of a year instead of four weeks moves the long run by less than 0.1%.
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(gap.size) + 1e-3 * long.mean()


def test_simulated_gain_is_the_expected_one(cdnow_market):
    """Less churn on the real base: the simulation and the integral over the same posterior agree within 4 standard
    errors, the standard error of the integral's own base draw included."""
    evidence = MarketEvidence(market=cdnow_market, label="test", horizon=104.0, period=4.0, epoch=1.0, replications=20)
    strategies = [cs.Strategy(name="base"), cs.Strategy(name="less", churn=ChurnChange(factor=0.5))]
    values = evidence.compare(strategies).values("discounted_margin")
    gain = ratio_gain(values["less"].to_numpy(), values["base"].to_numpy())
    assert gain is not None
    expected = [expected_gains(replace(evidence, seed=seed, replications=1), 0.5)[0] for seed in range(8)]
    error = np.hypot(gain.sd / np.sqrt(20), np.std(expected, ddof=1) / np.sqrt(8))
    assert abs(gain.mean - np.mean(expected)) < 4 * error
    # Control: the gain of another change is told apart.
    assert abs(gain.mean - expected_gains(replace(evidence, replications=1), 0.8)[0]) > 4 * error
