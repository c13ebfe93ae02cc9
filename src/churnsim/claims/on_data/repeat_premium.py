"""`repeat-premium`: a repeat customer brings more profit than a first-time one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.firm_data import load, new_customers
from churnsim.claims.machinery.firms import asks_of_all
from churnsim.claims.machinery.made_up import made_up_log
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.verdicts import Answer, Spread, combine
from churnsim.data import datasets
from churnsim.data.customers import profit_by_order_number, repeat_premium

RANGES = {"20-35%": (20.0, 35.0), "20-85%": (20.0, 85.0)}
MOST = 10
"""The last order number told apart."""
OTHER = "online-retail"
"""The second firm whose log has amounts."""
UNITS = {"order": "per order", "period": "per week of the relation"}
ESTIMANDS = {
    "order": "Mean amount of a repeat order over that of a first order, less one, percent.",
    "period": (
        "What customers with two or more orders bring per week, from their next orders, over what those with "
        "one bring, less one, percent."
    ),
}


def _part(log: pd.DataFrame, letter: str, per: str, quick: bool) -> Part:
    found = Spread.percent(repeat_premium(log, per=per, replications=200 if quick else 1000))  # type: ignore[arg-type]
    verdicts = {name: found.within(*stated) for name, stated in RANGES.items()}
    # The wider range contains the narrower: the claim as a whole fails only where the wider one does.
    return Part(
        name=f"({letter}) {UNITS[per]}",
        estimand=ESTIMANDS[per],
        answer=verdicts["20-85%"],
        **found.figures("percent more"),
        reason=(
            f"{found.mean:+.1f}% [{found.lower:+.1f}, {found.upper:+.1f}] {UNITS[per]}; "
            + ", ".join(f"stated {name}: {verdict.value}" for name, verdict in verdicts.items())
            + "."
        ),
    )


def judge(evidence: Evidence = None, quick: bool = False, *, log: pd.DataFrame | None = None) -> Finding:
    """Per order and per week; the control shuffles the amounts and compares per order alone."""
    own, label = log_of(evidence)
    parts = [_part(own if log is None else log, "a", "order", quick)]
    if log is None:
        parts.append(_part(own, "b", "period", quick))
        if asks_of_all(evidence) and datasets.describe(OTHER).at_hand:
            other = _part(new_customers(load(OTHER)), "c", "order", quick)
            parts.append(
                replace(other, name=f"{other.name}, {OTHER}", reason=f"On newcomers to {OTHER}: {other.reason}")
            )
    by_number = profit_by_order_number(own if log is None else log, most=MOST)
    last = by_number[by_number["customers"] > 0].iloc[-1]
    number = int(last["order_number"])
    ordinal = "the tenth and later ones" if number == MOST else f"order number {number}"
    return Finding(
        answer=combine(parts),
        reason=(
            f"On {label}: "
            + " ".join(part.reason for part in parts)
            + f" The mean order goes from {by_number['profit_per_order'].iloc[0]:.2f} for the first to "
            f"{last['profit_per_order']:.2f} for {ordinal}. Neither "
            "range says per what: an order, or a week of the relation, in which whoever buys twice buys often."
        ),
        **parts[0].figures_in("percent more per order"),
        region="; ".join(part.name[4:] for part in parts if part.answer is Answer.HOLDS) or None,
        parts=tuple(parts),
        tables={"by_order_number": records(by_number)},
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """The amounts permuted among all orders: first and later orders are then alike."""
    log, _ = log_of(evidence)
    amounts = np.random.default_rng(1).permutation(log["amount"].to_numpy())
    return judge(evidence, quick, log=log.assign(amount=amounts))


def planted(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Orders after the first that are half as large again."""
    return judge(evidence, quick, log=made_up_log(200, 6, every=30.0, amount=lambda o: 15.0 if o else 10.0, seed=seed))
