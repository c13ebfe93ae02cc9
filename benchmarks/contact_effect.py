"""What ten mailings did to a million customers: time and peak memory of `contact_effect`, in a process of its own.

Customers first buy within twenty weeks, then as BG/NBD says, their rate up by half in the two weeks after a mail; half
are drawn anew at each of ten campaigns, six weeks apart. The process makes both frames (10 million rows of contacts
with words, costs and chances; the purchases of 84 weeks with amounts) and measures, with the model, on two threads.
Bars: 120 CPU seconds, which are 60 seconds of two cores, and 2 GB at the peak, frames and libraries included. Exits 1
below them. Fewer: `python benchmarks/contact_effect.py 100000`.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

from churnsim.evidence import contact_effect

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
CAMPAIGNS, WEEKS, LIFT, LASTS = 10, 84, 0.5, 2.0
MAILED = 24.0 + 6.0 * np.arange(CAMPAIGNS)
CPU_BAR, MEMORY_BAR = 120.0, 2.0
MONDAY = np.datetime64("2022-01-03")


def dates(weeks):
    return (MONDAY + np.floor(weeks * 7 + 1e-9).astype(np.int32)).astype("datetime64[ns]")


def frames(size):
    """The contacts, by campaign, and the purchases."""
    random = np.random.default_rng(7)
    begun = np.floor(random.uniform(0, 140, size)) / 7
    rate, dropout = random.gamma(0.8, 1 / 6.0, size), random.beta(0.8, 3.0, size)
    mailed = random.random((CAMPAIGNS, size)) < 0.5
    who, now = np.arange(size, dtype=np.int32), begun.copy()
    customers, times = [who], [begun]
    # A purchase after another by thinning: at the highest rate, kept with the chance that it is at its time.
    while who.size:
        now = now + random.exponential(1.0 / (rate[who] * (1 + LIFT)))
        inside = now <= WEEKS
        who, now = who[inside], now[inside]
        last = np.searchsorted(MAILED, now, side="right") - 1
        lifted = (last >= 0) & (now - MAILED[last] < LASTS) & mailed[np.maximum(last, 0), who]
        bought = random.random(who.size) * (1 + LIFT) < 1 + LIFT * lifted
        customers.append(who[bought])
        times.append(now[bought])
        stays = ~bought | (random.random(who.size) >= dropout[who])
        who, now = who[stays], now[stays]
    whose = np.concatenate(customers)
    log = pd.DataFrame({"customer_id": whose, "date": dates(np.concatenate(times)), "amount": 20.0})
    contacts = pd.DataFrame(
        {
            "customer_id": np.tile(np.arange(size), CAMPAIGNS),
            "at": np.repeat(dates(MAILED), size),
            "campaign": np.repeat(np.array([f"mailing {k}" for k in range(1, CAMPAIGNS + 1)], dtype=object), size),
            "arm": np.array(["control", "mail"], dtype=object)[mailed.ravel().view(np.int8)],
            "cost": np.where(mailed.ravel(), 0.5, 0.0),
            "chance": 0.5,
        }
    )
    return contacts, log


def peak():
    """GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> int:
    contacts, log = frames(SIZE)
    until = pd.Timestamp(MONDAY) + pd.Timedelta(days=7 * WEEKS - 1)
    held = (contacts.memory_usage().sum() + log.memory_usage().sum()) / 1e9
    print(f"{len(contacts):,} contacts, {len(log):,} purchases: {held:.2f} GB, {peak():.2f} at the peak of making them")
    began, cpu = time.perf_counter(), time.process_time()
    found = contact_effect(contacts, log, window=4.0, until=until)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(found.clocks)
    print(f"{wall:.0f} s, {cpu:.0f} CPU s (bar {CPU_BAR:.0f}), {peak():.2f} GB at the peak (bar {MEMORY_BAR:g})")
    return int(cpu > CPU_BAR or peak() > MEMORY_BAR)


if __name__ == "__main__":
    sys.exit(main())
