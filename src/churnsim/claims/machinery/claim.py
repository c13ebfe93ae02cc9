"""What a claim is: the statement, where it comes from, what exactly is measured, and how it is judged.

A claim is data plus two functions: one that judges it, and one that judges a deliberately wrong variant of it, the
control. A check whose control does not fail shows nothing, so its result is withdrawn: `Claim.test` runs both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from churnsim.errors import DataError

__all__ = ["Claim", "Control", "Evidence", "Finding", "Judge", "Kind", "Part", "Result", "Source", "Table", "Verdict"]

Evidence = Any
"""What a study hands to the claims that need a market: each such claim says what it reads. Arithmetic needs none."""

Table = list[dict[str, Any]]


class Verdict(StrEnum):
    """What a check may conclude. Only REPRODUCED and HOLDS are unconditional agreement."""

    REPRODUCED = "REPRODUCED"
    """The arithmetic closes: the stated figure follows from the stated inputs."""
    HOLDS = "HOLDS"
    """True wherever it was looked at, within the tolerance."""
    HOLDS_IF = "HOLDS_IF"
    """True in a region of the assumptions and false outside it; the region is given."""
    FAILS = "FAILS"
    """Not true anywhere it was looked at."""
    UNTESTABLE = "UNTESTABLE"
    """Cannot be judged with what is at hand, or the answer would be what was put in."""
    UNTESTED = "UNTESTED"
    """Was not run, or was run and its check proved worthless."""


class Kind(StrEnum):
    """What it takes to judge the claim."""

    ARITHMETIC = "arithmetic"
    DATA = "data"
    SIMULATION = "simulation"
    CONCEPT = "concept"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the claim is made, and the study its figure goes back to as far as one is known."""

    text: str
    """How the text is cited: title and year, or the name of a file of own claims."""
    title: str
    """Its full reference."""
    study: str = ""
    """The original study; empty when the text names none and none is known."""
    measured: str = ""
    """What that study really measured."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of several estimands of a claim, with its own verdict."""

    name: str
    estimand: str
    verdict: Verdict
    reason: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What judging a claim (or its control) gave. `reason` is whole sentences with the figures in them."""

    verdict: Verdict
    reason: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    region: str | None = None
    parts: tuple[Part, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)


Judge = Callable[[Evidence, bool], Finding]
"""Judges a claim: (evidence or None, quick) -> Finding. Without the evidence it needs it returns UNTESTED."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A deliberately wrong variant of the claim; judged the same way, it must fail."""

    what: str
    judge: Judge


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One entry of the catalogue."""

    id: str
    says: str
    quote: str
    """The source's own words, short."""
    sources: tuple[Source, ...]
    kind: Kind
    quantity: str
    """The estimand in one sentence, with its unit."""
    expect: float | tuple[float, float] | str
    """The stated figure, the stated range, or in words what would bear the claim out."""
    within: float | None
    """Largest deviation from `expect` that still counts as agreement; None where `expect` is a range or words."""
    because: str
    """Why this tolerance."""
    control: Control
    critique: tuple[str, ...]
    judge: Judge

    def test(self, evidence: Evidence = None, *, market: Any = None, quick: bool = False) -> Result:
        """Judge the claim and its control, on `evidence` or, shorter, on a `market` (run for two years).

        When the control does not come out as FAILS, the check is worthless and the claim is UNTESTED, whatever the
        finding was. A claim that was itself not tested stays UNTESTED and says why.
        """
        if market is not None:
            from churnsim.claims.machinery.evidence import market_evidence  # loads the engines: only when asked for

            evidence = market_evidence(market)
        try:
            finding, control = self.judge(evidence, quick), self.control.judge(evidence, quick)
        except DataError as error:
            reason = f"The data at hand do not allow it: {error}"
            control = Finding(verdict=Verdict.UNTESTED, reason="Not run, since the claim itself could not be judged.")
            return Result(claim=self, finding=Finding(verdict=Verdict.UNTESTABLE, reason=reason), control=control)
        if finding.verdict is not Verdict.UNTESTED and control.verdict is not Verdict.FAILS:
            reason = (
                f"Worthless check: its control ({self.control.what}) must come out as FAILS and came out as "
                f"{control.verdict}. The finding withdrawn was {finding.verdict}: {finding.reason}"
            )
            finding = replace(finding, verdict=Verdict.UNTESTED, reason=reason, region=None)
        return Result(claim=self, finding=finding, control=control)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A claim, what was found, and what its control gave."""

    claim: Claim
    finding: Finding
    control: Finding

    @property
    def verdict(self) -> Verdict:
        """The verdict on the claim."""
        return self.finding.verdict
