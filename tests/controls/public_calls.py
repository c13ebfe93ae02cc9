"""Every public call and arguments with which it works: what the guard of hostile values varies, one by one.

The list of calls is generated from the `__all__` of the package and its namespaces. An argument is found by its name in
`VALUES`, or for one call in `OWN`; a call that is not tried is in `NOT_TRIED` or `RESULTS`. A new public call whose
arguments have names that are known here needs no entry.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure

import churnsim as cs

SOURCE = Path(cs.__file__).parent

# What a call gives back and a user does not make: its fields are stored as they come.
RESULTS = frozenset(
    """
    Added Erased Bootstrap ChurnModel ChurnScores Comparison CumulativeIncidence CustomerClusters CustomerFactors
    Effect Estimate Event FitStatus Forecast KnownSurvey Ledger LogPosterior Measurement ModelComparison ModelFit
    PairedDifference Plausible PlausibleRange Pooled QiniCurve QualityReport Region Replay RetentionColumn Run Selection
    Sensitivity SimulationCalibration Split SubscriberValues TailRisk TotalValue UpliftModel Validation Whale World
    BreakEven ClockEffects ComplaintEvidence ContactEffect TargetingRule TrialCheck TrialEffects VarianceSplit
    CalendarFit CalendarModel LikelihoodRatio PooledFit SeriesModel TwoClockModel TwoClockSeriesModel
    BGBBCalendar BGBBSeries GammaGammaCalendar GammaGammaSeries
    TrialAssignment TrialDesign TrialReading
    Calibration Instrumented OfferEvidence ReferralEvidence SpendEvidence WinBackEvidence
    Optimisation ValueOfInformation UpliftPolicy ValueRows
    LogRankTest SurvivalScores
    AliveLabels Readiness RFMSegments
    ForecastLimits
    """.split()  # noqa: SIM905
)
# Calls that are not tried, and why.
NOT_TRIED = {
    "PublishedEffect": "read from a file of the package; what is incomplete is refused in tests/reference",
    "calibrate": "seconds a call; its arguments are tried in tests/statistical/test_calibration.py",
    "optimise": "seconds a call; its arguments are tried in tests/unit/test_optimise.py",
    "CustomerSeries": "made by its `of`, which is tried",
    "Catalogue": "the catalogue itself is churnsim.claims",
    "Claim": "its fields are the author's own text and functions",
    "ClaimSource": "text fields alone",
    "Control": "its fields are the author's own text and functions",
    "Finding": "what a claim's own function answers",
    "Part": "what a claim's own function answers",
    "Change": "an enumeration",
    "Kind": "an enumeration",
    "Answer": "an enumeration",
    "Basis": "an enumeration",
    "Verdict": "an enumeration",
    "MarginTiming": "an enumeration",
    "Mechanism": "a base class for own mechanisms",
    "RetentionModel": "a base class",
    "Targeting": "a base class",
    "RemainingLifetimes": "made by a market",
    "Survey": "made by read_survey and survey_from_frame, which check the answers",
    "Survey.from_frames": "made by read_survey and survey_from_frame, which check the answers",
    "Calibration.of_dict": "reads what a calibration, which takes minutes, left in a study's own files",
    "SurvivalCurve": "made by its fit and read by from_dict",
    "SurvivalRegression": "made by its fit and read by from_dict",
    "BetaDiscreteWeibullCovariates.from_dict": "as that of the other families",
    "ShiftedBetaGeometricCovariates.from_dict": "as that of the other families",
    "BetaDiscreteWeibullCovariates": "made by its fit and read by from_dict",
    "ShiftedBetaGeometricCovariates": "made by its fit and read by from_dict",
    "Shop": "tables that the package makes",
    "Source": "text fields alone, of a data set that the package has",
    "DataSet": "the declaration of a data set that the package has",
    "Comparison.from_outcomes": "reads what a study has stored",
    "read_customer_rows": "a reader's inner part: it takes a function",
    "from_lifetimes": "takes a fitter of another package, read by its attributes",
    "from_inference_data": "takes samples of another package",
    "posterior_models": "takes samples of another package",
    "subscriber_values": "seconds a call; its arguments are tried in tests/unit/test_subscriber_value.py",
    "sample_posterior": "seconds a call; its arguments are tried in tests/statistical",
    "simulation_based_calibration": "seconds a call; its arguments are tried in tests/statistical",
    "cdnow_evidence": "seconds a call; market_evidence is tried",
    "reproduce": "seconds a call; read from a file that is tried in tests/controls",
    "telco_calls": "seconds a call",
    "check_priors": "an inner check of the sampler",
    "laplace": "takes a density made by the package",
    "thought_experiment": "seconds a call, one enumeration as argument",
    "judge_programme": "seconds a call",
    "gains_table": "takes what a simulation has found",
    "render": "reads a stored run, tried in tests/controls",
    "load_run": "reads a stored run, tried in tests/controls",
    "draw_region": "draws a result",
}
# Of a model's base class, for every family: reads a file or a mapping, tried once.
INNER = frozenset(
    {
        "check_positive",
        "load",
        "patterns",
        "likelihood",
        "calendar_likelihood",
        "likelihood_of_purchases",
        "draw_known",
        "save",
    }
)


def namespaces() -> list[ModuleType]:
    """The package and what of it has a curated `__all__`."""
    packages = [
        ".".join(("churnsim", *path.parent.relative_to(SOURCE).parts)) for path in sorted(SOURCE.rglob("*.pyi"))
    ]
    return [importlib.import_module(name) for name in packages] + [cs.datasets, cs.customers, cs.units]


@functools.cache
def public_calls() -> dict[str, Callable[..., Any]]:
    """Every public function, class, class method and static method by its name; a class stands for its constructor."""
    found: dict[str, Callable[..., Any]] = {}
    for space in namespaces():
        for name in getattr(space, "__all__", ()):
            thing = getattr(space, name)
            if getattr(thing, "_is_protocol", False):
                continue
            if inspect.isclass(thing) and not issubclass(thing, BaseException | dict):
                found[name] = thing
                for key in dir(thing):
                    static = inspect.getattr_static(thing, key)
                    own = isinstance(static, classmethod | staticmethod) and str(static.__func__.__module__)
                    if key[0] != "_" and own and own.startswith("churnsim"):
                        found[f"{name}.{key}"] = getattr(thing, key)
            elif inspect.isroutine(thing) or isinstance(thing, functools.partial):
                found[name] = thing
    return found


def is_tried(name: str) -> bool:
    """Whether the guard calls it with hostile values."""
    owner, _, key = name.partition(".")
    return not (
        name in NOT_TRIED
        or name in RESULTS
        or key in INNER
        or (key and owner in ("Run", "PurchaseModel", "RetentionModel"))
    )


@functools.cache
def log() -> pd.DataFrame:
    log = cs.datasets.cdnow()
    return log[log["customer_id"] % 12 == 0].reset_index(drop=True)


@functools.cache
def contacts() -> pd.DataFrame:
    ids = log()["customer_id"].unique()
    return pd.DataFrame(
        {"customer_id": ids, "at": "1997-07-01", "arm": ["mail", "none"] * (len(ids) // 2), "chance": 0.5}
    )


@functools.cache
def complaints() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": log()["customer_id"].unique()[::2],
            "at": "1997-07-01",
            "answered_at": "1997-07-04",
            "outcome": "resolved",
            "compensation": 1.0,
        }
    ).assign(arm=lambda rows: np.where(rows.index % 2, "fast", "usual"))


@functools.cache
def offers() -> pd.DataFrame:
    person = np.arange(80)
    rows = pd.DataFrame({"customer_id": person, "renewal": "2024-05-01", "arm": np.where(person % 2, "off", "none")})
    return rows.assign(discount=person % 2 * 0.1, renewed=person % 3 > 0)


@functools.cache
def spending() -> pd.DataFrame:
    weeks = pd.date_range("2022-01-03", periods=30, freq="7D")
    rows = pd.DataFrame({"from": weeks, "to": weeks + pd.Timedelta(days=6), "channel": "search"})
    return rows.assign(spend=np.arange(30) % 7 * 100.0, new_customers=50 + np.arange(30) % 7, revenue=500.0)


@functools.cache
def lifts() -> pd.DataFrame:
    test = {"channel": ["search"], "from": "2022-01-10", "to": "2022-01-23", "spend_change": 300.0, "lift": 5.0}
    return pd.DataFrame(test | {"standard_error": 2.0})


MAILS = cs.Strategy(name="mails", retention=cs.simulation.RetentionContacts(budget_per_period=900.0))


@functools.cache
def known_market() -> cs.Market:
    """Of customers with ids."""
    return dataclasses.replace(market(), customers=cs.PosteriorBase(split()))


@functools.cache
def trial() -> Any:
    plan = cs.trials.design_trial(known_market(), MAILS, **QUESTION)
    return plan.assignment(start="1997-10-01")


QUESTION: dict[str, Any] = {
    "about": "retention.purchase_lift", "effect": 20.0, "against": 1.0, "weeks": [8.0], "shares": [0.5], "power": 0.1,
    "seed": 1, "replications": 3,
}  # fmt: skip


@functools.cache
def drawn() -> pd.DataFrame:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"arm": ["mail", "none"] * 300, "risk": random.normal(size=600)})
    frame["bought"] = (random.random(600) < 0.3).astype(float)
    return frame.assign(spend=20.0 * frame["bought"] * random.random(600))


@functools.cache
def numbers_by_replication() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(1).normal(size=(40, 2)), columns=["a", "b"])


@functools.cache
def information() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(1).normal(size=(100, 2)), columns=["a", "b"])


@functools.cache
def split() -> pd.DataFrame:
    return cs.split_holdout(log(), until="1997-09-30", holdout_until="1998-06-30")


@functools.cache
def seasonal() -> pd.DataFrame:
    return cs.summarise(log(), until="1997-09-30", calendar=cs.data.Calendar(season=1))


@functools.cache
def paths() -> pd.DataFrame:
    """A series of each customer's own."""
    ids = np.repeat(log()["customer_id"].unique(), 2)
    days = pd.to_datetime(["1997-01-01", "1997-06-01"] * (len(ids) // 2))
    return pd.DataFrame({"customer_id": ids, "date": days, "member": np.arange(len(ids)) % 2 * 1.0})


def rows_of_renewals() -> pd.DataFrame:
    """Subscribers whose price changes, two rows each."""
    return pd.DataFrame({
        "customer_id": np.repeat(np.arange(8), 2), "entry": [0, 1] * 8, "tenure": [1, 4] * 8,
        "churned": [False, True, False, False] * 4, "price": np.arange(16) % 5 * 1.0,
    })  # fmt: skip


def series() -> cs.data.CustomerSeries:
    return cs.data.CustomerSeries.of(paths())


@functools.cache
def with_series() -> pd.DataFrame:
    return cs.summarise(log(), until="1997-09-30", calendar=series())


@functools.cache
def months_with_series() -> pd.DataFrame:
    return cs.data.summarise_opportunities(log(), unit="M", until="1997-12-31", calendar=series()).head(40)


@functools.cache
def periods() -> pd.DataFrame:
    return cs.data.summarise_opportunities(log(), unit="M", until="1997-12-31")


@functools.cache
def months() -> pd.DataFrame:
    calendar = cs.data.Calendar(season=1)
    return cs.data.summarise_opportunities(log(), unit="M", until="1998-06-30", calendar=calendar)


@functools.cache
def gaps() -> pd.DataFrame:
    return cs.data.summarise_with_intervals(log(), until="1998-06-30")


@functools.cache
def subscriptions() -> pd.DataFrame:
    telco = cs.datasets.telco()
    return telco.iloc[::35].copy()


@functools.cache
def purchases() -> Any:
    return cs.BGNBD.fit(split())


@functools.cache
def spend() -> Any:
    return cs.GammaGamma.fit(split())


@functools.cache
def sbg() -> Any:
    return cs.ShiftedBetaGeometric.fit(subscriptions())


@functools.cache
def market() -> cs.Market:
    return cs.Market(customers=cs.Cohort(size=20), purchases=purchases().model, spend=spend().model)


@functools.cache
def survey(kind: str = "servqual") -> Any:
    return getattr(cs.satisfaction, f"synthetic_{kind}")(40, seed=1).survey


@functools.cache
def outcomes() -> pd.DataFrame:
    """Customers with a satisfaction score and a purchase history."""
    return cs.satisfaction.synthetic_customers(120, seed=1)


@functools.cache
def validation() -> Any:
    return cs.validate(log(), [cs.BGNBD], calibration_end="1997-09-30", baselines=[])


@functools.cache
def ranking() -> Any:
    flags = np.arange(40) % 2 == 0
    return cs.models.qini_curve(np.linspace(0, 1, 40), flags, (np.arange(40) % 3 == 0).astype(float), resamples=5)


@functools.cache
def region() -> Any:
    axes = tuple(cs.decisions.Axis(name=name, low=0.0, high=1.0, cells=4) for name in "xy")
    return cs.decisions.map_region(lambda x, y: x + y, cs.decisions.Statement(quantity="q", above=0.5), axes)


def axes() -> Any:
    """To draw into, for pictures; figures of their own would stay open."""
    return Figure().subplots()


@functools.cache
def experiment() -> Any:
    return cs.Experiment(market=market(), seed=1, horizon=4.0, period=4.0, replications=2)


@functools.cache
def tables() -> Any:
    return cs.decisions.customer_tables(experiment(), cs.Strategy(name="a"))


@functools.cache
def features() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(1).normal(size=(60, 5)), columns=list("abcde"))


@functools.cache
def books() -> pd.DataFrame:
    """Simulated customers of a market in which satisfaction plays a part."""
    satisfied = cs.simulation.Satisfaction()
    world = dataclasses.replace(market(), satisfaction=satisfied)
    scenario = cs.Scenario(market=world, strategy=STRATEGIES[0], horizon=4.0, period=4.0, epoch=1.0)
    return cs.simulate(scenario, seed=1, log=True).customers


@functools.cache
def campaign() -> pd.DataFrame:
    return cs.models.simulated_campaign(400, seed=1)


STRATEGIES = (
    cs.Strategy(name="a"),
    cs.Strategy(name="b", acquisition=cs.simulation.Acquisition(budget_per_period=20.0)),
)
LIFE = cs.economics.Geometric(retention=0.8)
RESPONSE = cs.economics.SaturatingResponse(ceiling=0.5, k=0.1)
TIMING = cs.economics.MarginTiming.IMMEDIATE
MATRIX = ((0.7, 0.3), (0.2, 0.8))
QUANTITY = cs.decisions.Quantity(of="b", against="a")

# Values by the parameter's name; a function of nothing is called for its value.
VALUES: dict[str, Any] = {
    "summary": split,
    "transactions": log,
    "data": split,
    "subscriptions": subscriptions,
    "customers": 100.0,
    "survey": survey,
    "market": market,
    "strategies": STRATEGIES,
    "strategy": STRATEGIES[1],
    "experiment": experiment,
    "tables": tables,
    "split": split,
    "features": features,
    "campaign": campaign,
    "log": log,
    "base": 10.0,
    "purchases": purchases,
    "spend": spend,
    "fit": purchases,
    "models": lambda: [cs.BGNBD],
    "fits": lambda: {"sbg": sbg()},
    "validation": validation,
    "seed": 1,
    "replication": 0,
    "replications": 2,
    "level": 0.9,
    "resamples": 20,
    "draws": 20,
    "horizon": 4.0,
    "period": 4.0,
    "epoch": 1.0,
    "unit": "W",
    "until": "1997-09-30",
    "holdout_until": "1998-06-30",
    "calibration_end": "1997-09-30",
    "holdout_end": "1998-06-30",
    "origins": ("1997-06-30", "1997-09-30"),
    "annual_discount_rate": 0.1,
    "discount_rate": 0.1,
    "margin": 0.3,
    "retention": 0.8,
    "life": LIFE,
    "timing": TIMING,
    "r": 0.25,
    "alpha": 4.0,
    "a": 0.8,
    "b": 2.4,
    "s": 0.6,
    "beta": 11.0,
    "gamma": 1.2,
    "delta": 0.9,
    "k": 2,
    "c": 1.1,
    "p": 6.25,
    "q": 3.74,
    "name": "x",
    "values": lambda: np.array([1.0, 5.0, 3.0, 20.0]),
    "n": 20,
    "first": "1997-02-01",
    "share": 0.2,
    "shares": (0.1, 0.2),
    "matrix": MATRIX,
    "churn": 0.2,
    "years": 5,
    "profit": lambda: lambda t: 10.0,
    "covariates": ("contract",),
    "scores": lambda: pd.Series([1.0, 2.0, 3.0], index=pd.Index([1, 2, 3])),
    "quantity": QUANTITY,
    "indifference": 1.0,
    "budget_per_period": 20.0,
    "cost_per_purchase": 0.1,
    "staff": 2,
    "arrivals": 1.0,
    "service_rate": 2.0,
    "acquisition": 0.3,
    "other_churn": 0.1,
    "contribution": 10.0,
    "promotion": 1.0,
    "buys": (0.4, 0.3, 0.2),
    "flows": (-10.0, 5.0, 8.0),
    "cost": 1.0,
    "value_of_customer": 100.0,
    "dissatisfied": 0.4,
    "complain": 0.2,
    "ratio": 1.4,
    "index": 60.0,
    "size": 20,
    "path": lambda: Path("absent.csv"),
    "instrument": "servqual",
    "t": 2.0,
    "T": lambda: np.array([10.0, 20.0]),
    "periods": 4,
    "renewals": 3,
    "weight": 0.9,
    "start": 1.0,
    "force": 0.1,
    "own": 0.5,
    "rivals": 0.5,
    "year": 2,
    "value": 100.0,
    "before": 0.8,
    "after": 0.9,
    "value_per_customer": 50.0,
    "acquisition_spend": 5.0,
    "retention_spend": 5.0,
    "steps": lambda: np.array([1.0, 2.0]),
    "customer_id": "a",
    "ids": lambda: pa.array(["a", "b"]),
    "z": lambda: np.zeros(2),
    "centred": lambda: np.zeros((2, 1)),
    "uids": lambda: np.array([1, 2]),
}
# One call's own values; those under a method's name hold for every class.
BELIEVED = {"value": 0.25, "low": 0.05, "high": 0.6, "status": "assumed", "source": "a guess"}
PICTURES: dict[str, dict[str, Any]] = {
    "alive_history": {"customer": lambda: int(log()["customer_id"].iloc[0])},
    "alive_matrix": {"T": 39.0},
    "belief_map": {"region": region},
    "expected_repeats": {"fits": purchases},
    "purchases_matrix": {"T": 39.0},
    "qini": {"curves": ranking},
    "spend_density": {"fit": spend},
    "strategies": {"comparison": lambda: cs.compare(experiment(), STRATEGIES), "against": "a"},
}


@functools.cache
def parquet_log() -> Any:
    path = Path(tempfile.mkdtemp()) / "log.parquet"
    log().to_parquet(path)
    return cs.data.ParquetLog(path)


@functools.cache
def parquet_summary() -> Any:
    return cs.data.write_summary(parquet_log(), new_path())


def unbound_table() -> Any:
    return ibis.table({"customer_id": "int64", "date": "date"}, name="purchases")


def new_path() -> Path:
    return Path(tempfile.mkdtemp()) / "new"


OWN: dict[str, dict[str, Any]] = {
    "ParquetSummary": {"path": lambda: parquet_summary().path},
    "write_summary": {"log": parquet_log, "folder": new_path},
    "write_scores": {"summary": parquet_summary, "folder": new_path},
    "histories_expression": {"table": unbound_table},
    "summary_expression": {"table": unbound_table},
    "score_sql": {"model": purchases},
    **{name: {"ax": axes, **PICTURES.get(name, {})} for name in cs.plots.__all__ if name != "data"},
    "Belief": BELIEVED | {"draws": None},
    "Plausible.of_draws": {"inside": [True, False], "beliefs": {"margin": 0.3}},
    "Belief.of_draws": {"status": "assumed", "source": "a trial", "draws": [1.0, 2.0, 3.0]},
    "Calendar": {"season": 1},
    "CustomerSeries.of": {"frame": paths},
    "GammaGeometric": {"r": 1.0, "alpha": 9.0},
    "GammaGeometric.fit": {"subscriptions": rows_of_renewals, "covariates": ["price"]},
    "GammaGeometric().log_likelihood": {"subscriptions": rows_of_renewals},
    "GammaGeometric().derl": {"annual_discount_rate": 0.1, "customers": rows_of_renewals},
    "GammaGeometric().residual_survival": {"customers": rows_of_renewals},
    "GammaGeometric().survival_path": {"subscriptions": rows_of_renewals, "future": rows_of_renewals},
    "fit_pooled": {
        "family": cs.BGNBD,
        "summary": lambda: split().assign(part=np.resize(list("abcd"), len(split()))),
        "by": "part",
    },
    "CustomerSeries().select": {"names": ["member"]},
    **{
        f"{model}().{verb}": {"summary": with_series, "n": 1, "times": [1.0, 5.0], "future": "hold"}
        for model in ("SeriesModel", "TwoClockSeriesModel")
        for verb in (
            "p_alive",
            "p_alive_path",
            "expected_purchases",
            "expected_purchases_like",
            "conditional_pmf",
            "purchase_pmf_like",
            "draw_posterior",
            "draw_summary_like",
            "log_likelihood",
            "residual_transactions",
            "time_to_next_purchase",
            "with_future",
        )
    },
    "SeriesModel().with_series": {"series": series},
    "SeriesModel().mean_speed": {"summary": with_series, "last": "1997-06-30"},
    "TwoClockSeriesModel().mean_speed": {"summary": with_series, "last": "1997-06-30"},
    "BGBBSeries().with_series": {"series": series},
    "GammaGammaSeries().with_series": {"series": series},
    "GammaGammaSeries().with_future": {"future": "hold"},
    "GammaGammaSeries().on_average_days": {"transactions": log},
    "GammaGammaSeries().log_likelihood": {"transactions": log},
    "GammaGammaSeries().expected_spend": {"day": "1997-03-01"},
    "BGBBSeries().with_future": {"future": "hold"},
    **{
        f"BGBBSeries().{verb}": {"summary": months_with_series, "n": 1, "times": [1.0, 5.0], "future": "hold"}
        for verb in (
            "p_alive",
            "p_alive_path",
            "expected_purchases",
            "expected_purchases_like",
            "conditional_pmf",
            "purchase_pmf_like",
            "draw_posterior",
            "draw_summary_like",
            "log_likelihood",
            "residual_transactions",
            "time_to_next_purchase",
        )
    },
    "TwoClockSeriesModel().with_series": {"series": series},
    "GammaGammaCovariates": {"effects": {"T": 0.01}, "covariate_means": {"T": 30.0}},
    "GammaGammaCovariates.fit": {"covariates": ["T"]},
    "BGBBCalendar.fit": {"summary": months, "calendar": cs.data.Calendar(season=1)},
    "BGBBCalendar().expected_purchases_new": {"t": 3.0, "first": "1998-06-30"},
    "BGBBCalendar().with_future": {"future": {}},
    **{
        f"BGBBCalendar().{verb}": {"summary": months, "n": 1, "times": [1.0, 5.0], "horizon": 3.0}
        for verb in (
            "p_alive",
            "p_alive_path",
            "expected_purchases",
            "conditional_pmf",
            "log_likelihood",
            "residual_transactions",
        )
    },
    "GammaGammaCalendar.fit": {"calendar": cs.data.Calendar(season=1)},
    "GammaGammaCalendar().with_future": {"future": {}},
    "GammaGammaCalendar().levels": {"first": "1997-03-01", "last": "1997-05-01"},
    "GammaGammaCalendar().expected_spend": {"day": "1997-03-01"},
    "GammaGammaCalendar().on_average_days": {"transactions": log},
    "GammaGammaCalendar().log_likelihood": {"transactions": log},
    "by_interval": {"lower": 1.0, "upper": 2.0},
    "Target": {"quantity": "births", "low": 1.0, "high": 2.0},
    "break_even": {"address": "terms.margin", "between": (0.1, 0.5)},
    "shares_of_variance": {
        "answer": lambda: numbers_by_replication()["a"] * 2,
        "numbers": lambda: numbers_by_replication(),
    },
    "value_of_information": {
        "values": lambda: information().rename(columns={"a": "buying", "b": "keeping"}),
        "numbers": lambda: information(),
        "groups": {"both": ["a", "b"]},
        "among": ["buying"],
        "nothing": "keeping",
    },
    "contact_effect": {"contacts": lambda: contacts(), "purchases": log, "window": 4.0, "control": "none"},
    "design_trial": QUESTION | {"market": lambda: known_market(), "strategy": MAILS, "without": ["retention"]},
    "simulate_trial": {"market": lambda: known_market(), "strategy": MAILS, "trial": lambda: trial(), "seed": 2},
    "forecast_limits": {
        "fit": purchases,
        "cohort": lambda: split()["T"].astype(str),
        "since": "1997-09-30",
        "ends": ["1997-12-31"],
        "planned": 13.0,
    },
    "read_trial": {"assignment": lambda: trial(), "purchases": log, "until": "1997-12-31", "without": []},
    "read_records": {"kind": "contacts", "source": lambda: contacts()},
    "effects_of_sums": {
        "sums": lambda: cs.datasets.hillstrom_sums(),
        "outcomes": ["visit", "conversion"],
        "control": "none",
        "strata": ["newbie"],
    },
    "trial_effects": {"customers": lambda: drawn(), "outcomes": ["bought", "spend"], "control": "none"},
    "targeting_rule": {
        "customers": lambda: drawn(),
        "bought": "bought",
        "spend": "spend",
        "covariates": ["risk"],
        "control": "none",
        "chance": {"none": 0.5, "mail": 0.5},
        "costs": {"mail": 0.1},
    },
    "Constraint": {"weights": {"retention.share": 1.0}, "least": 0.1, "most": 0.5},
    "published_belief": {"address": "referral.rate_per_year", "present": 1.0},
    "referral_evidence": {
        "referrals": pd.DataFrame({"referrer_id": [1, 2], "referred_id": [3, 4], "at": ["2023-02-20", "2023-06-01"]}),
        "purchases": pd.DataFrame(
            {"customer_id": [1, 1, 2, 3], "date": ["2023-01-01", "2023-12-31", "2023-01-01", "2023-03-01"]}
        ),
    },
    "complaint_evidence": {"complaints": lambda: complaints(), "purchases": log, "control": "usual"},
    "offer_evidence": {
        "offers": lambda: offers(),
        "control": "none",
        "chance": {"none": 0.5, "off": 0.5},
        "history": lambda: pd.DataFrame({"risk": np.arange(80) % 7 * 1.0}, index=pd.RangeIndex(80, name="customer_id")),
    },
    "spend_evidence": {"spend": lambda: spending(), "lifts": lambda: lifts()},
    "win_back_evidence": {
        "contacts": lambda: contacts().assign(at="1997-12-01", cost=1.0),
        "purchases": log,
        "control": "none",
        "chance": {"none": 0.5, "mail": 0.5},
        "alive": lambda: pd.Series(0.5, index=log()["customer_id"].unique()),
    },
    "conditional_pmf": {"n": 1},
    "purchase_pmf": {"n": 1},
    "active_periods_pmf": {"n": 1},
    "customers": {"t": 2.0},
    "share": {"spend": 5.0},
    "average_cost": {"spend": 5.0},
    "marginal_cost": {"spend": 5.0},
    "expected_tenure": {"customers": subscriptions},
    "residual_survival": {"customers": subscriptions},
    "restricted_mean": {"customers": subscriptions},
    "linear": {"customers": subscriptions},
    "hazard_multiplier": {"customers": subscriptions},
    **{
        f"{model}().{verb}": {"summary": periods, "n": 1}
        for model in ("BGBB", "BGBBCovariates")
        for verb in (
            "p_alive",
            "expected_purchases",
            "conditional_pmf",
            "draw_posterior",
            "log_likelihood",
            "residual_transactions",
            "time_to_next_purchase",
            "draw_summary_like",
            "expected_purchases_like",
            "purchase_pmf_like",
        )
    },
    "BGBBCovariates.fit": {"summary": periods},
    **{
        f"{model}().{verb}": {"summary": seasonal, "n": 1, "times": [1.0, 5.0]}
        for model in ("CalendarModel", "TwoClockModel")
        for verb in (
            "p_alive",
            "p_alive_path",
            "expected_purchases",
            "conditional_pmf",
            "draw_posterior",
            "draw_summary_like",
            "log_likelihood",
            "residual_transactions",
            "time_to_next_purchase",
        )
    },
    **{
        f"{model}().{verb}": {"first": "1997-02-01", "last": "1997-12-31", "n": 1, "future": {}}
        for model in ("CalendarModel", "TwoClockModel")
        for verb in ("speed", "leaving_speed", "expected_purchases_new", "purchase_pmf", "draw_summary", "with_future")
    },
    "MBGCNBD().log_likelihood": {"summary": gaps},
    "MBGCNBDCovariates().log_likelihood": {"summary": gaps},
    "MBGCNBDCovariates.fit": {"summary": gaps, "k": 2},
    "FlowShare().share": {},
    "draw_parameters": {"n": 2},
    "logpdf": {"x": 1.0},
    "rvs": {"random_state": lambda: np.random.default_rng(1)},
    "worst": {"share": 0.5},
    "top": {"share": 0.5},
    "cut_by_worst": {"share": 0.5},
    "summarise": {"until": "1998-06-30"},
    "summarise_with_intervals": {"until": "1998-06-30"},
    "Market": {
        "draws": (),
        "customers": cs.Cohort(size=20),
        "purchases": lambda: purchases().model,
        "spend": lambda: spend().model,
    },
    "MBGCNBD": {"k": 2},
    "compare": {"seed": 1, "horizon": 4.0, "period": 4.0, "replications": 2},
    "Experiment.of": {"market": market, "arguments": {"seed": 1, "horizon": 4.0}},
    "assumption_region": {
        "over": {"terms.margin": (0.1, 0.5), "complaints.failure_share": (0.1, 0.5)},
        "above": 0.0,
        "cells": 2,
        "max_replications": 2,
        "seed": 1,
        "horizon": 4.0,
        "period": 4.0,
        "replications": 2,
    },
    "sensitivity": {
        "over": ("terms.margin", "complaints.failure_share"),
        "size": 2,
        "seed": 1,
        "horizon": 4.0,
        "period": 4.0,
        "replications": 2,
    },
    "select_best": {"seed": 1, "horizon": 4.0, "period": 4.0, "first_stage": 5, "max_replications": 10},
    "replay": {
        "market": lambda: cs.Market(
            customers=cs.PosteriorBase(split()), purchases=purchases().model, spend=spend().model
        ),
        "seed": 1,
        "replications": 20,
    },
    "customer_tables": {},
    "map_region": {
        "function": lambda: lambda x, y: x + y,
        "statement": cs.decisions.Statement(quantity="q", above=0.5),
        "axes": tuple(cs.decisions.Axis(name=name, low=0.0, high=1.0, cells=4) for name in "xy"),
    },
    "plausible_range": {"address": "terms.margin"},
    "retention_by_tenure": {"tenures": (1.0, 2.0), "origin": "start"},
    "realised_value": {"origin": "start"},
    "tail_risk": {"values": lambda: np.arange(200.0)},
    "Axis": {"low": 0.0, "high": 1.0, "cells": 4},
    "Precision": {"half_width": 1.0},
    "Quantity": {"of": "npv"},
    "Statement": {"quantity": "q", "above": 0.5},
    "Scenario": {"strategy": STRATEGIES[0]},
    "simulate": {
        "scenario": lambda: cs.Scenario(market=market(), strategy=STRATEGIES[0], horizon=4.0, period=4.0, epoch=1.0)
    },
    "market_evidence": {},
    "PseudonymKey": {"secret": b"sixteen bytes at least, or more"},
    "PseudonymKey.from_environment": {"variable": "ABSENT"},
    "CustomerDatabase": {"path": lambda: Path("clients.db")},
    "count_renewals": {"term": "1 M"},
    "customer_uids": {"ids": lambda: pd.Index(["a", "b"])},
    "join_covariates": {"covariates": lambda: pd.DataFrame({"x": 1.0}, index=split().index), "source": "a file"},
    "read_covariates": {"covariates": ("x",)},
    "split_periods": {"unit": "M"},
    "BetaGeometric": {"polarization": 0.3},
    "BetaGeometric.from_parameters": {"beta": 2.0},
    "ComplaintReturn": {"stay_without": 0.5, "stay_with": 0.9},
    "ComplaintTree": {"complainants_leave": 0.3, "silent_leave": 0.6},
    "CustomerValue": {"margin": 50.0},
    "Desk": {},
    "Diffusion": {"p": 0.03, "q": 0.4, "market": 1000.0},
    "EquityTest": {"margin": 100.0, "acquisition": RESPONSE, "retention": RESPONSE},
    "FlowShare": {
        "evaporate": 0.1,
        "switch_out": 0.1,
        "rivals_evaporate": 0.1,
        "switch_in": 0.1,
        "new": 0.2,
        "new_share": 0.5,
    },
    "RetentionTable": {
        "sales_kept": 10.0,
        "sales_replaced": 8.0,
        "gross_kept": 4.0,
        "gross_replaced": 2.0,
        "marketing_kept": 1.0,
        "marketing_replaced": 2.0,
        "other_fixed_cost": 10.0,
    },
    "RetentionTable.through": {
        "retained": (80.0, 90.0),
        "sales": (980.0, 990.0),
        "gross_profit": (300.0, 330.0),
        "marketing": (100.0, 90.0),
        "other_fixed_cost": 50.0,
    },
    "SaturatingResponse": {"ceiling": 0.5, "k": 0.1},
    "SaturatingResponse.through": {"spend": 5.0, "ceiling": 0.5},
    "TenureProfit": {},
    "WinBackOffer": {"chance": 0.3},
    "asset_equation": {"existing": 50.0, "potential": 100.0},
    "asset_equation_bias": {"read_as": TIMING, "truth": cs.economics.MarginTiming.YEAR_END},
    "best_staff": {"quick_within": 1.0, "value_quick": 10.0, "value_slow": 1.0, "wage": 2.0, "most": 10},
    "chain_values": {"transitions": MATRIX, "rewards": (1.0, 0.0)},
    "cost_for_worst": {"margins": (1.0, 2.0, 5.0, 9.0, 20.0)},
    "customer_equity": {"value_existing": 10.0, "new_customers": (5.0,)},
    "erlang_c": {"load": 0.5},
    "failure_factor": {"novice_factor": 2.0, "usual_share": 0.1},
    "growing_then_levelling": {"v": 10.0, "h": 1.0, "g": 3, "N": 8.0},
    "least_gain": {"spend": 1.0},
    "lifetime_values": {"contribution": (10.0, 5.0), "purchases_per_year": 2.0},
    "migration": {"periods": 5},
    "most_spend": {"gain": 0.05},
    "novice_share": {"turnover": 0.3, "learning_years": 0.5},
    "odds_to_match": {"chance_new": 0.2, "value_new": 100.0, "value_second": 150.0},
    "relative_gain": {"points": 0.05},
    "repeated_sales": {"sales": 3},
    "shares_over_time": {"start": (1.0, 0.0), "periods": 3},
    "stream_gain": {"before": 1.0, "after": 2.0},
    "stream_value": {"profit": lambda: cs.economics.TenureProfit(base=1.0).profile(5)},
    "whale": {"profits": (1.0, 2.0, -1.0)},
    "years_of_double_growth": {"start": 10.0, "won": 5.0, "low": 1.5, "high": 2.5},
    "pool": {"estimates": (0.1, 0.2, 0.15), "standard_errors": (0.05, 0.04, 0.06)},
    "ShiftedBetaGeometric.fit_cohort": {"survivors": (100, 80, 70, 64)},
    "BetaDiscreteWeibull.fit_cohort": {"survivors": (100, 80, 70, 64)},
    "BGBB": {"unit": "M"},
    "BGBB.fit": {"summary": periods},
    "BGBB.from_dict": {
        "values": {"family": "bg_bb", "alpha": 1.0, "beta": 1.0, "gamma": 1.0, "delta": 1.0, "unit": "M"}
    },
    "BetaDiscreteWeibull": {"gamma": 1.0, "delta": 1.0, "c": 1.1},
    "LogNormal": {"median": 1.0, "spread": 1.0},
    "Normal": {"mean": 0.0, "spread": 1.0},
    "ChurnModel.fit": {"horizon": 1.0},
    "churn_rows": {"horizon": 1.0},
    "UpliftModel.fit": {"covariates": ("risk",)},
    "UpliftPolicy.fit": {
        "covariates": ("risk",),
        "outcome": "stayed",
        "arm": "treated",
        "control": "False",
        "costs": {"True": 0.1},
    },
    "ChurnClassifier": {},
    "UpliftRegressor": {},
    "CustomerValueRegressor": {},
    "TimeSplit": {},
    "save_model": {"model": lambda: cs.models.UpliftModel.fit(campaign(), covariates=["risk"])},
    "load_model": {},
    "rfm_summary": {},
    "calibration_and_holdout_data": {"calibration_period_end": "1997-09-30"},
    "rfm_segments": {},
    "customer_lifetime_value": {"purchases": lambda: purchases().model, "spend": lambda: spend().model},
    "label_alive": {"model": lambda: purchases().model},
    "readiness": {},
    "value_rows": {"moments": ("1997-06-30",)},
    "bootstrap": {"replications": 2},
    "check_unit": {},
    "churn_scores": {"probability": lambda: np.linspace(0.1, 0.9, 40), "left": lambda: np.arange(40) % 3 == 0},
    "cluster_customers": {"numbers": (2,)},
    "log_rank_test": {"subscriptions": lambda: subscriptions(), "group": "contract"},
    "restricted_means": {"subscriptions": lambda: subscriptions(), "group": "contract", "horizon": 12.0},
    "concordance": {"risk": lambda: np.arange(len(subscriptions())) % 7.0, "subscriptions": lambda: subscriptions()},
    "survival_scores": {
        "model": lambda: cs.models.SurvivalCurve.fit(subscriptions()).model,
        "subscriptions": lambda: subscriptions(),
        "times": (6.0, 12.0),
    },
    "cumulative_incidence": {
        "subscriptions": lambda: subscriptions().assign(cause=np.where(subscriptions()["churned"], "price", "")),
        "cause": "cause",
    },
    "delta_interval": {"quantity": lambda: lambda model: model.r},
    "choose_model": {"models": lambda: [cs.BGNBD]},
    "drawn_interval": {"models": lambda: [purchases().model] * 3, "quantity": lambda: lambda model: model.r},
    "gold_customers": {"replications": 20},
    "qini_curve": {
        "score": lambda: np.linspace(0, 1, 40),
        "treated": lambda: np.arange(40) % 2 == 0,
        "outcome": lambda: np.arange(40) % 3 == 0,
        "resamples": 20,
    },
    "rolling_validation": {"horizon": 12.0},
    "simulated_campaign": {"customers": 200},
    "customer_value": {"purchases": lambda: purchases().model, "spend": lambda: spend().model},
    "discounted_purchases": {"purchases": lambda: purchases().model},
    "simulate_spend": {"model": lambda: spend().model},
    "subscriber_values": {},
    "total_value": {},
    "customer_value_intervals": {},
    "acsi": {"survey": lambda: survey("acsi")},
    "acsi_index": {
        "means": lambda: pd.Series([5.0, 6.0]),
        "weights": lambda: pd.Series([0.5, 0.5]),
        "scale": (1.0, 10.0),
    },
    "benchmark_gaps": {"survey": lambda: survey("benchmark")},
    "customer_value_ratio": {"survey": lambda: survey("value")},
    "five_gaps": {"survey": lambda: survey("gaps")},
    "importance_performance": {"survey": lambda: survey("importance")},
    "kano": {"survey": lambda: survey("kano")},
    "path_model": {"survey": lambda: survey("paths")},
    "penalty_reward": {"survey": lambda: survey("penalty_reward")},
    "join_customers": {
        "survey": lambda: cs.simulation.sample_survey(books(), 5, seed=1, ids=books().index),
        "customers": books,
    },
    "reliability": {
        "frame": lambda: survey().answers["perception"],
        "scales": {"all": tuple(survey().answers["perception"].columns[:4])},
    },
    "Structure": {"blocks": {"x": ("a", "b"), "y": ("c", "d")}, "paths": {"y": ("x",)}},
    "survey_from_frame": {
        "frame": lambda: pd.DataFrame({"respondent": [1, 2], "perception.q1": [3, 4], "perception.q2": [5, 6]})
    },
    "buying_rate": {"customers": outcomes},
    "leaving_hazard": {"customers": outcomes},
    "class_values": {"customers": outcomes, "outcomes": ("frequency",)},
    "worth_of_a_point": {
        "buying": lambda: cs.satisfaction.buying_rate(outcomes()),
        "leaving": None,
        "rate": 0.1,
        "hazard": 0.01,
        "margin_per_purchase": 5.0,
    },
    "sample_survey": {"customers": books, "n": 5},
    "AskForComplaints": {},
    "Compensation": {"cost_per_complaint": 1.0},
    "ComplaintDesk": {"mean_service_time": 0.1, "wage_per_period": 1.0},
    "CustomerScores": {"uids": lambda: np.array([1, 2, 3]), "values": lambda: np.array([1.0, 2.0, 3.0])},
    "CustomerScores.of": {},
    "DismissUnprofitable": {"periods": 2},
    "EconomicBond": {"price_off": 0.1},
    "EmpoweredStaff": {"share_at_once": 0.5, "cost_per_period": 1.0},
    "FixedSpend": {"amount": 10.0},
    "Origin": {"source": "a trial", "status": "assumed"},
    "ProfitByTenure": {"profits": (1.0, 2.0)},
    "ProfitStream": {"profits": (1.0, 2.0)},
    "in_one_currency": {"log": lambda: log().assign(currency="USD")},
    "ReferralReward": {"reward": 1.0},
    "RenewalOffers": {"notice": 1.0, "discount": 0.1},
    "SocialBond": {"joins": 0.2, "cost_per_member": 1.0},
    "StructuralBond": {"cost_per_customer": 1.0},
    "SubscriberBase": {"charges": lambda: subscriptions()["monthly_charges"]},
    "TraitsBase": {"traits": lambda: purchases().model.draw_customers(20, seed=1)},
    "WinBack": {"silent_for": 4.0, "cost_per_contact": 1.0},
    "charges_model": {"charges": lambda: subscriptions()["monthly_charges"]},
    "contract_of": {"model": lambda: sbg().model},
    "hazard_multipliers": {
        "contract": lambda: cs.simulation.contract_of(cs.models.SurvivalCurve.fit(subscriptions()).model, renewals=24),
        "regression": lambda: cs.models.SurvivalRegression.fit(subscriptions(), covariates=["senior_citizen"]).model,
    },
    "Duration": {"value": 4.0},
    "parse_duration": {"text": "4 W"},
    "source": {"name": "cdnow"},
    "describe": {"name": "cdnow"},
    "load": {"name": "yogurt"},
    "list": {"kind": "panel", "artificial": False},
    "repeat_premium": {"replications": 20},
    "replacement_ratio": {"replications": 20},
    "top_share": {"replications": 20},
    "whale_curve": {"replications": 20},
    "synthetic_paths": {},
    "MBGCNBD.fit": {"summary": gaps},
    "satisfaction_scores": {"survey": lambda: survey("acsi")},
    "purchase_history_effects": {"summary": lambda: split().assign(satisfaction=np.linspace(20, 80, len(split())))},
    "ContractualLifetime": {"a": 0.7, "b": 3.0},
    "RemainingLifetimes.of": {
        "purchases": lambda: purchases().model,
        "base": lambda: cs.Cohort(size=20).draw(
            purchases=purchases().model, spend=spend().model, seed=1, replication=0
        ),
    },
    "Source": {"name": "x", "title": "x", "citation": "x", "file": "x", "checksum_sha256": "x"},
    "read_subscriptions": {"observed_until": "2024-12-31"},
}


# Methods that give no answer about an argument: they store, print or belong to the machinery.
NO_VERB = frozenset(
    {
        "logpdf",
        "rvs",
        "sign",
        "save",
        "to_dict",
        "check_positive",
        "load",
        "from_dict",
        "check",
        "rules",
        "draw_known",
        "on_days",
        "rows_of",
        "continued",
        "check_same_rows",
        "between",
        "paths",
        "paths_of_new",
        "of_new",
        "speeds",
        "on_start",
        "on_event",
    }
)


@functools.cache
def instances() -> dict[str, Any]:
    """An object of each class that a user makes and asks, and of what a fit gives."""
    found = {}
    for name, call in public_calls().items():
        if inspect.isclass(call) and is_tried(name) and name not in ("CustomerDatabase", "ParquetLog"):
            found[name] = call(**{key: made(value) for key, value in arguments_of(name, call).items()})
    found["SurvivalCurve"] = cs.models.SurvivalCurve.fit(subscriptions()).model
    found["SurvivalRegression"] = cs.models.SurvivalRegression.fit(subscriptions(), covariates=["senior_citizen"]).model
    found["ModelFit"] = purchases()
    found["CalendarModel"] = cs.BGNBD.fit(seasonal(), calendar=cs.data.Calendar(season=1)).model
    season = cs.data.Calendar(season=1)
    nothing = {"cos 1": 0.0, "sin 1": 0.0}
    found["BGBBCalendar"] = cs.models.BGBBCalendar(
        base=cs.models.BGBB(alpha=1.2, beta=0.8, gamma=0.7, delta=2.8, unit="M"), calendar=season,
        effects={"cos 1": 0.2, "sin 1": 0.1}, means=nothing, seen_until="1998-06-30",
    )  # fmt: skip
    found["GammaGammaCalendar"] = cs.models.GammaGammaCalendar(
        p=4.0, q=3.0, gamma=15.0, calendar=season, effects={"cos 1": 0.2, "sin 1": 0.1}, means=nothing,
        seen_until="1998-06-30",
    )  # fmt: skip
    found["GammaGammaSeries"] = cs.models.GammaGammaSeries(
        p=4.0, q=3.0, gamma=15.0, effects={"member": 0.2}, means={"member": 0.5}, seen_until="1998-06-30",
        calendar=series(),
    )  # fmt: skip
    found["SeriesModel"] = cs.BGNBD.fit(with_series(), calendar=series()).model
    found["CustomerSeries"] = series()
    found["BGBBSeries"] = cs.models.BGBBSeries(
        base=cs.models.BGBB(alpha=1.2, beta=0.8, gamma=0.7, delta=2.8, unit="M"), effects={"member": 0.2},
        means={"member": 0.5}, seen_until="1997-12-31", calendar=series(),
    )  # fmt: skip
    found["TwoClockSeriesModel"] = cs.models.TwoClockSeriesModel(
        base=cs.ParetoNBD(r=0.5, alpha=10.0, s=0.6, beta=12.0), effects={"member": 0.2}, means={"member": 0.0},
        seen_until="1997-09-30", calendar=series(),
    )  # fmt: skip
    found["TwoClockModel"] = cs.models.TwoClockModel(
        base=cs.ParetoNBD(r=0.5, alpha=10.0, s=0.6, beta=12.0), calendar=season, effects={"cos 1": 0.2, "sin 1": 0.1},
        means=nothing, seen_until="1998-06-30", leaving=season, leaving_effects=nothing, leaving_means=nothing,
    )  # fmt: skip
    found["Whale"] = cs.economics.whale([1.0, 2.0, -1.0])
    return found


# Their methods say what is wrong in scikit-learn's words, as its check_estimator wants: test_sklearn_estimators.py.
OF_SCIKIT_LEARN = ("ChurnClassifier", "CustomerValueRegressor", "TimeSplit", "UpliftRegressor")


@functools.cache
def verbs() -> dict[str, Callable[..., Any]]:
    """The public methods of models and of economics that take an argument, by `Class().method`.

    Those of markets, strategies and experiments are asked by the engine and by studies.
    """
    found = {}
    for name, thing in instances().items():
        if name in OF_SCIKIT_LEARN or not type(thing).__module__.startswith(("churnsim.models", "churnsim.economics")):
            continue
        for key in dir(type(thing)):
            static = inspect.getattr_static(type(thing), key)
            own = inspect.isfunction(static) and static.__module__.startswith("churnsim")
            if key[0] == "_" or not own or key in NO_VERB or key.endswith("_like"):
                continue
            if set(inspect.signature(static).parameters) - {"self"}:
                found[f"{name}().{key}"] = getattr(thing, key)
    return found


def arguments_of(name: str, call: Callable[..., Any]) -> dict[str, Any]:
    """Values for the parameters without a default, and for those that have one here; KeyError names what is unknown."""
    owner, _, key = name.partition(".")
    if key == "from_dict" and name not in OWN:
        return {"values": lambda: instances()[owner].to_dict()}
    own = {**OWN.get(key if owner.endswith("()") else "", {}), **OWN.get(name, {})}
    found = dict(own) if not owner.endswith("()") else {}
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if parameter.name in own:
            found[parameter.name] = own[parameter.name]
        elif parameter.default is parameter.empty:
            if parameter.name not in VALUES:
                raise KeyError(f"{name} has the parameter {parameter.name!r}, for which {__name__} has no value")
            found[parameter.name] = VALUES[parameter.name]
        elif parameter.name in ("replications", "resamples", "draws", "level", "seed"):
            found[parameter.name] = VALUES[parameter.name]
    return found


def made(value: Any) -> Any:
    """The value that an entry stands for."""
    return value() if inspect.isfunction(value) or isinstance(value, functools._lru_cache_wrapper) else value
