"""Customers' own series: what is assumed of those who come while a simulation runs, whose series nobody knows."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.simulation.core.assumption import assumed, positive
from churnsim.simulation.mechanisms.parts import MarketPart


@dataclass(frozen=True, kw_only=True)
class OwnSeries(MarketPart):
    """How new customers buy where those there have series of their own (`churnsim.data.CustomerSeries`): contacts,
    offers, the price seen. They leave as on a day on which every one of these is at its mean. What is common to all
    holds for them too."""

    newcomers: float = assumed(
        1.0,
        "factor",
        "on how often customers newly won buy: 1 is a day on which all series are at their means over the fit",
        positive,
        (0.5, 2.0),
    )
