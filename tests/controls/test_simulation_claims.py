"""Truth: the simulated claims can come out either way, and their controls fail for the reason that they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

import churnsim as cs
from churnsim.claims.five_percent_churn.five_percent_simulation import FEWER_PERCENT, gains_table, parts_c
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.verdicts import Answer
from churnsim.claims.service_recovery.recovery_simulation import control, judge
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.terms import Terms


@pytest.fixture(scope="module")
def evidence(cdnow_market):
    """Two years of the CDNOW base, twelve replications."""
    return MarketEvidence(
        market=cdnow_market, label="the CDNOW base", horizon=104.0, period=4.0, epoch=1.0, replications=12
    )


def test_recovery_and_its_control(evidence):
    found, wrong = judge(evidence, False), control(evidence, False)
    verdicts = {part.name[:3]: part.answer for part in found.parts}
    # Given TARP's rates a quick desk cannot lose money before wages; what is put in is not called a finding.
    assert verdicts == {
        "(a)": Answer.UNDECIDED, "(b)": Answer.UNDECIDED, "(c)": Answer.HOLDS, "(d)": Answer.HOLDS,
        "(e)": Answer.UNDECIDED,
    }  # fmt: skip
    assert found.answer is Answer.UNDECIDED
    assert wrong.answer is Answer.FAILS
    worth = {part.name[:3]: part for part in wrong.parts}
    # The control's replies keep nobody more, so the desk earns minus what its replies cost: no harm by construction.
    for name in ("(c)", "(d)"):
        complaints = float(worth[name].reason.split()[0])
        assert worth[name].upper <= 0
        assert worth[name].estimate == pytest.approx(-complaints, rel=0.35)  # discounted, at 1 a reply, and by chance


def test_recovery_follows_everybody_who_complains(evidence):
    """If all complain, the stated share follows from TARP's rates, and part (a) says so."""
    everybody = replace(
        evidence.market,
        complaints=Complaints(failure_share=0.1, complaint_probability=1.0, complaint_probability_if_asked=1.0),
    )
    found = judge(replace(evidence, market=everybody, replications=4), False)
    assert found.parts[0].answer is Answer.HOLDS


def test_five_points_on_todays_base_and_the_control(evidence):
    (literal, points), rows = parts_c(evidence, settings=1)
    (percent,), _ = parts_c(evidence, settings=1, change=FEWER_PERCENT)
    assert percent.answer is Answer.FAILS
    assert percent.upper < 25.0
    assert (literal.estimate, literal.answer) == (percent.estimate, percent.answer)
    # The simulation of the same customers agrees with the closed form that judges the claim.
    simulated = gains_table(evidence, horizon=evidence.horizon).set_index(["customers", "change"])
    for row in rows:
        found = simulated.loc[(points.name, row["change"])]
        assert row["gain"] == pytest.approx(found["gain"], abs=4 * found["chance_error"] + 1e-4)


def test_a_base_without_margin_is_not_judged(evidence):
    nothing = replace(evidence, market=replace(evidence.market, terms=Terms(margin=0.0)), replications=4)
    parts, rows = parts_c(nothing, settings=1)
    assert {part.answer for part in parts} == {Answer.UNDECIDED}
    assert rows == []


def test_the_cohort_lives_five_years_in_any_period(evidence):
    from churnsim.claims.five_percent_churn.five_percent_simulation import settings_of

    for period in (1.0, 4.0, 13.0):
        _, cohort = settings_of(replace(evidence, period=period))
        assert cohort.evidence.horizon == pytest.approx(5 * 365.25 / 7, abs=period / 2)
        assert (cohort.evidence.horizon / period) == pytest.approx(round(cohort.evidence.horizon / period))
    assert isinstance(cohort.evidence.market.customers, cs.Cohort)
