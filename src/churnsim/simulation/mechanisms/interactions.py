"""What customers do to others, and competitors to all: referral, word of mouth, switching. Each off unless given."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.economics.response import SaturatingResponse
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import documented, not_negative, positive, share
from churnsim.units import Duration

__all__ = ["Competitors", "Referral", "WordOfMouth"]

VARY = "no source measures it; vary it"


@dataclass(frozen=True, kw_only=True)
class Referral:
    """Satisfied customers bring others: those whose last purchase went well, or whose complaint was resolved.

    A referral reaches a random one of the people in `Prospects`; who has come already does not come again. The new
    customer arrives at the next epoch boundary.
    """

    rate_per_year: float = documented(
        0.25,
        unit="referrals per satisfied customer and year",
        meaning="new customers that a satisfied one brings while most people are prospects still",
        status="assumed",
        source=(
            "'Winning back lost customers' (undated), after an AMA handbook: 100 satisfied customers bring 25 new "
            "ones; in what time it does not say"
        ),
    )

    max_lift: float = documented(
        0.5,
        unit="share of referrals",
        meaning="most that a reward adds to them",
        status="assumed",
        source=VARY,
    )
    reward_scale: float = documented(
        10.0,
        unit="money per new customer",
        meaning="reward at which 63% of it is reached",
        status="assumed",
        source=VARY,
    )

    def __post_init__(self) -> None:
        not_negative("rate_per_year", self.rate_per_year)
        share("max_lift", self.max_lift)
        positive("reward_scale", self.reward_scale)

    def lift(self, reward: float) -> float:
        """Share by which referrals rise with a reward (money)."""
        if self.max_lift == 0:
            return 0.0
        return SaturatingResponse(ceiling=self.max_lift, k=1 / self.reward_scale).share(reward)


@dataclass(frozen=True, kw_only=True)
class WordOfMouth:
    """What prospects hear: every telling reaches a random person, wears off, and shifts the response of prospects.

    With S the tellings in favour less those against that are remembered per person, the hazard at which prospects
    answer spending is multiplied by e^(weight S). Active customers also bring people in by example: at the hazard
    imitation x (share of people who are active customers), as in Bass (1969, Management Science 15(5), 215-227).
    """

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
        source=VARY,
    )
    half_life: Duration = documented(
        Duration(1, "Y"),
        unit="time units",
        meaning="time in which half of what was told is forgotten",
        status="assumed",
        source=VARY,
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


@dataclass(frozen=True, kw_only=True)
class Competitors:
    """Lost customers switch to a competitor or stop buying anywhere; a stream of the competitors' switches in.

    Of the `customers` that competitors have, each looks for another firm at `loss_per_year` and comes here with the
    chance `comes_here`. Those who switch from here add to them.
    """

    customers: float = documented(
        20_000.0, unit="people", meaning="whom competitors serve at first", status="assumed", source=VARY
    )
    switch_share: float = documented(
        0.5,
        unit="share of losses",
        meaning="lost customers who go to a competitor; the others stop buying",
        status="assumed",
        source=VARY,
    )
    loss_per_year: float = documented(
        0.20,
        unit="per customer and year",
        meaning="hazard at which competitors' customers leave them",
        status="assumed",
        source=VARY,
    )
    comes_here: float = documented(
        0.10,
        unit="share of those who leave a competitor",
        meaning="who come to this firm",
        status="assumed",
        source=VARY,
    )

    def __post_init__(self) -> None:
        not_negative("customers", self.customers)
        share("switch_share", self.switch_share)
        not_negative("loss_per_year", self.loss_per_year)
        share("comes_here", self.comes_here)
