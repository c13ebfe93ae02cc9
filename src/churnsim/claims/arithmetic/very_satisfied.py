"""`very-satisfied`: the very satisfied bring 2.5 times the revenue and 3.2 times the profit."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, closes

VERY = {"revenue": 1500.0, "profit": 800.0}
AVERAGE = {"revenue": 630.0, "profit": 250.0}
STATED = {"revenue": 2.5, "profit": 3.2}
WITHIN = 0.05


def judge(evidence: Evidence = None, quick: bool = False, *, average: dict[str, float] = AVERAGE) -> Finding:
    """Both quotients; the control divides by the other row's average."""
    parts = tuple(
        Part(
            name=f"({letter}) {what}",
            estimand=f"Yearly {what} of a very satisfied customer over that of the average customer.",
            answer=closes(VERY[what] / average[what], STATED[what], within=WITHIN),
            estimate=VERY[what] / average[what],
            unit="times the average",
            reason=f"{VERY[what]:g} / {average[what]:g} = {VERY[what] / average[what]:.3f}; printed {STATED[what]:g}.",
        )
        for letter, what in (("a", "revenue"), ("b", "profit"))
    )
    right = [part.name[4:] for part in parts if part.answer is Answer.HOLDS]
    others = {what: average[what] / VERY[what] for what in VERY}
    return Finding(
        # A table with one wrong quotient does not close, however many of the others do.
        answer=Answer.HOLDS if len(right) == len(parts) else Answer.FAILS,
        reason=(
            " ".join(part.reason for part in parts)
            + f" What closes: {', '.join(right) or 'nothing'}. If every customer could be made very satisfied the "
            f"average would be {1 / others['revenue']:.2f} times the revenue only if satisfaction were the cause; the "
            "averages compare different customers."
        ),
        estimate=parts[0].estimate,
        unit="times the average revenue",
        parts=parts,
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """The wrong variant that the statement names."""
    return judge(evidence, quick, average={"revenue": AVERAGE["profit"], "profit": AVERAGE["revenue"]})
