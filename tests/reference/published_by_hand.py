"""Second implementations of the claims' arithmetic, written from the texts and papers and not from `economics`.

The card's and the tables' figures are in exact fractions, by Horner's rule and by head counts. The map of
`five-percent-churn` is followed year by year to a far horizon, with no closed form: the churn probability of year t
among those left is alpha / (alpha + beta + t - 1) (Fader & Hardie 2007, eq. 7 rearranged), 1 - r for all, or 0 until
the mean life is over.
"""

from __future__ import annotations

from fractions import Fraction

TABLE = ("-51", "30", "42", "44", "49", "55")


def card_worth(percent: int, years: int = 5, sixth: str = "55") -> Fraction:
    """Worth now of the card's first `years` years (at most six) at a whole percentage rate, by Horner's rule."""
    flows = [Fraction(flow) for flow in (*TABLE, sixth)][: years + 1]
    worth = Fraction(0)
    for flow in reversed(flows):
        worth = flow + worth * Fraction(100, 100 + percent)
    return worth


def printed_sum() -> Fraction:
    """Sum of the present-value column as it stands in the text."""
    return sum((Fraction(cell) for cell in ("-51.0", "27.3", "34.7", "33.0", "33.5", "34.2")), Fraction(0))


def card_with_leavers(percent: int, leaving: Fraction, years: int) -> Fraction:
    """The card when a fraction leaves at each year's end, followed year by year; 55 from year six on."""
    left, factor, worth = Fraction(1), Fraction(1), Fraction(TABLE[0])
    for year in range(1, years + 1):
        factor *= Fraction(100, 100 + percent)
        worth += left * factor * (Fraction(TABLE[year]) if year < len(TABLE) else 55)
        left -= left * leaving
    return worth


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


HORIZON = 4000
CARD = (30.0, 42.0, 44.0, 49.0, 55.0)


def worth_by_cohort(*, retention: float, rate: float, growing: bool, cost: float, polarization: float | None) -> float:
    """Worth of a new customer; polarization None is one life for all, 0 one churn for all."""
    worth, left = -cost, 1.0
    for year in range(1, HORIZON + 1):
        profit = (CARD[year - 1] if year <= 5 else CARD[4]) if growing else 44.0
        if polarization is None:
            # Years of the mean life that fall into this one.
            life = 1.0 / (1.0 - retention) if retention < 1.0 else float(HORIZON)
            here = max(0.0, min(1.0, life - (year - 1)))
        else:
            here = left
            churn = 1.0 - retention
            if polarization > 0.0 and churn > 0.0:
                total = 1.0 / polarization - 1.0
                churn = churn * total / (total + year - 1)
            left *= 1.0 - churn
        worth += here * profit / (1.0 + rate) ** year
    return worth


def gain_by_cohort(
    *, retention: float, points: float, rate: float, growing: bool, cost: float, polarization: float | None
) -> float:
    """Relative gain when retention rises by `points`."""
    before, after = (
        worth_by_cohort(retention=r, rate=rate, growing=growing, cost=cost, polarization=polarization)
        for r in (retention, retention + points)
    )
    return (after - before) / before
