"""Truth: the limits of a watch raise a false alarm as seldom as they say, and an alarm where customers leave faster.

The futures are simulated here, event by event, from models drawn from the fit's own error.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.trials import forecast_limits

SINCE = date(1997, 12, 31)
ENDS = [day.date() for day in pd.date_range("1998-01-31", "1998-06-30", freq="ME")]
WEEKS = (ENDS[-1] - SINCE).days / 7


@pytest.fixture(scope="module")
def firm():
    """6,000 customers of a known model, the model as fitted to them, and the limits by two cohorts."""
    truth = cs.BGNBD(r=1.0, alpha=6.0, a=0.8, b=4.0)
    ages = np.random.default_rng(1).uniform(20, 60, 6000)
    summary = truth.draw_summary(ages, seed=3)
    fit = cs.BGNBD.fit(summary)
    cohort = pd.Series(np.where(ages > 40, "old", "new"), summary.index)
    return summary, fit, forecast_limits(fit, summary, cohort=cohort, since=SINCE, ends=ENDS, planned=26.0, seed=1)


def future(model, summary, number, dropout=1.0):
    """Purchases of half a year: exponential gaps, and after each purchase the chance to leave, `dropout` times as
    large as the model's."""
    traits = model.draw_posterior(summary, seed=11, replication=number)
    rate, leaves = traits["rate"].to_numpy(), np.minimum(dropout * traits["dropout"].to_numpy(), 1.0)
    random = np.random.default_rng([7, number])
    here, at, bought = traits["alive"].to_numpy().copy(), np.zeros(len(traits)), []
    while here.any():
        at = at + random.exponential(size=len(traits)) / rate
        here &= at < WEEKS
        day = pd.Timestamp(SINCE) + pd.to_timedelta(np.ceil(7 * at[here]), unit="D")
        bought.append(pd.DataFrame({"customer_id": summary.index[here], "date": day}))
        here &= random.random(len(traits)) >= leaves
    return pd.concat(bought)


def alarms(firm, futures, dropout=1.0):
    """How many of the futures raise an alarm, and how many leave the bare Poisson interval of some month."""
    summary, fit, limits = firm
    raised = poisson = 0
    for number, model in enumerate(fit.draw_parameters(futures, seed=5)):
        found = limits.against(future(model, summary, number, dropout))
        raised += bool((found["alarm"] != "").any())
        poisson += bool((abs(found["purchases"] - found["expected"]) > 1.96 * np.sqrt(found["expected"])).any())
    return raised, poisson


@pytest.mark.parametrize("futures", [6, pytest.param(300, marks=pytest.mark.slow)])
def test_false_alarms_are_as_rare_as_the_level_says(firm, futures):
    """At most 5% over all cohorts and looks, and three standard errors of so many futures; the intervals that look at
    each month as if it were alone, and at purchases as if customers were alike, raise many more."""
    raised, poisson = alarms(firm, futures)
    assert raised <= futures * 0.05 + 3 * np.sqrt(futures * 0.05 * 0.95)
    assert poisson > futures / 4


def test_customers_who_leave_twice_as_fast_raise_an_alarm(firm):
    assert alarms(firm, 5, dropout=2.0)[0] == 5
