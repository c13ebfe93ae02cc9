"""Mechanics: the table of contacts is read from files and frames, and every bad row is named."""

from __future__ import annotations

import pandas as pd
import pytest

from churnsim.errors import ConfigError, DataError
from churnsim.evidence import contact_records

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


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_says_what_the_frame_says(tmp_path, suffix):
    file = tmp_path / f"contacts.{suffix}"
    ROWS.to_csv(file, index=False) if suffix == "csv" else ROWS.to_parquet(file)
    read, framed = contact_records(file), contact_records(ROWS)
    assert read["customer_id"].astype(int).tolist() == framed["customer_id"].tolist() == [1, 2, 3, 4]
    pd.testing.assert_frame_equal(
        read.drop(columns="customer_id"), framed.drop(columns="customer_id"), check_dtype=False
    )
    assert list(framed) == ["customer_id", "at", "campaign", "arm", "cost", "chance"]


def test_columns_may_be_called_otherwise_and_some_be_absent():
    plain = ROWS[["customer_id", "at", "arm"]].rename(columns={"at": "sent", "customer_id": "who"})
    found = contact_records(plain, customer_id="who", at="sent")
    assert found["campaign"].nunique() == 1
    assert found[["cost", "chance"]].isna().all().all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("arm", "", "row 3, column 'arm'.*is missing"),
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
        contact_records(bad)


def test_a_customer_is_in_one_arm_of_a_campaign():
    again = ROWS.assign(at=pd.Timestamp("2024-04-01"), arm=["mail", "mail", "mail", "control"])
    with pytest.raises(DataError, match="row 6, column 'arm': 'mail' is another arm than this customer's first one"):
        contact_records(pd.concat([ROWS, again]))
    assert len(contact_records(pd.concat([ROWS, again.assign(campaign="summer")]))) == 8


def test_what_is_not_there_is_refused():
    with pytest.raises(DataError, match="no column 'p'"):
        contact_records(ROWS, chance="p")
    with pytest.raises(DataError, match="no rows"):
        contact_records(ROWS.head(0))
    with pytest.raises(ConfigError, match="given for two columns"):
        contact_records(ROWS, arm="campaign")
