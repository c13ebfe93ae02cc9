"""What one must believe for a statement to hold: the region of two or three assumptions, by simulation.

Every cell of the grid is simulated at its centre with the same seed and the same replications, so that neighbouring
cells, like strategies, meet the same chances and differ by the assumptions alone. A cell is looked at after a first
stage of replications and whenever they have doubled; each look uses its share of 1 - level (Bonferroni), so that
looking repeatedly does not make wrong verdicts more frequent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Unpack

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_kind, check_level, check_number, shown, typed
from churnsim.decisions.assumptions.outcome import AtPoint, Quantity
from churnsim.decisions.assumptions.ranges import named_ranges
from churnsim.decisions.assumptions.region import Axis, Region, Statement
from churnsim.decisions.comparison.compare import told_doubts
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import number_at
from churnsim.simulation.scenario.strategy import Strategy

Judged = tuple[float, float, float, int, str]
"""Mean, lower, upper, replications, state."""
Range = tuple[float, float]


@typed
def assumption_region(
    market: Market | Experiment,
    strategies: Sequence[Strategy],
    quantity: Quantity,
    over: Mapping[str, Range],
    *,
    above: float | None = None,
    below: float | None = None,
    cells: int | Mapping[str, int] = 12,
    max_replications: int = 80,
    level: float = 0.95,
    joint: bool = False,
    **run: Unpack[RunArguments],
) -> Region:
    """Where `quantity` lies above one number and below another, over a grid of two or three assumptions.

    Parameters
    ----------
    market, strategies, quantity
        As `sensitivity` takes them.
    over : mapping of str to (float, float)
        The lowest and highest value of each assumption by its address, such as "complaints.failure_share" or
        "strategy.NAME.retention.budget_per_period" (`addresses` lists them).
    above, below : float, optional
        The statement, in the unit of the quantity; above 0 where neither is given.
    cells : int or mapping of str to int
        Cells per assumption.
    max_replications : int
        A cell gets the experiment's `replications`, twice as many and so on while its interval contains a limit, up to
        this number.
    level : float
        A cell's verdict is wrong with probability at most 1 - level.
    joint : bool
        Whether that probability is of any wrong verdict on the map, instead of a single cell's.
    **run
        Parameters of `Experiment`; `replications` is 20 by default, and `progress` counts cells.

    Returns
    -------
    Region
        The verdict on each cell, and on the market's own values.

    Raises
    ------
    ConfigError
        For unknown addresses, impossible ranges or numbers of replications.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> region = cs.decisions.assumption_region(
    ...     market, [cs.Strategy(name="baseline")], cs.decisions.Quantity(of="baseline", metric="profit"),
    ...     {"terms.margin": (0.1, 0.5), "complaints.failure_share": (0.0, 0.4)}, above=100.0,
    ...     cells=2, replications=2, max_replications=2, seed=1, horizon=8,
    ... )
    >>> len(region.frame)
    4
    """
    experiment = Experiment.of(market, run)
    market = experiment.market
    check_level(level)
    if not isinstance(joint, bool):
        raise ConfigError(f"joint must be True or False; got {shown(joint)}.")
    axes = _axes(over, cells)
    statement = Statement(quantity=str(quantity), above=0.0 if above is None and below is None else above, below=below)
    here = [number_at(market, strategies, axis.name) for axis in axes]
    stages = _stages(
        experiment.size(20),
        min(check_count(max_replications, "max_replications"), market.most_replications or max_replications),
    )
    points = [*product(*(axis.centres.tolist() for axis in axes)), tuple(here)]
    looks = len(stages) * (len(points) if joint else 1)
    task = _Cell.of(
        experiment, strategies, quantity, [axis.name for axis in axes],
        statement=statement, stages=stages, level=1 - (1 - level) / looks,
    )  # fmt: skip
    as_it_is, concerned = task.at(here)  # an address that cannot be set is said before any work
    as_it_is.warn_of_epochs(concerned)
    found: list[Judged | None] = [None] * len(points)
    for index, judged in experiment.map(task, points):
        found[index] = judged
    each = "all cells jointly" if joint else "each cell by itself"
    runs = f"{stages[0]} replications" if len(stages) == 1 else f"{stages[0]} to {stages[-1]} replications"
    how = f"Judged at the centres of the cells by {runs} on common random numbers, {each} at {level:.0%}."
    return _region(statement, axes, points[:-1], found[:-1], how, (here, found[-1]), told_doubts(market))


@typed
def map_region(
    function: Callable[..., float],
    statement: Statement,
    axes: Sequence[Axis],
    *,
    here: Mapping[str, float] | None = None,
) -> Region:
    """The same map for a closed form: `function` takes the axes' values in order. Its number is exact, so that no cell
    is undecided but where it is NaN; an assumption that raises ConfigError is impossible.

    Examples
    --------
    >>> from churnsim.decisions import Axis, Statement
    >>> axes = [Axis(name="retention", low=0.6, high=0.9, cells=3), Axis(name="rate", low=0.0, high=0.2, cells=2)]
    >>> region = map_region(lambda r, d: (1 + d) / (1 + d - r), Statement(quantity="the multiple", above=4.0), axes)
    >>> region.frame["state"].tolist()
    ['fails', 'fails', 'fails', 'fails', 'holds', 'fails']
    """

    def judge(point: Sequence[float]) -> Judged:
        try:
            value = float(function(*point))
        except ConfigError:
            return (np.nan, np.nan, np.nan, 0, "impossible")
        return (value, value, value, 0, statement.state(value, value))

    axes = _checked(tuple(axes))
    points = list(product(*(axis.centres.tolist() for axis in axes)))
    own = None
    if here is not None:
        at = [check_number(here.get(axis.name), f"here[{axis.name!r}]") for axis in axes]
        own = (at, judge(at))
    how = "Computed at the centres of the cells, without chance."
    return _region(statement, axes, points, [judge(point) for point in points], how, own)


def _axes(over: Mapping[str, Range], cells: int | Mapping[str, int]) -> tuple[Axis, ...]:
    ranges = named_ranges(over)
    if isinstance(cells, Mapping) and set(cells) != set(ranges):
        raise ConfigError(f"cells must name the assumptions of the map, {list(ranges)}; got {list(cells)}.")
    by_name = cells if isinstance(cells, Mapping) else dict.fromkeys(ranges, cells)
    axes = []
    for name, bounds in ranges.items():
        if bounds is None:
            raise ConfigError(f"a map needs the range of {name!r}: over = {{{name!r}: (low, high)}}.")
        axes.append(Axis(name=name, low=bounds[0], high=bounds[1], cells=check_count(by_name[name], "cells", least=2)))
    return _checked(tuple(axes))


def _checked(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    for axis in axes:
        check_kind(axis, "each of axes", Axis, "an Axis")
    if len(axes) not in (2, 3):
        raise ConfigError(f"a map has two or three assumptions; got {len(axes)}.")
    return axes


def _stages(first: int, most: int) -> tuple[int, ...]:
    """Sizes at which a cell is looked at: the first, doubled, and the most."""
    if not 2 <= first <= most:
        raise ConfigError(f"a cell needs at least 2 replications and at most {most}; got {first}.")
    sizes = [first]
    while sizes[-1] < most:
        sizes.append(min(2 * sizes[-1], most))
    return tuple(sizes)


@dataclass(frozen=True, kw_only=True)
class _Cell(AtPoint):
    """The task of one cell: simulate until its interval decides or the stages end."""

    statement: Statement
    stages: tuple[int, ...]
    level: float

    def __call__(self, point: Sequence[float]) -> Judged:
        try:
            experiment, strategies = self.at(point)
        except ConfigError:
            return (np.nan, np.nan, np.nan, 0, "impossible")
        outcomes, done = np.empty((len(strategies), 0)), 0
        state, found = "undecided", None
        for size in self.stages:
            more = self.quantity.outcomes(experiment, strategies, range(done, size))
            outcomes, done = np.concatenate([outcomes, more], axis=1), size
            found = self.quantity.estimate(outcomes, level=self.level)
            state = self.statement.state(found.lower, found.upper)
            if state != "undecided":
                break
        assert found is not None  # there is one stage at least
        return (found.mean, found.lower, found.upper, done, state)


def _region(
    statement: Statement,
    axes: tuple[Axis, ...],
    points: Sequence[Sequence[float]],
    judged: Sequence[Judged | None],
    how: str,
    here: tuple[Sequence[float], Judged | None] | None,
    doubts: str = "",
) -> Region:
    columns = ["mean", "lower", "upper", "replications", "state"]
    names = [axis.name for axis in axes]
    frame = pd.DataFrame(list(points), columns=names)
    for i, column in enumerate(columns):
        frame[column] = [cell[i] for cell in judged if cell is not None]
    own = None
    if here is not None and here[1] is not None:
        own = {**dict(zip(names, here[0], strict=True)), **dict(zip(columns, here[1], strict=True))}
    return Region(statement=statement, axes=axes, frame=frame, judged=how, here=own, doubts=doubts)
