"""`importance-performance`: the matrix of importance and performance says where to improve."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["IMPORTANCE_PERFORMANCE"]

WAITING = waits_for("the instrument satisfaction/importance.py")

IMPORTANCE_PERFORMANCE = Claim(
    id="importance-performance",
    says=("A matrix of how important features are and how well the firm does on them gives strategic direction."),
    quote="利用满意测评数据确立战略方向——重要性、绩效矩阵分析",
    sources=(
        source(
            "001",
            study=("Martilla & James 1977, Importance-performance analysis, Journal of Marketing 41(1), 77-79"),
            measured="Ratings of an automobile dealer by its customers on 14 attributes.",
        ),
    ),
    kind=Kind.CONCEPT,
    quantity=(
        "Quadrant of each attribute, and the share of attributes whose quadrant changes when means "
        "are replaced by medians or importance is derived instead of stated, percent."
    ),
    expect="quadrants that do not depend on where the axes are crossed",
    within=None,
    because="A quadrant is a class: it changes or it does not.",
    control=Control(what="importance and performance exchanged", judge=WAITING),
    critique=(
        (
            "Where the lines cross is arbitrary, and stated importance is close to flat; derived "
            "importance orders attributes differently."
        ),
    ),
    judge=WAITING,
)
