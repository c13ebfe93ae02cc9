"""A run as a workbook: the answer, outcomes with totals that are formulas over them, assumptions as named cells, and
the customers to contact first.

Every text is written as text, whatever it begins with; formulas are this module's own and hold no text from data.
"""

from __future__ import annotations

import io
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name as letters

from churnsim.data.database.export import EXCEL_ROWS, neutral, sheet_cell
from churnsim.errors import ConfigError, DataError
from churnsim.records.customers import CONTACTS, ContactRow
from churnsim.records.run import AssumptionRecord, Difference
from churnsim.report.chapters import answer
from churnsim.report.chapters.customers import contact_heads
from churnsim.report.chapters.method import limits
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Heading, Listing, Paragraph, Tiles
from churnsim.report.page.context import Context
from churnsim.report.page.tables import lines_of, text_width
from churnsim.simulation.engine.ledger import COSTS
from churnsim.study.storage.store import OUTCOMES, read_parquet
from churnsim.typing import Floats
from churnsim.units import units_per_year

RATE = "terms.annual_discount_rate"
LEVEL, LIMIT = "interval_level", "still_a_customer"
"""Cells of the workbook that its formulas name: the rate of the assumptions, the level of the intervals, and the
probability of still being a customer below which one is to be won back."""
TINY = "0.00E+00"
"""How a number is shown of which the report's digits show none."""
EVEN = 0.5  # the limit at first
TOP = 4  # rows above the first replication of an outcome sheet, and above the first strategy of the totals
MIDDLE, FACTOR = 2, 3  # rows of an outcome sheet, as a spreadsheet counts them


def filled(context: Context, run_dir: Path) -> bytes:
    """The content of an .xlsx file."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        _fill(_Workbook(book, context), run_dir)
    return content.getvalue()


def _fill(book: _Workbook, run_dir: Path) -> None:
    context = book.context
    _answer(book)
    named = [row for row in context.run.assumptions if row.parameter == RATE]
    if context.run.comparison.metrics["npv"].levels:
        if not named:
            raise DataError(f"{run_dir / 'assumptions.json'} does not hold {RATE}. Run the configuration again.")
        profits = _profits(context, run_dir)
        _totals(book, list(profits), len(next(iter(profits.values()))))
        _futures(book, profits, rate=float(named[0].value))
        for place, (strategy, profit) in enumerate(profits.items()):
            _outcomes(book, place, strategy, profit, rate=float(named[0].value))
    _assumptions(book, context.run.assumptions)
    if (run_dir / CONTACTS).is_file():
        _customers(book, _stored(run_dir / CONTACTS, ContactRow.model_fields))


class _Workbook:
    """An open workbook with its cell formats and the words that name its sheets."""

    def __init__(self, book: Any, context: Context) -> None:
        self.book, self.context = book, context
        manifest = context.run.manifest
        book.set_properties({"title": sheet_cell(manifest.title)} | _made(manifest.finished or manifest.started))
        money = "#,##0" if context.largest_difference >= 999.5 else "#,##0.00"
        looks: Mapping[str, dict[str, Any]] = {
            "head": {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1},
            "number head": {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "align": "right"},
            "title": {"bold": True, "font_size": 14},
            "label": {"bold": True},
            "plain": {},
            "text": {"text_wrap": True, "valign": "top"},
            "money": {"num_format": money, "valign": "top"},
            "share": {"num_format": "0.0%", "valign": "top"},
            "factor": {"num_format": "0.0000", "valign": "top"},
            "number": {"align": "right", "valign": "top"},
            "input": {"bg_color": "#FFF6D6", "align": "right", "valign": "top"},
            "input share": {"bg_color": "#FFF6D6", "num_format": "0.0%", "valign": "top"},
        }
        self._plain = looks
        self.looks = {name: book.add_format(look | {"font_name": "Calibri"}) for name, look in looks.items()}

    def look(self, name: str, value: float) -> Any:
        """The format of a number: as many digits as the report shows of it where the look itself names no format."""
        if name not in ("number", "input"):
            return self.looks[name]
        digits = fmt.decimals_shown([value])
        shown = "#,##0" + "." * (digits > 0) + "0" * digits
        if 0 < abs(value) < 10.0 ** -(digits + 1):
            shown = TINY
        if f"{name} {shown}" not in self.looks:
            form = self._plain[name] | {"num_format": shown, "font_name": "Calibri"}
            self.looks[f"{name} {shown}"] = self.book.add_format(form)
        return self.looks[f"{name} {shown}"]

    def say(self, key: str, **said: str) -> str:
        """A sentence of the workbook's own."""
        return self.context.say(f"workbook.{key}", **said)

    def sheet(self, name: str, *, widths: Sequence[float], freeze: tuple[int, int] = (0, 0)) -> _Sheet:
        """A new sheet by the name that is said, its columns so many letters wide."""
        sheet = self.book.add_worksheet(name)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        sheet.freeze_panes(*freeze)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return _Sheet(self, sheet, name, widths)


def _made(when: str) -> dict[str, datetime]:
    """When the run was made, as a property of the file, so that one run makes one file."""
    try:
        return {"created": datetime.fromisoformat(when).replace(tzinfo=None)}
    except ValueError:
        return {}


class _Sheet:
    """A sheet to which texts are written as texts, numbers as numbers, and formulas with the value that they have."""

    def __init__(self, book: _Workbook, sheet: Any, name: str, widths: Sequence[float]) -> None:
        self.book, self.sheet, self.name, self._widths = book, sheet, name, widths
        self._lines: dict[int, int] = {}

    def text(self, row: int, column: int, text: str, look: str = "text") -> None:
        self.sheet.write_string(row, column, sheet_cell(neutral(fmt.unglued(text))), self.book.looks[look])

    def figure(self, row: int, column: int, figure: str) -> None:
        """A figure as it is said, such as +$5: a text, too, and none that another program reads from data."""
        self.sheet.write_string(row, column, sheet_cell(fmt.unglued(figure)), self.book.looks["label"])

    def texts(
        self, row: int, texts: Iterable[str], look: str = "head", *, column: int = 0, numbers: Container[int] = ()
    ) -> None:
        """Texts beside each other, which may break: a row is as high as the longest needs, since not every program
        finds that out. A head over `numbers` stands right, as they do."""
        for place, text in enumerate(texts, start=column):
            self.text(row, place, text, f"number {look}" if place in numbers else look)
            room = self._widths[place] if place < len(self._widths) else 8.43
            room /= 1.15 if look == "head" else 1.0  # bold
            lines = sum(lines_of(line, room) for line in text.split("\n"))
            self._lines[row] = max(lines, self._lines.get(row, 1))
        if self._lines.get(row, 1) > 1:
            self.sheet.set_row(row, 15 * self._lines[row])

    def number(self, row: int, column: int, value: float | None, look: str = "number") -> None:
        if value is not None and np.isfinite(value):
            self.sheet.write_number(row, column, value, self.book.look(look, value))

    def formula(self, row: int, column: int, formula: str, value: float | str, look: str = "money") -> None:
        form = self.book.looks[look] if isinstance(value, str) else self.book.look(look, value)
        self.sheet.write_formula(row, column, f"={formula}", form, value)

    def define(self, name: str, row: int, column: int) -> None:
        """Name a cell for the formulas of all sheets."""
        self.book.book.define_name(name, f"='{self.name}'!${letters(column)}${row + 1}")


def _stored(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    """A table of the run. Raises DataError where it is missing, unreadable, or another version of churnsim's."""
    if not path.is_file():
        raise DataError(f"{path} is missing, so {path.parent} is not a whole run. Run the configuration again.")
    try:
        table = read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Delete it and run the configuration again.") from None
    absent = [name for name in columns if name not in table]
    if absent:
        raise DataError(
            f"{path} lacks {', '.join(map(repr, absent))}. The run was stored by another version of churnsim, or "
            "altered: run the configuration again."
        )
    return table


def _profits(context: Context, run_dir: Path) -> dict[str, pd.DataFrame]:
    """Profit in money by replication (rows) and period, for each strategy: those that may be chosen come first."""
    outcomes = _stored(run_dir / OUTCOMES, ("strategy", "replication", "period", "margin", *COSTS))
    profit = (outcomes["margin"] - outcomes[list(COSTS)].sum(axis=1)) / 100
    table = profit.set_axis(pd.MultiIndex.from_frame(outcomes[["strategy", "replication", "period"]])).unstack()
    if len(table) / outcomes["strategy"].nunique() + TOP > EXCEL_ROWS:
        raise ConfigError(f"{len(table):,} replications do not fit a sheet of {EXCEL_ROWS:,} rows.")
    running = [row.strategy for row in context.run.comparison.best]
    names = dict.fromkeys([*running, *outcomes["strategy"]])
    return {name: pd.DataFrame(table.loc[name]) for name in names}


def _answer(book: _Workbook) -> None:
    """What the report's first page and the chapter after it say, and the limits; its figures as text."""
    context, manifest = book.context, book.context.run.manifest
    sheet = book.sheet(book.say("answer"), widths=(44, 20, 80))
    sheet.text(0, 0, manifest.title, "title")
    sheet.text(
        1, 0, context.say("page.footer", version=manifest.churnsim, run=manifest.name, hash=manifest.hash), "plain"
    )
    row = 3
    first, more = answer.chapter(context), answer.detail(context)
    further = [Heading(text=context.say("method.limits")), Listing(items=limits(context))]
    for title, blocks in ((first.title, first.blocks), (more.title, [*more.blocks, *further])):
        sheet.text(row, 0, title, "title")
        row = _told(sheet, row + 1, blocks) + 1


def _told(sheet: _Sheet, row: int, blocks: Sequence[Block]) -> int:
    """Write blocks of text from a row on; returns the row after them. Tables are on other sheets, as numbers."""
    for block in blocks:
        if isinstance(block, Tiles):
            for tile in block.tiles:
                sheet.texts(row, (tile.label, "", tile.note), "text")
                sheet.figure(row, 1, tile.number)
                row += 1
        elif isinstance(block, Heading | Paragraph | Listing):
            bold = isinstance(block, Heading) or (isinstance(block, Paragraph) and block.tone == "label")
            for text in block.items if isinstance(block, Listing) else [block.text]:
                # A merged cell does not grow with its text: as high as some 140 letters a line make it.
                sheet.sheet.merge_range(row, 0, row, 2, "", sheet.book.looks["text"])
                sheet.text(row, 0, text, "label" if bold else "text")
                sheet.sheet.set_row(row, 15 * (1 + text_width(text) // 140))
                row += 1
    return row


def _futures_name(book: _Workbook) -> str:
    return book.say("futures")


def _place(book: _Workbook, place: int) -> str:
    return book.say("profit", number=str(place + 1))


def _totals(book: _Workbook, strategies: Sequence[str], replications: int) -> None:
    """Means, intervals, differences, chances and losses, each a formula over the futures; then what is spent."""
    context, comparison = book.context, book.context.run.comparison
    against = comparison.nothing or comparison.against
    level = context.level
    said = {"against": context.titles[against], "level": level, "horizon": context.horizon}
    sheet = book.sheet(book.say("totals"), widths=(34, *[16] * max(8, len(strategies))), freeze=(TOP, 1))
    sheet.text(0, 0, book.say("totals_title", currency=_currency(context), **said), "title")
    sheet.text(1, 0, book.say("level"), "text")
    sheet.number(1, 1, comparison.level, "input share")
    sheet.define(LEVEL, 1, 1)
    sheet.texts(
        TOP - 1, [book.say(key, **said) for key in ("strategy", "mean", "lower", "upper", "more", "lower", "upper")],
        numbers=range(1, 9),
    )  # fmt: skip
    running = [row.strategy for row in comparison.best]
    if len(running) > 1:
        sheet.texts(TOP - 1, [context.say("answer.chance"), context.say("answer.loss")], column=7, numbers=range(1, 9))
    levels = {row.strategy: row for row in comparison.metrics["npv"].levels}
    differences: dict[str, Difference] = {
        row.strategy: row for row in (comparison.against_nothing if comparison.nothing else context.differences)
    }
    chances = {row.strategy: row for row in comparison.best}
    columns = _columns(strategies, against, running, replications, _futures_name(book))
    for place, name in enumerate(strategies):
        row = TOP + place
        sheet.text(row, 0, context.titles[name])
        _mean(sheet, row, 1, columns[name], levels[name].mean, levels[name].lower, levels[name].upper)
        if name in differences:
            found = differences[name]
            _mean(sheet, row, 4, columns[f"more {name}"], found.mean, found.lower, found.upper)
        if len(running) > 1 and name in chances:
            own, best, ties = (columns[key] for key in (name, "best", "ties"))
            sheet.formula(row, 7, f"SUMPRODUCT(({own}={best})/{ties})/COUNT({own})", chances[name].chance, "share")
            sheet.formula(row, 8, f"AVERAGE({best})-AVERAGE({own})", chances[name].loss)
    _spent(sheet, TOP + len(strategies) + 2, strategies)


def _mean(
    sheet: _Sheet, row: int, column: int, values: str, mean: float, lower: float | None, upper: float | None
) -> None:
    """A mean with its t interval, as formulas over a range of values."""
    half = f"TINV(1-{LEVEL},COUNT({values})-1)*STDEV({values})/SQRT(COUNT({values}))"
    sheet.formula(row, column, f"AVERAGE({values})", mean)
    for place, (sign, end) in enumerate((("-", lower), ("+", upper))):
        sheet.formula(row, column + 1 + place, f"AVERAGE({values}){sign}{half}", "" if end is None else end)


def _columns(
    strategies: Sequence[str], against: str, running: Sequence[str], replications: int, sheet: str
) -> dict[str, str]:
    """Where the sheet of futures has each column, as a range: strategies, what they earn "more", "best" and "ties"."""
    others = [f"more {name}" for name in strategies if name != against]
    names = [*strategies, *others, *(["best", "ties"] if len(running) > 1 else [])]
    return {
        name: f"'{sheet}'!${letters(place)}${TOP + 1}:${letters(place)}${TOP + replications}"
        for place, name in enumerate(names, start=1)
    }


def _futures(book: _Workbook, profits: Mapping[str, pd.DataFrame], *, rate: float) -> None:
    """A row a replication: what each strategy earns in it, discounted; how much more than spending nothing; and what
    the best earns."""
    context, comparison = book.context, book.context.run.comparison
    strategies, against = list(profits), comparison.nothing or comparison.against
    running = len(comparison.best)
    rates = np.array(comparison.annual_discount_rates or [rate], dtype=np.float64)
    values = {
        name: (profit.to_numpy() * _factors(context, profit, rates[:, None])).sum(axis=1)
        for name, profit in profits.items()
    }
    sheet = book.sheet(_futures_name(book), widths=(14, *[16] * (2 * len(profits) + 2)), freeze=(TOP, 1))
    sheet.text(0, 0, book.say("futures_title", currency=_currency(context), horizon=context.horizon), "title")
    others = [name for name in strategies if name != against]
    said = {"against": context.titles[against]}
    heads = [book.say("replication"), *(context.titles[name] for name in strategies)]
    heads += [book.say("more_than", strategy=context.titles[name], **said) for name in others]
    heads += [book.say("best"), book.say("ties")] if running > 1 else []
    sheet.texts(TOP - 1, heads, numbers=range(len(heads)))
    last = letters(next(iter(profits.values())).shape[1])
    at = {name: letters(place) for place, name in enumerate(strategies, start=1)}
    for place, replication in enumerate(next(iter(profits.values())).index):
        row, line = TOP + place, TOP + place + 1
        sheet.number(row, 0, int(replication))
        for number, name in enumerate(strategies):
            outcomes = _place(book, number)
            flows, factors = (f"'{outcomes}'!B{line}:{last}{line}", f"'{outcomes}'!B${FACTOR}:{last}${FACTOR}")
            if comparison.annual_discount_rates:
                own = f"'{outcomes}'!{letters(next(iter(profits.values())).shape[1] + 1)}{line}"
                factors = f"(1+{RATE}*{own})^(-'{outcomes}'!B${MIDDLE}:{last}${MIDDLE})"
            sheet.formula(row, 1 + number, f"SUMPRODUCT({flows},{factors})", values[name][place])
        for number, name in enumerate(others, start=1 + len(strategies)):
            more = values[name][place] - values[against][place]
            sheet.formula(row, number, f"{at[name]}{line}-{at[against]}{line}", more)
        if running > 1:
            earned = [values[name][place] for name in strategies[:running]]
            candidates = f"B{line}:{letters(running)}{line}"
            best = 1 + len(strategies) + len(others)
            sheet.formula(row, best, f"MAX({candidates})", max(earned))
            ties = f"SUMPRODUCT(--({candidates}={letters(best)}{line}))"
            sheet.formula(row, best + 1, ties, earned.count(max(earned)), "number")


def _factors(context: Context, profit: pd.DataFrame, rate: float | Floats) -> Floats:
    return np.asarray((1 + rate) ** -_middles(context, profit), dtype=np.float64)


def _middles(context: Context, profit: pd.DataFrame) -> Floats:
    """Years from the start to the middle of each period."""
    period = context.stated("period")
    if period is None:
        raise DataError("the run's manifest does not say how long a period is. Run the configuration again.")
    middles = (np.arange(profit.shape[1]) + 0.5) * period.value / units_per_year(period.unit)
    return np.asarray(middles, dtype=np.float64)


def _outcomes(book: _Workbook, place: int, strategy: str, profit: pd.DataFrame, *, rate: float) -> None:
    """What one strategy earns in each replication and period, in money as it comes in."""
    context, periods = book.context, profit.shape[1]
    sheet = book.sheet(_place(book, place), widths=(30, *[11] * periods), freeze=(TOP, 1))
    title = book.say("profit_title", strategy=context.titles[strategy], currency=_currency(context))
    sheet.text(0, 0, title, "title")
    for row, key in ((MIDDLE - 1, "middle"), (FACTOR - 1, "factor"), (TOP - 1, "replication")):
        sheet.text(row, 0, book.say(key), "number head" if row == TOP - 1 else "label")
    middles, factors = _middles(context, profit), _factors(context, profit, rate)
    for period in range(periods):
        column = 1 + period
        sheet.number(MIDDLE - 1, column, middles[period], "factor")
        sheet.formula(FACTOR - 1, column, f"(1+{RATE})^(-{letters(column)}{MIDDLE})", factors[period], "factor")
        sheet.number(TOP - 1, column, period + 1, "head")
    table, rates = profit.to_numpy(), context.run.comparison.annual_discount_rates
    if rates:
        sheet.text(TOP - 1, 1 + periods, book.say("rate"), "number head")
    for line, replication in enumerate(profit.index):
        sheet.number(TOP + line, 0, int(replication))
        if rates:
            sheet.number(TOP + line, 1 + periods, rates[line] / rate if rate else 1.0, "factor")
        for period in range(periods):
            sheet.number(TOP + line, 1 + period, table[line, period], "money")


def _spent(sheet: _Sheet, row: int, strategies: Sequence[str]) -> None:
    """Spending by account, with its sum for each strategy as a formula."""
    context = sheet.book.context
    amounts = {(row.strategy, row.account): row.mean for row in context.run.comparison.spending}
    accounts = [name for name in dict.fromkeys(name for _, name in amounts) if any(
        amounts.get((strategy, name)) for strategy in strategies)]  # fmt: skip
    if not accounts:
        return
    sheet.text(row, 0, context.say("strategies.spending_caption", horizon=context.horizon), "title")
    heads = [context.say("strategies.account"), *(context.titles[name] for name in strategies)]
    sheet.texts(row + 1, heads, numbers=range(1, len(heads)))
    first, end = row + 2, row + 2 + len(accounts)
    for place, account in enumerate(accounts):
        sheet.text(first + place, 0, context.words.known(f"account.{account}", account.replace("_", " ")))
        for column, name in enumerate(strategies, start=1):
            sheet.number(first + place, column, amounts.get((name, account), 0.0), "money")
    sheet.text(end, 0, context.say("strategies.total"), "label")
    for column, name in enumerate(strategies, start=1):
        total = sum(amounts.get((name, account), 0.0) for account in accounts)
        cells = f"{letters(column)}{first + 1}:{letters(column)}{end}"
        sheet.formula(end, column, f"SUM({cells})", total)


def cell_name(parameter: str) -> str:
    """A parameter as a name that a spreadsheet takes: letters, digits, dots and lines, and no address of a cell."""
    name = re.sub(r"[^A-Za-z0-9_.]+", "_", parameter)
    name = name if re.match("[A-Za-z_]", name) else f"_{name}"
    address = re.fullmatch(r"[A-Za-z]{1,3}[0-9]+|[RrCc]([0-9]*[Cc]?[0-9]*)", name)
    return f"{name}_" if address else name[:250]


def _assumptions(book: _Workbook, assumptions: Sequence[AssumptionRecord]) -> None:
    """Every number that the outcomes rest on, its value in a cell that bears its name."""
    context = book.context
    sheet = book.sheet(book.say("assumptions"), widths=(44, 14, 12, 12, 30, 60, 26, 60), freeze=(TOP, 1))
    sheet.text(0, 0, context.say("assumptions.caption"), "title")
    sheet.text(1, 0, book.say("assumptions_note"), "plain")
    keys = ("name", "value", "low", "high", "unit", "meaning", "status", "source")
    sheet.texts(TOP - 1, [book.say(key) for key in keys], numbers=range(1, 4))
    taken = {LEVEL, LIMIT}
    for row, found in enumerate(assumptions, start=TOP):
        name = cell_name(found.parameter)
        sheet.text(row, 0, found.parameter)
        if isinstance(found.value, int | float) and not isinstance(found.value, bool):
            sheet.number(row, 1, found.value, "input")
            if name.lower() not in taken:
                sheet.define(name, row, 1)
                taken.add(name.lower())
        else:
            sheet.text(row, 1, fmt.cell(found.value))
        sheet.number(row, 2, found.low)
        sheet.number(row, 3, found.high)
        status = context.status(found.status)
        sheet.texts(row, (context.unit(found.unit), found.meaning, status, found.source or ""), "text", column=4)


def _customers(book: _Workbook, contacts: pd.DataFrame) -> None:
    """The customers on whom most depends, with what to do next about each."""
    context, money = book.context, "money" if book.context.run.value is not None else "number"
    sheet = book.sheet(book.say("customers"), widths=(24, 14, 12, 14, 14, 18, 14, 44), freeze=(TOP, 1))
    sheet.text(0, 0, context.say("customers.first_heading"), "title")
    sheet.text(1, 0, context.say("customers.first_note"), "plain")
    sheet.text(2, 0, book.say("limit"), "plain")
    sheet.number(2, 4, EVEN, "input share")
    sheet.define(LIMIT, 2, 4)
    heads = [*(head.title for head in contact_heads(context, spent=True)), book.say("action")]
    sheet.texts(TOP - 1, heads, numbers=range(2, 7))
    keep, back = book.say("action_keep"), book.say("action_back")
    for row, found in enumerate(ContactRow.of_frame(contacts[: EXCEL_ROWS - TOP]), start=TOP):
        line = row + 1
        sheet.texts(row, (found.customer_id, fmt.day(found.last_purchase)), "text")
        sheet.number(row, 2, found.purchases)
        sheet.number(row, 3, found.spent, money)
        sheet.number(row, 4, found.p_alive, "share")
        sheet.number(row, 5, found.expected, money)
        sheet.formula(row, 6, f"F{line}*(1-E{line})", found.at_stake, money)
        said = keep if found.p_alive >= EVEN else back
        sheet.formula(row, 7, f'IF(E{line}>={LIMIT},"{keep}","{back}")', said, "text")


def _currency(context: Context) -> str:
    return context.currency or context.say("workbook.no_currency")
