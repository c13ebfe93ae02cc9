"""Truth: survival regressions of simulated lives cover the numbers they were drawn with as often as they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest
from scipy.stats import t as student

import churnsim as cs
from churnsim.errors import DataError
from churnsim.models.survival.cox import RiskSets
from churnsim.models.survival.location_scale import Lifetimes, maximise

TRUE = np.array([0.5, -0.3])
CUSTOMERS = 150


def lives(random, kind):
    """Lives by the family, a third censored, a third under observation late; Cox's known to a quarter of a unit."""
    z = random.standard_normal((4 * CUSTOMERS, 2))
    draw = {
        "cox": lambda n: np.log(random.exponential(1.0, n)), "weibull": lambda n: np.log(random.exponential(1.0, n)),
        "log_normal": random.standard_normal, "log_logistic": lambda n: random.logistic(size=n),
        "generalized_gamma": lambda n: np.log(random.gamma(4.0, 0.25, n)) * 2,
    }[kind]  # fmt: skip
    sign = -1.0 if kind == "cox" else 1.0
    life = np.exp(2.0 + sign * z @ TRUE + (1.0 if kind == "cox" else 0.7) * draw(len(z)))
    entry = np.where(random.random(len(z)) < 1 / 3, random.uniform(0, 4, len(z)), 0.0)
    end = np.minimum(life, random.uniform(5, 25, len(z)))
    churned = life <= end
    if kind == "cox":
        end, entry = np.ceil(4 * end) / 4, np.floor(4 * entry) / 4
    rows = np.flatnonzero(end > entry)[:CUSTOMERS]
    z = z[rows]
    return z - z.mean(axis=0), end[rows], churned[rows], entry[rows]


def covered(kind, samples, seed):
    """Shares of samples whose 95% interval holds each coefficient."""
    random, inside = np.random.default_rng(seed), np.zeros(2)
    for _ in range(samples):
        z, tenure, churned, entry = lives(random, kind)
        if kind == "cox":
            at, matrix = (
                (peak := RiskSets(z, tenure, churned, entry, np.zeros(len(z), "U1")).maximise()).at,
                peak.covariance,
            )
        else:
            peak = maximise(kind, Lifetimes.of(tenure, churned, entry), z)[0]
            at, matrix = peak.at[1:3], peak.covariance[1:3, 1:3]
        inside += np.abs(at - TRUE) < 1.96 * np.sqrt(np.diag(matrix))
    return inside / samples


@pytest.mark.parametrize("kind", ["cox", "weibull"])
def test_intervals_cover(kind):
    """80 samples: 95% to 4 standard errors of a share."""
    assert np.abs(covered(kind, 80, 1) - 0.95).max() < 4 * np.sqrt(0.95 * 0.05 / 80)


@pytest.mark.parametrize("kind", ["cox", "weibull", "log_normal", "log_logistic", "generalized_gamma"])
def test_intervals_cover_in_the_long_run(kind):
    """1,000 samples: 93 to 97%."""
    assert np.abs(covered(kind, 1000, 2) - 0.95).max() < 0.02


def clustered(random):
    """Forty households of four, of one covariate and one frailty each; every customer's history cut in two rows."""
    home = np.repeat(np.arange(40), 4)
    x, frailty = random.standard_normal(40)[home], random.gamma(1.5, 1 / 1.5, 40)[home]
    life, seen = random.exponential(8 / frailty * np.exp(-0.3 * x)), random.uniform(4, 20, 160)
    end, left = np.minimum(life, seen), life <= seen
    first = pd.DataFrame({"tenure": end / 2, "churned": False, "entry": 0.0, "x": x, "home": home})
    return pd.concat([first, first.assign(tenure=end, churned=left, entry=end / 2)], ignore_index=True)


def test_clustered_errors_are_the_spread_over_firms():
    """Over 50 firms the coefficient's spread is the clustered error's, to 4 standard errors; the usual error is too
    small by a third and more."""
    random, rows = np.random.default_rng(4), []
    for _ in range(50):
        fit = cs.models.SurvivalRegression.fit(clustered(random), covariates=["x"], cluster="home")
        usual = fit.risk_sets.maximise().covariance[0, 0]
        rows.append((fit.parameters["x"], fit.matrix[0, 0], usual))
    at, robust, usual = np.array(rows).T
    assert np.mean(robust) / at.var(ddof=1) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 49))
    assert np.mean(usual) / at.var(ddof=1) < 0.7


def test_limits_of_few_clusters_are_wider_and_of_one_refused():
    """Six firms and no effect of what they differ in, 150 samples: by the normal quantile 73% are held, by t5 84%."""
    random, held, plain = np.random.default_rng(3), 0, 0
    for _ in range(30):
        firm = np.repeat(np.arange(6), 20)
        pace, x = random.gamma(4.0, 0.25, 6)[firm], random.standard_normal(6)[firm]
        frame = pd.DataFrame({"tenure": random.weibull(1.2, 120) / pace, "churned": True, "x": x, "firm": firm})
        found = cs.models.SurvivalRegression.fit(frame, covariates=["x"], cluster="firm").summary().loc["x"]
        held += found["lower"] <= 0 <= found["upper"]
        plain += abs(found["estimate"]) <= 1.96 * found["standard_error"]
    assert (found["upper"] - found["estimate"]) / found["standard_error"] == pytest.approx(student.ppf(0.975, 5))
    assert held > plain
    with pytest.raises(DataError, match="'firm' has 1 units: errors of 1 coefficients take more"):
        cs.models.SurvivalRegression.fit(frame.assign(firm="a"), covariates=["x"], cluster="firm")


def test_changing_covariates_in_rows_find_their_effect():
    """An offer that begins at a random time and halves the hazard from then on: rows before and after; taken as there
    from the start it would seem to help those who lived to see it."""
    random = np.random.default_rng(7)
    n = 3000
    begins, seen, clock = random.uniform(0, 15, n), random.uniform(5, 20, n), random.exponential(8.0, n)
    life = np.where(clock < begins, clock, begins + (clock - begins) * 2)
    end, left = np.minimum(life, seen), life <= seen
    ever = end > begins
    before = pd.DataFrame({"tenure": np.minimum(end, begins), "churned": left & ~ever, "entry": 0.0, "offer": 0.0})
    after = pd.DataFrame({"tenure": end, "churned": left, "entry": begins, "offer": 1.0})[ever]
    rows = pd.concat([before, after]).reset_index(names="customer")
    fit = cs.models.SurvivalRegression.fit(rows, covariates=["offer"], cluster="customer")
    assert fit.parameters["offer"] == pytest.approx(-np.log(2), abs=4 * fit.standard_errors["offer"])
    wrong = cs.models.SurvivalRegression.fit(
        pd.DataFrame({"tenure": end, "churned": left, "offer": ever * 1.0}), covariates=["offer"]
    )
    assert wrong.parameters["offer"] < -1.3


def held(limits, share, n):
    """The probability with which the limits hold a share of which k of n are seen: a sum over k."""
    lower, upper = np.array([limits(k) for k in range(n + 1)]).T
    return float(binom.pmf(np.arange(n + 1), n, share)[(lower <= share) & (share <= upper)].sum())


@pytest.mark.parametrize("n", [5, 20])
def test_limits_where_few_or_most_are_lost_hold_the_share(n):
    """Of n customers watched throughout, k are lost at 1: binomial, so that the coverage is a sum over k. Limits of no
    width where none or all are lost would hold a share of .02 with 33% (20 customers)."""
    ends = [np.where(np.arange(n) < k, 1.0, 3.0) for k in range(n + 1)]
    frames = [pd.DataFrame({"tenure": end, "churned": True, "cause": np.where(end < 2, "a", "b")}) for end in ends]
    curves = [cs.models.SurvivalCurve.fit(frame).interval([2.0]).iloc[0][["lower", "upper"]] for frame in frames]
    causes = [cs.models.cumulative_incidence(frame) for frame in frames]
    shares = [
        cause.at(2.0).loc["a", ["lower", "upper"]] if "a" in cause.losses else (0.0, cause.none_lost)
        for cause in causes
    ]
    for share in (0.02, 0.1, 0.5, 0.9, 0.98):
        assert held(lambda k: 1 - curves[k].to_numpy()[::-1], share, n) > 0.9
        assert held(lambda k: tuple(shares[k]), share, n) > 0.9
    exact = binomtest(0, n).proportion_ci(method="exact").high
    assert 1 - curves[0]["lower"] == pytest.approx(exact)
    assert causes[0].none_lost == pytest.approx(exact)


def test_no_limits_are_told_beyond_the_data():
    """Until the first loss the fewest at risk at once count, here 1 of 4; beyond the longest tenure nothing is known
    but that no more are there than before."""
    frame = pd.DataFrame(
        {"tenure": [2.0, 4.0, 5.0, 6.0], "churned": [False, True, True, False], "entry": [0.0, 0.0, 3.0, 3.0]}
    )
    found = cs.models.SurvivalCurve.fit(frame).interval([0.0, 3.5, 5.5, 60.0])
    assert found.loc[0.0, ["lower", "upper"]].tolist() == [1.0, 1.0]
    assert found.loc[3.5, "lower"] == pytest.approx(0.025)  # one customer at risk between 2 and 3
    assert found.loc[60.0, "lower"] == 0
    assert found.loc[60.0, "upper"] == found.loc[5.5, "upper"] < 1
    causes = cs.models.cumulative_incidence(frame.assign(cause="price"))
    upper = [float(causes.at(t).loc["price", "upper"]) for t in (5.5, 60.0)]
    assert upper[0] < upper[1] == pytest.approx(min(upper[0] + causes.overall.iloc[-1], 1.0))


def test_a_quartile_may_lie_before_the_first_loss():
    """Of 5, none may have been lost by then with half of them gone: 2.5% is .5^5.3."""
    frame = pd.DataFrame({"tenure": [3.0, 4.0, 5.0, 6.0, 7.0], "churned": True})
    found = cs.models.SurvivalCurve.fit(frame).summary()
    assert found.loc["25% left", "lower"] == 0
    assert found.loc["75% left", "upper"] == np.inf
