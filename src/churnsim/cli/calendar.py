"""A calendar on the command line: the options that describe it, the same for every command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnsim.cli.purchases import pairs
from churnsim.errors import ConfigError

if TYPE_CHECKING:
    from churnsim.data.summaries.calendar import Calendar

CalendarOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=VALUE,...",
        help="What moves how often everybody buys: season=PAIRS, months=yes, holidays=COUNTRY, trend=DAY, grid=D or W.",
    ),
]
SeriesOption = Annotated[
    Path | None,
    typer.Option(
        "--calendar-series",
        metavar="FILE",
        help="More of the calendar: a column 'date' and columns of numbers, each from its day until the next.",
    ),
]
LeavingOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=VALUE,...",
        help="With --calendar and a model of two clocks: what moves how fast everybody leaves, as --calendar says it.",
    ),
]
FLAGS = {"yes": True, "no": False}


def calendar_of(text: str | None, series: Path | None, *, option: str = "--calendar") -> Calendar | None:
    """The calendar of the two options, of which `option` is the first; None without either. ConfigError or DataError
    for what describes none."""
    if text is None and series is None:
        return None
    from churnsim.data.summaries.calendar import Calendar
    from churnsim.data.summaries.series_file import read_series

    given: dict[str, Any] = pairs([part for part in (text or "").split(",") if part], option, "NAME=VALUE")
    unknown = set(given) - {"season", "months", "holidays", "trend", "grid"}
    if unknown:
        raise ConfigError(f"{option} has no {min(unknown)!r}. It takes season, months, holidays, trend and grid.")
    if "season" in given:
        if not given["season"].isdecimal():
            raise ConfigError(f"{option} season={given['season']}: write a number of pairs, such as season=2.")
        given["season"] = int(given["season"])
    if "months" in given:
        if given["months"] not in FLAGS:
            raise ConfigError(f"{option} months={given['months']}: write months=yes, or leave it out.")
        given["months"] = FLAGS[given["months"]]
    return Calendar(**given, series=None if series is None else read_series(series))
