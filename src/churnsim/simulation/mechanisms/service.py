"""What a strategy does about service: fewer failures, more complaints heard, better answers."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import not_negative, positive, share, whole_cents

__all__ = ["AskForComplaints", "Compensation", "ComplaintDesk", "EmpoweredStaff", "ServiceQuality"]


@dataclass(frozen=True, kw_only=True)
class ComplaintDesk:
    """`staff` clerks answer complaints, first come first served; each reply takes an exponential time with mean
    `mean_service_time` (time units) and costs `cost_per_reply`; a clerk costs `wage_per_period` (money)."""

    staff: int
    mean_service_time: float
    wage_per_period: float
    cost_per_reply: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.staff, int) or self.staff < 1:
            raise ConfigError(
                f"staff must be a whole number, 1 or more; got {self.staff!r}. Leave the desk out for none."
            )
        positive("mean_service_time", self.mean_service_time)
        not_negative("wage_per_period", self.wage_per_period)
        whole_cents("cost_per_reply", self.cost_per_reply)


@dataclass(frozen=True, kw_only=True)
class AskForComplaints:
    """Ask every buyer whether all was well, at `cost_per_purchase` (money): the market's
    `complaint_probability_if_asked` holds."""

    cost_per_purchase: float

    def __post_init__(self) -> None:
        whole_cents("cost_per_purchase", self.cost_per_purchase)


@dataclass(frozen=True, kw_only=True)
class Compensation:
    """Make good every complaint that is answered, at `cost_per_complaint` (money): of those who would have left in
    spite of the answer, the market's `recovery` says how many stay."""

    cost_per_complaint: float

    def __post_init__(self) -> None:
        whole_cents("cost_per_complaint", self.cost_per_complaint)


@dataclass(frozen=True, kw_only=True)
class EmpoweredStaff:
    """Front-line staff may settle complaints themselves: a `share_at_once` of complaints gets a quick reply on the spot
    and never reaches the desk. Training and leeway cost `cost_per_period` (money)."""

    share_at_once: float
    cost_per_period: float

    def __post_init__(self) -> None:
        share("share_at_once", self.share_at_once)
        not_negative("cost_per_period", self.cost_per_period)


@dataclass(frozen=True, kw_only=True)
class ServiceQuality:
    """Spend `budget_per_period` (money) on better service: the market's `quality` says by how much purchases fail less
    often, given the spend per known customer."""

    budget_per_period: float

    def __post_init__(self) -> None:
        not_negative("quality budget_per_period", self.budget_per_period)
