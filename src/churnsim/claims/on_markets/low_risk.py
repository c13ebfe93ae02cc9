"""`low-risk`: keeping customers is low cost, low risk and high performance."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["LOW_RISK"]

WAITING = waits_for("the distribution of profit (CVaR) and the compiled engine")

LOW_RISK = Claim(
    id="low-risk",
    says=("Conquest marketing is high risk; keeping customers has low cost, low risk and high performance."),
    quote="傳統的行銷管理面臨“高風險”,後行銷管理創造“低成本、低風險、高績效”的綜合效應",
    sources=(source("000", measured="No study is named."),),
    kind=Kind.SIMULATION,
    quantity=(
        "Difference of mean, standard deviation and conditional value at risk (5%) of profit between "
        "a retention-heavy and an acquisition-heavy split of one budget, money, paired."
    ),
    expect="more mean profit, less spread and a better worst twentieth under retention",
    within=None,
    because="Signs, judged by paired intervals.",
    control=Control(what="retention that has no effect on anybody", judge=WAITING),
    critique=(
        (
            "How answers to spending vary from year to year is an assumption; without it a simulation "
            "knows only the chance of single customers."
        ),
        ("Keeping concentrates a firm on customers it already has: diversification speaks for acquisition."),
    ),
    judge=WAITING,
)
