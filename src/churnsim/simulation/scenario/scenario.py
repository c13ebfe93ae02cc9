"""A scenario: a market, a strategy, and the clock's three steps."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.errors import ConfigError
from churnsim.kernels.engine.records import CONTRACT, FIXED_SPEND, GAMMA_GAMMA, Rules
from churnsim.simulation.core.assumption import cents, positive
from churnsim.simulation.core.lifetimes import lifetime_of, spending_of
from churnsim.simulation.mechanisms.renewal_offers import check_renewals
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.units import units_per_year

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

        check_renewals(
            self.strategy.renewal_offers,
            contract=lifetime_of(self.market.purchases)[0] == CONTRACT,
            period=float(self.period),
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
    def interacts(self) -> bool:
        """Whether customers reach each other within a period, so that they meet at each epoch."""
        market = self.market
        return any((self.strategy.desk, market.referral, market.word_of_mouth, market.competitors))

    @property
    def firm_acts(self) -> bool:
        """Whether the firm does anything to customers at a period's start."""
        s = self.strategy
        means = (
            s.retention, s.renewal_offers, s.cross_selling, s.quality, s.win_back, s.dismissal, s.social_bond,
            s.structural_bond, s.staff,
        )  # fmt: skip
        return any(means) or self.market.terms.cost_to_serve > 0

    @property
    def rules(self) -> Rules:
        """The numbers that the rules of a customer's life read."""
        market, strategy = self.market, self.strategy
        c = market.complaints
        lifetime, _, _ = lifetime_of(market.purchases)
        spending, (shape_or_amount, _, _), _ = spending_of(market.spend)
        desk, made_good, empowered = strategy.desk, strategy.compensation, strategy.empowered
        kept = market.recovery.effect(made_good.cost_per_complaint) if made_good else 0.0
        club, bonds, mouth = strategy.social_bond, market.bonds, market.word_of_mouth
        rivals, offers = market.competitors, strategy.renewal_offers
        return Rules(
            failure_share=float(c.failure_share),
            leave_after_failure=float(c.leave_after_failure),
            complaint_probability=float(
                c.complaint_probability_if_asked if strategy.asking else c.complaint_probability
            ),
            silent_stay=float(c.silent_stay),
            quick_share=float(c.quick_share),
            slow_share=float(c.slow_share),
            stay_quick=_kept(c.stay_quick, kept),
            stay_slow=_kept(c.stay_slow, kept),
            stay_unresolved=_kept(c.stay_unresolved, kept),
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
            complaint_cents=cents(made_good.cost_per_complaint) if made_good else 0,
            at_once=float(empowered.share_at_once) if empowered else 0.0,
            regularity=float(market.gap_stages),
            price=1.0 - strategy.economic_bond.price_off if strategy.economic_bond else 1.0,
            organic_factor=self._economic_factor,
            member_share=float(club.joins) if club else 0.0,
            member_factor=1.0 - bonds.social_effect if club else 1.0,
            member_referral_factor=float(bonds.social_referrals) if club else 1.0,
            tells_against=int(mouth.dissatisfied_tell) if mouth else 0,
            tells_for=int(mouth.restored_tell) if mouth else 0,
            referral_rate=self._referral_rate,
            second_life_factor=float(market.win_back.dropout_factor),
            win_back_success=float(market.win_back.success),
            win_back_half_life=market.win_back.half_life.to(market.unit),
            switch_share=float(rivals.switch_share) if rivals else 0.0,
            switching_cost=float(bonds.structural_effect) if strategy.structural_bond else 0.0,
            harmed_share=float(market.retention.harmed_share),
            response_spread=float(market.retention.response_spread),
            offer_effect=float(market.renewal_offers.effect(offers.discount)) if offers else 0.0,
            offer_price=1.0 - offers.discount if offers else 1.0,
            epoch=float(self.epoch),
            **(market.satisfaction.rules() if market.satisfaction else {}),
        )

    @property
    def _economic_factor(self) -> float:
        """Factor on everybody's organic dropout of a price off."""
        bond = self.strategy.economic_bond
        return max(0.0, 1.0 - self.market.bonds.economic_effect * bond.price_off) if bond else 1.0

    @property
    def _referral_rate(self) -> float:
        """Referrals of a satisfied customer per time unit, with what a reward adds."""
        referral, reward = self.market.referral, self.strategy.referral
        if referral is None:
            return 0.0
        lift = referral.lift(reward.reward) if reward else 0.0
        return referral.rate_per_year * (1.0 + lift) / units_per_year(self.market.unit)


def _kept(stay: float, kept: float) -> float:
    """Chance to stay where of those who would leave the share `kept` stays too."""
    return float(stay) + (1.0 - float(stay)) * kept
