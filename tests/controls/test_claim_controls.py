"""Controls: every wrong variant must fail, and a check whose control does not fail must be caught."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.claim import Control, Finding, Kind
from churnsim.claims.machinery.plausible import Plausible
from churnsim.claims.machinery.results import to_record
from churnsim.claims.machinery.verdicts import Answer, Basis
from churnsim.errors import DataError, FitError, MissingExtraError

CARD_NPV = CATALOGUE["card-npv"]

ROW_KEYS = {
    "id", "says", "quote", "sources", "kind", "quantity", "expect", "within", "because", "critique", "answer", "basis",
    "ran", "plausible", "reason", "region", "estimate", "lower", "upper", "unit", "parts", "control", "planted",
    "power", "tables",
}  # fmt: skip


@pytest.mark.parametrize("claim_id", list(CATALOGUE))
def test_row_has_the_agreed_keys_and_is_plain_json(quick_result, claim_id):
    row = to_record(quick_result(claim_id)).content()
    assert set(row) == ROW_KEYS
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert set(row["control"]) == {"what", "answer", "basis", "ran", "reason"}


@pytest.mark.parametrize("claim_id", list(CATALOGUE))
def test_every_control_that_needs_no_market_fails(quick_result, claim_id):
    """Without a market a claim that needs one is UNTESTED, and so may its control be; every other control must fail."""
    result = quick_result(claim_id)
    if not result.ran:
        assert result.control.answer is Answer.FAILS or not result.control.ran
        assert "Withdrawn" not in result.finding.reason
    else:
        assert result.control.answer is Answer.FAILS
        assert result.control.reason


@pytest.mark.parametrize("claim_id", ["card-npv", "retention-table", "complaint-tree", "five-percent-churn"])
def test_controls_that_never_need_a_market_are_not_skipped(claim_id, quick_result):
    assert quick_result(claim_id).control.answer is Answer.FAILS


CONDITION = {
    "region": "where it is small",
    "plausible": Plausible(holds=0.3, fails=0.7, beliefs="size .2 [.1, .4]"),
}
"""What HOLDS_IF needs."""


@pytest.mark.parametrize("answer", [a for a in Answer if a is not Answer.FAILS])
def test_a_control_that_does_not_fail_withdraws_the_finding(answer):
    blunt = Control(what="nothing wrong", judge=lambda evidence, quick: Finding(answer=answer, reason="r", **CONDITION))
    result = dataclasses.replace(CARD_NPV, control=blunt).test()
    assert not result.ran
    assert "did not work" in result.finding.reason
    assert "nothing wrong" in result.finding.reason
    assert to_record(result).withdrawn


@pytest.mark.parametrize("answer", list(Answer))
def test_no_finding_survives_a_worthless_check(answer):
    claim = dataclasses.replace(
        CARD_NPV,
        judge=lambda evidence, quick: Finding(answer=answer, reason="r", **CONDITION),
        control=Control(what="c", judge=lambda evidence, quick: Finding(answer=Answer.HOLDS, reason="r")),
    )
    assert not claim.test().ran


@pytest.mark.parametrize("answer", list(Answer))
def test_a_check_that_fails_what_is_true_is_withdrawn(answer):
    """One that always said FAILS would pass every false world."""
    true = Control(what="all is true", judge=lambda evidence, quick: Finding(answer=answer, reason="r", **CONDITION))
    result = dataclasses.replace(
        CARD_NPV,
        judge=lambda evidence, quick: Finding(answer=Answer.FAILS, reason="r"), control=FAILING, planted=true,
    ).test()  # fmt: skip
    assert result.ran == (answer is not Answer.FAILS)
    assert to_record(result).withdrawn == (answer is Answer.FAILS)
    assert (result.power.true_worlds, result.power.held) == (1, answer is Answer.HOLDS)


@pytest.mark.parametrize("claim_id", [c.id for c in CATALOGUE.values() if c.planted and c.kind is not Kind.SIMULATION])
def test_every_claim_holds_in_a_world_in_which_it_is_true(claim_id, quick_result):
    result = quick_result(claim_id)
    if result.planted is None:  # what it is measured on is not at hand
        assert result.answer is Answer.UNDECIDED
    else:
        assert result.planted.answer is Answer.HOLDS


@pytest.mark.parametrize("claim_id", [c.id for c in CATALOGUE.values() if c.planted and c.planted.seeded])
def test_power_and_false_alarms_over_worlds_that_are_drawn(claim_id):
    """Three worlds in the test command; the page of the claims has more."""
    claim = CATALOGUE[claim_id]
    worlds = [claim.planted.in_world(claim, None, True, {}, number) for number in range(3)]
    assert [world.answer for world in worlds] == [Answer.HOLDS] * 3


FAILING = Control(what="c", judge=lambda evidence, quick: Finding(answer=Answer.FAILS, reason="r"))


@pytest.mark.parametrize("answer", list(Answer))
def test_a_sound_check_keeps_its_finding(answer):
    found = Finding(answer=answer, reason="r", basis=Basis.MEASURED, **CONDITION)
    assert dataclasses.replace(CARD_NPV, judge=lambda evidence, quick: found, control=FAILING).test().finding == found


@pytest.mark.parametrize(
    ("error", "ran", "words"),
    [
        (DataError("no amounts"), True, "data at hand do not allow it: no amounts"),
        (MissingExtraError("install churnsim[acsi]"), False, "Could not be run: install churnsim"),
        (FitError("no optimum"), False, "Could not be run: no optimum"),
        (IndexError("index 0 is out of bounds"), False, "test itself failed.*IndexError: index 0"),
    ],
)
@pytest.mark.parametrize("where", ["judge", "control"])
def test_a_claim_never_raises(error, ran, words, where):
    def stop(evidence, quick):
        raise error

    changed = {"judge": stop, "control": FAILING} if where == "judge" else {"control": Control(what="c", judge=stop)}
    result = dataclasses.replace(CARD_NPV, **changed).test()
    assert (result.answer, result.ran) == (Answer.UNDECIDED, ran)
    assert re.search(words, result.finding.reason)
    assert not result.control.ran


def test_each_printed_cell_of_the_retention_table_matters():
    """Altering a figure that the columns do not determine by construction must break the table."""
    from churnsim.claims.arithmetic.retention_table import PRINTED, judge

    for row in ("net_contribution", "profit", "return_on_sales", "lost"):
        for retention in PRINTED:
            altered = {r: dict(column) for r, column in PRINTED.items()}
            altered[retention][row] *= 1.02
            assert judge(printed=altered).answer is Answer.FAILS, (row, retention)


def test_each_row_of_the_card_matters():
    from churnsim.claims.arithmetic import value as card

    for year, flow in enumerate(card.FLOWS):
        flows = list(card.FLOWS)
        flows[year] = flow + 1.0
        assert abs(card.npv(flows, discount_rate=card.DISCOUNT) - card.STATED_CARD) > card.WITHIN_CARD
