"""Models on clocks of customers' own, written a second time: integrals over the traits of each customer by quadrature,
with its speed looked up day by day; and equal to a calendar where all customers have the same series."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import roots_jacobi

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.purchase.calendar.fit import calendar_likelihood
from churnsim.models.purchase.calendar.history_series import HistorySeries

FIRST = date(2022, 3, 10)
GAMMA, MEAN = {"mail": 0.8, "price": -1.1}, {"mail": 0.2, "price": 1.05}
R, ALPHA, A, B = 0.8, 6.0, 0.7, 2.3  # in weeks
S, BETA, DELTA = 1.4, 20.0, {"price": 0.7}  # of Pareto/NBD's leaving
BASES = {
    "nbd": cs.NBD(r=R, alpha=ALPHA),
    "bg_nbd": cs.BGNBD(r=R, alpha=ALPHA, a=A, b=B),
    "mbg_nbd": cs.models.MBGNBD(r=R, alpha=ALPHA, a=A, b=B),
}
# Days of repeat purchases after the first, the last day observed, and from which day on what values hold.
CUSTOMERS = [
    ([30, 95, 180], 400, [(-5, 0.0, 1.0), (20, 1.0, 1.0), (28, 0.0, 1.3), (300, 1.0, 0.8)]),
    ([12], 30, [(1, 1.0, 0.9)]),
    ([], 250, [(0, 0.0, 1.2), (1, 1.0, 1.2), (100, 0.0, 1.1)]),
]


def values(k: int, day: int) -> tuple[float, float]:
    return next((mail, price) for start, mail, price in reversed(CUSTOMERS[k][2]) if start <= day)


@cache
def weeks(k: int, day: int, leaving: bool) -> float:
    """Weeks on one of the customer's clocks after so many days, the value of day d for (d - 1, d]."""
    if day == 0:
        return 0.0
    mail, price = values(k, day)
    effect = GAMMA["mail"] * (mail - MEAN["mail"]) + GAMMA["price"] * (price - MEAN["price"])
    return weeks(k, day - 1, leaving) + math.exp(DELTA["price"] * (price - MEAN["price"]) if leaving else effect) / 7


def run(k: int, begin: float, end: float, leaving: bool = False) -> float:
    """Weeks on the clock between two days."""
    low, high = (
        weeks(k, int(t), leaving) + (t - int(t)) * (weeks(k, int(t) + 1, leaving) - weeks(k, int(t), leaving))
        for t in (begin, end)
    )
    return high - low


def data() -> tuple[pd.DataFrame, cs.data.CustomerSeries]:
    frame = pd.DataFrame(
        [(k, FIRST + timedelta(days=s), m, p) for k, (_, _, rows) in enumerate(CUSTOMERS) for s, m, p in rows][::-1],
        columns=["customer_id", "date", "mail", "price"],
    )
    series = cs.data.CustomerSeries.of(frame)
    parts = []
    for k, (days, end, _) in enumerate(CUSTOMERS):
        log = pd.DataFrame({"customer_id": k, "date": [FIRST + timedelta(days=day) for day in [0, *days]]})
        parts.append(cs.summarise(log, until=FIRST + timedelta(days=end), calendar=series))
    summary = pd.concat(parts)
    summary.attrs["unit"] = "W"
    return summary, series


def traits(family: str):
    logs = np.arange(-40.0, 3.0, 0.1)
    rate = np.exp(logs)
    of_rate = 0.1 * np.exp(R * logs - ALPHA * rate) * ALPHA**R / math.gamma(R)
    chance, of_chance = (np.zeros(1), np.ones(1)) if family == "nbd" else roots_jacobi(60, B - 1, A - 1)
    chance = chance if family == "nbd" else (1 + chance) / 2
    lam, p = np.meshgrid(rate, chance, indexing="ij")
    return lam, p, np.outer(of_rate, of_chance / of_chance.sum())


@pytest.mark.parametrize("family", BASES)
def test_customers_one_by_one(family):
    summary, series = data()
    model = cs.models.SeriesModel(
        base=BASES[family], effects=GAMMA, means=MEAN, seen_until="2023-04-14", calendar=series, future="hold"
    )
    likelihood, alive = model.log_likelihood(summary), model.p_alive(summary, at=5.0)
    expected = model.expected_purchases(summary, 9.0, after=5.0)
    chances = model.conditional_pmf([0, 2], summary, 9.0)
    discounted = model.residual_transactions(summary, 0.4, horizon=14.0)
    waits = model.time_to_next_purchase(summary, quantile=0.2, if_alive=True)
    for k, (days, end, _) in enumerate(CUSTOMERS):
        lam, p, weight = traits(family)
        density, stays = np.ones_like(lam), (1 - p) ** (len(days) + (family == "mbg_nbd"))
        for day in days:
            density = density * lam * 7 * (run(k, day - 1, day))
        here = weight * density * np.exp(-lam * run(k, 0, end)) * stays
        gone = np.zeros_like(here)
        if days or family == "mbg_nbd":
            last = days[-1] if days else 0
            gone = weight * density * np.exp(-lam * run(k, 0, last)) * stays / (1 - p) * p
        every = (here + gone).sum()
        assert likelihood[k] == pytest.approx(math.log(every), abs=1e-8)
        before, inside = run(k, end, end + 35), run(k, end + 35, end + 98)
        there = here / every * np.exp(-lam * p * before)
        assert alive[k] == pytest.approx(there.sum(), abs=1e-8)
        leaving = np.maximum(lam * p, 1e-300)
        mean = lam * inside * -np.expm1(-leaving * inside) / (leaving * inside)
        assert expected[k] == pytest.approx((there * mean).sum(), rel=1e-8)
        load = lam * run(k, end, end + 63)
        two = (1 - p) ** 2 * np.exp(-load) * load**2 / 2 + p * (1 - p) * (1 - np.exp(-load) * (1 + load))
        assert chances.loc[k, 2] == pytest.approx((here / every * two).sum(), abs=1e-8)
        assert chances.loc[k, 0] == pytest.approx(1 - (here / every * -np.expm1(-load)).sum(), abs=1e-8)
        force, total = math.log(1.4) / (365.25 / 7), 0.0
        for day in range(98):  # 16 points a day: a smooth integrand
            node, part = np.polynomial.legendre.leggauss(4)
            for t, w in zip((day + (1 + node) / 2) / 7, part / 14, strict=True):
                speed = 7 * run(k, end + day, end + day + 1)
                flow = lam * np.exp(-leaving * run(k, end, end + 7 * t)) * speed
                total += w * math.exp(-force * t) * (here / every * flow).sum()
        assert discounted[k] == pytest.approx(total, rel=1e-8)
        bought = 1 - (here / here.sum() * np.exp(-lam * run(k, end, end + 7 * waits[k]))).sum()
        assert bought == pytest.approx(0.2, rel=1e-8)


LOG = cs.datasets.cdnow().query("customer_id % 4 == 0")
DAYS = pd.date_range("1996-12-30", periods=80, freq="7D")
SHARED = pd.DataFrame({"price": 1 + 0.3 * np.sin(np.arange(80.0)), "mail": np.arange(80) % 5 == 2}, index=DAYS) * 1.0
ALIKE = SHARED.rename_axis("date").reset_index().merge(LOG[["customer_id"]].drop_duplicates(), how="cross")


@pytest.mark.parametrize("family", [cs.NBD, cs.BGNBD, cs.models.MBGNBD, cs.models.MBGCNBD])
def test_the_same_series_for_all_are_a_calendar(family):
    calendar, series = cs.data.Calendar(series=SHARED), cs.data.CustomerSeries.of(ALIKE)
    make = cs.data.summarise_with_intervals if family is cs.models.MBGCNBD else cs.summarise
    more = {"k": 3} if family is cs.models.MBGCNBD else {}
    common = make(LOG, until="1998-05-15", calendar=calendar)
    own = make(LOG, until="1998-05-15", calendar=series)
    names = [f"calendar:{name}" for name in calendar.names]
    pd.testing.assert_frame_equal(common[names], own[names])
    weights = 1 + np.arange(len(own)) % 3
    fit = family.fit(common, calendar=calendar, weights=weights, **more)
    model, found = fit.model, family.fit(own, calendar=series, weights=weights, **more)
    # The mean is over customers' days here, and over the calendar's there: that moves alpha alone.
    assert found.loglik == pytest.approx(fit.loglik, abs=1e-7)
    for name in calendar.names:
        assert found.parameters[name] == pytest.approx(fit.parameters[name], rel=1e-5)
        assert found.standard_errors[name] == pytest.approx(fit.standard_errors[name], rel=1e-4)
    at = cs.models.SeriesModel(
        base=model.base, effects=model.effects, means=model.means, seen_until=model.seen_until, calendar=series
    )
    np.testing.assert_allclose(at.log_likelihood(own), model.log_likelihood(common), rtol=1e-12)
    np.testing.assert_allclose(at.p_alive(own, at=3.0, future="hold"), model.p_alive(common, at=3.0), rtol=1e-10)
    drawn = found.draw_parameters(2, seed=1)
    assert drawn[0].calendar is series
    # Without an effect it is the plain model to the bit.
    none = dict.fromkeys(series.names, 0.0)
    still = cs.models.SeriesModel(
        base=model.base, effects=none, means=none, seen_until=model.seen_until, calendar=series, future="hold"
    )
    for verb in (lambda m, s: m.p_alive(s), lambda m, s: m.expected_purchases(s, 20.0)):
        np.testing.assert_array_equal(verb(still, own), verb(model.base, own))
    if not more:
        np.testing.assert_array_equal(still.log_likelihood(own), model.base.log_likelihood(own))


def test_slopes_against_differences():
    series = cs.data.CustomerSeries.of(ALIKE.assign(price=ALIKE["price"] + ALIKE["customer_id"] % 7 / 10))
    summary = cs.summarise(LOG, until="1998-05-15", calendar=series)
    for family in (cs.NBD, cs.BGNBD, cs.models.MBGNBD):
        plain = family.fit(summary)
        days = HistorySeries.of(summary, series, unit="W", weights=None)
        found = calendar_likelihood(family, days, family.likelihood(summary), plain)
        at = found.starts[0] * np.where(found.real, 1, 1.1)
        at[np.array(found.real)] = [0.2, -0.3]
        curvature = found.hessian(at)
        for k in range(at.size):
            step = 1e-5 * np.eye(at.size)[k]
            (up, slope_up), (down, slope_down) = found.objective(at + step), found.objective(at - step)
            assert found.objective(at)[1][k] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-4)
            np.testing.assert_allclose(curvature[k], (slope_up - slope_down) / 2e-5, rtol=1e-6, atol=1e-3)
        summed = found.model(at).log_likelihood(summary).sum()
        assert found.log_likelihood(at) == pytest.approx(summed, rel=1e-12)


def fitted(frame: pd.DataFrame):
    own = cs.data.CustomerSeries.of(frame)
    return cs.BGNBD.fit(cs.summarise(LOG, until="1998-05-15", calendar=own), calendar=own)


def test_what_is_missing_is_named():
    series = cs.data.CustomerSeries.of(ALIKE)
    summary = cs.summarise(LOG, until="1998-05-15", calendar=series)
    fit = cs.BGNBD.fit(summary, calendar=series)
    with pytest.raises(DataError, match="known until 1998-07-06, and are needed until 1998-11-27"):
        fit.expected_purchases(summary, 28.0)
    later = ALIKE.assign(date=ALIKE["date"] + pd.Timedelta(days=560))
    told = fit.expected_purchases(summary, 28.0, future=later)
    assert np.isfinite(told).all()
    assert (fit.with_future(later).expected_purchases(summary, 28.0) == told).all()
    for frame, words in (
        (ALIKE[ALIKE["customer_id"] != 4], "customer '4' has no row in the series"),
        (
            ALIKE[(ALIKE["customer_id"] != 8) | (ALIKE["date"] > "1997-06-01")],
            "series of customer '8' begin on 1997-06-02",
        ),
        (ALIKE.assign(mail=np.nan), "must hold finite numbers"),
        (ALIKE.drop(columns="date"), "the series lack 'date'"),
        (pd.concat([ALIKE, ALIKE.head(1)]), "1996-12-30 twice in the series"),
        (ALIKE.assign(mail=ALIKE["date"]), "'mail' is of datetime"),
        (ALIKE.assign(date=ALIKE["date"].dt.strftime("%d.%m.%Y")), "text such as '2024-01-31'"),
        (ALIKE.assign(mail=1.0), "'mail' is the same on every day"),
        (ALIKE.assign(mail=2 * ALIKE["price"]), "is determined by the columns before it"),
    ):
        with pytest.raises(DataError, match=words):
            fitted(frame)
    saved = cs.models.SeriesModel.from_dict(fit.model.to_dict())
    with pytest.raises(ConfigError, match="saved without its series"):
        saved.p_alive(summary)
    pd.testing.assert_series_equal(saved.with_series(series).p_alive(summary), fit.p_alive(summary))
    other = cs.data.CustomerSeries.of(ALIKE.assign(price=ALIKE["price"] + 1))
    with pytest.raises(DataError, match="was made with the calendar"):
        cs.BGNBD.fit(summary, calendar=other)
    with pytest.raises(ConfigError, match='future must be "hold"'):
        fit.p_alive(summary, at=40.0, future=3)
    # A plan that says nothing of these customers, or of days to come, is none; it would be taken as "hold" unseen.
    for plan, words in (
        (later.assign(customer_id=later["customer_id"].astype(str)), "names none of the series' .*such as 4; .* '4'"),
        (later.assign(date=pd.Timestamp("1998-07-06")).drop_duplicates("customer_id"), "no row of these .* 1998-07-06"),
    ):
        with pytest.raises(DataError, match=words):
            fit.expected_purchases(summary, 28.0, future=plan)
    # Of others it is passed over, and said so.
    more = pd.concat([later, later.head(2).assign(customer_id=[-7, -8])])
    with pytest.warns(UserWarning, match=r"names 2 customers whom the series do not have .* \(first -7, -8\)"):
        assert (fit.expected_purchases(summary, 28.0, future=more) == told).all()


def left(k: int, end: float) -> float:
    return run(k, 0, end, leaving=True)


def test_two_clocks_customer_by_customer():
    """Pareto/NBD: given the time of leaving the traits integrate in closed form; that time by Gauss's rule by day."""
    summary, series = data()
    model = cs.models.TwoClockSeriesModel(
        base=cs.ParetoNBD(r=R, alpha=ALPHA, s=S, beta=BETA), effects=GAMMA, means=MEAN, seen_until="2023-04-14",
        calendar=series, future="hold", leaving=series.select(["price"]), leaving_effects=DELTA,
        leaving_means={"price": MEAN["price"]},
    )  # fmt: skip
    likelihood, alive = model.log_likelihood(summary), model.p_alive(summary, at=5.0)
    expected, chances = model.expected_purchases(summary, 9.0), model.conditional_pmf([0, 1], summary, 9.0)
    node, part = np.polynomial.legendre.leggauss(4)

    def days_of(begin: int, until: int):
        for day in range(begin, until):
            for t, w in zip(day + (1 + node) / 2, part / 2, strict=True):
                yield day, t, w

    for k, (bought, end, _) in enumerate(CUSTOMERS):
        x, last = len(bought), bought[-1] if bought else 0
        speeds = sum(math.log(7 * run(k, day - 1, day)) for day in bought)
        front = math.gamma(R + x) / math.gamma(R) * ALPHA**R * BETA**S * math.exp(speeds)
        law = lambda t, k=k, x=x: (ALPHA + run(k, 0, t)) ** -(R + x)  # noqa: E731
        here = front * law(end) * (BETA + left(k, end)) ** -S
        gone = sum(
            w * front * law(t) * S * (BETA + left(k, t)) ** -(S + 1)
            * (left(k, day + 1) - left(k, day))
            for day, t, w in days_of(last, end)
        )  # fmt: skip
        assert likelihood[k] == pytest.approx(math.log(here + gone), abs=1e-8)
        stays = here / (here + gone)
        L = BETA + left(k, end)
        later = lambda t, k=k, L=L, end=end: ((BETA + left(k, end + t)) / L) ** -S  # noqa: E731
        assert alive[k] == pytest.approx(stays * later(35), abs=1e-8)
        A = ALPHA + run(k, 0, end)
        mean = sum(
            w * (R + x) / A * later(day + t - day) * run(k, end + day, end + day + 1) for day, t, w in days_of(0, 63)
        )
        assert expected[k] == pytest.approx(stays * mean, rel=1e-8)
        one = lambda b, x=x, A=A: (R + x) * (A / (A + b)) ** (R + x) * b / (A + b)  # noqa: E731
        lost = sum(
            w * one(run(k, end, end + t)) * S / L * ((BETA + left(k, end + t)) / L) ** -(S + 1)
            * (left(k, end + day + 1) - left(k, end + day))
            for day, t, w in days_of(0, 63)
        )  # fmt: skip
        assert chances.loc[k, 1] == pytest.approx(stays * (one(run(k, end, end + 63)) * later(63) + lost), abs=1e-8)


def test_two_clocks_alike_for_all_are_those_of_a_calendar():
    calendar, series = cs.data.Calendar(series=SHARED), cs.data.CustomerSeries.of(ALIKE)
    few = LOG[LOG["customer_id"] % 20 == 0]
    common = cs.summarise(few, until="1998-05-15", calendar=calendar)
    own = cs.summarise(few, until="1998-05-15", calendar=series)
    base = cs.ParetoNBD(r=0.5, alpha=10.0, s=0.6, beta=12.0)
    told = {"effects": {"price": 0.4, "mail": -0.3}, "means": {"price": 1.0, "mail": 0.2}, "seen_until": "1998-05-15"}
    moved = {"leaving_effects": {"price": 0.3}, "leaving_means": {"price": 1.0}}
    of_price = cs.data.Calendar(series=SHARED[["price"]])
    theirs = cs.models.TwoClockModel(base=base, calendar=calendar, leaving=of_price, **told, **moved)
    model = cs.models.TwoClockSeriesModel(
        base=base, calendar=series, leaving=series.select(["price"]), future="hold", **told, **moved
    )
    tight = {"rtol": 1e-9}
    np.testing.assert_allclose(model.log_likelihood(own), theirs.log_likelihood(common), **tight)
    np.testing.assert_allclose(model.p_alive(own, at=5.0), theirs.p_alive(common, at=5.0), **tight)
    np.testing.assert_allclose(
        model.expected_purchases(own, 4.0, after=2.0), theirs.expected_purchases(common, 4.0, after=2.0), **tight
    )
    np.testing.assert_array_equal(
        model.draw_posterior(own, seed=1)["alive"], theirs.draw_posterior(common, seed=1)["alive"]
    )
    waits = model.time_to_next_purchase(own.head(9), quantile=0.1)
    held = theirs.with_future({"price": float(SHARED["price"].iloc[-1]), "mail": float(SHARED["mail"].iloc[-1])})
    np.testing.assert_allclose(waits, held.time_to_next_purchase(common.head(9), quantile=0.1), rtol=1e-7)
    none = {"effects": {"price": 0.0, "mail": 0.0}, "leaving_effects": {"price": 0.0}}
    still = replace(model, **none)
    for verb in (lambda m, s: m.log_likelihood(s), lambda m, s: m.expected_purchases(s, 20.0)):
        np.testing.assert_array_equal(verb(still, own), verb(base, own))


def test_a_fit_of_two_clocks():
    shared = SHARED.assign(price=1 + 0.3 * (np.arange(80) > 40))
    alike = (
        shared[["price"]].rename_axis("date").reset_index().merge(ALIKE[["customer_id"]].drop_duplicates(), how="cross")
    )
    calendar, series = cs.data.Calendar(series=shared[["price"]]), cs.data.CustomerSeries.of(alike)
    few = LOG[LOG["customer_id"] % 12 == 0]
    common = cs.summarise(few, until="1998-05-15", calendar=calendar)
    own = cs.summarise(few, until="1998-05-15", calendar=series)
    theirs = cs.ParetoNBD.fit(common, calendar=calendar, leaving=calendar)
    fit = cs.ParetoNBD.fit(own, calendar=series, leaving=series)
    assert fit.names == theirs.names
    assert fit.loglik == pytest.approx(theirs.loglik, abs=1e-6)
    for name in fit.names[4:]:
        assert fit.parameters[name] == pytest.approx(theirs.parameters[name], rel=1e-3, abs=1e-4)
        assert fit.standard_errors[name] == pytest.approx(theirs.standard_errors[name], rel=1e-3)
    assert fit.log_likelihood(own).sum() == pytest.approx(fit.loglik, rel=1e-10)
    assert fit.draw_parameters(2, seed=1)[1].leaving is fit.model.leaving
    loaded = cs.models.TwoClockSeriesModel.from_dict(fit.model.to_dict()).with_series(series, series)
    pd.testing.assert_series_equal(loaded.p_alive(own), fit.p_alive(own))
    with pytest.raises(DataError, match="must have rows of the same customers and days"):
        cs.ParetoNBD.fit(own, calendar=series, leaving=cs.data.CustomerSeries.of(alike.iloc[:-1]))
