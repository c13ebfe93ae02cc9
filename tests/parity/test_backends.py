"""Truth: parity. Threads, processes and a Dask cluster of two workers give the same outcomes as one worker."""

from __future__ import annotations

import pytest

import churnsim as cs


@pytest.fixture(scope="module")
def setting(published_models):
    purchases, spend = published_models
    market = cs.Market(customers=cs.Cohort(size=40), purchases=purchases, spend=spend)
    desk = cs.ComplaintDesk(staff=1, mean_service_time=0.1, wage_per_period=5.0)
    strategies = [
        cs.Strategy(name="baseline"),
        cs.Strategy(name="acquire", acquisition=cs.Acquisition(budget_per_period=300.0), desk=desk),
    ]
    run = {"replications": 6, "seed": 3, "horizon": 8.0}
    return market, strategies, run, cs.compare(market, strategies, **run)


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_local_workers_change_nothing(setting, backend):
    market, strategies, run, alone = setting
    steps: list[int] = []
    shared = cs.compare(market, strategies, workers=2, backend=backend, progress=steps.append, **run)
    assert shared.outcomes.equals(alone.outcomes)
    assert sum(steps) == 2 * 6


def test_a_cluster_changes_nothing(setting):
    distributed = pytest.importorskip("distributed", reason="needs the extra [cluster]")
    market, strategies, run, alone = setting
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        assert len(client.scheduler_info()["workers"]) == 2
        spread = cs.compare(market, strategies, backend="dask", workers=2, **run)
        chosen = cs.select_best(
            market, strategies, indifference=100.0, first_stage=6, seed=3, horizon=8.0, backend="dask", workers=2
        )
    assert spread.outcomes.equals(alone.outcomes)
    assert chosen.table.equals(
        cs.select_best(market, strategies, indifference=100.0, first_stage=6, seed=3, horizon=8.0).table
    )
