"""The optimum against closed forms: Blattberg and Deighton's markets, and problems whose optimum is known."""

import numpy as np
import pytest
from scipy.optimize import brentq

import churnsim as cs
from churnsim.decisions import Constraint, optimise
from churnsim.decisions.optimisation.objective import Objective
from churnsim.decisions.optimisation.solution import Effort, solve
from churnsim.decisions.optimisation.space import Space
from churnsim.economics import SaturatingResponse
from churnsim.simulation import Acquisition, CrossSelling, RetentionContacts, Strategy

CUSTOMERS, PROSPECTS, MARGIN = 1000, 1000, 20.0
WINNING = SaturatingResponse(ceiling=0.3, k=0.5)
KEEPING = SaturatingResponse(ceiling=0.8, k=0.4)
LEVERS = {"acquisition.budget_per_period": (0, 5_000), "retention.budget_per_period": (0, 10_000)}


def blattberg_deighton(**changes) -> cs.Experiment:
    """One period in which prospects are won and customers kept as in the customer equity test: whoever is not
    contacted leaves at its renewal, and each customer won or kept brings the margin once."""
    told = {"margin": MARGIN, "winning": WINNING, "keeping": KEEPING} | changes
    market = cs.Market(
        customers=cs.Cohort(size=CUSTOMERS),
        purchases=cs.simulation.ContractualLifetime(term=1.0, hazards=(1.0,), unit="M"),
        spend=cs.simulation.FixedSpend(amount=told["margin"]),
        terms=cs.simulation.Terms(margin=1.0, annual_discount_rate=0.0),
        complaints=cs.simulation.Complaints(failure_share=0.0),
        prospects=cs.simulation.Prospects(
            size=PROSPECTS, ceiling=told["winning"].ceiling, spend_scale=1 / told["winning"].k
        ),
        retention=cs.simulation.RetentionResponse(
            max_effect=told["keeping"].ceiling, spend_scale=1 / told["keeping"].k, harmed_share=0.0
        ),
    )
    return cs.Experiment(market=market, seed=11, horizon=2.0, period=2.0, epoch=2.0)


def equity(acquisition: float, retention: float) -> float:
    """What the budgets bring more than nothing, by the closed form."""
    won = PROSPECTS * WINNING.share(acquisition / PROSPECTS)
    kept = CUSTOMERS * KEEPING.share(retention / CUSTOMERS)
    return (won + kept) * MARGIN - acquisition - retention


BEST = PROSPECTS * WINNING.best_spend(MARGIN), CUSTOMERS * KEEPING.best_spend(MARGIN)


@pytest.fixture(scope="module")
def free():
    return optimise(blattberg_deighton(), LEVERS, metric="profit", replications=20, max_replications=20)


def test_the_closed_form_optimum_is_found_within_one_percent(free):
    found = equity(free.levers["acquisition.budget_per_period"], free.levers["retention.budget_per_period"])
    assert found > 0.99 * equity(*BEST)
    assert equity(*BEST) - found < free.gap_upper
    assert free.gain.lower < found < free.gain.upper
    assert free.status == "found"


def slopes(acquisition: float, retention: float) -> tuple[float, float]:
    """The net return per unit spent of each budget, by the closed form."""
    return (
        MARGIN / WINNING.marginal_cost(acquisition / PROSPECTS) - 1,
        MARGIN / KEEPING.marginal_cost(retention / CUSTOMERS) - 1,
    )


def test_marginal_returns_are_those_of_the_closed_form(free):
    due = slopes(*free.levers.values())
    for row, slope in zip(free.marginals.itertuples(), due, strict=True):
        spread = row.upper - row.lower
        assert row.change == pytest.approx(slope, abs=spread)
        assert abs(row.change) < 0.2  # near the top
        assert row.per_unit_spent == pytest.approx(row.change)  # one period, without a discount


def test_the_frontier_is_the_closed_form_of_each_total(free):
    for row in free.frontier.itertuples(index=False):
        spent, acquisition, retention, mean, lower, upper = row
        assert spent == pytest.approx(acquisition + retention)
        assert mean == pytest.approx(equity(acquisition, retention), abs=3 * (upper - lower))
        assert equity(acquisition, retention) > equity(*split(spent)) - 0.03 * equity(*BEST)


def split(total: float) -> tuple[float, float]:
    """The best spending of a total: equal marginal returns, or all on one."""

    def ahead(acquisition: float) -> float:
        one, other = slopes(acquisition, total - acquisition)
        return one - other

    if ahead(0.0) <= 0:
        return 0.0, total
    acquisition = brentq(ahead, 0.0, total) if ahead(total) < 0 else total
    return acquisition, total - acquisition


@pytest.mark.parametrize("spend_all", [False, True])
def test_levers_earn_alike_where_a_total_binds(spend_all):
    total = 4000.0
    found = optimise(
        blattberg_deighton(), LEVERS, metric="profit", total=total, spend_all=spend_all, replications=20,
        max_replications=20,
    )  # fmt: skip
    spent = list(found.levers.values())
    assert sum(spent) == pytest.approx(total)
    assert equity(*spent) > 0.99 * equity(*split(total))
    due, same = slopes(*split(total))
    assert due == pytest.approx(same)
    assert due > 0.3
    for row in found.marginals.itertuples():
        assert row.change == pytest.approx(due, abs=0.15)
    one, other = found.marginals.itertuples()
    assert max(one.lower, other.lower) < min(one.upper, other.upper)


def test_nothing_is_spent_where_nothing_pays():
    poor = SaturatingResponse(ceiling=0.3, k=0.1)  # 1 / (ceiling k) is above the margin
    found = optimise(
        blattberg_deighton(winning=poor), {"acquisition.budget_per_period": (0, 5000)}, metric="profit",
        replications=10, max_replications=10,
    )  # fmt: skip
    assert found.levers == {}
    assert found.strategy.parts == ()
    assert found.gain.mean == found.gain.lower == 0
    assert found.status == "spend nothing"
    said = f"Spend nothing: nothing within the bounds earns more by more than the tolerance, {found.gap_asked:,.4g}."
    assert found.answer.startswith(said)
    assert found.marginals.loc[0, "value"] == 0  # the first step up
    assert found.marginals.loc[0, "change"] == pytest.approx(0.3 * 0.1 * MARGIN - 1, abs=0.1)


def test_a_lever_that_cannot_matter_changes_nothing():
    idle = Strategy(
        name="idle", acquisition=Acquisition(budget_per_period=3000),
        cross_selling=CrossSelling(budget_per_period=0, rule="top_value", share=0.5),
    )  # fmt: skip
    found = optimise(
        blattberg_deighton(), {"cross_selling.share": (0.1, 0.9)}, strategy=idle, metric="profit", replications=10,
        max_replications=10,
    )  # fmt: skip
    assert found.marginals[["change", "lower", "upper"]].to_numpy().tolist() == [[0.0, 0.0, 0.0]]
    assert found.gap_upper == pytest.approx(0, abs=1e-6)
    assert found.levers
    assert found.gain.lower > 0


def test_constraints_hold():
    winning, keeping = LEVERS
    found = optimise(
        blattberg_deighton(), LEVERS, metric="profit", replications=20, max_replications=20,
        strategy=Strategy(name="both", retention=RetentionContacts(budget_per_period=1000)),
        constraints=[Constraint(weights={winning: 1, keeping: -0.1}, most=0)],
    )  # fmt: skip
    # The best is where winning gets a tenth of what keeping gets: its own best would be half.
    assert found.levers[winning] == pytest.approx(0.1 * found.levers[keeping], rel=0.02)
    assert equity(*found.levers.values()) > 0.99 * max(equity(0.1 * kept, kept) for kept in range(0, 10_000, 20))


def noisy_quadratic(seed: int, size: int):
    """A concave quadratic with its top in the box, of which every replication has a shock of its own, a slope of its
    own, and steps at places of its own; its evaluation, and what a point lacks of the top."""
    draw = np.random.default_rng(seed)
    top, shape = draw.uniform(size=size), draw.normal(size=(size, size))
    bend, slope = shape @ shape.T / size + 0.3 * np.eye(size), draw.uniform(0.05, 0.4)

    def lacks(points):
        away = np.atleast_2d(points) - top
        return np.einsum("ij,jk,ik->i", away, bend, away)

    def evaluate(points, replications):
        columns = []
        for replication in replications:
            luck = np.random.default_rng([seed, replication])
            shock, tilt, place = luck.normal(), luck.normal(size=size) * slope, luck.uniform()
            across = points.sum(axis=1)
            steps = 0.02 * (np.floor(20 * across + place) - (20 * across + place) + 0.5)
            columns.append(shock + (1 - lacks(points) + (points - top) @ tilt + steps if len(points) else np.zeros(1)))
        return np.array(columns).T

    return evaluate, lacks


def covered(seeds) -> list[bool]:
    held = []
    for seed in seeds:
        size = 1 + seed % 3
        evaluate, lacks = noisy_quadratic(seed, size)
        none = np.zeros((0, size)), np.zeros(0)
        box = Space(np.zeros(size), np.ones(size), np.zeros(size, dtype=bool), *none)
        found = solve(evaluate, box, Objective(), Effort(search=40, most=100, tolerance=0.01, level=0.95))
        true = float(lacks(found.point)[0]) if found.point is not None else 1.0
        held.append(true <= found.gap.upper)
    return held


def test_more_replications_are_taken_where_the_gap_is_wider_than_asked():
    """The search's spread of this one says too few; it is the same replications and further ones that are taken."""
    evaluate, _ = noisy_quadratic(18, 1)
    asked = []

    def seen(points, replications):
        asked.append((replications.start, replications.stop))
        return evaluate(points, replications)

    box = Space(np.zeros(1), np.ones(1), np.zeros(1, dtype=bool), np.zeros((0, 1)), np.zeros(0))
    found = solve(seen, box, Objective(), Effort(search=40, most=2000, tolerance=0.01, level=0.95))
    start = found.used[0] + found.used[1]
    ends = sorted({stop for first, stop in asked if first == start})
    assert len(ends) == 2
    assert ends[1] == start + found.used[2]


def test_the_gap_holds_the_true_one():
    assert sum(covered(range(6))) >= 5


def test_the_gap_holds_the_true_one_in_a_hundred_problems():
    assert sum(covered(range(100))) >= 92
