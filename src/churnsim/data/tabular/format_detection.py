"""How the columns of a source write dates and numbers: found out where the values themselves decide, asked for where
not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from churnsim.data.tabular.source import FileFormat, Spelling
from churnsim.data.tabular.text_columns import ISO_DATE, PLAIN, NumberFormat, bare, is_arrow_text, parsed_numbers
from churnsim.errors import DataError

NUMBERS = ("amount", "number", "measure")
FIRST_ROWS = 50
"""By how many rows it is told where the names of the columns stand."""
LEAST_WIDTH = 3
WHOLE_NUMBERS = "whole numbers"


def rows_above_names(rows: Sequence[Sequence[Any]]) -> int:
    """How many of the first rows of a table are titles above the names of its columns: those before the first that
    fills more than half of the cells that its rows typically fill. None where these are fewer than three."""
    filled = [sum(cell is not None and str(cell).strip() != "" for cell in row) for row in rows]
    widths = sorted(width for width in filled if width)
    typical = widths[len(widths) // 2] if widths else 0
    return next(place for place, width in enumerate(filled) if 2 * width > typical) if typical >= LEAST_WIDTH else 0


def detect_spelling(
    sample: pd.DataFrame, kinds: dict[str, str], form: FileFormat, *, source: str
) -> tuple[Spelling, dict[str, str]]:
    """The spelling of the columns of `sample` by what `form` says and otherwise by what they hold; and in words.

    `kinds` says of each column of theirs what it is ("date", "amount", "number", "measure", ...). Columns with a type
    of their own need no spelling. Raises DataError for what is ambiguous; a measure may hold text and is then plain,
    unless all of it would be numbers if commas were read.
    """
    dates: dict[str, str | None] = {}
    numbers: dict[str, NumberFormat] = {}
    words: dict[str, str] = {}
    stated = form.numbers()
    for column, kind in kinds.items():
        if kind == "date" and form.date_format is not None:
            dates[column] = form.date_format
        elif kind in NUMBERS and not form.detect:
            numbers[column] = stated or PLAIN
        elif kind in ("date", *NUMBERS) and form.detect:
            text = _text(sample[column]) if column in sample else None
            if text is None:
                if kind in NUMBERS and stated is not None:
                    numbers[column] = stated
                continue
            if kind == "date":
                dates[column], words[column] = detect_date_format(text, column=column, source=source)
            else:
                try:
                    currency = detect_currency(text, column=column, source=source)
                    if currency is not None:
                        text = bare(pc.utf8_trim_whitespace(text), currency)
                    written, told = (stated, "") if stated else detect_number_format(text, column=column, source=source)
                    numbers[column] = replace(written, currency=currency)
                    if told or currency:
                        words[column] = f"{told}, in {currency}" if currency else told
                except DataError:
                    # 1.234 in a column of measurements is what it seems; among amounts it may be a thousand and more.
                    if kind != "measure" or _needs_commas_read(text):
                        raise
    return Spelling(dates=dates, numbers=numbers), words


def _needs_commas_read(text: Any) -> bool:
    """Whether all values are numbers with commas before the decimals or between thousands, and not all are without."""
    text = pc.utf8_trim_whitespace(text.drop_null())
    text = text.filter(pc.not_equal(text, ""))
    plain, *others = (
        bool(np.isfinite(parsed_numbers(text, written)).all())
        for written in (PLAIN, NumberFormat(thousands=","), NumberFormat(decimal=","))
    )
    return any(others) and not plain


def _text(values: pd.Series[Any]) -> Any:
    """The text in the column as an Arrow array, or None when it holds no text at all."""
    if is_arrow_text(values):
        return pa.array(values)
    if values.dtype != object and not pd.api.types.is_string_dtype(values.dtype):
        return None
    texts = [value for value in values if isinstance(value, str)]
    return pa.array(texts, type=pa.string()) if texts else None


_TIME = r"(?P<gap>[ T])\d{1,2}(?P<colon>:)\d{2}(?P<seconds>:\d{2})?(?P<half> ?[AaPp][Mm])?"
_PARTED = re.compile(rf"(?P<one>\d{{1,2}})(?P<mark>[./-])(?P<two>\d{{1,2}})(?P=mark)\d{{4}}(?:{_TIME})?")
_YEAR_FIRST = re.compile(rf"\d{{4}}(?P<mark>[./-])\d{{1,2}}(?P=mark)\d{{1,2}}(?:{_TIME})?")
_EIGHT = re.compile(r"\d{8}")
SHOWN = 3


def detect_date_format(values: Any, *, column: str, source: str) -> tuple[str | None, str]:
    """The format of an Arrow column of text (None for ISO dates), and how it is known, in words.

    ``dd/mm/yyyy`` and ``mm/dd/yyyy`` are told apart by a day above 12. Raises DataError when no value has one, when
    some say this and some that, and for spellings that are not known here; then `date_format` must be given.
    """
    text = pc.unique(pc.utf8_trim_whitespace(values.drop_null() if hasattr(values, "drop_null") else values))
    text = text.filter(pc.not_equal(text, ""))
    if not len(text):
        return None, "no dates to look at"
    iso = pc.match_substring_regex(text, ISO_DATE)
    others: list[str] = text.filter(pc.invert(iso)).to_pylist()
    # A few stray spellings among ISO dates are bad rows, not another format.
    if len(others) * 2 < len(text):
        return None, "year-month-day"
    fail = _refusal(column, source)
    if all(_EIGHT.fullmatch(value) for value in others):
        return _eight_digits(others, fail)
    year_first = [match for value in others if (match := _YEAR_FIRST.fullmatch(value))]
    if len(year_first) * 2 > len(others):
        mark = year_first[0]["mark"]
        return f"%Y{mark}%m{mark}%d{_time(year_first[0])}", f"year{mark}month{mark}day"
    parted = [match for value in others if (match := _PARTED.fullmatch(value))]
    if len(parted) * 2 <= len(others):
        raise fail(f"the dates are written in a way that is not known here, such as {_few(others)}")
    return _order(parted, fail)


def _order(parted: list[re.Match[str]], fail: Any) -> tuple[str, str]:
    mark, time = parted[0]["mark"], _time(parted[0])
    pairs = [(int(match["one"]), int(match["two"]), match.group()) for match in parted]
    day_first = [value for one, two, value in pairs if 12 < one <= 31 and two <= 12]
    month_first = [value for one, two, value in pairs if 12 < two <= 31 and one <= 12]
    if day_first and month_first:
        raise fail(f"some dates put the day first ({_few(day_first)}) and some the month ({_few(month_first)})")
    if not day_first and not month_first:
        raise fail(
            f"whether day or month comes first in {_few([value for *_, value in pairs])} cannot be told: no day is "
            "above 12",
            f"{mark}%m{mark}%Y{time}", f"{mark}%d{mark}%Y{time}",
        )  # fmt: skip
    if day_first:
        return f"%d{mark}%m{mark}%Y{time}", f"day{mark}month{mark}year, for {day_first[0]} has no other reading"
    return f"%m{mark}%d{mark}%Y{time}", f"month{mark}day{mark}year, for {month_first[0]} has no other reading"


def _eight_digits(values: list[str], fail: Any) -> tuple[str, str]:
    def readable(year: slice, month: slice, day: slice) -> bool:
        good = [1678 <= int(v[year]) <= 2261 and 1 <= int(v[month]) <= 12 and 1 <= int(v[day]) <= 31 for v in values]
        return sum(good) * 2 > len(good)

    readings = {
        "%Y%m%d": readable(slice(0, 4), slice(4, 6), slice(6, 8)),
        "%d%m%Y": readable(slice(4, 8), slice(2, 4), slice(0, 2)),
        "%m%d%Y": readable(slice(4, 8), slice(0, 2), slice(2, 4)),
    }
    possible = [pattern for pattern, fits in readings.items() if fits]
    if len(possible) != 1:
        raise fail(f"eight digits such as {_few(values)} have {'no' if not possible else 'several'} readings as dates")
    return possible[0], f"eight digits, {possible[0]}"


def _time(match: re.Match[str]) -> str:
    if not match["colon"]:
        return ""
    seconds, half = ":%S" if match["seconds"] else "", match["half"] or ""
    return f"{match['gap']}{'%I' if half else '%H'}:%M{seconds}{half[:-2]}{'%p' if half else ''}"


def _few(values: list[str]) -> str:
    return ", ".join(repr(value[:40]) for value in values[:SHOWN])


def _refusal(column: str, source: str) -> Any:
    def make(what: str, after_day: str = "/%m/%Y", after_month: str = "/%d/%Y") -> DataError:
        return DataError(
            f"{source}, column {column!r}: {what}. Pass date_format=, such as '%d{after_day}' (day first) or "
            f"'%m{after_month}' (month first)."
        )

    return make


CODES = "AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|INR|JPY|KRW|MXN|NOK|NZD|PLN|RON|RUB|SEK|SGD|TRY|TWD|USD|ZAR|kr|zł"
CURRENCY = rf"(?:[A-Za-z]{{0,3}}\p{{Sc}}|{CODES})"
"""A sign, perhaps with letters ("US$"), or a currency's code; not any three letters, which may be a product's."""
_MONEY = rf"^[(+-]?\s*(?:(?P<before>{CURRENCY})\s*[+-]?)?[\d.,]*\d[\d.,'\s]*?(?P<behind>\s*{CURRENCY})?\s*[-)]?$"


def detect_currency(values: Any, *, column: str, source: str) -> str | None:
    """What stands before or behind the numbers of an Arrow column of text: a currency, "" where none does and some
    are in brackets or have their minus behind them, None for plain numbers.

    Raises DataError for more than one: amounts of several currencies are not to be added up.
    """
    text = pc.unique(pc.utf8_trim_whitespace(values.drop_null()))
    odd = text.filter(pc.match_substring_regex(text, r"[^\d.,' +\-eE]|\d-$"))
    if not len(odd):
        return None
    found = pc.extract_regex(odd, _MONEY).drop_null()
    marks = {mark for part in found.flatten() for mark in pc.unique(pc.utf8_trim_whitespace(part)).to_pylist() if mark}
    if len(marks) > 1:
        raise DataError(
            f"{source}, column {column!r}: the amounts are in {' and '.join(map(repr, sorted(marks)[:SHOWN]))}. Write "
            "the currency in a column of its own, and say what each is worth."
        )
    return next(iter(marks), "" if len(found) else None)


_DIGITS = r"[+-]?\d+(?:[eE][+-]?\d+)?"
_SPACES = (" ", "\u00a0", "\u202f", "'", "\u2019")


def detect_number_format(values: Any, *, column: str, source: str) -> tuple[NumberFormat, str]:
    """How an Arrow column of text writes its numbers, and how that is known, in words.

    Where both marks occur in a number the later is the decimal one; a mark that is followed by other than three
    digits is decimal; a mark that occurs twice in a number parts thousands. Raises DataError when a mark is always
    followed by exactly three digits (1,234 may be a thousand and more, or one and a bit), or when the numbers
    contradict each other.
    """
    text = pc.unique(pc.utf8_trim_whitespace(values.drop_null()))
    text = text.filter(pc.invert(pc.match_substring_regex(text, rf"^(?:{_DIGITS})?$")))
    # One number of each shape says all that the others of its shape say.
    shapes = np.asarray(pc.replace_substring_regex(text, "[1-9]", "1"), dtype=object).astype(str)
    odd: list[str] = text.take(np.sort(np.unique(shapes, return_index=True)[1])).to_pylist()
    evidence: dict[tuple[str, str], str] = {}
    unsure: dict[str, str] = {}
    gap = ""
    for value in odd:
        used = next((space for space in _SPACES if re.search(rf"\d{space}\d", value)), "")
        gap = gap or used
        body = value.replace(used, "") if used else value
        if re.fullmatch(r"[+-]?[\d.,]*\d[\d.,]*", body) is None:
            continue  # no number in any spelling: a bad row
        points, commas = body.count("."), body.count(",")
        if points and commas:
            decimal = "." if body.rfind(".") > body.rfind(",") else ","
            evidence.setdefault((decimal, "," if decimal == "." else "."), value)
        elif points + commas > 1:
            mark = "." if points else ","
            evidence.setdefault(("," if mark == "." else ".", mark), value)
        elif points + commas == 1:
            mark = "." if points else ","
            before, after = re.split(r"[.,]", body.lstrip("+-"))
            if len(after) == 3 and 1 <= len(before) <= 3 and before[0] != "0" and not used:
                unsure.setdefault(mark, value)
            else:
                evidence.setdefault((mark, ""), value)
    return _verdict(evidence, unsure, gap, column, source)


def _verdict(
    evidence: dict[tuple[str, str], str], unsure: dict[str, str], gap: str, column: str, source: str
) -> tuple[NumberFormat, str]:
    remedy = "Pass decimal= and thousands=, such as decimal=',', thousands='.'."
    decimals = {decimal for decimal, _ in evidence}
    if len(decimals) > 1:
        shown = " and ".join(repr(value[:40]) for value in list(evidence.values())[:SHOWN])
        raise DataError(f"{source}, column {column!r}: {shown} disagree about which mark is the decimal one. {remedy}")
    if not evidence and not unsure:
        return NumberFormat(thousands=gap), WHOLE_NUMBERS if not gap else f"{gap!r} between thousands"
    if not evidence:
        mark, value = next(iter(unsure.items()))
        raise DataError(
            f"{source}, column {column!r}: {value[:40]!r} may be {value.replace(mark, '')} or "
            f"{value.replace(mark, '.')}, and no other number decides. {remedy}"
        )
    decimal = next(iter(decimals))
    thousands = next((mark for _, mark in evidence if mark), "") or gap
    other = "," if decimal == "." else "."
    if other in unsure and not thousands:
        thousands = other
    witness = next(iter(evidence.values()))
    words = f"{decimal!r} before the decimals" + (f", {thousands!r} between thousands" if thousands else "")
    return NumberFormat(decimal=decimal, thousands=thousands), f"{words}, by {witness[:40]!r}"
