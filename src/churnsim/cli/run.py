"""``churnsim run``: one configuration in, one run directory out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from churnsim.cli.errors import EXIT_NO
from churnsim.cli.progress import terminal_progress
from churnsim.cli.report import write_report
from churnsim.cli.summary import print_summary
from churnsim.errors import ConfigError, MissingExtraError

__all__ = ["run"]


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
    continues where it was; one that is complete is not done again. The exit code is 1 where a part of the study failed:
    notices.json says which and why, and the other results are there.

    \b
    Examples:
      churnsim run configs/cdnow.toml
      churnsim run configs/cdnow.toml --workers 1 --runs-dir results
      churnsim run configs/cdnow.toml --replications 200
      churnsim run configs/cdnow.toml --dask-scheduler tcp://10.0.0.5:8786
    """
    from churnsim.study.config.config_file import read_config, with_replications
    from churnsim.study.runner import run_study

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
    complete = print_summary(directory)
    typer.echo(f"results: {directory}")
    if written is not None:
        typer.echo(f"report:  {written}")
    if not complete:
        raise typer.Exit(EXIT_NO)


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
