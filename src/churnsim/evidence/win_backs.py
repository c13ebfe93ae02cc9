"""Contacts to silent customers: who returns by silence and arm, and how long and how much a second life brings.

Some of the silent would have bought again by themselves: a control arm shows how many. With s the silence, the share
who return within a given time is

    r0(s)                                     of those left alone, logit linear in ln s,
    r0(s) + lost(s) success 2^(-s/half_life)  of those contacted,

which is the market's `win_back` where customers leave at their last purchase; lost(s) is the share of the silent who
have left: 1 - r0(s), or by the chance of a purchase model that they are still there. The posterior of the four numbers
is computed on a grid: success uniform, ln half-life normal about that of 26 weeks with standard deviation 1, r0 at the
median silence uniform, its slope standard normal.

A second life ends with the last purchase before a silence of `lost_after` that lasts until the end of the record, so
that only what happened until that long before the end tells who was still there. Some lives end with the purchase that
they begin with. The mean length of the others is the time that they lasted until then over how many of them ended, the
estimate for a constant hazard with censoring, with the variance of a ratio: lives differ more than exponential ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from churnsim.checks import check_count, check_level, check_seed, typed
from churnsim.data.records.reading import record_table
from churnsim.errors import DataError
from churnsim.evidence.grid import grid_draws
from churnsim.evidence.records import (
    NEVER,
    History,
    Measured,
    RecordEvidence,
    chances,
    left_out,
    ratio_of_means,
    shares,
    status_of_trial,
    untold,
)
from churnsim.evidence.trial import OBSERVATIONAL, TrialEffects, trial_effects, varying
from churnsim.simulation.core.belief import Belief
from churnsim.typing import Flags, Floats
from churnsim.units import DAYS_PER_UNIT, Duration, check_unit

HALF_LIFE, SPREAD = 182.0, 1.0  # days; of the logarithm
BINS, CELLS = 10, 16
EXTRAPOLATED = 1.1
EIGHT_WEEKS, YEAR, HALF_YEAR = Duration(8, "W"), Duration(1, "Y"), Duration(26, "W")


@dataclass(frozen=True, kw_only=True, eq=False)
class WinBackEvidence(RecordEvidence):
    """What a record of win-back contacts shows.

    Attributes
    ----------
    by_silence : DataFrame
        Indexed by `arm` and `silence` (a third of the customers each, from and to which day): `contacts`, how many
        `returned`, the `share` with `lower` and `upper` (Wilson).
    effects : TrialEffects or None
        The difference of the share who return between each arm and the control, and the checks of the trial; None
        without a control.
    success, half_life : array of shape (draws,)
        Joint draws; half-lives in days.
    second_life : Measured
        Mean length of a second life, days.
    second_worth : Measured
        What a customer who returned buys in the `horizon` from the return on.
    cost_per_return : dict
        Of each arm the cost of one more customer who returns; NaN without costs or where the arm brings none back.
    shortest : float
        The shortest silence at which anybody was contacted, days.
    checks, status, level
        As of every estimator from records.
    """

    by_silence: pd.DataFrame
    effects: TrialEffects | None
    success: Floats
    half_life: Floats
    second_life: Measured
    second_worth: Measured
    cost_per_return: dict[str, float]
    shortest: float

    @property
    def extrapolated(self) -> bool:
        """Whether the chance right after the loss is more than a tenth above that of the shortest silence at which
        anybody was contacted, at the median half-life: the draw shows the latter, the law of decay the former."""
        return math.exp2(self.shortest / float(np.median(self.half_life))) > EXTRAPOLATED

    def _lines(self) -> list[str]:
        rows = [
            f"{row['arm']}, silent for {row['silence']} days: {row['returned']:,.0f} of {row['contacts']:,.0f} return, "
            + self._share(row)
            for row in self.by_silence.reset_index().to_dict("records")
        ]
        second = [
            f"a second life lasts {self.second_life} days and brings {self.second_worth}",
            *(
                f"one more return by {arm} costs {cost:,.2f}{self._limits(arm)}"
                for arm, cost in self.cost_per_return.items()
            ),
        ]
        return [self.status, *rows, *self._believed(self.beliefs()), *second]

    def _limits(self, arm: str) -> str:
        """Of the cost of one more return, by those of the difference; without an end where the arm may bring nobody."""
        cost = self.cost_per_return[arm]
        if self.effects is None or math.isnan(cost):
            return ""
        row = self.effects.best.loc[[("returned", arm)]].iloc[0]
        low, high = (cost * row["difference"] / end if end > 0 else math.inf for end in (row["upper"], row["lower"]))
        return f" [{low:,.2f}, {high:,.2f}]"

    def beliefs(self, *, unit: str = "W") -> dict[str, Belief]:
        """Joint beliefs in "win_back.success" and "win_back.half_life", and one in "win_back.second_life" where second
        lives ended; lengths in `unit`, the market's. Where the first is extrapolated from longer silences, which nobody
        drew, both are "measured here (observational)" and their source says so."""
        days = DAYS_PER_UNIT[check_unit(unit)]
        contacts = int(self.by_silence["contacts"].sum())
        source = f"{contacts:,} win-back contacts"
        numbers, status, from_ = {"success": self.success, "half_life": self.half_life / days}, self.status, source
        if self.extrapolated:
            status = OBSERVATIONAL
            from_ = f"{source}, extrapolated from silences of {self.shortest:,.0f} days and more"
        found = self._drawn("win_back", numbers, from_, status)
        if self.second_life.low > 0:
            value, error, low, high = self.second_life
            length = Measured(value / days, error, low / days, high / days)
            found["win_back.second_life"] = length.belief(OBSERVATIONAL, f"{source}, own records", self.level)
        return found


@typed
def win_back_evidence(
    contacts: Any,
    purchases: Any,
    *,
    control: str | None,
    chance: Mapping[str, float] | None = None,
    alive: pd.Series | None = None,
    within: Duration = EIGHT_WEEKS,
    lost_after: Duration = HALF_YEAR,
    horizon: Duration = YEAR,
    until: Any = None,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 1,
) -> WinBackEvidence:
    """Who of the silent returns by silence and arm, and what a second life brings.

    Parameters
    ----------
    contacts : DataFrame or path
        One row a customer who was to be contacted, the control included: ``customer_id``, ``at``, ``arm``, and perhaps
        ``cost`` (money) and ``returned_at`` (empty where the customer did not return). Without ``returned_at`` the
        return is the first purchase after the contact. A customer's first contact counts.
    purchases : DataFrame
        ``customer_id``, ``date`` and, for worth in money, ``amount``, of all customers.
    control : str or None
        The arm that was left alone. None says that there is none: everybody who returns is then counted as won back.
    chance : mapping, optional
        Each arm's probability. Without it nothing says that chance alone decided, and the status is "measured here
        (observational)".
    alive : Series, optional
        The chance that each customer was still there when contacted, by ``customer_id``, from a purchase model.
    within : Duration
        Who returns later counts as not returned; contacts later than that before the end are left out.
    lost_after : Duration
        The silence after which a second life has ended.
    horizon : Duration
        Over which a second life's worth is counted.
    until : str or date, optional
        The last day observed; the day of the last purchase unless given.
    level : float
        Of the intervals.
    draws, seed : int
        Of the posterior.

    Returns
    -------
    WinBackEvidence

    Raises
    ------
    DataError
        Names row, value and remedy of customers without a purchase before the contact, returns before it or after the
        end, costs below 0, contacts after the end. Also where no contact was observed for as long as `within`.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> day = pd.Timestamp("2023-01-01") + pd.to_timedelta(random.integers(0, 300, 2000), "D")
    >>> bought = pd.DataFrame({"customer_id": range(2000), "date": day})
    >>> arm = random.choice(["call", "none"], 2000)
    >>> silence = (pd.Timestamp("2024-01-01") - day).days
    >>> back = random.random(2000) < 0.1 + np.where(arm == "call", 0.9 * 0.4 * 2.0 ** (-silence / 200), 0.0)
    >>> rows = pd.DataFrame({"customer_id": range(2000), "at": "2024-01-01", "arm": arm})
    >>> rows["returned_at"] = np.where(back, "2024-01-20", None)
    >>> found = win_back_evidence(rows, bought, control="none", until="2024-06-01")
    >>> belief = found.beliefs()["win_back.success"]
    >>> bool(belief.low < 0.4 < belief.high)
    True
    """
    check_level(level)
    check_seed(seed)
    check_count(draws, "draws", least=2)
    history = History.of(purchases, until)
    frame, checks = _contacts(contacts, history, round(within.to("D")))
    treated = np.ones(len(frame), dtype=bool) if control is None else (frame["arm"] != control).to_numpy()
    effects = None
    if control is None:
        checks.append("there is no control: whoever would have returned anyhow counts as won back")
    else:
        known = varying(frame, ["silence", "purchases"])
        effects = trial_effects(
            frame.set_index("customer_id"), outcomes=["returned"], control=control, chance=chance, covariates=known,
            level=level,
        )  # fmt: skip
    gone = None if alive is None else 1.0 - chances(alive, frame["customer_id"])
    u = _posterior(frame, treated, gone, control is not None, draws, seed)
    back = frame[frame["returned"] > 0]
    life, worth, doubts = _second_lives(back, history, round(lost_after.to("D")), round(horizon.to("D")), level)
    return WinBackEvidence(
        by_silence=_by_silence(frame, level), effects=effects, success=u[0], half_life=_half_life(u[1]),
        second_life=life, second_worth=worth, cost_per_return=_costs(frame, effects),
        shortest=float(frame["silence"][treated].min()), checks=(*checks, *untold(effects, "success"), *doubts),
        status=status_of_trial(effects), level=level,
    )  # fmt: skip


def _contacts(contacts: Any, history: History, within: int) -> tuple[pd.DataFrame, list[str]]:
    """The first contact to each customer that was observed for long enough, with `silence`, `purchases` before,
    `returned` (0 or 1) and `back` (the day); and what was left out."""
    rows = record_table("win_backs", contacts)
    frame = rows.frame
    at, back = history.seen(rows, "at"), history.seen(rows, "returned_at")
    place = history.customers(frame["customer_id"])
    last = history.last_before(place, at)
    rows.refuse(
        last == -NEVER, "customer_id", "has no purchase before the contact",
        "Write ids as in the purchases, and leave out people who never bought.",
    )  # fmt: skip
    rows.checked()
    if "returned_at" not in rows.given:
        back = history.next_after(place, at)
    frame = frame.assign(
        arm=frame["arm"].astype(str), place=place, day=at, back=back, silence=(at - last).astype(np.float64),
        purchases=history.bought_before(place, at).astype(np.float64), returned=(back - at <= within).astype(float),
    )  # fmt: skip
    first = frame.sort_values("day", kind="stable").drop_duplicates("customer_id")
    seen = first[first["day"] + within <= history.until]
    if seen.empty:
        raise DataError("no contact was observed for as long as `within`. Give a shorter time, or until= a later day.")
    checks = [
        *rows.told(),
        *left_out((len(frame) - len(first), "later contacts"), (len(first) - len(seen), "contacts too late")),
    ]
    return seen.reset_index(drop=True), checks


def _half_life(u: Floats) -> Floats:
    """The quantile of the prior, days."""
    return np.asarray(HALF_LIFE * np.exp(SPREAD * ndtri(u)))


def _posterior(
    frame: pd.DataFrame, treated: Flags, gone: Floats | None, controlled: bool, draws: int, seed: int
) -> Floats:
    """Draws of success, the half-life's quantile and, with a control, the two of r0: shape (2 or 4, draws)."""
    silence, returned = frame["silence"].to_numpy(np.float64), frame["returned"].to_numpy(np.float64)
    middle = float(np.median(silence))
    cells = []  # of treated or not and a stretch of silence: customers, returned, mean silence, mean share lost
    for group in (treated, ~treated) if controlled else (treated,):
        edges = np.quantile(silence[group], np.linspace(0, 1, BINS + 1)[1:-1])
        stretch = np.searchsorted(edges, silence[group], side="right")
        for k in np.unique(stretch):
            inside = np.flatnonzero(group)[stretch == k]
            lost = math.nan if gone is None else float(gone[inside].mean())
            cells.append((len(inside), returned[inside].sum(), silence[inside].mean(), lost, bool(treated[inside[0]])))

    def log_density(success: Floats, u: Floats, *alone: Floats) -> Floats:
        half, total = _half_life(u), np.zeros(1)
        for n, k, s, lost, contacted in cells:
            r0 = expit(logit(alone[0]) + ndtri(alone[1]) * math.log(s / middle)) if alone else np.zeros(1)
            share = r0
            if contacted:
                left = 1 - r0 if math.isnan(lost) else np.minimum(lost, 1 - r0)
                share = r0 + left * success * 2.0 ** (-s / half)
            share = np.clip(share, 1e-12, 1 - 1e-12)
            total = total + k * np.log(share) + (n - k) * np.log1p(-share)
        return total

    return grid_draws(log_density, 4 if controlled else 2, draws=draws, seed=seed, cells=CELLS)


def _by_silence(frame: pd.DataFrame, level: float) -> pd.DataFrame:
    silence = frame["silence"].astype(np.int64)
    third = np.searchsorted(np.quantile(silence, [1 / 3, 2 / 3]), silence, side="left")
    ends = silence.groupby(third).agg(["min", "max"])
    order = pd.Index([f"{low} to {high}" for low, high in ends.itertuples(index=False)])
    words = pd.Categorical.from_codes(np.searchsorted(ends.index, third), categories=order, ordered=True)
    by = [frame["arm"], pd.Series(words, frame.index, name="silence")]
    table = frame.groupby(by, observed=True)["returned"].agg(["size", "sum"])
    return pd.DataFrame(
        {"contacts": table["size"], "returned": table["sum"], **shares(table["sum"], table["size"], level)}
    )


def _costs(frame: pd.DataFrame, effects: TrialEffects | None) -> dict[str, float]:
    """Mean cost of a contact over the share that it brings back."""
    found = {}
    for arm, cost in frame.groupby("arm")["cost"].mean().items():
        if effects is not None and arm == effects.control:
            continue
        own = frame.loc[frame["arm"] == arm, "returned"].mean()
        more = float(own if effects is None else effects.best["difference"].to_dict()["returned", arm])
        found[str(arm)] = float(cost) / more if more > 0 else math.nan
    return found


def _second_lives(
    back: pd.DataFrame, history: History, lost_after: int, horizon: int, level: float
) -> tuple[Measured, Measured, list[str]]:
    """Mean length in days, worth over the horizon, and what speaks against the length."""
    unknown = Measured.unknown()
    if back.empty:
        return unknown, unknown, []
    place, began = (back[name].to_numpy(dtype=np.int64) for name in ("place", "back"))
    life, known = unknown, history.until - lost_after  # the last day of which is known who was still there
    last = np.maximum(history.last_before(place, np.full(len(back), history.until + 1)), began)
    at_once, length = last == began, (np.minimum(last, known) - began).astype(np.float64)
    ended, told = last <= known, began <= known
    longer = told & ~at_once
    if ended[longer].any():
        mean, error, df = ratio_of_means(length[longer], ended[longer].astype(np.float64))
        share, count = float(longer.sum() / told.sum()), int(told.sum())
        life = Measured.positive(
            mean * share, math.hypot(error / mean, math.sqrt((1 - share) / (share * count))), level, df
        )
    seen = began + horizon <= history.until
    worth = unknown
    if seen.sum() > 1:
        spent = history.spend_between(place[seen], began[seen] - 1, began[seen] + horizon)
        worth = Measured.mean(spent, level)
    days, since = history.days, np.full(len(history.days.ids), NEVER)
    since[place] = began
    second = days.day >= since[days.customer]
    following = history.next_after(days.customer[second], days.day[second])
    silent = int(((following < NEVER) & (following - days.day[second] >= lost_after)).sum())
    checks = []
    if silent > 0.05 * ended.sum():
        checks.append(
            f"{silent:,} silences of second lives as long as lost_after ended with a purchase: some of those "
            "counted as ended go on, and the length of a second life is too short. Take a longer lost_after"
        )
    return life, worth, checks
