"""What a log of purchases is put through before it is counted: one currency, refunds, customers from before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_choice, check_frame, check_number, typed
from churnsim.data.logs.days import calendar_day
from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError

Refunds = Literal["refuse", "apart", "net"]
REFUND_CHOICES = ("refuse", "apart", "net")
CLOSE = 1e-9  # of an amount: what is left of it by the rounding of floats
CURRENCY = "currency"


class LogRecord(TypedDict):
    """What came of reading a log, for reports: carried in ``log.attrs["reading"]`` as plain values."""

    source: str
    """The name of the file or database."""
    checksum: str
    """SHA-256 of the records."""
    rows: int
    """Rows read."""
    used: int
    """Rows of the log."""
    left_out: dict[str, int]
    """Rows that are not in the log, by the reason; they add up to ``rows - used``."""
    refunded: float
    """Sum of the refunds, as a positive number."""
    trimmed_ids: int
    """Ids that lost white space around them."""
    zoned_dates: int
    """Dates whose time zone was dropped."""
    detected: dict[str, str]
    """What was found out about the source, in words."""
    currency: str | None
    """The one currency that the source states, in a column or beside its amounts; None where it states none or amounts
    were converted."""
    undone: NotRequired[dict[str, dict[str, int]]]
    """Rows read as purchases of which a column of states says otherwise, by column and value."""


def currency_column(found: Any) -> str | None:
    """The column of currencies among those of a table, however it writes the word; None where there is none."""
    return next((name for name in found if isinstance(name, str) and name.strip().lower() == CURRENCY), None)


def check_one_currency(log: pd.DataFrame, column: str) -> None:
    """DataError where the amounts of a log are in several currencies, which must not be added up."""
    names = log[column].astype("string").str.strip().fillna("").unique()
    if len(names) > 1:
        raise several_currencies([None if name == "" else str(name) for name in names])


def several_currencies(names: list[str | None]) -> DataError:
    """The refusal to add up amounts in these currencies, None for amounts without one."""
    shown = ", ".join(sorted("none stated" if name is None else show(name) for name in names))
    return DataError(
        f"the amounts are in {len(names)} currencies ({shown}), which are never added up as they are. Pass "
        'exchange_rates=, such as {"USD": 1, "EUR": 1.08}, where the log is read, or convert it with '
        "churnsim.data.in_one_currency."
    )


def exchange_factors(
    names: list[str | None], exchange_rates: Mapping[str, float] | None
) -> dict[str | None, float] | None:
    """What one unit of each currency is worth, None where there is one currency and no rate is asked for.

    Raises DataError for several currencies without rates, or one without a rate; ConfigError for an impossible rate.
    """
    if exchange_rates is None:
        if len(names) > 1:
            raise several_currencies(names)
        return None
    factors: dict[str | None, float] = {}
    for name in names:
        rate = exchange_rates.get(name) if name is not None else None
        if rate is None:
            raise DataError(
                f"exchange_rates says nothing of {'amounts without a currency' if name is None else show(name)}. "
                "Give every currency in the data its rate."
            )
        factors[name] = check_number(rate, f"the exchange rate of {show(name)}", above=0)
    return factors


@typed
def in_one_currency(
    log: pd.DataFrame, exchange_rates: Mapping[str, float] | None = None, *, currency: str | None = None
) -> pd.DataFrame:
    """The log with all amounts in one currency, without its column of currencies.

    Parameters
    ----------
    log : DataFrame
        One row a purchase, with ``amount`` and a column of currencies.
    exchange_rates : mapping of str to float, optional
        What one unit of each currency is worth in the one wanted, such as ``{"USD": 1, "EUR": 1.08}``. Needed when
        there are several.
    currency : str, optional
        The column of currencies; ``"currency"`` unless given.

    Returns
    -------
    DataFrame
        A new frame. Raises DataError for several currencies without rates, or one of them without.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"customer_id": [1, 1], "date": ["2024-01-05", "2024-02-09"], "amount": [10.0, 10.0],
    ...                     "currency": ["USD", "EUR"]})
    >>> in_one_currency(log, {"USD": 1, "EUR": 1.5})["amount"].tolist()
    [10.0, 15.0]
    """
    check_frame(log, "the log")
    column = currency or currency_column(log.columns)
    if column is None or column not in log.columns:
        raise DataError("the log has no column of currencies. Pass currency= its name.")
    written = log[column].astype("string").str.strip()
    names: list[str | None] = [None if name is pd.NA or name == "" else str(name) for name in written.unique()]
    factors = exchange_factors(list(dict.fromkeys(names)), exchange_rates)
    result = log.drop(columns=column)
    if factors is not None:
        worth = written.map(factors).to_numpy(dtype=np.float64)
        result["amount"] = log["amount"].to_numpy(dtype=np.float64) * worth
    return result


def without_refunds(log: pd.DataFrame, on_refund: Refunds) -> tuple[pd.DataFrame, dict[str, Any] | None]:
    """A log in memory without its negative amounts, left "apart" or taken off ("net"), and what became of them.

    The second is None, and the log as it was, where refunds are refused or there are none.
    """
    check_choice(on_refund, "on_refund", REFUND_CHOICES)
    if on_refund == "refuse" or "amount" not in log.columns or "date" not in log.columns:
        return log, None
    amount = pd.to_numeric(log["amount"], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    negative = (amount < 0) & np.isfinite(amount)
    if not negative.any():
        return log, None
    told = refunds_told(on_refund, amount[negative])
    if on_refund == "apart":
        return log[~negative], told
    when = pd.to_datetime(log["date"], errors="coerce")
    if when.isna().any() or log["customer_id"].isna().any():
        raise DataError(
            "refunds cannot be taken off where a date or an id is missing or no date. Correct these rows, or pass "
            "on_refund='apart'."
        )
    if when.dt.tz is not None:
        when = when.dt.tz_localize(None)
    netted, counts = net_refunds(log.assign(amount=amount, date=when.astype("datetime64[ns]")))
    return netted, {**told, **counts}


def refunds_told(on_refund: Refunds, amounts: NDArray[np.float64]) -> dict[str, Any]:
    """What is told of refunds with these (negative) amounts, whatever order they come in."""
    told: dict[str, Any] = {"on_refund": on_refund, "refunded": -math.fsum(amounts)}
    return {**told, "refunds left out": len(amounts)} if on_refund == "apart" else told


def net_refunds(log: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The purchases of a log in which refunds are rows with negative amounts, with the refunds taken off them.

    A refund is taken off its customer's purchases of the same day or before: off the latest one of exactly its amount,
    otherwise off the latest ones, one after the other; of purchases at the same time off the largest first, so that the
    order of the rows makes no difference. A purchase of which nothing is left is none. What no purchase is left for is
    dropped.

    Returns
    -------
    DataFrame, dict of str to int
        The purchases in the order of the log, and how many rows are left out, by reason.
    """
    amount = log["amount"].to_numpy(dtype=np.float64, copy=True)
    refund = amount < 0
    rest = amount.copy()
    kept = ~refund
    unmatched = 0
    codes, _ = pd.factorize(log["customer_id"])
    concerned = np.flatnonzero(np.isin(codes, np.unique(codes[refund])))
    day = log["date"].to_numpy(dtype="datetime64[ns]").astype("datetime64[D]").astype(np.int64)
    # By customer, then day; purchases of a day before its refunds, by their time and amount.
    time = log["date"].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    keys = (amount, time, refund, day, codes)
    order = concerned[np.lexsort([key[concerned] for key in keys])]
    stack: list[int] = []
    customer = -1
    for row in order:
        if codes[row] != customer:
            customer, stack = codes[row], []
        if not refund[row]:
            stack.append(int(row))
            continue
        unmatched += _take_off(rest, stack, -amount[row])
    gone = kept & (amount > 0) & (rest == 0)
    kept &= ~gone
    result = log[kept].assign(amount=rest[kept])
    counts = {
        "refunds taken off purchases": int(refund.sum()) - unmatched,
        "refunds without a purchase before them": unmatched,
        "purchases that were refunded in full": int(gone.sum()),
    }
    return result, {reason: number for reason, number in counts.items() if number}


def _take_off(rest: NDArray[np.float64], stack: list[int], refund: float) -> int:
    """Take a refund off what is left of the purchases in `stack`, the latest last; 1 where there was nothing left."""
    for place in range(len(stack) - 1, -1, -1):
        if math.isclose(rest[stack[place]], refund, rel_tol=CLOSE):
            rest[stack.pop(place)] = 0.0
            return 0
    found = 1
    left = refund
    while stack and left > CLOSE * refund:
        row = stack[-1]
        taken = min(rest[row], left)
        found = found if taken == 0 else 0
        left -= taken
        rest[row] -= taken
        if rest[row] <= CLOSE * taken:
            rest[row] = 0.0
            stack.pop()
    return found


def without_earlier_customers(log: pd.DataFrame, first_from: Any) -> tuple[pd.DataFrame, dict[str, int]]:
    """The log without customers whose first purchase in it is before the day `first_from`; how many rows went.

    Where records begin in the middle of a firm's life, the first purchase in the records need not be a customer's
    first.
    """
    begin = calendar_day(first_from, name="first_from")
    first = log.groupby("customer_id", sort=False)["date"].transform("min")
    kept = (first >= begin).to_numpy()
    gone = int((~kept).sum())
    return log[kept], {f"rows of customers first seen before {begin:%Y-%m-%d}": gone} if gone else {}
