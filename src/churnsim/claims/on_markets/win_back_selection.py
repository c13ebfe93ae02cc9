"""`win-back-selection`: win back those whose lifetime value is worth it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.families import families_of
from churnsim.claims.machinery.fitted import DrawnCustomers, base_draws, on_market
from churnsim.claims.machinery.strategy_comparison import gain_of
from churnsim.claims.machinery.verdicts import combine, spread
from churnsim.economics.second_lifetime import WinBackOffer
from churnsim.errors import DataError
from churnsim.simulation.scenario.strategy import Strategy, WinBack

SILENT_YEARS = 0.5
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
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    rule: str = "expected second-lifetime value",
    success: float = CHANCE,
    cost: float = COST,
    contacted: float = CONTACTED,
    silent_years: float = SILENT_YEARS,
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
