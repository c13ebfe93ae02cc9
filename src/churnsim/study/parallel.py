"""Independent tasks over local processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

__all__ = ["run_tasks", "worker_count"]

R = TypeVar("R")


def worker_count(workers: int | str) -> int:
    """A number of processes: 'all' is every core this process may use."""
    if workers != "all":
        return int(workers)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system can say
        return os.cpu_count() or 1


def run_tasks(tasks: Sequence[Callable[[], R]], *, workers: int) -> Iterator[R]:
    """Call every task and yield the results as they come. One worker runs them here, in order, with no other process.

    A task is a picklable object without arguments. joblib keeps the pool of processes for the next call, its own or
    that of `churnsim.simulation.compare`, as long as both ask for it with the same settings.
    """
    if workers == 1 or len(tasks) <= 1:
        yield from (task() for task in tasks)
        return
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)(
        delayed(_undisturbed)(task) for task in tasks
    )


def _undisturbed(task: Callable[[], R]) -> R:
    """Run a task in a worker. Ctrl-C reaches the whole process group; the main process alone answers it."""
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return task()
