"""What customers tell others: `tell-eleven` and `referral-share`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import new_draws, on_market, worth_of_the_living
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.claims.machinery.sources import TEXTS
from churnsim.claims.machinery.strategy_comparison import budget_of, market_with
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread, closes, conjunction, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.simulation.mechanisms.referral import Referral
from churnsim.simulation.mechanisms.word_of_mouth import WordOfMouth
from churnsim.simulation.scenario.strategy import Acquisition, Strategy

STATED_TELLING = 11.0
STUDY = (9.0, 10.0)
"""Median number told by consumers whose complaint was not settled, as TARP's study for Coca-Cola (1981) is cited."""
PER_CUSTOMER_TELLING = 0.10
"""Money a period on prospects for each known customer: an assumption."""
CONVERSION = Axis(name="prospects kept away per 100 told", low=0.0, high=10.0, cells=10)
TOLD = Axis(name="told by a dissatisfied customer", low=0.0, high=20.0, cells=10)


@on_market
def judge_telling(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    moves: float = 1.0,
    study: Sequence[float] = STUDY,
    per_customer: float = PER_CUSTOMER_TELLING,
) -> Finding:
    """The figure against its study, and what tellings would have to do; the control lets them do nothing."""
    figure = Part(
        name="(a) the figure",
        estimand="People told by a dissatisfied customer, as the study has it.",
        answer=closes(STATED_TELLING, min(max(STATED_TELLING, study[0]), study[1]), within=0.5),
        estimate=STATED_TELLING,
        lower=study[0],
        upper=study[1],
        unit="people told",
        basis=Basis.PUBLISHED,
        reason=f"Stated 11; the study it resembles has {study[0]:.0f} to {study[1]:.0f}, of complainants, not "
        f"of everybody.",
    )
    if tuple(study) != STUDY:
        return Finding(answer=figure.answer, reason=figure.reason, parts=(figure,))
    own = worth_of_the_living(evidence)
    new = spread([float((draw.margin * draw.spend + draw.worth_by_outcome()).mean()) for draw in new_draws(evidence)])
    region = map_region(
        lambda per_hundred, told: per_hundred / 100.0 * told * (new.mean / own.mean * moves),
        Statement(quantity="margin kept away by tellings over the margin lost with the customer itself", above=1.0),
        (CONVERSION, TOLD),
    )
    needed = 100.0 * own.mean / (STATED_TELLING * new.mean)
    cost = map_part(
        region,
        name="(b) what it costs",
        estimand=(
            "Discounted margin of the prospects that one dissatisfied customer keeps away, over the margin "
            "lost with it, by conversion per telling."
        ),
        estimate=needed,
        lower=100.0 * own.lower / (STATED_TELLING * new.upper),
        upper=100.0 * own.upper / (STATED_TELLING * new.lower),
        unit="prospects kept away per 100 told, where both losses are equal",
        reason=(
            f"A customer lost is worth {own} in discounted margin, a new one {new}. Telling 11 costs more "
            f"than the customer itself where at least {needed:.1f} of 100 told would have become customers and do not."
        ),
    )
    if moves == 0.0:
        return Finding(answer=cost.answer, reason="Tellings without effect on anybody cost nothing.", parts=(cost,))
    heard = _simulated_telling(evidence, per_customer)
    parts = (figure, cost, heard)
    return Finding(
        answer=figure.answer,
        basis=figure.basis,
        reason=(
            f"{figure.reason} On {evidence.label}: {cost.reason} {heard.reason} How many of those told would have come "
            "is not known for any market here: the cost as such is what is put in, and the map is the finding."
        ),
        **cost.figures,
        region=cost.region,
        parts=parts,
        tables=map_tables("tellings", region),
    )


def _simulated_telling(evidence: MarketEvidence, per_customer: float) -> Part:
    """New customers by advertising with 11 told by each dissatisfied customer, and with nobody told."""
    budget = budget_of(evidence, per_customer=per_customer)
    adverts = [Strategy(name="adverts", acquisition=Acquisition(budget_per_period=budget))]
    runs = {
        told: market_with(
            evidence, word_of_mouth=WordOfMouth(dissatisfied_tell=told, restored_tell=0, imitation=0.0)
        ).compare(adverts)
        for told in (0, round(STATED_TELLING))
    }
    births = {told: run.values("births")["adverts"].to_numpy(dtype=np.float64) for told, run in runs.items()}
    against = float(runs[round(STATED_TELLING)].values("told_against")["adverts"].mean())
    lost = spread(births[0] - births[round(STATED_TELLING)])
    return Part(
        name="(c) simulated",
        estimand="New customers by advertising over the horizon with nobody told less with 11 told, paired.",
        answer=Answer.UNDECIDED,
        **lost.figures("new customers over the horizon"),
        reason=(
            f"Simulated with {against:,.0f} tellings among {evidence.market.prospects.size:,.0f} prospects, "
            f"each weighing {WordOfMouth().weight:g}: {lost} of {births[0].mean():,.0f} new customers are kept away."
        ),
        region=f"A remembered telling per prospect weighs {WordOfMouth().weight:g} in the hazard's logarithm."
        if lost.lower > 0.0
        else None,
    )


HORIZON_YEARS = 5.0
STATED_REFERRAL: dict[str, tuple[float, float]] = {
    "lecture": (0.55, 0.65),
    "small-firms": (0.20, 0.40),
    "win-back": (0.225, 0.275),
}
"""Referrals per customer over its life that each text implies: where every customer brings R others over its life, a
share R of all new customers come by referral, whatever is spent on winning the rest (R below 1)."""
WORDS = {
    "lecture": "60% of new customers",
    "small-firms": "20-40% of new bank customers",
    "win-back": "25 new for 100 satisfied",
}
RATES = (0.05, 0.25)
"""Referrals a customer and year that are simulated: assumptions."""
PER_CUSTOMER_REFERRAL = 0.10
"""Money a period on prospects for each known customer: an assumption."""
GRID = tuple(round(0.05 * i, 2) for i in range(21))


def share_by_referral(per_customer: float) -> float:
    """Share of new customers who come by referral when each brings that many over its life; 1 at 1 and above, where
    referrals alone keep the base growing."""
    return min(per_customer, 1.0)


@on_market
def judge_referral(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    referring: bool = True,
    most_rate: float = GRID[-1],
    stated: Mapping[str, Sequence[float]] = STATED_REFERRAL,
    rates: Sequence[float] = RATES,
    per_customer: float = PER_CUSTOMER_REFERRAL,
) -> Finding:
    """The referral rate, up to `most_rate` a year, that makes each statement true; the control lets nobody refer."""
    life = spread([float(draw.life(HORIZON_YEARS * draw.year).mean() / draw.year) for draw in new_draws(evidence)])
    most = most_rate * life.mean if referring else 0.0
    parts = tuple(
        _part(letter, text, life, most, stated[text]) for letter, text in zip("abc", STATED_REFERRAL, strict=True)
    )
    if not referring:
        reason = f"With no referral {share_by_referral(most):.0%} of the new customers come by one."
        return Finding(answer=conjunction(parts), reason=reason, parts=parts)
    firm = _simulated_referral(evidence, rates, per_customer)
    low, high = max(low for low, _ in stated.values()), min(high for _, high in stated.values())
    reached = all(part.answer is not Answer.FAILS for part in parts)
    answer = Answer.HOLDS if low <= high and reached else Answer.FAILS
    rows: Rows = [
        {
            "referrals_per_customer_year": rate,
            "referrals_per_life": rate * life.mean,
            "share_by_referral_percent": 100.0 * share_by_referral(rate * life.mean),
            **{
                f"true_in_{text.replace('-', '_')}": low <= rate * life.mean <= high
                for text, (low, high) in STATED_REFERRAL.items()
            },
        }
        for rate in GRID
    ]
    return Finding(
        answer=answer,
        reason=(
            f"On new customers of {evidence.label}, who stay {life.mean:.2f} [{life.lower:.2f}, "
            f"{life.upper:.2f}] of their first {HORIZON_YEARS:g} years, "
            + "; ".join(part.reason for part in parts)
            + ". If every customer brings R others over its life, a share R of the new ones come by referral. "
            "So 25 for 100 lies within the banks' 20-40%, and neither agrees with 60%, which needs more than "
            "twice as many: no rate makes all three true. What the rate is cannot be measured in a log of purchases."
        ),
        estimate=100.0 * STATED_REFERRAL["win-back"][0],
        parts=(*parts, firm),
        tables={"by_rate": rows},
        unit="percent of new customers at 22.5 referrals per 100 lives",
    )


def _simulated_referral(evidence: MarketEvidence, rates: Sequence[float], per_customer: float) -> Part:
    """A firm with today's customers that also advertises: the share of its new customers who come by referral."""
    budget = budget_of(evidence, per_customer=per_customer)
    adverts = [Strategy(name="adverts", acquisition=Acquisition(budget_per_period=budget))]
    told = []
    for rate in rates:
        run = market_with(evidence, referral=Referral(rate_per_year=rate)).compare(adverts)
        births, referred = (
            run.values(account)["adverts"].to_numpy(dtype=np.float64) for account in ("births", "births_referred")
        )
        told.append((rate, spread(100.0 * referred / np.maximum(births, 1.0))))
    return Part(
        name="(d) simulated, two years",
        estimand="Share of new customers who come by referral over the horizon, percent, by referrals per "
        "customer and year.",
        answer=Answer.UNDECIDED,
        **told[-1][1].figures(f"percent of new customers at {rates[-1]:g} a year"),
        reason="; ".join(f"{rate:g} a year give {share} percent" for rate, share in told)
        + f". It depends on what else is spent ({budget:,.0f} a period here), so that no rate gives one share.",
    )


def _part(letter: str, text: str, life: Spread, most: float, stated: Sequence[float]) -> Part:
    """The rate at which a text is right, if customers bring as many over their lives at the most that is looked at."""
    low, high = stated
    reached = low <= most
    return Part(
        name=f"({letter}) {WORDS[text]} ({TEXTS[text].in_brackets})",
        estimand="Referrals a year per customer at which the statement is true.",
        answer=Answer.UNDECIDED if reached else Answer.FAILS,
        estimate=0.5 * (low + high) / life.mean,
        lower=low / life.upper,
        upper=high / life.lower,
        unit="referrals per customer and year",
        reason=f"{WORDS[text]} takes {low / life.mean:.2f} to {high / life.mean:.2f} referrals per customer and year",
        region=f"{low:.3g} to {high:.3g} referrals per customer over its life." if reached else None,
    )
