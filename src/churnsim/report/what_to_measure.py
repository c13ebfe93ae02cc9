"""What it is worth to know a number before choosing, in words: for the report's chapter and the terminal."""

from __future__ import annotations

from churnsim.decisions.assumptions.levers import LEVERS
from churnsim.records.information import InformationRecord, TrialRow, WorthRow
from churnsim.report.page import numbers as fmt
from churnsim.report.page.context import Context

_LEVERS = {lever.address: lever.name for levers in LEVERS.values() for lever in levers}


def sentence(context: Context, found: InformationRecord) -> str:
    """What to measure first, or that nothing is surely worth it."""
    first, rest, whole = found.to_measure, found.row("rest"), found.row("everything")
    assert whole is not None  # every record has it
    said = {"what": named(context, first), "worth": money(context, first.worth), "interval": between(context, first)}
    if first.lower > 0:
        others = context.say("measure.rest", worth=money(context, rest.worth)) if rest else ""
        return context.say("measure.first", rest=others, **said)
    best, all_of_it = (
        title(context, found.best),
        {"all": money(context, whole.worth), "limits": between(context, whole)},
    )
    if first.worth > 0:
        return context.say("measure.unsure", best=fmt.sentence(best), **said, **all_of_it)
    return context.say("measure.none", best=best, **all_of_it)


def what_it_is(context: Context, found: InformationRecord) -> list[str]:
    """Of which decision, over how long, for whom; and that chance is not counted."""
    whole = found.row("everything")
    assert whole is not None  # every record has it
    customers = fmt.count(context.run.manifest.data.customers)
    options = context.listed(title(context, name) for name in found.options)
    changes = fmt.percent(whole.changes, 0)
    chance = "measure.chance_too" if found.foresight > whole.worth else "measure.chance"
    return [
        context.say("measure.decision", options=options, customers=customers, horizon=context.horizon),
        context.say(
            "measure.now", best=title(context, found.best), gain=money(context, found.gain), changes=changes,
            nothing=title(context, found.nothing),
        ) if found.best != found.nothing else context.say(
            "measure.now_nothing", best=title(context, found.best), changes=changes
        ),
        context.say(chance, foresight=money(context, found.foresight)),
    ]  # fmt: skip


def how_sure(context: Context, found: InformationRecord) -> str:
    """What the intervals hold, and what shuffled numbers come to."""
    null = max((row.null for row in found.rows), default=0.0)
    return context.say(
        "measure.sure", level=fmt.percent(found.level), replications=fmt.count(found.replications),
        null=money(context, null),
    )  # fmt: skip


def trial_sentence(context: Context, found: InformationRecord, trial: TrialRow) -> str:
    """What a proposed trial is worth and costs, and at which size it is worth most."""
    row = found.row("number", trial.about)
    errors = trial.standard_error if isinstance(trial.standard_error, list) else [trial.standard_error]
    size = (
        context.say("measure.best_size", size=f"{trial.best_size:g}", net=money(context, trial.best_net))
        if trial.best_size
        else context.say("measure.no_size")
    )
    return context.say(
        "measure.trial", name=trial.name, what=named(context, row) if row else trial.about,
        error=context.listed(fmt.significant(error, 3) for error in errors), worth=money(context, trial.worth),
        cost=money(context, trial.cost), net=fmt.signed(money(context, trial.net)), size=size,
    )  # fmt: skip


def named(context: Context, row: WorthRow) -> str:
    """A number as the firm knows it or by its meaning, a group by what it is about."""
    if row.kind == "number":
        return context.words.known(f"lever.{_LEVERS.get(row.name)}", row.meaning or row.name)
    if row.kind == "group":
        return context.words.known(f"measure.group_{row.name}", context.say("measure.group", name=row.name))
    return context.say("measure.everything" if row.kind == "everything" else "measure.rest_of")


def title(context: Context, strategy: str) -> str:
    """A strategy's title; that of spending nothing where the study has none that does so."""
    return context.titles.get(strategy, context.say("measure.nothing"))


def money(context: Context, value: float) -> str:
    """An amount that nobody needs to the cent."""
    return context.money(value, like=1000.0 if abs(value) >= 99.5 else None)


def between(context: Context, row: WorthRow | TrialRow) -> str:
    """The interval of what something is worth."""
    like = 1000.0 if max(abs(row.lower), abs(row.upper)) >= 99.5 else None
    return context.interval(context.money(row.lower, like=like), context.money(row.upper, like=like))


def trials_by_number(found: InformationRecord) -> dict[str, TrialRow]:
    """Of the trials about each number the one that is worth most."""
    return {trial.about: trial for trial in sorted(found.trials, key=lambda trial: trial.net)}


def shown(found: InformationRecord, *, most: int) -> list[WorthRow]:
    """Everything, the rest, the groups, and the numbers worth most; those worth nothing are left out."""
    numbers = [row for row in found.rows if row.kind == "number" and row.worth > 0][:most]
    return [*(row for row in found.rows if row.kind != "number"), *numbers]
