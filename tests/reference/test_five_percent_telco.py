"""Truth: five points of Telco's retention, month by month in a second implementation; what must not be judged."""

from __future__ import annotations

import pytest

from churnsim.claims.arithmetic.card_npv import PROFITS
from churnsim.claims.five_percent_churn.five_percent_map import Change
from churnsim.claims.five_percent_churn.five_percent_telco import ONE_MONTH, gain_by_month, parts_telco, sbg_by_month
from churnsim.claims.machinery.verdicts import Answer
from churnsim.data import datasets
from churnsim.errors import MissingExtraError
from churnsim.models.retention.sbg import ShiftedBetaGeometric

DRAWS = 12


@pytest.mark.parametrize("cost", [51.0, 0.0])
def test_gain_by_month_twice(cost):
    model = ShiftedBetaGeometric(alpha=0.3, beta=9.0, unit="M")

    def lived(alpha, beta):
        left, value, first_year = 1.0, -cost, 0.0
        for month in range(4000):
            value += left * PROFITS[min(month // 12, 5)] / 12 / 1.1 ** ((month + 1) / 12)
            left *= (beta + month) / (alpha + beta + month)
            first_year = left if month == 11 else first_year
        return first_year, value

    start, before = lived(0.3, 9.0)
    low, high = 0.0, 0.3  # alpha, at the same alpha + beta
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if lived(middle, 9.3 - middle)[0] > start + 0.05 else (low, middle)
    by_months = lived(low, 9.3 - low)[1] / before - 1.0
    found = gain_by_month(sbg_by_month(model), Change.POINTS, profile="growing", cost=cost)
    assert found == pytest.approx(by_months, rel=1e-8)


def test_both_readings_and_both_settings_are_judged():
    parts, rows = parts_telco(draws=DRAWS)
    assert len(parts) == 4
    assert len(rows) == 8
    for part in parts:
        known = part.answer is not Answer.UNDECIDED
        assert known == (part.estimate is not None)
        assert not known or part.lower < part.estimate < part.upper
    # Who stays four months at a cost of 51 never pays it back, so no gain is stated.
    assert [p.answer for p in parts if ONE_MONTH in p.name] == [Answer.UNDECIDED, Answer.HOLDS]


def test_control_five_percent_of_the_defections_is_too_little():
    """Where nearly everybody leaves, five percent of the defections are five points; elsewhere the claim must fail."""
    parts, _ = parts_telco(change=Change.PERCENT, draws=DRAWS)
    assert {p.answer for p in parts if ONE_MONTH not in p.name} == {Answer.FAILS}


def test_without_the_data_it_is_untested_and_names_the_extra(monkeypatch):
    def absent():
        raise MissingExtraError("the data set needs `pip install 'churnsim[datasets]'`.")

    monkeypatch.setattr(datasets, "telco", absent)
    (part,), rows = parts_telco()
    assert not part.ran
    assert "datasets" in part.reason
    assert rows == []
