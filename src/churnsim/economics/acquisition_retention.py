"""How to split money between winning and keeping customers: the customer equity test of Blattberg & Deighton (1996).

Per prospect, spending A wins the share a = a(A), each of whom brings margin m at once; spending R a period on each
customer keeps the share r = r(R), both along saturating curves (`response.SaturatingResponse`). With r' = r / (1 + d):

    equity per prospect = a m - A + a (m - R / r) r' / (1 - r')

R / r is the cost per customer *kept*, as in the paper. The best R does not depend on A, and the best A treats
m + (m - R/r) r'/(1 - r') as the value of a customer won: the two are found one after the other. At the best split the
*marginal* costs are equal to what a customer is worth; the ratio of the average costs, A/a to R/r, may be anything
(Pfeifer 2005, The optimal ratio of acquisition and retention costs).
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.optimize import minimize_scalar

from churnsim.checks import check_number, typed
from churnsim.economics.multiples import discount_factor
from churnsim.economics.response import SaturatingResponse


@dataclass(frozen=True, kw_only=True)
class Split:
    """Spending, shares and worth per prospect; costs in money per prospect (A) and per customer and period (R).

    Attributes
    ----------
    acquisition_spend : float
        A, money spent on each prospect.
    retention_spend : float
        R, money spent on each customer and period.
    acquired : float
        a(A), share of the prospects won.
    retained : float
        r(R), share of the customers kept from one period to the next.
    value_of_customer : float
        Money that a customer won is worth, the first margin included.
    equity : float
        Money per prospect, a times the value less A.
    """

    acquisition_spend: float
    retention_spend: float
    acquired: float
    retained: float
    value_of_customer: float
    equity: float

    @property
    def average_cost_ratio(self) -> float:
        """(A / a) / (R / r): cost of a customer won over that of a customer kept for a period."""
        if self.retention_spend == 0.0 or self.acquired == 0.0:
            return float("inf") if self.acquired else float("nan")
        return (self.acquisition_spend / self.acquired) / (self.retention_spend / self.retained)


@typed
@dataclass(frozen=True, kw_only=True)
class EquityTest:
    """Margin per period, the two response curves, and the discount rate per period (0 or more, else ConfigError).

    Examples
    --------
    >>> from churnsim.economics import EquityTest, SaturatingResponse
    >>> test = EquityTest(
    ...     margin=100.0,
    ...     acquisition=SaturatingResponse.through(spend=5.0, share=0.1, ceiling=0.4),
    ...     retention=SaturatingResponse.through(spend=10.0, share=0.5, ceiling=0.7),
    ...     discount_rate=0.1,
    ... )
    >>> best = test.best()
    >>> round(best.acquisition_spend, 2), round(best.retention_spend, 2), round(best.equity, 2)
    (26.37, 22.79, 35.48)
    """

    margin: float
    acquisition: SaturatingResponse
    retention: SaturatingResponse
    discount_rate: float

    def __post_init__(self) -> None:
        check_number(self.margin, "margin")
        check_number(self.discount_rate, "discount_rate", least=0)

    def future(self, retention_spend: float) -> float:
        """(m - R/r) r'/(1 - r'): what a customer won is worth after the first margin."""
        r = self.retention.share(retention_spend)
        # R/r at R = 0 is its limit, and the product then is 0 since r is.
        if r == 0.0:
            return 0.0
        kept = r * discount_factor(self.discount_rate)
        return (self.margin - retention_spend / r) * kept / (1.0 - kept)

    def at(self, *, acquisition_spend: float, retention_spend: float) -> Split:
        """The worth of one split."""
        won = self.acquisition.share(acquisition_spend)
        value = self.margin + self.future(retention_spend)
        return Split(
            acquisition_spend=acquisition_spend,
            retention_spend=retention_spend,
            acquired=won,
            retained=self.retention.share(retention_spend),
            value_of_customer=value,
            equity=won * value - acquisition_spend,
        )

    def best_retention_spend(self) -> float:
        """R that maximises `future`; 0 when no spending pays."""
        # R above m r earns nothing, so the optimum lies below the margin.
        found = minimize_scalar(
            lambda R: -self.future(R), bounds=(0.0, max(self.margin, 0.0)), method="bounded", options={"xatol": 1e-10}
        )
        best = float(found.x)
        return best if self.future(best) > 0.0 else 0.0

    def best(self) -> Split:
        """The split that maximises equity per prospect."""
        R = self.best_retention_spend()
        return self.at(acquisition_spend=self.acquisition.best_spend(self.margin + self.future(R)), retention_spend=R)
