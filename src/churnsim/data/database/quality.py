"""What a customer database holds and what is odd about it: one finding a rule, with its count and what was done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnsim.data.database.connection import columns_held, columns_of
from churnsim.data.database.tables import TABLES
from churnsim.data.tabular.row_coercion import LOWERED, TRIMMED, ZONED

# Assumed: an id with a hundredth of all purchases in a base of a hundred customers or more, or on ten times as many
# days as all but one in a thousand, is hardly one person.
SHARE_OF_ONE = 0.01
LEAST_CUSTOMERS = 100
TIMES_OF_MANY = 10
PLACEHOLDERS = (
    "0", "-1", "1", "999", "9999", "99999", "guest", "unknown", "anonymous", "test", "cash", "customer", "default",
    "walk-in", "n.n.", "?", "-", "x",
)  # fmt: skip
START_DAYS = 30
START_TIMES = 2.0  # assumed: twice the later pace of new customers says that the first month's are not all new


@dataclass(frozen=True)
class QualityFinding:
    """One rule: how many `count` of `of` it concerns, and in words what was done about them."""

    rule: str
    count: int
    of: int
    treatment: str

    @property
    def share(self) -> float:
        """`count` as a share of `of`."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """What `CustomerDatabase.check` found.

    Parameters
    ----------
    tables
        Rows of each table.
    customers, first, last
        Customers with purchases, and the first and last day with one (None without any).
    findings
        One for each rule: how many rows or customers it concerns, and what was done about them.
    reasons
        Rows set aside by reason, over all tables.

    Examples
    --------
    >>> import tempfile, pathlib, pandas as pd, churnsim
    >>> dates = ["2024-01-05", "2024-01-09"]
    >>> purchases = pd.DataFrame({"customer_id": ["a", "a"], "date": dates, "amount": [5.0, -5.0]})
    >>> with churnsim.data.CustomerDatabase(pathlib.Path(tempfile.mkdtemp()) / "customers.db") as db:
    ...     _ = db.add(purchases)
    ...     report: QualityReport = db.check()
    >>> report.customers, report.last  # a refund is no purchase
    (1, '2024-01-05')
    """

    tables: dict[str, int]
    customers: int
    first: str | None
    last: str | None
    findings: tuple[QualityFinding, ...]
    reasons: dict[str, int]

    def to_frame(self) -> pd.DataFrame:
        """The findings as rows: `rule, count, of, share, treatment`."""
        return pd.DataFrame(
            [
                {"rule": f.rule, "count": f.count, "of": f.of, "share": f.share, "treatment": f.treatment}
                for f in self.findings
            ]
        )

    def count(self, rule: str) -> int:
        """The count of a rule; KeyError for one that is not there."""
        return {finding.rule: finding.count for finding in self.findings}[rule]


def check_quality(connection: Any) -> QualityReport:
    """Look at every stated rule; changes nothing."""

    def numbers(query: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
        row: tuple[Any, ...] = connection.execute(query, parameters or []).fetchall()[0]
        return tuple(0 if value is None else value for value in row)

    held = columns_held(connection)
    tables = {name: numbers(f'SELECT count(*) FROM "{name}"')[0] if name in held else 0 for name in TABLES}
    rows = tables["transactions"]
    customers, first, last = connection.execute(
        "SELECT count(DISTINCT customer_id), min(date)::DATE::VARCHAR, max(date)::DATE::VARCHAR FROM transactions"
    ).fetchall()[0]
    read, aside, refunds = numbers("SELECT sum(rows)::BIGINT, sum(set_aside)::BIGINT, sum(refunds)::BIGINT FROM loads")
    returned, sold = numbers("SELECT -sum(amount), (SELECT sum(amount) FROM transactions) FROM refunds")
    zero, missing = numbers("SELECT count(*) FILTER (amount = 0), count(*) - count(amount) FROM transactions")
    currencies = numbers("SELECT count(DISTINCT coalesce(currency, '')) FROM transactions")[0]
    repeated, across = numbers(
        """SELECT sum(n - 1)::BIGINT, sum(loads - 1)::BIGINT FROM (SELECT count(*) AS n, count(DISTINCT load_id) AS
        loads
           FROM transactions GROUP BY customer_id, date, amount, currency HAVING count(*) > 1)"""
    )
    same_day = numbers("SELECT count(*) - count(DISTINCT (customer_id, date::DATE)) FROM transactions")[0]
    notes = [json.loads(text) for (text,) in connection.execute("SELECT notes FROM loads").fetchall()]
    early, expected = _start(connection)
    sums = f"; {returned:,.2f} against sales of {sold:,.2f}" if currencies <= 1 else ""
    mid_life = ": the records seem to begin in mid-life, pass first_from= to summarise"
    pace = f"kept; at the later pace {expected:,.0f} would be new"
    table: list[tuple[str, int, int, str]] = [
        ("rows set aside", aside, read, "kept in set_aside with file, row and reason"),
        ("refunds (negative amounts)", refunds, read, f"kept in refunds, no purchase{sums}"),
        ("amounts of zero", zero, rows, "kept: a purchase that cost nothing"),
        (
            "transactions without an amount", missing, rows,
            "kept; while there are any, summaries have no monetary_value",
        ),
        (
            "rows that repeat another in every column", repeated, rows,
            "kept; set aside where they are added with duplicates='set_aside'",
        ),
        (
            "of these, repeats of a row of another file", across, rows,
            "kept; overlapping exports? left out where they are added with duplicates='set_aside'",
        ),
        ("further purchases of a customer on one day", same_day, rows, "taken together as one purchase in summaries"),
        (
            "currencies", currencies if rows else 0, currencies if rows else 0,
            "never added up: summaries ask for exchange_rates when there are several",
        ),
        (ZONED, sum(note.get(ZONED, 0) for note in notes), read, "the clock time as written is kept, the zone dropped"),
        (TRIMMED, sum(note.get(TRIMMED, 0) for note in notes), read, "' 7' and '7' are one customer"),
        (
            LOWERED, sum(note.get(LOWERED, 0) for note in notes), read,
            "'Ann@shop.example' and 'ann@shop.example' are one customer",
        ),
        (
            "ids that may stand for several customers", _crowds(connection, customers, rows), customers,
            "kept; look at them before fitting a model",
        ),
        (
            f"customers first seen in the first {START_DAYS} days", early, customers,
            pace + (mid_life if early > START_TIMES * max(expected, 1) else ""),
        ),
    ]  # fmt: skip
    findings = (*(QualityFinding(*row) for row in table), *_of_own_records(connection, tables))
    reasons = dict(
        connection.execute("SELECT reason, count(*) FROM set_aside GROUP BY reason ORDER BY 2 DESC, 1").fetchall()
    )
    return QualityReport(tables=tables, customers=customers, first=first, last=last, findings=findings, reasons=reasons)


def _of_own_records(connection: Any, tables: dict[str, int]) -> Iterator[QualityFinding]:
    """What keeps records beside the purchases from being used, of the tables that hold any."""
    for name, rows in tables.items():
        kind = TABLES[name].kind
        if kind is None or not rows:
            continue
        for column in kind.columns:
            if column.buyer and tables["transactions"]:
                (several, strange) = connection.execute(
                    f"""SELECT count(*), count(*) FILTER (id NOT IN (SELECT customer_id FROM transactions))
                        FROM (SELECT DISTINCT "{column.held}" AS id FROM "{name}")"""
                ).fetchall()[0]
                kept = "kept; are ids written as in the purchases?"
                yield QualityFinding(f"{name}: customers without a purchase", strange, several, kept)
            if column.name in TABLES[name].may_lack:
                missing = rows
                if column.held in columns_of(connection, name):
                    nulls = f'SELECT count(*) FROM "{name}" WHERE "{column.held}" IS NULL'
                    ((missing,),) = connection.execute(nulls).fetchall()
                kept = "kept; nothing can be measured from them: add files that have the column"
                yield QualityFinding(f"{name} without {column.name}", missing, rows, kept)


def _crowds(connection: Any, customers: int, rows: int) -> int:
    marks = ", ".join("?" for _ in PLACEHOLDERS)
    (count,) = connection.execute(
        f"""WITH per AS (SELECT customer_id, count(*) AS n, count(DISTINCT date::DATE) AS days FROM transactions
                         GROUP BY customer_id),
                 usual AS (SELECT quantile_cont(days, 0.999) AS days, median(n) AS n FROM per)
            SELECT count(*) FROM per, usual WHERE ? >= {LEAST_CUSTOMERS} AND (
                per.n >= {SHARE_OF_ONE} * ? OR per.days > {TIMES_OF_MANY} * usual.days
                OR (lower(customer_id) IN ({marks}) AND per.n > {TIMES_OF_MANY} * usual.n))""",
        [customers, rows, *PLACEHOLDERS],
    ).fetchall()[0]
    return int(count)


def _start(connection: Any) -> tuple[int, float]:
    """Customers first seen in the first month of the records, and how many a month of the rest is worth."""
    early, later, days = connection.execute(
        f"""WITH firsts AS (SELECT min(date)::DATE AS first FROM transactions GROUP BY customer_id),
                 bounds AS (SELECT min(date)::DATE AS a, max(date)::DATE AS b FROM transactions)
            SELECT count(*) FILTER (first < a + {START_DAYS}), count(*) FILTER (first >= a + {START_DAYS}), min(b - a)
            FROM firsts, bounds"""
    ).fetchall()[0]
    if not early:
        return 0, 0.0
    rest = (days or 0) + 1 - START_DAYS
    # Too short a rest says nothing of a later pace.
    return int(early), float(later) * START_DAYS / rest if rest >= START_DAYS else float(early)
