"""Gamma-Gamma with series of each customer's own: the likelihood by quadrature over a customer's rate, slopes by
differences, values by adding up days; a calendar where all have the same series; what was put in comes out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma
from tests.reference.test_spend_calendar import BASES

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.spend.gamma_gamma_calendar import GammaGammaCalendar, GammaGammaSeries

START, DAYS = pd.Timestamp("2021-01-04"), 728
TRUE, MEANS = {"offer": -0.4, "price": 0.8}, {"offer": 0.3, "price": 1.0}
MODEL = GammaGammaSeries(p=4.0, q=3.0, gamma=15.0, effects=TRUE, means=MEANS, seen_until="2022-12-31")


def shop(seed: int, customers: int) -> tuple[pd.DataFrame, cs.data.CustomerSeries, np.ndarray]:
    """Two years of amounts from each customer's own law, its series by week, and its level by day."""
    random, rows = np.random.default_rng(seed), []
    weeks = pd.date_range(START, periods=DAYS // 7, freq="7D")
    offer = random.random((customers, len(weeks))) < 0.3
    values = np.stack([offer, 1 + 0.2 * random.standard_normal(offer.shape)], axis=2)
    levels = np.repeat(np.exp((values - [*MEANS.values()]) @ [*TRUE.values()]), 7, axis=1)
    for k in range(customers):
        nu = random.gamma(MODEL.q) / MODEL.gamma
        for day in random.choice(DAYS, random.integers(1, 9), replace=False):
            rows.append((k, START + pd.Timedelta(days=int(day)), levels[k, day] * random.gamma(MODEL.p) / nu))
    frame = pd.DataFrame(values.reshape(-1, 2), columns=list(TRUE)).assign(
        customer_id=np.repeat(np.arange(customers), len(weeks)), date=np.tile(weeks, customers)
    )
    log = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    return log, cs.data.CustomerSeries.of(frame.sample(frac=1, random_state=1)), levels


def test_likelihood_and_spend_by_quadrature():
    log, series, levels = shop(1, 3)
    model = MODEL.with_series(series)
    found, people = model.log_likelihood(log), model.on_average_days(log)
    days = [START + pd.Timedelta(days=day) for day in (400, 13, 700)]
    spend, one_day = model.expected_spend(people, day=days), model.expected_spend(people, day=days[0])
    for k, own in log.sort_values("date").groupby("customer_id"):
        again = own.iloc[1:]
        c, a = levels[k][(again["date"] - START).dt.days], again["amount"].to_numpy()

        def density(nu, a=a, c=c):
            return gamma.pdf(nu, MODEL.q, scale=1 / MODEL.gamma) * gamma.pdf(a, MODEL.p, scale=c / nu).prod()

        total, more = (
            quad(f, 0, 3, epsabs=0, epsrel=1e-12, limit=200)[0] for f in (density, lambda nu: density(nu) / nu)
        )
        if len(a):
            assert found[k] == pytest.approx(math.log(total), abs=1e-8)
        mean = MODEL.p * more / total
        assert spend[k] == pytest.approx(levels[k][(400, 13, 700)[k]] * mean, rel=1e-8)
        assert one_day[k] == pytest.approx(levels[k][400] * mean, rel=1e-8)
        drawn = model.draw_posterior(pd.concat([people.loc[[k]]] * 1_000, ignore_index=True), seed=2)
        error = 4.5 * drawn["mean_spend"].std() / math.sqrt(1_000)
        assert drawn["mean_spend"].mean() == pytest.approx(mean, abs=error)


def test_slopes_and_no_effects():
    log, series, _ = shop(2, 60)
    likelihood, plain = (
        family.likelihood_of_purchases(log, **more)
        for family, more in ((GammaGammaCalendar, {"calendar": series}), (cs.GammaGamma, {}))
    )
    at = np.array([4.0, 3.0, 0.7, 0.1, -0.2])
    slopes = likelihood.objective(at)[1]
    for k in range(5):
        step = 1e-5 * np.eye(5)[k]
        by_difference = (likelihood.objective(at + step)[0] - likelihood.objective(at - step)[0]) / 2e-5
        assert slopes[k] == pytest.approx(by_difference, rel=1e-6, abs=1e-5)
    still = likelihood.objective(np.array([4.0, 3.0, 0.7, 0.0, 0.0]))
    value, of_plain = plain.objective(at[:3])
    assert still[0] == value
    assert (still[1][:3] == of_plain).all()
    moved = likelihood.model(at)
    assert likelihood.log_likelihood(at) == pytest.approx(moved.log_likelihood(log).sum(), rel=1e-12)


def test_the_same_series_for_all_are_a_calendar():
    log, _, _ = shop(3, 150)
    days = pd.date_range(START, periods=DAYS // 7, freq="7D", name="date")
    shared = pd.DataFrame({"price": 1 + 0.3 * np.sin(np.arange(len(days)) ** 2.0)}, index=days)
    alike = shared.reset_index().merge(log[["customer_id"]].drop_duplicates(), how="cross")
    calendar, series = cs.data.Calendar(series=shared), cs.data.CustomerSeries.of(alike)
    theirs, found = (GammaGammaCalendar.fit(log, calendar=each) for each in (calendar, series))
    # The mean is over purchases here, and over days there: that moves gamma alone.
    assert found.loglik == pytest.approx(theirs.loglik, abs=1e-8)
    for name in ("p", "q", "price"):
        assert found.parameters[name] == pytest.approx(theirs.parameters[name], rel=1e-4)
        assert found.standard_errors[name] == pytest.approx(theirs.standard_errors[name], rel=1e-4)
    spends = (
        fit.model.expected_spend(fit.model.on_average_days(log), day="2022-05-05").to_numpy() for fit in (found, theirs)
    )
    np.testing.assert_allclose(*spends, rtol=1e-5)
    told = {"effects": theirs.model.effects, "means": theirs.model.means, "seen_until": "2022-12-31"}
    common = GammaGammaCalendar(p=4.0, q=3.0, gamma=15.0, calendar=calendar, **told)
    own = GammaGammaSeries(p=4.0, q=3.0, gamma=15.0, calendar=series, future="hold", **told)
    people = people_of([0, 1])
    clock = {"effects": {"price": 0.7}, "means": {"price": 1.0}, "seen_until": "2022-12-31", "future": "hold"}
    one = cs.models.SeriesModel(base=BASES["plain"], calendar=series, **clock)
    for purchases in (*BASES.values(), one):
        for seen in (people, people.assign(T=[40.0, 29.5])):  # who end together, or not
            kinds = (
                cs.customer_value(seen, purchases=purchases, spend=each, annual_discount_rate=0.15, horizon=30.0)
                for each in (common.with_future({"price": float(shared["price"].iloc[-1])}), own)
            )
            np.testing.assert_allclose(*kinds, rtol=1e-9)


def people_of(ids: list) -> pd.DataFrame:
    people = pd.DataFrame(
        {"frequency": [3, 0], "recency": [20.0, 0.0], "T": [40.0, 30.0], "monetary_value": [21.0, 0.0],
         "first_purchase": pd.to_datetime(["2022-03-26", "2022-06-04"])},
        index=ids,
    )  # fmt: skip
    people.attrs["unit"] = "W"
    return people


@pytest.mark.parametrize("base", ["plain", "calendar", "own clock", "two own clocks"])
def test_values_add_up_day_by_day(base):
    """Two customers who end on one day, with levels of their own."""
    days, parts = 4, 9
    rows = [("a", "2021-01-01", 0.0, 1.0), ("a", "2023-01-02", 1.0, 1.0), ("b", "2022-01-01", 0.0, 1.3),
            ("b", "2023-01-03", 0.0, 0.7)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "offer", "price"])
    series = cs.data.CustomerSeries.of(frame.assign(date=pd.to_datetime(frame["date"])))
    spend, people = MODEL.with_series(series).with_future("hold"), people_of(["a", "b"])
    means = {"offer": 0.3, "price": 1.0}
    clock = {"calendar": series, "means": means, "seen_until": "2022-12-31", "future": "hold"}
    clock["effects"] = {"offer": 0.6, "price": -0.4}
    own = {
        "own clock": cs.models.SeriesModel(base=BASES["plain"], **clock),
        "two own clocks": cs.models.TwoClockSeriesModel(
            base=cs.ParetoNBD(r=0.8, alpha=4.0, s=1.2, beta=30.0), leaving=series, leaving_means=means,
            leaving_effects={"offer": -1.5, "price": 0.8}, **clock,
        ),
    }  # fmt: skip
    model = (BASES | own)[base]
    found = cs.customer_value(people, purchases=model, spend=spend, annual_discount_rate=0.15, horizon=days / 7)
    step, force = 1 / (7 * parts), math.log(1.15) / (365.25 / 7)
    upto = [model.expected_purchases(people, k * step) for k in range(days * parts + 1)]
    values = {"a": [(0, 1.0), (1, 1.0), (1, 1.0), (1, 1.0)], "b": [(0, 1.3), (0, 1.3), (0, 0.7), (0, 0.7)]}
    middle = np.exp(-force * step * (np.arange(days * parts) + 0.5))
    for name, by_day in values.items():
        level = np.repeat(np.exp((np.array(by_day) - [*MEANS.values()]) @ [*TRUE.values()]), parts)
        each = np.diff([count[name] for count in upto])
        total = (each * level * middle).sum() * spend.expected_spend(people)[name]
        assert found[name] == pytest.approx(total, rel=1e-8)


def test_what_was_put_in_comes_out_and_what_is_missing_is_named():
    log, series, _ = shop(4, 250)
    fit = GammaGammaCalendar.fit(log, calendar=series)
    assert fit.status.ok
    assert isinstance(fit.model, GammaGammaSeries)
    assert fit.likelihood_ratio.p_value < 1e-12
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 4 * fit.standard_errors[name]
    # Planted: the series of the next customer have nothing to do with what one spends.
    wrong = replace(series, ids=series.ids[np.roll(np.arange(len(series.ids)), 1)])
    assert GammaGammaCalendar.fit(log, calendar=wrong).likelihood_ratio.p_value > 1e-3
    saved = GammaGammaSeries.from_dict(fit.model.to_dict())
    with pytest.raises(ConfigError, match="saved without its series"):
        saved.log_likelihood(log)
    pd.testing.assert_series_equal(saved.with_series(series).log_likelihood(log), fit.model.log_likelihood(log))
    assert fit.draw_parameters(2, seed=1)[0].calendar is series
    people = fit.model.on_average_days(log)
    with pytest.raises(DataError, match="are needed until 2023-02-01"):
        fit.model.expected_spend(people, day="2023-02-01")
    held = fit.model.expected_spend(people, day="2023-02-01", future="hold")
    later = pd.DataFrame({"customer_id": series.ids, "date": pd.Timestamp("2023-01-09"), "offer": 0.0, "price": 9.0})
    assert (fit.model.expected_spend(people, day="2023-02-01", future=later) > held).all()
    with pytest.raises(ConfigError, match="Check the effects and the future"):
        fit.model.expected_spend(people, day="2023-02-01", future=later.assign(price=1e5))
    with pytest.raises(DataError, match="customer 'new' has no row in the series"):
        fit.model.expected_spend(people.head(1).rename(index={0: "new"}), day="2022-02-01")
    with pytest.raises(DataError, match="begin on 2021-01-04, and are needed from 2020-05-01"):
        fit.model.expected_spend(people, day="2020-05-01")
    with pytest.raises(DataError, match="'offer' is the same on every day"):
        GammaGammaCalendar.fit(log, calendar=replace(series, values=series.values * [0, 1]))
    with pytest.raises(ConfigError, match="calendar must be a Calendar or a CustomerSeries"):
        GammaGammaCalendar.fit(log, calendar={"season": 1})


def test_errors_of_values_hold_those_of_the_levels():
    """Against what values do as each number of both fits moves, by differences."""
    log, series, _ = shop(5, 120)
    summary = cs.summarise(log, until="2022-12-31", calendar=series)
    purchases = cs.NBD.fit(summary, calendar=series).with_future("hold")
    spend = GammaGammaCalendar.fit(log, calendar=series).with_future("hold")
    people = summary.assign(monetary_value=spend.model.on_average_days(log)["monetary_value"]).head(8)
    people.attrs = summary.attrs
    terms = {"annual_discount_rate": 0.1, "horizon": 20.0}
    found = cs.models.customer_value_intervals(people, purchases=purchases, spend=spend, **terms)
    variance = 0.0
    for fit, name in ((purchases, "purchases"), (spend, "spend")):
        slopes = []
        for each in fit.names:
            step = 1e-4 * max(abs(fit.parameters[each]), 0.1)
            logs = []
            for sign in (1, -1):
                there = fit.model.to_dict() | {each: fit.parameters[each] + sign * step}
                model = type(fit.model).from_dict(there).with_series(series).with_future("hold")
                both = {"purchases": purchases, "spend": spend} | {name: model}
                logs.append(np.log(cs.customer_value(people, **both, **terms)))
            slopes.append((logs[0] - logs[1]).to_numpy() / (2 * step))
        variance = variance + np.einsum("in,ij,jn->n", np.array(slopes), fit.matrix, np.array(slopes))
    relative = found["standard_error"] / found["value"]
    np.testing.assert_allclose(relative, np.sqrt(variance), rtol=1e-4)


@pytest.mark.slow
def test_intervals_hold_the_effects_in_many_shops():
    held = dict.fromkeys(TRUE, 0)
    for seed in range(200):
        log, series, _ = shop(100 + seed, 300)
        table = GammaGammaCalendar.fit(log, calendar=series).summary()
        for name, true in TRUE.items():
            held[name] += table.loc[name, "lower"] <= true <= table.loc[name, "upper"]
    assert all(0.91 <= number / 200 <= 0.985 for number in held.values()), held
    assert 0.92 <= sum(held.values()) / 400 <= 0.98, held
