"""The report's figures: which stored rows each chart shows, and what its title, note and description say."""

from __future__ import annotations

from collections.abc import Iterable

from churnsim.records.base import Row
from churnsim.records.run import ReplayRecord, ValueRecord
from churnsim.records.what_if import Belief
from churnsim.report.charts import prediction, strategies
from churnsim.report.charts.region import region_chart
from churnsim.report.charts.svg import AnyChart, ChartMaker, draw
from churnsim.report.charts.theme import Size
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Figure
from churnsim.report.page.context import Context

__all__ = [
    "calibration_figure", "drawn_figure", "forest_figure", "holdout_figure", "open_ended", "path_figure",
    "region_figure",
    "replay_figure", "spending_figure", "survey_figure", "tracking_figure", "value_figure",
]  # fmt: skip


def drawn_figure(context: Context, name: str, make: ChartMaker, *, description: str, **values: str) -> Figure:
    """A chart with its title and note, drawn wide and narrow."""
    title = context.say(f"chart.{name}.title", **values)
    wide, narrow = draw(make, name=f"figure-{name}", title=title, description=description)
    return Figure(
        id=f"figure-{name}",
        number=context.figure_number(),
        title=title,
        note=context.say(f"chart.{name}.note", **values),
        wide=wide,
        narrow=narrow,
    )


def _labels(context: Context, name: str, *keys: str) -> dict[str, str]:
    return {key: context.say(f"chart.{name}.{key}") for key in keys}


def open_ended(context: Context, frequencies: Iterable[int | str]) -> list[str]:
    """Frequency classes as a reader wants them: the last pools everything from it on."""
    labels = [str(frequency) for frequency in frequencies]
    if len(labels) > 1 and labels[-1].isdigit():
        labels[-1] = context.say("prediction.or_more", frequency=labels[-1])
    return labels


def calibration_figure(context: Context) -> Figure:
    """Customers by repeat count, counted and expected."""
    validation = context.run.validation
    labels = open_ended(context, [row.frequency for row in validation.frequency])
    rows = [{**row.model_dump(), "frequency": label} for row, label in zip(validation.frequency, labels, strict=True)]
    reading = context.listed(
        [
            context.say(
                "chart.calibration.one",
                frequency=row["frequency"],
                actual=fmt.count(row["actual"]),
                expected=fmt.count(row["expected"]),
            )
            for row in rows
        ]
    )
    description = context.say(
        "chart.calibration.description", calibration_end=validation.calibration_end, reading=reading
    )
    make = prediction.calibration(rows, **_labels(context, "calibration", "x", "y", "actual", "expected"))
    return drawn_figure(context, "calibration", make, description=description)


def holdout_figure(context: Context) -> Figure:
    """Mean holdout purchases by calibration repeat count."""
    validation = context.run.validation
    labels = open_ended(context, [row.frequency for row in validation.holdout_by_frequency])
    rows: list[Row] = [
        {**row.model_dump(), "frequency": label}
        for row, label in zip(validation.holdout_by_frequency, labels, strict=True)
    ]
    reading = context.listed(
        [
            context.say(
                "chart.holdout.one",
                frequency=str(row["frequency"]),
                actual=fmt.fixed(row["actual"], 2),
                expected=fmt.fixed(row["expected"], 2),
            )
            for row in rows
        ]
    )
    end = validation.calibration_end
    make = prediction.holdout(rows, **_labels(context, "holdout", "x", "y", "actual", "expected"))
    return drawn_figure(
        context,
        "holdout",
        make,
        description=context.say("chart.holdout.description", calibration_end=end, reading=reading),
        calibration_end=end,
    )


def tracking_figure(context: Context) -> Figure:
    """Cumulative repeat purchases through calibration and holdout."""
    validation = context.run.validation
    rows: list[Row] = [
        {"date": row.date[:10], "actual": row.actual, "expected": row.expected, "holdout": row.holdout}
        for row in validation.tracking
    ]
    last, mid = rows[-1], next((row for row in reversed(rows) if not row["holdout"]), rows[0])
    description = context.say(
        "chart.tracking.description",
        calibration_end=validation.calibration_end,
        holdout_end=validation.holdout_end,
        actual_mid=fmt.fixed(mid["actual"], 0),
        expected_mid=fmt.fixed(mid["expected"], 0),
        actual_end=fmt.fixed(last["actual"], 0),
        expected_end=fmt.fixed(last["expected"], 0),
    )
    labels = _labels(context, "tracking", "x", "y", "actual", "expected", "mark")
    make = prediction.tracking(rows, end=validation.calibration_end[:10], **labels)
    return drawn_figure(context, "tracking", make, description=description)


def replay_figure(context: Context, replay: ReplayRecord) -> Figure:
    """The simulated holdout against what happened."""
    rows = [
        {
            "label": context.say("chart.replay.simulated"),
            **replay.model_dump(include={"mean", "lower", "upper"}),
        }
    ]
    if replay.with_parameter_uncertainty:
        wider = replay.with_parameter_uncertainty.model_dump(include={"mean", "lower", "upper"})
        rows.append({"label": context.say("chart.replay.with_parameters"), **wider})
    actual = fmt.count(replay.actual)
    make = prediction.replay(
        rows,
        x=context.say("chart.replay.x"),
        actual=replay.actual,
        actual_label=context.say("chart.replay.actual", actual=actual),
    )
    level = fmt.percent(replay.level)
    description = context.say(
        "chart.replay.description",
        mean=fmt.fixed(replay.mean, 0),
        level=level,
        interval=context.count_interval(round(replay.lower), round(replay.upper)),
        actual=actual,
    )
    return drawn_figure(context, "replay", make, description=description, level=level)


def value_figure(context: Context, value: ValueRecord) -> Figure:
    """Customer value by decile."""
    rows = [row.model_dump() for row in value.by_decile]
    description = context.say(
        "chart.value.description",
        first=context.money(rows[0]["value"]),
        last=context.money(rows[-1]["value"]),
    )
    make = strategies.value_by_decile(rows, **_labels(context, "value", "x", "y"))
    return drawn_figure(context, "value", make, description=description)


def spending_figure(context: Context, *, accounts: dict[str, str], totals: dict[str, float]) -> Figure:
    """What each strategy spends; `accounts` names the accounts to show, `totals` the sum of each strategy."""
    order = list(accounts)
    rows = [
        {"strategy": context.titles[row.strategy], "account": accounts[row.account], "mean": row.mean,
         "order": order.index(row.account)}
        for row in context.run.comparison.spending
        if row.account in accounts
    ]  # fmt: skip
    reading = context.listed(
        [
            context.say("chart.spending.one", strategy=context.titles[name], total=context.money(total))
            for name, total in totals.items()
        ]
    )
    make = strategies.spending(
        rows,
        strategies=[context.titles[name] for name in totals],
        accounts=list(accounts.values()),
        x=context.say("chart.spending.x"),
    )
    return drawn_figure(
        context, "spending", make, description=context.say("chart.spending.description", reading=reading)
    )


def forest_figure(context: Context) -> Figure:
    """Paired differences in net present value against the baseline."""
    rows, readings = [], []
    for row in context.differences:
        title, text = context.titles[row.strategy], context.difference(row.mean)
        rows.append({"strategy": title, "mean": row.mean, "lower": row.lower, "upper": row.upper, "text": text})
        interval = context.signed_interval(row.lower, row.upper)
        readings.append(context.say("chart.forest.one", strategy=title, difference=text, interval=interval))
    make = strategies.forest(rows, x=context.say("chart.forest.x"))
    description = context.say("chart.forest.description", reading=context.listed(readings))
    return drawn_figure(
        context, "forest", make, description=description, baseline=context.baseline, level=context.level
    )


def path_figure(context: Context, name: str) -> Figure:
    """One path over time: `name` is 'active' or 'profit'."""
    comparison = context.run.comparison
    rows: list[Row] = []
    for row in comparison.path:
        stored = row.model_dump()
        rows.append(
            {"strategy": context.titles[row.strategy], "period": row.period}
            | {part: stored[f"{name}_{part}"] for part in ("mean", "lower", "upper")}
        )
    others = [s.name for s in context.run.strategies if s.name != comparison.against]
    names = [context.titles[strategy] for strategy in (comparison.against, *others)]
    end = max(row["period"] for row in rows)
    show = context.money if name == "profit" else (lambda value: fmt.fixed(value, 0))
    reading = context.listed(
        [
            context.say(f"chart.{name}.one", strategy=str(row["strategy"]), mean=show(row["mean"]))
            for row in rows
            if row["period"] == end
        ]
    )
    periods = fmt.count(len({row["period"] for row in rows}))
    description = context.say(f"chart.{name}.description", periods=periods, reading=reading)
    make = strategies.paths(rows, strategies=names, **_labels(context, name, "x", "y"))
    return drawn_figure(context, name, make, description=description, level=context.level)


def survey_figure(context: Context, instrument: str, make: ChartMaker, *, reading: str, level: float) -> Figure:
    """One instrument's estimates with their intervals."""
    name = f"survey-{'-'.join(instrument.lower().split())}"
    title = context.say("chart.survey.title", instrument=instrument)
    description = context.say("chart.survey.description", reading=reading)
    wide, narrow = draw(make, name=f"figure-{name}", title=title, description=description)
    number, note = context.figure_number(), context.say("chart.survey.note", level=fmt.percent(level))
    return Figure(id=f"figure-{name}", number=number, title=title, note=note, wide=wide, narrow=narrow)


def region_figure(context: Context, belief: Belief) -> Figure:
    """Where a statement holds."""
    states = [cell["state"] for cell in belief.cells]
    labels = {state: context.words.known(f"beliefs.{state}", state) for state in dict.fromkeys(states)}

    def make(size: Size) -> tuple[AnyChart, int]:
        return region_chart(belief.axes, states, belief.here, size=size, labels=labels), 0

    name, title = f"region-{belief.name}", context.say("chart.region.title", statement=belief.title)
    description = context.say("chart.region.description", reading=" ".join(belief.words))
    wide, narrow = draw(make, name=f"figure-{name}", title=title, description=description)
    note = context.say("chart.region.note")
    number = context.figure_number()
    return Figure(id=f"figure-{name}", number=number, title=title, note=note, wide=wide, narrow=narrow)
