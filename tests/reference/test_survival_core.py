"""Truth: weighted, clustered and penalised survival regressions, and the generalised gamma, against closed forms, exact
arithmetic and R's printed output."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.survival.ascent import SAMPLE
from churnsim.models.survival.cox import RiskSets
from churnsim.models.survival.location_scale import LAWS, Lifetimes, maximise

F = pd.DataFrame
# Therneau & Grambsch (2000), appendix E, and the tests book3.R to book6.R of R's survival: test data 2 (counting
# process) and the weighted test data.
COUNTING = F(
    {
        "entry": [1.0, 2, 5, 2, 1, 7, 3, 4, 8, 8], "tenure": [2.0, 3, 6, 7, 8, 9, 9, 9, 14, 17],
        "churned": [True] * 7 + [False] * 3, "x": [1.0, 0, 0, 1, 0, 1, 1, 1, 0, 0],
    }
)  # fmt: skip
WEIGHTED = F(
    {
        "tenure": [1.0, 1, 2, 2, 2, 2, 3, 4, 5],
        "churned": np.array([1, 0, 1, 1, 1, 0, 0, 1, 0]) == 1,
        "x": [2.0, 0, 1, 1, 0, 1, 0, 1, 0],
        "wt": [1.0, 2, 3, 4, 3, 2, 1, 2, 1],
    }
)
# Edmunson et al. (1979), as R's survival has them: time, death, age, residual disease, treatment, performance.
OVARIAN = np.array(
    """59 1 72.3315 2 1 1; 115 1 74.4932 2 1 1; 156 1 66.4658 2 1 2; 421 0 53.3644 2 2 1; 431 1 50.3397 2 1 1;
    448 0 56.4301 1 1 2; 464 1 56.9370 2 2 2; 475 1 59.8548 2 2 2; 477 0 64.1753 2 1 1; 563 1 55.1781 1 2 2;
    638 1 56.7562 1 1 2; 744 0 50.1096 1 2 1; 769 0 59.6301 2 2 2; 770 0 57.0521 2 2 1; 803 0 39.2712 1 1 1;
    855 0 43.1233 1 1 2; 1040 0 38.8932 2 1 2; 1106 0 44.6000 1 1 1; 1129 0 53.9068 1 2 1; 1206 0 44.2055 2 2 1;
    1227 0 59.5890 1 2 2; 268 1 74.5041 2 1 2; 329 1 43.1370 2 1 1; 353 1 63.2192 1 2 2; 365 1 64.4247 2 2 1;
    377 0 58.3096 1 2 1""".replace("\n", " ").replace(";", " ").split(), dtype=float,
).reshape(-1, 6)  # fmt: skip


@pytest.fixture(scope="module")
def ovarian():
    """Days as R takes them, known to the moment: not whole, so that they are no censored units."""
    frame = F(OVARIAN, columns=["tenure", "churned", "age", "residual", "rx", "ecog"])
    return frame.assign(tenure=frame["tenure"] + 1e-9, churned=frame["churned"] == 1)


def risk_sets(frame, ties):
    weight = frame["wt"].to_numpy() if "wt" in frame else None
    entry = frame["entry"].to_numpy() if "entry" in frame else np.zeros(len(frame))
    x, tenure, churned = (frame[name].to_numpy() for name in ("x", "tenure", "churned"))
    return RiskSets(x[:, None], tenure, churned, entry, np.zeros(len(frame), "U1"), ties, weight)


def efron_table(b):
    """Losses, weights and means of the weighted data by hand (book6.R): the residuals of a row are its surprises less
    its hazards, times its distance from each mean."""
    r = np.exp(b)
    at_risk = np.array(
        [[1] * 9, [0, 0] + [1] * 7, [0, 0, 2 / 3, 2 / 3, 2 / 3, 1, 1, 1, 1], [0, 0, 1 / 3, 1 / 3, 1 / 3, 1, 1, 1, 1],
         [0] * 7 + [1, 1]]
    ).T  # fmt: skip
    risk, x, wt = (np.array(v, float) for v in ([r**2, 1, r, r, 1, r, 1, r, 1], WEIGHTED["x"], WEIGHTED["wt"]))
    sums = (risk * wt) @ at_risk
    means = (x * risk * wt) @ at_risk / sums
    surprise = -(risk[:, None] * at_risk) * (np.array([1, 10 / 3, 10 / 3, 10 / 3, 2]) / sums)
    surprise[0, 0] += 1
    surprise[2:5, 1:4] += 1 / 3
    surprise[7, 4] += 1
    loglik = 11 * b - np.log(sums) @ [1, 10 / 3, 10 / 3, 10 / 3, 2]
    information = (4 * r**2 + 11 * r) / sums[0] - means[0] ** 2
    information += 10 * np.mean(means[1:4] - means[1:4] ** 2) + 2 * (means[4] - means[4] ** 2)
    return loglik, information, (surprise * (x[:, None] - means)).sum(axis=1)


@pytest.mark.parametrize("b", [0.0, 0.3, 1.0])
def test_weighted_ties_by_hand(b):
    """Therneau & Grambsch's closed forms: ln L, information and score residuals with weights, Efron and Breslow."""
    r = np.exp(b)
    found = risk_sets(WEIGHTED, "breslow")
    value, slope, curvature = found._moments(np.array([b]))
    assert value == pytest.approx(
        11 * b - np.log(r**2 + 11 * r + 7) - 10 * np.log(11 * r + 5) - 2 * np.log(2 * r + 1), rel=1e-14
    )
    means = np.array([(2 * r**2 + 11 * r) / (r**2 + 11 * r + 7), 11 * r / (11 * r + 5), 2 * r / (2 * r + 1)])
    assert slope[0] == pytest.approx(11 - means @ [1, 10, 2], rel=1e-12)
    second = (4 * r**2 + 11 * r) / (r**2 + 11 * r + 7) - means[0] ** 2
    assert curvature[0, 0] == pytest.approx(second + (means[1:] - means[1:] ** 2) @ [10, 2], rel=1e-12)
    found, (loglik, information, residuals) = risk_sets(WEIGHTED, "efron"), efron_table(b)
    value, slope, curvature = found._moments(np.array([b]))
    assert value == pytest.approx(loglik, rel=1e-14)
    assert curvature[0, 0] == pytest.approx(information, rel=1e-12)
    scores = found.scores(np.array([b]))[:, 0]
    np.testing.assert_allclose(scores, WEIGHTED["wt"] * residuals, atol=1e-13)
    assert scores.sum() == pytest.approx(slope[0], abs=1e-13)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_counting_process_by_hand(ties):
    """Test data 2 of the book: r = e^b solves the score equation; three strata shifted in time triple it all."""
    fit = cs.models.SurvivalRegression.fit(COUNTING, covariates=["x"], ties=ties)
    b, r = fit.parameters["x"], np.exp(fit.parameters["x"])
    last = 2 * np.log(3 * r + 2) if ties == "breslow" else np.log(3 * r + 2) + np.log(2 * r + 2)
    loglik = 4 * b - np.log(r + 1) - np.log(r + 2) - np.log(3 * r + 2) - 2 * np.log(3 * r + 1) - last
    assert fit.loglik == pytest.approx(loglik, rel=1e-13)
    information = r / (r + 1) ** 2 + 2 * r / (r + 2) ** 2 + 6 * r / (3 * r + 2) ** 2 + 6 * r / (3 * r + 1) ** 2
    information += 12 * r / (3 * r + 2) ** 2 if ties == "breslow" else 6 * r / (3 * r + 2) ** 2 + r / (r + 1) ** 2
    assert fit.matrix[0, 0] == pytest.approx(1 / information, rel=1e-6)
    if ties == "breslow":
        assert b == pytest.approx(-0.084526081, abs=5e-9)  # book3.R
    shifted = [COUNTING.assign(entry=COUNTING["entry"] + k, tenure=COUNTING["tenure"] + k, group=k) for k in (1, 2, 3)]
    tripled = cs.models.SurvivalRegression.fit(pd.concat(shifted), covariates=["x"], ties=ties, strata="group")
    assert tripled.loglik == pytest.approx(3 * loglik, rel=1e-13)
    assert tripled.parameters["x"] == pytest.approx(b, abs=1e-9)
    np.testing.assert_allclose(tripled.matrix, fit.matrix / 3, rtol=1e-6)


def test_the_partial_likelihood_in_exact_arithmetic():
    """e^b = 2: every risk set a fraction. Ties, late entries, strata and weights at once, Efron."""
    n = 24
    k = np.arange(n)
    tenure, entry = k % 4 + 2.0, np.where(k % 5 == 0, 1.0 + k % 2, 0.0)
    churned, x, wt, group = k % 3 > 0, (k * 7 % 5 > 2) * 1.0, 1.0 + k % 3, np.where(k % 7 < 3, "a", "b")
    entry = np.where(entry < tenure, entry, 0.0)
    product, power = [], Fraction(0)
    for word in ("a", "b"):
        for t in np.unique(tenure[churned & (group == word)]):
            there = (group == word) & (entry < t) & (tenure >= t)
            lost = there & churned & (tenure == t)
            risk = [Fraction(int(w)) * 2 ** int(z) for w, z in zip(wt, x, strict=True)]
            everybody, leaving = (sum(r for r, own in zip(risk, rows, strict=True) if own) for rows in (there, lost))
            d = int(lost.sum())
            mean = Fraction(int(wt[lost].sum()), d)
            power += int((wt * x)[lost].sum())
            product += [(everybody - Fraction(j, d) * leaving, mean) for j in range(d)]
    with mpmath.workdps(30):
        exact = power * mpmath.log(2) - sum(
            mpmath.mpf(m.numerator) / m.denominator * mpmath.log(mpmath.mpf(s.numerator) / s.denominator)
            for s, m in product
        )
    found = RiskSets(x[:, None], tenure, churned, entry, group, "efron", wt)
    value, slope, _ = found._moments(np.log([2.0]))
    assert value == pytest.approx(float(exact), rel=1e-14)
    assert found.scores(np.log([2.0])).sum() == pytest.approx(slope[0], abs=1e-12)


def test_robust_errors_are_the_infinitesimal_jackknife():
    """With Breslow's ties, weights, late entries and strata: a row's score times the covariance is the derivative of
    the coefficients by its weight, times the weight; the sandwich is the sum of its squares, by unit."""
    random = np.random.default_rng(5)
    n = 60
    data = F({"tenure": random.integers(1, 9, n) * 1.0, "churned": random.random(n) < 0.6})
    data = data.assign(
        entry=np.where(random.random(n) < 0.3, data["tenure"] - 1, 0.0), x=random.standard_normal(n),
        y=random.random(n), wt=random.integers(1, 4, n) * 1.0, group=np.arange(n) % 2, who=np.arange(n) // 3,
    )  # fmt: skip
    asked = {"covariates": ["x", "y"], "weights": "wt", "ties": "breslow", "strata": "group"}
    fit = cs.models.SurvivalRegression.fit(data, **asked)
    moved = np.empty((n, 2))
    for i in range(n):
        ends = []
        for sign in (1, -1):
            other = data.assign(wt=data["wt"].where(data.index != i, data["wt"] + sign * 1e-3))
            sets = fit.risk_sets
            ends.append(RiskSets(sets.centred, sets.tenure, sets.churned, sets.entry, sets.stratum, "breslow",
                                 other["wt"].to_numpy()).maximise().at)  # fmt: skip
        moved[i] = (ends[0] - ends[1]) / 2e-3 * data["wt"][i]
    np.testing.assert_allclose(fit.risk_sets.scores(np.array(list(fit.parameters.values()))) @ fit.matrix, moved,
                               atol=1e-7)  # fmt: skip
    robust = cs.models.SurvivalRegression.fit(data, robust=True, **asked)
    np.testing.assert_allclose(robust.matrix, moved.T @ moved, rtol=1e-5)
    by_unit = F(moved).groupby(data["who"]).sum().to_numpy()
    clustered = cs.models.SurvivalRegression.fit(data, cluster="who", **asked)
    np.testing.assert_allclose(clustered.matrix, by_unit.T @ by_unit, rtol=1e-5)


def test_weights_that_count_are_repeated_rows():
    """Under Breslow's ties and for accelerated times; Efron takes repeated rows one after the other (as in R)."""
    random = np.random.default_rng(3)
    n = 80
    life, seen = random.exponential(9, n), random.uniform(2, 20, n)
    data = F({"tenure": np.minimum(life, seen), "churned": life <= seen, "x": random.standard_normal(n)})
    data["wt"] = random.integers(1, 4, n).astype(float)
    repeated = data.loc[data.index.repeat(data["wt"].astype(int))].reset_index(drop=True)
    for kind in ("cox", "weibull_aft", "log_normal_aft", "log_logistic_aft", "generalized_gamma_aft"):
        one = cs.models.SurvivalRegression.fit(data, kind, covariates=["x"], weights="wt", ties="breslow")
        many = cs.models.SurvivalRegression.fit(repeated, kind, covariates=["x"], ties="breslow")
        assert one.n == many.n
        assert one.loglik == pytest.approx(many.loglik, rel=1e-9)
        assert one.parameters["x"] == pytest.approx(many.parameters["x"], abs=1e-6)
        assert one.standard_errors["x"] == pytest.approx(many.standard_errors["x"], rel=1e-5)
        clustered = cs.models.SurvivalRegression.fit(
            repeated.assign(who=data.index.repeat(data["wt"].astype(int))), kind, covariates=["x"], ties="breslow",
            cluster="who",
        )  # fmt: skip
        robust = cs.models.SurvivalRegression.fit(
            data, kind, covariates=["x"], weights="wt", ties="breslow", robust=True
        )
        assert clustered.standard_errors["x"] == pytest.approx(robust.standard_errors["x"], rel=1e-5)


@pytest.mark.parametrize("kind", ["cox", "weibull_aft", "generalized_gamma_aft"])
def test_a_penalty_moves_the_score_to_itself(kind):
    """At a ridge's maximum the gradient of the likelihood is penalty times b, and the information grows by it."""
    random = np.random.default_rng(3)
    n = 90
    x, y = random.standard_normal(n), random.standard_normal(n) * 10
    life, seen = np.exp(2 + 0.5 * x + 0.6 * random.standard_normal(n)), random.uniform(2, 20, n)
    data = F({"tenure": np.minimum(life, seen), "churned": life <= seen, "x": x, "y": y})
    free = cs.models.SurvivalRegression.fit(data, kind, covariates=["x", "y"])
    held = cs.models.SurvivalRegression.fit(data, kind, covariates=["x", "y"], penalty=7.0)
    b = np.array(list(held.parameters.values()))
    assert np.abs(b).max() < np.abs(list(free.parameters.values())).max()
    assert held.loglik < free.loglik
    centred = data[["x", "y"]].to_numpy() - data[["x", "y"]].to_numpy().mean(axis=0)
    tenure, churned = data["tenure"].to_numpy(), data["churned"].to_numpy()
    if kind == "cox":
        slope = RiskSets(centred, tenure, churned, np.zeros(n), np.zeros(n, "U1")).scores(b).sum(axis=0)
    else:
        times = Lifetimes.of(tenure, churned, np.zeros(n))
        _, scores = maximise(kind.removesuffix("_aft"), times, centred, penalty=7.0)
        slope = scores().sum(axis=0)[1:3]
    np.testing.assert_allclose(slope, 7.0 * b, atol=1e-4)


def test_ovarian_as_r_prints_it(ovarian):
    """R's survival: coxph(Surv(futime, fustat) ~ age + rx) and survreg(Surv(futime, fustat) ~ ecog.ps + rx, dist =
    "weibull"), as its help prints them; flexsurv's help: the generalised gamma and the Weibull without covariates."""
    cox = cs.models.SurvivalRegression.fit(ovarian, covariates=["age", "rx"], unit="D")
    assert cox.parameters == pytest.approx({"age": 0.14733, "rx": -0.80397}, abs=5e-6)
    assert cox.standard_errors == pytest.approx({"age": 0.04615, "rx": 0.63205}, abs=5e-6)
    weibull = cs.models.SurvivalRegression.fit(ovarian, "weibull_aft", covariates=["ecog", "rx"], unit="D")
    at_zero = weibull.model.intercept - weibull.model.linear(F({"ecog": [0.0], "rx": [0.0]}))[0] * -1
    assert at_zero == pytest.approx(6.897, abs=5e-4)
    assert weibull.parameters == pytest.approx({"ecog": -0.385, "rx": 0.529}, abs=5e-4)
    assert weibull.standard_errors == pytest.approx({"ecog": 0.527, "rx": 0.529}, abs=5e-4)
    assert 1 / weibull.model.shape == pytest.approx(0.884, abs=5e-4)
    assert weibull.loglik == pytest.approx(-97.1, abs=0.05)
    gamma = cs.models.SurvivalCurve.fit(ovarian, "generalized_gamma", unit="D")
    assert gamma.loglik == pytest.approx(-96.94907, abs=5e-6)
    found = (gamma.parameters["mu_"], np.exp(gamma.parameters["ln_sigma_"]), gamma.parameters["lambda_"])
    assert found == pytest.approx((6.426, 1.426, -0.766), abs=2e-3)  # flexsurv's search ends 1e-3 away
    assert cs.models.SurvivalCurve.fit(ovarian, "weibull", unit="D").loglik == pytest.approx(-97.95390, abs=5e-6)


def test_lung_as_r_prints_it():
    """R: coxph(Surv(time, status) ~ age + sex + ph.ecog, data = lung), 227 complete patients."""
    datasets = pytest.importorskip("lifelines.datasets")
    lung = datasets.load_lung()[["time", "status", "age", "sex", "ph.ecog"]].dropna()
    frame = lung.rename(columns={"time": "tenure", "status": "churned"}).astype({"tenure": float, "churned": bool})
    fit = cs.models.SurvivalRegression.fit(frame, covariates=["age", "sex", "ph.ecog"], unit="D")
    assert fit.parameters == pytest.approx({"age": 0.011067, "sex": -0.552612, "ph.ecog": 0.463728}, abs=5e-7)
    assert fit.standard_errors == pytest.approx({"age": 0.009267, "sex": 0.167739, "ph.ecog": 0.113577}, abs=5e-7)


@pytest.mark.parametrize("q", [1.3, 0.29, -0.05, -0.7])
def test_derivatives_of_the_generalised_gamma(q):
    """ln S and ln f of w with all derivatives by w and q, against mpmath."""

    def log_f(w, q):
        k = 1 / mpmath.mpf(q) ** 2
        return mpmath.log(abs(q)) + k * mpmath.log(k) + k * (q * w - mpmath.exp(q * w)) - mpmath.loggamma(k)

    def log_s(w, q):
        k = 1 / mpmath.mpf(q) ** 2
        at = k * mpmath.exp(q * w)
        return mpmath.log(mpmath.gammainc(k, *((at, mpmath.inf) if q > 0 else (0, at)), regularized=True))

    for w in (-2.5, 0.01, 1.5):
        for law, exact in zip(LAWS["generalized_gamma"], (log_s, log_f), strict=True):
            with mpmath.workdps(30):
                orders = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2)]
                expected = [float(mpmath.diff(exact, (w, q), order)) for order in orders]
            np.testing.assert_allclose([part[0] for part in law(np.array([w]), q)], expected, rtol=2e-7, atol=1e-10)


def test_many_rows_start_from_a_sample_and_end_at_the_maximum():
    """Above 16,000 rows; also where the sampled rows alone have no maximum."""
    random = np.random.default_rng(3)
    n = 4 * SAMPLE + 100
    x = random.standard_normal(n)
    life, seen = random.weibull(1.3, n) * 9 * np.exp(0.3 * x), random.uniform(2, 20, n)
    data = F({"tenure": np.minimum(life, seen), "churned": life <= seen, "x": x})
    data["rare"] = ((np.arange(n) % (n // SAMPLE) > 0) & (random.random(n) < 0.01)) * 1.0  # in no sampled row
    for covariates in (["x"], ["x", "rare"]):
        for kind in ("cox", "weibull_aft"):
            fit = cs.models.SurvivalRegression.fit(data, kind, covariates=covariates, robust=True)
            assert fit.status.code == "converged"
            value = -0.39 if kind == "cox" else 0.3
            assert abs(fit.parameters["x"] - value) < 4 * fit.standard_errors["x"]
            if kind == "cox":
                b = np.array(list(fit.parameters.values()))
                slope = fit.risk_sets.scores(b).sum(axis=0)
                assert np.abs(slope * np.sqrt(np.diag(fit.matrix))).max() < 1e-4


def test_a_generalised_gamma_without_a_maximum_says_so():
    random = np.random.default_rng(3)
    n = 90
    x, _ = random.standard_normal(n), random.standard_normal(n)
    life, seen = random.exponential(9 * np.exp(0.5 * x)), random.uniform(2, 20, n)
    data = F({"tenure": np.minimum(life, seen), "churned": life <= seen, "x": x})
    fit = cs.models.SurvivalRegression.fit(data, "generalized_gamma_aft", covariates=["x"])
    assert fit.status.code == "boundary"
    assert "lambda" in fit.status.message
    assert fit.loglik > cs.models.SurvivalRegression.fit(data, "weibull_aft", covariates=["x"]).loglik
    assert np.isfinite(fit.model.survival([1.0, 30.0], customers=data.head(3))).all(axis=None)


def test_impossible_weights_and_clusters():
    good = COUNTING.assign(wt=1.0, who="a")
    for weights, message in ((0.0, "must be above 0"), (np.nan, "finite"), (-1.0, "must be above 0")):
        with pytest.raises(cs.errors.DataError, match=message):
            cs.models.SurvivalRegression.fit(good.assign(wt=weights), covariates=["x"], weights="wt")
    with pytest.raises(cs.errors.ConfigError, match="no column 'whose'"):
        cs.models.SurvivalRegression.fit(good, covariates=["x"], cluster="whose")
    with pytest.raises(cs.errors.DataError, match="missing for customer"):
        cs.models.SurvivalRegression.fit(good.assign(who=None), covariates=["x"], cluster="who")
    with pytest.raises(cs.errors.ConfigError, match="penalty must be"):
        cs.models.SurvivalRegression.fit(good, covariates=["x"], penalty=-1.0)
