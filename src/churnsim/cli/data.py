"""``churnsim fit`` and ``churnsim summarise``: a model, or the summary table, of a file of purchases."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnsim.cli.calendar import CalendarOption, LeavingOption, SeriesOption, calendar_of
from churnsim.cli.errors import EXIT_NO
from churnsim.cli.export import (
    JsonFile,
    TableFile,
    give_customers,
    not_the_input,
    print_comparison,
    print_table,
    write_json_file,
)
from churnsim.cli.purchases import PurchaseFile, UnitOption, Until, with_purchases
from churnsim.errors import ConfigError
from churnsim.models.purchase.registry import (
    AT_OPPORTUNITIES,
    DEFAULT_FAMILY,
    PURCHASE_FAMILIES,
    WITHOUT_DROPOUT,
    with_leaving_clock,
)

if TYPE_CHECKING:
    import pandas as pd


CustomersFile = Annotated[
    Path | None,
    typer.Option(
        "--customers",
        metavar="FILE",
        help="What is known of each customer, one row each, by the same ids: CSV, Parquet or Excel.",
    ),
]
RateCovariates = Annotated[
    str | None,
    typer.Option(metavar="COLUMNS", help="Columns of --customers that move the purchase rate, separated by commas."),
]
LifetimeCovariates = Annotated[
    str | None,
    typer.Option(metavar="COLUMNS", help="Columns of --customers that move the lifetime, separated by commas."),
]
Penalty = Annotated[
    float, typer.Option(help="On the squared effects, each for one standard deviation of its covariate; 0 for none.")
]


def with_covariates(
    summary: pd.DataFrame, *, family: str, customers: Path | None, rate: str | None, lifetime: str | None,
    penalty: float, customer_id: str, form: dict[str, Any],
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    """The summary with the covariates' columns, and what `fit` is to do with them; nothing where none are asked for."""
    names = {"--covariates-rate": _names(rate), "--covariates-lifetime": _names(lifetime)}
    asked = [option for option, columns in names.items() if columns]
    if not asked and customers is None:
        if penalty:
            raise ConfigError("--penalty is on the effects of covariates, of which none are given.")
        return summary, {}
    if not asked:
        raise ConfigError(
            "--customers is given, but nothing of it is used. Name columns with --covariates-rate or "
            "--covariates-lifetime."
        )
    if customers is None:
        raise ConfigError(f"{asked[0]} needs --customers, the file that holds the columns.")
    from churnsim.models.purchase.registry import with_covariates as families

    if family not in (taking := families(simulated=False)):
        raise ConfigError(f"--model {family} takes no covariates. Use one of: {', '.join(taking)}.")
    from churnsim.data.subscriptions.customer_rows import read_covariates
    from churnsim.models.purchase.summary_covariates import SummaryCovariates

    wanted = list(dict.fromkeys([*names["--covariates-rate"], *names["--covariates-lifetime"]]))
    table = read_covariates(customers, wanted, customer_id=customer_id, **form)
    found = SummaryCovariates.of(
        summary, table, rate=names["--covariates-rate"], lifetime=names["--covariates-lifetime"], source=str(customers)
    )  # fmt: skip
    return found.join(summary, table, source=str(customers)), {**found.columns, "penalty": penalty}


def _names(columns: str | None) -> list[str]:
    return [name.strip() for name in (columns or "").split(",") if name.strip()]


SPEND = "gamma_gamma"
# What to fit: the names of the registry, which typer takes as an enumeration.
if TYPE_CHECKING:
    Model = str
else:
    Model = StrEnum("Model", {name.upper(): name for name in (*PURCHASE_FAMILIES, SPEND)})


@with_purchases
def summarise(
    given: PurchaseFile,
    unit: UnitOption = "W",
    until: Until = None,
    out: TableFile = None,
) -> None:
    """Summarise purchases by customer: frequency, recency, T and mean repeat spend.

    \b
    Examples:
      churnsim summarise purchases.csv --customer-id customer --amount value > summary.csv
      churnsim summarise sales.csv --price Price --quantity Quantity --guests apart --refunds net
      churnsim summarise purchases.parquet --unit D --until 2024-12-31 --out summary.parquet
      churnsim summarise purchases/ --unit D --out summary/
    """
    not_the_input(given.path, out, "--out")
    if given.path.is_dir():
        if out is None:
            raise ConfigError(f"{given.path} is a folder, whose summary is written to another. Give it by --out.")
        from churnsim.data.summaries.parquet_summary import write_summary

        written = write_summary(given.parquet_log(), out, unit=unit, until=until)
        typer.echo(f"{written.customers:,} customers written to {out}", err=True)
        return
    from churnsim.data.summaries.summary import summarise as summarise_transactions

    transactions = given.read()
    summary = summarise_transactions(transactions, unit=unit, until=until)
    give_customers(summary, out)


@with_purchases
def fit(
    given: PurchaseFile,
    unit: UnitOption = "W",
    until: Until = None,
    model: Annotated[
        Model,
        typer.Option(
            help=f"A family of purchases ({WITHOUT_DROPOUT}: nobody leaves; {AT_OPPORTUNITIES}: by periods), or spend.",
        ),
    ] = DEFAULT_FAMILY,
    customers: CustomersFile = None,
    covariates_rate: RateCovariates = None,
    covariates_lifetime: LifetimeCovariates = None,
    penalty: Penalty = 0.0,
    calendar: CalendarOption = None,
    calendar_series: SeriesOption = None,
    leaving: LeavingOption = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Fit every model of purchases, and say which to use and why.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Fit a model to purchases: estimates with standard errors, and in words how the fit went.

    Exits with 1 when the estimates cannot be used as they stand. Of a folder of Parquet files the customers are counted
    without being read into memory; comparisons, calendars and covariates take some of them, chosen by chance.

    \b
    Examples:
      churnsim fit purchases.csv --until 1997-09-30
      churnsim fit purchases.csv --model gamma_gamma --json spend.json
      churnsim fit purchases.csv --compare
      churnsim fit purchases.csv --model mbg_nbd --calendar season=2,trend=2022-01-01 --calendar-series prices.csv
      churnsim fit purchases.csv --model pareto_nbd --calendar trend=2022-01-01 --leaving season=1
      churnsim fit purchases.csv --customers people.csv --covariates-rate age,channel --covariates-lifetime channel
    """
    not_the_input(given.path, json_file, "--json")
    if customers is not None:
        not_the_input(customers, json_file, "--json")
    from churnsim.data.summaries.intervals import summarise_with_intervals
    from churnsim.data.summaries.opportunities import summarise_opportunities
    from churnsim.data.summaries.summary import summarise as summarise_transactions
    from churnsim.models.spend.gamma_gamma import GammaGamma

    asked: dict[str, Any] = {
        "customers": customers,
        "rate": covariates_rate,
        "lifetime": covariates_lifetime,
        "penalty": penalty,
    }
    by_calendar, leaves = calendar_of(calendar, calendar_series), calendar_of(leaving, None, option="--leaving")
    if leaves is not None:
        _refuse_leaving(model, calendar=by_calendar is not None)
    family: Any = PURCHASE_FAMILIES.get(model)
    reads = getattr(family, "reads", "summary")
    counted = given.path.is_dir() and not (compare or by_calendar or any(asked.values())) and reads == "summary"
    transactions: Any = None if counted else given.read(amounts=model == SPEND)
    if by_calendar is not None:
        _refuse_calendar(model, compare=compare, covariates=any(asked.values()))
    if compare:
        if any(asked.values()):
            raise ConfigError("--compare fits every model, and most take no covariates. Leave one of the two out.")
        _compare(summarise_with_intervals(transactions, unit=unit, until=until), unit, json_file)
        return
    if counted:
        from churnsim.data.summaries.counted import count_histories

        log = given.parquet_log(amounts=model == SPEND)
        summary = count_histories(log, unit=unit, until=until, spend=model == SPEND)
    elif reads == "opportunities":
        summary = summarise_opportunities(transactions, unit=unit, until=until)
    elif reads == "intervals":
        summary = summarise_with_intervals(transactions, unit=unit, until=until, calendar=by_calendar)
    else:
        summary = summarise_transactions(transactions, unit=unit, until=until, calendar=by_calendar)
    summary, options = with_covariates(
        summary, family=model, customer_id=given.columns.get("customer_id") or "customer_id", form=given.form, **asked
    )
    fitted: Any
    if family is None:
        fitted = GammaGamma.fit(summary)
    elif by_calendar is not None:
        fitted = family.fit(summary, unit=unit, calendar=by_calendar, **({} if leaves is None else {"leaving": leaves}))
    else:
        fitted = (family.covariate_family if options else family).fit(summary, unit=unit, **options)
    estimates = fitted.to_dict()
    columns = ("parameter", "estimate", "standard error", "lower 95%", "upper 95%")
    keys = ("name", "estimate", "standard_error", "lower", "upper")
    print_table(columns, [[row[key] for key in keys] for row in estimates["parameters"]], right=columns[1:])
    typer.echo(
        f"{model} on {fitted.n:,.0f} customers, unit {unit}; log-likelihood {fitted.loglik:.4f}, "
        f"AIC {fitted.aic:.2f}, BIC {fitted.bic:.2f}"
    )
    if options:
        typer.echo(
            "rate: a positive effect means more purchases; lifetime: a positive effect means a shorter life. Each is "
            "for one unit of its covariate, counted from the average customer."
        )
    if by_calendar is not None:
        found = fitted.likelihood_ratio
        typer.echo(
            "an effect of e multiplies how often everybody buys (leaving: how fast everybody leaves) by exp(e) for one "
            f"unit of its value, counted from the mean of the days; likelihood ratio to {model} without the calendar "
            f"{found.statistic:.2f} ({found.effects} effects), p = {found.p_value:.2g}"
        )
    typer.echo(f"status: {fitted.status}")
    write_json_file(json_file, {"family": model, "unit": unit, **estimates})
    if not fitted.status.ok:
        raise typer.Exit(EXIT_NO)


def score(
    summary: Annotated[
        Path, typer.Argument(metavar="SUMMARY", help="A folder or a .parquet file that churnsim summarise wrote.")
    ],
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the scores go, as Parquet; made anew.")],
    horizon: Annotated[float, typer.Option(help="How far to look ahead, in the summary's unit.")],
    model: Annotated[Model, typer.Option(help="A family of purchases.")] = DEFAULT_FAMILY,
    discount_rate: Annotated[
        float | None, typer.Option(metavar="SHARE", help="A year, such as 0.1: value the purchases too.")
    ] = None,
    margin: Annotated[float, typer.Option(help="Share of revenue that is contribution.")] = 1.0,
) -> None:
    """Fit models to a summary in Parquet files and write every customer's scores, a million in memory at a time.

    P(alive), expected purchases and, with --discount-rate, the value. Exits with 1, and writes nothing, when the
    estimates cannot be used as they stand.

    \b
    Examples:
      churnsim score summary.parquet scores/ --horizon 52
      churnsim score summary/ scores/ --horizon 365 --discount-rate 0.1 --margin 0.3
    """
    from churnsim.data.summaries.parquet_summary import ParquetSummary
    from churnsim.models.spend.gamma_gamma import GammaGamma
    from churnsim.models.value.write_scores import write_scores

    if model == SPEND:
        raise ConfigError(f"--model {SPEND} is of spend. Give a family of purchases; spend goes with --discount-rate.")
    customers = ParquetSummary(summary)
    if out.exists():  # said before the work
        raise ConfigError(f"{out} is there already. Give a folder that is not.")
    families: list[Any] = [PURCHASE_FAMILIES[model], *([] if discount_rate is None else [GammaGamma])]
    fits = [family.fit(customers) for family in families]
    for name, fitted in zip((model, SPEND), fits, strict=False):
        typer.echo(f"{name}: {fitted.status}")
    if not all(fitted.status.ok for fitted in fits):
        raise typer.Exit(EXIT_NO)
    write_scores(
        customers, out, purchases=fits[0], spend=fits[1] if len(fits) > 1 else None, horizon=horizon,
        annual_discount_rate=discount_rate, margin=margin,
    )  # fmt: skip
    typer.echo(f"scores of {customers.customers:,} customers written to {out}", err=True)


def _refuse_calendar(model: str, *, compare: bool, covariates: bool) -> None:
    takes = [name for name, family in PURCHASE_FAMILIES.items() if family.takes_calendar]
    if compare or covariates:
        raise ConfigError("--calendar goes neither with --compare nor with covariates. churnsim validate compares.")
    if model not in takes:
        raise ConfigError(f"--model {model} takes no calendar. Use one of: {', '.join(takes)}.")


def _refuse_leaving(model: str, *, calendar: bool) -> None:
    takes = with_leaving_clock()
    if model not in takes:
        raise ConfigError(f"--model {model} has no leaving clock for --leaving. Use one of: {', '.join(takes)}.")
    if not calendar:
        raise ConfigError("--leaving goes with --calendar, which may be another one.")


def _compare(summary: pd.DataFrame, unit: str, json_file: Path | None) -> None:
    """Every family that reads a summary in continuous time, side by side."""
    from churnsim.models.evaluation.selection import compare_models

    families = [family for family in PURCHASE_FAMILIES.values() if family.reads != "opportunities"]
    found = compare_models(summary, families, unit=unit)
    print_comparison(found.table, ("parameters", "loglik", "aic", "bic", "delta_bic", "lr", "lr_p", "status"))
    typer.echo(found.reason)
    for name, texts in found.warnings.items():
        for text in texts:
            typer.echo(f"{name}: {text}")
    if json_file is not None:
        fits = {name: fit.to_dict() for name, fit in found.fits.items()}
        write_json_file(json_file, {"recommended": found.recommended, "reason": found.reason, "fits": fits})
    if found.recommended is None:
        raise typer.Exit(EXIT_NO)
