"""Truth: theory within stated error. Offers at renewal, against expectations in closed form and books to the cent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.renewal_offers import RenewalOfferResponse
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.mechanisms.terms import Terms

SIZE, HAZARD, MONTHS, PRICE = 20_000, 0.2, 10, 40.0
EVERYBODY = cs.simulation.RenewalOffers(notice=1.0, discount=0.1, cost_per_offer=0.5)


def subscribers(*, size=SIZE, hazard=HAZARD, term=1.0, last=-0.5, harmed=0.0, spread=0.0):
    """Alike but for how they take offers; nothing but the renewals can lose them."""
    index = pd.RangeIndex(size)
    traits = pd.DataFrame({"dropout": 1.0, "last_purchase": last, "contact_rank": (index + 0.5) / size}, index)
    return cs.Market(
        customers=cs.simulation.TraitsBase(traits),
        purchases=cs.simulation.ContractualLifetime(term=term, hazards=(hazard,), unit="M"),
        spend=cs.simulation.FixedSpend(amount=PRICE),
        terms=Terms(margin=0.3, annual_discount_rate=0.0),
        complaints=Complaints(failure_share=0.0),
        retention=RetentionResponse(harmed_share=harmed, response_spread=spread),
        renewal_offers=RenewalOfferResponse(max_effect=0.5, discount_scale=0.1),
    )


def books(market, offers, months=MONTHS):
    strategy = cs.Strategy(name="offers", renewal_offers=offers)
    scenario = cs.Scenario(market=market, strategy=strategy, horizon=float(months), period=1.0, epoch=1.0)
    return cs.simulate(scenario, seed=4).frame()


def kept(n, effect, harmed, spread):
    """E[(1 - h(1 - effect r))^n]: r = -1 for the harmed, else uniform on 1 - spread ... 1 + spread."""
    low, high = (1 - HAZARD * (1 - effect * r) for r in (1 - spread, 1 + spread))
    others = low**n if spread == 0 else (high ** (n + 1) - low ** (n + 1)) / ((n + 1) * (high - low))
    return harmed * (1 - HAZARD * (1 + effect)) ** n + (1 - harmed) * others


@pytest.mark.parametrize(("harmed", "spread"), [(0.0, 0.0), (0.2, 0.0), (0.2, 1.0)])
def test_offers_keep_as_many_as_the_closed_form_says(harmed, spread):
    """Each month everybody's contract comes up: 4 binomial standard errors at every month."""
    frame = books(subscribers(harmed=harmed, spread=spread), EVERYBODY)
    effect = 0.5 * -np.expm1(-1.0)
    for month in range(1, MONTHS + 1):
        p = kept(month, effect, harmed, spread)
        assert abs(frame["active_end"].iloc[month - 1] - SIZE * p) < 4 * np.sqrt(SIZE * p * (1 - p)), month
    # Planted: as if nobody answered.
    off = SIZE * (1 - HAZARD) ** MONTHS
    assert abs(frame["active_end"].iloc[-1] - off) > 10 * np.sqrt(off)


def test_every_offer_and_every_price_off_is_in_the_books():
    frame = books(subscribers(), EVERYBODY)
    np.testing.assert_array_equal(frame["renewal_offers"], frame["active_start"])
    np.testing.assert_array_equal(frame["renewal_costs"], 50 * frame["active_start"])
    # 36 paid of a price of 40; what is contributed is 30% of 40 less the 4 of the price off.
    np.testing.assert_array_equal(frame["revenue"], 3600 * frame["purchases"])
    np.testing.assert_array_equal(frame["margin"], 800 * frame["purchases"])


def test_an_offer_is_made_once_for_a_renewal_within_the_notice():
    """Twelve months' contracts, a twelfth of them up each month; two months' notice, reviewed every month."""
    last = -(np.arange(1200) % 12) - 0.5
    frame = books(subscribers(size=1200, hazard=0.0, term=12.0, last=last), replace(EVERYBODY, notice=2.0), months=24)
    assert frame["renewal_offers"].tolist() == [200] + [100] * 23
    assert frame["purchases"].tolist() == [100] * 24
    np.testing.assert_array_equal(frame["revenue"], 3600 * frame["purchases"])


def test_the_rule_picks_among_those_whose_contract_comes_up():
    """The half who respond best, of the hundred due: they renew at the lower price, the others at the full one."""
    last = -(np.arange(1200) % 12) - 0.5
    offers = replace(EVERYBODY, rule="responsive", share=0.5)
    frame = books(subscribers(size=1200, hazard=0.0, term=12.0, last=last, spread=1.0), offers, months=12)
    assert (frame["renewal_offers"] == 50).all()
    assert (frame["revenue"] == 50 * 3600 + 50 * 4000).all()


def test_a_price_off_that_nobody_needs_only_costs():
    """Where nobody would leave, an offer loses its price off and its cost, paired to the cent."""
    market = subscribers(size=500, hazard=0.0)
    difference = books(market, EVERYBODY).sum() - books(market, None).sum()
    assert difference["active_end"] == 0
    assert difference["margin"] == -400 * 500 * MONTHS
    assert difference["renewal_costs"] == 50 * 500 * MONTHS


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: replace(EVERYBODY, discount=1.5), "discount must be from 0 to 1"),
        (lambda: replace(EVERYBODY, notice=0.0), "notice must be a finite number above 0"),
        (lambda: replace(EVERYBODY, rule="score"), "needs"),
        (lambda: replace(EVERYBODY, cost_per_offer=0.001), "whole number of cents"),
        (lambda: RenewalOfferResponse(discount_scale=0.0), "discount_scale must be"),
        (lambda: books(subscribers(size=2), replace(EVERYBODY, notice=0.5)), "shorter than the review period of 1"),
        (
            lambda: books(
                cs.Market(
                    customers=cs.Cohort(size=1),
                    purchases=cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0),
                    spend=cs.simulation.FixedSpend(amount=1.0),
                ),
                EVERYBODY,
            ),
            "needs contracts",
        ),
    ],
)
def test_what_cannot_be_is_named(make, told):
    with pytest.raises(cs.errors.ConfigError, match=told):
        make()
