"""Acquisition: spending on prospects, a finite pool that answers it (Blattberg & Deighton 1996)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd

from churnsim.checks import check_kind, shown
from churnsim.economics.response import SaturatingResponse
from churnsim.errors import ConfigError
from churnsim.simulation.core.arrivals import PAID_CHANNEL
from churnsim.simulation.core.assumption import (
    CUSTOMER,
    PURCHASE,
    Multiple,
    assumed,
    cents,
    in_units,
    people,
    scale,
    share_below_1,
)
from churnsim.simulation.mechanisms.parts import Budgeted, MarketPart, SharesByName, StrategyPart, document
from churnsim.simulation.mechanisms.review import Accounts
from churnsim.simulation.mechanisms.surroundings import Surroundings

UNNAMED = ""
"""The channel without a name, whose response is the market's own `prospects.ceiling` and `spend_scale`."""
MOST_CHANNELS = 100


@dataclass(frozen=True, kw_only=True)
class Acquisition(Budgeted):
    """Spend `budget_per_period` (money) on prospects; arrivals follow the market's response, spread over the period.
    Named `channels` get their shares of it; what is left goes to the channel without a name."""

    channels: Annotated[
        Mapping[str, float] | None,
        SharesByName(
            "share of the budget by channel of the market's prospects; what is left goes to the one without a name",
            among="prospects.channels",
        ),
    ] = field(default=None, hash=False)

    def by_channel(self) -> dict[str, float]:
        """Spending per period (money) on each channel that gets a share, `UNNAMED` first, the others by name."""
        shares = dict(sorted((self.channels or {}).items()))
        left = 1.0 - sum(shares.values())
        whole = {UNNAMED: left} if not shares or left > 1e-9 else {}
        return {name: part * self.budget_per_period for name, part in (whole | shares).items() if part > 0}

    @property
    def does(self) -> tuple[str, ...]:
        """The channels that get a share."""
        return tuple(self.by_channel())

    def standing_costs(self, books: Accounts) -> None:
        """Spend the budget."""
        books.pay("acquisition", self.budget_per_period)

    def surround(self, around: Surroundings) -> None:
        """Each channel brings people at the hazard under which the share of the pool that answers it comes in a
        period."""
        prospects = around.market.prospects
        for name, money in self.by_channel().items():
            share = prospects.share_per_period(money, name)
            around.paid.append((prospects.codes[name], -math.log1p(-share) / around.span))

    def compiled(self, market: Any) -> dict[str, Any] | None:
        """Arrivals by one channel are compiled; who came by which of several is counted here."""
        return None if self.channels else {}

    def channel_table(self, around: Surroundings) -> pd.DataFrame | None:
        """Spending (cents) and newcomers by period and channel."""
        if not self.channels:
            return None
        spending, codes = self.by_channel(), around.market.prospects.codes
        # In whole cents, as the whole budget is entered.
        spent = np.diff([0, *(cents(money) for money in np.cumsum(list(spending.values())))]).tolist()
        rows = [
            (period, name, money, around.came[period, codes[name]])
            for period in range(around.periods)
            for name, money in zip(spending, spent, strict=True)
        ]
        return pd.DataFrame(rows, columns=["period", "channel", "cents", "newcomers"])

    def check(self, market: Any, others: Collection[StrategyPart], period: float) -> None:
        """ConfigError where nobody is left to be won."""
        if in_units("prospects.size", market.prospects.size) < 1:
            raise ConfigError(
                "does nothing in a market without prospects: prospects.size is 0, as it is by default for a base "
                "without customers. Set it, Market(prospects=Prospects(size=...)), in a study [market.prospects] size."
            )
        if unknown := [name for name in self.channels or () if name not in market.prospects.channels]:
            raise ConfigError(
                f"spends on {unknown[0]!r}, which is no channel of this market. Give it one, "
                f"Market(prospects=Prospects(channels={{{unknown[0]!r}: AcquisitionChannel(...)}})), in a study "
                f"[market.prospects.channels.{unknown[0]}]."
            )


ELASTICITY = (
    "a guess such that 1% more spending brings 0.22% more new customers at 0.0005 of a typical purchase per prospect "
    "and period; Sethuraman, Tellis & Briesch (2011, J. Marketing Research 48, 457-471): sales answer advertising with "
    ".12 at once (751 estimates) and .24 in the long run (402)"
)
COST = "a guess such that at that spending a new customer costs 1.1 typical purchases, and the cheapest 0.4"


def _ceiling() -> Any:
    return assumed(
        0.0005,
        "share per period",
        "most of the pool that any spend brings in a period",
        share_below_1,
        (0.0001, 0.0025),
        source=COST,
    )


def _spend_scale() -> Any:
    return assumed(
        Multiple(0.0002, PURCHASE),
        "money per prospect and period",
        "spend at which 63% of the ceiling is reached",
        scale,
        (0.0001, 0.001),
        source=ELASTICITY,
    )


@dataclass(frozen=True, kw_only=True)
class AcquisitionChannel(MarketPart):
    """How prospects answer the spending on one channel; see `Prospects`."""

    ceiling: float = _ceiling()
    spend_scale: float = _spend_scale()


document(AcquisitionChannel)


@dataclass(frozen=True, kw_only=True)
class Prospects(MarketPart):
    """The finite pool that acquisition draws on, and how it answers spend: in a period, ceiling (1 - e^(-spend per
    prospect / scale)) of those left come (Blattberg & Deighton 1996).

    With x = spend per prospect / scale the elasticity of arrivals is x / (e^x - 1), a new customer costs scale x /
    (ceiling (1 - e^-x)) on average and the next one scale e^x / ceiling. Each of the `channels` answers in the same way
    with its own numbers ("prospects.channels.NAME.ceiling"); all draw on the one pool, and their hazards add up.
    """

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"ceiling": ("acquisition.",), "spend_scale": ("acquisition.",)}

    size: float = assumed(Multiple(8, CUSTOMER), "people", "who could still become customers", people, (2.0, 40.0))
    ceiling: float = _ceiling()
    spend_scale: float = _spend_scale()
    channels: Mapping[str, AcquisitionChannel] = field(
        default_factory=dict,
        hash=False,
        metadata={"meaning": "how prospects answer other channels, by name", "named": AcquisitionChannel},
    )

    def __post_init__(self) -> None:
        check_kind(self.channels, "channels", Mapping, "AcquisitionChannels by name")
        for name, channel in self.channels.items():
            # A dot would part the name in an address.
            if not isinstance(name, str) or not name.strip() or "." in name:
                raise ConfigError(f"channels need names without dots; got {shown(name)}.")
            check_kind(channel, f"channels.{name}", AcquisitionChannel, "an AcquisitionChannel")
        if len(self.channels) > MOST_CHANNELS:
            raise ConfigError(f"channels are {len(self.channels)}; there may be {MOST_CHANNELS}.")
        # In the order of their names, so that the order in which they are written is of no account.
        object.__setattr__(self, "channels", dict(sorted(self.channels.items())))
        super().__post_init__()

    def uses(self, name: str, acting: Collection[str]) -> bool:
        """Whether the number has an effect; a channel's has one where a strategy spends on it."""
        head, *rest = name.split(".")
        return f"acquisition.{rest[0]}" in acting if head == "channels" else super().uses(name, acting)

    @property
    def codes(self) -> dict[str, int]:
        """The number by which a customer's record tells each channel."""
        return {name: code for code, name in enumerate((UNNAMED, *self.channels))}

    def surround(self, around: Surroundings) -> None:
        """Those who could still become customers."""
        around.left, around.reach = around.arrivals(PAID_CHANNEL, self.size), max(int(self.size), 1)
        around.people = around.left.left + around.active

    def share_per_period(self, budget: float, channel: str = UNNAMED) -> float:
        """Share of the remaining pool that a period's budget (money) for a channel brings."""
        size = in_units("prospects.size", self.size)
        response = self if channel == UNNAMED else self.channels[channel]
        if size == 0 or response.ceiling == 0:
            return 0.0
        k = 1 / in_units("prospects.spend_scale", response.spend_scale)
        return SaturatingResponse(ceiling=response.ceiling, k=k).share(budget / size)
