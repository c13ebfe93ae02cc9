"""How far each assumption could plausibly lie from its value, for varying it where the user names no range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from churnsim.checks import check_number, shown, typed
from churnsim.errors import ConfigError
from churnsim.simulation.core.belief import Status
from churnsim.simulation.scenario.beliefs import market_beliefs
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import number_at


@dataclass(frozen=True)
class PlausibleRange:
    """From `low` to `high`, in the assumption's unit, and where that comes from."""

    low: float
    high: float
    source: str
    status: Status


EXAMPLE = "{'terms.margin': (0.1, 0.5)}"
HALVED = "from half to twice the value, for want of any source"


def named_ranges(over: object) -> dict[str, tuple[float, float] | None]:
    """Assumptions by address with the range of each, None where none is given. ConfigError for what is neither a
    mapping of addresses to pairs of numbers nor several addresses."""
    if isinstance(over, (str, bytes)) or not isinstance(over, Mapping | Sequence):
        raise ConfigError(f"over must map assumptions to ranges, such as {EXAMPLE}; got {shown(over)}.")
    given = dict(over) if isinstance(over, Mapping) else dict.fromkeys(map(_address, over))
    found: dict[str, tuple[float, float] | None] = {}
    for name, bounds in given.items():
        if bounds is not None and (isinstance(bounds, str) or not isinstance(bounds, Sequence) or len(bounds) != 2):
            raise ConfigError(f"the range of {_address(name)!r} must be two numbers; got {shown(bounds)}.")
        where = f"the range of {_address(name)!r}"
        found[name] = None if bounds is None else (check_number(bounds[0], where), check_number(bounds[1], where))
    return found


def _address(name: object) -> str:
    if not isinstance(name, str):
        raise ConfigError(f"an assumption is named by its address, such as 'terms.margin'; got {shown(name)}.")
    return name


@typed
def plausible_range(market: Market, address: str) -> PlausibleRange:
    """The interval of what is believed of one of the market's numbers (`market_beliefs`), or from half to twice its
    value where none is on record: for a fitted number, and for a convention that counts as known exactly.

    Raises ConfigError for an unknown address, and for a number that has no interval on record and is 0.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> found = plausible_range(market, "terms.margin")
    >>> round(found.low, 2), round(found.high, 2)
    (0.15, 0.45)
    """
    name = address.removeprefix("market.")
    value = number_at(market, (), name)
    if (known := market_beliefs(market).get(name)) and known.low < known.high:
        return PlausibleRange(known.low, known.high, known.source, known.status)
    if value == 0:
        raise ConfigError(f"{address!r} has no range on record. Give one: {{{address!r}: (low, high)}}.")
    low, high = sorted((value / 2, value * 2))
    return PlausibleRange(low, high, HALVED, "assumed")
