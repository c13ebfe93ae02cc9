"""The design of a trial: whom to hold out, how many, for how long, what it costs, and what it could show.

The customers are replayed with the strategy and without the part of it that a number belongs to (`replayed_arms.py`).
What the trial will read is the difference of purchases (or money) a customer, adjusted for the model's forecast; the
replays say how it depends on the number (a curve), how precisely a trial of each size would measure it, and what the
firm forgoes on those held out. Power is that of the two-sided test of the final reading against the difference where
the number is `against`, by the normal law with the standard errors of the replayed arms: the mean over replications,
which may draw other numbers of the market. It is held against trials that are drawn and read on the replayed customers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Unpack, cast

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from churnsim.checks import check_choice, check_kind, check_level, check_number, check_seed, check_share, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.logs.days import calendar_day
from churnsim.decisions.comparison.paired import interval
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.trial import FEWEST
from churnsim.simulation.core.assumption import law_of
from churnsim.simulation.mechanisms.parts import MarketPart, parts_of
from churnsim.simulation.scenario.beliefs import numbers_by_name
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import changed, number_at
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.statistics import normal_quantile, student_quantile
from churnsim.trials.assignment import TrialAssignment, drawn
from churnsim.trials.replayed_arms import Arms, Replayed, experiment_for, going_without, replayed
from churnsim.trials.sequence import best_scale, reach
from churnsim.typing import Flags, Floats
from churnsim.units import Duration

Outcome = Literal["purchases", "spend"]
BESIDE: Final = (0.5, 2.0, 4.0)  # further values of the curve, where `against` is 0 and the effect 1
TRIALS = 10  # drawn and read a replication
STEPS = 400  # of the curve, in looking for the smallest detectable effect
AGREE = 3.0  # standard errors within which the power of replayed trials agrees


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialDesign:
    """A trial and what it could show.

    Attributes
    ----------
    about : str
        The number that it is to measure.
    strategy : str
        What the treated are under.
    without : tuple of str
        The parts of the strategy that those held out go without.
    outcome : {"purchases", "spend"}
        What is read, a customer.
    effect, against : float
        The value of the number to be told, and the one that it is to be told from.
    level, wanted_power : float
        Of the final interval, and the power asked for.
    weeks, share : float
        How long, and which share of the customers is held out.
    customers, held_out : int
        How many there are, and are held out.
    power : float
        The chance that the final interval leaves out the difference at `against` if the number is `effect`.
    replayed_power, replayed_error : float
        The same among trials drawn and read on the replayed customers, with its standard error.
    sequence_power : float
        The chance that the confidence sequence, which may be looked at every day, leaves it out by the end.
    detectable : float or None
        The value nearest to `against` with the power asked for; None where there is none on the range.
    standard_error : float
        Of the trial's estimate of the number.
    cost, cost_lower, cost_upper : float
        What the firm forgoes, in money, with its interval over replications. Below 0 the trial earns money.
    table : DataFrame
        Every duration and share looked at, indexed by `weeks` and `share`: `held_out`, `power`, `replayed_power`,
        `sequence_power`, `detectable`, `standard_error` (of the number), the `difference` a customer between the effect
        and what it is told from, its `difference_error`, `cost`, `cost_lower`, `cost_upper`.
    curve : DataFrame
        Indexed by the number's `value`: the treated arm's `difference` a customer by the end, its `replay_error` over
        replications, and the trial's `difference_error` there.
    power_curve : DataFrame
        Indexed by the number's `value`: `power`, and `sequence_power`.
    remarks : tuple of str
        What the figures rest on.
    among : str
        Who takes part, in words; empty where everybody does.
    """

    about: str
    strategy: str
    without: tuple[str, ...]
    outcome: Outcome
    effect: float
    against: float
    level: float
    wanted_power: float
    weeks: float
    share: float
    customers: int
    held_out: int
    power: float
    replayed_power: float
    replayed_error: float
    sequence_power: float
    detectable: float | None
    standard_error: float
    cost: float
    cost_lower: float
    cost_upper: float
    table: pd.DataFrame
    curve: pd.DataFrame
    power_curve: pd.DataFrame
    remarks: tuple[str, ...]
    among: str
    _base: tuple[pd.Index[Any] | None, Floats] = field(repr=False)
    _unit: str = field(repr=False)
    _law: Any = field(repr=False)
    _is_time: bool = field(repr=False)

    @property
    def status(self) -> str:
        """Whether trials drawn on the replayed customers have the power that is promised."""
        apart = abs(self.power - self.replayed_power)
        return "confirmed by replays" if apart <= AGREE * self.replayed_error + 0.01 else "NOT CONFIRMED by replays"

    def assignment(self, *, start: Any, seed: int = 1) -> TrialAssignment:
        """Draw who is held out from the day `start` on.

        Parameters
        ----------
        start : str or date
            The first day of the trial.
        seed : int
            Of the draw.

        Returns
        -------
        TrialAssignment
            Raises ConfigError where the market's customers have no ids.
        """
        ids, forecast = self._base
        if ids is None:
            raise ConfigError("the market's customers have no ids to write a list of. Start from a PosteriorBase.")
        days = round(self.weeks * 7)
        plan = {name: getattr(self, name) for name in PLANNED}
        plan |= {"without": list(self.without), "unit": self._unit, "law": self._law, "is_time": self._is_time}
        plan |= {
            "values": self.curve.index.tolist(), "differences": self.curve["difference"].tolist(),
            "planned_variance": float(np.interp(self.effect, self.curve.index, self.curve["difference_error"])) ** 2,
        }  # fmt: skip
        first = calendar_day(start, name="start").date()
        return drawn(ids, forecast, plan, start=first, seed=check_seed(seed), days=days)

    def __str__(self) -> str:
        number = f"{self.about} = {self.effect:.4g} from {self.against:.4g}"
        most = "no value on the range" if self.detectable is None else f"{self.detectable:.3g}"
        cost = f"{self.cost:,.2f} [{self.cost_lower:,.2f}, {self.cost_upper:,.2f}]"
        return "\n".join(
            [
                f"a trial to tell {number}: hold {self.held_out:,} of {self.customers:,} customers ({self.share:.0%}) "
                f"out of {', '.join(self.without)} for {self.weeks:g} weeks and read {self.outcome} a customer",
                f"power {self.power:.1%} at the end ({self.status}: {self.replayed_power:.1%}, standard error "
                f"{self.replayed_error:.1%}), {self.sequence_power:.1%} when looked at every day; smallest detectable "
                f"value at {self.wanted_power:.0%}: {most}; standard error of the number {self.standard_error:.3g}",
                f"profit forgone {cost}" + ("" if self.cost_upper > 0 else ": the trial earns money"),
                *self.remarks,
            ]
        )


PLANNED = (
    "about", "strategy", "outcome", "effect", "against", "level", "wanted_power", "weeks", "share", "power",
    "detectable", "standard_error", "cost", "cost_lower", "cost_upper", "among",
)  # fmt: skip


@typed
def design_trial(
    market: Market | Experiment,
    strategy: Strategy,
    *,
    about: str,
    effect: float | None = None,
    against: float | None = None,
    outcome: Outcome = "purchases",
    power: float = 0.8,
    level: float = 0.95,
    weeks: Sequence[float] = (13.0, 26.0, 52.0),
    shares: Sequence[float] = (0.1, 0.2, 0.3, 0.5),
    without: Sequence[str] = (),
    today: Literal["treated", "held out"] = "treated",
    among: float | Collection[Any] | pd.Series | None = None,
    **run: Unpack[RunArguments],
) -> TrialDesign:
    """The cheapest trial, of the durations and shares given, with the power asked for.

    Parameters
    ----------
    market : Market or Experiment
        The firm's customers, such as a `PosteriorBase` of its fitted ones.
    strategy : Strategy
        What treated customers are under.
    about : str
        The address of the number to measure, such as "retention.max_effect" or "win_back.success".
    effect : float, optional
        The value to be told from `against`; by default the market's own.
    against : float, optional
        By default 1 for a factor that may be anything above 0, and 0 for any other number.
    outcome : {"purchases", "spend"}
        What is read of each customer: days with a purchase, or money.
    power, level : float
        The power asked for, and the level of the final interval.
    weeks, shares : sequence of float
        Durations and shares held out to choose from.
    without : sequence of str, optional
        Which parts of the strategy those held out go without; by default those that the number belongs to.
    today : {"treated", "held out"}
        What customers are now, to which what the trial costs is compared.
    among : float, ids, or Series of bool by id, optional
        Who takes part, everybody by default: so large a share of the customers, those with the highest forecasts, or
        those with these ids. The others go on as they are: nobody of them is drawn or read. The cost is then that of
        the trial's weeks, without what customers are worth afterwards.
    **run
        Parameters of `Experiment`, `seed` at least; `replications` is 50 by default, the `horizon` follows from the
        weeks, and `progress` counts replications of each duration.

    Returns
    -------
    TrialDesign

    Raises
    ------
    ConfigError
        For an unknown address, a number that nothing in the strategy has an effect on, or that does not move the
        outcome.
    DataError
        Where no duration and share has the power asked for; it says what could be detected.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow()).head(300)
    >>> market = cs.Market(
    ...     customers=cs.PosteriorBase(summary), purchases=cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    ...     spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44),
    ... )
    >>> mails = cs.Strategy(name="mails", retention=cs.simulation.RetentionContacts(budget_per_period=900.0))
    >>> plan = design_trial(
    ...     market, mails, about="retention.purchase_lift", effect=4.0, weeks=[26], shares=[0.5], power=0.5, seed=1,
    ...     replications=4,
    ... )
    >>> plan.held_out, bool(plan.power > 0.5), plan.without
    (150, True, ('retention',))
    """
    check_choice(outcome, "outcome", ("purchases", "spend"))
    check_choice(today, "today", ("treated", "held out"))
    check_number(power, "power", above=0, below=1)
    check_level(level)
    spans = sorted({check_number(value, "each of weeks", above=0) for value in weeks})
    sizes = sorted({check_share(value, "each of shares") for value in shares})
    if not spans or not sizes or sizes[-1] >= 1:
        raise ConfigError("weeks and shares must name one value at least, and shares must lie below 1.")
    check_kind(strategy, "strategy", Strategy, "a Strategy")
    experiment, _ = experiment_for(market, spans[-1], run)
    question = _Question.of(experiment.market, strategy, about, effect, against, without)
    base, part = _taking_part(_base_of(experiment.market, spans[-1]), among)
    sizes = [size for size in sizes if min(size, 1 - size) * len(base[1]) >= FEWEST]
    if not sizes:
        raise DataError(
            f"of {len(base[1]):,} customers no share given leaves {FEWEST} in each arm. Take shares nearer to a half, "
            "or more customers."
        )
    experiment.warn_of_epochs([strategy])
    replications = experiment.size(50)
    looked = {
        span: question.replays(experiment, strategy, span, sizes, outcome, base, replications, part=bool(part))
        for span in spans
    }
    one, other = question.places
    if not any((found.gain[:, one] - found.gain[:, other]).any() for found in looked.values()):
        raise ConfigError(
            f"{question.about} = {question.effect:g} in place of {question.against:g} moves the {outcome} of no "
            f"customer in any of {replications} replays, so that a trial that holds customers out of "
            f"{', '.join(question.without)} cannot show it. Ask about another number."
        )
    table = pd.DataFrame(
        {
            (span, size): _row(found, place, size, question, power, level, today, len(base[1]))
            for span, found in looked.items()
            for place, size in enumerate(sizes)
        }
    ).T.rename_axis(["weeks", "share"])
    able = table[table["power"] >= power]
    if able.empty:
        raise DataError(_refusal(table, question, power, level, len(base[1])))
    chosen = able.sort_values("cost", kind="stable").iloc[0]
    span, size = cast("tuple[float, float]", chosen.name)
    curve = question.curve(looked[span], size, len(base[1]))
    detectable = float(chosen["detectable"])
    return TrialDesign(
        about=question.about, strategy=strategy.name, without=question.without, outcome=outcome,
        effect=question.effect, against=question.against, level=level, wanted_power=power, weeks=float(span),
        share=float(size),
        customers=len(base[1]), held_out=int(chosen["held_out"]), power=float(chosen["power"]),
        replayed_power=float(chosen["replayed_power"]), replayed_error=float(chosen["replayed_error"]),
        sequence_power=float(chosen["sequence_power"]), detectable=None if math.isnan(detectable) else detectable,
        standard_error=float(chosen["standard_error"]), cost=float(chosen["cost"]),
        cost_lower=float(chosen["cost_lower"]), cost_upper=float(chosen["cost_upper"]), table=table, curve=curve,
        power_curve=_powers(looked[span], size, len(base[1]), question, level),
        remarks=_remarks(experiment, strategy, question, replications, part), among=part, _base=base,
        _unit=experiment.market.unit, _law=question.law, _is_time=question.is_time,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Question:
    """The number, what is told from what, who goes without what, and the values at which the curve is computed."""

    about: str
    effect: float
    against: float
    without: tuple[str, ...]
    values: tuple[float, ...]
    law: str
    is_time: bool

    @classmethod
    def of(
        cls, market: Market, strategy: Strategy, about: str, effect: float | None, against: float | None,
        without: Sequence[str],
    ) -> _Question:  # fmt: skip
        """The question about a market. Raises ConfigError for one that a trial cannot answer."""
        own = number_at(market, (strategy,), about)
        name = about.removeprefix("market.")
        known = numbers_by_name(market)
        if name not in known:
            raise ConfigError(f"{about!r} is nothing that a market answers by. Name one of its documented numbers.")
        number = known[name]
        law = law_of(number.about)
        unit = number.about.metadata["unit"]
        base = 1.0 if law == "log-normal" and unit == "factor" else 0.0
        target = own if effect is None else check_number(effect, "effect")
        start = base if against is None else check_number(against, "against")
        if math.isclose(target, start):
            raise ConfigError(f"{name} = {target:g} is to be told from itself. Give another effect= or against=.")
        values = {start, target, *(start + (target - start) * step for step in BESIDE)}
        if law == "beta":
            values = {min(max(value, 0.0), 1.0) for value in values}
        tried = []
        for value in sorted(values):
            try:
                changed(market, (strategy,), {name: value})
            except ConfigError:
                if value in (start, target):
                    raise
                continue
            tried.append(value)
        return cls(
            about=name, effect=target, against=start, without=_without(market, strategy, name, number.part, without),
            values=tuple(tried), law=law, is_time=isinstance(number.value, Duration),
        )  # fmt: skip

    @property
    def places(self) -> tuple[int, int]:
        """Where the effect and what it is told from are among the values."""
        return self.values.index(self.effect), self.values.index(self.against)

    def replays(
        self, experiment: Experiment, strategy: Strategy, weeks: float, shares: Sequence[float], outcome: str,
        base: tuple[pd.Index[Any] | None, Floats], replications: int, *, part: bool,
    ) -> Replayed:  # fmt: skip
        """What replays of a trial of so many weeks say."""
        experiment, length = experiment_for(experiment, weeks, {})
        ids, forecast = base
        uids = _uids(experiment.market, experiment.seed) if ids is None else customer_uids(ids)
        order = np.argsort(uids)
        arms = Arms(
            strategy=strategy, without=going_without(strategy, self.without), about=self.about,
            values=self.values, effect=self.places[0], shares=tuple(shares), trials=TRIALS, spend=outcome == "spend",
            uids=uids[order], forecast=forecast[order], length=length, part=part,
        )  # fmt: skip
        return replayed(experiment, arms, replications)

    def curve(self, found: Replayed, share: float, customers: int) -> pd.DataFrame:
        """`TrialDesign.curve` of a share held out."""
        error = np.sqrt(_variance(found, share, customers).mean(axis=0))
        replay = found.gain.std(axis=0, ddof=1) / math.sqrt(len(found.gain))
        rows = {"difference": found.gain.mean(axis=0), "replay_error": replay, "difference_error": error}
        return pd.DataFrame(rows, index=pd.Index(self.values, name="value"))


def _variance(found: Replayed, share: float, customers: int) -> Floats:
    """Of the difference, by replication and value."""
    held = round(share * customers)
    return np.asarray(found.treated / (customers - held) + found.control / held + found.shared)


def _powers(found: Replayed, share: float, customers: int, question: _Question, level: float) -> pd.DataFrame:
    """`TrialDesign.power_curve`: the mean over replications, each with the numbers that it draws."""
    value = np.linspace(question.values[0], question.values[-1], STEPS)
    nothing = float(found.gain[:, question.places[1]].mean())
    error = np.sqrt(_variance(found, share, customers))
    shift, spread = (
        np.array([np.interp(value, question.values, row) for row in rows]) for rows in (found.gain - nothing, error)
    )
    columns = {
        name: power_of(shift, spread, level, sequence=looked).mean(axis=0)
        for name, looked in (("power", False), ("sequence_power", True))
    }
    return pd.DataFrame(columns, index=pd.Index(value, name="value"))


def _detectable(powers: pd.DataFrame, question: _Question, power: float) -> float:
    """The value nearest to what it is told from with this power, on the side of the effect; NaN where there is none."""
    away = (powers.index.to_numpy() - question.against) * math.copysign(1.0, question.effect - question.against)
    enough = (away > 0) & (powers["power"].to_numpy() >= power)
    return float(powers.index.to_numpy()[enough][np.argmin(away[enough])]) if enough.any() else math.nan


def power_of(shift: Floats, error: Floats, level: float, *, sequence: bool = False) -> Floats:
    """The chance that an interval about a normal estimate leaves 0 out, where it is `shift`: a single interval, or that
    of the confidence sequence at the end, tuned to it."""
    z = normal_quantile(level)
    if sequence:
        z = float(reach(1.0, best_scale(1.0, level), level))
    away = np.abs(shift) / error
    return np.asarray(ndtr(away - z) + ndtr(-away - z))


def _row(
    found: Replayed, place: int, share: float, question: _Question, power: float, level: float, today: str,
    customers: int,
) -> dict[str, float]:  # fmt: skip
    """One row of `TrialDesign.table`."""
    curve = question.curve(found, share, customers)
    one, other = question.places
    means, error = curve["difference"].to_numpy(), float(curve["difference_error"].iloc[one])
    shift = float(means[one] - means[other])
    near = max(one - 1, 0), min(one + 1, len(means) - 1)
    slope = float(means[near[1]] - means[near[0]]) / (question.values[near[1]] - question.values[near[0]])
    read = found.found[:, place]
    limit = student_quantile((1 + level) / 2, read[..., 2])
    told: Flags = np.abs(read[..., 0] - means[other]) > limit * read[..., 1]
    by_replication = told.mean(axis=1)
    forgone = (found.money[:, 0] - found.money[:, 1]) * (share if today == "treated" else share - 1)
    money = interval(forgone, level=level)
    along = _powers(found, share, customers, question, level)
    powers = {name: float(np.interp(question.effect, along.index, along[name])) for name in along}
    return {
        "held_out": round(share * customers), "power": powers["power"],
        "replayed_power": float(by_replication.mean()),
        "replayed_error": float(by_replication.std(ddof=1)) / math.sqrt(len(by_replication)),
        "sequence_power": powers["sequence_power"], "detectable": _detectable(along, question, power),
        "standard_error": abs(error / slope) if slope else math.inf, "difference": shift, "difference_error": error,
        "cost": money.mean,
        "cost_lower": money.lower, "cost_upper": money.upper,
    }  # fmt: skip


def _refusal(table: pd.DataFrame, question: _Question, power: float, level: float, customers: int) -> str:
    """Why no trial on the table answers the question, and what would."""
    best = table.iloc[int(np.argmax(table["power"]))]
    span, share = cast("tuple[float, float]", best.name)
    found = best["detectable"]
    end = question.values[-1 if question.effect > question.against else 0]
    what = f"no {question.about} up to {end:.3g}" if math.isnan(found) else f"{question.about} = {found:.3g} at best"
    needed = ((normal_quantile(level) + ndtri(power)) * best["difference_error"] / best["difference"]) ** 2
    return (
        f"{customers:,} customers and {span:g} weeks, {share:.0%} of them held out, detect {what} "
        f"with a power of {power:.0%}: too little for {question.effect:.3g} in place of {question.against:.3g}, which "
        f"would be told with a power of {best['power']:.0%}. It takes some {needed:.1f} times as many customers; or "
        "longer, a stronger treatment, a larger effect to ask for, or less power."
    )


def _remarks(
    experiment: Experiment, strategy: Strategy, question: _Question, replications: int, part: str
) -> tuple[str, ...]:  # fmt: skip
    """What the figures rest on."""
    told = [f"from {replications} replays of the customers in both arms with the same random numbers"]
    if part:
        told.append(f"it is among {part}; profit forgone is theirs, in the weeks of the trial")
    if experiment.market.beliefs:
        told.append("other numbers of the market are averaged over what is believed of them")
    if experiment.scenario(strategy).interacts:
        told.append(
            "customers reach each other in this market, so that those held out may feel what the treated do: the "
            "replays have everybody in one arm"
        )
    return tuple(told)


def _base_of(market: Market, weeks: float) -> tuple[pd.Index[Any] | None, Floats]:
    """The ids of the customers, and the model's forecast of each one's purchases in the trial; 0 where it has no
    histories of them."""
    summary = getattr(market.customers, "summary", None)
    if summary is None:
        return None, np.zeros(len(market.customers))
    length = Duration(weeks, "W").to(market.unit)
    model: Any = market.purchases
    forecast = np.asarray(model.expected_purchases(summary, length), dtype=np.float64)
    return summary.index, forecast


def _taking_part(
    base: tuple[pd.Index[Any] | None, Floats], among: Any
) -> tuple[tuple[pd.Index[Any] | None, Floats], str]:
    """The ids and forecasts of those who take part, and who they are in words."""
    ids, forecast = base
    if among is None:
        return base, ""
    if ids is None:
        raise ConfigError("the market's customers have no ids to choose some `among`. Start from a PosteriorBase.")
    if isinstance(among, int | float | np.number):
        share = check_share(among, "among")
        inside = np.zeros(len(ids), dtype=bool)
        inside[np.argsort(-forecast, kind="stable")[: round(share * len(ids))]] = True
        words = f"the {inside.sum():,} customers with the highest forecasts ({share:.3g} of all)"
    else:
        if isinstance(among, pd.Series):
            if among.dtype != bool:
                raise ConfigError("among as a Series must be of True and False by customer id; else give the ids.")
            among = among.index[among.to_numpy()]
        chosen = pd.Index(list(among), dtype=object)
        unknown = chosen[~chosen.isin(ids.astype(object))]
        if len(unknown):
            raise DataError(
                f"among names {str(unknown[0])[:80]!r}, who is no customer of the market ({len(unknown):,} such "
                "ids; 7 and '7' are different)."
            )
        inside = np.asarray(ids.astype(object).isin(chosen))
        words = f"{inside.sum():,} of {len(ids):,} customers, by their ids"
    return (ids[inside], forecast[inside]), words


def _uids(market: Market, seed: int) -> Any:
    """Of customers without ids."""
    one = market.in_replication(0, seed=seed)
    return one.customers.draw(purchases=one.purchases, spend=one.spend, seed=seed, replication=0).uids


def _without(market: Market, strategy: Strategy, name: str, part: str, given: Sequence[str]) -> tuple[str, ...]:
    """The parts of the strategy that those held out go without."""
    kinds = parts_of(Strategy)
    if unknown := [each for each in given if each not in kinds]:
        raise ConfigError(
            f"without names {unknown[0]!r}, which is no part of a strategy. There are {', '.join(kinds)}."
        )
    answer = getattr(market, part) if part else None
    used: tuple[str, ...] = ()
    if isinstance(answer, MarketPart):
        own = name.removeprefix(f"{part}.")
        used = tuple(
            dict.fromkeys(each.partition(".")[0] for each in answer.used_by.get(own, answer.used_by.get("", ())))
        )
    asked = tuple(given) or used
    if not asked:
        raise ConfigError(
            f"{name} has an effect whatever the firm does, so that no part of a strategy belongs to it. Say which part "
            "those held out go without: without=[...]."
        )
    found = tuple(each for each in asked if getattr(strategy, each) is not None)
    if not found:
        raise ConfigError(
            f"strategy {strategy.name!r} has no {' or '.join(asked)}, which {name} belongs to, so that nobody could be "
            "held out of it. Give the strategy that part."
        )
    return found
