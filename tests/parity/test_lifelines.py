"""Truth: parity with lifelines. Our plain-number models say what its fitters say."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.survival.curve import FAMILIES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lifelines
    from lifelines.datasets import load_lung, load_rossi
    from lifelines.utils import qth_survival_time, qth_survival_times


@pytest.fixture(scope="module")
def exact():
    """Continuous times, a third of them censored, some under observation late."""
    random = np.random.default_rng(5)
    t, c = random.weibull(0.8, 600) * 20, random.uniform(5, 40, 600)
    frame = pd.DataFrame({"tenure": np.minimum(t, c), "churned": t <= c})
    frame["entry"] = np.where(random.random(600) < 0.2, frame["tenure"] * 0.3, 0.0)
    frame["x"], frame["group"] = random.standard_normal(600), np.where(random.random(600) < 0.5, "a", "b")
    frame.attrs["unit"] = "M"
    return frame


def test_telco_kaplan_meier():
    """To 1e-12, at every month."""
    telco = cs.datasets.telco()
    theirs = lifelines.KaplanMeierFitter().fit(telco["tenure"], telco["churned"])
    months = np.arange(0.0, 73.0)
    ours = cs.models.SurvivalCurve.fit(telco).model.survival(months)
    np.testing.assert_allclose(ours, theirs.survival_function_at_times(months), atol=1e-12)


def test_greenwood_intervals(exact):
    fit = cs.models.SurvivalCurve.fit(exact)
    theirs = lifelines.KaplanMeierFitter().fit(exact["tenure"], exact["churned"], entry=exact["entry"])
    at = [3.0, 10.0, 25.0]
    ours = fit.interval(at)
    bounds = theirs.confidence_interval_survival_function_
    for t in at:
        row = bounds[bounds.index <= t].iloc[-1].to_numpy()
        np.testing.assert_allclose(ours.loc[t, ["lower", "upper"]], row, rtol=1e-9)


def test_quartiles_of_kaplan_meier(exact):
    """When a quarter, half and three quarters have left, and the limits; infinite where a curve does not get there."""
    for data in (exact, exact[exact["tenure"] < 12], cs.datasets.telco()):
        late = data.get("entry")
        theirs = lifelines.KaplanMeierFitter().fit(data["tenure"], data["churned"], entry=late)
        ours = cs.models.SurvivalCurve.fit(data).summary()
        for name, left in (("25% left", 0.75), ("50% left", 0.5), ("75% left", 0.25)):
            limits = qth_survival_times(left, theirs.confidence_interval_).to_numpy().ravel()
            found = ours.loc[name, ["estimate", "lower", "upper"]].astype(float)
            np.testing.assert_array_equal(found, [qth_survival_time(left, theirs.survival_function_), *limits])
    assert np.isinf(ours.loc["75% left", "estimate"])
    assert "50% left" in repr(cs.models.SurvivalCurve.fit(exact))


def test_strata_are_one_column_or_a_list_of_it(exact):
    fit = cs.models.SurvivalRegression.fit
    one, listed = (fit(exact, covariates=["x"], strata=strata) for strata in ("group", ["group"]))
    assert one.model == listed.model
    theirs = lifelines.CoxPHFitter().fit(exact, "tenure", "churned", entry_col="entry", strata=["group"])
    np.testing.assert_allclose(listed.parameters["x"], theirs.params_["x"], rtol=1e-6)  # where its search stops
    with pytest.raises(cs.errors.ConfigError, match=r"strata must be one column; got \['group', 'x'\]\. Make one"):
        fit(exact, covariates=["x"], strata=["group", "x"])


def test_generalised_gamma_formula():
    """The curve at given parameters; sign of lambda either way."""
    for mu, ln_sigma, shape in ((2.0, 0.1, 0.7), (2.0, 0.1, -0.7)):
        fitter = lifelines.GeneralizedGammaFitter()
        t = np.array([0.5, 5.0, 20.0, 60.0])
        theirs = np.exp(-fitter._cumulative_hazard(np.array([mu, ln_sigma, shape]), t))
        ours = cs.models.SurvivalCurve(
            kind="generalized_gamma", parameters={"mu_": mu, "ln_sigma_": ln_sigma, "lambda_": shape}
        )
        np.testing.assert_allclose(ours.survival(t), theirs, rtol=1e-9)


def test_piecewise_exponential(exact):
    cuts = [5.0, 15.0]
    ours = cs.models.SurvivalCurve.fit(exact, "piecewise_exponential", breakpoints=cuts)
    theirs = lifelines.PiecewiseExponentialFitter(cuts).fit(exact["tenure"], exact["churned"], entry=exact["entry"])
    # lifelines stops at a gradient of about 1e-6; ours is the closed form.
    found = [ours.parameters[f"lambda_{i}_"] for i in range(3)]
    np.testing.assert_allclose(found, [theirs.lambda_0_, theirs.lambda_1_, theirs.lambda_2_], rtol=1e-3)
    assert ours.loglik >= theirs.log_likelihood_ - 1e-6


@pytest.mark.parametrize("kind", ["cox", "weibull_aft"])
def test_regressions(exact, kind):
    data = pd.DataFrame({"t": exact["tenure"], "e": exact["churned"], "in": exact["entry"], "x": exact["x"],
                         "b": (exact["group"] == exact["group"].value_counts().index[1]).astype(float)})  # fmt: skip
    theirs = {"cox": lifelines.CoxPHFitter, "weibull_aft": lifelines.WeibullAFTFitter}[kind]()
    theirs.fit(data, "t", "e", entry_col="in")
    ours = cs.models.SurvivalRegression.fit(exact, kind, covariates=["x", "group"])
    new = exact.head(5).assign(tenure=0.0, entry=0.0, churned=False)
    # At times of losses: between them lifelines draws straight lines through the baseline, ours is a step.
    t = np.sort(exact.loc[exact["churned"], "tenure"].to_numpy())[[20, 150, 300]]
    expected = theirs.predict_survival_function(data.head(5)[["x", "b"]], times=t).T
    if kind == "cox":  # lifelines counts its baseline as if everybody had been watched from the start
        late, theirs = ours, lifelines.CoxPHFitter().fit(data.drop(columns="in"), "t", "e")
        ours = cs.models.SurvivalRegression.fit(exact.assign(entry=0.0), kind, covariates=["x", "group"])
        expected = theirs.predict_survival_function(data.head(5)[["x", "b"]], times=t).T
        assert (late.model.survival(t, customers=new).to_numpy() < expected.to_numpy()).all()
    np.testing.assert_allclose(ours.model.survival(t, customers=new), expected, rtol=2e-3)
    # lifelines' searches end some 1e-3 below the maximum, never above it.
    assert theirs.log_likelihood_ - 1e-9 <= ours.loglik <= theirs.log_likelihood_ + 1e-3


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"strata": "group"},
        {"weights": "wt"},
        {"penalty": 9.0},
        {"weights": "wt", "strata": "group", "penalty": 3.0},
    ],
)
def test_cox_by_both_engines(exact, arguments):
    """To 1e-6 where both are right: coefficients in standard errors, log-likelihood, errors. With whole tenures (ties),
    late entries, strata, weights and a ridge. lifelines' late entries are right in the coefficients."""
    random = np.random.default_rng(2)
    data = exact.assign(
        wt=random.integers(1, 4, len(exact)).astype(float), y=random.random(len(exact)), tenure=np.ceil(exact["tenure"])
    )
    data["entry"] = np.where(data["entry"] < data["tenure"] - 1, np.floor(data["entry"]), 0.0)
    ours = cs.models.SurvivalRegression.fit(data, covariates=["x", "y"], **arguments)
    theirs = cs.models.SurvivalRegression.fit(data, covariates=["x", "y"], engine="lifelines", **arguments)
    assert theirs.status.code == ours.status.code == "converged"
    assert theirs.loglik == pytest.approx(ours.loglik, abs=1e-6)
    for name, error in ours.standard_errors.items():
        assert theirs.parameters[name] == pytest.approx(ours.parameters[name], abs=1e-6 * error + 1e-6)
        assert theirs.standard_errors[name] == pytest.approx(error, rel=1e-6)
    new = data.head(3).assign(tenure=0.0, entry=0.0, churned=False)
    np.testing.assert_allclose(
        theirs.model.survival([5.0, 20.0], customers=new), ours.model.survival([5.0, 20.0], customers=new), rtol=1e-5
    )


def test_robust_errors(exact):
    """Without ties to 1e-6, weighted and by clusters, from its standard errors (its covariance stays the usual one)."""
    random = np.random.default_rng(2)
    data = exact.head(200).assign(wt=1.0 + np.arange(200) % 3, who=random.integers(0, 30, 200), y=random.random(200))
    raw = data[["tenure", "churned", "x", "y", "wt", "who"]].astype(float)
    for ours, theirs in (
        ({"robust": True}, {"robust": True}),
        ({"weights": "wt", "robust": True}, {"weights_col": "wt", "robust": True}),
        ({"cluster": "who"}, {"cluster_col": "who"}),
    ):
        fit = cs.models.SurvivalRegression.fit(data.assign(entry=0.0), covariates=["x", "y"], **ours)
        used = ["tenure", "churned", "x", "y", *(name for name in theirs.values() if isinstance(name, str))]
        errors = lifelines.CoxPHFitter().fit(raw[used], "tenure", "churned", **theirs).standard_errors_
        assert fit.standard_errors == pytest.approx(errors.to_dict(), rel=1e-6)


@pytest.mark.parametrize("kind", ["weibull_aft", "log_normal_aft", "log_logistic_aft"])
@pytest.mark.parametrize("arguments", [{}, {"weights": "wt"}])
def test_accelerated_times_by_both_engines(exact, kind, arguments):
    """lifelines stops its search where the mean log-likelihood changes by 1e-10 or so; ours is never below it. The
    closed forms and R (tests/reference) side with ours where they differ."""
    data = exact.assign(wt=1.0 + np.arange(len(exact)) % 3)
    ours = cs.models.SurvivalRegression.fit(data, kind, covariates=["x"], **arguments)
    theirs = cs.models.SurvivalRegression.fit(data, kind, covariates=["x"], engine="lifelines", **arguments)
    assert -1e-9 <= ours.loglik - theirs.loglik <= 1e-3
    error = ours.standard_errors["x"]
    assert theirs.parameters["x"] == pytest.approx(ours.parameters["x"], abs=0.02 * error)
    assert theirs.standard_errors["x"] == pytest.approx(error, rel=0.01)
    assert theirs.model.shape == pytest.approx(ours.model.shape, rel=5e-3)


def test_curves_by_both_engines(exact):
    """Product limit to rounding; parametric families as above, whole tenures as censored units."""
    now = exact.assign(entry=0.0)
    ours, theirs = (cs.models.SurvivalCurve.fit(now, engine=engine) for engine in ("churnsim", "lifelines"))
    np.testing.assert_allclose(theirs.table, ours.table, rtol=1e-9)
    for data in (exact, now.assign(tenure=np.ceil(now["tenure"]))):
        for kind in ("weibull", "log_normal", "log_logistic"):
            ours, theirs = (
                cs.models.SurvivalCurve.fit(data, kind, engine=engine) for engine in ("churnsim", "lifelines")
            )
            assert -1e-9 <= ours.loglik - theirs.loglik <= 1e-4
            for name, error in ours.standard_errors.items():
                assert theirs.parameters[name] == pytest.approx(ours.parameters[name], abs=0.01 * error)


def test_what_lifelines_cannot_do_is_refused(exact):
    fit, curve = cs.models.SurvivalRegression.fit, cs.models.SurvivalCurve.fit
    for call in (
        lambda: fit(exact, covariates=["x"], ties="breslow", engine="lifelines"),
        lambda: fit(exact, "generalized_gamma_aft", covariates=["x"], engine="lifelines"),
        lambda: fit(exact, "weibull_aft", covariates=["x"], penalty=1.0, engine="lifelines"),
        lambda: fit(exact, covariates=["x"], cluster="group", engine="lifelines"),
        lambda: curve(exact, engine="lifelines"),
        lambda: curve(exact, "mixture_cure", engine="lifelines"),
        lambda: curve(exact, engine="R"),
    ):
        with pytest.raises(cs.errors.ConfigError, match="engine"):
            call()
    whole = exact.assign(tenure=np.ceil(exact["tenure"]), entry=0.0)
    with pytest.raises(cs.errors.FitError, match="lifelines gave up"):  # ln 0 where a loss fell in the first unit
        fit(whole, "log_normal_aft", covariates=["x"], engine="lifelines")
    assert fit(whole, "log_normal_aft", covariates=["x"]).status.ok


def test_a_baseline_without_effects_is_nelson_aalens(exact):
    """Late entries among them; in strata each stratum's own."""
    risk_sets = cs.models.SurvivalRegression.fit(exact, covariates=["x"], strata="group").risk_sets
    for word, baseline in risk_sets.baselines(np.zeros(1)).items():
        own = exact[exact["group"] == word]
        theirs = lifelines.NelsonAalenFitter().fit(own["tenure"], own["churned"], entry=own["entry"])
        steps = theirs.cumulative_hazard_.iloc[:, 0].loc[list(baseline.times)]
        np.testing.assert_allclose(baseline.hazards, steps, rtol=1e-12)


def test_drawn_regressions_spread_as_their_theory_says(exact):
    """The standard deviation of H(10) at the mean customer over 600 draws, against Tsiatis: the baseline's own variance
    and that of the coefficients, to 10% (the spread of 600 draws is known to 3%)."""
    fit = cs.models.SurvivalRegression.fit(exact, covariates=["x", "group"])
    drawn = [model.baselines[""].cumulative(np.array([10.0]))[0] for model in fit.draw_parameters(600, seed=2)]
    risk, at = fit.risk_sets, np.array(list(fit.parameters.values()))
    weight, slope, own = np.exp(risk.centred @ at), np.zeros(2), 0.0
    for t in np.sort(risk.tenure[risk.churned & (risk.tenure <= 10)]):
        there = (risk.tenure >= t) & (risk.entry < t)
        total = weight[there].sum()
        own += 1 / total**2
        slope += weight[there] @ risk.centred[there] / total**2
    assert np.std(drawn, ddof=1) == pytest.approx(np.sqrt(own + slope @ fit.matrix @ slope), rel=0.1)
    assert np.mean(drawn) == pytest.approx(fit.model.baselines[""].cumulative(np.array([10.0]))[0], rel=0.02)


def test_rossi_as_published():
    """Rossi, Berk & Lenihan (1980) in Allison (1995): fin -.379, age -.057, prio .091, log-likelihood -658.75."""
    rossi = load_rossi().rename(columns={"week": "tenure", "arrest": "churned"})
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    fit = cs.models.SurvivalRegression.fit(rossi, covariates=names, unit="W")
    assert fit.parameters["fin"] == pytest.approx(-0.379, abs=5e-4)
    assert fit.parameters["age"] == pytest.approx(-0.057, abs=5e-4)
    assert fit.parameters["prio"] == pytest.approx(0.091, abs=5e-4)
    assert fit.loglik == pytest.approx(-658.75, abs=5e-3)
    assert set(fit.checks.index) == set(names)


def test_lung_median():
    lung = load_lung()
    subscriptions = pd.DataFrame({"tenure": lung["time"].astype(float), "churned": lung["status"].astype(bool)})
    fit = cs.models.SurvivalCurve.fit(subscriptions, unit="D")
    assert float(fit.table.index[fit.table["survival"] <= 0.5][0]) == 310


def test_cumulative_incidence(exact):
    data = exact[exact["entry"] == 0].assign(cause=lambda frame: np.where(frame["x"] > 0, "price", "service"))
    found = cs.models.cumulative_incidence(data)
    codes = np.where(data["churned"], np.where(data["cause"] == "price", 1, 2), 0)
    for number, cause in ((1, "price"), (2, "service")):
        theirs = lifelines.AalenJohansenFitter(calculate_variance=True).fit(data["tenure"], codes, number)
        row = found.at(15.0).loc[cause]
        assert row["incidence"] == pytest.approx(theirs.cumulative_density_.loc[:15.0].iloc[-1, 0], rel=1e-9)
        assert row["standard_error"] ** 2 == pytest.approx(theirs.variance_.loc[:15.0].iloc[-1], rel=0.05)
    total = found.table.pivot(index="time", columns="cause", values="incidence").sum(axis=1)
    np.testing.assert_allclose(total, 1 - found.overall, rtol=1e-12)


def test_every_family_survives_json(exact):
    for kind in FAMILIES:
        model = cs.models.SurvivalCurve.fit(exact.head(150), kind).model if kind != "mixture_cure" else None
        if model is not None:
            assert cs.models.SurvivalCurve.from_dict(model.to_dict()) == model
    cox = cs.models.SurvivalRegression.fit(exact, covariates=["x"], strata="group").model
    assert cs.models.SurvivalRegression.from_dict(cox.to_dict()) == cox
