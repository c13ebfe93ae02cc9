"""Satisfaction as a state of the simulated customers: what makes it, and what it does.

Off in a market without one. With every `..._effect` at 0 the state is kept and changes nothing, event for event. The
rules are those of `kernels/engine/satisfaction.py`.

A market with effects is not the fitted model any more: a factor e^(w s) on dropout has mean above 1 even where s is 0
on average, so purchases come out somewhat lower or higher than the fit's own. Compare strategies in it; do not read its
level as the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from churnsim.checks import check_number
from churnsim.simulation.core.assumption import (
    PURCHASE,
    Multiple,
    assumed,
    exponent,
    not_negative,
    numbers_of,
    positive,
    scale,
    share,
)
from churnsim.simulation.mechanisms.parts import MarketPart

SD, PER_SD = "standard deviations", "per standard deviation"


def _effect(meaning: str) -> Any:
    """A field that says how satisfaction acts on something: the exponent of a factor, off by default."""
    return assumed(0.0, "exponent", meaning, exponent, source="off")


@dataclass(frozen=True, kw_only=True)
class Satisfaction(MarketPart):
    """How satisfaction arises and acts. Quality is in standard deviations of experience, satisfaction runs from -1 to
    1; an effect is the exponent w of a factor e^(w s)."""

    quality_mean: float = assumed(
        0.0,
        SD,
        "mean quality of what customers experience",
        check_number,
        source="the zero of the scale: expectations start there too",
    )
    quality_spread: float = assumed(
        1.0, SD, "spread of quality between purchases", positive, source="the unit of the scale"
    )
    failure_drop: float = assumed(3.0, SD, "how far a failed purchase falls below", not_negative, (1.0, 6.0))
    first_expectation: float = assumed(
        0.0, SD, "what a customer expects at first", check_number, source="expectations that are right on average"
    )
    learning: float = assumed(0.3, "share", "how far an expectation moves towards each experience", share, (0.1, 0.6))
    indifference: float = assumed(
        0.5, SD, "gaps up to here are not felt (zone of indifference)", not_negative, (0.1, 1.2)
    )
    asymmetry: float = assumed(
        2.0,
        "times",
        "how much more a shortfall is felt than an excess",
        not_negative,
        (1.0, 3.5),
        source="about the loss aversion of decisions (Brown, Imai, Vieider & Camerer 2024, J. Economic Literature: "
        "1.955 over 607 estimates), carried over to satisfaction",
    )
    disconfirmation: float = assumed(0.4, PER_SD, "satisfaction from a felt gap", not_negative, (0.1, 1.0))
    equity: float = assumed(
        0.0,
        "per unit of the ratio",
        "satisfaction from getting more for one's input than others do",
        not_negative,
        source="left out; 'Keeping existing customers' (undated) names the model, not its strength",
    )
    outcome_per_quality: float = assumed(
        0.25, PER_SD, "what quality adds to the outcome, of which a normal one is 1", not_negative, (0.05, 0.7)
    )
    reference_ratio: float = assumed(
        1.0,
        "outcome per input",
        "what the reference group gets for what it gives",
        not_negative,
        source="others get a normal outcome at the list price",
    )
    carry: float = assumed(
        0.7, "share", "satisfaction that stays from before when a new experience comes", share, (0.3, 0.92)
    )
    distributive: float = assumed(0.3, "of satisfaction", "what a full amends adds", not_negative, (0.05, 0.8))
    procedural: float = assumed(
        0.3, "of satisfaction", "what a quick answer adds, and none takes", not_negative, (0.05, 0.8)
    )
    interactional: float = assumed(
        0.2, "of satisfaction", "what an answer on the spot by empowered staff adds", not_negative, (0.03, 0.6)
    )
    fair_compensation: float = assumed(
        Multiple(0.7, PURCHASE), "money", "compensation felt as full amends", scale, (0.2, 2.0)
    )
    complaint_effect: float = _effect("on the probability to complain (below 0: the dissatisfied complain more)")
    word_of_mouth_effect: float = _effect(
        "on how many people are told well of the firm, and its opposite on how many ill"
    )
    referral_effect: float = _effect("on the rate of referrals")
    dropout_effect: float = _effect("on organic dropout (below 0: the satisfied stay)")
    spend_effect: float = _effect("on the amount of a purchase")

    @property
    def recovery_excess(self) -> float:
        """How far a failure and a quick answer to the complaint leave a customer above where it was: one who was
        neither satisfied nor not, and expected what usually comes. Above 0 is the service-recovery paradox, which
        `procedural` switches on: by default it is below.

        Examples
        --------
        >>> round(Satisfaction().recovery_excess, 3), round(Satisfaction(procedural=0.8).recovery_excess, 3)
        (-0.3, 0.2)
        """
        shortfall = max(self.failure_drop - self.quality_mean + self.first_expectation - self.indifference, 0.0)
        took = (1.0 - self.carry) * self.disconfirmation * self.asymmetry * shortfall
        return self.procedural - min(took, 1.0)

    @property
    def _fair_cents(self) -> int:
        """At least one; 0 in a market that has nothing to measure it by, where compensation is refused."""
        fair = self.fair_compensation
        return 0 if isinstance(fair, Multiple) else max(1, round(100 * fair))

    def rules(self, unit: str) -> dict[str, Any]:
        """Its numbers, and that the state is kept."""
        names = [name for name, _, _ in numbers_of(self, "") if name != "fair_compensation"]
        numbers = {name: float(getattr(self, name)) for name in names}
        return {"satisfaction": True, "fair_cents": self._fair_cents, **numbers}
