"""Who the customers are when a simulation begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.identity import customer_uids
from churnsim.errors import ConfigError
from churnsim.kernels.newcomers import draw_cohort, lineage, trait_uniforms
from churnsim.kernels.population import draw_base, draw_spend_rates
from churnsim.kernels.rules import CLOCK, CONTRACT, DROPOUT_AT_ONCE, GAMMA_GAMMA
from churnsim.kernels.streams import SIMULATION, TRAITS
from churnsim.models.gamma_gamma import repeat_spend
from churnsim.models.histories import Histories
from churnsim.simulation.lifetimes import Purchases, Spend, lifetime_of, spending_of
from churnsim.simulation.newcomers import Newcomers

__all__ = ["Base", "Cohort", "PosteriorBase", "StartingBase"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Lineage of customers that a cohort makes: a fixed odd number, so that they share no uid with paid arrivals.
COHORT_LINEAGE = 0x636F686F7274


@dataclass(frozen=True)
class Base:
    """A drawn starting base, arrays of length n. Row i of `traits` holds purchase rate, dropout, spend rate nu and the
    uniform that decides how the customer takes contacts; `members` the one that decides whether it joins a club.

    What the firm knows: `first_purchase` and `last_purchase`, in time units, 0 or before; `repeat_revenue`, in money;
    `seen`, the repeat purchases or renewals so far.
    """

    uids: Ints
    traits: Floats
    members: Floats
    alive: NDArray[np.bool_]
    first_purchase: Floats
    last_purchase: Floats
    repeat_revenue: Floats
    seen: Ints


class StartingBase(Protocol):
    """Anything that can say who the customers are when a replication begins."""

    def __len__(self) -> int: ...

    def draw(self, *, purchases: Any, spend: Any, seed: int, replication: int) -> Base:
        """Draw the base of one replication. The same customer gets the same draw whoever else is in the base."""


class PosteriorBase:
    """The firm's actual customers, each drawn from the posterior given its own history; some of them are already gone.

    `summary` has `frequency, recency, T, monetary_value`, durations in the purchase model's unit; time 0 of the
    simulation is the end of the observation. Raises DataError for a summary that is not one.
    """

    def __init__(self, summary: pd.DataFrame) -> None:
        self._histories = Histories.of(summary)
        self._summary = summary[["frequency", "recency", "T"]]
        self.unit: str | None = summary.attrs.get("unit")
        _, self._spend = repeat_spend(summary)
        self._uids = customer_uids(summary.index)
        # Strategies are compared on the same customers, so that the same draw is asked for several times in a row.
        self._last: tuple[Any, Base] | None = None

    @property
    def ids(self) -> pd.Index:
        """The customers' own ids."""
        return self._summary.index

    def __len__(self) -> int:
        return len(self._uids)

    def draw(self, *, purchases: Purchases, spend: Spend, seed: int, replication: int) -> Base:
        """Draw the base of one replication. The same customer gets the same draw whoever else is in the base."""
        asked, last = (purchases, spend, seed, replication), self._last
        if last is None or last[0] != asked:
            last = asked, self._drawn(purchases, spend, seed, replication)
            self._last = last
        return last[1]

    def _drawn(self, purchases: Purchases, spend: Spend, seed: int, replication: int) -> Base:
        kind, parameters, _ = lifetime_of(purchases)
        spending, spends, _ = spending_of(spend)
        if kind == CONTRACT:
            raise ConfigError("a contract's customers have no purchase histories. Start from a TraitsBase or a Cohort.")
        h, uids = self._histories, self._uids
        p, q, gamma = map(float, spends)
        if kind == CLOCK or hasattr(purchases, "k"):
            traits, alive = self._generic(purchases, seed, replication)
            if spending == GAMMA_GAMMA:
                traits[:, 2] = draw_spend_rates(
                    p, q, gamma, h.x, self._spend, uids, replication, seed, SIMULATION, TRAITS
                )
        else:
            r, alpha, a, b = parameters
            first = kind == DROPOUT_AT_ONCE
            traits, alive = draw_base(
                r, alpha, a, b + first, p, q, gamma, h.x, h.t_x, h.T, self._spend, first, uids, replication, seed,
                SIMULATION, TRAITS,
            )  # fmt: skip
        return Base(
            uids=uids,
            traits=traits,
            members=trait_uniforms(uids, replication, seed)[:, 1].copy(),
            alive=alive,
            first_purchase=-h.T,
            last_purchase=h.t_x - h.T,
            repeat_revenue=self._spend * h.x,
            seen=h.x,
        )

    def _generic(self, purchases: Any, seed: int, replication: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Any model's own posterior draws."""
        frame = purchases.draw_posterior(self._summary, seed=seed, replication=replication)
        traits = np.ones((len(frame), 4))
        traits[:, :2] = frame.iloc[:, :2].to_numpy(dtype=np.float64)
        traits[:, 3] = trait_uniforms(self._uids, replication, seed)[:, 0]
        return traits, frame["alive"].to_numpy(dtype=np.bool_)


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """`size` new customers who make their first purchase at time 0, drawn from the population."""

    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ConfigError(f"a cohort's size must be 0 or more; got {self.size!r}.")

    def __len__(self) -> int:
        return self.size

    def draw(self, *, purchases: Purchases, spend: Spend, seed: int, replication: int) -> Base:
        """Draw the cohort of one replication."""
        n = self.size
        uids = np.empty(n, np.int64)
        lineage(COHORT_LINEAGE, uids)
        traits, members, alive = np.empty((n, 4)), np.empty(n), np.empty(n, np.bool_)
        new = Newcomers.of(purchases, spend)
        draw_cohort(*new.arguments, uids, replication, seed, traits, members, alive)
        nothing = np.zeros(n)
        return Base(
            uids=uids, traits=traits, members=members, alive=alive, first_purchase=nothing, last_purchase=nothing,
            repeat_revenue=nothing, seen=np.zeros(n, np.int64),
        )  # fmt: skip
