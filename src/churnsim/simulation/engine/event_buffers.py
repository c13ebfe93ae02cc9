"""Events of the compiled engine that concern others (log, complaints, referrals), buffered until they are settled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.ledger_accounts import COLUMNS
from churnsim.kernels.engine.ledger_updates import (
    COMPLAINT_LINE,
    COMPLAINTS,
    LOG,
    LOG_LINE,
    REFERRAL_LINE,
    REFERRALS,
    early_first,
)

BUFFER_LINES = 16384  # lines of one buffer; the kernel returns when one is full
LINES = {LOG: LOG_LINE, COMPLAINTS: COMPLAINT_LINE, REFERRALS: REFERRAL_LINE}


class WorkerBuffers:
    """Events of the customers of one worker, and their share of the ledger."""

    def __init__(self, rows: int, *, log: bool) -> None:
        self.table = np.zeros((rows, COLUMNS), dtype=np.int64)
        self.log = np.empty(BUFFER_LINES if log else 0, dtype=LOG_LINE)
        self.complaints = np.empty(BUFFER_LINES, dtype=COMPLAINT_LINE)
        self.referrals = np.empty(BUFFER_LINES, dtype=REFERRAL_LINE)
        self.fill = np.zeros(3, dtype=np.int64)
        self.flushed: dict[int, list[NDArray[np.int64]]] = {kind: [] for kind in LINES}

    def flush(self) -> None:
        """Move what the buffers hold to `flushed` and empty them."""
        for kind, box in ((LOG, self.log), (COMPLAINTS, self.complaints), (REFERRALS, self.referrals)):
            if self.fill[kind]:
                self.append(kind, box[: self.fill[kind]])
        self.fill[:] = 0

    def append(self, kind: int, lines: NDArray[Any]) -> None:
        """Keep a copy of `lines`, as rows of integers: NumPy copies those ten times as fast as records."""
        self.flushed[kind].append(lines.view(np.int64).reshape(lines.size, lines.itemsize // 8).copy())


class EventBuffers:
    """The buffers of all workers. Events of customers who are ahead of the boundary are kept until it reaches them."""

    def __init__(self, workers: int, rows: int, *, log: bool) -> None:
        self.workers = [WorkerBuffers(rows, log=log) for _ in range(workers)]
        self._kept = {kind: np.empty((0, line.itemsize // 8), dtype=np.int64) for kind, line in LINES.items()}
        self._totals = np.zeros(COLUMNS, dtype=np.int64)
        self._rows = 0

    def take(self, kind: int, before: float) -> NDArray[Any]:
        """Events of one kind at times below `before`, each once, in no particular order."""
        flushed = [lines for box in self.workers for lines in box.flushed[kind]]
        for box in self.workers:
            box.flushed[kind] = []
        kept = self._kept[kind]
        if not (flushed or kept.size):
            return np.empty(0, dtype=LINES[kind])
        lines = np.concatenate([kept, *flushed]) if flushed else kept
        # Those who are ahead of the boundary have written about times that are not settled yet.
        early = early_first(lines.view(np.float64), lines, len(lines), before)
        self._kept[kind] = lines[early:]
        return lines[:early].view(LINES[kind]).reshape(early)

    def totals_before(self, rows: int) -> NDArray[np.int64]:
        """The sums of the columns over the first `rows` rows of the books, of which there are never fewer at the next
        call."""
        # Rows once settled do not change any more: each is summed once.
        for box in self.workers:
            self._totals += box.table[self._rows : rows].sum(axis=0)
        self._rows = rows
        return self._totals

    @property
    def table(self) -> NDArray[np.int64]:
        """Everybody's books."""
        total: NDArray[np.int64] = np.sum([box.table for box in self.workers], axis=0)
        return total
