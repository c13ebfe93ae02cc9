"""Every mechanism of a strategy and of a market, for the tests that run engines against each other."""

from __future__ import annotations

import numpy as np

import churnsim as cs
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.mechanisms.staff import StaffResponse
from churnsim.simulation.mechanisms.terms import Terms
from churnsim.units import Duration

SPEND = cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)

UIDS = np.arange(1, 10) * 1000
PURCHASES = {
    "BG/NBD": cs.BGNBD(r=0.8, alpha=4.4, a=0.8, b=2.4),
    "MBG/NBD": cs.MBGNBD(r=0.8, alpha=4.4, a=0.8, b=2.4),
    "MBG/CNBD-k": cs.models.MBGCNBD(r=0.8, alpha=2.2, a=0.8, b=2.4, k=2),
    "Pareto/NBD": cs.ParetoNBD(r=0.8, alpha=4.0, s=0.6, beta=11.0),
    "contract": cs.simulation.ContractualLifetime(term=4.0, a=0.7, b=3.0, unit="W"),
    "hazards": cs.simulation.ContractualLifetime(term=3.0, hazards=(0.3, 0.2, 0.1), unit="W"),
    "frailty": cs.simulation.ContractualLifetime(term=3.0, hazards=(0.5, 0.4, 0.3), a=0.9, b=2.5, unit="W"),
    "observed": cs.simulation.ContractualLifetime(
        term=2.0,
        hazards=(0.3, 0.2, 0.1),
        own=CustomerScores(UIDS, np.linspace(0.2, 2.0, 9)),
        charges=CustomerScores(UIDS, np.linspace(30.0, 5.0, 9)),
        unit="W",
    ),
}
SPENDS = {
    "Gamma-Gamma": SPEND,
    "fixed": cs.simulation.FixedSpend(amount=12.5),
    "by tenure": cs.simulation.ProfitByTenure(profits=(-51.0, 30.0, 42.0, 44.0, 49.0, 55.0)),
}

# Every other customer of a cohort has a score, of which many are equal.
SCORED = cs.Cohort(size=80).draw(purchases=PURCHASES["BG/NBD"], spend=SPEND, seed=1, replication=0).uids[::2]
SCORES = CustomerScores(SCORED, SCORED % 7)

# What a strategy may hold: several names may set the same field, of which a strategy has one.
STRATEGY_PARTS = {
    "acquisition": {"acquisition": cs.simulation.Acquisition(budget_per_period=500.0)},
    "contacts scored": {
        "retention": cs.simulation.RetentionContacts(
            budget_per_period=60.0, rule="score", share=0.4, scores=SCORES, unscored=3.0
        )
    },
    "cross-selling scored": {
        "cross_selling": cs.simulation.CrossSelling(budget_per_period=50.0, rule="score", share=0.9, scores=SCORES)
    },
    "contacts": {"retention": cs.simulation.RetentionContacts(budget_per_period=100.0)},
    "contacts top": {"retention": cs.simulation.RetentionContacts(budget_per_period=60.0, rule="top_value", share=0.3)},
    "contacts class A": {
        "retention": cs.simulation.RetentionContacts(budget_per_period=60.0, rule="abc_class", abc="A")
    },
    "contacts recent": {
        "retention": cs.simulation.RetentionContacts(budget_per_period=60.0, rule="recent_buyers", within=6.0)
    },
    "contacts at risk": {
        "retention": cs.simulation.RetentionContacts(budget_per_period=60.0, rule="at_risk", gaps=1.0)
    },
    "contacts by chance to be active": {
        "retention": cs.simulation.RetentionContacts(
            budget_per_period=60.0, rule="p_alive", p_alive_above=0.2, p_alive_below=0.9
        )
    },
    "contacts responsive": {
        "retention": cs.simulation.RetentionContacts(budget_per_period=60.0, rule="responsive", share=0.4)
    },
    "desk": {
        "desk": cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.6, wage_per_period=20.0, cost_per_reply=2.0)
    },
    "asking": {"asking": cs.simulation.AskForComplaints(cost_per_purchase=0.05)},
    "compensation": {"compensation": cs.simulation.Compensation(cost_per_complaint=5.0)},
    "empowered": {"empowered": cs.simulation.EmpoweredStaff(share_at_once=0.4, cost_per_period=10.0)},
    "staff": {"staff": cs.simulation.StaffCare(budget_per_period=3.0)},
    "quality": {"quality": cs.simulation.ServiceQuality(budget_per_period=60.0)},
    "cross-selling": {
        "cross_selling": cs.simulation.CrossSelling(budget_per_period=50.0, rule="recent_buyers", within=8.0)
    },
    "win-back": {"win_back": cs.simulation.WinBack(silent_for=6.0, cost_per_contact=1.0, most_per_period=9)},
    "win-back at random": {
        "win_back": cs.simulation.WinBack(
            silent_for=4.0, cost_per_contact=1.0, most_per_period=9, choose="random", attempts=3
        )
    },
    "win-back of all": {"win_back": cs.simulation.WinBack(silent_for=8.0, cost_per_contact=0.5, choose="all")},
    "dismissal": {"dismissal": cs.simulation.DismissUnprofitable(periods=2)},
    "price off": {"economic_bond": cs.simulation.EconomicBond(price_off=0.1)},
    "club": {"social_bond": cs.simulation.SocialBond(joins=0.4, cost_per_member=0.3)},
    "ties": {"structural_bond": cs.simulation.StructuralBond(cost_per_customer=0.2)},
    "reward": {"referral": cs.simulation.ReferralReward(reward=10.0)},
    "less churn": {"churn": cs.simulation.ChurnChange(factor=0.7, points=0.02)},
}
# Contracts alone are renewed: elsewhere these are left out.
CONTRACT_PARTS = {
    "renewal offers": {
        "renewal_offers": cs.simulation.RenewalOffers(
            notice=6.0, discount=0.2, cost_per_offer=0.25, rule="responsive", share=0.6
        )
    },
}
STRATEGY_PARTS.update(CONTRACT_PARTS)
# Of use where nobody is seen to leave: under contract these are left out.
UNSEEN_LOSS_PARTS = ("contacts by chance to be active",)
CONTRACTS = ("contract", "hazards", "frailty", "observed")
MARKET_PARTS = {
    "referral": {"referral": cs.simulation.Referral(rate_per_year=2.0)},
    "word of mouth": {"word_of_mouth": cs.simulation.WordOfMouth(weight=2.0, imitation=0.5)},
    "competitors": {"competitors": cs.simulation.Competitors(customers=800.0, loss_per_year=0.5, comes_here=0.3)},
    "cost to serve": {"terms": Terms(cost_to_serve=0.5)},
    "spread": {"retention": RetentionResponse(response_spread=1.5, harmed_share=0.2)},
    "regular": {"regularity": 3},
    "lift": {
        "retention": RetentionResponse(
            purchase_lift=2.5,
            half_life=Duration(2.0, "W"),
            pulled_forward=0.8,
            response_spread=1.5,
            harmed_share=0.2,
        ),
        "bonds": cs.simulation.BondResponse(
            economic_lift=8.0,
            economic_half_life=Duration(3.0, "W"),
            social_lift=1.7,
            social_half_life=Duration(5.0, "W"),
            social_pulled_forward=0.9,
        ),
        "win_back": cs.simulation.WinBackResponse(
            purchase_lift=3.0, lift_half_life=Duration(4.0, "W"), pulled_forward=0.6
        ),
    },
    "satisfaction": {
        "satisfaction": cs.simulation.Satisfaction(
            equity=0.3,
            complaint_effect=-1.0,
            word_of_mouth_effect=0.7,
            referral_effect=0.8,
            dropout_effect=-0.9,
            spend_effect=0.2,
        )
    },
}

# What a strategy's part cannot do without, beside what each market has.
NEEDS = {"reward": "referral", "ties": "competitors", "dismissal": "cost to serve"}


def lives_of(names):
    """Purchases under which all of these parts act."""
    return "frailty" if any(name in CONTRACT_PARTS for name in names) else "BG/NBD"


def scenario(
    strategy_parts, market_parts=(), *, purchases="BG/NBD", spend="Gamma-Gamma", size=80, horizon=32.0, **market
):
    """A scenario with these parts on; of parts that set the same field the last one counts."""
    needed = [*market_parts, *(need for name, need in NEEDS.items() if name in strategy_parts)]
    left_out = UNSEEN_LOSS_PARTS if purchases in CONTRACTS else CONTRACT_PARTS
    tried = [name for name in strategy_parts if name not in left_out]
    chosen = {key: value for name in tried for key, value in STRATEGY_PARTS[name].items()}
    world = {key: value for name in needed for key, value in MARKET_PARTS[name].items()}
    if hasattr(PURCHASES[purchases], "k"):
        world.pop("regularity", None)  # the model has its own
    if size == 0:  # nobody to measure people and their money by
        world = {"prospects": Prospects(size=2000.0), "staff": StaffResponse(spend_scale=100.0), **world}
    place = cs.Market(
        customers=cs.Cohort(size=size), purchases=PURCHASES[purchases], spend=SPENDS[spend], **{**world, **market}
    )
    return cs.Scenario(
        market=place, strategy=cs.Strategy(name="tried", **chosen), horizon=horizon, period=4.0, epoch=1.0
    )
