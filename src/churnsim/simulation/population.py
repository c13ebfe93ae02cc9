"""Who the customers are when a simulation begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.identity import customer_uids
from churnsim.errors import ConfigError
from churnsim.kernels.philox import mix
from churnsim.kernels.population import draw_base
from churnsim.kernels.streams import SIMULATION, TRAITS
from churnsim.models.bg_nbd import BGNBD
from churnsim.models.gamma_gamma import GammaGamma, repeat_spend
from churnsim.models.histories import Histories

__all__ = ["Base", "Cohort", "PosteriorBase"]

# Lineage of customers that a cohort makes: a fixed odd number, so that they share no uid with paid arrivals.
COHORT_LINEAGE = 0x636F686F7274


@dataclass(frozen=True)
class Base:
    """A drawn starting base, arrays of length n. Row i of `traits` holds purchase rate, dropout probability, spend
    rate nu and the uniform that decides how the customer takes contacts. `last_purchase` is in time units, 0 or
    before; `repeat_revenue` in money: what the firm knows."""

    uids: NDArray[np.int64]
    traits: NDArray[np.float64]
    alive: NDArray[np.bool_]
    last_purchase: NDArray[np.float64]
    repeat_revenue: NDArray[np.float64]


class PosteriorBase:
    """The firm's actual customers, each drawn from the posterior given its own history; some of them are already gone.

    `summary` has `frequency, recency, T, monetary_value`, durations in the purchase model's unit; time 0 of the
    simulation is the end of the observation. Raises DataError for a summary that is not one.
    """

    def __init__(self, summary: pd.DataFrame) -> None:
        self._histories = Histories.of(summary)
        self.unit: str | None = summary.attrs.get("unit")
        _, self._spend = repeat_spend(summary)
        self._uids = customer_uids(summary.index)

    def __len__(self) -> int:
        return len(self._uids)

    def draw(self, *, purchases: BGNBD, spend: GammaGamma, seed: int, replication: int) -> Base:
        """Draw the base of one replication. The same customer gets the same draw whoever else is in the base."""
        h = self._histories
        traits, alive = draw_base(
            float(purchases.r),
            float(purchases.alpha),
            float(purchases.a),
            float(purchases.b),
            float(spend.p),
            float(spend.q),
            float(spend.gamma),
            h.x,
            h.t_x,
            h.T,
            self._spend,
            self._uids,
            replication,
            seed,
            SIMULATION,
            TRAITS,
        )
        return Base(
            uids=self._uids, traits=traits, alive=alive, last_purchase=h.t_x - h.T, repeat_revenue=self._spend * h.x
        )


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """`size` new customers who make their first purchase at time 0, drawn from the population."""

    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ConfigError(f"a cohort's size must be 0 or more; got {self.size!r}.")

    def __len__(self) -> int:
        return self.size

    def draw(self, *, purchases: BGNBD, spend: GammaGamma, seed: int, replication: int) -> Base:
        """Draw the cohort of one replication."""
        n = self.size
        uids = np.array([mix(COHORT_LINEAGE, i) for i in range(n)], dtype=np.int64)
        nothing = np.zeros(n)
        traits, alive = draw_base(
            float(purchases.r),
            float(purchases.alpha),
            float(purchases.a),
            float(purchases.b),
            float(spend.p),
            float(spend.q),
            float(spend.gamma),
            np.zeros(n, np.int64),
            nothing,
            nothing,
            nothing,
            uids,
            replication,
            seed,
            SIMULATION,
            TRAITS,
        )
        return Base(uids=uids, traits=traits, alive=alive, last_purchase=nothing, repeat_revenue=nothing)
