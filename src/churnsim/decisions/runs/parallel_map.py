"""Many independent tasks over threads, processes or a Dask cluster: the same results on each.

A task is `call(item)`. What all tasks share belongs to `call`, which is sent to a cluster once; `item` says which
piece is wanted. Every random number is addressed by customer, event and replication, so who computes a piece, and when,
cannot change it; callers put the pieces together by their index.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Literal, TypeVar, get_args

from churnsim.decisions.runs.cluster import run_on_cluster
from churnsim.errors import ConfigError

Backend = Literal["threads", "processes", "dask"]

T = TypeVar("T")
R = TypeVar("R")


def worker_count(workers: int | str) -> int:
    """A number of workers: 'all' is every core this process may use. Raises ConfigError for what is neither."""
    if workers != "all":
        if isinstance(workers, str) or workers < 1:
            raise ConfigError(f"workers must be a whole number of at least 1, or 'all'; got {workers!r}.")
        return int(workers)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system can say
        return os.cpu_count() or 1


def backend_for(engine: str, backend: Backend | None = None) -> Backend:
    """The backend asked for, or the one that suits the engine: compiled code releases the interpreter lock, so that
    threads share its work without another process to start."""
    return backend or ("processes" if engine == "simpy" else "threads")


def run_tasks(
    call: Callable[[T], R], items: Sequence[T], *, workers: int = 1, backend: Backend = "processes"
) -> Iterator[tuple[int, R]]:
    """Yield (index of the item, call(item)) as the tasks finish.

    "threads" suits an engine that releases the interpreter lock, "processes" one that does not; with one worker both
    run the tasks here, in order. "dask" sends them to the cluster of the active `distributed.Client`, whose workers are
    then as many as it has. Raises ConfigError for an unknown backend or when no client is active, MissingExtraError
    where Dask is not installed, ClusterError where the cluster is lost.
    """
    if backend not in get_args(Backend):
        raise ConfigError(f"unknown backend {backend!r}. Use one of {', '.join(map(repr, get_args(Backend)))}.")
    if backend == "dask":
        yield from run_on_cluster(call, items)
    elif workers == 1 or len(items) <= 1:
        yield from ((index, call(item)) for index, item in enumerate(items))
    elif backend == "threads":
        pool = ThreadPoolExecutor(workers)
        try:
            places = {pool.submit(call, item): index for index, item in enumerate(items)}
            for done in as_completed(places):
                yield places.pop(done), done.result()
        finally:
            pool.shutdown(cancel_futures=True)
    else:
        from joblib import Parallel, delayed

        # Processes stay for the next call with the same settings.
        processes = Parallel(n_jobs=workers, backend="loky", return_as="generator_unordered", batch_size=1)
        results: Any = processes(delayed(_undisturbed)(call, index, item) for index, item in enumerate(items))
        try:
            for found in results:  # noqa: UP028  `yield from` would close them before we can
                yield found
        finally:
            with warnings.catch_warnings():
                # Whoever stops half-way knows that tasks were not used.
                warnings.filterwarnings("ignore", message=".*tasks", category=UserWarning, module="joblib")
                results.close()


def _undisturbed(call: Callable[[T], R], index: int, item: T) -> tuple[int, R]:
    """Run a task in a worker. Ctrl-C reaches the whole process group; the main process alone answers it."""
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return index, call(item)
