"""Trials: the limit of the sequence against its integral and against Brownian motions, errors under daily looks, power
against trials of other futures, and lists that are what was drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

import churnsim as cs
from churnsim.decisions import customer_tables
from churnsim.errors import ConfigError, DataError
from churnsim.simulation import RetentionContacts
from churnsim.trials import TrialAssignment, design_trial, read_trial, simulate_trial
from churnsim.trials.assignment import drawn, held_out
from churnsim.trials.sequence import best_scale, reach

MAILS = cs.Strategy(name="mails", retention=RetentionContacts(budget_per_period=9000.0))
LIFT = "retention.purchase_lift"


@pytest.fixture(scope="module")
def market(published_models):
    purchases, spend = published_models
    base = cs.summarise(cs.datasets.cdnow(), until="1997-12-31").iloc[::3]
    return cs.Market(customers=cs.PosteriorBase(base), purchases=purchases, spend=spend)


@pytest.fixture(scope="module")
def plan(market):
    return design_trial(
        market, MAILS, about=LIFT, effect=2.5, weeks=[16], shares=[0.3, 0.5], power=0.5, seed=1, replications=8
    )


PLAN = {
    "about": LIFT, "strategy": "mails", "without": ["retention"], "outcome": "purchases", "effect": 2.0, "against": 1.0,
    "level": 0.95, "wanted_power": 0.8, "weeks": 26.0, "share": 0.5, "power": 0.8, "detectable": 2.0,
    "standard_error": 0.3, "cost": 1.0, "cost_lower": 0.0, "cost_upper": 2.0, "unit": "W", "law": "log-normal",
    "is_time": False, "values": [1.0, 2.0], "differences": [0.0, 0.3],
}  # fmt: skip


def made_up(n: int, *, seed: int, lift: float = 1.0) -> tuple[TrialAssignment, pd.DataFrame]:
    """A trial of n buyers whose rates are gamma and who leave, those treated buying `lift` times as often."""
    random = np.random.default_rng(seed)
    rate, gone = random.gamma(0.5, 0.2, n), random.exponential(40.0, n)
    past = random.poisson(rate * 26)
    forecast = (past + 0.5) / (26 + 5) * 26
    # The variance of a difference of two means of n/2: of the counts given the past.
    plan = PLAN | {"planned_variance": 4 * float((forecast * (1 + 26 / 31)).mean()) / n}
    trial = drawn(pd.RangeIndex(n), forecast, plan, start=date(2024, 1, 1), seed=seed, days=182)
    treated = (trial.table["arm"] == "treated").to_numpy()
    count = random.poisson(rate * np.minimum(gone, 26) * np.where(treated, lift, 1.0))
    who = np.repeat(np.arange(n), count)
    day = np.floor(random.random(who.size) * np.minimum(gone, 26)[who] * 7)
    log = pd.DataFrame({"customer_id": who, "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")})
    return trial, log


def peeked(trials: int, n: int, looks: str) -> tuple[float, float]:
    """The share of trials without an effect that the sequence, and single intervals, ever call one."""
    by_sequence = by_single = 0
    for seed in range(trials):
        trial, log = made_up(n, seed=seed)
        found = read_trial(trial, log, looks=looks, until="2024-06-30").looks
        by_sequence += bool(((found["lower"] > 0) | (found["upper"] < 0)).any())
        by_single += bool((found["difference"].abs() > 1.96 * found["standard_error"]).any())
    return by_sequence / trials, by_single / trials


@pytest.mark.parametrize(("variance", "rho", "level"), [(1.0, 0.1, 0.95), (0.02, 0.5, 0.9), (30.0, 4.0, 0.99)])
def test_the_limit_is_that_of_the_mixture(variance, rho, level):
    """Where the integral of exp(l s - l^2 V / 2) over a half-normal l is 2 / alpha, here by quadrature (Howard et al.
    2021); the closed form lies above it by less than 2%."""

    def mixture(s):
        def part(x):
            return mpmath.exp(x * s - x * x * (variance + rho) / 2) * mpmath.sqrt(2 * rho / mpmath.pi)

        return mpmath.quad(part, [0, 1, 3, 10, 60]) - 2 / (1 - level)

    limit = float(reach(variance, rho, level))
    assert mixture(limit) > 0 > mixture(limit / 1.02)


def test_the_scale_makes_the_planned_look_narrowest():
    """To the first order: the optimum of the closed form is found by search, and is less than .1% narrower."""
    found = minimize_scalar(lambda x: float(reach(2.0, np.exp(x), 0.95)), bounds=(-6, 3), method="bounded")
    assert found.fun <= float(reach(2.0, best_scale(2.0, 0.95), 0.95)) < 1.001 * found.fun


def test_brownian_motions_and_slower_ones_pass_the_limit_no_more_often_than_allowed():
    """2,000 motions of 400 steps pass it in 5% at most, and those whose steps go together, in fewer; single limits of
    1.96 standard errors are passed by a third of them."""
    random = np.random.default_rng(3)
    steps = random.normal(size=(2000, 400))
    variance = np.arange(1.0, 401.0)
    limit = reach(variance, best_scale(400.0, 0.95), 0.95)
    path = steps.cumsum(axis=1)
    passed = (np.abs(path) > limit).any(axis=1).mean()
    assert passed <= 0.05
    assert (np.abs(path) > 1.96 * np.sqrt(variance)).any(axis=1).mean() > 0.3
    own = 0.1 * random.normal(size=(2000, 1))
    together, more = (steps + own).cumsum(axis=1), variance + (0.1 * variance) ** 2
    slower = (np.abs(together) > reach(more, best_scale(400.0, 0.95), 0.95)).any(axis=1).mean()
    assert slower <= passed


def test_looking_every_week_finds_no_effect_where_there_is_none():
    """Of 30 trials of 300 customers; single intervals at each look find one far oftener."""
    by_sequence, by_single = peeked(30, 300, "weekly")
    assert by_sequence <= 0.05
    assert by_single > 0.1


@pytest.mark.slow
def test_looking_every_day_errs_in_5_of_100_of_2000_trials():
    by_sequence, by_single = peeked(2000, 300, "daily")
    assert by_sequence <= 0.05
    assert by_single > 0.2


def test_everybody_has_the_chance_said_and_every_block_its_share():
    """Over many draws, whatever the share; of all and of each block as many as the share says or one beside."""
    forecast = np.random.default_rng(1).gamma(0.5, 2.0, 333)
    for share in (0.1, 0.37, 0.5):
        draws = [held_out(forecast, share, np.random.default_rng(seed)) for seed in range(400)]
        out = np.array([each for each, _ in draws])
        assert np.abs(out.mean(axis=0) - share).max() < 4.5 * np.sqrt(share * (1 - share) / 400)
        assert set(out.sum(axis=1)) <= {int(share * 333), int(share * 333) + 1}
        for each, block in draws[:20]:
            size = np.bincount(block)
            assert (np.abs(np.bincount(block, each) - share * size) < 1 + 1e-9).all()
            # Blocks are of like forecasts.
            assert (np.diff(block[np.argsort(-forecast, kind="stable")]) >= 0).all()


def test_the_plan_is_what_its_replays_say(market, plan):
    """Its table by the arithmetic of its own columns, money by an ordinary comparison, and power as trials have it."""
    assert (plan.without, plan.customers) == (("retention",), 786)
    row = plan.table.loc[(plan.weeks, plan.share)]
    one, other = plan.curve.loc[2.5], plan.curve.loc[1.0]
    assert row["difference"] == pytest.approx(one["difference"] - other["difference"])
    away = row["difference"] / row["difference_error"]
    assert plan.power == pytest.approx(norm.cdf(away - norm.ppf(0.975)) + norm.cdf(-away - norm.ppf(0.975)), abs=0.03)
    assert plan.status == "confirmed by replays"
    assert plan.sequence_power < plan.power
    assert plan.power_curve["power"].loc[: plan.detectable - 0.02].loc[1.0:].max() < plan.wanted_power
    none = cs.Strategy(name="none")
    apart = cs.compare(market, [MAILS, none], seed=1, horizon=16, replications=8).values("equity")
    forgone = (apart["mails"] - apart["none"]).mean() * plan.share
    assert plan.cost == pytest.approx(forgone)
    assert plan.cost == min(plan.table.loc[plan.table["power"] >= 0.5, "cost"])
    assert "hold" in str(plan)


@pytest.mark.slow
def test_power_is_within_3_points_of_what_was_promised(market):
    """Of 1,000 trials of futures that the design has not seen, by the final reading against nothing."""
    wide = replace(market, customers=cs.PosteriorBase(market.customers.summary))
    plan = design_trial(
        wide, MAILS, about=LIFT, effect=2.2, weeks=[16], shares=[0.5], power=0.5, seed=1, replications=100
    )
    truth = replace(wide, retention=replace(wide.retention, purchase_lift=2.2))
    nothing = plan.curve["difference"].loc[1.0]
    told = []
    for replication in range(1000):
        trial = plan.assignment(start="2024-01-01", seed=replication)
        log = simulate_trial(truth, MAILS, trial, seed=77, replication=replication)
        effects = read_trial(trial, log, looks="end", until="2024-04-21").effects
        row = effects.best.loc[("purchases", "treated")]
        told.append(bool(row["lower"] > nothing or row["upper"] < nothing))
    assert abs(np.mean(told) - plan.power) < 0.03 + 2 * np.sqrt(0.25 / 1000)


def test_a_part_of_the_customers_may_take_part(market):
    """The best by an own forecast are drawn, as of a base of their own; the others are neither drawn nor read; what is
    forgone is that of their own accounts."""
    summary = market.customers.summary
    asked = {"about": LIFT, "effect": 4.0, "weeks": [16], "shares": [0.3], "power": 0.2, "seed": 1, "replications": 4}
    plan = design_trial(market, MAILS, among=0.25, **asked)
    forecast = market.purchases.expected_purchases(summary, 16.0)
    best = forecast.sort_values(ascending=False, kind="stable").index[: round(0.25 * len(summary))]
    trial = plan.assignment(start="2024-01-01")
    assert set(trial.table["customer_id"]) == set(best.astype(str))
    assert (plan.customers, plan.held_out) == (len(best), round(0.3 * len(best)))
    assert "highest forecasts" in trial.manifest.among
    by_id = design_trial(market, MAILS, among=best, **asked)
    marked = design_trial(market, MAILS, among=pd.Series(summary.index.isin(best), summary.index), **asked)
    assert (by_id.power, by_id.cost) == (marked.power, marked.cost) == (plan.power, plan.cost)

    experiment = cs.Experiment(market=market, seed=1, horizon=16.0, replications=4)
    with_mails, without = (
        [table.loc[table["customer_id"].isin(best), "net_margin"].sum() for table in customer_tables(experiment, side)]
        for side in (MAILS, cs.Strategy(name="none"))
    )
    assert plan.cost == pytest.approx(0.3 * (np.mean(with_mails) - np.mean(without)))

    truth = replace(market, retention=replace(market.retention, purchase_lift=4.0))
    log = simulate_trial(truth, MAILS, trial, seed=3)
    found = read_trial(trial, log, until="2024-04-21", looks="end")
    held = trial.manifest.held_out
    assert found.effects.customers.to_dict() == {"control": held, "treated": len(best) - held}
    others = log[~log["customer_id"].isin(best)]
    assert found.strangers == len(others.drop_duplicates(["customer_id", "date"])) > 0
    alone = read_trial(trial, log[log["customer_id"].isin(best)], until="2024-04-21", looks="end")
    pd.testing.assert_frame_equal(found.effects.table, alone.effects.table)
    for wrong, said in ((["nobody"], "no customer of the market"), ("gold", "among must be"), (0.0, "among")):
        with pytest.raises((ConfigError, DataError), match=said):
            design_trial(market, MAILS, among=wrong, **asked)


def test_a_trial_goes_from_the_list_to_a_belief_that_holds_the_truth(market, plan, tmp_path):
    """Written, read back, simulated with a known truth, read, and given to a market and to a study's reader."""
    from churnsim.study.config.market_overrides import beliefs_of_file

    truth = replace(market, retention=replace(market.retention, purchase_lift=3.0))
    path = plan.assignment(start="2024-01-01", seed=5).write(tmp_path / "trial")
    log = simulate_trial(truth, MAILS, TrialAssignment.read(path), seed=9)
    found = read_trial(path, log, until="2024-04-21")
    assert (found.finished, found.status, found.strangers) == (True, "measured here (randomised)", 0)
    belief = found.belief
    assert belief.low < 3.0 < belief.high
    assert (belief.status, belief.law) == ("measured here (randomised)", "log-normal")
    assert json.loads((tmp_path / "trial" / "manifest.json").read_text())["sha256"][:16] in belief.source
    drawn_by = replace(market, retention=type(market.retention)(), beliefs=found.beliefs)
    assert drawn_by.retention.purchase_lift == pytest.approx(belief.value)
    read_back = beliefs_of_file(found.write(tmp_path / "evidence.toml"), "W")[LIFT]
    assert (read_back.status, read_back.source, read_back.level) == (belief.status, belief.source, belief.level)
    assert read_back.value == pytest.approx(belief.value, rel=1e-5)
    # The final reading is the design-based one of the last day, and the sequence is wider there.
    last = found.looks.iloc[-1]
    row = found.effects.best.loc[("purchases", "treated")]
    assert last["difference"] == pytest.approx(row["difference"], abs=row["standard_error"] / 3)
    assert last["lower"] < row["lower"]
    # While it runs nothing final is said, and a look is the same as in the end.
    early = read_trial(path, log, until="2024-03-03")
    assert (early.finished, early.status) == (False, "unfinished")
    pd.testing.assert_frame_equal(early.looks, found.looks.iloc[: len(early.looks)])
    with pytest.raises(DataError, match="runs until 2024-04-21 and the purchases reach 2024-03-03: it is unfinished"):
        early.evidence()


def test_what_a_trial_cannot_answer_is_refused_with_what_it_could(market):
    """A small effect, a number that nothing in the strategy moves, and one that moves no purchase of those drawn."""
    asked = {"weeks": [16], "shares": [0.5], "seed": 1, "replications": 2}
    with pytest.raises(
        DataError, match=r"786 customers and 16 weeks, 50% of them held out, detect .* too little for 1\.1"
    ):
        design_trial(market, MAILS, about=LIFT, effect=1.1, **asked)
    with pytest.raises(ConfigError, match="strategy 'mails' has no win_back, which"):
        design_trial(market, MAILS, about="win_back.success", **asked)
    with pytest.raises(ConfigError, match="has an effect whatever the firm does"):
        design_trial(market, MAILS, about="terms.margin", **asked)
    with pytest.raises(ConfigError, match="cannot show it"):
        design_trial(market, MAILS, about="terms.margin", effect=0.9, without=["retention"], **asked)
    with pytest.raises(DataError, match="no share given leaves 20 in each arm"):
        design_trial(market, MAILS, about=LIFT, effect=2.0, **asked | {"shares": [0.01]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weeks": []}, "must name one value at least"),
        ({"shares": [0.5, 1.0]}, "shares must lie below 1"),
        ({"effect": 2.0, "against": 2.0}, "purchase_lift = 2 is to be told from itself"),
        ({"about": "retention.nothing"}, "no number at 'retention.nothing'"),
        ({"without": ["mails"]}, "without names 'mails', which is no part of a strategy. There are acquisition,"),
        ({"among": pd.Series([1.0, 0.0])}, "must be of True and False by customer id"),
        ({"among": []}, "of 0 customers no share given leaves 20 in each arm.*or more customers"),
    ],
)
def test_what_is_no_question_is_refused_before_anything_is_simulated(market, change, said):
    asked = {"about": LIFT, "effect": 2.0, "weeks": [16], "shares": [0.5], "seed": 1, "replications": 2}
    with pytest.raises((ConfigError, DataError), match=said):
        design_trial(market, MAILS, **asked | change)


def test_lists_that_are_not_what_was_drawn_are_refused(tmp_path):
    """Changed, without its manifest, with a customer twice, written over, and another file; each with its reason."""
    trial, log = made_up(200, seed=1)
    path = trial.write(tmp_path)
    with pytest.raises(DataError, match="is there already"):
        trial.write(tmp_path)
    text = path.read_text()
    path.write_text(text.replace(",treated,", ",control,", 1))
    with pytest.raises(DataError, match="has been changed since it was drawn"):
        read_trial(path, log)
    lines = text.splitlines()
    path.write_text("\n".join([*lines, lines[3]]) + "\n")
    with pytest.raises(DataError, match=r"row 202: customer '2' is in the list twice"):
        read_trial(path, log)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="has no column 'customer_id'"):
        read_trial(path, log)
    path.write_text(text)
    assert read_trial(path, log, looks="end", until="2024-06-30").finished
    (tmp_path / "manifest.json").write_text('{"kind": "other"}')
    with pytest.raises(DataError, match="is no manifest of a trial"):
        read_trial(path, log)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(DataError, match="Keep it beside the list"):
        read_trial(path, log)
    with pytest.raises(DataError, match="there is no file"):
        read_trial(tmp_path / "none.csv", log)


def test_purchases_that_are_not_those_of_the_trial_are_refused():
    """Before its start, of other customers; strangers beside its customers are counted, and one may be left out."""
    trial, log = made_up(200, seed=1)
    with pytest.raises(DataError, match=r"no purchase lies between 2024-01-01 and 2024-06-30.*the last is on 2023"):
        read_trial(trial, log.assign(date=log["date"] - pd.Timedelta(days=365)))
    with pytest.raises(DataError, match="no customer of the trial is in the purchases"):
        read_trial(trial, log.assign(customer_id=log["customer_id"] + 1000))
    new = pd.DataFrame({"customer_id": [900, 901], "date": pd.to_datetime(["2024-02-01", "2024-02-02"])})
    found = read_trial(trial, pd.concat([log, new]), looks="end", until="2024-06-30")
    assert found.strangers == 2
    fewer = read_trial(trial, log, looks="end", until="2024-06-30", without=["3", "4"])
    assert fewer.effects.customers.sum() == 198
    with pytest.raises(DataError, match="without names '900', who is not in the trial"):
        read_trial(trial, log, without=["900"])


def test_an_arm_that_was_lost_on_the_way_fails_the_sample_ratio():
    trial, log = made_up(400, seed=1)
    lost = trial.table.loc[trial.table["arm"] == "treated", "customer_id"].iloc[:80].tolist()
    found = read_trial(trial, log, looks="end", until="2024-06-30", without=lost)
    assert [check.name for check in found.checks if not check.passed] == ["sample ratio"]
    assert found.status == "measured here (observational)"


def test_ids_that_a_spreadsheet_would_run_come_back_as_they_were(tmp_path):
    """With an apostrophe before them in the file, and without it in what is read; an own apostrophe stays."""
    ids = pd.Index(["=1+1", "'own", "+49", *map(str, range(97))])
    trial = drawn(ids, np.arange(100.0), PLAN | {"planned_variance": 1.0}, start=date(2024, 1, 1), seed=1, days=182)
    path = trial.write(tmp_path)
    assert {line.partition(",")[0] for line in path.read_text().splitlines()[1:4]} == {"'=1+1", "'own", "'+49"}
    pd.testing.assert_frame_equal(TrialAssignment.read(path).table, trial.table, check_dtype=False)


def test_regular_buyers_are_told_apart_from_the_law_that_the_sequence_rests_on():
    """Who buys once in the half year, early or late, and never twice: the check says so."""
    trial, _ = made_up(600, seed=1)
    day = np.random.default_rng(1).integers(0, 182, 600)
    log = pd.DataFrame({"customer_id": range(600), "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")})
    found = read_trial(trial, log, until="2024-06-30")
    assert not {check.name: check.passed for check in found.checks}["earlier and later"]


def test_an_evidence_file_that_is_none_is_refused(tmp_path):
    from churnsim.study.config.market_overrides import beliefs_of_file

    path = Path(tmp_path / "evidence.toml")
    for text, reason in (
        ("name = 'x'\n", "must hold a table"),
        ("[market.retention]\nmax_effct = 1\n", "max_effct"),
        ("[market.retention]\nmax_effect = 0.3\n", "gives no number with an interval"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=reason):
            beliefs_of_file(path, "W")
