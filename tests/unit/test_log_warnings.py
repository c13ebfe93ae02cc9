"""What is said of a log before anything is fitted to it, against logs made so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churnsim.data import datasets
from churnsim.data.logs.days import largest_hole
from churnsim.study.stages.stages import days_without_newcomers, starts_mid_life


def first_days(*counts: int) -> pd.Series:
    """So many first purchases in each period of 30 days, on its first day."""
    days = [30 * place for place, count in enumerate(counts) for _ in range(count)]
    return pd.Timestamp("2020-01-01") + pd.to_timedelta(pd.Series(days), unit="D")


def test_a_log_that_begins_with_older_customers_is_seen() -> None:
    """22 of 100 in the first month, six or so in each later one, the last cut off by the end of the log."""
    share, usual = starts_mid_life(first_days(22, *[7] * 11, 1))
    assert share == pytest.approx(0.22)
    assert usual == pytest.approx(0.07)


@pytest.mark.parametrize("counts", [(8,) * 12, (4, 5, 6, 7, 8, 9), (30, 35, 33), (5,), (12, 7, 7, 7, 7, 1)])
def test_even_growing_and_short_arrivals_are_not(counts: tuple[int, ...]) -> None:
    assert starts_mid_life(first_days(*counts)) == (0.0, 0.0)


def test_the_cohort_of_cdnow_is_not() -> None:
    """Its newcomers of three months were chosen: nobody is new after March 1997."""
    assert starts_mid_life(datasets.cdnow(full=True).groupby("customer_id")["date"].min()) == (0.0, 0.0)


def test_a_log_of_one_cohort_is_seen() -> None:
    """CDNOW's is, whose last newcomer came on 25 March 1997 of the 545 days to June 1998; one with newcomers in each
    month to the end, or to the middle, is not."""
    cdnow = datasets.cdnow(full=True).groupby("customer_id")["date"].min()
    assert days_without_newcomers(cdnow, pd.Timestamp("1998-06-30")) == 462
    first = first_days(*[7] * 12)
    assert days_without_newcomers(first, first.max() + pd.Timedelta(days=29)) is None
    assert days_without_newcomers(first, first.max() + (first.max() - first.min())) is None


def test_a_month_that_was_left_out_is_seen() -> None:
    """Two purchases a day, of which days 100 to 129 are missing: sixty."""
    days = np.repeat(np.arange(300), 2)
    assert largest_hole(days[(days < 100) | (days >= 130)]) == (100, 129, pytest.approx(60.0))


@pytest.mark.parametrize(
    "days",
    [
        np.repeat(np.arange(300), 2),
        np.repeat(np.arange(0, 300, 7), 50),  # kept by the week, and by the month
        np.repeat(np.arange(0, 720, 30), 200),
        np.arange(0, 300, 3),  # a small firm: ten purchases in a month
        np.concatenate([[0, 40], np.repeat(np.arange(60, 300), 9)]),  # a first sale long before the others
        np.array([5]),
    ],
)
def test_whole_logs_have_no_hole(days: np.ndarray) -> None:
    assert largest_hole(days) is None


def test_cdnow_has_no_hole() -> None:
    days = datasets.cdnow(full=True)["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    assert largest_hole(np.sort(days)) is None
