"""Truth: parity. Threads, processes and a Dask cluster give the same outcomes as one worker,
in a comparison and in a study, also where it was stopped on the one and continued on the other."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

import churnsim as cs
from churnsim.decisions.runs import cluster as cluster_module
from churnsim.decisions.runs.cluster import cluster_client, worker_threads
from churnsim.decisions.runs.parallel_map import run_tasks
from churnsim.errors import ClusterError, MissingExtraError
from churnsim.study.config.config_file import parse_config
from churnsim.study.runner import StudyInterrupted, run_study
from churnsim.study.storage import provenance
from churnsim.study.storage.executor import plan_executor
from churnsim.study.storage.store import read_json

SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"


@pytest.fixture(scope="module")
def setting(published_models):
    purchases, spend = published_models
    market = cs.Market(customers=cs.Cohort(size=40), purchases=purchases, spend=spend)
    desk = cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.1, wage_per_period=5.0)
    strategies = [
        cs.Strategy(name="baseline"),
        cs.Strategy(name="acquire", acquisition=cs.simulation.Acquisition(budget_per_period=300.0), desk=desk),
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


@pytest.fixture(scope="module")
def address():
    """Of a cluster of two workers in a process of its own; any free port will do for the page it always serves.

    A second process would say the same, and take three seconds to start.
    """
    distributed = pytest.importorskip("distributed", reason="needs the extra [cluster]")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


def test_a_cluster_changes_nothing(setting, address):
    market, strategies, run, alone = setting
    with cluster_client(address) as client:
        assert worker_threads(client) == 2
        spread = cs.compare(market, strategies, backend="dask", workers=2, **run)
        chosen = cs.decisions.select_best(
            market, strategies, indifference=100.0, first_stage=6, seed=3, horizon=8.0, backend="dask", workers=2
        )
    assert spread.outcomes.equals(alone.outcomes)
    assert chosen.table.equals(
        cs.decisions.select_best(market, strategies, indifference=100.0, first_stage=6, seed=3, horizon=8.0).table
    )


class Watch:
    """Stops a study with Ctrl-C after so many ledgers; keeps the notes."""

    def __init__(self, stop_after=None):
        self.stop_after, self.steps, self.notes, self.now = stop_after, 0, [], ""

    def stage(self, title, total=None):
        self.now = title

    def advance(self, steps=1):
        self.steps += steps if self.now == "strategies" else 0
        if self.stop_after is not None and self.steps >= self.stop_after:
            raise KeyboardInterrupt

    def note(self, text):
        self.notes.append(text)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study, where it lies, and its run on one worker."""
    home = tmp_path_factory.mktemp("study")
    log = cs.datasets.cdnow()
    log[log["customer_id"] % 30 == 0][["customer_id", "date", "amount"]].to_csv(home / "log.csv", index=False)
    text = SMOKE.read_text(encoding="utf-8").replace('dataset = "cdnow"', 'path = "log.csv"')
    text = text.replace("replications = 2\n", "replications = 5\n")
    config = parse_config(text[: text.index("[claims]")] + '[claims]\ntest = ["card-npv"]\n', folder=home)
    return config, home, run_study(config, runs_dir=home / "alone", workers=1)


def results(directory):
    """The bytes of what a run found; the manifest tells who did the work."""
    names = ("outcomes.parquet", "comparison.json", "validation.json", "claims.json", "value.json")
    return {name: (directory / name).read_bytes() for name in names}


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_a_study_on_local_workers_finds_the_same(study, backend):
    config, home, alone = study
    assert results(run_study(config, runs_dir=home / backend, workers=2, backend=backend)) == results(alone)


def test_a_study_on_a_cluster_finds_the_same_and_continues_anywhere(study, address):
    """Stopped on the cluster and continued there; stopped once more and finished by threads."""
    config, home, alone = study
    runs = home / "cluster"
    for stop_after in (7, 16):
        watch = Watch(stop_after)
        with pytest.raises(StudyInterrupted, match="the same command continues"):
            run_study(config, runs_dir=runs, scheduler=address, progress=watch)
        (directory,) = runs.iterdir()
        manifest = read_json(directory / "manifest.json")
        assert (manifest["status"], manifest["workers"], manifest["backend"]) == ("partial", 2, "dask")
    watch = Watch()
    assert results(run_study(config, runs_dir=runs, workers=2, backend="threads", progress=watch)) == results(alone)
    assert any(note.startswith("continuing") for note in watch.notes)
    # What was run on the cluster is not run again: the first 16 ledgers come at one stroke.
    assert results(run_study(config, runs_dir=home / "whole", scheduler=address)) == results(alone)


def test_a_worker_with_other_packages_is_refused(study, address, monkeypatch):
    config, home, _ = study
    own = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: {**own, "numba": "0.1"})
    with pytest.raises(ClusterError, match=r"has numba .*, this machine 0\.1"):
        run_study(config, runs_dir=home / "other", scheduler=address)


@pytest.fixture
def here():
    """Makes clusters within this process, with so many workers."""
    distributed = pytest.importorskip("distributed", reason="needs the extra [cluster]")
    return partial(distributed.LocalCluster, processes=False, threads_per_worker=1, dashboard_address=":0")


def test_a_cluster_that_is_lost_leaves_a_run_that_continues(study, here):
    config, home, alone = study
    with here(n_workers=1) as cluster:

        class Closing(Watch):
            def advance(self, steps=1):
                try:
                    super().advance(steps)
                except KeyboardInterrupt:
                    cluster.close()

        with pytest.raises(ClusterError, match=r"was lost: .* What is finished is kept in .*continues from there"):
            run_study(config, runs_dir=home / "lost", scheduler=cluster.scheduler_address, progress=Closing(5))
    assert results(run_study(config, runs_dir=home / "lost", workers=1)) == results(alone)


def test_a_cluster_that_cannot_be_used_is_said(study, here, monkeypatch):
    config, home, _ = study
    monkeypatch.setattr(cluster_module, "SECONDS_TO_CONNECT", 0.2)
    monkeypatch.setattr(cluster_module, "SECONDS_FOR_A_WORKER", 0.2)
    asked = {"runs_dir": home / "unusable"}
    for scheduler in ("tcp://127.0.0.1:1", "nowhere"):
        with pytest.raises(cs.errors.ConfigError, match=f"no Dask scheduler answers at '{scheduler}'"):
            run_study(config, scheduler=scheduler, **asked)
    with pytest.raises(cs.errors.ConfigError, match="needs a cluster"):  # no client of those addresses is left active
        list(run_tasks(abs, [1], backend="dask"))
    with pytest.raises(cs.errors.ConfigError, match="--dask-scheduler tcp://HOST:8786"):
        run_study(config, backend="dask", **asked)
    with pytest.raises(cs.errors.ConfigError, match="has no part in backend 'threads'"):
        run_study(config, backend="threads", scheduler="tcp://127.0.0.1:1", **asked)
    with here(n_workers=0) as cluster, pytest.raises(ClusterError, match=r"has no workers\. Start some: dask worker"):
        run_study(config, scheduler=cluster.scheduler_address, **asked)


def test_without_dask_the_extra_is_named(study, monkeypatch):
    config, home, _ = study
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"churnsim\[cluster\]"):
        run_study(config, runs_dir=home / "without", backend="dask")


def test_a_configuration_may_name_its_cluster(study):
    config, _, _ = study
    section = config.simulation.model_copy(update={"backend": "dask", "dask_scheduler": "tcp://there:1"})
    asked = {"workers": None, "backend": None, "scheduler": None}
    plan = plan_executor(section, **asked)
    assert (plan.backend, plan.scheduler) == ("dask", "tcp://there:1")
    here = plan_executor(section, **{**asked, "backend": "processes", "workers": 3})
    assert (here.backend, here.scheduler, here.workers) == ("processes", None, 3)
    assert config.model_copy(update={"simulation": section}).canonical() == config.canonical()
    with pytest.raises(cs.errors.ConfigError, match="only backend = 'dask' uses it"):
        parse_config(SMOKE.read_text(encoding="utf-8").replace('workers = "all"', 'dask_scheduler = "tcp://there:1"'))
