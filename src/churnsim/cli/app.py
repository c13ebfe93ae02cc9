"""The commands, put together. Each is imported with nothing heavy; what it needs is loaded when it runs."""

from __future__ import annotations

import gc
import os
from typing import Annotated

import typer

import churnsim
from churnsim.cli.claims import claims_app, reproduce
from churnsim.cli.data import fit, score, summarise
from churnsim.cli.data_sets import data_app
from churnsim.cli.database import db_app
from churnsim.cli.decide import decide
from churnsim.cli.demo import demo
from churnsim.cli.errors import guarded
from churnsim.cli.evidence import evidence
from churnsim.cli.explore import explore
from churnsim.cli.optimise import optimise
from churnsim.cli.run import report, run
from churnsim.cli.runs import runs
from churnsim.cli.setup import check, init, schema
from churnsim.cli.survey import survey
from churnsim.cli.trial import trial_app
from churnsim.cli.validate import validate
from churnsim.cli.watch import watch

app = typer.Typer(
    name="churnsim",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"churnsim {churnsim.__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Test what the marketing literature says about keeping customers.

    Fits purchase models to real customers, replays those customers under strategies, judges published claims and
    writes a report.

    \b
    Start with one of these:
      churnsim demo                          a first study, on data that come with it
      churnsim init sales.csv                a study of your own purchases
      churnsim run configs/cdnow.toml        a whole study: fit, replay, compare, report
      churnsim reproduce                     recompute published figures
      churnsim claims list                   what can be tested
      churnsim fit purchases.csv --unit W    a model of your own customers
    """


app.command(short_help="Run a first study, or list and write the examples.")(guarded(demo))
app.command(short_help="Write a study of an export of purchases.")(guarded(init))
app.command(short_help="What a study will do and what it assumes, without running it.")(guarded(check))
app.command(short_help="Run a whole study and write its report.")(guarded(run))
app.command(short_help="Write the report of a finished run again.")(guarded(report))
app.command(short_help="List the runs in a folder, or compare two.")(guarded(runs))
app.command(short_help="Change a finished run on a live page, and simulate it again.")(guarded(explore))
app.command(short_help="Print the JSON Schema of a study's TOML.")(guarded(schema))
app.command(short_help="Which number to measure before choosing.")(guarded(decide))
app.command(short_help="What a study's own records measure and change.")(guarded(evidence))
app.command(short_help="Hold a run's forecasts against what came since.")(guarded(watch))
app.add_typer(trial_app, name="trial")
app.command(short_help="Find the best levers of a study's strategy.")(guarded(optimise))
app.command(short_help="Recompute published figures.")(guarded(reproduce))
app.add_typer(claims_app, name="claims")
app.command(short_help="Fit a model to a file of purchases.")(guarded(fit))
app.command(short_help="Score models on purchases that were held out.")(guarded(validate))
app.command(short_help="Summarise a file of purchases by customer.")(guarded(summarise))
app.command(short_help="Write every customer's scores from a summary in Parquet files.")(guarded(score))
app.command(short_help="Score a file of survey answers by one of the field's instruments.")(guarded(survey))
app.add_typer(data_app, name="data")
app.add_typer(db_app, name="db")


def main() -> None:
    """Run the command line."""
    # Before NumPy is imported: commands use threads or processes of their own, as many as there are cores, and matrices
    # here are small. Threads of linear algebra beside them would spend their time waiting for each other.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Imports and results make many objects that stay; to look for garbage every 700 takes a twentieth of a study.
    gc.set_threshold(50_000, 20, 20)
    app()
