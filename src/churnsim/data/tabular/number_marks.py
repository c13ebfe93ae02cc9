"""Which mark stands before the decimals: found where the numbers themselves decide, asked for where not."""

from __future__ import annotations

import re
from typing import Any

import pyarrow.compute as pc

from churnsim.data.tabular.text_columns import NumberFormat
from churnsim.errors import DataError

__all__ = ["detect_number_format"]

_DIGITS = r"[+-]?\d+(?:[eE][+-]?\d+)?"
_SPACES = (" ", "\u00a0", "\u202f", "'", "\u2019")
SHOWN = 3


def detect_number_format(values: Any, *, column: str, source: str) -> tuple[NumberFormat, str]:
    """How an Arrow column of text writes its numbers, and how that is known, in words.

    Where both marks occur in a number the later is the decimal one; a mark that is followed by other than three
    digits is decimal; a mark that occurs twice in a number parts thousands. Raises DataError when a mark is always
    followed by exactly three digits (1,234 may be a thousand and more, or one and a bit), or when the numbers
    contradict each other.
    """
    text = pc.unique(pc.utf8_trim_whitespace(values.drop_null()))
    odd: list[str] = text.filter(pc.invert(pc.match_substring_regex(text, rf"^(?:{_DIGITS})?$"))).to_pylist()
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
        return NumberFormat(thousands=gap), "whole numbers" if not gap else f"{gap!r} between thousands"
    if not evidence:
        mark, value = next(iter(unsure.items()))
        raise DataError(
            f"{source}, column {column!r}: {value[:40]!r} may be {value.replace(mark, '')} or "
            f"{value.replace(mark, '.')}, and "
            f"no other number decides. {remedy}"
        )
    decimal = next(iter(decimals))
    thousands = next((mark for _, mark in evidence if mark), "") or gap
    other = "," if decimal == "." else "."
    if other in unsure and not thousands:
        thousands = other
    witness = next(iter(evidence.values()))
    words = f"{decimal!r} before the decimals" + (f", {thousands!r} between thousands" if thousands else "")
    return NumberFormat(decimal=decimal, thousands=thousands), f"{words}, by {witness[:40]!r}"
