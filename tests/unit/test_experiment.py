"""An experiment's durations and the ways to pass one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.errors import ConfigError
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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"horizon": "52 W"},
            r"horizon must be a finite number above 0; got '52 W'\. Plain numbers are in weeks; .*Duration",
        ),
        ({"period": 0}, "period must be a finite number above 0"),
        ({"replications": 0}, "replications must be a whole number, 1 or more"),
        ({"market": None}, "market must be a Market"),
    ],
)
def test_an_experiment_refuses_at_once_what_no_run_can_take(weekly, given, words):
    with pytest.raises(ConfigError, match=words):
        cs.Experiment(**{"market": weekly, "seed": 1, "horizon": 8, **given})


def test_an_experiment_and_its_arguments_give_the_same_comparison(weekly):
    strategies = [cs.Strategy(name="none")]
    steps = []
    experiment = cs.Experiment(market=weekly, seed=1, horizon=8, replications=3, progress=steps.append)
    one = cs.compare(experiment, strategies)
    assert sum(steps) == 3
    two = cs.compare(weekly, strategies, seed=1, horizon=8, replications=3)
    pd.testing.assert_frame_equal(one.outcomes, two.outcomes)
    assert cs.compare(experiment, strategies, replications=2).values("npv").shape == (2, 1)


WRONG = [True, "a", -1, 1.5, float("nan"), [], {}, np.array([1, 2])]
STRATEGIES = [cs.Strategy(name="baseline"), cs.Strategy(name="other")]
ONE_RUN = {"seed": 1, "horizon": 8, "replications": 2}
POSSIBLE = {"mechanisms": ("[]", "{}"), "horizon": ("1.5",), "period": ("1.5",)}


@pytest.mark.parametrize("name", ["horizon", "period", "replications", "workers", "mechanisms", "precision", "engine"])
def test_arguments_of_a_wrong_kind_are_refused_in_words(name, weekly):
    for value in WRONG:
        if str(value) not in POSSIBLE.get(name, ()):
            with pytest.raises(ConfigError):
                cs.compare(weekly, STRATEGIES, **{**ONE_RUN, name: value})
    with pytest.raises(ConfigError, match="above 40,000"):
        cs.compare(weekly, STRATEGIES, **{**ONE_RUN, "horizon": 1e30})


@pytest.mark.parametrize("over", [*WRONG, {"terms.margin": 1.0, "b": 2}, {5: (0, 1), 6: (0, 1)}, [5, 6]], ids=str)
def test_ranges_of_a_wrong_kind_are_refused_in_words(over, weekly):
    quantity = cs.decisions.Quantity(of="baseline")
    for function in (cs.decisions.assumption_region, cs.decisions.sensitivity):
        with pytest.raises(ConfigError):
            function(weekly, STRATEGIES, quantity, over, **ONE_RUN)
