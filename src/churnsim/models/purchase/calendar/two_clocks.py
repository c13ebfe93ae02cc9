"""Pareto/NBD on two clocks: one for how fast customers buy, another one for how fast they leave.

Purchases come at a constant rate in the time of the buying clock B, lifetimes are exponential in that of the leaving
clock D (Bachmann, Meierer & Naef 2021; `churnsim.kernels.likelihoods.pareto_nbd_calendar` has the likelihood).
`two_clock_forecasts.py` has the forecasts' formulas.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from churnsim.checks import check_kind, check_number, typed
from churnsim.data.summaries.calendar import Calendar, Future, check_future, first_days
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.models.purchase.calendar.calendar_model import CalendarModel
from churnsim.models.purchase.calendar.clock import CYCLE, positions
from churnsim.models.purchase.calendar.clock_model import ClockModel, ClockState, Run, at_time
from churnsim.models.purchase.calendar.effects import by_day, check_effects, factors, numbers_of, values_of
from churnsim.models.purchase.calendar.two_clock_forecasts import ClocksByDay, TwoClockState
from churnsim.models.purchase.histories import Histories
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT

LEAVING = "leaving:"  # before the name of a column whose effect is on leaving


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoClocks(ClockModel):
    """Base of the Pareto/NBD models on two clocks. A subclass says how both run (`_clocks`)."""

    like: ClassVar[str] = "TwoClockModel"

    leaving: Any = None
    leaving_effects: Mapping[str, float] = field(default_factory=dict)
    leaving_means: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ("leaving_effects", "leaving_means"):
            check_effects(getattr(self, kind), kind, self._leaving_names)
        super().__post_init__()

    @property
    @abstractmethod
    def _leaving_names(self) -> tuple[str, ...]:
        """The columns of the leaving clock."""

    @property
    def _leaving_numbers(self) -> tuple[Floats, Floats]:
        """Effects and means of the leaving clock's columns."""
        names = self._leaving_names
        return numbers_of(self.leaving_effects, names), numbers_of(self.leaving_means, names)

    @abstractmethod
    def _clocks(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any] | None = None) -> Any:
        """Both clocks of customers, from one position to another."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The base's, the columns of the buying clock and those of the leaving clock."""
        return (*super().parameter_names, *(LEAVING + name for name in self._leaving_names))

    @property
    @abstractmethod
    def _stored_leaving(self) -> Any:
        """What a dict holds of the leaving clock beside its effects."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: as without a leaving clock, with effects on leaving as `leaving:COLUMN`."""
        values = super().to_dict()
        values |= {LEAVING + name: float(self.leaving_effects[name]) for name in self._leaving_names}
        values |= {f"mean:{LEAVING}{name}": float(self.leaving_means[name]) for name in self._leaving_names}
        return {**values, "leaving": self._stored_leaving}

    # ---- the clocks ----

    @property
    def _even(self) -> bool:
        """As of every calendar, of both clocks."""
        return super()._even and not any(self.leaving_effects.values())

    def _state(self, summary: pd.DataFrame, ahead: Floats | float, future: Any) -> ClockState:
        if self._even:
            return super()._state(summary, ahead, future)
        return self._on_two(summary, ahead, future)

    def _on_two(self, summary: pd.DataFrame, ahead: Floats | float, future: Any) -> TwoClockState:
        h, first, end, last_day = self._places(summary, ahead)
        clocks = self._clocks(first, last_day, future, h.index)
        r, alpha, s, beta = self.base._parameters
        last = positions(first, h.t_x, DAYS_PER_UNIT[self.unit])
        rows = clocks.terms((r, alpha, s, beta), h.x, first, last, end)
        with np.errstate(over="ignore"):
            alive = 1.0 / (1.0 + np.exp(rows[:, 1]))
        B, D = clocks.run(first, end)
        return TwoClockState(
            self.base, h, h, clocks, end, first, last, rows[:, 0], alive, r + h.x, alpha + B, s, beta + D
        )

    def _new(self, first: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None) -> ClockState:
        if self._even:
            return super()._new(first, ages, future, index)
        r, alpha, s, beta = self.base._parameters
        clocks = self._clocks(first, positions(first, ages, DAYS_PER_UNIT[self.unit]), future, index)
        one, nothing = np.ones(first.size), np.zeros(first.size, dtype=np.int64)
        h = Histories(nothing, 0.0 * one, 0.0 * one, pd.RangeIndex(first.size))
        return TwoClockState(
            self.base, h, h, clocks, first, first, first, 0.0 * one, one, r * one, alpha * one, s, beta * one
        )

    def _clocks_of(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any]) -> tuple[Run, ...]:
        clocks, per = self._clocks(begin, end, future, index), DAYS_PER_UNIT[self.unit]
        return (
            lambda times: clocks.run(begin, positions(begin, times, per))[0],
            lambda times: clocks.run(begin, positions(begin, times, per))[1],
        )

    def _drawn_on(self, clock: tuple[Run, ...], ages: Floats, seed: int, replication: int) -> pd.DataFrame:
        traits = self.base.draw_customers(ages.size, seed=seed, replication=replication)
        life = traits["lifetime"].to_numpy()
        life = np.where(life < clock[1](ages), clock[0](at_time(clock[1], life, ages)), np.inf)
        found: pd.DataFrame = self.base._seen(traits.assign(lifetime=life), clock[0](ages), seed, replication)
        return found

    # ---- the verbs ----

    @typed
    def time_to_next_purchase(
        self, summary: CustomerFrame, *, quantile: float = 0.5, if_alive: bool = False, future: Any = None
    ) -> pd.Series[float]:
        """Time after T by which the next purchase has come with probability `quantile`; infinite where it never does
        or not within 400 years."""
        if self._even:
            return super().time_to_next_purchase(summary, quantile=quantile, if_alive=if_alive, future=future)
        check_number(quantile, "quantile", above=0, below=1)
        state = self._on_two(summary, 0.0, None)
        with np.errstate(divide="ignore"):
            share = np.minimum(quantile / (1.0 if if_alive else state.alive), 1.0) * np.ones(state.h.x.size)
        waits = np.full(share.size, np.inf)
        for together in state.clock.groups(state.end):
            rows, end, days = together[share[together] < 1.0], state.end[together[0]], 366
            while rows.size and days <= CYCLE:
                until = np.array([end + days])
                clocks = self._clocks(until - days, until, future, state.h.index[rows])
                waits[rows], over = state.waits(rows, clocks, days, share[rows])
                rows, days = rows[~over], CYCLE if days < CYCLE < 4 * days else 4 * days
        return state.h.series(waits, "time_to_next_purchase")

    def _expected_by_ages(self, summary: pd.DataFrame, ages: Floats) -> Floats:
        """As of other clocks, on one walk along those of each customer."""
        if self._even or not ages.size:
            return super()._expected_by_ages(summary, ages)
        state = self._new(first_days(summary).astype(np.float64) - 1.0, ages[-1], None, summary.index)
        assert isinstance(state, TwoClockState)
        return state.expected_by_ages(ages)

    def _expected_new(self, begin: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None) -> Floats:
        if self._even or not ages.size:
            return super()._expected_new(begin, ages, future, index)
        return self._new(begin, ages, future, index).expected(np.zeros(ages.size), ages)

    def _pmf_new(
        self, wanted: Sequence[int], begin: Floats, ages: Floats, future: Any, index: pd.Index[Any] | None = None
    ) -> list[Floats]:
        if self._even or not ages.size:
            return super()._pmf_new(wanted, begin, ages, future, index)
        found = self._new(begin, ages, future, index).counts(wanted, np.zeros(ages.size), ages)
        return [found[k] for k in wanted]


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoClockModel(TwoClocks, CalendarModel):
    """A Pareto/NBD model on clocks that calendars rescale, by ``ParetoNBD.fit(summary, calendar=..., leaving=...)``.

    As `CalendarModel`, whose calendar rescales the buying clock here. `future` serves both calendars, by the names of
    their columns. A wait of more than 400 years counts as infinite.

    Parameters
    ----------
    leaving : Calendar, optional
        Of the leaving clock, which runs evenly without.
    leaving_effects, leaving_means : mapping of column to number
        As `effects` and `means`, of the rate of leaving.

    Examples
    --------
    >>> import churnsim as cs
    >>> trend = cs.data.Calendar(trend="1997-01-01")
    >>> summary = cs.summarise(cs.datasets.cdnow(), until="1997-09-30", calendar=trend)
    >>> fit = cs.ParetoNBD.fit(summary, calendar=trend)
    >>> fit.names, bool(fit.parameters["trend"] < 0)
    (('r', 'alpha', 's', 'beta', 'trend'), True)
    """

    leaving: Calendar | None = None

    def __post_init__(self) -> None:
        if self.leaving is not None:
            check_kind(self.leaving, "leaving", Calendar, "a churnsim.data.Calendar")
        super().__post_init__()

    @property
    def _leaving_names(self) -> tuple[str, ...]:
        return () if self.leaving is None else self.leaving.names

    @property
    def _stored_leaving(self) -> dict[str, Any] | None:
        return None if self.leaving is None else self.leaving.to_dict()

    @classmethod
    def _rest_of_dict(cls, rest: dict[str, Any]) -> dict[str, Any]:
        leaving = rest.pop("leaving", None)
        if isinstance(leaving, Mapping):
            leaving = Calendar.from_dict(dict(leaving))
        return {"leaving": leaving, **leaving_of(rest, () if leaving is None else leaving.names)}

    def _check_future(self, future: Future | None) -> dict[str, Any]:
        if future is None or self.leaving is None or not isinstance(future, Mapping | pd.DataFrame):
            return check_future(self.calendar, future)
        own = [name for name in future if name in self.calendar.names or name not in self.leaving.names]
        found = check_future(self.calendar, {name: future[name] for name in own})
        return found | check_future(self.leaving, {name: future[name] for name in future if name in self.leaving.names})

    def _leaving_speed(self, first: int, last: int, told: dict[str, Any]) -> Floats:
        if self.leaving is None:
            return np.ones(last - first + 1)
        delta, means = self._leaving_numbers
        return factors(values_of(self.leaving, first, last, self._seen, told), delta, means)

    def leaving_speed(self, first: str | date, last: str | date, *, future: Future | None = None) -> pd.Series[float]:
        """How fast the leaving clock runs on each day, 1 on an average one."""
        told = self._told(future)
        return by_day(first, last, lambda begin, end: self._leaving_speed(begin, end, told)).rename("leaving_speed")

    def _clocks(
        self, begin: Floats, end: Floats, future: Future | None, index: pd.Index[Any] | None = None
    ) -> ClocksByDay:
        low, high = math.floor(begin.min()), math.ceil(end.max())
        told, per = self._told(future), DAYS_PER_UNIT[self.unit]
        if high == low:
            return ClocksByDay(low, per, np.ones(1), np.ones(1))
        return ClocksByDay(low, per, self._speed(low + 1, high, told), self._leaving_speed(low + 1, high, told))


def leaving_of(rest: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Effects and means of the leaving clock, taken out of a dict made by `to_dict`."""
    effects, means = ({name: rest.pop(f"{of}{LEAVING}{name}") for name in names} for of in ("", "mean:"))
    return {"leaving_effects": effects, "leaving_means": means}
