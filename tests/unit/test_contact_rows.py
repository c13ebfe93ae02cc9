"""Contacts as numbers: the quick way over whole columns and the one row by row, against plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import DataError
from churnsim.evidence.contact_rows import ContactRows
from churnsim.evidence.records import History


def table(seed=1, rows=300):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_id": random.integers(0, 60, rows),
            "at": pd.Timestamp("2023-01-02") + pd.to_timedelta(random.integers(0, 90, rows), unit="D"),
            "campaign": random.choice(["spring", "autumn", "last one"], rows),
            "cost": random.choice([0.0, 0.5, np.nan], rows),
            "chance": 0.5,
        }
    )
    arm = random.choice(["mail", "control"], 60 * 3).reshape(60, 3)
    frame["arm"] = arm[frame["customer_id"], pd.factorize(frame["campaign"])[0]]
    return frame.drop_duplicates(["customer_id", "campaign", "at"]).reset_index(drop=True)


@pytest.mark.parametrize("ids", ["number", "text", "float"])
def test_both_ways_of_reading_say_the_same(ids, monkeypatch):
    frame = table()
    if ids != "number":
        frame["customer_id"] = frame["customer_id"].astype(str if ids == "text" else float)
    quick = ContactRows._plain(frame)
    assert quick is not None
    assert quick._sound
    by_row = ContactRows.of(frame.assign(at=frame["at"].dt.strftime("%Y-%m-%d")))  # dates in words: row by row
    for one, other in ((quick.ids[quick.customer], by_row.ids[by_row.customer]), (quick.day, by_row.day),
                       (quick.cost, by_row.cost), (quick.chance, by_row.chance)):  # fmt: skip
        np.testing.assert_array_equal(one, other)
    for rows in (quick, by_row):
        assert [rows.campaigns[k] for k in rows.campaign] == list(frame["campaign"])
        assert [rows.arms[k] for k in rows.arm] == list(frame["arm"])


def test_other_names_and_absent_columns_mean_what_they_do_row_by_row():
    frame = table().rename(columns={"arm": "Group", "chance": "propensity"})
    frame = frame[frame["campaign"] == "spring"].drop(columns=["campaign", "cost"])
    rows = ContactRows._plain(frame)
    assert rows.campaigns == ("campaign",)
    assert np.isnan(rows.cost).all()
    assert (rows.chance == 0.5).all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("customer_id", None, "is not a customer id|is missing"),
        ("at", pd.NaT, "is not a date"),
        ("at", pd.Timestamp("2250-01-01"), "in the future"),
        ("arm", " ", "is missing"),
        ("arm", "other", "is another arm than"),
        ("cost", -1.0, "is below 0"),
        ("cost", np.inf, "is not a finite number"),
        ("chance", 1.5, "is not a chance"),
        ("chance", np.nan, "as the others of the campaign have"),
    ],
)
def test_every_bad_row_gets_its_name(column, value, words):
    frame = table()
    if value is None:
        frame["customer_id"] = frame["customer_id"].astype(object)
    frame.loc[frame["customer_id"].duplicated().to_numpy().nonzero()[0][40], column] = value
    with pytest.raises(DataError, match=words):
        ContactRows.of(frame)


def test_a_row_too_many_is_refused():
    frame = table()
    with pytest.raises(DataError, match="has a row of this campaign and day before this one"):
        ContactRows.of(pd.concat([frame, frame.iloc[[7]]], ignore_index=True))


def test_draws_and_what_other_campaigns_did_by_plain_loops():
    frame, span = table(2), 14
    rows = ContactRows.of(frame)
    sent = (frame["arm"] == "mail").to_numpy()
    for k, name in enumerate(rows.campaigns):
        own = frame[frame["campaign"] == name].sort_values("at", kind="stable").drop_duplicates("customer_id")
        drawn = rows.drawn(k)
        assert list(drawn) == list(own.index)
        met = rows.met(k, sent, span)[rows.customer[drawn]]
        others = frame[sent & (frame["campaign"] != name)]
        for place, (_, row) in zip(met, own.iterrows(), strict=True):
            gap = (others.loc[others["customer_id"] == row["customer_id"], "at"] - row["at"]).dt.days
            assert place == ((gap >= -span) & (gap < span)).sum()


def test_what_a_customer_did_around_a_day_by_plain_loops():
    random = np.random.default_rng(3)
    log = pd.DataFrame(
        {
            "customer_id": random.integers(0, 20, 120),
            "date": pd.Timestamp("2023-01-02") + pd.to_timedelta(random.integers(0, 60, 120), unit="D"),
            "amount": random.integers(1, 9, 120).astype(float),
        }
    )
    history = History(*purchase_days(log).seen_until(None))
    entries = log.groupby(["customer_id", "date"])["amount"].sum().reset_index()
    days = entries["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    who = random.integers(-1, len(history.days.ids), 200)
    asked = random.integers(days.min() - 5, days.max() + 6, 200)
    before, last, following = (f(who, asked) for f in (history.bought_before, history.last_before, history.next_after))
    spent = history.spend_between(who, asked, asked + 7)
    for i in range(len(who)):
        own = np.zeros(len(entries), dtype=bool)
        if who[i] >= 0:
            own = (entries["customer_id"] == history.days.ids[who[i]]).to_numpy()
        assert before[i] == (own & (days < asked[i])).sum()
        assert max(last[i], -1) == days[own & (days < asked[i])].max(initial=-1)
        assert min(following[i], 10**6) == days[own & (days > asked[i])].min(initial=10**6)
        inside = own & (days > asked[i]) & (days <= asked[i] + 7)
        assert spent[i] == pytest.approx(entries["amount"][inside].sum())
