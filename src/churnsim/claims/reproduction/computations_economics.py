"""Computations of published figures that closed forms of `economics` give, from their inputs alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from churnsim.claims.machinery.reference_data import Workbench
from churnsim.economics import berger_nasr, markov

__all__ = ["ECONOMICS"]


def clv_of_repeated_sales(
    _: Workbench,
    *,
    contribution: float,
    promotion: float,
    retention: float,
    rate: float,
    sales: int,
    years_between: float = 1.0,
) -> float:
    """Berger & Nasr's cases 1 and 2."""
    return berger_nasr.repeated_sales(
        contribution=contribution,
        promotion=promotion,
        retention=retention,
        discount_rate=rate,
        sales=sales,
        years_between=years_between,
    )


def recency_chain_value(
    _: Workbench,
    *,
    buys: Sequence[float],
    contribution: float,
    promotion: float,
    rate: float,
    recency: int,
    periods: int | None = None,
) -> float:
    """Value of a customer at that recency: contribution less promotion after a purchase, promotion until lost."""
    rewards = [contribution - promotion, *[-promotion] * (len(buys) - 1), 0.0]
    values = markov.chain_values(markov.recency_chain(buys), rewards, discount_rate=rate, periods=periods)
    return float(values[recency - 1])


ECONOMICS: Mapping[str, Callable[..., float]] = {
    function.__name__: function for function in (clv_of_repeated_sales, recency_chain_value)
}
