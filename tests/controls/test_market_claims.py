"""Controls: every claim on a market is judged on the CDNOW customers, quickly, and its wrong variant fails."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import churnsim as cs
from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.five_percent_churn.five_percent_simulation import _yearly_retention
from churnsim.claims.machinery.claim import Kind
from churnsim.claims.machinery.evidence import cdnow_evidence, market_evidence
from churnsim.claims.machinery.fitted import base_draws
from churnsim.claims.machinery.maps import map_names, region_from
from churnsim.claims.machinery.results import to_record
from churnsim.claims.machinery.strategy_comparison import LOSSES
from churnsim.claims.machinery.verdicts import Answer
from churnsim.claims.on_markets.low_risk import RUNS
from churnsim.models import BGNBD, MBGCNBD, MBGNBD, ParetoNBD
from churnsim.simulation import ContractualLifetime
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.scenario.strategy import ChurnChange, Strategy

MARKET_CLAIMS = [claim.id for claim in CATALOGUE.values() if claim.kind is Kind.SIMULATION]
REPLICATIONS = 6
CUSTOMERS = 700


@pytest.fixture(scope="module")
def evidence():
    """A third of the CDNOW base, few replications: enough for signs, and for every control to fail (on 350
    customers, or in 5 replications, one does not). Time goes by replications more than by customers."""
    whole = cdnow_evidence(replications=REPLICATIONS)
    some = whole.summary.iloc[:CUSTOMERS]
    some.attrs.update(whole.summary.attrs)
    return replace(whole, market=replace(whole.market, customers=PosteriorBase(some)), summary=some)


@pytest.fixture(scope="module")
def result(evidence):
    """Each claim judged once."""
    return cache(lambda claim_id: CATALOGUE[claim_id].test(evidence, quick=True))


@pytest.mark.parametrize("claim_id", MARKET_CLAIMS)
def test_judged_on_a_market_and_its_control_fails(result, claim_id):
    """And what a page draws is what the finding kept: its maps come back from their rows."""
    found = result(claim_id)
    tables = to_record(found).tables
    for name in map_names(tables):
        region = region_from(tables, name)
        assert sum(region.counts.values()) == np.prod([axis.cells for axis in region.axes])
        assert region.words()
    if found.finding.reason.startswith("Waits for"):
        return
    assert found.control.answer is Answer.FAILS, found.control.reason
    assert found.finding.ran, found.finding.reason
    if found.planted is not None:
        assert found.planted.answer is not Answer.FAILS, found.planted.reason
    masses = [part.plausible for part in (found.finding, *found.finding.parts) if part.plausible is not None]
    for mass in masses:  # no statement and its negation both hold in more than half of what is plausible
        assert min(mass.holds, mass.negation.holds) <= 0.5
        assert mass.holds + mass.fails <= 1.0 + 1e-9
    if found.answer is Answer.HOLDS_IF:
        assert found.finding.region, "true somewhere, but it is not said where"


def test_closed_forms_on_the_fitted_customers_agree_with_the_simulation(evidence):
    """Where customers do not influence each other the mean discounted margin is known without simulating time."""
    expected = np.array([draw.worth(evidence.horizon)[draw.alive].sum() for draw in base_draws(evidence)])
    simulated = evidence.compare([Strategy(name="as it is")]).values("discounted_margin")["as it is"].to_numpy()
    difference = simulated - expected
    # Books are discounted from the middle of each four-week period: below 0.1% of the total.
    slack = 0.001 * expected.mean()
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / np.sqrt(REPLICATIONS) + slack


MODELS = {
    "BG/NBD": BGNBD(r=1.0, alpha=20.0, a=0.8, b=6.0, unit="W"),
    "MBG/NBD": MBGNBD(r=1.0, alpha=20.0, a=0.8, b=6.0, unit="W"),
    "MBG/CNBD-3": MBGCNBD(r=4.0, alpha=80.0, a=1.5, b=4.0, k=3, unit="W"),
    "Pareto/NBD": ParetoNBD(r=1.0, alpha=20.0, s=0.6, beta=60.0, unit="W"),
    "contract by a and b": ContractualLifetime(term=12.0, a=1.0, b=6.0, unit="W"),
    "contract by tenure": ContractualLifetime(term=12.0, hazards=(0.3, 0.15, 0.05), unit="W"),
}


@pytest.mark.parametrize("model", MODELS)
def test_what_drawn_customers_are_worth_and_how_many_leave_under_every_model(model):
    """The closed forms that ten claims use against the event engine on the same customers, within 1%.

    Of 40,000 customers, half of whom stay, the simulated sums are known to about .2%; regular gaps take longer.
    """
    size = 20_000 if model == "MBG/CNBD-3" else 40_000
    spend = cs.simulation.FixedSpend(amount=10.0)
    market = cs.Market(customers=cs.Cohort(size=size), purchases=MODELS[model], spend=spend)
    evidence = market_evidence(market, replications=2)
    factors = {"as it is": 1.0, "half": 0.5}
    found = evidence.compare([Strategy(name=name, churn=ChurnChange(factor=f)) for name, f in factors.items()])
    draws = list(base_draws(evidence))
    lost = sum(found.values(account) for account in LOSSES)
    for name, factor in factors.items():
        worth = np.mean([draw.worth_by_outcome(evidence.horizon, factor=factor).sum() for draw in draws])
        left = np.mean([draw.lost(evidence.horizon, factor=factor)[draw.alive].sum() for draw in draws])
        assert found.values("discounted_margin")[name].mean() == pytest.approx(worth, rel=0.01)
        assert lost[name].mean() == pytest.approx(left, rel=0.01)
    if model == "Pareto/NBD":
        # The control: a death rate taken for a chance at each purchase lets far too few leave.
        wrong = [-np.expm1(-d.lifetimes.rate * d.lifetimes.dropout * evidence.horizon).sum() for d in draws]
        assert np.mean(wrong) < 0.8 * lost["as it is"].mean()


def test_the_share_that_stays_a_year_is_the_models_own():
    """Of new Pareto/NBD customers (beta / (beta + t))^s are there at t (Schmittlein, Morrison & Colombo 1987)."""
    model = MODELS["Pareto/NBD"]
    market = cs.Market(customers=cs.Cohort(size=20_000), purchases=model, spend=cs.simulation.FixedSpend(amount=10.0))
    stays = _yearly_retention(market_evidence(market, replications=2))(1.0)
    assert stays == pytest.approx((60.0 / (60.0 + 365.25 / 7)) ** 0.6, abs=0.006)  # four standard errors


def test_no_claim_reads_a_drawn_dropout_by_itself():
    """What it means is the model's, so that `fitted` alone takes it from the base."""
    root = Path(cs.__file__).parent / "claims"
    assert [
        p.name for p in root.rglob("*.py") if re.search(r"\.traits|\[.dropout.\]", p.read_text(encoding="utf-8"))
    ] == ["fitted.py"]


def test_parameter_draws_are_used_once(evidence):
    """Runs that share a draw of the parameters are not independent: intervals would be too narrow."""
    few = replace(evidence.market, draws=evidence.market.draws[:5])
    assert replace(evidence, market=few).replications == 5
    seen = []
    recorded = replace(evidence, market=replace(few, draws=evidence.market.draws))
    for run in range(RUNS):
        seen.append(id(recorded.market.in_replication(run).purchases))
    assert len(set(seen)) == RUNS


@pytest.mark.slow
@pytest.mark.parametrize("claim_id", MARKET_CLAIMS)
def test_judged_on_the_whole_base_and_its_control_fails(claim_id):
    found = CATALOGUE[claim_id].test(cdnow_evidence(replications=30), quick=True)
    assert found.control.answer is Answer.FAILS, found.control.reason
    assert found.finding.ran
