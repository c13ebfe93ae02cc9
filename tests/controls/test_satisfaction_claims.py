"""Controls: every claim about measuring satisfaction is judged, and its deliberately wrong variant fails."""

from __future__ import annotations

import pytest

from churnsim.claims.machinery.verdicts import Verdict

EXPECTED = {
    "servqual": Verdict.REPRODUCED,
    "acsi": Verdict.HOLDS,
    "disconfirmation": Verdict.HOLDS,
    "kano": Verdict.HOLDS,
    "importance-performance": Verdict.HOLDS_IF,
    "customer-value-ratio": Verdict.HOLDS_IF,
    # What comes back from a synthetic survey is what was put in: of real customers nothing follows.
    "path-model": Verdict.UNTESTABLE,
}


@pytest.mark.parametrize("claim_id", EXPECTED)
def test_each_has_its_verdict_and_its_control_fails(claim_id, quick_result):
    result = quick_result(claim_id)
    assert result.control.verdict is Verdict.FAILS, result.control.reason
    assert result.verdict is EXPECTED[claim_id], result.finding.reason
    assert (result.verdict is Verdict.HOLDS_IF) <= bool(result.finding.region)
