"""Truth: theory. Each lifetime follows its law in the simulation, whatever share of it service failures cause.

Bounds are 4 standard errors of the simulated mean (a false alarm in about 1 of 16,000 checks), seeds are fixed; every
check is shown to fail for a model that is a little wrong.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import gamma as gamma_law

import churnsim as cs
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.complaints import Complaints

SIZE, WEEKS = 20_000, 52.0
SPEND = cs.simulation.FixedSpend(amount=10.0)
MBG = cs.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614)  # CDNOW, published no. 11
PARETO = cs.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)  # CDNOW, published no. 10


def run(
    purchases, *, size=SIZE, horizon=WEEKS, period=None, epoch=None, failure_share=0.0, spend=SPEND, log=False, **market
):
    place = cs.Market(
        customers=cs.Cohort(size=size), purchases=purchases, spend=spend,
        complaints=Complaints(failure_share=failure_share), **market,
    )  # fmt: skip
    scenario = cs.Scenario(
        market=place, strategy=cs.Strategy(name="none"), horizon=horizon, period=period or horizon,
        epoch=epoch or period or horizon,
    )  # fmt: skip
    return cs.simulate(scenario, seed=11, log=log)


def counts_of(ledger):
    bought = Counter(event.uid for event in ledger.events if event.kind == "purchase")
    return np.array([*bought.values(), *[0] * (SIZE - len(bought))])


def z_of_mean(counts, model):
    expected = float(model.expected_purchases_new(WEEKS))
    return (counts.mean() - expected) / (counts.std(ddof=1) / np.sqrt(counts.size))


def chi_square(counts, model, cap=8):
    chances = model.purchase_pmf(range(cap), WEEKS)
    chances = np.append(chances, 1 - chances.sum())
    seen = np.bincount(np.minimum(counts, cap), minlength=cap + 1)
    return float(((seen - counts.size * chances) ** 2 / (counts.size * chances)).sum())


@pytest.mark.parametrize(
    "purchases",
    [
        cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
        MBG,
        PARETO,
        cs.models.MBGCNBD(r=3.0, alpha=10.0, a=0.891, b=1.614, k=3),
        cs.NBD(r=0.553, alpha=10.578),
        *(
            cs.simulation.ContractualLifetime(term=4.0, unit="W", **own)
            for own in ({"a": 0.7, "b": 3.0}, {"hazards": (0.2, 0.1)}, {"a": 0.7, "b": 3.0, "hazards": (0.2, 0.1)})
        ),
    ],
    ids=lambda model: model.family,
)
def test_the_engine_keeps_as_many_as_the_model_says(purchases):
    """Given the same drawn traits, by the closed forms of `RemainingLifetimes`."""
    market = cs.Market(customers=cs.Cohort(size=SIZE), purchases=purchases, spend=SPEND)
    base = market.customers.draw(purchases=purchases, spend=SPEND, seed=11, replication=0, threads=1)
    lives = market.remaining_lifetimes(base)
    ledger = run(purchases)
    left = lives.left_by(WEEKS - 1e-6)[base.alive]  # what is due at the horizon does not happen any more
    losses = sum(ledger.count(f"losses_{kind}").sum() for kind in ("organic", "failure", "complaint"))
    assert abs(losses - left.sum()) <= 4 * np.sqrt((left * (1.0 - left)).sum())
    expected = lives.purchases(WEEKS)[base.alive].sum()
    # Some 20,000 sums that vary like Poisson numbers of their means or more, as customers leave: twice that at most.
    assert abs(ledger.count("purchases").sum() - expected) < 4 * np.sqrt(2.0 * expected)
    if purchases is PARETO:  # control: the death rate as a chance per purchase keeps far more
        wrong = np.exp(-WEEKS * base.traits[:, 0] * base.traits[:, 1])
        assert (1.0 - wrong).sum() < losses - 1000


CHI_SQUARE_LIMIT = 31.8  # 99.99% point with 8 degrees of freedom


@pytest.mark.parametrize("failure_share", [0.0, 0.4])
def test_counts_follow_mbg_nbd(failure_share):
    counts = counts_of(run(MBG, failure_share=failure_share, log=True))
    assert abs(z_of_mean(counts, MBG)) < 4
    assert chi_square(counts, MBG) < CHI_SQUARE_LIMIT
    wrong = cs.BGNBD(r=MBG.r, alpha=MBG.alpha, a=MBG.a, b=MBG.b)  # nobody leaves after the first purchase
    assert abs(z_of_mean(counts, wrong)) > 4
    assert chi_square(counts, wrong) > CHI_SQUARE_LIMIT


def test_counts_follow_mbg_cnbd():
    """The k of the model reaches the simulation. Its rates are those of stages, the simulation's those of purchases."""
    regular = cs.models.MBGCNBD(r=3.0, alpha=10.0, a=0.891, b=1.614, k=3)
    counts = counts_of(run(regular, log=True))
    assert abs(z_of_mean(counts, regular)) < 4
    assert chi_square(counts, regular) < CHI_SQUARE_LIMIT
    wrong = cs.MBGNBD(r=3.0, alpha=30.0, a=0.891, b=1.614)  # the same rates, gaps without stages
    assert chi_square(counts, wrong) > CHI_SQUARE_LIMIT


def test_customers_of_mbg_cnbd_go_on_from_their_silence():
    """Drawn from the posterior given their histories and their silence, they buy as often as the model expects."""
    regular = cs.models.MBGCNBD(r=1.2, alpha=1.5, a=0.5, b=2.5, k=3)
    histories = regular.draw_summary(np.full(12_000, 26.0), seed=3)
    market = cs.Market(customers=cs.PosteriorBase(histories.assign(monetary_value=1.0)), purchases=regular, spend=SPEND)
    scenario = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=4.0, period=4.0, epoch=4.0)
    ledgers = [cs.simulate(scenario, seed=11, replication=r).count("purchases").sum() for r in range(8)]
    expected = float(regular.expected_purchases(histories, 4.0).sum())
    error = np.sqrt(expected / len(ledgers))  # Poisson's, which regular buyers stay below
    assert abs(np.mean(ledgers) - expected) < 4 * error
    forgetful = cs.MBGNBD(r=1.2, alpha=4.5, a=0.5, b=2.5)
    assert abs(np.mean(ledgers) - float(forgetful.expected_purchases(histories, 4.0).sum())) > 4 * error


def test_counts_follow_pareto_nbd():
    counts = counts_of(run(PARETO, log=True))
    assert abs(z_of_mean(counts, PARETO)) < 4
    assert chi_square(counts, PARETO) < CHI_SQUARE_LIMIT
    wrong = cs.ParetoNBD(r=PARETO.r, alpha=PARETO.alpha, s=PARETO.s * 1.3, beta=PARETO.beta)
    assert abs(z_of_mean(counts, wrong)) > 4


def test_counts_follow_nbd_and_nobody_leaves():
    nbd = cs.NBD(r=0.553, alpha=10.578)
    ledger = run(nbd, log=True)
    counts = counts_of(ledger)
    assert abs(z_of_mean(counts, nbd)) < 4
    assert chi_square(counts, nbd) < CHI_SQUARE_LIMIT
    assert ledger.count("active_end")[-1] == SIZE
    assert abs(z_of_mean(counts, cs.NBD(r=0.553 * 1.1, alpha=10.578))) > 4


@pytest.mark.parametrize("failure_share", [0.0, 0.4])
def test_pareto_lifetimes_keep_their_law(failure_share):
    """P(alive at t) = (beta/(beta + t))^s, failures or not; with failures the counts are another law's."""
    alive = run(PARETO, failure_share=failure_share).count("active_end")[-1] / SIZE
    expected = (PARETO.beta / (PARETO.beta + WEEKS)) ** PARETO.s
    error = np.sqrt(expected * (1 - expected) / SIZE)
    assert abs(alive - expected) < 4 * error
    assert abs(alive - (PARETO.beta / (PARETO.beta + WEEKS)) ** (PARETO.s * 1.1)) > 4 * error


@pytest.mark.parametrize("k", [1, 3])
def test_regular_buyers_have_erlang_gaps(k):
    """Everybody buys at rate 0.1 and hardly anybody leaves: the first gap is Erlang-k with mean 10."""
    ledger = run(cs.BGNBD(r=1e6, alpha=1e7, a=1e-3, b=1e3), regularity=k, log=True, horizon=8.0)
    came = len({event.uid for event in ledger.events if event.kind == "purchase"}) / SIZE
    expected, other = (gamma_law.cdf(8.0, shape, scale=10.0 / shape) for shape in (k, k + 1))
    error = np.sqrt(expected * (1 - expected) / SIZE)
    assert abs(came - expected) < 4 * error
    assert abs(came - other) > 4 * error


@pytest.mark.parametrize("failure_share", [0.0, 0.3])
def test_contracts_follow_sbg(failure_share):
    """Survival at renewal t is B(a, b + t)/B(a, b) (Fader & Hardie 2007), failures or not."""
    contract = cs.simulation.ContractualLifetime(term=1.0, a=0.668, b=3.806, unit="Y")  # "High End", published no. 14
    ledger = run(contract, horizon=7.5, period=0.5, failure_share=failure_share)
    active = ledger.count("active_end")[1::2] / SIZE  # just before renewals 1, 2, ... at the half year after
    expected = np.cumprod([(3.806 + t - 1) / (0.668 + 3.806 + t - 1) for t in range(1, 8)])
    error = np.sqrt(expected * (1 - expected) / SIZE)
    found = ledger.count("active_end")[2::2] / SIZE
    assert active[0] == 1.0
    assert (np.abs(found - expected) < 4 * error).all()
    wrong = np.cumprod([(3.806 + t) / (0.668 + 3.806 + t) for t in range(1, 8)])  # a renewal too early
    assert (np.abs(found - wrong) > 4 * error).any()


def test_hazards_by_tenure_multiply():
    hazards = (0.4, 0.2, 0.1)
    contract = cs.simulation.ContractualLifetime(term=1.0, hazards=hazards, unit="Y")
    active = run(contract, horizon=5.5, period=0.5).count("active_end")[2::2] / SIZE
    expected = np.cumprod([1 - h for h in (*hazards, 0.1, 0.1)])
    error = np.sqrt(expected * (1 - expected) / SIZE)
    assert (np.abs(active - expected) < 4 * error).all()
    assert (np.abs(active - np.cumprod([0.6, 0.8, 0.8, 0.8, 0.8])) > 4 * error).any()


def test_without_chance_the_card_example_is_arithmetic():
    """'Keeping existing customers' (undated): -51, 30, 42, 44, 49, 55 in five years, 111.66 at 10% (year-end flows)."""
    profits = (-51, 30, 42, 44, 49, 55)
    contract = cs.simulation.ContractualLifetime(term=1.0, hazards=(0.0, 0.0, 0.0, 0.0, 0.0, 1.0), unit="Y")
    place = cs.Market(
        customers=cs.Cohort(size=0), purchases=contract, spend=cs.simulation.ProfitByTenure(profits=profits),
        prospects=Prospects(size=100, ceiling=0.999, spend_scale=1e-3),
        complaints=Complaints(failure_share=0.0),
    )  # fmt: skip
    strategy = cs.Strategy(name="buy them all at once", acquisition=cs.simulation.Acquisition(budget_per_period=100.0))
    scenario = cs.Scenario(market=place, strategy=strategy, horizon=9.0, period=1.0, epoch=1.0)
    ledger = cs.simulate(scenario, seed=1, log=True)
    born = {event.uid: event.time for event in ledger.events if event.kind == "birth"}
    assert len(born) == 100
    paid = np.zeros(6, dtype=np.int64)
    for event in ledger.events:
        if event.kind == "purchase":
            paid[round(event.time - born[event.uid])] += event.cents
    np.testing.assert_array_equal(paid, 100 * 100 * np.array(profits))
    value = sum(cents / 10_000 / 1.1**year for year, cents in enumerate(paid.tolist()))
    assert value == pytest.approx(111.66, abs=0.05)
