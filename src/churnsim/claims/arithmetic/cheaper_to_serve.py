"""`cheaper-to-serve`: old customers cost less to serve than new ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.verdicts import Answer


def judge(evidence: Evidence = None, quick: bool = False, *, costs: Sequence[float] | None = None) -> Finding:
    """Whether cost to serve falls with the year of the relation, given such `costs`; none are at hand."""
    if costs is None:
        return Finding(
            answer=Answer.UNDECIDED,
            reason=(
                "None of the data at hand holds costs by customer: CDNOW has purchases, Telco charges. It "
                "takes costs of service by customer and year, with revenue beside them, for the same "
                "customers over time. To put a falling cost into the simulation would return it."
            ),
        )
    falls = all(later < earlier for earlier, later in pairwise(costs))
    return Finding(
        answer=Answer.HOLDS if falls else Answer.FAILS,
        reason=f"Cost to serve by year of the relation: {', '.join(f'{cost:g}' for cost in costs)}.",
        estimate=costs[-1] - costs[0],
        unit="money per customer and year, last year less first",
    )
