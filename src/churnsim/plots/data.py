"""The data behind every picture: one function a picture, of the same name and arguments, which returns a tidy frame.

Intervals are in `lower` and `upper`; they are missing where there is none. Of a fit they tell how well its parameters
are known (quantiles over draws from their asymptotic law); a model without its fit has none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import beta, gamma

from churnsim.checks import (
    check_choice,
    check_count,
    check_frame,
    check_kind,
    check_level,
    check_number,
    check_seed,
    shown,
    typed,
)
from churnsim.data.customers import cohort_matrix, whale_curve
from churnsim.data.customers.cohorts import Period
from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.decisions.assumptions.region import Region
from churnsim.decisions.comparison.compare import Comparison
from churnsim.errors import ConfigError, DataError
from churnsim.models.churn.uplift import QiniCurve, UpliftModel
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.evaluation.holdout import Validation
from churnsim.models.evaluation.validation import frequency_calibration
from churnsim.models.purchase.alive_grid import alive_grid
from churnsim.models.purchase.histories import Histories
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.tenures import Tenures
from churnsim.models.spend.gamma_gamma import GammaGamma, repeat_spend
from churnsim.models.survival.curve import SurvivalCurve
from churnsim.statistics import percentile_limits, wilson
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT, check_unit

ACTUAL = "actual"
ALL = "all customers"
LONGEST = 0.99  # quantile up to which distributions are shown: a tail of one in a hundred would flatten the rest


@typed
def frequencies(fit: Any, summary: pd.DataFrame, *, cap: int = 7) -> pd.DataFrame:
    """Customers by number of repeat purchases, counted and expected.

    Parameters
    ----------
    fit : ModelFit or PurchaseModel
        A purchase model.
    summary : DataFrame
        One row a customer, as `churnsim.summarise` returns.
    cap : int
        Customers with this many repeat purchases or more are one class.

    Returns
    -------
    DataFrame
        `frequency, actual, expected`, and `lower, upper`: where 95% of counts would fall if the model were true.
    """
    return frequency_calibration(_model_of(fit), summary, cap=check_count(cap, "cap", most=1000))


@typed
def predictive(
    fit: Any, summary: pd.DataFrame, *, cap: int = 10, draws: int = 100, level: float = 0.95, seed: int = 1
) -> pd.DataFrame:
    """Customers by number of repeat purchases beside simulated ones: a predictive check.

    Parameters
    ----------
    fit : ModelFit, or sequence of models
        A fit, whose parameters are drawn from their asymptotic law; or models drawn from a posterior, as
        `churnsim.models.posterior_models` returns, or from a prior.
    summary : DataFrame
        One row a customer; each is simulated over its own `T`.
    cap : int
        Customers with this many repeat purchases or more are one class.
    draws : int
        Simulated firms; of a sequence of models at most as many as there are.
    level : float
        Of the intervals.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        `frequency, actual`, and of the simulated firms `median, lower, upper`.
    """
    check_count(cap, "cap", most=1000)
    check_count(draws, "draws", least=2)
    if isinstance(fit, Sequence) and not isinstance(fit, str):
        models = [_model_of(each) for each in fit][:draws]
        check_count(len(models), "the number of models", least=2)
    else:
        models = _fit_of(fit).draw_parameters(draws, seed=seed)
    h = Histories.of(summary)
    drawn = np.array(
        [
            _by_class(model.draw_summary(h.T, seed=seed, replication=number)["frequency"].to_numpy(), cap)
            for number, model in enumerate(models)
        ]
    )
    lower, upper = percentile_limits(drawn, level=check_level(level))
    table = {"frequency": range(cap + 1), "actual": _by_class(h.x, cap), "median": np.median(drawn, axis=0)}
    return pd.DataFrame({**table, "lower": lower, "upper": upper})


@typed
def holdout(validation: Validation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """Mean held-out purchases by calibration frequency: calibration against holdout.

    Parameters
    ----------
    validation : Validation
        As `churnsim.validate` returns.
    models : sequence of str, optional
        Names in `Validation.fits`; all unless given.

    Returns
    -------
    DataFrame
        `frequency, customers, series, mean`, and of what happened `lower, upper`, the 95% interval of its mean.
    """
    return _beside(validation, validation.by_frequency, models, ["frequency", "customers"], "mean")


@typed
def tracking(validation: Validation, models: Sequence[str] | None = None, *, cumulative: bool = True) -> pd.DataFrame:
    """Repeat purchases of all customers by date.

    Parameters
    ----------
    validation : Validation
        As `churnsim.validate` returns.
    models : sequence of str, optional
        Names in `Validation.fits`; all unless given.
    cumulative : bool
        All so far, or those of each unit of time alone.

    Returns
    -------
    DataFrame
        `date` (last day of the unit), `holdout` (whether it was held out), `series, purchases`.
    """
    table = validation.tracking
    if cumulative:
        table = table.assign(actual=table["cumulative_actual"], expected=table["cumulative_expected"])
    found = _beside(validation, table[["model", "date", "holdout", "actual", "expected"]], models, ["date", "holdout"],
                    "purchases")  # fmt: skip
    return found.drop(columns=["lower", "upper"])


@typed
def calibration(validation: Validation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """The share that bought beside the chance that a model gave, by bins of customers.

    Parameters
    ----------
    validation : Validation
        As `churnsim.validate` returns.
    models : sequence of str, optional
        Names in `Validation.fits`; all unless given.

    Returns
    -------
    DataFrame
        `series, customers, expected, actual`, and `lower, upper`, Wilson's 95% interval of the share.
    """
    named = _named_models(validation, models)
    table = validation.active[validation.active["model"].isin(list(named))]
    found = table.assign(series=table["model"].map(named))
    return found[["series", "customers", "expected", "actual", "lower", "upper"]].reset_index(drop=True)


@typed
def alive_matrix(fit: Any, *, T: float, most_purchases: int = 30) -> pd.DataFrame:
    """P(alive) by frequency and recency.

    Parameters
    ----------
    fit : ModelFit or PurchaseModel
        A purchase model.
    T : float
        Length of the observation, in the model's unit.
    most_purchases : int
        Highest frequency shown.

    Returns
    -------
    DataFrame
        `frequency`, the span of recency `earliest, latest` with its middle `recency`, `p_alive`.
    """
    return _grid(fit, T, most_purchases, 1.0).drop(columns="expected")


@typed
def purchases_matrix(fit: Any, *, T: float, horizon: float, most_purchases: int = 30) -> pd.DataFrame:
    """Expected purchases to come by frequency and recency.

    Parameters
    ----------
    fit : ModelFit or PurchaseModel
        A purchase model.
    T : float
        Length of the observation, in the model's unit.
    horizon : float
        Length of the forecast, in the model's unit.
    most_purchases : int
        Highest frequency shown.

    Returns
    -------
    DataFrame
        `frequency`, the span of recency `earliest, latest` with its middle `recency`, `expected`.
    """
    return _grid(fit, T, most_purchases, check_number(horizon, "horizon", above=0)).drop(columns="p_alive")


@typed
def alive_history(
    fit: Any,
    transactions: Any,
    customer: Any,
    *,
    until: str | date | None = None,
    level: float = 0.95,
    draws: int = 50,
    seed: int = 1,
) -> pd.DataFrame:
    """P(alive) of one customer on every day since the first purchase, as the log of that day tells it.

    Parameters
    ----------
    fit : ModelFit or PurchaseModel
        A purchase model without covariates.
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.summarise` takes.
    customer : str or int
        The customer's id in the log.
    until : str or date, optional
        Last day shown; the log's last unless given.
    level : float
        Of the intervals.
    draws : int
        Draws of the parameters behind the intervals.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        `date, p_alive, lower, upper`, and whether there was a `purchase`.
    """
    model = _model_of(fit)
    if getattr(model, "reads", "") == "opportunities":
        raise ConfigError(f"{model.title} counts periods, and a history is told by days. Use a model of purchases.")
    log, end = purchase_days(transactions).seen_until(until)
    known = pd.api.types.is_scalar(customer) and customer in log.ids
    if not known:
        raise DataError(f"customer {shown(customer)} has no purchase in the log by {iso_day(end)}.")
    own = log.day[log.customer == log.ids.get_loc(customer)]
    days = np.arange(own[0], end + 1)
    made = np.searchsorted(own, days, side="right")
    per = DAYS_PER_UNIT[model.unit]
    seen = pd.DataFrame(
        {"frequency": made - 1, "recency": (own[made - 1] - own[0]) / per, "T": (days - own[0]) / per},
        index=pd.Index(days, name="customer_id"),
    )
    value, lower, upper = _with_interval(
        fit, lambda each: each.p_alive(seen).to_numpy(), level=level, draws=draws, seed=seed
    )
    return pd.DataFrame(
        {"date": days.astype("datetime64[D]").astype("datetime64[ns]"), "p_alive": value, "lower": lower,
         "upper": upper, "purchase": np.isin(days, own)}
    )  # fmt: skip


@typed
def expected_repeats(
    fits: Any, *, until: float = 52.0, points: int = 100, level: float = 0.95, draws: int = 50, seed: int = 1
) -> pd.DataFrame:
    """Expected repeat purchases of a new customer by age.

    Parameters
    ----------
    fits : ModelFit or PurchaseModel, or mapping of names to them
        Purchase models in one unit of time.
    until : float
        Highest age, in the models' unit.
    points : int
        Ages shown, besides 0.
    level : float
        Of the intervals.
    draws : int
        Draws of the parameters behind the intervals.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        `series, age, expected, lower, upper`.
    """
    ages = np.linspace(0.0, check_number(until, "until", above=0), check_count(points, "points", most=100_000) + 1)
    parts = []
    for name, fit in _named_fits(fits).items():
        _model_of(fit)
        value, lower, upper = _with_interval(
            fit, lambda each: each.expected_purchases_new(ages), level=level, draws=draws, seed=seed
        )
        parts.append(
            pd.DataFrame({"series": name, "age": ages, "expected": value, "lower": lower, "upper": upper})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


Trait = Literal["rate", "dropout"]


@typed
def heterogeneity(
    fit: Any, of: Trait = "rate", *, points: int = 200, level: float = 0.95, draws: int = 50, seed: int = 1
) -> pd.DataFrame:
    """How customers differ: the density of their buying rate, or of their dropout.

    Parameters
    ----------
    fit : ModelFit or PurchaseModel
        A purchase model without covariates.
    of : {"rate", "dropout"}
        Purchases a unit of time while alive; or the chance to leave after a purchase (a unit of time, for Pareto/NBD;
        an opportunity, for BG/BB).
    points : int
        Values shown: up to the 99% quantile, from the 5% quantile or a hundredth of that.
    level : float
        Of the intervals.
    draws : int
        Draws of the parameters behind the intervals.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        `value, share` (of the customers that have at most this value), `density, lower, upper`.
    """
    law = law_of_trait(_model_of(fit), of)
    low, high = law.ppf([0.05, LONGEST])
    # Of most laws the density has no limit at 0.
    values = np.linspace(max(low, high / 100), high, check_count(points, "points", least=2, most=100_000))
    density, lower, upper = _with_interval(
        fit, lambda each: law_of_trait(each, of).pdf(values), level=level, draws=draws, seed=seed
    )
    return pd.DataFrame({"value": values, "share": law.cdf(values), "density": density, "lower": lower, "upper": upper})


@typed
def spend_density(
    fit: Any, summary: pd.DataFrame, *, bins: int = 30, points: int = 200, level: float = 0.95, draws: int = 50,
    seed: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """The density of customers' mean spend a purchase, counted and by Gamma-Gamma.

    Parameters
    ----------
    fit : ModelFit or GammaGamma
        A spend model.
    summary : DataFrame
        With `frequency, monetary_value`; customers with a repeat purchase and spend above 0 count.
    bins : int
        Of the histogram, up to the 99% quantile.
    points : int
        Of the model's curve, which mixes the densities of customers with as many purchases as these have.
    level : float
        Of the intervals.
    draws : int
        Draws of the parameters behind the intervals.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        `series` ("actual" or "expected"), `spend`, of the counted ones `spend_to`, `density, lower, upper`.
    """
    check_kind(fit.model if isinstance(fit, ModelFit) else fit, "fit", GammaGamma, "a fit of GammaGamma")
    check_frame(summary, "summary")
    x, m = repeat_spend(summary)
    used = (x > 0) & (m > 0)
    if not used.any():
        raise DataError("no customer has a repeat purchase with positive spend, so there is no density of it.")
    x, m = x[used], m[used]
    top = float(np.quantile(m, LONGEST))
    edges = np.linspace(0.0, top, check_count(bins, "bins", most=10_000) + 1)
    counted = np.histogram(m, edges)[0]
    width = edges[1]
    low, high = wilson(counted, np.full(counted.size, m.size), level=level)
    bought, customers = np.unique(x, return_counts=True)
    grid = np.linspace(0.0, top, check_count(points, "points", most=100_000) + 1)[1:]
    cells = pd.DataFrame({"frequency": np.repeat(bought, grid.size), "monetary_value": np.tile(grid, bought.size)})

    def density(model: Any) -> Floats:
        each = np.exp(model.log_likelihood(cells).to_numpy()).reshape(bought.size, grid.size)
        return np.asarray((each * (customers / m.size)[:, None]).sum(axis=0))

    value, lower, upper = _with_interval(fit, density, level=level, draws=draws, seed=seed)
    actual = {"series": ACTUAL, "spend": edges[:-1], "spend_to": edges[1:], "density": counted / m.size / width}
    expected = {"series": "expected", "spend": grid, "spend_to": np.nan, "density": value}
    return pd.concat(
        [
            pd.DataFrame({**actual, "lower": low / width, "upper": high / width}),
            pd.DataFrame({**expected, "lower": lower, "upper": upper}),
        ],
        ignore_index=True,
    )


@typed
def exposure(summary: pd.DataFrame, *, customers: int = 40, seed: int = 1) -> pd.DataFrame:
    """How long customers were observed, and for how long of it they bought.

    Parameters
    ----------
    summary : DataFrame
        One row a customer, as `churnsim.summarise` returns.
    customers : int
        How many are drawn, without regard to what they did.
    seed : int
        Of the draw.

    Returns
    -------
    DataFrame
        `place` (0 for the one observed the longest), `customer_id, frequency, recency, T`.
    """
    h = Histories.of(summary)
    drawn = _some(h.T.size, customers, seed)
    everybody = pd.DataFrame({"customer_id": h.index, "frequency": h.x, "recency": h.t_x, "T": h.T})
    table: pd.DataFrame = everybody.iloc[drawn].sort_values(["T", "recency"], ascending=False, kind="stable")
    table.insert(0, "place", range(len(table)))
    return table.reset_index(drop=True)


@typed
def timing(transactions: Any, *, customers: int = 40, until: str | date | None = None, seed: int = 1) -> pd.DataFrame:
    """The days on which customers bought.

    Parameters
    ----------
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.summarise` takes.
    customers : int
        How many are drawn, without regard to what they did.
    until : str or date, optional
        Last day shown; the log's last unless given.
    seed : int
        Of the draw.

    Returns
    -------
    DataFrame
        A row a day with a purchase: `place` (0 for the customer who came first), `customer_id, date`, and the number of
        the purchase, `order`.
    """
    log, _ = purchase_days(transactions).seen_until(until)
    drawn = _some(log.ids.size, customers, seed)
    drawn = drawn[np.argsort(log.first_day()[drawn], kind="stable")]
    place = np.full(log.ids.size, -1)
    place[drawn] = np.arange(drawn.size)
    kept = place[log.customer] >= 0
    table = pd.DataFrame(
        {
            "place": place[log.customer[kept]],
            "customer_id": log.ids[log.customer[kept]],
            "date": log.day[kept].astype("datetime64[D]").astype("datetime64[ns]"),
            "order": log.order_number()[kept],
        }
    )
    return table.sort_values(["place", "order"], kind="stable").reset_index(drop=True)


@typed
def gaps(
    transactions: Any, *, unit: str = "W", until: str | date | None = None, bins: int = 30, level: float = 0.95
) -> pd.DataFrame:
    """The time between two successive purchases of a customer.

    Parameters
    ----------
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.summarise` takes.
    unit : {"D", "W", "M", "Y"}
        Of time.
    until : str or date, optional
        Last day that counts; the log's last unless given. A gap that is still open then is not counted.
    bins : int
        At most as many, each of the same whole number of days, up to the 99% quantile.
    level : float
        Of the intervals (Wilson's), which take gaps as independent.

    Returns
    -------
    DataFrame
        A gap above `gap` and up to `gap_to` (in `unit`): how many `gaps`, their `share` of all, `lower, upper`.
    """
    per = DAYS_PER_UNIT[check_unit(unit)]
    log, end = purchase_days(transactions).seen_until(until)
    between = np.diff(log.day)[np.diff(log.customer) == 0]
    if between.size == 0:
        raise DataError(f"no customer bought twice by {iso_day(end)}, so there is no gap to show.")
    longest = float(np.quantile(between, LONGEST))
    width = int(np.ceil(longest / check_count(bins, "bins", most=10_000)))
    edges = np.arange(0, longest + width, width)
    counted = np.histogram(between, edges + 0.5)[0]  # gaps are whole days
    lower, upper = wilson(counted, np.full(counted.size, between.size), level=check_level(level))
    return pd.DataFrame(
        {"gap": edges[:-1] / per, "gap_to": edges[1:] / per, "gaps": counted, "share": counted / between.size,
         "lower": lower, "upper": upper}
    )  # fmt: skip


@typed
def survival(
    subscriptions: pd.DataFrame,
    *,
    by: str | None = None,
    curves: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Survival by Kaplan and Meier, of groups too, with the numbers at risk; and fitted curves beside it.

    Parameters
    ----------
    subscriptions : DataFrame
        With `tenure`, `churned` and perhaps `entry`, as `churnsim.data.read_subscriptions` returns.
    by : str, optional
        A column: a curve for each of its values.
    curves : mapping of names to fits or retention models, optional
        Drawn over the same tenures.
    level : float
        Of the intervals (Greenwood's, in ln(-ln S)).

    Returns
    -------
    DataFrame
        `series, time, survival, lower, upper, at_risk` (just before `time`), a row for time 0 and each time of a loss;
        of fitted curves without intervals and numbers.
    """
    groups = _groups(subscriptions, by)
    parts = []
    for name, rows in groups.items():
        try:
            fit = SurvivalCurve.fit(rows)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
        assert fit.table is not None
        told = fit.interval(fit.table.index, level)
        table = told.reset_index(names="time").assign(at_risk=fit.table["at_risk"].to_numpy())
        start = pd.DataFrame({"time": [0.0], "survival": 1.0, "lower": 1.0, "upper": 1.0, "at_risk": float(len(rows))})
        parts.append(pd.concat([start, table], ignore_index=True).assign(series=name))
    last = max(float(part["time"].max()) for part in parts)
    grid = np.linspace(0.0, last, 201)
    for name, curve in (curves or {}).items():
        model = getattr(curve, "model", curve)
        check_kind(model, f"curves[{name!r}]", RetentionModel, "a fit or a retention model")
        parts.append(pd.DataFrame({"time": grid, "survival": np.asarray(model.survival(grid)), "series": str(name)}))
    found = pd.concat(parts, ignore_index=True)
    return found[["series", "time", "survival", "lower", "upper", "at_risk"]]


@typed
def at_risk(subscriptions: pd.DataFrame, times: Sequence[float], *, by: str | None = None) -> pd.DataFrame:
    """How many customers were under observation just before given tenures, which stand below `survival`.

    Parameters
    ----------
    subscriptions : DataFrame
        With `tenure`, `churned` and perhaps `entry`.
    times : sequence of float
        Tenures.
    by : str, optional
        A column: a row for each of its values.

    Returns
    -------
    DataFrame
        `series, time, at_risk`.
    """
    parts = []
    for name, rows in _groups(subscriptions, by).items():
        seen = Tenures.of(rows)
        # At 0 everybody is who is under observation from the beginning.
        number = [int((((seen.entry < t) | ((t == 0) & (seen.entry == 0))) & (seen.tenure >= t)).sum()) for t in times]
        parts.append(pd.DataFrame({"series": name, "time": np.asarray(times, dtype=np.float64), "at_risk": number}))
    return pd.concat(parts, ignore_index=True)


@typed
def qini(curves: Any) -> pd.DataFrame:
    """What contacting the first of a ranking gains, beside as many contacted at random.

    Parameters
    ----------
    curves : QiniCurve or UpliftModel, or mapping of names to curves
        As `churnsim.models.qini_curve` returns; of an uplift model, its own and that by risk of leaving.

    Returns
    -------
    DataFrame
        `series, share` (of the customers contacted), `gain` (per customer of the base), `lower, upper`, and that of
        contacting as many at `random`.
    """
    if isinstance(curves, UpliftModel):
        curves = {"by uplift": curves.qini, "by risk of leaving": curves.risk_qini}
    elif isinstance(curves, QiniCurve):
        curves = {"by score": curves}
    check_kind(curves, "curves", Mapping, "a QiniCurve or a mapping of names to them")
    check_count(len(curves), "the number of curves")
    for name, curve in curves.items():
        check_kind(curve, f"curves[{name!r}]", QiniCurve, "a QiniCurve")
    parts: list[pd.DataFrame] = [curve.table.reset_index().assign(series=str(name)) for name, curve in curves.items()]
    return pd.concat(parts, ignore_index=True)[["series", "share", "gain", "lower", "upper", "random"]]


@typed
def cohorts(
    transactions: Any,
    value: Literal["retention", "revenue"] = "retention",
    *,
    period: Period = "M",
    until: str | date | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """By cohort and age: which share of the cohort bought, or what it spent.

    Parameters
    ----------
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.summarise` takes; with amounts, for the revenue.
    value : {"retention", "revenue"}
        The share of the cohort that bought in a period, or its spend per customer of the cohort.
    period : {"M", "Q", "Y"}
        Calendar months, quarters or years.
    until : str or date, optional
        Last day that counts; the log's last unless given.
    level : float
        Of the intervals of shares (Wilson's).

    Returns
    -------
    DataFrame
        `cohort` (first day of its period), `customers, age` (periods since), `value`, and of shares `lower, upper`.
    """
    table = cohort_matrix(transactions, period=period, until=until, level=level)
    if value == "retention":
        return table.rename(columns={"share": "value"})[["cohort", "customers", "age", "value", "lower", "upper"]]
    if "spend" not in table:
        raise DataError("the log has no amounts, so cohorts have no revenue. Read it with amount=.")
    return table.rename(columns={"spend": "value"})[["cohort", "customers", "age", "value"]].assign(
        lower=np.nan, upper=np.nan
    )


@typed
def concentration(
    values: Any, *, points: int = 50, level: float = 0.95, replications: int = 200, seed: int = 0
) -> pd.DataFrame:
    """The cumulative share of a value over customers, the best first.

    Parameters
    ----------
    values : Series or array of float
        A number a customer, such as `churnsim.customers.customer_spend(log)`.
    points : int
        Shares of customers shown, besides 0.
    level : float
        Of the intervals (bootstrap over customers).
    replications : int
        Of the bootstrap.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `customers` and `value` (shares), `lower, upper`.
    """
    return whale_curve(values, points=points, level=level, replications=replications, seed=seed)


@typed
def strategies(
    comparison: Comparison, metric: str = "npv", *, against: str = "baseline", level: float = 0.95
) -> pd.DataFrame:
    """What each strategy brings more than another, by the same replications.

    Parameters
    ----------
    comparison : Comparison
        As `churnsim.compare` returns.
    metric : str
        What is compared, such as "npv" or "profit".
    against : str
        The strategy that the others are compared with.
    level : float
        Of the intervals of the paired differences.

    Returns
    -------
    DataFrame
        `strategy, against, metric, mean, lower, upper`.
    """
    table = comparison.differences(metric, against=against, level=level)
    if table.empty:
        raise ConfigError(f"there is no strategy besides {against!r} to show.")
    return table[["strategy", "against", "metric", "mean", "lower", "upper"]]


@typed
def belief_map(region: Region, *, third: int = 0) -> pd.DataFrame:
    """Where a statement holds, over a grid of two assumptions.

    Parameters
    ----------
    region : Region
        As `churnsim.decisions.assumption_region` or `map_region` returns, of two or three assumptions.
    third : int
        Of three assumptions: which cell of the third is shown.

    Returns
    -------
    DataFrame
        The borders `left, right` (of the first assumption) and `bottom, top` (of the second), `state, mean, lower,
        upper`.
    """
    if len(region.axes) not in (2, 3):
        raise ConfigError(f"a map has two assumptions, or three; this region has {len(region.axes)}.")
    across, upright, *deep = region.axes
    check_count(third, "third", least=0, most=deep[0].cells - 1 if deep else 0)
    places = np.indices([axis.cells for axis in region.axes]).reshape(len(region.axes), -1)
    found = pd.DataFrame(
        {
            "left": across.edges[places[0]], "right": across.edges[places[0] + 1],
            "bottom": upright.edges[places[1]], "top": upright.edges[places[1] + 1],
            **{name: region.frame.get(name, pd.Series(np.nan, region.frame.index)).to_numpy()
               for name in ("state", "mean", "lower", "upper")},
        }
    )  # fmt: skip
    return found[places[2] == third].reset_index(drop=True) if deep else found


def _model_of(fit: Any) -> Any:
    """The purchase model of a fit, or the one given."""
    model = fit.model if isinstance(fit, ModelFit) else fit
    if isinstance(model, type) or not hasattr(model, "expected_purchases_new"):
        raise ConfigError(f"fit must be a purchase model or its fit, such as BGNBD.fit(summary); got {shown(fit)}.")
    return model


def _fit_of(fit: Any) -> Any:
    _model_of(fit)
    if not isinstance(fit, ModelFit):
        raise ConfigError(f"fit must be a fit, whose parameters can be drawn, or models drawn; got {shown(fit)}.")
    return fit


def _named_fits(fits: Any) -> dict[str, Any]:
    """Fits or models by name; one without a name has its family's title."""
    if not isinstance(fits, Mapping):
        return {str(_model_of(fits).title): fits}
    check_count(len(fits), "the number of fits")
    return {str(name): fit for name, fit in fits.items()}


def _with_interval(
    fit: Any, value: Callable[[Any], Floats], *, level: float, draws: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """A curve of the model, and its limits over draws of the fit's parameters; missing without a fit."""
    check_level(level)
    check_count(draws, "draws", least=2)
    if not isinstance(fit, ModelFit):
        found = value(fit)
        return found, np.full(found.shape, np.nan), np.full(found.shape, np.nan)
    lower, upper = percentile_limits(
        np.array([value(each) for each in fit.draw_parameters(draws, seed=seed)]), level=level
    )
    return value(fit.model), lower, upper


def law_of_trait(model: Any, of: str) -> Any:
    """The law of a trait over customers, as a distribution of scipy. ConfigError where the model has none."""
    p = {name: float(getattr(model, name)) for name in ("r", "alpha", "a", "b", "s", "beta", "gamma", "delta")
         if isinstance(getattr(model, name, None), int | float)}  # fmt: skip
    if of == "rate" and {"r", "alpha"} <= p.keys():
        # Of stages, k of which make a purchase, where there are any.
        return gamma(p["r"], scale=1 / (p["alpha"] * getattr(model, "k", 1)))
    if of == "rate" and {"alpha", "beta", "gamma", "delta"} <= p.keys():
        return beta(p["alpha"], p["beta"])
    if of == "dropout" and {"a", "b"} <= p.keys():
        return beta(p["a"], p["b"])
    if of == "dropout" and {"s", "beta"} <= p.keys():
        return gamma(p["s"], scale=1 / p["beta"])
    if of == "dropout" and {"gamma", "delta"} <= p.keys():
        return beta(p["gamma"], p["delta"])
    check_choice(of, "of", ("rate", "dropout"))
    raise ConfigError(f"{model.title} has no one law of the {of} over customers.")


def _by_class(x: Any, cap: int) -> Any:
    return np.bincount(np.minimum(np.asarray(x, dtype=np.int64), cap), minlength=cap + 1)


def _grid(fit: Any, T: float, most_purchases: int, horizon: float) -> pd.DataFrame:
    check_count(most_purchases, "most_purchases", most=1000)
    return alive_grid(_model_of(fit), T=T, most_purchases=most_purchases, horizon=horizon)


def _some(n: int, wanted: int, seed: int) -> Any:
    """Places of as many as wanted, or of all, drawn."""
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    return np.sort(random.permutation(n)[: check_count(wanted, "customers", most=1000)])


def _named_models(validation: Validation, models: Sequence[str] | None) -> dict[str, str]:
    """Titles of the models asked for, by name; the names where two have one title."""
    known = validation.fits
    wanted: list[Any] = list(known) if models is None else list(models)
    check_count(len(wanted), "the number of models")
    for name in wanted:
        if not isinstance(name, Hashable) or name not in known:
            raise ConfigError(f"there is no model {name!r}. Validated are {', '.join(known)}.")
    titles = [str(known[name].model.title) for name in wanted]
    return dict(zip(wanted, titles if len(set(titles)) == len(titles) else wanted, strict=True))


def _beside(
    validation: Validation, table: pd.DataFrame, models: Sequence[str] | None, keys: list[str], value: str
) -> pd.DataFrame:
    """Columns `actual` once, and `expected` of each model, one under the other as `series` and `value`."""
    named = _named_models(validation, models)
    own = table[table["model"] == next(iter(named))]
    happened = own.assign(series=ACTUAL).rename(columns={"actual": value})
    parts = [happened]
    for name, title in named.items():
        rows = table[table["model"] == name].assign(series=title).rename(columns={"expected": value})
        parts.append(rows.assign(lower=np.nan, upper=np.nan))
    columns = [*keys, "series", value, "lower", "upper"]
    kept = [part.reindex(columns=columns).astype({value: np.float64}) for part in parts]
    return pd.concat([part.astype({"lower": float, "upper": float}) for part in kept], ignore_index=True)


def _groups(subscriptions: pd.DataFrame, by: str | None) -> dict[str, pd.DataFrame]:
    check_frame(subscriptions, "subscriptions")
    if by is None:
        return {ALL: subscriptions}
    if by not in subscriptions:
        raise ConfigError(f"by must be a column of the subscriptions; there is no {shown(by)}.")
    missing = int(subscriptions[by].isna().sum())
    if missing:
        raise DataError(f"{missing} customers have no {by!r}. Fill or drop them.")
    found = {str(name): rows for name, rows in subscriptions.groupby(by, sort=True, observed=True)}
    if not 1 <= len(found) <= 12:
        raise DataError(f"{by!r} must have from 1 to 12 values to be drawn apart; it has {len(found)}.")
    return found
