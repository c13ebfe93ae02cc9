"""``churnsim watch``: last time's forecasts against what came since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from churnsim.cli.errors import EXIT_ALARM
from churnsim.cli.export import RUNS, JsonFile, RunsDir, in_a_folder, not_the_input, print_table, write_json_file
from churnsim.cli.progress import terminal_progress
from churnsim.cli.run import ReportLanguage, say_under

if TYPE_CHECKING:
    from churnsim.records.watch import WatchRecord, WatchRow

Calendar = Literal["M", "Q", "Y"]


def watch(
    study: Annotated[
        Path, typer.Argument(metavar="CONFIG|RUN", help="A TOML file of a study that was run, or its run directory.")
    ],
    export: Annotated[
        Path,
        typer.Argument(
            metavar="NEW_EXPORT", help="Purchases until now, written as the study's own or as --written-as."
        ),
    ],
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Last day to count; the last in the export if absent.")
    ] = None,
    period: Annotated[Calendar, typer.Option(help="Count by calendar months, quarters or years.")] = "M",
    cohorts: Annotated[Calendar, typer.Option(help="Tell customers apart by that of their first purchase.")] = "Q",
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="One less the chance of any false alarm, however often one looks.")
    ] = 0.95,
    last: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Last time's export, if it is no longer where the study says.")
    ] = None,
    written_as: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG", help="A study whose [data] says how the export is written, if not this one's."),
    ] = None,
    json_file: JsonFile = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write it as one page of HTML.", callback=in_a_folder)
    ] = None,
    language: Annotated[
        ReportLanguage | None, typer.Option(help="Of the page's sentences; as the study says if absent.")
    ] = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Hold last time's forecasts against what came since: purchases and spend by period and cohort, with an alarm where
    chance no longer explains the difference, and when to run the study again.

    The forecasts are those of the study's stored run, held to the hashes in its manifest. Their limits hold at all
    looks at once, so that a scheduler may look every day. Exits with 0 where nothing is wrong, with 3 where there is an
    alarm, and with 2 for files that cannot be used.

    \b
    Examples:
      churnsim watch study.toml sales-until-now.csv
      churnsim watch runs/shop-1a2b3c4d sales-until-now.csv --last sales.csv --json watch.json
      churnsim watch study.toml sales-until-now.csv --cohorts M --page watch.html
    """
    from churnsim.study.watch import watch_study

    for target, option in ((json_file, "--json"), (page, "--page")):
        for source in (export, study, *([last] if last else [])):
            if source.exists():
                not_the_input(source, target, option)
    if page is not None:
        from churnsim.report.page.extras import require_report_extra

        require_report_extra()  # before the work
    with terminal_progress() as progress:
        found = watch_study(
            study, export, progress=progress, runs_dir=runs_dir, last=last, written_as=written_as,
            until=until, period=period, cohorts=cohorts, level=level,
        )  # fmt: skip
    _print(found)
    write_json_file(json_file, found)
    if page is not None:
        from churnsim.report.watch_page import watch_page
        from churnsim.study.storage.store import write_text

        write_text(page, watch_page(found, language=language))
    if found.alarms:
        raise typer.Exit(EXIT_ALARM)


def _print(found: WatchRecord) -> None:
    """All customers by period, the cohorts at the last day, and what follows."""
    from churnsim.trials.watching import ALL

    total = [row for row in found.rows if row.cohort == ALL]
    money = total[0].spend is not None
    right = ("customers", "came", "forecast", "since then", "limits", "spent", "spend forecast")
    heads = ("until", "came", "forecast", *(("spent", "spend forecast") if money else ()), "since then", "limits", "")
    rows = [
        (row.until, f"{row.in_period:,}", f"{row.expected_in_period:,.1f}", *_money(row), f"{row.purchases:,}",
         _limits(row), row.alarm) for row in total
    ]  # fmt: skip
    print_table(heads, rows, title=f"purchases after {found.since}, all customers", right=right)
    last = [row for row in found.rows if row.until == found.until]
    heads = ("cohort", "customers", "came", "forecast", "limits", "")
    rows = [
        (row.cohort, f"{row.customers:,}", f"{row.purchases:,}", f"{row.expected:,.1f}", _limits(row), row.alarm)
        for row in last
    ]
    print_table(heads, rows, title=f"until {found.until}, by cohort", right=right)
    say_under("forecast", f"{found.model} of {found.run}, stored {found.stored[:10]}.", *_younger(found))
    new, past = found.newcomers, found.past
    say_under("new", f"{new.customers:,} customers whom the run does not know, with {new.purchases:,} purchases.")
    say_under("past", past.told if past else "the export begins after the run's last day; not compared.")
    say_under(
        "refit", *(f"{reason[0].upper()}{reason[1:]}." for reason in found.refit) if found.refit else ("no reason to.",)
    )


def _younger(found: WatchRecord) -> list[str]:
    if found.forecast_first:
        return []
    return ["It is younger than the purchases it is held against: this is a test of the model, not of a forecast."]


def _money(row: WatchRow) -> tuple[str, ...]:
    if row.spend is None or row.expected_spend is None:
        return ()
    return f"{row.spend:,.0f}", f"{row.expected_spend:,.0f}"


def _limits(row: WatchRow) -> str:
    return f"{row.lower:,.0f} to {row.upper:,.0f}"
