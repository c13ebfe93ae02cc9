"""Winning customers back: what the second lifetime is worth, and when an offer pays.

Stauss & Friege (1999), "Regaining service customers", Journal of Service Research 1(4), 347-361, value a lost
customer by the *second* lifetime (SLV), which differs from the first in spend and in how soon it ends (Thomas,
Blattberg & Fox 2004). With q the chance that an offer brings a lost customer back, cost c per contact and gift g to
whoever returns:

    expected gain of a contact to a lost customer  =  q (SLV - g) - c
    break-even chance  q* = c / (SLV - g),   largest gift  g* = SLV - c / q.

A firm without contracts does not see who is lost. If the customer is lost with probability L and takes the gift
anyway when not, the gain is L q (SLV - g) - (1 - L) g - c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from churnsim.checks import check_number, check_share, typed
from churnsim.economics.multiples import MarginTiming, margin_multiple
from churnsim.economics.survival_curves import CustomerLife


@typed
def second_lifetime_value(
    *,
    margin: float,
    life: CustomerLife | float,
    discount_rate: float,
    spend_factor: float = 1.0,
    timing: MarginTiming = MarginTiming.IMMEDIATE,
) -> float:
    """SLV: margin per period times `spend_factor` times the multiple of the second life (a curve or one retention).

    Examples
    --------
    >>> round(second_lifetime_value(margin=100, life=0.7, discount_rate=0.1, spend_factor=0.8), 2)
    220.0
    """
    return margin * spend_factor * margin_multiple(life, discount_rate=discount_rate, timing=timing)


@typed
@dataclass(frozen=True, kw_only=True)
class WinBackOffer:
    """An offer: chance to return `q` if lost, cost per contact, gift to whoever takes it (money).

    Examples
    --------
    >>> offer = WinBackOffer(chance=0.1, cost=2.0, gift=20.0)
    >>> round(offer.gain(200.0), 2), round(offer.gain(200.0, lost=0.5), 2), round(offer.least_value(), 2)
    (16.0, -3.0, 40.0)
    """

    chance: float
    cost: float
    gift: float = 0.0

    def __post_init__(self) -> None:
        check_share(self.chance, "chance", zero=True)
        check_number(self.cost, "cost", least=0)
        check_number(self.gift, "gift", least=0)

    def gain(self, value: float, *, lost: float = 1.0) -> float:
        """Expected gain of contacting a customer of second-lifetime value `value` who is lost with that probability."""
        check_share(lost, "lost", zero=True)
        return lost * self.chance * (value - self.gift) - (1.0 - lost) * self.gift - self.cost

    def least_value(self, *, lost: float = 1.0) -> float:
        """Second-lifetime value from which on the contact pays; infinite when nobody would come back."""
        if self.chance * lost == 0.0:
            return math.inf
        return self.gift + (self.cost + (1.0 - lost) * self.gift) / (lost * self.chance)

    def least_chance(self, value: float, *, lost: float = 1.0) -> float:
        """Chance to return from which on the contact pays; infinite when none does."""
        if lost == 0.0 or value <= self.gift:
            return math.inf
        return (self.cost + (1.0 - lost) * self.gift) / (lost * (value - self.gift))


@typed
def odds_to_match(
    *, chance_new: float, value_new: float, value_second: float, cost_new: float = 1.0, cost_lost: float = 1.0
) -> float:
    """Chance of winning a lost customer back at which a unit of money earns as much as on a new one.

    chance_new * value_new / cost_new = q * value_second / cost_lost, solved for q; infinite when a second life is worth
    nothing.

    Examples
    --------
    >>> round(odds_to_match(chance_new=0.05, value_new=300, value_second=150), 3)
    0.1
    """
    check_number(cost_new, "cost_new", above=0)
    if value_second <= 0.0:
        return math.inf
    return chance_new * value_new * cost_lost / (cost_new * value_second)
