"""What a watch of a run's forecasts finds: `churnsim watch` writes it as JSON and as a page."""

from __future__ import annotations

from typing import Literal

from churnsim.records.base import Number, Record


class WatchRow(Record):
    """One cohort (or "all") and period. `purchases` to `alarm` count since the run's last day, the others the period
    alone."""

    cohort: str
    until: str
    customers: int
    purchases: int
    expected: Number
    lower: Number
    upper: Number
    alarm: Literal["", "fewer", "more"]
    in_period: int
    expected_in_period: Number
    spend: Number | None = None
    expected_spend: Number | None = None


class PastRecord(Record):
    """The purchases until the run's last day as they were, and as the new export has them; each row by customer, day
    and amount. `since` is the first day compared, and `told` all of it as a sentence."""

    since: str
    rows: int
    missing: int
    added: int
    customers: int
    first: str | None = None
    last: str | None = None
    told: str


class NewcomersRecord(Record):
    """Customers whom the run does not know, and what they bought until the last day."""

    customers: int
    purchases: int
    share: Number
    """Of the purchases of all."""


class WatchRecord(Record):
    """A run's forecasts against a new export.

    `stored` is when the run finished, and `forecast_first` whether that was before the last day counted. `checked_days`
    is how far ahead the run's holdout tested its forecasts. `refit` has the reasons to run the study again, if any.
    """

    run: str
    stored: str
    forecast_first: bool
    fits_sha256: str
    log_sha256: str
    model: str
    export: str
    language: str = "en"
    since: str
    until: str
    level: Number
    currency: str
    checked_days: int
    rows: list[WatchRow]
    newcomers: NewcomersRecord
    past: PastRecord | None
    refit: list[str]

    @property
    def alarms(self) -> list[WatchRow]:
        """The first row of each cohort at which the limits were passed."""
        found: dict[str, WatchRow] = {}
        for row in self.rows:
            if row.alarm:
                found.setdefault(row.cohort, row)
        return list(found.values())
