"""Winning back the lost: whom the firm contacts, and who comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.event_rules import chances_back
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.rng_streams import SIMULATION, WIN_BACK
from churnsim.kernels.numerics.top_k import highest_of
from churnsim.simulation.core.assumption import (
    account_units,
    assumed,
    cents,
    length,
    not_negative,
    positive,
    published,
    share,
)
from churnsim.simulation.mechanisms.parts import (
    Length,
    MarketPart,
    Money,
    Setting,
    StrategyPart,
    lift_rules,
    pulled_forward,
)
from churnsim.simulation.mechanisms.review import Review
from churnsim.typing import Flags
from churnsim.units import Duration


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
    regains: ClassVar[bool] = True
    turn: ClassVar[int] = 2
    keeps: ClassVar[bool] = True

    def review(self, review: Review) -> None:
        """Contact the silent."""
        seen, now = review.seen, review.now
        silent = seen.known & (now - seen.last_purchase > self.silent_for) & (seen.attempts < self.attempts)
        scores = self._scores(review, silent)
        # Nobody whose second life is worth less than the contact.
        if self.choose == "value":
            silent &= scores > 0
        number = int(np.count_nonzero(silent))
        if self.most_per_period is not None and self.most_per_period < number:
            number = self.most_per_period
            silent = highest_of(scores.astype(np.float64), seen.uid, silent, number)
        if number:
            review.books.count("win_back", cents(self.cost_per_contact) * number)
            review.books.count("win_back_contacts", number)
            review.customers.win_back(
                np.flatnonzero(silent), review.firm.effect, account_units(self.cost_per_contact), review.period, now
            )

    def rules(self, market: Any) -> dict[str, Any]:
        """How coming back moves purchases."""
        answer = market.win_back
        return lift_rules(market, "return", answer.purchase_lift - 1.0, answer.lift_half_life, answer.pulled_forward)

    def _scores(self, review: Review, silent: Flags) -> NDArray[np.float64]:
        """What silent customers are chosen by: a second life's value less the cost, chance, or least silence."""
        seen, now, market = review.seen, review.now, review.market
        if self.choose == "all":
            return np.asarray(seen.last_purchase, dtype=np.float64)
        scores = np.zeros(seen.uid.size)
        places = np.flatnonzero(silent)
        if self.choose == "random":
            # A uniform of the attempt that may follow, so that the choice is another one at each attempt.
            pairs = zip(seen.uid[places].tolist(), seen.attempts[places].tolist(), strict=True)
            address = *review.address, SIMULATION
            scores[places] = [block(attempts + 1, WIN_BACK, uid, *address)[1] for uid, attempts in pairs]
            return scores
        known_for = now - seen.first_purchase[places]
        revenue_rate = seen.repeat_revenue[places] / 100 / np.maximum(known_for, Duration(1, "D").to(market.unit))
        chance = chances_back(review.rules, now - seen.last_purchase[places])
        worth = revenue_rate * market.terms.margin * market.win_back.second_life.to(market.unit)
        scores[places] = chance * worth - self.cost_per_contact
        return scores

    @property
    def charges(self) -> bool:
        """Each contact is paid for."""
        return self.cost_per_contact > 0


@dataclass(frozen=True, kw_only=True)
class WinBackResponse(MarketPart):
    """What contacts to the lost do: one lost t ago comes back with the chance success x 2^(-t / half_life). Right after
    it came back it buys purchase_lift times as often, which decays and is partly given back as after contacts."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("win_back",)}
    lifting: ClassVar[Mapping[str, tuple[str, ...]]] = {"purchase_lift": ("lift_half_life", "pulled_forward")}

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
    purchase_lift: float = assumed(
        1.0,
        "factor",
        "what the rate of buying is multiplied by right after a customer came back",
        positive,
        source="1 leaves buying alone: no source measures how much sooner those who come back buy again",
    )
    lift_half_life: Duration = assumed(
        Duration(8, "W"), "time units", "time since coming back in which that halves", length, (1.0, 52.0)
    )
    pulled_forward: float = pulled_forward("coming back")

    def rules(self, unit: str) -> dict[str, Any]:
        """Who comes back, and how it leaves again."""
        return {
            "second_life_factor": float(self.dropout_factor),
            "win_back_success": float(self.success),
            "win_back_half_life": self.half_life.to(unit),
        }
