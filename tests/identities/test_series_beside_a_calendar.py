"""Truth: identity. Customers' own series without an effect, beside a calendar, are that calendar; and what is known of
each part of them, by sums over days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.data.summaries.calendar import day_numbers
from churnsim.errors import DataError
from churnsim.simulation.core.clocks import clocks_of, own_clocks

FIRST, END, HORIZON = pd.Timestamp("2021-01-04"), pd.Timestamp("2023-01-01"), 40.0  # a Monday and a Sunday
START, LAST = day_numbers([FIRST, END])
IDS = pd.Index([f"c{number}" for number in range(30)], name="customer_id")
CALENDAR = cs.data.Calendar(season=2, trend="2021-01-01", grid="W")
EFFECTS = {"cos 1": 0.4, "sin 1": -0.2, "cos 2": 0.1, "sin 2": 0.3, "trend": -0.1}
MEANS = dict.fromkeys(EFFECTS, 0.05)


@pytest.fixture(scope="module")
def series():
    """Mails on days of each customer's own, beside the calendar to the end of the horizon."""
    random = np.random.default_rng(1)
    rows = [(who, FIRST + pd.Timedelta(days=int(day)), random.integers(3))
            for who in IDS for day in sorted({-3, *random.integers(1, 700, 6)})]  # fmt: skip
    own = cs.data.CustomerSeries.of(pd.DataFrame(rows, columns=["customer_id", "date", "mail"]))
    until = END + pd.Timedelta(weeks=HORIZON, days=1)
    return own, own.beside(CALENDAR, "2021-01-04", until, seen_until=int(LAST), future={"trend": "hold"})


def models(series, base, mail=0.0):
    """On the calendar, and on the series beside it with an effect of the mails."""
    two = isinstance(base, cs.ParetoNBD)
    of = cs.models.TwoClockModel if two else cs.models.CalendarModel
    own = cs.models.TwoClockSeriesModel if two else cs.models.SeriesModel
    known = {"base": base, "seen_until": END.date().isoformat()}
    return (
        of(effects=EFFECTS, means=MEANS, calendar=CALENDAR, future={"trend": "hold"}, **known),
        own(effects={"mail": mail, **EFFECTS}, means={"mail": 1.0, **MEANS}, calendar=series, future="hold", **known),
    )


BASES = [cs.BGNBD(r=0.6, alpha=5.0, a=0.7, b=3.0), cs.ParetoNBD(r=0.6, alpha=5.0, s=0.6, beta=9.0)]


@pytest.mark.parametrize("base", BASES, ids=["BG/NBD", "Pareto/NBD"])
def test_without_an_effect_they_are_the_calendar(series, base):
    """Likelihood, P(alive) and forecasts, for which season and trend go on by themselves."""
    first = FIRST + pd.to_timedelta(np.arange(len(IDS)), unit="D")
    T = np.asarray((END - first).days / 7)
    summary = base.draw_summary(T, seed=1).set_index(IDS).assign(first_purchase=first)
    random = np.random.default_rng(2)
    for name in ("mail", *EFFECTS):
        summary[f"calendar:{name}"] = summary["frequency"] * random.normal(0.0, 1.0, len(IDS))
    calendar, beside = models(series[1], base)
    for verb in ("log_likelihood", "p_alive", "expected_purchases"):
        more = (HORIZON,) if verb == "expected_purchases" else ()
        found, wanted = (getattr(each, verb)(summary, *more) for each in (beside, calendar))
        np.testing.assert_allclose(found, wanted, rtol=1e-9, err_msg=verb)


@pytest.mark.parametrize("base", BASES, ids=["BG/NBD", "Pareto/NBD"])
def test_new_customers_follow_the_calendar_whatever_the_mails_do(series, base):
    """Their clock in the engines is that of the calendar, times the assumption; and what a firm thinks of them."""
    calendar, beside = models(series[1], base, mail=0.8)
    paths = beside.paths(IDS, np.full(len(IDS), START + 40), LAST, LAST + int(HORIZON * 7))
    clock, _ = own_clocks(beside, paths, start=int(LAST), horizon=HORIZON, newcomers=1.5)
    table, _, _ = clocks_of(calendar, start=int(LAST), horizon=HORIZON, silence=0.0, force=0.0)
    knots = clock.knots[clock.own[-2] : clock.own[-1]]
    days = np.arange(int(HORIZON * 7) + 1)
    shown = np.interp(days / 7, knots[:, 0], knots[:, 1])
    # Beyond the last knot the last speed holds.
    beyond = days / 7 > knots[-1, 0]
    shown[beyond] = knots[-1, 1] + knots[-1, 2] * (days[beyond] / 7 - knots[-1, 0])
    np.testing.assert_allclose(shown, 1.5 * (days / 7 + table.knots[: days.size, 0]), atol=1e-9)
    later = pd.DataFrame({"frequency": [0, 2], "recency": [0.0, 5.0], "T": [9.0, 20.0]})
    later["first_purchase"] = END + pd.to_timedelta([70, 7], unit="D")
    of_new = beside.of_new(later.index, LAST + 300.0)
    np.testing.assert_allclose(of_new.p_alive(later), calendar.p_alive(later), rtol=1e-9)


def test_a_column_that_is_there_already_is_refused(series):
    with pytest.raises(DataError, match="both have a column 'cos 1'"):
        series[1].beside(cs.data.Calendar(season=1), int(START), int(LAST))


def test_months_and_holidays_keep_their_days(series):
    """A month begins on its first day, whatever the weekday; values of a season are those of its week."""
    beside = series[0].beside(cs.data.Calendar(months=True, season=0), int(START), int(LAST))
    assert beside.common == beside.yearly == cs.data.Calendar(months=True).names
    days = day_numbers(pd.date_range(FIRST, END))
    random = np.random.default_rng(3).choice(days, 50)
    found = beside.at(IDS[:1], np.zeros(50, dtype=int), random)[:, 1:]
    months = random.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12
    np.testing.assert_array_equal(found, (months[:, None] == np.arange(1, 12)).astype(float))


# ---- what is known of each part: mails until 6 March, the price, which last changes on 6 February, until 26 March ----

PRICE = pd.DataFrame(
    {"price": [1.0, 2.0, 3.0]}, index=pd.to_datetime(["2023-01-02", "2023-02-06", "2023-05-01"])
)  # fmt: skip
MAILED = pd.DataFrame({"customer_id": ["a", "a", "b"], "mail": [0.0, 1.0, 0.0]})
MAILED["date"] = pd.to_datetime(["2023-01-02", "2023-03-06", "2023-01-02"])
PLAN = pd.DataFrame({"customer_id": ["b"], "date": pd.to_datetime(["2023-03-13"]), "mail": 1.0})
PEOPLE = pd.DataFrame({"frequency": [2, 0], "recency": [3.0, 0.0], "T": 4.0}, index=["a", "b"])
PEOPLE["first_purchase"] = pd.Timestamp("2023-01-01")
KNOWN = {"effects": {"mail": 0.7, "price": -0.3}, "means": {"mail": 0.1, "price": 1.2}, "seen_until": "2023-01-29"}


def bought(weeks, second="2100-01-01", third=2.0):
    """E[purchases of NBD in the next weeks], day by day: one customer is mailed from 6 March on, the other one from a
    `second` day; the `third` price is that from 27 March on."""
    days = pd.date_range("2023-01-02", periods=28 + 7 * weeks)
    price = np.select([days < pd.Timestamp("2023-02-06"), days < pd.Timestamp("2023-03-27")], [1.0, 2.0], third)
    mailed = np.array([days >= pd.Timestamp(first) for first in ("2023-03-06", second)])
    speed = np.exp(0.7 * (mailed - 0.1) - 0.3 * (price - 1.2)) / 7
    return (0.5 + np.array([2, 0])) / (3.0 + speed[:, :28].sum(axis=1)) * speed[:, 28:].sum(axis=1)


def test_what_is_known_of_each_part_decides():
    own = cs.data.CustomerSeries.of(MAILED)
    series = own.beside(cs.data.Calendar(series=PRICE), "2023-01-02", "2023-03-26")

    def expected(weeks, series=series, **future):
        model = cs.models.SeriesModel(base=cs.NBD(r=0.5, alpha=3.0), calendar=series, **KNOWN)
        return model.expected_purchases(PEOPLE, weeks, **future)

    np.testing.assert_allclose(expected(5.0), bought(5), rtol=1e-12)
    with pytest.raises(DataError, match=r"^mail of the series are known until 2023-03-06, .*03-12. Pass future=.hold"):
        expected(6.0)
    np.testing.assert_allclose(expected(8.0, future="hold"), bought(8), rtol=1e-12)
    # A plan of the mails alone is enough for as long as the price is known.
    np.testing.assert_allclose(expected(8.0, future=PLAN), bought(8, "2023-03-13"), rtol=1e-12)
    with pytest.raises(DataError, match=r"^price of the series are known until 2023-03-26, .* 2023-04-02. Put the cal"):
        expected(9.0, future=PLAN)
    # Of what a plan of both says, the price counts from 27 March on.
    both = pd.concat([PLAN, PLAN.assign(customer_id="a")]).assign(price=9.0)
    with pytest.raises(DataError, match="no row of these customers after 2023-03-26"):
        expected(9.0, future=both)
    more = pd.concat([both, both.assign(date=pd.Timestamp("2023-03-27"), price=5.0)])
    np.testing.assert_allclose(expected(9.0, future=more), bought(9, "2023-03-13", 5.0), rtol=1e-12)
    # Mails known as far as the price: no future.
    planned = cs.data.CustomerSeries.of(pd.concat([MAILED, PLAN.assign(date=pd.Timestamp("2023-03-26"))]))
    planned = planned.beside(cs.data.Calendar(series=PRICE), "2023-01-02", "2023-03-26")
    np.testing.assert_allclose(expected(8.0, planned), bought(8, "2023-03-26"), rtol=1e-12)
    with pytest.raises(DataError, match="price of the series are known until 2023-03-26, and are needed until 2023-03"):
        cs.summarise(pd.DataFrame({"customer_id": ["a"], "date": ["2023-01-02"]}), until="2023-03-27", calendar=series)


def test_a_plan_of_one_clock_keeps_the_rows_of_both():
    """Mails on the buying clock, the price on the leaving clock: as if the plan had been in the series."""
    calendar, base = cs.data.Calendar(series=PRICE), cs.ParetoNBD(r=0.5, alpha=3.0, s=0.6, beta=5.0)
    now, later = (
        cs.data.CustomerSeries.of(each).beside(calendar, "2023-01-02", "2023-03-26")
        for each in (MAILED, pd.concat([MAILED, PLAN]))
    )
    found = [
        cs.models.TwoClockSeriesModel(
            base=base, calendar=each.select(["mail"]), leaving=each.select(["price"]), effects={"mail": 0.7},
            means={"mail": 0.1}, leaving_effects={"price": 0.5}, leaving_means={"price": 1.2}, seen_until="2023-01-29",
        ).expected_purchases(PEOPLE, 7.9, future=future)
        for each, future in ((now, PLAN), (later, "hold"))
    ]  # fmt: skip
    np.testing.assert_allclose(*found, rtol=1e-12)
    assert found[0]["b"] > 0
