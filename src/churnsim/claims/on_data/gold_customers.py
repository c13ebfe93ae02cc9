"""`gold-customers`: find the best by RFM, regression, factors and clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.verdicts import Spread, above, combine
from churnsim.models.segmentation.gold_customers import gold_customers

__all__ = ["judge"]

UNTIL, HOLDOUT_UNTIL = "1997-09-30", "1998-06-30"
SHARE = 0.20
NAMED = {"rfm": "RFM", "regression": "regression", "factors": "factor analysis", "clusters": "cluster analysis"}
"""The methods that the text names."""


def judge(evidence: Evidence = None, quick: bool = False, *, by_lot: bool = False) -> Finding:
    """What each method's fifth spends afterwards, against a pick by lot; the control picks by lot."""
    log, label = log_of(evidence, sample=True)
    until, end = _split(log)
    table = gold_customers(log, until=until, holdout_until=end, share=SHARE, replications=100 if quick else 400)
    ranked = records(table)
    rows = {str(row["method"]): row for row in ranked}
    chance = 100.0 * SHARE
    if by_lot:
        customers = max(int(ranked[0]["picks"] / SHARE), 2)
        half = 100.0 * 2.0 * float(np.sqrt(SHARE * (1 - SHARE) / customers))
        reason = (
            f"A fifth picked by lot brings {chance:.0f}% of the spend, give or take {half:.1f}: no more than its share."
        )
        return Finding(verdict=above(chance - half, chance + half, chance + half), reason=reason)
    parts = tuple(
        _part(letter, name, rows[method], chance) for letter, (method, name) in zip("abcd", NAMED.items(), strict=True)
    )
    plain, most = rows["past spend"], rows["hindsight"]
    return Finding(
        verdict=combine(parts),
        reason=(
            f"On {label}, picked by {until} and watched until {end}: "
            + " ".join(part.reason for part in parts)
            + f" Past spend alone gives {plain['spend_share']:.1%}, the best method ({ranked[0]['method']}) "
            f"{ranked[0]['spend_share']:.1%}, hindsight {most['spend_share']:.1%}. All of the methods find "
            f"good customers; none does much better than simply looking at what customers have spent."
        ),
        **parts[0].figures_in("percent of the later spend, the fifth picked by RFM"),
        parts=parts,
        tables={"methods": ranked},
    )


def _split(log: pd.DataFrame) -> tuple[str, str]:
    """CDNOW's own split, or the middle of another log."""
    first, last = log["date"].min(), log["date"].max()
    if first <= pd.Timestamp(UNTIL) < pd.Timestamp(HOLDOUT_UNTIL) <= last:
        return UNTIL, HOLDOUT_UNTIL
    return str((first + (last - first) / 2).date()), str(last.date())


def _part(letter: str, name: str, row: dict[str, Any], chance: float) -> Part:
    found = _spent_later(row)
    return Part(
        name=f"({letter}) {name}",
        estimand=f"Share of later spend of the fifth picked by {name}, percent; by lot it is {chance:.0f}.",
        verdict=found.above(chance),
        **found.figures("percent of the later spend"),
        reason=f"{name}: {found.mean:.1f}% [{found.lower:.1f}, {found.upper:.1f}].",
    )


def _spent_later(row: dict[str, Any]) -> Spread:
    return Spread(*(100.0 * float(row[key]) for key in ("spend_share", "lower", "upper")))
