"""The whale curve: cumulative profit of the customers, best first, as a share of total profit.

It rises above 1 where some customers lose money (Kaplan & Narayanan 2001, "Measuring and managing customer
profitability", Journal of Cost Management 15(5), 5-15). Profit here is margin less cost to serve; a cost that is
only allocated does not leave with the customer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churnsim.checks import check_share, typed
from churnsim.errors import ConfigError
from churnsim.typing import Floats


@typed
@dataclass(frozen=True)
class Whale:
    """`customers[i]` and `profit[i]` are cumulative shares, best customer first, from (0, 0); `total` is money.

    Examples
    --------
    >>> import numpy as np
    >>> curve = whale(np.array([60.0, 50.0, 10.0, -20.0]))
    >>> curve.peak, curve.peak_at, round(curve.worst(0.25), 2)
    (1.2, 0.75, -0.2)
    """

    customers: Floats
    profit: Floats
    total: float

    @property
    def peak(self) -> float:
        """Highest cumulative share of profit."""
        return float(self.profit.max())

    @property
    def peak_at(self) -> float:
        """Share of customers at the peak: those who earn something."""
        return float(self.customers[int(np.argmax(self.profit))])

    def top(self, share: float) -> float:
        """Share of total profit that the best `share` of customers bring (the broken customer by its fraction)."""
        return float(np.interp(check_share(share, "share", zero=True), self.customers, self.profit))

    def worst(self, share: float) -> float:
        """Profit of the worst `share` of customers as a share of the total; negative when they lose money."""
        return float(self.profit[-1]) - self.top(1.0 - check_share(share, "share", zero=True))

    def cut_by_worst(self, share: float) -> float:
        """By what share the worst customers cut the profit there would be without them; the text says .50 for .20."""
        without = self.top(1.0 - share)
        return -self.worst(share) / without


@typed
def whale(profits: Floats) -> Whale:
    """The curve of profits, one a customer. ConfigError when there are none, one is not finite or their sum is not
    above 0, since shares of it would mean nothing.

    Examples
    --------
    >>> import numpy as np
    >>> whale(np.array([60.0, 50.0, 10.0, -20.0])).profit.round(2).tolist()
    [0.0, 0.6, 1.1, 1.2, 1.0]
    """
    values = np.sort(np.asarray(profits, dtype=np.float64))[::-1]
    if values.size == 0 or not np.isfinite(values).all():
        raise ConfigError("profits must be finite numbers, one for each customer, and at least one.")
    total = float(values.sum())
    if not total > 0.0:
        raise ConfigError(
            f"the customers together must earn something for shares to mean anything; they earn {total:g}."
        )
    cumulated = np.concatenate([[0.0], np.cumsum(values)]) / total
    return Whale(customers=np.linspace(0.0, 1.0, values.size + 1), profit=cumulated, total=total)


@typed
def cost_for_worst(margins: Floats, *, share: float = 0.20, cut: float = 0.50) -> float:
    """Cost to serve, the same for each customer, at which the worst `share` cut the profit of the others by `cut`.

    With margins m_(1) <= m_(2) ... and k = share n of them, equal cost c solves
    k c - sum_low = cut (sum_high - (n - k) c); the order does not depend on c. A whole number of customers is taken.

    Examples
    --------
    >>> import numpy as np
    >>> round(cost_for_worst(np.array([10.0, 20.0, 30.0, 40.0, 50.0])), 2)
    26.67
    """
    ordered = np.sort(np.asarray(margins, dtype=np.float64))
    check_share(share, "share")
    k = round(share * ordered.size)
    if not 0 < k < ordered.size:
        raise ConfigError(
            f"a share of {share!r} of {ordered.size} customers selects none or all of them. Give one that selects 1 to "
            f"{ordered.size - 1}."
        )
    low, high = float(ordered[:k].sum()), float(ordered[k:].sum())
    return (low + cut * high) / (k + cut * (ordered.size - k))
