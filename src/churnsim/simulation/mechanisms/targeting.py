"""Targeting: whom a campaign reaches, by what the firm can see. One table of settings, read by every check of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ConfigError
from churnsim.kernels.numerics.top_k import highest_of
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
from churnsim.simulation.mechanisms.review import Review, Visible
from churnsim.typing import Flags, Floats

# Percent of repeat revenue up to which class A and class B reach.
CLASS_A, CLASS_B = 80, 95
# A customer silent for this many times the silence that puts it at risk is given up.
GIVEN_UP = 3.0

TargetRule = Literal["all", "top_value", "abc_class", "recent_buyers", "at_risk", "p_alive", "responsive", "score"]


@dataclass(frozen=True, kw_only=True)
class Targeting(StrategyPart):
    """Whom a campaign reaches, by what the firm can see: under contract who has left, elsewhere not, so that the lost
    are contacted as well.

    "all": every customer it knows. "top_value": the `share` with the most repeat revenue so far. "abc_class": class
    `abc`, where A are those with the most repeat revenue who together bring 80% of it, B those of the next 15%, C the
    rest. "recent_buyers": who bought `within` so many time units. "at_risk": repeat buyers who have been silent for
    more than `gaps` times their own mean gap between purchases, but not for more than three times that. "p_alive": who
    is still active with a probability between `p_alive_above` and `p_alive_below`, judged anew at each review by the
    fitted purchase model (not the draw of its parameters that a replication uses), as if nobody had been contacted.
    "responsive": the `share` on whom contacts work best, as a trial would have shown. "score": the `share` with the
    highest of the `scores`, by customer id, such as `ChurnModel.probability` or `UpliftModel.uplift` return; customers
    without one, as all who come later, have the score `unscored` and come last if that is None.

    The `scores` are those of the simulation's start: nobody is scored anew at a later review.

    Examples
    --------
    >>> Targeting(rule="at_risk")
    Traceback (most recent call last):
    churnsim.errors.ConfigError: the rule 'at_risk' needs gaps. Say gaps=...
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
    p_alive_above: Annotated[
        float | None,
        Setting(
            "least chance to be active: rule 'p_alive'", rules=("p_alive",), example=0.1, limits={"ge": 0, "lt": 1}
        ),
    ] = None
    p_alive_below: Annotated[
        float | None,
        Setting("most chance to be active: rule 'p_alive'", rules=("p_alive",), example=0.8, limits={"gt": 0, "le": 1}),
    ] = None
    scores: Annotated[
        Scores | None,
        File(
            "a CSV, Parquet or Excel file with the columns customer_id and score, relative to this configuration, or "
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
        if self.rule == "p_alive" and self._band[0] >= self._band[1]:
            raise ConfigError(
                f"p_alive_above is {self._band[0]:g} and p_alive_below {self._band[1]:g}: nobody is between. As levers "
                "they need ranges that do not overlap, or a constraint."
            )
        if self.scores is not None:
            object.__setattr__(self, "scores", CustomerScores.of(self.scores))

    @property
    def _band(self) -> tuple[float, float]:
        assert self.p_alive_above is not None  # the rule needs them
        assert self.p_alive_below is not None
        return self.p_alive_above, self.p_alive_below

    def check(self, market: Any, others: Collection[StrategyPart], period: float) -> None:
        """As of every part; whoever has a contract is seen to leave."""
        super().check(market, others, period)
        if self.rule == "p_alive" and market.purchases.family == "contract":
            raise ConfigError(
                "has the rule 'p_alive', but who leaves a contract is seen to leave: the chance to be active is 0 or "
                "1. Use another rule."
            )

    def picks(self, seen: Visible, now: float, p_alive: Callable[[], Floats] | None = None) -> Flags:
        """Whom the rule picks at time `now`; of equal values and scores those of the lowest uids. `p_alive` gives each
        customer's chance to be active, which the rule of that name needs."""
        if self.rule == "p_alive":
            assert p_alive is not None
            chance, (low, high) = p_alive(), self._band
            return seen.there & (chance >= low) & (chance <= high)
        if self.rule == "recent_buyers":
            assert self.within is not None  # the rule needs it
            return seen.there & (seen.last_purchase >= now - self.within)
        if self.rule == "at_risk":
            assert self.gaps is not None  # likewise
            # Its own rhythm: what is late for a weekly buyer is early for a yearly one.
            own_gap = (seen.last_purchase - seen.first_purchase) / np.maximum(seen.purchases, 1)
            silence = now - seen.last_purchase
            late = (silence > self.gaps * own_gap) & (silence <= GIVEN_UP * self.gaps * own_gap)
            return seen.there & (seen.purchases > 0) & late
        if self.rule == "abc_class":
            return _abc(seen, str(self.abc))
        if self.rule == "all":
            return seen.there.copy()
        assert self.share is not None  # likewise
        ranked: NDArray[Any] = seen.response if self.rule == "responsive" else seen.repeat_revenue
        if self.rule == "score":
            assert isinstance(self.scores, CustomerScores)
            ranked = self.scores.at(seen.uid, otherwise=-np.inf if self.unscored is None else self.unscored)
        ranked = ranked.astype(np.float64)  # cents too, exactly: one kernel is compiled
        return np.asarray(highest_of(ranked, seen.uid, seen.there, round(self.share * seen.number)))


def _abc(seen: Visible, wanted: str) -> Flags:
    """Class A are those with the most repeat revenue who together bring 80% of it, B those of the next 15%, C the rest:
    a customer belongs where the revenue of those before it ends."""
    places = np.flatnonzero(seen.there)
    ranked = places[np.lexsort((seen.uid[places], -seen.repeat_revenue[places]))]
    revenue = seen.repeat_revenue[ranked]
    # Where the revenue of those before it ends: the first customer is in A whatever its share.
    before = np.cumsum(revenue) - revenue
    total = int(revenue.sum())
    # Whole numbers, without a rounding at the edge of a class.
    at = np.where(before * 100 < CLASS_A * total, "A", np.where(before * 100 < CLASS_B * total, "B", "C"))
    chosen = np.zeros(seen.uid.size, dtype=np.bool_)
    chosen[ranked[at == wanted]] = True
    return chosen


@dataclass(frozen=True, kw_only=True)
class Campaign(Budgeted, Targeting):
    """Money spread evenly over the customers whom a rule picks."""

    acts: ClassVar[bool] = True
    turn: ClassVar[int] = 2

    @property
    def charges(self) -> bool:
        """The budget is spread over customers."""
        return self.budget_per_period > 0

    def reached(self, review: Review) -> tuple[Flags, float]:
        """Whom it reaches, and what it spends on each; nobody where it has no money."""
        chosen = self.picks(review.seen, review.now, review.p_alive)
        number = int(np.count_nonzero(chosen))
        # Nobody is contacted without money, so that the books count no contacts.
        if number == 0 or self.budget_per_period == 0:
            return np.zeros(chosen.size, dtype=np.bool_), 0.0
        return chosen, self.budget_per_period / number


RULE_SETTINGS = {name: about.rules for name, (_, about) in settings_of(Targeting).items() if about.rules}
"""The rules that use each number."""

OPTIONAL = ("unscored",)
SAY = {"abc": "'A', 'B' or 'C'.", "scores": "..., a Series by customer id."}


def needed_settings(rule: str) -> list[str]:
    """What a rule cannot do without."""
    return [name for name, rules in RULE_SETTINGS.items() if rule in rules and name not in OPTIONAL]


document(Targeting)
