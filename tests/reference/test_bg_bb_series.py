"""BG/BB with series of each customer's own: every verb by integrals over the chances of one customer at a time, the
values looked up day by day; slopes by differences; a calendar where all have the same series."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from tests.reference.test_bg_bb_calendar import BASE, Blind

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.evaluation.validation import frequency_calibration, tracking, tracking_in_periods
from churnsim.models.purchase import bg_bb_courses
from churnsim.models.purchase.bg_bb_calendar import BGBBCalendar, BGBBSeries
from churnsim.models.purchase.in_periods import InPeriods

TRUE, MEANS = {"mail": 0.9, "price": -0.7}, {"mail": 0.3, "price": 1.1}
# The first month since January 2018, what is bought after it, and from which day on what mail and price hold.
CUSTOMERS = {
    "a": (3, [0, 1, 0, 1, 0], [("2018-04-20", 0.0, 1.0), ("2018-06-11", 1.0, 1.0), ("2018-07-01", 0.0, 1.3)]),
    "b": (5, [1, 1], [("2018-07-01", 1.0, 0.9), ("2018-09-17", 0.0, 0.9), ("2018-09-20", 1.0, 1.2)]),
    "c": (11, [], [("2017-01-01", 0.0, 1.2), ("2019-02-03", 1.0, 1.1)]),
    "d": (2, [0, 0, 0], [("2018-01-01", 0.0, 1.0)]),
}
MODEL = BGBBSeries(base=BASE, effects=TRUE, means=MEANS, seen_until="2018-09-30", future="hold")


def moved(name: str) -> np.ndarray:
    """By how much the customer's logit moves in each month after its first."""
    first, _, rows = CUSTOMERS[name]
    begin = pd.Timestamp("2018-01-01") + pd.DateOffset(months=first + 1)
    by_day = [
        next(values for day, *values in reversed(rows) if pd.Timestamp(day) <= each)
        for each in pd.date_range(begin, begin + pd.DateOffset(months=12), inclusive="left")
    ]
    shift = (np.array(by_day) - [*MEANS.values()]) @ [*TRUE.values()]
    days = pd.date_range(begin, periods=len(shift))
    return pd.Series(shift).groupby(days.to_period("M")).mean().to_numpy()


def data() -> tuple[pd.DataFrame, cs.data.CustomerSeries]:
    rows = [(k, day, mail, price) for k, (_, _, each) in CUSTOMERS.items() for day, mail, price in each]
    frame = pd.DataFrame(rows[::-1], columns=["customer_id", "date", "mail", "price"])
    series = cs.data.CustomerSeries.of(frame.assign(date=pd.to_datetime(frame["date"])))
    log = pd.DataFrame(
        [(k, first + at) for k, (first, bought, _) in CUSTOMERS.items() for at in [0, *np.flatnonzero(bought) + 1]],
        columns=["customer_id", "month"],
    )
    log["date"] = [pd.Timestamp("2018-01-20") + pd.DateOffset(months=month) for month in log["month"]]
    summary = cs.data.summarise_opportunities(log, unit="M", until="2018-12-31", calendar=series)
    summary["T"] = [float(len(bought)) for _, bought, _ in CUSTOMERS.values()]
    return summary, series


def test_every_verb_customer_by_customer(monkeypatch):
    monkeypatch.setattr(bg_bb_courses, "PART", 7)  # opportunities at a time: all at once in the other tests
    summary, series = data()
    model = MODEL.with_series(series)
    value, alive, later = model.log_likelihood(summary), model.p_alive(summary), model.p_alive(summary, at=2.0)
    pmf = model.conditional_pmf([0, 1, 2, 3, 4], summary, 3.0)
    mean = model.expected_purchases(summary, [2.0, 1.0, 2.0, 0.0], after=1.0)
    dert = model.residual_transactions(summary, 0.2, horizon=3.0)
    new, of_new = model.expected_purchases_like(summary, [3.0, 2.0, 0.0, 3.0]), model.purchase_pmf_like(1, summary, 3.0)
    waits = model.time_to_next_purchase(summary, quantile=0.2, if_alive=True)
    for k, (name, (_, bought, _)) in enumerate(CUSTOMERS.items()):
        blind = Blind(moved(name), bought)
        n = len(bought)
        assert value[name] == pytest.approx(math.log(blind.likelihood()), abs=1e-8)
        there = blind.path(blind.bought) / blind.likelihood()
        assert alive[name] == pytest.approx(there * blind.stays(n + 1, False), rel=1e-8)
        assert later[name] == pytest.approx(there * blind.stays(n + 3, False), rel=1e-8)
        laws = [blind.counts(h) for h in range(4)]
        assert pmf.loc[name].to_numpy() == pytest.approx([*laws[3], 0.0], rel=1e-8, abs=1e-12)
        by_horizon = [float(law @ np.arange(h + 1)) for h, law in enumerate(laws)]
        assert mean[name] == pytest.approx(by_horizon[1 + (2, 1, 2, 0)[k]] - by_horizon[1], rel=1e-8, abs=1e-12)
        assert dert[name] == pytest.approx(1.2 ** (-np.arange(1, 4) / 12) @ np.diff(by_horizon), rel=1e-8)
        fresh = Blind(moved(name), [])
        age = (3, 2, 0, 3)[k]
        assert new[k] == pytest.approx(float(fresh.counts(age) @ np.arange(age + 1)), rel=1e-8, abs=1e-12)
        assert of_new[k] == pytest.approx(fresh.counts(3)[1], rel=1e-8)
        reached = np.array([(1 - law[0]) / alive[name] >= 0.2 for law in laws[1:]])
        assert waits[name] == 1 + np.argmax(reached) if reached.any() else waits[name] > 3


def test_draws_have_the_moments_of_their_forecasts():
    """Of one history, 300 draws: who is there, how it goes on and what it buys next."""
    summary, series = data()
    model, one = MODEL.with_series(series), summary.loc[["a"]]
    many = pd.concat([one] * 300)
    many.attrs = one.attrs
    many.index = range(300)
    everyone = replace(
        series, ids=many.index, starts=3 * np.arange(301), day=np.tile(series.day[:3], 300),
        values=np.tile(series.values[:3], (300, 1)),
    )  # fmt: skip
    drawn = model.with_series(everyone).draw_posterior(many, seed=4)
    here, stays, error = drawn["alive"], 1.0 - drawn["dropout"], 4.5 * math.sqrt(0.25 / 300)
    for months in range(3):
        later = (here * stays**months).mean()
        assert later == pytest.approx(model.p_alive(one, at=float(months)).item(), abs=error)
        u = moved("a")[5 + months]
        bought = (here * stays**months * expit(logit(drawn["purchase_probability"]) + u)).mean()
        assert bought == pytest.approx(model.expected_purchases(one, 1.0, after=float(months)).item(), abs=error)
    made = model.with_series(everyone).draw_summary_like(many.assign(T=6.0), seed=3)
    expected = model.expected_purchases_like(one, 6.0).item()
    assert made["frequency"].mean() == pytest.approx(expected, abs=4.5 * made["frequency"].std() / math.sqrt(300))
    first = made["frequency"].ge(1)
    assert (made["calendar:mail"][~first] == 0).all()
    assert (made["recency"][first] >= made["frequency"][first]).all()


def firm(seed: int, customers: int, months: int = 24) -> tuple[pd.DataFrame, cs.data.CustomerSeries]:
    """A log of customers acquired in the first half, from each one's own two chances, and who was mailed when."""
    random, rows = np.random.default_rng(seed), []
    mail, price = random.random((customers, months)) < 0.3, 1 + 0.3 * random.standard_normal((customers, months))
    values = np.stack([mail, price], axis=2)
    u = (values - [*MEANS.values()]) @ [*TRUE.values()]
    for k in range(customers):
        first = int(random.integers(0, months // 2))
        at, leaves = logit(random.beta(BASE.alpha, BASE.beta)), random.beta(BASE.gamma, BASE.delta)
        rows.append((k, first))
        for month in range(first + 1, months):
            if random.random() < leaves:
                break
            if random.random() < expit(at + u[k, month]):
                rows.append((k, month))
    starts = pd.date_range("2018-01-01", periods=months, freq="MS")
    log = pd.DataFrame(rows, columns=["customer_id", "month"])
    log["date"] = starts[log["month"]] + pd.Timedelta(days=8)
    frame = pd.DataFrame(values.reshape(-1, 2), columns=["mail", "price"]).assign(
        customer_id=np.repeat(np.arange(customers), months), date=np.tile(starts, customers)
    )
    return log, cs.data.CustomerSeries.of(frame)


def summarised(log: pd.DataFrame, calendar) -> pd.DataFrame:
    return cs.data.summarise_opportunities(log, unit="M", until="2019-12-31", calendar=calendar)


def test_slopes_and_no_effects():
    log, series = firm(1, 60)
    summary = summarised(log, series)
    likelihood, plain = BGBBCalendar.likelihood(summary, calendar=series), cs.models.BGBB.likelihood(summary)
    for at in ([0.9, 1.4, 0.6, 5.0, 0.3, -0.2], [0.03, 0.05, 0.2, 2.0, 0.3, -0.2], [80.0, 120, 2, 9, 0.1, 0]):
        slopes = likelihood.objective(np.array(at))[1]
        for k in range(6):
            step = 1e-5 * max(1.0, at[k]) * np.eye(6)[k]
            up, down = (likelihood.objective(np.array(at) + sign * step)[0] for sign in (1, -1))
            assert slopes[k] == pytest.approx((up - down) / (2 * step[k]), rel=2e-6, abs=2e-5)
        summed = likelihood.model(np.array(at)).log_likelihood(summary).sum()
        assert likelihood.log_likelihood(np.array(at)) == pytest.approx(summed, rel=1e-11)
    none = likelihood.objective(np.array([0.9, 1.4, 0.6, 5.0, 0.0, 0.0]))
    found = plain.objective(np.array([0.9, 1.4, 0.6, 5.0]))
    assert none[0] == found[0]
    assert (none[1][:4] == found[1]).all()
    still = replace(MODEL, effects=dict.fromkeys(TRUE, 0.0), calendar=series)
    for verb, more in (("p_alive", ()), ("expected_purchases", (6.0,)), ("log_likelihood", ())):
        assert (getattr(still, verb)(summary, *more) == getattr(BASE, verb)(summary, *more)).all()


@pytest.mark.parametrize("shapes", [(0.85, 775.0), (5.0, 500.0), (775.0, 0.85), (3000.0, 2.0), (1e-3, 50.0)])
def test_the_nodes_reach_where_customers_are_alike(shapes):
    """Effects near 0 against the plain family, whose likelihood is closed, at parameters far from each other."""
    log, series = firm(1, 30)
    days = pd.date_range("2018-01-01", periods=25, freq="MS")
    common = cs.data.Calendar(series=pd.DataFrame({"mail": np.arange(25.0) % 3, "price": np.arange(25.0)}, index=days))
    for calendar in (series, common):
        summary = summarised(log, calendar)
        value, slopes = cs.models.BGBB.likelihood(summary).objective(np.array([*shapes, 0.6, 5.0]))
        near = BGBBCalendar.likelihood(summary, calendar=calendar).objective(np.array([*shapes, 0.6, 5.0, 1e-13, 0.0]))
        assert near[0] == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(near[1][:4], slopes, rtol=1e-8, atol=1e-8)


def test_weights_are_repeated_rows():
    log, series = firm(3, 40)
    summary = summarised(log, series)
    twice = pd.concat([summary, summary.iloc[::2]])
    twice.attrs = summary.attrs
    weight = 1.0 + (np.arange(len(summary)) % 2 == 0)
    at = np.array([0.9, 1.4, 0.6, 5.0, 0.3, -0.2])
    found, other = (
        BGBBCalendar.likelihood(rows, calendar=series, weights=w) for rows, w in ((summary, weight), (twice, None))
    )
    assert found.objective(at)[0] == pytest.approx(other.objective(at)[0], rel=1e-12)
    np.testing.assert_allclose(found.objective(at)[1], other.objective(at)[1], rtol=1e-9, atol=1e-9)


def test_the_same_series_for_all_are_a_calendar():
    log, _ = firm(2, 40)
    days = pd.date_range("2018-01-01", periods=110, freq="7D")
    shared = pd.DataFrame(
        {"price": 1 + 0.3 * np.sin(np.arange(110.0)), "mail": np.arange(110) % 5 == 2}, index=days
    ).astype(float)
    ids = log[["customer_id"]].drop_duplicates()
    alike = shared.rename_axis("date").reset_index().merge(ids, how="cross")
    calendar, series = cs.data.Calendar(series=shared), cs.data.CustomerSeries.of(alike)
    common, own = summarised(log, calendar), summarised(log, series)
    columns = [name for name in common if name.startswith("calendar:")]
    np.testing.assert_allclose(common[columns], own[columns], rtol=1e-12, atol=1e-12)
    theirs, found = BGBBCalendar.fit(common, calendar=calendar), BGBBCalendar.fit(own, calendar=series)
    assert found.loglik == pytest.approx(theirs.loglik, abs=1e-9)
    assert isinstance(found.model, BGBBSeries)
    for name in found.names:
        assert found.parameters[name] == pytest.approx(theirs.parameters[name], rel=1e-5)
        assert found.standard_errors[name] == pytest.approx(theirs.standard_errors[name], rel=1e-5)
    told = theirs.model.to_dict() | {"family": "bg_bb_series", "calendar": series}
    model = BGBBSeries.from_dict(told).with_future("hold")
    there = theirs.with_future(shared.iloc[-1].to_dict()).model
    for verb in (
        lambda m, s: m.log_likelihood(s),
        lambda m, s: m.p_alive(s, at=2.0),
        lambda m, s: m.expected_purchases(s, 4.0, after=2.0),
        lambda m, s: m.conditional_pmf([0, 2], s, 4.0),
        lambda m, s: m.residual_transactions(s, 0.3, horizon=30.0),
        lambda m, s: m.time_to_next_purchase(s, quantile=0.3),
    ):
        np.testing.assert_allclose(verb(model, own), verb(there, common), rtol=1e-10, atol=1e-12)
    drawn, other = model.draw_posterior(own, seed=1), there.draw_posterior(common, seed=1)
    np.testing.assert_allclose(drawn.astype(float), other.astype(float), rtol=1e-3)


def test_what_was_put_in_comes_out_and_what_is_missing_is_named():
    log, series = firm(4, 200)
    summary = summarised(log, series)
    fit = BGBBCalendar.fit(summary, calendar=series)
    assert fit.status.ok
    assert fit.likelihood_ratio.p_value < 1e-12
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 4 * fit.standard_errors[name]
    assert fit.log_likelihood(summary).sum() == pytest.approx(fit.loglik, rel=1e-10)
    # Planted: the series of the next customer have nothing to do with when one buys.
    wrong = replace(series, ids=series.ids[np.roll(np.arange(len(series.ids)), 1)])
    assert BGBBCalendar.fit(summarised(log, wrong), calendar=wrong).likelihood_ratio.p_value > 1e-3
    saved = BGBBSeries.from_dict(fit.model.to_dict())
    with pytest.raises(ConfigError, match="saved without its series"):
        saved.p_alive(summary)
    pd.testing.assert_series_equal(saved.with_series(series).p_alive(summary), fit.p_alive(summary))
    assert fit.draw_parameters(2, seed=1)[0].calendar is series
    with pytest.raises(DataError, match="known until 2019-12-31, and are needed until 2020-06-30"):
        fit.expected_purchases(summary, 6.0)
    later = pd.DataFrame({"customer_id": series.ids, "date": pd.Timestamp("2020-01-01"), "mail": 1.0, "price": 1.0})
    held, told = (fit.expected_purchases(summary, 6.0, future=each) for each in ("hold", later))
    assert np.isfinite(held).all()
    more = fit.with_future(later.assign(mail=2.0)).expected_purchases(summary, 6.0)
    assert (more > told).all()
    with pytest.raises(ConfigError, match='future must be "hold"'):
        fit.expected_purchases(summary, 6.0, future=3)
    with pytest.raises(ConfigError, match="make a chance to buy 0 or 1"):
        fit.expected_purchases(summary, 6.0, future=later.assign(mail=1e4))
    with pytest.raises(ConfigError, match="more than the 20,000"):
        fit.expected_purchases(summary, 30_000.0, future="hold")
    with pytest.raises(DataError, match="customer '0' has no row in the series"):
        fit.model.with_series(replace(series, ids=series.ids + 1)).p_alive(summary)
    late = later[["customer_id", "date"]].assign(date=pd.Timestamp("2018-08-01"), mail=1.0, price=1.0)
    for frame, words in (
        (late, "begin on 2018-08-01, and are needed from 2018-"),
        (late.assign(date=pd.Timestamp("2018-01-01")), "'mail' is the same on every day"),
    ):
        bad = cs.data.CustomerSeries.of(frame)
        with pytest.raises(DataError, match=words):
            BGBBCalendar.fit(summarised(log, bad), calendar=bad)
    with pytest.raises(DataError, match="was made with the calendar"):
        BGBBCalendar.fit(summary, calendar=wrong)
    with pytest.raises(ConfigError, match="n must be one number of purchases; got 2"):
        fit.model.purchase_pmf_like([1, 2], summary, 3.0)
    with pytest.raises(DataError, match="the summary lacks 'T'"):
        fit.model.draw_summary_like(summary.drop(columns="T"), seed=1)
    assert len(fit.model.draw_summary_like(summary.iloc[:0], seed=1)) == 0
    with pytest.raises(ConfigError, match="effects must name mail, price; got mail"):
        replace(fit.model, effects={"mail": 1.0})


def test_validation_follows_the_series():
    log, series = firm(5, 150)
    done = cs.validate(
        log, [cs.models.BGBB], calibration_end="2019-06-30", holdout_end="2019-12-31", unit="M", baselines=[],
        calendar=series, future="hold",
    )  # fmt: skip
    fit, split = done.fits["bg_bb_calendar"], done.split
    seen = cs.data.summarise_opportunities(log, unit="M", until="2019-06-30", calendar=series)
    assert fit.loglik == pytest.approx(BGBBCalendar.fit(seen, calendar=series).loglik, abs=1e-9)
    expected = fit.expected_purchases(seen, 6.0)
    assert done.scores.loc["bg_bb_calendar", "expected"] == pytest.approx(expected.sum(), rel=1e-12)
    law = fit.conditional_pmf(range(7), seen, 6.0).to_numpy()
    chances = law[np.arange(len(law)), split["frequency_holdout"]]
    assert done.scores.loc["bg_bb_calendar", "log_score"] == pytest.approx(np.log(chances).mean(), rel=1e-10)
    assert done.with_calendar.loc["bg_bb", "p_value"] == fit.likelihood_ratio.p_value < 1e-6
    both = cs.validate(
        log, [cs.models.BGBB, cs.BGNBD], calibration_end="2019-06-30", holdout_end="2019-12-31", unit="M", baselines=[],
        calendar=series, future="hold",
    )  # fmt: skip
    assert list(both.with_calendar.index) == ["bg_bb", "bg_nbd"]
    pd.testing.assert_series_equal(both.scores.loc["bg_bb_calendar"], done.scores.loc["bg_bb_calendar"])
    clocked = both.fits["bg_nbd_calendar"].expected_active_periods(both.split, 6)
    assert both.scores.loc["bg_nbd_calendar", "expected"] == pytest.approx(clocked.sum(), rel=1e-12)
    done = cs.validate(log, [cs.BGNBD], calibration_end="2019-06-30", baselines=[], calendar=series, future="hold")
    assert list(done.with_calendar.index) == ["bg_nbd"]


def test_tracking_follows_the_series():
    log, series = firm(5, 12)
    until, ends = "2019-06-30", ("2019-06-30", "2019-12-31")
    seen = cs.data.summarise_opportunities(log, unit="M", until=until, calendar=series)
    model = MODEL.with_series(series)
    track = tracking_in_periods(InPeriods(model), log, until=until, holdout_until=ends[1], customers=seen)
    for end, more in zip(ends, (0.0, 6.0), strict=True):
        by_age = model.expected_purchases_like(seen, seen["T"] + more).sum()
        assert track.set_index("date")["expected"][end] == pytest.approx(by_age, rel=1e-10)
    counts = frequency_calibration(model, seen, cap=2)["expected"].to_numpy()
    assert counts.sum() == pytest.approx(len(seen), rel=1e-10)
    assert counts[1] == pytest.approx(model.purchase_pmf_like(1, seen, seen["T"]).sum(), rel=1e-10)
    # In continuous time.
    clocked = cs.models.SeriesModel(
        base=cs.BGNBD(r=0.8, alpha=6.0, a=0.7, b=2.3), effects=TRUE, means=MEANS, seen_until=until, calendar=series,
        future="hold",
    )  # fmt: skip
    known = cs.summarise(log, until=until, calendar=series)
    track = tracking(clocked, log, until=until, customers=known)
    spans = (track["date"].iloc[-1] - known["first_purchase"]).dt.days / 7 + 1 / 7
    by_age = clocked.expected_purchases_like(known, spans.to_numpy(), from_morning=True).sum()
    assert track["expected"].iloc[-1] == pytest.approx(by_age, rel=1e-10)
    with pytest.raises(DataError, match="series of customers' own differ: pass customers="):
        tracking(clocked, log, until=until)


@pytest.mark.slow
def test_intervals_hold_the_effects_in_many_firms():
    held = dict.fromkeys(TRUE, 0)
    for seed in range(200):
        log, series = firm(100 + seed, 250)
        table = BGBBCalendar.fit(summarised(log, series), calendar=series).summary()
        for name, true in TRUE.items():
            held[name] += table.loc[name, "lower"] <= true <= table.loc[name, "upper"]
    assert all(0.91 <= number / 200 <= 0.985 for number in held.values()), held
    assert 0.92 <= sum(held.values()) / 400 <= 0.98, held
