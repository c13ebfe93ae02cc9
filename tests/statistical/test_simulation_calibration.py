"""Truth: theory. The rank of the truth among posterior draws is uniform; a posterior that is too narrow is caught."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import f as f_law

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.models.estimation.posterior import LogPosterior, _simulator, laplace, posterior_models, sample_posterior
from churnsim.models.estimation.priors import LogNormal, Normal
from churnsim.models.evaluation.simulation_calibration import simulation_based_calibration
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


def at_columns(values, effects, means):
    """By what the effects multiply at rows of values."""
    return np.exp((values - np.array([means[name] for name in effects])) @ np.array([*effects.values()]))


def on_calendar(model, random) -> pd.DataFrame:
    """Customers made up from their own traits, purchase by purchase in the time of the season's clock."""
    start = int(FIRST.min().astype(np.int64))
    columns = CALENDAR.columns(start + 1, start + 7 * 104)
    clock = np.concatenate([[0.0], np.cumsum(at_columns(columns, model.effects, model.means))]) / 7
    days, base, rows, stages = np.arange(clock.size, dtype=float), model.base, [], getattr(model.base, "k", 1)
    leaving = days / 7
    if getattr(model, "leaving_effects", None):
        leaving[1:] = np.cumsum(at_columns(columns, model.leaving_effects, model.leaving_means)) / 7
    for first in FIRST.astype(np.int64) - start:
        rate = random.gamma(base.r, 1 / base.alpha)
        end = days[-1]
        if hasattr(base, "beta"):
            life = random.exponential() / random.gamma(base.s, 1 / base.beta)
            end = np.interp(leaving[first] + life, leaving, days)
        leaves, bought, sums = random.beta(base.a, base.b) if hasattr(base, "a") else 0.0, [float(first)], 0.0
        here = not (isinstance(base, cs.MBGNBD | cs.models.MBGCNBD) and random.random() < leaves)
        at = clock[first]
        while here:
            at += random.exponential(size=stages).sum() / rate
            day = np.interp(at, clock, days, right=np.inf)
            if stages > 1:  # gaps are of whole days
                day = max(np.round(day), bought[-1] + 1)
                at = np.interp(day, days, clock)
            if day > end:
                break
            bought, sums = [*bought, day], sums + columns[int(np.ceil(day)) - 1]
            here = random.random() >= leaves
        gaps = np.log(np.diff(bought) / 7).sum()
        recency, T, dates = (bought[-1] - first) / 7, (days[-1] - first) / 7, start + np.array(bought, dtype=np.int64)
        rows.append((len(bought) - 1, recency, T, gaps, dates, *(sums + np.zeros(len(CALENDAR.names)))))
    told = [f"calendar:{name}" for name in CALENDAR.names]
    frame = pd.DataFrame(rows, columns=["frequency", "recency", "T", "log_intervals", "purchase_days", *told])
    frame["first_purchase"] = FIRST.astype("datetime64[ns]")
    frame.attrs["unit"] = "W"
    return frame


MODEL = cs.models.CalendarModel(
    base=cs.BGNBD(r=0.8, alpha=8.0, a=0.8, b=2.5), calendar=CALENDAR, effects={"cos 1": 0.6, "sin 1": 0.0},
    means={"cos 1": 0.0, "sin 1": 0.0}, seen_until="2022-12-31",
)  # fmt: skip


@pytest.mark.parametrize("name", ["bg_nbd", "pareto_nbd"])
def test_a_likelihood_on_a_calendar_is_that_of_the_fit(name):
    data, family = on_calendar(MODEL, np.random.default_rng(1)), PURCHASE_FAMILIES[name]
    fit, likelihood = family.fit(data, calendar=CALENDAR), family.calendar_likelihood(data, calendar=CALENDAR)
    assert likelihood.log_likelihood(likelihood.parameters(fit.model)) == pytest.approx(fit.loglik, rel=1e-12)
    verb, columns = _simulator(fit.model, data)
    made = verb(fit.model, 1, 0)
    assert columns == ["frequency", "recency"]
    # As many as expected of customers observed as long, within four standard errors.
    expected = fit.model.expected_purchases_like(data, 0.0 + data["T"].to_numpy())
    spread = made["frequency"].std() * np.sqrt(len(data))
    assert abs(made["frequency"].sum() - np.sum(expected)) < 4 * spread


def test_a_posterior_on_a_calendar():
    data = on_calendar(MODEL, np.random.default_rng(1))
    with pytest.raises(TypeError, match="has no argument 'leaving'"):
        sample_posterior(cs.models.BGBBCalendar, data, calendar=CALENDAR, leaving=CALENDAR, seed=1)
    drawn = sample_posterior(cs.BGNBD, data, calendar=CALENDAR, seed=1, priors=PRIORS | SEASON, predictive=False)
    fit = cs.BGNBD.fit(data, calendar=CALENDAR)
    effect = drawn["posterior"]["cos 1"].to_numpy()
    assert abs(effect.mean() - fit.parameters["cos 1"]) < fit.standard_errors["cos 1"] / 2
    assert effect.std() == pytest.approx(fit.standard_errors["cos 1"], rel=0.3)
    some = posterior_models(cs.models.CalendarModel, drawn, 3, seed=2)
    assert {each.effects["cos 1"] for each in some} <= set(effect.ravel())
    with pytest.raises(ConfigError, match="not 'bg_nbd'"):
        posterior_models(cs.BGNBD, drawn, 3, seed=2)


MONTHS = pd.date_range("2021-01-01", periods=25, freq="MS")
MET = 24 - np.arange(60) % 12  # opportunities, or renewals, of whom came up to a year later
# What a month says of each customer: the season, or whether it was mailed in the last nine.
OF_SEASON = np.array([CALENDAR.columns(*day).mean(axis=0) for day in zip(
    (MONTHS - pd.Timestamp("1970-01-01")).days, (MONTHS + pd.offsets.MonthEnd(0) - pd.Timestamp("1970-01-01")).days,
    strict=True)]) + np.zeros((60, 1, 1))  # fmt: skip
MAILED = np.random.default_rng(5).random((60, 9)) < 0.4
MAILS = cs.data.CustomerSeries.of(
    pd.DataFrame({"customer_id": np.repeat(range(60), 9), "date": np.tile(MONTHS[-9:], 60)}).assign(
        mail=MAILED.ravel() * 1.0
    )
)


def at_opportunities(values, met, model, random) -> pd.DataFrame:
    """Customers made up from their own two chances, month by month."""
    rows, base = [], model.base
    for factors, each, n in zip(at_columns(values, model.effects, model.means), values, met, strict=True):
        p, leaves = random.beta(base.alpha, base.beta), random.beta(base.gamma, base.delta)
        x, last, sums = 0, 0, np.zeros(values.shape[2])
        for month, (factor, value) in enumerate(zip(factors[-n:], each[-n:], strict=True), 1):
            if random.random() < leaves:
                break
            odds = p / (1 - p) * factor
            if random.random() < odds / (1 + odds):
                x, last, sums = x + 1, month, sums + value
        rows.append((x, float(last), float(n), *sums))
    told = [f"calendar:{name}" for name in model.effects]
    frame = pd.DataFrame(rows, columns=["frequency", "recency", "T", *told])
    frame["first_period_end"] = MONTHS[24 - met] + pd.offsets.MonthEnd(0)
    frame.attrs["unit"] = "M"
    return frame


SPENT = np.arange(60) % 6  # repeat purchases
LOG = pd.DataFrame({"customer_id": np.repeat(np.arange(60), SPENT + 1)})
LOG["date"] = END - np.random.default_rng(6).permutation(728)[: len(LOG)]


def amounts(model, random) -> pd.DataFrame:
    """Amounts of a log from each customer's own rate, at the level of their days."""
    days = LOG["date"].to_numpy("M8[D]").astype(np.int64)
    values = CALENDAR.columns(int(days.min()), int(days.max()))[days - days.min()]
    rates = random.gamma(model.q, 1 / model.gamma, len(SPENT))[LOG["customer_id"]]
    return LOG.assign(amount=random.gamma(model.p, 1 / rates) * at_columns(values, model.effects, model.means))


class Seasonal:
    """G2G with a season, whose alpha is that at a mean of 0: by its own likelihood it is that at the mean of the
    renewals seen, which depends on who left."""

    @staticmethod
    def likelihood(subscriptions, *, calendar):
        found = cs.models.GammaGeometric.likelihood(subscriptions, covariates=list(calendar.names))
        means = np.array([*found.model(found.starts[0]).covariate_means.values()])

        def objective(parameters):
            r, alpha, effects = parameters[0], parameters[1], parameters[2:]
            own = alpha * np.exp(-effects @ means)
            value, slopes = found.objective(np.array([r, own, *(effects / found.scales[2:])]))
            return value, np.array(
                [slopes[0], slopes[1] * own / alpha, *(slopes[2:] / found.scales[2:] - slopes[1] * own * means)]
            )

        def build(values):
            told = {f"mean:{each}": 0.0 for each in calendar.names}
            return cs.models.GammaGeometric.from_dict(values | told | {"unit": "M"})

        return replace(found, objective=objective, build=build, scales=np.ones(found.scales.size))


def renewals(model, random) -> pd.DataFrame:
    """Subscribers by month, each with its own hazard, which the season of the month multiplies."""
    rows, effects = [], np.array([*model.lifetime_effects.values()])
    for k, n in enumerate(MET):
        hazard = random.gamma(model.r, 1 / model.alpha)
        for month, value in enumerate(OF_SEASON[k, -n:]):
            left = random.random() >= np.exp(-hazard * np.exp(value @ effects))
            rows.append((k, month, month + 1, left, *value))
            if left:
                break
    return pd.DataFrame(rows, columns=["customer_id", "entry", "tenure", "churned", *CALENDAR.names])


def tenures(model, random) -> pd.DataFrame:
    """Subscribers who differ in their chance to leave: that of being there after t renewals is (1 - theta)^(t^c)."""
    a, b, c = model.shape
    stay = np.log1p(-random.beta(a, b, 200).clip(1e-300, 1 - 1e-16))
    left = np.ceil((np.log(random.random(200)) / stay) ** (1 / c))
    due = np.arange(200) % 8 + 3
    return pd.DataFrame({"tenure": np.minimum(left, due), "churned": left <= due})


START = {"r": 0.8, "alpha": 8.0, "a": 0.8, "b": 2.5, "s": 0.8, "beta": 20.0, "gamma": 0.5, "delta": 3.0, "k": 2}
CHANCES = OPPORTUNITIES | {"beta": LogNormal(median=1.2, spread=0.5), "delta": WIDE["delta"]}
LEAVING = {"alpha": LogNormal(median=1.0, spread=0.5), "beta": LogNormal(median=3.0, spread=0.5)}


def begun(made, effects=CALENDAR.names, **more):
    """Customers of some model, which say what does not depend on them: scales, days and means of the columns."""
    none = dict.fromkeys(effects, 0.0)
    return made(SimpleNamespace(effects=none, means=none, lifetime_effects=none, **more), np.random.default_rng(1))


def clocked(name, worlds, **fixed):
    """A family on a clock."""
    family = PURCHASE_FAMILIES[name]
    base = family(**{each: START[each] for each in START if each in (*family.parameter_names, *fixed)})
    priors = {key: prior for key, prior in (PRIORS | WIDE).items() if key in family.parameter_names} | SEASON
    priors |= {f"leaving:{each}": prior for each, prior in SEASON.items() if "leaving" in fixed}
    settings = {"made": on_calendar, "priors": priors, "worlds": worlds, "calendar": CALENDAR, **fixed}
    return family, begun(on_calendar, base=base), settings


def chances(values, met, calendar, priors, worlds):
    """BG/BB with a calendar."""
    base = cs.models.BGBB(alpha=1.0, beta=1.0, gamma=0.5, delta=3.0, unit="M")
    settings = {"made": partial(at_opportunities, values, met), "priors": CHANCES | priors, "worlds": worlds}
    start = begun(settings["made"], effects=calendar.names, base=base)
    return cs.models.BGBBCalendar, start, {**settings, "calendar": calendar}


def contracts(family, priors, worlds):
    """Models of staying without a calendar."""
    start = tenures(SimpleNamespace(shape=(1.0, 3.0, 1.0)), np.random.default_rng(1))
    return family, start, {"made": tenures, "priors": priors, "worlds": worlds}


ON_CALENDAR = {
    "nbd": lambda: clocked("nbd", 100),
    "bg_nbd": lambda: clocked("bg_nbd", 100),
    "mbg_nbd": lambda: clocked("mbg_nbd", 60),
    "mbg_cnbd": lambda: clocked("mbg_cnbd", 60, k=2),
    "pareto_nbd": lambda: clocked("pareto_nbd", 30),
    "bg_bb": lambda: chances(OF_SEASON, MET, CALENDAR, SEASON, 40),
    "bg_bb on series": lambda: chances(
        MAILED[:, :, None] * 1.0, 8 - np.arange(60) % 4, MAILS, {"mail": Normal(mean=0.0, spread=0.7)}, 60
    ),
    "gamma_gamma": lambda: (
        cs.models.GammaGammaCalendar, LOG.assign(amount=1.0),
        {"made": amounts, "priors": SEASON | {each: WIDE[each] for each in ("p", "q", "gamma")}, "worlds": 60,
         "calendar": CALENDAR},
    ),
    "g2g": lambda: (
        Seasonal, begun(renewals, r=1.0, alpha=9.0),
        {"made": renewals, "worlds": 60, "calendar": CALENDAR, "priors": {
            "r": LogNormal(median=1.0, spread=0.5), "alpha": LogNormal(median=9.0, spread=0.5),
            **{f"lifetime:{each}": prior for each, prior in SEASON.items()},
        }},
    ),
    "sbg": lambda: contracts(cs.ShiftedBetaGeometric, LEAVING, 60),
    "bdw": lambda: contracts(
        cs.models.BetaDiscreteWeibull,
        {"gamma": LEAVING["alpha"], "delta": LEAVING["beta"], "c": LogNormal(median=1.0, spread=0.3)}, 60,
    ),
}  # fmt: skip


# Planted errors of what is read: the days of the purchases tell nothing, or the calendar is read a quarter early.
FAULTS = {
    "days": lambda data: data.assign(**{each: 0.0 for each in data.columns if each.startswith("calendar:")}),
    "quarter": lambda data: data.assign(first_purchase=data["first_purchase"] - pd.Timedelta(91, "D")),
}


def score_test(family, start, *, made, worlds, priors, read=lambda data: data, **options) -> float:
    """The p-value of the slopes at the truth, whose mean is 0, by Hotelling's test."""
    likelihood_of = getattr(family, "calendar_likelihood", family.likelihood)
    likelihood, random, slopes = likelihood_of(start, **options), np.random.default_rng(9), []
    effects = {each: 0.4 - 0.3 * k for k, each in enumerate(CALENDAR.names)}
    scaled = np.array([getattr(priors[each], "median", effects.get(each[-5:], 0.4)) for each in likelihood.names])
    for _ in range(worlds):
        found = likelihood_of(read(made(likelihood.model(scaled), random)), **options)
        by = likelihood.scales / found.scales
        slopes.append(found.objective(scaled * by)[1] * by)
    mean, spread, size = np.mean(slopes, axis=0), np.cov(slopes, rowvar=False), scaled.size
    distance = worlds * mean @ np.linalg.solve(spread, mean)
    return float(f_law.sf(distance * (worlds - size) / (size * (worlds - 1)), size, worlds - size))


@pytest.mark.parametrize("name", [*ON_CALENDAR, "both clocks"])
def test_slopes_on_a_calendar_are_even_at_the_truth(name):
    """What ranks say below, of one truth: cheaply."""
    more = {"both clocks": lambda: clocked("pareto_nbd", 30, leaving=CALENDAR)}
    family, start, settings = (ON_CALENDAR | more)[name]()
    test = partial(score_test, family, start, **{**settings, "worlds": 20})
    assert test() > 0.001
    for fault in FAULTS.values() if name == "nbd" else ():
        assert test(read=fault) < 1e-6


def by_posterior(family, data, *, read=lambda data: data, **settings):
    """Draws from the posterior of what is `read` of the data."""
    return sample_posterior(family, read(data), predictive=False, **settings)


def ranked(name, **more):
    """Ranks where customers are made up here, one by one."""
    family, start, settings = ON_CALENDAR[name]()
    made, worlds = settings.pop("made"), settings.pop("worlds")
    settings = {"replications": worlds, "seed": 7, "unit": start.attrs.get("unit", "M"), **settings, **more}
    return simulation_based_calibration(
        family, customers=start, simulator=lambda model, _, *seed: made(model, np.random.default_rng(seed)), **settings
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_CALENDAR)
def test_families_on_a_calendar_are_calibrated(name):
    """A quarter of a minute to five minutes each."""
    done = ranked(name)
    assert done.calibrated(), done.summary()


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_a_calendar_is_caught(fault):
    done = ranked("nbd", replications=20, sampler=partial(by_posterior, read=FAULTS[fault]))
    assert not done.calibrated(), done.summary()


def by_normal(family, data, *, seed, priors, read=lambda data: data, **options):
    """Draws from the normal approximation to the posterior of what is `read` of the data."""
    target = LogPosterior(likelihood=family.calendar_likelihood(read(data), **options), priors=priors)
    near = laplace(target)
    z = near.mode + np.random.default_rng(seed).standard_normal((99, near.mode.size)) @ near.root.T
    drawn = target.parameters(z) * target.likelihood.scales
    return {"posterior": dict(zip(target.likelihood.names, drawn.T, strict=True))}


@pytest.mark.parametrize("fault", [None, "days"])
def test_customers_that_the_model_makes_on_a_calendar_are_calibrated_and_a_fault_is_caught(fault):
    log = pd.DataFrame({"customer_id": np.arange(40), "date": FIRST[::2]})
    customers = cs.summarise(log, until="2022-12-31", calendar=CALENDAR)
    done = simulation_based_calibration(
        cs.NBD, customers=customers, calendar=CALENDAR, seed=1, replications=20,
        priors={each: prior for each, prior in (PRIORS | SEASON).items() if each not in "ab"},
        sampler=partial(by_normal, read=FAULTS.get(fault, lambda data: data)),
    )  # fmt: skip
    assert done.calibrated(level=0.001) == (fault is None), done.summary()


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
        (cs.BGNBD, {"calendar": CALENDAR}, "BGNBD with a calendar needs customers="),
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
