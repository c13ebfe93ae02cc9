"""A scenario: a market, a strategy, and the clock's three steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from churnsim.checks import check_number, shown
from churnsim.errors import ConfigError
from churnsim.kernels.engine.records import FIXED_SPEND, GAMMA_GAMMA, Rules
from churnsim.simulation.core.lifetimes import lifetime_of, spending_of
from churnsim.simulation.mechanisms.parts import MarketPart, StrategyPart
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy

NOTABLE = 0.02  # an error of the epoch from here on is said


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`horizon`, `period` and `epoch` are durations in the market's unit.

    What one customer does reaches another only at the next epoch boundary; the firm reviews and the books close at
    period ends. Raises ConfigError unless the horizon is a whole number of periods and a period a whole number of
    epochs, and for a strategy of which a part cannot act in its market (`Strategy.check`).

    Parameters
    ----------
    market : Market
    strategy : Strategy
    horizon : float
        Length of the simulation.
    period : float
        Time between reviews of the firm, and length of an accounting period.
    epoch : float
        Time between the moments at which customers reach each other; `epoch_effects` says what its length does.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0, unit="W"), cs.simulation.FixedSpend(amount=50.0)
    >>> market = cs.Market(customers=cs.Cohort(size=100), purchases=model, spend=spend)
    >>> scenario = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=52, period=4, epoch=1)
    >>> scenario.periods, scenario.epochs_per_period
    (13, 4)
    """

    market: Market
    strategy: Strategy
    horizon: float
    period: float
    epoch: float

    def __post_init__(self) -> None:
        for name, kind in (("market", Market), ("strategy", Strategy)):
            if not isinstance(getattr(self, name), kind):
                raise ConfigError(f"{name} must be a {kind.__name__}; got {shown(getattr(self, name))}.")
        for name in ("horizon", "period", "epoch"):
            check_number(getattr(self, name), name, above=0)
        for long, short in (("horizon", "period"), ("period", "epoch")):
            ratio = getattr(self, long) / getattr(self, short)
            if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-9:
                raise ConfigError(
                    f"{long} must be a whole number of {short}s; {getattr(self, long):g} / {getattr(self, short):g} = "
                    f"{ratio:.6g}. Take {long} = {max(1, round(ratio)) * getattr(self, short):g}."
                )
        self.strategy.check(self.market, float(self.period))

    @cached_property
    def periods(self) -> int:
        """How many periods the books have."""
        return round(self.horizon / self.period)

    @cached_property
    def epochs_per_period(self) -> int:
        """How many epochs a period has."""
        return round(self.period / self.epoch)

    @cached_property
    def interacts(self) -> bool:
        """Whether customers reach each other within a period, so that they meet at each epoch."""
        return any(part.interacts for part in self._parts)

    @property
    def epoch_effects(self) -> tuple[str, ...]:
        """What is off by 2% or more, and by how much, since customers reach each other at epoch boundaries alone."""
        found = [part.epoch_effect(self.market.unit, float(self.epoch)) for part in self._parts]
        return tuple(told for size, told in found if size >= NOTABLE)

    @cached_property
    def _parts(self) -> tuple[StrategyPart | MarketPart, ...]:
        return *self.strategy.parts, *self.market.parts

    @cached_property
    def firm_acts(self) -> bool:
        """Whether the firm does anything to customers at a period's start."""
        return any(part.acts for part in self._parts)

    @cached_property
    def rules(self) -> Rules:
        """The numbers that the rules of a customer's life read: what the market's parts say, and in place of that what
        the strategy's do."""
        market = self.market
        lifetime, _, _ = lifetime_of(market.purchases)
        spending, (shape_or_amount, _, _), _ = spending_of(market.spend)
        numbers: dict[str, Any] = {}
        for answer in market.parts:
            numbers |= answer.rules(market.unit)
        setter: dict[str, str] = {}
        for means in self.strategy.parts:
            own = means.rules(market)
            for name in own:
                if name in setter:
                    raise ConfigError(
                        f"{setter[name]} and {type(means).__name__} both set {name}, so one of them would have no "
                        "effect. Leave one out of the strategy."
                    )
                setter[name] = type(means).__name__
            numbers |= own
        return Rules(
            lifetime=lifetime,
            spending=spending,
            spend_shape=float(shape_or_amount) if spending == GAMMA_GAMMA else 1.0,
            fixed_spend=float(shape_or_amount) if spending == FIXED_SPEND else 0.0,
            term=float(getattr(market.purchases, "term", 0.0)),
            regularity=float(market.gap_stages),
            epoch=float(self.epoch),
            **numbers,
        )
