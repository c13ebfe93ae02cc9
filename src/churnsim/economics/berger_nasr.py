"""The five cases of Berger & Nasr (1998), "Customer lifetime value: marketing models and applications", Journal of
Interactive Marketing 12(1), 17-30. Symbols as there.

Gross contribution GC falls at a sale, promotion M in the middle between two sales; r is retention, d the yearly
discount rate, n the years looked at. Case 1: a sale a year. Case 2a: p sales a year; 2b: one sale in q years. Case
3: profit changes with time. Case 4: profit flows continuously. Case 5: customers lapse and come back, their chance
to buy depending on how long ago they last did (Dwyer 1989).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from scipy.integrate import quad

from churnsim.checks import check_count, check_number, check_share, typed
from churnsim.economics.multiples import discount_factor
from churnsim.economics.switching import checked_chances

MOST = 1_000_000  # sales or years, beyond any relation


@typed
def repeated_sales(
    *,
    contribution: float,
    promotion: float,
    retention: float,
    discount_rate: float,
    sales: int,
    years_between: float = 1.0,
) -> float:
    """Cases 1 and 2: CLV over the first sale and `sales` further ones, `years_between` apart.

    GC sum_{i=0}^{n} r^i v^(i q) - M sum_{i=1}^{n} r^(i-1) v^((i - 1/2) q), with q years between sales (1/p in case
    2a) and `contribution`, `promotion`, `retention` per sale. Raises ConfigError for retention outside 0 to 1 or
    sales below 0.

    Parameters
    ----------
    contribution : float
        GC, money a sale brings.
    promotion : float
        M, money spent on the customer between two sales.
    retention : float
        r, chance that the customer buys again, per sale.
    discount_rate : float
        d, per year; 0.10 is ten percent.
    sales : int
        n, number of sales after the first.
    years_between : float
        q, years between two sales.

    Returns
    -------
    float
        Money, net present value of the customer.

    Examples
    --------
    The paper's case 1: 260 a year, 50 of promotion, 75% stay, 20% a year.

    >>> round(repeated_sales(contribution=260, promotion=50, retention=0.75, discount_rate=0.2, sales=10), 2)
    568.78
    """
    check_share(retention, "retention", zero=True)
    check_count(sales, "sales", least=0, most=MOST)
    check_number(years_between, "years_between", above=0, remedy="Twice a year is 0.5.")
    w = discount_factor(discount_rate) ** years_between
    earned = contribution * math.fsum((retention * w) ** i for i in range(sales + 1))
    spent = promotion * math.fsum(retention ** (i - 1) * w ** (i - 0.5) for i in range(1, sales + 1))
    return earned - spent


@typed
def growing_then_levelling(*, v: float, h: float, g: int, N: float) -> Callable[[float], float]:
    """The profit of case 3: v + h t^2 up to year g, then v + h g^2 + N (1 - e^(g - t)): fast growth that levels off.

    Examples
    --------
    >>> profit = growing_then_levelling(v=46.0, h=0.6, g=7, N=30.0)
    >>> profit(0), round(profit(8), 2)
    (46.0, 94.36)
    """

    def profit(t: float) -> float:
        return v + h * min(t, g) ** 2 + (N * -math.expm1(g - t) if t > g else 0.0)

    return profit


@typed
def changing_profit(profit: Callable[[float], float], *, retention: float, discount_rate: float, years: int) -> float:
    """Case 3: sum_{t=0}^{n} profit(t) (r v)^t.

    Examples
    --------
    >>> profit = growing_then_levelling(v=46.0, h=0.6, g=7, N=30.0)
    >>> round(changing_profit(profit, retention=0.75, discount_rate=0.2, years=10), 2)
    132.34
    """
    check_share(retention, "retention", zero=True)
    check_count(years, "years", least=0, most=MOST)
    w = retention * discount_factor(discount_rate)
    return math.fsum(profit(t) * w**t for t in range(years + 1))


@typed
def continuous_profit(
    profit: Callable[[float], float],
    *,
    retention: float,
    discount_rate: float,
    years: float,
    breaks: Sequence[float] = (),
) -> float:
    """Case 4: integral from 0 to n of profit(t) (r v)^t dt; `breaks` are the times at which profit(t) has a kink.

    Examples
    --------
    >>> round(continuous_profit(lambda t: 46.0, retention=0.75, discount_rate=0.2, years=10), 2)
    96.98
    """
    check_share(retention, "retention", zero=True)
    check_number(years, "years", least=0)
    w = retention * discount_factor(discount_rate)
    points = [t for t in breaks if 0.0 < t < years] or None
    value, _ = quad(lambda t: profit(t) * w**t, 0.0, years, points=points, epsabs=0.0, epsrel=1e-10, limit=200)
    return float(value)


@typed
def migration(
    *,
    buys: Sequence[float],
    contribution: float,
    promotion: float,
    discount_rate: float,
    periods: int,
) -> float:
    """Case 5: net present value of one customer who has just bought, over `periods` further ones.

    `buys[j]` is the chance to buy of a customer whose last purchase is j + 1 periods ago; whoever lets all of them
    pass is lost. Everyone not lost is promoted to (in the middle of the period), each buyer brings the contribution
    at its end. The purchase just made is not counted.

    Examples
    --------
    >>> round(migration(buys=(0.3, 0.2, 0.15, 0.05), contribution=50, promotion=1, discount_rate=0.2, periods=10), 2)
    30.7
    """
    check_count(periods, "periods", least=0, most=MOST)
    checked_chances(buys)
    v = discount_factor(discount_rate)
    by_recency = [1.0] + [0.0] * (len(buys) - 1)
    worth = 0.0
    for t in range(1, periods + 1):
        bought = math.fsum(n * chance for n, chance in zip(by_recency, buys, strict=True))
        worth += bought * contribution * v**t - math.fsum(by_recency) * promotion * v ** (t - 0.5)
        lapsed = [n * (1.0 - chance) for n, chance in zip(by_recency, buys, strict=True)]
        by_recency = [bought, *lapsed[:-1]]
    return worth
