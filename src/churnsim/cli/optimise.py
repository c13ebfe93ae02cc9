"""``churnsim optimise``: the best levers of a study's strategy, how good they are, and their marginal returns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnsim.cli.export import (
    RUNS,
    Fresh,
    JsonFile,
    RunsDir,
    Workers,
    not_the_input,
    number,
    print_table,
    write_json_file,
)
from churnsim.cli.progress import terminal_progress
from churnsim.cli.run import worker_count

if TYPE_CHECKING:
    from churnsim.records.optimise import OptimisationRecord


def optimise(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file of a study with a table [optimise].")],
    workers: Workers = None,
    runs_dir: RunsDir = RUNS,
    fresh: Fresh = False,
    json_file: JsonFile = None,
) -> None:
    """Find the levers at which a study's strategy earns most, with spending nothing among the candidates: what it earns
    more than nothing, what it may lack of the optimum, the marginal return of each lever, and the best spending of
    each total.

    Works in the study's run directory, DIR/NAME-HASH: what `churnsim run` has found there is printed, what was stopped
    goes on where it was, and `churnsim run` goes on from what is found here.

    \b
    Examples:
      churnsim optimise configs/optimise.toml
      churnsim optimise study.toml --workers 1 --json best.json
    """
    from churnsim.study.config.config_file import read_config
    from churnsim.study.runner import optimise_study

    not_the_input(config, json_file, "--json")
    study = read_config(config)
    with terminal_progress() as progress:
        directory, found = optimise_study(
            study, runs_dir=runs_dir, workers=worker_count(workers), fresh=fresh, progress=progress
        )
    print_optimisation(found)
    typer.echo(f"{found.points:,} points, {found.simulations:,} simulations: {directory}")
    write_json_file(json_file, found)


def print_optimisation(found: OptimisationRecord) -> None:
    """The answer in words, then the levers with their marginal returns, then the best spending of each total."""
    for sentence in found.words[:2]:
        typer.echo(sentence)
    marginals = {row.lever: row for row in found.marginals}
    rows = []
    for lever in found.levers:
        marginal = marginals.get(lever.lever)
        seen = () if marginal is None else (
            number(marginal.change), f"[{number(marginal.lower)}, {number(marginal.upper)}]",
            f"{number(marginal.low)} to {number(marginal.high)}",
            "" if marginal.per_unit_spent is None else f"{marginal.per_unit_spent:+.2f}",
        )  # fmt: skip
        cells = seen or ("", "", "", "")
        rows.append((lever.lever, f"{lever.low:,.6g} to {lever.high:,.6g}", number(lever.value), *cells))
    heads = ("bounds", "best", "one more changes", f"{found.level:.0%} interval", "seen from", "return per unit spent")
    print_table(("lever", *heads), rows, right=heads)
    if found.frontier:
        names = [lever.lever for lever in found.levers]
        points = [
            (
                number(row.spending), *(number(row.levers[name]) for name in names),
                number(row.mean, sign="+"), f"[{number(row.lower, sign='+')}, {number(row.upper, sign='+')}]",
            )
            for row in found.frontier
        ]  # fmt: skip
        columns = ("spending", *names, "more than nothing", f"{found.level:.0%} interval")
        print_table(columns, points, title="the best spending of each total, per period", right=columns)
