"""`disconfirmation`: satisfaction is performance against expectation, and fairness of the exchange."""

from __future__ import annotations

from typing import Any

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, combine
from churnsim.kernels.engine.records import Records, Rules, packed
from churnsim.kernels.engine.satisfaction import after_purchase

# (quality, expectation) above, at and below expectation, in standard deviations; performance alone would call the first
# bad and the last good.
CASES = {"beats a low expectation": (-0.5, -2.0), "meets it": (1.0, 1.0), "falls short of a high one": (1.0, 2.5)}


def judge(evidence: Evidence = None, quick: bool = False, *, expectations: bool = True) -> Finding:
    """The rule of the simulated customers on cases whose order is known; the control reads it from performance
    alone, leaving out expectations and what others get."""
    rules = _rules(disconfirmation=0.4, carry=0.0)
    felt = {name: _satisfied(rules, q, e if expectations else 0.0) for name, (q, e) in CASES.items()}
    better, same, worse = felt.values()
    ahead, even, behind = (
        _satisfied(_rules(equity=0.5 if expectations else 0.0, reference_ratio=ratio, carry=0.0), 0.0, 0.0)
        for ratio in (0.8, 1.0, 1.25)
    )
    gain, loss = (_satisfied(_rules(disconfirmation=0.4, asymmetry=2.0, carry=0.0), q, 0.0) for q in (1.0, -1.0))
    parts = (
        Part(
            name="(a) disconfirmation",
            estimand="Order of satisfaction after quality above, at and below what was expected.",
            answer=Answer.HOLDS if better > 0.0 and same == 0.0 and worse < 0.0 else Answer.FAILS,
            reason="; ".join(f"{name}: {value:+.2f}" for name, value in felt.items()) + ".",
        ),
        Part(
            name="(b) equity",
            estimand="Order of satisfaction where the reference group gets less, as much and more for its input.",
            answer=Answer.HOLDS if ahead > 0.0 and even == 0.0 and behind < 0.0 else Answer.FAILS,
            reason=f"others get less: {ahead:+.2f}, as much: {even:+.2f}, more: {behind:+.2f}.",
        ),
    )
    return Finding(
        answer=combine(parts),
        reason=(
            " ".join(f"{part.name}: {part.reason}" for part in parts)
            + f" Asymmetric: a gap of one standard deviation is felt as {gain:+.2f} above and {loss:+.2f} below. The "
            "rule does what the text says; how strong each part is among real customers is not in it, and every number "
            "of it is marked as assumed."
        ),
        parts=parts,
    )


def _rules(**numbers: Any) -> Records:
    required: list[Any] = [0.0] * 12
    return packed(Rules(*required)._replace(satisfaction=True, outcome_per_quality=0.25, **numbers))


def _satisfied(rules: Records, quality: float, expected: float) -> float:
    return float(after_purchase(rules, expected, 0.0, quality)[1])
