"""``churnsim evidence``: what a study's records measure, what stays assumed, and which verdicts change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnsim.cli.errors import EXIT_NO
from churnsim.cli.export import JsonFile, interval, not_the_input, number, print_table, write_json_file
from churnsim.cli.progress import terminal_progress

if TYPE_CHECKING:
    from churnsim.records.evidence import CalibrationRecord, EvidenceRecord
    from churnsim.records.evidence_findings import EvidenceFindings, StrategyVerdict


def evidence(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file of a study with tables [evidence].")],
    replications: Annotated[
        int, typer.Option(metavar="N", min=2, help="Of each strategy, in the market as assumed and as measured.")
    ] = 30,
    json_file: JsonFile = None,
) -> None:
    """Measure a study's market by the firm's own records: what is measured, from what and how surely, what stays
    assumed, and what that changes in the ranking of the strategies. Then calibrate it to what is known in sums
    ([evidence.targets]).

    Both markets meet the same customers and the same chances. The study itself is not run. Exits with 1 where a table
    of records could not be measured, or what is known in sums is not reached.

    \b
    Examples:
      churnsim evidence configs/evidence.toml
      churnsim evidence study.toml --replications 200 --json evidence.json
    """
    from churnsim.study.config.config_file import read_config, with_replications
    from churnsim.study.stages.evidence_findings import evidence_findings
    from churnsim.study.storage.executor import plan_executor

    not_the_input(config, json_file, "--json")
    study = with_replications(read_config(config), replications)
    plan = plan_executor(study.simulation, workers=None, backend=None, scheduler=None)
    with terminal_progress() as progress:
        found = evidence_findings(study, workers=plan.workers, progress=progress)
    _print_measured(found.evidence)
    if found.evidence.calibration is not None:
        _print_calibration(found.evidence.calibration)
    for failure in found.failures:
        typer.echo(f"not measured: {failure.subject}: {failure.reason}")
    _print_known(found)
    _print_verdicts(found)
    write_json_file(json_file, found)
    if found.failures:
        raise typer.Exit(EXIT_NO)


def _print_measured(found: EvidenceRecord) -> None:
    """Each table of records with its checks, and each number before and after."""
    for table in found.measured:
        failed = [check for check in table.checks if check.passed is False]
        passed = sum(check.passed is True for check in table.checks)
        later = f", {table.left_out:,} after the end left out" if table.left_out else ""
        bad = f", {len(table.set_aside):,} bad rows set aside" if table.set_aside else ""
        told = f"; {passed} checks passed, {len(failed)} failed" if passed or failed else ""
        typer.echo(f"{table.kind}: {table.rows:,} rows of {table.source}{later}{bad}; {table.status}{told}")
        for check in (*failed, *(check for check in table.checks if check.passed is None)):
            typer.echo(f"  {'' if check.passed is None else f'FAILED {check.name}: '}{check.message}")
    rows = [
        (
            row.parameter, f"{_number(row.before)} {interval(row.before_low, row.before_high)}", row.before_status,
            f"{_number(row.value)} {interval(row.low, row.high)}",
            row.status if row.used else f"{row.status}; not used, what is stated is as sure", row.source,
        )
        for row in found.numbers
    ]  # fmt: skip
    if rows:
        heads = ("as assumed", "as measured")
        title = f"measured numbers, with {found.numbers[0].level:.0%} intervals"
        print_table(("number", heads[0], "status", heads[1], "status now", "from"), rows, title=title, right=heads)


def _print_calibration(found: CalibrationRecord) -> None:
    """Each figure before and after, and each number of which the figures say something."""
    heads = ("known", "simulated before", "simulated after")
    rows = [
        (
            row.target, f"{_number(row.low)} to {_number(row.high)}",
            f"{_number(row.before)} {interval(row.before_low, row.before_high)}",
            f"{_number(row.after)} {interval(row.after_low, row.after_high)}", "yes" if row.reached else "NO",
            row.source,
        )
        for row in found.targets
    ]  # fmt: skip
    title = (
        f"what is known in sums under {found.strategy}, with {found.level:.0%} intervals: {found.runs:,} simulations, "
        f"worth {found.effective:,.0f} independent draws"
    )
    print_table(("figure", *heads, "reached", "from"), rows, title=title, right=heads)
    moved = [
        (
            row.parameter, f"{_number(row.before)} {interval(row.before_low, row.before_high)}", row.before_status,
            f"{_number(row.value)} {interval(row.low, row.high)}", row.status, row.most,
        )
        for row in sorted(found.numbers, key=lambda row: -row.narrowed) if row.most
    ]  # fmt: skip
    if moved:
        title = "numbers that these figures tell something of" + ("" if found.reached else "; not used")
        columns = ("number", "before", "status", "after", "status now", "most by")
        print_table(columns, moved, title=title, right=("before", "after"))


def _print_known(found: EvidenceFindings) -> None:
    rows = [
        (row.status, row.parameter, _number(row.value), interval(row.low, row.high), row.unit, row.source)
        for row in found.known
    ]
    title = "every number of the market with an effect under these strategies"
    print_table(("status", "number", "value", "interval", "unit", "source"), rows, title=title, right=("value",))


def _print_verdicts(found: EvidenceFindings) -> None:
    """The strategies in both markets, then in words what changes."""
    verdicts = found.verdicts
    heads = ("as assumed", "as measured")
    rows = [(row.strategy, _gain(row.before), _gain(row.after), row.after.rank) for row in verdicts.strategies]
    what = "discounted profit" if verdicts.metric == "npv" else "purchases"
    title = (
        f"{what} more than {verdicts.against}, with {verdicts.level:.0%} intervals of the mean of "
        f"{verdicts.replications} replications"
    )
    print_table(("strategy", *heads, "rank"), rows, title=title, right=(*heads, "rank"))
    changed = [f"{row.strategy}: {row.change}" for row in verdicts.strategies if row.change]
    for text in changed or ["no verdict changes: neither a sign nor the order of the strategies"]:
        typer.echo(text)


def _gain(verdict: StrategyVerdict) -> str:
    mean, low, high = number(verdict.mean, sign="+"), verdict.lower, verdict.upper
    return mean if low is None or high is None else f"{mean} [{number(low, sign='+')}, {number(high, sign='+')}]"


def _number(value: object) -> str:
    return number(value) if isinstance(value, int | float) else str(value)
