"""Mechanics of the claims on data: each can come out either way, on logs whose answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.evidence import MarketEvidence, log_of
from churnsim.claims.machinery.verdicts import Verdict
from churnsim.claims.on_data.existing_revenue import share_by_age
from churnsim.claims.on_data.longer_is_worth_more import spend_by_quarter
from churnsim.claims.on_data.relationship_ladder import forbidden_moves


@pytest.fixture(scope="module")
def evidence(cdnow_market):
    return MarketEvidence(market=cdnow_market, label="made-up customers", horizon=52.0, period=4.0, epoch=1.0)


def log_from(rows):
    """A log from (customer, day, amount)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return frame.assign(date=pd.Timestamp("2020-01-01") + pd.to_timedelta(frame.pop("day"), unit="D"))[
        ["customer_id", "date", "amount"]
    ]


def on(evidence, log):
    return dataclasses.replace(evidence, log=log)


def test_the_studys_own_log_is_what_is_measured(evidence):
    log = log_from([(1, 0, 5.0)])
    assert log_of(on(evidence, log)) == (log, "made-up customers")
    full, label = log_of(None)
    assert len(full) == 69_659
    assert "23,570" in label


def test_eighty_twenty_holds_where_it_is_so(evidence):
    # Lognormal spend with sigma = 2 * 0.8416 has 80% in its top fifth: Phi(sigma - z(.8)) = .8.
    amounts = np.exp(1.6832 * np.random.default_rng(1).standard_normal(10_000))
    log = log_from([(i, 0, amount) for i, amount in enumerate(amounts)])
    part = CATALOGUE["eighty-twenty"].judge(on(evidence, log), True).parts[0]
    assert part.verdict is Verdict.HOLDS
    assert part.estimate == pytest.approx(80.0, abs=2.0)  # about three standard errors at this size


def test_a_premium_in_the_range_holds(evidence):
    rows = []
    for i in range(400):
        rows.append((i, i % 7, 10.0))
        if i % 2:
            rows += [(i, i % 7 + 40, 13.0), (i, i % 7 + 80, 13.0)]
    part = CATALOGUE["repeat-premium"].judge(on(evidence, log_from(rows)), True).parts[0]
    assert part.verdict is Verdict.HOLDS
    assert part.estimate == pytest.approx(30.0)


def test_longer_is_worth_more_where_spend_grows(evidence):
    rows = [(i, 0, 10.0) for i in range(200)] + [
        (i, 45 + 91 * q, 10.0 + 2 * q + i % 3) for i in range(200) for q in range(5)
    ]
    rows.append((0, 5 * 91, 1.0))
    table = spend_by_quarter(log_from(rows))
    assert table.shape == (200, 5)
    assert table[1].tolist() == [11.0, 13.0, 15.0, 17.0, 19.0]
    found = CATALOGUE["longer-is-worth-more"].judge(on(evidence, log_from(rows)), True)
    assert {part.verdict for part in found.parts} == {Verdict.HOLDS}


def test_existing_share_by_counting_a_firm_that_adds_a_customer_a_week(evidence):
    model, year = evidence.market.purchases, 365.25 / 7
    arrivals = np.arange(0.0, 2 * year, 0.05)
    # Purchases in the last small step of two years, of all who came before.
    end, step = 2 * year, 0.05
    ages = end - arrivals
    before, after = (np.asarray(model.expected_purchases_new(a)) for a in (ages, ages + step))
    repeats = float((after - before).sum()) / step * 0.05
    assert share_by_age(evidence, 0.0, (2.0,))[0] == pytest.approx(repeats / (1 + repeats), rel=0.01)


def test_forbidden_moves_are_seen():
    before = pd.Series(["client", "first-time buyer", "dissolved", "repeat buyer"], index=[1, 2, 3, 4])
    after = pd.Series(["repeat buyer", "repeat buyer", "first-time buyer", "dissolved"], index=[1, 2, 3, 4])
    assert forbidden_moves(before, after) == 2
    assert forbidden_moves(before, after.drop(2)) == 3


def test_a_log_that_is_too_short_makes_a_claim_untestable_and_not_an_error(evidence):
    log = log_from([(i, d, 5.0) for i in range(20) for d in (0, 30)])
    result = CATALOGUE["second-sale"].test(on(evidence, log))
    assert result.verdict is Verdict.UNTESTABLE
    assert "nobody was watched for 365 days" in result.finding.reason
