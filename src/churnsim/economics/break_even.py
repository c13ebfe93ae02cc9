"""What may be spent on keeping a customer: break-evens of retention spend, in closed form.

With margin m a period, retention r, v = 1/(1+d), immediate timing M(r) = (1+d)/(1+d-r), and c spent each period on
every customer, a rise of retention from r to r + g pays when (m - c) M(r + g) > m M(r):

    largest spend for a gain g   c* = m g / (1 + d - r)
    least gain for a spend c     g* = c (1 + d - r) / m

since M(r)/M(r+g) = (1+d-r-g)/(1+d-r). A gain of g is worth the more the higher retention is already: one point at
.90 is worth twice one at .70 (d = .10). Against acquisition: an average cost per customer says nothing of what
the next unit of money brings.
"""

from __future__ import annotations

from churnsim.checks import check_count, check_number, check_share, typed
from churnsim.economics.multiples import discount_factor
from churnsim.errors import ConfigError


def _gap(retention: float, discount_rate: float) -> float:
    check_share(retention, "retention", zero=True)
    discount_factor(discount_rate)
    gap = 1.0 + discount_rate - retention
    if gap <= 0.0:
        raise ConfigError("customers who never leave and are not discounted are worth infinitely much.")
    return gap


@typed
def most_spend(*, margin: float, retention: float, gain: float, discount_rate: float) -> float:
    """Largest spend per customer and period that a rise of retention by `gain` (points as a fraction) pays for.

    Examples
    --------
    >>> round(most_spend(margin=100, retention=0.8, gain=0.05, discount_rate=0.1), 2)
    16.67
    """
    return check_number(margin, "margin") * check_number(gain, "gain") / _gap(retention, discount_rate)


@typed
def least_gain(*, margin: float, retention: float, spend: float, discount_rate: float) -> float:
    """Least rise of retention that pays for `spend` per customer and period.

    Examples
    --------
    >>> round(least_gain(margin=100, retention=0.8, spend=10, discount_rate=0.1), 3)
    0.03
    """
    return check_number(spend, "spend") * _gap(retention, discount_rate) / check_number(margin, "margin", above=0)


@typed
def growth_ratio(*, acquisition: float, churn: float, other_churn: float) -> float:
    """Growth of a firm with `churn` over that of one with `other_churn`, both winning `acquisition` of their size.

    Examples
    --------
    >>> round(growth_ratio(acquisition=0.2, churn=0.1, other_churn=0.15), 2)
    2.0
    """
    for name, value in (("acquisition", acquisition), ("churn", churn), ("other_churn", other_churn)):
        check_number(value, name)
    slower = acquisition - other_churn
    if slower == 0.0:
        return float("inf")
    return (acquisition - churn) / slower


@typed
def years_of_double_growth(
    *, start: float, won: float, churn: float, other_churn: float, low: float, high: float, years: int
) -> list[int]:
    """Years 1 ... `years` in which the firm with less churn grows `low` to `high` times as fast as the other.

    Both win the same *number* of customers a year from the same start. Growth is the year's change over its beginning.

    Parameters
    ----------
    start : float
        Customers of both firms at the start.
    won : float
        Customers both win each year.
    churn, other_churn : float
        Share of the customers that each firm loses a year.
    low, high : float
        Limits of the ratio of the two growth rates.
    years : int
        How many years are looked at.

    Examples
    --------
    >>> years_of_double_growth(start=100, won=20, churn=0.1, other_churn=0.15, low=1.8, high=2.2, years=10)
    [1, 2, 3, 4, 5]
    """
    check_count(years, "years")
    for name, value in (("start", start), ("won", won)):
        check_number(value, name, above=0)
    check_share(churn, "churn", zero=True)
    check_share(other_churn, "other_churn", zero=True)
    loyal, other, inside = start, start, []
    for year in range(1, years + 1):
        a, b = won / loyal - churn, won / other - other_churn
        if b > 0.0 and low <= a / b <= high:
            inside.append(year)
        loyal, other = loyal * (1.0 + a), other * (1.0 + b)
    return inside
