"""Every family that lifetimes has too, at the same parameters: taken over by from_lifetimes, and the same numbers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churnsim.data import datasets, split_holdout, summarise
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.posterior import sample_posterior
from churnsim.models.evaluation.selection import compare_models
from churnsim.models.evaluation.validation import holdout_by_frequency
from churnsim.models.interop import from_inference_data, from_lifetimes
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.models.value.clv import customer_value

PARAMETERS: dict[str, dict[str, float]] = {
    "BetaGeoFitter": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "ModifiedBetaGeoFitter": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "ParetoNBDFitter": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
    "BetaGeoBetaBinomFitter": {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783},
    "GammaGammaFitter": {"p": 6.25, "q": 3.74, "v": 15.44},
}
CONTINUOUS = ["BetaGeoFitter", "ModifiedBetaGeoFitter", "ParetoNBDFitter"]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    # lifetimes is archived: see test_lifetimes_models.py.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    return summarise(datasets.cdnow(), until="1997-09-30")


def theirs(name: str) -> Any:
    import lifetimes

    fitter = getattr(lifetimes, name)()
    fitter.params_ = pd.Series(PARAMETERS[name])
    return fitter


def columns(summary: pd.DataFrame) -> list[np.ndarray]:
    return [summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_fitter_is_taken_over(name: str) -> None:
    model = from_lifetimes(theirs(name), unit="D")
    values = model.to_dict()
    assert values.get("unit", "D") == "D"
    assert {**PARAMETERS[name], "gamma": PARAMETERS[name].get("gamma", 15.44)}.items() >= {
        key: values[key] for key in PARAMETERS[name] if key in values
    }.items()
    assert from_lifetimes(theirs("GammaGammaFitter")) == GammaGamma(p=6.25, q=3.74, gamma=15.44)


def test_what_cannot_be_taken_over_is_told() -> None:
    import lifetimes

    with pytest.raises(ConfigError, match=r"this BetaGeoFitter has no params_\. Call its fit first"):
        from_lifetimes(lifetimes.BetaGeoFitter())
    with pytest.raises(ConfigError, match="cannot read a dict"):
        from_lifetimes({})


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("horizon", [1.0, 39.0])
def test_p_alive_and_expectations(name: str, horizon: float, cdnow: pd.DataFrame) -> None:
    few = cdnow.iloc[::10]
    fitter = theirs(name)
    model = from_lifetimes(fitter)
    # Theirs come from differences of log-gammas and a series for 2F1, good to some ten digits; Pareto/NBD's from
    # scipy's 2F1 of arguments near 1, to seven.
    digits = 1e-6 if name == "ParetoNBDFitter" else 1e-9
    alive = fitter.conditional_probability_alive(*columns(few))
    np.testing.assert_allclose(model.p_alive(few), alive, rtol=digits)
    expected = fitter.conditional_expected_number_of_purchases_up_to_time(horizon, *columns(few))
    np.testing.assert_allclose(model.expected_purchases(few, horizon), expected, rtol=digits)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_new_customers(name: str) -> None:
    fitter = theirs(name)
    t = np.array([1.0, 10.0, 39.0, 520.0])
    expected = fitter.expected_number_of_purchases_up_to_time(t)
    np.testing.assert_allclose(from_lifetimes(fitter).expected_purchases_new(t), expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["ModifiedBetaGeoFitter", "ParetoNBDFitter"])
def test_fits_end_at_the_same_place(name: str, cdnow: pd.DataFrame) -> None:
    """Theirs is never above ours, and on these easy data not far below."""
    fitter = theirs(name).fit(*columns(cdnow))
    model = from_lifetimes(fitter)
    ours = type(model).fit(cdnow)
    gap = ours.loglik - float(model.log_likelihood(cdnow).sum())
    assert -1e-6 < gap < 1e-2


def test_donors() -> None:
    donors = datasets.donations()
    fitter = theirs("BetaGeoBetaBinomFitter")
    model = from_lifetimes(fitter, unit="Y")
    # Theirs counts periods ahead: alive at the next opportunity, as the paper's and our P(alive), is one ahead.
    alive = fitter.conditional_probability_alive(1, *columns(donors))
    np.testing.assert_allclose(model.p_alive(donors), alive, rtol=1e-9)


def test_a_value_differs_by_when_a_purchase_is_booked(cdnow: pd.DataFrame) -> None:
    """Theirs books a month's purchases at its end, ours as they come: half a month of discount, and a little."""
    back = cdnow[cdnow["monetary_value"] > 0]
    buying, paying = theirs("BetaGeoFitter"), theirs("GammaGammaFitter")
    buying.predict = buying.conditional_expected_number_of_purchases_up_to_time
    monthly = 1.1 ** (1 / 12) - 1
    booked = paying.customer_lifetime_value(
        buying, back["frequency"], back["recency"], back["T"], back["monetary_value"], time=12, discount_rate=monthly,
        freq="W",
    )  # fmt: skip
    ours = customer_value(
        back, purchases=from_lifetimes(buying), spend=from_lifetimes(paying), annual_discount_rate=0.1,
        horizon=12 * 30 / 7,  # lifetimes' months have 30 days
    )  # fmt: skip
    # Its months are 4.345 weeks in the purchases and a twelfth of a year in the discount: half a percent is left.
    np.testing.assert_allclose(ours / booked, 1.1 ** (0.5 / 12), rtol=0.02)


def test_frames_made_elsewhere_are_read_as_they_are(cdnow: pd.DataFrame) -> None:
    """lifetimes' own summary, and pymc-marketing's with its customer_id column, give the fit of ours."""
    from lifetimes.utils import summary_data_from_transaction_data

    log = datasets.cdnow()
    made = summary_data_from_transaction_data(
        log, "customer_id", "date", "amount", observation_period_end="1997-09-30", freq="D", freq_multiplier=7
    )
    ours = BGNBD.fit(cdnow)
    assert BGNBD.fit(made).loglik == pytest.approx(ours.loglik, abs=1e-6)
    flat = cdnow.reset_index()  # what pymc_marketing.clv.utils.rfm_summary returns
    flat.attrs = {}
    fit = BGNBD.fit(flat)
    assert fit.loglik == pytest.approx(ours.loglik, abs=1e-9)
    assert fit.model.p_alive(flat).index.equals(flat.index)
    np.testing.assert_allclose(GammaGamma.fit(flat).loglik, GammaGamma.fit(cdnow).loglik)


def test_splits_made_elsewhere_are_read_as_they_are(cdnow: pd.DataFrame) -> None:
    """lifetimes' calibration and holdout (columns `frequency_cal` ...), pymc-marketing's (`test_frequency` ...), and
    lifetimes' donors (`periods`): the same fits, scores, values and draws as of frames made here."""
    from lifetimes.utils import calibration_and_holdout_data

    theirs = calibration_and_holdout_data(
        datasets.cdnow(), "customer_id", "date", calibration_period_end="1997-09-30",
        observation_period_end="1998-06-30", freq="D", monetary_value_col="amount",
    )  # fmt: skip
    ours = split_holdout(datasets.cdnow(), until="1997-09-30", holdout_until="1998-06-30", unit="D")
    names = {f"{name}_cal": name for name in ("frequency", "recency", "T", "monetary_value")}
    names |= {"frequency_holdout": "test_frequency", "duration_holdout": "test_T"}
    marketing = theirs.reset_index().rename(columns=names)  # as rfm_train_test_split names them
    expected = compare_models(ours, [BGNBD], unit="D").table.loc["bg_nbd"]
    for frame in (theirs, marketing):
        found = compare_models(frame, [BGNBD], unit="D").table.loc["bg_nbd"]
        for name in ("loglik", "log_score", "bias", "mae"):
            assert found[name] == pytest.approx(expected[name], rel=1e-7), name
        fit = BGNBD.fit(frame, unit="D")
        table = holdout_by_frequency(fit.model, frame)
        assert table["actual"].iloc[1] == pytest.approx(0.697, abs=0.0005)  # Fader, Hardie & Lee (2005), fig. 4
    values = {"purchases": fit, "spend": GammaGamma.fit(theirs), "annual_discount_rate": 0.1, "horizon": 365.0}
    np.testing.assert_allclose(customer_value(theirs, **values), customer_value(ours, **values), rtol=1e-5)
    # Its own loader asks for pkg_resources, which setuptools no longer brings.
    donors = pd.read_csv(str(files("lifetimes") / "datasets" / "donations.csv"))
    fit = PURCHASE_FAMILIES["bg_bb"].fit(donors, weights=donors["weights"])
    assert fit.loglik == pytest.approx(-33225.6, abs=0.05)


def test_the_first_purchase_counted_is_told() -> None:
    from lifetimes.utils import summary_data_from_transaction_data

    made = summary_data_from_transaction_data(datasets.cdnow(), "customer_id", "date", include_first_transaction=True)
    with pytest.raises(DataError, match=r"the first purchase is not counted .*include_first_transaction=False"):
        BGNBD.fit(made)
    # A column of ours stands, whatever else there is.
    both = made.assign(frequency=0, recency=0.0, frequency_cal=7)
    assert BGNBD(r=1, alpha=1, a=1, b=1).p_alive(both).eq(1).all()


def test_a_posterior_made_elsewhere_is_read(cdnow: pd.DataFrame) -> None:
    drawn = sample_posterior(GammaGamma, cdnow, seed=1)
    renamed = SimpleNamespace(posterior=drawn.posterior.rename({"gamma": "v"}))  # as pymc-marketing names it
    models = from_inference_data(GammaGamma, renamed, 50, seed=2)
    assert np.mean([model.p for model in models]) == pytest.approx(6.25, rel=0.15)
    with pytest.raises(ConfigError, match="the posterior lacks r, alpha, a, b; it has p, q, gamma"):
        from_inference_data(PURCHASE_FAMILIES["bg_nbd"], renamed, 5, seed=2)


# ---- where lifetimes cannot follow: explicit, with the reason, and strict ----


def cannot(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)


@pytest.mark.parametrize(
    ("x", "T"),
    [(3, 40.0), pytest.param(600, 40.0, marks=cannot("lifetimes: its 2F1 difference in Pareto/NBD is NaN or far off"))],
)
def test_pareto_nbd_of_heavy_buyers(x: int, T: float) -> None:
    fitter = theirs("ParetoNBDFitter")
    fitter.params_ = pd.Series({"r": 0.5, "alpha": 0.1, "s": 0.6, "beta": 900.0})
    seen = pd.DataFrame({"frequency": [x], "recency": [T - 0.5], "T": [T]})
    ours = from_lifetimes(fitter).p_alive(seen)
    assert 0 < ours.item() <= 1
    np.testing.assert_allclose(ours, fitter.conditional_probability_alive(*columns(seen)), rtol=1e-6)


@pytest.mark.parametrize("s", [0.999, pytest.param(1.0, marks=cannot("lifetimes: divides by s - 1 in Pareto/NBD"))])
def test_expectation_around_s_of_one(s: float) -> None:
    fitter = theirs("ParetoNBDFitter")
    fitter.params_ = pd.Series({"r": 0.5, "alpha": 10.0, "s": s, "beta": 11.0})
    ours = from_lifetimes(fitter).expected_purchases_new(np.array([39.0]))
    np.testing.assert_allclose(ours, fitter.expected_number_of_purchases_up_to_time(np.array([39.0])), rtol=1e-9)
