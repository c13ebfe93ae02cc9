"""What a run stores of its customers: cohorts, how much the best bring, and whom most depends on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from churnsim.records.base import Number, Record

CONTACTS = "contacts.parquet"
"""The customers on whom most depends, a row each with the keys of `ContactRow`; most at stake first."""


class CohortRow(Record):
    """Of `customers` who first bought in the period that begins at `cohort`, how many bought `age` periods later."""

    cohort: str
    age: int
    customers: int
    active: int
    share: Number


class WhaleRow(Record):
    """The share of the whole that the best `customers` (a share of them) bring, with its interval."""

    customers: Number
    value: Number
    lower: Number
    upper: Number


class ContactRow(Record):
    """A customer: last purchase, purchases and money so far, the probability of still being a customer, what is
    expected in the horizon (money, or purchases of a log without amounts), and how much of that is `at_stake`."""

    customer_id: str
    last_purchase: str
    purchases: int
    spent: Number | None
    p_alive: Number
    expected: Number
    at_stake: Number


class ActiveRecord(Record):
    """How many of the `customers` are still active by the purchase model: the sum of their probabilities, and an
    interval of the error of its parameters and of each customer's own chance; not of the model's own error."""

    customers: int
    mean: Number
    lower: Number
    upper: Number
    level: Number


class CustomersRecord(Record):
    """customers.json: cohorts by calendar `period`, the whale curve of spending (of purchases where the log has no
    amounts), and the first of the `contacts`, whose `listed` rows contacts.parquet holds."""

    period: Literal["M", "Q", "Y"]
    cohorts: list[CohortRow] = Field(default_factory=list)
    whale: list[WhaleRow] = Field(default_factory=list)
    level: Number
    contacts: list[ContactRow] = Field(default_factory=list)
    listed: int = 0
    active: ActiveRecord | None = None
