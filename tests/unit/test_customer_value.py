"""Customer value: what it refuses, its limits, and the same number as a blind sum over short periods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from churnsim.data import datasets, summarise
from churnsim.data.summaries.intervals import summarise_with_intervals
from churnsim.errors import ConfigError
from churnsim.kernels.likelihoods.bg_nbd_discounted import _by_parts, _by_traits
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.models.purchase.unique_rows import at_distinct
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.models.value.clv import (
    SpendCorrelationWarning,
    customer_value,
    customer_value_intervals,
    discounted_purchases,
    total_value,
)

PURCHASES = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
CONTINUOUS = {name: family for name, family in PURCHASE_FAMILIES.items() if name != "bg_bb"}
SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return summarise(datasets.cdnow(), until="1997-09-30").iloc[::40]


def value(summary: pd.DataFrame, **settings: Any) -> pd.Series:
    settings = {"annual_discount_rate": 0.1, "horizon": 52.0, "margin": 0.3} | settings
    return customer_value(summary, purchases=PURCHASES, spend=SPEND, **settings)


@pytest.mark.parametrize("margin", [-0.1, 1.1, 30, np.nan])
def test_an_impossible_margin_is_refused(customers: pd.DataFrame, margin: float) -> None:
    with pytest.raises(ConfigError, match="margin must be from 0 to 1; got "):
        value(customers, margin=margin)


@pytest.mark.parametrize("horizon", [0, -1.0, np.nan])
def test_an_impossible_horizon_is_refused(customers: pd.DataFrame, horizon: float) -> None:
    with pytest.raises(ConfigError, match=r"horizon must be a finite number above 0; got .*unit"):
        value(customers, horizon=horizon)


@pytest.mark.parametrize("rate", [-1.0, np.inf, np.nan])
def test_an_impossible_discount_is_refused(customers: pd.DataFrame, rate: float) -> None:
    with pytest.raises(ConfigError, match="annual_discount_rate must be a finite number above -1; got"):
        value(customers, annual_discount_rate=rate)


def test_without_discount_it_is_margin_times_purchases_times_spend(customers: pd.DataFrame) -> None:
    plain = 0.3 * PURCHASES.expected_purchases(customers, 52) * SPEND.expected_spend(customers)
    # The same three factors in another order, the expectation by two paths that add up in different order.
    np.testing.assert_allclose(value(customers, annual_discount_rate=0.0), plain, rtol=1e-12)
    assert value(customers).index.equals(customers.index)
    assert (value(customers, margin=0.0) == 0).all()


@pytest.mark.parametrize(("years", "cuts"), [(0.5, 100), (10, 1000)])
def test_it_is_the_sum_over_short_periods(customers: pd.DataFrame, years: float, cuts: int) -> None:
    """Purchases of each short period, discounted from its middle: no formula of the module is used."""
    horizon = years * 365.25 / 7
    edges = np.linspace(0, horizon, 2 * cuts + 1)
    by_then = np.array([PURCHASES.expected_purchases(customers, edge) for edge in edges])

    def summed(step: int, rate: float) -> np.ndarray:
        ends = edges[::step]
        middles = (ends[1:] + ends[:-1]) / 2 * 7 / 365.25
        bought = np.diff(by_then[::step], axis=0)
        return (1 + rate) ** -middles @ bought * 0.3 * SPEND.expected_spend(customers).to_numpy()

    for rate in (-0.3, 0.1, 2.0):
        # The error of a midpoint falls with the square of the cut, so one extrapolation leaves the fourth power,
        # (11/1000)^4/80 for 10 years at 200%.
        blind = (4 * summed(1, rate) - summed(2, rate)) / 3
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


def test_without_end_needs_a_discount(customers: pd.DataFrame) -> None:
    """The value of an endless horizon is the limit of long ones, and does not exist undiscounted."""
    endless = value(customers, horizon=np.inf)
    # After 300 years at 10% less than 1e-12 is left.
    np.testing.assert_allclose(value(customers, horizon=300 * 365.25 / 7), endless, rtol=1e-9)
    with pytest.raises(ConfigError, match="above 0 for an infinite horizon"):
        value(customers, horizon=np.inf, annual_discount_rate=0.0)


@pytest.mark.parametrize("family", list(CONTINUOUS.values()), ids=list(CONTINUOUS))
def test_every_family_has_a_value(customers: pd.DataFrame, family: Any) -> None:
    fit = family.fit(summarise_with_intervals(datasets.cdnow(), until="1997-09-30"))
    year = customer_value(customers, purchases=fit, spend=SPEND, annual_discount_rate=0.1, horizon=52.0)
    undiscounted = fit.model.expected_purchases(customers, 52.0) * SPEND.expected_spend(customers)
    endless = customer_value(customers, purchases=fit, spend=SPEND, annual_discount_rate=0.1)
    # Within a year no purchase is discounted by more than a tenth.
    assert (year < undiscounted).all()
    assert (year > undiscounted / 1.1).all()
    assert (endless > year).all()


def test_intervals_hold_the_value_and_the_total(cdnow_split: pd.DataFrame, cdnow_models: Any) -> None:
    purchases, spend = cdnow_models
    settings: Any = {"purchases": purchases, "spend": spend, "annual_discount_rate": 0.1, "horizon": 52.0}
    table = customer_value_intervals(cdnow_split, **settings)
    assert ((table["lower"] < table["value"]) & (table["value"] < table["upper"])).all()
    np.testing.assert_allclose(table["value"], customer_value(cdnow_split, **settings))
    total = total_value(cdnow_split, seed=1, **settings)
    assert total.value == pytest.approx(table["value"].sum())
    assert total.lower < total.value < total.upper
    # One customer by percentiles of draws agrees with the delta method; 200 draws know a spread to 5%.
    one = cdnow_split.nlargest(1, "frequency")
    drawn = total_value(one, seed=2, **settings)
    width = table.loc[one.index, "upper"].item() - table.loc[one.index, "lower"].item()
    assert drawn.upper - drawn.lower == pytest.approx(width, rel=0.2)


def test_spend_that_goes_with_frequency_is_told(customers: pd.DataFrame) -> None:
    rising = customers.assign(monetary_value=np.where(customers["frequency"] > 0, 10 + 20 * customers["frequency"], 0))
    with pytest.warns(SpendCorrelationWarning, match=r"correlated at 1.00 \(95% interval .*\).*too low"):
        value(rising)
    # CDNOW's own .11 is not worth a warning; warnings are errors in these tests.
    value(summarise(datasets.cdnow(), until="1997-09-30"))


def test_alike_customers_are_worked_out_once() -> None:
    """The same numbers as one by one, whatever the order and the repetitions."""
    rng = np.random.Generator(np.random.PCG64(1))
    columns = [rng.integers(0, 3, 2000) * 1.0, np.full(2000, 7.0), rng.integers(0, 4, 2000) / 8]
    calls = []

    def function(a: Any, b: Any, c: Any) -> Any:
        calls.append(a.size)
        return a + b * c

    np.testing.assert_array_equal(at_distinct(function, *columns), columns[0] + 7.0 * columns[2])
    assert calls == [12]
    assert at_distinct(function, *(rng.random(2000) for _ in range(3))).size == calls[-1] == 2000
    at_distinct(function, *(column[:5] for column in columns))
    assert calls[-1] == 5


@pytest.mark.parametrize("r", [0.2, 4.5, 60.0])
@pytest.mark.parametrize(("a", "b"), [(0.05, 0.2), (0.8, 2.5), (9.0, 0.1)])
def test_two_ways_to_discount_agree(r: float, a: float, b: float) -> None:
    """Parts over the expectation, and the double sum over the traits: other formulas, other errors."""
    for force, horizon in ((0.002, np.inf), (0.03, 200.0), (2.0, 1.0)):
        assert _by_parts(r, 5.0, a, b, force, horizon, np.empty((5, 8))) == pytest.approx(
            _by_traits(r, 5.0, a, b, force, horizon), rel=1e-9
        )
