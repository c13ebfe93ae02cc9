"""Satisfaction as a state of the simulated customers: what makes it, and what it does.

Off in a market without one. With every `..._effect` at 0 the state is kept and changes nothing, event for event. The
rules are those of `kernels/engine/satisfaction.py`.

A market with effects is not the fitted model any more: a factor e^(w s) on dropout has mean above 1 even where s is 0
on average, so purchases come out somewhat lower or higher than the fit's own. Compare strategies in it; do not read its
level as the forecast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import (
    PURCHASE,
    UNMEASURED_HERE,
    Multiple,
    documented,
    not_negative,
    numbers_of,
    positive,
    scale,
    share,
)
from churnsim.simulation.mechanisms.parts import MarketPart

__all__ = ["Satisfaction"]

SHARES = ("learning", "carry")
EFFECTS = ("complaint_effect", "word_of_mouth_effect", "referral_effect", "dropout_effect", "spend_effect")


@dataclass(frozen=True, kw_only=True)
class Satisfaction(MarketPart):
    """How satisfaction arises and acts. Quality is in standard deviations of experience, satisfaction runs from -1 to
    1; an effect is the exponent w of a factor e^(w s)."""

    quality_mean: float = documented(
        0.0, unit="standard deviations", meaning="mean quality of what customers experience", status="assumed",
        source="the zero of the scale: expectations start there too",
    )  # fmt: skip
    quality_spread: float = documented(
        1.0, unit="standard deviations", meaning="spread of quality between purchases", status="assumed",
        source="the unit of the scale",
    )  # fmt: skip
    failure_drop: float = documented(
        3.0,
        unit="standard deviations",
        meaning="how far a failed purchase falls below",
        status="assumed",
        source=UNMEASURED_HERE,
    )
    first_expectation: float = documented(
        0.0, unit="standard deviations", meaning="what a customer expects at first", status="assumed",
        source="expectations that are right on average",
    )  # fmt: skip
    learning: float = documented(
        0.3,
        unit="share",
        meaning="how far an expectation moves towards each experience",
        status="assumed",
        source=UNMEASURED_HERE,
    )
    indifference: float = documented(
        0.5, unit="standard deviations", meaning="gaps up to here are not felt (zone of indifference)",
        status="assumed", source=UNMEASURED_HERE,
    )  # fmt: skip
    asymmetry: float = documented(
        2.0, unit="times", meaning="how much more a shortfall is felt than an excess", status="assumed",
        source="about the loss aversion of Tversky & Kahneman (1992, J. Risk and Uncertainty 5, 297-323: 2.25), "
        "carried over to satisfaction",
    )  # fmt: skip
    disconfirmation: float = documented(
        0.4,
        unit="per standard deviation",
        meaning="satisfaction from a felt gap",
        status="assumed",
        source=UNMEASURED_HERE,
    )
    equity: float = documented(
        0.0, unit="per unit of the ratio", meaning="satisfaction from getting more for one's input than others do",
        status="assumed", source="left out; 'Keeping existing customers' (undated) names the model, not its strength",
    )  # fmt: skip
    outcome_per_quality: float = documented(
        0.25, unit="per standard deviation", meaning="what quality adds to the outcome, of which a normal one is 1",
        status="assumed", source=UNMEASURED_HERE,
    )  # fmt: skip
    reference_ratio: float = documented(
        1.0, unit="outcome per input", meaning="what the reference group gets for what it gives", status="assumed",
        source="others get a normal outcome at the list price",
    )  # fmt: skip
    carry: float = documented(
        0.7, unit="share", meaning="satisfaction that stays from before when a new experience comes", status="assumed",
        source=UNMEASURED_HERE,
    )  # fmt: skip
    distributive: float = documented(
        0.3, unit="of satisfaction", meaning="what a full amends adds", status="assumed", source=UNMEASURED_HERE
    )
    procedural: float = documented(
        0.3,
        unit="of satisfaction",
        meaning="what a quick answer adds, and none takes",
        status="assumed",
        source=UNMEASURED_HERE,
    )
    interactional: float = documented(
        0.2, unit="of satisfaction", meaning="what an answer on the spot by empowered staff adds", status="assumed",
        source=UNMEASURED_HERE,
    )  # fmt: skip
    fair_compensation: float = documented(
        Multiple(0.7, PURCHASE),
        unit="money",
        meaning="compensation felt as full amends",
        status="assumed",
        source=UNMEASURED_HERE,
    )
    complaint_effect: float = documented(
        0.0, unit="exponent", meaning="on the probability to complain (below 0: the dissatisfied complain more)",
        status="assumed", source="off",
    )  # fmt: skip
    word_of_mouth_effect: float = documented(
        0.0, unit="exponent", meaning="on how many people are told well of the firm, and its opposite on how many ill",
        status="assumed", source="off",
    )  # fmt: skip
    referral_effect: float = documented(
        0.0, unit="exponent", meaning="on the rate of referrals", status="assumed", source="off"
    )
    dropout_effect: float = documented(
        0.0, unit="exponent", meaning="on organic dropout (below 0: the satisfied stay)", status="assumed", source="off"
    )
    spend_effect: float = documented(
        0.0, unit="exponent", meaning="on the amount of a purchase", status="assumed", source="off"
    )

    def __post_init__(self) -> None:
        for name, value, _ in numbers_of(self, ""):
            if name == "fair_compensation":
                scale(f"satisfaction {name}", value)
            elif not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigError(f"satisfaction {name} must be a finite number; got {value!r}.")
            elif name in SHARES:
                share(f"satisfaction {name}", value)
            elif name in EFFECTS and abs(value) > 5:
                raise ConfigError(f"satisfaction {name} is an exponent of at most 5 either way; got {value!r}.")
            elif name == "quality_spread":
                positive(f"satisfaction {name}", value)
            elif name not in ("quality_mean", "first_expectation", *EFFECTS):
                not_negative(f"satisfaction {name}", value)

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
