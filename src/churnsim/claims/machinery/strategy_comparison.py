"""Strategies against each other on one market: paired gains with intervals that hold jointly, as parts of a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from churnsim.claims.machinery.claim import Part, Table
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.verdicts import above
from churnsim.decisions.comparison.compare import Comparison

__all__ = ["Gain", "gain_of", "gain_part", "gain_table", "market_with"]


@dataclass(frozen=True)
class Gain:
    """What one strategy earns more than another, money over the horizon, paired; intervals hold jointly."""

    of: str
    against: str
    mean: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.mean:+,.0f} [{self.lower:+,.0f}, {self.upper:+,.0f}]"


def gain_of(found: Comparison, of: str, against: str, *, metric: str = "equity", jointly: int = 1) -> Gain:
    """The gain of one strategy over another, at 95% jointly with that many others (Bonferroni)."""
    rows = found.differences(metric, against=against, level=1 - 0.05 / jointly).to_dict("records")
    row = next(row for row in rows if row["strategy"] == of)
    return Gain(of, against, *(float(row[key]) for key in ("mean", "lower", "upper")))


def gain_part(gain: Gain, *, name: str = "", estimand: str = "") -> Part:
    """The gain as a part that holds when its interval lies above zero."""
    return Part(
        name=name or f"{gain.of} against {gain.against}",
        estimand=estimand or f"Equity of {gain.of} less that of {gain.against}, money over the horizon, paired.",
        verdict=above(gain.lower, gain.upper),
        estimate=gain.mean,
        lower=gain.lower,
        upper=gain.upper,
        unit="money over the horizon",
        reason=f"{gain.of} less {gain.against}: {gain}.",
    )


def gain_table(gains: Sequence[Gain], **common: Any) -> Table:
    """The gains as rows."""
    return [
        {**common, "of": g.of, "against": g.against, "gain": g.mean, "lower": g.lower, "upper": g.upper} for g in gains
    ]


def market_with(evidence: MarketEvidence, **parts: Any) -> MarketEvidence:
    """The same evidence on a market with these parts; a mapping changes single numbers of a part that is there."""
    market = evidence.market
    changed = {
        name: replace(getattr(market, name), **part) if isinstance(part, dict) else part for name, part in parts.items()
    }
    return replace(evidence, market=replace(market, **changed))
