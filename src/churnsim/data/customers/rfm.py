"""RFM: how recently, how often and for how much a customer bought, each as a score.

Hughes (1994), "Strategic Database Marketing": customers sorted by each of the three and cut into fifths. The scores are
cut independently here, not nested within each other.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count
from churnsim.data.customers.values import scores_by_rank
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.frame_kinds import in_kind


@in_kind
def rfm_scores(transactions: Any, *, groups: int = 5, until: str | date | None = None) -> pd.DataFrame:
    """Recency, frequency and monetary value of each customer at the end of the day `until`, and their scores.

    Indexed by `customer_id`, sorted: `days_since_last`, `purchases` (days with one, the first included), `spend`
    (total; only with amounts), then `r, f, m` from 1 (worst) to `groups` (best), `rfm` (the digits side by side, as
    text) and `score` (their sum). A score is the customer's mid-rank cut into equal parts, so that customers who are
    equal score the same: where many have bought once, the lowest fifths of `f` are empty or crowded, as the data are.
    """
    check_count(groups, "groups", least=2, most=9, remedy="A score is one digit; 5 is usual.")
    log, end = purchase_days(transactions).seen_until(until)
    last = np.empty(len(log.ids), dtype=np.int64)
    last[log.customer] = log.day  # entries are in the order of days, so the last one stays
    table = pd.DataFrame({"days_since_last": end - last, "purchases": np.bincount(log.customer)}, index=log.ids)
    scores = {"r": scores_by_rank(-table["days_since_last"], groups), "f": scores_by_rank(table["purchases"], groups)}
    if log.amount is not None:
        table["spend"] = np.bincount(log.customer, weights=log.amount)
        scores["m"] = scores_by_rank(table["spend"], groups)
    text = np.full(len(table), "", dtype=object)
    for name, score in scores.items():
        table[name] = score
        text = text + score.astype(str).astype(object)
    table["rfm"] = text
    table["score"] = np.sum(list(scores.values()), axis=0)
    return table
