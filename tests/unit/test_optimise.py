"""The mechanics of the search for the best levers: what is refused, the space of levers, resuming, objectives."""

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.decisions import Constraint, optimise
from churnsim.decisions.optimisation.evaluations import Evaluations
from churnsim.decisions.optimisation.objective import Objective
from churnsim.decisions.optimisation.problem import LeverProblem
from churnsim.decisions.optimisation.space import Space
from churnsim.decisions.optimisation.surrogate import Surrogate
from churnsim.errors import ConfigError
from churnsim.simulation import Acquisition, ComplaintDesk, RetentionContacts, Strategy

BUDGET = {"acquisition.budget_per_period": (0, 100)}


@pytest.fixture(scope="module")
def experiment(published_models):
    purchases, spend = published_models
    market = cs.Market(customers=cs.Cohort(size=30), purchases=purchases, spend=spend)
    return cs.Experiment(market=market, seed=5, horizon=4)


@pytest.mark.parametrize(
    ("levers", "options", "said"),
    [
        ({"acquisition.budget": (0, 1)}, {}, "Did you mean 'acquisition.budget_per_period'"),
        ({"terms.margin": (0, 1)}, {}, "no setting of a strategy"),
        ({}, {}, "1 to 8 levers"),
        ({"acquisition.budget_per_period": (5, 5)}, {}, "low below high"),
        ({"acquisition.budget_per_period": (5, "9")}, {}, "bounds of 'acquisition.budget_per_period'"),
        ({"acquisition.budget_per_period": "01"}, {}, "must be"),
        ({"acquisition.budget_per_period": (-5, 9)}, {}, "budget_per_period"),
        ({"retention.share": (0.1, 1.0)}, {}, "budget_per_period must be said, too"),
        ({"desk.staff": (0.5, 3)}, {"strategy": Strategy(name="d", desk=ComplaintDesk(
            staff=1, wage_per_period=1.0, mean_service_time=1.0))}, "whole number"),
        (BUDGET, {"strategy": "none"}, "strategy"),
        (BUDGET, {"total": -1}, "total"),
        (BUDGET, {"spend_all": True}, "give the total"),
        (BUDGET, {"total": 500, "spend_all": True}, "no levers within their bounds"),
        (BUDGET, {"constraints": [Constraint(weights={"retention.share": 1}, most=1)]}, "which is no lever"),
        (BUDGET, {"objective": "median"}, "objective"),
        (BUDGET, {"metric": "joy"}, "no metric 'joy'"),
        (BUDGET, {"tolerance": 0}, "tolerance"),
        (BUDGET, {"replications": 5}, "replications"),
        (BUDGET, {"max_replications": 5}, "max_replications"),
        (BUDGET, {"objective": "cvar", "replications": 30}, "replications"),
        (BUDGET, {"directory": 7}, "directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_optimised_is_refused(experiment, levers, options, said):
    with pytest.raises(ConfigError, match=said):
        optimise(experiment, levers, **options)


def test_a_market_with_too_few_draws_is_refused(experiment):
    market = experiment.market
    few = cs.Market(
        customers=market.customers, purchases=market.purchases, spend=market.spend,
        draws=((market.purchases, market.spend),) * 50,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="the market has 50 draws"):
        optimise(few, BUDGET, seed=1, horizon=8)


def test_constraints_need_limits_in_order():
    for limits in ({}, {"least": 2, "most": 1}, {"most": "1"}):
        with pytest.raises(ConfigError):
            Constraint(weights={"a": 1}, **limits)


def test_whole_settings_are_whole_levers_and_others_are_real_ones(experiment):
    given = Strategy(
        name="s", acquisition=Acquisition(budget_per_period=5),
        desk=ComplaintDesk(staff=1, wage_per_period=3.0, mean_service_time=1.0),
    )  # fmt: skip
    problem = LeverProblem.of(
        experiment, {"desk.staff": (1, 4), **BUDGET}, given, total=50, spend_all=False, constraints=()
    )
    assert problem.space.whole.tolist() == [True, False]
    made = problem.strategy_at((3.0, 7.25))
    assert (made.desk.staff, made.acquisition.budget_per_period) == (3, 7.25)
    assert problem.starts.tolist() == [[1.0, 5.0]]
    assert problem.spending.base == pytest.approx(0)
    assert problem.spending.weights.tolist() == pytest.approx([3.0, 1.0])


def box(size=3, whole=(), weights=(), limits=(), **equal) -> Space:
    return Space(
        np.zeros(size), np.full(size, 10.0), np.isin(np.arange(size), whole),
        np.array(weights, dtype=float).reshape(-1, size), np.array(limits, dtype=float), **equal,
    )  # fmt: skip


@pytest.mark.parametrize(
    "space",
    [
        box(weights=[[1, 1, 1]], limits=[8]),
        box(whole=[0], weights=[[1, 1, 1]], limits=[8]),
        box(whole=[0, 1, 2], weights=[[1, 2, 3], [-1, 0, 0]], limits=[20, -2]),
        box(equal=np.ones(3), total=12.0),
        box(whole=[1], equal=np.array([1.0, 2.0, 0.0]), total=7.5),
    ],
)
def test_every_point_keeps_to_the_limits(space):
    points = space.spread(200)
    assert len(points) > 20
    assert space.allows(points).all()
    assert len(np.unique(points, axis=0)) == len(points)
    assert (points[:, space.whole] == np.rint(points[:, space.whole])).all()
    if space.equal is not None:
        assert points @ space.equal == pytest.approx(space.total)
    near = space.spread(50, low=points[0] - 2, high=points[0] + 2, around=points[0])
    assert len(near) > 0
    assert space.allows(near).all()


def test_limits_bind_some_points_and_leave_others_inside():
    used = box(weights=[[1, 1, 1]], limits=[8]).spread(200).sum(axis=1)
    assert (np.isclose(used, 8)).sum() > 30
    assert (used < 7.9).sum() > 30


def test_a_stand_in_of_a_quadratic_is_the_quadratic():
    space = box(2)
    points = space.spread(30)
    values = 5 - ((points - [3.0, 7.0]) ** 2).sum(axis=1)
    smooth = Surrogate.of(points, values, low=space.low, high=space.high)
    best = smooth.best(values, space, low=space.low, high=space.high)
    assert best == pytest.approx([3.0, 7.0], abs=1e-3)
    elsewhere = space.spread(10, skip=100)
    assert smooth.weights(elsewhere) @ values == pytest.approx(5 - ((elsewhere - [3.0, 7.0]) ** 2).sum(axis=1))


def test_scores_have_the_objective_as_their_mean():
    values = np.random.default_rng(1).normal(size=(3, 50))
    nothing = values[0]
    worst = np.sort(values, axis=1)[:, :10].mean(axis=1)
    assert Objective("cvar", 0.2).scores(values, nothing).mean(axis=1) == pytest.approx(worst)
    assert Objective("cvar", 0.2).scores(values, nothing, np.zeros(3)).mean(axis=1).max() < worst.max()
    chances = Objective("chance").scores(values, nothing).mean(axis=1)
    assert chances.tolist() == [0.5, (values[1] > nothing).mean(), (values[2] > nothing).mean()]
    assert Objective().scores(values, nothing) is values


def test_a_search_that_was_stopped_goes_on_to_the_same_end_with_any_workers(experiment, tmp_path):
    arguments = {"levers": BUDGET, "replications": 10, "max_replications": 10}
    whole = optimise(experiment, **arguments)
    done = []

    def stop(count):
        done.append(count)
        if sum(done) > 250:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimise(experiment, directory=tmp_path, progress=stop, **arguments)
    after = []
    again = optimise(experiment, directory=tmp_path, progress=after.append, workers=2, **arguments)
    assert str(again) == str(whole)
    pd.testing.assert_frame_equal(again.outcomes, whole.outcomes)
    assert sum(after) == len(whole.outcomes) - sum(done)
    assert again.outcomes["value"].notna().all()


def test_outcomes_are_found_again_after_the_market_was_used(cdnow_split, cdnow_models, tmp_path):
    def strategy_at(point):
        return Strategy(name="a", acquisition=Acquisition(budget_per_period=point[0] if point else 0.0))

    few = cdnow_split.iloc[:50]
    purchases, spend = cdnow_models
    market = cs.Market(customers=cs.PosteriorBase(few), purchases=purchases.model, spend=spend.model)
    used = cs.Experiment(market=market, seed=1, horizon=4)
    one = Evaluations(used, strategy_at, "npv", tmp_path)(np.array([[5.0]]), range(3))
    counted = []
    again = cs.Experiment(market=market, seed=1, horizon=4, progress=counted.append)
    assert Evaluations(again, strategy_at, "npv", tmp_path)(np.array([[5.0]]), range(3)).tolist() == one.tolist()
    assert counted == []
    assert len(list(tmp_path.iterdir())) == 1


def test_outcomes_of_another_seed_are_not_taken_and_damaged_ones_computed_again(experiment, tmp_path, monkeypatch):
    def strategy_at(point):
        return Strategy(name="a", retention=RetentionContacts(budget_per_period=point[0] if point else 0.0))

    def outcomes(seed):
        other = cs.Experiment(market=experiment.market, seed=seed, horizon=8)
        return Evaluations(other, strategy_at, "npv", tmp_path)(np.array([[5.0]]), range(3))

    one, other = outcomes(1), outcomes(2)
    assert (one != other).all()
    damaged = next(tmp_path.glob("*/*.parquet"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-40] + b"PAR1")
    assert outcomes(1).tolist() == one.tolist()
    assert outcomes(2).tolist() == other.tolist()
    assert damaged.read_bytes() == whole  # computed again

    def refused(path):
        raise PermissionError(13, "no")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.read_bytes", refused)
        with pytest.raises(PermissionError):
            outcomes(1)
    assert damaged.read_bytes() == whole  # what the disk refuses is not thrown away
