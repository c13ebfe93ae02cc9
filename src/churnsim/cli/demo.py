"""``churnsim demo``: a first study without a clone or data of one's own, and the example configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churnsim.cli.export import RUNS, RunsDir, print_table
from churnsim.cli.run import run
from churnsim.errors import ConfigError, MissingExtraError


def demo(
    every: Annotated[bool, typer.Option("--list", help="List the example configurations instead.")] = False,
    write: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write that example into the current folder instead.")
    ] = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Run a short study of a made-up shop: fit, check on the holdout, replay under three strategies, compare, report.

    Everything it needs comes with churnsim. The report is written where the extra [report] is installed.

    \b
    Examples:
      churnsim demo
      churnsim demo --list
      churnsim demo --write demo/shop
    """
    from churnsim.report.page.extras import require_report_extra
    from churnsim.study.config.examples import DEMO, example, examples, first_sentence

    if every:
        print_table(("example", "what it is"), [(name, first_sentence(file)) for name, file in examples().items()])
    elif write is not None:
        _copy(example(write))
    else:
        no_report = None
        try:
            require_report_extra()
        except MissingExtraError as error:
            no_report = str(error)
        run(example(DEMO), runs_dir=runs_dir, no_report=no_report is not None)
        if no_report:
            typer.echo(f"no report: {no_report}")
        typer.echo("Your own: churnsim demo --write templates/purchases, fill it in, churnsim run purchases.toml")


def _copy(file: Path) -> None:
    target = Path(file.name)
    if target.exists():
        raise ConfigError(f"{target} is here already. Move it away, or write the example in another folder.")
    target.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    typer.echo(target)
