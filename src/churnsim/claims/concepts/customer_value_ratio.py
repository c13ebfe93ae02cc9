"""`customer-value-ratio`: benefits over costs, above one delighted, one content, below one not."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["CUSTOMER_VALUE_RATIO"]

WAITING = waits_for("the instrument satisfaction/value.py")

CUSTOMER_VALUE_RATIO = Claim(
    id="customer-value-ratio",
    says=(
        "Customer value is benefits over costs, each weighted: above 1 the customer is delighted, at "
        "1 content, below 1 dissatisfied."
    ),
    quote="顾客价值 V = Σαu / Σβc … >1, 高兴 =1,基本满意 <1, 不满意",
    sources=(source("001"),),
    kind=Kind.CONCEPT,
    quantity=(
        "Share of customers whose state (delighted, content, dissatisfied) changes when every cost "
        "is measured in another unit, percent."
    ),
    expect="a state that does not depend on the units in which benefits and costs are scored",
    within=None,
    because=(
        "The ratio is exact arithmetic; a verdict that moves with the unit of a score has no tolerance that saves it."
    ),
    control=Control(what="the same scores with benefits and costs in one common unit", judge=WAITING),
    critique=(
        (
            "A ratio of sums in different units is not dimensionless: its threshold of 1 holds only "
            "after a scaling that the text does not give."
        ),
        ("Differences (surplus) and ratios order customers differently; economics argues for surplus."),
    ),
    judge=WAITING,
)
