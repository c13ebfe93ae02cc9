"""Truth: posteriors in closed form or on a grid, ranks of the truth, and targets that say nothing or cannot be met."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binom, kstest, norm

import churnsim as cs
from churnsim.errors import ConfigError, FitError
from churnsim.evidence import Belief, Target, calibrate, tempering
from churnsim.evidence.tempering import first_particles, tempered
from churnsim.units import Duration

CEILING = "prospects.ceiling"
GUESS = Belief(value=0.02, low=0.004, high=0.1, status="assumed", source="a guess")
MARKET = cs.Market(
    customers=cs.Cohort(size=1),
    purchases=cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0),
    spend=cs.simulation.FixedSpend(amount=10.0),
    prospects=cs.simulation.Prospects(size=1000),
    beliefs={CEILING: GUESS},
)
# So much that the ceiling is reached: of 1,000 prospects a share of `ceiling` comes in a period.
NOW = cs.Strategy(name="now", acquisition=cs.simulation.Acquisition(budget_per_period=10_000.0))
RUN = {"seed": 3, "horizon": 4.0}
BIRTHS = Target(quantity="births", low=20, high=40)


def linear(weights, luck_sd):
    """Simulations in which the result is a sum of the normal scores and of replication."""

    def simulate(z, row, replication):
        chance = np.random.default_rng(5).normal(size=replication.max() + 1)[replication]
        return (z @ weights + luck_sd * chance)[:, None]

    return simulate


def posterior(seed, observed, error, *, weights=(1.0, 0.5, 0.0), luck_sd=0.4, n=600):
    simulate, generator = linear(np.array(weights), luck_sd), np.random.default_rng(seed)
    first = first_particles(simulate, n, len(weights), 1, generator)
    kernel = norm(observed, error).logpdf
    return tempered(simulate, lambda q: kernel(q[:, 0]), first, rows=1, replication=n, generator=generator)


@pytest.mark.parametrize("error", [0.5, 0.05])
def test_the_posterior_of_a_linear_model_is_the_normal_one(error):
    """z normal, y = w z + replication + error: the posterior is normal, by the formula for a conditional law."""
    found = posterior(1, observed=2.0, error=error)
    w = np.array([1.0, 0.5, 0.0])
    variance = float(w @ w + 0.4**2 + error**2)
    mean, covariance = w * 2.0 / variance, np.eye(3) - np.outer(w, w) / variance
    z = found.particles.z
    assert found.effective > 300
    # Four standard errors of a mean, and of a covariance about the same.
    tolerance = 4 / math.sqrt(found.effective)
    assert_allclose(z.mean(axis=0), mean, atol=tolerance)
    assert_allclose(np.cov(z.T), covariance, atol=1.5 * tolerance)
    assert not np.allclose(np.cov(z.T), np.eye(3), atol=1.5 * tolerance)


def ranks(firms):
    """Ranks from 0 to 1 of the true first score among draws of its posterior, in firms drawn from the prior: of the
    posterior, and of the planted error that half of its spread would be."""
    found = []
    for seed in range(firms):
        random = np.random.default_rng([9, seed])
        truth = random.normal(size=3)
        observed = truth @ [1.0, 0.5, 0.0] + 0.4 * random.normal() + 0.3 * random.normal()
        draws = posterior(seed, observed, 0.3, n=99).particles.z[:, 0]
        narrow = np.median(draws) + 0.5 * (draws - np.median(draws))
        found.append([((some < truth[0]).sum() + 0.5) / 100 for some in (draws, narrow)])
    return np.array(found).T


def test_ranks_of_the_truth_are_even_and_a_narrow_posterior_is_caught():
    """Simulation-based calibration (Talts et al. 2018)."""
    own, narrow = ranks(60)
    assert kstest(own, "uniform").pvalue > 0.005
    assert kstest(np.abs(narrow - 0.5) * 2, "uniform").pvalue < 0.005


def test_steps_that_do_not_end_are_an_error(monkeypatch):
    monkeypatch.setattr(tempering, "ROUNDS", 2)
    with pytest.raises(FitError, match="2 steps did not lead from the beliefs to the targets"):
        posterior(1, observed=2.0, error=1e-6, n=50)


@pytest.fixture(scope="module")
def found():
    return calibrate(MARKET, NOW, [BIRTHS], draws=60, **RUN)


def on_a_grid(belief, low, high):
    """The ceiling by its posterior on a grid: births are binomial, the target normal about them."""
    u = (np.arange(4000) + 0.5) / 4000
    ceiling = belief.quantile(u)
    count = np.arange(301)
    kernel = norm.pdf((low + high) / 2, count, (high - low) / 2 / norm.ppf(0.95))
    density = binom.pmf(count, 1000, ceiling[:, None]) @ kernel
    return ceiling, density / density.sum()


def test_a_share_of_prospects_against_its_posterior_on_a_grid(found):
    ceiling, density = on_a_grid(found_prior(), 20, 40)
    mean = float(density @ ceiling)
    sd = math.sqrt(density @ (ceiling - mean) ** 2)
    draws = found.draws[CEILING]
    error = sd / math.sqrt(found.effective)
    assert found.effective > 40
    assert abs(draws.mean() - mean) < 4 * error
    assert abs(draws.std() - sd) < 4 * error
    row = found.table.loc[CEILING]
    assert row["narrowed"] > 0.8
    assert row["status"] == found.status == "measured here (observational)"
    assert found.targets.loc["births", "reached"]


def found_prior():
    return MARKET.beliefs[CEILING]


def test_the_posterior_goes_back_into_a_market(found):
    belief = found.beliefs()[CEILING]
    assert belief.source == "a guess; by calibration to births"
    assert belief.draws == tuple(found.draws[CEILING])
    assert replace(MARKET, beliefs=found.market.beliefs | {}, prospects=found.market.prospects) == found.market
    again = cs.Experiment(market=found.market, **RUN)
    births = [again.ledger(NOW, k).count("births").sum() for k in range(40)]
    assert 20 < np.mean(births) < 40
    assert "births: 20 to 40" in str(found)
    assert "most by births" in str(found)


@pytest.mark.parametrize("other", [{"engine": "simpy"}, {"workers": 2}])
def test_any_engine_and_number_of_workers_find_the_same(found, other):
    done = []
    again = calibrate(MARKET, NOW, [BIRTHS], draws=60, progress=done.append, **RUN, **other)
    assert found.draws.equals(again.draws)
    assert found.targets.equals(again.targets)
    assert sum(done) == found.runs


def test_a_target_that_says_nothing_leaves_the_prior_and_one_out_of_reach_gives_no_belief():
    """There are no wages, whatever share of the prospects comes."""
    idle = calibrate(MARKET, NOW, [Target(quantity="wages", low=-1, high=1)], draws=60, **RUN)
    assert idle.status == "the targets say little of what is believed"
    row = idle.table.loc[CEILING]
    assert row["status"] == "assumed"
    assert row["narrowed"] < 0.5
    assert idle.beliefs()[CEILING].status == "assumed"
    assert kstest(idle.draws[CEILING], lambda x: np.interp(x, *law(GUESS))).pvalue > 0.01
    far = calibrate(MARKET, NOW, [Target(quantity="wages", low=5, high=6)], draws=50, **RUN)
    assert far.status == "not reached: wages"
    assert far.market is None
    assert far.table.loc[CEILING, "status"] == "assumed"
    assert any("Look for a mechanism that is off" in line for line in far.checks)
    with pytest.raises(FitError, match="not reached: wages"):
        far.beliefs()


def law(belief):
    u = np.linspace(0.0005, 0.9995, 2000)
    return belief.quantile(u), u


def test_each_target_moves_its_own_number():
    """Births tell the share that comes, and nothing of the margin; the margin's share of revenue tells the margin."""
    margin = Belief(value=0.3, low=0.1, high=0.5, status="claimed", source="a text")
    share = Target(quantity="margin", per="revenue", low=0.38, high=0.42, name="margin's share")
    found = calibrate(MARKET, NOW, [BIRTHS, share], priors={"market.terms.margin": margin}, draws=50, **RUN)
    by = found.moved["narrowed"].unstack("target")
    assert by.loc[CEILING, "births"] > 0.8
    assert by.loc["terms.margin", "margin's share"] > 0.8
    assert by.loc[CEILING, "margin's share"] < 0.5
    assert by.loc["terms.margin", "births"] < 0.5
    assert 0.37 < found.table.loc["terms.margin", "low"] < 0.4 < found.table.loc["terms.margin", "high"] < 0.43
    # Told from the targets more than from the text.
    assert found.beliefs()["terms.margin"].status == "measured here (observational)"


def test_fits_and_beliefs_that_come_in_joint_draws_are_learned_together():
    """Rows of the fits' parameters in which customers buy often or seldom go with rows of a belief."""
    often = np.tile([True, False], 60)
    fits = tuple((cs.BGNBD(r=1.0, alpha=2.0 if fast else 50.0, a=1.0, b=9.0), MARKET.spend) for fast in often)
    belief = Belief.of_draws(np.where(often, 0.25, 0.35), status="assumed", source="a posterior")
    market = replace(MARKET, customers=cs.Cohort(size=40), draws=fits, beliefs={"terms.margin": belief})
    target = Target(quantity="purchases", low=30, high=70)
    found = calibrate(market, cs.Strategy(name="none"), [target], draws=60, **RUN)
    assert (found.draws["terms.margin"] == 0.25).mean() > 0.9
    assert all(
        (purchases.alpha == 2.0) == (margin == 0.25)
        for (purchases, _), margin in zip(found.market.draws, found.beliefs()["terms.margin"].draws, strict=True)
    )


def test_quantities_are_those_of_the_ledger():
    experiment = cs.Experiment(market=replace(MARKET, customers=cs.Cohort(size=60)), seed=2, horizon=12.0)
    ledger = experiment.ledger(NOW, 0, log=True)
    table = cs.decisions.customer_table(experiment, NOW, 0)
    new = table[table["origin"] != "start"]
    births, purchases = ledger.count("births"), ledger.count("purchases")
    for target, expected in (
        (Target(quantity="births", low=1, high=2), births.sum()),
        (Target(quantity="births", low=1, high=2, since=4.0, until=Duration(8, "W")), births[1]),
        (Target(quantity="births", low=1, high=2, per=Duration(1, "Y")), births.sum() * 365.25 / 84),
        (Target(quantity="revenue", low=1, high=2, until=4.0), ledger.money("revenue")[0]),
        (Target(quantity="active_end", low=1, high=2), ledger.count("active_end")[-1]),
        (Target(quantity="profit", low=1, high=2), ledger.profit_cents.sum() / 100),
        (Target(quantity="repeat_purchases", per="purchases", low=1, high=2), 1 - len(new) / purchases.sum()),
        # All purchases cost the same.
        (Target(quantity="repeat_revenue", low=1, high=2), 10.0 * (purchases.sum() - len(new))),
    ):
        assert_allclose(target.of(ledger, "W"), expected, err_msg=str(target))
    assert len(new) == births.sum() > 0


def test_the_law_of_a_target_has_its_interval():
    normal = Target(quantity="births", low=10, high=90, level=0.8)
    skew = replace(normal, law="log-normal")
    assert_allclose(norm.cdf(normal.score(np.array([10.0, 50.0, 90.0]))), [0.1, 0.5, 0.9])
    assert_allclose(norm.cdf(skew.score(np.array([10.0, 30.0, 90.0]))), [0.1, 0.5, 0.9])
    assert np.isnan(skew.score(np.array([0.0]))).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": "complaint"}, "no quantity 'complaint' of the ledger. Did you mean 'complaints'?"),
        ({"low": 5, "high": 5}, "a count n that is exact is n - 0.5 to n \\+ 0.5"),
        ({"low": -1, "law": "log-normal"}, "a log-normal target lies above 0"),
        ({"quantity": "active_end", "per": Duration(1, "M")}, "active_end is counted at a moment"),
        ({"per": "turnover"}, "no quantity 'turnover'"),
        ({"since": -1.0}, "since must be"),
        ({"level": 1.5}, "level"),
    ],
)
def test_targets_that_are_none_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        Target(**{"quantity": "births", "low": 20.0, "high": 40.0} | change)


@pytest.mark.parametrize(
    ("targets", "change", "message"),
    [
        ([], {}, "calibration needs targets"),
        ([BIRTHS, BIRTHS], {}, "each with a name of its own"),
        ([replace(BIRTHS, until=3.0)], {}, "until must be whole periods of 4 W; got 3"),
        ([replace(BIRTHS, until=8.0)], {}, "the time from period 0 to 2 is none of the 1 periods"),
        ([BIRTHS], {"draws": 10}, "draws must be a whole number, 50 or more"),
        ([BIRTHS], {"priors": {"prospects.ceilin": GUESS}}, "Did you mean 'prospects.ceiling'"),
        ([BIRTHS], {"market": replace(MARKET, beliefs={})}, "nothing is believed"),
        ([BIRTHS], {"market": None}, "market must be"),
        ([BIRTHS], {"strategy": "now"}, "strategy must be"),
        ("births", {}, "targets must be"),
        ([1], {}, "each of targets must be a Target"),
        ([BIRTHS], {"priors": [GUESS]}, "priors must be"),
        ([BIRTHS], {"priors": {CEILING: 0.1}}, "must be a churnsim.evidence.Belief"),
        ([BIRTHS], {"draws": 60.5}, "draws must be"),
        ([BIRTHS], {"level": 1.0}, "level must"),
        ([BIRTHS], {"seed": -1}, "seed must"),
        ([BIRTHS], {"horizon": "year"}, "horizon must"),
        ([BIRTHS], {"workers": 0}, "workers must"),
    ],
)
def test_calibrations_that_cannot_be_are_refused(targets, change, message):
    with pytest.raises(ConfigError, match=message):
        calibrate(**{"market": MARKET, "strategy": NOW, "targets": targets, "draws": 50} | RUN | change)


def test_a_share_of_nothing_is_no_target():
    target = Target(quantity="complaints", per="contacts", low=0.1, high=0.2)
    with pytest.raises(FitError, match="a share needs something to be a share of"):
        calibrate(MARKET, NOW, [target], draws=50, **RUN)


@pytest.mark.slow
def test_intervals_of_calibrated_numbers_hold_the_truth():
    """200 firms whose ceiling is drawn from the belief and whose births, off by their error, become the target; and
    the planted error that half of the posterior's spread would be.

    Of 100 even ranks 94 lie inside the limits. A right estimator stays between the bounds with probability .996, and
    has a p-value above .001 with .999: it passes with more than .99.
    """
    random, places, narrow = np.random.default_rng(7), [], []
    for seed in range(200):
        truth = float(GUESS.quantile(random.random()))
        came = random.binomial(1000, truth) + 6.0 * random.normal()
        reach = 6.0 * norm.ppf(0.95)
        target = Target(quantity="births", low=came - reach, high=came + reach)
        found = calibrate(MARKET, NOW, [target], draws=99, seed=seed, horizon=4.0)
        draws = np.log(found.draws[CEILING].to_numpy())
        halved = np.median(draws) + 0.5 * (draws - np.median(draws))
        for ranks_of, some in ((places, draws), (narrow, halved)):
            ranks_of.append(((some < math.log(truth)).sum() + 0.5) / 100)
    low, high = binom.ppf([0.002, 0.998], 200, 0.94)
    held, held_by_half = (
        int(((np.array(ranks_of) > 0.025) & (np.array(ranks_of) < 0.975)).sum()) for ranks_of in (places, narrow)
    )
    assert kstest(places, "uniform").pvalue > 0.001
    assert low <= held <= high, held
    assert held_by_half < low, held_by_half
