"""Complaints: who complains, how long the desk takes, and what complainants buy afterwards by kind of answer.

Time to an answer that settles the complaint is estimated by the product limit (Kaplan & Meier 1958): those still
waiting at the end count as waiting so far, those refused as never settled.

What an answer does is looked at from a landmark, the day by which it is late (`slow_within` after the complaint), so
that nobody has to live long enough to be answered: settled quickly, settled late and unsettled complaints are compared
by who buys in the `horizon` after it. Beside them stand customers whose purchase brought no complaint, as many with
each number of purchases so far, looked at from as long after it; the ratio of the two shares is who stays, relative to
those others. Answers were not drawn: that is an association.

It is an effect where chance decided how fast an answer came: arms that were drawn, or how busy the desk was. The number
of open complaints on arrival (its logarithm) serves as an instrument for a quick answer (`two_stage`), with the
quarter, the tenure and the number of purchases as controls and weeks as clusters; it must tell nothing of what these
customers bought before (placebo, at a level of 0.001).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from churnsim.checks import check_level, check_number, typed
from churnsim.data.records.reading import record_table
from churnsim.data.records.record_table import RecordTable
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.instruments import Instrumented, two_stage
from churnsim.evidence.records import (
    NEVER,
    History,
    Measured,
    RecordEvidence,
    ratio_of_means,
    status_of_trial,
)
from churnsim.evidence.trial import OBSERVATIONAL, TrialEffects, trial_effects, varying
from churnsim.product_limit import RiskTable
from churnsim.simulation.core.belief import Belief
from churnsim.statistics import student_tail, wilson
from churnsim.typing import Floats, Ints
from churnsim.units import Duration

KINDS = ("quick", "slow", "unresolved")
STRATA = np.array([2, 4, 8])  # purchases so far: 1, 2 to 3, 4 to 7, more
FEWEST = 20  # complaints for an instrument, customers in an arm
WEEK, SIX_WEEKS, HALF_YEAR = Duration(1, "W"), Duration(6, "W"), Duration(26, "W")


@dataclass(frozen=True, kw_only=True, eq=False)
class ComplaintEvidence(RecordEvidence):
    """What a record of complaints shows.

    Attributes
    ----------
    complaints, complainants : int
    purchases : array of shape (complaints,)
        On how many days the customer of each had bought by then.
    per_purchase : Measured
        Complaints per day with a purchase.
    quick_share, slow_share : Measured
        Complaints settled within `quick_within`, and after it but within `slow_within`.
    median_wait : Measured
        Days until half of the complaints are settled; infinite where they are not.
    by_answer : DataFrame
        Indexed by "quick", "slow" and "unresolved": `complaints` seen for long enough, how many `bought` in the horizon
        after the landmark, the `share` with `lower` and `upper` (Wilson), the share `others` of comparable customers,
        and `stay`, the ratio of the two, with `stay_lower` and `stay_upper`. Limits count customers, who may complain
        and buy several times, rather than complaints and purchases. Associations.
    quick_effect : Instrumented or None
        What a quick answer adds to the share who buy; None where there is too little to tell.
    placebo_p : float
        p-value of an effect of the instrument on what was bought before.
    effects : TrialEffects or None
        Of arms that were drawn, by the first complaint of each customer that was seen for long enough; None where an
        arm has fewer than 20 customers.
    mean_compensation : float
        Of complaints with one; NaN without any.
    checks, status, level
        As of every estimator from records; the status is that of `quick_effect`, and everything else is "measured here
        (observational)".
    """

    complaints: int
    complainants: int
    purchases: Ints
    per_purchase: Measured
    quick_share: Measured
    slow_share: Measured
    median_wait: Measured
    by_answer: pd.DataFrame
    quick_effect: Instrumented | None
    placebo_p: float
    effects: TrialEffects | None
    mean_compensation: float

    def _lines(self) -> list[str]:
        rows = [
            f"{kind}: {row['bought']:,.0f} of {row['complaints']:,.0f} buy again, {self._share(row)}; of others "
            f"{row['others']:.1%} (an association)"
            for kind, row in self.by_answer.iterrows()
        ]
        effect = "too little to tell" if self.quick_effect is None else str(self.quick_effect)
        return [
            f"{self.complaints:,} complaints by {self.complainants:,} customers, {self.per_purchase} per purchase",
            f"settled quickly {self.quick_share}, late {self.slow_share}; half within {self.median_wait} days",
            *rows,
            f"effect of a quick answer ({self.status}): {effect}",
        ]

    def others_stay(self, model: Any) -> float:
        """How many of customers such as these stay after a purchase without a complaint, by a purchase model in which
        they leave at a purchase, with a chance that is Beta(a, b): 1 by any other model.

        Who has bought k times and could have left each time does so with a chance of Beta(a, b + k), so that those
        who have bought much, to complain of, stay more often than b / (a + b). In BG/NBD nobody leaves at the first.
        """
        if not (hasattr(model, "a") and hasattr(model, "b")):
            return 1.0
        survived = self.purchases - (1 if model.drops_at_first else 2)
        return float(np.where(survived < 0, 1.0, (model.b + survived) / (model.a + model.b + survived)).mean())

    def beliefs(self, *, others_stay: float = 1.0) -> dict[str, Belief]:
        """Beliefs in "complaints.quick_share", "complaints.slow_share" and, by kind of answer, "complaints.stay_quick",
        "complaints.stay_slow" and "complaints.stay_unresolved".

        Who stays is measured relative to customers whose purchase brought no complaint; `others_stay` is the share of
        those who stay after a purchase, where a model tells it, as the method `others_stay` does.
        """
        check_number(others_stay, "others_stay", above=0, most=1)
        source = f"{self.complaints:,} complaints, own records"
        found: dict[str, Measured] = {"quick_share": self.quick_share, "slow_share": self.slow_share}
        for kind, row in self.by_answer.iterrows():
            value, low, high = (others_stay * row[name] for name in ("stay", "stay_lower", "stay_upper"))
            # More than all cannot stay.
            found[f"stay_{kind}"] = Measured(min(value, 0.99), math.nan, min(low, 0.98), min(high, 0.995))
        return {
            f"complaints.{name}": estimate.belief(OBSERVATIONAL, source, self.level)
            for name, estimate in found.items()
            if 0 < estimate.low < estimate.value < estimate.high < 1
        }


@typed
def complaint_evidence(
    complaints: Any,
    purchases: Any,
    *,
    unresolved: Collection[str] = ("unresolved", "refused"),
    quick_within: Duration = WEEK,
    slow_within: Duration = SIX_WEEKS,
    horizon: Duration = HALF_YEAR,
    control: str | None = None,
    chance: Mapping[str, float] | None = None,
    until: Any = None,
    level: float = 0.9,
) -> ComplaintEvidence:
    """Who complains, how long the desk takes, and what complainants buy afterwards.

    Parameters
    ----------
    complaints : DataFrame or path
        One row a complaint: ``customer_id``, ``at``, and perhaps ``answered_at`` (empty while it waits), ``outcome``,
        ``compensation`` (money) and ``arm`` (what was drawn for it).
    purchases : DataFrame
        ``customer_id`` and ``date`` of all customers.
    unresolved : collection of str
        Outcomes that settle nothing.
    quick_within, slow_within : Duration
        When an answer is quick, and when it is late; the market's `complaints.quick_within` and `slow_within`.
    horizon : Duration
        In which buying afterwards is counted, from `slow_within` after the complaint on.
    control : str, optional
        The arm whose complaints were answered as usual, where arms were drawn to be answered faster; the arms are then
        the instrument.
    chance : mapping, optional
        Each arm's probability; without it nothing says that arms were drawn.
    until : str or date, optional
        The last day observed; the day of the last purchase unless given.
    level : float
        Of the intervals.

    Returns
    -------
    ComplaintEvidence

    Raises
    ------
    DataError
        Names row, value and remedy of complaints by people who had bought nothing, of answers before the complaint or
        after the end, of complaints after the end and of compensation below 0.
    ConfigError
        If `slow_within` is not longer than `quick_within`, or a control is named in a table without arms.

    Examples
    --------
    >>> bought = pd.DataFrame({"customer_id": [1, 1, 2, 3], "date": ["2023-01-01", "2023-04-01"] + ["2023-01-05"] * 2})
    >>> rows = pd.DataFrame(
    ...     {"customer_id": [1, 2], "at": "2023-01-10", "answered_at": ["2023-01-12", None], "outcome": "resolved"}
    ... )
    >>> found = complaint_evidence(rows, bought, until="2023-12-31")
    >>> found.by_answer[["complaints", "bought"]].to_dict("index")["quick"], found.quick_share.value
    ({'complaints': 1, 'bought': 1}, 0.5)
    """
    check_level(level)
    quick, slow, ahead = (float(length.to("D")) for length in (quick_within, slow_within, horizon))
    if not slow > quick:
        raise ConfigError(f"slow_within must be longer than quick_within; got {slow_within} and {quick_within}.")
    history = History.of(purchases, until)
    rows = record_table("complaints", complaints)
    frame = _complaints(rows, history, [word.strip().lower() for word in unresolved])
    if control is not None and "arm" not in frame:
        raise ConfigError("a control is named, but the complaints have no column arm. Give it, or name no control.")
    settled = np.where(frame["settled"], frame["answered"] - frame["day"], np.inf)
    waits = RiskTable.of(
        np.where(
            frame["settled"], np.maximum(settled, 0.5),
            # A refused complaint is known to be unsettled for as long as one asks.
            np.where(frame["refused"], slow + 1, np.maximum(history.until - frame["day"], 0) + 0.5),
        ),
        frame["settled"].to_numpy(dtype=bool),
    )  # fmt: skip
    kind = np.where(settled <= quick, 0, np.where(settled <= slow, 1, 2))
    landmark = frame["day"].to_numpy(dtype=np.int64) + int(slow)
    seen = landmark + int(ahead) <= history.until
    place = frame["place"].to_numpy(dtype=np.int64)
    bought = (history.next_after(place, landmark) <= landmark + int(ahead)).astype(np.float64)
    others = _others(history, frame, int(slow), int(ahead))
    effect, placebo, trial = _effect(frame, bought, kind == 0, seen, history, int(ahead), control, chance, level)
    days = np.bincount(history.days.customer, minlength=len(history.days.ids)).astype(np.float64)
    per_purchase, error, df = ratio_of_means(np.bincount(place, minlength=len(days)).astype(np.float64), days)
    checks = rows.told()
    if twice := int(frame.duplicated([column for column in rows.frame.columns if column in rows.given]).sum()):
        checks.append(f"{twice:,} complaints repeat an earlier row in every column, and count as another complaint")
    if (~seen).any():
        checks.append(f"buying afterwards leaves out {int((~seen).sum()):,} complaints too near the end")
    if control is not None and trial is None:
        checks.append(
            f"the arms are not compared: one has fewer than {FEWEST} customers whose complaint was seen so long"
        )
    if effect is not None and placebo < 0.001:
        checks.append("the instrument tells what was bought before the complaint: its effect is not to be trusted")
    return ComplaintEvidence(
        complaints=len(frame), complainants=len(np.unique(place)),
        purchases=frame["purchases"].to_numpy(dtype=np.int64),
        per_purchase=Measured.positive(per_purchase, error / per_purchase, level, df),
        quick_share=_settled_between(waits, 0.0, quick, level), slow_share=_settled_between(waits, quick, slow, level),
        median_wait=_median(waits, level), by_answer=_by_answer(frame, kind, bought, seen, others, level),
        quick_effect=effect, placebo_p=placebo, effects=trial,
        mean_compensation=float(frame["compensation"].mean()), checks=tuple(checks),
        status=status_of_trial(trial), level=level,
    )  # fmt: skip


def _complaints(rows: RecordTable, history: History, unresolved: list[str]) -> pd.DataFrame:
    """The complaints with `day`, `answered`, `place` of the customer, `purchases` before, the day of the `last` one,
    whether they were `settled` or `refused`."""
    frame = rows.frame
    at, answered = history.seen(rows, "at"), history.seen(rows, "answered_at")
    place = history.customers(frame["customer_id"])
    rows.refuse(
        history.bought_before(place, at + 1) == 0, "customer_id", "had bought nothing by then",
        "Write ids as in the purchases, and leave out complaints by people who never bought.",
    )  # fmt: skip
    rows.checked()
    refused = frame["outcome"].astype(str).str.strip().str.lower().isin(unresolved).to_numpy(dtype=bool)
    frame = frame.assign(
        day=at, answered=answered, place=place, purchases=history.bought_before(place, at + 1),
        last=history.last_before(place, at + 1), refused=refused, settled=(answered < NEVER) & ~refused,
    )  # fmt: skip
    return frame if "arm" in rows.given else frame.drop(columns="arm")


def _settled_between(waits: RiskTable, after: float, until: float, level: float) -> Measured:
    """Share settled in an interval of days: S(after) - S(until), its interval on the log odds. Greenwood's sums have
    independent increments, so that the covariance of the two is S S V(after)."""
    if not len(waits.times):
        return Measured.unknown(0.0)
    ends = np.array([after, until])
    s, v = waits.step(waits.survival, ends, 1.0), waits.step(waits.greenwood, ends, 0.0)
    share = float(s[0] - s[1])
    if not 0 < share < 1:
        return Measured.unknown(share)
    later = s[1] ** 2 * v[1] if s[1] > 0 else 0.0
    error = math.sqrt(float(s[0] ** 2 * v[0] + later - 2 * s[0] * s[1] * v[0])) / (share * (1 - share))
    return Measured.share(share, error, level)


def _median(waits: RiskTable, level: float) -> Measured:
    """The day by which half are settled, and the days at which the limits of the product limit pass a half."""
    if not len(waits.times):
        return Measured(math.inf, math.nan, math.inf, math.inf)
    low, high = waits.limits(waits.times, level=level)

    def first(survival: Floats) -> float:
        return float(waits.times[np.argmax(survival <= 0.5)]) if (survival <= 0.5).any() else math.inf

    return Measured(first(waits.survival), math.nan, first(low), first(high))


class _Others(NamedTuple):
    """Of customers whose purchase brought no complaint, by number of purchases so far: the `share` who buy in the
    horizon after the landmark, by how much each customer of the log `moves` it, shape (customers, strata), and how many
    `customers` these are."""

    share: Floats
    moves: Floats
    customers: int


def _others(history: History, frame: pd.DataFrame, slow: int, ahead: int) -> _Others:
    """They have not bought again in the time that complainants let pass between purchase and complaint, either."""
    lag = int(np.median(frame["day"] - frame["last"]))
    days = history.days
    # Without customers who ever complain, who have bought much to complain of, the others would buy too little.
    begin, span = int(days.day.min()), int(np.ptp(days.day)) + 1
    place, last = (frame[name].to_numpy(dtype=np.int64) for name in ("place", "last"))
    complained = np.isin(days.customer * span + days.day - begin, place * span + last - begin)
    following = history.next_after(days.customer, days.day)
    landmark = days.day + lag + slow
    usable = ~complained & (following > days.day + lag) & (landmark + ahead <= history.until)
    stratum, strata = np.searchsorted(STRATA, days.order_number(), side="right")[usable], len(STRATA) + 1
    bought = history.next_after(days.customer[usable], landmark[usable]) <= landmark[usable] + ahead
    number = np.bincount(stratum, minlength=strata).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.bincount(stratum, weights=bought, minlength=strata) / number
    who, customers = days.customer[usable], len(days.ids)
    off = (bought - share[stratum]) / number[stratum]
    moves: Floats = np.bincount(who * strata + stratum, weights=off, minlength=customers * strata).astype(np.float64)
    return _Others(share, moves.reshape(customers, strata), len(np.unique(who)))


def _worth_of(share: float, moves: Floats, customers: int) -> float:
    """How many independent customers a share of `customers` is worth, each of whom `moves` it by so much: those that
    have its variance by customers, who buy alike from one purchase to the next; as many as there are where all did the
    same."""
    variance = float(moves @ moves) * customers / max(customers - 1, 1)
    return share * (1 - share) / variance if variance > 0 and customers > 1 else float(customers)


def _by_answer(
    frame: pd.DataFrame, kind: Ints, bought: Floats, seen: Any, others: _Others, level: float
) -> pd.DataFrame:
    stratum = np.searchsorted(STRATA, frame["purchases"].to_numpy(), side="right")
    rows = {}
    for k, name in enumerate(KINDS):
        inside = seen & (kind == k)
        count, hits = int(inside.sum()), int(bought[inside].sum())
        own = hits / count if count else math.nan
        who = frame["place"].to_numpy()[inside]
        off = (bought[inside] - own) / max(count, 1)
        moves: Floats = np.bincount(who, weights=off, minlength=len(others.moves)).astype(np.float64)
        worth = min(_worth_of(own, moves, len(np.unique(who))), float(count))
        lower, upper = (float(end) for end in wilson(own * worth, worth, level=level))
        weight = np.bincount(stratum[inside], minlength=len(STRATA) + 1) / max(count, 1)
        met = weight > 0
        beside = float(weight[met] @ others.share[met]) if count else math.nan
        stay = (math.nan, math.nan, math.nan)
        if beside > 0:
            beside_moves = others.moves[:, met] @ weight[met]
            as_many = _worth_of(beside, beside_moves, others.customers)
            size = math.sqrt(float(moves @ moves) * float(beside_moves @ beside_moves))
            together = float(moves @ beside_moves) / size if size > 0 else 0.0
            limits = wilson(beside * as_many, as_many, level=level)
            stay = _ratio_of_shares((own, lower, upper), (beside, *map(float, limits)), together)
        rows[name] = {
            "complaints": count, "bought": hits, "share": own, "lower": lower, "upper": upper,
            "others": beside, "stay": stay[0], "stay_lower": stay[1], "stay_upper": stay[2],
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("answer")


def _ratio_of_shares(one: Sequence[float], other: Sequence[float], correlation: float) -> tuple[float, float, float]:
    """The ratio of two shares, each given with its limits, and the limits of its logarithm by the squares of theirs
    (Zou & Donner 2008, "Construction of confidence limits about effect measures", Statistics in Medicine 27(10),
    1693-1702), which hold where all or none buy too."""
    (p, low, high), (q, q_low, q_high) = one, other
    if p == 0:
        return 0.0, 0.0, high / math.sqrt(q_low * (2 * q - q_low))

    def reach(a: float, b: float) -> float:
        return math.exp(math.sqrt(max(a * a + b * b - 2 * correlation * a * b, 0.0)))

    ratio = p / q
    return (
        ratio, ratio / reach(math.log(p / low), math.log(q_high / q)),
        ratio * reach(math.log(high / p), math.log(q / q_low)),
    )  # fmt: skip


def _effect(
    frame: pd.DataFrame, bought: Floats, quick: Any, seen: Any, history: History, ahead: int, control: str | None,
    chance: Mapping[str, float] | None, level: float,
) -> tuple[Instrumented | None, float, TrialEffects | None]:  # fmt: skip
    """What a quick answer does to buying, the placebo on the time before, and the trial where arms were drawn."""
    use = np.flatnonzero(seen)
    if len(use) < FEWEST:
        return None, math.nan, None
    day, place = frame["day"].to_numpy(dtype=np.int64)[use], frame["place"].to_numpy(dtype=np.int64)[use]
    last = frame["last"].to_numpy(dtype=np.int64)[use]
    before = np.log1p(history.bought_before(place, last) - history.bought_before(place, last - ahead))
    # Who came late had less time to buy, and the desk's load changes with the calendar too.
    tenure = np.minimum(last - history.first(place), ahead) / ahead
    trial, quarter = None, day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // 3
    if control is None:
        z, cluster = _open(frame)[use], day // 7
        quarters = [quarter == one for one in np.unique(quarter)]
        controls = np.column_stack([*quarters, tenure, tenure**2]).astype(np.float64)
    else:
        arm = frame["arm"].astype(str).to_numpy()[use]
        z, cluster = (arm != control).astype(np.float64), place
        controls = np.ones((len(use), 1))
        customers = pd.DataFrame({"arm": arm, "bought": bought[use], "purchases before": before})
        # Who complains often may always be in the same arm, and buys again or does not.
        order = np.argsort(day, kind="stable")
        first = customers.iloc[np.sort(order[np.unique(place[order], return_index=True)[1]])]
        if (first["arm"].value_counts() >= FEWEST).all():
            trial = trial_effects(
                first, outcomes=["bought"], control=control, chance=chance,
                before=varying(first, ["purchases before"]), level=level,
            )  # fmt: skip
    d = quick[use].astype(np.float64)
    if np.ptp(z) == 0 or np.ptp(d) == 0 or np.ptp(bought[use]) == 0:
        return None, math.nan, trial
    try:
        placebo = two_stage(before, z, z, controls, cluster, level=level)
        known = np.log(frame["purchases"].to_numpy(dtype=np.float64)[use])
        effect = two_stage(bought[use], d, z, np.column_stack([controls, known]), cluster, level=level)
    except DataError:  # everything that varies does so by the quarter
        return None, math.nan, trial
    error = placebo.standard_error
    p = 2 * float(student_tail(abs(placebo.effect) / error, placebo.clusters - 1)) if error > 0 else 1.0
    return effect, p, trial


def _open(frame: pd.DataFrame) -> Floats:
    """ln(1 + how many complaints waited when each came): those of the days before that were not answered by then."""
    day, answered = frame["day"].to_numpy(dtype=np.int64), frame["answered"].to_numpy(dtype=np.int64)
    came = np.searchsorted(np.sort(day), day, side="left")
    gone = np.searchsorted(np.sort(answered), day, side="left")
    return np.log1p((came - gone).astype(np.float64))
