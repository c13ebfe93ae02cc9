"""Does the model predict: calibration counts, holdout by frequency, tracking, and the replay of the holdout."""

from __future__ import annotations

from churnsim.report.charts.figures import (
    calibration_figure,
    holdout_figure,
    open_ended,
    replay_figure,
    season_figure,
    tracking_figure,
)
from churnsim.report.headline import replay_sentences
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Details, Paragraph, TableCell
from churnsim.report.page.context import Context
from churnsim.report.page.tables import folded, heads, noted, row_of


def chapter(context: Context) -> Chapter:
    """The model against customers' behaviour that it was not shown."""
    say, validation = context.say, context.run.validation
    if not validation.calibration_end:  # a study that holds no purchases out
        return Chapter(id="prediction", title=say("section.prediction"))
    end, last = fmt.day(validation.calibration_end), fmt.day(validation.holdout_end)
    blocks: list[Block] = [Paragraph(text=say("prediction.intro", calibration_end=end, holdout_end=last))]
    if validation.replay:
        blocks.append(Paragraph(text=context.prose(*replay_sentences(context, validation.replay))))
        blocks.append(replay_figure(context, validation.replay))
    if validation.tracking:
        blocks.append(tracking_figure(context))
    if validation.season:
        blocks.append(season_figure(context))
    if validation.holdout_by_frequency:
        blocks += [holdout_figure(context), _holdout_table(context)]
    if validation.frequency:
        blocks += [calibration_figure(context), _frequency_table(context)]
    return Chapter(id="prediction", title=say("section.prediction"), blocks=blocks)


def _frequency_table(context: Context) -> Details:
    say, stored = context.say, context.run.validation.frequency
    columns = heads(context, "prediction", "frequency", "actual#", "expected#", "interval#")
    labels = open_ended(context, [row.frequency for row in stored])
    rows = [
        row_of(
            label,
            fmt.count(row.actual),
            fmt.fixed(row.expected, 1),
            context.interval(fmt.fixed(row.lower, 1), fmt.fixed(row.upper, 1)),
        )
        for label, row in zip(labels, stored, strict=True)
    ]
    return folded(say("prediction.frequency_caption"), columns, rows)


def _holdout_table(context: Context) -> Details:
    say, stored = context.say, context.run.validation.holdout_by_frequency
    columns = heads(context, "prediction", "frequency", "customers#", "mean_actual#", "mean_expected#")
    labels = open_ended(context, [row.frequency for row in stored])
    rows: list[list[TableCell]] = []
    for label, row in zip(labels, stored, strict=True):
        note = context.interval(fmt.fixed(row.lower, 2), fmt.fixed(row.upper, 2))
        actual = noted(fmt.fixed(row.actual, 2), note)
        rows.append(row_of(label, fmt.count(row.customers), actual, fmt.fixed(row.expected, 2)))
    return folded(say("prediction.holdout_caption"), columns, rows)
