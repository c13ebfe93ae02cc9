"""BG/BB with a calendar: every term by its own integrals over the chances to buy and to leave, slopes by differences,
what was put into simulated firms; without effects the plain family's bits."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import expit, logit

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.purchase.bg_bb_calendar import BGBBCalendar

PRICE = pd.DataFrame({"price": np.sin(np.arange(72.0) ** 2)}, index=pd.date_range("2018-01-01", periods=72, freq="MS"))
CALENDAR = cs.data.Calendar(season=1, series=PRICE)
TRUE = {"cos 1": 0.7, "sin 1": -0.4, "price": -0.6}
MEANS = {"cos 1": 0.0, "sin 1": 0.0, "price": 0.1}
BASE = cs.models.BGBB(alpha=0.9, beta=1.4, gamma=0.6, delta=5.0, unit="M")
MODEL = BGBBCalendar(base=BASE, calendar=CALENDAR, effects=TRUE, means=MEANS, seen_until="2020-12-31")


def moved(months: int) -> np.ndarray:
    """The shift of the logit in each month from January 2018 on, from the days' own columns."""
    days = pd.date_range("2018-01-01", pd.Timestamp("2018-01-01") + pd.DateOffset(months=months), inclusive="left")
    first = int(np.datetime64("2018-01-01", "D").astype(int))
    columns = CALENDAR.columns(first, first + len(days) - 1) - np.array(list(MEANS.values()))
    by_month = pd.DataFrame(columns, index=days).groupby(days.to_period("M")).mean()
    return by_month.to_numpy() @ np.array(list(TRUE.values()))


def firm(seed: int, customers: int, months: int = 36) -> pd.DataFrame:
    """A log of customers acquired in the first half, from each one's own two chances."""
    random, u, rows = np.random.default_rng(seed), moved(months), []
    for k in range(customers):
        first = int(random.integers(0, months // 2))
        at = logit(random.beta(BASE.alpha, BASE.beta))
        leaves = random.beta(BASE.gamma, BASE.delta)
        rows.append((k, first))
        for month in range(first + 1, months):
            if random.random() < leaves:
                break
            if random.random() < expit(at + u[month]):
                rows.append((k, month))
    log = pd.DataFrame(rows, columns=["customer_id", "month"])
    return log.assign(date=[pd.Timestamp("2018-01-09") + pd.DateOffset(months=m) for m in log["month"]])


def fitted(log: pd.DataFrame):
    summary = cs.data.summarise_opportunities(log, unit="M", until="2020-12-31", calendar=CALENDAR)
    return BGBBCalendar.fit(summary, calendar=CALENDAR)


class Blind:
    """One customer whose purchases after its first month are `bought` (0 or 1 each), by quadrature; `u` is by how much
    the logit moves in each month after the first."""

    def __init__(self, u: np.ndarray, bought: list[int]) -> None:
        self.bought, self.u = tuple(bought), u
        self.path = functools.cache(self._path)
        self.last = max((k for k, one in enumerate(bought, 1) if one), default=0)

    def _path(self, outcomes: tuple[int, ...]) -> float:
        """E[prod of the chances of these outcomes], the customer being there."""

        odds = np.exp(self.u[: len(outcomes)]).tolist()  # times those of p

        def product(p: float) -> float:
            value = 1.0
            for bought, times in zip(outcomes, odds, strict=True):
                value *= (p * times if bought else 1 - p) / (p * times + 1 - p)
            return value

        # Each half in the power of p, or of 1 - p, in which the density is flat at its end.
        power, other = 1 / BASE.alpha, 1 / BASE.beta
        halves = (
            (lambda q: product(q**power) * (1 - q**power) ** (BASE.beta - 1) * power, BASE.alpha),
            (lambda q: product(1 - q**other) * (1 - q**other) ** (BASE.alpha - 1) * other, BASE.beta),
        )
        total = sum(quad(half, 0, 0.5**shape, epsabs=0, epsrel=1e-12, limit=200)[0] for half, shape in halves)
        return total / beta_function(BASE.alpha, BASE.beta)

    @staticmethod
    def stays(met: int, leaves: bool) -> float:
        """P(that many opportunities are met, and then it leaves or not)."""
        a, b = BASE.gamma + leaves, BASE.delta + met
        return float(beta_function(a, b) / beta_function(BASE.gamma, BASE.delta))

    def likelihood(self) -> float:
        n = len(self.bought)
        gone = sum(self.path(self.bought[:k]) * self.stays(k, True) for k in range(self.last, n))
        return gone + self.path(self.bought) * self.stays(n, False)

    def counts(self, ahead: int) -> np.ndarray:
        """P(0, 1, ... purchases at the next opportunities | history)."""
        n, out = len(self.bought), np.zeros(ahead + 1)
        for k in range(self.last, n + 1):
            out[0] += self.path(self.bought[:k]) * self.stays(k, True)
        for met in range(1, ahead + 1):
            for more in itertools.product((0, 1), repeat=met):
                here = self.path((*self.bought, *more))
                out[sum(more)] += here * self.stays(n + met, met < ahead)
        return out / self.likelihood()


def test_every_verb_by_its_own_integrals():
    cases = [(3, [0, 1, 0, 1, 0]), (5, [1, 1]), (11, [])]
    log = pd.DataFrame(
        [(k, first + at) for k, (first, bought) in enumerate(cases) for at in [0, *np.flatnonzero(bought) + 1]],
        columns=["customer_id", "month"],
    )
    log["date"] = [pd.Timestamp("2018-01-20") + pd.DateOffset(months=month) for month in log["month"]]
    summary = cs.data.summarise_opportunities(log, unit="M", until="2020-12-31", calendar=CALENDAR)
    summary["T"] = [float(len(bought)) for _, bought in cases]
    value, alive, pmf, mean = (
        MODEL.log_likelihood(summary), MODEL.p_alive(summary), MODEL.conditional_pmf([0, 1, 2, 3, 4], summary, 3.0),
        MODEL.expected_purchases(summary, 2.0, after=1.0),
    )  # fmt: skip
    dert = MODEL.residual_transactions(summary, 0.2, horizon=3.0)
    later = MODEL.p_alive(summary, at=2.0)
    for k, (first, bought) in enumerate(cases):
        blind = Blind(moved(60)[first + 1 :], bought)
        law, n = blind.counts(3), len(bought)
        assert value[k] == pytest.approx(math.log(blind.likelihood()), abs=1e-8)
        there = blind.path(blind.bought) / blind.likelihood()
        assert alive[k] == pytest.approx(there * blind.stays(n + 1, False), rel=1e-8)
        assert later[k] == pytest.approx(there * blind.stays(n + 3, False), rel=1e-8)
        assert pmf.loc[k].to_numpy() == pytest.approx([*law, 0.0], rel=1e-8, abs=1e-12)
        by_horizon = [float(blind.counts(h) @ np.arange(h + 1)) for h in (1, 2, 3)]
        assert mean[k] == pytest.approx(by_horizon[2] - by_horizon[0], rel=1e-8)
        paid = 1.2 ** (-np.arange(1, 4) / 12) @ np.diff([0.0, *by_horizon])
        assert dert[k] == pytest.approx(paid, rel=1e-8)
    new = Blind(moved(60)[12:], [])
    by_age = MODEL.expected_purchases_new([0.0, 2.0, 3.0], first="2018-12-31")
    assert by_age == pytest.approx([float(new.counts(h) @ np.arange(h + 1)) for h in (0, 2, 3)], rel=1e-8)
    assert MODEL.purchase_pmf([3, 0, 5], 3.0, first="2018-12-31") == pytest.approx(
        [*new.counts(3)[[3, 0]], 0.0], rel=1e-8
    )


def test_horizons_of_each_customer_and_waits():
    """Against the distribution of the number of purchases, which has its own integrals above."""
    log = firm(5, 12)
    summary = cs.data.summarise_opportunities(log, unit="M", until="2020-12-31", calendar=CALENDAR)
    model, spans = MODEL.with_future({"price": 0.0}), np.arange(12.0) % 4
    whole = [model.expected_purchases(summary, float(h)).to_numpy() for h in range(6)]
    rows = np.arange(12)
    found = model.expected_purchases(summary, spans, after=2.0).to_numpy()
    assert found == pytest.approx(np.array(whole)[(spans + 2).astype(int), rows] - whole[2], rel=1e-10, abs=1e-14)
    later = model.conditional_pmf(range(5), summary, spans, after=2.0)
    assert later.to_numpy() @ np.arange(5) == pytest.approx(found, rel=1e-10, abs=1e-14)
    assert later.sum(axis=1).to_numpy() == pytest.approx(1.0, rel=1e-12)
    # With next to no effects that is plain BG/BB in closed form.
    near = BGBBCalendar(
        base=BASE, calendar=CALENDAR, effects=dict.fromkeys(TRUE, 1e-13), means=MEANS, seen_until="2020-12-31",
        future={"price": 0.0},
    ).conditional_pmf(range(5), summary, spans, after=2.0)  # fmt: skip
    np.testing.assert_allclose(near, BASE.conditional_pmf(range(5), summary, spans, after=2.0), rtol=1e-8)
    none = np.array([model.conditional_pmf([0], summary, float(h))[0] for h in range(40)])
    waits, alive = model.time_to_next_purchase(summary, quantile=0.4), model.p_alive(summary).to_numpy()
    if_alive = model.time_to_next_purchase(summary, quantile=0.4, if_alive=True).to_numpy()
    assert np.isfinite(if_alive).all()
    assert 0 < np.isfinite(waits).sum() < 12
    for bought, wait in ((1.0 - none, waits.to_numpy()), ((1.0 - none) / alive, if_alive)):
        first = np.where((bought >= 0.4).any(axis=0), np.argmax(bought >= 0.4, axis=0), np.inf)
        assert (wait == first).all()


def test_draws_have_the_moments_of_their_forecasts():
    """Of one history, 5,000 draws: who is there, how it goes on and what it buys next."""
    log = pd.DataFrame({"customer_id": 1, "date": pd.to_datetime(["2018-03-02", "2018-09-02", "2019-03-02"])})
    one = cs.data.summarise_opportunities(log, unit="M", until="2019-10-31", calendar=CALENDAR)
    many = pd.concat([one] * 5_000, ignore_index=True)
    many.attrs = one.attrs
    drawn = MODEL.draw_posterior(many, seed=4)
    here, stays, error = drawn["alive"], 1.0 - drawn["dropout"], 4.5 * math.sqrt(0.25 / 5_000)
    for months in range(3):
        later = (here * stays**months).mean()
        assert later == pytest.approx(MODEL.p_alive(one, at=float(months)).item(), abs=error)
        u = moved(40)[22 + months]
        bought = (here * stays**months * expit(logit(drawn["purchase_probability"]) + u)).mean()
        assert bought == pytest.approx(MODEL.expected_purchases(one, 1.0, after=float(months)).item(), abs=error)
    # The same of a customer whatever the others.
    assert MODEL.draw_posterior(many.iloc[[7]], seed=4).equals(drawn.iloc[[7]])


def test_simulated_customers_are_those_of_the_model():
    made = MODEL.draw_summary(np.full(4000, 24.0), first="2018-01-31", seed=2)
    expected = MODEL.expected_purchases_new(24.0, first="2018-01-31")
    assert made["frequency"].mean() == pytest.approx(expected, abs=4.5 * made["frequency"].std() / math.sqrt(4000))
    fit = BGBBCalendar.fit(made, calendar=CALENDAR)
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 4 * fit.standard_errors[name]


def test_slopes_and_no_effects():
    summary = cs.data.summarise_opportunities(firm(1, 80), unit="M", until="2020-12-31", calendar=CALENDAR)
    likelihood, plain = BGBBCalendar.likelihood(summary, calendar=CALENDAR), cs.models.BGBB.likelihood(summary)
    for at in (
        [0.9, 1.4, 0.6, 5.0, 0.3, -0.2, 0.4],
        [0.03, 0.05, 0.2, 2.0, 0.3, -0.2, 0.4],
        [80.0, 120, 2, 9, 0.1, 0, 0],
    ):
        slopes = likelihood.objective(np.array(at))[1]
        for k in range(7):
            step = 1e-5 * max(1.0, at[k]) * np.eye(7)[k]
            up, down = (likelihood.objective(np.array(at) + sign * step)[0] for sign in (1, -1))
            assert slopes[k] == pytest.approx((up - down) / (2 * step[k]), rel=2e-6, abs=2e-5)
    # Nodes far apart and near 0 effects come to the plain family's, which no effects are to the last bit.
    base = np.array([0.9, 1.4, 0.6, 5.0])
    near = likelihood.objective(np.array([*base, 1e-13, 0.0, 0.0]))
    none = likelihood.objective(np.array([*base, 0.0, 0.0, 0.0]))
    found = plain.objective(base)
    assert none[0] == found[0]
    assert (none[1][:4] == found[1]).all()
    assert near[0] == pytest.approx(found[0], rel=1e-11)
    assert near[1][:4] == pytest.approx(found[1], rel=1e-8)
    still = BGBBCalendar(base=BASE, calendar=CALENDAR, effects=dict.fromkeys(TRUE, 0.0), means=MEANS,
                         seen_until="2020-12-31")  # fmt: skip
    for verb, more in (("p_alive", ()), ("expected_purchases", (6.0,)), ("log_likelihood", ())):
        assert (getattr(still, verb)(summary, *more) == getattr(BASE, verb)(summary, *more)).all()


def test_what_was_put_in_comes_out():
    log = firm(2, 300)
    fit = fitted(log)
    assert fit.status.ok
    assert fit.likelihood_ratio.p_value < 1e-12
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 4 * fit.standard_errors[name]
    summary = cs.data.summarise_opportunities(log, unit="M", until="2020-12-31", calendar=CALENDAR)
    assert fit.model.log_likelihood(summary).sum() == pytest.approx(fit.loglik, rel=1e-10)
    again = BGBBCalendar.from_dict(fit.model.to_dict())
    assert (again.p_alive(summary) == fit.model.p_alive(summary)).all()
    with pytest.raises(DataError, match="'price' is known until"):
        fit.expected_purchases(summary, 48.0)
    assert (fit.expected_purchases(summary, 48.0, future={"price": 0.0}) > 0).all()
    with pytest.raises(DataError, match="first_period_end"):
        fit.p_alive(summary.drop(columns="first_period_end"))
    with pytest.raises(ConfigError, match="more than the 20,000"):
        fit.expected_purchases(summary, 30_000.0, future={"price": 0.0})
    for verb in (
        lambda: fit.model.draw_summary([1e7], first="2020-01-31", seed=1, future={"price": 0.0}),
        lambda: fit.model.expected_purchases_new(1e7, first="2020-01-31", future={"price": 0.0}),
        lambda: fit.model.purchase_pmf(1, 1e7, first="2020-01-31", future={"price": 0.0}),
    ):
        with pytest.raises(ConfigError, match="10,000,000 periods are more than the 20,000"):
            verb()


@pytest.mark.slow
def test_intervals_hold_the_effects_in_many_firms():
    held = dict.fromkeys(TRUE, 0)
    for seed in range(200):
        table = fitted(firm(100 + seed, 250)).summary()
        for name, true in TRUE.items():
            held[name] += table.loc[name, "lower"] <= true <= table.loc[name, "upper"]
    assert all(0.91 <= number / 200 <= 0.985 for number in held.values()), held
    assert 0.92 <= sum(held.values()) / 600 <= 0.98, held
