"""Where a study runs: in threads, processes or on a Dask cluster. The results are the same on each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from churnsim.decisions.runs.cluster import cluster_client, worker_threads
from churnsim.decisions.runs.parallel_map import Backend, worker_count
from churnsim.errors import ClusterError, ConfigError
from churnsim.study.config.config import SimulationSection
from churnsim.study.storage.provenance import recipe


@dataclass(frozen=True, kw_only=True)
class Executor:
    """The number of workers and their backend; without a `backend` each stage takes its own default."""

    workers: int
    backend: Backend | None = None


@dataclass(frozen=True, kw_only=True)
class ExecutorPlan:
    """What was asked for, before any cluster is connected."""

    workers: int
    backend: Backend | None
    scheduler: str | None


def plan_executor(
    section: SimulationSection, *, workers: int | str | None, backend: Backend | None, scheduler: str | None
) -> ExecutorPlan:
    """What the caller asks for, and where nothing is asked what the configuration says.

    Raises ConfigError for a scheduler beside a backend other than "dask".
    """
    if scheduler is not None:
        if backend not in (None, "dask"):
            raise ConfigError(f"a Dask scheduler has no part in backend {backend!r}. Leave one of them out.")
        backend = "dask"
    chosen = backend or section.backend
    return ExecutorPlan(
        workers=worker_count(workers if workers is not None else section.workers),
        backend=chosen,
        scheduler=(scheduler or section.dask_scheduler) if chosen == "dask" else None,
    )


@contextmanager
def connected(plan: ExecutorPlan) -> Iterator[Executor]:
    """The executor, connected to its cluster while the block runs.

    Raises ConfigError where no scheduler answers, ClusterError where it has no workers or one of them has other code
    or packages, MissingExtraError where Dask is not installed.
    """
    if plan.backend != "dask":
        yield Executor(workers=plan.workers, backend=plan.backend)
        return
    with cluster_client(plan.scheduler) as client:
        threads = worker_threads(client)
        _check_code(client)
        yield Executor(workers=threads, backend="dask")


def _check_code(client: Any) -> None:
    """Other code gives other numbers: every worker must have this churnsim and these packages."""
    own = recipe()
    for worker, found in client.run(recipe, on_error="return").items():
        if isinstance(found, Exception):
            raise ClusterError(
                f"the worker at {worker} cannot run churnsim ({type(found).__name__}: {found}). Install there what is "
                "installed here: pip install -c constraints.txt '.[cluster]'"
            )
        other = {name: version for name, version in found["versions"].items() if version != own["versions"][name]}
        if other:
            name, version = next(iter(other.items()))
            raise ClusterError(
                f"the worker at {worker} has {name} {version}, this machine {own['versions'][name]}: results could "
                "differ. Install the same packages on each: pip install -c constraints.txt '.[cluster]'"
            )
        if found != own:
            raise ClusterError(
                f"the worker at {worker} has another state of churnsim's code. Install the same one on each machine, "
                "and start the workers again."
            )
