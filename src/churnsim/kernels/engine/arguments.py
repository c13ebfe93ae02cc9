"""Arguments that the compiled engine's functions share, as named tuples: compiled code takes them apart for nothing.

Functions of an event take what they need of these in one order: what holds for everybody (`tables`, or its `rules`;
`means`), the event's `time`, the customer (its place `i`, its record `c`, its `clocks`), what is written to (`row` of
the books, `buffers`), and the address of random numbers (`replication`, `seed`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.clock_table import ClockRows, ClockTable
from churnsim.kernels.engine.records import Records
from churnsim.typing import Floats, Ints


class Tables(NamedTuple):
    """What stays the same in one replication."""

    rules: Records  # one RULES record
    spends: Floats  # quantile table of spend
    gaps: Floats  # quantile table of Erlang gaps; empty where gaps are exponential
    hazards: Floats  # by tenure, for contracts
    profits: Floats  # by tenure, where spend is that
    buying: ClockTable  # on which gaps between purchases are drawn
    leaving: ClockTable  # on which lifetimes in time are
    later: Floats  # what both add to those alive at the end: `residual.residual_margin`
    lifts: Floats  # rows (kappa, q) of the layers of buying clocks, none where nothing lifts buying
    layers: Ints  # the place of each that may lift among them, or -1
    rows: ClockRows  # of the books, on the buying clock


class Means(NamedTuple):
    """What the firm decided at its last review."""

    effect: float  # of contacts on organic dropout
    quality: float  # factor on the chance of a failure
    uplift: float  # of spend by offers, as a share


class Buffers(NamedTuple):
    """Arrays of events that concern others; `fill` says how many lines of each are used."""

    log: Records  # empty where no event log is kept
    complaints: Records
    referrals: Records
    fill: Ints


class BaseColumns(NamedTuple):
    """The starting base, one entry a customer."""

    uids: Ints
    traits: Floats  # rows (rate, dropout, spend rate, contact uniform)
    members: Floats  # uniforms that decide who is in the club
    alive: NDArray[np.bool_]
    first_purchase: Floats  # times, at most 0
    last_purchase: Floats
    repeat_cents: Ints
    seen: Ints  # repeat purchases or renewals
