"""Gamma-Gamma: what a purchase is worth, by customer.

Fader, Hardie & Lee (2005), "RFM and CLV", JMR 42, 415-430; Fader & Hardie (2013), "The Gamma-Gamma model of monetary
value". The amount of a purchase z is Gamma(p, rate nu); nu ~ Gamma(q, rate gamma) over customers. Spend is taken to
be independent of how often a customer buys, which `fit` does not check: see `spend_correlation`.

The mean m of a customer's x repeat purchases has the density (2013)

    f(m | x) = G(px + q) / (G(px) G(q)) . gamma^q m^(px - 1) x^(px) / (gamma + m x)^(px + q)      (G the gamma function)

and its further purchases have the mean E[Z | m, x] = p (gamma + x m) / (p x + q - 1) (2005, eq. 5), a weighted mean
of the customer's own m and the population's p gamma / (q - 1).

With covariates (`GammaGammaCovariates`) every amount of a customer is multiplied by c = e^(eta . (z - mean z)): m/c is
of the law above, so that the density of m is f(m/c | x)/c and further purchases have the mean c E[Z | m/c, x].

From single purchases (`fit_purchases`) each z enters by its own density. How much a customer's own purchases vary then
also tells p, which the means alone tell only through how they draw together as x grows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Self, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.logs.days import past_day
from churnsim.data.logs.purchase_days import PurchaseDays, purchase_days
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.counted import SummaryLike, with_counts
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.likelihoods import gamma_gamma as kernel
from churnsim.kernels.likelihoods.population import draw_spend_rates
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.arguments import check_draws
from churnsim.models.estimation.design_matrix import independent_columns, multiplier, number_columns, standardised
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.histories import checked_weights
from churnsim.typing import Floats

Family = TypeVar("Family", bound="GammaGamma")
Either = TypeVar("Either", bound=Any)  # with q

REMEDIES = (
    "Use the mean spend itself: customers differ too little (or too few are seen twice) to tell p, q and gamma apart."
)
# Starts (p, q), with the gamma that gives the mean: the first is CDNOW's, the others have customers or purchases
# differ more, or less.
STARTS = ((5.0, 4.0), (1.0, 2.0), (20.0, 10.0), (2.0, 1.2))


@dataclass(frozen=True, kw_only=True)
class GammaGamma(ParametricModel):
    """A Gamma-Gamma model: shapes `p` and `q`, and the rate `gamma` in money. Raises ConfigError unless all are
    finite and above 0.

    Examples
    --------
    >>> import pandas as pd
    >>> model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    >>> customers = pd.DataFrame({"frequency": [2, 0], "monetary_value": [22.35, 0.0]})
    >>> model.expected_spend(customers).round(2).tolist()
    [24.66, 35.22]
    """

    p: float
    q: float
    gamma: float

    family: ClassVar[str] = "gamma_gamma"
    parameter_names: ClassVar[tuple[str, ...]] = ("p", "q", "gamma")

    @classmethod
    @with_counts
    def fit(cls, summary: SummaryLike, *, weights: ArrayLike | None = None) -> ModelFit[Self]:
        """Maximum likelihood on customers with a repeat purchase and positive mean spend (`n` says how many).

        Reads `frequency` and `monetary_value`; `weights` (one a row, finite, 0 or more) count customers of that
        row. What lies elsewhere (see `churnsim.data.count_histories`) is counted there, with ``spend=True``. Raises
        DataError when a column is missing or not finite numbers or no row qualifies; a likelihood without an inner
        maximum is a FitStatus.
        """
        return with_finite_mean(fit_likelihood(cls.likelihood(cast("pd.DataFrame", summary), weights=weights)))

    @classmethod
    def fit_purchases(cls, transactions: Any, *, until: str | date | None = None) -> ModelFit[Self]:
        """Maximum likelihood on single purchases instead of customers' means: the per-transaction form.

        Uses the repeat purchases (a customer's amounts of one day are one purchase) with a positive amount, up to the
        day `until`; `n` says how many customers have one. Log-likelihoods of the two forms do not compare: they are of
        different data. Raises DataError where no purchase qualifies or the log has no amounts. See `GammaGammaCalendar`
        for amounts that follow a season.
        """
        return with_finite_mean(fit_likelihood(cls.likelihood_of_purchases(transactions, until=until)))

    @classmethod
    def likelihood(cls, summary: CustomerFrame, *, weights: ArrayLike | None = None) -> Likelihood[Self]:
        """The likelihood of the mean spends, for searches and samplers; money in units of its mean. Raises DataError as
        `fit`."""
        x, m = repeat_spend(summary)
        weight = checked_weights(weights, x.size)
        used = (x > 0) & (m > 0) & (weight > 0)
        _check_some(used)
        x, m, weight = x[used], m[used], weight[used]
        # Not `@`: a dot product of this length wakes BLAS threads, which then fight the kernels' for the cores.
        scale = float((weight * m).sum()) / float(weight.sum())
        number = x.astype(np.float64)
        total = number * (m / scale)
        return _spend_likelihood(
            cls, x=x, s=total, logs=number * np.log(total), weight=weight, each=False, scale=scale,
            log_scale=-float((weight * np.log(m)).sum()),
        )  # fmt: skip

    @classmethod
    def likelihood_of_purchases(cls, transactions: Any, *, until: str | date | None = None) -> Likelihood[Self]:
        """The likelihood of single purchases: the repeat ones (days) with a positive amount, up to `until`; money in
        units of its mean. Raises DataError as `fit_purchases`."""
        log, used, _ = repeat_purchases(transactions, until)
        customer, amount = log.customer[used], log.spend()[used]
        scale = float(amount.mean())
        each = amount / scale
        count = np.bincount(customer)
        kept = count > 0
        total, logs = (
            np.bincount(customer, weights=values)[kept].astype(np.float64) for values in (each, np.log(each))
        )
        x = count[kept].astype(np.int64)
        return _spend_likelihood(
            cls, x=x, s=total, logs=logs, weight=np.ones(x.size), each=True, scale=scale,
            log_scale=-float(logs.sum()) - float(x.sum()) * math.log(scale),
        )  # fmt: skip

    def log_likelihood(self, summary: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer's mean spend; 0 where there is no repeat purchase with positive spend."""
        x, m = repeat_spend(summary)
        used = (x > 0) & (m > 0)
        values = np.zeros(x.size)
        values[used] = kernel.log_likelihood(float(self.p), float(self.q), float(self.gamma), x[used], m[used])
        return pd.Series(values, index=summary.index, name="log_likelihood")

    def draw_summary_like(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`summary` with the `monetary_value` of new customers who made as many purchases: 0 without one.

        The mean of x purchases of one customer, each Gamma(p, rate nu), is Gamma(p x, rate nu x).
        """
        x, _ = repeat_spend(summary.assign(monetary_value=0.0))
        nu = self.draw_customers(x.size, seed=seed, replication=replication)["spend_rate"].to_numpy()
        generator = np.random.Generator(np.random.Philox([seed, replication]))
        total = generator.standard_gamma(self.p * np.maximum(x, 1)) / nu
        return summary.assign(monetary_value=np.where(x > 0, total / np.maximum(x, 1), 0.0))

    def population_mean(self) -> float:
        """Mean spend per purchase over customers, p gamma/(q - 1); infinite for q <= 1."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else float("inf")

    def expected_spend(self, summary: CustomerFrame) -> pd.Series[float]:
        """E[mean spend | history], p (gamma + x m)/(p x + q - 1): the customer's own mean shrunk to the
        population's (2005, eq. 5).

        A customer without a repeat purchase gets the population mean.
        """
        x, m = repeat_spend(summary)
        below = self.p * x + self.q - 1
        with np.errstate(divide="ignore"):
            values = np.where(below > 0, self.p * (self.gamma + x * m) / below, np.inf)
        return pd.Series(values, index=summary.index, name="expected_spend")

    def _score_sql(self, *, x: str, m: str, **_: str) -> str:
        """`expected_spend` in SQL, which is empty where the population's mean is infinite."""
        p, q, gamma = float(self.p), float(self.q), float(self.gamma)
        form = f"{p!r} * ({gamma!r} + {x} * {m}) / ({p!r} * {x} + {q - 1!r})"
        return form if q > 1 else f"CASE WHEN {p!r} * {x} + {q - 1!r} > 0 THEN {form} END"

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`n` customers from the population: columns `spend_rate` (nu) and `mean_spend` (p/nu, money per purchase)."""
        check_draws(n, seed, replication)
        nothing = np.zeros(n)
        return self._draw(np.zeros(n, np.int64), nothing, np.arange(n, dtype=np.int64), seed, replication, None)

    def draw_posterior(self, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's `spend_rate` and `mean_spend` given its own purchases: nu is
        Gamma(q + p x, gamma + x m). Depends on the customer's id, `seed` and `replication` alone."""
        check_draws(0, seed, replication)
        x, m = repeat_spend(summary)
        return self._draw(x, m, customer_uids(summary.index), seed, replication, summary.index)

    def _draw(
        self, x: NDArray[np.int64], m: Floats, uids: NDArray[np.int64], seed: int, replication: int,
        index: pd.Index | None,
    ) -> pd.DataFrame:  # fmt: skip
        rates = draw_spend_rates(
            float(self.p), float(self.q), float(self.gamma), x, m, uids, replication, seed, MODEL_DRAWS, TRAITS
        )
        return pd.DataFrame({"spend_rate": rates, "mean_spend": self.p / rates}, index=index)


@dataclass(frozen=True, kw_only=True)
class GammaGammaCovariates(ParametricModel):
    """A Gamma-Gamma model whose `gamma` is that of an average customer.

    Summaries must hold the covariates, also of customers without a repeat purchase.

    Parameters
    ----------
    p, q, gamma : float
        Shapes, and the rate (in money) of an average customer.
    effects : mapping of covariate to effect
        A customer's amounts are multiplied by e^(effect . (covariate - mean)).
    covariate_means : mapping of covariate to mean
        What an average customer has.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow())
    >>> summary["early"] = (summary["T"] > 75).astype(float)
    >>> fit = GammaGammaCovariates.fit(summary, covariates=["early"])
    >>> fit.names, fit.status.code
    (('p', 'q', 'gamma', 'early'), 'converged')
    """

    p: float
    q: float
    gamma: float
    effects: Mapping[str, float]
    covariate_means: Mapping[str, float]

    family: ClassVar[str] = "gamma_gamma_covariates"
    prefixes: ClassVar[Mapping[str, str]] = {"": "effects", "mean": "covariate_means"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.effects) != set(self.covariate_means) or set(self.effects) & {"p", "q", "gamma", "family"}:
            raise ConfigError(
                f"{type(self).__name__}: effects and covariate_means must name the same covariates, none of them p, q, "
                f"gamma or family; got {list(self.effects)} and {list(self.covariate_means)}."
            )

    @property
    def average(self) -> GammaGamma:
        """The model of a customer with average covariates."""
        return GammaGamma(p=self.p, q=self.q, gamma=self.gamma)

    @classmethod
    @typed
    def fit(
        cls, summary: CustomerFrame, *, covariates: Sequence[str], weights: ArrayLike | None = None
    ) -> ModelFit[Self]:
        """Maximum likelihood on customers with a repeat purchase and positive mean spend, with `covariates` that are
        columns of finite numbers, counted from their mean over these customers. Raises as `GammaGamma.fit`, and
        DataError for a covariate that is missing, no number, the same for all or a combination of others."""
        return with_finite_mean(fit_likelihood(cls.likelihood(summary, covariates=covariates, weights=weights)))

    @classmethod
    def likelihood(
        cls, summary: CustomerFrame, *, covariates: Sequence[str], weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of the mean spends, for searches and samplers. Raises as `fit`."""
        names = tuple(covariates)
        if not names:
            raise ConfigError("covariates names no column. Give some, or fit GammaGamma.")
        columns = number_columns(summary, names)
        plain = GammaGamma.likelihood(summary, weights=weights)
        x, m = repeat_spend(summary)
        weight = checked_weights(weights, x.size)
        used = (x > 0) & (m > 0) & (weight > 0)
        x, m, weight = x[used], m[used], weight[used]
        means, spread, scaled = standardised({name: column[used] for name, column in columns.items()}, weight)
        z = np.column_stack([scaled[name] for name in names])
        if not independent_columns(z).all():
            raise DataError("the covariates are linear combinations of each other. Leave one of them out.")
        place, counts = pd.factorize(x)
        customers = np.bincount(place, weights=weight).astype(np.float64)
        number = x.astype(np.float64)
        total = number * (m / float(plain.scales[2]))

        def objective(parameters: Floats) -> tuple[float, Floats]:
            p, q, gamma = parameters[:3].tolist()
            with np.errstate(over="ignore", divide="ignore"):
                own = total * np.exp(-(z * parameters[3:]).sum(axis=1))
                logs = number * np.log(own)
            if not (np.isfinite(own).all() and np.isfinite(logs).all()):
                return -math.inf, np.zeros(parameters.size)
            found = kernel.sums(gamma, x, own, logs, weight)
            result = kernel.objective(p, q, gamma, counts, customers, False, found)
            by_log = weight * (p * number - (p * number + q) * own / (gamma + own))
            return float(result[0]), np.concatenate([result[1:], -(by_log[:, None] * z).sum(axis=0)])

        known = {f"mean:{name}": mean for name, mean in means.items()}
        return Likelihood(
            names=("p", "q", "gamma", *names),
            scales=np.array([*plain.scales, *(1 / spread[name] for name in names)]),
            starts=[np.concatenate([start, np.zeros(len(names))]) for start in plain.starts],
            customers=plain.customers,
            log_scale=plain.log_scale,
            objective=objective,
            build=lambda values: cls.from_dict({**values, **known}),
            remedies=REMEDIES,
            real=(False,) * 3 + (True,) * len(names),
        )

    def factors(self, summary: CustomerFrame) -> Floats:
        """By what each customer's amounts are multiplied, e^(effect . (covariate - mean))."""
        return multiplier(self.effects, self.covariate_means, summary)

    def _of_average(self, summary: pd.DataFrame) -> tuple[Floats, pd.DataFrame]:
        """The factors, and the summary as of average customers."""
        f = self.factors(summary)
        _, m = repeat_spend(summary)
        return f, as_summary(summary).assign(monetary_value=m / f)

    def log_likelihood(self, summary: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer's mean spend; 0 where there is no repeat purchase with positive spend."""
        f, average = self._of_average(summary)
        x, m = repeat_spend(summary)
        return self.average.log_likelihood(average) - np.where((x > 0) & (m > 0), np.log(f), 0.0)

    def population_mean(self) -> float:
        """Mean spend per purchase of an average customer; infinite for q <= 1."""
        return self.average.population_mean()

    def expected_spend(self, summary: CustomerFrame) -> pd.Series[float]:
        """E[mean spend | history] of each customer; without a repeat purchase that of all with its covariates."""
        f, average = self._of_average(summary)
        return self.average.expected_spend(average) * f

    def draw_posterior(self, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's `spend_rate` and `mean_spend` given its own purchases."""
        f, average = self._of_average(summary)
        found = self.average.draw_posterior(average, seed=seed, replication=replication)
        return found.assign(spend_rate=found["spend_rate"] / f, mean_spend=found["mean_spend"] * f)


def repeat_purchases(transactions: Any, until: str | date | None) -> tuple[PurchaseDays, NDArray[np.bool_], int]:
    """The log by day, which of its entries are repeat purchases with a positive amount up to a day, and that day.
    DataError where none is."""
    log = purchase_days(transactions)
    end = log.last if until is None else past_day(until, name="until")
    used = (log.day <= end) & (log.order_number() > 1) & (log.spend() > 0)
    _check_some(used)
    return log, used, end


def _check_some(used: NDArray[np.bool_]) -> None:
    """DataError where nothing can be used."""
    if not used.any():
        raise DataError(
            "no customer has a repeat purchase with positive spend, so spend cannot be modelled. "
            "Check the amount column, or observe longer."
        )


def with_finite_mean(fit: ModelFit[Either]) -> ModelFit[Either]:
    """The fit, with a status that says so where the population mean is infinite."""
    if not fit.status.ok or fit.model.q > 1:
        return fit
    words = f"q = {fit.model.q:.3g} is not above 1: the population mean is infinite."
    return replace(fit, status=FitStatus("boundary", words, REMEDIES))


def _spend_likelihood(
    family: type[Family], *, x: NDArray[np.int64], s: Floats, logs: Floats, weight: Floats, each: bool, scale: float,
    log_scale: float,
) -> Likelihood[Family]:  # fmt: skip
    """From each customer's number x and sum s of purchases, and `logs` as `kernel.sums` wants them; money in units of
    `scale`. `each` says that single purchases are modelled. `log_scale` as in `Likelihood`."""
    chunks = Chunks(x, s, logs, weight)
    place, counts = pd.factorize(x)
    customers = np.bincount(place, weights=weight).astype(np.float64)

    def objective(parameters: Floats) -> tuple[float, Floats]:
        p, q, gamma = parameters.tolist()
        result = kernel.objective(p, q, gamma, counts, customers, each, chunks.sum(kernel.sums, (gamma,)))
        return float(result[0]), result[1:]

    def hessian(parameters: Floats) -> Floats:
        p, q, gamma = parameters.tolist()
        return kernel.hessian(p, q, gamma, counts, customers, each, chunks.sum(kernel.sums, (gamma,)))

    return Likelihood(
        names=family.parameter_names,
        scales=np.array([1.0, 1.0, scale]),
        starts=[np.array([p, q, (q - 1) / p]) for p, q in STARTS],
        customers=float(customers.sum()),
        log_scale=log_scale,
        objective=objective,
        hessian=hessian,
        build=family.from_dict,
        remedies=REMEDIES,
    )


@in_kind
def spend_correlation(summary: CustomerFrame) -> float:
    """Pearson correlation of frequency and monetary_value among repeat customers: near 0 where Gamma-Gamma is safe
    to use.

    Examples
    --------
    >>> import churnsim as cs
    >>> round(spend_correlation(cs.summarise(cs.datasets.cdnow())), 3)
    0.07
    """
    x, m = repeat_spend(summary)
    used = (x > 0) & (m > 0)
    if used.sum() < 3 or np.ptp(x[used]) == 0 or np.ptp(m[used]) == 0:
        return 0.0
    return float(np.corrcoef(x[used], m[used])[0, 1])


def repeat_spend(summary: pd.DataFrame) -> tuple[NDArray[np.int64], Floats]:
    """`frequency` and `monetary_value` as arrays. Raises DataError that names the customer whose values cannot be."""
    summary = as_summary(summary)
    missing = [name for name in ("frequency", "monetary_value") if name not in summary.columns]
    if missing:
        raise DataError(
            f"the summary lacks {', '.join(map(repr, missing))}. Make it with churnsim.summarise from "
            "transactions with amounts."
        )
    try:
        x = summary["frequency"].to_numpy(dtype=np.float64)
        m = np.ascontiguousarray(summary["monetary_value"].to_numpy(dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise DataError(f"frequency and monetary_value must be numbers ({error}).") from None
    bad = ~np.isfinite(m) | (m < 0) | ~np.isfinite(x) | (x < 0) | (x != np.floor(x))
    if bad.any():
        i = int(np.argmax(bad))
        raise DataError(
            f"customer {str(summary.index[i])[:80]!r} has frequency {x[i]:g} and monetary_value {m[i]:g}; "
            "frequency must be a whole number and spend finite, both 0 or more. Net refunds first."
        )
    return x.astype(np.int64), m
