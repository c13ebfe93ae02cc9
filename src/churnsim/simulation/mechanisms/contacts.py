"""What a strategy says to customers one by one: contacts to keep them, to sell them more, to win them back, to let
them go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import not_negative, positive, share, whole_cents
from churnsim.simulation.core.scores import CustomerScores, Scores

__all__ = ["CrossSelling", "DismissUnprofitable", "RetentionContacts", "TargetRule", "Targeting", "WinBack"]

TargetRule = Literal["all", "top_value", "abc_class", "recent_buyers", "at_risk", "responsive", "score"]


@dataclass(frozen=True, kw_only=True)
class Targeting:
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

    rule: TargetRule = "all"
    share: float | None = None
    within: float | None = None
    abc: Literal["A", "B", "C"] | None = None
    gaps: float | None = None
    scores: Scores | None = None
    unscored: float | None = None

    def __post_init__(self) -> None:
        if self.rule not in get_args(TargetRule):
            raise ConfigError(f"rule must be one of {', '.join(map(repr, get_args(TargetRule)))}; got {self.rule!r}.")
        if self.rule in ("top_value", "responsive", "score"):
            share("retention share", self._needed("share"))
        if self.rule == "recent_buyers":
            positive("retention within", self._needed("within"))
        if self.rule == "at_risk":
            positive("retention gaps", self._needed("gaps"))
        if self.rule == "abc_class" and self.abc not in ("A", "B", "C"):
            raise ConfigError(f"the rule 'abc_class' needs abc. Say abc='A', 'B' or 'C'; got {self.abc!r}.")

        if self.scores is not None:
            object.__setattr__(self, "scores", CustomerScores.of(self.scores))
        if self.rule == "score":
            if self.scores is None:
                raise ConfigError("the rule 'score' needs scores. Say scores=..., a Series by customer id.")
            if self.unscored is not None and not math.isfinite(self.unscored):
                raise ConfigError(f"unscored must be a finite score, or None; got {self.unscored!r}.")
        elif self.scores is not None or self.unscored is not None:
            raise ConfigError(f"only the rule 'score' uses scores and unscored; the rule is {self.rule!r}.")

    def _needed(self, name: str) -> float:
        value: float | None = getattr(self, name)
        if value is None:
            raise ConfigError(f"the rule {self.rule!r} needs {name}. Say {name}=...")
        return value


@dataclass(frozen=True, kw_only=True)
class RetentionContacts(Targeting):
    """Spread `budget_per_period` (money) evenly over the customers whom the rule picks; see `Targeting`. A period in
    which it picks nobody spends nothing. The market's `retention` says what contacts do."""

    budget_per_period: float

    def __post_init__(self) -> None:
        super().__post_init__()
        not_negative("retention budget_per_period", self.budget_per_period)


@dataclass(frozen=True, kw_only=True)
class CrossSelling(Targeting):
    """Offer more to the customers whom the rule picks, spreading `budget_per_period` (money) evenly over them: while
    the period lasts their purchases are larger, as the market's `cross_selling` says."""

    budget_per_period: float

    def __post_init__(self) -> None:
        super().__post_init__()
        not_negative("cross-selling budget_per_period", self.budget_per_period)


@dataclass(frozen=True, kw_only=True)
class WinBack:
    """Contact customers who have been silent for longer than `silent_for` (time units), each at `cost_per_contact`
    (money), at most `most_per_period` of them in a period and `attempts` times each.

    The cost falls due also for those who never left. Chosen: "value", those with the highest expected value of a
    second life (their repeat revenue per time so far, times the chance that a contact brings back someone silent for
    as long, over the market's `win_back.second_life`, less the cost), and nobody where that is negative; "random";
    "all" in the order of their silence, the shortest first.
    """

    silent_for: float
    cost_per_contact: float
    most_per_period: int | None = None
    choose: Literal["value", "random", "all"] = "value"
    attempts: int = 1

    def __post_init__(self) -> None:
        positive("silent_for", self.silent_for)
        whole_cents("cost_per_contact", self.cost_per_contact)
        if self.choose not in ("value", "random", "all"):
            raise ConfigError(f"choose must be 'value', 'random' or 'all'; got {self.choose!r}.")
        if not isinstance(self.attempts, int) or not 1 <= self.attempts <= 10_000:
            raise ConfigError(f"attempts must be a whole number, 1 to 10,000; got {self.attempts!r}.")
        if self.most_per_period is not None and (not isinstance(self.most_per_period, int) or self.most_per_period < 0):
            raise ConfigError(f"most_per_period must be a whole number, 0 or more; got {self.most_per_period!r}.")


@dataclass(frozen=True, kw_only=True)
class DismissUnprofitable:
    """Every `periods` periods, end the relation with each customer that has cost more than it brought since the last
    such review: its margin less what the firm spent on serving, answering and contacting it is negative."""

    periods: int

    def __post_init__(self) -> None:
        if not isinstance(self.periods, int) or self.periods < 1:
            raise ConfigError(f"periods must be a whole number, 1 or more; got {self.periods!r}.")
