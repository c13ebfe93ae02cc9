"""Truth: docs/coming-from.md and the calls themselves. Names and arguments of other packages end in the call here."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import churnsim
from churnsim import models, plots
from churnsim.errors import UnitWarning
from churnsim.models.survival.curve import CurveFit
from churnsim.models.survival.regression import RegressionFit
from churnsim.other_packages import INSTEAD, NAMES, argument_here, nearest


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


def test_what_is_said_is_there(cdnow_models):
    """Every dotted name that an error gives is one, and every bare verb is one of a fit or of a survival model."""
    survival = (models.SurvivalCurve, models.SurvivalRegression, CurveFit, RegressionFit)
    verbs = {name for each in (*cdnow_models, *survival) for name in dir(each)}
    for text in [*NAMES.values(), *INSTEAD.values()]:
        for path in re.findall(r"churnsim(?:\.\w+)+", text):
            thing = churnsim
            for part in path.split(".")[1:]:
                thing = getattr(thing, part)
        for verb in re.findall(r"(?<![\w.])([a-z_]+)\(", text):
            assert verb in verbs, text
    with pytest.raises(TypeError, match=r"priors=\.\.\.\), which do what a penalty did\. Call BGNBD\.fit\(summary\)"):
        churnsim.BGNBD.fit(None, penalizer_coef=0.01)


def test_a_fit_says_its_verbs_and_shows_itself(cdnow_models):
    fit = cdnow_models[0]
    with pytest.raises(AttributeError, match=re.escape("Here it is p_alive(summary)")):
        fit.conditional_probability_alive()
    with pytest.raises(AttributeError, match="Is 'expected_purchases' meant"):
        fit.expected_purchase()
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
    with pytest.raises(TypeError, match=r"Is 'horizon' meant\? Call BGNBD\.expected_purchases\(summary, horizon\)"):
        fit.expected_purchases(s, t=39)
    with pytest.raises(TypeError, match="Is 'until' meant"):
        churnsim.summarise(churnsim.datasets.cdnow(), observation_period_end="1997-09-30")
    with pytest.raises(TypeError, match=r"Call customer_value\(summary, purchases=\.\.\., spend=\.\.\., annual_disc"):
        churnsim.customer_value(s, fit, spend)
    with pytest.raises(TypeError, match=r"Call alive_matrix\(fit, T=\.\.\.\); by name, if wanted: most_purchases"):
        plots.alive_matrix(fit)


def test_control_an_error_inside_a_call_is_its_own(cdnow_models):
    """A TypeError of a call whose arguments fit is passed on as it is."""
    with pytest.raises(TypeError, match="planted"):
        models.drawn_interval([cdnow_models[0].model], lambda model: (_ for _ in ()).throw(TypeError("planted")))


def test_nearest_name_and_arguments():
    assert nearest("paretonbd", ["BGNBD", "ParetoNBD", "_ParetoNBD"]) == "ParetoNBD"
    assert nearest("zzz", ["BGNBD"]) is None
    assert argument_here("freq", ["until", "unit"]) == " Is 'unit' meant?"
    assert argument_here("freq", ["until"]) == ""


def test_data_sets_are_a_module_by_their_short_name():
    from churnsim.customers import top_share
    from churnsim.datasets import cdnow

    assert cdnow is churnsim.datasets.cdnow
    assert top_share is churnsim.customers.top_share
