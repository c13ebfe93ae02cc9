"""What a claim is: the statement, where it comes from, what exactly is measured, and how it is judged.

A claim is data and a function that judges it. The control is the same function with inputs that are wrong on purpose
(or another function): a check whose control does not fail shows nothing, so its result is withdrawn. `Claim.test` runs
both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from churnsim.claims.machinery.verdicts import Figures, Verdict
from churnsim.errors import ChurnSimError, ClusterError, DataError

if TYPE_CHECKING:
    import pandas as pd

Evidence = Any
"""What a study hands to the claims that need a market: each such claim says what it reads. Arithmetic needs none."""

Rows = list[dict[str, Any]]
"""A table of a finding, one mapping a row."""


class Kind(StrEnum):
    """What it takes to judge the claim."""

    ARITHMETIC = "arithmetic"
    DATA = "data"
    SIMULATION = "simulation"
    CONCEPT = "concept"


@dataclass(frozen=True, kw_only=True)
class ClaimSource:
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
    """One of several estimands of a claim, with its own verdict.

    Attributes
    ----------
    name, estimand : str
        What is judged.
    verdict : Verdict
        And `reason`, in whole sentences.
    estimate, lower, upper : float or None
        The figure with its interval, in `unit`.
    region : str or None
        Where it holds.

    Examples
    --------
    >>> import churnsim
    >>> [part.name for part in churnsim.claims["best-customer"].test().finding.parts]
    ['(a) the quotient', '(b) on a log of purchases']
    """

    name: str
    estimand: str
    verdict: Verdict
    reason: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    region: str | None = None

    @property
    def figures(self) -> Figures:
        """Estimate, interval and unit."""
        return self.figures_in(self.unit)

    def figures_in(self, unit: str) -> Figures:
        """The same with the unit said in other words."""
        return {"estimate": self.estimate, "lower": self.lower, "upper": self.upper, "unit": unit}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What judging a claim (or its control) gave. `reason` is whole sentences with the figures in them.

    Attributes
    ----------
    verdict : Verdict
        And `reason`, in whole sentences.
    estimate, lower, upper : float or None
        The figure with its interval, in `unit`.
    region : str or None
        Where it holds.
    parts : tuple of Part
        Several estimands, each with its own verdict.
    tables : mapping of title to rows
        What the figures come from.
    """

    verdict: Verdict
    reason: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    region: str | None = None
    parts: tuple[Part, ...] = ()
    tables: Mapping[str, Rows] = field(default_factory=dict)


def not_run(why: str) -> Finding:
    """The finding of a check that was not run."""
    return Finding(verdict=Verdict.UNTESTED, reason=why)


Judge = Callable[..., Finding]
"""Judges a claim: (evidence or None, quick) -> Finding. Without the evidence it needs it returns UNTESTED."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A deliberately wrong variant of the claim; judged the same way, it must fail."""

    what: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Wrong inputs for the claim's own judge."""
    judge: Judge | None = None
    """Another judge, where inputs do not say it."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One entry of the catalogue.

    Attributes
    ----------
    id : str
        Its name in the catalogue.
    says, quote : str
        The claim in plain words, and in the source's own, short.
    sources : tuple of ClaimSource
        Where it is made.
    kind : Kind
        What it takes to judge it.
    quantity : str
        The estimand in one sentence, with its unit.
    expect : float, tuple of two floats, or str
        The stated figure, the stated range, or in words what would bear the claim out.
    within : float or None, and because : str
        The largest deviation that still counts as agreement (None for a range or words), and why that one.
    control : Control
        A wrong variant that must fail.
    critique : tuple of str
        What is said against it.
    judge : callable
        (evidence, quick) to Finding.

    Examples
    --------
    A claim of one's own: three in five customers are still there after three years of which each keeps 80%.

    >>> from churnsim.claims import ClaimSource, Control, Kind
    >>> def judge(evidence=None, quick=False, *, years=3):
    ...     left = 0.8**years
    ...     verdict = Verdict.HOLDS if abs(left - 0.6) <= 0.1 else Verdict.FAILS
    ...     return Finding(verdict=verdict, reason=f"{left:.1%} are left.", estimate=left, unit="share")
    >>> claim = Claim(
    ...     id="three-in-five", says="Three in five stay.", quote="three in five", kind=Kind.ARITHMETIC,
    ...     sources=(ClaimSource(text="A talk, 2024", title="A talk, 2024"),), quantity="Share left after three years.",
    ...     expect=0.6, within=0.1, because="It is said in tenths.", critique=(), judge=judge,
    ...     control=Control(what="ten years", inputs={"years": 10}),
    ... )
    >>> result = claim.test()
    >>> result.verdict.value, result.finding.reason, result.control.reason
    ('HOLDS', '51.2% are left.', '10.7% are left.')
    """

    id: str
    says: str
    quote: str
    sources: tuple[ClaimSource, ...]
    kind: Kind
    quantity: str
    expect: float | tuple[float, float] | str
    within: float | None
    because: str
    control: Control
    critique: tuple[str, ...]
    judge: Judge

    def test(
        self, evidence: Evidence = None, *, market: Any = None, log: pd.DataFrame | None = None, quick: bool = False
    ) -> Result:
        """Judge the claim and its control.

        When the control does not come out as FAILS, the check is worthless and the claim is UNTESTED, whatever the
        finding was. A claim that lacks what it needs (a market, purchases, an extra, a table) is UNTESTED with the
        reason, and one that the data at hand do not allow is UNTESTABLE; no error is raised.

        Parameters
        ----------
        evidence
            What the claim is judged on, as `churnsim.claims.cdnow_evidence` or a study makes it. None: claims on data
            take the CDNOW log, and claims on a market are UNTESTED.
        market : Market
            In place of `evidence`: a market of one's own, run for two years.
        log
            With `market`: its customers' transactions (columns customer_id, date, amount), for claims on data.
        quick
            Fewer replications where a test simulates.

        Examples
        --------
        >>> import churnsim
        >>> churnsim.claims["card-npv"].test().verdict.value
        'REPRODUCED'
        """
        if market is not None:
            from churnsim.claims.machinery.evidence import market_evidence  # loads the engines: only when asked for

            evidence = market_evidence(market, log=log)
        if hasattr(evidence, "claimed"):
            evidence = replace(evidence, claimed={})
        try:
            finding = self._said_of_claimed(self.judge(evidence, quick), evidence)
            control = (self.control.judge or self.judge)(evidence, quick, **self.control.inputs)
        except (ClusterError, OSError, MemoryError):  # these end the whole run
            raise
        except Exception as error:
            control = not_run("Not run, since the claim itself could not be judged.")
            return Result(claim=self, finding=_stopped(error), control=control)
        if finding.verdict is not Verdict.UNTESTED and control.verdict is not Verdict.FAILS:
            finding = not_run(
                f"Withdrawn: its check did not work. Its control ({self.control.what}) had to fail and did not, "
                "so that the same check would have passed what is wrong."
            )
        return Result(claim=self, finding=finding, control=control)

    def _said_of_claimed(self, finding: Finding, evidence: Evidence) -> Finding:
        """The finding with what it rests on of the claim's own texts. A figure that is put in is no evidence for its
        text: what would hold is then UNTESTABLE."""
        titles = [source.text.partition(" (")[0] for source in self.sources]
        used = getattr(evidence, "claimed", {})
        own = [name for name, told in used.items() if any(title in told for title in titles)]
        if not own:
            return finding
        rests = f"It rests on figures of the same text, which are claimed and not measured: {', '.join(own)}."
        verdict = finding.verdict
        if verdict in (Verdict.HOLDS, Verdict.REPRODUCED):
            verdict, rests = Verdict.UNTESTABLE, f"{rests} What is put in cannot support the text: not {verdict}."
        return replace(finding, verdict=verdict, reason=f"{finding.reason} {rests}")


def _stopped(error: Exception) -> Finding:
    """The finding of a check that raised: one claim must not end the tests of the others."""
    if isinstance(error, DataError):
        return Finding(verdict=Verdict.UNTESTABLE, reason=f"The data at hand do not allow it: {error}")
    if isinstance(error, ChurnSimError):
        return not_run(f"Could not be run: {error}")
    return not_run(f"The test itself failed, which says nothing about the claim: {type(error).__name__}: {error}")


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
