"""A firm's contacts as numbers, by customer: what ten million of them need to be read, checked and drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.records.kinds import CONTACTS
from churnsim.data.records.reading import record_table
from churnsim.data.records.record_table import RecordTable
from churnsim.data.tabular.columns import file_ids, numpy_ids
from churnsim.data.tabular.row_errors import Flaws
from churnsim.errors import DataError
from churnsim.kernels.numerics import contact_rows as kernel
from churnsim.typing import Flags, Floats, Ints

MOST = {"campaign": 32_767, "arm": 127}  # what their numbers can tell apart


@dataclass(frozen=True, kw_only=True, eq=False)
class ContactRows:
    """Checked contacts: of each row the place of its customer in `ids`, its day since 1970, the places of its campaign
    and its arm in their names, its cost and its chance (NaN where unknown)."""

    ids: pd.Index[Any]
    customer: NDArray[np.int32]
    day: NDArray[np.int32]
    campaigns: tuple[str, ...]
    campaign: NDArray[np.int16]
    arms: tuple[str, ...]
    arm: NDArray[np.int16]
    cost: Floats
    chance: Floats

    @classmethod
    def of(cls, contacts: Any) -> ContactRows:
        """Of what `churnsim.data.read_records` takes. Raises one DataError for all bad rows."""
        rows = cls._plain(contacts) if isinstance(contacts, pd.DataFrame) else None
        if rows is None or not rows._sound:
            # Whatever is out of the ordinary is looked at row by row, where every bad one gets its name.
            rows = cls._coded(record_table("contacts", contacts).checked())
        return rows

    @classmethod
    def _coded(cls, frame: pd.DataFrame) -> ContactRows:
        customer, ids = pd.factorize(frame["customer_id"])
        campaign, campaigns = pd.factorize(frame["campaign"])
        arm, arms = pd.factorize(frame["arm"])
        for name, found in (("campaign", campaigns), ("arm", arms)):
            if len(found) > MOST[name]:
                raise DataError(f"the contacts have more than {MOST[name]:,} {name}s. Merge those that are alike.")
        return cls(
            ids=pd.Index(ids), customer=customer.astype(np.int32), day=_days(frame["at"]),
            campaigns=tuple(campaigns), campaign=campaign.astype(np.int16), arms=tuple(arms), arm=arm.astype(np.int16),
            cost=frame["cost"].to_numpy(dtype=np.float64), chance=frame["chance"].to_numpy(dtype=np.float64),
        )  # fmt: skip

    @classmethod
    def _plain(cls, frame: pd.DataFrame) -> ContactRows | None:
        """The same without a copy of the rows, where columns are of plain types and each value is as it must be; None
        for any other frame."""
        columns = list(frame.columns)
        if frame.empty or not frame.columns.is_unique or not all(isinstance(name, str) for name in columns):
            return None
        names = RecordTable.names_of(CONTACTS, columns, "the contacts", {})
        if not set(names.values()) <= set(columns):
            return None
        at = frame[names["at"]]
        if not (isinstance(at.dtype, np.dtype) and at.dtype.kind == "M"):
            return None
        first, last = (np.datetime64(day, "D") for day in (at.min(), at.max()))
        if at.isna().any() or last > np.datetime64(pd.Timestamp.now(), "D") or first < np.datetime64("1678-01-01"):
            return None
        try:
            customer, ids = pd.factorize(frame[names["customer_id"]])
        except TypeError:
            return None
        flaws, known = Flaws(len(ids)), pd.Series(ids)
        typed, trimmed, lowered = file_ids(known, "customer_id", flaws, what=CONTACTS.what)
        if customer.min() < 0 or trimmed or lowered or flaws.count or not typed.is_unique:
            return None
        given = {
            name: None if name not in names else frame[names[name]] for name in ("campaign", "arm", "cost", "chance")
        }
        of_campaign, of_arm = _words(given, "campaign", len(frame)), _words(given, "arm", len(frame))
        cost, chance = _numbers(given, "cost", len(frame)), _numbers(given, "chance", len(frame))
        if of_campaign is None or of_arm is None or cost is None or chance is None:
            return None
        (campaign, campaigns), (arm, arms) = of_campaign, of_arm
        return cls(
            ids=pd.Index(numpy_ids(typed)), customer=customer.astype(np.int32), day=_days(at),
            campaigns=campaigns, campaign=campaign, arms=arms, arm=arm, cost=cost, chance=chance,
        )  # fmt: skip

    @property
    def _sound(self) -> bool:
        """Whether no row contradicts another one, see the rules of `churnsim.data.records.kinds`."""
        known = np.isfinite(self.chance)
        some = np.bincount(self.campaign[known], minlength=len(self.campaigns)) > 0
        if (some[self.campaign] & ~known).any():
            return False
        return not kernel.contradicts(self.starts, self.order, self.campaign, self.day, self.arm)

    @cached_property
    def _by_customer(self) -> tuple[Ints, NDArray[np.int32]]:
        starts = np.empty(len(self.ids) + 1, dtype=np.int64)
        order = np.empty(len(self.customer), dtype=np.int32)
        kernel.by_customer(self.customer, self.day, starts, order)
        return starts, order

    @property
    def starts(self) -> Ints:
        """Where in `order` the rows of each customer begin, and where the last one's end."""
        return self._by_customer[0]

    @property
    def order(self) -> NDArray[np.int32]:
        """The rows by customer, then day."""
        return self._by_customer[1]

    def drawn(self, campaign: int) -> Ints:
        """The first row of each customer in a campaign, by day."""
        first = self._first(campaign)
        rows = np.sort(first[first >= 0])
        return rows[np.argsort(self.day[rows], kind="stable")]

    def _first(self, campaign: int) -> Ints:
        first = np.empty(len(self.ids), dtype=np.int64)
        kernel.first_rows(self.starts, self.order, self.campaign, campaign, first)
        return first

    def sent(self, control: str) -> Flags:
        """Which rows are contacts, and not draws of the arm that was left alone."""
        return np.array([arm != control for arm in self.arms])[self.arm]

    def costs(self, control: str) -> pd.Series[float]:
        """The mean cost of a contact, by arm; NaN where unknown."""
        sent = self.sent(control)
        arm = pd.Categorical.from_codes(self.arm[sent], pd.Index(self.arms))
        costs = pd.Series(self.cost[sent], name="cost").groupby(pd.Series(arm), observed=True).mean()
        return costs.set_axis(pd.Index(list(costs.index), dtype=object, name="arm")).sort_index()

    def met(self, campaign: int, sent: Flags, span: int) -> Ints:
        """How many of the contacts that were `sent` in other campaigns each customer had in the `span` days before its
        draw in this one and in those from it on."""
        found = np.empty(len(self.ids), dtype=np.int64)
        rows = (self.starts, self.order, self.campaign, self.day, sent)
        kernel.met(*rows, campaign, span, self._first(campaign), found)
        return found


def _days(dates: pd.Series[Any]) -> NDArray[np.int32]:
    """Days since 1970."""
    return dates.to_numpy().astype("datetime64[D]").astype(np.int32)


Given = Mapping[str, "pd.Series[Any] | None"]


def _words(given: Given, name: str, rows: int) -> tuple[NDArray[np.int16], tuple[str, ...]] | None:
    """Places in the words of a column, in the order of their appearance, and the words; None where one is bad."""
    values, default = given[name], CONTACTS.column(name).default
    if values is None:
        return None if default is None else (np.zeros(rows, dtype=np.int16), (default,))
    try:
        codes, found = pd.factorize(values)
    except TypeError:
        return None
    words = list(found)
    sound = all(isinstance(word, str) and word == word.strip() != "" and "\0" not in word for word in words)
    if codes.min() < 0 or not sound or len(words) > MOST[name]:
        return None
    return codes.astype(np.int16), tuple(words)


def _numbers(given: Given, name: str, rows: int) -> Floats | None:
    """A column of numbers within their limits, NaN where there is none; None where one is bad."""
    values = given[name]
    if values is None:
        return np.broadcast_to(np.nan, rows)
    if not (isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf"):
        return None
    numbers = values.to_numpy(dtype=np.float64)
    if np.isinf(numbers).any() or CONTACTS.column(name).beyond(numbers).any():
        return None
    return numbers
