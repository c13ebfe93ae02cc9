"""`win-back-odds`: lost customers are won back eight times, or twice, as easily as new ones are won."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.families import Averaged, Families, families_of
from churnsim.claims.machinery.fitted import base_draws, new_draws, on_market
from churnsim.claims.machinery.maps import map_tables, region_answer, where
from churnsim.claims.machinery.verdicts import Answer, Basis, closes, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.economics.second_lifetime import odds_to_match
from churnsim.errors import DataError

ODDS = {"win-back": 0.40 / 0.05, "nine-steps": 1.0 / 0.5}
CHANCE_NEW = 0.05
SILENT_YEARS = 0.5
"""Silence after which a customer is taken for lost: half a year, an assumption."""
FEW_DRAWS = 20
RATIO = Axis(name="chance to win back over chance to win a new one", low=0.0, high=10.0, cells=10)
LOST = Axis(name="share of the silent who are lost", low=0.0, high=1.0, cells=10)
SECOND = Axis(name="second life's margin over the first's", low=0.25, high=1.75, cells=3)


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    lost_is_known: bool = True,
    odds: Mapping[str, float] = ODDS,
    silent_years: float = SILENT_YEARS,
) -> Finding:
    """The texts against each other, and win-back against acquisition at equal money on the fitted market."""
    parts, tables = _judged(evidence, lost_is_known, odds, silent_years)
    texts, money = parts
    return Finding(
        # At which odds it pays depends on what is put in: the claim is about the odds that are stated.
        answer=money.answer if money.answer is Answer.FAILS else texts.answer,
        basis=texts.basis,
        reason=f"{texts.reason} {money.reason} The chances themselves are no finding: no data at hand hold offers.",
        **money.figures,
        parts=parts,
        tables=tables,
    )


def _judged(
    evidence: MarketEvidence, lost_is_known: bool, odds: Mapping[str, float], silent_years: float
) -> tuple[tuple[Part, Part], Mapping[str, Rows]]:
    shares, values = [], []
    for draw in base_draws(evidence):
        silent = draw.last_purchase < -silent_years * draw.year
        if not silent.any():
            raise DataError(
                f"no customer has been silent for {silent_years:g} years. It takes customers with a purchase history."
            )
        shares.append(float((silent & ~draw.alive).sum() / silent.sum()))
        values.append(float(draw.worth()[silent].mean()))
    own, first = spread(shares), spread(values)
    new = spread([float((draw.margin * draw.spend + draw.worth_by_outcome()).mean()) for draw in new_draws(evidence)])
    found = families_of(evidence)
    lost = _lost_shares(found, evidence, silent_years * draw.year) if found else None

    def advantage(ratio: float, lost: float, second: float) -> float:
        return ratio * (lost if lost_is_known else 0.0) * second * first.mean / new.mean

    region = map_region(
        advantage,
        Statement(quantity="what money earns on silent customers over what it earns on new ones", above=1.0),
        (RATIO, LOST, SECOND),
    )
    texts = Part(
        name="(a) the texts",
        estimand="Odds of winning a lost customer back over those of winning a new one, as each text states them.",
        answer=closes(odds["win-back"], odds["nine-steps"], within=0.5),
        estimate=odds["win-back"] / odds["nine-steps"],
        unit="times, one text's ratio over the other's",
        basis=Basis.PUBLISHED,
        reason=(
            f"'Winning back lost customers' (undated) states {ODDS['win-back']:g} times (40% to 5%), 'Nine steps to "
            f"loyalty' (2017) {ODDS['nine-steps']:g} times (one to a half); in 'After-marketing management' (undated) "
            "a lost customer costs 5 to 10 times a kept one, just as a new one does."
        ),
    )
    # At a share L lost the break-even ratio is q / (chance_new L).
    even = odds_to_match(chance_new=CHANCE_NEW, value_new=new.mean, value_second=first.mean) / CHANCE_NEW
    needs = (
        ", ".join(f"{100.0 * even / share.mean:.1f} times by {name}" for name, share in lost.by_family.items())
        if lost
        else ""
    )
    money = Part(
        name="(b) at equal money",
        estimand=(
            "Chance of winning a lost customer back, over that of winning a new one, from which on a contact "
            "earns more on customers silent for half a year than on prospects at the same cost."
        ),
        answer=region_answer(region),
        estimate=even,
        unit="times, if all the silent were lost and a second life were worth the rest of a first",
        reason=(
            f"Contacts to customers who never left are wasted. Of those of {evidence.label} who are silent "
            f"for half a year "
            + (
                f"{lost} percent are lost, the weights from {found.how}. "
                if lost and found
                else f"{own.mean:.0%} [{own.lower:.0%}, {own.upper:.0%}] are lost. "
            )
            + f"A silent customer would be worth {first}, a new one {new}. Win-back at equal cost needs "
            + (f"{needs} the success of acquisition" if needs else f"{even / own.mean:.1f} times that of acquisition")
            + (f": the models are {lost.apart:.0f} points apart, and the log cannot tell." if lost else ".")
        ),
        region=where(region) if region_answer(region) is Answer.UNDECIDED else None,
    )
    rows: Rows = (
        [
            {"model": name, "lost_share": share.mean / 100.0, "weight": lost.weights[name]}
            for name, share in lost.by_family.items()
        ]
        if lost
        else []
    )
    return (texts, money), {**map_tables("equal money", region), "lost_by_model": rows}


def _lost_shares(found: Families, evidence: MarketEvidence, silent_for: float) -> Averaged:
    """Percentage of the silent who are lost, under each model."""
    summary = evidence.summary
    assert summary is not None
    silent = summary[(summary["T"] - summary["recency"]) > silent_for]
    return found.average(lambda model: 100.0 * (1.0 - float(np.asarray(model.p_alive(silent)).mean())), draws=FEW_DRAWS)
