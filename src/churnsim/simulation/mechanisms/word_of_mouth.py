"""Word of mouth: what prospects hear of the firm, and what that does to their response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import (
    UNMEASURED,
    documented,
    not_negative,
)
from churnsim.simulation.mechanisms.parts import MarketPart, growth_shortfall
from churnsim.units import Duration, units_per_year

__all__ = ["WordOfMouth"]


@dataclass(frozen=True, kw_only=True)
class WordOfMouth(MarketPart):
    """What prospects hear: every telling reaches a random person, wears off, and shifts the response of prospects.

    With S the tellings in favour less those against that are remembered per person, the hazard at which prospects
    answer spending is multiplied by e^(weight S). Active customers also bring people in by example: at the hazard
    imitation x (share of people who are active customers), as in Bass (1969, Management Science 15(5), 215-227).
    """

    interacts: ClassVar[bool] = True

    dissatisfied_tell: int = documented(
        11,
        unit="people",
        meaning="whom a customer tells whose failed purchase was not made good",
        status="published",
        source="'Winning back lost customers' (undated); the figure goes back to the TARP studies",
    )
    restored_tell: int = documented(
        5,
        unit="people",
        meaning="whom a customer tells whose complaint was resolved",
        status="published",
        source="TARP, Consumer Complaint Handling in America (1986): a median of 5 hear of a good answer; from memory",
    )
    weight: float = documented(
        0.5,
        unit="log hazard per telling and person",
        meaning="what one remembered telling per person does to the response of prospects",
        status="assumed",
        source=UNMEASURED,
    )
    half_life: Duration = documented(
        Duration(1, "Y"),
        unit="time units",
        meaning="time in which half of what was told is forgotten",
        status="assumed",
        source=UNMEASURED,
    )
    imitation: float = documented(
        0.38,
        unit="per year",
        meaning="Bass's coefficient of imitation q",
        status="published",
        source="Sultan, Farley & Lehmann (1990, J. Marketing Research 27, 70-77), mean of 213 studies; from memory",
    )

    def __post_init__(self) -> None:
        for name in ("dissatisfied_tell", "restored_tell"):
            value = getattr(self, name)
            if value != int(value) or value < 0:
                raise ConfigError(f"{name} must be a whole number of people, 0 or more; got {value!r}.")
        not_negative("weight", self.weight)
        not_negative("imitation", self.imitation)
        if not isinstance(self.half_life, Duration) or self.half_life.value <= 0:
            raise ConfigError(f"half_life must be a duration above 0, such as Duration(1, 'Y'); got {self.half_life}.")

    def epoch_effect(self, unit: str, epoch: float) -> tuple[float, str]:
        """Of those who follow the example of active customers, counted once an epoch."""
        short = growth_shortfall(self.imitation * epoch / units_per_year(unit))
        return short, f"by example (imitation) customers come at a rate of growth that is {short:.1%} too low at first"

    def rules(self, unit: str) -> dict[str, Any]:
        """How many people customers tell."""
        return {"tells_against": int(self.dissatisfied_tell), "tells_for": int(self.restored_tell)}
