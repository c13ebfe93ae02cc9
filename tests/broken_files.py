"""Files as firms really send them, and worse: each with what must be said of it.

    python tests/broken_files.py DIRECTORY

writes them all. Every one is either refused with a DataError that names the cause, or taken with the bad rows set
aside.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HEADER = "customer_id,date,amount\n"
GOOD = "".join(f"c{i},2024-01-{i % 28 + 1:02d},{i}.5\n" for i in range(60))


@dataclass(frozen=True)
class Broken:
    """One file: how to add it and what comes of it: words of the error, or how many rows are set aside and why."""

    name: str
    content: bytes | Callable[[Path], None]
    error: str | None = None
    set_aside: int = 0
    reason: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, directory: Path) -> Path:
        """Write the file and return its path."""
        path = directory / self.name
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content)
        return path


def text(name: str, content: str, error: str | None = None, *, encoding: str = "utf-8", **rest: Any) -> Broken:
    """A text file."""
    return Broken(name, content.encode(encoding), error, **rest)


def one_bad(name: str, row: str, reason: str, **rest: Any) -> Broken:
    """A sound file with one bad row in the middle of it."""
    middle = len(GOOD) // 2
    cut = GOOD.index("\n", middle) + 1
    content = HEADER + GOOD[:cut] + row + "\n" + GOOD[cut:]
    return Broken(name, content.encode("utf-8", "surrogateescape"), set_aside=1, reason=reason, options=rest)


def frame(n: int = 60) -> pd.DataFrame:
    """Sound records."""
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "date": pd.date_range("2024-01-01", periods=n),
            "amount": [float(i) for i in range(n)],
        }
    )


def parquet(table: Any) -> Callable[[Path], None]:
    """Writes a table as Parquet."""
    return lambda path: pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pandas(table), path)


def parquet_bytes() -> bytes:
    """A sound Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame()), buffer)
    return buffer.getvalue()


def workbook(**sheets: list[list[Any]]) -> Callable[[Path], None]:
    """Writes a workbook with these rows."""

    def write(path: Path) -> None:
        import openpyxl

        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        book.save(path)

    return write


def workbook_bytes() -> bytes:
    """A sound workbook."""
    buffer = io.BytesIO()
    frame().to_excel(buffer, index=False)
    return buffer.getvalue()


def zipped(**parts: bytes) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def deep_zeros(path: Path) -> None:
    """A small gzip file that unpacks to gigabytes."""
    with gzip.open(path, "wb", compresslevel=9) as packed:
        piece = b"\n" * (1 << 24)
        for _ in range(6):
            packed.write(piece)


def corpus() -> list[Broken]:
    """All of them."""
    rows = [["customer_id", "date", "amount"]]
    return [*_text_files(), *_bad_rows(), *_packed_files(), *_parquet_files(), *_workbooks(rows)]


def _text_files() -> list[Broken]:
    ambiguous = "".join(f"c{i},0{i % 9 + 1}/0{i % 8 + 1}/2024,1.5\n" for i in range(60))
    return [
        Broken("empty.csv", b"", "empty"),
        text("only-newlines.csv", "\n\n\n", "empty"),
        text("only-a-header.csv", HEADER, "no records"),
        text("no-header.csv", GOOD, "no column"),
        text("other-names.csv", "id,day,total\n1,2024-01-01,2\n", "customer_id"),
        text("column-twice.csv", "customer_id,date,amount,amount\n1,2024-01-01,2,3\n", "2 columns called"),
        text("day-or-month.csv", HEADER + ambiguous, "no day is above 12"),
        text("both-orders.csv", HEADER + "a,25/03/2024,1\nb,03/25/2024,1\n", "some the month"),
        text("two-digit-years.csv", HEADER + "a,25/03/24,1\nb,26/03/24,1\n", "not known here"),
        text("words-for-months.csv", HEADER + "a,25 Mar 2024,1\nb,26 Mar 2024,1\n", "not known here"),
        text("excel-serial-days.csv", HEADER + "a,45376,1\nb,45377,1\n", "not known here"),
        text("unix-seconds.csv", HEADER + "a,1711324800,1\nb,1711324801,1\n", "not known here"),
        text("eight-digits-two-ways.csv", HEADER + "a,10112012,1\nb,11102012,1\n", "date_format"),
        text(
            "thousand-or-one-and-a-bit.csv", HEADER + 'a,2024-01-01,"1,234"\nb,2024-01-02,"5,678"\n', "may be 1234 or"
        ),
        text("points-of-thousands.csv", HEADER + "a,2024-01-01,1.234\nb,2024-01-02,5.678\n", "may be 1234 or"),
        text("marks-disagree.csv", HEADER + 'a,2024-01-01,"1.234,5"\nb,2024-01-02,"1,234.5"\n', "disagree"),
        text("currencies-mixed.csv", HEADER + "a,2024-01-01,$1.50\nb,2024-01-02,€2.50\n", "in '$' and '€'"),
        text("all-dates-impossible.csv", HEADER + "a,2024-13-45,1\nb,2024-02-30,1\n", "No row is left"),
        text("half-bad.csv", HEADER + GOOD + "x,nonsense,1\n" * 60, "50.0%"),
        text("latin-1.csv", HEADER + GOOD + "Jos\xe9,2024-01-01,1\n", "not UTF-8", encoding="latin-1"),
        Broken("gb18030.csv", (HEADER + "客户,2024-01-01,1\n").encode("gb18030"), "not UTF-8"),
        Broken(
            "wrong-encoding-given.csv",
            (HEADER + "é,2024-01-01,1\n").encode("utf-16"),
            "is UTF-16, not utf-8",
            options={"encoding": "utf-8"},
        ),
        Broken("utf-16-cut.csv", (HEADER + GOOD).encode("utf-16")[:-1], "not utf-16"),
        text("quote-never-closed.csv", HEADER + GOOD + '"x,2024-01-01,1\n' + GOOD, "never closed"),
        text("quote-in-header.csv", '"customer_id,date,amount\n' + GOOD, "never closed"),
        text(
            "semicolons-asked-comma.csv",
            HEADER.replace(",", ";") + "a;2024-01-01;1\n",
            "delimiter",
            options={"delimiter": ","},
        ),
        Broken("null-bytes.csv", b"\x00" * 5000, "no column"),
        Broken("noise.csv", bytes((i * 73 + i // 7) % 256 for i in range(20000)), ""),
        Broken("png.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not UTF-8"),
        Broken("workbook.csv", workbook_bytes(), "workbook"),
        Broken("parquet.csv", parquet_bytes(), "Parquet"),
        Broken("zip.csv", zipped(a=b"1"), "archive"),
        text("html.csv", "<html><body><table><tr><td>1</td></tr></table></body></html>\n", "no column"),
        text("json.csv", '[{"customer_id": 1, "date": "2024-01-01", "amount": 2}]\n', "no column"),
        text("one-long-line.csv", "x" * 300_000, "cannot be read"),
        text("future.csv", HEADER + "a,2199-01-01,1\nb,2199-01-02,1\n", "future"),
        text("other.doc", "hello", "neither CSV"),
    ]


def _bad_rows() -> list[Broken]:
    return [
        one_bad("missing-id.csv", ",2024-01-01,1", "is not a customer id"),
        one_bad("id-is-nan.csv", "NaN,2024-01-01,1", "is not a customer id"),
        one_bad("id-is-space.csv", "   ,2024-01-01,1", "is not a customer id"),
        one_bad("id-of-10-kB.csv", "x" * 10_000 + ",2024-01-01,1", "longer than 500"),
        one_bad("id-with-null-byte.csv", "a\0b,2024-01-01,1", "null byte"),
        one_bad("missing-date.csv", "a,,1", "is not a date"),
        one_bad("february-30.csv", "a,2023-02-29,1", "not a day of the calendar"),
        one_bad("year-0.csv", "a,0000-01-01,1", "not a day of the calendar"),
        one_bad("year-9999.csv", "a,9999-01-01,1", "not a day of the calendar"),
        one_bad("one-future-date.csv", "a,2199-01-01,1", "in the future"),
        one_bad("one-other-date.csv", "a,01/02/2024,1", "is not an ISO date"),
        one_bad("missing-amount.csv", "a,2024-01-01,", "is not an amount"),
        one_bad("amount-in-words.csv", "a,2024-01-01,twelve", "is not a finite number"),
        one_bad("amount-nan.csv", "a,2024-01-01,nan", "is not a finite number"),
        one_bad("amount-infinite.csv", "a,2024-01-01,inf", "is not a finite number"),
        one_bad("amount-too-large.csv", "a,2024-01-01,1e999", "is not a finite number"),
        one_bad("amount-hex.csv", "a,2024-01-01,0x10", "is not a finite number"),
        one_bad("amount-in-one-parenthesis.csv", "a,2024-01-01,(5.00", "is not a finite number"),
        one_bad("too-many-fields.csv", "a,2024-01-01,1,2,3,4", "more fields"),
        one_bad("too-few-fields.csv", "a,2024-01-01", "is not an amount"),
        one_bad("subtotal.csv", "Total,,1234.5", "is not a date"),
        one_bad("header-again.csv", "customer_id,date,amount", "is not an ISO date"),
        one_bad("arabic-digits.csv", "a,٢٠٢٤-٠١-٠١,1", "is not an ISO date"),
        one_bad("right-to-left.csv", "\u202ea,\u202e2024-01-01,1", "is not an ISO date"),
    ]


def _packed_files() -> list[Broken]:
    packed = gzip.compress((HEADER + GOOD).encode(), mtime=0)
    return [
        Broken("cut.csv.gz", packed[: len(packed) // 2], "not a sound gzip"),
        Broken("not-packed.csv.gz", (HEADER + GOOD).encode(), "not a sound gzip"),
        Broken("damaged.csv.gz", packed[:60] + b"\xff" * 8 + packed[68:], "not a sound gzip"),
        Broken("bomb.csv.gz", deep_zeros, "unpacks to more than"),
        Broken("empty.csv.gz", b"", "empty"),
    ]


def _parquet_files() -> list[Broken]:
    sound = parquet_bytes()
    nested = pa.table({"customer_id": [["a"]], "date": [["2024-01-01"]], "amount": [1.0]})
    raw = pa.table({"customer_id": [b"a"], "date": pa.array(["2024-01-01"]), "amount": [1.0]})
    holes = frame()
    holes.loc[3, "date"] = pd.NaT
    holes.loc[5, "amount"] = float("inf")
    return [
        Broken("empty.parquet", b"", "not a sound Parquet"),
        Broken("cut.parquet", sound[:-50], "not a sound Parquet"),
        Broken("head-only.parquet", sound[:4], "not a sound Parquet"),
        Broken("damaged.parquet", sound[:100] + bytes(200) + sound[300:], "not a sound Parquet"),
        Broken("text.parquet", (HEADER + GOOD).encode(), "not a sound Parquet"),
        Broken("no-rows.parquet", parquet(frame(0)), "no records"),
        Broken("no-columns.parquet", parquet(pd.DataFrame(index=range(3))), "no column"),
        Broken("nested.parquet", parquet(nested), "single values"),
        Broken("bytes.parquet", parquet(raw), "holds bytes"),
        Broken("holes.parquet", parquet(holes), set_aside=2, reason="is not a"),
        Broken("day-or-month.parquet", parquet(frame().assign(date="03/04/2024")), "no day is above 12"),
    ]


def _listed_with(archive: bytes, place: int, value: int) -> bytes:
    """The archive with one byte of every part's entry in its list of parts set: 6 is the version, 8 has the flags."""
    changed, at = bytearray(archive), -1
    while (at := archive.find(b"PK\x01\x02", at + 1)) >= 0:
        changed[at + place] = value
    return bytes(changed)


def _workbooks(head: list[list[Any]]) -> list[Broken]:
    sound = workbook_bytes()
    day = pd.Timestamp("2024-01-01").to_pydatetime()
    rows = [[f"c{i}", day, i + 0.5] for i in range(60)]
    return [
        Broken("empty.xlsx", b"", "not a sound workbook"),
        Broken("cut.xlsx", sound[: len(sound) // 2], "not a sound workbook"),
        Broken("text.xlsx", (HEADER + GOOD).encode(), "not a sound workbook"),
        Broken("encrypted.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), "encrypted"),
        Broken("locked-parts.xlsx", _listed_with(sound, 8, 1), "locked-parts.xlsx is encrypted"),
        Broken("of-a-later-make.xlsx", _listed_with(sound, 6, 99), "not a sound workbook"),
        Broken("any-zip.xlsx", zipped(a=b"1"), "not a sound workbook"),
        Broken(
            "broken-xml.xlsx",
            zipped(**{"xl/workbook.xml": b"<a>", "[Content_Types].xml": b"<b>"}),
            "not a sound workbook",
        ),
        Broken("no-cells.xlsx", workbook(one=[]), "empty"),
        Broken("two-sheets.xlsx", workbook(one=head + rows, two=head + rows), "several sheets"),
        Broken("no-such-sheet.xlsx", workbook(one=head + rows), "no sheet", options={"sheet": "two"}),
        Broken(
            "uncomputed-formula.xlsx", workbook(one=[*head, *rows, ["c", day, "=1+1"]]), set_aside=1, reason="is not an"
        ),
        Broken("title-for-names.xlsx", workbook(one=[["Sales 2024"], *rows]), "no column"),
        Broken(
            "error-cell.xlsx", workbook(one=[*head, *rows, ["c", day, "#DIV/0!"]]), set_aside=1, reason="finite number"
        ),
    ]


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for broken in corpus():
        broken.write(target)
