"""Margin multiples: what a customer is worth per unit of margin a period, and the timing hidden in each formula.

With margin m a period, retention r, discount rate d and v = 1/(1 + d), the value m * sum of S(k + s) v^(k + e) over
k = 0, 1, 2 ... depends on two conventions: s, how many renewals stand before the first margin counted (0 or 1), and
e, by how many periods the first margin counted is discounted (0 or 1). For one common retention rate:

| name            | s | e | multiple         | used by                                                                |
|-----------------|---|---|------------------|------------------------------------------------------------------------|
| immediate       | 0 | 0 | (1+d)/(1+d-r)    | a new customer who pays on arrival                                     |
| year end        | 0 | 1 | 1/(1+d-r)        | a new customer whose first year is certain (the credit-card table)     |
| before renewal  | 1 | 0 | r(1+d)/(1+d-r)   | an existing customer just before renewing (Fader & Hardie 2010)        |
| after renewal   | 1 | 1 | r/(1+d-r)        | first margin one period on, if retained (Gupta & Lehmann 2003)         |

The *relative* gain from more retention depends on s alone: five points more at r = .9 and d = .10 are worth 33.3% with
s = 0 and 40.7% with s = 1. Figures that quote a gain without naming s cannot be compared.
"""

from __future__ import annotations

import numbers
from enum import Enum

from churnsim.checks import check_number, typed
from churnsim.economics.survival_curves import CustomerLife, Geometric


class MarginTiming(Enum):
    """When the first margin counted falls: (renewals before it, periods it is discounted).

    Examples
    --------
    >>> MarginTiming.BEFORE_RENEWAL.renewals, MarginTiming.BEFORE_RENEWAL.delay
    (1, 0)
    """

    IMMEDIATE = (0, 0)
    YEAR_END = (0, 1)
    BEFORE_RENEWAL = (1, 0)
    AFTER_RENEWAL = (1, 1)

    @property
    def renewals(self) -> int:
        """s: renewals the customer must have made before the first margin counted."""
        return int(self.value[0])

    @property
    def delay(self) -> int:
        """e: periods by which the first margin counted is discounted."""
        return int(self.value[1])


@typed
def discount_factor(discount_rate: float) -> float:
    """v = 1/(1 + d) per period. Raises ConfigError for a rate at or below -1 or not finite.

    Examples
    --------
    >>> discount_factor(0.25)
    0.8
    """
    return 1.0 / (1.0 + check_number(discount_rate, "discount_rate", above=-1, remedy="Ten percent is 0.10."))


@typed
def margin_multiple(life: CustomerLife | float, *, discount_rate: float, timing: MarginTiming) -> float:
    """Present value, per unit of margin a period, of an endless stream under `life` (a number: one retention for all).

    Infinite where the sum does not converge (no discounting and customers who never leave).

    Examples
    --------
    >>> round(margin_multiple(0.8, discount_rate=0.1, timing=MarginTiming.IMMEDIATE), 4)
    3.6667
    """
    curve = Geometric(retention=float(life)) if isinstance(life, float | numbers.Real) else life
    v = discount_factor(discount_rate)
    return v**timing.delay * curve.tail(timing.renewals, weight=v)


@typed
def relative_gain(*, retention: float, points: float, discount_rate: float, timing: MarginTiming) -> float:
    """Relative rise of the one-retention multiple when retention rises by `points` (0.05 is five points).

    Examples
    --------
    >>> round(relative_gain(retention=0.9, points=0.05, discount_rate=0.1, timing=MarginTiming.IMMEDIATE), 3)
    0.333
    >>> round(relative_gain(retention=0.9, points=0.05, discount_rate=0.1, timing=MarginTiming.AFTER_RENEWAL), 3)
    0.407
    """
    base = margin_multiple(retention, discount_rate=discount_rate, timing=timing)
    return margin_multiple(retention + points, discount_rate=discount_rate, timing=timing) / base - 1.0


@typed
def retention_elasticity(life: CustomerLife | float, *, discount_rate: float) -> float:
    """Elasticity of the multiple to retention when the first margin follows a renewal (s = 1).

    At one common rate it is (1 + d)/(1 + d - r). Under a mix of rates this is its mean over customers, the mean of
    individual elasticities of Fader & Hardie (2010, 'Customer-base valuation in a contractual setting'), for new
    customers. Both equal the immediate multiple, since (1 + d)/(1 + d - r) is the sum of (r v)^k.

    Examples
    --------
    >>> round(retention_elasticity(0.8, discount_rate=0.1), 2)
    3.67
    """
    return margin_multiple(life, discount_rate=discount_rate, timing=MarginTiming.IMMEDIATE)
