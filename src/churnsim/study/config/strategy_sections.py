"""What a strategy may hold: one table of the configuration for each mechanism.

A mechanism that is left out is off and costs nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from churnsim.simulation.mechanisms.targeting import TargetRule
from churnsim.study.config.section import Length, Money, Section, Share, Slug

__all__ = [
    "CHURN_MODEL",
    "BudgetedSection",
    "DeskSection",
    "RenewalOffersSection",
    "RuleSection",
    "StrategySection",
    "TargetedSection",
]


CHURN_MODEL = "churn_model"
"""`scores` that are no file: what the churn model of the study says of each subscriber."""


class BudgetedSection(Section):
    """Spending per period: a share of the common budget or an amount of its own."""

    budget_share: Share | None = Field(default=None, description="share of [budget] per_period")
    budget_per_period: Money | None = Field(default=None, description="currency per period")


class RuleSection(Section):
    """Customers chosen by a rule."""

    rule: TargetRule | None = Field(default=None, description="who is contacted")
    share: Share | None = Field(
        default=None, description="the top share contacted: rules 'top_value', 'responsive' and 'score'"
    )
    within: Length | None = Field(default=None, description="bought within this time: rule 'recent_buyers'")
    gaps: float | None = Field(default=None, gt=0, description="silent for so many own mean gaps: rule 'at_risk'")
    abc: Literal["A", "B", "C"] | None = Field(default=None, description="the class: rule 'abc_class'")
    scores: str | None = Field(
        default=None,
        description="a CSV or Parquet file with the columns customer_id and score, relative to this configuration, or "
        "'churn_model', the probability to leave by the churn model of a study of subscribers: rule 'score'",
    )
    unscored: float | None = Field(
        default=None, description="the score of customers without one, who come last if it is absent: rule 'score'"
    )


class TargetedSection(RuleSection, BudgetedSection):
    """Spending spread evenly over customers chosen by a rule."""


class RenewalOffersSection(RuleSection):
    """A lower price for the next term, offered to those whom a rule chooses among whose contracts end."""

    notice: Length = Field(description="how long before the renewal at most; no shorter than simulation.period")
    discount: Share = Field(description="share of the price of the next term")
    cost_per_offer: Money = Field(default=0.0, description="currency per offer made, on top of the budget")


class DeskSection(Section):
    """A complaint desk: its wages are a share of the common budget or an amount of their own."""

    budget_share: Share | None = Field(default=None, description="share of [budget] per_period that pays the wages")
    wage_per_period: Money | None = Field(default=None, description="currency per member of staff and period")
    staff: int = Field(ge=1, le=100_000, description="people at the desk")
    mean_service_time: Length = Field(description="mean time to deal with one complaint")
    cost_per_reply: Money | None = Field(default=None, description="currency per reply, on top of wages")


class AskingSection(Section):
    """Every buyer is asked whether all was well, so that more of the dissatisfied complain."""

    cost_per_purchase: Money = Field(description="currency per purchase, on top of the budget")


class CompensationSection(Section):
    """Every complaint that is answered is made good."""

    cost_per_complaint: Money = Field(description="currency per answered complaint, on top of the budget")


class EmpoweredSection(Section):
    """Front-line staff settle a share of complaints on the spot."""

    share_at_once: Share = Field(description="share of complaints settled on the spot")
    cost_per_period: Money = Field(description="currency per period, for training and leeway")


class ReferralSection(Section):
    """Whoever brings a new customer is paid; needs [market.referral]."""

    reward: Money = Field(description="currency per new customer, on top of the budget")


class WinBackSection(Section):
    """Contacts to customers who have been silent for long, at a cost also where they never left."""

    silent_for: Length = Field(description="how long a customer must have been silent")
    cost_per_contact: Money = Field(description="currency per contact, on top of the budget")
    most_per_period: int | None = Field(default=None, ge=0, description="contacts per period at most")
    choose: Literal["value", "random", "all"] = Field(
        default="value", description="by expected value of a second life, by chance, or all, the shortest silence first"
    )
    attempts: int = Field(default=1, ge=1, le=10_000, description="contacts to one customer at most")


class DismissalSection(Section):
    """Relations with customers who cost more than they bring are ended."""

    periods: int = Field(ge=1, le=100_000, description="how many periods are looked back on, and between reviews")


class EconomicBondSection(Section):
    """Everybody pays less."""

    price_off: float = Field(ge=0, lt=1, description="share of the price")


class SocialBondSection(Section):
    """A club for customers."""

    joins: Share = Field(description="share of customers who join")
    cost_per_member: Money = Field(description="currency per active member and period, on top of the budget")


class StructuralBondSection(Section):
    """Customers are tied in, so that fewer go to a competitor; needs [market.competitors]."""

    cost_per_customer: Money = Field(description="currency per active customer and period, on top of the budget")


class ChurnSection(Section):
    """A what-if without cost: every dropout probability p becomes max(0, factor p - points)."""

    factor: float = Field(default=1.0, ge=0, le=1, description="what p is multiplied by")
    points: float = Field(default=0.0, ge=0, le=1, description="what is taken from p")


class StrategySection(Section):
    """What the firm does; a mechanism left out is off and costs nothing."""

    name: Slug = Field(description="short, lower case, such as 'retention-heavy'")
    title: str = Field(default="", description="as the report prints it")
    description: str = Field(default="", description="one sentence")
    reference: bool = Field(default=False, description="for orientation: compared, but not in the running")
    acquisition: BudgetedSection | None = None
    referral: ReferralSection | None = None
    retention: TargetedSection | None = None
    renewal_offers: RenewalOffersSection | None = None
    cross_selling: TargetedSection | None = None
    quality: BudgetedSection | None = None
    staff: BudgetedSection | None = None
    desk: DeskSection | None = None
    asking: AskingSection | None = None
    compensation: CompensationSection | None = None
    empowered: EmpoweredSection | None = None
    win_back: WinBackSection | None = None
    dismissal: DismissalSection | None = None
    economic_bond: EconomicBondSection | None = None
    social_bond: SocialBondSection | None = None
    structural_bond: StructuralBondSection | None = None
    churn: ChurnSection | None = None
