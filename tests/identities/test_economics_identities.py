"""Identities that hold for every input: limits, sums against closed forms, inverses."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from churnsim.economics.complaint_return import ComplaintTree
from churnsim.economics.multiples import MarginTiming, margin_multiple, relative_gain, retention_elasticity
from churnsim.economics.response import SaturatingResponse
from churnsim.economics.retention_table import RetentionTable
from churnsim.economics.streams import ProfitStream, npv, stream_value
from churnsim.economics.survival_curves import BetaGeometric, Geometric, MeanLife

retentions = st.floats(0.05, 0.97)
rates = st.floats(0.02, 0.3)
polarizations = st.floats(0.01, 0.9)
profiles = st.builds(
    ProfitStream,
    profits=st.lists(st.floats(1.0, 100.0), min_size=1, max_size=7).map(tuple),
    growth_after=st.floats(-0.2, 0.0),
)
timings = st.sampled_from(list(MarginTiming))


@given(retentions, rates, profiles, timings)
def test_a_churn_mix_without_polarization_is_geometric(r, d, profile, timing):
    # The mix differs from its limit by a term of the order of the polarization, times at most 1/(1 - r).
    phi = 1e-7
    mixed = stream_value(profile, life=BetaGeometric(retention=r, polarization=phi), discount_rate=d, timing=timing)
    alike = stream_value(profile, life=Geometric(retention=r), discount_rate=d, timing=timing)
    assert mixed == pytest.approx(alike, rel=1e-4)


@given(retentions, polarizations, rates, profiles, timings)
def test_more_polarization_at_the_same_mean_is_worth_more(r, phi, d, profile, timing):
    # Jensen: the value of a flat stream is convex in the renewal probability of each customer.
    flat = ProfitStream(profits=(profile.profits[0],))
    mixed = stream_value(flat, life=BetaGeometric(retention=r, polarization=phi), discount_rate=d, timing=timing)
    alike = stream_value(flat, life=Geometric(retention=r), discount_rate=d, timing=timing)
    assert mixed >= alike * (1 - 1e-9)


@given(retentions, rates, profiles, timings)
def test_closed_form_is_the_sum_of_its_terms(r, d, profile, timing):
    s, e, v = timing.renewals, timing.delay, 1 / (1 + d)
    for life in (MeanLife(retention=r), Geometric(retention=r)):
        # Beyond 1,200 periods at 2% or more nothing above 1e-10 of a first profit is left.
        terms = (profile.in_period(k + 1) * life.survival(k + s) * v ** (k + e) for k in range(1200))
        assert stream_value(profile, life=life, discount_rate=d, timing=timing) == pytest.approx(
            math.fsum(terms), rel=1e-8
        )


@given(retentions, polarizations, st.floats(0.05, 0.3), profiles)
def test_closed_form_of_the_mix_is_the_sum_of_its_terms(r, phi, d, profile):
    life, v = BetaGeometric(retention=r, polarization=phi), 1 / (1 + d)
    left, terms = 1.0, []
    for k in range(600):
        terms.append(profile.in_period(k + 1) * left * v ** (k + 1))
        left *= (life.beta + k) / (life.alpha + life.beta + k)
    assert stream_value(profile, life=life, discount_rate=d) == pytest.approx(math.fsum(terms), rel=1e-8)


@given(retentions, st.floats(1.0, 100.0))
def test_without_discount_mean_life_and_geometric_agree_on_flat_profit(r, m):
    flat = ProfitStream(profits=(m,))
    assert stream_value(flat, life=MeanLife(retention=r), discount_rate=0.0) == pytest.approx(
        stream_value(flat, life=Geometric(retention=r), discount_rate=0.0), rel=1e-9
    )


@given(retentions, rates)
def test_with_discount_mean_life_is_worth_more_than_geometric(r, d):
    # Jensen again, the other way: discounting makes value concave in the length of life.
    flat = ProfitStream(profits=(1.0,))
    by_mean = stream_value(flat, life=MeanLife(retention=r), discount_rate=d)
    assert by_mean >= stream_value(flat, life=Geometric(retention=r), discount_rate=d) * (1 - 1e-12)


@given(retentions, rates)
def test_the_four_timings_differ_by_r_and_v_alone(r, d):
    now = margin_multiple(r, discount_rate=d, timing=MarginTiming.IMMEDIATE)
    for timing in MarginTiming:
        factor = r**timing.renewals / (1 + d) ** timing.delay
        assert margin_multiple(r, discount_rate=d, timing=timing) == pytest.approx(now * factor, rel=1e-12)


@given(retentions, rates, polarizations)
@example(r=0.5, d=0.0215, phi=0.5)  # a continued fraction whose factors stall a digit above the stop
def test_a_customer_who_pays_now_is_one_margin_and_a_renewal_stream(r, d, phi):
    for life in (Geometric(retention=r), BetaGeometric(retention=r, polarization=phi), MeanLife(retention=r)):
        now = margin_multiple(life, discount_rate=d, timing=MarginTiming.IMMEDIATE)
        later = margin_multiple(life, discount_rate=d, timing=MarginTiming.AFTER_RENEWAL)
        assert now == pytest.approx(1.0 + later, rel=1e-9)


@given(st.floats(0.05, 0.9), st.floats(0.01, 0.05), rates)
def test_discounting_later_changes_no_relative_gain(r, points, d):
    def gain(timing):
        return relative_gain(retention=r, points=points, discount_rate=d, timing=timing)

    assert gain(MarginTiming.IMMEDIATE) == pytest.approx(gain(MarginTiming.YEAR_END), rel=1e-9)
    assert gain(MarginTiming.BEFORE_RENEWAL) == pytest.approx(gain(MarginTiming.AFTER_RENEWAL), rel=1e-9)
    assert gain(MarginTiming.AFTER_RENEWAL) > gain(MarginTiming.IMMEDIATE)


@given(st.floats(0.1, 0.9), rates)
def test_elasticity_is_the_slope_of_the_logarithms(r, d):
    h = 1e-6
    up, down = (margin_multiple(x, discount_rate=d, timing=MarginTiming.AFTER_RENEWAL) for x in (r + h, r - h))
    slope = math.log(up / down) / math.log((r + h) / (r - h))
    # Central differences with a step of 1e-6 are good to about 1e-8 of the slope, less the rounding of two logs.
    assert retention_elasticity(r, discount_rate=d) == pytest.approx(slope, rel=1e-6)


@given(polarizations, retentions)
def test_sbg_parameters_return(phi, r):
    life = BetaGeometric(retention=r, polarization=phi)
    again = BetaGeometric.from_parameters(alpha=life.alpha, beta=life.beta)
    assert (again.retention, again.polarization) == pytest.approx((r, phi), rel=1e-9)
    assert life.survival(1) == pytest.approx(r, rel=1e-9)


@given(st.lists(st.floats(-100, 100), max_size=12), rates)
def test_npv_is_linear_and_shifts(flows, d):
    assert npv([2 * f for f in flows], discount_rate=d) == pytest.approx(2 * npv(flows, discount_rate=d), abs=1e-9)
    assert npv([0.0, *flows], discount_rate=d) == pytest.approx(npv(flows, discount_rate=d) / (1 + d), abs=1e-9)


@given(st.floats(0.1, 1.0), st.floats(1e-4, 0.5), st.floats(0.01, 0.95))
def test_response_and_its_inverse(ceiling, k, part):
    response = SaturatingResponse(ceiling=ceiling, k=k)
    share = part * ceiling
    spend = response.spend_for(share)
    assert response.share(spend) == pytest.approx(share, rel=1e-9)
    fitted = SaturatingResponse.through(spend=spend, share=share, ceiling=ceiling)
    assert fitted.k == pytest.approx(k, rel=1e-9)
    assert response.average_cost(spend) <= response.marginal_cost(spend) * (1 + 1e-12)


@given(st.floats(0.1, 1.0), st.floats(0.001, 0.5), st.floats(1.1, 50.0))
def test_best_spend_equates_marginal_cost_and_value(ceiling, k, times):
    response = SaturatingResponse(ceiling=ceiling, k=k)
    value = times * response.marginal_cost(0.0)
    best = response.best_spend(value)
    assert response.marginal_cost(best) == pytest.approx(value, rel=1e-9)

    def profit(spend):
        return response.share(spend) * value - spend

    assert profit(best) >= max(profit(0.9 * best), profit(1.1 * best), profit(0.0))


@given(st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_complaint_tree_loses_nobody_by_the_way(n, c, leave, silent):
    tree = ComplaintTree(dissatisfied=n, complain=c, complainants_leave=leave, silent_leave=silent)
    assert tree.lost + tree.kept == pytest.approx(n, rel=1e-12, abs=1e-12)


@given(st.tuples(*[st.floats(1, 200)] * 6), st.floats(0.05, 0.45), st.floats(0.5, 0.95), st.floats(0, 50))
def test_table_through_two_columns_passes_through_them(rows, low, high, fixed):
    n = 20.0
    a, b, c, d, e, f = rows
    table = RetentionTable.through(
        customers=n,
        retained=(n * low, n * high),
        sales=(a, b),
        gross_profit=(c, d),
        marketing=(e, f),
        other_fixed_cost=fixed,
    )
    for r, sales, gross, marketing in ((low, a, c, e), (high, b, d, f)):
        column = table.column(r)
        assert (column.sales, column.gross_profit, column.marketing) == pytest.approx(
            (sales, gross, marketing), rel=1e-9
        )
        assert column.profit == pytest.approx(gross - marketing - fixed, abs=1e-9)
