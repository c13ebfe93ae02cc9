"""`cheaper-to-serve`: old customers cost less to serve than new ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind
from churnsim.claims.machinery.sources import source
from churnsim.claims.machinery.verdicts import Verdict

__all__ = ["CHEAPER_TO_SERVE", "judge"]

RISING = {1: 10.0, 2: 11.0, 3: 12.0}
"""Made up for the control: costs that rise with tenure."""


def judge(evidence: Evidence = None, quick: bool = False, *, costs: Mapping[int, float] | None = None) -> Finding:
    """Whether cost to serve per unit of revenue falls with tenure, given such costs; none are at hand."""
    if costs is None:
        return Finding(
            verdict=Verdict.UNTESTABLE,
            reason=(
                "None of the data at hand holds costs by customer: CDNOW has purchases, Telco charges. It "
                "takes costs of service by customer and year, with revenue beside them, for the same "
                "customers over time. To put a falling cost into the simulation would return it."
            ),
        )
    by_year = [costs[year] for year in sorted(costs)]
    falls = all(later < earlier for earlier, later in pairwise(by_year))
    return Finding(
        verdict=Verdict.HOLDS if falls else Verdict.FAILS,
        reason=f"Cost to serve by year of the relation: {', '.join(f'{cost:g}' for cost in by_year)}.",
        estimate=by_year[-1] - by_year[0],
        unit="money per customer and year, last year less first",
    )


CHEAPER_TO_SERVE = Claim(
    id="cheaper-to-serve",
    says="Existing customers cost less in service, support and persuasion than new ones.",
    quote=(
        "企业对于老顾客的售后服务成本及技术支持成本也较低 (《怎样重新经营被流失的顾客》); "
        "維繫老顧客的成本比爭取新顧客的成本低得多 (《後行銷管理》)"
    ),
    sources=(
        source("win-back", measured="No study is named."),
        source("after-marketing", measured="No study is named."),
        source("small-firms", measured="No study is named."),
    ),
    kind=Kind.DATA,
    quantity="Cost to serve per customer and year, by year of the relation, of the same customers, money.",
    expect="falling with tenure, interval below zero",
    within=None,
    because="A sign, judged by its interval.",
    control=Control(what="costs made up to rise with tenure", inputs={"costs": RISING}),
    critique=(
        "Dowling & Uncles (1997, Sloan Management Review 38(4), 71-82): loyal customers are not cheaper to serve.",
        "Reinartz & Kumar (2000, 2002): promotion costs do not fall with the length of the relation, and long-lived "
        "customers expect lower prices.",
    ),
    judge=judge,
)
