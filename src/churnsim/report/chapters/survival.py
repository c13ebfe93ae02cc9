"""How long subscribers stay: the curve, the families compared, the regression, and the churn model."""

from __future__ import annotations

from typing import Any

from churnsim.records.survival import ScoreRow, SurvivalRecord
from churnsim.report.charts.figures import drawn_figure, survival
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Details, FigureBlock, Paragraph, TableBlock
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, records_table, row_of, table

MOST_ROWS = 60


def chapter(context: Context) -> Chapter:
    """Survival and churn; empty for a study of purchases."""
    title, found = context.say("section.survival"), context.run.survival
    if found is None:
        return Chapter(id="survival", title=title)
    say, churn = context.say, found.churn
    choice = _name(context, found.choice)
    intro = say(
        "survival.intro", leavers=fmt.count(found.leavers), customers=fmt.count(found.customers),
        level=fmt.percent(found.band_level), choice=choice, families=fmt.count(len(found.families)),
    )  # fmt: skip
    inside = say("survival.inside", inside=fmt.count(found.inside), tenures=fmt.count(found.tenures))
    about = say(
        "survival.churn", kind=churn.kind, split=churn.split, leavers=fmt.count(churn.leavers),
        customers=fmt.count(churn.customers),
    )  # fmt: skip
    blocks: list[Block] = [
        Paragraph(text=context.prose(intro, inside)),
        _figure(context, found),
        *_stays(context, found),
        Paragraph(text=say("survival.why", why=context.with_titles(found.why)), tone="note"),
        _folded(context, "families", found.families),
        Paragraph(text=fmt.sentence(found.regression_status), tone="note"),
        _folded(context, "ratios", found.hazard_ratios),
    ]
    if found.proportional:
        blocks.append(_folded(context, "proportional", found.proportional))
    blocks.append(Paragraph(text=about))
    blocks += [
        _scores(context, churn.scores),
        _folded(context, "calibration", churn.calibration),
        _folded(context, "lift", churn.lift),
        _folded(context, "importance", churn.importance),
    ]
    return Chapter(id="survival", title=title, blocks=blocks)


def _stays(context: Context, found: SurvivalRecord) -> list[Block]:
    """By what the subscribers of the strategies' market stay."""
    say, last = context.say, found.curve[-1]
    if last.arrivals is None:
        return []
    text = say(
        "survival.stays_curve" if found.stays_by == "curve" else "survival.stays_apart",
        model=say(f"survival.model.{found.stays_by}"), arrivals=fmt.percent(last.arrivals, 1),
        tenure=fmt.fixed(last.tenure, 0), observed=fmt.percent(last.survival, 1),
    )  # fmt: skip
    return [Paragraph(text=text)]


def _scores(context: Context, records: list[ScoreRow]) -> TableBlock:
    """Held-out scores by their names, each with its interval."""
    say, words = context.say, context.words
    columns = heads(context, "survival", "score_head", "value_head#", "interval_head#", "right_head~")
    rows = []
    for record in records:
        key, bounds = record.score, (fmt.fixed(record.lower, 3), fmt.fixed(record.upper, 3))
        rows.append(
            row_of(
                words.known(f"survival.score.{key}", key.replace("_", " ")), fmt.fixed(record.value, 3),
                context.interval(*bounds), words.known(f"survival.right.{key}", ""),
            )
        )  # fmt: skip
    return table(say("survival.scores"), columns, rows)


def _name(context: Context, kind: str) -> str:
    return context.family(kind, kind.replace("_", " "))


def _folded(context: Context, key: str, records: list[dict[str, Any]]) -> Details:
    caption = context.say(f"survival.{key}")
    return Details(summary=caption, blocks=[records_table(caption, records, limit=MOST_ROWS, told=context.words.told)])


def _figure(context: Context, found: SurvivalRecord) -> FigureBlock:
    say, last = context.say, found.curve[-1]
    names = {
        "survival": say("chart.survival.observed"),
        "chosen": _name(context, found.choice),
        "sbg": say("chart.survival.sbg"),
        "simulated": say("chart.survival.simulated"),
    }
    if last.arrivals is not None and found.stays_by != "curve":
        names["arrivals"] = say("chart.survival.arrivals")
    if found.choice == "sbg":
        del names["sbg"]
    unit = context.words.known(f"unit.{found.unit}", found.unit)
    make = survival(
        [point.model_dump() for point in found.curve], x=say("chart.survival.x", unit=unit), y=say("chart.survival.y"),
        names=names,
    )  # fmt: skip
    said = {
        "tenure": fmt.fixed(last.tenure, 0), "observed": fmt.percent(last.survival, 1), "choice": names["chosen"],
        "chosen": fmt.percent(last.chosen, 1), "simulated": fmt.percent(last.simulated, 1),
    }  # fmt: skip
    return drawn_figure(context, "survival", make, level=fmt.percent(found.band_level), **said)
