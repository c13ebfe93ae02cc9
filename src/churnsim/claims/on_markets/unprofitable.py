"""Customers who bring nothing: `worst-twenty`, `dismiss-unprofitable` and `change-first`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence, log_of
from churnsim.claims.machinery.fitted import DrawnCustomers, base_draws, on_market
from churnsim.claims.machinery.verdicts import Answer, Spread, share_of_map, spread
from churnsim.data.customers import customer_spend
from churnsim.data.customers.estimate import resamples
from churnsim.economics.whale import cost_for_worst, whale
from churnsim.errors import DataError
from churnsim.statistics import percentile_limits
from churnsim.typing import Floats

STATED_WORST, WITHIN_WORST, SHARE = 0.50, 0.05, 0.20
COSTS_WORST = tuple(round(0.05 * i, 2) for i in range(20))
"""Cost to serve a customer, the same for each, as a share of the mean customer's margin."""


def judge_worst(
    evidence: Evidence = None, quick: bool = False, *, proportional: bool = False, cost_to_serve: float = 0.0
) -> Finding:
    """The cost to serve that makes it true, or the answer at a known one, a share of the mean customer's margin; the
    control has costs in proportion to what each customer brings."""
    log, label = log_of(evidence)
    spent: NDArray[np.float64] = np.asarray(customer_spend(log).to_numpy(), dtype=np.float64)
    rows: Rows = []
    for cost in COSTS_WORST:
        profit = spent * (1.0 - cost) if proportional else spent - cost * spent.mean()
        rows.append(
            {
                "cost_to_serve_share_of_margin": cost,
                "cut_percent": 100.0 * whale(profit).cut_by_worst(SHARE),
                "customers_who_lose_money_percent": 100.0 * float(np.mean(profit < 0)),
                "peak_percent_of_profit": 100.0 * whale(profit).peak,
            }
        )
    low, middle, high = (
        _needed(spent, cut) for cut in (STATED_WORST - WITHIN_WORST, STATED_WORST, STATED_WORST + WITHIN_WORST)
    )
    samples = [np.repeat(spent, w) for w in resamples(len(spent), replications=50 if quick else 200, seed=1)]
    if cost_to_serve and not proportional:
        return _at_cost(cost_to_serve, spent, samples, label, rows)
    draws = [_needed(sample, STATED_WORST) for sample in samples]
    lower, upper = (float(x) for x in percentile_limits(np.array(draws)))
    if proportional:
        reason = (
            "Where costs are in proportion to what a customer brings nobody loses money, and the worst cut nothing."
        )
        answer, _ = share_of_map(abs(row["cut_percent"] / 100.0 - STATED_WORST) <= WITHIN_WORST for row in rows)
        return Finding(answer=answer, reason=reason, tables={"by_cost": rows})
    return Finding(
        # A cost of serving that makes it true exists for any customers; whether theirs is that is not in a log.
        answer=Answer.UNDECIDED,
        reason=(
            f"On {label} the worst fifth halve the profit of the others when serving a customer costs "
            f"{middle:.1%} of the mean customer's margin, the same for each customer. It is near five sixths for any "
            f"customers of whom the worst bring next to nothing. At that cost "
            f"{np.mean(spent < middle * spent.mean()):.0%} of the customers lose money and the rest make "
            f"{100 * whale(spent - middle * spent.mean()).peak:.0f}% of the profit. A log does not say what "
            f"serving costs: it must be between {low:.1%} and {high:.1%} of the mean customer's margin, the same for "
            "each, and it takes costs by customer to tell (`cost_to_serve` in the settings)."
        ),
        estimate=100.0 * middle,
        lower=100.0 * lower,
        upper=100.0 * upper,
        unit="percent of the mean customer's margin, cost to serve",
        tables={"by_cost": rows},
    )


def _at_cost(cost: float, spent: Floats, samples: list[Floats], label: str, rows: Rows) -> Finding:
    """By how much the worst fifth cut the profit, serving each customer costing that share of the mean margin."""
    cut, *draws = (100.0 * whale(s - cost * s.mean()).cut_by_worst(SHARE) for s in (spent, *samples))
    found = Spread(cut, *(float(x) for x in percentile_limits(np.array(draws))))
    return Finding(
        answer=found.within(100.0 * (STATED_WORST - WITHIN_WORST), 100.0 * (STATED_WORST + WITHIN_WORST)),
        reason=f"On {label}, where serving each costs {cost:.1%} of the mean margin, the worst fifth cut the "
        f"profit of the others by {found} percent.",
        **found.figures("percent of the others' profit"),
        tables={"by_cost": rows},
    )


def planted_worst(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Customers half of whom spend next to nothing, at the cost to serve at which the worst fifth halve the profit."""
    spent = np.random.default_rng(seed).uniform(0.5, 1.5, 2000) * np.where(np.arange(2000) % 2, 10.0, 0.1)
    log = pd.DataFrame({"customer_id": np.arange(2000), "date": pd.Timestamp("2020-01-01"), "amount": spent})
    return judge_worst(log, quick, cost_to_serve=_needed(spent, STATED_WORST))


def _needed(spent: NDArray[np.float64], cut: float) -> float:
    return cost_for_worst(spent, share=SHARE, cut=cut) / float(spent.mean())


COSTS_DISMISSAL = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0)
"""Cost to serve a customer a year whether it buys or not (catalogues, accounts), money: an assumption, varied."""
TRAILING_YEARS = 0.75
"""CDNOW's calibration: 39 weeks in which a customer's margin is held against its cost."""
YEARS = 2.0


@on_market
def judge_dismissal(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    dismiss_best: bool = False,
    costs: Sequence[float] = COSTS_DISMISSAL,
) -> Finding:
    """What dismissal saves and loses, by cost to serve; the control dismisses the most profitable."""
    draws = draws_with_a_history(evidence)
    rows: Rows = []
    for cost in costs:
        gains, shares, turned = [], [], []
        for draw in draws:
            trailing = draw.margin * draw.repeat_revenue - cost * TRAILING_YEARS
            out = trailing < 0
            if dismiss_best:
                out = trailing >= np.quantile(trailing, 0.8)
            horizon = YEARS * draw.year
            # Whoever is dismissed costs nothing more and brings nothing more; nobody dismissed comes back.
            brings = draw.worth_by_outcome(horizon)
            served = cost / draw.year * discounted_time(draw.force, horizon)
            gains.append(float((served - brings)[out].sum()))
            shares.append(float(out.mean()))
            turned.append(float((brings > served)[out].mean()) if out.any() else 0.0)
        gain = spread(gains)
        rows.append(
            {
                "cost_to_serve_per_year": cost,
                "dismissed_percent": 100.0 * float(np.mean(shares)),
                "would_have_paid_percent_of_dismissed": 100.0 * float(np.mean(turned)),
                **gain.row("gain"),
                "answer": gain.above().value,
            }
        )
    return _finding_dismissal(evidence.label, rows)


def draws_with_a_history(evidence: MarketEvidence) -> list[DrawnCustomers]:
    """Today's customers by draw. Raises DataError where none of them has past purchases."""
    draws = list(base_draws(evidence))
    if not any(draw.repeat_revenue.any() for draw in draws):
        raise DataError(
            "these customers have no past purchases to hold against their cost. It takes a purchase history."
        )
    return draws


def gain_of(row: Mapping[str, Any]) -> Spread:
    """The gain that a row of the table holds."""
    return Spread(row["gain"], row["lower"], row["upper"])


def discounted_time(force: float, horizon: float) -> float:
    """Present value of one unit of money per unit of time until the horizon."""
    return float(-np.expm1(-force * horizon) / force) if force > 0 else horizon


def _finding_dismissal(label: str, rows: Rows) -> Finding:
    answers = {str(row["answer"]) for row in rows}
    pays = [row["cost_to_serve_per_year"] for row in rows if row["answer"] == Answer.HOLDS]
    answer = Answer(answers.pop()) if len(answers) == 1 else Answer.UNDECIDED
    cheap, costly = rows[0], rows[-1]
    parts = tuple(
        Part(
            name=f"cost to serve {row['cost_to_serve_per_year']:g} a year",
            estimand="Net present value of dismissing all whose trailing margin is below their cost, money "
            "over two years.",
            answer=Answer(row["answer"]),
            **gain_of(row).figures("money over two years"),
            reason=(
                f"{row['dismissed_percent']:.0f}% are dismissed, {row['would_have_paid_percent_of_dismissed']:.0f}% of "
                f"whom would have paid: {gain_of(row)}."
            ),
        )
        for row in (cheap, costly)
    )
    return Finding(
        answer=answer,
        reason=(
            f"On {label} a customer is dismissed whose margin of the last 39 weeks is below its cost. {parts[0].name}: "
            f"{parts[0].reason} {parts[1].name}: {parts[1].reason}"
            + " Those dismissed include customers who would have turned, and with a low cost they are worth more than "
            "is saved on the rest." * (parts[0].answer is Answer.FAILS)
        ),
        **gain_of(costly).figures(
            f"money over two years at a cost to serve of {costly['cost_to_serve_per_year']:g} a year"
        ),
        region=f"Serving a customer costs {min(pays):g} a year or more (of "
        f"{', '.join(f'{c:g}' for c in (row['cost_to_serve_per_year'] for row in rows))} looked at)."
        if pays and answer is Answer.UNDECIDED
        else None,
        parts=parts,
        tables={"by_cost": rows},
    )


COSTS_CHANGE = (1.0, 4.0, 16.0)
"""Cost to serve a customer a year whether it buys or not, money: an assumption, varied."""
CUT, TRIAL = 0.5, 1.0
"""Share of the cost to serve that a change saves, and what trying it costs a customer: assumptions."""


@on_market
def judge_change(
    evidence: MarketEvidence, quick: bool = False, *, costs: Sequence[float] = COSTS_CHANGE, cut: float = CUT,
    trial: float = TRIAL,
) -> Finding:  # fmt: skip
    """Serving those cheaper whose margin is below their cost, and dismissing who still is, against dismissing at once.

    Raises DataError for customers without past purchases.
    """
    draws = draws_with_a_history(evidence)
    rows: Rows = []
    for cost in costs:
        gains, tried, kept, worth = [], [], [], []
        for draw in draws:
            trailing = draw.margin * draw.repeat_revenue
            out = trailing < cost * TRAILING_YEARS
            stays = out & (trailing >= (1.0 - cut) * cost * TRAILING_YEARS)
            horizon = YEARS * draw.year
            served = (1.0 - cut) * cost / draw.year * discounted_time(draw.force, horizon)
            saved = float((draw.worth_by_outcome(horizon) - served)[stays].sum())
            gains.append(saved - trial * float(out.sum()))
            worth.append(saved / max(1.0, float(out.sum())))
            tried.append(float(out.mean()))
            kept.append(float(stays.sum() / max(1.0, float(out.sum()))))
        gain, each = spread(gains), spread(worth)
        rows.append(
            {
                "cost_to_serve_per_year": cost, "tried_percent": 100.0 * float(np.mean(tried)),
                "kept_percent_of_tried": 100.0 * float(np.mean(kept)), **gain.row("gain"),
                "most_a_trial_may_cost": each.mean, "answer": gain.above().value,
            }
        )  # fmt: skip
    return _finding_change(evidence.label, rows, cut, trial)


def _finding_change(label: str, rows: Rows, cut: float, trial: float) -> Finding:
    parts = tuple(
        Part(
            name=f"cost to serve {row['cost_to_serve_per_year']:g} a year",
            estimand="Net present value of trying a change first less that of dismissing at once, money over "
            "two years.",
            answer=Answer(row["answer"]),
            **gain_of(row).figures("money over two years"),
            reason=f"{row['tried_percent']:.0f}% are tried, {row['kept_percent_of_tried']:.0f}% of whom pay then "
            f"and stay: {gain_of(row)}; trying pays below "
            f"{row['most_a_trial_may_cost']:.2f} a customer.",
        )
        for row in rows
    )
    answers = {part.answer for part in parts}
    pays = [f"{row['cost_to_serve_per_year']:g}" for row in rows if row["answer"] == Answer.HOLDS]
    answer = answers.pop() if len(answers) == 1 else Answer.UNDECIDED
    return Finding(
        answer=answer,
        reason=f"On {label}, a change that saves {cut:.0%} of the cost to serve and costs {trial:g} a customer to try: "
        + " ".join(f"{part.name}: {part.reason}" for part in parts)
        + " What a change saves is assumed; a firm knows what it may cost.",
        **parts[0].figures,
        region=f"Serving a customer costs {' or '.join(pays)} a year, of what was looked at." if pays else None,
        parts=parts,
        tables={"by_cost": rows},
    )
