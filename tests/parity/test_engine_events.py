"""Truth: agreement. The two engines give the same ledger and the same events, bit for bit, whatever the threads."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.parity.mechanisms import MARKET_PARTS, PURCHASES, SPENDS, STRATEGY_PARTS, lives_of, scenario

import churnsim as cs
from churnsim.simulation.core import thread_pool
from churnsim.simulation.engine import event_buffers

PARTS = [(name,) for name in (*STRATEGY_PARTS, *MARKET_PARTS)]
PAIRS = list(combinations([*STRATEGY_PARTS, *MARKET_PARTS], 2))


def run(tried, engine, *, seed=1, replication=0, threads=1):
    return cs.simulate(tried, seed=seed, replication=replication, engine=engine, log=True, threads=threads)


def assert_same(a, b):
    np.testing.assert_array_equal(a.table, b.table)
    assert a.events == b.events
    assert a.open_complaints == b.open_complaints
    pd.testing.assert_frame_equal(a.customers, b.customers, check_exact=True)


def assert_engines_agree(tried, **address):
    assert_same(run(tried, "simpy", **address), run(tried, "compiled", **address))


def split(names):
    """Names of strategy parts, names of market parts."""
    return [n for n in names if n in STRATEGY_PARTS], [n for n in names if n in MARKET_PARTS]


def test_no_mechanism_of_a_strategy_is_left_out():
    tried = {field for part in STRATEGY_PARTS.values() for field in part}
    known = {field.name for field in fields(cs.Strategy)} - {"name", "title", "description"}
    assert known - tried == set(), "give each an entry of STRATEGY_PARTS in tests/parity/mechanisms.py"


@pytest.mark.parametrize("parts", PARTS, ids=lambda parts: parts[0])
def test_each_mechanism_alone(parts):
    assert_engines_agree(scenario(*split(parts), purchases=lives_of(parts)))


@pytest.mark.parametrize("pair", PAIRS[::9], ids=" and ".join)
def test_some_pairs(pair):
    assert_engines_agree(scenario(*split(pair), purchases=lives_of(pair), size=40, horizon=16.0))


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_every_pair(pair):
    for purchases in PURCHASES:
        assert_engines_agree(scenario(*split(pair), purchases=purchases, size=60, horizon=24.0))


@pytest.mark.parametrize("spend", SPENDS)
@pytest.mark.parametrize("purchases", PURCHASES)
def test_all_together(purchases, spend):
    assert_engines_agree(scenario(STRATEGY_PARTS, MARKET_PARTS, purchases=purchases, spend=spend), seed=4)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_hardly_anybody(size):
    assert_engines_agree(scenario(STRATEGY_PARTS, MARKET_PARTS, size=size))


@pytest.mark.slow
def test_many_customers():
    assert_engines_agree(scenario(STRATEGY_PARTS, MARKET_PARTS, size=20_000, horizon=12.0))


def test_real_customers_live_the_same_lives_in_both(cdnow_market):
    tried = scenario(STRATEGY_PARTS)
    needed = {name: getattr(tried.market, name) for name in ("referral", "competitors", "terms")}
    strategy, market = tried.strategy, replace(cdnow_market, **needed)
    real = cs.Scenario(market=market, strategy=strategy, horizon=24.0, period=4.0, epoch=2.0)
    assert_engines_agree(real, replication=3)


def test_real_customers_are_contacted_by_the_same_scores(cdnow_market, cdnow_split):
    """Those in the first rows are scored; newcomers are not."""
    scores = cdnow_split["frequency"].iloc[:200].astype(float)
    strategy = cs.Strategy(
        name="scored",
        acquisition=cs.simulation.Acquisition(budget_per_period=300.0),
        retention=cs.simulation.RetentionContacts(
            budget_per_period=90.0, rule="score", share=0.3, scores=scores, unscored=1.0
        ),
    )
    real = cs.Scenario(market=cdnow_market, strategy=strategy, horizon=24.0, period=4.0, epoch=2.0)
    assert_engines_agree(real, replication=3)


def generated():
    """Any mechanisms, any lifetime, any clock."""
    return st.tuples(
        st.sets(st.sampled_from(sorted(STRATEGY_PARTS)), max_size=8),
        st.sets(st.sampled_from(sorted(MARKET_PARTS)), max_size=4),
        st.sampled_from(sorted(PURCHASES)),
        st.sampled_from(sorted(SPENDS)),
        st.integers(0, 60),
        st.sampled_from([(1.0, 1), (0.5, 3), (4.0, 1), (0.1, 7)]),
        st.integers(0, 2**63 - 1),
        st.integers(0, 2**40),
    )


def check(drawn):
    strategy_parts, market_parts, purchases, spend, size, (epoch, epochs), seed, replication = drawn
    tried = scenario(sorted(strategy_parts), sorted(market_parts), purchases=purchases, spend=spend, size=size)
    period = epoch * epochs
    tried = cs.Scenario(
        market=tried.market, strategy=tried.strategy, horizon=period * max(1, round(16 / period)), period=period,
        epoch=epoch,
    )  # fmt: skip
    assert_engines_agree(tried, seed=seed, replication=replication)
    return tried, {"seed": seed, "replication": replication}


@given(generated())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_generated_scenarios(drawn):
    check(drawn)


@pytest.mark.slow
@given(generated())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_generated_scenarios(drawn):
    """Also on three threads, with chunks of a handful of customers and buffers that fill up at once."""
    tried, address = check(drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thread_pool, "SMALLEST_CHUNK", 7)
        patch.setattr(event_buffers, "BUFFER_LINES", 9)
        pieces = run(tried, "compiled", threads=3, **address)
    assert_same(run(tried, "compiled", **address), pieces)


def test_threads_and_full_buffers_change_nothing(monkeypatch):
    """Chunks of a handful of customers, and buffers that fill up at once."""
    tried = scenario(STRATEGY_PARTS, MARKET_PARTS, size=400)
    one = run(tried, "compiled")
    monkeypatch.setattr(thread_pool, "SMALLEST_CHUNK", 7)
    monkeypatch.setattr(event_buffers, "BUFFER_LINES", 9)
    for threads in (1, 2, 5):
        assert_same(one, run(tried, "compiled", threads=threads))


def test_every_mechanism_does_something():
    """A mechanism that never acts would agree with anything: each changes the books of the scenario it is tried in."""
    plain = {lives: run(scenario([], [], purchases=lives), "compiled").table for lives in ("BG/NBD", "frailty")}
    needs = {
        "reward": ["referral"], "ties": ["competitors"], "dismissal": ["cost to serve"], "spread": ["contacts"],
        "lift": ["contacts"],
    }  # fmt: skip
    for name in (*STRATEGY_PARTS, *MARKET_PARTS):
        others = needs.get(name, [])
        lives = lives_of([name])
        without, with_it = (
            run(scenario(*split(parts), purchases=lives), "compiled").table for parts in (others, [*others, name])
        )
        assert (with_it != without).any(), name
        assert not others or (without != plain[lives]).any()


def test_control_another_seed_is_noticed():
    """The comparison must be able to fail."""
    tried = scenario(STRATEGY_PARTS, size=50)
    with pytest.raises(AssertionError):
        assert_same(run(tried, "simpy", seed=1), run(tried, "compiled", seed=2))
