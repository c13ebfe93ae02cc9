"""Truth: simulated desks whose answers do what is known; matrices and brute force for the instrument; hand counts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from numpy.testing import assert_allclose
from scipy.stats import f as fisher
from tests.statistical.simulated_records import complaining

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.evidence import complaint_evidence
from churnsim.evidence.instruments import two_stage
from churnsim.units import Duration

AT_THE_END = "2023-05-20"
HALF = {"fast": 0.5, "usual": 0.5}
INSIDE = (0.92, 0.98)


def instrumented(seed: int, strength: float, n: int = 300) -> tuple[np.ndarray, ...]:
    """Outcome, treatment, instrument, controls and clusters; the effect is 0.5, and a cause of both is hidden."""
    random = np.random.default_rng(seed)
    cluster = np.arange(n) // 5
    z = random.normal(size=n) + random.normal(size=n // 5)[cluster]
    hidden, x = random.normal(size=n), random.normal(size=n)
    d = strength * z + hidden + 0.3 * x + random.normal(size=n)
    return 0.5 * d - hidden + x + random.normal(size=n), d, z, np.column_stack([np.ones(n), x]), cluster


def test_two_stages_against_matrices():
    y, d, z, x, cluster = instrumented(1, 0.5)
    found = two_stage(y, d, z, x, cluster, level=0.95)
    regressors, instruments = np.column_stack([d, x]), np.column_stack([z, x])
    inverse = np.linalg.inv(instruments.T @ regressors)
    b = inverse @ instruments.T @ y
    assert_allclose(found.effect, b[0])
    score = instruments * (y - regressors @ b)[:, None]
    sums = np.array([score[cluster == g].sum(axis=0) for g in np.unique(cluster)])
    covariance = inverse @ (sums.T @ sums * 60 / 59) @ inverse.T
    assert_allclose(found.standard_error, math.sqrt(covariance[0, 0]))
    assert (found.clusters, found.observations) == (60, 300)


@pytest.mark.parametrize(("strength", "shape"), [(0.8, "inside"), (0.02, "everything or outside")])
def test_the_interval_of_anderson_and_rubin_by_inversion(strength, shape):
    """Each b on a grid is tested: does the instrument tell y - b d, with its variance under that b?"""
    y, d, z, x, cluster = instrumented(2, strength)
    found = two_stage(y, d, z, x, cluster, level=0.9)
    q, _ = np.linalg.qr(x)
    y, d, z = (v - q @ (q.T @ v) for v in (y, d, z))
    grid = np.linspace(-30, 30, 501)
    kept = []
    for b in grid:
        score = z * (y - b * d)
        sums = np.bincount(cluster, weights=score)
        kept.append(score.sum() ** 2 <= fisher.ppf(0.9, 1, 59) * 60 / 59 * (sums**2).sum())
    if shape == "inside":
        assert np.isfinite([found.low, found.high]).all()
        assert_allclose([grid[kept].min(), grid[kept].max()], [found.low, found.high], atol=0.12)
        assert not found.weak
    else:
        assert found.low == -math.inf
        assert found.high == math.inf
        assert kept[0]
        assert kept[-1]
        assert found.split is not all(kept)
        assert found.weak
        assert "weak" in str(found)


def test_what_an_instrument_cannot_tell():
    y, d, z, x, cluster = instrumented(3, 0.5)
    with pytest.raises(DataError, match="does not vary"):
        two_stage(y, d, x[:, 1], x, cluster, level=0.9)
    with pytest.raises(DataError, match="one cluster alone"):
        two_stage(y, d, z, x, np.zeros(300), level=0.9)


@pytest.fixture(scope="module")
def answered():
    """A firm, and what its records show."""
    firm = complaining(4, customers=1200, stay=(0.9, 0.5, 0.5), drawn=True)
    found = complaint_evidence(
        firm.complaints, firm.purchases, control="usual", chance=HALF, until=AT_THE_END, level=0.99
    )
    return firm, found


def test_complaints_of_a_firm_are_found(answered):
    firm, found = answered
    beliefs = found.beliefs()
    truths = dict(zip(("quick_share", "slow_share"), firm.settled, strict=True))
    truths |= {"stay_quick": 0.9, "stay_slow": 0.5, "stay_unresolved": 0.5}
    for name, truth in truths.items():
        belief = beliefs[f"complaints.{name}"]
        assert belief.low < truth < belief.high, name
        assert belief.status == "measured here (observational)"
    assert found.quick_effect.low < 0.4 < found.quick_effect.high
    assert not found.quick_effect.weak
    assert found.status == "measured here (randomised)"
    fewer = found.beliefs(others_stay=0.5)["complaints.stay_quick"]
    assert_allclose(fewer.value, beliefs["complaints.stay_quick"].value / 2, rtol=0.05)
    assert "an association" in str(found)


def test_waits_against_lifelines(answered):
    """Refused complaints are never settled, those that wait still are censored."""
    firm, found = answered
    rows = firm.complaints
    waited = (rows["answered_at"] - rows["at"]).dt.days
    refused = rows["outcome"] == "refused"
    open_for = (pd.Timestamp(AT_THE_END) - rows["at"]).dt.days
    length = np.where(refused, 10_000, np.where(waited.notna(), np.maximum(waited, 0.5), open_for + 0.5))
    limit = KaplanMeierFitter().fit(length, waited.notna() & ~refused)
    s = limit.survival_function_at_times([7, 42]).to_numpy()
    assert_allclose(found.quick_share.value, 1 - s[0])
    assert_allclose(found.slow_share.value, s[0] - s[1])
    assert_allclose(found.median_wait.value, limit.median_survival_time_)


def test_an_answer_by_luck_is_no_effect():
    """Those who stay anyhow are answered first: the association is there, the instrument does not see one."""
    firm = complaining(5, customers=1200, stay=(0.6, 0.6, 0.6), unfair=True)
    found = complaint_evidence(firm.complaints.drop(columns="arm"), firm.purchases, until=AT_THE_END)
    assert found.by_answer.loc["quick", "lower"] > found.by_answer.loc["unresolved", "upper"]
    assert found.quick_effect.low < 0 < found.quick_effect.high
    assert found.placebo_p > 0.001
    assert found.status == "measured here (observational)"


def test_complaints_that_change_nothing_keep_everybody():
    """Customers who buy at rates of their own complain of a quarter of their purchases, whatever comes of it: all stay,
    within three standard errors. Those who never complain have bought less (beside them 1.35 would \"stay\")."""
    random = np.random.default_rng(7)
    gaps = np.ceil(random.exponential(1 / random.gamma(0.6, 1 / 60, 1500)[:, None], (1500, 300)))
    day = (random.integers(0, 365, (1500, 1)) + np.cumsum(gaps, axis=1)).clip(max=1e6)
    who, which = np.nonzero(day < 1090)
    bought = pd.DataFrame({"customer_id": who, "day": day[who, which]})
    rows = bought[random.random(len(bought)) < 0.25].reset_index(drop=True)
    for frame, name, wait in ((bought, "date", 0), (rows, "at", 0), (rows, "answered_at", 2)):
        frame[name] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame["day"] + wait, "D")
    found = complaint_evidence(rows, bought, until="2023-01-01").by_answer.loc["quick"]
    error = np.log(found["stay_upper"] / found["stay_lower"]) / 2 / 1.645
    assert error < 0.03
    assert abs(np.log(found["stay"])) < 3 * error


def regular_buyers(seed: int, customers: int, complain: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Complaints that change nothing, of customers who nearly all buy again: purchases of three years, every month on
    average, and those that brought a complaint, six in ten of them answered in two days."""
    random = np.random.default_rng(seed)
    gaps = np.ceil(random.exponential(1 / random.gamma(5.0, 1 / 150, customers)[:, None], (customers, 150)))
    day = (random.integers(0, 365, (customers, 1)) + np.cumsum(gaps, axis=1)).clip(max=1e6)
    who, which = np.nonzero(day < 1090)
    bought = pd.DataFrame({"customer_id": who, "day": day[who, which]})
    rows = bought[random.random(len(bought)) < complain].reset_index(drop=True)
    rows["wait"] = np.where(random.random(len(rows)) < 0.6, 2.0, np.nan)
    start = pd.Timestamp("2020-01-01")
    bought["date"], rows["at"] = (start + pd.to_timedelta(each["day"], "D") for each in (bought, rows))
    rows["answered_at"] = rows["at"] + pd.to_timedelta(rows["wait"], "D")
    return rows[["customer_id", "at", "answered_at"]], bought[["customer_id", "date"]]


def test_all_who_complain_buy_again():
    """Ten complaints of ten customers and forty purchases of forty others, after all of which somebody buys: the share
    of neither is known exactly. Where all of n do, Wilson's lower limit is n / (n + z^2)."""
    who = np.repeat(np.arange(50), 2)
    date = np.tile(["2021-01-01", "2021-04-01"], 50)
    rows = pd.DataFrame({"customer_id": np.arange(10), "at": "2021-01-01", "answered_at": "2021-01-02"})
    found = complaint_evidence(rows, pd.DataFrame({"customer_id": who, "date": date}), until="2021-09-01")
    row, z2 = found.by_answer.loc["quick"], 1.6448536269514722**2
    assert (row["share"], row["others"], row["stay"]) == (1.0, 1.0, 1.0)
    assert_allclose([row["lower"], row["stay_lower"], row["stay_upper"]], [10 / (10 + z2), 10 / (10 + z2), 1 + z2 / 40])


def test_arms_of_customers_who_had_bought_nothing_before():
    """There is nothing to adjust for, which is no reason not to compare them."""
    rows = pd.DataFrame({"customer_id": range(60), "at": "2021-01-05", "arm": ["fast", "usual"] * 30})
    rows["answered_at"] = np.where(rows["arm"] == "fast", "2021-01-06", None)
    bought = pd.DataFrame({"customer_id": [*range(60), *range(0, 40, 2), *range(1, 20, 2)], "date": "2021-01-01"})
    bought.loc[60:, "date"] = "2021-05-01"
    found = complaint_evidence(rows, bought, control="usual", chance=HALF, until="2021-12-31")
    assert_allclose(found.effects.best["difference"], (20 - 10) / 30)
    assert found.quick_effect.low < 1 / 3 < found.quick_effect.high
    nobody = complaint_evidence(rows, bought.head(60), control="usual", chance=HALF, until="2021-12-31")
    assert nobody.quick_effect is None  # it was 0, from 0 to 0


def test_arms_are_compared_by_each_customers_first_complaint():
    """80 customers complain five times each, always in the same arm; whoever buys again does so for all five."""
    who = np.repeat(np.arange(80), 5)
    rows = pd.DataFrame(
        {"customer_id": who, "at": pd.Timestamp("2021-01-05") + pd.to_timedelta(np.tile(range(5), 80), "D")}
    )
    rows["arm"] = np.where(who % 2 == 0, "fast", "usual")
    rows["answered_at"] = rows["at"].where(rows["arm"] == "fast")
    again = np.flatnonzero(np.random.default_rng(1).random(80) < 0.5)
    bought = pd.DataFrame(
        {"customer_id": [*range(80), *again], "date": ["2021-01-01"] * 80 + ["2021-05-01"] * len(again)}
    )
    found = complaint_evidence(
        rows.sample(frac=1, random_state=2), bought, control="usual", chance=HALF, until="2021-12-31"
    )
    assert found.effects.customers.to_dict() == {"usual": 40, "fast": 40}
    shares = np.isin(np.arange(80), again).reshape(40, 2).mean(axis=0)
    row = found.effects.best.loc["bought", "fast"]
    assert_allclose(row["difference"], shares[0] - shares[1])
    assert_allclose(row["standard_error"], math.sqrt((shares * (1 - shares)).sum() / 39))
    few = complaint_evidence(rows[who < 38], bought, control="usual", chance=HALF, until="2021-12-31")
    assert few.effects is None
    assert "the arms are not compared" in str(few)


@pytest.mark.parametrize("family", [cs.BGNBD, cs.MBGNBD])
def test_who_has_bought_much_stays_more_often(family):
    """Customers simulated one by one, who leave after a purchase (of BG/NBD not the first) with a chance of their own:
    of those who made their n-th purchase the share who stay, within four standard errors."""
    random, model = np.random.default_rng(6), family(r=1.0, alpha=4.0, a=0.8, b=2.4)
    leaves = random.beta(0.8, 2.4, 200_000)
    first = 2 if family is cs.BGNBD else 1  # the first purchase after which anybody leaves
    lives = first - 1 + random.geometric(leaves)  # purchases made in a life
    for n in (1, 2, 5):
        made = lives >= n
        share, error = (lives[made] > n).mean(), math.sqrt(0.25 / made.sum())
        bought = pd.DataFrame({"customer_id": 1, "date": pd.date_range("2021-01-01", periods=n)})
        rows = pd.DataFrame({"customer_id": [1], "at": bought["date"].max()})
        found = complaint_evidence(rows, bought, until="2021-12-31")
        assert found.purchases.tolist() == [n]
        assert abs(found.others_stay(model) - share) < 4 * error
    assert found.others_stay(cs.ParetoNBD(r=1.0, alpha=4.0, s=1.0, beta=4.0)) == 1.0


def test_a_customer_who_complains_often_is_one():
    """Each complaint twice on end, so that the same customers stand behind as many again: their limits stay."""
    rows, bought = regular_buyers(1, 60, 0.05)
    later = rows.assign(at=rows["at"] + pd.Timedelta(days=1), answered_at=rows["answered_at"] + pd.Timedelta(days=1))
    once = complaint_evidence(rows, bought, until="2023-01-01").by_answer.loc["quick"]
    doubled = complaint_evidence(pd.concat([rows, later]), bought, until="2023-01-01")
    twice = doubled.by_answer.loc["quick"]
    assert not any("repeat" in check for check in doubled.checks)
    again = complaint_evidence(pd.concat([rows, rows.head(3)]), bought, until="2023-01-01")
    assert "3 complaints repeat an earlier row in every column, and count as another complaint" in again.checks
    assert twice["complaints"] > 1.9 * once["complaints"]
    assert_allclose(twice[["lower", "upper"]].astype(float), once[["lower", "upper"]].astype(float), atol=0.01)


def test_intervals_of_few_customers_who_nearly_all_buy():
    """Sixty customers: intervals of level 95% hold that complaints change nothing, within three standard errors of the
    share of 200 firms."""
    held, drawn = 0, 0
    for seed in range(200):
        table = complaint_evidence(*regular_buyers(seed, 60, 0.05), until="2023-01-01", level=0.95).by_answer
        both = table.loc[["quick", "unresolved"]].dropna()
        held += int(((both["stay_lower"] <= 1) & (both["stay_upper"] >= 1)).sum())
        drawn += len(both)
    assert drawn == 400
    assert held / drawn >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)


def test_buying_afterwards_by_hand():
    """Two complaints on day 10, landmark on day 30, horizon 20 days: one customer buys on day 45, one on day 20."""
    purchases = pd.DataFrame(
        [(1, 5), (1, 45), (2, 8), (2, 20), (3, 0), (4, 0), (4, 35), (5, 0), (5, 90)], columns=["customer_id", "day"]
    )
    purchases["date"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(purchases.pop("day"), "D")
    rows = pd.DataFrame({"customer_id": [1, 2], "at": "2023-01-11", "answered_at": ["2023-01-13", None]})
    found = complaint_evidence(
        rows,
        purchases,
        quick_within=Duration(5, "D"),
        slow_within=Duration(20, "D"),
        horizon=Duration(20, "D"),
        until="2023-04-15",
    )
    assert found.by_answer["bought"].to_dict() == {"quick": 1, "slow": 0, "unresolved": 0}
    # Half of the complaints come 3 days after a purchase, so others are looked at from day 23 to 43: one of three buys.
    assert_allclose(found.by_answer.loc["quick", "others"], 1 / 3)
    assert found.quick_effect is None
    assert found.complaints == found.complainants == 2


@pytest.mark.slow
def test_intervals_of_complaints_cover():
    held, drawn, told = np.zeros(6), 0, 0
    for seed in range(200):
        firm = complaining(seed, customers=2000, stay=(0.9, 0.5, 0.5))
        found = complaint_evidence(firm.complaints.drop(columns="arm"), firm.purchases, until=AT_THE_END, level=0.95)
        beliefs = [found.beliefs()[f"complaints.stay_{kind}"] for kind in ("quick", "slow", "unresolved")]
        effects = [(found.quick_effect, 0.4)]
        told += found.placebo_p < 0.001
        firm = complaining(seed, customers=2000, stay=(0.6, 0.6, 0.6), unfair=True)
        found = complaint_evidence(firm.complaints.drop(columns="arm"), firm.purchases, until=AT_THE_END, level=0.95)
        effects.append((found.quick_effect, 0.0))
        firm = complaining(seed, customers=2000, stay=(0.9, 0.5, 0.5), drawn=True)
        found = complaint_evidence(
            firm.complaints, firm.purchases, control="usual", chance=HALF, until=AT_THE_END, level=0.95
        )
        effects.append((found.quick_effect, 0.4))
        drawn += found.status == "measured here (randomised)"
        stays = [b.low <= truth <= b.high for b, truth in zip(beliefs, (0.9, 0.5, 0.5), strict=True)]
        held += [*stays, *(effect.low <= truth <= effect.high for effect, truth in effects)]
    assert ((held / 200 >= INSIDE[0]) & (held / 200 <= INSIDE[1])).all(), held / 200
    assert drawn >= 196
    assert told <= 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customer_id": 9}, "row 1, column 'customer_id': 9 had bought nothing by then"),
        (
            {"at": "2023-12-01", "answered_at": None},
            "row 1, column 'at': '2023-12-01' lies after the last day observed",
        ),
        ({"answered_at": "2023-01-02"}, "row 1, column 'answered_at': '2023-01-02' lies before the complaint"),
        ({"answered_at": "2023-12-01"}, "'2023-12-01' lies after the last day observed"),
        ({"compensation": -1.0}, "column 'compensation': -1.0"),
    ],
)
def test_bad_complaints_are_named(change, message):
    purchases = pd.DataFrame({"customer_id": [1, 2], "date": ["2023-01-01", "2023-06-01"]})
    row = {"customer_id": 1, "at": "2023-01-05", "answered_at": "2023-01-06", "compensation": 5.0}
    frame = pd.DataFrame([row | change])
    with pytest.raises(DataError, match=message):
        complaint_evidence(frame, purchases, until="2023-06-05")


def test_complaints_that_cannot_be_judged():
    purchases = pd.DataFrame({"customer_id": [1, 2], "date": ["2023-01-01", "2023-06-01"]})
    frame = pd.DataFrame({"customer_id": [1], "at": ["2023-01-05"]})
    with pytest.raises(ConfigError, match="slow_within must be longer than quick_within"):
        complaint_evidence(frame, purchases, quick_within=Duration(50, "D"))
    with pytest.raises(ConfigError, match="a control is named, but the complaints have no column arm"):
        complaint_evidence(frame, purchases, control="usual")
    found = complaint_evidence(frame, purchases)
    assert found.median_wait.value == math.inf
    assert found.beliefs() == {}
