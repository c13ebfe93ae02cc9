"""Truth: theory. What the engine does on a calendar against what the model expects in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.parity.test_engines_on_calendars import END, on_calendar

import churnsim as cs
from churnsim.kernels.engine.clock_table import in_time, on_clock, on_grid, row_on, rows_on
from churnsim.kernels.engine.residual import LEAST, STEP
from churnsim.simulation.core.clocks import clock_table, worth_later
from churnsim.simulation.engine.bookkeeping import INDEX

SIZE, WEEKS, REPLICATIONS, BOUND = 400, 40, 40, 4.5  # as t of 39 degrees: once in 15,000 weeks by chance
FAMILIES = {
    "BG/NBD": cs.BGNBD(r=0.8, alpha=4.4, a=0.8, b=2.4),
    "Pareto/NBD": cs.ParetoNBD(r=0.8, alpha=4.0, s=0.6, beta=11.0),
}


def standardised(customers, model, expected):
    """Purchases by the end of each week less those `expected`, over their standard error."""
    market = cs.Market(
        customers=customers,
        purchases=model,
        spend=cs.simulation.FixedSpend(amount=1.0),
        complaints=cs.simulation.Complaints(failure_share=0.0),
    )
    tried = cs.Scenario(market=market, strategy=cs.Strategy(name="plain"), horizon=float(WEEKS), period=1.0, epoch=1.0)
    tables = [cs.simulate(tried, seed=11, replication=number).table for number in range(REPLICATIONS)]
    counted = np.cumsum([table[:, INDEX["purchases"]] for table in tables], axis=1)
    return (counted.mean(axis=0) - expected) / (counted.std(axis=0, ddof=1) / np.sqrt(REPLICATIONS))


@pytest.mark.parametrize("family", FAMILIES)
def test_new_customers_buy_as_the_calendar_says(family):
    """Week by week; what the plain family expects is told from it."""
    model, weeks = on_calendar(FAMILIES[family]), np.arange(1.0, WEEKS + 1)
    expected = model.expected_purchases_new(weeks, first=END)
    assert np.abs(standardised(cs.Cohort(size=SIZE), model, SIZE * expected)).max() < BOUND
    assert np.abs(SIZE * (expected - model.base.expected_purchases_new(weeks))).max() > 100


@pytest.mark.parametrize("family", FAMILIES)
def test_known_customers_buy_as_the_calendar_says(family):
    """Each drawn from its posterior, on both clocks where there are two; time 0 is the end of its observation."""
    model = on_calendar(FAMILIES[family])
    summary = model.draw_summary(np.full(60, 52.0), first="2022-01-01", seed=3).assign(monetary_value=1.0)
    weeks = np.array([4, 13, 26, WEEKS])
    expected = np.full(WEEKS, np.nan)
    expected[weeks - 1] = [model.expected_purchases(summary, float(week)).sum() for week in weeks]
    assert np.nanmax(np.abs(standardised(cs.PosteriorBase(summary), model, expected))) < BOUND


def test_lives_that_end_in_time_are_drawn_so():
    """Pareto/NBD with a calendar of purchases alone: as many are drawn alive as the model expects, which is not what
    the plain family would on the buying clock."""
    both = on_calendar(FAMILIES["Pareto/NBD"], 2.0)
    model = replace(both, leaving=None, leaving_effects={}, leaving_means={})
    summary = model.draw_summary(np.full(60, 52.0), first="2022-01-01", seed=3).assign(monetary_value=1.0)
    base, spend = cs.PosteriorBase(summary), cs.simulation.FixedSpend(amount=1.0)
    drawn = [base.draw(purchases=model, spend=spend, seed=1, replication=number).alive for number in range(120)]
    alive, on_clock_of_buying = (
        model.p_alive(summary),
        model.base.p_alive(summary.assign(recency=model.clocked(summary).t_x, T=model.clocked(summary).T)),
    )
    error = np.sqrt((alive * (1.0 - alive)).sum() / len(drawn))
    assert abs(np.sum(drawn) / len(drawn) - alive.sum()) < BOUND * error < abs((on_clock_of_buying - alive).sum())


def test_a_clock_and_its_inverse():
    """Sums of days, to rounding; beyond its table a clock runs evenly."""
    speed = np.array([0.5, 2.0, 1.0, 1e-3, 4.0, 0.1])
    clock = clock_table(speed, 2, 7.0)
    times = np.linspace(-2 / 7, 4 / 7, 61)
    edges = np.arange(-2, 5) / 7
    run = np.concatenate([[0.0], np.cumsum(speed)]) / 7
    by_hand = np.interp(times, edges, run - run[2])
    np.testing.assert_allclose([on_clock(clock, float(t), 0) for t in times], by_hand, atol=1e-15)
    np.testing.assert_allclose([in_time(clock, float(b), 0) for b in by_hand], times, atol=1e-12)
    assert in_time(clock, on_clock(clock, 100.0, 0), 0) == pytest.approx(100.0, abs=1e-13)
    assert in_time(clock, np.inf, 0) == np.inf
    # What the clock shows at a purchase on the grid is the point of the grid, so that it need not be read again.
    rough = clock_table(np.exp(np.random.default_rng(1).normal(0.0, 2.0, 4000)), 700, 7.0)
    for reached in np.random.default_rng(2).uniform(0.0, 600.0, 2000):
        point = on_grid(rough, float(reached))
        assert abs(point - reached) <= 2.0**-25
        assert on_grid(rough, on_clock(rough, in_time(rough, point, 0), 0)) == point


def test_rows_on_a_clock_are_those_in_time():
    """Whatever the speeds, of days up to 10^4 times as fast as others, and to the next point beside each bound."""
    bounds, clock = np.arange(27) * 3.3, clock_table(np.exp(np.random.default_rng(1).normal(0.0, 2.0, 700)), 70, 7.0)
    rows = rows_on(clock, bounds, 4)
    reached = np.random.default_rng(2).uniform(0.0, 1.05 * rows.bounds[-1], 1000)
    points = [on_grid(clock, float(point)) for point in reached]
    for point in np.concatenate([points, rows.bounds, rows.bounds[1:] - 2.0**-24]):
        row = max(np.searchsorted(bounds, in_time(clock, float(point), 0), side="right") - 1, 0)
        assert row_on(rows, float(point)) == row
    assert row_on(rows, np.inf) == 26


def test_what_is_left_after_the_end_is_the_integral():
    """Discounted purchases over those on even clocks, less 1, by a sum over small steps of 200 years."""
    days = np.arange(365)
    m, d = np.exp(0.6 * np.cos(2 * np.pi * days / 365)), np.exp(-0.9 * np.sin(2 * np.pi * days / 365))
    force, place = 0.002, 150
    hazard = np.exp(LEAST + STEP * place)
    step = 1 / 7 / 20
    t = (np.arange(365 * 20 * 200) + 0.5) * step
    speeds = (np.tile(np.repeat(kind, 20), 200) for kind in (m, d))
    buying, leaving = speeds
    run = np.cumsum(leaving) * step - leaving * step / 2
    purchases = (buying * np.exp(-hazard * run - force * t)).sum() * step
    assert worth_later(m, d, force, 7.0)[place] == pytest.approx(purchases * (hazard + force) - 1, rel=1e-5)
