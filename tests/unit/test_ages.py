"""Interpolation in the age: as exact as the forecasts themselves, and left where it would not be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.purchase.buy_till_you_die import TOLERANCE, by_age

ROWS = 400
MODELS = {
    "cdnow": cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    "a near 1": cs.BGNBD(r=2.0, alpha=5.0, a=1.0 + 1e-9, b=2.0),
    "few leave": cs.BGNBD(r=0.5, alpha=100.0, a=0.05, b=0.3),
    "many leave": cs.MBGNBD(r=5.0, alpha=1.0, a=5.0, b=20.0),
    "alike": cs.MBGNBD(r=300.0, alpha=50.0, a=0.8, b=100.0),
    "pareto": cs.ParetoNBD(r=0.55, alpha=10.58, s=0.61, beta=11.67),
    "pareto, unlike scales": cs.ParetoNBD(r=2.0, alpha=0.05, s=1.0, beta=400.0),
}


def customers(ages: tuple[float, float]) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    x = np.repeat([0, 1, 7, 5000], ROWS)
    T = rng.uniform(*ages, x.size)
    return pd.DataFrame({"frequency": x, "recency": np.where(x > 0, T * rng.uniform(0.2, 1.0, x.size), 0.0), "T": T})


@pytest.mark.parametrize("ages", [(20.0, 39.0), (0.01, 1000.0)], ids=["half a year", "twenty years"])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_many_customers_are_worth_what_each_is(model: Any, ages: tuple[float, float]) -> None:
    seen = customers(ages)
    few = seen.iloc[:: ROWS // 8]  # too few to interpolate
    np.testing.assert_allclose(
        model.expected_purchases(seen, 52.0).loc[few.index],
        model.expected_purchases(few, 52.0),
        rtol=10 * TOLERANCE,
        atol=0,
    )
    for horizon in (52.0, np.inf):
        together = model.residual_transactions(seen, 0.1, horizon=horizon).loc[few.index]
        alone = model.residual_transactions(few, 0.1, horizon=horizon)
        # Both errors of the interpolation's measure, and the forecast's own where it cancels.
        np.testing.assert_allclose(together, alone, rtol=10 * TOLERANCE, atol=0)


REGULAR = cs.models.MBGCNBD(r=0.5, alpha=3.0, a=0.9, b=1.5, k=3)


@pytest.mark.parametrize("base", [MODELS["cdnow"], REGULAR], ids=["BG/NBD", "MBG/CNBD-3"])
def test_discounted_purchases_on_a_calendar_are_what_each_customers_are(base: Any) -> None:
    """And of regular buyers those without one, by how many stages of a gap they have passed."""
    days = np.random.default_rng(5).integers(50, 300, ROWS)
    seen = pd.DataFrame({"frequency": np.arange(ROWS) % 2, "T": days / 7}, index=np.arange(ROWS))
    seen["recency"] = np.where(seen["frequency"] > 0, (days // 3) / 7, 0.0)
    seen["first_purchase"] = pd.Timestamp("2023-12-31") - pd.to_timedelta(days, unit="D")
    model = cs.models.CalendarModel(
        base=base, calendar=cs.data.Calendar(months=True), seen_until="2023-12-31",
        effects=dict.fromkeys(cs.data.Calendar(months=True).names, 0.0) | {"Dec": 0.8},
        means=dict.fromkeys(cs.data.Calendar(months=True).names, 0.1),
    )  # fmt: skip
    for each in (model, base):
        together = each.residual_transactions(seen, 0.1, horizon=80.0)
        for row in range(5):
            alone = each.residual_transactions(seen.iloc[[row]], 0.1, horizon=80.0)
            np.testing.assert_allclose(together.iloc[[row]], alone, rtol=10 * TOLERANCE)


def counted(function: Any) -> tuple[Any, list[int]]:
    sizes: list[int] = []

    def run(x: Any, T: Any) -> Any:
        sizes.append(x.size)
        return function(x, T)

    return run, sizes


def test_a_smooth_function_is_seldom_called() -> None:
    x, T = np.arange(9000) % 3, np.random.default_rng(1).uniform(5, 60, 9000)
    run, sizes = counted(lambda x, T: (1 + x) * (4 + T) ** -1.7)
    np.testing.assert_allclose(by_age(run, x, T, 4.0), (1 + x) * (4 + T) ** -1.7, rtol=2 * TOLERANCE)
    assert sum(sizes) < 300


@pytest.mark.parametrize("kink", [lambda T: np.abs(T - 30.0), lambda T: np.where(T > 30.0, 1.0, np.nan)])
def test_what_is_not_smooth_is_not_interpolated(kink: Any) -> None:
    """One number of purchases has a corner, the other has not."""
    x, T = np.arange(4000) % 2, np.random.default_rng(1).uniform(5, 60, 4000)
    run, sizes = counted(lambda x, T: np.where(x == 1, 1 + kink(T), 1 / (1 + T)))
    result = by_age(run, x, T, 1.0)
    np.testing.assert_array_equal(result[x == 1], 1 + kink(T[x == 1]))
    assert sizes[-1] == 2000
    np.testing.assert_allclose(result[x == 0], 1 / (1 + T[x == 0]), rtol=2 * TOLERANCE)


def test_customers_of_one_age_and_of_all_kinds() -> None:
    same = by_age(lambda x, T: x + T, np.repeat([1, 2], 300), np.full(600, 38.86), 1e6)
    np.testing.assert_allclose(same, np.repeat([39.86, 40.86], 300), rtol=1e-8)
    unlike = np.arange(500)
    np.testing.assert_array_equal(by_age(lambda x, T: x + T, unlike, unlike / 7.0, 3.0), unlike + unlike / 7.0)
