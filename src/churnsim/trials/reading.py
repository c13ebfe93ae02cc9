"""What a trial shows: looked at as often as one likes while it runs, and read once it is over.

At each look the outcome until then is compared between the arms, adjusted for the model's forecast, by the estimator of
`churnsim.evidence.trial`; `sequence.py` has the interval that holds at all looks at once. The final reading is
`trial_effects` with its checks. What it says of the number that the trial is about follows by the curve that the design
replayed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
import pandas as pd
from scipy.special import ndtr

from churnsim.checks import check_choice, typed
from churnsim.data.logs.days import iso_day
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.records import History
from churnsim.evidence.trial import DOUBT, FEWEST, TrialCheck, TrialEffects, arm_means, trial_effects, varying
from churnsim.simulation.core.belief import Belief
from churnsim.trials.assignment import CONTROL, TREATED, TrialAssignment
from churnsim.trials.replayed_arms import covariate, read_arms
from churnsim.trials.sequence import best_scale, reach
from churnsim.typing import Flags, Floats

LEAST_MISSED = 10.0  # purchases in the days before the first of a log, from which on it is taken to lack them (assumed)
BETWEEN: Final = {"daily": 1, "weekly": 7, "end": 0}
LEAST_SHARE, LEAST_NUMBER = 1e-3, 1e-3  # a share is told from 0 and 1, a positive number from 0, by so much


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialReading:
    """What a trial shows so far, or in the end.

    Attributes
    ----------
    about, outcome : str
        As planned.
    finished : bool
        Whether the purchases reach the last day.
    until : str
        The last day read.
    looks : DataFrame
        Indexed by the last day of each look, `at`: the means `control` and `treated` of the outcome since the start,
        the adjusted `difference`, its `standard_error`, and `lower`, `upper` of the confidence sequence: with the
        probability `level` they hold what the treatment did until then at all looks at once. NaN before either arm has
        20 buyers.
    decided : str or None
        The first day on which the sequence left out the difference at which nothing is done; None where it never did.
    effects : TrialEffects or None
        The final reading with its checks; None of an unfinished trial.
    checks : tuple of TrialCheck
        The checks of the final reading, and that later purchases move the way of earlier ones.
    strangers : int
        Purchases by customers who are not in the trial, as those who came later are.
    level : float
        Of all intervals.
    """

    about: str
    outcome: str
    finished: bool
    until: str
    looks: pd.DataFrame
    decided: str | None
    effects: TrialEffects | None
    checks: tuple[TrialCheck, ...]
    strangers: int
    level: float
    _assignment: TrialAssignment

    @property
    def status(self) -> str:
        """That of the final reading, or "unfinished"."""
        return "unfinished" if self.effects is None else self.effects.status

    @property
    def belief(self) -> Belief:
        """What the final reading says of the number, by the curve that the design replayed.

        Raises DataError for an unfinished trial, and where no value of the number would give such a difference.
        """
        plan = self._assignment.manifest
        if self.effects is None:
            raise DataError(
                f"the trial runs until {plan.end} and the purchases reach {self.until}: it is unfinished, and says "
                "nothing final yet. Read it again with later purchases, or say until= the day they reach."
            )
        row = _final_row(self.effects, self.outcome)
        if not row["standard_error"] > 0:
            raise DataError(
                f"every customer of the trial has the same {self.outcome}, which does not show how far chance goes. "
                "Run it for longer, or with more customers."
            )
        value, low, high = (
            _on_curve(plan.values, plan.differences, row[name]) for name in ("difference", "lower", "upper")
        )
        low, high = min(low, high), max(low, high)
        least, most = -math.inf, math.inf
        if plan.law == "beta":
            least, most = LEAST_SHARE, 1 - LEAST_SHARE
        elif plan.law == "log-normal":
            least = LEAST_NUMBER * abs(plan.effect)
        if high <= least or low >= most:
            raise DataError(
                f"the difference of {row['difference']:.4g} [{row['lower']:.4g}, {row['upper']:.4g}] {self.outcome} a "
                f"customer is one that no value of {self.about} gives: the treatment does something else than the "
                "market has it. Measure it by churnsim.evidence.contact_effect, or change the market."
            )
        low, high = max(low, least), min(high, most)
        edge = 1e-3 * (high - low)
        sizes = ", ".join(f"{n:,} {arm}" for arm, n in self.effects.customers.items())
        status: Any = self.effects.status
        return Belief(
            value=min(max(value, low + edge), high - edge), low=low, high=high, level=self.level, law=plan.law,
            status=status,
            source=f"trial from {plan.start} to {plan.end}: {row['difference']:+.4g} [{row['lower']:.4g}, "
            f"{row['upper']:.4g}] {self.outcome} a customer ({sizes}), by the replayed curve; list {plan.sha256[:16]}",
        )  # fmt: skip

    @property
    def beliefs(self) -> dict[str, Belief]:
        """The belief by its address, for `Market(beliefs=...)`."""
        return {self.about: self.belief}

    def evidence(self) -> str:
        """The belief as TOML: a table of a study's [market], which [evidence] trials = ["..."] reads too."""
        belief, plan = self.belief, self._assignment.manifest
        part, _, name = plan.about.rpartition(".")

        def written(value: float) -> str:
            return json.dumps(f"{value:.6g} {plan.unit}") if plan.is_time else f"{value:.6g}"

        said = ", ".join(f"{key} = {written(getattr(belief, key))}" for key in ("value", "low", "high"))
        words = ", ".join(
            f"{key} = {json.dumps(getattr(belief, key), ensure_ascii=False)}" for key in ("law", "status", "source")
        )
        return (
            f"# Measured by a trial; the list of its customers has the SHA-256\n# {plan.sha256}\n"
            f"[market{'.' if part else ''}{part}]\n{name} = {{ {said}, level = {belief.level:g}, {words} }}\n"
        )

    def write(self, path: str | Path) -> Path:
        """Write `evidence()` to a file, whose path is returned."""
        file = Path(path)
        file.write_text(self.evidence(), encoding="utf-8")
        return file

    def __str__(self) -> str:
        plan = self._assignment.manifest
        lines = [
            f"trial of {self.about} from {plan.start} to {plan.end}, read until {self.until}: {self.status}; "
            f"{self.strangers:,} purchases of customers who are not in it"
        ]
        known = self.looks.dropna()
        if len(known):
            last = known.iloc[-1]
            lines.append(
                f"{len(known)} looks, the last on {known.index[-1]}: {last['difference']:+.4g} {self.outcome} a "
                f"customer, {self.level:.0%} confidence sequence [{last['lower']:.4g}, {last['upper']:.4g}]; "
                + (f"told apart on {self.decided}" if self.decided else "not told apart so far")
            )
        if self.effects is not None:
            row = _final_row(self.effects, self.outcome)
            lines.append(
                f"final: {row['treated']:.4g} {self.outcome} a customer against {row['control']:.4g}, difference "
                f"{row['difference']:+.4g} [{row['lower']:.4g}, {row['upper']:.4g}]"
            )
        return "\n".join([*lines, *map(str, self.checks)])


@typed
def read_trial(
    assignment: Any,
    purchases: Any,
    *,
    looks: Literal["daily", "weekly", "end"] = "weekly",
    until: Any = None,
    without: Sequence[str] = (),
) -> TrialReading:
    """Read a trial from the purchases of its customers, while it runs or when it is over.

    Parameters
    ----------
    assignment : TrialAssignment or path
        The list as it was drawn, or the path of its CSV, beside which the manifest lies.
    purchases : DataFrame, CustomerDatabase or ParquetLog
        The log, as `churnsim.summarise` takes it. Purchases before the start are a covariate and a placebo, those after
        the end are left alone.
    looks : {"daily", "weekly", "end"}
        When the trial is looked at, of which the confidence sequence says something at all looks together.
    until : str or date, optional
        Last day observed; that of the last purchase unless given.
    without : sequence of str
        Customers to leave out whatever they did, such as those whose records were erased.

    Returns
    -------
    TrialReading

    Raises
    ------
    DataError
        For a list that has been changed, has no manifest or a customer twice; a log without purchases since the start,
        or of other customers, or one that begins so late that it lacks some; customers to leave out who are not in the
        list.
    ConfigError
        For an argument out of range.

    Examples
    --------
    >>> import churnsim as cs
    >>> log = cs.datasets.cdnow()
    >>> base = cs.summarise(log, until="1997-12-31").iloc[::4]
    >>> market = cs.Market(
    ...     customers=cs.PosteriorBase(base), purchases=cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    ...     spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44),
    ... )
    >>> mails = cs.Strategy(name="mails", retention=cs.simulation.RetentionContacts(budget_per_period=9000.0))
    >>> plan = cs.trials.design_trial(
    ...     market, mails, about="retention.purchase_lift", effect=3.0, weeks=[25], shares=[0.5], power=0.1, seed=1,
    ...     replications=3,
    ... )
    >>> found = read_trial(plan.assignment(start="1998-01-01"), log, looks="end")  # in which nobody was treated
    >>> found.status, found.decided is None
    ('measured here (randomised)', True)
    """
    check_choice(looks, "looks", tuple(BETWEEN))
    trial = assignment if isinstance(assignment, TrialAssignment) else _listed(assignment)
    plan = trial.manifest
    people = _people(trial, without)
    history = History.of(purchases, until)
    first, last = plan.days
    inside = (history.days.day >= first) & (history.days.day <= last)
    if history.until < first or not inside.any():
        raise DataError(
            f"no purchase lies between {plan.start} and {plan.end}, when the trial ran: the last is on "
            f"{iso_day(int(history.days.day.max()))}. Give the purchases since the start."
        )
    if plan.outcome == "spend" and history.days.amount is None:
        raise DataError(
            "the trial reads what customers spend, and the purchases have no amounts. Give a log with them."
        )
    begin, upto = int(history.days.day.min()), min(history.until, last)
    missing = (begin - first) * int(inside.sum()) / max(1, upto - begin + 1)
    if missing >= LEAST_MISSED:
        raise DataError(
            f"the purchases begin on {iso_day(begin)}, and the trial began on {plan.start}: at their pace some "
            f"{missing:,.0f} of the days between are missing. Give purchases since the start, or since before it."
        )
    ids = pd.Index([str(one) for one in history.days.ids])
    if ids.has_duplicates:
        raise DataError(
            f"two customers of the log have the id {ids[ids.duplicated()][0][:80]!r} as text. Tell them apart."
        )
    place = np.asarray(ids.get_indexer(pd.Index(people["customer_id"])), dtype=np.int64)
    if (place < 0).all():
        raise DataError(
            f"no customer of the trial is in the purchases: the list has {people['customer_id'].iloc[0][:80]!r}, the "
            f"log {ids[0][:80]!r}. Write ids alike in both."
        )
    seen = _Seen(history, place, first, plan.outcome == "spend")
    mine = np.isin(history.days.customer, place[place >= 0])
    out = (people["arm"] == CONTROL).to_numpy()
    table, moved = _looks(seen, out, people["forecast"].to_numpy(), plan, looks, upto)
    nothing = float(np.interp(plan.against, plan.values, plan.differences))
    apart = (table["lower"] > nothing) | (table["upper"] < nothing)
    finished = history.until >= last
    effects = _final(people, seen, last, plan) if finished else None
    return TrialReading(
        about=plan.about, outcome=plan.outcome, finished=finished, until=iso_day(upto), looks=table,
        decided=str(table.index[apart][0]) if apart.any() else None, effects=effects,
        checks=(*(effects.checks if effects is not None else ()), *moved), strangers=int((inside & ~mine).sum()),
        level=plan.level, _assignment=trial,
    )  # fmt: skip


def _listed(assignment: Any) -> TrialAssignment:
    if not isinstance(assignment, str | Path):
        raise ConfigError("assignment must be a TrialAssignment, or the path of the assignment.csv of a trial.")
    return TrialAssignment.read(assignment)


def _people(trial: TrialAssignment, without: Sequence[str]) -> pd.DataFrame:
    """The customers of the trial but those to leave out."""
    known = set(trial.table["customer_id"])
    if unknown := [one for one in map(str, without) if one not in known]:
        raise DataError(
            f"without names {unknown[0][:80]!r}, who is not in the trial ({len(unknown):,} such customers)."
        )
    return trial.table[~trial.table["customer_id"].isin([str(one) for one in without])].reset_index(drop=True)


@dataclass(frozen=True)
class _Seen:
    """The outcome of each customer of the trial between days."""

    history: History
    place: Any
    first: int
    spend: bool

    def until(self, day: int) -> Floats:
        """From the start to the end of a day."""
        return self._between(self.first - 1, day)

    def before(self, days: int) -> Floats:
        """In so many days before the start."""
        return self._between(self.first - 1 - days, self.first - 1)

    def _between(self, after: int, until: int) -> Floats:
        ends = (np.full(len(self.place), day, dtype=np.int64) for day in (after, until))
        if self.spend:
            return self.history.spend_between(self.place, *ends)
        earlier, later = (self.history.bought_before(self.place, end + 1) for end in ends)
        return np.asarray(later - earlier, dtype=np.float64)


def _looks(
    seen: _Seen, out: Flags, forecast: Floats, plan: Any, looks: str, upto: int
) -> tuple[pd.DataFrame, list[TrialCheck]]:
    """The table of looks, and the check that later purchases move the way of earlier ones."""
    first, last = plan.days
    step = BETWEEN[looks] or last - first + 1
    days = sorted({*range(first + step - 1, upto + 1, step), upto})
    scale, x = best_scale(plan.planned_variance, plan.level), covariate(forecast)
    rows, early = [], False
    for day in days:
        y = seen.until(day)
        row = {"control": float(y[out].mean()), "treated": float(y[~out].mean())}
        early = early or bool(min(np.count_nonzero(y[out]), np.count_nonzero(y[~out])) >= FEWEST)
        if early:
            difference, error, _ = read_arms(y, x, out)
            far = float(reach(error**2, scale, plan.level))
            row |= {
                "difference": difference,
                "standard_error": error,
                "lower": difference - far,
                "upper": difference + far,
            }
        rows.append(row)
    columns = ["control", "treated", "difference", "standard_error", "lower", "upper"]
    table = pd.DataFrame(rows, index=pd.Index([iso_day(day) for day in days], name="at")).reindex(columns=columns)
    if not early:
        return table, []
    return table, [_moves_alike(seen, out, x, first, upto)]


def _moves_alike(seen: _Seen, out: Flags, x: Floats | None, first: int, upto: int) -> TrialCheck:
    """Whether customers who bought more in the first half, beside their arm and forecast, do so in the second."""
    middle = (first + upto) // 2
    earlier = seen.until(middle)
    later = seen.until(upto) - earlier
    rests = []
    for y in (earlier, later):
        rest = np.empty(len(y))
        for arm in (out, ~out):
            mean = arm_means(
                y[arm], None if x is None else x[arm], np.ones(int(arm.sum())), np.zeros(int(arm.sum()), int), [""]
            )
            rest[arm] = y[arm] - mean[0].mean - (0.0 if x is None else x[arm] @ mean[0].slopes)
        rests.append(rest)
    size = math.sqrt(float((rests[0] ** 2).sum() * (rests[1] ** 2).sum()))
    r = float(rests[0] @ rests[1]) / size if size > 0 else 0.0
    p = float(ndtr(r * math.sqrt(len(out))))
    return TrialCheck(
        name="earlier and later", p_value=p, passed=bool(p >= DOUBT),
        message=f"purchases of the first and the second half have a correlation of {r:+.2f}; the confidence sequence "
        "rests on its not being below 0.",
    )  # fmt: skip


def _final(people: pd.DataFrame, seen: _Seen, last: int, plan: Any) -> TrialEffects:
    """The final reading, adjusted for the forecast and for the time before where the log reaches it."""
    before = f"{plan.outcome}_before"
    frame = people.assign(**{plan.outcome: seen.until(last), before: seen.before(last - seen.first + 1)})
    return trial_effects(
        frame.set_index("customer_id"), outcomes=[plan.outcome], control=CONTROL, chance="chance",
        covariates=varying(frame, ["forecast"]), before=varying(frame, [before]), level=plan.level,
    )  # fmt: skip


def _final_row(effects: TrialEffects, outcome: str) -> dict[str, float]:
    """The best estimate of the final reading, by column."""
    return cast("dict[str, float]", effects.best.loc[[(outcome, TREATED)]].to_dict("records")[0])


def _on_curve(values: Sequence[float], differences: Sequence[float], at: float) -> float:
    """The value at which the curve has the difference `at`; beyond its ends along its last pieces. Where chance makes
    the curve turn back, it is taken as level, and the nearer value counts."""
    value, difference = np.array(values), np.array(differences)
    sign = math.copysign(1.0, difference[-1] - difference[0])
    risen, first = np.unique(np.maximum.accumulate(sign * difference), return_index=True)
    value = value[first]
    inside = min(max(int(np.searchsorted(risen, sign * at)), 1), len(value) - 1)
    rise = (value[inside] - value[inside - 1]) / (risen[inside] - risen[inside - 1])
    return float(value[inside - 1] + rise * (sign * at - risen[inside - 1]))
