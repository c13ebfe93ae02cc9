"""What a customer brings: `best-customer`, `very-satisfied`, `cheaper-to-serve` and `regular-customers`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from churnsim.claims.arithmetic.retention_table import OTHER_FIXED_COST, table
from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.firms import load
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread, closes
from churnsim.data import datasets
from churnsim.statistics import wilson

BEST, ORDINARY, STATED_BEST = 3500.0, 275.0, 13
EFFORT = (7.0, 10.0)
PERCENTILES = (75.0, 80.0, 90.0, 95.0, 97.0, 98.0, 99.0, 99.5, 99.9)


def replacements(spent: pd.Series[float]) -> Rows:
    """How many ordinary customers (of mean spend) the customer at each percentile is worth."""
    ordinary = float(spent.mean())
    return [
        {
            "percentile": percentile,
            "spend": float(spent.quantile(percentile / 100.0)),
            "ordinary_customers": float(spent.quantile(percentile / 100.0)) / ordinary,
        }
        for percentile in PERCENTILES
    ]


def _on_a_log(evidence: Evidence) -> tuple[Part, Rows]:
    log, label = log_of(evidence)
    spent = log.groupby("customer_id")["amount"].sum()
    days = (log["date"].max() - log["date"].min()).days + 1
    table, ordinary = replacements(spent), float(spent.mean())
    many = spent >= ordinary * BEST / ORDINARY
    above, lower, upper = float(many.mean()), *(100.0 * float(end) for end in wilson(many.sum(), len(many)))
    effort = [float((spent >= ordinary * factor).mean()) for factor in EFFORT]
    part = Part(
        name="(b) on a log of purchases",
        estimand="Share of customers worth at least as many average customers as the text's best one, percent.",
        basis=Basis.MEASURED,
        answer=Answer.HOLDS if above else Answer.FAILS,
        estimate=100.0 * above,
        lower=lower,
        upper=upper,
        unit="percent of the customers",
        reason=(
            f"Of {label} {above:.2%} spent {BEST / ORDINARY:.1f} times the mean of "
            f"{ordinary:.2f} or more in {days:,} days; {effort[1]:.2%} ten times and {effort[0]:.2%} seven times."
        ),
        region=f"The customer lost is among the best {above:.2%}." if above else None,
    )
    return part, table


def judge_best(evidence: Evidence = None, quick: bool = False, *, ordinary: float = ORDINARY) -> Finding:
    """The quotient, and where such customers are on CDNOW; the control takes another ordinary customer."""
    needed = math.ceil(BEST / ordinary)
    arithmetic = Part(
        name="(a) the quotient",
        estimand="Ordinary customers whose spend makes up for one of the best, whole customers.",
        answer=closes(needed, STATED_BEST, within=0.0),
        estimate=BEST / ordinary,
        unit="ordinary customers",
        reason=f"{BEST:g} / {ordinary:g} = {BEST / ordinary:.2f}, so it takes {needed}; the text says {STATED_BEST}.",
    )
    if arithmetic.answer is Answer.FAILS:
        return Finding(answer=Answer.FAILS, reason=arithmetic.reason, parts=(arithmetic,))
    data, table = _on_a_log(evidence)
    return Finding(
        answer=arithmetic.answer,
        basis=Basis.ARITHMETIC,
        reason=(
            f"{arithmetic.reason} The same sentence has 7 to 10 times the effort, which is not the same figure. "
            f"{data.reason}"
        ),
        estimate=BEST / ordinary,
        unit="ordinary customers",
        region=data.region or "In the text's own figures; nobody on this log spends that much.",
        parts=(arithmetic, data),
        tables={"by_percentile": table},
    )


VERY = {"revenue": 1500.0, "profit": 800.0}
AVERAGE = {"revenue": 630.0, "profit": 250.0}
TIMES = {"revenue": 2.5, "profit": 3.2}
WITHIN_VERY = 0.05


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


def judge_very(evidence: Evidence = None, quick: bool = False, *, average: dict[str, float] = AVERAGE) -> Finding:
    """Both quotients; the control divides by the other row's average."""
    parts = tuple(
        Part(
            name=f"({letter}) {what}",
            estimand=f"Yearly {what} of a very satisfied customer over that of the average customer.",
            answer=closes(VERY[what] / average[what], TIMES[what], within=WITHIN_VERY),
            estimate=VERY[what] / average[what],
            unit="times the average",
            reason=f"{VERY[what]:g} / {average[what]:g} = {VERY[what] / average[what]:.3f}; printed {TIMES[what]:g}.",
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


def judge_cheaper(evidence: Evidence = None, quick: bool = False, *, costs: Sequence[float] | None = None) -> Finding:
    """Whether cost to serve falls with the year of the relation, given such `costs`; none are at hand."""
    if costs is None:
        return Finding(
            answer=Answer.UNDECIDED,
            reason=(
                "None of the data at hand holds costs by customer: CDNOW has purchases, Telco charges. It "
                "takes costs of service by customer and year, with revenue beside them, for the same "
                "customers over time. To put a falling cost into the simulation would return it."
            ),
        )
    falls = all(later < earlier for earlier, later in pairwise(costs))
    return Finding(
        answer=Answer.HOLDS if falls else Answer.FAILS,
        reason=f"Cost to serve by year of the relation: {', '.join(f'{cost:g}' for cost in costs)}.",
        estimate=costs[-1] - costs[0],
        unit="money per customer and year, last year less first",
    )


MORE, STATED_REGULAR, WITHIN_REGULAR = 0.05, 0.25, 0.025
SHARES = tuple(round(0.05 * i, 2) for i in range(20))
"""Fixed cost as a share of the contribution of the regular customers."""


def gain(fixed_share: float, *, more: float = MORE) -> float:
    """Relative rise of profit n m - F when n rises by `more` at the same margin: more / (1 - F / (n m))."""
    return more / (1.0 - fixed_share)


def judge_regular(evidence: Evidence = None, quick: bool = False, *, shares: tuple[float, ...] = SHARES) -> Finding:
    """Which fixed cost makes it true; the control has none."""
    low, high = (1.0 - MORE / g for g in (STATED_REGULAR - WITHIN_REGULAR, STATED_REGULAR + WITHIN_REGULAR))
    inside = [low <= share <= high for share in shares]
    column = table().column(0.75)
    own = OTHER_FIXED_COST / column.net_contribution
    answer = Answer.FAILS if not any(inside) else Answer.HOLDS if all(inside) else Answer.UNDECIDED
    return Finding(
        answer=answer,
        reason=(
            f"{MORE:.0%} more customers of the same margin bring {MORE:.0%} more contribution. Profit rises by "
            f"{STATED_REGULAR:.0%} only through leverage on a fixed cost: it must be {1 - MORE / STATED_REGULAR:.0%} "
            f"of the contribution. In the retention table of 'Keeping existing customers' (undated) it is {own:.1%} "
            f"at 75% retention, and {MORE:.0%} more "
            f"customers there give {gain(own):.1%}. Winning them is free in this reckoning."
        ),
        estimate=100.0 * (1.0 - MORE / STATED_REGULAR),
        unit="percent of contribution that is fixed cost",
        region=f"Fixed cost between {low:.1%} and {high:.1%} of contribution, and the customers cost nothing to win."
        if answer is Answer.UNDECIDED
        else None,
        tables={
            "leverage": [
                {"fixed_cost_share": share, "profit_gain": gain(share), "inside": ok}
                for share, ok in zip(shares, inside, strict=True)
            ]
        },
    )
