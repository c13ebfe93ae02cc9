"""The strategy: what the firm chooses. Each mechanism is off (None) by default and then costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from churnsim.checks import shown
from churnsim.errors import ConfigError
from churnsim.simulation.mechanisms.acquisition import Acquisition
from churnsim.simulation.mechanisms.asking import AskForComplaints
from churnsim.simulation.mechanisms.bonds import EconomicBond, SocialBond, StructuralBond
from churnsim.simulation.mechanisms.churn import ChurnChange
from churnsim.simulation.mechanisms.compensation import Compensation
from churnsim.simulation.mechanisms.cross_selling import CrossSelling
from churnsim.simulation.mechanisms.desk import ComplaintDesk
from churnsim.simulation.mechanisms.dismissal import DismissUnprofitable
from churnsim.simulation.mechanisms.empowered import EmpoweredStaff
from churnsim.simulation.mechanisms.parts import StrategyPart, check_parts, document_parts
from churnsim.simulation.mechanisms.quality import ServiceQuality
from churnsim.simulation.mechanisms.referral import ReferralReward
from churnsim.simulation.mechanisms.renewal_offers import RenewalOffers
from churnsim.simulation.mechanisms.retention import RetentionContacts
from churnsim.simulation.mechanisms.staff import StaffCare
from churnsim.simulation.mechanisms.win_back import WinBack

__all__ = [
    "Acquisition", "AskForComplaints", "ChurnChange", "Compensation", "ComplaintDesk", "CrossSelling",
    "DismissUnprofitable", "EconomicBond", "EmpoweredStaff", "ReferralReward", "RenewalOffers", "RetentionContacts",
    "ServiceQuality", "SocialBond", "StaffCare", "Strategy", "StructuralBond", "WinBack",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A named set of mechanisms.

    Parameters
    ----------
    name : str
    title, description : str
        What a report calls it and says of it.
    acquisition, referral, retention, renewal_offers, cross_selling, quality, staff, desk, asking, compensation, \
    empowered, win_back, dismissal, economic_bond, social_bond, structural_bond, churn
        What the firm does, each off where None. Money is in the currency of the market's amounts, durations are in
        the market's unit.

    Raises
    ------
    ConfigError
        Without a name, and for a part of another type.

    Examples
    --------
    >>> from churnsim.simulation import Acquisition, RetentionContacts, Strategy
    >>> both = Strategy(
    ...     name="both",
    ...     acquisition=Acquisition(budget_per_period=100.0),
    ...     retention=RetentionContacts(budget_per_period=50.0, rule="recent_buyers", within=26.0),
    ... )
    >>> both.budget_per_period
    150.0
    >>> Strategy(name="adverts", acquisition=Acquisition(budget_per_period=100.0))
    Strategy(name='adverts', acquisition=Acquisition(budget_per_period=100.0, channels=None))
    """

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
        if not isinstance(self.name, str) or not self.name:
            raise ConfigError(f"a strategy needs a name; got {shown(self.name)}.")
        check_parts(self)

    def __repr__(self) -> str:
        """What is given; the many parts that are off are left out."""
        given = ((f.name, getattr(self, f.name)) for f in fields(self))
        return f"Strategy({', '.join(f'{name}={value!r}' for name, value in given if value not in (None, ''))})"

    @cached_property
    def parts(self) -> tuple[StrategyPart, ...]:
        """The mechanisms that are on, in the order of the fields."""
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(value for value in values if isinstance(value, StrategyPart))

    @property
    def acting(self) -> set[str]:
        """The names of the mechanisms that are on, and "part.name" of what one of them `does`."""
        on = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), StrategyPart)}
        return {*on, *(f"{name}.{does}" for name, part in on.items() for does in part.does)}

    def check(self, market: Any, period: float) -> None:
        """ConfigError that names the first part that cannot act in a `Market` reviewed every `period` (time units)."""
        for field in fields(self):
            part = getattr(self, field.name)
            if isinstance(part, StrategyPart):
                others = [other for other in self.parts if other is not part]
                try:
                    part.check(market, others, period)
                except ConfigError as error:
                    raise ConfigError(f"strategy {self.name!r}: {field.name} {error}") from None

    @property
    def budget_per_period(self) -> float:
        """Planned spending per period in money; what is paid per event or per customer comes on top as it falls due."""
        return sum((part.budget for part in self.parts), 0.0)


document_parts(Strategy)
