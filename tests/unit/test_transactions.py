"""Reading logs: what is taken, what is refused, and whether a refusal names file, row, value and remedy."""

from __future__ import annotations

import datetime
import decimal
import gzip
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import churnsim.data as data
from churnsim.data.tabular.csv_source import _record_end
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.numerics import purchase_days
from churnsim.models.estimation.arguments import durations

HEADER = b"customer_id,date,amount\n"
GOOD = HEADER + b"0001,2020-01-01,5\n0002,2020-01-02,6.5\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def _write(content: bytes, name: str = "orders.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return _write


@pytest.fixture
def write_parquet(tmp_path: Path) -> Any:
    def _write(**columns: Any) -> Path:
        path = tmp_path / "orders.parquet"
        pd.DataFrame(columns).to_parquet(path)
        return path

    return _write


def test_csv_gives_typed_columns_and_keeps_leading_zeros(write: Any) -> None:
    log = data.read_transactions(write(GOOD))
    assert log["customer_id"].tolist() == ["0001", "0002"]
    assert log["date"].dtype == np.dtype("datetime64[ns]")
    assert log["date"].tolist() == [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02")]
    assert log["amount"].tolist() == [5.0, 6.5]
    assert log.attrs["set_aside"] == []


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.csv", GOOD.replace(b"\n", b"\r\n"), {}),
        ("a.csv", GOOD.replace(b"\n", b"\r"), {}),
        ("a.csv", b"\xef\xbb\xbf" + GOOD, {}),
        ("a.csv", b"\n\n" + GOOD.replace(b"\n", b"\n\n  \n"), {}),
        ("a.csv", GOOD.replace(b",", b" , "), {}),
        ("a.csv", GOOD.replace(b",", b";"), {"delimiter": ";"}),
        ("a.tsv", GOOD.replace(b",", b"\t"), {}),
        ("a.TXT", GOOD, {}),
        ("a.csv.gz", gzip.compress(GOOD, mtime=0), {}),
        ("a.csv", GOOD.decode().encode("utf-16"), {"encoding": "utf-16"}),
        ("a.csv", b'"customer_id","date","amount"\n"0001","2020-01-01","5"\n0002,2020-01-02,"6.5"', {}),
        ("a.csv", GOOD.replace(b"5\n", b"5,\n"), {}),  # a delimiter at the end of each row
        ("a.csv", GOOD.replace(b"2020-01-0", b"2020010"), {"date_format": "%Y%m%d"}),
        # A column that is not asked for may hold anything.
        (
            "a.csv",
            HEADER.replace(b"\n", b",\xe9\n") + b"0001,2020-01-01,5,\xe9\n0002,2020-01-02,6.5,\0\n",
            {"detect": False},
        ),
        ("a.csv", HEADER.replace(b"\n", b",n\n") + b'0001,2020-01-01,5,7" nail\n0002,2020-01-02,6.5,\n', {}),
    ],
)
def test_the_same_log_in_other_clothes(write: Any, name: str, content: bytes, options: dict[str, Any]) -> None:
    log = data.read_transactions(write(content, name), **options)
    expected = pd.DataFrame(
        {
            "customer_id": pd.Series(["0001", "0002"], dtype=object),
            "date": pd.to_datetime(["2020-01-01", "2020-01-02"]),
            "amount": [5.0, 6.5],
        }
    ).astype({"date": "datetime64[ns]"})
    pd.testing.assert_frame_equal(log, expected)


def test_columns_may_have_other_names_and_amounts_may_be_absent(write: Any) -> None:
    path = write(b"day,who\n2020-01-01,7\n")
    log = data.read_transactions(path, customer_id="who", date="day", amount=None)
    assert list(log.columns) == ["customer_id", "date"]


def test_each_date_keeps_its_own_wall_clock(write: Any) -> None:
    path = write(HEADER + b"1,2020-01-01 23:30:00+05:00,1\n2,2020-01-01T23:30Z,1\n3,2020-01-01 23:30:00.5,1\n")
    log = data.read_transactions(path)
    assert log["date"].dt.floor("min").eq(pd.Timestamp("2020-01-01 23:30")).all()
    path = write(HEADER + b"1,01/02/2020 23:30 +0500,1\n2,01/02/2020 23:30 -05:00,1\n")
    log = data.read_transactions(path, date_format="%d/%m/%Y %H:%M %z")
    assert log["date"].eq(pd.Timestamp("2020-02-01 23:30")).all()


def test_zero_is_an_amount(write: Any) -> None:
    log = data.read_transactions(write(HEADER + b"1,2020-01-01,0\n1,2020-01-01,-0\n1,2020-01-01,+5.\n"))
    assert log["amount"].tolist() == [0.0, 0.0, 5.0]
    assert not np.signbit(log["amount"]).any()


BAD_ROWS = [
    (b",2020-01-01,5", "customer_id", "''", "missing", "Give every purchase the id"),
    (b"  ,2020-01-01,5", "customer_id", "'  '", "missing", "Give every purchase the id"),
    (b"NA,2020-01-01,5", "customer_id", "'NA'", "missing", "Give every purchase the id"),
    (b"a\0b,2020-01-01,5", "customer_id", "'a\\x00b'", "null byte", "encoding"),
    (b"caf\xe9,2020-01-01,5", "customer_id", "'caf\\udce9'", "not utf-8", "encoding='cp1252'"),
    (b"1,,5", "date", "''", "missing", "its date"),
    (b"1,31/01/2020,5", "date", "'31/01/2020'", "not an ISO date", "date_format"),
    (b"1,20200101,5", "date", "'20200101'", "not an ISO date", "date_format"),
    (b"1,2020-1-1,5", "date", "'2020-1-1'", "not an ISO date", "date_format"),
    (b"1,2020-02-30,5", "date", "'2020-02-30'", "not a day of the calendar", "Correct"),
    (b"1,9999-12-31,5", "date", "'9999-12-31'", "not a day of the calendar", "Correct"),
    (b"1,2020-01-01 25:00,5", "date", "'2020-01-01 25:00'", "not a day of the calendar", "Correct"),
    (b"1,2020-03-02,5", "date", "'2020-03-02'", "in the future (after 2020-03-01)", "today="),
    (b"1,2020-01-01,", "amount", "''", "missing", "amount=None"),
    (b"1,2020-01-01", "amount", "''", "missing", "amount=None"),
    (b'1,2020-01-01,"12,50"', "amount", "'12,50'", "not a finite number", "plain numbers"),
    (b"1,2020-01-01,5$5", "amount", "'5$5'", "not a finite number", "plain numbers"),
    (b"1,2020-01-01,1_0", "amount", "'1_0'", "not a finite number", "plain numbers"),
    (b"1,2020-01-01,inf", "amount", "'inf'", "not a finite number", "plain numbers"),
    (b"1,2020-01-01,nan", "amount", "'nan'", "not a finite number", "plain numbers"),
    (b"1,2020-01-01,1e999", "amount", "'1e999'", "not a finite number", "plain numbers"),
    (b"1,2020-01-01,-5", "amount", "'-5'", "negative", "refunds"),
    (b"1,2020-01-01,1,234.50", None, "'1,2020-01-01,1,234.50'", "more fields", "quotation marks"),
]


# These two rows make a file of four that leaves open how it is written.
PLAIN_ONLY = (b"caf\xe9,2020-01-01,5", b'1,2020-01-01,"12,50"')


@pytest.mark.parametrize(("row", "column", "value", "reason", "remedy"), BAD_ROWS)
def test_a_bad_row_is_named_with_file_line_value_and_remedy(
    write: Any, row: bytes, column: str | None, value: str, reason: str, remedy: str
) -> None:
    path = write(GOOD + b"\n" + row + b"\n0003,2020-01-03,7\n")  # the blank line is counted: the row is on line 5
    with pytest.raises(DataError) as caught:
        data.read_transactions(path, today="2020-03-01", detect=row not in PLAIN_ONLY)
    message = str(caught.value)
    where = f"{path}, line 5" + (f", column {column!r}" if column else "")
    assert message.startswith(f"{where}: {value} ")
    assert reason in message
    assert remedy in message
    assert "on_bad='set_aside'" in message
    assert "\n" not in message


@pytest.mark.parametrize(("row", "column", "value", "reason", "remedy"), BAD_ROWS)
def test_a_bad_row_is_set_aside_when_asked(
    write: Any, row: bytes, column: str | None, value: str, reason: str, remedy: str
) -> None:
    path = write(GOOD + row + b"\n0003,2020-01-03,7\n")
    log = data.read_transactions(path, on_bad="set_aside", today="2020-03-01", detect=row not in PLAIN_ONLY)
    assert log["customer_id"].tolist() == ["0001", "0002", "0003"]
    assert log.index.tolist() == [0, 1, 2]
    (aside,) = log.attrs["set_aside"]
    assert (aside["row"], aside["column"], aside["value"]) == (4, column, value)
    assert reason in aside["reason"]


def test_many_bad_rows_are_counted_and_the_first_shown(write: Any) -> None:
    path = write(GOOD + b"".join(b"%d,2020-01-01,x%d\n" % (i, i) for i in range(2000)))
    with pytest.raises(DataError, match=r"2,000 of 2,002 rows cannot be used\. first 5: line 4") as caught:
        data.read_transactions(path)
    assert "line 8" in str(caught.value)
    assert "line 9" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert len(data.read_transactions(path, on_bad="set_aside", most_bad=1).attrs["set_aside"]) == 2000


def test_a_row_with_two_faults_is_one_row(write: Any) -> None:
    path = write(GOOD + b",x,y\n")
    (aside,) = data.read_transactions(path, on_bad="set_aside").attrs["set_aside"]
    assert aside["column"] == "customer_id"


def test_huge_values_are_cut_in_messages(write: Any) -> None:
    with pytest.raises(DataError, match=r"x… \(10,000 characters\)") as caught:
        data.read_transactions(write(GOOD + b"1," + b"x" * 10_000 + b",5\n"))
    assert len(str(caught.value)) < 600


def test_line_numbers_count_lines_inside_quoted_values(write: Any) -> None:
    path = write(HEADER + b'"a\nb\nc",2020-01-01,5\n2,2020-01-01,oops\n')
    with pytest.raises(DataError, match="line 5, column 'amount': 'oops'"):
        data.read_transactions(path)


@pytest.mark.parametrize(
    "rest",
    [
        b'1,2020-01-01,5,"hello\n2,2020-01-01,5,x\n3,2020-01-01,5,y\n',
        b'1,2020-01-01,5,"hello\n2,2020-01-01,5,"x\n3,2020-01-01,5,y\n',
    ],
)
def test_an_unclosed_quotation_does_not_swallow_the_rows_after_it(write: Any, rest: bytes) -> None:
    path = write(HEADER.replace(b"\n", b",note\n") + rest)
    with pytest.raises(DataError, match=r"line 2: the record that begins here .* never closed"):
        data.read_transactions(path, on_bad="set_aside")


def test_a_record_ends_where_it_does_read_byte_by_byte() -> None:
    """Truth: the rule itself, of one byte at a time, over texts longer than the windows that are looked at."""
    random = np.random.default_rng(1)
    for share in (0.001, 0.02, 0.3):
        text = bytes(random.choice(list(b'x"\n'), size=1500, p=[1 - 2 * share, share, share]))
        for position in (0, 1, 700, 1499):
            odd, end = text[:position].count(b'"') % 2, len(text)
            for place in range(position, len(text)):
                odd ^= text[place] == ord('"')
                if text[place] == ord("\n") and not odd:
                    end = place + 1
                    break
            assert _record_end(text, position, begin=0) == end


def test_a_quotation_that_is_never_closed_is_found_in_time_even_before_millions_of_short_lines(write: Any) -> None:
    begun = time.process_time()
    with pytest.raises(DataError, match=r"line 3: the record that begins here .* never closed"):
        data.read_transactions(write(HEADER + b'1,2020-01-01,5\n"2,2020-01-02,5\n' + b"\n" * (1 << 24)))
    assert time.process_time() - begun < 3  # a twentieth of a second a megabyte and more, line by line


def test_a_file_of_many_packed_parts_is_read_in_time(write: Any) -> None:
    """An empty part takes 20 bytes: a megabyte of them, each of which once copied all that came after it."""
    begun = time.process_time()
    found = data.read_transactions(
        write(gzip.compress(HEADER) + gzip.compress(b"") * 50_000 + gzip.compress(b"1,2020-01-01,5\n"), "a.csv.gz")
    )
    assert len(found) == 1
    assert time.process_time() - begun < 1


def test_a_quotation_that_is_never_closed_in_the_names_of_the_columns(write: Any) -> None:
    path = write(HEADER.replace(b"amount", b'"amount') + b"1,2020-01-01,5\n" * 20_000)
    with pytest.raises(DataError, match=r"line 1: the record that begins here .* never closed"):
        data.read_transactions(path)
    with (
        data.CustomerDatabase(path.with_suffix(".db")) as db,
        pytest.raises(DataError, match=r"line 1: .* never closed"),
    ):
        db.add(path)


def test_text_that_looks_like_markup_is_kept_as_it_is(write: Any) -> None:
    log = data.read_transactions(write(HEADER + b"<script>alert(1)</script>,2020-01-01,5\n"))
    assert log["customer_id"].tolist() == ["<script>alert(1)</script>"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" \n\n", "is empty"),
        ("a.csv", HEADER, "holds no purchases"),
        (
            "a.csv",
            GOOD.replace(b"customer_id", b"CustomerID"),
            "Did you mean 'CustomerID'.* Pass customer_id=",
        ),
        ("a.csv", GOOD.replace(b"amount", b"price"), "it has 'customer_id', 'date', 'price'.*amount=None"),
        ("a.csv", GOOD.replace(b",", b";"), "pass delimiter=';'"),
        ("a.csv", b"date," + HEADER + b"1,1,2020-01-01,5\n", "2 columns called 'date'. Rename"),
        ("a.csv", GOOD.decode().encode("utf-16"), "is UTF-16.*encoding='utf-16'"),
        ("a.csv", b"PK\x03\x04", "workbook.*Save it as CSV"),
        ("a.csv.gz", b"junk", "not a sound gzip"),
        ("a.csv.gz", gzip.compress(GOOD, mtime=0)[:-6], "not a sound gzip"),
        ("a.xlsx", GOOD, "not a sound workbook"),
        ("a", GOOD, "says neither CSV, Parquet nor Excel"),
        ("a.parquet", b"junk", "not a sound Parquet file"),
        ("a.parquet", b"", "not a sound Parquet file"),
    ],
)
def test_a_file_that_cannot_be_used(write: Any, name: str, content: bytes, message: str) -> None:
    path = write(content, name)
    with pytest.raises(DataError, match=message) as caught:
        data.read_transactions(path, detect=False)
    assert str(path) in str(caught.value)


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory"):
        data.read_transactions(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        data.read_transactions(tmp_path / "absent.csv")


def test_truncated_utf16_is_one_error(write: Any) -> None:
    with pytest.raises(DataError, match="is not utf-16"):
        data.read_transactions(write(GOOD.decode().encode("utf-16")[:-1]), encoding="utf-16")


@pytest.mark.parametrize(
    "options",
    [
        {"on_bad": "skip"},
        {"delimiter": ";;"},
        {"encoding": "base64"},
        {"encoding": "nonsense"},
        {"date_format": "dd/mm/yyyy"},
        {"date_format": "%Q"},
        {"date_format": "%z %d"},
        {"today": "01/02/2020"},
        {"customer_id": "date"},
    ],
)
def test_an_impossible_argument_is_a_config_error(write: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        data.read_transactions(write(GOOD), **options)


def test_a_wrong_date_format_is_told(write: Any) -> None:
    path = write(HEADER + b"1,31/01/2020,5\n")
    with pytest.raises(DataError, match="'31/01/2020' does not follow date_format '%m/%d/%Y'"):
        data.read_transactions(path, date_format="%m/%d/%Y")


def test_nothing_left_is_an_error_even_when_rows_are_set_aside(write: Any) -> None:
    with pytest.raises(DataError, match="No row is left"):
        data.read_transactions(write(HEADER + b"1,2020-01-01,x\n"), on_bad="set_aside")


def test_today_is_the_present_day_unless_given(write: Any) -> None:
    tomorrow = (pd.Timestamp.now() + pd.Timedelta(days=2)).strftime("%Y-%m-%d").encode()
    with pytest.raises(DataError, match="in the future"):
        data.read_transactions(write(HEADER + b"1," + tomorrow + b",5\n"))


DAYS = pd.to_datetime(["2020-01-01", "2020-01-02"])


@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        ([1, 2], np.dtype("int64")),
        (["01", "02"], np.dtype("object")),
        (pd.Categorical(["01", "02"]), np.dtype("object")),
    ],
)
def test_parquet_ids_keep_their_type(write_parquet: Any, ids: Any, dtype: np.dtype[Any]) -> None:
    log = data.read_transactions(write_parquet(customer_id=ids, date=DAYS, amount=[1, 2]))
    assert log["customer_id"].dtype == dtype
    assert log["customer_id"].tolist() == list(ids)


@pytest.mark.parametrize(
    "dates",
    [
        DAYS,
        DAYS.tz_localize("Asia/Tokyo"),
        DAYS.astype("datetime64[s]"),
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)],
        ["2020-01-01", "2020-01-02"],
    ],
)
def test_parquet_dates_of_any_type(write_parquet: Any, dates: Any) -> None:
    log = data.read_transactions(write_parquet(customer_id=[1, 2], date=dates, amount=[1, 2]))
    assert log["date"].dtype == np.dtype("datetime64[ns]")
    assert log["date"].tolist() == list(DAYS)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"customer_id": pd.array([1, None], dtype="Int64")}, "row 2, column 'customer_id': <NA> .*missing"),
        ({"date": [DAYS[0], None]}, "row 2, column 'date': NaT .*missing"),
        ({"date": [20200101, 20200102]}, "column 'date': 20200101 is not an ISO date"),
        (
            {"date": np.array(["9999-12-31", "2020-01-01"], dtype="datetime64[s]")},
            "row 1, column 'date': .*calendar",
        ),
        ({"amount": [1.0, np.inf]}, "row 2, column 'amount': inf is not a finite number"),
        ({"amount": [True, False]}, "row 1, column 'amount': True is not a finite number"),
        ({"amount": [decimal.Decimal("1.5"), None]}, "row 2, column 'amount': (nan|None) .*missing"),
        ({"customer_id": [[1], [2]]}, "column 'customer_id' holds list"),
        ({"customer_id": ["a", ""]}, "row 2, column 'customer_id': ''"),
    ],
)
def test_bad_parquet_rows(write_parquet: Any, columns: dict[str, Any], message: str) -> None:
    path = write_parquet(**{"customer_id": [1, 2], "date": DAYS, "amount": [1.0, 2.0]} | columns)
    with pytest.raises(DataError, match=message):
        data.read_transactions(path)


def test_parquet_integers_stay_integers_when_a_missing_one_is_set_aside(write_parquet: Any) -> None:
    ids = pd.array([10_000_000_000_000_001, None], dtype="Int64")  # too large for a float
    log = data.read_transactions(write_parquet(customer_id=ids, date=DAYS, amount=[1, 2]), on_bad="set_aside")
    assert log["customer_id"].tolist() == [10_000_000_000_000_001]
    assert log["customer_id"].dtype == np.dtype("int64")


def test_csv_and_parquet_agree(tmp_path: Path) -> None:
    log = data.datasets.cdnow().drop(columns="quantity").astype({"customer_id": str})
    log = log.astype({"customer_id": object, "date": "datetime64[ns]"})  # as pandas 2 makes them
    log.to_csv(tmp_path / "log.csv", index=False)
    log.to_parquet(tmp_path / "log.parquet")
    from_csv = data.read_transactions(tmp_path / "log.csv")
    pd.testing.assert_frame_equal(from_csv, data.read_transactions(tmp_path / "log.parquet"))
    pd.testing.assert_frame_equal(from_csv, log)


def test_a_file_that_is_mostly_bad_is_refused_even_so(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("customer_id,date,amount\na,2024-01-01,1\nb,?,1\nc,?,1\n")
    with pytest.raises(DataError, match=r"66\.7% of all rows"):
        data.read_transactions(path, on_bad="set_aside", detect=False)
    assert len(data.read_transactions(path, on_bad="set_aside", most_bad=0.7, detect=False)) == 1


def test_trimmed_ids_are_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("customer_id,date,amount\n a,2024-01-01,1\na ,2024-01-02,1\na,2024-01-03,1\n")
    log = data.read_transactions(path)
    assert log.attrs["trimmed_ids"] == 2
    assert set(log["customer_id"]) == {"a"}


def test_read_only_arrays_are_taken_by_the_same_kernels():
    """pandas hands out either kind; a kernel compiled for each took seconds, and gave the same numbers."""
    log = pd.DataFrame(
        {"customer_id": [1, 2, 1], "date": pd.to_datetime(["2020-01-01"] * 3), "amount": [5.0, 6.0, 7.0]}
    )
    found = data.summarise(log, until="2020-03-01")
    compiled = [len(kernel.signatures) for kernel in (purchase_days.count, purchase_days.part)]
    columns = {name: log[name].to_numpy().copy() for name in log}
    for values in columns.values():
        values.flags.writeable = False
    pd.testing.assert_frame_equal(data.summarise(pd.DataFrame(columns, copy=False), until="2020-03-01"), found)
    assert [len(kernel.signatures) for kernel in (purchase_days.count, purchase_days.part)] == compiled
    assert durations(columns["amount"], "horizon", shape=(3,)).flags.writeable
