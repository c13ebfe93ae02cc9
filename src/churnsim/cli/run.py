"""``churnsim run``: one configuration in, one run directory out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnsim.cli.progress import terminal_progress
from churnsim.cli.report import write_report
from churnsim.cli.tables import print_table
from churnsim.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from churnsim.records.notices import Notices

__all__ = ["run", "verdict"]


class On(StrEnum):
    """What does the work."""

    THREADS = "threads"
    PROCESSES = "processes"
    DASK = "dask"


def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file that says what to study.")],
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="How many work at a time: a number or 'all'.")
    ] = None,
    backend: Annotated[On | None, typer.Option(help="What does the work; the results are the same on each.")] = None,
    dask_scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Work on the Dask cluster of this scheduler, such as tcp://HOST:8786."),
    ] = None,
    replications: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="Instead of the configuration's; those already run are taken over."),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where run directories are kept.")] = Path("runs"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what an earlier run of the same study stored.")
    ] = False,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Store the results without writing report.html.")
    ] = False,
) -> None:
    """Run a whole study: fit, check on the holdout, replay under each strategy, compare, judge claims, report.

    Results go to DIR/NAME-HASH, where the hash is that of the configuration and the data. A run that was stopped
    continues where it was; one that is complete is not done again.

    \b
    Examples:
      churnsim run configs/cdnow.toml
      churnsim run configs/cdnow.toml --workers 1 --runs-dir results
      churnsim run configs/cdnow.toml --replications 200
      churnsim run configs/cdnow.toml --dask-scheduler tcp://10.0.0.5:8786
    """
    from churnsim.study.config.config_file import read_config, with_replications
    from churnsim.study.runner import run_study
    from churnsim.study.storage.store import RunStore, read_json

    study = read_config(config)
    if replications is not None:
        study = with_replications(study, replications)
    if not no_report:
        _check_report_extra()
    with terminal_progress() as progress:
        directory = run_study(
            study, runs_dir=runs_dir, workers=_worker_count(workers), backend=backend.value if backend else None,
            scheduler=dask_scheduler, fresh=fresh, progress=progress,
        )  # fmt: skip
        written = None
        if not no_report:
            progress.stage("report")
            written = write_report(directory)
    notices = RunStore(directory).notices()
    _print_outcome(read_json(directory / "comparison.json"), read_json(directory / "strategies.json"))
    _print_notices(notices)
    _print_verdicts(read_json(directory / "claims.json"))
    typer.echo(f"results: {directory}")
    if written is not None:
        typer.echo(f"report:  {written}")


def _check_report_extra() -> None:
    """Before hours of work, not after them."""
    from churnsim.report.page.extras import require_report_extra

    try:
        require_report_extra()
    except MissingExtraError as error:
        raise MissingExtraError(f"{error} Or store the results without a report: --no-report.") from None


def _worker_count(text: str | None) -> int | str | None:
    if text is None or text == "all":
        return text
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ConfigError(f"--workers {text!r} is not a number of workers. Give a number from 1, or 'all'.")
    return count


def _print_outcome(comparison: dict[str, Any], strategies: list[dict[str, Any]]) -> None:
    npv = comparison["metrics"]["npv"]
    differences = {row["strategy"]: row for row in npv["differences"]}
    against, level = comparison["against"], comparison["level"]
    rows = []
    for row in npv["levels"]:
        difference = differences.get(row["strategy"])
        interval = f"{difference['lower']:,.0f} to {difference['upper']:,.0f}" if difference else ""
        gain = f"{difference['mean']:+,.0f}" if difference else ""
        rows.append((row["strategy"], f"{row['mean']:,.0f}", gain, interval))
    more = f"more than {against}"
    if rows:
        print_table(
            ("strategy", "net present value", more, f"{level:.0%} interval"),
            rows,
            right=("net present value", more, f"{level:.0%} interval"),
        )
    typer.echo(verdict(comparison, strategies))
    precision, selection = comparison.get("precision"), comparison.get("selection")
    if precision:
        how = "reached" if precision["reached"] else "not reached: the budget is spent"
        typer.echo(
            f"precision: within {precision['reached_half_width']:,.0f} after {comparison['replications']} replications "
            f"(asked {precision['half_width']:,.0f}; {how})"
        )
    if selection:
        chosen = selection["chosen"] or f"undecided between {', '.join(selection['remaining'])}"
        typer.echo(f"selection: {chosen}, among the strategies in the running (Kim-Nelson at {selection['level']:.0%})")


def verdict(comparison: dict[str, Any], strategies: list[dict[str, Any]]) -> str:
    """What the differences allow to be said in a sentence, of strategies outside the running too."""
    aside = {row["name"] for row in strategies if row.get("reference")}
    found = sorted(comparison["metrics"]["npv"]["differences"], key=lambda row: -row["mean"])
    running = [row for row in found if row["strategy"] not in aside]
    against = comparison["against"]
    if not running:
        return f"verdict:   nothing to compare with {against}."
    best = running[0]
    clear = next((row for row in running if (row["lower"] or 0) > 0), None)
    if clear is not None:
        said = f"{clear['strategy']} earns more than {against}"
    elif all((row["upper"] or 0) < 0 for row in running):
        said = f"every strategy in the running earns less than {against}; {best['strategy']} loses least"
    else:
        said = f"no strategy is shown to earn more than {against}"
    better = [row["strategy"] for row in found if row["strategy"] in aside and row["mean"] > max(best["mean"], 0.0)]
    more = f" {', '.join(better)}, for orientation only, ends above all of them." if better else ""
    return f"verdict:   {said}.{more}"


def _print_notices(notices: Notices) -> None:
    if notices.choice is not None:
        typer.echo(f"model:     {notices.choice.why}")
    for row in notices.unjudged:
        typer.echo(f"unranked:  {row.strategy}: {row.reason}")
    for warning in notices.warnings:
        typer.echo(f"warning:   {warning.message}")
    for failure in notices.failures:
        typer.echo(f"failed:    {failure.stage}{f', {failure.subject}' * bool(failure.subject)}: {failure.reason}")


def _print_verdicts(claims: list[dict[str, Any]]) -> None:
    if claims:
        print_table(("claim", "verdict", "says"), [(row["id"], row["verdict"], row["says"]) for row in claims])
