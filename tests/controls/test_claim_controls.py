"""Controls: every wrong variant must fail, and a check whose control does not fail must be caught."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.claim import Control, Finding
from churnsim.claims.machinery.results import to_record
from churnsim.claims.machinery.verdicts import Verdict
from churnsim.errors import DataError, FitError, MissingExtraError

CARD_NPV = CATALOGUE["card-npv"]

ROW_KEYS = {
    "id", "says", "quote", "sources", "kind", "quantity", "expect", "within", "because", "critique", "verdict",
    "reason", "region", "estimate", "lower", "upper", "unit", "parts", "control", "tables",
}  # fmt: skip


@pytest.mark.parametrize("claim_id", list(CATALOGUE))
def test_row_has_the_agreed_keys_and_is_plain_json(quick_result, claim_id):
    row = to_record(quick_result(claim_id)).content()
    assert set(row) == ROW_KEYS
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert set(row["control"]) == {"what", "verdict", "reason"}


@pytest.mark.parametrize("claim_id", list(CATALOGUE))
def test_every_control_that_needs_no_market_fails(quick_result, claim_id):
    """Without a market a claim that needs one is UNTESTED, and so may its control be; every other control must fail."""
    result = quick_result(claim_id)
    if result.verdict is Verdict.UNTESTED:
        assert result.control.verdict in (Verdict.FAILS, Verdict.UNTESTED)
        assert "Withdrawn" not in result.finding.reason
    else:
        assert result.control.verdict is Verdict.FAILS
        assert result.control.reason


@pytest.mark.parametrize("claim_id", ["card-npv", "retention-table", "complaint-tree", "five-percent-churn"])
def test_controls_that_never_need_a_market_are_not_skipped(claim_id, quick_result):
    assert quick_result(claim_id).control.verdict is Verdict.FAILS


@pytest.mark.parametrize("verdict", [v for v in Verdict if v is not Verdict.FAILS])
def test_a_control_that_does_not_fail_withdraws_the_finding(verdict):
    blunt = Control(what="nothing wrong", judge=lambda evidence, quick: Finding(verdict=verdict, reason="r"))
    result = dataclasses.replace(CARD_NPV, control=blunt).test()
    assert result.verdict is Verdict.UNTESTED
    assert "did not work" in result.finding.reason
    assert "nothing wrong" in result.finding.reason
    assert to_record(result).verdict == "UNTESTED"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_finding_survives_a_worthless_check(verdict):
    claim = dataclasses.replace(
        CARD_NPV,
        judge=lambda evidence, quick: Finding(verdict=verdict, reason="r", region="everywhere"),
        control=Control(what="c", judge=lambda evidence, quick: Finding(verdict=Verdict.HOLDS, reason="r")),
    )
    assert claim.test().verdict is Verdict.UNTESTED


FAILING = Control(what="c", judge=lambda evidence, quick: Finding(verdict=Verdict.FAILS, reason="r"))


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_sound_check_keeps_its_finding(verdict):
    found = Finding(verdict=verdict, reason="r")
    assert dataclasses.replace(CARD_NPV, judge=lambda evidence, quick: found, control=FAILING).test().verdict is verdict


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        (DataError("no amounts"), Verdict.UNTESTABLE, "data at hand do not allow it: no amounts"),
        (MissingExtraError("install churnsim[acsi]"), Verdict.UNTESTED, "Could not be run: install churnsim"),
        (FitError("no optimum"), Verdict.UNTESTED, "Could not be run: no optimum"),
        (IndexError("index 0 is out of bounds"), Verdict.UNTESTED, "test itself failed.*IndexError: index 0"),
    ],
)
@pytest.mark.parametrize("where", ["judge", "control"])
def test_a_claim_never_raises(error, verdict, words, where):
    def stop(evidence, quick):
        raise error

    changed = {"judge": stop, "control": FAILING} if where == "judge" else {"control": Control(what="c", judge=stop)}
    result = dataclasses.replace(CARD_NPV, **changed).test()
    assert result.verdict is verdict
    assert re.search(words, result.finding.reason)
    assert result.control.verdict is Verdict.UNTESTED


def test_each_printed_cell_of_the_retention_table_matters():
    """Altering a figure that the columns do not determine by construction must break the table."""
    from churnsim.claims.arithmetic.retention_table import PRINTED, judge

    for row in ("net_contribution", "profit", "return_on_sales", "lost"):
        for retention in PRINTED:
            altered = {r: dict(column) for r, column in PRINTED.items()}
            altered[retention][row] *= 1.02
            assert judge(printed=altered).verdict is Verdict.FAILS, (row, retention)


def test_each_row_of_the_card_matters():
    from churnsim.claims.arithmetic import card_npv as card

    for year, flow in enumerate(card.FLOWS):
        flows = list(card.FLOWS)
        flows[year] = flow + 1.0
        assert abs(card.npv(flows, discount_rate=card.DISCOUNT) - card.STATED) > card.WITHIN
