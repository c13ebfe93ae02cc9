"""What a complaint desk returns and how many clerks it should have.

Return after Goodman (TARP; "Strategic Customer Service", 2009): of D dissatisfied customers a share c complains;
without the desk they stay as the silent or unresolved do, with it as the answered do. Kept customers are worth their
future value:

    profit = D c (stay_desk - stay_without) V - cost,   return = profit / cost.

Staffing: complaints arrive at rate a, a clerk answers at rate mu; c clerks with exponential times are an M/M/c queue
with the Erlang C formula, so the share answered within t is 1 - C(c, a/mu) e^(-(c mu - a) t) for the wait, and the time
to the *reply* adds one service.

The tree of what becomes of dissatisfied customers, from complaint or silence to staying or leaving: with n of them, c
the share who complain, and l_c, l_s the shares of complainants and of the silent who leave, n (c l_c + (1 - c) l_s) are
lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from churnsim.checks import check_count, check_number, check_share, typed


@typed
@dataclass(frozen=True, kw_only=True)
class ComplaintTree:
    """A complaint tree; shares lie between 0 and 1, `dissatisfied` is a number of customers (else ConfigError).

    Examples
    --------
    >>> tree = ComplaintTree(dissatisfied=1000, complain=0.04, complainants_leave=0.3, silent_leave=0.9)
    >>> round(tree.complainants), round(tree.lost)
    (40, 876)
    """

    dissatisfied: float
    complain: float
    complainants_leave: float
    silent_leave: float

    def __post_init__(self) -> None:
        check_number(self.dissatisfied, "dissatisfied", least=0)
        for name in ("complain", "complainants_leave", "silent_leave"):
            check_share(getattr(self, name), name, zero=True)

    @property
    def complainants(self) -> float:
        """Customers who complain."""
        return self.dissatisfied * self.complain

    @property
    def silent(self) -> float:
        """Dissatisfied customers who say nothing."""
        return self.dissatisfied * (1.0 - self.complain)

    @property
    def complainants_lost(self) -> float:
        """Complainants who leave all the same."""
        return self.complainants * self.complainants_leave

    @property
    def complainants_kept(self) -> float:
        """Complainants who stay."""
        return self.complainants * (1.0 - self.complainants_leave)

    @property
    def silent_lost(self) -> float:
        """Silent customers who leave."""
        return self.silent * self.silent_leave

    @property
    def silent_kept(self) -> float:
        """Silent customers who stay."""
        return self.silent * (1.0 - self.silent_leave)

    @property
    def lost(self) -> float:
        """All who leave."""
        return self.complainants_lost + self.silent_lost

    @property
    def kept(self) -> float:
        """All who stay."""
        return self.complainants_kept + self.silent_kept


MOST_STAFF = 1_000_000  # the recursion of Erlang's formula takes a step a clerk


@typed
@dataclass(frozen=True, kw_only=True)
class ComplaintReturn:
    """Goodman's reckoning for a period: customers as counts, stays as shares, money for value and cost.

    Parameters
    ----------
    dissatisfied : float
        D, customers who have a reason to complain.
    complain : float
        c, share of them who do.
    stay_without, stay_with : float
        Share of the complainants who stay without the desk and with it.
    value_of_customer : float
        V, money that a customer kept is worth.
    cost : float
        Money that the desk costs.

    Examples
    --------
    >>> desk = ComplaintReturn(
    ...     dissatisfied=10_000, complain=0.25, stay_without=0.4, stay_with=0.7, value_of_customer=60, cost=30_000
    ... )
    >>> round(desk.kept), round(desk.profit), round(desk.return_on_cost, 2), round(desk.break_even_value)
    (750, 15000, 0.5, 40)
    """

    dissatisfied: float
    complain: float
    stay_without: float
    stay_with: float
    value_of_customer: float
    cost: float

    def __post_init__(self) -> None:
        for name in ("complain", "stay_without", "stay_with"):
            check_share(getattr(self, name), name, zero=True)
        for name in ("dissatisfied", "cost"):
            check_number(getattr(self, name), name, least=0)
        check_number(self.value_of_customer, "value_of_customer")

    @property
    def kept(self) -> float:
        """Customers kept who would have left."""
        return self.dissatisfied * self.complain * (self.stay_with - self.stay_without)

    @property
    def profit(self) -> float:
        """Value of those kept less the cost of the desk."""
        return self.kept * self.value_of_customer - self.cost

    @property
    def return_on_cost(self) -> float:
        """Profit per unit of cost; infinite for a desk that costs nothing and keeps somebody."""
        if self.cost:
            return self.profit / self.cost
        return math.inf if self.profit > 0 else 0.0

    @property
    def break_even_value(self) -> float:
        """Value of a customer at which the desk pays for itself; infinite when it keeps nobody."""
        return self.cost / self.kept if self.kept > 0.0 else math.inf


@typed
def erlang_c(staff: int, load: float) -> float:
    """Chance that a complaint has to wait: Erlang C for `staff` clerks and offered load a/mu; 1 when load >= staff.

    Examples
    --------
    >>> round(erlang_c(3, 2.0), 4)
    0.4444
    """
    check_count(staff, "staff", most=MOST_STAFF)
    check_number(load, "load", least=0)
    if load >= staff:
        return 1.0
    blocked = 1.0  # Erlang B by its recursion, which neither overflows nor cancels.
    for k in range(1, staff + 1):
        blocked = load * blocked / (k + load * blocked)
    return staff * blocked / (staff - load * (1.0 - blocked))


@typed
@dataclass(frozen=True, kw_only=True)
class Desk:
    """`staff` clerks; complaints arrive and are served at rates per time unit (above 0).

    Examples
    --------
    >>> desk = Desk(staff=3, arrivals=10.0, service_rate=5.0)
    >>> round(desk.mean_wait(), 4), round(desk.replied_within(0.5), 4)
    (0.0889, 0.8267)
    """

    staff: int
    arrivals: float
    service_rate: float

    def __post_init__(self) -> None:
        check_count(self.staff, "staff")
        check_number(self.arrivals, "arrivals", least=0)
        check_number(self.service_rate, "service_rate", above=0)

    @property
    def stable(self) -> bool:
        """Whether the clerks can keep up."""
        return self.arrivals < self.staff * self.service_rate

    def mean_wait(self) -> float:
        """Mean time until a clerk takes the complaint; infinite when the clerks cannot keep up."""
        if not self.stable:
            return math.inf
        wait = erlang_c(self.staff, self.arrivals / self.service_rate)
        return wait / (self.staff * self.service_rate - self.arrivals)

    def replied_within(self, t: float) -> float:
        """Share of complaints answered (waited for and served) within t; 0 when the clerks cannot keep up."""
        if not self.stable or t <= 0.0:
            return 0.0
        mu, spare = self.service_rate, self.staff * self.service_rate - self.arrivals
        wait = erlang_c(self.staff, self.arrivals / mu)
        served = -math.expm1(-mu * t)
        # With probability 1 - C only the service; else wait ~ Exp(spare) plus service ~ Exp(mu).
        if abs(spare - mu) < 1e-9 * mu:
            both = 1.0 - math.exp(-mu * t) * (1.0 + mu * t)
        else:
            both = 1.0 - (spare * math.exp(-mu * t) - mu * math.exp(-spare * t)) / (spare - mu)
        return (1.0 - wait) * served + wait * both


@typed
def best_staff(
    *,
    arrivals: float,
    service_rate: float,
    quick_within: float,
    value_quick: float,
    value_slow: float,
    wage: float,
    most: int = 1000,
) -> int:
    """Number of clerks with the most profit per time unit; 0 when none pays.

    Profit of c clerks: arrivals * (value_slow + P(reply within quick_within) (value_quick - value_slow)) - c wage,
    against no desk, which earns 0. A desk that cannot keep up is not considered. Profit is concave in c once stable,
    so the first clerk who does not pay ends the search.

    Parameters
    ----------
    arrivals : float
        Complaints per time unit.
    service_rate : float
        Complaints that a clerk answers per time unit.
    quick_within : float
        Time within which a reply counts as quick.
    value_quick, value_slow : float
        Money that a complaint is worth when answered in time and when answered later.
    wage : float
        Money per clerk and time unit.
    most : int
        The largest number of clerks that is tried.

    Examples
    --------
    >>> best_staff(arrivals=10, service_rate=4, quick_within=1, value_quick=30, value_slow=5, wage=20)
    4
    """
    for name, value in (("value_quick", value_quick), ("value_slow", value_slow), ("quick_within", quick_within)):
        check_number(value, name)
    check_number(wage, "wage", least=0)
    check_count(most, "most", most=MOST_STAFF)
    best, profit = 0, 0.0
    last = -math.inf
    for staff in range(1, most + 1):
        desk = Desk(staff=staff, arrivals=arrivals, service_rate=service_rate)
        if not desk.stable:
            continue
        quick = desk.replied_within(quick_within)
        earned = arrivals * (value_slow + quick * (value_quick - value_slow)) - staff * wage
        if earned > profit:
            best, profit = staff, earned
        if earned <= last:
            break
        last = earned
    return best
