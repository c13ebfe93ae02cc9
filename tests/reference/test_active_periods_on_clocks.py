"""In how many of the next weeks a customer buys, on rescaled clocks: against simulated purchases of customers with
drawn traits, and against itself (the mean of its law, own series beside a calendar, even clocks beside none)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.errors import ConfigError

DAYS = pd.date_range("2021-01-04", periods=90, freq="14D")
PRICE = pd.DataFrame({"price": 1 + 0.4 * np.sin(np.arange(90.0))}, index=DAYS)
CALENDAR = cs.data.Calendar(series=PRICE)
EFFECTS = {"effects": {"price": -1.5}, "means": {"price": 1.0}, "seen_until": "2022-12-31"}
LEAVING = {"leaving_effects": {"price": 0.9}, "leaving_means": {"price": 1.0}}
BASES = {
    "nbd": cs.NBD(r=0.8, alpha=6.0),
    "bg_nbd": cs.BGNBD(r=0.8, alpha=6.0, a=0.7, b=2.3),
    "mbg_nbd": cs.models.MBGNBD(r=0.8, alpha=6.0, a=0.7, b=2.3),
    "mbg_cnbd": cs.models.MBGCNBD(r=0.8, alpha=2.0, a=0.7, b=2.3, k=3),
    "pareto_nbd": cs.ParetoNBD(r=0.8, alpha=6.0, s=0.6, beta=9.0),
}
PEOPLE = pd.DataFrame(
    {"frequency": [5, 0, 1], "recency": [27.0, 0.0, 4.0], "T": [30.0, 30.0, 24.3], "log_intervals": [8.0, 0.0, 1.4],
     "first_purchase": pd.to_datetime(["2022-02-01", "2022-02-01", "2022-03-05"])},
    index=pd.RangeIndex(3, name="customer_id"),
)  # fmt: skip
PEOPLE.attrs["unit"] = "W"
FAR = 9
every_family = pytest.mark.parametrize("family", BASES)


def on_calendar(family: str, **changed):
    base = changed.pop("base", BASES[family])
    if family == "pareto_nbd":
        more = {**LEAVING, "calendar": CALENDAR, "leaving": CALENDAR}
        return cs.models.TwoClockModel(base=base, **{**EFFECTS, **more, **changed})
    return cs.models.CalendarModel(base=base, **{**EFFECTS, "calendar": CALENDAR, **changed})


def speeds(effect: float, first: pd.Timestamp, days: int) -> np.ndarray:
    price = PRICE["price"].reindex(pd.date_range(first + pd.Timedelta(days=1), periods=days), method="ffill")
    return np.exp(effect * (price.to_numpy() - 1.0))


def simulated(family: str, drawn: pd.DataFrame, end: pd.Timestamp, random: np.random.Generator) -> np.ndarray:
    """Weeks with a purchase among the next, of customers with these traits: purchases come on the buying clock, every
    k-th stage one, up to the last."""
    n, k, most = len(drawn), getattr(BASES[family], "k", 1), 250
    stages = np.cumsum(random.exponential(size=(n, most)), axis=1) / (drawn["rate"].to_numpy() * k)[:, None]
    behind = drawn["stages"].to_numpy() if "stages" in drawn else np.zeros(n, dtype=int)
    number = np.arange(1, most + 1) + behind[:, None]
    bought = number % k == 0
    run = np.concatenate([[0.0], np.cumsum(speeds(-1.5, end, 7 * FAR))]) / 7
    assert (stages[:, -1] > run[-1]).all()
    if family == "pareto_nbd":
        leaves = random.exponential(size=n) / drawn["death_rate"].to_numpy()
        on_leaving = np.concatenate([[0.0], np.cumsum(speeds(0.9, end, 7 * FAR))]) / 7
        there = stages <= np.interp(leaves, on_leaving, run, right=np.inf)[:, None]
    else:
        chance = drawn["dropout"].to_numpy() if "dropout" in drawn else np.zeros(n)
        last = np.where(chance > 0, random.geometric(np.maximum(chance, 1e-12)), 10**9)
        there = number // k <= last[:, None]
    week = np.searchsorted(run[::7], stages) - 1
    active = bought & there & drawn["alive"].to_numpy()[:, None] & (week < FAR)
    return np.array([np.unique(week[i][active[i]]).size for i in range(n)])


@every_family
def test_simulated_customers(family):
    """3,000 customers with one history: mean and law within 4.5 standard errors (one right test in 10,000 fails)."""
    model, size, random, caught = on_calendar(family), 3000, np.random.default_rng(5), []
    for row in (0, 1):
        one = PEOPLE.iloc[[row]]
        copies = one.loc[one.index.repeat(size)].set_axis(pd.RangeIndex(size, name="customer_id"))
        copies.attrs["unit"] = "W"
        end = one["first_purchase"].iloc[0] + pd.Timedelta(days=210)
        found = simulated(family, model.draw_posterior(copies, seed=row), end, random)
        law = model.active_periods_pmf(range(FAR + 1), one, FAR).iloc[0]
        expected = model.expected_active_periods(one, FAR).iloc[0]
        assert found.mean() == pytest.approx(expected, abs=4.5 * found.std() / size**0.5)
        seen = np.bincount(found, minlength=FAR + 1) / size
        assert (np.abs(seen - law) < 4.5 * np.sqrt(law * (1 - law) / size) + 1.5 / size).all()
        # Control: a forecast that does not know the price is told apart.
        wrong = BASES[family].expected_active_periods(one, FAR).iloc[0]
        caught.append(abs(found.mean() - wrong) > 4.5 * found.std() / size**0.5)
    assert any(caught)


@every_family
def test_the_mean_of_the_law_and_horizons_of_each(family):
    """The law is by Gauss's rules (1e-9; of stages 1e-6), the mean by chances of single periods."""
    model, error = on_calendar(family), 1e-6 if family == "mbg_cnbd" else 1e-9
    horizons = [FAR, 4, 0]
    law = model.active_periods_pmf(range(FAR + 1), PEOPLE, horizons)
    np.testing.assert_allclose(law.sum(axis=1), 1.0, atol=1e-12)
    assert (law.iloc[1, 5:] == 0).all()
    assert law.iloc[2, 0] == pytest.approx(1, abs=1e-15)
    found = model.expected_active_periods(PEOPLE, horizons)
    np.testing.assert_allclose(law.to_numpy() @ np.arange(FAR + 1.0), found, atol=10 * error)
    for row, horizon in enumerate(horizons):
        alone = model.expected_active_periods(PEOPLE.iloc[[row]], horizon).iloc[0]
        assert alone == pytest.approx(found.iloc[row], rel=1e-12, abs=1e-15)
    with pytest.raises(ConfigError, match=r"periods must be whole numbers; got 1\.5"):
        model.expected_active_periods(PEOPLE, 1.5)
    with pytest.raises(ConfigError, match="periods must be at most 10,000; got 100,000,000"):
        model.expected_active_periods_like(PEOPLE, 1e8)


@every_family
def test_even_clocks_are_none(family):
    none = {"effects": {"price": 0.0}}
    model = on_calendar(family, **none, **({"leaving_effects": {"price": 0.0}} if family == "pareto_nbd" else {}))
    plain, ages = BASES[family], np.array([4.0, 7.4])
    for verb, more in (("expected_active_periods", (9,)), ("expected_active_periods", ([9, 3, 0],))):
        np.testing.assert_array_equal(getattr(model, verb)(PEOPLE, *more), getattr(plain, verb)(PEOPLE, *more))
    for periods in (9, [9, 3, 0]):
        found, its = (each.active_periods_pmf([0, 2], PEOPLE, periods) for each in (model, plain))
        pd.testing.assert_frame_equal(found, its, check_exact=True)
    its = plain.expected_active_periods_new(ages)
    np.testing.assert_array_equal(model.expected_active_periods_new(ages, first="2022-02-01"), its)
    # And an effect so small that it is not seen takes the other way to the same numbers.
    hardly = {"effects": {"price": 1e-300}}
    found = on_calendar(family, **hardly, **({"leaving_effects": {"price": 1e-300}} if family == "pareto_nbd" else {}))
    error = 1e-6 if family == "mbg_cnbd" else 1e-10
    np.testing.assert_allclose(
        found.expected_active_periods(PEOPLE, 9), plain.expected_active_periods(PEOPLE, 9), atol=error
    )
    np.testing.assert_allclose(found.expected_active_periods_new(ages, first="2022-02-01"), its, atol=error)
    np.testing.assert_allclose(
        found.active_periods_pmf([0, 2], PEOPLE, 9), plain.active_periods_pmf([0, 2], PEOPLE, 9), atol=1e-12
    )


@every_family
def test_own_series_that_are_alike_are_a_calendar(family):
    rows = PRICE.rename_axis("date").reset_index().merge(PEOPLE.index.to_frame(index=False), how="cross")
    series, common = cs.data.CustomerSeries.of(rows), on_calendar(family)
    if family == "pareto_nbd":
        own = cs.models.TwoClockSeriesModel(base=BASES[family], calendar=series, leaving=series, **EFFECTS, **LEAVING)
    else:
        own = cs.models.SeriesModel(base=BASES[family], calendar=series, **EFFECTS)
    for verb in ("expected_active_periods", "expected_active_periods_like"):
        np.testing.assert_allclose(getattr(own, verb)(PEOPLE, FAR), getattr(common, verb)(PEOPLE, FAR), rtol=1e-9)
    laws = (each.active_periods_pmf(range(4), PEOPLE, FAR) for each in (own, common))
    np.testing.assert_allclose(*laws, atol=1e-11)


@every_family
def test_new_customers(family):
    """By an age of 9.4 weeks the first .4 do not count: the 9 weeks after them, of customers seen for no time."""
    model, first = on_calendar(family), "2022-02-01"
    new = pd.DataFrame(
        {"frequency": [0], "recency": 0.0, "T": 0.0, "log_intervals": 0.0, "first_purchase": pd.Timestamp(first)}
    )
    new.attrs["unit"] = "W"
    chance = [1 - model.conditional_pmf([0], new, 1.0, after=0.4 + k).iloc[0, 0] for k in range(9)]
    assert model.expected_active_periods_new(9.4, first=first) == pytest.approx(sum(chance), rel=1e-9)
    assert model.expected_active_periods_like(new, 9.4) == pytest.approx(sum(chance), rel=1e-9)
    assert model.expected_active_periods_new(63 / 7, first=first) == pytest.approx(
        model.expected_active_periods(new, 9).iloc[0], rel=1e-12
    )
