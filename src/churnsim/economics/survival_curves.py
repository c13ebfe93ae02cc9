"""How long a customer stays, three ways: everyone the mean life, one chance of renewal for all, or a mix of chances.

A curve says what share S(j) of new customers is still there after j renewals, S(0) = 1, and gives the discounted
sum of its own tail in closed form. All three can be given the same retention r = 1 - (mean churn); the first two
then have the same mean life 1/(1 - r), the mix lives longer, because the loyal outlast the others.

- `MeanLife`: S(j) = 1 up to the life N = 1/(1 - r), then 0 (Reichheld & Sasser 1990). A broken last year counts by
  its fraction.
- `Geometric`: S(j) = r^j.
- `BetaGeometric`: the churn probability of each customer is a draw from Beta(alpha, beta), so S(j) =
  B(alpha, beta + j) / B(alpha, beta) (Fader & Hardie 2007, eq. 6: the shifted beta-geometric, sBG). Polarization
  1/(1 + alpha + beta) is 0 when all customers are alike and 1 when they either leave at once or never.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from churnsim.checks import check_number, check_share, typed, unchecked
from churnsim.kernels.likelihoods.sbg import discounted_renewals


class CustomerLife(Protocol):
    """What a profit stream needs to know about how long customers stay."""

    def survival(self, renewals: int) -> float:
        """Share of customers left after that many renewals."""

    def tail(self, renewals: int, *, weight: float) -> float:
        """Sum over i = 0, 1, 2 ... of S(renewals + i) * weight**i; infinite when it does not converge."""


def _geometric_sum(weight: float, terms: float) -> float:
    """1 + w + ... + w^(terms - 1); `terms` may be infinite."""
    if math.isinf(terms):
        return 1.0 / (1.0 - weight) if weight < 1.0 else math.inf
    if weight == 1.0:
        return terms
    return float((1.0 - weight**terms) / (1.0 - weight))


@typed
@dataclass(frozen=True, kw_only=True)
class MeanLife:
    """Every customer stays exactly 1/(1 - retention) periods. Raises ConfigError unless 0 <= retention <= 1.

    Examples
    --------
    >>> life = MeanLife(retention=0.6)
    >>> life.life, life.survival(2), life.survival(3)
    (2.5, 0.5, 0.0)
    """

    retention: float

    def __post_init__(self) -> None:
        check_share(self.retention, "retention", zero=True)

    @property
    def life(self) -> float:
        """N = 1/(1 - r), in periods."""
        return math.inf if self.retention == 1.0 else 1.0 / (1.0 - self.retention)

    def survival(self, renewals: int) -> float:
        return min(max(self.life - renewals, 0.0), 1.0)

    def tail(self, renewals: int, *, weight: float) -> float:
        left = self.life - renewals
        if left <= 0.0:
            return 0.0
        whole = left if math.isinf(left) else float(math.floor(left))
        broken = 0.0 if math.isinf(left) else left - whole
        if weight > 1.0 and whole * math.log(weight) > 700.0:
            return math.inf
        # Without this guard 0 * inf would turn a growing perpetuity into NaN.
        last = broken * weight**whole if broken else 0.0
        return _geometric_sum(weight, whole) + last


@typed
@dataclass(frozen=True, kw_only=True)
class Geometric:
    """Every customer renews with the same chance `retention` each time. Raises ConfigError outside 0 to 1.

    Examples
    --------
    >>> round(Geometric(retention=0.8).survival(2), 2), round(Geometric(retention=0.8).tail(0, weight=1.0), 2)
    (0.64, 5.0)
    """

    retention: float

    def __post_init__(self) -> None:
        check_share(self.retention, "retention", zero=True)

    def survival(self, renewals: int) -> float:
        return float(self.retention**renewals)

    def tail(self, renewals: int, *, weight: float) -> float:
        start = unchecked(self.survival)(renewals)
        if start == 0.0:
            return 0.0
        rate = self.retention * weight
        return start / (1.0 - rate) if rate < 1.0 else math.inf


@typed
@dataclass(frozen=True, kw_only=True)
class BetaGeometric:
    """Churn probabilities spread as Beta with mean 1 - retention and the given polarization 1/(1 + alpha + beta).

    Raises ConfigError unless 0 < retention < 1 and 0 < polarization < 1; for polarization 0 use `Geometric`.

    Examples
    --------
    >>> mix = BetaGeometric.from_parameters(alpha=1.0, beta=4.0)
    >>> mix.retention, round(mix.survival(2), 4)
    (0.8, 0.6667)
    """

    retention: float
    polarization: float

    def __post_init__(self) -> None:
        alike = "Where all customers are alike, use Geometric."
        for name, value in (("retention", self.retention), ("polarization", self.polarization)):
            check_number(value, f"{name} of a churn mix", above=0, below=1, remedy=alike)

    @classmethod
    def from_parameters(cls, *, alpha: float, beta: float) -> BetaGeometric:
        """The same mix from the sBG's own parameters (both above 0, else ConfigError)."""
        check_number(alpha, "alpha", above=0)
        check_number(beta, "beta", above=0)
        return cls(retention=beta / (alpha + beta), polarization=1.0 / (1.0 + alpha + beta))

    @property
    def alpha(self) -> float:
        """First parameter of the Beta distribution of churn."""
        return (1.0 - self.retention) * (1.0 / self.polarization - 1.0)

    @property
    def beta(self) -> float:
        """Second parameter of the Beta distribution of churn."""
        return self.retention * (1.0 / self.polarization - 1.0)

    def survival(self, renewals: int) -> float:
        a, b = self.alpha, self.beta
        return math.prod(((b + i) / (a + b + i) for i in range(renewals)), start=1.0)

    def tail(self, renewals: int, *, weight: float) -> float:
        # S falls like a power of the renewals, so no growth, however small, leaves the sum finite.
        a, b = self.alpha, self.beta + renewals
        if weight > 1.0 or (weight == 1.0 and a <= 1.0):
            return math.inf
        factor = (a + b - 1.0) / (a - 1.0) if weight == 1.0 else discounted_renewals(a, b, weight)
        return unchecked(self.survival)(renewals) * factor
