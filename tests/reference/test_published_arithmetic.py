"""Published arithmetic: every figure at its printed digits, and the second, blind implementations beside the first."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest
from tests.reference import published_by_hand as by_hand

from churnsim.claims.arithmetic.complaints import STATED_TREE
from churnsim.claims.arithmetic.retention_table import table
from churnsim.claims.arithmetic.value import FLOWS, PROFITS
from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.five_percent_churn.claim import gain_under_contract, paid_gain, part_a, part_b
from churnsim.claims.five_percent_churn.five_percent_map import LIVES, Change, gain
from churnsim.claims.machinery.verdicts import Answer
from churnsim.claims.reproduction.reproduce import reproduce
from churnsim.economics.multiples import MarginTiming, relative_gain
from churnsim.economics.streams import ProfitStream, npv, stream_value
from churnsim.economics.survival_curves import BetaGeometric, Geometric
from churnsim.models.retention.sbg import ShiftedBetaGeometric

# Two routes of a few dozen double-precision operations each agree to this relative error.
SAME = 1e-12


def test_every_published_figure_reproduces():
    missed = {r.id: (r.published, r.computed) for r in reproduce() if not r.reproduced}
    assert missed == {}


@pytest.mark.parametrize("percent", [0, 5, 10, 15])
def test_card_twice(percent):
    assert npv(FLOWS, discount_rate=percent / 100) == pytest.approx(float(by_hand.card_worth(percent)), rel=SAME)
    six = (*FLOWS, PROFITS[-1])
    assert npv(six, discount_rate=percent / 100) == pytest.approx(float(by_hand.card_worth(percent, years=6)), rel=SAME)


def test_card_as_printed_sums_to_the_figure_printed():
    assert by_hand.printed_sum() == Fraction("111.7")


def test_card_with_leavers_twice():
    profit = ProfitStream(profits=PROFITS)
    closed = stream_value(profit, life=Geometric(retention=0.8), discount_rate=0.1, acquisition_cost=51)
    # (.8/1.1)^150 leaves less than 1e-18 of the stream.
    followed = by_hand.card_with_leavers(10, Fraction(1, 5), years=150)
    assert closed == pytest.approx(float(followed), rel=SAME)


@pytest.mark.parametrize("lost", [2, 3, 4, 5])
def test_retention_table_twice(lost):
    column = table().column(1 - lost / 20)
    for row, value in by_hand.books(lost).items():
        assert getattr(column, row) == pytest.approx(float(value), rel=SAME)


def test_retention_rise_twice():
    assert table().profit_gain(0.75, 0.80) == pytest.approx(float(by_hand.profit_rise()), rel=SAME)
    assert part_b().estimate == pytest.approx(100 * float(by_hand.profit_rise()), rel=SAME)


def test_complaint_tree_twice():
    assert STATED_TREE.lost == pytest.approx(float(by_hand.lost_of_hundred()), rel=SAME)


@pytest.mark.parametrize("claim", ["card-npv", "retention-table", "complaint-tree"])
def test_arithmetic_claims_close(claim):
    assert CATALOGUE[claim].test().answer is Answer.HOLDS


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("profile", ["flat", "growing"])
@pytest.mark.parametrize(("retention", "rate", "cost"), [(0.5, 0.05, 51.0), (0.75, 0.1, 0.0), (0.9, 0.15, 51.0)])
def test_map_of_five_points_twice(life, profile, retention, rate, cost):
    closed = gain(
        life=life,
        profile=profile,
        acquisition_cost=cost,
        discount_rate=rate,
        change=Change.POINTS,
        retention=retention,
    )
    followed = by_hand.gain_by_cohort(
        retention=retention, points=0.05, rate=rate, growing=profile == "growing", cost=cost, polarization=LIVES[life]
    )  # fmt: skip
    # Sums of 4,000 years at 5% or more leave nothing; a gain is a small difference of two such sums.
    assert closed == pytest.approx(followed, rel=1e-9)


def test_five_points_at_ninety_percent_in_each_timing():
    """+111, +40.7, +31.9% belong to a first margin after a renewal; paid on arrival they are 100, 33.3 and 25%."""

    def row(timing):
        return [
            100 * relative_gain(retention=0.9, points=0.05, discount_rate=d, timing=timing) for d in (0.0, 0.1, 0.15)
        ]

    assert row(MarginTiming.AFTER_RENEWAL) == pytest.approx([111.1, 40.7, 31.9], abs=0.05)  # one printed decimal
    assert row(MarginTiming.BEFORE_RENEWAL) == pytest.approx([111.1, 40.7, 31.9], abs=0.05)
    assert row(MarginTiming.IMMEDIATE) == pytest.approx([100, 100 / 3, 25], rel=1e-9)
    assert row(MarginTiming.YEAR_END) == pytest.approx([100, 100 / 3, 25], rel=1e-9)


def test_thought_experiment_holds_in_a_region_and_not_outside():
    part, cells = part_a()
    assert part.answer is Answer.HOLDS_IF
    assert part.plausible.holds + part.plausible.fails == pytest.approx(1.0)
    assert part.region
    assert any(c.gain is not None and c.gain < 0.25 for c in cells)
    assert any(c.gain is not None and c.gain > 0.85 for c in cells)


def test_table_is_in_the_range_only_with_its_fixed_cost():
    part = part_b()
    assert part.answer is Answer.UNDECIDED
    assert part.estimate == pytest.approx(64.7, abs=0.05)  # one printed decimal
    assert "16.5 and 32.0" in part.region


@pytest.mark.parametrize("polarization", [0.001, 0.05, 0.35, 0.9])
@pytest.mark.parametrize("weight", [0.0, 0.5, 0.9, 0.99, 0.9999])
def test_tail_of_the_churn_mix_against_high_precision(polarization, weight):
    """The continued fraction beside mpmath's 2F1 in thirty digits."""
    life = BetaGeometric(retention=0.8, polarization=polarization)
    with mpmath.workdps(30):
        exact = mpmath.hyp2f1(1, life.beta + 3, life.alpha + life.beta + 3, weight) * life.survival(3)
    # 1e-10: a few thousand steps at weight .9999, each rounding in the sixteenth digit, divided by 1 - weight.
    assert life.tail(3, weight=weight) == pytest.approx(float(exact), rel=1e-10)


@pytest.mark.parametrize(("retention", "spent"), [(0.6, 0.0), (0.8, 0.1), (0.9, 0.05)])
def test_paid_improvement_twice(retention, spent):
    """Year by year: five points more stay, and a share of the margin goes on holding them."""

    def worth(r, margin):
        return math.fsum(margin * r**t / 1.1**t for t in range(600))

    by_years = worth(retention + 0.05, 1.0 - spent) / worth(retention, 1.0) - 1.0
    assert paid_gain(retention, spent) == pytest.approx(by_years, rel=1e-9)


def test_gain_under_contract_twice():
    """High End's published mix, renewal by renewal, with the card's profit by year."""
    model = ShiftedBetaGeometric(alpha=0.668, beta=3.806, unit="Y")
    total = 0.668 + 3.806

    def worth(alpha, beta):
        left, value = 1.0, -51.0
        for year in range(1, 3000):
            value += left * PROFITS[min(year, len(PROFITS)) - 1] / 1.1**year
            left *= (beta + year - 1) / (alpha + beta + year - 1)
        return value

    raised = 3.806 / total + 0.05
    by_years = worth(total * (1 - raised), total * raised) / worth(0.668, 3.806) - 1.0
    found = gain_under_contract(model, Change.POINTS, profile="growing", cost=51.0)
    assert found == pytest.approx(by_years, rel=1e-8)
