"""Threads that share a run's customers. Compiled kernels let go of the GIL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

SMALLEST_CHUNK = 2048  # customers; fewer are not worth a thread
CHUNKS_EACH = 8  # so that nobody waits long for the slowest


class ThreadPool:
    """`size` workers, the caller among them. What they do must not depend on who does which part."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size) if size > 1 else None

    def close(self) -> None:
        """Let the threads go."""
        if self._pool:
            self._pool.shutdown()

    def share(self, number: int, job: Callable[[int, int, int], None]) -> None:
        """Call `job(worker, first, last)` for chunks that make up range(number), each worker one chunk at a time."""
        count = min(self.size * CHUNKS_EACH, number // SMALLEST_CHUNK)
        if self._pool is None or count < 2:
            job(0, 0, number)
            return
        # A list's iterator hands out each chunk once, whoever asks.
        chunks = iter([(number * i // count, number * (i + 1) // count) for i in range(count)])

        def work(worker: int) -> None:
            for first, last in chunks:
                job(worker, first, last)

        list(self._pool.map(work, range(self.size)))
