"""The customers as they are at the end of a run, one row each: what a survey of them could ask about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnsim.kernels.engine.records import ACTIVE, AWAITING, LOST, UNBORN, UNITS_PER_CENT

COLUMNS = (
    "origin", "channel", "state", "cause", "destination", "first_purchase", "last_purchase", "lost_at", "k",
    "referrals", "revenue", "margin", "unhappy", "expected", "satisfied", "rate", "dropout",
)  # fmt: skip

REAL = ("first_purchase", "last_purchase", "lost_at", "margin", "expected", "satisfied", "rate", "dropout")


def customer_states(customers: Any) -> pd.DataFrame:
    """From records or objects: columns of `COLUMNS` and `alive`, indexed and sorted by uid; the unborn are left out.

    `k` counts purchases in the simulation without a new customer's first; `revenue` and `margin` are cents, the margin
    less what the firm spent on this customer, with fractions. `rate` and `dropout` are the traits, which no firm sees.
    """
    if isinstance(customers, np.ndarray):
        # A lost customer's record keeps the time of the loss where a living one's has its next event.
        place = {**dict(zip(COLUMNS, COLUMNS, strict=True)), "uid": "uid", "lost_at": "due", "margin": "account"}
        held: dict[str, Any] = {name: customers[place[name]] for name in ("uid", *COLUMNS)}
        held["margin"] = held["margin"] / UNITS_PER_CENT
    else:
        held = {name: [getattr(c, name) for c in customers] for name in ("uid", *COLUMNS)}
    columns = {name: np.asarray(held[name], dtype="float64" if name in REAL else "int64") for name in held}
    born = np.flatnonzero(columns["state"] != UNBORN)
    rows = born[np.argsort(columns["uid"][born])]
    columns = {name: column[rows] for name, column in columns.items()}
    index, state = columns.pop("uid"), columns.pop("state")
    columns["lost_at"][state != LOST] = np.inf
    columns["alive"] = (state == ACTIVE) | (state == AWAITING)
    return pd.DataFrame(columns, index=pd.Index(index, name="uid"))
