"""Truth: theory. Independent lives follow the fitted model's closed forms, whatever share failures have in dropout.

Bounds are 4 standard errors of the simulated mean (a false alarm in about 1 of 16,000 checks), seeds are fixed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import churnsim as cs
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.scenario import scenario as scenario_module

SIZE, WEEKS = 6000, 52.0


def run(market, weeks=WEEKS, seed=3):
    scenario = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=weeks, period=weeks, epoch=weeks)
    return cs.simulate(scenario, seed=seed, log=True)


def counts_of(ledger, size):
    bought = Counter(event.uid for event in ledger.events if event.kind == "purchase")
    return np.array([*bought.values(), *[0] * (size - len(bought))])


def z_of_mean(counts, model, weeks=WEEKS):
    expected = float(model.expected_purchases_new(weeks))
    return (counts.mean() - expected) / (counts.std(ddof=1) / np.sqrt(counts.size))


def chi_square(counts, model, weeks=WEEKS, cap=8):
    """Pearson's statistic of the counts against P(X = n), the last class being `cap` and more."""
    chances = model.purchase_pmf(range(cap), weeks)
    chances = np.append(chances, 1 - chances.sum())
    seen = np.bincount(np.minimum(counts, cap), minlength=cap + 1)
    return float(((seen - counts.size * chances) ** 2 / (counts.size * chances)).sum())


# 99.99% point of chi-square with 8 degrees of freedom.
CHI_SQUARE_LIMIT = 31.8


@pytest.mark.parametrize("failure_share", [0.0, 0.2, 0.44])
def test_counts_follow_bg_nbd(cohort_market, failure_share):
    market = cohort_market(SIZE, failure_share=failure_share)
    counts = counts_of(run(market), SIZE)
    assert abs(z_of_mean(counts, market.purchases)) < 4
    assert chi_square(counts, market.purchases) < CHI_SQUARE_LIMIT


def test_control_a_wrong_failure_probability_is_caught(cohort_market, monkeypatch):
    """With f twice too large customers leave sooner than the model says; both checks must notice."""
    market = cohort_market(4 * SIZE, failure_share=0.44)
    right = scenario_module.Scenario.rules.func
    monkeypatch.setattr(
        scenario_module.Scenario,
        "rules",
        property(lambda self: right(self)._replace(leave_after_failure=right(self).leave_after_failure / 2)),
    )
    counts = counts_of(run(market), 4 * SIZE)
    assert abs(z_of_mean(counts, market.purchases)) > 4
    assert chi_square(counts, market.purchases) > CHI_SQUARE_LIMIT


def test_alive_share_follows_bg_nbd(cohort_market):
    """P(alive at t) of a new customer is E over (lambda, p) of e^(-lambda p t), integrated here by quadrature."""
    from scipy.stats import beta, gamma

    market = cohort_market(SIZE)
    model = market.purchases
    at = (np.arange(400) + 0.5) / 400
    rate = gamma.ppf(at, model.r) / model.alpha
    dropout = beta.ppf(at, model.a, model.b)
    alive = float(np.exp(-np.outer(rate, dropout) * WEEKS).mean())
    simulated = run(market).count("active_end")[-1] / SIZE
    assert abs(simulated - alive) < 4 * np.sqrt(alive * (1 - alive) / SIZE) + 5e-4  # 5e-4: the grid's own error


def test_replayed_base_follows_conditional_expectation(cdnow_market, cdnow_split, cdnow_models):
    """From the week-39 posterior the mean count over 39 weeks is the sum of the conditional expectations."""
    none = cs.Strategy(name="none")
    result = cs.compare(cdnow_market, [none], replications=25, seed=5, horizon=39.0, period=39.0, epoch=39.0)
    counts = result.values("purchases")["none"]
    expected = cdnow_models[0].model.expected_purchases(cdnow_split, 39.0).sum()
    assert abs(counts.mean() - expected) < 4 * counts.std(ddof=1) / np.sqrt(counts.size)


def test_spend_follows_gamma_gamma(cohort_market):
    """Mean order value over customers weighted by their orders, which are independent of spend: p gamma/(q - 1)."""
    market = cohort_market(SIZE)
    ledger = run(market)
    by_customer = Counter()
    orders = Counter()
    for event in ledger.events:
        if event.kind == "purchase":
            by_customer[event.uid] += event.cents / 100
            orders[event.uid] += 1
    means = np.array([by_customer[uid] / orders[uid] for uid in orders])
    assert abs(means.mean() - market.spend.population_mean()) < 4 * means.std(ddof=1) / np.sqrt(means.size)


def test_desk_alone_waits_like_m_m_c():
    """Erlang C: complaints near enough Poisson at rate 10 a week, two clerks with mean service 0.15 weeks.

    20,000 customers each complain once at rate 0.0005 a week, so over 30 weeks the stream's rate falls by 1.5%; the
    bound carries 2% for that and 0.005 for the epoch, beyond 4 standard errors over replications.
    """
    rate, size, service, staff = 0.0005, 20_000, 0.15, 2
    market = cs.Market(
        customers=cs.Cohort(size=size),
        purchases=cs.BGNBD(r=1e6, alpha=1e6 / rate, a=1e6, b=1.0),
        spend=cs.GammaGamma(p=6.0, q=4.0, gamma=15.0),
        complaints=_everyone_complains(),
    )
    desk = cs.simulation.ComplaintDesk(staff=staff, mean_service_time=service, wage_per_period=0.0)
    scenario = cs.Scenario(
        market=market, strategy=cs.Strategy(name="desk", desk=desk), horizon=30.0, period=30.0, epoch=0.005
    )
    means = []
    for replication in range(12):
        complained, times = {}, []
        for event in cs.simulate(scenario, seed=8, replication=replication, log=True).events:
            if event.kind == "complaint":
                complained[event.uid] = event.time
            elif event.kind.startswith("reply"):
                times.append(event.time - complained[event.uid])
        means.append(np.mean(times))
    expected = _erlang_c_sojourn(size * rate, 1 / service, staff)
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert abs(np.mean(means) - expected) < 4 * error + 0.02 * expected + 0.005
    # Control: with one clerk more the same waits would be far off.
    assert abs(np.mean(means) - _erlang_c_sojourn(size * rate, 1 / service, staff + 1)) > 4 * error + 0.02 * expected


def _everyone_complains():
    from churnsim.simulation.mechanisms.complaints import Complaints

    return Complaints(
        failure_share=1.0, complaint_probability=1.0, complaint_probability_if_asked=1.0, silent_stay=0.0,
        stay_quick=0.0, stay_slow=0.0, stay_unresolved=0.0,
    )  # fmt: skip


def _erlang_c_sojourn(arrivals: float, service: float, staff: int) -> float:
    """Mean time in an M/M/c system: Erlang C over (c mu - lambda), plus the service (Gross & Harris, sec. 2.4)."""
    from math import factorial

    load = arrivals / service
    full = load**staff / factorial(staff) * staff / (staff - load)
    waits = full / (sum(load**k / factorial(k) for k in range(staff)) + full)
    return waits / (staff * service - arrivals) + 1 / service


def test_arrivals_are_the_response_times_the_pool(cohort_market):
    """In the first period a share a of the pool comes: binomial mean and spread."""
    market = replace(cohort_market(0), prospects=Prospects(size=20_000.0, spend_scale=0.5))
    budget = 2000.0
    strategy = cs.Strategy(name="acquire", acquisition=cs.simulation.Acquisition(budget_per_period=budget))
    result = cs.compare(market, [strategy], replications=30, seed=2, horizon=4.0)
    births = result.values("births")["acquire"]
    share, size = market.prospects.share_per_period(budget), market.prospects.size
    error = np.sqrt(size * share * (1 - share) / births.size)
    assert abs(births.mean() - size * share) < 4 * error


def test_contacts_save_and_harm(cohort_market):
    """Contacts change organic losses by the effect while all are contacted; with all harmed, the other way."""
    from dataclasses import replace

    from churnsim.simulation.mechanisms.retention import RetentionResponse

    contacts = cs.Strategy(name="contacts", retention=cs.simulation.RetentionContacts(budget_per_period=1e9))
    none = cs.Strategy(name="none")
    for harmed, sign in ((0.0, -1), (1.0, 1)):
        response = RetentionResponse(max_effect=0.4, spend_scale=1.0, harmed_share=harmed)
        market = replace(cohort_market(2000, failure_share=0.0), retention=response)
        result = cs.compare(market, [none, contacts], replications=8, seed=4, horizon=52.0)
        row = result.differences("losses_organic", against="none").iloc[0]
        assert sign * row["mean"] > 0
        assert row["lower"] > 0 or row["upper"] < 0
