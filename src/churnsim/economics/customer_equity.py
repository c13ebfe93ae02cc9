"""Customer equity: what customers of today and those to come are worth, beside the asset equation of
'After-marketing management' (undated).

Customer equity = n * V(existing) + the sum over future periods t of n_t (V(new) - A) v^t, with V the value of one
customer, A the cost of winning one, n_t those won in period t (Blattberg & Deighton 1996; Gupta, Lehmann & Stuart
2004).

The equation of 'After-marketing management' (undated) is value = NPV(existing) (1 - churn) + NPV(potential).
NPV(existing) is the discounted margin of a customer who stays with some chance each period, so churn is in it already.
For one retention rate r = 1 - churn and a customer just renewed the NPV is (1+d)/(1+d-r) and r times it is exactly the
value just *before* a renewal: there the equation is right and nothing is counted twice. Read with any other NPV it is
too low by the share that churns.
"""

from __future__ import annotations

from collections.abc import Sequence

from churnsim.checks import check_share, typed
from churnsim.economics.multiples import MarginTiming, discount_factor, margin_multiple
from churnsim.economics.survival_curves import CustomerLife


@typed
def asset_equation(*, existing: float, churn: float, potential: float) -> float:
    """The text's value: existing * (1 - churn) + potential; ConfigError unless churn is a share.

    Examples
    --------
    >>> asset_equation(existing=1000.0, churn=0.1, potential=200.0)
    1100.0
    """
    check_share(churn, "churn", zero=True)
    return existing * (1.0 - churn) + potential


@typed
def customer_equity(
    *,
    customers: float,
    value_existing: float,
    new_customers: Sequence[float] = (),
    value_new: float = 0.0,
    acquisition_cost: float = 0.0,
    discount_rate: float = 0.0,
) -> float:
    """n V + sum over t = 1, 2, ... of n_t (V_new - A) v^t; `new_customers[0]` are won one period from now.

    Parameters
    ----------
    customers : float
        n, customers of today.
    value_existing : float
        V, money that one of them is worth.
    new_customers : sequence of float
        n_t, customers won one, two, ... periods from now.
    value_new : float
        Money that a customer won is worth when won.
    acquisition_cost : float
        A, money per customer won.
    discount_rate : float
        d, per period.

    Examples
    --------
    >>> round(
    ...     customer_equity(
    ...         customers=1000, value_existing=50, new_customers=[100, 100], value_new=60, acquisition_cost=20,
    ...         discount_rate=0.1,
    ...     )
    ... )
    56942
    """
    v = discount_factor(discount_rate)
    coming = sum(n * v**t for t, n in enumerate(new_customers, start=1))
    return customers * value_existing + coming * (value_new - acquisition_cost)


@typed
def equation_multiple(life: CustomerLife, *, discount_rate: float, timing: MarginTiming) -> float:
    """The equation's value of one existing customer per unit of margin: (1 - churn) times the multiple in `timing`.

    Examples
    --------
    >>> from churnsim.economics import Geometric, MarginTiming
    >>> round(equation_multiple(Geometric(retention=0.8), discount_rate=0.1, timing=MarginTiming.IMMEDIATE), 4)
    2.9333
    """
    return life.survival(1) * margin_multiple(life, discount_rate=discount_rate, timing=timing)


@typed
def asset_equation_bias(
    life: CustomerLife, *, discount_rate: float, read_as: MarginTiming, truth: MarginTiming
) -> float:
    """Relative error of the equation for an existing customer whose true multiple has the timing `truth`, when its NPV
    is read in the timing `read_as`.

    Examples
    --------
    >>> from churnsim.economics import Geometric, MarginTiming
    >>> bias = asset_equation_bias(
    ...     Geometric(retention=0.8), discount_rate=0.1, read_as=MarginTiming.BEFORE_RENEWAL,
    ...     truth=MarginTiming.BEFORE_RENEWAL,
    ... )
    >>> round(bias, 4)
    -0.2
    """
    true = margin_multiple(life, discount_rate=discount_rate, timing=truth)
    return equation_multiple(life, discount_rate=discount_rate, timing=read_as) / true - 1.0
