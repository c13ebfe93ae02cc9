"""One replication made ready: what every engine needs before its clock starts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ConfigError
from churnsim.kernels.engine.arguments import Tables
from churnsim.kernels.engine.records import GAMMA_GAMMA, Records, Rules, packed
from churnsim.kernels.numerics.quantile_tables import no_table
from churnsim.simulation.core.clocks import clock_rows, layers_of
from churnsim.simulation.core.lifetimes import Purchases, lifetime_of, spending_of
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.customers.base import Base, Cohort, PosteriorBase
from churnsim.simulation.customers.new_customers import Newcomers, gamma_table_of
from churnsim.simulation.mechanisms.targeting import Targeting
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.typing import Floats


def row_bounds(scenario: Scenario) -> Floats:
    """The bounds of the rows of the compiled engine's books: epochs where customers reach each other, else periods."""
    # Whole numbers of epochs, as `ReplicationInputs.bound` has them: bounds added up would round otherwise.
    by_epoch = scenario.epochs_per_period if scenario.interacts else 1
    starts = [number * (scenario.epochs_per_period // by_epoch) for number in range(scenario.periods * by_epoch + 1)]
    return np.array([start * float(scenario.epoch) for start in starts])


@dataclass(frozen=True)
class DrawnMarket:
    """What every strategy meets in a replication: the market with its own draws, and the customers drawn there."""

    replication: int
    market: Market
    base: Base

    @classmethod
    def of(cls, market: Market, *, seed: int, replication: int, threads: int = 1, lost: bool = True) -> DrawnMarket:
        """One replication of `market`; `threads` may share the drawing, which may leave out what the `lost` would be
        like."""
        market = market.in_replication(replication, seed=seed)
        # A posterior draw shares its own work among threads; a cohort's is shared here.
        sharing: dict[str, Any] = {"threads": threads} if isinstance(market.customers, Cohort) else {}
        if isinstance(market.customers, PosteriorBase):
            sharing["lost"] = lost
        base = market.customers.draw(
            purchases=market.purchases, spend=market.spend, seed=seed, replication=replication, **sharing
        )
        return cls(replication, market, base)


@dataclass(frozen=True)
class ReplicationInputs:
    """A scenario with this replication's market, its rules as compiled code takes them, and its tables."""

    scenario: Scenario
    seed: int
    replication: int
    market: Market
    drawn: Base = field(repr=False)
    fitted: Purchases
    numbers: Rules
    rules: Records = field(repr=False)
    spends: Floats = field(repr=False)
    gaps: Floats = field(repr=False)
    hazards: Floats = field(repr=False)
    profits: Floats = field(repr=False)

    @classmethod
    def of(cls, scenario: Scenario, *, seed: int, replication: int, threads: int = 1) -> ReplicationInputs:
        """Make one replication ready; `threads` may share the drawing of its customers."""
        return cls.in_world(
            scenario, DrawnMarket.of(scenario.market, seed=seed, replication=replication, threads=threads), seed=seed
        )

    @classmethod
    def in_world(cls, scenario: Scenario, world: DrawnMarket, *, seed: int) -> ReplicationInputs:
        """Make the replication of a drawn market ready."""
        fitted = scenario.market.purchases  # what the firm knows of its customers is not this replication's draw
        market = world.market
        if scenario.market.beliefs:
            scenario = replace(scenario, market=market)
        _, _, hazards = lifetime_of(market.purchases)
        spending, (shape, _, _), profits = spending_of(market.spend)
        # Of the fits' parameters the rules have the shape of spending alone; the others are in the customers' traits.
        numbers = scenario.rules
        if spending == GAMMA_GAMMA:
            numbers = numbers._replace(spend_shape=float(shape))
        return cls(
            scenario=scenario,
            seed=seed,
            replication=world.replication,
            market=market,
            drawn=world.base,
            fitted=fitted,
            numbers=numbers,
            rules=packed(numbers),
            spends=gamma_table_of(float(shape)) if spending == GAMMA_GAMMA else no_table(),
            gaps=no_table() if numbers.regularity == 1.0 else gamma_table_of(numbers.regularity),
            hazards=hazards,
            profits=profits,
        )

    @cached_property
    def tables(self) -> Tables:
        """The rules and tables as compiled code takes them."""
        clocks = self.market.clocks(self.bound(self.scenario.periods))
        return Tables(
            self.rules, self.spends, self.gaps, self.hazards, self.profits, *clocks, *layers_of(self.numbers),
            clock_rows(clocks[0], row_bounds(self.scenario)),
        )  # fmt: skip

    @cached_property
    def newcomers(self) -> Newcomers:
        """The population of new customers, tabulated when the first one comes."""
        return Newcomers.of(self.market.purchases, self.market.spend)

    @property
    def churn(self) -> tuple[float, float]:
        """Factor and points of a change in everybody's dropout."""
        change = self.scenario.strategy.churn
        return (float(change.factor), float(change.points)) if change else (1.0, 0.0)

    def base(self) -> Base:
        """The starting base, with the strategy's change in dropout made."""
        base = self.drawn
        # Here, where the customers are known.
        self._check_scores(base)
        traits = self.churned(base.traits)
        return base if traits is base.traits else replace(base, traits=traits)

    def churned(self, traits: Floats) -> Floats:
        """Traits, of one base or of several, with the strategy's change in dropout made."""
        factor, points = self.churn
        if (factor, points) != (1.0, 0.0):
            traits = traits.copy()
            traits[..., 1] = np.maximum(0.0, factor * traits[..., 1] - points)
        return traits

    def _check_scores(self, base: Base) -> None:
        """Scores of which none belongs to a customer are those of another base, or by another kind of id."""
        strategy = self.scenario.strategy
        for part in strategy.parts:
            scores = part.scores if isinstance(part, Targeting) else None
            if isinstance(scores, CustomerScores) and base.uids.size and not scores.know(base.uids).any():
                raise ConfigError(
                    f"none of the {base.uids.size:,} customers has one of the {len(scores):,} scores of strategy "
                    f"{strategy.name!r}. Give them by the customers' own ids (7 and '7' are different)."
                )

    @cached_property
    def force(self) -> float:
        """Continuous discount rate per time unit."""
        return self.market.discount_force

    @cached_property
    def repeat_cents(self) -> NDArray[np.int64]:
        """The customers' repeat revenue in whole cents."""
        return np.rint(self.drawn.repeat_revenue * 100).astype(np.int64)

    def bound(self, period: int) -> float:
        """Where a period begins: a whole number of epochs."""
        return period * self.scenario.epochs_per_period * float(self.scenario.epoch)
