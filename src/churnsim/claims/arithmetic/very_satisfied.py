"""`very-satisfied`: the very satisfied bring 2.5 times the revenue and 3.2 times the profit."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind, Part
from churnsim.claims.machinery.sources import source
from churnsim.claims.machinery.verdicts import Verdict, closes

__all__ = ["VERY_SATISFIED", "judge"]

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
            verdict=closes(VERY[what] / average[what], STATED[what], within=WITHIN),
            estimate=VERY[what] / average[what],
            unit="times the average",
            reason=f"{VERY[what]:g} / {average[what]:g} = {VERY[what] / average[what]:.3f}; printed {STATED[what]:g}.",
        )
        for letter, what in (("a", "revenue"), ("b", "profit"))
    )
    right = [part.name[4:] for part in parts if part.verdict is Verdict.REPRODUCED]
    others = {what: average[what] / VERY[what] for what in VERY}
    return Finding(
        # A table with one wrong quotient does not close, however many of the others do.
        verdict=Verdict.REPRODUCED if len(right) == len(parts) else Verdict.FAILS,
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


VERY_SATISFIED = Claim(
    id="very-satisfied",
    says=(
        "A very satisfied customer brings 1,500 against 630 of revenue, 2.5 times, and 800 against 250 of profit, "
        "3.2 times."
    ),
    quote="平均年收入是630美元,而“非常满意”的顾客则高达1 500美元,是平均值的2.5倍 … 250 … 800 … 3.2倍",
    sources=(
        source("lecture", measured="No study is named; a chart of average profit by answer to a satisfaction survey."),
    ),
    kind=Kind.ARITHMETIC,
    quantity="Revenue (and profit) a year of the very satisfied over that of the average customer, as a quotient.",
    expect="2.5 and 3.2",
    within=WITHIN,
    because="Half of the one decimal printed.",
    control=Control(
        what="revenue divided by the average profit and profit by the average revenue",
        inputs={"average": {"revenue": AVERAGE["profit"], "profit": AVERAGE["revenue"]}},
    ),
    critique=(
        "Association is not effect: those who buy more have more reason to be satisfied, and to answer.",
        "The relation of satisfaction to share of wallet is not linear and differs by segment (Keiningham, "
        "Perkins-Munn & Evans 2003, Journal of Service Research 6(1), 37-50).",
    ),
    judge=judge,
)
