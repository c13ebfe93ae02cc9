"""Targeting: whom a campaign reaches, by what the firm can see. One table of settings, read by every check of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from churnsim.errors import ConfigError
from churnsim.simulation.core.scores import CustomerScores, Scores
from churnsim.simulation.mechanisms.parts import (
    Budgeted,
    File,
    Length,
    Setting,
    Share,
    StrategyPart,
    document,
    settings_of,
)

__all__ = ["RULE_SETTINGS", "Campaign", "TargetRule", "Targeting", "needed_settings"]

TargetRule = Literal["all", "top_value", "abc_class", "recent_buyers", "at_risk", "responsive", "score"]


@dataclass(frozen=True, kw_only=True)
class Targeting(StrategyPart):
    """Whom a campaign reaches, by what the firm can see: under contract who has left, elsewhere not, so that the lost
    are contacted as well.

    "all": every customer it knows. "top_value": the `share` with the most repeat revenue so far. "abc_class": class
    `abc`, where A are those with the most repeat revenue who together bring 80% of it, B those of the next 15%, C the
    rest. "recent_buyers": who bought `within` so many time units. "at_risk": repeat buyers who have been silent for
    more than `gaps` times their own mean gap between purchases, but not for more than three times that.
    "responsive": the `share` on whom contacts work best, as a trial would have shown. "score": the `share` with the
    highest of the `scores`, by customer id, such as `ChurnModel.probability` or `UpliftModel.uplift` return; customers
    without one, as all who come later, have the score `unscored` and come last if that is None.

    The scores are those of the simulation's start: nobody is scored anew at a later review.
    """

    rule: Annotated[TargetRule, Setting("who is contacted", unset=True)] = "all"
    share: Annotated[
        float | None,
        Share(
            "the top share contacted: rules 'top_value', 'responsive' and 'score'",
            rules=("top_value", "responsive", "score"),
            example=0.2,
        ),
    ] = None
    within: Annotated[
        float | None, Length("bought within this time: rule 'recent_buyers'", rules=("recent_buyers",), example="26 W")
    ] = None
    abc: Annotated[
        Literal["A", "B", "C"] | None, Setting("the class: rule 'abc_class'", rules=("abc_class",), example="A")
    ] = None
    gaps: Annotated[
        float | None,
        Setting("silent for so many own mean gaps: rule 'at_risk'", rules=("at_risk",), example=2.0, limits={"gt": 0}),
    ] = None
    scores: Annotated[
        Scores | None,
        File(
            "a CSV or Parquet file with the columns customer_id and score, relative to this configuration, or "
            "'churn_model', the probability to leave by the churn model of a study of subscribers: rule 'score'",
            rules=("score",),
            example="scores.csv",
        ),
    ] = None
    unscored: Annotated[
        float | None,
        Setting("the score of customers without one, who come last if it is absent: rule 'score'", rules=("score",)),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in needed_settings(self.rule):
            if getattr(self, name) is None:
                raise ConfigError(f"the rule {self.rule!r} needs {name}. Say {name}={SAY.get(name, '...')}")
        if self.rule not in RULE_SETTINGS["scores"] and (self.scores is not None or self.unscored is not None):
            raise ConfigError(f"only the rule 'score' uses scores and unscored; the rule is {self.rule!r}.")
        if self.scores is not None:
            object.__setattr__(self, "scores", CustomerScores.of(self.scores))


@dataclass(frozen=True, kw_only=True)
class Campaign(Budgeted, Targeting):
    """Money spread evenly over the customers whom a rule picks."""

    acts: ClassVar[bool] = True

    @property
    def charges(self) -> bool:
        """The budget is spread over customers."""
        return self.budget_per_period > 0


RULE_SETTINGS = {name: about.rules for name, (_, about) in settings_of(Targeting).items() if about.rules}
"""The rules that use each number."""

OPTIONAL = ("unscored",)
SAY = {"abc": "'A', 'B' or 'C'.", "scores": "..., a Series by customer id."}


def needed_settings(rule: str) -> list[str]:
    """What a rule cannot do without."""
    return [name for name, rules in RULE_SETTINGS.items() if rule in rules and name not in OPTIONAL]


document(Targeting)
