"""Gamma-Gamma: what a purchase is worth, by customer.

Fader, Hardie & Lee (2005), "RFM and CLV", JMR 42, 415-430; Fader & Hardie (2013), "The Gamma-Gamma model of
monetary value" (note 025). Purchases of one customer are Gamma(p, rate nu); nu ~ Gamma(q, rate gamma) over
customers. Spend is taken to be independent of how often a customer buys, which `fit` does not check for you: see
`spend_correlation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.errors import DataError
from churnsim.kernels.likelihoods import gamma_gamma as kernel
from churnsim.kernels.likelihoods.population import draw_spend_rates
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.models.purchase.histories import checked_weights
from churnsim.models.spend.gamma_gamma_purchases import likelihood_of_purchases
from churnsim.models.spend.spend_likelihood import REMEDIES, spend_likelihood

__all__ = ["GammaGamma", "repeat_spend", "spend_correlation"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GammaGamma(ParametricModel):
    """A Gamma-Gamma model: shapes `p` and `q`, and the rate `gamma` in money. Raises ConfigError unless all are
    finite and above 0."""

    p: float
    q: float
    gamma: float

    family: ClassVar[str] = "gamma_gamma"

    @classmethod
    def fit(cls, summary: pd.DataFrame, *, weights: ArrayLike | None = None) -> ModelFit[GammaGamma]:
        """Maximum likelihood on customers with a repeat purchase and positive mean spend (`n` says how many).

        Reads `frequency` and `monetary_value`; `weights` (one a row, finite, 0 or more) count customers of that
        row. Raises DataError when a column is missing or not finite numbers or no row qualifies; a likelihood
        without an inner maximum is a FitStatus.
        """
        return _with_finite_mean(fit_likelihood(cls.likelihood(summary, weights=weights)))

    @classmethod
    def fit_purchases(cls, transactions: pd.DataFrame, *, until: str | date | None = None) -> ModelFit[GammaGamma]:
        """Maximum likelihood on single purchases instead of customers' means: the per-transaction form.

        Uses the repeat purchases (a customer's amounts of one day are one purchase) with a positive amount, up to the
        day `until`; `n` says how many customers have one. Log-likelihoods of the two forms do not compare: they are of
        different data. Raises DataError where no purchase qualifies or the log has no amounts.
        """
        likelihood = likelihood_of_purchases(cls, transactions, until=until)
        return _with_finite_mean(fit_likelihood(likelihood))

    @classmethod
    def likelihood(cls, summary: pd.DataFrame, *, weights: ArrayLike | None = None) -> Likelihood[GammaGamma]:
        """The likelihood of the mean spends, for searches and samplers; money in units of its mean. Raises DataError as
        `fit`."""
        x, m = repeat_spend(summary)
        weight = checked_weights(weights, x.size)
        used = (x > 0) & (m > 0) & (weight > 0)
        if not used.any():
            raise DataError(
                "no customer has a repeat purchase with positive spend, so spend cannot be modelled. "
                "Check the amount column, or observe longer."
            )
        x, m, weight = x[used], m[used], weight[used]
        # Not `@`: a dot product of this length wakes BLAS threads, which then fight the kernels' for the cores.
        scale = float((weight * m).sum()) / float(weight.sum())
        number = x.astype(np.float64)
        total = number * (m / scale)
        return spend_likelihood(
            cls, x=x, s=total, logs=number * np.log(total), weight=weight, each=False, scale=scale,
            log_scale=-float((weight * np.log(m)).sum()),
        )  # fmt: skip

    def log_likelihood(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Log-likelihood of each customer's mean spend; 0 where there is no repeat purchase with positive spend."""
        x, m = repeat_spend(summary)
        used = (x > 0) & (m > 0)
        values = np.zeros(x.size)
        values[used] = kernel.log_likelihood(float(self.p), float(self.q), float(self.gamma), x[used], m[used])
        return pd.Series(values, index=summary.index, name="log_likelihood")

    def population_mean(self) -> float:
        """Mean spend per purchase over customers, p gamma/(q - 1); infinite for q <= 1."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else float("inf")

    def expected_spend(self, summary: pd.DataFrame) -> pd.Series[float]:
        """E[mean spend | history], p (gamma + x m)/(p x + q - 1): the customer's own mean shrunk to the
        population's (2005, eq. 5).

        A customer without a repeat purchase gets the population mean.
        """
        x, m = repeat_spend(summary)
        below = self.p * x + self.q - 1
        with np.errstate(divide="ignore"):
            values = np.where(below > 0, self.p * (self.gamma + x * m) / below, np.inf)
        return pd.Series(values, index=summary.index, name="expected_spend")

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`n` customers from the population: columns `spend_rate` (nu) and `mean_spend` (p/nu, money per purchase)."""
        nothing = np.zeros(n)
        return self._draw(np.zeros(n, np.int64), nothing, np.arange(n, dtype=np.int64), seed, replication, None)

    def draw_posterior(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's `spend_rate` and `mean_spend` given its own purchases: nu is
        Gamma(q + p x, gamma + x m). Depends on the customer's id, `seed` and `replication` alone."""
        x, m = repeat_spend(summary)
        return self._draw(x, m, customer_uids(summary.index), seed, replication, summary.index)

    def _draw(
        self,
        x: NDArray[np.int64],
        m: Floats,
        uids: NDArray[np.int64],
        seed: int,
        replication: int,
        index: pd.Index | None,
    ) -> pd.DataFrame:
        rates = draw_spend_rates(
            float(self.p), float(self.q), float(self.gamma), x, m, uids, replication, seed, MODEL_DRAWS, TRAITS
        )
        return pd.DataFrame({"spend_rate": rates, "mean_spend": self.p / rates}, index=index)


def _with_finite_mean(fit: ModelFit[GammaGamma]) -> ModelFit[GammaGamma]:
    """The fit, with a status that says so where the population mean is infinite."""
    if not fit.status.ok or fit.model.q > 1:
        return fit
    words = f"q = {fit.model.q:.3g} is not above 1: the population mean is infinite."
    return replace(fit, status=FitStatus("boundary", words, REMEDIES))


def spend_correlation(summary: pd.DataFrame) -> float:
    """Pearson correlation of frequency and monetary_value among repeat customers: near 0 where Gamma-Gamma is safe
    to use."""
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
