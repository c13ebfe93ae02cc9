"""The population from which new customers are drawn, with its quantile functions tabulated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from churnsim.errors import ConfigError
from churnsim.kernels.engine.records import CLOCK, CONTRACT, GAMMA_GAMMA
from churnsim.kernels.numerics.quantile_tables import beta_table, gamma_table, no_table
from churnsim.simulation.core.lifetimes import Purchases, Spend, lifetime_of, spending_of
from churnsim.simulation.core.scores import CustomerScores
from churnsim.typing import Floats


@dataclass(frozen=True)
class Newcomers:
    """What `kernels.newcomers.draw_new` needs to know of a population."""

    lifetime: int
    spending: int
    parameters: Floats
    rates: Floats
    dropouts: Floats
    spends: Floats
    kinds: Floats

    @classmethod
    def of(cls, purchases: Purchases, spend: Spend) -> Self:
        """The population of a purchase and a spend model."""
        lifetime, (r, alpha, a, b), hazards = lifetime_of(purchases)
        spending, (shape, q, gamma), _ = spending_of(spend)
        dropouts = no_table()
        if a > 0:
            dropouts = gamma_table_of(float(a)) if lifetime == CLOCK else _beta_table_of(float(a), float(b))
        return cls(
            lifetime=lifetime,
            spending=spending,
            parameters=np.array([r, alpha, a, b, q, gamma, float(hazards.size > 0 and a > 0)]),
            rates=no_table() if lifetime == CONTRACT else gamma_table_of(float(r)),
            dropouts=dropouts,
            spends=gamma_table_of(float(q)) if spending == GAMMA_GAMMA else no_table(),
            kinds=_kinds(purchases, spend, float(shape)),
        )

    @property
    def arguments(self) -> tuple[int, int, Floats, Floats, Floats, Floats, Floats]:
        """The leading arguments of the drawing kernels."""
        return self.lifetime, self.spending, self.parameters, self.rates, self.dropouts, self.spends, self.kinds


def _kinds(purchases: Purchases, spend: Spend, shape: float) -> Floats:
    """Of each observed subscriber whom a contract knows: its own a or multiplier, and its spend rate."""
    own: CustomerScores | None = getattr(purchases, "own", None)
    if own is None:
        return np.empty((0, 2))
    charges: CustomerScores | None = getattr(purchases, "charges", None)
    if charges is None and spending_of(spend)[0] == GAMMA_GAMMA:
        raise ConfigError(
            "new customers are to be like observed subscribers, of whom nobody has said what they pay. Give the "
            "contract their charges too."
        )
    rates = np.ones(len(own)) if charges is None else shape / charges.values
    return np.column_stack([own.values, rates])


# Tables of 98 kB, 4 ms each: as many as the replications of a study with draws of its own, so that every strategy after
# the first one finds them.
KEPT = 1024


@lru_cache(maxsize=KEPT)
def gamma_table_of(shape: float) -> Floats:
    """The table of one gamma shape, kept for the next run."""
    return gamma_table(shape)


@lru_cache(maxsize=KEPT)
def _beta_table_of(a: float, b: float) -> Floats:
    return beta_table(a, b)
