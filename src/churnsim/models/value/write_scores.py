"""Scores of very many customers: Parquet in, Parquet out, a million customers in memory at a time; or SQL, where there
is a closed form, for where the customers lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from churnsim.checks import check_kind, check_number, check_share, shown, typed
from churnsim.data.summaries.counted import TaskRunner, check_executor, results
from churnsim.data.summaries.parquet_summary import ParquetSummary, new_folder, write_batches
from churnsim.errors import ConfigError, interruptible
from churnsim.models.estimation.arguments import LONGEST
from churnsim.models.estimation.fit import fitted_model
from churnsim.models.value.clv import Purchases, Spend, discounted_purchases, warn_of_correlation


@typed
def write_scores(
    summary: ParquetSummary,
    folder: str | os.PathLike[str],
    *,
    purchases: Purchases,
    horizon: float,
    spend: Spend | None = None,
    annual_discount_rate: float | None = None,
    margin: float = 1.0,
    executor: TaskRunner | None = None,
) -> Path:
    """What the models say of every customer, written to Parquet files in streams.

    Parameters
    ----------
    summary : ParquetSummary
        The customers.
    folder : str or path
        A directory to be made. It is there when all files are: after an error or Ctrl-C nothing is left.
    purchases : purchase model or fit
        How often they buy and how long they stay.
    horizon : float
        Time units looked ahead, in the model's unit.
    spend : GammaGamma or fit, optional
        What they spend.
    annual_discount_rate : float, optional
        Effective; needed with `spend`.
    margin : float
        Share of revenue that is contribution, between 0 and 1.
    executor : TaskRunner, optional
        Of `concurrent.futures`, or a `distributed.Client`: each file of the summary is a task. One that is done again,
        because its worker was lost, writes the same file. Workers use the same file system.

    Returns
    -------
    Path
        The folder. Its files have the customers of the summary's files in their order, with the columns
        ``customer_id, p_alive, expected_purchases`` and, with `spend`, ``customer_value``, as `p_alive`,
        `expected_purchases` and `churnsim.customer_value` return them of a summary in memory.

    Raises ConfigError for values out of range, DataError for a folder that is there and for a summary in another unit
    than the model's or without amounts. Warns where spend goes with frequency, as `churnsim.customer_value`.

    Examples
    --------
    >>> import tempfile, pathlib, pandas as pd, churnsim as cs
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> cs.datasets.cdnow().to_parquet(folder / "log.parquet")
    >>> summary = cs.data.write_summary(cs.data.ParquetLog(folder / "log.parquet"), folder / "summary")
    >>> scores = write_scores(summary, folder / "scores", purchases=cs.BGNBD.fit(summary), horizon=52.0)
    >>> list(pd.read_parquet(scores).columns)
    ['customer_id', 'p_alive', 'expected_purchases']
    """
    check_kind(summary, "summary", ParquetSummary, "a churnsim.data.ParquetSummary, as write_summary makes it")
    counts, amounts = fitted_model(purchases), None if spend is None else fitted_model(spend)
    for model, verb, what in ((counts, "p_alive", "purchases"), (amounts, "expected_spend", "spend")):
        wanted = what == "purchases" or spend is not None
        if wanted and (isinstance(model, type) or not hasattr(model, verb)):
            raise ConfigError(f"{what} must be a fitted model; got {shown(model)}.")
    unit = f"It is counted in the model's unit ({counts.unit})."
    check_number(horizon, "horizon", above=0, most=LONGEST, remedy=unit)
    check_share(margin, "margin", zero=True)
    if (amounts is None) != (annual_discount_rate is None):
        raise ConfigError("a value needs both spend and annual_discount_rate. Give both or neither.")
    check_executor(executor)
    if amounts is not None:
        warn_of_correlation(*summary.spend_correlation())
    of = (counts, amounts, horizon, annual_discount_rate, margin)
    with new_folder(folder) as made:
        results(executor, _score_file, [(summary, file, made, *of) for file in summary.files])
    return Path(folder)


def _score_file(
    summary: ParquetSummary, file: Path, folder: Path, purchases: Any, spend: Any, horizon: float,
    rate: float | None, margin: float,
) -> None:  # fmt: skip
    """The scores of the customers of one file."""

    def scored(customers: Any) -> pa.Table:
        columns = {
            "customer_id": customers.index,
            "p_alive": purchases.p_alive(customers),
            "expected_purchases": purchases.expected_purchases(customers, horizon),
        }
        if spend is not None and rate is not None:
            count = discounted_purchases(customers, purchases=purchases, annual_discount_rate=rate, horizon=horizon)
            columns["customer_value"] = margin * count * spend.expected_spend(customers)
        return pa.table({name: pa.array(values) for name, values in columns.items()})

    with interruptible():
        write_batches(map(scored, summary.summary_rows(file)), folder, file.stem, metadata={})


@typed
def score_sql(
    model: Any,
    *,
    frequency: str = "frequency",
    recency: str = "recency",
    T: str = "T",
    monetary_value: str = "monetary_value",
) -> str:
    """A model's score of a customer as an SQL expression over the columns of `churnsim.summarise`.

    Of BG/NBD and MBG/NBD it is P(alive), of NBD the expected purchases in one unit of time, of Gamma-Gamma the expected
    spend. Their other scores, and all of Pareto/NBD, are series and integrals: write them by `write_scores`, or join
    the scores of `churnsim.data.count_histories`.

    Parameters
    ----------
    model : model or fit
        With numbers for the expression.
    frequency, recency, T, monetary_value : str
        What the columns are called, quoted as the database wants it.

    Returns
    -------
    str
        ``CASE``, ``EXP``, ``LN`` and ``LEAST``, which DuckDB, PostgreSQL, Spark, BigQuery and Snowflake share.

    Raises ConfigError for a model without such a score.

    Examples
    --------
    >>> import churnsim as cs
    >>> score_sql(cs.NBD(r=0.5, alpha=8.0), T='"T"')
    '(0.5 + frequency) / (8.0 + "T")'
    """
    own = fitted_model(model)
    form = None if isinstance(own, type) else getattr(own, "_score_sql", None)
    if form is None:
        raise ConfigError(
            f"there is no closed form of a score of {shown(own)} in SQL. Use write_scores, or join the scores of "
            "count_histories."
        )
    return str(form(x=frequency, t_x=recency, T=T, m=monetary_value))
