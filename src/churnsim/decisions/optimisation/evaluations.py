"""Outcomes of points of the levers, each computed once and kept in a folder, so that a search that was stopped goes on.

The same points are asked for whatever the number of workers, and what is asked for depends on outcomes alone. So a
search that goes on takes the same way as one that was never stopped.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from churnsim.data.tabular.files import whole_file
from churnsim.decisions.assumptions.levers import NOTHING
from churnsim.decisions.comparison.metrics import ledger_metric
from churnsim.decisions.runs.experiment import PIECES_PER_WORKER, Experiment
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.typing import Floats

PIECE = 200
"""Simulations at most that are computed before they are kept."""

Point = tuple[float, ...]


def point_hash(point: Point) -> str:
    """By which the outcomes of a point are kept; that of no point is spending nothing."""
    return hashlib.sha256(",".join(map(repr, point)).encode()).hexdigest()[:16]


class Evaluations:
    """The metric of each point and replication; calling it gives an array (points, replications).

    `strategy_at` makes the strategy of a point, `directory` is where outcomes are kept, in a folder for this market,
    these strategies, this seed and these durations, so that others' are not taken for them.
    """

    def __init__(
        self, experiment: Experiment, strategy_at: Callable[[Point], Strategy], metric: str, directory: Path | None
    ) -> None:
        self.experiment, self.strategy_at, self.metric = experiment, strategy_at, metric
        self.known: dict[Point, dict[int, float]] = {}
        self._by_hash: dict[str, dict[int, float]] = {}
        self._folder = None if directory is None else directory / f"outcomes-{self._identity()}"
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._read(self._folder)

    def _identity(self) -> str:
        """Of what outcomes depend on besides the point."""
        e = self.experiment
        if e.mechanisms:
            raise ConfigError(
                "outcomes of mechanisms of one's own are not kept, since their code may change. Leave directory out."
            )
        found: str = joblib.hash(
            (e.market.__getstate__(), self.strategy_at(()), e.seed, tuple(e.durations), self.metric)
        )
        return found[:16]

    def _read(self, folder: Path) -> None:
        for path in sorted(folder.glob("*.parquet")):
            content = io.BytesIO(path.read_bytes())  # outside: what the disk refuses says nothing about the content
            try:
                frame = pd.read_parquet(content)
                for name, rows in frame.groupby("point"):
                    pairs = zip(rows["replication"].tolist(), rows["value"].tolist(), strict=True)
                    self._by_hash.setdefault(str(name), {}).update(pairs)
            except (OSError, ValueError, KeyError):  # an OSError is how Arrow says that bytes are broken
                path.unlink()  # after a loss of power: it is computed again

    def __call__(self, points: Floats, replications: range) -> Floats:
        """Outcomes of the points, or in one row those of spending nothing where there are none."""
        asked: list[Point] = [tuple(row) for row in points.tolist()] or [()]
        for point in asked:
            if point not in self.known:
                self.known[point] = self._by_hash.get(point_hash(point), {})
        for group, missing in self._missing(asked, replications):
            self._run(group, missing)
        return np.array([[self.known[point][replication] for replication in replications] for point in asked])

    def _missing(self, asked: list[Point], replications: range) -> Iterator[tuple[list[Point], list[int]]]:
        """Points that lack the same replications, which are run together, on one drawing of the customers."""
        groups: dict[tuple[int, ...], list[Point]] = {}
        for point in dict.fromkeys(asked):
            lacking = tuple(r for r in replications if r not in self.known[point])
            groups.setdefault(lacking, []).append(point)
        yield from ((points, list(lacking)) for lacking, points in groups.items() if lacking)

    def _run(self, points: list[Point], replications: list[int]) -> None:
        pieces = max(
            PIECES_PER_WORKER * self.experiment.workers, -(-len(points) * len(replications) // PIECE)
        )  # fmt: skip
        size = max(1, -(-len(replications) // pieces))
        items = [tuple(replications[i : i + size]) for i in range(0, len(replications), size)]
        strategies = tuple(self.strategy_at(point) if point else NOTHING for point in points)
        task = _Values(self.experiment.task_part, strategies, self.metric)
        for index, found in self.experiment.map(task, items, steps=lambda found: int(found.size)):
            for point, row in zip(points, found.tolist(), strict=True):
                self.known[point].update(zip(items[index], row, strict=True))
            self._keep(points, items[index], found)

    def _keep(self, points: list[Point], replications: tuple[int, ...], found: Floats) -> None:
        """Write what one piece has found: the whole file or none."""
        if self._folder is None:
            return
        frame = pd.DataFrame(
            {
                "point": np.repeat([point_hash(point) for point in points], len(replications)),
                "replication": np.tile(np.array(replications, dtype=np.int64), len(points)),
                "value": found.ravel(),
            }
        )
        name = hashlib.sha256(repr((points, replications)).encode()).hexdigest()[:16]
        with whole_file(self._folder / f"{name}.parquet") as temporary:
            frame.to_parquet(temporary, index=False)

    def table(self) -> pd.DataFrame:
        """Every outcome that was asked for: point (its hash), replication, value."""
        rows = [
            (point_hash(point), replication, value)
            for point, found in self.known.items()
            for replication, value in sorted(found.items())
        ]
        return pd.DataFrame(rows, columns=["point", "replication", "value"])


@dataclass(frozen=True)
class _Values:
    """The task of one piece: the metric of each strategy (rows) in some replications (columns)."""

    experiment: Experiment
    strategies: tuple[Strategy, ...]
    metric: str

    def __call__(self, replications: tuple[int, ...]) -> Floats:
        found = self.experiment.ledgers(self.strategies, replications)
        return np.array([[ledger_metric(ledger, self.metric) for ledger in ledgers] for ledgers in found])
