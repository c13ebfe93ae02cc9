"""The numbers that outcomes rest on: value, interval, unit, meaning, source and status of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_kind, typed
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import LEVEL, Multiple, Origin, multiple_of
from churnsim.simulation.mechanisms.parts import Length, MarketPart, Money, parts_of, settings_of
from churnsim.simulation.scenario.beliefs import market_beliefs, numbers_by_name
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.units import UNIT_NAMES

# Unit and meaning of the fitted parameters.
FITTED = {
    "r": ("", "shape of the purchase rates over customers: the smaller, the more they differ"),
    "alpha": ("time units", "rate of the purchase rates: r / alpha is the mean number of purchases per time unit"),
    "a": ("", "dropout after a purchase, weight on leaving: a / (a + b) is its mean probability"),
    "b": ("", "dropout after a purchase, weight on staying"),
    "s": ("", "shape of the death rates over customers: the smaller, the more they differ"),
    "beta": ("time units", "rate of the death rates: s / beta is their mean"),
    "p": ("", "shape of one purchase's amount: the larger, the steadier a customer's amounts"),
    "q": ("", "shape of the mean amounts over customers: the larger, the less they differ"),
    "gamma": ("money", "rate of the mean amounts: p gamma / (q - 1) is the population's mean"),
    "k": ("stages", "of a gap between purchases: the more, the more regularly customers buy"),
}
STAGE_RATE = "rate of the rates at which the stages of a gap pass: r / (k alpha) is the mean number of purchases"
MEASURED = Origin("maximum likelihood on the customers' own history", "measured here (observational)")
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@typed
def assumptions(market: Market, strategies: Sequence[Strategy] = ()) -> pd.DataFrame:
    """The numbers that outcomes rest on: columns parameter, value, low, high, law, drawn, unit, meaning, source and
    status.

    `low` to `high` is the central 90% interval of what is believed of the number, the value itself where it is exact,
    and NaN where nothing is said. `law` names the law, "estimate" for a fitted parameter with draws of its estimation
    error, "draws" for a posterior. `drawn` says whether each replication has its own.

    Without strategies every number of the market. With them the market's numbers that have an effect under one of
    these at least, and then the strategies' own, of which those are "assumed" that say what customers or staff do; the
    firm's own choices are "chosen".

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=50.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> table = assumptions(market).set_index("parameter")
    >>> print(*table.loc["retention.max_effect", ["value", "low", "high", "law", "status"]])
    0.3 0.05 0.6 beta assumed
    """
    check_kind(strategies, "strategies", Sequence, "a list of Strategy")
    for strategy in strategies:
        check_kind(strategy, "each of strategies", Strategy, "a Strategy")
    rows = [*_fitted_numbers(market), *_market_numbers(market, strategies)]
    rows += [row for strategy in strategies for row in _own_numbers(strategy, market.unit)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(unit=table["unit"].str.replace("time units", UNIT_NAMES[market.unit]))


COLUMNS = ["parameter", "value", "low", "high", "law", "drawn", "unit", "meaning", "source", "status"]


def _fitted_numbers(market: Market) -> Iterator[dict[str, Any]]:
    for place, (kind, model) in enumerate((("purchases", market.purchases), ("spend", market.spend))):
        for name, value in model.to_dict().items():
            if not isinstance(value, (int, float)):
                continue
            drawn = [float(getattr(pair[place], name, np.nan)) for pair in market.draws]
            varies = len(set(drawn)) > 1
            low, high = np.quantile(drawn, ENDS).tolist() if varies else (np.nan, np.nan)
            unit, meaning = _fitted(model, name)
            origin = market.origins.get(f"{kind}.{name}", MEASURED)
            yield {
                "parameter": f"{kind}.{name}", "value": float(value), "low": low, "high": high,
                "law": "estimate" if varies else "", "drawn": varies,
                "unit": unit, "meaning": meaning, "source": origin.source, "status": origin.status,
            }  # fmt: skip


def _market_numbers(market: Market, strategies: Sequence[Strategy]) -> Iterator[dict[str, Any]]:
    known, believed = numbers_by_name(market), market_beliefs(market)
    fitted = [row["parameter"] for row in _fitted_numbers(market)]
    if unknown := set(market.origins) - set(known) - set(fitted):
        raise ConfigError(
            f"origins names {sorted(unknown)}, which the market does not have. It has {[*fitted, *known]}."
        )
    acting = {name for strategy in strategies for name in strategy.acting}
    for name, (part, value, about) in known.items():
        whole = getattr(market, part, None)
        if strategies and isinstance(whole, MarketPart) and not whole.uses(name.removeprefix(f"{part}."), acting):
            continue
        belief, multiple = believed[name], multiple_of(value)
        low, high = (belief.low, belief.high) if belief.level == LEVEL else belief.quantile(ENDS).tolist()
        # Nothing here to measure a multiple by: it is told in its own measure.
        unit = value.of if isinstance(value, Multiple) else about.metadata["unit"]
        meaning = about.metadata["meaning"]
        yield {
            "parameter": name, "value": belief.value, "low": low, "high": high,
            "law": "" if belief.certain else "draws" if belief.draws is not None else belief.drawn_by,
            "drawn": name in market.beliefs and not belief.certain, "unit": unit,
            "meaning": f"{meaning}: {multiple}" if multiple else meaning, "source": belief.source,
            "status": belief.status,
        }  # fmt: skip


def claimed_numbers(market: Market, strategies: Sequence[Strategy]) -> dict[str, str]:
    """The numbers that a text on trial claims and that have an effect on how these strategies differ, with their
    sources. What complaints do matters where a strategy acts on purchases that fail."""
    acting = {name for strategy in strategies for name in strategy.acting}
    on_failures = any(part.on_failures for strategy in strategies for part in strategy.parts)
    known, found = numbers_by_name(market), {}
    for name, belief in market_beliefs(market).items():
        part = known[name].part
        used = part != "complaints" or on_failures
        if belief.status == "claimed" and used and getattr(market, part).uses(name.removeprefix(f"{part}."), acting):
            found[name] = belief.source
    return found


def _own_numbers(strategy: Strategy, unit: str) -> Iterator[dict[str, Any]]:
    """The numbers of a strategy, as `assumptions` lists them."""
    for part, kind in parts_of(Strategy).items():
        chosen = getattr(strategy, part)
        for name, (_, about) in settings_of(kind).items() if chosen is not None else ():
            value = getattr(chosen, name)
            shares = value if isinstance(value, Mapping) else {}
            for key, share in shares.items():
                yield _own_row(f"{strategy.name}: {part}.{name}.{key}", share, "", about.meaning, guess=about.guess)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            told, measure = about.meaning, ""
            if isinstance(about, Money):
                told, measure = name.replace("_", " "), about.meaning.replace("currency", "money", 1)
            elif isinstance(about, Length):
                measure = UNIT_NAMES[unit]
            yield _own_row(f"{strategy.name}: {part}.{name}", value, measure, told, guess=about.guess)


def _own_row(name: str, value: float, unit: str, meaning: str, *, guess: bool) -> dict[str, Any]:
    return {
        "parameter": name, "value": float(value), "low": np.nan, "high": np.nan, "law": "", "drawn": False,
        "unit": unit, "meaning": meaning, "source": "the configuration of the strategy",
        "status": "assumed" if guess else "chosen",
    }  # fmt: skip


def _fitted(model: Any, name: str) -> tuple[str, str]:
    """Unit and meaning of a fitted parameter."""
    if name == "alpha" and hasattr(model, "k"):
        return "time units", STAGE_RATE
    return FITTED.get(name, ("", name.replace("_", " ")))
