"""In which order a column writes day, month and year: found where the days themselves decide, asked for where not."""

from __future__ import annotations

import re
from typing import Any

import pyarrow.compute as pc

from churnsim.data.tabular.text_columns import ISO_DATE
from churnsim.errors import DataError

__all__ = ["detect_date_format"]

_TIME = r"(?P<gap>[ T])\d{1,2}(?P<colon>:)\d{2}(?P<seconds>:\d{2})?"
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
    pairs = [(int(match["one"]), int(match["two"]), match.group()) for match in parted]
    day_first = [value for one, two, value in pairs if 12 < one <= 31 and two <= 12]
    month_first = [value for one, two, value in pairs if 12 < two <= 31 and one <= 12]
    if day_first and month_first:
        raise fail(f"some dates put the day first ({_few(day_first)}) and some the month ({_few(month_first)})")
    if not day_first and not month_first:
        raise fail(
            f"whether day or month comes first in {_few([value for *_, value in pairs])} cannot be told: no day is "
            f"above 12"
        )
    mark, time = parted[0]["mark"], _time(parted[0])
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
    return f"{match['gap']}%H:%M" + (":%S" if match["seconds"] else "")


def _few(values: list[str]) -> str:
    return ", ".join(repr(value[:40]) for value in values[:SHOWN])


def _refusal(column: str, source: str) -> Any:
    def make(what: str) -> DataError:
        return DataError(
            f"{source}, column {column!r}: {what}. Pass date_format=, such as '%d/%m/%Y' (day first) or '%m/%d/%Y' "
            "(month first)."
        )

    return make
