"""What must hold of Gamma-Gamma for any parameters and any customers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnsim.data import datasets, summarise
from churnsim.errors import ConfigError, DataError
from churnsim.models.spend.gamma_gamma import GammaGamma, spend_correlation

few = settings(deadline=None, max_examples=30)
NAMES = ("p", "q", "gamma")

positive = st.floats(0.1, 20.0)
models = st.builds(GammaGamma, p=positive, q=positive, gamma=positive)
# As for BG/NBD: a gradient below 1e-11 per customer, and a curvature along the flattest direction of at least 1e-3.
SAME_FIT = 1e-8


@st.composite
def summaries(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.lists(st.tuples(st.integers(1, 30), st.floats(0.01, 1e4)), min_size=1, max_size=6))
    return pd.DataFrame(rows, columns=["frequency", "monetary_value"])


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    return summarise(datasets.cdnow(), until="1997-09-30")


@few
@given(model=models, x=st.integers(1, 50))
def test_the_density_of_the_mean_integrates_to_one(model: GammaGamma, x: int) -> None:
    """Over log m, by the trapezoidal rule; tails fall like m^(p x) below and m^-q above."""
    y = np.arange(-60 / min(model.p * x, 1), 60 / min(model.q, 1), 0.02) + np.log(model.gamma)
    frame = pd.DataFrame({"frequency": x, "monetary_value": np.exp(y)})
    density = np.exp(model.log_likelihood(frame) + y)
    # The rule converges geometrically on such an integrand; rounding of log-gammas up to 4,000 is left.
    assert density.sum() * 0.02 == pytest.approx(1, rel=1e-11, abs=0)


@few
@given(model=models, summary=summaries())
def test_gradient_and_curvature_are_the_slopes(model: GammaGamma, summary: pd.DataFrame) -> None:
    weight = np.linspace(0.5, 2.0, len(summary))
    purchases = summary["frequency"].sum()
    likelihood = GammaGamma.likelihood(summary, weights=weight)
    assert likelihood.hessian is not None
    at = likelihood.parameters(model)
    value, gradient = likelihood.objective(at)
    # What is added beside ln f of a mean is a few logarithms up to 10 a purchase.
    assert value + likelihood.log_scale == pytest.approx(
        weight @ model.log_likelihood(summary), rel=1e-12, abs=1e-13 * purchases + 1e-10
    )

    def function(logs: np.ndarray) -> float:
        return likelihood.objective(np.exp(logs))[0]

    assert_slope(function, np.log(at), gradient * at, purchases)
    # Control: the comparison sees an error of a thousandth of the largest component.
    wrong = gradient * at
    wrong[np.argmax(np.abs(wrong))] *= 1.001
    with pytest.raises(AssertionError):
        assert_slope(function, np.log(at), wrong, purchases)
    second = likelihood.hessian(at) * at
    for k in range(3):
        shift = np.exp(1e-4 * np.eye(3)[k])
        up, down = likelihood.objective(at * shift)[1], likelihood.objective(at / shift)[1]
        scale = np.abs(second[:, k]).max() + np.abs(up).max()
        np.testing.assert_allclose((up - down) / 2e-4, second[:, k], rtol=0, atol=2e-6 * scale)


def assert_slope(function: Any, at: np.ndarray, gradient: np.ndarray, purchases: float) -> None:
    """Central differences of step h and h/2, extrapolated: error h^4, and rounding of log-gammas over h."""
    for i in range(at.size):
        unit = np.eye(at.size)[i]
        wide, narrow = ((function(at + h * unit) - function(at - h * unit)) / (2 * h) for h in (2e-3, 1e-3))
        slope = (4 * narrow - wide) / 3
        # lgamma(p x + q) is at most 7,000 here, of which each difference loses a few 1e-16 to h = 1e-3.
        assert abs(slope - gradient[i]) <= 1e-8 * np.abs(gradient).max() + 1e-11 * (purchases + 10), NAMES[i]


@few
@given(model=models, summary=summaries(), factor=st.floats(1e-4, 1e4))
def test_the_currency_does_not_matter(model: GammaGamma, summary: pd.DataFrame, factor: float) -> None:
    other = GammaGamma(p=model.p, q=model.q, gamma=model.gamma * factor)
    scaled = summary.assign(monetary_value=summary["monetary_value"] * factor)
    np.testing.assert_allclose(other.expected_spend(scaled), factor * model.expected_spend(summary), rtol=1e-13)
    np.testing.assert_allclose(
        # The density of m shrinks by the factor; rounding of log-gammas up to 4,000 on both sides.
        other.log_likelihood(scaled) + np.log(factor), model.log_likelihood(summary), rtol=0, atol=1e-10
    )  # fmt: skip


@pytest.mark.parametrize("factor", [0.01, 137.0, 1e6])
def test_the_currency_does_not_matter_to_the_fit(cdnow: pd.DataFrame, factor: float) -> None:
    ours = GammaGamma.fit(cdnow)
    other = GammaGamma.fit(cdnow.assign(monetary_value=cdnow["monetary_value"] * factor))
    same = other.parameters | {"gamma": other.parameters["gamma"] / factor}
    assert same == pytest.approx(ours.parameters, rel=SAME_FIT, abs=0)
    assert other.loglik + ours.n * np.log(factor) == pytest.approx(ours.loglik, rel=1e-11, abs=0)


@few
@given(p=positive, q=st.floats(1.01, 20.0), gamma=positive, summary=summaries())
def test_expected_spend_lies_between_own_and_population_mean(
    p: float, q: float, gamma: float, summary: pd.DataFrame
) -> None:
    model = GammaGamma(p=p, q=q, gamma=gamma)
    spend, own, everybody = model.expected_spend(summary), summary["monetary_value"], model.population_mean()
    slack = 1e-12 * np.maximum(own, everybody)
    assert (spend >= np.minimum(own, everybody) - slack).all()
    assert (spend <= np.maximum(own, everybody) + slack).all()
    # More purchases of the same mean: never further from the own mean.
    more = model.expected_spend(summary.assign(frequency=summary["frequency"] * 3))
    assert ((more - own).abs() <= (spend - own).abs() + slack).all()


def test_who_never_came_back_gets_the_population_mean() -> None:
    model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    assert model.expected_spend(pd.DataFrame({"frequency": [0], "monetary_value": [0.0]})).item() == pytest.approx(
        model.population_mean(), rel=1e-15, abs=0
    )
    assert GammaGamma(p=1, q=1, gamma=1).population_mean() == np.inf
    assert GammaGamma(p=1, q=0.5, gamma=1).expected_spend(
        pd.DataFrame({"frequency": [0], "monetary_value": [0.0]})
    ).tolist() == [np.inf]


def test_terms_sum_to_the_fit_in_any_order(cdnow: pd.DataFrame) -> None:
    fit = GammaGamma.fit(cdnow)
    # 946 terms of about 4, in another order and in another currency.
    assert fit.model.log_likelihood(cdnow).sum() == pytest.approx(fit.loglik, rel=1e-12, abs=0)
    other = GammaGamma.fit(cdnow.sample(frac=1, random_state=4))
    assert other.parameters == pytest.approx(fit.parameters, rel=SAME_FIT, abs=0)


def test_customers_without_positive_spend_are_left_out(cdnow: pd.DataFrame) -> None:
    nothing = pd.DataFrame({"frequency": [0, 3], "monetary_value": [0.0, 0.0]})
    both = pd.concat([cdnow, nothing])
    assert GammaGamma.fit(both).parameters == GammaGamma.fit(cdnow).parameters
    assert GammaGamma.fit(both).n == 946
    assert GammaGamma(p=1, q=2, gamma=3).log_likelihood(nothing).tolist() == [0, 0]


@few
@given(model=models)
def test_json_round_trip(model: GammaGamma, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert GammaGamma.from_dict(json.loads(json.dumps(model.to_dict()))) == model
    path = tmp_path_factory.mktemp("model") / "model.json"
    model.save(path)
    assert GammaGamma.load(path) == model


def test_another_family_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text('{"family": "bg_nbd", "r": 1, "alpha": 1, "a": 1, "b": 1, "unit": "W"}')
    with pytest.raises(ConfigError, match="cannot make a GammaGamma from family 'bg_nbd'"):
        GammaGamma.load(path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan, "1"])
def test_parameters_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"GammaGamma: {name} must be a finite number above 0; got"):
        GammaGamma(**{"p": 1, "q": 1, "gamma": 1, name: value})


@pytest.mark.parametrize(
    ("frequency", "value"),
    [(-1, 5.0), (1.5, 5.0), (np.nan, 5.0), (np.inf, 5.0), (2, -5.0), (2, np.nan), (2, np.inf)],
)
def test_bad_spend_names_the_customer(frequency: float, value: float) -> None:
    frame = pd.DataFrame({"frequency": [1, frequency], "monetary_value": [4.0, value]}, index=["good", "bad"])
    with pytest.raises(DataError, match=r"customer 'bad' has frequency .* and monetary_value .*Net refunds") as caught:
        GammaGamma.fit(frame)
    assert f"frequency {frequency:g} and monetary_value {value:g}" in str(caught.value)


def test_unusable_frames_say_what_to_do() -> None:
    with pytest.raises(DataError, match=r"lacks 'monetary_value'. Make it with churnsim.summarise"):
        GammaGamma.fit(pd.DataFrame({"frequency": [1]}))
    with pytest.raises(DataError, match="must be numbers"):
        GammaGamma.fit(pd.DataFrame({"frequency": [1], "monetary_value": ["much"]}))
    with pytest.raises(DataError, match=r"no customer has a repeat purchase with positive spend.*observe longer"):
        GammaGamma.fit(pd.DataFrame({"frequency": [0, 3], "monetary_value": [0.0, 0.0]}))


def test_spend_correlation() -> None:
    frame = pd.DataFrame({"frequency": [0, 1, 2, 3, 9], "monetary_value": [0.0, 5.0, 7.0, 9.0, 0.0]})
    # Only customers who came back and paid: (1, 5), (2, 7), (3, 9) lie on a line.
    assert spend_correlation(frame) == pytest.approx(1, rel=1e-15, abs=0)
    assert spend_correlation(frame.head(3)) == 0
    assert spend_correlation(frame.assign(monetary_value=5.0)) == 0


def test_weights_are_repeated_customers() -> None:
    rng = np.random.default_rng(1)
    summary = pd.DataFrame({"frequency": rng.integers(1, 6, 80), "monetary_value": rng.gamma(3.0, 10.0, 80)})
    weights = rng.integers(0, 3, 80)
    weighted, repeated = (
        GammaGamma.fit(summary, weights=weights),
        GammaGamma.fit(summary.loc[np.repeat(summary.index, weights)]),
    )
    assert weighted.n == repeated.n == weights.sum()
    assert weighted.loglik == pytest.approx(repeated.loglik, rel=1e-12)
    # The gradient vanishes to 1e-11 a customer on a curvature of some 1e-3, so parameters agree to 1e-7.
    assert weighted.parameters == pytest.approx(repeated.parameters, rel=1e-7)
    with pytest.raises(DataError, match="weights must be 80 finite numbers"):
        GammaGamma.fit(summary, weights=[-1.0] * 80)
