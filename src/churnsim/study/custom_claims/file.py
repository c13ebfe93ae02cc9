"""A claim of one's own, in a TOML file (data: nothing in it is ever run) or a Python file (a program of one's own).

A TOML file states a claim either about a figure, computed by one of the computations that published figures use,

    id = "our-payback"
    says = "A customer of ours is worth 2.5 times its yearly margin."
    [figure]
    compute = "margin_multiple"
    inputs = { retention = 0.78, rate = 0.10, timing = "after_renewal" }
    stated = 2.5
    within = 0.05
    because = "One decimal stated."
    [control]
    what = "five points less retention"
    inputs = { retention = 0.73 }

or about strategies on a market (the CDNOW customers, or those of a study):

    [compare]
    of = "coupons"                 # a [[strategy]]
    against = "nothing"            # another
    metric = "npv"                 # what Comparison.differences knows
    above = 0.0                    # or below = ..., or both

with `[[strategy]]` tables, `[market.*]` overrides as in a study's configuration, and a `[control]` whose
`[[control.strategy]]` tables take the place of those of the same name. A Python file holds `CLAIMS`, a tuple of
`churnsim.claims.Claim`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pydantic import Field

from churnsim.claims.machinery.claim import Claim, ClaimSource, Control, Evidence, Finding, Kind
from churnsim.claims.machinery.evidence import MarketEvidence, cdnow_evidence
from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.machinery.verdicts import Answer, by_interval, closes
from churnsim.claims.reproduction.published import PublishedFigure
from churnsim.claims.reproduction.reproduce import check_inputs, compute
from churnsim.decisions.comparison.metrics import DERIVED
from churnsim.errors import ConfigError
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.engine.ledger import ACCOUNTS
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.file_section import defined_in
from churnsim.study.config.market_overrides import market_problems, overridden_mechanisms
from churnsim.study.config.problems import MOST_PROBLEMS, Problem, closest, config_error, unshown
from churnsim.study.config.schema_problems import schema_problems
from churnsim.study.config.section import Section, Slug
from churnsim.study.config.strategy_sections import StrategySection, built_strategy
from churnsim.toml_text import read_toml, toml_text_of


class FigureSection(Section):
    """A figure, computed by one of the computations that published figures use."""

    compute: str = Field(min_length=1, description="the name of the computation")
    inputs: dict[str, Any] = Field(default_factory=dict, description="its inputs")
    stated: float = Field(description="the figure that is stated")
    within: float = Field(ge=0, description="the largest deviation that still agrees")
    because: str = Field(min_length=1, description="why this tolerance")


class CompareSection(Section):
    """A paired difference of two strategies."""

    of: Slug = Field(description="the name of a [[strategy]]")
    against: Slug = Field(description="the name of another")
    metric: str = Field(default="npv", description="what is compared")
    above: float | None = Field(default=None, description="the difference lies above this")
    below: float | None = Field(default=None, description="the difference lies below this")


class ControlSection(Section):
    """The wrong variant that must fail: inputs, strategies or numbers of the market in place of the claim's own."""

    what: str = Field(min_length=1, description="what is wrong on purpose: it must fail, or the check is worthless")
    inputs: dict[str, Any] = Field(default_factory=dict, description="inputs of the figure")
    strategy: tuple[StrategySection, ...] = Field(default=(), strict=False, description="in place of those so named")
    market: dict[str, Any] = Field(default_factory=dict, description="numbers of the market")


class ClaimFile(Section):
    """A claim of one's own."""

    id: Slug = Field(description="short, lower case; names the claim")
    says: str = Field(min_length=1, description="the claim in a sentence")
    quote: str = Field(default="", description="its own words, where they are others")
    quantity: str = Field(default="", description="what is measured")
    source: str = Field(default="", description="where it comes from")
    critique: tuple[str, ...] = Field(default=(), strict=False, description="what is said against it")
    figure: FigureSection | None = None
    compare: CompareSection | None = None
    strategy: tuple[StrategySection, ...] = Field(default=(), strict=False, description="the strategies compared")
    market: dict[str, Any] = Field(default_factory=dict, description="numbers of the market, as in a study")
    control: ControlSection


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
        answer = by_interval(lower, upper, low=self.low, high=self.high)
        open_end = " The interval crosses the bound: it takes more customers." * (answer is Answer.UNDECIDED)
        return Finding(
            answer=answer,
            reason=(
                f"On {own.label}, {self.of} less {self.against}: {mean:+,.2f} [{lower:+,.2f}, {upper:+,.2f}] over "
                f"{int(row['replications'])} paired replications. {comparison.doubts}{open_end}"
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


class FigureJudge:
    """Computes the figure of a [figure] table, as a control with the control's inputs in place of its own."""

    def __init__(self, content: ClaimFile, where: str, *, control: bool) -> None:
        asked = content.figure
        assert asked is not None
        self.stated, self.within, self.because = asked.stated, asked.within, asked.because
        self.figure = PublishedFigure(
            id=content.id, group="own", what=content.says, compute=asked.compute, published=asked.stated,
            tolerance=asked.within, digits=None, because=asked.because, citation=where,
            inputs={**asked.inputs, **(content.control.inputs if control else {})},
        )  # fmt: skip
        check_inputs(self.figure)
        inputs = ", ".join(f"{name} = {toml_text_of(value)}" for name, value in self.figure.inputs.items())
        self.quantity = f"The figure {asked.compute} at {inputs}."
        self.expect = asked.stated

    def __call__(self, evidence: Evidence, quick: bool) -> Finding:
        found = compute(self.figure, Workbench())
        return Finding(
            answer=closes(found, self.stated, within=self.within),
            reason=f"{self.quantity[:-1]} gives {found:.6g}; stated is {self.stated:g}.",
            estimate=found,
        )


def is_claim_file(name: str) -> bool:
    """Whether a word names a file of claims and not a claim of the catalogue."""
    return name.endswith((".toml", ".py"))


def read_claims(path: Path | str) -> tuple[Claim, ...]:
    """The claims of a file. Raises ConfigError that says what is wrong and what to do.

    A TOML file is data. A Python file is run, as any program one starts: read it first if it is not one's own.
    """
    file = Path(path)
    if file.suffix == ".py":
        return defined_in(file, "CLAIMS", Claim, called="churnsim.claims.machinery.claim.Claim")
    return (_toml_claim(file),)


def _toml_claim(file: Path) -> Claim:
    where = str(file)
    text, raw = read_toml(file, what="claim")
    own = {key: table if isinstance(table, dict) else {} for key, table in raw.items() if key in ("market", "control")}
    markets = chain(
        market_problems(raw.get("market", {})),
        _below_control(market_problems(own.get("control", {}).get("market", {}))),
    )
    problems = list(islice(chain(schema_problems(raw, ClaimFile), markets), MOST_PROBLEMS + 1))
    if not problems:
        content = ClaimFile.model_validate(raw)
        problems = list(_relations(content)) or list(
            market_problems(merged_market(content.market, content.control.market))
        )
    if problems:
        raise config_error(where, text, raw, problems)
    kind = FigureJudge if content.figure is not None else CompareJudge
    judge, wrong = kind(content, where, control=False), kind(content, where, control=True)
    for one in (judge, wrong):
        if isinstance(one, CompareJudge):
            one.strategies("W")  # what no strategy can be is said now, not when the claim is tested
    return Claim(
        id=content.id,
        says=content.says,
        quote=content.quote or content.says,
        sources=(ClaimSource(text=file.name, title=file.name, study=content.source),),
        kind=Kind.ARITHMETIC if content.figure is not None else Kind.SIMULATION,
        quantity=content.quantity or judge.quantity,
        expect=judge.expect,
        within=judge.within,
        because=judge.because,
        control=Control(what=content.control.what, judge=wrong),
        critique=content.critique,
        judge=judge,
    )


def _below_control(problems: Iterator[Problem]) -> Iterator[Problem]:
    for problem in problems:
        yield Problem(path=("control", *problem.path), message=problem.message, show_value=problem.show_value)


def _relations(content: ClaimFile) -> Iterator[Problem]:
    """What must hold between the keys."""
    control, compare = content.control, content.compare
    if (content.figure is None) == (compare is None):
        yield unshown(("compare",), "a claim needs one of [figure] and [compare], not both and not neither.")
    elif content.figure is not None and not control.inputs:
        yield unshown(("control", "inputs"), "needs inputs that are wrong on purpose.")
    elif compare is not None:
        if not control.strategy and not control.market:
            yield unshown(("control",), "needs a [[control.strategy]] or a [control.market] that is wrong.")
        if compare.above is None and compare.below is None:
            yield unshown(("compare",), "needs above, below or both: say what would bear the claim out.")
        if compare.above is not None and compare.below is not None and compare.above >= compare.below:
            yield Problem(path=("compare", "below"), message=f"must be higher than above, {compare.above:g}.")
        if compare.of == compare.against:
            yield Problem(path=("compare", "against"), message="is the strategy itself.")
        names = [strategy.name for strategy in (*content.strategy, *control.strategy)]
        for key in ("of", "against"):
            name = getattr(compare, key)
            if name not in names:
                known = ", ".join(dict.fromkeys(names)) or "none"
                yield Problem(path=("compare", key), message=f"no [[strategy]] is named {name!r}; it has {known}.")
        metrics = (*DERIVED, *ACCOUNTS)
        if compare.metric not in metrics:
            yield Problem(path=("compare", "metric"), message=f"no such metric. {closest(compare.metric, metrics)}")
