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

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from churnsim.claims.machinery.claim import Claim, ClaimSource, Control, Evidence, Finding, Kind
from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.machinery.verdicts import closes
from churnsim.claims.reproduction.published import PublishedFigure
from churnsim.claims.reproduction.reproduce import check_inputs, compute
from churnsim.decisions.comparison.metrics import DERIVED
from churnsim.simulation.engine.ledger import ACCOUNTS
from churnsim.study.config.market_overrides import market_problems
from churnsim.study.config.problems import MOST_PROBLEMS, Problem, closest, config_error
from churnsim.study.config.python_file import defined_in
from churnsim.study.config.schema_problems import schema_problems
from churnsim.study.custom_claims.comparison import CompareJudge, merged_market
from churnsim.study.custom_claims.schema import ClaimFile
from churnsim.toml_text import read_toml

__all__ = ["is_claim_file", "read_claims"]


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
        self.quantity = f"{asked.compute} of {dict(self.figure.inputs)}."
        self.expect = asked.stated

    def __call__(self, evidence: Evidence, quick: bool) -> Finding:
        found = compute(self.figure, Workbench())
        return Finding(
            verdict=closes(found, self.stated, within=self.within),
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
        message = "a claim needs one of [figure] and [compare], not both and not neither."
        yield Problem(path=("compare",), message=message, show_value=False)
    elif content.figure is not None and not control.inputs:
        yield Problem(path=("control", "inputs"), message="needs inputs that are wrong on purpose.", show_value=False)
    elif compare is not None:
        if not control.strategy and not control.market:
            message = "needs a [[control.strategy]] or a [control.market] that is wrong."
            yield Problem(path=("control",), message=message, show_value=False)
        if compare.above is None and compare.below is None:
            message = "needs above, below or both: say what would bear the claim out."
            yield Problem(path=("compare",), message=message, show_value=False)
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
