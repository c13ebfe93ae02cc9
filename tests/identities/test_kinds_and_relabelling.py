"""Identities: answers depend neither on how dates and ids are written, nor on the order of rows or the unit of time."""

from __future__ import annotations

import datetime
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import churnsim as cs

UNTIL = "1997-12-31"
# Every verb that takes a log of purchases, with what comes back as a table by customer or as one for all.
VERBS = {
    "summarise": partial(cs.summarise, until=UNTIL),
    "summarise_with_intervals": partial(cs.data.summarise_with_intervals, until=UNTIL),
    "summarise_opportunities": partial(cs.data.summarise_opportunities, unit="M", until=UNTIL),
    "split_holdout": partial(cs.split_holdout, until="1997-09-30", holdout_until=UNTIL),
    "split_periods": partial(cs.data.split_periods, unit="M", until="1997-09-30", holdout_until=UNTIL),
    "customer_spend": partial(cs.customers.customer_spend, until=UNTIL),
    "rfm_scores": partial(cs.customers.rfm_scores, until=UNTIL),
    "ladder_stages": partial(cs.customers.ladder_stages, at=UNTIL),
    "ladder_occupancy": partial(cs.customers.ladder_occupancy, until=UNTIL),
    "cohort_matrix": partial(cs.customers.cohort_matrix, until=UNTIL),
    "existing_revenue": partial(cs.customers.existing_revenue, until=UNTIL),
    "profit_by_order_number": partial(cs.customers.profit_by_order_number, until=UNTIL),
}
BY_CUSTOMER = ("summarise", "summarise_with_intervals", "summarise_opportunities", "split_holdout", "split_periods",
               "customer_spend", "rfm_scores", "ladder_stages")  # fmt: skip


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """Every fortieth customer of CDNOW."""
    log = cs.datasets.cdnow()
    return log.loc[log["customer_id"] % 40 == 0, ["customer_id", "date", "amount"]].reset_index(drop=True)


@pytest.fixture(scope="module")
def answers(log):
    return {name: verb(log) for name, verb in VERBS.items()}


def assert_same(found, expected) -> None:
    """Equal values and labels; ids may be numbers or text."""
    found, expected = (pd.DataFrame(table) for table in (found, expected))
    if expected.index.name == "customer_id":
        found.index, expected = found.index.astype(str), expected.set_axis(expected.index.astype(str))
        found, expected = found.sort_index(), expected.sort_index()
    pd.testing.assert_frame_equal(
        found.reset_index(drop=found.index.name == "customer_id"),
        expected.reset_index(drop=expected.index.name == "customer_id"),
        check_dtype=False, check_index_type=False, check_names=False, rtol=1e-12,
    )  # fmt: skip


def dates_as(log: pd.DataFrame, kind: str) -> pd.DataFrame:
    dates = {
        "text": lambda d: d.dt.strftime("%Y-%m-%d"),
        "datetime.date": lambda d: pd.Series([each.date() for each in d], dtype=object),
        "datetime.datetime": lambda d: pd.Series(d.dt.to_pydatetime(), dtype=object),
        "seconds": lambda d: d.astype("datetime64[s]"),
        "arrow dates": lambda d: d.dt.date.astype(pd.ArrowDtype(pa.date32())),
        "arrow times": lambda d: d.astype(pd.ArrowDtype(pa.timestamp("us"))),
    }
    return log.assign(date=dates[kind](log["date"]))


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize(
    "kind", ["text", "datetime.date", "datetime.datetime", "seconds", "arrow dates", "arrow times"]
)
@pytest.mark.filterwarnings("ignore:The behavior of DatetimeProperties.to_pydatetime:FutureWarning")
def test_every_kind_of_date_gives_one_answer(log, answers, name, kind):
    assert_same(VERBS[name](dates_as(log, kind)), answers[name])


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize("kind", ["str", "string", "category", "int32", "arrow text", "Int64"])
def test_every_kind_of_id_gives_one_answer(log, answers, name, kind):
    kinds = {"arrow text": pd.ArrowDtype(pa.string())}
    ids = log["customer_id"].astype(str) if "text" in kind else log["customer_id"]
    assert_same(VERBS[name](log.assign(customer_id=ids.astype(kinds.get(kind, kind)))), answers[name])


@pytest.mark.parametrize("name", VERBS)
def test_every_kind_of_day_for_the_end_gives_one_answer(log, answers, name):
    verb = VERBS[name]
    for make in (datetime.date.fromisoformat, datetime.datetime.fromisoformat, pd.Timestamp):
        days = {key: make(day) for key, day in verb.keywords.items() if key != "unit"}
        assert_same(verb.func(log, **{**verb.keywords, **days}), answers[name])


@pytest.mark.parametrize("name", VERBS)
def test_the_order_of_the_rows_says_nothing(log, answers, name):
    assert_same(VERBS[name](log.sample(frac=1.0, random_state=3)), answers[name])


@pytest.mark.parametrize("name", BY_CUSTOMER)
def test_other_names_for_the_customers_change_their_names_alone(log, answers, name):
    """Also where the new names come in another order."""
    renamed = log.assign(customer_id=-log["customer_id"])
    found = VERBS[name](renamed)
    found.index = pd.Index(-found.index.to_numpy(), name="customer_id")
    assert_same(found, answers[name])


@pytest.mark.parametrize("family", [cs.NBD, cs.BGNBD, cs.MBGNBD, cs.ParetoNBD], ids=lambda family: family.__name__)
def test_every_customer_twice_gives_the_same_fit_and_twice_the_likelihood(log, family):
    summary = cs.summarise(log, until=UNTIL)
    once, twice = family.fit(summary), family.fit(pd.concat([summary, summary.rename(index=lambda i: i + 10**6)]))
    assert twice.loglik == pytest.approx(2 * once.loglik, rel=1e-9)
    np.testing.assert_allclose(list(twice.parameters.values()), list(once.parameters.values()), rtol=1e-4)
    shuffled = family.fit(summary.sample(frac=1.0, random_state=1))
    np.testing.assert_allclose(list(shuffled.parameters.values()), list(once.parameters.values()), rtol=1e-6)


PARAMETERS = st.floats(0.2, 5.0)


@settings(max_examples=25, derandomize=True)
@given(r=PARAMETERS, alpha=PARAMETERS, a=PARAMETERS, b=PARAMETERS, x=st.integers(0, 30), recent=st.floats(0.05, 1.0))
def test_weeks_and_days_are_one_clock(r, alpha, a, b, x, recent):
    """Rates per day are a seventh of those per week; chances and counts stay, waits are seven times as long."""
    weekly = pd.DataFrame({"frequency": [x], "recency": [recent * 40.0 if x else 0.0], "T": [40.0]})
    daily = weekly * [1, 7, 7]
    for weeks, days in (
        (cs.BGNBD(r=r, alpha=alpha, a=a, b=b), cs.BGNBD(r=r, alpha=7 * alpha, a=a, b=b, unit="D")),
        (cs.ParetoNBD(r=r, alpha=alpha, s=a, beta=b), cs.ParetoNBD(r=r, alpha=7 * alpha, s=a, beta=7 * b, unit="D")),
    ):
        for verb, arguments, factor in (
            ("p_alive", ((), ()), 1),
            ("expected_purchases", ((10.0,), (70.0,)), 1),
            ("residual_transactions", ((0.1,), (0.1,)), 1),
            ("time_to_next_purchase", ((), ()), 7),
        ):
            by_week = getattr(weeks, verb)(weekly, *arguments[0]) * factor
            by_day = getattr(days, verb)(daily, *arguments[1])
            np.testing.assert_allclose(by_day, by_week, rtol=1e-6, err_msg=f"{type(weeks).__name__}.{verb}")
