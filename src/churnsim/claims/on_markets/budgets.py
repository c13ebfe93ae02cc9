"""Whom a budget is spent on: `abc-management` and `acquisition-multiple`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from churnsim.claims.arithmetic.retention_table import table as retention_table
from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.made_up import made_up_market
from churnsim.claims.machinery.maps import believed_of, map_of, map_part, map_tables, region_answer, where
from churnsim.claims.machinery.plausible import plausible
from churnsim.claims.machinery.sources import TEXTS
from churnsim.claims.machinery.strategy_comparison import (
    LOSSES,
    budget_of,
    gain_part,
    gain_table,
    gains_of,
    market_with,
    split,
)
from churnsim.claims.machinery.verdicts import Answer, Basis, by_interval, combine, conjunction, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Region, Statement
from churnsim.decisions.comparison.compare import Comparison
from churnsim.economics.acquisition_retention import EquityTest
from churnsim.economics.response import SaturatingResponse
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.scenario.strategy import RetentionContacts, Strategy

TOP, EVENLY, RESPONSIVE, NOTHING = "top fifth", "everybody alike", "most responsive fifth", "no contacts"
SHARE = 0.20
BUDGETS_ABC = (0.02, 0.10)
"""Money a period for each known customer."""
SPREAD = 1.0
"""How far customers differ in what contacts do to them: from nothing to twice the mean, besides those harmed."""
OVER = {"retention.max_effect": (0.0, 1.0), "retention.spend_scale": (0.05, 2.05)}


def strategies(budget: float, share: float = SHARE) -> list[Strategy]:
    """One budget, spent on the best by past revenue, on everybody, on the responsive, or not at all."""
    return [
        Strategy(name=TOP, retention=RetentionContacts(budget_per_period=budget, rule="top_value", share=share)),
        Strategy(name=EVENLY, retention=RetentionContacts(budget_per_period=budget, rule="all")),
        Strategy(
            name=RESPONSIVE, retention=RetentionContacts(budget_per_period=budget, rule="responsive", share=share)
        ),
        Strategy(name=NOTHING),
    ]


@on_market
def judge_abc(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    harmed: float | None = None,
    budgets: Sequence[float] = BUDGETS_ABC,
    share: float = SHARE,
    alike: bool = False,
) -> Finding:
    """The top fifth against everybody and against the responsive, at two budgets; in the control contacts harm all, and
    in the planted world all customers answer `alike`, and strongly."""
    evidence = market_with(evidence, retention={"response_spread": SPREAD})
    if alike:
        strong = {"response_spread": 0.0, "harmed_share": 0.0, "max_effect": 0.95, "spend_scale": 0.5}
        evidence = market_with(evidence, retention=strong)
    if harmed is not None:
        evidence = market_with(evidence, retention={"harmed_share": harmed})
    settings: list[Part] = []
    rows: Rows = []
    for per_customer in budgets:
        budget = budget_of(evidence, per_customer=per_customer)
        _, gains = gains_of(evidence, strategies(budget, share))
        rows += gain_table(gains, budget=budget)
        parts = tuple(gain_part(gain) for gain in gains[:2])
        settings.append(
            Part(
                name=f"{budget:,.0f} a period",
                estimand=f"Equity of {TOP} less that of {EVENLY} and of {RESPONSIVE}, money over the horizon, paired.",
                answer=conjunction(parts),
                **gains[0].figures(f"money, less {EVENLY}"),
                reason=f"With {budget:,.0f} a period " + " ".join(part.reason for part in parts)
                + f" Against no contacts: {gains[2]}.",
            )
        )  # fmt: skip
    answer = combine(settings)
    if alike or harmed is not None:
        return Finding(answer=answer, reason=" ".join(part.reason for part in settings), parts=tuple(settings))
    lean = budget_of(evidence, per_customer=budgets[0])
    region = map_of(evidence, strategies(lean, share), OVER, of=TOP, against=EVENLY, quick=quick)
    mass = plausible(region, believed_of(evidence, OVER))
    holds = "; ".join(part.name for part in settings if part.answer is Answer.HOLDS)
    return Finding(
        # What contacts do is assumed, so that agreement is only as good as what is believed of it.
        answer=mass.answer if answer is Answer.HOLDS else answer,
        plausible=mass,
        reason=(f"On {evidence.label}. " + " ".join(part.reason for part in settings) + " " + _moral(rows))
        + f" Against spreading evenly alone, at {lean:,.0f} a period: {where(region)} {mass}",
        **settings[0].figures,
        region=where(region) if answer is Answer.HOLDS else holds or None,
        parts=tuple(settings),
        tables={"gains": rows, **map_tables("top fifth against everybody", region, believed_of(evidence, OVER))},
    )


def _moral(rows: Rows) -> str:
    """What the larger budget says of value against response, and of contacts at all."""
    last = {row["against"]: row for row in rows[-3:]}
    if last[RESPONSIVE]["lower"] > 0:
        told = "Aiming at value beats aiming at response here, since what is saved of a good customer is worth more."
    elif last[RESPONSIVE]["upper"] < 0:
        told = "Aiming at those on whom contacts work beats aiming at value."
    else:
        told = "Whether value or response is the better aim these runs do not decide."
    return told + (" Not contacting anybody is better still." if last[NOTHING]["upper"] < 0 else "")


LOW, HIGH = 5.0, 10.0
STATED = {"lecture": "5", "small-firms": "6", "after-marketing": "5 to 10", "win-back": "6 to 10"}
SPLITS = (0.0, 0.25, 0.5, 0.75, 1.0)
BUDGETS_MULTIPLE = (0.10, 0.40)
"""Money a period per known customer: small, and four times that."""
MARGIN, RATE, CEILINGS = 20.0, 0.10, (0.40, 0.90)
"""Of the closed form: margin a period, discount rate, most that both responses reach; assumed, a round case."""
SPEED_A = Axis(name="speed of acquisition's response", low=0.02, high=0.22, cells=10, unit="per unit of money")
SPEED_R = Axis(name="speed of retention's response", low=0.10, high=1.10, cells=10, unit="per unit of money")
METRIC = "equity"


@on_market
def judge_multiple(
    evidence: MarketEvidence, quick: bool = False, *, budgets: Sequence[float] = BUDGETS_MULTIPLE
) -> Finding:
    """The table's ratio, the ratio at the best split in closed form, and at the best of five splits simulated."""
    ratio = retention_table().cost_ratio()
    printed = Part(
        name="(a) the retention table",
        estimand="Marketing cost of a lost-and-replaced customer over that of a retained one, as the table of "
        "'Keeping existing customers' (undated) has it.",
        answer=Answer.HOLDS if LOW <= ratio <= HIGH else Answer.FAILS,
        estimate=ratio,
        unit="times",
        basis=Basis.PUBLISHED,
        reason=f"The table of 'Keeping existing customers' (undated) implies {ratio:.2f} times.",
    )
    region = _map(average=True)
    closed = map_part(
        region,
        name="(b) at the best split, closed form",
        estimand="Average cost of a customer won over that of one kept, where the budget is split to earn most.",
        reason=(
            f"Over the map the ratio at the best split runs from {region.frame['mean'].min():.1f} to "
            f"{region.frame['mean'].max():.1f}, while the marginal return is the same on both sides everywhere."
        ),
    )
    simulated, rows = _simulated(evidence, budgets[:1] if quick else budgets)
    parts = (printed, closed, *simulated)
    return Finding(
        # One table's ratio says nothing of another firm's; what each of them could find is undecided.
        answer=combine((closed, *simulated)),
        reason=(
            "The texts state "
            + ", ".join(f"{figure} ({TEXTS[text].in_brackets})" for text, figure in STATED.items())
            + f" times. {printed.reason} {closed.reason} "
            + " ".join(part.reason for part in simulated)
            + " A ratio of averages describes what was spent; where more money should go is decided by what the next "
            "customer costs on either side."
        ),
        region=closed.region,
        parts=parts,
        tables={"splits": rows, **map_tables("best split", region)},
    )


def _map(*, average: bool, over: tuple[Axis, Axis] = (SPEED_A, SPEED_R)) -> Region:
    """Cost ratio at the best split over the speeds of both responses; the control asks for the marginal one."""
    what = "average cost of a customer won over that of one kept" if average else "the marginal return on either side"
    statement = Statement(quantity=f"{what}, at the best split", above=LOW, below=HIGH)
    return map_region(_ratio(average), statement, over)


def _ratio(average: bool) -> Callable[..., float]:
    def ratio(speed_a: float, speed_r: float) -> float:
        test = EquityTest(
            margin=MARGIN,
            acquisition=SaturatingResponse(ceiling=CEILINGS[0], k=speed_a),
            retention=SaturatingResponse(ceiling=CEILINGS[1], k=speed_r),
            discount_rate=RATE,
        )
        best = test.best()
        if average:
            return best.average_cost_ratio
        step, A, R = 1e-4, best.acquisition_spend, best.retention_spend
        more_A = test.at(acquisition_spend=A + step, retention_spend=R).equity - best.equity
        more_R = test.at(acquisition_spend=A, retention_spend=R + step).equity - best.equity
        # Both vanish at the optimum; their difference per unit of money says which side should get more.
        return 1.0 + (more_A - more_R) / step

    return ratio


def _simulated(evidence: MarketEvidence, budgets: Sequence[float]) -> tuple[tuple[Part, ...], Rows]:
    parts, rows = [], []
    for letter, per_customer in enumerate(budgets, start=ord("c")):
        budget = budget_of(evidence, per_customer=per_customer)
        strategies = [split(evidence, f"{share:.0%}", budget=budget, acquisition=share) for share in SPLITS]
        twins = [
            split(evidence, f"{share:.0%} alone", budget=budget, acquisition=share, keep=False) for share in SPLITS[:-1]
        ]
        found = evidence.compare([*strategies, *twins])
        worth = found.values(METRIC)
        table = [_row(found, share, budget) for share in SPLITS]
        best = max(SPLITS, key=lambda share: float(worth[f"{share:.0%}"].mean()))
        rows += table
        parts.append(_part(chr(letter), budget, best, found, next(r for r in table if r["acquisition_share"] == best)))
    return tuple(parts), rows


def _row(found: Comparison, share: float, budget: float) -> dict[str, float]:
    name = f"{share:.0%}"
    won, worth = found.values("births")[name].to_numpy(), found.values(METRIC)[name]
    spent = {account: found.values(account)[name].to_numpy() for account in ("acquisition", "retention")}
    kept = _lost(found, f"{name} alone" if share < 1.0 else name) - _lost(found, name)
    cost_won = spent["acquisition"].sum() / won.sum() if won.sum() else np.nan
    cost_kept = spent["retention"].sum() / kept.sum() if kept.sum() > 0 else np.nan
    level = spread(worth.to_numpy(dtype=np.float64))
    return {
        "budget": budget, "acquisition_share": share, **level.row("equity"), "won": float(won.mean()),
        "kept": float(kept.mean()), "cost_won": float(cost_won), "cost_kept": float(cost_kept),
        "ratio": float(cost_won / cost_kept),
    }  # fmt: skip


def _lost(found: Comparison, name: str) -> NDArray[np.float64]:
    return np.asarray(sum(found.values(account)[name].to_numpy(dtype=np.float64) for account in LOSSES))


def _part(letter: str, budget: float, best: float, found: Comparison, row: dict[str, float]) -> Part:
    against = [f"{share:.0%}" for share in SPLITS if share != best]
    rivals = found.differences(METRIC, against=f"{best:.0%}", level=1 - 0.05 / len(against)).to_dict("records")
    closest = max((r for r in rivals if r["strategy"] in against), key=lambda r: float(r["mean"]))
    ratio = row["ratio"]
    told = (
        f"a customer won then costs {row['cost_won']:.1f}, one kept {row['cost_kept']:.1f}, {ratio:.2f} times less"
        if np.isfinite(ratio)
        else "the ratio is not defined there, since nobody is won or nobody kept for the money"
    )
    return Part(
        name=f"({letter}) simulated, {budget:,.0f} a period",
        estimand="Average cost of a customer won over that of one kept, at the best of five splits of the budget.",
        answer=by_interval(ratio, ratio, low=LOW, high=HIGH),
        estimate=ratio if np.isfinite(ratio) else None,
        unit="times",
        reason=(
            f"With {budget:,.0f} a period most equity is made with {best:.0%} on prospects "
            f"({-float(closest['mean']):,.0f} [{-float(closest['upper']):,.0f}, "
            f"{-float(closest['lower']):,.0f}] more than {closest['strategy']}); {told}."
        ),
    )


@on_market
def planted_multiple(evidence: MarketEvidence, quick: bool, **settings: object) -> Finding:
    """Prospects who answer so slowly, and customers who answer so fast, that one won costs seven times one kept."""
    closed = _map(average=True, over=(replace(SPEED_A, low=0.10, high=0.16), replace(SPEED_R, low=0.75, high=0.95)))
    own = made_up_market(
        evidence, 300, gap=2.0, dropout=1 / 31,
        prospects=Prospects(size=4000.0, ceiling=0.02, spend_scale=0.7),
        retention=RetentionResponse(max_effect=0.98, spend_scale=0.01, harmed_share=0.0),
    )  # fmt: skip
    parts = (map_part(closed, name="(b)", estimand="", reason=where(closed)), *_simulated(own, BUDGETS_MULTIPLE[:1])[0])
    return Finding(answer=combine(parts), reason=" ".join(part.reason for part in parts), parts=parts)


def control_multiple(evidence: Evidence, quick: bool, **settings: object) -> Finding:
    """The same map asked for the ratio of marginal returns: it is one at every best split."""
    region = _map(average=False)
    return Finding(answer=region_answer(region), reason=where(region))
