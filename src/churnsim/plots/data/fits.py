"""The data behind the pictures of fits: how well they fit, whom they take for alive, how customers differ by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_choice, check_count, check_frame, check_kind, check_level, check_number, shown, typed
from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.fit import ModelFit, fitted_model
from churnsim.models.evaluation.validation import frequency_calibration
from churnsim.models.purchase.histories import Histories
from churnsim.models.spend.gamma_gamma import GammaGamma, repeat_spend
from churnsim.statistics import percentile_limits, wilson
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT

HAPPENED = "actual"
STEPS = 40  # of the recency in a matrix
LONGEST = 0.99  # quantile up to which distributions are shown: a tail of one in a hundred would flatten the rest

Trait = Literal["rate", "dropout"]


@in_kind
@typed
def frequencies(fit: Any, summary: CustomerFrame, *, cap: int = 7) -> pd.DataFrame:
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


@in_kind
@typed
def predictive(
    fit: Any, summary: CustomerFrame, *, cap: int = 10, draws: int = 100, level: float = 0.95, seed: int = 1
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


@in_kind
@typed
def alive_matrix(
    fit: Any, summary: CustomerFrame | None = None, *, T: float | None = None, most_purchases: int = 30
) -> pd.DataFrame:
    """P(alive) by frequency and recency.

    Parameters
    ----------
    fit : ModelFit or PurchaseModel
        A purchase model.
    summary : DataFrame, optional
        Customers, whose longest observation is T unless it is given.
    T : float, optional
        Length of the observation, in the model's unit.
    most_purchases : int
        Highest frequency shown.

    Returns
    -------
    DataFrame
        `frequency`, the span of recency `earliest, latest` with its middle `recency`, `p_alive`.
    """
    return _grid(fit, summary, T, most_purchases, 1.0).drop(columns="expected")


@in_kind
@typed
def purchases_matrix(
    fit: Any, summary: CustomerFrame | None = None, *, T: float | None = None, horizon: float, most_purchases: int = 30
) -> pd.DataFrame:
    """Expected purchases to come by frequency and recency.

    Parameters
    ----------
    fit : ModelFit or PurchaseModel
        A purchase model.
    summary : DataFrame, optional
        Customers, whose longest observation is T unless it is given.
    T : float, optional
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
    return _grid(fit, summary, T, most_purchases, check_number(horizon, "horizon", above=0)).drop(columns="p_alive")


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


@in_kind
@typed
def spend_density(
    fit: Any, summary: CustomerFrame, *, bins: int = 30, points: int = 200, level: float = 0.95, draws: int = 50,
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
    check_kind(fitted_model(fit, "fit"), "fit", GammaGamma, "a fit of GammaGamma")
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
    actual = {"series": HAPPENED, "spend": edges[:-1], "spend_to": edges[1:], "density": counted / m.size / width}
    expected = {"series": "expected", "spend": grid, "spend_to": np.nan, "density": value}
    return pd.concat(
        [
            pd.DataFrame({**actual, "lower": low / width, "upper": high / width}),
            pd.DataFrame({**expected, "lower": lower, "upper": upper}),
        ],
        ignore_index=True,
    )


def _model_of(fit: Any) -> Any:
    """The purchase model of a fit, or the one given."""
    model = fitted_model(fit, "fit")
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
    from scipy.stats import beta, gamma  # a second of imports, which a report can do without

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


def _grid(fit: Any, summary: Any, T: float | None, most_purchases: int, horizon: float) -> pd.DataFrame:
    if T is None and summary is None:
        raise ConfigError("a matrix is of customers observed for one time: give the summary, or the time as T=.")
    if T is None:
        T = float(Histories.of(summary).T.max())
    check_count(most_purchases, "most_purchases", most=1000)
    return alive_grid(_model_of(fit), T=T, most_purchases=most_purchases, horizon=horizon)


def alive_grid(model: Any, *, T: float, most_purchases: int = 30, horizon: float = 1.0) -> pd.DataFrame:
    """P(alive) and expected purchases in the next `horizon` of customers observed for `T`, by what they did.

    Times are in the model's unit. A row a cell: `frequency` from 0 to `most_purchases`; `recency` at the middle of
    `STEPS` equal parts of T, whose ends are `earliest, latest` (a frequency of 0 has one cell, over all of T);
    `p_alive`; `expected`. Of a model of opportunities a part is one of them, and frequency is at most recency. Raises
    ConfigError for a T that is not above 0.
    """
    T = check_number(T, "T", above=0)
    whole = model.reads == "opportunities"
    steps = int(T) if whole else STEPS
    edges = np.linspace(0.0, T, steps + 1)
    middle = edges[1:] if whole else (edges[1:] + edges[:-1]) / 2
    cells = pd.DataFrame(
        {
            "frequency": np.r_[0, np.repeat(np.arange(1, most_purchases + 1), steps)],
            "recency": np.r_[0.0, np.tile(middle, most_purchases)],
            "earliest": np.r_[0.0, np.tile(edges[:-1], most_purchases)],
            "latest": np.r_[T, np.tile(edges[1:], most_purchases)],
        }
    )
    if whole:
        cells = cells[cells["frequency"] <= cells["recency"]].reset_index(drop=True)
    return cells.assign(
        p_alive=model.p_alive(cells.assign(T=T)),
        expected=model.expected_purchases(cells.assign(T=T), horizon),
    )
