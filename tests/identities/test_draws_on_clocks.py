"""Simulated histories of customers with the first purchases and the ages of others, on a calendar and on own series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.kernels.likelihoods.pareto_nbd_calendar import at_leaving, discounted
from churnsim.models.purchase.calendar.two_clock_series import TwoClockSeriesModel
from churnsim.models.purchase.calendar.two_clocks import TwoClockModel

DAYS = pd.date_range("2022-01-03", periods=60, freq="14D")
PRICE = pd.DataFrame({"price": 1 + 0.4 * np.sin(np.arange(60.0))}, index=DAYS)
CALENDAR = cs.data.Calendar(series=PRICE)
SIZE = 800
PEOPLE = pd.DataFrame(
    {"frequency": 0, "recency": 0.0, "T": 60.0, "first_purchase": pd.Timestamp("2022-02-01")},
    index=pd.RangeIndex(SIZE, name="customer_id"),
)
PEOPLE.attrs["unit"] = "W"
OWN = PRICE.rename_axis("date").reset_index().merge(PEOPLE.index.to_frame(index=False), how="cross")
SERIES = cs.data.CustomerSeries.of(OWN)
COMMON = {"effects": {"price": -1.5}, "means": {"price": 1.0}, "seen_until": "2023-12-31"}
LEAVING = {"leaving_effects": {"price": 0.9}, "leaving_means": {"price": 1.0}}
BASES = (cs.BGNBD(r=0.8, alpha=6.0, a=0.7, b=2.3), cs.models.MBGCNBD(r=0.8, alpha=3.0, a=0.7, b=2.3, k=2))
PARETO = cs.ParetoNBD(r=0.8, alpha=6.0, s=0.6, beta=30.0)


@pytest.mark.parametrize("base", [*BASES, PARETO], ids=lambda base: base.family)
def test_draws_like_others_are_those_of_the_day_and_follow_the_expectation(base):
    if base is PARETO:
        model = TwoClockModel(base=base, calendar=CALENDAR, leaving=CALENDAR, **COMMON, **LEAVING)
        own = TwoClockSeriesModel(base=base, calendar=SERIES, leaving=SERIES, **COMMON, **LEAVING)
    else:
        model = cs.models.CalendarModel(base=base, calendar=CALENDAR, **COMMON)
        own = cs.models.SeriesModel(base=base, calendar=SERIES, **COMMON)
    found = model.draw_summary_like(PEOPLE, seed=3)
    there = model.draw_summary(PEOPLE["T"], first="2022-02-01", seed=3)
    same = own.draw_summary_like(PEOPLE, seed=3)
    for frame in (there, same):
        np.testing.assert_array_equal(found["frequency"], frame["frequency"])
        np.testing.assert_allclose(found["recency"], frame["recency"], atol=1e-9)
    assert found.index.equals(PEOPLE.index)
    mean = model.expected_purchases_like(PEOPLE, PEOPLE["T"]).mean()
    assert found["frequency"].mean() == pytest.approx(mean, abs=4 * found["frequency"].std() / SIZE**0.5)
    # The price at its purchases is that of the days on which they are expected, customer by customer.
    first = pd.Timestamp("2022-02-01")
    edges = np.unique(np.clip((DAYS - pd.Timedelta(days=1) - first).days, 0, 420))
    bought = np.diff([model.expected_purchases_like(PEOPLE.head(1), age / 7)[0] for age in edges])
    price = PRICE["price"].reindex(first + pd.to_timedelta(edges[1:], unit="D"), method="ffill").to_numpy()
    for frame in (found, same):
        sums = frame["calendar:price"]
        assert sums.mean() == pytest.approx(bought @ price, abs=4 * sums.std() / SIZE**0.5)
    np.testing.assert_allclose(found["calendar:price"], same["calendar:price"], rtol=1e-12)
    if base.family == "mbg_cnbd":  # what a fit reads of regular buyers
        one = found[found["frequency"] == 3].iloc[0]
        assert np.log(np.diff(one["purchase_days"]) / 7).sum() == pytest.approx(one["log_intervals"], rel=1e-12)
        assert (one["purchase_days"][-1] - one["purchase_days"][0]) / 7 == pytest.approx(one["recency"], rel=1e-12)


@pytest.mark.parametrize("kind", ["parametric", "nonparametric"])
def test_a_bootstrap_on_a_calendar_moves_as_far_as_the_fit_says(kind):
    model = cs.models.CalendarModel(base=cs.NBD(r=0.8, alpha=6.0), calendar=CALENDAR, **COMMON)
    data = model.draw_summary_like(PEOPLE.head(200), seed=1)
    fit = cs.NBD.fit(data, calendar=CALENDAR).with_future({"price": 1.2})
    done = cs.models.bootstrap(fit, data, seed=1, kind=kind, replications=12)
    assert done.models[0].future == {"price": 1.2}
    price, error = done.summary().loc["price"], fit.standard_errors["price"]
    # Of 12 the mean lies within four of its errors, and a spread within .45 and 1.6 times the true one (chi-square).
    assert abs(price["bias"]) < 4 * error / 12**0.5
    assert 0.45 < price["standard_error"] / error < 1.6


@pytest.mark.parametrize(("unit", "effect"), [("W", -1.5), ("Y", -1.5), ("W", -11.0)])
def test_discounted_purchases_on_the_same_series_for_all_are_those_of_the_calendar(unit, effect):
    """Two ways to add up: at points of one clock by day, and piece by piece. Of many changes, of a clock that runs some
    thousand times as fast in one piece as in another, and far beyond them."""
    years = {"W": 365.25 / 7, "Y": 1.0}[unit]
    base = cs.BGNBD(r=0.8, alpha=0.03 * years, a=0.7, b=2.3, unit=unit)
    seen = PEOPLE.head(2).assign(frequency=[0, 3], recency=[0.0, 0.2 * years], T=[0.0, 0.4 * years])
    seen["first_purchase"] = pd.to_datetime(["2022-05-27", "2022-01-01"]) + pd.Timedelta(days=3)
    seen.attrs["unit"] = unit
    known = COMMON | {"effects": {"price": effect}}
    calendar = cs.models.CalendarModel(base=base, calendar=CALENDAR, future={"price": PRICE["price"].iloc[-1]}, **known)
    own = cs.models.SeriesModel(base=base, calendar=SERIES, future="hold", **known)
    found, wanted = (model.residual_transactions(seen, 0.15) for model in (own, calendar))
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_what_is_found_on_one_walk_is_that_found_one_by_one():
    """Of customers whose first days differ, with ages that begin with several of 0 and parts of days."""
    few = PEOPLE.head(4).assign(first_purchase=pd.to_datetime(["2022-02-01", "2022-02-01", "2022-05-06", "2023-01-01"]))
    few.attrs["unit"] = "W"
    ages = np.maximum(np.arange(1.0, 40.0, 3.3)[:, None] - [0.0, 1.0, 9.5, 17.0], 0.0)
    for kind, known in ((TwoClockModel, CALENDAR), (TwoClockSeriesModel, SERIES)):
        model = kind(base=PARETO, calendar=known, leaving=known, **COMMON, **LEAVING)
        found = model._expected_by_ages(few, ages)
        one_by_one = [model.expected_purchases_like(few, age, from_morning=True) for age in ages]
        np.testing.assert_allclose(found, one_by_one, rtol=1e-11)  # other panels of a rule that leaves 1e-12
        law = np.array(model._pmf_like([0, 60, 1, 1], few, 30.0))
        one_by_one = [model.purchase_pmf_like(n, few, 30.0) for n in (0, 60, 1, 1)]
        np.testing.assert_allclose(law, one_by_one, rtol=1e-9)


def test_a_share_of_the_law_of_leaving_comes_before_the_time_drawn():
    """By Gauss's rule of 120 nodes in each piece of the published integrand; of one who bought so often that only the
    days after its last purchase count, and of one with a single piece, too."""
    r, alpha, s, beta = 0.7, 5.0, 0.6, 8.0
    buying, leaving = np.random.default_rng(3).uniform(0.1, 4.0, (2, 40))
    x = np.array([0, 0, 3, 12, 400, 0])
    begin, last, end = np.array([
        [0.0, 2.25, 4.0, 7.5, 0.0, 11.0], [0.0, 2.25, 9.5, 20.75, 20.5, 11.0], [40.0, 30.0, 21.3, 38.0, 39.5, 11.5],
    ])  # fmt: skip
    places, (node, weight) = np.arange(41.0), np.polynomial.legendre.leggauss(120)
    B, D = (np.concatenate([[0.0], np.cumsum(speed)]) for speed in (buying, leaving))

    def clock(of, run, i, t):
        return of + np.interp(t, places, run) - np.interp(begin[i], places, run)

    def law(i: int, until: float) -> float:
        edges = np.unique(np.clip(places, last[i], until))
        half = np.diff(edges)[:, None] / 2
        t = edges[:-1, None] + half * (1 + node)
        A, L = clock(alpha, B, i, t), clock(beta, D, i, t)
        logs = (r + x[i]) * np.log(clock(alpha, B, i, last[i]) / A) - (s + 1) * np.log(L)
        return float((np.exp(logs) * half * weight * leaving[edges[:-1].astype(int), None]).sum())

    for share in (1e-6, 0.2, 0.97):
        found = at_leaving(r, alpha, s, beta, x, begin, last, end, np.full(6, share), buying, leaving)
        for i, (A, L) in enumerate(found):
            left = np.interp(A - alpha + np.interp(begin[i], places, B), B, places)
            assert clock(beta, D, i, left) == pytest.approx(L, rel=1e-12)
            # The kernel's rule leaves 4e-11; of a place's 14 digits, a share of 1e-6 keeps 8.
            assert law(i, left) == pytest.approx(share * law(i, end[i]), rel=1e-8)


@pytest.mark.parametrize(("s", "force"), [(0.6, 0.0), (1.0, 0.05), (2.5, 0.0), (9.0, 3.0)])
def test_a_discounted_expectation_is_that_by_a_longer_rule(s, force):
    """In pieces of which the leaving clock stands still in one, with levels that change within; and of a customer
    without any."""
    buying, leaving = np.array([0.3, 2.0, 0.5, 1.0]), np.array([1.0, 0.0, 1e-9, 7.0])
    length, changes, level = np.array([2.0, 3.0, 1.0, 9.0]), np.array([90.0, 103.5, 108.0]), np.array([1.0, 0.5, 2.0])
    L, run, since, begin = np.array([3.0, 8.0]), np.array([0.5, 0.0]), np.array([4.0, 0.0]), np.array([101.0, 90.0])
    found = discounted(
        s, force, L, run, since, begin, np.array([0.5, 4.0]), np.array([4.0, 4.0]), np.array([0, 0]), buying, leaving,
        length, np.array([0, 3]), changes, level,
    )  # fmt: skip
    node, weight = np.polynomial.legendre.leggauss(60)
    edges = np.array([101.0, 102.0, 103.5, 105.0, 106.0, 108.0, 115.0])
    piece, worth = np.array([0, 1, 1, 2, 3, 3]), np.array([1.0, 1.0, 0.5, 0.5, 0.5, 2.0])
    by_day = (leaving / length)[piece]
    at_edge = run[0] + np.append(0.0, np.cumsum(by_day * np.diff(edges))[:-1])
    u = np.diff(edges)[:, None] * (1 + node) / 2
    lasts = (1 + (at_edge[:, None] + by_day[:, None] * u) / L[0]) ** -s
    flow = np.exp(-force * (since[0] + edges[:-1, None] + u - begin[0])) * lasts @ weight / 2 * np.diff(edges)
    assert found[0] == pytest.approx(float((worth * (buying / length)[piece]) @ flow), rel=1e-12)
    assert found[1] == 0.0
