"""How charts look: widths, fonts, and colours that stay apart for colour-blind readers and in grey print."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

INK, MUTED, GRID = "#1f2933", "#52606d", "#e4e7eb"
ACTUAL, EXPECTED = "#8c9bab", "#0b5c92"
ALARM = "#c8500a"
# Okabe & Ito (2008), "Color Universal Design", darkened where a thin line on white would fade; the first is the
# baseline's. Dashes repeat the distinction for print.
STRATEGIES = ("#4a5560", "#0072b2", "#c8500a", "#00805d", "#a8518a", "#8a6d00", "#2f8fc4")
DASHES = ((1, 0), (1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (4, 4), (12, 3))
# Tol (2021), "Colour schemes", bright: areas, not lines.
ACCOUNTS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#aa3377", "#66ccee", "#bbbbbb")
# Of the cells of a map: dark, middle and light, so that the states stay apart in grey print too.
STATES = {"holds": "#0b5c92", "undecided": "#9cc3de", "fails": "#f0e7d8", "impossible": "#ffffff"}
# Trims zeros, and never turns to powers of ten as the plain "," does.
NUMBERS = ",~f"
MOST_LINES = 12
MARGIN = 48  # pixels of a drawing's width that no label takes
# Helvetica, Arial and Liberation Sans have the same widths, so text measured here fits there.
FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"


@dataclass(frozen=True, kw_only=True)
class Size:
    """The outer width of a drawing in CSS pixels, about how many ticks an axis has, and the size of its letters."""

    width: int
    ticks: int
    font: int

    @property
    def narrow(self) -> bool:
        """Whether this is the phone's drawing."""
        return self.width < 500


WIDE = Size(width=720, ticks=7, font=13)
NARROW = Size(width=340, ticks=4, font=12)


def config(size: Size) -> dict[str, Any]:
    """Vega-Lite's configuration for one width."""
    return {
        "background": "transparent",
        "font": FONT,
        "aria": False,  # the SVG carries one title and one description instead of a label for every mark
        "view": {"stroke": None},
        "axis": {
            "labelFontSize": size.font - 1,
            "titleFontSize": size.font - 1,
            "titleFontWeight": "normal",
            "labelColor": MUTED,
            "titleColor": MUTED,
            "domainColor": "#b8c2cc",
            "tickColor": "#b8c2cc",
            "gridColor": GRID,
            "titlePadding": 8,
            "labelLimit": 0,
            "labelFlush": False,
        },
        "axisY": {"titlePadding": 16},  # the ticks may be written in a font wider than the one they are measured with
        "axisX": {"labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 8},
        "legend": {
            "orient": "top",
            "direction": "horizontal",
            "title": None,
            "labelFontSize": size.font,
            "labelColor": INK,
            "symbolSize": 110,
            "symbolOpacity": 1,
            "labelLimit": 0,
            "columnPadding": 16,
            "offset": 10,
        },
        "text": {"fontSize": size.font - 1, "fill": INK},
    }


# Chinese breaks between any two letters, but not before the marks that close, nor after those that open.
_HAN = "\u2e80-\u2fff\u3041-\u9fff\uf900-\ufaff"
_OPEN, _CLOSE = "「『（《〈", "。，、；：？！」』）》〉·…"
_WORDS = re.compile(rf"\s+|[{_OPEN}]*(?:[{_HAN}]|[^\s\-{_HAN}{_OPEN}{_CLOSE}]+-?|-)?[{_CLOSE}]*")


def wrap(label: str, size: Size, *, beside: int = 0) -> str:
    """`label` in lines that fit across the drawing, `beside` pixels apart, also in a font half as wide again.

    Words that are longer than a line are broken; of a text of more than a dozen lines the rest is left out.
    """
    room = (size.width - beside - MARGIN) / size.font
    lines, used = [""], 0.0
    for word in _WORDS.findall(" ".join(label.split())):
        width = width_in_ems(word)
        if used + width > room and word.strip() and used:
            lines, used = [*lines, ""], 0.0
        for letter in word if width > room else [word]:
            wide = sum(map(_em, letter))
            if used + wide > room:
                lines, used = [*lines, ""], 0.0
            lines[-1] += letter
            used += wide
    kept = [line.strip() for line in lines]
    return "\n".join(kept[:MOST_LINES]) + ("…" if len(kept) > MOST_LINES else "")


def width_in_ems(text: str) -> float:
    """How wide a text is in a wide font, in sizes of the font."""
    return sum(map(_em, text))


def _em(letter: str) -> float:
    """The width of one letter in a wide font, in its size."""
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    return 0.35 if letter == " " else 0.85 if letter.isupper() or letter in "mw%@—…" else 0.62
