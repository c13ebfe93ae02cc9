"""Truth: docs/coming-from.md and the calls themselves. Names and arguments of other packages end in the call here."""

from __future__ import annotations

import re
from functools import partial
from importlib import import_module

import pandas as pd
import pytest

import churnsim
from churnsim import models, plots
from churnsim.errors import ConfigError, DataError, UnitWarning
from churnsim.models.survival.curve import CurveFit
from churnsim.models.survival.regression import RegressionFit
from churnsim.other_packages import argument_here, nearest, told

NAMES, MODULES, INSTEAD = (told()[table] for table in ("names", "modules", "instead"))


def test_names_of_others_are_told_where_they_are_typed():
    with pytest.raises(ImportError, match=re.escape("Here it is churnsim.BGNBD.fit(summary)")):
        from churnsim import BetaGeoFitter  # noqa: F401
    with pytest.raises(ImportError, match=r"plots\.alive_matrix"):
        _ = plots.plot_probability_alive_matrix
    with pytest.raises(ImportError, match=re.escape("Here it is churnsim.data.rfm_summary(log, 'customer_id'")):
        from churnsim import rfm_summary  # noqa: F401
    with pytest.raises(AttributeError, match=r"has no 'bgnbd_fit'\.$"):
        _ = churnsim.bgnbd_fit
    with pytest.raises(AttributeError, match="Is 'BGNBDCovariates' meant"):
        _ = models.BgNbdCovariate
    with pytest.raises(ImportError, match=r"Here it is churnsim\.summarise\(churnsim\.datasets\.cdnow\(\)"):
        from churnsim.datasets import load_cdnow_summary  # noqa: F401
    with pytest.raises(AttributeError, match="Is 'cdnow' meant"):
        _ = churnsim.datasets.cdnew


@pytest.mark.parametrize("module", [*MODULES, "clv.utils"])
def test_modules_of_others_are_told(module):
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"Its names are in {MODULES[module.split('.')[0]]} here")):
        import_module(f"churnsim.{module}")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'churnsim\.nothing'$"):
        import_module("churnsim.nothing")


def test_what_is_said_is_there(cdnow_models):
    """Every dotted name that an error gives is one, and every bare verb is one of a fit or of a survival model."""
    survival = (models.SurvivalCurve, models.SurvivalRegression, CurveFit, RegressionFit)
    verbs = {name for each in (*cdnow_models, *survival) for name in dir(each)}
    for text in [*NAMES.values(), *INSTEAD.values(), *MODULES.values()]:
        for path in re.findall(r"churnsim(?:\.\w+)+", text):
            thing = churnsim
            for part in path.split(".")[1:]:
                thing = getattr(thing, part)
        for verb in re.findall(r"(?<![\w.])([a-z_]+)\(", text):
            assert verb in verbs, text
    with pytest.raises(TypeError, match=r"priors=\.\.\.\), which do what a penalty did\. Call BGNBD\.fit\(summary\)"):
        churnsim.BGNBD.fit(None, penalizer_coef=0.01)
    for family, on_calendars in ((models.BGBB, "BGBBCalendar"), (churnsim.GammaGamma, "GammaGammaCalendar")):
        for call in (family.fit, partial(models.sample_posterior, family)):
            with pytest.raises(TypeError, match=rf"churnsim\.models\.{on_calendars}\b"):
                call(None, calendar=churnsim.data.Calendar(season=1), seed=1)


def test_a_fit_says_its_verbs_and_shows_itself(cdnow_models):
    fit = cdnow_models[0]
    with pytest.raises(AttributeError, match=re.escape("Here it is p_alive(summary)")):
        fit.conditional_probability_alive()
    for one in (fit, fit.model):
        with pytest.raises(AttributeError, match="Is 'expected_purchases' meant"):
            one.expected_purchase()
        with pytest.raises(AttributeError, match=re.escape("Here it is p_alive(summary)")):
            one.conditional_probability_alive()
    assert repr(fit) == (
        "<BGNBD fitted to 2,357 customers in weeks: r 0.2426, alpha 4.414, a 0.7929, b 2.426; "
        "log-likelihood -9,582.4; converged>"
    )


def test_durations_of_an_unknown_unit_are_warned_of(tmp_path):
    """A summary of days in which pandas or a file lost the unit, as those of other packages, is not taken for weeks
    without a word; of weeks, which have sevenths, nothing is said."""
    log = churnsim.datasets.cdnow()
    days, weeks = (churnsim.summarise(log, until="1997-09-30", unit=unit) for unit in ("D", "W"))
    days.to_csv(tmp_path / "summary.csv")
    kept = pd.read_csv(tmp_path / "summary.csv", index_col="customer_id")
    joined = days.join(pd.DataFrame({"even": days.index % 2}, index=days.index))
    joined.attrs = {}  # as pandas 2 leaves it
    for lost in (kept, joined):
        with pytest.warns(UnitWarning, match="Pass unit='D' if they are days"):
            assert churnsim.BGNBD.fit(lost).model.unit == "W"
        assert churnsim.BGNBD.fit(lost, unit="D").model.unit == "D"
        with pytest.warns(UnitWarning):
            models.BGNBDCovariates.fit(lost.assign(even=lost.index % 2), covariates_rate=["even"])
    weeks.attrs = {}
    assert churnsim.BGNBD.fit(weeks).model.unit == "W"


def test_wrong_arguments_are_answered_with_the_call(cdnow_split, cdnow_models):
    s, (fit, spend) = cdnow_split, cdnow_models
    with pytest.raises(TypeError, match=r"BGNBD\.fit: too many positional arguments\. Call BGNBD\.fit\(summary\)"):
        churnsim.BGNBD.fit(s["frequency"], s["recency"], s["T"])
    with pytest.raises(TypeError, match=r"t= is horizon= here\. Call BGNBD\.expected_purchases\(summary, horizon\)"):
        fit.expected_purchases(s, t=39)
    with pytest.raises(TypeError, match="observation_period_end= is until= here"):
        churnsim.summarise(churnsim.datasets.cdnow(), observation_period_end="1997-09-30")
    with pytest.raises(TypeError, match=r"Call customer_value\(summary, purchases=\.\.\., spend=\.\.\., annual_disc"):
        churnsim.customer_value(s, fit, spend)
    with pytest.raises(ConfigError, match=r"give the summary, or the time as T="):
        plots.alive_matrix(fit)


def test_every_argument_of_another_package_is_answered(cdnow_split, cdnow_models):
    """Also where one is missing, or where they are passed on; a column's name is told to the reader of logs."""
    s, (fit, spend) = cdnow_split, cdnow_models
    log = churnsim.datasets.cdnow()
    for call, words in (
        (lambda: churnsim.customer_value(s, purchases=fit, spend=spend, time=12, discount_rate=0.1),
         "time= is horizon= here. discount_rate= is annual_discount_rate= here"),
        (lambda: churnsim.split_holdout(log, calibration_period_end="1997-09-30"), "calibration_period_end= is until="),
        (lambda: churnsim.split_holdout(log, **{"estimation.split": 104}), "estimation_split= is until= here"),
        (lambda: churnsim.customer_value(s, **{"continuous.discount.factor": 0.1}), "math.expm1(d * 365.25 / 7)"),
        (lambda: churnsim.read_transactions("log.csv", dayfirst=True), "date_format='%d/%m/%Y'"),
        (lambda: churnsim.data.read_subscriptions("file.csv", until="2024-12-31"), "Call read_subscriptions(path)"),
        (lambda: churnsim.data.rfm_summary(log, datetime_format="%Y"), "churnsim.read_transactions(frame, date_format"),
        (lambda: models.SurvivalRegression.fit(log, duration_col="T", event_col="E"),
         "entry: frame.rename(columns={...}). Call SurvivalRegression"),  # once, though two arguments have it
        (lambda: churnsim.summarise(log, customer_id="who"), "churnsim.read_transactions(frame, customer_id"),
        (lambda: models.ParetoNBDCovariates.fit(s, covariates=["x"]), "covariates_lifetime=[...]. It takes unit"),
        (lambda: models.sample_posterior(churnsim.BGNBD, s, seed=1, tune=100), "posterior has no argument 'tune'"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=re.escape(words)):
            call()
    renamed = log.rename(columns={"customer_id": "who"})
    with pytest.raises(DataError, match=r"no column 'customer_id'.*churnsim\.read_transactions"):
        churnsim.summarise(renamed)
    with pytest.raises(DataError, match=r"read the frame with churnsim\.read_transactions\(frame, date_format"):
        churnsim.summarise(log.assign(date="31/01/1997"))
    with pytest.raises(ConfigError, match=r"needs its covariates.*covariates_rate=\['age'\]"):
        churnsim.validate(log, [models.ParetoNBDCovariates], calibration_end="1997-09-30")
    with pytest.raises(ConfigError, match=r"such as churnsim\.BGNBD; got 'bg_nbd'"):
        models.sample_posterior("bg_nbd", s, seed=1)
    with pytest.raises(ConfigError, match=r"a Validation, which churnsim\.validate\(log"):
        plots.tracking(fit)
    df = pd.DataFrame({"tenure": [3.0, 4.0], "churned": ["Yes", "No"]})
    with pytest.raises(DataError, match=r"left: frame\['churned'\] == 'Yes'\.$"):
        models.SurvivalCurve.fit(df)
    with pytest.raises(ConfigError, match=r"risk must be .*That of a Cox model is model\.hazard_multiplier\(subscr"):
        models.concordance(fit.model, df)
    with pytest.raises(DataError, match="ids are of two kinds"):
        models.BGNBDCovariates.fit(s.assign(age=float("nan")), covariates_rate=["age"])
    fitter = type("BetaGeoFitter", (), {"params_": {"r": 0.2, "alpha": 4.0, "a": 0.8, "b": 2.4}})()
    fitter.data = pd.DataFrame({"recency": [3.0] * 40, "T": 20.0})
    with pytest.warns(UnitWarning):
        assert models.from_lifetimes(fitter).unit == "W"
    assert models.from_lifetimes(fitter, unit="D").unit == "D"


def test_control_an_error_inside_a_call_is_its_own(cdnow_models):
    """A TypeError of a call whose arguments fit is passed on as it is."""
    with pytest.raises(TypeError, match="planted"):
        models.drawn_interval([cdnow_models[0].model], lambda model: (_ for _ in ()).throw(TypeError("planted")))


def test_nearest_name_and_arguments():
    assert nearest("paretonbd", ["BGNBD", "ParetoNBD", "_ParetoNBD"]) == "ParetoNBD"
    assert nearest("zzz", ["BGNBD"]) is None
    assert argument_here("freq", ["until", "unit"]) == " freq= is unit= here."
    assert argument_here("untill", ["until", "unit"]) == " Is 'until' meant?"
    assert argument_here("zzz", ["until"]) == ""


def test_data_sets_are_a_module_by_their_short_name():
    from churnsim.customers import top_share
    from churnsim.datasets import cdnow

    assert cdnow is churnsim.datasets.cdnow
    assert top_share is churnsim.customers.top_share
