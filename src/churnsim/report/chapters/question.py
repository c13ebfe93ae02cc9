"""What was asked."""

from __future__ import annotations

from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Chapter, Paragraph
from churnsim.report.page.context import Context


def chapter(context: Context) -> Chapter:
    """The question in the words of the configuration, and what was compared to answer it."""
    compared = context.say(
        "question.compared" if len(context.titles) > 1 else "question.alone",
        list=context.quoted(context.titles.values()),
        replications=fmt.count(context.run.comparison.replications),
    )
    blocks = [Paragraph(text=context.run.manifest.question), Paragraph(text=compared)]
    return Chapter(id="question", title=context.say("section.question"), blocks=list(blocks))
