"""Recency, frequency and money: scores of customers among each other, and segments by rules that have names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnsim.checks import check_count, shown, typed
from churnsim.data.customers.values import scores_by_rank
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError
from churnsim.models.estimation.design_matrix import number_columns

Rule = Mapping[str, tuple[int, int]]
OTHERS = "others"
# Named as is usual in direct marketing; the limits, of scores from 1 to 4, are assumed. The first that fits counts.
SEGMENTS: Mapping[str, Rule] = {
    "champions": {"R": (4, 4), "F": (4, 4), "M": (3, 4)},
    "loyal": {"R": (3, 4), "F": (3, 4)},
    "new or occasional": {"R": (3, 4), "F": (1, 2)},
    "at risk": {"R": (1, 2), "F": (3, 4)},
    "asleep": {"R": (1, 2), "F": (1, 2)},
}


@dataclass(frozen=True, kw_only=True)
class RFMSegments:
    """`customers` with their measures, scores `R, F, M` and `segment`, and the `table` of segments.

    Attributes
    ----------
    customers : DataFrame
        By customer: time `since` the last purchase, `frequency`, `monetary_value`, scores from 1 (worst) and `segment`.
    table : DataFrame
        By segment: `customers`, their `share`, and the means of the three measures.
    """

    customers: pd.DataFrame
    table: pd.DataFrame


@in_kind
@typed
def rfm_segments(
    summary: CustomerFrame, *, groups: int = 4, segments: Mapping[str, Mapping[str, tuple[int, int]]] = SEGMENTS
) -> RFMSegments:
    """Score customers by recency, frequency and money and sort them into named segments.

    Scores are quantile groups, the best highest; customers of equal value have the same score, so that groups need not
    be of one size. They rank customers among each other and say nothing of the time to come: for that see `p_alive`.

    Parameters
    ----------
    summary : DataFrame
        `frequency, recency, T` and `monetary_value`.
    groups : int
        Scores run from 1 to this.
    segments : mapping of name to rule
        A rule maps "R", "F" or "M" to the least and the highest score; the first that fits names the segment, and
        "others" are those whom none fits. Unless given: champions, loyal, new or occasional, at risk, asleep.

    Returns
    -------
    RFMSegments
        Raises ConfigError for an impossible rule, DataError for a missing column or value.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow())
    >>> found = rfm_segments(summary, segments={"best": {"R": (4, 4), "F": (4, 4)}, "lost": {"R": (1, 1)}})
    >>> sorted(found.table.index), int(found.table["customers"].sum())
    (['best', 'lost', 'others'], 2357)
    """
    check_count(groups, "groups", least=2)
    for name, rule in segments.items():
        known = isinstance(rule, Mapping) and set(rule) <= {"R", "F", "M"}
        if not known or not all(_is_range(limits, groups) for limits in rule.values()):
            raise ConfigError(
                f"segment {shown(name)} must map R, F or M to a least and a highest score from 1 to {groups}; got "
                f"{shown(rule)}."
            )
    columns = number_columns(as_summary(summary), ["frequency", "recency", "T", "monetary_value"])
    since = columns["T"] - columns["recency"]
    scores = {
        "R": scores_by_rank(-since, groups),
        "F": scores_by_rank(columns["frequency"], groups),
        "M": scores_by_rank(columns["monetary_value"], groups),
    }
    segment = np.full(len(summary), OTHERS, dtype=object)
    for name, rule in reversed(list(segments.items())):
        inside = np.ones(len(summary), dtype=bool)
        for letter, (low, high) in rule.items():
            inside &= (scores[letter] >= low) & (scores[letter] <= high)
        segment[inside] = name
    measures = {"since": since, "frequency": columns["frequency"], "monetary_value": columns["monetary_value"]}
    customers = pd.DataFrame({**measures, **scores, "segment": segment}, index=summary.index)
    grouped = customers.groupby("segment")
    table = grouped[list(measures)].mean()
    table.insert(0, "customers", grouped.size())
    table.insert(1, "share", table["customers"] / max(len(customers), 1))
    order = [name for name in (*segments, OTHERS) if name in table.index]
    return RFMSegments(customers=customers, table=table.loc[order])


def _is_range(limits: object, groups: int) -> bool:
    if not isinstance(limits, tuple | list) or len(limits) != 2 or not all(type(each) is int for each in limits):
        return False
    return bool(1 <= limits[0] <= limits[1] <= groups)
