"""How models are made, fitted and asked: missing parameters, the calls of before 0.2, verbs of a fit."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pandas as pd
import pytest

import churnsim as cs

WHAT = {
    cs.BGNBD: r"BGNBD is its parameters \(r, alpha, a, b\)\. .* BGNBD\.fit\(summary\)\. Missing: r, alpha, a, b",
    cs.GammaGamma: r"GammaGamma is its parameters \(p, q, gamma\)\. .* GammaGamma\.fit\(summary\)",
    cs.ShiftedBetaGeometric: r"ShiftedBetaGeometric\.fit\(subscriptions\)",
    cs.models.SurvivalRegression: r"SurvivalRegression is its parameters \(kind, design, coefficients\)",
}


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    return cs.BGNBD(r=0.8, alpha=5.0, a=0.8, b=2.5).draw_summary([50.0] * 400, seed=1).assign(z=[0.0, 1.0] * 200)


@pytest.mark.parametrize("family", WHAT)
def test_a_model_without_parameters_says_what_to_call(family: Any) -> None:
    with pytest.raises(TypeError, match=WHAT[family]):
        family()


def test_help_shows_a_models_parameters() -> None:
    """Also where the class of the models' classes has a `__call__` of its own."""
    assert list(inspect.signature(cs.BGNBD).parameters) == ["r", "alpha", "a", "b", "unit"]
    assert list(inspect.signature(cs.GammaGamma).parameters) == ["p", "q", "gamma"]


def test_only_what_is_missing_is_named() -> None:
    with pytest.raises(TypeError, match=r"Missing: a, b\.$"):
        cs.BGNBD(r=1.0, alpha=2.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        cs.BGNBD(r=1.0, alpha=2.0, a=1.0, b=1.0, c=1.0)


@pytest.mark.parametrize(
    ("family", "other"), [(cs.BGNBD, cs.models.BGNBDCovariates), (cs.ParetoNBD, cs.models.ParetoNBDCovariates)]
)
def test_covariates_passed_to_the_plain_family_warn_and_work(family: Any, other: Any, summary: pd.DataFrame) -> None:
    with pytest.warns(DeprecationWarning, match=rf"call {other.__name__}\.fit instead"):
        old = family.fit(summary, covariates_rate=["z"], penalty=1.0)
    new = other.fit(summary, covariates_rate=["z"], penalty=1.0)
    assert old.to_dict() == new.to_dict()
    assert type(family.fit(summary, covariates_rate=()).model) is family


@pytest.mark.parametrize(
    ("family", "other"),
    [
        (cs.ShiftedBetaGeometric, cs.models.ShiftedBetaGeometricCovariates),
        (cs.models.BetaDiscreteWeibull, cs.models.BetaDiscreteWeibullCovariates),
    ],
)
def test_the_same_under_contract(family: Any, other: Any) -> None:
    rows = {"tenure": [1, 2, 3, 4, 5, 1, 2, 3] * 30, "churned": [True, True, True, False] * 60, "z": [0.0, 1, 1] * 80}
    with pytest.warns(DeprecationWarning, match=rf"call {other.__name__}\.fit instead"):
        old = family.fit(pd.DataFrame(rows), covariates=["z"])
    assert old.to_dict() == other.fit(pd.DataFrame(rows), covariates=["z"]).to_dict()


def test_a_family_without_covariates_refuses_them(summary: pd.DataFrame) -> None:
    with pytest.raises(TypeError, match=r"NBD\.fit takes no covariates"):
        cs.NBD.fit(summary, covariates_rate=["z"])  # type: ignore[call-arg]


def test_a_fit_has_the_verbs_of_its_model(summary: pd.DataFrame) -> None:
    fit = cs.BGNBD.fit(summary)
    pd.testing.assert_series_equal(fit.p_alive(summary), fit.model.p_alive(summary))
    pd.testing.assert_series_equal(fit.expected_purchases(summary, 4.0), fit.model.expected_purchases(summary, 4.0))
    assert {"p_alive", "conditional_pmf", "aic"} <= set(dir(fit))
    # What makes models, and files of them without their uncertainty, is the model's alone.
    for name in ("fit", "likelihood", "save", "load", "family", "nothing", "_alive"):
        assert not hasattr(fit, name), name
    with pytest.raises(AttributeError, match="ModelFit of BGNBD has no 'p_alife'"):
        fit.p_alife(summary)


def test_a_fit_can_be_copied_and_pickled(summary: pd.DataFrame) -> None:
    fit = cs.BGNBD.fit(summary)
    for again in (copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):  # noqa: S301  # our own bytes
        assert again.model == fit.model
        pd.testing.assert_series_equal(again.p_alive(summary), fit.p_alive(summary))
