"""Identities of the further closed forms: limits, inverses and inequalities that hold for every input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnsim.economics.acquisition_retention import EquityTest
from churnsim.economics.break_even import growth_ratio, least_gain, most_spend, years_of_double_growth
from churnsim.economics.complaint_return import ComplaintReturn, Desk, erlang_c
from churnsim.economics.diffusion import Diffusion
from churnsim.economics.gupta_lehmann import CustomerValue
from churnsim.economics.multiples import MarginTiming, margin_multiple
from churnsim.economics.response import SaturatingResponse
from churnsim.economics.second_lifetime import WinBackOffer, second_lifetime_value
from churnsim.economics.switching import stationary_shares
from churnsim.economics.whale import whale
from churnsim.models import ShiftedBetaGeometric

shares, rates = st.floats(0.05, 0.95), st.floats(0.02, 0.3)


@given(shares, rates)
def test_without_growth_gupta_lehmann_is_the_margin_multiple(r, d):
    found = CustomerValue(margin=1.0, retention=r, discount_rate=d)
    assert found.value == pytest.approx(margin_multiple(r, discount_rate=d, timing=MarginTiming.AFTER_RENEWAL))
    # With nothing paid for acquisition one percent of margin is one percent of value, and retention moves more.
    elastic = found.elasticities()
    assert elastic["margin"] == pytest.approx(1.0)
    assert elastic["retention"] > 1.0


@given(st.floats(0.3, 8.0), st.floats(0.3, 20.0), rates)
def test_customers_who_differ_are_worth_more_and_are_more_elastic(alpha, beta, d):
    """Fader & Hardie (2010): one rate for all understates value and elasticity."""
    mix, r = ShiftedBetaGeometric(alpha=alpha, beta=beta, unit="Y"), beta / (alpha + beta)
    common = (1 + d) / (1 + d - r)
    assert mix.derl(d) >= r * common * (1 - 1e-9)
    assert mix.elasticity(d) >= common * (1 - 1e-9)


@given(st.integers(1, 40), st.floats(0.01, 0.99))
def test_erlang_c_is_a_probability_that_falls_with_staff(staff, busy):
    load = busy * staff
    assert 0.0 <= erlang_c(staff + 1, load) <= erlang_c(staff, load) <= 1.0
    desk = Desk(staff=staff, arrivals=load, service_rate=1.0)
    answered = [desk.replied_within(t) for t in (0.1, 1.0, 5.0)]
    assert answered == sorted(answered)
    if staff == 1:
        assert desk.mean_wait() == pytest.approx(busy / (1 - busy))  # M/M/1


@given(st.floats(1.0, 100.0), shares, st.floats(0.01, 0.04), rates)
def test_break_even_spend_and_gain_are_inverses(m, r, g, d):
    spend = most_spend(margin=m, retention=r, gain=g, discount_rate=d)
    assert least_gain(margin=m, retention=r, spend=spend, discount_rate=d) == pytest.approx(g, rel=1e-9)

    def worth(margin, retention):
        return margin * margin_multiple(retention, discount_rate=d, timing=MarginTiming.IMMEDIATE)

    assert worth(m - spend, r + g) == pytest.approx(worth(m, r), rel=1e-9)


@given(shares, st.floats(0.1, 10.0), st.floats(0.0, 5.0), st.floats(10.0, 100.0), shares)
def test_an_offer_breaks_even_where_it_says(q, cost, gift, value, lost):
    offer = WinBackOffer(chance=q, cost=cost, gift=gift)
    assert offer.gain(offer.least_value(lost=lost), lost=lost) == pytest.approx(0.0, abs=1e-8)
    assert offer.gain(value) >= offer.gain(value, lost=lost) - 1e-9


@settings(max_examples=25)
@given(
    st.floats(0.1, 0.9), st.floats(0.05, 1.0), st.floats(0.3, 0.95), st.floats(0.05, 1.0), st.floats(5.0, 50.0), rates
)
def test_no_other_split_beats_the_best_one(c_a, k_a, c_r, k_r, m, d):
    test = EquityTest(
        margin=m,
        acquisition=SaturatingResponse(ceiling=c_a, k=k_a),
        retention=SaturatingResponse(ceiling=c_r, k=k_r),
        discount_rate=d,
    )
    best = test.best()
    for A in (0.0, 0.7 * best.acquisition_spend, 1.3 * best.acquisition_spend, 5.0):
        for R in (0.7 * best.retention_spend, 1.3 * best.retention_spend, 1.0):
            assert test.at(acquisition_spend=A, retention_spend=R).equity <= best.equity + 1e-6 * m


@given(st.lists(st.floats(0.05, 1.0), min_size=9, max_size=9))
def test_stationary_shares_do_not_move(weights):
    M = np.array(weights).reshape(3, 3)
    M /= M.sum(axis=1, keepdims=True)
    x = stationary_shares(M)
    assert x @ M == pytest.approx(x, rel=1e-9)
    assert x.sum() == pytest.approx(1.0)


@given(st.floats(0.001, 0.1), st.floats(0.1, 0.8), st.floats(0.0, 0.6), st.floats(0.0, 30.0))
def test_losses_lower_the_curve(p, q, delta, t):
    bass, leaky = (Diffusion(p=p, q=q, market=1.0, attrition=a) for a in (0.0, delta))
    assert leaky.customers(t) <= bass.customers(t) * (1 + 1e-9) + 1e-12
    assert leaky.ceiling <= 1.0 + 1e-12


@given(st.lists(st.floats(-50, 100), min_size=5, max_size=60).filter(lambda v: sum(v) > 1.0))
def test_a_whale_curve_ends_at_one_and_peaks_there_or_above(values):
    curve = whale(np.array(values))
    assert curve.profit[-1] == pytest.approx(1.0)
    assert curve.peak >= 1.0 - 1e-9
    assert curve.top(0.3) + curve.worst(0.7) == pytest.approx(1.0)


def test_growth_is_twice_at_one_rate_of_acquisition_alone():
    assert growth_ratio(acquisition=0.15, churn=0.05, other_churn=0.10) == pytest.approx(2.0)
    assert growth_ratio(acquisition=0.30, churn=0.05, other_churn=0.10) == pytest.approx(1.25)
    years = years_of_double_growth(start=100, won=15, churn=0.05, other_churn=0.10, low=1.5, high=2.5, years=30)
    assert years[0] == 1
    assert len(years) < 30


def test_a_second_life_is_worth_its_factor_of_the_first():
    first = second_lifetime_value(margin=10, life=0.8, discount_rate=0.1)
    assert second_lifetime_value(margin=10, life=0.8, discount_rate=0.1, spend_factor=0.5) == pytest.approx(first / 2)


def test_a_desk_returns_what_it_keeps_less_what_it_costs():
    desk = ComplaintReturn(
        dissatisfied=1000, complain=0.1, stay_without=0.4, stay_with=0.9, value_of_customer=30, cost=500
    )
    assert (desk.kept, desk.profit, desk.return_on_cost) == pytest.approx((50, 1000, 2))
    assert desk.break_even_value == pytest.approx(10)
