"""An answer depends neither on the currency, nor on the unit of time, nor on how many customers a sample has.

Multiply what customers pay and what the firm spends by f: the same happens, and every amount is multiplied by f. Say
all times in days or months instead of weeks: the same happens. Take a base of twice as many customers and twice the
budgets: twice as much happens, but for chance.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from tests.parity.mechanisms import CONTRACT_PARTS, MARKET_PARTS, STRATEGY_PARTS, scenario

import churnsim as cs
from churnsim.kernels.engine.ledger_accounts import COUNTS, MONEY
from churnsim.simulation.core.assumption import multiples_in, numbers_of
from churnsim.simulation.mechanisms.parts import Length, MarketPart, Money, settings_of

# Amounts of some 35,000 to begin with, so that a hundredth of a strategy's amounts is still whole cents.
LARGE = 1000.0
ALL = [*(name for name in STRATEGY_PARTS if name not in CONTRACT_PARTS), *MARKET_PARTS]


def settings_times(strategy, kind, factor):
    """The strategy with its settings of one kind (money, lengths of time) multiplied."""
    parts = {}
    for name in (f.name for f in fields(strategy)):
        part = getattr(strategy, name)
        if hasattr(part, "rules"):
            known = {
                key: getattr(part, key)
                for key, (_, about) in settings_of(type(part)).items()
                if isinstance(about, kind)
            }
            known = {key: value for key, value in known.items() if value is not None}
            parts[name] = replace(part, **{key: round(value * factor, 9) for key, value in known.items()})
    return replace(strategy, **parts)


def in_money(base, factor):
    """The scenario with all that its customers pay and its firm spends multiplied."""
    market, spend = base.market, base.market.spend
    parts = {
        name: replace(part, **{
            key: value * factor for key, value, about in numbers_of(part, "")
            if about.metadata["unit"].startswith("money") and key not in multiples_in(part)
        })
        for name in (f.name for f in fields(market)) if isinstance(part := getattr(market, name), MarketPart)
    }  # fmt: skip
    market = replace(market, spend=replace(spend, gamma=spend.gamma * factor), **parts)
    return replace(base, market=market, strategy=settings_times(base.strategy, Money, factor))


def ledger_of(tried, replication=0):
    return cs.simulate(tried, seed=5, replication=replication)


def assert_scaled(before, after, factor):
    for name in COUNTS:
        np.testing.assert_array_equal(before.count(name), after.count(name), err_msg=name)
    # What is booked is rounded to a cent: half a cent either way for each event and each customer at a review.
    booked = 0.5 * (1.0 + factor) * (sum(int(before.count(name).sum()) for name in COUNTS) + len(before.table))
    for name in MONEY:
        off = np.abs(after.cents(name) - factor * before.cents(name))
        assert off.max() <= booked + 1e-9 * np.abs(after.cents(name)).max(), name


@pytest.mark.parametrize(
    "names", [(name,) for name in ALL] + [tuple(ALL)], ids=lambda names: names[0] if len(names) == 1 else "all"
)
def test_any_currency(names):
    kept = [name for name in names if name in STRATEGY_PARTS]
    world = [name for name in names if name in MARKET_PARTS]
    first = in_money(scenario(kept, world, horizon=16.0), LARGE)
    before = ledger_of(first)
    for factor in (0.01, 0.1, 7.0, 1000.0):
        assert_scaled(before, ledger_of(in_money(first, factor)), factor)


def test_any_currency_under_contract():
    first = in_money(scenario(list(STRATEGY_PARTS), list(MARKET_PARTS), purchases="frailty", horizon=16.0), LARGE)
    for factor in (0.01, 1000.0):
        assert_scaled(ledger_of(first), ledger_of(in_money(first, factor)), factor)


def test_control_a_scale_in_money_is_found():
    first = scenario(["contacts"], [], horizon=16.0, retention=cs.simulation.RetentionResponse(spend_scale=0.5))
    first = in_money(first, LARGE)
    fixed = replace(first, market=replace(first.market, retention=cs.simulation.RetentionResponse(spend_scale=500.0)))
    other = in_money(first, 0.01)
    other = replace(other, market=replace(other.market, retention=fixed.market.retention))
    with pytest.raises(AssertionError):
        assert_scaled(ledger_of(fixed), ledger_of(other), 0.01)


@pytest.mark.parametrize("purchases", ["BG/NBD", "MBG/CNBD-k", "Pareto/NBD"])
@pytest.mark.parametrize("unit", ["D", "M"])
def test_any_unit_of_time(purchases, unit):
    weeks = scenario(STRATEGY_PARTS, MARKET_PARTS, purchases=purchases, horizon=16.0)
    of = cs.units.Duration(1, "W").to(unit)
    model = weeks.market.purchases
    times = {name: getattr(model, name) * of for name in ("alpha", "beta") if hasattr(model, name)}
    strategy = settings_times(weeks.strategy, Length, of)
    if purchases == "Pareto/NBD":  # a hazard per time unit, of which points are taken
        strategy = replace(strategy, churn=replace(strategy.churn, points=strategy.churn.points / of))
    other = cs.Scenario(
        market=replace(weeks.market, purchases=replace(model, unit=unit, **times)),
        strategy=strategy, horizon=16.0 * of, period=4.0 * of, epoch=of,
    )  # fmt: skip
    assert_scaled(ledger_of(weeks), ledger_of(other), 1.0)


def test_any_size_of_a_sample():
    """Profit per customer of half a base with half the budgets, where all that customers share grows with them."""
    names = ["acquisition", "contacts", "quality", "staff", "reward"]
    whole = scenario(
        names, ["word of mouth", "referral"], size=2000, horizon=16.0, competitors=cs.simulation.Competitors()
    )
    half = replace(
        whole, market=replace(whole.market, customers=cs.Cohort(size=1000)),
        strategy=settings_times(replace(whole.strategy, referral=None), Money, 0.5),
    )  # fmt: skip
    half = replace(half, strategy=replace(half.strategy, referral=whole.strategy.referral))
    assert half.market.prospects.size == whole.market.prospects.size / 2
    worth = [
        np.array([ledger_of(tried, k).profit_cents.sum() / len(tried.market.customers) for k in range(12)])
        for tried in (whole, half)
    ]
    error = np.sqrt(sum(values.var(ddof=1) / values.size for values in worth))
    assert abs(worth[0].mean() - worth[1].mean()) < 4 * error
    assert error < 0.05 * abs(worth[0].mean())
