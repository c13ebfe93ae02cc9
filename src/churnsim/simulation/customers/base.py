"""Who the customers are when a simulation begins."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.errors import ConfigError
from churnsim.kernels.engine.newcomers import draw_cohort, lineage, trait_uniforms
from churnsim.kernels.engine.records import CONTRACT, DROPOUT, DROPOUT_AT_ONCE, GAMMA_GAMMA
from churnsim.kernels.likelihoods.population import draw_base, draw_spend_rates
from churnsim.kernels.numerics.rng_streams import SIMULATION, TRAITS
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.covariates import RowHistories
from churnsim.models.purchase.histories import Histories
from churnsim.models.spend.gamma_gamma import repeat_spend
from churnsim.simulation.core.lifetimes import Purchases, Spend, lifetime_of, spending_of
from churnsim.simulation.core.thread_pool import ThreadPool
from churnsim.simulation.customers.new_customers import Newcomers
from churnsim.typing import Floats, Ints

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

    Parameters
    ----------
    summary : DataFrame
        One row a customer, indexed by its id: `frequency, recency, T, monetary_value`, durations in the purchase
        model's unit, and the model's covariates where it has some. Time 0 of the simulation is the end of the
        observation.

    Raises
    ------
    DataError
        For a summary that is not one.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow().head(500))
    >>> base = PosteriorBase(summary)
    >>> len(base) == len(summary)
    True
    """

    def __init__(self, summary: pd.DataFrame) -> None:
        self._histories = Histories.of(summary)
        self._summary = summary.copy()
        self.unit: str | None = summary.attrs.get("unit")
        _, self._spend = repeat_spend(summary)
        self._uids = customer_uids(summary.index)
        self._last = _LastDraw()

    def __getstate__(self) -> dict[str, Any]:
        """Without what was drawn last: another process draws for itself."""
        return {name: value for name, value in self.__dict__.items() if name != "_last"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._last = _LastDraw()

    @property
    def ids(self) -> pd.Index:
        """The customers' own ids."""
        return self._summary.index

    @property
    def summary(self) -> pd.DataFrame:
        """The customers' histories, as they were given."""
        return self._summary.copy()

    def __len__(self) -> int:
        return len(self._uids)

    def draw(self, *, purchases: Purchases, spend: Spend, seed: int, replication: int) -> Base:
        """Draw the base of one replication. The same customer gets the same draw whoever else is in the base."""
        asked, last = (purchases, spend, seed, replication), self._last
        if last.asked != asked:
            last.asked, last.base = asked, self._drawn(purchases, spend, seed, replication)
        assert last.base is not None  # drawn now or before
        return last.base

    def _drawn(self, purchases: Purchases, spend: Spend, seed: int, replication: int) -> Base:
        h = self._histories
        draw = _PosteriorDraw.of(purchases, spend, seed, replication)
        model: Any = purchases
        factors = model.factors(self._summary) if hasattr(model, "factors") else ()
        pieces = Chunks(h.x, h.t_x, h.T, self._spend, self._uids, *factors).each(draw)
        traits, alive, members = (np.concatenate(column) for column in zip(*pieces, strict=True))
        return Base(
            uids=self._uids,
            traits=traits,
            members=members,
            alive=alive,
            first_purchase=-h.T,
            last_purchase=h.t_x - h.T,
            repeat_revenue=self._spend * h.x,
            seen=h.x,
        )


class _LastDraw(threading.local):
    """Strategies are compared on the same customers, so that one draw is asked for several times in a row by each
    thread."""

    asked: Any = None
    base: Base | None = None


@dataclass(frozen=True, kw_only=True)
class _PosteriorDraw:
    """Draws customers from their posterior, whichever of them it is given."""

    purchases: Any
    kind: int
    parameters: Floats
    spending: int
    spends: tuple[float, float, float]
    seed: int
    replication: int

    @classmethod
    def of(cls, purchases: Purchases, spend: Spend, seed: int, replication: int) -> _PosteriorDraw:
        """The draw from these models. Raises ConfigError for a contract."""
        kind, parameters, _ = lifetime_of(purchases)
        spending, (p, q, gamma), _ = spending_of(spend)
        if kind == CONTRACT:
            raise ConfigError("a contract's customers have no purchase histories. Start from a TraitsBase or a Cohort.")
        return cls(
            purchases=purchases, kind=kind, parameters=parameters, spending=spending,
            spends=(float(p), float(q), float(gamma)), seed=seed, replication=replication,
        )  # fmt: skip

    def __call__(
        self, x: Ints, t_x: Floats, T: Floats, spend: Floats, uids: Ints, *factors: Floats
    ) -> tuple[Floats, NDArray[np.bool_], Floats]:
        """Traits, who is alive, and club uniforms; `factors` are a model's with covariates."""
        uniforms = trait_uniforms(uids, self.replication, self.seed)
        address: tuple[Any, ...] = (uids, self.replication, self.seed, SIMULATION, TRAITS)
        if self.kind in (DROPOUT, DROPOUT_AT_ONCE) and not factors and not hasattr(self.purchases, "k"):
            r, alpha, a, b = self.parameters
            first = self.kind == DROPOUT_AT_ONCE
            traits, alive = draw_base(r, alpha, a, b + first, *self.spends, x, t_x, T, spend, first, *address)
        else:
            index = pd.RangeIndex(x.size)
            histories = RowHistories(x, t_x, T, index, *factors) if factors else Histories(x, t_x, T, index)
            frame = self.purchases.draw_known(histories, uids, seed=self.seed, replication=self.replication)
            traits, alive = np.ones((x.size, 4)), frame["alive"].to_numpy(dtype=np.bool_)
            traits[:, :2] = frame[frame.columns[:2]].to_numpy(dtype=np.float64)
            traits[:, 3] = uniforms[:, 0]
            if self.spending == GAMMA_GAMMA:
                traits[:, 2] = draw_spend_rates(*self.spends, x, spend, *address)
        return traits, alive, uniforms[:, 1].copy()


@typed
@dataclass(frozen=True, kw_only=True)
class Cohort:
    """`size` new customers who make their first purchase at time 0, drawn from the population.

    Examples
    --------
    >>> from churnsim.models import BGNBD, GammaGamma
    >>> model, spend = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), GammaGamma(p=6.25, q=3.74, gamma=15.44)
    >>> base = Cohort(size=3).draw(purchases=model, spend=spend, seed=1, replication=0)
    >>> base.traits.shape, base.alive.tolist()
    ((3, 4), [True, True, True])
    """

    size: int

    def __post_init__(self) -> None:
        check_count(self.size, "size", least=0)

    def __len__(self) -> int:
        return self.size

    def draw(self, *, purchases: Purchases, spend: Spend, seed: int, replication: int, threads: int = 1) -> Base:
        """Draw the cohort of one replication, on so many threads."""
        n = self.size
        uids = np.empty(n, np.int64)
        traits, members, alive = np.empty((n, 4)), np.empty(n), np.empty(n, np.bool_)
        new = Newcomers.of(purchases, spend)

        def part(_: int, first: int, last: int) -> None:
            lineage(COHORT_LINEAGE, uids, first, last)
            draw_cohort(*new.arguments, uids, replication, seed, traits, members, alive, first, last)

        pool = ThreadPool(threads)
        pool.share(n, part)
        pool.close()
        nothing = np.zeros(n)
        return Base(
            uids=uids, traits=traits, members=members, alive=alive, first_purchase=nothing, last_purchase=nothing,
            repeat_revenue=nothing, seen=np.zeros(n, np.int64),
        )  # fmt: skip
