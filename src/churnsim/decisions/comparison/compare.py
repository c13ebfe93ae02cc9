"""Comparing strategies on the same customers meeting the same chances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_level, check_share, shown, typed
from churnsim.decisions.comparison.metrics import check_metric, metric_of
from churnsim.decisions.comparison.paired import interval, paired_difference, skewed_interval
from churnsim.decisions.comparison.precision import LEAST_FIRST_STAGE, Precision, PrecisionReached, next_size
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.simulation.engine.ledger import ACCOUNTS
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.statistics import student_quantile, wilson
from churnsim.typing import Floats

UNPAIRED = "some strategies lack replications that others have, so they cannot be paired."


@dataclass(frozen=True)
class Comparison:
    """Outcomes of several strategies over the same replications.

    `outcomes` has one row per strategy, replication and period, with the ledger's accounts (money in cents). A metric
    is one of `metrics.metric_of`: "npv", "profit", "equity", "discounted_margin" or an account. `discount_force` is one
    number, or one for each replication, by its number, where the rate is not known exactly. `precision` says how a run
    to a precision ended, `doubts` what makes replications differ and what does not. `print` shows the paired
    differences in the net present value from the first strategy, and these doubts.
    """

    made_by: ClassVar[str] = "churnsim.compare(market, strategies, seed=..., horizon=...)"
    outcomes: pd.DataFrame
    period: float
    discount_force: float | NDArray[np.float64]
    precision: PrecisionReached | None = None
    doubts: str = ""

    def __str__(self) -> str:
        first, *others = self.strategies
        table = self.differences(against=first) if others else self.levels()
        wanted = ("strategy", "against", "metric", "mean", "lower", "upper", "future_lower", "future_upper")
        text = table[[name for name in wanted if name in table]].to_string(index=False, float_format="{:,.2f}".format)
        return f"{text}\n{self.doubts}".rstrip()

    @classmethod
    def from_outcomes(
        cls, outcomes: pd.DataFrame, *, market: Market, period: float, seed: int | None = None
    ) -> Comparison:
        """A comparison from stored outcomes; `period` in the market's unit. With the run's `seed` each replication is
        discounted at the rate that it drew, where that is believed with an interval."""
        missing = [name for name in ("strategy", "replication", "period", *ACCOUNTS) if name not in outcomes.columns]
        if missing:
            raise ConfigError(f"the outcomes lack {', '.join(map(repr, missing))}.")
        force: float | NDArray[np.float64] = market.discount_force
        if seed is not None:
            force = market.discount_forces(int(outcomes["replication"].max()) + 1, seed=seed)
        return cls(outcomes=outcomes, period=period, discount_force=force, doubts=told_doubts(market))

    @property
    def strategies(self) -> list[str]:
        """Names, in the order of their first rows."""
        return list(self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.outcomes["strategy"]))

    def values(self, metric: str) -> pd.DataFrame:
        """The metric by replication (rows) and strategy (columns)."""
        check_metric(metric)
        replications, tables = self._tables
        force = self.discount_force
        force = force[replications] if isinstance(force, np.ndarray) else force
        amounts = metric_of(tables, metric, period=self.period, discount_force=force)
        return pd.DataFrame(
            amounts.T, index=pd.Index(replications, name="replication"), columns=self.strategies
        ).rename_axis(columns="strategy")

    @cached_property
    def _tables(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The replications, and all accounts by strategy, replication and period; sorted once for all metrics."""
        names = self.strategies
        frame = self.outcomes.assign(place=self.outcomes["strategy"].map({name: i for i, name in enumerate(names)}))
        frame = frame.sort_values(["place", "replication", "period"], kind="stable")
        replications = np.unique(frame["replication"])
        periods = int(frame["period"].max()) + 1
        shape = (len(names), replications.size, periods)
        keys = (np.arange(len(names))[:, None, None], replications[:, None], np.arange(periods))
        found = (frame[name].to_numpy() for name in ("place", "replication", "period"))
        if len(frame) != np.prod(shape) or not all(
            np.array_equal(column.reshape(shape), np.broadcast_to(key, shape))
            for column, key in zip(found, keys, strict=True)
        ):
            raise ConfigError(UNPAIRED)
        return replications, frame[list(ACCOUNTS)].to_numpy(dtype=np.int64).reshape(*shape, len(ACCOUNTS))

    def levels(self, metric: str = "npv", *, level: float = 0.95) -> pd.DataFrame:
        """Each strategy by itself: strategy, metric, mean, lower, upper, sd."""
        values = self.values(metric)
        rows = [
            {"strategy": name, "metric": metric, **asdict(interval(_column(values, name), level=level))}
            for name in self.strategies
        ]
        return pd.DataFrame(rows)

    def differences(
        self, metric: str = "npv", *, against: str | None = "baseline", level: float = 0.95
    ) -> pd.DataFrame:
        """Paired differences, one row a pair: strategy, against, metric, and the fields of `PairedDifference`.

        With `against` each other strategy is compared with that one, each interval at `level` by itself. With
        `against=None` all pairs are, and the intervals hold jointly at `level` (Bonferroni).
        """
        names = self.strategies
        _check_against(names, against)
        pairs = (
            [(name, against) for name in names if name != against]
            if against is not None
            else [(b, a) for a, b in combinations(names, 2)]
        )
        each = level if against is not None else 1 - (1 - level) / max(len(pairs), 1)
        values = self.values(metric)
        rows = [
            {
                "strategy": a,
                "against": b,
                "metric": metric,
                **paired_difference(_column(values, a), _column(values, b), level=each).row(),
            }
            for a, b in pairs
        ]
        return pd.DataFrame(rows)

    def best(self, metric: str = "npv", *, among: Sequence[str] | None = None, level: float = 0.95) -> pd.DataFrame:
        """How surely each strategy is the best `among` some, by default all: strategy, metric, its `chance` to be best
        and the expected `loss` of choosing it, each with its interval (`chance_lower`, ...).

        Have one that spends nothing among them: the best of those that lose against it is not worth choosing.
        """
        names = self.strategies if among is None else list(among)
        for name in names:
            _check_against(self.strategies, name)
        found = chance_to_be_best(self.values(metric)[names], level=level)
        found.insert(1, "metric", metric)
        return found

    def risk(self, metric: str = "npv", *, share: float = 0.05, level: float = 0.95) -> pd.DataFrame:
        """The worst `share` of each strategy's replications: strategy, metric, and the fields of `TailRisk`, among them
        the conditional value at risk `mean` with its interval. Needs at least 5 / share replications."""
        values = self.values(metric)
        rows = [
            {"strategy": name, "metric": metric, **asdict(tail_risk(_column(values, name), share=share, level=level))}
            for name in self.strategies
        ]
        return pd.DataFrame(rows)

    def half_width(self, metric: str = "npv", *, against: str | None = "baseline", level: float = 0.95) -> float:
        """The widest half-width among the t intervals of `differences`."""
        table = self.differences(metric, against=against, level=level)
        return float((table["upper"] - table["lower"]).max() / 2)


def told_doubts(market: Market) -> str:
    """What makes replications on a market differ, and what they and their intervals leave out, in a sentence.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> told_doubts(cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend, draws=((model, spend),)))
    'Replications differ by chance and the error of the estimates; beliefs about numbers of the market are left out.'
    """
    given = {"the error of the estimates": market.draws, "beliefs about numbers of the market": market.beliefs}
    *there, last = ["chance", *(what for what, known in given.items() if known)]
    missing = " and ".join(what for what, known in given.items() if not known)
    verb = "are" if "beliefs" in missing else "is"
    by = f"{', '.join(there)} and {last}" if there else last
    return f"Replications differ by {by}{f'; {missing} {verb} left out' * bool(missing)}."


def _column(values: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return values[name].to_numpy(dtype=np.float64)


def _check_against(names: Sequence[str], against: str | None) -> None:
    if against is not None and (not isinstance(against, str) or against not in names):
        raise ConfigError(f"no strategy {against!r} to compare against; there are {', '.join(map(repr, names))}.")


@typed
def compare(
    market: Market | Experiment,
    strategies: Sequence[Strategy],
    *,
    precision: Precision | None = None,
    **run: Unpack[RunArguments],
) -> Comparison:
    """Run every strategy on the same replications of the same market and return the paired comparison.

    Parameters
    ----------
    market : Market or Experiment
        An experiment, or a market with the parameters of an `Experiment` as keyword arguments.
    strategies : sequence of Strategy
        Strategies with different names.
    precision : Precision, optional
        Add replications until the differences are as precise as asked or the budget ends; `Comparison.precision` says
        which. The experiment's `replications` are then the first stage, at least 10; 30 cost next to no coverage.
    **run
        Parameters of `Experiment`; `replications` is 30 by default.

    Returns
    -------
    Comparison
        Outcomes by strategy, replication and period, with intervals of paired differences.

    Raises
    ------
    ConfigError
        For fewer than 2 replications, two strategies of one name or an impossible first stage.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> strategies = [
    ...     cs.Strategy(name="baseline"),
    ...     cs.Strategy(name="asking", asking=cs.simulation.AskForComplaints(cost_per_purchase=0.5)),
    ... ]
    >>> found = cs.compare(market, strategies, replications=3, seed=1, horizon=8)
    >>> found.values("profit").shape
    (3, 2)
    >>> found.differences("profit")[["strategy", "against"]].to_numpy().tolist()
    [['asking', 'baseline']]
    """
    experiment = Experiment.of(market, run)
    market = experiment.market
    replications = experiment.size(30)
    if precision is not None and not isinstance(precision, Precision):
        raise ConfigError(f"precision must be a churnsim.decisions.Precision; got {shown(precision)}.")
    names = experiment.names(strategies, least=1 if precision is None else 2)
    period = experiment.durations.period
    if precision is None:
        frame = experiment.outcomes(strategies, range(replications))
        return Comparison.from_outcomes(frame, market=market, period=period, seed=experiment.seed)
    _check_against(names, precision.against)
    most, spent = precision.budget(market)
    if not LEAST_FIRST_STAGE <= replications <= most:
        raise ConfigError(
            f"the first stage of a run to a precision must have between {LEAST_FIRST_STAGE} and {most} replications; "
            f"got {replications}."
        )
    frame, size, stages = experiment.outcomes(strategies, range(replications)), replications, 1
    while True:
        found = Comparison.from_outcomes(frame, market=market, period=period, seed=experiment.seed)
        half = found.half_width(precision.metric, against=precision.against, level=precision.level)
        larger = next_size(size, half_width=half, wanted=precision.half_width, most=most)
        if larger == size:
            reason = "as precise as asked" if half <= precision.half_width else spent
            reached = PrecisionReached(
                asked=precision, half_width=half, replications=size, stages=stages, reason=reason
            )
            return replace(found, precision=reached)
        frame = joined(names, frame, experiment.outcomes(strategies, range(size, larger)))
        size, stages = larger, stages + 1


def joined(names: Sequence[str], earlier: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Both frames' rows, by strategy in the order given, then replication."""
    frames = [frame[frame["strategy"] == name] for name in names for frame in (earlier, later)]
    return pd.concat(frames, ignore_index=True)


LEAST_IN_TAIL = 5


@dataclass(frozen=True)
class TailRisk:
    """Of the worst `share` of outcomes: `mean` (conditional value at risk, in the outcome's own unit, so that a loss is
    negative) with its interval, and `threshold`, the outcome below which they lie (value at risk)."""

    share: float
    mean: float
    lower: float
    upper: float
    threshold: float


@typed
def tail_risk(values: Floats, *, share: float = 0.05, level: float = 0.95) -> TailRisk:
    """The tail of one outcome a replication. Raises ConfigError where fewer than 5 replications lie in it.

    With n outcomes in order, the mean of the worst share q counts whole outcomes and the part of one that q n leaves
    over (Acerbi & Tasche 2002, "On the coherence of expected shortfall", Journal of Banking & Finance 26, 1487-1503).
    The interval is normal in the logarithm of how far that lies below the mean of all, with the variance of Manistre &
    Hancock (2005, "Variance of the CTE estimator", North American Actuarial Journal 9(2), 129-156) and Student's t for
    the q n outcomes. Of few outcomes with heavy tails it still holds less than it says, 88% for 5 at 95%, and the mean
    is then some tenths of its standard error too good.

    Examples
    --------
    >>> import numpy as np
    >>> risk = tail_risk(np.arange(100.0), share=0.1)
    >>> risk.mean, risk.threshold
    (4.5, 9.9)
    """
    check_share(share, "share")
    check_level(level)
    if values.size * share < LEAST_IN_TAIL:
        raise ConfigError(
            f"the worst {share:.3g} of {values.size} replications are fewer than {LEAST_IN_TAIL}. Run at least "
            f"{int(np.ceil(LEAST_IN_TAIL / share))}, or take a larger share."
        )
    count = share * values.size
    ordered, weights = np.sort(values), np.clip(count - np.arange(values.size), 0.0, 1.0) / count
    mean, threshold = float(ordered @ weights), float(np.quantile(values, share))
    below = float(values.mean()) - mean
    variance = ((ordered - mean) ** 2 @ weights) / (count - 1) + (1 - share) * (threshold - mean) ** 2 / count
    reach = float(student_quantile((1 + level) / 2, count - 1) * np.sqrt(variance))
    if share == 1:
        return TailRisk(share, mean, mean - reach, mean + reach, threshold)
    factor = float(np.exp(min(reach / below, 700.0))) if below > 0 else 1.0
    return TailRisk(share, mean, mean + below * (1 - factor), mean + below * (1 - 1 / factor), threshold)


def chance_to_be_best(values: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """By strategy (a column of `values`, one row a replication): `chance` to be best with its Wilson interval, the
    strategies that tie sharing a replication, and the expected `loss` of choosing it with its interval (of a skewed
    mean).

    Each replication is one way the world may be, the same for every strategy. The `loss` is what a strategy lacks of
    the best one, on average (expected opportunity loss, or regret); the smallest is what perfect foresight would be
    worth. Of a loss that is 0 in every replication there is no upper limit (NaN): how large one may be was not seen.

    Examples
    --------
    >>> found = chance_to_be_best(pd.DataFrame({"a": [5.0, 1.0, 4.0, 6.0], "b": [3.0, 3.0, 4.0, 2.0]}))
    >>> found[["strategy", "chance", "loss"]].to_dict("list")
    {'strategy': ['a', 'b'], 'chance': [0.625, 0.375], 'loss': [0.5, 1.5]}
    """
    table = values.to_numpy(dtype=np.float64)
    best = table.max(axis=1, keepdims=True)
    ahead = table == best
    chance: Floats = (ahead / ahead.sum(axis=1, keepdims=True)).mean(axis=0)
    lower, upper = wilson(chance * len(table), len(table), level=level)
    losses = [skewed_interval(column, level=level) for column in (best - table).T]
    return pd.DataFrame(
        {
            "strategy": list(values.columns),
            "chance": chance,
            "chance_lower": lower,
            "chance_upper": upper,
            "loss": [loss.mean for loss in losses],
            "loss_lower": [max(0.0, loss.lower) for loss in losses],
            "loss_upper": [loss.upper if loss.mean > 0 or table.shape[1] == 1 else np.nan for loss in losses],
        }
    )
