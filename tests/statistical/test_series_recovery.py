"""What customers' own series were made to do comes out of the fit, intervals hold it, and forecasts meet what comes.

Customers are simulated here from their own traits in continuous time, by thinning as in test_calendar_recovery.py.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.statistical.test_calendar_recovery import BASES

import churnsim as cs

TRUE = {"mail": 0.6, "price": -1.2}
FIRST = int(np.datetime64("2020-01-06", "D").astype(int))
SEEN, AHEAD = 546, 182  # days
UNTIL = pd.Timestamp(FIRST + SEEN, unit="D")
WEEKS = (SEEN + AHEAD) // 7
FAMILIES = [family for family in BASES if family != "pareto_nbd"]


def market(family: str, customers: int, seed: int) -> tuple[pd.DataFrame, cs.data.CustomerSeries, int]:
    """The log until the end of SEEN, the series, and the purchases of the days after it."""
    random, base = np.random.default_rng(seed), BASES[family]
    values = np.stack(
        [random.random((customers, WEEKS)) < 0.2, 1 + 0.25 * random.standard_normal((customers, WEEKS))], axis=2
    )
    speed = np.exp(values @ np.array(list(TRUE.values())))
    rows, came = [], 0
    for k in range(customers):
        first, fastest = int(random.integers(0, SEEN - 120)), speed[k].max()
        rate = random.gamma(base.r, 1 / base.alpha) / 7
        leaves = 0.0 if family == "nbd" else random.beta(base.a, base.b)
        here = not (family in ("mbg_nbd", "mbg_cnbd") and random.random() < leaves)
        rows.append((k, first))
        when, stages, passed = float(first), 2 if family == "mbg_cnbd" else 1, 0
        while here:
            when += random.exponential(1 / (rate * fastest))
            if when >= SEEN + AHEAD:
                break
            passed += random.random() < speed[k, (math.ceil(when) - 1) // 7] / fastest
            if passed == stages:
                passed = 0
                rows.append((k, math.ceil(when)))
                came += when > SEEN
                here = random.random() >= leaves
    log = pd.DataFrame(rows, columns=["customer_id", "day"])
    log["date"] = (FIRST + log["day"].to_numpy()).astype("datetime64[D]").astype("datetime64[ns]")
    week = FIRST + 1 + 7 * np.arange(WEEKS)
    frame = pd.DataFrame(values.reshape(-1, 2), columns=list(TRUE)).assign(
        customer_id=np.repeat(np.arange(customers), WEEKS),
        date=np.tile(week.astype("datetime64[D]").astype("datetime64[ns]"), customers),
    )
    series = cs.data.CustomerSeries.of(frame)
    return log[log["day"] <= SEEN], series, came


@pytest.mark.parametrize("family", ["bg_nbd"])
def test_the_effects_come_out_and_forecasts_meet_what_comes(family):
    log, series, came = market(family, 700, seed=5)
    data = cs.summarise(log, until=UNTIL, calendar=series)
    fit = type(BASES[family]).fit(data, calendar=series)
    assert fit.status.ok
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 4 * fit.standard_errors[name]
    assert fit.likelihood_ratio.p_value < 1e-12
    # The series go on after the fit; only the end of their last week must be told.
    expected = float(fit.expected_purchases(data, AHEAD / 7, future="hold").sum())
    assert abs(came - expected) < 4.5 * math.sqrt(2 * expected)  # customers differ: somewhat wider than Poisson
    # Planted: the series of the next customer have nothing to do with when one buys.
    wrong = replace(series, ids=series.ids[np.roll(np.arange(len(series.ids)), 1)])
    other = cs.summarise(log, until=UNTIL, calendar=wrong)
    assert type(BASES[family]).fit(other, calendar=wrong).likelihood_ratio.p_value > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_intervals_hold_the_effects_in_many_firms(family):
    held = dict.fromkeys(TRUE, 0)
    for seed in range(200):
        log, series, _ = market(family, 400, seed=seed)
        summarise, more = (cs.data.summarise_with_intervals, {"k": 2}) if family == "mbg_cnbd" else (cs.summarise, {})
        table = type(BASES[family]).fit(summarise(log, until=UNTIL, calendar=series), calendar=series, **more).summary()
        for name, true in TRUE.items():
            held[name] += table.loc[name, "lower"] <= true <= table.loc[name, "upper"]
    assert all(0.91 <= number / 200 <= 0.985 for number in held.values()), held
    assert 0.92 <= sum(held.values()) / 400 <= 0.98, held
