"""Why customers left: cumulative incidence of each cause, by Aalen and Johansen's estimator.

Aalen & Johansen (1978), Scandinavian Journal of Statistics 5(3), 141-150. With r(t) customers at risk and d_k(t) lost
to cause k at t, F_k(t) = sum over s <= t of S(s-) d_k(s)/r(s), S the Kaplan-Meier estimate of staying. The causes
share out what is lost: F_1 + F_2 + ... = 1 - S. One minus a Kaplan-Meier curve of a single cause, with the others
counted as censored, overstates it: it asks what would be lost if no other cause existed.

Tied times are counted as they are; monthly tenures are full of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_level, check_number, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.retention.tenures import Tenures
from churnsim.product_limit import RiskTable, fewest_at_risk
from churnsim.statistics import normal_quantile, tails
from churnsim.typing import Floats


@dataclass(frozen=True)
class CumulativeIncidence:
    """`table`: a row a cause and time with `cause, time, incidence, standard_error, lower, upper`; `overall`, the share
    there by time; `losses`, the number lost to each cause; `none_lost`, the upper limit of each share until the first
    loss; `last`, the longest tenure."""

    table: pd.DataFrame
    overall: pd.Series[float]
    losses: dict[str, int]
    none_lost: float = 0.0
    last: float = float("inf")

    def at(self, t: float) -> pd.DataFrame:
        """Share lost to each cause by `t` (in the data's unit, 0 or more, else ConfigError), indexed by cause:
        incidence, standard_error, lower, upper."""
        check_number(t, "t", least=0)
        known = self.table[self.table["time"] <= t]
        columns = ["incidence", "standard_error", "lower", "upper"]
        found = known.groupby("cause", sort=False)[columns].last().reindex(list(self.losses)).fillna(0.0)
        if t > 0 and known.empty:
            found["upper"] = self.none_lost
        if t > self.last:  # of those still there any may be lost to the cause, which no data tell
            found["upper"] = np.minimum(found["upper"] + float(self.overall.iloc[-1]), 1.0)
        return found


@in_kind
@typed
def cumulative_incidence(
    subscriptions: CustomerFrame, cause: str = "cause", *, level: float = 0.95
) -> CumulativeIncidence:
    """Cumulative incidence of every value of the column `cause` among those who left.

    `subscriptions` has `tenure`, `churned` and perhaps `entry`; `cause` is read for those who left only. Intervals
    are in ln(-ln(1 - F)), with the delta-method variance of Marubini & Valsecchi (1995). While nobody is lost to a
    cause its upper limit is the share at which that has the probability of a tail, (1 - F)^n = (1 - level)/2, with n
    those at risk over the share still there, at their fewest; where all are lost to one cause, its lower limit is that
    of the time before. Raises DataError where somebody left without a cause, or nobody left; ConfigError where there is
    no such column.

    Examples
    --------
    >>> base = pd.DataFrame(
    ...     {"tenure": [1.0, 2, 2, 3], "churned": [True, True, False, True], "cause": ["price", "move", None, "price"]}
    ... )
    >>> cumulative_incidence(base).table[["cause", "time", "incidence"]].round(3).to_dict("records")[-1]
    {'cause': 'move', 'time': 3.0, 'incidence': 0.25}
    """
    check_level(level)
    tenures = Tenures.of(subscriptions)
    if cause not in subscriptions.columns:
        raise ConfigError(f"there is no column {cause!r}; the data have {', '.join(map(repr, subscriptions.columns))}.")
    named = subscriptions[cause]
    nameless = tenures.churned & named.isna().to_numpy()
    if nameless.any():
        raise DataError(
            f"customer {str(subscriptions.index[nameless][0])[:80]!r} left without a {cause!r} ({int(nameless.sum())} "
            "such rows). Give those whose reason is unknown a word of their own."
        )
    if not tenures.churned.any():
        raise DataError("no customer has churned, so there are no causes to tell apart. Observe longer.")
    words = named.astype(str).to_numpy()
    counted = RiskTable.of(tenures.tenure, tenures.churned, tenures.entry)
    times, at_risk, lost, survival = counted.times, counted.at_risk, counted.lost, counted.survival
    place = np.searchsorted(times, tenures.tenure[tenures.churned])
    before = np.concatenate([[1.0], survival[:-1]])
    none_lost = _none_lost(tenures, times, at_risk / before, level)
    order = pd.Series(words[tenures.churned]).value_counts()
    parts = []
    for name in order.index:
        here = np.bincount(place[words[tenures.churned] == name], minlength=times.size).astype(np.float64)
        incidence = np.cumsum(before * here / at_risk)
        error = np.sqrt(np.maximum(_variance(incidence, before, here, lost, at_risk), 0.0))
        lower, upper = _interval(incidence, error, level)
        upper = np.where(incidence <= 0, none_lost[1:], upper)
        if (all_lost := incidence >= 1).any():
            last = int(np.argmax(all_lost))
            lower[last:] = lower[last - 1] if last else tails(level)[0] ** (1 / at_risk[0])
        columns: dict[str, Any] = {
            "cause": name,
            "time": times,
            "incidence": incidence,
            "standard_error": error,
            "lower": lower,
            "upper": upper,
        }
        parts.append(pd.DataFrame(columns))
    overall = pd.Series(survival, index=pd.Index(times, name="time"), name="survival")
    losses = {str(k): int(v) for k, v in order.items()}
    return CumulativeIncidence(
        pd.concat(parts, ignore_index=True), overall, losses, float(none_lost[0]), float(tenures.tenure.max())
    )


def _none_lost(tenures: Tenures, times: Floats, watched: Floats, level: float) -> Floats:
    """Upper limits of a share to which nobody is lost, until the first time and from each time on.

    `watched` are those at risk at each time over the share there just before it: with n of them, sum of n h S is at
    least n F, so that nobody is lost to the cause with probability e^(-n F) at most, and (1 - F)^n where nobody else
    left. From each time until the next, the fewest count.
    """
    fewest = np.minimum.accumulate([fewest_at_risk(float(times[0]), tenures.tenure, tenures.entry), *watched])
    fewest = np.minimum(fewest, [*np.minimum.accumulate(watched), fewest[-1]])
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 - tails(level)[0] ** (1.0 / fewest))


def _variance(incidence: Any, before: Any, here: Any, lost: Any, at_risk: Any) -> Any:
    """Delta-method variance of F_k at every time (Marubini & Valsecchi 1995, eq. 10.12)."""
    stayed = at_risk - lost
    with np.errstate(divide="ignore", invalid="ignore"):
        all_causes = np.where(stayed > 0, lost / (at_risk * stayed), 0.0)
    own = before**2 * here * (at_risk - here) / at_risk**3
    cross = before * here / at_risk**2
    # Sum over s <= t of (F(t) - F(s))^2 a(s) + own(s) - 2 (F(t) - F(s)) cross(s), expanded in powers of F(t).
    a0, a1, a2 = (np.cumsum(all_causes * incidence**power) for power in (0, 1, 2))
    c0, c1 = (np.cumsum(cross * incidence**power) for power in (0, 1))
    return incidence**2 * a0 - 2 * incidence * a1 + a2 + np.cumsum(own) - 2 * (incidence * c0 - c1)


def _interval(incidence: Any, error: Any, level: float) -> tuple[Any, Any]:
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_stay = np.log1p(-incidence)
        reach = np.exp(z * error / ((1.0 - incidence) * np.abs(log_stay)))
        lower, upper = 1.0 - np.exp(log_stay / reach), 1.0 - np.exp(log_stay * reach)
    edge = (incidence <= 0) | (incidence >= 1)
    return np.where(edge, incidence, lower), np.where(edge, incidence, upper)
