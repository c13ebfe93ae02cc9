"""The best levers of a strategy, what they may lack of the optimum, the marginal returns, the best of each total."""

from __future__ import annotations

from churnsim.records.optimise import Between, FrontierRow, MarginalReturn, OptimisationRecord
from churnsim.report.charts.figures import frontier_figure
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Paragraph, TableBlock, TableCell
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table


def chapter(context: Context) -> Chapter:
    """The answer in words, the levers with what one more of each changes, and the frontier."""
    found = context.run.optimise
    blocks: list[Block] = []
    if found is not None:
        blocks += [Paragraph(text=text, tone=tone) for text, tone in _sentences(context, found)]
        blocks += [_levers(context, found), *_frontier(context, found)]
    return Chapter(id="optimum", title=context.say("section.optimum"), blocks=blocks)


def lever_name(context: Context, lever: str) -> str:
    """A lever in words."""
    mechanism, _, setting = lever.partition(".")
    key = setting if setting in ("budget_per_period", "share", "staff") else "other"
    return context.say(f"optimum.lever_{key}", mechanism=mechanism.replace("_", " "), setting=setting.replace("_", " "))


def lever_value(context: Context, lever: str, value: float | None) -> str:
    """A value of a lever: money, a share in percent, or a number."""
    setting = lever.rpartition(".")[2]
    if value is None:
        return fmt.ABSENT
    if setting.startswith(("budget", "cost", "wage", "reward")):
        return context.money(value)
    return fmt.percent(value) if setting in ("share", "discount") else fmt.significant(value, 3)


def _sentences(context: Context, found: OptimisationRecord) -> list[tuple[str, str]]:
    """(text, tone): the answer, what it may lack, and how it was found."""
    say = context.say
    levers = context.listed(
        [
            say("optimum.set", lever=lever_name(context, row.lever), value=lever_value(context, row.lever, row.value))
            for row in found.levers
        ]
    )
    what = say(f"optimum.what_{found.objective}", metric=say(f"optimum.{found.metric}"), share=fmt.percent(found.share))
    said = {
        "levers": levers, "what": what, "level": fmt.percent(found.level), "horizon": context.horizon,
        "gain": _amount(context, found, found.lead.mean, sign=True), "interval": _interval(context, found, found.lead),
        "asked": _amount(context, found, found.gap_asked),
    }  # fmt: skip
    key = "pays" if found.chosen else "nothing" if found.status == "spend nothing" else "unsure"
    gap = say(
        "optimum.gap" if found.gap_upper <= found.gap_asked else "optimum.gap_open",
        gap=_amount(context, found, found.gap_upper), asked=said["asked"], level=said["level"],
    )  # fmt: skip
    how = say(
        "optimum.how", points=fmt.count(found.points), simulations=fmt.count(found.simulations),
        **{name: fmt.count(number) for name, number in found.replications.items()},
    )  # fmt: skip
    return [(say(f"optimum.{key}", **said), "lead"), (gap, ""), (how, "note")]


def _amount(context: Context, found: OptimisationRecord, value: float, *, sign: bool = False) -> str:
    """The objective in its unit: money, or a share of futures."""
    text = fmt.percent(value) if found.objective == "chance" else context.money(value, like=10 * abs(value))
    return fmt.signed(text) if sign else text


def _interval(context: Context, found: OptimisationRecord, between: Between) -> str:
    return context.interval(*(_amount(context, found, end, sign=True) for end in (between.lower, between.upper)))


def _levers(context: Context, found: OptimisationRecord) -> TableBlock:
    marginals = {row.lever: row for row in found.marginals}
    rows = []
    for lever in found.levers:
        low, high = (lever_value(context, lever.lever, end) for end in (lever.low, lever.high))
        marginal = marginals.get(lever.lever)
        rows.append(
            row_of(
                TableCell(text=lever_name(context, lever.lever)),
                context.interval(low, high),
                lever_value(context, lever.lever, lever.value),
                fmt.ABSENT if marginal is None else _marginal(context, found, marginal),
            )
        )
    columns = heads(context, "optimum", "lever~", "bounds#", "best#", "next#")
    caption = context.say("optimum.levers_caption", level=fmt.percent(found.level), horizon=context.horizon)
    return table(caption, columns, rows)


def _marginal(context: Context, found: OptimisationRecord, marginal: MarginalReturn) -> TableCell:
    """Of money per period the net return per unit spent, of other levers what one unit changes."""
    between = (marginal.per_unit_spent, marginal.per_unit_spent_lower, marginal.per_unit_spent_upper)
    if None in between:
        texts = [
            _amount(context, found, value, sign=True) for value in (marginal.change, marginal.lower, marginal.upper)
        ]
    else:
        texts = [fmt.signed(context.money(value)) for value in between if value is not None]
    return TableCell(text=texts[0], note=context.interval(*texts[1:]))


def _frontier(context: Context, found: OptimisationRecord) -> list[Block]:
    if len(found.frontier) < 2:
        return []
    intro = Paragraph(text=context.say("optimum.frontier"))
    return [intro, frontier_figure(context, found), _frontier_table(context, found)]


def _frontier_table(context: Context, found: OptimisationRecord) -> TableBlock:
    names = [lever.lever for lever in found.levers]
    columns = heads(context, "optimum", "spending#")
    columns += [heads(context, "optimum", "of_lever#", lever=lever_name(context, name))[0] for name in names]
    columns += heads(context, "optimum", "more#")

    def cells(row: FrontierRow) -> list[TableCell]:
        more = TableCell(
            text=_amount(context, found, row.mean, sign=True),
            note=context.interval(*(_amount(context, found, end, sign=True) for end in (row.lower, row.upper))),
        )
        return row_of(
            context.money(row.spending), *(lever_value(context, name, row.levers[name]) for name in names), more
        )

    caption = context.say("optimum.frontier_caption", level=fmt.percent(found.level))
    return table(caption, columns, [cells(row) for row in found.frontier])
