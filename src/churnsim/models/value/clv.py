"""Customer lifetime value: expected purchases, worth what a customer spends, discounted.

    CLV = margin . E[spend | history] . E[discounted purchases in (T, T + horizon] | history]

the product of a purchase model's residual transactions and the Gamma-Gamma's expected spend (Fader, Hardie & Lee 2005,
JMR 42, eq. 3, in its continuous form; their discrete form books a period's purchases at the period's end). The product
stands on spend being independent of how often a customer buys; where the data say otherwise a warning says by how much.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_level, check_number, check_share, shown, typed
from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError
from churnsim.models.estimation.fit import ModelFit, check_fit, fitted_model
from churnsim.models.estimation.intervals import delta_interval
from churnsim.models.purchase.calendar.calendar_model import CalendarModel
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.two_clocks import TwoClockModel
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.spend.gamma_gamma import GammaGamma, repeat_spend, spend_correlation
from churnsim.models.spend.gamma_gamma_calendar import GammaGammaEffects
from churnsim.statistics import normal_quantile, tails

# Assumed: the square, 0.09, is the share of the variance that the spend model would then leave unexplained.
NOTABLE_CORRELATION = 0.3
DRAWS = 200

Purchases = PurchaseModel | ModelFit[PurchaseModel]
Spend = GammaGamma | GammaGammaEffects | ModelFit[GammaGamma]


class SpendCorrelationWarning(UserWarning):
    """Spend and frequency go together, and the value takes them to be independent."""


@dataclass(frozen=True, kw_only=True)
class TotalValue:
    """Expected value of all customers together, with the interval of the estimates' error.

    What single customers will do beside their expectation is not in it: relative to a total it is small.
    """

    value: float
    lower: float
    upper: float
    level: float
    customers: int


@in_kind
def discounted_purchases(
    summary: CustomerFrame, *, purchases: PurchaseModel, annual_discount_rate: float, horizon: float = math.inf
) -> pd.Series[float]:
    """Expected purchases of each customer in (T, T + horizon], each discounted to T.

    `horizon` in the model's unit, above 0, infinite unless given (which needs a discount rate above 0);
    `annual_discount_rate` is annual and effective. Raises ConfigError for another horizon.

    Examples
    --------
    >>> import churnsim as cs
    >>> purchases = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> customer = pd.DataFrame({"frequency": [2], "recency": [30.43], "T": [38.86]})
    >>> float(discounted_purchases(customer, purchases=purchases, annual_discount_rate=0.15).iloc[0].round(2))
    5.18
    """
    if not hasattr(purchases, "residual_transactions"):
        raise ConfigError(f"purchases must be a purchase model such as BGNBD, or its fit; got {shown(purchases)}.")
    if not isinstance(horizon, float) or horizon != math.inf:
        check_number(horizon, "horizon", above=0, remedy=f"It is counted in the model's unit ({purchases.unit}).")
    values = purchases.residual_transactions(summary, annual_discount_rate, horizon=horizon)
    return values.rename("discounted_purchases")


@in_kind
def customer_value(
    summary: CustomerFrame,
    *,
    purchases: Purchases,
    spend: Spend,
    annual_discount_rate: float,
    horizon: float = math.inf,
    margin: float = 1.0,
) -> pd.Series[float]:
    """Expected discounted margin of each customer over the next `horizon`, in money, in the order of the rows.

    Raises ConfigError for values out of range; warns (SpendCorrelationWarning, with the correlation and its interval)
    where spend goes with frequency.

    Parameters
    ----------
    summary : DataFrame
        One row a customer: `frequency, recency, T, monetary_value`.
    purchases : purchase model or fit
        How often they buy and how long they stay.
    spend : GammaGamma or fit
        What they spend. Of a `GammaGammaCalendar` or a `GammaGammaSeries`, a purchase counts at the level of its day;
        `monetary_value` must be on average days (`on_average_days`), and the summary have `first_purchase`.
    annual_discount_rate : float
        Effective; 0.10 is ten percent a year.
    horizon : float
        Time units looked ahead, in the purchase model's unit; for ever unless given.
    margin : float
        Share of revenue that is contribution, between 0 and 1; 1 unless given.

    Returns
    -------
    Series of shape (customers,)
        Money, on the summary's index.

    Examples
    --------
    >>> import churnsim as cs
    >>> purchases = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> spend = cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)
    >>> customer = pd.DataFrame({"frequency": [2], "recency": [30.43], "T": [38.86], "monetary_value": [22.35]})
    >>> value = cs.customer_value(customer, purchases=purchases, spend=spend, annual_discount_rate=0.15, horizon=52.0)
    >>> float(value.iloc[0].round(2))
    36.06
    """
    warn_if_correlated(summary)
    return _value(summary, fitted_model(purchases), fitted_model(spend), annual_discount_rate, horizon, margin)


# Of the model's unit in one month, as lifetimes and pymc-marketing have it: 30 days of 24 hours, 4.345 weeks.
PER_MONTH = {"H": 720.0, "D": 30.0, "W": 4.345, "M": 1.0, "Y": 1 / 12}


@in_kind
@typed
def customer_lifetime_value(
    summary: CustomerFrame, *, purchases: Purchases, spend: Spend, time: int = 12, discount_rate: float = 0.01
) -> pd.Series[float]:
    """Value of each customer as lifetimes and pymc-marketing define it: purchases of each month, worth what the
    customer is expected to spend, booked at the month's end and discounted at a rate a **month**.

    `customer_value` books each purchase when it happens, discounts at a rate a year, and has intervals.

    Parameters
    ----------
    summary : DataFrame
        One row a customer: `frequency, recency, T, monetary_value`.
    purchases, spend : model or fit
        How often they buy and how long they stay, and what they spend.
    time : int
        Months looked ahead; a month is 30 days or 4.345 weeks.
    discount_rate : float
        A month; 0.01 is 12.7% a year.

    Returns
    -------
    Series of shape (customers,)
        Money, on the summary's index. Raises ConfigError for a time or a rate out of range.

    Examples
    --------
    >>> import churnsim as cs
    >>> purchases = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> spend = cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)
    >>> customer = pd.DataFrame({"frequency": [2], "recency": [30.43], "T": [38.86], "monetary_value": [22.35]})
    >>> float(customer_lifetime_value(customer, purchases=purchases, spend=spend).iloc[0].round(2))
    36.29
    """
    months = check_count(time, "time", most=1200)
    rate = check_number(discount_rate, "discount_rate", above=-1, most=10, remedy="One percent a month is 0.01.")
    counts, amounts = fitted_model(purchases), fitted_model(spend)
    if not hasattr(counts, "expected_purchases"):
        raise ConfigError(f"purchases must be a purchase model such as BGNBD, or its fit; got {shown(purchases)}.")
    if not hasattr(amounts, "expected_spend"):
        raise ConfigError(f"spend must be a model of spend such as GammaGamma, or its fit; got {shown(spend)}.")
    warn_if_correlated(summary)
    length, before, total = PER_MONTH[counts.unit], 0.0, 0.0
    for month in range(1, months + 1):
        until = counts.expected_purchases(summary, month * length)
        total = total + (until - before) / (1 + rate) ** month
        before = until
    value: pd.Series[float] = total * amounts.expected_spend(summary)
    return value.rename("customer_lifetime_value")


@in_kind
def customer_value_intervals(
    summary: CustomerFrame,
    *,
    purchases: ModelFit[PurchaseModel],
    spend: ModelFit[GammaGamma],
    annual_discount_rate: float,
    horizon: float = math.inf,
    margin: float = 1.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """`customer_value` with the interval of the estimates' error: columns `value, standard_error, lower, upper`.

    By the delta method on the logarithm; the two fits are independent, so their relative variances add up. An interval
    speaks of a customer's expectation, not of what it will happen to do.

    Parameters
    ----------
    summary : DataFrame
        One row a customer: `frequency, recency, T, monetary_value`.
    purchases, spend : ModelFit
        Of a purchase model and of Gamma-Gamma.
    annual_discount_rate : float
        Effective; 0.10 is ten percent a year.
    horizon : float
        Time units looked ahead, in the purchase model's unit; for ever unless given.
    margin : float
        Share of revenue that is contribution, between 0 and 1; 1 unless given.
    level : float
        Of the intervals.

    Examples
    --------
    >>> from churnsim import BGNBD, GammaGamma, datasets, summarise
    >>> summary = summarise(datasets.cdnow(), until="1997-09-30")
    >>> fits = {"purchases": BGNBD.fit(summary), "spend": GammaGamma.fit(summary)}
    >>> table = customer_value_intervals(summary.head(1), **fits, annual_discount_rate=0.1, horizon=52.0)
    >>> table.iloc[0].round(1).to_dict()
    {'value': 36.8, 'standard_error': 1.7, 'lower': 33.6, 'upper': 40.3}
    """
    check_level(level)
    values = customer_value(
        summary, purchases=purchases, spend=spend, annual_discount_rate=annual_discount_rate, horizon=horizon,
        margin=margin,
    ).rename("value")  # fmt: skip
    terms = annual_discount_rate, horizon, margin
    if isinstance(spend.model, GammaGammaEffects):  # whose levels weigh the purchases
        counts = delta_interval(purchases, lambda model: _value(summary, model, spend.model, *terms))
        amounts = delta_interval(spend, lambda model: _value(summary, purchases.model, model, *terms))
    else:
        counts = delta_interval(
            purchases,
            lambda model: discounted_purchases(
                summary, purchases=model, annual_discount_rate=annual_discount_rate, horizon=horizon
            ),
        )
        amounts = delta_interval(spend, lambda model: model.expected_spend(summary))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.sqrt(
            np.square(counts["standard_error"] / counts["estimate"])
            + np.square(amounts["standard_error"] / amounts["estimate"])
        ).fillna(0.0)
    factor = np.exp(normal_quantile(level) * relative)
    return pd.DataFrame(
        {"value": values, "standard_error": values * relative, "lower": values / factor, "upper": values * factor}
    )


@in_kind
def total_value(
    summary: CustomerFrame,
    *,
    purchases: ModelFit[PurchaseModel],
    spend: ModelFit[GammaGamma],
    annual_discount_rate: float,
    seed: int,
    horizon: float = math.inf,
    margin: float = 1.0,
    level: float = 0.95,
    draws: int = DRAWS,
) -> TotalValue:
    """Value of all customers together, with the percentile interval over `draws` parameter sets of both fits.

    Parameters
    ----------
    summary : DataFrame
        One row a customer: `frequency, recency, T, monetary_value`.
    purchases, spend : ModelFit
        Of a purchase model and of Gamma-Gamma.
    annual_discount_rate : float
        Effective; 0.10 is ten percent a year.
    seed : int
        Of the draws.
    horizon : float
        Time units looked ahead, in the purchase model's unit; for ever unless given.
    margin : float
        Share of revenue that is contribution, between 0 and 1; 1 unless given.
    level : float
        Of the interval.
    draws : int
        Parameter sets drawn from both fits.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow())
    >>> total = total_value(
    ...     summary, purchases=cs.BGNBD.fit(summary), spend=cs.GammaGamma.fit(summary), annual_discount_rate=0.15,
    ...     seed=1, horizon=52.0, draws=20,
    ... )
    >>> total.customers, total.lower < total.value < total.upper
    (2357, True)
    """
    check_level(level)
    check_fit(purchases, "purchases")
    check_fit(spend, "spend")
    warn_if_correlated(summary)

    def total(counts: PurchaseModel, amounts: GammaGamma) -> float:
        return float(_value(summary, counts, amounts, annual_discount_rate, horizon, margin).sum())

    pairs = zip(
        purchases.draw_parameters(draws, seed=seed), spend.draw_parameters(draws, seed=seed + 1), strict=True
    )  # fmt: skip
    totals = [total(*pair) for pair in pairs]
    lower, upper = map(float, np.quantile(totals, tails(level)))
    return TotalValue(
        value=total(purchases.model, spend.model), lower=lower, upper=upper, level=level, customers=len(summary)
    )


def warn_if_correlated(summary: pd.DataFrame) -> None:
    """Warn where frequency and mean spend of repeat customers are correlated beyond 0.3, with Fisher's interval."""
    correlation = spend_correlation(summary)
    x, m = repeat_spend(summary)
    warn_of_correlation(correlation, int(((x > 0) & (m > 0)).sum()), stacklevel=4)


def warn_of_correlation(correlation: float, n: int, *, stacklevel: int = 3) -> None:
    """The warning of `warn_if_correlated` for a correlation among `n` repeat customers, where it is notable."""
    if abs(correlation) <= NOTABLE_CORRELATION:
        return
    reach = 1.96 / math.sqrt(n - 3) if n > 3 else math.inf
    lower, upper = (math.tanh(math.atanh(min(max(correlation, -1 + 1e-12), 1 - 1e-12)) + s * reach) for s in (-1, 1))
    bias = "too low" if correlation > 0 else "too high"
    warnings.warn(
        f"spend and frequency are correlated at {correlation:.2f} (95% interval {lower:.2f} to {upper:.2f}, {n:,} "
        f"repeat customers), and the value takes them to be independent: values of frequent buyers may be {bias}. "
        "Fit spend by segment, or compare with the customers' own means.",
        SpendCorrelationWarning,
        stacklevel=stacklevel,
    )


def _value(
    summary: pd.DataFrame, purchases: Any, spend: Any, annual_discount_rate: float, horizon: float, margin: float
) -> pd.Series[float]:
    check_share(margin, "margin", zero=True)
    if not hasattr(spend, "expected_spend"):
        raise ConfigError(f"spend must be a model of spend such as GammaGamma, or its fit; got {shown(spend)}.")
    if isinstance(spend, GammaGammaEffects):
        span = check_number(horizon, "horizon", above=0) if horizon != math.inf else horizon
        if math.isinf(span):
            spend._check_endless(None)
        count = on_clocks(purchases, spend)._discounted(summary, annual_discount_rate, span, None, level=spend)
    else:
        count = discounted_purchases(
            summary, purchases=purchases, annual_discount_rate=annual_discount_rate, horizon=horizon
        )
    values: pd.Series[float] = margin * count * spend.expected_spend(summary)
    return values.rename("customer_value")


def on_clocks(purchases: Any, spend: GammaGammaEffects) -> Any:
    """A purchase model that knows the days of its purchases: itself, or one whose clock runs evenly."""
    if isinstance(purchases, ClockModel):
        return purchases
    kinds: dict[Any, Any] = {kind.__name__: kind for kind in (CalendarModel, TwoClockModel)}
    kind = kinds.get(getattr(type(purchases), "calendar_model", None))
    if kind is None:
        raise ConfigError(
            f"spend with a calendar needs purchases on days, as of BGNBD or its fit; got {shown(purchases)}."
        )
    even = Calendar(season=1)  # any that is known for all time
    none = dict.fromkeys(even.names, 0.0)
    return kind(base=purchases, calendar=even, effects=none, means=none, seen_until=spend.seen_until)
