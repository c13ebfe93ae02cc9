"""Truth: mechanics. Subscriptions from files: durations, truncation, censoring, and every bad row by name."""

from __future__ import annotations

import pandas as pd
import pytest

import churnsim as cs
from churnsim.data.subscriptions.subscribers import COHORTS

DATES = """customer_id,start,end,plan,fee
a,2023-01-01,2023-07-01,basic,10
b,2023-03-15,,plus,20.5
c,2021-01-01,2024-06-01,basic,10
"""


def write(tmp_path, text, name="subs.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path, text, **options):
    options.setdefault("observed_until", "2023-12-31")
    return cs.data.read_subscriptions(write(tmp_path, text), **options)


def test_dates_become_tenures(tmp_path):
    frame = read(tmp_path, DATES, covariates=["plan", "fee"], unit="D")
    assert frame.index.tolist() == ["a", "b", "c"]
    assert frame["tenure"].tolist() == [181.0, 291.0, 1094.0]
    assert frame["churned"].tolist() == [True, False, False]  # c ends after the last day observed
    assert frame["plan"].tolist() == ["basic", "plus", "basic"]
    assert frame["fee"].tolist() == [10.0, 20.5, 10.0]
    assert frame.attrs["unit"] == "D"
    assert frame.attrs["set_aside"] == []


def test_observation_that_began_later_truncates(tmp_path):
    frame = read(tmp_path, DATES, unit="D", observed_from="2023-01-01")
    assert frame["entry"].tolist() == [0.0, 0.0, 730.0]


def test_durations_are_taken_as_they_are(tmp_path):
    text = "id,months,left,seen_from\n1,12,Yes,0\n2,3.5,no,2\n"
    frame = read(tmp_path, text, customer_id="id", tenure="months", churned="left", entry="seen_from")
    assert frame["tenure"].tolist() == [12.0, 3.5]
    assert frame["churned"].tolist() == [True, False]
    assert frame["entry"].tolist() == [0.0, 2.0]
    assert frame.index.tolist() == ["1", "2"]


def test_parquet_is_read_alike(tmp_path):
    path = tmp_path / "subs.parquet"
    pd.DataFrame(
        {
            "customer_id": [7, 8],
            "start": pd.to_datetime(["2023-01-01", "2023-02-01"]),
            "end": pd.to_datetime(["2023-03-02", None]),
        }
    ).to_parquet(path)
    frame = cs.data.read_subscriptions(path, observed_until="2023-12-31", unit="D")
    assert frame["tenure"].tolist() == [60.0, 333.0]
    assert frame.index.tolist() == [7, 8]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("d,2023-05-01,2023-04-01", "'2023-04-01' lies before the start"),
        ("d,2023-05-01,2023-05-01", "'2023-05-01' is the day of the start"),
        ("d,2024-05-01,", "'2024-05-01' is in the future"),
        ("d,01/05/2023,", "'01/05/2023' is not an ISO date"),
        ("d,2023-05-01,soon", "'soon' is not an ISO date"),
        ("a,2023-05-01,", "'a' has a row before this one"),
        (",2023-05-01,", "is not a customer id"),
        ("d,,2023-05-01", "is not a date (missing)"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, told):
    text = f"customer_id,start,end\na,2023-01-01,\n{row}\n"
    with pytest.raises(cs.errors.DataError) as caught:
        read(tmp_path, text, detect=False)
    assert "line 3" in str(caught.value)
    assert told in str(caught.value)
    kept = read(tmp_path, text, on_bad="set_aside", detect=False)
    assert kept.index.tolist() == ["a"]
    assert [entry["row"] for entry in kept.attrs["set_aside"]] == [3]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("2,-3,no,0", "'-3' is negative"),
        ("2,x,no,0", "'x' is not a number"),
        ("2,0,yes,0", "'0' is 0 for a customer who left"),
        ("2,3,perhaps,0", "'perhaps' is neither yes nor no"),
        ("2,3,no,3", "'3' is not above the tenure at entry"),
    ],
)
def test_a_bad_duration_is_named(tmp_path, row, told):
    text = f"id,m,left,e\n1,12,yes,0\n{row}\n"
    with pytest.raises(cs.errors.DataError, match="line 3") as caught:
        read(tmp_path, text, customer_id="id", tenure="m", churned="left", entry="e")
    assert told in str(caught.value)


def test_who_had_gone_before_the_observation_began_is_refused(tmp_path):
    with pytest.raises(cs.errors.DataError, match=r"lies before the observation begins \(2023-08-01\)"):
        read(tmp_path, DATES, observed_from="2023-08-01")


def test_missing_covariate_is_refused(tmp_path):
    with pytest.raises(cs.errors.DataError, match="column 'plan': '' is missing"):
        read(tmp_path, "customer_id,start,end,plan\na,2023-01-01,,\n", covariates=["plan"])


def test_arguments_are_checked(tmp_path):
    path = write(tmp_path, DATES)
    with pytest.raises(cs.errors.ConfigError, match="observed_until is needed"):
        cs.data.read_subscriptions(path)
    with pytest.raises(cs.errors.ConfigError, match="must lie before observed_until"):
        cs.data.read_subscriptions(path, observed_until="2023-01-01", observed_from="2024-01-01")
    with pytest.raises(cs.errors.ConfigError, match="must all be different"):
        cs.data.read_subscriptions(path, observed_until="2023-01-01", covariates=["start"])


def test_renewals_are_counted_by_the_calendar(tmp_path):
    text = "customer_id,start,end\na,2023-01-01,2023-02-01\nb,2023-01-01,2023-03-01\nc,2023-01-01,\nd,2023-12-15,\n"
    months = cs.data.count_renewals(read(tmp_path, text), term="1 M")
    assert months["tenure"].tolist() == [1.0, 2.0, 12.0, 0.0]  # 364 days are twelve months, 16 days none
    quarters = cs.data.count_renewals(read(tmp_path, text), term="3 M")
    assert quarters["tenure"].tolist() == [1.0, 1.0, 4.0, 0.0]
    # What is rounded up began as much earlier: no relation ends after the last day observed.
    late = cs.data.count_renewals(
        read(tmp_path, "customer_id,start,end\na,2023-01-02,\nb,2023-12-20,2023-12-30\n"), term="1 M"
    )
    assert late["tenure"].tolist() == [12.0, 1.0]
    assert late["began"].tolist() == [-12.0, -1.0]
    assert (quarters["began"] + quarters["tenure"] <= 0).all()
    assert quarters["began"].iloc[0] == pytest.approx(-364 / (3 * 365.25 / 12))


def test_words_are_no_flags_of_who_left():
    """Every text but the empty one is true to numpy, "no" as well."""
    frame = pd.DataFrame({"tenure": [1.0, 2.0], "churned": ["no", "yes"]})
    frame.attrs["unit"] = "M"
    with pytest.raises(cs.errors.DataError, match="churned must be True or False"):
        cs.data.count_renewals(frame, term="1 M")
    flags = cs.data.count_renewals(frame.assign(churned=[0, 1]), term="1 M")
    assert flags["churned"].tolist() == [0, 1]


def test_data_sets():
    telco = cs.datasets.telco()
    assert (len(telco), int(telco["churned"].sum()), telco["tenure"].max()) == (7043, 1869, 72.0)
    assert telco.loc[1, "contract"] == "Month-to-month"
    assert not telco.isna().any().any()
    calls = cs.datasets.telco_calls()
    assert (len(calls), int(calls["churned"].sum())) == (5000, 707)
    cohorts = cs.datasets.retention_cohorts()
    assert cohorts["High End"].tolist() == list(COHORTS["High End"])
    assert len(cs.datasets.source("telco").checksum_sha256) == 64


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(cs.errors.MissingExtraError, match=r"churnsim\[datasets\]"):
        cs.datasets.telco()
