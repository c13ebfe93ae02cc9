"""`cheaper-to-serve`: old customers cost less to serve than new ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.verdicts import Answer

RISING = {1: 10.0, 2: 11.0, 3: 12.0}
"""Made up for the control: costs that rise with tenure."""


def judge(evidence: Evidence = None, quick: bool = False, *, costs: Mapping[int, float] | None = None) -> Finding:
    """Whether cost to serve per unit of revenue falls with tenure, given such costs; none are at hand."""
    if costs is None:
        return Finding(
            answer=Answer.UNDECIDED,
            reason=(
                "None of the data at hand holds costs by customer: CDNOW has purchases, Telco charges. It "
                "takes costs of service by customer and year, with revenue beside them, for the same "
                "customers over time. To put a falling cost into the simulation would return it."
            ),
        )
    by_year = [costs[year] for year in sorted(costs)]
    falls = all(later < earlier for earlier, later in pairwise(by_year))
    return Finding(
        answer=Answer.HOLDS if falls else Answer.FAILS,
        reason=f"Cost to serve by year of the relation: {', '.join(f'{cost:g}' for cost in by_year)}.",
        estimate=by_year[-1] - by_year[0],
        unit="money per customer and year, last year less first",
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """The wrong variant that the statement names."""
    return judge(evidence, quick, costs=RISING)


def planted(evidence: Evidence, quick: bool) -> Finding:
    """The same costs in the other order."""
    return judge(evidence, quick, costs=dict(zip(RISING, sorted(RISING.values(), reverse=True), strict=True)))
