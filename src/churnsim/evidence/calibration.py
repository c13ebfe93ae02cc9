r"""Calibration: what no record shows, learned from sums that are known.

"40 to 60 complaints a month", "repeat customers are 59% of sales": a target is an interval for a quantity of the ledger
that a simulation of the market under today's strategy has to meet. The interval is how far what is known may be off: a
normal or log-normal law about the quantity. The numbers of the market that are believed are the prior, and one
simulation each of many draws of them gives the posterior, without a tolerance (`churnsim.evidence.tempering`). Chance
has its part: a firm's complaints of a year are one draw, so that numbers under which it is likely are found, not those
under which it is the mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from churnsim.checks import check_count, check_kind, check_level, check_seed, typed
from churnsim.decisions.runs.experiment import PIECES_PER_WORKER, Experiment, RunArguments
from churnsim.errors import ConfigError, FitError
from churnsim.evidence.ledger_targets import Target
from churnsim.evidence.tempering import Particles, Tempered, first_particles, tempered
from churnsim.simulation.core.belief import Belief, Status, checked_status
from churnsim.simulation.scenario.beliefs import numbers_by_name, with_values
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.statistics import percentile_limits, tails
from churnsim.typing import Floats, Ints

OBSERVED: Status = "measured here (observational)"
LEAST_DRAWS = 50
# First replication: whoever simulates the market afterwards by the same seed meets random numbers of its own.
APART = 2**40
TELLING = 100.0  # effective draws from which the prior's simulations alone show what one target does
TOLD = 0.1  # the same below which it is next to nothing, however many draws there are
HALF = 0.5  # share of the variance from which on a number is known from the targets more than from before
SELDOM = 0.1  # share of the posterior's simulations in its interval below which a target is not reached
SURPRISING = 0.01


def told_from(effective: float) -> float:
    """The share of a variance that must be gone before targets are said to tell of a number: two standard errors of the
    variance of so many draws."""
    return max(TOLD, 2 * math.sqrt(2 / effective))


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """What targets say of the numbers of a market.

    Attributes
    ----------
    table : DataFrame
        Indexed by `number` (address): `before`, `before_low`, `before_high` (value and interval of the belief),
        `value`, `low`, `high` of the posterior (median and central interval), `narrowed` (share of the variance of its
        normal score that is gone) and `status`.
    targets : DataFrame
        Indexed by `target`: its `low` and `high`; what simulations give, median and interval, `before` calibration and
        `after`, each with `_low` and `_high`; `inside`, the share of the posterior's simulations in its interval;
        `surprise`, the probability before calibration of a figure as far out (two-sided); and `reached`.
    moved : DataFrame
        Indexed by `number` and `target`, what each target does by itself: `shift` of the mean of the number's normal
        score, in standard deviations of the prior, and `narrowed`, as above.
    draws : DataFrame
        The joint posterior: a row a draw, a column a number, in random order.
    rows : array of int
        Of each draw, the place among the market's draws of its fits.
    market : Market or None
        The market with the posterior as its beliefs, and the draws of its fits that go with them, ready to be
        simulated. None where a target is not reached.
    effective : float
        How many independent draws the posterior is worth.
    runs : int
        Simulations.
    level : float
        Of all intervals.
    status : str
        "measured here (observational)", that nothing was learned, or which targets are not reached.
    checks : tuple of str
        What to keep in mind.
    """

    table: pd.DataFrame
    targets: pd.DataFrame
    moved: pd.DataFrame
    draws: pd.DataFrame
    rows: Ints
    market: Market | None
    effective: float
    runs: int
    level: float
    status: str
    checks: tuple[str, ...]

    def __str__(self) -> str:
        def told(row: pd.Series, *names: str) -> str:
            return f"{row[names[0]]:.3g} [{row[names[1]]:.3g}, {row[names[2]]:.3g}]"

        before, after = ("before", "before_low", "before_high"), ("after", "after_low", "after_high")
        lines = [f"{self.status} ({self.runs:,} simulations, worth {self.effective:,.0f} independent draws)"]
        for name, row in self.targets.iterrows():
            lines.append(
                f"{name}: {row['low']:.4g} to {row['high']:.4g}; simulated {told(row, *before)} before, "
                f"{told(row, *after)} after"
            )
        for name, row in self.table.iterrows():
            by = self.moved["narrowed"].xs(name)
            most = f", most by {by.idxmax()}" if row["narrowed"] > told_from(self.effective) else ""
            lines.append(f"{name}: {told(row, *before)} before, {told(row, 'value', 'low', 'high')} after{most}")
        return "\n".join([*lines, *self.checks])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: all but the market, which `of_dict` makes again."""
        return {
            "table": self.table.reset_index().to_dict("list"), "targets": self.targets.reset_index().to_dict("list"),
            "moved": self.moved.reset_index().to_dict("list"), "draws": self.draws.to_dict("list"),
            "rows": self.rows.tolist(), "effective": self.effective, "runs": self.runs, "level": self.level,
            "status": self.status, "checks": list(self.checks),
        }  # fmt: skip

    @classmethod
    def of_dict(cls, stored: Mapping[str, Any], market: Market, targets: Sequence[Target]) -> Calibration:
        """What `to_dict` gave of a calibration of this market to these targets."""
        table = pd.DataFrame(stored["table"]).set_index("number")
        told = pd.DataFrame(stored["targets"]).set_index("target")
        draws, rows = pd.DataFrame(stored["draws"]), np.array(stored["rows"], dtype=np.int64)
        least, level = told_from(stored["effective"]), stored["level"]
        values = {str(name): draws[name].to_numpy() for name in draws}
        reached = bool(told["reached"].all())
        return cls(
            table=table, targets=told, draws=draws, rows=rows, effective=stored["effective"], runs=stored["runs"],
            moved=pd.DataFrame(stored["moved"]).set_index(["number", "target"]), level=level,
            market=_Numbers(market).learned(values, rows, table, targets, least, level) if reached else None,
            status=stored["status"], checks=tuple(stored["checks"]),
        )  # fmt: skip

    def beliefs(self) -> dict[str, Belief]:
        """The posterior as joint beliefs, by address; `market` has them in place. Raises FitError where a target is not
        reached: numbers that come as near as they can are no measurement."""
        if self.market is None:
            raise FitError(f"no belief follows from targets that the market cannot reach ({self.status}).")
        return dict(self.market.beliefs)


@typed
def calibrate(
    market: Market | Experiment,
    strategy: Strategy,
    targets: Sequence[Target],
    *,
    priors: Mapping[str, Belief] | None = None,
    draws: int = 500,
    level: float = 0.9,
    **run: Unpack[RunArguments],
) -> Calibration:
    """What targets say of the numbers of a market that no record shows.

    Parameters
    ----------
    market : Market or Experiment
        An experiment, or a market with the parameters of an `Experiment` as keyword arguments. It is simulated from its
        start over the horizon: the firm as it is, at its true size (a target of a tenth of its customers is a tenth of
        the firm's).
    strategy : Strategy
        What the firm did when the figures came about.
    targets : sequence of Target
        What is known of the simulated time.
    priors : mapping of str to Belief, optional
        Beliefs by address, in addition to the market's and in place of those. All that are not certain are learned.
    draws : int
        Of the posterior, at least 50, and as many as replications are to be run with it. Some 5 to 50 simulations
        are needed for each: the more, the narrower the targets beside chance.
    level : float
        Of all intervals.
    **run
        Parameters of `Experiment`; `replications` is not used, and `progress` counts simulations.

    Returns
    -------
    Calibration

    Raises
    ------
    ConfigError
        Where nothing is believed that could be learned; for no targets, two of one name, and times that are not of the
        simulation.
    FitError
        Where no draw of the beliefs gives all the quantities, or no steps lead from them to the targets.

    Notes
    -----
    A number has the status "measured here (observational)" where the targets took at least half of the variance of its
    normal score, so that more is known of it from them than from before; else it keeps the status it had. The source
    says "by calibration" and to what where more of the variance is gone than chance among the draws takes. Where a
    target is not reached, all keep theirs.

    References
    ----------
    Wilkinson (2013), Statistical Applications in Genetics and Molecular Biology 12(2), 129-141. Del Moral, Doucet &
    Jasra (2012), Statistics and Computing 22(5), 1009-1020.

    Examples
    --------
    How well does advertising work, where 20 to 40 customers come in eight weeks?

    >>> import churnsim as cs
    >>> market = cs.Market(
    ...     customers=cs.Cohort(size=50),
    ...     purchases=cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0),
    ...     spend=cs.simulation.FixedSpend(amount=10.0),
    ...     prospects=cs.simulation.Prospects(size=1000),
    ... )
    >>> guess = Belief(value=0.01, low=0.001, high=0.1, status="assumed", source="a guess")
    >>> now = cs.Strategy(name="now", acquisition=cs.simulation.Acquisition(budget_per_period=1000.0))
    >>> found = calibrate(
    ...     market, now, [Target(quantity="births", low=20, high=40)], priors={"prospects.ceiling": guess}, seed=1,
    ...     horizon=8, draws=60,
    ... )
    >>> row = found.table.loc["prospects.ceiling"]
    >>> bool(0.005 < row["low"] < 0.015 < row["high"] < 0.025), row["status"]
    (True, 'measured here (observational)')
    """
    experiment = Experiment.of(market, run)
    check_level(level)
    check_count(draws, "draws", least=LEAST_DRAWS)
    experiment = replace(experiment, market=_with_priors(experiment.market, priors or {}))
    goals = _checked(targets, experiment)
    experiment.names([strategy])
    experiment.warn_of_epochs([strategy])
    numbers = _Numbers(experiment.market)
    runs = _Simulations(_Task(experiment.task_part, strategy, goals), experiment, numbers)
    generator = np.random.Generator(np.random.Philox(check_seed(experiment.seed)))
    first = first_particles(runs, draws, len(numbers.laws), numbers.rows, generator)
    if not np.isfinite(_log_kernel(goals, first.results)).any():
        raise FitError(
            f"in {draws} draws of what is believed no simulation gave a figure for each target: a share needs "
            "something to be a share of. Look at the strategy, and at the time simulated."
        )
    found = _posterior(runs, goals, slice(None), first, generator)
    moved = {}
    for place, goal in enumerate(goals):
        weight = _weights(goal, first.results[:, place])
        if len(goals) == 1:
            moved[str(goal)] = numbers.moved(found.particles)
        elif 1 / float((weight**2).sum()) >= min(TELLING, draws / 2):
            moved[str(goal)] = numbers.moved(first, weight)
        else:
            moved[str(goal)] = numbers.moved(_posterior(runs, (goal,), [place], first, generator).particles)
    told = _targets(goals, first, found, runs.with_other_numbers(found.particles), level)
    reached = bool(told["reached"].all())
    table = numbers.table(found.particles, level, reached=reached)
    values, rows = numbers.values(found.particles), found.particles.row
    return Calibration(
        table=table, targets=told, draws=pd.DataFrame(values), rows=rows, effective=found.effective,
        moved=pd.concat(moved, names=["target"]).swaplevel().sort_index(),
        market=numbers.learned(values, rows, table, goals, told_from(found.effective), level) if reached else None,
        runs=runs.done, level=level, status=_status(table, told),
        checks=tuple(_checks(table, told, found)),
    )  # fmt: skip


def _with_priors(market: Market, priors: Mapping[str, Belief]) -> Market:
    """The market with these beliefs in place of its own about the same numbers."""
    check_kind(priors, "priors", Mapping, "beliefs by address")
    own = {str(name).removeprefix("market."): belief for name, belief in priors.items()}
    known = numbers_by_name(market)
    values = {name: belief.value for name, belief in own.items() if name in known and isinstance(belief, Belief)}
    kept = {name: belief for name, belief in market.beliefs.items() if name not in own}
    moved = replace(market, beliefs=kept, **with_values(market, values))
    return replace(moved, beliefs=kept | own)


def _checked(targets: Sequence[Target], experiment: Experiment) -> tuple[Target, ...]:
    check_kind(targets, "targets", Sequence, "a list of Target")
    for target in targets:
        check_kind(target, "each of targets", Target, "a Target")
        horizon, period, _ = experiment.durations
        target.window(round(horizon / period), period, experiment.market.unit)
    names = [str(target) for target in targets]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"calibration needs targets, each with a name of its own; got {names}. Say name=....")
    return tuple(targets)


class _Numbers:
    """The numbers of a market that are not known exactly: those with a law of their own, as normal scores, and those
    that come in rows of joint draws, as the fits do."""

    def __init__(self, market: Market) -> None:
        self.market = market
        believed = {name: belief for name, belief in market.beliefs.items() if not belief.certain}
        if not believed:
            raise ConfigError(
                "nothing is believed of the market's numbers that could be learned. Give priors, or a market with "
                "beliefs: replace(market, beliefs=churnsim.evidence.market_beliefs(market))."
            )
        self.believed = believed
        self.laws = {name: belief for name, belief in believed.items() if belief.draws is None}
        self.rows = market.most_replications or 1
        self._drawn = {
            name: np.array(belief.draws)[: self.rows] for name, belief in believed.items() if belief.draws is not None
        }

    def values(self, at: Particles) -> dict[str, Floats]:
        """Each number of each particle."""
        own = dict(zip(self.laws, np.clip(ndtr(at.z), 1e-16, 1 - 1e-16).T, strict=True))
        return {
            name: self._drawn[name][at.row] if name in self._drawn else np.asarray(belief.quantile(own[name]))
            for name, belief in self.believed.items()
        }

    def scores(self, at: Particles) -> pd.DataFrame:
        """The normal scores under the prior."""
        from scipy.stats import rankdata  # a second of imports

        own = dict(zip(self.laws, at.z.T, strict=True))
        ranks = {name: ndtri((rankdata(draws) - 0.5) / self.rows)[at.row] for name, draws in self._drawn.items()}
        return pd.DataFrame({name: own[name] if name in own else ranks[name] for name in self.believed})

    def moved(self, at: Particles, weight: Floats | None = None) -> pd.DataFrame:
        """How far the mean of each score is from that of the prior, and how much of its variance is gone."""
        from scipy.stats import rankdata  # a second of imports

        scores = self.scores(at)
        mean = np.average(scores, axis=0, weights=weight)
        variance = np.average((scores - mean) ** 2, axis=0, weights=weight)
        prior = [1.0 if name in self.laws else float(ndtri((rankdata(self._drawn[name]) - 0.5) / self.rows).var())
                 for name in self.believed]  # fmt: skip
        # Draws that are all alike leave nothing to be learned.
        narrowed = np.clip(1 - variance / np.where(np.array(prior) > 1e-12, prior, np.inf), 0.0, 1.0)
        narrowed = np.where(np.array(prior) > 1e-12, narrowed, 0.0)
        return pd.DataFrame({"shift": mean, "narrowed": narrowed}, index=pd.Index(list(self.believed), name="number"))

    def table(self, at: Particles, level: float, *, reached: bool) -> pd.DataFrame:
        """Before and after, and how each is known now."""
        narrowed, rows = self.moved(at)["narrowed"], {}
        for name, values in self.values(at).items():
            belief = self.believed[name]
            before_low, before_high = belief.quantile(np.array(tails(level)))
            low, high = percentile_limits(values, level=level)
            rows[name] = {
                "before": belief.value, "before_low": before_low, "before_high": before_high,
                "value": float(np.median(values)), "low": float(low), "high": float(high), "narrowed": narrowed[name],
                "status": OBSERVED if reached and narrowed[name] >= HALF else belief.status,
            }  # fmt: skip
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("number")

    def learned(
        self, values: Mapping[str, Floats], rows: Ints, table: pd.DataFrame, goals: Sequence[Target], told: float,
        level: float,
    ) -> Market:  # fmt: skip
        """The market with the joint posterior as its beliefs, and the fits' draws that go with it."""
        status = table["status"].to_dict()
        how = dict.fromkeys(table.index[table["narrowed"] > told], f"; by calibration to {', '.join(map(str, goals))}")
        posterior = {
            name: Belief.of_draws(
                drawn,
                level=level,
                status=checked_status(status[name]),
                source=self.believed[name].source + how.get(name, ""),
            )
            for name, drawn in values.items()
        }
        draws = tuple(self.market.draws[row] for row in rows) if self.market.draws else ()
        return _with_priors(replace(self.market, draws=draws), posterior)


@dataclass(frozen=True)
class _Task:
    """The results of some simulations: each a particle's numbers, row and replication."""

    experiment: Experiment
    strategy: Strategy
    goals: tuple[Target, ...]

    def __call__(self, block: list[tuple[dict[str, float], int, int]]) -> list[list[float]]:
        return [self._results(*item) for item in block]

    def _results(self, values: dict[str, float], row: int, replication: int) -> list[float]:
        market = self.experiment.market
        try:
            changes = {"beliefs": {}, **with_values(market, values)}
        except ConfigError:  # numbers that no market can have together have no prior density
            return [math.nan] * len(self.goals)
        if market.draws:
            purchases, spend = market.draws[row]
            here = replace(market.settled, purchases=purchases, spend=spend, **changes)
        else:
            here = replace(market, **changes)
        log = any(goal.needs_log for goal in self.goals)
        ledger = replace(self.experiment, market=here).ledger(self.strategy, replication, log=log)
        return [goal.of(ledger, market.unit) for goal in self.goals]


class _Simulations:
    """Simulations over the workers of an experiment, counted."""

    def __init__(self, task: _Task, experiment: Experiment, numbers: _Numbers) -> None:
        self.task, self.experiment, self.numbers = task, experiment, numbers
        self.done = self.next_replication = 0

    def __call__(self, z: Floats, row: Ints, replication: Ints) -> Floats:
        at = Particles(z, row, replication, np.empty(0))
        names, columns = zip(*self.numbers.values(at).items(), strict=True)
        items = [
            (dict(zip(names, values, strict=True)), int(k), APART + int(w))
            for values, k, w in zip(np.column_stack(columns).tolist(), row, replication, strict=True)
        ]
        size = -(-len(items) // (PIECES_PER_WORKER * self.experiment.workers))
        blocks = [items[start : start + size] for start in range(0, len(items), size)]
        found: list[list[list[float]]] = [[]] * len(blocks)
        for index, results in self.experiment.map(self.task, blocks, steps=len):
            found[index] = results
        self.done += len(items)
        self.next_replication = max(self.next_replication, int(replication.max()) + 1)
        return np.array([row for block in found for row in block], dtype=np.float64)

    def with_other_numbers(self, at: Particles) -> Floats:
        """What the particles' numbers give another time."""
        return self(at.z, at.row, self.next_replication + np.arange(len(at.replication)))


def _log_kernel(goals: tuple[Target, ...], results: Floats) -> Floats:
    """log K of each row of results, up to a constant; -inf where one is none."""
    scores = np.column_stack([goal.score(results[:, place]) for place, goal in enumerate(goals)])
    return np.asarray(-0.5 * (np.where(np.isfinite(scores), scores, np.inf) ** 2).sum(axis=1))


def _posterior(
    runs: _Simulations, goals: tuple[Target, ...], columns: Any, first: Particles, generator: np.random.Generator
) -> Tempered:
    """Particles under those targets whose results stand in these columns."""
    return tempered(
        runs, lambda results: _log_kernel(goals, results[:, columns]), first,
        rows=runs.numbers.rows, replication=runs.next_replication, generator=generator,
    )  # fmt: skip


def _weights(goal: Target, results: Floats) -> Floats:
    """Of draws from the prior, under one target."""
    density = _log_kernel((goal,), results[:, None])
    weight = np.exp(density - density.max())
    return np.asarray(weight / weight.sum())


def _targets(goals: tuple[Target, ...], first: Particles, found: Tempered, again: Floats, level: float) -> pd.DataFrame:
    """Each target, and what simulations give before and after."""
    rows = {}
    for place, goal in enumerate(goals):
        before = first.results[:, place]
        before = before[np.isfinite(before)]
        own, after = found.particles.results[:, place], again[:, place]
        below = float(ndtr(-goal.score(before)).mean())
        row: dict[str, float] = {"low": goal.low, "high": goal.high}
        for name, values in (("before", before), ("after", after[np.isfinite(after)])):
            low, high = percentile_limits(values, level=level)
            row |= {name: float(np.median(values)), f"{name}_low": float(low), f"{name}_high": float(high)}
        inside = float(((own >= goal.low) & (own <= goal.high)).mean())
        rows[str(goal)] = row | {"inside": inside, "surprise": 2 * min(below, 1 - below)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("target")
    table["reached"] = table["inside"] >= SELDOM
    return table


def _status(table: pd.DataFrame, told: pd.DataFrame) -> str:
    if not told["reached"].all():
        return f"not reached: {', '.join(told.index[~told['reached']])}"
    return OBSERVED if (table["status"] == OBSERVED).any() else "the targets say little of what is believed"


def _checks(table: pd.DataFrame, told: pd.DataFrame, found: Tempered) -> list[str]:
    checks = [
        f"{name}: whatever the numbers are, within what is believed of them, simulations hardly come into its interval "
        f"({row['inside']:.0%}). Look for a mechanism that is off, at the size of the firm, and at the strategy"
        for name, row in told[~told["reached"]].iterrows()
    ]
    checks += [
        f"{name}: the figure and the beliefs disagree: one as far out was to be expected in {row['surprise']:.1g} of "
        "cases"
        for name, row in told[told["reached"] & (told["surprise"] < SURPRISING)].iterrows()
    ]
    if (idle := table.index[table["narrowed"] <= told_from(found.effective)]).size:
        checks.append(f"the targets say nothing, or next to nothing, of {', '.join(idle)}")
    if found.effective < len(found.particles.replication) / 4:
        checks.append(f"the posterior is worth {found.effective:.0f} independent draws alone: take more draws")
    return checks
