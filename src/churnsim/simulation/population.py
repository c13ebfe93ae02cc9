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

Floats = NDArray[np.float64]

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
        return _drawn(purchases, spend, (h.x, h.t_x, h.T, self._spend, self._uids), seed=seed, replication=replication)


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
        nothing = np.zeros(self.size)
        uids = np.array([mix(COHORT_LINEAGE, i) for i in range(self.size)], dtype=np.int64)
        histories = (np.zeros(self.size, np.int64), nothing, nothing, nothing, uids)
        return _drawn(purchases, spend, histories, seed=seed, replication=replication)


def _drawn(
    purchases: BGNBD,
    spend: GammaGamma,
    histories: tuple[NDArray[np.int64], Floats, Floats, Floats, NDArray[np.int64]],
    *,
    seed: int,
    replication: int,
) -> Base:
    """Draw everybody given `histories`: x, t_x, T, mean repeat spend and uid."""
    x, t_x, T, mean_spend, uids = histories
    parameters = (purchases.r, purchases.alpha, purchases.a, purchases.b, spend.p, spend.q, spend.gamma)
    r, alpha, a, b, p, q, gamma = map(float, parameters)
    traits, alive = draw_base(
        r, alpha, a, b, p, q, gamma, x, t_x, T, mean_spend, uids, replication, seed, SIMULATION, TRAITS
    )
    return Base(uids=uids, traits=traits, alive=alive, last_purchase=t_x - T, repeat_revenue=mean_spend * x)
