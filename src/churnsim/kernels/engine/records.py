"""The numbers that the rules of a customer's life read, and the record in which an engine keeps a customer.

Both are NumPy structured types, so that compiled rules and plain Python read the same fields by the same names. A rule
takes `rules` as an array of one row: that is the cheapest way into compiled code.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]  # an array of RULES or of CUSTOMER
Record = Any  # one of them

# How a customer's relation ends by itself: a probability after each repeat purchase (BG/NBD), after each purchase
# (MBG/NBD), a hazard in time (Pareto/NBD), or a probability at each renewal.
DROPOUT, DROPOUT_AT_ONCE, CLOCK, CONTRACT = 0, 1, 2, 3
# What a purchase is worth.
GAMMA_GAMMA, FIXED_SPEND, BY_TENURE = 0, 1, 2

# States of a customer, and how it came.
UNBORN, ACTIVE, AWAITING, LOST = 0, 1, 2, 3
KNOWN, PAID, REFERRED, TOLD, SWITCHED = 0, 1, 2, 3, 4

# Of a customer's own account: a budget that is spread over many leaves each a fraction of a cent. Whole numbers sum to
# the same in any order, which engines need; an account overflows at nine trillion in money, above any customer's.
UNITS_PER_CENT = 10_000


class Rules(NamedTuple):
    """One set a scenario. Probabilities and shares unless said otherwise."""

    failure_share: float  # phi: share of dropout that service failures cause under the market's own handling
    leave_after_failure: float  # D0: P(leaves | failure) under the market's own handling
    complaint_probability: float  # c: P(complains | failure), under this strategy
    silent_stay: float  # P(stays | failure, no complaint)
    quick_share: float  # without a desk: share of complaints answered quickly
    slow_share: float  # ... and late; the rest stays unresolved
    stay_quick: float
    stay_slow: float
    stay_unresolved: float
    quick_within: float  # time units from complaint to reply
    slow_within: float
    spend_shape: float  # p of Gamma-Gamma
    lifetime: int = DROPOUT
    spending: int = GAMMA_GAMMA
    regularity: float = 1.0  # k of Erlang-k gaps between purchases
    term: float = 0.0  # time units between renewals of a contract
    fixed_spend: float = 0.0  # money per purchase
    margin: float = 0.0
    desk: bool = False
    mean_service_time: float = 0.0  # time units
    at_once: float = 0.0  # share of complaints that empowered staff settle on the spot
    asking_cents: int = 0  # per purchase
    reply_cents: int = 0  # per reply of the desk
    complaint_cents: int = 0  # compensation, per answered complaint
    price: float = 1.0  # share of the list price that customers pay
    organic_factor: float = 1.0  # on organic dropout, of everybody
    member_share: float = 0.0  # customers who are members of the club
    member_factor: float = 1.0  # on members' organic dropout
    member_referral_factor: float = 1.0
    tells_against: int = 0  # people whom a dissatisfied customer tells
    tells_for: int = 0  # people whom a customer tells whose complaint was resolved
    referral_rate: float = 0.0  # referrals per time unit of a satisfied customer
    second_life_factor: float = 1.0  # on dropout after a win-back
    win_back_success: float = 0.0  # of a contact right after the loss
    win_back_half_life: float = 1.0  # time units in which that halves
    switch_share: float = 0.0  # losses that go to a competitor
    switching_cost: float = 0.0  # share of those kept by structural bonds
    harmed_share: float = 0.0  # customers whom contacts harm
    response_spread: float = 0.0  # how far the others' responsiveness differs, around 1
    # L, kappa (0 where it is off) and q of `buying_clock` by what lifts; a contact's L is that of the dearest one.
    price_lift: float = 0.0
    price_decay: float = 0.0
    price_forward: float = 0.0
    club_lift: float = 0.0
    club_decay: float = 0.0
    club_forward: float = 0.0
    return_lift: float = 0.0
    return_decay: float = 0.0
    return_forward: float = 0.0
    contact_lift: float = 0.0
    contact_decay: float = 0.0
    contact_forward: float = 0.0
    offer_effect: float = 0.0  # share of organic dropout that an offer at renewal prevents
    offer_price: float = 1.0  # share of the price that is paid for the term of an accepted offer
    epoch: float = 1.0  # time units
    satisfaction: bool = False  # whether the state is kept; the rest as `simulation.satisfaction` documents it
    quality_mean: float = 0.0
    quality_spread: float = 1.0
    failure_drop: float = 0.0
    first_expectation: float = 0.0
    learning: float = 0.0
    indifference: float = 0.0
    asymmetry: float = 1.0
    disconfirmation: float = 0.0
    equity: float = 0.0
    outcome_per_quality: float = 0.0
    reference_ratio: float = 1.0
    carry: float = 1.0
    distributive: float = 0.0
    procedural: float = 0.0
    interactional: float = 0.0
    fair_cents: int = 0
    complaint_effect: float = 0.0  # exponents w of factors e^(w s)
    word_of_mouth_effect: float = 0.0
    referral_effect: float = 0.0
    dropout_effect: float = 0.0
    dropout_most: float = 1.0  # at least what the last does to dropout; set by `packed`
    spend_effect: float = 0.0


# The types themselves: a named tuple keeps its annotations as references to their names, which no name is equal to.
RULES = np.dtype([(name, np.float64 if kind is float else np.int64) for name, kind in get_type_hints(Rules).items()])


def packed(rules: Rules) -> Records:
    """The rules as compiled code takes them: an array of one RULES record."""
    most = math.exp(abs(rules.dropout_effect)) * (1.0 + 1e-9)  # above any rounding
    return np.array([tuple(rules._replace(dropout_most=most))], dtype=RULES)


# A customer, in 152 bytes; engines keep 8 more beside it, the time of its next event. Traits first, then clocks
# (absolute times; while a complaint is open `death_at` and `referral_at` hold what was left of them), then books.
CUSTOMER = np.dtype(
    [
        ("uid", np.int64),
        ("rate", np.float64),  # purchases per time unit
        ("dropout", np.float64),  # probability, or hazard per time unit, or multiplier of hazards by tenure
        ("spend_rate", np.float64),  # nu of Gamma-Gamma
        ("response", np.float64),  # to contacts: 1 is the market's effect, below 0 they harm
        ("due", np.float64),  # next purchase, renewal, reply or birth; of a lost customer when it was lost
        ("death_at", np.float64),
        ("referral_at", np.float64),
        ("last_purchase", np.float64),
        ("first_purchase", np.float64),
        ("expected", np.float64),  # quality that it expects, and how satisfied it is: -1 to 1
        ("satisfied", np.float64),
        ("repeat_revenue", np.int64),  # cents that the firm has seen, without the first purchase
        ("revenue", np.int64),  # cents in the simulation
        ("account", np.int64),  # contribution less what the firm spent on this customer, in UNITS_PER_CENT
        ("judged_account", np.int64),  # `account` when it was last judged for dismissal
        ("k", np.int32),  # purchases in the simulation, the first of a new customer not counted
        ("seen", np.int16),  # repeat purchases before it; of a contract the renewals
        ("referrals", np.int16),
        ("lives", np.int16),  # for lifetimes in time: returns, and deaths that a bond prevented
        ("returns", np.int16),
        ("state", np.int8),
        ("cause", np.int8),
        ("destination", np.int8),
        ("origin", np.int8),
        ("channel", np.int8),  # that brought one who was paid for: 0 the one without a name, then by name
        ("reply", np.int8),  # kind of the reply that is on its way
        ("unhappy", np.int8),
        ("contacted", np.int8),
        ("crossed", np.int8),
        ("offered", np.int8),  # an offer for its coming renewal
        ("member", np.int8),
        ("dismissed", np.int8),
    ],
    align=True,
)


class DropoutState(NamedTuple):
    """Fields of a customer that what the firm does to its organic dropout depends on (`event_times.firm_factor`), for
    engines that keep no records: a rule reads either by the same names."""

    response: float
    contacted: int
    member: int
    satisfied: float
