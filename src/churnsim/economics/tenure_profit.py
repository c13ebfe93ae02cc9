"""Why profit is said to grow with tenure: the five sources of Reichheld & Sasser (1990), as one profile.

In year t of the relation a customer brings

    profit(t) = base * (1 + premium)^[t > 1] * (1 + growth)^(t-1)  +  saving(t)  +  referral(t)

base profit times growth of purchases and, from the second year on, a price premium; saving(t) = most (1 - e^(-(t-1)/s))
is the cost to serve that falls as both sides learn; referral(t) is the profit of those it brings, `referrals` a year
from the second year on at `referral_value` each. What each part is in a market is an empirical question; the critics
hold that the first four are often zero (Dowling & Uncles 1997; Reinartz & Kumar 2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from churnsim.checks import check_count, check_number, typed
from churnsim.economics.streams import ProfitStream


@typed
@dataclass(frozen=True, kw_only=True)
class TenureProfit:
    """Sources of profit by year; money per year, growth and premium as fractions. ConfigError for a number not finite.

    Defaults are zero: profit is flat unless a source is named.

    Parameters
    ----------
    base : float
        Money a year from the first year on.
    purchase_growth : float
        Growth of purchases a year, a fraction.
    price_premium : float
        Fraction by which later years' prices are higher.
    cost_saving : float
        Money a year that the cost to serve falls by in the long run.
    saving_years : float
        s, years in which the saving comes to 1 - 1/e of that.
    referrals : float
        Customers brought a year from the second year on.
    referral_value : float
        Money that each of them is worth.

    Examples
    --------
    >>> sources = TenureProfit(base=50.0, purchase_growth=0.05, cost_saving=10.0, referrals=0.2, referral_value=40.0)
    >>> [round(sources.in_year(year), 2) for year in (1, 2, 3)]
    [50.0, 64.43, 69.45]
    """

    base: float
    purchase_growth: float = 0.0
    price_premium: float = 0.0
    cost_saving: float = 0.0
    saving_years: float = 2.0
    referrals: float = 0.0
    referral_value: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            check_number(getattr(self, name), name)
        check_number(self.saving_years, "saving_years", above=0)

    def parts(self, year: int) -> dict[str, float]:
        """Profit of that year of the relation (counted from 1) by source; they sum to `in_year`."""
        check_count(year, "year of the relation")
        later = year - 1
        grown = self.base * (1.0 + self.purchase_growth) ** later
        return {
            "base": self.base,
            "purchases": grown - self.base,
            "price premium": grown * self.price_premium if later else 0.0,
            "cost saving": -self.cost_saving * math.expm1(-later / self.saving_years),
            "referral": self.referrals * self.referral_value if later else 0.0,
        }

    def in_year(self, year: int) -> float:
        """Profit of that year of the relation, counted from 1."""
        return math.fsum(self.parts(year).values())

    def profile(self, years: int, *, growth_after: float = 0.0) -> ProfitStream:
        """The first `years` years as a profile that stays (or grows by `growth_after`) from then on, for
        `streams.stream_value` in any of its timings."""
        check_count(years, "years of a profile", most=100_000)
        return ProfitStream(
            profits=tuple(self.in_year(year) for year in range(1, years + 1)), growth_after=growth_after
        )
