"""`complaint-visibility`: how many dissatisfied customers a complaint stands for."""

from __future__ import annotations

from collections.abc import Mapping

from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind
from churnsim.claims.machinery.sources import TARP_MEASURED, TARP_STUDY, TEXTS, source
from churnsim.claims.machinery.verdicts import Verdict
from churnsim.claims.service_recovery.recovery import TARP

__all__ = ["COMPLAINT_VISIBILITY", "STATED_SHARES", "judge", "kept_by_inviting"]

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
        verdict=Verdict.HOLDS if ratio <= LARGEST_RATIO else Verdict.FAILS,
        reason=(
            f"The share who complain is {told}: the largest is {ratio:.1f} times the smallest, so a firm that counts "
            f"complaints would put its dissatisfied customers at {1 / max(shares.values()):.0f} or at "
            f"{1 / min(shares.values()):.0f} times that. What inviting the silent could keep hangs on it little: in "
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


COMPLAINT_VISIBILITY = Claim(
    id="complaint-visibility",
    says=(
        "Of the dissatisfied 4 in 100 complain ('Keeping existing customers', undated), or 1 in 10 ('Nine steps to "
        "loyalty', 2017), or one for 20 who do not ('Winning back lost customers', undated)."
    ),
    quote=(
        "4%抱怨 96%不抱怨 (《保留老顾客的策略》); 比例为1:9 (《建立客户忠诚之“九步法”》); "
        "每收到一个顾客投诉,就意味着还有20名有同感的顾客 (《怎样重新经营被流失的顾客》)"
    ),
    sources=(
        source("lecture", study=TARP_STUDY, measured=TARP_MEASURED),
        source("nine-steps", measured="No study is named."),
        source("win-back", measured="A handbook of the American Marketing Association is named; it was not found."),
    ),
    kind=Kind.ARITHMETIC,
    quantity="Largest share of complainants among the dissatisfied that a text states over the smallest.",
    expect=(1.0, LARGEST_RATIO),
    within=None,
    because="4 in 100 and 1 in 21 are one figure rounded differently (ratio 1.19); 1.25 lets that pass.",
    control=Control(
        what="a text in which half of the dissatisfied complain", inputs={"shares": {**STATED_SHARES, "control": 0.5}}
    ),
    critique=(
        "The share depends on the size of the loss, on whom one may complain to and on how easy it is: there is no one "
        "figure (TARP 1979, 1986).",
        "A complaint to staff is not a complaint on record: much of the difference is who counts.",
    ),
    judge=judge,
)
