"""What each thing that the strategies do would take to pay, in words: for the report's first page and the terminal."""

from __future__ import annotations

from collections.abc import Collection

from churnsim.records.break_even import Alone, BreakEvenRow, MechanismGain
from churnsim.report.page import numbers as fmt
from churnsim.report.page.context import Context


def how_it_was_found(context: Context) -> str:
    """What the paragraphs of `what_it_takes` are about: what is held, how long a period is."""
    found, say = context.run.break_even, context.say
    period = say("take.period", period=context.period) if context.period else ""
    held = say("take.held") if context.draws_beliefs else ""
    return say("take.intro", replications=fmt.count(found.replications if found else 0), period=period, held=held)


def what_it_takes(context: Context) -> list[str]:
    """A paragraph for each mechanism by itself."""
    found = context.run.break_even
    return [_told(context, part, fmt.percent(found.level)) for part in found.alone] if found else []


def _told(context: Context, part: Alone, level: str) -> str:
    say, known = context.say, context.words.known
    gain, best = part.gain, part.at_best
    what = mechanism_title(context, part.mechanism)
    if part.budget:
        what = say("take.priced", what=what, budget=_round(context, part.budget))
    shared = {"what": what, "horizon": context.horizon, "level": level}
    said = [say(f"take.{_reading(gain)}", **shared, **_gained(context, gain))]
    said += _drawn_anew(context, part)
    if best is not None and gain.mean <= 0:
        perfect = known(f"take.perfect_{part.mechanism}", say("take.perfect"))
        key = "best_pays" if best.lower > 0 else "best_never" if best.upper < 0 else "best_open"
        said.append(say(f"take.{key}", perfect=perfect, worth=_round(context, best.worth), **shared))
    for lever in dict.fromkeys(row.lever for row in part.rows):
        by_metric = {row.metric: row for row in part.rows if row.lever == lever}
        said.append(_lever(context, by_metric["npv"], by_metric["equity"], level))
    return context.prose(*said)


def _drawn_anew(context: Context, part: Alone) -> list[str]:
    """That the strategy stands on the other side of nothing where its numbers are drawn anew, where it does."""
    if not _turned(context, part):
        return []
    difference = context.difference(context.more_than_nothing[part.strategy].mean)
    return [context.say("take.drawn_anew", strategy=context.titles[part.strategy], difference=difference)]


def _turned(context: Context, part: Alone) -> bool:
    """Whether the average over what is not known and the gain at the values stated have different signs."""
    row = context.more_than_nothing.get(part.strategy)
    lopsided = row is not None and context.draws_beliefs and row.mean * part.gain.mean < 0
    return lopsided and _reading(part.gain) != "even"


def held_at_values(context: Context, strategies: Collection[str]) -> list[str]:
    """For those of the strategies that do one thing alone, that it stands on the other side of nothing at the values
    stated: what the verdict says of their averages is not to be read without it."""
    found, said = context.run.break_even, []
    settings = {strategy.name: strategy.settings for strategy in context.run.strategies}
    for part in found.alone if found else []:
        if part.strategy in strategies and len(settings[part.strategy]) == 1 and _turned(context, part):
            key, gain = f"answer.held_{_reading(part.gain)}", _gained(context, part.gain)["gain"]
            where = context.say("take.heading")
            said.append(context.say(key, strategy=context.titles[part.strategy], gain=gain, where=where))
    return said


def mechanism_title(context: Context, mechanism: str) -> str:
    """What a firm does by a mechanism, in words."""
    return context.words.known(f"take.does_{mechanism}", fmt.sentence(mechanism.replace("_", " ")))


def lever_title(context: Context, row: BreakEvenRow) -> str:
    """What the number that breaks even is, in words."""
    return context.words.known(f"lever.{row.lever}", row.address)


def _reading(gain: MechanismGain) -> str:
    return "pays" if gain.lower > 0 else "loses" if gain.upper < 0 else "even"


def _gained(context: Context, gain: MechanismGain) -> dict[str, str]:
    like = 10 * max(abs(gain.lower), abs(gain.upper))  # no cents from 100 on
    return {
        "gain": context.money(abs(gain.mean), like=like),
        "interval": context.interval(*(fmt.signed(context.money(end, like=like)) for end in (gain.lower, gain.upper))),
        "worth": _round(context, gain.worth),
    }


def _round(context: Context, value: float) -> str:
    """An amount that nobody needs to the cent; what brings less than nothing is worth nothing."""
    return context.money(max(value, 0.0), like=1000.0 if value >= 99.5 else None)


def _lever(context: Context, row: BreakEvenRow, later: BreakEvenRow, level: str) -> str:
    """Where one number breaks even, over the horizon and with what customers earn afterwards, and what it is here."""
    say = context.say
    shared = {"number": lever_title(context, row), "horizon": context.horizon, "level": level}
    too = "_too" if row.pays == later.pays == "never" and row.sure and later.sure else open_key(row)
    said = say(f"take.at_{row.pays}{too}", **shared, **_places(context, row))
    if (row.pays, row.at, row.sure) != (later.pays, later.at, later.sure):
        said += say(f"take.later_{later.pays}{open_key(later)}", **shared, **_places(context, later))
    status = context.status(row.status)
    here = {"value": amount(context, row, row.value), "status": status}
    if row.value_low is None or row.value_high is None:
        return say("take.lever", said=said, here=say("take.here", **here))
    between = context.interval(*(amount(context, row, end) for end in (row.value_low, row.value_high)))
    return say("take.lever", said=said, here=say("take.here_between", known=fmt.percent(0.9), between=between, **here))


def _places(context: Context, row: BreakEvenRow) -> dict[str, str]:
    low, high = (amount(context, row, end) for end in (row.low, row.high))
    return {"at": amount(context, row, row.at), "interval": limits(context, row), "low": low, "high": high}


def open_key(row: BreakEvenRow) -> str:
    """The end of a sentence's name where what is so on average is not sure."""
    return "" if row.sure else "_open"


def limits(context: Context, row: BreakEvenRow) -> str:
    """The interval of a break-even; where an end lies beyond what was looked at, the other alone."""
    if row.lower is None and row.upper is None:
        return fmt.ABSENT
    if row.lower is None or row.upper is None:
        key, end = ("most", row.upper) if row.lower is None else ("least", row.lower)
        return context.say(f"take.at_{key}", end=amount(context, row, end))
    return context.interval(*(amount(context, row, end) for end in (row.lower, row.upper)))


def amount(context: Context, row: BreakEvenRow, value: float | None) -> str:
    """A value of the number: a share in percent, or money."""
    if value is None:
        return fmt.ABSENT
    if not row.share:
        return context.money(value)
    return fmt.percent(value, 0) if value in (0.0, 1.0) else fmt.small_percent(value)
