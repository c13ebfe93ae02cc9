"""`unseen-loss`: firms do not know which customers they lost, nor when.

Where no contract ends, a loss leaves no record: it is inferred from silence by a model. Models that forecast the next
purchases alike may disagree about who is lost; a firm then cannot know it from its log, whatever it does with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence, log_of
from churnsim.claims.machinery.families import FAMILIES
from churnsim.claims.machinery.firms import LOGS, load
from churnsim.claims.machinery.verdicts import Answer, Spread
from churnsim.data import datasets
from churnsim.data.summaries.summary import split_holdout
from churnsim.statistics import wilson

MANY = 10.0
"""Percent of the customers about whom models disagree from which on a firm does not know whom it lost: a choice."""


@dataclass(frozen=True)
class Inferred:
    """What the families say at the middle of a log, and how they forecast its second half."""

    disputed: Spread
    """Percent of the customers whom one family calls lost (probability above one half) and another alive."""
    lost: Mapping[str, float]
    forecast: Mapping[str, float]
    actual: int
    customers: int


def inferred(log: pd.DataFrame) -> Inferred:
    """Fit the families to the first half of a log. Raises DataError for a log without a second half."""
    first, last = log["date"].min(), log["date"].max()
    split = split_holdout(log, until=str((first + (last - first) / 2).date()), unit="W")
    ahead = float(split["T_holdout"].iloc[0])
    alive, forecast = {}, {}
    for name, family in FAMILIES.items():
        fit = family.fit(split)
        alive[name] = np.asarray(fit.model.p_alive(split), dtype=np.float64)
        forecast[name] = float(np.sum(fit.model.expected_purchases(split, ahead)))
    each = np.array(list(alive.values()))
    disputed = int(((each.min(axis=0) < 0.5) & (each.max(axis=0) >= 0.5)).sum())
    low, high = wilson(disputed, len(split))
    return Inferred(
        disputed=Spread(100.0 * disputed / len(split), 100.0 * float(low), 100.0 * float(high)),
        lost={name: 100.0 * float(1.0 - p.mean()) for name, p in alive.items()},
        forecast=forecast, actual=int(split["frequency_holdout"].sum()), customers=len(split),
    )  # fmt: skip


def _part(letter: str, name: str, found: Inferred) -> Part:
    lost = ", ".join(f"{100 - share:.0f}% by {family}" for family, share in found.lost.items())
    ahead = ", ".join(f"{number:,.0f} by {family}" for family, number in found.forecast.items())
    return Part(
        name=f"({letter}) {name}",
        estimand="Percent of the customers whom one model calls lost and another alive, at the middle of the log.",
        answer=found.disputed.above(MANY),
        **found.disputed.figures("percent of the customers"),
        reason=f"Models disagree about {found.disputed} percent of {found.customers:,} customers; still active: "
        f"{lost}. Purchases in the second half: {ahead}, and {found.actual:,} came.",
    )


def judge(evidence: Evidence = None, quick: bool = False, *, world: Mapping[str, Any] | None = None) -> Finding:
    """Each log at hand, or the market's own; planted worlds have a log of known rates and leaving."""
    absent: list[str] = []
    if world is not None:
        logs = {"planted": _log(**world)}
    elif isinstance(evidence, MarketEvidence) and not evidence.cdnow:
        log, label = log_of(evidence, amounts=False)
        logs = {label: log}
    else:
        absent = [name for name in LOGS if not datasets.describe(name).at_hand]
        logs = {name: load(name) for name in LOGS if name not in absent}
    parts: list[Part] = []
    rows: Rows = []
    for letter, (name, log) in zip("abcdefgh", logs.items(), strict=False):
        found = inferred(log)
        parts.append(_part(letter, name, found))
        rows += [
            {"firm": name, "model": family, "lost_percent": lost, "forecast": found.forecast[family],
             "actual": found.actual}
            for family, lost in found.lost.items()
        ]  # fmt: skip
    answers = {part.answer for part in parts}
    alone = len(parts) == 1 and not isinstance(evidence, MarketEvidence) and world is None
    answer = answers.pop() if len(answers) == 1 and not alone else Answer.UNDECIDED
    missing = f" Not at hand: {', '.join(absent)}." if absent else ""
    return Finding(
        answer=answer,
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts)
        + " What a firm can know is who is likely to buy; who is lost is the model's word where the models disagree, "
        f"and then neither when nor why is to be had from the log.{missing}",
        **parts[0].figures,
        parts=tuple(parts),
        tables={"models": rows},
    )


def _log(*, rates: Sequence[float], leave: float, size: int = 800) -> pd.DataFrame:
    """Customers watched for 78 weeks, who came in the first twelve; rates a week are log-uniform."""
    generator = np.random.default_rng(1)
    customers, weeks = [], []
    for customer in range(size):
        rate = float(np.exp(generator.uniform(*np.log(rates))))
        time, end = float(generator.uniform(0.0, 12.0)), 78.0
        while time < end:
            customers.append(customer)
            weeks.append(time)
            if generator.random() < leave:
                break
            time += float(generator.exponential(1.0 / rate))
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(7 * np.array(weeks), "D")
    return pd.DataFrame({"customer_id": customers, "date": dates}).sort_values("date", ignore_index=True)
