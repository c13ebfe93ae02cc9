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


@dataclass(frozen=True)
class World:
    """What a `Mechanism` can reach in a run of the SimPy engine.

    Attributes
    ----------
    customers : dict of int to Customer
        By uid; also those who are lost (`alive` is false) and newcomers on their way. A customer's `rate` (purchases
        per time unit), `dropout` and `spend_rate` may be changed and count from its next event on; `state`,
        `first_purchase`, `last_purchase`, `revenue` and `margin` (cents) are to be read.
    seed, replication : int
        Of the run.
    books : Books
        The open books; `pay` is the way to spend.

    Examples
    --------
    A gift of 0.50 to everybody who buys, and to every second customer a dropout that is a tenth lower for it:

    >>> import churnsim as cs
    >>> class Gifts(cs.simulation.Mechanism):
    ...     def after(self, kind, customer, time, world):
    ...         if kind == "purchase":
    ...             world.pay("retention", 0.50)
    ...             if world.uniform(customer.uid, 0) < 0.5:
    ...                 customer.dropout *= 0.9
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> scenario = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=8.0, period=4.0, epoch=1.0)
    >>> ledger = cs.simulate(scenario, seed=1, mechanisms=[Gifts()])
    >>> bool((ledger.cents("retention") == 50 * ledger.count("purchases")).all())
    True
    """

    customers: dict[int, Customer]
    seed: int
    replication: int
    books: Books = field(repr=False)

    def uniform(self, uid: int, ordinal: int) -> float:
        """A uniform on (0, 1) of this customer's own: the same for the same `ordinal`, whatever else happens.

        Take another ordinal for each decision about a customer; two mechanisms should not share any.
        """
        return float(block(ordinal, RESEARCH, uid, self.replication, self.seed, SIMULATION)[0])

    def pay(self, account: str, money: float) -> None:
        """Spend money (not cents) in a cost account of the period (`Ledger.cents` lists them)."""
        self.books.pay(account, money)


class Mechanism:
    """A mechanism that does nothing; override one method or both. One object serves one run at a time."""

    def after(self, kind: str, customer: Customer, time: float, world: World) -> None:
        """Called when an event of the log (`ledger.KINDS`) is noted, before what follows from it.

        A changed `dropout`, `rate` or `spend_rate` counts from the customer's next event on.
        """

    def at_period(self, period: int, time: float, world: World) -> None:
        """Called at the start of each period, after the firm has acted."""
