"""``churnsim validate``: fit models to the first part of a file of purchases, and score them on the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from churnsim.cli.calendar import CalendarOption, SeriesOption, calendar_of
from churnsim.cli.export import JsonFile, not_the_input, print_comparison, write_json_file
from churnsim.cli.purchases import PurchaseFile, UnitOption, with_purchases
from churnsim.errors import ConfigError
from churnsim.models.purchase.registry import AT_OPPORTUNITIES, COMPARED
from churnsim.units import UNIT_NAMES

if TYPE_CHECKING:
    from churnsim.models.evaluation.holdout import Validation


@with_purchases
def validate(
    given: PurchaseFile,
    calibration_end: Annotated[str, typer.Option(metavar="DAY", help="Last day the models see, such as 1997-09-30.")],
    holdout_end: Annotated[
        str | None, typer.Option(metavar="DAY", help="Last day they are scored on; the last in the file if absent.")
    ] = None,
    models: Annotated[str, typer.Option(metavar="NAMES", help="Families, separated by commas.")] = ",".join(COMPARED),
    count: Annotated[
        Literal["purchases", "periods"] | None,
        typer.Option(
            help=f"Score purchases, or the periods that hold one (all that {AT_OPPORTUNITIES} has); as the models need."
        ),
    ] = None,
    unit: UnitOption = "W",
    calendar: CalendarOption = None,
    calendar_series: SeriesOption = None,
    trend: Annotated[
        Literal["hold", "continue"] | None,
        typer.Option(help="With a trend in the calendar: what it does after the calibration."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the intervals and of the trees.")] = 1,
    json_file: JsonFile = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also draw the best model's pictures there, as SVG and PNG.")
    ] = None,
) -> None:
    """Hold the last purchases out, forecast them with several models and plain baselines, and say which to use.

    \b
    Examples:
      churnsim validate purchases.csv --calibration-end 1997-09-30
      churnsim validate purchases.csv --calibration-end 1997-09-30 --models bg_nbd,pareto_nbd --pictures out
      churnsim validate purchases.csv --calibration-end 1997-09-30 --models bg_nbd,bg_bb --unit M
      churnsim validate purchases.csv --calibration-end 1997-09-30 --calendar trend=1997-01-01 --trend hold
    """
    from churnsim.models.evaluation.holdout import validate as run
    from churnsim.models.purchase.registry import PURCHASE_FAMILIES

    not_the_input(given.path, json_file, "--json")
    names = [name.strip() for name in models.split(",") if name.strip()]
    unknown = [name for name in names if name not in PURCHASE_FAMILIES]
    if unknown or not names:
        raise ConfigError(f"--models has {', '.join(unknown) or 'none'}. Use some of: {', '.join(PURCHASE_FAMILIES)}.")
    transactions = given.read(amounts=False)
    chosen = [PURCHASE_FAMILIES[name] for name in names]
    done = run(
        transactions, chosen, calibration_end=calibration_end, holdout_end=holdout_end, unit=unit, seed=seed,
        count=count, calendar=calendar_of(calendar, calendar_series),
        future=None if trend is None else {"trend": trend},
    )  # fmt: skip
    what = "purchases" if done.count == "purchases" else f"customer-{UNIT_NAMES[done.unit]} with a purchase"
    typer.echo(
        f"{len(done.split):,} customers; calibration to {done.calibration_end:%Y-%m-%d}, holdout to "
        f"{done.holdout_end:%Y-%m-%d}: {int(done.scores['actual'].iloc[0]):,} {what}"
    )
    print_comparison(done.scores, ("expected", "lower", "upper", "bias", "mae", "rmse", "log_score", "status"))
    typer.echo(done.comparison.reason)
    if done.with_calendar is not None:
        for name, row in done.with_calendar.iterrows():
            told = row["forecasts"] != "not told apart"
            words = f"forecasts {row['forecasts']} than" if told else "is not told apart from"
            typer.echo(
                f"{name} with the calendar {words}"
                f" without: log score {row['gain']:+.4f} a customer (standard error {row['gain_error']:.4f}); bias of "
                f"the total {row['bias_with']:+.1%}, without {row['bias_without']:+.1%}"
            )
    for name, fit in done.fits.items():
        if not fit.status.ok:
            typer.echo(f"{name}: {fit.status}")
    write_json_file(json_file, _tables(done))
    if pictures is not None:
        _draw(done, pictures)
        typer.echo(f"pictures of {done.best} written to {pictures}", err=True)


def _tables(done: Validation) -> dict[str, Any]:
    from churnsim.records.base import rows

    named = {"scores": done.scores.reset_index(), "by_frequency": done.by_frequency, "tracking": done.tracking}
    named |= {"active": done.active, "intervals": done.intervals}
    return {
        "calibration_end": f"{done.calibration_end:%Y-%m-%d}",
        "holdout_end": f"{done.holdout_end:%Y-%m-%d}",
        "unit": done.unit,
        "count": done.count,
        "best": done.best,
        "recommended": done.comparison.recommended,
        "reason": done.comparison.reason,
        **{name: rows(table) for name, table in named.items()},
        **({} if done.with_calendar is None else {"with_calendar": rows(done.with_calendar.reset_index())}),
        "fits": {name: fit.to_dict() for name, fit in done.fits.items()},
    }


def _draw(done: Validation, folder: Path) -> None:
    from churnsim import plots
    from churnsim.models.purchase.in_periods import in_opportunities
    from churnsim.report.page.extras import require_report_extra

    require_report_extra()
    best = done.best if done.best in done.fits else next(iter(done.fits))
    model = done.fits[best].model
    seen = in_opportunities(done.split) if model.reads == "opportunities" else done.split
    made = {
        "frequency": plots.frequencies(model, seen, backend="altair"),
        "holdout": plots.holdout(done, [best], backend="altair"),
        "tracking": plots.tracking(done, [best], backend="altair"),
        "by-period": plots.tracking(done, [best], cumulative=False, backend="altair"),
        "calibration": plots.calibration(done, [best], backend="altair"),
        "alive": plots.alive_matrix(model, seen, backend="altair"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in made.items():
        chart.save(str(folder / f"{name}.svg"))
        chart.save(str(folder / f"{name}.png"), scale_factor=2)
