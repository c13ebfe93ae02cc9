"""Models on a rescaled clock, written a second time: integrals over each customer's traits, day by day, by quadrature.

Nothing here knows of a clock's table or of the plain families' formulas: a customer with the rate lambda and the chance
to leave p buys at lambda m(t), m(t) = e^(gamma . (z - mean)) of the day, and leaves after a repeat purchase (MBG/NBD:
after the first one too) with p.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import gammainc, roots_jacobi

import churnsim as cs

FIRST = date(2022, 3, 10)
GAMMA = {"cos 1": 0.5, "sin 1": -0.3, "price": -1.4}
MEAN = {"cos 1": 0.02, "sin 1": 0.1, "price": 1.05}
R, ALPHA, A, B = 0.8, 6.0, 0.7, 2.3  # in weeks
PRICE = pd.DataFrame(
    {"price": 1 + 0.2 * np.sin(np.arange(40.0))}, index=pd.date_range("2022-01-03", periods=40, freq="3W")
)
CALENDAR = cs.data.Calendar(season=1, series=PRICE)
BASES = {
    "nbd": cs.NBD(r=R, alpha=ALPHA),
    "bg_nbd": cs.BGNBD(r=R, alpha=ALPHA, a=A, b=B),
    "mbg_nbd": cs.models.MBGNBD(r=R, alpha=ALPHA, a=A, b=B),
}
# Days of repeat purchases after the first, and the last day observed.
HISTORIES = [([30, 95, 180], 400), ([12], 30), ([], 250), ([1, 2, 3, 5, 8, 300], 301)]


def speed(day: date) -> float:
    angle = 2 * math.pi * (day - date(1970, 1, 1)).days / 365.25
    price = [value for at, value in PRICE["price"].items() if at.date() <= day][-1]
    z = {"cos 1": math.cos(angle), "sin 1": math.sin(angle), "price": price}
    return math.exp(sum(GAMMA[name] * (z[name] - MEAN[name]) for name in z))


SPEEDS = [0.0] + [speed(FIRST + timedelta(days=k)) for k in range(1, 700)]


def run(days: float) -> float:
    """Weeks on the clock after so many days."""
    whole = int(days)
    return (sum(SPEEDS[1 : whole + 1]) + (days - whole) * SPEEDS[min(whole + 1, 699)]) / 7


def traits(family: str):
    """Nodes and weights of lambda ~ Gamma(R, ALPHA), by the trapezoidal rule in its logarithm, and of p ~ Beta(A, B),
    by a Gauss rule, as a grid; p is 0 where nobody leaves."""
    logs = np.arange(-40.0, 3.0, 0.1)
    rate = np.exp(logs)
    of_rate = 0.1 * np.exp(R * logs - ALPHA * rate) * ALPHA**R / math.gamma(R)
    chance, of_chance = (np.zeros(1), np.ones(1)) if family == "nbd" else roots_jacobi(60, B - 1, A - 1)
    chance = chance if family == "nbd" else (1 + chance) / 2
    lam, p = np.meshgrid(rate, chance, indexing="ij")
    return lam, p, np.outer(of_rate, of_chance / of_chance.sum())


def of_history(family: str, days: list[int], end: int):
    """Density of the history at each pair of traits, of the living and of all."""
    lam, p, weight = traits(family)
    density = np.ones_like(lam)
    for day in days:
        density = density * lam * SPEEDS[day]
    stays = (1 - p) ** (len(days) + (family == "mbg_nbd"))
    alive = weight * density * np.exp(-lam * run(end)) * stays
    gone = np.zeros_like(alive)
    if days or family == "mbg_nbd":
        gone = weight * density * np.exp(-lam * run(days[-1] if days else 0)) * stays / (1 - p) * p
    return lam, p, alive, alive + gone


def summary() -> pd.DataFrame:
    rows = [
        {"customer_id": k, "date": FIRST + timedelta(days=day)}
        for k, (days, _) in enumerate(HISTORIES)
        for day in [0, *days]
    ]
    log = pd.DataFrame(rows)
    parts = []
    for k, (_, end) in enumerate(HISTORIES):
        own = log[log["customer_id"] == k]
        parts.append(cs.summarise(own, until=FIRST + timedelta(days=end), calendar=CALENDAR))
    whole = pd.concat(parts)
    whole.attrs["unit"] = "W"
    return whole


def model(family: str) -> cs.models.CalendarModel:
    return cs.models.CalendarModel(
        base=BASES[family], calendar=CALENDAR, effects=GAMMA, means=MEAN, seen_until="2023-06-01"
    )


@pytest.mark.parametrize("family", BASES)
def test_the_likelihood_and_p_alive(family):
    found, data = model(family), summary()
    for k, (days, end) in enumerate(HISTORIES):
        _, _, alive, every = of_history(family, days, end)
        assert found.log_likelihood(data).iloc[k] == pytest.approx(math.log(every.sum()), abs=1e-8)
        assert found.p_alive(data).iloc[k] == pytest.approx(alive.sum() / every.sum(), abs=1e-8)


@pytest.mark.parametrize("family", BASES)
def test_what_comes_in_any_interval(family):
    """P(alive) later, E and P(n) of purchases in (T + 5, T + 14] weeks, given the traits and then over them."""
    found, data = model(family), summary()
    start, span = 5.0, 9.0
    for k, (days, end) in enumerate(HISTORIES):
        lam, p, alive, every = of_history(family, days, end)
        before = run(end + 7 * start) - run(end)
        inside = run(end + 7 * (start + span)) - run(end) - before
        there = alive / every.sum() * np.exp(-lam * p * before)
        rate = lam * p * inside
        mean = lam * inside * np.where(rate > 0, -np.expm1(-rate) / np.where(rate > 0, rate, 1), 1.0)
        assert found.p_alive(data, at=start).iloc[k] == pytest.approx(there.sum(), abs=1e-8)
        expected = found.expected_purchases(data, span, after=start).iloc[k]
        assert expected == pytest.approx((there * mean).sum(), rel=1e-8)
        chances = found.conditional_pmf([0, 1, 2, 3], data, span, after=start).iloc[k]
        poisson = [np.exp(-lam * inside) * (lam * inside) ** n / math.factorial(n) for n in range(4)]
        for n in range(4):
            law = (1 - p) ** n * poisson[n]
            if n:
                law = law + p * (1 - p) ** (n - 1) * (1 - sum(poisson[:n]))
            direct = (there * law).sum() + (1 - there.sum() if n == 0 else 0)
            assert chances[n] == pytest.approx(direct, abs=1e-8)


@pytest.mark.parametrize("family", BASES)
def test_discounted_purchases(family):
    """Day by day: lambda m e^(-lambda p B) e^(-force t), whose integral over a day of one speed is elementary."""
    found, data = model(family), summary()
    horizon, annual = 26.5, 0.4
    force = math.log1p(annual) / (365.25 / 7)
    for k, (days, end) in enumerate(HISTORIES):
        lam, p, alive, every = of_history(family, days, end)
        total = np.zeros_like(lam)
        for day in range(math.ceil(horizon * 7)):
            length = min(1.0, horizon * 7 - day) / 7
            m = SPEEDS[end + day + 1]
            decay = force + lam * p * m
            at_start = np.exp(-force * day / 7 - lam * p * (run(end + day) - run(end)))
            total += lam * m * at_start * -np.expm1(-decay * length) / decay
        direct = (alive / every.sum() * total).sum()
        value = found.residual_transactions(data, annual, horizon=horizon).iloc[k]
        assert value == pytest.approx(direct, rel=1e-8)


@pytest.mark.parametrize("k", [1, 3])
def test_regular_buyers(k):
    """MBG/CNBD-k given the traits: gaps of k stages on the clock, the stages behind a customer by their own chances."""
    base = cs.models.MBGCNBD(r=R, alpha=ALPHA, a=A, b=B, k=k)
    found = cs.models.CalendarModel(base=base, calendar=CALENDAR, effects=GAMMA, means=MEAN, seen_until="2023-06-01")
    parts = []
    for number, (days, end) in enumerate(HISTORIES):
        log = pd.DataFrame({"customer_id": number, "date": [FIRST + timedelta(days=day) for day in [0, *days]]})
        log["date"] = pd.to_datetime(log["date"])
        until = FIRST + timedelta(days=end)
        parts.append(cs.data.summarise_with_intervals(log, until=until, calendar=CALENDAR))
    data = pd.concat(parts)
    data.attrs["unit"] = "W"
    lam, p, weight = traits("mbg_cnbd")
    for number, (days, end) in enumerate(HISTORIES):
        density = weight.copy()
        for begin, until in pairwise([0, *days]):
            gap = run(until) - run(begin)
            density = density * lam**k * gap ** (k - 1) / math.factorial(k - 1) * np.exp(-lam * gap) * SPEEDS[until]
        silence = lam * (run(end) - run(days[-1] if days else 0))
        passed = [np.exp(-silence) * silence**j / math.factorial(j) for j in range(k)]
        alive = density * (1 - p) ** (len(days) + 1)
        gone = density * (1 - p) ** len(days) * p
        every = (alive * sum(passed) + gone).sum()
        assert found.log_likelihood(data).iloc[number] == pytest.approx(math.log(every), abs=1e-8)
        assert found.p_alive(data).iloc[number] == pytest.approx((alive * sum(passed)).sum() / every, abs=1e-8)
        # Of n purchases the n-th comes when n k stages, less those passed, are over.
        ahead = lam * (run(end + 63) - run(end))
        mean = sum(
            passed[j] * sum((1 - p) ** (n - 1) * gammainc(n * k - j, ahead) for n in range(1, 90)) for j in range(k)
        )
        expected = found.expected_purchases(data, 9.0).iloc[number]
        assert expected == pytest.approx((alive * mean).sum() / every, rel=1e-7)
        # What comes in (T + 5, T + 14] weeks: a chain of k stages and being gone, moved on by its matrix exponential.
        before = run(end + 35) - run(end)
        state = np.stack([alive * chance for chance in passed] + [gone], axis=-1)
        state = np.einsum("...i,...ij->...j", state, moved(lam * before, p, k)) / every
        inside = lam * (run(end + 98) - run(end) - before)
        chances = found.conditional_pmf([0, 1, 2, 5], data, 9.0, after=5.0).iloc[number]
        for n in (0, 1, 2, 5):
            by = [gammainc(n * k - j, inside) if n else 1.0 for j in range(k)]  # n or more, if nobody left
            more = [gammainc((n + 1) * k - j, inside) for j in range(k)]
            last = p * (1 - p) ** (n - 1) if n else 0.0
            direct = sum(
                (state[..., j] * ((1 - p) ** n * (by[j] - more[j]) + last * by[j])).sum() for j in range(k)
            ) + (state[..., k].sum() if n == 0 else 0.0)
            assert chances[n] == pytest.approx(direct, abs=1e-8)


def moved(load, p, k: int):
    """Of customers who pass a load of stages on average: chances to come from each of k stages (then being gone) to
    each, by squaring the Taylor series of a 2^16th part."""
    rates = np.zeros((*np.broadcast_shapes(load.shape, p.shape), k + 1, k + 1))
    for j in range(k):
        rates[..., j, j] = -1.0
        rates[..., j, (j + 1) % k] += 1 - p if j == k - 1 else 1.0
    rates[..., k - 1, k] = p
    step = rates * load[..., None, None] / 2.0**16
    found = np.eye(k + 1) + step + step @ step / 2 + step @ step @ step / 6
    for _ in range(16):
        found = found @ found
    return found


def test_a_discounted_sum_for_ever_is_that_of_a_long_horizon():
    season = cs.data.Calendar(season=1)
    found = cs.models.CalendarModel(
        base=BASES["bg_nbd"], calendar=season, effects={"cos 1": 0.5, "sin 1": 0.2}, means={"cos 1": 0.0, "sin 1": 0.0},
        seen_until="2023-06-01",
    )  # fmt: skip
    data = summary().iloc[:2]
    for_ever = found.residual_transactions(data, 0.5)
    long = found.residual_transactions(data, 0.5, horizon=3000.0)
    np.testing.assert_allclose(for_ever, long, rtol=1e-9)


def test_the_next_purchase_comes_when_the_clock_has_run():
    """P(no purchase by w | alive) over the traits is 1 - quantile at the time given."""
    found, data = model("bg_nbd"), summary()
    wait = found.time_to_next_purchase(data, quantile=0.2, if_alive=True)
    for k, (days, end) in enumerate(HISTORIES):
        lam, _, alive, _ = of_history("bg_nbd", days, end)
        gone_by = run(end + 7 * wait.iloc[k]) - run(end)
        assert (alive * np.exp(-lam * gone_by)).sum() / alive.sum() == pytest.approx(0.8, abs=1e-7)


def test_a_new_customer_starts_on_its_own_day():
    found = model("mbg_nbd")
    lam, p, weight = traits("mbg_nbd")
    inside = run(200)
    mean = (weight * (1 - p) * -np.expm1(-lam * p * inside) / p).sum()
    assert found.expected_purchases_new(200 / 7, first=FIRST) == pytest.approx(mean, rel=1e-8)
    none = (weight * (p + (1 - p) * np.exp(-lam * inside))).sum()
    assert found.purchase_pmf([0], 200 / 7, first=FIRST)[0] == pytest.approx(none, abs=1e-8)


def test_p_alive_of_the_plain_families_at_a_later_time():
    """Of Pareto/NBD, BG/BB and MBG/CNBD-k, whose clocks run evenly: over the traits of the living."""
    data = pd.DataFrame({"frequency": [2], "recency": [30.0], "T": [38.0]})
    pareto = cs.ParetoNBD(r=0.55, alpha=10.6, s=0.6, beta=11.7)
    law = lambda mu: mu ** (pareto.s - 1) * math.exp(-mu * (pareto.beta + 38))  # noqa: E731
    stay = quad(lambda mu: law(mu) * math.exp(-13 * mu), 0, 5)[0] / quad(law, 0, 5)[0]
    assert pareto.p_alive(data, at=13.0).iloc[0] == pytest.approx(pareto.p_alive(data).iloc[0] * stay, rel=1e-6)
    donors = cs.models.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    donor = pd.DataFrame({"frequency": [4], "recency": [6.0], "T": [6.0]})
    theta, weight = roots_jacobi(40, donors.delta + 6, donors.gamma - 1)
    theta = (1 + theta) / 2
    stay = (weight * (1 - theta) ** 3).sum() / weight.sum()
    assert donors.p_alive(donor, at=3.9).iloc[0] == pytest.approx(donors.p_alive(donor).iloc[0] * stay, rel=1e-9)
    # MBG/CNBD-1 is MBG/NBD.
    one = cs.models.MBGCNBD(r=R, alpha=ALPHA, a=A, b=B, k=1)
    same = cs.models.MBGNBD(r=R, alpha=ALPHA, a=A, b=B)
    np.testing.assert_allclose(one.p_alive(data, at=9.0), same.p_alive(data, at=9.0), rtol=1e-9)


S, BETA, LEAVE = 0.6, 9.0, -0.9  # of leaving at mu of the leaving clock, whose speed depends on the price
LEAVING = [0.0] + [
    math.exp(LEAVE * (float(PRICE["price"].asof(pd.Timestamp(FIRST + timedelta(days=k)))) - 1.05))
    for k in range(1, 700)
]


def test_two_clocks():
    """Pareto/NBD given both rates, which are independent given when a customer leaves: day by day, by a rule of ten
    nodes, with both laws by the trapezoidal rule in the logarithm of the rate."""
    base = cs.ParetoNBD(r=R, alpha=ALPHA, s=S, beta=BETA)
    found = cs.models.TwoClockModel(
        base=base, calendar=CALENDAR, effects=GAMMA, means=MEAN, seen_until="2023-06-01",
        leaving=cs.data.Calendar(series=PRICE), leaving_effects={"price": LEAVE}, leaving_means={"price": 1.05},
    )  # fmt: skip
    data = summary()
    rate = np.exp(np.arange(-50.0, 4.0, 0.1))
    of_buying = 0.1 * rate**R * np.exp(-ALPHA * rate) * ALPHA**R / math.gamma(R)
    of_leaving = 0.1 * rate**S * np.exp(-BETA * rate) * BETA**S / math.gamma(S)
    nodes, weights = np.polynomial.legendre.leggauss(10)
    after, span, horizon, force = 14, 30, 60, math.log1p(0.4) / (365.25 / 7)  # days; force a week
    alive_now, alive_then = found.p_alive(data), found.p_alive(data, at=after / 7)
    expected = found.expected_purchases(data, span / 7, after=after / 7)
    discounted = found.residual_transactions(data, 0.4, horizon=horizon / 7)
    chances = found.conditional_pmf([0, 2], data, span / 7, after=after / 7)
    wait = found.time_to_next_purchase(data, quantile=0.2, if_alive=True)
    log_likelihood = found.log_likelihood(data)
    run_b, run_d = (np.concatenate([[0.0], np.cumsum(speeds[1:])]) / 7 for speeds in (SPEEDS, LEAVING))

    def inside(first, last):
        """Nodes from one day's end to another's: weights in weeks, speeds, and both clocks."""
        day = np.arange(first, math.ceil(last))
        part = (nodes + 1) / 2 * np.minimum(1.0, last - day)[:, None]
        weight = weights / 14 * np.minimum(1.0, last - day)[:, None]
        m, leaves = np.array(SPEEDS)[day + 1][:, None], np.array(LEAVING)[day + 1][:, None]
        b, d = run_b[day][:, None] + m * part / 7, run_d[day][:, None] + leaves * part / 7
        t = (day[:, None] + part - first) / 7
        return [np.broadcast_to(each, weight.shape).ravel() for each in (weight, m, leaves, b, d, t)]

    for k, (days, end) in enumerate(HISTORIES):
        bought = of_buying * rate ** len(days)
        of_purchases = math.prod(SPEEDS[day] for day in days)
        buys = lambda b: np.exp(-np.multiply.outer(b, rate)) @ bought  # noqa: B023, E731
        stays = lambda d, power=0: np.exp(-np.multiply.outer(d, rate)) @ (of_leaving * rate**power)  # noqa: E731
        weight, _, leaves, b, d, _ = inside(days[-1] if days else 0, end)
        alive = float(buys(run_b[end]) * stays(run_d[end]))
        gone = float((weight * leaves * buys(b) * stays(d, 1)).sum())
        assert log_likelihood.iloc[k] == pytest.approx(math.log(of_purchases * (alive + gone)), abs=1e-8)
        now = alive / (alive + gone)
        assert alive_now.iloc[k] == pytest.approx(now, rel=1e-8)
        left = lambda d, power=0: stays(d, power) / stays(run_d[end])  # noqa: B023, E731
        assert alive_then.iloc[k] == pytest.approx(now * left(run_d[end + after]), rel=1e-8)
        mean = float((bought * rate * np.exp(-rate * run_b[end])).sum() / buys(run_b[end]))
        weight, m, leaves, b, d, t = inside(end + after, end + after + span)
        assert expected.iloc[k] == pytest.approx(now * mean * (weight * m * left(d)).sum(), rel=1e-8)

        def law(n, ran):
            counts = np.exp(-np.multiply.outer(ran, rate)) * np.multiply.outer(ran, rate) ** n / math.factorial(n)
            return counts @ (bought * np.exp(-rate * run_b[end])) / buys(run_b[end])  # noqa: B023

        start, stop = end + after, end + after + span
        for n in (0, 2):
            both = left(run_d[stop]) * law(n, run_b[stop] - run_b[start])
            both += (weight * leaves * left(d, 1) * law(n, b - run_b[start])).sum()
            both += 1 - left(run_d[start]) if n == 0 else 0.0
            assert chances.iloc[k][n] == pytest.approx(now * both + (1 - now if n == 0 else 0.0), abs=1e-8)
        weight, m, _, _, d, t = inside(end, end + horizon)
        assert discounted.iloc[k] == pytest.approx(
            now * mean * (weight * m * left(d) * np.exp(-force * t)).sum(), rel=1e-8
        )
        weight, m, _, b, d, _ = inside(end, end + 7 * wait.iloc[k])
        first = np.exp(-np.multiply.outer(b, rate)) @ (bought * rate) / buys(run_b[end])
        assert (weight * m * first * left(d)).sum() == pytest.approx(0.2, abs=1e-8)
