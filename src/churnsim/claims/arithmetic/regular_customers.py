"""`regular-customers`: five percent more regular customers, twenty-five percent more profit."""

from __future__ import annotations

from churnsim.claims.arithmetic.retention_table import OTHER_FIXED_COST, table
from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.verdicts import Answer

MORE, STATED, WITHIN = 0.05, 0.25, 0.025
SHARES = tuple(round(0.05 * i, 2) for i in range(20))
"""Fixed cost as a share of the contribution of the regular customers."""


def gain(fixed_share: float, *, more: float = MORE) -> float:
    """Relative rise of profit n m - F when n rises by `more` at the same margin: more / (1 - F / (n m))."""
    return more / (1.0 - fixed_share)


def judge(evidence: Evidence = None, quick: bool = False, *, shares: tuple[float, ...] = SHARES) -> Finding:
    """Which fixed cost makes it true; the control has none."""
    low, high = (1.0 - MORE / g for g in (STATED - WITHIN, STATED + WITHIN))
    inside = [low <= share <= high for share in shares]
    column = table().column(0.75)
    own = OTHER_FIXED_COST / column.net_contribution
    answer = Answer.FAILS if not any(inside) else Answer.HOLDS if all(inside) else Answer.UNDECIDED
    return Finding(
        answer=answer,
        reason=(
            f"{MORE:.0%} more customers of the same margin bring {MORE:.0%} more contribution. Profit rises by "
            f"{STATED:.0%} only through leverage on a fixed cost: it must be {1 - MORE / STATED:.0%} of the "
            f"contribution. In the retention table of 'Keeping existing customers' (undated) it is {own:.1%} at 75% "
            f"retention, and {MORE:.0%} more "
            f"customers there give {gain(own):.1%}. Winning them is free in this reckoning."
        ),
        estimate=100.0 * (1.0 - MORE / STATED),
        unit="percent of contribution that is fixed cost",
        region=f"Fixed cost between {low:.1%} and {high:.1%} of contribution, and the customers cost nothing to win."
        if answer is Answer.UNDECIDED
        else None,
        tables={
            "leverage": [
                {"fixed_cost_share": share, "profit_gain": gain(share), "inside": ok}
                for share, ok in zip(shares, inside, strict=True)
            ]
        },
    )
