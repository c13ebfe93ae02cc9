"""What is believed of a market's numbers, and what they are in one replication.

Each number is drawn by a Philox block of its own, addressed by the seed, the replication and the number's name: no draw
is used twice, every strategy meets the same world, and a belief about one number leaves the draws of the others as they
are. Where a part of the market cannot have its drawn numbers together (a failure share above what leaving allows), all
of that part are drawn again: the law is the joint one, given that such a market can be. Draws are independent from
replication to replication, not stratified, since intervals over replications and a sequential choice assume that.
"""

from __future__ import annotations

import difflib
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import Field, replace
from typing import Any, NamedTuple

from churnsim.checks import check_count, shown
from churnsim.errors import ConfigError
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.rng_streams import BELIEFS
from churnsim.simulation.core.assumption import (
    Multiple,
    Origin,
    at_least_1,
    count,
    default_belief,
    exponent,
    in_own_measure,
    law_of,
    multiple_of,
    numbers_of,
    share_below_1,
    whole_cents,
    with_numbers,
)
from churnsim.simulation.core.belief import Belief
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.units import Duration

TRIES = 1000
"""After so many impossible draws the beliefs of a part contradict each other."""
UNSAID = Origin("changed from the default without a source", "assumed")


class Number(NamedTuple):
    """A documented number of a market: the part it belongs to ("" for the market itself), its value and its field."""

    part: str
    value: Any
    about: Field[Any]

    def plain(self, unit: str) -> float:
        """The value in the market's unit; of a multiple that nothing measures, its times."""
        return self.value.to(unit) if isinstance(self.value, Duration) else in_own_measure(self.value)

    def scale(self, unit: str) -> float:
        """The default's measure in the unit of the value."""
        default, multiple = self.about.default, multiple_of(self.value)
        if isinstance(default, Duration):
            return Duration(1, default.unit).to(unit)
        if isinstance(default, Multiple):
            # Money that was given as such has no measure: the default's interval is then moved to it.
            measured = self.value / multiple.times if multiple and not isinstance(self.value, Multiple) else 1.0
            return float(measured)
        return 1.0

    @property
    def is_default(self) -> bool:
        """Whether it was left as it is by default."""
        return bool((multiple_of(self.value) or self.value) == self.about.default)

    def origin(self, given: Origin | None) -> Origin:
        """Where the value comes from."""
        return given or (self.about.metadata["origin"] if self.is_default else UNSAID)

    def like(self, drawn: float, unit: str) -> Any:
        """A drawn number as the field takes it: of its kind, and within its limits."""
        if isinstance(self.value, Duration):
            return Duration(drawn, unit)  # type: ignore[arg-type]
        return WITHIN.get(self.about.metadata["check"], float)(drawn)


WITHIN: dict[Any, Callable[[float], float]] = {
    at_least_1: lambda drawn: max(1.0, drawn),
    exponent: lambda drawn: min(max(drawn, -5.0), 5.0),
    share_below_1: lambda drawn: min(drawn, 1 - 1e-9),
    count: round,
    check_count: lambda drawn: max(1, round(drawn)),
    whole_cents: lambda drawn: round(drawn, 2),
}
"""How numbers with narrower limits than their law has are put inside."""


def numbers_by_name(market: Any) -> dict[str, Number]:
    """The documented numbers of the parts that are on, and of the market itself, by address."""
    kind: Any = type(market)
    parts = {part: (getattr(market, part), f"{part}.") for part in parts_of(kind)}
    if not hasattr(market.purchases, "k"):  # else the model's own stages of a gap hold
        parts[""] = (market, "")
    return {
        name: Number(part, value, about)
        for part, (thing, prefix) in parts.items()
        for name, value, about in numbers_of(thing, prefix)
    }


def market_beliefs(market: Any) -> dict[str, Belief]:
    """What is believed of every documented number of the market, by address: its own belief, or its default's.

    A number that was given as measured or published, without an interval, is taken as exact. One that was given as
    assumed has its default's interval, moved there (`default_belief`). Money and people are those of this market.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=50.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> known = cs.evidence.market_beliefs(market)["retention.spend_scale"]
    >>> known.value, known.low, known.high, known.law
    (1.0, 0.2, 5.0, 'log-normal')
    """
    if not hasattr(market, "beliefs"):
        raise ConfigError(f"market must be a churnsim.Market; got {shown(market)}.")
    found = {}
    for name, number in numbers_by_name(market).items():
        origin = number.origin(market.origins.get(name))
        value = number.plain(market.unit)
        if name in market.beliefs:
            found[name] = market.beliefs[name]
        elif number.is_default or origin.status in ("assumed", "claimed"):
            found[name] = default_belief(number.about, value, origin, scale=number.scale(market.unit))
        else:
            found[name] = Belief(value=value, low=value, high=value, status=origin.status, source=origin.source)
    return found


def checked_beliefs(market: Any, given: Mapping[str, Belief]) -> dict[str, Belief]:
    """The beliefs given by address, each with the law of its number's domain where it names none.

    Raises ConfigError for an address that leads to no documented number, and for an interval with an end that the
    number cannot have.
    """
    known, found = numbers_by_name(market), {}
    for address, belief in given.items():
        name = address.removeprefix("market.") if isinstance(address, str) else address
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "`churnsim.simulation.addresses(market)` lists them."
            raise ConfigError(f"beliefs name {address!r}, which is no number of this market. {hint}")
        if not isinstance(belief, Belief):
            raise ConfigError(f"the belief about {name!r} must be a churnsim.evidence.Belief; got {belief!r}.")
        number = known[name]
        if not (number.is_default or math.isclose(number.plain(market.unit), belief.value)):
            raise ConfigError(
                f"{name} is {number.plain(market.unit):g}, and the belief about it has the value {belief.value:g}. Say "
                "it once; to set a number that is believed, leave its belief out: replace(market, beliefs={...}, ...)."
            )
        law = belief.law or (None if belief.certain or belief.draws is not None else law_of(number.about))
        found[name] = belief if law == belief.law else replace(belief, law=law)
        for end in (belief.low, belief.value, belief.high):
            number.about.metadata["check"](number.like(end, market.unit), name)
    return found


def with_values(market: Any, values: Mapping[str, float]) -> dict[str, Any]:
    """The fields of the market that change where these documented numbers take the values, by field. Raises ConfigError
    for numbers that a part cannot have together."""
    known = numbers_by_name(market)
    parts: dict[str, dict[str, float]] = {}
    for name, value in values.items():
        parts.setdefault(known[name].part, {})[name] = value
    return {field: new for part, own in parts.items() for field, new in _with(market, part, known, own).items()}


def _with(market: Any, part: str, known: Mapping[str, Number], values: Mapping[str, float]) -> dict[str, Any]:
    """The same for the numbers of one part."""
    new = {name.removeprefix(f"{part}."): known[name].like(value, market.unit) for name, value in values.items()}
    return {part: with_numbers(getattr(market, part), new)} if part else new


class Draws:
    """The draws of a market's beliefs, replication by replication.

    What `like`, the draws of a market that this one was made of, has drawn already is taken from there, part by part
    where a part and its beliefs are the same: a lever is set to many values, each on the same replications.
    """

    def __init__(self, market: Any, like: Draws | None = None) -> None:
        known = numbers_by_name(market)
        beliefs = {name: belief for name, belief in market.beliefs.items() if not belief.certain}
        earlier: dict[str, Belief] = like._beliefs if like else {}
        same = like is not None and all(earlier.get(name) is belief for name, belief in beliefs.items())
        self._beliefs: dict[str, Belief] = beliefs
        self._values: dict[tuple[str, int, int, int], float] = like._values if like and same else {}
        self._parts: dict[str, _Part] = {}
        for name in beliefs:
            self._parts.setdefault(known[name].part, _Part(market, known[name].part)).known[name] = known[name]
        for name, part in self._parts.items():
            if like and same and part.equals(like._parts.get(name)):
                self._parts[name] = like._parts[name]

    def fields(self, replication: int, seed: int) -> dict[str, Any]:
        """The fields of the market with the numbers of one replication."""
        return {name: new for fields, _ in self._drawn(replication, seed) for name, new in fields.items()}

    def numbers(self, replication: int, seed: int) -> dict[str, float]:
        """What the beliefs come to in one replication, by address; those of what is known exactly are left out."""
        return {name: value for _, values in self._drawn(replication, seed) for name, value in values.items()}

    def _drawn(self, replication: int, seed: int) -> list[Drawn]:
        """Fields and numbers part by part. Raises ConfigError where a belief has fewer draws than there are
        replications, and where no draw of a part's beliefs makes a market."""
        found = []
        for part in self._parts.values():
            one = part.made.get((replication, seed))
            if one is None:
                one = self._draw(part, replication, seed)
                _keep(part.made, (replication, seed), one)
            found.append(one)
        return found

    def _draw(self, part: _Part, replication: int, seed: int) -> Drawn:
        for attempt in range(TRIES):
            values = {name: self._value(name, replication, seed, attempt) for name in part.known}
            try:
                return part.with_values(values), values
            except ConfigError as error:
                refused = error
        raise ConfigError(
            f"no market has the numbers that {', '.join(part.known)} are believed to have, in {TRIES} draws of "
            f"replication {replication}. The last one failed: {refused} Narrow the intervals."
        )

    def _value(self, *address: Any) -> float:
        value = self._values.get(address)
        if value is None:
            value = _drawn(self._beliefs[address[0]], *address)
            _keep(self._values, address, value)
        return value


Drawn = tuple[dict[str, Any], dict[str, float]]
"""The fields of one part of a market in one replication, and its numbers by address."""
KEPT = 50_000
"""Values, and replications of a part, that are kept."""


def _keep(kept: dict[Any, Any], address: Any, value: Any) -> None:
    """Keep a value; all are let go where there are too many."""
    if len(kept) >= KEPT:
        kept.clear()
    kept[address] = value


class _Part:
    """The believed numbers of one part of a market, or of the market itself, and what they were drawn as."""

    def __init__(self, market: Any, name: str) -> None:
        self._market, self._name = market, name
        self.known: dict[str, Number] = {}
        self.made: dict[tuple[int, int], Drawn] = {}

    def with_values(self, values: Mapping[str, float]) -> dict[str, Any]:
        """The fields of the market that change with these values."""
        return _with(self._market, self._name, self.known, values)

    def equals(self, other: _Part | None) -> bool:
        """Whether it is the same part of another market, with the same numbers believed in the same unit."""
        return (
            other is not None
            and self.known == other.known
            and self._market.unit == other._market.unit
            and (not self._name or getattr(self._market, self._name) == getattr(other._market, self._name))
        )


def _drawn(belief: Belief, name: str, replication: int, seed: int, attempt: int) -> float:
    if belief.draws is not None:
        if replication >= len(belief.draws):
            raise ConfigError(
                f"replication {replication} has no draw of {name}: there are {len(belief.draws)}. Take as many as "
                "there are replications: with fewer replications would repeat, and intervals come out too narrow."
            )
        return belief.draws[replication]
    u, *_ = block(attempt, 0, zlib.crc32(name.encode()), replication, seed, BELIEFS)
    return float(belief.quantile(u))
