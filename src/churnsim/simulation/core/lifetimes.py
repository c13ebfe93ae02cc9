"""How customers buy, pay and leave where no purchase model is fitted: contracts, fixed amounts, profit by tenure.

A contract runs for one term after another. At each renewal the customer leaves with a probability: its own, drawn from
Beta(a, b) (the shifted beta-geometric of Fader & Hardie 2007, J. Interactive Marketing 21(1), 76-90), or that of its
tenure, as a survival model estimates it, with a multiplier of its own: 1 - (1 - h)^m, which is Cox's proportional
hazards in discrete time. Whoever stays pays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from churnsim.checks import check_kind, check_number, check_share, shown, typed
from churnsim.errors import ConfigError
from churnsim.kernels.engine import records
from churnsim.models.purchase.registry import simulated_families
from churnsim.simulation.core.scores import CustomerScores
from churnsim.units import check_unit

LEAST = -700.0  # logarithm of a chance to stay that is none


class Purchases(Protocol):
    """A purchase model or a contract: what a market needs to know of it."""

    family: ClassVar[str]

    @property
    def unit(self) -> str:
        """The time unit."""

    def to_dict(self) -> dict[str, Any]:
        """The parameters, plain."""


class Spend(Protocol):
    """A spend model, a fixed amount, or profits by tenure."""

    def to_dict(self) -> dict[str, Any]:
        """The parameters, plain."""


@typed
@dataclass(frozen=True, kw_only=True)
class ContractualLifetime:
    """Renewals every `term` (time units of `unit`), at each of which a customer may leave.

    With `a` and `b` alone, churn probability at each renewal ~ Beta(a, b) over customers. With `hazards` alone, churn
    probability h at the first, second, ... renewal, the last one holding from then on; a customer may have a
    multiplier m of its own (column `dropout` of a `TraitsBase`; new customers have 1) and leaves with 1 - (1 - h)^m.
    With both, multipliers differ as -ln(1 - theta) with theta ~ Beta(a, b): a customer is there after H(t), the
    cumulative hazard of t renewals, with (1 - theta)^H(t), of which H(t) = t^c is the beta-discrete-Weibull.

    Parameters
    ----------
    term : float
        Time between renewals, in `unit`.
    a, b : float, optional
        Of the churn probabilities' Beta distribution over customers, above 0.
    hazards : tuple of float, optional
        Churn probability at the first, second, ... renewal, 0 to 1.
    own : CustomerScores, optional
        Of observed subscribers, by uid, what their `a` is (or, without a and b, their multiplier). New customers are
        then like one of them, drawn at random, so that what goes together in the data stays together.
    charges : CustomerScores, optional
        What each of those pays per renewal (money, of a Gamma-Gamma its mean).
    unit : {"H", "D", "W", "M", "Y"}

    Raises
    ------
    ConfigError
        For anything else.

    Examples
    --------
    >>> contract = ContractualLifetime(term=1.0, hazards=(0.2, 0.1), unit="M")
    >>> np.exp(contract.log_survival(np.array([1, 2, 3]))).round(3).tolist()
    [0.8, 0.72, 0.648]
    """

    term: float = 1.0
    a: float | None = None
    b: float | None = None
    hazards: tuple[float, ...] | None = None
    own: CustomerScores | None = None
    charges: CustomerScores | None = None
    unit: str = "Y"

    family: ClassVar[str] = "contract"

    def __post_init__(self) -> None:
        check_unit(self.unit)
        check_number(self.term, "term", above=0)
        if (self.a is None) != (self.b is None) or (self.hazards is None and self.a is None):
            raise ConfigError("a contract needs a and b, or hazards by tenure, or all three.")
        if self.a is not None:
            check_number(self.a, "a", above=0)
            check_number(self.b, "b", above=0)
        self._check_observed()
        if self.hazards is not None:
            if isinstance(self.hazards, str) or not hasattr(self.hazards, "__iter__"):
                raise ConfigError(f"hazards must be churn probabilities by tenure; got {shown(self.hazards)}.")
            checked = (check_share(h, f"the hazard at renewal {n}", zero=True) for n, h in enumerate(self.hazards, 1))
            object.__setattr__(self, "hazards", tuple(checked))
            if not self.hazards:
                raise ConfigError("hazards by tenure need one value at least.")

    def log_survival(self, renewals: NDArray[Any]) -> NDArray[np.float64]:
        """ln of the share left after that many renewals of customers with multiplier 1: less the cumulative hazard H.

        Raises ConfigError for a contract without hazards.
        """
        if self.hazards is None:
            raise ConfigError("a contract by a and b alone has no hazards by tenure.")
        with np.errstate(divide="ignore"):
            steps = np.maximum(np.log1p(-np.array(self.hazards)), LEAST)
        return _summed(steps, renewals)

    def certain_losses(self, renewals: NDArray[Any]) -> NDArray[np.float64]:
        """How many of the first so many renewals lose whoever has a multiplier above 0: those with a hazard of 1."""
        return _summed(np.array(self.hazards or (0.0,)) >= 1.0, renewals)

    def _check_observed(self) -> None:
        if self.own is None:
            if self.charges is not None:
                raise ConfigError("charges of observed subscribers need their own chances to leave too: give own.")
            return
        lowest = float(self.own.values.min())
        if lowest < 0 or (self.a is not None and lowest == 0):
            raise ConfigError(f"own must be multipliers of 0 or more, or values of a above 0; got {lowest:g}.")
        if self.charges is not None:
            if not np.array_equal(self.own.uids, self.charges.uids):
                raise ConfigError("own and charges must be of the same subscribers.")
            if (self.charges.values <= 0).any():
                raise ConfigError(f"charges must be above 0; got {self.charges.values.min():g}.")

    def to_dict(self) -> dict[str, Any]:
        """The parameters, hazards numbered from the first renewal; of observed subscribers nothing."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("hazards", "own", "charges")}
        hazards = {f"hazard_{n}": h for n, h in enumerate(self.hazards or (), start=1)}
        return {"family": self.family, **{k: v for k, v in named.items() if v is not None}, **hazards}


def _summed(steps: NDArray[Any], renewals: NDArray[Any]) -> NDArray[np.float64]:
    """The sum of the first so many `steps`, of which the last one holds from then on."""
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.asarray(renewals, dtype=np.int64)
    return np.asarray(sums[np.minimum(at, steps.size)] + np.maximum(at - steps.size, 0) * float(steps[-1]))


@dataclass(frozen=True, kw_only=True)
class FixedSpend:
    """Every purchase or renewal is worth `amount` (money, 0 or more).

    Examples
    --------
    >>> FixedSpend(amount=12.5).to_dict()
    {'amount': 12.5}
    """

    amount: float

    def __post_init__(self) -> None:
        check_number(self.amount, "amount", least=0)

    def to_dict(self) -> dict[str, Any]:
        """The amount."""
        return {"amount": float(self.amount)}


@dataclass(frozen=True, kw_only=True)
class ProfitByTenure:
    """What a customer contributes (money) with its first purchase, the next, and so on; the last value holds on.

    A profit counts as revenue and margin alike, so the market's margin does not apply; it may be negative, as the cost
    of winning a customer is.

    Examples
    --------
    The card business of 'Keeping existing customers' (undated): -51 in the year of the first purchase, then 30, 42, ...

    >>> ProfitByTenure(profits=(-51.0, 30.0, 42.0)).to_dict()
    {'profit_0': -51.0, 'profit_1': 30.0, 'profit_2': 42.0}
    """

    profits: tuple[float, ...]

    def __post_init__(self) -> None:
        check_kind(self.profits, "profits", (list, tuple, np.ndarray), "a list of amounts")
        object.__setattr__(self, "profits", tuple(check_number(p, "each of profits") for p in self.profits))
        if not self.profits or not all(math.isfinite(p) for p in self.profits):
            raise ConfigError(f"profits must be one finite amount or more; got {self.profits!r}.")

    def to_dict(self) -> dict[str, Any]:
        """The profits, numbered from 0, the first purchase."""
        return {f"profit_{n}": p for n, p in enumerate(self.profits)}


# How customers leave by the families' word, as the engines number it.
KINDS = {"dropout": records.DROPOUT, "dropout at once": records.DROPOUT_AT_ONCE, "clock": records.CLOCK}


def lifetime_of(purchases: Purchases) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    """(kind, (rate shape, rate rate, dropout a, dropout b), hazards by tenure) as the rules take them.

    Raises ConfigError for a model that no engine knows.
    """
    none = np.empty(0)
    p: Any = purchases
    if getattr(p, "family", None) == "contract":
        return (
            records.CONTRACT,
            np.array([0.0, 1.0, p.a or 0.0, p.b or 0.0]),
            np.array(p.hazards or (), dtype=np.float64),
        )
    # With covariates new customers are average ones; known ones bring traits drawn with their own.
    kind = getattr(p, "simulated_as", None)
    if kind is None:
        raise ConfigError(
            f"no simulation of {shown(getattr(p, 'family', p))}. Take one of {', '.join(simulated_families())} or a "
            "ContractualLifetime."
        )
    return KINDS[kind], np.array(p.simulated_parameters, dtype=np.float64), none


def spending_of(spend: Spend) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    """(kind, (p, q, gamma) of Gamma-Gamma or the amount, profits by tenure) as the rules take them.

    Raises ConfigError for what is no model of spend.
    """
    none = np.empty(0)
    if isinstance(spend, FixedSpend):
        return records.FIXED_SPEND, np.array([spend.amount, 1.0, 1.0]), none
    if isinstance(spend, ProfitByTenure):
        return records.BY_TENURE, np.array([0.0, 1.0, 1.0]), np.array(spend.profits)
    s: Any = spend
    if not all(hasattr(s, name) for name in ("p", "q", "gamma")):
        raise ConfigError(
            f"spend must be a spend model such as GammaGamma, a FixedSpend or a ProfitByTenure; got {shown(spend)}."
        )
    return records.GAMMA_GAMMA, np.array([s.p, s.q, s.gamma], dtype=np.float64), none


def typical_amount(spend: Spend) -> float:
    """The mean amount (money) of the median customer's purchases: what the market's money scales are measured by.

    The median, since the population's mean is infinite for a Gamma-Gamma with q up to 1 and erratic a little above. Of
    profits by tenure it is their mean size.
    """
    spending, (shape_or_amount, q, gamma), profits = spending_of(spend)
    if spending == records.FIXED_SPEND:
        return float(shape_or_amount)
    if spending == records.BY_TENURE:
        return float(np.abs(profits).mean())
    return float(shape_or_amount * gamma / gammaincinv(q, 0.5))
