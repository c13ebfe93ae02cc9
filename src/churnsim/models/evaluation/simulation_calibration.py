"""Simulation-based calibration: does the posterior mean what it says?

Parameters are drawn from the prior, customers made up from them, and the posterior drawn given these customers. If
model, sampler and code are right, the true parameter's rank among posterior draws is uniform; a bias tilts the ranks,
too narrow a posterior piles them up at both ends. Talts, Betancourt, Simpson, Vehtari & Gelman (2018),
arXiv:1804.06788.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from churnsim.checks import check_count, check_level, check_seed
from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError
from churnsim.models.estimation.posterior import PosteriorWarning, likelihood_on, sample_posterior
from churnsim.models.estimation.priors import Prior, check_priors
from churnsim.models.evaluation.bootstrap import made_up
from churnsim.models.spend.gamma_gamma import GammaGamma

# 99 thinned draws give ranks 0 to 99, which 10 bins cut evenly.
DRAWS = 99
BINS = 10
LEAST = 20

bare_posterior = partial(sample_posterior, predictive=False)  # the draws alone


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulationCalibration:
    """`ranks` (0 to 99), a row a replication and a column a parameter; `truths`, the parameters drawn, in scaled
    units; in how many replications the chains were `unconverged` (their ranks are kept: leaving them out would choose
    by the outcome).

    Examples
    --------
    >>> even = pd.DataFrame({"r": np.arange(100)})
    >>> SimulationCalibration(ranks=even, truths=even).summary().loc["r"].tolist()
    [49.5, 0.2, 1.0]
    """

    ranks: pd.DataFrame
    truths: pd.DataFrame
    unconverged: int = 0

    def summary(self) -> pd.DataFrame:
        """One row a parameter: `mean_rank` (49.5 if unbiased), `outer` (share of ranks in the two outermost of ten
        bins, .2 if neither too narrow nor too wide), and the `p` of the chi-square test of ten equal bins."""
        rows = {}
        for name, ranks in self.ranks.items():
            counts = np.bincount(ranks.to_numpy() * BINS // (DRAWS + 1), minlength=BINS)
            expected = len(ranks) / BINS
            statistic = float(np.square(counts - expected).sum() / expected)
            rows[name] = {
                "mean_rank": float(ranks.mean()),
                "outer": float((counts[0] + counts[-1]) / len(ranks)),
                "p": float(chi2.sf(statistic, BINS - 1)),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")

    def calibrated(self, level: float = 0.01) -> bool:
        """Whether no parameter's p lies below `level`, shared out between them (Bonferroni)."""
        return bool((self.summary()["p"] >= check_level(level) / self.ranks.shape[1]).all())


@in_kind
def simulation_based_calibration(
    family: Any,
    *,
    ages: ArrayLike | None = None,
    purchases: ArrayLike | None = None,
    covariates: CustomerFrame | None = None,
    customers: CustomerFrame | None = None,
    calendar: Calendar | CustomerSeries | None = None,
    seed: int,
    replications: int = 200,
    priors: Mapping[str, Prior] | None = None,
    unit: str = "W",
    progress: Callable[[int, int], None] | None = None,
    sampler: Callable[..., Any] = bare_posterior,
    simulator: Callable[[Any, pd.DataFrame, int, int], pd.DataFrame] = made_up,
    **options: Any,
) -> SimulationCalibration:
    """Calibrate the posterior of a family: any purchase model, with covariates or a calendar too, or Gamma-Gamma.

    Each replication's posterior takes some 0.2 s with 200 customers, several times that with a calendar. Raises
    ConfigError for a family whose customers cannot be made up, what it needs and lacks, or fewer than 20 replications.

    Parameters
    ----------
    family : class
        A purchase model, with covariates too, or Gamma-Gamma; with a `simulator` any model with a likelihood.
    ages : array of shape (customers,), optional
        How long each customer is observed, in `unit` (whole opportunities for BG/BB).
    purchases : array of shape (customers,), optional
        Repeat purchases of each customer (Gamma-Gamma).
    covariates : DataFrame, optional
        A row for each age.
    customers : DataFrame, optional
        In place of these: data as the family's fit reads them, of which what is known beforehand is taken (first days,
        ages, covariates) and what was bought is not. With a calendar it must be given.
    calendar : Calendar or CustomerSeries, optional
        With which `customers` were summarised.
    seed : int
        Of everything drawn.
    replications : int
        Worlds drawn and fitted.
    priors : mapping of parameter to prior, optional
        As of `sample_posterior`, on the scale of `customers`; those of Gamma-Gamma are on money as it comes.
    unit : str
        Time unit.
    progress : callable, optional
        Called after each replication with those done and wanted.
    sampler : callable
        Draws from the posterior, with the arguments of `sample_posterior`.
    simulator : callable
        Makes the data of a model and customers, from a seed and the number of the replication.
    **options
        Of the family's likelihood: `k` of MBG/CNBD-k must be given, and with covariates `covariates_rate` and
        `covariates_lifetime`, columns of `covariates`; `leaving` of Pareto/NBD with a calendar.

    Examples
    --------
    Of customers on a calendar; the sampler here, which draws from the prior whatever was bought, is calibrated too.

    >>> import churnsim as cs
    >>> calendar = cs.data.Calendar(trend="1997-01-01")
    >>> customers = cs.summarise(cs.datasets.cdnow().head(90), calendar=calendar)
    >>> def prior(family, data, *, seed, priors, **options):
    ...     scales = family.calendar_likelihood(data, **options).scales
    ...     random = np.random.default_rng(seed)
    ...     points = [[each.rvs(random_state=random) for each in priors.values()] for _ in range(99)]
    ...     return {"posterior": dict(zip(priors, (points * scales).T))}
    >>> done = cs.models.simulation_based_calibration(
    ...     cs.NBD, customers=customers, calendar=calendar, seed=1, replications=20, sampler=prior
    ... )
    >>> done.calibrated(), list(done.ranks)
    (True, ['r', 'alpha', 'trend'])
    """
    check_count(replications, "replications", least=LEAST, remedy="Ten bins of ranks need that many.")
    check_seed(seed)
    if calendar is not None:
        options = {"calendar": calendar, **options}
    nobody = _nobody(family, ages, purchases, covariates, options) if customers is None else customers
    likelihood_of = partial(likelihood_on(family, calendar), **({"unit": unit} if hasattr(family, "unit") else {}))
    likelihood = likelihood_of(nobody, **options)
    names, real = likelihood.names, likelihood.real or (False,) * len(likelihood.names)
    checked = check_priors(priors, names, real)
    generator = np.random.Generator(np.random.Philox(seed))
    ranks, truths, unconverged = [], [], 0
    for k in range(replications):
        scaled = np.array([float(checked[name].rvs(random_state=generator)) for name in names])  # type: ignore[attr-defined]
        truth = scaled * likelihood.scales
        data = simulator(likelihood.model(scaled), nobody, seed, k)
        by = dict(zip(names, likelihood_of(data, **options).scales / likelihood.scales, strict=True))
        own = {n: each if math.isclose(by[n], 1.0) else _Rescaled(each, by[n]) for n, each in checked.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PosteriorWarning)
            drawn = sampler(family, data, seed=seed + k, priors=own, unit=unit, **options)["posterior"]
        unconverged += str(getattr(drawn, "attrs", {}).get("status", "")).startswith("not converged")
        columns = [np.asarray(drawn[name]).ravel() for name in names]
        kept = np.linspace(0, columns[0].size - 1, DRAWS).astype(np.int64)
        ranks.append([int((column[kept] < value).sum()) for value, column in zip(truth, columns, strict=True)])
        truths.append(scaled)
        if progress is not None:
            progress(k + 1, replications)
    index = pd.RangeIndex(replications, name="replication")
    return SimulationCalibration(
        ranks=pd.DataFrame(ranks, columns=list(names), index=index),
        truths=pd.DataFrame(truths, columns=list(names), index=index),
        unconverged=unconverged,
    )


@dataclass(frozen=True)
class _Rescaled:
    """A prior over a number in one unit, as one over it in units of `factor` times that: likelihoods scale by the
    sample (Gamma-Gamma money by its own mean spend), and a prior on that would know the data."""

    prior: Prior
    factor: float

    def logpdf(self, x: float, /) -> float:
        return float(self.prior.logpdf(x * self.factor)) + math.log(self.factor)


def _nobody(family: Any, ages: Any, purchases: Any, covariates: pd.DataFrame | None, options: Any) -> pd.DataFrame:
    """Customers as far as they are known before they do anything."""
    name = getattr(family, "__name__", str(family))
    if family is GammaGamma:
        if purchases is None:
            raise ConfigError("Gamma-Gamma needs purchases=, how many repeat purchases each customer made.")
        return pd.DataFrame({"frequency": np.asarray(purchases, dtype=np.int64).ravel(), "monetary_value": 1.0})
    if options.get("calendar") is not None:
        raise ConfigError(f"{name} with a calendar needs customers=, a summary made with it.")
    if not hasattr(family, "draw_summary"):
        raise ConfigError(f"customers of {name} cannot be made up. Give a purchase model, or Gamma-Gamma.")
    if ages is None:
        raise ConfigError(f"{name} needs ages=, how long each customer is observed.")
    if getattr(family, "reads", None) == "intervals" and options.get("k") is None:
        raise ConfigError(f"{name} needs k=: a posterior is of one number of stages.")
    T = np.asarray(ages, dtype=np.float64).ravel()
    frame = pd.DataFrame({"frequency": np.zeros(T.size, np.int64), "recency": 0.0, "T": T, "log_intervals": 0.0})
    if hasattr(family, "draw_summary_like"):
        if covariates is None or len(covariates) != T.size:
            raise ConfigError(f"{name} needs covariates=, a frame with one row for each of the {T.size} ages.")
        frame = frame.join(covariates.reset_index(drop=True))
    return frame
