"""Winning back the lost: whom the firm contacts, and who comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from churnsim.simulation.core.assumption import assumed, length, not_negative, published, share
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
    cost_per_contact: Annotated[float, Money("currency per contact, on top of the budget", example=1.0, each=True)]
    most_per_period: Annotated[int | None, Setting("contacts per period at most", limits={"ge": 0})] = None
    choose: Annotated[
        Literal["value", "random", "all"],
        Setting("by expected value of a second life, by chance, or all, the shortest silence first"),
    ] = "value"
    attempts: Annotated[int, Setting("contacts to one customer at most", limits={"ge": 1, "le": 10_000})] = 1

    acts: ClassVar[bool] = True
    keeps: ClassVar[bool] = True

    @property
    def charges(self) -> bool:
        """Each contact is paid for."""
        return self.cost_per_contact > 0


@dataclass(frozen=True, kw_only=True)
class WinBackResponse(MarketPart):
    """What contacts to the lost do: one lost t ago comes back with the chance success x 2^(-t / half_life)."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("win_back",)}

    success: float = published(
        0.40,
        "probability",
        "a contact right after the loss brings the customer back",
        share,
        (0.1, 0.6),
        source="'Winning back lost customers' (undated), after J. Griffin: 40 in 100 lost customers can be won back",
        status="claimed",
    )
    half_life: Duration = assumed(
        Duration(26, "W"), "time units", "time since the loss in which that chance halves", length, (8.0, 104.0)
    )
    dropout_factor: float = assumed(
        1.5, "factor", "dropout in a second life, as a multiple of the first's", not_negative, (0.7, 3.0)
    )
    second_life: Duration = assumed(
        Duration(1, "Y"),
        "time units",
        "what the firm expects a second life to last when it chooses whom to contact",
        length,
        (0.3, 3.0),
    )

    def rules(self, unit: str) -> dict[str, Any]:
        """Who comes back, and how it leaves again."""
        return {
            "second_life_factor": float(self.dropout_factor),
            "win_back_success": float(self.success),
            "win_back_half_life": self.half_life.to(unit),
        }
