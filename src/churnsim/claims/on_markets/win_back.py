"""Winning lost customers back: `win-back-odds` and `win-back-selection`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.families import Averaged, Families, families_of
from churnsim.claims.machinery.fitted import DrawnCustomers, base_draws, new_draws, on_market
from churnsim.claims.machinery.maps import map_tables, region_answer, where
from churnsim.claims.machinery.strategy_comparison import gain_of
from churnsim.claims.machinery.verdicts import Answer, Basis, closes, combine, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.economics.second_lifetime import WinBackOffer, odds_to_match
from churnsim.errors import DataError
from churnsim.simulation.scenario.strategy import Strategy, WinBack

ODDS = {"win-back": 0.40 / 0.05, "nine-steps": 1.0 / 0.5}
CHANCE_NEW = 0.05
SILENT_YEARS_ODDS = 0.5
"""Silence after which a customer is taken for lost: half a year, an assumption."""
FEW_DRAWS = 20
RATIO = Axis(name="chance to win back over chance to win a new one", low=0.0, high=10.0, cells=10)
LOST = Axis(name="share of the silent who are lost", low=0.0, high=1.0, cells=10)
SECOND = Axis(name="second life's margin over the first's", low=0.25, high=1.75, cells=3)


@on_market
def judge_odds(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    lost_is_known: bool = True,
    odds: Mapping[str, float] = ODDS,
    silent_years: float = SILENT_YEARS_ODDS,
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


SILENT_YEARS_SELECTION = 0.5
"""Years without a purchase from which on a customer is silent: an assumption."""
CONTACTED = 0.20
"""Share of the silent who are contacted: the same number under every rule, an assumption."""
CHANCE, COST = 0.20, 1.0
"""Success with a customer who is lost, the lower end of Griffin & Lowenstein's 20-40%; cost of a contact, assumed."""
SECOND_HORIZON_YEARS = 2.0
PER_PERIOD = 25
"""Win-back contacts a period of the simulated part: an assumption."""

Score = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
RULES: dict[str, Score] = {
    "expected second-lifetime value": lambda lost, worth: lost * worth,
    "at random": lambda lost, worth: np.random.default_rng(1).random(len(lost)),
    "likeliest to be lost": lambda lost, worth: lost,
    "least expected value": lambda lost, worth: -lost * worth,
}


@on_market
def judge_selection(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    rule: str = "expected second-lifetime value",
    success: float = CHANCE,
    cost: float = COST,
    contacted: float = CONTACTED,
    silent_years: float = SILENT_YEARS_SELECTION,
) -> Finding:
    """The rule against chance and against nothing, on each model of who is lost; the control aims at the least."""
    parts, rows = [], []
    for letter, (model, market) in zip("abc", _markets(evidence).items(), strict=False):
        part, table = _part(
            letter, model, market, rule, WinBackOffer(chance=success, cost=cost), contacted, silent_years
        )
        parts.append(part)
        rows += table
    if rule != "least expected value":
        parts.append(_simulated(evidence, cost, silent_years))
    return Finding(
        answer=combine(parts),
        reason=(
            f"On {evidence.label}: "
            + " ".join(part.reason for part in parts)
            + f" Put in: {success:.0%} of the lost who are contacted return, a contact costs {cost:g}, a "
            f"returned customer buys as before for at most {SECOND_HORIZON_YEARS:g} years. Found: what "
            f"knowing each customer's history adds."
        ),
        **parts[0].figures,
        region=" ".join(part.region for part in parts if part.region) or None,
        parts=tuple(parts),
        tables={"rules": rows},
    )


def _markets(evidence: MarketEvidence) -> dict[str, MarketEvidence]:
    """The market as each model sees its customers, or as it is where their histories are not at hand."""
    found = families_of(evidence)
    return found.markets(evidence) if found else {"the market's own model": evidence}


def _part(
    letter: str,
    model: str,
    evidence: MarketEvidence,
    rule: str,
    offer: WinBackOffer,
    contacted: float,
    silent_years: float,
) -> tuple[Part, Rows]:
    draws = list(base_draws(evidence))
    year = draws[0].year
    # Whoever is silent is seen by the firm, and so are its estimates: means over the draws, not the draws themselves.
    silent = draws[0].last_purchase < -silent_years * year
    lost = np.mean([~draw.alive for draw in draws], axis=0)
    worth = np.mean([draw.worth(SECOND_HORIZON_YEARS * year) for draw in draws], axis=0)
    if not silent.any():
        raise DataError(
            f"no customer has been silent for {silent_years:g} years. It takes customers with a purchase history."
        )
    number = max(1, round(contacted * int(silent.sum())))
    gains = {name: _gains(draws, _chosen(score(lost, worth), silent, number), offer) for name, score in RULES.items()}
    difference, level = spread(gains[rule] - gains["at random"]), spread(gains[rule])
    rows: Rows = [
        {"model": model, "rule": name, "contacts": number, **spread(gain).row("gain")} for name, gain in gains.items()
    ]
    pays = offer.cost + level.lower / number  # the cost of a contact at which the gain's interval reaches 0
    part = Part(
        name=f"({letter}) {model}",
        estimand=(
            f"Expected net gain of contacting the {contacted:.0%} of the silent picked by {rule}, less that "
            f"of as many picked at random, money."
        ),
        answer=difference.above(),
        **difference.figures("money, all contacts together"),
        reason=(
            f"By {model} {number} contacts by {rule} earn {level}, {difference} more than at random; "
            f"{lost[silent].mean():.0%} of the silent are lost."
        ),
        region=f"By {model} it pays against doing nothing up to a cost of {pays:.2f} a contact."
        if pays > 0.0
        else f"By {model} no win-back pays, whatever a contact costs.",
    )
    return part, rows


def _simulated(evidence: MarketEvidence, cost: float, silent_years: float) -> Part:
    """The engine's own win-back, its successes falling with time since the loss and second lives shorter."""
    year = next(base_draws(replace(evidence, replications=1))).year
    plans = {
        choice: Strategy(
            name=choice,
            win_back=WinBack(
                silent_for=silent_years * year, cost_per_contact=cost, most_per_period=PER_PERIOD, choose=choice
            ),
        )
        for choice in ("value", "random")
    }  # fmt: skip
    found = evidence.compare([*plans.values(), Strategy(name="none")])
    against = [gain_of(found, "value", other, jointly=2) for other in ("random", "none")]
    returns = found.values("returns").mean()
    return Part(
        name="simulated",
        estimand=f"Equity with {PER_PERIOD} win-back contacts a period picked by value less picked at random, paired.",
        answer=against[0].above(),
        **against[0].figures("money over the horizon"),
        reason=(
            f"Simulated over the horizon, {PER_PERIOD} contacts a period: by value less at random {against[0]}, by "
            f"value less none {against[1]}; {returns['value']:.0f} and {returns['random']:.0f} customers return."
        ),
    )


def _chosen(score: NDArray[np.float64], silent: NDArray[np.bool_], number: int) -> NDArray[np.intp]:
    return np.argsort(np.where(silent, -score, np.inf), kind="stable")[:number]


def _gains(draws: list[DrawnCustomers], chosen: NDArray[np.intp], offer: WinBackOffer) -> NDArray[np.float64]:
    """What the contacts earn in each draw, who is lost being what that draw says."""
    horizon = SECOND_HORIZON_YEARS * draws[0].year
    return np.array(
        [
            float((~draw.alive[chosen] * offer.chance * draw.worth(horizon)[chosen]).sum() - offer.cost * len(chosen))
            for draw in draws
        ]
    )
