"""`complaint-visibility`: how many dissatisfied customers a complaint stands for."""

from __future__ import annotations

from collections.abc import Mapping

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.sources import TARP, TEXTS
from churnsim.claims.machinery.verdicts import Answer

STATED_SHARES: Mapping[str, float] = {"lecture": 4 / 100, "nine-steps": 1 / 10, "win-back": 1 / 21}
"""Share of the dissatisfied who complain: 4 of 100; 1 to 9 silent; 1 for 20 more who feel the same."""
LARGEST_RATIO = 1.25
"""4 in 100 and 1 in 21 still agree as round figures (1.19); a tenth does not agree with either."""


def kept_by_inviting(share: float, loss: str) -> float:
    """Customers of 100 dissatisfied whom it would keep if the silent complained too and were answered quickly.

    (1 - c)(s_quick - s_silent), in TARP's rates; those made to complain are taken to behave like those who do.
    """
    rates = TARP[loss]
    return 100.0 * (1.0 - share) * (rates["resolved_quickly"] - rates["silent"])


def judge(evidence: Evidence = None, quick: bool = False, *, shares: Mapping[str, float] = STATED_SHARES) -> Finding:
    """Hold the shares against each other; the control adds one that cannot agree."""
    rows = [
        {
            "text": _name(text),
            "complain_percent": 100.0 * share,
            "dissatisfied_per_complaint": 1.0 / share,
            "kept_by_inviting_major_loss": kept_by_inviting(share, "major"),
            "kept_by_inviting_minor_loss": kept_by_inviting(share, "minor"),
        }
        for text, share in shares.items()
    ]
    ratio = max(shares.values()) / min(shares.values())
    told = ", ".join(f"{share:.1%} ({_name(text)})" for text, share in shares.items())
    least, most = (min if low else max for low in (True, False))
    minor = [kept_by_inviting(share, "minor") for share in shares.values()]
    return Finding(
        answer=Answer.HOLDS if ratio <= LARGEST_RATIO else Answer.FAILS,
        reason=(
            f"The share who complain is {told}: the largest is {ratio:.1f} times the smallest, so a firm that counts "
            f"complaints would put its dissatisfied customers at {1 / max(shares.values()):.0f} or at "
            f"{1 / min(shares.values()):.0f} times that. What inviting the silent could keep depends little on it: in "
            f"TARP's rates for a minor loss {least(minor):.0f} to {most(minor):.0f} of 100, since nearly all "
            f"are silent in every text."
        ),
        estimate=ratio,
        unit="largest share over smallest",
        tables={"shares": rows},
    )


def _name(text: str) -> str:
    """How the text is cited; the control's share is of none."""
    return TEXTS[text].in_brackets if text in TEXTS else text
