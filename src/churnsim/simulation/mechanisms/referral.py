"""Referral: satisfied customers bring others, and more of them for a reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from churnsim.economics.response import saturating
from churnsim.kernels.engine.neighbours import settle_referrals, within_reach
from churnsim.kernels.engine.records import REFERRED
from churnsim.simulation.core.assumption import (
    PURCHASE,
    Multiple,
    assumed,
    cents,
    in_units,
    not_negative,
    published,
    scale,
    share,
)
from churnsim.simulation.mechanisms.parts import MarketPart, Money, StrategyPart, growth_shortfall
from churnsim.simulation.mechanisms.surroundings import Surroundings
from churnsim.units import units_per_year


@dataclass(frozen=True, kw_only=True)
class ReferralReward(StrategyPart):
    """Pay whoever brings a new customer `reward` (money). The market's `referral` says how many more that brings;
    without one nobody refers anybody."""

    reward: Annotated[float, Money("currency per new customer, on top of the budget", example=5.0, each=True)]

    needs: ClassVar[str] = "referral"

    def rewarded(self, around: Surroundings, number: int) -> None:
        """Pay the reward for each."""
        around.books.count("referral", cents(self.reward) * number)

    def rules(self, market: Any) -> dict[str, Any]:
        """Referrals rise with the reward."""
        referral = market.referral
        if referral is None:
            return {}
        return {
            "referral_rate": referral.rate_per_year * (1.0 + referral.lift(self.reward)) / units_per_year(market.unit)
        }


@dataclass(frozen=True, kw_only=True)
class Referral(MarketPart):
    """Satisfied customers bring others: those whose last purchase went well, or whose complaint was resolved.

    A referral reaches a random one of the people in `Prospects`; who has come already does not come again. The new
    customer arrives at the next epoch boundary.
    """

    interacts: ClassVar[bool] = True

    rate_per_year: float = published(
        0.25,
        "referrals per satisfied customer and year",
        "new customers that a satisfied one brings while most people are prospects still",
        not_negative,
        (0.02, 1.0),
        source="'Winning back lost customers' (undated), after an AMA handbook: 100 satisfied customers bring 25 new "
        "ones; in what time it does not say",
        status="claimed",
    )

    max_lift: float = assumed(0.5, "share of referrals", "most that a reward adds to them", share, (0.1, 0.9))
    reward_scale: float = assumed(
        Multiple(0.4, PURCHASE), "money per new customer", "reward at which 63% of it is reached", scale, (0.1, 1.6)
    )

    def lift(self, reward: float) -> float:
        """Share by which referrals rise with a reward (money)."""
        return saturating(self.max_lift, in_units("referral.reward_scale", self.reward_scale), reward)

    def meet(self, around: Surroundings) -> None:
        """Referrals reach prospects, in the order in which they were made."""
        times, uids, ordinals = around.population.take_referrals()
        left, people = around.left.left, around.reach
        if not times.size or not left:
            return
        # What finds nobody with as many left as now finds nobody later: only the rest need their order.
        may = within_reach(uids, ordinals, left, people, *around.address)
        times, uids, ordinals = times[may], uids[may], ordinals[may]
        order = np.lexsort((uids, times))
        children = np.empty(times.size, dtype=np.int64)
        number = settle_referrals(uids[order], ordinals[order], left, people, *around.address, children)
        # Before arrivals are drawn: who was referred does not answer an advertisement too.
        around.left.left -= number
        for part in around.parts:
            part.rewarded(around, number)
        none = np.zeros(number, dtype=np.int64)
        around.population.enter(np.full(number, around.now), children[:number], none + REFERRED, none)

    def epoch_effect(self, unit: str, epoch: float) -> tuple[float, str]:
        """Of those who are referred, and come at the next boundary."""
        short = growth_shortfall(self.rate_per_year * epoch / units_per_year(unit))
        return short, f"chains of referrals grow at a rate that is {short:.1%} too low, since each waits for a boundary"

    def rules(self, unit: str) -> dict[str, Any]:
        """Referrals of a satisfied customer per time unit, without a reward."""
        return {"referral_rate": self.rate_per_year / units_per_year(unit)}
