"""Truth: numbers by hand and lifetimes' own. Summaries, values and segments under the names that people type."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import churnsim as cs
from churnsim.data import calibration_and_holdout_data, rfm_summary
from churnsim.data.summaries.frame_kinds import summary_of_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models import customer_lifetime_value, label_alive, readiness, rfm_segments


@pytest.fixture
def log():
    """Two customers; one returns what was bought on the 8th, the other half of it."""
    return pd.DataFrame(
        {
            "who": ["a", "a", "a", "a", "b", "b", "b"],
            "when": ["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-16", "2024-01-02", "2024-01-05", "2024-01-09"],
            "paid": [10.0, 20.0, 30.0, -20.0, 8.0, 12.0, -6.0],
        }
    )


def test_two_currencies_are_not_added_up(log):
    """Whoever picks the columns by name must not lose the one that says what the amounts are."""
    two = log.assign(paid=log["paid"].abs(), Currency=["EUR"] * 6 + ["USD"])
    columns = {"customer_id_col": "who", "datetime_col": "when", "monetary_value_col": "paid"}
    held_out = functools.partial(calibration_and_holdout_data, calibration_period_end="2024-01-08")
    for call in (rfm_summary, held_out):
        with pytest.raises(DataError, match="2 currencies"):
            call(two, **columns)
        call(two.assign(Currency="EUR"), **columns)
        call(two, **{**columns, "monetary_value_col": None})


def test_refunds_are_refused_kept_apart_or_netted_and_told(log):
    columns = {"customer_id_col": "who", "datetime_col": "when", "monetary_value_col": "paid"}
    with pytest.raises(DataError, match=r"-20\.0"):
        rfm_summary(log, **columns)
    apart = rfm_summary(log, **columns, on_refund="apart")
    assert apart.loc["a", ["frequency", "monetary_value"]].tolist() == [2, 25.0]
    assert apart.attrs["refunds"] == {"on_refund": "apart", "refunded": 26.0, "refunds left out": 2}
    net = rfm_summary(log, **columns, on_refund="net")
    assert net.loc["a", ["frequency", "recency", "monetary_value"]].tolist() == [1, 14.0, 30.0]
    assert net.loc["b", ["frequency", "monetary_value"]].tolist() == [1, 6.0]
    assert net.attrs["refunds"]["on_refund"] == "net"
    assert net.attrs["refunds"]["refunds taken off purchases"] == 2
    assert net.attrs["refunds"]["purchases that were refunded in full"] == 1
    other = summary_of_kind(rfm_summary(pl.from_pandas(log), **columns, on_refund="net"))
    pd.testing.assert_frame_equal(other, net, check_index_type=False)  # pandas 3 has a type of text of its own
    plain = log[log["paid"] > 0].rename(columns={"who": "customer_id", "when": "date", "paid": "amount"})
    pd.testing.assert_frame_equal(apart, cs.summarise(plain, unit="D"))
    split = cs.split_holdout(
        log.set_axis(["customer_id", "date", "amount"], axis=1), until="2024-01-10", unit="D", on_refund="net"
    )
    assert split.loc["a", "frequency_holdout"] == 1
    with pytest.raises(ConfigError, match="on_refund must be 'refuse' or 'apart' or 'net'"):
        cs.summarise(plain, on_refund="keep")


def test_purchases_are_told_apart_by_the_hour():
    """Three purchases, of which two in one hour of the clock; the hours of the last day count until its end."""
    when = pd.to_datetime(["2024-01-01 09:10", "2024-01-01 15:00", "2024-01-01 15:59", "2024-01-03 08:00"])
    log = pd.DataFrame({"customer_id": [1, 1, 1, 2], "date": when, "amount": [1.0, 2.0, 5.0, 3.0]})
    found = cs.summarise(log, unit="D", collapse="hour")
    assert found.loc[1].tolist() == [1.0, 6 / 24, 47 / 24, 7.0]
    assert found.loc[2, "T"] == 0
    until = cs.summarise(log, unit="D", collapse="hour", until="2024-01-03")
    assert until.loc[2, "T"] == 15 / 24
    assert cs.summarise(log, unit="D").loc[1].tolist() == [0.0, 0.0, 2.0, 0.0]
    hours = cs.summarise(log, unit="H", collapse="hour", until="2024-01-03")
    assert hours.loc[[1, 2], ["recency", "T"]].to_numpy().tolist() == [[6.0, 62.0], [0.0, 15.0]]
    split = cs.split_holdout(log, until="2024-01-01", unit="H", collapse="hour")
    assert split.to_dict("index") == {1: {
        "frequency": 1, "recency": 6.0, "T": 14.0, "monetary_value": 7.0,
        "frequency_holdout": 0, "T_holdout": 48.0, "monetary_value_holdout": 0.0,
    }}  # fmt: skip
    more = pd.concat([log, log.assign(date=log["date"] + pd.Timedelta("3h"))])
    later = cs.split_holdout(more, until="2024-01-01", unit="H", collapse="hour", holdout_until="2024-01-03")
    assert later["frequency"].tolist() == [3]  # hours 9, 12, 15 and 18 of the first day
    assert later["frequency_holdout"].tolist() == [0]
    with pytest.raises(ConfigError, match="collapse must be 'day' or 'hour'"):
        cs.summarise(log, collapse="minute")


def test_names_and_numbers_are_those_of_lifetimes():
    warnings.simplefilter("ignore")
    from lifetimes.utils import _customer_lifetime_value, calibration_and_holdout_data as theirs  # noqa: I001

    log = cs.datasets.cdnow()
    ends = {"calibration_period_end": "1997-09-30", "observation_period_end": "1998-06-30"}
    expected = theirs(log.copy(), "customer_id", "date", **ends, freq="D", monetary_value_col="amount")
    found = calibration_and_holdout_data(log, "customer_id", "date", **ends, monetary_value_col="amount")
    assert set(found) == set(expected)
    for name in ("frequency_cal", "recency_cal", "T_cal", "frequency_holdout", "duration_holdout"):
        np.testing.assert_array_equal(found[name], expected[name])
    fits = {"purchases": cs.BGNBD.fit(found, unit="D"), "spend": cs.GammaGamma.fit(found)}

    class Predictor:
        """Of lifetimes' interface, the one method that its value asks for."""

        def predict(self, t, frequency, recency, T):
            return fits["purchases"].expected_purchases(found, t)

    spend = fits["spend"].expected_spend(found)
    columns = [found[name] for name in ("frequency_cal", "recency_cal", "T_cal")]
    value = _customer_lifetime_value(Predictor(), *columns, spend, time=6, discount_rate=0.02, freq="D")
    ours = customer_lifetime_value(found, **fits, time=6, discount_rate=0.02)
    np.testing.assert_allclose(ours, value, rtol=1e-9)


def test_segments_have_names_and_rules():
    """Eight customers by hand: quartiles of two, and ties together."""
    summary = pd.DataFrame(
        {"frequency": [0, 0, 1, 1, 2, 2, 9, 9], "recency": [0, 0, 5, 6, 7, 8, 9, 9.5], "T": 10.0}
        | {"monetary_value": [0, 0, 5, 6, 7, 8, 20, 30.0]}
    )
    found = rfm_segments(summary)
    assert found.customers["F"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert found.customers["segment"].tolist() == ["asleep"] * 4 + ["loyal"] * 2 + ["champions"] * 2
    assert found.table.loc["champions", "monetary_value"] == 25.0
    assert found.table["customers"].sum() == 8
    tied = rfm_segments(summary.assign(frequency=1, recency=5.0), groups=2, segments={"top": {"F": (2, 2)}})
    assert tied.customers["F"].nunique() == 1
    for wrong in ({"x": {"Q": (1, 2)}}, {"x": {"R": (3, 2)}}, {"x": {"R": (1, 9)}}, {"x": 3}):
        with pytest.raises(ConfigError, match="segment 'x' must map R, F or M"):
            rfm_segments(summary, segments=wrong)


def test_labels_state_their_errors():
    """In simulated customers who left or not, the stated errors are the true ones within 4 standard errors."""
    model = cs.BGNBD(r=0.8, alpha=4.0, a=0.7, b=2.0)
    summary = model.draw_summary(np.full(4000, 40.0), seed=3)
    alive = np.mean([model.draw_posterior(summary, seed=5, replication=k)["alive"] for k in range(40)], axis=0)
    found = label_alive(model, summary, threshold=0.6)
    gone = (found.labels == "gone").to_numpy()
    for name, truth in (("false alarms", alive[gone].mean()), ("misses", 1 - alive[~gone].mean())):
        row = found.errors.loc[name]
        assert abs(row["model"] - truth) < 4 * (row["model_upper"] - row["model_lower"]) / 3.92 / 40**0.5
    assert "holdout" not in found.errors
    with pytest.raises(ConfigError, match="threshold must be"):
        label_alive(model, summary, threshold=1.5)


def test_the_holdout_bounds_the_errors(cdnow_split, cdnow_models):
    """Counted by hand: who was labelled gone and bought, and who was labelled active and did not."""
    found = label_alive(cdnow_models[0], cdnow_split, threshold=0.4)
    bought = cdnow_split["frequency_holdout"] > 0
    assert found.errors.loc["false alarms", "holdout"] == bought[found.labels == "gone"].mean()
    assert found.errors.loc["misses", "holdout"] == (~bought[found.labels == "active"]).mean()
    none = label_alive(cdnow_models[0], cdnow_split, threshold=0.0)
    assert np.isnan(none.errors.loc["false alarms", "holdout"])
    assert "labelled gone" in str(found)


def test_readiness_says_why():
    """The rule's example: 400 customers and 90 days are too little for Pareto/NBD; CDNOW in full is enough."""
    truth = cs.ParetoNBD(r=0.553, alpha=10.578 * 7, s=0.606, beta=11.669 * 7, unit="D")
    few = truth.draw_summary(np.linspace(60, 90, 400), seed=1)
    found = readiness(few, "pareto_nbd")
    assert found.verdict == "too little"
    assert str(found).startswith("400 customers, of whom")
    assert "and 90 days: too little for Pareto/NBD, because of 40 simulated firms" in str(found)
    whole = cs.summarise(cs.datasets.cdnow())
    assert readiness(whole).ok
    assert readiness(whole, "mbg_nbd").basis == "assumed"
    nobody = few.assign(frequency=0, recency=0.0)
    assert readiness(nobody).verdict == "too little"
    with pytest.raises(ConfigError, match="family must be"):
        readiness(whole, "bg_bb")


@pytest.mark.slow
def test_readiness_is_what_the_experiment_finds():
    """One cell again, with other customers: shares of 40 within 4 binomial standard errors."""
    from churnsim.models.evaluation.readiness import MEASURED

    truth, ages = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), np.linspace(26 / 3, 13, 400)
    fits = [cs.BGNBD.fit(truth.draw_summary(ages, seed=99, replication=k)) for k in range(80)]
    stated = MEASURED["bg_nbd"][0.46][1][2]
    assert abs(np.mean([fit.status.ok for fit in fits]) - stated) < 4 * (0.25 / 40 + 0.25 / 80) ** 0.5
