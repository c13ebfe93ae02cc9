"""What must hold of BG/NBD for any parameters and any customers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnsim.data import datasets, split_holdout
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.likelihoods import bg_nbd as kernel
from churnsim.models.evaluation.validation import frequency_calibration, tracking
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.units import DAYS_PER_UNIT

few = settings(deadline=None, max_examples=30)
NAMES = ("r", "alpha", "a", "b")

positive = st.floats(0.05, 20.0)
models = st.builds(BGNBD, r=positive, alpha=positive, a=positive, b=positive)


@st.composite
def summaries(draw: st.DrawFn, size: int = 6) -> pd.DataFrame:
    rows = []
    for _ in range(draw(st.integers(1, size))):
        x = draw(st.integers(0, 40))
        T = draw(st.floats(1.0, 100.0))
        rows.append((x, T * draw(st.floats(0.001, 1.0)) if x else 0.0, T))
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"])


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    return split_holdout(datasets.cdnow(), until="1997-09-30", holdout_until="1998-06-30")


def assert_same_parameters(ours: Any, other: Any, *, rel: float) -> None:
    assert ours.parameters == pytest.approx(other.parameters, rel=rel, abs=0)


# The optimiser ends when the gradient per customer is below 1e-11 in log-parameters; the flattest curvature per
# customer at CDNOW is some 1e-3 (standard error of ln b 0.29 with 2,357 customers), so parameters agree to 1e-8.
SAME_FIT = 1e-8


@few
@given(r=st.floats(0.05, 5.0), alpha=positive, a=positive, b=positive, z=st.floats(0.001, 0.9))
def test_pmf_sums_to_one_and_its_mean_is_the_expectation(r: float, alpha: float, a: float, b: float, z: float) -> None:
    model = BGNBD(r=r, alpha=alpha, a=a, b=b)
    t = alpha * z / (1 - z)
    # Counts fall at least like z^n, n^(r-1) aside: far enough out that e^-40 is left.
    n = np.arange(int((60 + 5 * r) / -np.log(z)) + 50)
    pmf = model.purchase_pmf(n, t)
    assert (pmf >= 0).all()
    # Rounding of up to 900 terms of products of 900 ratios, weighted by n for the mean.
    assert pmf.sum() == pytest.approx(1, rel=1e-11, abs=0)
    assert n @ pmf == pytest.approx(float(model.expected_purchases_new(t)), rel=1e-9, abs=0)


@few
@given(model=models, summary=summaries())
def test_gradient_is_the_slope(model: BGNBD, summary: pd.DataFrame) -> None:
    x = summary["frequency"].to_numpy(dtype=np.int64)
    t_x, T = (summary[name].to_numpy(dtype=float) for name in ("recency", "T"))
    at = np.array([model.r, model.alpha, model.a, model.b])
    weight = np.linspace(0.5, 2.0, x.size)
    value, *gradient = kernel.objective(*at, x, t_x, T, weight, False)
    assert value == pytest.approx(weight @ model.log_likelihood(summary), rel=1e-12, abs=1e-12)
    assert_slope(lambda logs: kernel.objective(*np.exp(logs), x, t_x, T, weight, False)[0], np.log(at), gradient * at)
    # Control: the comparison sees an error of a thousandth of the largest component.
    wrong = gradient * at
    wrong[np.argmax(np.abs(wrong))] *= 1.001
    with pytest.raises(AssertionError):
        assert_slope(lambda logs: kernel.objective(*np.exp(logs), x, t_x, T, weight, False)[0], np.log(at), wrong)


def assert_slope(function: Any, at: np.ndarray, gradient: np.ndarray) -> None:
    """Central differences of step h and h/2, extrapolated: error h^4, and rounding of the value over h."""
    value = abs(function(at))
    for i in range(at.size):
        unit = np.eye(at.size)[i]
        wide, narrow = ((function(at + h * unit) - function(at - h * unit)) / (2 * h) for h in (2e-3, 1e-3))
        slope = (4 * narrow - wide) / 3
        assert abs(slope - gradient[i]) <= 1e-9 * np.abs(gradient).max() + 1e-11 * (value + 1), NAMES[i]


@few
@given(model=models, summary=summaries())
def test_hessian_is_the_slope_of_the_gradient(model: BGNBD, summary: pd.DataFrame) -> None:
    x = summary["frequency"].to_numpy(dtype=np.int64)
    t_x, T = (summary[name].to_numpy(dtype=float) for name in ("recency", "T"))
    at = np.array([model.r, model.alpha, model.a, model.b])
    weight = np.linspace(0.5, 2.0, x.size)
    second = kernel.hessian(*at, x, t_x, T, weight, False) * at  # columns in log-parameters
    step = 1e-4  # truncation some step^2 of the third derivative, rounding 1e-16/step of the gradient
    for k, shift in enumerate(step * np.eye(4)):
        up, down = (kernel.objective(*(at * np.exp(sign * shift)), x, t_x, T, weight, False)[1:] for sign in (1, -1))
        scale = np.abs(second[:, k]).max() + np.abs(up).max()
        np.testing.assert_allclose((up - down) / (2 * step), second[:, k], rtol=0, atol=2e-6 * scale)
    # Control: a Hessian of other parameters is told apart.
    other = kernel.hessian(*(1.05 * at), x, t_x, T, weight, False) * at
    assert np.abs(other - second).max() > 2e-6 * np.abs(second).max()


def test_weights_are_repeated_rows(cdnow: pd.DataFrame) -> None:
    some = cdnow.head(300)
    weights = np.arange(300) % 4  # some rows 0 times
    repeated = BGNBD.fit(some.loc[some.index.repeat(weights)].reset_index(drop=True))
    weighted = BGNBD.fit(some, weights=weights)
    assert weighted.n == repeated.n == weights.sum()
    assert_same_parameters(weighted, repeated, rel=SAME_FIT)
    assert weighted.loglik == pytest.approx(repeated.loglik, rel=1e-12, abs=0)
    assert weighted.standard_errors == pytest.approx(repeated.standard_errors, rel=1e-5, abs=0)


@pytest.mark.parametrize("weights", [[1.0] * 4, [1, 1, -1], [1, np.nan, 1], [0, 0, 0]])
def test_bad_weights_are_refused(weights: list[float]) -> None:
    summary = pd.DataFrame({"frequency": [0, 1, 2], "recency": [0.0, 3.0, 4.0], "T": [9.0, 9.0, 9.0]})
    with pytest.raises(DataError, match="weights must be 3 finite numbers, 0 or more and not all 0"):
        BGNBD.fit(summary, weights=weights)


@pytest.mark.parametrize("unit", ["D", "M", "Y", "seconds"])
def test_the_unit_of_time_does_not_matter(cdnow: pd.DataFrame, unit: str) -> None:
    """Weeks, days, months, years, even seconds: only alpha is rescaled, and the density by the change of variable."""
    factor = 7 * 86_400.0 if unit == "seconds" else 7 / DAYS_PER_UNIT[unit]
    scaled = cdnow.assign(recency=cdnow["recency"] * factor, T=cdnow["T"] * factor)
    weeks, other = BGNBD.fit(cdnow), BGNBD.fit(scaled)
    same = other.parameters | {"alpha": other.parameters["alpha"] / factor}
    assert same == pytest.approx(weeks.parameters, rel=SAME_FIT, abs=0)
    change = cdnow["frequency"].sum() * np.log(factor)
    assert other.loglik + change == pytest.approx(weeks.loglik, rel=1e-12, abs=1e-12 * abs(change))
    ahead = [BGNBD.expected_purchases(*each) for each in ((weeks.model, cdnow, 39), (other.model, scaled, 39 * factor))]
    np.testing.assert_allclose(*ahead, rtol=10 * SAME_FIT)


def test_the_order_of_rows_does_not_matter(cdnow: pd.DataFrame) -> None:
    shuffled = cdnow.sample(frac=1, random_state=3)
    ours, other = BGNBD.fit(cdnow), BGNBD.fit(shuffled)
    # The order of summation is the rows', so that rounding may differ, and nothing else.
    assert other.parameters == pytest.approx(ours.parameters, rel=SAME_FIT, abs=0)
    assert other.loglik == pytest.approx(ours.loglik, rel=1e-13, abs=0)
    pd.testing.assert_series_equal(ours.model.p_alive(shuffled).sort_index(), ours.model.p_alive(cdnow).sort_index())


def test_terms_sum_to_the_fit(cdnow: pd.DataFrame) -> None:
    fit = BGNBD.fit(cdnow)
    # 2,357 terms of about 4, in another order and in another unit.
    assert fit.model.log_likelihood(cdnow).sum() == pytest.approx(fit.loglik, rel=1e-12, abs=0)
    assert fit.aic == 8 - 2 * fit.loglik
    assert fit.bic == pytest.approx(4 * np.log(2357) - 2 * fit.loglik, rel=1e-15, abs=0)


def test_no_neighbour_is_likelier(cdnow: pd.DataFrame) -> None:
    fit = BGNBD.fit(cdnow)
    for name in NAMES:
        for factor in (0.99, 1.01):
            moved = BGNBD.from_dict(fit.model.to_dict() | {name: fit.parameters[name] * factor})
            assert moved.log_likelihood(cdnow).sum() < fit.loglik


@few
@given(model=models, summary=summaries(), horizons=st.lists(st.floats(0, 1e6), min_size=2, max_size=5))
def test_expectations_rise_with_the_horizon(model: BGNBD, summary: pd.DataFrame, horizons: list[float]) -> None:
    table = np.array([model.expected_purchases(summary, horizon) for horizon in sorted(horizons)])
    assert (table >= 0).all()
    # Equal horizons, or saturation, up to the rounding of the sums.
    assert (np.diff(table, axis=0) >= -1e-12 * table[1:]).all()
    new = model.expected_purchases_new(sorted(horizons))
    assert (np.diff(new) >= -1e-12 * new[1:]).all()
    assert model.expected_purchases_new(0) == 0


@few
@given(model=models, summary=summaries(), silence=st.floats(0, 1e4))
def test_p_alive(model: BGNBD, summary: pd.DataFrame, silence: float) -> None:
    alive = model.p_alive(summary)
    assert alive.between(0, 1).all()
    assert (alive[summary["frequency"] == 0] == 1).all()
    # One more stretch of silence never makes a customer likelier to be alive.
    later = model.p_alive(summary.assign(T=summary["T"] + silence))
    assert (later <= alive).all()


@few
@given(model=models)
def test_a_new_customer_is_one_without_repeat_just_begun(model: BGNBD) -> None:
    """A known customer without repeat after a time t has a gamma posterior with rate alpha + t."""
    begun = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [3.0]})
    later = BGNBD(r=model.r, alpha=model.alpha + 3.0, a=model.a, b=model.b)
    # Known customers' forecasts come from tabulated coefficients, good to some 1e-13; new ones' from the plain series.
    expected = float(later.expected_purchases_new(39))
    assert model.expected_purchases(begun, 39).item() == pytest.approx(expected, rel=1e-11)


@few
@given(model=models, unit=st.sampled_from(sorted(DAYS_PER_UNIT)))
def test_json_round_trip(model: BGNBD, unit: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    values = BGNBD.from_dict(model.to_dict() | {"unit": unit})
    assert BGNBD.from_dict(json.loads(json.dumps(values.to_dict()))) == values
    path = tmp_path_factory.mktemp("model") / "model.json"
    values.save(path)
    assert BGNBD.load(path) == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "does not hold a model's parameters but a list"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"family": "gamma_gamma", "p": 1}', "cannot make a BGNBD from family 'gamma_gamma'"),
        ('{"r": 1, "alpha": 1, "a": 1, "b": 1, "c": 1}', "with keys"),
        ('{"r": 1, "alpha": 1, "a": 1}', "Missing: b"),
        ('{"r": NaN, "alpha": 1, "a": 1, "b": 1}', "r must be a finite number above 0; got nan"),
        ('{"r": "1", "alpha": 1, "a": 1, "b": 1}', "r must be a finite number above 0; got '1'"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        BGNBD.load(path)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        BGNBD.load(tmp_path / "none.json")
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ConfigError, match="not a regular file"):
        BGNBD.load(tmp_path / "pipe.json")


@pytest.mark.parametrize("unit", ["week", "w", "", None, 7])
def test_the_unit_is_checked(unit: Any) -> None:
    with pytest.raises(ConfigError, match="unknown time unit"):
        BGNBD(r=1, alpha=1, a=1, b=1, unit=unit)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan, "1", None])
def test_parameters_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"BGNBD: {name} must be a finite number above 0; got"):
        BGNBD(**{"r": 1, "alpha": 1, "a": 1, "b": 1, name: value})


@pytest.mark.parametrize("horizon", [-1, np.nan, np.inf])
def test_horizons_and_counts_are_checked(horizon: float) -> None:
    model = BGNBD(r=1, alpha=1, a=1, b=1)
    customer = pd.DataFrame({"frequency": [1], "recency": [1.0], "T": [2.0]})
    with pytest.raises(ConfigError, match="horizon must be finite and 0 or more"):
        model.expected_purchases(customer, horizon)
    with pytest.raises(ConfigError, match="t must be finite and 0 or more"):
        model.expected_purchases_new(horizon)
    with pytest.raises(ConfigError, match="n must be 0 or more; got -1"):
        model.purchase_pmf([2, -1], 39)


def test_parameter_draws_have_the_stated_spread(cdnow: pd.DataFrame) -> None:
    fit = BGNBD.fit(cdnow)
    logs = np.log([[getattr(model, name) for name in NAMES] for model in fit.draw_parameters(4000, seed=5)])
    spread = fit.covariance.to_numpy() / np.outer(*[list(fit.parameters.values())] * 2)
    # A variance from n normal draws is off by sqrt(2/n) of itself: 2.2%; four of those.
    error = np.sqrt(np.outer(np.diag(spread), np.diag(spread)))
    assert (np.abs(np.cov(logs.T) - spread) < 4 * np.sqrt(2 / 4000) * error).all()
    assert fit.draw_parameters(3, seed=5) == fit.draw_parameters(3, seed=5)
    assert fit.draw_parameters(3, seed=5) != fit.draw_parameters(3, seed=6)


def test_tracking_counts_what_the_log_holds(cdnow: pd.DataFrame) -> None:
    log = datasets.cdnow()
    model = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    track = tracking(model, log, until="1997-09-30", holdout_until="1998-06-30")
    # 78 weeks from 1 January 1997, the last of which ends on 30 June 1998.
    assert track["period"].tolist() == list(range(1, 79))
    assert track["date"].iloc[-1] == pd.Timestamp("1998-06-30")
    assert track["actual"].iloc[-1] == cdnow["frequency"].sum() + cdnow["frequency_holdout"].sum()
    in_calibration = track.loc[~track["holdout"], "actual"]
    assert in_calibration.iloc[-1] == cdnow["frequency"].sum()
    assert track["holdout"].sum() == 39
    # Each customer's own age at the end, summed: the same numbers in another order. The last day counts as a whole.
    ages = cdnow["T"] + cdnow["T_holdout"] + 1 / 7
    assert track["expected"].iloc[-1] == pytest.approx(model.expected_purchases_new(ages).sum(), rel=1e-12, abs=0)
    assert (track["expected"].diff().dropna() > 0).all()


@few
@given(model=models, summary=summaries(), cap=st.integers(1, 9))
def test_calibration_table_counts_everybody(model: BGNBD, summary: pd.DataFrame, cap: int) -> None:
    table = frequency_calibration(model, summary, cap=cap)
    assert len(table) == cap + 1
    assert table["actual"].sum() == len(summary)
    assert table["expected"].sum() == pytest.approx(len(summary), rel=1e-12, abs=0)
    assert (table["expected"] >= -1e-12).all()
