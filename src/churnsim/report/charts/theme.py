"""How charts look: widths, fonts, and colours that stay apart for colour-blind readers and in grey print."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ACCOUNTS",
    "ACTUAL",
    "DASHES",
    "EXPECTED",
    "NARROW",
    "NUMBERS",
    "STRATEGIES",
    "WIDE",
    "Size",
    "config",
    "wrap",
]

INK, MUTED, GRID = "#1f2933", "#52606d", "#e4e7eb"
ACTUAL, EXPECTED = "#8c9bab", "#0b5c92"
# Okabe & Ito (2008), "Color Universal Design", darkened where a thin line on white would fade; the first is the
# baseline's. Dashes repeat the distinction for print.
STRATEGIES = ("#4a5560", "#0072b2", "#c8500a", "#00805d", "#a8518a", "#8a6d00", "#2f8fc4")
DASHES = ([1, 0], [1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 3])
# Tol (2021), "Colour schemes", bright: areas, not lines.
ACCOUNTS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#aa3377", "#66ccee", "#bbbbbb")
# Trims zeros, and never turns to powers of ten as the plain "," does.
NUMBERS = ",~f"
# Helvetica, Arial and Liberation Sans have the same widths, so text measured here fits there.
FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"


@dataclass(frozen=True, kw_only=True)
class Size:
    """The outer width of a drawing in CSS pixels, and how many letters a category label may take in a line."""

    width: int
    letters: int
    ticks: int
    font: int

    @property
    def narrow(self) -> bool:
        """Whether this is the phone's drawing."""
        return self.width < 500


WIDE = Size(width=720, letters=24, ticks=7, font=13)
NARROW = Size(width=340, letters=13, ticks=4, font=12)


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
            "labelLimit": 220,
            "labelFlush": False,
        },
        "axisX": {"labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 8},
        "legend": {
            "orient": "top",
            "direction": "horizontal",
            "title": None,
            "labelFontSize": size.font,
            "labelColor": INK,
            "symbolSize": 110,
            "symbolOpacity": 1,
            "labelLimit": 300 if size.narrow else 240,
            "columnPadding": 16,
            "offset": 10,
        },
        "text": {"fontSize": size.font - 1, "fill": INK},
    }


def wrap(label: str, size: Size) -> str:
    """A category label broken into lines that fit; a word longer than a line is cut."""
    lines = textwrap.wrap(" ".join(label.split()), width=size.letters, max_lines=3, placeholder="…") or [label]
    return "\n".join(lines)
