"""A log of purchases from a CSV, Parquet or Excel file: where outside data are checked, once."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_choice, explained
from churnsim.data.logs.days import calendar_day
from churnsim.data.logs.log_rules import (
    REFUND_CHOICES,
    LogRecord,
    Refunds,
    currency_column,
    in_one_currency,
    net_refunds,
    without_earlier_customers,
)
from churnsim.data.tabular.columns import numpy_ids
from churnsim.data.tabular.open_source import open_source
from churnsim.data.tabular.order_states import holds_states, said_undone
from churnsim.data.tabular.row_coercion import Column, column_names, required_columns, typed_rows
from churnsim.data.tabular.row_errors import Flaws, SetAside
from churnsim.data.tabular.source import FileFormat, Spelling
from churnsim.data.tabular.table_columns import check_columns
from churnsim.data.tabular.tally import OnBad, RowRules, Tally
from churnsim.errors import DataError

MOST_BAD = 0.5  # assumed: a file of which less than half can be used is not the file one thinks it is
REPEATS = "repeats an earlier row in every column"
TRANSACTION_COLUMNS = (
    Column(name="customer_id", kind="id"),
    Column(name="date", kind="date"),
    Column(name="amount", kind="amount", optional=True),
    Column(name="price", kind="number", optional=True, stored=False),
    Column(name="quantity", kind="number", optional=True, stored=False),
    Column(name="refunded", kind="number", optional=True, stored=False),
    Column(name="currency", kind="text", optional=True),
)


@explained
def read_transactions(
    path: str | os.PathLike[str],
    *,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    price: str | None = None,
    quantity: str | None = None,
    refunded: str | None = None,
    currency: str | None = "currency",
    date_format: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    detect: bool = True,
    on_bad: OnBad = "raise",
    most_bad: float = MOST_BAD,
    guests: Literal["refuse", "apart"] = "refuse",
    refunds: Refunds = "refuse",
    duplicates: Literal["keep", "set_aside"] = "keep",
    leave_out: Mapping[str, Sequence[str]] | None = None,
    exchange_rates: Mapping[str, float] | None = None,
    first_from: str | datetime.date | None = None,
    today: str | datetime.date | None = None,
    progress: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Read a log of purchases, one row each, from a CSV (``.csv .txt .tsv``, also ``.gz``), Parquet or Excel file.

    The same reader, with the same words, is behind `CustomerDatabase.add`, the commands ``churnsim summarise``, ``fit``
    and ``validate``, and the section ``[data]`` of a study.

    Parameters
    ----------
    path : str or path
        The file.
    customer_id, date : str
        What the file calls these columns. Columns that are not asked for are ignored.
    amount : str or None
        The column with what was paid; ``amount=None`` reads a log without amounts.
    price, quantity : str, optional
        Two columns whose product is the amount, in place of `amount`. A negative quantity is a refund.
    refunded : str, optional
        A column with what was given back of each row's amount, which is taken off it. A purchase of which nothing is
        left is none; an empty cell says that nothing was given back.
    currency : str or None
        The column with the currency of each amount; without one of that name amounts are taken to be in one currency.
    date_format : str, optional
        The codes of `datetime.strptime`, such as ``"%d/%m/%Y"``. Needed where the dates themselves do not tell the
        order of day and month.
    decimal, thousands : str, optional
        The mark before the decimals ("." or ",") and the one between thousands.
    delimiter, encoding, sheet : str, optional
        What separates the columns of a text file, how it is encoded, and which sheet of a workbook to read: "*" for
        all of them, with the same columns.
    detect : bool
        Whether what is not given is found out from the file, or refused where the file leaves it open. Without it a
        text file is UTF-8 with commas (tabs in ``.tsv``), ISO dates (``YYYY-MM-DD``, a time may follow) and numbers
        such as 1234.50.
    on_bad : {"raise", "set_aside"}
        Whether any bad row is an error, or bad rows are left out and listed.
    most_bad : float
        The largest share of rows that may be set aside; more of them are an error all the same.
    guests : {"refuse", "apart"}
        Whether a row without a customer id is bad, or left out and counted as a guest's, however many there are.
    refunds : {"refuse", "apart", "net"}
        Whether a negative amount is a bad row, is left out and counted, or is taken off the customer's purchases of the
        same day or before: off the latest one of exactly that amount, else off the latest ones. A purchase of which
        nothing is left is no purchase.
    duplicates : {"keep", "set_aside"}
        What becomes of rows that repeat an earlier row in every column that is read.
    leave_out : mapping of str to list of str, optional
        Columns that say of a row that it is no purchase, with the values that say so: ``{"Status": ["void"]}``. Such
        rows are left out and counted, whatever else is in them.
    exchange_rates : mapping of str to float, optional
        What one unit of each currency is worth in the one wanted, such as ``{"USD": 1, "EUR": 1.08}``. Amounts in
        several currencies are refused without it.
    first_from : str or date, optional
        Leave out customers whose first purchase in the file is before this day.
    today : str or date, optional
        The last day a purchase may have; the present day of this computer unless given.
    progress : callable, optional
        Called with the number of rows read so far.

    Returns
    -------
    DataFrame
        Columns ``customer_id``, ``date`` (datetime64[ns] without time zone) and ``amount`` (float), in the order of the
        file. ``.attrs["reading"]`` is a `LogRecord`: rows read and used, rows left out by reason, what was found out
        about the file. ``.attrs["set_aside"]`` lists the bad rows, one dict each: `row`, `column`, `value` (as it would
        be written in code) and `reason`.

        Customer ids that are whole numbers in a Parquet or Excel file stay numbers; all others are text without white
        space around it, in which leading zeros survive and 7.0 is 7; an e-mail address is in small letters. In a
        workbook, what a merged cell says of a customer or a day counts for each of its rows, an amount once. A date
        with a time zone keeps the clock time it was written with and loses the zone. An amount of zero is kept.

    Raises
    ------
    DataError
        One error for everything wrong with the data. It names the file, the row, the value and what to do. A
        row of a CSV file is named by the line on which it begins (the header is line 1; lines inside a quoted
        value and blank lines count), a row of a workbook as the spreadsheet numbers it, a row of a Parquet file by its
        number, from 1.
    ConfigError
        An argument is impossible.

    Examples
    --------
    >>> import tempfile, pathlib, churnsim
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sales.csv"
    >>> rows = ["Kunde;Tag;Preis;Menge", "7;25.03.2024;1,50;2", "7;26.03.2024;1,50;-1", ";26.03.2024;9,00;1"]
    >>> _ = path.write_text("\\n".join(rows))
    >>> log = churnsim.read_transactions(path, customer_id="Kunde", date="Tag", price="Preis", quantity="Menge",
    ...                                  guests="apart", refunds="net")
    >>> log["amount"].tolist(), log.attrs["reading"]["left_out"]
    ([1.5], {'rows without a customer id (guests)': 1, 'refunds taken off purchases': 1})
    """
    rules = RowRules(
        on_bad=on_bad, most_bad=most_bad, guests=guests, duplicates=duplicates,
        leave_out={} if leave_out is None else leave_out,
    )  # fmt: skip
    check_choice(refunds, "refunds", REFUND_CHOICES)
    form = FileFormat(
        date_format=date_format, decimal=decimal, thousands=thousands, delimiter=delimiter, encoding=encoding,
        sheet=sheet, detect=detect,
    )  # fmt: skip
    latest = pd.Timestamp.now().normalize() if today is None else calendar_day(today, name="today")
    given: dict[str, str | None] = {"customer_id": customer_id, "date": date, "price": price, "quantity": quantity}
    given["refunded"] = refunded
    if price is None or amount != "amount":
        given["amount"] = amount
    wanted = [*required_columns(TRANSACTION_COLUMNS, given), *rules.leave_out]
    where = str(path) if isinstance(path, str | os.PathLike) else "the records"
    records = open_source(path, form, wanted=wanted, arguments=("customer_id", "date", "amount"))
    try:
        found = records.columns()
        # The usual name is a guess of ours, so that the column need not be there; another one is the caller's.
        stated = currency_column(found) if currency == "currency" else currency
        given["currency"] = stated if given.get("amount") or price else None
        names = column_names("a log of purchases", TRANSACTION_COLUMNS, given, found)
        needed = [*names.values(), *rules.leave_out]
        check_columns(found, needed, source=where, delimiter=records.delimiter, arguments=list(names))
        states = [name for name in found if name not in needed and holds_states(name)]
        kinds = {column.name: column.kind for column in TRANSACTION_COLUMNS}
        spelling, detected = records.detected({theirs: kinds[ours] for ours, theirs in names.items()})

        def typer(raw: pd.DataFrame, flaws: Flaws, spelling: Spelling) -> pd.DataFrame:
            rules.mark(raw, flaws)
            return typed_rows(
                raw, columns=TRANSACTION_COLUMNS, names=names, flaws=flaws, spelling=spelling, latest=latest,
                negative=refunds != "refuse", what="purchase", states=states,
            )  # fmt: skip

        tally = Tally(source=where, row_word=records.row_word, rules=rules)
        frames, aside = [], SetAside()
        for piece in records.pieces(list(dict.fromkeys([*needed, *states])), typer, spelling):
            good, bad, _ = tally.take(piece)
            frame = piece.frame if good.all() else piece.frame[good]
            frames.append(frame.assign(customer_id=numpy_ids(frame["customer_id"])))
            aside += bad
            if progress is not None:
                progress(tally.rows)
        checksum = records.checksum()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from None
    tally.judge("purchases")
    record = LogRecord(
        source=records.name, checksum=checksum, rows=tally.rows, used=0, left_out=tally.left_out, refunded=0.0,
        trimmed_ids=tally.trimmed, zoned_dates=tally.zoned, detected=detected, currency=None,
        undone=said_undone(tally.states),
    )  # fmt: skip
    log = _joined(frames)
    log = refined_log(
        log, record, refunds=refunds, duplicates=duplicates, exchange_rates=exchange_rates, first_from=first_from
    )
    if record["currency"] is None and "currency" not in names:  # what stands beside the amounts themselves
        paid = names.get("amount") or names.get("price")
        record["currency"] = spelling.number(paid).currency or None if paid else None
    log.attrs.update(set_aside=aside, trimmed_ids=tally.trimmed)
    if today is not None:
        log.attrs["today"] = f"{latest:%Y-%m-%d}"
    return log


def refined_log(
    log: pd.DataFrame, record: LogRecord, *, refunds: Refunds, duplicates: str = "keep",
    exchange_rates: Mapping[str, float] | None = None, first_from: Any = None,
) -> pd.DataFrame:  # fmt: skip
    """A typed log, with its refunds as negative amounts and perhaps a ``currency``, as it is counted from; `record` is
    completed and carried along. Raises DataError where no purchase is left."""
    left_out = record["left_out"]
    if duplicates == "set_aside":
        repeats = log.duplicated().to_numpy()
        log = log[~repeats]
        left_out |= {REPEATS: int(repeats.sum())} if repeats.any() else {}
    if "currency" in log.columns:
        stated = log["currency"].dropna().astype(str).str.strip().unique()
        log = in_one_currency(log, exchange_rates, currency="currency")
        record["currency"] = str(stated[0]) if len(stated) == 1 and stated[0] and exchange_rates is None else None
    if "amount" in log.columns:
        negative = log["amount"].to_numpy(dtype=np.float64) < 0
        record["refunded"] = float(abs(log["amount"].to_numpy(dtype=np.float64)[negative].sum()))
        if negative.any() and refunds == "net":
            log, counts = net_refunds(log)
            left_out |= counts
        elif negative.any():
            log = log[~negative]
            left_out |= {"refunds (negative amounts)": int(negative.sum())}
    if first_from is not None and len(log):
        log, counts = without_earlier_customers(log, first_from)
        left_out |= counts
    if log.empty:
        told = "; ".join(f"{number:,} {reason}" for reason, number in left_out.items())
        raise DataError(f"{record['source']}: no purchase is left to use ({told}).")
    log = log.reset_index(drop=True)
    record["used"] = len(log)
    log.attrs = {"reading": record}
    return log


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """The pieces as one frame, ids of one kind."""
    texts = [frame["customer_id"].dtype == object for frame in frames if len(frame)]
    if any(texts) and not all(texts):
        frames = [frame.assign(customer_id=frame["customer_id"].astype(str).astype(object)) for frame in frames]
    for frame in frames:
        frame.attrs = {}
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
