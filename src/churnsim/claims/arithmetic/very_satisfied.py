"""`very-satisfied`: the very satisfied bring 2.5 times the revenue and 3.2 times the profit."""

from __future__ import annotations

import math
from typing import NamedTuple

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.firm_data import load
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread, closes
from churnsim.data import datasets

VERY = {"revenue": 1500.0, "profit": 800.0}
AVERAGE = {"revenue": 630.0, "profit": 250.0}
STATED = {"revenue": 2.5, "profit": 3.2}
WITHIN = 0.05


class Asked(NamedTuple):
    """A survey's question on satisfaction, its answers that count as very satisfied and as satisfied, and loyalty."""

    satisfaction: str
    very: tuple[int, int]
    satisfied: tuple[int, int]
    loyalty: tuple[str, ...]
    scale: tuple[int, int]


ASKED = {
    "mobile-survey": Asked("CUSA1", (9, 10), (7, 8), ("CUSL1", "CUSL2", "CUSL3"), (1, 10)),
    "reputation-survey": Asked("cusa", (7, 7), (5, 6), ("cusl_1", "cusl_2", "cusl_3"), (1, 7)),
}


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
    customers = _by_satisfaction() if average is AVERAGE else ()
    others = {what: average[what] / VERY[what] for what in VERY}
    return Finding(
        # A table with one wrong quotient does not close, however many of the others do.
        answer=Answer.HOLDS if len(right) == len(parts) else Answer.FAILS,
        reason=(
            " ".join(part.reason for part in parts)
            + f" What closes: {', '.join(right) or 'nothing'}. If every customer could be made very satisfied the "
            f"average would be {1 / others['revenue']:.2f} times the revenue only if satisfaction were the cause; the "
            f"averages compare different customers. {' '.join(f'{part.name}: {part.reason}' for part in customers)}"
        ).rstrip(),
        estimate=parts[0].estimate,
        unit="times the average revenue",
        parts=(*parts, *customers),
    )


def _by_satisfaction() -> tuple[Part, ...]:
    """Loyalty of the very satisfied and of those below them, as customers told it; nothing where no survey is there."""
    parts = []
    for letter, (name, asked) in zip("cd", ASKED.items(), strict=True):
        if not datasets.describe(name).at_hand:
            continue
        answers = load(name)
        low, high = asked.scale
        loyalty = 100.0 * (answers[list(asked.loyalty)].mean(axis=1) - low) / (high - low)
        very, below = (
            loyalty[answers[asked.satisfaction].between(*ends)].dropna() for ends in (asked.very, asked.satisfied)
        )
        more = float(very.mean() - below.mean())
        reach = 1.96 * math.sqrt(very.var(ddof=1) / len(very) + below.var(ddof=1) / len(below))
        found = Spread(more, more - reach, more + reach)
        parts.append(
            Part(
                name=f"({letter}) loyalty, {name}",
                estimand="Loyalty (0 to 100) of the very satisfied less that of the satisfied below them, as told.",
                answer=found.above(0.0),
                basis=Basis.MEASURED,
                **found.figures("points of 100"),
                reason=f"{len(very)} very satisfied customers are {found} points more loyal than {len(below)} "
                "satisfied.",
            )
        )
    return tuple(parts)
