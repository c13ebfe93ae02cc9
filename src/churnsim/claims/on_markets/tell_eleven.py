"""`tell-eleven`: a dissatisfied customer tells eleven people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import new_draws, on_market, worth_of_the_living
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.claims.machinery.strategy_comparison import budget_of, market_with
from churnsim.claims.machinery.verdicts import Answer, Basis, closes, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.simulation.mechanisms.word_of_mouth import WordOfMouth
from churnsim.simulation.scenario.strategy import Acquisition, Strategy

STATED = 11.0
STUDY = (9.0, 10.0)
"""Median number told by consumers whose complaint was not settled, as TARP's study for Coca-Cola (1981) is cited."""
PER_CUSTOMER = 0.10
"""Money a period on prospects for each known customer: an assumption."""
CONVERSION = Axis(name="prospects kept away per 100 told", low=0.0, high=10.0, cells=10)
TOLD = Axis(name="told by a dissatisfied customer", low=0.0, high=20.0, cells=10)


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    moves: float = 1.0,
    study: Sequence[float] = STUDY,
    per_customer: float = PER_CUSTOMER,
) -> Finding:
    """The figure against its study, and what tellings would have to do; the control lets them do nothing."""
    figure = Part(
        name="(a) the figure",
        estimand="People told by a dissatisfied customer, as the study has it.",
        answer=closes(STATED, min(max(STATED, study[0]), study[1]), within=0.5),
        estimate=STATED,
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
    needed = 100.0 * own.mean / (STATED * new.mean)
    cost = map_part(
        region,
        name="(b) what it costs",
        estimand=(
            "Discounted margin of the prospects that one dissatisfied customer keeps away, over the margin "
            "lost with it, by conversion per telling."
        ),
        estimate=needed,
        lower=100.0 * own.lower / (STATED * new.upper),
        upper=100.0 * own.upper / (STATED * new.lower),
        unit="prospects kept away per 100 told, where both losses are equal",
        reason=(
            f"A customer lost is worth {own} in discounted margin, a new one {new}. Telling 11 costs more "
            f"than the customer itself where at least {needed:.1f} of 100 told would have become customers and do not."
        ),
    )
    if moves == 0.0:
        return Finding(answer=cost.answer, reason="Tellings without effect on anybody cost nothing.", parts=(cost,))
    heard = _simulated(evidence, per_customer)
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


def _simulated(evidence: MarketEvidence, per_customer: float) -> Part:
    """New customers by advertising with 11 told by each dissatisfied customer, and with nobody told."""
    budget = budget_of(evidence, per_customer=per_customer)
    adverts = [Strategy(name="adverts", acquisition=Acquisition(budget_per_period=budget))]
    runs = {
        told: market_with(
            evidence, word_of_mouth=WordOfMouth(dissatisfied_tell=told, restored_tell=0, imitation=0.0)
        ).compare(adverts)
        for told in (0, round(STATED))
    }
    births = {told: run.values("births")["adverts"].to_numpy(dtype=np.float64) for told, run in runs.items()}
    against = float(runs[round(STATED)].values("told_against")["adverts"].mean())
    lost = spread(births[0] - births[round(STATED)])
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
