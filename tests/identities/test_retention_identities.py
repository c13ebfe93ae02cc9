"""Truth: identities of the renewal models: gradients, counts against rows, truncation, sums of survival."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import churnsim as cs
from churnsim.kernels.likelihoods import bdw, sbg
from churnsim.models.retention.tenures import Cohorts, Tenures

POSITIVE = st.floats(0.05, 30.0)


def frame(tenure, churned, entry=None):
    columns = {"tenure": tenure, "churned": churned, **({} if entry is None else {"entry": entry})}
    made = pd.DataFrame(columns)
    made.attrs["unit"] = "M"
    return made


@st.composite
def subscriptions(draw):
    """Customers of which some left, some are still there and some came under observation late."""
    n = draw(st.integers(2, 30))
    entry = np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)))
    more = np.array(draw(st.lists(st.integers(1, 20), min_size=n, max_size=n)))
    left = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    return frame(entry + more, left, entry)


@given(data=subscriptions(), a=POSITIVE, b=POSITIVE, c=st.floats(0.2, 3.0))
@settings(max_examples=40, deadline=None)
def test_counts_are_rows_and_gradients_are_slopes(data, a, b, c):
    counts = Cohorts.of(Tenures.of(data))
    rows = counts.first, counts.t, counts.lost, counts.kept

    def value(parameters, kernel):
        if kernel is sbg:
            out = sbg.objective(parameters[:1], parameters[1:2], *rows)
            return out[0], out[1:]
        out = bdw.objective(parameters[:1], parameters[1:2], parameters[2], *rows)
        return out[0], out[[2, 3, 1]]

    models = {
        sbg: (cs.ShiftedBetaGeometric(alpha=a, beta=b), np.array([a, b])),
        bdw: (cs.models.BetaDiscreteWeibull(gamma=a, delta=b, c=c), np.array([a, b, c])),
    }
    for kernel, (model, at) in models.items():
        total, slope = value(at, kernel)
        assert total == pytest.approx(model.log_likelihood(data).sum(), rel=1e-9, abs=1e-9)
        for i in range(at.size):
            step = np.zeros_like(at)
            step[i] = 1e-5 * at[i]  # the difference's own error is of order step^2 = 1e-10, and rounding / step = 1e-9
            near = (value(at + step, kernel)[0] - value(at - step, kernel)[0]) / (2 * step[i])
            assert slope[i] == pytest.approx(near, rel=1e-4, abs=1e-5)
            if kernel is sbg:
                changed = (value(at + step, kernel)[1] - value(at - step, kernel)[1]) / (2 * step[i])
                second = sbg.hessian(a, b, counts.t, counts.lost, counts.kept)
                # The same errors, of slopes; an entry in which they cancel has the error of the largest.
                np.testing.assert_allclose(second[i], changed, rtol=1e-6, atol=1e-8 * np.abs(second).max())


def test_patterns_are_separate_data_sets():
    """Two groups in one call are the two groups alone."""
    data = frame([1, 3, 3, 7, 2, 2], [1, 0, 1, 0, 1, 1])
    group = np.array([0, 1, 0, 1, 1, 0])
    both = Cohorts.of(Tenures.of(data), group)
    alpha, beta = np.array([0.5, 1.5]), np.array([2.0, 3.0])
    joint = sbg.objective(alpha, beta, both.first, both.t, both.lost, both.kept)
    alone = [
        cs.ShiftedBetaGeometric(alpha=alpha[g], beta=beta[g]).log_likelihood(data[group == g]).sum() for g in (0, 1)
    ]
    assert joint[0] == pytest.approx(sum(alone), rel=1e-12)


def test_cohort_counts_are_individual_tenures():
    left = np.array([100, 70, 55, 50])
    tenure = np.concatenate([np.repeat([1, 2, 3], -np.diff(left)), np.full(50, 3)])
    rows = frame(tenure, np.arange(100) < 50)
    for model in (cs.ShiftedBetaGeometric, cs.models.BetaDiscreteWeibull):
        counted, listed = model.fit_cohort(left, unit="M"), model.fit(rows)
        assert counted.loglik == pytest.approx(listed.loglik, rel=1e-12)
        assert counted.parameters == pytest.approx(listed.parameters, rel=1e-6)
    two = cs.ShiftedBetaGeometric.fit_cohort(pd.DataFrame({"a": left, "b": [40, 30, np.nan, np.nan]}))
    assert two.n == 140


def test_cohorts_in_rows_of_calendar_years_are_those_that_begin_together():
    """Truth: the definition; the youngest cohort has no renewal behind it and says nothing."""
    counts = [10_000, 8_000, 6_480, 5_307, 4_391]
    calendar = pd.DataFrame({str(year): [np.nan] * year + counts[: 5 - year] for year in range(5)})
    together = pd.DataFrame({str(year): counts[: 5 - year] + [np.nan] * year for year in range(5)})
    for model in (cs.ShiftedBetaGeometric, cs.models.BetaDiscreteWeibull):
        assert model.fit_cohort(calendar).parameters == model.fit_cohort(together).parameters
        assert model.fit_cohort(calendar).parameters == model.fit_cohort(calendar.iloc[:, :4]).parameters


@given(a=POSITIVE, b=POSITIVE, tenure=st.integers(0, 40), rate=st.floats(0.01, 0.5))
@settings(max_examples=40, deadline=None)
def test_values_are_sums_of_survival(a, b, tenure, rate):
    model = cs.ShiftedBetaGeometric(alpha=a, beta=b, unit="Y")
    customer = frame([tenure], [False])
    s = model.survival(np.arange(tenure, tenure + 31.0))
    ahead = s / s[0]
    assert model.expected_tenure(30, customers=customer).iloc[0] == pytest.approx(ahead[:30].sum(), rel=1e-10)
    discounted = 7.0 * ahead[1:] @ (1 + rate) ** -np.arange(30.0)
    assert model.residual_value(rate, 7.0, customers=customer, horizon=30).iloc[0] == pytest.approx(
        discounted, rel=1e-9
    )
    endless = model.residual_value(rate, 1.0, customers=customer).iloc[0]
    assert endless == pytest.approx(float(model.derl(rate, tenure)), rel=1e-6)
    assert model.elasticity(rate, tenure) == pytest.approx(1 + float(model.derl(rate, tenure)) / (1 + rate), rel=1e-9)


def test_the_lost_are_worth_nothing():
    data = frame([3, 3], [True, False])
    model = cs.ShiftedBetaGeometric(alpha=1.0, beta=4.0, unit="M")
    value = model.residual_value(0.1, pd.Series([5.0, 5.0]), customers=data)
    assert value[0] == 0 < value[1]
    assert model.survival([1, 2], customers=data).loc[0].tolist() == [0, 0]
    assert model.retention(4.0) == pytest.approx(model.retention(1.0, customers=data).iloc[1, 0])


def test_statuses_and_errors():
    nobody = cs.ShiftedBetaGeometric.fit_cohort([100, 100, 100])
    once = cs.models.BetaDiscreteWeibull.fit_cohort([100, 40])
    assert nobody.status.code == once.status.code == "too little data"
    alike = cs.ShiftedBetaGeometric.fit_cohort(1e6 * 0.8 ** np.arange(10))
    assert alike.status.code in ("boundary", "ridge")
    assert alike.model.survival(20) == pytest.approx(0.8**20, rel=1e-3)
    with pytest.raises(cs.errors.DataError, match="never rise"):
        cs.ShiftedBetaGeometric.fit_cohort([10, 12])
    with pytest.raises(cs.errors.DataError, match=r"whole number of renewals; customer '0' has 1\.5.*count_renewals"):
        cs.ShiftedBetaGeometric.fit(frame([1.5, 2], [True, False]))
    with pytest.raises(cs.errors.DataError, match="churned must be True or False"):
        cs.ShiftedBetaGeometric.fit(frame([1, 2], ["Yes", "No"]))
    with pytest.raises(cs.errors.ConfigError, match="has no end"):
        cs.ShiftedBetaGeometric(alpha=1.0, beta=1.0).residual_value(0.0)
