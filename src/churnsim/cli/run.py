"""``churnsim run`` and ``churnsim report``: a configuration in, a run directory, its sentences and its report out."""

from __future__ import annotations

import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from churnsim.cli.errors import EXIT_NO
from churnsim.cli.export import RUNS, Fresh, RunFolder, RunsDir, StudyFile, Workers, print_table
from churnsim.cli.progress import terminal_progress
from churnsim.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from churnsim.report.page.context import Context


WIDTH = 100
MARGIN = 11


def print_summary(directory: Path) -> bool:
    """Print the strategies beside each other, the verdict with what weakens it, the customers' value and the claims;
    whether all of the study could be done."""
    from churnsim.records.load import load_run
    from churnsim.report.headline import (
        headline,
        precision_sentences,
        replay_sentences,
        value_sentences,
        variance_sentences,
    )
    from churnsim.report.messages import Words
    from churnsim.report.page.context import Context
    from churnsim.report.what_it_takes import what_it_takes
    from churnsim.report.what_to_measure import sentence

    context = Context(load_run(directory), Words())
    run, said = context.run, headline(context)
    _print_strategies(context)
    say_under("verdict", *said.verdict, *said.beside, *said.leaves_out)
    _print_chances(context)
    if split := variance_sentences(context):
        say_under("spread", *split)
    if run.value_of_information:
        say_under("measure", sentence(context, run.value_of_information))
    for told in what_it_takes(context):
        say_under("to pay", told)
    for told in precision_sentences(context):
        say_under("precision", told)
    if run.value:
        say_under("value", *value_sentences(context, run.value))
    if run.validation.replay:
        say_under("holdout", *replay_sentences(context, run.validation.replay))
    if run.notices.choice:
        say_under("model", context.with_titles(run.notices.choice.why))
    for warning in said.warnings:
        say_under("warning", warning)
    if run.claims:
        print_table(
            ("claim", "answer", "rests on", "says"),
            [(row.id, row.shown, row.basis or "", row.says) for row in run.claims],
        )
    return not run.notices.failures


def _print_strategies(context: Context) -> None:
    """Each strategy's discounted profit, and how much more that is than the one all are compared with."""
    npv, spent = context.run.comparison.metrics["npv"], context.spent
    differences = {row.strategy: row for row in context.differences}
    rows = []
    for level in npv.levels:
        row, cost = differences.get(level.strategy), spent.get(level.strategy)
        gain = [context.difference(row.mean), context.signed_interval(row.lower, row.upper)] if row else ["", ""]
        cells = [context.money(level.mean), *gain, "" if cost is None else context.money(cost)]
        rows.append([level.strategy, *(plain_text(cell) for cell in cells)])
    heads = ("discounted profit", f"more than {context.run.comparison.against}", f"{context.level} interval", "spent")
    if rows:
        print_table(("strategy", *heads), rows, right=heads)


def _print_chances(context: Context) -> None:
    """How surely each strategy is the best, and what choosing it costs."""
    from churnsim.report.page import numbers as fmt

    rows = [
        (row.strategy, fmt.percent(row.chance, 0), plain_text(context.difference(row.loss, sign=False)))
        for row in sorted(context.run.comparison.best, key=lambda row: row.loss)
    ]
    if rows:
        heads = ("best in", "expected loss of choosing it")
        print_table(("strategy", *heads), rows, right=heads)


def plain_text(text: str) -> str:
    """Without what keeps a sign and a currency on one line of a page."""
    return text.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


def say_under(label: str, *sentences: str) -> None:
    """Sentences under a label, broken into lines and hanging from it."""
    text = plain_text(" ".join(sentences))
    head, indent = f"{label}:".ljust(MARGIN), " " * MARGIN
    typer.echo(textwrap.fill(text, width=WIDTH, initial_indent=head, subsequent_indent=indent, break_long_words=False))


ReportLanguage = Literal["en", "zh"]
ReportKind = Literal["html", "pdf", "pptx", "xlsx"]


def run(
    config: StudyFile,
    workers: Workers = None,
    backend: Annotated[
        Literal["threads", "processes", "dask"] | None,
        typer.Option(help="What does the work; the results are the same on each."),
    ] = None,
    dask_scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Work on the Dask cluster of this scheduler, such as tcp://HOST:8786."),
    ] = None,
    replications: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="Instead of the configuration's; those already run are taken over."),
    ] = None,
    runs_dir: RunsDir = RUNS,
    fresh: Fresh = False,
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
        _check_report(study.report.locale)
    with terminal_progress() as progress:
        directory = run_study(
            study, runs_dir=runs_dir, workers=worker_count(workers), backend=backend,
            scheduler=dask_scheduler, fresh=fresh, progress=progress,
        )  # fmt: skip
        written = None
        if not no_report:
            progress.stage("report")
            written = write_report(directory, language=study.report.language, locale=study.report.locale)
    complete = print_summary(directory)
    typer.echo(f"results: {directory}")
    if written is not None:
        typer.echo(f"report:  {written}")
    if not complete:
        raise typer.Exit(EXIT_NO)


def _check_report(locale: str) -> None:
    """Before hours of work, not after them."""
    from churnsim.report.page.extras import require_report_extra
    from churnsim.report.page.numbers import written

    with written(locale):
        pass  # it is known
    try:
        require_report_extra()
    except MissingExtraError as error:
        raise MissingExtraError(f"{error} Or store the results without a report: --no-report.") from None


def worker_count(text: str | None) -> int | str | None:
    """The number of workers that --workers says, or "all". Raises ConfigError for what is neither."""
    if text is None or text == "all":
        return text
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ConfigError(f"--workers {text!r} is not a number of workers. Give a number from 1, or 'all'.")
    return count


def report(
    run: RunFolder,
    language: Annotated[
        ReportLanguage | None, typer.Option(help="Of the sentences; as the study says if absent.")
    ] = None,
    locale: Annotated[
        str | None,
        typer.Option(
            metavar="LOCALE",
            help="How numbers, money and dates are written, such as de-DE; as the study says if absent.",
        ),
    ] = None,
    to: Annotated[
        ReportKind, typer.Option(help="A page, the page as a browser prints it, slides, or a workbook with formulas.")
    ] = "html",
) -> None:
    """Write report.html, or another kind of report, of a finished run from its stored results; in a language that is
    not the study's own beside it, such as report.zh.html.

    \b
    Examples:
      churnsim report runs/cdnow-1a2b3c4d
      churnsim report runs/cdnow-1a2b3c4d --to pptx
      churnsim report runs/cdnow-1a2b3c4d --to xlsx
      churnsim report runs/cdnow-1a2b3c4d --locale de-DE
      churnsim report runs/cdnow-1a2b3c4d --language zh --to pptx
    """
    from churnsim.study.storage.store import RunStore

    directory = RunStore.existing(run).directory
    write = write_report if to == "html" else partial(write_document, to)
    typer.echo(write(directory, language=language, locale=locale))


def write_document(kind: str, directory: Path, *, language: str | None = None, locale: str | None = None) -> Path:
    """Write ``report.pdf``, ``report.pptx`` or ``report.xlsx`` in a run directory; its path."""
    from churnsim.report.documents import deck, pdf, workbook
    from churnsim.study.storage.store import write_bytes

    path = _report_path(directory, language, kind)
    make = {"pdf": pdf, "pptx": deck, "xlsx": workbook}[kind]
    write_bytes(path, make(directory, language=language, locale=locale))
    return path


def _report_path(directory: Path, language: str | None, ending: str) -> Path:
    """``report.html`` in the study's own language; in another ``report.zh.html``, which replaces nothing."""
    from churnsim.study.storage.store import read_json

    own = read_json(directory / "manifest.json").get("report", {}).get("language", "en")
    return directory / (f"report.{ending}" if language in (None, own) else f"report.{language}.{ending}")


def write_report(directory: Path, *, language: str | None = None, locale: str | None = None) -> Path:
    """Render and write ``report.html`` in a run directory, and ``contact-first.csv`` beside it; the report's path."""
    from churnsim.data.database.export import neutral
    from churnsim.records.customers import CONTACTS
    from churnsim.report.html import render
    from churnsim.study.storage.store import read_parquet, write_text

    path = _report_path(directory, language, "html")
    write_text(path, render(directory, language=language, locale=locale))
    if (directory / CONTACTS).is_file():
        contacts = read_parquet(directory / CONTACTS)
        contacts["customer_id"] = contacts["customer_id"].map(neutral)
        write_text(directory / "contact-first.csv", contacts.round(4).to_csv(index=False, lineterminator="\n"))
    return path
