"""Does the model predict: calibration counts, holdout by frequency, tracking, and the replay of the holdout."""

from __future__ import annotations

from churnsim.records.run import ReplayRecord
from churnsim.report.charts.figures import (
    calibration_figure,
    holdout_figure,
    open_ended,
    replay_figure,
    tracking_figure,
)
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Cell, Chapter, Column, Details, Text
from churnsim.report.page.context import Context
from churnsim.report.page.tables import row_of, table

__all__ = ["chapter", "replay_sentences"]


def chapter(context: Context) -> Chapter:
    """The model against customers' behaviour that it was not shown."""
    say, validation = context.say, context.run.validation
    if not validation.calibration_end:  # a study that holds no purchases out
        return Chapter(id="prediction", title=say("section.prediction"))
    end, last = validation.calibration_end, validation.holdout_end
    blocks: list[Block] = [Text(text=say("prediction.intro", calibration_end=end, holdout_end=last))]
    if validation.replay:
        blocks.append(Text(text=" ".join(replay_sentences(context, validation.replay))))
        blocks.append(replay_figure(context, validation.replay))
    if validation.tracking:
        blocks.append(tracking_figure(context))
    if validation.holdout_by_frequency:
        blocks += [holdout_figure(context), _holdout_table(context)]
    if validation.frequency:
        blocks += [calibration_figure(context), _frequency_table(context)]
    return Chapter(id="prediction", title=say("section.prediction"), blocks=blocks)


def replay_sentences(context: Context, replay: ReplayRecord) -> list[str]:
    """Simulated against actual holdout purchases: covered, or missed and by how much; then with parameter error."""
    sentence = context.say(
        "prediction.replay_covered" if replay.covered else "prediction.replay_missed",
        replications=fmt.count(replay.replications),
        mean=fmt.fixed(replay.mean, 0),
        level=fmt.percent(replay.level),
        interval=context.count_interval(round(replay.lower), round(replay.upper)),
        actual=fmt.count(replay.actual),
        miss=fmt.count(abs(round(replay.miss))),
    )
    sentences, wider = [sentence], replay.with_parameter_uncertainty
    if wider:
        interval = context.count_interval(round(wider.lower), round(wider.upper))
        key = "covered" if wider.covered else "missed"
        miss = fmt.count(abs(round(wider.miss)))
        sentences.append(context.say(f"prediction.replay_parameters_{key}", interval=interval, miss=miss))
    if not (wider or replay).covered:
        sentences.append(context.say("prediction.read_with_care"))
    return sentences


def _frequency_table(context: Context) -> Details:
    say, stored = context.say, context.run.validation.frequency
    columns = [
        Column(title=say("prediction.frequency")),
        *(Column(title=say(f"prediction.{key}"), numeric=True) for key in ("actual", "expected", "interval")),
    ]
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
    caption = say("prediction.frequency_caption")
    return Details(summary=caption, blocks=[table(caption, columns, rows, quiet=True)])


def _holdout_table(context: Context) -> Details:
    say, stored = context.say, context.run.validation.holdout_by_frequency
    keys = ("customers", "mean_actual", "mean_expected")
    columns = [
        Column(title=say("prediction.frequency")),
        *(Column(title=say(f"prediction.{key}"), numeric=True) for key in keys),
    ]
    labels = open_ended(context, [row.frequency for row in stored])
    rows: list[list[Cell]] = []
    for label, row in zip(labels, stored, strict=True):
        note = context.interval(fmt.fixed(row.lower, 2), fmt.fixed(row.upper, 2))
        actual = Cell(text=fmt.fixed(row.actual, 2), note="" if note == fmt.ABSENT else note)
        rows.append(row_of(label, fmt.count(row.customers), actual, fmt.fixed(row.expected, 2)))
    caption = say("prediction.holdout_caption")
    return Details(summary=caption, blocks=[table(caption, columns, rows, quiet=True)])
