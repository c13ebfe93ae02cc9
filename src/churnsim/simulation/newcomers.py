"""The population from which new customers are drawn, with its quantile functions tabulated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.rules import CLOCK, CONTRACT, GAMMA_GAMMA
from churnsim.kernels.tables import beta_table, gamma_table, no_table
from churnsim.simulation.lifetimes import Purchases, Spend, lifetime_of, spending_of

__all__ = ["Newcomers", "gamma_table_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Newcomers:
    """What `kernels.newcomers.draw_new` needs to know of a population."""

    lifetime: int
    spending: int
    parameters: Floats
    rates: Floats
    dropouts: Floats
    spends: Floats

    @classmethod
    def of(cls, purchases: Purchases, spend: Spend) -> Self:
        """The population of a purchase and a spend model."""
        lifetime, (r, alpha, a, b), _ = lifetime_of(purchases)
        spending, (_, q, gamma), _ = spending_of(spend)
        dropouts = no_table()
        if a > 0:
            dropouts = gamma_table_of(float(a)) if lifetime == CLOCK else _beta_table_of(float(a), float(b))
        return cls(
            lifetime=lifetime,
            spending=spending,
            parameters=np.array([r, alpha, a, b, q, gamma]),
            rates=no_table() if lifetime == CONTRACT else gamma_table_of(float(r)),
            dropouts=dropouts,
            spends=gamma_table_of(float(q)) if spending == GAMMA_GAMMA else no_table(),
        )

    @property
    def arguments(self) -> tuple[int, int, Floats, Floats, Floats, Floats]:
        """The leading arguments of the drawing kernels."""
        return self.lifetime, self.spending, self.parameters, self.rates, self.dropouts, self.spends


@lru_cache(maxsize=64)
def gamma_table_of(shape: float) -> Floats:
    """The table of one gamma shape, kept for the next run."""
    return gamma_table(shape)


@lru_cache(maxsize=64)
def _beta_table_of(a: float, b: float) -> Floats:
    return beta_table(a, b)
