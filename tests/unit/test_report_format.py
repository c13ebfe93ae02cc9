"""Numbers in the report: rounding, signs, intervals and absent values."""

from __future__ import annotations

import pytest

from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import ColumnHead, TableCell
from churnsim.report.page.tables import records_table, table


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        (1234567.4, "", "1,234,567"),
        (-1234.5, "$", "−\N{WORD JOINER}$1,234"),
        (12.345, "$", "$12.35"),
        (-1500.0, "€", "−\N{WORD JOINER}€1,500"),
        (3e15, "", "3e+15"),
        (750.0, "", "750"),
        (999.7, "", "1,000"),
        (-0.001, "", "0.00"),
        (5.0, "EUR", "EUR\N{NO-BREAK SPACE}5"),
        (None, "$", "–"),
    ],
)
def test_money(value: float | None, currency: str, expected: str) -> None:
    assert fmt.money(value, currency) == expected


def test_percent_keeps_a_decimal_only_where_there_is_one() -> None:
    assert [fmt.percent(x) for x in (0.95, 0.0512, 1.0, -0.1, None)] == ["95%", "5.1%", "100%", "−10%", "–"]


def test_a_share_of_a_share_of_a_percent_is_not_rounded_away() -> None:
    """Half a per mille is not a tenth of a percent, nor is a tenth of that nothing."""
    shown = [fmt.small_percent(x) for x in (0.7, 0.012, 0.0025, 0.0005, 0.00012, 0.0)]
    assert shown == ["70.0%", "1.2%", "0.25%", "0.050%", "0.012%", "0.0%"]


def test_signs() -> None:
    assert [fmt.signed(fmt.fixed(x, 1)) for x in (2.0, -2.0, 0.0, -0.01, None)] == ["+2.0", "−2.0", "0.0", "0.0", "–"]


def test_p_values_have_a_floor() -> None:
    assert [fmt.p_value(x) for x in (0.0312, 0.0004, None)] == ["0.031", "<\N{NO-BREAK SPACE}0.001", "–"]


def test_an_interval_lacking_a_bound_is_absent() -> None:
    assert fmt.interval("1", "2", joint="to") == "1\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}2"
    assert fmt.interval("–", "2", joint="to") == "–"


def test_significant_digits_without_the_noise_of_floats() -> None:
    assert fmt.decimals_shown([91.2 - 1e-14]) == 1
    assert fmt.significant(0.012345) == "0.01235"
    assert fmt.significant(123456.7) == "123,457"
    assert fmt.decimals_shown([0.0865134, -0.0000509788]) == 5  # the largest to four digits; the other is 5e-05 then
    assert fmt.decimals_shown([]) == 0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(5.23, ("5.2", "seconds")), (63.2, ("63", "seconds")), (300, ("5.0", "minutes")), (None, ("–", "seconds"))],
)
def test_durations(seconds: float | None, expected: tuple[str, str]) -> None:
    assert fmt.duration(seconds) == expected


def test_cells_of_any_kind() -> None:
    values = (None, True, 1998, 20000, 0.25, 1e-9, "a", [1, 2.5], {"a": 1})
    assert [fmt.cell(v) for v in values] == ["–", "✓", "1998", "20,000", "0.25", "1e−09", "a", "1, 2.5", "a: 1"]


@pytest.mark.parametrize(("columns", "wide"), [(3, False), (12, True)])
def test_a_table_that_is_wider_than_the_page_is_shown_row_by_row(columns: int, wide: bool) -> None:
    heads = [ColumnHead(title="amount", numeric=True)] * columns
    assert table("t", heads, [[TableCell(text="JPY 1,234,567")] * columns]).wide is wide


def test_a_column_of_numbers_is_rounded_alike() -> None:
    records = [{"year": 1998, "gain": 0.5}, {"year": 1999, "gain": 12.3456, "p_value": 0.2}]
    shown = records_table("t", records, limit=5)
    assert [column.title for column in shown.columns] == ["year", "gain", "p value"]
    assert [[cell.text for cell in row] for row in shown.rows] == [["1998", "0.50", "–"], ["1999", "12.35", "0.200"]]
    assert len(records_table("t", records, limit=1).rows) == 1
