"""Mechanics of the further closed forms: what they refuse, and how they say so."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from churnsim import economics
from churnsim.economics.break_even import growth_ratio, least_gain, most_spend
from churnsim.economics.customer_equity import asset_equation
from churnsim.economics.diffusion import Diffusion
from churnsim.economics.gupta_lehmann import CustomerValue
from churnsim.economics.multiples import MarginTiming, margin_multiple
from churnsim.economics.second_lifetime import WinBackOffer, odds_to_match
from churnsim.economics.switching import FlowShare, lifetime_values, stationary_shares
from churnsim.economics.tenure_profit import TenureProfit
from churnsim.errors import ConfigError

FLOWS = dict.fromkeys(("evaporate", "switch_out", "rivals_evaporate", "switch_in", "new", "new_share"), 0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CustomerValue(margin=1, retention=80, discount_rate=0.1), "retention must be from 0 to 1; got 80"),
        (lambda: CustomerValue(margin=1, retention=0.9, discount_rate=0.1, margin_growth=0.5), "value is infinite"),
        (lambda: economics.repeated_sales(contribution=1, promotion=1, retention=2, discount_rate=0, sales=1),
        "retention must be from 0 to 1; got 2"),
        (lambda: economics.migration(buys=(), contribution=1, promotion=1, discount_rate=0, periods=1),
        "probability"), (lambda: economics.recency_chain((1.2,)), "each of buys must be from 0 to 1; got 1.2"),
        (lambda: economics.chain_values(np.eye(2), (1.0,), discount_rate=0.1), "one reward for each"),
        (lambda: economics.chain_values(np.eye(2), (1.0, 1.0), discount_rate=0.0), "above 0"),
        (lambda: stationary_shares(np.eye(2)), "do not settle"),
        (lambda: stationary_shares(np.ones((2, 2))), "sum to 1; row 0"),
        (lambda: stationary_shares(np.ones((2, 3))), "square"),
        (lambda: lifetime_values(np.eye(2), np.ones(2), annual_discount_rate=0, purchases_per_year=1), "above 0"),
        (lambda: FlowShare(**{**FLOWS, "evaporate": 1.5}), "evaporate must be from 0 to 1"),
        (lambda: FlowShare(**{**FLOWS, "evaporate": 0.7, "switch_out": 0.7}), "flows out of a base must be"),
        (lambda: Diffusion(p=0, q=0, market=1), "above 0"),
        (lambda: Diffusion(p=0.1, q=0.1, market=1, attrition=0.1).peak_time, "without attrition"),
        (lambda: economics.whale(np.array([])), "at least one"),
        (lambda: economics.whale(np.array([-1.0, 0.5])), "must earn something"),
        (lambda: economics.cost_for_worst(np.ones(3), share=0.1), "none or all of them"),
        (lambda: economics.erlang_c(0, 1.0), "staff must be a whole number, from 1 to 1000000; got 0"),
        (lambda: economics.Desk(staff=1, arrivals=1.0, service_rate=0.0), "above 0"),
        (lambda: WinBackOffer(chance=40, cost=1), "chance must be from 0 to 1; got 40"),
        (lambda: WinBackOffer(chance=0.4, cost=-1), "cost must be a finite number at least 0"),
        (lambda: WinBackOffer(chance=0.4, cost=1).gain(5.0, lost=2.0), "lost must be"),
        (lambda: TenureProfit(base=math.nan), "base must be a finite"),
        (lambda: TenureProfit(base=1).in_year(0), "year of the relation must be a whole number, 1 or more"),
        (lambda: asset_equation(existing=1, churn=20, potential=0), "churn must be from 0 to 1; got 20"),
        # Not a number is no number anywhere, nor is text or a yes.
        (lambda: WinBackOffer(chance=0.4, cost=math.nan), "cost must be a finite number"),
        (lambda: economics.Desk(staff=2.5, arrivals=1.0, service_rate=1.0), "staff must be a whole number"),
        (lambda: CustomerValue(margin="9", retention=0.8, discount_rate=0.1), "margin must be a number"),
        (lambda: economics.Geometric(retention=True), "retention must be a number; got True"),
        (lambda: stationary_shares(np.full((2, 2), np.nan)), "sum to 1"),
        # Steps are whole numbers within reason.
        (lambda: economics.repeated_sales(contribution=1, promotion=1, retention=0.5, discount_rate=0, sales=2.5),
         "sales must be a whole number"),
        (lambda: economics.erlang_c(10**9, 1.0), "staff must be a whole number, from 1 to 1000000"),
        (lambda: economics.shares_over_time(np.eye(2), np.ones(2) / 2, periods=-1), "periods must be"),
        (lambda: FlowShare(**FLOWS).share(0.0, 0.0, periods=3), "rivals must be a finite number above 0"),
        (lambda: economics.whale(np.array([1.0, 2.0])).top(20), "share must be from 0 to 1"),
        (lambda: Diffusion(p=0.1, q=0.1, market=1).discounted_customers(force=0.1, horizon=-1.0), "horizon must be"),
        (lambda: Diffusion(p=0.1, q=0.1, market=1).discounted_customers(force=math.nan, horizon=1.0), "force must be"),
        (lambda: Diffusion(p=0.1, q=0.1, market=1).customers(-1.0), "t must be 0 or more; got -1.0"),
        (lambda: Diffusion(p=0.1, q=0.1, market=1).customers(math.nan), "t must be 0 or more; got nan"),
        (lambda: Diffusion(p=0.1, q=0.1, market=1).value_of_lost(start=-1, force=0.1, horizon=1.0), "start.*got -1"),
        (lambda: most_spend(margin=1, retention=1, gain=0.1, discount_rate=0), "infinitely much"),
        (lambda: most_spend(margin=math.nan, retention=0.8, gain=0.1, discount_rate=0.1), "margin must be a finite"),
        (lambda: least_gain(margin=0, retention=0.8, spend=1, discount_rate=0.1), "margin must be .* above 0"),
        (lambda: growth_ratio(acquisition=math.nan, churn=0.1, other_churn=0.2), "acquisition must be a finite"),
        (lambda: odds_to_match(chance_new=0.1, value_new=1, value_second=1, cost_new=0), "cost_new must be"),
        (lambda: economics.shares_over_time(np.eye(2), np.ones(3), periods=1), "start must hold one number for each"),
        (lambda: lifetime_values(np.eye(2), np.ones(3), annual_discount_rate=0.1, purchases_per_year=1),
         "contribution must hold one number for each of the 2 brands"),
        (lambda: economics.ProfitStream(profits=5), "profits must be numbers in a list"),
        (lambda: economics.RetentionTable.through(
            customers=0, retained=(8, 9), sales=(1, 2), gross_profit=(1, 2), marketing=(0, 1), other_fixed_cost=1),
         "customers must be a finite number above 0"),
    ],
)  # fmt: skip
def test_refused_in_words(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_numbers_may_stand_in_an_array_or_a_series(kind):
    chances, M = kind([0.3, 0.2]), [[0.75, 0.25], [0.5, 0.5]]
    assert economics.recency_chain(chances)[:2, 0].tolist() == [0.3, 0.2]
    assert economics.ProfitStream(profits=chances) == economics.ProfitStream(profits=(0.3, 0.2))
    assert stationary_shares(pd.DataFrame(M)).tolist() == stationary_shares(np.array(M)).tolist()
    assert margin_multiple(np.float32(0.5), discount_rate=0.0, timing=MarginTiming.IMMEDIATE) == 2.0


def test_edges():
    assert growth_ratio(acquisition=0.1, churn=0.05, other_churn=0.1) == math.inf
    assert odds_to_match(chance_new=0.05, value_new=1, value_second=0) == math.inf
    assert WinBackOffer(chance=0.0, cost=1).least_value() == math.inf
    assert WinBackOffer(chance=0.5, cost=1).least_chance(0.0) == math.inf
    busy = economics.Desk(staff=1, arrivals=2.0, service_rate=1.0)
    assert (busy.mean_wait(), busy.replied_within(5.0), economics.erlang_c(1, 2.0)) == (math.inf, 0.0, 1.0)
    assert economics.best_staff(
        arrivals=1, service_rate=1, quick_within=1, value_quick=1, value_slow=0, wage=99
    ) == 0  # fmt: skip
