"""The firm when a period starts: its mechanisms act in turn, and what falls due is paid."""

from __future__ import annotations

from churnsim.simulation.engine.bookkeeping import Books
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.mechanisms.parts import taking_part
from churnsim.simulation.mechanisms.review import Customers, FirmState, Review


class Firm(FirmState):
    """The firm of one replication."""

    def __init__(self, inputs: ReplicationInputs, books: Books) -> None:
        super().__init__()
        self.inputs, self.books = inputs, books
        parts = (*inputs.market.parts, *inputs.scenario.strategy.parts)
        # Sorted by turn alone, so that parts of one turn stay in the order of the fields.
        parts = tuple(sorted(parts, key=lambda part: part.turn))
        self._paying, self._reviewing = taking_part(parts, "standing_costs"), taking_part(parts, "review")

    @property
    def acts(self) -> bool:
        """Whether it does anything to customers at a period's start."""
        return self.inputs.scenario.firm_acts

    def standing_costs(self) -> None:
        """What falls due in each period whatever happens, into the open books."""
        for part in self._paying:
            part.standing_costs(self.books)

    def review(self, period: int, customers: Customers) -> None:
        """Let each mechanism act on the customers in its turn."""
        p = self.inputs
        review = Review(
            market=p.market, fitted=p.fitted, firm=self, books=self.books, customers=customers, period=period,
            now=p.bound(period), span=float(p.scenario.period), numbers=p.numbers, rules=p.rules,
            address=(p.replication, p.seed),
        )  # fmt: skip
        for part in self._reviewing:
            part.review(review)
