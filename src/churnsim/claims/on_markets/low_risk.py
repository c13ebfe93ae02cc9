"""`low-risk`: keeping customers is low cost, low risk and high performance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.made_up import made_up_market
from churnsim.claims.machinery.maps import map_of, map_tables, where
from churnsim.claims.machinery.strategy_comparison import PER_CUSTOMER, Gain, budget_of, market_with, split
from churnsim.claims.machinery.verdicts import Answer, combine, conjunction
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.statistics import resample_indices
from churnsim.typing import Floats

WINNING, KEEPING = "acquisition-heavy", "retention-heavy"
HEAVY = 0.9
TAIL = 0.05
RUNS, QUICK_RUNS = 300, 60
SPREADS = {"answers to spending as assumed": (0.0, 0.0), "answers to spending uncertain by half": (0.5, 0.5)}
"""Standard deviation of the logarithm of how strongly prospects and customers answer money, from run to run, the same
for both: an assumption, and the one that the claim is about."""
OVER = {"retention.max_effect": (0.0, 1.0), "prospects.spend_scale": (0.25, 6.25)}
"""Dollars: with the ceiling of 2% a scale of 0.50 puts the cheapest new customers at 25 each, 6.25 at 312."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Outcomes:
    """Equity by run under both strategies, paired."""

    winning: Floats
    keeping: Floats


@on_market
def judge(
    evidence: MarketEvidence, quick: bool = False, *, effect: float = 1.0, per_customer: float = PER_CUSTOMER
) -> Finding:
    """Mean, spread and worst twentieth of equity under equal budgets, and the map of where keeping earns more."""
    # Each run has a parameter draw of its own: one used twice would count as two.
    runs = min(QUICK_RUNS, 2 * evidence.replications) if quick else RUNS
    runs = min(runs, len(evidence.market.draws) or runs)
    most = effect * evidence.market.retention.max_effect
    evidence = market_with(evidence, retention={"max_effect": most})
    settings = []
    rows: Rows = []
    less_of_both = True
    for name, spread in SPREADS.items():
        found = _outcomes(evidence, runs, spread, per_customer)
        parts = _parts(name, found)
        settings.append(_setting(name, parts))
        less_of_both &= parts[0].answer is Answer.FAILS and parts[1].answer is Answer.HOLDS
        rows += [_row(name, strategy, values) for strategy, values in vars(found).items()]
    answer = combine(settings)
    if effect == 0.0:
        return Finding(answer=answer, reason=" ".join(part.reason for part in settings), parts=tuple(settings))
    strategies = _strategies(evidence, per_customer)
    region = map_of(evidence, strategies, OVER, of=KEEPING, against=WINNING, quick=quick)
    return Finding(
        answer=answer,
        reason=(
            f"On {evidence.label}, nine tenths of {budget_of(evidence, per_customer=per_customer):,.0f} a period on "
            f"one side and a tenth on the other, {runs} runs. "
            + " ".join(part.reason for part in settings)
            + " Spread is smaller where less is won: low risk comes with low gain here, not in place of it."
            * less_of_both
            + f" Of the mean alone: {where(region)}"
        ),
        parts=tuple(settings),
        tables={"distributions": rows, **map_tables("mean equity", region)},
    )


def _strategies(evidence: MarketEvidence, per_customer: float) -> tuple[Strategy, Strategy]:
    budget = budget_of(evidence, per_customer=per_customer)
    return (
        split(evidence, WINNING, budget=budget, acquisition=HEAVY),
        split(evidence, KEEPING, budget=budget, acquisition=1.0 - HEAVY),
    )


def _outcomes(evidence: MarketEvidence, runs: int, spread: tuple[float, float], per_customer: float) -> Outcomes:
    """Each run under both strategies, with its own parameters of the fit and its own answers to money."""
    winning, keeping = _strategies(evidence, per_customer)
    values = np.empty((2, runs))
    for run in range(runs):
        z = np.random.default_rng((evidence.seed, run)).standard_normal(2)
        factors = np.exp(np.multiply(spread, z) - 0.5 * np.square(spread))
        own = evidence.market
        market = replace(
            own,
            prospects=replace(own.prospects, ceiling=min(own.prospects.ceiling * float(factors[0]), 0.99)),
            retention=replace(own.retention, max_effect=min(own.retention.max_effect * float(factors[1]), 1.0)),
        )
        experiment = replace(evidence.experiment, market=market)
        values[:, run] = [ledgers[0].equity for ledgers in experiment.ledgers((winning, keeping), [run])]
    return Outcomes(winning=values[0], keeping=values[1])


def _tail_means(values: Floats) -> Floats:
    """Conditional value at risk: mean of the worst twentieth of the runs (at least one), along the last axis."""
    worst = np.sort(values, axis=-1)[..., : max(1, round(TAIL * values.shape[-1]))]
    return np.asarray(worst.mean(axis=-1))


def _parts(setting: str, found: Outcomes) -> tuple[Part, ...]:
    picks = resample_indices(found.winning.size, resamples=RESAMPLES, generator=np.random.default_rng(1))
    measures: dict[str, tuple[Callable[[Floats], Floats], str]] = {
        "mean": (lambda v: np.mean(v, axis=-1), "Mean equity"),
        "spread": (lambda v: -np.std(v, axis=-1, ddof=1), "Standard deviation of equity, sign turned"),
        "worst twentieth": (_tail_means, "Mean equity of the worst twentieth of runs"),
    }
    parts = []
    for name, (measure, words) in measures.items():
        gain = float(measure(found.keeping) - measure(found.winning))
        draws = measure(found.keeping[picks]) - measure(found.winning[picks])
        low, high = (float(x) for x in np.quantile(draws, [0.025, 0.975]))
        more = Gain(gain, low, high, of=KEEPING, against=WINNING)
        parts.append(
            Part(
                name=f"{name}, {setting}",
                estimand=f"{words}, {KEEPING} less {WINNING}, money, paired.",
                answer=more.above(),
                **more.figures("money"),
                reason=f"{name} {more}",
            )
        )
    return tuple(parts)


def _setting(name: str, parts: tuple[Part, ...]) -> Part:
    """High performance, low risk and a better bad case together; one of them missing, the claim is not borne out."""
    return Part(
        name=name,
        estimand=f"Mean, standard deviation (sign turned) and worst twentieth of equity, {KEEPING} less "
        f"{WINNING}, money.",
        answer=conjunction(parts),
        **parts[0].figures_in("money, difference of means"),
        reason=f"With {name}, {KEEPING} less {WINNING}: "
        + ", ".join(f"{part.reason} ({part.answer.value})" for part in parts)
        + ".",
    )


def _row(setting: str, strategy: str, values: Floats) -> dict[str, object]:
    return {
        "setting": setting,
        "strategy": {"winning": WINNING, "keeping": KEEPING}[strategy],
        "mean": float(values.mean()),
        "standard_deviation": float(values.std(ddof=1)),
        "worst_twentieth": float(_tail_means(values)),
        **{f"q{q:02d}": float(np.quantile(values, q / 100)) for q in (5, 25, 50, 75, 95)},
    }


def control(evidence: Evidence, quick: bool, *, per_customer: float = PER_CUSTOMER) -> Finding:
    """Contacts without effect."""
    return judge(evidence, True, effect=0.0, per_customer=per_customer)


@on_market
def planted(evidence: MarketEvidence, quick: bool, *, per_customer: float = PER_CUSTOMER) -> Finding:
    """Customers who buy every other week and of whom most are lost in two years, whom contacts nearly always keep, and
    few prospects, of whom nobody knows how they answer."""
    own = made_up_market(
        evidence, 300, gap=2.0, dropout=1 / 31,
        prospects=Prospects(size=400.0, ceiling=0.002, spend_scale=0.2),
        retention=RetentionResponse(max_effect=0.98, spend_scale=0.01, harmed_share=0.0),
    )  # fmt: skip
    found = _setting("planted", _parts("planted", _outcomes(own, QUICK_RUNS, (1.0, 0.0), per_customer)))
    return Finding(answer=found.answer, reason=found.reason, parts=(found,))
