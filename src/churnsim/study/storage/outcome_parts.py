"""The ledgers of an unfinished run: many in a file and a file every few seconds, so that storing costs little."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from churnsim.decisions.runs.experiment import outcome_rows
from churnsim.simulation.engine.ledger import ACCOUNTS
from churnsim.study.storage.store import RunStore, read_parquet, write_parquet
from churnsim.typing import Ints

# What a killed run may lose. A file for each small ledger takes longer than simulating it.
SECONDS = 2.0

Key = tuple[str, int]  # a strategy and a replication


def ledgers_of(outcomes: pd.DataFrame) -> Iterator[tuple[Key, Ints]]:
    """The tables of the ledgers whose rows are `outcomes`."""
    accounts = outcomes[list(ACCOUNTS)].to_numpy(np.int64)
    key: Any
    for key, places in outcomes.groupby(["strategy", "replication"], sort=False).indices.items():
        yield (str(key[0]), int(key[1])), accounts[places]


class OutcomeParts:
    """What is finished of `outcomes.parquet`: ledgers of `periods` rows, each of one strategy and replication."""

    def __init__(self, store: RunStore, periods: int) -> None:
        self._periods = periods
        self._folder = store.part("outcomes", "first").parent
        self._waiting: dict[Key, Ints] = {}
        self._written = time.monotonic()

    def stored(self, strategies: Collection[str]) -> dict[Key, Ints]:
        """The stored ledgers of some strategies that can be used; what is broken or lacks periods is not among them, to
        be run again."""
        found: dict[Key, Ints] = {}
        for path in sorted(self._folder.glob("*.parquet")):
            content = path.read_bytes()  # outside: what the disk refuses says nothing about the content
            try:
                frame = read_parquet(content)
            except (OSError, ValueError):
                continue
            if {"strategy", "replication", *ACCOUNTS} <= set(frame.columns):
                for key, table in ledgers_of(frame[frame["strategy"].isin(strategies)]):
                    if len(table) == self._periods:
                        found.setdefault(key, table)
        return found

    def add(self, ledgers: Mapping[Key, Ints]) -> None:
        """Take finished ledgers, and write what has been taken where the last file is some seconds old."""
        self._waiting |= ledgers
        if time.monotonic() - self._written >= SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what has been taken and not written yet."""
        if self._waiting:
            last = max((int(path.stem) for path in self._folder.glob("*.parquet")), default=-1)
            rows = outcome_rows([(*key, table) for key, table in self._waiting.items()])
            write_parquet(self._folder / f"{last + 1:06d}.parquet", rows, durable=False)  # a broken one is run again
            self._waiting.clear()
        self._written = time.monotonic()
