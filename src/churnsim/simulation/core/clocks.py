"""The clocks of a market whose purchase model has a calendar, as the engines take them.

Time 0 of a simulation is the midnight that ends a day of the calendar; from then on the model's own speeds hold. When
the simulation ends, what customers are still worth is taken as if the year before went on for ever: with the speeds m
of buying and d of leaving (m itself where purchases end the relation), hazard h and force f a customer makes 1 + W
times the discounted purchases that it makes on even clocks,

    W = int [h (m - d) + f (m - 1)] e^(-h D - f t) dt,     since int (h d + f) e^(-h D - f t) dt = 1;

a year's integral over one less the last factor of the year. W is tabulated by the hazard, for all customers at once.
Customers with series of their own go on at their own mean speeds of the year before (`own_clocks`).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.data.logs.days import iso_day
from churnsim.errors import DataError
from churnsim.kernels.engine.arguments import Tables
from churnsim.kernels.engine.clock_table import ClockRows, ClockTable, own_knots, rows_on
from churnsim.kernels.engine.records import Rules
from churnsim.kernels.engine.residual import HAZARDS, LEAST, STEP
from churnsim.models.purchase.calendar.calendar_model import CalendarModel
from churnsim.models.purchase.calendar.series_model import OwnPaths, SeriesModel
from churnsim.models.purchase.calendar.two_clocks import TwoClockModel
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

NO_PIECES = np.empty((0, 2))
EVEN = ClockTable(
    0.0, 1.0, 1.0, NO_PIECES, NO_PIECES, np.empty(0, dtype=np.int32), 0.0, 0.0, 1.0, np.empty(0, dtype=np.int64),
    np.empty(0),
)  # fmt: skip
PARTS = 2  # of the clock's time to a day
ROW_PARTS = 4  # of the clock's time to a row of the books
SLOWEST = 1e-9  # speed of a day, so that its inverse is a number
YEAR = 365  # days that go on for ever after the end

NO_ROWS = ClockRows(np.empty(0), np.empty(0, dtype=np.int64), 1.0)

Clocks = tuple[ClockTable, ClockTable, Floats]
NO_CALENDAR: Clocks = (EVEN, EVEN, np.empty(0))


def layers_of(rules: Rules) -> tuple[Floats, Ints]:
    """Rows (kappa, q) of the layers that are on, and the place of each of the four among them, -1 where it is off."""
    four = [
        (rules.price_decay, rules.price_forward), (rules.club_decay, rules.club_forward),
        (rules.return_decay, rules.return_forward), (rules.contact_decay, rules.contact_forward),
    ]  # fmt: skip
    rows = np.array(four)
    on = rows[:, 0] > 0.0
    return rows[on], np.where(on, np.cumsum(on) - 1, -1)


def clocks_of(purchases: CalendarModel, *, start: int, horizon: float, silence: float, force: float) -> Clocks:
    """The buying clock, the leaving clock and the table of W of a model that begins at the end of the day `start`
    (since 1970).

    The buying clock goes back to a `silence` before. `force` is that of the discount, without which there is no W.
    Raises DataError where the model does not know what a day is like.
    """
    per = DAYS_PER_UNIT[purchases.unit]
    before, end = math.ceil(silence * per), math.ceil(horizon * per)
    two = purchases if isinstance(purchases, TwoClockModel) and purchases.leaving is not None else None

    def speeds(first: int, last: int, leaving: bool = False) -> Floats:
        verb = two.leaving_speed if two is not None and leaving else purchases.speed
        try:
            found = verb(iso_day(start + first + 1), iso_day(start + last))
        except DataError as error:
            raise DataError(f"{error} A market's model is told so once: with_future(...).") from None
        return np.maximum(found.to_numpy(dtype=np.float64), SLOWEST)

    buying = clock_table(speeds(-before, end), before, per)
    leaving = clock_table(speeds(0, end, leaving=True), 0, per) if two else EVEN
    if force <= 0.0:
        return buying, leaving, NO_CALENDAR[2]
    m = speeds(end - YEAR, end)
    d = m
    if purchases.simulated_as == "clock":
        d = speeds(end - YEAR, end, leaving=True) if two else np.ones(YEAR)
    return buying, leaving, worth_later(m, d, force, per)


def clock_table(speed: Floats, before: int, per: float) -> ClockTable:
    """The table of a clock by its `speed` on days, of which `before` come before time 0; `per` is days a time unit."""
    t = (np.arange(speed.size + 1) - before) / per
    ahead = np.concatenate([[0.0], np.cumsum(speed - 1.0)]) / per
    ahead -= ahead[before]
    B = t + ahead
    number = PARTS * speed.size
    parts = number / (B[-1] - B[0])
    places = np.searchsorted(B, B[0] + np.arange(number + 1) / parts, side="right") - 1
    slowed = np.append(1.0 - 1.0 / speed, 0.0)
    return ClockTable(
        start=float(t[0]),
        pieces=per,
        length=1.0 / per,
        knots=np.column_stack([ahead, np.append(np.diff(ahead), 0.0)]),
        inverse=np.column_stack([ahead - slowed * B, slowed]),
        places=np.clip(places, 0, speed.size - 1).astype(np.int32),
        begin=float(B[0]),
        end=float(B[-1]),
        parts=float(parts),
        own=EVEN.own,
        lasting=EVEN.lasting,
    )


def own_clocks(
    purchases: SeriesModel, paths: OwnPaths, *, start: int, horizon: float, newcomers: float
) -> tuple[ClockTable, ClockTable]:
    """The buying and the leaving clock of customers with series of their own along `paths`, which begin at the end of
    the day `start`; new ones buy `newcomers` times as fast as one of mean values, and leave as one."""
    per = DAYS_PER_UNIT[purchases.unit]
    last = math.ceil(horizon * per)
    # One more table, for those who come later.
    new = purchases.paths_of_new(start, start + last)
    t = (np.append(paths.begin, new.begin) - start) / per
    own = np.append(paths.starts, t.size)

    def clock(speed: Floats, of_new: Floats) -> ClockTable:
        speeds = np.append(np.maximum(speed, SLOWEST), of_new)
        knots, lasting = own_knots(own, t, speeds, last / per, YEAR / per)
        return EVEN._replace(knots=knots, own=own, lasting=lasting)

    buying, leaving = purchases.speeds(paths)
    new_buying, new_leaving = purchases.speeds(new)
    on_leaving = EVEN if leaving is None or new_leaving is None else clock(leaving, new_leaving)
    return clock(buying, new_buying * newcomers), on_leaving


def one_customers(tables: Tables, i: int) -> Tables:
    """The tables with the clocks of customer i alone, where customers have clocks of their own."""
    return tables._replace(buying=_one(tables.buying, i), leaving=_one(tables.leaving, i))


def _one(clock: ClockTable, i: int) -> ClockTable:
    if not clock.own.size:
        return clock
    k = min(i, clock.own.size - 2)
    first, after = clock.own[k : k + 2].tolist()
    return clock._replace(
        knots=clock.knots[first:after], own=np.array([0, after - first]), lasting=clock.lasting[k : k + 1]
    )


def clock_rows(clock: ClockTable, bounds: Floats) -> ClockRows:
    """The rows of the books, which `bounds` part time into, on a clock common to all."""
    return rows_on(clock, bounds, ROW_PARTS) if clock.knots.size and not clock.own.size else NO_ROWS


def worth_later(m: Floats, d: Floats, force: float, per: float) -> Floats:
    """W by the logarithm of the hazard, of speeds `m` of buying and `d` of leaving that repeat themselves for ever."""
    hazard = np.exp(LEAST + STEP * np.arange(HAZARDS))[:, None]
    t, run = np.arange(m.size + 1) / per, np.concatenate([[0.0], np.cumsum(d)]) / per
    rate = hazard * d + force
    inside = np.exp(-hazard * run[:-1] - force * t[:-1]) * -np.expm1(-rate / per) / rate
    found = ((hazard * (m - d) + force * (m - 1.0)) * inside).sum(axis=1)
    return np.asarray(found / -np.expm1(-(hazard[:, 0] * run[-1] + force * t[-1])))
