"""The options of ``churnsim fit`` that say what moves customers' rates and lifetimes, and where that is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnsim.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CustomersFile", "LifetimeCovariates", "Penalty", "RateCovariates", "with_covariates"]

CustomersFile = Annotated[
    Path | None,
    typer.Option(
        "--customers", metavar="FILE", help="What is known of each customer, one row each: CSV or Parquet, same ids."
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

    if family not in families():
        raise ConfigError(f"--model {family} takes no covariates. Use one of: {', '.join(families())}.")
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
