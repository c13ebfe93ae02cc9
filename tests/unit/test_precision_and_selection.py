"""Truth: mechanics of running to a precision, of selecting the best, and of the backends that share the work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.decisions.comparison.kim_nelson import KimNelson
from churnsim.decisions.comparison.metrics import DERIVED, ledger_metric
from churnsim.decisions.comparison.precision import next_size
from churnsim.decisions.comparison.selection import select_from
from churnsim.decisions.runs.parallel_map import run_tasks, worker_count
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import PURCHASE, Multiple
from churnsim.simulation.engine.ledger import ACCOUNTS

RUN = {"seed": 3, "horizon": 8.0}


# Who comes readily, so that hundreds of newcomers tell what becomes of them.
EAGER = cs.simulation.Prospects(ceiling=0.02, spend_scale=Multiple(0.02, PURCHASE))


@pytest.fixture(scope="module")
def market(published_models):
    purchases, spend = published_models
    return cs.Market(customers=cs.Cohort(size=60), purchases=purchases, spend=spend, prospects=EAGER)


@pytest.fixture(scope="module")
def strategies():
    return [
        cs.Strategy(name="baseline"),
        cs.Strategy(name="acquire", acquisition=cs.simulation.Acquisition(budget_per_period=300.0)),
        cs.Strategy(name="contact", retention=cs.simulation.RetentionContacts(budget_per_period=300.0)),
    ]


def test_sizes_grow_by_what_the_spread_asks_for_and_at_most_double():
    assert next_size(30, half_width=1.0, wanted=1.0, most=100) == 30
    assert next_size(30, half_width=1.1, wanted=1.0, most=100) == 39  # 30 x 1.1^2 x 1.05 = 38.1
    assert next_size(30, half_width=9.0, wanted=1.0, most=100) == 60
    assert next_size(30, half_width=9.0, wanted=1.0, most=40) == 40
    assert next_size(40, half_width=9.0, wanted=1.0, most=40) == 40
    assert next_size(30, half_width=1.0001, wanted=1.0, most=100) == 32


def test_a_run_to_a_precision_says_whether_it_got_there(market, strategies):
    asked = cs.decisions.Precision(half_width=30.0, max_replications=60)
    found = cs.compare(market, strategies, replications=10, precision=asked, **RUN)
    assert found.precision is not None
    assert found.precision.reached
    assert found.half_width("npv") == found.precision.half_width <= 30.0
    assert 10 < found.precision.replications < 60
    # The same replications without looking give the same outcomes.
    plain = cs.compare(market, strategies, replications=found.precision.replications, **RUN)
    assert plain.outcomes.equals(found.outcomes)
    short = cs.compare(market, strategies, replications=10, precision=replace(asked, half_width=1e-3), workers=2, **RUN)
    assert short.precision is not None
    assert not short.precision.reached
    assert short.precision.replications == 60
    assert "budget of replications is spent" in str(short.precision)


def test_a_market_with_parameter_draws_has_no_more_replications_than_draws(market, strategies, published_models):
    drawn = replace(market, draws=(published_models,) * 12)
    asked = cs.decisions.Precision(half_width=1e-3, max_replications=200)
    found = cs.compare(drawn, strategies, replications=10, precision=asked, **RUN)
    assert found.precision is not None
    assert found.precision.replications == 12
    assert "parameter draw" in found.precision.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"replications": 5}, "between 10 and 200"),
        ({"precision": cs.decisions.Precision(half_width=1.0, against="nobody")}, "no strategy 'nobody'"),
    ],
)
def test_an_impossible_run_to_a_precision_is_refused_before_it_begins(market, strategies, change, words):
    settings = {"precision": cs.decisions.Precision(half_width=1.0, max_replications=200), "replications": 10, **change}
    with pytest.raises(ConfigError, match=words):
        cs.compare(market, strategies, progress=pytest.fail, **settings, **RUN)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"half_width": 0.0}, "above 0"),
        ({"half_width": 1.0, "metric": "joy"}, "no metric"),
        ({"half_width": 1.0, "level": 95.0}, "is 0.95"),
        ({"half_width": 1.0, "max_replications": 3}, "10 or more"),
    ],
)
def test_an_impossible_precision_is_refused_in_words(settings, words):
    with pytest.raises(ConfigError, match=words):
        cs.decisions.Precision(**settings)


def test_metrics_of_a_ledger_are_its_own(market, strategies):
    scenario = cs.Scenario(market=market, strategy=strategies[1], horizon=8.0, period=4.0, epoch=1.0)
    ledger = cs.simulate(scenario, seed=3, replication=1)
    assert ledger_metric(ledger, "npv") == pytest.approx(ledger.npv)
    assert ledger_metric(ledger, "equity") == pytest.approx(ledger.equity)
    assert ledger_metric(ledger, "profit") == pytest.approx(ledger.profit_cents.sum() / 100)
    compared = cs.compare(market, strategies, replications=2, **RUN)
    for metric in (*DERIVED, *ACCOUNTS):
        assert compared.values(metric).loc[1, "acquire"] == ledger_metric(ledger, metric), metric


def test_selection_by_hand():
    """k = 2, n0 = 4, alpha = .05: eta = ((.1)^(-2/3) - 1)/2 = 1.8208, h2 = 6 eta = 10.925. Differences 3, 1, 3, 1
    have variance 4/3, so with delta = 2 the region reaches r = 10.925 (4/3)/4 = 3.64: four replications decide."""
    run = KimNelson(2, indifference=2.0, level=0.95, first_stage=4)
    assert run.h2 == pytest.approx(10.9248, abs=1e-3)
    for k, difference in enumerate((3.0, 1.0, 3.0, 1.0)):
        assert run.add(np.array([10.0 + difference, 10.0])) is (k == 3)
    assert run.survivors.tolist() == [0]
    assert run.eliminated_at.tolist() == [0, 4]
    # With delta = 1 the region reaches 14.57; W(4) = (14.57 - 4)/8 = 1.32 < 2, the mean difference: out at once.
    run = KimNelson(2, indifference=1.0, level=0.95, first_stage=4)
    for difference in (3.0, 1.0, 3.0, 1.0):
        done = run.add(np.array([10.0 + difference, 10.0]))
    assert done
    # Equal systems are looked at until 15 > 14.57, then the larger sum is taken.
    run = KimNelson(2, indifference=1.0, level=0.95, first_stage=4)
    for difference in (1.0, -1.0) * 2:
        run.add(np.array([difference, 0.0]))
    assert run.most == 15
    while not run.add(np.array([0.01, 0.0])):
        pass
    assert (run.replications, run.survivors.tolist()) == (15, [0])


def test_what_never_varied_in_the_first_stage_is_said():
    """Of "rare", which has earned 2 less throughout and once in 50 brings 200, nothing is known: (1 - .14)^20 is 5%."""
    values = pd.DataFrame({"plain": np.arange(20.0), "rare": np.arange(20.0) - 2, "other": np.arange(20.0) ** 2 / 9})
    found = select_from(values, indifference=1.0, first_stage=20)
    assert "plain and rare was the same in all 20 replications of the first stage" in found.doubts
    assert "fewer than 14% of replications" in str(found)
    assert "other" not in found.doubts


def test_the_best_strategy_is_selected_and_worse_ones_cost_less(market, strategies):
    ways = [*strategies, cs.Strategy(name="burn", acquisition=cs.simulation.Acquisition(budget_per_period=9e4))]
    found = cs.decisions.select_best(market, ways, indifference=100.0, first_stage=10, **RUN)
    assert found.chosen == "baseline"
    table = found.table.set_index("strategy")
    assert table.loc["burn", "eliminated_at"] == 10
    assert found.remaining == ["baseline"]
    assert "baseline after" in str(found)
    assert str(found).endswith("the error of the estimates and beliefs about numbers of the market are left out.")
    # Blocks run ahead by several workers change nothing.
    again = cs.decisions.select_best(
        market, ways, indifference=100.0, first_stage=10, workers=3, backend="threads", **RUN
    )
    assert again.table.equals(found.table)
    worst = cs.decisions.select_best(market, ways, indifference=100.0, first_stage=10, largest=False, **RUN)
    assert worst.chosen == "burn"
    assert worst.table.set_index("strategy").loc["burn", "mean"] == pytest.approx(table.loc["burn", "mean"], rel=1e-9)


def test_a_budget_that_ends_leaves_the_choice_open(market, strategies):
    found = cs.decisions.select_best(market, strategies, indifference=0.5, first_stage=10, max_replications=15, **RUN)
    assert found.chosen is None
    assert len(found.remaining) > 1
    assert "undecided between" in str(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"indifference": 0.0}, "above 0"),
        ({"level": 0.2}, "blind choice"),
        ({"first_stage": 1}, "2 or more"),
        ({"first_stage": 20, "max_replications": 10}, "only 10"),
        ({"metric": "joy"}, "no metric"),
    ],
)
def test_an_impossible_selection_is_refused(market, strategies, change, words):
    with pytest.raises(ConfigError, match=words):
        cs.decisions.select_best(market, strategies, **{"indifference": 1.0, **change}, **RUN)


def test_tasks_come_back_with_their_index():
    """Those of two processes, which take seconds to start, are put back in order in `test_backends.py`."""
    for backend, workers in (("processes", 1), ("threads", 1), ("threads", 2)):
        found = dict(run_tasks(abs, [-3, 2, -1], workers=workers, backend=backend))
        assert found == {0: 3, 1: 2, 2: 1}
    with pytest.raises(ConfigError, match="unknown backend"):
        list(run_tasks(abs, [1], backend="carrier pigeon"))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="needs a cluster"):
        list(run_tasks(abs, [1], backend="dask"))
    assert worker_count("all") >= 1
    with pytest.raises(ConfigError, match="whole number"):
        worker_count(0)
