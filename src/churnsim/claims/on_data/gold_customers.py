"""`gold-customers`: find the best by RFM, regression, factors and clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.firms import asks_of_all, load
from churnsim.claims.machinery.made_up import made_up_log
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.verdicts import Answer, Spread, combine
from churnsim.data import datasets
from churnsim.data.customers import rfm_scores
from churnsim.data.customers.estimate import bootstrap
from churnsim.models.segmentation.gold_customers import gold_customers

UNTIL, HOLDOUT_UNTIL = "1997-09-30", "1998-06-30"
SHARE = 0.20
OTHER = "online-retail"
NAMED = {"rfm": "RFM", "regression": "regression", "factors": "factor analysis", "clusters": "cluster analysis"}
"""The methods that the text names."""


def judge(evidence: Evidence = None, quick: bool = False, *, least: bool = False) -> Finding:
    """What each method's fifth spends afterwards, against a pick at random; the control picks who spent least."""
    log, label = log_of(evidence, sample=True)
    until, end = _split(log)
    chance = 100.0 * SHARE
    if least:
        share = _later_spend(log, -spent_by(log, until), until, end, quick)
        return Finding(answer=share.above(chance), reason=f"The fifth that spent least until then brings {share}%.")
    table = gold_customers(log, until=until, holdout_until=end, share=SHARE, replications=100 if quick else 400)
    ranked = records(table)
    rows = {str(row["method"]): row for row in ranked}
    parts = tuple(
        _judged(letter, name, _spent_later(rows[method]), chance)
        for letter, (method, name) in zip("abcd", NAMED.items(), strict=True)
    )
    plain, most = rows["past spend"], rows["hindsight"]
    others = _elsewhere(quick, chance) if asks_of_all(evidence) else ()
    return Finding(
        answer=combine((*parts, *others)),
        reason=(
            f"On {label}, picked by {until} and watched until {end}: "
            + " ".join(part.reason for part in parts)
            + f" Past spend alone gives {plain['spend_share']:.1%}, the best method ({ranked[0]['method']}) "
            f"{ranked[0]['spend_share']:.1%}, hindsight {most['spend_share']:.1%}. {_compared(parts, plain)}"
            + "".join(f" {part.reason}" for part in others)
        ),
        **parts[0].figures_in("percent of the later spend, the fifth picked by RFM"),
        parts=(*parts, *others),
        tables={"methods": ranked},
    )


def _elsewhere(quick: bool, chance: float) -> tuple[Part, ...]:
    """The same by RFM in the second firm whose log has amounts, if it is at hand."""
    if not datasets.describe(OTHER).at_hand:
        return ()
    log = load(OTHER)
    until, end = _split(log)
    # Equal scores are told apart by past spend, as on the first firm.
    score = rfm_scores(log, until=until)["score"] + 1e-9 * spent_by(log, until).rank(pct=True)
    found = _later_spend(log, score, until, end, quick)
    return (_judged("e", f"{NAMED['rfm']}, {OTHER}", found, chance),)


def _compared(parts: tuple[Part, ...], plain: dict[str, Any]) -> str:
    """The methods against chance and against looking at past spend alone."""
    finding = "All of the methods find good customers; " if combine(parts) is Answer.HOLDS else ""
    better = [part.name[4:] for part in parts if (part.lower or 0.0) > 100.0 * plain["spend_share"]]
    against = (
        f"better than past spend alone: {', '.join(better)}."
        if better
        else ("none does much better than simply looking at what customers have spent.")
    )
    told = finding + against
    return told[0].upper() + told[1:]


def spent_by(log: pd.DataFrame, until: str) -> pd.Series[float]:
    """What each customer had spent by then."""
    return log[log["date"] <= pd.Timestamp(until)].groupby("customer_id")["amount"].sum()


def _later_spend(log: pd.DataFrame, score: pd.Series[float], until: str, end: str, quick: bool) -> Spread:
    """Share of later spend of the fifth that scores highest, percent, with its bootstrap interval over customers."""
    after = log[(log["date"] > pd.Timestamp(until)) & (log["date"] <= pd.Timestamp(end))]
    later = after.groupby("customer_id")["amount"].sum().reindex(score.index).fillna(0.0).to_numpy()
    picked = (-score).rank(method="first").to_numpy() <= round(SHARE * len(score))

    def share(weights: NDArray[np.int64]) -> float:
        return float((weights * later)[picked].sum() / (weights * later).sum())

    return Spread.percent(bootstrap(share, len(score), replications=100 if quick else 400, seed=1, level=0.95))


def _split(log: pd.DataFrame) -> tuple[str, str]:
    """CDNOW's own split, or the middle of another log."""
    first, last = log["date"].min(), log["date"].max()
    if first <= pd.Timestamp(UNTIL) < pd.Timestamp(HOLDOUT_UNTIL) <= last:
        return UNTIL, HOLDOUT_UNTIL
    return str((first + (last - first) / 2).date()), str(last.date())


def _judged(letter: str, name: str, found: Spread, chance: float) -> Part:
    return Part(
        name=f"({letter}) {name}",
        estimand=f"Share of later spend of the fifth picked by {name}, percent; at random it is {chance:.0f}.",
        answer=found.above(chance),
        **found.figures("percent of the later spend"),
        reason=f"{name}: {found.mean:.1f}% [{found.lower:.1f}, {found.upper:.1f}].",
    )


def _spent_later(row: dict[str, Any]) -> Spread:
    return Spread(*(100.0 * float(row[key]) for key in ("spend_share", "lower", "upper")))


def planted(evidence: Evidence, quick: bool) -> Finding:
    """Customers of whom a fifth buy every ten days for about 15, and the others every other month for 10."""
    often = made_up_log(60, 40, every=10.0, amount=lambda order: 15.0, noise=0.5)
    seldom = made_up_log(240, 7, every=60.0, amount=lambda order: 10.0, seed=2, noise=0.5)
    log = pd.concat([often, seldom.assign(customer_id=seldom["customer_id"] + 60)], ignore_index=True)
    return judge(log.sort_values("date", ignore_index=True), quick)
