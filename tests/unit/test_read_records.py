"""Mechanics: a firm's own records are read alike from files and frames, every bad row is named or counted, and the
estimators take what comes out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churnsim.data import read_records
from churnsim.data.records.kinds import RECORD_KINDS
from churnsim.errors import ConfigError, DataError
from churnsim.evidence import complaint_evidence, contact_effect, offer_evidence, referral_evidence, win_back_evidence

ROWS = pd.DataFrame(
    {
        "customer_id": [1, 2, 3, 4],
        "at": pd.to_datetime(["2024-03-01"] * 4),
        "arm": ["mail", "control", "mail", "control"],
        "campaign": ["spring"] * 4,
        "cost": [0.5, 0.0, 0.5, 0.0],
        "chance": [0.5] * 4,
    }
)
# As a German export writes them, by names under which the columns are known and one that must be said.
MESSY = {
    "contacts": ("Kunde;Date;Campaign;Group;Costs;Chance", ["{c};25.03.2024;A;mail;0,55;0,5"]),
    "spend": ("Start;End;Medium;Spending;Customers", ["{n}.03.2024;{n}.03.2024;web;1.250,50;3"]),
    "complaints": ("Kunde;Day;Answered;Result;Paid", ["{c};25.03.2024;27.03.2024;resolved;2,50"]),
    "referrals": ("Kunde;Referred;Date", ["{c};x{c};25.03.2024"]),
    "win_backs": ("Kunde;Date;Variant;Price;Returned", ["{c};25.03.2024;call;2,50;"]),
    "offers": ("Kunde;Renewal Date;Group;Discount;Renews", ["{c};25.03.2024;off;0,1;yes"]),
}


def messy(tmp_path, kind, rows=12, more=()):
    header, (row,) = MESSY[kind]
    lines = [header, *(row.format(c=f"{c:03}", n=f"{c:02}") for c in range(11, 11 + rows)), *more]
    path = tmp_path / f"{kind}.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


def named(kind):
    return {} if kind == "spend" else {RECORD_KINDS[kind].columns[0].name: "Kunde"}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_says_what_the_frame_says(tmp_path, suffix):
    file = tmp_path / f"contacts.{suffix}"
    ROWS.to_csv(file, index=False) if suffix == "csv" else ROWS.to_parquet(file)
    read, framed = read_records("contacts", file), read_records("contacts", ROWS)
    assert read["customer_id"].astype(int).tolist() == framed["customer_id"].tolist() == [1, 2, 3, 4]
    pd.testing.assert_frame_equal(
        read.drop(columns="customer_id"), framed.drop(columns="customer_id"), check_dtype=False
    )
    assert list(framed) == ["customer_id", "at", "campaign", "arm", "cost", "chance"]


@pytest.mark.parametrize("kind", list(RECORD_KINDS))
def test_a_foreign_export_is_understood_and_comes_out_typed(tmp_path, kind):
    path = messy(tmp_path, kind, more=[MESSY[kind][1][0].format(c="099", n="41").replace(".03.2024", ".13.2024")])
    with pytest.raises(DataError, match=r"line 14, column '.*' does not follow date_format '%d.%m.%Y'"):
        read_records(kind, path, columns=named(kind))
    frame = read_records(kind, path, columns=named(kind), on_bad="set_aside")
    declared = [column for column in RECORD_KINDS[kind].columns if column.name in frame]
    assert list(frame) == [column.name for column in declared]
    assert len(frame) == 12
    assert frame.attrs["reading"]["left_out"] == {"does not follow date_format '%d.%m.%Y'": 1}
    assert [row["row"] for row in frame.attrs["set_aside"]] == [14]
    kinds = {"id": "O", "text": "O", "date": "M", "number": "f", "flag": "b"}
    assert {column.name: frame[column.name].dtype.kind for column in declared} == {
        column.name: kinds[column.kind] for column in declared
    }
    amounts = frame.select_dtypes("number")
    expected = {"contacts": [0.55, 0.5], "spend": [1250.5, 3.0], "complaints": [2.5], "win_backs": [2.5]}
    assert amounts.iloc[0].tolist() == (expected | {"offers": [0.1], "referrals": []})[kind]
    # What came out goes in again as it is.
    pd.testing.assert_frame_equal(read_records(kind, frame), frame)


@pytest.mark.parametrize("kind", list(RECORD_KINDS))
def test_rows_that_are_there_twice(tmp_path, kind):
    path = messy(tmp_path, kind, more=[MESSY[kind][1][0].format(c="011", n="13")])
    apart = read_records(kind, path, columns=named(kind), duplicates="set_aside")
    assert (len(apart), apart.attrs["reading"]["left_out"]) == (12, {"repeats an earlier row in every column": 1})
    if not RECORD_KINDS[kind].key:
        assert len(read_records(kind, path, columns=named(kind))) == 13
        return
    with pytest.raises(DataError, match=r"line 14, column .*(before|is there)"):
        read_records(kind, path, columns=named(kind))


def test_the_estimators_take_what_is_read(tmp_path):
    """The same answer from the file and from what was read of it; what was left out is among the checks."""
    days = pd.date_range("2023-05-01", periods=40, freq="5D")
    bought = pd.DataFrame({"customer_id": [f"{c:03}" for c in range(11, 51)], "date": days})
    every = {
        "referrals": lambda rows: referral_evidence(rows, bought, until="2024-06-01"),
        "complaints": lambda rows: complaint_evidence(rows, bought, until="2024-12-31"),
        "win_backs": lambda rows: win_back_evidence(rows, bought, control=None, until="2024-12-31", draws=20),
    }
    for kind, estimate in every.items():
        path = messy(tmp_path, kind)
        plain = read_records(kind, path, columns=named(kind))
        plain.to_csv(tmp_path / "plain.csv", index=False)
        assert str(estimate(plain)) == str(estimate(tmp_path / "plain.csv"))
    path = messy(tmp_path, "referrals", more=["011;x99;"])
    found = referral_evidence(
        read_records("referrals", path, columns=named("referrals"), on_bad="set_aside"), bought, until="2024-06-01"
    )
    assert "left out when read: 1 rows (1 is not a date (missing))" in found.checks
    offers = read_records("offers", messy(tmp_path, "offers"), columns=named("offers"))
    offers["discount"] = np.where(offers.index % 2, 0.0, 0.1)
    with pytest.raises(DataError, match="has 6 customers"):
        offer_evidence(offers.assign(arm=np.where(offers.index % 2, "none", "off")), control="none")
    with pytest.raises(DataError, match="'011' was drawn on 2024-03-25, and its window"):
        contact_effect(
            read_records("contacts", messy(tmp_path, "contacts"), columns=named("contacts")), bought, window=4
        )


def test_columns_may_be_called_otherwise_and_some_be_absent():
    plain = ROWS[["customer_id", "at", "arm"]].rename(columns={"at": "sent", "customer_id": "who"})
    found = read_records("contacts", plain, columns={"customer_id": "who"}, at="sent")
    assert list(found) == ["customer_id", "at", "arm"]
    assert list(read_records("contacts", ROWS, chance=None, cost=None)) == ["customer_id", "at", "campaign", "arm"]
    with pytest.raises(DataError, match="no column 'at', but 'date' and 'Day', either of which may be meant"):
        read_records("contacts", ROWS.rename(columns={"at": "date"}).assign(Day="2024-03-01"))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("arm", "", r"row 3, column 'arm': '' is missing\. Give every contact its arm"),
        ("customer_id", None, r"row 3, column 'customer_id': None is missing\. Give every contact its customer_id"),
        ("at", None, r"row 3, column 'at': NaT is not a date \(missing\)\. Give every contact its date"),
        ("cost", -1.0, "row 3, column 'cost': -1.0 is below 0"),
        ("chance", 1.5, "row 3, column 'chance': 1.5 is not a chance"),
        ("chance", None, "row 3, column 'chance'.*is not a chance"),
        ("customer_id", 1, "row 3, column 'customer_id': 1 has a row of this campaign and day"),
        ("at", pd.Timestamp("2200-01-01"), "row 3, column 'at'.*in the future"),
    ],
)
def test_bad_rows_are_named(column, value, words):
    bad = ROWS.astype({"customer_id": object, "arm": object})
    bad.loc[2, column] = value
    with pytest.raises(DataError, match=words):
        read_records("contacts", bad)
    assert len(read_records("contacts", bad, on_bad="set_aside")) == 3


def test_a_customer_is_in_one_arm_of_a_campaign():
    again = ROWS.assign(at=pd.Timestamp("2024-04-01"), arm=["mail", "mail", "mail", "control"])
    with pytest.raises(DataError, match="row 6, column 'arm': 'mail' is another arm than this customer's first one"):
        read_records("contacts", pd.concat([ROWS, again]))
    assert len(read_records("contacts", pd.concat([ROWS, again.assign(campaign="summer")]))) == 8


def test_chances_may_be_known_of_some_campaigns_alone():
    other = ROWS.assign(campaign="summer", chance=np.nan)
    assert read_records("contacts", pd.concat([ROWS, other]))["chance"].isna().sum() == 4


def test_strangers_are_left_out_where_the_purchases_are_given():
    bought = pd.DataFrame({"customer_id": [1, 2, 4], "date": "2024-01-01"})
    with pytest.raises(DataError, match=r"row 3, column 'customer_id': 3 has no purchase\. Write ids as in the"):
        read_records("contacts", ROWS, purchases=bought)
    frame = read_records("contacts", ROWS, purchases=bought, on_bad="set_aside")
    assert (len(frame), frame.attrs["reading"]["left_out"]) == (3, {"has no purchase": 1})


def test_what_is_not_there_is_refused():
    with pytest.raises(DataError, match="no column 'p'"):
        read_records("contacts", ROWS, chance="p")
    with pytest.raises(DataError, match="there is no row"):
        read_records("contacts", ROWS.head(0))
    with pytest.raises(ConfigError, match="given for two columns"):
        read_records("contacts", ROWS, arm="campaign")
    with pytest.raises(ConfigError, match="cannot do without arm"):
        read_records("contacts", ROWS, arm=None)
    with pytest.raises(ConfigError, match="has no column 'colour'"):
        read_records("contacts", ROWS, colour="blue")
    with pytest.raises(ConfigError, match="kind must be 'contacts' or 'spend'"):
        read_records("visits", ROWS)
    with pytest.raises(DataError, match=re.escape("Pass columns={'from': ...} with the name of the column")):
        read_records("spend", ROWS)
    with pytest.raises(DataError, match=re.escape("no column 'referrer_id'; it has 'customer_id'")):
        read_records("referrals", ROWS)


TYPES = {"id": "id", "date": "day", "text": "text", "number": "number", "flag": "yes or no"}


def test_the_page_lists_every_column_as_it_is_declared():
    page = (Path(__file__).parents[2] / "docs" / "own-records.md").read_text()
    for kind in RECORD_KINDS.values():
        for column in kind.columns:
            also = ", ".join(f"`{alias}`" for alias in column.aliases)
            type_ = TYPES[column.kind] + (f", {column.unit}" if column.unit else "")
            needed = "no" if column.optional else "yes"
            cells = [kind.name, f"`{column.name}`", type_, needed, also, column.meaning]
            assert f"| {' | '.join(cells)} |".replace("  ", " ") in page, (kind.name, column.name)
