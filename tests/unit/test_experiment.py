"""An experiment's durations and the ways to pass one."""

from dataclasses import replace

import pandas as pd
import pytest

import churnsim as cs
from churnsim.units import Duration


@pytest.fixture
def weekly():
    """Twenty customers who buy at any time, in weeks."""
    return cs.Market(
        customers=cs.Cohort(size=20),
        purchases=cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0),
        spend=cs.GammaGamma(p=6.0, q=4.0, gamma=15.0),
    )


def in_unit(weekly, unit):
    """The same market with its purchase model in another unit."""
    return replace(weekly, purchases=replace(weekly.purchases, unit=unit))


@pytest.mark.parametrize(
    ("unit", "horizon", "period", "epoch"),
    [("D", 728, 28, 7), ("W", 104, 4, 1), ("M", 24, 1, 0.25), ("Y", 2, 1 / 12, 1 / 48)],
)
def test_the_usual_period_divides_two_years_in_every_unit(weekly, unit, horizon, period, epoch):
    experiment = cs.Experiment(market=in_unit(weekly, unit), seed=1, horizon=horizon)
    assert experiment.durations == pytest.approx((horizon, period, epoch), rel=1e-15)
    assert experiment.scenario(cs.Strategy(name="none")).epochs_per_period == 4


def test_plain_numbers_are_in_the_markets_unit_and_durations_are_converted(weekly):
    market = in_unit(weekly, "D")
    plain = cs.Experiment(market=market, seed=1, horizon=56, period=14, epoch=7)
    named = cs.Experiment(
        market=market, seed=1, horizon=Duration(8, "W"), period=Duration(2, "W"), epoch=Duration(1, "W")
    )
    assert plain.durations == named.durations == (56.0, 14.0, 7.0)


def test_an_experiment_and_its_arguments_give_the_same_comparison(weekly):
    strategies = [cs.Strategy(name="none")]
    steps = []
    experiment = cs.Experiment(market=weekly, seed=1, horizon=8, replications=3, progress=steps.append)
    one = cs.compare(experiment, strategies)
    assert sum(steps) == 3
    two = cs.compare(weekly, strategies, seed=1, horizon=8, replications=3)
    pd.testing.assert_frame_equal(one.outcomes, two.outcomes)
    assert cs.compare(experiment, strategies, replications=2).values("npv").shape == (2, 1)
