"""Mechanics of the closed forms: shapes, refusals, edges."""

from __future__ import annotations

import math

import pytest

from churnsim.economics.complaint_return import ComplaintTree
from churnsim.economics.multiples import MarginTiming, discount_factor, margin_multiple, relative_gain
from churnsim.economics.response import SaturatingResponse
from churnsim.economics.retention_table import RetentionTable
from churnsim.economics.streams import ProfitStream, npv, stream_gain, stream_value
from churnsim.economics.survival_curves import BetaGeometric, Geometric, MeanLife
from churnsim.errors import ConfigError


def test_npv_of_nothing_is_nothing():
    assert npv([], discount_rate=0.1) == 0.0


@pytest.mark.parametrize("rate", [-1.0, -2.0, math.nan, math.inf])
def test_impossible_discount_rate_is_refused(rate):
    with pytest.raises(ConfigError, match="discount_rate"):
        discount_factor(rate)


@pytest.mark.parametrize("retention", [-0.1, 1.1, math.nan, 75])
def test_retention_outside_zero_to_one_is_refused(retention):
    for curve in (MeanLife, Geometric):
        with pytest.raises(ConfigError, match="retention"):
            curve(retention=retention)


@pytest.mark.parametrize("settings", [(0.0, 0.1), (1.0, 0.1), (0.8, 0.0), (0.8, 1.0), (math.nan, 0.1)])
def test_degenerate_churn_mix_is_refused(settings):
    with pytest.raises(ConfigError, match="of a churn mix must be a finite number above 0 and below 1"):
        BetaGeometric(retention=settings[0], polarization=settings[1])


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 1.0), (1.0, -1.0), (math.inf, 1.0), (math.nan, 1.0)])
def test_impossible_sbg_parameters_are_refused(alpha, beta):
    with pytest.raises(ConfigError, match=r"(alpha|beta) must be a finite number above 0"):
        BetaGeometric.from_parameters(alpha=alpha, beta=beta)


def test_mean_life_counts_a_broken_year_by_its_fraction():
    half = MeanLife(retention=1 - 1 / 2.5)
    assert half.survival(1) == 1.0
    assert half.survival(2) == pytest.approx(0.5)
    assert half.survival(3) == 0.0


def test_those_who_never_leave_are_worth_a_perpetuity():
    flat = ProfitStream(profits=(10.0,))
    for life in (MeanLife(retention=1.0), Geometric(retention=1.0)):
        assert stream_value(flat, life=life, discount_rate=0.1) == pytest.approx(100.0)
        assert stream_value(flat, life=life, discount_rate=0.0) == math.inf


def test_a_mix_with_a_heavy_tail_has_no_finite_value_without_discount():
    flat = ProfitStream(profits=(10.0,))
    assert stream_value(flat, life=BetaGeometric(retention=0.8, polarization=0.3), discount_rate=0.0) == math.inf
    assert stream_value(flat, life=BetaGeometric(retention=0.8, polarization=0.05), discount_rate=0.0) < math.inf


def test_profit_that_outgrows_discount_and_loss_is_infinite():
    growing = ProfitStream(profits=(10.0,), growth_after=0.5)
    assert stream_value(growing, life=Geometric(retention=0.9), discount_rate=0.1) == math.inf
    assert stream_value(growing, life=MeanLife(retention=0.9), discount_rate=0.1) < math.inf


def test_a_stream_that_ends_is_finite_even_when_nobody_leaves():
    ends = ProfitStream(profits=(10.0, 10.0, 0.0))
    assert stream_value(ends, life=Geometric(retention=1.0), discount_rate=0.0) == 20.0


@pytest.mark.parametrize("profits", [(), (math.nan,), (1.0, math.inf)])
def test_profits_must_be_numbers(profits):
    with pytest.raises(ConfigError, match="profits"):
        ProfitStream(profits=profits)


def test_gain_has_no_meaning_without_a_positive_finite_base():
    assert stream_gain(0.0, 1.0) is None
    assert stream_gain(-5.0, 1.0) is None
    assert stream_gain(math.inf, math.inf) is None
    assert stream_gain(2.0, math.inf) == math.inf
    assert stream_gain(2.0, 3.0) == 0.5


def test_each_timing_has_the_textbook_formula():
    r, d = 0.8, 0.1
    formulas = {
        MarginTiming.IMMEDIATE: (1 + d) / (1 + d - r),
        MarginTiming.YEAR_END: 1 / (1 + d - r),
        MarginTiming.BEFORE_RENEWAL: r * (1 + d) / (1 + d - r),
        MarginTiming.AFTER_RENEWAL: r / (1 + d - r),
    }
    for timing, value in formulas.items():
        assert margin_multiple(r, discount_rate=d, timing=timing) == pytest.approx(value, rel=1e-14)


def test_the_gain_depends_on_whether_a_renewal_comes_first():
    gains = {t: relative_gain(retention=0.9, points=0.05, discount_rate=0.1, timing=t) for t in MarginTiming}
    assert gains[MarginTiming.IMMEDIATE] == pytest.approx(1 / 3)
    assert gains[MarginTiming.YEAR_END] == pytest.approx(1 / 3)
    assert gains[MarginTiming.BEFORE_RENEWAL] == pytest.approx(11 / 27)
    assert gains[MarginTiming.AFTER_RENEWAL] == pytest.approx(11 / 27)


def test_complaint_tree_refuses_percent_for_shares():
    with pytest.raises(ConfigError, match="complain must be from 0 to 1"):
        ComplaintTree(dissatisfied=100, complain=4, complainants_leave=0.25, silent_leave=0.95)
    with pytest.raises(ConfigError, match="dissatisfied"):
        ComplaintTree(dissatisfied=-1, complain=0.1, complainants_leave=0.25, silent_leave=0.95)


def test_retention_table_needs_two_different_columns():
    with pytest.raises(ConfigError, match="both retain"):
        RetentionTable.through(
            customers=20, retained=(15, 15), sales=(1, 2), gross_profit=(1, 2), marketing=(1, 2), other_fixed_cost=0
        )


@pytest.mark.parametrize(("ceiling", "k"), [(0.0, 1.0), (1.5, 1.0), (0.5, 0.0), (0.5, math.inf), (0.5, -1.0)])
def test_impossible_response_is_refused(ceiling, k):
    with pytest.raises(ConfigError):
        SaturatingResponse(ceiling=ceiling, k=k)


def test_response_cannot_be_pushed_past_its_ceiling():
    response = SaturatingResponse(ceiling=0.4, k=0.02)
    with pytest.raises(ConfigError, match="share must be a finite number"):
        response.spend_for(0.4)
    with pytest.raises(ConfigError, match="share must be a finite number"):
        SaturatingResponse.through(spend=10, share=0.5, ceiling=0.4)
    with pytest.raises(ConfigError, match="spend"):
        response.share(-1.0)


def test_nothing_is_spent_on_customers_worth_less_than_the_first_one_costs():
    response = SaturatingResponse(ceiling=0.4, k=0.02)
    assert response.best_spend(response.marginal_cost(0.0)) == 0.0
    assert response.best_spend(response.marginal_cost(0.0) * 1.01) > 0.0
