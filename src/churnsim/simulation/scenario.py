"""A scenario: a market, a strategy, and the clock's three steps."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.errors import ConfigError
from churnsim.kernels.rules import FIXED_SPEND, GAMMA_GAMMA, Rules
from churnsim.simulation.assumption import cents, positive
from churnsim.simulation.lifetimes import lifetime_of, spending_of
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
    def epochs_per_period(self) -> int:
        """How many epochs a period has."""
        return round(self.period / self.epoch)

    @property
    def rules(self) -> Rules:
        """The numbers that the rules of a customer's life read."""
        market, strategy = self.market, self.strategy
        c = market.complaints
        lifetime, _, _ = lifetime_of(market.purchases)
        spending, (shape_or_amount, _, _), _ = spending_of(market.spend)
        desk = strategy.desk
        return Rules(
            failure_share=float(c.failure_share),
            leave_after_failure=float(c.leave_after_failure),
            complaint_probability=float(
                c.complaint_probability_if_asked if strategy.asking else c.complaint_probability
            ),
            silent_stay=float(c.silent_stay),
            quick_share=float(c.quick_share),
            slow_share=float(c.slow_share),
            stay_quick=float(c.stay_quick),
            stay_slow=float(c.stay_slow),
            stay_unresolved=float(c.stay_unresolved),
            quick_within=c.quick_within.to(market.unit),
            slow_within=c.slow_within.to(market.unit),
            spend_shape=float(shape_or_amount) if spending == GAMMA_GAMMA else 1.0,
            lifetime=lifetime,
            spending=spending,
            term=float(getattr(market.purchases, "term", 0.0)),
            fixed_spend=float(shape_or_amount) if spending == FIXED_SPEND else 0.0,
            margin=float(market.terms.margin),
            desk=desk is not None,
            mean_service_time=float(desk.mean_service_time) if desk else 0.0,
            asking_cents=cents(strategy.asking.cost_per_purchase) if strategy.asking else 0,
            reply_cents=cents(desk.cost_per_reply) if desk else 0,
            harmed_share=float(market.retention.harmed_share),
            epoch=float(self.epoch),
        )
