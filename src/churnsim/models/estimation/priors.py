"""Priors on scaled parameters, which carry no unit of time or money.

A model's rate alpha is in weeks or days, and gamma in dollars or cents, so a prior on the raw number silently depends
on the unit. Priors here are on parameters of data scaled to a mean of 1 (`Likelihood.scales`): alpha over the mean
observation time, gamma over the mean spend. Shapes have no unit to begin with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from churnsim.checks import typed
from churnsim.errors import ConfigError


class Prior(Protocol):
    """A density over one scaled parameter. Any frozen distribution of scipy.stats is one."""

    def logpdf(self, x: Any, /) -> Any:
        """Logarithm of the density at x; minus infinity where x is impossible."""


@typed
@dataclass(frozen=True, kw_only=True)
class LogNormal:
    """A positive parameter: half the mass below `median`; its logarithm has standard deviation `spread`.

    Examples
    --------
    >>> LogNormal(median=1.0, spread=2.0)
    LogNormal(median=1.0, spread=2.0)
    """

    median: float
    spread: float

    def __post_init__(self) -> None:
        if not (0 < self.median < math.inf and 0 < self.spread < math.inf):
            raise ConfigError(f"median and spread must be finite and above 0; got {self}.")

    def logpdf(self, x: float, /) -> float:
        """Log-density at x."""
        if not x > 0:
            return -math.inf
        z = (math.log(x) - math.log(self.median)) / self.spread
        return -z * z / 2 - math.log(x * self.spread) - math.log(2 * math.pi) / 2

    def rvs(self, *, random_state: np.random.Generator) -> float:
        """One draw, named as in scipy.stats."""
        return self.median * math.exp(self.spread * random_state.standard_normal())


@typed
@dataclass(frozen=True, kw_only=True)
class Normal:
    """A parameter of either sign, such as the coefficient of a covariate.

    Examples
    --------
    >>> Normal(mean=0.0, spread=1.0)
    Normal(mean=0.0, spread=1.0)
    """

    mean: float
    spread: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and 0 < self.spread < math.inf):
            raise ConfigError(f"mean must be finite, and spread finite and above 0; got {self}.")

    def logpdf(self, x: float, /) -> float:
        """Log-density at x."""
        z = (x - self.mean) / self.spread
        return -z * z / 2 - math.log(self.spread) - math.log(2 * math.pi) / 2

    def rvs(self, *, random_state: np.random.Generator) -> float:
        """One draw, named as in scipy.stats."""
        return self.mean + self.spread * random_state.standard_normal()


# Assumed, and meant to be weak: 95% of the mass of a positive parameter between 1/19 and 19 in scaled units. On CDNOW
# the interval of the data is five to twenty times narrower.
POSITIVE = LogNormal(median=1.0, spread=1.5)
# Assumed: 95% of a coefficient's mass within a factor of e^2 either way for each unit of the covariate.
REAL = Normal(mean=0.0, spread=1.0)


def default_prior(*, real: bool) -> Prior:
    """The weak prior of a parameter for which none is given."""
    return REAL if real else POSITIVE


def check_priors(given: Mapping[str, Prior] | None, names: tuple[str, ...], real: tuple[bool, ...]) -> dict[str, Prior]:
    """One prior for each parameter. Raises ConfigError for an unknown parameter or what is no prior.

    Examples
    --------
    >>> sorted(check_priors({"r": LogNormal(median=0.5, spread=1.0)}, ("r", "alpha"), (False, False)))
    ['alpha', 'r']
    """
    given = dict(given or {})
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ConfigError(f"there is no parameter {', '.join(map(repr, unknown))}. The model has {', '.join(names)}.")
    for name, prior in given.items():
        if not callable(getattr(prior, "logpdf", None)):
            raise ConfigError(
                f"the prior of {name!r} must have a logpdf, as LogNormal, Normal and the frozen distributions of "
                f"scipy.stats have; got {prior!r}."
            )
    return {name: given.get(name, default_prior(real=is_real)) for name, is_real in zip(names, real, strict=True)}
