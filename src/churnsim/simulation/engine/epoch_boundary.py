"""What is settled at an epoch boundary: at every one where customers influence each other, else at each period's start.

Word of mouth, switching and referrals since the last boundary take effect, the firm acts on what it sees, and new
customers are scheduled. Each engine provides a `Population`; decisions, payments and their order are the same for both.
Which mechanism does what at a boundary stands in its own module.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnsim.kernels.engine.neighbours import channel_words, due_to_spending
from churnsim.kernels.engine.periods import PLAN
from churnsim.kernels.engine.records import PAID, TOLD, Records
from churnsim.simulation.core.arrivals import PAID_CHANNEL
from churnsim.simulation.engine.bookkeeping import Books
from churnsim.simulation.engine.firm import Firm
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.mechanisms.parts import taking_part
from churnsim.simulation.mechanisms.surroundings import InteractionTotals, Population, Surroundings


class EpochBoundary:
    """The firm and the rest of the world of one replication."""

    def __init__(self, inputs: ReplicationInputs, books: Books, *, active: int) -> None:
        self.inputs, self.books = inputs, books
        self.firm = Firm(inputs, books)
        scenario = inputs.scenario
        parts = (*inputs.market.parts, *scenario.strategy.parts)
        self.around = Surroundings(
            market=inputs.market, parts=parts, books=books, epoch=float(scenario.epoch), span=float(scenario.period),
            periods=scenario.periods, active=active, address=(inputs.replication, inputs.seed),
        )  # fmt: skip
        for part in parts:
            part.surround(self.around)
        # Asked for once, since a boundary comes at each epoch.
        self._hearing, self._meeting, self._attracting, self._bringing, self._stocking = (
            taking_part(parts, step) for step in ("hear", "meet", "attract", "bring", "stock")
        )
        # Whether customers reach each other within a period, and anything happens at its start: the same at all epochs.
        self.every_epoch = scenario.interacts
        self.every_period = self.every_epoch or self.firm.acts or bool(self.around.paid)
        self._totals = InteractionTotals(0, 0, 0)

    def plan(self) -> Records | None:
        """The boundaries in the numbers of compiled code, where it can settle all of them; the same in every
        replication of a market."""
        around = self.around
        said = [part.compiled(around.market) for part in around.parts]
        if len(around.paid) > 1:
            return None
        numbers: dict[str, Any] = {}
        for answer in said:
            if answer is None:
                return None
            numbers |= answer
        if around.paid:
            numbers["channel"], numbers["hazard"] = around.paid[0]
        scenario, left = self.inputs.scenario, around.left
        # Where nothing happens at a later period's start everybody is advanced to the horizon at once.
        rows = scenario.epochs_per_period if self.every_epoch else 1 if self.every_period else scenario.periods
        numbers |= {"rows": rows, "left": left.left, "came": left.came, "lineage": left.channel}
        plan = np.zeros(1, dtype=PLAN)
        for name, value in numbers.items():
            plan[name] = value
        return plan

    def settle(self, epoch: int, population: Population) -> None:
        """Settle interactions and let the firm act at the start of `epoch`; the books of its period must be open."""
        scenario, around = self.inputs.scenario, self.around
        period, first = divmod(epoch, scenario.epochs_per_period)
        around.population, around.now = population, epoch * around.epoch
        # At time 0 nobody has done anything yet.
        if epoch:
            self._hear()
            for part in self._meeting:
                part.meet(around)
        if not first:
            # Stocks are those at the end of a period, before the new one begins.
            if period:
                self._stock(period - 1)
            self.firm.review(period, population)
        end = epoch + (1 if self.every_epoch else scenario.epochs_per_period)
        self._arrive(end * around.epoch, period)

    def last(self, population: Population) -> None:
        """At the horizon: what is still to be written down."""
        self.around.population = population
        self._hear()
        self._stock(self.around.periods - 1)

    def channels(self) -> pd.DataFrame | None:
        """Spending and newcomers by period and channel, where the strategy names some."""
        tables = (part.channel_table(self.around) for part in self.around.parts)
        return next((table for table in tables if table is not None), None)

    def _hear(self) -> None:
        """Take in what customers did to others since the last boundary."""
        if not self._hearing:
            return
        before, now = self._totals, self.around.population.interaction_totals()
        # Totals only grow: their difference takes each deed in once.
        self._totals = now
        self.around.done = InteractionTotals(
            now.against - before.against, now.favour - before.favour, now.switched - before.switched
        )
        for part in self._hearing:
            part.hear(self.around)

    def _stock(self, period: int) -> None:
        """Write down stocks at the end of a period."""
        for part in self._stocking:
            part.stock(self.around, period)

    def _arrive(self, end: float, period: int) -> None:
        """Schedule the arrivals until the next boundary: due to spending, word of mouth, or leaving a competitor."""
        around = self.around
        for part in self._attracting:
            part.attract(around)
        hazards = [hazard * around.factor for _, hazard in around.paid]
        total = sum(hazards) + around.unpaid
        times, uids, places = around.left.during(around.now, end, total)
        if not (times.size or self._bringing):
            return
        arrivals = places.start, times.size, PAID_CHANNEL
        share = sum(hazards) / total if around.unpaid else 1.0
        due = due_to_spending(*arrivals, share, *around.address)
        origins, channels = np.where(due, PAID, TOLD), np.zeros(times.size, dtype=np.int64)
        if hazards:
            # The channel in whose share of all hazards a uniform falls.
            below = np.cumsum(hazards)
            place = np.searchsorted(below, channel_words(*arrivals, *around.address) * below[-1], side="right")
            codes = np.array([code for code, _ in around.paid])
            channels[due] = codes[np.minimum(place, below.size - 1)][due]
            around.came.update((period, code) for code in channels[due].tolist())
        others = [newcomer for part in self._bringing for newcomer in part.bring(around, end)]
        if others:
            own, more = (times, uids, origins, channels), (*zip(*others, strict=True), [0] * len(others))
            times, uids, origins, channels = (np.concatenate(each) for each in zip(own, more, strict=True))
        if times.size:
            around.population.enter(times, uids, origins, channels)
