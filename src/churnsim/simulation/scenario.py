"""A scenario: a market, a strategy, and the clock's three steps."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.errors import ConfigError
from churnsim.kernels.life import Rules
from churnsim.simulation.assumption import positive
from churnsim.simulation.market import Market
from churnsim.simulation.strategy import Strategy

__all__ = ["Scenario"]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`horizon`, `period` and `epoch` are durations in the market's unit.

    What one customer does reaches another only at the next epoch boundary; the firm reviews and the books close at
    period ends. Raises ConfigError unless the horizon is a whole number of periods and a period a whole number of
    epochs.
    """

    market: Market
    strategy: Strategy
    horizon: float
    period: float
    epoch: float

    def __post_init__(self) -> None:
        for name in ("horizon", "period", "epoch"):
            positive(name, getattr(self, name))
        for long, short in (("horizon", "period"), ("period", "epoch")):
            ratio = getattr(self, long) / getattr(self, short)
            if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-9:
                raise ConfigError(
                    f"{long} must be a whole number of {short}s; {getattr(self, long):g} / {getattr(self, short):g} = "
                    f"{ratio:.6g}. Take {long} = {max(1, round(ratio)) * getattr(self, short):g}."
                )

    @property
    def periods(self) -> int:
        """How many periods the books have."""
        return round(self.horizon / self.period)

    @property
    def rules(self) -> Rules:
        """The numbers that the rules of a customer's life read."""
        c = self.market.complaints
        asked = c.complaint_probability_if_asked if self.strategy.asking else c.complaint_probability
        return Rules(
            failure_share=float(c.failure_share),
            leave_after_failure=float(c.leave_after_failure),
            complaint_probability=float(asked),
            silent_stay=float(c.silent_stay),
            quick_share=float(c.quick_share),
            slow_share=float(c.slow_share),
            stay_quick=float(c.stay_quick),
            stay_slow=float(c.stay_slow),
            stay_unresolved=float(c.stay_unresolved),
            quick_within=c.quick_within.to(self.market.unit),
            slow_within=c.slow_within.to(self.market.unit),
            spend_shape=float(self.market.spend.p),
        )
