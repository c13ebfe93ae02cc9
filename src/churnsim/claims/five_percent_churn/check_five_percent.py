"""Second implementation of the map of `five-percent-churn`: year by year to a far horizon, no closed form.

Written from the formulas of the papers: a cohort in which the churn probability of year t among those left is
alpha / (alpha + beta + t - 1) (Fader & Hardie 2007, eq. 7 rearranged), 1 - r for all, or 0 until the mean life is over.
"""

from __future__ import annotations

__all__ = ["gain_by_cohort", "worth_by_cohort"]

HORIZON = 4000
CARD = (30.0, 42.0, 44.0, 49.0, 55.0, 60.0)


def worth_by_cohort(*, retention: float, rate: float, growing: bool, cost: float, polarization: float | None) -> float:
    """Worth of a new customer; polarization None is one life for all, 0 one churn for all."""
    worth, left = -cost, 1.0
    for year in range(1, HORIZON + 1):
        profit = (CARD[year - 1] if year <= 6 else CARD[5]) if growing else 44.0
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
