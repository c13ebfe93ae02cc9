r"""A belief: a number with how sure one is of it, from what, and the law that simulations draw it by.

The quantile function passes through three points, (1 - level)/2 at `low`, 1/2 at `value` and (1 + level)/2 at `high`.
On either side of the value it is that of the member of the family with the value as median and the nearer end of the
interval as that quantile. The interval is central and the value the median however lopsided they are; where one member
meets all three points, as a normal law does for an interval centred at its value, the law is that member.

On each side a normal law is value + s z, a log-normal one value e^(s z), with s by the end of the interval in closed
form, z a standard normal quantile; a beta law's two parameters are solved for.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betainc, betaincinv, ndtri

from churnsim.checks import check_choice, check_count, check_kind, check_level, check_number, shown
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import numbers
from churnsim.typing import Floats

Status = Literal[
    "measured here (randomised)",
    "measured here (observational)",
    "meta-analysis",
    "published (behaviour)",
    "published (intention)",
    "assumed",
    "claimed",
]
"""How a number is known, from strong to weak. "claimed" is a figure of one of the five texts whose claims are on trial:
it is no evidence for a claim of the same text."""
STATUSES: tuple[Status, ...] = get_args(Status)
RENAMED: dict[str, Status] = {
    "measured here": "measured here (observational)",
    "published": "published (behaviour)",
}
Law = Literal["beta", "log-normal", "normal"]
"""Of a share, of a positive number and of any number."""
LEAST, MOST = -7.0, 23.0  # log of a + b between which a beta law is looked for


def checked_status(status: object) -> Status:
    """The status, by its name of today. Raises ConfigError for what is none; an old name brings a DeprecationWarning.

    Examples
    --------
    >>> checked_status("assumed")
    'assumed'
    """
    if isinstance(status, str) and status in RENAMED:
        new = RENAMED[status]
        warnings.warn(
            f"the status {status!r} is now {new!r}, or another of {', '.join(STATUSES)}; the old name goes in 0.3.",
            DeprecationWarning, stacklevel=4,
        )  # fmt: skip
        return new
    if not isinstance(status, str) or status not in STATUSES:
        raise ConfigError(f"status must be one of {', '.join(map(repr, STATUSES))}; got {shown(status)}.")
    return status


@dataclass(frozen=True, kw_only=True)
class Belief:
    """A number and how sure one is of it.

    The law has `value` as its median and [`low`, `high`] as its central interval at `level`. A number that is known
    exactly has `low` = `value` = `high`.

    Parameters
    ----------
    value : float
        What is used where nothing is drawn.
    low, high : float
        The interval.
    status : str
        How it is known: "measured here (randomised)", "measured here (observational)", "meta-analysis", "published
        (behaviour)", "published (intention)", "assumed", or "claimed" for a figure of one of the five texts.
    source : str
        Where it comes from, in words.
    level : float
        Probability that the number lies in the interval.
    law : {"beta", "log-normal", "normal"}, optional
        By default that of the number's domain in a market: beta of a share, log-normal of a positive number, normal of
        any other. Used alone, the first of these whose domain holds the whole interval.
    draws : sequence of float, optional
        Draws from a joint posterior in place of a law: replication k takes the k-th of them. Beliefs with draws are
        joint row by row, so that their order must be random and the same in all of them.

    Raises
    ------
    ConfigError
        Unless low <= value <= high, both ends inside the law's domain, and the rest as above.

    Examples
    --------
    >>> effect = Belief(value=0.25, low=0.05, high=0.60, status="assumed", source="our guess")
    >>> effect.quantile([0.05, 0.5, 0.95]).round(6).tolist()
    [0.05, 0.25, 0.6]
    >>> effect.sample(3, np.random.default_rng(1)).round(3).tolist()
    [0.256, 0.601, 0.099]
    """

    value: float
    low: float
    high: float
    status: Status
    source: str
    level: float = 0.9
    law: Law | None = None
    draws: Sequence[float] | None = None

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, check_number(getattr(self, name), name))
        object.__setattr__(self, "level", check_level(self.level))
        object.__setattr__(self, "status", checked_status(self.status))
        check_kind(self.source, "source", str, "text that says where the number comes from")
        if not self.source.strip():
            raise ConfigError("source must say where the number comes from; got nothing.")
        if not self.low <= self.value <= self.high:
            raise ConfigError(
                f"a belief needs low <= value <= high; got low = {self.low:g}, value = {self.value:g}, high = "
                f"{self.high:g}."
            )
        if self.law is not None:
            check_choice(self.law, "law", get_args(Law))
        if self.draws is not None:
            object.__setattr__(self, "draws", _numbers(self.draws))
        elif not self.certain:
            self._check_domain()

    def _check_domain(self) -> None:
        inside = {"beta": self.low > 0 and self.high < 1, "log-normal": self.low > 0, "normal": True}
        if not inside[self.drawn_by]:
            domain = "between 0 and 1" if self.drawn_by == "beta" else "above 0"
            raise ConfigError(
                f"the interval of a {self.drawn_by} law lies strictly {domain}, since the number is below low and "
                f"above high with {(1 - self.level) / 2:.3g} each; got {self.low:g} to {self.high:g}. Move the end a "
                "little inwards, or take low = value = high for a number that is known exactly."
            )
        if self.drawn_by != "normal" and not self.low < self.value < self.high:
            raise ConfigError(
                f"the value of a {self.drawn_by} law lies strictly inside its interval; got {self.value:g} in "
                f"{self.low:g} to {self.high:g}."
            )

    @classmethod
    def of_draws(cls, draws: ArrayLike, *, status: Status, source: str, level: float = 0.9) -> Self:
        """The belief that draws from a posterior stand for, with their median and their central interval.

        Examples
        --------
        >>> found = Belief.of_draws([3.0, 1.0, 2.0], status="measured here (randomised)", source="a trial")
        >>> found.value, found.draws
        (2.0, (3.0, 1.0, 2.0))
        """
        numbers = np.array(_numbers(draws))
        tail = (1 - check_level(level)) / 2
        low, value, high = np.quantile(numbers, [tail, 0.5, 1 - tail]).tolist()
        return cls(value=value, low=low, high=high, status=status, source=source, level=level, draws=numbers.tolist())

    @property
    def certain(self) -> bool:
        """Whether the number is known exactly."""
        return self.draws is None and self.low == self.high

    @property
    def drawn_by(self) -> Law:
        """The law: as given, or that of the narrowest domain that holds the interval."""
        if self.law is not None:
            return self.law
        return "normal" if self.low <= 0 else "beta" if self.high < 1 else "log-normal"

    def quantile(self, u: ArrayLike) -> Any:
        """The number that the belief is below with probability u: a float, or an array of the shape of `u`. Of draws
        it is the empirical one. Raises ConfigError unless 0 < u < 1.

        Examples
        --------
        >>> cost = Belief(value=25.0, low=10.0, high=60.0, status="assumed", source="our guess")
        >>> round(cost.quantile(0.95), 6)
        60.0
        """
        if isinstance(u, float) and 0 < u < 1 and self.draws is None:  # arrays would take most of a single draw's time
            return float(self._side(u, bool(u >= 0.5)))
        p = np.asarray(u, dtype=np.float64)
        if not np.all((p > 0) & (p < 1)):
            raise ConfigError(f"a quantile is asked at probabilities strictly between 0 and 1; got {shown(u)}.")
        if self.draws is not None:
            found = np.quantile(np.array(self.draws), p)
        else:
            found = np.where(p < 0.5, self._side(p, above=False), self._side(p, above=True))
        return float(found) if p.ndim == 0 else found

    def _side(self, u: Any, above: bool) -> Any:
        """The quantile at `u` by the law on one side of the value."""
        if self.low == self.high:
            return self.value
        if self.drawn_by == "beta":
            return betaincinv(*self._betas[above], u)
        moved = self._spreads[above] * ndtri(u)
        return self.value * np.exp(moved) if self.drawn_by == "log-normal" else self.value + moved

    def score(self, x: ArrayLike) -> Floats:
        """The standard normal quantile at the probability with which the law is below each of `x`: what `quantile`
        makes `x` of. Raises ConfigError for a number that is known exactly, and for draws, which have no law.

        Examples
        --------
        >>> cost = Belief(value=25.0, low=10.0, high=60.0, status="assumed", source="our guess")
        >>> cost.score([25.0, 60.0]).round(3).tolist()
        [0.0, 1.645]
        """
        if self.draws is not None or self.low == self.high:
            raise ConfigError("a number that is known exactly, or by draws, has no law to find a place in.")
        at = numbers(x, "x")
        above = at >= self.value
        if self.drawn_by == "beta":
            (a, b), (c, d) = self._betas
            below_it = np.where(above, betainc(c, d, at), betainc(a, b, at))
            return np.asarray(ndtri(below_it), dtype=np.float64)
        moved = np.log(at / self.value) if self.drawn_by == "log-normal" else at - self.value
        return np.asarray(moved / np.where(above, self._spreads[1], self._spreads[0]), dtype=np.float64)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """`n` independent draws; of a posterior's draws, with replacement."""
        check_count(n, "n")
        check_kind(rng, "rng", np.random.Generator, "numpy.random.default_rng(seed)")
        if self.draws is not None:
            return rng.choice(np.array(self.draws), n)
        found: Floats = self.quantile(np.clip(rng.random(n), 2.0**-54, None))
        return found

    @cached_property
    def _spreads(self) -> tuple[float, float]:
        """Standard deviations below and above the value, of the logarithm for a log-normal law."""
        z = float(ndtri((1 + self.level) / 2))
        if self.drawn_by == "log-normal":
            return math.log(self.value / self.low) / z, math.log(self.high / self.value) / z
        return (self.value - self.low) / z, (self.high - self.value) / z

    @cached_property
    def _betas(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Parameters (a, b) of the beta law below and above the value."""
        tail = (1 - self.level) / 2
        below = _beta(self.value, self.low, tail)
        b, a = _beta(1 - self.value, 1 - self.high, tail)
        return below, (a, b)


def _numbers(draws: ArrayLike) -> tuple[float, ...]:
    found = numbers(draws, "draws")
    if found.ndim != 1 or found.size < 2 or not np.isfinite(found).all():
        raise ConfigError(f"draws must be one row of at least 2 finite numbers; got {shown(draws)}.")
    return tuple(found.tolist())


@lru_cache(maxsize=512)
def _beta(median: float, low: float, tail: float) -> tuple[float, float]:
    """(a, b) of the beta law with this median and P(X < low) = tail. There is one: with the median held, that
    probability falls from 1/2 to 0 as a + b grows from 0."""

    def mean(n: float) -> float:
        def off(logit: float) -> float:
            share = 1 / (1 + math.exp(-logit))
            return float(betainc(n * share, n * (1 - share), median)) - 0.5

        return 1 / (1 + math.exp(-brentq(off, -35.0, 35.0, xtol=1e-14)))

    def excess(log_n: float) -> float:
        n = math.exp(log_n)
        return float(betainc(n * (m := mean(n)), n * (1 - m), low)) - tail

    if not excess(MOST) < 0 < excess(LEAST):
        raise ConfigError(
            f"no beta law has its median at {median:g} and the end of its interval at {low:g} or as far from 1: choose "
            "law = 'normal' for a narrower interval, and ends further from 0 and 1 for a wider one."
        )
    n = math.exp(brentq(excess, LEAST, MOST, xtol=1e-12))
    m = mean(n)
    return n * m, n * (1 - m)
