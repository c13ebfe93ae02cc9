"""One number from several studies: random-effects meta-analysis.

Study i reports y_i with the standard error s_i and measures its own theta_i ~ Normal(mu, tau^2). With weights
w_i = 1/(s_i^2 + tau^2) the mean is mu = sum w_i y_i / sum w_i.

- tau^2 by restricted maximum likelihood (Viechtbauer 2005, "Bias and efficiency of meta-analytic variance estimators
  in the random-effects model", Journal of Educational and Behavioral Statistics 30(3), 261-293), sought over a grid and
  then between its points: with errors of unequal size the likelihood may have a maximum at 0 and another one beyond,
  where a search that climbs from one start (Fisher scoring) stops at the lower one or goes back and forth;
- the interval of mu after Hartung & Knapp (2001, "A refined method for the meta-analysis of controlled clinical trials
  with binary outcome", Statistics in Medicine 20(24), 3875-3889): t with k - 1 degrees of freedom and the variance
  q / sum w_i, q = sum w_i (y_i - mu)^2 / (k - 1), where q below 1 counts as 1, since a few studies that agree by chance
  would else give an interval narrower than the fixed-effect one (Roever, Knapp & Friede 2015, "Hartung-Knapp-Sidik-
  Jonkman approach and its modification for random-effects meta-analysis with few studies", BMC Medical Research
  Methodology 15, 99);
- the interval for the theta of a new firm from the whole confidence distribution of tau^2, not from its estimate,
  which is 0 by chance in many small collections: sum w_i(tau^2) (y_i - mu(tau^2))^2 is chi-squared with k - 1 degrees
  of freedom at the true tau^2 and falls with it (Viechtbauer 2007, "Confidence intervals for the amount of
  heterogeneity in meta-analysis", Statistics in Medicine 26(1), 37-52), so each quantile of that law gives a tau^2,
  and theta is the equal mixture of Normal(mu(tau^2), tau^2 + 1 / sum w_i(tau^2)) over them (the idea of Nagashima, Noma
  & Furukawa 2019, "Prediction intervals for random-effects meta-analysis", Statistical Methods in Medical
  Research 28(6), 1689-1702). The customary interval, t with k - 2 degrees of freedom, holds only 89% where 95% is
  said for six studies (see the test).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.models.estimation.arguments import numbers
from churnsim.statistics import chi2_quantile, chi2_tail, normal_quantile, student_quantile, tails
from churnsim.typing import Floats

QUANTILES = 200
ROUNDING = 1e-10  # of a log-likelihood: a gain over tau = 0 that is no larger is none


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """What several studies say together of one number.

    Attributes
    ----------
    studies : int
        How many, k.
    estimate, standard_error, lower, upper : float
        The mean over settings such as theirs, with its interval.
    prediction_lower, prediction_upper : float
        Where the number of a new setting lies; NaN with fewer than three studies.
    tau : float
        Standard deviation of the true numbers between settings.
    i_squared : float
        Share of the spread of the estimates that is not their own error.
    heterogeneity_p : float
        p-value of Cochran's Q: how well one common number would explain the estimates.
    level : float
        Of both intervals.
    """

    studies: int
    estimate: float
    standard_error: float
    lower: float
    upper: float
    prediction_lower: float
    prediction_upper: float
    tau: float
    i_squared: float
    heterogeneity_p: float
    level: float

    def __str__(self) -> str:
        if self.studies == 1:
            return f"{self.estimate:.3g} [{self.lower:.3g}, {self.upper:.3g}], one study: a new setting is unknown."
        new = (
            f"a new setting: {self.prediction_lower:.3g} to {self.prediction_upper:.3g}"
            if self.studies > 2
            else "two studies say nothing of a new setting"
        )
        return f"{self.estimate:.3g} [{self.lower:.3g}, {self.upper:.3g}] from {self.studies} studies; {new}."


@typed
def pool(estimates: ArrayLike, standard_errors: ArrayLike, *, level: float = 0.95) -> Pooled:
    """Pool the estimates of several studies, which may measure different true numbers.

    Parameters
    ----------
    estimates : array of shape (studies,)
        On a scale where they are about normal: logarithms of ratios, log odds, differences.
    standard_errors : array of shape (studies,)
        Theirs, above 0.
    level : float
        Of the intervals.

    Raises
    ------
    DataError
        If there is no study, or a value is not finite, or a standard error not above 0.
    ConfigError
        For an impossible level.

    Examples
    --------
    >>> found = pool([0.10, 0.18, 0.05, 0.16], [0.03, 0.04, 0.03, 0.06])
    >>> round(found.estimate, 3), round(found.lower, 3), round(found.upper, 3)
    (0.114, 0.017, 0.212)
    >>> round(found.prediction_lower, 3), round(found.prediction_upper, 3)
    (-0.08, 0.32)
    """
    _, tail = tails(level)
    y, s = (
        np.atleast_1d(numbers(values, name))
        for name, values in (("estimates", estimates), ("standard_errors", standard_errors))
    )
    if y.ndim != 1 or y.shape != s.shape or y.size == 0:
        raise DataError(f"there must be one standard error for each estimate; got the shapes {y.shape} and {s.shape}.")
    for name, values, fine in (("estimate", y, np.isfinite(y)), ("standard error", s, np.isfinite(s) & (s > 0))):
        if not fine.all():
            bad = int(np.argmin(fine))
            wanted = "finite" if name == "estimate" else "finite and above 0"
            raise DataError(f"study {bad + 1} has the {name} {float(values[bad])!r}; it must be {wanted}.")
    k, variances = y.size, s**2
    tau2 = _between(y, variances)
    weights = 1.0 / (variances + tau2)
    mean = float(weights @ y / weights.sum())
    if k == 1:
        half = normal_quantile(level) * float(s[0])
        return Pooled(
            studies=1, estimate=mean, standard_error=float(s[0]), lower=mean - half, upper=mean + half,
            prediction_lower=math.nan, prediction_upper=math.nan, tau=math.nan, i_squared=math.nan,
            heterogeneity_p=math.nan, level=level,
        )  # fmt: skip
    excess = max(1.0, float(weights @ (y - mean) ** 2) / (k - 1))
    error = math.sqrt(excess / float(weights.sum()))
    half = float(student_quantile(tail, k - 1)) * error
    new = _new_setting(y, variances, level) if k > 2 else (math.nan, math.nan)
    alone = 1.0 / variances
    q = float(alone @ (y - alone @ y / alone.sum()) ** 2)
    # The variance that a typical study would have (Higgins & Thompson 2002, Statistics in Medicine 21, 1539-1558).
    typical = (k - 1) * alone.sum() / (alone.sum() ** 2 - alone @ alone)
    return Pooled(
        studies=k,
        estimate=mean,
        standard_error=error,
        lower=mean - half,
        upper=mean + half,
        prediction_lower=new[0],
        prediction_upper=new[1],
        tau=math.sqrt(tau2),
        i_squared=float(tau2 / (tau2 + typical)),
        heterogeneity_p=float(chi2_tail(q, k - 1)),
        level=level,
    )


def _over(y: Floats, variances: Floats, tau2: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """mu, sum w, the sum of squares and the restricted log-likelihood at each tau^2."""
    w = 1.0 / (variances[:, None] + tau2)
    total = w.sum(axis=0)
    mean = (w * y[:, None]).sum(axis=0) / total
    squares = (w * (y[:, None] - mean) ** 2).sum(axis=0)
    return mean, total, squares, 0.5 * (np.log(w).sum(axis=0) - np.log(total) - squares)


def _grid(y: Floats, variances: Floats) -> Floats:
    """Values of tau^2 from 0 to where the sum of squares has fallen to the smallest quantile that is asked for: well
    before tau is a thousand times the spread."""
    most = (np.ptp(y) + math.sqrt(variances.max())) ** 2 * 1e6
    return np.append(0.0, most * np.geomspace(1e-14, 1.0, 500))


def _new_setting(y: Floats, variances: Floats, level: float) -> tuple[float, float]:
    """Limits of the true number of a setting like these, over the confidence distribution of tau^2."""
    grid = _grid(y, variances)
    quantiles = chi2_quantile((np.arange(QUANTILES) + 0.5) / QUANTILES, y.size - 1)
    tau2 = np.interp(quantiles, _over(y, variances, grid)[2][::-1], grid[::-1])
    mean, total, _, _ = _over(y, variances, tau2)
    spread = np.sqrt(tau2 + 1.0 / total)
    far = (mean - 40 * spread).min(), (mean + 40 * spread).max()
    xtol = 1e-12 * (far[1] - far[0])

    def limit(probability: float) -> float:
        return float(brentq(lambda x: ndtr((x - mean) / spread).mean() - probability, *far, xtol=xtol))

    low, high = tails(level)
    return limit(low), limit(high)


def _between(y: Floats, variances: Floats) -> float:
    """tau^2 at the maximum of the restricted likelihood; 0 where that lies at the border."""
    if y.size < 2:
        return 0.0
    grid = _grid(y, variances)
    values = _over(y, variances, grid)[3]
    best = int(np.argmax(values))
    around = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = minimize_scalar(
        lambda tau2: -_over(y, variances, np.array([tau2]))[3][0], bounds=around, method="bounded",
        options={"xatol": 1e-9 * around[1]},
    )  # fmt: skip
    return float(found.x) if -found.fun > values[0] + ROUNDING else 0.0
