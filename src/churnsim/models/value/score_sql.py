"""Scores with a closed form as SQL, for where the customers lie."""

from __future__ import annotations

from typing import Any

from churnsim.checks import shown, typed
from churnsim.errors import ConfigError
from churnsim.models.value.clv import fitted_model


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
