"""Saturating response of prospects to spending.

Blattberg & Deighton (1996), "Manage marketing by the customer equity test", Harvard Business Review 74(4), 136-144.

Spending A on each prospect acquires the share a(A) = C (1 - exp(-k A)): C is the ceiling that no budget passes, k the
speed (per unit of money). The same form serves retention, with r in place of a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from churnsim.checks import check_number, check_share, typed


def saturating(ceiling: float, scale: float, spend: float) -> float:
    """ceiling (1 - e^(-spend / scale)), also where the ceiling is 0: the share that `spend` wins."""
    return -ceiling * math.expm1(-(1 / scale) * spend) if ceiling > 0 else 0.0


@typed
@dataclass(frozen=True, kw_only=True)
class SaturatingResponse:
    """Share won = ceiling * (1 - exp(-k * spend)).

    `ceiling` in (0, 1]; `k` above 0, per unit of money spent on one prospect; ConfigError otherwise.

    Examples
    --------
    >>> response = SaturatingResponse.through(spend=5.0, share=0.1, ceiling=0.4)
    >>> round(response.share(10.0), 3), round(response.average_cost(5.0), 2), round(response.marginal_cost(5.0), 2)
    (0.175, 50.0, 57.93)
    """

    ceiling: float
    k: float

    def __post_init__(self) -> None:
        check_share(self.ceiling, "ceiling")
        check_number(self.k, "k", above=0)

    @classmethod
    def through(cls, *, spend: float, share: float, ceiling: float) -> SaturatingResponse:
        """The curve that passes through today's point and stays below the ceiling (decision calculus).

        Asks two questions of the manager: what is won at today's spend per prospect, and what at most with no limit.
        Raises ConfigError unless spend > 0 and 0 < share < ceiling.
        """
        check_number(spend, "spend", above=0)
        check_number(share, "share", above=0, below=check_share(ceiling, "ceiling"))
        return cls(ceiling=ceiling, k=-math.log1p(-share / ceiling) / spend)

    def share(self, spend: float) -> float:
        """Share of prospects won when `spend` goes to each; ConfigError below 0."""
        check_number(spend, "spend", least=0)
        return -self.ceiling * math.expm1(-self.k * spend)

    def spend_for(self, share: float) -> float:
        """Spend per prospect that wins `share`; ConfigError at or above the ceiling, which no spend reaches."""
        check_number(share, "share", least=0, below=self.ceiling, remedy="No spend reaches the ceiling.")
        return -math.log1p(-share / self.ceiling) / self.k

    def average_cost(self, spend: float) -> float:
        """Spend per customer won, A / a(A); at A = 0 its limit 1 / (C k)."""
        return spend / self.share(spend) if spend > 0.0 else self.marginal_cost(0.0)

    def marginal_cost(self, spend: float) -> float:
        """Cost of the next customer at that spend, 1 / a'(A) = exp(k A) / (C k)."""
        exponent = self.k * spend
        return math.exp(exponent) / (self.ceiling * self.k) if exponent < 700 else math.inf

    def best_spend(self, value_per_customer: float) -> float:
        """Spend per prospect that maximises a(A) * value - A: ln(C k value) / k, or 0 when no spend pays."""
        gain = self.ceiling * self.k * value_per_customer
        return math.log(gain) / self.k if gain > 1.0 else 0.0
