"""A researcher's own mechanism: plain Python, called by the SimPy engine as things happen.

Subclass `Mechanism`, override what is needed, and hand it to `simulate(..., engine="simpy", mechanisms=[...])`. A
mechanism may read and change customers' traits and state, spend money in the ledger's accounts, and draw its own random
numbers, addressed by customer and ordinal as all others are, so that common random numbers stay common.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.rng_streams import RESEARCH, SIMULATION
from churnsim.simulation.engine.bookkeeping import Books
from churnsim.simulation.engine.customer import Customer

__all__ = ["Mechanism", "World"]


@dataclass(frozen=True)
class World:
    """What a mechanism can reach: customers by uid (also the lost and those on their way), and the open books."""

    customers: dict[int, Customer]
    seed: int
    replication: int
    books: Books = field(repr=False)

    def uniform(self, uid: int, ordinal: int) -> float:
        """A uniform on (0, 1) of this customer's own: the same for the same `ordinal`, whatever else happens."""
        return float(block(ordinal, RESEARCH, uid, self.replication, self.seed, SIMULATION)[0])

    def pay(self, account: str, money: float) -> None:
        """Spend money (not cents) in a cost account of the period."""
        self.books.pay(account, money)


class Mechanism:
    """A mechanism that does nothing; override one method or both. One object serves one run at a time."""

    def after(self, kind: str, customer: Customer, time: float, world: World) -> None:
        """Called when an event of the log (`ledger.KINDS`) is noted, before what follows from it.

        A changed `dropout`, `rate` or `spend_rate` counts from the customer's next event on.
        """

    def at_period(self, period: int, time: float, world: World) -> None:
        """Called at the start of each period, after the firm has acted."""
