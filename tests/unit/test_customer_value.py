"""Customer value: what it refuses, its limits, and the same number as a blind sum over short periods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from churnsim.data import datasets, summarise
from churnsim.errors import ConfigError
from churnsim.models.bg_nbd import BGNBD
from churnsim.models.clv import customer_value, discounted_purchases
from churnsim.models.gamma_gamma import GammaGamma

PURCHASES = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return summarise(datasets.cdnow(), until="1997-09-30").iloc[::40]


def value(summary: pd.DataFrame, **settings: Any) -> pd.Series:
    settings = {"annual_discount_rate": 0.1, "horizon": 52.0, "margin": 0.3} | settings
    return customer_value(summary, purchases=PURCHASES, spend=SPEND, **settings)


@pytest.mark.parametrize("margin", [-0.1, 1.1, 30, np.nan])
def test_an_impossible_margin_is_refused(customers: pd.DataFrame, margin: float) -> None:
    with pytest.raises(ConfigError, match=r"margin must be a share between 0 and 1; got .*Thirty percent is 0.30"):
        value(customers, margin=margin)


@pytest.mark.parametrize("horizon", [0, -1.0, np.inf, np.nan])
def test_an_impossible_horizon_is_refused(customers: pd.DataFrame, horizon: float) -> None:
    with pytest.raises(ConfigError, match=r"horizon must be finite and above 0, in the model's unit \(W\); got"):
        value(customers, horizon=horizon)


@pytest.mark.parametrize("rate", [-1.0, np.inf, np.nan])
def test_an_impossible_discount_is_refused(customers: pd.DataFrame, rate: float) -> None:
    with pytest.raises(ConfigError, match="annual_discount_rate must be a finite number above -1; got"):
        value(customers, annual_discount_rate=rate)


def test_without_discount_it_is_margin_times_purchases_times_spend(customers: pd.DataFrame) -> None:
    plain = 0.3 * PURCHASES.expected_purchases(customers, 52) * SPEND.expected_spend(customers)
    # The same three factors in another order.
    np.testing.assert_allclose(value(customers, annual_discount_rate=0.0), plain, rtol=1e-15)
    assert value(customers).index.equals(customers.index)
    assert (value(customers, margin=0.0) == 0).all()


@pytest.mark.parametrize("rate", [-0.3, 0.1, 2.0])
@pytest.mark.parametrize("years", [0.5, 10])
def test_it_is_the_sum_over_short_periods(customers: pd.DataFrame, rate: float, years: float) -> None:
    """Purchases of each short period, discounted from its middle: no formula of the module is used."""
    horizon, cuts = years * 365.25 / 7, 1000

    def summed(cuts: int) -> np.ndarray:
        edges = np.linspace(0, horizon, cuts + 1)
        bought = np.diff([PURCHASES.expected_purchases(customers, edge) for edge in edges], axis=0)
        middles = (edges[1:] + edges[:-1]) / 2 * 7 / 365.25
        return (1 + rate) ** -middles @ bought * 0.3 * SPEND.expected_spend(customers).to_numpy()

    # The error of a midpoint falls with the square of the cut, so one extrapolation leaves the fourth power,
    # (11/1000)^4/80 for 10 years at 200%.
    blind = (4 * summed(2 * cuts) - summed(cuts)) / 3
    np.testing.assert_allclose(value(customers, annual_discount_rate=rate, horizon=horizon), blind, rtol=1e-9)


def test_the_unit_does_not_matter(customers: pd.DataFrame) -> None:
    days = customers.assign(recency=customers["recency"] * 7, T=customers["T"] * 7)
    days.attrs["unit"] = "D"
    model = BGNBD(r=0.243, alpha=4.414 * 7, a=0.793, b=2.426, unit="D")
    other = customer_value(days, purchases=model, spend=SPEND, annual_discount_rate=0.1, horizon=52.0 * 7, margin=0.3)
    np.testing.assert_allclose(other, value(customers), rtol=1e-12)


def test_a_wrong_discount_is_caught(customers: pd.DataFrame) -> None:
    """Control: discounting by the nominal rate d in place of ln(1 + d) is not within the tolerance above."""
    nominal = value(customers, annual_discount_rate=np.expm1(0.1))
    assert (np.abs(nominal / value(customers) - 1) > 1e-4).all()


def test_discounted_purchases_fall_with_the_rate_and_grow_with_the_horizon(customers: pd.DataFrame) -> None:
    def purchases(rate: float, horizon: float) -> pd.Series:
        return discounted_purchases(customers, purchases=PURCHASES, annual_discount_rate=rate, horizon=horizon)

    assert (purchases(0.2, 52) < purchases(0.1, 52)).all()
    assert (purchases(0.1, 52) < PURCHASES.expected_purchases(customers, 52)).all()
    assert (purchases(0.1, 104) > purchases(0.1, 52)).all()
