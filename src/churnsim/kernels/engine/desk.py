"""The complaint desk of the compiled engine: complaints of one epoch, served first come first served."""

from __future__ import annotations

from churnsim.kernels.engine.event_rules import reply_kind
from churnsim.kernels.engine.event_times import next_boundary, service_time
from churnsim.kernels.engine.records import Records
from churnsim.kernels.numerics.jit import rule
from churnsim.typing import Floats


@rule
def serve_complaints(
    rules: Records, complaints: Records, number: int, free: Floats, customers: Records, wake: Floats, replication: int,
    seed: int,
) -> None:  # fmt: skip
    """Settle when each of the first `number` complaints is answered and how.

    They come in the order of (time, uid); `free` holds when each clerk is done with what came before and is kept up to
    date. A reply is told at its finish, but not before the first epoch boundary after the complaint; its kind is that
    of the finish.
    """
    rule = rules[0]
    for j in range(number):
        line = complaints[j]
        c = customers[line.customer]
        # The clerk who is free first; of several the first, so that both engines take the same one.
        clerk = 0
        for i in range(1, free.size):
            if free[i] < free[clerk]:
                clerk = i
        finish = max(line.time, free[clerk]) + service_time(rule.mean_service_time, c.k, c.uid, replication, seed)
        free[clerk] = finish
        # Judged when the work is done: being told at the boundary is the model's doing, not the clerk's.
        c.reply = reply_kind(rules, finish - line.time)
        c.due = max(finish, next_boundary(line.time, rule.epoch))
        wake[line.customer] = c.due
