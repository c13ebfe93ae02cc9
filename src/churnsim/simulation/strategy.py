"""The strategy: what the firm chooses. Each mechanism is off (None) by default and then costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from churnsim.errors import ConfigError
from churnsim.simulation.assumption import not_negative, positive, share, whole_cents

__all__ = ["Acquisition", "AskForComplaints", "ChurnChange", "ComplaintDesk", "RetentionContacts", "Strategy"]

Targeting = Literal["all", "top_value", "recent_buyers"]


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """Spend `budget_per_period` (money) on prospects; arrivals follow the market's response, spread over the period."""

    budget_per_period: float

    def __post_init__(self) -> None:
        not_negative("acquisition budget_per_period", self.budget_per_period)


@dataclass(frozen=True, kw_only=True)
class RetentionContacts:
    """Spread `budget_per_period` (money) evenly over the customers whom `rule` picks by what the firm can see.

    "all": every customer it knows; "top_value": the `share` with the most repeat revenue so far; "recent_buyers": who
    bought `within` so many time units. The firm cannot see who has left, so contacts go to the lost as well. A period
    in which the rule picks nobody spends nothing.
    """

    budget_per_period: float
    rule: Targeting = "all"
    share: float | None = None
    within: float | None = None

    def __post_init__(self) -> None:
        not_negative("retention budget_per_period", self.budget_per_period)
        if self.rule == "top_value":
            share("retention share", _needed(self.share, "share", self.rule))
        if self.rule == "recent_buyers":
            positive("retention within", _needed(self.within, "within", self.rule))
        if self.rule not in get_args(Targeting):
            raise ConfigError(f"rule must be one of {', '.join(map(repr, get_args(Targeting)))}; got {self.rule!r}.")


def _needed(value: float | None, name: str, rule: str) -> float:
    if value is None:
        raise ConfigError(f"the rule {rule!r} needs {name}. Say {name}=...")
    return value


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
class ChurnChange:
    """A what-if, not a tool: everybody's dropout probability p becomes max(0, factor p - points), at no cost."""

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
    retention: RetentionContacts | None = None
    desk: ComplaintDesk | None = None
    asking: AskForComplaints | None = None
    churn: ChurnChange | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigError("a strategy needs a name.")

    @property
    def budget_per_period(self) -> float:
        """Planned spending per period in money; per-reply and per-purchase costs come on top as they fall due."""
        return (
            (self.acquisition.budget_per_period if self.acquisition else 0.0)
            + (self.retention.budget_per_period if self.retention else 0.0)
            + (self.desk.staff * self.desk.wage_per_period if self.desk else 0.0)
        )
