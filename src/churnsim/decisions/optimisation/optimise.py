"""The best levers of a strategy: not which of several strategies, but which values of its numbers earn most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Unpack, get_args

import numpy as np
import pandas as pd

from churnsim.checks import check_choice, check_count, check_level, check_number, check_share, shown, typed
from churnsim.decisions.assumptions.levers import NOTHING
from churnsim.decisions.comparison.metrics import check_metric
from churnsim.decisions.comparison.paired import Interval
from churnsim.decisions.optimisation.evaluations import Evaluations, point_hash
from churnsim.decisions.optimisation.objective import Kind, Objective
from churnsim.decisions.optimisation.problem import Constraint, LeverProblem
from churnsim.decisions.optimisation.solution import Effort, Solution, solve
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.simulation.engine.ledger import present_value
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.typing import Floats

Status = Literal["found", "gap larger than asked", "spend nothing", "not shown to beat nothing"]

IN_TAIL = 5  # outcomes in the worst share, at least
LEAST = 10  # replications of each step
PROFITS = ("npv", "equity", "profit")


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """The best levers, how surely they are, and what more of each would earn.

    Attributes
    ----------
    status : str
        "found": nothing within the bounds is better by the tolerance, at `level`. "gap larger than asked": the best
        one found, but another may be better by more than that. "spend nothing": nothing within the bounds earns more
        than spending nothing by the tolerance. "not shown to beat nothing": something may, but the best one found is
        not shown to earn more, and spending nothing is the answer until it is.
    levers : dict of str to float
        The best levers; empty where it is spending nothing.
    strategy : Strategy
        The strategy with them; one that does nothing where it is spending nothing.
    best : dict of str to float
        The best levers of the search, also where spending nothing is the answer.
    objective, metric : str
        What is largest: the "mean", the "cvar" (mean of the worst `share`), or the "chance" to beat spending nothing,
        of which metric.
    share : float
        Of the worst outcomes, for "cvar".
    value : Interval
        The objective of the answer; t interval at `level`, on replications that had no part in finding it.
    gain : Interval
        Its lead over spending nothing.
    lead : Interval
        The lead of `best` over spending nothing.
    gap, gap_upper : float
        What the answer may lack of the optimum: an estimate, too large on average, and an upper limit at `level`.
    gap_asked : float
        The tolerance in the objective's unit.
    level : float
        Of every interval.
    certified : bool
        Whether Kim and Nelson's procedure chose among the finalists before the replications ended.
    marginals : DataFrame
        The marginal returns, one row a lever: lever, value, low, high (the step looked at), change (of the objective
        per unit of the lever), lower, upper, and per_unit_spent (of an amount of money per period: the return per unit
        of money, net of that unit), per_unit_spent_lower, per_unit_spent_upper.
    frontier : DataFrame
        The best spending found of each total: spending (planned per period), the levers, and the lead over spending
        nothing, mean, lower, upper.
    points : DataFrame
        Every point that was computed: point (its hash), the levers, spending, replications, and the mean lead of its
        metric over spending nothing.
    outcomes : DataFrame
        point, replication, value: all of them.
    replications : dict of str to int
        How many the search, the choice among finalists and the gap took.
    """

    status: Status
    levers: dict[str, float]
    strategy: Strategy
    best: dict[str, float]
    objective: Kind
    metric: str
    share: float
    value: Interval
    gain: Interval
    lead: Interval
    gap: float
    gap_upper: float
    gap_asked: float
    level: float
    certified: bool
    marginals: pd.DataFrame
    frontier: pd.DataFrame
    points: pd.DataFrame
    outcomes: pd.DataFrame
    replications: dict[str, int]

    def __str__(self) -> str:
        return "\n".join([self.answer, self.missed, *self.marginal_returns])

    @property
    def answer(self) -> str:
        """The answer in a sentence or two."""
        what = {"mean": self.metric, "cvar": f"{self.metric} in the worst {self.share:.3g} of futures", "chance": ""}
        best = ", ".join(f"{name} = {value:,.4g}" for name, value in self.best.items())
        if not self.levers:
            why = (
                f"nothing within the bounds earns more by more than the tolerance, {self.gap_asked:,.4g}"
                if self.status == "spend nothing"
                else "nothing within the bounds is shown to earn more"
            )
            against = _told(self.lead, plus=True) if self.objective != "chance" else (
                f"ahead in {self.lead.mean + 0.5:.1%} of futures"
            )  # fmt: skip
            return f"Spend nothing: {why}. The best found, {best}: {against} against spending nothing."
        if self.objective == "chance":
            return f"{best}: ahead of spending nothing in {self.metric} in {_told(self.value, share=True)} of futures."
        return (
            f"{best}: {what[self.objective]} of {_told(self.value)}, {_told(self.gain, plus=True)} against spending "
            "nothing."
        )

    @property
    def missed(self) -> str:
        """What the answer may lack of the optimum, in a sentence."""
        asked = f"{self.gap_asked:,.4g} asked for"
        reached = asked if self.gap_upper <= self.gap_asked else f"more than the {asked}: take more replications"
        return f"At most {self.gap_upper:,.4g} below the best within the bounds, at {self.level:.0%} ({reached})."

    @property
    def marginal_returns(self) -> list[str]:
        """What a little more of each lever would change, a sentence each."""
        return [
            f"One more of {row.lever}: {row.change:+,.4g} [{row.lower:+,.4g}, {row.upper:+,.4g}] "
            f"(from {row.low:,.4g} to {row.high:,.4g})."
            for row in self.marginals.itertuples(index=False)
        ]


def _told(found: Interval, *, plus: bool = False, share: bool = False) -> str:
    form = "{:.1%}" if share else "{:+,.4g}" if plus else "{:,.4g}"
    mean, lower, upper = (form.format(value) for value in (found.mean, found.lower, found.upper))
    return f"{mean} [{lower}, {upper}]"


@typed
def optimise(
    market: Market | Experiment,
    levers: Mapping[str, tuple[float, float]],
    *,
    strategy: Strategy | None = None,
    total: float | None = None,
    spend_all: bool = False,
    constraints: Sequence[Constraint] = (),
    objective: Kind = "mean",
    metric: str = "npv",
    share: float = 0.05,
    tolerance: float = 0.01,
    level: float = 0.95,
    max_replications: int = 400,
    directory: str | Path | None = None,
    **run: Unpack[RunArguments],
) -> Optimisation:
    """The levers within their bounds at which a strategy does best, beside spending nothing.

    A sample average approximation over one set of replications, the same for all levers, with a smooth surrogate of
    what was computed; a choice among the best, and nothing, by Kim and Nelson's procedure on fresh replications; then,
    on fresh ones again, an upper limit of what the choice may lack of the optimum (Mak, Morton & Wood 1999; Bayraksan &
    Morton 2006), what a little more of each lever would earn, and the best spending of each total.

    Parameters
    ----------
    market : Market or Experiment
        An experiment, or a market with the parameters of an `Experiment` as keyword arguments. Beliefs and draws of
        parameters are drawn anew in each replication, the same for all levers.
    levers : mapping of str to (float, float)
        Numbers of the strategy and from where to where each may go: "acquisition.budget_per_period",
        "retention.share", "desk.staff" (a whole number), ...
    strategy : Strategy, optional
        What is done besides; its own numbers are where the search starts. A mechanism of which the levers are all that
        it needs may be left out.
    total : float, optional
        The most that may be planned per period (money), by `Strategy.budget_per_period`.
    spend_all : bool
        Whether all of the total is planned, where not nothing is spent.
    constraints : sequence of Constraint
        Other limits on sums of levers.
    objective : {"mean", "cvar", "chance"}
        What is to be largest: the mean of the metric, that of its worst `share`, or the chance that it is above that of
        spending nothing.
    metric : str
        As in `Comparison.values`.
    share : float
        Of the worst outcomes, for "cvar".
    tolerance : float
        Which gap to the optimum is small enough, as a share of the objective (of a chance as such).
    level : float
        Of the choice and of every interval.
    max_replications : int
        The most that the choice among finalists may take, and the most that the gap may take.
    directory : str or Path, optional
        Where outcomes are kept: called again after an interruption, the search goes on where it was.
    **run
        Parameters of `Experiment`; `replications` are those of the search, 40 by default, 100 for a chance and 5 in the
        worst share. `progress` counts simulations.

    Returns
    -------
    Optimisation
        The best levers, or spending nothing, with the gap, the marginal returns and the frontier.

    Raises
    ------
    ConfigError
        For a lever that is no number of the strategy, impossible bounds, limits that no levers keep to, and a market
        with too few draws.

    References
    ----------
    Mak, Morton & Wood (1999), Operations Research Letters 24, 47-56. Bayraksan & Morton (2006), Mathematical
    Programming 108, 495-514. Kim & Nelson (2001), ACM TOMACS 11, 251-273.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> found = optimise(
    ...     market, {"acquisition.budget_per_period": (0, 50)}, seed=1, horizon=8, replications=20, max_replications=20
    ... )
    >>> found.levers, str(found).split(":")[0]  # customers cost more than they bring in eight weeks
    ({}, 'Spend nothing')
    """
    experiment = Experiment.of(market, run)
    check_metric(metric)
    check_share(share, "share")
    check_level(level)
    check_number(tolerance, "tolerance", above=0)
    if directory is not None and not isinstance(directory, str | Path):
        raise ConfigError(f"directory must be a path; got {shown(directory)}.")
    goal = Objective(check_choice(objective, "objective", get_args(Kind)), share)  # type: ignore[arg-type]
    problem = LeverProblem.of(experiment, levers, strategy, total=total, spend_all=spend_all, constraints=constraints)
    least = max(LEAST, int(np.ceil(IN_TAIL / share)) if objective == "cvar" else 0)
    search = experiment.size(max({"mean": 40, "cvar": 0, "chance": 100}[objective], least), least=least)
    most = check_count(max_replications, "max_replications", least=least)
    draws = experiment.market.most_replications
    if draws is not None and draws < search + 2 * most:
        most = (draws - search) // 2
        if most < least:
            raise ConfigError(
                f"the market has {draws} draws, and a search needs {3 * least} at least: replications (now {search}) "
                f"for the search and twice {least} for the answer. Draw more of them."
            )
    experiment.warn_of_epochs([problem.strategy])
    outcomes = Evaluations(experiment, problem.strategy_at, metric, None if directory is None else Path(directory))
    found = solve(
        outcomes, problem.space, goal, Effort(search=search, most=most, tolerance=tolerance, level=level),
        starts=problem.starts, spending=problem.spending,
    )  # fmt: skip
    return _optimum(found, problem, outcomes, goal, metric, tolerance, level)


def _optimum(
    found: Solution, problem: LeverProblem, outcomes: Evaluations, objective: Objective, metric: str, tolerance: float,
    level: float,
) -> Optimisation:  # fmt: skip
    names = problem.names
    best = dict(zip(names, found.best.tolist(), strict=True))
    levers = {} if found.point is None else best
    asked = tolerance * found.scale
    status: Status = "found" if found.gap.upper <= asked else "gap larger than asked"
    if found.point is None:
        status = "spend nothing" if found.gap.upper <= asked else "not shown to beat nothing"
    return Optimisation(
        status=status,
        levers=levers,
        strategy=problem.strategy_at(tuple(found.best.tolist())) if levers else NOTHING,
        best=best,
        objective=objective.kind,
        metric=metric,
        share=objective.share,
        value=found.value,
        gain=found.gain,
        lead=found.lead,
        gap=found.gap.estimate,
        gap_upper=found.gap.upper,
        gap_asked=asked,
        level=level,
        certified=found.certified,
        marginals=_marginals(found, problem, objective, metric),
        frontier=_frontier(found, problem),
        points=_points(outcomes, problem),
        outcomes=outcomes.table(),
        replications=dict(zip(("search", "choice", "gap"), found.used, strict=True)),
    )


def _marginals(found: Solution, problem: LeverProblem, objective: Objective, metric: str) -> pd.DataFrame:
    experiment, rows = problem.experiment, []
    durations, force = experiment.durations, experiment.market.discount_force
    periods = round(durations.horizon / durations.period)
    # One unit of money in each period, over the horizon.
    spent_in_all = periods if metric == "profit" else present_value(np.ones(periods), durations.period, force)
    centre = found.best if found.point is not None else problem.space.corner()
    for lever, marginal in enumerate(found.marginals):
        if marginal is None:
            continue
        change = marginal.change
        row: dict[str, Any] = {
            "lever": problem.names[lever], "value": float(centre[lever]), "low": marginal.low, "high": marginal.high,
            "change": change.mean, "lower": change.lower, "upper": change.upper,
        }  # fmt: skip
        spent = problem.spending.weights[lever] if problem.spending is not None else 0.0
        in_money = spent > 0 and objective.kind == "mean" and metric in PROFITS
        for name, key in (
            ("per_unit_spent", "change"),
            ("per_unit_spent_lower", "lower"),
            ("per_unit_spent_upper", "upper"),
        ):
            row[name] = row[key] / (spent * float(spent_in_all)) if in_money else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def _frontier(found: Solution, problem: LeverProblem) -> pd.DataFrame:
    rows = [
        {
            "spending": _planned(problem, point), **dict(zip(problem.names, point.tolist(), strict=True)),
            "mean": lead.mean, "lower": lead.lower, "upper": lead.upper,
        }
        for point, lead in found.frontier
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["spending", *problem.names, "mean", "lower", "upper"])


def _planned(problem: LeverProblem, point: Floats) -> float:
    return problem.strategy_at(tuple(point.tolist())).budget_per_period


def _points(outcomes: Evaluations, problem: LeverProblem) -> pd.DataFrame:
    nothing, rows = outcomes.known[()], []
    for point, found in outcomes.known.items():
        if point:
            leads = [value - nothing[replication] for replication, value in sorted(found.items())]
            rows.append(
                {
                    "point": point_hash(point), **dict(zip(problem.names, point, strict=True)),
                    "spending": _planned(problem, np.array(point)), "replications": len(leads),
                    "lead": float(np.mean(leads)),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
