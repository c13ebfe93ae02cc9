"""What customers tell the rest of the world in the compiled engine, until it is heard."""

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

__all__ = ["Outbox", "Post"]

BOX = 4096  # lines of an outbox; the kernel comes back with a full one
LINES = {LOG: LOG_LINE, COMPLAINTS: COMPLAINT_LINE, REFERRALS: REFERRAL_LINE}


class Outbox:
    """What the customers of one worker tell, and their share of the books."""

    def __init__(self, rows: int, *, log: bool) -> None:
        self.table = np.zeros((rows, COLUMNS), dtype=np.int64)
        self.log = np.empty(BOX if log else 0, dtype=LOG_LINE)
        self.complaints = np.empty(BOX, dtype=COMPLAINT_LINE)
        self.referrals = np.empty(BOX, dtype=REFERRAL_LINE)
        self.fill = np.zeros(3, dtype=np.int64)
        self.told: dict[int, list[NDArray[np.int64]]] = {kind: [] for kind in LINES}

    def empty(self) -> None:
        """Keep what the boxes hold and make them empty again."""
        for kind, box in ((LOG, self.log), (COMPLAINTS, self.complaints), (REFERRALS, self.referrals)):
            if self.fill[kind]:
                self.tell(kind, box[: self.fill[kind]])
        self.fill[:] = 0

    def tell(self, kind: int, lines: NDArray[Any]) -> None:
        """Keep some lines, as rows of numbers: NumPy copies those ten times as fast as records."""
        self.told[kind].append(lines.view(np.int64).reshape(lines.size, lines.itemsize // 8).copy())


class Post:
    """The outboxes of all workers. Customers may be ahead of the world: what they tell is kept until its time."""

    def __init__(self, workers: int, rows: int, *, log: bool) -> None:
        self.boxes = [Outbox(rows, log=log) for _ in range(workers)]
        self._kept = {kind: np.empty((0, line.itemsize // 8), dtype=np.int64) for kind, line in LINES.items()}
        self._heard = np.zeros(COLUMNS, dtype=np.int64)
        self._rows = 0

    def take(self, kind: int, before: float) -> NDArray[Any]:
        """What was told of one kind at times `before` that, each line once, in no particular order."""
        told = [lines for box in self.boxes for lines in box.told[kind]]
        for box in self.boxes:
            box.told[kind] = []
        kept = self._kept[kind]
        lines = np.concatenate([kept, *told]) if told else kept
        early = early_first(lines.view(np.float64), lines, before)
        self._kept[kind] = lines[early:]
        return lines[:early].view(LINES[kind]).reshape(early)

    def booked(self, rows: int) -> NDArray[np.int64]:
        """The sums of the columns over the first `rows` rows of the books, of which there are never fewer at the next
        call."""
        for box in self.boxes:
            self._heard += box.table[self._rows : rows].sum(axis=0)
        self._rows = rows
        return self._heard

    @property
    def table(self) -> NDArray[np.int64]:
        """Everybody's books."""
        total: NDArray[np.int64] = np.sum([box.table for box in self.boxes], axis=0)
        return total
