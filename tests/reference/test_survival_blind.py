"""Truth: survival estimates against second implementations from their definitions, exact fractions and R's output."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.stats import kstwobign

import churnsim as cs
from churnsim.models.survival.cox import RiskSets
from churnsim.models.survival.location_scale import Lifetimes, maximise
from churnsim.product_limit import RiskTable

F = pd.DataFrame
LATE = F(
    {
        "tenure": [1.0, 1, 2, 3, 3, 5, 6], "churned": [True, False, True, True, False, True, False],
        "entry": [0.0, 0, 1, 1, 2, 0, 3],
    }
)  # fmt: skip
ALL_LOST = F({"tenure": [1.0, 2, 3, 4], "churned": [True] * 4})


def test_who_enters_at_a_time_is_not_at_risk_at_it():
    """At 1 the three from the start; at 2 the two who entered at 1 and one from the start; at 3 those two with the one
    who entered at 2; at 5 one from the start and the one who entered at 3."""
    table = cs.models.SurvivalCurve.fit(LATE).table
    assert table["at_risk"].tolist() == [3, 3, 3, 2]
    steps = [Fraction(2, 3), Fraction(2, 3), Fraction(2, 3), Fraction(1, 2)]
    s = [float(np.prod(steps[: k + 1])) for k in range(4)]
    np.testing.assert_allclose(table["survival"], s, rtol=1e-14)
    greenwood = np.cumsum([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    np.testing.assert_allclose(table["standard_error"], s * np.sqrt(greenwood), rtol=1e-14)
    counted = RiskTable.of(*(LATE[name].to_numpy() for name in ("tenure", "churned", "entry")))
    np.testing.assert_allclose(counted.cumulative_hazard, np.cumsum([1 / 3, 1 / 3, 1 / 3, 1 / 2]), rtol=1e-14)
    causes = cs.models.cumulative_incidence(LATE.assign(cause="any"))
    np.testing.assert_allclose(causes.table["incidence"], 1 - np.array(s), rtol=1e-14)
    cox = cs.models.SurvivalRegression.fit(LATE.assign(x=[1.0, 0, 0, 1, 1, 0, 1]), covariates=["x"])
    steps = np.diff(cox.risk_sets.baselines(np.zeros(1))[""].hazards, prepend=0.0)
    np.testing.assert_allclose(steps, [1 / 3, 1 / 3, 1 / 3, 1 / 2], rtol=1e-14)


def test_a_level_of_95_is_refused_everywhere():
    data, fit = LATE.assign(cause="any", x=[1.0, 0, 0, 1, 1, 0, 1]), cs.models.SurvivalCurve.fit(LATE)
    cox = cs.models.SurvivalRegression.fit(data, covariates=["x"])
    for call in (
        lambda level: cs.models.cumulative_incidence(data, level=level),
        lambda level: fit.interval([1.0], level),
        lambda level: fit.band(level),
        lambda level: cox.summary(level),
        lambda level: cs.models.SurvivalCurve.fit(LATE.assign(tenure=LATE["tenure"] + 0.5), "weibull").summary(level),
    ):
        for level in (95, 0.0, 1.0, float("nan"), True, "0.95"):
            with pytest.raises(cs.errors.ConfigError, match=r"level must be (between 0 and 1|a number)"):
                call(level)


def test_a_curve_that_reaches_nought_values_at_nought():
    fit = cs.models.SurvivalCurve.fit(ALL_LOST)
    there = F({"tenure": [3.0, 4.0, 5.0]})
    for model in (fit.model, *fit.draw_parameters(20, seed=1)):
        assert np.isfinite(model.residual_value(0.1, 1.0, customers=there)).all()
        assert np.isfinite(model.expected_tenure(3.0, customers=there)).all()
        assert np.isfinite(model.retention([1.0, 2.0], customers=there)).all(axis=None)
        assert np.isfinite(model.retention([3.0, 6.0, 9.0])).all()
    assert fit.model.residual_value(0.1, 1.0, customers=there).tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(fit.table).all(axis=None)
    assert np.isfinite(fit.interval([0.0, 2.0, 4.0, 9.0])).all(axis=None)
    # Without censoring Hall and Wellner's band is Kolmogorov's, as wide at the end as anywhere.
    np.testing.assert_allclose(fit.band()["upper"].iloc[-1], min(1.0, kstwobign.ppf(0.95) / 2), rtol=1e-12)
    # One of two lost at the end: a drawn curve reaches 0 in about a quarter of the draws.
    few = cs.models.SurvivalCurve.fit(F({"tenure": [1.0, 2, 2], "churned": [True, True, False]}))
    values = cs.models.subscriber_values(
        {"km": few}, F({"tenure": [2.0, 3.0], "churned": [False, False]}), annual_discount_rate=0.1, draws=40
    )
    assert np.isfinite(values.values).all(axis=None)


def test_everybody_observed_left_before_others_were_seen():
    """The risk set is empty after 1: the curve is 0 from there, and the status says so."""
    fit = cs.models.SurvivalCurve.fit(F({"tenure": [1.0, 3, 6, 5], "churned": [True] * 4, "entry": [0.0, 2, 5, 4]}))
    assert fit.table["survival"].tolist() == [0, 0, 0, 0]
    assert fit.status.code == "too little data"
    assert "at 1 left" in fit.status.message
    assert "fitted to 4 customers" in repr(fit)  # without a parameter to name
    assert fit.summary()["estimate"].tolist() == [1.0, 1.0, 1.0]  # the quartiles
    assert fit.to_dict()["parameters"] == []
    random = np.random.default_rng(1)
    n = 60
    some = F({"tenure": random.integers(2, 12, n).astype(float), "churned": random.random(n) < 0.7})
    some["entry"] = np.where(np.arange(n) < 50, 1.0, 0.0)
    some.loc[0, ["tenure", "churned", "entry"]] = [1.0, True, 0.0]
    table = cs.models.compare_survival(some, kinds=["kaplan_meier", "weibull"], folds=3)
    assert np.isfinite(table[["held_out", "held_out_error", "brier", "loglik"]]).all(axis=None)
    assert np.isfinite(
        cs.models.compare_survival(ALL_LOST, kinds=["kaplan_meier", "weibull"], folds=2)["held_out"]
    ).all()


def test_restricted_means_of_steps_are_rectangles():
    """1, 3/4, 1/2 and 1/4 for a unit each; from 1.5 on, 1 of 3 and so forth: (.5 x 3/4 + 1/2 + 1/4)/(3/4)."""
    model = cs.models.SurvivalCurve.fit(ALL_LOST).model
    assert model.expected_tenure(4) == pytest.approx(2.5, rel=1e-14)
    assert model.expected_tenure(2.5) == pytest.approx(2.0, rel=1e-14)
    expected = (0.5 * 0.75 + 0.5 + 0.25) / 0.75
    assert model.expected_tenure(9, customers=F({"tenure": [1.5]})).iloc[0] == pytest.approx(expected, rel=1e-14)
    # Beyond the last time the tail's hazard: here one loss of two within the last sixth of six units.
    curve = cs.models.SurvivalCurve.fit(F({"tenure": [1.0, 6, 6], "churned": [True, True, False]})).model
    tail = curve.tail_hazard
    assert tail == pytest.approx(np.log(2.0))
    expected = 1.0 + 5 * 2 / 3 + (1 / 3) * (1 - np.exp(-3 * tail)) / tail
    assert curve.expected_tenure(9) == pytest.approx(expected, rel=1e-14)
    # Cox: the same by brute force on a fine grid of left ends, which is exact for steps at whole times.
    data = F({"tenure": [1.0, 2, 3, 4, 5, 6] * 5, "churned": [True, False, True] * 10, "x": np.arange(30.0) % 7})
    cox = cs.models.SurvivalRegression.fit(data, covariates=["x"]).model
    who = F({"tenure": [0.0, 2.0, 5.5], "x": [1.0, 4.0, 6.0]})
    grid = np.arange(0.0, 7.0, 1 / 16)
    whole = cox.survival(grid, customers=who).to_numpy()
    assert who["tenure"].max() + 0.5 == 6.0  # from there on the exponential tail
    m = np.exp(cox.linear(who)) * cox.baselines[""].tail_hazard
    for i, age in enumerate(who["tenure"]):
        inside = grid < 6.0 - age
        at_end = float(cox.survival([6.0 - age], customers=who).iloc[i, 0])
        expected = whole[i, inside].sum() / 16 + at_end * (1 - np.exp(-m[i] * (1 + age))) / m[i]
        assert cox.expected_tenure(7.0, customers=who).iloc[i] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("weibull", {"lambda_": 9.0, "rho_": 0.4}), ("log_normal", {"mu_": 2.0, "sigma_": 1.1}),
     ("mixture_cure", {"cured_fraction_": 0.3, "lambda_": 4.0, "rho_": 6.0}),
     ("generalized_gamma", {"mu_": 2.0, "ln_sigma_": 0.1, "lambda_": -0.7})],
)  # fmt: skip
def test_restricted_means_of_smooth_curves(kind, parameters):
    """Against adaptive quadrature."""
    model = cs.models.SurvivalCurve(kind=kind, parameters=parameters)

    def survival(t):
        return float(model.survival(t))

    for horizon, age in ((3.0, 0.0), (150.0, 0.0), (40.0, 6.0)):
        expected, _ = quad(survival, age, age + horizon, epsabs=1e-13, epsrel=1e-13, limit=500, points=[age + 3.0])
        found = model.expected_tenure(horizon, customers=F({"tenure": [age]})).iloc[0]
        assert found == pytest.approx(expected / survival(age), rel=1e-9)


def test_far_tails_of_the_generalised_gamma():
    """Where S is below 1e-300, against mpmath: a customer there is not immortal."""
    for shape, log_t in ((0.7, 9.0), (-0.7, 700.0)):
        model = cs.models.SurvivalCurve(
            kind="generalized_gamma", parameters={"mu_": 2.0, "ln_sigma_": 0.1, "lambda_": shape}
        )
        k = 1 / mpmath.mpf(shape) ** 2
        at = k * mpmath.exp(shape * (log_t - 2.0) / mpmath.exp(mpmath.mpf(0.1)))
        exact = mpmath.gammainc(k, at, regularized=True) if shape > 0 else mpmath.gammainc(k, 0, at, regularized=True)
        assert model.log_survival(np.exp(np.array([log_t])))[0] == pytest.approx(float(mpmath.log(exact)), rel=1e-6)


def slow_cox(data: pd.DataFrame, b: np.ndarray, ties: str, columns: list[np.ndarray]) -> float:
    """The partial likelihood by its definition; `columns` gives each covariate by (customer, distinct time)."""
    total = 0.0
    tenure, churned, entry, group = (data[name].to_numpy() for name in ("tenure", "churned", "entry", "group"))
    for word in ("a", "b"):
        for k, t in enumerate(np.unique(tenure[churned])):
            score = sum(value * column[:, k] for value, column in zip(b, columns, strict=True))
            at_risk = (group == word) & (entry < t) & (tenure >= t)
            lost = at_risk & (tenure == t) & churned
            everybody, dying = np.exp(score[at_risk]).sum(), np.exp(score[lost]).sum()
            for number in range(lost.sum()):
                share = number / lost.sum() if ties == "efron" else 0.0
                total -= np.log(everybody - share * dying)
            total += score[lost].sum()
    return float(total)


def differences(function, at):
    """Gradient and second derivatives by central differences."""
    n, h = len(at), 1e-4
    unit = h * np.eye(n)
    slope = np.array([(function(at + e) - function(at - e)) / (2 * h) for e in unit])
    second = np.array(
        [
            [
                (function(at + e + f) - function(at + e - f) - function(at - e + f) + function(at - e - f))
                / (4 * h * h)
                for f in unit
            ]
            for e in unit
        ]
    )
    return slope, second


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_from_its_definition(ties):
    """Ties, late entries and strata at once: coefficients, errors, baseline and the score test of proportionality."""
    random = np.random.default_rng(8)
    n = 40
    data = F({"tenure": random.integers(1, 7, n).astype(float), "churned": random.random(n) < 0.7})
    data["entry"] = np.where(random.random(n) < 0.3, data["tenure"] - 1.0, 0.0)
    data["x"], data["y"], data["group"] = (
        random.standard_normal(n),
        random.random(n),
        np.where(np.arange(n) % 2, "a", "b"),
    )
    fit = cs.models.SurvivalRegression.fit(data, covariates=["x", "y"], strata="group", ties=ties)
    b = np.array(list(fit.parameters.values()))
    times = np.unique(data.loc[data["churned"], "tenure"])
    z = [np.repeat(fit.risk_sets.centred[:, [j]], times.size, axis=1) for j in range(2)]
    slope, second = differences(lambda at: slow_cox(data, at, ties, z), b)
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)
    assert fit.loglik == pytest.approx(slow_cox(data, b, ties, z), rel=1e-12)
    np.testing.assert_allclose(fit.matrix, np.linalg.inv(-second), rtol=1e-4)
    g = {
        "identity": times, "log": np.log(times),
        "rank": [data.loc[data["churned"], "tenure"].rank()[data["tenure"] == t].iloc[0] for t in times],
    }  # fmt: skip
    for transform, values in g.items():
        found = fit.proportionality(transform)
        for j, name in enumerate(("x", "y")):
            more = [*z, z[j] * (np.asarray(values) - np.mean(values))]
            slope, second = differences(lambda at, more=more: slow_cox(data, at, ties, more), np.append(b, 0.0))
            expected = slope @ np.linalg.solve(-second, slope)
            assert found.loc[name, "statistic"] == pytest.approx(expected, rel=1e-3)
    weight = np.exp(fit.risk_sets.centred @ b)
    for word, baseline in fit.model.baselines.items():
        total = 0.0
        for t, hazard in zip(baseline.times, baseline.hazards, strict=True):
            own = data["group"] == word
            there = (own & (data["entry"] < t) & (data["tenure"] >= t)).to_numpy()
            lost = there & (data["tenure"] == t).to_numpy() & data["churned"].to_numpy()
            d = lost.sum()
            share = np.arange(d) / d if ties == "efron" else np.zeros(d)
            total += (1 / (weight[there].sum() - share * weight[lost].sum())).sum()
            assert hazard == pytest.approx(total, rel=1e-12)


def test_telco_as_r_has_it():
    """R's survreg(Surv(lower, upper, type = "interval2") ~ contract + charges, dist = "lognormal")."""
    fit = cs.models.SurvivalRegression.fit(
        cs.datasets.telco(), "log_normal_aft", covariates=["contract", "monthly_charges"]
    )
    assert fit.status.ok
    assert fit.loglik == pytest.approx(-9211.5019, abs=5e-5)


def test_telco_in_three_years_as_r_has_it():
    """R's survfit(coxph(Surv(tenure, churned) ~ contract + charges)) for the first customer: Efron's coefficients with
    Efron's baseline. Breslow's baseline with the same coefficients, as in lifelines, has .5125."""
    telco = cs.datasets.telco()
    fit = cs.models.SurvivalRegression.fit(telco, covariates=["contract", "monthly_charges"])
    first = telco.iloc[:1].assign(tenure=0.0)
    assert fit.model.residual_survival(first, np.array([36.0]))[0, 0] == pytest.approx(0.5077, abs=5e-5)


def test_rossi_by_transform():
    """R's cox.zph of the seven covariates of Rossi, Berk & Lenihan (1980): the statistic of age is 8.23 by log(t), and
    smallest by rank. These are from the definition of the score test, coded apart from the package."""
    from lifelines.datasets import load_rossi

    rossi = load_rossi().rename(columns={"week": "tenure", "arrest": "churned"})
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    fit = cs.models.SurvivalRegression.fit(rossi, covariates=names, unit="W")
    found = {word: fit.proportionality(word).loc["age", "statistic"] for word in ("log", "identity", "km", "rank")}
    assert found == pytest.approx({"log": 8.231, "identity": 6.616, "km": 5.974, "rank": 5.846}, abs=5e-4)


@pytest.mark.parametrize("family", ["weibull", "log_normal", "log_logistic"])
def test_accelerated_times_from_their_definition(family):
    """Exact, censored to an interval from 0, still there, and entered late: value and derivatives at the maximum."""
    from scipy.stats import gumbel_l, logistic, norm

    law = {"weibull": gumbel_l, "log_normal": norm, "log_logistic": logistic}[family]
    random = np.random.default_rng(4)
    n = 60
    lower = np.where(np.arange(n) % 3 == 0, 0.0, random.integers(1, 9, n).astype(float))
    kind = np.arange(n) % 4
    lower = np.where(kind % 3 == 0, np.maximum(lower, 0.5), lower)
    upper = np.select([kind == 0, kind == 1, kind == 2], [lower, lower + 1.0, lower + 2.0], np.inf)
    entry = np.where(np.arange(n) % 5 == 0, 0.4 * lower, 0.0)
    z = random.standard_normal((n, 1))
    peak, _ = maximise(family, Lifetimes(lower, upper, entry, np.ones(n)), z - z.mean())

    def loglik(at):
        def s(t):
            with np.errstate(divide="ignore"):
                return law.sf((np.log(t) - at[0] - at[1] * (z - z.mean())[:, 0]) / np.exp(at[2]))

        w = (np.log(np.maximum(lower, 1e-9)) - at[0] - at[1] * (z - z.mean())[:, 0]) / np.exp(at[2])
        exact = law.logpdf(w) - at[2] - np.log(np.maximum(lower, 1e-9))
        gone = np.log(np.maximum(s(lower) - np.where(np.isinf(upper), 0.0, s(upper)), 1e-300))
        return float((np.where(lower == upper, exact, gone) - np.log(s(entry))).sum())

    slope, second = differences(loglik, peak.at)
    assert peak.value == pytest.approx(loglik(peak.at), rel=1e-10)
    np.testing.assert_allclose(slope, 0.0, atol=1e-5)
    np.testing.assert_allclose(peak.covariance, np.linalg.inv(-second), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", ["cox", "weibull_aft", "log_normal_aft", "log_logistic_aft"])
def test_the_status_does_not_feel_the_unit_of_a_covariate(kind):
    """A share between 0 and .01 is honest in per cent and in millionths; nobody with the mark leaves, however the mark
    is written."""
    random = np.random.default_rng(2)
    n = 300
    life, seen, mark = random.exponential(10, n), random.uniform(2, 20, n), random.random(n) < 0.3
    data = F({"tenure": np.minimum(life, seen), "churned": (life <= seen) & ~mark, "share": random.uniform(0, 0.01, n)})
    for unit in (1.0, 100.0, 1e6, 1e-6):
        fit = cs.models.SurvivalRegression.fit(data.assign(share=data["share"] * unit), kind, covariates=["share"])
        assert fit.status.code == "converged"
        apart = cs.models.SurvivalRegression.fit(data.assign(mark=mark * unit), kind, covariates=["mark"])
        assert apart.status.code == "boundary"
        assert "mark" in apart.status.message
        assert apart.standard_errors["mark"] == np.inf
    both = cs.models.SurvivalRegression.fit(data.assign(mark=mark), kind, covariates=["mark", "share"])
    assert np.isfinite(both.standard_errors["share"])
    drawn = [model.residual_value(0.1, customers=data.assign(mark=mark)) for model in both.draw_parameters(3, seed=1)]
    assert np.isfinite(drawn).all()
    assert np.std([model.coefficients["share"] for model in both.draw_parameters(30, seed=1)]) > 0
    with pytest.raises(cs.errors.ConfigError, match="n must be a whole number"):
        both.draw_parameters(2.5, seed=1)


@pytest.mark.parametrize("kind", ["cox", "weibull_aft", "log_normal_aft", "log_logistic_aft"])
def test_covariates_that_nearly_repeat_each_other_are_no_separation(kind):
    """x and x + eps u say what x and u say: the same likelihood, and u's coefficient and error over eps. A mark that no
    leaver has is found beside its near double, and both levels are named where it is the third that nobody leaves."""
    random = np.random.default_rng(3)
    n = 300
    x, u, mark = random.standard_normal(n), random.standard_normal(n), random.random(n) < 0.3
    life, seen = random.exponential(10 * np.exp(-0.3 * x)), random.uniform(0.1, 30, n)
    data = F({"tenure": np.minimum(life, seen), "churned": life <= seen, "x": x, "u": u})
    apart = cs.models.SurvivalRegression.fit(data, kind, covariates=["x", "u"])
    for eps in (1e-2, 1e-4):
        near = cs.models.SurvivalRegression.fit(data.assign(y=x + eps * u), kind, covariates=["x", "y"])
        assert near.status.code == "converged"
        assert near.loglik == pytest.approx(apart.loglik, rel=1e-10)
        assert eps * near.parameters["y"] == pytest.approx(apart.parameters["u"], rel=1e-7)
        assert eps * near.standard_errors["y"] == pytest.approx(apart.standard_errors["u"], rel=1e-5)
    data["churned"] &= ~mark
    double = cs.models.SurvivalRegression.fit(
        data.assign(mark=1.0 * mark, double=mark + 0.01 * u), kind, covariates=["mark", "double"]
    )
    assert double.status.code == "boundary"
    assert double.standard_errors["mark"] == np.inf
    data["level"] = np.where(mark, "c", np.where(u > 0, "a", "b"))
    message = cs.models.SurvivalRegression.fit(data, kind, covariates=["level"]).status.message
    assert "level=" in message


@pytest.mark.parametrize("kind", ["weibull_aft", "log_normal_aft", "log_logistic_aft"])
def test_drawn_accelerated_times_spread_as_all_their_parameters(kind):
    """Covariance of intercept, coefficient and ln sigma over 2,000 draws, each correlation to 4 standard errors."""
    random = np.random.default_rng(5)
    life, seen, x = random.exponential(10, 80), random.uniform(2, 20, 80), random.standard_normal(80)
    fit = cs.models.SurvivalRegression.fit(
        F({"tenure": np.minimum(life, seen), "churned": life <= seen, "x": x}), kind, covariates=["x"]
    )
    sign = 1.0 if kind == "log_normal_aft" else -1.0
    drawn = np.array(
        [(m.intercept, m.coefficients["x"], sign * np.log(m.shape)) for m in fit.draw_parameters(2000, seed=1)]
    )
    root = np.sqrt(np.diag(fit.times_matrix))
    np.testing.assert_allclose(np.cov(drawn.T) / np.outer(root, root), fit.times_matrix / np.outer(root, root),
                               atol=4 * np.sqrt(2 / 2000))  # fmt: skip
    assert (root > 0).all()


def test_a_loose_maximum_is_no_failed_search():
    """Two early losses among 60: the log-normal's intercept has a standard error above 4."""
    tenure = np.linspace(1.51, 30.51, 60)
    data = F({"tenure": tenure, "churned": np.isin(np.arange(60), (0, 10)), "x": np.tile([-1.0, 1.0, 1.0, -1.0], 15)})
    fit = cs.models.SurvivalRegression.fit(data, "log_normal_aft", covariates=["x"])
    assert fit.status.code == "too little data"
    assert fit.times_matrix[0, 0] == np.inf
    assert np.isfinite(fit.standard_errors["x"])


def test_tenure_as_a_covariate_has_no_maximum():
    random = np.random.default_rng(2)
    life, seen = random.exponential(10, 200), random.uniform(2, 20, 200)
    data = F({"tenure": np.minimum(life, seen), "churned": life <= seen})
    for written in (data["tenure"], np.ceil(data["tenure"]), 1e4 * data["tenure"]):
        fit = cs.models.SurvivalRegression.fit(data.assign(x=written), covariates=["x"])
        assert fit.status.code == "boundary"
    logs = cs.models.SurvivalRegression.fit(data.assign(x=np.log(data["tenure"])), "weibull_aft", covariates=["x"])
    assert not logs.status.ok


def test_a_risk_set_keeps_its_draws_about_its_baseline():
    """Gamma steps: mean 1 and variance 1/d of each Efron step, to 4 standard errors of 1,000 draws."""
    sets = RiskSets(
        np.zeros((6, 1)), np.array([1.0, 1, 1, 2, 2, 2]), np.array([True, True, False, True, False, False]),
        np.zeros(6), np.zeros(6, "U1"),
    )  # fmt: skip
    steps = np.diff(sets.baselines(np.zeros(1))[""].hazards, prepend=0.0)
    np.testing.assert_allclose(steps, [1 / 6 + 1 / 5, 1 / 3], rtol=1e-14)
    random = np.random.default_rng(1)
    drawn = np.array([sets.baselines(np.zeros(1), random)[""].hazards for _ in range(1000)])
    ratio = np.diff(drawn, axis=1, prepend=0.0) / steps
    np.testing.assert_allclose(ratio.mean(axis=0), 1.0, atol=4 / np.sqrt(1000))
    np.testing.assert_allclose(ratio.var(axis=0), [1 / 2, 1.0], rtol=0.25)


@pytest.mark.parametrize(
    ("kind", "tenure"),
    [("weibull", 3.0), ("weibull", 3.5), ("log_normal", 3.0), ("generalized_gamma", 3.5), ("mixture_cure", 3.5)],
)
def test_losses_without_a_maximum_end_in_words(kind, tenure):
    """All at one time: a status or one error, never a warning of numpy."""
    data = F({"tenure": [tenure] * 5, "churned": [True] * 5})
    try:
        fit = cs.models.SurvivalCurve.fit(data, kind)
        assert np.isfinite(fit.model.survival([1.0, 4.0])).all()
        if not np.isfinite(fit.matrix).all():
            assert not fit.status.ok
            with pytest.raises(cs.errors.FitError, match="without their covariance"):
                fit.interval([1.0])
    except cs.errors.FitError as error:
        assert "no maximum" in str(error)  # noqa: PT017


def test_the_mixture_where_all_who_stay_are_seen_for_long():
    """With everybody else seen to month 1,000 the share that never leaves is theirs, a binomial one, and the rest is
    the Weibull of those lost (scipy). The interval is that of the share's logit, so that none is above 1."""
    lost = np.random.default_rng(4).weibull(1.4, 60) * 5 + 0.01
    data = F({"tenure": [*lost, *[1000.5] * 40], "churned": [True] * 60 + [False] * 40})
    fit = cs.models.SurvivalCurve.fit(data, "mixture_cure")
    shape, _, scale = stats.weibull_min.fit(lost, floc=0)
    assert fit.status.ok
    assert fit.parameters == pytest.approx({"cured_fraction_": 0.4, "lambda_": scale, "rho_": shape}, rel=1e-4)
    expected = stats.weibull_min.logpdf(lost, shape, scale=scale).sum() + 60 * np.log(0.6) + 40 * np.log(0.4)
    assert fit.loglik == pytest.approx(expected, abs=1e-6)
    assert fit.standard_errors["cured_fraction_"] == pytest.approx(np.sqrt(0.4 * 0.6 / 100), rel=1e-4)
    reach = stats.norm.ppf(0.975) / np.sqrt(100 * 0.4 * 0.6)
    limits = 1 / (1 + 1.5 * np.exp([reach, -reach]))
    np.testing.assert_allclose(
        fit.summary().loc["cured_fraction_", ["lower", "upper"]].astype(float), limits, rtol=1e-3
    )
    # The curve ends at the share; its density at the limits is .058 sqrt(100/.24) = 1.2, so that the
    # quantiles of 2000 draws are known to 4 sqrt(.025 .975/2000)/1.2 = .012.
    drawn = fit.interval([900.0], draws=2000).loc[900.0]
    np.testing.assert_allclose(drawn[["lower", "upper"]].astype(float), limits, atol=0.012)
    assert drawn["survival"] == pytest.approx(0.4, rel=1e-4)
    few = cs.models.SurvivalCurve.fit(F({"tenure": [1.3, 2.1, *[500.5] * 20], "churned": [True] * 2 + [False] * 20}),
                                      "mixture_cure")  # fmt: skip
    assert few.summary().loc["cured_fraction_", "upper"] == pytest.approx(
        1 / (1 + 0.1 * np.exp(-1.96 / np.sqrt(20 / 11))), rel=1e-3
    )


def test_a_mixture_in_which_everybody_leaves_is_the_weibull():
    """Its share is at its edge: it has no standard error, and no curves are drawn."""
    data = F({"tenure": np.random.default_rng(1).weibull(1.2, 40) * 7 + 0.01, "churned": True})
    fit, weibull = (cs.models.SurvivalCurve.fit(data, kind) for kind in ("mixture_cure", "weibull"))
    assert fit.status.code == "boundary"
    assert fit.loglik == pytest.approx(weibull.loglik, abs=1e-6)
    assert fit.summary().loc["cured_fraction_", ["lower", "upper"]].tolist() == [0.0, 1.0]
    with pytest.raises(cs.errors.FitError, match="Take the Weibull"):
        fit.interval([1.0])


def test_plain_curves_are_those_of_scipy():
    """The log-logistic is scipy's fisk; with constant hazards the time within a horizon is a sum of e^-h."""
    t = np.array([0.5, 3.0, 40.0, 1e3])
    fisk = cs.models.SurvivalCurve(kind="log_logistic", parameters={"alpha_": 7.0, "beta_": 1.3})
    np.testing.assert_allclose(fisk.log_survival(t), stats.fisk.logsf(t, 1.3, scale=7.0), rtol=1e-12)
    pieces = cs.models.SurvivalCurve(
        kind="piecewise_exponential", breakpoints=(2.0,), parameters={"lambda_0_": 4.0, "lambda_1_": 10.0}
    )
    expected = 4 * (1 - np.exp(-0.5)) + 10 * np.exp(-0.5) * (1 - np.exp(-0.3))
    assert pieces.expected_tenure(5.0) == pytest.approx(expected, rel=1e-14)


def test_pieces_of_few_and_tied_losses_have_a_loss_each():
    """Losses in months 1 (four of them), 2 and 3."""
    data = F({"tenure": [1.0] * 4 + [2.0, 3.0] + [5.0] * 2, "churned": [True] * 6 + [False] * 2})
    fit = cs.models.SurvivalCurve.fit(data, "piecewise_exponential")
    edges = np.array([0.0, *fit.model.breakpoints, 5.0])
    lost = np.histogram(data.tenure[data.churned], np.nextafter(edges, 9.0))[0]
    assert (lost > 0).all()
    assert fit.model.breakpoints[0] == 1.0
    exposure = np.clip(data.tenure.to_numpy()[:, None] - edges[:-1], 0, np.diff(edges)).sum(axis=0)
    np.testing.assert_allclose(list(fit.parameters.values()), exposure / lost, rtol=1e-14)


WEIBULL = {"lambda_": 3.0, "rho_": 1.0}
STEPS = {"kind": "kaplan_meier", "times": (1.0, 2.0), "survivals": (0.8, 0.5)}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "gompertz"}, "kind must be 'kaplan_meier' or"),
        ({"kind": "weibull", "parameters": {"lambda_": 3.0}}, r"'rho_'\]; got \['lambda_'\]"),
        ({"kind": "weibull", "parameters": WEIBULL | {"rho_": 0.0}}, "weibull: rho_ must be a finite number above 0"),
        ({"kind": "weibull", "parameters": WEIBULL | {"rho_": "1"}}, "weibull: rho_ must be a finite number above 0"),
        ({"kind": "mixture_cure", "parameters": WEIBULL | {"cured_fraction_": 1.2}}, "at most 1; got 1.2"),
        ({"kind": "piecewise_exponential", "breakpoints": (5.0, 2.0),
          "parameters": {f"lambda_{i}_": 1.0 for i in range(3)}}, "breakpoints must ascend from above 0"),
        (STEPS | {"survivals": (0.5, 0.8)}, "none above the last"),
        (STEPS | {"survivals": (0.8,)}, "a survival for each"),
        (STEPS | {"survivals": (0.8, np.nan)}, "survivals must be a list of finite numbers"),
        (STEPS | {"survivals": (0.8, -0.1)}, "survivals must be a list of finite numbers"),
        (STEPS | {"times": ("a", "b")}, "times must be numbers"),
        (STEPS | {"times": 1.0}, "times must be a list"),
        (STEPS | {"tail_hazard": -1.0}, "tail_hazard must be a finite number at least 0"),
    ],
)  # fmt: skip
def test_what_is_no_curve_is_refused(values, said):
    for made in (lambda: cs.models.SurvivalCurve(**values), lambda: cs.models.SurvivalCurve.from_dict(values)):
        with pytest.raises(cs.errors.ConfigError, match=said):
            made()


FEW = F({"tenure": [1.0, 2.0, 3.0, 4.5, 2.5, 3.5], "churned": [True, True, True, False, True, True],
         "x": [1.0, 0.0, 2.0, 1.0, 0.5, 0.2], "group": list("aabbab")})  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda fit: fit(FEW.assign(churned=False)), "DataError", "no customer has churned"),
        (lambda fit: fit(FEW, "weibull", breakpoints=[1.0]), "ConfigError", "weibull has none"),
        (
            lambda fit: fit(FEW, "piecewise_exponential", breakpoints=[-1.0]),
            "ConfigError",
            "breakpoints must be finite",
        ),
        (
            lambda fit: fit(FEW, "piecewise_exponential", breakpoints=[0.5]),
            "FitError",
            "between 0 and 0.5. Move the break",
        ),
        (lambda fit: fit(FEW, "weibull").band(), "FitError", "only a Kaplan-Meier curve has this band"),
        (lambda fit: fit(FEW, "weibull").interval([1.0], draws=0), "ConfigError", "draws must be a whole number, 1 or"),
    ],
)
def test_what_no_curve_tells_is_refused(call, error, said):
    with pytest.raises(getattr(cs.errors, error), match=said):
        call(cs.models.SurvivalCurve.fit)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "x"}, "kind must be 'cox' or"),
        ({"coefficients": {}}, r"coefficients are needed for \['x'\]; got \[\]"),
        ({"coefficients": {"x": np.nan}}, "x must be a finite number; got nan"),
        ({"baselines": {}}, "a Cox model has baseline hazards"),
        ({"baselines": [1]}, "cannot make a SurvivalRegression"),
        ({"baselines": {"": {}}}, "cannot make a SurvivalRegression"),
        ({"baselines": {"": {"times": [2, 1], "hazards": [0.5, 1], "tail_hazard": 0.0}}}, "ascending time"),
        ({"baselines": {"": {"times": [1, 2], "hazards": [1, 0.5], "tail_hazard": 0.0}}}, "none below the last"),
        ({"baselines": {"": {"times": [1], "hazards": [1], "tail_hazard": -1.0}}}, "tail_hazard must be"),
        ({"kind": "weibull_aft", "baselines": {}, "shape": -1.0}, "shape must be a finite number above 0"),
        ({"more": 1}, "cannot make a SurvivalRegression"),
    ],
)
def test_what_is_no_regression_is_refused(change, said):
    model = cs.models.SurvivalRegression.fit(FEW, covariates=["x"]).model
    assert cs.models.SurvivalRegression.from_dict(model.to_dict()) == model
    with pytest.raises(cs.errors.ConfigError, match=said):
        cs.models.SurvivalRegression.from_dict(model.to_dict() | change)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda fit: fit(FEW, "weibull_aft", covariates=["x"], strata="group"), "ConfigError", "strata for cox only"),
        (lambda fit: fit(FEW, covariates=[]), "ConfigError", "at least one covariate"),
        (lambda fit: fit(FEW.assign(churned=False), covariates=["x"]), "DataError", "nothing to regress on"),
        (lambda fit: fit(FEW, "weibull_aft", covariates=["x"]).proportionality(), "FitError", "this is weibull_aft"),
        (lambda fit: fit(FEW, covariates=["x"]).proportionality("log2"), "ConfigError", "transform must be"),
        (lambda fit: fit(FEW, "log_normal_aft", covariates=["x"]).model.hazard_multiplier(FEW), "ConfigError", "time"),
        (lambda fit: fit(FEW, covariates=["x"]).model.multiplier_at(np.zeros((2, 3))), "ConfigError", "1 numbers"),
        (lambda fit: fit(FEW, covariates=["x"], strata="group").model.expected_tenure(3.0), "ConfigError", "strata"),
        (lambda fit: fit(FEW, covariates=["x"], strata="group").model.survival([1.0], customers=FEW[["tenure", "x"]]),
         "ConfigError", "which the customers lack"),
        (lambda fit: fit(FEW, covariates=["x"], strata="group").model.survival([1.0], customers=FEW.assign(group="z")),
         "DataError", r"'z', which the model has not seen: \['a', 'b'\]"),
    ],
)  # fmt: skip
def test_what_no_regression_tells_is_refused(call, error, said):
    with pytest.raises(getattr(cs.errors, error), match=said):
        call(cs.models.SurvivalRegression.fit)


def test_a_hazard_multiplier_is_what_survival_is_raised_to():
    """Under proportional hazards S(t | x) = S(t | mean)^m, for Weibull times as for Cox."""
    for kind in ("cox", "weibull_aft"):
        model = cs.models.SurvivalRegression.fit(FEW, kind, covariates=["x"]).model
        multiplier = model.hazard_multiplier(FEW)
        new = FEW.assign(tenure=0.0, churned=False)
        base = np.exp(model.log_survival(np.array([0.5, 2.0])))
        found = model.survival([0.5, 2.0], customers=new).to_numpy()
        np.testing.assert_allclose(found, base[None, :] ** multiplier.to_numpy()[:, None], rtol=1e-12)
