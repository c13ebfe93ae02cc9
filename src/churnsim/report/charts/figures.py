"""The report's figures: which stored rows each chart shows, and what its title, note and description say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice
from typing import Any

import pandas as pd

from churnsim.plots.altair_chart import tick_labels
from churnsim.plots.of_models import actual_and_expected, counted_and_expected, over_time
from churnsim.plots.picture import SOLID, AxisSpec, Line, Mark, PictureSpec
from churnsim.plots.theme import ACCOUNTS, ACTUAL, ALARM, DASHES, EXPECTED, INK, STRATEGIES, Size
from churnsim.records.base import Row
from churnsim.records.evidence import MeasuredNumber
from churnsim.records.information import InformationRecord, WorthRow
from churnsim.records.optimise import OptimisationRecord
from churnsim.records.run import FrequencyRow, Holdout, ReplayRecord, ValueRecord
from churnsim.records.survey import MeasuredRow
from churnsim.records.what_if import AssumptionMap
from churnsim.report.charts.marks import Rows, bar_rows, interval_rows, ratio_rows
from churnsim.report.charts.region import region_chart
from churnsim.report.charts.svg import AnyChart, ChartMaker, draw, maker
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import FigureBlock
from churnsim.report.page.context import Context
from churnsim.report.what_to_measure import between, money, named

SIMULATED = "simulated"
LIFT = 0.06  # of what the intervals span: from a dot to its words
LOOKS: dict[str, tuple[str, Line]] = {
    "survival": (INK, SOLID), "chosen": (EXPECTED, (5, 3)), "sbg": (STRATEGIES[2], (2, 2)),
    SIMULATED: (STRATEGIES[3], (1, 3)), "arrivals": (STRATEGIES[4], (8, 2)),
}  # fmt: skip


def survival(rows: Rows, *, x: str, y: str, names: dict[str, str]) -> ChartMaker:
    """Curves over tenure; rows: tenure, lower, upper, and a value for each key of `names` (key: its label)."""
    table = pd.DataFrame(rows)
    curves = {key: table.assign(value=table[key], series=label) for key, label in names.items()}
    # Simulated shares as dots below the lines: the observed one, which they are to be compared with, stays in sight.
    dots = curves.pop(SIMULATED)
    return maker(
        PictureSpec(
            marks=[
                Mark(kind="band", table=table, x="tenure", y="lower", y2="upper", colour=INK, opacity=0.15,
                     stepped=True),
                Mark(kind="points", table=dots, x="tenure", y="value", series="series", width=1.5),
                Mark(kind="line", table=pd.concat(curves.values()), x="tenure", y="value", series="series"),
            ],
            x=AxisSpec(title=x),
            y=AxisSpec(title=y, kind="share"),
            series={label: LOOKS[key] for key, label in names.items()},
            height=300,
        )
    )  # fmt: skip


def paths(table: pd.DataFrame, *, strategies: Sequence[str], x: str, y: AxisSpec) -> ChartMaker:
    """Lines with bands over time; rows: strategy, date or time (a number), mean, lower, upper. The first strategy is
    the baseline."""
    when = "date" if "date" in table else "time"
    return maker(
        PictureSpec(
            marks=[
                Mark(kind="band", table=table, x=when, y="lower", y2="upper", series="strategy", opacity=0.13),
                Mark(kind="line", table=table, x=when, y="mean", series="strategy", width=2.2),
            ],
            x=AxisSpec(title="", kind="date") if when == "date" else AxisSpec(title=x),
            y=y,
            series=dict(zip(strategies, zip(cycle(STRATEGIES), cycle(DASHES), strict=False), strict=False)),
            height=300,
        )
    )


def drawn_figure(context: Context, name: str, make: ChartMaker, *, of: str = "", **said: str) -> FigureBlock:
    """A chart with its title, note and description from the sentences `chart.<name>`, filled with `said`, drawn wide
    and narrow; `of` tells several figures of one name apart."""
    anchor = f"figure-{name}-{of}" if of else f"figure-{name}"
    title, note, description = (
        context.say(f"chart.{name}.{part}", **said) for part in ("title", "note", "description")
    )
    wide, narrow = draw(make, name=anchor, title=title, description=description)
    return FigureBlock(id=anchor, number=context.figure_number(), title=title, note=note, wide=wide, narrow=narrow)


def _labels(context: Context, name: str, *keys: str) -> dict[str, str]:
    return {key: context.say(f"chart.{name}.{key}") for key in keys}


def _currency(context: Context) -> dict[str, Any]:
    """What stands before and after the numbers of an axis of money."""
    return {"prefix": fmt.currency_prefix(context.currency), "suffix": fmt.currency_suffix(context.currency)}


def _interval_label(context: Context, name: str, number: str, interval: str) -> str:
    """A row's label with its number in it, and the interval where there is one."""
    key = "chart.row" if interval == fmt.ABSENT else "chart.row_interval"
    return context.say(key, name=name, number=number, interval=interval)


def open_ended(context: Context, frequencies: Iterable[int | str]) -> list[str]:
    """Frequency classes as a reader wants them: the last pools everything from it on."""
    labels = [str(frequency) for frequency in frequencies]
    if len(labels) > 1 and labels[-1].isdigit():
        labels[-1] = context.say("prediction.or_more", frequency=labels[-1])
    return labels


def _by_frequency(
    context: Context, name: str, make: Callable[..., PictureSpec], stored: Sequence[FrequencyRow | Holdout],
    show: Callable[[float | None], str],
) -> FigureBlock:  # fmt: skip
    """Actual and expected numbers by calibration frequency."""
    labels = open_ended(context, [row.frequency for row in stored])
    reading = [
        context.say(f"chart.{name}.one", frequency=label, actual=show(row.actual), expected=show(row.expected))
        for row, label in zip(stored, labels, strict=True)
    ]
    table = pd.DataFrame([row.model_dump() for row in stored])
    chart = maker(make(table, labels=labels, **_labels(context, name, "x", "y", "actual", "expected")))
    end = fmt.day(context.run.validation.calibration_end)
    return drawn_figure(context, name, chart, calibration_end=end, reading=context.listed(reading))


def calibration_figure(context: Context) -> FigureBlock:
    """Customers by repeat count, counted and expected."""
    stored = context.run.validation.frequency
    return _by_frequency(context, "calibration", counted_and_expected, stored, fmt.count)


def holdout_figure(context: Context) -> FigureBlock:
    """Mean holdout purchases by calibration repeat count."""
    stored = context.run.validation.holdout_by_frequency
    return _by_frequency(context, "holdout", actual_and_expected, stored, lambda value: fmt.fixed(value, 2))


def tracking_figure(context: Context) -> FigureBlock:
    """Cumulative repeat purchases through calibration and holdout."""
    validation = context.run.validation
    rows: list[Row] = [
        {"date": row.date[:10], "actual": row.actual, "expected": row.expected, "holdout": row.holdout}
        for row in validation.tracking
    ]
    last, mid = rows[-1], next((row for row in reversed(rows) if not row["holdout"]), rows[0])
    said = {
        f"{key}_{when}": fmt.fixed(row[key], 0)
        for when, row in (("mid", mid), ("end", last))
        for key in ("actual", "expected")
    }
    labels = _labels(context, "tracking", "y", "actual", "expected", "mark")
    names = {key: labels.pop(key) for key in ("actual", "expected")}
    if last_plain := validation.tracking[-1].plain:
        without = "plain_series" if _own_series(context) else "plain"
        names["plain"] = context.say(f"chart.tracking.{without}", plain=fmt.fixed(last_plain, 0))
        rows = [{**row, "plain": stored.plain} for row, stored in zip(rows, validation.tracking, strict=True)]
    days = pd.DataFrame(rows).melt(["date", "holdout"], list(names), "series", "purchases").replace({"series": names})
    end = pd.Timestamp(validation.calibration_end[:10])
    make = maker(over_time(days.assign(date=pd.to_datetime(days["date"])), actual=names["actual"], end=end, **labels))
    ends = {"calibration_end": fmt.day(validation.calibration_end), "holdout_end": fmt.day(validation.holdout_end)}
    return drawn_figure(context, "tracking", make, **ends, **said)


def season_figure(context: Context) -> FigureBlock:
    """How fast the buying clock runs, week by week."""
    validation = context.run.validation
    name, ahead = context.say("chart.season.name"), context.say("chart.season.ahead")
    after = str((pd.Timestamp(validation.holdout_end[:10]) + pd.Timedelta(days=7)).date())
    weeks = [row for row in validation.season if row.date < after]  # the last week may end after the data
    later = validation.season[len(weeks) :]
    told = [(name, row) for row in weeks] + [(ahead, row) for row in [*weeks[-1:], *later] if later]
    table = pd.DataFrame([{"date": row.date, "series": series, "purchases": row.speed} for series, row in told])
    table["date"] = pd.to_datetime(table["date"])
    labels = {"y": context.say("chart.season.y"), "mark": context.say("chart.tracking.mark")}
    make = maker(over_time(table, actual=name, end=pd.Timestamp(validation.calibration_end[:10]), **labels))
    weeks.sort(key=lambda row: row.speed)
    said = {
        f"{key}_{part}": value
        for key, row in (("fastest", weeks[-1]), ("slowest", weeks[0]))
        for part, value in (("day", fmt.day(row.date)), ("speed", fmt.fixed(row.speed, 2)))
    }
    return drawn_figure(context, "season_series" if _own_series(context) else "season", make, **said)


def _own_series(context: Context) -> bool:
    """Whether the purchases follow customers' own series, and no calendar."""
    return context.run.fits["purchases"].family.endswith("_series")


def replay_figure(context: Context, replay: ReplayRecord) -> FigureBlock:
    """The simulated holdout against what happened."""
    simulated = [("simulated", replay), ("with_parameters", replay.with_parameter_uncertainty)]
    rows: list[Row] = []
    for key, found in simulated:
        if found:
            interval = context.count_interval(round(found.lower), round(found.upper))
            label = _interval_label(context, context.say(f"chart.replay.{key}"), fmt.fixed(found.mean, 0), interval)
            rows.append({"label": label, **found.model_dump(include={"mean", "lower", "upper"})})
    actual = fmt.count(replay.actual)
    rows.append({"label": context.say("chart.replay.actual", actual=actual), "mean": replay.actual, "colour": ALARM})
    make = interval_rows(rows, x=context.say("chart.replay.x"), labels=tick_labels(), reference=replay.actual, weight=5)
    interval = context.count_interval(round(replay.lower), round(replay.upper))
    said = {"mean": fmt.fixed(replay.mean, 0), "level": fmt.percent(replay.level), "interval": interval}
    return drawn_figure(context, "replay", make, actual=actual, **said)


def value_figure(context: Context, value: ValueRecord) -> FigureBlock:
    """Customer value by decile."""
    table = pd.DataFrame([{"decile": str(row.decile), "value": row.value} for row in value.by_decile])
    labels = _labels(context, "value", "x", "y")
    make = maker(
        PictureSpec(
            marks=[Mark(kind="bars", table=table, x="decile", y="value")],
            x=AxisSpec(title=labels["x"], kind="class", classes=tuple(table["decile"])),
            y=AxisSpec(title=labels["y"], zero=True, **_currency(context)),
            height=240,
        )
    )
    first, last = (context.money(row.value) for row in (value.by_decile[0], value.by_decile[-1]))
    return drawn_figure(context, "value", make, first=first, last=last)


def spending_figure(context: Context, *, accounts: dict[str, str], totals: dict[str, float]) -> FigureBlock:
    """What each strategy spends; `accounts` names the accounts to show, `totals` the sum of each strategy."""
    spent = {(row.strategy, row.account): row.mean for row in context.run.comparison.spending}
    parts: list[Row] = []
    for place, name in enumerate(totals):
        start = 0.0
        for account, title in accounts.items():
            end = start + spent.get((name, account), 0.0)
            parts.append({"row": place, "part": title, "start": start, "end": end})
            start = end
    said = [
        context.say("chart.row", name=context.titles[name], number=context.money(total))
        for name, total in totals.items()
    ]
    titles = list(accounts.values())
    make = bar_rows(
        [{"label": text} for text in said], [part for part in parts if part["start"] != part["end"]], names=titles,
        colours=list(islice(cycle(ACCOUNTS), len(titles))), x=context.say("chart.spending.x"),
        labels=tick_labels(**_currency(context)),
    )  # fmt: skip
    return drawn_figure(context, "spending", make, reading=context.listed(said))


def forest_figure(context: Context) -> FigureBlock:
    """Paired differences in net present value against the baseline."""
    rows: list[Row] = []
    for row in context.differences:
        number, interval = context.difference(row.mean), context.signed_interval(row.lower, row.upper)
        label = _interval_label(context, context.titles[row.strategy], number, interval)
        rows.append({"label": label, "mean": row.mean, "lower": row.lower, "upper": row.upper})
    ticks = tick_labels(**_currency(context), signed=True)
    make = interval_rows(rows, x=context.say("chart.forest.x"), labels=ticks, reference=0.0)
    reading = context.listed(row["label"] for row in rows)
    return drawn_figure(
        context, "forest", make, reading=reading, baseline=context.baseline, level=context.level
    )  # fmt: skip


def worth_figure(context: Context, worths: Sequence[WorthRow], found: InformationRecord) -> FigureBlock:
    """What each number and group is worth to know, as bars with intervals."""
    rows: list[Row] = []
    for row in worths:
        label = _interval_label(
            context, fmt.sentence(named(context, row)), money(context, row.worth), between(context, row)
        )
        colour = EXPECTED if row.kind == "number" else ACTUAL
        rows.append({"label": label, "mean": row.worth, "lower": row.lower, "upper": row.upper, "colour": colour})
    ticks = tick_labels(**_currency(context))
    make = interval_rows(rows, x=context.say("chart.worth.x"), labels=ticks, reference=0.0, bars=True)
    reading, level = context.listed(str(row["label"]) for row in rows), fmt.percent(found.level)
    return drawn_figure(context, "worth", make, reading=reading, level=level)


def path_figure(context: Context, name: str) -> FigureBlock:
    """One path over time: `name` is 'active' or 'profit'."""
    comparison, dates = context.run.comparison, context.period_ends
    rows: list[Row] = []
    for row in comparison.path:
        when = {"date": pd.Timestamp(dates[row.period])} if dates else {"time": context.since_start(row.period)[0]}
        stored = row.model_dump()
        values = {part: stored[f"{name}_{part}"] for part in ("mean", "lower", "upper")}
        rows.append({"strategy": context.titles[row.strategy], **when, **values})
    others = [s.name for s in context.run.strategies if s.name != comparison.against]
    names = [context.titles[strategy] for strategy in (comparison.against, *others)]
    last = max(row.period for row in comparison.path)
    show = context.money if name == "profit" else (lambda value: fmt.fixed(value, 0))
    reading = [
        context.say("chart.row", name=row["strategy"], number=show(row["mean"]))
        for row, stored in zip(rows, comparison.path, strict=True)
        if stored.period == last
    ]
    since = context.say("chart.since", unit=context.since_start(last)[1])
    upright = AxisSpec(title=context.say(f"chart.{name}.y"), **(_currency(context) if name == "profit" else {}))
    make = paths(pd.DataFrame(rows), strategies=names, x=since, y=upright)
    horizon, level = context.horizon, context.level
    return drawn_figure(context, name, make, horizon=horizon, level=level, reading=context.listed(reading))


def frontier_figure(context: Context, found: OptimisationRecord) -> FigureBlock:
    """What the best spending of each total earns more than spending nothing, with the answer marked."""
    money = found.objective != "chance"
    table = pd.DataFrame([row.model_dump(include={"spending", "mean", "lower", "upper"}) for row in found.frontier])
    words = context.say("chart.frontier.answer")
    # Above its dot, off the line at 0, and towards the middle.
    above = found.gain.mean + LIFT * (table["upper"].max() - table["lower"].min())
    answer = pd.DataFrame({"spending": [found.spending], "mean": [found.gain.mean], "words": [words], "above": [above]})
    right = found.spending > table["spending"].max() / 2
    make = maker(
        PictureSpec(
            marks=[
                Mark(kind="band", table=table, x="spending", y="lower", y2="upper", opacity=0.13),
                Mark(kind="rule", table=pd.DataFrame({"mean": [0.0]}), y="mean", colour=INK, dash=(4, 3)),
                Mark(kind="line", table=table, x="spending", y="mean"),
                Mark(kind="points", table=table, x="spending", y="mean"),
                Mark(kind="points", table=answer, x="spending", y="mean", colour=ALARM, width=3.0),
                Mark(
                    kind="text",
                    table=answer,
                    x="spending",
                    y="above",
                    text="words",
                    colour=ALARM,
                    align="right" if right else "left",
                ),
            ],
            x=AxisSpec(title=context.say("chart.frontier.x"), **_currency(context)),
            y=AxisSpec(title=context.say("chart.frontier.y"), signed=True, **(_currency(context) if money else {})),
            height=300,
        )
    )
    show = context.money if money else fmt.percent
    reading = [
        context.say("chart.row", name=context.money(row.spending), number=fmt.signed(show(row.mean)))
        for row in found.frontier
    ]
    return drawn_figure(
        context, "frontier", make, horizon=context.horizon, level=fmt.percent(found.level),
        reading=context.listed(reading),
    )  # fmt: skip


def drawable(row: MeasuredNumber) -> bool:
    """Whether a number that was measured has a place on a scale of multiples: nothing of it, before or after, is 0."""
    ends = (row.value, row.low, row.high, row.before, row.before_low, row.before_high)
    return row.used and row.status != "assumed" and min(ends) > 0


def measured_figure(context: Context, numbers: Sequence[MeasuredNumber]) -> FigureBlock | None:
    """What was measured beside what was assumed, as multiples of that; None where no number is above 0 in both."""
    rows: list[Row] = []
    for row in numbers:
        if drawable(row):
            ends = {"before_lower": row.before_low, "before_upper": row.before_high}
            ends |= {"lower": row.low, "upper": row.high}
            interval = context.significant_interval(row.low, row.high)
            said = {"name": row.meaning, "before": fmt.significant(row.before, 3)}
            label = context.say("chart.measured.row", number=fmt.significant(row.value, 3), interval=interval, **said)
            rows.append({"label": label, "mean": row.value, "before_mean": row.before, **ends})
    if not rows:
        return None
    names = (context.say("chart.measured.before"), context.say("chart.measured.after"))
    make = ratio_rows(rows, x=context.say("chart.measured.x"), names=names)
    reading = context.listed(str(row["label"]) for row in rows)
    return drawn_figure(context, "measured", make, reading=reading, level=fmt.percent(numbers[0].level))


def survey_figure(context: Context, instrument: str, measured: Sequence[MeasuredRow], *, level: float) -> FigureBlock:
    """One instrument's estimates with their intervals."""
    rows = [
        {"label": context.say("chart.row", name=row.name, number=fmt.fixed(row.estimate, 2)), "mean": row.estimate,
         "lower": row.lower, "upper": row.upper}
        for row in measured
    ]  # fmt: skip
    make = interval_rows(rows, x=context.say("survey.axis"), labels=tick_labels())
    reading = context.listed(str(row["label"]) for row in rows)
    of = "-".join(instrument.lower().split())
    return drawn_figure(
        context, "survey", make, of=of, instrument=instrument, reading=reading, level=fmt.percent(level)
    )


def region_figure(context: Context, belief: AssumptionMap) -> FigureBlock:
    """Where a statement holds."""
    states = [cell["state"] for cell in belief.cells]
    labels = {state: context.words.known(f"beliefs.{state}", state) for state in dict.fromkeys(states)}

    def make(size: Size) -> tuple[AnyChart, int]:
        return region_chart(belief.axes, states, belief.here, size=size, labels=labels), 0

    said: dict[str, Any] = {"statement": belief.title, "reading": " ".join(belief.words)}
    return drawn_figure(context, "region", make, of=belief.name, **said)
