"""A claim of one's own about strategies: a paired difference on a market, held against a bound."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.evidence import MarketEvidence, cdnow_evidence
from churnsim.claims.machinery.verdicts import Verdict, by_interval
from churnsim.decisions.comparison.compare import Comparison
from churnsim.errors import ConfigError
from churnsim.study.config.market_overrides import market_problems, overridden_mechanisms
from churnsim.study.config.mechanism_tables import strategy_from_table
from churnsim.study.config.problems import path_text
from churnsim.study.custom_claims.fields import Asked, number, text

__all__ = ["compare_judge"]

KEYS = {"of", "against", "metric", "above", "below"}
REPLICATIONS = 60


def compare_judge(content: dict[str, Any], control: dict[str, Any], where: str) -> Asked:
    """What a [compare] table asks; the control's strategies and market take the place of those of the same name."""
    table = content["compare"]
    if not isinstance(table, dict) or set(table) - KEYS:
        raise ConfigError(f"[compare] of {where} has the keys {', '.join(sorted(KEYS))} and no others.")
    of, against, metric = text(table, "of", where), text(table, "against", where), str(table.get("metric", "npv"))
    if "above" not in table and "below" not in table:
        raise ConfigError(f"[compare] of {where} needs above, below or both: say what would bear the claim out.")
    if control and not (control.get("strategy") or control.get("market")):
        raise ConfigError(f"[control] of {where} needs a [[control.strategy]] or a [control.market] that is wrong.")
    low = number(table, "above", where) if "above" in table else -math.inf
    high = number(table, "below", where) if "below" in table else math.inf
    tables = {str(t.get("name")): t for t in [*content.get("strategy", ()), *control.get("strategy", ())]}
    for name in (of, against):
        if name not in tables:
            raise ConfigError(f"{where} has no [[strategy]] named {name!r}; it has {', '.join(tables) or 'none'}.")
    for name in (of, against):  # a mistake is said when the file is read, whatever market the claim is judged on
        strategy_from_table(tables[name], unit="W", where=f"strategy of {where}")
    market = _overrides(content.get("market", {}), control.get("market", {}), where)

    def judge(evidence: Evidence, quick: bool) -> Finding:
        own = evidence if isinstance(evidence, MarketEvidence) else cdnow_evidence(replications=REPLICATIONS)
        own = own.at(quick=quick)
        unit = own.market.unit
        strategies = [
            strategy_from_table(tables[name], unit=unit, where=f"strategy of {where}") for name in (of, against)
        ]
        changed = replace(own.market, **overridden_mechanisms(market))
        return _finding(own.compare(strategies, market=changed), of, against, metric, low, high, own.label)

    bounds = [f"above {low:g}"] * math.isfinite(low) + [f"below {high:g}"] * math.isfinite(high)
    return Asked(
        judge=judge,
        quantity=f"Paired difference of {metric} over the horizon, {of} less {against}.",
        expect=" and ".join(bounds),
        within=None,
        because="Judged by its 95% interval over paired replications.",
    )


def _overrides(market: Any, control: Any, where: str) -> dict[str, Any]:
    merged = {name: {**market.get(name, {}), **control.get(name, {})} for name in {**market, **control}}
    for problem in market_problems(merged):
        raise ConfigError(f"{where}, {path_text(problem.path)}: {problem.message}")
    return merged


def _finding(
    comparison: Comparison, of: str, against: str, metric: str, low: float, high: float, label: str
) -> Finding:
    rows = comparison.differences(metric, against=against).to_dict("records")
    row = next(row for row in rows if row["strategy"] == of)
    mean, lower, upper = (float(row[name]) for name in ("mean", "lower", "upper"))
    verdict = by_interval(lower, upper, low=low, high=high)
    return Finding(
        verdict=verdict,
        reason=(
            f"On {label}, {of} less {against}: {mean:+,.2f} [{lower:+,.2f}, {upper:+,.2f}] over "
            f"{int(row['replications'])} paired replications."
            + (" The interval crosses the bound: it takes more customers." if verdict is Verdict.UNTESTABLE else "")
        ),
        estimate=mean,
        lower=lower,
        upper=upper,
        unit=f"{metric} over the horizon",
    )
