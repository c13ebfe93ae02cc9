"""``churnsim survey``: what customers answered, by one of the field's instruments."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnsim.cli.export import JsonFile, not_the_input, print_table, write_json_file
from churnsim.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

    from churnsim.satisfaction.measurement import Measurement


class Instrument(StrEnum):
    """What to measure."""

    SERVQUAL = "servqual"
    SERVPERF = "servperf"
    GAPS = "gaps"
    BENCHMARK = "benchmark"
    ACSI = "acsi"
    PATHS = "paths"
    KANO = "kano"
    PENALTY_REWARD = "penalty-reward"
    IMPORTANCE = "importance"
    VALUE = "value"


def survey(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Answers, long or wide: CSV, Parquet or Excel.")],
    instrument: Annotated[Instrument, typer.Option(help="The instrument that was asked.")],
    scale: Annotated[
        str | None, typer.Option(metavar="LOW-HIGH", help="Lowest and highest answer, such as 1-7.")
    ] = None,
    respondent: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column with the respondent's id.")
    ] = "respondent",
    item: Annotated[str, typer.Option(metavar="COLUMN", help="Long tables: the column with the item.")] = "item",
    delimiter: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What separates the columns; found out if absent.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the file, such as 'cp1252'; found out if absent.")
    ] = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Take answers that cannot be used as not given, and say how many.")
    ] = False,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    resamples: Annotated[
        int | None, typer.Option(min=20, help="Of the bootstrap; 200 for path models, 1,000 otherwise, if absent.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the plots go; survey-INSTRUMENT if absent.")
    ] = None,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="Print the tables alone.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Score a survey: a table with bootstrap intervals, reliability, what to be careful about, and plots as SVG.

    \b
    Examples:
      churnsim survey answers.csv --instrument servqual
      churnsim survey answers.csv --instrument acsi --scale 1-10 --plots pictures
    """
    not_the_input(file, json_file, "--json")
    from churnsim.satisfaction.instruments import SCALES, measure
    from churnsim.satisfaction.read_survey import read_survey

    common, own = SCALES.get(instrument.value, ((1, 7), {}))
    answers = read_survey(
        file, scale=common if scale is None else _scale(scale), scales=own, respondent=respondent, item=item,
        delimiter=delimiter, encoding=encoding, on_bad="set_aside" if set_aside else "raise",
    )  # fmt: skip
    measured = measure(answers, instrument.value, level=level, resamples=resamples, seed=seed)
    _print(measured)
    write_json_file(json_file, measured.to_dict())
    if not no_plots:
        _draw(measured, plots or Path(f"survey-{instrument.value}"))


def _scale(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    try:
        return float(low), float(high)
    except ValueError:
        raise ConfigError(f"--scale {text!r} is not two numbers. Write the lowest and highest answer: 1-7.") from None


def _print(measured: Measurement) -> None:
    numbers = ("estimate", "standard_error", "lower", "upper", "n")
    print_table(
        ("", *numbers),
        [[name, *(row[c] for c in numbers)] for name, row in _records(measured.table)],
        title=f"{measured.instrument}: {measured.says}",
        right=numbers,
    )
    if not measured.reliability.empty:
        columns = ("alpha", "alpha_lower", "alpha_upper", "omega", "omega_lower", "omega_upper", "items", "n")
        rows = [[name, *(row[c] for c in columns)] for name, row in _records(measured.reliability)]
        print_table(("reliability", *columns), rows, right=columns)
    for title, frame in measured.details.items():
        named = tuple(map(str, frame.columns))
        print_table((title, *named), [[name, *(row[c] for c in named)] for name, row in _records(frame)])
    typer.echo(f"{measured.n:,} respondents; {measured.level:.0%} bootstrap intervals")
    for text in measured.warnings:
        typer.echo(f"warning: {text}")


def _records(frame: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """Rows by name, numbers rounded for people, gaps empty."""

    def shown(value: Any) -> Any:
        if isinstance(value, float):
            return None if value != value else round(value, 3)
        return value

    return [(str(name), {str(k): shown(v) for k, v in row.items()}) for name, row in frame.astype(object).iterrows()]


def _draw(measured: Measurement, directory: Path) -> None:
    from churnsim.report.page.extras import require_report_extra

    try:
        require_report_extra()
    except MissingExtraError as error:
        typer.echo(f"no plots: {error}", err=True)
        return
    from churnsim.report.charts.survey import survey_figures, svg_file
    from churnsim.study.storage.store import write_text

    directory.mkdir(parents=True, exist_ok=True)
    for figure in survey_figures(measured):
        path = directory / f"{figure.name}.svg"
        write_text(path, svg_file(figure))
        typer.echo(f"plot: {path}")
