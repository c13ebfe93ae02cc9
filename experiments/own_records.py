"""What do a firm's own records measure, and how far is that from the truth?

A made-up shop (`churnsim.datasets.shop`) knows its truth and keeps records of contacts, spending, complaints, referrals
and win-backs; goes with ``configs/evidence.toml``, which measures its market by them. Which numbers the records tell,
and how far they are from the truth:

    made = cs.datasets.shop()
    print(beside_the_truth(measured(made, SHOP_MODEL), made.truth).round(2))

Durations in weeks, 4 to a period.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

import churnsim as cs
from churnsim.evidence import (
    Belief,
    complaint_evidence,
    contact_effect,
    referral_evidence,
    spend_evidence,
    win_back_evidence,
)
from churnsim.units import Duration

__all__ = ["beside_the_truth", "measured"]

END = "2024-12-29"
PERIOD, PROSPECTS = Duration(4, "W"), 20_000
SHOP_MODEL = cs.BGNBD(r=0.86, alpha=4.5, a=2.1, b=8.8, unit="W")  # fitted to the shop of the default seed


def measured(made: cs.datasets.Shop, model: cs.BGNBD, *, everything: bool = False) -> dict[str, Belief]:
    """What referrals, complaints and win-backs say of the market; with `everything` contacts and spending too, which
    take seconds."""
    log, summary = made.purchases, cs.summarise(made.purchases, unit="W", until=END)
    alive = model.p_alive(summary)
    found = referral_evidence(made.referrals, log, alive=alive, until=END).beliefs()
    complaints = complaint_evidence(made.complaints, log, until=END)
    found |= complaints.beliefs(others_stay=complaints.others_stay(model))
    chance = {"none": 0.5, "call": 0.5}
    found |= win_back_evidence(made.win_backs, log, control="none", chance=chance, until=END).beliefs(unit="W")
    if everything:
        found |= contact_effect(made.contacts, log, window=4.0, until=END, level=0.9).beliefs()
        found |= spend_evidence(made.spend).beliefs(prospects=PROSPECTS, period=PERIOD, channel="search")
    return found


def beside_the_truth(found: Mapping[str, Belief], truth: Mapping[str, float]) -> pd.DataFrame:
    """Each number as measured, with its 90% interval, beside what it is, and whether the interval holds that."""
    table = pd.DataFrame.from_dict({n: (b.value, b.low, b.high, truth[n]) for n, b in found.items()}, orient="index")
    table.columns = ["value", "low", "high", "truth"]
    return table.assign(held=table["truth"].between(table["low"], table["high"]))
