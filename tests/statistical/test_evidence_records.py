"""Truth: simulated firms whose rates, shares and responses are known; hand counts; brute force; lifelines."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from numpy.testing import assert_allclose
from scipy.stats import beta as beta_law
from tests.statistical.simulated_records import EVEN, chances_to_be_there, offering, referring, winning_back

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.evidence import offer_evidence, referral_evidence, win_back_evidence
from churnsim.evidence.grid import grid_draws
from churnsim.evidence.records import NEVER, History, Measured, degrees, ratio_of_means
from churnsim.units import Duration

LAST = "2022-12-30"
INSIDE = (0.92, 0.98)  # shares of 200 intervals of level .95 that may hold the truth


# ------------------------------------------------------------------------------------------------- purchases around


def test_history_against_loops():
    random = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "customer_id": random.integers(0, 8, 60), "date": pd.Timestamp("2023-01-01") + pd.to_timedelta(
                random.integers(0, 40, 60), "D"
            ), "amount": random.gamma(2.0, 5.0, 60),
        }
    )  # fmt: skip
    history = History.of(frame, "2023-02-15")
    base = int(np.datetime64("2023-01-01").astype("datetime64[D]").astype(int))
    ids = np.repeat(np.arange(0, 10, 3), 25)  # customer 9 has bought nothing
    day = np.tile(np.arange(-5, 45, 2), 4) + base
    place = history.customers(pd.Series(ids))
    later = day + 7
    for i in range(len(ids)):
        own = frame[frame["customer_id"] == ids[i]]
        days = own["date"].to_numpy().astype("datetime64[D]").astype(int)
        before, after = days[days < day[i]], days[days > day[i]]
        one = np.array([place[i]])
        assert history.last_before(one, day[i : i + 1])[0] == (before.max() if len(before) else -NEVER)
        assert history.next_after(one, day[i : i + 1])[0] == (after.min() if len(after) else NEVER)
        assert history.bought_before(one, day[i : i + 1])[0] == len(set(before))
        spent = own["amount"].to_numpy()[(days > day[i]) & (days <= later[i])].sum()
        assert_allclose(history.spend_between(one, day[i : i + 1], later[i : i + 1])[0], spent, atol=1e-9)


def test_grid_draws_against_beta_laws():
    """Two independent beta posteriors, one narrow enough that the grid must close in."""

    def log_density(p, r):
        return 3 * np.log(p) + 7 * np.log1p(-p) + 4e5 * np.log(r) + 6e5 * np.log1p(-r)

    p, r = grid_draws(log_density, 2, draws=20_000, seed=1)
    for draws, law in ((p, beta_law(4, 8)), (r, beta_law(4e5 + 1, 6e5 + 1))):
        at = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
        # Standard error of an empirical probability, four times.
        assert_allclose(law.cdf(np.quantile(draws, at)), at, atol=4 * math.sqrt(0.25 / 20_000))


# -------------------------------------------------------------------------------------------------------- referrals


def test_referrals_by_hand():
    """Three customers, active for 100 days after their last purchase; conversion by lifelines' product limit."""
    purchases = pd.DataFrame(
        {
            "customer_id": [1, 1, 2, 3, 10, 11],
            "date": ["2023-01-01", "2023-06-30", "2023-03-01", "2023-12-01", "2023-02-10", "2023-12-20"],
        }
    )
    rows = pd.DataFrame(
        [
            (1, 10, "2023-02-01"), (1, 12, "2023-03-01"), (2, 13, "2023-09-01"), (3, 11, "2023-12-15"),
            (1, 3, "2023-12-05"),
        ],
        columns=["referrer_id", "referred_id", "at"],
    )  # fmt: skip
    found = referral_evidence(
        rows, purchases, until="2023-12-31", active_for=Duration(100, "D"), within=Duration(90, "D")
    )
    # Customer 2 was not active in September, customer 3 no stranger in December.
    assert (found.referrals, found.referrers, found.converted) == (3, 2, 2)
    assert any("1 referrals of people who were customers" in line for line in found.checks)
    assert any("1 referrals by customers not active" in line for line in found.checks)
    years = np.array([180 + 100, 100, 30, 100, 11]) / 365.25
    assert_allclose(found.active_years, years.sum())
    assert_allclose(found.rate.value, 3 / years.sum())
    referred = np.array([2, 0, 1, 0, 0])
    residual = referred - found.rate.value * years
    error = math.sqrt(5 / 4 * (residual**2).sum()) / years.sum()
    # Five customers have four degrees of freedom: Student's 95% point is 2.1318.
    assert_allclose(found.rate.high / found.rate.value, math.exp(2.1318468 * error / found.rate.value), rtol=1e-6)
    limit = KaplanMeierFitter().fit([9, 90, 5], [1, 0, 1])
    assert_allclose(found.conversion.value, 1 - limit.survival_function_.iloc[-1, 0])


def test_referrals_of_a_firm_are_found():
    firm = referring(5, customers=500, rate=0.5, conversion=0.4)
    alive = chances_to_be_there(firm.purchases, LAST)
    found = referral_evidence(firm.referrals, firm.purchases, until=LAST, alive=alive)
    assert_allclose(found.active_years, firm.active_years, rtol=0.08)
    truths = ((found.rate, 0.5), (found.conversion, 0.4), (found.new_customers, 0.2), (found.worth, 1.0))
    for estimate, truth in truths:
        assert abs(math.log(estimate.value / truth)) < 3 * math.log(estimate.high / estimate.low) / 2 / 1.645
    belief = found.beliefs()["referral.rate_per_year"]
    assert (belief.value, belief.status) == (found.new_customers.value, "measured here (observational)")
    assert "new customers per active customer and year" in str(found)


@pytest.mark.slow
def test_intervals_of_referrals_cover():
    held = np.zeros(4)
    for seed in range(200):
        firm = referring(seed, customers=1200, rate=0.4, conversion=0.4)
        found = referral_evidence(
            firm.referrals, firm.purchases, until=LAST, alive=chances_to_be_there(firm.purchases, LAST), level=0.95
        )
        truths = ((found.rate, 0.4), (found.conversion, 0.4), (found.new_customers, 0.16), (found.worth, 1.0))
        held += [estimate.low <= truth <= estimate.high for estimate, truth in truths]
    # Four shares of the same firms: three standard errors of 200 below, where one alone has two.
    assert ((held / 200 >= 0.904) & (held / 200 <= INSIDE[1])).all(), held / 200


def test_a_referrers_referrals_are_alike():
    """Where all were referred long ago the share who come is a mean over referrals, and the rate of new customers that
    of those who came; their errors by customers are those of ratios, written out."""
    random = np.random.default_rng(5)
    people, start = 40, pd.Timestamp("2022-01-01")
    number = random.poisson(random.gamma(0.5, 4.0, people))
    comes = random.beta(0.5, 0.5, people)
    referrer = np.repeat(np.arange(people), number)
    came = random.random(len(referrer)) < comes[referrer]
    referred = 1000 + np.arange(len(referrer))
    bought = pd.DataFrame({"customer_id": [*np.repeat(np.arange(people), 2), *referred[came]]})
    bought["date"] = [
        *np.tile([start, start + pd.Timedelta(days=364)], people),
        *[start + pd.Timedelta(days=60)] * came.sum(),
    ]
    rows = pd.DataFrame({"referrer_id": referrer, "referred_id": referred, "at": start + pd.Timedelta(days=30)})
    found = referral_evidence(rows, bought, until="2022-12-31")
    share, referrers = came.mean(), np.unique(referrer)
    off = np.array([(came[referrer == one] - share).sum() for one in referrers])
    n = len(referrers)
    assert_allclose(found.conversion.value, share)
    assert_allclose(found.conversion.standard_error, math.sqrt(n / (n - 1) * (off**2).sum()) / len(came), rtol=1e-6)
    assert found.conversion.standard_error > 1.3 * math.sqrt(share * (1 - share) / len(came))
    years = np.array([364.0] * people + [304.0] * came.sum()) / 365.25
    new = np.bincount(referrer[came], minlength=len(years))
    rate = new.sum() / years.sum()
    error = math.sqrt(len(years) / (len(years) - 1) * ((new - rate * years) ** 2).sum()) / years.sum()
    assert_allclose(found.new_customers.value, rate)
    assert_allclose(found.new_customers.standard_error, error / rate, rtol=1e-3)


def test_rates_of_few_customers_who_differ_much():
    """Degrees of freedom: n of normal units (kurtosis 3), and 4 where one of many does it all. Of 30 customers who
    complain of shares of their purchases that differ by a gamma law of shape 1/2, 90% of the intervals hold the mean
    share, within three standard errors (with the normal law 86%)."""
    assert_allclose(degrees(np.random.default_rng(1).normal(size=20_000)), 20_000, rtol=0.05)
    assert degrees(np.eye(50)[0] - 0.02) == 4.0
    random, held, told = np.random.default_rng(2), 0, 0
    for _ in range(1000):
        days = 1 + random.poisson(random.gamma(1.0, 8.0, 30))
        hits = random.binomial(days, np.minimum(random.gamma(0.5, 0.1, 30), 1.0)).astype(float)
        if hits.any():
            rate, error, df = ratio_of_means(hits, days.astype(float))
            found = Measured.positive(rate, error / rate, 0.9, df)
            told, held = told + 1, held + (found.low <= 0.05 <= found.high)
    assert held / told > 0.9 - 3 * math.sqrt(0.09 / told)


def test_means_of_few_skewed_amounts():
    """Two values by hand; and of the intervals of five exponential amounts 90% hold their mean, within three standard
    errors of the share and what Student's law misses of it (symmetric ones with the normal law hold 77%)."""
    assert_allclose(
        Measured.mean(np.array([2.0, 8.0]), 0.9)[2:], (5 / math.exp(0.6 * 6.3137515), 5 * math.exp(0.6 * 6.3137515))
    )
    assert np.isnan(Measured.mean(np.array([3.0, 3.0]), 0.9)[1:]).all()
    draws = np.random.default_rng(3).exponential(size=(2000, 5))
    held = np.mean([found.low <= 1 <= found.high for found in (Measured.mean(row, 0.9) for row in draws)])
    assert held > 0.9 - 0.03


def test_offers_and_win_backs_that_do_nothing_say_so():
    """Their laws begin at 0, so that only the difference of the arms can say that there is no effect."""
    random = np.random.default_rng(2)
    leaves = random.random(600) < 0.25
    offers = pd.DataFrame({"customer_id": range(600), "renewal": "2024-05-01", "discount": np.tile([0.0, 0.2], 300)})
    offers = offers.assign(arm=offers["discount"].astype(str), renewed=~leaves)
    assert any("'0.2' is not told apart" in check for check in offer_evidence(offers, control="0.0", draws=50).checks)
    told = offers.assign(renewed=random.random(600) < np.tile([0.6, 0.9], 300))
    assert not any("not told apart" in check for check in offer_evidence(told, control="0.0", draws=50).checks)
    worse = offers.assign(renewed=random.random(600) < np.tile([0.9, 0.6], 300))
    assert any("not told apart" in check for check in offer_evidence(worse, control="0.0", draws=50).checks)


def test_win_backs_that_are_all_alike():
    """All have been silent for 181 days: one stretch of silence, and no customer to either side of a border."""
    bought = pd.DataFrame({"customer_id": range(60), "date": "2023-01-01"})
    rows = pd.DataFrame({"customer_id": range(60), "at": "2023-07-01", "arm": ["call", "none"] * 30})
    found = win_back_evidence(rows, bought, control="none", until="2024-06-01", draws=50)
    assert found.by_silence["contacts"].to_dict() == {("call", "181 to 181"): 30, ("none", "181 to 181"): 30}
    assert any("all did the same in 'call'" in check for check in found.checks)


def test_stretches_of_silence_say_who_is_in_them():
    """Each label has the least and the longest silence of the customers counted under it."""
    days = np.random.default_rng(4).integers(30, 120, 61)
    at = pd.Timestamp("2023-07-01")
    bought = pd.DataFrame({"customer_id": range(61), "date": at - pd.to_timedelta(days, "D")})
    rows = pd.DataFrame({"customer_id": range(61), "at": at, "arm": "call"})
    table = win_back_evidence(rows, bought, control=None, until="2024-06-01", draws=50).by_silence
    for (_, words), row in table.iterrows():
        low, high = map(int, words.split(" to "))
        assert ((days >= low) & (days <= high)).sum() == row["contacts"]
        assert {low, high} <= set(days)


def test_one_customer_tells_no_rate():
    bought = pd.DataFrame({"customer_id": [1, 2], "date": ["2023-01-01", "2023-02-01"]})
    rows = pd.DataFrame({"referrer_id": [1], "referred_id": [2], "at": ["2023-01-15"]})
    alone = referral_evidence(rows.assign(referred_id=9), bought.head(1), until="2023-06-01")
    assert np.isnan(alone.rate[2:]).all()
    with pytest.raises(DataError, match="has no interval: too little happened"):
        alone.beliefs()


def test_all_or_none_of_few_referrals():
    """Six of six come: Wilson's lower limit is n / (n + z^2); none of six: the upper one z^2 / (n + z^2)."""
    z2 = 1.6448536269514722**2
    for when, value, low, high in (("2022-03-01", 1.0, 6 / (6 + z2), 1.0), ("2022-12-01", 0.0, 0.0, z2 / (6 + z2))):
        bought = [(k, date) for k in range(20) for date in ("2022-01-01", "2022-12-31")] + [
            (50 + k, when) for k in range(6)
        ]
        rows = pd.DataFrame({"referrer_id": range(6), "referred_id": range(50, 56), "at": "2022-02-01"})
        found = referral_evidence(rows, pd.DataFrame(bought, columns=["customer_id", "date"]))
        assert_allclose(found.conversion[:1] + found.conversion[2:], (value, low, high), atol=1e-12)


# ----------------------------------------------------------------------------------------------------------- offers


def test_offers_of_a_firm_are_found():
    firm = offering(3, customers=4000)
    found = offer_evidence(firm.offers, control="0.0", chance=EVEN, history=firm.history, level=0.99)
    beliefs = found.beliefs()
    for name, truth in (("max_effect", firm.prevented), ("discount_scale", firm.scale)):
        belief = beliefs[f"renewal_offers.{name}"]
        assert belief.low < truth < belief.high
        assert belief.status == "measured here (randomised)"
    counts = firm.offers.groupby("discount")["renewed"].agg(["size", "sum"])
    assert_allclose(found.by_discount["retention"], counts["sum"] / counts["size"])
    harmed = found.beliefs(harmed_share=0.1)["renewal_offers.max_effect"]
    assert_allclose(harmed.value, min(beliefs["renewal_offers.max_effect"].value / 0.8, 1.0), rtol=1e-3)


def test_offers_that_somebody_chose_are_no_trial():
    firm = offering(3, customers=2000, chosen=True)
    found = offer_evidence(firm.offers, control="0.0", chance=EVEN, history=firm.history)
    assert found.status == "measured here (observational)"
    assert "FAILED" in str(found)


def test_later_renewals_are_left_out():
    firm = offering(3, customers=500)
    again = firm.offers.assign(renewal="2024-11-01", renewed=True)
    found = offer_evidence(pd.concat([again, firm.offers]), control="0.0")
    assert_allclose(found.by_discount["renewed"].sum(), firm.offers["renewed"].sum())
    assert found.checks[0] == "left out: 500 later renewals"


@pytest.mark.slow
def test_intervals_of_offers_cover():
    held, drawn, chosen = np.zeros(2), 0, 0
    for seed in range(200):
        firm = offering(seed, customers=4000)
        found = offer_evidence(
            firm.offers, control="0.0", chance=EVEN, history=firm.history, level=0.95, seed=seed, draws=4000
        )
        beliefs = found.beliefs().values()
        held += [b.low <= truth <= b.high for b, truth in zip(beliefs, (firm.prevented, firm.scale), strict=True)]
        drawn += found.status == "measured here (randomised)"
        firm = offering(seed, customers=4000, chosen=True)
        found = offer_evidence(firm.offers, control="0.0", chance=EVEN, history=firm.history)
        chosen += found.status == "measured here (randomised)"
    assert ((held / 200 >= INSIDE[0]) & (held / 200 <= INSIDE[1])).all(), held / 200
    assert drawn >= 198
    assert chosen == 0


# -------------------------------------------------------------------------------------------------------- win-backs

HALF = {"call": 0.5, "none": 0.5}
AT_THE_END = "2025-06-20"


@pytest.fixture(scope="module")
def calling():
    return winning_back(8, customers=700)


def test_win_backs_of_a_firm_are_found(calling):
    firm = calling
    found = win_back_evidence(
        firm.contacts.assign(cost=2.0), firm.purchases, control="none", chance=HALF, until=AT_THE_END, level=0.99
    )
    beliefs = found.beliefs(unit="D")
    truths = {"success": firm.success, "half_life": firm.half_life, "second_life": firm.second_life}
    for name, truth in truths.items():
        assert beliefs[f"win_back.{name}"].low < truth < beliefs[f"win_back.{name}"].high
    assert beliefs["win_back.second_life"].status == "measured here (observational)"
    # With half of the silent still there, the same returns take a higher success.
    half = pd.Series(0.5, index=firm.contacts["customer_id"])
    there = win_back_evidence(firm.contacts, firm.purchases, control="none", until=AT_THE_END, alive=half)
    assert np.median(there.success) > np.median(found.success)
    in_weeks = found.beliefs()["win_back.half_life"]
    assert_allclose(in_weeks.value, beliefs["win_back.half_life"].value / 7)
    # Counts by hand: the contacts are all on one day, and everybody who returned did so within eight weeks.
    back = firm.contacts["returned_at"].notna()
    shares = back.groupby(firm.contacts["arm"]).mean()
    counted = found.by_silence.groupby("arm")[["contacts", "returned"]].sum()
    assert_allclose(counted["returned"] / counted["contacts"], shares)
    row = found.effects.best.loc[("returned", "call")]
    assert_allclose(found.cost_per_return["call"], 2.0 / row["difference"])


@pytest.mark.parametrize(("halvings", "kind"), [(0.1, "randomised"), (0.2, "observational")])
def test_a_chance_extrapolated_by_more_than_a_tenth_is_not_measured_at_random(calling, halvings, kind):
    """2^0.1 is 1.07 and 2^0.2 is 1.15: what was drawn is the chance at the shortest silence."""
    found = win_back_evidence(calling.contacts, calling.purchases, control="none", chance=HALF, until=AT_THE_END)
    called = calling.contacts[calling.contacts["arm"] == "call"].merge(calling.purchases, on="customer_id")
    gaps = (called["at"] - called["date"]).dt.days  # by hand
    assert found.shortest == gaps[gaps > 0].groupby(called["customer_id"]).min().min()
    success = replace(found, shortest=halvings * float(np.median(found.half_life))).beliefs()["win_back.success"]
    assert success.status == f"measured here ({kind})"
    assert ("extrapolated from silences of" in success.source) is (kind == "observational")


def test_a_second_life_by_hand():
    """Returns at days 100 and 110, and a record of which day 260 is the last that is followed by a silence of 150: one
    life of 40 days that ended by then, one of 150 that went on, with a silence of 200."""
    days = {1: [0, 100, 140], 2: [5, 110, 310], 3: [7]}
    purchases = pd.DataFrame(
        [(k, pd.Timestamp("2023-01-01") + pd.Timedelta(days=d), 3.0) for k, all_of in days.items() for d in all_of],
        columns=["customer_id", "date", "amount"],
    )
    contacts = pd.DataFrame({"customer_id": [1, 2, 3], "at": "2023-03-31", "arm": "call"})
    found = win_back_evidence(
        contacts, purchases, control=None, until="2024-02-15", lost_after=Duration(150, "D"),
        horizon=Duration(60, "D"),
    )  # fmt: skip
    assert found.effects is None
    assert_allclose(found.second_life.value, 40 + 150)
    assert "1 silences of second lives as long as lost_after" in str(found.checks)
    assert_allclose(found.second_worth.value, (3 + 3 + 3) / 2)
    assert "whoever would have returned anyhow" in str(found)


def test_second_lives_longer_than_the_record():
    """They buy every 20 days and leave after one purchase in 20: 380 days on average; the record has 400."""
    random = np.random.default_rng(3)
    times = np.cumsum(np.column_stack([random.integers(100, 150, 1500), random.exponential(20.0, (1500, 80))]), axis=1)
    there = np.cumsum(random.random((1500, 81)) < 0.05, axis=1) == 0
    there = np.column_stack([np.ones(1500, dtype=bool), there[:, :-1]]) & (times < 500)
    who, which = np.nonzero(there)
    start = pd.Timestamp("2020-01-01")
    bought = pd.DataFrame({"customer_id": who, "date": start + pd.to_timedelta(times[who, which].astype(int), "D")})
    old = pd.DataFrame({"customer_id": range(1500), "date": start + pd.to_timedelta(random.integers(0, 90, 1500), "D")})
    contacts = pd.DataFrame({"customer_id": range(1500), "at": start + pd.Timedelta(days=99), "arm": "call"})
    life = win_back_evidence(
        contacts, pd.concat([old, bought]), control=None, until=start + pd.Timedelta(days=500), draws=10
    ).second_life
    error = np.log(life.high / life.low) / 2 / 1.645
    assert error < 0.06
    assert abs(np.log(life.value / 380)) < 3 * error


def test_win_backs_that_somebody_chose_are_no_trial():
    firm = winning_back(8, customers=400, chosen=True)
    found = win_back_evidence(firm.contacts, firm.purchases, control="none", chance=HALF, until=AT_THE_END, draws=10)
    assert found.status == "measured here (observational)"


@pytest.mark.slow
def test_intervals_of_win_backs_cover():
    held, drawn, chosen = np.zeros(3), 0, 0
    for seed in range(200):
        firm = winning_back(seed, customers=3000)
        options = {"control": "none", "chance": HALF, "until": AT_THE_END}
        found = win_back_evidence(firm.contacts, firm.purchases, level=0.95, draws=2000, seed=seed, **options)
        beliefs, truths = found.beliefs(unit="D").values(), (firm.success, firm.half_life, firm.second_life)
        held += [belief.low <= truth <= belief.high for belief, truth in zip(beliefs, truths, strict=True)]
        drawn += found.status == "measured here (randomised)"
        firm = winning_back(seed, customers=3000, chosen=True)
        found = win_back_evidence(firm.contacts, firm.purchases, draws=10, **options)
        chosen += found.status == "measured here (randomised)"
    assert ((held / 200 >= INSIDE[0]) & (held / 200 <= INSIDE[1])).all(), held / 200
    assert drawn >= 198
    assert chosen == 0


# --------------------------------------------------------------------------------------------------------- bad rows

PURCHASES = pd.DataFrame({"customer_id": [1, 2], "date": ["2023-01-01", "2023-06-01"]})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, 1, "2023-02-01")], r"the referrals, row 1, column 'referred_id': 1 is the referrer too\. Give the id"),
        ([(1, 3, "2023-02-01"), (1, 3, "2023-02-02")], "row 2, column 'referred_id': 3 was referred before"),
        ([(2, 3, "2023-02-01")], "row 1, column 'referrer_id': 2 had bought nothing by then"),
        ([(1, 3, "2023-07-01")], "row 1, column 'at': '2023-07-01' lies after the last day observed"),
        ([(1, 3, "2023-02-01"), (1, 4, "2023-02-31")], "row 2, column 'at': '2023-02-31'"),
        ([(None, 3, "2023-02-01")], r"column 'referrer_id': None is missing\. Give every referral its referrer_id"),
        ([], "there is no row. Give at least one referral"),
        ([(1, 2, "2023-06-03")], "no referral was made by an active customer of somebody new"),
    ],
)
def test_bad_referrals_are_named(rows, message):
    frame = pd.DataFrame(rows, columns=["referrer_id", "referred_id", "at"])
    with pytest.raises(DataError, match=message):
        referral_evidence(frame, PURCHASES, until="2023-06-05")


def test_referrals_need_a_chance_for_everybody():
    frame = pd.DataFrame({"referrer_id": [1], "referred_id": [3], "at": ["2023-02-01"]})
    with pytest.raises(DataError, match="alive has no chance between 0 and 1 for customer '2'"):
        referral_evidence(frame, PURCHASES, alive=pd.Series({1: 0.5}))
    with pytest.raises(DataError, match=r"has no column 'at'"):
        referral_evidence(frame[["referrer_id", "referred_id"]], PURCHASES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"discount": 10.0}, r"row 1, column 'discount': 10.0 is not a share below 1\. Write ten percent as 0\.1"),
        ({"discount": -0.1}, "row 1, column 'discount': -0.1"),
        ({"arm": "none"}, "row 1, column 'discount': 0.1 is offered to the control"),
        ({"renewed": "perhaps"}, "row 1, column 'renewed': 'perhaps' is neither yes nor no"),
        ({"customer_id": 2}, "row 2, column 'customer_id': 2 has a row for this renewal before"),
    ],
)
def test_bad_offers_are_named(change, message):
    frame = pd.DataFrame(
        {"customer_id": [1, 2], "renewal": "2024-05-01", "arm": ["off", "none"], "discount": [0.1, 0.0],
         "renewed": ["yes", "no"]}
    )  # fmt: skip
    frame.loc[0, next(iter(change))] = next(iter(change.values()))
    with pytest.raises(DataError, match=message):
        offer_evidence(frame.astype({"customer_id": int}), control="none")


def test_offers_that_cannot_be_used():
    firm = offering(3, customers=300)
    with pytest.raises(DataError, match="every offer has the same discount"):
        offer_evidence(firm.offers.assign(discount=0.0), control="0.0")
    with pytest.raises(DataError, match=r"history has no row for customer '7' \(1 such customers\)"):
        offer_evidence(firm.offers, control="0.0", history=firm.history.drop(7))
    with pytest.raises(ConfigError, match="harmed_share must be a finite number at least 0 and below"):
        offer_evidence(firm.offers, control="0.0").beliefs(harmed_share=0.5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((9, "2023-04-01", "call", None), "row 1, column 'customer_id': 9 has no purchase before the contact"),
        ((1, "2023-12-01", "call", None), "row 1, column 'at': '2023-12-01' lies after the last day observed"),
        ((1, "2023-04-01", "call", "2023-03-01"), "row 1, column 'returned_at': '2023-03-01' lies before the contact"),
        ((1, "2023-04-01", "call", "2023-12-01"), "'2023-12-01' lies after the last day observed"),
        ((1, "2023-05-30", "call", None), "no contact was observed for as long as `within`"),
    ],
)
def test_bad_win_backs_are_named(row, message):
    rows = [row, (1, "2023-06-04", "none", None)]
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "arm", "returned_at"])
    with pytest.raises(DataError, match=message):
        win_back_evidence(frame, PURCHASES, control="none", until="2023-06-05")


def test_a_market_takes_the_beliefs(calling):
    """Lengths are in its unit, weeks; draws are joint."""
    found = win_back_evidence(calling.contacts, calling.purchases, control="none", until=AT_THE_END, draws=50)
    market = cs.Market(
        customers=cs.Cohort(size=20), purchases=cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0),
        spend=cs.simulation.FixedSpend(amount=10.0), beliefs=found.beliefs(unit="W"),
    )  # fmt: skip
    assert_allclose(market.win_back.half_life.to("D"), np.median(found.half_life))
    assert_allclose(market.win_back.success, np.median(found.success))
