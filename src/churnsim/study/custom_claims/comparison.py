"""A claim of one's own about strategies: a paired difference on a market, held against a bound."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.evidence import MarketEvidence, cdnow_evidence
from churnsim.claims.machinery.verdicts import Verdict, by_interval
from churnsim.errors import ConfigError
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.market_overrides import overridden_mechanisms
from churnsim.study.config.strategy_sections import built_strategy
from churnsim.study.custom_claims.schema import ClaimFile

__all__ = ["CompareJudge"]

REPLICATIONS = 60


class CompareJudge:
    """Runs the two strategies of a [compare] table on the market at hand, as a control with the control's strategies
    and numbers in place of those of the same name."""

    within = None
    because = "Judged by its 95% interval over paired replications."

    def __init__(self, content: ClaimFile, where: str, *, control: bool) -> None:
        asked = content.compare
        assert asked is not None
        self.of, self.against, self.metric, self._where = asked.of, asked.against, asked.metric, where
        self.low = -math.inf if asked.above is None else asked.above
        self.high = math.inf if asked.below is None else asked.below
        self.quantity = f"Paired difference of {asked.metric} over the horizon, {asked.of} less {asked.against}."
        bounds = {"above": asked.above, "below": asked.below}
        self.expect = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
        wrong = content.control if control else None
        self._tables = {table.name: table for table in [*content.strategy, *(wrong.strategy if wrong else ())]}
        self._market = merged_market(content.market, wrong.market if wrong else {})

    def strategies(self, unit: str) -> list[Strategy]:
        """The two strategies, lengths in `unit`."""
        return [self._built(name, unit) for name in (self.of, self.against)]

    def __call__(self, evidence: Evidence, quick: bool) -> Finding:
        own = evidence if isinstance(evidence, MarketEvidence) else cdnow_evidence(replications=REPLICATIONS)
        own = own.at(quick=quick)
        market = replace(own.market, **overridden_mechanisms(self._market))
        comparison = own.compare(self.strategies(own.market.unit), market=market)
        rows = comparison.differences(self.metric, against=self.against).to_dict("records")
        row = next(row for row in rows if row["strategy"] == self.of)
        mean, lower, upper = (float(row[name]) for name in ("mean", "lower", "upper"))
        verdict = by_interval(lower, upper, low=self.low, high=self.high)
        open_end = " The interval crosses the bound: it takes more customers." * (verdict is Verdict.UNTESTABLE)
        return Finding(
            verdict=verdict,
            reason=(
                f"On {own.label}, {self.of} less {self.against}: {mean:+,.2f} [{lower:+,.2f}, {upper:+,.2f}] over "
                f"{int(row['replications'])} paired replications.{open_end}"
            ),
            estimate=mean, lower=lower, upper=upper, unit=f"{self.metric} over the horizon",
        )  # fmt: skip

    def _built(self, name: str, unit: str) -> Strategy:
        if name not in self._tables:
            known = ", ".join(self._tables) or "none"
            raise ConfigError(f"{self._where} has no [[strategy]] named {name!r}; it has {known}.")
        try:
            return built_strategy(self._tables[name], unit=unit, common_budget=None, read=_no_scores)
        except ConfigError as error:
            raise ConfigError(f"{self._where}, strategy {name!r}: {error}") from None


def merged_market(market: dict[str, Any], control: dict[str, Any]) -> dict[str, Any]:
    """The tables of a market with those of a control over them, number by number."""
    both = {**market, **control}
    return {
        name: {**market.get(name, {}), **table} if isinstance(table, dict) and isinstance(market.get(name, {}), dict)
        else table
        for name, table in both.items()
    }  # fmt: skip


def _no_scores(name: str) -> CustomerScores:
    raise ConfigError(f"scores = {name!r} are of the customers of one study. A claim takes another rule.")
