"""Controls: every claim on a market is judged on the CDNOW customers, quickly, and its wrong variant fails."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.check import check, to_record
from churnsim.claims.machinery.claim import Kind
from churnsim.claims.machinery.evidence import cdnow_evidence
from churnsim.claims.machinery.fitted import base_draws
from churnsim.claims.machinery.maps import map_names, region_from
from churnsim.claims.machinery.verdicts import Verdict
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.scenario.strategy import Strategy

MARKET_CLAIMS = [claim.id for claim in CATALOGUE.values() if claim.kind is Kind.SIMULATION]
REPLICATIONS = 12
CUSTOMERS = 700


@pytest.fixture(scope="module")
def evidence():
    """A third of the CDNOW base, few replications: enough for signs, and for every control to fail."""
    whole = cdnow_evidence(replications=REPLICATIONS)
    some = whole.summary.iloc[:CUSTOMERS]
    some.attrs.update(whole.summary.attrs)
    return replace(whole, market=replace(whole.market, customers=PosteriorBase(some)), summary=some)


@pytest.fixture(scope="module")
def result(evidence):
    """Each claim judged once."""
    return cache(lambda claim_id: check(CATALOGUE[claim_id], evidence, True))


@pytest.mark.parametrize("claim_id", MARKET_CLAIMS)
def test_judged_on_a_market_and_its_control_fails(result, claim_id):
    found = result(claim_id)
    if found.finding.reason.startswith("Waits for"):
        return
    assert found.control.verdict is Verdict.FAILS, found.control.reason
    assert found.verdict is not Verdict.UNTESTED, found.finding.reason
    if found.verdict is Verdict.HOLDS_IF:
        assert found.finding.region, "true somewhere, but it is not said where"


@pytest.mark.parametrize("claim_id", MARKET_CLAIMS)
def test_maps_come_back_from_their_rows(result, claim_id):
    """What a page draws is what the finding kept."""
    tables = to_record(result(claim_id)).tables
    for name in map_names(tables):
        region = region_from(tables, name)
        assert sum(region.counts.values()) == np.prod([axis.cells for axis in region.axes])
        assert region.words()


def test_closed_forms_on_the_fitted_customers_agree_with_the_simulation(evidence):
    """Where customers do not influence each other the mean discounted margin is known without simulating time."""
    expected = np.array([draw.worth(evidence.horizon)[draw.alive].sum() for draw in base_draws(evidence)])
    simulated = evidence.compare([Strategy(name="as it is")]).values("discounted_margin")["as it is"].to_numpy()
    difference = simulated - expected
    # Books are discounted from the middle of each four-week period: below 0.1% of the total.
    slack = 0.001 * expected.mean()
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / np.sqrt(REPLICATIONS) + slack


@pytest.mark.slow
@pytest.mark.parametrize("claim_id", MARKET_CLAIMS)
def test_judged_on_the_whole_base_and_its_control_fails(claim_id):
    found = check(CATALOGUE[claim_id], cdnow_evidence(replications=30), True)
    assert found.control.verdict is Verdict.FAILS, found.control.reason
    assert found.verdict is not Verdict.UNTESTED
