"""`five-percent-churn`: five percent less churn gives 25 to 85 percent more profit.

Part (d) is of customers under contract, by the sBG fitted to Fader & Hardie's (2007) two cohorts of 1,000, followed for
twelve yearly renewals. Five points more raise the mean retention of the mix and leave its polarization: everybody
becomes somewhat more loyal, nobody becomes like everybody else.

Part (e) is of an improvement that is paid for. Spending a share s of the margin on everybody every year to hold five
points more multiplies the worth of a customer by (1 - s) M(r + .05) / M(r). With M(r) = (1 + d)/(1 + d - r) the gain is
(1 - s) (1 + d - r)/(1 + d - r - .05) - 1, so that it is all spent at s = .05/(1 + d - r).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from churnsim.checks import unchecked
from churnsim.claims.arithmetic.retention_table import OTHER_FIXED_COST, table
from churnsim.claims.arithmetic.value import ACQUISITION_COST
from churnsim.claims.five_percent_churn.five_percent_map import (
    DISCOUNTS,
    HIGH,
    LOW,
    PROFILES,
    Change,
    MapCell,
    TrueStretch,
    cells,
    inside,
    intervals,
)
from churnsim.claims.five_percent_churn.five_percent_map import gain as stream_gain_of
from churnsim.claims.five_percent_churn.five_percent_simulation import FEWER_PERCENT, parts_c
from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.made_up import made_up_market
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.claims.machinery.plausible import Plausible
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread, conjunction, spread
from churnsim.data.subscriptions.subscribers import retention_cohorts
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Region, Statement
from churnsim.economics.break_even import most_spend
from churnsim.economics.multiples import MarginTiming, margin_multiple, relative_gain
from churnsim.economics.streams import stream_gain, stream_value
from churnsim.economics.survival_curves import BetaGeometric
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.simulation.core.belief import Belief

RATE = 0.10
"""Discount rate at which parts are judged and the region is put into words: the card's own."""
RETENTION = Axis(name="base retention", low=0.50, high=0.95, cells=18)
SPENT = Axis(name="share of the margin spent on it", low=0.0, high=0.5, cells=20)
DISCOUNT = Axis(name="discount rate", low=0.0, high=0.20, cells=10)
COST = Axis(name="acquisition cost, in first year's profits", low=0.0, high=2.0, cells=4)
FIRST_YEAR = 30.0
"""The card's profit in the first year."""


def paid_gain(retention: float, spent: float, *, discount_rate: float = RATE) -> float:
    """Relative gain of a customer's worth when five points cost that share of the margin; NaN beyond certainty."""
    if retention + 0.05 > 1.0:
        return math.nan
    before, after = (
        margin_multiple(r, discount_rate=discount_rate, timing=MarginTiming.IMMEDIATE)
        for r in (retention, retention + 0.05)
    )
    return (1.0 - spent) * after / before - 1.0


def part_e() -> Part:
    """The paid improvement."""
    statement = Statement(quantity="gain from five points that are paid for, as a share", above=LOW, below=HIGH)
    region = map_region(paid_gain, statement, (RETENTION, SPENT))
    bases = (0.6, 0.8, 0.9)
    spend = {r: most_spend(margin=1.0, retention=r, gain=0.05, discount_rate=RATE) for r in bases}
    return map_part(
        region,
        name="(e) paid for",
        estimand="Relative gain of a customer's worth at 10% when five points are held by spending on "
        "everybody every year.",
        reason=(
            "Nothing is left of the gain when holding five points takes "
            + ", ".join(f"{share:.0%} of the margin at {r:.0%}" for r, share in spend.items())
            + "."
        ),
    )


def picture(beliefs: Mapping[str, Belief]) -> dict[str, Rows]:
    """The map of the claim: where five points are worth so much, retention by discount by acquisition cost, with what
    is believed of these."""
    likely = dict(zip((RETENTION.name, DISCOUNT.name, COST.name), beliefs.values(), strict=False))
    return map_tables("five points", thought_experiment(Change.POINTS), likely)


def thought_experiment(change: Change) -> Region:
    """The card's growing profit under one retention rate for all.

    Examples
    --------
    >>> thought_experiment(Change.POINTS).counts
    {'fails': 244, 'undecided': 0, 'holds': 476, 'impossible': 0}
    """

    def relative(retention: float, discount: float, cost: float) -> float:
        found = stream_gain_of(
            life="geometric",
            profile="growing",
            acquisition_cost=cost * FIRST_YEAR,
            discount_rate=discount,
            change=change,
            retention=retention,
        )
        return math.nan if found is None else found

    statement = Statement(
        quantity=f"gain in the average new customer's NPV from {change.value}, as a share", above=LOW, below=HIGH
    )
    return map_region(relative, statement, (RETENTION, DISCOUNT, COST))


SETTINGS = {"growing profit, cost 51": ("growing", ACQUISITION_COST), "flat profit, no cost": ("flat", 0.0)}
DRAWS = 200


def gain_under_contract(model: ShiftedBetaGeometric, change: Change, *, profile: str, cost: float) -> float | None:
    """Relative gain in the NPV of a new customer when the mean retention of the mix changes."""
    before = BetaGeometric.from_parameters(alpha=model.alpha, beta=model.beta)
    # No mix has a mean retention of one.
    raised = BetaGeometric(retention=min(change.after(before.retention), 0.999), polarization=before.polarization)
    worth = [
        stream_value(PROFILES[profile], life=life, discount_rate=RATE, acquisition_cost=cost)
        for life in (before, raised)
    ]
    return stream_gain(worth[0], worth[1])


def parts_d(*, draws: int = DRAWS) -> tuple[tuple[Part, ...], Rows]:
    """One part a cohort and setting, and the table with both readings of five percent."""
    parts, rows = [], []
    for cohort, setting in product(retention_cohorts().columns, SETTINGS):
        fit = ShiftedBetaGeometric.fit_cohort(retention_cohorts()[[cohort]])
        profile, cost = SETTINGS[setting]
        retention = 1.0 - fit.model.mean_churn
        models = fit.draw_parameters(draws, seed=1)
        for reading in Change:
            gains = [gain_under_contract(model, reading, profile=profile, cost=cost) for model in models]
            # A base worth nothing has no relative gain; it counts as one far above the range.
            found = spread([100.0 * (10.0 if gain is None else gain) for gain in gains])
            rows.append(
                {
                    "cohort": cohort, "setting": setting, "change": reading.value, "retention": retention,
                    "gain_percent": found.mean, "lower": found.lower, "upper": found.upper,
                }
            )  # fmt: skip
            if reading is Change.POINTS:
                parts.append(_part(str(cohort), setting, retention, found))
    return tuple(parts), rows


def _part(cohort: str, setting: str, retention: float, found: Spread) -> Part:
    return Part(
        name=f"(d) under contract, {cohort}, {setting}",
        estimand="Relative gain in the NPV of a new customer at 10% when mean retention rises by five points, percent.",
        answer=found.within(100.0 * LOW, 100.0 * HIGH),
        basis=Basis.MEASURED,
        **found.figures("percent"),
        reason=f"Subscribers of another firm, mean retention {retention:.1%} in the first year: "
        f"{found.mean:+.1f}% [{found.lower:+.1f}, {found.upper:+.1f}].",
    )


MAP_BASES = tuple(round(0.50 + 0.05 * i, 2) for i in range(10))
"""Bases kept in the stored map; the intervals are found on the finer grid."""
FIRMS = 1000
BELIEFS = {
    "base retention": Belief(
        value=0.80, low=0.55, high=0.93, status="assumed", source="industries lose 10 to 40% of their customers a year"
    ),
    "discount rate": Belief(value=0.10, low=0.06, high=0.15, status="assumed", source="costs of capital"),
    "cost of winning a customer, in profits of its first year": Belief(
        value=1.0, low=0.2, high=3.0, law="log-normal", status="assumed", source="the text's card has 1.7"
    ),
    "polarization of churn": Belief(
        value=0.18, low=0.05, high=0.35, status="published (behaviour)",
        source="Fader & Hardie 2007 and 2010, three groups of subscribers",
    ),
}  # fmt: skip
"""Of any firm: what the thought experiment depends on."""
KEEPING_85 = {
    name: replace(belief, value=value, low=low, high=high)
    for (name, belief), (value, low, high) in zip(
        BELIEFS.items(), [(0.85, 0.84, 0.86), (0.08, 0.07, 0.09), (0.9, 0.8, 1.0), (0.1, 0.08, 0.12)], strict=True
    )
}
"""Of the planted world's firms."""
SHOWN_LIVES = ("mean life", "geometric", "sBG 0.18")
"""Views of life that the words name: the authors' own, one common rate, and customers who differ."""


def part_a(change: Change = Change.POINTS) -> tuple[Part, list[MapCell]]:
    """The thought experiment: the part and every cell of its map."""
    found = list(cells(change))
    defined = [cell for cell in found if cell.gain is not None]
    share = sum(inside(cell.gain) for cell in defined) / len(defined)
    mass = _plausible(change)
    below = sum(gain < LOW and not inside(gain) for gain in _gains(defined)) / len(defined)
    true = intervals(found)
    part = Part(
        name="(a) net present value of the average customer",
        estimand=(
            f"Share of the map's cells in which {change.value} raise the NPV of the average new customer's profit "
            f"stream by {LOW:.0%} to {HIGH:.0%} (base retention .50-.95, three views of life, flat and growing profit, "
            f"with and without acquisition cost, discount {min(DISCOUNTS):.0%}-{max(DISCOUNTS):.0%})."
        ),
        answer=mass.answer,
        basis=Basis.ASSUMED,
        plausible=mass,
        estimate=100.0 * mass.holds,
        unit="percent of what is plausible",
        reason=(
            f"{mass} Of {len(defined)} cells {change.value} give {LOW:.0%}-{HIGH:.0%} in {share:.1%}, less in "
            f"{below:.1%} and more in {abs(1.0 - share - below):.1%}; {len(found) - len(defined)} further cells have "
            "no finite value to start from."
        ),
        region=_region(true) if true else None,
    )
    return part, found


def _plausible(change: Change, beliefs: Mapping[str, Belief] = BELIEFS) -> Plausible:
    """How much of what is believed of base retention, discount, cost of winning and churn's mix the claim holds in; the
    profit of a customer is as likely flat as growing."""
    rng = np.random.default_rng(1)
    drawn = {name: belief.sample(FIRMS, rng) for name, belief in beliefs.items()}
    profiles = np.array(list(PROFILES))[rng.integers(len(PROFILES), size=FIRMS)]
    value, found = unchecked(stream_value), []
    for firm, profile in enumerate(profiles):
        retention, discount, cost, mix = (float(values[firm]) for values in drawn.values())
        stream = PROFILES[str(profile)]
        paid = cost * stream.in_period(1)
        before, after = (
            value(
                stream,
                life=BetaGeometric(retention=r, polarization=mix), discount_rate=discount, acquisition_cost=paid,
            )
            for r in (retention, min(change.after(retention), 0.999))
        )  # fmt: skip
        found.append(inside(unchecked(stream_gain)(before, after)))
    return Plausible.of_draws(found, beliefs)


def _where(true: list[TrueStretch], *, life: str, profile: str, costly: bool) -> str:
    """The stretches of base retention at the card's discount rate, in figures; 'nowhere' when there is none."""
    found = [
        f"{i.lowest_retention:.2f}-{i.highest_retention:.2f}"
        for i in true
        if (i.life, i.profile, i.acquisition_cost > 0, i.discount_rate) == (life, profile, costly, RATE)
    ]
    return " and ".join(found) or "nowhere"


def _region(true: list[TrueStretch]) -> str:
    """The region in words: base retention from and to, at the card's discount rate, in its two extreme settings."""
    settings = (
        ("growing", True, "the card's growing profit and its acquisition cost of 51"),
        ("flat", False, "flat profit and no acquisition cost"),
    )
    lines = [
        f"with {words}, for base retention "
        + ", ".join(f"{_where(true, life=life, profile=profile, costly=costly)} ({life})" for life in SHOWN_LIVES)
        for profile, costly, words in settings
    ]
    return (
        f"At {RATE:.0%} discount, looking at base retention .50-.95: "
        + "; ".join(lines)
        + ". The other settings are in the "
        "table of intervals."
    )


def part_b(*, points: float = 5.0) -> Part:
    """The 75-to-80 table, and the fixed cost without which its gain is not in the range."""
    printed = table()
    base, after = printed.column(0.75), printed.column(0.75 + points / 100.0)
    gain = printed.profit_gain(base.retention, after.retention)
    rise = after.net_contribution - base.net_contribution
    least, most = base.net_contribution - rise / LOW, base.net_contribution - rise / HIGH
    bare = rise / base.net_contribution
    holds = LOW <= gain <= HIGH
    # True at the table's own fixed cost and false without one: the truth is conditional on a figure not printed.
    answer = (Answer.HOLDS if LOW <= bare <= HIGH else Answer.UNDECIDED) if holds else Answer.FAILS
    return Part(
        name="(b) the table of 75 and 80 percent retention",
        estimand=f"Relative rise of a year's profit before tax when retention goes from 75% up by {points:g} points.",
        answer=answer,
        basis=Basis.ARITHMETIC,
        estimate=100.0 * gain,
        unit="percent",
        reason=(
            f"Profit goes from {base.profit:.1f} to {after.profit:.3g}, up {gain:.1%}. Before the other fixed cost of "
            f"{OTHER_FIXED_COST:g}, which the text does not print, the gain is {bare:.1%}."
        ),
        region=f"Other fixed cost between {least:.1f} and {most:.1f} (the inferred one is {OTHER_FIXED_COST:g})."
        if answer is Answer.UNDECIDED
        else None,
    )


def judge(evidence: Evidence = None, quick: bool = False) -> Finding:
    """All readings. The answer to the claim is that of the thought experiment it comes from; what the reader's own
    customers would bring, in (c), is left out without `MarketEvidence`."""
    a, found = part_a()
    c, own = parts_c(evidence, quick)
    d, contracts = parts_d(draws=60 if quick else 200)
    e = part_e()
    parts = (a, part_b(), *c, *d, e)
    misread, missed = part_a(Change.PERCENT)
    run = " ".join(f"{part.name}: {part.reason}" for part in c)
    return Finding(
        answer=a.answer,
        basis=a.basis,
        plausible=a.plausible,
        reason=(
            f"{run} In the thought experiment that the figure comes from: {a.reason} Read as five percent of the "
            f"defections instead of five points it holds in {misread.estimate:.1f}% of what is plausible, and the gain "
            f"can be as small as {min(_gains(missed)):.1%}. "
            + " ".join(f"{part.name}: {part.reason}" for part in d)
            + f" {e.reason}"
        ),
        region=a.region,
        parts=parts,
        tables={
            "contracts": contracts,
            "intervals": [stretch.row() for stretch in intervals(found) + intervals(missed)],
            "map": [{**c.row(), "inside": c.inside} for c in found + missed if c.retention in MAP_BASES],
            "margin_timings": _timings(),
            "own_customers": own,
            **picture(BELIEFS),
        },
    )


def _gains(found: Sequence[MapCell]) -> list[float]:
    return [cell.gain for cell in found if cell.gain is not None]


def _timings() -> list[dict[str, Any]]:
    """Gain of five points in the one-rate margin multiple: what the naming of the first margin does to it."""
    return [
        {
            "retention": retention,
            "discount_rate": rate,
            **{
                timing.name.lower(): relative_gain(retention=retention, points=0.05, discount_rate=rate, timing=timing)
                for timing in MarginTiming
            },
        }
        for retention, rate in ((0.9, 0.0), (0.9, 0.10), (0.9, 0.15), (0.8, 0.10), (0.6, 0.10))
    ]


def control(evidence: Evidence, quick: bool) -> Finding:
    """Five percent of defections in place of five points: too little in all that is plausible, in the table and on
    one's own customers."""
    c, _ = parts_c(evidence, True, change=FEWER_PERCENT, settings=1)
    parts = (_thought(Change.PERCENT), part_b(points=5.0 * (1.0 - 0.75)), *c)
    return Finding(answer=conjunction(parts), reason=" ".join(part.reason for part in parts), parts=parts)


def planted(evidence: Evidence, quick: bool) -> Finding:
    """Firms that keep 85% a year, at usual discount rates and a cost of winning below a year's profit; and customers of
    whom 3% stay a year, so that five points keep many more."""
    parts = [_thought(Change.POINTS, KEEPING_85)]
    if isinstance(evidence, MarketEvidence):
        fleeting = made_up_market(evidence.at(quick=True), 300, gap=2.0, dropout=0.15)
        c, _ = parts_c(fleeting, True, settings=1)
        parts += c[1:]
    return Finding(answer=conjunction(parts), reason=" ".join(part.reason for part in parts), parts=tuple(parts))


def _thought(change: Change, beliefs: Mapping[str, Belief] = BELIEFS) -> Part:
    """The thought experiment by what is believed, without its map."""
    mass = _plausible(change, beliefs)
    name = f"(a) {change.value}"
    where = "as believed" if mass.answer is Answer.HOLDS_IF else None
    return Part(name=name, estimand="", answer=mass.answer, plausible=mass, region=where, reason=str(mass))
