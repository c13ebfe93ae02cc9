"""Second implementation of the retention table and the complaint tree, in exact fractions, by head counts."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["books", "lost_of_hundred", "profit_rise"]


def books(lost: int) -> dict[str, Fraction]:
    """A year's books of 20 customers of whom `lost` leave and are replaced, customer by customer (millions)."""
    sales = gross = marketing = Fraction(0)
    for customer in range(20):
        replaced = customer < lost
        sales += 6 if replaced else 8
        gross += Fraction(3, 2) if replaced else 4
        marketing += Fraction(37, 10) if replaced else Fraction(7, 10)
    profit = gross - marketing - 30
    return {
        "sales": sales,
        "gross_profit": gross,
        "marketing": marketing,
        "net_contribution": gross - marketing,
        "profit": profit,
        "return_on_sales": profit / sales,
    }


def profit_rise() -> Fraction:
    """Profit at 80% retention over profit at 75%, less one."""
    return books(4)["profit"] / books(5)["profit"] - 1


def lost_of_hundred() -> Fraction:
    """Lost of 100 dissatisfied: one of four who complain, nineteen of every twenty of the rest."""
    complain = Fraction(4)
    return complain / 4 + (100 - complain) * Fraction(19, 20)
