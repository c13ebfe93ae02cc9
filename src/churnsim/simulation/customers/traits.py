"""A starting base from the user's own traits: what a survival model, a survey or a thought experiment says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_frame, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.engine.newcomers import trait_uniforms
from churnsim.kernels.engine.records import CONTRACT, GAMMA_GAMMA
from churnsim.simulation.core.lifetimes import Purchases, Spend, lifetime_of, spending_of
from churnsim.simulation.customers.base import Base
from churnsim.typing import Floats

# Column, default (None: required where it is used), what it must be.
COLUMNS = {
    "rate": "purchases per time unit, 0 or more",
    "dropout": "a probability, a hazard per time unit, or a multiplier of hazards, 0 or more",
    "mean_spend": "money per purchase, above 0",
    "alive": "true or false",
    "tenure": "repeat purchases or renewals so far, a whole number of 0 or more",
    "first_purchase": "a time, 0 or before",
    "last_purchase": "a time, 0 or before",
    "repeat_revenue": "money, 0 or more",
    "contact_rank": "a share, 0 to 1",
}


class TraitsBase:
    """Customers whose traits are given: one row each, indexed by customer id.

    Columns: `rate` (purchases per time unit; not for contracts), `dropout` (what the purchase model's lifetime makes
    of it: a probability for BG/NBD, MBG/NBD and contracts, a hazard for Pareto/NBD, a multiplier where a contract has
    hazards by tenure, then 1 if absent), `mean_spend` (money, with Gamma-Gamma amounts); and if known `alive` (true),
    `tenure` (0: renewals or repeat purchases so far), `last_purchase` and `first_purchase` (0: of a contract the last
    renewal, which sets the next one), `repeat_revenue` (0), `contact_rank` (drawn in each replication if absent: the
    share of customers who take contacts worse, of which the market's `retention` makes the effect). Times are in the
    model's unit, 0 being the simulation's start. Raises DataError for a value that cannot be, naming the row, and for
    a column that is missing or unknown.

    Examples
    --------
    >>> base = TraitsBase(pd.DataFrame({"rate": [0.1, 0.5], "dropout": [0.05, 0.2]}, index=["a", "b"]))
    >>> len(base), list(base.ids)
    (2, ['a', 'b'])
    """

    @typed
    def __init__(self, traits: pd.DataFrame) -> None:
        check_frame(traits, "traits")
        unknown = [str(name) for name in traits.columns if name not in COLUMNS]
        if unknown:
            raise DataError(f"unknown trait columns {unknown}. There are {', '.join(COLUMNS)}.")
        self._traits = {str(name): _checked(traits, str(name)) for name in traits.columns}
        self._uids, self._ids = customer_uids(traits.index), traits.index

    @property
    def ids(self) -> pd.Index:
        """The customers' own ids."""
        return self._ids

    @property
    def longest_silence(self) -> float:
        """Time since the last purchase of the customer of whom it is the longest."""
        return float(-self._traits.get("last_purchase", np.zeros(1)).min(initial=0.0))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} customers>"

    def __len__(self) -> int:
        return len(self._uids)

    def draw(self, *, purchases: Purchases, spend: Spend, seed: int, replication: int) -> Base:
        """The base; only what the frame does not hold (membership, contact ranks) is drawn. Raises ConfigError where
        the models need a column that the frame lacks."""
        kind, _, hazards = lifetime_of(purchases)
        spending, (shape, _, _), _ = spending_of(spend)
        n = len(self)
        traits = np.ones((n, 4))
        if kind != CONTRACT:
            traits[:, 0] = self._needed("rate", purchases)
        if hazards.size:
            traits[:, 1] = self._traits.get("dropout", np.ones(n))
        else:
            traits[:, 1] = self._needed("dropout", purchases)
        if spending == GAMMA_GAMMA:
            traits[:, 2] = shape / self._needed("mean_spend", spend)
        uniforms = trait_uniforms(self._uids, replication, seed)
        traits[:, 3] = self._traits.get("contact_rank", uniforms[:, 0])
        nothing = np.zeros(n)
        last = self._traits.get("last_purchase", nothing)
        return Base(
            uids=self._uids,
            traits=traits,
            members=uniforms[:, 1].copy(),
            alive=self._traits.get("alive", np.ones(n)).astype(np.bool_),
            first_purchase=self._traits.get("first_purchase", last),
            last_purchase=last,
            repeat_revenue=self._traits.get("repeat_revenue", nothing),
            seen=self._traits.get("tenure", nothing).astype(np.int64),
        )

    def _needed(self, column: str, model: Any) -> Floats:
        if column not in self._traits:
            raise ConfigError(f"{type(model).__name__} needs the column {column!r}: {COLUMNS[column]}.")
        return self._traits[column]


def _checked(frame: pd.DataFrame, name: str) -> Floats:
    """A column as floats. Raises DataError, naming the first row at fault."""
    column = frame[name]
    try:
        values = column.to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"the column {name!r} must hold numbers: {COLUMNS[name]}.") from None
    wrong = ~np.isfinite(values)
    if name in ("first_purchase", "last_purchase"):
        wrong |= values > 0
    else:
        wrong |= values < 0
    if name == "contact_rank":
        wrong |= values > 1
    if name == "mean_spend":
        wrong |= values == 0
    if name in ("alive", "tenure"):
        wrong |= values != np.floor(values)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{name} of customer {str(frame.index[row])[:80]!r} is {values[row]:g}: it must be {COLUMNS[name]}."
        )
    return values
