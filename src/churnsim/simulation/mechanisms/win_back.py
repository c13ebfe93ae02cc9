"""Winning back the lost: whom the firm contacts, and who comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import (
    UNMEASURED,
    documented,
    not_negative,
    positive,
    share,
    whole_cents,
)
from churnsim.simulation.mechanisms.parts import Length, MarketPart, Money, Setting, StrategyPart
from churnsim.units import Duration

__all__ = ["WinBack", "WinBackResponse"]


@dataclass(frozen=True, kw_only=True)
class WinBack(StrategyPart):
    """Contact customers who have been silent for longer than `silent_for` (time units), each at `cost_per_contact`
    (money), at most `most_per_period` of them in a period and `attempts` times each.

    The cost falls due also for those who never left. Chosen: "value", those with the highest expected value of a
    second life (their repeat revenue per time so far, times the chance that a contact brings back someone silent for
    as long, over the market's `win_back.second_life`, less the cost), and nobody where that is negative; "random";
    "all" in the order of their silence, the shortest first.
    """

    silent_for: Annotated[float, Length("how long a customer must have been silent", example=0.1)]
    cost_per_contact: Annotated[float, Money("currency per contact, on top of the budget", example=1.0)]
    most_per_period: Annotated[int | None, Setting("contacts per period at most", limits={"ge": 0})] = None
    choose: Annotated[
        Literal["value", "random", "all"],
        Setting("by expected value of a second life, by chance, or all, the shortest silence first"),
    ] = "value"
    attempts: Annotated[int, Setting("contacts to one customer at most", limits={"ge": 1, "le": 10_000})] = 1

    acts: ClassVar[bool] = True
    keeps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("silent_for", self.silent_for)
        whole_cents("cost_per_contact", self.cost_per_contact)
        if self.choose not in ("value", "random", "all"):
            raise ConfigError(f"choose must be 'value', 'random' or 'all'; got {self.choose!r}.")
        if not isinstance(self.attempts, int) or not 1 <= self.attempts <= 10_000:
            raise ConfigError(f"attempts must be a whole number, 1 to 10,000; got {self.attempts!r}.")
        if self.most_per_period is not None and (not isinstance(self.most_per_period, int) or self.most_per_period < 0):
            raise ConfigError(f"most_per_period must be a whole number, 0 or more; got {self.most_per_period!r}.")

    @property
    def charges(self) -> bool:
        """Each contact is paid for."""
        return self.cost_per_contact > 0


@dataclass(frozen=True, kw_only=True)
class WinBackResponse(MarketPart):
    """What contacts to the lost do: one lost t ago comes back with the chance success x 2^(-t / half_life)."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("win_back",)}

    success: float = documented(
        0.40,
        unit="probability",
        meaning="a contact right after the loss brings the customer back",
        status="published",
        source="'Winning back lost customers' (undated), after J. Griffin: 40 in 100 lost customers can be won back",
    )
    half_life: Duration = documented(
        Duration(26, "W"),
        unit="time units",
        meaning="time since the loss in which that chance halves",
        status="assumed",
        source=UNMEASURED,
    )
    dropout_factor: float = documented(
        1.5,
        unit="factor",
        meaning="dropout in a second life, as a multiple of the first's",
        status="assumed",
        source=UNMEASURED,
    )
    second_life: Duration = documented(
        Duration(1, "Y"),
        unit="time units",
        meaning="what the firm expects a second life to last when it chooses whom to contact",
        status="assumed",
        source=UNMEASURED,
    )

    def __post_init__(self) -> None:
        share("success", self.success)
        not_negative("dropout_factor", self.dropout_factor)
        for name in ("half_life", "second_life"):
            value = getattr(self, name)
            if not isinstance(value, Duration) or value.value <= 0:
                raise ConfigError(
                    f"{name} must be a duration above 0; got {value!r}. Say Duration(26, 'W'), in a study '26 W'."
                )

    def rules(self, unit: str) -> dict[str, Any]:
        """Who comes back, and how it leaves again."""
        return {
            "second_life_factor": float(self.dropout_factor),
            "win_back_success": float(self.success),
            "win_back_half_life": self.half_life.to(unit),
        }
