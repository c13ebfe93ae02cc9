"""Customers labelled as active or gone by P(alive), with how often the labels are wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_level, check_number, shown, typed
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError
from churnsim.models.estimation.design_matrix import number_columns
from churnsim.statistics import normal_quantile, wilson
from churnsim.typing import Floats

ACTIVE, GONE = "active", "gone"


@dataclass(frozen=True, kw_only=True)
class AliveLabels:
    """`labels` by customer ("active" or "gone"), the `threshold`, and the `errors` of the labels.

    Attributes
    ----------
    labels : Series of str
        "active" where P(alive) is at least the threshold.
    threshold, level : float
        As given.
    errors : DataFrame
        By `error`: "false alarms", the share of those labelled gone who are active; "misses", the share of those
        labelled active who are gone. With `customers` that have the label, what the `model` expects with
        `model_lower, model_upper` (of chance alone: it takes its own P(alive) as right), and, where the summary has a
        holdout, `holdout` with `holdout_lower, holdout_upper`: of those labelled gone who bought in it, and of those
        labelled active who did not. Who did not buy may still be active, so that the first is a lower bound of false
        alarms and the second an upper bound of misses; `holdout_expected` is what the model expects of both.
    """

    labels: pd.Series[str]
    threshold: float
    level: float
    errors: pd.DataFrame

    def __str__(self) -> str:
        lines = [f"{np.mean(np.asarray(self.labels) == GONE):.1%} labelled gone (P(alive) below {self.threshold:g})"]
        for name, row in self.errors.iterrows():
            text = f"{name}: {row['model']:.1%} [{row['model_lower']:.1%}, {row['model_upper']:.1%}] by the model"
            if "holdout" in self.errors:
                bound = "at least" if name == "false alarms" else "at most"
                text += f"; {bound} {row['holdout']:.1%} in the holdout, {row['holdout_expected']:.1%} expected"
            lines.append(text)
        return "\n".join(lines)


@in_kind
@typed
def label_alive(model: Any, summary: CustomerFrame, *, threshold: float = 0.5, level: float = 0.95) -> AliveLabels:
    """Label customers by P(alive), and state the errors of the labels by the model and by the holdout.

    Parameters
    ----------
    model : purchase model or fit
        With `p_alive`.
    summary : DataFrame
        `frequency, recency, T`, and perhaps `frequency_holdout` and `T_holdout` (see `split_holdout`).
    threshold : float
        P(alive) from which on a customer is labelled active, between 0 and 1.
    level : float
        Of the limits.

    Returns
    -------
    AliveLabels
        Raises ConfigError for a model without P(alive) or an impossible threshold.

    Examples
    --------
    >>> import churnsim as cs
    >>> split = cs.split_holdout(cs.datasets.cdnow(), until="1997-09-30")
    >>> found = label_alive(cs.BGNBD.fit(split), split)
    >>> found.errors[["customers", "model", "holdout", "holdout_expected"]].round(2).to_numpy().tolist()
    [[393.0, 0.29, 0.35, 0.2], [1964.0, 0.08, 0.72, 0.73]]
    """
    if not hasattr(model, "p_alive") or isinstance(model, type):
        raise ConfigError(f"model must be a purchase model such as BGNBD, or its fit; got {shown(model)}.")
    check_number(threshold, "threshold", least=0, most=1)
    z = normal_quantile(check_level(level))
    summary = as_summary(summary)
    alive = model.p_alive(summary).to_numpy()
    active = alive >= threshold
    rows: dict[str, dict[str, float]] = {}
    for name, group, wrong in (("false alarms", ~active, alive), ("misses", active, 1 - alive)):
        chances = wrong[group]
        mean, half = _mean_of(chances, z)
        rows[name] = {
            "customers": float(group.sum()), "model": mean, "model_lower": max(mean - half, 0.0),
            "model_upper": min(mean + half, 1.0),
        }  # fmt: skip
    if {"frequency_holdout", "T_holdout"} <= set(summary.columns):
        later = number_columns(summary, ["frequency_holdout", "T_holdout"])
        bought = later["frequency_holdout"] > 0
        none = model.conditional_pmf(0, summary, later["T_holdout"])[0].to_numpy()
        for name, group, seen, chance in (
            ("false alarms", ~active, bought, 1 - none),
            ("misses", active, ~bought, none),
        ):
            number, size = int(seen[group].sum()), int(group.sum())
            lower, upper = (float(each[0]) for each in wilson(np.array([number]), np.array([size]), level=level))
            rows[name] |= {
                "holdout": number / size if size else math.nan, "holdout_lower": lower, "holdout_upper": upper,
                "holdout_expected": float(chance[group].mean()) if size else math.nan,
            }  # fmt: skip
    labels = pd.Series(np.where(active, ACTIVE, GONE), summary.index, name="label", dtype=object)
    return AliveLabels(
        labels=labels, threshold=threshold, level=level, errors=pd.DataFrame(rows).T.rename_axis("error")
    )


def _mean_of(chances: Floats, z: float) -> tuple[float, float]:
    """The mean of independent events of these chances, and half the width of its normal interval."""
    if chances.size == 0:
        return math.nan, math.nan
    return float(chances.mean()), z * math.sqrt(float((chances * (1 - chances)).sum())) / chances.size
