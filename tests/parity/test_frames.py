"""Truth: parity with pandas. A log means the same, to the bit, whatever kind of frame it comes in."""

from __future__ import annotations

import inspect
import re
from functools import partial

import duckdb
import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import churnsim as cs
from churnsim.data.summaries.frame_kinds import BY_CUSTOMER, summary_of_kind
from churnsim.errors import DataError

KINDS = {
    "polars": pl.from_pandas,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
    "narwhals": lambda frame: narwhals.from_native(pl.from_pandas(frame)),
    "stream": lambda frame: pa.Table.from_pandas(frame, preserve_index=False).to_reader(),
}


def log(text: bool) -> pd.DataFrame:
    found = cs.datasets.cdnow().head(600).drop(columns="quantity")
    return found.assign(customer_id=("c" + found["customer_id"].astype(str)).astype(object)) if text else found


def plain(frame: object) -> pd.DataFrame:
    """A summary of any kind as pandas', by customer, with its unit in `attrs`."""
    return summary_of_kind(frame)


@pytest.mark.parametrize("text", [False, True], ids=["numbers", "text"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_log_in_another_frame_gives_the_same_summary(kind, text):
    """To the bit; of Polars and Arrow in their own kind, with the id as a column and the unit as an enumeration."""
    frame = log(text)
    split = partial(cs.split_holdout, until="1997-06-30", holdout_until="1998-06-30")
    for call in (cs.summarise, split, partial(cs.data.rfm_summary, monetary_value_col="amount")):
        found, expected = call(KINDS[kind](frame)), call(frame)
        own = {"polars": pl.DataFrame, "arrow": pa.Table}.get(kind, pd.DataFrame)
        assert isinstance(found, own)
        pd.testing.assert_frame_equal(plain(found), expected, check_exact=True)
        assert plain(found).attrs["unit"] == expected.attrs["unit"]
    if kind == "polars":
        assert found.columns[0] == "customer_id"
        assert found["unit"].dtype == pl.Enum(["H", "D", "W", "M", "Y"])


@pytest.mark.parametrize("kind", ["polars", "arrow"])
def test_verbs_answer_in_the_kind_of_the_summary(kind):
    """Fits, verbs and values of a summary of Polars or Arrow are those of pandas, to the bit."""
    expected = cs.summarise(log(True))
    given = cs.summarise(KINDS[kind](log(True)))
    for family in (cs.BGNBD, cs.ParetoNBD, cs.NBD, cs.models.MBGNBD):
        ours, theirs = family.fit(expected), family.fit(given)
        assert theirs.parameters == ours.parameters
        for verb in ("p_alive", "log_likelihood"):
            values = getattr(theirs, verb)(given)
            assert isinstance(values, pl.Series if kind == "polars" else pa.Array)
            np.testing.assert_array_equal(np.asarray(values), getattr(ours, verb)(expected))
    counts = ours.expected_purchases(expected, 10.0)
    np.testing.assert_array_equal(np.asarray(ours.expected_purchases(given, horizon=10.0)), counts)
    outlook = partial(cs.models.forecast, ours, horizon=10.0, seed=1, draws=20)
    assert outlook(given) == outlook(expected)
    chances = ours.conditional_pmf([0, 1], given, 10.0)
    assert isinstance(chances, type(given))
    np.testing.assert_array_equal(np.asarray(chances["1"]), ours.conditional_pmf([0, 1], expected, 10.0)[1])
    spend = cs.GammaGamma.fit(given)
    assert spend.parameters == cs.GammaGamma.fit(expected).parameters
    value = {"purchases": ours, "spend": spend, "annual_discount_rate": 0.1, "horizon": 52.0}
    np.testing.assert_array_equal(np.asarray(cs.customer_value(given, **value)), cs.customer_value(expected, **value))


@pytest.mark.parametrize(
    ("kind", "fit", "summarise"),
    [
        ("polars", cs.ParetoNBD.fit, cs.summarise),
        ("arrow", partial(cs.models.MBGCNBD.fit, k=2), cs.data.summarise_with_intervals),
    ],
)
def test_models_with_a_calendar_answer_in_the_kind_of_the_summary(kind, fit, summarise):
    """Also where the days of all purchases go through a frame of lists; to the bit."""
    calendar, until = cs.data.Calendar(trend="1997-01-01"), "1998-03-31"
    expected, given = (summarise(one, calendar=calendar, until=until) for one in (log(True), KINDS[kind](log(True))))
    assert isinstance(given, pl.DataFrame if kind == "polars" else pa.Table)
    fits = [fit(summary, calendar=calendar) for summary in (expected, given)]
    assert fits[0].parameters == fits[1].parameters
    other = cs.data.Calendar(trend="1996-01-01")
    for summary in (expected, given, given.filter(pl.col("T") > 40) if kind == "polars" else given.slice(0, 20)):
        with pytest.raises(DataError, match=r"with the calendar trend \(.*this calendar, trend \("):
            fit(summary, calendar=other)
    model = fits[0].with_future({"trend": "continue"}).model
    for verb, arguments in (("p_alive", ()), ("log_likelihood", ()), ("expected_purchases", (10.0,))):
        values = getattr(model, verb)(given, *arguments)
        assert isinstance(values, pl.Series if kind == "polars" else pa.Array)
        np.testing.assert_array_equal(np.asarray(values), getattr(model, verb)(expected, *arguments))


@pytest.mark.parametrize("kind", ["polars", "arrow"])
def test_labels_and_segments_of_customers_come_in_kind(kind):
    """What is said of each customer is that of pandas; what is said of all stays a frame of pandas."""
    split = partial(cs.split_holdout, until="1997-06-30", holdout_until="1998-06-30")
    expected, given = split(log(True)), split(KINDS[kind](log(True)))
    fit = cs.BGNBD.fit(expected)
    ours, theirs = (cs.models.label_alive(fit, summary) for summary in (expected, given))
    assert isinstance(theirs.labels, pl.Series if kind == "polars" else pa.Array)
    assert list(np.asarray(theirs.labels)) == ours.labels.tolist()
    assert str(theirs) == str(ours)
    pd.testing.assert_frame_equal(theirs.errors, ours.errors)
    ours, theirs = (cs.models.rfm_segments(summary) for summary in (expected, given))
    assert isinstance(theirs.customers, type(given))
    pd.testing.assert_frame_equal(plain(theirs.customers), ours.customers, check_dtype=False)
    pd.testing.assert_frame_equal(theirs.table, ours.table)


def test_the_unit_goes_with_the_frame():
    """A summary in days is refused by a model in weeks also after a filter, a join and a file."""
    days = cs.summarise(pl.from_pandas(log(False)), unit="D").filter(pl.col("frequency") > 0)
    with pytest.raises(DataError, match="the summary's durations are in 'D', the model's in 'W'"):
        cs.BGNBD(r=0.2, alpha=4.0, a=0.8, b=2.4).p_alive(days)
    assert cs.BGNBD.fit(days).model.unit == "D"
    with pytest.raises(DataError, match="must hold one unit"):
        cs.BGNBD.fit(pl.concat([days, cs.summarise(pl.from_pandas(log(False)))]))


def test_control_a_frame_that_differs_gives_another_summary():
    frame = log(False)
    assert not plain(cs.summarise(pl.from_pandas(frame.iloc[1:]))).equals(cs.summarise(frame))


def test_a_wrong_row_is_named_and_what_is_not_computed_yet_is_said():
    with pytest.raises(DataError, match="'date'"):
        cs.summarise(pl.DataFrame({"customer_id": [1], "date": ["one day"]}))
    with pytest.raises(DataError, match=r"got LazyFrame. Call its collect\(\) first"):
        cs.summarise(pl.from_pandas(log(False)).lazy())


def as_pandas(table: object) -> pd.DataFrame:
    return table if isinstance(table, pd.DataFrame) else pa.table(table).to_pandas()


@pytest.mark.parametrize("kind", ["polars", "duckdb", "narwhals"])
def test_pictures_and_uncertainty_take_the_summary_in_any_frame(kind):
    """The data behind pictures come in kind, to the bit; pictures are drawn; refits and a base are those of pandas."""
    expected = cs.summarise(log(True))
    given = KINDS[kind](expected.reset_index().assign(unit="W"))
    fit, spend = cs.BGNBD.fit(expected), cs.GammaGamma.fit(expected)
    for draw, of, options in (
        ("frequencies", (fit,), {}), ("predictive", (fit,), {"draws": 3}), ("spend_density", (spend,), {"draws": 3}),
        ("exposure", (), {}),
    ):  # fmt: skip
        ours, theirs = (getattr(cs.plots.data, draw)(*of, summary, **options) for summary in (expected, given))
        assert isinstance(theirs, pl.DataFrame if kind == "polars" else pd.DataFrame)
        pd.testing.assert_frame_equal(as_pandas(theirs), ours, check_dtype=False, check_exact=True)
        getattr(cs.plots, draw)(*of, given, **options, backend="altair")
    refits = [cs.models.bootstrap(fit, summary, seed=1, replications=2).models for summary in (expected, given)]
    assert refits[0] == refits[1]
    fits = {"purchases": fit, "spend": spend, "annual_discount_rate": 0.1, "horizon": 52.0}
    values = [cs.models.customer_value_intervals(summary, **fits) for summary in (expected, given)]
    pd.testing.assert_frame_equal(plain(values[1]), values[0]) if kind == "polars" else None
    bases = [cs.PosteriorBase(summary) for summary in (expected, given)]
    pd.testing.assert_frame_equal(bases[0].summary, bases[1].summary)
    assert bases[1].unit == "W"
    assert cs.compare_models(given, [cs.BGNBD]).table.equals(cs.compare_models(expected, [cs.BGNBD]).table)


def test_subscribers_come_in_any_frame():
    """Survival with words as covariates: fits and forecasts by customer are those of pandas, to the bit."""
    expected = cs.datasets.telco()[["tenure", "churned", "contract", "partner"]].head(600)
    given = pl.from_pandas(expected.reset_index())
    fits = [cs.models.SurvivalRegression.fit(each, covariates=["contract", "partner"]) for each in (expected, given)]
    pd.testing.assert_frame_equal(fits[1].summary(), fits[0].summary())
    ahead = fits[0].model.survival([6, 12], customers=expected)
    found = fits[1].model.survival([6, 12], customers=given)
    assert isinstance(found, pl.DataFrame)
    np.testing.assert_array_equal(found.drop("customer_id").to_numpy(), ahead.to_numpy())
    assert found["customer_id"].to_list() == ahead.index.to_list()
    tests = [cs.models.log_rank_test(each, "contract").table for each in (expected, given)]
    pd.testing.assert_frame_equal(tests[1], tests[0])
    curves = [cs.plots.data.survival(each, by="contract") for each in (expected, given)]
    pd.testing.assert_frame_equal(as_pandas(curves[1]), curves[0], check_dtype=False)
    cs.plots.survival(given, by="contract", backend="altair")
    sbg = [cs.ShiftedBetaGeometric.fit(each, unit="M").model for each in (expected, given)]
    assert sbg[0] == sbg[1]
    churn = {"covariates": ["contract", "partner"], "horizon": 6.0}
    rows = [cs.models.churn_rows(each, **churn) for each in (expected, given)]
    np.testing.assert_array_equal(np.asarray(rows[1].features), np.asarray(rows[0].features))


def test_what_takes_a_log_takes_it_in_any_frame():
    """Tables of customers' behaviour and pictures of a log are those of pandas."""
    expected = log(True)
    given = pl.from_pandas(expected)
    who, until = cs.data.customers, "1997-09-30"
    for call in (
        who.cohort_matrix, who.existing_revenue, who.rfm_scores, who.customer_spend, who.ladder_occupancy,
        who.ladder_stages, partial(who.repeat_premium, replications=20), who.profit_by_order_number,
        cs.plots.data.gaps, cs.plots.data.timing, cs.plots.data.cohorts,
        partial(cs.data.split_periods, until=until), partial(cs.data.summarise_opportunities, unit="M"),
        partial(cs.models.gold_customers, until=until, replications=20),
    ):  # fmt: skip
        ours, theirs = plain(call(given)), call(expected)
        if isinstance(ours, pd.DataFrame | pd.Series):
            assert repr(ours.to_numpy().tolist()) == repr(theirs.to_numpy().tolist())  # missing is missing
            assert ours.index.tolist() == theirs.index.tolist()
        else:
            assert repr(ours) == repr(theirs)
    assert cs.GammaGamma.fit_purchases(given).model == cs.GammaGamma.fit_purchases(expected).model


def test_every_verb_that_takes_a_summary_takes_it_in_any_frame():
    """A public function or method with an argument of a frame by customer is one that converts it."""
    missed = []
    for room in (cs, cs.models, cs.plots, cs.plots.data, cs.trials):
        for thing in (getattr(room, name) for name in dir(room) if name[0] != "_"):
            inner = vars(thing).items() if inspect.isclass(thing) and not getattr(thing, "_is_protocol", False) else ()
            calls = [getattr(one, "__func__", one) for name, one in inner if name[0] != "_"] or [thing]
            for call in filter(inspect.isfunction, calls):
                frames = BY_CUSTOMER & {
                    name
                    for name, one in inspect.signature(call).parameters.items()
                    if re.search(r"DataFrame|SummaryLike|CustomerFrame", str(one.annotation))
                }
                missed += [call.__qualname__] * bool(frames and not hasattr(call, "takes_frames"))
    assert not missed
