"""Truth: theory. What customers do to others follows the laws of branching, diffusion and exchange.

Bounds are 4 standard errors over replications (or of a binomial), seeds are fixed; every check is shown to fail for a
law that is a little wrong.
"""

from __future__ import annotations

import numpy as np
import pytest

import churnsim as cs
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.units import Duration, units_per_year

YEAR = units_per_year("W")
NONE = cs.Strategy(name="none")


def market(purchases, *, size=0, **parts):
    return cs.Market(
        customers=cs.Cohort(size=size),
        purchases=purchases,
        spend=cs.simulation.FixedSpend(amount=10.0),
        complaints=Complaints(failure_share=0.0),
        **parts,
    )


def alike(death_rate):
    """Everybody buys at rate 0.5 a week and dies at `death_rate`."""
    return cs.ParetoNBD(r=1e6, alpha=2e6, s=1e6, beta=1e6 / death_rate)


def test_referral_alone_branches():
    """A customer refers at rate rho until it dies (mu), children are born at the next epoch boundary, people are many.
    So the mean follows N' = N (e^(-mu h) + rho (1 - e^(-mu h))/mu) from epoch to epoch, each with children unborn."""
    size, rho, mu, epochs = 300, 1.2 / YEAR, 0.6 / YEAR, 104
    place = market(
        alike(mu), size=size, referral=cs.simulation.Referral(rate_per_year=1.2), prospects=Prospects(size=1e9)
    )
    scenario = cs.Scenario(market=place, strategy=NONE, horizon=float(epochs), period=float(epochs), epoch=1.0)
    ends = np.array(
        [cs.simulate(scenario, seed=5, replication=k).count("active_end")[-1] for k in range(40)], dtype=float
    )
    survives = np.exp(-mu)
    growth = survives + rho * (1 - survives) / mu
    # Children of the last epoch are not born before the horizon.
    expected = size * growth ** (epochs - 1) * survives
    error = ends.std(ddof=1) / np.sqrt(ends.size)
    assert abs(ends.mean() - expected) < 4 * error
    wrong = size * (survives + 1.1 * rho * (1 - survives) / mu) ** (epochs - 1) * survives
    assert abs(ends.mean() - wrong) > 4 * error


def test_who_waits_for_an_answer_refers_nobody():
    """Every purchase fails, everybody complains, and no answer ever comes: referrals end with the first purchase."""
    births = []
    for failure_share in (0.5, 0.0):
        dropout = 1.0 if failure_share else 0.0
        place = cs.Market(
            customers=cs.simulation.TraitsBase(_frame(rate=[20.0] * 300, dropout=[dropout] * 300)),
            purchases=cs.BGNBD(r=1e6, alpha=5e4, a=1.0, b=1e-6 if failure_share else 1e9),
            spend=cs.simulation.FixedSpend(amount=1.0),
            complaints=Complaints(
                failure_share=failure_share, complaint_probability=1.0, quick_share=0.0, slow_share=0.0,
                stay_slow=0.5, stay_unresolved=0.5,
            ),
            referral=cs.simulation.Referral(rate_per_year=YEAR),
            prospects=Prospects(size=1e9),
        )  # fmt: skip
        desk = cs.simulation.ComplaintDesk(staff=1, mean_service_time=1e9, wage_per_period=0.0)
        scenario = cs.Scenario(
            market=place,
            strategy=cs.Strategy(name="s", desk=desk if failure_share else None),
            horizon=1.0,
            period=1.0,
            epoch=0.25,
        )
        births.append(cs.simulate(scenario, seed=1).count("births_referred")[0])
    assert births[0] < 4 * 300 / 20  # a rate of 1 a week for a mean of a twentieth of a week, and a wide margin
    assert births[1] > 150


def _frame(**columns):
    import pandas as pd

    return pd.DataFrame(columns, index=[f"c{i}" for i in range(len(columns["rate"]))])


@pytest.mark.parametrize("imitation", [0.0, 1.5])
def test_word_of_mouth_alone_follows_bass(imitation):
    """N(t)/M = (1 - e^(-(p+q)t))/(1 + (q/p) e^(-(p+q)t)) for hazard p + q N/M (Bass 1969, eq. 10), nobody leaving.

    The hazard is set anew each epoch of half a week: N lags by at most that, which moves it by less than (p+q) N h/2.
    """
    people, share = 20_000, 0.01
    pool = Prospects(size=people, ceiling=share / (1 - np.exp(-1.0)), spend_scale=1.0)
    quiet = {"dissatisfied_tell": 0, "restored_tell": 0, "half_life": Duration(1, "Y")}
    place = market(
        cs.BGNBD(r=1e6, alpha=1e8, a=1e-6, b=1e3), prospects=pool,
        word_of_mouth=cs.simulation.WordOfMouth(imitation=imitation, **quiet),
    )  # fmt: skip
    strategy = cs.Strategy(name="advertise", acquisition=cs.simulation.Acquisition(budget_per_period=float(people)))
    scenario = cs.Scenario(market=place, strategy=strategy, horizon=208.0, period=4.0, epoch=0.5)
    curves = [cs.simulate(scenario, seed=6, replication=k).count("active_end") / people for k in range(8)]
    mean, error = np.mean(curves, axis=0), np.std(curves, axis=0, ddof=1) / np.sqrt(len(curves))
    p, t = -np.log1p(-share) / 4.0, 4.0 * np.arange(1, 53)

    def bass(q):
        fade = np.exp(-(p + q) * t)
        return (1 - fade) / (1 + q / p * fade)

    q = imitation / YEAR
    bound = 4.5 * np.maximum(error, 1e-4) + (p + q) * 0.25 * mean * (1 - mean) * 2
    assert (np.abs(mean - bass(q)) < bound).all()
    assert (np.abs(mean - bass(q + 0.1 / YEAR)) > bound).any()


def test_tellings_shift_the_response():
    """With half the people told badly of the firm and weight 2, the response is e^(-2 x .5), and it wears off."""
    from churnsim.kernels.engine.neighbours import word_of_mouth_balance, word_of_mouth_factor

    assert word_of_mouth_factor(2.0, word_of_mouth_balance(0.0, -10_000, 20_000, 1.0, 50.0)) == pytest.approx(
        np.exp(-1.0)
    )
    assert word_of_mouth_balance(1.0, 0, 20_000, 50.0, 50.0) == pytest.approx(0.5)


def test_tellings_are_counted():
    """Every dissatisfied customer tells 11 and every restored one 5."""
    place = cs.Market(
        customers=cs.Cohort(size=3000), purchases=cs.BGNBD(r=0.8, alpha=4.0, a=0.8, b=2.4),
        spend=cs.simulation.FixedSpend(amount=10.0), word_of_mouth=cs.simulation.WordOfMouth(imitation=0.0),
    )  # fmt: skip
    scenario = cs.Scenario(market=place, strategy=NONE, horizon=52.0, period=4.0, epoch=1.0)
    frame = cs.simulate(scenario, seed=1).frame()
    restored = frame["replies_quick"] + frame["replies_slow"]
    assert (frame["told_for"] == 5 * restored).all()
    assert (frame["told_against"] == 11 * (frame["failures"] - restored)).all()
    assert frame["told_against"].sum() > 0


def test_competitors_lose_and_win():
    """Inflow is binomial: each of the competitors' customers comes with 1 - e^(-rate); switchers add to them."""
    rivals = cs.simulation.Competitors(customers=5000, switch_share=0.4, loss_per_year=0.5, comes_here=0.2)
    place = market(cs.BGNBD(r=0.5, alpha=2.0, a=0.8, b=2.4), size=4000, competitors=rivals)
    scenario = cs.Scenario(market=place, strategy=NONE, horizon=52.0, period=4.0, epoch=1.0)
    frame = cs.simulate(scenario, seed=3).frame()
    came, lost = frame["births_switched"].sum(), frame["losses_organic"].sum()
    chance = 1 - np.exp(-0.5 * 0.2 / YEAR * 52)
    # Those who switch meanwhile may come too: at most as many more as if all had been there from the start.
    switched = frame["losses_switched"].sum()
    error = np.sqrt(5000 * chance * (1 - chance))
    assert 5000 * chance - 4 * error < came < (5000 + switched) * chance + 4 * error
    assert abs(switched - 0.4 * lost) < 4 * np.sqrt(lost * 0.24)
    assert abs(switched - 0.5 * lost) > 4 * np.sqrt(lost * 0.25)
    assert frame["competitor_customers"].iloc[-1] == 5000 + switched - came


def test_success_of_win_back_falls_with_time():
    """Lost at time 0 and contacted when silent for longer than 13 weeks: 40% x 2^(-16/26) come back at week 16."""
    customers = cs.simulation.TraitsBase(_frame(rate=[1.0] * 4000, dropout=[1.0] * 4000, alive=[False] * 4000))
    place = cs.Market(
        customers=customers,
        purchases=cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0),
        spend=cs.simulation.FixedSpend(amount=1.0),
    )
    plan = cs.simulation.WinBack(silent_for=13.0, cost_per_contact=1.5, choose="all")
    strategy = cs.Strategy(name="win back", win_back=plan)
    scenario = cs.Scenario(market=place, strategy=strategy, horizon=24.0, period=4.0, epoch=4.0)
    frame = cs.simulate(scenario, seed=2).frame()
    assert frame["win_back_contacts"].tolist() == [0, 0, 0, 0, 4000, 0]
    assert frame["win_back"].sum() == 4000 * 150
    expected = 0.40 * 2 ** (-16 / 26)
    error = np.sqrt(expected * (1 - expected) / 4000)
    assert abs(frame["returns"].iloc[4] / 4000 - expected) < 4 * error
    assert abs(frame["returns"].iloc[4] / 4000 - 0.40) > 4 * error


def test_switching_costs_hold_a_share():
    """Of those on their way to a competitor the bond holds 30%: they are not lost that time."""
    place = market(
        cs.BGNBD(r=1e6, alpha=1e6, a=1e6, b=1e6), size=8000,
        competitors=cs.simulation.Competitors(customers=0, switch_share=1.0),
    )  # fmt: skip
    tied = cs.Strategy(name="ties", structural_bond=cs.simulation.StructuralBond(cost_per_customer=0.0))
    shares = []
    for strategy in (NONE, tied):
        scenario = cs.Scenario(market=place, strategy=strategy, horizon=0.05, period=0.05, epoch=0.05)
        ledger = cs.simulate(scenario, seed=4)
        shares.append(ledger.count("losses_organic")[0] / ledger.count("purchases")[0])
    bought = ledger.count("purchases")[0]
    assert abs(shares[0] - 0.5) < 4 * 0.5 / np.sqrt(bought)
    assert abs(shares[1] - 0.5 * 0.7) < 4 * 0.5 / np.sqrt(bought)
