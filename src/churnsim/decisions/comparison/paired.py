"""Statistics of replications: levels, and paired differences under common random numbers.

Law & Kelton, "Simulation Modeling and Analysis", on comparing systems: with D_i the difference in replication i,
the interval is the paired t on D; common random numbers help by Var(A - B) = Var A + Var B - 2 Cov(A, B), so both
the correlation and the variance reduction (Var A + Var B)/Var(A - B) are reported.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from churnsim.checks import check_level
from churnsim.errors import ConfigError
from churnsim.statistics import resample_indices, student_quantile
from churnsim.typing import Floats

BOOTSTRAP_SAMPLES = 2000
BOOTSTRAP_SEED = 20_05  # fixed, so that a report's bytes do not change between two readings of the same outcomes


@dataclass(frozen=True)
class Interval:
    """Mean over replications with its t interval, and the standard deviation of one replication."""

    mean: float
    lower: float
    upper: float
    sd: float


@dataclass(frozen=True)
class PairedDifference:
    """Mean of A - B over replications, and what is known of it.

    `lower, upper`: t interval of the mean (of 20 replications with skewness 2 it holds 92% to 93% at 95%; of
    differences that are all the same it has no width, though what happens in one of n may not have been seen);
    `bootstrap_*`: its bootstrap percentile interval, too narrow for few (5: 79%, 20: 91%); `future_*`: where one
    further replication would fall (between order statistics; a t prediction interval where there are too few), which
    holds chance and, where each replication draws parameters and beliefs, what is not known of them; `correlation` of A
    and B; `variance_reduction`: how many times smaller the variance of the difference is than with independent runs
    (infinite where A - B never varies).

    Attributes
    ----------
    mean, lower, upper : float
        Of the difference, with its t interval.
    bootstrap_lower, bootstrap_upper : float
        Percentile interval of the mean.
    future_lower, future_upper : float
        Interval of one further replication.
    correlation : float
        Of the two strategies over replications.
    variance_reduction : float
        Variance with independent runs over that with common random numbers.
    replications : int
        Pairs.
    """

    mean: float
    lower: float
    upper: float
    bootstrap_lower: float
    bootstrap_upper: float
    future_lower: float
    future_upper: float
    correlation: float
    variance_reduction: float
    replications: int

    def row(self) -> dict[str, float]:
        """As a plain dict."""
        return asdict(self)


def _check(values: Floats, level: float) -> None:
    if values.size < 2:
        raise ConfigError(f"an interval needs at least 2 replications; got {values.size}.")
    check_level(level)


def interval(values: Floats, *, level: float = 0.95) -> Interval:
    """t interval of the mean over replications. Raises ConfigError for fewer than 2 replications."""
    _check(values, level)
    sd = float(values.std(ddof=1))
    half = float(student_quantile((1 + level) / 2, values.size - 1)) * sd / math.sqrt(values.size)
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half, sd)


def skewed_interval(values: Floats, *, level: float = 0.95) -> Interval:
    """Interval of the mean whose ends are the outer ones of the t interval and of Hall's, which allows for skewness
    (Hall 1992, "On the removal of skewness by transformation", JRSS B 54, 221-228, the monotone cubic).

    What customers bring is skewed, so that few replications often lack the large values: with 20 and skewness 2 the t
    interval holds the mean in 92% at a stated 95%, this one in 95%; of normal values both do (docs/decisions.md).

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([0.0, 1.0, 1.0, 2.0, 11.0])
    >>> found, plain = skewed_interval(values), interval(values)
    >>> found.lower == plain.lower, round(found.upper, 1), round(plain.upper, 1)
    (True, 21.6, 8.6)
    """
    found, n = interval(values, level=level), values.size
    spread = float(values.std())
    skewness = float((((values - found.mean) / spread) ** 3).mean()) if spread > 0 else 0.0
    slope = skewness / 3 / math.sqrt(n)
    if abs(slope) < 1e-6:  # less than rounding would leave of the cubic
        return found
    t = float(student_quantile((1 + level) / 2, n - 1))
    reach = [(math.cbrt(1 + 3 * slope * (end - slope / 2)) - 1) / slope for end in (t, -t)]
    low, high = (found.mean - found.sd / math.sqrt(n) * steps for steps in reach)
    return Interval(found.mean, min(found.lower, low), max(found.upper, high), found.sd)


def paired_difference(a: Floats, b: Floats, *, level: float = 0.95) -> PairedDifference:
    """A - B, replication by replication. Raises ConfigError unless both have the same replications, at least 2.

    Examples
    --------
    >>> found = paired_difference(np.array([3.0, 5.0, 7.0]), np.array([1.0, 3.0, 5.5]))
    >>> round(float(found.mean), 3), bool(found.lower < found.mean < found.upper), round(float(found.correlation), 2)
    (1.833, True, 1.0)
    """
    if a.shape != b.shape:
        raise ConfigError(f"paired strategies need the same replications; got {a.size} and {b.size}.")
    difference = a - b
    found = interval(difference, level=level)
    generator = np.random.Generator(np.random.Philox(BOOTSTRAP_SEED))
    picks = resample_indices(difference.size, resamples=BOOTSTRAP_SAMPLES, generator=generator)
    low, high = np.quantile(difference[picks].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    spread_a, spread_b, spread = a.var(ddof=1), b.var(ddof=1), difference.var(ddof=1)
    future = one_more(difference, level=level)
    moves = spread_a > 0 and spread_b > 0
    return PairedDifference(
        mean=found.mean,
        lower=found.lower,
        upper=found.upper,
        bootstrap_lower=float(low),
        bootstrap_upper=float(high),
        future_lower=future[0],
        future_upper=future[1],
        correlation=float(np.corrcoef(a, b)[0, 1]) if moves else 0.0,
        variance_reduction=float((spread_a + spread_b) / spread) if spread > 0 else float("inf"),
        replications=int(difference.size),
    )


def one_more(values: Floats, *, level: float = 0.95) -> tuple[float, float]:
    """Where one more value falls with probability `level`; NaN where there is one value alone.

    It is as likely in each of the n + 1 gaps that n values leave, whatever their law (Wilks 1941, Annals of
    Mathematical Statistics 12, 91-96): ends at the places (n + 1)(1 -+ level)/2, between neighbours in proportion.
    Where so few values leave less than that outside, 38 and fewer at 95%, a t prediction interval.
    """
    n, outside = values.size, (1 - level) / 2
    if n < 2:
        return math.nan, math.nan
    if outside * (n + 1) >= 1:
        low, high = np.quantile(values, [outside, 1 - outside], method="weibull")
        return float(low), float(high)
    reach = float(student_quantile((1 + level) / 2, n - 1)) * float(values.std(ddof=1)) * math.sqrt(1 + 1 / n)
    return float(values.mean()) - reach, float(values.mean()) + reach


def ratio_gain(changed: Floats, base: Floats, *, level: float = 0.95) -> Interval | None:
    """mean(changed)/mean(base) - 1 over paired replications, with the interval of a ratio of means by the delta method.

    Residuals are D - R A, with D the paired difference, A the base and R their ratio (Law & Kelton, ratio estimators);
    `sd` is that of one replication's residual over the mean base. None where the base is not surely above 0, since a
    relative gain then has no meaning.
    """
    if interval(base, level=level).lower <= 0:
        return None
    difference = changed - base
    gain = float(difference.mean() / base.mean())
    spread = interval((difference - gain * base) / base.mean(), level=level)
    half = (spread.upper - spread.lower) / 2
    return Interval(gain, gain - half, gain + half, spread.sd)
