"""Work on a Dask cluster, and what can go wrong with one. Needs the extra [cluster]."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeVar

from churnsim.errors import ClusterError, ConfigError
from churnsim.optional import optional_modules

T = TypeVar("T")
R = TypeVar("R")

# Assumed: a scheduler that is there answers at once, and its first worker may still be starting.
SECONDS_TO_CONNECT = 10
SECONDS_FOR_A_WORKER = 30


@contextmanager
def cluster_client(scheduler: str | None = None) -> Iterator[Any]:
    """The client of the Dask scheduler at this address, which closes with the block; without an address that of the
    client which is active, or of the scheduler that Dask's own configuration names (DASK_SCHEDULER_ADDRESS).

    Raises MissingExtraError where Dask is not installed, ConfigError where no scheduler answers or none is named, and
    ClusterError where it has no worker.
    """
    distributed = _distributed()
    if scheduler is None:
        with _active(distributed) as client:
            yield client
            return
    with _connected(distributed, scheduler) as client:
        yield client


def worker_threads(client: Any) -> int:
    """How many tasks the cluster does at a time, once it has a worker. Raises ClusterError where none comes."""
    try:
        client.wait_for_workers(1, timeout=SECONDS_FOR_A_WORKER)
    except TimeoutError:
        raise ClusterError(
            f"the Dask scheduler at {_address(client)} has no workers. Start some: dask worker {_address(client)}"
        ) from None
    return sum(client.nthreads().values())


def run_on_cluster(call: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R]]:
    """Yield (index of the item, call(item)) as the tasks finish on the cluster of the active client.

    `call` is sent to each worker once. Raises ConfigError where no client is active, ClusterError where the cluster
    ends or its workers do.
    """
    distributed = _distributed()
    try:
        client: Any = distributed.get_client()
    except ValueError:
        raise ConfigError(
            "backend='dask' needs a cluster to send work to. Make one first: "
            "`with distributed.Client(address): ...`, or `distributed.Client(n_workers=2)` on this machine."
        ) from None
    worker_threads(client)
    shared = client.scatter(call, broadcast=True, hash=False)
    futures = [client.submit(operator.call, shared, item, pure=False) for item in items]
    index_of = {future.key: index for index, future in enumerate(futures)}
    try:
        for future in distributed.as_completed(futures):
            yield index_of[future.key], future.result()
            future.release()  # or the cluster would keep every result to the end
    except (CancelledError, distributed.KilledWorker, distributed.comm.CommClosedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ClusterError(f"the Dask cluster at {_address(client)} was lost: {reason[:200]}.") from None
    finally:
        client.cancel(futures)


def _distributed() -> ModuleType:
    return optional_modules("distributed", extra="cluster", purpose="backend='dask'")[0]


@contextmanager
def _active(distributed: ModuleType) -> Iterator[Any]:
    try:
        yield distributed.get_client()
        return
    except ValueError:
        named = distributed.config.get("scheduler-address", None)
    if named is None:
        raise ConfigError(
            "backend 'dask' needs a cluster. Start one with `dask scheduler` and `dask worker`, and give its address: "
            "--dask-scheduler tcp://HOST:8786, dask_scheduler in [simulation], or DASK_SCHEDULER_ADDRESS."
        )
    with _connected(distributed, named) as client:
        yield client


@contextmanager
def _connected(distributed: ModuleType, scheduler: str) -> Iterator[Any]:
    try:  # a client that cannot read its address is never closed, and a default one that fails stays the active one
        distributed.comm.resolve_address(scheduler)
        client = distributed.Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"no Dask scheduler answers at {scheduler!r} ({reason[:200]}). Start one with `dask scheduler`, which "
            "prints its address, such as tcp://HOST:8786."
        ) from None
    with client, client.as_current():
        yield client


def _address(client: Any) -> str:
    return str(client.scheduler.address)
