"""Numbers of a market and of strategies by their address, such as "complaints.failure_share" or
"strategy.rewards.retention.budget_per_period"."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from churnsim.checks import check_kind, typed
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.units import Duration

Strategies = Sequence[Strategy]
FITTED = ("purchases", "spend")
NO_NUMBERS = ("customers", "beliefs", "origins")


@typed
def addresses(market: Market, strategies: Strategies = ()) -> dict[str, float]:
    """Every number there is and its value: the market's by the names that `assumptions` shows ("terms.margin"), a
    strategy's as "strategy.NAME.MECHANISM.FIELD". Durations in the market's unit.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> addresses(market)["terms.margin"], addresses(market)["win_back.half_life"]
    (0.3, 26.0)
    """
    check_kind(market, "market", Market, "a Market")
    check_kind(strategies, "strategies", Collection, "a list of Strategy")
    for strategy in strategies:
        check_kind(strategy, "each of strategies", Strategy, "a Strategy")
    found = dict(_numbers(market, "", market.unit))
    for strategy in strategies:
        found.update(_numbers(strategy, f"strategy.{strategy.name}.", market.unit))
    return found


def number_at(market: Market, strategies: Strategies, address: str) -> float:
    """The number at an address; "market." may stand in front of one of the market's. Raises ConfigError for an address
    that leads nowhere, with the nearest that does not."""
    known = addresses(market, strategies)
    name = _plain(address)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(map(repr, near))}?" if near else f"There are {', '.join(known)}."
        raise ConfigError(f"no number at {address!r}. {hint} A mechanism that is off has no numbers: turn it on first.")
    return known[name]


def changed(market: Market, strategies: Strategies, values: Mapping[str, float]) -> tuple[Market, tuple[Strategy, ...]]:
    """The market and strategies with these numbers in place of theirs, all changed at once.

    Raises ConfigError for an unknown address, for values that no market or strategy can have, for a whole number that
    is none, and for a fitted parameter of a market whose replications draw their own.
    """
    tree: dict[str, Any] = {}
    given = market
    for address, value in values.items():
        number_at(market, strategies, address)
        *path, name = _plain(address).split(".")
        if path[:1] and path[0] in FITTED and market.draws:
            raise ConfigError(
                f"{address!r} is drawn anew in each replication of this market, so it cannot be set. "
                "Take the market without its draws: replace(market, draws=())."
            )
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
        branch[name] = float(value)
    own = tree.pop("strategy", {})
    if set_here := {_plain(address) for address in values} & set(market.beliefs):
        # A number that is set is no longer drawn.
        market = replace(market, beliefs={n: b for n, b in market.beliefs.items() if n not in set_here})
    # What is measured by the customers' amounts is not among the numbers to change. A market with draws has no "spend".
    before = market.settled if "spend" in tree else market
    after = _replaced(before, tree, market.unit) if tree else market
    if after is not given:
        after.take_draws(given)
    return after, tuple(
        _replaced(strategy, own[strategy.name], market.unit) if strategy.name in own else strategy
        for strategy in strategies
    )


def _plain(address: str) -> str:
    return address.removeprefix("market.")


def _numbers(part: Any, prefix: str, unit: str) -> Iterator[tuple[str, float]]:
    """Numbers of a dataclass, or of a table by name, and of those in it; a population has none that can be set."""
    named = part if isinstance(part, Mapping) else {field.name: getattr(part, field.name) for field in fields(part)}
    for name, value in named.items():
        if isinstance(value, Duration):
            yield prefix + name, value.to(unit)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield prefix + name, float(value)
        elif (isinstance(value, Mapping) or _has_fields(value)) and name not in NO_NUMBERS:
            yield from _numbers(value, f"{prefix}{name}.", unit)


def _has_fields(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _replaced(part: Any, tree: Mapping[str, Any], unit: str) -> Any:
    """The dataclass, or the table, with the leaves of `tree` in it, each of the kind that it replaces."""
    if isinstance(part, Mapping):
        return {**part, **{name: _leaf(part[name], new, unit, name) for name, new in tree.items()}}
    return replace(part, **{name: _leaf(getattr(part, name), new, unit, name) for name, new in tree.items()})


def _leaf(old: Any, new: Any, unit: str, name: str) -> Any:
    if isinstance(new, Mapping):
        return _replaced(old, new, unit)
    if not math.isfinite(new):
        raise ConfigError(f"{name} must be finite; got {new!r}.")
    if isinstance(old, Duration):
        return Duration(new, unit)  # type: ignore[arg-type]
    if isinstance(old, int):
        if abs(new - round(new)) > 1e-9:
            raise ConfigError(f"{name} is a whole number; got {new!r}. Choose values at which it is one.")
        return round(new)
    return new
