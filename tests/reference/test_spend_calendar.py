"""Gamma-Gamma with a calendar: the likelihood by quadrature over a customer's rate, its slopes by differences, values
by adding up days, what was put into simulated amounts; without effects the plain fit's bits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.spend.gamma_gamma_calendar import GammaGammaCalendar

START = int(np.datetime64("2021-01-04", "D").astype(int))
SALE = pd.DataFrame(
    {"sale": np.arange(110) % 3 == 0}, index=pd.date_range("2021-01-04", periods=110, freq="7D"), dtype=float
)
CALENDAR = cs.data.Calendar(season=1, series=SALE)
TRUE = {"cos 1": 0.15, "sin 1": -0.1, "sale": -0.3}
MODEL = GammaGammaCalendar(
    p=4.0, q=3.0, gamma=15.0, calendar=CALENDAR, effects=TRUE, means={"cos 1": 0.0, "sin 1": 0.0, "sale": 1 / 3},
    seen_until="2022-12-31",
)  # fmt: skip
LEVEL = MODEL.levels("2021-01-04", "2022-12-31").to_numpy()


def shop(seed: int, customers: int = 300) -> pd.DataFrame:
    """Two years of amounts, drawn from each customer's own law."""
    random, rows = np.random.default_rng(seed), []
    for k in range(customers):
        nu = random.gamma(MODEL.q) / MODEL.gamma
        for day in random.choice(len(LEVEL), random.integers(1, 9), replace=False):
            rows.append((k, START + day, LEVEL[day] * random.gamma(MODEL.p) / nu))
    log = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return log.assign(date=log["day"].to_numpy().astype("datetime64[D]").astype("datetime64[ns]"))


def test_likelihood_and_spend_by_quadrature():
    log = shop(1, customers=3)
    found, people = MODEL.log_likelihood(log), MODEL.on_average_days(log)
    spend = MODEL.expected_spend(people, day="2022-03-01")
    level = LEVEL[int(np.datetime64("2022-03-01", "D").astype(int)) - START]
    for k, own in log.sort_values("day").groupby("customer_id"):
        again = own.iloc[1:]
        c, a = LEVEL[again["day"] - START], again["amount"].to_numpy()

        def density(nu, a=a, c=c):
            return gamma.pdf(nu, MODEL.q, scale=1 / MODEL.gamma) * gamma.pdf(a, MODEL.p, scale=c / nu).prod()

        total, more = (
            quad(f, 0, 3, epsabs=0, epsrel=1e-12, limit=200)[0] for f in (density, lambda nu: density(nu) / nu)
        )
        if len(a):
            assert found[k] == pytest.approx(math.log(total), abs=1e-8)
        assert spend[k] == pytest.approx(level * MODEL.p * more / total, rel=1e-8)


def test_slopes_and_no_effects():
    log = shop(2, customers=60)
    likelihood, plain = (
        family.likelihood_of_purchases(log, **more)
        for family, more in ((GammaGammaCalendar, {"calendar": CALENDAR}), (cs.GammaGamma, {}))
    )
    at = np.array([4.0, 3.0, 0.7, 0.1, -0.05, 0.2])
    slopes = likelihood.objective(at)[1]
    for k in range(6):
        step = 1e-5 * np.eye(6)[k]
        by_difference = (likelihood.objective(at + step)[0] - likelihood.objective(at - step)[0]) / 2e-5
        assert slopes[k] == pytest.approx(by_difference, rel=1e-6, abs=1e-5)
    still = likelihood.objective(np.array([4.0, 3.0, 0.7, 0.0, 0.0, 0.0]))
    value, of_plain = plain.objective(at[:3])
    assert still[0] == value
    assert (still[1][:3] == of_plain).all()
    at_true = likelihood.parameters(MODEL)
    means = {name: likelihood.model(at_true).means[name] for name in TRUE}
    moved = likelihood.model(at_true)
    assert means != MODEL.means
    assert likelihood.log_likelihood(at_true) == pytest.approx(moved.log_likelihood(log).sum(), rel=1e-12)


def test_what_was_put_in_comes_out():
    log = shop(3, customers=250)
    fit = GammaGammaCalendar.fit(log, calendar=CALENDAR)
    assert fit.status.ok
    assert fit.likelihood_ratio.p_value < 1e-12
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 4 * fit.standard_errors[name]
    again = GammaGammaCalendar.from_dict(fit.model.to_dict())
    assert (again.levels("2021-02-01", "2021-03-01") == fit.model.levels("2021-02-01", "2021-03-01")).all()
    # Planted: the season of other amounts is none.
    mixed = log.assign(amount=np.random.default_rng(1).permutation(log["amount"].to_numpy()))
    assert GammaGammaCalendar.fit(mixed, calendar=CALENDAR).likelihood_ratio.p_value > 1e-3
    with pytest.raises(DataError, match="'sale' is known until"):
        fit.model.levels("2023-06-01", "2023-06-02")
    with pytest.raises(ConfigError, match="first must not be after last"):
        fit.model.levels("2022-06-03", "2022-06-02")


BASES = {
    "plain": cs.BGNBD(r=0.8, alpha=7.0, a=0.8, b=3.0),
    "calendar": cs.models.CalendarModel(
        base=cs.BGNBD(r=0.8, alpha=7.0, a=0.8, b=3.0), calendar=cs.data.Calendar(season=1),
        effects={"cos 1": 0.4, "sin 1": 0.1}, means={"cos 1": 0.0, "sin 1": 0.0}, seen_until="2022-12-31",
    ),
    "two clocks": cs.models.TwoClockModel(
        base=cs.ParetoNBD(r=0.8, alpha=2.0, s=1.5, beta=60.0), calendar=cs.data.Calendar(season=1),
        effects={"cos 1": 0.4, "sin 1": 0.1}, means={"cos 1": 0.0, "sin 1": 0.0}, seen_until="2022-12-31",
    ),
}  # fmt: skip


@pytest.mark.parametrize("base", BASES)
def test_values_add_up_day_by_day(base):
    spend, model, days, parts = MODEL.with_future({"sale": 1.0}), BASES[base], 4, 9
    people = pd.DataFrame(
        {"frequency": [3, 0], "recency": [20.0, 0.0], "T": [40.0, 30.0], "monetary_value": [21.0, 0.0],
         "first_purchase": pd.to_datetime(["2022-03-26", "2022-06-04"])},
        index=["a", "b"],
    )  # fmt: skip
    people.attrs["unit"] = "W"
    found = cs.customer_value(people, purchases=model, spend=spend, annual_discount_rate=0.15, horizon=days / 7)
    step, force = 1 / (7 * parts), math.log(1.15) / (365.25 / 7)
    if base == "plain":
        counts = [model.expected_purchases(people, k * step) for k in range(days * parts + 1)]
        each = np.diff(np.array(counts), axis=0)
    else:
        each = [model.expected_purchases(people, step, after=k * step).to_numpy() for k in range(days * parts)]
    level = np.repeat(spend.levels("2023-01-01", "2023-01-04"), parts).to_numpy()
    middle = np.exp(-force * step * (np.arange(days * parts) + 0.5))
    total = (np.array(each) * (level * middle)[:, None]).sum(axis=0) * spend.expected_spend(people)
    assert found.to_numpy() == pytest.approx(total.to_numpy(), rel=1e-8)


@pytest.mark.slow
def test_intervals_hold_the_effects_in_many_shops():
    held = dict.fromkeys(TRUE, 0)
    for seed in range(200):
        table = GammaGammaCalendar.fit(shop(100 + seed), calendar=CALENDAR).summary()
        for name, true in TRUE.items():
            held[name] += table.loc[name, "lower"] <= true <= table.loc[name, "upper"]
    assert all(0.91 <= number / 200 <= 0.985 for number in held.values()), held
    assert 0.92 <= sum(held.values()) / 600 <= 0.98, held
