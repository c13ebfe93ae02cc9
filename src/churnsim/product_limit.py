"""Who was at risk when somebody left, and the estimates that are counted from it.

With d(t) losses among r(t) customers at risk at each time of loss t:

    product limit     S(t) = product over s <= t of 1 - d(s)/r(s)                   (Kaplan & Meier 1958, JASA 53, 457)
    Greenwood's sum   V(t) = sum over s <= t of d(s) / (r(s) (r(s) - d(s))), the variance of ln S(t)
    Nelson-Aalen      H(t) = sum over s <= t of d(s)/r(s)                           (Aalen 1978, Ann. Stat. 6, 701)

At risk at t is who was under observation just before t: entry < t <= tenure. Who enters at t is not, and who is
censored at t still is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churnsim.statistics import normal_quantile, tails
from churnsim.typing import Flags, Floats, Ints


def sum_at_risk(times: Floats, tenure: Floats, entry: Floats, weight: Floats | None = None) -> Floats:
    """Sum of the `weight` (1 each if absent; one column or several) of those at risk at each of `times`: whose
    observation began (`entry`) before and ended (`tenure`) then or later.

    Examples
    --------
    >>> sum_at_risk(np.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    array([1., 1.])
    """
    weight = np.ones(len(tenure)) if weight is None else weight
    total = _sum_from(times, tenure, weight)
    return total - _sum_from(times, entry, weight) if (entry > 0).any() else total


def fewest_at_risk(first: float, tenure: Floats, entry: Floats) -> float:
    """The fewest customers at risk at once from when the earliest came under observation until `first`.

    Examples
    --------
    >>> fewest_at_risk(3.0, np.array([1.0, 3.0, 4.0]), np.array([0.0, 0.0, 2.0]))
    1.0
    """
    changes = np.concatenate([entry, tenure])
    after = np.nextafter(changes[(changes >= entry.min()) & (changes < first)], np.inf)
    return float(sum_at_risk(np.append(after, first), tenure, entry).min())


def _sum_from(times: Floats, ages: Floats, weight: Floats) -> Floats:
    """Sum of the weights of those whose age is t or more."""
    order = np.argsort(ages, kind="stable")
    sums = np.zeros((len(ages) + 1, *weight.shape[1:]))
    sums[:-1] = np.cumsum(weight[order][::-1], axis=0)[::-1]
    return np.asarray(sums[np.searchsorted(ages[order], times, side="left")])


@dataclass(frozen=True, eq=False)
class RiskTable:
    """The distinct `times` of loss in ascending order, with those `at_risk` and `lost` at each."""

    times: Floats
    at_risk: Floats
    lost: Floats

    @classmethod
    def of(cls, tenure: Floats, churned: Flags, entry: Floats | None = None) -> RiskTable:
        """Count customers by `tenure`, whether it ended in a loss, and the tenure at which they came under observation.

        Examples
        --------
        >>> table = RiskTable.of(np.array([1.0, 3.0, 3.0]), np.array([True, True, False]), np.array([0.0, 0.0, 1.0]))
        >>> table.at_risk, table.survival
        (array([2., 2.]), array([0.5 , 0.25]))
        """
        times, lost = np.unique(tenure[churned], return_counts=True)
        since = np.zeros(len(tenure)) if entry is None else entry
        return cls(times, sum_at_risk(times, tenure, since), lost.astype(np.float64))

    @property
    def survival(self) -> Floats:
        """The product limit at each time."""
        return np.asarray(np.cumprod(1.0 - self.lost / self.at_risk))

    @property
    def greenwood(self) -> Floats:
        """Greenwood's sum at each time; infinite once everybody at risk was lost."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.cumsum(self.lost / (self.at_risk * (self.at_risk - self.lost))))

    @property
    def cumulative_hazard(self) -> Floats:
        """Nelson and Aalen's sum at each time."""
        return np.asarray(np.cumsum(self.lost / self.at_risk))

    def grouped_variance(self, tenure: Floats, churned: Flags, group: Ints, t: float) -> float:
        """Variance of ln S(t) where those of one group (an integer from 0) go together; Greenwood's sum where each is
        alone.

        Each of them moves ln S(t) by V(min(tenure, t)) - 1/(r - d) at its own loss until t, and these add up in a group
        (the infinitesimal jackknife; Williams 1995, "Product-limit survival functions with correlated survival times",
        Lifetime Data Analysis 1, 171-186).

        Examples
        --------
        >>> tenure, churned = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
        >>> table = RiskTable.of(tenure, churned)
        >>> bool(np.isclose(table.grouped_variance(tenure, churned, np.arange(3), 2.0), table.greenwood[0]))
        True
        """
        return float((np.bincount(group, weights=self.moves(tenure, churned, t)) ** 2).sum())

    def moves(self, tenure: Floats, churned: Flags, t: float) -> Floats:
        """By how much each customer moves ln S(t), as `grouped_variance` adds them up."""
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.concatenate([1.0 / (self.at_risk - self.lost), [0.0]])[np.searchsorted(self.times, tenure)]
            told = np.where(churned & (tenure <= t), own, 0.0)
            return np.asarray(self.step(self.greenwood, np.minimum(tenure, t), 0.0) - told)

    def limits(self, t: Floats, *, level: float, watched: float | None = None) -> tuple[Floats, Floats]:
        """Limits of S at `t`: `log_log_limits`, and exact ones where that scale has none.

        Before the first loss the lower one is the S at which none of the `watched` is lost with the probability of a
        tail, S^watched = (1 - level)/2 (Fay, Brittain & Proschan 2013, "Pointwise confidence intervals for a survival
        distribution with small samples or heavy censoring", Biostatistics 14, 723-736); `watched` are the fewest at
        risk at once until then, those at risk at the first loss if absent. Where the estimate is 0 the upper limit is
        that of the last time before, which S had not risen from; where all were lost at once, that of a share.

        Examples
        --------
        >>> table = RiskTable.of(np.array([1.0, 2.0]), np.array([True, True]))
        >>> [limit.round(3).tolist() for limit in table.limits(np.array([0.5, 1.0, 2.0]), level=0.95)]
        [[0.158, 0.006, 0.0], [1.0, 0.91, 0.91]]
        """
        tail = tails(level)[0]
        lower, upper = log_log_limits(self.survival, self.greenwood, level=level)
        if (gone := self.survival <= 0).any():
            last = int(np.argmax(gone))
            upper[last:] = upper[last - 1] if last else 1.0 - tail ** (1.0 / self.at_risk[0])
        fewest = self.at_risk[0] if watched is None else watched
        none_lost = tail ** (1.0 / fewest) if fewest > 0 else 0.0
        return np.where(t > 0, self.step(lower, t, none_lost), 1.0), self.step(upper, t, 1.0)

    def step(self, values: Floats, t: Floats, before: float) -> Floats:
        """The step function that takes `values` at the times, at `t`; `before` holds until the first time."""
        return np.concatenate([[before], values])[np.searchsorted(self.times, t, side="right")]


def log_log_limits(survival: Floats, greenwood: Floats, *, level: float) -> tuple[Floats, Floats]:
    """Limits of S in ln(-ln S), which keeps them between 0 and 1 (Kalbfleisch & Prentice 2002, section 1.4).

    Where S is 1 or 0 there are no limits on that scale, and both are S itself; `RiskTable.limits` has others there.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = normal_quantile(level) * np.sqrt(greenwood) / np.abs(np.log(survival))
        lower, upper = survival ** np.exp(reach), survival ** np.exp(-reach)
    edge = (survival >= 1) | (survival <= 0)
    return np.where(edge, survival, lower), np.where(edge, survival, upper)
