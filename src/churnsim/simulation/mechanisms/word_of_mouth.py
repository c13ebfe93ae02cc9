"""Word of mouth: what prospects hear of the firm, and what that does to their response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.kernels.engine.neighbours import word_of_mouth_balance, word_of_mouth_factor
from churnsim.simulation.core.assumption import assumed, count, length, not_negative, published
from churnsim.simulation.mechanisms.parts import MarketPart, growth_shortfall
from churnsim.simulation.mechanisms.surroundings import Surroundings
from churnsim.units import Duration, units_per_year


@dataclass(frozen=True, kw_only=True)
class WordOfMouth(MarketPart):
    """What prospects hear: every telling reaches a random person, wears off, and shifts the response of prospects.

    With S the tellings in favour less those against that are remembered per person, the hazard at which prospects
    answer spending is multiplied by e^(weight S). Active customers also bring people in by example: at the hazard
    imitation x (share of people who are active customers), as in Bass (1969, Management Science 15(5), 215-227).
    """

    interacts: ClassVar[bool] = True

    dissatisfied_tell: int = published(
        11,
        "people",
        "whom a customer tells whose failed purchase was not made good",
        count,
        (4.0, 25.0),
        source="'Winning back lost customers' (undated); the figure goes back to the TARP studies",
        status="claimed",
    )
    restored_tell: int = published(
        5,
        "people",
        "whom a customer tells whose complaint was resolved",
        count,
        (2.0, 10.0),
        source="TARP, Consumer Complaint Handling in America (1986): a median of 5 hear of a good answer; from memory",
    )
    weight: float = assumed(
        0.5,
        "log hazard per telling and person",
        "what one remembered telling per person does to the response of prospects",
        not_negative,
        (0.1, 2.0),
    )
    half_life: Duration = assumed(
        Duration(1, "Y"), "time units", "time in which half of what was told is forgotten", length, (0.25, 4.0)
    )
    imitation: float = published(
        0.38,
        "per year",
        "Bass's coefficient of imitation q",
        not_negative,
        (0.1, 1.0),
        source="Sultan, Farley & Lehmann (1990, J. Marketing Research 27, 70-77), mean of 213 studies; from memory, "
        "as is the interval",
        status="meta-analysis",
    )

    def epoch_effect(self, unit: str, epoch: float) -> tuple[float, str]:
        """Of those who follow the example of active customers, counted once an epoch."""
        short = growth_shortfall(self.imitation * epoch / units_per_year(unit))
        return short, f"by example (imitation) customers come at a rate of growth that is {short:.1%} too low at first"

    def hear(self, around: Surroundings) -> None:
        """Remember what was told, and forget some of it."""
        net = around.done.favour - around.done.against
        half_life = self.half_life.to(around.market.unit)
        around.balance = word_of_mouth_balance(around.balance, net, max(around.people, 1), around.epoch, half_life)

    def attract(self, around: Surroundings) -> None:
        """By what is said, and by example."""
        around.factor = word_of_mouth_factor(self.weight, around.balance)
        active, year = around.population.active(), units_per_year(around.market.unit)
        around.unpaid = self.imitation / year * active / max(around.people, 1)

    def rules(self, unit: str) -> dict[str, Any]:
        """How many people customers tell."""
        return {"tells_against": int(self.dissatisfied_tell), "tells_for": int(self.restored_tell)}
