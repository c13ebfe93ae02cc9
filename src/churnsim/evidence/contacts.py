"""The effect of contacts from a firm's own records, in two ways that must agree.

By the randomisation alone (`trial.py`): purchases, buyers and spend in a window after the draw, by arm, adjusted for
the purchase model's forecast of the same window (CUPED) and for the window before. By the purchase model
(`clock_effects.py`): how contacts rescale each customer's clocks. The second says what the first cannot, how long an
effect lasts, what is only brought forward and what it does to leaving; the first needs no model. What the model says of
the window is held against it: where the model is right and efficient the variance of their difference is the difference
of their variances (Hausman 1978, "Specification tests in econometrics", Econometrica 46(6), 1251-1271).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from churnsim.checks import check_level, check_number, check_seed, typed
from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.evidence.beliefs import Belief
from churnsim.evidence.clock_effects import DROPS, LEAST_RATIO, NOON, ClockEffects, ContactHistories, fit_clocks, lifted
from churnsim.evidence.contact_rows import ContactRows
from churnsim.evidence.records import History
from churnsim.evidence.trial import DOUBT, OBSERVATIONAL, RANDOMISED, TrialCheck, TrialEffects, trial_effects, varying
from churnsim.kernels.likelihoods import contact_clock as kernel
from churnsim.models.estimation.arguments import LONGEST
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT, check_unit

# Customers whose forecasts say what the model expects of a window, and of them those whose forecasts say how it moves
# with the parameters: an error of a tenth in the variance that this gives.
MOST_COMPARED, MOST_MOVED = 20_000, 2_500
LEAST_APART = 0.5  # of the design's variance: what that of the difference to the model's is at least taken to be
HISTORY = ["frequency_before", "silence", "age", "silence_by_gap"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ContactEffect:
    """What contacts did, by the draw and by the purchase model.

    Attributes
    ----------
    campaigns : dict of str to TrialEffects
        The design-based answer for each campaign: `purchases`, `bought` and, with amounts, `spend` in the window.
    clocks : ClockEffects or None
        The model-based answer, over all campaigns.
    agreement : DataFrame
        By `campaign` and `arm`: the difference in purchases in the window by the `design` and by the `model`, and the
        `p_value` of their being the same. Empty without a model.
    costs : Series
        Mean cost of a contact, by arm; NaN where unknown.
    status : str
        "measured here (randomised)" where that of every campaign is.
    """

    campaigns: Mapping[str, TrialEffects]
    clocks: ClockEffects | None
    agreement: pd.DataFrame
    costs: pd.Series[float]
    status: str

    def __str__(self) -> str:
        lines = [f"campaign {name}: {trial}" for name, trial in self.campaigns.items()]
        if self.clocks is not None:
            lines.append(str(self.clocks))
        for key, row in self.agreement.iterrows():
            campaign, arm = cast("tuple[str, str]", key)
            lines.append(
                f"{campaign}, {arm}: {row['design']:+.4g} purchases by the draw, {row['model']:+.4g} by the model; "
                f"they {'agree' if row['p_value'] >= DOUBT else 'DISAGREE'} (p = {row['p_value']:.2g})"
            )
        return "\n".join(lines)

    def dose_response(self) -> pd.DataFrame:
        """The saturating response through the arms' lifts at their costs, lift(c) = most (1 - e^(-c / scale)).

        Rows `most` and `scale` (money per contact) with `estimate, standard_error, lower, upper`, by least squares
        weighted by the lifts' covariance. Raises DataError with fewer than two arms of different known costs, and where
        the lifts do not level off within a tenth to ten times these costs, so that no ceiling shows.
        """
        if self.clocks is None:
            raise ConfigError("a response comes from the purchase model. Estimate with model=True.")
        clocks = self.clocks
        costs = self.costs.reindex(list(clocks.arms)).to_numpy(dtype=np.float64)
        if not (costs > 0).all() or np.unique(costs).size < 2:
            raise DataError("a response needs at least two arms of different costs above 0. Give the column of costs.")
        place = [list(clocks.table.index).index(f"lift:{arm}") for arm in clocks.arms]
        precision = np.linalg.inv(clocks.covariance[np.ix_(place, place)])
        lifts = clocks.lifts()

        def fitted(log_scale: float) -> tuple[float, float]:
            """The sum of squares, and the ceiling that makes it least."""
            shape = -np.expm1(-costs / math.exp(log_scale))
            most = float(shape @ precision @ lifts / (shape @ precision @ shape))
            rest = lifts - most * shape
            return float(rest @ precision @ rest), most

        low, high = math.log(costs.min() / 10), math.log(costs.max() * 10)
        best = minimize_scalar(lambda at: fitted(at)[0], bounds=(low, high), method="bounded")
        if min(best.x - low, high - best.x) < 0.05:
            raise DataError(
                "the lifts do not level off as the cost rises, so that no ceiling shows. Try costs further apart."
            )
        scale, most = math.exp(best.x), fitted(best.x)[1]
        tangent = np.column_stack([-np.expm1(-costs / scale), -most * costs / scale**2 * np.exp(-costs / scale)])
        errors = np.sqrt(np.diag(np.linalg.inv(tangent.T @ precision @ tangent)))
        estimate, z = np.array([most, scale]), normal_quantile(clocks.level)
        rows = {"estimate": estimate, "standard_error": errors}
        factor = math.exp(z * errors[1] / scale)  # a scale is positive: by its logarithm
        rows |= {"lower": np.array([most - z * errors[0], scale / factor])}
        rows |= {"upper": np.array([most + z * errors[0], scale * factor])}
        return pd.DataFrame(rows, index=pd.Index(["most", "scale"], name="parameter"))

    def beliefs(self, arm: str | None = None, *, draws: int = 1000, seed: int = 1) -> dict[str, Belief]:
        """The market's numbers of which this is the evidence, by address, with joint draws: of contacts such as those
        of `arm`, which may be left out where there is one.

        ``retention.purchase_lift`` and ``retention.max_effect`` are what contacts at this cost do (in a market, the
        response at a spend well above ``retention.spend_scale``). What is measured of leaving is the mean over all who
        were contacted: ``retention.harmed_share`` is 0, and 1 where (in the draws in which) contacts make customers
        likelier to leave. That all of them respond alike is "assumed": a mean does not show whom contacts harm. Where
        the model disagrees with the draw they are "measured here (observational)", whatever the draw's status.
        Raises ConfigError without a model and for an unknown arm, FitError where the fit does not tell the effects, or
        the lift only with an error as large as 1 + lift.
        """
        if self.clocks is None:
            raise ConfigError("beliefs come from the purchase model. Estimate with model=True.")
        clocks, arms = self.clocks, self.clocks.arms
        if not clocks.status.ok:
            raise FitError(f"no belief follows from a fit that ended so: {clocks.status}")
        if arm is None and len(arms) > 1:
            raise ConfigError(f"say of which arm: {', '.join(arms)}.")
        arm = arms[0] if arm is None else arm
        if arm not in arms:
            raise ConfigError(f"unknown arm {arm!r}. There are {', '.join(arms)}.")
        random = np.random.default_rng(check_seed(seed))
        names = [f"lift:{arm}", "half_life", "pulled_forward", f"leaving:{arm}"]
        known = list(clocks.table.index)
        places = [known.index(name) for name in names if name in known]
        covariance = clocks.covariance[np.ix_(places, places)]
        moved = np.vstack([np.zeros(len(places)), random.multivariate_normal(np.zeros(len(places)), covariance, draws)])
        estimate = clocks.table["estimate"].to_numpy()[places]
        if not covariance[0, 0] < (1.0 + estimate[0]) ** 2:
            raise FitError(
                f"customers buy {1.0 + estimate[0]:.2g} times as often after a contact of {arm!r}, with an error of "
                f"{math.sqrt(covariance[0, 0]):.2g}: that tells no belief in it. Record more contacts or purchases."
            )
        _, half_life, forward, *leaving = (estimate + moved).T  # estimates first
        found = {
            "purchase_lift": np.maximum(1.0 + lifted(estimate[0], moved[:, 0]), LEAST_RATIO),
            "half_life": half_life[0] * np.exp(moved[:, 1]),  # its error is of its logarithm
            "pulled_forward": np.clip(forward, 0.001, 0.999),
        }
        if leaving:
            kept = -np.expm1(leaving[0])
            found |= {"max_effect": np.minimum(np.abs(kept), 0.999), "harmed_share": (kept < 0).astype(np.float64)}
        kind = "drawn" if self.status == RANDOMISED else "not shown to be drawn: an association"
        status: Any = self.status
        own = self.agreement.index.get_level_values(-1) == arm
        if (self.agreement["p_value"][own] < DOUBT).any():
            kind, status = f"{kind}; what the model says of the window disagrees with the draw", OBSERVATIONAL
        source = f"{clocks.contacts:,} contacts of {clocks.customers:,} customers, {kind}"

        def belief(values: Floats, **known: Any) -> Belief:
            drawn = Belief.of_draws(values[1:], **{"status": status, "source": source, **known}, level=clocks.level)
            return replace(drawn, value=float(np.clip(values[0], drawn.low, drawn.high)))

        beliefs = {f"retention.{name}": belief(values) for name, values in found.items()}
        if leaving:
            alike = f"all respond alike: {source} show the mean over customers only"
            beliefs["retention.harmed_share"] = belief(found["harmed_share"], status="assumed", source=alike)
        return beliefs


@typed
def contact_effect(
    contacts: Any,
    purchases: Any,
    *,
    window: float,
    control: str = "control",
    unit: str = "W",
    until: Any = None,
    family: str = "bg_nbd",
    model: bool = True,
    lasting: float | None = None,
    level: float = 0.95,
) -> ContactEffect:
    """What contacts did to purchases, buyers, spend and leaving, from a firm's records of both.

    Parameters
    ----------
    contacts : DataFrame or path
        As `churnsim.data.read_records` reads them: one row a contact, and one a customer who was drawn to be left
        alone.
    purchases : DataFrame, CustomerDatabase or ParquetLog
        The log, as `churnsim.summarise` takes it.
    window : float
        How long after its draw a customer is watched, in `unit`; the day of the draw is the first.
    control : str
        The arm that was left alone.
    unit : {"H", "D", "W", "M", "Y"}
        What durations are counted in.
    until : str or date, optional
        Last day observed; the last one with a purchase unless given.
    family : {"bg_nbd", "mbg_nbd", "nbd"}
        The purchase model.
    model : bool
        Whether the model-based answer is wanted too.
    lasting : float, optional
        How long after a contact it acts on leaving, in `unit`; the window unless given.
    level : float
        Of the limits.

    Returns
    -------
    ContactEffect
        Raises DataError for bad rows, a window that is not over, and a campaign without its control; ConfigError for
        arguments out of range.

    Examples
    --------
    >>> import churnsim
    >>> log = churnsim.datasets.cdnow()
    >>> who = log["customer_id"].unique()
    >>> arm = np.where(np.random.default_rng(2).random(len(who)) < 0.5, "mail", "control")
    >>> drawn = pd.DataFrame({"customer_id": who, "at": "1997-07-01", "arm": arm, "chance": 0.5})
    >>> found = contact_effect(drawn, log, window=4.0, model=False)
    >>> row = found.campaigns["campaign"].best.loc["purchases", "mail"]
    >>> found.status, bool(row["lower"] < 0 < row["upper"])
    ('measured here (randomised)', True)
    """
    check_unit(unit)
    check_number(window, "window", above=0, most=LONGEST)
    check_level(level)
    lasting = window if lasting is None else check_number(lasting, "lasting", above=0)
    if family not in DROPS:
        raise ConfigError(f"family must be {' or '.join(map(repr, DROPS))}; got {family!r}.")
    rows = ContactRows.of(contacts)
    log, end = purchase_days(purchases).seen_until(until)
    span = max(1, round(window * DAYS_PER_UNIT[unit]))
    trials, samples = _by_campaign(rows, History(log, end), family, unit, window, span, control, level, model)
    costs = rows.costs(control)
    clocks = None
    agreement = pd.DataFrame(columns=["design", "model", "p_value"])
    if model:
        histories = ContactHistories.of(rows, log, control=control, end=end, unit=unit)
        del rows, log  # of ten million contacts they take room that the search needs
        clocks = fit_clocks(histories, family=family, half_life=window / 2, lasting=lasting, level=level)
        agreement = _agreement(samples, trials, clocks, histories, window)
    alike = all(trial.status == RANDOMISED for trial in trials.values())
    return ContactEffect(
        campaigns=trials, clocks=clocks, agreement=agreement, costs=costs, status=RANDOMISED if alike else OBSERVATIONAL
    )


def _by_campaign(
    rows: ContactRows, history: History, family: str, unit: str, window: float, span: int, control: str, level: float,
    model: bool,
) -> tuple[dict[str, TrialEffects], dict[str, _Sample]]:  # fmt: skip
    """The design-based answer of each campaign and, for the `model`, whom its answer is worked out for."""
    sent, place = rows.sent(control), history.days.ids.get_indexer(rows.ids)

    def of_campaign(k: int) -> tuple[TrialEffects, _Sample | None]:
        drawn = rows.drawn(k)
        draw = _Draw.of(rows, drawn, place[rows.customer[drawn]], history, span, rows.campaigns[k])
        met = rows.met(k, sent, span)[rows.customer[drawn]]
        return draw.effects(family, unit, window, control, level, met), draw.sample(unit) if model else None

    # Two at once and no more, since each takes memory of its own.
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        done = dict(zip(rows.campaigns, pool.map(of_campaign, range(len(rows.campaigns))), strict=True))
    trials = {name: trial for name, (trial, _) in done.items()}
    return trials, {name: sample for name, (_, sample) in done.items() if sample is not None}


def _small(numbers: Ints) -> NDArray[np.int32]:
    return numbers.astype(np.int32)


class _Sample(NamedTuple):
    """Some of a campaign's customers who had bought before: their places in the log, their summaries at the draw, how
    many such customers there are, and their share of all."""

    place: Ints
    summary: pd.DataFrame
    customers: int
    share: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _Draw:
    """One campaign's customers: their arms, what they bought before their draws and in the window after it."""

    frame: pd.DataFrame
    place: Ints
    spends: bool

    @classmethod
    def of(cls, rows: ContactRows, drawn: Ints, place: Ints, history: History, span: int, campaign: str) -> _Draw:
        """Of the rows `drawn`, a customer each, whose `place` in the log is -1 for those without a purchase."""
        day, end = rows.day[drawn].astype(np.int64), history.until
        late = day + span - 1 > end
        if late.any():
            who = str(rows.ids[rows.customer[drawn[late][0]]])[:80]
            raise DataError(
                f"campaign {campaign!r}: customer {who!r} was drawn on {iso_day(int(day[late][0]))}, and its window of "
                f"{span} days is not over by {iso_day(end)} ({int(late.sum()):,} such customers). Take a shorter "
                "window, or records that reach further."
            )
        if (place < 0).all():
            raise DataError(f"no customer of campaign {campaign!r} is in the log. Write ids alike in both tables.")
        arm = pd.Categorical.from_codes(rows.arm[drawn], pd.Index(rows.arms))
        frame = pd.DataFrame({"arm": arm.remove_unused_categories(), "chance": rows.chance[drawn]})
        earlier, ahead = (history.bought_before(place, until) for until in (day, day + span))
        # Numbers of days and purchases take half the room: of a million customers there is a column for each.
        frame["purchases"] = _small(ahead - earlier)
        frame["purchases_before"] = _small(earlier - history.bought_before(place, day - span))
        frame["bought"] = (frame["purchases"] > 0).astype(float)
        spends = history.days.amount is not None
        if spends:
            frame["spend"] = history.spend_between(place, day - 1, day + span - 1)
            frame["spend_before"] = history.spend_between(place, day - span - 1, day - 1)
        known = earlier > 0
        begun = np.where(known, history.first(place), day)
        latest = np.where(known, history.last_before(place, day), day)
        frequency, silence = np.maximum(earlier - 1, 0), day - latest
        frame["frequency_before"], frame["recency_before"] = _small(frequency), _small(latest - begun)
        frame["age"], frame["silence"] = _small(day - begun), _small(silence)
        frame["silence_by_gap"] = silence * frequency / np.maximum(latest - begun, 1)
        frame["known"] = known
        return cls(frame=frame, place=place, spends=spends)

    def history(self, unit: str) -> pd.DataFrame:
        """The summary at each customer's own draw, of those who had bought before."""
        known = self.frame.loc[self.frame["known"], ["frequency_before", "recency_before", "age"]]
        days = DAYS_PER_UNIT[unit]
        summary = pd.DataFrame(
            {
                "frequency": known["frequency_before"], "recency": known["recency_before"] / days,
                "T": known["age"] / days, "age": known["age"],
            }
        )  # fmt: skip
        summary.attrs["unit"] = unit
        return summary

    def effects(self, family: str, unit: str, window: float, control: str, level: float, met: Ints) -> TrialEffects:
        """The design-based answer, and how other campaigns' contacts bear on it, of which each customer `met` some."""
        frame = self.frame.copy(deep=False)
        frame["forecast"] = self._forecast(family, unit, window)
        before = ["purchases_before", *(["spend_before"] if self.spends else [])]
        trial = trial_effects(
            frame,
            outcomes=["purchases", "bought", *(["spend"] if self.spends else [])],
            control=control,
            chance="chance" if frame["chance"].notna().all() else None,
            covariates=varying(frame, ["forecast"]),
            before=varying(frame, before),
            history=HISTORY,
            level=level,
        )
        check = self._spill_over(frame, met.astype(np.float64), control)
        checks = (*trial.checks, *([] if check is None else [check]))
        alike = all(each.passed for each in checks)
        return TrialEffects(
            table=trial.table, customers=trial.customers, checks=checks, control=control, level=level,
            status=RANDOMISED if alike else OBSERVATIONAL,
        )  # fmt: skip

    def _forecast(self, family: str, unit: str, window: float) -> Floats:
        """The purchases in the window that the model expects of each customer without a contact."""
        found, summary = np.zeros(len(self.frame)), self.history(unit)
        if (summary["frequency"] > 0).any():
            fit = PURCHASE_FAMILIES[family].fit(summary, unit=unit)
            found[summary.index] = fit.model.expected_purchases(summary, window)
        return found

    def sample(self, unit: str) -> _Sample:
        """Whom the model's answer is worked out for."""
        summary = self.history(unit)
        kept = np.unique(np.linspace(0, len(summary) - 1, min(len(summary), MOST_COMPARED)).astype(int))
        place = self.place[self.frame["known"].to_numpy()][kept]
        return _Sample(place, summary.iloc[kept], len(summary), float(self.frame["known"].mean()))

    def _spill_over(self, frame: pd.DataFrame, met: Floats, control: str) -> TrialCheck | None:
        """Whether other campaigns reach the arms alike, and whether the effect is another one where they do."""
        if not met.any():
            return None
        y, drawn = frame["purchases"].to_numpy(dtype=np.float64), (frame["arm"] != control).to_numpy()
        share = float((met > 0).mean())

        def difference(values: Floats, pick: Any) -> tuple[float, float]:
            a, b = values[pick & drawn], values[pick & ~drawn]
            if min(a.size, b.size) < 2:
                return 0.0, math.inf
            return float(a.mean() - b.mean()), float(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)

        gap, variance = difference(met, np.ones(len(met), dtype=bool))
        reached = float(2 * ndtr(-abs(gap) / math.sqrt(variance))) if variance > 0 else 1.0
        with_others, without = difference(y, met > 0), difference(y, met == 0)
        both = with_others[1] + without[1]
        apart = float(2 * ndtr(-abs(with_others[0] - without[0]) / math.sqrt(both))) if both > 0 else 1.0
        p = min(1.0, 2 * min(reached, apart))
        return TrialCheck(
            name="other campaigns", p_value=p, passed=bool(p >= DOUBT),
            message=f"{share:.1%} had a contact of another campaign in a window; the arms differ by {gap:+.3g} such "
            f"contacts (p = {reached:.3g}), and the effect by {with_others[0] - without[0]:+.3g} purchases where there "
            f"was one (p = {apart:.3g}).",
        )  # fmt: skip


def _agreement(
    samples: Mapping[str, _Sample], trials: Mapping[str, TrialEffects], clocks: ClockEffects,
    histories: ContactHistories, window: float,
) -> pd.DataFrame:  # fmt: skip
    """The difference in purchases in the window that the model expects, beside the one that the draw shows."""
    found = {}
    for campaign, (of_log, summary, customers, of_all) in samples.items():
        place = histories.place[of_log]
        summary = summary[place >= 0]
        history = histories.chosen(place[place >= 0])
        for arm in trials[campaign].customers.index.drop(trials[campaign].control):
            if arm not in clocks.arms:
                continue
            expected, variance, each = _expected(clocks, history, summary, clocks.arms.index(arm) + 1, window)
            row = trials[campaign].best.loc[("purchases", arm)]
            # Of few customers the model is not efficient, nor are the variances known: that of their difference was
            # 0.4 to 0.7 of the design's among 120 to 300, where the difference of the variances said 0.05 to 0.3. What
            # a sample says of all customers has an error of its own.
            apart = max(row["standard_error"] ** 2 - of_all**2 * variance, LEAST_APART * row["standard_error"] ** 2)
            sampled = each / len(summary) * (1 - len(summary) / customers)
            spread = math.sqrt(apart + of_all**2 * sampled)
            gap = row["difference"] - of_all * expected
            p = float(2 * ndtr(-abs(gap) / spread)) if spread > 0 else float(gap == 0)
            found[campaign, arm] = {"design": row["difference"], "model": of_all * expected, "p_value": p}
    table = pd.DataFrame.from_dict(found, orient="index", columns=["design", "model", "p_value"])
    if found:
        table.index = pd.MultiIndex.from_tuples(found, names=["campaign", "arm"])
    return table


class _WindowPurchases:
    """What the model expects each customer to buy in a window after a contact of `arm`, less that after the control's
    draw."""

    def __init__(
        self, clocks: ClockEffects, history: ContactHistories, summary: pd.DataFrame, arm: int, window: float
    ) -> None:
        self._clocks, self._arm, self._window = clocks, arm, window
        self._summary = summary
        T = (summary["age"].to_numpy() - NOON) / DAYS_PER_UNIT[clocks.unit]
        # The contacts before the draw, and one at the draw.
        size = _counted_before(history, T)
        one = size + 1
        to = np.cumsum(one)
        time, kind = np.empty(int(to[-1])), np.zeros(int(to[-1]), dtype=np.int8)
        inside = np.ones(len(time), dtype=bool)
        inside[to - 1] = False
        source = np.repeat(history.contact_from - (np.cumsum(size) - size), size) + np.arange(size.sum())
        time[inside], kind[inside], time[to - 1] = history.contact_time[source], history.contact_arm[source], T
        self._T, self._time, self._kind, self._start, self._to = T, time, kind, to - one, to

    def __call__(self, values: Floats) -> Floats:
        """By the values of the parameters as fitted."""
        clocks, to, summary = self._clocks, self._to, self._summary
        at = dict(zip(clocks.table.index, map(float, values), strict=True))
        lifts = np.array([at[name] for name in at if name.startswith("lift:")])
        kappa, q = math.log(2.0) / at["half_life"], at["pulled_forward"]

        def on_clock(until: Floats, contacts_to: Ints, drawn: int = 0) -> Floats:
            self._kind[to - 1] = drawn
            arrays = (self._start, contacts_to, np.ascontiguousarray(until), self._time, self._kind)
            return kernel.clocks(lifts, kappa, q, *arrays)

        then, seen = on_clock(summary["recency"].to_numpy(), to - 1), on_clock(self._T, to - 1)
        end = self._T + self._window
        with_contact, without = on_clock(end, to, self._arm) - seen, on_clock(end, to) - seen
        history = pd.DataFrame({"frequency": summary["frequency"], "recency": np.minimum(then, seen), "T": seen})
        history.attrs["unit"] = clocks.unit
        family = PURCHASE_FAMILIES[clocks.family]
        base = {name: at[name] for name in at if name in family.parameter_names}
        law = family.from_dict({"family": clocks.family, **base, "unit": clocks.unit})
        more = law.expected_purchases(history, with_contact) - law.expected_purchases(history, without)
        return np.asarray(more, dtype=np.float64)


def _expected(
    clocks: ClockEffects, history: ContactHistories, summary: pd.DataFrame, arm: int, window: float
) -> tuple[float, float, float]:
    """Expected purchases in a window after a contact of `arm`, less those after the control's draw, a customer; the
    variance of the mean by the fit's, and the variance of one customer's."""
    names, estimate = list(clocks.table.index), clocks.fitted
    each = _WindowPurchases(clocks, history, summary, arm, window)(estimate)
    few = slice(None, None, max(1, len(summary) // MOST_MOVED))
    some = _WindowPurchases(clocks, history.chosen(few), summary.iloc[few], arm, window)
    free = [
        k
        for k in range(len(names))
        if not names[k].startswith("leaving:") and np.isfinite(clocks.fitted_covariance[k, k])
    ]
    slopes = np.zeros(len(names))
    for k in free:
        # By the logarithm where the covariance is.
        by_log = ":" not in names[k] and names[k] != "pulled_forward"
        up, down = estimate.copy(), estimate.copy()
        up[k], down[k] = (
            (estimate[k] * math.exp(1e-4), estimate[k] * math.exp(-1e-4))
            if by_log
            else (estimate[k] + 1e-4, estimate[k] - 1e-4)
        )
        slopes[k] = float((some(up) - some(down)).mean()) / 2e-4
    covariance = clocks.fitted_covariance[np.ix_(free, free)]
    return float(each.mean()), float(slopes[free] @ covariance @ slopes[free]), float(each.var())


def _counted_before(history: ContactHistories, T: Floats) -> Ints:
    """How many of each customer's contacts came before its draw, at T."""
    number = history.contact_to - history.contact_from
    owner = np.repeat(np.arange(len(T)), number)
    place = np.repeat(history.contact_from - (np.cumsum(number) - number), number) + np.arange(len(owner))
    early = history.contact_time[place] < T[owner]
    return np.bincount(owner[early], minlength=len(T)).astype(np.int64)
