"""`gold-customers`: find the best by RFM, regression, factors and clusters."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["GOLD_CUSTOMERS"]

WAITING = waits_for("the methods of selection (data side of the database)")

GOLD_CUSTOMERS = Claim(
    id="gold-customers",
    says=("RFM, regression, factor and cluster analysis pick the gold customers out of the database."),
    quote="能够通过RFM分析法、回归分析法、因子分析法、聚类分析法等工具从顾客数据库中挑选出对企业有价值的金牌顾客",
    sources=(source("002", measured="No study is named."),),
    kind=Kind.DATA,
    quantity=(
        "Share of the spend of weeks 40-78 that the 20% picked by each method in weeks 1-39 bring, percent, CDNOW."
    ),
    expect="each method above a pick by chance, interval above zero",
    within=None,
    because="A sign, judged by a bootstrap interval over customers.",
    control=Control(what="a pick by chance", judge=WAITING),
    critique=(
        (
            "Past spend alone is hard to beat: Wuebben & von Wangenheim (2008, Journal of Marketing "
            "72(3), 82-93) find simple heuristics as good as models for classes."
        ),
    ),
    judge=WAITING,
)
