"""The customers and their purchases: who came back by cohort, how much the best bring, on whom most depends, and what
the customer base is worth as fitted, before any strategy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.customers.cohorts import Period, cohort_matrix
from churnsim.data.customers.concentration import customer_spend, whale_curve
from churnsim.errors import DataError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.value.clv import SpendCorrelationWarning, customer_value, total_value
from churnsim.records.customers import ActiveRecord, CohortRow, ContactRow, CustomersRecord, WhaleRow
from churnsim.records.run import Decile, ReplayRecord, ValueRecord
from churnsim.statistics import tails
from churnsim.study.config.config import ValueSection
from churnsim.study.stages.data_stage import StudyData
from churnsim.study.stages.fit_stage import StudyFits

DECILES = 10


def value_base(
    data: StudyData,
    fits: StudyFits,
    section: ValueSection,
    *,
    horizon: float,
    annual_discount_rate: float,
    margin: float,
    seed: int,
    holdout: ReplayRecord | None = None,
) -> ValueRecord:
    """Expected discounted margin of the customers in the data over `horizon` model units.

    The interval is that of the parameters' estimation error (`section.draws` draws of both models), widened by what
    the `holdout` shows of the model: where half of the purchases forecast came, it reaches down to half. What single
    customers will do beside their expectation is not in it.
    """

    spend = fits.spend
    assert spend is not None  # a log without amounts has no value
    settings: Any = {"annual_discount_rate": annual_discount_rate, "horizon": horizon, "margin": margin}
    with warnings.catch_warnings():
        # The study says it itself, once, among the warnings about its fits.
        warnings.simplefilter("ignore", SpendCorrelationWarning)
        values = customer_value(data.summary, purchases=fits.purchases, spend=spend, **settings)
        total = total_value(
            data.summary, purchases=fits.purchases, spend=spend, seed=seed, level=LEVEL, draws=section.draws,
            **settings,
        )  # fmt: skip
    ratio = holdout.actual / holdout.mean if holdout and holdout.mean > 0 else 1.0
    return ValueRecord(
        **settings, unit=data.unit, total=total.value, lower=total.lower * min(1.0, ratio),
        upper=total.upper * max(1.0, ratio), level=LEVEL, customers=len(values),
        mean_p_alive=float(fits.purchases.model.p_alive(data.summary).mean()), estimation_lower=total.lower,
        estimation_upper=total.upper, holdout_ratio=ratio if holdout else None, by_decile=by_decile(values),
    )  # fmt: skip


def by_decile(values: Any) -> list[Decile]:
    """Customers and value by tenth, from the most valuable."""
    ranked = values.sort_values(ascending=False, kind="stable")
    decile = np.arange(len(ranked)) * DECILES // len(ranked) + 1
    grouped = ranked.groupby(decile)
    table = grouped.agg(["size", "sum"]).rename_axis("decile").reset_index()
    return Decile.of_frame(table.rename(columns={"size": "customers", "sum": "value"}))


MOST_COHORTS = 24  # months or quarters, of which a picture has room for as many
LEVEL = 0.95
RESAMPLES, RESAMPLED = 200, 20_000_000  # of the whale curve; fewer resamples of more customers
DRAWN = 400_000  # probabilities of being active for the interval of how many are
LEAST_AT_STAKE = 0.005  # less would be shown as nothing
FIRST, LISTED = 50, 10_000  # customers in customers.json, and in contacts.parquet


def customers_story(
    data: StudyData, fits: StudyFits, *, horizon: float, annual_discount_rate: float, margin: float, seed: int
) -> tuple[CustomersRecord, pd.DataFrame]:
    """The record, and the list of customers. What is at stake is what a customer is expected to bring within `horizon`
    (model units), times the probability of having left already."""
    period = _period(data)
    try:
        cohorts = cohort_matrix(data.transactions, period=period, until=data.holdout_end)
        cohorts = cohorts.assign(cohort=cohorts["cohort"].dt.strftime("%Y-%m-%d"))[list(CohortRow.model_fields)]
    except DataError:  # no period is complete
        cohorts = pd.DataFrame()
    contacts = _contacts(data, fits, horizon=horizon, annual_discount_rate=annual_discount_rate, margin=margin)
    brought = contacts["spent"] if data.has_amounts else contacts["purchases"].astype(np.float64)
    contacts = contacts[contacts["at_stake"] >= LEAST_AT_STAKE].head(LISTED)
    whale = pd.DataFrame()
    if brought.sum() > 0:
        resamples = int(np.clip(RESAMPLED // len(brought), 20, RESAMPLES))
        whale = whale_curve(brought, level=LEVEL, replications=resamples)
    record = CustomersRecord(
        period=period, cohorts=CohortRow.of_frame(cohorts), whale=WhaleRow.of_frame(whale), level=LEVEL,
        contacts=ContactRow.of_frame(contacts.head(FIRST)), listed=len(contacts),
        active=_active(fits.purchases, data.summary, seed=seed),
    )  # fmt: skip
    return record, contacts


def _active(fit: ModelFit[PurchaseModel], summary: pd.DataFrame, *, seed: int) -> ActiveRecord:
    """Who is still active is drawn for each of several parameter sets: the sum of the customers' own chances is nearly
    normal, with the variance of p (1 - p) each."""
    draws = int(np.clip(DRAWN // len(summary), 40, 200))
    chance = np.random.default_rng([seed, len(summary)]).standard_normal(draws)
    alive = [np.asarray(model.p_alive(summary)) for model in fit.draw_parameters(draws, seed=seed)]
    drawn = [p.sum() + z * np.sqrt((p * (1 - p)).sum()) for p, z in zip(alive, chance, strict=True)]
    lower, upper = np.clip(np.quantile(drawn, tails(LEVEL)), 0, len(summary))
    mean = float(fit.model.p_alive(summary).sum())
    return ActiveRecord(customers=len(summary), mean=mean, lower=float(lower), upper=float(upper), level=LEVEL)


def _period(data: StudyData) -> Period:
    """Months, quarters or years, whichever are few enough for a picture."""
    days = data.transactions["date"]
    months = (days.max().year - days.min().year) * 12 + days.max().month - days.min().month + 1
    return "M" if months <= MOST_COHORTS else "Q" if months <= 3 * MOST_COHORTS else "Y"


def _contacts(
    data: StudyData, fits: StudyFits, *, horizon: float, annual_discount_rate: float, margin: float
) -> pd.DataFrame:
    """Every customer, most at stake first; of equal stakes in the order of the summary."""
    summary, log = data.summary, data.transactions
    alive = fits.purchases.model.p_alive(summary)
    if fits.spend is None:
        expected = fits.purchases.model.expected_purchases(summary, horizon)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpendCorrelationWarning)  # said among the warnings about the fits
            expected = customer_value(
                summary, purchases=fits.purchases, spend=fits.spend, horizon=horizon, margin=margin,
                annual_discount_rate=annual_discount_rate,
            )  # fmt: skip
    last = log.groupby("customer_id")["date"].max().reindex(summary.index)
    spent = customer_spend(log, until=data.holdout_end).reindex(summary.index) if data.has_amounts else None
    frame = pd.DataFrame(
        {
            "customer_id": summary.index.astype(str),
            "last_purchase": last.dt.strftime("%Y-%m-%d").to_numpy(),
            "purchases": summary["frequency"].to_numpy(dtype=np.int64) + 1,
            "spent": np.full(len(summary), np.nan) if spent is None else spent.to_numpy(),
            "p_alive": alive.to_numpy(),
            "expected": expected.to_numpy(),
        }
    )
    frame["at_stake"] = frame["expected"] * (1 - frame["p_alive"])
    return frame.sort_values("at_stake", ascending=False, kind="stable", ignore_index=True)
