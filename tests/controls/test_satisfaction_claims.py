"""Controls: every claim about measuring satisfaction is judged, and its deliberately wrong variant fails."""

from __future__ import annotations

import pytest

from churnsim.claims.machinery.verdicts import Answer

EXPECTED = {
    "servqual": Answer.HOLDS,
    "acsi": Answer.HOLDS,
    "disconfirmation": Answer.HOLDS,
    "kano": Answer.HOLDS,
    "importance-performance": Answer.UNDECIDED,
    "customer-value-ratio": Answer.UNDECIDED,
    # What comes back from a synthetic survey is what was put in: of real customers nothing follows.
    "path-model": Answer.UNDECIDED,
}


@pytest.mark.parametrize("claim_id", EXPECTED)
def test_each_has_its_verdict_and_its_control_fails(claim_id, quick_result):
    result = quick_result(claim_id)
    assert result.control.answer is Answer.FAILS, result.control.reason
    assert result.answer is EXPECTED[claim_id], result.finding.reason
