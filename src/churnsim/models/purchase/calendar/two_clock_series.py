"""Pareto/NBD on two clocks that each customer's own series rescale: what was mailed to it, the price it saw.

The likelihood and the forecasts are those of a calendar; the pieces of time in which a customer's values hold are
laid end to end, customer after customer, where a calendar has its days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from churnsim.checks import check_kind
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.kernels.likelihoods import pareto_nbd_calendar as kernel
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.calendar.clock import positions
from churnsim.models.purchase.calendar.effects import numbers_of
from churnsim.models.purchase.calendar.series_model import OwnClocks, OwnPaths, SeriesModel, speeds_of
from churnsim.models.purchase.calendar.two_clock_forecasts import ClocksByDay, Panels
from churnsim.models.purchase.calendar.two_clocks import TwoClocks, leaving_of
from churnsim.typing import Floats, Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoClockSeriesModel(TwoClocks, SeriesModel):
    """A Pareto/NBD model on clocks that customers' own series rescale, by ``ParetoNBD.fit(summary, calendar=series)``.

    As `SeriesModel`, whose series rescale the buying clock here. Waits and chances of counts take up to a millisecond a
    customer.

    Parameters
    ----------
    leaving : CustomerSeries, optional
        Of the leaving clock, which runs evenly without.
    leaving_effects, leaving_means : mapping of column to number
        As `effects` and `means`, of the rate of leaving.

    Examples
    --------
    >>> import churnsim as cs
    >>> base = cs.ParetoNBD(r=0.5, alpha=10.0, s=0.6, beta=12.0)
    >>> known = dict(base=base, effects={"mail": 0.5}, means={"mail": 0.2}, seen_until="1997-09-30")
    >>> TwoClockSeriesModel(**known).parameter_names
    ('r', 'alpha', 's', 'beta', 'mail')
    """

    leaving: CustomerSeries | None = None

    def __post_init__(self) -> None:
        if self.leaving is not None:
            check_kind(self.leaving, "leaving", CustomerSeries, "a churnsim.data.CustomerSeries")
        check_kind(self.leaving_effects, "leaving_effects", Mapping, "a mapping of the series' columns to numbers")
        super().__post_init__()
        if self.leaving is not None and self.calendar is not None:
            self.calendar.check_same_rows(self.leaving)

    @property
    def _leaving_names(self) -> tuple[str, ...]:
        return tuple(self.leaving_effects)

    def with_series(self, series: CustomerSeries, leaving: CustomerSeries | None = None) -> Self:
        """The same model with these series, those of the leaving clock too where it has one."""
        return replace(self, calendar=series, leaving=leaving)

    def of_new(self, index: pd.Index[Any], until: float) -> Self:
        """As of `SeriesModel`."""
        leaving = self.leaving
        if self.leaving_effects:
            known = self._known_series(leaving, until, None)
            leaving = known.of_new(index, numbers_of(self.leaving_means, self._leaving_names))
        return replace(super(TwoClockSeriesModel, replace(self, leaving=None)).of_new(index, until), leaving=leaving)

    def _like(self, other: Self) -> Self:
        return replace(super()._like(other), leaving=other.leaving)

    @property
    def _stored_leaving(self) -> list[str]:
        return list(self._leaving_names)

    @classmethod
    def _rest_of_dict(cls, rest: dict[str, Any]) -> dict[str, Any]:
        given = rest.pop("leaving", [])
        names = given.names if isinstance(given, CustomerSeries) else tuple(given or ())
        return {"leaving": given if isinstance(given, CustomerSeries) else None, **leaving_of(rest, names)}

    def paths(self, index: pd.Index[Any], first: Ints, low: int, high: int) -> OwnPaths:
        """As of `SeriesModel`."""
        found = super().paths(index, first, low, high)
        if not self.leaving_effects:
            return found
        leaving = self._known_series(self.leaving, float(high), None)
        rows, _ = leaving.between(leaving.rows_of(index, first), low, high)
        return replace(found, leaving=leaving.values[rows])

    def speeds(self, paths: OwnPaths) -> tuple[Floats, Floats | None]:
        """As of `SeriesModel`."""
        buying, _ = super().speeds(paths)
        if paths.leaving is None:
            return buying, None
        delta, means = self._leaving_numbers
        return buying, speeds_of(paths.leaving, means, delta)

    def _clocks(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any] | None = None) -> OwnTwoClocks:
        buying = self._clock(begin, end, future, index)
        owner, none = buying.owner, np.zeros(0)
        if not self.leaving_effects:
            return OwnTwoClocks(buying, replace(buying, means=none, gamma=none, series=buying.series.select([])))
        leaving = self._known_series(self.leaving, float(end.max()), future)
        delta, means = self._leaving_numbers
        return OwnTwoClocks(buying, OwnClocks(leaving, owner, means, delta, buying.per))


@dataclass(frozen=True, eq=False)
class OwnTwoClocks:
    """As `ClocksByDay`, one pair a customer."""

    buying: OwnClocks
    leaving: OwnClocks

    @property
    def per(self) -> float:
        """Days of a unit."""
        return self.buying.per

    def rows(self, rows: Ints) -> OwnTwoClocks:
        """Those of some customers."""
        return OwnTwoClocks(self.buying.rows(rows), self.leaving.rows(rows))

    def groups(self, end: Floats) -> Iterator[Ints]:
        """One customer after the other."""
        yield from np.arange(end.size)[:, None]

    def alike(self, end: Floats, start: Floats, spans: Floats) -> Iterator[tuple[Ints, Any, float, float, float]]:
        """One customer after the other."""
        for row in self.groups(end):
            yield row, self.rows(row), float(end[row[0]]), float(start[row[0]]), float(spans[row[0]])

    def run(self, begin: Floats, end: Floats) -> tuple[Floats, Floats]:
        """B and D between two positions."""
        even = (end - begin) / self.per
        return even + self.buying.gained(begin, end), even + self.leaving.gained(begin, end)

    def pieces(self, begin: Floats, last: Floats, end: Floats) -> tuple[list[Floats], list[Floats], Floats]:
        """As of `ClocksByDay`."""
        pieces = Pieces.of(self.buying.series, self.buying.owner, begin, last, end)
        speeds = [
            np.exp((clock.series.values[pieces.row] - clock.means) @ clock.gamma) * pieces.length / self.per
            for clock in (self.buying, self.leaving)
        ]
        return [*pieces.places], speeds, pieces.length

    def terms(self, parameters: Sequence[float], x: Ints, begin: Floats, last: Floats, end: Floats) -> Floats:
        """The kernel's rows: log-likelihood but for the speeds at the purchases, and log-odds of being gone."""
        places, speeds, _ = self.pieces(begin, last, end)
        no = np.zeros((speeds[0].size, 0))
        found = Chunks(x, *places, np.ones(x.size)).each(kernel.terms, tuple(parameters), (*speeds, no, no))
        return np.concatenate([rows for _, rows in found])

    def panels(self, begin: float, stops: Floats, A: float, L: float, R: float, s: float, force: float) -> Panels:
        """As `ClocksByDay.panels`, of one customer."""
        low = int(np.floor(begin))
        high = int(np.ceil(positions(np.array([begin]), stops[-1:], self.per)[0]))
        speeds = []
        for clock in (self.buying, self.leaving):
            first, after = clock.series.starts[clock.owner[0]], clock.series.starts[clock.owner[0] + 1]
            days = np.arange(low + 1, max(high, low + 1) + 1)
            row = first + np.searchsorted(clock.series.day[first:after], days, side="right") - 1
            speeds.append(np.exp((clock.series.values[row] - clock.means) @ clock.gamma))
        return ClocksByDay(low, self.per, *speeds).panels(begin, stops, A, L, R, s, force)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of time in which a customer's values hold, end to end for all customers: the row of the series and the
    days of each; and among them the place of each beginning, last purchase and end."""

    row: Ints
    length: Floats
    places: tuple[Floats, Floats, Floats]

    @classmethod
    def of(cls, series: CustomerSeries, owner: Ints, begin: Floats, last: Floats, end: Floats) -> Pieces:
        """From each position `begin` to `end`."""
        rows = series.starts[owner + 1] - series.starts[owner]
        first = np.concatenate([[0], np.cumsum(rows)])
        theirs = np.arange(first[-1]) - np.repeat(first[:-1] - series.starts[owner], rows)
        starts_at = series.day[theirs] - 1.0
        customer = np.arange(owner.size) * 2.0**24
        key = np.repeat(customer, rows) + starts_at
        low = np.searchsorted(key, customer + begin, side="right") - 1
        high = np.maximum(np.searchsorted(key, customer + end, side="left"), low)
        count = np.where(end > begin, np.maximum(high - low, 1), 0)
        first = np.concatenate([[0], np.cumsum(count)])
        row = np.arange(first[-1]) - np.repeat(first[:-1] - low, count)
        frm = np.maximum(starts_at[row], np.repeat(begin, count))
        upto = np.empty(row.size)
        upto[:-1] = frm[1:]
        some = count > 0
        upto[first[1:][some] - 1] = end[some]
        length = upto - frm
        # The last purchase lies within a piece, or where one ends.
        inside = np.searchsorted(key, customer + last, side="right") - 1
        piece = np.minimum(first[:-1] + np.maximum(inside - low, 0), np.maximum(first[1:] - 1, first[:-1]))
        at = first[:-1] * 1.0
        at[some] = piece[some] + (last[some] - frm[piece[some]]) / length[piece[some]]
        return cls(theirs[row], length, (first[:-1] * 1.0, at, first[1:] * 1.0))
