"""Who the customers are when a simulation begins."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.summaries.calendar import FIRST, first_days
from churnsim.data.summaries.frame_kinds import summary_of_kind
from churnsim.errors import ConfigError
from churnsim.kernels.engine.newcomers import draw_cohort, lineage, trait_uniforms
from churnsim.kernels.engine.records import CONTRACT, DROPOUT, DROPOUT_AT_ONCE, GAMMA_GAMMA
from churnsim.kernels.likelihoods.population import draw_base, draw_spend_rates
from churnsim.kernels.numerics.rng_streams import SIMULATION, TRAITS
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.calendar.clock import positions
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.two_clocks import TwoClocks
from churnsim.models.purchase.covariates import RowHistories
from churnsim.models.purchase.histories import Histories
from churnsim.models.spend.gamma_gamma import repeat_spend
from churnsim.simulation.core.lifetimes import Purchases, Spend, lifetime_of, spending_of
from churnsim.simulation.core.thread_pool import ThreadPool
from churnsim.simulation.customers.new_customers import Newcomers
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

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
        summary = summary_of_kind(summary)
        self._histories = Histories.of(summary)
        self._summary = summary.copy()
        self.unit: str | None = summary.attrs.get("unit")
        _, self._spend = repeat_spend(summary)
        self._uids = customer_uids(summary.index)
        self._drawn = _Drawn(len(self._uids))

    def __getstate__(self) -> dict[str, Any]:
        """Without what was drawn: another process draws for itself."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_drawn", "_observed")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._drawn = _Drawn(len(self._uids))

    @property
    def ids(self) -> pd.Index:
        """The customers' own ids."""
        return self._summary.index

    @property
    def summary(self) -> pd.DataFrame:
        """The customers' histories, as they were given."""
        return self._summary.copy()

    def last_day(self, unit: str) -> int | None:
        """The day (since 1970) that ends the observation, where the summary says when customers first bought."""
        if FIRST not in self._summary.columns:
            return None
        first = first_days(self._summary).astype(np.float64)
        ends = positions(first, self._histories.T, DAYS_PER_UNIT[unit])
        return math.ceil(ends.max()) if ends.size else None

    @property
    def first_days(self) -> Ints:
        """The day (since 1970) of each first purchase. DataError where the summary does not say."""
        return first_days(self._summary)

    @property
    def longest_silence(self) -> float:
        """Time since the last purchase of the customer of whom it is the longest."""
        return float((self._histories.T - self._histories.t_x).max(initial=0.0))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} customers>"

    def __len__(self) -> int:
        return len(self._uids)

    def draw(self, *, purchases: Purchases, spend: Spend, seed: int, replication: int, lost: bool = True) -> Base:
        """Draw the base of one replication. The same customer gets the same draw whoever else is in the base.

        Without the `lost`, for those to whom nobody comes back, the traits of customers who are gone may be NaN.
        """
        models, address = (purchases, spend, lost), (seed, replication)
        base = self._drawn.get(models, address)
        if base is None:
            base = self._draw(purchases, spend, seed, replication, lost)
            self._drawn.keep(models, address, base)
        return base

    @cached_property
    def _observed(self) -> dict[str, Any]:
        """What the firm knows of its customers: the same in every draw."""
        h = self._histories
        return {
            "uids": self._uids,
            "first_purchase": -h.T,
            "last_purchase": h.t_x - h.T,
            "repeat_revenue": self._spend * h.x,
            "seen": h.x,
        }

    def _draw(self, purchases: Purchases, spend: Spend, seed: int, replication: int, lost: bool) -> Base:
        h, model, drawn = self._histories, cast("Any", purchases), False
        factors: tuple[Any, ...] = ()
        if isinstance(model, TwoClocks):
            # Lives end on a clock of their own, or in time, and not on that of buying: the model draws by both.
            frame, drawn = model.draw_posterior(self._summary, seed=seed, replication=replication), True
            factors = tuple(frame[name].to_numpy() for name in (*frame.columns[:2], "alive"))
        elif isinstance(model, ClockModel):
            h, model = model.clocked(self._summary), model.base
        elif hasattr(model, "factors"):
            factors = model.factors(self._summary)
        draw = _PosteriorDraw.of(model, spend, seed, replication, drawn=drawn, lost=lost)
        pieces = Chunks(h.x, h.t_x, h.T, self._spend, self._uids, *factors).each(draw)
        traits, alive, members = (np.concatenate(column) for column in zip(*pieces, strict=True))
        return Base(traits=traits, members=members, alive=alive, **self._observed)


KEPT = 1_000_000
"""Customers of bases once drawn that are kept, at 41 bytes each."""


class _Drawn:
    """Bases drawn before, by seed and replication: the last one of each thread, and of small bases many.

    Strategies are compared on the same customers, and levers, assumptions and markets on the same replications, of
    which drawing the customers takes the most.
    """

    def __init__(self, customers: int) -> None:
        self._last, self._lock = threading.local(), threading.Lock()
        self._most = KEPT // max(customers, 1)
        self._kept: OrderedDict[tuple[int, int], tuple[Any, Base]] = OrderedDict()

    def get(self, models: Any, address: tuple[int, int]) -> Base | None:
        """The base drawn from these models there, if it is at hand."""
        last = getattr(self._last, "drawn", None)
        if last is not None and last[:2] == (address, models):
            return cast("Base", last[2])
        with self._lock:
            kept = self._kept.get(address)
            if kept is None or kept[0] != models:
                return None
            self._kept.move_to_end(address)
        self._last.drawn = (address, *kept)
        return kept[1]

    def keep(self, models: Any, address: tuple[int, int], base: Base) -> None:
        """Keep the base, and let go of those that were not asked for the longest where there are too many."""
        self._last.drawn = (address, models, base)
        if self._most < 2:
            return
        with self._lock:
            self._kept[address] = (models, base)
            self._kept.move_to_end(address)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


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
    drawn: bool  # whether `factors` are the rate, the dropout and whether it is alive
    lost: bool  # whether the traits of those who are gone are needed

    @classmethod
    def of(
        cls, purchases: Purchases, spend: Spend, seed: int, replication: int, *, drawn: bool, lost: bool
    ) -> _PosteriorDraw:
        """The draw from these models. Raises ConfigError for a contract."""
        kind, parameters, _ = lifetime_of(purchases)
        spending, (p, q, gamma), _ = spending_of(spend)
        if kind == CONTRACT:
            raise ConfigError("a contract's customers have no purchase histories. Start from a TraitsBase or a Cohort.")
        return cls(
            purchases=purchases, kind=kind, parameters=parameters, spending=spending,
            spends=(float(p), float(q), float(gamma)), seed=seed, replication=replication, drawn=drawn, lost=lost,
        )  # fmt: skip

    def __call__(
        self, x: Ints, t_x: Floats, T: Floats, spend: Floats, uids: Ints, *factors: Floats
    ) -> tuple[Floats, NDArray[np.bool_], Floats]:
        """Traits, who is alive, and club uniforms; `factors` are a model's with covariates."""
        address: tuple[Any, ...] = (uids, self.replication, self.seed, SIMULATION, TRAITS)
        if self.kind in (DROPOUT, DROPOUT_AT_ONCE) and not factors and not hasattr(self.purchases, "k"):
            r, alpha, a, b = self.parameters
            first = self.kind == DROPOUT_AT_ONCE
            traits, alive, members = draw_base(
                r, alpha, a, b + first, *self.spends, x, t_x, T, spend, first, *(*address, self.lost)
            )
        else:
            uniforms = trait_uniforms(uids, self.replication, self.seed)
            index, traits = pd.RangeIndex(x.size), np.ones((x.size, 4))
            if self.drawn:
                traits[:, 0], traits[:, 1] = factors[:2]
                alive = factors[2].astype(np.bool_)
            else:
                histories = RowHistories(x, t_x, T, index, *factors) if factors else Histories(x, t_x, T, index)
                frame = self.purchases.draw_known(histories, uids, seed=self.seed, replication=self.replication)
                traits[:, :2] = frame[frame.columns[:2]].to_numpy(dtype=np.float64)
                alive = frame["alive"].to_numpy(dtype=np.bool_)
            traits[:, 3], members = uniforms[:, 0], uniforms[:, 1].copy()
            if self.spending == GAMMA_GAMMA:
                traits[:, 2] = draw_spend_rates(*self.spends, x, spend, *address)
        return traits, alive, members


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
