"""Models in which purchases come at any time; they can also say in how many of the next periods one will come."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.errors import ConfigError
from churnsim.models.purchase.active_periods import LivingTraits, active_law, active_mean
from churnsim.models.purchase.buy_till_you_die import BuyTillYouDie, Living, counts, durations
from churnsim.typing import Floats

__all__ = ["ContinuousTime"]


class ContinuousTime(BuyTillYouDie):
    """Base of the models in continuous time. A period is one of the model's unit, the first begins at T."""

    @abstractmethod
    def _living_traits(self, living: Living) -> LivingTraits:
        """The traits behind live customers' law."""

    def expected_active_periods(self, summary: pd.DataFrame, periods: int | ArrayLike) -> pd.Series[float]:
        """E[how many of the next `periods` hold a purchase | history], what BG/BB calls purchases.

        `periods` is a whole number, or one a row; ConfigError otherwise.
        """
        h = self._histories(summary)
        spans = np.ascontiguousarray(np.broadcast_to(_whole(periods), h.x.shape))
        each = active_mean(self._living_traits(self._living(h)), spans, np.zeros(h.x.size))
        return h.series(self._alive(h) * each, "expected_active_periods")

    def active_periods_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: pd.DataFrame, periods: int | ArrayLike
    ) -> pd.DataFrame:
        """P(n of the next `periods` hold a purchase | history): one row a customer, one column for each n."""
        h = self._histories(summary)
        spans = np.broadcast_to(_whole(periods), h.x.shape)
        alive, traits = self._alive(h), self._living_traits(self._living(h))
        wanted = counts(n).ravel()
        chances = np.zeros((h.x.size, wanted.size))
        for span in np.unique(spans):
            rows = np.flatnonzero(spans == span)
            inside = np.flatnonzero(wanted <= span)
            most = int(wanted[inside].max(initial=0))
            law = alive[rows, None] * active_law(traits.of(rows), int(span), np.zeros(rows.size), most=most)
            law[:, 0] += 1.0 - alive[rows]
            chances[np.ix_(rows, inside)] = np.clip(law[:, wanted[inside]], 0.0, 1.0)  # but for rounding
        return pd.DataFrame(chances, index=h.index, columns=wanted).rename_axis(columns="n")

    def expected_active_periods_new(self, t: ArrayLike) -> Floats:
        """E[periods with a repeat purchase by age t] of a new customer. Shape of `t`.

        Periods are counted back from t: what is left over of `t` is the part of the first purchase's own period, in
        which a customer may buy again and leave, but nothing is counted.
        """
        ages = durations(t, "t")
        flat = np.ascontiguousarray(ages.ravel())
        alive, living = self._new(flat.size)
        return np.asarray(alive * self._active_by(living, flat)).reshape(ages.shape)

    def _active_by(self, living: Living, ages: Floats) -> Floats:
        # An age made by division, such as 21 days / 7, is whole but for rounding.
        whole = np.floor(ages + 1e-9)
        return active_mean(self._living_traits(living), whole, np.maximum(ages - whole, 0.0))


def _whole(periods: int | ArrayLike) -> Floats:
    values = durations(periods, "periods")
    if (values != np.floor(values)).any():
        raise ConfigError(f"periods must be whole numbers; got {periods!r}.")
    return values
