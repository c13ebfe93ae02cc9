"""The strategy: what the firm chooses. Each mechanism is off (None) by default and then costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import not_negative, share, whole_cents
from churnsim.simulation.mechanisms.bonds import EconomicBond, SocialBond, StructuralBond
from churnsim.simulation.mechanisms.contacts import CrossSelling, DismissUnprofitable, RetentionContacts, WinBack
from churnsim.simulation.mechanisms.renewal_offers import RenewalOffers
from churnsim.simulation.mechanisms.service import (
    AskForComplaints,
    Compensation,
    ComplaintDesk,
    EmpoweredStaff,
    ServiceQuality,
)
from churnsim.simulation.mechanisms.staff import StaffCare

__all__ = [
    "Acquisition",
    "AskForComplaints",
    "ChurnChange",
    "Compensation",
    "ComplaintDesk",
    "CrossSelling",
    "DismissUnprofitable",
    "EconomicBond",
    "EmpoweredStaff",
    "ReferralReward",
    "RenewalOffers",
    "RetentionContacts",
    "ServiceQuality",
    "SocialBond",
    "StaffCare",
    "Strategy",
    "StructuralBond",
    "WinBack",
]


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """Spend `budget_per_period` (money) on prospects; arrivals follow the market's response, spread over the period."""

    budget_per_period: float

    def __post_init__(self) -> None:
        not_negative("acquisition budget_per_period", self.budget_per_period)


@dataclass(frozen=True, kw_only=True)
class ReferralReward:
    """Pay whoever brings a new customer `reward` (money). The market's `referral` says how many more that brings;
    without one nobody refers anybody."""

    reward: float

    def __post_init__(self) -> None:
        whole_cents("reward", self.reward)


@dataclass(frozen=True, kw_only=True)
class ChurnChange:
    """A what-if, not a tool: everybody's dropout probability p becomes max(0, factor p - points), at no cost. Of a
    lifetime in time it is the hazard, of a contract's hazards by tenure the customer's multiplier."""

    factor: float = 1.0
    points: float = 0.0

    def __post_init__(self) -> None:
        share("churn factor", self.factor)
        share("churn points", self.points)

    def applied(self, dropout: float) -> float:
        """The changed dropout probability."""
        return max(0.0, self.factor * dropout - self.points)


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A named set of mechanisms."""

    name: str
    title: str = ""
    description: str = ""
    acquisition: Acquisition | None = None
    referral: ReferralReward | None = None
    retention: RetentionContacts | None = None
    renewal_offers: RenewalOffers | None = None
    cross_selling: CrossSelling | None = None
    quality: ServiceQuality | None = None
    staff: StaffCare | None = None
    desk: ComplaintDesk | None = None
    asking: AskForComplaints | None = None
    compensation: Compensation | None = None
    empowered: EmpoweredStaff | None = None
    win_back: WinBack | None = None
    dismissal: DismissUnprofitable | None = None
    economic_bond: EconomicBond | None = None
    social_bond: SocialBond | None = None
    structural_bond: StructuralBond | None = None
    churn: ChurnChange | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigError("a strategy needs a name.")

    @property
    def budget_per_period(self) -> float:
        """Planned spending per period in money; what is paid per event or per customer comes on top as it falls due."""
        planned = (self.acquisition, self.retention, self.cross_selling, self.quality, self.staff)
        return (
            sum(part.budget_per_period for part in planned if part)
            + (self.desk.staff * self.desk.wage_per_period if self.desk else 0.0)
            + (self.empowered.cost_per_period if self.empowered else 0.0)
        )
