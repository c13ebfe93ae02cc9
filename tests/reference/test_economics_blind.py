"""Truth: the closed forms of `economics`, each a second time from its definition, by sums, quadrature or simulation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.stats import beta as beta_distribution

from churnsim.economics.acquisition_retention import EquityTest
from churnsim.economics.berger_nasr import changing_profit, continuous_profit, growing_then_levelling, migration
from churnsim.economics.berger_nasr import repeated_sales as berger_nasr_sales
from churnsim.economics.complaint_return import Desk, best_staff, erlang_c
from churnsim.economics.customer_equity import asset_equation_bias, customer_equity
from churnsim.economics.diffusion import Diffusion
from churnsim.economics.gupta_lehmann import CustomerValue
from churnsim.economics.multiples import MarginTiming
from churnsim.economics.response import SaturatingResponse
from churnsim.economics.second_lifetime import WinBackOffer, odds_to_match
from churnsim.economics.survival_curves import BetaGeometric, Geometric
from churnsim.economics.switching import (
    FlowShare,
    chain_values,
    lifetime_values,
    recency_chain,
    shares_over_time,
    stationary_shares,
)
from churnsim.economics.tenure_profit import TenureProfit
from churnsim.economics.whale import cost_for_worst, whale
from churnsim.models import ShiftedBetaGeometric

# Two routes of a few dozen double-precision operations agree to this relative error.
SAME = 1e-11


def test_berger_nasr_by_customers_left_one_after_the_other():
    left, worth = Fraction(1), 260.0
    for year in range(1, 11):
        worth -= 50 * float(left) / 1.2 ** (year - 0.5)
        left *= Fraction(3, 4)
        worth += 260 * float(left) / 1.2**year
    found = berger_nasr_sales(contribution=260, promotion=50, retention=0.75, discount_rate=0.2, sales=10)
    assert found == pytest.approx(worth, rel=SAME)
    assert found == pytest.approx(568.78, abs=0.005)  # as printed


def test_berger_nasr_changing_profit_and_its_continuous_limit():
    profit = growing_then_levelling(v=100.0, h=2.0, g=4, N=30.0)
    assert [profit(t) for t in (0, 4)] == [100.0, 132.0]
    assert profit(30.0) == pytest.approx(162.0, rel=1e-9)
    by_hand = sum(profit(t) * 0.8**t / 1.1**t for t in range(9))
    assert changing_profit(profit, retention=0.8, discount_rate=0.1, years=8) == pytest.approx(by_hand, rel=SAME)
    # A flat profit has the integral (w^n - 1)/ln w.
    w = 0.8 / 1.1
    flat = continuous_profit(lambda t: 1.0, retention=0.8, discount_rate=0.1, years=8)
    assert flat == pytest.approx((w**8 - 1) / math.log(w), rel=1e-9)
    times = (np.arange(80_000) + 0.5) * 1e-4
    middle = sum(profit(t) * w**t for t in times) * 1e-4
    smooth = continuous_profit(profit, retention=0.8, discount_rate=0.1, years=8, breaks=(4.0,))
    assert smooth == pytest.approx(middle, rel=1e-7)  # the midpoint rule's own error at this step


def test_migration_is_pfeifer_and_carraways_chain():
    buys, d = (0.3, 0.2, 0.15, 0.05), 0.2
    P = recency_chain(buys)
    # Contributions fall at a period's end, promotions in its middle; rewards of the chain fall at its start.
    v = 1 / 1.2
    rewards = [sum((P[i, 0] * 40 * v, -4 * v**0.5)) if i < 4 else 0.0 for i in range(5)]
    chain = chain_values(P, rewards, discount_rate=d, periods=29)
    assert migration(buys=buys, contribution=40, promotion=4, discount_rate=d, periods=30) == pytest.approx(
        chain[0], rel=SAME
    )
    again = chain_values(P, (36, -4, -4, -4, 0), discount_rate=d)
    long = chain_values(P, (36, -4, -4, -4, 0), discount_rate=d, periods=300)
    assert again == pytest.approx(long, rel=1e-9)


def test_gupta_lehmann_by_years_and_by_differences():
    base = {"margin": 100.0, "retention": 0.8, "discount_rate": 0.12, "margin_growth": 0.04, "acquisition_cost": 60.0}
    found = CustomerValue(**base)
    years = sum(100.0 * 1.04 ** (t - 1) * 0.8**t / 1.12**t for t in range(1, 400))
    assert found.value == pytest.approx(years, rel=1e-10)
    names = {"margin": "margin", "retention": "retention", "discount_rate": "discount rate"}
    names["acquisition_cost"] = "acquisition cost"
    for field, driver in names.items():
        up, down = (CustomerValue(**{**base, field: base[field] * f}).net for f in (1 + 1e-6, 1 - 1e-6))
        slope = (up - down) / (2e-6 * found.net)
        assert found.elasticities()[driver] == pytest.approx(slope, rel=1e-5), driver


def test_equity_test_by_a_fine_grid():
    test = EquityTest(
        margin=20.0,
        acquisition=SaturatingResponse(ceiling=0.4, k=0.1),
        retention=SaturatingResponse(ceiling=0.9, k=0.5),
        discount_rate=0.1,
    )
    best = test.best()
    grid_R, grid_A = np.linspace(0.01, 19.99, 400), np.linspace(0.0, 30.0, 601)

    def equity(A, R):
        a, r = 0.4 * (1 - math.exp(-0.1 * A)), 0.9 * (1 - math.exp(-0.5 * R))
        stay, worth = 1.0, 20.0
        for t in range(1, 400):
            stay *= r
            worth += stay * (20.0 - R / r) / 1.1**t
        return a * worth - A

    found = max(equity(A, best.retention_spend) for A in grid_A)
    assert best.equity == pytest.approx(found, rel=1e-4)  # the grid's step
    assert best.equity >= max(equity(best.acquisition_spend, R) for R in grid_R) - 1e-9
    # The marginal money earns the same on both sides, though the averages stand 5 to 1.
    slope_A = equity(best.acquisition_spend + 1e-4, best.retention_spend) - best.equity
    slope_R = equity(best.acquisition_spend, best.retention_spend + 1e-4) - best.equity
    assert abs(slope_A) < 1e-6
    assert abs(slope_R) < 1e-6


@pytest.mark.parametrize("renewals", [0, 3])
def test_contract_value_by_quadrature_over_customers(renewals):
    mix, d = ShiftedBetaGeometric(alpha=3.8, beta=15.2, unit="Y"), 0.1
    churn = beta_distribution(3.8, 15.2 + renewals)

    def mean(f):
        return quad(lambda theta: f(1 - theta) * churn.pdf(theta), 0, 1, epsabs=1e-12)[0]

    value = mean(lambda r: r * (1 + d) / (1 + d - r))
    assert mix.derl(d, renewals) == pytest.approx(value, rel=1e-8)
    elastic = mean(lambda r: (1 + d) / (1 + d - r))
    assert mix.elasticity(d, renewals) == pytest.approx(elastic, rel=1e-8)


def test_erlang_and_the_time_to_a_reply_by_a_simulated_queue():
    rng = np.random.default_rng(5)
    staff, arrivals, mu, n = 3, 2.2, 1.0, 200_000
    came = np.cumsum(rng.exponential(1 / arrivals, n))
    work = rng.exponential(1 / mu, n)
    free, replied, waited = [0.0] * staff, np.empty(n), np.empty(n)
    for i in range(n):
        k = free.index(min(free))
        start = max(came[i], free[k])
        free[k] = start + work[i]
        waited[i], replied[i] = start - came[i], free[k] - came[i]
    desk = Desk(staff=staff, arrivals=arrivals, service_rate=mu)
    # Waits are correlated in time: batch means give the standard errors.
    for found, series in (
        (erlang_c(staff, arrivals / mu), (waited > 0).astype(float)),
        (desk.mean_wait(), waited),
        (desk.replied_within(1.0), (replied <= 1.0).astype(float)),
        (desk.replied_within(4.0), (replied <= 4.0).astype(float)),
    ):
        batches = series[10_000:].reshape(-1, 5_000).mean(axis=1)
        assert abs(batches.mean() - found) < 4 * batches.std(ddof=1) / math.sqrt(batches.size)


def test_best_staff_by_trying_every_number():
    arguments = {"arrivals": 6.0, "service_rate": 1.5, "quick_within": 1.0, "value_quick": 30.0, "value_slow": 12.0}

    def profit(c, wage):
        desk = Desk(staff=c, arrivals=6.0, service_rate=1.5)
        return 6.0 * (12.0 + 18.0 * desk.replied_within(1.0)) - c * wage if desk.stable else -1e9

    for wage in (0.5, 2.0, 8.0, 15.0, 60.0):
        best = max(range(1, 60), key=lambda c, w=wage: profit(c, w))
        assert best_staff(**arguments, wage=wage) == (best if profit(best, wage) > 0 else 0)


def test_switching_by_powers_and_by_people():
    M = np.array([[0.7, 0.2, 0.1], [0.3, 0.5, 0.2], [0.2, 0.2, 0.6]])
    assert stationary_shares(M) == pytest.approx(np.linalg.matrix_power(M, 200)[0], rel=1e-9)
    assert shares_over_time(M, np.array([1.0, 0, 0]), periods=50)[-1] == pytest.approx(stationary_shares(M), rel=1e-6)
    w = 1.1**-0.25
    long = sum((w**t * np.linalg.matrix_power(M, t) for t in range(3000)), np.zeros((3, 3))) * [5.0, 4.0, 3.0]
    found = lifetime_values(M, np.array([5.0, 4.0, 3.0]), annual_discount_rate=0.1, purchases_per_year=4)
    assert found == pytest.approx(long, rel=1e-9)
    # The flows of 'Keeping existing customers' (undated) with nobody new and nobody gone are a switching matrix of two.
    flows = FlowShare(evaporate=0, switch_out=0.2, rivals_evaporate=0, switch_in=0.1, new=0, new_share=0)
    two = shares_over_time(np.array([[0.8, 0.2], [0.1, 0.9]]), np.array([0.4, 0.6]), periods=12)[:, 0]
    assert flows.share(40, 60, periods=12) == pytest.approx(two, rel=1e-12)


@pytest.mark.parametrize(
    ("p", "q", "attrition"),
    [(0.03, 0.38, 0.0), (0.03, 0.38, 0.1), (0.02, 0.1, 0.3), (0.05, 0, 0.1), (0, 0.25, 0.25)],
)
def test_diffusion_by_integrating_its_equation(p, q, attrition):
    curve = Diffusion(p=p, q=q, market=1000.0, attrition=attrition)
    solved = solve_ivp(
        lambda t, N: (p + q * N / 1000) * (1000 - N) - attrition * N, (0, 30), [5.0], rtol=1e-11, atol=1e-9,
        t_eval=(1.0, 8.0, 30.0),
    )  # fmt: skip
    assert [curve.customers(t, start=5.0) for t in (1.0, 8.0, 30.0)] == pytest.approx(solved.y[0], rel=1e-7)
    assert curve.customers(1e9, start=5.0) == pytest.approx(curve.ceiling, rel=1e-6, abs=1e-4)  # as 1/t, where 0
    grid = np.linspace(0, 20, 40_001)
    values = [curve.customers(t) * math.exp(-0.1 * t) for t in grid]
    assert curve.discounted_customers(force=0.1, horizon=20) == pytest.approx(np.trapezoid(values, grid), rel=1e-6)


@pytest.mark.parametrize("start", [0.0, 50.0, 2000.0])
@pytest.mark.parametrize(("q", "attrition"), [(0.0, 0.1), (0.38, 0.1)])
def test_what_a_lost_customer_was_worth_by_the_equation_of_its_effect(q, attrition, start):
    """The slope of N(t) in N(0) follows the equation linearised about N; with q = 0 it is e^-(p + attrition)t."""
    p, force, horizon = 0.03, 0.08, 12.0
    curve = Diffusion(p=p, q=q, market=1000.0, attrition=attrition)
    solved = solve_ivp(
        lambda t, y: [(p + q * y[0] / 1000) * (1000 - y[0]) - attrition * y[0],
                      (q - p - attrition - 2 * q * y[0] / 1000) * y[1], math.exp(-force * t) * y[1]],
        (0, horizon), [start, 1.0, 0.0], rtol=1e-10, atol=1e-9,
    )  # fmt: skip
    found = curve.value_of_lost(start=start, force=force, horizon=horizon)
    assert found == pytest.approx(solved.y[2, -1], rel=2e-3 if start > 1000 else 1e-5)  # at its limits by one side


def test_bass_peak_is_where_adoption_is_fastest():
    curve = Diffusion(p=0.03, q=0.38, market=1.0)
    times = np.linspace(0, 20, 20_001)
    rate = np.gradient([curve.customers(t) for t in times], times)
    assert times[int(np.argmax(rate))] == pytest.approx(curve.peak_time, abs=0.01)


def test_whale_and_the_cost_behind_it():
    margins = np.random.default_rng(2).gamma(0.5, 20.0, 500)
    cost = cost_for_worst(margins, share=0.2, cut=0.5)
    profits = sorted(margins - cost)
    worst, rest = sum(profits[:100]), sum(profits[100:])
    assert -worst / rest == pytest.approx(0.5, rel=1e-9)
    curve = whale(margins - cost)
    assert curve.cut_by_worst(0.2) == pytest.approx(0.5, rel=1e-9)
    assert curve.peak == pytest.approx(sum(x for x in profits if x > 0) / sum(profits), rel=1e-9)


def test_win_back_by_a_tree():
    offer = WinBackOffer(chance=0.4, cost=2.0, gift=5.0)
    tree = 0.7 * (0.4 * (60 - 5) + 0.6 * 0.0) + 0.3 * -5 - 2
    assert offer.gain(60.0, lost=0.7) == pytest.approx(tree, rel=SAME)
    assert offer.gain(offer.least_value(lost=0.7), lost=0.7) == pytest.approx(0.0, abs=1e-12)
    found = WinBackOffer(chance=offer.least_chance(60.0, lost=0.7), cost=2.0, gift=5.0)
    assert found.gain(60.0, lost=0.7) == pytest.approx(0.0, abs=1e-12)
    # The text's 5% and 40%: where a second life is worth an eighth of a first one the two come to the same.
    assert odds_to_match(chance_new=0.05, value_new=80.0, value_second=10.0) == pytest.approx(0.40)


def test_profit_by_tenure_sums_its_sources():
    rising = TenureProfit(
        base=40, purchase_growth=0.05, price_premium=0.02, cost_saving=8, saving_years=2, referrals=0.2,
        referral_value=30,
    )  # fmt: skip
    assert rising.in_year(1) == 40.0
    third = 40 * 1.05**2 * 1.02 + 8 * (1 - math.exp(-1)) + 6
    assert rising.in_year(3) == pytest.approx(third, rel=SAME)
    assert rising.profile(4).profits == tuple(rising.in_year(t) for t in (1, 2, 3, 4))


def test_asset_equation_by_counting_margins():
    def left(renewals):
        share = 1.0
        for i in range(renewals):
            share *= (15.2 + i) / (19.0 + i)
        return share

    mix, d = BetaGeometric.from_parameters(alpha=3.8, beta=15.2), 0.1
    true = sum(left(t) / 1.1 ** (t - 1) for t in range(1, 400))
    texts = left(1) * sum(left(t) / 1.1**t for t in range(400))
    bias = asset_equation_bias(
        mix, discount_rate=d, read_as=MarginTiming.IMMEDIATE, truth=MarginTiming.BEFORE_RENEWAL
    )  # fmt: skip
    assert bias == pytest.approx(texts / true - 1, rel=1e-6)
    alike = asset_equation_bias(
        Geometric(retention=0.8), discount_rate=d, read_as=MarginTiming.IMMEDIATE, truth=MarginTiming.BEFORE_RENEWAL
    )
    assert alike == pytest.approx(0.0, abs=1e-12)
    equity = customer_equity(
        customers=100, value_existing=30, new_customers=(10, 20), value_new=50, acquisition_cost=20, discount_rate=0.25
    )
    assert equity == pytest.approx(3000 + 30 * (10 * 0.8 + 20 * 0.64))
