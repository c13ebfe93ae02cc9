"""Truth: identity. Clocks that always run at one speed are the plain model with another alpha (and beta), in every
verb and for odd customers: without a repeat purchase, observed for no time or parts of days, first seen years after the
series begin."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import churnsim as cs

BUYING, LEAVING = 1.7, 0.6
NUMBERS = {"r": 0.7, "alpha": 4.0, "a": 0.8, "b": 2.4, "s": 0.8, "beta": 9.0}
FAMILIES = {
    "nbd": cs.NBD, "bg_nbd": cs.BGNBD, "mbg_nbd": cs.MBGNBD, "mbg_cnbd": cs.models.MBGCNBD, "pareto_nbd": cs.ParetoNBD,
}  # fmt: skip
BEGIN = pd.Timestamp("2019-12-30")
# First day, purchases, last purchase and end, in days since 2020-01-01.
ROWS = [(0, 3, 300, 400), (10, 0, 10, 400), (399, 0, 399, 400), (400, 0, 400, 400), (58, 2, 60, 60),
        (10, 1, 99.25, 350.5), (1000, 2, 1400, 1500), (1499, 0, 1499, 1500)]  # fmt: skip
IDS = pd.Index([f"c{number}" for number in range(len(ROWS))], name="customer_id")


def people(unit: str) -> pd.DataFrame:
    per = {"D": 1.0, "W": 7.0, "Y": 365.25}[unit]
    first, x, last, end = np.array(ROWS).T
    found = pd.DataFrame({"frequency": x.astype(int), "recency": (last - first) / per, "T": (end - first) / per}, IDS)
    days = [18262 + np.linspace(a, b, int(n) + 1) for a, b, n in zip(first, last, x, strict=True)]
    found["first_purchase"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(first, unit="D")
    found["log_intervals"] = [float(np.log(np.diff(each) / per).sum()) for each in days]
    found["calendar:level"], found["purchase_days"] = x, pd.Series(days, IDS)
    found.attrs["unit"] = unit
    return found


def models(name: str, unit: str, own: bool):
    """The plain model of the rescaled parameters, and one on clocks."""
    family, two = FAMILIES[name], name == "pareto_nbd"
    known = {each: NUMBERS[each] for each in family.parameter_names} | ({"k": 2} if name == "mbg_cnbd" else {})
    plain = known | {"alpha": NUMBERS["alpha"] / BUYING} | ({"beta": NUMBERS["beta"] / LEAVING} if two else {})
    days = pd.to_datetime([BEGIN, "2023-03-03"])
    calendar = cs.data.Calendar(series=pd.DataFrame({"level": 1.0}, index=days))
    if own:
        frame = pd.DataFrame({"customer_id": IDS.repeat(2), "date": [*days] * len(IDS), "level": 1.0})
        calendar = cs.data.CustomerSeries.of(frame)
    told = {"effects": {"level": math.log(BUYING)}, "means": {"level": 0.0}, "seen_until": "2024-12-31"}
    if two:
        leaving = {
            "leaving_effects": {"level": math.log(LEAVING)},
            "leaving_means": {"level": 0.0},
            "leaving": calendar,
        }
        kind = cs.models.TwoClockSeriesModel if own else cs.models.TwoClockModel
    else:
        leaving, kind = {}, cs.models.SeriesModel if own else cs.models.CalendarModel
    future = "hold" if own else {"level": 1.0}
    model = kind(base=family(**known, unit=unit), calendar=calendar, future=future, **told, **leaving)
    return family(**plain, unit=unit), model


def verbs(model, seen, span):
    """What each verb says; of new customers the plain one knows no day."""
    clocked = hasattr(model, "calendar")
    size = len(seen)
    yield "log_likelihood", model.log_likelihood(seen)
    each = np.linspace(0.0, 1.4 * span, size)
    yield "p_alive", model.p_alive(seen, at=each)
    yield "expected_purchases", model.expected_purchases(seen, each, after=each[::-1])
    for horizon, after in ((0.0, span), (span, 0.0), (1.37 * span, 0.61 * span)):
        yield "conditional_pmf", model.conditional_pmf([0, 1, 3], seen, horizon, after=after)
    yield "active_periods_pmf", model.active_periods_pmf([0, 1, 2], seen, 3)
    yield "no periods", model.expected_active_periods(seen, 0)
    for rate, horizon in ((9.0, math.inf), (0.5, span), (0.0, span)):
        yield "residual_transactions", model.residual_transactions(seen, rate, horizon=horizon)
    for quantile, alive in ((0.1, True), (0.6, False)):
        yield "time_to_next_purchase", model.time_to_next_purchase(seen, quantile=quantile, if_alive=alive)
    yield "draw_posterior", model.draw_posterior(seen, seed=1)["alive"]
    if clocked:
        yield "new", model.expected_purchases_like(seen, span)
        yield "new pmf", model.purchase_pmf_like(1, seen, span)
        yield "drawn", model.draw_summary_like(seen, seed=1)[["frequency", "recency"]]
    else:
        yield "new", model.expected_purchases_new(np.full(size, span))
        yield "new pmf", np.full(size, model.purchase_pmf(1, span))
        yield "drawn", model.draw_summary(seen["T"].to_numpy(), seed=1)[["frequency", "recency"]]


@pytest.mark.parametrize("own", [False, True], ids=["calendar", "own series"])
@pytest.mark.parametrize(("name", "unit"), [*((name, "W") for name in FAMILIES), ("bg_nbd", "D"), ("pareto_nbd", "Y")])
def test_every_verb_is_that_of_the_plain_model(name, unit, own):
    seen, span = people(unit), {"D": 60.0, "W": 9.0, "Y": 1.0}[unit]
    plain, model = models(name, unit, own)
    for (verb, wanted), (_, found) in zip(verbs(plain, seen, span), verbs(model, seen, span), strict=True):
        wanted, found = (np.asarray(each, dtype=float) for each in (wanted, found))
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-12, err_msg=verb)


@pytest.mark.parametrize("own", [False, True], ids=["calendar", "own series"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_moment_after_midnight_brings_next_to_nothing(name, own):
    """The end is midnight but for rounding."""
    seen, (_, model) = people("W"), models(name, "W", own)
    for after in (0.0, 3.0):
        assert (model.expected_purchases(seen, 1e-9, after=after).abs() < 1e-7).all()
        assert (model.conditional_pmf([0], seen, 1e-9, after=after)[0] > 1 - 1e-7).all()
    assert (model.residual_transactions(seen, 0.5, horizon=1e-9).abs() < 1e-7).all()
