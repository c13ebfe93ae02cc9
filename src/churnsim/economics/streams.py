"""Cash flows and profit streams of a customer: net present values in named timings.

A profit stream pays m_1 in a customer's first period, m_2 in the second, and so on (profit by tenure); a survival
curve S(j) says who is still there. With v = 1/(1 + d), acquisition cost A now, s renewals before the first margin
counted and the first margin discounted e periods (`MarginTiming`):

    NPV = -A + v^e * sum over k = 0, 1, 2 ... of m_(k+1) * S(k + s) * v^k
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from churnsim.checks import check_number, typed, unchecked
from churnsim.economics.multiples import MarginTiming, discount_factor
from churnsim.economics.survival_curves import CustomerLife
from churnsim.errors import ConfigError


@typed
def present_values(flows: Sequence[float], *, discount_rate: float) -> list[float]:
    """Each flow discounted to now; `flows[t]` falls t periods from now, `flows[0]` at once.

    Examples
    --------
    >>> present_values([100.0, 125.0], discount_rate=0.25)
    [100.0, 100.0]
    """
    v = discount_factor(discount_rate)
    return [flow * v**t for t, flow in enumerate(flows)]


@typed
def npv(flows: Sequence[float], *, discount_rate: float) -> float:
    """Net present value of flows at times 0, 1, 2 ...; raises ConfigError for a rate at or below -1.

    Examples
    --------
    >>> round(npv([-100.0, 125.0, 62.5], discount_rate=0.25), 2)
    40.0
    """
    return math.fsum(present_values(flows, discount_rate=discount_rate))


@typed
@dataclass(frozen=True, kw_only=True)
class ProfitStream:
    """Profit a customer brings in period 1, 2, ... of the relation, in money per period.

    After the last period given, profit grows by `growth_after` a period (0: it stays where it is; an assumption, as no
    table goes on for ever). Raises ConfigError when no profit is given or one is not finite.
    """

    profits: tuple[float, ...]
    growth_after: float = 0.0

    def __post_init__(self) -> None:
        if len(self.profits) == 0:
            raise ConfigError("profits must be at least one number, a period each; got none.")
        object.__setattr__(self, "profits", tuple(check_number(profit, "each of profits") for profit in self.profits))
        check_number(self.growth_after, "growth_after", above=-1)

    def in_period(self, period: int) -> float:
        """Profit in that period of the relation, counted from 1."""
        known = min(period, len(self.profits))
        return self.profits[known - 1] * (1.0 + self.growth_after) ** (period - known)


@typed
def stream_value(
    profit: ProfitStream,
    *,
    life: CustomerLife,
    discount_rate: float,
    acquisition_cost: float = 0.0,
    timing: MarginTiming = MarginTiming.YEAR_END,
) -> float:
    """Expected net present value of one customer's profit stream, in closed form, infinite horizon.

    `discount_rate` is per period of the stream. The default timing is the credit-card table's: the cost now, each
    year's profit at the year's end, the first year certain. Infinite where the stream does not converge.

    Examples
    --------
    >>> from churnsim.economics import MeanLife
    >>> profit = ProfitStream(profits=(30.0, 42.0, 44.0, 49.0, 55.0))
    >>> round(stream_value(profit, life=MeanLife(retention=0.9), discount_rate=0.1, acquisition_cost=51.0), 2)
    241.12
    """
    v = discount_factor(discount_rate)
    s = timing.renewals
    head, last = profit.profits[:-1], len(profit.profits) - 1
    survival = unchecked(life.survival)
    known = math.fsum(m * survival(k + s) * v**k for k, m in enumerate(head))
    rest = 0.0
    if profit.profits[-1] != 0.0:
        rest = profit.profits[-1] * v**last * unchecked(life.tail)(last + s, weight=v * (1.0 + profit.growth_after))
    return v**timing.delay * (known + rest) - acquisition_cost


@typed
def stream_gain(before: float, after: float) -> float | None:
    """Relative rise of value from `before` to `after`; None where the base is not finite or not above 0.

    Examples
    --------
    >>> stream_gain(100.0, 125.0)
    0.25
    """
    if not (math.isfinite(before) and before > 0.0) or math.isnan(after):
        return None
    return after / before - 1.0
