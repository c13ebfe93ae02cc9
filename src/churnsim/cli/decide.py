"""``churnsim decide``: which number to measure before choosing, and what a trial is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnsim.cli.export import RUNS, JsonFile, RunsDir, Workers, not_the_input, print_table, write_json_file
from churnsim.cli.progress import terminal_progress
from churnsim.cli.run import plain_text, say_under, worker_count
from churnsim.errors import ConfigError

if TYPE_CHECKING:
    from churnsim.report.page.context import Context

SHOWN = 20  # numbers in the table; --json has all of them


def decide(
    study: Annotated[
        Path, typer.Argument(metavar="CONFIG|RUN", help="A TOML file of a study, or the run directory of one.")
    ],
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBERS", help="Numbers to know together, such as mine=terms.margin,retention.*"),
    ] = None,
    json_file: JsonFile = None,
    replications: Annotated[
        int | None, typer.Option(metavar="N", min=2, help="Of a CONFIG, instead of its own number.")
    ] = None,
    workers: Workers = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Say which number to measure before choosing among a study's strategies: what it is worth to know each, in money
    for one decision, and what the trials of [decide.trials] are worth net of their cost.

    A CONFIG is run if it has not been, with what earlier runs stored; of a RUN what is stored is read. Needs numbers
    that are drawn (intervals in [market], or beliefs = "all" in [simulation]) and 100 replications.

    \b
    Examples:
      churnsim decide configs/cdnow.toml
      churnsim decide runs/cdnow-1a2b3c4d --group price=terms.margin,prospects.spend_scale
    """
    from churnsim.records.information import InformationRecord
    from churnsim.report.messages import Words
    from churnsim.report.page.context import Context
    from churnsim.report.what_to_measure import how_sure, sentence, trial_sentence, what_it_is
    from churnsim.study.stages.information_stage import stored_information

    groups = _groups(group or [])
    directory = study
    if not study.is_dir():
        not_the_input(study, json_file, "--json")
        directory = _run(study, replications, workers, runs_dir)
    run = stored_information(directory, groups)
    found = run.value_of_information
    assert isinstance(found, InformationRecord)  # or it would have been refused
    context = Context(run, Words())
    say_under("decide", sentence(context, found))
    for trial in found.trials:
        say_under("trial", trial_sentence(context, found, trial))
    _print_worths(context)
    say_under("unit", *what_it_is(context, found))
    say_under("sure", how_sure(context, found))
    write_json_file(json_file, found)


def _run(config: Path, replications: int | None, workers: str | None, runs_dir: Path) -> Path:
    from churnsim.study.config.config_file import read_config, with_replications
    from churnsim.study.runner import run_study
    from churnsim.study.stages.information_stage import may_draw, why_not

    asked = read_config(config)
    if replications is not None:
        asked = with_replications(asked, replications)
    # Before any work, as far as it is known.
    told = why_not(
        amounts=asked.data.has_amounts, drawn=may_draw(asked), replications=asked.most_replications
    )  # fmt: skip
    if told:
        raise ConfigError(f"{config} does not say what its numbers are worth. {told}")
    with terminal_progress() as progress:
        return run_study(asked, runs_dir=runs_dir, workers=worker_count(workers), progress=progress)


def _groups(texts: list[str]) -> dict[str, list[str]]:
    """The groups of the command line by name."""
    found = {}
    for text in texts:
        name, _, numbers = text.partition("=")
        parts = [part.strip() for part in numbers.split(",") if part.strip()]
        if not name.strip() or not parts:
            raise ConfigError(f"--group {text!r} is not NAME=NUMBERS, such as mine=terms.margin,retention.*")
        found[name.strip()] = parts
    return found


def _print_worths(context: Context) -> None:
    from churnsim.report.page import numbers as fmt
    from churnsim.report.what_to_measure import between, money, shown, trials_by_number

    found = context.run.value_of_information
    trials = trials_by_number(found) if found else {}
    rows = []
    for row in shown(found, most=SHOWN) if found else []:
        belief = "" if row.value is None else fmt.significant(row.value, 3)
        if row.value is not None and row.low is not None and row.high is not None:
            belief += f" [{fmt.significant(row.low, 3)}, {fmt.significant(row.high, 3)}]"
        name = row.name if row.kind == "number" else f"{row.name} ({len(row.numbers)})"
        cells = [name, belief, money(context, row.worth), between(context, row), fmt.percent(row.share, 0)]
        trial = trials.get(row.name)
        net = [f"{trial.name}: {fmt.signed(money(context, trial.net))}" if trial else ""] if trials else []
        rows.append([plain_text(cell) for cell in (*cells, *net)])
    heads = ("to know", "believed today", "worth", "interval", "share", *(["trial, net of cost"] if trials else []))
    print_table(heads, rows, right=("believed today", "worth", "interval", "share"))
