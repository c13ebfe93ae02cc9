"""The numbers that a firm knows of what it does, and each thing it does by itself: what would it take to pay?

A strategy that does several things at once hides what each of them earns. So each is looked at alone, with all the
money of the strategy that puts most into it, and compared with doing nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from churnsim.simulation.core.assumption import with_numbers
from churnsim.simulation.mechanisms.acquisition import UNNAMED
from churnsim.simulation.mechanisms.parts import Budgeted
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import number_at
from churnsim.simulation.scenario.strategy import Strategy

WIDE = 16.0
"""By how much more and less a customer may cost."""
NOTHING = Strategy(name="nothing", title="Nothing")
TINY = 0.02
"""Of the money at which 63% of an effect is reached: so little that any money reaches nearly all of it."""


@dataclass(frozen=True, kw_only=True)
class Lever:
    """A number in a unit that the firm knows.

    `name` says what it is; it stands at `address` ("own." for the strategy's mechanism). The numbers `beside` it, by
    which it is told in the firm's unit, stay what they are. A `share` runs from 0 to 1. What is `paid` changes
    nothing but the costs, and these in proportion. `perfect` says by what the market's numbers are replaced, or
    multiplied where the name ends in an asterisk, where the mechanism works as well as can be.
    """

    name: str
    address: str
    beside: tuple[str, ...] = ()
    share: bool = False
    paid: bool = False
    perfect: Mapping[str, float] = field(default_factory=dict)

    def address_in(self, strategy: Strategy, mechanism: str) -> str:
        """The address of the number."""
        return self.address.replace("own.", f"strategy.{strategy.name}.{mechanism}.")

    @property
    def falls(self) -> bool:
        """Whether what is told falls where the number rises: the more prospects can be won, the less one costs."""
        return self.name == "customer_cost"

    def between(self, value: float) -> tuple[float, float] | None:
        """The range to look at: None is that of `break_even`; a price of 0 goes up to 1, for want of a scale."""
        if self.falls and value > 0:
            return value / WIDE, min(1.0, value * WIDE)
        return (0.0, 1.0) if self.share or value == 0 else None

    def told(self, market: Market, strategy: Strategy, value: float) -> float:
        """A value of the number in the firm's unit: of prospects what a customer costs in the first period, on
        average."""
        if not self.falls:
            return value
        prospects, acquisition = market.prospects, strategy.acquisition
        assert acquisition is not None  # the strategy is the mechanism alone
        channel = next(iter(acquisition.channels or ()), UNNAMED)
        moved = with_numbers(prospects, {self.address.removeprefix("prospects."): value})
        won = prospects.size * moved.share_per_period(acquisition.budget, channel)
        return acquisition.budget / won if won > 0 else math.inf

    def at_best(self, market: Market) -> dict[str, float]:
        """The numbers of a perfect mechanism by address; empty where nothing is said of it."""
        return {
            name.rstrip("*"): number_at(market, (), name.rstrip("*")) * value if name.endswith("*") else value
            for name, value in self.perfect.items()
        }


LEVERS: dict[str, tuple[Lever, ...]] = {
    "acquisition": (Lever(
            name="customer_cost", address="prospects.ceiling", beside=("prospects.spend_scale", "prospects.size"),
        ),),
    "retention": (
        Lever(
            name="contact_effect", address="retention.max_effect", share=True,
            perfect={"retention.max_effect": 1.0, "retention.harmed_share": 0.0, "retention.spend_scale*": TINY},
        ),
        Lever(name="contact_price", address="retention.spend_scale"),
    ),
    "renewal_offers": (Lever(name="renewal_effect", address="renewal_offers.max_effect", share=True),),
    "cross_selling": (Lever(name="offer_effect", address="cross_selling.max_uplift", share=True),),
    "quality": (
        Lever(
            name="quality_effect", address="quality.max_reduction", share=True,
            perfect={"quality.max_reduction": 1.0, "quality.spend_scale*": TINY},
        ),
    ),
    "staff": (Lever(name="care_effect", address="staff.max_effect", share=True),),
    "desk": (Lever(name="wage", address="own.wage_per_period", paid=True),),
    "win_back": (
        Lever(name="win_back_price", address="own.cost_per_contact"),
        Lever(name="win_back_success", address="win_back.success", share=True),
    ),
    "social_bond": (Lever(name="member_cost", address="own.cost_per_member", paid=True),),
    "structural_bond": (Lever(name="tie_cost", address="own.cost_per_customer", paid=True),),
}  # fmt: skip
"""By mechanism."""
TOGETHER = {"desk": ("asking", "compensation", "empowered")}
"""What a mechanism does its work with."""


def levers_of(mechanism: str, strategy: Strategy) -> tuple[Lever, ...]:
    """The levers of a mechanism that the strategy has alone: a named channel has a cost of its own."""
    spending = strategy.acquisition
    if mechanism != "acquisition" or spending is None or not spending.channels:
        return LEVERS[mechanism]
    (channel,) = spending.channels
    of = f"prospects.channels.{channel}"
    return (Lever(name="customer_cost", address=f"{of}.ceiling", beside=(f"{of}.spend_scale", "prospects.size")),)


def alone(strategies: Sequence[Strategy]) -> Iterator[tuple[str, Strategy, Strategy]]:
    """Each mechanism with levers that one of the strategies uses: its name, a strategy of it alone with all the money
    that the one planning to spend most on it plans (of equals the last), and that one. Then each named channel of
    acquisition alone, with what the strategy that puts most into it spends on it."""
    for mechanism in LEVERS:
        using = [strategy for strategy in strategies if getattr(strategy, mechanism) is not None]
        if mechanism == "acquisition":  # by several channels a customer has several costs
            using = [strategy for strategy in using if strategy.acquisition and not strategy.acquisition.channels]
        if not using:
            continue
        # Of those whose spending follows from what customers do the last one, since one's own come after a template's.
        most = max(reversed(using), key=lambda strategy: getattr(strategy, mechanism).budget)
        part = getattr(most, mechanism)
        if isinstance(part, Budgeted):
            part = replace(part, budget_per_period=most.budget_per_period)
        others = {name: getattr(most, name) for name in TOGETHER.get(mechanism, ())}
        yield mechanism, Strategy(name=f"{mechanism}-alone".replace("_", "-"), **{mechanism: part, **others}), most
    spending = [(strategy, strategy.acquisition.by_channel()) for strategy in strategies if strategy.acquisition]
    for name in sorted({name for _, money in spending for name in money} - {UNNAMED}):
        most, money = max(spending, key=lambda pair: pair[1].get(name, 0.0))
        assert most.acquisition is not None
        part = replace(most.acquisition, budget_per_period=money[name], channels={name: 1.0})
        yield "acquisition", Strategy(name=f"acquisition-{name}-alone", acquisition=part), most


def label_of(mechanism: str, strategy: Strategy) -> str:
    """What a mechanism alone is called: of acquisition by a channel, with the channel."""
    channels = strategy.acquisition.channels if mechanism == "acquisition" and strategy.acquisition else None
    return f"{mechanism} by {', '.join(channels)}" if channels else mechanism
