"""Replications of a scenario in one call of compiled code, where it can settle their boundaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from churnsim.kernels.engine.arguments import Buffers, Means
from churnsim.kernels.engine.event_loop import advance
from churnsim.kernels.engine.firm_view import FirmView, clock_columns, empty_view
from churnsim.kernels.engine.ledger_accounts import COLUMNS, MEMBERS
from churnsim.kernels.engine.ledger_updates import COMPLAINT_LINE
from churnsim.kernels.engine.periods import SHARED_UID, Worlds
from churnsim.kernels.engine.records import CUSTOMER, Records
from churnsim.simulation.customers.base import Base
from churnsim.simulation.engine.bookkeeping import INDEX, Books, checked_totals, close_stocks
from churnsim.simulation.engine.epoch_boundary import EpochBoundary
from churnsim.simulation.engine.event_buffers import BUFFER_LINES, WorkerBuffers
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.engine.record_population import (
    EVERYBODY,
    GROWTH,
    NO_PLAN,
    ROOM,
    base_columns,
    census_table,
    shared_uid,
)
from churnsim.simulation.engine.replication_inputs import DrawnMarket, ReplicationInputs, row_bounds
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.typing import Flags, Floats


def groups_of(worlds: Sequence[DrawnMarket]) -> Iterator[list[DrawnMarket]]:
    """Consecutive replications on one market and, but for what is drawn of them, with the same customers."""
    group: list[DrawnMarket] = []
    for world in worlds:
        if group and not (world.market is group[0].market and _same(world.base, group[0].base)):
            yield group
            group = []
        group.append(world)
    if group:
        yield group


def _same(base: Base, other: Base) -> bool:
    names = ("uids", "first_purchase", "last_purchase", "repeat_revenue", "seen")
    pairs = ((getattr(base, name), getattr(other, name)) for name in names)
    return all(one is two or np.array_equal(one, two) for one, two in pairs)


class Memory:
    """Room for the customers of one replication after the other: to find new memory takes as long as to enter them."""

    def __init__(self, customers: int) -> None:
        capacity = int(GROWTH * customers) + ROOM
        self.records, self.wake = np.empty(capacity, dtype=CUSTOMER), np.empty(capacity)
        self.seats = census_table(capacity)
        box = WorkerBuffers(0, log=False)
        self.buffers = Buffers(box.log, box.complaints, box.referrals, box.fill)
        lines = box.complaints.view(np.int64).reshape(-1, COMPLAINT_LINE.itemsize // 8)
        uids, origins, channels = (np.empty(BUFFER_LINES, dtype=np.int64) for _ in range(3))
        self.plan = NO_PLAN._replace(
            places=np.empty(max(capacity, BUFFER_LINES), dtype=np.int64), times=np.empty(BUFFER_LINES), uids=uids,
            origins=origins, channels=channels, lines=lines, moments=lines.view(np.float64),
        )  # fmt: skip
        self._view: FirmView | None = None

    def view(self, *, filed: bool, layers: int) -> FirmView:
        """A FirmView; the last one where it is of that kind."""
        view = self._view
        if view is None or bool(view.uid.size) != filed or view.clocks.shape[1] != clock_columns(layers):
            view = self._view = empty_view(self.wake.size, filed=filed, layers=layers)
        return view


class ReplicationBlock:
    """Replications of one of `groups_of`, which strategies run one after the other in the same `memory`: one that is
    there already if they have room in it."""

    def __init__(self, worlds: Sequence[DrawnMarket], memory: Memory | None, seed: int) -> None:
        self.worlds, self.seed = worlds, seed
        self.memory = memory if memory and len(worlds[0].base.uids) <= memory.wake.size else None
        self.numbers = np.array([world.replication for world in worlds], dtype=np.int64)

    @cached_property
    def _drawn(self) -> tuple[Floats, Floats, Flags]:
        """Traits, uniforms of membership and who is alive, of each replication."""
        drawn = zip(*((b.traits, b.members, b.alive) for b in (world.base for world in self.worlds)), strict=True)
        traits, members, alive = (np.stack(columns) for columns in drawn)
        return traits, members, alive

    def ledgers(self, scenario: Scenario) -> list[Ledger | None]:
        """Their ledgers: None where boundaries are to be settled in Python, as where more happens than there is room
        for."""
        inputs = ReplicationInputs.in_world(scenario, self.worlds[0], seed=self.seed)
        books = Books(periods=1, active=0, log=False)
        boundary = EpochBoundary(inputs, books, active=int(np.count_nonzero(self.worlds[0].base.alive)))
        numbers = boundary.plan()
        found: list[Ledger | None] = [None] * len(self.worlds)
        if numbers is None:
            return found
        worlds = self._run(inputs, numbers, row_bounds(scenario))
        done = np.flatnonzero(worlds.ends[:, 1] >= 0)
        rows = worlds.tables.shape[1] // scenario.periods
        table = worlds.tables[done, :, :MEMBERS].reshape(done.size, scenario.periods, rows, MEMBERS).sum(axis=2)
        # Standing costs are the same in every period: entered once, into a book of one row.
        boundary.firm.standing_costs()
        table += books.table[0]
        began, active, waiting, worth = worlds.ends[done].T
        table[:, -1, INDEX["residual"]] += worth
        close_stocks(table, active=began, counted=active + waiting)
        checked_totals(table, waiting=waiting)
        for place, closed, number in zip(done.tolist(), table, waiting.tolist(), strict=True):
            found[place] = Ledger(
                table=closed, period=scenario.period, discount_force=inputs.force, open_complaints=number
            )
        return found

    def _run(self, inputs: ReplicationInputs, numbers: Records, bounds: Floats) -> Worlds:
        """Run the replications, each of which begins with a plan in `numbers`; with -1 in `ends` where one is not
        finished."""
        # Found here: strategies whose boundaries are settled in Python need none.
        memory = self.memory = self.memory or Memory(len(self.worlds[0].base.uids))
        scenario, worlds = inputs.scenario, self._worlds(inputs, bounds.size - 1, memory)
        plan = memory.plan._replace(
            numbers=np.repeat(numbers, 2), clerks=np.zeros(sum(part.clerks for part in scenario.strategy.parts)),
            population=inputs.newcomers.arguments if numbers["hazard"][0] > 0 else NO_PLAN.population,
            churn=inputs.churn, worlds=worlds,
        )  # fmt: skip
        view = memory.view(filed=scenario.firm_acts, layers=len(inputs.tables.lifts))
        state = plan.numbers[0]
        state["world"], state["row"] = 0, -1
        while True:
            left = advance(
                inputs.tables, Means(0.0, 1.0, 0.0), plan, memory.records, memory.wake, view, EVERYBODY, 0, 0, 0.0,
                bounds, worlds.tables[0], memory.buffers, 0, self.seed,
            )  # fmt: skip
            if left == 0:
                return worlds
            if left == SHARED_UID:
                raise shared_uid(memory.records["uid"][: state["customers"]])
            worlds.ends[state["world"], 1] = -1
            state["world"] += 1
            state["row"] = -1

    def _worlds(self, inputs: ReplicationInputs, rows: int, memory: Memory) -> Worlds:
        """The replications as compiled code takes them, with the strategy's change in dropout made."""
        columns = base_columns(inputs)
        number, (traits, members, alive) = len(self.worlds), self._drawn
        return Worlds(
            self.numbers, inputs.churned(traits), members, alive, columns.uids, columns.first_purchase,
            columns.last_purchase, columns.repeat_cents, columns.seen,
            np.zeros((number, rows, COLUMNS), dtype=np.int64), np.zeros((number, 4), dtype=np.int64),
            # Without discounting what customers are worth for ever has no end.
            memory.seats, max(inputs.force, 0.0),
        )  # fmt: skip
