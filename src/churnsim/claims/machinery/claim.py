"""What a claim is: the statement, where it comes from, what exactly is measured, and how it is judged.

A claim is data and a function that judges it. The same function (or another) is also run in a world where the claim is
false and in one where it is true: a check that does not tell them apart shows nothing, so its result is withdrawn.
`Claim.test` runs all three.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from churnsim.checks import check_count, check_kind, check_number
from churnsim.claims.machinery.plausible import Plausible
from churnsim.claims.machinery.verdicts import Answer, Basis, Figures, Verdict, weakest
from churnsim.errors import ChurnSimError, ClusterError, ConfigError, DataError

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

    @property
    def basis(self) -> Basis:
        """What its answers rest on where a claim does not say."""
        return {Kind.DATA: Basis.MEASURED, Kind.SIMULATION: Basis.ASSUMED}.get(self, Basis.ARITHMETIC)


def _takes_old_verdict(cls: Any) -> Any:
    """The class with `verdict`, in which answer and basis were one word, as an argument and as a property."""
    start = cls.__init__

    @functools.wraps(start)
    def __init__(self: Any, *, verdict: Verdict | str | None = None, **given: Any) -> None:  # noqa: N807
        if verdict is not None:
            _warn_old("verdict=", "answer= and basis=")
            given = {**Verdict(verdict).fields(), **given}
        start(self, **given)

    def old(self: Any) -> Verdict:
        """The old name of the answer."""
        _warn_old("verdict", "answer and basis")
        return Verdict.of(self.answer, self.basis, self.ran)

    cls.__init__ = __init__
    cls.verdict = property(old)
    return cls


def _warn_old(old: str, new: str) -> None:
    warnings.warn(
        f"{old} of a claim's finding is now {new}; the old name goes in 0.3.", DeprecationWarning, stacklevel=3
    )


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
class Judgement:
    """What a check found of one statement: the fields that a `Finding` and its `Part`s share."""

    answer: Answer
    reason: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    region: str | None = None
    basis: Basis | None = None
    plausible: Plausible | None = None
    ran: bool = True

    def __post_init__(self) -> None:
        """HOLDS_IF says where, and how much of what is plausible that is: else it could be said of any statement."""
        if self.answer is Answer.HOLDS_IF and (self.plausible is None or not self.region):
            raise ConfigError(
                "HOLDS_IF needs a region and how much of what is plausible it is (plausible=). Without beliefs about "
                "what it depends on the answer is UNDECIDED."
            )

    @property
    def figures(self) -> Figures:
        """Estimate, interval and unit."""
        return self.figures_in(self.unit)

    def figures_in(self, unit: str) -> Figures:
        """The same with the unit said in other words."""
        return {"estimate": self.estimate, "lower": self.lower, "upper": self.upper, "unit": unit}


@_takes_old_verdict
@dataclass(frozen=True, kw_only=True)
class Part(Judgement):
    """One of several estimands of a claim, with its own answer.

    Attributes
    ----------
    name, estimand : str
        What is judged.
    answer, reason, basis, plausible, ran, estimate, lower, upper, unit, region
        As of `Finding`.

    Examples
    --------
    >>> import churnsim
    >>> [part.name for part in churnsim.claims["best-customer"].test().finding.parts]
    ['(a) the quotient', '(b) on a log of purchases']
    """

    name: str
    estimand: str


@_takes_old_verdict
@dataclass(frozen=True, kw_only=True)
class Finding(Judgement):
    """What judging a claim (or its control) gave. `reason` is whole sentences with the figures in them.

    Attributes
    ----------
    answer : Answer
        And `reason`, in whole sentences.
    basis : Basis or None
        What the answer rests on; by default what the claim's answers do.
    plausible : Plausible or None
        How much of what is plausible it holds in. HOLDS_IF needs it, and `region`.
    ran : bool
        Whether it was looked at.
    estimate, lower, upper : float or None
        The figure with its interval, in `unit`.
    region : str or None
        Where it holds.
    parts : tuple of Part
        Several estimands, each with its own answer.
    tables : mapping of title to rows
        What the figures come from.
    """

    parts: tuple[Part, ...] = ()
    tables: Mapping[str, Rows] = field(default_factory=dict)


def not_run(why: str) -> Finding:
    """The finding of a check that was not run."""
    return Finding(answer=Answer.UNDECIDED, ran=False, reason=why)


Judge = Callable[..., Finding]
"""Judges a claim: (evidence or None, quick) -> Finding. Without the evidence it needs it returns `not_run`."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A planted world whose answer is known: judged the same way, a false statement must fail and a true one hold."""

    what: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Wrong inputs for the claim's own judge."""
    judge: Judge | None = None
    """Another judge, where inputs do not say it."""
    seeded: bool = False
    """Whether it takes a `seed`, of what is made up in it."""

    def in_world(self, claim: Claim, evidence: Evidence, quick: bool, own: Mapping[str, Any], number: int) -> Finding:
        """What the claim's check finds in the world of this number, the first being 0."""
        seed: dict[str, Any] = {"seed": 1 + number} if self.seeded else {}
        if number and hasattr(evidence, "seed"):
            evidence = replace(evidence, seed=evidence.seed + number)
        return (self.judge or claim.judge)(evidence, quick, **{**own, **self.inputs, **seed})

    def worlds(self, evidence: Evidence, asked: int) -> int:
        """How many worlds of it differ: one where nothing in it is drawn."""
        return asked if self.seeded or hasattr(evidence, "seed") else 1


@dataclass(frozen=True, kw_only=True)
class Power:
    """How often a claim's check told what was planted: of `true_worlds` it held in `held`, of `false_worlds` in
    `false_alarms`. Without `true_worlds` none could be made.

    Examples
    --------
    >>> str(Power(true_worlds=20, held=19, false_worlds=20, false_alarms=0))
    'held in 19 of 20 true worlds, and in 0 of 20 false ones'
    """

    true_worlds: int
    held: int
    false_worlds: int
    false_alarms: int

    def __str__(self) -> str:
        true = f"held in {self.held} of {self.true_worlds} true worlds, and in" if self.true_worlds else "held in"
        return f"{true} {self.false_alarms} of {self.false_worlds} false ones"


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
        A world in which the claim is false: it must fail.
    planted : Control or None
        A world in which it is true: it must not fail, or FAILS would say nothing. None where a stated figure is
        recomputed and holds itself, or none can be made.
    basis : Basis or None
        What its answers rest on where a part does not say; by default by its kind.
    settings : mapping
        Numbers of its own that its judge takes (a budget, what an offer costs), with their defaults.
    critique : tuple of str
        What is said against it.
    judge : callable
        (evidence, quick) to Finding.
    data_sets : tuple of str
        Those of `churnsim.datasets.source` that it reads whatever market it is judged on.
    reads : tuple of str or None
        The parts of a market that its answer depends on. It is judged with all others as they are by default, so that
        a study in which another part has changed need not judge it again. None: on all.

    Examples
    --------
    A claim of one's own: three in five customers are still there after three years of which each keeps 80%.

    >>> from churnsim.claims import ClaimSource, Control, Kind
    >>> def judge(evidence=None, quick=False, *, years=3):
    ...     left = 0.8**years
    ...     answer = Answer.HOLDS if abs(left - 0.6) <= 0.1 else Answer.FAILS
    ...     return Finding(answer=answer, reason=f"{left:.1%} are left.", estimate=left, unit="share")
    >>> claim = Claim(
    ...     id="three-in-five", says="Three in five stay.", quote="three in five", kind=Kind.ARITHMETIC,
    ...     sources=(ClaimSource(text="A talk, 2024", title="A talk, 2024"),), quantity="Share left after three years.",
    ...     expect=0.6, within=0.1, because="It is said in tenths.", critique=(), judge=judge,
    ...     control=Control(what="ten years", inputs={"years": 10}),
    ... )
    >>> result = claim.test()
    >>> result.answer.value, result.finding.basis.value, result.finding.reason, result.control.reason
    ('HOLDS', 'arithmetic', '51.2% are left.', '10.7% are left.')
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
    planted: Control | None = None
    basis: Basis | None = None
    data_sets: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def test(
        self,
        evidence: Evidence = None,
        *,
        market: Any = None,
        log: pd.DataFrame | None = None,
        quick: bool = False,
        settings: Mapping[str, Any] | None = None,
        worlds: int = 1,
    ) -> Result:
        """Judge the claim, and the same check on a world in which the claim is false and on one in which it is true.

        When the false world does not fail, or the true one does, the check is worthless, and its finding is withdrawn,
        whatever it was. A claim that lacks what it needs (a market, purchases, an extra, a table) is not
        run, with the reason, and one that the data at hand do not allow is UNDECIDED; no error is raised.

        Parameters
        ----------
        evidence
            What the claim is judged on, as `churnsim.claims.cdnow_evidence` or a study makes it. None: claims on data
            take the CDNOW log, and claims on a market are not run.
        market : Market
            In place of `evidence`: a market of one's own, run for two years.
        log
            With `market`: its customers' transactions (columns customer_id, date, amount), for claims on data.
        quick
            Fewer replications where a test simulates.
        settings
            Numbers of the claim's own in place of its `settings`, as the cost of an offer. Others are a ConfigError.
        worlds
            How many worlds of each kind the check is run in, where something in them is drawn: `Result.power` counts.

        Examples
        --------
        >>> import churnsim
        >>> churnsim.claims["card-npv"].test().answer.value
        'HOLDS'
        """
        own = self.check_settings(settings or {})
        check_count(worlds, "worlds")
        if log is not None and market is None:
            raise ConfigError(
                "log goes with market=: give a Market of these customers too, as docs/first-day.md makes it."
            )
        if market is not None:
            from churnsim.claims.machinery.evidence import market_evidence  # loads the engines: only when asked for

            evidence = market_evidence(market, log=log)
        if hasattr(evidence, "claimed"):
            evidence = replace(evidence, claimed={})
        if self.reads is not None and hasattr(evidence, "reading"):
            evidence = evidence.reading(self.reads)
        try:
            finding = self._complete(self._said_of_claimed(self.judge(evidence, quick, **own), evidence))
            falses, trues = (self._in(world, evidence, quick, own, worlds) for world in (self.control, self.planted))
        except (ClusterError, OSError, MemoryError):  # these end the whole run
            raise
        except Exception as error:
            control = not_run("Not run, since the claim itself could not be judged.")
            return Result(claim=self, finding=_stopped(error), control=control)
        false, true = falses[0], trues[0] if trues else None
        power = Power(
            true_worlds=len(trues), held=sum(found.answer is Answer.HOLDS for found in trues),
            false_worlds=len(falses), false_alarms=sum(found.answer is Answer.HOLDS for found in falses),
        )  # fmt: skip
        if finding.ran and false.answer is not Answer.FAILS:
            finding = not_run(
                f"Withdrawn: its check did not work. Its control ({self.control.what}) had to fail and did not, "
                "so that the same check would have passed what is wrong."
            )
        elif finding.ran and self.planted is not None and true is not None and true.answer is Answer.FAILS:
            finding = not_run(
                f"Withdrawn: its check did not work. In a world in which the claim is true ({self.planted.what}) it "
                "failed, so that the same check would have failed what is right."
            )
        return Result(claim=self, finding=finding, control=false, planted=true, power=power)

    def check_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as the judge takes them. Raises ConfigError for one that the claim does not have."""
        for name, value in settings.items():
            if name not in self.settings:
                known = ", ".join(self.settings) or "none"
                raise ConfigError(f"the claim {self.id!r} has no setting {name!r}; it has {known}.")
            if isinstance(self.settings[name], list | tuple):
                check_kind(value, name, (list, tuple), "a list of numbers")
            for number in value if isinstance(value, list | tuple) else [value]:
                check_number(number, name, above=0.0)
        return dict(settings)

    def _in(
        self, world: Control | None, evidence: Evidence, quick: bool, own: Mapping[str, Any], worlds: int
    ) -> list[Finding]:
        """What the check finds in planted worlds; empty where none can be made."""
        if world is None:
            return []
        return [world.in_world(self, evidence, quick, own, number) for number in range(world.worlds(evidence, worlds))]

    def _complete(self, finding: Finding) -> Finding:
        """The finding with what it and its parts rest on, and with how many of them were run."""
        own = self.basis or self.kind.basis
        parts = tuple(replace(part, basis=part.basis or own) for part in finding.parts)
        ran = [part for part in parts if part.ran]
        decides = [part.basis or own for part in ran if part.answer is finding.answer]
        reason, missing = finding.reason, len(parts) - len(ran)
        if missing and ran:
            reason = f"{reason} {missing} of {len(parts)} parts could not be run."
        return replace(
            finding, parts=parts, basis=finding.basis or weakest(decides or [own]), reason=reason,
            ran=finding.ran and (bool(ran) or not parts),
        )  # fmt: skip

    def _said_of_claimed(self, finding: Finding, evidence: Evidence) -> Finding:
        """The finding with what it rests on of the claim's own texts. A figure that is put in is no evidence for its
        text: what would hold is then UNDECIDED."""
        titles = [source.text.partition(" (")[0] for source in self.sources]
        used = getattr(evidence, "claimed", {})
        own = [name for name, told in used.items() if any(title in told for title in titles)]
        if not own:
            return finding
        rests = f"It rests on figures of the same text, which are claimed and not measured: {', '.join(own)}."
        answer = finding.answer
        if answer in (Answer.HOLDS, Answer.HOLDS_IF):
            answer, rests = Answer.UNDECIDED, f"{rests} What is put in cannot support the text: not {answer}."
        return replace(finding, answer=answer, reason=f"{finding.reason} {rests}")


def _stopped(error: Exception) -> Finding:
    """The finding of a check that raised: one claim must not end the tests of the others."""
    if isinstance(error, DataError):
        return Finding(answer=Answer.UNDECIDED, reason=f"The data at hand do not allow it: {error}")
    if isinstance(error, ChurnSimError):
        return not_run(f"Could not be run: {error}")
    return not_run(f"The test itself failed, which says nothing about the claim: {type(error).__name__}: {error}")


@dataclass(frozen=True, kw_only=True)
class Result:
    """A claim, what was found, and what its check gave in a world where it is false and in one where it is true."""

    claim: Claim
    finding: Finding
    control: Finding
    planted: Finding | None = None
    power: Power | None = None

    @property
    def answer(self) -> Answer:
        """The answer to the claim."""
        return self.finding.answer

    @property
    def ran(self) -> bool:
        """Whether there is an answer: the claim was run, and its check works."""
        return self.finding.ran

    @property
    def verdict(self) -> Verdict:
        """The old name of the answer."""
        return self.finding.verdict  # type: ignore[attr-defined,no-any-return]
