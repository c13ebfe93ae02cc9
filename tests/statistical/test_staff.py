"""Truth: theory. Staff turnover, learning and failure: the exact path, its limit, and what customers feel of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.parity.mechanisms import scenario

import churnsim as cs
from churnsim.economics.staff import failure_factor, novice_share
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.staff import StaffResponse

HEAVY = StaffResponse(turnover_per_year=1.2, novice_factor=4.0, max_effect=0.9, spend_scale=20.0)


def test_novices_settle_where_leaving_and_learning_balance():
    share = novice_share(0.6, 0.5)
    assert 0.6 * (1 - share) == pytest.approx(share / 0.5)
    assert novice_share(0.0, 0.5) == 0.0


def test_the_path_is_the_differential_equations():
    """One step of the exact solution against many small ones of the equation itself."""
    effect = 0.9 * (1 - math.exp(-30.0 / 20.0))
    turnover, learning, share = 1.2 * (1 - effect), HEAVY.learning.to("Y"), 0.3
    n = 200_000
    for _ in range(n):
        share += (turnover * (1 - share) - share / learning) * (0.25 / n)
    # Euler's error is of the order of the step, a millionth of a year.
    assert HEAVY.share_after(0.3, 0.25, 30.0) == pytest.approx(share, abs=1e-5)


def test_without_money_nothing_changes():
    usual = HEAVY.usual_share
    assert HEAVY.share_after(usual, 3.0, 0.0) == pytest.approx(usual)
    assert HEAVY.factor(usual) == pytest.approx(1.0)
    assert failure_factor(0.0, 4.0, usual_share=usual) == pytest.approx(1 / (1 + 3 * usual))


def failures(strategy_parts, staff, seed):
    tried = scenario(strategy_parts, purchases="contract", size=3000, horizon=48.0, staff=staff)
    tried = replace(tried, market=replace(tried.market, complaints=Complaints(failure_share=0.4)))
    return cs.simulate(tried, seed=seed, engine="compiled").frame()["failures"]


def test_settled_staff_fail_less_and_the_same_customers_feel_it():
    before, after = failures([], HEAVY, 1), failures(["staff"], HEAVY, 1)
    assert after.iloc[0] == before.iloc[0], "in the first period nobody has stayed any longer yet"
    late = slice(6, None)
    settled = HEAVY.factor(HEAVY.share_after(0.0, 100.0, 150.0))
    assert settled < 0.6
    assert after[late].sum() < before[late].sum()


def test_control_staff_who_need_not_learn_change_nothing():
    alike = replace(HEAVY, novice_factor=1.0)
    np.testing.assert_array_equal(failures([], alike, 2), failures(["staff"], alike, 2))


def test_impossible_staff():
    with pytest.raises(cs.errors.ConfigError, match="novice_factor must be a finite number at least 1"):
        StaffResponse(novice_factor=0.5)
    with pytest.raises(cs.errors.ConfigError, match="budget_per_period must be"):
        cs.simulation.StaffCare(budget_per_period=-1.0)
