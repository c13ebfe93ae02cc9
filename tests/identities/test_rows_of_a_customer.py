"""Identities: covariates written in several rows a customer say what one row says, and are asked about once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim import models
from churnsim.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def subscribers() -> pd.DataFrame:
    random = np.random.default_rng(4)
    return pd.DataFrame({
        "customer_id": np.arange(300), "tenure": random.integers(1, 30, 300).astype(float),
        "churned": random.random(300) < 0.6, "charge": random.normal(50.0, 10.0, 300), "entry": 0.0,
    })  # fmt: skip


@pytest.fixture(scope="module")
def cut(subscribers: pd.DataFrame) -> pd.DataFrame:
    """The same customers, those longer than six months in two rows with one value of the charge."""
    long = subscribers["tenure"] > 6
    first = subscribers[long].assign(tenure=6.0, churned=False)
    return pd.concat([subscribers[~long], first, subscribers[long].assign(entry=6.0)], ignore_index=True)


def test_rows_cut_in_two_are_the_same_customers(subscribers, cut):
    """Coefficients, standard errors by customer, the number of customers and with it BIC; Kaplan-Meier too."""
    words = {"covariates": ["charge"], "cluster": "customer_id"}
    one, two = (models.SurvivalRegression.fit(frame, **words) for frame in (subscribers, cut))
    assert one.n == two.n == 300
    np.testing.assert_allclose(
        [two.parameters["charge"], two.standard_errors["charge"], two.bic],
        [one.parameters["charge"], one.standard_errors["charge"], one.bic], rtol=1e-9,  # rounding of sums
    )  # fmt: skip
    assert models.SurvivalCurve.fit(cut).n == 300
    assert models.SurvivalCurve.fit(cut.drop(columns="customer_id")).n == len(cut)  # nothing says whose they are
    # A customer of two contracts, side by side, is two.
    twice = pd.concat([subscribers, subscribers.head(5)], ignore_index=True)
    assert models.SurvivalCurve.fit(twice).n == 305


def test_a_customer_is_asked_about_once_by_its_last_row(subscribers, cut):
    fit = models.SurvivalRegression.fit(cut, covariates=["charge"], cluster="customer_id")
    verbs = (
        lambda frame: fit.survival(12, customers=frame), lambda frame: fit.expected_tenure(12.0, customers=frame),
        lambda frame: fit.residual_value(0.1, customers=frame), lambda frame: fit.retention(1, customers=frame),
    )  # fmt: skip
    for verb in verbs:
        with pytest.raises(DataError, match=r"customer's past: another row of .* Keep the last row of each customer"):
            verb(cut)
        with pytest.raises(DataError, match="customer's past"):
            verb(cut.set_index("customer_id"))
    last = cut[~cut.duplicated("customer_id", keep="last")].sort_values("customer_id", ignore_index=True)
    np.testing.assert_array_equal(fit.survival(12, customers=last), fit.survival(12, customers=subscribers))


def test_subscribers_are_drawn_again_row_by_row(subscribers):
    """By hand: the same draws of rows, each fitted by itself; a curve without parameters too."""
    fit = models.SurvivalRegression.fit(subscribers, "weibull_aft", covariates=["charge"])
    found = models.bootstrap(fit, subscribers, seed=3, replications=3, covariates=["charge"])
    generator = np.random.Generator(np.random.Philox(3))
    for model in found.models:
        counts = generator.multinomial(300, np.full(300, 1 / 300))
        rows = subscribers.loc[np.repeat(subscribers.index, counts)]
        by_hand = models.SurvivalRegression.fit(rows, "weibull_aft", covariates=["charge"]).model
        assert model.coefficients["charge"] == pytest.approx(by_hand.coefficients["charge"], rel=1e-6)
    assert list(found.summary().index) == ["charge"]
    curves = models.bootstrap(models.SurvivalCurve.fit(subscribers), subscribers, seed=3, replications=3)
    band = models.drawn_interval(curves.models, lambda curve: curve.survival([6.0, 12.0]))
    assert (band["lower"] < band["upper"]).all()
    with pytest.raises(ConfigError, match="drawn again from the data"):
        models.bootstrap(fit, subscribers, seed=3, kind="parametric", covariates=["charge"])


def test_what_the_delta_method_cannot_move_is_said_with_what_can(subscribers):
    for fit in (
        models.SurvivalRegression.fit(subscribers, covariates=["charge"]),
        models.SurvivalCurve.fit(subscribers, "weibull"),
    ):
        with pytest.raises(ConfigError, match=r"no number of a Survival\w+ by itself. Use drawn_interval\("):
            models.delta_interval(fit, lambda model: model.survival(12.0))
    sbg = cs.ShiftedBetaGeometric.fit(subscribers)
    assert len(models.delta_interval(sbg, lambda model: model.survival(12.0))) == 1
