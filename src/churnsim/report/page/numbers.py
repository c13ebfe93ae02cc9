"""Numbers as a reader wants them: money, shares, intervals, p-values, durations, checksums.

Every function returns text. A missing number (None) becomes an en dash; a negative sign is a true minus. Marks, the
place of the currency and the order of a date are those of `LOCALES`, English ones outside `written`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from churnsim.checks import shown
from churnsim.errors import ConfigError

ABSENT = "–"
_MINUS = "−"
_GLUE = "\N{WORD JOINER}"
LARGEST = 1e12  # beyond it a figure is written in powers of ten
_SPACE = "\N{NO-BREAK SPACE}"


_NARROW = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, kw_only=True)
class Marks:
    """How a country writes figures: marks, what stands between a number and %, whether a currency comes after its
    amount or apart before it, a date (as of `strftime`), and what stands for the English forms of a chart's axis."""

    decimal: str = "."
    thousands: str = ","
    percent: str = ""
    after: bool = False
    apart: bool = False
    day: str = "%Y-%m-%d"
    dates: Mapping[str, str] = field(default_factory=dict)

    @property
    def of_charts(self) -> dict[str, Any] | None:
        """The same for the numbers that an axis writes (d3's locale); None where nothing differs."""
        if (self.decimal, self.thousands, self.percent) == (".", ",", ""):
            return None
        marks = {"decimal": self.decimal, "thousands": self.thousands, "percent": f"{self.percent}%"}
        return {**marks, "grouping": [3], "currency": ["", ""]}


_CONTINENT = Marks(decimal=",", thousands=".", after=True)
LOCALES = {
    "en": Marks(),
    "en-US": Marks(day="%m/%d/%Y"),
    "en-GB": Marks(day="%d/%m/%Y"),
    "de-DE": replace(_CONTINENT, percent=_SPACE, day="%d.%m.%Y"),
    "de-AT": replace(_CONTINENT, after=False, percent=_SPACE, apart=True, day="%d.%m.%Y"),
    "de-CH": Marks(thousands="’", apart=True, day="%d.%m.%Y"),
    "fr-FR": Marks(decimal=",", thousands=_NARROW, percent=_NARROW, after=True, day="%d/%m/%Y"),
    "es-ES": replace(_CONTINENT, percent=_SPACE, day="%d/%m/%Y"),
    "it-IT": replace(_CONTINENT, day="%d/%m/%Y"),
    "nl-NL": replace(_CONTINENT, after=False, apart=True, day="%d-%m-%Y"),
    "pl-PL": Marks(decimal=",", thousands=_SPACE, after=True, day="%d.%m.%Y"),
    "pt-BR": replace(_CONTINENT, after=False, apart=True, day="%d/%m/%Y"),
    "sv-SE": Marks(decimal=",", thousands=_SPACE, percent=_SPACE, after=True),
    "ja-JP": Marks(day="%Y/%m/%d"),
    "zh-CN": Marks(dates={"%b %Y": "%Y-%m", "%-d %b %Y": "%Y-%m-%d"}),
    "zh-TW": Marks(day="%Y/%m/%d", dates={"%b %Y": "%Y/%m", "%-d %b %Y": "%Y/%m/%d"}),
}
"""By language and country, as the Unicode Common Locale Data Repository (CLDR 45) has them; "en" has ISO dates."""
_MARKS: ContextVar[Marks] = ContextVar("marks", default=LOCALES["en"])


@contextmanager
def written(locale: object) -> Iterator[None]:
    """Write figures as the client does. Raises ConfigError for a locale that is not among `LOCALES`."""
    if not isinstance(locale, str) or locale not in LOCALES:
        raise ConfigError(f"no locale {shown(locale)}. There are {', '.join(LOCALES)}.")
    token = _MARKS.set(LOCALES[locale])
    try:
        yield
    finally:
        _MARKS.reset(token)


def marks() -> Marks:
    """The marks in use."""
    return _MARKS.get()


def _marked(text: str) -> str:
    """English figures with the marks in use."""
    found = marks()
    return text.translate({ord("."): found.decimal, ord(","): found.thousands})


def day(text: str) -> str:
    """A date (year-month-day, what follows it left out) in the client's order; any other text as it is."""
    try:
        return date.fromisoformat(text[:10]).strftime(marks().day)
    except ValueError:
        return text


def fixed(value: float | None, decimals: int) -> str:
    """`value` with that many decimals, thousands apart: -1234.5 -> −1,234.5. Zero has no sign."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if abs(value) >= LARGEST:
        return _marked(f"{value:.3g}".replace("-", _MINUS))
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not any(digit in text for digit in "123456789") else _MINUS + text[1:]
    return _marked(text)


def _glue(what: str) -> str:
    """What keeps a sign and the currency after it on one line, where browsers would part them."""
    return "" if what[:1].isdigit() else _GLUE


def unglued(text: str) -> str:
    """The text without what keeps signs on their line: programs other than browsers may show it as a letter."""
    return text.replace(_GLUE, "")


def signed(text: str) -> str:
    """The same number with a plus in front when it is positive."""
    positive = not text.startswith((_MINUS, ABSENT)) and any(digit in text for digit in "123456789")
    return f"+{_glue(text)}{text}" if positive else text


def decimals_for(values: Iterable[float | None], *, digits: int = 4, most: int = 6) -> int:
    """Decimals that give the largest of `values` that many significant digits, so that a column lines up."""
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value) and value != 0]
    if not sizes:
        return 0
    return min(most, max(0, digits - 1 - math.floor(math.log10(max(sizes)))))


def decimals_of(value: float | None) -> int:
    """Decimals that the stored number really has: 0.25 -> 2. Very small and missing numbers: 12 and 0."""
    if value is None:
        return 0
    text = repr(float(value))
    return 12 if "e" in text else len(text.partition(".")[2].rstrip("0"))


def decimals_shown(values: Iterable[float | None], *, digits: int = 4) -> int:
    """Decimals for numbers that stand together: enough for `digits` significant ones, without trailing zeros."""
    present = [value for value in values if value is not None and math.isfinite(value)]
    most = decimals_for(present, digits=digits)
    return max((min(most, decimals_of(round(value, most))) for value in present), default=0)


def sentence(text: str) -> str:
    """The text with its first letter a capital."""
    return text[:1].upper() + text[1:]


def significant(value: float | None, digits: int = 4) -> str:
    """`value` to that many significant digits (whole numbers are never rounded to tens)."""
    return fixed(value, decimals_for([value], digits=digits))


def count(value: float | None) -> str:
    """A number of things: 1,882; a mean of counts keeps one decimal below 100."""
    if value is None:
        return ABSENT
    whole = float(value).is_integer() or abs(value) >= 100
    return fixed(value, 0 if whole else 1)


def money(value: float | None, currency: str = "", *, decimals: int | None = None) -> str:
    """An amount: whole units from 1,000 up and for whole amounts, cents otherwise, the currency in its place."""
    if decimals is None:
        decimals = 0 if value is not None and (abs(value) >= 999.5 or float(value).is_integer()) else 2
    text = fixed(value, decimals)
    if text == ABSENT or not currency:
        return text
    if marks().after:
        return text + currency_suffix(currency)
    before = currency_prefix(currency)
    return f"{_MINUS}{_glue(before)}{before}{text[1:]}" if text.startswith(_MINUS) else before + text


def currency_prefix(currency: str) -> str:
    """What stands before a figure: a word such as EUR stands apart from it, a sign such as $ where the client has it
    so; '' where the currency comes after."""
    if marks().after:
        return ""
    return currency + _SPACE if currency and (currency[-1].isalnum() or marks().apart) else currency


def currency_suffix(currency: str) -> str:
    """What stands after a figure, where the client's currency does."""
    return _SPACE + currency if currency and marks().after else ""


def percent(share: float | None, decimals: int | None = None) -> str:
    """A share as a percentage: 0.95 -> 95%, 0.0512 -> 5.1%."""
    if share is None or not math.isfinite(share):
        return ABSENT
    if decimals is None:
        decimals = 0 if math.isclose(share * 100, round(share * 100), abs_tol=1e-9) else 1
    return f"{fixed(share * 100, decimals)}{marks().percent}%"


def small_percent(share: float) -> str:
    """A share as a percentage with one decimal, or those that give two digits: 0.7 -> 70.0%, 0.0005 -> 0.050%."""
    return percent(share, max(1, decimals_for([100 * share], digits=2)))


def interval(lower: str, upper: str, *, joint: str) -> str:
    """Two formatted bounds as one interval that no line breaks; absent when either bound is."""
    return ABSENT if ABSENT in (lower, upper) else _SPACE.join((lower, joint, upper))


def plus_minus(half_width: str) -> str:
    """A formatted half width, marked as one: ± 1.96."""
    return f"±{_SPACE}{half_width}"


def p_value(value: float | None) -> str:
    """A p-value: three decimals, or a bound below the smallest of them."""
    if value is None or not math.isfinite(value):
        return ABSENT
    return f"<{_SPACE}{fixed(0.001, 3)}" if value < 0.001 else fixed(value, 3)


def duration(seconds: float | None) -> tuple[str, str]:
    """A run time as (number, unit key): seconds up to two minutes, then minutes, then hours."""
    if seconds is None or not math.isfinite(seconds):
        return ABSENT, "seconds"
    if seconds < 120:
        return fixed(seconds, 1 if seconds < 10 else 0), "seconds"
    return (fixed(seconds / 60, 1), "minutes") if seconds < 7200 else (fixed(seconds / 3600, 1), "hours")


def cell(value: Any) -> str:
    """Any stored value as table text."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, int):
        # A year or an identifier of four digits reads wrong with a comma.
        return fixed(value, 0) if abs(value) >= 10_000 else str(value).replace("-", _MINUS)
    if isinstance(value, float):
        return (
            fixed(value, decimals_shown([value]))
            if abs(value) >= 1e-4 or value == 0
            else _marked(f"{value:.2g}".replace("-", _MINUS))
        )
    if isinstance(value, dict):
        return "; ".join(f"{key}: {cell(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value)
    return str(value)
