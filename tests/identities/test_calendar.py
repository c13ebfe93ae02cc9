"""Identities of calendars: slopes against differences, other units and grids, no effect, refusals by name."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.errors import ConfigError, DataError, MissingExtraError
from churnsim.models.evaluation.validation import frequency_calibration, tracking
from churnsim.models.purchase.calendar.calendar_model import CalendarModel
from churnsim.models.purchase.calendar.fit import calendar_likelihood
from churnsim.models.purchase.calendar.history_days import HistoryDays
from churnsim.models.purchase.calendar.two_clock_fit import two_clock_likelihood
from churnsim.models.purchase.calendar.two_clocks import TwoClockModel

FAMILIES = [cs.NBD, cs.BGNBD, cs.models.MBGNBD]


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    every = cs.datasets.cdnow()
    return every[every["customer_id"] % 4 == 0].reset_index(drop=True)


def weekly(values, start="1996-12-30") -> pd.DataFrame:
    """Mondays on, so that both grids see the same."""
    return pd.DataFrame({"price": values}, index=pd.date_range(start, periods=len(values), freq="7D"))


PRICE = weekly(1 + 0.3 * np.sin(np.arange(80.0)))
CALENDAR = cs.data.Calendar(season=1, trend="1997-01-01", series=PRICE)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("whole_days", [True, False])
def test_slopes_against_differences(family, whole_days, log):
    summary = cs.summarise(log, until="1998-06-15", calendar=CALENDAR)
    if not whole_days:  # ends within a day
        summary["T"] += 0.3 / 7
    weights = 1 + np.arange(len(summary)) % 3
    plain = family.fit(summary, weights=weights)
    days = HistoryDays.of(summary, CALENDAR, unit="W", weights=weights)
    found = calendar_likelihood(family, days, family.likelihood(summary, weights=weights), plain)
    start = found.starts[0] * np.where(found.real, 1, 1.1)
    start[np.array(found.real)] = [0.2, -0.1, 0.3, -0.2]
    _, slopes = found.objective(start)
    curvature = found.hessian(start)
    _against_differences(found, start, slopes, curvature)
    # The objective is the sum of the customers' own log-likelihoods.
    summed = float((weights * found.model(start).log_likelihood(summary)).sum())
    assert found.log_likelihood(start) == pytest.approx(summed, rel=1e-12)


def test_slopes_of_regular_buyers(log):
    summary = cs.data.summarise_with_intervals(log, until="1998-06-15", calendar=CALENDAR)
    weights = 1 + np.arange(len(summary)) % 3
    family = cs.models.MBGCNBD
    plain = family.fit(summary, weights=weights, k=3)
    days = HistoryDays.of(summary, CALENDAR, unit="W", weights=weights, stages=3)
    found = calendar_likelihood(family, days, family.likelihood(summary, weights=weights, k=3), plain, k=3)
    start = found.starts[0] * np.where(found.real, 1, 1.1)
    start[np.array(found.real)] = [0.2, -0.1, 0.3, -0.2]
    _against_differences(found, start, found.objective(start)[1], None)
    summed = float((weights * found.model(start).log_likelihood(summary)).sum())
    assert found.log_likelihood(start) == pytest.approx(summed, rel=1e-12)


def _against_differences(found, start, slopes, curvature):
    for k in range(start.size):
        step = np.zeros(start.size)
        step[k] = 1e-5
        (up, slope_up), (down, slope_down) = found.objective(start + step), found.objective(start - step)
        assert slopes[k] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-4)
        if curvature is not None:
            np.testing.assert_allclose(curvature[k], (slope_up - slope_down) / 2e-5, rtol=1e-6, atol=1e-3)


def test_one_stage_is_the_family_without_stages_and_the_best_number_is_found(log):
    season = cs.data.Calendar(season=1)
    summary = cs.data.summarise_with_intervals(log, until="1998-06-30", calendar=season)
    one = cs.models.MBGCNBD.fit(summary, calendar=season, k=1)
    same = cs.models.MBGNBD.fit(summary, calendar=season)
    assert one.loglik == pytest.approx(same.loglik, rel=1e-9)
    assert one.standard_errors == pytest.approx(same.standard_errors, rel=1e-3)
    best = cs.models.MBGCNBD.fit(summary, calendar=season)
    assert best.loglik >= one.loglik
    assert best.model.base.k == best.plain.model.k
    again = CalendarModel.from_dict(best.model.to_dict())
    assert again.base == best.model.base
    with pytest.raises(DataError, match="lacks 'purchase_days'"):
        cs.models.MBGCNBD.fit(summary.drop(columns="purchase_days"), calendar=season, k=2)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_effect_is_the_plain_model_bit_for_bit(family, log):
    summary = cs.summarise(log, until="1997-12-31", calendar=CALENDAR)
    plain = family.fit(summary).model
    nothing = dict.fromkeys(CALENDAR.names, 0.0)
    model = CalendarModel(base=plain, calendar=CALENDAR, effects=nothing, means=nothing, seen_until="1997-12-31")
    told = {"trend": "hold"}
    for mine, its in (
        (model.log_likelihood(summary), plain.log_likelihood(summary)),
        (model.p_alive(summary), plain.p_alive(summary)),
        (model.p_alive(summary, at=3.5, future=told), plain.p_alive(summary, at=3.5)),
        (model.expected_purchases(summary, 13.3, future=told), plain.expected_purchases(summary, 13.3)),
        (model.conditional_pmf([0, 2], summary, 9.0, future=told), plain.conditional_pmf([0, 2], summary, 9.0)),
        (model.draw_posterior(summary, seed=1), plain.draw_posterior(summary, seed=1)),
    ):
        np.testing.assert_array_equal(mine.to_numpy(), its.to_numpy())
    ages = np.array([0.0, 4.2, 20.0])
    mine = model.expected_purchases_new(ages, first="1997-02-03", future=told)
    np.testing.assert_array_equal(mine, plain.expected_purchases_new(ages))
    # A sum over panels, and a wait read off the clock, are not the plain arithmetic, but its value.
    mine = model.residual_transactions(summary, 0.15, horizon=22.0, future=told)
    np.testing.assert_allclose(mine, plain.residual_transactions(summary, 0.15, horizon=22.0), rtol=1e-9)
    waits = model.time_to_next_purchase(summary, quantile=0.05, future={"trend": "hold", "price": 1.0})
    np.testing.assert_allclose(waits, plain.time_to_next_purchase(summary, quantile=0.05), rtol=1e-9)


def test_days_weeks_and_grids_agree(log):
    fits = []
    for unit, grid in (("D", "D"), ("W", "D"), ("W", "W")):
        calendar = cs.data.Calendar(series=PRICE, grid=grid)
        summary = cs.summarise(log, until="1998-06-15", unit=unit, calendar=calendar)
        fits.append((cs.BGNBD.fit(summary, calendar=calendar), float(summary["frequency"].sum())))
    (days, repeats), (weeks, _), (other, _) = fits
    assert days.loglik + repeats * np.log(7) == pytest.approx(weeks.loglik, rel=1e-9)
    assert days.parameters["alpha"] == pytest.approx(7 * weeks.parameters["alpha"], rel=1e-5)
    assert days.parameters["price"] == pytest.approx(weeks.parameters["price"], rel=1e-5)
    assert other.parameters == pytest.approx(weeks.parameters, rel=1e-8)
    assert weeks.standard_errors["price"] == pytest.approx(days.standard_errors["price"], rel=1e-3)


def test_weights_stand_for_rows_and_a_dict_for_the_model(log):
    summary = cs.summarise(log, until="1997-12-31", calendar=CALENDAR)
    twice = pd.concat([summary, summary.iloc[::2]])
    twice.attrs = summary.attrs
    repeated = cs.BGNBD.fit(twice, calendar=CALENDAR)
    weighed = cs.BGNBD.fit(summary, calendar=CALENDAR, weights=1 + (np.arange(len(summary)) % 2 == 0))
    assert weighed.parameters == pytest.approx(repeated.parameters, rel=1e-6)
    model = weighed.model
    again = CalendarModel.from_dict(model.to_dict())
    assert again.to_dict() == model.to_dict()
    np.testing.assert_array_equal(again.p_alive(summary), model.p_alive(summary))
    assert len(weighed.draw_parameters(3, seed=1)) == 3
    assert weighed.likelihood_ratio.statistic == pytest.approx(2 * (weighed.loglik - weighed.plain.loglik))


def test_an_interval_is_the_difference_of_two_and_its_law_sums_to_one(log):
    calendar = cs.data.Calendar(season=2)
    summary = cs.summarise(log, until="1998-06-30", calendar=calendar).iloc[:15]
    shared = {"r": 0.5, "alpha": 6.0, "a": 0.6, "b": 2.0}
    regular = [cs.models.MBGCNBD(**shared, k=k) for k in (1, 3)]
    found = []
    for base in (cs.NBD(r=0.5, alpha=6.0), cs.BGNBD(**shared), cs.models.MBGNBD(**shared), *regular):
        model = CalendarModel(
            base=base, calendar=calendar, effects=dict.fromkeys(calendar.names, 0.3),
            means=dict.fromkeys(calendar.names, 0.0), seen_until="1998-06-30",
        )  # fmt: skip
        law = model.conditional_pmf(range(120), summary, 20.0, after=7.0)
        np.testing.assert_allclose(law.sum(axis=1), 1.0, atol=1e-9)
        mean = law.to_numpy() @ np.arange(120.0)
        np.testing.assert_allclose(mean, model.expected_purchases(summary, 20.0, after=7.0), rtol=1e-9, atol=1e-9)
        found.append(law.to_numpy())
        path = model.p_alive_path(summary, [0.0, 10.0, 30.0])
        assert (path.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    # MBG/CNBD-1 is MBG/NBD, whose law is a Gauss rule over p here; also where chances are small.
    np.testing.assert_allclose(found[3][:, :40], found[2][:, :40], rtol=1e-8)


def test_what_is_to_come_must_be_told(log):
    summary = cs.summarise(log, until="1998-06-30", calendar=CALENDAR)
    fit = cs.NBD.fit(summary, calendar=CALENDAR)
    with pytest.raises(DataError, match=r"'trend' is known until 1998-06-30, and is needed until 1998-12-29"):
        fit.expected_purchases(summary, 26.0)
    with pytest.raises(DataError, match=r"'price' is known until 1998-07-12"):
        fit.expected_purchases(summary, 26.0, future={"trend": "hold"})
    with pytest.raises(ConfigError, match=r"'cos 1', which the calendar has not to be told"):
        fit.expected_purchases(summary, 26.0, future={"cos 1": 0.0})
    with pytest.raises(DataError, match="a longer Series"):
        fit.expected_purchases(summary, 26.0, future={"trend": "hold", "price": PRICE["price"].tail(2)})
    held = fit.expected_purchases(summary, 26.0, future={"trend": "hold", "price": 1.0})
    on = fit.expected_purchases(summary, 26.0, future={"trend": "continue", "price": 1.0})
    assert np.sign(on.sum() - held.sum()) == np.sign(fit.parameters["trend"])
    told = fit.model.with_future({"trend": "hold", "price": 1.0})
    np.testing.assert_array_equal(told.expected_purchases(summary, 26.0), held)
    # The day's value holds until the end of that day: a price of the day after the horizon changes nothing.
    ahead = pd.Series([1.0, 9.0], index=pd.to_datetime(["1998-07-01", "1998-12-30"]))
    late = fit.expected_purchases(summary, 26.0, future={"trend": "hold", "price": ahead})
    np.testing.assert_allclose(late, held, rtol=1e-12)


def test_refusals_name_what_is_wrong(log):
    year = cs.data.Calendar(season=1)
    short = cs.summarise(log, until="1997-09-30", calendar=year)
    assert "less than one whole year" in cs.BGNBD.fit(short, calendar=year).status.message
    months = cs.data.Calendar(months=True)
    with pytest.raises(DataError, match="'Oct' is the same on every day from 1997-01-02 to 1997-09-30"):
        cs.BGNBD.fit(cs.summarise(log, until="1997-09-30", calendar=months), calendar=months)
    double = cs.data.Calendar(series=PRICE.assign(again=2 * PRICE["price"] + 1))
    with pytest.raises(DataError, match="'again' is determined"):
        cs.NBD.fit(cs.summarise(log, until="1997-09-30", calendar=double), calendar=double)
    with pytest.raises(DataError, match="was made with the calendar"):
        cs.NBD.fit(short, calendar=cs.data.Calendar(season=1, grid="W"))
    with pytest.raises(DataError, match="lacks 'first_purchase'"):
        cs.BGNBD.fit(short, calendar=year).p_alive(cs.summarise(log))
    with pytest.raises(DataError, match=r"'price' begins on 1997-02-03, and is needed from 1997-01-"):
        cs.summarise(log, calendar=cs.data.Calendar(series=weekly(np.ones(90), "1997-02-03")))
    with pytest.raises(ConfigError, match="empty"):
        cs.data.Calendar()


def test_columns_are_what_they_say():
    """Months against the days' own, a wave against its formula, a week's mean against its days."""
    first, last = (int(np.datetime64(day, "D").astype(int)) for day in ("2024-02-27", "2024-03-03"))
    months = cs.data.Calendar(months=True).columns(first, last)
    assert months[:, 0].tolist() == [1, 1, 1, 0, 0, 0]  # a leap year's February
    assert months[:, 1].tolist() == [0, 0, 0, 1, 1, 1]
    # Monday 2024-02-26 to Sunday 2024-03-03.
    weeks = cs.data.Calendar(months=True, grid="W").columns(first, last)
    np.testing.assert_allclose(weeks[:, 0], 4 / 7)
    waves = cs.data.Calendar(season=2).columns(first, last)
    np.testing.assert_allclose(waves[0, 3], np.sin(2 * 2 * np.pi * first / 365.25))
    trend = cs.data.Calendar(trend="2024-02-27").columns(first, last)
    np.testing.assert_allclose(trend[:, 0], np.arange(6) / 365.25)


DAYS = pd.date_range("2024-01-01", periods=4)


@pytest.mark.parametrize(
    ("series", "error", "said"),
    [
        (pd.DataFrame({"x": [1.0, 2.0]}, index=["soon", "late"]), DataError, "days must be dates"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=["03.01.2024", "04.01.2024"]), DataError, "text such as '2024-01-31'"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=[20240101, 20240102]), DataError, r"days must be dates.*\(numbers\)"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=pd.DatetimeIndex([DAYS[0], None])), DataError, "a day is missing"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=DAYS[[1, 1]]), DataError, "series has a day twice: 2024-01-02"),
        (pd.DataFrame({"x": ["high", "low"]}, index=DAYS[:2]), DataError, "series must hold numbers"),
        (pd.DataFrame({"x": [1.0, np.nan]}, index=DAYS[:2]), DataError, "must hold finite numbers"),
        (pd.DataFrame({7: [1.0, 2.0]}, index=DAYS[:2]), DataError, r"must have names, each once; got \[7\]"),
        (pd.DataFrame(index=DAYS), DataError, "1 to 100 columns"),
        (pd.DataFrame({"sin 1": [1.0, 2.0]}, index=DAYS[:2]), ConfigError, "'sin 1' has the name of one of"),
        (pd.DataFrame({"trend": [1.0, 2.0]}, index=DAYS[:2]), ConfigError, "'trend' has the name of one of"),
    ],
)  # fmt: skip
def test_what_is_no_series_of_days_is_refused(series, error, said):
    with pytest.raises(error, match=said):
        cs.data.Calendar(season=1, series=series)


def test_a_series_may_be_called_as_what_the_calendar_does_not_have():
    """A firm's own holidays and months; days of a time zone are its own days."""
    own = pd.DataFrame({"holiday": [0.0, 1, 0, 1], "Feb": [4.0, 3, 2, 1], "cos 1": [5.0, 5, 6, 6]}, index=DAYS)
    first = int(np.datetime64("2024-01-01", "D").astype(int))
    zoned = own.set_axis((DAYS + pd.Timedelta("23h")).tz_localize("America/New_York"))
    for series in (own, zoned):
        assert cs.data.Calendar(series=series).columns(first, first + 3).tolist() == own.to_numpy().tolist()


@pytest.mark.parametrize("values", [{"series": 3}, {"series": {}}, {"season": "a"}, {"seasons": 1}, {"trend": "soon"}])
def test_a_dict_that_is_no_calendar_is_refused(values):
    with pytest.raises(ConfigError, match="cannot make a Calendar"):
        cs.data.Calendar.from_dict(values)


def test_sums_and_days_of_purchases_that_are_none_are_refused(log):
    calendar = cs.data.Calendar(season=1)
    summary = cs.data.summarise_with_intervals(log, calendar=calendar).head(20)
    days = summary["purchase_days"]
    for name, values, said in (
        ("calendar:cos 1", "a", "must hold numbers"),
        ("calendar:cos 1", np.nan, f"'calendar:cos 1' must hold finite numbers; customer '{summary.index[0]}' has nan"),
        (
            "purchase_days",
            [part[1:] for part in days],
            f"customer '{summary.index[0]}' has {len(days.iloc[0]) - 1} and",
        ),
    ):
        with pytest.raises(DataError, match=said):
            cs.models.MBGCNBD.fit(summary.assign(**{name: values}), calendar=calendar, k=2)


@pytest.mark.skipif(find_spec("holidays") is not None, reason="the library is there")
def test_holidays_need_their_extra():
    with pytest.raises(MissingExtraError, match=r"churnsim\[calendar\]"):
        cs.data.Calendar(holidays="US")


@pytest.mark.skipif(find_spec("holidays") is None, reason="needs the extra calendar, which CI does not install")
def test_holidays_are_those_of_the_library():
    calendar = cs.data.Calendar(holidays="US")
    first = int(np.datetime64("2023-12-24", "D").astype(int))
    assert calendar.columns(first, first + 2)[:, 0].tolist() == [0, 1, 0]
    with pytest.raises(ConfigError, match="'Atlantis'"):
        cs.data.Calendar(holidays="Atlantis")


def test_tracking_and_calibration_without_effects_are_the_plain_ones(log):
    """And with effects the calibration adds up to the customers, the track is that of each customer's own time."""
    season = cs.data.Calendar(season=1)
    summary = cs.summarise(log, until="1997-09-30", calendar=season)
    base = cs.models.MBGNBD(r=0.5, alpha=7.0, a=0.7, b=1.6)
    nothing = dict.fromkeys(season.names, 0.0)
    even = CalendarModel(base=base, calendar=season, effects=nothing, means=nothing, seen_until="1997-09-30")
    words = {"until": "1997-09-30", "holdout_until": "1998-06-30"}
    pd.testing.assert_frame_equal(tracking(even, log, **words), tracking(base, log, **words))
    pd.testing.assert_frame_equal(frequency_calibration(even, summary), frequency_calibration(base, summary))
    bent = CalendarModel(
        base=base, calendar=season, effects={"cos 1": 0.6, "sin 1": 0.2}, means=nothing, seen_until="1997-09-30"
    )
    assert frequency_calibration(bent, summary)["expected"].sum() == pytest.approx(len(summary))
    track = tracking(bent, log, **words)
    # The 20th week ends on 1997-05-20; a customer's own time begins with the morning of its first day.
    first = summary["first_purchase"]
    age = ((pd.Timestamp("1997-05-20") - first).dt.days + 1) / 7
    before = first - pd.Timedelta(days=1)
    came = [
        float(bent.expected_purchases_new(span, first=day.date()))
        for day, span in zip(before[age > 0], age[age > 0], strict=True)
    ]
    assert track["expected"].iloc[19] == pytest.approx(sum(came), rel=1e-9)


def test_validate_says_whether_the_calendar_forecasts_better(log):
    """On a log in which four of five purchases are left out but in two weeks of six, which the calendar knows."""
    price = PRICE.assign(price=np.where(np.arange(80) % 6 < 2, 1.0, 0.0))
    week = (log["date"] - PRICE.index[0]).dt.days // 7
    first = log.groupby("customer_id")["date"].transform("min")
    kept = log[(price["price"].to_numpy()[week] == 1.0) | (log["date"] == first) | (np.arange(len(log)) % 5 == 0)]
    calendar = cs.data.Calendar(series=price)
    done = cs.validate(kept, [cs.BGNBD], calibration_end="1997-09-30", baselines=[], calendar=calendar)
    assert list(done.fits) == ["bg_nbd", "bg_nbd_calendar"]
    row = done.with_calendar.loc["bg_nbd"]
    assert row["p_value"] < 1e-12
    gain = done.scores.loc["bg_nbd_calendar", "log_score"] - done.scores.loc["bg_nbd", "log_score"]
    assert row["gain"] == pytest.approx(gain)
    assert done.comparison.table.loc["bg_nbd_calendar", "lr"] == pytest.approx(
        done.fits["bg_nbd_calendar"].likelihood_ratio.statistic, rel=1e-6
    )
    weeks = done.tracking[done.tracking["model"] == "bg_nbd_calendar"].iloc[45:]
    on = price["price"].reindex(weeks["date"] - pd.Timedelta(days=5), method="ffill").to_numpy() == 1.0
    assert weeks["expected"][on].mean() > 2.5 * weeks["expected"][~on].mean()
    few = kept[kept["customer_id"] % 40 == 0]
    weeks = cs.validate(
        few, [cs.NBD], calibration_end="1997-09-30", holdout_end="1997-10-31", baselines=[], calendar=calendar,
        count="periods",
    )  # fmt: skip
    fit = weeks.fits["nbd_calendar"]
    expected = fit.expected_active_periods(weeks.split, 4).sum()
    assert weeks.scores.loc["nbd_calendar", "expected"] == pytest.approx(expected, rel=1e-12)
    law = fit.active_periods_pmf(range(5), weeks.split, 4).to_numpy()
    chances = law[np.arange(len(law)), weeks.split["frequency_holdout"]]
    assert weeks.scores.loc["nbd_calendar", "log_score"] == pytest.approx(np.log(chances).mean(), rel=1e-10)
    with pytest.raises(ConfigError, match="none of the models takes one"):
        cs.validate(kept, {"mine": lambda data: cs.BGNBD.fit(data)}, calibration_end="1997-09-30", calendar=calendar)


TREND = cs.data.Calendar(trend="1997-01-01")


@pytest.mark.parametrize("leaving", [None, TREND])
@pytest.mark.parametrize("whole_days", [True, False])
def test_slopes_on_two_clocks(leaving, whole_days, log):
    summary = cs.summarise(log, until="1998-06-15", calendar=CALENDAR).iloc[::2]
    if not whole_days:  # ends within a day
        summary["T"] += 0.3 / 7
    weights = 1 + np.arange(len(summary)) % 3
    plain = cs.ParetoNBD(r=0.5, alpha=10.0, s=0.6, beta=12.0)
    of_plain = cs.ParetoNBD.likelihood(summary, weights=weights)
    days = HistoryDays.of(summary, CALENDAR, unit="W", weights=weights)
    found = two_clock_likelihood(days, leaving, of_plain, SimpleNamespace(model=plain))
    start = found.starts[0].copy()
    start[4:] = [0.2, -0.1, 0.3, -0.2, 0.4][: len(start) - 4]
    _against_differences(found, start, found.objective(start)[1], None)
    model = found.model(start)
    summed = float((weights * model.log_likelihood(summary)).sum())
    assert found.log_likelihood(start) == pytest.approx(summed, rel=1e-12)
    assert TwoClockModel.from_dict(model.to_dict()).to_dict() == model.to_dict()


def test_two_even_clocks_are_the_plain_model_bit_for_bit(log):
    """And a calendar whose effect is next to nothing gives the same values by quadrature."""
    summary = cs.summarise(log, until="1997-12-31", calendar=TREND).iloc[:150]
    plain = cs.ParetoNBD(r=0.55, alpha=10.6, s=0.6, beta=11.7)
    for effect in (0.0, 1e-13):
        model = TwoClockModel(
            base=plain, calendar=TREND, effects={"trend": effect}, means={"trend": 0.5}, seen_until="1997-12-31",
            leaving=TREND, leaving_effects={"trend": effect}, leaving_means={"trend": 0.5}, future={"trend": "hold"},
        )  # fmt: skip
        new = {"first": "1997-02-03"}
        for mine, its in (
            (model.log_likelihood(summary), plain.log_likelihood(summary)),
            (model.p_alive(summary), plain.p_alive(summary)),
            (model.p_alive(summary, at=3.5), plain.p_alive(summary, at=3.5)),
            (model.expected_purchases(summary, 13.3), plain.expected_purchases(summary, 13.3)),
            (model.conditional_pmf([0, 2], summary, 9.0), plain.conditional_pmf([0, 2], summary, 9.0)),
            (model.draw_posterior(summary, seed=1), plain.draw_posterior(summary, seed=1)),
            (model.purchase_pmf([0, 3], 30.0, **new), plain.purchase_pmf([0, 3], 30.0)),
            (model.expected_purchases_new([4.2, 20.0], **new), plain.expected_purchases_new([4.2, 20.0])),
            (model.draw_summary([9.0, 80.0], seed=3, **new)[["frequency"]], plain.draw_summary([9.0, 80.0], seed=3)),
        ):
            mine, its = np.asarray(mine, dtype=float), np.asarray(its, dtype=float)[..., : np.shape(mine)[-1]]
            if effect == 0:
                np.testing.assert_array_equal(mine, its)
            np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-12)
        for mine, its in (
            (model.residual_transactions(summary, 0.15), plain.residual_transactions(summary, 0.15)),
            (model.residual_transactions(summary, 0.15, horizon=22.0),
             plain.residual_transactions(summary, 0.15, horizon=22.0)),
            (model.time_to_next_purchase(summary, quantile=0.05), plain.time_to_next_purchase(summary, quantile=0.05)),
        ):  # fmt: skip
            np.testing.assert_allclose(mine, its, rtol=1e-9)


def test_an_interval_on_two_clocks_is_the_difference_of_two(log):
    summary = cs.summarise(log, until="1998-06-30", calendar=TREND).iloc[:40]
    model = TwoClockModel(
        base=cs.ParetoNBD(r=0.5, alpha=6.0, s=0.6, beta=9.0), calendar=TREND, effects={"trend": -0.4},
        means={"trend": 0.7}, seen_until="1998-06-30", leaving=TREND, leaving_effects={"trend": 0.5},
        leaving_means={"trend": 0.7}, future={"trend": "continue"},
    )  # fmt: skip
    law = model.conditional_pmf(range(90), summary, 20.0, after=7.0)
    np.testing.assert_allclose(law.sum(axis=1), 1.0, atol=1e-9)
    mean = law.to_numpy() @ np.arange(90.0)
    np.testing.assert_allclose(mean, model.expected_purchases(summary, 20.0, after=7.0), atol=1e-8)
    assert (model.p_alive_path(summary, [0.0, 10.0, 30.0]).diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    # By quadrature over the days, and in closed form where both clocks run evenly.
    even, near = (
        replace(model, effects={"trend": e}, leaving_effects={"trend": e}).conditional_pmf(3, summary, 20.0, after=7.0)
        for e in (0.0, 1e-12)
    )
    np.testing.assert_allclose(even, near, rtol=1e-8)
    drawn = model.draw_posterior(pd.concat([summary] * 60).reset_index(drop=True), seed=2)
    share = model.p_alive(summary).mean()
    assert drawn["alive"].mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / len(drawn)))


def test_each_model_with_a_calendar_is_of_its_own_kind(log):
    one = {"effects": {"trend": 0.1}, "means": {"trend": 0.5}, "seen_until": "1997-12-31", "calendar": TREND}
    with pytest.raises(ConfigError, match="a ParetoNBD takes a TwoClockModel"):
        CalendarModel(base=cs.ParetoNBD(r=0.5, alpha=6.0, s=0.6, beta=9.0), **one)
    with pytest.raises(ConfigError, match="base must be a model whose fit takes a calendar"):
        CalendarModel(base=cs.models.BGBB(alpha=1.0, beta=1.0, gamma=1.0, delta=1.0), **one)
    with pytest.raises(ConfigError, match=r"leaving_effects must name nothing; got trend"):
        TwoClockModel(base=cs.ParetoNBD(r=0.5, alpha=6.0, s=0.6, beta=9.0), leaving_effects={"trend": 1.0}, **one)
    summary = cs.summarise(log, until="1997-12-31", calendar=TREND)
    with pytest.raises(ConfigError, match="leaving= goes with calendar="):
        cs.ParetoNBD.fit(summary, leaving=TREND)
    with pytest.raises(DataError, match="'Sep' is the same"):
        cs.ParetoNBD.fit(
            cs.summarise(log, until="1997-08-31", calendar=TREND), calendar=TREND,
            leaving=cs.data.Calendar(months=True),
        )  # fmt: skip


@pytest.mark.parametrize("name", ["alpha", "unit", "family", "seen_until"])
def test_a_column_is_not_called_as_something_of_the_models_own(name):
    """A column `unit` would otherwise take the place of the time unit, unseen."""
    days = pd.date_range("1997-01-01", "1997-09-30", freq="7D")
    prices = pd.DataFrame({name: np.arange(len(days)) % 3.0}, index=days)
    calendar = cs.data.Calendar(series=prices)
    summary = cs.summarise(cs.datasets.cdnow(), until="1997-09-30", calendar=calendar)
    with pytest.raises(DataError, match=f"cannot be called '{name}'.*Rename"):
        cs.BGNBD.fit(summary, calendar=calendar)
