"""What `churnsim run` says of a finished study: the same sentences as its report, and the strategies in a table."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from churnsim.cli.tables import print_table

if TYPE_CHECKING:
    from churnsim.report.page.context import Context

__all__ = ["print_summary"]

WIDTH = 100
MARGIN = 11


def print_summary(directory: Path) -> bool:
    """Print the strategies beside each other, the verdict with what weakens it, the customers' value and the claims;
    whether all of the study could be done."""
    from churnsim.records.load import load_run
    from churnsim.report.headline import headline, replay_sentences, sureness, value_sentences
    from churnsim.report.messages import Words
    from churnsim.report.page.context import Context

    context = Context(load_run(directory), Words())
    run, said = context.run, headline(context)
    _print_strategies(context)
    _say("verdict", *said.verdict, *said.leaves_out)
    for sentence in sureness(context):
        _say("precision", sentence)
    if run.value:
        _say("value", *value_sentences(context, run.value))
    if run.validation.replay:
        _say("holdout", *replay_sentences(context, run.validation.replay))
    if run.notices.choice:
        _say("model", context.with_titles(run.notices.choice.why))
    for warning in said.warnings:
        _say("warning", warning)
    if run.claims:
        print_table(("claim", "verdict", "says"), [(row.id, row.verdict, row.says) for row in run.claims])
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
        rows.append([level.strategy, *(_plain(cell) for cell in cells)])
    heads = ("discounted profit", f"more than {context.run.comparison.against}", f"{context.level} interval", "spent")
    if rows:
        print_table(("strategy", *heads), rows, right=heads)


def _plain(text: str) -> str:
    """Without what keeps a sign and a currency on one line of a page."""
    return text.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


def _say(label: str, *sentences: str) -> None:
    """Sentences under a label, broken into lines and hanging from it."""
    text = _plain(" ".join(sentences))
    head, indent = f"{label}:".ljust(MARGIN), " " * MARGIN
    typer.echo(textwrap.fill(text, width=WIDTH, initial_indent=head, subsequent_indent=indent, break_long_words=False))
