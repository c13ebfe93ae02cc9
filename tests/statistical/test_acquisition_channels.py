"""Truth: closed forms and parity. Several channels bring customers from one pool, each by its own response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.evidence import Belief
from churnsim.simulation import Acquisition, AcquisitionChannel, Prospects, addresses
from churnsim.simulation.core.assumption import PURCHASE, Multiple
from churnsim.simulation.scenario.parameter_paths import changed

SIZE, PERIODS = 60_000.0, 3
CHANNELS = {
    "search": AcquisitionChannel(ceiling=0.02, spend_scale=0.02),
    "mail": AcquisitionChannel(ceiling=0.05, spend_scale=0.10),
}


@pytest.fixture(scope="module")
def market():
    return cs.Market(
        customers=cs.Cohort(size=20),
        purchases=cs.BGNBD(r=0.3, alpha=20.0, a=0.8, b=2.4),
        spend=cs.simulation.FixedSpend(amount=10.0),
        prospects=Prospects(size=SIZE, ceiling=0.01, spend_scale=0.01, channels=CHANNELS),
    )


def spending(channels=None, budget=1000.01):
    return cs.Strategy(name="ads", acquisition=Acquisition(budget_per_period=budget, channels=channels))


def run(market, strategy, engine="compiled"):
    scenario = cs.Scenario(market=market, strategy=strategy, horizon=4.0 * PERIODS, period=4.0, epoch=1.0)
    return cs.simulate(scenario, seed=3, engine=engine, log=True)


SPLIT = {"search": 0.5, "mail": 0.3}


@pytest.fixture(scope="module")
def split(market):
    return run(market, spending(SPLIT))


def test_newcomers_of_each_channel_follow_its_own_response(split):
    """Competing hazards: of n people left, n (1 - e^(-sum h)) come in a period, of these the share h_c / sum h by c,
    with h_c = -ln(1 - ceiling_c (1 - e^(-spend per person / scale_c))). Within 4 standard deviations."""
    responses = {"": (0.2, 0.01, 0.01), "search": (0.5, 0.02, 0.02), "mail": (0.3, 0.05, 0.10)}
    hazards = {
        name: -np.log1p(-ceiling * -np.expm1(-part * 1000.01 / SIZE / scale))
        for name, (part, ceiling, scale) in responses.items()
    }
    total = sum(hazards.values())
    came = split.channels.groupby("channel")["newcomers"].sum()
    for name, hazard in hazards.items():
        share = -np.expm1(-total * PERIODS) * hazard / total
        assert abs(came[name] - SIZE * share) < 4 * np.sqrt(SIZE * share * (1 - share))
        assert SIZE * share > 200


def test_channels_add_up_to_the_ledger_and_customers_carry_theirs(market, split):
    by_period = split.channels.groupby("period")
    np.testing.assert_array_equal(by_period["newcomers"].sum(), split.count("births_paid"))
    np.testing.assert_array_equal(by_period["cents"].sum(), split.cents("acquisition"))
    assert split.channels.loc[split.channels["channel"] == "search", "cents"].tolist() == [50_001] * PERIODS
    experiment = cs.Experiment(market=market, seed=3, horizon=4.0 * PERIODS, period=4.0, epoch=1.0)
    table = cs.decisions.customer_table(experiment, spending(SPLIT), 0)
    paid = table[table["origin"] == "paid"]["channel"].value_counts()
    came = split.channels.groupby("channel")["newcomers"].sum()
    assert paid.to_dict() == came.to_dict()
    assert (table.loc[table["origin"] != "paid", "channel"] == "").all()


def test_one_channel_is_the_same_with_and_without_a_name(market):
    plain = replace(market, prospects=Prospects(size=SIZE, ceiling=0.02, spend_scale=0.02))
    one, named = run(plain, spending()), run(market, spending({"search": 1.0}))
    np.testing.assert_array_equal(one.table, named.table)
    assert one.events == named.events
    assert one.channels is None
    assert named.channels["channel"].unique().tolist() == ["search"]


def test_both_engines_and_any_order_of_the_channels(market):
    few = replace(
        market,
        prospects=replace(market.prospects, size=3000.0),
        word_of_mouth=cs.simulation.WordOfMouth(weight=2.0, imitation=2.0),
        competitors=cs.simulation.Competitors(customers=300.0, loss_per_year=0.5, comes_here=0.3),
    )
    ledgers = [run(few, spending(SPLIT, 100.0), engine) for engine in ("simpy", "compiled")]
    other = replace(few.prospects, channels=dict(reversed(CHANNELS.items())))
    ledgers.append(run(replace(few, prospects=other), spending(dict(reversed(SPLIT.items())), 100.0)))
    for ledger in ledgers[1:]:
        np.testing.assert_array_equal(ledger.table, ledgers[0].table)
        assert ledger.events == ledgers[0].events
        pd.testing.assert_frame_equal(ledger.customers, ledgers[0].customers, check_exact=True)
        pd.testing.assert_frame_equal(ledger.channels, ledgers[0].channels)
    assert (ledgers[0].count("births_told") > 0).any()
    assert ledgers[0].channels["newcomers"].sum() == ledgers[0].count("births_paid").sum() > 0


def test_numbers_of_channels_are_numbers_of_the_market(market):
    """Addressed, changed, believed and listed like others, where a strategy spends on them; money as multiples of a
    purchase too."""
    own = Prospects(
        channels={"search": AcquisitionChannel(spend_scale=Multiple(0.01, PURCHASE)), "mail": CHANNELS["mail"]}
    )
    market = replace(market, prospects=own)
    ads = spending({"search": 1.0})
    known = addresses(market, [ads])
    assert known["prospects.channels.search.spend_scale"] == pytest.approx(0.1)
    assert known["strategy.ads.acquisition.channels.search"] == 1.0
    new, (less,) = changed(
        market, [ads], {"prospects.channels.mail.ceiling": 0.2, "strategy.ads.acquisition.channels.search": 0.25}
    )
    assert new.prospects.channels["mail"] == replace(CHANNELS["mail"], ceiling=0.2)
    assert less.acquisition.by_channel() == {"": 0.75 * 1000.01, "search": 0.25 * 1000.01}
    draws = np.linspace(0.01, 0.03, 5)
    sure = replace(
        market, beliefs={"prospects.channels.search.ceiling": Belief.of_draws(draws, status="assumed", source="x")}
    )
    assert sure.prospects.channels["search"].ceiling == pytest.approx(0.02)
    assert sure.in_replication(3, seed=1).prospects.channels["search"].ceiling == draws[3]
    assert sure.in_replication(3, seed=1).prospects.channels["mail"] == CHANNELS["mail"]
    listed = set(cs.evidence.assumptions(market, [ads])["parameter"])
    assert {"prospects.channels.search.ceiling", "ads: acquisition.channels.search"} <= listed
    assert not {"prospects.channels.mail.ceiling", "prospects.ceiling"} & listed


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Prospects(channels={"a.b": AcquisitionChannel()}), "names without dots"),
        (lambda: Prospects(channels={"search": 0.3}), r"channels\.search must be an AcquisitionChannel"),
        (lambda: Prospects(channels=["search"]), "channels must be AcquisitionChannels by name"),
        (lambda: AcquisitionChannel(ceiling=1.0), "ceiling must be"),
        (lambda: Acquisition(budget_per_period=1.0, channels={"a": 0.7, "b": 0.4}), r"add up to 1\.1"),
        (lambda: Acquisition(budget_per_period=1.0, channels={"a": -0.1}), r"channels\.a must be"),
        (lambda: Acquisition(budget_per_period=1.0, channels=0.5), "channels must be shares"),
    ],
)  # fmt: skip
def test_what_no_channels_can_be_is_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_a_channel_that_the_market_lacks_is_named(market):
    with pytest.raises(ConfigError, match="spends on 'radio', which is no channel of this market"):
        run(market, spending({"radio": 0.2}))
