"""The market: what the firm cannot choose.

Every number carries a unit, an interval, a source and a status, which `churnsim.evidence.assumptions(market)` lists and
a report prints.
"""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from churnsim.checks import check_count, check_kind, check_number, shown
from churnsim.data.logs.days import day_number
from churnsim.errors import ConfigError
from churnsim.models.estimation.fit import fitted_model
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.series_model import OwnPaths, SeriesModel
from churnsim.simulation.core.assumption import (
    CUSTOMER,
    PURCHASE,
    PURCHASE_OF_EACH,
    Multiple,
    Origin,
    assumed,
    multiples_in,
    plain_numbers,
    with_numbers,
)
from churnsim.simulation.core.belief import Belief
from churnsim.simulation.core.clocks import NO_CALENDAR, YEAR, Clocks, clocks_of, own_clocks
from churnsim.simulation.core.lifetimes import lifetime_of, spending_of, typical_amount
from churnsim.simulation.customers.base import Base, PosteriorBase, StartingBase
from churnsim.simulation.customers.remaining_lifetimes import RemainingLifetimes
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.bonds import BondResponse
from churnsim.simulation.mechanisms.compensation import RecoveryResponse
from churnsim.simulation.mechanisms.competitors import Competitors
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.cross_selling import CrossSellingResponse
from churnsim.simulation.mechanisms.own_series import OwnSeries
from churnsim.simulation.mechanisms.parts import (
    MarketPart,
    check_parts,
    document_parts,
)
from churnsim.simulation.mechanisms.quality import QualityResponse
from churnsim.simulation.mechanisms.referral import Referral
from churnsim.simulation.mechanisms.renewal_offers import RenewalOfferResponse
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.mechanisms.satisfaction import Satisfaction
from churnsim.simulation.mechanisms.staff import StaffResponse
from churnsim.simulation.mechanisms.terms import Terms
from churnsim.simulation.mechanisms.win_back import WinBackResponse
from churnsim.simulation.mechanisms.word_of_mouth import WordOfMouth
from churnsim.simulation.scenario.beliefs import Draws, checked_beliefs, with_values
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT, discount_force

DISCOUNT_RATE = "terms.annual_discount_rate"


@dataclass(frozen=True, kw_only=True)
class Market:
    """Customers, how they buy, fail, complain and leave, and how the world answers money.

    Money and people that a market assumes by default are multiples of a typical purchase of its customers and of their
    number, so that answers depend neither on the currency nor on the size of a sample.

    Parameters
    ----------
    customers : PosteriorBase, Cohort, TraitsBase or SubscriberBase
        Who is there when a simulation begins.
    purchases : purchase model, its fit, or ContractualLifetime
        How customers buy or renew, and leave; its `unit` is that of every duration of the market. One with a calendar
        has been told what comes (`with_future`), as far as the simulation goes; time 0 is the end of the observation of
        the customers, or of the model's fit.
    spend : GammaGamma, its fit, FixedSpend or ProfitByTenure
        What a purchase is worth, in money. Of a fit the model at its estimates is taken; how far they may err is told
        by `draws`.
    terms, complaints, prospects, retention, renewal_offers, quality, staff, recovery, cross_selling, win_back, bonds
        How the market works in each respect; `assumptions` lists every number with its unit, meaning and source.
    referral, word_of_mouth, competitors, satisfaction
        The same, off where None.
    own_series : OwnSeries, optional
        What new customers do where those there have series of their own (`churnsim.models.SeriesModel`); then it is
        there by itself.
    regularity : int
        Makes the gaps between purchases Erlang-k with the same mean: the larger, the more regular. A model of regular
        buyers (`MBGCNBD`) brings its own k, which holds.
    draws : tuple of (purchases, spend)
        Parameter sets from the fits, `tuple(zip(purchases.draw_parameters(n, seed=1), spend.draw_parameters(n,
        seed=2)))`, one a replication, so that replications differ by the uncertainty of the estimates as well as by
        chance. Without them intervals leave it out.
    beliefs : mapping of str to Belief
        How sure one is of numbers, by the name that `assumptions` shows; durations in the market's unit. The value of
        each takes the place of the number, and each replication draws its own, the same under every strategy.
        `churnsim.evidence.market_beliefs` has those of the defaults.
    origins : mapping of str to Origin
        Overrides the recorded origin of a number, by the name that `assumptions` shows.

    Raises
    ------
    ConfigError
        For a part of another type, a model that cannot be simulated, and durations in different units.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=50.0)
    >>> market = cs.Market(customers=cs.Cohort(size=100), purchases=model, spend=spend)
    >>> market.retention.spend_scale, market.prospects.size
    (1.0, 800.0)
    """

    customers: StartingBase
    purchases: Any
    spend: Any
    terms: Terms = field(default_factory=Terms)
    complaints: Complaints = field(default_factory=Complaints)
    prospects: Prospects = field(default_factory=Prospects)
    retention: RetentionResponse = field(default_factory=RetentionResponse)
    renewal_offers: RenewalOfferResponse = field(default_factory=RenewalOfferResponse)
    quality: QualityResponse = field(default_factory=QualityResponse)
    staff: StaffResponse = field(default_factory=StaffResponse)
    recovery: RecoveryResponse = field(default_factory=RecoveryResponse)
    cross_selling: CrossSellingResponse = field(default_factory=CrossSellingResponse)
    win_back: WinBackResponse = field(default_factory=WinBackResponse)
    bonds: BondResponse = field(default_factory=BondResponse)
    referral: Referral | None = None
    word_of_mouth: WordOfMouth | None = None
    competitors: Competitors | None = None
    satisfaction: Satisfaction | None = None
    own_series: OwnSeries | None = None
    regularity: int = assumed(
        1, "stages", "of a gap between purchases (Erlang-k, same mean): the more, the more regular", check_count,
        source="gaps are exponential in BG/NBD, MBG/NBD and Pareto/NBD",
    )  # fmt: skip
    # Hundreds of them, and longer than all else, are not shown.
    draws: tuple[tuple[Any, Any], ...] = field(default=(), repr=False)
    beliefs: Mapping[str, Belief] = field(default_factory=dict, repr=False)
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ("purchases", "spend"):
            object.__setattr__(self, name, fitted_model(getattr(self, name), name))
        check_parts(self)
        if not (hasattr(self.customers, "draw") and hasattr(self.customers, "__len__")):
            raise ConfigError(
                "customers must be a base such as PosteriorBase(summary) or Cohort(size=...); got "
                f"{shown(self.customers)}."
            )
        if not isinstance(self.draws, tuple) or not all(isinstance(d, tuple) and len(d) == 2 for d in self.draws):
            raise ConfigError(f"draws must be a tuple of pairs (purchases, spend); got {shown(self.draws)}.")
        check_kind(self.origins, "origins", Mapping, "a mapping of numbers' names to Origin")
        if wrong := [name for name, origin in self.origins.items() if not isinstance(origin, Origin)]:
            raise ConfigError(f"each of origins must be an Origin(source, status); {wrong[0]!r} is not.")
        self._check_models()
        # Whoever reads a number of the market, here or in the engines, finds plain money and people.
        purchase, number = typical_amount(self.spend), float(len(self.customers))
        measures: Mapping[str, float] = {PURCHASE: purchase, CUSTOMER: number, PURCHASE_OF_EACH: purchase * number}
        for name, numbers in self._multiples().items():
            measured = {key: multiple.measured(measures[multiple.of]) for key, multiple in numbers.items()}
            object.__setattr__(self, name, with_numbers(getattr(self, name), measured))
        check_kind(self.beliefs, "beliefs", Mapping, "a mapping of addresses to beliefs")
        if self.beliefs:
            object.__setattr__(self, "beliefs", checked_beliefs(self, self.beliefs))
            believed = with_values(self, {name: belief.value for name, belief in self.beliefs.items()})
            for name, part in believed.items():
                object.__setattr__(self, name, part)

    def _check_models(self) -> None:
        """ConfigError for models that cannot be simulated, or not with these customers."""
        lifetime_of(self.purchases)
        spending_of(self.spend)
        check_regularity(self.regularity)
        if self.regularity not in (1, self.gap_stages):
            raise ConfigError(
                f"regularity is {self.regularity}, but the purchase model has its own {self.gap_stages} stages a gap. "
                "Leave regularity out."
            )
        if isinstance(self.purchases, SeriesModel):
            if not isinstance(self.customers, PosteriorBase):
                raise ConfigError(
                    "a purchase model of customers' own series needs those customers: PosteriorBase(summary), of a "
                    f"summary with their first purchases; got {shown(self.customers)}."
                )
            if self.own_series is None:
                object.__setattr__(self, "own_series", OwnSeries())
        own = getattr(self.customers, "unit", None)
        if own is not None and own != self.unit:
            raise ConfigError(
                f"the customers' durations are in {own!r}, the purchase model's in {self.unit!r}. Summarise the "
                f"customers with unit={self.unit!r}."
            )

    def _multiples(self) -> dict[str, dict[str, Multiple]]:
        """The numbers that are multiples, measured or not, by the name of the part and their own."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        found = {name: multiples_in(part) for name, part in parts.items() if isinstance(part, MarketPart)}
        return {name: numbers for name, numbers in found.items() if numbers}

    @cached_property
    def parts(self) -> tuple[MarketPart, ...]:
        """What makes up the market besides its customers: those that are on, in the order of the fields."""
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(value for value in values if isinstance(value, MarketPart))

    @property
    def unit(self) -> str:
        """The unit of every duration here: the purchase model's."""
        return str(self.purchases.unit)

    @property
    def gap_stages(self) -> int:
        """Stages of a gap between purchases: the purchase model's own k where it has one, else `regularity`."""
        return int(getattr(self.purchases, "k", self.regularity))

    @property
    def discount_force(self) -> float:
        """Continuous discount rate per time unit."""
        return discount_force(self.terms.annual_discount_rate, self.unit)

    def discount_forces(self, replications: int, *, seed: int) -> float | Floats:
        """The same of each of the first replications of a run, where the rate is believed with an interval."""
        own = self.terms.annual_discount_rate
        if not self.beliefs:
            return self.discount_force
        drawn = [self.believed_numbers(number, seed=seed).get(DISCOUNT_RATE, own) for number in range(replications)]
        if all(rate == own for rate in drawn):
            return self.discount_force
        return np.array([discount_force(rate, self.unit) for rate in drawn])

    def remaining_lifetimes(self, base: Base) -> RemainingLifetimes:
        """How long the customers of a drawn base stay if nobody acts: the chance to have left by a time, and so on.

        Never rate x dropout: what dropout means is the purchase model's (see `RemainingLifetimes`).
        """
        return RemainingLifetimes.of(self.purchases, base, stages=self.gap_stages)

    def clocks(self, horizon: float) -> Clocks:
        """The buying and the leaving clock until a horizon, as engines take them (`simulation.core.clocks`)."""
        if not isinstance(self.purchases, ClockModel):
            return NO_CALENDAR
        check_number(horizon, "horizon", above=0)
        if horizon not in self._clocks:
            # Exponential gaps do not know how long they have lasted.
            silence = getattr(self.customers, "longest_silence", 0.0) if self.gap_stages > 1 else 0.0
            self._clocks[horizon] = (
                self._own_clocks(horizon, silence) if isinstance(self.purchases, SeriesModel)
                else clocks_of(
                    cast("Any", self.purchases), start=self.start_day, horizon=horizon, silence=silence,
                    force=self.discount_force,
                )
            )  # fmt: skip
        return self._clocks[horizon]

    def _own_clocks(self, horizon: float, silence: float) -> Clocks:
        customers, model, per = cast("Any", self.customers), self.purchases, DAYS_PER_UNIT[self.unit]
        end = self.start_day + math.ceil(horizon * per)
        # Draws of the parameters share the series, and what is told of their future.
        if horizon not in self._own_paths:
            low = min(self.start_day - math.ceil(silence * per), end - YEAR)
            self._own_paths[horizon] = model.paths(customers.ids, customers.first_days, low, end)
        newcomers = 1.0 if self.own_series is None else self.own_series.newcomers
        clocks = own_clocks(model, self._own_paths[horizon], start=self.start_day, horizon=horizon, newcomers=newcomers)
        return *clocks, NO_CALENDAR[2]

    @cached_property
    def _own_paths(self) -> dict[float, OwnPaths]:
        return {}

    @cached_property
    def start_day(self) -> int:
        """The day (since 1970) that ends at time 0, for a purchase model with a calendar or series: the last of the
        customers' observation, else of the model's fit."""
        last = self.customers.last_day(self.unit) if hasattr(self.customers, "last_day") else None
        return day_number(self.purchases.seen_until, "seen_until") if last is None else int(last)

    @cached_property
    def _clocks(self) -> dict[float, Clocks]:
        return {}

    @property
    def most_replications(self) -> int | None:
        """How many replications have draws of their own; None where as many as one likes have."""
        counts = [len(belief.draws) for belief in self.beliefs.values() if belief.draws is not None]
        return min([*counts, *([len(self.draws)] if self.draws else [])], default=None)

    def in_replication(self, replication: int, *, seed: int | None = None) -> Market:
        """The market of one replication: with its own parameter draw where there are draws, and with its own numbers
        where there are beliefs, drawn by the run's seed."""
        if not (self.draws or self.beliefs):
            return self
        # A thread takes one replication after the other, each under several strategies.
        last = getattr(self._last_drawn, "found", None)
        if last is None or last[0] != (replication, seed):
            last = self._last_drawn.found = (replication, seed), self._drawn(replication, seed)
        found: Market = last[1]
        return found

    def __getstate__(self) -> dict[str, Any]:
        """The fields: what is worked out from them is not sent to other processes."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @cached_property
    def _belief_draws(self) -> Draws:
        return Draws(self._undrawn)

    def take_draws(self, other: Market) -> None:
        """Take over what is drawn of the numbers that this market believes as `other`, of which it was made, does."""
        if self.beliefs:
            self.__dict__["_belief_draws"] = Draws(self._undrawn, like=other._belief_draws)

    def believed_numbers(self, replication: int, *, seed: int) -> dict[str, float]:
        """What the numbers that are not known exactly come to in one replication, by address: under every strategy, on
        every engine."""
        return self._belief_draws.numbers(replication, seed)

    @cached_property
    def _last_drawn(self) -> threading.local:
        return threading.local()

    @cached_property
    def _undrawn(self) -> Market:
        """What a replication's draws are put into."""
        return self.settled if self.draws else self

    def _drawn(self, replication: int, seed: int | None) -> Market:
        changes: dict[str, Any] = {}
        if self.beliefs:
            if seed is None:
                raise ConfigError("a market with beliefs draws its numbers by the seed of a run: say seed=....")
            changes = {"beliefs": {}, **self._belief_draws.fields(replication, seed)}
        if self.draws:
            if replication >= len(self.draws):
                raise ConfigError(
                    f"replication {replication} has no parameters of its own: the market has {len(self.draws)} draws "
                    "of them. Draw as many as there are replications, fit.draw_parameters(n, seed=...): with fewer of "
                    "them replications would repeat, and intervals come out too narrow."
                )
            changes["purchases"], changes["spend"] = self.draws[replication]
        # Not by `replace`, which would check and measure every part again: those drawn have been checked.
        drawn = copy.copy(self._undrawn)
        drawn.__dict__.update(changes, _own_paths=self._undrawn._own_paths)
        drawn._check_models()
        return drawn

    @cached_property
    def settled(self) -> Market:
        """The market whose money and people stay what they are, whichever amounts customers pay: the error of an
        estimate, or another value assumed for it, does not change what the world is like. Without `draws`."""
        plain = {name: plain_numbers(getattr(self, name)) for name in self._multiples()}
        return replace(self, draws=(), **plain)


document_parts(Market)


def check_regularity(value: int) -> None:
    """ConfigError unless it is a number of stages that a gap may have."""
    check_count(value, "regularity")
