"""Which assumptions an answer depends on: Morris's elementary effects and Sobol's indices, by SALib.

Every point of the design is run with the same seed and replications (common random numbers), so that the answer is one
fixed function of the assumptions and its variance is theirs. What chance is left in that function, since replications
are few, is reported beside the indices as `noise`: what the points' own chance events, beyond what all of them share,
contributes to the variance over the design (the interaction of points and replications, over the number of
replications).

Morris (1991), Technometrics 33, 161-174; Campolongo, Cariboni & Saltelli (2007), Environmental Modelling & Software 22,
1509-1518 (mu*); Saltelli et al. (2010), Computer Physics Communications 181, 259-270 (the estimators of S1 and ST).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, check_level, typed
from churnsim.decisions.assumptions.outcome import AtPoint, Quantity
from churnsim.decisions.assumptions.ranges import PlausibleRange, named_ranges, plausible_range
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.optional import optional_modules
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import number_at
from churnsim.simulation.scenario.strategy import Strategy

Method = Literal["morris", "sobol"]
MORRIS_LEVELS = 4  # as in Morris (1991), with the customary step of 2/3 of the range
RESAMPLES = 1000


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How the quantity answers to each assumption, most influential first.

    `table` has one row an assumption: assumption, value, low, high, range_source, range_status, and, for "morris",
    mu_star (mean absolute change of the quantity per whole range of the assumption, from steps of 2/3 of it) with
    mu_star_lower and _upper, mu (with sign), sigma (spread: nonlinearity and interactions); for "sobol", total and
    first, the shares of the quantity's variance that go through the assumption at all and by it alone, with _lower and
    _upper. Intervals are at `level`, by bootstrap over the design. `design` holds the points and the quantity at each.

    Attributes
    ----------
    quantity : str
        In words.
    method : "morris" or "sobol"
        The design.
    level : float
        Of the intervals.
    replications : int
        At each point of the design.
    noise : float
        Share of the variance over the points that is chance.
    table : DataFrame
        One row an assumption.
    design : DataFrame
        One row a point: the assumptions and the quantity.
    """

    quantity: str
    method: Method
    level: float
    replications: int
    noise: float
    table: pd.DataFrame
    design: pd.DataFrame

    def __str__(self) -> str:
        by = "mu_star" if self.method == "morris" else "total"
        told = [
            f"{row.assumption} {getattr(row, by):,.3g} [{getattr(row, by + '_lower'):,.3g}, "
            f"{getattr(row, by + '_upper'):,.3g}]"
            for row in self.table.itertuples()
        ]
        return (
            f"{self.quantity}, by {by} ({self.method}, {len(self.design)} points of {self.replications} replications; "
            f"{self.noise:.0%} of the variance over them is chance): {'; '.join(told)}."
        )


@typed
def sensitivity(
    market: Market | Experiment,
    strategies: Sequence[Strategy],
    quantity: Quantity,
    over: Sequence[str] | Mapping[str, tuple[float, float] | None],
    *,
    method: Method = "morris",
    size: int | None = None,
    level: float = 0.95,
    **run: Unpack[RunArguments],
) -> Sensitivity:
    """How `quantity` depends on the assumptions `over`, by Morris's or Sobol's method. Needs SALib.

    Parameters
    ----------
    market : Market or Experiment
        An experiment, or a market with the parameters of an `Experiment` as keyword arguments.
    strategies : sequence of Strategy
        Strategies with different names, among them those that `quantity` names.
    quantity : Quantity
        A metric of one strategy, or a paired difference of two.
    over : sequence of str, or mapping of str to (float, float) or None
        At least two assumptions by address (`addresses` lists them) with the range of each; None takes the range on
        record.
    method : {"morris", "sobol"}
        "morris" is a screening by `size` trajectories of (assumptions + 1) points; "sobol" estimates shares of variance
        from size * (assumptions + 2) points.
    size : int, optional
        By default 20 trajectories, or 64 for "sobol", where it must be a power of two.
    level : float
        Of the bootstrap intervals of the indices.
    **run
        Parameters of `Experiment`; `replications` is 20 by default, and `progress` counts points.

    Returns
    -------
    Sensitivity
        One row per assumption, most influential first.

    Raises
    ------
    ConfigError
        For unknown addresses, empty ranges, ranges that contain values no market can have, and sizes SALib cannot use.
    MissingExtraError
        Where SALib is not installed.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> found = cs.decisions.sensitivity(
    ...     market, [cs.Strategy(name="baseline")], cs.decisions.Quantity(of="baseline", metric="profit"),
    ...     ["terms.margin", "complaints.silent_stay"], size=4, replications=2, seed=1, horizon=8,
    ... )
    >>> found.table["assumption"].tolist()
    ['terms.margin', 'complaints.silent_stay']
    """
    experiment = Experiment.of(market, run)
    market, seed = experiment.market, experiment.seed
    replications, level = experiment.size(20), check_level(level)
    ranges = _ranges(market, strategies, over)
    names = tuple(ranges)
    problem = {"num_vars": len(names), "names": list(names), "bounds": [[r.low, r.high] for r in ranges.values()]}
    points = _design(problem, method, size, seed)
    task = _Point.of(experiment, strategies, quantity, names, replications=replications)
    first, concerned = task.at(points[0])
    first.warn_of_epochs(concerned)
    found = np.empty((len(points), replications))
    for index, values in experiment.map(task, list(points)):
        found[index] = values
    answer = found.mean(axis=1)
    spread = float(np.var(answer, ddof=1))
    indices = _indices(problem, method, points, answer, level, seed) if spread > 0 else _nothing(method, len(names))
    by = "mu_star" if method == "morris" else "total"
    table = pd.DataFrame(
        {
            "assumption": names,
            "value": [number_at(market, strategies, name) for name in names],
            "low": [r.low for r in ranges.values()],
            "high": [r.high for r in ranges.values()],
            "range_source": [r.source for r in ranges.values()],
            "range_status": [r.status for r in ranges.values()],
            **indices,
        }
    )
    return Sensitivity(
        quantity=str(quantity),
        method=method,
        level=level,
        replications=replications,
        noise=_own_chance(found) / spread if spread > 0 else 0.0,
        table=table.sort_values(by, ascending=False, kind="stable", ignore_index=True),
        design=pd.DataFrame(points, columns=list(names)).assign(quantity=answer),
    )


@dataclass(frozen=True, kw_only=True)
class _Point(AtPoint):
    """The task of one point of the design: the quantity there, by replication. Raises ConfigError, naming the point,
    where there can be no such market."""

    replications: int

    def at(self, point: Iterable[float]) -> tuple[Experiment, tuple[Strategy, ...]]:
        """The experiment and strategies there."""
        try:
            return super().at(point)
        except ConfigError as error:
            at = ", ".join(f"{name} = {value:.4g}" for name, value in zip(self.names, point, strict=True))
            raise ConfigError(f"{error} This was at {at}: narrow the ranges to what can be.") from None

    def __call__(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        experiment, strategies = self.at(point)
        outcomes = self.quantity.outcomes(experiment, strategies, range(self.replications))
        if np.isnan(self.quantity.estimate(outcomes).mean):
            raise ConfigError(f"{self.quantity} has no meaning where the base may be 0 or below: more replications?")
        return self.quantity.per_replication(outcomes)


def _own_chance(values: NDArray[np.float64]) -> float:
    """Variance of a point's mean that is neither the point's nor shared by all: values[point, replication]."""
    points, replications = values.shape
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    return float(np.sum(rest**2)) / float((points - 1) * (replications - 1) * replications)


def _ranges(
    market: Market, strategies: Sequence[Strategy], over: Sequence[str] | Mapping[str, tuple[float, float] | None]
) -> dict[str, PlausibleRange]:
    given = named_ranges(over)
    if len(given) < 2:
        raise ConfigError(f"sensitivity compares assumptions: name at least 2; got {list(given)}.")
    found = {}
    for name, bounds in given.items():
        number_at(market, strategies, name)
        if bounds is None and name.startswith("strategy."):
            raise ConfigError(f"{name!r} is a choice of the firm and has no range on record. Give it one: (low, high).")
        own = PlausibleRange(bounds[0], bounds[1], "as asked", "assumed") if bounds else plausible_range(market, name)
        if not own.low < own.high:
            raise ConfigError(f"the range of {name!r} must go from a lower to a higher number; got {bounds!r}.")
        found[name] = own
    return found


def _salib() -> tuple[Any, Any, Any, Any]:
    modules = ("SALib.sample.morris", "SALib.analyze.morris", "SALib.sample.sobol", "SALib.analyze.sobol")
    sample_morris, analyse_morris, sample_sobol, analyse_sobol = optional_modules(
        *modules, extra="sensitivity", purpose="sensitivity"
    )
    return sample_morris, analyse_morris, sample_sobol, analyse_sobol


def _design(problem: dict[str, Any], method: str, size: int | None, seed: int) -> NDArray[np.float64]:
    if not isinstance(method, str) or method not in get_args(Method):
        raise ConfigError(f"unknown method {method!r}. Use 'morris' or 'sobol'.")
    sample_morris, _, sample_sobol, _ = _salib()
    count = check_count(size if size is not None else 20 if method == "morris" else 64, "size", least=2)
    if method == "morris":
        found = sample_morris.sample(problem, count, num_levels=MORRIS_LEVELS, seed=seed % 2**32)
    else:
        if count & (count - 1):
            raise ConfigError(f"sobol needs a power of two as its size; got {count}. Take {2 ** count.bit_length()}.")
        found = sample_sobol.sample(problem, count, calc_second_order=False, seed=seed % 2**32)
    return np.asarray(found, dtype=np.float64)


def _indices(
    problem: dict[str, Any],
    method: str,
    points: NDArray[np.float64],
    answer: NDArray[np.float64],
    level: float,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    _, analyse_morris, _, analyse_sobol = _salib()
    settings = {"conf_level": level, "num_resamples": RESAMPLES, "seed": seed % 2**32}
    if method == "morris":
        found = analyse_morris.analyze(problem, points, answer, num_levels=MORRIS_LEVELS, **settings)
        return {
            **_interval("mu_star", found["mu_star"], found["mu_star_conf"]),
            "mu": found["mu"],
            "sigma": found["sigma"],
        }
    found = analyse_sobol.analyze(problem, answer, calc_second_order=False, **settings)
    return {**_interval("total", found["ST"], found["ST_conf"]), **_interval("first", found["S1"], found["S1_conf"])}


def _interval(name: str, value: Any, half: Any) -> dict[str, NDArray[np.float64]]:
    middle, reach = np.asarray(value, dtype=np.float64), np.asarray(half, dtype=np.float64)
    return {name: middle, f"{name}_lower": middle - reach, f"{name}_upper": middle + reach}


def _nothing(method: str, count: int) -> dict[str, NDArray[np.float64]]:
    """Where the quantity never changes, nothing has an influence."""
    zero = np.zeros(count)
    if method == "morris":
        return {**_interval("mu_star", zero, zero), "mu": zero, "sigma": zero}
    return {**_interval("total", zero, zero), **_interval("first", zero, zero)}
