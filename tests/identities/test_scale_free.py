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
from churnsim.simulation.core.assumption import CUSTOMER, PURCHASE, Multiple, multiples_in, numbers_of
from churnsim.simulation.mechanisms.parts import Length, MarketPart, Money, settings_of

# Amounts of some 35,000 to begin with, so that a thousandth of a strategy's amounts is still whole cents.
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
    """The scenario with all that its customers pay and its firm spends multiplied, and what was set of the market;
    what is left at its default is the package's to put right."""
    market, spend = base.market, base.market.spend
    parts = {
        name: replace(part, **{
            key: value * factor for key, value, about in numbers_of(part, "")
            if about.metadata["unit"].startswith("money") and key not in multiples_in(part) and value != about.default
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


# Half of those who leave do so for a failure, and newcomers among the staff cause most failures, so that money spent on
# either is seen in the counts.
FAILING = {
    "prospects": cs.simulation.Prospects(ceiling=0.02, spend_scale=Multiple(0.02, PURCHASE)),  # far from its ceiling
    "complaints": cs.simulation.Complaints(
        failure_share=0.5, complaint_probability=0.9, silent_stay=0.0,
        stay_quick=0.3, stay_slow=0.1, stay_unresolved=0.0,
    ),
    "staff": cs.simulation.StaffResponse(
        turnover_per_year=5.0, learning=cs.units.Duration(4, "W"), novice_factor=20.0, max_effect=1.0
    ),
}  # fmt: skip


def large(kept, world, **more):
    """A scenario in large amounts. A thousandth of it is in the amounts of the parts as they are written."""
    return in_money(scenario(kept, world, size=150, horizon=16.0, **FAILING, **more), LARGE)


@pytest.mark.parametrize(
    "names", [(name,) for name in ALL] + [tuple(ALL)], ids=lambda names: names[0] if len(names) == 1 else "all"
)
def test_any_currency(names):
    first = large([name for name in names if name in STRATEGY_PARTS], [name for name in names if name in MARKET_PARTS])
    before = ledger_of(first)
    for factor in (0.001, 0.01, 7.0, 1000.0):
        assert_scaled(before, ledger_of(in_money(first, factor)), factor)


def test_any_currency_under_contract():
    first = large(STRATEGY_PARTS, MARKET_PARTS, purchases="frailty")
    for factor in (0.001, 1000.0):
        assert_scaled(ledger_of(first), ledger_of(in_money(first, factor)), factor)


SCALES = [
    (f.name, number)
    for f in fields(cs.Market) if isinstance(part := getattr(large([], MARKET_PARTS).market, f.name), MarketPart)
    for number, multiple in multiples_in(part).items() if multiple.of != CUSTOMER
]  # fmt: skip


@pytest.mark.parametrize(("part", "number"), SCALES)
def test_control_a_scale_in_money_is_found(part, number):
    """Each scale in turn, of the size that suits a thousandth of the amounts, whatever the amounts are."""
    first, factor = large(STRATEGY_PARTS, MARKET_PARTS), 0.001
    fixed = float(getattr(getattr(in_money(first, factor).market, part), number))
    before, after = (
        replace(tried, market=replace(tried.market, **{part: replace(getattr(tried.market, part), **{number: fixed})}))
        for tried in (first, in_money(first, factor))
    )
    with pytest.raises(AssertionError):
        assert_scaled(ledger_of(before), ledger_of(after), factor)


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
