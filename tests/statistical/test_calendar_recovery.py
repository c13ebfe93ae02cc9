"""A season put into simulated purchases comes out of the fit, its intervals hold it, and forecasts meet what comes.

Customers are simulated here from their own traits in continuous time, by thinning: tried at the year's fastest rate,
each purchase is kept with the chance speed/fastest. No clock is inverted.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import churnsim as cs

TRUE = {"cos 1": 0.45, "sin 1": -0.25, "price": -1.2}
PRICE = pd.DataFrame(
    {"price": 1 + 0.25 * np.sin(np.arange(200.0) ** 2)}, index=pd.date_range("2019-12-30", periods=200, freq="7D")
)
CALENDAR = cs.data.Calendar(season=1, series=PRICE)
FIRST = int(np.datetime64("2020-01-06", "D").astype(int))
SEEN, AHEAD = 730, 182  # days
SPEED = np.exp(CALENDAR.columns(FIRST + 1, FIRST + SEEN + AHEAD) @ np.array(list(TRUE.values())))
BASES = {
    "nbd": cs.NBD(r=0.8, alpha=7.0),
    "bg_nbd": cs.BGNBD(r=0.8, alpha=7.0, a=0.8, b=3.0),
    "mbg_nbd": cs.models.MBGNBD(r=0.8, alpha=7.0, a=0.8, b=3.0),
    "mbg_cnbd": cs.models.MBGCNBD(r=0.8, alpha=3.0, a=0.8, b=3.0, k=2),
    "pareto_nbd": cs.ParetoNBD(r=0.8, alpha=2.0, s=1.5, beta=60.0),
}
# Of Pareto/NBD's leaving clock, which runs faster from the second year on.
RIVAL = pd.DataFrame({"rival": [0.0, 1.0, 1.0]}, index=pd.to_datetime(["2019-12-30", "2021-01-04", "2023-01-01"]))
LEAVING, ON_LEAVING = cs.data.Calendar(series=RIVAL), 1.2
LEAVES = np.concatenate([[0.0], np.cumsum(np.exp(ON_LEAVING * LEAVING.columns(FIRST + 1, FIRST + SEEN + AHEAD)[:, 0]))])
QUICK = ("nbd", "bg_nbd", "mbg_nbd")


def fitted(family: str, data: pd.DataFrame):
    """The family's own fit, on both clocks where it has two."""
    more = {"pareto_nbd": {"leaving": LEAVING}, "mbg_cnbd": {"k": 2}}.get(family, {})
    return type(BASES[family]).fit(data, calendar=CALENDAR, **more)


def market(family: str, customers: int, seed: int) -> pd.DataFrame:
    """A summary at the end of SEEN, with the purchases of the days after it."""
    random = np.random.default_rng(seed)
    base, fastest = BASES[family], SPEED.max()
    columns = CALENDAR.columns(FIRST + 1, FIRST + SEEN + AHEAD)
    rows = []
    for _ in range(customers):
        first = int(random.integers(0, SEEN - 120))
        rate = random.gamma(base.r, 1 / base.alpha) / 7
        leaves, life = 0.0, math.inf
        if family == "pareto_nbd":  # in the time of the leaving clock, in weeks
            left = np.searchsorted(LEAVES - LEAVES[first], 7 * random.exponential(base.beta / random.gamma(base.s)))
            life = left - random.random() if left < len(LEAVES) else math.inf
        elif family != "nbd":
            leaves = random.beta(base.a, base.b)
        stages, passed, days = (2 if family == "mbg_cnbd" else 1), 0, [FIRST + first]
        x, recency, came, sums = 0, 0.0, 0, np.zeros(3)
        tried = first + np.cumsum(random.exponential(1 / (rate * fastest), 1000))
        assert tried[-1] > SEEN + AHEAD
        here = not (family in ("mbg_nbd", "mbg_cnbd") and random.random() < leaves)
        for when in tried[tried < min(SEEN + AHEAD, life)]:
            if not here:
                break
            passed += random.random() < SPEED[math.ceil(when) - 1] / fastest
            if passed == stages:
                passed = 0
                days += [FIRST + math.ceil(when)] if when <= SEEN else []
                if when <= SEEN:
                    x, recency, sums = x + 1, when - first, sums + columns[math.ceil(when) - 1]
                else:
                    came += 1
                here = random.random() >= leaves
        rows.append((x, recency / 7, (SEEN - first) / 7, FIRST + first, came, np.array(days), *sums))
    names = ["frequency", "recency", "T", "first_purchase", "came", "purchase_days"]
    names += [f"calendar:{name}" for name in TRUE]
    frame = pd.DataFrame(rows, columns=names)
    if family == "mbg_cnbd":  # gaps are measured from day to day
        log = frame["purchase_days"].explode().rename_axis("customer_id").reset_index(name="date")
        log["date"] = log["date"].to_numpy(dtype=np.int64).astype("datetime64[D]").astype("datetime64[ns]")
        until = pd.Timestamp(FIRST + SEEN, unit="D")
        return cs.data.summarise_with_intervals(log, until=until, calendar=CALENDAR)
    frame["first_purchase"] = frame["first_purchase"].to_numpy().astype("datetime64[D]").astype("datetime64[ns]")
    frame.attrs["unit"] = "W"
    return frame


@pytest.mark.parametrize("family", QUICK)
def test_the_season_comes_out_and_forecasts_meet_what_comes(family):
    data = market(family, 1000, seed=11)
    fit = type(BASES[family]).fit(data, calendar=CALENDAR)
    assert fit.status.ok
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 4 * fit.standard_errors[name]
    assert fit.likelihood_ratio.p_value < 1e-12
    outlook = cs.models.forecast(fit, data, horizon=AHEAD / 7, seed=1, level=0.9995, draws=60)
    assert outlook.covers(data["came"].sum())
    # Planted: the season of the other half of the year.
    turned = {**fit.model.effects, "cos 1": -fit.parameters["cos 1"], "sin 1": -fit.parameters["sin 1"]}
    wrong = type(fit.model)(
        base=fit.model.base, calendar=CALENDAR, effects=turned, means=fit.model.means, seen_until=fit.model.seen_until
    )
    assert not outlook.covers(float(wrong.expected_purchases(data, AHEAD / 7).sum()))


@pytest.mark.slow
@pytest.mark.parametrize("family", BASES)
def test_intervals_hold_the_season_in_many_firms(family):
    """Of 95% intervals as many hold the truth as chance allows (binomial, 1 in 1,000 either way); of all, 92-98%."""
    truth = {**TRUE, **({"leaving:rival": ON_LEAVING} if family == "pareto_nbd" else {})}
    held = dict.fromkeys(truth, 0)
    firms = 60 if family == "pareto_nbd" else 200  # seconds a fit
    for seed in range(firms):
        table = fitted(family, market(family, 600, seed=seed)).summary()
        for name, true in truth.items():
            held[name] += table.loc[name, "lower"] <= true <= table.loc[name, "upper"]
    least, most = binom.ppf([0.0005, 0.9995], firms, 0.95)
    assert all(least <= number <= most for number in held.values()), held
    assert 0.92 <= sum(held.values()) / (firms * len(held)) <= 0.98, held
