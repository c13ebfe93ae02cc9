"""Truth: theory. The rank of the truth among posterior draws is uniform; a posterior that is too narrow is caught."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.models.estimation.posterior import _simulator, posterior_models, sample_posterior
from churnsim.models.estimation.priors import LogNormal, Normal
from churnsim.models.evaluation.simulation_calibration import SimulationCalibration, simulation_based_calibration
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.models.spend.gamma_gamma import GammaGamma

PRIORS = {
    "r": LogNormal(median=0.8, spread=0.5),
    "alpha": LogNormal(median=0.3, spread=0.5),
    "a": LogNormal(median=0.8, spread=0.6),
    "b": LogNormal(median=2.5, spread=0.6),
}
AGES = np.linspace(20, 50, 80)


def test_ranks_are_even_and_a_narrow_posterior_is_caught():
    seen, kept = [], {}

    def keeping(family, summary, *, seed, priors, unit):
        kept[seed] = sample_posterior(family, summary, seed=seed, priors=priors, unit=unit, predictive=False)
        return kept[seed]

    def narrow(family, summary, *, seed, priors, unit):
        """Planted error: the same draws at a third of their distance from their middle."""
        drawn = {name: np.log(kept[seed].posterior[name].to_numpy()) for name in PRIORS}
        return {"posterior": {name: np.exp(np.median(z) + (z - np.median(z)) / 3) for name, z in drawn.items()}}

    def run(**settings):
        return simulation_based_calibration(cs.BGNBD, ages=AGES, seed=3, replications=20, priors=PRIORS, **settings)

    done = run(progress=lambda k, of: seen.append((k, of)), sampler=keeping)
    assert done.calibrated(level=0.001), done.summary()
    assert seen[-1] == (20, 20)
    # The mean of 20 uniform ranks lies within 4 x 29/sqrt(20) of 49.5.
    assert (np.abs(done.summary()["mean_rank"] - 49.5) < 26).all()
    wrong = run(sampler=narrow)
    assert not wrong.calibrated(level=0.001)
    assert wrong.summary()["outer"].max() > 0.5


@pytest.mark.slow
def test_a_wrong_likelihood_is_caught():
    """Planted error: customers of MBG/NBD, who may leave at once, read by the likelihood of BG/NBD, whose may not."""

    def wrong(family, summary, **settings):
        return sample_posterior(cs.BGNBD, summary, **settings)

    settings = {"ages": AGES, "seed": 3, "replications": 20, "priors": PRIORS}
    found = simulation_based_calibration(cs.MBGNBD, sampler=wrong, **settings)
    assert not found.calibrated(level=0.001), found.summary()


# Scaled parameters: alpha and beta over the mean age, or as they are for BG/BB, gamma in money.
WIDE = {
    "s": LogNormal(median=0.8, spread=0.6), "beta": LogNormal(median=0.5, spread=0.6),
    "gamma": LogNormal(median=15.0, spread=0.5), "p": LogNormal(median=4.0, spread=0.5),
    "q": LogNormal(median=4.0, spread=0.4), "delta": LogNormal(median=3.0, spread=0.6),
}  # fmt: skip
COVARIATES = pd.DataFrame({"sex": [0.0, 1.0] * 40})
EFFECTS = {"covariates": COVARIATES, "covariates_rate": ["sex"], "covariates_lifetime": ["sex"]}
OPPORTUNITIES = {"alpha": LogNormal(median=1.2, spread=0.5), "gamma": LogNormal(median=0.7, spread=0.6)}
FAMILIES = {
    "bg_nbd": (cs.BGNBD, {"ages": AGES}),
    "mbg_nbd": (cs.MBGNBD, {"ages": AGES}),
    "pareto_nbd": (cs.ParetoNBD, {"ages": AGES}),
    "nbd": (cs.NBD, {"ages": AGES}),
    "bg_bb": (cs.models.BGBB, {"ages": np.arange(80) % 6 + 5, "unit": "Y"}),
    "mbg_cnbd": (cs.models.MBGCNBD, {"ages": AGES, "k": 2}),
    "gamma_gamma": (GammaGamma, {"purchases": np.arange(150) % 6}),
    "bg_nbd_covariates": (cs.models.BGNBDCovariates, {"ages": AGES, **EFFECTS}),
    "pareto_nbd_covariates": (cs.models.ParetoNBDCovariates, {"ages": AGES, **EFFECTS}),
}


def priors_of(name):
    family, settings = FAMILIES[name]
    names = ("p", "q", "gamma") if family is GammaGamma else family.parameter_names
    chosen = {key: prior for key, prior in (PRIORS | WIDE).items() if key in names}
    effects = {f"{kind}:sex": Normal(mean=0.0, spread=0.5) for kind in ("rate", "lifetime") if "covariates" in settings}
    return chosen | effects | (OPPORTUNITIES if family is cs.models.BGBB else {})


def test_every_family_is_listed():
    known = {*PURCHASE_FAMILIES, "gamma_gamma", "bg_nbd_covariates", "pareto_nbd_covariates"}
    assert set(FAMILIES) == known, f"FAMILIES, above, and the registry differ by {set(FAMILIES) ^ known}"


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_calibrated(name):
    family, settings = FAMILIES[name]
    done = simulation_based_calibration(family, seed=11, replications=200, priors=priors_of(name), **settings)
    assert done.calibrated(), done.summary()
    assert done.unconverged < 10


# ---- on a calendar ----

CALENDAR, WEEKS = cs.data.Calendar(season=1), np.linspace(40, 104, 80)
END = np.datetime64("2022-12-31")
FIRST = END - np.round(WEEKS * 7).astype(np.int64)
SEASON = {name: Normal(mean=0.0, spread=0.4) for name in CALENDAR.names}
CLOCKED = {"bg_nbd": cs.BGNBD, "pareto_nbd": cs.ParetoNBD}


def on_calendar(model, random) -> pd.DataFrame:
    """Customers made up from their own traits, purchase by purchase in the time of the season's clock."""
    start = int(FIRST.min().astype(np.int64))
    columns = CALENDAR.columns(start + 1, start + 7 * 104)
    effects, means = (np.array([kind[name] for name in CALENDAR.names]) for kind in (model.effects, model.means))
    clock = np.concatenate([[0.0], np.cumsum(np.exp((columns - means) @ effects))]) / 7
    days, base, rows = np.arange(clock.size, dtype=float), model.base, []
    for first in FIRST.astype(np.int64) - start:
        rate = random.gamma(base.r, 1 / base.alpha)
        end = days[-1]
        if hasattr(base, "beta"):
            end = min(end, first + 7 * random.exponential() / random.gamma(base.s, 1 / base.beta))
        leaves, x, when, sums = random.beta(base.a, base.b) if hasattr(base, "a") else 0.0, 0, float(first), 0.0
        at = clock[first]
        while True:
            at += random.exponential() / rate
            day = np.interp(at, clock, days, right=np.inf)
            if day > end:
                break
            x, when, sums = x + 1, day, sums + columns[int(np.ceil(day)) - 1]
            if random.random() < leaves:
                break
        rows.append((x, (when - first) / 7, (days[-1] - first) / 7, *(sums + np.zeros(len(CALENDAR.names)))))
    names = ["frequency", "recency", "T", *(f"calendar:{name}" for name in CALENDAR.names)]
    frame = pd.DataFrame(rows, columns=names).assign(first_purchase=FIRST.astype("datetime64[ns]"))
    frame.attrs["unit"] = "W"
    return frame


MODEL = cs.models.CalendarModel(
    base=cs.BGNBD(r=0.8, alpha=8.0, a=0.8, b=2.5), calendar=CALENDAR, effects={"cos 1": 0.6, "sin 1": 0.0},
    means={"cos 1": 0.0, "sin 1": 0.0}, seen_until="2022-12-31",
)  # fmt: skip


def test_a_likelihood_on_a_calendar_is_that_of_the_fit():
    data = on_calendar(MODEL, np.random.default_rng(1))
    for family in CLOCKED.values():
        fit, likelihood = family.fit(data, calendar=CALENDAR), family.calendar_likelihood(data, calendar=CALENDAR)
        assert likelihood.log_likelihood(likelihood.parameters(fit.model)) == pytest.approx(fit.loglik, rel=1e-12)
        verb, columns = _simulator(fit.model, data)
        made = verb(fit.model, 1, 0)
        assert columns == ["frequency", "recency"]
        # As many as expected of customers observed as long, within four standard errors.
        expected = fit.model.expected_purchases_like(data, 0.0 + data["T"].to_numpy())
        spread = made["frequency"].std() * np.sqrt(len(data))
        assert abs(made["frequency"].sum() - np.sum(expected)) < 4 * spread
    with pytest.raises(TypeError, match="has no argument 'leaving'"):
        sample_posterior(cs.models.BGBBCalendar, data, calendar=CALENDAR, leaving=CALENDAR, seed=1)


def test_a_posterior_on_a_calendar():
    data = on_calendar(MODEL, np.random.default_rng(1))
    drawn = sample_posterior(cs.BGNBD, data, calendar=CALENDAR, seed=1, priors=PRIORS | SEASON, predictive=False)
    fit = cs.BGNBD.fit(data, calendar=CALENDAR)
    effect = drawn["posterior"]["cos 1"].to_numpy()
    assert abs(effect.mean() - fit.parameters["cos 1"]) < fit.standard_errors["cos 1"] / 2
    assert effect.std() == pytest.approx(fit.standard_errors["cos 1"], rel=0.3)
    some = posterior_models(cs.models.CalendarModel, drawn, 3, seed=2)
    assert {each.effects["cos 1"] for each in some} <= set(effect.ravel())
    with pytest.raises(ConfigError, match="not 'bg_nbd'"):
        posterior_models(cs.BGNBD, drawn, 3, seed=2)


def ranked(family, likelihood, calendar, priors, *, made, worlds) -> SimulationCalibration:
    """The truths of worlds drawn from the priors, and their ranks among 99 draws of the posterior; `made` makes up
    customers of a model."""
    random, ranks, truths = np.random.default_rng(7), [], []
    for k in range(worlds):
        scaled = np.array([float(priors[each].rvs(random_state=random)) for each in likelihood.names])
        data = made(likelihood.model(scaled), random)
        drawn = sample_posterior(family, data, calendar=calendar, seed=k, priors=priors, predictive=False)
        kept = drawn["posterior"]
        truth = scaled * likelihood.scales
        points = {each: kept[each].to_numpy().ravel() for each in likelihood.names}
        thinned = np.linspace(0, next(iter(points.values())).size - 1, 99).round().astype(int)
        ranks.append({each: int((points[each][thinned] < at).sum()) for each, at in zip(points, truth, strict=True)})
        truths.append(dict(zip(likelihood.names, scaled, strict=True)))
    return SimulationCalibration(ranks=pd.DataFrame(ranks), truths=pd.DataFrame(truths))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLOCKED)
def test_families_on_a_calendar_are_calibrated(name):
    family, worlds = CLOCKED[name], 100 if name == "bg_nbd" else 30  # 11 s a world
    priors = {key: prior for key, prior in (PRIORS | WIDE).items() if key in family.parameter_names} | SEASON
    nobody = pd.DataFrame({"frequency": 1, "recency": 1.0, "T": (END - FIRST).astype(np.int64) / 7})
    nobody = nobody.assign(first_purchase=FIRST.astype("datetime64[ns]"))
    nobody = nobody.assign(**{f"calendar:{each}": 0.0 for each in SEASON})
    nobody.attrs["unit"] = "W"
    likelihood = family.calendar_likelihood(nobody, calendar=CALENDAR)
    done = ranked(family, likelihood, CALENDAR, priors, made=on_calendar, worlds=worlds)
    assert done.calibrated(), done.summary()


# ---- on series of each customer's own ----

MONTHS = pd.date_range("2022-01-01", periods=9, freq="MS")
MAILED = np.random.default_rng(5).random((60, len(MONTHS))) < 0.4
MAILS = cs.data.CustomerSeries.of(
    pd.DataFrame({"customer_id": np.repeat(range(60), len(MONTHS)), "date": np.tile(MONTHS, 60)}).assign(
        mail=MAILED.ravel() * 1.0
    )
)
MEET = len(MONTHS) - 1 - np.arange(60) % 4  # opportunities, of whom came up to three months later


def on_series(model, random) -> pd.DataFrame:
    """Customers made up from their own two chances, month by month."""
    rows, base = [], model.base
    for k, n in enumerate(MEET):
        p, leaves = random.beta(base.alpha, base.beta), random.beta(base.gamma, base.delta)
        x, last, sums = 0, 0, 0.0
        for month, mail in enumerate(MAILED[k, len(MONTHS) - n :], 1):
            if random.random() < leaves:
                break
            odds = p / (1 - p) * np.exp(model.effects["mail"] * (mail - model.means["mail"]))
            if random.random() < odds / (1 + odds):
                x, last, sums = x + 1, month, sums + mail
        rows.append((x, float(last), float(n), sums))
    frame = pd.DataFrame(rows, columns=["frequency", "recency", "T", "calendar:mail"])
    frame["first_period_end"] = MONTHS[len(MONTHS) - MEET - 1] + pd.offsets.MonthEnd(0)
    frame.attrs["unit"] = "M"
    return frame


@pytest.mark.slow
def test_opportunities_on_series_are_calibrated():
    priors = {"alpha": OPPORTUNITIES["alpha"], "beta": LogNormal(median=1.2, spread=0.5)}
    priors |= {"gamma": OPPORTUNITIES["gamma"], "delta": WIDE["delta"], "mail": Normal(mean=0.0, spread=0.7)}
    start = cs.models.BGBBSeries(
        base=cs.models.BGBB(alpha=1.0, beta=1.0, gamma=0.5, delta=3.0, unit="M"), effects={"mail": 0.0},
        means={"mail": 0.4}, seen_until="2022-09-30",
    )  # fmt: skip
    family = cs.models.BGBBCalendar
    likelihood = family.likelihood(on_series(start, np.random.default_rng(1)), calendar=MAILS)
    done = ranked(family, likelihood, MAILS, priors, made=on_series, worlds=60)  # 4 s a world
    assert done.calibrated(), done.summary()


@pytest.mark.parametrize("name", ["bg_nbd", "bg_nbd_covariates", "gamma_gamma"])
def test_the_prior_is_a_calibrated_posterior_of_data_that_it_does_not_see(name):
    """Ranks of the truth among draws from the prior are uniform; among those with a fourth of its spread they are not.
    On the scale of a sample's own spend the prior on gamma is that on gamma in money."""
    family, settings = FAMILIES[name]
    free, below, seen = priors_of(name), [], []
    effect = 1 / COVARIATES["sex"].std(ddof=0)
    scales = {"alpha": AGES.mean(), "rate:sex": effect, "lifetime:sex": effect}

    def prior_alone(family, summary, *, seed, priors, unit, share=1.0, **options):
        if name == "gamma_gamma" and seed < 8:
            money = GammaGamma.likelihood(summary).scales[2]
            below.append(quad(lambda x: np.exp(priors["gamma"].logpdf(x)), 0, WIDE["gamma"].median / money)[0])
        random, drawn = np.random.default_rng(seed), {}
        for key, prior in free.items():
            z = prior.spread * share * random.standard_normal(99)
            drawn[key] = (z if ":" in key else prior.median * np.exp(z)) * scales.get(key, 1.0)
        return {"posterior": drawn}

    run = partial(simulation_based_calibration, family, seed=5, replications=30, priors=free, **settings)
    done = run(sampler=prior_alone, progress=lambda *k: seen.append(k))
    assert done.calibrated(), done.summary()
    assert done.unconverged == 0
    assert seen == [(k, 30) for k in range(1, 31)]
    np.testing.assert_allclose(below, 0.5, rtol=1e-6)
    assert not run(sampler=partial(prior_alone, share=0.25)).calibrated()


def test_what_cannot_be_calibrated_is_told():
    for family, settings, words in (
        (GammaGamma, {"ages": AGES}, "Gamma-Gamma needs purchases="),
        (cs.BGNBD, {}, "BGNBD needs ages="),
        (cs.models.MBGCNBD, {"ages": AGES}, "MBGCNBD needs k="),
        (
            cs.models.BGNBDCovariates,
            {"ages": AGES},
            "BGNBDCovariates needs covariates=, a frame with one row for each of the",
        ),
        (cs.ShiftedBetaGeometric, {"ages": AGES}, "customers of ShiftedBetaGeometric cannot be made up"),
        (cs.BGNBD, {"ages": AGES, "replications": 5}, "replications must be a whole number, 20 or more"),
    ):
        with pytest.raises(ConfigError, match=words):
            simulation_based_calibration(family, seed=1, **settings)
